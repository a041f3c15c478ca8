package catalog_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/usage"
)

// TestLayers lays lists over each other.
func TestLayers(t *testing.T) {
	base := parse(t, head+`{
		"openai": {"units": {"webSearch": "0.01"}, "models": {
			"gpt": {"match": ["gpt", "gpt-*"], "contextWindow": 100, "maxOutput": 10,
				"rates": {"input": "2", "output": "8", "cacheRead": "0.5"},
				"tiers": [{"contextOver": 1000, "rates": {"input": "4"}}],
				"periods": [{"from": "2027-01-01", "rates": {"input": "3", "output": "9"}}]},
			"gift": {"free": true}, "gift-2": {"free": true},
			"mystery": {"contextWindow": 5}}},
		"azure": {"fallback": ["openai"], "models": {"own": {"rates": {"input": "1"}}}}}}`)
	imported := parse(t, `{"providers": {
		"openai": {"models": {"gpt-dated": {"rates": {"output": "7"}}, "gift": {"rates": {"input": "1", "output": "1"}}, "new": {"rates": {"input": "6"}}}},
		"az.ai.openai": {"models": {"gpt": {"rates": {"input": "2.5"}}}}}}`)
	overrides := parse(t, head+`{"openai": {"models": {
		"gpt": {"rates": {"input": "1"}, "maxOutput": 20, "service": {"flex": "0.4"}},
		"new": {"free": true}, "mystery": {"rates": {"input": "1"}}, "gift-2": {"periods": [{"from": "2026-01-01", "rates": {"input": "1"}}]},
		"gpt-flat": {"tiers": []}, "gpt-night": {"periods": [{"daily": ["22:00", "06:00"], "rates": {"input": "0.1"}}]}}}}}`)
	c := catalog.New(base, imported, overrides)
	for _, tt := range []struct {
		provider, model string
		over            int64
		kind            catalog.Kind
		want            string
	}{
		{"openai", "gpt", -1, catalog.Input, "1.00"},       // the override
		{"openai", "gpt", -1, catalog.Output, "8.00"},      // what it leaves out is kept
		{"openai", "gpt", 1000, catalog.Input, "4.00"},     // tiers too
		{"openai", "gpt-2", -1, catalog.Input, "1.00"},     // a name found by rule follows the entry it was found by
		{"openai", "GPT-2", -1, catalog.Input, "1.00"},     // in any spelling
		{"openai", "gpt-dated", -1, catalog.Input, "2.00"}, // a name that a later list knows goes its own way
		{"openai", "gpt-dated", -1, catalog.Output, "7.00"},
		{"openai", "gpt-dated", -1, catalog.CacheRead, "0.50"},
		{"openai", "gpt", -1, catalog.WebSearch, "0.01"}, // what all models of a provider share
		{"openai", "gpt-flat", 1000, catalog.Input, "none"},
		{"openai", "gpt-flat", -1, catalog.Input, "2.00"},
		{"azure", "gpt", -1, catalog.Input, "2.50"},   // resold, with an import of its own
		{"azure", "gpt", -1, catalog.Output, "8.00"},  // over the price of the other
		{"azure", "gpt-2", -1, catalog.Input, "2.50"}, // found by the other's rule
		{"azure", "gpt-2", -1, catalog.WebSearch, "none"},
		{"azure", "own", -1, catalog.Input, "1.00"},
		{"azure", "new", -1, catalog.Input, "6.00"},
		{"openai", "own", -1, catalog.Input, "no model"}, // reselling goes one way
		{"openai", "gift", -1, catalog.Input, "1.00"},    // no longer free
		{"openai", "mystery", -1, catalog.Input, "1.00"}, // no longer unknown
		{"elsewhere", "gpt", -1, catalog.Input, "no model"},
	} {
		if got := price(c, tt.provider, tt.model, "", tt.over, tt.kind); got != tt.want {
			t.Errorf("%s %s above %d, %s: %s, want %s", tt.provider, tt.model, tt.over, tt.kind, got, tt.want)
		}
	}
	if q := c.Quote(noon, "openai", "new"); q.State() != catalog.Free || len(q.Model().Tiers(noon)[0].Rates) != 0 {
		t.Errorf("declared free over a price: %v", q.State())
	}
	for name, want := range map[string]catalog.State{"gift": catalog.Known, "gift-2": catalog.Known, "mystery": catalog.Known} {
		if q := c.Quote(noon, "openai", name); q.State() != want {
			t.Errorf("%s: %s", name, q.State())
		}
	}
	if m := c.Model("openai", "gpt"); m.ContextWindow != 100 || m.MaxOutput != 20 {
		t.Errorf("%+v", m.Limits)
	}
	next := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]int64{"gpt": 1000, "gpt-2": 1000, "gpt-dated": 3000} {
		q := c.Quote(next, "openai", name)
		if got := q.Cost(&usage.Usage{InputUncached: 1}); int64(got.Total) != want {
			t.Errorf("%s: a rate without a date holds at every date: %d, want %d", name, got.Total, want)
		}
	}
	night := next.Add(23 * time.Hour)
	for at, want := range map[time.Time]int64{noon: 2000, next.Add(12 * time.Hour): 2000, night: 100} {
		q := c.Quote(at, "openai", "gpt-night")
		if got := q.Cost(&usage.Usage{InputUncached: 1}); int64(got.Total) != want {
			t.Errorf("a schedule replaces the one below: %d at %s, want %d", got.Total, at, want)
		}
	}
	if got := price(c, "openai", "gpt", "flex", -1, catalog.Input); got != "1.00" {
		t.Errorf("flex: %s", got)
	}
	origins := map[catalog.Kind]string{}
	for _, r := range c.Model("openai", "gpt").Tiers(noon)[0].Rates {
		origins[r.Kind] = r.Origin.Version
	}
	if origins[catalog.Input] != overrides.Origin().Version || origins[catalog.Output] != base.Origin().Version || origins[catalog.WebSearch] != base.Origin().Version {
		t.Errorf("%v", origins)
	}
	if v := c.Model("azure", "gpt").Version(); v != "test.json@"+base.Origin().Version+"+test.json@"+imported.Origin().Version {
		t.Error(v)
	}
}

// TestRuleOrder: the first entry whose rules match stands for a name, but a
// name that is an id is that.
func TestRuleOrder(t *testing.T) {
	c := catalog.New(parse(t, head+`{"x": {"models": {
		"broad": {"match": "m*", "rates": {"input": "1"}},
		"m-2": {"rates": {"input": "2"}},
		"narrow": {"match": "m-3-large", "rates": {"input": "3"}}}}}}`))
	for name, want := range map[string]string{"m": "1.00", "m-2": "2.00", "M-2": "2.00", "m-2-large": "1.00", "m-3-large": "1.00", "broad": "1.00"} {
		if got := price(c, "x", name, "", -1, catalog.Input); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	c := embedded(t)
	for _, tt := range []struct{ provider, name, id string }{
		{"anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"},
		{"vertex", "claude-sonnet-4@20250514", "claude-4-sonnet"},
		{"gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"},
		{"gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"},
		{"bedrock", "us.anthropic.claude-sonnet-4-20250514-v1:0", "regional.anthropic.claude-sonnet-4-20250514-v1:0"},
		{"azure", "o3-2025-04-16", "o3-2025-04-16"},
		{"azure", "gpt-4.1", "gpt-4.1"},
		{"openai", "gpt-4o-20240806", "gpt-4o"},
		{"XAI", "grok-3-mini", "grok-3-mini"},
		{"together_ai", "gryphe/mythomax-l2-13b", "Gryphe/MythoMax-L2-13b"},
		{"openai", "gpt-4o-20241399", ""},
		{"openai", "no-such-model", ""},
	} {
		got := ""
		if m := c.Model(tt.provider, tt.name); m != nil {
			got = m.ID
		}
		if got != tt.id {
			t.Errorf("%s %s: %q, want %q", tt.provider, tt.name, got, tt.id)
		}
	}
}

// TestPeriods walks over the edges of dates and times of day.
func TestPeriods(t *testing.T) {
	c := catalog.New(parse(t, head+`{"x": {"models": {
		"m": {"rates": {"input": "1"}, "periods": [
			{"from": "2026-03-01", "rates": {"input": "2"}},
			{"from": "2026-04-01T12:00:00+02:00", "rates": {"input": "3"}},
			{"daily": ["22:00", "06:30"], "rates": {"input": "4"}},
			{"from": "2026-05-01", "daily": ["09:00", "17:00"], "rates": {"input": "5"}}]},
		"gone": {"rates": {"input": "1"}, "periods": [{"from": "2026-03-01"}]}}}}`+"}"))
	for at, want := range map[string]int64{
		"1969-12-31T12:00:00Z": 1, "2026-02-28T21:59:59Z": 1, "2026-02-28T22:00:00Z": 4, "2026-03-01T06:29:59Z": 4,
		"2026-03-01T06:30:00Z": 2, "2026-04-01T09:59:59Z": 2, "2026-04-01T10:00:00Z": 3, "2026-04-01T12:00:00+02:00": 3,
		"2026-04-30T09:00:00Z": 3, "2026-05-01T08:59:59Z": 3, "2026-05-01T09:00:00Z": 5, "2026-05-01T16:59:59Z": 5,
		"2026-05-01T17:00:00Z": 3,
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		q := c.Quote(when, "x", "m")
		if got := q.Cost(&usage.Usage{InputUncached: 1}); int64(got.Total) != want*1000 {
			t.Errorf("%s: %d, want %d", at, got.Total, want*1000)
		}
		if !q.At().Equal(when) {
			t.Errorf("%s: %s", at, q.At())
		}
	}
	if q := c.Quote(noon, "x", "gone"); q.State() != catalog.Unknown {
		t.Errorf("a period without prices has none: %v", q.State())
	}
}

// TestQuoteNames: the first name with a price stands.
func TestQuoteNames(t *testing.T) {
	c := catalog.New(parse(t, head+`{"x": {"models": {"a": {"rates": {"input": "1"}}, "b": {"rates": {"input": "2"}}, "free": {"free": true}, "mute": {"contextWindow": 7}}}}}`))
	for _, tt := range []struct {
		names []string
		id    string
		state catalog.State
	}{
		{[]string{"a", "b"}, "a", catalog.Known},
		{[]string{"", "other", "mute", "b", "a"}, "b", catalog.Known},
		{[]string{"free", "a"}, "free", catalog.Free},
		{[]string{"other", "mute"}, "mute", catalog.Unknown},
		{[]string{"other", ""}, "", catalog.Unknown},
		{nil, "", catalog.Unknown},
	} {
		q := c.Quote(noon, "x", tt.names...)
		id := ""
		if q.Model() != nil {
			id = q.Model().ID
		}
		if id != tt.id || q.State() != tt.state {
			t.Errorf("%q: %s, %s", tt.names, id, q.State())
		}
	}
	var none catalog.Quote
	if cost := none.Cost(&use); cost.Total != 0 || cost.State != catalog.Unknown || cost.Missing == 0 {
		t.Errorf("%+v", cost)
	}
	if _, missing := none.Bound(&catalog.Ceiling{Input: 1, Output: 1}); missing.String() != "input,output" || missing.Len() != 2 {
		t.Errorf("%v", missing)
	}
}

// TestPlaces: names that share a place in memory are not taken for each other.
func TestPlaces(t *testing.T) {
	c := catalog.New(parse(t, head+`{"x": {"models": {"m": {"rates": {"input": "1"}}}}}}`))
	for i := range 20_000 {
		if c.Model("x", "m") == nil || c.Model(fmt.Sprint("x", i), "m") != nil || c.Model("x", fmt.Sprint("m", i)) != nil {
			t.Fatal(i)
		}
	}
}

// TestConcurrent looks up more names than are remembered, from all sides.
func TestConcurrent(t *testing.T) {
	c := embedded(t)
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 6000 {
				name := fmt.Sprintf("claude-sonnet-4-5-%d", (i*7+g)%5000)
				if m := c.Model("anthropic", name); m == nil || m.ID != "claude-sonnet-4-5" {
					t.Errorf("%s: %v", name, m)
					return
				}
				if c.Model("anthropic", "x"+name) != nil {
					t.Errorf("x%s was found", name)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestLookupAllocates: what is done for every request costs no memory.
func TestLookupAllocates(t *testing.T) {
	c := embedded(t)
	name := "gpt-4o-2024-08-06"
	c.Model("openai", name)
	if n := testing.AllocsPerRun(100, func() {
		q := c.Quote(noon, "openai", "", name)
		if q.Cost(&use).Total == 0 {
			t.Fatal("free")
		}
		ceiling := catalog.Ceiling{Input: 10, Output: 10}
		q.Bound(&ceiling)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if c.Model("openai", strings.Repeat("gpt-4o", 100)) != nil || c.Model(strings.Repeat("x", 300), "gpt-4o") != nil {
		t.Error("names without end are no names")
	}
}

// TestModifiers: what a list says of one model goes before what any says of all
// models of its provider; a later list goes before an earlier one.
func TestModifiers(t *testing.T) {
	c := catalog.New(
		parse(t, head+`{"x": {"service": {"flex": "0.5", "batch": "0.5"}, "speed": {"fast": "6"}, "geo": {"us": "1.1"},
			"models": {"a": {"rates": {"input": "1"}, "service": {"flex": "0.6"}, "geo": {"us": "1.2"}}, "b": {"rates": {"input": "1"}}}}}}`),
		parse(t, head+`{"x": {"service": {"flex": "0.7"}, "speed": {"fast": "7"}, "geo": {"us": "1.3", "eu": "1.4"}, "models": {"b": {"speed": {"fast": "8"}}}}}}`),
	)
	for _, tt := range []struct {
		model string
		usage usage.Usage
		nano  int64
	}{
		{"a", usage.Usage{ServiceTier: "flex"}, 600}, {"b", usage.Usage{ServiceTier: "flex"}, 700}, {"a", usage.Usage{ServiceTier: "batch"}, 500},
		{"a", usage.Usage{Speed: "fast"}, 7000}, {"b", usage.Usage{Speed: "fast"}, 8000},
		{"a", usage.Usage{Geo: "us"}, 1200}, {"b", usage.Usage{Geo: "us"}, 1300}, {"a", usage.Usage{Geo: "eu"}, 1400},
	} {
		tt.usage.InputUncached = 1
		q := c.Quote(noon, "x", tt.model)
		if got := q.Cost(&tt.usage); int64(got.Total) != tt.nano || got.Marks != 0 {
			t.Errorf("%s: %+v, want %d", tt.model, got, tt.nano)
		}
	}
}
