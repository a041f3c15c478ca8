package app

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/config"
	"tollgate/internal/gateway"
)

func TestRedirects(t *testing.T) {
	f := newFront(t, `
gateways: {default: {port: 80}, other: {port: 8080}}
routes:
- {matches: [{path: {pathPrefix: /scheme}}], policies: {requestRedirect: {scheme: https, status: 301}}, backends: [{host: "127.0.0.1:1"}]}
- {matches: [{path: {pathPrefix: /same}}], policies: {requestRedirect: {scheme: http}}}
- {matches: [{path: {pathPrefix: /host}}], policies: {requestRedirect: {authority: {host: other.example}, status: 303}}}
- {matches: [{path: {pathPrefix: /port}}], policies: {requestRedirect: {authority: {port: 8443}, status: 307}}}
- {matches: [{path: {pathPrefix: /known}}], policies: {requestRedirect: {authority: {port: 443}, scheme: https, status: 308}}}
- {matches: [{path: {pathPrefix: /http}}], policies: {requestRedirect: {authority: {port: 443}}}}
- {matches: [{path: {pathPrefix: /full}}], policies: {requestRedirect: {authority: {full: "f.example:81"}, path: {full: /new}}}}
- {matches: [{path: {pathPrefix: /bare}}], policies: {requestRedirect: {authority: {full: f.example}}}}
- {matches: [{path: {pathPrefix: /prefix}}], policies: {requestRedirect: {path: {prefix: /p}}, responseHeaderModifier: {set: {x-a: b}}}}
- {matches: [{path: {pathPrefix: /six}}], policies: {requestRedirect: {authority: {host: "::1"}}}}
`, nil)
	for head, want := range map[string]string{
		"GET /scheme/a(b)%20c?x=1&y": "301 https://asked.example/scheme/a(b)%20c?x=1&y",
		"POST /same":                 "302 http://asked.example/same",
		"GET /host/x":                "303 http://other.example/host/x",
		"GET /port?":                 "307 http://asked.example:8443/port",
		"GET /known":                 "308 https://asked.example/known",
		"GET /http":                  "302 http://asked.example:443/http",
		"GET /full/x?q=1":            "302 http://f.example:81/new?q=1",
		"GET /bare":                  "302 http://f.example/bare",
		"GET /prefix/x%20y/":         "302 http://asked.example/p/x%20y/",
		"GET /six":                   "302 http://[::1]/six",
		"GET /same/[::2]":            "302 http://asked.example/same/[::2]",
	} {
		resp, text := f.ask(head+"\nHost: Asked.Example:8888", "")
		if got := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Location")); got != want || text != "" {
			t.Errorf("%s: %s %q, want %s", head, got, text, want)
		}
	}
	if resp, _ := f.ask("GET /prefix", ""); resp.Header.Get("X-A") != "b" {
		t.Error("an answer without the header of its route")
	}
	if x := f.record(0); x.Outcome != gateway.Answered || len(x.Attempts) > 0 {
		t.Errorf("recorded %v, %d attempts", x.Outcome, len(x.Attempts))
	}
}

// The listener's own port is written where nothing else says one, unless it goes without saying.
func TestRedirectsOfOtherPorts(t *testing.T) {
	address := freeAddress(t)
	run(t, "gateways: {default: {port: "+portOf(t, address)+", bindAddress: 127.0.0.1}}\nroutes: [{policies: {requestRedirect: {path: {full: /new}}}}]\n")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get("http://" + address + "/old?x=1")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("Location"); got != "http://"+address+"/new?x=1" {
		t.Errorf("Location %s", got)
	}
}

// A gateway listens on its address alone; another one may have the port at another address.
func TestBindAddress(t *testing.T) {
	address := freeAddress(t)
	port := portOf(t, address)
	answer := func(name string) string {
		return "{gateways: " + name + ", policies: {directResponse: {status: 200, body: " + name + "}}}"
	}
	r := run(t, "gateways: {one: {port: "+port+", bindAddress: 127.0.0.1}, two: {port: "+port+", bindAddress: 127.0.0.2}}\nroutes: ["+answer("one")+", "+answer("two")+"]\n")
	for host, want := range map[string]string{"127.0.0.1": "one", "127.0.0.2": "two"} {
		if got := get(t, host+":"+port); got != want {
			t.Errorf("%s answers %q", host, got)
		}
	}
	if isOpen("127.0.0.3:" + port) {
		t.Error("it listens on other addresses too")
	}
	if b := r.gateway.Snapshot().Binds["127.0.0.2:"+port]; b == nil || b.Name != "bind/"+port {
		t.Errorf("bind %+v", b)
	}
}

// What the configuration refers to and is not there is answered with the status that it
// says, for its share of the requests.
func TestStatusOfTheUnserved(t *testing.T) {
	address, _ := server(t, nil)
	text := `
gateways: {default: {port: 80}}
routes:
- {matches: [{path: {pathPrefix: /route}}], backends: [{host: "h:1"}]}
- {matches: [{path: {pathPrefix: /empty}}]}
- {matches: [{path: {pathPrefix: /share}}], backends: [{host: "h:1"}, {host: "` + address + `"}]}
- {matches: [{path: {pathPrefix: /zero}}], backends: [{host: "` + address + `", weight: 0}]}
- {matches: [{path: {pathPrefix: /zeros}}], backends: [{host: "` + address + `", weight: 0}, {host: "` + address + `", weight: 0}]}
`
	ask := func(f *front, path string) (int, string) {
		resp, text := f.ask("GET "+path, "")
		return resp.StatusCode, text
	}
	file := newFront(t, text, nil)
	for _, path := range []string{"/empty", "/zero", "/zeros"} {
		if status, text := ask(file, path); status != 503 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	f := newFront(t, text, func(c *config.Config) {
		c.Routes[0].Unserved, c.Routes[0].Status = "No Service is called x.", 500
		c.Routes[1].Status = 500
		c.Routes[2].Backends[0].Unserved, c.Routes[2].Backends[0].Status = "No Service is called y.", 500
		c.Routes[3].Status, c.Routes[4].Status = 500, 500
	})
	for path, want := range map[string]string{"/route": "No Service is called x.", "/empty": "no backends", "/zero": "weight 0", "/zeros": "weight 0"} {
		if status, text := ask(f, path); status != 500 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %q", path, status, text, want)
		}
	}
	count := map[int]int{}
	for range 200 {
		status, _ := ask(f, "/share")
		count[status]++
	}
	if count[200] < 60 || count[500] < 60 || count[200]+count[500] != 200 {
		t.Errorf("statuses %v", count)
	}
}

// Header lines and addresses are changed on the way there and back, the route's first.
func TestPlainRewritingAndHeaders(t *testing.T) {
	address, got := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Both"] = []string{"server"}
		w.Header().Set("X-Gone", "server")
		w.Header().Set("X-Set", "server")
	})
	f := newFront(t, `
gateways: {default: {port: 80}}
backends: [{name: named, host: "`+address+`", policies: {backendAuth: {key: {value: ours, location: {header: {name: x-auth, prefix: "Key "}}}}}}]
routes:
- matches: [{path: {pathPrefix: /old}}]
  policies:
    urlRewrite: {authority: {full: "new.example"}, path: {prefix: /new}}
    requestHeaderModifier: {add: {x-add: route}, set: {x-set: route}, remove: [x-gone]}
    responseHeaderModifier: {add: {x-both: route}, set: {x-set: route}, remove: [x-gone]}
  backends:
  - host: "`+address+`"
    policies: {requestHeaderModifier: {add: {x-add: backend}}, responseHeaderModifier: {add: {x-both: backend}}}
- {matches: [{path: {pathPrefix: /full}}], policies: {urlRewrite: {authority: {port: 81}, path: {full: /whole}}}, backends: [{backend: named}]}
- {matches: [{path: {pathPrefix: /auto}}], policies: {urlRewrite: {authority: auto}, backendAuth: {key: k}}, backends: [{host: "`+address+`"}]}
`, nil)
	resp, _ := f.ask("GET /old/a%20b?q=1\nX-Add: caller\nX-Set: caller\nX-Gone: caller", "")
	r := <-got
	if r.RequestURI != "/new/a%20b?q=1" || r.Host != "new.example" {
		t.Errorf("%s at %s", r.RequestURI, r.Host)
	}
	for name, want := range map[string]string{"X-Add": "caller route backend", "X-Set": "route", "X-Gone": ""} {
		if v := strings.Join(r.Header[name], " "); v != want {
			t.Errorf("server got %s: %q, want %q", name, v, want)
		}
	}
	for name, want := range map[string]string{"X-Both": "server route backend", "X-Set": "route", "X-Gone": ""} {
		if v := strings.Join(resp.Header[name], " "); v != want {
			t.Errorf("caller got %s: %q, want %q", name, v, want)
		}
	}
	f.ask("GET /full/x\nHost: h:1\nX-Auth: caller", "")
	if r := <-got; r.RequestURI != "/whole" || r.Host != "h:81" || strings.Join(r.Header["X-Auth"], " ") != "Key ours" {
		t.Errorf("%s at %s, %v", r.RequestURI, r.Host, r.Header)
	}
	f.ask("GET /auto\nHost: h:1\nAuthorization: Bearer caller", "")
	if r := <-got; r.Host != address || strings.Join(r.Header["Authorization"], " ") != "Bearer k" {
		t.Errorf("at %s, %v", r.Host, r.Header)
	}
}

// Of the header lines that browsers go by the route's own decide, if it has any.
func TestPlainCORS(t *testing.T) {
	address, got := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "https://server.example")
		w.Header().Set("Vary", "Accept")
	})
	f := newFront(t, `
gateways: {default: {port: 80}}
routes:
- {matches: [{path: {pathPrefix: /own}}], backends: [{host: "`+address+`"}]}
- {policies: {cors: {allowOrigins: ["https://*.example"], allowMethods: ["*"], allowHeaders: ["*"], allowCredentials: true}}, backends: [{host: "`+address+`"}]}
`, nil)
	for head, want := range map[string]string{
		"GET /own\nOrigin: https://a.example": "https://server.example Accept",
		"GET /\nOrigin: https://a.b.example":  "https://a.b.example Origin,Accept",
		"GET /\nOrigin: https://evil.test":    " Origin,Accept",
	} {
		resp, _ := f.ask(head, "")
		if v := resp.Header.Get("Access-Control-Allow-Origin") + " " + strings.Join(resp.Header["Vary"], ","); v != want {
			t.Errorf("%s: %q, want %q", head, v, want)
		}
		<-got
	}
	resp, _ := f.ask("OPTIONS /\nOrigin: https://a.example\nAccess-Control-Request-Method: PUT\nAccess-Control-Request-Headers: x-a, x-b", "")
	if resp.StatusCode != 200 || resp.Header.Get("Access-Control-Allow-Methods") != "PUT" || resp.Header.Get("Access-Control-Allow-Headers") != "x-a, x-b" || len(got) > 0 {
		t.Errorf("preflight %d %v", resp.StatusCode, resp.Header)
	}
	if f.ask("OPTIONS /own\nOrigin: https://a.example\nAccess-Control-Request-Method: PUT", ""); len(got) != 1 {
		t.Error("the server is not asked about its own preflight")
	}
}

// Requests find their listener by host, and then their route by the order of the Gateway API.
func TestPlainMatching(t *testing.T) {
	route := func(name, more string) string {
		return "- {gateways: " + name + ", " + more + "}\n"
	}
	says := func(body string) string { return "policies: {directResponse: {status: 200, body: " + body + "}}" }
	f := newFront(t, "gateways: {default: {port: 80, listeners: [{name: exact, hostname: a.example.com}, {name: wild, hostname: \"*.example.com\"}]}}\nroutes:\n"+
		route("default/wild", says("wild"))+
		route("default/exact", "matches: [{path: {pathPrefix: /v1}}], "+says("prefix"))+
		route("default/exact", "matches: [{path: {pathPrefix: /v1}, headers: [{name: X-Team, value: {exact: 'red, blue'}}]}], "+says("header"))+
		route("default/exact", "matches: [{path: {pathPrefix: /v1}, query: [{name: q, value: {exact: '1'}}]}], "+says("query"))+
		route("default/exact", "matches: [{path: {pathPrefix: /v1}, method: PUT}], "+says("method"))+
		route("default/exact", "matches: [{path: {exact: /v1}}], "+says("exact"))+
		route("default/exact", "matches: [{path: {pathPrefix: /v1/long}}], "+says("long")), nil)
	for head, want := range map[string]string{
		"GET /v1/x\nHost: a.example.com":                            "200 prefix",
		"GET /v1/x\nHost: A.Example.com:80":                         "200 prefix",
		"GET /v1/\nHost: a.example.com":                             "200 prefix",
		"GET /v1\nHost: a.example.com":                              "200 exact",
		"GET /v1/long/x?q=1\nHost: a.example.com":                   "200 long",
		"GET /v1/x\nHost: a.example.com\nx-team: red\nX-TEAM: blue": "200 header",
		"GET /v1/x?q=1\nHost: a.example.com\nx-team: red":           "200 query",
		"GET /v1/x?q=1&q=2\nHost: a.example.com\nx-team: red, blue": "200 header",
		"GET /v1/x?q=2&q=1\nHost: a.example.com":                    "200 prefix",
		"PUT /v1/x?q=1\nHost: a.example.com\nx-team: red, blue":     "200 method",
		"GET /v2\nHost: a.example.com":                              "404",
		"GET /v10\nHost: a.example.com":                             "404",
		"GET /v2\nHost: b.example.com":                              "200 wild",
		"GET /v2\nHost: c.b.example.com":                            "200 wild",
		"GET /v2\nHost: example.com":                                "404",
		"GET /v2\nHost: other.test":                                 "404",
	} {
		resp, text := f.ask(head, "")
		got := fmt.Sprint(resp.StatusCode, " ", text)
		if want == "404" {
			text = ""
			got = fmt.Sprint(resp.StatusCode)
		}
		if got != want {
			t.Errorf("%s: %s %s, want %s", head, got, text, want)
		}
	}
}

// The limits of a key on requests count what it asks of plain servers; those on money and
// tokens have nothing to do with it, even where there is none left.
func TestPlainLimits(t *testing.T) {
	upstream, got := server(t, nil)
	address := freeAddress(t)
	run(t, `
gateways: {default: {port: `+portOf(t, address)+`, bindAddress: 127.0.0.1}}
routes:
- policies:
    apiKey: {mode: strict, keys: [
      {key: sk-alice-abc123def456, limits: [{kind: requests, amount: 2, window: {calendar: month}}, {kind: cost, amount: "0"}, {kind: tokens, amount: 0}]},
      {key: sk-bob-abc123def456, operations: [chat]}, {key: sk-carol-abc123def456, allowedModels: [gpt-5]}]}
    localRateLimit: [{maxTokens: 4, tokensPerFill: 1, fillInterval: 1h}, {maxTokens: 1, tokensPerFill: 1, fillInterval: 1h, type: tokens}]
  backends: [{host: "`+upstream+`"}]
`)
	ask := func(key string) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/v1/models", nil)
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	for i, want := range []int{200, 200, 429} {
		if status, text := ask("sk-alice-abc123def456"); status != want {
			t.Errorf("request %d: %d %s", i, status, text)
		}
	}
	if status, text := ask("sk-bob-abc123def456"); status != 403 || !strings.Contains(text, "operation_not_allowed") {
		t.Errorf("%d %s", status, text)
	}
	for _, want := range []int{200, 200, 429} {
		if status, text := ask("sk-carol-abc123def456"); status != want {
			t.Errorf("%d %s", status, text)
		}
	}
	if len(got) != 4 {
		t.Errorf("the server got %d requests", len(got))
	}
}
