package manifest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/expression"
	"tollgate/internal/kube/resource"
)

// keyring is what a policy says about virtual keys.
type keyring struct {
	from     *policy
	mode     config.KeyMode
	location *config.Location // nil: not said
	sources  []keySource
}

// keyModes are the modes as the newer API and annotations write them.
var keyModes = map[string]config.KeyMode{
	"Strict": config.ModeStrict, "Optional": config.ModeOptional, "Permissive": config.ModePermissive,
}

// keysField reads the virtual keys of a policy. Whatever is wrong, the policy asks for keys:
// there are fewer that are good, never none that is asked for.
func (k *compilation) keysField(p *policy, a *resource.AgentgatewayAPIKeys, at config.Position) (f field[keyring]) {
	if a == nil {
		return f
	}
	out := &keyring{from: p, mode: config.ModeStrict}
	f.value = out
	if a.Mode != "" {
		mode, ok := keyModes[a.Mode]
		if !ok {
			p.partial.add(faultOf(reasonPartiallyValid, "%s.mode is %q; it must be Strict, Optional or Permissive. Strict holds", at.Path, a.Mode))
			mode = config.ModeStrict
		}
		out.mode = mode
	}
	given := 0
	for _, set := range []bool{a.SecretRef != nil, a.SecretSelector != nil, a.ConfigMapSelector != nil} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		p.partial.add(faultOf(reasonPartiallyValid, "%s must have exactly one of secretRef, secretSelector and configMapSelector; no key of it is good", at.Path))
	case a.SecretRef != nil && (a.SecretRef.Group != "" || a.SecretRef.Kind != "" && a.SecretRef.Kind != "Secret"):
		p.partial.add(faultOf(reasonPartiallyValid, "%s.secretRef names a %s; only Secrets are read", at.Path, a.SecretRef.Kind))
	default:
		out.sources = k.sourcesOf(a, p.object.Namespace)
		k.judgeSources(p, out, at)
	}
	if a.Location != nil {
		location, wrong := keyPlace(a.Location, at.Child("location"))
		if !wrong.none() {
			p.partial.add(fault{reasonPartiallyValid, wrong.message + ". No key of it is good until this is put right"})
			out.mode, out.sources = config.ModeStrict, nil
			return f
		}
		out.location = location
	}
	return f
}

// judgeSources tells what is wrong with the objects that keys are taken from.
func (k *compilation) judgeSources(p *policy, ring *keyring, at config.Position) {
	if len(ring.sources) == 0 {
		p.partial.add(faultOf(reasonPartiallyValid, "%s selects nothing in the namespace %s; no key of it is good", at.Path, p.object.Namespace))
	}
	for _, s := range ring.sources {
		list := k.keys().entries[s]
		if list == nil {
			p.partial.add(faultOf(reasonPartiallyValid, "the %s %s does not exist; no key of it is good", s.kind, s.NamespacedName))
			continue
		}
		p.partial.add(list.faults.fault())
	}
}

// keyPlace reads where callers put a virtual key.
func keyPlace(l *resource.AgentgatewayLocation, at config.Position) (*config.Location, fault) {
	given := 0
	for _, set := range []bool{l.Header != nil, l.QueryParameter != nil, l.Cookie != nil, l.Expression != ""} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, faultOf(reasonInvalid, "%s must have exactly one of header, queryParameter, cookie and expression", at.Path)
	case l.Header != nil:
		return inHeader(at, l.Header.Name, l.Header.Prefix)
	case l.QueryParameter != nil && l.QueryParameter.Name == "", l.Cookie != nil && l.Cookie.Name == "":
		return nil, faultOf(reasonInvalid, "%s has no name", at.Path)
	case l.QueryParameter != nil:
		return &config.Location{At: at, Query: &config.NamedLocation{Name: l.QueryParameter.Name}}, fault{}
	case l.Cookie != nil:
		return &config.Location{At: at, Cookie: &config.NamedLocation{Name: l.Cookie.Name}}, fault{}
	}
	program, err := expression.Compile(l.Expression)
	if err != nil {
		return nil, faultOf(reasonInvalid, "%s.expression: %v", at.Path, err)
	}
	if missing := program.Missing(); len(missing) > 0 {
		return nil, faultOf(reasonUnsupported, "%s.expression: %s is not known here", at.Path, strings.Join(missing, ", "))
	}
	return &config.Location{At: at, Expression: config.Expr{Text: l.Expression, At: at.Child("expression")}}, fault{}
}

// units are the lengths of time that rates are for.
var units = map[string]time.Duration{"Seconds": time.Second, "Minutes": time.Minute, "Hours": time.Hour}

// limitsField reads the rate limits of a policy.
func limitsField(p *policy, r *resource.AgentgatewayRateLimits, at config.Position) (f field[config.RateLimits]) {
	if r == nil {
		return f
	}
	for _, name := range r.Others {
		hint := "remove it"
		if name == "global" {
			hint = "no rate limit server is asked: give the keys limits of their own, which all replicas share"
		}
		p.partial.add(faultOf(reasonPartiallyValid, "%s is not served by tollgate and limits nothing; %s", at.Child(name).Path, hint))
	}
	var limits config.RateLimits
	for i, l := range r.Local {
		place := at.Child("local").Index(i)
		rate, kind := l.Requests, "requests"
		if rate == nil {
			rate, kind = l.Tokens, "tokens"
		}
		every, known := units[l.Unit]
		switch {
		case (l.Requests == nil) == (l.Tokens == nil):
			p.partial.add(faultOf(reasonPartiallyValid, "%s must have exactly one of requests and tokens; it limits nothing", place.Path))
			continue
		case !known:
			p.partial.add(faultOf(reasonPartiallyValid, "%s.unit is %q; it must be Seconds, Minutes or Hours. It limits nothing", place.Path, l.Unit))
			continue
		case *rate < 1 || or(l.Burst, 0) < 0:
			p.partial.add(faultOf(reasonPartiallyValid, "%s: a rate is at least 1 and a burst at least 0; it limits nothing", place.Path))
			continue
		}
		limits = append(limits, config.RateLimit{
			At: place, MaxTokens: int64(*rate) + int64(or(l.Burst, 0)), TokensPerFill: int64(*rate), FillInterval: every, Type: kind,
		})
	}
	if len(limits) > 0 {
		f.value = &limits
	}
	return f
}

// sharedBy gives limits whose buckets all rules have in common that a target comprises.
func sharedBy(f field[config.RateLimits], p *policy, a aim) field[config.RateLimits] {
	if f.value == nil {
		return f
	}
	limits := slices.Clone(*f.value)
	for i := range limits {
		limits[i].Shared = fmt.Sprintf("%s[%d]/%s/%s", p.ref, i, a.Ref, a.section)
	}
	return field[config.RateLimits]{value: &limits}
}

// The annotations of Gateways and HTTPRoutes that ask for virtual keys. Those of a route
// come first; a policy comes before an annotation of the same object.
const (
	annotationKeys   = "tollgate.dev/api-keys"   // Strict, Optional or Permissive
	annotationHeader = "tollgate.dev/key-header" // where keys are looked for
)

// keyHeader is where a virtual key is looked for if Authorization is the provider's.
const keyHeader = "x-tollgate-key"

// asked is how a rule asks for virtual keys.
type asked struct {
	mode     config.KeyMode
	location *config.Location
	ring     *keyring
	// by is what said where keys are looked for, for messages.
	by string
	// said tells that somebody asked; otherwise it is what holds everywhere.
	said bool
	// own tells that the keys are those of a policy for the route itself.
	own bool
}

// asks finds out how a rule asks for virtual keys.
func (k *compilation) asks(at attachment, set *policySet) asked {
	out := asked{mode: config.ModePermissive, ring: set.keys.value}
	routeMode, routeHeader := at.route.Annotations[annotationKeys], at.route.Annotations[annotationHeader]
	gatewayMode, gatewayHeader := at.gateway.Annotations[annotationKeys], at.gateway.Annotations[annotationHeader]
	route, gateway := refOf("HTTPRoute", at.route), refOf("Gateway", at.gateway)
	out.said = out.ring != nil || routeMode+routeHeader+gatewayMode+gatewayHeader != ""
	out.own = out.ring != nil && slices.ContainsFunc(out.ring.from.aims, func(a aim) bool { return a.Ref == route })
	switch {
	case out.own, out.ring != nil && routeMode == "":
		out.mode = out.ring.mode
	case routeMode != "":
		out.mode = k.annotatedMode(route, routeMode)
	case gatewayMode != "":
		out.mode = k.annotatedMode(gateway, gatewayMode)
	}
	ringSays := out.ring != nil && out.ring.location != nil
	switch {
	case ringSays && (out.own || routeHeader == ""):
		out.location, out.by = out.ring.location, out.ring.from.ref.String()
	case routeHeader != "":
		k.annotatedHeader(&out, route, routeHeader)
	case gatewayHeader != "":
		k.annotatedHeader(&out, gateway, gatewayHeader)
	}
	return out
}

// annotatedMode reads a mode. One that nobody knows asks for the most.
func (k *compilation) annotatedMode(ref Ref, text string) config.KeyMode {
	mode, ok := keyModes[text]
	if !ok {
		k.warn("%s: the annotation %s is %q; it must be Strict, Optional or Permissive. Strict holds", ref, annotationKeys, text)
		return config.ModeStrict
	}
	return mode
}

func (k *compilation) annotatedHeader(a *asked, ref Ref, name string) {
	a.by = ref.String()
	location, f := inHeader(ref.at().Child("metadata").Child("annotations"), name, nil)
	if f.none() {
		a.location = location
		return
	}
	k.warn("%s: the annotation %s is %q, which is no name of a header; keys are looked for in %s, and nobody passes without one", ref, annotationHeader, name, keyHeader)
	a.mode, a.location = config.ModeStrict, locationOf(ref.at(), keyHeader)
}

func locationOf(at config.Position, header string) *config.Location {
	return &config.Location{At: at, Header: &config.HeaderLocation{Name: header}}
}

// ownPlaces are where SDKs put the provider's own credential, as the data plane finds it.
var ownPlaces = []string{"x-api-key", "api-key", "x-goog-api-key"}

// clash tells why virtual keys cannot be looked for in a place on a rule that passes the
// caller's own credential on: that stands there too, or a value that is no key of ours, but
// may have been one, would be taken for it.
func (a *asked) clash() fault {
	l := a.location
	if l == nil {
		return fault{}
	}
	header := ""
	if l.Header != nil {
		header = strings.ToLower(l.Header.Name)
	}
	shared := header == strings.ToLower(authorization) || strings.Contains(strings.ToLower(l.Expression.Text), strings.ToLower(authorization))
	if a.mode == config.ModePermissive {
		shared = shared || header == "" || slices.Contains(ownPlaces, header)
	}
	if !shared {
		return fault{}
	}
	return faultOf(gatewayv1.PolicyReasonInvalid, "a backend of the rule sends the caller's own credential on, so virtual keys cannot be looked for in the same place; use another header, for instance %s", keyHeader)
}

// rulePolicies gives what holds for a rule of a route on a listener beside its filters:
// virtual keys, rate limits, and what policies say. passthrough tells that a backend of the
// rule sends the caller's own Authorization on. Whether the rule can be served at all
// settleRule says.
func (k *compilation) rulePolicies(at attachment, passthrough bool) config.RoutePolicies {
	set := k.policiesOf(at)
	out := config.RoutePolicies{
		AI: set.backend.ai.value, BackendAuth: set.backend.auth.value, BackendTLS: set.backend.tls.value, Health: set.backend.health.value,
	}
	if set.limits.value != nil {
		out.LocalRateLimit = *set.limits.value
	}
	a := k.asks(at, set)
	if passesOn(set, passthrough) && a.location == nil {
		a.location = locationOf(refOf("HTTPRoute", at.route).at(), keyHeader)
	}
	out.APIKey = k.gate(at, &a)
	return out
}

// passesOn tells whether a rule sends the caller's own credential on: because of its
// backends, or by a policy for those that say nothing themselves.
func passesOn(set *policySet, passthrough bool) bool {
	auth := set.backend.auth.value
	return passthrough || auth != nil && auth.Passthrough != nil
}

// gate gives the list of virtual keys for a rule on a listener: those of a policy, and the
// VirtualKeys of the namespaces that may attach there; where a policy lists the keys of the
// very route, those of its own namespace alone. Rules with the same keys share one.
func (k *compilation) gate(at attachment, a *asked) *config.APIKeys {
	b := k.keys()
	from := refOf("Gateway", at.gateway).at()
	if a.ring != nil {
		from = a.ring.from.ref.at()
	}
	var admitted []string
	for _, namespace := range b.namespaces {
		// Whoever lists the keys of a route does not mean those of strangers.
		if k.letsNamespace(at.gateway, at.listener, namespace) && (!a.own || namespace == at.route.Namespace) {
			admitted = append(admitted, namespace)
		}
	}
	place := ""
	if a.location != nil {
		place = placeText(a.location)
	}
	name := strings.Join(append([]string{from.File, string(a.mode), place}, admitted...), "\x00")
	if same := b.lists[name]; same != nil {
		return same
	}
	out := &config.APIKeys{At: from, Mode: a.mode, Location: a.location, Keys: []config.APIKey{}}
	if a.ring != nil {
		for _, s := range a.ring.sources {
			if list := b.entries[s]; list != nil {
				out.Keys = append(out.Keys, list.keys...)
			}
		}
	}
	for _, v := range b.virtual {
		if slices.Contains(admitted, v.namespace) {
			out.Keys = append(out.Keys, v.key)
		}
	}
	b.lists[name] = out
	return out
}

// placeText tells places apart.
func placeText(l *config.Location) string {
	switch {
	case l.Header != nil:
		return "header " + l.Header.Name + " " + l.Header.Prefix
	case l.Query != nil:
		return "query " + l.Query.Name
	case l.Cookie != nil:
		return "cookie " + l.Cookie.Name
	default:
		return "expression " + l.Expression.Text
	}
}
