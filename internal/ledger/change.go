package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"tollgate/internal/budget"
)

// Change is a change of a limit.
type Change struct {
	Limit *budget.Limit
	// Was is the window before, if it is another one: what was used is then counted
	// anew in the window of Limit.
	Was           *budget.Window
	Actor, Reason string
}

// Change puts a change of a limit on record and returns once it is durable. Requests
// are counted in the new window from then on; that they are asked for the new amount is
// the matter of whoever makes the asks. While the end of the ledger is read nothing is
// admitted. If the journal is unavailable the change is in force and on record later.
func (b *Books) Change(ctx context.Context, c Change) error {
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	was, counted := b.engine.WindowOf(c.Limit.ID)
	var again *recount
	if counted && !was.Equal(c.Limit.Window) || c.Was != nil && !c.Was.Equal(c.Limit.Window) {
		again = &recount{fold: newRecount(c.Limit.ID, c.Limit.Window)}
		if err := again.scan(ctx, b.journal); err != nil {
			return fmt.Errorf("count limit %s anew: %w", c.Limit.ID, err)
		}
	}
	receipt, err := b.change(ctx, &c, again)
	if err == nil {
		err = receipt.Wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("change limit %s: %w", c.Limit.ID, err)
	}
	return nil
}

// recount counts one limit anew from the rows that are kept.
type recount struct {
	fold    *Fold
	read    uint64
	since   int64 // when the first row was written, if there were others before it; else 0
	damaged map[uint64]error
}

// scan reads the rows that were not read before. Damaged ones are left out if an
// operator wanted the books to go on behind them.
func (c *recount) scan(ctx context.Context, j Journal) error {
	var r reader
	var row Row
	return j.Scan(ctx, c.read+1, func(rec Record) error {
		err := r.record(rec, &row)
		if c.read == 0 && rec.Seq > 1 {
			if c.since = row.At.Wall; err != nil {
				c.since = math.MaxInt64
			}
		}
		c.read = rec.Seq
		if err != nil {
			if c.damaged == nil {
				c.damaged = make(map[uint64]error)
			}
			c.damaged[rec.Seq] = err
			return nil
		}
		if row.Kind == Mend {
			delete(c.damaged, uint64(row.Amount))
		}
		return c.fold.Apply(&row)
	})
}

// check tells whether a row was damaged that nobody wanted to go on without.
func (c *recount) check() error {
	for _, err := range c.damaged {
		return err
	}
	return nil
}

// atLeast raises what a window has settled to what that of before had, if all of that
// window lies within it and it began before the first row that is kept.
func (c *recount) atLeast(balances, before []budget.Balance, now budget.Instant) []budget.Balance {
	for i := range before {
		old := &before[i]
		span := c.fold.window.At(now.Wall)
		if old.Limit != c.fold.limit || old.Window.Shape() == budget.Sliding || c.fold.window.Shape() == budget.Sliding ||
			!old.Span.Contains(now.Wall) || old.Span.Start < span.Start || old.Span.Start >= c.since {
			continue
		}
		at := slices.IndexFunc(balances, func(b budget.Balance) bool {
			return b.Limit == old.Limit && b.Subject == old.Subject && b.Span == span
		})
		if at < 0 {
			at, balances = len(balances), append(balances, budget.Balance{Leg: old.Leg})
			balances[at].Window, balances[at].Span = c.fold.window, span
		}
		balances[at].Settled = max(balances[at].Settled, old.Settled)
	}
	return balances
}

func (b *Books) change(ctx context.Context, c *Change, again *recount) (Receipt, error) {
	b.world.Lock()
	defer b.world.Unlock()
	now := b.clock.Now()
	var balances []budget.Balance
	if again != nil {
		if err := b.flush(ctx); err != nil {
			return Receipt{}, err
		}
		if err := errors.Join(again.scan(ctx, b.journal), again.check()); err != nil {
			return Receipt{}, err
		}
		balances, _ = again.fold.State(b.run, now)
		if again.since != 0 {
			var before []budget.Balance
			b.engine.Balances(now, func(balance budget.Balance) { before = append(before, balance) })
			balances = again.atLeast(balances, before, now)
		}
		balances = b.engine.Reshape(now, c.Limit.ID, c.Limit.Window, balances)
	}
	receipt := b.put(endure, &Row{
		Kind: Limit, At: now, Amount: c.Limit.Amount, Actor: c.Actor, Reason: c.Reason,
		Balance: budget.Balance{Leg: budget.Leg{Limit: c.Limit.ID, Kind: c.Limit.Kind, Window: c.Limit.Window}},
	})
	for i := range balances {
		receipt = b.put(endure, &Row{Kind: Open, At: now, Balance: balances[i]})
	}
	return receipt, nil
}

// flush waits until everything that was put is stored.
func (b *Books) flush(ctx context.Context) error {
	if err := b.queue.barrier().Wait(ctx); err != nil {
		return fmt.Errorf("flush the ledger: %w", err)
	}
	return nil
}
