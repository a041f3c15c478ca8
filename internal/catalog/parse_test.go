package catalog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/money"
)

const head = `{"format": "tollgate/prices/1", "providers": `

// TestParseErrors expects every slip to refuse the whole list, with its place.
func TestParseErrors(t *testing.T) {
	own := func(model string) string {
		return head + "\n" + `{"openai": {"models": {"good": {"rates": {"input": "1"}}, "m": ` + model + `}}}}`
	}
	theirs := func(model string) string {
		return `{"providers": {"openai": {"models": {"good": {"rates": {"input": "1"}}, "m": ` + model + `}}}}`
	}
	lite := func(model string) string {
		return `{"good": {"litellm_provider": "openai", "input_cost_per_token": 1e-6}, "m": ` + model + `}`
	}
	const at = "/providers/openai/models/m"
	for name, tt := range map[string]struct{ text, path, says string }{
		"a number":            {own(`{"rates": {"input": 2.5}}`), at + "/rates/input", "in quotes"},
		"an exponent":         {own(`{"rates": {"input": "1e3"}}`), at + "/rates/input", "exponent"},
		"seven decimals":      {own(`{"rates": {"input": "0.0000001"}}`), at + "/rates/input", "more than 6 decimals"},
		"thirteen decimals":   {own(`{"units": {"webSearch": "0.0000000000001"}}`), at + "/units/webSearch", "more than 12 decimals"},
		"negative":            {own(`{"rates": {"input": "-1"}}`), at + "/rates/input", "negative"},
		"too dear":            {own(`{"rates": {"input": "1000000.01"}}`), at + "/rates/input", "cannot be the price"},
		"a dear piece":        {own(`{"units": {"picture": "1000.01"}}`), at + "/units/picture", "cannot be the price"},
		"no such rate":        {own(`{"rates": {"imput": "1"}}`), at + "/rates/imput", "one of input"},
		"a piece as a rate":   {own(`{"rates": {"webSearch": "1"}}`), at + "/rates/webSearch", "there is no"},
		"a rate as a piece":   {own(`{"units": {"input": "1"}}`), at + "/units/input", "there is no"},
		"no such member":      {own(`{"rate": {}}`), at + "/rate", "contextWindow"},
		"a list":              {own(`[]`), at, "must be an object"},
		"null":                {own(`null`), at, "must be an object"},
		"a fraction":          {own(`{"contextWindow": 1.5}`), at + "/contextWindow", "whole number"},
		"text for a number":   {own(`{"contextWindow": "8192"}`), at + "/contextWindow", "whole number"},
		"a huge window":       {own(`{"contextWindow": 9007199254740993}`), at + "/contextWindow", "whole number"},
		"free and priced":     {own(`{"free": true, "rates": {"input": "1"}}`), at, "no prices"},
		"not a truth":         {own(`{"free": 1}`), at + "/free", "true or false"},
		"falling tiers":       {own(`{"tiers": [{"contextOver": 2, "rates": {}}, {"contextOver": 1, "rates": {}}]}`), at + "/tiers/1", "must rise"},
		"equal tiers":         {own(`{"tiers": [{"contextOver": 2, "rates": {}}, {"contextOver": 2, "rates": {}}]}`), at + "/tiers/1", "must rise"},
		"tier of nothing":     {own(`{"tiers": [{"rates": {}}]}`), at + "/tiers/0", "contextOver is missing"},
		"tier with more":      {own(`{"tiers": [{"contextOver": 1, "units": {}}]}`), at + "/tiers/0/units", "there is no"},
		"always":              {own(`{"periods": [{"rates": {}}]}`), at + "/periods/0", `"from" or "daily"`},
		"no date":             {own(`{"periods": [{"from": "soon"}]}`), at + "/periods/0/from", "no date"},
		"no times":            {own(`{"periods": [{"daily": ["00:30"]}]}`), at + "/periods/0/daily", "two different times"},
		"one time":            {own(`{"periods": [{"daily": ["00:30", "00:30"]}]}`), at + "/periods/0/daily", "two different times"},
		"bad time":            {own(`{"periods": [{"daily": ["00:30", "25:00"]}]}`), at + "/periods/0/daily", "times of day"},
		"three times":         {own(`{"periods": [{"daily": ["00:30", "01:00", "02:00"]}]}`), at + "/periods/0/daily", "times of day"},
		"period with more":    {own(`{"periods": [{"from": "2026-01-01", "until": ""}]}`), at + "/periods/0/until", "there is no"},
		"empty rule":          {own(`{"match": "**"}`), at + "/match", "at least a part"},
		"star inside":         {own(`{"match": ["a*b"]}`), at + "/match/0", "beginning or the end"},
		"open expression":     {own(`{"match": "/abc"}`), at + "/match", "two slashes"},
		"bad expression":      {own(`{"match": "/(/"}`), at + "/match", "missing closing"},
		"all of nothing":      {own(`{"match": {"all": []}}`), at + "/match", "at least one rule"},
		"any in all":          {own(`{"match": {"any": []}}`), at + "/match/any", "there is no"},
		"a large factor":      {own(`{"speed": {"fast": "1000.1"}}`), at + "/speed/fast", "out of range"},
		"no factor":           {own(`{"geo": {"us": 1.1}}`), at + "/geo/us", "must be a string"},
		"service with more":   {own(`{"service": {"flex": {"factor": "1"}}}`), at + "/service/flex/factor", "there is no"},
		"twice":               {own(`{}, "M": {}`), "/providers/openai/models/M", "twice"},
		"the same name":       {own(`{}, "m": {}`), "/providers/openai/models/m", "duplicate"},
		"another format":      {`{"format": "tollgate/prices/2", "providers": {}}`, "/format", Format},
		"no format":           {`{"providers": {}, "format": 1}`, "/format", "must be a string"},
		"cut":                 {head + `{"openai"`, "", ""},
		"more behind":         {head + `{}} {}`, "", ""},
		"empty":               {``, "", "ends too early"},
		"another list":        {`{"models": []}`, "", "is no price list"},
		"theirs: a number":    {theirs(`{"rates": {"input": 1}}`), at + "/rates/input", "in quotes"},
		"theirs: our rate":    {theirs(`{"rates": {"cacheWrite1h": "1"}}`), at + "/rates/cacheWrite1h", "there is no"},
		"theirs: our member":  {theirs(`{"match": "m*"}`), at + "/match", "one of rates, tiers, tags"},
		"theirs: decimals":    {theirs(`{"rates": {"input": "0.0000001"}}`), at + "/rates/input", "more than 6 decimals"},
		"theirs: more":        {`{"providers": {}, "version": "1"}`, "/version", "there is no"},
		"theirs: provider":    {`{"providers": {"openai": {"fallback": []}}}`, "/providers/openai/fallback", "there is no"},
		"theirs: twice":       {`{"providers": {"xai": {"models": {"m": {}}}, "x-ai": {"models": {"m": {}}}}}`, "/providers/x-ai/models/m", "twice"},
		"theirs: tags":        {theirs(`{"tags": 1}`), at + "/tags", "must be a list"},
		"theirs: more behind": {`{"providers": {}} 1`, "", ""},
		"lite: more behind":   {lite(`{"litellm_provider": "openai"}`) + "1", "", ""},
		"lite: negative":      {lite(`{"litellm_provider": "openai", "input_cost_per_token": -1e-6}`), "/m/input_cost_per_token", "negative"},
		"lite: words":         {lite(`{"litellm_provider": "openai", "input_cost_per_token": "cheap"}`), "/m/input_cost_per_token", "only digits"},
		"lite: a truth":       {lite(`{"litellm_provider": "openai", "output_cost_per_token": true}`), "/m/output_cost_per_token", "must be a number"},
		"lite: too dear":      {lite(`{"litellm_provider": "openai", "output_cost_per_token": 1.5}`), "/m/output_cost_per_token", "cannot be the price"},
		"lite: no provider":   {lite(`{"output_cost_per_token": 1e-6}`), "/m", "litellm_provider is missing"},
		"lite: size":          {lite(`{"litellm_provider": "openai", "max_tokens": -1}`), "/m/max_tokens", "from 0"},
	} {
		t.Run(name, func(t *testing.T) {
			layer, err := catalog.Parse("prices.json", []byte(tt.text))
			var bad *catalog.Error
			if layer != nil || !errors.As(err, &bad) {
				t.Fatalf("accepted, or an error without a place: %v", err)
			}
			if bad.Source != "prices.json" || bad.Line < 1 || tt.path != "" && bad.Path != tt.path || !strings.Contains(bad.Reason, tt.says) {
				t.Errorf("%v; want %s and %q", err, tt.path, tt.says)
			}
		})
	}
	_, err := catalog.Parse("prices.json", []byte(own(`{"rates": {"input": 2.5}}`)))
	if !strings.HasPrefix(err.Error(), "prices.json:2: /providers/openai/models/m/rates/input: ") {
		t.Error(err)
	}
}

const Format = catalog.Format

func TestDetect(t *testing.T) {
	for text, want := range map[string]catalog.Shape{
		`{"providers": {}, "format": "tollgate/prices/1"}`: catalog.Own,
		`{"providers": {}}`:                                                         catalog.Agentgateway,
		`{"sample_spec": {"max_tokens": "words"}}`:                                  catalog.LiteLLM,
		`{"gpt-4o": {"litellm_provider": "openai"}}`:                                catalog.LiteLLM,
		`{"note": "ours", "openai/gpt-4o": {"input_cost_per_token": 0.0000025}}`:    catalog.LiteLLM,
		`{"providers": {"litellm_provider": {}}, "other": {"litellm_provider": 1}}`: catalog.Agentgateway,
	} {
		if got, err := catalog.Detect("x", []byte(text)); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{`{}`, `[]`, `{"a": {}}`, `{"a": 1}`, `{"gpt-4o": {"litellm_provider"`, `{"format": 3}`, `{"format":"csv"}`} {
		if got, err := catalog.Detect("x", []byte(text)); err == nil {
			t.Errorf("%s was taken for %s", text, got)
		}
	}
}

// price gives the price of a kind as it would be written.
func price(c *catalog.Catalog, provider, model, service string, over int64, kind catalog.Kind) string {
	m := c.Model(provider, model)
	if m == nil {
		return "no model"
	}
	for _, tier := range m.Tiers(noon) {
		if tier.Service != service || tier.Over != over {
			continue
		}
		for _, r := range tier.Rates {
			if r.Kind == kind {
				return kind.Format(r.Price)
			}
		}
	}
	return "none"
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func parse(t testing.TB, text string) *catalog.Layer {
	t.Helper()
	layer, err := catalog.Parse("test.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

func TestLiteLLM(t *testing.T) {
	c := catalog.New(parse(t, `{
		"sample_spec": {"litellm_provider": "one of ...", "max_tokens": "words", "input_cost_per_token": "words"},
		"gpt-x": {"litellm_provider": "openai", "mode": "chat", "max_input_tokens": 272000, "max_output_tokens": 128000.0,
			"input_cost_per_token": 1.25e-06, "output_cost_per_token": 0.00001, "cache_read_input_token_cost": "1.25e-07",
			"input_cost_per_token_priority": 2.5e-06, "output_cost_per_token_flex": 5e-06, "input_cost_per_token_batches": 6.25e-07,
			"input_cost_per_token_above_272k_tokens": 2.5e-06, "input_cost_per_token_above_272k_tokens_priority": 5e-06,
			"output_cost_per_reasoning_token": null, "supports_vision": true, "input_cost_per_image": 0.01,
			"search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_high": 0.05, "search_context_size_medium": 0.03},
			"file_search_cost_per_1k_calls": 2.5, "code_interpreter_cost_per_session": 0.03, "input_cost_per_second": 1},
		"claude-x": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-06, "cache_creation_input_token_cost": 3.75e-06,
			"cache_creation_input_token_cost_above_1hr": 6e-06, "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05,
			"max_tokens": 8192},
		"azure/us/gpt-x": {"litellm_provider": "azure", "input_cost_per_token": 8.333333333333334e-08},
		"vertex_ai/claude-x@1": {"litellm_provider": "vertex_ai-anthropic_models", "input_cost_per_token": 1e-6},
		"openrouter/anthropic/claude-x": {"litellm_provider": "openrouter", "input_cost_per_token": 2e-6},
		"together_ai/m": {"input_cost_per_token": 1e-6},
		"xai/grok-x": {"litellm_provider": "xai", "input_cost_per_token": 9e-6},
		"grok-x": {"litellm_provider": "xai", "input_cost_per_token": 3e-6},
		"xai/Grok-X": {"litellm_provider": "xai", "input_cost_per_token": 8e-6},
		"ears": {"litellm_provider": "openai", "mode": "audio_transcription", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0},
		"mouth": {"litellm_provider": "openai", "mode": "audio_speech", "input_cost_per_character": 1.5e-05},
		"brush": {"litellm_provider": "openai", "mode": "image_generation", "output_cost_per_image": 0.04, "input_cost_per_token": 0.0},
		"sorter": {"litellm_provider": "cohere", "mode": "rerank", "input_cost_per_query": 0.002, "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
		"steps": {"litellm_provider": "dashscope", "tiered_pricing": [
			{"range": [0, 32000.0], "input_cost_per_token": 1e-06, "output_cost_per_token": 5e-06},
			{"range": [32000, 128000], "input_cost_per_token": 2e-06}, {"max_results_range": [0, 1], "input_cost_per_token": 1}]},
		"words": {"litellm_provider": "openai", "mode": "chat"},
		"local": {"litellm_provider": "ollama", "mode": "chat", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
	}`))
	for _, tt := range []struct {
		provider, model, service string
		over                     int64
		kind                     catalog.Kind
		want                     string
	}{
		{"openai", "gpt-x", "", -1, catalog.Input, "1.25"},
		{"openai", "gpt-x", "", -1, catalog.Output, "10.00"},
		{"openai", "gpt-x", "", -1, catalog.CacheRead, "0.125"},
		{"openai", "gpt-x", "", -1, catalog.Reasoning, "none"},
		{"openai", "gpt-x", "", -1, catalog.AudioHour, "none"},
		{"openai", "gpt-x", "", -1, catalog.Picture, "none"},
		{"openai", "gpt-x", "", -1, catalog.WebSearch, "0.05"},
		{"openai", "gpt-x", "", -1, catalog.FileSearch, "0.0025"},
		{"openai", "gpt-x", "", -1, catalog.CodeSession, "0.03"},
		{"openai", "gpt-x", "", 272000, catalog.Input, "2.50"},
		{"openai", "gpt-x", "priority", -1, catalog.Input, "2.50"},
		{"openai", "gpt-x", "priority", -1, catalog.Output, "10.00"},
		{"openai", "gpt-x", "priority", 272000, catalog.Input, "5.00"},
		{"openai", "gpt-x", "flex", -1, catalog.Output, "5.00"},
		{"openai", "gpt-x", "batch", -1, catalog.Input, "0.625"},
		{"openai", "gpt-x", "batch", 272000, catalog.Input, "2.50"}, // the dearer of the two that are known
		{"anthropic", "claude-x", "", -1, catalog.CacheWrite, "3.75"},
		{"anthropic", "claude-x", "", -1, catalog.CacheWrite1h, "6.00"},
		{"anthropic", "claude-x", "", 200000, catalog.CacheWrite1h, "12.00"},
		{"azure", "us/gpt-x", "", -1, catalog.Input, "0.083334"},
		{"gcp.vertex_ai", "claude-x@1", "", -1, catalog.Input, "1.00"},
		{"openrouter", "anthropic/claude-x", "", -1, catalog.Input, "2.00"},
		{"togetherai", "m", "", -1, catalog.Input, "1.00"},
		{"xai", "grok-x", "", -1, catalog.Input, "3.00"},
		{"openai", "ears", "", -1, catalog.AudioHour, "0.36"},
		{"openai", "mouth", "", -1, catalog.Character, "15.00"},
		{"openai", "brush", "", -1, catalog.Picture, "0.04"},
		{"openai", "brush", "", -1, catalog.Input, "none"},
		{"cohere", "sorter", "", -1, catalog.RerankUnit, "0.002"},
		{"cohere", "sorter", "", -1, catalog.Output, "none"},
		{"dashscope", "steps", "", -1, catalog.Output, "5.00"},
		{"dashscope", "steps", "", 32000, catalog.Input, "2.00"},
		{"dashscope", "steps", "", 32000, catalog.Output, "5.00"},
		{"openai", "sample_spec", "", -1, catalog.Input, "no model"},
	} {
		if got := price(c, tt.provider, tt.model, tt.service, tt.over, tt.kind); got != tt.want {
			t.Errorf("%s %s %s above %d, %s: %s, want %s", tt.provider, tt.model, tt.service, tt.over, tt.kind, got, tt.want)
		}
	}
	if l := c.Model("openai", "gpt-x").Limits; l != (catalog.Limits{ContextWindow: 272000, MaxOutput: 128000}) {
		t.Errorf("%+v", l)
	}
	if l := c.Model("anthropic", "claude-x").Limits; l != (catalog.Limits{ContextWindow: 8192, MaxOutput: 8192}) {
		t.Errorf("%+v", l)
	}
	for model, want := range map[string]catalog.State{"words": catalog.Unknown, "gpt-x": catalog.Known} {
		if q := c.Quote(noon, "openai", model); q.State() != want || q.Model() == nil {
			t.Errorf("%s: %v", model, q.State())
		}
	}
	if q := c.Quote(noon, "ollama", "local"); q.State() != catalog.Free {
		t.Errorf("a list that says zero both ways declares it: %v", q.State())
	}
}

func TestAgentgateway(t *testing.T) {
	c := catalog.New(parse(t, `{"providers": {
		"gcp.gemini": {"models": {"gemini-x": {
			"rates": {"input": "1.25", "output": "10", "cacheRead": "0.125", "cacheWrite": "1.625", "reasoning": "12", "inputAudio": "1", "outputAudio": "2"},
			"tiers": [{"contextOver": 200000, "rates": {"input": "2.50"}}, {"contextOver": 400000, "rates": {"output": "20"}}], "tags": ["chat"]}}},
		"aws.bedrock": {"models": {"half": {"rates": {"input": "0"}}, "none": {}, "zero": {"rates": {"input": "0", "output": "0.00"}}}}
	}}`))
	for _, tt := range []struct {
		over int64
		kind catalog.Kind
		want string
	}{
		{-1, catalog.CacheWrite, "1.625"}, {-1, catalog.Reasoning, "12.00"}, {200000, catalog.Input, "2.50"},
		{200000, catalog.Output, "10.00"}, {400000, catalog.Output, "20.00"}, {400000, catalog.Input, "2.50"},
	} {
		if got := price(c, "gemini", "models/gemini-x", "", tt.over, tt.kind); got != tt.want {
			t.Errorf("above %d, %s: %s, want %s", tt.over, tt.kind, got, tt.want)
		}
	}
	for model, want := range map[string]catalog.State{"half": catalog.Known, "none": catalog.Unknown, "zero": catalog.Free, "other": catalog.Unknown} {
		if q := c.Quote(noon, "bedrock", model); q.State() != want {
			t.Errorf("%s: %v", model, q.State())
		}
	}
}

// TestForms reads what our own format can say beside rates.
func TestForms(t *testing.T) {
	layer := parse(t, `{"format": "tollgate/prices/1", "source": "us", "version": "7", "date": "2026-11-01", "providers": {
		"x": {"models": {
			"one": {"match": ["ONE-*", "*-uno", "*ein*", "/^1\\d$/", {"all": ["un*", "!/deux/"]}], "rates": {"input": "1"}},
			"two": {"unmetered": ["pages"], "deprecated": true, "maxOutput": 9, "contextWindow": 10, "rates": {"input": "2"}}
		}}}}`)
	if o := layer.Origin(); o != (catalog.Origin{Source: "us", Version: "7", Date: "2026-11-01"}) || layer.Models() != 2 {
		t.Errorf("%+v, %d models", o, layer.Models())
	}
	c := catalog.New(layer)
	for name, want := range map[string]bool{
		"one": true, "ONE": true, "one-more": true, "numero-UNO": true, "klein": true, "12": true, "un": true, "un-trois": true,
		"un-deux": false, "123": false, "onemore": false, "x1": false, "": false, strings.Repeat("one-", 100): false,
	} {
		if m := c.Model("X", name); (m != nil) != want {
			t.Errorf("%q: found %t", name, m != nil)
		}
	}
	m := c.Model("x", "two")
	if !m.Deprecated || len(m.Unmetered) != 1 || m.MaxOutput != 9 || m.ContextWindow != 10 || m.Version() != "us@7" || m.Origins()[0].Date != "2026-11-01" {
		t.Errorf("%+v", m)
	}
	unnamed := parse(t, head+`{"x": {"models": {}}}}`).Origin()
	if unnamed.Source != "test.json" || len(unnamed.Version) != 12 {
		t.Errorf("a list that does not name itself goes by its file and its sum: %+v", unnamed)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(head + `{"x": {"fallback": ["y"], "units": {"webSearch": "0.01"}, "service": {"flex": "0.5", "p": {"rates": {"input": "3"}, "tiers": []}}, "models": {"m": {"match": ["a*", {"all": ["/b/"]}], "rates": {"input": "1"}, "tiers": [{"contextOver": 1, "rates": {"input": "2"}}], "periods": [{"from": "2026-01-01", "daily": ["22:00", "06:00"], "rates": {"output": "1"}}], "geo": {"us": "1.1"}}}}}}`)
	f.Add(`{"providers": {"x": {"models": {"m": {"rates": {"input": "1"}, "tiers": [{"contextOver": 1, "rates": {}}], "tags": ["a"]}}}}}`)
	f.Add(`{"x/m": {"litellm_provider": "x", "mode": "rerank", "input_cost_per_token_above_200k_tokens_priority": 1e-6, "tiered_pricing": [{"range": [0, 1], "output_cost_per_token": 1}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		layer, err := catalog.Parse("f", []byte(text))
		if err != nil {
			var bad *catalog.Error
			if layer != nil || !errors.As(err, &bad) {
				t.Fatalf("an error without a place: %v", err)
			}
			return
		}
		c := catalog.New(layer)
		for m := range c.All() {
			q := c.Quote(noon, m.Provider, m.ID)
			cost := q.Cost(&use)
			if cost.Total < 0 || q.State() == catalog.Unknown && cost.Missing == 0 {
				t.Fatalf("%s %s costs %v", m.Provider, m.ID, cost)
			}
			ceiling := catalog.Ceiling{Input: use.Input(), Output: use.Output()}
			if bound, missing := q.Bound(&ceiling); bound < cost.Total && missing == 0 {
				t.Fatalf("%s %s: %v is above %v", m.Provider, m.ID, cost.Total, bound)
			}
			for _, tier := range m.Tiers(noon) {
				for _, r := range tier.Rates {
					if r.Price < 0 || r.Price > money.MaxPico {
						t.Fatalf("%s %s: %s is %v", m.Provider, m.ID, r.Kind, r.Price)
					}
				}
			}
		}
	})
}
