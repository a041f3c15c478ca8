package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/config"
)

// The two configurations that users come with.
const (
	keysConfig = `# yaml-language-server: $schema=https://agentgateway.dev/schema/config
# price $0.10, ${NOT_SET} and ~nobody
llm:
  policies:
    apiKey:
      mode: strict
      keys:
      - {key: sk-alice-abc123def456, metadata: {user: alice}}
      - {key: sk-bob-xyz789uvw012, metadata: {user: bob}}
  models:
  - name: "*"
    provider: openAI
    params: {apiKey: "$OPENAI_API_KEY"}
`
	budgetConfig = `
binds:
- port: 4000
  listeners:
  - routes:
    - backends:
      - ai: {name: openai, provider: {openAI: {model: gpt-3.5-turbo}}}
      policies:
        apiKey:
          mode: strict
          keys:
          - {key: sk-alice-abc123def456, metadata: {user: alice}}
          - {key: sk-bob-xyz789uvw012, metadata: {user: bob}}
        backendAuth: {key: "$OPENAI_API_KEY"}
        localRateLimit:
        - {maxTokens: 100000, tokensPerFill: 100000, fillInterval: 86400s, type: tokens}
`
)

func TestLLM(t *testing.T) {
	c, report := world{env: map[string]string{"OPENAI_API_KEY": " sk-real\n"}}.load(keysConfig)
	if err := report.Err(); err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	l := c.LLM
	if l.Port != 4000 || len(l.Gateways) != 0 {
		t.Errorf("port %d, gateways %v", l.Port, l.Gateways)
	}
	keys := l.Policies.APIKey
	if keys.Mode != config.ModeStrict || len(keys.Keys) != 2 || keys.Keys[1].Key.Text.Reveal() != "sk-bob-xyz789uvw012" {
		t.Errorf("keys %+v", keys)
	}
	if k := keys.Keys[0]; k.Metadata["user"] != "alice" || k.AllowedModels != nil || k.Hash.Given() || k.At.Line != 8 {
		t.Errorf("key %+v", k)
	}
	m := l.Models[0]
	if m.Name != "*" || m.Provider.Kind != config.KindOpenAI || m.Params.APIKey.Text.Reveal() != "sk-real" || m.Visibility != "public" {
		t.Errorf("model %+v", m)
	}
	if got := m.Params.APIKey.At.String() + " " + m.Params.APIKey.At.Path; got != "c.yaml:13:22 llm.models[0].params.apiKey" {
		t.Errorf("position %s", got)
	}
	check(t, problems(t, world{}, keysConfig), `
c.yaml:13:22: llm.models[0].params.apiKey: environment variable not found: OPENAI_API_KEY; set it, or write ${OPENAI_API_KEY:-default}; $$ stands for a dollar sign`)
}

func TestBinds(t *testing.T) {
	c, report := world{env: map[string]string{"OPENAI_API_KEY": "k"}}.load(budgetConfig)
	if err := report.Err(); err != nil || len(report.Warnings) > 0 {
		t.Fatal(err, report.Warnings)
	}
	l := c.Binds[0].Listeners[0]
	r := l.Routes[0]
	if c.Binds[0].Port != 4000 || l.Name != "listener0" || l.Protocol != "HTTP" || r.Name != "route0" || r.Matches[0].Path.Prefix != "/" {
		t.Errorf("bind %+v", c.Binds[0])
	}
	limit := r.Policies.LocalRateLimit[0]
	if limit.MaxTokens != 100000 || limit.TokensPerFill != 100000 || limit.FillInterval != 24*time.Hour || limit.Type != "tokens" {
		t.Errorf("limit %+v", limit)
	}
	b := r.Backends[0]
	if b.Weight != 1 || b.Unserved != "" || len(b.AI.Groups) != 1 || b.AI.Groups[0].Providers[0].Name != "openai" ||
		b.AI.Groups[0].Providers[0].Provider.Model != "gpt-3.5-turbo" {
		t.Errorf("backend %+v", b)
	}
	if r.Policies.BackendAuth.Key.Value.Text.Reveal() != "k" || r.Unserved != "" {
		t.Errorf("route %+v", r)
	}
}

// TestCredentials are the three documented ways to give one, and the fourth.
func TestCredentials(t *testing.T) {
	const frame = `
binds:
- port: 3000
  listeners:
  - routes:
    - backends:
      - ai: {name: openai, provider: {openAI: {model: gpt-3.5-turbo}}}
      policies: {backendAuth: {%s}}
`
	w := world{env: map[string]string{"OPENAI_API_KEY": "real-123"}, files: map[string]string{"key.txt": "real-123\n"}}
	for _, form := range []string{
		`key: "real-123"`, `key: "$OPENAI_API_KEY"`, `key: {file: "key.txt"}`, `key: {value: " real-123 "}`,
		`key: {value: {file: key.txt}, location: {header: {name: x-key, prefix: "Token "}}}`,
	} {
		c, report := w.load(fmt.Sprintf(frame, form))
		if err := report.Err(); err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		key := c.Binds[0].Listeners[0].Routes[0].Policies.BackendAuth.Key
		if key.Value.Text.Reveal() != "real-123" {
			t.Errorf("%s: another credential", form)
		}
		fromFile := strings.Contains(form, "file")
		if fromFile != (key.Value.File == "key.txt") || fromFile != (len(c.Files) == 1) {
			t.Errorf("%s: file %q, files %v", form, key.Value.File, c.Files)
		}
		if located := key.Location != nil; located && (key.Location.Header.Name != "x-key" || key.Location.Header.Prefix != "Token ") {
			t.Errorf("%s: location %+v", form, key.Location)
		}
	}
	_, report := world{}.load(fmt.Sprintf(frame, `key: {file: "key.txt"}`))
	check(t, report.Err().Error(),
		`c.yaml:8:44: binds[0].listeners[0].routes[0].policies.backendAuth.key.file: cannot read the file key.txt: file does not exist`)
	if len(report.Files) != 1 || report.Files[0] != "key.txt" {
		t.Errorf("a file that cannot be read is not watched: %v", report.Files)
	}
}

func TestExpansion(t *testing.T) {
	w := world{env: map[string]string{"A": "a: [b, \"c\n#", "EMPTY": "", "PORT": "4001", "YES": "true", "LONG": "90s", "DOLLAR": "$A", "STRICT": "strict", "OPENAI": "openAI"}}
	for in, want := range map[string]string{
		`plain`: "plain", `$A`: w.env["A"], `"x${A}y"`: "x" + w.env["A"] + "y", `'$A$A'`: w.env["A"] + w.env["A"],
		`$$A`: "$A", `$$$$`: "$$", `"100$"`: "100$", `"$0.10"`: "$0.10", `"a $ b"`: "a $ b", `^/v1/.*$`: "^/v1/.*$",
		`"${NONE:-d e}"`: "d e", `"${NONE:-}"`: "", `"${EMPTY:-d}"`: "", `"${A:-d}"`: w.env["A"], `$DOLLAR`: "$A",
		`~/keys`: "/home/me/keys", `~x`: "~x", `x~/`: "x~/", `"$PORT.x"`: "4001.x", `"${NONE:-$A}"`: "$A",
	} {
		c, report := w.load("llm: {models: [{name: a, provider: simulated, defaults: {x: " + in + "}, requestHeaders: {}, id: " + in + "}]}")
		if err := report.Err(); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := c.LLM.Models[0].ID; got != want {
			t.Errorf("%s gave %q, want %q", in, got, want)
		}
		if x, _ := c.LLM.Models[0].Defaults.Get("x"); !strings.HasPrefix(string(x), `"`) {
			t.Errorf("%s in a free value gave %s", in, x)
		}
	}
	c, report := w.load(`{"gateways": {"default": {"port": "$PORT"}}, "llm": {"port": null, "models": [{"name": "a", "provider": "$OPENAI", "params": {"tokenize": "$YES"}}],
 "policies": {"apiKey": {"mode": "$STRICT", "keys": []}}}, "tollgate": {"drainTimeout": "$LONG"}}`)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if g, _ := c.Gateways.Get("default"); g.Port != 4001 || !c.LLM.Models[0].Params.Tokenize || c.Tollgate.DrainTimeout != 90*time.Second ||
		c.LLM.Policies.APIKey.Mode != config.ModeStrict || c.LLM.Models[0].Provider.Kind != config.KindOpenAI {
		t.Errorf("values from the environment: %+v", c)
	}
}

func TestExpansionProblems(t *testing.T) {
	const hint = "; write ${NAME} or ${NAME:-default}, and $$ for a dollar sign"
	for in, want := range map[string]string{
		`$NOPE`:        "environment variable not found: NOPE; set it, or write ${NOPE:-default}; $$ stands for a dollar sign",
		`"${NOPE}"`:    "environment variable not found: NOPE; set it, or write ${NOPE:-default}; $$ stands for a dollar sign",
		`"${A"`:        "a reference to the environment is malformed" + hint,
		`"${}"`:        "a reference to the environment is malformed" + hint,
		`"${a b}"`:     "a reference to the environment is malformed" + hint,
		`"${1}"`:       "a reference to the environment is malformed" + hint,
		`"${:-x}"`:     "a reference to the environment is malformed" + hint,
		`"${A-x}$Q$W"`: "a reference to the environment is malformed" + hint,
	} {
		got, _, _ := strings.Cut(problems(t, world{env: map[string]string{"A": "x", "Q": "q", "W": "w"}}, "llm:\n  models:\n  - {name: a, provider: simulated, id: "+in+"}"), "\n")
		check(t, got, "c.yaml:3:40: llm.models[0].id: "+want)
	}
	// What is not used is not expanded: names of fields, and what is left aside.
	_, report := world{}.load("mcp: {targets: [$NOPE]}\nllm: {models: [{name: a, provider: simulated, defaults: {$NOPE: 1}}]}")
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}

func TestText(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":  {"", "c.yaml:1:1: the configuration is empty"},
		"comments": {"# only\n# comments\n", "c.yaml:1:1: the configuration is empty"},
		"null":     {"~\n", "c.yaml:1:1: the configuration is empty"},
		"a list":   {"- a\n", "c.yaml:1:1: must be an object"},
		"indented": {
			"llm:\n  models:\n  - name: a\n    provider: openAI\n   params: {}\n  - name: b\n    provider: openAI\n",
			"c.yaml:5:1: the text is not valid YAML from this line on; is it indented like the lines that it belongs to? (did not find expected key)",
		},
		"broken":     {"llm:\n  models: [\n", "c.yaml:2:1: the text is not valid YAML: did not find expected node content"},
		"tabs":       {"llm:\n\tmodels: []\n", "c.yaml:2:1: the text is not valid YAML: found character that cannot start any token"},
		"no UTF-8":   {"llm:\n  models: []\n  # \xff\n", "c.yaml:3:1: the text is not valid UTF-8"},
		"documents":  {"llm: {models: []}\n---\nllm: {models: []}\n", "c.yaml:3:1: there is more than one document; a configuration is one document"},
		"merge keys": {"llm: {models: [&m {name: a, provider: openAI}, {<<: *m, name: b, provider: openAI}]}\n", "c.yaml:1:49: llm.models[1]: merge keys (<<) are not supported; write the fields out"},
		"key":        {"llm: {models: [], [a]: b}\n", "c.yaml:1:19: llm: a field name must be text"},
		"bad alias":  {"llm: {models: *m}\n", "c.yaml:1:1: the text is not valid YAML: unknown anchor 'm' referenced"},
		"cycle":      {"llm: {models: [{name: a, provider: simulated, defaults: &d {x: *d}}]}\n", "c.yaml:1:64: llm.models[0].defaults.x: the alias stands inside what it refers to"},
	} {
		t.Run(name, func(t *testing.T) { check(t, problems(t, world{}, tt.text), tt.want) })
	}
	if c := mustLoad(t, "{}"); c.LLM != nil || c.Process.AdminAddr.Value != "localhost:15000" {
		t.Errorf("an empty object gave %+v", c)
	}
}

func TestAliases(t *testing.T) {
	c := mustLoad(t, `
llm:
  models:
  - &first {name: &name a, provider: &p simulated, params: &params {model: m}}
  - {name: b, provider: *p, params: *params, id: *name}
`)
	if m := c.LLM.Models[1]; m.Provider.Kind != config.KindSimulated || m.Params.Model != "m" || m.ID != "a" {
		t.Errorf("%+v", m)
	}
	var bomb strings.Builder
	bomb.WriteString("llm: {models: [{name: a, provider: simulated, defaults: {a0: &a0 [x,x,x,x,x,x,x,x,x,x]")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&bomb, ", a%d: &a%d [%s]", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	bomb.WriteString("}}]}")
	if got := problems(t, world{}, bomb.String()); !strings.Contains(got, "the configuration is too large once its aliases are resolved") {
		t.Error(got)
	}
}

// TestEmptyCredentials are no mistake, but their author should know.
func TestEmptyCredentials(t *testing.T) {
	c, report := world{}.load(`
llm:
  models:
  - {name: a, provider: openAI, params: {apiKey: "${NOT_SET:-}"}}
  - {name: b, provider: openAI, auth: {key: ""}}
`)
	if err := report.Err(); err != nil || !c.LLM.Models[0].Params.APIKey.Text.Empty() {
		t.Fatal(err, c)
	}
	check(t, warnings(report), `
c.yaml:4:50: llm.models[0].params.apiKey: is empty: requests are sent without a credential
c.yaml:5:45: llm.models[1].auth.key: is empty: requests are sent without a credential`)
}

// TestNewerFields are accepted, because a configuration works without them.
func TestNewerFields(t *testing.T) {
	_, report := world{}.load(`
config: {spiffe: {}, backend: {h2KeepaliveInterval: 1s, h2KeepaliveTimeout: 1s}}
frontendPolicies:
  http: {http2MaxHeaderSize: 1, maxConcurrentRequests: 1}
  accessLog: {preset: otel}
  tracing: {host: "h:1", parentNotSampled: true}
gateways: {default: {port: 1}}
routes: [{policies: {substrateIngress: {}, substrateEgress: {}, timeout: {responseIdleTimeout: 1s}, health: {active: {}}}}]
llm: {}
`)
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	const foreign = ": is left aside: it belongs to a part of agentgateway that tollgate does not have"
	check(t, warnings(report), `
c.yaml:2:10: config.spiffe`+foreign+`
c.yaml:2:32: config.backend.h2KeepaliveInterval: has no effect yet
c.yaml:2:57: config.backend.h2KeepaliveTimeout: has no effect yet
c.yaml:4:10: frontendPolicies.http.http2MaxHeaderSize: has no effect yet
c.yaml:4:33: frontendPolicies.http.maxConcurrentRequests: has no effect yet
c.yaml:5:15: frontendPolicies.accessLog.preset: has no effect yet
c.yaml:6:26: frontendPolicies.tracing.parentNotSampled: has no effect yet
c.yaml:8:22: routes[0].policies.substrateIngress`+foreign+`
c.yaml:8:44: routes[0].policies.substrateEgress`+foreign+`
c.yaml:8:75: routes[0].policies.timeout.responseIdleTimeout: has no effect yet
c.yaml:8:110: routes[0].policies.health.active: has no effect yet`)
}

func TestLeftAside(t *testing.T) {
	const text = `
mcp: {targets: [{anything: goes}]}
config: {database: {maxConnections: 5}, xdsAddress: x}
gateways: {default: {port: 4000, protocol: HTTP}, raw: {port: 4001, protocol: TCP}}
routes:
- backends: [{mcp: {targets: []}}, {host: "127.0.0.1:80"}, {ai: {provider: {openAI: {}}}, policies: {a2a: {}}}]
- policies: {mcpAuthorization: {rules: []}}
  backends: [{ai: {provider: {openAI: {}}}}]
- {}
backends: [{name: tools, mcp: {targets: []}}]
llm: {models: []}
`
	c, report := world{}.load(text)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	const foreign = ": is left aside: it belongs to a part of agentgateway that tollgate does not have"
	want := []string{
		"c.yaml:2:1: mcp" + foreign,
		"c.yaml:3:21: config.database.maxConnections: has no effect yet",
		"c.yaml:3:41: config.xdsAddress" + foreign,
		"c.yaml:4:79: gateways.raw.protocol: is left aside: listeners for TCP are not served by tollgate",
		"c.yaml:6:15: routes[0].backends[0].mcp" + foreign,
		"c.yaml:6:102: routes[0].backends[2].policies.a2a" + foreign,
		"c.yaml:7:14: routes[1].policies.mcpAuthorization" + foreign,
		"c.yaml:10:26: backends[0].mcp" + foreign,
	}
	got := strings.Split(warnings(report), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Errorf("warnings:\n%s\nwant:\n%s", warnings(report), strings.Join(want, "\n"))
			break
		}
	}
	for i, want := range []string{
		"backends of the kind mcp are not served by tollgate", "",
		"policies of the kind a2a are not served by tollgate",
	} {
		if got := c.Routes[0].Backends[i].Unserved; got != want {
			t.Errorf("backend %d: %q, want %q", i, got, want)
		}
	}
	if c.Routes[0].Unserved != "" || c.Routes[1].Unserved != "policies of the kind mcpAuthorization are not served by tollgate" ||
		c.Routes[2].Unserved != "the route has no backends" || c.Backends[0].Unserved == "" {
		t.Errorf("routes: %q, %q, %q; backend: %q", c.Routes[0].Unserved, c.Routes[1].Unserved, c.Routes[2].Unserved, c.Backends[0].Unserved)
	}
	_, report = world{strict: true}.load(text)
	if err, ok := report.Err().(*config.Problems); !ok || len(err.List) != len(want) || len(report.Warnings) != 0 {
		t.Errorf("strict: %v, warnings %v", report.Err(), report.Warnings)
	}
}
