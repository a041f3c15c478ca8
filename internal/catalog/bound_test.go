package catalog_test

import (
	"math/rand/v2"
	"testing"

	"tollgate/internal/catalog"
	"tollgate/internal/money"
	"tollgate/internal/usage"
)

func TestBound(t *testing.T) {
	c := catalog.New(parse(t, rules))
	tight := func(in, out int64) catalog.Ceiling {
		return catalog.Ceiling{Input: in, Output: out, TextOnly: true, NoCacheWrite: true, Service: "default", Geo: "global"}
	}
	with := func(f func(*catalog.Ceiling)) catalog.Ceiling {
		ceiling := tight(100, 10)
		f(&ceiling)
		return ceiling
	}
	for name, tt := range map[string]struct {
		model   string
		ceiling catalog.Ceiling
		nano    int64
		missing string
	}{
		"tight":              {"plain", tight(100, 10), 200_000, ""},
		"reasoning":          {"full", tight(100, 10), 100_000 + 120_000 + 5_000_000, ""},
		"writes":             {"full", with(func(c *catalog.Ceiling) { c.NoCacheWrite = false; c.NoHourWrite = true }), 125_000 + 120_000 + 5_000_000, ""},
		"writes for an hour": {"full", with(func(c *catalog.Ceiling) { c.NoCacheWrite = false }), 300_000 + 120_000 + 5_000_000, ""},
		"the family's hour":  {"claude-x", with(func(c *catalog.Ceiling) { c.NoCacheWrite = false }), 200_000 + 100_000, ""},
		"media":              {"full", with(func(c *catalog.Ceiling) { c.TextOnly = false }), 3_000_000 + 600_000 + 5_000_000, ""},
		"below the tiers":    {"long", tight(1000, 10), 1_000_000 + 100_000, ""},
		"in the first tier":  {"long", tight(1001, 10), 2_002_000 + 150_000, ""},
		"in the second":      {"long", tight(2001, 10), 6_003_000 + 150_000, ""},
		"priority":           {"plain", with(func(c *catalog.Ceiling) { c.Service = "priority" }), 400_000, ""},
		"flex may be full":   {"plain", with(func(c *catalog.Ceiling) { c.Service = "flex" }), 200_000, ""},
		"the account's":      {"plain", with(func(c *catalog.Ceiling) { c.Service = "" }), 900_000 + 900_000, ""},
		"automatic":          {"plain", with(func(c *catalog.Ceiling) { c.Service = "auto" }), 900_000 + 900_000, ""},
		"strange":            {"plain", with(func(c *catalog.Ceiling) { c.Service = "warp" }), 900_000 + 900_000, ""},
		"fast":               {"plain", with(func(c *catalog.Ceiling) { c.Speed = "fast" }), 1_200_000, ""},
		"slow":               {"plain", with(func(c *catalog.Ceiling) { c.Speed = "slow" }), 200_000, ""},
		"any region":         {"plain", with(func(c *catalog.Ceiling) { c.Geo = "" }), 220_000, ""},
		"no output price":    {"vectors", tight(100, 10), 100_000, "output"},
		"no output":          {"vectors", tight(100, 0), 100_000, ""},
		"free":               {"gift", tight(100, 10), 0, ""},
		"unknown":            {"mute", with(func(c *catalog.Ceiling) { c.ToolCalls, c.Pictures = 1, 1 }), 0, "input,output,toolCall,picture"},
		"tools":              {"full", with(func(c *catalog.Ceiling) { c.ToolCalls = 2 }), 100_000 + 120_000 + 5_000_000 + 60_000_000, ""},
		"tools, no price":    {"plain", with(func(c *catalog.Ceiling) { c.ToolCalls = 2 }), 200_000, "toolCall"},
		"pieces": {"full", catalog.Ceiling{Pictures: 1, Characters: 1000, Seconds: 3600, RerankUnits: 1},
			40_000_000 + 15_000_000 + 40_000_000 + 2_000_000 + 5_000_000, ""},
		"pieces, no price":   {"plain", catalog.Ceiling{Pictures: 1, Characters: 1000, Seconds: 3600, RerankUnits: 1}, 0, "character,picture,rerankUnit,audioHour"},
		"least sound":        {"ears", catalog.Ceiling{Seconds: 1}, 1_000_000, ""},
		"pictures in tokens": {"drawing", with(func(c *catalog.Ceiling) { c.Pictures = 1 }), 200_000, ""},
		"pictures beside":    {"plain", with(func(c *catalog.Ceiling) { c.Pictures = 1 }), 200_000, "picture"},
	} {
		q := c.Quote(noon, "x", tt.model)
		if got, missing := q.Bound(&tt.ceiling); int64(got) != tt.nano || missing.String() != tt.missing {
			t.Errorf("%s: %d, missing %q; want %d, %q", name, int64(got), missing, tt.nano, tt.missing)
		}
	}
}

// TestBoundHolds: nothing that fits into a ceiling costs more than its bound,
// for every model of the lists and every way of serving.
func TestBoundHolds(t *testing.T) {
	all := catalog.New(append(layersOf(t), parse(t, rules))...)
	rng := rand.New(rand.NewPCG(5, 6))
	n := func() int64 { return rng.Int64N(1 << (1 + rng.IntN(20))) }
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	for m := range all.All() {
		q := all.Quote(noon, m.Provider, m.ID)
		for range rounds {
			u := usage.Usage{
				InputUncached: n(), CacheRead: n(), OutputText: n(), OutputReasoning: n(), WebSearches: n() % 3, CodeSessions: n() % 3,
				ToolCalls: n() % 9, Images: n() % 3, Characters: n(), AudioSeconds: float64(n()) / 3, RerankUnits: n() % 4,
				ServiceTier: pick("", "default", "flex", "priority", "gold", "warp"), Speed: pick("", "fast", "slow", "warp"), Geo: pick("", "us", "global", "mars"),
			}
			c := catalog.Ceiling{TextOnly: rng.IntN(2) == 0, NoCacheWrite: rng.IntN(2) == 0, NoHourWrite: rng.IntN(2) == 0}
			if !c.TextOnly {
				u.InputAudio, u.CacheReadAudio, u.OutputAudio, u.InputImage, u.OutputImage = n(), n(), n(), n(), n()
			}
			if !c.NoCacheWrite {
				u.CacheWrite5m = n()
				if !c.NoHourWrite {
					u.CacheWrite1h = n()
				}
			}
			c.Input, c.Output = u.Input()+n()%2, u.Output()+n()%2
			c.ToolCalls = max(u.ToolCalls, u.WebSearches+u.CodeSessions)
			c.Pictures, c.Characters, c.Seconds, c.RerankUnits = u.Images, u.Characters, int64(u.AudioSeconds)+1, u.RerankUnits
			// What the request leaves to the account the answer may decide.
			c.Service, c.Geo, c.Speed = u.ServiceTier, u.Geo, u.Speed
			if rng.IntN(3) == 0 {
				c.Service, c.Geo = pick("", "auto"), ""
			}
			if c.Geo == "" && u.Geo == "mars" {
				u.Geo = ""
			}
			cost := q.Cost(&u)
			bound, missing := q.Bound(&c)
			if cost.Total > bound {
				t.Fatalf("%s %s: %+v costs %v, above %v of %+v", m.Provider, m.ID, u, cost.Total, bound, c)
			}
			if cost.Missing&^missing != 0 && missing == 0 && q.State() == catalog.Known && u.WebSearches+u.CodeSessions+u.ToolCalls == 0 {
				t.Fatalf("%s %s: %+v has no price for %s, the bound did not say", m.Provider, m.ID, u, cost.Missing)
			}
		}
	}
}

func layersOf(t testing.TB) []*catalog.Layer {
	t.Helper()
	layers, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return append([]*catalog.Layer(nil), layers...)
}

// TestAffordable: what is affordable fits, and one token more does not.
func TestAffordable(t *testing.T) {
	c := catalog.New(parse(t, rules))
	base := catalog.Ceiling{Input: 100, TextOnly: true, NoCacheWrite: true, Service: "default", Geo: "global"}
	for _, tt := range []struct {
		model string
		room  money.Nano
		want  int64
	}{
		{"plain", 200_000, 10}, {"plain", 199_999, 9}, {"plain", 100_000, 0}, {"plain", 99_999, -1}, {"plain", -1, -1},
		{"vectors", 1e9, 0}, {"mute", 1e9, -1}, {"gift", 0, 1 << 40},
	} {
		q := c.Quote(noon, "x", tt.model)
		if got := q.Affordable(&base, tt.room); got != tt.want {
			t.Errorf("%s for %v: %d, want %d", tt.model, tt.room, got, tt.want)
		}
	}
	rng := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		q := c.Quote(noon, "x", []string{"plain", "full", "long", "claude-x"}[rng.IntN(4)])
		ceiling := catalog.Ceiling{Input: rng.Int64N(4000), Output: 99}
		room := money.Nano(rng.Int64N(1e11))
		n := q.Affordable(&ceiling, room)
		at := func(n int64) money.Nano {
			ceiling.Output = n
			cost, _ := q.Bound(&ceiling)
			return cost
		}
		if n < 0 && at(0) <= room || n >= 0 && (at(n) > room || at(n+1) <= room) {
			t.Fatalf("%d tokens for %v: %v, one more %v", n, room, at(n), at(n+1))
		}
	}
}
