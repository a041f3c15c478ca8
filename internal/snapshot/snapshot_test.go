package snapshot_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/snapshot"
	"tollgate/internal/vkey"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// process is what outlives configurations: it compiles one after the other.
type process struct {
	parts snapshot.Parts
	files map[string]string
}

func newProcess() *process {
	return &process{parts: snapshot.Parts{
		Limits: ratelimit.NewRegistry(start), Health: routing.NewRegistry(), Now: func() time.Time { return start }, Started: start, Version: "9.9",
	}}
}

func (p *process) compile(text string) (*snapshot.Compiled, *config.Report) {
	c, report := config.Load(config.Source{Name: "c.yaml", Text: []byte(text)}, config.Options{
		LookupEnv: func(string) (string, bool) { return "", false },
		ReadFile: func(name string) ([]byte, error) {
			if text, ok := p.files[name]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("no such file")
		},
	})
	return snapshot.Compile(c, report, p.parts), report
}

// force compiles and does what puts the result in force.
func (p *process) force(t *testing.T, text string) *snapshot.Compiled {
	t.Helper()
	c, report := p.compile(text)
	if c == nil {
		t.Fatalf("refused: %v", report.Err())
	}
	c.Limits.Commit(start)
	p.parts.Health.Keep(c.Targets)
	return c
}

func compiled(t *testing.T, text string) *snapshot.Compiled {
	t.Helper()
	return newProcess().force(t, text)
}

// place is a request as routing sees it.
type place struct{ host, method, path string }

func (p place) Host() string   { return p.host }
func (p place) Method() string { return p.method }
func (p place) Path() string   { return p.path }
func (p place) HeaderValue(name string) (string, bool) {
	if name == "x-tier" {
		return "gold", true
	}
	return "", false
}
func (p place) QueryValue(name string) (string, bool) { return "", false }

// route gives the route of a POST to a path, on the only listener of a bind.
func route(t *testing.T, c *snapshot.Compiled, address, host, path string) *gateway.Route {
	t.Helper()
	b := c.Snapshot.Binds[address]
	if b == nil {
		var all []string
		for a := range c.Snapshot.Binds {
			all = append(all, a)
		}
		t.Fatalf("no bind %s among %v", address, all)
	}
	for _, l := range b.Listeners {
		if routing.HostMatches(l.Hostname, host) {
			r, _, ok := l.Routes.Find(place{host, "POST", path})
			if !ok {
				t.Fatalf("no route for %s", path)
			}
			return r
		}
	}
	t.Fatalf("no listener for %q", host)
	return nil
}

func llm(t *testing.T, c *snapshot.Compiled) *gateway.Route {
	t.Helper()
	return route(t, c, "[::]:4000", "h", "/v1/chat/completions")
}

// onlyTarget gives the target of the first model of a text below llm.models.
func onlyTarget(t *testing.T, model string) *gateway.Target {
	t.Helper()
	return llm(t, compiled(t, "llm:\n  models:\n  - "+model+"\n")).Models.Entries[0].Target
}

func TestWhereTargetsAre(t *testing.T) {
	for _, c := range []struct {
		name, model     string
		host, authority string
		tls             bool
		prefix          string
		keep            bool
	}{
		{"openAI", `{name: a, provider: openAI}`, "api.openai.com:443", "api.openai.com", true, "/v1", false},
		{"anthropic", `{name: a, provider: anthropic}`, "api.anthropic.com:443", "api.anthropic.com", true, "/v1", false},
		{"base URL with a path", `{name: a, provider: openAI, params: {baseUrl: "http://h:8080/base/"}}`, "h:8080", "h:8080", false, "/base", false},
		{"base URL without a path", `{name: a, provider: openAI, params: {baseUrl: "https://h"}}`, "h:443", "h", true, "/v1", true},
		{"usual port of http", `{name: a, provider: openAI, params: {baseUrl: "http://h:80"}}`, "h:80", "h", false, "/v1", true},
		{"host", `{name: a, provider: openAI, params: {hostOverride: "h:9"}}`, "h:9", "h:9", false, "/v1", true},
		{"host without a port", `{name: a, provider: openAI, params: {hostOverride: h}}`, "h:80", "h", false, "/v1", true},
		{"host with TLS", `{name: a, provider: openAI, params: {hostOverride: h}, tls: {}}`, "h:443", "h", true, "/v1", true},
		{"host with a prefix", `{name: a, provider: openAI, params: {hostOverride: "h:9", pathPrefix: /p/}}`, "h:9", "h:9", false, "/p", false},
		{"TLS makes it https", `{name: a, provider: openAI, params: {baseUrl: "http://h:8443/v1"}, tls: {}}`, "h:8443", "h:8443", true, "/v1", false},
		{"custom", `{name: a, provider: {custom: {formats: [{type: completions}]}}, params: {baseUrl: "http://h"}}`, "h:80", "h", false, "/v1", false},
		{"preset", `{name: a, provider: groq}`, "api.groq.com:443", "api.groq.com", true, "/openai/v1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := onlyTarget(t, c.model)
			if got.Endpoint.Host != c.host || got.Authority != c.authority || (got.Endpoint.TLS != nil) != c.tls || got.Paths.Prefix != c.prefix || got.Paths.Keep != c.keep {
				t.Errorf("%s as %s, TLS %v, prefix %q, keep %v", got.Endpoint.Host, got.Authority, got.Endpoint.TLS != nil, got.Paths.Prefix, got.Paths.Keep)
			}
		})
	}
	if got := onlyTarget(t, `{name: a, provider: openAI, params: {pathOverride: /all}}`); got.Paths.Full != "/all" {
		t.Errorf("%+v", got.Paths)
	}
	got := onlyTarget(t, `{name: a, provider: {custom: {providerOverride: mine, formats: [{type: completions, path: /talk}, {type: messages}]}}, params: {baseUrl: "http://h/b"}}`)
	if got.Paths.ByOperation[dialect.Chat] != "/talk" || got.Paths.Base != "/b" || got.Provider != "mine" || got.Operations != gateway.Of(dialect.Chat, dialect.Completions, dialect.Messages) {
		t.Errorf("%+v %s %b", got.Paths, got.Provider, got.Operations)
	}
}

func TestCredentialsOfTargets(t *testing.T) {
	for _, c := range []struct{ name, model, line, secret string }{
		{"openAI", `{name: a, provider: openAI, params: {apiKey: k}}`, "Authorization: Bearer k\r\n", "k"},
		{"anthropic", `{name: a, provider: anthropic, params: {apiKey: k}}`, "x-api-key: k\r\n", "k"},
		{"anthropic OAuth", `{name: a, provider: anthropic, params: {apiKey: sk-ant-oat-1}}`, "Authorization: Bearer sk-ant-oat-1\r\n", "sk-ant-oat-1"},
		{"auth", `{name: a, provider: openAI, auth: {key: k}}`, "Authorization: Bearer k\r\n", "k"},
		{"auth elsewhere", `{name: a, provider: openAI, auth: {key: {value: k, location: {header: {name: x-up, prefix: "Tok "}}}}}`, "x-up: Tok k\r\n", "k"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := onlyTarget(t, c.model)
			if !strings.Contains(got.Static, c.line) || got.Secret.Reveal() != c.secret || got.Passthrough != nil {
				t.Errorf("sends %q, secret %q, passes %v", got.Static, got.Secret.Reveal(), got.Passthrough)
			}
			if !strings.Contains(got.Static, "Accept-Encoding: identity\r\n") || !strings.Contains(got.Static, "User-Agent: tollgate/9.9\r\n") {
				t.Errorf("sends %q", got.Static)
			}
		})
	}
	for model, want := range map[string]gateway.Passthrough{
		`{name: a, provider: openAI}`: {}, `{name: a, provider: openAI, auth: {passthrough: {}}}`: {},
		`{name: a, provider: openAI, auth: {passthrough: {location: {header: {name: x-up, prefix: "Tok "}}}}}`: {Header: "X-Up", Prefix: "Tok "},
	} {
		got := onlyTarget(t, model)
		if got.Passthrough == nil || *got.Passthrough != want || !got.Secret.Empty() || strings.Contains(got.Static, "Bearer") {
			t.Errorf("%s: passes %+v, sends %q", model, got.Passthrough, got.Static)
		}
	}
}

func TestHeadersOfTargets(t *testing.T) {
	got := onlyTarget(t, `{name: a, provider: openAI, params: {apiKey: k}, requestHeaders: {remove: [user-agent, anthropic-beta], set: {authorization: "Basic x", x-one: "1"}, add: {x-two: "2"}}, responseHeaders: {remove: [x-a], set: {x-b: "1"}, add: {x-c: "2"}}}`)
	if got.Static != "Accept-Encoding: identity\r\nauthorization: Basic x\r\nx-one: 1\r\nx-two: 2\r\n" {
		t.Errorf("sends %q", got.Static)
	}
	slices.Sort(got.Drop)
	if strings.Join(got.Drop, " ") != "Anthropic-Beta Authorization User-Agent X-One" {
		t.Errorf("drops %v", got.Drop)
	}
	h := gateway.Header{"X-A": {"1"}, "X-B": {"0"}, "X-C": {"1"}}
	got.ResponseHeaders.Apply(h)
	if len(h["X-A"]) != 0 || h.Get("X-B") != "1" || strings.Join(h["X-C"], " ") != "1 2" {
		t.Errorf("answers %v", h)
	}
}

func TestBodiesAndModelsOfTargets(t *testing.T) {
	got := onlyTarget(t, `{name: a, provider: openAI, params: {model: real, tokenize: true}, defaults: {seed: 1}, overrides: {user: u}, passthrough: opaque}`)
	if got.Model != "real" || !got.Tokenize || !got.Opaque || got.Body.OutputBound != "max_completion_tokens" || len(got.Body.Defaults) != 1 || got.Body.Defaults[0] != (gateway.Member{Name: "seed", Value: "1"}) ||
		got.Body.Overrides[0] != (gateway.Member{Name: "user", Value: `"u"`}) {
		t.Errorf("%+v", got)
	}
	// Only OpenAI itself wants the newer name.
	for _, model := range []string{`{name: a, provider: openAI, params: {baseUrl: "http://h"}}`, `{name: a, provider: openAI, params: {hostOverride: "h:1"}}`, `{name: a, provider: groq}`} {
		if onlyTarget(t, model).Body.OutputBound != "" {
			t.Errorf("%s renames max_tokens", model)
		}
	}
	for _, model := range []string{`{name: a, provider: openAI, params: {baseUrl: "http://h", outputBound: max_tokens}}`, `{name: a, provider: openAI, params: {outputBound: max_tokens}}`} {
		if got := onlyTarget(t, model).Body.OutputBound; got != "max_tokens" {
			t.Errorf("%s bounds the output in %q", model, got)
		}
	}
	if got := onlyTarget(t, `{name: a, provider: {openAI: {model: m}}}`); got.Model != "m" {
		t.Errorf("sends %q", got.Model)
	}
}

func TestHealthOfTargets(t *testing.T) {
	if got := onlyTarget(t, `{name: a, provider: openAI}`); got.Cooling != routing.DefaultCooling || got.Unhealthy != nil {
		t.Errorf("%+v", got.Cooling)
	}
	got := onlyTarget(t, `{name: a, provider: openAI, health: {unhealthyExpression: "response.code == 418", eviction: {duration: 2m, consecutiveFailures: 3}}}`)
	if got.Cooling.Base != 2*time.Minute || got.Cooling.Failures != 3 || got.Cooling.Max < 2*time.Minute || got.Unhealthy == nil {
		t.Errorf("%+v", got.Cooling)
	}
	if got := onlyTarget(t, `{name: a, provider: openAI, health: {eviction: {}}}`); got.Cooling.Failures != 1 || got.Cooling.Base != routing.DefaultCooling.Base {
		t.Errorf("%+v", got.Cooling)
	}
}

func TestOperationsOfProviders(t *testing.T) {
	chat, messages := dialect.Chat, dialect.Messages
	for model, want := range map[string][2]bool{ // chat, messages
		`{name: a, provider: openAI}`: {true, false}, `{name: a, provider: anthropic}`: {false, true}, `{name: a, provider: simulated}`: {true, true}, `{name: a, provider: groq}`: {true, false},
	} {
		got := onlyTarget(t, model)
		if got.Operations.Has(chat) != want[0] || got.Operations.Has(messages) != want[1] {
			t.Errorf("%s: %b", model, got.Operations)
		}
	}
	if !onlyTarget(t, `{name: a, provider: anthropic}`).Operations.Has(dialect.CountTokens) || !onlyTarget(t, `{name: a, provider: openAI}`).Operations.Has(dialect.Transcriptions) {
		t.Error("an operation is missing")
	}
}

func TestReal(t *testing.T) {
	c := compiled(t, "llm: {models: [{name: a, provider: simulated}]}\n")
	if target := llm(t, c).Models.Entries[0].Target; c.Real || target.Transport == nil || target.Endpoint == nil || target.Passthrough == nil {
		t.Errorf("real %v, %+v", c.Real, target)
	}
	if c := compiled(t, "llm: {models: [{name: a, provider: simulated}, {name: b, provider: openAI}]}\n"); !c.Real {
		t.Error("a real provider is not noted")
	}
}

const keys = `
llm:
  policies:
    apiKey:
      mode: strict
      keys:
      - {key: sk-alice, metadata: {user: alice, team: a}}
      - {key: sk-bob, allowedModels: ["gpt-*"], metadata: {name: Bob, user: x}}
      - {key: sk-none, allowedModels: [], metadata: {owner: o}}
  models: [{name: "*", provider: openAI}]
`

func TestKeys(t *testing.T) {
	c := compiled(t, keys)
	auth := llm(t, c).Gate.Auth
	if auth.Mode != gateway.Strict || auth.Location != nil {
		t.Errorf("%+v", auth)
	}
	for key, want := range map[string]struct {
		name       string
		gpt, other bool
	}{"sk-alice": {"alice", true, true}, "sk-bob": {"Bob", true, false}, "sk-none": {"o", false, false}} {
		e, result := auth.Keys.Lookup(key, start)
		if result != vkey.OK {
			t.Fatalf("%s: %v", key, result)
		}
		if e.Caller.Name != want.name || e.Caller.MayUse("gpt-5") != want.gpt || e.Caller.MayUse("claude") != want.other {
			t.Errorf("%s is %+v", key, e.Caller)
		}
		if e.PublicID[0] != e.Caller.KeyID || !strings.HasPrefix(e.Caller.KeyID, "key_") || strings.Contains(e.Caller.KeyID, key) {
			t.Errorf("%s is called %v", key, e.PublicID)
		}
		if _, result := c.Snapshot.Keys.Lookup(key, start); result != vkey.OK {
			t.Errorf("%s is not among all keys", key)
		}
	}
	if _, result := auth.Keys.Lookup("sk-other", start); result != vkey.Unknown {
		t.Errorf("another key is %v", result)
	}
	// A key has the same id wherever and however often it is loaded, by text or by digest.
	first, _ := auth.Keys.Lookup("sk-alice", start)
	digest := "llm: {policies: {apiKey: {keys: [{keyHash: \"sha256:" + hexOf(vkey.Hash("sk-alice")) + "\"}]}}, models: []}\n"
	other := llm(t, compiled(t, digest)).Gate.Auth
	if e, result := other.Keys.Lookup("sk-alice", start); result != vkey.OK || e.Caller.KeyID != first.Caller.KeyID {
		t.Errorf("%v", result)
	}
	if other.Mode != gateway.Strict && other.Mode != gateway.Optional {
		t.Errorf("mode %v", other.Mode)
	}
}

func TestKeyModesAndLocations(t *testing.T) {
	for mode, want := range map[string]gateway.AuthMode{"strict": gateway.Strict, "optional": gateway.Optional, "permissive": gateway.Permissive} {
		c := compiled(t, "llm: {policies: {apiKey: {mode: "+mode+", keys: []}}, models: []}\n")
		if got := llm(t, c).Gate.Auth.Mode; got != want {
			t.Errorf("%s is %v", mode, got)
		}
	}
	for location, want := range map[string]gateway.Location{
		`{header: {name: x-gate, prefix: "Key "}}`: {Header: "X-Gate", Prefix: "Key "}, `{queryParameter: {name: tk}}`: {Query: "tk"}, `{cookie: {name: tk}}`: {Cookie: "tk"},
	} {
		c := compiled(t, "llm: {policies: {apiKey: {keys: [], location: "+location+"}}, models: []}\n")
		if got := llm(t, c).Gate.Auth.Location; got == nil || *got != want {
			t.Errorf("%s is %+v", location, got)
		}
	}
	c := compiled(t, `llm: {policies: {apiKey: {keys: [], location: {expression: 'request.headers["x"]'}}}, models: []}`+"\n")
	if got := llm(t, c).Gate.Auth.Location; got == nil || got.Expression == nil {
		t.Errorf("%+v", got)
	}
}

// Whoever can be reached without a key is told at the start.
func TestOpenPlaces(t *testing.T) {
	for text, want := range map[string]int{
		"llm: {models: []}\n": 1,
		"llm: {policies: {apiKey: {mode: strict, keys: []}}, models: []}\n":                                                                         0,
		"gateways: {default: {port: 1, apiKey: {mode: strict, keys: []}}}\nllm: {models: []}\n":                                                     0,
		"gateways: {default: {port: 1}}\nllm: {models: []}\n":                                                                                       1,
		"gateways: {default: {port: 1}}\nroutes: [{policies: {directResponse: {status: 200}}}]\n":                                                   0,
		"gateways: {default: {port: 1}}\nroutes: [{backends: [{ai: {provider: {openAI: {}}}}]}, {policies: {directResponse: {status: 200}}}]\n":     1,
		"binds: [{port: 1, listeners: [{routes: [{policies: {apiKey: {mode: strict, keys: []}}, backends: [{ai: {provider: {openAI: {}}}}]}]}]}]\n": 0,
	} {
		if c := compiled(t, text); len(c.Open) != want {
			t.Errorf("%s is open at %q", text, c.Open)
		}
	}
}

func TestModels(t *testing.T) {
	c := compiled(t, `
llm:
  models:
  - {name: "*", provider: openAI}
  - {name: "gpt-*", provider: openAI, visibility: internal}
  - {name: gpt-5, provider: openAI, matches: [{headers: [{name: x-tier, value: {exact: gold}}]}, {headers: [{name: x, value: {regex: "a|b"}}]}], authorization: {rules: ["true"]}}
  - {name: "gpt-5-*", provider: openAI}
  virtualModels:
  - {name: fast, routing: {weighted: {targets: [{model: gpt-5, weight: 3}, {model: other}]}}}
  - {name: safe, routing: {failover: {targets: [{model: b, priority: 2}, {model: gpt-5-x, priority: 1}, {model: c, priority: 2}]}}}
  - {name: when, routing: {conditional: {targets: [{model: gpt-4, when: "true"}, {model: z}]}}}
`)
	m := llm(t, c).Models
	var order []string
	for _, e := range m.Entries {
		order = append(order, e.Pattern.String())
	}
	if got := strings.Join(order, " "); got != "gpt-5-* gpt-5 gpt-* *" {
		t.Errorf("entries are tried as %s", got)
	}
	if e := m.Entries[1]; len(e.Headers) != 2 || e.Headers[0][0].Exact != "gold" || !e.Headers[1][0].Regex.MatchString("b") || e.Headers[1][0].Regex.MatchString("ab") || e.Rules == nil {
		t.Errorf("%+v", e)
	}
	if !m.Entries[2].Internal || m.Entries[0].Internal {
		t.Error("the wrong model is internal")
	}
	var listed []string
	for _, l := range m.Listed {
		listed = append(listed, l.Name)
		if (l.Entry == nil) != slices.Contains([]string{"fast", "safe", "when"}, l.Name) {
			t.Errorf("%s has the entry %v", l.Name, l.Entry)
		}
	}
	if got := strings.Join(listed, " "); got != "* gpt-5 gpt-5-* fast safe when" || !m.Created.Equal(start) {
		t.Errorf("listed are %s", got)
	}
	if got := strings.Join(c.Models, " "); got != "* gpt-* gpt-5 gpt-5-* fast safe when" {
		t.Errorf("models are %s", got)
	}
	w := m.Virtual["fast"].Weighted
	if len(w) != 2 || w[0].Weight != 3 || w[1].Weight != 1 || w[0].Entry != m.Entries[1] || w[1].Entry != m.Entries[3] || w[1].Model != "other" {
		t.Errorf("%+v", w)
	}
	f := m.Virtual["safe"].Failover
	if len(f) != 2 || len(f[0]) != 1 || f[0][0].Model != "gpt-5-x" || f[0][0].Entry != m.Entries[0] || len(f[1]) != 2 || f[1][0].Model != "b" || f[1][1].Model != "c" {
		t.Errorf("%+v", f)
	}
	q := m.Virtual["when"].Conditional
	if len(q) != 2 || q[0].When == nil || q[1].When != nil || q[0].Entry != m.Entries[2] {
		t.Errorf("%+v", q)
	}
}

func TestRoutes(t *testing.T) {
	c := compiled(t, `
gateways:
  front: {port: 3000, listeners: [{name: one, hostname: one.example}, {name: wild, hostname: "*.example"}]}
  back: {port: 3001, cors: {allowOrigins: ["https://a"], allowMethods: [GET, POST], maxAge: 90s, allowCredentials: true}}
routes:
- name: r1
  gateways: [front/one]
  matches: [{path: {exact: /exact}}, {path: {pathPrefix: /v1}, headers: [{name: x-tier, value: {exact: gold}}]}, {path: {regex: "/re.+"}}]
  policies:
    timeout: {requestTimeout: 30s, backendRequestTimeout: 10s}
    retry: {attempts: 3, backoff: 100ms, codes: [502, 503]}
    urlRewrite: {path: {full: /v1/chat/completions}, authority: {full: "other:81"}}
    responseHeaderModifier: {set: {x-r: "1"}}
    localRateLimit: [{maxTokens: 5, tokensPerFill: 5, fillInterval: 60s}, {maxTokens: 100, tokensPerFill: 10, fillInterval: 1h, type: tokens, key: apiKey.user}]
    ai: {defaults: {a: 1}, modelAliases: {"g*": long, "gp*": longer, gpt: exact}, prompts: {prepend: [{role: system, content: "say \"hi\""}]}, routes: {"*": passthrough, /x: messages, /longer/x: completions}}
  backends: [{ai: {provider: {openAI: {}}}}]
- {name: r2, gateways: [back, front/wild], backends: [{ai: {groups: [{providers: [{name: a, provider: {openAI: {}}}, {name: b, provider: {anthropic: {}}}]}, {providers: [{name: c, provider: {openAI: {}}}]}]}}, {backend: named, weight: 3}]}
- {name: r3, gateways: [back], matches: [{path: {pathPrefix: /direct}}], policies: {directResponse: {status: 404, body: none}}}
- {name: r4, gateways: [back], matches: [{path: {pathPrefix: /host}}], backends: [{host: "h:1"}]}
backends:
- {name: named, policies: {backendAuth: {key: k}}, ai: {provider: {openAI: {}}}}
`)
	r1 := route(t, c, "[::]:3000", "one.example", "/exact")
	for _, path := range []string{"/v1/chat/completions", "/re1"} {
		if route(t, c, "[::]:3000", "one.example", path) != r1 {
			t.Errorf("%s is another route", path)
		}
	}
	if r1.Place.Route != "default/r1" || r1.Place.Listener != "one" || r1.Place.Gateway != "front" || r1.Place.Bind != "bind/3000" {
		t.Errorf("%+v", r1.Place)
	}
	if r1.RequestTimeout != 30*time.Second || r1.BackendTimeout != 10*time.Second || r1.Retry.Attempts != 3 || r1.Retry.Backoff != 100*time.Millisecond || !r1.Retry.Codes[502] || r1.Retry.Codes[500] {
		t.Errorf("%v %v %+v", r1.RequestTimeout, r1.BackendTimeout, r1.Retry)
	}
	if r1.Rewrite.FullPath != "/v1/chat/completions" || r1.Rewrite.Authority != "other:81" || r1.ResponseHeaders == nil || !r1.Inferred {
		t.Errorf("%+v", r1.Rewrite)
	}
	if len(r1.Limits) != 2 || r1.Limits[0].Key != nil || r1.Limits[1].Key == nil {
		t.Fatalf("%+v", r1.Limits)
	}
	if one, two := r1.Limits[0].Limiter.Rule(), r1.Limits[1].Limiter.Rule(); one.Kind != ratelimit.Requests || one.Max != 5 || one.Keyed || two.Kind != ratelimit.Tokens || two.Max != 100 ||
		two.PerFill != 10 || two.Interval != time.Hour || !two.Keyed || one.ID == two.ID || !strings.Contains(one.ID, "r1") {
		t.Errorf("%+v %+v", one, two)
	}
	ai := r1.AI
	if ai.Prepend[0] != `{"role":"system","content":"say \"hi\""}` || ai.Body.Defaults[0].Name != "a" || ai.Aliases[0].Model != "exact" || ai.Aliases[1].Model != "longer" || ai.Aliases[2].Model != "long" {
		t.Errorf("%+v", ai)
	}
	if ai.Routes[0] != (gateway.PathOperation{Suffix: "/longer/x", Operation: dialect.Chat}) || ai.Routes[1].Operation != dialect.Messages || ai.Routes[2].Suffix != "*" {
		t.Errorf("%+v", ai.Routes)
	}
	r2 := route(t, c, "[::]:3001", "h", "/v1")
	if got := route(t, c, "[::]:3000", "x.example", "/v1"); got.Place.Route != "default/r2" || got.Place.Listener != "wild" {
		t.Errorf("%+v", got.Place)
	}
	if len(r2.Backends) != 2 || len(r2.Backends[0].Groups) != 2 || len(r2.Backends[0].Groups[0]) != 2 || r2.Backends[0].Weight != 1 || r2.Backends[1].Weight != 3 {
		t.Fatalf("%+v", r2.Backends)
	}
	if a, b, named := r2.Backends[0].Groups[0][0], r2.Backends[0].Groups[0][1], r2.Backends[1].Groups[0][0]; a.Name != "a" || b.Provider != "anthropic" || named.Secret.Reveal() != "k" || a.Passthrough == nil {
		t.Errorf("%+v %+v %+v", a, b, named)
	}
	if cors := c.Snapshot.Binds["[::]:3001"].Listeners[0].Gate.CORS; cors == nil || cors.Methods != "GET, POST" || cors.MaxAge != "90" || !cors.Credentials || cors.Origins[0] != "https://a" {
		t.Errorf("%+v", cors)
	}
	if r3 := route(t, c, "[::]:3001", "h", "/direct"); r3.Direct == nil || r3.Direct.Status != 404 || r3.Direct.Body != "none" || r3.Unserved != "" {
		t.Errorf("%+v", r3)
	}
	if r4 := route(t, c, "[::]:3001", "h", "/host"); r4.Unserved != "" || r4.Backends[0].Unserved != "" || r4.Backends[0].Plain == nil || r4.Backends[0].Groups[0][0].Endpoint.Host != "h:1" {
		t.Errorf("%+v", r4)
	}
}

// What stands closer to a provider comes before what stands around it.
func TestLayersOfPolicies(t *testing.T) {
	c := compiled(t, `
binds:
- port: 1
  listeners:
  - routes:
    - policies: {backendAuth: {key: of-route}, requestHeaderModifier: {set: {x-of: route}}}
      backends:
      - {ai: {provider: {openAI: {}}}}
      - {ai: {provider: {openAI: {}}}, policies: {backendAuth: {key: of-backend}}}
      - {backend: named}
      - {backend: named, policies: {backendAuth: {key: of-reference}}}
      - {ai: {groups: [{providers: [{name: a, provider: {openAI: {}}, policies: {backendAuth: {key: of-provider}}}]}]}, policies: {backendAuth: {key: of-backend}}}
backends:
- {name: named, policies: {backendAuth: {key: of-named}, requestHeaderModifier: {set: {x-of: named}}}, ai: {provider: {openAI: {}}}}
`)
	var got []string
	for _, b := range route(t, c, "[::]:1", "h", "/").Backends {
		target := b.Groups[0][0]
		got = append(got, target.Secret.Reveal())
		if of := "x-of: " + map[bool]string{true: "named", false: "route"}[target.Secret.Reveal() == "of-named" || target.Secret.Reveal() == "of-reference"]; !strings.Contains(target.Static, of) {
			t.Errorf("%s sends %q", target.Secret.Reveal(), target.Static)
		}
	}
	if s := strings.Join(got, " "); s != "of-route of-backend of-named of-reference of-provider" {
		t.Errorf("credentials are %s", s)
	}
}

func TestProcessSettings(t *testing.T) {
	c := compiled(t, `
config: {enableIpv6: false, metrics: {fields: {add: {team: apiKey.team}}}}
frontendPolicies: {accessLog: {add: {a: request.path, b: request.host}}}
tollgate: {compat: agentgateway, limits: {maxBodyBytes: 11, maxResponseBodyBytes: 12, maxSpoolBytes: 13}}
llm: {models: []}
`)
	s := c.Snapshot
	if s.Binds["0.0.0.0:4000"] == nil || !s.Plain || s.MaxBody != 11 || s.MaxAnswer != 12 || s.Form.Total != 13 || len(s.MetricFields) != 1 || len(s.LogFields) != 2 {
		t.Errorf("%+v", s)
	}
	if s.FieldNames == nil || strings.Join(s.FieldNames.Metric, " ") != "team" || strings.Join(s.FieldNames.Log, " ") != "a b" {
		t.Errorf("%+v", s.FieldNames)
	}
	if s := compiled(t, "llm: {models: []}\n").Snapshot; s.FieldNames != nil || s.Plain || s.MaxBody != 32<<20 || s.MaxAnswer != 8<<20 {
		t.Errorf("%+v", s)
	}
}

// Problems and warnings that only compiling finds, as they are told.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"expression", "llm:\n  models: []\n  policies:\n    authorization: {rules: [\"apiKey.user ==\"]}\n", "c.yaml:4:29: llm.policies.authorization.rules[0]: line 1"},
		{"key of a limit", "llm:\n  models: []\n  policies:\n    localRateLimit: [{maxTokens: 1, tokensPerFill: 1, fillInterval: 1s, key: \"nothing.at.all\"}]\n", "c.yaml:4:78: llm.policies.localRateLimit[0].key: "},
		{"the same key twice", "llm:\n  models: []\n  policies:\n    apiKey:\n      keys:\n      - key: sk-a\n      - key: sk-b\n      - key: sk-a\n", "c.yaml:8:"},
		{"credential in a query", "llm:\n  models:\n  - {name: a, provider: openAI, auth: {key: {value: k, location: {queryParameter: {name: x}}}}}\n", "not supported yet; use a header"},
		{"no certificate", "llm:\n  tls: {cert: bad.pem, key: bad.pem}\n  models: []\n", "bad.pem"},
		{"framing header", "llm:\n  models:\n  - {name: a, provider: openAI, requestHeaders: {set: {content-length: \"1\"}}}\n", "c.yaml:3:"},
		{"mixed TLS", "binds: [{port: 1, listeners: [{name: a, protocol: HTTPS, tls: {cert: cert.pem, key: key.pem}}, {name: b, hostname: x}]}]\n", "a port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProcess()
			cert, key := certificate(t)
			p.files = map[string]string{"bad.pem": "no PEM", "cert.pem": cert, "key.pem": key}
			compiled, report := p.compile(c.text)
			if err := report.Err(); compiled != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("compiled %v: %v\nwant %s", compiled != nil, err, c.want)
			}
			if strings.Contains(report.Err().Error(), "sk-a") {
				t.Error("a problem quotes a key")
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	_, report := newProcess().compile("llm:\n  models: []\n  policies:\n    authorization: {rules: ['request.startTime == \"x\"']}\n")
	if report.Err() != nil || len(report.Warnings) != 1 || !strings.HasPrefix(report.Warnings[0].String(), "c.yaml:4:29: llm.policies.authorization.rules[0]: request.startTime") {
		t.Errorf("%v %v", report.Err(), report.Warnings)
	}
	// The same in a rule that denies would guard nothing.
	_, report = newProcess().compile("llm:\n  models: []\n  policies:\n    authorization: {rules: [{deny: 'request.startTime == \"x\"'}]}\n")
	if err := report.Err(); err == nil || !strings.Contains(err.Error(), "would never deny anything") || !strings.HasPrefix(err.Error(), "c.yaml:4:") {
		t.Errorf("%v", err)
	}
}

// A refused configuration leaves no trace in what is live.
func TestRefusedConfigurationsLeaveNoTrace(t *testing.T) {
	p := newProcess()
	first := p.force(t, limited("5", "simple"))
	if c, report := p.compile("llm: {models: [], policies: {authorization: {rules: [\"((\"]}}}\n"); c != nil || report.Err() == nil {
		t.Fatal("not refused")
	}
	again := p.force(t, limited("5", "simple"))
	if llm(t, again).Limits[0].Limiter != llm(t, first).Limits[0].Limiter {
		t.Error("the limiter is another one")
	}
}

func limited(max, name string) string {
	return "llm:\n  policies: {localRateLimit: [{maxTokens: " + max + ", tokensPerFill: 1, fillInterval: 1h}]}\n  models: [{name: " + name + ", provider: openAI}]\n"
}

func hexOf(d vkey.Digest) string { return hex.EncodeToString(d[:]) }

func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

func TestTLS(t *testing.T) {
	p := newProcess()
	cert, key := certificate(t)
	p.files = map[string]string{"cert.pem": cert, "key.pem": key}
	bind := func(text string) *gateway.Bind {
		t.Helper()
		for _, b := range p.force(t, text).Snapshot.Binds {
			return b
		}
		return nil
	}
	b := bind("llm: {port: 1, tls: {cert: cert.pem, key: key.pem}, models: []}\n")
	if b.TLS == nil || len(b.TLS.Certificates) != 1 || b.TLS.MinVersion != tls.VersionTLS12 || b.TLS.ClientAuth != tls.NoClientCert || b.Address != "[::]:1" {
		t.Errorf("%+v", b)
	}
	b = bind("llm: {port: 1, tls: {cert: cert.pem, key: key.pem, root: cert.pem, minTLSVersion: TLS_V1_3}, models: []}\n")
	if b.TLS.ClientAuth != tls.RequireAndVerifyClientCert || b.TLS.ClientCAs == nil || b.TLS.MinVersion != tls.VersionTLS13 {
		t.Errorf("%+v", b.TLS)
	}
	if b := bind("llm: {port: 1, models: []}\n"); b.TLS != nil {
		t.Error("TLS without a certificate")
	}
}

// Limits and the health of targets outlive a reload as long as they are the same ones.
func TestReloads(t *testing.T) {
	p := newProcess()
	first := p.force(t, limited("5", "a"))
	one := llm(t, first)
	same := llm(t, p.force(t, limited("9", "a")))
	if same.Limits[0].Limiter != one.Limits[0].Limiter || same.Limits[0].Limiter.Rule().Max != 9 {
		t.Errorf("another limiter, or the old rule: %+v", same.Limits[0].Limiter.Rule())
	}
	if same.Models.Entries[0].Target.Health != one.Models.Entries[0].Target.Health {
		t.Error("the health of a target was forgotten")
	}
	// Until it is in force a configuration changes nothing.
	if c, _ := p.compile(limited("1", "a")); c == nil || same.Limits[0].Limiter.Rule().Max != 9 {
		t.Error("a rule changed before its configuration was in force")
	}
	renamed := llm(t, p.force(t, limited("9", "b")))
	if renamed.Models.Entries[0].Target.Health == one.Models.Entries[0].Target.Health {
		t.Error("another target has the same health")
	}
	back := llm(t, p.force(t, limited("9", "a")))
	if back.Models.Entries[0].Target.Health == one.Models.Entries[0].Target.Health {
		t.Error("the health of a target that was gone is remembered")
	}
	elsewhere := llm(t, p.force(t, strings.Replace(limited("9", "a"), "openAI", "openAI, params: {baseUrl: \"http://elsewhere\"}", 1)))
	if elsewhere.Models.Entries[0].Target.Health == back.Models.Entries[0].Target.Health {
		t.Error("a target at another place has the same health")
	}
	p.force(t, "llm: {models: []}\n")
	if anew := llm(t, p.force(t, limited("9", "a"))); anew.Limits[0].Limiter == one.Limits[0].Limiter {
		t.Error("a limit that was gone is remembered")
	}
}

// Two targets are one only if they are the same place under the same name.
func TestIdentitiesOfTargets(t *testing.T) {
	c := compiled(t, `
llm:
  models:
  - {name: a, provider: openAI, params: {baseUrl: "http://one"}}
  - {name: b, provider: openAI, params: {baseUrl: "http://one"}}
  - {name: c, provider: openAI, params: {baseUrl: "http://two"}}
`)
	seen := map[*routing.Health]bool{}
	for _, e := range llm(t, c).Models.Entries {
		seen[e.Target.Health] = true
	}
	if len(seen) != 3 || len(c.Targets) != 3 {
		t.Errorf("%d healths of 3 targets: %v", len(seen), c.Targets)
	}
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
