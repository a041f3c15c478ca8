package manifest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/provider"
)

// service finds the servers behind a port of a Service: the ready ones of its
// EndpointSlices, whoever writes these.
func (k *compilation) service(s *corev1.Service, number int32) destination {
	ref := refOf("Service", s)
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return wrong(ref, gatewayv1.RouteReasonUnsupportedProtocol, "%s is of the type ExternalName, which is not served; use a Backend of the type Static for other hosts", ref)
	}
	i := slices.IndexFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == number })
	if i < 0 {
		return wrong(ref, gatewayv1.RouteReasonBackendNotFound, "%s has no port %d", ref, number)
	}
	port := &s.Spec.Ports[i]
	if p := port.Protocol; p != "" && p != corev1.ProtocolTCP {
		return wrong(ref, gatewayv1.RouteReasonUnsupportedProtocol, "port %d of %s is for %s, not TCP", number, ref, p)
	}
	switch app := or(port.AppProtocol, ""); app {
	case "kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss":
		return wrong(ref, gatewayv1.RouteReasonUnsupportedProtocol, "port %d of %s has the appProtocol %s, which is not served; HTTP/1.1 is", number, ref, app)
	}
	tls, f := k.backendTLS(target{Ref: ref}, port.Name)
	if !f.none() {
		return destination{unserved: ref.String() + " cannot be called over TLS as its BackendTLSPolicy wants. The conditions of the policy say more.", status: http.StatusInternalServerError}
	}
	endpoints := k.endpoints(s, port)
	if len(endpoints) == 0 {
		return destination{unserved: "No endpoint of " + ref.String() + " is ready.", status: http.StatusServiceUnavailable}
	}
	return destination{endpoints: endpoints, policies: config.BackendPolicies{BackendTLS: tls}}
}

// wrong is where a reference leads that cannot be followed. The conditions of the route say
// why; callers are told no more than whom to ask.
func wrong(to Ref, reason gatewayv1.RouteConditionReason, format string, args ...any) destination {
	return destination{unserved: unfit(to), status: http.StatusInternalServerError, reason: reason, message: fmt.Sprintf(format, args...)}
}

// unfit tells callers that something cannot be served.
func unfit(to Ref) string {
	return to.String() + " cannot be served. The conditions of the route say more."
}

// endpoints gives the addresses of a port that are ready, in order and each once.
func (k *compilation) endpoints(s *corev1.Service, port *corev1.ServicePort) []config.HostPort {
	var all []config.HostPort
	for _, slice := range k.index.slices[nameOf(s)] {
		number, ok := portOf(slice, port)
		if !ok {
			continue
		}
		for i := range slice.Endpoints {
			e := &slice.Endpoints[i]
			if !or(e.Conditions.Ready, true) {
				continue
			}
			for _, address := range e.Addresses {
				// A name, which slices may have instead, may lead anywhere.
				if a, err := netip.ParseAddr(address); err == nil && (k.settings.Local || !provider.Near(a)) {
					all = append(all, config.HostPort{Host: address, Port: number, Remote: !k.settings.Local})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b config.HostPort) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	all = slices.Compact(all)
	if len(all) > maxEndpoints {
		k.warn("%s: port %d has %d ready endpoints; requests are sent to %d of them", refOf("Service", s), port.Port, len(all), maxEndpoints)
		all = all[:maxEndpoints]
	}
	return all
}

// maxEndpoints bounds the servers of a Service: each is known by itself to every rule, and
// whoever may write EndpointSlices shares the memory with all others.
const maxEndpoints = 1000

// portOf gives the number that a port of a Service has in a slice, which knows it by name.
// Ports of a slice without a number are all ports, so that the Service decides.
func portOf(slice *discoveryv1.EndpointSlice, port *corev1.ServicePort) (number int, ok bool) {
	for i := range slice.Ports {
		p := &slice.Ports[i]
		if or(p.Name, "") != port.Name || or(p.Protocol, corev1.ProtocolTCP) != corev1.ProtocolTCP {
			continue
		}
		switch {
		case p.Port != nil:
			number = int(*p.Port)
		case port.TargetPort.Type == intstr.Int && port.TargetPort.IntVal != 0:
			number = int(port.TargetPort.IntVal)
		default:
			number = int(port.Port)
		}
		return number, 0 < number && number < 1<<16
	}
	return 0, false
}
