package budget

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/money"
)

// ID names a reservation: the run of the process that made it, and its number in it.
type ID struct{ Run, Number uint64 }

// Ask is a request that wants to be admitted.
type Ask struct {
	ID      ID
	Subject string   // whose limits of Per Each count; the id of a key
	Limits  []*Limit // that may apply, in the order in which they are told
	// Asked and Model are the name that the caller gave the model and the one
	// that it resolves to.
	Asked, Model string
	// Bound is the most that the request can come to. What makes no sense (a
	// negative figure, one above Max) counts as Max, which fits nowhere.
	Bound Amount
	// Unpriced requests have no known cost: no limit on cost admits them.
	Unpriced bool
	// Deadline is when the hold is overdue, nanoseconds since 1970. It is later than
	// the request itself can last; without one the hold is overdue at once.
	Deadline int64
}

// Engine counts for all limits. Make one with NewEngine. Unless a method says
// otherwise it is safe for concurrent use.
type Engine struct {
	seed    maphash.Seed
	meters  [64]meters
	holds   [16]holds
	counted atomic.Uint64 // meters ever made
}

type meters struct {
	mu sync.RWMutex
	at map[place]*meter
	_  [32]byte // keeps the locks on cache lines of their own
}

// NewEngine makes an engine that has counted nothing.
func NewEngine() *Engine {
	e := &Engine{seed: maphash.MakeSeed()}
	for i := range e.meters {
		e.meters[i].at = make(map[place]*meter)
	}
	return e
}

func (e *Engine) shard(p place) *meters {
	return &e.meters[maphash.Comparable(e.seed, p)%uint64(len(e.meters))]
}

func (e *Engine) existing(p place) *meter {
	s := e.shard(p)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.at[p]
}

// meter finds the meter of a limit or makes it. The window of one that exists stays
// what it is: it changes by Reshape only, which knows what to count in the new one.
func (e *Engine) meter(p place, k Kind, w Window) *meter {
	s := e.shard(p)
	s.mu.RLock()
	m := s.at[p]
	s.mu.RUnlock()
	if m != nil {
		return m
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.at[p]; m != nil {
		return m
	}
	m = &meter{number: e.counted.Add(1), place: p, kind: k, window: w}
	if w.shape == Sliding {
		m.log = &admissions{}
	}
	s.at[p] = m
	return m
}

// Reserve asks every limit that applies in one step. Either all have room and the
// bound is taken from each, or nothing is taken and the refusal tells the first
// limit, in the order of ask.Limits, that has none. It keeps nothing of ask but its
// limits. An admission is put on record by r, if that is not nil.
func (e *Engine) Reserve(now Instant, ask *Ask, r Recorder) (*Hold, *Refusal) {
	bound := ask.Bound.orMost(Amount{Max, Max})
	h := &Hold{engine: e, id: ask.ID, at: now, deadline: ask.Deadline, bound: bound}
	h.claims = h.few[:0]
	for {
		h.claims = e.claims(h.claims[:0], ask, bound)
		if lock(h.claims) {
			break
		}
	}
	refusal := refused(h.claims, now, ask)
	if refusal != nil {
		unlock(h.claims)
		return nil, refusal
	}
	if r == nil {
		for i := range h.claims {
			h.claims[i].meter.take(&h.claims[i], now, h.id)
		}
	} else {
		h.record(now, r)
	}
	for i := range h.claims {
		c := &h.claims[i]
		settled, reserved := c.meter.used()
		c.left = c.limit.Amount - settled - reserved
	}
	unlock(h.claims)
	e.register(h)
	return h, nil
}

// claim is what a hold takes from a meter.
type claim struct {
	meter  *meter
	limit  *Limit
	order  int // in the ask
	take   int64
	left   int64 // once the hold had it
	span   Span
	serial uint64 // in a sliding window
}

// claims collects what the ask takes from which meter, in the order of locking.
func (e *Engine) claims(all []claim, ask *Ask, bound Amount) []claim {
next:
	for i, l := range ask.Limits {
		if !l.Covers(ask.Asked, ask.Model) {
			continue
		}
		m := e.meter(place{l.ID, l.subject(ask.Subject)}, l.Kind, l.Window)
		at := len(all)
		for at > 0 && all[at-1].meter.number >= m.number {
			if at--; all[at].meter == m {
				continue next
			}
		}
		all = append(all, claim{})
		copy(all[at+1:], all[at:])
		all[at] = claim{meter: m, limit: l, order: i, take: bound.of(l.Kind)}
	}
	return all
}

// lock locks all meters, or none if one of them has just been dropped.
func lock(claims []claim) bool {
	for i := range claims {
		m := claims[i].meter
		m.mu.Lock()
		if m.gone {
			unlock(claims[:i+1])
			return false
		}
	}
	return true
}

func unlock(claims []claim) {
	for i := range claims {
		claims[i].meter.mu.Unlock()
	}
}

// refused tells which limit has no room, nil if all have. The meters are locked.
func refused(claims []claim, now Instant, ask *Ask) *Refusal {
	var first *claim
	for i := range claims {
		c := &claims[i]
		c.meter.roll(now)
		settled, reserved := c.meter.used()
		fits := c.take <= c.limit.Amount-(settled+reserved)
		if ask.Unpriced && c.limit.Kind == Cost {
			fits = false
		}
		if !fits && (first == nil || c.order < first.order) {
			first = c
		}
	}
	if first == nil {
		return nil
	}
	return first.refusal(now, ask)
}

// Room is the most that could be asked for now: the smallest rest of the limits on
// cost and on tokens that apply, Max where there is none. Another request may take it first.
func (e *Engine) Room(now Instant, ask *Ask) Amount {
	room := Amount{Max, Max}
	for _, l := range ask.Limits {
		if !l.Covers(ask.Asked, ask.Model) {
			continue
		}
		left := max(0, e.State(now, l, ask.Subject).Left())
		switch l.Kind {
		case Cost:
			room.Cost = min(room.Cost, money.Nano(left))
		case Tokens:
			room.Tokens = min(room.Tokens, left)
		}
	}
	return room
}

// State is how a limit stands for a subject. The amounts are in the unit of the kind.
type State struct {
	Limit                      *Limit
	Span                       Span // the window; of a sliding one the stretch that ends now
	Settled, Reserved, Overrun int64
}

// Left is what may still be asked for. It is negative after an overrun, and when
// the limit was lowered below what had been used.
func (s State) Left() int64 { return s.Limit.Amount - (s.Settled + s.Reserved) }

// State tells how a limit stands for a subject, as the next Reserve would see it.
func (e *Engine) State(now Instant, l *Limit, subject string) State {
	state := State{Limit: l, Span: l.Window.At(now.Wall)}
	m := e.existing(place{l.ID, l.subject(subject)})
	if m == nil {
		return state
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	state.Settled, state.Reserved = m.used()
	if state.Span = m.current.span; m.log != nil {
		state.Span = m.window.At(now.Wall)
	}
	state.Overrun = m.current.overrun
	return state
}

// Sweep reports the windows that are over and can change no more, which it
// forgets, and drops the meters that have nothing to count. What is counted does not
// depend on it; it keeps the memory to what is in use.
func (e *Engine) Sweep(now Instant, closed func(Balance)) {
	for i := range e.meters {
		s := &e.meters[i]
		s.mu.Lock()
		for p, m := range s.at {
			m.mu.Lock()
			if m.close(now, closed) {
				m.gone = true
				delete(s.at, p)
			}
			m.mu.Unlock()
		}
		s.mu.Unlock()
	}
}

// Reason is why a limit refuses.
type Reason uint8

const (
	// Exhausted limits have used up what the window allows.
	Exhausted Reason = iota + 1
	// InFlight limits would have room if it were not for requests that have not ended.
	InFlight
	// TooLarge is a request that asks for more than the limit ever allows.
	TooLarge
	// Unpriced is a request of unknown cost under a limit on cost.
	Unpriced
)

// Refusal tells which limit has no room, and what it saw.
type Refusal struct {
	State          // as it was at that moment
	Subject string // whose counter it is, "" for a pool
	Reason  Reason
	Asked   int64 // what the request wanted of this limit
	// Wait is how long until the request would fit if nobody else asked; less
	// than 0 if it never will. A request that is refused for those in flight waits for
	// one of them, and nobody knows how long: Wait is then an upper bound.
	Wait time.Duration
}

func (c *claim) refusal(now Instant, ask *Ask) *Refusal {
	m := c.meter
	r := &Refusal{Subject: m.place.subject, Asked: c.take, Wait: -1}
	r.Limit, r.Span, r.Overrun = c.limit, m.current.span, m.current.overrun
	r.Settled, r.Reserved = m.used()
	if m.log != nil {
		r.Span = m.window.At(now.Wall)
	}
	switch {
	case ask.Unpriced && c.limit.Kind == Cost:
		r.Reason = Unpriced
		return r
	case c.take > c.limit.Amount:
		r.Reason = TooLarge
		return r
	case r.Settled+c.take <= c.limit.Amount:
		r.Reason = InFlight
	default:
		r.Reason = Exhausted
	}
	if m.log != nil {
		r.Wait = time.Duration(m.log.roomAt(c.limit.Amount-c.take) + m.window.length - now.Mono)
	} else if end, ends := r.Span.Ends(); ends {
		r.Wait = end.Sub(now.Time())
	}
	return r
}

// Adjust adds to what the current window of a limit has settled, or takes from it:
// an operator's correction. It tells where, and how much: a counter does not go below 0.
// Sliding windows and requests in flight are never adjusted; it then reports false.
func (e *Engine) Adjust(now Instant, l *Limit, subject string, by int64) (Leg, int64, bool) {
	if l.Kind == Concurrency || l.Window.shape == Sliding {
		return Leg{}, 0, false
	}
	for {
		m := e.meter(place{l.ID, l.subject(subject)}, l.Kind, l.Window)
		m.mu.Lock()
		if m.gone || m.log != nil {
			gone := m.gone
			m.mu.Unlock()
			if gone {
				continue
			}
			return Leg{}, 0, false
		}
		m.roll(now)
		before := m.current.settled
		m.current.settled = add(before, min(max(by, -Max), Max))
		leg, added := m.leg(m.current.span), m.current.settled-before
		m.mu.Unlock()
		return leg, added, true
	}
}
