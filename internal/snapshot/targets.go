package snapshot

import (
	"cmp"
	"net"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/provider/simulated"
	"tollgate/internal/routing"
)

// wanted is a target as a configuration describes it, whichever shape it has.
type wanted struct {
	at       config.Position
	name     string // for logs and health
	place    string // among others of the name
	provider config.Provider
	params   config.Params
	policies config.BackendPolicies
	body     gateway.BodyPolicy
	headers  config.Map[string] // that every request has
	opaque   bool
}

// providerTarget compiles a provider of a backend; at is its place there, which
// tells it from others without a name.
func (k *compiler) providerTarget(p *config.AIProvider, at string, route *gateway.Route, outer config.BackendPolicies) *gateway.Target {
	policies := layered(p.Policies, outer)
	w := &wanted{
		at: p.At, name: cmp.Or(p.Name, string(p.Provider.Kind)), place: at, provider: p.Provider, policies: policies, headers: p.Headers,
		params: config.Params{
			Model: p.Provider.Model, HostOverride: p.HostOverride, PathOverride: p.PathOverride, PathPrefix: p.PathPrefix, Tokenize: p.Tokenize, OutputBound: p.OutputBound,
		},
	}
	if policies.AI != nil {
		w.body = gateway.BodyPolicy{Overrides: members(policies.AI.Overrides), Defaults: members(policies.AI.Defaults)}
	}
	return k.target(w, route.Place)
}

// modelTarget compiles the target of an entry of llm.models.
func (k *compiler) modelTarget(m *config.Model, place string) *gateway.Target {
	w := &wanted{
		at: m.At, name: cmp.Or(m.ID, m.Name), place: place, provider: m.Provider, params: m.Params, opaque: m.Passthrough == "opaque",
		policies: config.BackendPolicies{
			RequestHeaders: m.RequestHeaders, ResponseHeaders: m.ResponseHeaders, BackendAuth: m.Auth, BackendTLS: m.TLS, Health: m.Health,
		},
		body: gateway.BodyPolicy{Overrides: members(m.Overrides), Defaults: members(m.Defaults)},
	}
	return k.target(w, &gateway.Place{Listener: "llm"})
}

// target compiles a target: where it is, what it speaks, what it is sent.
func (k *compiler) target(w *wanted, at *gateway.Place) *gateway.Target {
	out := &gateway.Target{
		Name: w.name, Provider: providerName(&w.provider), Transport: k.parts.Transport,
		Model: cmp.Or(w.params.Model, w.provider.Model), Tokenize: w.params.Tokenize, Body: w.body, Opaque: w.opaque,
		ResponseHeaders: headerPolicy(w.policies.ResponseHeaders), Operations: operations(&w.provider), Cooling: cooling(w.policies.Health),
	}
	if w.policies.Health != nil {
		out.Unhealthy = k.condition(w.policies.Health.Unhealthy)
	}
	identity := strings.Join([]string{at.Bind, at.Listener, at.Route, at.RouteRule, w.name + w.place, out.Provider}, "/")
	if w.provider.Kind == config.KindSimulated {
		k.simulate(out, &w.provider.Simulated)
	} else {
		k.out.Real = true
		k.locate(out, w)
		identity += "/" + out.Authority
	}
	k.equip(out, w)
	out.Health = k.parts.Health.Health(identity)
	k.out.Targets[identity] = true
	k.reach[out] = &Reached{Target: out, Route: at.Route}
	k.out.Reached = append(k.out.Reached, k.reach[out])
	return out
}

// simulate makes a target of the built-in provider.
func (k *compiler) simulate(out *gateway.Target, s *config.Simulated) {
	out.Transport = simulated.New(simulated.Settings{Latency: s.Latency, TokenLatency: s.TokenLatency, Now: k.parts.Now})
	out.Endpoint = &provider.Endpoint{Key: "simulated", Host: "simulated"}
	out.Authority = "simulated"
	out.Paths = gateway.Paths{Prefix: "/v1"}
	out.Model = cmp.Or(out.Model, s.Model)
}

// home is where a provider usually is.
type home struct {
	tls    bool
	host   string // host:port
	path   string // in front of an operation's own path
	remote bool   // must be another machine
}

func homeOf(p *config.Provider) home {
	switch {
	case p.Preset != nil:
		return home{tls: p.Preset.TLS, host: p.Preset.Host, path: p.Preset.Path}
	case p.Kind == config.KindAnthropic:
		return home{tls: true, host: "api.anthropic.com:443", path: "/v1"}
	case p.Kind == config.KindCustom:
		return home{path: "/v1"}
	default:
		return home{tls: true, host: "api.openai.com:443", path: "/v1"}
	}
}

// locate finds the place of a target and the paths there: the provider's own, or
// what the configuration says instead. A host without a path of its own gets
// the caller's path as it is.
func (k *compiler) locate(out *gateway.Target, w *wanted) {
	h := homeOf(&w.provider)
	custom := w.provider.Kind == config.KindCustom
	switch b := w.params.BaseURL; {
	case b != nil:
		h.tls, h.host = b.TLS, b.Host
		if b.Path != "" {
			h.path = b.Path
		} else {
			out.Paths.Keep = !custom
		}
	case w.params.HostOverride.Host != "":
		h.tls, h.remote = w.policies.BackendTLS != nil, w.params.HostOverride.Remote
		port := w.params.HostOverride.Port
		if port == 0 {
			port = map[bool]int{false: 80, true: 443}[h.tls]
		}
		h.host = net.JoinHostPort(w.params.HostOverride.Host, strconv.Itoa(port))
		out.Paths.Keep = !custom
	case w.provider.Kind == config.KindOpenAI:
		// OpenAI's own models beyond the first refuse the older name; other
		// servers behind its dialect may know no other.
		out.Body.OutputBound = "max_completion_tokens"
	}
	out.Body.OutputBound = cmp.Or(w.params.OutputBound, out.Body.OutputBound)
	if w.params.PathPrefix != "" {
		h.path, out.Paths.Keep = strings.TrimSuffix(w.params.PathPrefix, "/"), false
	}
	out.Paths.Prefix, out.Paths.Full = h.path, w.params.PathOverride
	for _, f := range w.provider.Formats {
		if op, served, _ := request.ParseRouteType(f.Type); served && f.Path != "" {
			if out.Paths.ByOperation == nil {
				out.Paths.ByOperation = map[dialect.Operation]string{}
			}
			out.Paths.ByOperation[op] = f.Path
			if w.params.BaseURL != nil {
				out.Paths.Base = w.params.BaseURL.Path
			}
		}
	}
	out.Authority = authority(h)
	out.Endpoint = k.endpoint(h, w)
}

// authority is the Host header of a place: without the port that goes without saying.
func authority(h home) string {
	usual := map[bool]string{false: ":80", true: ":443"}[h.tls]
	return strings.TrimSuffix(h.host, usual)
}

func (k *compiler) endpoint(h home, w *wanted) *provider.Endpoint {
	scheme := "http"
	connections := &k.config.Process.Backend
	o := provider.EndpointOptions{
		ConnectTimeout: connections.ConnectTimeout, IdleTimeout: connections.IdleTimeout, MaxIdle: connections.MaxIdle, Remote: h.remote,
	}
	if t := w.policies.BackendTLS; t != nil {
		h.tls = true
		o.RootCAs, o.ClientCert, o.ClientKey = []byte(t.Root.Content.Reveal()), []byte(t.Cert.Content.Reveal()), t.Key.Content
		o.ServerName, o.Insecure, o.InsecureHost = t.Hostname, t.Insecure, t.InsecureHost
		o.HTTP2 = slices.Contains(t.ALPN, "h2")
	}
	if h.tls {
		scheme = "https"
	}
	if k.parts.Proxy != nil {
		if proxy, err := k.parts.Proxy(&url.URL{Scheme: scheme, Host: h.host}); err != nil {
			k.report.Add(w.at, "the proxy named in the environment: %v", err)
		} else if proxy != nil {
			o.Proxy = proxy.String()
		}
	}
	e, err := provider.NewEndpoint(scheme+"://"+h.host, o)
	if err != nil {
		at := w.at
		if w.policies.BackendTLS != nil {
			at = w.policies.BackendTLS.At
		}
		k.report.Add(at, "provider address: %v", err)
	}
	return e
}

// equip prepares the header lines that every request to a target carries.
func (k *compiler) equip(out *gateway.Target, w *wanted) {
	lines := provider.Header{{Name: "Accept-Encoding", Value: "identity"}, {Name: "User-Agent", Value: "tollgate/" + k.parts.Version}}
	credential, field := k.credential(out, w)
	out.Secret = credential
	if field.Name != "" {
		lines = append(lines, field)
	}
	for i := range w.headers {
		out.Drop = append(out.Drop, textproto.CanonicalMIMEHeaderKey(w.headers[i].Name))
		lines = append(without(lines, w.headers[i].Name), provider.Field{Name: w.headers[i].Name, Value: w.headers[i].Value})
	}
	if m := w.policies.RequestHeaders; m != nil {
		for _, name := range m.Remove {
			lines, out.Drop = without(lines, name), append(out.Drop, textproto.CanonicalMIMEHeaderKey(name))
		}
		for i := range m.Set {
			lines, out.Drop = without(lines, m.Set[i].Name), append(out.Drop, textproto.CanonicalMIMEHeaderKey(m.Set[i].Name))
			lines = append(lines, provider.Field{Name: m.Set[i].Name, Value: m.Set[i].Value})
		}
		for i := range m.Add {
			lines = append(lines, provider.Field{Name: m.Add[i].Name, Value: m.Add[i].Value})
		}
	}
	static, err := provider.StaticFields(lines)
	if err != nil {
		k.report.Add(w.at, "header lines for the provider: %v", err)
	}
	out.Static = static
}

func without(lines provider.Header, name string) provider.Header {
	return slices.DeleteFunc(lines, func(f provider.Field) bool { return strings.EqualFold(f.Name, name) })
}

func (k *compiler) passthrough(l *config.Location, w *wanted) *gateway.Passthrough {
	switch {
	case l == nil:
		return &gateway.Passthrough{}
	case l.Header != nil:
		return &gateway.Passthrough{Header: textproto.CanonicalMIMEHeaderKey(l.Header.Name), Prefix: l.Header.Prefix}
	default:
		k.report.Add(l.At, "passing a credential on in a query parameter, a cookie or an expression is not supported yet; use a header")
		return &gateway.Passthrough{}
	}
}

func cooling(h *config.Health) routing.Cooling {
	c := routing.DefaultCooling
	if h == nil || h.Eviction == nil {
		return c
	}
	if h.Eviction.Duration > 0 {
		c.Base, c.Max = h.Eviction.Duration, max(c.Max, 24*time.Hour)
	}
	c.Failures = max(1, h.Eviction.ConsecutiveFailures)
	return c
}

// providerName is what metrics and logs call a provider.
func providerName(p *config.Provider) string {
	switch {
	case p.Kind == config.KindCustom:
		return cmp.Or(p.Name, "custom")
	case p.Preset != nil:
		return p.Preset.Name
	default:
		return string(p.Kind)
	}
}

// openAIOperations are those that any server behind OpenAI's dialect may have
// beside chat; one that has not answers so itself.
var openAIOperations = []dialect.Operation{
	dialect.Completions, dialect.Moderations, dialect.Images, dialect.Transcriptions, dialect.Speech, dialect.Rerank,
}

// operations is what a provider understands natively.
func operations(p *config.Provider) gateway.Operations {
	switch {
	case p.Kind == config.KindSimulated:
		return gateway.Of(dialect.Operations()...)
	case p.Kind == config.KindAnthropic:
		return gateway.Of(dialect.Messages, dialect.CountTokens)
	case p.Kind == config.KindCustom:
		var set gateway.Operations
		for _, f := range p.Formats {
			if op, served, _ := request.ParseRouteType(f.Type); served {
				set |= gateway.Of(op)
			}
			if f.Type == "completions" {
				set |= gateway.Of(dialect.Completions)
			}
		}
		return set
	case p.Preset != nil:
		set := gateway.Of(openAIOperations...)
		for _, name := range p.Preset.Operations {
			if op, served, _ := request.ParseRouteType(name); served {
				set |= gateway.Of(op)
			}
		}
		return set
	default:
		return gateway.Of(openAIOperations...) | gateway.Of(dialect.Chat, dialect.Responses, dialect.Embeddings)
	}
}
