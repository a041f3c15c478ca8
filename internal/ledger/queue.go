package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
)

// maxBatch is how many rows are stored at once at most.
const maxBatch = 1024

// batch is rows that are stored together.
type batch struct {
	number uint64
	rows   []Row
	done   chan struct{} // closed once they are stored, or cannot be
	err    error
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

// Wait waits for the row to be stored as its sender asked, and tells if it was not.
func (r Receipt) Wait(ctx context.Context) error {
	if r.of == nil {
		return nil
	}
	select {
	case <-r.of.done:
	case <-ctx.Done():
		return context.Cause(ctx)
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

// Within waits for a row that needs not be durable to be stored, at most so long, and
// tells whether it is.
func (r Receipt) Within(d time.Duration) bool {
	if r.of == nil {
		return true
	}
	select {
	case <-r.of.done:
		return r.of.err == nil
	default:
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.of.done:
		return r.of.err == nil
	case <-t.C:
		return false
	}
}

// queue hands rows, in the order in which they were put, from many goroutines to
// the one that stores them.
type queue struct {
	mu      sync.Mutex
	all     []*batch
	batches uint64      // ever made
	filling *generation // of the rows that are put now
	dirty   bool        // there are some
	spare   [][]Row     // that can be used again
	ended   error       // why nothing is taken any more

	wake   chan struct{} // there is something to be stored,
	sync   chan struct{} // and to be made durable,
	urgent chan struct{} // for which somebody waits
}

func newQueue() *queue {
	return &queue{
		wake: make(chan struct{}, 1), sync: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		filling: &generation{number: 1, done: make(chan struct{})},
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// barrier is stored when everything that was put before is.
func (q *queue) barrier() Receipt {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return q.refuse()
	}
	b := q.last()
	notify(q.wake)
	return Receipt{of: b}
}

func (q *queue) refuse() Receipt {
	failed := &batch{done: make(chan struct{}), err: q.ended}
	close(failed.done)
	return Receipt{of: failed}
}

// last gives the batch that takes the next row.
func (q *queue) last() *batch {
	if n := len(q.all); n == 0 || len(q.all[n-1].rows) >= maxBatch {
		q.batches++
		q.all = append(q.all, &batch{number: q.batches, done: make(chan struct{}), rows: q.rows()})
	}
	return q.all[len(q.all)-1]
}

// put lets fill complete the next row and more behind it, each of which it takes
// from the batch. It must be quick. It gives the generation they are in, one that
// never becomes durable if nothing is taken any more.
func (q *queue) put(durable bool, fill func(*batch)) (Receipt, uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return q.refuse(), math.MaxUint64
	}
	receipt := Receipt{of: q.last()}
	fill(receipt.of)
	notify(q.wake)
	if !q.dirty {
		q.dirty = true
		notify(q.sync)
	}
	if durable {
		receipt.synced = q.filling
		notify(q.urgent)
	}
	return receipt, q.filling.number
}

func (q *queue) rows() []Row {
	if n := len(q.spare); n > 0 {
		rows := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return rows[:0]
	}
	return make([]Row, 0, 64)
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
	close(b.done)
	q.mu.Lock()
	defer q.mu.Unlock()
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

// storer seals rows and stores them. It is for one goroutine.
type storer struct {
	journal Journal
	chain   *Chain
	// backlog are rows that could not be stored and must be before any other. What
	// happened is in memory; it is only not on record yet.
	backlog []Row
	records []Record
}

// store stores a batch behind the backlog. If the journal is unavailable, what only
// sets something aside is dropped, since its sender gives up; the rest waits.
func (s *storer) store(ctx context.Context, rows []Row, durable bool) error {
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
	if errors.Is(err, ErrUnavailable) {
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
