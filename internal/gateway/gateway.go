package gateway

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/caller"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/dialect/request"
	"tollgate/internal/expression"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/routing"
	"tollgate/internal/vkey"
)

// Gateway serves requests under the snapshot in force.
type Gateway struct {
	live     atomic.Pointer[Snapshot]
	quota    *quota.Engine
	prices   func() *catalog.Catalog
	recorder Recorder
	tracer   Tracer
	log      *slog.Logger
	now      func() time.Time
	hurry    chan struct{} // closed once nobody is to be waited for any more
	hasten   sync.Once
}

// Options are what a Gateway is made of; all are required but Prices and Tracer.
type Options struct {
	Snapshot *Snapshot
	Quota    *quota.Engine
	// Prices gives the price lists in force; without them no price is known.
	Prices   func() *catalog.Catalog
	Recorder Recorder
	Tracer   Tracer
	Log      *slog.Logger
}

// Tracer makes spans; see Span.
type Tracer interface {
	// Begin starts the span of an exchange under the caller's trace context.
	// It gives nil where the exchange is not traced.
	Begin(traceParent, traceState string) Span
}

// New makes a gateway.
func New(o Options) *Gateway {
	g := &Gateway{quota: o.Quota, prices: o.Prices, recorder: o.Recorder, tracer: o.Tracer, log: o.Log, now: time.Now, hurry: make(chan struct{})}
	g.live.Store(o.Snapshot)
	return g
}

// Swap puts another snapshot in force. Requests under way keep theirs.
func (g *Gateway) Swap(s *Snapshot) { g.live.Store(s) }

// Snapshot gives the snapshot in force.
func (g *Gateway) Snapshot() *Snapshot { return g.live.Load() }

// Hasten ends, for good, all waiting for the usage of answers whose callers left.
func (g *Gateway) Hasten() { g.hasten.Do(func() { close(g.hurry) }) }

// MaxBody is the largest body that any request may have at the moment, in bytes.
func (g *Gateway) MaxBody() int64 {
	s := g.live.Load()
	return max(s.MaxBody, s.Form.Total)
}

// exchange is one request on its way: the record that outlives it and what only
// the steps need.
type exchange struct {
	Exchange
	snap     *Snapshot
	req      *Request
	out      Responder
	parting  parting
	whenLeft func()      // told that the caller left; made once
	lines    []string    // values of header lines of the answer; it keeps them
	limits   headerLines // those about limits, while they are written
	subject  subject
	listener *Listener
	route    *Route
	matched  *routing.Match // what of the route matched
	backend  *Backend       // that was chosen among those of the route, nil if it has models

	presented credential  // what was given and is no virtual key of ours
	virtual   string      // the virtual key that was given, "" if none was
	entry     *vkey.Entry // of that key, nil if none was

	prices  *catalog.Catalog // nil: no price is known
	plan    plan             // of the latest attempt
	ask     quota.Ask        // what the limits were asked for it
	hold    *quota.Hold      // what is reserved
	receipt ledger.Receipt   // of the latest charge
	// unmetered estimates the tokens of an answer that the meter was not shown whole;
	// truncated tells of one that ended before its JSON did.
	unmetered int64
	truncated bool
	trailed   bool // the head of the answer has announced a trailer

	path    string // after rewriting
	body    []byte // as the caller sent it
	buffer  *[]byte
	spooled *request.Spooled // a multipart body, instead of body
	upload  *upload          // a body for a plain server that passes through, instead of body
	peeked  request.Peeked
	forced  bool // usage was asked for in the caller's place
	unread  bool // the body is none that is understood: it passes as it is
	// resolvedModel is what an alias made of the model asked for, "" if nothing.
	resolvedModel string

	order   []Choice
	choices [4]Choice
	single  [1]Choice
	groups  [1][]Choice

	upstream     provider.Request
	answer       answer         // of the latest attempt
	items        []catalog.Line // of a cost, while it is charged
	fields       [12]provider.Field
	edits        request.Edits
	editedBuffer *[]byte
	translation  *translation // nil: no target of another dialect
	form         io.Closer    // the form being sent
	attempts     [2]Attempt
	started      bool  // the answer's head is out
	events       int64 // of a stream, that the caller was sent
	responseID   string

	input    expression.Input
	hasInput bool
	llm      expression.LLM
	head     expression.Response
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// Serve answers one request: this is the order of business. Each step gives its
// result to the exchange and returns here.
func (g *Gateway) Serve(ctx context.Context, req *Request, out Responder) {
	x := g.begin(req, out)
	defer g.end(ctx, x)

	if done, err := g.authenticate(x); done || err != nil {
		g.refuse(ctx, x, err)
		return
	}
	ctx = x.attend(ctx, g.hurry)
	defer x.parting.end()
	if x.entry != nil {
		defer x.entry.Flights.Add(x.parting.cancel).End()
	}
	if done, err := g.authorize(x); done || err != nil {
		g.refuse(ctx, x, err)
		return
	}
	ctx, cancel := bounded(ctx, x.route.RequestTimeout)
	defer cancel()

	hold, err := g.reserve(ctx, x)
	if err != nil {
		g.refuse(ctx, x, err)
		return
	}
	defer hold.Close()

	answer, err := g.send(ctx, x)
	if err != nil {
		g.giveBack(ctx, x)
		g.refuse(ctx, x, err)
		return
	}
	defer answer.close()

	err = g.relay(ctx, x, answer)
	g.settle(ctx, x, answer)
	g.refuse(ctx, x, err)
	x.endAnswer()
}

// Refuse answers a request that its surface found unfit to be one.
func (g *Gateway) Refuse(req *Request, out Responder, why *fault.Error) {
	x := g.begin(req, out)
	defer g.end(context.Background(), x)
	g.place(x)
	g.refuse(context.Background(), x, why)
}

func (g *Gateway) begin(req *Request, out Responder) *exchange {
	x := exchanges.Get().(*exchange)
	x.snap = g.live.Load()
	x.req, x.out = req, out
	x.Exchange = Exchange{
		ID: newID(), Started: req.Received, Outcome: Aborted, Place: &unknownPlace,
		Scheme: req.Scheme, Method: req.Method, Host: req.Host, Path: vkey.VeilPath(req.Path), Proto: req.Proto,
		UserAgent: req.Header.Get("User-Agent"), RemoteAddr: req.RemoteAddr,
		TraceParent: req.Header.Get("Traceparent"), TraceState: req.Header.Get("Tracestate"),
		Caller:     caller.Anonymous,
		FieldNames: x.snap.FieldNames, MetricFields: x.MetricFields[:0], LogFields: x.LogFields[:0],
	}
	x.Attempts = x.attempts[:0]
	x.order = x.choices[:0]
	x.subject = subject{req}
	x.path = req.Path
	x.Operation, x.Dialect, _ = request.Route(req.Path)
	if g.prices != nil {
		x.prices = g.prices()
		x.HasPrices = x.prices != nil
	}
	if g.tracer != nil {
		x.Span = g.tracer.Begin(x.TraceParent, x.TraceState)
	}
	x.tell("X-Request-Id", x.ID)
	return x
}

var unknownPlace Place

// end keeps the record, whatever happened; during a panic as well.
func (g *Gateway) end(ctx context.Context, x *exchange) {
	x.Duration = g.now().Sub(x.Started)
	if x.Outcome == Aborted && !x.started {
		x.Status = 500 // what the surface makes of a panic
	}
	x.computeFields()
	g.recorder.Record(&x.Exchange)
	x.release()
}

func (x *exchange) release() {
	if x.Outcome == Aborted { // a bug: nobody knows who still reads these buffers
		if x.spooled != nil {
			_ = x.spooled.Close()
		}
		return
	}
	if x.buffer != nil {
		putBuffer(x.buffer)
	}
	if x.editedBuffer != nil {
		putBuffer(x.editedBuffer)
	}
	x.endTranslation()
	if x.spooled != nil {
		_ = x.spooled.Close()
	}
	// What has grown is kept for the next request, emptied; all else goes.
	x.edits.Reset()
	clear(x.items[:cap(x.items)])
	metric, logged, edits, items, text := x.MetricFields[:0], x.LogFields[:0], x.edits, x.items[:0], x.limits.text[:0]
	clear(metric[:cap(metric)])
	clear(logged[:cap(logged)])
	*x = exchange{edits: edits, items: items, limits: headerLines{text: text}, whenLeft: x.whenLeft}
	x.MetricFields, x.LogFields = metric, logged
	exchanges.Put(x)
}

// refuse turns an error into the caller's answer, in one place: the body of the
// dialect called, or an event of it once a stream has begun.
func (g *Gateway) refuse(ctx context.Context, x *exchange, err error) {
	if err == nil {
		return // answered on the way
	}
	e := fault.As(err)
	switch {
	case e.Kind == fault.Canceled, x.left(ctx) && isUpstream(e):
		x.cut()
		return
	case isUpstream(e):
		if cut := cutBy(ctx); cut != nil {
			e = cut
		}
	}
	x.Err, x.Reason = e, reply.Reason(e)
	x.Outcome = Refused
	if isUpstream(e) {
		x.Outcome = Failed
	}
	if e.Kind == fault.Internal {
		g.log.Error("request failed", "request_id", x.ID, "error", e)
	}
	if x.started {
		x.breakOff(e)
		return
	}
	x.Status = reply.Status(e)
	for _, f := range reply.Headers(e) {
		x.tell(textproto.CanonicalMIMEHeaderKey(f.Name), f.Value)
	}
	g.tellStandings(x, e.Limit)
	if x.Method == http.MethodHead { // a type would announce a body that never comes
		x.respond(x.Status, nil)
		return
	}
	x.respond(x.Status, x.errorBody(e))
}

// endAnswer tells what a stream came to, once that is on record.
func (x *exchange) endAnswer() {
	x.recorded()
	if x.trailed && x.Outcome != Cut {
		x.tellCost()
	}
}

// errorBody makes the body of a refusal and sets its content type.
func (x *exchange) errorBody(e *fault.Error) []byte {
	if x.snap.Plain {
		if text, ok := reply.Plain(e); ok {
			x.tell("Content-Type", "text/plain")
			return []byte(text)
		}
		x.tell("Content-Type", "application/json")
		return reply.RouterError(nil, e)
	}
	x.tell("Content-Type", "application/json")
	return reply.Error(nil, x.Dialect, e, x.ID)
}

// isUpstream tells an error of reaching a provider from one of the request.
func isUpstream(e *fault.Error) bool {
	return e.Kind == fault.Upstream || e.Kind == fault.Unavailable || e.Kind == fault.Timeout
}

// cut marks that the caller left before the end. Should it still be there after
// all, it must not take silence for an empty answer.
func (x *exchange) cut() {
	x.Outcome, x.Reason, x.Status = Cut, "", 499
	if !x.started {
		x.out.Abort()
	}
}

// respond sends a whole answer of the gateway's own.
func (x *exchange) respond(status int, body []byte) {
	x.limits.set(x.out.Header())
	x.started = true
	x.Status = status
	x.out.Start(status, int64(len(body)))
	n, _ := x.out.Write(body)
	x.BytesOut += int64(n)
}

// newID makes a request id: 96 random bits are enough to be found by, and need
// not be secret.
func newID() string {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	var id [4 + 20]byte
	copy(id[:], "req_")
	bits, left := rand.Uint64(), 12
	for i := 4; i < len(id); i++ {
		if left == 0 {
			bits, left = rand.Uint64(), 12
		}
		id[i] = digits[bits&31]
		bits, left = bits>>5, left-1
	}
	return string(id[:])
}

// operationOf tells which operation a path is on a route.
func (r *Route) operationOf(path string) (dialect.Operation, dialect.Dialect) {
	if r.AI != nil && len(r.AI.Routes) > 0 {
		for i := range r.AI.Routes {
			po := &r.AI.Routes[i]
			if po.Suffix == "*" || strings.HasSuffix(path, po.Suffix) {
				return po.Operation, request.DialectOf(po.Operation)
			}
		}
	}
	if op, d, ok := request.Route(path); ok {
		return op, d
	}
	if r.Inferred {
		return dialect.Chat, dialect.OpenAI
	}
	return dialect.Passthrough, dialect.OpenAI
}
