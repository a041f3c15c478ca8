package budget_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"tollgate/internal/budget"
)

// book is a record in memory: what would survive a power failure is what generations up
// to durable have.
type book struct {
	durable, filling uint64
	rows             []entry
	waited           int // admissions that are not exposed
}

type entry struct {
	generation uint64
	legs       []budget.Leg // of an exposed admission
	bound      budget.Amount
	escrow     *budget.Escrow
}

func (b *book) Durable() uint64 { return b.durable }

func (b *book) Record(h *budget.Hold, grants []budget.Escrow, exposed bool) uint64 {
	if exposed {
		b.rows = append(b.rows, entry{generation: b.filling, legs: h.Legs(nil), bound: h.Bound()})
	} else {
		b.waited++
	}
	for _, g := range grants {
		b.escrow(g)
	}
	return b.filling
}

func (b *book) escrow(g budget.Escrow) {
	b.rows = append(b.rows, entry{generation: b.filling, escrow: &g})
}

type where struct {
	limit string
	start int64
}

func at(l budget.Leg) where {
	if l.Window.Shape() == budget.Sliding {
		return where{l.Limit, 0}
	}
	return where{l.Limit, l.Span.Start}
}

// check compares, for every window, what a power failure would take now with what is
// granted by what it would leave. It tells how much is exposed.
func (b *book) check(t *testing.T) (all int64) {
	t.Helper()
	granted, exposed := map[where]int64{}, map[where]int64{}
	for _, r := range b.rows {
		if r.escrow != nil && r.generation <= b.durable {
			granted[at(r.escrow.Leg)] = r.escrow.Size
		}
		for _, l := range r.legs {
			if r.generation > b.durable && l.Kind != budget.Concurrency {
				n := int64(1)
				if l.Kind == budget.Cost {
					n = int64(r.bound.Cost)
				}
				exposed[at(l)] += n
			}
		}
	}
	for w, n := range exposed {
		if all += n; n > granted[w] {
			t.Fatalf("a power failure would take %d of %s, but %d are granted", n, w.limit, granted[w])
		}
	}
	return all
}

// TestEscrowCoversWhatIsExposed makes random histories of admissions, of a disk that
// is behind, of time that passes and of amounts that change: what is not durable is
// always granted durably.
func TestEscrowCoversWhatIsExposed(t *testing.T) {
	var most int64
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		d := newDesk(t, limit(t, "lim_day", budget.Cost, 2000, "day UTC"), limit(t, "lim_slide", budget.Cost, 1000, "sliding 1h0m0s"),
			limit(t, "lim_requests", budget.Requests, 200, "hour UTC"), limit(t, "lim_flight", budget.Concurrency, 20, "life"))
		b, now := &book{filling: 1}, after(0)
		for range 400 {
			switch random.IntN(12) {
			case 0: // one generation is durable, and the one that was filled is next
				b.durable, b.filling = b.filling-1, b.filling+random.Uint64N(2)
			case 1:
				b.durable = b.filling - 1
			case 2:
				now = budget.Instant{Wall: now.Wall + int64(time.Minute), Mono: now.Mono + int64(time.Minute)}
			case 3:
				d.engine.EndEscrows(budget.Instant{Wall: now.Wall, Mono: now.Mono - random.Int64N(int64(time.Minute))}, b.escrow)
				d.engine.Sweep(now, nil)
			case 4:
				changed := *d.limits[0]
				changed.Amount = random.Int64N(4000)
				d.limits[0] = &changed
			default:
				h, _ := d.engine.Reserve(now, &budget.Ask{Subject: "key_a", Limits: d.limits, Bound: cost(random.Int64N(20))}, b)
				if h != nil && random.IntN(4) > 0 {
					h.Void()
				}
			}
			most = max(most, b.check(t))
		}
	}
	if most == 0 {
		t.Error("nothing was ever exposed")
	}
}

// TestEscrow walks one limit through what its escrow can do.
func TestEscrow(t *testing.T) {
	d, b := newDesk(t, limit(t, "lim", budget.Cost, 1000, "day UTC")), &book{filling: 1}
	ask := func(now budget.Instant, n int64, exposed bool) {
		t.Helper()
		before := b.waited
		if _, r := d.engine.Reserve(now, &budget.Ask{Subject: "key_a", Limits: d.limits, Bound: cost(n)}, b); r != nil {
			t.Fatalf("refused: %+v", *r)
		}
		if (b.waited == before) != exposed {
			t.Fatalf("exposed: %v", !exposed)
		}
	}
	grants := func(want ...int64) {
		t.Helper()
		var got []int64
		for _, r := range b.rows {
			if r.escrow != nil {
				got = append(got, r.escrow.Size)
			}
		}
		if len(got) != len(want) || len(got) > 0 && got[len(got)-1] != want[len(want)-1] {
			t.Fatalf("granted %d, want %d", got, want)
		}
	}
	sync := func() { b.durable, b.filling = b.filling, b.filling+1 }
	ask(after(0), 10, false) // nobody knows yet whether this is busy
	grants()
	ask(after(time.Second), 10, false)
	grants(20)
	ask(after(time.Second), 10, false) // not durable yet, and not asked for twice
	grants(20)
	sync()
	ask(after(2*time.Second), 10, true)
	ask(after(2*time.Second), 10, true)
	ask(after(2*time.Second), 1, false) // nothing is left of it,
	sync()
	ask(after(2*time.Second), 20, true) // until that is durable
	sync()
	ask(after(2*time.Second), 21, false) // a larger one is granted
	grants(20, 42)
	sync()
	ask(after(2*time.Second), 42, true)
	sync()
	ask(after(2*time.Second), 63, false) // more than a sixteenth of the limit never is
	grants(20, 42)
	ask(after(3*time.Second), 0, true)
	d.limits = []*budget.Limit{limit(t, "lim", budget.Cost, 197+42+10, "day UTC")}
	ask(after(3*time.Second), 10, true) // the limit has just room for it and all of the escrow,
	sync()
	ask(after(3*time.Second), 1, false) // and now not any more
	d.engine.EndEscrows(after(3*time.Second), b.escrow)
	grants(20, 42)
	d.engine.EndEscrows(after(3*time.Second+1), b.escrow)
	grants(20, 42, 0)
	d.limits = []*budget.Limit{limit(t, "lim", budget.Cost, 5000, "day UTC")}
	ask(after(4*time.Second), 10, false)
	grants(20, 42, 0, 25)
	sync()
	ask(after(4*time.Second), 10, true)
	ask(after(24*time.Hour), 10, false) // another window
	var legs []budget.Leg
	d.engine.EndEscrows(after(24*time.Hour), func(e budget.Escrow) { legs = append(legs, e.Leg) })
	if len(legs) != 1 || !legs[0].Span.Contains(start.Wall) {
		t.Errorf("ended: %+v", legs)
	}
}
