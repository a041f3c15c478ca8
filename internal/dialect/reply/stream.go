package reply

import (
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

// StreamError appends the events that end a stream of an operation with an
// error, once its status is gone. No event follows them, not even "[DONE]":
// clients would take it for a good end.
func StreamError(dst []byte, op dialect.Operation, e *fault.Error, requestID string) []byte {
	switch op {
	case dialect.Messages:
		dst = append(dst, "event: error\ndata: "...)
		dst = Error(dst, dialect.Anthropic, e, requestID)
	case dialect.Responses:
		return appendResponsesError(dst, e, requestID)
	case dialect.Generate:
		dst = append(dst, "data: "...)
		dst = Error(dst, dialect.Gemini, e, requestID)
	default:
		dst = append(dst, "data: "...)
		dst = Error(dst, dialect.OpenAI, e, requestID)
	}
	return append(dst, "\n\n"...)
}

// appendResponsesError appends the two events of a failed response. Clients
// read the error either from the event itself, as the format's description has
// it, or from an object within, as the service sends it.
func appendResponsesError(dst []byte, e *fault.Error, requestID string) []byte {
	dst = append(dst, "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":"...)
	dst = appendNullable(dst, e.Code)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	dst = append(dst, `,"param":`...)
	dst = appendNullable(dst, e.Param)
	dst = append(dst, `,"error":`...)
	dst = appendOpenAI(dst, e)
	dst = append(dst, "}\n\nevent: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":1,\"response\":{\"id\":"...)
	dst = appendString(dst, requestID)
	dst = append(dst, `,"object":"response","status":"failed","error":{"code":`...)
	dst = appendNullable(dst, e.Code)
	dst = append(dst, `,"message":`...)
	dst = appendString(dst, e.Message)
	return append(dst, "},\"output\":[],\"usage\":null}}\n\n"...)
}
