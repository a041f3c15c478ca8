package history_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/caller"
	"tollgate/internal/history"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
)

// acknowledged tells of what was stored.
type acknowledged struct {
	store.Requests
	rows chan int
}

func (a acknowledged) Append(ctx context.Context, all []record.Request) error {
	err := a.Requests.Append(ctx, all)
	a.rows <- len(all)
	return err
}

// processor is the time that this process has computed for.
func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHistory tells what the record of a request costs altogether, from the exchange to the
// database, with a thousand keys.
func BenchmarkHistory(b *testing.B) {
	s, err := sqlite.Open(b.Context(), sqlite.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	stored := acknowledged{s.Requests(), make(chan int, 1<<16)}
	h := history.New(history.Options{Requests: stored})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 2)
	go func() { ended <- h.Run(ctx) }()
	go func() { ended <- s.Run(ctx) }()
	x := full(time.Now())
	x.Attempts = x.Attempts[1:]
	callers := make([]caller.Caller, 1000)
	for i := range callers {
		callers[i] = caller.Caller{KeyID: fmt.Sprint("key_", i), Name: fmt.Sprint("checkout-", i), Labels: map[string]string{"team": fmt.Sprint("team-", i%50)}}
	}
	ids := make([]string, 1<<16)
	for i := range ids {
		ids[i] = fmt.Sprintf("req_%020d", i)
	}
	const most = 4096 // under way, less than what is dropped
	begin, n, under := processor(), 0, 0
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		x.ID, x.Caller = ids[n%len(ids)], &callers[n*7919%len(callers)]
		h.Record(x)
		for under++; under >= most; {
			under -= <-stored.rows
		}
		n++
	}
	b.StopTimer()
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	if err := <-ended; err != nil {
		b.Error(err)
	}
	b.ReportMetric(float64((processor()-begin).Nanoseconds())/float64(n), "cpu-ns/record")
	if d := h.Dropped(); d > 0 {
		b.Errorf("%d of %d were dropped", d, n)
	}
	if err := s.Close(); err != nil {
		b.Error(err)
	}
}
