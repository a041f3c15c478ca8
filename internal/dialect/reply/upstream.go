package reply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/fault"
)

// UpstreamError reads a provider's error, whichever of the shapes in use it has,
// and says what it means for the caller and for trying again. The body may be
// cut short or no JSON at all. What a provider says about our credential is
// never passed on: such messages quote a part of it.
func UpstreamError(status int, body []byte) *fault.Error {
	said := readUpstream(body)
	if status < 400 {
		// The error came in a body or stream that had begun well.
		status = statusBadGateway
		if n, err := strconv.Atoi(said.code); err == nil && n >= 400 && n < 600 {
			status = n
		}
	}
	e := &fault.Error{
		Code: said.code, Type: said.kind, Param: said.param, Message: said.message,
		RetryAfter: said.retryAfter,
		Err:        fmt.Errorf("the provider answered %d %s", status, said.code),
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("The provider answered with status %d.", status)
	}
	if e.Code == "" {
		e.Code = "upstream_error"
	}
	switch {
	case status == statusUnauthorized, status == statusForbidden, said.reason == "API_KEY_INVALID":
		e.Kind, e.Code, e.Type, e.Param, e.Retry = fault.Upstream, "upstream_auth", "", "", fault.RetryNo
		e.Err = fmt.Errorf("the provider answered %d", status)
		e.Message = "The provider refused the credential that the gateway holds for it. Whoever runs the gateway must replace it."
	case status == statusPaymentRequired:
		e.Kind, e.Code, e.Type, e.Retry = fault.Upstream, "upstream_billing", "", fault.RetryNo
		e.Message = "The gateway's account with the provider is out of credit."
	case status == statusTooManyRequests:
		e.Kind, e.Retry = fault.Limited, fault.RetryYes
		if said.exhausted {
			e.Retry = fault.RetryNo
		}
	case status == statusNotFound:
		e.Kind = fault.NotFound
	case status == statusRequestTimeout, status == statusGatewayTimeout:
		e.Kind, e.Retry = fault.Timeout, fault.RetryYes
	case status == statusTooLarge:
		e.Kind = fault.TooLarge
	case status < 500:
		e.Kind = fault.Invalid
	case status == statusUnavailable, status == statusOverloaded:
		e.Kind, e.Retry = fault.Unavailable, fault.RetryYes
	default:
		e.Kind, e.Retry = fault.Upstream, fault.RetryYes
	}
	return e
}

// upstreamSaid is what a provider's error body told.
type upstreamSaid struct {
	message, kind, code, param string
	reason                     string // of Google's ErrorInfo
	retryAfter                 time.Duration
	exhausted                  bool // a quota is used up that waiting a little does not refill
}

// errorObject has the members of all shapes: OpenAI's and Anthropic's error
// object, Google's, and the flat ones of Bedrock, Mistral, Cohere, xAI and vLLM.
// The members vary in type.
type errorObject struct {
	Error, Message, Type, Code, Param, Status, Detail json.RawMessage
	Details                                           []googleDetail
}

// googleDetail is one of Google's error details.
type googleDetail struct {
	Reason, RetryDelay string
	Violations         []struct{ QuotaID string }
}

func readUpstream(body []byte) upstreamSaid {
	var said upstreamSaid
	if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '[' {
		// Google wraps the error of a stream into a list.
		var list []json.RawMessage
		if json.Unmarshal(body, &list) != nil || len(list) == 0 {
			return said
		}
		body = list[0]
	}
	said.read(body)
	said.exhausted = said.exhausted || said.code == "insufficient_quota" || said.kind == "insufficient_quota"
	return said
}

func (s *upstreamSaid) read(object json.RawMessage) {
	var o errorObject
	// A member of another type than in any known shape leaves the rest readable.
	_ = json.Unmarshal(object, &o)
	if text := stringOf(o.Error); text != "" {
		s.message = clip(text)
	} else if len(o.Error) > 0 && o.Error[0] == '{' {
		s.read(o.Error)
		return
	}
	if text := stringOf(o.Message); text != "" {
		s.message = clip(text)
	}
	if s.message == "" {
		s.message = clip(stringOf(o.Detail))
	}
	s.kind = token(stringOf(o.Type))
	s.param = clip(stringOf(o.Param))
	if s.code = token(stringOf(o.Code)); s.code == "" {
		s.code = string(numberOf(o.Code))
	}
	if status := token(stringOf(o.Status)); status != "" {
		s.code = strings.ToLower(status) // Google's name; its code is the HTTP status
	}
	if s.code == "" {
		s.code = s.kind
	}
	for _, d := range o.Details {
		if d.Reason != "" {
			s.reason = d.Reason
		}
		if wait, err := time.ParseDuration(d.RetryDelay); err == nil && wait > 0 {
			s.retryAfter = wait
		}
		for _, v := range d.Violations {
			s.exhausted = s.exhausted || strings.Contains(v.QuotaID, "PerDay")
		}
	}
}

func stringOf(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func numberOf(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || raw[0] < '0' || raw[0] > '9' {
		return nil
	}
	return raw
}

// token gives s if it can be a code: short, without spaces.
func token(s string) string {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return ""
	}
	return s
}

// clip bounds a provider's text.
func clip(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// RetryAfter gives the time after which a provider's header says to try again,
// 0 if it says nothing that can be understood.
func RetryAfter(header func(name string) string, now time.Time) time.Duration {
	for _, name := range [...]string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if d := units(header(name), time.Millisecond); d > 0 {
			return d
		}
	}
	value := strings.TrimSpace(header("Retry-After"))
	if d := units(value, time.Second); d > 0 {
		return d
	}
	const httpDate = "Mon, 02 Jan 2006 15:04:05 GMT"
	if at, err := time.Parse(httpDate, value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// units reads a number of units, with a fraction or without; more than a year
// is nonsense.
func units(value string, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	const year = 365 * 24 * time.Hour
	if err != nil || math.IsNaN(n) || n <= 0 || n > float64(year)/float64(unit) {
		return 0
	}
	return time.Duration(n * float64(unit))
}
