package control

import (
	"sync"
	"time"

	"tollgate/internal/actor"
)

const (
	// refusalsAtOnce is how many refusals of one token are put on record before the rest
	// is only counted, refusalEvery how often one is put there from then on.
	refusalsAtOnce = 60
	refusalEvery   = 10 * time.Second
	// refusersKept bounds the tokens that are remembered although they may be recorded again.
	refusersKept = 1000
)

// refusals bounds how fast one token can fill the audit trail, which is kept for ever,
// with what it was refused. None is lost from the count. The zero value is ready.
type refusals struct {
	mu sync.Mutex
	by map[string]*refuser // by the id of the token
}

type refuser struct {
	paid       time.Time // until when what is on record uses up what may be
	passedOver int
}

// record tells whether a refusal is put on record, and how many were not since the last
// one that was.
func (r *refusals) record(who actor.Actor, now time.Time) (passedOver int, ok bool) {
	if who.Kind != actor.Token {
		return 0, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	of := r.of(who.ID, now)
	if of.paid.Sub(now) > (refusalsAtOnce-1)*refusalEvery {
		of.passedOver++
		return 0, false
	}
	if of.paid.Before(now) {
		of.paid = now
	}
	of.paid = of.paid.Add(refusalEvery)
	passedOver, of.passedOver = of.passedOver, 0
	return passedOver, true
}

// lost counts refusals that could not be put on record after all.
func (r *refusals) lost(who actor.Actor, n int) {
	if who.Kind != actor.Token {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(who.ID, time.Time{}).passedOver += n
}

// of gives what is known of a token, and forgets those of which there is nothing to know.
func (r *refusals) of(id string, now time.Time) *refuser {
	if r.by == nil {
		r.by = map[string]*refuser{}
	}
	of := r.by[id]
	if of != nil {
		return of
	}
	if len(r.by) >= refusersKept {
		for other, known := range r.by {
			if known.passedOver == 0 && known.paid.Before(now) {
				delete(r.by, other)
			}
		}
	}
	of = &refuser{}
	r.by[id] = of
	return of
}
