package snapshot_test

import (
	"strings"
	"testing"

	"tollgate/internal/config"
	"tollgate/internal/snapshot"
)

// elsewhere compiles a configuration with what no file can say.
func elsewhere(t *testing.T, text string, change func(*config.Config)) *snapshot.Compiled {
	t.Helper()
	c, report := config.Load(config.Source{Name: "c.yaml", Text: []byte(text)}, config.Options{})
	change(c)
	p := newProcess()
	out := snapshot.Compile(c, report, p.parts)
	if out == nil {
		t.Fatal(report.Err())
	}
	out.Limits.Commit(start)
	return out
}

const twoRoutes = `
gateways: {default: {port: 1}}
routes:
- {name: a, matches: [{path: {exact: /a}}], policies: {localRateLimit: [{maxTokens: 1, tokensPerFill: 1, fillInterval: 1h}]}, backends: [{ai: {provider: anthropic}}]}
- {name: b, matches: [{path: {exact: /b}}], policies: {localRateLimit: [{maxTokens: 1, tokensPerFill: 1, fillInterval: 1h}]}, backends: [{ai: {provider: openAI}}]}
`

func TestSharedRateLimits(t *testing.T) {
	for _, names := range [][2]string{{"", ""}, {"x", "x"}, {"x", "y"}} {
		c := elsewhere(t, twoRoutes, func(c *config.Config) {
			for i := range c.Routes {
				c.Routes[i].Policies.LocalRateLimit[0].Shared = names[i]
			}
		})
		a, b := route(t, c, "[::]:1", "h", "/a"), route(t, c, "[::]:1", "h", "/b")
		if same := a.Limits[0].Limiter == b.Limits[0].Limiter; same != (names[0] != "" && names[0] == names[1]) {
			t.Errorf("limits shared as %q: one is the other: %t", names, same)
		}
	}
}

func TestSharedLists(t *testing.T) {
	c := elsewhere(t, twoRoutes, func(c *config.Config) {
		keys := &config.APIKeys{Mode: config.ModeStrict, Keys: []config.APIKey{{Hash: config.KeyHash{Digest: [32]byte{1}, At: config.Position{Path: "x"}}, Name: "one"}}}
		c.Routes[0].Policies.APIKey, c.Routes[1].Policies.APIKey = keys, keys
	})
	a, b := route(t, c, "[::]:1", "h", "/a"), route(t, c, "[::]:1", "h", "/b")
	if a.Gate.Auth == nil || a.Gate.Auth != b.Gate.Auth || len(c.Declared) != 1 {
		t.Errorf("one list of keys became two: %d keys", len(c.Declared))
	}
}

func TestHeadersOfProviders(t *testing.T) {
	c := elsewhere(t, twoRoutes, func(c *config.Config) {
		p := &c.Routes[0].Backends[0].AI.Groups[0].Providers[0]
		p.Headers = config.Map[string]{{Name: "anthropic-version", Value: "2024-01-01"}, {Name: "user-agent", Value: "own"}}
		p.Policies.BackendAuth = &config.BackendAuth{None: true}
		c.Routes[0].Policies.RequestHeaders = &config.HeaderModifier{Add: config.Map[string]{{Name: "x-a", Value: "1"}}}
	})
	got := route(t, c, "[::]:1", "h", "/a").Backends[0].Groups[0][0].Target
	if !strings.Contains(got.Static, "anthropic-version: 2024-01-01\r\n") || !strings.Contains(got.Static, "x-a: 1\r\n") || strings.Count(strings.ToLower(got.Static), "user-agent") != 1 {
		t.Errorf("sends %q", got.Static)
	}
	if strings.Join(got.Drop, " ") != "Anthropic-Version User-Agent" {
		t.Errorf("drops %q", got.Drop)
	}
	if got.Passthrough != nil || strings.Contains(got.Static, "uthorization") || strings.Contains(got.Static, "api-key") {
		t.Errorf("a credential is sent: %+v %q", got.Passthrough, got.Static)
	}
}
