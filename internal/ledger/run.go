package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/budget"
)

const (
	// retry is how long an unavailable journal is left alone.
	retry = 100 * time.Millisecond
	// noteEvery is how often the witness is told how far the ledger is.
	noteEvery = time.Second
)

// Run stores what happens until ctx ends and everything is stored. It returns an
// error when the journal failed in a way that it cannot recover from; nothing is then
// admitted any more, and the process should end.
func (b *Books) Run(ctx context.Context) error {
	ticks := time.NewTicker(retry)
	defer ticks.Stop()
	var noted time.Time
	after := context.WithoutCancel(ctx)
	for {
		for batch := b.queue.next(); batch != nil; batch = b.queue.next() {
			if err := b.storeBatch(after, batch); err != nil {
				return err
			}
		}
		if time.Since(noted) >= noteEvery {
			if err := b.note(); err != nil {
				return err
			}
			noted = time.Now()
		}
		if ctx.Err() != nil {
			return b.finish(after)
		}
		select {
		case <-b.queue.wake:
		case <-ctx.Done():
		case <-ticks.C:
			if len(b.storer.backlog) > 0 {
				b.queue.barrier()
			}
		}
	}
}

// storeBatch stores a batch and tells those who wait. Only failures that are final are
// returned.
func (b *Books) storeBatch(ctx context.Context, batch *batch) error {
	err := b.storer.store(ctx, batch)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("store the ledger: %w", err)
		b.queue.end(err)
		b.queue.finish(batch, err)
		for rest := b.queue.next(); rest != nil; rest = b.queue.next() {
			b.queue.finish(rest, err)
		}
		return err
	}
	b.queue.finish(batch, err)
	return nil
}

// note tells the witness how far the ledger is.
func (b *Books) note() error {
	safe := b.storer.safe
	if b.witness == nil || safe == b.noted {
		return nil
	}
	if err := b.witness.Save(safe); err != nil {
		return fmt.Errorf("note how far the ledger is: %w", err)
	}
	b.noted = safe
	return nil
}

// finish stores the last rows.
func (b *Books) finish(ctx context.Context) error {
	b.queue.end(errEnded)
	for batch := b.queue.next(); batch != nil; batch = b.queue.next() {
		if err := b.storeBatch(ctx, batch); err != nil {
			return err
		}
	}
	if len(b.storer.backlog) > 0 {
		if err := b.storer.store(ctx, &batch{durable: true}); err != nil {
			return fmt.Errorf("store the last rows of the ledger: %w", err)
		}
	}
	return b.note()
}

// grace is how long after its end a window is closed: a request that had read the
// clock before is then certainly counted.
const grace = time.Minute

// Sweep does what is due: it expires what is past its deadline, gives up waiting for
// corrections after Horizon, and puts windows that are over on record. Call it now and
// then; nothing that is counted depends on when.
func (b *Books) Sweep() {
	now := b.clock.Now()
	for _, h := range b.engine.Overdue(now) {
		(&Reservation{books: b, hold: h}).Expire()
	}
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	b.mu.Lock()
	for id, r := range b.correctable {
		if r.hold.At().Wall <= now.Wall-int64(Horizon) {
			r.hold.Forget()
			delete(b.correctable, id)
		}
	}
	b.mu.Unlock()
	var closed []budget.Balance
	before := budget.Instant{Wall: now.Wall - int64(grace), Mono: now.Mono - int64(grace)}
	b.engine.Sweep(before, func(balance budget.Balance) { closed = append(closed, balance) })
	// Once the world was stopped, whoever changed one of these windows before it was
	// closed has put that into the queue.
	b.world.Lock()
	defer b.world.Unlock()
	for _, balance := range closed {
		b.queue.put(false, func(r *Row) { r.Kind, r.At, r.Run, r.Balance = Close, now, b.run, balance })
	}
}

// Checkpoint saves what everything comes to now, so that the next start has less to
// read. It stops the world for as long as that takes to copy.
func (b *Books) Checkpoint(ctx context.Context) error {
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	c, err := b.checkpoint(ctx)
	if err != nil {
		return err
	}
	if err := b.journal.SaveCheckpoint(ctx, c.Encode()); err != nil {
		return fmt.Errorf("save a checkpoint: %w", err)
	}
	return nil
}

func (b *Books) checkpoint(ctx context.Context) (*Checkpoint, error) {
	b.world.Lock()
	defer b.world.Unlock()
	now := b.clock.Now()
	if err := b.flush(ctx); err != nil {
		return nil, err
	}
	c := &Checkpoint{Mark: b.storer.chain.Tip(), Run: b.run, At: now}
	b.engine.Balances(now, func(balance budget.Balance) { c.Balances = append(c.Balances, balance) })
	for _, h := range b.engine.Holds() {
		c.Held = append(c.Held, budget.Held{
			ID: h.ID(), At: h.At(), Deadline: h.Deadline(), Bound: h.Bound(), Legs: h.Legs(nil), Resolution: h.Resolution(),
		})
	}
	return c, nil
}
