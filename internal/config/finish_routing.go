package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// route completes and checks one route.
func (d *decoder) route(c *Config, r *Route, number int) {
	if r.Name == "" {
		r.Name = "route" + strconv.Itoa(number)
	}
	for i, name := range r.Hostnames {
		d.hostname(name, r.At.Child("hostnames").Index(i))
	}
	if len(r.Matches) == 0 {
		r.Matches = []RouteMatch{{At: r.At}}
	}
	for i := range r.Matches {
		d.routeMatch(&r.Matches[i])
	}
	d.routePolicies(r)
	for i := range r.Backends {
		d.routeBackend(c, &r.Backends[i])
	}
	switch {
	case len(r.Policies.Aside) > 0:
		r.Unserved = "policies of the kind " + strings.Join(r.Policies.Aside, ", ") + " are not served by tollgate"
	case len(r.Backends) == 0 && r.Policies.DirectResponse == nil && r.Policies.RequestRedirect == nil:
		r.Unserved = "the route has no backends"
	}
}

func (d *decoder) routeMatch(m *RouteMatch) {
	p := &m.Path
	if p.Exact == "" && p.Prefix == "" && p.Regex == "" {
		p.Prefix = "/"
	}
	for _, path := range []string{p.Exact, p.Prefix} {
		if path != "" && !strings.HasPrefix(path, "/") {
			d.add(p.At, "", "a path begins with /")
		}
	}
	d.regex(p.Regex, p.At.Child("regex"))
	if m.Method != "" && !isToken(m.Method) {
		d.add(m.At.Child("method"), "", "must be a method such as POST")
	}
	d.valueMatches(m.Headers, true)
	d.valueMatches(m.Query, false)
}

// valueMatches checks conditions on headers or query parameters.
func (d *decoder) valueMatches(all []ValueMatch, headers bool) {
	for i := range all {
		m := &all[i]
		if headers && m.Name != "" && !isToken(strings.TrimPrefix(m.Name, ":")) {
			d.add(m.At.Child("name"), "", "must be the name of a header")
		}
		if m.Value.Regex != nil {
			d.regex(*m.Value.Regex, m.Value.At.Child("regex"))
		}
	}
}

func (d *decoder) regex(text string, at Position) {
	if _, err := regexp.Compile(text); err != nil {
		d.add(at, "", "must be a regular expression that RE2 understands: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// routePolicies checks what a route does.
func (d *decoder) routePolicies(r *Route) {
	p := &r.Policies
	d.apiKeys(p.APIKey)
	d.cors(p.CORS)
	d.rateLimits(p.LocalRateLimit)
	d.headers(p.RequestHeaders)
	d.headers(p.ResponseHeaders)
	d.ai(p.AI)
	d.backendAuth(p.BackendAuth)
	d.backendTLS(p.BackendTLS)
	if u := p.URLRewrite; u != nil {
		d.pathEdit(r, u.Path)
	}
	if to := p.RequestRedirect; to != nil {
		d.pathEdit(r, to.Path)
		if !slices.Contains(redirectStatuses, to.Status) && !d.reported(to.At) {
			d.add(to.At.Child("status"), "", "must be 301, 302, 303, 307 or 308")
		}
	}
}

// redirectStatuses are those that send a caller to the address in Location.
var redirectStatuses = []int{301, 302, 303, 307, 308}

// pathEdit checks what a route makes of the paths of its requests.
func (d *decoder) pathEdit(r *Route, e *PathEdit) {
	if e == nil {
		return
	}
	if e.Full != nil && !strings.HasPrefix(*e.Full, "/") {
		d.add(e.At.Child("full"), "", "must be a path that begins with /")
	}
	if e.Prefix == nil {
		return
	}
	if *e.Prefix != "" && !strings.HasPrefix(*e.Prefix, "/") {
		d.add(e.At.Child("prefix"), "", "must be a path that begins with /")
	}
	for i := range r.Matches {
		if r.Matches[i].Path.Prefix == "" {
			d.add(e.At.Child("prefix"), "", "needs a pathPrefix in every match of the route")
			return
		}
	}
}

func (d *decoder) routeBackend(c *Config, b *RouteBackend) {
	d.backendPolicies(&b.Policies)
	d.aiBackend(b.AI)
	if b.Unserved == "" {
		b.Unserved = asideOf(&b.Policies)
	}
	if b.Host.Host != "" {
		b.Endpoints = []HostPort{b.Host}
		d.plainPolicies(&b.Policies)
	}
	if b.Backend == "" {
		return
	}
	// A name may come with the namespace that agentgateway's own dumps put in front.
	name := strings.TrimPrefix(b.Backend, "/")
	names := make([]string, 0, len(c.Backends))
	for i := range c.Backends {
		if c.Backends[i].Name == name {
			b.Backend = name
			return
		}
		names = append(names, c.Backends[i].Name)
	}
	d.add(b.At.Child("backend"), suggest(name, names), "there is no backend called %s", quoteShort(name))
}

// asideOf explains why policies keep a backend from being served, "" if they do not.
func asideOf(p *BackendPolicies) string {
	if len(p.Aside) == 0 {
		return ""
	}
	return "policies of the kind " + strings.Join(p.Aside, ", ") + " are not served by tollgate"
}

// backends checks the backends that routes refer to.
func (d *decoder) backends(c *Config) {
	names := map[string]bool{}
	for i := range c.Backends {
		b := &c.Backends[i]
		if b.Name != "" && names[b.Name] {
			d.add(b.At.Child("name"), "", "another backend is called %s too", quoteShort(b.Name))
		}
		names[b.Name] = true
		d.backendPolicies(&b.Policies)
		d.aiBackend(b.AI)
		if b.Unserved == "" {
			b.Unserved = asideOf(&b.Policies)
		}
		if b.Host.Host != "" {
			d.plainPolicies(&b.Policies)
		}
	}
}

// plainPolicies refuses what cannot be done for a plain HTTP server.
func (d *decoder) plainPolicies(p *BackendPolicies) {
	if p.AI != nil {
		d.add(p.AI.At, "", "is for providers of models; requests to a host are passed on as they are")
	}
}

func (d *decoder) backendPolicies(p *BackendPolicies) {
	d.headers(p.RequestHeaders)
	d.headers(p.ResponseHeaders)
	d.ai(p.AI)
	d.backendAuth(p.BackendAuth)
	d.backendTLS(p.BackendTLS)
}

func (d *decoder) aiBackend(b *AIBackend) {
	if b == nil {
		return
	}
	if len(b.Groups) == 0 {
		d.add(b.At.Child("groups"), "", "needs at least one group")
	}
	for i := range b.Groups {
		g := &b.Groups[i]
		if len(g.Providers) == 0 && !d.reported(g.At) {
			d.add(g.At.Child("providers"), "", "needs at least one provider")
		}
		for j := range g.Providers {
			d.aiProvider(&g.Providers[j])
		}
	}
}

func (d *decoder) aiProvider(p *AIProvider) {
	switch p.Provider.Kind {
	case KindReference:
		d.add(p.Provider.At, "", "a reference is only for llm.models")
	case KindCustom:
		if p.HostOverride.Host == "" {
			d.add(p.At.Child("hostOverride"), "", "is missing; a custom provider needs it")
		}
	}
	d.path(p.PathOverride, p.At.Child("pathOverride"))
	d.path(p.PathPrefix, p.At.Child("pathPrefix"))
	d.formats(&p.Provider)
	p.Policies = d.allPolicies(p.BackendPolicies, p.Policies, p.At.Child("policies"))
	p.BackendPolicies = BackendPolicies{}
	d.backendPolicies(&p.Policies)
}

// allPolicies makes one of the policies that stand in a field called policies
// and of those beside it.
func (d *decoder) allPolicies(beside, inside BackendPolicies, at Position) BackendPolicies {
	return BackendPolicies{
		RequestHeaders:  either(d, beside.RequestHeaders, inside.RequestHeaders, at.Child("requestHeaderModifier")),
		ResponseHeaders: either(d, beside.ResponseHeaders, inside.ResponseHeaders, at.Child("responseHeaderModifier")),
		AI:              either(d, beside.AI, inside.AI, at.Child("ai")),
		BackendAuth:     either(d, beside.BackendAuth, inside.BackendAuth, at.Child("backendAuth")),
		BackendTLS:      either(d, beside.BackendTLS, inside.BackendTLS, at.Child("backendTLS")),
		Health:          either(d, beside.Health, inside.Health, at.Child("health")),
		Aside:           append(beside.Aside, inside.Aside...),
	}
}
