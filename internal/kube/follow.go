//go:build !nokube

package kube

import (
	"context"
	"fmt"
	"slices"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"tollgate/internal/kube/manifest"
)

const (
	// settleQuiet is how long a burst of changes has to be over, settleMax how long it may
	// last before it is told, and settleNew for how long something new that is named holds
	// the rest up until it is known.
	settleQuiet = 50 * time.Millisecond
	settleMax   = 500 * time.Millisecond
	settleNew   = 2 * time.Second
	// The API server is asked for its kinds this often: always, when it did not answer,
	// and some times after a definition changed.
	askEvery, askAgain, askSoon = 30 * time.Second, 2 * time.Second, time.Second
	askSoonTimes                = 5
	// patience bounds a single request.
	patience = 15 * time.Second
)

// discover begins to follow the kinds that the cluster has, and those that come later.
func (c *Cluster) discover(ctx context.Context) {
	soon := 0
	for ctx.Err() == nil {
		wait := askEvery
		if err := c.ask(ctx); err != nil {
			wait = askAgain
			if ctx.Err() == nil {
				c.unreachable(err)
			}
		} else if soon > 0 {
			wait, soon = askSoon, soon-1
		}
		select {
		case <-ctx.Done():
		case <-c.redefined:
			soon = askSoonTimes
		case <-time.After(wait):
		}
	}
}

// ask asks the API server once for the kinds that it has.
func (c *Cluster) ask(ctx context.Context) error {
	served := map[string][]string{} // resources by group and version
	for _, k := range kinds {
		for _, v := range k.versions {
			version := v.GroupVersion().String()
			if _, asked := served[version]; k.core || asked {
				continue
			}
			names, err := c.resources(ctx, version)
			if err != nil {
				return fmt.Errorf("ask for the resources of %s: %w", version, err)
			}
			served[version] = names
		}
	}
	if c.followAll(ctx, served) {
		c.dirty.send()
	}
	if !c.hasGateways() && c.seldom("no gateway api", 0) {
		c.log.Warn("the cluster has no Gateway API, so there is nothing to serve: install it with kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.3/standard-install.yaml")
	}
	return nil
}

// followAll begins to follow what is served and not followed yet. It tells whether that is news.
func (c *Cluster) followAll(ctx context.Context, served map[string][]string) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news = !c.discovered
	for _, k := range kinds {
		of := c.allOf(k)
		if c.watches[of] != nil {
			continue
		}
		for _, v := range k.versions {
			if k.core || slices.Contains(served[v.GroupVersion().String()], v.Resource) {
				c.follow(ctx, k, v, of)
				news = true
				break
			}
		}
	}
	c.discovered, c.installed = true, c.watches[c.allOf(kindNamed(gateway))] != nil
	return news
}

func (c *Cluster) hasGateways() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.installed
}

// allOf is the reference to all objects of a kind that are followed.
func (c *Cluster) allOf(k *kind) reference {
	if k.whole {
		return reference{kind: k.name}
	}
	return reference{kind: k.name, namespace: c.options.Namespace}
}

func (c *Cluster) resources(ctx context.Context, version string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	list, err := c.kinds.ServerResourcesForGroupVersionWithContext(ctx, version)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range list.APIResources {
		names = append(names, r.Name)
	}
	return names, nil
}

// gather tells bursts of changes as one.
func (c *Cluster) gather(ctx context.Context) {
	quiet := time.NewTimer(0)
	quiet.Stop()
	defer quiet.Stop()
	var since time.Time // of the first change that is not told; zero: there is none
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.dirty:
			if since.IsZero() {
				since = time.Now()
			}
			quiet.Reset(min(settleQuiet, max(0, settleMax-time.Since(since))))
		case <-quiet.C:
			wait := c.survey(ctx, time.Since(since))
			if wait > 0 {
				quiet.Reset(wait)
			} else {
				since = time.Time{}
			}
		}
	}
}

// survey takes stock of what is named and known, and tells that something changed. If it
// is better to wait for what is not known yet, it gives the time to do so.
func (c *Cluster) survey(ctx context.Context, late time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.needed = c.needs()
	c.followNamed(ctx)
	settled := c.discovered && (c.installed || c.cached == nil)
	for _, w := range c.watches {
		settled = settled && w.settled()
	}
	switch {
	case !c.live && !settled:
		return 0 // whatever settles comes here again
	case !settled && late < settleNew:
		return settleQuiet
	}
	c.live = true
	c.noteForeign()
	c.changes.send()
	return 0
}

// needs are the objects that others name.
type needs struct {
	references map[reference]bool
	selectors  []selector
}

// needs gathers what all objects name. c.mu is held.
func (c *Cluster) needs() needs {
	n := needs{references: map[reference]bool{}}
	for of, w := range c.watches {
		if w.kind.core || of.name != "" {
			continue
		}
		for _, o := range w.informer.GetStore().List() {
			if e := entryOf(o); e != nil {
				for _, r := range e.references {
					n.references[r] = true
				}
				n.selectors = append(n.selectors, e.selectors...)
			}
		}
	}
	if c.settings.Class != "" {
		n.references[reference{gatewayClass, "", c.settings.Class}] = true
	}
	if c.options.Namespace != "" {
		n.references[reference{namespaceKind, "", c.options.Namespace}] = true
	}
	for _, name := range []string{gatewayDefinition, backendsDefinition} {
		n.references[reference{definitionKind, "", name}] = true
	}
	return n
}

// matters tells whether a change of an object may change what is served: of the many that
// a cluster has, most do not.
func (c *Cluster) matters(e *entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.live {
		return true
	}
	return c.needed.has(e.kind.name, e.Object)
}

func (n *needs) has(kind string, o metav1.Object) bool {
	of := reference{kind, o.GetNamespace(), o.GetName()}
	switch kind {
	case sliceKind:
		of.kind, of.name = serviceKind, o.GetLabels()[discoveryv1.LabelServiceName]
	case secretKind, configMapKind, serviceKind:
	default:
		return true
	}
	return n.references[of] || slices.ContainsFunc(n.selectors, func(s selector) bool { return s.kind == kind && s.selects(o) })
}

// followNamed follows the objects that others name one by one, where all may not be listed,
// and no longer those that nobody names. c.mu is held.
func (c *Cluster) followNamed(ctx context.Context) {
	for _, k := range kinds {
		all := c.watches[c.allOf(k)]
		if !k.optional || all == nil {
			continue
		}
		single := all.refused.Load() && !all.informer.HasSynced()
		for of, w := range c.watches {
			if of.kind == k.name && of.name != "" && (!single || !c.needed.references[of]) {
				w.stop()
				delete(c.watches, of)
			}
		}
		for of := range c.needed.references {
			elsewhere := !k.whole && c.options.Namespace != "" && of.namespace != c.options.Namespace
			if single && of.kind == k.name && !elsewhere && of.name != "" && c.watches[of] == nil {
				c.follow(ctx, k, k.versions[0], of)
			}
		}
	}
}

// collect gives all that is known. c.mu is held.
func (c *Cluster) collect() *manifest.Objects {
	out := &manifest.Objects{}
	c.unread = map[manifest.Ref]string{}
	for _, k := range kinds {
		if k.put != nil {
			c.collectKind(k, out)
		}
	}
	if e := c.find(kindNamed(definitionKind), "", gatewayDefinition); e != nil {
		out.Bundle = e.GetAnnotations()["gateway.networking.k8s.io/bundle-version"]
	}
	return out
}

// collectKind gives what is known of a kind. What may not be read at all is as it was kept:
// a permission that is lost takes nothing out of service, not even by a restart.
func (c *Cluster) collectKind(k *kind, out *manifest.Objects) {
	known := map[reference]bool{} // whatever a watch speaks for
	all := c.watches[c.allOf(k)]
	for of, w := range c.watches {
		if of.kind != k.name || !w.informer.HasSynced() {
			continue
		}
		known[of] = true
		for _, o := range w.informer.GetStore().List() {
			e := entryOf(o)
			at := reference{k.name, e.GetNamespace(), e.GetName()}
			if w != all && known[c.allOf(k)] || w == all && known[at] {
				continue // told twice while one watch takes over from others
			}
			k.put(out, e.Object)
			if e.unread != "" {
				c.unread[e.ref()] = e.unread
			}
		}
	}
	if c.cached == nil || all == nil || !all.refused.Load() || all.informer.HasSynced() {
		return
	}
	for _, o := range k.all(c.cached) {
		if !known[reference{k.name, o.GetNamespace(), o.GetName()}] {
			k.put(out, o)
		}
	}
}

// find gives an object as it is known, nil if there is none. c.mu is held.
func (c *Cluster) find(k *kind, namespace, name string) *entry {
	for _, of := range []reference{c.allOf(k), {k.name, namespace, name}} {
		if w := c.watches[of]; w != nil {
			if o, ok, err := w.informer.GetStore().GetByKey(cache.NewObjectName(namespace, name).String()); ok && err == nil {
				return entryOf(o)
			}
		}
	}
	return nil
}
