package telemetry

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// traceContext is what a traceparent header says.
type traceContext struct {
	trace   trace.TraceID
	span    trace.SpanID
	sampled bool
}

// parseTraceParent reads a traceparent header as W3C Trace Context defines it:
// version 00 exactly, later versions as far as they are known.
func parseTraceParent(h string) (traceContext, bool) {
	var c traceContext
	if len(h) < 55 || h[2] != '-' || h[35] != '-' || h[52] != '-' {
		return c, false
	}
	var version, flags [1]byte
	ok := unhex(version[:], h[:2]) && unhex(c.trace[:], h[3:35]) && unhex(c.span[:], h[36:52]) && unhex(flags[:], h[53:55])
	switch {
	case !ok || version[0] == 0xff || !c.trace.IsValid() || !c.span.IsValid():
		return traceContext{}, false
	case len(h) > 55 && (version[0] == 0 || h[55] != '-'):
		return traceContext{}, false
	}
	c.sampled = flags[0]&1 != 0
	return c, true
}

// unhex reads lower-case hexadecimal digits; the specification allows no others.
func unhex(dst []byte, s string) bool {
	for i := range dst {
		high, low := digit(s[2*i]), digit(s[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	default:
		return 255
	}
}

// traceParent writes the header for a sampled span.
func traceParent(t trace.TraceID, s trace.SpanID) string {
	var b [55]byte
	copy(b[:], "00-")
	hex.Encode(b[3:], t[:])
	b[35] = '-'
	hex.Encode(b[36:], s[:])
	copy(b[52:], "-01")
	return string(b[:])
}

func newTraceID() (id trace.TraceID) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64()|1) // zero is no identifier
	return id
}

func newSpanID() (id trace.SpanID) {
	binary.NativeEndian.PutUint64(id[:], rand.Uint64()|1)
	return id
}

// givenIDs hands OpenTelemetry the identifiers that went upstream long before
// it heard of the span.
type givenIDs struct{}

type givenID struct{}

type ids struct {
	trace trace.TraceID
	span  trace.SpanID
}

func withIDs(ctx context.Context, t trace.TraceID, s trace.SpanID) context.Context {
	return context.WithValue(ctx, givenID{}, ids{t, s})
}

func (givenIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	given, _ := ctx.Value(givenID{}).(ids)
	return given.trace, given.span
}

func (g givenIDs) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	_, s := g.NewIDs(ctx)
	return s
}
