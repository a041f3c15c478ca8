package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/budget"
)

// Config is what books are opened with.
type Config struct {
	Journal Journal
	Witness Witness // nil for none
	// Written asks that reservations survive the death of the process only, not a
	// power failure.
	Written bool
	// Wall and Mono read the clocks; nil stands for the machine's.
	Wall func() time.Time
	Mono func() time.Duration
	// Repair opens books whose counters do not match, or whose end is missing, and puts
	// that on record. Altered rows cannot be repaired.
	Repair bool
}

// Report is what opening the books found.
type Report struct {
	Rows    uint64        // in the ledger
	Read    uint64        // since the checkpoint
	Expired int           // reservations of earlier runs that nobody had ended
	Took    time.Duration //
	// Repaired is what was wrong, if it was repaired.
	Repaired error
}

// Books are an engine of which everything is on record. Recover makes them; Run must be
// running while they are used. They are safe for concurrent use.
type Books struct {
	engine  *budget.Engine
	clock   *budget.Clock
	journal Journal
	witness Witness
	durable bool
	run     uint64
	numbers atomic.Uint64
	queue   *queue
	storer  *storer
	noted   Mark // saved with the witness

	order [64]sync.Mutex // keep the rows of one reservation in order
	// upkeep is held by what changes more than one reservation: they come one by one.
	upkeep sync.Mutex

	// world is held for reading while something happens in the engine and is put into
	// the queue, and for writing by whoever needs both to agree.
	world sync.RWMutex

	mu          sync.Mutex
	correctable map[budget.ID]*Reservation
}

// Reserve asks all limits that apply and returns once what it took is on record.
// ask.ID is given by the books. The error is about the record: nothing is then set
// aside. The caller must Close the reservation.
func (b *Books) Reserve(ctx context.Context, ask budget.Ask) (*Reservation, *budget.Refusal, error) {
	b.world.RLock()
	now := b.clock.Now()
	ask.ID = budget.ID{Run: b.run, Number: b.numbers.Add(1)}
	hold, refusal := b.engine.Reserve(now, &ask)
	if refusal != nil {
		b.world.RUnlock()
		return nil, refusal, nil
	}
	receipt := b.queue.put(b.durable, func(r *Row) {
		r.Kind, r.At, r.Run, r.ID = Reserve, now, b.run, ask.ID
		r.Subject, r.Asked, r.Model = ask.Subject, ask.Asked, ask.Model
		r.Bound, r.Deadline, r.Legs = hold.Bound(), ask.Deadline, hold.Legs(r.Legs)
	})
	b.world.RUnlock()
	// Whether it is on record is known soon, and must be before anything else may happen.
	if err := receipt.Wait(context.WithoutCancel(ctx)); err != nil {
		hold.Undo()
		return nil, nil, fmt.Errorf("reserve: %w", err)
	}
	r := &Reservation{books: b, hold: hold}
	if err := ctx.Err(); err != nil {
		r.Void()
		return nil, nil, fmt.Errorf("reserve: %w", context.Cause(ctx))
	}
	return r, nil, nil
}

// State tells how a limit stands for a subject.
func (b *Books) State(l *budget.Limit, subject string) budget.State {
	return b.engine.State(b.clock.Now(), l, subject)
}

// Room is the most that could be asked for now.
func (b *Books) Room(ask *budget.Ask) budget.Amount { return b.engine.Room(b.clock.Now(), ask) }

// Now reads the clock of the books.
func (b *Books) Now() budget.Instant { return b.clock.Now() }

// Charge is what a request came to.
type Charge struct {
	budget.Amount
	Source Source
	Price  string
	Lines  []Line
}

// Reservation is a hold of which everything is on record. It is safe for concurrent use.
type Reservation struct {
	books *Books
	hold  *budget.Hold
}

// ID names the reservation in the ledger.
func (r *Reservation) ID() budget.ID { return r.hold.ID() }

// At is the instant of the admission.
func (r *Reservation) At() budget.Instant { return r.hold.At() }

// Bound is what was set aside.
func (r *Reservation) Bound() budget.Amount { return r.hold.Bound() }

// Resolution tells how it ended, if it has.
func (r *Reservation) Resolution() budget.Resolution { return r.hold.Resolution() }

// Standings tells how the limits stood after the admission.
func (r *Reservation) Standings(dst []budget.Standing) []budget.Standing {
	return r.hold.Standings(dst)
}

// Settle ends the reservation with a charge. As with all ways to end one, only the
// first counts, and later ones are told what it did. The receipt tells when that is on record.
func (r *Reservation) Settle(c Charge) (budget.Resolution, Receipt) {
	return r.end(Settle, c, func() (budget.Resolution, bool) { return r.hold.Settle(c.Amount, c.Source == Exact) })
}

// Void ends the reservation of a request that came to nothing.
func (r *Reservation) Void() (budget.Resolution, Receipt) {
	return r.end(Void, Charge{}, r.hold.Void)
}

// Expire ends the reservation of a request that nobody knows the end of, at its bound.
func (r *Reservation) Expire() (budget.Resolution, Receipt) {
	return r.end(Expire, Charge{Source: Unknown}, r.hold.Expire)
}

// Close ends the reservation, if nothing else has, as Expire does. It is for defer.
func (r *Reservation) Close() { r.Expire() }

// Late corrects an expired or estimated reservation. It counts once, and within
// Horizon.
func (r *Reservation) Late(c Charge) (budget.Resolution, Receipt) {
	if r.hold.At().Wall <= r.books.clock.Now().Wall-int64(Horizon) {
		return r.hold.Resolution(), Receipt{}
	}
	return r.end(Late, c, func() (budget.Resolution, bool) { return r.hold.Late(c.Amount) })
}

func (r *Reservation) end(k Kind, c Charge, resolve func() (budget.Resolution, bool)) (budget.Resolution, Receipt) {
	b := r.books
	order := &b.order[r.hold.ID().Number%uint64(len(b.order))]
	order.Lock()
	defer order.Unlock()
	b.world.RLock()
	defer b.world.RUnlock()
	resolution, first := resolve()
	if !first {
		return resolution, Receipt{}
	}
	receipt := b.queue.put(false, func(row *Row) {
		row.Kind, row.At, row.Run, row.ID, row.Charged = k, b.clock.Now(), b.run, r.hold.ID(), resolution.Charged
		row.Source, row.Price, row.Lines = c.Source, c.Price, c.Lines
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	if resolution.Correctable {
		b.correctable[r.hold.ID()] = r
	} else if k == Late {
		delete(b.correctable, r.hold.ID())
	}
	return resolution, receipt
}

// Correctable finds a reservation that Late may still correct, also one of an earlier run.
func (b *Books) Correctable(id budget.ID) (*Reservation, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, ok := b.correctable[id]
	return r, ok
}

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
	var recount *Fold
	var read uint64
	if counted && !was.Equal(c.Limit.Window) || c.Was != nil && !c.Was.Equal(c.Limit.Window) {
		recount = newRecount(c.Limit.ID, c.Limit.Window)
		if err := b.scan(ctx, recount, &read); err != nil {
			return err
		}
	}
	receipt, err := b.change(ctx, &c, recount, &read)
	if err != nil {
		return err
	}
	if err := receipt.Wait(ctx); err != nil {
		return fmt.Errorf("change limit %s: %w", c.Limit.ID, err)
	}
	return nil
}

// scan feeds a recount with the rows that it has not read.
func (b *Books) scan(ctx context.Context, f *Fold, read *uint64) error {
	var r reader
	err := b.journal.Scan(ctx, *read+1, func(rec Record) error {
		if len(rec.Bytes) < sealed {
			return fmt.Errorf("ledger row %d: %w: %w", rec.Seq, errShort, ErrAltered)
		}
		r.b, r.err = rec.Bytes[:len(rec.Bytes)-sealed], nil
		row := r.row()
		if err := r.end(); err != nil {
			return fmt.Errorf("ledger row %d: %w: %w", rec.Seq, err, ErrAltered)
		}
		*read = rec.Seq
		return f.Apply(&row)
	})
	if err != nil {
		return fmt.Errorf("count limit %s anew: %w", f.limit, err)
	}
	return nil
}

func (b *Books) change(ctx context.Context, c *Change, recount *Fold, read *uint64) (Receipt, error) {
	b.world.Lock()
	defer b.world.Unlock()
	now := b.clock.Now()
	var balances []budget.Balance
	if recount != nil {
		if err := b.flush(ctx); err != nil {
			return Receipt{}, err
		}
		if err := b.scan(ctx, recount, read); err != nil {
			return Receipt{}, err
		}
		all, _ := recount.State(b.run, now)
		balances = b.engine.Reshape(now, c.Limit.ID, c.Limit.Window, all)
	}
	row := func(k Kind, balance budget.Balance) Receipt {
		return b.queue.put(true, func(r *Row) {
			r.Kind, r.At, r.Run, r.Balance = k, now, b.run, balance
			if k == Limit {
				r.Amount, r.Actor, r.Reason = c.Limit.Amount, c.Actor, c.Reason
			}
		})
	}
	receipt := row(Limit, budget.Balance{Leg: budget.Leg{Limit: c.Limit.ID, Kind: c.Limit.Kind, Window: c.Limit.Window}})
	for i := range balances {
		receipt = row(Open, balances[i])
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

// Adjust adds to what the current window of a limit has settled, or takes from it. It
// returns, once that is durable, how much. The reason is kept.
func (b *Books) Adjust(ctx context.Context, l *budget.Limit, subject string, by int64, actor, reason string) (int64, error) {
	if reason == "" {
		return 0, errors.New("an adjustment needs a reason")
	}
	b.world.RLock()
	now := b.clock.Now()
	leg, added, ok := b.engine.Adjust(now, l, subject, by)
	if !ok {
		b.world.RUnlock()
		return 0, fmt.Errorf("limit %s cannot be adjusted: nothing stays in it", l.ID)
	}
	receipt := b.queue.put(true, func(r *Row) {
		r.Kind, r.At, r.Run, r.Actor, r.Reason = Adjust, now, b.run, actor, reason
		r.Balance = budget.Balance{Leg: leg, Settled: added}
	})
	b.world.RUnlock()
	if err := receipt.Wait(ctx); err != nil {
		return 0, fmt.Errorf("adjust limit %s: %w", l.ID, err)
	}
	return added, nil
}
