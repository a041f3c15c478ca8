// Package load makes load: it keeps a number of connections busy with prepared
// requests, reads every answer to its end, and tells how many came, how fast,
// and whether any was wrong. A single wrong answer fails the run, since a
// gateway that errs is fast for the wrong reason.
//
// It owns the client side of a measurement. It knows nothing of what it is
// pointed at, nor of processes and their cost.
package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Patience is how long an answer may take beyond the end of a run.
const Patience = 15 * time.Second

// Config says what to send and for how long.
type Config struct {
	Addr     string   // host:port
	Requests [][]byte // whole HTTP/1.1 requests, sent in turn
	Check    Check    // of every answer
	Conns    int      // connections, each with one request at a time
	WarmUp   time.Duration
	Measure  time.Duration
	// Rate is the number of requests a second over all connections that are
	// sent whether or not earlier ones were answered in time. With 0 each
	// connection sends its next request when the last is answered.
	Rate float64
	// Spread is the time over which the first requests of the connections are
	// spread, so that long streams do not run in step.
	Spread time.Duration
	// Begin and End, if set, are called when measuring begins and ends.
	Begin, End func()
}

// Result is what came of a run.
type Result struct {
	// Seconds is how long was measured.
	Seconds float64
	// Answers is how many answers came in that time. A stream that began
	// before or ended after it counts with the part that came within.
	Answers float64
	// Sent is the number of requests of the whole run, warm-up included.
	Sent int
	// Latency is the time to the end of an answer, FirstByte to the first
	// byte of its body, of the answers that ended while measuring.
	Latency, FirstByte Histogram
}

// PerSecond is the number of answers in a second.
func (r *Result) PerSecond() float64 { return r.Answers / r.Seconds }

// run is the state of one Run.
type run struct {
	Config
	measuring, stopped atomic.Bool
	bytes              atomic.Int64 // of bodies, while measuring
	whole              atomic.Int64 // bytes of the bodies that ended while measuring
	sent               atomic.Int64
	result             Result

	mu     sync.Mutex
	failed error // the first failure
	count  int   // of failures
}

// Run makes the load. The error tells of the first wrong answer and how many
// connections met one; there is no result then.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if cfg.Conns < 1 || len(cfg.Requests) == 0 || cfg.Check == nil || cfg.Measure <= 0 {
		return nil, errors.New("a load needs connections, requests, a check and a duration")
	}
	conns, err := dial(ctx, cfg.Addr, cfg.Conns)
	if err != nil {
		return nil, err
	}
	r := &run{Config: cfg}
	ctx, cancel := context.WithTimeout(ctx, cfg.WarmUp+cfg.Measure+Patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { closeAll(conns) })
	defer stop()
	defer closeAll(conns)

	var workers sync.WaitGroup
	start := time.Now()
	for i, conn := range conns {
		workers.Go(func() { r.work(i, conn, start) })
	}
	r.window(ctx)
	workers.Wait()
	return r.finish(ctx)
}

// window opens and closes the time of measurement.
func (r *run) window(ctx context.Context) {
	defer r.stopped.Store(true)
	if !sleep(ctx, r.WarmUp) {
		return
	}
	if r.Begin != nil {
		r.Begin()
	}
	began := time.Now()
	r.measuring.Store(true)
	ok := sleep(ctx, r.Measure)
	r.measuring.Store(false)
	r.result.Seconds = time.Since(began).Seconds()
	if ok && r.End != nil {
		r.End()
	}
}

func (r *run) finish(ctx context.Context) (*Result, error) {
	if r.failed != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("no answer in time: %w", ctx.Err())
		}
		return nil, fmt.Errorf("%d of %d connections failed, the first: %w", r.count, r.Conns, r.failed)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ended := r.result.Latency.Count()
	if ended == 0 {
		return nil, errors.New("no answer ended while measuring")
	}
	r.result.Answers = float64(r.bytes.Load()) / (float64(r.whole.Load()) / float64(ended))
	r.result.Sent = int(r.sent.Load())
	return &r.result, nil
}

// work is one connection. It ends with the first failure.
func (r *run) work(i int, conn net.Conn, start time.Time) {
	c := newClient(conn, func(n int) {
		if r.measuring.Load() {
			r.bytes.Add(int64(n))
		}
	})
	next := i * len(r.Requests) / r.Conns
	share := time.Duration(i) * r.Spread / time.Duration(r.Conns)
	var every time.Duration
	if r.Rate > 0 {
		every = time.Duration(float64(r.Conns) / r.Rate * float64(time.Second))
		share = time.Duration(i) * every / time.Duration(r.Conns)
	}
	time.Sleep(share)
	for due := start.Add(share); !r.stopped.Load(); due = due.Add(every) {
		began := time.Now()
		if every > 0 {
			began = await(due)
		}
		r.sent.Add(1)
		err := c.do(r.Requests[next%len(r.Requests)])
		if err == nil {
			err = r.Check(c.body)
		}
		if err != nil {
			r.fail(err)
			return
		}
		if r.measuring.Load() {
			r.result.Latency.Record(time.Since(began))
			r.result.FirstByte.Record(c.firstAt.Sub(began))
			r.whole.Add(int64(len(c.body)))
		}
		next++
	}
}

// await gives the time from which a request's latency counts. That is when it
// was due, if the connection was still busy then: the wait is the server's
// fault. A timer that woke us late is not.
func await(due time.Time) time.Time {
	wait := time.Until(due)
	if wait <= 0 {
		return due
	}
	time.Sleep(wait)
	return time.Now()
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count++; r.failed == nil {
		r.failed = err
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// dial opens the connections one after the other, so that no listener's
// backlog overflows.
func dial(ctx context.Context, addr string, n int) ([]net.Conn, error) {
	var d net.Dialer
	conns := make([]net.Conn, 0, n)
	for range n {
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			closeAll(conns)
			return nil, fmt.Errorf("connecting: %w", err)
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

func closeAll(conns []net.Conn) {
	for _, conn := range conns {
		_ = conn.Close()
	}
}
