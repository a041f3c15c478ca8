// Package record is the request record: the row about one exchange that
// operators look up, and the sums made of such rows. It owns what is remembered of
// a request, never of what was said in it. It knows no database and no HTTP.
package record

import (
	"time"

	"tollgate/internal/money"
)

// Request is what is remembered of one exchange. It is stored as JSON with the names in
// the tags: they stay what they are.
type Request struct {
	ID   string    `json:"id,omitzero"` // x-request-id
	At   time.Time `json:"at,omitzero"`
	Key  string    `json:"key,omitzero"`  // id of the virtual key, "" for an anonymous caller
	Name string    `json:"name,omitzero"` // of the key at that time
	// Labels are those of the key at that time.
	Labels map[string]string `json:"labels,omitzero"`

	Operation string `json:"operation,omitzero"`
	Dialect   string `json:"dialect,omitzero"`
	Asked     string `json:"asked,omitzero"`  // model that the caller named
	Sent      string `json:"sent,omitzero"`   // model that was sent upstream
	Served    string `json:"served,omitzero"` // model that the answer named
	Provider  string `json:"provider,omitzero"`
	Backend   string `json:"backend,omitzero"`
	Streamed  bool   `json:"streamed,omitzero"`
	Client    string `json:"client,omitzero"` // address of the client, without port

	Status  int    `json:"status,omitzero"`
	Outcome string `json:"outcome,omitzero"` // gateway.Outcome
	Code    string `json:"code,omitzero"`    // error code of a refusal or failure, "" if none
	Message string `json:"message,omitzero"` // what the caller was told

	Duration   time.Duration `json:"duration,omitzero"`
	FirstByte  time.Duration `json:"first_byte,omitzero"`
	Processing time.Duration `json:"processing,omitzero"`
	BytesIn    int64         `json:"bytes_in,omitzero"`
	BytesOut   int64         `json:"bytes_out,omitzero"`

	Tokens Tokens     `json:"tokens,omitzero"`
	Cost   money.Nano `json:"cost,omitzero"` // what the key was charged
	// Price is the state of the price (known, free, unknown), Source where the
	// figures of the charge come from (ledger.Source), Version the price list.
	Price   string `json:"price,omitzero"`
	Source  string `json:"source,omitzero"`
	Version string `json:"version,omitzero"`

	Attempts []Attempt `json:"attempts,omitzero"`
	Refusal  *Refusal  `json:"refusal,omitzero"` // of a request that a limit refused
}

// Tokens is a consumption by kind. Input and Output are totals; the others are parts.
type Tokens struct {
	Input       int64 `json:"input,omitzero"`
	Output      int64 `json:"output,omitzero"`
	CacheRead   int64 `json:"cache_read,omitzero"`
	CacheWrite  int64 `json:"cache_write,omitzero"`
	Reasoning   int64 `json:"reasoning,omitzero"`
	InputAudio  int64 `json:"input_audio,omitzero"`
	OutputAudio int64 `json:"output_audio,omitzero"`
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
	Provider    string        `json:"provider,omitzero"`
	Backend     string        `json:"backend,omitzero"`
	Model       string        `json:"model,omitzero"`
	Status      int           `json:"status,omitzero"` // 0: no answer
	Error       string        `json:"error,omitzero"`  // why there was none
	Started     time.Time     `json:"started,omitzero"`
	Duration    time.Duration `json:"duration,omitzero"`
	Reservation string        `json:"reservation,omitzero"` // "run-number" of the ledger, "" if nothing was reserved
	BoundCost   money.Nano    `json:"bound_cost,omitzero"`
	Cost        money.Nano    `json:"cost,omitzero"`
	BoundTokens int64         `json:"bound_tokens,omitzero"`
	Tokens      Tokens        `json:"tokens,omitzero"`
	Source      string        `json:"source,omitzero"`
	Price       string        `json:"price,omitzero"`
	Version     string        `json:"version,omitzero"`
	Lines       []Line        `json:"lines,omitzero"`
}

// Line is one component of a cost.
type Line struct {
	Model    string     `json:"model,omitzero"` // as the price lists name it
	Kind     string     `json:"kind,omitzero"`  // catalog.Kind
	Quantity int64      `json:"quantity,omitzero"`
	Price    string     `json:"price,omitzero"`  // of one piece or a million, in dollars, as catalog.Kind.Format writes it
	Factor   string     `json:"factor,omitzero"` // on the price, "" for 1
	Cost     money.Pico `json:"cost,omitzero"`
}

// Refusal is the limit that refused and what it saw.
type Refusal struct {
	Limit    string    `json:"limit,omitzero"` // budget.Refusal
	Kind     string    `json:"kind,omitzero"`
	Window   string    `json:"window,omitzero"`
	Reason   string    `json:"reason,omitzero"`
	Amount   int64     `json:"amount,omitzero"` // in the unit of the kind: nano-dollars, tokens, requests
	Spent    int64     `json:"spent,omitzero"`
	Reserved int64     `json:"reserved,omitzero"`
	Asked    int64     `json:"asked,omitzero"`
	Resets   time.Time `json:"resets,omitzero"`
	Shared   bool      `json:"shared,omitzero"` // a pool: others draw from it too
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
