package snapshot

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/access"
	"tollgate/internal/config"
	"tollgate/internal/gateway"
)

// route compiles a route of the routing shapes. guarded tells that its listener
// checks virtual keys already.
func (k *compiler) route(r *config.Route, at *gateway.Place, guarded bool) *gateway.Route {
	p := &r.Policies
	out := &gateway.Route{
		Place:           at,
		Gate:            k.gate(&config.GatewayPolicies{CORS: p.CORS, APIKey: p.APIKey, Authorization: p.Authorization}),
		ResponseHeaders: headerPolicy(p.ResponseHeaders),
		Retry:           k.retry(p.Retry),
		Rewrite:         rewrite(p.URLRewrite),
		AI:              k.ai(k.routeAI(r)),
		Inferred:        true,
		Redirect:        redirect(p.RequestRedirect, strings.TrimPrefix(at.Bind, "bind/")),
		Unserved:        r.Unserved,
		Status:          r.Status,
	}
	if p.Timeout != nil {
		out.RequestTimeout, out.BackendTimeout = p.Timeout.Request, p.Timeout.BackendRequest
	}
	if p.DirectResponse != nil {
		out.Direct = &gateway.Direct{Status: p.DirectResponse.Status, Body: p.DirectResponse.Body}
	}
	k.limits(out, p.LocalRateLimit)
	backends := make([]*gateway.Backend, 0, len(r.Backends))
	for i := range r.Backends {
		backends = append(backends, k.backend(&r.Backends[i], i, out, p))
	}
	if len(backends) == 0 && out.Direct == nil && out.Redirect == nil && out.Unserved == "" {
		out.Unserved = "No backend is configured for this route."
	}
	out.SetBackends(backends)
	k.callableRoute(out)
	if !guarded && out.Direct == nil && out.Redirect == nil && out.Unserved == "" {
		k.noteOpen(out.Gate.Auth, at.Bind+" "+at.Route)
	}
	return out
}

// routeAI gives the changes to requests that a route makes as a whole. A backend
// that stands alone, or a provider that does, may say them in its place; with
// several, names and operations are settled before one of them is chosen.
func (k *compiler) routeAI(r *config.Route) *config.AI {
	own := r.Policies.AI
	for i := range r.Backends {
		b := &r.Backends[i]
		inner := b.Policies.AI
		if b.AI != nil && inner == nil && len(b.AI.Groups) == 1 && len(b.AI.Groups[0].Providers) == 1 {
			inner = b.AI.Groups[0].Providers[0].Policies.AI
		}
		if inner == nil || len(inner.Prompts.Prepend)+len(inner.Prompts.Append)+len(inner.ModelAliases)+len(inner.Routes) == 0 {
			continue
		}
		if own != nil || len(r.Backends) > 1 {
			k.report.Add(b.At, "prompts, modelAliases and routes of one backend among several policies are not yet supported; put them under the route's own policies")
			continue
		}
		return &config.AI{Prompts: inner.Prompts, ModelAliases: inner.ModelAliases, Routes: inner.Routes}
	}
	return own
}

// noteOpen notes a place that requests can pass without a virtual key.
func (k *compiler) noteOpen(auth *gateway.Auth, place string) {
	switch {
	case auth == nil:
		k.out.Open = append(k.out.Open, place+" asks for no virtual key")
	case auth.Mode != gateway.Strict:
		k.out.Open = append(k.out.Open, place+" lets requests without a virtual key pass (mode: "+modeNames[auth.Mode]+")")
	}
}

func (k *compiler) retry(r *config.Retry) *gateway.Retry {
	if r == nil {
		return nil
	}
	out := &gateway.Retry{
		Attempts: r.Attempts, Backoff: r.Backoff, Codes: map[int]bool{},
		Precondition: k.condition(r.Precondition), Condition: k.condition(r.Condition),
	}
	for _, code := range r.Codes {
		out.Codes[code] = true
	}
	return out
}

func rewrite(u *config.URLRewrite) *gateway.Rewrite {
	if u == nil {
		return nil
	}
	out := &gateway.Rewrite{}
	if u.Path != nil {
		out.PrefixPath = u.Path.Prefix
		if u.Path.Full != nil {
			out.FullPath = *u.Path.Full
		}
	}
	if a := u.Authority; a != nil {
		switch a.Mode {
		case "full":
			out.Authority = hostPort(a.Host, a.Port)
		case "host":
			out.Authority = a.Host
		case "port":
			out.Port = strconv.Itoa(a.Port)
		case "auto":
			out.ToBackend = true
		}
	}
	return out
}

func hostPort(host string, port int) string {
	if port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// backend compiles one choice of a route, by its number.
func (k *compiler) backend(b *config.RouteBackend, number int, route *gateway.Route, p *config.RoutePolicies) *gateway.Backend {
	out := &gateway.Backend{Weight: b.Weight, Unserved: b.Unserved, Status: b.Status}
	outer := routeLayer(p)
	ai, endpoints, policies := b.AI, b.Endpoints, layered(b.Policies, outer)
	layers := []*config.BackendPolicies{&b.Policies, &outer}
	if b.Backend != "" {
		i := slices.IndexFunc(k.config.Backends, func(n config.NamedBackend) bool { return n.Name == b.Backend })
		if i < 0 {
			return out // config has said so
		}
		named := &k.config.Backends[i]
		ai, policies = named.AI, layered(b.Policies, layered(named.Policies, outer))
		layers = []*config.BackendPolicies{&b.Policies, &named.Policies, &outer}
		if named.Host.Host != "" {
			endpoints = []config.HostPort{named.Host}
		}
		out.Unserved = cmp.Or(out.Unserved, named.Unserved)
	}
	if len(endpoints) > 0 && out.Unserved == "" {
		k.plainBackend(out, b, endpoints, number, route, layers...)
		return out
	}
	if ai == nil || out.Unserved != "" {
		out.Unserved = cmp.Or(out.Unserved, "This kind of backend is not served.")
		return out
	}
	for i := range ai.Groups {
		var group []gateway.Choice
		for j := range ai.Groups[i].Providers {
			group = append(group, gateway.Choice{Target: k.providerTarget(&ai.Groups[i].Providers[j], fmt.Sprintf("[%d][%d]", i, j), route, policies)})
		}
		out.Groups = append(out.Groups, group)
	}
	return out
}

// routeLayer is the part of a route's policies that is about its backends. The
// changes to bodies that a route makes as a whole are not among them: they stay
// with the route.
func routeLayer(p *config.RoutePolicies) config.BackendPolicies {
	return config.BackendPolicies{
		RequestHeaders: p.RequestHeaders, BackendAuth: p.BackendAuth, BackendTLS: p.BackendTLS, Health: p.Health,
	}
}

// layered gives the policies of a backend with those of what it stands in where
// it has none of its own.
func layered(inner, outer config.BackendPolicies) config.BackendPolicies {
	inner.RequestHeaders = cmp.Or(inner.RequestHeaders, outer.RequestHeaders)
	inner.ResponseHeaders = cmp.Or(inner.ResponseHeaders, outer.ResponseHeaders)
	inner.AI = cmp.Or(inner.AI, outer.AI)
	inner.BackendAuth = cmp.Or(inner.BackendAuth, outer.BackendAuth)
	inner.BackendTLS = cmp.Or(inner.BackendTLS, outer.BackendTLS)
	inner.Health = cmp.Or(inner.Health, outer.Health)
	return inner
}

// modelRoute compiles the models into the one route that serves them.
func (k *compiler) modelRoute(llm *config.LLM, at *gateway.Place, guarded bool) *gateway.Route {
	p := &llm.Policies
	out := &gateway.Route{
		Place:  at,
		Gate:   k.gate(&config.GatewayPolicies{CORS: p.CORS, APIKey: p.APIKey, Authorization: p.Authorization}),
		Models: &gateway.Models{Created: k.parts.Started, Virtual: map[string]*gateway.Virtual{}},
	}
	if p.Timeout != nil {
		out.RequestTimeout, out.BackendTimeout = p.Timeout.Request, p.Timeout.BackendRequest
	}
	k.limits(out, p.LocalRateLimit)
	if !guarded {
		k.noteOpen(out.Gate.Auth, at.Bind+" llm")
	}
	m := out.Models
	for i := range llm.Models {
		place := "" // among models of the same name
		if n := slices.IndexFunc(llm.Models, func(m config.Model) bool { return m.Name == llm.Models[i].Name }); n != i {
			place = fmt.Sprintf("[%d]", i-n)
		}
		model := k.model(&llm.Models[i], place)
		if model == nil {
			continue
		}
		m.Entries = append(m.Entries, model)
		k.out.Models = append(k.out.Models, llm.Models[i].Name)
		if !model.Internal {
			m.Listed = append(m.Listed, gateway.Listed{Name: llm.Models[i].Name, Entry: model})
		}
	}
	slices.SortStableFunc(m.Entries, func(a, b *gateway.Model) int { return a.Pattern.Compare(b.Pattern) })
	for i := range llm.VirtualModels {
		v := &llm.VirtualModels[i]
		m.Virtual[v.Name] = k.virtual(v, m)
		m.Listed = append(m.Listed, gateway.Listed{Name: v.Name})
		k.out.Models = append(k.out.Models, v.Name)
	}
	k.callableModels(m)
	return out
}

// model compiles one entry of llm.models, nil if its name is wrong.
func (k *compiler) model(m *config.Model, place string) *gateway.Model {
	pattern, err := access.ParsePattern(m.Name)
	if err != nil {
		k.report.Add(m.At, "%v", err)
		return nil
	}
	rules, _ := k.rulesOf(m.Authorization)
	out := &gateway.Model{
		Pattern: pattern, Internal: m.Visibility == "internal", Rules: rules, Target: k.modelTarget(m, place),
	}
	for i := range m.Matches {
		out.Headers = append(out.Headers, k.conditions(m.Matches[i].Headers))
	}
	return out
}

// virtual compiles a virtual model onto the entries that its targets fall under.
func (k *compiler) virtual(v *config.VirtualModel, models *gateway.Models) *gateway.Virtual {
	out := &gateway.Virtual{Name: v.Name}
	target := func(at config.Position, name string) gateway.VirtualTarget {
		i := slices.IndexFunc(models.Entries, func(m *gateway.Model) bool { return m.Pattern.Match(name) })
		if i < 0 {
			if len(k.report.Problems) == 0 { // else config has said so
				k.report.Add(at, "no model of llm.models serves %q", name)
			}
			return gateway.VirtualTarget{}
		}
		return gateway.VirtualTarget{Model: name, Entry: models.Entries[i]}
	}
	switch r := &v.Routing; {
	case r.Weighted != nil:
		for _, t := range r.Weighted.Targets {
			to := target(t.At, t.Model)
			to.Weight = t.Weight
			out.Weighted = append(out.Weighted, to)
		}
	case r.Failover != nil:
		targets := slices.Clone(r.Failover.Targets)
		slices.SortStableFunc(targets, func(a, b config.FailoverTarget) int { return cmp.Compare(a.Priority, b.Priority) })
		for i, t := range targets {
			if i == 0 || t.Priority != targets[i-1].Priority {
				out.Failover = append(out.Failover, nil)
			}
			last := len(out.Failover) - 1
			out.Failover[last] = append(out.Failover[last], target(t.At, t.Model))
		}
	case r.Conditional != nil:
		for _, t := range r.Conditional.Targets {
			to := target(t.At, t.Model)
			to.When = k.condition(t.When)
			out.Conditional = append(out.Conditional, to)
		}
	}
	return out
}

// messages gives messages as JSON text.
func messages(from []config.Message) []string {
	out := make([]string, 0, len(from))
	for _, m := range from {
		text, err := json.Marshal(struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		}{m.Role, m.Content})
		if err == nil { // two strings always marshal
			out = append(out, string(text))
		}
	}
	return out
}
