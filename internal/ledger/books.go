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
	// BootID names the time since the machine was started, as /proc/sys/kernel/random/boot_id
	// does. If it is the same as before, no power failure can have taken what was written;
	// "" is never the same.
	BootID string
	// Keep is how long Prune keeps rows at least; 0 stands for the constant Keep.
	Keep time.Duration
	// Wall and Mono read the clocks; nil stands for the machine's.
	Wall func() time.Time
	Mono func() time.Duration
	// Lost is why the end of the journal is missing, if that is known before it is read.
	Lost error
	// Repair opens books that do not verify, and puts what was wrong on record. Rows whose
	// checksum is wrong are left out, the rest counts.
	Repair bool
}

// Report is what opening the books found.
type Report struct {
	Rows    uint64        // number of the last row
	Read    uint64        // since the checkpoint
	Expired int           // reservations of earlier runs that nobody had ended
	Took    time.Duration //
	// Lost is what was charged since a power failure may have taken the record of it,
	// in the window and unit of each limit.
	Lost []budget.Escrow
	// Repaired is what was wrong, if it was repaired.
	Repaired error
}

// Books are an engine of which everything is on record. Recover makes them; Run must be
// running while they are used. They are safe for concurrent use.
type Books struct {
	engine   *budget.Engine
	clock    *budget.Clock
	journal  Journal
	witness  Witness
	run      uint64
	boot     string
	keep     time.Duration
	numbers  atomic.Uint64
	queue    *queue
	storer   *storer
	progress progress

	order [64]sync.Mutex // keep the rows of one reservation in order
	// upkeep is held by what changes more than one reservation: they come one by one.
	upkeep  sync.Mutex
	swept   bool
	sweptAt int64  // monotonic
	pruned  uint64 // the first row that was not to be pruned

	// world is held for reading while something happens in the engine and is put into
	// the queue, and for writing by whoever needs both to agree.
	world sync.RWMutex

	mu          sync.Mutex
	correctable map[budget.ID]*Reservation
}

// entry is an admission on its way into the queue.
type entry struct {
	Reservation
	ask     budget.Ask
	now     budget.Instant
	receipt Receipt
}

// Durable implements budget.Recorder.
func (e *entry) Durable() uint64 { return e.books.progress.durable.Load() }

// Record implements budget.Recorder.
func (e *entry) Record(h *budget.Hold, grants []budget.Escrow, exposed bool) (generation uint64) {
	b, c := e.books, await
	if !exposed {
		c = endure
	}
	e.receipt, generation = b.queue.put(c, func(batch *batch) {
		r := batch.row()
		r.Kind, r.At, r.Run, r.ID = Reserve, e.now, b.run, e.ask.ID
		r.Subject, r.Asked, r.Model = e.ask.Subject, e.ask.Asked, e.ask.Model
		r.Bound, r.Deadline, r.Legs = h.Bound(), e.ask.Deadline, h.Legs(r.Legs)
		for i := range grants {
			b.grant(batch, e.now, &grants[i])
		}
	})
	return generation
}

func (b *Books) grant(batch *batch, now budget.Instant, e *budget.Escrow) {
	r := batch.row()
	r.Kind, r.At, r.Run, r.Balance.Leg, r.Amount = Grant, now, b.run, e.Leg, e.Size
}

// put puts a row of this run into the queue.
func (b *Books) put(c care, row *Row) Receipt {
	receipt, _ := b.queue.put(c, func(batch *batch) {
		r := batch.row()
		*r = *row
		r.Run = b.run
	})
	return receipt
}

// Reserve asks all limits that apply and returns once what it took is on record. That
// it survives a power failure is waited for only if no escrow covers it. ask.ID is
// given by the books. The error is about the record (it wraps ErrUnavailable), or the
// cause of ctx: nothing is then set aside. The caller must Close the reservation.
func (b *Books) Reserve(ctx context.Context, ask budget.Ask) (*Reservation, *budget.Refusal, error) {
	e := &entry{ask: ask}
	b.world.RLock()
	e.books, e.now = b, b.clock.Now()
	e.ask.ID = budget.ID{Run: b.run, Number: b.numbers.Add(1)}
	var refusal *budget.Refusal
	e.hold, refusal = b.engine.Reserve(e.now, &e.ask, e)
	b.world.RUnlock()
	if refusal != nil {
		return nil, refusal, nil
	}
	// Whether it is on record is known soon, and must be before anything else may happen.
	if err := e.receipt.Wait(context.Background()); err != nil {
		e.hold.Undo()
		return nil, nil, fmt.Errorf("reserve: %w", err)
	}
	if ctx.Err() != nil {
		e.Void()
		return nil, nil, fmt.Errorf("reserve: %w", context.Cause(ctx))
	}
	return &e.Reservation, nil, nil
}

// State tells how a limit stands for a subject.
func (b *Books) State(l *budget.Limit, subject string) budget.State {
	return b.engine.State(b.clock.Now(), l, subject)
}

// Room is the most that could be asked for now.
func (b *Books) Room(ask *budget.Ask) budget.Amount { return b.engine.Room(b.clock.Now(), ask) }

// Windows gives the window of every limit that anything is counted for. A limit whose
// definition has another one needs Change.
func (b *Books) Windows() map[string]budget.Window { return b.engine.Windows() }

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
	now := b.clock.Now()
	receipt, _ := b.queue.put(leave, func(batch *batch) {
		row := batch.row()
		row.Kind, row.At, row.Run, row.ID, row.Charged = k, now, b.run, r.hold.ID(), resolution.Charged
		row.Source, row.Price, row.Lines = c.Source, c.Price, c.Lines
	})
	if resolution.Correctable || k == Late {
		b.mu.Lock()
		defer b.mu.Unlock()
		if resolution.Correctable {
			b.correctable[r.hold.ID()] = r
		} else {
			delete(b.correctable, r.hold.ID())
		}
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
	receipt := b.put(endure, &Row{Kind: Adjust, At: now, Actor: actor, Reason: reason, Balance: budget.Balance{Leg: leg, Settled: added}})
	b.world.RUnlock()
	if err := receipt.Wait(ctx); err != nil {
		return 0, fmt.Errorf("adjust limit %s: %w", l.ID, err)
	}
	return added, nil
}
