package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vkey"
)

// TestSeed opens what was made as the program does, and compares what limits have spent with what
// the request records come to.
func TestSeed(t *testing.T) {
	until := time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	o := options{dir: filepath.Join(t.TempDir(), "data"), keys: 70, requests: 4_000, days: 30, seed: 1, until: until}
	made, err := fill(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if made.requests != o.requests || made.refused == 0 || made.failed == 0 {
		t.Errorf("made %+v", made)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: o.dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	books, _, err := ledger.Recover(t.Context(), ledger.Config{Journal: db.Journal(), Witness: db.Mark(), Wall: func() time.Time { return until }})
	if err != nil {
		t.Fatal(err)
	}
	month, err := budget.ParseWindow("month UTC")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := db.Requests().Sums(t.Context(), record.SumQuery{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), By: []record.Grouping{record.ByKey}})
	if err != nil {
		t.Fatal(err)
	}
	spent := map[string]money.Nano{}
	for i := range sums {
		spent[sums[i].Group[record.ByKey]] = sums[i].Cost
	}
	compared := 0
	err = db.View(t.Context(), func(tx store.Tx) error {
		return tx.Keys().Each(func(k *vkey.Key) error {
			for _, l := range k.Limits {
				if l.Kind != budget.Cost || !l.Window.Equal(month) {
					continue
				}
				if got := books.State(l, k.ID); money.Nano(got.Settled) != spent[k.ID] || got.Reserved != 0 {
					t.Errorf("%s: the books have %d settled and %d reserved, its requests come to %d", k.Name, got.Settled, got.Reserved, spent[k.ID])
				}
				if spent[k.ID] > 0 {
					compared++
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if compared < 10 {
		t.Errorf("%d keys have spent something", compared)
	}
}

// TestSame makes the same twice.
func TestSame(t *testing.T) {
	var all [2]string
	for i := range all {
		o := options{dir: filepath.Join(t.TempDir(), "data"), keys: 20, requests: 300, days: 30, seed: 7, until: time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)}
		if _, err := fill(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(o.dir, "seed.json"))
		if err != nil {
			t.Fatal(err)
		}
		db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: o.dir})
		if err != nil {
			t.Fatal(err)
		}
		rows, _, err := db.Requests().List(t.Context(), record.Query{Max: 200})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		records, err := json.Marshal(rows)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = string(text) + string(records)
	}
	if all[0] != all[1] {
		t.Error("the same flags give other data")
	}
}

// TestOccupied leaves a directory with a database alone.
func TestOccupied(t *testing.T) {
	o := options{dir: t.TempDir(), keys: 1, days: 1, until: time.Now()}
	if err := os.WriteFile(filepath.Join(o.dir, "tollgate.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fill(t.Context(), o); err == nil {
		t.Error("a database was written over")
	}
}
