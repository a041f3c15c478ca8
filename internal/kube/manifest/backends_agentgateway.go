package manifest

import (
	"cmp"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/dialect/request"
	"tollgate/internal/kube/resource"
)

// kindAgentgatewayBackend is the kind of the newer API's backends.
const kindAgentgatewayBackend = "AgentgatewayBackend"

// agentgatewayBackend compiles an AgentgatewayBackend and notes its status.
func (k *compilation) agentgatewayBackend(b *resource.AgentgatewayBackend) destination {
	ref := refOf(kindAgentgatewayBackend, b)
	if d, ok := k.destinations[ref]; ok {
		return d
	}
	v := k.judge(kindAgentgatewayBackend, b)
	t := target{group: gatewayv1.Group(resource.AgentgatewayVersion.Group), Ref: ref}
	if v.wrong.none() {
		own := k.backendFields(b.Spec.Policies, b.Namespace, v.at.Child("policies"))
		v.take(&own)
		k.agentgatewayKind(v, b, own.over(k.policiesOfBackend(t)))
	}
	if v.wrong.none() {
		k.overTLS(v, t)
	}
	k.destinations[ref] = v.destination()
	k.out.Statuses.AIBackends[ref.NamespacedName] = v.conditions()
	return k.destinations[ref]
}

// take notes what the author of policies should know.
func (v *finding) take(f *backendFields) {
	v.dropped.add(f.unserved.fault())
	v.notes = append(v.notes, f.notes...)
}

func (k *compilation) agentgatewayKind(v *finding, b *resource.AgentgatewayBackend, policies backendFields) {
	s := &b.Spec
	kinds := append([]string(nil), s.Others...)
	if s.AI != nil {
		kinds = append(kinds, "ai")
	}
	if s.Static != nil {
		kinds = append(kinds, "static")
	}
	switch {
	case len(kinds) != 1:
		v.wrong = faultOf(reasonInvalid, "spec must have exactly one kind of backend, and has %s", cmp.Or(strings.Join(kinds, " and "), "none"))
	case s.AI != nil:
		k.agentgatewayAI(v, s.AI, b.Namespace, policies)
	case s.Static != nil:
		v.static([]resource.Host{*s.Static}, "")
		v.apply(&policies)
	default:
		v.wrong = faultOf(reasonUnsupported, "backends of the kind %s are not served; ai and static are", kinds[0])
	}
}

// agentgatewayAI compiles the providers of a backend.
func (k *compilation) agentgatewayAI(v *finding, ai *resource.AgentgatewayAI, namespace string, policies backendFields) {
	at := v.at.Child("ai")
	switch {
	case ai.Provider != nil && len(ai.Groups) > 0:
		v.wrong = faultOf(reasonInvalid, "%s has both provider and groups; set one of them", at.Path)
	case ai.Provider != nil:
		v.serve([][]*upstream{{agentgatewayLLM(v, "", ai.Provider, at.Child("provider"), policies)}})
	case len(ai.Groups) > 0:
		groups := make([][]*upstream, len(ai.Groups))
		for i := range ai.Groups {
			for j := range ai.Groups[i].Providers {
				p := &ai.Groups[i].Providers[j]
				place := at.Child("groups").Index(i).Child("providers").Index(j)
				own := k.backendFields(p.Policies, namespace, place.Child("policies"))
				v.take(&own)
				u := agentgatewayLLM(v, p.Name, &p.AgentgatewayLLM, place, own.over(policies))
				if p.Name == "" {
					u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s has no name; give it one", place.Path))
				}
				groups[i] = append(groups[i], u)
			}
		}
		v.serve(groups)
		if v.out.ai == nil && v.wrong.none() && v.missing.none() {
			v.wrong = faultOf(reasonInvalid, "%s.groups has no providers", at.Path)
		}
	default:
		v.wrong = faultOf(reasonInvalid, "%s has neither provider nor groups; set one of them", at.Path)
	}
}

// agentgatewayLLM brings a provider into the form that both APIs share.
func agentgatewayLLM(v *finding, name string, l *resource.AgentgatewayLLM, at config.Position, policies backendFields) *upstream {
	u := &upstream{
		at: at, name: name, provider: config.Provider{At: at}, host: l.Host, port: l.Port, path: l.Path, prefix: l.PathPrefix,
		auth: policies.auth.value, ai: policies.ai.value, tls: policies.tls.value, health: policies.health.value,
	}
	wrong, missing := policies.fault()
	u.missing = missing
	var kinds []string
	for _, kind := range []struct {
		name string
		set  bool
	}{
		{"openai", l.OpenAI != nil}, {"anthropic", l.Anthropic != nil}, {"custom", l.Custom != nil}, {"azureopenai", l.AzureOpenAI != nil},
		{"azure", l.Azure != nil}, {"gemini", l.Gemini != nil}, {"vertexai", l.VertexAI != nil}, {"bedrock", l.Bedrock != nil},
	} {
		if kind.set {
			kinds = append(kinds, kind.name)
		}
	}
	kinds = append(kinds, l.Others...)
	switch {
	case len(kinds) != 1:
		u.wrong = faultOf(reasonInvalid, "%s must have exactly one provider, and has %s", at.Path, cmp.Or(strings.Join(kinds, " and "), "none"))
	case l.OpenAI != nil:
		u.provider.Kind, u.provider.Model = config.KindOpenAI, l.OpenAI.Model
		if l.OpenAI.Moderation != nil {
			u.wrong = faultOf(reasonUnsupported, "%s.openai.moderation is not served by tollgate, and nothing passes that it should guard; remove it", at.Path)
		}
	case l.Anthropic != nil:
		u.provider.Kind, u.provider.Model = config.KindAnthropic, l.Anthropic.Model
	case l.Custom != nil:
		u.custom(v, l.Custom)
	case instead[kinds[0]] != "":
		u.wrong = unservedProvider(at.Path, kinds[0])
	default:
		u.wrong = faultOf(reasonUnsupported, "%s: the provider %s is not served", at.Path, kinds[0])
	}
	u.wrong = u.wrong.or(wrong)
	if u.path != "" && u.prefix != "" {
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s has both path and pathPrefix; set one of them", at.Path))
	}
	if u.prefix != "" && u.host == "" {
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: pathPrefix needs host and port", at.Path))
	}
	return u
}

// custom takes over what a provider says that is known by its address.
func (u *upstream) custom(v *finding, c *resource.AgentgatewayCustom) {
	at := u.at.Child("custom")
	u.provider.Kind, u.provider.Model = config.KindCustom, c.Model
	if c.Host != "" || c.Port != 0 {
		u.host, u.port = c.Host, c.Port
	}
	if c.BackendRef != nil {
		u.wrong = faultOf(reasonUnsupported, "%s.backendRef is not served; name the Service by host and port, for instance NAME.NAMESPACE.svc and 80", at.Path)
		return
	}
	for i, f := range c.Formats {
		place := at.Child("formats").Index(i)
		word := camel(f.Type)
		_, served, known := request.ParseRouteType(word)
		switch {
		case !known:
			u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s: %q is no type of format", place.Path, f.Type))
		case !served:
			v.dropped.add(faultOf(reasonUnsupported, "%s: the format %s is not served yet", place.Path, f.Type))
		default:
			u.provider.Formats = append(u.provider.Formats, config.Format{At: place, Type: word, Path: f.Path})
		}
	}
	if len(u.provider.Formats) == 0 {
		u.wrong = u.wrong.or(faultOf(reasonInvalid, "%s.formats names nothing that is served", at.Path))
	}
}
