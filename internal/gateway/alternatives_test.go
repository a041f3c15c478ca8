package gateway_test

import (
	"strings"
	"testing"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/caller"
	"tollgate/internal/gateway"
	"tollgate/internal/vkey"
)

func alternatives(model, others string) string {
	return `{"model":"` + model + `","models":` + others + `,"messages":[{"role":"user","content":"Hello there, how are you today?"}]}`
}

// TestAlternativesMustBeAllowed: every model that a request names is one that the caller
// could ask for.
func TestAlternativesMustBeAllowed(t *testing.T) {
	scope := func(e *vkey.Entry) {
		e.Caller = &caller.Caller{KeyID: "key_carol", Models: patterns("gpt-*", "cheap"), ModelsSet: true}
	}
	for _, c := range []struct {
		others string
		status int
		says   string
	}{
		{`["gpt-5","cheap"]`, 200, ""},
		{`[]`, 200, ""},
		{`["cheap","long"]`, 403, `use the model \"long\"`},
		{`"cheap"`, 400, "models must be a list of names"},
	} {
		b := newBank(t, roomy(), scope, whole(200, good))
		b.ask(call{body: alternatives("gpt-5", c.others)}).want(t, c.status, c.says)
		b.stop()
	}
	b := newBank(t, roomy(), nil, whole(200, good), whole(200, good))
	defer b.stop()
	b.route.Models = &gateway.Models{Entries: []*gateway.Model{b.model("gpt-*", b.target), b.model("fixed", &gateway.Target{Model: "other"})}}
	b.ask(call{body: alternatives("gpt-5", `["gpt-5-mini"]`)}).want(t, 200, "")
	b.ask(call{body: alternatives("gpt-5", `["long"]`)}).want(t, 404, "model_not_found")
	b.ask(call{body: alternatives("gpt-5", `["fixed"]`)}).want(t, 404, "model_not_found")
}

// TestAlternativesAreBoundByTheDearest, in whichever order they stand.
func TestAlternativesAreBoundByTheDearest(t *testing.T) {
	for _, c := range []struct {
		model, others, room string
		status              int
		says                string // the bound is written into the request, or the refusal
	}{
		{"cheap", `[]`, "0.005", 200, ""},
		{"cheap", `["cheap"]`, "0.005", 200, ""},
		{"cheap", `["gpt-5"]`, "0.005", 200, `"max_tokens":4`},
		{"gpt-5", `["cheap"]`, "0.005", 200, `"max_tokens":4`},
		{"cheap", `["gpt-5"]`, "1", 200, ""},
		{"cheap", `["long"]`, "0.5", 200, `"max_tokens":4`},
		{"cheap", `["vague"]`, "1", 200, `"max_tokens":16384`},
		{"cheap", `["gpt-5","nobody-knows"]`, "1", 403, "model_unpriced"},
	} {
		b := newBank(t, costLimit(c.room), nil, whole(200, good))
		out := b.ask(call{body: alternatives(c.model, c.others)})
		if c.status != 200 {
			out.want(t, c.status, c.says)
		} else if out.want(t, 200, ""); !strings.Contains(b.up.one(t).body, c.says) || c.says == "" && strings.Contains(b.up.one(t).body, "max_tokens") {
			t.Errorf("%+v: sent %s", c, b.up.one(t).body)
		}
		b.stop()
	}
}

// TestAlternativesUnderOtherLimits: an attempt is counted by one model, so that one which
// other limits are about cannot be asked for with it.
func TestAlternativesUnderOtherLimits(t *testing.T) {
	some := limit("lim", budget.Tokens, 1<<40, daily)
	some.Models = []access.Pattern{must(access.ParsePattern("gpt-*"))}
	b := newBank(t, []*budget.Limit{some}, nil, whole(200, good), whole(200, good))
	defer b.stop()
	b.ask(call{body: alternatives("cheap", `["gpt-5"]`)}).want(t, 403, "limits that apply to some of these models")
	b.ask(call{body: alternatives("gpt-5", `["cheap"]`)}).want(t, 403, "limits that apply to some of these models")
	b.ask(call{body: alternatives("gpt-5", `["gpt-5-mini"]`)}).want(t, 200, "")
	b.ask(call{body: alternatives("cheap", `["long"]`)}).want(t, 200, "")
}
