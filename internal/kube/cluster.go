//go:build !nokube

package kube

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"tollgate/internal/kube/manifest"
)

// Cluster is a Kubernetes cluster that is followed. It is safe for concurrent use, but
// Objects and Published are for one goroutine that calls them in turn.
type Cluster struct {
	clients
	options  Options
	settings manifest.Settings
	log      *slog.Logger
	lease    types.NamespacedName

	changes   signal // for whoever compiles
	dirty     signal // an object changed
	redefined signal // a definition of a kind changed
	results   signal // a result was published, or leadership begins
	saves     signal // objects may have to be written to the cache

	leading  atomic.Bool
	watching sync.WaitGroup

	mu      sync.Mutex
	watches map[reference]*watch
	// discovered tells that the API server was asked for its kinds once, and installed
	// that the Gateway API is among them.
	discovered, installed bool
	// live tells that all that there is to know was known once.
	live   bool
	cached *manifest.Objects // from the file, nil if there is none
	needed needs
	// handed is what was given out last and to be compiled.
	handed     *manifest.Objects
	handedLive bool
	unread     map[manifest.Ref]string
	result     *manifest.Result // of live objects
	foreign    string
	queue      *queue // while leading
	said       map[string]time.Time
}

// Changes tells that something changed since it was last received. The first time is when
// all is known, or at once if there is something to serve from the cache.
func (c *Cluster) Changes() <-chan struct{} { return c.changes }

// Leading tells whether this replica writes statuses and mints secrets.
func (c *Cluster) Leading() bool { return c.leading.Load() }

// Settings gives what Compile goes by beside the objects that were handed out last. The
// maps in it are the caller's.
func (c *Cluster) Settings() manifest.Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.settings
	s.Broken, s.Unavailable = map[manifest.Ref]string{}, map[int]string{}
	maps.Copy(s.Broken, c.unread)
	return s
}

// Objects gives what is known now, nil if that is nothing yet. The objects are shared and
// must not be changed.
func (c *Cluster) Objects() *manifest.Objects {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handedLive, c.unread = c.live, nil
	if !c.live {
		c.handed = c.cached
		return c.handed
	}
	c.handed = c.collect()
	return c.handed
}

// Live tells whether the objects that were handed out last are those of the cluster, and not
// what the cache has of them.
func (c *Cluster) Live() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handedLive
}

// Published tells that a result of the objects that were handed out last is in force:
// statuses may say so, and the secrets that it asks for may be minted.
func (c *Cluster) Published(r *manifest.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.handedLive { // what is old says nothing about what there is now
		return
	}
	c.result = r
	c.results.send()
	c.saves.send()
}

// Run follows the cluster until ctx is over.
func (c *Cluster) Run(ctx context.Context) error {
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(demoted{c.log.Handler()}))
	c.recall()
	var running sync.WaitGroup
	for _, part := range []func(context.Context){c.discover, c.gather, c.preserve, c.campaign} {
		running.Go(func() { part(ctx) })
	}
	running.Wait()
	c.watching.Wait()
	return nil
}

// published gives the result in force, nil if there is none of live objects.
func (c *Cluster) published() *manifest.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result
}

// now is the time that is written into objects.
func (c *Cluster) now() time.Time { return c.options.Now() }

// seldom tells whether something has not been said within a time, and notes that it is now.
func (c *Cluster) seldom(what string, within time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, ok := c.said[what]
	if ok && (within == 0 || time.Since(last) < within) {
		return false
	}
	c.said[what] = time.Now()
	return true
}
