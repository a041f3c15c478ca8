package manifest

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/provider"
)

// matches gives the conditions of a rule. Where some cannot be understood, the others are
// still given with what is wrong, because the rule has to answer for them.
func matches(rule *gatewayv1.HTTPRouteRule, at config.Position) ([]config.RouteMatch, fault) {
	if len(rule.Matches) == 0 {
		return []config.RouteMatch{{At: at, Path: config.PathMatch{At: at, Prefix: "/"}}}, fault{}
	}
	var (
		out []config.RouteMatch
		bad faults
	)
	for i := range rule.Matches {
		m, f := match(&rule.Matches[i], at.Child("matches").Index(i))
		bad.add(f)
		if f.none() {
			out = append(out, m)
		}
	}
	return out, bad.fault()
}

func match(m *gatewayv1.HTTPRouteMatch, at config.Position) (config.RouteMatch, fault) {
	out := config.RouteMatch{At: at, Method: string(or(m.Method, ""))}
	if m.Method != nil && !provider.ValidName(out.Method) {
		return out, unsupported("%q is no method", out.Method)
	}
	var bad faults
	var f fault
	out.Path, f = pathMatch(m.Path, at.Child("path"))
	bad.add(f)
	for i := range m.Headers {
		h := &m.Headers[i]
		if !provider.ValidName(string(h.Name)) {
			bad.add(unsupported("%q is no name of a header", h.Name))
			continue
		}
		v, f := valueMatch(string(h.Name), string(or(h.Type, gatewayv1.HeaderMatchExact)), h.Value, at.Child("headers").Index(i))
		bad.add(f)
		if !named(out.Headers, v.Name, strings.EqualFold) {
			out.Headers = append(out.Headers, v)
		}
	}
	for i := range m.QueryParams {
		q := &m.QueryParams[i]
		v, f := valueMatch(string(q.Name), string(or(q.Type, gatewayv1.QueryParamMatchExact)), q.Value, at.Child("queryParams").Index(i))
		bad.add(f)
		if !named(out.Query, v.Name, func(a, b string) bool { return a == b }) {
			out.Query = append(out.Query, v)
		}
	}
	return out, bad.fault()
}

// named tells whether there is a condition on a name already: of several, only the first
// one counts.
func named(all []config.ValueMatch, name string, same func(a, b string) bool) bool {
	for i := range all {
		if same(all[i].Name, name) {
			return true
		}
	}
	return false
}

func pathMatch(p *gatewayv1.HTTPPathMatch, at config.Position) (config.PathMatch, fault) {
	out := config.PathMatch{At: at}
	if p == nil {
		out.Prefix = "/"
		return out, fault{}
	}
	kind, value := or(p.Type, gatewayv1.PathMatchPathPrefix), or(p.Value, "/")
	switch {
	case kind == gatewayv1.PathMatchRegularExpression:
		out.Regex = value
		return out, checkRegex(value)
	case kind != gatewayv1.PathMatchExact && kind != gatewayv1.PathMatchPathPrefix:
		return out, unsupported("paths are not compared by %s; Exact, PathPrefix and RegularExpression are served", kind)
	case !strings.HasPrefix(value, "/"):
		return out, unsupported("the path %q does not begin with /", value)
	case kind == gatewayv1.PathMatchExact:
		out.Exact = value
	default:
		// A slash at the end means nothing, so it must not make a prefix the longer one.
		out.Prefix = "/" + strings.Trim(value, "/")
	}
	return out, fault{}
}

func valueMatch(name, kind, value string, at config.Position) (config.ValueMatch, fault) {
	out := config.ValueMatch{At: at, Name: name, Value: config.TextMatch{At: at}}
	switch kind {
	case "Exact":
		out.Value.Exact = &value
		return out, fault{}
	case "RegularExpression":
		out.Value.Regex = &value
		return out, checkRegex(value)
	default:
		return out, unsupported("values are not compared by %s; Exact and RegularExpression are served", kind)
	}
}

// unsupported is what is wrong with a value that is not served.
func unsupported(format string, args ...any) fault {
	return fault{string(gatewayv1.RouteReasonUnsupportedValue), fmt.Sprintf(format, args...)}
}

// intersection gives the hosts that belong to both of two host names, each of which may be
// empty for all or begin with a wildcard.
func intersection(a, b string) (host string, ok bool) {
	switch {
	case a == "" || a == b:
		return b, true
	case b == "":
		return a, true
	case covers(a, b):
		return b, true
	case covers(b, a):
		return a, true
	default:
		return "", false
	}
}

// covers tells whether a name with a wildcard stands for all that another name stands for.
func covers(wildcard, name string) bool {
	suffix, ok := strings.CutPrefix(wildcard, "*")
	return ok && len(name) > len(suffix) && strings.HasSuffix(name, suffix)
}

// validHost tells whether a text is a host name, or one behind a wildcard, or empty for all.
func validHost(name string) bool {
	rest := strings.TrimPrefix(name, "*.")
	return name == "" || rest != "" && !strings.ContainsAny(rest, "*/: \t\r\n")
}
