package budget

import (
	"math"
	"time"
)

// Escrow is how much of a window may be reserved by admissions whose record would not
// survive a power failure yet. It is granted ahead, durably; after a power failure all
// of it counts as spent, since nobody knows.
type Escrow struct {
	Leg
	Size int64 // in the unit of the limit; 0 ends it
}

// Recorder puts admissions on record. Records are in generations: those of one become
// durable together, after those of the one before.
type Recorder interface {
	// Durable is the latest generation that survives a power failure. While it is n,
	// nothing is recorded in a generation later than n + 2.
	Durable() uint64
	// Record puts an admission on record, and behind it what is granted to its limits,
	// and tells in which generation. An admission that is not exposed must not be acted upon
	// before it is durable. It is called with the limits locked: it must be quick, and
	// not use the engine.
	Record(h *Hold, grants []Escrow, exposed bool) (generation uint64)
}

const (
	// busy is how soon one admission must follow another for escrow to be granted.
	// Others can wait for the disk.
	busy = int64(time.Second)
	// Of its limit an escrow is usually this part, and never more than that one:
	// requests so large are few.
	usualPart, largestPart = 200, 16
)

// escrow is what is granted to a window and how much of it is in use. Only the last
// two generations can matter.
type escrow struct {
	size          int64 // in force
	asked         int64 // in force as soon as askedIn is durable; 0 for none
	askedIn       uint64
	generation    uint64
	exposed, past int64 // in generation, and in the one before
}

// inUse is what is exposed while a generation is the latest durable one.
func (e *escrow) inUse(durable uint64) int64 {
	n := int64(0)
	if e.generation > durable {
		n = e.exposed
	}
	if e.generation > durable+1 {
		n += e.past
	}
	return n
}

// expose counts an admission as exposed until its generation is durable.
func (e *escrow) expose(n int64, generation uint64) {
	switch {
	case generation == e.generation+1:
		e.generation, e.past, e.exposed = generation, e.exposed, 0
	case generation > e.generation:
		e.generation, e.past, e.exposed = generation, 0, 0
	}
	e.exposed += n
}

// covers tells whether an admission that fits may be exposed: the escrow has room
// for it, and the limit would have room for all of the escrow.
func (m *meter) covers(c *claim, durable uint64) bool {
	if m.kind == Concurrency || c.take == 0 {
		return true // nothing of it outlives the process
	}
	e := m.current.escrow
	if e == nil {
		return false
	}
	if e.asked > 0 && e.askedIn <= durable {
		e.size, e.asked = e.asked, 0
	}
	settled, reserved := m.used()
	return c.take <= e.size-e.inUse(durable) && e.size <= c.limit.Amount-(settled+reserved+c.take)
}

// grant tells how much escrow should be granted for admissions like this one, 0 for
// none or no more than there is.
func (m *meter) grant(c *claim, now Instant) int64 {
	e := m.current.escrow
	if m.kind == Concurrency || c.take == 0 || m.quiet(now.Mono-busy) || e != nil && e.asked > 0 {
		return 0
	}
	size := min(max(c.limit.Amount/usualPart, 2*c.take), c.limit.Amount/largestPart)
	settled, reserved := m.used()
	if size < c.take || size > c.limit.Amount-(settled+reserved+c.take) || e != nil && size <= e.size {
		return 0
	}
	return size
}

// quiet tells whether there has been no admission since an instant.
func (m *meter) quiet(since int64) bool { return !m.taken || m.last < since }

// unrecorded is the generation of what is about to be recorded.
const unrecorded = math.MaxUint64

// record takes what an ask claims, for which the limits have room and are locked, and
// puts it on record.
func (h *Hold) record(now Instant, r Recorder) {
	durable, exposed := r.Durable(), true
	for i := range h.claims {
		exposed = h.claims[i].meter.covers(&h.claims[i], durable) && exposed
	}
	var grants []Escrow
	for i := range h.claims {
		c := &h.claims[i]
		m, size := c.meter, int64(0)
		if !exposed {
			size = m.grant(c, now)
		}
		m.take(c, now, h.id)
		if size > 0 {
			if m.current.escrow == nil {
				m.current.escrow = &escrow{}
			}
			m.current.escrow.asked, m.current.escrow.askedIn = size, unrecorded
			grants = append(grants, Escrow{m.leg(c.span), size})
		}
	}
	generation := r.Record(h, grants, exposed)
	for i := range h.claims {
		e := h.claims[i].meter.current.escrow
		switch {
		case e == nil:
		case exposed:
			e.expose(h.claims[i].take, generation)
		case e.asked > 0 && e.askedIn == unrecorded:
			e.askedIn = generation
		}
	}
}

// EndEscrows ends what was granted to windows that are over, and to those in which
// nothing has been admitted since an instant. It tells so with the limit locked, as a
// Recorder is told.
func (e *Engine) EndEscrows(since Instant, ended func(Escrow)) {
	for i := range e.meters {
		s := &e.meters[i]
		s.mu.RLock()
		for _, m := range s.at {
			m.mu.Lock()
			for i := range m.past {
				m.past[i].endEscrow(m, ended)
			}
			if m.quiet(since.Mono) {
				m.current.endEscrow(m, ended)
			}
			m.mu.Unlock()
		}
		s.mu.RUnlock()
	}
}

func (n *counter) endEscrow(m *meter, ended func(Escrow)) {
	if n.escrow != nil {
		n.escrow = nil
		ended(Escrow{Leg: m.leg(n.span)})
	}
}

// Escrows reports everything that is granted, also what is not durable yet. Nothing
// else may use the engine meanwhile.
func (e *Engine) Escrows(report func(Escrow)) {
	for i := range e.meters {
		for _, m := range e.meters[i].at {
			m.mu.Lock()
			for _, n := range append([]counter{m.current}, m.past...) {
				if n.escrow != nil {
					report(Escrow{m.leg(n.span), max(n.escrow.size, n.escrow.asked)})
				}
			}
			m.mu.Unlock()
		}
	}
}
