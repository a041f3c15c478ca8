//go:build !nokube

package kube

import (
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/kube/manifest"
)

// entry is an object as it is kept: decoded, with what we need to know of it. It never changes.
type entry struct {
	metav1.Object
	kind *kind
	// status is what the API server has, for kinds whose status we write.
	status map[string]any
	// references are the objects that it names, of kinds that may have to be followed one by one.
	references []reference
	selectors  []selector
	// unread tells why the object could not be decoded: then it has its metadata only, and
	// as far as that can be read what it is for.
	unread string
}

// reference names an object that another one needs.
type reference struct{ kind, namespace, name string }

// selector names objects by their labels.
type selector struct {
	kind, namespace string
	labels          map[string]string
}

func (s *selector) selects(o metav1.Object) bool {
	labels := o.GetLabels()
	for k, v := range s.labels {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	return o.GetNamespace() == s.namespace
}

// ref names the object for manifest.
func (e *entry) ref() manifest.Ref {
	return manifest.Ref{Kind: e.kind.name, NamespacedName: types.NamespacedName{Namespace: e.GetNamespace(), Name: e.GetName()}}
}

// enter makes the entry of what an informer gives, and anything but an object of the API
// server it gives back as it is.
func (k *kind) enter(given any) (any, error) {
	u, ok := given.(*unstructured.Unstructured)
	if !ok {
		return given, nil
	}
	u.SetManagedFields(nil)
	if notes := u.GetAnnotations(); notes != nil {
		delete(notes, corev1.LastAppliedConfigAnnotation)
		u.SetAnnotations(notes)
	}
	e := &entry{kind: k}
	if k.status {
		e.status, _ = u.Object["status"].(map[string]any)
	}
	e.refer(u)
	var err error
	if e.Object, err = k.read(u); err != nil {
		e.unread = fmt.Sprintf("it cannot be read: %v", err)
		if e.Object, err = k.read(aimed(u)); err == nil {
			return e, nil
		}
		if e.Object, err = k.read(bare(u)); err != nil {
			return nil, fmt.Errorf("read the metadata of %s %s: %w", k.name, u.GetName(), err)
		}
	}
	return e, nil
}

// bare gives an object with its metadata only.
func bare(u *unstructured.Unstructured) *unstructured.Unstructured {
	out := &unstructured.Unstructured{Object: map[string]any{}}
	for _, key := range []string{"apiVersion", "kind", "metadata"} {
		out.Object[key] = u.Object[key]
	}
	return out
}

// aimed gives an object with its metadata and what it is for: a policy that cannot be read
// must keep out what it may have guarded.
func aimed(u *unstructured.Unstructured) *unstructured.Unstructured {
	out := bare(u)
	spec, _ := u.Object["spec"].(map[string]any)
	kept := map[string]any{}
	for _, field := range []string{"targetRefs", "targetSelectors", "parentRefs", "gatewayClassName"} {
		if value, ok := spec[field]; ok {
			kept[field] = value
		}
	}
	out.Object["spec"] = kept
	return out
}

// refer notes what an object names.
func (e *entry) refer(u *unstructured.Unstructured) {
	if e.kind.core {
		return
	}
	namespace := u.GetNamespace()
	e.search(u.Object["spec"], namespace)
	switch e.kind.name {
	case gateway:
		class, _, _ := unstructured.NestedString(u.Object, "spec", "gatewayClassName")
		e.references = append(e.references, reference{gatewayClass, "", class}, reference{serviceKind, namespace, u.GetName()})
	case virtualKey:
		name, _, _ := unstructured.NestedString(u.Object, "spec", "secretName")
		if name == "" {
			name = u.GetName()
		}
		e.references = append(e.references, reference{secretKind, namespace, name})
	}
}

// search looks through a part of an object for references. It goes by the names of fields,
// which are the same in all APIs that we serve.
func (e *entry) search(part any, namespace string) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			e.search(p, namespace)
		}
	case map[string]any:
		for field, value := range part {
			switch {
			case field == "secretSelector":
				e.choose(secretKind, value, namespace)
			case field == "configMapSelector":
				e.choose(configMapKind, value, namespace)
			case strings.HasSuffix(field, "Ref"), strings.HasSuffix(field, "Refs"):
				several, ok := value.([]any)
				if !ok {
					several = []any{value}
				}
				for _, one := range several {
					e.name(field, one, namespace)
				}
			}
			e.search(value, namespace)
		}
	}
}

func (e *entry) choose(of string, value any, namespace string) {
	in, _ := value.(map[string]any)
	labels, _, _ := unstructured.NestedStringMap(in, "matchLabels")
	if len(labels) > 0 {
		e.selectors = append(e.selectors, selector{of, namespace, maps.Clone(labels)})
	}
}

func (e *entry) name(field string, value any, namespace string) {
	in, _ := value.(map[string]any)
	name, _ := in["name"].(string)
	of, _ := in["kind"].(string)
	if other, _ := in["namespace"].(string); other != "" {
		namespace = other
	}
	if of == "" {
		of = secretKind
		switch {
		case strings.HasPrefix(field, "backendRef"):
			of = serviceKind
		case strings.HasPrefix(field, "configMap"), strings.HasPrefix(field, "caCertificate"):
			of = configMapKind
		case strings.HasPrefix(field, "parentRef"), strings.HasPrefix(field, "targetRef"):
			return
		}
	}
	if name != "" && (of == secretKind || of == configMapKind || of == serviceKind) {
		e.references = append(e.references, reference{of, namespace, name})
	}
}
