package reply

import (
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/money"
)

// The statuses that are spoken of by name here.
const (
	statusUnauthorized    = 401
	statusPaymentRequired = 402
	statusForbidden       = 403
	statusNotFound        = 404
	statusRequestTimeout  = 408
	statusTooLarge        = 413
	statusTooManyRequests = 429
	statusBadGateway      = 502
	statusUnavailable     = 503
	statusGatewayTimeout  = 504
	statusOverloaded      = 529 // Anthropic's, of a service without capacity
)

// statuses gives each kind its HTTP status.
var statuses = [...]int{
	fault.Internal:        500,
	fault.Invalid:         400,
	fault.TooLarge:        statusTooLarge,
	fault.Unsupported:     415,
	fault.Unauthenticated: statusUnauthorized,
	fault.Forbidden:       statusForbidden,
	fault.NotFound:        statusNotFound,
	fault.Limited:         statusTooManyRequests,
	fault.Upstream:        statusBadGateway,
	fault.Unavailable:     statusUnavailable,
	fault.Timeout:         statusGatewayTimeout,
	fault.Canceled:        499, // as nginx logs a client that left
	fault.Misdirected:     421,
	fault.Unserved:        500,
	fault.Unimplemented:   501,
}

// Status gives the HTTP status of an error.
func Status(e *fault.Error) int { return statuses[e.Kind] }

// Error appends the body of an error in a dialect; a dialect that has no shape
// of its own here gets OpenAI's.
func Error(dst []byte, d dialect.Dialect, e *fault.Error, requestID string) []byte {
	switch d {
	case dialect.Anthropic:
		dst = append(dst, `{"type":"error","error":`...)
		dst = appendAnthropic(dst, e)
		dst = append(dst, `,"request_id":`...)
		dst = appendNullable(dst, requestID)
	case dialect.Gemini:
		dst = append(dst, `{"error":{"code":`...)
		dst = strconv.AppendInt(dst, int64(Status(e)), 10)
		dst = append(dst, `,"message":`...)
		dst = appendString(dst, e.Message)
		dst = append(dst, `,"status":"`...)
		dst = append(dst, geminiStatus(e)...)
		dst = append(dst, `"}`...)
	case dialect.Cohere:
		// Cohere's clients read message; those of the services that took over
		// its rerank format read error.
		dst = append(dst, `{"message":`...)
		dst = appendString(dst, e.Message)
		dst = append(dst, `,"id":`...)
		dst = appendString(dst, requestID)
		dst = append(dst, `,"error":`...)
		dst = appendOpenAI(dst, e)
	default:
		dst = append(dst, `{"error":`...)
		dst = appendOpenAI(dst, e)
	}
	return append(dst, '}')
}

// appendOpenAI appends OpenAI's error object, with the limit that refused.
func appendOpenAI(dst []byte, e *fault.Error) []byte {
	dst = append(dst, `{"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `,"type":`...)
	dst = appendString(dst, openAIType(e))
	dst = append(dst, `,"param":`...)
	dst = appendNullable(dst, e.Param)
	dst = append(dst, `,"code":`...)
	dst = appendNullable(dst, e.Code)
	dst = appendLimit(dst, e.Limit)
	return append(dst, '}')
}

func appendAnthropic(dst []byte, e *fault.Error) []byte {
	dst = append(dst, `{"type":`...)
	dst = appendString(dst, anthropicType(e))
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `,"code":`...)
	dst = appendNullable(dst, e.Code)
	dst = appendLimit(dst, e.Limit)
	return append(dst, '}')
}

// appendLimit appends the members that name a limit; they begin with a comma.
func appendLimit(dst []byte, l *fault.Limit) []byte {
	if l == nil {
		return dst
	}
	dst = append(dst, `,"limit_id":`...)
	dst = appendString(dst, l.ID)
	dst = append(dst, `,"kind":`...)
	dst = appendString(dst, l.Kind)
	dst = append(dst, `,"window":`...)
	dst = appendNullable(dst, l.Window)
	if !l.Discreet {
		dst = appendAmounts(dst, l)
	}
	dst = append(dst, `,"resets_at":`...)
	if l.ResetsAt.IsZero() {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = l.ResetsAt.UTC().AppendFormat(dst, time.RFC3339)
	return append(dst, '"')
}

// appendAmounts appends what a limit allows, has counted and has left, and what
// was asked of it: costs in dollars, all else as numbers.
func appendAmounts(dst []byte, l *fault.Limit) []byte {
	amount := func(name string, n int64) {
		dst = append(dst, `,"`...)
		dst = append(dst, name...)
		dst = append(dst, `":`...)
		if l.Kind != costKind {
			dst = strconv.AppendInt(dst, n, 10)
			return
		}
		dst = append(dst, '"')
		dst, _ = money.Nano(n).AppendText(dst)
		dst = append(dst, '"')
	}
	amount("limit", l.Max)
	if l.Reason != "" {
		amount("spent", l.Spent)
		amount("reserved", l.Reserved)
		if l.Reason != fault.Unpriced {
			amount("asked", l.Asked)
		}
	}
	amount("remaining", l.Remaining)
	return dst
}

// costKind is the kind of the limits whose amounts are money.
const costKind = "cost"

// openAIType gives OpenAI's type of an error. A bad key is an invalid request
// there, told by its code.
func openAIType(e *fault.Error) string {
	if e.Type != "" {
		return e.Type
	}
	switch e.Kind {
	case fault.Invalid, fault.TooLarge, fault.Unsupported, fault.Unauthenticated, fault.NotFound, fault.Misdirected, fault.Unimplemented:
		return "invalid_request_error"
	case fault.Forbidden:
		return "permission_error"
	case fault.Limited:
		return "rate_limit_error"
	default:
		return "server_error"
	}
}

func anthropicType(e *fault.Error) string {
	if e.Type != "" {
		return e.Type
	}
	switch e.Kind {
	case fault.Invalid, fault.Unsupported, fault.Misdirected, fault.Unimplemented:
		return "invalid_request_error"
	case fault.TooLarge:
		return "request_too_large"
	case fault.Unauthenticated:
		return "authentication_error"
	case fault.Forbidden:
		return "permission_error"
	case fault.NotFound:
		return "not_found_error"
	case fault.Limited:
		return "rate_limit_error"
	case fault.Timeout:
		return "timeout_error"
	case fault.Unavailable:
		return "overloaded_error"
	default:
		return "api_error"
	}
}

func geminiStatus(e *fault.Error) string {
	switch e.Kind {
	case fault.Invalid, fault.TooLarge, fault.Unsupported, fault.Misdirected:
		return "INVALID_ARGUMENT"
	case fault.Unauthenticated:
		return "UNAUTHENTICATED"
	case fault.Forbidden:
		return "PERMISSION_DENIED"
	case fault.NotFound:
		return "NOT_FOUND"
	case fault.Limited:
		return "RESOURCE_EXHAUSTED"
	case fault.Upstream, fault.Unavailable:
		return "UNAVAILABLE"
	case fault.Timeout:
		return "DEADLINE_EXCEEDED"
	case fault.Canceled:
		return "CANCELLED"
	case fault.Unimplemented:
		return "UNIMPLEMENTED"
	default:
		return "INTERNAL"
	}
}

// Field is one header line; Name is in canonical form.
type Field struct{ Name, Value string }

// Headers gives the header lines that tell SDKs whether and when to try again.
func Headers(e *fault.Error) []Field {
	if e.RetryAfter <= 0 && e.Retry == fault.RetryUnsaid {
		return nil
	}
	fields := make([]Field, 0, 3)
	if e.RetryAfter > 0 {
		fields = append(fields,
			Field{"Retry-After", strconv.FormatInt(ceil(e.RetryAfter, time.Second), 10)},
			Field{"Retry-After-Ms", strconv.FormatInt(ceil(e.RetryAfter, time.Millisecond), 10)})
	}
	switch e.Retry {
	case fault.RetryYes:
		fields = append(fields, Field{"X-Should-Retry", "true"})
	case fault.RetryNo:
		fields = append(fields, Field{"X-Should-Retry", "false"})
	}
	return fields
}

// ceil gives d in whole units, rounded up, so that nobody comes back too early.
func ceil(d, unit time.Duration) int64 {
	if d > math.MaxInt64-unit {
		return int64(d / unit)
	}
	return int64((d + unit - 1) / unit)
}

// appendString appends s as a JSON string; what is no UTF-8 in it is replaced.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// appendNullable appends s as a JSON string, null if it is empty.
func appendNullable(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}
