// Package history writes down what is remembered of requests. It owns the way from an
// exchange that is over to its request record in the database: a bounded queue that never keeps
// a request waiting, and the one who empties it in batches. What a record says is the
// business of package record, how it is kept that of the database.
package history

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
	"tollgate/internal/record"
	"tollgate/internal/store"
)

const (
	// batch is how many records are worth a transaction at once.
	batch = 1024
	// linger is how long a record waits for company.
	linger = 200 * time.Millisecond
	// defaultCapacity is how many records may wait for the database.
	defaultCapacity = 16 << 10
	// lastWrite is how long the last records may take when the program ends.
	lastWrite = 5 * time.Second
	// pruneEvery is how often it is looked for what is kept no longer.
	pruneEvery = time.Hour
)

// patience is how long it takes to try again while the database takes nothing, at
// first and at most.
const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// DefaultRetention keeps requests for 30 days and their sums by the hour for 13 months.
var DefaultRetention = record.Retention{Requests: 30 * 24 * time.Hour, Hours: 400 * 24 * time.Hour}

// Options are what a History is made of; Requests is required.
type Options struct {
	Requests  store.Requests
	Log       *slog.Logger     // nil: nothing is said
	Now       func() time.Time // nil: time.Now
	Capacity  int              // records that may wait; 0: as many as usual
	Retention record.Retention // the zero one: DefaultRetention
}

// History takes exchanges and writes their records. It implements gateway.Recorder.
type History struct {
	requests  store.Requests
	log       *slog.Logger
	now       func() time.Time
	capacity  int
	retention record.Retention
	dropped   atomic.Uint64
	pad       pad // of Run

	mu      sync.Mutex
	waiting []*chunk
	count   int      // of records in waiting
	spare   []*chunk // empty ones, for their memory
	closed  bool     // nobody writes any more

	crowds crowds

	some chan struct{} // there is something to write
	full chan struct{} // there is enough for a batch
}

// chunk is a piece of the queue: it grows by one without moving what is there.
type chunk struct {
	notes [128]note
	n     int
}

// maxSpare is how many empty chunks are kept.
const maxSpare = 16

// New makes a History. It writes nothing until it is run.
func New(o Options) *History {
	h := &History{
		requests: o.Requests, log: o.Log, now: o.Now, capacity: o.Capacity, retention: o.Retention,
		some: make(chan struct{}, 1), full: make(chan struct{}, 1), crowds: crowds{},
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.capacity <= 0 {
		h.capacity = defaultCapacity
	}
	if h.retention == (record.Retention{}) {
		h.retention = DefaultRetention
	}
	return h
}

// Retention tells how long records and sums are kept.
func (h *History) Retention() record.Retention { return h.retention }

// Record notes an exchange, or drops it if too many wait already. It waits for nobody.
func (h *History) Record(x *gateway.Exchange) {
	h.mu.Lock()
	if !h.closed && h.crowds.take(x) {
		h.mu.Unlock()
		return
	}
	if h.closed || h.count >= h.capacity {
		h.mu.Unlock()
		h.dropped.Add(1)
		return
	}
	h.place().take(x)
	h.count++
	count := h.count
	h.mu.Unlock()
	switch count {
	case 1:
		notify(h.some)
	case batch:
		notify(h.full)
	}
}

// place gives the next free note of the queue.
func (h *History) place() *note {
	var c *chunk
	if n := len(h.waiting); n > 0 {
		c = h.waiting[n-1]
	}
	if c == nil || c.n == len(c.notes) {
		if n := len(h.spare); n > 0 {
			c, h.spare = h.spare[n-1], h.spare[:n-1]
		} else {
			c = new(chunk)
		}
		h.waiting = append(h.waiting, c)
	}
	c.n++
	return &c.notes[c.n-1]
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Dropped tells how many exchanges are not on record, because the database took too long or
// did not take them.
func (h *History) Dropped() uint64 { return h.dropped.Load() }

// Run writes records until ctx is over, and then what is left. Records that the database
// cannot take at the moment are tried again; those that it refuses are dropped.
func (h *History) Run(ctx context.Context) error {
	writing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWrite, cancel) })()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	turn := time.NewTicker(perTurn)
	defer turn.Stop()
	h.prune(ctx)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-prune.C:
			h.prune(ctx)
		case <-turn.C:
			h.disperse(writing)
		case <-h.some:
			h.gather(ctx)
			h.flush(writing)
		}
	}
	h.mu.Lock()
	h.closed = true // what comes now would wait for ever
	h.mu.Unlock()
	h.flush(writing)
	h.disperse(writing)
	return nil
}

// gather waits until a batch is full, or has waited long enough.
func (h *History) gather(ctx context.Context) {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-h.full:
	case <-timer.C:
	}
}

// flush writes all that waits, batch by batch.
func (h *History) flush(ctx context.Context) {
	h.mu.Lock()
	chunks := h.waiting
	h.waiting, h.count = nil, 0
	h.mu.Unlock()
	select {
	case <-h.full: // that was about what is being written now
	default:
	}
	for i, c := range chunks {
		for j := range c.n {
			h.pad.add(&c.notes[j])
		}
		h.done(c)
		if i == len(chunks)-1 || len(h.pad.rows)+len(c.notes) > batch {
			h.write(ctx, h.pad.rows)
			h.pad.clear()
		}
	}
}

// disperse writes the records that refusals share, and begins anew.
func (h *History) disperse(ctx context.Context) {
	h.mu.Lock()
	all := h.crowds
	h.crowds = crowds{}
	h.mu.Unlock()
	for _, c := range all {
		for i := range c.shared {
			h.pad.add(&c.shared[i])
		}
		if len(h.pad.rows) >= batch-perModel {
			h.write(ctx, h.pad.rows)
			h.pad.clear()
		}
	}
	if len(h.pad.rows) > 0 {
		h.write(ctx, h.pad.rows)
		h.pad.clear()
	}
}

// done keeps the memory of a chunk for others.
func (h *History) done(c *chunk) {
	for i := range c.n {
		c.notes[i].clear()
	}
	c.n = 0
	h.mu.Lock()
	if len(h.spare) < maxSpare {
		h.spare = append(h.spare, c)
	}
	h.mu.Unlock()
}

// write stores a batch, however often that has to be tried while ctx is not over.
func (h *History) write(ctx context.Context, rows []record.Request) {
	said := false
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := h.requests.Append(ctx, rows)
		if err == nil {
			return
		}
		if !errors.Is(err, ledger.ErrUnavailable) || !pause(ctx, wait) {
			h.dropped.Add(uint64(len(rows)))
			h.log.Error("request records are lost", "records", len(rows), "error", err)
			return
		}
		if !said {
			h.log.Warn("request records cannot be written at the moment; it will be tried again", "error", err)
			said = true
		}
	}
}

// pause waits and tells whether it is worth trying again.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// prune forgets what is kept no longer.
func (h *History) prune(ctx context.Context) {
	if err := h.requests.Prune(ctx, h.retention, h.now()); err != nil && ctx.Err() == nil {
		h.log.Warn("could not forget old request records; it will be tried again", "error", err)
	}
}
