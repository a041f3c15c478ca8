//go:build !nokube

package deployment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// gateway makes what a Gateway needs, or takes away what is left of one.
func (l *loop) gateway(ctx context.Context, key types.NamespacedName) error {
	found := cached(l.gateways, key)
	if found == nil || found.GetDeletionTimestamp() != nil {
		l.queue.AddAfter(theLeftovers, afterPods)
		return l.prune(ctx, key, nil)
	}
	g, err := decode[gatewayv1.Gateway](found)
	if err != nil {
		return err
	}
	switch known, ours := l.class(string(g.Spec.GatewayClassName)); {
	case !known:
		// What runs goes on: whoever deletes a class by mistake makes it again.
		return nil
	case !ours:
		if left, _ := l.gone(ctx, key); left && l.runs(key) {
			l.queue.AddAfter(theLeftovers, afterPods)
		}
		return l.prune(ctx, key, nil)
	}
	objects, err := Objects(g, l.options.Settings)
	if err != nil {
		if unsaid := l.refuse(ctx, g, gatewayv1.GatewayConditionAccepted, string(gatewayv1.GatewayReasonInvalidParameters), err); unsaid != nil {
			return unsaid
		}
		return &refusal{err}
	}
	// All or nothing: a Gateway whose name is taken gets no half of what it needs.
	live := make([]*unstructured.Unstructured, len(objects))
	for i, o := range objects {
		if live[i], err = l.find(ctx, g, o); err != nil {
			if _, taken := errors.AsType[*takenError](err); taken {
				err = errors.Join(err, l.refuse(ctx, g, gatewayv1.GatewayConditionProgrammed, string(gatewayv1.GatewayReasonNoResources), err))
			}
			return err
		}
	}
	if err := l.keep(ctx, g); err != nil {
		return err
	}
	for i, o := range objects {
		if err := l.apply(ctx, o, live[i]); err != nil {
			return err
		}
	}
	return l.prune(ctx, key, objects)
}

// runs tells whether there is anything yet that was made for a Gateway to run.
func (l *loop) runs(key types.NamespacedName) bool { return cached(l.made["Deployment"], key) != nil }

// class tells whether there is a GatewayClass of a name, and whether it is one of ours.
func (l *loop) class(name string) (known, ours bool) {
	found := cached(l.classes, types.NamespacedName{Name: name})
	if found == nil {
		return false, false
	}
	controller, _, _ := unstructured.NestedString(found.Object, "spec", "controllerName")
	return true, controller == string(ControllerName) && (l.options.Class == "" || l.options.Class == name)
}

// refusal tells what about a Gateway keeps it from running: trying again is of no use before
// it is changed.
type refusal struct{ error }

// takenError tells that a name is in use by an object that was not made for the Gateway.
type takenError struct{ kind, name string }

func (e *takenError) Error() string {
	return fmt.Sprintf("the %s %s exists and was not made for this Gateway, so nothing is changed: rename the Gateway, or delete the %s if it is not needed",
		e.kind, e.name, e.kind)
}

// find gives the object that stands under the name of a wanted one; nil: none. It is an
// error if that was not made for the Gateway.
func (l *loop) find(ctx context.Context, g *gatewayv1.Gateway, wanted *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	k := kindOf(wanted)
	live := cached(l.made[k.name], named(wanted))
	if live == nil {
		// Not in the cache are those that lack our label: others', or ours that lost it.
		var err error
		live, err = l.in(k, wanted.GetNamespace()).Get(ctx, wanted.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("look for the %s %s: %w", k.name, named(wanted), err)
		}
	}
	if !madeFor(g, live) {
		return nil, &takenError{k.name, named(wanted).String()}
	}
	return live, nil
}

// madeFor tells whether an object was made for a Gateway: that owns it, or, where an object
// cannot be owned because it is in no namespace, the labels say so.
func madeFor(g *gatewayv1.Gateway, o *unstructured.Unstructured) bool {
	if o.GetNamespace() == "" {
		return o.GetLabels()[labelManagedBy] == Manager && gatewayOf(o) == named(g)
	}
	return slices.ContainsFunc(o.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.UID == g.UID })
}

// apply makes an object what it should be, unless it is that already.
func (l *loop) apply(ctx context.Context, wanted, live *unstructured.Unstructured) error {
	if live != nil {
		if _, same := within(wanted.Object, live.Object, ""); same {
			return nil
		}
	}
	k := kindOf(wanted)
	now, err := l.in(k, wanted.GetNamespace()).Apply(ctx, wanted.GetName(), wanted, metav1.ApplyOptions{FieldManager: Manager, Force: true})
	if err != nil {
		return fmt.Errorf("apply the %s %s: %w", k.name, named(wanted), err)
	}
	l.log.Info("applied", "kind", k.name, "object", named(wanted).String())
	if field, same := within(wanted.Object, now.Object, ""); !same {
		return fmt.Errorf("apply the %s %s: something in the cluster changes %s at once", k.name, named(wanted), field)
	}
	return nil
}

// keep makes what outlives the Gateway, where it is absent. While the pods are well, it is there.
func (l *loop) keep(ctx context.Context, g *gatewayv1.Gateway) error {
	if running := cached(l.made["Deployment"], named(g)); running != nil {
		wanted, _, _ := unstructured.NestedInt64(running.Object, "spec", "replicas")
		ready, _, _ := unstructured.NestedInt64(running.Object, "status", "readyReplicas")
		if ready >= wanted {
			return nil
		}
	}
	objects, err := Kept(g, l.options.Settings, l.options.Random)
	if err != nil {
		return err
	}
	for _, o := range objects {
		k := kindOf(o)
		_, err := l.in(k, g.Namespace).Create(ctx, o, metav1.CreateOptions{FieldManager: Manager})
		if apierrors.IsAlreadyExists(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("make the %s %s: %w", k.name, named(o), err)
		}
		l.log.Info("made", "kind", k.name, "object", named(o).String())
	}
	return nil
}

// prune deletes what was made for a Gateway and is not wanted any more. What is kept is
// not among it.
func (l *loop) prune(ctx context.Context, key types.NamespacedName, wanted []*unstructured.Unstructured) error {
	for _, k := range made {
		for _, item := range l.made[k.name].GetStore().List() {
			o := item.(*unstructured.Unstructured)
			if gatewayOf(o) != key || o.GetDeletionTimestamp() != nil || !l.removable(k, o) ||
				slices.ContainsFunc(wanted, func(w *unstructured.Unstructured) bool {
					return w.GetKind() == k.name && named(w) == named(o)
				}) {
				continue
			}
			err := l.in(k, o.GetNamespace()).Delete(ctx, o.GetName(), metav1.DeleteOptions{
				Preconditions: &metav1.Preconditions{UID: new(o.GetUID())}, PropagationPolicy: new(metav1.DeletePropagationBackground),
			})
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				return fmt.Errorf("delete the %s %s: %w", k.name, named(o), err)
			}
			l.log.Info("deleted", "kind", k.name, "object", named(o).String())
		}
	}
	return nil
}

// removable tells whether an object with our labels was made by us: a Gateway owns it, or it
// has the name of a binding of ours. Labels alone can be copied.
func (l *loop) removable(k kind, o *unstructured.Unstructured) bool {
	if k.namespaced {
		return slices.ContainsFunc(o.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.Kind == "Gateway" })
	}
	key := gatewayOf(o)
	if l.options.Namespace != "" && l.options.Namespace != key.Namespace {
		return false // another controller's
	}
	return slices.ContainsFunc([]string{RoleCluster, RoleGateway, RoleKeys}, func(role string) bool {
		return o.GetName() == role+":"+key.Namespace+":"+key.Name
	})
}

func kindOf(o *unstructured.Unstructured) kind {
	for _, k := range slices.Concat(made, kept) {
		if k.name == o.GetKind() {
			return k
		}
	}
	panic("no kind that is made: " + o.GetKind())
}
