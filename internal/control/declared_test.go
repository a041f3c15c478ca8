package control_test

import (
	"fmt"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/control"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

func declaredKey(name string) *vkey.Key {
	d := vkey.Hash("sk-" + name)
	id := vkey.DeriveID(d)
	return &vkey.Key{
		ID: id, Name: name, CreatedBy: "gateway.yaml", Labels: map[string]string{"env": "test"},
		Limits:  []*budget.Limit{{ID: vkey.DeclaredLimitID(id, budget.Cost, nil, 0), Kind: budget.Cost, Amount: 1e9}},
		Secrets: []vkey.Secret{{ID: vkey.DeriveSecretID(d), Digest: d}},
	}
}

func TestDeclare(t *testing.T) {
	h := newHouse(t)
	declare := func(keys ...*vkey.Key) []*audit.Event {
		t.Helper()
		before := len(h.events())
		if err := h.Declare(t.Context(), root, keys); err != nil {
			t.Fatal(err)
		}
		return h.events()[before:]
	}
	a, b := declaredKey("a"), declaredKey("b")
	if e := declare(a, b); len(e) != 2 || e[0].Action != "key.create" || e[0].Target.Name != "a" {
		t.Fatalf("%d events", len(e))
	}
	h.pass(time.Hour)
	if e := declare(declaredKey("a"), declaredKey("b")); len(e) != 0 {
		t.Errorf("the same again is on record: %+v", e[0])
	}
	changed := declaredKey("b")
	changed.Limits[0].Amount = 2e9
	if e := declare(declaredKey("a"), changed); len(e) != 1 || e[0].Action != "key.edit" || len(e[0].Diff) != 1 || e[0].Diff[0].After != `"2.00"` {
		t.Errorf("events %+v", e)
	}
	if k := h.key("b"); !k.CreatedAt.Equal(noon) || !k.Secrets[0].CreatedAt.Equal(noon) || k.Limits[0].Amount.Text != "2.00" {
		t.Errorf("%+v", k)
	}
	// Names may change places.
	x, y := declaredKey("a"), declaredKey("b")
	x.Name, y.Name = "b", "a"
	if e := declare(x, y); len(e) != 2 {
		t.Errorf("events %+v", e)
	}
	if h.key("b").ID != a.ID || h.key("a").ID != b.ID {
		t.Error("the names did not change places")
	}
	if e := declare(x); len(e) != 1 || e[0].Action != "key.delete" || e[0].Target.ID != b.ID {
		t.Errorf("events %+v", e)
	}
	if e := declare(); len(e) != 1 {
		t.Errorf("events %+v", e)
	}
}

func TestDeclareKeepsWhatWasCounted(t *testing.T) {
	h := newHouse(t)
	k := declaredKey("a")
	if err := h.Declare(t.Context(), root, []*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	h.live.KeysChanged([]*vkey.Key{k}, nil)
	h.spend(k.ID, 4e8, 0)
	month, err := budget.InCalendar(budget.Month, nil, budget.Anchor{})
	if err != nil {
		t.Fatal(err)
	}
	edited := declaredKey("a")
	edited.Limits[0].Window = month
	if err := h.Declare(t.Context(), root, []*vkey.Key{edited}); err != nil {
		t.Fatal(err)
	}
	if l := h.key("a").Limits[0]; l.Spent.Text != "0.40" || l.Window.Calendar != "month" {
		t.Errorf("limit %+v", l)
	}
}

// A key that somebody makes must not keep a configuration from being loaded.
func TestDeclareGivesWayWhereANameIsTaken(t *testing.T) {
	h := newHouse(t)
	h.importText("ndjson", `{"name":"managed","key":"sk-a-0123456789"}`)
	for range 2 { // the second time there is nothing to do
		k := declaredKey("managed")
		if err := h.Declare(t.Context(), root, []*vkey.Key{k}); err != nil {
			t.Fatal(err)
		}
		if got := h.key(k.ID).Name; got != "managed "+k.ID {
			t.Errorf("the declared key is called %q", got)
		}
	}
	if e := h.last(); e.Action != "key.create" {
		t.Errorf("the same again is on record: %+v", e)
	}
}

// Whoever declares the secret of a managed key is told apart, so that others can be loaded.
func TestDeclareTellsWhichKeyIsTaken(t *testing.T) {
	h := newHouse(t)
	digest := vkey.Hash("sk-taken")
	h.importText("ndjson", fmt.Sprintf(`{"name":"managed","key_hash":"sha256:%x"}`, digest))
	k := declaredKey("taken")
	e := refused(t, h.Declare(t.Context(), root, []*vkey.Key{declaredKey("free"), k}), control.Conflict, "secret_taken", "the declared key")
	if e.Subject != k.ID {
		t.Errorf("it is about %q", e.Subject)
	}
}

func TestDeclareManyIsCheapWhenNothingChanges(t *testing.T) {
	h := newHouse(t)
	n := 510 // more than a batch and two pages
	keys := func() []*vkey.Key {
		var all []*vkey.Key
		for i := range n {
			all = append(all, declaredKey(fmt.Sprintf("key-%d", i)))
		}
		return all
	}
	if err := h.Declare(t.Context(), root, keys()); err != nil {
		t.Fatal(err)
	}
	if got := len(h.events()); got != n {
		t.Fatalf("%d events", got)
	}
	if err := h.Declare(t.Context(), root, keys()); err != nil {
		t.Fatal(err)
	}
	if got := len(h.events()); got != n {
		t.Errorf("%d events after the same again", got)
	}
}

func TestDeclareLimits(t *testing.T) {
	h := newHouse(t)
	limit := func(name string, dollars int64) *store.SharedLimit {
		return &store.SharedLimit{Name: name, Limit: budget.Limit{
			ID: vkey.DeclaredSharedLimitID(name), Kind: budget.Cost, Amount: dollars * 1e9, Per: budget.Pool, Match: map[string]string{"env": "test"},
		}}
	}
	declare := func(all ...*store.SharedLimit) []*audit.Event {
		t.Helper()
		before := len(h.events())
		if err := h.DeclareLimits(t.Context(), root, all); err != nil {
			t.Fatal(err)
		}
		return h.events()[before:]
	}
	if e := declare(limit("a", 1), limit("b", 1)); len(e) != 2 || e[0].Action != "limit.create" || e[0].Target.Name != "a" {
		t.Fatalf("events %+v", e)
	}
	if e := declare(limit("a", 1), limit("b", 1)); len(e) != 0 {
		t.Errorf("the same again is on record: %+v", e)
	}
	if e := declare(limit("a", 2), limit("b", 1)); len(e) != 1 || e[0].Action != "limit.edit" || len(e[0].Diff) != 1 || e[0].Diff[0].After != `"2.00"` {
		t.Errorf("events %+v", e)
	}
	seen, err := h.Limit(t.Context(), root, "a")
	if err != nil || seen.Origin != "file" || seen.Amount.Text != "2.00" || seen.Keys != 0 {
		t.Errorf("%+v, %v", seen, err)
	}
	_, err = h.EditLimit(t.Context(), root, "a", []byte(`{"amount": "3.00"}`))
	refused(t, err, control.Conflict, "limit_declared")
	if e := declare(limit("b", 1)); len(e) != 1 || e[0].Action != "limit.delete" || e[0].Target.Name != "a" {
		t.Errorf("events %+v", e)
	}
	if len(h.live.shared) != 0 {
		t.Error("the data plane was given limits that it has from the configuration")
	}
	if _, err := h.CreateLimit(t.Context(), root, admin.Limit{Name: "mine", Kind: "cost", Amount: admin.Dollars("1.00"), Per: "pool", Match: map[string]string{}}); err != nil {
		t.Fatal(err)
	}
	if len(h.live.shared) != 1 {
		t.Errorf("the data plane has %d shared limits beside those of the configuration, want 1", len(h.live.shared))
	}
	if err := h.DeclareLimits(t.Context(), root, []*store.SharedLimit{limit("mine", 1)}); err == nil {
		t.Error("a declared limit took the name of a managed one")
	}
}
