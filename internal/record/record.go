// Package record is the request record: the row about one exchange that
// operators look up, and the sums made of such rows. It owns what is remembered of
// a request, never of what was said in it. It knows no database and no HTTP.
package record

import (
	"time"

	"tollgate/internal/money"
)

// Request is what is remembered of one exchange.
type Request struct {
	ID   string // x-request-id
	At   time.Time
	Key  string // id of the virtual key, "" for an anonymous caller
	Name string // of the key at that time
	// Labels are those of the key at that time.
	Labels map[string]string

	Operation string
	Dialect   string
	Asked     string // model that the caller named
	Sent      string // model that was sent upstream
	Served    string // model that the answer named
	Provider  string
	Backend   string
	Streamed  bool
	Client    string // address of the client, without port

	Status  int
	Outcome string // gateway.Outcome
	Code    string // error code of a refusal or failure, "" if none
	Message string // what the caller was told

	Duration   time.Duration
	FirstByte  time.Duration
	Processing time.Duration
	BytesIn    int64
	BytesOut   int64

	Tokens Tokens
	Cost   money.Nano // what the key was charged
	// Price is the state of the price (known, free, unknown), Source where the
	// figures of the charge come from (ledger.Source), Version the price list.
	Price   string
	Source  string
	Version string

	// Repeated is how many more requests were refused like this one about the same time that
	// have no record of their own.
	Repeated int64

	Attempts []Attempt
	Refusal  *Refusal // of a request that a limit refused
}

// Tokens is a consumption by kind. Input and Output are totals; the others are parts.
type Tokens struct {
	Input       int64
	Output      int64
	CacheRead   int64
	CacheWrite  int64
	Reasoning   int64
	InputAudio  int64
	OutputAudio int64
}

// Plus adds two consumptions.
func (t Tokens) Plus(u Tokens) Tokens {
	return Tokens{
		Input: t.Input + u.Input, Output: t.Output + u.Output, CacheRead: t.CacheRead + u.CacheRead, CacheWrite: t.CacheWrite + u.CacheWrite,
		Reasoning: t.Reasoning + u.Reasoning, InputAudio: t.InputAudio + u.InputAudio, OutputAudio: t.OutputAudio + u.OutputAudio,
	}
}

// Attempt is one try at one target.
type Attempt struct {
	Provider    string
	Backend     string
	Model       string
	Status      int    // 0: no answer
	Error       string // why there was none
	Started     time.Time
	Duration    time.Duration
	Reservation string // "run-number" of the ledger, "" if nothing was reserved
	BoundCost   money.Nano
	Cost        money.Nano
	BoundTokens int64
	Tokens      Tokens
	Source      string
	Price       string
	Version     string
	Lines       []Line
}

// Line is one component of a cost.
type Line struct {
	Model    string // as the price lists name it
	Kind     string // catalog.Kind
	Quantity int64
	Price    string // of one piece or a million, in dollars, as catalog.Kind.Format writes it
	Factor   string // on the price, "" for 1
	Cost     money.Pico
}

// Refusal is the limit that refused and what it saw.
type Refusal struct {
	Limit    string // budget.Refusal
	Kind     string
	Window   string
	Reason   string
	Amount   int64 // in the unit of the kind: nano-dollars, tokens, requests
	Spent    int64
	Reserved int64
	Asked    int64
	Resets   time.Time
	Shared   bool // a pool: others draw from it too
}

// Query selects requests, the newest first. Zero fields select everything.
type Query struct {
	Key, Provider, Outcome, Code string
	Model                        string // asked for or sent
	Label                        map[string]string
	Limit                        string // the limit that refused
	Status                       int    // 429; or 4, 5: the class
	From, To                     time.Time
	Cursor                       string
	Max                          int // rows; at most 200
}

// Grouping is what sums are made by.
type Grouping string

// The groupings; "label.<name>" is one too.
const (
	ByKey      Grouping = "key"
	ByModel    Grouping = "model"
	ByProvider Grouping = "provider"
	ByHour     Grouping = "hour"
	ByDay      Grouping = "day"
)

// SumQuery asks for sums over the hours that begin in [From, To), From rounded down
// to its hour; over such days where hours are no longer kept. Zero times have no end.
// The model of a request is the one that was sent, or asked for if none was.
type SumQuery struct {
	Key      string
	Label    map[string]string
	Model    string
	Provider string
	From, To time.Time
	By       []Grouping
	Max      int // groups; 0: all
}

// Sum is what the requests of one group came to.
type Sum struct {
	Group map[Grouping]string // hours and days as RFC 3339
	Name  string              // of the key, when grouped by key
	Sums
}

// Sums are the figures of a group.
type Sums struct {
	Requests, Refused, Failed int64
	Tokens                    Tokens
	Cost                      money.Nano
	Unpriced                  int64         // requests of unknown price
	Duration                  time.Duration // of all requests together
}

// Retention is how long what is kept.
type Retention struct {
	Requests time.Duration // rows; 30 days by default
	Hours    time.Duration // hourly sums; 13 months by default. Daily sums are kept for ever.
}
