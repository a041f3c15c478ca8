package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/control"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// attention gives the entries of one kind.
func attention(o *admin.Overview, kind string) (all []string) {
	for _, a := range o.Attention {
		if a.Kind == kind {
			all = append(all, strings.TrimSpace(a.Name+" "+a.Message))
		}
	}
	return all
}

func (e *estate) overview() *admin.Overview {
	e.t.Helper()
	return must[*admin.Overview](e.t)(e.Overview(e.t.Context(), root))
}

func TestTheOverviewOfNothing(t *testing.T) {
	e := newEstate(t, nil)
	o := e.overview()
	if !o.At.Equal(noon) || o.Today.CostUSD != "0.00" || o.MonthProjected != "0.00" || o.Keys != (admin.KeyCounts{}) {
		t.Errorf("%+v", o)
	}
	if o.Refusals == nil || o.Days == nil || o.TopKeys == nil || o.Attention == nil || len(o.Attention) > 0 {
		t.Errorf("lists are empty, not absent: %+v", o)
	}
	if h := must[*admin.Health](t)(e.Health(t.Context(), root)); h.Version != "1.2.3" {
		t.Errorf("health %+v", h)
	}
}

func TestTheOverviewSaysWhatWasUsed(t *testing.T) {
	e := newEstate(t, nil)
	e.pass(time.Minute)
	a, b := "key_aaaaaaaaaaaa", "key_bbbbbbbbbbbb"
	e.requested(
		made("1", noon, a, "gpt-5", 1*money.USD), made("2", noon.Add(-11*time.Hour), b, "gpt-5", 2*money.USD), // today
		made("3", noon.Add(-13*time.Hour), b, "gpt-5", 4*money.USD), // this month
		made("4", noon.AddDate(0, 0, -20), a, "gpt-5", 8*money.USD), // the month before, but one of 30 days
		made("5", noon.AddDate(0, 0, -40), a, "gpt-5", 16*money.USD),
	)
	o := e.overview()
	if o.Today.CostUSD != "3.00" || o.Today.Requests != 2 || o.Month.CostUSD != "7.00" {
		t.Errorf("today %+v, month %+v", o.Today, o.Month)
	}
	// 13 days, 12 hours and a minute of 31 days.
	if want := "16.07324726"; o.MonthProjected != want {
		t.Errorf("projected %s, want %s", o.MonthProjected, want)
	}
	if len(o.Days) != 3 || o.Days[0].CostUSD != "8.00" || o.Days[2].CostUSD != "3.00" || !strings.HasPrefix(o.Days[2].Group["day"], "2026-10-14") {
		t.Errorf("days %+v", o.Days)
	}
	if len(o.TopKeys) != 2 || o.TopKeys[0].Group["key"] != b || o.TopKeys[0].CostUSD != "6.00" || o.TopKeys[0].Name != "name of "+b {
		t.Errorf("top %+v", o.TopKeys)
	}
}

func TestTheLastDayOfALongMonth(t *testing.T) {
	e := newEstate(t, nil)
	e.pass(17 * 24 * time.Hour) // it is the 31st
	e.requested(made("1", time.Date(2026, 10, 1, 1, 0, 0, 0, time.UTC), "key_aaaaaaaaaaaa", "gpt-5", money.USD), made("2", noon.AddDate(0, 0, 17).Add(-time.Hour), "key_aaaaaaaaaaaa", "gpt-5", money.USD))
	if o := e.overview(); o.Month.CostUSD != "2.00" || o.Today.CostUSD != "1.00" || len(o.Days) != 1 {
		t.Errorf("month %+v, today %+v, %d days", o.Month, o.Today, len(o.Days))
	}
}

func TestTheOverviewCountsRefusals(t *testing.T) {
	e := newEstate(t, nil)
	e.pass(time.Minute)
	var rows []record.Request
	add := func(n int, key, code string, at time.Time) {
		for range n {
			r := made(fmt.Sprintf("r%d", len(rows)), at, key, "gpt-5", 0)
			r.Outcome, r.Code = "refused", code
			rows = append(rows, r)
		}
	}
	add(3, "key_aaaaaaaaaaaa", "budget_exceeded", noon)
	add(1, "key_bbbbbbbbbbbb", "rate_limit_exceeded", noon)
	add(5, "", "invalid_api_key", noon)
	add(2, "key_bbbbbbbbbbbb", "model_not_allowed", noon.Add(-13*time.Hour)) // yesterday, but less than a day ago
	add(9, "key_cccccccccccc", "budget_exceeded", noon.Add(-25*time.Hour))
	e.requested(rows...)
	o := e.overview()
	if got := fmt.Sprint(o.Refusals); got != "[{invalid_api_key 5} {budget_exceeded 3} {rate_limit_exceeded 1}]" {
		t.Errorf("refusals %s", got)
	}
	if got := strings.Join(attention(o, "refused"), "\n"); got != "name of key_aaaaaaaaaaaa refused 3 times in the last 24 hours, the last time for budget_exceeded\n"+
		"name of key_bbbbbbbbbbbb refused 3 times in the last 24 hours, the last time for rate_limit_exceeded" {
		t.Errorf("got %s", got)
	}
	// More than is looked at: the sum stays right.
	add(1200, "key_aaaaaaaaaaaa", "budget_exceeded", noon)
	e.requested(rows[20:]...)
	sum := int64(0)
	o = e.overview()
	for _, c := range o.Refusals {
		sum += c.Count
	}
	if sum != o.Today.Refused || sum != 1209 {
		t.Errorf("%v are %d, of %d", o.Refusals, sum, o.Today.Refused)
	}
}

func TestTheOverviewAsksForAttention(t *testing.T) {
	e := newEstate(t, nil)
	capped := []admin.Limit{{Kind: "cost", Amount: admin.Dollars("10.00"), Window: &admin.Window{Calendar: "month"}}}
	near := e.create(admin.KeyInput{Name: "near", Limits: append(capped[:1:1],
		admin.Limit{Kind: "requests", Amount: admin.Count(1), Window: &admin.Window{Sliding: "60s"}}, admin.Limit{Kind: "tokens", Amount: admin.Count(0)})}).Key
	far := e.create(admin.KeyInput{Name: "far", Limits: capped}).Key
	soon, later := noon.Add(6*24*time.Hour), noon.Add(8*24*time.Hour)
	e.create(admin.KeyInput{Name: "soon", Limits: capped, ExpiresAt: &soon})
	e.create(admin.KeyInput{Name: "later", Limits: capped, ExpiresAt: &later})
	e.create(admin.KeyInput{Name: "off", Disabled: true})
	for i := range 7 {
		e.create(admin.KeyInput{Name: fmt.Sprintf("open %d", i), Labels: map[string]string{"team": "pay"}})
	}
	must[*admin.SharedLimitChanged](t)(e.CreateLimit(t.Context(), root, admin.Limit{
		Name: "pool", Kind: "cost", Amount: admin.Dollars("1.00"), Per: "pool", Match: map[string]string{"label.team": "pay"},
	}))
	each := must[*admin.SharedLimitChanged](t)(e.CreateLimit(t.Context(), root, admin.Limit{
		Name: "each", Kind: "tokens", Amount: admin.Count(100), Per: "each", Match: map[string]string{"label.team": "pay"},
	})).Limit.ID
	shared := map[string]*budget.Limit{}
	for _, l := range e.house.live.shared {
		shared[l.Kind.String()] = l
	}
	open3 := e.key("open 3").ID
	if _, err := e.books.Adjust(t.Context(), shared["tokens"], open3, 90, "root", "test"); err != nil {
		t.Fatal(err)
	}
	zero := near.Limits[2].ID // of a limit of nothing nothing is used
	for id, cost := range map[string]money.Nano{near.ID: 7_999_999_999, far.ID: 7_999_999_999} {
		k := e.house.live.get(id)
		for _, l := range k.Limits {
			if l.Kind.String() == "cost" {
				if _, err := e.books.Adjust(t.Context(), l, id, int64(cost), "root", "test"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	o := e.overview()
	if got := attention(o, "near_limit"); len(got) != 1 || got[0] != "open 3 90 % of 100 tokens used: 90 tokens spent, 0 tokens reserved" {
		t.Errorf("less than 80 %% used: %v", got)
	}
	if _, err := e.books.Adjust(t.Context(), e.house.live.get(near.ID).Limits[0], near.ID, 2, "root", "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.books.Adjust(t.Context(), shared["cost"], "", int64(money.USD), "root", "test"); err != nil {
		t.Fatal(err)
	}
	e.credential("works")
	e.credential("fails")
	e.plane.status = 401
	must[*admin.CredentialTest](t)(e.TestCredential(t.Context(), root, "fails"))
	e.plane.status = 200
	must[*admin.CredentialTest](t)(e.TestCredential(t.Context(), root, "works"))
	e.plane.models = []control.Model{
		{Name: "llama", Targets: []control.Target{{Provider: "custom"}}}, {Name: "gpt-5", Targets: []control.Target{{Provider: "openai"}}}, {Name: "*", Targets: []control.Target{{Provider: "openai"}}},
	}
	o = e.overview()
	if o.Keys != (admin.KeyCounts{Active: 11, Disabled: 1, Uncapped: 7}) {
		t.Errorf("keys %+v", o.Keys)
	}
	for kind, want := range map[string][]string{
		"near_limit": {
			"pool 100 % of $1.00 used: $1.00 spent, $0.00 reserved",
			"open 3 90 % of 100 tokens used: 90 tokens spent, 0 tokens reserved",
			"near 80 % of $10.00 used: $8.00 spent, $0.00 reserved; resets at 2026-11-01T00:00:00Z",
		},
		"expiring":           {"soon expires at 2026-10-20T12:00:00Z"},
		"credential_failing": {"fails the provider does not know the credential (status 401): rotate it, tested at 2026-10-14T12:00:00Z"},
		"unpriced_model":     {"llama has no price, so keys with a limit on cost cannot use it, and what it costs is not counted"},
		"idle":               nil,
	} {
		if got := attention(o, kind); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s:\n%s", kind, strings.Join(got, "\n"))
		}
	}
	for _, a := range o.Attention {
		if a.LimitID == zero || a.Kind == "near_limit" && a.Name == "open 3" && (a.KeyID != open3 || a.LimitID != each) || a.Kind == "near_limit" && a.Name == "near" && (a.KeyID != near.ID || a.LimitID != near.Limits[0].ID) {
			t.Errorf("%+v", a)
		}
	}
	if got := attention(o, "uncapped"); len(got) != 6 || got[5] != "and 2 more" {
		t.Errorf("uncapped: %v", got)
	}
	e.pass(31 * 24 * time.Hour)
	o = e.overview()
	if got := attention(o, "idle"); len(got) != 6 || !strings.Contains(got[0], "never used since it was made at 2026-10-14T12:00:00Z") {
		t.Errorf("idle: %v", got)
	}
	if o.Keys.Expired != 2 || len(attention(o, "expiring")) != 0 {
		t.Errorf("keys %+v, expiring %v", o.Keys, attention(o, "expiring"))
	}
}

// BenchmarkOverview is what the first page of the console costs with 100,000 keys.
func BenchmarkOverview(b *testing.B) {
	e := newEstate(b, nil)
	const keys, batch = 100_000, 1000
	for from := 0; from < keys; from += batch {
		err := e.house.store.Update(b.Context(), func(tx store.Tx) error {
			for i := from; i < from+batch; i++ {
				k := &vkey.Key{
					ID: fmt.Sprintf("key_%012d", i), Name: fmt.Sprintf("key %d", i), Origin: vkey.Managed, CreatedAt: noon.AddDate(0, 0, -i%60), UpdatedAt: noon,
					LastUsedAt: noon.Add(-time.Duration(i) * time.Second), Labels: map[string]string{"team": fmt.Sprint(i % 100)},
				}
				if i%20 > 0 {
					k.Limits = []*budget.Limit{{ID: fmt.Sprintf("lim_%012d", i), Kind: budget.Cost, Amount: int64(money.USD)}}
				}
				k.Secrets = []vkey.Secret{{ID: fmt.Sprintf("sec_%012d", i), Digest: e.pepper.Digest(k.ID), Peppered: true, CreatedAt: noon}}
				if err := tx.Keys().Put(k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	rows := make([]record.Request, 0, 20_000)
	for i := range cap(rows) {
		r := made(fmt.Sprint(i), noon.Add(-time.Duration(i)*time.Minute), fmt.Sprintf("key_%012d", i%5000), "gpt-5", money.USD)
		if i%10 == 0 {
			r.Outcome, r.Code = "refused", "budget_exceeded"
		}
		rows = append(rows, r)
	}
	e.requested(rows...)
	b.ResetTimer()
	for b.Loop() {
		if _, err := e.Overview(b.Context(), root); err != nil {
			b.Fatal(err)
		}
	}
}
