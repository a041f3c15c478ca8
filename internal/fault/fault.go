// Package fault is the one shape of a refusal or failure on the data plane.
// Domain packages say what went wrong; the surface that speaks to the caller
// turns it into a status and a body of the dialect called, in one place.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies an error by what the caller can do about it.
type Kind uint8

// The kinds, with the HTTP status that the data plane gives each.
const (
	Internal        Kind = iota // 500: a bug of ours
	Invalid                     // 400: the request cannot be understood
	TooLarge                    // 413: the body exceeds the limit
	Unsupported                 // 415: a body encoding that we do not read
	Unauthenticated             // 401: no credential that we know
	Forbidden                   // 403: known, but not allowed
	NotFound                    // 404: no such route or model
	Limited                     // 429: a limit has no room
	Upstream                    // 502: the provider answered nonsense or refused our credential
	Unavailable                 // 503: nobody could be reached, or the gateway is unsure
	Timeout                     // 504: the provider took too long
	Canceled                    // 499: the client left; never seen by anybody
	Misdirected                 // 421: a host that this listener does not serve
	Unserved                    // 500: what the configuration refers to does not exist
	Unimplemented               // 501: a protocol that is not spoken here
)

// Retry tells SDKs whether trying again can help (header x-should-retry).
type Retry uint8

// The values of Retry.
const (
	RetryUnsaid Retry = iota
	RetryYes
	RetryNo
)

// Limit names the limit that refused; no refusal is anonymous.
type Limit struct {
	ID     string // public id of the limit
	Kind   string // requests, tokens, cost or concurrency
	Window string // human form of the window, for instance "60s"
	// Max, Remaining are in the limit's own unit; ResetsIn is the time to the
	// next instant at which it has more room (0: unknown).
	Max, Remaining int64
	ResetsIn       time.Duration
	// ResetsAt is the same as an instant; Interval is the length of the window.
	ResetsAt time.Time
	Interval time.Duration

	// The rest is said by limits on what a key may use: why there is no room, and
	// what was counted when this was found out, in the unit of the kind. Costs are
	// in nano-dollars.
	Reason                 Reason
	Spent, Reserved, Asked int64
	Shared                 bool // others draw from it too
	Discreet               bool // the amounts are not for the caller
}

// Reason is why a limit on what a key may use has no room.
type Reason string

// The reasons.
const (
	Exhausted Reason = "exhausted" // what the window allows is used up
	InFlight  Reason = "in_flight" // there would be room but for requests that have not ended
	Oversized Reason = "too_large" // more was asked for than the limit ever allows
	Unpriced  Reason = "unpriced"  // the cost of the request is not known
)

// Error is a refusal or failure with everything that a response needs.
type Error struct {
	Kind    Kind
	Code    string // stable machine code, for instance "model_not_allowed"
	Type    string // overrides the dialect's error type for the kind, for instance "insufficient_quota"
	Message string // one sentence for the caller: what is wrong, what to do instead
	Param   string // the request field at fault, if one is
	// Plain is the body under tollgate.compat: agentgateway; Message if empty.
	Plain string
	// Reason is the label of agentgateway_requests_total; derived from Kind if empty.
	Reason string
	// RetryAfter is when trying again can succeed; 0 says nothing.
	RetryAfter time.Duration
	Retry      Retry
	Limit      *Limit
	Err        error // the cause, for logs; never sent to the caller
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.Err)
	}
	return e.Code + ": " + e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an Error of a kind with a code and a message for the caller.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// As returns err as an *Error. An error that is none becomes an Internal one
// whose message tells the caller nothing of its cause.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{
		Kind: Internal, Code: "internal_error",
		Message: "The gateway failed to handle this request. The request id identifies it in the gateway's log.",
		Err:     err,
	}
}
