package telemetry

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
)

// meters counts exchanges. Resolving label values into a series costs more than
// counting, so what an exchange resolves to is remembered under everything that
// decides it.
type meters struct {
	vectors   *vectors
	fixed     *fixed
	names     []string // of the extra fields
	keyLabels []string
	models    map[string]bool
	bounds    Bounds

	// A reader takes one atomic operation here, as it does at every histogram
	// that all exchanges share; a map without locks would gain nothing.
	mu    sync.RWMutex
	known map[identity]*series
}

// maxKnown bounds what is remembered; beyond it everything is resolved anew,
// to the same series.
const maxKnown = 8192

// identity is everything that decides the series of an exchange: where it was
// handled, and the rest as text.
type identity struct {
	place *gateway.Place
	text  string
}

func newMeters(s *Settings, v *vectors, f *fixed) *meters {
	m := &meters{
		vectors: v, fixed: f, names: slices.Clone(s.Fields.Metric), keyLabels: slices.Clone(s.KeyLabels),
		models: map[string]bool{}, bounds: s.Bounds.withDefaults(), known: map[identity]*series{},
	}
	for _, name := range s.Models {
		m.models[label(name)] = true
	}
	return m
}

// record counts an exchange.
func (m *meters) record(x *gateway.Exchange) {
	t := traitsOf(x)
	var room [320]byte
	text := m.identify(room[:0], x, t)
	m.mu.RLock()
	s := m.known[identity{x.Place, string(text)}]
	m.mu.RUnlock()
	if s == nil {
		s = m.resolve(x, t)
		m.remember(identity{x.Place, string(text)}, s)
	}
	s.observe(x, t)
	for i := range x.Attempts {
		s.call.Observe(x.Attempts[i].Duration.Seconds())
		if i+1 < len(x.Attempts) {
			m.attempt(&x.Attempts[i]).Inc()
		}
	}
}

func (m *meters) remember(id identity, s *series) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= maxKnown {
		clear(m.known)
	}
	m.known[id] = s
}

// identify appends what decides the series of x. It must name everything that
// resolve reads.
func (m *meters) identify(b []byte, x *gateway.Exchange, t traits) []byte {
	b = append(b, byte(t), byte(t>>8), byte(x.Operation), byte(x.Status), byte(x.Status>>8), byte(x.Outcome))
	b = appendBounded(b, methodLabel(x.Method))
	b = appendBounded(b, schemeLabel(x.Scheme))
	b = appendBounded(b, x.Provider)
	b = appendBounded(b, x.Backend)
	b = appendBounded(b, x.Reason)
	if x.Err != nil {
		b = appendBounded(b, x.Err.Code)
		if l := x.Err.Limit; l != nil {
			b = appendBounded(b, l.Kind)
			b = appendBounded(b, string(l.Reason))
		}
	}
	b = append(b, byte(x.CostSource), byte(lookupOf(x)))
	if n := len(x.Attempts); n > 0 {
		b = appendBounded(b, x.Attempts[n-1].Provider)
		b = appendBounded(b, x.Attempts[n-1].Backend)
		b = appendBounded(b, attemptOutcome(&x.Attempts[n-1]))
	}
	if t&answered != 0 {
		b = appendBounded(b, modelSent(x))
		b = appendBounded(b, x.ModelServed)
	}
	for i := range m.names {
		b = appendBounded(b, m.field(x, i))
	}
	if len(m.keyLabels) > 0 && x.Caller != nil {
		b = appendBounded(b, x.Caller.KeyID)
		b = appendBounded(b, x.Caller.Name)
	}
	return b
}

// appendBounded appends a value as a label would hold it. Its length stands in
// front, so that no two lists of values read alike; a cut value counts as
// longer than any whole one.
func appendBounded(b []byte, value string) []byte {
	cut := bounded(value)
	n := len(cut)
	if n < len(value) {
		n++
	}
	b = append(b, byte(n))
	return append(b, cut...)
}

// field gives the value of an extra field by its place in the settings.
func (m *meters) field(x *gateway.Exchange, i int) string {
	return fieldValue(m.names, x.FieldNames != nil, namesOf(x.FieldNames, false), x.MetricFields, i)
}

func namesOf(n *gateway.FieldNames, log bool) []string {
	switch {
	case n == nil:
		return nil
	case log:
		return n.Log
	default:
		return n.Metric
	}
}

// fieldValue gives the value of the field want[i]. An exchange that says which
// fields it brought is read by their names.
func fieldValue(want []string, named bool, have, values []string, i int) string {
	if named && (i >= len(have) || have[i] != want[i]) {
		i = slices.Index(have, want[i])
	}
	if i < 0 || i >= len(values) {
		return ""
	}
	return values[i]
}

// modelSent is the model that was asked for as far as the provider knows.
func modelSent(x *gateway.Exchange) string {
	if x.ModelSent != "" {
		return x.ModelSent
	}
	return x.ModelAsked
}

// methodLabel keeps clients from inventing methods.
func methodLabel(method string) string {
	switch method {
	case "", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return method
	default:
		return other
	}
}

// schemeLabel keeps clients from inventing schemes in absolute request targets.
func schemeLabel(scheme string) string {
	switch scheme {
	case "http", "https":
		return scheme
	case "":
		return unknown
	default:
		return other
	}
}

// resolve finds or makes the series of an exchange.
func (m *meters) resolve(x *gateway.Exchange, t traits) *series {
	place := placeValues(x.Place)
	models, extra := m.clientValues(x, t, place)
	s := &series{call: m.fixed.upstreamOther}
	m.resolveRequest(s, x, t, place, extra)
	if x.Provider != "" {
		s.call = m.fixed.upstreamModel
	}
	if n := len(x.Attempts); n > 0 {
		s.attempt = m.attempt(&x.Attempts[n-1])
		s.charged = m.fixed.charged.WithLabelValues(x.CostSource.String())
	}
	if x.Outcome == gateway.Refused {
		code := unknown
		if x.Err != nil {
			code = label(x.Err.Code)
		}
		if x.Err != nil && x.Err.Limit != nil {
			s.limit = m.fixed.limits.WithLabelValues(label(x.Err.Limit.Kind), limitReason(x.Err.Limit))
		}
		s.refused = m.vectors.refusals.WithLabelValues(slices.Concat([]string{code}, place, extra)...)
	}
	if t&answered != 0 {
		s.usage, s.clamped, s.lookup = &m.fixed.usage, m.fixed.clamped, m.fixed.lookups[lookupOf(x)]
		m.resolveModel(s, t, slices.Concat(models, place, extra))
	}
	return s
}

func (m *meters) resolveRequest(s *series, x *gateway.Exchange, t traits, place, extra []string) {
	status := unknown
	if x.Status != 0 {
		status = strconv.Itoa(x.Status)
	}
	protocol := ""
	switch {
	case x.Provider != "":
		protocol = "llm"
	case len(x.Attempts) > 0:
		protocol = "http"
	}
	values := slices.Concat(
		[]string{label(x.Backend), label(protocol), label(methodLabel(x.Method)), status, label(x.Reason)}, place, extra)
	s.requests = m.vectors.requests.WithLabelValues(values...)
	s.duration = m.vectors.duration.WithLabelValues(values...)
	s.bytes = m.vectors.responseBytes.WithLabelValues(values...)
	if t&retried != 0 {
		s.retries = m.vectors.retries.WithLabelValues(values...)
	}
	if t&sentOn != 0 {
		s.processing = m.vectors.processing.WithLabelValues(slices.Concat([]string{label(x.Backend)}, place, extra)...)
	}
	s.received = m.fixed.received.WithLabelValues(place[0], place[1], place[2], schemeLabel(x.Scheme))
	s.sent = m.fixed.sent.WithLabelValues(place[0], place[1], place[2], schemeLabel(x.Scheme))
}

func (m *meters) resolveModel(s *series, t traits, values []string) {
	v := m.vectors
	s.modelCall = v.modelCall.WithLabelValues(values...)
	if t&priced != 0 {
		s.cost = v.cost.WithLabelValues(values...)
	}
	if t&streamed != 0 {
		s.firstToken = v.firstToken.WithLabelValues(values...)
	}
	if t&paced != 0 {
		s.perOutputToken = v.perOutputToken.WithLabelValues(values...)
	}
	kind := func(name string) prometheus.Observer {
		return v.tokens.WithLabelValues(slices.Concat([]string{name}, values)...)
	}
	if t&metered == 0 {
		return
	}
	s.input, s.output = kind("input"), kind("output")
	if t&cacheRead != 0 {
		s.cacheRead = kind("input_cache_read")
	}
	if t&cacheWrite != 0 {
		s.cacheWrite = kind("input_cache_write")
	}
}

// lookup is what came of looking for a price, in agentgateway's words.
type lookup uint8

const (
	exact    lookup = iota // there is a price
	unpriced               // the model is known, its price is not
	missing                // the model is in no list
	noCatalog
	lookups
)

var lookupNames = [lookups]string{"Exact", "Unpriced", "Missing", "NoCatalog"}

func lookupOf(x *gateway.Exchange) lookup {
	switch {
	case !x.HasPrices:
		return noCatalog
	case x.PriceState != catalog.Unknown:
		return exact
	case len(x.Attempts) > 0 && x.Attempts[len(x.Attempts)-1].Quote.Model() != nil:
		return unpriced
	default:
		return missing
	}
}

// limitReason says why a limit refused; those of a route have one reason only.
func limitReason(l *fault.Limit) string {
	if l.Reason == "" {
		return string(fault.Exhausted)
	}
	return string(l.Reason)
}

// clientValues gives the label values that clients have a say in, within the
// bounds: those of the models, and those of the extra labels.
func (m *meters) clientValues(x *gateway.Exchange, t traits, place []string) (models, extra []string) {
	models = []string{unknown, unknown, unknown, unknown}
	if t&answered != 0 {
		models = []string{operationLabel(x.Operation), label(x.Provider), m.model(modelSent(x)), m.model(x.ModelServed)}
	}
	for i := range m.names {
		value := label(m.field(x, i))
		if !m.vectors.fields[i].admit(value, m.bounds.FieldValues) {
			value = m.fold()
		}
		extra = append(extra, value)
	}
	if len(m.keyLabels) > 0 {
		id, name := m.key(x)
		for _, label := range m.keyLabels {
			if label == labelKeyID {
				extra = append(extra, id)
			} else {
				extra = append(extra, name)
			}
		}
	}
	set := strings.Join(slices.Concat(models, place, extra), "\x00")
	if m.vectors.sets.admit(set, m.bounds.Series) {
		return models, extra
	}
	m.fixed.seriesDropped.Inc()
	for i := 2; i < len(models); i++ {
		if !m.models[models[i]] {
			models[i] = other
		}
	}
	for i := range extra {
		extra[i] = other
	}
	return models, extra
}

func (m *meters) model(name string) string {
	value := label(name)
	if m.models[value] || m.vectors.models.admit(value, m.bounds.Models) {
		return value
	}
	return m.fold()
}

// key gives the label values of a virtual key, within the bound.
func (m *meters) key(x *gateway.Exchange) (id, name string) {
	if x.Caller == nil || x.Caller.KeyID == "" {
		return unknown, unknown
	}
	id = label(x.Caller.KeyID)
	if !m.vectors.keys.admit(id, m.bounds.Keys) {
		folded := m.fold()
		return folded, folded
	}
	return id, label(x.Caller.Name)
}

func (m *meters) fold() string {
	m.fixed.seriesDropped.Inc()
	return other
}

func (m *meters) attempt(a *gateway.Attempt) prometheus.Counter {
	return m.fixed.attempts.WithLabelValues(label(a.Provider), label(a.Backend), attemptOutcome(a))
}

func placeValues(p *gateway.Place) []string {
	if p == nil {
		p = &gateway.Place{}
	}
	return []string{label(p.Bind), label(p.Gateway), label(p.Listener), label(p.Route), label(p.RouteRule)}
}
