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

	Operation, Dialect string
	Asked, Sent        string // model that the caller named, and that was sent upstream
	Served             string // model that the answer named
	Provider, Backend  string
	Streamed           bool
	Client             string // address of the client, without port

	Status  int
	Outcome string // gateway.Outcome
	Code    string // error code of a refusal or failure, "" if none
	Message string // what the caller was told

	Duration, FirstByte, Processing time.Duration
	BytesIn, BytesOut               int64

	Tokens Tokens
	Cost   money.Nano // what the key was charged
	// Price is the state of the price (known, free, unknown), Source where the
	// figures of the charge come from (ledger.Source), Version the price list.
	Price, Source, Version string

	Attempts []Attempt
	Refusal  *Refusal // of a request that a limit refused
}

// Tokens is a consumption by kind. Input and Output are totals; the others are parts.
type Tokens struct {
	Input, Output                      int64
	CacheRead, CacheWrite              int64
	Reasoning, InputAudio, OutputAudio int64
}

// Attempt is one try at one target.
type Attempt struct {
	Provider, Backend, Model string
	Status                   int    // 0: no answer
	Error                    string // why there was none
	Started                  time.Time
	Duration                 time.Duration
	Reservation              string // "run-number" of the ledger, "" if nothing was reserved
	BoundCost, Cost          money.Nano
	BoundTokens              int64
	Tokens                   Tokens
	Source, Price, Version   string
	Lines                    []Line
}

// Line is one component of a cost.
type Line struct {
	Kind     string // catalog.Kind
	Quantity int64
	Price    string // of one piece or a million, in dollars, as catalog.Kind.Format writes it
	Cost     money.Pico
}

// Refusal is the limit that refused and what it saw.
type Refusal struct {
	Limit, Kind, Window, Reason    string // budget.Refusal
	Amount, Spent, Reserved, Asked int64  // in the unit of the kind: nano-dollars, tokens, requests
	Resets                         time.Time
	Shared                         bool // a pool: others draw from it too
}

// Query selects requests, the newest first. Zero fields select everything.
type Query struct {
	Key, Model, Provider, Outcome, Code string
	Label                               map[string]string
	Limit                               string // the limit that refused
	Status                              int    // 429; or 4, 5: the class
	From, To                            time.Time
	Cursor                              string
	Max                                 int // rows; at most 200
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

// SumQuery asks for sums over [From, To), which are rounded down to hours, or to
// days where hours are no longer kept.
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
