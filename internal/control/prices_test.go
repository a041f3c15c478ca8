package control_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/catalog"
	"tollgate/internal/control"
)

func priced(list *admin.PriceList) (names []string) {
	for _, p := range list.Prices {
		names = append(names, p.Provider+"/"+p.Model+" "+p.State)
	}
	return names
}

func TestModelsSayWhetherTheyHaveAPrice(t *testing.T) {
	e := newEstate(t, nil)
	e.plane.models = []control.Model{
		{Name: "best", Targets: []control.Target{{Provider: "openai", Model: "gpt-5"}, {Provider: "anthropic", Model: "claude-sonnet-4-5"}, {Provider: "openai", Model: "gpt-5"}}},
		{Name: "gpt-5-mini", Targets: []control.Target{{Provider: "openai"}}},
		{Name: "moderation", Targets: []control.Target{{Provider: "openai", Model: "text-moderation"}}},
		{Name: "half", Targets: []control.Target{{Provider: "openai", Model: "gpt-5"}, {Provider: "custom", Model: "llama"}}},
		{Name: "claude-x", Targets: []control.Target{{Provider: "anthropic"}}},
		{Name: "gpt-*", Targets: []control.Target{{Provider: "openai"}}},
		{Name: "nowhere"},
	}
	out := must[*admin.ModelList](t)(e.Models(t.Context(), root))
	want := []string{
		"best [openai anthropic] [gpt-5 claude-sonnet-4-5] known", "gpt-5-mini [openai] [] known", "moderation [openai] [text-moderation] free",
		"half [openai custom] [gpt-5 llama] unknown", "claude-x [anthropic] [] unknown", "gpt-* [openai] [] ", "nowhere [] [] unknown",
	}
	for i, m := range out.Models {
		if got := fmt.Sprintf("%s %v %v %s", m.Name, m.Providers, m.Upstream, m.Price); got != want[i] {
			t.Errorf("got %q, want %q", got, want[i])
		}
	}
}

func TestPricesAreListedPageByPage(t *testing.T) {
	e := newEstate(t, nil)
	all := []string{"anthropic/claude-sonnet-4-5 known", "anthropic/claude-x unknown", "openai/gpt-5 known", "openai/gpt-5-mini known", "openai/text-moderation free"}
	for size := 1; size <= len(all)+1; size++ {
		var got []string
		for cursor := ""; ; {
			page := must[*admin.PriceList](t)(e.Prices(t.Context(), root, "", cursor, size))
			got = append(got, priced(page)...)
			if cursor = page.Next; cursor == "" {
				break
			}
			if len(page.Prices) != size {
				t.Fatalf("a page of %d has %d", size, len(page.Prices))
			}
		}
		if strings.Join(got, ",") != strings.Join(all, ",") {
			t.Errorf("pages of %d give %v", size, got)
		}
	}
	if got := priced(must[*admin.PriceList](t)(e.Prices(t.Context(), root, "GPT mini", "", 0))); len(got) != 1 || got[0] != all[3] {
		t.Errorf("found %v", got)
	}
	if page := must[*admin.PriceList](t)(e.Prices(t.Context(), root, "openai", "", 1)); page.Next == "" {
		t.Error("a search has no next page")
	} else if got := priced(must[*admin.PriceList](t)(e.Prices(t.Context(), root, "openai", page.Next, 10))); len(got) != 2 {
		t.Errorf("the next page of a search: %v", got)
	}
	for _, cursor := range []string{"!", "bm90aGluZw"} {
		_, err := e.Prices(t.Context(), root, "", cursor, 10)
		refused(t, err, control.Invalid, "bad_cursor")
	}
	_, err := e.Prices(t.Context(), root, strings.Repeat("x", 300), "", 201)
	refused(t, err, control.Invalid, "invalid", "limit: is not between 1 and 200", "q: has 300")
}

func TestAPriceSaysWhereItComesFrom(t *testing.T) {
	e := newEstate(t, nil)
	out := must[*admin.PriceList](t)(e.Price(t.Context(), root, "claude-sonnet-4-5"))
	raw, _ := json.Marshal(out)
	origin := `{"source":"list","version":"7","date":"2026-09-30"}`
	rate := func(kind, price string) string {
		return fmt.Sprintf(`{"kind":%q,"price_usd":%q,"per":"million","origin":%s}`, kind, price, origin)
	}
	if !strings.Contains(string(raw), `"tiers":[{"rates":[`+rate("input", "3.00")) || !strings.Contains(string(raw), `{"over_input_tokens":200000,"rates":[`+rate("input", "6.00")) ||
		!strings.Contains(string(raw), `"origins":[`+origin+`]}`) || !strings.Contains(string(raw), `"state":"known","version":"list@7"`) {
		t.Errorf("got %s", raw)
	}
	got := priced(must[*admin.PriceList](t)(e.Price(t.Context(), root, "gpt-5")))
	if strings.Join(got, ",") != "openai/gpt-5 known" {
		t.Errorf("got %v", got)
	}
	tiers := must[*admin.PriceList](t)(e.Price(t.Context(), root, "gpt-5")).Prices[0].Tiers
	if len(tiers) != 2 || tiers[0].Factor != "" || tiers[1].Service != "priority" || tiers[1].Factor != "2.00" {
		t.Errorf("tiers %+v", tiers)
	}
	for _, name := range []string{"openai/gpt-5", "azure/gpt-5"} { // the second has the prices of the first
		if got := priced(must[*admin.PriceList](t)(e.Price(t.Context(), root, name))); len(got) != 1 || got[0] != name+" known" {
			t.Errorf("%s: %v", name, got)
		}
	}
	e.plane.models = []control.Model{{Name: "best", Targets: []control.Target{{Provider: "azure", Model: "gpt-5-mini"}, {Provider: "anthropic", Model: "claude-x"}}}}
	if got := priced(must[*admin.PriceList](t)(e.Price(t.Context(), root, "best"))); strings.Join(got, ",") != "azure/gpt-5-mini known,anthropic/claude-x unknown" {
		t.Errorf("an alias: %v", got)
	}
	_, err := e.Price(t.Context(), root, "gpt-5-mimi")
	refused(t, err, control.NotFound, "price_not_found", "did you mean gpt-5-mini?")
	_, err = e.Price(t.Context(), root, "something else altogether")
	refused(t, err, control.NotFound, "price_not_found", "your own price list")
	_, err = e.Price(t.Context(), root, "")
	refused(t, err, control.Invalid, "invalid", "model: ")
}

// Some providers charge the same for every name: that is told where a request would go to
// them, and is no price of a model that nobody knows.
func TestPricesOfEveryName(t *testing.T) {
	h := newHouse(t)
	list, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	h.catalog = catalog.New(list...)
	h.live.models = []control.Model{{Name: "mine", Targets: []control.Target{{Provider: "ollama", Model: "llama"}}}}
	for name, want := range map[string]string{"gpt-5-mini": "openai/gpt-5-mini known", "mine": "ollama/", "ollama/llama": "ollama/", "simulated": "simulated/simulated known"} {
		got := priced(must[*admin.PriceList](t)(h.Price(t.Context(), root, name)))
		if text := strings.Join(got, ","); !strings.Contains(text, want) || strings.Contains(text, "ollama/") != strings.HasPrefix(want, "ollama/") || strings.Contains(text, "simulated") != (name == "simulated") {
			t.Errorf("%s: %v", name, got)
		}
	}
	_, err = h.Price(t.Context(), root, "nobody-knows")
	refused(t, err, control.NotFound, "price_not_found")
}

func TestTheOperatorsPricesStandAboveAll(t *testing.T) {
	e := newEstate(t, nil)
	empty := must[*admin.PriceOverrides](t)(e.PriceOverrides(t.Context(), root))
	if string(empty.List) != `{"format":"tollgate/prices/1","providers":{}}` || empty.ETag == "" {
		t.Errorf("at first: %s", empty.List)
	}
	input := func() string {
		return must[*admin.PriceList](t)(e.Price(t.Context(), root, "openai/gpt-5")).Prices[0].Tiers[0].Rates[0].PriceUSD
	}
	if input() != "1.25" {
		t.Fatalf("at first it costs %s", input())
	}
	const list = `{"format":"tollgate/prices/1", "source":"contract", "version":"1", "providers":{"openai":{"models":{"gpt-5":{"rates":{"input":"0.90"}}}}}}`
	call := root
	call.IfMatch = empty.ETag
	out := must[*admin.PriceOverrides](t)(e.SetPriceOverrides(t.Context(), call, json.RawMessage(list)))
	if input() != "0.90" || out.ETag == empty.ETag {
		t.Errorf("then it costs %s", input())
	}
	if o := must[*admin.PriceList](t)(e.Prices(t.Context(), root, "", "", 1)).Origins; len(o) != 2 || o[1].Source != "contract" || o[1].Date != noon.Format(time.DateOnly) {
		t.Errorf("the lists in force: %+v", o)
	}
	if last := e.recorded("prices.set_overrides", audit.Done); last.Seq != out.EventID || !strings.Contains(fmt.Sprint(last.Diff), `{providers.openai.models.gpt-5.rates.input  "0.90"}`) {
		t.Errorf("event %+v", last.Diff)
	}
	_, err := e.SetPriceOverrides(t.Context(), call, json.RawMessage(list))
	refused(t, err, control.Stale, "stale", out.ETag)
	if now := must[*admin.PriceOverrides](t)(e.PriceOverrides(t.Context(), root)); now.ETag != out.ETag || string(now.List) != strings.ReplaceAll(list, `", "`, `","`) {
		t.Errorf("now: %s", now.List)
	}
	for says, bad := range map[string]string{
		"providers.openai.models.gpt-5.rates.input": `{"format":"tollgate/prices/1","providers":{"openai":{"models":{"gpt-5":{"rates":{"input":"cheap"}}}}}}`,
		"providers.a/b.moduls":                      `{"format":"tollgate/prices/1","providers":{"a/b":{"moduls":{}}}}`,
		`format: must be "tollgate/prices/1"`:       `{"format":"tollgate/prices/2","providers":{}}`,
		"(line 2)":                                  "{\n",
	} {
		_, err := e.SetPriceOverrides(t.Context(), root, json.RawMessage(bad))
		refused(t, err, control.Invalid, "invalid", says)
		e.recorded("prices.set_overrides", audit.Refused)
	}
	if input() != "0.90" {
		t.Errorf("after refusals it costs %s", input())
	}
	// A start puts the stored list in force again.
	e.plane.PricesChanged(nil)
	e.pass(48 * time.Hour)
	if err := control.New(e.parts).LoadPrices(t.Context()); err != nil || input() != "0.90" || e.plane.own.Origin().Date != noon.Format(time.DateOnly) {
		t.Errorf("after a start it costs %s, of %s: %v", input(), e.plane.own.Origin().Date, err)
	}
	must[*admin.PriceOverrides](t)(e.SetPriceOverrides(t.Context(), root, json.RawMessage("null")))
	if input() != "1.25" || e.plane.own != nil {
		t.Errorf("taken away it costs %s", input())
	}
	if err := control.New(e.parts).LoadPrices(t.Context()); err != nil || e.plane.own != nil {
		t.Errorf("a start without a list: %v", err)
	}
}
