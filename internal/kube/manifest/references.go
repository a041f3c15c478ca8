package manifest

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
)

// maker is who refers to an object of another namespace.
type maker struct {
	kind      gatewayv1.Kind // of the Gateway API's group
	namespace string
}

// target is what is referred to. Its group tells kinds of the same name apart.
type target struct {
	group gatewayv1.Group
	Ref
}

// permitted tells whether somebody may refer to an object: it is of the same namespace, or
// a ReferenceGrant there lets it.
func (k *compilation) permitted(by maker, to target) bool {
	if by.namespace == to.Namespace {
		return true
	}
	for _, g := range k.index.grants[to.Namespace] {
		if grantsFrom(g.Spec.From, by) && grantsTo(g.Spec.To, to) {
			return true
		}
	}
	return false
}

func grantsFrom(all []gatewayv1.ReferenceGrantFrom, by maker) bool {
	for _, f := range all {
		if f.Group == gatewayv1.GroupName && f.Kind == by.kind && string(f.Namespace) == by.namespace {
			return true
		}
	}
	return false
}

func grantsTo(all []gatewayv1.ReferenceGrantTo, to target) bool {
	for _, t := range all {
		named := t.Name == nil || *t.Name == "" || string(*t.Name) == to.Name
		if t.Group == to.group && string(t.Kind) == to.Kind && named {
			return true
		}
	}
	return false
}

// or gives what a pointer points to, or something else if it is nil.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// refOf names an object.
func refOf(kind string, o metav1.Object) Ref {
	return Ref{kind, types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}}
}

// at gives the position of an object.
func (r Ref) at() config.Position { return config.Position{File: r.String()} }

// broken tells what was found wrong with an object before it came here.
func (k *compilation) broken(kind string, o metav1.Object) (why string, ok bool) {
	why, ok = k.settings.Broken[refOf(kind, o)]
	if ok && why == "" {
		why = "The object cannot be used"
	}
	return why, ok
}
