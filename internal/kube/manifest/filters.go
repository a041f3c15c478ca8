package manifest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/config"
	"tollgate/internal/provider"
)

// filters are what a rule does to requests and answers.
type filters struct {
	request, response *config.HeaderModifier
	rewrite           *config.URLRewrite
	redirect          *gatewayv1.HTTPRequestRedirectFilter
	redirectAt        config.Position
	cors              *config.CORS
}

// filtersOf reads the filters of a rule.
func filtersOf(rule *gatewayv1.HTTPRouteRule, at config.Position) (filters, fault) {
	var (
		out filters
		bad faults
	)
	for i := range rule.Filters {
		bad.add(out.add(&rule.Filters[i], rule, at.Child("filters").Index(i)))
	}
	switch {
	case out.redirect != nil && out.rewrite != nil:
		bad.add(faultOf(gatewayv1.RouteReasonIncompatibleFilters, "a rule either redirects requests or rewrites them"))
	case out.redirect != nil && len(rule.BackendRefs) > 0:
		bad.add(faultOf(gatewayv1.RouteReasonIncompatibleFilters, "a rule that redirects requests has no backendRefs"))
	}
	return out, bad.fault()
}

// add reads one filter. Each kind may stand once.
func (out *filters) add(f *gatewayv1.HTTPRouteFilter, rule *gatewayv1.HTTPRouteRule, at config.Position) fault {
	var bad fault
	var given, twice bool
	switch f.Type {
	case gatewayv1.HTTPRouteFilterRequestHeaderModifier:
		if given, twice = f.RequestHeaderModifier != nil, out.request != nil; given {
			out.request, bad = headers(f.RequestHeaderModifier, at.Child("requestHeaderModifier"))
		}
	case gatewayv1.HTTPRouteFilterResponseHeaderModifier:
		if given, twice = f.ResponseHeaderModifier != nil, out.response != nil; given {
			out.response, bad = headers(f.ResponseHeaderModifier, at.Child("responseHeaderModifier"))
		}
	case gatewayv1.HTTPRouteFilterURLRewrite:
		if given, twice = f.URLRewrite != nil, out.rewrite != nil; given {
			out.rewrite, bad = rewrite(f.URLRewrite, rule, at.Child("urlRewrite"))
		}
	case gatewayv1.HTTPRouteFilterRequestRedirect:
		if given, twice = f.RequestRedirect != nil, out.redirect != nil; given {
			out.redirect, out.redirectAt, bad = f.RequestRedirect, at.Child("requestRedirect"), checkRedirect(f.RequestRedirect, rule)
		}
	case gatewayv1.HTTPRouteFilterCORS:
		if given, twice = f.CORS != nil, out.cors != nil; given {
			out.cors, bad = cors(f.CORS, at.Child("cors"))
		}
	default:
		return unsupported("filters of the type %q are not served", f.Type)
	}
	switch {
	case !given:
		return unsupported("the filter of the type %s says nothing", f.Type)
	case twice:
		return faultOf(gatewayv1.RouteReasonIncompatibleFilters, "two filters of the type %s", f.Type)
	default:
		return bad
	}
}

// headers reads changes to headers.
func headers(f *gatewayv1.HTTPHeaderFilter, at config.Position) (*config.HeaderModifier, fault) {
	out := &config.HeaderModifier{At: at, Remove: slices.Clone(f.Remove)}
	var bad faults
	lines := func(from []gatewayv1.HTTPHeader, field string) (to config.Map[string]) {
		for i := range from {
			name, value := string(from[i].Name), from[i].Value
			switch {
			case !provider.ValidName(name) || !provider.ValidValue(value):
				bad.add(unsupported("the header %q cannot be given its value", name))
			case provider.Framing(name):
				bad.add(unsupported("the header %s belongs to the connection and cannot be changed; the hostname of a URLRewrite changes Host", name))
			}
			to = append(to, config.Entry[string]{Name: name, Value: value, At: at.Child(field).Index(i)})
		}
		return to
	}
	out.Set, out.Add = lines(f.Set, "set"), lines(f.Add, "add")
	for _, name := range f.Remove {
		if !provider.ValidName(name) {
			bad.add(unsupported("%q is no name of a header", name))
		}
	}
	return out, bad.fault()
}

// after gives the changes that two lists of changes make one after the other.
func after(first, second *config.HeaderModifier) *config.HeaderModifier {
	changed := slices.Clone(second.Remove)
	for i := range second.Set {
		changed = append(changed, second.Set[i].Name)
	}
	without := func(lines config.Map[string]) config.Map[string] {
		return slices.DeleteFunc(slices.Clone(lines), func(e config.Entry[string]) bool {
			return slices.ContainsFunc(changed, func(name string) bool { return strings.EqualFold(name, e.Name) })
		})
	}
	return &config.HeaderModifier{
		At:     second.At,
		Remove: slices.Concat(first.Remove, second.Remove),
		Set:    slices.Concat(without(first.Set), second.Set),
		Add:    slices.Concat(without(first.Add), second.Add),
	}
}

func rewrite(f *gatewayv1.HTTPURLRewriteFilter, rule *gatewayv1.HTTPRouteRule, at config.Position) (*config.URLRewrite, fault) {
	out := &config.URLRewrite{At: at}
	if f.Hostname != nil {
		if !validHost(string(*f.Hostname)) || *f.Hostname == "" {
			return nil, unsupported("%q is no host name", *f.Hostname)
		}
		out.Authority = &config.Authority{Mode: "full", Host: string(*f.Hostname), At: at.Child("hostname")}
	}
	var bad fault
	out.Path, bad = pathEdit(f.Path, rule, at.Child("path"))
	return out, bad
}

// pathEdit reads what replaces a path; nil: nothing does.
func pathEdit(p *gatewayv1.HTTPPathModifier, rule *gatewayv1.HTTPRouteRule, at config.Position) (*config.PathEdit, fault) {
	if p == nil {
		return nil, fault{}
	}
	switch p.Type {
	case gatewayv1.FullPathHTTPPathModifier:
		full := or(p.ReplaceFullPath, "")
		if !strings.HasPrefix(full, "/") {
			return nil, unsupported("replaceFullPath is %q; a path begins with /", full)
		}
		return &config.PathEdit{At: at, Full: &full}, fault{}
	case gatewayv1.PrefixMatchHTTPPathModifier:
		prefix := or(p.ReplacePrefixMatch, "")
		if prefix != "" && !strings.HasPrefix(prefix, "/") {
			return nil, unsupported("replacePrefixMatch is %q; a path begins with /", prefix)
		}
		for i := range rule.Matches {
			if m := rule.Matches[i].Path; m != nil && or(m.Type, gatewayv1.PathMatchPathPrefix) != gatewayv1.PathMatchPathPrefix {
				return nil, unsupported("replacePrefixMatch needs a path of the type PathPrefix in every match of the rule")
			}
		}
		return &config.PathEdit{At: at, Prefix: &prefix}, fault{}
	default:
		return nil, unsupported("a path is not modified by %q; ReplaceFullPath and ReplacePrefixMatch are served", p.Type)
	}
}

var redirectStatuses = []int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}

func checkRedirect(f *gatewayv1.HTTPRequestRedirectFilter, rule *gatewayv1.HTTPRouteRule) fault {
	port := or(f.Port, 443)
	switch scheme := or(f.Scheme, "http"); {
	case scheme != "http" && scheme != "https":
		return unsupported("requests are not redirected to the scheme %q; http and https are served", scheme)
	case !slices.Contains(redirectStatuses, or(f.StatusCode, http.StatusFound)):
		return unsupported("requests are not redirected with the status %d; 301, 302, 303, 307 and 308 are served", *f.StatusCode)
	case port < 1 || port > 65535:
		return unsupported("there is no port %d", port)
	case !validHost(string(or(f.Hostname, ""))):
		return unsupported("%q is no host name", *f.Hostname)
	}
	_, bad := pathEdit(f.Path, rule, config.Position{})
	return bad
}

var schemePorts = map[string]int{"http": 80, "https": 443}

// redirectOn gives the redirect of a rule on a listener. A scheme brings its own port; if
// neither scheme nor port is given, callers stay on the port of the listener.
func (f *filters) redirectOn(l *listener, rule *gatewayv1.HTTPRouteRule) *config.Redirect {
	if f.redirect == nil {
		return nil
	}
	r, at := f.redirect, f.redirectAt
	out := &config.Redirect{At: at, Scheme: or(r.Scheme, ""), Status: or(r.StatusCode, http.StatusFound)}
	out.Path, _ = pathEdit(r.Path, rule, at.Child("path"))
	scheme, port := or(r.Scheme, strings.ToLower(string(l.spec.Protocol))), int(l.spec.Port)
	switch {
	case r.Port != nil:
		port = int(*r.Port)
	case r.Scheme != nil:
		port = schemePorts[scheme]
	}
	if host := string(or(r.Hostname, "")); host != "" {
		out.Authority = &config.Authority{Mode: "full", Host: host, Port: port, At: at}
		if port == schemePorts[scheme] {
			out.Authority.Port = 0
		}
		return out
	}
	out.Authority = &config.Authority{Mode: "port", Port: port, At: at}
	return out
}

// corsAge is for how long browsers keep an answer if the filter does not say.
const corsAge = 5 * time.Second

func cors(f *gatewayv1.HTTPCORSFilter, at config.Position) (*config.CORS, fault) {
	out := &config.CORS{At: at, AllowCredentials: or(f.AllowCredentials, false), EchoOrigin: true, MaxAge: time.Duration(f.MaxAge) * time.Second}
	if out.MaxAge <= 0 {
		out.MaxAge = corsAge
	}
	var bad faults
	for _, o := range f.AllowOrigins {
		if o == "" || !provider.ValidValue(string(o)) || o != "*" && strings.Count(string(o), "*") > 1 {
			bad.add(unsupported("%q is no origin", o))
		}
		out.AllowOrigins = append(out.AllowOrigins, string(o))
	}
	word := func(to *[]string, text string) {
		if !provider.ValidName(text) {
			bad.add(unsupported("%q is no method or name of a header", text))
		}
		*to = append(*to, text)
	}
	for _, m := range f.AllowMethods {
		word(&out.AllowMethods, string(m))
	}
	for _, h := range f.AllowHeaders {
		word(&out.AllowHeaders, string(h))
	}
	for _, h := range f.ExposeHeaders {
		word(&out.ExposeHeaders, string(h))
	}
	return out, bad.fault()
}

// apiDuration is how the Gateway API writes durations, which is less than what Go reads.
var apiDuration = regexp.MustCompile(`^([0-9]{1,5}(h|m|s|ms)){1,4}$`)

// timeout reads the timeouts of a rule. Zero switches one off.
func timeout(t *gatewayv1.HTTPRouteTimeouts, at config.Position) (*config.Timeout, fault) {
	if t == nil {
		return nil, fault{}
	}
	out := &config.Timeout{At: at}
	var bad faults
	for _, d := range []struct {
		from *gatewayv1.Duration
		to   *time.Duration
	}{{t.Request, &out.Request}, {t.BackendRequest, &out.BackendRequest}} {
		if d.from == nil {
			continue
		}
		length, f := duration(*d.from)
		bad.add(f)
		*d.to = length
	}
	if out.Request > 0 && out.BackendRequest > out.Request {
		bad.add(unsupported("the timeout of backend requests is longer than that of requests"))
	}
	return out, bad.fault()
}

// maxAttempts bounds how often a request is tried.
const maxAttempts = 255

// retry reads how often a request is tried again.
func retry(r *gatewayv1.HTTPRouteRetry, at config.Position) (*config.Retry, fault) {
	if r == nil {
		return nil, fault{}
	}
	out := &config.Retry{At: at, Attempts: 1 + or(r.Attempts, 1)}
	if out.Attempts < 1 || out.Attempts > maxAttempts {
		return nil, unsupported("requests cannot be tried again %d times; at most %d", *r.Attempts, maxAttempts-1)
	}
	for _, code := range r.Codes {
		out.Codes = append(out.Codes, int(code))
	}
	var bad fault
	if r.Backoff != nil {
		out.Backoff, bad = duration(*r.Backoff)
	}
	return out, bad
}

// duration reads a duration of the Gateway API.
func duration(d gatewayv1.Duration) (time.Duration, fault) {
	length, err := time.ParseDuration(string(d))
	if err != nil || !apiDuration.MatchString(string(d)) {
		return 0, unsupported("%q is no duration; write it like 10s or 1m30s", d)
	}
	return length, fault{}
}
