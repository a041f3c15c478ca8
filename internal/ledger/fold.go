package ledger

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"tollgate/internal/budget"
)

// Horizon is how long a reservation can be corrected after its admission. Later
// corrections are adjustments of the window that is open.
const Horizon = 24 * time.Hour

// Fold turns rows into counters: what the ledger says that every window has settled
// and reserved, and which reservations may still change. It is deliberately written
// without the engine, which must come to the same. It is for one goroutine.
type Fold struct {
	run     uint64
	last    budget.Instant // of the last row
	age     int64          // nanoseconds from the first row to the last, as far as is known
	tallies map[windowKey]*tally
	held    map[budget.ID]*reservation
	applied uint64
	boot    string // of the last run
	escrows map[windowKey]budget.Escrow
	// Of a recount: the only limit that counts, and the window in which it does.
	limit  string
	window budget.Window
}

// windowKey names a window. The windows of a sliding limit are one, which begins at 0.
type windowKey struct {
	limit, subject string
	start          int64
}

func keyOf(l *budget.Leg) windowKey {
	if l.Window.Shape() == budget.Sliding {
		return windowKey{l.Limit, l.Subject, 0}
	}
	return windowKey{l.Limit, l.Subject, l.Span.Start}
}

// tally is a balance; the instants of its admissions are ages.
type tally struct {
	budget.Balance
	holds int // that may still change it
}

type reservation struct {
	budget.Held
	age int64
}

// NewFold makes the fold of no rows.
func NewFold() *Fold {
	return &Fold{
		tallies: make(map[windowKey]*tally), held: make(map[budget.ID]*reservation),
		escrows: make(map[windowKey]budget.Escrow),
	}
}

// newRecount makes a fold that counts one limit only, as if it had always had this
// window.
func newRecount(limit string, w budget.Window) *Fold {
	f := NewFold()
	f.limit, f.window = limit, w
	return f
}

// Run is the latest run of the process that wrote a row.
func (f *Fold) Run() uint64 { return f.run }

// Last is the instant of the last row, on the clocks of its run.
func (f *Fold) Last() budget.Instant { return f.last }

// Lost gives what nobody can know the use of, now that the machine has booted as boot
// says: if that is not how the last run knew it, a power failure may have taken
// admissions, in each window at most what is still granted. A run that ended in order
// left nothing granted.
func (f *Fold) Lost(boot string) []budget.Escrow {
	if boot != "" && boot == f.boot {
		return nil
	}
	return slices.SortedFunc(maps.Values(f.escrows), func(a, b budget.Escrow) int {
		return cmp.Or(cmp.Compare(a.Limit, b.Limit), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Span.Start, b.Span.Start))
	})
}

// Apply adds the next row. An error means that the row cannot follow those before it.
func (f *Fold) Apply(r *Row) error {
	f.pass(r)
	err := f.apply(r)
	if err != nil {
		return fmt.Errorf("ledger row %d (%v): %w", r.Seq, r.Kind, err)
	}
	return nil
}

// pass lets the time pass until a row. Within a run the monotonic clock tells; from
// one run to the next only the wall clock can, which may have been put back.
func (f *Fold) pass(r *Row) {
	if r.Run != f.run {
		if f.applied > 0 {
			f.age += max(0, r.At.Wall-f.last.Wall)
		}
		f.run, f.last.Mono = r.Run, r.At.Mono
	}
	f.age += max(0, r.At.Mono-f.last.Mono)
	f.last = budget.Instant{Wall: max(f.last.Wall, r.At.Wall), Mono: max(f.last.Mono, r.At.Mono)}
	if f.applied++; f.applied%4096 == 0 {
		f.giveUp()
	}
}

// giveUp forgets the reservations that are too old to be corrected.
func (f *Fold) giveUp() {
	for id, h := range f.held {
		if h.Resolution.Outcome != budget.Open && h.At.Wall < f.last.Wall-2*int64(Horizon) {
			f.drop(id, h)
		}
	}
	if f.limit == "" {
		return
	}
	for k, t := range f.tallies { // a recount is about the windows that can still change
		if t.holds == 0 && !t.Span.Contains(f.last.Wall) && t.Window.Shape() != budget.Sliding {
			delete(f.tallies, k)
		}
	}
}

func (f *Fold) drop(id budget.ID, h *reservation) {
	for i := range h.Legs {
		if t := f.tallies[keyOf(&h.Legs[i])]; t != nil {
			t.holds--
		}
	}
	delete(f.held, id)
}

func (f *Fold) apply(r *Row) error {
	if f.limit != "" {
		switch r.Kind {
		case Limit, Open, Close, Grant:
			return nil
		case Adjust:
			if r.Balance.Limit == f.limit {
				l := r.Balance.Leg
				l.Window, l.Span = f.window, f.window.At(wallOf(r))
				f.adjust(&l, r)
			}
			return nil
		}
	}
	switch r.Kind {
	case Reserve:
		return f.reserve(r)
	case Settle, Void, Expire:
		return f.resolve(r)
	case Late:
		return f.late(r)
	case Limit:
		f.reshape(r)
		return nil
	case Open:
		return f.open(r)
	case Close:
		return f.close(r)
	case Adjust:
		if r.Balance.Limit != "" {
			f.adjust(&r.Balance.Leg, r)
		}
		return nil
	case Grant:
		if k := keyOf(&r.Balance.Leg); r.Amount > 0 {
			f.escrows[k] = budget.Escrow{Leg: r.Balance.Leg, Size: r.Amount}
		} else {
			delete(f.escrows, k)
		}
		return nil
	case Start, Stop:
		f.boot = r.Boot
		clear(f.escrows)
		return nil
	case Mend:
		return nil
	}
	return fmt.Errorf("a row of kind %d does nothing that is known", uint8(r.Kind))
}

// wallOf is the instant of an adjustment: as late as it can be in the window that it
// was made to.
func wallOf(r *Row) int64 {
	if r.Balance.Window.Shape() == budget.Sliding {
		return r.At.Wall
	}
	return min(r.At.Wall, r.Balance.Span.End-1)
}

func (f *Fold) adjust(l *budget.Leg, r *Row) {
	t := f.tally(l)
	if l.Window.Shape() != budget.Sliding {
		t.Settled = sum(t.Settled, r.Balance.Settled)
		return
	}
	t.forget(f.age)
	t.Admissions = append(t.Admissions, budget.Admission{ID: r.ID, At: f.age, Charge: max(0, r.Balance.Settled)})
}

// tally finds the window of a leg or opens it.
func (f *Fold) tally(l *budget.Leg) *tally {
	k := keyOf(l)
	t := f.tallies[k]
	if t == nil {
		t = &tally{Balance: budget.Balance{Leg: *l}}
		f.tallies[k] = t
	}
	return t
}

func part(a budget.Amount, k budget.Kind) int64 {
	switch k {
	case budget.Cost:
		return int64(a.Cost)
	case budget.Tokens:
		return a.Tokens
	}
	return 1
}

func sum(a, b int64) int64 { return min(max(a+b, 0), budget.Max) }

func (f *Fold) reserve(r *Row) error {
	if _, twice := f.held[r.ID]; twice {
		return fmt.Errorf("reservation %v was made before", r.ID)
	}
	h := &reservation{age: f.age, Held: budget.Held{
		ID: r.ID, At: r.At, Deadline: r.Deadline, Bound: r.Bound, Legs: slices.Clone(r.Legs),
	}}
	if f.limit != "" {
		h.Legs = slices.DeleteFunc(h.Legs, func(l budget.Leg) bool { return l.Limit != f.limit })
		for i := range h.Legs {
			h.Legs[i].Window, h.Legs[i].Span = f.window, f.window.At(r.At.Wall)
		}
	}
	f.held[r.ID] = h
	for i := range h.Legs {
		l := &h.Legs[i]
		t := f.tally(l)
		t.holds++
		n := part(r.Bound, l.Kind)
		if l.Window.Shape() == budget.Sliding {
			t.forget(f.age)
			t.Admissions = append(t.Admissions, budget.Admission{ID: r.ID, At: f.age, Charge: n, Open: l.Kind != budget.Requests})
		} else if l.Kind == budget.Requests {
			t.Settled = sum(t.Settled, n)
		} else {
			t.Reserved = sum(t.Reserved, n)
		}
	}
	return nil
}

// forget drops the admissions that the window no longer sees.
func (t *tally) forget(age int64) {
	gone := 0
	for gone < len(t.Admissions) && t.Admissions[gone].At <= age-int64(t.Window.Length()) {
		gone++
	}
	t.Admissions = slices.Delete(t.Admissions, 0, gone)
}

func (f *Fold) resolve(r *Row) error {
	h := f.held[r.ID]
	if h == nil && f.limit != "" {
		return nil // made before the first row that is kept
	}
	if h == nil || h.Resolution.Outcome != budget.Open {
		return fmt.Errorf("reservation %v is not open", r.ID)
	}
	charged := r.Charged
	switch r.Kind {
	case Settle:
		h.Resolution = budget.Resolution{Outcome: budget.Settled, Charged: charged, Correctable: r.Source != Exact}
	case Void:
		charged = budget.Amount{}
		h.Resolution = budget.Resolution{Outcome: budget.Voided}
	case Expire:
		charged = h.Bound
		h.Resolution = budget.Resolution{Outcome: budget.Expired, Charged: charged, Correctable: true}
	}
	for i := range h.Legs {
		l := &h.Legs[i]
		t := f.tallies[keyOf(l)]
		if t == nil || l.Kind == budget.Requests {
			continue
		}
		n, bound := part(charged, l.Kind), part(h.Bound, l.Kind)
		switch {
		case l.Window.Shape() == budget.Sliding:
			t.charge(r.ID, n)
		case l.Kind == budget.Concurrency:
			t.Reserved -= bound
		default:
			t.Reserved -= bound
			t.Settled = sum(t.Settled, n)
			t.Overrun = sum(t.Overrun, max(0, n-bound))
		}
	}
	if !h.Resolution.Correctable {
		f.drop(r.ID, h)
	}
	return nil
}

// charge says what an admission came to, if the window still sees it.
func (t *tally) charge(id budget.ID, n int64) {
	for i := len(t.Admissions) - 1; i >= 0; i-- {
		if a := &t.Admissions[i]; a.ID == id {
			a.Charge, a.Open = n, false
			return
		}
	}
}

func (f *Fold) late(r *Row) error {
	h := f.held[r.ID]
	if h == nil && f.limit != "" {
		return nil
	}
	if h == nil || !h.Resolution.Correctable {
		return fmt.Errorf("reservation %v cannot be corrected", r.ID)
	}
	for i := range h.Legs {
		l := &h.Legs[i]
		t := f.tallies[keyOf(l)]
		if t == nil || l.Kind == budget.Requests || l.Kind == budget.Concurrency {
			continue
		}
		was, is, bound := part(h.Resolution.Charged, l.Kind), part(r.Charged, l.Kind), part(h.Bound, l.Kind)
		if l.Window.Shape() == budget.Sliding {
			t.charge(r.ID, is)
			continue
		}
		t.Settled = sum(t.Settled, is-was)
		t.Overrun = sum(t.Overrun, max(0, is-bound)-max(0, was-bound))
	}
	f.drop(r.ID, h)
	return nil
}

// reshape gives a limit another window. What its subjects have used follows in Open
// rows; what is held for it moves to where it now belongs.
func (f *Fold) reshape(r *Row) {
	limit, w := r.Balance.Limit, r.Balance.Window
	maps.DeleteFunc(f.escrows, func(k windowKey, e budget.Escrow) bool { return k.limit == limit && !e.Window.Equal(w) })
	for k, t := range f.tallies {
		if k.limit == limit && t.Window.Equal(w) {
			return
		}
		if k.limit == limit {
			delete(f.tallies, k)
		}
	}
	for _, h := range f.held {
		for i := range h.Legs {
			if l := &h.Legs[i]; l.Limit == limit {
				l.Window, l.Span = w, w.At(h.At.Wall)
				f.tally(l).holds++
			}
		}
	}
}

func (f *Fold) open(r *Row) error {
	t := f.tally(&r.Balance.Leg)
	holds := t.holds
	t.Balance, t.holds = r.Balance, holds
	t.Admissions = slices.Clone(r.Balance.Admissions)
	for i := range t.Admissions { // instants of this run become ages
		t.Admissions[i].At += f.age - r.At.Mono
	}
	return nil
}

func (f *Fold) close(r *Row) error {
	k := keyOf(&r.Balance.Leg)
	t := f.tallies[k]
	if t == nil {
		t = &tally{Balance: budget.Balance{Leg: r.Balance.Leg}}
	}
	if t.Settled != r.Balance.Settled || t.Reserved != 0 || t.Overrun != r.Balance.Overrun {
		return fmt.Errorf("limit %s of %q is closed with %d settled, but the rows come to %d, and %d reserved: %w",
			k.limit, k.subject, r.Balance.Settled, t.Settled, t.Reserved, ErrMismatch)
	}
	if t.holds > 0 {
		for id, h := range f.held {
			if slices.ContainsFunc(h.Legs, func(l budget.Leg) bool { return keyOf(&l) == k }) {
				f.drop(id, h)
			}
		}
	}
	delete(f.tallies, k)
	delete(f.escrows, k)
	return nil
}

// State gives what the engine must be restored with at an instant of a run, on its
// own clocks: balances, and the reservations that are open or may be corrected.
func (f *Fold) State(run uint64, now budget.Instant) ([]budget.Balance, []budget.Held) {
	age := f.age
	switch {
	case run == f.run:
		age += max(0, now.Mono-f.last.Mono)
	case f.applied > 0:
		age += max(0, now.Wall-f.last.Wall)
	}
	var balances []budget.Balance
	for _, t := range f.tallies {
		b := t.Balance
		if b.Window.Shape() == budget.Sliding {
			t.forget(age)
			b.Admissions = slices.Clone(t.Admissions)
			b.Settled, b.Reserved = 0, 0
			for i := range b.Admissions {
				a := &b.Admissions[i]
				if a.At += now.Mono - age; a.Open {
					b.Reserved = sum(b.Reserved, a.Charge)
				} else {
					b.Settled = sum(b.Settled, a.Charge)
				}
			}
		}
		if b.Settled != 0 || b.Reserved != 0 || b.Overrun != 0 || len(b.Admissions) > 0 {
			balances = append(balances, b)
		}
	}
	held := make([]budget.Held, 0, len(f.held))
	for _, h := range f.held {
		k := h.Held
		k.At.Mono, k.Legs = now.Mono-(age-h.age), slices.Clone(h.Legs)
		held = append(held, k)
	}
	return balances, held
}
