// Package store is the contract with the database: what is kept, and what a
// database promises. Any implementation that passes the suite of package storetest
// will do. Business rules stand above it, once.
package store

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/record"
	"tollgate/internal/vkey"
)

// The things that callers act upon. Errors wrap one of them, or are failures
// of the database.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row was changed by somebody else since it was read, or its
	// name or secret is taken. *TakenError says by what.
	ErrConflict = errors.New("conflict")
	// ErrCursor: a cursor was not made by a query like this one.
	ErrCursor = errors.New("the cursor is not one that was given out for this order")
)

// TakenError is an ErrConflict: something that must be unique is not.
type TakenError struct {
	Field string // "id", "name", "secret"
	By    string // id of the row that has it
}

// Error implements error.
func (e *TakenError) Error() string { return "the " + e.Field + " is taken by " + e.By }

// Unwrap tells that the error is an ErrConflict.
func (e *TakenError) Unwrap() error { return ErrConflict }

// Store is a database.
type Store interface {
	// View runs a read-only transaction: all it sees is of one moment.
	View(ctx context.Context, fn func(Tx) error) error
	// Update runs a transaction, alone. If fn returns an error nothing of it
	// happened; once Update returns nil all of it survives a power failure. While the
	// disk is full or the database locked by somebody else the error wraps
	// ledger.ErrUnavailable.
	Update(ctx context.Context, fn func(Tx) error) error
	// Journal is where the ledger is kept.
	Journal() ledger.Journal
	// Requests are the request records and their sums, which never stand in the
	// way of the rest.
	Requests() Requests
	// Backup writes a consistent copy of all that is kept to a new file, while
	// everything goes on.
	Backup(ctx context.Context, path string) error
	Close() error
}

// Tx is a transaction. What it gives is only good inside of it. Values that are
// passed in or given out are copies: nobody shares them.
type Tx interface {
	Keys() Keys
	Limits() Limits
	Tokens() Tokens
	Credentials() Credentials
	Events() Events
	Answers() Answers
	Settings() Settings
}

// Keys are the virtual keys.
type Keys interface {
	Get(id string) (*vkey.Key, error)
	// Named finds the key of a name that is not revoked: that lets go of its name. Revoked ones are
	// found by KeyQuery.Name.
	Named(name string) (*vkey.Key, error)
	// Holding finds the key that has a secret of this digest, live or not.
	Holding(d vkey.Digest) (*vkey.Key, error)
	// Put inserts a key of Version 0, or replaces the one whose Version is given;
	// the stored key has the next Version, which is set in k. Id and the digests of
	// secrets are unique, the name is among keys that are not revoked.
	Put(k *vkey.Key) error
	Delete(id string) error
	// List gives one page and the cursor of the next, "" after the last.
	List(q KeyQuery) (keys []*vkey.Key, next string, err error)
	// Count tells how many keys a query selects, up to its Max, if that is not 0; Cursor and Sort mean
	// nothing to it.
	Count(q KeyQuery) (int64, error)
	// Labels counts the keys by their labels: the names that most keys have, and of each the values that most
	// have, up to a number of both. It looks at the labels of all keys. more: there are other names.
	Labels(names, values int) (labels []LabelCount, more bool, err error)
	// Each calls fn for every key, in no order, until it returns an error.
	Each(fn func(*vkey.Key) error) error
	// Used notes when secrets were last used: by key id, then by secret id.
	// Versions stay as they are. Keys that are gone are passed over. Neither this nor
	// Put makes such a time earlier than it is.
	Used(at map[string]map[string]time.Time) error
}

// LabelCount is a label that keys have, with its values, and how many keys have it.
type LabelCount struct {
	Name   string
	Keys   int64
	Values []ValueCount
	More   bool // there are other values
}

// ValueCount is a value of a label, and how many keys have it.
type ValueCount struct {
	Value string
	Keys  int64
}

// KeySort is an order of keys.
type KeySort string

// The orders, of times to the microsecond; a "-" in front turns each around. Ties go by id.
const (
	SortName     KeySort = "name"
	SortCreated  KeySort = "created_at"
	SortLastUsed KeySort = "last_used_at"
	SortExpires  KeySort = "expires_at" // keys without an expiry come last
)

// KeyQuery selects keys. Zero fields select everything.
type KeyQuery struct {
	// Text is contained in the name, the id, a label's value or the last four
	// characters of a secret, in capitals or not.
	Text   string
	Name   string // exactly this one
	Status string // active, disabled, revoked, expired; "" all
	Label  map[string]string
	Origin vkey.Origin
	// ExpiringBefore selects keys that expire at some time before it, and are not
	// expired; IdleSince those not used since (or ever, and made before it).
	ExpiringBefore, IdleSince time.Time
	Uncapped                  bool // keys without limits of their own
	Now                       time.Time
	Sort                      KeySort // "": name
	Cursor                    string
	Max                       int // 1 to 200; 0: 50
}

// Unfiltered tells whether a query selects all keys, or all of a status: how many these are is known
// without counting.
func (q *KeyQuery) Unfiltered() bool {
	return q.Text == "" && q.Name == "" && len(q.Label) == 0 && q.Origin == "" && q.ExpiringBefore.IsZero() && q.IdleSince.IsZero() && !q.Uncapped
}

// Limits are the shared limits.
type Limits interface {
	Get(id string) (*SharedLimit, error)
	// Put is like that of Keys. Names are unique.
	Put(l *SharedLimit) error
	Delete(id string) error
	List() ([]*SharedLimit, error) // by name
}

// SharedLimit is a limit that stands on its own.
type SharedLimit struct {
	Name                 string
	Limit                budget.Limit // with its ID, Per and Match
	Origin               vkey.Origin
	CreatedAt, UpdatedAt time.Time
	CreatedBy            string
	Version              uint64
}

// Tokens are the admin tokens.
type Tokens interface {
	Get(id string) (*Token, error)
	Put(t *Token) error // like that of Keys; names and digests are unique
	Delete(id string) error
	List() ([]*Token, error) // by name
	Used(at map[string]time.Time) error
}

// Token is an admin token, without its value.
type Token struct {
	ID, Name              string // "adm_…"
	Role                  actor.Role
	Digest                vkey.Digest // under the pepper
	Last4                 string
	CreatedAt             time.Time
	CreatedBy             string
	ExpiresAt, LastUsedAt time.Time
	Version               uint64
}

// Credentials are the provider credentials.
type Credentials interface {
	Get(id string) (*Credential, error)
	Named(name string) (*Credential, error)
	Put(c *Credential) error // like that of Keys; names are unique
	Delete(id string) error
	List() ([]*Credential, error) // by name
}

// Credential is a provider credential, sealed.
type Credential struct {
	ID, Name             string // "crd_…"
	Provider             string // name of the provider that it is for
	Host                 string // the only host that it may be sent to
	Sealed               []byte
	Last4                string
	CreatedAt, UpdatedAt time.Time
	CreatedBy            string
	RotatedAt            time.Time
	TestedAt             time.Time
	TestResult           string // "ok", or what was wrong; "" if never tested
	Version              uint64
}

// Events are the audit trail.
type Events interface {
	// Append seals the event upon the last one and stores it: Seq, Previous and
	// Hash are set in e.
	Append(e *audit.Event) error
	Get(seq uint64) (*audit.Event, error)
	List(q audit.Query) (events []*audit.Event, next string, err error)
	// Each gives every event from a number on, in order.
	Each(from uint64, fn func(*audit.Event) error) error
}

// Answers remember what was answered to requests with an idempotency key.
type Answers interface {
	// Get gives what was put under a key, ErrNotFound if nothing was or it is older than a day.
	Get(key string, now time.Time) (*Answer, error)
	Put(key string, a *Answer) error
	// Prune forgets what is older than a day.
	Prune(now time.Time) error
}

// Answer is what a request was answered.
type Answer struct {
	Request [32]byte // hash of what was asked: another request under the same key is a mistake
	Body    []byte   // sealed where it holds a secret
	At      time.Time
}

// Settings are small values by name.
type Settings interface {
	Get(name string) ([]byte, error) // ErrNotFound
	Put(name string, value []byte) error
	Delete(name string) error
}

// Requests are the request records.
type Requests interface {
	// Append stores all or none, and keeps nothing of them but texts. A record that was
	// among the last few thousand, by id and day, counts once: nothing comes again but what was tried
	// again at once.
	Append(ctx context.Context, all []record.Request) error
	Get(ctx context.Context, id string) (*record.Request, error)
	// List gives one page and the cursor of the next, "" after the last. A page for which much
	// has to be looked through comes back early: with fewer rows than asked for, or none, and a cursor
	// to go on from.
	List(ctx context.Context, q record.Query) (rows []record.Request, next string, err error)
	// Sums come in the order of hour and day if they are grouped by, otherwise the dearest first.
	Sums(ctx context.Context, q record.SumQuery) ([]record.Sum, error)
	// MonthOf gives what the requests of some keys came to in the calendar month of UTC that an instant is in;
	// keys without any are left out. It is quick for a page of keys, however many there are.
	MonthOf(ctx context.Context, at time.Time, keys []string) (map[string]record.Sums, error)
	// Prune drops what is older than the retention says, by whole days: a day goes when
	// its last moment is too old. A retention of 0 keeps everything.
	Prune(ctx context.Context, r record.Retention, now time.Time) error
}
