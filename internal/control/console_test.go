package control_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/control"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// What the console shows besides: spending of the month, totals, labels, latency, requests under way, and
// the history of a key with that of its limits.

func TestKeysTellWhatTheyUsedThisMonth(t *testing.T) {
	e := newEstate(t, nil)
	a, b := e.create(admin.KeyInput{Name: "a"}).Key.ID, e.create(admin.KeyInput{Name: "b"}).Key.ID
	first := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	tokens := func(r record.Request) record.Request {
		r.Tokens = record.Tokens{Input: 30, Output: 4}
		return r
	}
	e.requested(tokens(made("1", first.Add(-time.Second), a, "gpt-5", 8*money.USD)), tokens(made("2", first, a, "gpt-5", money.USD)), tokens(made("3", noon, a, "gpt-5", 2*money.USD)))
	used := admin.KeyMonth{Requests: 2, InputTokens: 60, OutputTokens: 8, CostUSD: "3.00"}
	list := must[*admin.KeyList](t)(e.Keys(t.Context(), root, admin.KeyFilter{})).Keys
	if len(list) != 2 || *list[0].ThisMonth != used || *list[1].ThisMonth != (admin.KeyMonth{CostUSD: "0.00"}) {
		t.Errorf("listed %+v, %+v", list[0].ThisMonth, list[1].ThisMonth)
	}
	if k := e.key("a"); *k.ThisMonth != used {
		t.Errorf("shown %+v", k.ThisMonth)
	}
	if k := e.key(b); k.ThisMonth.CostUSD != "0.00" {
		t.Errorf("another key: %+v", k.ThisMonth)
	}
	if changed := must[*admin.KeyChanged](t)(e.DisableKey(t.Context(), root, "a", admin.Reason{})); changed.Key.ThisMonth != nil {
		t.Errorf("after a change: %+v", changed.Key.ThisMonth)
	}
	e.pass(18 * 24 * time.Hour)
	if k := e.key("a"); k.ThisMonth.Requests != 0 {
		t.Errorf("in the next month: %+v", k.ThisMonth)
	}
}

// lost is a database of which the history cannot be read.
type lost struct{ store.Store }

func (l lost) Requests() store.Requests { return noHistory{l.Store.Requests()} }

type noHistory struct{ store.Requests }

func (noHistory) MonthOf(context.Context, time.Time, []string) (map[string]record.Sums, error) {
	return nil, errDown
}

func TestKeysAreThereWithoutTheirHistory(t *testing.T) {
	e := newEstate(t, func(p *control.Parts) { p.Store = lost{p.Store} })
	e.create(admin.KeyInput{Name: "a"})
	if k := must[*admin.Key](t)(e.Key(t.Context(), root, "a")); k.Name != "a" || k.ThisMonth != nil {
		t.Errorf("%+v", k)
	}
	if l := must[*admin.KeyList](t)(e.Keys(t.Context(), root, admin.KeyFilter{})); len(l.Keys) != 1 || l.Keys[0].ThisMonth != nil {
		t.Errorf("%+v", l)
	}
}

// stored puts n keys into the database.
func (e *estate) stored(n int, labels func(i int) map[string]string) {
	e.t.Helper()
	err := e.house.store.Update(e.t.Context(), func(tx store.Tx) error {
		for i := range n {
			name := fmt.Sprintf("stored-%05d", i)
			k := &vkey.Key{ID: "key_" + name, Name: name, Origin: vkey.Managed, CreatedAt: noon, Labels: labels(i)}
			if i < 3 {
				k.Limits = []*budget.Limit{{ID: fmt.Sprint("lim_", i), Kind: budget.Cost, Amount: 1}}
			}
			if err := tx.Keys().Put(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		e.t.Fatal(err)
	}
}

func TestListsOfKeysTellHowManyThereAre(t *testing.T) {
	e := newEstate(t, nil)
	ask := func(what string, f admin.KeyFilter, want string) *admin.KeyList {
		t.Helper()
		l := must[*admin.KeyList](t)(e.Keys(t.Context(), root, f))
		got := fmt.Sprint("at least ", l.TotalAtLeast)
		if l.Total != nil {
			got = fmt.Sprint(*l.Total)
		}
		if got != want || l.Total != nil && l.TotalAtLeast != 0 {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
		return l
	}
	ask("no keys", admin.KeyFilter{}, "0")
	e.stored(1002, func(i int) map[string]string {
		if i == 0 {
			return map[string]string{"team": "pay", "one": "yes"}
		}
		return map[string]string{"team": "pay"}
	})
	all := ask("all", admin.KeyFilter{}, "1002")
	ask("the next page", admin.KeyFilter{Cursor: all.Next}, "1002")
	ask("of a status", admin.KeyFilter{Status: "active", Limit: 1}, "1002")
	ask("none of a status", admin.KeyFilter{Status: "revoked"}, "0")
	ask("very many", admin.KeyFilter{Labels: map[string]string{"team": "pay"}}, "at least 1000")
	ask("many", admin.KeyFilter{Uncapped: true}, "999")
	ask("few", admin.KeyFilter{Text: "stored-0001", Limit: 2}, "10")
	ask("on one page", admin.KeyFilter{Labels: map[string]string{"one": "yes"}}, "1")
}

func TestLabels(t *testing.T) {
	e := newEstate(t, nil)
	labels := func() *admin.LabelList {
		t.Helper()
		return must[*admin.LabelList](t)(e.Labels(t.Context(), root))
	}
	if l := labels(); l.Labels == nil || len(l.Labels) > 0 {
		t.Errorf("of no keys: %+v", l)
	}
	e.create(admin.KeyInput{Name: "a", Labels: map[string]string{"team": "pay", "env": "prod"}})
	e.create(admin.KeyInput{Name: "b", Labels: map[string]string{"team": "shop"}})
	want := &admin.LabelList{Labels: []admin.LabelName{
		{Name: "team", Keys: 2, Values: []admin.LabelValue{{Value: "pay", Keys: 1}, {Value: "shop", Keys: 1}}}, {Name: "env", Keys: 1, Values: []admin.LabelValue{{Value: "prod", Keys: 1}}},
	}}
	if l := labels(); !reflect.DeepEqual(l, want) {
		t.Errorf("got %+v", l)
	}
	e.stored(5001, func(i int) map[string]string {
		if i < 120 {
			return map[string]string{"team": fmt.Sprintf("team-%03d", i), fmt.Sprintf("name-%03d", i): "x"}
		}
		return nil
	})
	l := labels()
	if len(l.Labels) != 50 || !l.More || l.Labels[0].Name != "team" || l.Labels[0].Keys != 122 || len(l.Labels[0].Values) != 100 || !l.Labels[0].More || l.Labels[1].More {
		t.Errorf("%d names, more %v; team %+v", len(l.Labels), l.More, l.Labels[0])
	}
	// Of so many keys they are not counted again and again.
	e.create(admin.KeyInput{Name: "c", Labels: map[string]string{"team": "new"}})
	e.pass(9 * time.Second)
	if got := labels().Labels[0].Keys; got != 122 {
		t.Errorf("%d keys, counted again", got)
	}
	e.pass(2 * time.Second)
	if got := labels().Labels[0].Keys; got != 123 {
		t.Errorf("%d keys some seconds later", got)
	}
}

func TestTheOverviewTellsOfLatency(t *testing.T) {
	e := newEstate(t, nil)
	e.pass(time.Minute)
	if o := e.overview(); o.Latency != nil {
		t.Errorf("of nothing: %+v", o.Latency)
	}
	var rows []record.Request
	add := func(at time.Time, whole, first time.Duration, outcome string) {
		r := made(fmt.Sprint("r", len(rows)), at, "key_aaaaaaaaaaaa", "gpt-5", 0)
		r.Duration, r.FirstByte, r.Outcome = whole, first, outcome
		rows = append(rows, r)
	}
	for i := range 100 {
		add(noon.Add(-time.Duration(i)*time.Second), time.Duration(i+1)*time.Second, time.Duration(i+1)*time.Millisecond, "served")
	}
	add(noon.Add(-2*time.Hour), time.Hour, time.Hour, "served") // too long ago
	add(noon, time.Hour, time.Hour, "refused")
	add(noon, 50*time.Second, 0, "served") // nothing is known of its first byte
	e.requested(rows...)
	if l := e.overview().Latency; l == nil || *l != (admin.Latency{Requests: 101, P50: 50, P95: 95, FirstByteP50: 0.05}) {
		t.Errorf("%+v", l)
	}
	for range 1000 {
		add(noon.Add(time.Second), time.Second, time.Second, "served")
	}
	e.requested(rows[103:]...)
	if l := e.overview().Latency; l == nil || *l != (admin.Latency{Requests: 1000, P50: 1, P95: 1, FirstByteP50: 1}) {
		t.Errorf("of more than are looked at: %+v", l)
	}
}

func TestAttentionCountsWhatItDoesNotList(t *testing.T) {
	e := newEstate(t, nil)
	rest := func() admin.AttentionTo {
		t.Helper()
		all := e.overview().Attention
		for _, a := range all {
			if a.More > 0 && a.Kind == "uncapped" {
				return a
			}
		}
		t.Fatalf("no entry stands for others: %+v", all)
		return admin.AttentionTo{}
	}
	for i := range 7 {
		e.create(admin.KeyInput{Name: fmt.Sprint("open ", i)})
	}
	if got, want := rest(), (admin.AttentionTo{Kind: "uncapped", Message: "and 2 more", More: 2}); got != want {
		t.Errorf("%+v", got)
	}
	e.stored(1005, func(int) map[string]string { return nil })
	if got, want := rest(), (admin.AttentionTo{Kind: "uncapped", Message: "and more than 994 others", More: 994, MoreThan: true}); got != want {
		t.Errorf("%+v", got)
	}
}

func TestKeysTellWhatIsUnderWay(t *testing.T) {
	e := newEstate(t, nil)
	k := e.create(admin.KeyInput{Name: "a"}).Key
	if got := e.key("a").InFlight; got != nil {
		t.Errorf("%d where nobody counts", *got)
	}
	e.house.live.flights = map[string]int{k.ID: 0}
	if got := e.key("a").InFlight; got == nil || *got != 0 {
		t.Errorf("in flight %v, want 0", got)
	}
	e.house.live.flights[k.ID] = 3
	if got := e.key("a").InFlight; got == nil || *got != 3 {
		t.Errorf("in flight %v, want 3", got)
	}
}

// The history of a key has what was done to its limits in it, and what was refused there.
func TestHistoryOfAKeyAndItsLimits(t *testing.T) {
	e := newEstate(t, nil)
	k := e.create(admin.KeyInput{Name: "a", CostLimit: "10", Labels: map[string]string{"team": "pay"}}).Key // 1
	e.create(admin.KeyInput{Name: "b", CostLimit: "10"})                                                    // 2
	each := must[*admin.SharedLimitChanged](t)(e.CreateLimit(t.Context(), root, admin.Limit{                // 3
		Name: "each", Kind: "cost", Amount: admin.Dollars("1.00"), Per: "each", Match: map[string]string{"label.team": "pay"},
	})).Limit
	must[*admin.Adjusted](t)(e.Adjust(t.Context(), root, k.Limits[0].ID, admin.Adjustment{Key: "a", By: admin.Dollars("1"), Reason: "x"})) // 4
	must[*admin.Adjusted](t)(e.Adjust(t.Context(), root, each.ID, admin.Adjustment{Key: k.ID, By: admin.Dollars("1"), Reason: "x"}))       // 5
	if _, err := e.Adjust(t.Context(), root, k.Limits[0].ID, admin.Adjustment{Key: "a", By: admin.Dollars("1")}); err == nil {             // 6
		t.Fatal("it was adjusted without a reason")
	}
	e.edit("a", `{"name": "c"}`) // 7
	e.edit("b", `{"name": "d"}`) // 8
	list := must[*admin.EventList](t)(e.Events(t.Context(), root, admin.EventFilter{Related: k.ID}))
	var got, exported []uint64
	for _, ev := range list.Events {
		got = append(got, ev.ID)
		if ev.Target.Kind == "limit" && (ev.Target.KeyID != k.ID || !strings.HasPrefix(ev.Target.ID, "lim_")) {
			t.Errorf("event %d: target %+v", ev.ID, ev.Target)
		}
	}
	if want := []uint64{7, 6, 5, 4, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	err := e.EachEvent(t.Context(), root, admin.EventFilter{Related: k.ID}, func(ev *admin.Event) error {
		exported = append(exported, ev.ID)
		return nil
	})
	if want := []uint64{1, 4, 5, 6, 7}; err != nil || !slices.Equal(exported, want) {
		t.Errorf("exported %v, %v, want %v", exported, err, want)
	}
	if v := must[*admin.Verification](t)(e.VerifyAudit(t.Context(), root)); !v.OK {
		t.Errorf("%+v", v)
	}
	if last := e.events()[3]; last.Target != (audit.Target{Kind: "limit", ID: k.Limits[0].ID, KeyID: k.ID}) {
		t.Errorf("target %+v", last.Target)
	}
}

func TestCheckSpeaksToPeople(t *testing.T) {
	h := newHouse(t)
	h.live.models = []control.Model{{Name: "m", Targets: []control.Target{{Provider: "p"}}}}
	for _, c := range []struct {
		limit admin.Limit
		in    admin.Check
		says  string
	}{
		{admin.Limit{Kind: "tokens", Amount: admin.Count(18_000_000), Window: &admin.Window{Calendar: "month"}}, admin.Check{InputTokens: 17_999_000, MaxTokens: 5000},
			"the limit ID of 18,000,000 tokens a month never admits a request that may come to 18,004,000 tokens"},
		{admin.Limit{Kind: "tokens", Amount: admin.Count(0), Window: &admin.Window{Calendar: "hour"}}, admin.Check{MaxTokens: 5000},
			"the limit ID of 0 tokens an hour never admits a request that may come to 5,000 tokens"},
		{admin.Limit{Kind: "requests", Amount: admin.Count(0), Window: &admin.Window{Fixed: "5h"}}, admin.Check{}, "the limit ID of 0 requests every 5h admits nothing"},
		{admin.Limit{Kind: "concurrency", Amount: admin.Count(0)}, admin.Check{}, "the limit ID of 0 requests at a time admits nothing"},
		{admin.Limit{Kind: "cost", Amount: admin.Dollars("2500.5")}, admin.Check{}, "there is no price for m at p, so the limit ID of $2500.50 for life cannot admit it"},
	} {
		name := fmt.Sprint(c.limit.Kind, c.limit.Window)
		k := h.create(admin.KeyInput{Name: name, Limits: []admin.Limit{c.limit}}).Key
		c.in.Key, c.in.Model = name, "m"
		out := must[*admin.Checked](t)(h.Check(t.Context(), root, c.in))
		if got := strings.ReplaceAll(out.Message, k.Limits[0].ID, "ID"); got != c.says {
			t.Errorf("got  %s\nwant %s", got, c.says)
		}
	}
	k := h.create(admin.KeyInput{Name: "used", Limits: []admin.Limit{
		{Kind: "tokens", Amount: admin.Count(12_000), Window: &admin.Window{Calendar: "day"}}, {Kind: "requests", Amount: admin.Count(1), Window: &admin.Window{Sliding: "60s"}},
	}}).Key
	h.spend(k.ID, 0, 10_500)
	check := func(key string, max int64, says string) {
		t.Helper()
		out := must[*admin.Checked](t)(h.Check(t.Context(), root, admin.Check{Key: key, Model: "m", MaxTokens: max}))
		got := out.Message
		for _, l := range h.key(key).Limits {
			got = strings.ReplaceAll(got, l.ID, "ID")
		}
		if got != says {
			t.Errorf("got  %s\nwant %s", got, says)
		}
	}
	check("used", 1600, "the limit ID of 12,000 tokens a day has 1,500 tokens left, and the request may come to 1,600 tokens")
	check("used", 100, "the limit ID of 1 request in any 60s has no room at the moment")
	k = h.create(admin.KeyInput{Name: "busy", Limits: []admin.Limit{{Kind: "tokens", Amount: admin.Count(12_000)}}}).Key
	r, refusal, err := h.books.Reserve(t.Context(), budget.Ask{Subject: k.ID, Limits: h.live.get(k.ID).Limits, Asked: "m", Model: "m", Bound: budget.Amount{Tokens: 11_000}, Deadline: noon.Add(time.Hour).UnixNano()})
	if err != nil || refusal != nil {
		t.Fatal(err, refusal)
	}
	defer r.Close()
	check("busy", 1600, "the limit ID of 12,000 tokens for life has room for 1,600 tokens only once requests under way have ended")
}
