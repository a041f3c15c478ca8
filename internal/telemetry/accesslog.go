package telemetry

import (
	"slices"
	"strings"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/usage"
)

// Bounds of values in the access log, in bytes.
const (
	maxValue = 256
	maxPath  = 1024
	maxError = 512
)

// The fields of the access log that are not configured, in the order in which
// they are written. Up to the duration they are agentgateway's.
const (
	fieldGateway = iota
	fieldListener
	fieldRouteRule
	fieldRoute
	fieldEndpoint
	fieldSource
	fieldMethod
	fieldHost
	fieldPath
	fieldVersion
	fieldStatus
	fieldTraceID
	fieldSpanID
	fieldProtocol
	fieldOperation
	fieldProvider
	fieldRequestModel
	fieldResponseModel
	fieldInput
	fieldCacheWrite
	fieldCacheRead
	fieldOutput
	fieldReasoning
	fieldFirstToken
	fieldPerOutputToken
	fieldCost
	fieldTemperature
	fieldMaxTokens
	fieldRetry
	fieldError
	fieldReason
	fieldDuration
	fieldRequestID
	fieldKeyID
	fieldKeyName
	fieldModelAsked
	fieldBackend
	fieldUsageSource
	fieldOutcome
	fieldErrorCode
	fieldAttempts
	fieldFirstByte
	fieldStreamed
	fieldBytesIn
	fieldBytesOut
	fieldCostSource
	fieldPriceVersion
	fieldLimit
	fieldLimitReason
	fieldCount
)

var fieldNames = [fieldCount]string{
	fieldGateway: "gateway", fieldListener: "listener", fieldRouteRule: "route_rule", fieldRoute: "route",
	fieldEndpoint: "endpoint", fieldSource: "src.addr",
	fieldMethod: "http.method", fieldHost: "http.host", fieldPath: "http.path", fieldVersion: "http.version", fieldStatus: "http.status",
	fieldTraceID: "trace.id", fieldSpanID: "span.id", fieldProtocol: "protocol",
	fieldOperation: "gen_ai.operation.name", fieldProvider: "gen_ai.provider.name",
	fieldRequestModel: "gen_ai.request.model", fieldResponseModel: "gen_ai.response.model",
	fieldInput: "gen_ai.usage.input_tokens", fieldCacheWrite: "gen_ai.usage.cache_creation.input_tokens",
	fieldCacheRead: "gen_ai.usage.cache_read.input_tokens", fieldOutput: "gen_ai.usage.output_tokens",
	fieldReasoning:  "gen_ai.usage.reasoning_tokens",
	fieldFirstToken: "agw.ai.time_to_first_token", fieldPerOutputToken: "agw.ai.time_per_output_token",
	fieldCost:        "agw.ai.usage.cost.total",
	fieldTemperature: "gen_ai.request.temperature", fieldMaxTokens: "gen_ai.request.max_tokens",
	fieldRetry: "retry.attempt", fieldError: "error", fieldReason: "reason", fieldDuration: "duration",
	fieldRequestID: "request.id", fieldKeyID: "key.id", fieldKeyName: "key.name", fieldModelAsked: "model.asked",
	fieldBackend: "backend", fieldUsageSource: "usage.source", fieldOutcome: "outcome", fieldErrorCode: "error.code",
	fieldAttempts: "attempts", fieldFirstByte: "first_byte", fieldStreamed: "streamed",
	fieldBytesIn: "bytes.in", fieldBytesOut: "bytes.out",
	fieldCostSource: "cost.source", fieldPriceVersion: "price.version", fieldLimit: "limit.id", fieldLimitReason: "limit.reason",
}

// lines writes exchanges as lines of the access log.
type lines struct {
	json    bool
	removed [fieldCount]bool
	extra   []string // names of the configured fields
	written []string // the same, fit to be written; "" if removed
}

func newLines(s *Settings) *lines {
	l := &lines{json: s.LogFormat == JSON, extra: slices.Clone(s.Fields.Log)}
	for i, name := range fieldNames {
		// A configured field takes the place of ours of the same name.
		l.removed[i] = slices.Contains(s.RemovedLogFields, name) || slices.Contains(l.extra, name)
	}
	for _, name := range l.extra {
		if slices.Contains(s.RemovedLogFields, name) {
			l.written = append(l.written, "")
			continue
		}
		l.written = append(l.written, plainName(name))
	}
	return l
}

// plainName makes a name that needs no quotes in any format.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' '+1 || r > '~' || !bare[byte(r)] {
			return '_'
		}
		return r
	}, name)
}

// append appends the line of an exchange.
func (l *lines) append(b []byte, x *gateway.Exchange) []byte {
	w := &writer{line: line{b: b, json: l.json}, removed: &l.removed}
	w.begin(x.Started.Add(x.Duration), "info", "request")
	w.where(x)
	if x.Provider != "" {
		w.model(x)
	}
	w.result(x)
	w.ours(x)
	for i, name := range l.written {
		value := fieldValue(l.extra, x.FieldNames != nil, namesOf(x.FieldNames, true), x.LogFields, i)
		if name != "" && value != "" {
			w.name(name)
			w.text(value, maxValue)
		}
	}
	return w.end()
}

// lost gives the line that tells of dropped ones.
func (l *lines) lost(now time.Time, n int64) []byte {
	var none [fieldCount]bool
	w := &writer{line: line{json: l.json}, removed: &none}
	w.begin(now, "warn", "access log dropped lines")
	w.name("lines")
	w.number(n)
	return w.end()
}

// writer writes the fields of one line, but for the removed ones.
type writer struct {
	line
	removed *[fieldCount]bool
}

func (w *writer) begin(at time.Time, level, scope string) {
	const layout = "2006-01-02T15:04:05.000000Z"
	if !w.json {
		w.b = at.UTC().AppendFormat(w.b, layout)
		w.b = append(w.b, '\t')
		w.b = append(w.b, level...)
		w.b = append(w.b, '\t')
		w.b = append(w.b, scope...)
		return
	}
	w.b = append(w.b, `{"level":"`...)
	w.b = append(w.b, level...)
	w.b = append(w.b, `","time":"`...)
	w.b = at.UTC().AppendFormat(w.b, layout)
	w.b = append(w.b, `","scope":"`...)
	w.b = append(w.b, scope...)
	w.b = append(w.b, '"')
}

func (w *writer) end() []byte {
	if w.json {
		w.b = append(w.b, '}')
	}
	return append(w.b, '\n')
}

// put writes a field if it has a value.
func (w *writer) put(field int, value string, limit int) {
	if value != "" && !w.removed[field] {
		w.name(fieldNames[field])
		w.text(value, limit)
	}
}

func (w *writer) count(field int, n int64) {
	if !w.removed[field] {
		w.name(fieldNames[field])
		w.number(n)
	}
}

func (w *writer) time(field int, d time.Duration) {
	if !w.removed[field] {
		w.name(fieldNames[field])
		w.milliseconds(d)
	}
}

func (w *writer) where(x *gateway.Exchange) {
	if p := x.Place; p != nil {
		w.put(fieldGateway, p.Gateway, maxValue)
		w.put(fieldListener, p.Listener, maxValue)
		w.put(fieldRouteRule, p.RouteRule, maxValue)
		w.put(fieldRoute, p.Route, maxValue)
	}
	w.put(fieldEndpoint, x.Endpoint, maxValue)
	w.put(fieldSource, x.RemoteAddr, maxValue)
	w.put(fieldMethod, x.Method, maxValue)
	w.put(fieldHost, x.Host, maxValue)
	w.put(fieldPath, pathOf(x), maxPath)
	w.put(fieldVersion, x.Proto, maxValue)
	if x.Status != 0 {
		w.count(fieldStatus, int64(x.Status))
	}
	w.trace(x)
}

func (w *writer) model(x *gateway.Exchange) {
	w.put(fieldProtocol, "llm", maxValue)
	w.put(fieldOperation, operationLabel(x.Operation), maxValue)
	w.put(fieldProvider, x.Provider, maxValue)
	w.put(fieldRequestModel, modelSent(x), maxValue)
	w.put(fieldResponseModel, x.ModelServed, maxValue)
	if u := &x.Usage; u.Source != usage.Absent {
		w.count(fieldInput, u.Input())
		if u.CacheWrite() > 0 || u.Reported&usage.CacheWrite != 0 {
			w.count(fieldCacheWrite, u.CacheWrite())
		}
		if u.CacheRead > 0 || u.Reported&usage.CacheRead != 0 {
			w.count(fieldCacheRead, u.CacheRead)
		}
		w.count(fieldOutput, u.Output())
		if u.OutputReasoning > 0 || u.Reported&usage.Reasoning != 0 {
			w.count(fieldReasoning, u.OutputReasoning)
		}
	}
	if t := traitsOf(x); t&streamed != 0 {
		w.time(fieldFirstToken, x.FirstByte)
		if t&paced != 0 && !w.removed[fieldPerOutputToken] {
			w.name(fieldNames[fieldPerOutputToken])
			w.fine(perOutputToken(x))
		}
	}
	if x.PriceState != catalog.Unknown && !w.removed[fieldCost] {
		w.name(fieldNames[fieldCost])
		w.b, _ = x.Cost.AppendText(w.b)
	}
	if x.HasTemperature && !w.removed[fieldTemperature] {
		w.name(fieldNames[fieldTemperature])
		w.float(x.Temperature)
	}
	if x.MaxTokens > 0 {
		w.count(fieldMaxTokens, x.MaxTokens)
	}
}

func (w *writer) result(x *gateway.Exchange) {
	if n := len(x.Attempts); n > 1 {
		w.count(fieldRetry, int64(n-1))
	}
	if x.Err != nil && !w.removed[fieldError] {
		w.put(fieldError, errorText(x.Err), maxError)
	}
	w.put(fieldReason, x.Reason, maxValue)
	w.time(fieldDuration, x.Duration)
}

// errorText says what went wrong. What is wrong with a request is told to its
// caller alone, because the words quote it; the log has the code.
func errorText(e *fault.Error) string {
	switch e.Kind {
	case fault.Invalid, fault.TooLarge, fault.Unsupported:
		return e.Code
	default:
		return e.Error()
	}
}

func (w *writer) ours(x *gateway.Exchange) {
	w.put(fieldRequestID, x.ID, maxValue)
	if c := x.Caller; c != nil {
		w.put(fieldKeyID, c.KeyID, maxValue)
		w.put(fieldKeyName, c.Name, maxValue)
	}
	w.put(fieldModelAsked, x.ModelAsked, maxValue)
	w.put(fieldBackend, x.Backend, maxValue)
	if n := len(x.Attempts); n > 0 {
		if x.Provider != "" {
			w.put(fieldUsageSource, x.Usage.Source.String(), maxValue)
		}
		w.count(fieldAttempts, int64(n))
	}
	w.put(fieldOutcome, x.Outcome.String(), maxValue)
	if x.Err != nil {
		w.put(fieldErrorCode, x.Err.Code, maxValue)
	}
	if x.FirstByte > 0 {
		w.time(fieldFirstByte, x.FirstByte)
	}
	if x.Streamed && !w.removed[fieldStreamed] {
		w.name(fieldNames[fieldStreamed])
		w.b = append(w.b, "true"...)
	}
	w.count(fieldBytesIn, x.BytesIn)
	w.count(fieldBytesOut, x.BytesOut)
	if x.PriceState != catalog.Unknown {
		w.put(fieldCostSource, x.CostSource.String(), maxValue)
		w.put(fieldPriceVersion, x.PriceVersion, maxValue)
	}
	if x.Err != nil && x.Err.Limit != nil {
		w.put(fieldLimit, x.Err.Limit.ID, maxValue)
		w.put(fieldLimitReason, string(x.Err.Limit.Reason), maxValue)
	}
}

// perOutputToken is the time from the first byte of a stream to its end, shared
// out to the output tokens.
func perOutputToken(x *gateway.Exchange) time.Duration {
	return (x.Duration - x.FirstByte) / time.Duration(x.Usage.Output())
}
