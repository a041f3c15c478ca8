package manifest

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/dialect/request"
	"tollgate/internal/kube/resource"
)

// instead says what to do where a provider is not served by its own API.
var instead = map[string]string{
	"azureopenai": "use openai with the host of the resource, port 443, the path /openai/v1/chat/completions, and the credential in the header api-key",
	"azure":       "use openai with the host of the resource, port 443, the path /openai/v1/chat/completions, and the credential in the header api-key",
	"gemini":      "use openai with the host generativelanguage.googleapis.com, port 443 and the path /v1beta/openai/chat/completions",
	"vertexai":    "use openai with the host and path of the region's OpenAI-compatible endpoint, port 443, and a passthrough token",
	"bedrock":     "use openai with the host bedrock-runtime.REGION.amazonaws.com, port 443, the path /openai/v1/chat/completions, and an API key for Bedrock",
}

// unservedProvider tells that a provider is not served, and what to do about it.
func unservedProvider(at, name string) fault {
	return faultOf(reasonUnsupported, "%s: the provider %s is not served yet; %s", at, name, instead[name])
}

// kgatewayBackend compiles a Backend and notes its status.
func (k *compilation) kgatewayBackend(b *resource.Backend) destination {
	ref := refOf("Backend", b)
	if d, ok := k.destinations[ref]; ok {
		return d
	}
	v := k.judge("Backend", b)
	t := target{group: gatewayv1.Group(resource.KgatewayVersion.Group), Ref: ref}
	if v.wrong.none() {
		v.base = k.policiesOfBackend(t)
		k.kgatewayKind(v, b)
	}
	if v.wrong.none() {
		k.overTLS(v, t)
	}
	k.destinations[ref] = v.destination()
	k.out.Statuses.Backends[ref.NamespacedName] = v.conditions()
	return k.destinations[ref]
}

// kgatewayKind compiles the member of a Backend that its type names.
func (k *compilation) kgatewayKind(v *finding, b *resource.Backend) {
	s := &b.Spec
	set := map[string]bool{
		"AI": s.AI != nil, "Static": s.Static != nil, "AWS": s.AWS != nil, "DynamicForwardProxy": s.DynamicForwardProxy != nil, "MCP": s.MCP != nil,
	}
	members := map[string]string{"AI": "ai", "Static": "static", "AWS": "aws", "DynamicForwardProxy": "dynamicForwardProxy", "MCP": "mcp"}
	var others []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if set[name] && name != s.Type {
			others = append(others, "spec."+members[name])
		}
	}
	_, known := set[s.Type]
	switch {
	case !known:
		v.wrong = faultOf(reasonInvalid, "spec.type is %q; it must be AI or Static", s.Type)
	case len(others) > 0:
		v.wrong = faultOf(reasonInvalid, "spec.type is %s, but %s is set; set spec.%s and nothing else, or change the type", s.Type, strings.Join(others, " and "), members[s.Type])
	case s.Type == "AI" && s.AI != nil:
		k.kgatewayAI(v, s.AI, b.Namespace)
	case s.Type == "Static" && s.Static != nil:
		v.static(s.Static.Hosts, s.Static.AppProtocol)
		v.apply(&v.base)
	case s.Type == "AI" || s.Type == "Static":
		v.wrong = faultOf(reasonInvalid, "spec.type is %s, but spec.%s is not set", s.Type, members[s.Type])
	default:
		v.wrong = faultOf(reasonUnsupported, "Backends of the type %s are not served; AI and Static are", s.Type)
	}
}

// kgatewayAI compiles the providers of a Backend.
func (k *compilation) kgatewayAI(v *finding, ai *resource.AI, namespace string) {
	at := v.at.Child("ai")
	switch {
	case ai.LLM != nil && len(ai.PriorityGroups) > 0:
		v.wrong = faultOf(reasonInvalid, "%s has both llm and priorityGroups; set one of them", at.Path)
	case ai.LLM != nil:
		v.serve([][]*upstream{{k.kgatewayLLM(v, "", ai.LLM, namespace, at.Child("llm"))}})
	case len(ai.PriorityGroups) > 0:
		groups := make([][]*upstream, len(ai.PriorityGroups))
		for i := range ai.PriorityGroups {
			group := &ai.PriorityGroups[i]
			for j := range group.Providers {
				p := &group.Providers[j]
				place := at.Child("priorityGroups").Index(i).Child("providers").Index(j)
				u := k.kgatewayLLM(v, p.Name, &p.LLM, namespace, place)
				if p.Name == "" {
					u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s has no name; give it one", place.Path))
				}
				groups[i] = append(groups[i], u)
			}
		}
		v.serve(groups)
		if v.out.ai == nil && v.wrong.none() && v.missing.none() {
			v.wrong = faultOf(reasonInvalid, "%s.priorityGroups has no providers", at.Path)
		}
	default:
		v.wrong = faultOf(reasonInvalid, "%s has neither llm nor priorityGroups; set one of them", at.Path)
	}
}

// kgatewayLLM brings a provider into the form that both APIs share.
func (k *compilation) kgatewayLLM(v *finding, name string, l *resource.LLM, namespace string, at config.Position) *upstream {
	u := &upstream{at: at, name: name, host: l.Host, port: l.Port, provider: config.Provider{At: at}}
	if l.Path != nil {
		u.path = l.Path.Full
	}
	var kinds []string
	for _, kind := range []struct {
		name string
		set  bool
	}{
		{"openai", l.OpenAI != nil}, {"azureopenai", l.AzureOpenAI != nil}, {"anthropic", l.Anthropic != nil},
		{"gemini", l.Gemini != nil}, {"vertexai", l.VertexAI != nil}, {"bedrock", l.Bedrock != nil},
	} {
		if kind.set {
			kinds = append(kinds, kind.name)
		}
	}
	switch {
	case len(kinds) != 1:
		u.wrong = faultOf(reasonInvalid, "%s must have exactly one provider, and has %s", at.Path, cmp.Or(strings.Join(kinds, " and "), "none"))
		return u
	case l.OpenAI != nil:
		u.provider.Kind, u.provider.Model = config.KindOpenAI, l.OpenAI.Model
		k.kgatewayToken(v, u, &l.OpenAI.AuthToken, l.AuthHeader, namespace, at.Child("openai").Child("authToken"))
	case l.Anthropic != nil:
		u.provider.Kind, u.provider.Model = config.KindAnthropic, l.Anthropic.Model
		if version := l.Anthropic.APIVersion; version != "" {
			u.headers = config.Map[string]{{Name: "anthropic-version", Value: version, At: at}}
		}
		k.kgatewayToken(v, u, &l.Anthropic.AuthToken, l.AuthHeader, namespace, at.Child("anthropic").Child("authToken"))
	default:
		u.wrong = unservedProvider(at.Path, kinds[0])
		return u
	}
	u.ai, u.wrong = withRoutes(nil, l.Routes, at.Child("routes"), u.wrong)
	u.inherit(&v.base)
	return u
}

// inherit takes over what a provider does not say itself. Its credential it always says.
func (u *upstream) inherit(base *backendFields) {
	from := *base
	from.auth = field[config.BackendAuth]{}
	if u.ai != nil {
		from.ai = field[config.AI]{value: u.ai}
	}
	wrong, missing := from.fault()
	u.ai, u.tls, u.health = from.ai.value, from.tls.value, from.health.value
	u.wrong, u.missing = u.wrong.or(wrong), u.missing.or(missing)
}

// kgatewayToken finds the credential of a provider. Its kind decides; what else is set is
// left over from another kind, and told.
func (k *compilation) kgatewayToken(v *finding, u *upstream, t *resource.AuthToken, h *resource.AuthHeader, namespace string, at config.Position) {
	location := k.authHeader(u, h)
	if t.Inline != nil && t.Kind != resource.AuthInline {
		v.note("%s.inline is set and not used, because kind is %s; remove it, so that no token stands there", at.Path, t.Kind)
	}
	if t.SecretRef != nil && t.Kind != resource.AuthSecretRef {
		v.note("%s.secretRef is set and not used, because kind is %s", at.Path, t.Kind)
	}
	switch {
	case t.Kind == resource.AuthInline && t.Inline == nil:
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: kind is Inline, but inline is not set", at.Path))
	case t.Kind == resource.AuthInline:
		v.note("%s.inline: the token stands in the object itself, for everybody who may read it; keep it in a Secret and use kind SecretRef", at.Path)
		auth, f := inlineAuth(at.Child("inline"), *t.Inline, location)
		u.auth, u.wrong = auth, u.wrong.or(f)
	case t.Kind == resource.AuthSecretRef && (t.SecretRef == nil || t.SecretRef.Name == ""):
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: kind is SecretRef, but secretRef.name is not set", at.Path))
	case t.Kind == resource.AuthSecretRef:
		text, f := k.secretEntry(types.NamespacedName{Namespace: namespace, Name: t.SecretRef.Name}, authorization)
		u.auth, u.missing = keyAuth(at, text, location), f
	case t.Kind == resource.AuthPassthrough:
		u.auth = &config.BackendAuth{At: at, Passthrough: &config.Passthrough{Location: location}}
	default:
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s.kind is %q; it must be Inline, SecretRef or Passthrough", at.Path, t.Kind))
	}
}

// authHeader gives the header that carries a credential, nil for the provider's own. A word
// in front stands apart from the credential, as the schemes of Authorization do.
func (k *compilation) authHeader(u *upstream, h *resource.AuthHeader) *config.Location {
	if h == nil {
		return nil
	}
	at := u.at.Child("authHeader")
	if h.HeaderName == "" && h.Prefix == "" {
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s needs headerName, prefix or both", at.Path))
		return nil
	}
	var prefix *string
	if h.Prefix != "" {
		text := h.Prefix
		if last := text[len(text)-1]; 'a' <= last|0x20 && last|0x20 <= 'z' {
			text += " "
		}
		prefix = &text
	}
	location, f := inHeader(at, h.HeaderName, prefix)
	u.wrong = u.wrong.or(f)
	return location
}

// withRoutes adds the operations of paths to what a policy says, sorted, so that the same
// object always gives the same configuration.
func withRoutes(ai *config.AI, routes map[string]string, at config.Position, before fault) (*config.AI, fault) {
	if len(routes) == 0 {
		return ai, before
	}
	out := &config.AI{At: at}
	if ai != nil {
		*out = *ai
	}
	for _, suffix := range slices.Sorted(maps.Keys(routes)) {
		name := camel(routes[suffix])
		_, served, known := request.ParseRouteType(name)
		switch {
		case suffix == "":
			before = before.or(faultOf(reasonInvalid, "%s: a route must be the end of a path, or *", at.Path))
		case !known:
			before = before.or(faultOf(reasonInvalid, "%s: %q is no type of route; there are completions, messages, responses, embeddings and others", at.Path, routes[suffix]))
		case !served:
			before = before.or(faultOf(reasonUnsupported, "%s: routes of the type %s are not served yet", at.Path, routes[suffix]))
		}
		out.Routes = append(out.Routes, config.Entry[string]{Name: suffix, Value: name, At: at})
	}
	return out, before
}

// camel gives the configuration's spelling of a word of the newer API.
func camel(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToLower(word[:1]) + word[1:]
}

// static compiles a list of servers for plain HTTP.
func (v *finding) static(hosts []resource.Host, appProtocol string) {
	at := v.at.Child("static")
	if len(hosts) == 0 {
		v.wrong = faultOf(reasonInvalid, "%s has no hosts", at.Path)
		return
	}
	if appProtocol != "" && appProtocol != "http" {
		v.note("%s.appProtocol %s is not served; requests are sent as HTTP/1.1", at.Path, appProtocol)
	}
	secure := 0
	for i, h := range hosts {
		place := at.Child("hosts").Index(i)
		if v.wrong = v.wrong.or(checkHost(place.Path, h.Host, h.Port, v.remote)); !v.wrong.none() {
			return
		}
		if h.Port == 443 {
			secure++
		}
		v.out.endpoints = append(v.out.endpoints, config.HostPort{Host: h.Host, Port: int(h.Port), At: place, Remote: v.remote})
	}
	switch secure {
	case 0:
	case len(hosts):
		v.out.policies.BackendTLS = &config.BackendTLS{At: at}
	default:
		v.wrong = faultOf(reasonInvalid, "%s: port 443 means TLS, and other ports do not; make two Backends of these hosts", at.Path)
	}
}

// apply lets policies hold for plain HTTP.
func (v *finding) apply(p *backendFields) {
	wrong, missing := p.fault()
	v.wrong, v.missing = v.wrong.or(wrong), v.missing.or(missing)
	if !v.missing.none() {
		v.out.endpoints = nil
	}
	v.out.policies.BackendTLS = cmp.Or(p.tls.value, v.out.policies.BackendTLS)
	v.out.policies.BackendAuth, v.out.policies.Health = p.auth.value, p.health.value
	v.out.passthrough = p.auth.value != nil && p.auth.value.Passthrough != nil
}

// overTLS applies the BackendTLSPolicy of a backend, if there is one. It comes before what
// ports mean.
func (k *compilation) overTLS(v *finding, t target) {
	tls, f := k.backendTLS(t, "")
	if !f.none() {
		v.wrong = faultOf(f.reason, "%s", f.message)
		return
	}
	if tls == nil {
		return
	}
	if len(v.out.endpoints) > 0 {
		v.out.policies.BackendTLS = tls
	}
	if v.out.ai == nil {
		return
	}
	for i := range v.out.ai.Groups {
		for j := range v.out.ai.Groups[i].Providers {
			p := &v.out.ai.Groups[i].Providers[j]
			p.Policies.BackendTLS = cmp.Or(tls, p.Policies.BackendTLS)
		}
	}
}
