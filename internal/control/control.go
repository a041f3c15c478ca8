// Package control is the order of business of administration: one method for
// each operation checks everything, changes, and puts the change on record in one
// transaction, then makes it known to the data plane before it returns. It knows
// no HTTP: whoever serves it decodes what was asked and says who asks.
package control

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/ledger"
	"tollgate/internal/routing"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/vault"
	"tollgate/internal/vkey"
)

// Control does what operators ask for. It is safe for concurrent use.
type Control struct {
	parts Parts

	live      sync.Mutex // what is made known to the data plane comes in the order in which it was stored
	recounts  sync.Mutex // changes of limits reach the books one by one, each as it is stored
	importing sync.Mutex // imports come one by one
	answering sync.Mutex // of two requests with one idempotency key the second waits for the first

	tokens   tokenTable
	refusals refusals
	sheet    atomic.Pointer[priceSheet] // the latest that was asked for
	labels   atomic.Pointer[labelCount] // the latest that took long
}

// Parts are what a Control works with; all are required but Vault, OwnerToken, Strays
// and Providers.
type Parts struct {
	Store   store.Store
	Books   Books
	Live    Live
	Pepper  *vkey.Pepper
	Vault   *vault.Vault // nil: there is no master key, so no credential can be stored
	Catalog func() *catalog.Catalog
	Now     func() time.Time
	Random  io.Reader // of crypto/rand in production
	Health  func() admin.Health
	// OwnerToken is an owner's admin token that stands in the environment; empty: none.
	OwnerToken secret.Text
	// Strays gives the stored limits that the books counted in another window when the program began, if
	// somebody has read all of them anyway; nil: Reconcile looks for them.
	Strays func() []*budget.Limit
	// Providers are those that a credential can be for; nil: any.
	Providers []string
}

// New makes a Control.
func New(p Parts) *Control { return &Control{parts: p} }

// Books count what is spent. *ledger.Books implements it.
type Books interface {
	State(l *budget.Limit, subject string) budget.State
	Room(ask *budget.Ask) budget.Amount
	// Windows gives the window that each limit is counted in, as far as anything is.
	Windows() map[string]budget.Window
	Change(ctx context.Context, c ledger.Change) error
	Adjust(ctx context.Context, l *budget.Limit, subject string, by int64, actor, reason string) (int64, error)
}

// Live is the data plane, as far as administration reaches into it. What a method
// makes known is in force when it returns.
type Live interface {
	// KeysChanged replaces keys of the data plane, and removes others by id.
	KeysChanged(changed []*vkey.Key, removed []string)
	// LimitsChanged replaces all shared limits.
	LimitsChanged(shared []*budget.Limit)
	// Cut ends the requests that a key has under way, and tells how many there were.
	Cut(keyID string) int
	// InFlight tells how many requests a key has under way, false if they are not counted: those of keys
	// of the configuration.
	InFlight(keyID string) (n int, ok bool)
	// Used tells when the secrets of a key were last used, by secret id, where that
	// is later than what is stored.
	Used(keyID string) map[string]time.Time
	// CredentialsChanged makes the configuration in force use the stored credentials
	// as they are now. An error tells why one that is in use does not fit.
	CredentialsChanged(ctx context.Context) error
	// CredentialInUse tells where the configuration in force names a credential.
	CredentialInUse(name string) []string
	// Budgets lists what the configuration in force declares in agentgateway's form.
	Budgets() []DeclaredBudget
	// PricesChanged puts the operator's own price list over all others; nil: none.
	PricesChanged(own *catalog.Layer)
	// Models lists what can be called, by name.
	Models() []Model
	// Upstreams lists what requests can be sent to.
	Upstreams() []Upstream
	// Try makes a test call to a provider with a credential. The error is for people.
	Try(ctx context.Context, provider, host string, value secret.Text) (status int, err error)
	// Host gives the host that a provider is reached at, "" if it has no usual one.
	Host(provider string) string
}

// DeclaredBudget is a limit that the configuration declares in agentgateway's form.
type DeclaredBudget struct {
	Name  string // unique within the key
	Key   *vkey.Key
	Limit *budget.Limit
}

// Model is something that can be called, and the targets behind it.
type Model struct {
	Name    string // as callers name it; may be a pattern
	Targets []Target
}

// Target is where a model goes: a provider, and the name sent there ("": the one asked
// for). As is the name that leads there in the gateway, where it is another one than the
// caller's: keys must allow it as well.
type Target struct{ Provider, Model, As string }

// Upstream is a target of the configuration in force, and what was seen of it.
type Upstream struct {
	Provider string
	Backend  string   // its name in the configuration
	Host     string   // with its port where that is an unusual one
	Model    string   // "": the one that a caller asks for
	Route    string   // that it stands in; "": it is a model of llm.models
	Names    []string // by which callers get there; may be patterns
	routing.Experience
}

// Call says who asks for an operation, and how.
type Call struct {
	Actor     actor.Actor
	RequestID string
	// IfMatch is the ETag that the row must have; "" or "*": any.
	IfMatch string
	// IdempotencyKey makes a repeated call give the first one's answer; "": none.
	IdempotencyKey string
}

// Kind classifies an error by what the operator can do about it.
type Kind uint8

// The kinds.
const (
	Failed  Kind = iota // a bug, or a failure of the database
	Invalid             // what was asked for makes no sense: see Fields
	NotFound
	Conflict    // not as things are: a name is taken, a key is revoked…
	Stale       // the row was changed since it was read (If-Match)
	Forbidden   // the role may not do that
	Unavailable // the database cannot be written at the moment
)

// Error is a refused operation.
type Error struct {
	Kind   Kind
	Code   string // stable word, for instance "name_taken"
	Detail string // what is wrong and what to do instead
	Fields []admin.ProblemField
	Err    error // the cause, for the log
	// Subject is the id of the declared key that cannot be taken over, "" if it is about none.
	Subject string
	// EventID is the audit event of the refusal; 0: there is none.
	EventID uint64
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Detail, e.Err)
	}
	return e.Detail
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
