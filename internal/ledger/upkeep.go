package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/budget"
)

const (
	// grace is how long after its end a window is closed: a request that had read the
	// clock before is then certainly counted. Without admissions for as long, what was
	// granted to a window ends.
	grace = time.Minute
	// sweepEvery is how often all counters are looked at.
	sweepEvery = 10 * time.Second
)

// Sweep does what is due: it expires what is past its deadline, and now and then gives
// up waiting for corrections after Horizon, and puts windows that are over on record.
// Call it every second or so; nothing that is counted depends on when.
func (b *Books) Sweep() {
	now := b.clock.Now()
	for _, h := range b.engine.Overdue(now) {
		(&Reservation{books: b, hold: h}).Expire()
	}
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	if b.swept && now.Mono < b.sweptAt+int64(sweepEvery) {
		return
	}
	b.swept, b.sweptAt = true, now.Mono
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
	b.engine.EndEscrows(before, func(e budget.Escrow) {
		b.queue.put(leave, func(batch *batch) { b.grant(batch, now, &e) })
	})
	b.engine.Sweep(before, func(balance budget.Balance) { closed = append(closed, balance) })
	// Once the world was stopped, whoever changed one of these windows before it was
	// closed has put that into the queue.
	b.world.Lock()
	defer b.world.Unlock()
	for i := range closed {
		b.put(leave, &Row{Kind: Close, At: now, Balance: closed[i]})
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
	return b.snapshot(now), nil
}

// snapshot is what everything comes to. Everything is stored, and nothing happens
// meanwhile.
func (b *Books) snapshot(now budget.Instant) *Checkpoint {
	tip, _ := b.progress.reached(0)
	c := &Checkpoint{Mark: tip, Run: b.run, Boot: b.boot, At: now}
	b.engine.Balances(now, func(balance budget.Balance) { c.Balances = append(c.Balances, balance) })
	b.engine.Escrows(func(e budget.Escrow) { c.Escrows = append(c.Escrows, e) })
	for _, h := range b.engine.Holds() {
		c.Held = append(c.Held, budget.Held{
			ID: h.ID(), At: h.At(), Deadline: h.Deadline(), Bound: h.Bound(), Legs: h.Legs(nil), Resolution: h.Resolution(),
		})
	}
	return c
}

// Keep is how long rows are kept if Config.Keep does not say.
const Keep = 35 * 24 * time.Hour

var errEnough = errors.New("enough")

// Prune lets the journal forget rows that no start needs: those before the older of
// two checkpoints that are as old as Config.Keep says. What was counted by them stays
// counted, but they cannot be counted anew: a limit whose window is changed counts, in
// the new one, what the rows that are kept come to, and at least what it had counted
// in the old window if that lies within the new one. What is kept can be verified from
// the first row on; that nothing is missing before it is attested by the checkpoints.
func (b *Books) Prune(ctx context.Context) error {
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	encoded, err := b.journal.Checkpoints(ctx)
	if err != nil {
		return fmt.Errorf("prune the ledger: %w", err)
	}
	if len(encoded) < 2 {
		return nil
	}
	older, err := DecodeCheckpoint(encoded[len(encoded)-1])
	if err != nil {
		return fmt.Errorf("prune the ledger: %w", err)
	}
	first, err := b.oldest(ctx, b.clock.Now().Wall-int64(b.keep), older.Mark.Seq)
	if err != nil {
		return fmt.Errorf("prune the ledger: %w", err)
	}
	if b.pruned = first; first <= 1 {
		return nil
	}
	if err := b.journal.Prune(ctx, first); err != nil {
		return fmt.Errorf("prune the ledger: %w", err)
	}
	return nil
}

// oldest finds the first row since an instant, or the last one if that comes first.
func (b *Books) oldest(ctx context.Context, since int64, last uint64) (uint64, error) {
	first := b.pruned
	var r reader
	var row Row
	err := b.journal.Scan(ctx, first, func(rec Record) error {
		if rec.Seq >= last {
			first = last
			return errEnough
		}
		err := r.record(rec, &row)
		if first = rec.Seq; err == nil && row.At.Wall >= since {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, err
	}
	return first, nil
}
