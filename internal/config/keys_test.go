package config_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/internal/config"
)

const limitSample = `
config:
  database: {url: "sqlite:///var/lib/tollgate/books.db"}
  modelCatalog: [{file: prices.json}, {inline: {a: 1}}, {inline: "{}"}]
tollgate:
  sharedLimits:
  - {name: payments, match: {label.team: payments}, per: pool, kind: cost, amount: "500.00", window: {calendar: month}}
  - {id: lim_000000000001, name: everybody, match: {}, per: each, kind: requests, amount: 600, window: {sliding: 60s}, models: [gpt-*]}
  prices: [more.json, prices.json]
  retention: {requests: 7d, hours: 1000h}
  unknownCharge: bound
  masterKeyFile: /run/secrets/master
llm:
  policies:
    apiKey:
      keys:
      - key: sk-alice
        id: key_000000000001
        name: alice
        metadata: {user: alice}
        labels: {team: payments}
        models: {allow: [gpt-*], deny: ["*-pro"]}
        operations: [chat, embeddings]
        networks: [10.0.0.0/8, "2001:db8::1"]
        limits:
        - {kind: cost, amount: "200.00", window: {calendar: month, timezone: Europe/Berlin, anchor: "15"}}
        - {kind: tokens, amount: 5000000, window: {fixed: 5h, origin: "2026-01-01T00:00:00+01:00"}, models: ["gpt-5*"]}
        - {id: lim_000000000002, kind: cost, amount: 5.50}
        - {kind: concurrency, amount: $CONCURRENT}
        expiresAt: "2026-12-31T23:59:59+01:00"
        maxTokens: 4096
        clamp: true
        discreet: true
      - key: sk-bob
        allowedModels: []
        budgets:
        - {name: daily, limit: {unit: USD, amount: 1.5}, window: {rolling: 24h}, onBudgetExceeded: Block}
        - {name: monthly, limit: {unit: Tokens, amount: 100}, window: {rolling: 30d}, onBudgetExceeded: Block}
  providers:
  - {name: p, provider: openAI, params: {apiKey: {credential: openai-prod}}}
  models:
  - {name: a, provider: {reference: p}}
  - {name: b, provider: anthropic, auth: {key: {credential: claude}}}
  - {name: c, provider: anthropic, auth: {key: {value: {credential: claude}, location: {header: {name: x-key}}}}}
`

func TestLimitSample(t *testing.T) {
	w := sampleWorld
	c, report := w.load(limitSample)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	check(t, warnings(report), "")
	alice, bob := c.LLM.Policies.APIKey.Keys[0], c.LLM.Policies.APIKey.Keys[1]
	if alice.ID != "key_000000000001" || alice.Name != "alice" || (*alice.Labels)[0].Name != "team" || (*alice.Labels)[0].Value != "payments" ||
		(*alice.Models.Allow)[0] != "gpt-*" || alice.Models.Deny[0] != "*-pro" || (*alice.Operations)[1] != "embeddings" || (*alice.Networks)[1] != "2001:db8::1" ||
		!alice.ExpiresAt.Time.Equal(time.Date(2026, 12, 31, 22, 59, 59, 0, time.UTC)) || alice.MaxTokens != 4096 || !alice.Clamp || !alice.Discreet {
		t.Errorf("%+v", alice)
	}
	l := alice.Limits
	if l[0].Kind != "cost" || l[0].Amount.Text != "200.00" || l[0].Window.Calendar != "month" || l[0].Window.Timezone != "Europe/Berlin" || l[0].Window.Anchor != "15" ||
		l[1].Amount.Text != "5000000" || l[1].Window.Fixed != 5*time.Hour || !l[1].Window.Origin.Time.Equal(time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)) || l[1].Models[0] != "gpt-5*" ||
		l[2].ID != "lim_000000000002" || l[2].Amount.Text != "5.50" || l[2].Window != nil || l[3].Amount.Text != "8" {
		t.Errorf("%+v", l)
	}
	if b := bob.Budgets; b[0].Name != "daily" || b[0].Limit.Unit != "USD" || b[0].Limit.Amount.Text != "1.5" || b[0].Window.Rolling != 24*time.Hour || b[0].OnExceeded != "Block" ||
		b[1].Window.Rolling != 30*24*time.Hour {
		t.Errorf("%+v", b)
	}
	if bob.Operations != nil || bob.Networks != nil || bob.Models != nil || !bob.ExpiresAt.IsZero() {
		t.Errorf("%+v", bob)
	}
	g := c.Tollgate
	if s := g.SharedLimits; s[0].Name != "payments" || (*s[0].Match)[0].Name != "label.team" || s[0].Per != "pool" || s[0].Kind != "cost" || s[0].Amount.Text != "500.00" ||
		len(*s[1].Match) != 0 || s[1].ID != "lim_000000000001" || s[1].Window.Sliding != time.Minute || s[1].At.Line != 8 {
		t.Errorf("%+v", s)
	}
	if g.Retention.Requests != 7*24*time.Hour || g.Retention.Hours != 1000*time.Hour || g.UnknownCharge != "bound" || g.MasterKeyFile != "/run/secrets/master" {
		t.Errorf("%+v", g)
	}
	if c.Process.Database.URL != "sqlite:///var/lib/tollgate/books.db" {
		t.Errorf("%+v", c.Process.Database)
	}
	m := c.LLM.Models
	if m[0].Params.APIKey.Stored != "openai-prod" || m[1].Auth.Key.Value.Stored != "claude" || m[2].Auth.Key.Value.Stored != "claude" || m[2].Auth.Key.Location == nil {
		t.Errorf("%+v", m)
	}
}

// Price lists come in the order in which they overlay each other, and are watched.
func TestPrices(t *testing.T) {
	c, report := sampleWorld.load(limitSample)
	var got []string
	for _, p := range c.Prices {
		got = append(got, p.Name+" "+string(p.Text)+" "+p.At.String())
	}
	check(t, strings.Join(got, "\n"), `
prices.json {"providers": {}} c.yaml:4:25
config.modelCatalog[1] {"a":1} c.yaml:4:39
config.modelCatalog[2] {} c.yaml:4:57
more.json {} c.yaml:9:12
prices.json {"providers": {}} c.yaml:9:23`)
	if strings.Join(report.Files, " ") != "prices.json more.json" {
		t.Errorf("files %v", report.Files)
	}
}

func TestKeyDefaults(t *testing.T) {
	g := mustLoad(t, "llm: {models: []}").Tollgate
	if g.Retention.Requests != 30*24*time.Hour || g.Retention.Hours != 396*24*time.Hour || g.UnknownCharge != "input" {
		t.Errorf("%+v", g)
	}
	c := mustLoad(t, "llm: {models: [], policies: {apiKey: {keys: [{key: k, expiresAt: 2026-12-31T23:59:59Z}]}}}") // without quotes too
	if !c.LLM.Policies.APIKey.Keys[0].ExpiresAt.Time.Equal(time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)) {
		t.Errorf("%+v", c.LLM.Policies.APIKey.Keys[0])
	}
}

func TestProviderCredentials(t *testing.T) {
	for text, missing := range map[string]bool{"k": false, "''": true, "{credential: c}": false} {
		c, report := world{}.load("llm: {models: [{name: a, provider: openAI, params: {apiKey: " + text + "}}]}")
		if report.Err() != nil || c.LLM.Models[0].Params.APIKey.Missing() != missing {
			t.Errorf("%s: %v, %+v", text, report.Err(), c.LLM.Models[0].Params.APIKey)
		}
		if warned := strings.Contains(warnings(report), "is empty"); warned != missing {
			t.Errorf("%s: warnings %s", text, warnings(report))
		}
	}
	if (config.ProviderCredential{}).Given() {
		t.Error("a credential that is not there is given")
	}
}

var keyProblems = []struct{ name, text, want string }{
	{"ids", "keys: [{key: k, id: mine, limits: [{id: x, kind: cost, amount: 1}]}]", `
c.yaml:1:59: llm.policies.apiKey.keys[0].id: must be key_ and 12 letters and digits; leave it out to have one made
c.yaml:1:79: llm.policies.apiKey.keys[0].limits[0].id: must be lim_ and 12 letters and digits; leave it out to have one made`},
	{"the same id", "keys: [{key: k, limits: [{id: lim_000000000000, kind: cost, amount: 1}, {id: lim_000000000000, kind: cost, amount: 1}]}]",
		`c.yaml:1:116: llm.policies.apiKey.keys[0].limits[1].id: is the id of another limit of this key`},
	{"unknown in a limit", "keys: [{key: k, limits: [{kind: cost, amount: 1, windw: {}}]}]",
		`c.yaml:1:88: llm.policies.apiKey.keys[0].limits[0].windw: unknown field; did you mean "window"?`},
	{"kind", "keys: [{key: k, limits: [{kind: costs, amount: 1}, {amount: 1}, {kind: cost}]}]", `
c.yaml:1:71: llm.policies.apiKey.keys[0].limits[0].kind: "costs" is none of cost, tokens, requests, concurrency; did you mean "cost"?
c.yaml:1:90: llm.policies.apiKey.keys[0].limits[1].kind: is missing
c.yaml:1:103: llm.policies.apiKey.keys[0].limits[2].amount: is missing`},
	{"amount", "keys: [{key: k, limits: [{kind: cost, amount: {}}, {kind: cost, amount: true}]}]", `
c.yaml:1:85: llm.policies.apiKey.keys[0].limits[0].amount: must be a single value
c.yaml:1:111: llm.policies.apiKey.keys[0].limits[1].amount: must be a number`},
	{"windows", "keys: [{key: k, limits: [{kind: cost, amount: 1, window: {}}, {kind: cost, amount: 1, window: {fixed: 1h, sliding: 1h}}, {kind: cost, amount: 1, window: {calendar: monthly}}]}]", `
c.yaml:1:96: llm.policies.apiKey.keys[0].limits[0].window: one of calendar, fixed, sliding is needed
c.yaml:1:133: llm.policies.apiKey.keys[0].limits[1].window: only one of fixed, sliding can be given
c.yaml:1:203: llm.policies.apiKey.keys[0].limits[2].window.calendar: "monthly" is none of hour, day, week, month, quarter, year; did you mean "month"?`},
	{"parts of other windows", "keys: [{key: k, limits: [{kind: cost, amount: 1, window: {sliding: 1h, timezone: UTC, anchor: '1', origin: 2026-01-01T00:00:00Z}}]}]", `
c.yaml:1:120: llm.policies.apiKey.keys[0].limits[0].window.timezone: belongs to calendar windows only
c.yaml:1:133: llm.policies.apiKey.keys[0].limits[0].window.anchor: belongs to calendar windows only
c.yaml:1:146: llm.policies.apiKey.keys[0].limits[0].window.origin: belongs to fixed windows only`},
	{"concurrency in a window", "keys: [{key: k, limits: [{kind: concurrency, amount: 1, window: {sliding: 1h}}]}]",
		`c.yaml:1:103: llm.policies.apiKey.keys[0].limits[0].window: has no meaning for concurrency, which counts requests in flight; leave it out`},
	{"models", "keys: [{key: k, models: {allow: [a*b], deny: ['']}, limits: [{kind: cost, amount: 1, models: ['**']}]}, {key: l, models: {}, allowedModels: []}]", `
c.yaml:1:72: llm.policies.apiKey.keys[0].models.allow[0]: has a wildcard in the middle; it can only begin or end with one
c.yaml:1:85: llm.policies.apiKey.keys[0].models.deny[0]: must not be empty
c.yaml:1:133: llm.policies.apiKey.keys[0].limits[0].models[0]: has more than one wildcard
c.yaml:1:160: llm.policies.apiKey.keys[1].models: cannot be used with allowedModels`},
	{"operations", "keys: [{key: k, operations: [sing]}]",
		`c.yaml:1:68: llm.policies.apiKey.keys[0].operations[0]: "sing" is none of passthrough, chat, completions, responses, embeddings, models, moderations, images, transcriptions, speech, messages, count_tokens, rerank, generate, converse`},
	{"networks", "keys: [{key: k, networks: [here, 10.0.0.1/8, '::ffff:10.0.0.0/104', 'fe80::1%eth0', 10.0.0.1]}]", `
c.yaml:1:66: llm.policies.apiKey.keys[0].networks[0]: "here" is neither an address nor a range such as 10.0.0.0/8
c.yaml:1:72: llm.policies.apiKey.keys[0].networks[1]: "10.0.0.1/8" has bits behind its 8; write 10.0.0.0/8
c.yaml:1:84: llm.policies.apiKey.keys[0].networks[2]: "::ffff:10.0.0.0/104" is an IPv4 range in the form of IPv6; write it as IPv4
c.yaml:1:107: llm.policies.apiKey.keys[0].networks[3]: "fe80::1%eth0" is neither an address nor a range such as 10.0.0.0/8`},
	{"labels and times", "keys: [{key: k, labels: {'a b': x}, expiresAt: tomorrow}, {key: l, expiresAt: 2026-12-31, maxTokens: -1}]", `
c.yaml:1:64: llm.policies.apiKey.keys[0].labels."a b": the name of a label has 1 to 63 letters, digits, dots, dashes and underscores
c.yaml:1:86: llm.policies.apiKey.keys[0].expiresAt: must be a time with its zone, such as 2026-12-31T23:59:59Z or 2026-12-31T23:59:59+01:00
c.yaml:1:117: llm.policies.apiKey.keys[1].expiresAt: must be a time with its zone, such as 2026-12-31T23:59:59Z or 2026-12-31T23:59:59+01:00
c.yaml:1:140: llm.policies.apiKey.keys[1].maxTokens: must be at least 0`},
	{"budgets", "keys: [{key: k, budgets: [{name: a, limit: {unit: EUR, amount: 1}, window: {rolling: 1h}, onBudgetExceeded: Audit}, {name: a, limit: {unit: USD}, window: {}, onBudgetExceeded: Block}]}]", `
c.yaml:1:89: llm.policies.apiKey.keys[0].budgets[0].limit.unit: "EUR" is none of USD, Tokens
c.yaml:1:147: llm.policies.apiKey.keys[0].budgets[0].onBudgetExceeded: Audit is not supported: a limit refuses what does not fit; leave the budget out: what a key spends is counted in any case
c.yaml:1:162: llm.policies.apiKey.keys[0].budgets[1].name: another budget of this key is called "a" too
c.yaml:1:172: llm.policies.apiKey.keys[0].budgets[1].limit.amount: is missing
c.yaml:1:193: llm.policies.apiKey.keys[0].budgets[1].window.rolling: is missing`},
	{"a stored virtual key", "keys: [{key: {credential: x}}]", `
c.yaml:1:52: llm.policies.apiKey.keys[0].key.file: is missing
c.yaml:1:53: llm.policies.apiKey.keys[0].key.credential: unknown field`},
}

func TestKeyProblems(t *testing.T) {
	for _, tt := range keyProblems {
		t.Run(tt.name, func(t *testing.T) {
			check(t, problems(t, world{}, "llm: {models: [], policies: {apiKey: {"+tt.text+"}}}\n"), tt.want)
		})
	}
	many := "{kind: cost, amount: 1}" + strings.Repeat(", {kind: cost, amount: 1}", 32)
	check(t, problems(t, world{}, "llm: {models: [], policies: {apiKey: {keys: [{key: k, limits: ["+many+"]}]}}}"),
		"c.yaml:1:63: llm.policies.apiKey.keys[0].limits: has 33 limits; a key may have 32; a shared limit applies to many keys at once")
}

func TestSettingsProblems(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"config: {database: {url: 'postgres://u:canary@db/x'}}",
			"c.yaml:1:26: config.database.url: PostgreSQL is not supported yet; leave it out, or write sqlite:// and the path of a file"},
		{"config: {database: {url: 'mysql://u:canary@db/x'}}", "c.yaml:1:26: config.database.url: must be sqlite:// and the path of a file"},
		{"config: {database: {url: 'sqlite://'}}", "c.yaml:1:26: config.database.url: has no path behind sqlite://"},
		{"tollgate: {prices: [gone.json]}", "c.yaml:1:21: tollgate.prices[0]: cannot read the file gone.json: file does not exist"},
		{"tollgate: {retention: {requests: 1m, hours: 0s}}", `
c.yaml:1:34: tollgate.retention.requests: must be at least 1h
c.yaml:1:45: tollgate.retention.hours: must be at least 1h`},
		{"tollgate: {unknownCharge: all}", `c.yaml:1:27: tollgate.unknownCharge: "all" is none of input, bound, nothing`},
		{"tollgate: {sharedLimits: [{name: a, kind: cost, amount: 1}, {name: b, match: {team: x, 'label.a b': x}, per: all, kind: cost, amount: 1}]}", `
c.yaml:1:27: tollgate.sharedLimits[0].match: is missing
c.yaml:1:27: tollgate.sharedLimits[0].per: is missing
c.yaml:1:79: tollgate.sharedLimits[1].match.team: selects by nothing that is known; write label.team
c.yaml:1:88: tollgate.sharedLimits[1].match."label.a b": the name of a label has 1 to 63 letters, digits, dots, dashes and underscores
c.yaml:1:110: tollgate.sharedLimits[1].per: "all" is none of pool, each`},
		{"tollgate: {sharedLimits: [{id: lim_000000000000, name: a, match: {}, per: each, kind: cost, amount: 1}, {id: lim_000000000000, name: a, match: {}, per: each, kind: cost, amount: 1}]}", `
c.yaml:1:110: tollgate.sharedLimits[1].id: is the id of another shared limit
c.yaml:1:134: tollgate.sharedLimits[1].name: another shared limit is called "a" too`},
	} {
		check(t, problems(t, world{}, tt.text), tt.want)
	}
}
