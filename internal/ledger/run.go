package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// retry is how long an unavailable journal is left alone.
	retry = 100 * time.Millisecond
	// noteEvery is how often the witness is told how far the ledger is.
	noteEvery = time.Second
	// linger is how long rows may wait to become durable if nobody waits for them.
	linger = 50 * time.Millisecond
	// soon is how long a row may wait to be stored if its sender may yet wait for that.
	soon = 2 * time.Millisecond
	// turns is how many batches one stores behind the one that it waits for.
	turns = 4
)

// progress is how far the rows are that were put.
type progress struct {
	durable atomic.Uint64 // the latest durable generation
	changed chan struct{} // told when more is stored

	mu     sync.Mutex
	stored uint64 // the last batch that is stored, as are all before it
	tip    Mark   // of it
	safe   Mark   // the last row that is known to be durable
	noted  Mark   // what the witness has
	// unsynced are generations that were to be made durable when the books ended.
	unsynced []*generation
	ill      error // why the journal is unavailable
}

func (p *progress) store(batch uint64, tip Mark, complete bool, ill error) {
	p.mu.Lock()
	if p.ill = ill; complete {
		p.stored, p.tip = batch, tip
	}
	p.mu.Unlock()
	notify(p.changed)
}

func (p *progress) reached(batch uint64) (Mark, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tip, p.stored >= batch
}

// Health tells why nothing is admitted at the moment, nil if that is not so. The error
// wraps ErrUnavailable.
func (b *Books) Health() error {
	b.queue.mu.Lock()
	defer b.queue.mu.Unlock()
	if b.queue.ended != nil {
		return b.queue.ended
	}
	b.progress.mu.Lock()
	defer b.progress.mu.Unlock()
	return b.progress.ill
}

// Run stores what happens until ctx ends and everything is stored. It returns an
// error when the journal failed in a way that it cannot recover from; nothing is then
// admitted any more, and the process should end.
func (b *Books) Run(ctx context.Context) error {
	after, stop := context.WithoutCancel(ctx), make(chan struct{})
	synced := make(chan error, 1)
	go func() { synced <- b.syncAll(after, stop) }()
	err := b.storeAll(ctx, after, synced)
	close(stop)
	if failed := <-synced; err == nil {
		err = failed
	}
	if err == nil {
		err = b.finish(after)
	}
	var told error
	if err != nil {
		err = fmt.Errorf("keep the ledger: %w", err)
		told = final(err)
		b.storer.begin()
		b.storer.failed = err
		b.queue.failed(told)
		b.storer.end()
	}
	last, _ := b.queue.turn()
	for _, g := range append(b.progress.unsynced, last) {
		g.finish(told)
	}
	return err
}

// final is the error that callers get for one after which nothing is taken any more.
func final(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }

// storeAll stores what is put and nobody waits for, until ctx ends and nothing is left or
// something fails for good.
func (b *Books) storeAll(ctx, after context.Context, synced chan error) error {
	ticks := time.NewTicker(retry)
	defer ticks.Stop()
	pause := time.NewTimer(soon)
	defer pause.Stop()
	for {
		over := ctx.Err() != nil
		if over {
			b.queue.end(errEnded)
		}
		// Where more comes all the time, that the context has ended must be seen too.
		for left := true; left && (over || ctx.Err() == nil); left = b.queue.left() {
			if err := b.storeRest(after); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		select {
		case <-b.queue.idle: // mostly somebody waits for it after all
			pause.Reset(soon)
			select {
			case <-b.queue.wake:
			case <-ctx.Done():
			case <-pause.C:
			}
		case <-b.queue.wake:
		case <-ctx.Done():
		case <-ticks.C:
		case err := <-synced: // not before stop, but when it failed
			synced <- err
			return err
		}
	}
}

// storeRest stores all that is left now, also what the journal could not take before.
func (b *Books) storeRest(ctx context.Context) error {
	b.storer.begin()
	defer b.storer.end()
	if b.storer.failed != nil {
		return b.storer.failed
	}
	if len(b.storer.backlog) > 0 {
		b.queue.barrier()
	}
	newest := b.queue.newest()
	for batch := b.queue.next(); batch != nil; batch = b.queue.next() {
		if err := b.storeBatch(ctx, batch); err != nil {
			return err
		}
		if batch.number >= newest {
			return nil
		}
	}
	return nil
}

// storeUntil stores what was put up to a batch, and a little more, unless somebody else
// stores: nobody needs to be woken for that. Who finds somebody at it waits; what is left then is
// for Run, since whoever was at it may have looked before it was put.
//
// Where many come, those who are ready to run put rows of their own first, and whoever is back first stores
// them all with one write.
func (b *Books) storeUntil(last *batch) {
	if last.finished.Load() {
		return
	}
	if b.queue.gather(last); last.finished.Load() || !b.storer.tryBegin() {
		return
	}
	err := b.storeSome(last)
	b.storer.end()
	if err != nil || b.queue.left() {
		notify(b.queue.wake)
	}
}

// storeSome stores a few batches, up to one at least.
func (b *Books) storeSome(last *batch) error {
	for more := turns; more > 0; {
		batch := b.queue.next()
		if batch == nil {
			return nil
		}
		// A client that leaves takes nobody else's row with it.
		if err := b.storeBatch(context.Background(), batch); err != nil {
			return err
		}
		if last.finished.Load() {
			more--
		}
	}
	return nil
}

// storeBatch stores a batch and tells those who wait. Only failures that are final are
// returned.
func (b *Books) storeBatch(ctx context.Context, batch *batch) error {
	err := b.storer.store(ctx, batch.rows, false)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		b.queue.finish(batch, b.queue.end(final(err)))
		return err
	}
	b.progress.store(batch.number, b.storer.chain.Tip(), len(b.storer.backlog) == 0, err)
	b.queue.finish(batch, err)
	return nil
}

// syncAll makes durable what is stored, one generation after the other, until it is
// stopped or that fails.
func (b *Books) syncAll(ctx context.Context, stop chan struct{}) error {
	var noted time.Time
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-b.queue.sync:
		case <-stop:
			return nil
		}
		pause.Reset(linger)
		select {
		case <-b.queue.urgent:
		case <-pause.C:
		case <-stop:
			return nil
		}
		g, batch := b.queue.turn()
		if ok, err := b.sync(ctx, g, batch, stop); err != nil {
			g.finish(b.queue.end(final(err)))
			return err
		} else if !ok {
			b.progress.unsynced = append(b.progress.unsynced, g)
			return nil
		}
		g.finish(nil)
		if time.Since(noted) >= noteEvery {
			if err := b.note(); err != nil {
				return err
			}
			noted = time.Now()
		}
	}
}

// sync makes a generation durable, the last row of which is in a batch, and tells
// whether it did before it was stopped.
func (b *Books) sync(ctx context.Context, g *generation, batch uint64, stop chan struct{}) (bool, error) {
	tip, ok := b.progress.reached(batch)
	for ; !ok; tip, ok = b.progress.reached(batch) {
		select {
		case <-b.progress.changed:
		case <-stop:
			return false, nil
		}
	}
	if err := b.journal.Sync(ctx); err != nil {
		return false, fmt.Errorf("make the ledger durable: %w", err)
	}
	b.progress.mu.Lock()
	b.progress.safe = tip
	b.progress.mu.Unlock()
	b.progress.durable.Store(g.number)
	return true, nil
}

// note tells the witness how far the ledger is. If that cannot be kept at the moment, the mark of before
// is as true, and the next note is of more.
func (b *Books) note() error {
	b.progress.mu.Lock()
	safe, noted := b.progress.safe, b.progress.noted
	b.progress.mu.Unlock()
	if b.witness == nil || safe == noted {
		return nil
	}
	err := b.witness.Save(safe)
	if errors.Is(err, ErrUnavailable) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("note how far the ledger is: %w", err)
	}
	b.progress.mu.Lock()
	b.progress.noted = safe
	b.progress.mu.Unlock()
	return nil
}

// finish stores the last rows, and that the run ended in order.
func (b *Books) finish(ctx context.Context) error {
	b.storer.begin()
	defer b.storer.end()
	stop := []Row{{Kind: Stop, At: b.clock.Now(), Run: b.run, Boot: b.boot}}
	if err := b.storer.store(ctx, stop, true); err != nil {
		return err
	}
	b.progress.safe = b.storer.chain.Tip()
	return b.note()
}
