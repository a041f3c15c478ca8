//go:build !nokube

package kube

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// A lease is renewed every leaseRetry; whoever could not for leaseRenew gives up leading,
// before another one may lead after leaseFor.
const leaseFor, leaseRenew, leaseRetry = 15 * time.Second, 10 * time.Second, 2 * time.Second

// campaign leads whenever the lease is to be had, until ctx is over.
func (c *Cluster) campaign(ctx context.Context) {
	// The lease is given back only when nothing is written under it any more.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var term sync.Mutex // held while a term lasts
	stop := context.AfterFunc(ctx, func() {
		term.Lock()
		defer term.Unlock()
		end()
	})
	defer stop()
	for running.Err() == nil {
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: c.lock(), Name: c.lease.Name, ReleaseOnCancel: true,
			LeaseDuration: leaseFor, RenewDeadline: leaseRenew, RetryPeriod: leaseRetry,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(held context.Context) {
					term.Lock()
					defer term.Unlock()
					held, lost := context.WithCancel(held)
					defer lost()
					defer context.AfterFunc(ctx, lost)()
					c.lead(held)
				},
				OnStoppedLeading: func() {},
			},
		})
		if err != nil {
			c.log.Error("no replica can be made to write statuses", "lease", c.lease.String(), "error", err)
			return
		}
		elector.Run(running)
	}
	term.Lock() // the last one is over
	defer term.Unlock()
}

func (c *Cluster) lock() resourcelock.Interface {
	return &lock{c, &resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Namespace: c.lease.Namespace, Name: c.lease.Name}, Client: c.leases,
		LockConfig: resourcelock.ResourceLockConfig{Identity: c.options.Identity},
	}}
}

// lock is a lease that says if it is forbidden: the elector only tries again.
type lock struct {
	cluster *Cluster
	resourcelock.Interface
}

// Get reads the lease.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	return record, raw, l.told(err)
}

// Create makes the lease.
func (l *lock) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.told(l.Interface.Create(ctx, r))
}

// Update renews the lease, or gives it back.
func (l *lock) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.told(l.Interface.Update(ctx, r))
}

func (l *lock) told(err error) error {
	if apierrors.IsForbidden(err) && l.cluster.seldom("lease", 0) {
		l.cluster.log.Warn("Kubernetes forbids to hold the lease, so no statuses are written and no virtual keys are minted: grant the service account get, create and update",
			"resource", "leases.coordination.k8s.io", "namespace", l.cluster.lease.Namespace, "name", l.cluster.lease.Name, "error", err)
	}
	return err
}
