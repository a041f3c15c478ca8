package telemetry

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"tollgate/internal/gateway"
	"tollgate/internal/usage"
)

// span is the trace of one exchange while it is under way: identifiers that
// must be known before a provider is called.
type span struct {
	trace    trace.TraceID
	id       trace.SpanID
	parent   trace.SpanID // of the caller, zero if there is none
	state    string
	attempts []trace.SpanID
	room     [2]trace.SpanID
}

// TraceParent gives the header of the next attempt: each has a span of its own,
// so every call gives another.
func (s *span) TraceParent() string {
	id := newSpanID()
	s.attempts = append(s.attempts, id)
	return traceParent(s.trace, id)
}

// attempt is the identifier that went upstream with attempt i.
func (s *span) attempt(i int) trace.SpanID {
	if i < len(s.attempts) {
		return s.attempts[i]
	}
	return newSpanID()
}

// trace writes the identifiers of the trace that an exchange belongs to: ours,
// or the caller's where nothing is exported.
func (w *writer) trace(x *gateway.Exchange) {
	var of traceContext
	s, ok := x.Span.(*span)
	switch {
	case ok:
		of = traceContext{trace: s.trace, span: s.id}
	case x.TraceParent != "":
		if of, ok = parseTraceParent(x.TraceParent); !ok {
			return
		}
	default:
		return
	}
	w.hex(fieldTraceID, of.trace[:])
	w.hex(fieldSpanID, of.span[:])
}

func (w *writer) hex(field int, id []byte) {
	if w.removed[field] {
		return
	}
	w.name(fieldNames[field])
	w.quote()
	w.b = hex.AppendEncode(w.b, id)
	w.quote()
}

// finish hands the spans of an exchange that is over to OpenTelemetry.
func (t *tracer) finish(s *span, x *gateway.Exchange) {
	e := t.live.Load()
	if e == nil {
		return
	}
	ctx := context.Background()
	if s.parent.IsValid() {
		state, _ := trace.ParseTraceState(s.state)
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: s.trace, SpanID: s.parent, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
		}))
	}
	ended := x.Started.Add(x.Duration)
	ctx, server := e.tracer.Start(withIDs(ctx, s.trace, s.id), clean(x.Method+" "+pathOf(x)),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(x.Started), trace.WithAttributes(exchangeAttributes(x)...))
	for i := range x.Attempts {
		finishAttempt(withIDs(ctx, s.trace, s.attempt(i)), e.tracer, x, i, ended)
	}
	if why, failed := failure(x); failed {
		server.SetStatus(codes.Error, why)
	}
	server.End(trace.WithTimestamp(ended))
}

// failure tells whether an exchange failed by our fault or a provider's; what a
// caller does wrong is no error of a server's span.
func failure(x *gateway.Exchange) (why string, failed bool) {
	if x.Status < 500 && x.Outcome != gateway.Failed && x.Outcome != gateway.Aborted {
		return "", false
	}
	if x.Err != nil {
		return x.Err.Code, true
	}
	return x.Outcome.String(), true
}

func finishAttempt(ctx context.Context, tracer trace.Tracer, x *gateway.Exchange, i int, ended time.Time) {
	a := &x.Attempts[i]
	name := operationLabel(x.Operation)
	if a.Model != "" {
		name += " " + a.Model
	}
	attributes := []attribute.KeyValue{
		attribute.String("tollgate.backend", clean(a.Backend)),
		attribute.String("tollgate.attempt.outcome", attemptOutcome(a)),
	}
	last := i+1 == len(x.Attempts)
	if last {
		attributes = append(append(attributes, modelAttributes(x)...), attribute.String("server.address", clean(x.Endpoint)))
	} else {
		attributes = append(attributes,
			attribute.String("gen_ai.operation.name", operationLabel(x.Operation)),
			attribute.String("gen_ai.provider.name", clean(a.Provider)),
			attribute.String("gen_ai.request.model", clean(a.Model)))
	}
	if a.Status != 0 {
		attributes = append(attributes, attribute.Int("http.response.status_code", a.Status))
	}
	_, child := tracer.Start(ctx, clean(name), trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(a.Started), trace.WithAttributes(attributes...))
	if a.Err != nil || a.Status >= 400 {
		outcome := attemptOutcome(a)
		child.SetAttributes(attribute.String("error.type", outcome))
		child.SetStatus(codes.Error, outcome)
	}
	if !last || a.Err != nil { // else its answer was passed on until the end
		ended = a.Started.Add(a.Duration)
	}
	child.End(trace.WithTimestamp(ended))
}

func exchangeAttributes(x *gateway.Exchange) []attribute.KeyValue {
	a := make([]attribute.KeyValue, 0, 40)
	text := func(name, value string) {
		if value != "" {
			a = append(a, attribute.String(name, clean(value)))
		}
	}
	text("http.request.method", x.Method)
	text("url.scheme", x.Scheme)
	text("url.path", pathOf(x))
	text("server.address", x.Host)
	text("client.address", x.RemoteAddr)
	text("network.protocol.name", x.Proto)
	text("user_agent.original", x.UserAgent)
	if x.Status != 0 {
		a = append(a, attribute.Int("http.response.status_code", x.Status))
	}
	if p := x.Place; p != nil {
		text("gateway", p.Gateway)
		text("listener", p.Listener)
		text("route", p.Route)
		text("route_rule", p.RouteRule)
	}
	text("tollgate.request.id", x.ID)
	if c := x.Caller; c != nil {
		text("tollgate.key.id", c.KeyID)
		text("tollgate.key.name", c.Name)
	}
	text("tollgate.model.asked", x.ModelAsked)
	text("tollgate.outcome", x.Outcome.String())
	if x.Err != nil {
		text("error.type", x.Err.Code)
	}
	if x.Provider != "" {
		a = append(a, modelAttributes(x)...)
	}
	return a
}

// modelAttributes follow the semantic conventions for generative AI.
// gen_ai.system is the former name of gen_ai.provider.name; both are in use.
func modelAttributes(x *gateway.Exchange) []attribute.KeyValue {
	a := make([]attribute.KeyValue, 0, 16)
	text := func(name, value string) {
		if value != "" {
			a = append(a, attribute.String(name, clean(value)))
		}
	}
	text("gen_ai.operation.name", operationLabel(x.Operation))
	text("gen_ai.provider.name", x.Provider)
	text("gen_ai.system", x.Provider)
	text("gen_ai.request.model", modelSent(x))
	text("gen_ai.response.model", x.ModelServed)
	if x.MaxTokens > 0 {
		a = append(a, attribute.Int64("gen_ai.request.max_tokens", x.MaxTokens))
	}
	if x.HasTemperature {
		a = append(a, attribute.Float64("gen_ai.request.temperature", x.Temperature))
	}
	if x.FirstByte > 0 && x.Streamed {
		a = append(a, attribute.Float64("agw.ai.time_to_first_token", x.FirstByte.Seconds()))
	}
	u := &x.Usage
	if u.Source == usage.Absent {
		return a
	}
	count := func(name string, n int64, named bool) {
		if named || n > 0 {
			a = append(a, attribute.Int64(name, n))
		}
	}
	count("gen_ai.usage.input_tokens", u.Input(), true)
	count("gen_ai.usage.output_tokens", u.Output(), true)
	count("gen_ai.usage.cache_read.input_tokens", u.CacheRead, u.Reported&usage.CacheRead != 0)
	count("gen_ai.usage.cache_creation.input_tokens", u.CacheWrite(), u.Reported&usage.CacheWrite != 0)
	count("gen_ai.usage.reasoning_tokens", u.OutputReasoning, u.Reported&usage.Reasoning != 0)
	return append(a, attribute.String("tollgate.usage.source", u.Source.String()))
}

// pathOf is the path without a query, which could hold a credential.
func pathOf(x *gateway.Exchange) string {
	path, _, _ := strings.Cut(x.Path, "?")
	return path
}

// clean makes text fit to be exported: a copy, of bounded length, in valid
// UTF-8, without which a receiver refuses the whole batch.
func clean(text string) string {
	if len(text) > maxValue {
		text = cutAt(text, maxValue)
	}
	return strings.ToValidUTF8(strings.Clone(text), "\uFFFD")
}
