package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vkey"
)

// rowBytes is about the length of a row of the ledger.
const rowBytes = 256

func BenchmarkJournal(b *testing.B) {
	for _, durable := range []bool{false, true} {
		for _, batch := range []int{1, 32, 1024} {
			b.Run(fmt.Sprintf("durable=%t/batch=%d", durable, batch), func(b *testing.B) {
				s := reopen(b, sqlite.Options{Dir: b.TempDir()})
				ctx, stop := context.WithCancel(b.Context())
				done := make(chan error)
				go func() { done <- s.Run(ctx) }()
				j := s.Journal()
				records := make([]ledger.Record, batch)
				seq := uint64(0)
				var worst time.Duration
				b.ResetTimer()
				for b.Loop() {
					for i := range records {
						seq++
						records[i] = ledger.Record{Seq: seq, Bytes: bytes.Repeat([]byte{byte(seq)}, rowBytes)}
					}
					start := time.Now()
					if err := j.Append(ctx, records, durable); err != nil {
						b.Fatal(err)
					}
					worst = max(worst, time.Since(start))
				}
				b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "records/s")
				b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
				stop()
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// seed fills a database with keys.
func seed(t testing.TB, s store.Store, n int) {
	const each = 20_000
	for from := 0; from < n; from += each {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			for i := from; i < from+each; i++ {
				if err := tx.Keys().Put(seeded(i)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

var seedTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func seeded(i int) *vkey.Key {
	d := vkey.Hash(fmt.Sprint(i))
	k := &vkey.Key{
		ID: vkey.DeriveID(d), Name: fmt.Sprintf("checkout-%07d", i), Origin: vkey.Managed, CreatedAt: seedTime.Add(time.Duration(i) * time.Second),
		Labels:  map[string]string{"team": fmt.Sprint("team-", i%1000), "env": "prod"},
		Secrets: []vkey.Secret{{ID: fmt.Sprint("sec_", i), Digest: d, Peppered: true, Last4: fmt.Sprintf("%04x", i*7919%65536), CreatedAt: seedTime}},
	}
	if i < 300_000 { // the oldest are the ones that are stopped
		k.Status = vkey.StatusRevoked
	}
	if i%3 == 0 {
		k.ExpiresAt = k.CreatedAt.Add(90 * 24 * time.Hour)
	}
	return k
}

func BenchmarkEach(b *testing.B) {
	s := reopen(b, sqlite.Options{Dir: b.TempDir()})
	seed(b, s, 20_000)
	for b.Loop() {
		if err := s.View(b.Context(), func(tx store.Tx) error {
			return tx.Keys().Each(func(*vkey.Key) error { return nil })
		}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMillionKeys measures that lists, searches and changes stay fast. It takes minutes.
func TestMillionKeys(t *testing.T) {
	if os.Getenv("TOLLGATE_MILLION") == "" {
		t.Skip("set TOLLGATE_MILLION to run")
	}
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir})
	start := time.Now()
	seed(t, s, 1_000_000)
	info, _ := os.Stat(filepath.Join(dir, "tollgate.db"))
	t.Logf("seeded in %v, %d MB", time.Since(start), info.Size()>>20)
	within := func(what string, most time.Duration, fn func(store.Tx) error) {
		t.Helper()
		start := time.Now()
		if err := s.View(t.Context(), fn); err != nil {
			t.Error(what, err)
		}
		took := time.Since(start)
		t.Logf("%-40s %v", what, took)
		if took > most {
			t.Errorf("%s took %v, not at most %v", what, took, most)
		}
	}
	n := 0
	within("each", 6*time.Second, func(tx store.Tx) error { return tx.Keys().Each(func(*vkey.Key) error { n++; return nil }) })
	if n != 1_000_000 {
		t.Errorf("%d keys", n)
	}
	now := seedTime.Add(30 * 24 * time.Hour)
	for _, sort := range []store.KeySort{"name", "-name", "created_at", "-created_at", "last_used_at", "-last_used_at", "expires_at", "-expires_at"} {
		for name, q := range map[string]store.KeyQuery{
			"all": {}, "revoked": {Status: "revoked"}, "active": {Status: "active"}, "team": {Label: map[string]string{"team": "team-7"}},
			"common label": {Label: map[string]string{"env": "prod"}}, "one": {Text: "checkout-0777777"}, "some": {Text: "0777"}, "common": {Text: "checkout"},
			"short": {Text: "77"}, "none": {Text: "zebra"}, "uncapped": {Uncapped: true}, "idle": {IdleSince: now}, "expiring soon": {ExpiringBefore: now.Add(60*24*time.Hour + time.Hour)},
			"revoked with text": {Status: "revoked", Text: "0077"}, "expired": {Status: "expired"},
		} {
			q.Sort, q.Now, q.Max = sort, now, 100
			within(fmt.Sprintf("list %s by %s", name, sort), 100*time.Millisecond, func(tx store.Tx) error {
				_, _, err := tx.Keys().List(q)
				return err
			})
		}
	}
	for name, q := range map[string]store.KeyQuery{"all": {}, "active": {Status: "active"}, "revoked": {Status: "revoked"}, "expired": {Status: "expired"}, "uncapped": {Uncapped: true}} {
		q.Now = now
		within("count "+name, time.Second, func(tx store.Tx) error { _, err := tx.Keys().Count(q); return err })
	}
	start = time.Now()
	for i := range 100 {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			k, err := tx.Keys().Named(fmt.Sprintf("checkout-%07d", i*9973))
			if err != nil {
				return err
			}
			k.Reason = "changed"
			if err := tx.Keys().Put(k); err != nil {
				return err
			}
			return tx.Keys().Put(seeded(1_000_000 + i))
		}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("one change and one insert in %v", time.Since(start)/100)
}
