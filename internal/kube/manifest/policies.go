package manifest

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/kube/resource"
)

// aim is what a policy is about: an object, or a section of it: a listener of a Gateway or
// a rule of an HTTPRoute.
type aim struct {
	target
	section string
}

// policy is an AgentgatewayPolicy with what it says, and what became of it.
type policy struct {
	object *resource.AgentgatewayPolicy
	ref    Ref
	aims   []aim
	// invalid tells why nothing of it is in force, partial what is not.
	invalid fault
	partial faults
	keys    field[keyring]
	limits  field[config.RateLimits]
	backend backendFields
	guard   fault
	// rejected are the targets that it cannot be about, lost its fields that an older policy
	// has for the same target, refused the rules that cannot be served because of it.
	rejected map[aim]fault
	lost     map[aim][]string
	refused  faults
}

// policyBook has what policies say, by what they are about.
type policyBook struct {
	all []*policy
	at  map[aim]*policySet
}

// policySet is what the policies of one target say together: of each field the oldest.
type policySet struct {
	keys    field[keyring]
	limits  field[config.RateLimits]
	backend backendFields
	guard   fault
	owner   map[string]*policy
}

// over lays a more precise set over another one.
func (s *policySet) over(base *policySet) *policySet {
	return &policySet{
		keys: s.keys.over(base.keys), limits: s.limits.over(base.limits), backend: s.backend.over(base.backend), guard: s.guard.or(base.guard),
	}
}

// policies gives the book.
func (k *compilation) policies() *policyBook {
	if k.policyBook != nil {
		return k.policyBook
	}
	b := &policyBook{at: map[aim]*policySet{}}
	k.policyBook = b
	for _, o := range oldestFirst(k.objects.Policies) {
		p := k.policy(o)
		b.all = append(b.all, p)
		if !p.invalid.none() {
			continue
		}
		for _, a := range p.aims {
			switch {
			case p.rejected[a].none():
				b.add(a, p)
			case p.keys.set() || !p.guard.none():
				// What it would keep out must not pass because it is aimed badly.
				s := b.set(a)
				s.guard = s.guard.or(p.rejected[a])
			}
		}
	}
	return b
}

// set gives what is said of a target.
func (b *policyBook) set(a aim) *policySet {
	if b.at[a] == nil {
		b.at[a] = &policySet{owner: map[string]*policy{}}
	}
	return b.at[a]
}

// add lets a policy say what no older one says of the same target.
func (b *policyBook) add(a aim, p *policy) {
	s := b.set(a)
	s.guard = s.guard.or(p.guard).or(p.backend.guard)
	take(s, p, a, "traffic.apiKeyAuthentication", &s.keys, &p.keys)
	limits := sharedBy(p.limits, p, a)
	take(s, p, a, "traffic.rateLimit", &s.limits, &limits)
	take(s, p, a, "backend.auth", &s.backend.auth, &p.backend.auth)
	take(s, p, a, "backend.ai", &s.backend.ai, &p.backend.ai)
	take(s, p, a, "backend.tls", &s.backend.tls, &p.backend.tls)
	take(s, p, a, "backend.health", &s.backend.health, &p.backend.health)
}

func take[T any](s *policySet, p *policy, a aim, name string, to, from *field[T]) {
	switch {
	case !from.set():
	case s.owner[name] != nil:
		p.lost[a] = append(p.lost[a], name+", which "+s.owner[name].ref.String()+" has")
	default:
		*to, s.owner[name] = *from, p
	}
}

// policy reads one policy.
func (k *compilation) policy(o *resource.AgentgatewayPolicy) *policy {
	p := &policy{object: o, ref: refOf("AgentgatewayPolicy", o), rejected: map[aim]fault{}, lost: map[aim][]string{}}
	at := p.ref.at().Child("spec")
	p.aims = k.aims(p, at)
	if why, broken := k.broken("AgentgatewayPolicy", o); broken {
		// What it would guard is not known, so nothing passes.
		p.guard = faultOf(gatewayv1.PolicyReasonInvalid, "%s. Requests to its targets are answered with 500 until this is put right", why)
		p.refused.add(p.guard)
		return p
	}
	guard, others := notServed(at, o.Spec.Others)
	p.guard = guard
	p.partial.add(others.fault())
	if t := o.Spec.Traffic; t != nil {
		guard, others := notServed(at.Child("traffic"), t.Others)
		p.guard = p.guard.or(guard)
		p.partial.add(others.fault())
		p.keys = k.keysField(p, t.APIKeyAuthentication, at.Child("traffic").Child("apiKeyAuthentication"))
		p.limits = limitsField(p, t.RateLimit, at.Child("traffic").Child("rateLimit"))
	}
	p.backend = k.backendFields(o.Spec.Backend, o.Namespace, at.Child("backend"))
	wrong, missing := p.backend.fault()
	p.partial.add(p.guard)
	p.partial.add(wrong)
	p.partial.add(missing)
	p.partial.add(p.backend.unserved.fault())
	for _, note := range p.backend.notes {
		p.partial.add(faultOf(reasonPartiallyValid, "%s", note))
	}
	return p
}

// The kinds that policies can be about.
var aimed = map[string]string{
	"Gateway": gatewayv1.GroupName, "HTTPRoute": gatewayv1.GroupName,
	kindAgentgatewayBackend: resource.AgentgatewayVersion.Group, "Backend": resource.KgatewayVersion.Group,
}

// aims finds what a policy is about, in a stable order.
func (k *compilation) aims(p *policy, at config.Position) []aim {
	spec := &p.object.Spec
	switch {
	case len(spec.TargetRefs) == 0 && len(spec.TargetSelectors) == 0:
		p.invalid = p.invalid.or(faultOf(gatewayv1.PolicyReasonInvalid, "spec must have targetRefs or targetSelectors"))
	case len(spec.TargetRefs) > 0 && len(spec.TargetSelectors) > 0:
		p.partial.add(faultOf(reasonPartiallyValid, "spec has both targetRefs and targetSelectors, and holds for either; write one of them"))
	}
	// One target that is wrong must not keep the policy from guarding the others.
	var all []aim
	add := func(place config.Position, group, kind, name, section string, port int32) {
		a := aim{target{gatewayv1.Group(group), Ref{kind, types.NamespacedName{Namespace: p.object.Namespace, Name: name}}}, section}
		ofTraffic := kind == "Gateway" || kind == "HTTPRoute"
		switch {
		case aimed[kind] == "" || aimed[kind] != group:
			p.partial.add(faultOf(reasonPartiallyValid, "%s: there are no policies for %s; Gateway, HTTPRoute, AgentgatewayBackend and Backend can be targeted", place.Path, kind))
			return
		case port != 0 || section != "" && !ofTraffic:
			p.rejected[a] = faultOf(gatewayv1.PolicyReasonInvalid, "%s: only a listener of a Gateway or a rule of an HTTPRoute can be targeted, by sectionName", place.Path)
		case p.object.Spec.Traffic != nil && !ofTraffic:
			p.rejected[a] = faultOf(gatewayv1.PolicyReasonInvalid, "%s: traffic is for Gateways and HTTPRoutes; a backend can have spec.backend alone", place.Path)
		}
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	for i, t := range spec.TargetRefs {
		add(at.Child("targetRefs").Index(i), t.Group, t.Kind, t.Name, t.SectionName, t.Port)
	}
	for i, s := range spec.TargetSelectors {
		place := at.Child("targetSelectors").Index(i)
		if len(s.MatchLabels) == 0 {
			p.partial.add(faultOf(reasonPartiallyValid, "%s.matchLabels is empty and selects nothing; name the labels of what is meant", place.Path))
			continue
		}
		for _, name := range k.selected(p.object.Namespace, s.Kind, s.MatchLabels) {
			add(place, s.Group, s.Kind, name, s.SectionName, s.Port)
		}
	}
	return all
}

// selected gives the names of the objects of a kind that have labels, sorted.
func (k *compilation) selected(namespace, kind string, labels map[string]string) []string {
	var names []string
	add := func(o metav1.Object) {
		if o.GetNamespace() == namespace && selects(labels, o) {
			names = append(names, o.GetName())
		}
	}
	switch kind {
	case "Gateway":
		for _, o := range k.objects.Gateways {
			add(o)
		}
	case "HTTPRoute":
		for _, o := range k.objects.Routes {
			add(o)
		}
	case kindAgentgatewayBackend:
		for _, o := range k.objects.AIBackends {
			add(o)
		}
	case "Backend":
		for _, o := range k.objects.Backends {
			add(o)
		}
	}
	slices.Sort(names)
	return names
}

// policiesOfBackend gives what policies say of requests to a backend.
func (k *compilation) policiesOfBackend(t target) backendFields {
	s := k.policies().at[aim{target: t}]
	if s == nil {
		return backendFields{}
	}
	f := s.backend
	f.guard = f.guard.or(s.guard)
	return f
}

// policiesOf gives what policies say of a rule on a listener, the more precise over the less.
func (k *compilation) policiesOf(at attachment) *policySet {
	gateway := target{gatewayv1.GroupName, refOf("Gateway", at.gateway)}
	route := target{gatewayv1.GroupName, refOf("HTTPRoute", at.route)}
	aims := []aim{{target: gateway}, {gateway, string(at.listener.Name)}, {target: route}}
	if rules := at.route.Spec.Rules; at.rule >= 0 && at.rule < len(rules) && rules[at.rule].Name != nil {
		aims = append(aims, aim{route, string(*rules[at.rule].Name)})
	}
	out := &policySet{}
	for _, a := range aims {
		if s := k.policies().at[a]; s != nil {
			out = s.over(out)
		}
	}
	return out
}

// policyStatuses says what became of the policies.
func (k *compilation) policyStatuses() {
	for _, p := range k.policies().all {
		var all []gatewayv1.PolicyAncestorStatus
		for _, a := range p.aims {
			missing, ours := k.found(a)
			if !ours || len(all) == maxAncestors {
				continue
			}
			all = append(all, gatewayv1.PolicyAncestorStatus{
				AncestorRef: a.reference(), ControllerName: k.settings.Controller, Conditions: p.conditions(a, missing),
			})
		}
		if len(p.aims) == 0 || len(all) > 0 {
			k.out.Statuses.Policies[p.ref.NamespacedName] = all
		}
		if why := p.invalid.or(p.partial.fault()); len(p.aims) == 0 && !why.none() {
			k.warn("%s: %s", p.ref, why.message)
		}
	}
}

// maxAncestors is how many targets the status of a policy can name.
const maxAncestors = 16

// conditions gives what the status of a policy says about one of its targets.
func (p *policy) conditions(a aim, missing fault) []metav1.Condition {
	accepted := p.invalid.or(p.rejected[a]).or(missing)
	if lost := p.lost[a]; accepted.none() && len(lost) > 0 {
		accepted = faultOf(gatewayv1.PolicyReasonConflicted, "An older policy of the same target comes first. Not in force: %s", strings.Join(lost, "; "))
	}
	if accepted.none() {
		accepted = p.refused.fault()
	}
	generation := p.object.Generation
	first := stands(gatewayv1.PolicyConditionAccepted, reasonValid, "The policy is in force", accepted, generation)
	if partial := p.partial.fault(); accepted.none() && !partial.none() {
		first = condition(gatewayv1.PolicyConditionAccepted, metav1.ConditionTrue, reasonPartiallyValid, partial.message, generation)
	}
	attached := fault{}
	switch {
	case !missing.none():
		attached = missing
	case !p.invalid.or(p.rejected[a]).none():
		attached = faultOf("Pending", "The policy is not accepted")
	}
	return []metav1.Condition{first, stands("Attached", "Attached", "The policy holds for its target", attached, generation)}
}

// reference names a target as statuses do.
func (a aim) reference() gatewayv1.ParentReference {
	group, kind, namespace := a.group, gatewayv1.Kind(a.Kind), gatewayv1.Namespace(a.Namespace)
	out := gatewayv1.ParentReference{Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(a.Name)}
	if a.section != "" {
		section := gatewayv1.SectionName(a.section)
		out.SectionName = &section
	}
	return out
}

// found tells whether a target is there, and whether it is for us to speak about: what is
// of another controller is not.
func (k *compilation) found(a aim) (missing fault, ours bool) {
	absent := faultOf(gatewayv1.PolicyReasonTargetNotFound, "%s does not exist", a.Ref)
	section := faultOf(gatewayv1.PolicyReasonTargetNotFound, "%s has nothing called %s", a.Ref, a.section)
	switch a.Kind {
	case "Gateway":
		g := k.index.gateways[a.NamespacedName]
		if g == nil {
			return absent, true
		}
		_, ours = k.out.Statuses.Gateways[a.NamespacedName]
		if a.section != "" && !slices.ContainsFunc(g.Spec.Listeners, func(l gatewayv1.Listener) bool { return string(l.Name) == a.section }) {
			return section, ours
		}
		return fault{}, ours
	case "HTTPRoute":
		route := k.index.routes[a.NamespacedName]
		if route == nil {
			return absent, true
		}
		_, ours = k.out.Statuses.Routes[a.NamespacedName]
		if a.section != "" && !slices.ContainsFunc(route.Spec.Rules, func(r gatewayv1.HTTPRouteRule) bool { return string(or(r.Name, "")) == a.section }) {
			return section, ours
		}
		return fault{}, ours
	case kindAgentgatewayBackend:
		if k.index.aiBackends[a.NamespacedName] == nil {
			return absent, true
		}
	default:
		if k.index.backends[a.NamespacedName] == nil {
			return absent, true
		}
	}
	return fault{}, true
}
