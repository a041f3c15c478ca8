package budget

import "sync"

// Outcome is how a reservation ended.
type Outcome uint8

const (
	// Open reservations have not ended.
	Open Outcome = iota
	// Settled ones were charged what the request came to.
	Settled
	// Voided ones were charged nothing.
	Voided
	// Expired ones were charged their bound, since nobody knows.
	Expired
)

var outcomeNames = [...]string{"open", "settled", "voided", "expired"}

func (o Outcome) String() string { return outcomeNames[min(int(o), len(outcomeNames)-1)] }

// Resolution is the end of a reservation. It is decided once.
type Resolution struct {
	Outcome Outcome
	Charged Amount
	// Correctable tells that the truth may still come, by Late.
	Correctable bool
	// Corrected tells that it has come.
	Corrected bool
}

// Hold is what was set aside for a request. It is safe for concurrent use.
type Hold struct {
	engine   *Engine
	id       ID
	at       Instant
	deadline int64
	bound    Amount

	mu         sync.Mutex
	resolution Resolution
	claims     []claim
	few        [6]claim // where claims usually are

	next, prev *Hold // in the engine's list of those that may still change
	listed     bool
}

// ID names the reservation.
func (h *Hold) ID() ID { return h.id }

// At is the instant of the admission.
func (h *Hold) At() Instant { return h.at }

// Bound is what was set aside.
func (h *Hold) Bound() Amount { return h.bound }

// Deadline is when the hold is overdue, nanoseconds since 1970.
func (h *Hold) Deadline() int64 { return h.deadline }

// Resolution tells how the reservation ended, if it has.
func (h *Hold) Resolution() Resolution {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.resolution
}

// Settle ends the reservation with what the request came to. A figure that makes no
// sense (negative, above Max) is replaced by that of the bound; one above the bound is
// charged in full, and the excess counted as overrun. Unless the figures are exact
// they may be corrected once by Late. Only the first of Settle, Void and Expire
// counts: later ones return what it did, and false.
func (h *Hold) Settle(actual Amount, exact bool) (Resolution, bool) {
	return h.resolve(Resolution{Outcome: Settled, Charged: actual.orMost(h.bound), Correctable: !exact})
}

// Void ends the reservation of a request that came to nothing.
func (h *Hold) Void() (Resolution, bool) { return h.resolve(Resolution{Outcome: Voided}) }

// Expire ends the reservation of a request of which nobody knows what it came to: it is
// charged the bound, which Late may correct.
func (h *Hold) Expire() (Resolution, bool) {
	return h.resolve(Resolution{Outcome: Expired, Charged: h.bound, Correctable: true})
}

func (h *Hold) resolve(r Resolution) (Resolution, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.resolution.Outcome != Open {
		return h.resolution, false
	}
	h.resolution = r
	for i := range h.claims {
		c := &h.claims[i]
		c.meter.mu.Lock()
		c.meter.resolve(c, r.Charged.of(c.meter.kind))
		if !r.Correctable {
			c.meter.release(c)
		}
		c.meter.mu.Unlock()
	}
	if !r.Correctable {
		h.engine.unregister(h)
	}
	return r, true
}

// Undo ends the reservation as if it had never been: also the request itself is not
// counted. It is for an admission that could not be put on record.
func (h *Hold) Undo() {
	if _, first := h.Void(); !first {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.claims {
		c := &h.claims[i]
		c.meter.mu.Lock()
		c.meter.undo(c)
		c.meter.mu.Unlock()
	}
}

// Late corrects an expired or estimated reservation to what it really came to, in
// the window of its admission. It counts once; otherwise it returns what is the case,
// and false.
func (h *Hold) Late(actual Amount) (Resolution, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.resolution.Correctable {
		return h.resolution, false
	}
	actual = actual.orMost(h.resolution.Charged)
	for i := range h.claims {
		c := &h.claims[i]
		c.meter.mu.Lock()
		c.meter.correct(c, h.resolution.Charged.of(c.meter.kind), actual.of(c.meter.kind))
		c.meter.release(c)
		c.meter.mu.Unlock()
	}
	h.resolution.Charged, h.resolution.Correctable, h.resolution.Corrected = actual, false, true
	h.engine.unregister(h)
	return h.resolution, true
}

// Forget gives up waiting for a correction. It does nothing to an open reservation.
func (h *Hold) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.resolution.Correctable {
		return
	}
	for i := range h.claims {
		c := &h.claims[i]
		c.meter.mu.Lock()
		c.meter.release(c)
		c.meter.mu.Unlock()
	}
	h.resolution.Correctable = false
	h.engine.unregister(h)
}

// Standing is how a limit stood once a request had been admitted.
type Standing struct {
	Limit *Limit
	Span  Span
	Left  int64 // in the unit of the kind
}

// Standings gives the limits that applied, in the order of the ask.
func (h *Hold) Standings(dst []Standing) []Standing {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := len(dst)
	var order [8]int
	orders := order[:0]
	for i := range h.claims {
		c := &h.claims[i]
		at := len(orders)
		for at > 0 && orders[at-1] > c.order {
			at--
		}
		orders, dst = append(orders, 0), append(dst, Standing{})
		copy(orders[at+1:], orders[at:])
		copy(dst[from+at+1:], dst[from+at:])
		orders[at], dst[from+at] = c.order, Standing{c.limit, c.span, c.left}
	}
	return dst
}

// Legs appends where the hold counts, one for each limit.
func (h *Hold) Legs(dst []Leg) []Leg {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.claims {
		dst = append(dst, h.claims[i].meter.leg(h.claims[i].span))
	}
	return dst
}

// holds is a list of those that may still change.
type holds struct {
	mu    sync.Mutex
	first *Hold
	n     int
	_     [40]byte
}

func (e *Engine) list(h *Hold) *holds { return &e.holds[h.id.Number%uint64(len(e.holds))] }

func (e *Engine) register(h *Hold) {
	l := e.list(h)
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.next = l.first; h.next != nil {
		h.next.prev = h
	}
	l.first, h.listed = h, true
	l.n++
}

func (e *Engine) unregister(h *Hold) {
	l := e.list(h)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !h.listed {
		return
	}
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		l.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.next, h.prev, h.listed = nil, nil, false
	l.n--
}

// Holds gives all that are open, or may still be corrected, in no order.
func (e *Engine) Holds() []*Hold {
	var all []*Hold
	for i := range e.holds {
		l := &e.holds[i]
		l.mu.Lock()
		for h := l.first; h != nil; h = h.next {
			all = append(all, h)
		}
		l.mu.Unlock()
	}
	return all
}

// Overdue gives the open holds whose deadline has passed.
func (e *Engine) Overdue(now Instant) []*Hold {
	var all []*Hold
	for _, h := range e.Holds() {
		if h.deadline <= now.Wall && h.Resolution().Outcome == Open {
			all = append(all, h)
		}
	}
	return all
}
