package ledger_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
)

// BenchmarkBooks reserves and settles over four limits, from so many goroutines, on a
// disk that takes so long to make something durable.
func BenchmarkBooks(b *testing.B) {
	limits := []*budget.Limit{limit(b, "month", budget.Cost, budget.Max, "month Europe/Berlin"), limit(b, "day", budget.Tokens, budget.Max, "day UTC"),
		limit(b, "rpm", budget.Requests, 1<<40, "sliding 1s"), limit(b, "flight", budget.Concurrency, 1<<20, "life")}
	for _, latency := range []time.Duration{0, 200 * time.Microsecond, 2 * time.Millisecond} {
		for _, clients := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("fsync=%v/clients=%d", latency, clients), func(b *testing.B) {
				o := newOffice(b)
				o.journal.forget, o.journal.latency = true, latency
				b.ReportAllocs()
				var group sync.WaitGroup
				var left atomic.Int64
				left.Store(int64(b.N))
				b.ResetTimer()
				for range clients {
					group.Go(func() {
						for left.Add(-1) >= 0 {
							o.wait(10 * time.Microsecond)
							r, refusal, err := o.ask(100, limits...)
							if err != nil || refusal != nil {
								b.Error(refusal, err)
								return
							}
							r.Settle(exact(50))
						}
					})
				}
				group.Wait()
			})
		}
	}
}

// BenchmarkRecover opens a ledger of a million rows.
func BenchmarkRecover(b *testing.B) {
	d := &disk{}
	chain := ledger.NewChain(ledger.Mark{})
	day := limit(b, "month", budget.Cost, budget.Max, "month Europe/Berlin")
	const n = 500_000
	for i := range int64(n) {
		at := budget.Instant{Wall: epoch.UnixNano() + i, Mono: i}
		id := budget.ID{Run: 1, Number: uint64(i)}
		leg := budget.Leg{Limit: "month", Subject: fmt.Sprint("key_", i%100_000), Kind: budget.Cost, Window: day.Window, Span: day.Window.At(at.Wall)}
		d.records = append(d.records,
			chain.Seal(&ledger.Row{Kind: ledger.Reserve, At: at, Run: 1, ID: id, Subject: leg.Subject, Model: "gpt-5", Bound: cost(9), Legs: []budget.Leg{leg}}),
			chain.Seal(&ledger.Row{Kind: ledger.Settle, At: at, Run: 1, ID: id, Charged: cost(3), Source: ledger.Exact}))
	}
	for b.Loop() {
		d.records = d.records[:2*n]
		if _, report, err := ledger.Recover(context.Background(), ledger.Config{Journal: &memory{disk: d}}); err != nil || report.Read != 2*n {
			b.Fatal(report, err)
		}
	}
}
