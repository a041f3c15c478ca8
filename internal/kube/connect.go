//go:build !nokube

package kube

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"tollgate/internal/kube/manifest"
)

// Controller is the name by which GatewayClasses choose tollgate.
const Controller = "tollgate.dev/gateway"

// clients are how the API server is talked to.
type clients struct {
	objects dynamic.Interface
	kinds   interface {
		ServerResourcesForGroupVersionWithContext(ctx context.Context, groupVersion string) (*metav1.APIResourceList, error)
	}
	leases coordination.LeasesGetter
	host   string // of the API server, for people and to tell clusters apart
}

// Connect prepares to follow a cluster. It reads how to reach it and causes no traffic. The
// error says what is wrong with the options or with the kubeconfig.
func Connect(o Options) (*Cluster, error) {
	reach, namespace, err := access(o.Kubeconfig)
	if err != nil {
		return nil, err
	}
	// The start asks for a dozen kinds at once, and a leader may have many statuses to write.
	reach.QPS, reach.Burst = 100, 200
	reach.UserAgent = "tollgate/" + cmp.Or(o.Version, "unknown")
	reach.WarningHandler = warnings{o.Log}
	c := clients{host: reach.Host}
	if c.objects, err = dynamic.NewForConfig(reach); err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", reach.Host, err)
	}
	if c.kinds, err = discovery.NewDiscoveryClientForConfig(reach); err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", reach.Host, err)
	}
	if c.leases, err = coordination.NewForConfig(reach); err != nil {
		return nil, fmt.Errorf("make a client of %s: %w", reach.Host, err)
	}
	return newCluster(o, c, namespace)
}

// access gives the way to the API server, and the namespace that goes with it.
func access(kubeconfig string) (*rest.Config, string, error) {
	if kubeconfig == "" && os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "" {
		in, err := rest.InClusterConfig()
		if err == nil {
			return in, podNamespace(), nil
		}
		if !errors.Is(err, rest.ErrNotInCluster) {
			return nil, "", fmt.Errorf("use the service account of this pod: %w", err)
		}
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	load := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{})
	c, err := load.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", errors.New("no cluster is known: name a kubeconfig file, set KUBECONFIG, or run in a pod")
	}
	if err != nil {
		return nil, "", fmt.Errorf("read the kubeconfig: %w", err)
	}
	namespace, _, err := load.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("read the namespace of the kubeconfig: %w", err)
	}
	return c, namespace, nil
}

// podNamespace gives the namespace that this pod is in.
func podNamespace() string {
	text, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func newCluster(o Options, by clients, namespace string) (*Cluster, error) {
	settings := manifest.Settings{Controller: Controller, Class: o.Class, Address: o.Address, Bind: o.Bind, Local: o.Local}
	lease := "tollgate"
	if o.Class != "" {
		lease = "tollgate-class-" + o.Class
	}
	if o.Gateway != "" {
		ns, name, ok := strings.Cut(o.Gateway, "/")
		if !ok || ns == "" || name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("%q names no Gateway: write NAMESPACE/NAME", o.Gateway)
		}
		settings.Gateway = types.NamespacedName{Namespace: ns, Name: name}
		lease = "tollgate-gateway-" + name
	}
	if o.Identity == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("find a name for this replica: %w", err)
		}
		o.Identity = host + "_" + rand.Text()[:8]
	}
	quiet.Do(func() { klog.SetSlogLogger(slog.New(slog.DiscardHandler)) })
	return &Cluster{
		options: o, clients: by, settings: settings, log: o.Log,
		lease: types.NamespacedName{
			Namespace: cmp.Or(o.LeaseNamespace, settings.Gateway.Namespace, os.Getenv("POD_NAMESPACE"), namespace, metav1.NamespaceDefault), Name: lease,
		},
		changes: newSignal(), dirty: newSignal(), redefined: newSignal(), results: newSignal(), saves: newSignal(),
		watches: map[reference]*watch{}, said: map[string]time.Time{},
	}, nil
}

// quiet keeps what client-go says without a context to itself: it would go to standard error.
var quiet sync.Once

// warnings are what the API server says beside its answers.
type warnings struct{ log *slog.Logger }

// HandleWarningHeader notes a warning.
func (w warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.log.Debug("the Kubernetes API server warns", "warning", text)
}

// Demoted gives a handler for the log of client-go, which calls an error what it will try again
// in a moment: everything is for whoever debugs.
func Demoted(h slog.Handler) slog.Handler { return demoted{h} }

// demoted writes what client-go says, errors included, as what only helps to debug: what an
// operator has to know this package says itself.
type demoted struct{ slog.Handler }

// Enabled tells whether debug messages are wanted.
func (d demoted) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle writes a message.
func (d demoted) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return d.Handler.Handle(ctx, r)
}

// WithAttrs keeps messages demoted.
func (d demoted) WithAttrs(a []slog.Attr) slog.Handler { return demoted{d.Handler.WithAttrs(a)} }

// WithGroup keeps messages demoted.
func (d demoted) WithGroup(name string) slog.Handler { return demoted{d.Handler.WithGroup(name)} }

// signal tells that something happened since it was last received.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) send() {
	select {
	case s <- struct{}{}:
	default:
	}
}
