package config

import (
	"cmp"
	"slices"
	"strings"
)

// llm completes and checks the short shape.
func (d *decoder) llm(c *Config, l *LLM) {
	d.attachLLM(c, l)
	d.apiKeys(l.Policies.APIKey)
	d.cors(l.Policies.CORS)
	d.rateLimits(l.Policies.LocalRateLimit)
	providers := d.llmProviders(l)
	for i := range l.Models {
		d.model(&l.Models[i], providers)
	}
	names := map[string]bool{}
	for i := range l.VirtualModels {
		v := &l.VirtualModels[i]
		if names[v.Name] {
			d.add(v.At.Child("name"), "", "another virtual model is called %s too", quoteShort(v.Name))
		}
		names[v.Name] = true
		if strings.Contains(v.Name, "*") {
			d.add(v.At.Child("name"), "", "a virtual model is a name, not a pattern")
		}
		d.routing(l, &v.Routing)
	}
}

// attachLLM decides where the models are served.
func (d *decoder) attachLLM(c *Config, l *LLM) {
	own := l.Port != 0 || l.TLS != nil
	_, hasDefault := c.Gateways.Get(defaultGateway)
	switch {
	case len(l.Gateways) > 0 && own:
		d.add(l.At.Child("gateways"), "", "llm.gateways cannot be used with llm.port or llm.tls")
		return
	case len(l.Gateways) > 0:
		d.gatewayRefs(c, l.Gateways)
		return
	case !own && hasDefault:
		l.Gateways = GatewayRefs{{Gateway: defaultGateway, At: l.At}}
		return
	}
	if l.Port == 0 {
		l.Port = defaultLLMPort
	}
}

// llmProviders checks the providers and gives them by name.
func (d *decoder) llmProviders(l *LLM) map[string]*LLMProvider {
	byName := make(map[string]*LLMProvider, len(l.Providers))
	for i := range l.Providers {
		p := &l.Providers[i]
		if p.Name != "" && byName[p.Name] != nil {
			d.add(p.At.Child("name"), "", "another provider is called %s too", quoteShort(p.Name))
			continue
		}
		byName[p.Name] = p
		if p.Provider.Kind == KindReference {
			d.add(p.Provider.At, "", "a provider cannot refer to another one")
			continue
		}
		d.params(&p.Params, &p.Provider)
		d.equipment(p.Defaults.RequestHeaders, p.Defaults.ResponseHeaders, p.Defaults.Auth, p.Defaults.TLS)
	}
	return byName
}

// model completes and checks one model.
func (d *decoder) model(m *Model, providers map[string]*LLMProvider) {
	if m.Name != "" || !d.reported(m.At) {
		d.pattern(m.Name, m.At.Child("name"))
	}
	d.equipment(m.RequestHeaders, m.ResponseHeaders, m.Auth, m.TLS)
	if m.Provider.Kind == KindReference {
		d.resolve(m, providers)
	} else {
		d.params(&m.Params, &m.Provider)
	}
	if m.Auth != nil && m.Params.APIKey.Given() && !d.reported(m.Auth.At) {
		d.add(m.Auth.At, "", "cannot be used with params.apiKey")
	}
	for i := range m.Matches {
		d.valueMatches(m.Matches[i].Headers, true)
	}
}

// equipment checks what requests to a provider carry.
func (d *decoder) equipment(request, response *HeaderModifier, auth *BackendAuth, tls *BackendTLS) {
	d.headers(request)
	d.headers(response)
	d.backendAuth(auth)
	d.backendTLS(tls)
}

// resolve puts a provider in the place of the reference to it.
func (d *decoder) resolve(m *Model, providers map[string]*LLMProvider) {
	name := m.Provider.Reference
	p := providers[name]
	if p == nil || name == "" {
		known := make([]string, 0, len(providers))
		for n := range providers {
			known = append(known, n)
		}
		slices.Sort(known)
		d.add(m.Provider.At, suggest(name, known), "model %s references unknown provider %s", quoteShort(m.Name), quoteShort(name))
		return
	}
	own := m.Params
	if own.APIKey.Given() || own.BaseURL != nil || own.HostOverride.Host != "" || own.PathOverride != "" || own.PathPrefix != "" || own.Tokenize || own.OutputBound != "" {
		d.add(own.At, "write the rest in llm.providers", "a model with a reference to a provider can only set params.model")
	}
	m.Provider, m.Params = p.Provider, p.Params
	m.Provider.Reference = name
	if own.Model != "" {
		m.Params.Model = own.Model
	}
	m.inherit(&p.Defaults)
}

// inherit fills in what a model does not say itself.
func (m *Model) inherit(d *ProviderDefaults) {
	m.Defaults = m.Defaults.over(d.Defaults)
	m.Overrides = m.Overrides.over(d.Overrides)
	m.RequestHeaders = cmp.Or(m.RequestHeaders, d.RequestHeaders)
	m.ResponseHeaders = cmp.Or(m.ResponseHeaders, d.ResponseHeaders)
	m.TLS = cmp.Or(m.TLS, d.TLS)
	m.Auth = cmp.Or(m.Auth, d.Auth)
	m.Health = cmp.Or(m.Health, d.Health)
}

// params checks where requests go, and moves the provider's model there.
func (d *decoder) params(p *Params, provider *Provider) {
	if provider.Model != "" && p.Model != "" && provider.Model != p.Model {
		d.add(p.At.Child("model"), "", "differs from the model that stands with the provider")
	}
	if p.Model == "" {
		p.Model = provider.Model
	}
	if p.BaseURL != nil && (p.HostOverride.Host != "" || p.PathPrefix != "") {
		d.add(p.BaseURL.At, "", "cannot be used with hostOverride or pathPrefix")
	}
	if provider.Kind == KindCustom && p.BaseURL == nil {
		d.add(p.At.Child("baseUrl"), "", "is missing; a custom provider needs it")
	}
	d.path(p.PathOverride, p.At.Child("pathOverride"))
	d.path(p.PathPrefix, p.At.Child("pathPrefix"))
	d.formats(provider)
	if p.APIKey.Given() && p.APIKey.Missing() && !d.reported(p.APIKey.At) {
		d.report.Warn(p.APIKey.At, "is empty: requests are sent without a credential")
	}
}

// reported tells whether something is wrong at a position or below it already.
func (d *decoder) reported(at Position) bool {
	return d.report.spoiled(at, len(d.report.Problems))
}

// formats checks the paths of a custom provider.
func (d *decoder) formats(p *Provider) {
	for i := range p.Formats {
		f := &p.Formats[i]
		d.path(f.Path, f.At.Child("path"))
		for j := range i {
			if p.Formats[j].Type == f.Type && f.Type != "" {
				d.add(f.At.Child("type"), "", "%s is given twice", f.Type)
			}
		}
	}
}

// path checks a path that may be left out.
func (d *decoder) path(text string, at Position) {
	if text != "" && (!strings.HasPrefix(text, "/") || strings.ContainsAny(text, "?# \t\r\n")) {
		d.add(at, "", "must be a path that begins with /")
	}
}

// routing checks how a virtual model chooses.
func (d *decoder) routing(l *LLM, r *Routing) {
	switch {
	case r.Weighted != nil:
		total := 0
		for i := range r.Weighted.Targets {
			t := &r.Weighted.Targets[i]
			d.target(l, t.Model, t.At)
			total += t.Weight
		}
		if total == 0 {
			d.add(r.At.Child("weighted").Child("targets"), "", "needs at least one target with a weight above 0")
		}
	case r.Failover != nil:
		for i := range r.Failover.Targets {
			t := &r.Failover.Targets[i]
			d.target(l, t.Model, t.At)
		}
		if len(r.Failover.Targets) == 0 {
			d.add(r.At.Child("failover").Child("targets"), "", "needs at least one target")
		}
	case r.Conditional != nil:
		all := r.Conditional.Targets
		for i := range all {
			d.target(l, all[i].Model, all[i].At)
			if all[i].When.Empty() && i < len(all)-1 {
				d.add(all[i].At, "", "a target without a condition must be the last one: those behind it are never reached")
			}
		}
		if len(all) == 0 {
			d.add(r.At.Child("conditional").Child("targets"), "", "needs at least one target")
		}
	}
}

// target checks that a model of this name is configured.
func (d *decoder) target(l *LLM, name string, at Position) {
	if name == "" {
		return // reported
	}
	known := make([]string, 0, len(l.Models))
	for i := range l.Models {
		if patternCovers(l.Models[i].Name, name) {
			return
		}
		known = append(known, l.Models[i].Name)
	}
	d.add(at.Child("model"), suggest(name, known), "there is no model called %s in llm.models", quoteShort(name))
}

// pattern checks a name with at most one wildcard, at one end.
func (d *decoder) pattern(text string, at Position) {
	if text == "" {
		d.add(at, "", "must not be empty")
		return
	}
	if n := strings.Count(text, "*"); n > 1 {
		d.add(at, "", "has more than one wildcard")
	} else if n == 1 && text[0] != '*' && text[len(text)-1] != '*' {
		d.add(at, "", "has a wildcard in the middle; it can only begin or end with one")
	}
}

// patternCovers tells whether a pattern covers a name.
func patternCovers(pattern, name string) bool {
	if before, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, before)
	}
	if behind, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(name, behind)
	}
	return pattern == name
}
