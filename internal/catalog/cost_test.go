package catalog_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"tollgate/internal/catalog"
	"tollgate/internal/money"
	"tollgate/internal/usage"
)

// rules is a list in which every kind has a price that no other has, in the
// models that have one at all.
const rules = head + `{
	"x": {
		"service": {"flex": "0.5", "Priority": "2", "gold": {"rates": {"input": "9", "output": "90"}, "tiers": [{"contextOver": 2000, "rates": {"input": "11"}}]}},
		"speed": {"fast": "6", "slow": "0.25"}, "geo": {"us": "1.1", "global": "1"},
		"models": {
			"plain": {"rates": {"input": "1", "output": "10"}},
			"full": {"rates": {"input": "1", "output": "10", "cacheRead": "0.1", "cacheWrite": "1.25", "cacheWrite1h": "3", "reasoning": "12",
				"inputAudio": "30", "cacheReadAudio": "5", "outputAudio": "60", "inputImage": "7", "cacheReadImage": "0.7", "outputImage": "40", "character": "15"},
				"units": {"webSearch": "0.01", "fileSearch": "0.0025", "webFetch": "0.001", "codeSession": "0.03", "toolCall": "0.004", "request": "0.005",
				"picture": "0.04", "rerankUnit": "0.002", "audioHour": "0.04"}},
			"sound": {"rates": {"input": "1", "output": "10", "inputAudio": "30"}, "units": {"webSearch": "0.01", "fileSearch": "0.02"}},
			"drawing": {"rates": {"input": "1", "output": "10", "inputImage": "7"}},
			"drawn": {"rates": {"input": "1", "cacheRead": "0.5", "output": "10", "inputImage": "7", "inputAudio": "30"}},
			"written": {"rates": {"input": "1", "cacheWrite": "1.5", "output": "10"}},
			"claude-x": {"rates": {"input": "1", "output": "10", "cacheWrite": "1.25"}},
			"long": {"rates": {"input": "1", "output": "10", "cacheRead": "0.5"},
				"tiers": [{"contextOver": 1000, "rates": {"input": "2", "output": "15"}}, {"contextOver": 2000, "rates": {"input": "3"}}]},
			"vectors": {"rates": {"input": "1"}},
			"ears": {"units": {"audioHour": "0.36"}, "minSeconds": 10},
			"brush": {"units": {"picture": "0.04"}},
			"gift": {"free": true},
			"mute": {}
		}}}}`

func TestCost(t *testing.T) {
	c := catalog.New(parse(t, rules))
	other := func(model string) []usage.Other {
		return []usage.Other{{Model: model, Usage: usage.Usage{InputUncached: 10, OutputText: 1}}}
	}
	for name, tt := range map[string]struct {
		model   string
		usage   usage.Usage
		nano    int64
		missing string
		marks   catalog.Marks
	}{
		"text":                  {model: "plain", usage: usage.Usage{InputUncached: 100, OutputText: 7}, nano: 170_000},
		"nothing":               {model: "plain"},
		"each kind":             {model: "full", usage: usage.Usage{InputUncached: 1, CacheRead: 10, CacheWrite5m: 100, CacheWrite1h: 1000, OutputText: 1, OutputReasoning: 1}, nano: 1_000 + 1_000 + 125_000 + 3_000_000 + 10_000 + 12_000 + 5_000_000},
		"read as input":         {model: "plain", usage: usage.Usage{InputUncached: 1, CacheRead: 10}, nano: 11_000},
		"written as input":      {model: "plain", usage: usage.Usage{CacheWrite5m: 3}, nano: 3_000},
		"hour as five minutes":  {model: "written", usage: usage.Usage{CacheWrite1h: 2}, nano: 3_000},
		"hour as input":         {model: "plain", usage: usage.Usage{CacheWrite1h: 2}, nano: 2_000},
		"hour of this family":   {model: "claude-x", usage: usage.Usage{CacheWrite1h: 2}, nano: 4_000},
		"thought as output":     {model: "plain", usage: usage.Usage{OutputReasoning: 2}, nano: 20_000},
		"no price for output":   {model: "vectors", usage: usage.Usage{InputUncached: 5, OutputText: 1}, nano: 5_000, missing: "output"},
		"only in figures":       {model: "mute", usage: usage.Usage{InputUncached: 5, CacheRead: 1, OutputReasoning: 1}, missing: "input,cacheRead,reasoning"},
		"free":                  {model: "gift", usage: usage.Usage{InputUncached: 5, OutputText: 5, WebSearches: 5}},
		"a part of a nano":      {model: "long", usage: usage.Usage{CacheRead: 1}, nano: 500},
		"sound":                 {model: "full", usage: usage.Usage{InputUncached: 100, CacheRead: 50, InputAudio: 60, CacheReadAudio: 20, OutputText: 30, OutputAudio: 10}, nano: 60_000 + 30*100 + 40*30_000 + 20*5_000 + 20*10_000 + 10*60_000 + 5_000_000},
		"more sound than text":  {model: "full", usage: usage.Usage{InputUncached: 10, InputAudio: 60}, nano: 10*30_000 + 5_000_000},
		"sound as text":         {model: "plain", usage: usage.Usage{InputUncached: 100, InputAudio: 60, OutputText: 10, OutputAudio: 5}, nano: 200_000},
		"read sound as sound":   {model: "sound", usage: usage.Usage{InputUncached: 10, CacheRead: 10, InputAudio: 10, CacheReadAudio: 10}, nano: 10*30_000 + 10_000},
		"read sound as read":    {model: "drawn", usage: usage.Usage{CacheRead: 10, InputAudio: 10, CacheReadAudio: 10}, nano: 5_000},
		"pictures":              {model: "full", usage: usage.Usage{InputUncached: 100, CacheRead: 50, InputImage: 120, OutputText: 30, OutputImage: 10}, nano: 100*7_000 + 20*700 + 30*100 + 20*10_000 + 10*40_000 + 5_000_000},
		"read pictures":         {model: "drawing", usage: usage.Usage{InputUncached: 10, CacheRead: 10, InputImage: 15}, nano: 15*7_000 + 5_000},
		"read pictures as read": {model: "drawn", usage: usage.Usage{InputUncached: 10, CacheRead: 10, InputImage: 15}, nano: 10*7_000 + 5_000},
		"tools":                 {model: "full", usage: usage.Usage{WebSearches: 1, FileSearches: 2, WebFetches: 3, CodeSessions: 4, ToolCalls: 15}, nano: 10_000_000 + 5_000_000 + 3_000_000 + 120_000_000 + 20_000_000 + 5_000_000},
		"tools as the dearest":  {model: "sound", usage: usage.Usage{WebSearches: 1, ToolCalls: 3}, nano: 10_000_000 + 2*20_000_000},
		"tools without a price": {model: "plain", usage: usage.Usage{WebSearches: 1, FileSearches: 1, WebFetches: 1, CodeSessions: 1, ToolCalls: 5}, missing: "webSearch,fileSearch,webFetch,codeSession,toolCall"},
		"fewer tools in all":    {model: "plain", usage: usage.Usage{WebSearches: 2, ToolCalls: 1}, missing: "webSearch"},
		"units":                 {model: "full", usage: usage.Usage{Images: 2, RerankUnits: 3, Characters: 1000}, nano: 80_000_000 + 6_000_000 + 15_000_000 + 5_000_000},
		"units without a price": {model: "plain", usage: usage.Usage{Images: 2, RerankUnits: 3, Characters: 1000, AudioSeconds: 3}, missing: "character,picture,rerankUnit,audioHour"},
		"counted in tokens":     {model: "plain", usage: usage.Usage{InputUncached: 1, RerankUnits: 3, Characters: 1000, AudioSeconds: 3}, nano: 1_000},
		"a picture beside text": {model: "plain", usage: usage.Usage{InputUncached: 1, Images: 1}, nano: 1_000, missing: "picture"},
		"a picture in tokens":   {model: "drawing", usage: usage.Usage{InputUncached: 1, OutputText: 1, Images: 1}, nano: 11_000},
		"pictures seen":         {model: "plain", usage: usage.Usage{OutputText: 1, OutputImage: 1, Images: 1}, nano: 10_000},
		"only pictures":         {model: "brush", usage: usage.Usage{Images: 3}, nano: 120_000_000},
		"seconds":               {model: "full", usage: usage.Usage{AudioSeconds: 3599.01}, nano: 40_000_000 + 5_000_000},
		"a second":              {model: "full", usage: usage.Usage{AudioSeconds: 0.2}, nano: 11_112 + 5_000_000},
		"the least sound":       {model: "ears", usage: usage.Usage{AudioSeconds: 2}, nano: 1_000_000},
		"no sound":              {model: "ears"},
		"not a number":          {model: "ears", usage: usage.Usage{AudioSeconds: math.NaN()}},
		"without end":           {model: "ears", usage: usage.Usage{AudioSeconds: math.Inf(1)}, nano: math.MaxInt64},
		"billed":                {model: "plain", usage: usage.Usage{InputUncached: 500, OutputText: 50, BilledInput: 10, BilledOutput: 1, HasBilled: true}, nano: 20_000},
		"billed for nothing":    {model: "plain", usage: usage.Usage{InputUncached: 500, HasBilled: true}},
		"at the edge":           {model: "long", usage: usage.Usage{InputUncached: 900, CacheRead: 100, OutputText: 1}, nano: 900_000 + 50_000 + 10_000},
		"above the edge":        {model: "long", usage: usage.Usage{InputUncached: 900, CacheRead: 101, OutputText: 1}, nano: 1_800_000 + 50_500 + 15_000},
		"writes count":          {model: "long", usage: usage.Usage{InputUncached: 1, CacheWrite5m: 500, CacheWrite1h: 500}, nano: 2_002_000},
		"above both":            {model: "long", usage: usage.Usage{InputUncached: 2001, OutputText: 1}, nano: 6_003_000 + 15_000},
		"flex":                  {model: "full", usage: usage.Usage{InputUncached: 3, WebSearches: 1, ServiceTier: "FLEX"}, nano: 1_500 + 10_000_000 + 5_000_000},
		"priority":              {model: "plain", usage: usage.Usage{InputUncached: 3, ServiceTier: "priority"}, nano: 6_000},
		"ordinary":              {model: "plain", usage: usage.Usage{InputUncached: 3, ServiceTier: "Default"}, nano: 3_000},
		"on demand":             {model: "plain", usage: usage.Usage{InputUncached: 3, ServiceTier: "ON_DEMAND"}, nano: 3_000},
		"rates of a tier":       {model: "plain", usage: usage.Usage{InputUncached: 1, CacheRead: 1, ServiceTier: "gold"}, nano: 18_000},
		"tiers of a tier":       {model: "long", usage: usage.Usage{InputUncached: 2001, CacheRead: 1, ServiceTier: "gold"}, nano: 2001*11_000 + 500},
		"strange tier":          {model: "plain", usage: usage.Usage{InputUncached: 1, ServiceTier: "warp"}, nano: 9_000, marks: catalog.StrangeService},
		"fast":                  {model: "plain", usage: usage.Usage{InputUncached: 1, OutputText: 1, Speed: "fast"}, nano: 66_000},
		"slow abroad":           {model: "plain", usage: usage.Usage{InputUncached: 40, Speed: "slow", Geo: "US"}, nano: 11_000},
		"at home":               {model: "plain", usage: usage.Usage{InputUncached: 40, Speed: "standard", Geo: "global"}, nano: 40_000},
		"all at once":           {model: "plain", usage: usage.Usage{InputUncached: 1, ServiceTier: "flex", Speed: "fast", Geo: "us"}, nano: 3_300},
		"strange speed":         {model: "plain", usage: usage.Usage{InputUncached: 1, Speed: "warp"}, nano: 6_000, marks: catalog.StrangeService},
		"strange place":         {model: "plain", usage: usage.Usage{InputUncached: 10, Geo: "mars"}, nano: 11_000, marks: catalog.StrangeService},
		"rounded once":          {model: "full", usage: usage.Usage{CacheRead: 1, ServiceTier: "flex", Speed: "slow"}, nano: 13 + 5_000_000},
		"another model":         {model: "plain", usage: usage.Usage{InputUncached: 1, Others: other("full")}, nano: 1_000 + 10_000 + 10_000},
		"a free one":            {model: "plain", usage: usage.Usage{InputUncached: 1, Others: other("gift")}, nano: 1_000},
		"an unknown one":        {model: "plain", usage: usage.Usage{InputUncached: 1, Others: other("who")}, nano: 21_000, marks: catalog.StrangeModel},
		"one without a price":   {model: "plain", usage: usage.Usage{Others: other("mute")}, nano: 20_000, marks: catalog.StrangeModel},
		"another at its size":   {model: "plain", usage: usage.Usage{InputUncached: 5000, Others: other("long")}, nano: 5_020_000},
		"another in flex":       {model: "plain", usage: usage.Usage{ServiceTier: "flex", Geo: "us", Others: other("plain")}, nano: 11_000},
		"contradictory":         {model: "plain", usage: usage.Usage{InputUncached: 1, Clamped: true}, nano: 1_000, marks: catalog.Clamped},
		"below nothing":         {model: "full", usage: usage.Usage{InputUncached: -5, CacheRead: -1, OutputText: -1, InputAudio: -3, OutputImage: -1, Images: -1, AudioSeconds: -1}, nano: 5_000_000},
		"beyond all":            {model: "full", usage: usage.Usage{InputUncached: math.MaxInt64, CodeSessions: math.MaxInt64}, nano: math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			q := c.Quote(noon, "x", tt.model)
			got := q.Cost(&tt.usage)
			want := catalog.Cost{Total: money.Nano(tt.nano), State: q.State(), Missing: got.Missing, Marks: tt.marks}
			if got != want || got.Missing.String() != tt.missing {
				t.Errorf("%+v, missing %q; want %d, %q, %b", got, got.Missing, tt.nano, tt.missing, tt.marks)
			}
			itemized, lines := q.Itemize(&tt.usage)
			if itemized != got {
				t.Errorf("itemized: %+v, not: %+v", itemized, got)
			}
			sum := money.Sum{}
			for _, l := range lines {
				sum = sum.Plus(money.Product(1, l.Cost, money.One))
				if l.Quantity <= 0 || l.Model == "" {
					t.Errorf("%+v", l)
				}
			}
			if n := sum.Nano(); got.Total < money.MaxNano && (n < got.Total || n > got.Total.Add(1)) {
				t.Errorf("the lines come to %v, the total is %v: %+v", n, got.Total, lines)
			}
		})
	}
}

func TestReportedCost(t *testing.T) {
	c := catalog.New(parse(t, rules))
	for _, model := range []string{"plain", "gift", "mute"} {
		q := c.Quote(noon, "x", model)
		got := q.Cost(&usage.Usage{InputUncached: 1, CostTicks: 1_466_251, HasCost: true})
		if !got.HasReported || got.Reported != 146_626 {
			t.Errorf("%s: %+v", model, got)
		}
		if got := q.Cost(&usage.Usage{HasCost: true}); !got.HasReported || got.Reported != 0 {
			t.Errorf("%s: a bill of nothing is a bill: %+v", model, got)
		}
		if got := q.Cost(&usage.Usage{}); got.HasReported {
			t.Errorf("%s: %+v", model, got)
		}
	}
}

func TestLines(t *testing.T) {
	c := catalog.New(parse(t, rules))
	q := c.Quote(noon, "x", "plain")
	_, lines := q.Itemize(&usage.Usage{InputUncached: 3, OutputText: 1, ServiceTier: "flex",
		Others: []usage.Other{{Model: "full", Usage: usage.Usage{CacheRead: 2, AudioSeconds: 1}}}})
	want := []catalog.Line{
		{Model: "plain", Kind: catalog.Input, Quantity: 3, Price: 1e6, Factor: money.One / 2, Cost: 1.5e6},
		{Model: "plain", Kind: catalog.Output, Quantity: 1, Price: 1e7, Factor: money.One / 2, Cost: 5e6},
		{Model: "full", Kind: catalog.CacheRead, Quantity: 2, Price: 1e5, Factor: money.One / 2, Cost: 1e5},
		{Model: "full", Kind: catalog.AudioHour, Quantity: 1, Price: 4e10, Factor: money.One, Cost: 11_111_112},
	}
	if len(lines) != len(want) {
		t.Fatalf("%+v", lines)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("line %d: %+v, want %+v", i, lines[i], want[i])
		}
	}
}

// TestCostAgainstBig compares random bills of tokens with arithmetic that has
// no limits and is written down once more.
func TestCostAgainstBig(t *testing.T) {
	c := catalog.New(parse(t, rules))
	q := c.Quote(noon, "x", "full")
	flat := map[string]int64{"": 1_000_000, "flex": 500_000, "priority": 2_000_000}
	rng := rand.New(rand.NewPCG(3, 4))
	n := func() int64 { return rng.Int64N(1 << (1 + rng.IntN(40))) }
	bills := 30_000
	if testing.Short() {
		bills = 5_000
	}
	for range bills {
		u := usage.Usage{InputUncached: n(), CacheRead: n(), CacheWrite5m: n(), CacheWrite1h: n(), OutputText: n(), OutputReasoning: n(), WebSearches: n() % 100}
		total := new(big.Int)
		add := func(n, pico, factor int64) {
			term := new(big.Int).Mul(big.NewInt(n), big.NewInt(pico))
			total.Add(total, term.Mul(term, big.NewInt(factor)))
		}
		for tier, by := range flat {
			u.ServiceTier = tier
			total.SetInt64(0)
			add(u.InputUncached, 1_000_000, by)
			add(u.CacheRead, 100_000, by)
			add(u.CacheWrite5m, 1_250_000, by)
			add(u.CacheWrite1h, 3_000_000, by)
			add(u.OutputText, 10_000_000, by)
			add(u.OutputReasoning, 12_000_000, by)
			add(u.WebSearches, 10_000_000_000, 1_000_000)
			add(1, 5_000_000_000, 1_000_000)
			want, rest := new(big.Int).DivMod(total, big.NewInt(1e9), new(big.Int))
			if rest.Sign() > 0 {
				want.Add(want, big.NewInt(1))
			}
			if got := q.Cost(&u).Total; want.Cmp(big.NewInt(int64(got))) != 0 {
				t.Fatalf("%+v: %d, want %v", u, int64(got), want)
			}
		}
	}
}

// TestSupplement looks at what is written by hand.
func TestSupplement(t *testing.T) {
	c := embedded(t)
	for name, tt := range map[string]struct {
		provider, model string
		usage           usage.Usage
		nano            int64
	}{
		"half for patience":          {"openai", "gpt-5", usage.Usage{InputUncached: 1000, ServiceTier: "flex"}, 625_000},
		"priority by model":          {"openai", "gpt-4o-2024-08-06", usage.Usage{InputUncached: 1000, ServiceTier: "priority"}, 4_250_000},
		"priority by rates":          {"openai", "gpt-4o-mini", usage.Usage{InputUncached: 1000, OutputText: 10, ServiceTier: "priority"}, 260_000},
		"a dollar for an hour":       {"groq", "whisper-large-v3-turbo", usage.Usage{AudioSeconds: 1}, 111_112},
		"spoken":                     {"openai", "tts-1", usage.Usage{Characters: 100}, 1_500_000},
		"fetching is free":           {"anthropic", "claude-sonnet-4-5", usage.Usage{WebFetches: 3, WebSearches: 1}, 10_000_000},
		"in the country":             {"anthropic", "claude-opus-4-8", usage.Usage{InputUncached: 10, Geo: "us"}, 55_000},
		"moderation":                 {"openai", "omni-moderation-latest", usage.Usage{InputUncached: 1000}, 0},
		"a reranking":                {"cohere", "rerank-v3.5", usage.Usage{RerankUnits: 1}, 2_000_000},
		"a search of the network":    {"xai", "grok-4.3", usage.Usage{ToolCalls: 1, WebSearches: 1}, 5_000_000},
		"a tool without a name":      {"xai", "grok-4.3", usage.Usage{ToolCalls: 1}, 10_000_000},
		"priority at two and a half": {"openai", "gpt-5.5", usage.Usage{InputUncached: 1000, ServiceTier: "priority"}, 12_500_000},
		"fast":                       {"anthropic", "claude-opus-5", usage.Usage{InputUncached: 1000, Speed: "fast"}, 10_000_000},
	} {
		q := c.Quote(noon, tt.provider, tt.model)
		if got := q.Cost(&tt.usage); int64(got.Total) != tt.nano || got.Missing != 0 || got.Marks != 0 {
			t.Errorf("%s: %+v (%s), want %d", name, got, q.State(), tt.nano)
		}
	}
}
