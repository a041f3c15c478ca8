package vkey

import (
	"sync"
	"sync/atomic"

	"tollgate/internal/budget"
)

// holder is one managed key for as long as it exists, through all its changes.
type holder struct {
	state atomic.Pointer[state] // nil once the key is gone

	mu      sync.Mutex
	flights *Flights // those looked up since the last cut
	used    []*use   // of its secrets, where one was used
}

// state is a key as it was put. Another change makes another state.
type state struct {
	packed   packed
	compiled atomic.Pointer[compiled] // nil until it is first needed
}

// compiled are the entries of a key, made with the shared limits of their time.
type compiled struct {
	entries []Entry
	shared  *sharedLimits
}

type sharedLimits struct{ list []*budget.Limit }

// compile makes the entries of a state, nil if the key has another one by now. What
// one key counts across its changes is attached to them.
func (h *holder) compile(s *state, shared *sharedLimits, queue *uses) *compiled {
	entries, err := s.packed.key().Compile(shared.list)
	if err != nil {
		entries = nil // Put and Load have told so; nobody can use such a key
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Load() != s {
		// Entries of an old state must not get flights that begin after a cut.
		return nil
	}
	if h.flights == nil {
		h.flights = &Flights{}
	}
	for i := range entries {
		e := &entries[i]
		e.Flights = h.flights
		h.used, e.use = useOf(h.used, e.Caller.KeyID, e.SecretID, queue)
	}
	c := &compiled{entries, shared}
	s.compiled.Store(c)
	return c
}

// cut ends the requests under way. Those that look the key up from now on are not
// touched, if it still lets them pass.
func (h *holder) cut(cause error) int {
	h.mu.Lock()
	flights := h.flights
	h.flights = nil
	if s := h.state.Load(); s != nil {
		s.compiled.Store(nil)
	}
	h.mu.Unlock()
	if flights == nil {
		return 0
	}
	return flights.Cut(cause)
}

// inFlight is the number of requests under way.
func (h *holder) inFlight() int {
	h.mu.Lock()
	flights := h.flights
	h.mu.Unlock()
	if flights == nil {
		return 0
	}
	return flights.Len()
}
