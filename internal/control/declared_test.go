package control_test

import (
	"fmt"
	"testing"
	"time"

	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/control"
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
	if k := h.key("b"); !k.CreatedAt.Equal(noon) || k.Limits[0].Amount.Text != "2.00" {
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

func TestDeclareRefusesWhatIsTaken(t *testing.T) {
	h := newHouse(t)
	h.importText("ndjson", `{"name":"managed","key":"sk-a-0123456789"}`)
	k := declaredKey("managed")
	refused(t, h.Declare(t.Context(), root, []*vkey.Key{k}), control.Conflict, "name_taken")
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
