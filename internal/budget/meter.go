package budget

import "sync"

// place is whose counter of which limit a meter is.
type place struct{ limit, subject string }

// meter counts for one limit and one subject. Meters are locked in the order of
// their number, so that requests that share several never wait for each other in a circle.
type meter struct {
	mu     sync.Mutex
	number uint64
	place  place
	window Window
	kind   Kind
	// gone tells who finds the meter just after it was dropped to look again.
	gone    bool
	taken   bool  // there was an admission,
	last    int64 // the last one at this monotonic instant
	current counter
	past    []counter   // windows that are over and not yet reported closed
	log     *admissions // of sliding windows, instead of counters
}

// counter is what a window has counted.
type counter struct {
	span                       Span
	settled, reserved, overrun int64
	// pins are the holds that may still change it.
	pins int32
	// escrow is what was granted ahead, nil for nothing; of a sliding window in the
	// current counter, which has nothing else.
	escrow *escrow
}

// used is what cannot be given to somebody else now. Neither summand exceeds Max.
func (m *meter) used() (settled, reserved int64) {
	if m.log != nil {
		return m.log.sum - m.log.open, m.log.open
	}
	return m.current.settled, m.current.reserved
}

// roll brings the meter to an instant. An instant before the current window (two
// requests read the clock in one order and came here in the other) counts in the current one.
func (m *meter) roll(now Instant) {
	if m.log != nil {
		m.log.forget(now.Mono - m.window.length)
		return
	}
	if now.Wall < m.current.span.End {
		return
	}
	if m.current != (counter{span: m.current.span}) {
		m.past = append(m.past, m.current)
	}
	m.current = counter{span: m.window.At(now.Wall)}
}

// counter finds the counter of a window by its beginning, nil if it is closed.
func (m *meter) counter(start int64) *counter {
	if m.current.span.Start == start {
		return &m.current
	}
	for i := range m.past {
		if m.past[i].span.Start == start {
			return &m.past[i]
		}
	}
	return nil
}

// take charges an admission, which must fit.
func (m *meter) take(c *claim, now Instant, id ID) {
	settled, reserved := admitted(m.kind, c.take)
	m.last, m.taken = max(m.last, now.Mono), true
	if m.log != nil {
		if m.log.n > 0 { // as in roll: whoever comes late, came now
			now.Mono = max(now.Mono, m.log.entry(m.log.n-1).at)
		}
		c.serial = m.log.push(admission{id: id, at: now.Mono, charge: c.take, open: reserved > 0})
		c.span = m.window.At(now.Wall)
		return
	}
	m.current.settled = add(m.current.settled, settled)
	m.current.reserved += reserved
	m.current.pins++
	c.span = m.current.span
}

// admitted splits what an admission takes: requests are spent at once, concurrency
// and what is still uncertain is reserved.
func admitted(k Kind, take int64) (settled, reserved int64) {
	if k == Requests {
		return take, 0
	}
	return 0, take
}

// resolve replaces what an admission reserved by what it came to.
func (m *meter) resolve(c *claim, charge int64) {
	switch {
	case m.kind == Requests:
		return
	case m.log != nil:
		m.log.charge(c.serial, charge)
		return
	}
	n := m.counter(c.span.Start)
	if n == nil {
		return
	}
	n.reserved -= c.take
	if m.kind == Concurrency {
		return
	}
	n.settled = add(n.settled, charge)
	n.overrun = add(n.overrun, max(0, charge-c.take))
}

// undo takes back that a request was counted, as far as resolving it has not.
func (m *meter) undo(c *claim) {
	switch {
	case m.log != nil:
		m.log.charge(c.serial, 0)
	case m.kind == Requests:
		if n := m.counter(c.span.Start); n != nil {
			n.settled = add(n.settled, -c.take)
		}
	}
}

// correct replaces what an admission was charged by what it really came to.
func (m *meter) correct(c *claim, charged, charge int64) {
	switch {
	case m.kind == Requests || m.kind == Concurrency:
		return
	case m.log != nil:
		m.log.charge(c.serial, charge)
		return
	}
	if n := m.counter(c.span.Start); n != nil {
		n.settled = add(n.settled, charge-charged)
		n.overrun = add(n.overrun, max(0, charge-c.take)-max(0, charged-c.take))
	}
}

// release tells that a hold will change its counter no more.
func (m *meter) release(c *claim) {
	if m.log != nil {
		return
	}
	if n := m.counter(c.span.Start); n != nil {
		n.pins--
	}
}

// close reports the windows that are over and can change no more, and tells whether
// there is nothing left to count.
func (m *meter) close(now Instant, closed func(Balance)) (empty bool) {
	m.roll(now)
	if m.log != nil {
		if m.log.n == 0 {
			m.log.ring, m.log.head = nil, 0
		}
		return m.log.n == 0 && m.current.escrow == nil
	}
	kept := m.past[:0]
	for _, n := range m.past {
		if n.pins > 0 {
			kept = append(kept, n)
		} else if closed != nil {
			closed(m.balance(n))
		}
	}
	clear(m.past[len(kept):])
	if m.past = kept; len(kept) == 0 {
		m.past = nil
	}
	return m.past == nil && m.current == counter{span: m.current.span}
}

func (m *meter) balance(n counter) Balance {
	return Balance{Leg: m.leg(n.span), Settled: n.settled, Reserved: n.reserved, Overrun: n.overrun}
}

func (m *meter) leg(span Span) Leg {
	return Leg{Limit: m.place.limit, Subject: m.place.subject, Kind: m.kind, Window: m.window, Span: span}
}
