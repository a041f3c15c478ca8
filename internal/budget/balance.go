package budget

import "math"

// Leg is one of the places where a reservation counts: a window of a limit.
type Leg struct {
	Limit, Subject string
	Kind           Kind
	Window         Window
	Span           Span
}

// Balance is what one window of a limit has counted. Of a sliding window it is what
// the window still sees, in Admissions, the oldest first.
type Balance struct {
	Leg
	Settled, Reserved, Overrun int64
	Admissions                 []Admission
}

// Admission is one in a sliding window.
type Admission struct {
	ID     ID
	At     int64 // monotonic
	Charge int64
	Open   bool
}

// Held is a reservation that may still change.
type Held struct {
	ID         ID
	At         Instant
	Deadline   int64
	Bound      Amount
	Legs       []Leg
	Resolution Resolution
}

// Balances reports everything that is counted. The windows are those that Sweep
// has not reported closed; nothing else may use the engine meanwhile.
func (e *Engine) Balances(now Instant, report func(Balance)) {
	for i := range e.meters {
		for _, m := range e.meters[i].at {
			m.mu.Lock()
			m.roll(now)
			m.report(now, report)
			m.mu.Unlock()
		}
	}
}

func (m *meter) report(now Instant, report func(Balance)) {
	if m.log != nil {
		b := Balance{Leg: m.leg(m.window.At(now.Wall)), Settled: m.log.sum - m.log.open, Reserved: m.log.open}
		for i := range m.log.n {
			a := m.log.entry(i)
			b.Admissions = append(b.Admissions, Admission{a.id, a.at, a.charge, a.open})
		}
		if len(b.Admissions) > 0 {
			report(b)
		}
		return
	}
	for _, n := range append([]counter{m.current}, m.past...) {
		if n.settled != 0 || n.reserved != 0 || n.overrun != 0 {
			report(m.balance(n))
		}
	}
}

// Restore gives the engine what had been counted before a restart: balances, and the
// reservations that may still change, which come back as holds. Monotonic instants must
// be those of the engine's clock. Nothing else may have used the engine before.
func (e *Engine) Restore(now Instant, balances []Balance, held []Held) []*Hold {
	for i := range balances {
		b := &balances[i]
		e.meter(place{b.Limit, b.Subject}, b.Kind, b.Window).put(now, b)
	}
	all := make([]*Hold, len(held))
	for i := range held {
		k := &held[i]
		h := &Hold{engine: e, id: k.ID, at: k.At, deadline: k.Deadline, bound: k.Bound, resolution: k.Resolution}
		h.claims = h.few[:0]
		for _, leg := range k.Legs {
			m := e.meter(place{leg.Limit, leg.Subject}, leg.Kind, leg.Window)
			h.claims = append(h.claims, m.reclaim(leg, h, now))
		}
		e.register(h)
		all[i] = h
	}
	return all
}

// put adds a balance to a meter.
func (m *meter) put(now Instant, b *Balance) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.log != nil {
		for _, a := range b.Admissions {
			m.log.push(admission{a.ID, a.At, a.Charge, a.Open})
		}
		return
	}
	m.roll(now)
	n := m.ensure(b.Span)
	n.settled, n.reserved, n.overrun = b.Settled, b.Reserved, b.Overrun
}

// reclaim ties a hold to what it had taken from a meter.
func (m *meter) reclaim(leg Leg, h *Hold, now Instant) claim {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := claim{meter: m, take: h.bound.of(m.kind), span: leg.Span}
	if m.log != nil {
		c.serial = math.MaxUint64 // of none: the window does not see it any more
		for i := range m.log.n {
			if m.log.entry(i).id == h.id {
				c.serial = m.log.first + uint64(i)
			}
		}
		return c
	}
	m.roll(now)
	m.ensure(leg.Span).pins++
	return c
}

// ensure finds the counter of a window or makes it.
func (m *meter) ensure(span Span) *counter {
	if n := m.counter(span.Start); n != nil {
		return n
	}
	m.past = append(m.past, counter{span: span})
	return &m.past[len(m.past)-1]
}

// Reshape gives a limit another window, and what its subjects have used in it:
// balances in the new window, counted from the record of what was admitted. Nothing
// is forgiven by it, and holds that are open count where they now belong. Nothing else
// may use the engine meanwhile. It returns those of the balances that can still change.
func (e *Engine) Reshape(now Instant, limit string, w Window, balances []Balance) (kept []Balance) {
	changed := map[*meter]bool{}
	for i := range e.meters {
		for p, m := range e.meters[i].at {
			if p.limit != limit {
				continue
			}
			m.mu.Lock()
			m.window, m.current, m.past, m.log = w, counter{}, nil, nil
			if w.shape == Sliding {
				m.log = &admissions{}
			}
			m.mu.Unlock()
			changed[m] = true
		}
	}
	for i := range balances {
		b := &balances[i]
		m := e.meter(place{limit, b.Subject}, b.Kind, w)
		m.put(now, b)
		changed[m] = true
	}
	for _, h := range e.Holds() {
		h.mu.Lock()
		for i := range h.claims {
			c := &h.claims[i]
			if c.meter.place.limit != limit {
				continue
			}
			m := e.meter(c.meter.place, c.meter.kind, w) // a sliding one may have been dropped before its holds were
			changed[m] = true
			from := *c
			*c = m.reclaim(m.leg(w.At(h.at.Wall)), h, now)
			c.limit, c.order, c.left = from.limit, from.order, from.left
		}
		h.mu.Unlock()
	}
	for m := range changed { // windows that are over and that nothing can change are no business of ours
		m.mu.Lock()
		m.close(now, nil)
		m.report(now, func(b Balance) { kept = append(kept, b) })
		m.mu.Unlock()
	}
	return kept
}

// WindowOf gives the window that a limit is counted in, false if nothing is.
func (e *Engine) WindowOf(limit string) (Window, bool) {
	for i := range e.meters {
		s := &e.meters[i]
		s.mu.RLock()
		for p, m := range s.at {
			if p.limit == limit {
				s.mu.RUnlock()
				return m.window, true
			}
		}
		s.mu.RUnlock()
	}
	return Window{}, false
}

// Windows gives the window of every limit that anything is counted for. A limit
// whose definition says another one needs Reshape before it is asked again.
func (e *Engine) Windows() map[string]Window {
	all := map[string]Window{}
	for i := range e.meters {
		s := &e.meters[i]
		s.mu.RLock()
		for p, m := range s.at {
			all[p.limit] = m.window
		}
		s.mu.RUnlock()
	}
	return all
}
