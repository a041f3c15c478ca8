package reply

import (
	"cmp"
	"strconv"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

// Broken is what is known of a stream that ends with an error.
type Broken struct {
	RequestID  string
	ResponseID string // the provider's id of the response, "" if it gave none
	Events     int64  // that the caller has been sent
}

// StreamError appends the events that end a stream of an operation with an
// error, once its status is gone. No event follows them, not even "[DONE]":
// clients would take it for a good end.
func StreamError(dst []byte, op dialect.Operation, e *fault.Error, b Broken) []byte {
	switch op {
	case dialect.Messages:
		dst = append(dst, "event: error\ndata: "...)
		dst = Error(dst, dialect.Anthropic, e, b.RequestID)
	case dialect.Responses:
		return appendResponsesError(dst, e, b)
	case dialect.Generate:
		dst = append(dst, "data: "...)
		dst = Error(dst, dialect.Gemini, e, b.RequestID)
	default:
		dst = append(dst, "data: "...)
		dst = Error(dst, dialect.OpenAI, e, b.RequestID)
	}
	return append(dst, "\n\n"...)
}

// appendResponsesError appends the two events of a failed response. Clients
// read the error either from the event itself, as the format's description has
// it, or from an object within, as the service sends it. Events are numbered from 0.
func appendResponsesError(dst []byte, e *fault.Error, b Broken) []byte {
	dst = append(dst, "event: error\ndata: {\"type\":\"error\",\"sequence_number\":"...)
	dst = strconv.AppendInt(dst, b.Events, 10)
	dst = append(dst, `,"code":`...)
	dst = appendNullable(dst, e.Code)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `,"param":`...)
	dst = appendNullable(dst, e.Param)
	dst = append(dst, `,"error":`...)
	dst = appendOpenAI(dst, e)
	dst = append(dst, "}\n\nevent: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":"...)
	dst = strconv.AppendInt(dst, b.Events+1, 10)
	dst = append(dst, `,"response":{"id":`...)
	dst = appendString(dst, cmp.Or(b.ResponseID, b.RequestID))
	dst = append(dst, `,"object":"response","status":"failed","error":{"code":`...)
	dst = appendNullable(dst, e.Code)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	return append(dst, "},\"output\":[],\"usage\":null}}\n\n"...)
}
