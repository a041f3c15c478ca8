package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"tollgate/internal/ledger"
	"tollgate/internal/store"
)

func records(from, n int) (all []ledger.Record) {
	for i := from; i < from+n; i++ {
		all = append(all, ledger.Record{Seq: uint64(i), Bytes: bytes.Repeat([]byte{byte(i)}, 1+i%300)})
	}
	return all
}

// same checks that a journal holds the records of some numbers.
func same(t *testing.T, j ledger.Journal, from, last int) {
	t.Helper()
	want := from
	must(t, j.Scan(t.Context(), uint64(from), func(r ledger.Record) error {
		w := records(want, 1)[0]
		if r.Seq != w.Seq || !bytes.Equal(r.Bytes, w.Bytes) {
			return fmt.Errorf("record %d is not what was stored as %d", r.Seq, want)
		}
		want++
		return nil
	}))
	equal(t, "the last record", want-1, last)
}

func testJournal(t *testing.T, s store.Store) {
	j := s.Journal()
	same(t, j, 1, 0)
	next := 1
	for i, n := range []int{1, 2, 0, 63, 64, 65, 1024, 5000, 0} {
		all := records(next, n)
		must(t, j.Append(t.Context(), all, i%2 == 0))
		for _, r := range all {
			clear(r.Bytes) // they were only lent
		}
		next += n
		same(t, j, 1, next-1)
	}
	must(t, j.Sync(t.Context()))
	same(t, j, 100, next-1)
	same(t, j, next, next-1)
	calls := 0
	is(t, "an error of the function", j.Scan(t.Context(), 1, func(ledger.Record) error { calls++; return errOurs }), errOurs)
	equal(t, "calls until the error", calls, 1)
}

func testJournalAtomic(t *testing.T, s store.Store) {
	j := s.Journal()
	must(t, j.Append(t.Context(), records(1, 10), true))
	bad := append(records(11, 200), records(5, 1)...) // a number that exists
	if err := j.Append(t.Context(), bad, true); err == nil {
		t.Error("a number could be used twice")
	}
	same(t, j, 1, 10)
	must(t, j.Append(t.Context(), records(11, 5), false))
	same(t, j, 1, 15)
}

func testJournalWhileReading(t *testing.T, s store.Store) {
	j := s.Journal()
	must(t, j.Append(t.Context(), records(1, 100), false))
	read := 0
	must(t, j.Scan(t.Context(), 1, func(r ledger.Record) error {
		if read++; read == 1 {
			must(t, j.Append(t.Context(), records(101, 10), true))
			must(t, j.Sync(t.Context()))
			update(t, s, func(tx store.Tx) error { return tx.Settings().Put("a", nil) })
		}
		return nil
	}))
	if read < 100 {
		t.Errorf("%d records of 100", read)
	}
	same(t, j, 1, 110)
}

func testCheckpoints(t *testing.T, s store.Store) {
	j := s.Journal()
	for i, want := range []string{"1", "2 1", "3 2", "4 3"} {
		must(t, j.SaveCheckpoint(t.Context(), fmt.Append(nil, i+1)))
		all, err := j.Checkpoints(t.Context())
		must(t, err)
		equal(t, "checkpoints", string(bytes.Join(all, []byte(" "))), want)
	}
}

func testJournalPrune(t *testing.T, s store.Store) {
	j := s.Journal()
	must(t, j.Prune(t.Context(), 100))
	must(t, j.Append(t.Context(), records(1, 20_000), false))
	must(t, j.Prune(t.Context(), 1))
	same(t, j, 1, 20_000)
	must(t, j.Prune(t.Context(), 15_000))
	same(t, j, 15_000, 20_000)
	previous := uint64(0)
	must(t, j.Scan(t.Context(), 1, func(r ledger.Record) error { // what is left has no holes
		if previous > 0 && r.Seq != previous+1 {
			return fmt.Errorf("record %d follows %d", r.Seq, previous)
		}
		previous = r.Seq
		return nil
	}))
	must(t, j.Append(t.Context(), records(20_001, 10), true))
	same(t, j, 15_000, 20_010)
}
