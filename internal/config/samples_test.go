package config_test

import (
	"reflect"
	"testing"
	"time"

	"tollgate/internal/config"
)

// samples are valid configurations that between them have every field of the
// format; the tests of the schema use them too.
var samples = map[string]string{
	"keys": keysConfig, "budget": budgetConfig, "model": modelSample, "route": routeSample, "process": processSample, "virtual": virtualSample, "limits": limitSample,
}

var sampleWorld = world{
	env: map[string]string{"OPENAI_API_KEY": "sk-env", "PORT": "4003", "CONCURRENT": "8"},
	files: map[string]string{
		"key.txt": " from-file \n", "cert.pem": "CERT", "key.pem": "KEY", "root.pem": "ROOT", "prices.json": `{"providers": {}}`, "more.json": "{}",
	},
}

const modelSample = `
gateways:
  front:
    port: $PORT
    protocol: HTTPS
    tls: {cert: cert.pem, key: key.pem, root: root.pem, minTLSVersion: TLS_V1_2, maxTLSVersion: TLS_V1_3}
    listeners:
    - {name: a, namespace: ns, hostname: "*.example.com", policies: {cors: {allowOrigins: ["*"]}}, apiKey: {keys: [{key: sk-front}]}}
    - {hostname: other.example.com, protocol: HTTPS, tls: {cert: cert.pem, key: key.pem, minTlsVersion: TLS_V1_3, maxTlsVersion: TLS_V1_3}}
    apiKey: {keys: [{key: sk-front}]}
    policies: {authorization: {rules: ["true"]}}
llm:
  gateways: [front/a, front/listener1]
  providers:
  - {name: shared, provider: groq, params: {apiKey: $OPENAI_API_KEY, model: base, tokenize: true}, defaults: {defaults: {a: 1, b: 2}, overrides: {o: 1, p: 1}, requestHeaders: {set: {x-p: "1"}}, responseHeaders: {remove: [x-q]}, backendTLS: {hostname: shared}, health: {eviction: {duration: 9s}}}}
  - {name: keyed, provider: openai, defaults: {tls: {}, auth: {key: k}}}
  policies:
    apiKey:
      mode: permissive
      keys:
      - {key: {file: key.txt}, allowedModels: ["gpt-4o", "claude-*", "*-mini", "*"], metadata: {agentgateway.dev/id: x, n: 1, f: 0.5, list: [a, true, null], deep: {x: y}}}
      - {keyHash: "sha256:477fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f", allowedModels: []}
      location: {cookie: {name: session}}
    authorization: {rules: ['apiKey.team == "red"', {deny: "false"}, {require: "true"}, {allow: "true"}, true]}
    cors: {allowCredentials: true, allowHeaders: [x-a], allowMethods: [GET], allowOrigins: ["https://a.example"], exposeHeaders: [x-b], maxAge: 10m}
    localRateLimit: [{maxTokens: 10, tokensPerFill: 1, fillInterval: 1d, type: tokens, key: apiKey.user}]
    timeout: {requestTimeout: 2m, backendRequestTimeout: 1m}
  models:
  - name: full
    id: id-1
    visibility: internal
    provider: openAI
    params: {model: m, apiKey: {file: key.txt}, baseUrl: "https://api.example.com:8443/v1/", tokenize: true}
    defaults: {temperature: 0.2, nothing: null, s: "text", big: 12345678901234567890, list: [1, {a: b}]}
    overrides: {user: forced}
    passthrough: detect
    authorization: {rules: ["true"]}
    requestHeaders: {add: {x-a: "1"}, set: {x-b: "2"}, remove: [x-c]}
    responseHeaders: {remove: [x-d]}
    tls: {cert: cert.pem, key: key.pem, root: root.pem, hostname: h, insecure: true, insecureHost: true, alpn: [h2]}
    health: {unhealthyExpression: "response.code >= 500", eviction: {duration: 10s, consecutiveFailures: 3}}
    matches: [{headers: [{name: x-tier, value: {exact: gold}}, {name: x-re, value: {regex: "a.*"}}]}]
  - {name: old, provider: {openAI: {model: m2}}, params: {hostOverride: "127.0.0.1:3091", pathOverride: /x, pathPrefix: /v2}, backendTLS: {insecure: true}}
  - {name: url, provider: anthropic, params: {baseUrl: "http://h"}, auth: {key: {value: k, location: {queryParameter: {name: key}}}}, passthrough: opaque}
  - {name: own, provider: {custom: {model: own-model, providerOverride: mine, formats: [{type: completions, path: /chat}, {type: messages}]}}, params: {baseUrl: "http://h/base"}}
  - {name: ref, provider: {reference: shared}, params: {model: over}, defaults: {b: 3}, overrides: {p: 2}, tls: {hostname: own}, requestHeaders: {}}
  - {name: ref2, provider: {reference: shared}}
  - {name: ref3, provider: {reference: keyed}}
  - {name: sim, provider: {simulated: {latency: 20ms, tokenLatency: 5ms, model: s}}}
  - {name: sim2, provider: {simulated: }, id: , visibility: , params: , defaults: , passthrough: , auth: , matches: }
  - {name: pre, provider: {mistral: {}}, auth: {passthrough: {location: {header: {name: x-y}}}}}
`

func TestModelSample(t *testing.T) {
	c, report := sampleWorld.load(modelSample)
	if err := report.Err(); err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	g, _ := c.Gateways.Get("front")
	if g.Port != 4003 || len(g.Listeners) != 2 || g.Listeners[1].Name != "listener1" || g.Listeners[0].Protocol != "HTTPS" ||
		g.Listeners[0].TLS.Key.Content.Reveal() != "KEY" || g.APIKey == nil || g.Authorization == nil || g.Policies != nil {
		t.Errorf("gateway %+v", g)
	}
	if a, b := g.Listeners[0], g.Listeners[1]; a.Policies.APIKey == nil || a.Policies.CORS == nil || a.APIKey != nil || b.TLS.Min != "TLS_V1_3" || b.TLS.Max != "TLS_V1_3" {
		t.Errorf("listeners %+v, %+v", a, b)
	}
	if got := c.LLM.Gateways; len(got) != 2 || got[0].Gateway != "front" || got[0].Listener != "a" || c.LLM.Port != 0 {
		t.Errorf("attached to %+v, port %d", got, c.LLM.Port)
	}
	keys := c.LLM.Policies.APIKey
	want := config.Metadata{"agentgateway.dev/id": "x", "n": int64(1), "f": 0.5, "list": []any{"a", true, nil}, "deep": map[string]any{"x": "y"}}
	if keys.Keys[0].Key.Text.Reveal() != "from-file" || !reflect.DeepEqual(keys.Keys[0].Metadata, want) || len(*keys.Keys[0].AllowedModels) != 4 {
		t.Errorf("key %+v", keys.Keys[0])
	}
	if k := keys.Keys[1]; !k.Hash.Given() || k.Hash.Digest[0] != 0x47 || k.AllowedModels == nil || len(*k.AllowedModels) != 0 {
		t.Errorf("key %+v", k)
	}
	if keys.Location.Cookie.Name != "session" {
		t.Errorf("location %+v", keys.Location)
	}
	effects := []config.Effect{config.Allow, config.Deny, config.Require, config.Allow, config.Allow}
	for i, rule := range c.LLM.Policies.Authorization.Rules {
		if rule.Effect != effects[i] || rule.Expr.Empty() || rule.Expr.At.Line != 24 {
			t.Errorf("rule %d: %+v", i, rule)
		}
	}
	if l := c.LLM.Policies.LocalRateLimit[0]; l.FillInterval != 24*time.Hour || l.Key.Text != "apiKey.user" {
		t.Errorf("limit %+v", l)
	}
	if out := c.LLM.Policies.Timeout; out.Request != 2*time.Minute || out.BackendRequest != time.Minute {
		t.Errorf("timeout %+v", out)
	}
	if len(c.Files) != 4 {
		t.Errorf("files %v", c.Files)
	}
	testModels(t, c.LLM.Models)
}

func testModels(t *testing.T, models []config.Model) {
	full, old, url, own, ref, ref2, ref3, sim := models[0], models[1], models[2], models[3], models[4], models[5], models[6], models[7]
	if b := full.Params.BaseURL; !b.TLS || b.Host != "api.example.com:8443" || b.Path != "/v1" {
		t.Errorf("base URL %+v", b)
	}
	for name, want := range map[string]string{
		"temperature": "0.2", "nothing": "null", "s": `"text"`, "big": "12345678901234567890", "list": `[1,{"a":"b"}]`,
	} {
		if got, _ := full.Defaults.Get(name); string(got) != want {
			t.Errorf("default %s is %s", name, got)
		}
	}
	if full.Health.Eviction.Duration != 10*time.Second || full.Health.Eviction.ConsecutiveFailures != 3 || full.TLS.Root.Content.Reveal() != "ROOT" ||
		*full.Matches[0].Headers[0].Value.Exact != "gold" || *full.Matches[0].Headers[1].Value.Regex != "a.*" || full.RequestHeaders.Set[0].Value != "2" {
		t.Errorf("model %+v", full)
	}
	if old.Params.Model != "m2" || old.Params.HostOverride.Host != "127.0.0.1" || old.Params.HostOverride.Port != 3091 || !old.TLS.Insecure {
		t.Errorf("model %+v", old)
	}
	if b := url.Params.BaseURL; b.TLS || b.Host != "h:80" || b.Path != "" || url.Auth.Key.Location.Query.Name != "key" {
		t.Errorf("model %+v", url)
	}
	if p := own.Provider; p.Kind != config.KindCustom || p.Name != "mine" || own.Params.Model != "own-model" || len(p.Formats) != 2 || p.Formats[0].Path != "/chat" {
		t.Errorf("custom provider %+v", p)
	}
	if ref.Provider.Kind != "groq" || ref.Provider.Preset == nil || ref.Provider.Reference != "shared" || ref.Params.Model != "over" ||
		ref.Params.APIKey.Text.Reveal() != "sk-env" || !ref.Params.Tokenize {
		t.Errorf("resolved %+v", ref)
	}
	a, _ := ref.Defaults.Get("a")
	b, _ := ref.Defaults.Get("b")
	if string(a) != "1" || string(b) != "3" || ref2.Params.Model != "base" || len(ref2.Defaults) != 2 {
		t.Errorf("defaults of a reference: %s, %s, %+v", a, b, ref2)
	}
	o, _ := ref.Overrides.Get("o")
	p, _ := ref.Overrides.Get("p")
	if string(o) != "1" || string(p) != "2" || ref.TLS.Hostname != "own" || len(ref.RequestHeaders.Set) != 0 || ref.ResponseHeaders.Remove[0] != "x-q" ||
		ref.Health.Eviction.Duration != 9*time.Second {
		t.Errorf("a model over its provider: %s, %s, %+v", o, p, ref)
	}
	if ref2.TLS.Hostname != "shared" || ref2.RequestHeaders.Set[0].Name != "x-p" || len(ref2.Overrides) != 2 || ref3.Auth.Key.Value.Text.Reveal() != "k" || ref3.TLS == nil {
		t.Errorf("a model of its provider: %+v, %+v", ref2, ref3)
	}
	if s := sim.Provider.Simulated; s.Latency != 20*time.Millisecond || s.TokenLatency != 5*time.Millisecond || sim.Params.Model != "s" {
		t.Errorf("simulated %+v", s)
	}
}

const routeSample = `
gateways: {default: {port: 4000, bindAddress: 127.0.0.1}, side: {port: 4001, bindAddress: "::", tls: {cert: cert.pem, key: key.pem}}}
backends: [{name: shared, ai: {provider: {openai: {}}}, policies: {backendAuth: {key: k}}}, {name: plain, host: "[::1]:8080"}]
routes:
- name: all
  namespace: ns
  ruleName: rule
  gateways: side
  hostnames: ["*.example.com", a.example.com]
  matches:
  - {path: {exact: /a}, method: POST, headers: [{name: ":method", value: {exact: POST}}], query: [{name: q, value: {exact: ""}}]}
  - {path: {regex: &re "/r.*"}}
  - {path: {regex: ["/s.*", 3]}}
  - {path: {regex: [*re]}}
  - {method: GET}
  policies:
    apiKey: {keys: [], location: {expression: 'request.headers["x-k"]'}}
    authorization: {rules: []}
    cors: {}
    localRateLimit: []
    requestHeaderModifier: {set: {a: b}}
    responseHeaderModifier: {add: {c: d}}
    urlRewrite: {authority: {full: "h:1"}, path: {full: /v1/chat/completions}}
    timeout: {requestTimeout: 1m, backendRequestTimeout: 30s}
    retry: {attempts: 3, backoff: 10ms, codes: [500, 503], precondition: "true", condition: "false"}
    ai:
      defaults: {a: 1}
      overrides: {b: 2}
      prompts: {prepend: [{role: system, content: Be brief.}], append: [{role: user, content: Bye.}]}
      modelAliases: {fast: gpt-4o-mini, "claude-*": gpt-4o}
      routes: {/v1/chat/completions: completions, "*": passthrough}
    backendAuth: {passthrough: {}}
    backendTLS: {}
    health: {}
  backends:
  - weight: 3
    policies: {requestHeaderModifier: {}, responseHeaderModifier: {}, ai: {}, backendAuth: {key: k}, backendTLS: {}, health: {eviction: {duration: 0}}}
    ai:
      groups:
      - providers:
        - {name: first, provider: openAI, hostOverride: host, pathOverride: /p, pathPrefix: /q, tokenize: true, policies: {backendAuth: {key: {file: key.txt}}}}
        - {provider: {anthropic: }, backendAuth: {key: k}, backendTLS: {}, requestHeaderModifier: {}, responseHeaderModifier: {}, ai: {}, health: {}, policies: {}}
      - providers: [{provider: {simulated: {}}}]
  - {backend: shared, weight: 0}
- matches: [{path: {pathPrefix: /llm}}]
  policies: {urlRewrite: {path: {prefix: ""}, authority: auto}, directResponse: {status: 418, body: short and stout}}
- policies: {urlRewrite: {authority: {host: h}}}
  backends: [{ai: {provider: {xai: {model: grok}}}}]
- policies: {urlRewrite: {authority: {port: 81}}, backendAuth: {key: {value: k, location: {header: {name: x}}}}}
  backends: [{ai: {provider: ollama}}]
- policies: {requestRedirect: {scheme: https, authority: {host: h}, path: {prefix: /x}, status: 308}}
- policies: {requestRedirect: {}, backendTLS: {}}
- backends: [{host: "example.com:80", policies: {backendTLS: {hostname: h}}}, {backend: plain}]
`

func TestRouteSample(t *testing.T) {
	c, report := sampleWorld.load(routeSample)
	if err := report.Err(); err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	side, _ := c.Gateways.Get("side")
	if side.Listeners[0].Protocol != "HTTPS" || side.Listeners[0].Name != "listener0" {
		t.Errorf("listener %+v", side.Listeners[0])
	}
	r := c.Routes[0]
	if r.Gateways[0].Gateway != "side" || c.Routes[1].Gateways[0].Gateway != "default" || c.Routes[1].Name != "route1" {
		t.Errorf("attached to %v and %v", r.Gateways, c.Routes[1].Gateways)
	}
	if r.Matches[0].Path.Exact != "/a" || *r.Matches[0].Query[0].Value.Exact != "" || r.Matches[1].Path.Regex != "/r.*" ||
		r.Matches[2].Path.Regex != "/s.*" || r.Matches[3].Path.Regex != "/r.*" || r.Matches[4].Path.Prefix != "/" {
		t.Errorf("matches %+v", r.Matches)
	}
	p := r.Policies
	if *p.URLRewrite.Path.Full != "/v1/chat/completions" || p.URLRewrite.Authority.Mode != "full" || p.URLRewrite.Authority.Host != "h:1" ||
		p.Timeout.Request != time.Minute || p.Timeout.BackendRequest != 30*time.Second || p.Retry.Attempts != 3 || p.Retry.Codes[1] != 503 ||
		p.AI.Prompts.Prepend[0].Content != "Be brief." || p.AI.ModelAliases[1].Name != "claude-*" || p.AI.Routes[0].Value != "completions" ||
		p.BackendAuth.Passthrough == nil || p.APIKey.Location.Expression.Empty() {
		t.Errorf("policies %+v", p)
	}
	b := r.Backends[0]
	first := b.AI.Groups[0].Providers[0]
	if b.Weight != 3 || len(b.AI.Groups) != 2 || first.HostOverride.Host != "host" || first.HostOverride.Port != 0 || !first.Tokenize ||
		b.AI.Groups[0].Providers[1].Provider.Kind != config.KindAnthropic || r.Backends[1].Weight != 0 || r.Backends[1].Backend != "shared" {
		t.Errorf("backend %+v", b)
	}
	beside := b.AI.Groups[0].Providers[1]
	if p := beside.Policies; p.BackendAuth.Key.Value.Text.Reveal() != "k" || p.BackendTLS == nil || p.RequestHeaders == nil || p.ResponseHeaders == nil ||
		p.AI == nil || p.Health == nil || !reflect.ValueOf(beside.BackendPolicies).IsZero() {
		t.Errorf("policies beside policies: %+v", beside)
	}
	if p := c.Routes[1].Policies; p.DirectResponse.Status != 418 || *p.URLRewrite.Path.Prefix != "" || p.URLRewrite.Authority.Mode != "auto" || c.Routes[1].Unserved != "" {
		t.Errorf("policies %+v", p)
	}
	if a := c.Routes[2].Policies.URLRewrite.Authority; a.Mode != "host" || a.Host != "h" || c.Routes[2].Policies.URLRewrite.Path != nil {
		t.Errorf("authority %+v", a)
	}
	if a := c.Routes[3].Policies.URLRewrite.Authority; a.Mode != "port" || a.Port != 81 {
		t.Errorf("authority %+v", a)
	}
	if d, _ := c.Gateways.Get("default"); d.BindAddress != "127.0.0.1" || side.BindAddress != "::" {
		t.Errorf("addresses %q and %q", d.BindAddress, side.BindAddress)
	}
	if to := c.Routes[4].Policies.RequestRedirect; to.Scheme != "https" || to.Authority.Host != "h" || *to.Path.Prefix != "/x" || to.Status != 308 || c.Routes[4].Unserved != "" {
		t.Errorf("redirect %+v, %q", to, c.Routes[4].Unserved)
	}
	if to := c.Routes[5].Policies.RequestRedirect; to.Status != 302 || to.Path != nil || to.Authority != nil {
		t.Errorf("redirect %+v", to)
	}
	if plain := c.Routes[6].Backends[0]; len(plain.Endpoints) != 1 || plain.Endpoints[0] != plain.Host || plain.Host.Host != "example.com" || plain.Host.Port != 80 ||
		plain.Unserved != "" || c.Backends[1].Host.Host != "::1" || c.Backends[1].Unserved != "" {
		t.Errorf("plain backends %+v, %+v", plain, c.Backends[1])
	}
}

const virtualSample = `
llm:
  port: 4000
  tls: {cert: cert.pem, key: key.pem}
  models: [{name: "a*", provider: simulated}, {name: "*b", provider: simulated}]
  virtualModels:
  - {name: w, routing: {weighted: {targets: [{model: a1}, {model: xb, weight: 0}]}}}
  - {name: f, routing: {failover: {targets: [{model: a1, priority: 1}, {model: a2}]}}}
  - {name: c, routing: {conditional: {targets: [{model: a1, when: "true"}, {model: a2}]}}}
`

func TestVirtualSample(t *testing.T) {
	c, report := sampleWorld.load(virtualSample)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	v := c.LLM.VirtualModels
	if w := v[0].Routing.Weighted.Targets; w[0].Weight != 1 || w[1].Weight != 0 {
		t.Errorf("weights %+v", w)
	}
	if f := v[1].Routing.Failover.Targets; f[0].Priority != 1 || f[1].Priority != 0 {
		t.Errorf("priorities %+v", f)
	}
	if k := v[2].Routing.Conditional.Targets; k[0].When.Text != "true" || !k[1].When.Empty() {
		t.Errorf("conditions %+v", k)
	}
	if c.LLM.TLS == nil || c.LLM.Port != 4000 {
		t.Errorf("listener %+v", c.LLM)
	}
}

const processSample = `
config:
  adminAddr: "127.0.0.1:1"
  statsAddr: off
  readinessAddr: unix:/run/ready
  enableIpv6: false
  logging: {level: [warn, "x=debug"], format: json, fields: {add: {user: apiKey.user}, remove: [src.addr]}}
  modelCatalog: [{file: prices.json}, {inline: {providers: {openai: {models: {}}}}}, {inline: "{}"}]
  metrics: {remove: [a], fields: {add: {user_id: apiKey.user}}}
  tracing:
    otlpEndpoint: http://otel:4318
    headers: {authorization: $OPENAI_API_KEY}
    otlpProtocol: http
    path: /t
    randomSampling: 0.5
    clientSampling: true
    fields: {add: {a: "1"}, remove: [b]}
  backend: {connectTimeout: 1s, poolIdleTimeout: 2s, poolMaxSize: 3}
  connectionTerminationDeadline: 7s
  connectionMinTerminationDeadline: 1s
frontendPolicies:
  http: {maxBufferSize: 1000}
  logging: {add: {team: apiKey.team}, remove: [http.path]}
tollgate:
  compat: agentgateway
  dataDir: ~/data
  metrics: {keyLabels: [key_id, key_name], maxKeys: 7}
  accessLog: {enabled: false, path: access.log}
  limits: {maxResponseBodyBytes: 2, maxSpoolBytes: 3}
  bodyTimeout: 1s
  writeTimeout: 2s
`

func TestProcessSample(t *testing.T) {
	c, report := sampleWorld.load(processSample)
	check(t, warnings(report), `
c.yaml:7:27: config.logging.level: directives for single modules have no effect`)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	p := c.Process
	if p.AdminAddr.Value != "127.0.0.1:1" || !p.StatsAddr.Off() || p.ReadinessAddr.Unix() != "/run/ready" || p.EnableIPv6 ||
		p.Logging.Level != "warn" || p.Metrics.Remove[0] != "a" || p.Metrics.Fields.Add[0].Value.Text != "apiKey.user" ||
		p.Backend.ConnectTimeout != time.Second || p.Backend.IdleTimeout != 2*time.Second || p.Backend.MaxIdle != 3 || p.MinimumDrain != time.Second {
		t.Errorf("process %+v", p)
	}
	f := c.Frontend
	if len(f.AccessLog.Add) != 2 || len(f.AccessLog.Remove) != 2 || f.AccessLog.Add[1].Name != "user" {
		t.Errorf("access log %+v", f.AccessLog)
	}
	if tr := f.Tracing; tr.Endpoint != "http://otel:4318" || tr.Protocol != "http" || tr.Path != "/t" || tr.RandomSampling.Text != "0.5" ||
		tr.ClientSampling.Text != "true" || tr.Attributes[0].Name != "a" || tr.Remove[0] != "b" || tr.Headers[0].Value.Text.Reveal() != "sk-env" {
		t.Errorf("tracing %+v", tr)
	}
	g := c.Tollgate
	if g.Compat != "agentgateway" || g.DataDir != "/home/me/data" || len(g.Metrics.KeyLabels) != 2 || g.Metrics.MaxKeys != 7 || g.AccessLog.Enabled ||
		g.AccessLog.Format != "json" || g.AccessLog.Path != "access.log" || g.Limits != (config.Limits{MaxBodyBytes: 1000, MaxResponseBodyBytes: 2, MaxSpoolBytes: 3}) ||
		g.DrainTimeout != 7*time.Second || g.BodyTimeout != time.Second || g.WriteTimeout != 2*time.Second {
		t.Errorf("tollgate %+v", g)
	}
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t, "frontendPolicies: {tracing: {host: 'otel:4317'}}")
	p := c.Process
	if p.AdminAddr.Value != "localhost:15000" || p.StatsAddr.Value != "[::]:15020" || p.ReadinessAddr.Value != "[::]:15021" || !p.EnableIPv6 ||
		p.Backend.ConnectTimeout != 10*time.Second || p.Backend.IdleTimeout != 90*time.Second || p.Termination != 5*time.Second {
		t.Errorf("process %+v", p)
	}
	if tr := c.Frontend.Tracing; tr.Host != "otel:4317" || tr.Protocol != "grpc" || tr.Path != "/v1/traces" || tr.RandomSampling.Text != "false" || tr.ClientSampling.Text != "true" {
		t.Errorf("tracing %+v", tr)
	}
	g := c.Tollgate
	if !g.AccessLog.Enabled || g.AccessLog.Format != "text" || g.Metrics.MaxKeys != 1000 || g.DrainTimeout != 5*time.Second || g.BodyTimeout != time.Minute ||
		g.Limits != (config.Limits{MaxBodyBytes: 32 << 20, MaxResponseBodyBytes: 8 << 20, MaxSpoolBytes: 200 << 20}) {
		t.Errorf("tollgate %+v", g)
	}
	if c := mustLoad(t, "gateways: {default: {port: 1}}\nllm: {models: []}"); len(c.LLM.Gateways) != 1 || c.LLM.Gateways[0].Gateway != "default" || c.LLM.Port != 0 {
		t.Errorf("models attach to %+v, port %d", c.LLM.Gateways, c.LLM.Port)
	}
	if c := mustLoad(t, "gateways: {default: {port: 1}}\nllm: {models: [], port: 2}"); len(c.LLM.Gateways) != 0 || c.LLM.Port != 2 {
		t.Errorf("models attach to %+v, port %d", c.LLM.Gateways, c.LLM.Port)
	}
}

func TestPresets(t *testing.T) {
	for _, name := range []string{
		"cohere", "ollama", "baseten", "cerebras", "deepinfra", "deepseek", "groq", "huggingface", "mistral", "openrouter", "togetherai", "xai", "fireworks",
	} {
		c := mustLoad(t, "llm: {models: [{name: a, provider: "+name+"}]}")
		p := c.LLM.Models[0].Provider
		if p.Preset == nil || p.Preset.Name != name || string(p.Kind) != name || p.Preset.Host == "" || len(p.Preset.Operations) == 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if p := config.PresetNamed("groq"); p.Host != "api.groq.com:443" || p.Path != "/openai/v1" || !p.TLS {
		t.Errorf("%+v", p)
	}
	if config.PresetNamed("openAI") != nil {
		t.Error("openAI is no preset")
	}
}
