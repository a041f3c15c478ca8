package gateway

import (
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/caller"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/usage"
)

// Outcome is how an exchange ended.
type Outcome uint8

// The outcomes. The zero one is Aborted, so that a panic never reads as success.
const (
	Aborted  Outcome = iota // the gateway gave up: a bug
	Served                  // the caller has a whole answer, be it the provider's own error
	Refused                 // the gateway refused: see Err
	Failed                  // no provider could answer, or its answer broke off
	Cut                     // the caller left before the end
	Answered                // the gateway answered itself (models, direct response)
)

var outcomeNames = [...]string{"aborted", "served", "refused", "failed", "cut", "answered"}

// String gives the name used in logs.
func (o Outcome) String() string { return outcomeNames[o] }

// Place names where in the configuration a request was handled: the labels
// that metrics and logs carry. All are fixed when a snapshot is compiled.
type Place struct {
	Bind, Gateway, Listener, Route, RouteRule string
}

// Span is the trace of one exchange while it is under way. Whoever made it
// ends it when the exchange is recorded.
type Span interface {
	// TraceParent is the W3C traceparent to send upstream.
	TraceParent() string
}

// FieldNames are the names of the configured extra fields, fixed when a
// snapshot is compiled. An exchange carries those of its own snapshot, so that
// one that outlives a reload is still read right.
type FieldNames struct {
	Metric, Log []string
}

// Attempt is one try at one target.
type Attempt struct {
	Provider string // gen_ai.system, for instance "openai"
	Backend  string // name of the target in the configuration
	Model    string // model sent upstream
	Status   int    // the provider's status, 0 if none came
	// Err tells how an attempt without an answer failed.
	Err      error
	Failover bool // another attempt followed although this one was answered
	Started  time.Time
	Duration time.Duration
	Usage    usage.Usage

	// Reservation names what was set aside for the attempt, at most Bound; the zero
	// ID if no limit of a key applied.
	Reservation budget.ID
	Bound       budget.Amount
	// Cost is what the attempt was charged, by Quote, the price at admission;
	// CostSource is where its figures come from.
	Cost         money.Nano
	CostSource   ledger.Source
	Quote        catalog.Quote
	PriceState   catalog.State
	PriceVersion string // of the price lists, "" if there was no price

	ended bool // it is known what it came to
}

// AppendLines itemises the cost of the attempt's usage behind dst, where the charge
// follows from it.
func (a *Attempt) AppendLines(dst []catalog.Line) []catalog.Line {
	switch a.CostSource {
	case ledger.None, ledger.Unknown, ledger.Rejected:
		return dst
	}
	if a.PriceState != catalog.Known {
		return dst
	}
	_, dst = a.Quote.AppendItems(dst, &a.Usage)
	return dst
}

// Exchange is one request of a caller with everything that happened to it.
// Metrics, access log, trace and request record are four readings of it, made
// once it is over; whoever reads it must not keep it.
type Exchange struct {
	ID                                                       string // x-request-id
	Started                                                  time.Time
	Place                                                    *Place
	Scheme, Method, Host, Path, Proto, RemoteAddr, UserAgent string

	TraceParent string // incoming W3C traceparent, "" if none
	TraceState  string
	Span        Span // nil: not traced

	Caller    *caller.Caller // never nil
	Operation dialect.Operation
	Dialect   dialect.Dialect
	Streamed  bool

	ModelAsked  string // what the caller named
	ModelSent   string // what the last attempt sent upstream
	ModelServed string // what the answer named
	Provider    string // of the last attempt
	Backend     string
	Endpoint    string // host:port of the last attempt

	// Sampling parameters of the request, for logs and traces.
	MaxTokens      int64 // 0: not given
	Temperature    float64
	HasTemperature bool

	Attempts []Attempt
	Usage    usage.Usage

	// Cost is that of all attempts; the rest tells of the last one's. Without a
	// price (PriceState Unknown) the cost is unknown, not nothing.
	Cost         money.Nano
	PriceState   catalog.State
	PriceVersion string
	CostSource   ledger.Source
	HasPrices    bool // there are price lists at all

	Status     int // sent to the caller; 499 if it left before
	Outcome    Outcome
	Reason     string // agentgateway's reason label
	Err        *fault.Error
	BytesIn    int64
	BytesOut   int64
	FirstByte  time.Duration // from Started to the provider's first body byte, 0 if none
	Processing time.Duration // gateway's own time from Started until the request went upstream
	Duration   time.Duration

	// Fields are the values of the configured extra fields (metrics, logs), in
	// the order in which they were configured.
	FieldNames   *FieldNames // nil if none are configured
	MetricFields []string
	LogFields    []string
}

// Recorder is told of every exchange once it is over. Record must not block on
// I/O and must not keep x.
type Recorder interface {
	Record(x *Exchange)
}
