//go:build !nokube

package kube

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// watch follows all objects of a kind, or one of them.
type watch struct {
	kind     *kind
	informer cache.SharedIndexInformer
	// refused tells that the API server will not list them: nothing is to be waited for.
	refused atomic.Bool
	stop    context.CancelFunc
}

// settled tells that what there is is known, or never will be.
func (w *watch) settled() bool { return w.informer.HasSynced() || w.refused.Load() }

// follow begins to follow objects; of a reference without a name, all. c.mu is held.
func (c *Cluster) follow(ctx context.Context, k *kind, resource schema.GroupVersionResource, of reference) {
	narrow := k.selector
	if of.name != "" {
		narrow = fields.OneTermEqualSelector(metav1.ObjectNameField, of.name).String()
	}
	informer := dynamicinformer.NewFilteredDynamicInformer(c.objects, resource, of.namespace, 0, cache.Indexers{}, func(o *metav1.ListOptions) {
		o.FieldSelector = narrow
	}).Informer()
	ctx, stop := context.WithCancel(ctx)
	w := &watch{kind: k, informer: informer, stop: stop}
	c.watches[of] = w
	// None of these fails for an informer that does not run yet.
	_ = informer.SetTransform(k.enter)
	_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) { c.failed(w, of, err) })
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { c.touched(nil, o) },
		UpdateFunc: func(before, after any) { c.touched(before, after) },
		DeleteFunc: func(o any) { c.touched(o, nil) },
	})
	c.watching.Go(func() { informer.RunWithContext(ctx) })
	c.watching.Go(func() {
		select {
		case <-informer.HasSyncedChecker().Done():
			c.dirty.send()
		case <-ctx.Done():
		}
	})
}

// failed hears why objects cannot be listed or watched. The informer tries again by itself.
func (c *Cluster) failed(w *watch, of reference, err error) {
	switch {
	case apierrors.IsForbidden(err):
		if c.seldom(fmt.Sprint("forbidden ", of), 0) {
			c.log.Warn("Kubernetes forbids to read objects that may be needed: grant the service account get, list and watch", "kind", of.kind,
				"resource", w.kind.versions[0].GroupResource().String(), "namespace", of.namespace, "name", of.name, "until_then", instead(w.kind, of), "error", err)
		}
	case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
	case apierrors.IsResourceExpired(err), apierrors.IsGone(err):
		return // it begins anew
	default:
		c.unreachable(err)
		return
	}
	if !w.refused.Swap(true) {
		c.dirty.send()
	}
}

// instead tells what is done about objects that may not be listed.
func instead(k *kind, of reference) string {
	if k.optional && of.name == "" {
		return "those that other objects name are watched one by one"
	}
	return "they are taken to be absent"
}

// unreachable notes that the API server does not answer as it should.
func (c *Cluster) unreachable(err error) {
	if c.seldom("unreachable", time.Minute) {
		c.log.Warn("the Kubernetes API server does not answer; what is known stays in force", "server", c.host, "error", err)
	}
}

// touched hears of a change of an object; before is nil for a new one, after for one that is gone.
func (c *Cluster) touched(before, after any) {
	was, is := entryOf(before), entryOf(after)
	e := is
	if e == nil {
		e = was
	}
	switch {
	case e == nil:
		return
	case was != nil && is != nil && was.GetResourceVersion() == is.GetResourceVersion():
		return // told again
	case was != nil && is != nil && onlyStatus(was, is):
		c.look(is)
		return
	case e.kind.name == definitionKind:
		if ours(e) {
			c.redefined.send()
		}
		if name := e.GetName(); name != gatewayDefinition && name != backendsDefinition {
			return // kinds that come by it are told when they are followed
		}
	case !c.matters(e):
		return
	}
	c.dirty.send()
}

// entryOf reads what an informer tells of.
func entryOf(o any) *entry {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	e, _ := o.(*entry)
	return e
}

// onlyStatus tells that nothing but the status of an object changed. Kinds without a
// generation do not tell.
func onlyStatus(was, is *entry) bool {
	return was.kind.status && is.GetGeneration() != 0 && was.GetGeneration() == is.GetGeneration() && was.GetUID() == is.GetUID() &&
		(was.GetDeletionTimestamp() == nil) == (is.GetDeletionTimestamp() == nil) &&
		maps.Equal(was.GetLabels(), is.GetLabels()) && maps.Equal(was.GetAnnotations(), is.GetAnnotations())
}

// ours tells whether a definition is of a group that we serve.
func ours(e *entry) bool {
	d, ok := e.Object.(*definition)
	if !ok {
		return false
	}
	for _, k := range kinds {
		if !k.core && k.versions[0].Group == d.group {
			return true
		}
	}
	return false
}
