package vkey

import (
	"sync/atomic"
	"time"
)

// use is when a secret was last used, to the second. It outlives what is compiled
// of its key.
type use struct {
	keyID, secretID string
	at              atomic.Int64 // seconds since 1970; 0: never
	queued          atomic.Bool  // is in the queue of what is to be written down
	next            *use         // there
	queue           *uses
}

// note is cheap for all but the first request of a second.
func (u *use) note(now time.Time) {
	second := now.Unix()
	for {
		last := u.at.Load()
		if second <= last {
			return
		}
		if u.at.CompareAndSwap(last, second) {
			break
		}
	}
	if u.queue != nil && !u.queued.Load() && u.queued.CompareAndSwap(false, true) {
		u.queue.push(u)
	}
}

// last is when the secret was last used, zero if it never was.
func (u *use) last() time.Time {
	if at := u.at.Load(); at != 0 {
		return time.Unix(at, 0).UTC()
	}
	return time.Time{}
}

// useOf finds the use of a secret in a list or adds it.
func useOf(list []*use, keyID, secretID string, queue *uses) ([]*use, *use) {
	for _, u := range list {
		if u.secretID == secretID {
			return list, u
		}
	}
	u := &use{keyID: keyID, secretID: secretID, queue: queue}
	return append(list, u), u
}

// lastUsed tells when secrets were last used, those that were, by id.
func lastUsed(list []*use) map[string]time.Time {
	all := make(map[string]time.Time, len(list))
	for _, u := range list {
		if at := u.last(); !at.IsZero() {
			all[u.secretID] = at
		}
	}
	return all
}

// uses queues what is to be written down. Each secret stands in it at most once.
type uses struct{ head atomic.Pointer[use] }

func (q *uses) push(u *use) {
	for {
		u.next = q.head.Load()
		if q.head.CompareAndSwap(u.next, u) {
			return
		}
	}
}

// drain gives all that is queued, by key and secret.
func (q *uses) drain() map[string]map[string]time.Time {
	all := map[string]map[string]time.Time{}
	for u := q.head.Swap(nil); u != nil; {
		next := u.next
		u.next = nil
		u.queued.Store(false) // before reading: what is used from here on is queued anew
		if all[u.keyID] == nil {
			all[u.keyID] = map[string]time.Time{}
		}
		all[u.keyID][u.secretID] = u.last()
		u = next
	}
	return all
}
