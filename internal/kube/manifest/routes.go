package manifest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
)

// ruling is a rule of a route as it is on every listener.
type ruling struct {
	spec     *gatewayv1.HTTPRouteRule
	at       config.Position
	name     string
	matches  []config.RouteMatch
	filters  filters
	timeout  *config.Timeout
	retry    *config.Retry
	backends []config.RouteBackend
	// targets are the objects that its references lead to.
	targets     []target
	passthrough bool
	// dropped is why the rule is not served, unresolved what is wrong with its references.
	dropped, unresolved fault
}

// routes attaches the routes to the listeners, oldest first, and says their statuses.
func (k *compilation) routes(all []*front) {
	byName := map[types.NamespacedName]*front{}
	for _, f := range all {
		byName[nameOf(f.object)] = f
	}
	for _, r := range oldestFirst(k.objects.Routes) {
		var ours []gatewayv1.ParentReference
		for _, p := range r.Spec.ParentRefs {
			if byName[parentName(r, &p)] != nil {
				ours = append(ours, p)
			}
		}
		if len(ours) > 0 {
			k.route(r, ours, byName)
		}
	}
}

// parentName gives the Gateway that a route refers to, the zero name if that is none.
func parentName(r *gatewayv1.HTTPRoute, p *gatewayv1.ParentReference) types.NamespacedName {
	if or(p.Group, gatewayv1.GroupName) != gatewayv1.GroupName || or(p.Kind, "Gateway") != "Gateway" {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: string(or(p.Namespace, gatewayv1.Namespace(r.Namespace))), Name: string(p.Name)}
}

// route attaches one route by those of its references that are to Gateways of ours.
func (k *compilation) route(r *gatewayv1.HTTPRoute, parents []gatewayv1.ParentReference, byName map[types.NamespacedName]*front) {
	why, broken := k.broken("HTTPRoute", r)
	if size := regexSize(r); !broken && size > maxRegexes {
		why, broken = fmt.Sprintf("its regular expressions are too large together: about %d steps, of %d that a route may have", size, maxRegexes), true
	}
	var rules []*ruling
	if !broken {
		for i := range r.Spec.Rules {
			rules = append(rules, k.rule(r, i))
		}
	}
	var unresolved faults
	for _, rule := range rules {
		unresolved.add(rule.unresolved)
	}
	refused, partly := ruled(rules)
	if broken {
		refused = unsupported("%s", why)
	}
	// Through two references a route may reach the same listener.
	done := map[*listener]bool{}
	for _, p := range parents {
		f := byName[parentName(r, &p)]
		attached, apart := k.attach(r, &p, f)
		accepted := apart.or(refused)
		for _, a := range attached {
			if done[a.listener] {
				continue
			}
			done[a.listener] = true
			if accepted.none() {
				a.listener.attached++
			}
			k.emit(r, rules, a)
		}
		conditions := []metav1.Condition{
			stands(gatewayv1.RouteConditionAccepted, gatewayv1.RouteReasonAccepted, "The route is attached", accepted, r.Generation),
			stands(gatewayv1.RouteConditionResolvedRefs, gatewayv1.RouteReasonResolvedRefs, "All references lead somewhere", unresolved.fault(), r.Generation),
		}
		if accepted.none() && !partly.none() {
			conditions = append(conditions, condition(gatewayv1.RouteConditionPartiallyInvalid, metav1.ConditionTrue, partly.reason, partly.message, r.Generation))
		}
		k.out.Statuses.Routes[nameOf(r)] = append(k.out.Statuses.Routes[nameOf(r)], gatewayv1.RouteParentStatus{
			ParentRef: *p.DeepCopy(), ControllerName: k.settings.Controller, Conditions: conditions,
		})
	}
}

// ruled tells why a route cannot be accepted, because none of its rules can be served, or
// which of them cannot.
func ruled(rules []*ruling) (refused, partly fault) {
	var dropped faults
	count := 0
	for _, r := range rules {
		if !r.dropped.none() {
			count++
			dropped.add(fault{r.dropped.reason, r.name + ": " + r.dropped.message})
		}
	}
	f := dropped.fault()
	switch {
	case count == 0:
		return fault{}, fault{}
	case count == len(rules):
		return f, fault{}
	default:
		return fault{}, fault{f.reason, "Dropped Rule: requests to these are answered with 500: " + f.message}
	}
}

// place is a listener with the hosts that a route serves there.
type place struct {
	listener  *listener
	hostnames []string
}

// attach finds the listeners that a reference of a route leads to, or why there are none.
func (k *compilation) attach(r *gatewayv1.HTTPRoute, p *gatewayv1.ParentReference, f *front) ([]place, fault) {
	var out []place
	why := faultOf(gatewayv1.RouteReasonNoMatchingParent, "%s has no such listener", f.ref)
	for _, l := range f.listeners {
		if or(p.SectionName, l.spec.Name) != l.spec.Name || or(p.Port, l.spec.Port) != l.spec.Port {
			continue
		}
		if len(l.kinds) == 0 || !k.letsNamespace(f.object, l.spec, r.Namespace) {
			if why.reason == string(gatewayv1.RouteReasonNoMatchingParent) {
				why = faultOf(gatewayv1.RouteReasonNotAllowedByListeners, "no listener of %s lets HTTPRoutes of the namespace %s attach", f.ref, r.Namespace)
			}
			continue
		}
		hosts := hostnames(l.hostname, r.Spec.Hostnames)
		if len(hosts) == 0 {
			why = faultOf(gatewayv1.RouteReasonNoMatchingListenerHostname, "no hostname of the route belongs to a listener of %s", f.ref)
			continue
		}
		out = append(out, place{l, hosts})
	}
	if len(out) > 0 {
		return out, fault{}
	}
	return nil, why
}

// hostnames gives the hosts that a listener and a route both serve; "" among them is all.
func hostnames(listener string, route []gatewayv1.Hostname) []string {
	if len(route) == 0 {
		return []string{listener}
	}
	var out []string
	for _, name := range route {
		host := strings.ToLower(string(name))
		if host == "" || !validHost(host) {
			continue
		}
		if both, ok := intersection(listener, host); ok && !slices.Contains(out, both) {
			out = append(out, both)
		}
	}
	return out
}

// rule reads a rule of a route and follows its references.
func (k *compilation) rule(r *gatewayv1.HTTPRoute, index int) *ruling {
	spec := &r.Spec.Rules[index]
	out := &ruling{spec: spec, at: refOf("HTTPRoute", r).at().Child("spec").Child("rules").Index(index)}
	out.name = string(or(spec.Name, ""))
	if out.name == "" {
		out.name = fmt.Sprintf("rule%d", index)
	}
	var bad faults
	var f fault
	out.matches, f = matches(spec, out.at)
	bad.add(f)
	out.filters, f = filtersOf(spec, out.at)
	bad.add(f)
	out.timeout, f = timeout(spec.Timeouts, out.at.Child("timeouts"))
	bad.add(f)
	out.retry, f = retry(spec.Retry, out.at.Child("retry"))
	bad.add(f)
	if spec.SessionPersistence != nil {
		bad.add(unsupported("sessionPersistence is not served"))
	}
	var unresolved faults
	for i := range spec.BackendRefs {
		c := k.choice(r, &spec.BackendRefs[i], out.at.Child("backendRefs").Index(i))
		out.backends = append(out.backends, c.backend)
		out.targets = append(out.targets, c.target)
		out.passthrough = out.passthrough || c.passthrough
		unresolved.add(c.unresolved)
		bad.add(c.unsupported)
	}
	out.unresolved, out.dropped = unresolved.fault(), bad.fault()
	return out
}

// emit adds the rules of a route on a listener to the configuration.
func (k *compilation) emit(r *gatewayv1.HTTPRoute, rules []*ruling, on place) {
	l := on.listener
	for i, rule := range rules {
		for _, t := range rule.targets {
			k.reach(t, l.front)
		}
		if l.entry == "" || len(rule.matches) == 0 {
			continue
		}
		at := attachment{gateway: l.front.object, listener: l.spec, route: r, rule: i}
		policies := rule.over(k.rulePolicies(at, rule.passthrough), l)
		out := config.Route{
			At: rule.at, Name: r.Name, Namespace: r.Namespace, RuleName: rule.name, Hostnames: on.hostnames, Matches: rule.matches,
			Gateways: config.GatewayRefs{{Gateway: l.entry, Listener: string(l.spec.Name), At: rule.at}},
			Policies: policies, Backends: behind(rule.backends, policies.RequestHeaders),
		}
		if slices.Equal(out.Hostnames, []string{""}) {
			out.Hostnames = nil
		}
		rule.refuse(&out)
		k.settleRule(at, rule.passthrough, &out)
		k.out.Config.Routes = append(k.out.Config.Routes, out)
	}
}

// refuse makes a route answer with an error where the rule cannot be served.
func (rule *ruling) refuse(out *config.Route) {
	weights := 0
	for i := range out.Backends {
		weights += out.Backends[i].Weight
	}
	switch {
	case !rule.dropped.none():
		out.Unserved, out.Backends, out.Policies = unfit(Ref{"HTTPRoute", types.NamespacedName{Namespace: out.Namespace, Name: out.Name}}), nil, config.RoutePolicies{}
	case rule.filters.redirect != nil:
		return
	case len(out.Backends) == 0:
		out.Unserved = "This route has no backend."
	case weights == 0:
		out.Unserved = "This route sends requests nowhere: all of its backends have the weight 0."
	default:
		return
	}
	out.Status = http.StatusInternalServerError
}

// over lays what a rule says itself over the policies that hold for it on a listener.
func (rule *ruling) over(p config.RoutePolicies, l *listener) config.RoutePolicies {
	f := &rule.filters
	if f.request != nil {
		p.RequestHeaders = f.request
	}
	if f.response != nil {
		p.ResponseHeaders = f.response
	}
	if f.cors != nil {
		p.CORS = f.cors
	}
	if f.rewrite != nil {
		p.URLRewrite = f.rewrite
	}
	if redirect := f.redirectOn(l, rule.spec); redirect != nil {
		p.RequestRedirect = redirect
	}
	if rule.timeout != nil {
		p.Timeout = rule.timeout
	}
	if rule.retry != nil {
		p.Retry = rule.retry
	}
	return p
}
