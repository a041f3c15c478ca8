package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxBatch is how many rows are stored at once at most.
	maxBatch = 1024
	// lonely is how often it is not tried to gather rows once nobody else had one.
	lonely = 3
)

// batch is rows that are stored together.
type batch struct {
	queue    *queue
	number   uint64
	rows     []Row
	finished atomic.Bool   // they are stored, or cannot be
	err      error         // why, once finished
	done     chan struct{} // closed then; only there if somebody waits
}

// wait gives what is closed once the batch is finished.
func (b *batch) wait() <-chan struct{} {
	b.queue.mu.Lock()
	defer b.queue.mu.Unlock()
	if b.done == nil {
		b.done = make(chan struct{})
		if b.finished.Load() {
			close(b.done)
		}
	}
	return b.done
}

// row gives the next row of the batch to be completed.
func (b *batch) row() *Row {
	if len(b.rows) < cap(b.rows) {
		b.rows = b.rows[:len(b.rows)+1]
	} else {
		b.rows = append(b.rows, Row{})
	}
	r := &b.rows[len(b.rows)-1]
	*r = Row{Legs: r.Legs[:0]}
	return r
}

// generation is rows that are made durable together.
type generation struct {
	number uint64
	done   chan struct{} // closed once they are durable, or nobody knows
	err    error
}

func (g *generation) finish(err error) {
	g.err = err
	close(g.done)
}

// Receipt tells when a row is stored.
type Receipt struct {
	of     *batch
	synced *generation // if it is to be durable
}

// Wait waits for the row to be stored as its sender asked, and tells if it was not. If
// nobody is storing, the caller does, and not only its own row.
func (r Receipt) Wait(ctx context.Context) error {
	if r.of == nil {
		return nil
	}
	if r.of.queue.store(r.of); !r.of.finished.Load() {
		select {
		case <-r.of.wait():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if r.of.err != nil || r.synced == nil {
		return r.of.err
	}
	select {
	case <-r.synced.done:
		return r.synced.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Within waits for a row that needs not be durable to be stored, and tells whether it is.
// It waits at most so long for others; to store it itself takes as long as that takes.
func (r Receipt) Within(d time.Duration) bool {
	if r.of == nil {
		return true
	}
	if r.of.queue.store(r.of); !r.of.finished.Load() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-r.of.wait():
		case <-t.C:
			return false
		}
	}
	return r.of.err == nil
}

// queue hands rows, in the order in which they were put, from many goroutines to
// the one that stores them at the moment.
type queue struct {
	// store stores what was put, up to a batch at least, unless somebody else does.
	store func(*batch)

	mu      sync.Mutex
	all     []*batch
	batches uint64      // ever made
	filling *generation // of the rows that are put now
	dirty   bool        // there are some
	spare   [][]Row     // that can be used again
	ended   error       // why nothing is taken any more
	alone   int         // how often rows are not gathered yet, since nobody came the last time

	idle   chan struct{} // there is something to be stored that nobody waits for,
	wake   chan struct{} // or that somebody waits for,
	sync   chan struct{} // and to be made durable,
	urgent chan struct{} // for which somebody waits
}

func newQueue(store func(*batch)) *queue {
	return &queue{
		store: store,
		idle:  make(chan struct{}, 1), wake: make(chan struct{}, 1), sync: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		filling: &generation{number: 1, done: make(chan struct{})},
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// barrier is stored when everything that was put before is. Whoever makes one waits for it.
func (q *queue) barrier() Receipt {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return q.refuse()
	}
	return Receipt{of: q.last()}
}

func (q *queue) refuse() Receipt {
	failed := &batch{queue: q, err: q.ended}
	failed.finished.Store(true)
	return Receipt{of: failed}
}

// last gives the batch that takes the next row.
func (q *queue) last() *batch {
	if n := len(q.all); n == 0 || len(q.all[n-1].rows) >= maxBatch {
		q.batches++
		q.all = append(q.all, &batch{queue: q, number: q.batches, rows: q.rows()})
	}
	return q.all[len(q.all)-1]
}

// care is what the sender of a row does about it.
type care uint8

const (
	leave  care = iota // perhaps nothing
	await              // wait for it to be stored
	endure             // wait for it to be durable
)

// put lets fill complete the next row and more behind it, each of which it takes
// from the batch. It must be quick. It gives the generation they are in, one that
// never becomes durable if nothing is taken any more.
func (q *queue) put(c care, fill func(*batch)) (Receipt, uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return q.refuse(), math.MaxUint64
	}
	receipt := Receipt{of: q.last()}
	fill(receipt.of)
	if c == leave {
		notify(q.idle)
	}
	if !q.dirty {
		q.dirty = true
		notify(q.sync)
	}
	if c == endure {
		receipt.synced = q.filling
		notify(q.urgent)
	}
	return receipt, q.filling.number
}

// gather lets those who are ready to run go first, who may put rows into a batch that is about to be stored or
// store it. Where nobody does it is not worth trying every time.
func (q *queue) gather(b *batch) {
	q.mu.Lock()
	before, alone := len(b.rows), q.alone > 0
	if alone {
		q.alone--
	}
	q.mu.Unlock()
	if alone {
		return
	}
	runtime.Gosched()
	q.mu.Lock()
	if n := len(q.all); n > 0 && q.all[n-1] == b && len(b.rows) == before { // nobody has taken it, or put more
		q.alone = lonely
	}
	q.mu.Unlock()
}

func (q *queue) rows() []Row {
	if n := len(q.spare); n > 0 {
		rows := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return rows[:0]
	}
	return make([]Row, 0, 64)
}

// left tells whether there is something to be stored.
func (q *queue) left() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.all) > 0
}

// newest is the number of the last batch that was made.
func (q *queue) newest() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.batches
}

// next takes the oldest batch, nil if there is none.
func (q *queue) next() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.all) == 0 {
		return nil
	}
	b := q.all[0]
	q.all = append(q.all[:0], q.all[1:]...)
	return b
}

// finish tells everybody who waits for the batch. Its rows will be used again.
func (q *queue) finish(b *batch, err error) {
	b.err = err
	q.mu.Lock()
	defer q.mu.Unlock()
	b.finished.Store(true)
	if b.done != nil {
		close(b.done)
	}
	if len(q.spare) < 4 {
		q.spare = append(q.spare, b.rows)
	}
	b.rows = nil
}

// turn begins the next generation. It gives the one until now, and the last batch that
// has a row of it.
func (q *queue) turn() (*generation, uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := q.filling
	q.filling, q.dirty = &generation{number: g.number + 1, done: make(chan struct{})}, false
	return g, q.batches
}

// end refuses what is put from now on. It gives the reason, which is the first that
// there was.
func (q *queue) end(why error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil {
		q.ended = why
	}
	return q.ended
}

// failed drops everything that is not stored, and tells whoever waits.
func (q *queue) failed(why error) {
	q.end(why)
	for b := q.next(); b != nil; b = q.next() {
		q.finish(b, why)
	}
}

// errEnded is why books that are closed take nothing.
var errEnded = fmt.Errorf("the ledger is closed: %w", ErrUnavailable)

// storer seals rows and stores them. It is for one goroutine at a time, between begin and end.
type storer struct {
	turn    chan struct{} // is full while somebody stores
	journal Journal
	chain   *Chain
	// backlog are rows that could not be stored and must be before any other. What
	// happened is in memory; it is only not on record yet.
	backlog []Row
	records []Record
	failed  error // after which nothing may be stored
}

func newStorer(j Journal, after Mark) *storer {
	return &storer{turn: make(chan struct{}, 1), journal: j, chain: NewChain(after)}
}

// begin waits for whoever stores. Who begins must end.
func (s *storer) begin() { s.turn <- struct{}{} }

func (s *storer) end() { <-s.turn }

// tryBegin is begin, unless somebody stores.
func (s *storer) tryBegin() bool {
	select {
	case s.turn <- struct{}{}:
		return true
	default:
		return false
	}
}

// store stores a batch behind the backlog. If the journal is unavailable, what only
// sets something aside is dropped, since its sender gives up; the rest waits.
func (s *storer) store(ctx context.Context, rows []Row, durable bool) error {
	if s.failed != nil {
		return s.failed
	}
	tip := s.chain.Tip()
	s.chain.Reuse()
	s.records = s.records[:0]
	for i := range s.backlog {
		s.records = append(s.records, s.chain.Seal(&s.backlog[i]))
	}
	for i := range rows {
		s.records = append(s.records, s.chain.Seal(&rows[i]))
	}
	if len(s.records) == 0 {
		return nil
	}
	err := s.journal.Append(ctx, s.records, durable)
	if err == nil {
		s.backlog = s.backlog[:0]
		return nil
	}
	if !errors.Is(err, ErrUnavailable) {
		s.failed = err
		return err
	}
	s.chain.Reset(tip)
	if len(s.backlog) == 0 { // which also makes that it is tried again
		s.backlog = append(s.backlog, remark(rows, err))
	}
	for _, r := range rows {
		if r.Kind != Reserve {
			r.Legs = nil
			s.backlog = append(s.backlog, r)
		}
	}
	return err
}

// remark puts on record that the journal was unavailable.
func remark(rows []Row, why error) Row {
	r := Row{Kind: Adjust, Actor: system, Reason: "the ledger could not be written: " + why.Error()}
	if len(rows) > 0 {
		r.At, r.Run = rows[0].At, rows[0].Run
	}
	return r
}
