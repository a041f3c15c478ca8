package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The names that the format gives to what has none.
const (
	defaultGateway = "default"
	defaultLLMPort = 4000
	defaultBody    = 32 << 20
)

// finish fills in what follows from the rest of a configuration and checks
// every rule that needs more than one field.
func (d *decoder) finish(c *Config) {
	d.process(c)
	d.labels(c)
	d.frontend(c)
	d.gateways(c)
	d.binds(c)
	d.routes(c)
	d.backends(c)
	if c.LLM != nil {
		d.llm(c, c.LLM)
	}
	d.ports(c)
}

// process applies the environment to the settings of the process.
func (d *decoder) process(c *Config) {
	p := &c.Process
	if text, ok := d.opts.LookupEnv("IPV6_ENABLED"); ok && text != "" {
		enabled, err := strconv.ParseBool(text)
		if err != nil {
			d.add(environment("IPV6_ENABLED"), "", "must be true or false")
		}
		p.EnableIPv6 = enabled
	}
	d.address("ADMIN_ADDR", &p.AdminAddr, p.EnableIPv6)
	d.address("STATS_ADDR", &p.StatsAddr, p.EnableIPv6)
	d.address("READINESS_ADDR", &p.ReadinessAddr, p.EnableIPv6)
	d.database(&p.Database)
	d.prices(c)
	d.sharedLimits(c.Tollgate.SharedLimits)
	d.retention(&c.Tollgate.Retention)
	t := &c.Tollgate
	if t.DrainTimeout == 0 {
		t.DrainTimeout = p.Termination
	}
	if t.AccessLog.Format == "" {
		t.AccessLog.Format = p.Logging.Format
	}
	if t.AccessLog.Format == "" {
		t.AccessLog.Format = "text"
	}
	if t.Limits.MaxBodyBytes == 0 {
		t.Limits.MaxBodyBytes = c.Frontend.HTTP.MaxBufferSize
	}
	if t.Limits.MaxBodyBytes == 0 {
		t.Limits.MaxBodyBytes = defaultBody
	}
}

var labelName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// labels checks the labels that metrics are given in addition.
func (d *decoder) labels(c *Config) {
	names := c.Tollgate.Metrics.KeyLabels
	at := Position{File: d.file}.Child("tollgate").Child("metrics").Child("keyLabels")
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			d.add(at.Index(i), "", "is given twice")
		}
	}
	for _, e := range c.Process.Metrics.Fields.Add {
		if !labelName.MatchString(e.Name) || strings.HasPrefix(e.Name, "__") {
			d.add(e.At, "use letters, digits and _, with no digit and no __ in front", "is no name that a label can have")
		}
		if slices.Contains(names, e.Name) {
			d.add(e.At, "", "is given twice, here and in tollgate.metrics.keyLabels")
		}
	}
}

func environment(variable string) Position { return Position{File: "environment", Path: variable} }

// address lets the environment replace an address, and makes one for all
// interfaces an IPv4 one where IPv6 is switched off.
func (d *decoder) address(variable string, a *Address, ipv6 bool) {
	if text, ok := d.opts.LookupEnv(variable); ok && text != "" {
		value, err := parseAddress(text)
		if err != "" {
			d.add(environment(variable), "", "%s", err)
			return
		}
		a.Value = value
	}
	if port, ok := strings.CutPrefix(a.Value, "[::]:"); ok && !ipv6 {
		a.Value = "0.0.0.0:" + port
	}
}

// frontend moves what stands in older places.
func (d *decoder) frontend(c *Config) {
	f, old := &c.Frontend, &c.Process
	for _, e := range old.Logging.Fields.Add {
		if _, ok := f.AccessLog.Add.Get(e.Name); ok {
			d.add(e.At, "", "is given twice, here and in frontendPolicies.accessLog")
			continue
		}
		f.AccessLog.Add = append(f.AccessLog.Add, e)
	}
	f.AccessLog.Remove = append(f.AccessLog.Remove, old.Logging.Fields.Remove...)
	old.Logging.Fields = LogFields{}
	t := old.Tracing
	if t == nil {
		return
	}
	if f.Tracing != nil {
		d.add(t.At, "", "is given twice, here and as frontendPolicies.tracing")
		return
	}
	f.Tracing = &Tracing{
		At: t.At, Endpoint: t.Endpoint, Headers: t.Headers, Protocol: t.Protocol, Path: t.Path,
		RandomSampling: t.RandomSampling, ClientSampling: t.ClientSampling,
		Attributes: t.Fields.Add, Remove: t.Fields.Remove,
	}
}

// gateways completes the gateways and their listeners.
func (d *decoder) gateways(c *Config) {
	for i := range c.Gateways {
		g := &c.Gateways[i].Value
		d.gatewayPolicies(g)
		if _, err := netip.ParseAddr(g.BindAddress); g.BindAddress != "" && err != nil {
			d.add(g.At.Child("bindAddress"), "", "must be an IP address such as 127.0.0.1 or ::1")
		}
		if len(g.Listeners) == 0 {
			g.Listeners = []Listener{{At: g.At}}
		}
		used := g.TLS == nil
		for j := range g.Listeners {
			l := &g.Listeners[j]
			if l.Protocol == "" {
				l.Protocol = g.Protocol
			}
			if l.TLS == nil && l.Protocol != "HTTP" {
				l.TLS = g.TLS
			}
			used = used || l.TLS != nil
			if l.Routes != nil {
				d.add(l.At.Child("routes"), "write them in the top-level routes", "a listener of a gateway has no routes of its own")
			}
		}
		if !used {
			d.add(g.TLS.At, "set protocol: HTTPS", "no listener of the gateway uses it")
		}
		d.listeners(g.Listeners)
	}
}

// gatewayPolicies moves the policies of a gateway to where they are looked for.
func (d *decoder) gatewayPolicies(g *Gateway) {
	if g.Policies != nil {
		g.GatewayPolicies = d.bothPolicies(g.GatewayPolicies, *g.Policies, g.At.Child("policies"))
		g.Policies = nil
	}
	d.gate(&g.GatewayPolicies)
}

// bothPolicies makes one of the policies that stand in a field called policies
// and of those beside it.
func (d *decoder) bothPolicies(beside, inside GatewayPolicies, at Position) GatewayPolicies {
	return GatewayPolicies{
		APIKey:        either(d, beside.APIKey, inside.APIKey, at.Child("apiKey")),
		Authorization: either(d, beside.Authorization, inside.Authorization, at.Child("authorization")),
		CORS:          either(d, beside.CORS, inside.CORS, at.Child("cors")),
	}
}

// either gives the one of two policies that is given.
func either[T any](d *decoder, beside, inside *T, at Position) *T {
	if beside != nil && inside != nil {
		d.add(at, "", "is given twice, here and beside policies")
	}
	if inside != nil {
		return inside
	}
	return beside
}

// gate checks what a request must pass before a route is chosen.
func (d *decoder) gate(p *GatewayPolicies) {
	d.apiKeys(p.APIKey)
	d.cors(p.CORS)
}

// binds completes the binds, their listeners and routes.
func (d *decoder) binds(c *Config) {
	for i := range c.Binds {
		b := &c.Binds[i]
		d.listeners(b.Listeners)
		for j := range b.Listeners {
			for k := range b.Listeners[j].Routes {
				r := &b.Listeners[j].Routes[k]
				d.route(c, r, k)
				if r.Gateways != nil {
					d.add(r.At.Child("gateways"), "", "is only for routes at the top level")
				}
			}
		}
	}
}

// listeners completes and checks the listeners of one port.
func (d *decoder) listeners(all []Listener) {
	names, hosts := map[string]bool{}, map[string]bool{}
	secure := ""
	for i := range all {
		l := &all[i]
		d.listener(l, i)
		l.Policies = d.bothPolicies(l.GatewayPolicies, l.Policies, l.At.Child("policies"))
		l.GatewayPolicies = GatewayPolicies{}
		d.gate(&l.Policies)
		if names[l.Name] {
			d.add(l.At.Child("name"), "", "another listener of this port is called %s too", quoteShort(l.Name))
		}
		names[l.Name] = true
		if l.Unserved != "" {
			continue
		}
		host := strings.ToLower(l.Hostname)
		if hosts[host] {
			d.add(l.At, "", "another listener of this port serves the same hosts")
		}
		hosts[host] = true
		if secure == "" {
			secure = l.Protocol
		}
		if secure != l.Protocol {
			d.add(l.At, "", "HTTP and HTTPS cannot share a port")
		}
	}
}

func (d *decoder) listener(l *Listener, index int) {
	if l.Name == "" {
		l.Name = "listener" + strconv.Itoa(index)
	}
	d.hostname(l.Hostname, l.At.Child("hostname"))
	switch {
	case l.Protocol == "" && l.TLS != nil:
		l.Protocol = "HTTPS"
	case l.Protocol == "":
		l.Protocol = "HTTP"
	case l.Protocol == "HTTP" && l.TLS != nil:
		d.add(l.TLS.At, "set protocol: HTTPS", "a listener for HTTP has no tls")
	case l.Protocol == "HTTPS" && l.TLS == nil:
		d.add(l.At.Child("tls"), "", "is missing; protocol HTTPS needs it")
	case l.Protocol != "HTTP" && l.Protocol != "HTTPS":
		l.Unserved = "listeners for " + l.Protocol + " are not served by tollgate"
		d.leaveAside(l.At.Child("protocol"), "is left aside: "+l.Unserved)
	}
}

// hostname checks a host name that may begin with a wildcard label.
func (d *decoder) hostname(name string, at Position) {
	rest := strings.TrimPrefix(name, "*.")
	if name != "" && name != "*" && (rest == "" || strings.ContainsAny(rest, "*/: \t\r\n")) {
		d.add(at, "", "must be a host name, or *. and a host name")
	}
}

// routes completes and checks the routes at the top level.
func (d *decoder) routes(c *Config) {
	_, hasDefault := c.Gateways.Get(defaultGateway)
	for i := range c.Routes {
		r := &c.Routes[i]
		d.route(c, r, i)
		switch {
		case len(r.Gateways) > 0:
			d.gatewayRefs(c, r.Gateways)
		case hasDefault:
			r.Gateways = GatewayRefs{{Gateway: defaultGateway, At: r.At}}
		default:
			d.add(r.At.Child("gateways"), "", "is missing; there is no gateway called %s", defaultGateway)
		}
	}
}

// gatewayRefs checks that what is referred to exists.
func (d *decoder) gatewayRefs(c *Config, refs GatewayRefs) {
	for _, ref := range refs {
		if ref.Gateway == "" {
			continue // reported
		}
		g, ok := c.Gateways.Get(ref.Gateway)
		if !ok {
			names := make([]string, len(c.Gateways))
			for i := range c.Gateways {
				names[i] = c.Gateways[i].Name
			}
			d.add(ref.At, suggest(ref.Gateway, names), "there is no gateway called %s", quoteShort(ref.Gateway))
			continue
		}
		found := ref.Listener == ""
		for i := range g.Listeners {
			found = found || g.Listeners[i].Name == ref.Listener
		}
		if !found {
			d.add(ref.At, "", "the gateway %s has no listener called %s", ref.Gateway, quoteShort(ref.Listener))
		}
	}
}

// claim is an address that somebody wants to listen on.
type claim struct {
	host, port string // host "" is all interfaces; for a Unix socket port is its path
	by         string
	at         Position
	kind       string // of those that may not share a port: "bind" or "process"
}

// ports finds addresses that are wanted twice.
func (d *decoder) ports(c *Config) {
	var claims []claim
	bind := func(host string, port int, by string, at Position) {
		if port > 0 {
			claims = append(claims, claim{interfaceOf(host), strconv.Itoa(port), by, at, "bind"})
		}
	}
	for i := range c.Gateways {
		g := &c.Gateways[i]
		bind(g.Value.BindAddress, g.Value.Port, "gateways."+g.Name, g.At)
	}
	for i := range c.Binds {
		bind("", c.Binds[i].Port, fmt.Sprintf("binds[%d]", i), c.Binds[i].At)
	}
	if c.LLM != nil && len(c.LLM.Gateways) == 0 {
		bind("", c.LLM.Port, "llm", c.LLM.At.Child("port"))
	}
	p := &c.Process
	for _, a := range []struct {
		name string
		addr Address
	}{{"config.adminAddr", p.AdminAddr}, {"config.statsAddr", p.StatsAddr}, {"config.readinessAddr", p.ReadinessAddr}} {
		if cl, ok := claimOf(a.addr, a.name); ok {
			claims = append(claims, cl)
		}
	}
	for i, second := range claims {
		for _, first := range claims[:i] {
			if first.port == second.port && sameHost(first.host, second.host) {
				d.clash(first, second)
				break
			}
		}
	}
}

func (d *decoder) clash(first, second claim) {
	rule := "binds, llm, and mcp must use unique ports"
	switch {
	case first.kind != second.kind || first.kind == "process":
		rule = "every listener needs an address of its own"
	case first.host != second.host:
		rule = "one of them listens on all addresses: give each a bindAddress of its own"
	}
	at := second.at
	if at.Line == 0 { // a default: what was written is where it can be changed
		at = first.at
	}
	d.add(at, "", "port %s is configured by both %s and %s; %s", second.port, first.by, second.by, rule)
}

func claimOf(a Address, by string) (claim, bool) {
	if path := a.Unix(); path != "" {
		return claim{"unix", path, by, a.At, "process"}, true
	}
	host, port, err := net.SplitHostPort(a.Value)
	if err != nil || port == "0" {
		return claim{}, false // off, or a port that the system chooses
	}
	return claim{interfaceOf(host), port, by, a.At, "process"}, true
}

// interfaceOf gives the host of a claim: one spelling for each address, "" for all of them.
func interfaceOf(host string) string {
	if host == "localhost" {
		return "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return host
	case ip.IsUnspecified():
		return ""
	default:
		return ip.Unmap().String()
	}
}

func sameHost(a, b string) bool {
	if a == "unix" || b == "unix" {
		return a == b
	}
	return a == b || a == "" || b == ""
}
