package gateway_test

import (
	"testing"

	"tollgate/internal/gateway"
)

func TestCORS(t *testing.T) {
	all := gateway.CORS{Origins: []string{"https://app.example", "https://*.team.example"}, Methods: "POST", Headers: "authorization", Expose: "x-request-id", MaxAge: "600", Credentials: true}
	star := gateway.CORS{Origins: []string{"*"}, Credentials: true}
	echo := gateway.CORS{Origins: []string{"*"}, Methods: "*", Credentials: true, Echo: true}
	strangers := gateway.CORS{Origins: []string{"*"}, Echo: true}
	preflight := gateway.Header{"Access-Control-Request-Method": {"POST"}}
	for _, c := range []struct {
		name, method, origin string
		cors                 gateway.CORS
		header               gateway.Header
		status               int
		want                 map[string]string
	}{
		{"preflight", "OPTIONS", "https://app.example", all, preflight, 200, map[string]string{
			"Access-Control-Allow-Origin": "https://app.example", "Vary": "Origin", "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "POST",
			"Access-Control-Allow-Headers": "authorization", "Access-Control-Max-Age": "600", "Access-Control-Expose-Headers": "x-request-id"}},
		{"preflight of a subdomain", "OPTIONS", "https://a.team.example", all, preflight, 200, map[string]string{"Access-Control-Allow-Origin": "https://a.team.example"}},
		{"preflight of no subdomain", "OPTIONS", "https://.team.example", all, preflight, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"preflight of a look-alike", "OPTIONS", "https://a.team.example.evil", all, preflight, 200, map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": "", "Access-Control-Max-Age": ""}},
		{"preflight of another scheme", "OPTIONS", "http://a.team.example", all, preflight, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"preflight of anybody", "OPTIONS", "https://x", star, preflight, 200, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "", "Vary": "", "Access-Control-Allow-Methods": ""}},
		{"preflight of anybody, told the origin", "OPTIONS", "https://x", echo, preflight, 200, map[string]string{
			"Access-Control-Allow-Origin": "https://x", "Access-Control-Allow-Credentials": "true", "Vary": "Origin", "Access-Control-Allow-Methods": "POST"}},
		{"preflight of anybody without credentials", "OPTIONS", "https://x", strangers, preflight, 200, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "", "Vary": ""}},
		{"OPTIONS that is none", "OPTIONS", "https://app.example", all, gateway.Header{}, 401, map[string]string{"Access-Control-Allow-Origin": "https://app.example"}},
		{"no origin", "OPTIONS", "", all, preflight, 401, map[string]string{"Access-Control-Allow-Origin": "", "Vary": ""}},
		{"request", "POST", "https://app.example", all, bearer(aliceKey), 200, map[string]string{
			"Access-Control-Allow-Origin": "https://app.example", "Access-Control-Expose-Headers": "x-request-id", "Access-Control-Allow-Methods": ""}},
		{"refused request", "POST", "HTTPS://APP.example", all, gateway.Header{}, 401, map[string]string{"Access-Control-Allow-Origin": "HTTPS://APP.example", "Access-Control-Expose-Headers": "x-request-id"}},
		{"request of a stranger", "POST", "https://evil", all, bearer(aliceKey), 200, map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Expose-Headers": ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.route.Gate.CORS = &c.cors
			h := gateway.Header{}
			for name, v := range c.header {
				h[name] = v
			}
			if c.origin != "" {
				h["Origin"] = []string{c.origin}
			}
			out := s.do(call{method: c.method, header: h})
			if out.status != c.status {
				t.Errorf("%d %s", out.status, out.text())
			}
			for name, want := range c.want {
				if got := out.header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if c.method == "OPTIONS" && c.status == 200 {
				if x := s.last(); x.Outcome != gateway.Answered || x.Reason != "DirectResponse" || len(s.up.seen) != 0 {
					t.Errorf("recorded %v %s", x.Outcome, x.Reason)
				}
			}
		})
	}
}
