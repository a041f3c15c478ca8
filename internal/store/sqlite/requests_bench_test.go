package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
)

// sampled is a request as they usually are, one of a thousand keys'.
func sampled(n int, at time.Time) record.Request {
	key := n * 7919 % 1000
	r := record.Request{
		ID: fmt.Sprintf("req_%020d", n), At: at, Key: fmt.Sprint("key_", 100_000_000_000+key), Name: fmt.Sprint("checkout-", key),
		Labels: map[string]string{"team": fmt.Sprint("team-", key%50), "env": "prod"}, Operation: "chat", Dialect: "openai",
		Asked: "best", Sent: "gpt-5", Served: "gpt-5-2026-08-07", Provider: "openai", Backend: "openai", Client: "192.0.2.7", Status: 200, Outcome: "served",
		Duration: 1_234_567_890, FirstByte: 345_678_901, Processing: 23_456, BytesIn: 1234, BytesOut: 2345,
		Tokens: record.Tokens{Input: 1000, Output: 200, Reasoning: 20}, Cost: 2_250_000, Price: "known", Source: "exact", Version: "list@7",
	}
	lines := []record.Line{
		{Model: "gpt-5", Kind: "input", Quantity: 1000, Price: "1.25", Cost: money.Pico(1_250_000_000)},
		{Model: "gpt-5", Kind: "output", Quantity: 200, Price: "10.00", Cost: money.Pico(2_000_000_000)},
	}
	r.Attempts = []record.Attempt{{
		Provider: "openai", Backend: "openai", Model: "gpt-5", Status: 200, Started: at, Duration: 1_234_500_000, Reservation: fmt.Sprint("3-", n),
		BoundCost: 5_000_000, Cost: 2_250_000, BoundTokens: 4000, Tokens: r.Tokens, Source: "exact", Price: "known", Version: "list@7", Lines: lines,
	}}
	if n%1000 == 7 {
		r.Status, r.Outcome, r.Code, r.Refusal = 429, "refused", "budget_exceeded", &record.Refusal{Limit: fmt.Sprint("lim_", key%10), Kind: "cost"}
	}
	return r
}

// processor is the time that this process has computed for.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAppend tells what a record costs with all that follows: its sums, and the moving of
// the write-ahead log.
func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 100, 1024} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			s := reopen(b, sqlite.Options{Dir: b.TempDir()})
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			go func() { _ = s.Run(ctx) }()
			const round = 64 << 10
			all := make([]record.Request, round)
			for i := range all {
				all[i] = sampled(i, seedTime.Add(time.Duration(i)*100*time.Microsecond))
			}
			n, used := 0, time.Duration(0)
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				from := n % round
				rows := all[from:min(from+batch, round)]
				if from < batch { // they are others now
					b.StopTimer()
					for i := range all {
						all[i].ID = fmt.Sprintf("req_%020d", n+i)
						all[i].At = all[i].At.Add(round * 100 * time.Microsecond)
					}
					b.StartTimer()
				}
				start := processor()
				if err := s.Requests().Append(b.Context(), rows); err != nil {
					b.Fatal(err)
				}
				used += processor() - start
				n += len(rows)
			}
			b.StopTimer()
			b.ReportMetric(float64(used.Nanoseconds())/float64(n), "cpu-ns/record")
		})
	}
}

// TestMillionRequests measures that what is asked of the records stays fast. It takes a minute.
func TestMillionRequests(t *testing.T) {
	if os.Getenv("TOLLGATE_MILLION") == "" {
		t.Skip("set TOLLGATE_MILLION to run")
	}
	for _, batch := range []int{130, 1024} {
		t.Run(fmt.Sprint("batch=", batch), func(t *testing.T) { million(t, batch) })
	}
}

func million(t *testing.T, batch int) {
	const total = 1_000_000
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir})
	start := time.Now()
	for n := 0; n < total; {
		var all []record.Request
		for range batch {
			all = append(all, sampled(n, seedTime.Add(time.Duration(n)*3600*time.Microsecond))) // an hour
			n++
		}
		if err := s.Requests().Append(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	info, _ := os.Stat(filepath.Join(dir, "requests.db"))
	t.Logf("%d records in %v, %d MB", total, time.Since(start), info.Size()>>20)
	within := func(what string, fn func(r store.Requests) (int, error)) {
		t.Helper()
		start := time.Now()
		n, err := fn(s.Requests())
		if err != nil {
			t.Error(what, err)
		}
		took := time.Since(start)
		t.Logf("%-40s %8v %d", what, took.Round(10*time.Microsecond), n)
		if most := 150 * time.Millisecond; took > most {
			t.Errorf("%s took %v, not at most %v", what, took, most)
		}
	}
	for _, n := range []int{1, 500_000, total - 1} {
		within(fmt.Sprint("get ", n), func(r store.Requests) (int, error) {
			_, err := r.Get(t.Context(), sampled(n, seedTime).ID)
			return 1, err
		})
	}
	within("get none", func(r store.Requests) (int, error) { _, _ = r.Get(t.Context(), "req_none"); return 0, nil })
	for name, q := range map[string]record.Query{
		"all": {}, "key": {Key: "key_100000000500"}, "no key": {Key: "key_1"}, "model": {Model: "gpt-5"}, "no model": {Model: "x"},
		"refused": {Outcome: "refused"}, "code": {Code: "budget_exceeded"}, "status": {Status: 429}, "class": {Status: 4}, "no status": {Status: 5},
		"label": {Label: map[string]string{"team": "team-7"}}, "two labels": {Label: map[string]string{"team": "team-7", "env": "prod"}},
		"limit": {Limit: "lim_7"}, "key refused": {Key: "key_100000000500", Outcome: "refused"}, "early": {To: seedTime.Add(5 * time.Minute)},
		"early and refused": {To: seedTime.Add(30 * time.Minute), Status: 429}, "before": {To: seedTime},
	} {
		for page := range 3 {
			within(fmt.Sprint("list ", name, ", page ", page), func(r store.Requests) (int, error) {
				rows, next, err := r.List(t.Context(), q)
				q.Cursor = next
				return len(rows), err
			})
			if q.Cursor == "" {
				break
			}
		}
	}
	for _, by := range [][]record.Grouping{{}, {record.ByKey}, {record.ByHour}, {record.ByDay, "label.team"}} {
		within(fmt.Sprint("sums by ", by), func(r store.Requests) (int, error) {
			sums, err := r.Sums(t.Context(), record.SumQuery{By: by})
			return len(sums), err
		})
	}
}
