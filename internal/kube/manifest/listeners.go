package manifest

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
)

// listener is a listener of a Gateway that is ours, with what became of it.
type listener struct {
	front    *front
	spec     *gatewayv1.Listener
	at       config.Position
	hostname string // lower case, "" for all
	kinds    []gatewayv1.RouteGroupKind
	tls      *config.ServerTLS
	// refused is why it is not accepted, conflict which other listeners it gets in the way
	// of, unresolved what is wrong with its references.
	refused, conflict, unresolved fault
	overlaps                      bool
	attached                      int32
	// entry is the name of its gateway in the configuration, "" if it is not there.
	entry string
}

// invalid tells why a listener is not accepted.
func (l *listener) invalid() fault { return l.conflict.or(l.refused) }

// served tells whether a listener is part of the configuration.
func (l *listener) served() bool {
	secured := l.spec.Protocol != gatewayv1.HTTPSProtocolType || l.tls != nil
	return l.front.refused.none() && l.invalid().none() && secured && len(l.kinds) > 0
}

func httpRoutes() gatewayv1.RouteGroupKind {
	group := gatewayv1.Group(gatewayv1.GroupName)
	return gatewayv1.RouteGroupKind{Group: &group, Kind: "HTTPRoute"}
}

// listener judges a listener by itself.
func (k *compilation) listener(f *front, spec *gatewayv1.Listener, index int) *listener {
	l := &listener{
		front: f, spec: spec, at: f.ref.at().Child("spec").Child("listeners").Index(index),
		hostname: strings.ToLower(string(or(spec.Hostname, ""))), kinds: []gatewayv1.RouteGroupKind{},
	}
	switch spec.Protocol {
	case gatewayv1.HTTPProtocolType, gatewayv1.HTTPSProtocolType:
	default:
		l.refused = faultOf(gatewayv1.ListenerReasonUnsupportedProtocol, "the protocol %s is not served; HTTP and HTTPS are", spec.Protocol)
		return l
	}
	l.unresolved = l.routeKinds()
	l.refused = k.refuseListener(l)
	if spec.Protocol == gatewayv1.HTTPSProtocolType {
		var missing fault
		l.tls, missing = k.certificate(f.object, spec, l.at)
		l.unresolved = missing.or(l.unresolved)
	}
	return l
}

// routeKinds finds which kinds of routes may attach, and complains about those that are
// asked for and not served.
func (l *listener) routeKinds() fault {
	if l.spec.AllowedRoutes == nil || len(l.spec.AllowedRoutes.Kinds) == 0 {
		l.kinds = append(l.kinds, httpRoutes())
		return fault{}
	}
	var bad faults
	for _, kind := range l.spec.AllowedRoutes.Kinds {
		switch {
		case or(kind.Group, gatewayv1.GroupName) != gatewayv1.GroupName || kind.Kind != "HTTPRoute":
			bad.add(faultOf(gatewayv1.ListenerReasonInvalidRouteKinds, "routes of the kind %s (%s) are not served; HTTPRoute is", kind.Kind, or(kind.Group, gatewayv1.GroupName)))
		case len(l.kinds) == 0:
			l.kinds = append(l.kinds, httpRoutes())
		}
	}
	return bad.fault()
}

// refuseListener tells why a listener for HTTP or HTTPS cannot be served.
func (k *compilation) refuseListener(l *listener) fault {
	spec := l.spec
	if f := k.refusePort(int(spec.Port)); !f.none() {
		return f
	}
	if !validHost(l.hostname) {
		return faultOf(gatewayv1.ListenerReasonUnsupportedValue, "the hostname %q is none", l.hostname)
	}
	if spec.Protocol == gatewayv1.HTTPSProtocolType {
		if spec.TLS != nil && or(spec.TLS.Mode, gatewayv1.TLSModeTerminate) != gatewayv1.TLSModeTerminate {
			return faultOf(gatewayv1.ListenerReasonUnsupportedValue, "the TLS mode %s is not served; Terminate is", *spec.TLS.Mode)
		}
		if l.front.checksClients(spec.Port) {
			return faultOf(gatewayv1.ListenerReasonUnsupportedValue, "certificates of clients, which spec.tls.frontend asks for, are not checked; remove it, or use virtual keys")
		}
	}
	if a := spec.AllowedRoutes; a != nil && a.Namespaces != nil {
		switch from := or(a.Namespaces.From, gatewayv1.NamespacesFromSame); from {
		case gatewayv1.NamespacesFromAll, gatewayv1.NamespacesFromSame, gatewayv1.NamespacesFromNone:
		case gatewayv1.NamespacesFromSelector:
			if _, err := metav1.LabelSelectorAsSelector(a.Namespaces.Selector); err != nil {
				return faultOf(gatewayv1.ListenerReasonUnsupportedValue, "allowedRoutes.namespaces.selector: %v", err)
			}
		default:
			return faultOf(gatewayv1.ListenerReasonUnsupportedValue, "allowedRoutes.namespaces.from is %q; All, Same, Selector and None are served", from)
		}
	}
	return fault{}
}

// checksClients tells whether a Gateway asks for certificates of clients on a port. A
// listener without that check would let anybody pass.
func (f *front) checksClients(port int32) bool {
	if f.object.Spec.TLS == nil || f.object.Spec.TLS.Frontend == nil {
		return false
	}
	frontend := f.object.Spec.TLS.Frontend
	for _, p := range frontend.PerPort {
		if p.Port == port {
			return p.TLS.Validation != nil
		}
	}
	return frontend.Default.Validation != nil
}

// refusePort tells why a port cannot be listened on.
func (k *compilation) refusePort(port int) fault {
	if port < 1 || port > 65535 {
		return faultOf(gatewayv1.ListenerReasonPortUnavailable, "there is no port %d", port)
	}
	if why, ok := k.settings.Unavailable[port]; ok {
		return faultOf(gatewayv1.ListenerReasonPortUnavailable, "port %d cannot be listened on: %s", port, why)
	}
	if by, ok := k.claimed[port]; ok {
		return faultOf(gatewayv1.ListenerReasonPortUnavailable, "port %d is taken by %s", port, by)
	}
	return fault{}
}

// letsNamespace tells whether routes, and virtual keys, of a namespace may attach to a
// listener.
func (k *compilation) letsNamespace(g *gatewayv1.Gateway, l *gatewayv1.Listener, namespace string) bool {
	from, selector := gatewayv1.NamespacesFromSame, (*metav1.LabelSelector)(nil)
	if a := l.AllowedRoutes; a != nil && a.Namespaces != nil {
		from, selector = or(a.Namespaces.From, from), a.Namespaces.Selector
	}
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return namespace == g.Namespace
	case gatewayv1.NamespacesFromSelector:
		s, err := metav1.LabelSelectorAsSelector(selector)
		return err == nil && s.Matches(k.labelsOf(namespace))
	default:
		return false
	}
}

// labelsOf gives the labels of a namespace. Every namespace has one with its name, also
// where namespaces cannot be read.
func (k *compilation) labelsOf(namespace string) labels.Set {
	if n := k.index.namespaces[namespace]; n != nil {
		return n.Labels
	}
	return labels.Set{"kubernetes.io/metadata.name": namespace}
}

// taken is what a port is used for by Gateways that are older.
type taken struct {
	protocol gatewayv1.ProtocolType
	hosts    map[string]*listener
}

// settleConflicts finds listeners that get in each other's way. Within a Gateway nobody
// wins; between Gateways the older one does.
func (k *compilation) settleConflicts(all []*front) {
	ports := map[int32]*taken{}
	for _, f := range all {
		if !f.refused.none() {
			continue
		}
		var sound []*listener
		for _, l := range f.listeners {
			if l.refused.none() {
				sound = append(sound, l)
			}
		}
		for _, l := range sound {
			l.conflict = l.conflictWithin(sound).or(l.conflictWith(ports[l.spec.Port]))
		}
		for _, l := range sound {
			if !l.conflict.none() {
				continue
			}
			t := ports[l.spec.Port]
			if t == nil {
				t = &taken{protocol: l.spec.Protocol, hosts: map[string]*listener{}}
				ports[l.spec.Port] = t
			}
			t.hosts[l.hostname] = l
		}
	}
	for _, t := range ports {
		t.markOverlaps()
	}
}

// conflictWithin compares a listener with the others of its Gateway.
func (l *listener) conflictWithin(all []*listener) fault {
	for _, o := range all {
		switch {
		case o == l || o.spec.Port != l.spec.Port:
		case o.spec.Protocol != l.spec.Protocol:
			return faultOf(gatewayv1.ListenerReasonProtocolConflict, "listener %s has port %d for %s", o.spec.Name, o.spec.Port, o.spec.Protocol)
		case o.hostname == l.hostname:
			return faultOf(gatewayv1.ListenerReasonHostnameConflict, "listener %s has port %d and the same hostname", o.spec.Name, o.spec.Port)
		}
	}
	return fault{}
}

// conflictWith compares a listener with those of older Gateways.
func (l *listener) conflictWith(t *taken) fault {
	switch {
	case t == nil:
	case t.protocol != l.spec.Protocol:
		return faultOf(gatewayv1.ListenerReasonProtocolConflict, "an older Gateway has port %d for %s", l.spec.Port, t.protocol)
	case t.hosts[l.hostname] != nil:
		o := t.hosts[l.hostname]
		return faultOf(gatewayv1.ListenerReasonHostnameConflict, "listener %s of the older %s has port %d and the same hostname", o.spec.Name, o.front.ref, l.spec.Port)
	}
	return fault{}
}

// markOverlaps marks the listeners for HTTPS that a connection of a browser made for one
// of them may be used for too.
func (t *taken) markOverlaps() {
	if t.protocol != gatewayv1.HTTPSProtocolType {
		return
	}
	for a, one := range t.hosts {
		for b, other := range t.hosts {
			if _, both := intersection(a, b); both && a != b {
				one.overlaps, other.overlaps = true, true
			}
		}
	}
}

// status says what became of a listener.
func (l *listener) status() gatewayv1.ListenerStatus {
	generation := l.front.object.Generation
	invalid, unprogrammed := l.invalid(), l.conflict
	switch {
	case !unprogrammed.none() || l.served():
	case !l.front.refused.none():
		unprogrammed = faultOf(gatewayv1.ListenerReasonInvalid, "The Gateway is not accepted: %s", l.front.refused.message)
	default:
		unprogrammed = faultOf(gatewayv1.ListenerReasonInvalid, "%s", cmp.Or(invalid.message, l.unresolved.message))
	}
	conflicted := condition(gatewayv1.ListenerConditionConflicted, metav1.ConditionFalse, gatewayv1.ListenerReasonNoConflicts, "No other listener is in the way", generation)
	if !l.conflict.none() {
		conflicted = condition(gatewayv1.ListenerConditionConflicted, metav1.ConditionTrue, l.conflict.reason, l.conflict.message, generation)
	}
	out := gatewayv1.ListenerStatus{
		Name: l.spec.Name, SupportedKinds: slices.Clone(l.kinds), AttachedRoutes: l.attached,
		Conditions: []metav1.Condition{
			stands(gatewayv1.ListenerConditionAccepted, gatewayv1.ListenerReasonAccepted, "The listener is accepted", invalid, generation),
			stands(gatewayv1.ListenerConditionProgrammed, gatewayv1.ListenerReasonProgrammed, "The port is listened on", unprogrammed, generation),
			stands(gatewayv1.ListenerConditionResolvedRefs, gatewayv1.ListenerReasonResolvedRefs, "All references lead somewhere", l.unresolved, generation),
			conflicted,
		},
	}
	if l.overlaps {
		out.Conditions = append(out.Conditions, condition(gatewayv1.ListenerConditionOverlappingTLSConfig, metav1.ConditionTrue, gatewayv1.ListenerReasonOverlappingHostnames,
			"Another listener of this port has a hostname that covers this one or is covered by it, so that one connection may be used for both", generation))
	}
	return out
}
