package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
)

// How records are packed does not show from outside: that little traffic makes few blocks, that a
// crash loses no sum, and that a page ends where too much would have to be read.

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// numbered are requests by their numbers, of a few keys, a second apart.
func numbered(from, to int) (all []record.Request) {
	for i := from; i < to; i++ {
		all = append(all, record.Request{
			ID: fmt.Sprint("req_", i), At: noon.Add(time.Duration(i) * time.Second), Key: fmt.Sprint("key_", i%3), Sent: "gpt-5", Status: 200, Cost: money.Nano(i),
			Labels: map[string]string{"team": fmt.Sprint("team-", i%2)},
		})
	}
	return all
}

func appended(t *testing.T, s *Store, all []record.Request) {
	t.Helper()
	if err := s.Requests().Append(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

// holds asserts that the records up to a number are there, each once, and are summed up.
func holds(t *testing.T, s *Store, n int) {
	t.Helper()
	cost := 0
	for i := range n {
		cost += i
		if i%23 > 0 && i < n-1 { // the list tells of all
			continue
		}
		if _, err := s.Requests().Get(t.Context(), fmt.Sprint("req_", i)); err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	for _, by := range [][]record.Grouping{nil, {record.ByDay}, {record.ByKey, record.ByHour}, {"label.team"}} {
		sums, err := s.Requests().Sums(t.Context(), record.SumQuery{By: by})
		if err != nil {
			t.Fatal(err)
		}
		requests, total := int64(0), money.Nano(0)
		for _, sum := range sums {
			requests, total = requests+sum.Requests, total+sum.Cost
		}
		if requests != int64(n) || int(total) != cost {
			t.Errorf("by %v there are %d requests for %d, want %d for %d", by, requests, total, n, cost)
		}
	}
	var ids []string
	for q := (record.Query{Max: 200}); ; {
		rows, next, err := s.Requests().List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	if len(ids) != n || len(slices.Compact(ids)) != n {
		t.Errorf("%d rows, want %d", len(ids), n)
	}
}

// crashed opens what is in the files of a database at this moment.
func crashed(t *testing.T, s *Store) *Store {
	t.Helper()
	dir := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(s.requests.path + suffix)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "requests.db"+suffix), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	return again
}

func TestNoSumIsLostInACrash(t *testing.T) {
	s := opened(t)
	random := rand.New(rand.NewPCG(3, 3))
	n := 0
	for round := range 24 {
		more := []int{1, 5, 100, 300}[random.IntN(4)]
		appended(t, s, numbered(n, n+more))
		n += more
		switch round % 4 {
		case 1:
			if err := s.records.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 3:
			s = crashed(t, s)
		}
		if round%6 == 0 {
			holds(t, crashed(t, s), n)
		}
	}
	holds(t, s, n)
	if err := s.Requests().Prune(t.Context(), record.Retention{Requests: time.Hour}, noon.Add(100*day)); err != nil {
		t.Fatal(err)
	}
	again := crashed(t, s)
	sums, err := again.Requests().Sums(t.Context(), record.SumQuery{})
	if err != nil || len(sums) != 1 || sums[0].Requests != int64(n) {
		t.Errorf("after a crash when the records were forgotten: %+v, %v", sums, err)
	}
	appended(t, again, numbered(n, n+1)) // its table is another, whose blocks are counted anew
	sums, err = crashed(t, again).Requests().Sums(t.Context(), record.SumQuery{})
	if err != nil || len(sums) != 1 || sums[0].Requests != int64(n+1) {
		t.Errorf("after a day that had been forgotten began again: %+v, %v", sums, err)
	}
}

func TestSumsAreStored(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	appended(t, s, numbered(0, 10))
	s.records.sums.since = time.Now().Add(-settleAfter)
	appended(t, s, numbered(10, 20))
	if left := len(s.records.sums.buckets); left > 0 {
		t.Errorf("after a while %d sums are not stored", left)
	}
	appended(t, s, numbered(20, 30))
	holds(t, s, 30) // of both
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if left := len(again.records.sums.buckets); left > 0 {
		t.Errorf("when the database was closed %d sums were not stored", left)
	}
	holds(t, again, 30)
}

func TestWhatWasNotStoredIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir, BusyTimeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	appended(t, s, numbered(0, 10)) // to which is added
	other, err := s.requests.connect(t.Context(), durable)
	if err != nil {
		t.Fatal(err)
	}
	defer other.sql.Close()
	exec := func(text string) {
		t.Helper()
		if err := other.exec(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	next := append(numbered(10, 20), numbered(12, 15)...)
	exec("BEGIN IMMEDIATE")
	if err := s.Requests().Append(t.Context(), next); !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("while another has it locked: %v", err)
	}
	holds(t, s, 10)
	exec("ROLLBACK")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Requests().Append(over, next); !errors.Is(err, context.Canceled) {
		t.Fatalf("when nobody waits: %v", err)
	}
	for range 3 {
		appended(t, s, next)
	}
	appended(t, s, numbered(15, 30))
	holds(t, s, 30)
	holds(t, crashed(t, s), 30)
}

func TestLittleTrafficMakesFewBlocks(t *testing.T) {
	s := opened(t)
	blocks := func() (n int64) {
		t.Helper()
		err := s.requests.read(t.Context(), func(tx *tx) (err error) {
			n, err = tx.one("SELECT count(*) FROM requests_20261121")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 2*smallBlock + 1 {
		appended(t, s, numbered(i, i+1))
	}
	if n := blocks(); n != 3 {
		t.Errorf("%d blocks", n)
	}
	appended(t, s, numbered(2*smallBlock+1, 2*smallBlock+1+3*largeBlock))
	if n := blocks(); n != 6 {
		t.Errorf("%d blocks after some large ones", n)
	}
	big := numbered(0, 20)
	for i := range big {
		big[i].ID, big[i].Message = fmt.Sprint("big_", i), strings.Repeat(fmt.Sprint(i), largeBytes/10)
	}
	appended(t, s, big)
	if n := blocks(); n < 8 {
		t.Errorf("%d blocks after some with much text", n)
	}
}

func TestAPageEndsWhereMuchWouldBeRead(t *testing.T) {
	s := opened(t)
	const n = 3000
	all := numbered(0, n)
	slices.Reverse(all[:n/2]) // so that blocks overlap
	rand.New(rand.NewPCG(5, 5)).Shuffle(200, func(i, j int) { all[1000+i*5], all[1000+j*5] = all[1000+j*5], all[1000+i*5] })
	for i := 0; i < n; i += 150 {
		appended(t, s, all[i:i+150])
	}
	for name, q := range map[string]record.Query{"all": {Max: 200}, "one key": {Key: "key_1", Max: 10}, "of no key but the label": {Key: "key_9"}} {
		var want, got []string
		for i := n - 1; i >= 0; i-- {
			if r := &numbered(i, i+1)[0]; q.Key == "" || r.Key == q.Key {
				want = append(want, r.ID)
			}
		}
		short := 0
		for pages := 0; ; pages++ {
			rows, next, err := s.records.list(t.Context(), q, 1)
			if err != nil || pages > 2*n {
				t.Fatalf("%s: %v after %d pages", name, err, pages)
			}
			for _, r := range rows {
				got = append(got, r.ID)
			}
			if len(rows) < max(q.Max, 50) && next != "" {
				short++
			}
			if q.Cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want %d in another order or others", name, len(got), len(want))
		}
		if short == 0 {
			t.Errorf("%s: no page was short", name)
		}
	}
}

func TestDamagedBlocksAreFound(t *testing.T) {
	s := opened(t)
	appended(t, s, numbered(0, 10))
	err := s.requests.write(t.Context(), written, func(t *tx) error {
		return t.script("UPDATE requests_20261121 SET data = CAST(data || x'00' AS BLOB)")
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Requests().Get(t.Context(), "req_1"); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "block 1 of requests_20261121") {
		t.Errorf("get: %v", err)
	}
	if _, _, err := s.Requests().List(t.Context(), record.Query{}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("list: %v", err)
	}
	if _, err := s.Requests().Get(t.Context(), "other"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what is in no block: %v", err)
	}
}

// TestBlocksAreFoundByIndexes looks at how SQLite goes about it: with few blocks it makes no difference.
func TestBlocksAreFoundByIndexes(t *testing.T) {
	s := opened(t)
	appended(t, s, numbered(0, 10))
	for text, want := range map[string]string{
		fmt.Sprintf(nextBlocks, "requests_20261121", 10): "USING INDEX requests_20261121_last (last>? AND last<?)",
		fmt.Sprintf(longestBlock, "requests_20261121"):   "USING COVERING INDEX requests_20261121_span",
	} {
		var plan []string
		err := s.requests.read(t.Context(), func(tx *tx) error {
			args := []any{1, 2, 3, 4}[:strings.Count(text, "?")]
			return tx.rows("EXPLAIN QUERY PLAN "+text, args, func(scan func(...any) error) error {
				var id, parent, unused int
				var detail string
				err := scan(&id, &parent, &unused, &detail)
				plan = append(plan, detail)
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(plan, "\n"); !strings.Contains(got, want) || strings.Contains(got, "TEMP B-TREE") {
			t.Errorf("%s:\n%s", text, got)
		}
	}
}
