package manifest

import (
	"time"

	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"tollgate/internal/kube/resource"
)

// Objects are all that a configuration is made of, in any order. Compile changes none of them.
type Objects struct {
	Classes     []*gatewayv1.GatewayClass
	Gateways    []*gatewayv1.Gateway
	Routes      []*gatewayv1.HTTPRoute
	Grants      []*gatewayv1beta1.ReferenceGrant
	TLSPolicies []*gatewayv1.BackendTLSPolicy
	Namespaces  []*corev1.Namespace
	Services    []*corev1.Service
	Slices      []*discoveryv1.EndpointSlice
	Secrets     []*corev1.Secret
	ConfigMaps  []*corev1.ConfigMap
	Backends    []*resource.Backend
	AIBackends  []*resource.AgentgatewayBackend
	Policies    []*resource.AgentgatewayPolicy
	VirtualKeys []*resource.VirtualKey
	// Bundle is the version of the Gateway API's own definitions in the cluster, "" if unknown.
	Bundle string
}

// Settings are what Compile goes by beside the objects.
type Settings struct {
	// Controller is the name by which classes choose this program.
	Controller gatewayv1.GatewayController
	// Class is the name of the one class that is served; "": all that name the controller.
	Class string
	// Gateway is the one Gateway that is served; zero: all of the classes.
	Gateway types.NamespacedName
	// Address is where Gateways are reached that have no Service of their name; "": nowhere
	// that is known.
	Address string
	// Bind is the IP address to listen on; "": all.
	Bind string
	// Broken tells what was found wrong with objects that this package takes for sound, by
	// their Ref: they are reported and left out.
	Broken map[Ref]string
	// Now is when the objects are compiled, by which virtual keys have ended; zero: none has.
	Now time.Time
	// Local lets backends name this machine and its link. Otherwise whoever may write one
	// could have requests sent to the listeners for administration of this program and of
	// others in its pod, and to services of clouds that give away credentials of the machine.
	Local bool
	// Unavailable tells why ports cannot be listened on.
	Unavailable map[int]string
}

// Ref names an object.
type Ref struct {
	Kind string // for instance HTTPRoute
	types.NamespacedName
}

// String gives the reference as kubectl takes it, kind/namespace/name.
func (r Ref) String() string { return r.Kind + "/" + r.Namespace + "/" + r.Name }

// ParseRef reads what String gives.
func ParseRef(text string) (Ref, bool) {
	kind, rest, ok := strings.Cut(text, "/")
	namespace, name, named := strings.Cut(rest, "/")
	return Ref{kind, types.NamespacedName{Namespace: namespace, Name: name}}, ok && named && name != "" && !strings.Contains(name, "/")
}

// Statuses are what has to stand in the statuses of objects, for those that are ours.
// Conditions have their observed generation and no time: whoever writes them knows whether
// they changed.
type Statuses struct {
	Classes     map[string]gatewayv1.GatewayClassStatus
	Gateways    map[types.NamespacedName]gatewayv1.GatewayStatus
	Routes      map[types.NamespacedName][]gatewayv1.RouteParentStatus // those of this controller
	TLSPolicies map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus
	Backends    map[types.NamespacedName][]metav1.Condition
	AIBackends  map[types.NamespacedName][]metav1.Condition
	Policies    map[types.NamespacedName][]gatewayv1.PolicyAncestorStatus
	// VirtualKeys are those that this program keeps. They have no usage yet: whoever writes
	// them reads it from the books.
	VirtualKeys map[types.NamespacedName]resource.VirtualKeyStatus
}
