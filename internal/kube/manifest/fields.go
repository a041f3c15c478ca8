package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/access"
	"tollgate/internal/config"
	"tollgate/internal/expression"
	"tollgate/internal/kube/resource"
	"tollgate/internal/secret"
)

// field is one field of policies, with what is wrong with it or missing for it. Policies
// are merged by whole fields: the more precise one wins, also if it cannot be served.
type field[T any] struct {
	value          *T
	wrong, missing fault
}

func (f *field[T]) set() bool { return f.value != nil || !f.wrong.none() || !f.missing.none() }

// over gives the field, or that of something less precise if it is not set.
func (f field[T]) over(base field[T]) field[T] {
	if f.set() {
		return f
	}
	return base
}

// backendFields are what policies say about requests to a backend.
type backendFields struct {
	auth   field[config.BackendAuth]
	ai     field[config.AI]
	tls    field[config.BackendTLS]
	health field[config.Health]
	// guard is a policy that would keep requests out and is not served.
	guard fault
	// unserved tells what has no effect, notes what else an author should know.
	unserved faults
	notes    []string
}

func (f backendFields) over(base backendFields) backendFields {
	out := backendFields{
		auth: f.auth.over(base.auth), ai: f.ai.over(base.ai), tls: f.tls.over(base.tls), health: f.health.over(base.health),
		guard: f.guard.or(base.guard),
	}
	return out
}

// fault gives what keeps requests from being served by these policies.
func (f *backendFields) fault() (wrong, missing fault) {
	wrong = f.guard.or(f.auth.wrong).or(f.ai.wrong).or(f.tls.wrong).or(f.health.wrong)
	return wrong, f.auth.missing.or(f.tls.missing)
}

// guards are policies that decide who may pass: what they keep out must not pass because
// they are not served.
var guards = []string{"authorization", "basicAuthentication", "extAuth", "jwtAuthentication", "oidc", "promptGuard"}

// notServed sorts out what is not served: guards, and what merely has no effect.
func notServed(at config.Position, names []string) (guard fault, others faults) {
	for _, name := range names {
		f := faultOf(reasonUnsupported, "%s is not served by tollgate; remove it", at.Child(name).Path)
		if slices.Contains(guards, name) {
			guard = guard.or(faultOf(reasonUnsupported, "%s is not served by tollgate, and nothing passes that it should guard; remove it", at.Child(name).Path))
			continue
		}
		others.add(f)
	}
	return guard, others
}

// backendFields reads the policies of requests to a backend. Names are those of a namespace.
func (k *compilation) backendFields(p *resource.AgentgatewayBackendPolicies, namespace string, at config.Position) backendFields {
	var f backendFields
	if p == nil {
		return f
	}
	f.guard, f.unserved = notServed(at, p.Others)
	if p.Auth != nil {
		f.auth = k.authField(&f, p.Auth, namespace, at.Child("auth"))
	}
	if p.AI != nil {
		f.ai = aiField(&f, p.AI, at.Child("ai"))
	}
	if p.TLS != nil {
		f.tls = k.tlsField(&f, p.TLS, namespace, at.Child("tls"))
	}
	if p.Health != nil {
		f.health = healthField(&f, p.Health, at.Child("health"))
	}
	return f
}

func (k *compilation) authField(all *backendFields, a *resource.AgentgatewayAuth, namespace string, at config.Position) (f field[config.BackendAuth]) {
	var kinds []string
	for _, kind := range []struct {
		name string
		set  bool
	}{{"key", a.Key != nil}, {"secretRef", a.SecretRef != nil}, {"passthrough", a.Passthrough != nil}} {
		if kind.set {
			kinds = append(kinds, kind.name)
		}
	}
	var location *config.Location
	if l := a.Location; l != nil {
		location, f.wrong = credentialPlace(l, at.Child("location"))
	}
	switch {
	case len(a.Others) > 0:
		f.wrong = f.wrong.or(faultOf(reasonUnsupported, "%s: %s is not served; key, secretRef and passthrough are", at.Path, strings.Join(a.Others, " and ")))
	case len(kinds) != 1:
		f.wrong = f.wrong.or(faultOf(reasonInvalid, "%s must have exactly one of key, secretRef and passthrough", at.Path))
	case a.Passthrough != nil:
		f.value = &config.BackendAuth{At: at, Passthrough: &config.Passthrough{Location: location}}
	case a.Key != nil:
		all.notes = append(all.notes, at.Child("key").Path+": the key stands in the object itself, for everybody who may read it; keep it in a Secret and use secretRef")
		auth, wrong := inlineAuth(at.Child("key"), *a.Key, location)
		f.value, f.wrong = auth, f.wrong.or(wrong)
	case a.SecretRef.Kind != "" && a.SecretRef.Kind != "Secret" || a.SecretRef.Group != "":
		f.wrong = f.wrong.or(faultOf(reasonUnsupported, "%s.secretRef names a %s; only Secrets are read", at.Path, a.SecretRef.Kind))
	default:
		entry := a.SecretRef.Key
		if entry == "" {
			entry = authorization
		}
		var text secret.Text
		text, f.missing = k.secretEntry(types.NamespacedName{Namespace: namespace, Name: a.SecretRef.Name}, entry)
		if f.missing.none() {
			f.value = keyAuth(at, text, location)
		}
	}
	return f
}

// credentialPlace reads where a credential is put for a provider: only a header will do.
func credentialPlace(l *resource.AgentgatewayLocation, at config.Position) (*config.Location, fault) {
	if l.Header == nil || l.QueryParameter != nil || l.Cookie != nil || l.Expression != "" {
		return nil, faultOf(reasonUnsupported, "%s: a credential is sent in a header; write header", at.Path)
	}
	return inHeader(at, l.Header.Name, l.Header.Prefix)
}

func aiField(all *backendFields, a *resource.AgentgatewayAIPolicy, at config.Position) (f field[config.AI]) {
	guard, others := notServed(at, a.Others)
	all.guard = all.guard.or(guard)
	all.unserved.add(others.fault())
	out := &config.AI{At: at}
	var wrong fault
	out.Defaults, wrong = bodyMembers(a.Defaults, at.Child("defaults"))
	f.wrong = f.wrong.or(wrong)
	out.Overrides, wrong = bodyMembers(a.Overrides, at.Child("overrides"))
	f.wrong = f.wrong.or(wrong)
	for _, name := range slices.Sorted(maps.Keys(a.ModelAliases)) {
		if _, err := access.ParsePattern(name); err != nil {
			f.wrong = f.wrong.or(faultOf(reasonInvalid, "%s: %v", at.Child("modelAliases").Path, err))
		}
		if a.ModelAliases[name] == "" {
			f.wrong = f.wrong.or(faultOf(reasonInvalid, "%s: %q must name a model", at.Child("modelAliases").Path, name))
		}
		out.ModelAliases = append(out.ModelAliases, config.Entry[string]{Name: name, Value: a.ModelAliases[name], At: at})
	}
	if a.Prompt != nil {
		out.Prompts = config.Prompts{Prepend: messagesOf(a.Prompt.Prepend), Append: messagesOf(a.Prompt.Append)}
	}
	f.value, f.wrong = withRoutes(out, a.Routes, at.Child("routes"), f.wrong)
	return f
}

func messagesOf(from []resource.AgentgatewayMessage) []config.Message {
	var out []config.Message
	for _, m := range from {
		out = append(out, config.Message{Role: m.Role, Content: m.Content})
	}
	return out
}

// bodyMembers gives the members of a body that are set.
func bodyMembers(from []resource.AgentgatewayField, at config.Position) (config.Map[config.JSON], fault) {
	var out config.Map[config.JSON]
	for i, m := range from {
		if _, twice := out.Get(m.Field); m.Field == "" || twice {
			return nil, faultOf(reasonInvalid, "%s: each must name another field of the body", at.Index(i).Path)
		}
		text, err := json.Marshal(m.Value)
		if err != nil {
			return nil, faultOf(reasonInvalid, "%s: the value cannot be written as JSON", at.Index(i).Path)
		}
		out = append(out, config.Entry[config.JSON]{Name: m.Field, Value: text, At: at.Index(i)})
	}
	return out, fault{}
}

func (k *compilation) tlsField(all *backendFields, t *resource.AgentgatewayTLS, namespace string, at config.Position) (f field[config.BackendTLS]) {
	_, others := notServed(at, t.Others)
	all.unserved.add(others.fault())
	out := &config.BackendTLS{At: at, Hostname: t.SNI, ALPN: t.ALPNProtocols}
	switch t.InsecureSkipVerify {
	case "":
	case "All":
		out.Insecure = true
		all.notes = append(all.notes, at.Path+": the certificate of the other side is not verified")
	case "Hostname":
		out.InsecureHost = true
	default:
		f.wrong = faultOf(reasonInvalid, "%s.insecureSkipVerify is %q; it must be All or Hostname", at.Path, t.InsecureSkipVerify)
	}
	var roots strings.Builder
	for _, ref := range t.CACertificateRefs {
		name := types.NamespacedName{Namespace: namespace, Name: ref.Name}
		m := k.index.configMaps[name]
		switch {
		case m == nil:
			f.missing = f.missing.or(faultOf(reasonConfigMap, "%s: the ConfigMap %s does not exist", at.Path, name))
		case m.Data["ca.crt"] == "":
			f.missing = f.missing.or(faultOf(reasonConfigMap, "%s: the ConfigMap %s has no entry \"ca.crt\"", at.Path, name))
		default:
			roots.WriteString(m.Data["ca.crt"] + "\n")
			out.Root = config.File{Name: "ConfigMap/" + name.String(), Content: secret.New(roots.String()), At: at}
		}
	}
	for _, ref := range t.MTLSCertificateRef {
		name := types.NamespacedName{Namespace: namespace, Name: ref.Name}
		s := k.index.secrets[name]
		switch {
		case s == nil:
			f.missing = f.missing.or(faultOf(reasonSecretNotFound, "%s: the Secret %s does not exist", at.Path, name))
		case len(s.Data["tls.crt"]) == 0 || len(s.Data["tls.key"]) == 0:
			f.missing = f.missing.or(faultOf(reasonSecretKey, "%s: the Secret %s needs the entries \"tls.crt\" and \"tls.key\"", at.Path, name))
		default:
			out.Cert = config.File{Name: "Secret/" + name.String(), Content: secret.New(string(s.Data["tls.crt"])), At: at}
			out.Key = config.File{Name: "Secret/" + name.String(), Content: secret.New(string(s.Data["tls.key"])), At: at}
		}
	}
	f.value = out
	return f
}

func healthField(all *backendFields, h *resource.AgentgatewayHealth, at config.Position) (f field[config.Health]) {
	out := &config.Health{At: at}
	if text := h.UnhealthyCondition; text != "" {
		program, err := expression.Compile(text)
		switch {
		case err != nil:
			f.wrong = faultOf(reasonInvalid, "%s.unhealthyCondition: %v", at.Path, err)
		case !program.CanHold():
			f.wrong = faultOf(reasonInvalid, "%s.unhealthyCondition is never true or false", at.Path)
		case len(program.Missing()) > 0:
			f.wrong = faultOf(reasonUnsupported, "%s.unhealthyCondition: %s is not known here", at.Path, strings.Join(program.Missing(), ", "))
		}
		out.Unhealthy = config.Expr{Text: text, At: at}
	}
	if e := h.Eviction; e != nil {
		out.Eviction = &config.Eviction{ConsecutiveFailures: int(max(0, e.ConsecutiveFailures))}
		if e.Duration != nil {
			out.Eviction.Duration = max(0, e.Duration.Duration)
		}
		for _, unused := range []struct {
			name string
			set  bool
		}{{"restoreHealth", e.RestoreHealth != nil}, {"healthThreshold", e.HealthThreshold != nil}} {
			if unused.set {
				all.notes = append(all.notes, fmt.Sprintf("%s.eviction.%s has no effect", at.Path, unused.name))
			}
		}
	}
	f.value = out
	return f
}
