package snapshot

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"regexp"
	"slices"
	"strconv"

	"tollgate/internal/config"
	"tollgate/internal/gateway"
	"tollgate/internal/routing"
)

// defaultPort is where models are served that name no gateway.
const defaultPort = 4000

// port is one port on its way to become a bind.
type port struct {
	number    int
	host      string // address to listen on, "" for all
	at        config.Position
	listeners []*listener
}

// listener is one listener with the routes that attach to it.
type listener struct {
	gateway, name, hostname string
	tls                     *config.ServerTLS
	gate                    gateway.Gate
	entries                 []routing.Entry[*gateway.Route]
}

// binds compiles the three shapes into binds.
func (k *compiler) binds(snap *gateway.Snapshot) {
	var ports []*port
	byGateway := map[string][]*listener{}
	for i := range k.config.Gateways {
		p := k.gateway(&k.config.Gateways[i], byGateway)
		ports = append(ports, p)
	}
	for i := range k.config.Routes {
		k.attachRoute(&k.config.Routes[i], byGateway)
	}
	for i := range k.config.Binds {
		ports = append(ports, k.bind(&k.config.Binds[i]))
	}
	if llm := k.config.LLM; llm != nil {
		if p := k.llm(llm, byGateway); p != nil {
			ports = append(ports, p)
		}
	}
	for _, p := range k.shared(ports) {
		b := k.finish(p)
		snap.Binds[b.Address] = b
	}
}

// shared makes one of the ports that several gateways have at the same address.
func (k *compiler) shared(ports []*port) []*port {
	var out []*port
	byAddress := map[string]*port{}
	for _, p := range ports {
		if first := byAddress[k.address(p)]; first != nil {
			first.listeners = append(first.listeners, p.listeners...)
			continue
		}
		byAddress[k.address(p)] = p
		out = append(out, p)
	}
	return out
}

// gateway compiles a gateway and its listeners, to which routes attach later.
func (k *compiler) gateway(e *config.Entry[config.Gateway], byGateway map[string][]*listener) *port {
	g := &e.Value
	p := &port{number: g.Port, host: g.BindAddress, at: g.At}
	listeners := g.Listeners
	if len(listeners) == 0 {
		listeners = []config.Listener{{At: g.At, Name: "listener0", TLS: g.TLS, Protocol: g.Protocol}}
	}
	for i := range listeners {
		l := &listeners[i]
		if l.Unserved != "" {
			continue
		}
		policies := overlay(g.GatewayPolicies, l.Policies)
		out := &listener{gateway: e.Name, name: l.Name, hostname: l.Hostname, tls: cmp.Or(l.TLS, g.TLS), gate: k.gate(&policies)}
		p.listeners = append(p.listeners, out)
		byGateway[e.Name] = append(byGateway[e.Name], out)
	}
	return p
}

// guarded tells that a listener lets nobody pass without a virtual key.
func guarded(l *listener) bool { return l.gate.Auth != nil && l.gate.Auth.Mode == gateway.Strict }

// overlay gives the policies of a gateway with those of one of its listeners
// over them.
func overlay(base, over config.GatewayPolicies) config.GatewayPolicies {
	base.APIKey = cmp.Or(over.APIKey, base.APIKey)
	base.Authorization = cmp.Or(over.Authorization, base.Authorization)
	base.CORS = cmp.Or(over.CORS, base.CORS)
	return base
}

// attachRoute adds a top-level route to the listeners that it names.
func (k *compiler) attachRoute(r *config.Route, byGateway map[string][]*listener) {
	for _, ref := range r.Gateways {
		for _, l := range referred(byGateway, ref) {
			k.addRoute(l, r, portOf(k.config, ref.Gateway))
		}
	}
}

func referred(byGateway map[string][]*listener, ref config.GatewayRef) []*listener {
	all := byGateway[ref.Gateway]
	if ref.Listener == "" {
		return all
	}
	i := slices.IndexFunc(all, func(l *listener) bool { return l.name == ref.Listener })
	if i < 0 {
		return nil
	}
	return all[i : i+1]
}

func portOf(c *config.Config, gatewayName string) int {
	g, _ := c.Gateways.Get(gatewayName)
	return g.Port
}

// bind compiles a port of the older shape.
func (k *compiler) bind(b *config.Bind) *port {
	p := &port{number: b.Port, at: b.At}
	for i := range b.Listeners {
		l := &b.Listeners[i]
		if l.Unserved != "" {
			continue
		}
		out := &listener{gateway: "default", name: l.Name, hostname: l.Hostname, tls: l.TLS, gate: k.gate(&l.Policies)}
		for j := range l.Routes {
			k.addRoute(out, &l.Routes[j], b.Port)
		}
		p.listeners = append(p.listeners, out)
	}
	return p
}

// llm compiles the models onto the gateways that they attach to, or onto a
// listener of their own, whose port it gives back.
func (k *compiler) llm(llm *config.LLM, byGateway map[string][]*listener) *port {
	attach := func(l *listener, port int) {
		route := k.modelRoute(llm, place(port, l.gateway, l.name, "internal/llm:request", ""), guarded(l))
		l.entries = append(l.entries, routing.Entry[*gateway.Route]{Match: routing.Match{Path: routing.Path{Value: "/"}}, Route: route})
	}
	if len(llm.Gateways) > 0 {
		for _, ref := range llm.Gateways {
			for _, l := range referred(byGateway, ref) {
				attach(l, portOf(k.config, ref.Gateway))
			}
		}
		return nil
	}
	own := &listener{gateway: "default", name: "llm", tls: llm.TLS}
	p := &port{number: cmp.Or(llm.Port, defaultPort), at: llm.At, listeners: []*listener{own}}
	attach(own, p.number)
	return p
}

// finish makes the bind of a port.
func (k *compiler) finish(p *port) *gateway.Bind {
	b := &gateway.Bind{Name: "bind/" + strconv.Itoa(p.number), Address: k.address(p)}
	slices.SortStableFunc(p.listeners, func(a, b *listener) int {
		return -cmp.Compare(routing.HostRank(a.hostname), routing.HostRank(b.hostname))
	})
	secure := 0
	for _, l := range p.listeners {
		if l.tls != nil {
			secure++
		}
		b.Listeners = append(b.Listeners, &gateway.Listener{
			Hostname: l.hostname, Place: place(p.number, l.gateway, l.name, "", ""), Gate: l.gate, Routes: routing.NewTable(l.entries),
		})
	}
	switch {
	case secure == 0:
	case secure < len(p.listeners):
		k.report.Add(p.at, "port %d has listeners with and without TLS; a port can only be one of them", p.number)
	default:
		b.TLS = k.serverTLS(p.listeners)
	}
	return b
}

func (k *compiler) address(p *port) string {
	host := p.host
	switch {
	case host != "":
	case k.config.Process.EnableIPv6:
		host = "::"
	default:
		host = "0.0.0.0"
	}
	return net.JoinHostPort(host, strconv.Itoa(p.number))
}

// serverTLS gathers the certificates of a port. That of the most specific listener for
// the name which a client asks for is presented; without one it is the first of those
// that fit what the client can do, or of all.
func (k *compiler) serverTLS(listeners []*listener) *tls.Config {
	out := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	var named []certificate
	for _, l := range listeners {
		pair, err := tls.X509KeyPair([]byte(l.tls.Cert.Content.Reveal()), []byte(l.tls.Key.Content.Reveal()))
		if err != nil && l.tls.Cert.Given() && !l.tls.Cert.Content.Empty() {
			k.report.Add(l.tls.At, "certificate %s and key %s: %v", l.tls.Cert.Name, l.tls.Key.Name, err)
		}
		if err != nil {
			continue
		}
		out.Certificates = append(out.Certificates, pair)
		named = append(named, certificate{l.hostname, &pair})
		if l.tls.Min == "TLS_V1_3" {
			out.MinVersion = tls.VersionTLS13
		}
		if l.tls.Max == "TLS_V1_2" {
			out.MaxVersion = tls.VersionTLS12
		}
		if !l.tls.Root.Given() {
			continue
		}
		if out.ClientCAs == nil {
			out.ClientCAs = x509.NewCertPool()
		}
		if !out.ClientCAs.AppendCertsFromPEM([]byte(l.tls.Root.Content.Reveal())) {
			k.report.Add(l.tls.Root.At, "%s has no PEM certificate", l.tls.Root.Name)
		}
		out.ClientAuth = tls.RequireAndVerifyClientCert
	}
	out.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return choose(named, hello), nil }
	return out
}

// certificate is that of a listener.
type certificate struct {
	hostname string
	pair     *tls.Certificate
}

// choose gives the certificate for a client, nil to let crypto/tls decide. Those of more
// specific host names come first.
func choose(all []certificate, hello *tls.ClientHelloInfo) *tls.Certificate {
	if hello.ServerName == "" {
		return nil
	}
	for _, c := range all {
		if routing.HostMatches(c.hostname, hello.ServerName) {
			return c.pair
		}
	}
	return nil
}

// addRoute compiles a route and binds its matches to a listener.
func (k *compiler) addRoute(l *listener, r *config.Route, port int) {
	namespace := cmp.Or(r.Namespace, "default")
	route := k.route(r, place(port, l.gateway, l.name, namespace+"/"+r.Name, r.RuleName), guarded(l))
	hostnames := r.Hostnames
	if len(hostnames) == 0 {
		hostnames = []string{""}
	}
	for _, host := range hostnames {
		for i := range r.Matches {
			l.entries = append(l.entries, routing.Entry[*gateway.Route]{Hostname: host, Match: k.match(&r.Matches[i]), Route: route})
		}
	}
}

func (k *compiler) match(m *config.RouteMatch) routing.Match {
	out := routing.Match{Method: m.Method, Headers: k.conditions(m.Headers), Query: k.conditions(m.Query)}
	switch {
	case m.Path.Exact != "":
		out.Path = routing.Path{Kind: routing.PathExact, Value: m.Path.Exact}
	case m.Path.Regex != "":
		out.Path = routing.Path{Kind: routing.PathRegex, Value: m.Path.Regex, Regex: k.regex(m.Path.At, m.Path.Regex)}
	default:
		out.Path = routing.Path{Kind: routing.PathPrefix, Value: cmp.Or(m.Path.Prefix, "/")}
	}
	return out
}

func (k *compiler) conditions(from []config.ValueMatch) []routing.Condition {
	out := make([]routing.Condition, 0, len(from))
	for i := range from {
		v := &from[i]
		c := routing.Condition{Name: v.Name}
		if v.Value.Exact != nil {
			c.Exact = *v.Value.Exact
		}
		if v.Value.Regex != nil {
			c.Regex = k.regex(v.At, *v.Value.Regex)
		}
		out = append(out, c)
	}
	return out
}

// regex compiles an expression that must match the whole text.
func (k *compiler) regex(at config.Position, text string) *regexp.Regexp {
	re, err := regexp.Compile("^(?:" + text + ")$")
	if err != nil {
		k.report.Add(at, "regular expression: %v", err)
	}
	return re
}
