package control_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/control"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

func (h *house) limit(in admin.Limit) *admin.SharedLimit {
	h.t.Helper()
	out, err := h.CreateLimit(h.t.Context(), root, in)
	if err != nil {
		h.t.Fatal(err)
	}
	return &out.Limit
}

func TestSharedLimits(t *testing.T) {
	h := newHouse(t)
	a := h.create(admin.KeyInput{Name: "a", Labels: map[string]string{"team": "payments"}}).Key
	h.create(admin.KeyInput{Name: "b", Labels: map[string]string{"team": "payments"}})
	h.create(admin.KeyInput{Name: "c"})
	pool := h.limit(admin.Limit{Name: "payments", Match: map[string]string{"label.team": "payments"}, Per: "pool", Kind: "cost", Amount: admin.Dollars("5"), Window: &admin.Window{Calendar: "day"}})
	each := h.limit(admin.Limit{Name: "everybody", Match: map[string]string{}, Per: "each", Kind: "tokens", Amount: admin.Count(100)})
	if pool.Keys != 2 || each.Keys != 3 || pool.Remaining.Text != "5.00" || each.Standing != nil {
		t.Fatalf("%+v %+v", pool, each)
	}
	h.spend(a.ID, 2*money.USD, 30)
	for name, want := range map[string]string{"a": "5.00/2.00 100/30", "b": "5.00/2.00 100/0", "c": "100/0"} {
		var got []string
		for _, l := range h.key(name).SharedLimits {
			got = append(got, l.Amount.Text+"/"+l.Spent.Text)
		}
		if name != "c" && got[0][:1] != "5" {
			got[0], got[1] = got[1], got[0]
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	h.pass(24 * time.Hour)
	out, err := h.EditLimit(t.Context(), root, "payments", []byte(`{"name":"pay","match":{"label.env":"prod"},"window":{"calendar":"month"},"amount":"7.00"}`))
	if err != nil || out.Limit.Spent.Text != "2.00" || out.Limit.Keys != 0 || len(out.Limit.Match) != 2 {
		t.Fatalf("%+v, %v", out, err)
	}
	if got := h.live.shared; len(got) != 2 {
		t.Errorf("in force: %v", got)
	}
	list, err := h.Limits(t.Context(), root)
	if err != nil || len(list.Limits) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	gone, err := h.DeleteLimit(t.Context(), root, pool.ID, "over")
	if err != nil || gone.ID != pool.ID || len(h.live.shared) != 1 || h.last().Target.Name != "pay" {
		t.Errorf("%+v, %v", gone, err)
	}
	_, err = h.Limit(t.Context(), root, "pay")
	refused(t, err, control.NotFound, "limit_not_found")
	if one, err := h.Limit(t.Context(), root, each.ID); err != nil || one.Name != "everybody" {
		t.Errorf("%+v, %v", one, err)
	}
}

func TestSharedLimitsAreStrict(t *testing.T) {
	h := newHouse(t)
	_, err := h.CreateLimit(t.Context(), root, admin.Limit{ID: "lim_x", Name: "x", Match: map[string]string{"team": "a", "label.b c": "d"}, Per: "all", Kind: "cost", Amount: admin.Amount{Text: "5"}})
	refused(t, err, control.Invalid, "invalid", "id: is given", "match.team: ", "(label.team)", "match: \"b c\"", "per: \"all\" is none of pool, each", "amount: is money")
	_, err = h.CreateLimit(t.Context(), root, admin.Limit{Kind: "tokens", Amount: admin.Count(1)})
	refused(t, err, control.Invalid, "invalid", "name: is missing", "match: is missing; {} selects all keys", "per: is missing")
	l := h.limit(admin.Limit{Name: "x", Match: map[string]string{}, Per: "pool", Kind: "tokens", Amount: admin.Count(1)})
	_, err = h.CreateLimit(t.Context(), root, admin.Limit{Name: "x", Match: map[string]string{}, Per: "pool", Kind: "tokens", Amount: admin.Count(1)})
	refused(t, err, control.Conflict, "name_taken", l.ID)
	for patch, says := range map[string]string{
		`{"kind":"cost","amount":"1"}`: "kind: cannot change from tokens", `{"per":"each"}`: "per: cannot change", `{"matsch":{}}`: "(match)",
		`{"match":{"team":"x"}}`: "(label.team)", `{"id":"lim_y"}`: "id: is given for life", `{"window":{"calendar":"day","zone":"UTC"}}`: "window.zone: ",
	} {
		_, err = h.EditLimit(t.Context(), root, l.ID, json.RawMessage(patch))
		refused(t, err, control.Invalid, "invalid", says)
	}
	call := root
	call.IfMatch = `"9"`
	_, err = h.EditLimit(t.Context(), call, l.ID, []byte(`{}`))
	refused(t, err, control.Stale, "stale")
}

func TestWindowsComeBackAsTheyWereGiven(t *testing.T) {
	h := newHouse(t)
	for _, w := range []string{
		`{"calendar":"hour","timezone":"UTC"}`, `{"calendar":"week","timezone":"Asia/Tokyo","anchor":"sunday"}`, `{"calendar":"month","timezone":"UTC","anchor":"15"}`,
		`{"calendar":"quarter","timezone":"UTC","anchor":"02-10"}`, `{"calendar":"year","timezone":"UTC","anchor":"04-06"}`, `{"calendar":"year","timezone":"UTC","anchor":"01-06"}`,
		`{"calendar":"year","timezone":"UTC","anchor":"04-01"}`, `{"fixed":"5h","origin":"2026-01-01T00:00:00Z"}`, `{"fixed":"1h30m","origin":"2026-01-01T00:00:00Z"}`, `{"sliding":"60s"}`,
		`{"sliding":"24h"}`, `{"sliding":"5m"}`,
	} {
		var window admin.Window
		if err := json.Unmarshal([]byte(w), &window); err != nil {
			t.Fatal(err)
		}
		k := h.create(admin.KeyInput{Name: "key for " + w, Limits: []admin.Limit{{Kind: "tokens", Amount: admin.Count(1), Window: &window}}}).Key
		if got, _ := json.Marshal(h.key(k.ID).Limits[0].Window); string(got) != w {
			t.Errorf("%s came back as %s", w, got)
		}
	}
	for _, w := range []admin.Window{
		{Calendar: "day", Anchor: "1"}, {Calendar: "month", Anchor: "32"}, {Calendar: "year", Anchor: "6"}, {Calendar: "quarter", Anchor: "04-01"}, {Calendar: "week", Anchor: "7"},
		{Calendar: "day", Timezone: "Local"}, {Calendar: "day", Timezone: "../etc"}, {Sliding: "1ms"}, {Sliding: "-5s"}, {}, {Calendar: "day", Origin: &noon}, {Sliding: "5s", Anchor: "1"},
	} {
		_, err := h.CreateKey(t.Context(), root, admin.KeyInput{Name: "x", Limits: []admin.Limit{{Kind: "tokens", Amount: admin.Count(1), Window: &w}}})
		refused(t, err, control.Invalid, "invalid", "limits[0].window")
	}
}

func TestAdjust(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a", CostLimit: "10", RequestsLimit: func() *int64 { n := int64(5); return &n }()}).Key
	cost, rate := k.Limits[0].ID, k.Limits[1].ID
	pool := h.limit(admin.Limit{Name: "pool", Match: map[string]string{}, Per: "pool", Kind: "tokens", Amount: admin.Count(100)})
	each := h.limit(admin.Limit{Name: "each", Match: map[string]string{"label.x": "y"}, Per: "each", Kind: "tokens", Amount: admin.Count(100)})
	out, err := h.Adjust(t.Context(), root, cost, admin.Adjustment{Key: "a", By: admin.Dollars("4.00"), Reason: "forgotten"})
	if err != nil || out.By.Text != "4.00" || out.Limit.Spent.Text != "4.00" || out.EventID != h.last().Seq || h.last().Reason != "forgotten" {
		t.Fatalf("%+v, %v", out, err)
	}
	if d := h.last().Diff[0]; d.Before != `"0.00"` || d.After != `"4.00"` {
		t.Errorf("diff %+v", d)
	}
	if out, err = h.Adjust(t.Context(), root, cost, admin.Adjustment{Key: "a", By: admin.Dollars("-9.00"), Reason: "reset"}); err != nil || out.By.Text != "-4.00" || out.Limit.Spent.Text != "0.00" {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err = h.Adjust(t.Context(), root, "pool", admin.Adjustment{By: admin.Count(7), Reason: "x"}); err != nil || out.Limit.Spent.Text != "7" {
		t.Errorf("%+v, %v", out, err)
	}
	for _, tt := range []struct {
		id   string
		in   admin.Adjustment
		kind control.Kind
		code string
		says string
	}{
		{cost, admin.Adjustment{Key: "a", By: admin.Dollars("1")}, control.Invalid, "invalid", "reason: is missing"},
		{cost, admin.Adjustment{Key: "a", By: admin.Count(1), Reason: "x"}, control.Invalid, "invalid", "by: is money"},
		{cost, admin.Adjustment{Key: "a", By: admin.Dollars("0"), Reason: "x"}, control.Invalid, "invalid", "by: is nothing"},
		{cost, admin.Adjustment{By: admin.Dollars("1"), Reason: "x"}, control.NotFound, "limit_not_found", "give the key too"},
		{rate, admin.Adjustment{Key: "a", By: admin.Count(1), Reason: "x"}, control.Conflict, "limit_not_adjustable", "forget by themselves"},
		{pool.ID, admin.Adjustment{Key: "a", By: admin.Count(1), Reason: "x"}, control.Invalid, "invalid", "key: must be left out"},
		{each.ID, admin.Adjustment{By: admin.Count(1), Reason: "x"}, control.Invalid, "invalid", "key: is missing"},
		{each.ID, admin.Adjustment{Key: "a", By: admin.Count(1), Reason: "x"}, control.Invalid, "invalid", "not among those"},
		{"lim_none", admin.Adjustment{Key: "a", By: admin.Count(1), Reason: "x"}, control.NotFound, "limit_not_found", ""},
	} {
		_, err := h.Adjust(t.Context(), root, tt.id, tt.in)
		refused(t, err, tt.kind, tt.code, tt.says)
	}
	h.faulty.set(errors.New("no disk"))
	if _, err := h.Adjust(t.Context(), root, cost, admin.Adjustment{Key: "a", By: admin.Dollars("1"), Reason: "x"}); err == nil {
		t.Error("the books failed and nobody noticed")
	}
	if last := h.last(); last.Outcome != "refused" || !strings.Contains(last.Reason, "did not come about") {
		t.Errorf("on record: %+v", last)
	}
}

func TestCheck(t *testing.T) {
	h := newHouse(t)
	list, err := catalog.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	h.catalog = catalog.New(list...)
	h.live.models = []control.Model{
		{Name: "*", Targets: []control.Target{{Provider: "openai"}}},
		{Name: "fast", Targets: []control.Target{{Provider: "openai", Model: "gpt-4o-mini"}}},
		{Name: "house-*", Targets: []control.Target{{Provider: "house"}}},
		{Name: "gpt-4o-mini", Targets: []control.Target{{Provider: "openai", Model: "house-model"}}},
		{Name: "free", Targets: []control.Target{{Provider: "openai", Model: "gpt-4o-audio-preview"}}},
		{Name: "gpt-4o-any", Targets: []control.Target{{Provider: "openai", Model: "o3", As: "o3"}, {Provider: "openai", Model: "gpt-4o", As: "gpt-4o"}}},
		{Name: "gpt-4o-out", Targets: []control.Target{{Provider: "openai", Model: "o3", As: "o3"}}},
	}
	expires := noon.Add(time.Hour)
	k := h.create(admin.KeyInput{
		Name: "a", Models: &admin.Models{Allow: []string{"fast", "gpt-4o*", "house-*", "free"}, Deny: []string{"gpt-4o-audio*"}}, Operations: []string{"chat"}, Networks: []string{"10.0.0.0/8"}, ExpiresAt: &expires,
		Limits: []admin.Limit{{Kind: "cost", Amount: admin.Dollars("0.01")}, {Kind: "requests", Amount: admin.Count(2), Window: &admin.Window{Sliding: "60s"}}},
	}).Key
	check := func(in admin.Check) *admin.Checked {
		t.Helper()
		if in.Key == "" {
			in.Key = "a"
		}
		out, err := h.Check(t.Context(), root, in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := check(admin.Check{Model: "fast", InputTokens: 1000, MaxTokens: 1000, Address: "10.1.2.3"})
	if !out.Allowed || out.Price != "known" || out.Bound.CostUSD.Text != "0.00075" || out.Bound.Tokens != 2000 || len(out.Limits) != 2 {
		t.Fatalf("%+v %+v", out, out.Bound)
	}
	for _, tt := range []struct {
		in     admin.Check
		status int
		code   string
	}{
		{admin.Check{Model: "o3"}, 403, "model_not_allowed"},
		{admin.Check{Model: "gpt-4o-audio-preview"}, 403, "model_not_allowed"},
		{admin.Check{Model: "free"}, 403, "model_not_allowed"},       // that name stands for a denied one
		{admin.Check{Model: "gpt-4o-out"}, 403, "model_not_allowed"}, // and this for one that is not allowed
		{admin.Check{Model: "gpt-4o-any", MaxTokens: 100}, 0, ""},
		{admin.Check{Model: "fast", Operation: "embeddings"}, 403, "operation_not_allowed"},
		{admin.Check{Model: "fast", Address: "192.0.2.1"}, 403, "address_not_allowed"},
		{admin.Check{Model: "house-1", InputTokens: 1, MaxTokens: 1}, 403, "model_unpriced"},
		{admin.Check{Model: "gpt-4o-mini", InputTokens: 1, MaxTokens: 1}, 403, "model_unpriced"},
		{admin.Check{Model: "gpt-4o", InputTokens: 100, MaxTokens: 2000}, 429, "budget_exceeded"},
	} {
		if out := check(tt.in); out.Status != tt.status || out.Code != tt.code || out.Allowed != (tt.status == 0) {
			t.Errorf("%+v: %d %s (%s), want %d %s", tt.in, out.Status, out.Code, out.Message, tt.status, tt.code)
		}
	}
	if out := check(admin.Check{Model: "gpt-4o", InputTokens: 100}); !out.Allowed || out.Bound.Tokens <= 164 {
		t.Errorf("an output that nobody bounds is not lowered: %+v", out)
	}
	h.spend(k.ID, 0, 1)
	h.spend(k.ID, 0, 1)
	if out := check(admin.Check{Model: "fast", MaxTokens: 1}); out.Code != "rate_limit_exceeded" || out.Limit == nil || out.Limit.ID != k.Limits[1].ID || out.Limit.Remaining.Text != "0" {
		t.Errorf("%+v", out)
	}
	if got := h.key("a").Limits[1].Spent.Text; got != "2" {
		t.Errorf("checking has spent: %s", got)
	}
	h.live.models = h.live.models[1:2]
	if out := check(admin.Check{Model: "gpt-4o"}); out.Status != 404 || out.Code != "model_not_found" {
		t.Errorf("%+v", out)
	}
	h.pass(time.Hour)
	if out := check(admin.Check{Model: "fast"}); out.Status != 401 || out.Code != "key_expired" {
		t.Errorf("%+v", out)
	}
	if _, err := h.DisableKey(t.Context(), root, "a", admin.Reason{}); err != nil {
		t.Fatal(err)
	}
	if out := check(admin.Check{Model: "fast"}); out.Code != "key_disabled" {
		t.Errorf("%+v", out)
	}
	_, err = h.Check(t.Context(), root, admin.Check{Operation: "chatt", Address: "x", InputTokens: -1, MaxTokens: -1})
	refused(t, err, control.Invalid, "invalid", "key: ", "model: ", "operation: ", "(chat)", "address: ", "input_tokens: ", "max_tokens: ")
	_, err = h.Check(t.Context(), root, admin.Check{Key: "nobody", Model: "m"})
	refused(t, err, control.NotFound, "key_not_found")
}

func TestCheckTellsWhatIsInFlight(t *testing.T) {
	h := newHouse(t)
	h.live.models = []control.Model{{Name: "m", Targets: []control.Target{{Provider: "p"}}}}
	k := h.create(admin.KeyInput{Name: "a", TokenLimit: func() *int64 { n := int64(100); return &n }()}).Key
	r, refusal, err := h.books.Reserve(t.Context(), budget.Ask{Subject: k.ID, Limits: h.live.get(k.ID).Limits, Asked: "m", Model: "m", Bound: budget.Amount{Tokens: 90}, Deadline: noon.Add(time.Hour).UnixNano()})
	if err != nil || refusal != nil {
		t.Fatal(err, refusal)
	}
	defer r.Close()
	if out, err := h.Check(t.Context(), root, admin.Check{Key: "a", Model: "m", InputTokens: 10, MaxTokens: 10}); err != nil || out.Code != "budget_reserved" || out.Limit.Reserved.Text != "90" {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err := h.Check(t.Context(), root, admin.Check{Key: "a", Model: "m", InputTokens: 10, MaxTokens: 91}); err != nil || out.Code != "budget_exceeded" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestReconcileRecountsStrays(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a", CostLimit: "10", ResetPeriod: "daily"}).Key
	h.spend(k.ID, 3*money.USD, 0)
	// The books come to count the limit in another window than that which is stored.
	l := *h.live.get(k.ID).Limits[0]
	l.Window = budget.Window{}
	h.pass(24 * time.Hour)
	was := h.live.get(k.ID).Limits[0].Window
	if err := h.books.Change(t.Context(), ledger.Change{Limit: &l, Was: &was, Actor: "test", Reason: "test"}); err != nil {
		t.Fatal(err)
	}
	h.restart()
	if got := h.key("a").Limits[0]; got.Spent.Text != "0.00" || fmt.Sprint(h.books.Windows()[l.ID]) == "life" {
		t.Errorf("counted %s in %v", got.Spent.Text, h.books.Windows()[l.ID])
	}
}

// Whoever sends the limits of a key again, as declarative tools do, refills none of them.
func TestLimitsSentAgainKeepWhatTheyCounted(t *testing.T) {
	h := newHouse(t)
	made, err := h.CreateKey(t.Context(), root, admin.KeyInput{Name: "again", Limits: []admin.Limit{
		{Kind: "cost", Amount: admin.Dollars("10.00"), Window: &admin.Window{Calendar: "month"}},
		{Kind: "cost", Amount: admin.Dollars("1.00"), Window: &admin.Window{Calendar: "day"}},
		{Kind: "tokens", Amount: admin.Count(1000), Models: []string{"gpt-*"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.spend(made.Key.ID, 4e8, 0)
	before := h.key("again").Limits
	edit := func(patch string) []admin.Limit {
		t.Helper()
		if _, err := h.EditKey(t.Context(), root, "again", []byte(patch)); err != nil {
			t.Fatal(err)
		}
		return h.key("again").Limits
	}
	after := edit(`{"limits": [
		{"kind": "cost", "amount": "2.00", "window": {"calendar": "day"}},
		{"kind": "tokens", "amount": 1000, "models": ["gpt-*"]},
		{"kind": "cost", "amount": "10.00", "window": {"calendar": "month"}}]}`)
	if after[0].ID != before[1].ID || after[1].ID != before[2].ID || after[2].ID != before[0].ID || after[0].Spent.Text != "0.40" || after[2].Spent.Text != "0.40" {
		t.Errorf("the same limits in another order: %+v", after)
	}
	// The one that is left of its kind has another window now.
	after = edit(`{"limits": [
		{"kind": "cost", "amount": "2.00", "window": {"calendar": "day"}},
		{"kind": "cost", "amount": "100.00", "window": {"calendar": "year"}},
		{"kind": "tokens", "amount": 500}]}`)
	if after[1].ID != before[0].ID || after[1].Spent.Text != "0.40" || after[1].Window.Calendar != "year" {
		t.Errorf("a changed window: %+v", after[1])
	}
	if after[2].ID == before[2].ID {
		t.Error("a limit on all models took the place of one on some")
	}
	// Two that could be either are new.
	after = edit(`{"limits": [
		{"kind": "cost", "amount": "2.00", "window": {"calendar": "week"}},
		{"kind": "cost", "amount": "100.00", "window": {"calendar": "quarter"}}]}`)
	for _, l := range after {
		if l.ID == before[0].ID || l.ID == before[1].ID {
			t.Errorf("it was guessed which limit became %+v", l)
		}
	}
}
