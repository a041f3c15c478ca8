package manifest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
)

// front is a Gateway that is ours, with what became of it.
type front struct {
	object    *gatewayv1.Gateway
	ref       Ref
	listeners []*listener
	// refused is why the Gateway as a whole is not served.
	refused fault
	// addresses are where it is reached, unusable what is wrong with those it asks for.
	addresses []gatewayv1.GatewayStatusAddress
	unusable  fault
}

// fronts gives the Gateways that are ours, oldest first, with their listeners judged.
func (k *compilation) fronts(classes map[string]fault) []*front {
	var all []*front
	for _, g := range oldestFirst(k.objects.Gateways) {
		class, ours := classes[string(g.Spec.GatewayClassName)]
		if !ours || !k.serves(g) {
			continue
		}
		f := &front{object: g, ref: refOf("Gateway", g)}
		f.refused = k.refusal(g, class)
		if g.Spec.TLS != nil && g.Spec.TLS.Backend != nil && g.Spec.TLS.Backend.ClientCertificateRef != nil {
			k.warn("%s: spec.tls.backend is not served: backends are called without a certificate of the Gateway", f.ref)
		}
		k.locate(f)
		for i := range g.Spec.Listeners {
			if l := &g.Spec.Listeners[i]; f.listener(l.Name) == nil {
				f.listeners = append(f.listeners, k.listener(f, l, i))
			}
		}
		all = append(all, f)
	}
	k.settleConflicts(all)
	return all
}

// serves tells whether a Gateway of a class of ours is for this program to serve.
func (k *compilation) serves(g *gatewayv1.Gateway) bool {
	only := k.settings.Gateway
	return (k.settings.Class == "" || k.settings.Class == string(g.Spec.GatewayClassName)) && (only == types.NamespacedName{} || nameOf(g) == only)
}

func (f *front) listener(name gatewayv1.SectionName) *listener {
	for _, l := range f.listeners {
		if l.spec.Name == name {
			return l
		}
	}
	return nil
}

// refusal tells why a Gateway as a whole is not served.
func (k *compilation) refusal(g *gatewayv1.Gateway, class fault) fault {
	why, broken := k.broken("Gateway", g)
	in := g.Spec.Infrastructure
	switch {
	case !class.none():
		return faultOf(gatewayv1.GatewayReasonPending, "The GatewayClass %s is not accepted: %s", g.Spec.GatewayClassName, class.message)
	case broken:
		return faultOf(gatewayv1.GatewayReasonInvalid, "%s", why)
	case in != nil && in.ParametersRef != nil:
		return faultOf(gatewayv1.GatewayReasonInvalidParameters, "infrastructure.parametersRef names %s %s, but this controller knows no parameters; remove it", in.ParametersRef.Kind, in.ParametersRef.Name)
	}
	for _, a := range g.Spec.Addresses {
		if t := or(a.Type, gatewayv1.IPAddressType); t != gatewayv1.IPAddressType && t != gatewayv1.HostnameAddressType {
			return faultOf(gatewayv1.GatewayReasonUnsupportedAddress, "addresses of the type %s cannot be given to a Gateway; use %s or %s", t, gatewayv1.IPAddressType, gatewayv1.HostnameAddressType)
		}
	}
	return fault{}
}

// locate finds where a Gateway is reached. Of the addresses that it asks for by value, it
// gets those that it has anyway.
func (k *compilation) locate(f *front) {
	have := k.addresses(f.object)
	var wanted, missing []string
	for _, a := range f.object.Spec.Addresses {
		if a.Value == "" {
			continue
		}
		wanted = append(wanted, a.Value)
		if !slices.ContainsFunc(have, func(h gatewayv1.GatewayStatusAddress) bool { return h.Value == a.Value }) {
			missing = append(missing, a.Value)
		}
	}
	switch {
	case len(missing) > 0:
		f.unusable = faultOf(gatewayv1.GatewayReasonAddressNotUsable, "this Gateway is not reached at %s", strings.Join(missing, ", "))
	case len(have) == 0:
		f.unusable = faultOf(gatewayv1.GatewayReasonAddressNotAssigned, "the Service %s/%s has no address yet", f.ref.Namespace, f.ref.Name)
	}
	for _, h := range have {
		if len(wanted) == 0 || slices.Contains(wanted, h.Value) {
			f.addresses = append(f.addresses, h)
		}
	}
}

// addresses gives the addresses of the Service that is named after a Gateway: those of its
// load balancer, else those in the cluster.
func (k *compilation) addresses(g *gatewayv1.Gateway) []gatewayv1.GatewayStatusAddress {
	var out []gatewayv1.GatewayStatusAddress
	add := func(value string) {
		if value == "" || value == corev1.ClusterIPNone || slices.ContainsFunc(out, func(a gatewayv1.GatewayStatusAddress) bool { return a.Value == value }) {
			return
		}
		kind := gatewayv1.HostnameAddressType
		if _, err := netip.ParseAddr(value); err == nil {
			kind = gatewayv1.IPAddressType
		}
		out = append(out, gatewayv1.GatewayStatusAddress{Type: &kind, Value: value})
	}
	if s := k.index.services[nameOf(g)]; s != nil {
		for _, in := range s.Status.LoadBalancer.Ingress {
			add(in.IP)
			add(in.Hostname)
		}
		if len(out) == 0 {
			for _, ip := range append([]string{s.Spec.ClusterIP}, s.Spec.ClusterIPs...) {
				add(ip)
			}
		}
	}
	if len(out) == 0 {
		add(k.settings.Address)
	}
	return out[:min(len(out), maxAddresses)]
}

// maxAddresses is how many the status of a Gateway holds.
const maxAddresses = 16

// configure adds the ports of a Gateway to the configuration. The first one is called after
// the Gateway, each further one with its number behind that.
func (k *compilation) configure(f *front) {
	byPort := map[int32]int{} // place in the configuration
	for _, l := range f.listeners {
		if !l.served() {
			continue
		}
		i, ok := byPort[l.spec.Port]
		if !ok {
			name := f.ref.Namespace + "/" + f.ref.Name
			if len(byPort) > 0 {
				name = fmt.Sprintf("%s:%d", name, l.spec.Port)
			}
			i = len(k.out.Config.Gateways)
			byPort[l.spec.Port] = i
			k.out.Config.Gateways = append(k.out.Config.Gateways, config.Entry[config.Gateway]{
				Name: name, At: l.at, Value: config.Gateway{At: l.at, Port: int(l.spec.Port), BindAddress: k.settings.Bind},
			})
		}
		e := &k.out.Config.Gateways[i]
		l.entry = e.Name
		e.Value.Listeners = append(e.Value.Listeners, config.Listener{
			At: l.at, Name: string(l.spec.Name), Namespace: f.ref.Namespace, Hostname: l.hostname, Protocol: string(l.spec.Protocol), TLS: l.tls,
		})
	}
}

// gatewayStatus says what became of a Gateway.
func (k *compilation) gatewayStatus(f *front) {
	generation := f.object.Generation
	accepted, invalid, served := 0, faults{}, 0
	var unresolved faults
	refers := false // a listener refers to something
	status := gatewayv1.GatewayStatus{Addresses: f.addresses}
	for _, l := range f.listeners {
		status.Listeners = append(status.Listeners, l.status())
		if l.served() {
			served++
		}
		refers = refers || l.spec.TLS != nil && len(l.spec.TLS.CertificateRefs) > 0
		if f := l.invalid(); f.none() {
			accepted++
		} else {
			invalid.add(faultOf(gatewayv1.GatewayReasonListenersNotValid, "listener %s: %s", l.spec.Name, f.message))
		}
		if !l.unresolved.none() {
			unresolved.add(faultOf(gatewayv1.GatewayReasonListenersNotResolved, "listener %s: %s", l.spec.Name, l.unresolved.message))
		}
	}
	refused := f.refused
	if accepted == 0 {
		refused = refused.or(invalid.fault()).or(faultOf(gatewayv1.GatewayReasonListenersNotValid, "the Gateway has no listeners"))
	}
	fine, message := gatewayv1.GatewayReasonAccepted, "The Gateway is accepted"
	if f := invalid.fault(); !f.none() {
		fine, message = gatewayv1.GatewayReasonListenersNotValid, "The Gateway is accepted without some of its listeners: "+f.message
	}
	unprogrammed := f.unusable
	switch {
	case !refused.none():
		unprogrammed = faultOf(gatewayv1.GatewayReasonInvalid, "The Gateway is not accepted: %s", refused.message)
	case served == 0:
		unprogrammed = faultOf(gatewayv1.GatewayReasonInvalid, "no listener can be served: %s", unresolved.fault().message)
	}
	status.Conditions = []metav1.Condition{
		stands(gatewayv1.GatewayConditionAccepted, fine, message, refused, generation),
		stands(gatewayv1.GatewayConditionProgrammed, gatewayv1.GatewayReasonProgrammed, "The Gateway is listening", unprogrammed, generation),
	}
	if f := unresolved.fault(); refers || !f.none() {
		status.Conditions = append(status.Conditions,
			stands(gatewayv1.GatewayConditionResolvedRefs, gatewayv1.GatewayReasonResolvedRefs, "All references of the listeners lead somewhere", f, generation))
	}
	k.out.Statuses.Gateways[nameOf(f.object)] = status
}
