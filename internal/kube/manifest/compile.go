package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"tollgate/internal/config"
	"tollgate/internal/kube/resource"
)

// Result is what objects come to.
type Result struct {
	// Config is the base with the gateways and routes of the objects in it. The files of
	// its positions are the Refs of the objects that they stand in, as text.
	Config   *config.Config
	Statuses Statuses
	// Mint are the virtual keys that want a secret of which there is none yet, of those that
	// this program keeps: of several with Gateways that a key is good on, one mints it.
	Mint []Mint
	// Warnings are what an operator should know and no status can say.
	Warnings []string
	// Next is when the same objects give other statuses, because a virtual key ends; zero:
	// they stay as they are.
	Next time.Time
}

// compilation gathers what is found on the way.
type compilation struct {
	objects  *Objects
	settings *Settings
	index    index
	out      *Result
	// destinations are the backends that were compiled already.
	destinations map[Ref]destination
	tls          tlsPolicyIndex
	// claimed are the ports that the base takes for itself.
	claimed map[int]string
	// base is the configuration on top of which the objects are compiled, nil for none.
	base *config.Config
	// keyBook and policyBook are written when they are first asked for.
	keyBook    *keyBook
	policyBook *policyBook
	// keepers are by namespace.
	keepers map[string]keeping
}

// Compile gives the configuration of objects on top of base, which may be nil and is not
// changed, and what the statuses of the objects have to say about it once it is in force.
func Compile(base *config.Config, objects *Objects, settings Settings) *Result {
	k := &compilation{
		objects: objects, settings: &settings, base: base, index: indexOf(objects), destinations: map[Ref]destination{}, keepers: map[string]keeping{},
		tls: tlsPolicyIndex{bySection: map[section][]*tlsPolicy{}, byTarget: map[target][]*tlsPolicy{}},
		out: &Result{Config: &config.Config{}, Statuses: newStatuses()},
	}
	if base != nil {
		*k.out.Config = *base
	}
	c := k.out.Config
	c.Gateways, c.Routes = slices.Clone(c.Gateways), slices.Clone(c.Routes)
	k.claimed = claims(c, settings.Bind)
	k.tlsPolicies()
	fronts := k.fronts(k.classes())
	for _, f := range fronts {
		k.configure(f)
	}
	k.routes(fronts)
	for _, f := range fronts {
		k.gatewayStatus(f)
	}
	k.tlsPolicyStatuses()
	k.settle()
	slices.Sort(k.out.Warnings)
	k.out.Warnings = slices.Compact(k.out.Warnings)
	return k.out
}

// warn notes something that no status can say.
func (k *compilation) warn(format string, args ...any) {
	k.out.Warnings = append(k.out.Warnings, fmt.Sprintf(format, args...))
}

func newStatuses() Statuses {
	return Statuses{
		Classes:     map[string]gatewayv1.GatewayClassStatus{},
		Gateways:    map[types.NamespacedName]gatewayv1.GatewayStatus{},
		Routes:      map[types.NamespacedName][]gatewayv1.RouteParentStatus{},
		TLSPolicies: map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus{},
		Backends:    map[types.NamespacedName][]metav1.Condition{},
		AIBackends:  map[types.NamespacedName][]metav1.Condition{},
		Policies:    map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus{},
		VirtualKeys: map[types.NamespacedName]resource.VirtualKeyStatus{},
	}
}

// destination is what a backend reference leads to: ai, or endpoints, or unserved.
type destination struct {
	ai *config.AIBackend
	// endpoints are the addresses of a plain HTTP service.
	endpoints []config.HostPort
	policies  config.BackendPolicies
	// passthrough tells that the caller's own Authorization is sent on, so that a virtual
	// key must come in another header.
	passthrough bool
	// unserved tells why requests cannot be served, and status what they are answered
	// with: 500 for a reference that is wrong, 503 for what may come right by itself.
	unserved string
	status   int
	// reason is the one of the route's condition ResolvedRefs, "" if that is true. message
	// is its text; if it is empty, unserved is.
	reason  gatewayv1.RouteConditionReason
	message string
}

// index finds objects by name. Lists are in a stable order, so that the same objects give
// the same configuration, whatever order they come in.
type index struct {
	namespaces map[string]*corev1.Namespace
	gateways   map[types.NamespacedName]*gatewayv1.Gateway
	routes     map[types.NamespacedName]*gatewayv1.HTTPRoute
	services   map[types.NamespacedName]*corev1.Service
	secrets    map[types.NamespacedName]*corev1.Secret
	configMaps map[types.NamespacedName]*corev1.ConfigMap
	backends   map[types.NamespacedName]*resource.Backend
	aiBackends map[types.NamespacedName]*resource.AgentgatewayBackend
	// grants are by the namespace whose objects they give away, slices by their Service.
	grants map[string][]*gatewayv1beta1.ReferenceGrant
	slices map[types.NamespacedName][]*discoveryv1.EndpointSlice
}

func indexOf(o *Objects) index {
	out := index{
		namespaces: byName(o.Namespaces, func(n *corev1.Namespace) string { return n.Name }),
		gateways:   byName(o.Gateways, nameOf[*gatewayv1.Gateway]),
		routes:     byName(o.Routes, nameOf[*gatewayv1.HTTPRoute]),
		services:   byName(o.Services, nameOf[*corev1.Service]),
		secrets:    byName(o.Secrets, nameOf[*corev1.Secret]),
		configMaps: byName(o.ConfigMaps, nameOf[*corev1.ConfigMap]),
		backends:   byName(o.Backends, nameOf[*resource.Backend]),
		aiBackends: byName(o.AIBackends, nameOf[*resource.AgentgatewayBackend]),
		grants:     map[string][]*gatewayv1beta1.ReferenceGrant{},
		slices:     map[types.NamespacedName][]*discoveryv1.EndpointSlice{},
	}
	for _, g := range o.Grants {
		out.grants[g.Namespace] = append(out.grants[g.Namespace], g)
	}
	for _, s := range o.Slices {
		service := types.NamespacedName{Namespace: s.Namespace, Name: s.Labels[discoveryv1.LabelServiceName]}
		out.slices[service] = append(out.slices[service], s)
	}
	return out
}

func byName[K comparable, T any](all []T, name func(T) K) map[K]T {
	out := make(map[K]T, len(all))
	for _, o := range all {
		out[name(o)] = o
	}
	return out
}

// nameOf gives the name of an object with its namespace.
func nameOf[T metav1.Object](o T) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// oldestFirst gives objects in the order in which the Gateway API settles conflicts: by
// age, then by namespace and name.
func oldestFirst[T metav1.Object](all []T) []T {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b T) int {
		return cmp.Or(
			a.GetCreationTimestamp().Compare(b.GetCreationTimestamp().Time),
			cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()),
		)
	})
	return sorted
}
