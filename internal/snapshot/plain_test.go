package snapshot_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"tollgate/internal/config"
	"tollgate/internal/gateway"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
)

func TestPlainServers(t *testing.T) {
	c := compiled(t, `
gateways: {default: {port: 80}}
backends: [{name: shared, host: "[::1]:8080", policies: {health: {eviction: {duration: 7s, consecutiveFailures: 2}, unhealthyExpression: "response.code >= 500"}}}]
routes:
- backends: [{host: h}, {host: h, policies: {backendTLS: {hostname: s.example, alpn: [h2]}}}, {backend: shared, weight: 3}]
`)
	r := route(t, c, "[::]:80", "any", "/")
	want := []struct{ name, host, authority string }{{"h:80", "h:80", "h"}, {"h:443", "h:443", "h"}, {"shared", "[::1]:8080", "[::1]:8080"}}
	for i, b := range r.Backends {
		target := b.Groups[0][0].Target
		if b.Plain == nil || len(b.Groups) != 1 || len(b.Groups[0]) != 1 || target.Provider != "" || target.Health == nil ||
			target.Name != want[i].name || target.Endpoint.Host != want[i].host || target.Authority != want[i].authority {
			t.Errorf("%d: %+v", i, target)
		}
	}
	if e := r.Backends[1].Groups[0][0].Endpoint; e.TLS == nil || e.TLS.ServerName != "s.example" || !e.HTTP2 || r.Backends[0].Groups[0][0].Endpoint.TLS != nil {
		t.Errorf("%+v", e)
	}
	if shared := r.Backends[2].Groups[0][0]; shared.Unhealthy == nil || shared.Cooling.Failures != 2 || r.Backends[2].Weight != 3 {
		t.Errorf("%+v", shared)
	}
	if len(c.Targets) != 3 || !c.Real || len(c.Callable) != 0 {
		t.Errorf("targets %v, real %t, callable %v", c.Targets, c.Real, c.Callable)
	}
}

func TestPlainProblems(t *testing.T) {
	for _, c := range []struct{ policies, want string }{
		{"requestHeaderModifier: {set: {host: x}}", "urlRewrite.authority"},
		{"requestHeaderModifier: {add: {content-length: '1'}}", "belongs to the connection"},
		{"backendAuth: {key: {credential: stored}}", "stored credentials are for providers"},
		{"backendAuth: {key: {value: k, location: {cookie: {name: c}}}}", "use a header"},
		{"backendAuth: {passthrough: {location: {header: {name: x}}}}", "leave location out"},
	} {
		compiled, report := newProcess().compile("gateways: {default: {port: 80}}\nroutes: [{backends: [{host: \"h:80\", policies: {" + c.policies + "}}]}]\n")
		if err := report.Err(); compiled != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.policies, err, c.want)
		}
	}
}

// Keys that stand at many places are compiled once.
func TestKeysOfManyPlaces(t *testing.T) {
	p := newProcess()
	c, report := config.Load(config.Source{Name: "c.yaml", Text: []byte(`
gateways: {default: {port: 80}}
routes: [{matches: [{path: {exact: /a}}], policies: {apiKey: {keys: [{key: sk-a}]}}, backends: [{host: h}]}, {matches: [{path: {exact: /b}}], backends: [{host: h}]}]
`)}, config.Options{LookupEnv: func(string) (string, bool) { return "", false }})
	c.Routes[1].Policies.APIKey = c.Routes[0].Policies.APIKey
	out := snapshot.Compile(c, report, p.parts)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	a, b := route(t, out, "[::]:80", "h", "/a"), route(t, out, "[::]:80", "h", "/b")
	if a.Gate.Auth == nil || a.Gate.Auth != b.Gate.Auth || len(out.Declared) != 1 {
		t.Errorf("%p and %p, %d keys", a.Gate.Auth, b.Gate.Auth, len(out.Declared))
	}
}

// The listener whose host name fits best decides on the certificate, whatever the
// certificates say of themselves. They need not come from files.
func TestCertificatesByName(t *testing.T) {
	p := newProcess()
	given := map[string]string{}
	c, report := config.Load(config.Source{Name: "c.yaml", Text: []byte(`
gateways: {default: {port: 443, listeners: [{name: any}, {name: wild, hostname: "*.example"}, {name: one, hostname: a.example}]}}
`)}, config.Options{LookupEnv: func(string) (string, bool) { return "", false }})
	g := &c.Gateways[0].Value
	for i := range g.Listeners {
		l := &g.Listeners[i]
		cert, key := certificate(t)
		given[l.Name] = cert
		l.Protocol, l.TLS = "HTTPS", &config.ServerTLS{Cert: config.File{Name: "Secret/ns/" + l.Name, Content: secret.New(cert)}, Key: config.File{Name: "Secret/ns/" + l.Name, Content: secret.New(key)}}
	}
	out := snapshot.Compile(c, report, p.parts)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	bind := out.Snapshot.Binds["[::]:443"]
	for name, want := range map[string]string{"a.example": "one", "A.Example": "one", "b.example": "wild", "c.b.example": "wild", "example": "any", "": ""} {
		got, err := bind.TLS.GetCertificate(&tls.ClientHelloInfo{ServerName: name})
		switch {
		case err != nil:
			t.Errorf("%q: %v", name, err)
		case want == "" && got != nil, want != "" && (got == nil || pemOf(got.Certificate[0]) != given[want]):
			t.Errorf("%q does not get the certificate of %q", name, want)
		}
	}
}

// Limits of routes that are called the same at two addresses of a port are two limits.
func TestLimitsOfTwoAddresses(t *testing.T) {
	const more = ", policies: {localRateLimit: [{maxTokens: 1, tokensPerFill: 1, fillInterval: 1h}]}, backends: [{host: h}]}"
	c := compiled(t, `
gateways: {one: {port: 80, bindAddress: 127.0.0.1}, two: {port: 80, bindAddress: "::1"}}
routes: [{name: r, gateways: one`+more+", {name: r, gateways: two"+more+"]\n")
	var routes []*gateway.Route
	for _, address := range []string{"127.0.0.1:80", "[::1]:80"} {
		r := route(t, c, address, "h", "/")
		if r.Place.Bind != "bind/80" {
			t.Errorf("%+v", r.Place)
		}
		routes = append(routes, r)
	}
	if routes[0].Limits[0].Limiter == routes[1].Limits[0].Limiter {
		t.Error("two routes draw from one bucket")
	}
}
