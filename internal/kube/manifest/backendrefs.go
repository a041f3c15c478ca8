package manifest

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/kube/resource"
)

// choice is where a backendRef of a rule leads, with its weight and filters.
type choice struct {
	backend     config.RouteBackend
	target      target
	passthrough bool
	// unresolved is what is wrong with the reference, unsupported what is with its filters.
	unresolved, unsupported fault
}

// choice follows a backendRef.
func (k *compilation) choice(r *gatewayv1.HTTPRoute, ref *gatewayv1.HTTPBackendRef, at config.Position) choice {
	to, d := k.follow(r, &ref.BackendObjectReference)
	out := choice{target: to, passthrough: d.passthrough}
	if d.reason != "" {
		out.unresolved = faultOf(d.reason, "%s", cmp.Or(d.message, d.unserved))
	}
	out.backend = config.RouteBackend{
		At: at, Weight: int(max(0, or(ref.Weight, 1))), AI: d.ai, Endpoints: d.endpoints, Policies: d.policies, Unserved: d.unserved, Status: d.status,
	}
	for i := range out.backend.Endpoints {
		if e := &out.backend.Endpoints[i]; e.At.File == "" {
			e.At = at
		}
	}
	var bad faults
	var own filters
	for i := range ref.Filters {
		switch f := &ref.Filters[i]; f.Type {
		case gatewayv1.HTTPRouteFilterRequestHeaderModifier, gatewayv1.HTTPRouteFilterResponseHeaderModifier:
			bad.add(own.add(f, nil, at.Child("filters").Index(i)))
		default:
			bad.add(unsupported("filters of the type %q are not served on a backendRef", f.Type))
		}
	}
	out.unsupported = bad.fault()
	out.backend.Policies.RequestHeaders, out.backend.Policies.ResponseHeaders = own.request, own.response
	return out
}

// follow finds what a reference of a route leads to.
func (k *compilation) follow(r *gatewayv1.HTTPRoute, ref *gatewayv1.BackendObjectReference) (target, destination) {
	name := types.NamespacedName{Namespace: string(or(ref.Namespace, gatewayv1.Namespace(r.Namespace))), Name: string(ref.Name)}
	to := target{or(ref.Group, ""), Ref{string(or(ref.Kind, "Service")), name}}
	kind := [2]string{string(to.group), to.Kind}
	switch kind {
	case serviceKind, backendKind, aiBackendKind:
	default:
		return to, wrong(to.Ref, gatewayv1.RouteReasonInvalidKind, "%s of the group %q is nothing that requests can be sent to", to, to.group)
	}
	if !k.permitted(maker{"HTTPRoute", r.Namespace}, to) {
		return to, wrong(to.Ref, gatewayv1.RouteReasonRefNotPermitted, "no ReferenceGrant in %s lets HTTPRoutes of %s use %s", to.Namespace, r.Namespace, to)
	}
	if kind == serviceKind {
		return to, k.servicePort(to, ref.Port)
	}
	return to, k.backend(to)
}

// The kinds that a route may send requests to.
var (
	serviceKind   = [2]string{"", "Service"}
	backendKind   = [2]string{resource.KgatewayVersion.Group, "Backend"}
	aiBackendKind = [2]string{resource.AgentgatewayVersion.Group, "AgentgatewayBackend"}
)

func (k *compilation) servicePort(to target, port *gatewayv1.PortNumber) destination {
	switch s := k.index.services[to.NamespacedName]; {
	case s == nil:
		return wrong(to.Ref, gatewayv1.RouteReasonBackendNotFound, "%s does not exist", to)
	case port == nil:
		return wrong(to.Ref, gatewayv1.RouteReasonBackendNotFound, "the reference to %s says no port", to)
	default:
		return k.service(s, *port)
	}
}

func (k *compilation) backend(to target) destination {
	if to.Kind == "Backend" {
		if b := k.index.backends[to.NamespacedName]; b != nil {
			return k.kgatewayBackend(b)
		}
	} else if b := k.index.aiBackends[to.NamespacedName]; b != nil {
		return k.agentgatewayBackend(b)
	}
	return wrong(to.Ref, gatewayv1.RouteReasonBackendNotFound, "%s does not exist", to)
}

// eachProvider gives a backend with other policies of its providers.
func eachProvider(ai *config.AIBackend, change func(*config.BackendPolicies)) *config.AIBackend {
	if ai == nil {
		return nil
	}
	out := &config.AIBackend{At: ai.At, Groups: make([]config.AIGroup, len(ai.Groups))}
	for i, g := range ai.Groups {
		providers := slices.Clone(g.Providers)
		for j := range providers {
			change(&providers[j].Policies)
		}
		out.Groups[i] = config.AIGroup{At: g.At, Providers: providers}
	}
	return out
}

// behind gives backends for a route with changes to headers of its own. Those of a backend
// for models would replace them, so both are made one; a plain server gets both anyway.
func behind(backends []config.RouteBackend, route *config.HeaderModifier) []config.RouteBackend {
	out := slices.Clone(backends)
	for i := range out {
		if own := out[i].Policies.RequestHeaders; out[i].AI != nil && own != nil && route != nil {
			out[i].Policies.RequestHeaders = after(route, own)
		}
	}
	return out
}
