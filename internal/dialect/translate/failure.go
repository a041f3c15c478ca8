package translate

import (
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/fault"
)

// Failure appends the body of a provider's error in OpenAI's shape, and gives the status
// to send it with: the provider's own, but for one that only Anthropic has.
func Failure(dst []byte, status int, body []byte) (out []byte, sent int) {
	if sent = status; sent == statusOverloaded {
		sent = statusUnavailable
	}
	return reply.Error(dst, dialect.OpenAI, failure(status, body), ""), sent
}

// Statuses that are treated in their own way.
const (
	statusInvalid      = 400
	statusUnauthorized = 401
	statusForbidden    = 403
	statusUnavailable  = 503
	statusOverloaded   = 529
)

// failure reads a provider's error: with the status it came with, 0 for one in a stream or
// in the place of an answer. Its type is a code among OpenAI's clients, who know others.
func failure(status int, body []byte) *fault.Error {
	if status == statusUnauthorized || status == statusForbidden { // of the caller's own credential
		status = statusInvalid
	}
	e := reply.UpstreamError(status, body)
	e.Type = ""
	e.Reason = "UpstreamFailure"
	return e
}
