package ledger

import (
	"context"
	"errors"
	"sync"
)

// maxBatch is how many rows are stored at once at most.
const maxBatch = 1024

// batch is rows that are stored together.
type batch struct {
	rows    []Row
	durable bool
	done    chan struct{}
	err     error
}

// Receipt tells when a row is stored.
type Receipt struct{ of *batch }

// Wait waits for the row to be stored as its sender asked, and tells if it was not.
func (r Receipt) Wait(ctx context.Context) error {
	if r.of == nil {
		return nil
	}
	select {
	case <-r.of.done:
		return r.of.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// queue hands rows, in the order in which they were put, from many goroutines to
// the one that stores them.
type queue struct {
	mu    sync.Mutex
	all   []*batch
	wake  chan struct{}
	spare []*batch // whose rows can be used again
	ended error    // why nothing is taken any more
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// barrier is stored when everything that was put before is.
func (q *queue) barrier() Receipt {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return q.refuse()
	}
	b := q.last()
	q.notify()
	return Receipt{b}
}

func (q *queue) refuse() Receipt {
	failed := &batch{done: make(chan struct{}), err: q.ended}
	close(failed.done)
	return Receipt{failed}
}

// last gives the batch that takes the next row.
func (q *queue) last() *batch {
	if n := len(q.all); n == 0 || len(q.all[n-1].rows) == maxBatch {
		q.all = append(q.all, &batch{done: make(chan struct{}), rows: q.rows()})
	}
	return q.all[len(q.all)-1]
}

func (q *queue) notify() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// put lets fill complete the next row. It must be quick.
func (q *queue) put(durable bool, fill func(*Row)) Receipt {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil {
		return q.refuse()
	}
	b := q.last()
	if len(b.rows) < cap(b.rows) {
		b.rows = b.rows[:len(b.rows)+1]
	} else {
		b.rows = append(b.rows, Row{})
	}
	r := &b.rows[len(b.rows)-1]
	*r = Row{Legs: r.Legs[:0]}
	fill(r)
	b.durable = b.durable || durable
	q.notify()
	return Receipt{b}
}

func (q *queue) rows() []Row {
	if n := len(q.spare); n > 0 {
		rows := q.spare[n-1].rows[:0]
		q.spare = q.spare[:n-1]
		return rows
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
		q.spare = append(q.spare, &batch{rows: b.rows})
	}
}

// end refuses what is put from now on.
func (q *queue) end(why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended == nil {
		q.ended = why
	}
}

// errEnded is why books that are closed take nothing.
var errEnded = errors.New("the ledger is closed")

// storer is the goroutine that seals rows and stores them.
type storer struct {
	journal Journal
	chain   *Chain
	safe    Mark // the last row that survives a power failure
	// backlog are rows that could not be stored and must be before any other. What
	// happened is in memory; it is only not on record yet.
	backlog []Row
	records []Record
}

// store stores a batch behind the backlog. If the journal is unavailable, what only
// sets something aside is dropped, since its sender gives up; the rest waits.
func (s *storer) store(ctx context.Context, b *batch) error {
	tip := s.chain.Tip()
	s.records = s.records[:0]
	for i := range s.backlog {
		s.records = append(s.records, s.chain.Seal(&s.backlog[i]))
	}
	for i := range b.rows {
		s.records = append(s.records, s.chain.Seal(&b.rows[i]))
	}
	if len(s.records) == 0 {
		return nil
	}
	err := s.journal.Append(ctx, s.records, b.durable)
	if err == nil {
		if s.backlog = s.backlog[:0]; b.durable {
			s.safe = s.chain.Tip()
		}
		return nil
	}
	if errors.Is(err, ErrUnavailable) {
		s.chain.Reset(tip)
		for i := range b.rows {
			if r := b.rows[i]; r.Kind != Reserve {
				r.Legs = nil
				s.backlog = append(s.backlog, r)
			}
		}
	}
	return err
}
