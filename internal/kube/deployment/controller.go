//go:build !nokube

package deployment

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ControllerName is what GatewayClasses name in spec.controllerName to be served.
const ControllerName gatewayv1.GatewayController = "tollgate.dev/gateway"

// Options say what a controller looks after, and with what.
type Options struct {
	Settings
	// Namespace is the one whose Gateways are looked after; "": all. Gateways are then
	// bound to what their namespace holds.
	Namespace string
	// LeaseNamespace is where the lease is that one of several controllers holds.
	LeaseNamespace string
	// Identity is the name of this controller in the lease, unlike that of any other.
	Identity string
	// PodNamespace and PodName are the pod that the controller runs in, from which an absent
	// Image is taken; "": none.
	PodNamespace, PodName string
	// ForeignBackends lets it start although the cluster's definition of Backend is another
	// program's and refuses those that name an AI provider.
	ForeignBackends bool
	Version         string // of the program, told to the API server
	Log             *slog.Logger
	// Library is where client-go's own log goes; nil: to that of Log.
	Library slog.Handler
	// Random is where master keys come from; nil: the operating system.
	Random io.Reader
}

// Controller makes what the Gateways of a cluster need to run, and keeps it so. Several may
// run: the one that holds the lease acts.
type Controller struct {
	options Options
	client  dynamic.Interface
	leases  coordinationv1.LeasesGetter
	log     *slog.Logger
	fits    atomic.Bool
}

// How long a lease is good without being renewed, and how often that is tried.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// New makes a controller of the cluster that a connection leads to. An error says what is
// wrong with the options.
func New(connection *rest.Config, o Options) (*Controller, error) {
	settings := o.Settings
	if o.Image == "" && o.PodName != "" {
		settings.Image = program // the pod will tell
	}
	if err := settings.Check(); err != nil {
		return nil, err
	}
	connection = rest.CopyConfig(connection)
	connection.UserAgent = Manager + "/" + cmp.Or(o.Version, "unknown")
	// Enough for a start among many Gateways; the cluster has its own fairness.
	connection.QPS, connection.Burst = 50, 100
	client, err := dynamic.NewForConfig(connection)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	leases, err := coordinationv1.NewForConfig(connection)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return newController(client, leases, o), nil
}

func newController(client dynamic.Interface, leases coordinationv1.LeasesGetter, o Options) *Controller {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	o.Namespaced = o.Namespaced || o.Namespace != ""
	return &Controller{options: o, client: client, leases: leases, log: o.Log}
}

// Waiting says what the controller still waits for; nothing once it has found the cluster in
// order, whether it leads or stands by.
func (c *Controller) Waiting() []string {
	if c.fits.Load() {
		return nil
	}
	return []string{"cluster"}
}

// Run looks after Gateways whenever it holds the lease, until the context ends. It gives an
// error if the cluster is not one that it can work in, and says what to do about that.
func (c *Controller) Run(ctx context.Context) error {
	// The library tells of its connections in the log that comes with the context.
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(cmp.Or(c.options.Library, c.log.Handler())))
	if err := c.image(ctx); err != nil {
		return err
	}
	if err := c.options.Check(); err != nil {
		return err
	}
	if err := c.fit(ctx); err != nil {
		return err
	}
	c.fits.Store(true)
	for {
		err := c.term(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		c.log.Warn("lost the lease; waiting for another", "lease", c.options.LeaseNamespace+"/"+Manager)
	}
}

// term waits for the lease and leads until it is lost or the context ends.
func (c *Controller) term(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	led := make(chan error, 1)
	started := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: Manager, ReleaseOnCancel: true,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Namespace: c.options.LeaseNamespace, Name: Manager}, Client: c.leases,
			LockConfig: resourcelock.ResourceLockConfig{Identity: c.options.Identity},
		},
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				close(started)
				led <- c.lead(ctx)
				stop() // and with it the lease, if leading ended by itself
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("prepare the lease: %w", err)
	}
	elector.Run(ctx)
	stop()
	select {
	case <-started:
		return <-led
	default:
		return nil
	}
}

// lead looks after Gateways until the context ends.
func (c *Controller) lead(ctx context.Context) error {
	c.log.Info("looking after Gateways", "class", c.options.Class, "namespace", c.options.Namespace, "image", c.options.Image)
	err := newLoop(c).run(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
