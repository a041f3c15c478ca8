//go:build !nokube

package deployment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// kind is a kind of objects that are made for Gateways.
type kind struct {
	name       string
	resource   schema.GroupVersionResource
	namespaced bool
}

// made are the kinds that are watched, so that a change by somebody else is taken back.
// Secrets are not among them: the controller may make those and never reads any.
var made = []kind{
	{"ServiceAccount", schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}, true},
	{"ClusterRoleBinding", schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}, false},
	{"RoleBinding", schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}, true},
	{"Service", schema.GroupVersionResource{Version: "v1", Resource: "services"}, true},
	{"Deployment", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, true},
	{"PodDisruptionBudget", schema.GroupVersionResource{Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"}, true},
}

// kept are the kinds that are made and then left alone.
var kept = []kind{
	{"Secret", schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, true},
	{"PersistentVolumeClaim", schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}, true},
}

var (
	classes  = schema.GroupVersionResource{Group: gatewayv1.GroupName, Version: "v1", Resource: "gatewayclasses"}
	gateways = schema.GroupVersionResource{Group: gatewayv1.GroupName, Version: "v1", Resource: "gateways"}
)

// How long a Gateway waits that could not be put right, and how that grows.
const (
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
)

// theClasses is what is queued when a GatewayClass has changed; everything else in the
// queue but theLeftovers is the name of a Gateway.
var theClasses = types.NamespacedName{}

// loop keeps a cluster as its Gateways want it while this controller leads. One goroutine
// acts, on what informers have in their caches.
type loop struct {
	*Controller
	queue    workqueue.TypedRateLimitingInterface[types.NamespacedName]
	classes  cache.SharedIndexInformer
	gateways cache.SharedIndexInformer
	made     map[string]cache.SharedIndexInformer // by kind
	// told is what was last said about each Gateway, so that it is said once.
	told map[types.NamespacedName]string
}

func newLoop(c *Controller) *loop {
	l := &loop{
		Controller: c, made: map[string]cache.SharedIndexInformer{}, told: map[types.NamespacedName]string{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](firstRetry, lastRetry)),
	}
	l.classes = l.informer(classes, "", "")
	l.gateways = l.informer(gateways, c.options.Namespace, "")
	ours := labels.Set{labelManagedBy: Manager}.String()
	for _, k := range made {
		namespace := c.options.Namespace
		if !k.namespaced {
			namespace = ""
		}
		l.made[k.name] = l.informer(k.resource, namespace, ours)
	}
	return l
}

func (l *loop) informer(of schema.GroupVersionResource, namespace, selector string) cache.SharedIndexInformer {
	i := dynamicinformer.NewFilteredDynamicInformer(l.client, of, namespace, 0,
		cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc},
		func(o *metav1.ListOptions) { o.LabelSelector = selector }).Informer()
	// Who set which field is half of an object, and nobody here asks.
	if err := i.SetTransform(withoutManagers); err != nil {
		panic(err) // only a running informer refuses
	}
	return i
}

func withoutManagers(object any) (any, error) {
	if o, ok := object.(metav1.Object); ok {
		o.SetManagedFields(nil)
	}
	return object, nil
}

// run watches and acts until the context ends.
func (l *loop) run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	synced := make([]cache.InformerSynced, 0, 2+len(l.made))
	start := func(i cache.SharedIndexInformer, changed func(metav1.Object)) error {
		handler, err := i.AddEventHandler(handle(changed))
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		synced = append(synced, handler.HasSynced)
		running.Go(func() { i.RunWithContext(ctx) })
		return nil
	}
	err := start(l.classes, func(metav1.Object) { l.queue.Add(theClasses) })
	err = errors.Join(err, start(l.gateways, func(o metav1.Object) { l.queue.Add(named(o)) }))
	for _, i := range l.made {
		err = errors.Join(err, start(i, func(o metav1.Object) {
			if key := gatewayOf(o); key.Namespace != "" && key.Name != "" {
				l.queue.Add(key)
			}
		}))
	}
	if err != nil {
		return err
	}
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return ctx.Err()
	}
	running.Go(func() {
		<-ctx.Done()
		l.queue.ShutDown()
	})
	l.queue.Add(theLeftovers) // of Gateways that went while nobody led
	for l.next(ctx) {
	}
	return ctx.Err()
}

// next takes one item off the queue and puts it right; false when the queue has ended.
func (l *loop) next(ctx context.Context) bool {
	key, ended := l.queue.Get()
	if ended {
		return false
	}
	defer l.queue.Done(key)
	err := l.settle(ctx, key)
	if ctx.Err() != nil {
		return true
	}
	l.tell(key, err)
	if _, refused := errors.AsType[*refusal](err); err == nil || refused {
		l.queue.Forget(key)
	} else {
		l.queue.AddRateLimited(key)
	}
	return true
}

// settle puts one thing right.
func (l *loop) settle(ctx context.Context, key types.NamespacedName) error {
	switch key {
	case theClasses:
	case theLeftovers:
		return l.leftovers(ctx)
	default:
		return l.gateway(ctx, key)
	}
	// Whether a Gateway is ours may have changed.
	for _, o := range l.gateways.GetStore().List() {
		l.queue.Add(named(o.(metav1.Object)))
	}
	return l.classStatuses(ctx)
}

// tell logs what is wrong with a Gateway when that is new, and that it is right again.
func (l *loop) tell(key types.NamespacedName, err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if l.told[key] == said {
		return
	}
	what := slog.String("gateway", key.String())
	switch key {
	case theClasses:
		what = slog.String("kind", "GatewayClass")
	case theLeftovers:
		what = slog.String("kind", "statuses of Gateways that are gone")
	}
	if err == nil {
		delete(l.told, key)
		l.log.Info("in order again", what)
		return
	}
	l.told[key] = said
	l.log.Warn("not in order", what, "error", err)
}

// handle calls a function with every object that appears, changes or goes.
func handle(changed func(metav1.Object)) cache.ResourceEventHandler {
	on := func(object any) {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		if o, ok := object.(metav1.Object); ok {
			changed(o)
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: on, UpdateFunc: func(_, now any) { on(now) }, DeleteFunc: on}
}

func named(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// in gives the client of a kind's objects in a namespace.
func (l *loop) in(k kind, namespace string) dynamic.ResourceInterface {
	if !k.namespaced {
		return l.client.Resource(k.resource)
	}
	return l.client.Resource(k.resource).Namespace(namespace)
}

// cached gives an object that is in an informer's store; nil: there is none.
func cached(i cache.SharedIndexInformer, name types.NamespacedName) *unstructured.Unstructured {
	key := name.Name
	if name.Namespace != "" {
		key = name.String()
	}
	object, ok, err := i.GetStore().GetByKey(key)
	if err != nil || !ok {
		return nil
	}
	return object.(*unstructured.Unstructured)
}

// decode reads an object into its type.
func decode[T any](u *unstructured.Unstructured) (*T, error) {
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, typed); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", u.GetKind(), named(u), err)
	}
	return typed, nil
}
