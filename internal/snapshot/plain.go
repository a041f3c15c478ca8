package snapshot

import (
	"cmp"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/config"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
)

// plainBackend compiles a backend of plain HTTP servers. Policies of the backend come in
// addition to those of the route, not in their place.
func (k *compiler) plainBackend(out *gateway.Backend, b *config.RouteBackend, endpoints []config.HostPort, number int, route *gateway.Route, layers ...*config.BackendPolicies) {
	k.out.Real = true
	var policies config.BackendPolicies
	plain := &gateway.Plain{}
	for _, l := range layers { // the innermost first
		policies = layered(policies, *l)
	}
	for _, l := range slices.Backward(layers) {
		plain.RequestHeaders = k.appendPolicy(plain.RequestHeaders, l.RequestHeaders)
		plain.ResponseHeaders = k.appendPolicy(plain.ResponseHeaders, l.ResponseHeaders)
	}
	if auth := k.plainCredential(policies.BackendAuth); auth != nil {
		plain.RequestHeaders = append(plain.RequestHeaders, auth)
	}
	out.Plain = plain
	group := make([]gateway.Choice, 0, len(endpoints))
	for i := range endpoints {
		group = append(group, gateway.Choice{Target: k.server(b, endpoints[i], number, route.Place, policies)})
	}
	out.Groups = [][]gateway.Choice{group}
}

func (k *compiler) appendPolicy(all []*gateway.HeaderPolicy, m *config.HeaderModifier) []*gateway.HeaderPolicy {
	if m == nil {
		return all
	}
	p := headerPolicy(m)
	for _, f := range slices.Concat(p.Set, p.Add) {
		if provider.Framing(f.Name) {
			k.report.Add(m.At, "%s belongs to the connection and cannot be set; urlRewrite.authority changes Host", f.Name)
		}
	}
	return append(all, p)
}

// plainCredential gives what puts a credential into requests to a plain server.
func (k *compiler) plainCredential(auth *config.BackendAuth) *gateway.HeaderPolicy {
	switch {
	case auth == nil:
		return nil
	case auth.None:
		return &gateway.HeaderPolicy{Remove: []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}}
	case auth.Key == nil: // the caller's own stays where it is
		if auth.Passthrough != nil && auth.Passthrough.Location != nil {
			k.report.Add(auth.At, "a plain server gets the caller's credential where the caller put it; leave location out")
		}
		return nil
	case auth.Key.Value.Stored != "":
		k.report.Add(auth.At, "stored credentials are for providers of models; give the credential as text or file")
		return nil
	case auth.Key.Location != nil && auth.Key.Location.Header == nil:
		k.report.Add(auth.At, "a credential in a query parameter, a cookie or an expression is not supported yet; use a header")
		return nil
	}
	field := provider.Field{Name: "Authorization", Value: "Bearer " + auth.Key.Value.Text.Reveal()}
	if l := auth.Key.Location; l != nil {
		field = provider.Field{Name: textproto.CanonicalMIMEHeaderKey(l.Header.Name), Value: l.Header.Prefix + auth.Key.Value.Text.Reveal()}
	}
	if !provider.ValidValue(field.Value) {
		k.report.Add(auth.At, "the credential has characters that a header cannot have")
	}
	return &gateway.HeaderPolicy{Set: []provider.Field{field}}
}

// server compiles the target for one address of a plain backend.
func (k *compiler) server(b *config.RouteBackend, address config.HostPort, number int, at *gateway.Place, policies config.BackendPolicies) *gateway.Target {
	h := home{tls: policies.BackendTLS != nil, remote: address.Remote}
	port := cmp.Or(address.Port, map[bool]int{false: 80, true: 443}[h.tls])
	h.host = net.JoinHostPort(address.Host, strconv.Itoa(port))
	w := &wanted{at: b.At, policies: policies}
	out := &gateway.Target{
		Name: cmp.Or(b.Backend, h.host), Transport: k.parts.Transport, Authority: authority(h), Endpoint: k.endpoint(h, w),
		Opaque: true, Cooling: cooling(policies.Health),
	}
	if policies.Health != nil {
		out.Unhealthy = k.condition(policies.Health.Unhealthy)
	}
	identity := strings.Join([]string{at.Bind, at.Listener, at.Route, at.RouteRule, "plain[" + strconv.Itoa(number) + "]", h.host}, "/")
	out.Health = k.parts.Health.Health(identity)
	k.out.Targets[identity] = true
	return out
}

// redirect compiles where a route sends its callers, who asked a listener at a port.
func redirect(r *config.Redirect, port string) *gateway.Redirect {
	if r == nil {
		return nil
	}
	out := &gateway.Redirect{Status: cmp.Or(r.Status, 302), Scheme: r.Scheme, ListenerPort: port}
	if r.Path != nil {
		out.PrefixPath = r.Path.Prefix
		if r.Path.Full != nil {
			out.FullPath = *r.Path.Full
		}
	}
	a := r.Authority
	if a == nil {
		return out
	}
	switch a.Mode {
	case "full":
		out.Whole, out.Host = true, a.Host
		if host, port, err := net.SplitHostPort(a.Host); err == nil {
			out.Host, out.Port = host, port
		}
		if a.Port > 0 {
			out.Port = strconv.Itoa(a.Port)
		}
	case "host":
		out.Host = a.Host
	case "port":
		out.Port = strconv.Itoa(a.Port)
	}
	return out
}
