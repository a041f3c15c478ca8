package vkey

import (
	"net/netip"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/caller"
	"tollgate/internal/dialect"
)

// Status is what an operator decided about a key.
type Status uint8

// The states of a key. Being expired is none of them: it follows from the clock.
const (
	StatusActive Status = iota
	StatusDisabled
	StatusRevoked
)

// Result is the outcome of a look-up.
type Result uint8

// The results. All but Unknown say that the presented secret was right.
const (
	Unknown Result = iota
	OK
	Disabled
	Revoked
	Expired
)

// Entry is one secret of a key with all that a request may need to know of the
// key, so that nothing is looked up once it is found. An Entry never changes.
type Entry struct {
	Digest Digest
	// Peppered tells that Digest was made by the set's Pepper and not by Hash.
	Peppered bool
	Caller   *caller.Caller // name, labels, and which models it may use
	Status   Status
	Expires  time.Time // of the key; zero: never
	// PublicID holds the one public id of the key, in the form in which it is
	// sent to its holder, shared by all answers.
	PublicID []string

	SecretID string
	NotAfter time.Time // of the secret; zero: as long as the key
	// RotateBefore is when this secret ends although the key goes on: there is a
	// newer one that its holder should use. Zero: it stays.
	RotateBefore time.Time

	// Limits are all that may apply: the key's own, then the shared ones that
	// select it.
	Limits     []*budget.Limit
	Operations Operations
	Networks   []netip.Prefix // nil: all; see MayCallFrom
	// MaxTokens is written into requests that do not bound their output; 0: none.
	MaxTokens int64
	Clamp     bool // lower an output bound that the budget cannot pay
	Discreet  bool // tell no amounts to the holder
	Legacy    bool // imported without limits

	// Flights are the requests of the key under way; nil if nobody can cut them.
	Flights *Flights
	use     *use
}

// at tells what the key is good for at an instant. A decision for ever is told
// before one for now, and either before the clock's.
func (e *Entry) at(now time.Time) Result {
	switch {
	case e.Status == StatusRevoked:
		return Revoked
	case e.Status == StatusDisabled:
		return Disabled
	case passed(e.Expires, now), passed(e.NotAfter, now):
		return Expired
	default:
		return OK
	}
}

// passed tells whether an end has come; a zero one never does.
func passed(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// MayCall tells whether the key may be used for an operation.
func (e *Entry) MayCall(op dialect.Operation) bool { return e.Operations.Has(op) }

// MayCallFrom tells whether the key may be used from a client address. An IPv4
// address is the same when it comes mapped into IPv6, and a zone has no meaning.
// Without an address a key that is bound to networks may not be used.
func (e *Entry) MayCallFrom(client netip.Addr) bool {
	if e.Networks == nil {
		return true
	}
	client = client.Unmap().WithZone("")
	for _, network := range e.Networks {
		if network.Contains(client) {
			return true
		}
	}
	return false
}

// Used notes that the secret was used.
func (e *Entry) Used(now time.Time) {
	if e.use != nil {
		e.use.note(now)
	}
}
