package snapshot_test

import (
	"testing"

	"tollgate/internal/dialect"
)

func TestLimitsOfDifferentBinds(t *testing.T) {
	c := compiled(t, `
binds:
- {port: 1, listeners: [{routes: [{policies: {localRateLimit: [{maxTokens: 10, tokensPerFill: 1, fillInterval: 60s}]}, backends: [{ai: {provider: {openAI: {}}}}]}]}]}
- {port: 2, listeners: [{routes: [{policies: {localRateLimit: [{maxTokens: 1000, tokensPerFill: 1, fillInterval: 60s}]}, backends: [{ai: {provider: {openAI: {}}}}]}]}]}
`)
	a, b := route(t, c, "[::]:1", "h", "/").Limits[0], route(t, c, "[::]:2", "h", "/").Limits[0]
	if a.Limiter == b.Limiter {
		t.Errorf("two limits share %+v", a.Limiter.Rule())
	}
}

func TestLimitsOfListenersOfGateways(t *testing.T) {
	c := compiled(t, `
gateways: {one: {port: 1}, two: {port: 2}}
routes:
- {gateways: [one, two], policies: {localRateLimit: [{maxTokens: 10, tokensPerFill: 1, fillInterval: 60s}]}, backends: [{ai: {provider: {openAI: {}}}}]}
`)
	a, b := route(t, c, "[::]:1", "h", "/").Limits[0], route(t, c, "[::]:2", "h", "/").Limits[0]
	t.Log("same route on two gateways shares:", a.Limiter == b.Limiter, a.Limiter.Rule().ID)
}

func TestHealthInAGroup(t *testing.T) {
	c := compiled(t, `
binds: [{port: 1, listeners: [{routes: [{backends: [{ai: {groups: [{providers: [{provider: {openAI: {}}, policies: {backendAuth: {key: k1}}}, {provider: {openAI: {}}, policies: {backendAuth: {key: k2}}}]}]}}]}]}]}]
`)
	g := route(t, c, "[::]:1", "h", "/").Backends[0].Groups[0]
	if g[0].Health == g[1].Health {
		t.Errorf("two accounts share their health: %s %s", g[0].Name, g[1].Name)
	}
}

func TestCustomOfRoute(t *testing.T) {
	c := compiled(t, `
binds: [{port: 1, listeners: [{routes: [{backends: [{ai: {hostOverride: "h:1", provider: {custom: {formats: [{type: completions, path: /talk}]}}}}]}]}]}]
`)
	if p := route(t, c, "[::]:1", "h", "/").Backends[0].Groups[0][0].Paths; p.ByOperation[dialect.Chat] != "/talk" || p.Base != "" {
		t.Errorf("paths %+v", p)
	}
}

func TestAKeyTwiceIsOneProblem(t *testing.T) {
	_, r := newProcess().compile("llm:\n  models: []\n  policies:\n    apiKey:\n      keys:\n      - key: sk-a\n      - key: sk-b\n      - key: sk-a\n")
	if len(r.Problems) != 1 || r.Problems[0].Line != 8 {
		t.Errorf("problems: %v", r.Err())
	}
}
