// Package audit is the record of what actors did, and of what they were refused.
// It owns the events, their chain of hashes and its verification. It knows neither
// where events are kept nor what the actions mean.
package audit

import (
	"time"

	"tollgate/internal/actor"
)

// Outcome says whether the action happened.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // not allowed, or not possible as it was asked for
)

// Target is what an action was about.
type Target struct {
	Kind  string // key, limit, credential, admin_token, prices, ledger, configuration, backup
	ID    string
	Name  string
	KeyID string // of a limit: the key whose counter it was about
}

// Field is one difference that an action made. Secrets stand in it as keyed hashes.
type Field struct {
	Path          string // dotted, for instance "limits.lim_x.amount"
	Before, After string // JSON text; "" where there was or is nothing
}

// Hash is the hash of an event and all before it.
type Hash [32]byte

// Event is one entry of the audit trail.
type Event struct {
	Seq       uint64 // 1 for the first
	At        time.Time
	Actor     actor.Actor
	Action    string // "key.create", "key.revoke", "credential.rotate"…
	Target    Target
	Outcome   Outcome
	Reason    string // given by the actor, or why it was refused
	RequestID string // of the admin request
	Diff      []Field
	Previous  Hash
	Hash      Hash
}

// Query selects events, the newest first. Zero fields select everything.
type Query struct {
	Actor, Action, TargetKind, TargetID string
	Related                             string // id of a key: events about it or one of its limits
	Outcome                             Outcome
	From, To                            time.Time
	Cursor                              string
	Max                                 int // at most 200
}
