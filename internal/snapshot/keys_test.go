package snapshot_test

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/config"
	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
	"tollgate/internal/vkey"
)

const limited1 = `
tollgate:
  unknownCharge: bound
  callerLeft: wait
  sharedLimits:
  - {name: payments, match: {label.team: payments}, per: pool, kind: cost, amount: "500.00", window: {calendar: month}}
  - {id: lim_everybody000, name: everybody, match: {}, per: each, kind: requests, amount: 600, window: {sliding: 60s}}
llm:
  policies:
    apiKey:
      mode: strict
      keys:
      - key: sk-alice-abc123def456
        id: key_alice0000000
        name: alice
        metadata: {user: a, tier: {level: gold}, team: nobody}
        labels: {team: payments}
        models: {allow: [gpt-*], deny: ["*-pro"]}
        operations: [chat]
        networks: [10.0.0.0/8, 192.0.2.1]
        limits:
        - {kind: cost, amount: "200.00", window: {calendar: month, timezone: Europe/Berlin, anchor: "15"}}
        - {kind: tokens, amount: 5000000, window: {fixed: 5h}, models: ["gpt-5*"]}
        - {kind: cost, amount: 0.000000001}
        - {id: lim_mine00000000, kind: concurrency, amount: 8}
        expiresAt: 2026-12-31T23:59:59Z
        maxTokens: 4096
        clamp: true
        discreet: true
      - key: sk-bob
        metadata: {user: bob, team: payments, age: 7}
        budgets:
        - {name: daily, limit: {unit: USD, amount: 1.5}, window: {rolling: 24h}, onBudgetExceeded: Block}
        - {name: other, limit: {unit: Tokens, amount: 100}, window: {rolling: 720h}, onBudgetExceeded: Block}
  models: [{name: "*", provider: openAI}]
`

// limitTexts gives limits as people compare them.
func limitTexts(limits []*budget.Limit) string {
	var all []string
	for _, l := range limits {
		text := fmt.Sprint(l.Kind, " ", l.Amount, " ", l.Window)
		for _, m := range l.Models {
			text += " " + m.String()
		}
		all = append(all, text)
	}
	return strings.Join(all, "\n")
}

func TestLimitsOfKeys(t *testing.T) {
	c := compiled(t, limited1)
	keys := llm(t, c).Gate.Auth.Keys
	alice, result := keys.Lookup("sk-alice-abc123def456", start)
	if result != vkey.OK {
		t.Fatal(result)
	}
	if got := limitTexts(alice.Limits); got != `cost 200000000000 month Europe/Berlin 15
tokens 5000000 fixed 5h0m0s 1970-01-01T00:00:00Z gpt-5*
cost 1 life
concurrency 8 life
cost 500000000000 month UTC
requests 600 sliding 1m0s` {
		t.Errorf("limits:\n%s", got)
	}
	if alice.Limits[3].ID != "lim_mine00000000" || alice.Limits[5].ID != "lim_everybody000" || alice.Limits[4].Per != budget.Pool || alice.Limits[5].Per != budget.Each {
		t.Errorf("%+v", alice.Limits)
	}
	if alice.Caller.KeyID != "key_alice0000000" || alice.Caller.Name != "alice" || alice.Caller.Labels["team"] != "payments" || len(alice.Caller.Labels) != 1 ||
		alice.Caller.Metadata["team"] != "nobody" || alice.Caller.Metadata["tier"].(map[string]any)["level"] != "gold" {
		t.Errorf("%+v", alice.Caller)
	}
	if !alice.Caller.MayUse("gpt-5") || alice.Caller.MayUse("gpt-5-pro") || alice.Caller.MayUse("claude") || alice.MayCall(dialect.Messages) || !alice.MayCall(dialect.Chat) ||
		!alice.MayCallFrom(netip.MustParseAddr("192.0.2.1")) || alice.MayCallFrom(netip.MustParseAddr("192.0.2.2")) ||
		!alice.Expires.Equal(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)) || alice.MaxTokens != 4096 || !alice.Clamp || !alice.Discreet {
		t.Errorf("%+v", alice)
	}
	bob, _ := keys.Lookup("sk-bob", start)
	if got := limitTexts(bob.Limits); got != `cost 1500000000 fixed 24h0m0s 1970-01-01T00:00:00Z
tokens 100 fixed 720h0m0s 1970-01-01T00:00:00Z
cost 500000000000 month UTC
requests 600 sliding 1m0s` {
		t.Errorf("limits:\n%s", got)
	}
	if fmt.Sprint(bob.Caller.Labels) != "map[team:payments user:bob]" || !bob.MayCall(dialect.Messages) || !bob.MayCallFrom(netip.Addr{}) {
		t.Errorf("%+v", bob.Caller)
	}
	if c.Snapshot.CallerLeft != gateway.LeftWait || compiled(t, keyless).Snapshot.CallerLeft != gateway.LeftFinish {
		t.Error("what becomes of answers whose callers left is not what was said")
	}
	if c.Snapshot.UnknownCharge != gateway.ChargeBound || compiled(t, keyless).Snapshot.UnknownCharge != gateway.ChargeInput {
		t.Error("what an unknown outcome is charged is not taken over")
	}
}

const keyless = "llm: {models: [{name: a, provider: openAI}]}\n"

// What was counted for a declared limit stays while its amount and window are edited,
// and the limits of a key move to no other.
func TestIDsOfLimits(t *testing.T) {
	ids := func(limits string) []string {
		t.Helper()
		c := compiled(t, "llm: {policies: {apiKey: {keys: [{key: sk-a, limits: ["+limits+"]}, {key: sk-b, limits: ["+limits+"]}]}}, models: []}\n")
		var all []string
		seen := map[string]bool{}
		for _, k := range c.Declared {
			for _, l := range k.Limits {
				if seen[l.ID] {
					t.Errorf("two limits are %s", l.ID)
				}
				seen[l.ID] = true
				all = append(all, l.ID)
			}
		}
		return all
	}
	before := ids(`{kind: cost, amount: 1, window: {calendar: day}}, {kind: cost, amount: 2}, {kind: tokens, amount: 1}, {kind: cost, amount: 1, models: [a]}`)
	after := ids(`{kind: cost, amount: 5, window: {sliding: 60s}}, {kind: cost, amount: 9, window: {calendar: year}}, {kind: tokens, amount: 7}, {kind: cost, amount: 3, models: [a]}`)
	if !reflect.DeepEqual(before, after) {
		t.Errorf("ids became\n%v, were\n%v", after, before)
	}
	more := ids(`{kind: requests, amount: 1}, {kind: cost, amount: 5}, {kind: cost, amount: 9}, {kind: tokens, amount: 7}, {kind: cost, amount: 3, models: [a]}`)
	if !reflect.DeepEqual(more[1:5], before[:4]) {
		t.Errorf("another kind of limit in front made them\n%v, were\n%v", more, before)
	}
}

func TestDeclared(t *testing.T) {
	c := compiled(t, limited1)
	if len(c.Declared) != 2 || len(c.Shared) != 2 {
		t.Fatalf("%d keys, %d shared limits", len(c.Declared), len(c.Shared))
	}
	alice, bob := c.Declared[0], c.Declared[1]
	if alice.ID != "key_alice0000000" || alice.Name != "alice" || alice.Origin != vkey.Declared || alice.Status != vkey.StatusActive || len(alice.Limits) != 4 ||
		alice.Secrets[0].Last4 != "f456" || alice.Secrets[0].Digest != vkey.Hash("sk-alice-abc123def456") || alice.Secrets[0].ID == "" || alice.Secrets[0].Peppered {
		t.Errorf("%+v", alice)
	}
	if bob.ID != vkey.DeriveID(vkey.Hash("sk-bob")) || bob.Name != "bob" || bob.Models.Allow != nil || bob.Operations != nil || bob.Networks != nil || bob.Secrets[0].Last4 != "" {
		t.Errorf("%+v", bob)
	}
	if c.Shared[0].ID != vkey.DeclaredSharedLimitID("payments") || c.Shared[0].Match["team"] != "payments" {
		t.Errorf("%+v", c.Shared[0])
	}

	// Labels that are given replace those of the metadata, also if there are none.
	none := compiled(t, "llm: {policies: {apiKey: {keys: [{key: k, metadata: {team: a}, labels: {}}]}}, models: []}\n").Declared[0]
	if len(none.Labels) != 0 {
		t.Errorf("labels %v", none.Labels)
	}

	// A key at several places is declared once; names are unique.
	c = compiled(t, `
gateways: {default: {port: 1}}
routes:
- {name: a, policies: {apiKey: {keys: [{key: sk-a, metadata: {user: u}}, {key: sk-b, metadata: {user: u}}, {key: sk-c}]}}, backends: [{ai: {provider: openAI}}]}
- {name: b, policies: {apiKey: {keys: [{key: sk-a, metadata: {user: u}, allowedModels: []}]}}, backends: [{ai: {provider: openAI}}]}
`)
	names := map[string]bool{}
	for _, k := range c.Declared {
		if names[k.Name] || k.Name == "" {
			t.Errorf("a key is called %q", k.Name)
		}
		names[k.Name] = true
	}
	if len(c.Declared) != 3 || names["u"] {
		t.Errorf("names %v", names)
	}
	if e, _ := c.Snapshot.Keys.Lookup("sk-a", start); e.Caller.Name != "u" {
		t.Errorf("requests are told by the name %q", e.Caller.Name)
	}
}

func TestManagedKeysAndSharedLimits(t *testing.T) {
	pepper, err := vkey.NewPepper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess()
	p.parts.Managed = vkey.NewDirectory(pepper)
	p.parts.Shared = []*budget.Limit{{ID: "lim_stored", Kind: budget.Cost, Amount: 1, Match: map[string]string{"user": "bob"}}}
	c := p.force(t, limited1)
	auth := llm(t, c).Gate.Auth
	if auth.Managed != p.parts.Managed || c.Snapshot.Managed != p.parts.Managed {
		t.Error("managed keys are not known everywhere")
	}
	bob, _ := auth.Keys.Lookup("sk-bob", start)
	alice, _ := auth.Keys.Lookup("sk-alice-abc123def456", start)
	if len(bob.Limits) != 5 || bob.Limits[2].ID != "lim_stored" || len(alice.Limits) != 6 {
		t.Errorf("%s\n%s", limitTexts(bob.Limits), limitTexts(alice.Limits))
	}
	// When a key was last used is known across reloads.
	bob.Used(start)
	again, _ := llm(t, p.force(t, limited1)).Gate.Auth.Keys.Lookup("sk-bob", start)
	again.Used(start.Add(time.Minute))
	if used := p.parts.Managed.Used(bob.Caller.KeyID); len(used) != 1 || !used[bob.SecretID].Equal(start.Add(time.Minute)) {
		t.Errorf("used %v", used)
	}
}

// The limits of a managed key must not be lost by writing its secret into a file.
func TestDeclaredKeyThatIsManaged(t *testing.T) {
	pepper, err := vkey.NewPepper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	p := newProcess()
	p.parts.Managed = vkey.NewDirectory(pepper)
	managed := &vkey.Key{ID: "key_000000000001", Name: "m", Origin: vkey.Managed, Secrets: []vkey.Secret{{ID: "sec_1", Digest: pepper.Digest("sk-bob"), Peppered: true}}}
	if err := p.parts.Managed.Put([]*vkey.Key{managed}); err != nil {
		t.Fatal(err)
	}
	_, report := p.compile(limited1)
	if err := report.Err(); err == nil || !strings.Contains(err.Error(), "is the managed key m (key_000000000001)") {
		t.Errorf("the same secret in a file: %v", err)
	}
}

func TestProblemsOfLimits(t *testing.T) {
	in := func(limit string) string {
		return "llm: {policies: {apiKey: {keys: [{key: k, limits: [" + limit + "]}]}}, models: []}\n"
	}
	const at = "llm.policies.apiKey.keys[0].limits[0]."
	for _, tt := range []struct{ text, want string }{
		{in("{kind: cost, amount: much}"), "c.yaml:1:73: " + at + `amount: must be an amount of US dollars such as "200.00", with 9 decimals at most`},
		{in("{kind: cost, amount: 1e3}"), "c.yaml:1:73: " + at + "amount: must be an amount of US dollars"},
		{in("{kind: cost, amount: 0.0000000001}"), "c.yaml:1:73: " + at + "amount: must be an amount of US dollars"},
		{in("{kind: cost, amount: -1}"), "c.yaml:1:73: " + at + "amount: must "},
		{in("{kind: cost, amount: 9000000000}"), "c.yaml:1:73: " + at + "amount: must not be negative, nor more than can be counted"},
		{in("{kind: tokens, amount: 5M}"), "c.yaml:1:75: " + at + "amount: must be a whole number of tokens, without a unit"},
		{in("{kind: tokens, amount: 1.5}"), "c.yaml:1:75: " + at + "amount: must be a whole number of tokens, without a unit"},
		{in("{kind: requests, amount: -1}"), "c.yaml:1:77: " + at + "amount: must not be negative"},
		{in("{kind: cost, amount: 1, window: {calendar: month, timezone: Mars}}"), "c.yaml:1:112: " + at + "window.timezone: must be a time zone of the IANA database"},
		{in("{kind: cost, amount: 1, window: {calendar: month, timezone: Local}}"), "c.yaml:1:112: " + at + "window.timezone: must be a time zone of the IANA database"},
		{in("{kind: cost, amount: 1, window: {calendar: week, anchor: '9'}}"), "c.yaml:1:109: " + at + "window.anchor: must be a day of the week"},
		{in("{kind: cost, amount: 1, window: {sliding: 1ms}}"), "c.yaml:1:94: " + at + "window.sliding: a sliding window of 1ms"},
		{in("{kind: cost, amount: 1, window: {fixed: 9999d}}"), "c.yaml:1:92: " + at + "window.fixed: a fixed window of"},
		{"llm: {policies: {apiKey: {keys: [{key: k, budgets: [{name: n, limit: {unit: USD, amount: x}, window: {rolling: 1ms}, onBudgetExceeded: Block}]}]}}, models: []}\n",
			"c.yaml:1:90: llm.policies.apiKey.keys[0].budgets[0].limit.amount: must be an amount"},
		{"llm: {policies: {apiKey: {keys: [{key: k, budgets: [{name: n, limit: {unit: USD, amount: 1}, window: {rolling: 1ms}, onBudgetExceeded: Block}]}]}}, models: []}\n",
			"c.yaml:1:112: llm.policies.apiKey.keys[0].budgets[0].window.rolling: a fixed window of 1ms"},
		{"tollgate: {sharedLimits: [{name: n, match: {}, per: each, kind: cost, amount: x}]}\n", "c.yaml:1:79: tollgate.sharedLimits[0].amount: must be an amount"},
		{"llm: {policies: {apiKey: {keys: [{key: k, id: key_000000000000}, {key: l, id: key_000000000000}]}}, models: []}\n",
			"c.yaml:1:79: llm.policies.apiKey.keys[1].id: is the id of another key"},
		{"gateways: {default: {port: 1, apiKey: {keys: [{key: k, limits: [{kind: cost, amount: 1}]}]}}}\nllm: {models: [], policies: {apiKey: {keys: [{key: k}]}}}\n",
			"c.yaml:2:46: llm.policies.apiKey.keys[0]: the same key stands elsewhere with other limits"},
	} {
		c, report := newProcess().compile(tt.text)
		if err := report.Err(); c != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s\ngave %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

const stored = `
llm:
  providers: [{name: p, provider: openAI, params: {apiKey: {credential: prod}}}]
  models:
  - {name: a, provider: {reference: p}}
  - {name: b, provider: {reference: p}}
  - {name: c, provider: anthropic, auth: {key: {credential: claude}}}
  - {name: d, provider: openAI, params: {baseUrl: "http://api.openai.com", apiKey: {credential: prod}}}
`

func TestStoredCredentials(t *testing.T) {
	p := newProcess()
	var asked []string
	p.parts.Credential = func(name, provider, host string, _ bool) (secret.Text, error) {
		asked = append(asked, name+" "+provider+" "+host)
		return secret.New("value-of-" + name), nil
	}
	c := p.force(t, stored)
	// Each place is asked for once. Plain HTTP is another place than HTTPS.
	if got := strings.Join(asked, "\n"); got != "prod openai api.openai.com:443\nclaude anthropic api.anthropic.com:443\nprod openai api.openai.com:80" {
		t.Errorf("asked for\n%s", got)
	}
	entries := llm(t, c).Models.Entries
	for i, want := range []string{"Authorization: Bearer value-of-prod\r\n", "Authorization: Bearer value-of-prod\r\n", "x-api-key: value-of-claude\r\n", "Authorization: Bearer value-of-prod\r\n"} {
		if got := entries[i].Target; !strings.Contains(got.Static, want) || got.Passthrough != nil || !strings.HasPrefix(got.Secret.Reveal(), "value-of-") {
			t.Errorf("model %d sends %q", i, got.Static)
		}
	}
	var uses []string
	for _, u := range c.Credentials {
		uses = append(uses, u.Name+" "+u.At.String()+" "+u.At.Path)
	}
	if got := strings.Join(uses, "\n"); got != `prod c.yaml:3:60 llm.providers[0].params.apiKey
claude c.yaml:7:48 llm.models[2].auth.key
prod c.yaml:8:84 llm.models[3].params.apiKey` {
		t.Errorf("used at\n%s", got)
	}
	// Nobody's own credential goes where a stored one belongs, also if it is not known yet.
	if target := llm(t, compiled(t, stored)).Models.Entries[0].Target; target.Passthrough != nil || strings.Contains(target.Static, "Bearer") {
		t.Errorf("%+v", target)
	}
	p.parts.Credential = func(name, _, host string, _ bool) (secret.Text, error) {
		return secret.Text{}, errors.New(name + " is not for " + host)
	}
	_, report := p.compile(stored)
	if got := report.Err().Error(); got != `c.yaml:3:60: llm.providers[0].params.apiKey: prod is not for api.openai.com:443
c.yaml:7:48: llm.models[2].auth.key: claude is not for api.anthropic.com:443
c.yaml:8:84: llm.models[3].params.apiKey: prod is not for api.openai.com:80` {
		t.Errorf("problems:\n%s", got)
	}
}

func TestCallable(t *testing.T) {
	c := compiled(t, `
gateways: {default: {port: 1}}
llm:
  models:
  - {name: gpt-*, provider: openAI}
  - {name: fast, provider: togetherai, params: {model: llama}}
  - {name: hidden, provider: anthropic, visibility: internal}
  - {name: fast, provider: groq, matches: [{headers: [{name: x, value: {exact: y}}]}]}
  virtualModels:
  - {name: smart, routing: {failover: {targets: [{model: gpt-5}, {model: hidden, priority: 1}, {model: fast, priority: 2}]}}}
routes:
- matches: [{path: {pathPrefix: /r}}]
  policies: {ai: {modelAliases: {mini: gpt-5-mini}}}
  backends: [{ai: {provider: openAI}}]
- backends: [{ai: {provider: {anthropic: {model: claude-5}}}}]
`)
	want := []snapshot.Callable{
		{Name: "*", Targets: []snapshot.Destination{{Provider: "openai"}, {Provider: "anthropic", Model: "claude-5"}}},
		{Name: "mini", Targets: []snapshot.Destination{{Provider: "openai", Model: "gpt-5-mini", As: "gpt-5-mini"}}},
		{Name: "gpt-*", Targets: []snapshot.Destination{{Provider: "openai"}}},
		{Name: "fast", Targets: []snapshot.Destination{{Provider: "togetherai", Model: "llama"}, {Provider: "groq"}}},
		{Name: "smart", Targets: []snapshot.Destination{{Provider: "openai", Model: "gpt-5", As: "gpt-5"}, {Provider: "anthropic", Model: "hidden", As: "hidden"}, {Provider: "togetherai", Model: "llama", As: "fast"}}},
	}
	if !reflect.DeepEqual(c.Callable, want) {
		t.Errorf("%+v\nwant\n%+v", c.Callable, want)
	}
	var ways []string
	for _, r := range c.Reached {
		ways = append(ways, fmt.Sprintf("%s %s %q by %s", r.Route, r.Target.Name, r.Target.Model, r.Names))
	}
	wantWays := []string{
		`default/route0 openai "" by [* mini]`, `default/route1 anthropic "claude-5" by [*]`,
		` gpt-* "" by [gpt-* smart]`, ` fast "llama" by [fast smart]`, ` hidden "" by [smart]`, ` fast "" by [fast]`,
	}
	if !reflect.DeepEqual(ways, wantWays) {
		t.Errorf("targets\n%s\nwant\n%s", strings.Join(ways, "\n"), strings.Join(wantWays, "\n"))
	}
}

// The names of providers are those under which the price catalog knows them.
func TestProvidersHavePrices(t *testing.T) {
	layers, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"ollama": true, "deepinfra": true, "huggingface": true} // whose prices the catalog does not have
	for m := range catalog.New(layers...).All() {
		known[m.Provider] = true
	}
	names := []string{"openAI", "anthropic"}
	for i := range config.Presets {
		names = append(names, config.Presets[i].Name)
	}
	for _, name := range names {
		if got := onlyTarget(t, "{name: a, provider: "+name+"}").Provider; !known[catalog.Provider(got)] {
			t.Errorf("the catalog has no provider %s", catalog.Provider(got))
		}
	}
}
