package sqlite_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store/sqlite"
)

// TestTotals compares sums that are read from totals with what the records come to: of records that
// are summed up, of some that are not yet, and after a start.
func TestTotals(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir})
	r := rand.New(rand.NewPCG(1, 1))
	first := time.Date(2026, 9, 28, 0, 0, 0, 0, time.UTC)
	var all []record.Request
	more := func(n int) {
		some := make([]record.Request, n)
		for i := range some {
			key := r.IntN(30)
			some[i] = record.Request{
				ID: fmt.Sprint("r", len(all)+i), At: first.Add(time.Duration(r.IntN(40*24*60)) * time.Minute), Key: fmt.Sprintf("key_%02d", key), Name: fmt.Sprintf("name %02d", key),
				Sent: fmt.Sprint("model-", r.IntN(3)), Provider: fmt.Sprint("p", r.IntN(2)), Cost: money.Nano(r.IntN(1000)), Outcome: []string{"served", "refused", "failed"}[r.IntN(3)],
				Tokens: record.Tokens{Input: int64(r.IntN(50))}, Duration: time.Duration(r.IntN(9)),
			}
		}
		all = append(all, some...)
		if err := s.Requests().Append(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	more(3000)
	compareSums(t, s, all, "not stored")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, sqlite.Options{Dir: dir})
	compareSums(t, s, all, "stored")
	more(500)
	compareSums(t, s, all, "some not stored")
}

func compareSums(t *testing.T, s *sqlite.Store, all []record.Request, when string) {
	t.Helper()
	at := func(month, day, hour int) time.Time {
		return time.Date(2026, time.Month(month), day, hour, 0, 0, 0, time.UTC)
	}
	for _, q := range []record.SumQuery{
		{}, {By: []record.Grouping{record.ByModel}}, {By: []record.Grouping{record.ByProvider, record.ByDay}}, {By: []record.Grouping{record.ByHour}},
		{From: at(10, 3, 7), To: at(10, 20, 11), By: []record.Grouping{record.ByModel}}, {Model: "model-1", By: []record.Grouping{record.ByDay}},
		{Key: "key_07", By: []record.Grouping{record.ByDay}}, {Key: "key_07", From: at(10, 3, 7), By: []record.Grouping{record.ByHour}}, {Key: "key_07", Model: "model-2"},
		{By: []record.Grouping{record.ByKey}, Max: 5, From: at(10, 1, 0), To: at(11, 1, 0)}, {By: []record.Grouping{record.ByKey}, Max: 5, From: at(11, 1, 0), To: at(11, 25, 0)},
		{By: []record.Grouping{record.ByKey}, Max: 5, From: at(10, 1, 0), To: at(10, 12, 0)}, {By: []record.Grouping{record.ByKey}, Max: 5, From: at(10, 2, 0), To: at(11, 1, 0)},
		{By: []record.Grouping{record.ByKey}, Max: 5, From: at(10, 1, 0), To: at(11, 2, 0)}, {By: []record.Grouping{record.ByKey}, Max: 100, From: at(10, 1, 0), To: at(11, 1, 0)},
		{By: []record.Grouping{record.ByKey}, From: at(10, 1, 0), To: at(11, 1, 0)}, {By: []record.Grouping{record.ByKey}, Max: 3, Model: "model-1", From: at(10, 1, 0), To: at(11, 1, 0)},
		{By: []record.Grouping{record.ByKey}, Max: 3, From: at(12, 1, 0), To: at(12, 2, 0)},
	} {
		got, err := s.Requests().Sums(t.Context(), q)
		if err != nil {
			t.Fatalf("%s, %+v: %v", when, q, err)
		}
		want := sumsOf(&q, all)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s, %+v:\n got %v\nwant %v", when, q, got, want)
		}
	}
}

// sumsOf is what Sums promises, one record after the other.
func sumsOf(q *record.SumQuery, all []record.Request) []record.Sum {
	groups := map[string]*record.Sum{}
	for i := range all {
		r := &all[i]
		hour := r.At.Truncate(time.Hour)
		if q.Key != "" && r.Key != q.Key || q.Model != "" && r.Sent != q.Model || !q.From.IsZero() && hour.Before(q.From) || !q.To.IsZero() && !hour.Before(q.To) {
			continue
		}
		sum := record.Sum{}
		for _, by := range q.By {
			if sum.Group == nil {
				sum.Group = map[record.Grouping]string{}
			}
			switch by {
			case record.ByKey:
				sum.Group[by], sum.Name = r.Key, r.Name
			case record.ByModel:
				sum.Group[by] = r.Sent
			case record.ByProvider:
				sum.Group[by] = r.Provider
			case record.ByHour:
				sum.Group[by] = hour.Format(time.RFC3339)
			case record.ByDay:
				sum.Group[by] = r.At.Truncate(24 * time.Hour).Format(time.RFC3339)
			}
		}
		name := fmt.Sprint(sum.Group)
		if groups[name] == nil {
			groups[name] = &sum
		}
		g := groups[name]
		g.Requests++
		g.Cost += r.Cost
		g.Tokens = g.Tokens.Plus(r.Tokens)
		g.Duration += r.Duration
		switch r.Outcome {
		case "refused":
			g.Refused++
		case "failed":
			g.Failed++
		}
	}
	var out []record.Sum
	for _, g := range groups {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b record.Sum) int {
		for _, by := range q.By {
			if by == record.ByHour || by == record.ByDay {
				if c := cmp.Compare(a.Group[by], b.Group[by]); c != 0 {
					return c
				}
			}
		}
		if c := cmp.Compare(b.Cost, a.Cost); c != 0 {
			return c
		}
		return cmp.Compare(fmt.Sprint(a.Group), fmt.Sprint(b.Group))
	})
	if q.Max > 0 && len(out) > q.Max {
		out = out[:q.Max]
	}
	return out
}
