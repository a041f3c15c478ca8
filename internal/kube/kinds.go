//go:build !nokube

package kube

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
)

// The names of kinds that are treated in their own way somewhere.
const (
	gatewayClass     = "GatewayClass"
	gateway          = "Gateway"
	httpRoute        = "HTTPRoute"
	backendTLSPolicy = "BackendTLSPolicy"
	kgatewayBackend  = "Backend"
	agentBackend     = "AgentgatewayBackend"
	agentPolicy      = "AgentgatewayPolicy"
	virtualKey       = "VirtualKey"
	namespaceKind    = "Namespace"
	secretKind       = "Secret"
	configMapKind    = "ConfigMap"
	serviceKind      = "Service"
	sliceKind        = "EndpointSlice"
	definitionKind   = "CustomResourceDefinition"
)

// The definitions that something has to be known of.
const (
	gatewayDefinition  = "gateways." + gatewayv1.GroupName
	backendsDefinition = "backends.gateway.kgateway.dev"
)

// noHelmReleases leaves out of the Secrets what is large, many, and no credential.
const noHelmReleases = "type!=helm.sh/release.v1"

// kind is one kind of objects that are followed.
type kind struct {
	name string
	// versions are the resources that serve it, the best first.
	versions []schema.GroupVersionResource
	// whole tells that its objects are in no namespace, core that every cluster has the kind.
	whole, core bool
	// optional tells that the program may be kept from listing all: then those that others
	// name are followed one by one.
	optional bool
	// selector narrows what is listed if all are.
	selector string
	// status tells that we write the statuses of its objects.
	status bool
	read   func(*unstructured.Unstructured) (metav1.Object, error)
	// put adds an object to those of its kind, all lists these; nil: it is no part of Objects.
	put func(*manifest.Objects, metav1.Object)
	all func(*manifest.Objects) []metav1.Object
}

// kinds are all that are followed.
var kinds = []*kind{
	kindOf(gatewayClass, in(gatewayv1.GroupVersion, "gatewayclasses"),
		func(o *manifest.Objects) *[]*gatewayv1.GatewayClass { return &o.Classes }).with(whole, optional, written),
	kindOf(gateway, in(gatewayv1.GroupVersion, "gateways"),
		func(o *manifest.Objects) *[]*gatewayv1.Gateway { return &o.Gateways }).with(written),
	kindOf(httpRoute, in(gatewayv1.GroupVersion, "httproutes"),
		func(o *manifest.Objects) *[]*gatewayv1.HTTPRoute { return &o.Routes }).with(written),
	kindOf("ReferenceGrant", in(gatewayv1.GroupVersion, "referencegrants"),
		func(o *manifest.Objects) *[]*gatewayv1beta1.ReferenceGrant { return &o.Grants }).or(in(gatewayv1beta1.GroupVersion, "referencegrants")),
	kindOf(backendTLSPolicy, in(gatewayv1.GroupVersion, "backendtlspolicies"),
		func(o *manifest.Objects) *[]*gatewayv1.BackendTLSPolicy { return &o.TLSPolicies }).with(written),
	kindOf(kgatewayBackend, in(resource.KgatewayVersion, "backends"),
		func(o *manifest.Objects) *[]*resource.Backend { return &o.Backends }).with(written),
	kindOf(agentBackend, in(resource.AgentgatewayVersion, "agentgatewaybackends"),
		func(o *manifest.Objects) *[]*resource.AgentgatewayBackend { return &o.AIBackends }).with(written),
	kindOf(agentPolicy, in(resource.AgentgatewayVersion, "agentgatewaypolicies"),
		func(o *manifest.Objects) *[]*resource.AgentgatewayPolicy { return &o.Policies }).with(written),
	kindOf(virtualKey, in(resource.TollgateVersion, "virtualkeys"),
		func(o *manifest.Objects) *[]*resource.VirtualKey { return &o.VirtualKeys }).with(written),
	kindOf(namespaceKind, in(corev1.SchemeGroupVersion, "namespaces"),
		func(o *manifest.Objects) *[]*corev1.Namespace { return &o.Namespaces }).with(core, whole, optional),
	kindOf(serviceKind, in(corev1.SchemeGroupVersion, "services"),
		func(o *manifest.Objects) *[]*corev1.Service { return &o.Services }).with(core),
	kindOf(sliceKind, in(discoveryv1.SchemeGroupVersion, "endpointslices"),
		func(o *manifest.Objects) *[]*discoveryv1.EndpointSlice { return &o.Slices }).with(core),
	kindOf(secretKind, in(corev1.SchemeGroupVersion, "secrets"),
		func(o *manifest.Objects) *[]*corev1.Secret { return &o.Secrets }).with(core, optional, func(k *kind) { k.selector = noHelmReleases }),
	kindOf(configMapKind, in(corev1.SchemeGroupVersion, "configmaps"),
		func(o *manifest.Objects) *[]*corev1.ConfigMap { return &o.ConfigMaps }).with(core, optional),
	{name: definitionKind, versions: []schema.GroupVersionResource{definitions}, core: true, whole: true, optional: true, read: readDefinition},
}

var (
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	events      = in(corev1.SchemeGroupVersion, "events")
)

// in gives a resource of a version; the Gateway API has a type of its own for versions.
func in[V schema.GroupVersion | metav1.GroupVersion](v V, resource string) schema.GroupVersionResource {
	return schema.GroupVersion(v).WithResource(resource)
}

func whole(k *kind)    { k.whole = true }
func core(k *kind)     { k.core = true }
func optional(k *kind) { k.optional = true }
func written(k *kind)  { k.status = true }

func (k *kind) with(properties ...func(*kind)) *kind {
	for _, set := range properties {
		set(k)
	}
	return k
}

func (k *kind) or(older schema.GroupVersionResource) *kind {
	k.versions = append(k.versions, older)
	return k
}

// object is a pointer to a type of objects.
type object[T any] interface {
	*T
	metav1.Object
}

// kindOf makes a kind of a Go type; list is where its objects are among all.
func kindOf[T any, P object[T]](name string, served schema.GroupVersionResource, list func(*manifest.Objects) *[]P) *kind {
	return &kind{
		name: name, versions: []schema.GroupVersionResource{served},
		read: func(u *unstructured.Unstructured) (metav1.Object, error) {
			o := P(new(T))
			return o, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, o)
		},
		put: func(all *manifest.Objects, o metav1.Object) {
			if o, ok := o.(P); ok {
				*list(all) = append(*list(all), o)
			}
		},
		all: func(all *manifest.Objects) []metav1.Object {
			var out []metav1.Object
			for _, o := range *list(all) {
				out = append(out, o)
			}
			return out
		},
	}
}

// kindNamed gives a kind of the table.
func kindNamed(name string) *kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	panic("no kind " + name)
}

// definition is what we need to know of a CustomResourceDefinition.
type definition struct {
	metav1.ObjectMeta
	group string
	// ai tells that the version of Backend that we serve has spec.ai.
	ai bool
}

func readDefinition(u *unstructured.Unstructured) (metav1.Object, error) {
	d := &definition{ObjectMeta: metav1.ObjectMeta{
		Name: u.GetName(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(), Generation: u.GetGeneration(),
		Labels: u.GetLabels(), Annotations: u.GetAnnotations(),
	}}
	d.group, _, _ = unstructured.NestedString(u.Object, "spec", "group")
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	for _, v := range versions {
		if v, ok := v.(map[string]any); ok && v["name"] == resource.KgatewayVersion.Version {
			_, d.ai, _ = unstructured.NestedMap(v, "schema", "openAPIV3Schema", "properties", "spec", "properties", "ai")
		}
	}
	return d, nil
}
