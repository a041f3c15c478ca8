package gateway

import (
	"crypto/tls"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/expression"
	"tollgate/internal/quota"
	"tollgate/internal/routing"
	"tollgate/internal/vkey"
)

// Snapshot is a compiled configuration. It is made whole, swapped in by one
// store and never changed; a request uses one snapshot from its first step to
// its last. Counters, health and limiter state live elsewhere, so that no
// reload refills or forgets anything.
type Snapshot struct {
	Binds map[string]*Bind // by address
	// Keys are all virtual keys of all gates, so that none is ever taken for a
	// credential of a provider's.
	Keys *vkey.Set
	// Managed are the managed keys, for the same reason; nil: none.
	Managed *vkey.Directory
	// Plain answers refusals with agentgateway's plain-text bodies.
	Plain bool
	// MaxBody bounds a request body that is no form, in bytes.
	MaxBody int64
	// MaxAnswer bounds, in bytes, how much of an answer is kept to read its usage.
	MaxAnswer int
	// MaxEvent bounds one event of a stream, in bytes.
	MaxEvent int
	// Form bounds a multipart body.
	Form request.Limits
	// UnknownCharge is what is charged where nobody knows what a provider did.
	UnknownCharge UnknownCharge
	// CallerLeft is what becomes of an answer whose caller left before its end.
	CallerLeft CallerLeft
	// MetricFields and LogFields are computed for every exchange; FieldNames
	// are their names, nil if there are none.
	MetricFields, LogFields []*expression.Program
	FieldNames              *FieldNames
}

// UnknownCharge is what a request is charged whose outcome nobody knows: it was
// sent, and nothing came back that says what became of it.
type UnknownCharge uint8

// The policies.
const (
	ChargeInput   UnknownCharge = iota // what the provider has certainly read
	ChargeBound                        // the most that it can have come to
	ChargeNothing                      // nothing
)

// Bind is one address that is listened on.
type Bind struct {
	Name      string
	Address   string
	TLS       *tls.Config // nil: plain HTTP
	Listeners []*Listener // most specific host first
}

// Listener serves the hosts that match its name on one bind.
type Listener struct {
	Hostname string
	Place    *Place // of requests that no route takes
	Gate     Gate   // before a route is chosen
	Routes   *routing.Table[*Route]
}

// listener gives the listener for a host, nil if there is none.
func (b *Bind) listener(host string) *Listener {
	for _, l := range b.Listeners {
		if routing.HostMatches(l.Hostname, host) {
			return l
		}
	}
	return nil
}

// Gate is what a request must pass before anything is done for it.
type Gate struct {
	CORS  *CORS
	Auth  *Auth
	Rules *access.Rules
	// Late tells that the rules ask about the model or the body, so that they
	// are checked once these are known.
	Late bool
}

// AuthMode says what becomes of a request without a known virtual key.
type AuthMode uint8

// The modes.
const (
	Optional   AuthMode = iota // nobody may pass, an unknown key may not
	Strict                     // only a known key may pass
	Permissive                 // everybody may pass
)

// Auth checks virtual keys.
type Auth struct {
	Mode AuthMode
	Keys *vkey.Set
	// Managed are the keys that are managed while the program runs; nil: none.
	Managed  *vkey.Directory
	Location *Location // nil: wherever SDKs put a key
}

// Location is the one place where a credential is looked for.
type Location struct {
	Header, Prefix string // Header in canonical form
	Query          string
	Cookie         string
	Expression     *expression.Program
}

// Route is what happens to the requests that match it.
type Route struct {
	Place  *Place
	Gate   Gate
	Limits []*quota.Rule
	// RequestTimeout bounds the whole exchange, BackendTimeout one attempt up
	// to the head of its answer. Zero: no bound.
	RequestTimeout, BackendTimeout time.Duration
	Retry                          *Retry
	ResponseHeaders                *HeaderPolicy
	Rewrite                        *Rewrite
	Direct                         *Direct
	Redirect                       *Redirect
	AI                             *AI
	// Models routes by model name; otherwise Backends are chosen by weight.
	Models   *Models
	Backends []*Backend
	weights  []int
	// Inferred tells that paths of no known operation are chat completions.
	Inferred bool
	// Unserved explains why requests of this route cannot be served. They are answered
	// with Status: 500 if the configuration refers to what does not exist, else 503. It is
	// also the status of a route whose backends have no weight.
	Unserved string
	Status   int
}

// pick chooses a backend by weight, -1 if none has any.
func (r *Route) pick() int { return routing.Weighted(r.weights, rand.Float64()) }

// Backend is one choice of a route: targets in groups of priority.
type Backend struct {
	Weight int
	Groups [][]Choice
	// Plain is set if the targets are plain HTTP servers.
	Plain    *Plain
	Unserved string // why it cannot be served, "" if it can
	Status   int    // as that of a route
}

// SetBackends sets the backends with their weights.
func (r *Route) SetBackends(all []*Backend) {
	r.Backends, r.weights = all, make([]int, len(all))
	for i, b := range all {
		r.weights[i] = b.Weight
	}
}

// Retry repeats attempts that failed before the first byte of an answer.
type Retry struct {
	Attempts     int // in all
	Backoff      time.Duration
	Codes        map[int]bool
	Precondition *expression.Program // on the request
	Condition    *expression.Program // on the answer, instead of Codes
}

// Rewrite changes path and authority of what is sent upstream.
type Rewrite struct {
	FullPath   string
	PrefixPath *string // replaces the matched prefix
	Authority  string  // Host header instead of the target's
	Port       string  // port of the Host header instead of the target's
	ToBackend  bool    // a plain server is told its own name, not what the caller asked for
}

// Direct is an answer that the gateway gives itself.
type Direct struct {
	Status int
	Body   string
}

// AI is what a route changes in the requests of a model.
type AI struct {
	Body    BodyPolicy
	Prepend []string // messages to put in front, JSON text
	Append  []string // messages to put behind, JSON text
	Aliases []Alias  // exact names first, then longer patterns before shorter
	Routes  []PathOperation
}

// Alias is another name for a model.
type Alias struct {
	Pattern access.Pattern
	Model   string
}

// PathOperation says which operation the paths with a suffix are.
type PathOperation struct {
	Suffix    string // "*" matches every path
	Operation dialect.Operation
}

// CORS answers browsers.
type CORS struct {
	Origins     []string // exact, "*", or with one wildcard host label
	Methods     string
	Headers     string
	Expose      string
	MaxAge      string
	Credentials bool
	// Echo names the origin and allows credentials where everybody may come and bring
	// theirs, as the Gateway API's filter wants it; otherwise the star means that they may not.
	Echo bool
}

// Models is the model router of a listener: concrete entries in order of
// precedence, and virtual models by name.
type Models struct {
	Created time.Time
	Entries []*Model
	Virtual map[string]*Virtual
	// Listed are the public names in the order of the configuration, virtual
	// ones last.
	Listed []Listed
}

// Listed is one line of the list of models.
type Listed struct {
	Name  string
	Entry *Model // nil for a virtual model
}

// Model is one entry of the configuration.
type Model struct {
	Pattern  access.Pattern
	Internal bool // only reachable through a virtual model
	Rules    *access.Rules
	Headers  [][]routing.Condition // any of these, all conditions in each; none: always
	Target   *Target
}

// Virtual is a name that stands for other models. Exactly one of its forms is set.
type Virtual struct {
	Name        string
	Weighted    []VirtualTarget
	Failover    [][]VirtualTarget // by priority
	Conditional []VirtualTarget
}

// VirtualTarget is one model behind a virtual one.
type VirtualTarget struct {
	Model  string
	Weight int
	When   *expression.Program // nil: always
	Entry  *Model
}

// AddressFor gives the address by which the holder of a key would come in, by the key's
// id: the first at which the key is known, in the order of their text. Where none asks for
// keys it is the first of all, and "" if there is none.
func (s *Snapshot) AddressFor(keyID string, now time.Time) string {
	addresses := slices.Sorted(maps.Keys(s.Binds))
	for _, address := range addresses {
		for _, l := range s.Binds[address].Listeners {
			if l.Gate.Auth == nil {
				continue
			}
			if entry, _ := l.Gate.Auth.named(keyID, now); entry != nil {
				return address
			}
		}
	}
	if len(addresses) == 0 {
		return ""
	}
	return addresses[0]
}
