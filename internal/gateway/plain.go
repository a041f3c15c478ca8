package gateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/routing"
	"tollgate/internal/usage"
	"tollgate/internal/vkey"
)

// Plain is what is changed on the way to plain HTTP servers and back. Such a server gets
// requests as they are and answers as it likes: it is no provider of models, so nothing is
// read, metered or charged.
type Plain struct {
	// RequestHeaders and ResponseHeaders are applied in their order; those on answers come
	// behind the route's own.
	RequestHeaders, ResponseHeaders []*HeaderPolicy
}

// keptUpload is the largest body that is read whole before it is sent, in bytes, so that
// another server can be tried. A larger one passes through and can be sent once.
const keptUpload = 64 << 10

// mostServers bounds the servers that are tried for one request.
const mostServers = 4

// authorizePlain finds the servers for a request, and takes in its body.
func (g *Gateway) authorizePlain(x *exchange) error {
	if protocol := upgradeWanted(x.req.Header); protocol != "" {
		return fault.New(fault.Unimplemented, "upgrade_unsupported",
			"The connection cannot be switched to %s: the gateway passes on requests and answers of HTTP only.", strconv.QuoteToASCII(protocol))
	}
	if err := x.permittedLate(); err != nil {
		return err
	}
	x.order = routing.Spread(x.order[:0], x.backend.Groups[0], mostServers, g.now(), nil)
	if len(x.order) == 0 {
		return fault.New(fault.Unavailable, "no_backend", "No server is configured for this route.")
	}
	return x.takeUpload()
}

// upgradeWanted names the protocol that a caller wants to switch to, "" if it is none or
// one that goes without saying.
func upgradeWanted(h Header) string {
	for _, line := range h["Upgrade"] {
		for protocol := range strings.SplitSeq(line, ",") {
			if protocol = strings.TrimSpace(protocol); protocol != "" && !strings.EqualFold(protocol, "h2c") {
				return protocol[:min(len(protocol), 40)]
			}
		}
	}
	return ""
}

// takeUpload reads a small body whole, and makes a larger one ready to be passed on.
func (x *exchange) takeUpload() error {
	if x.req.Body == nil {
		return nil
	}
	x.unread = true
	u := &upload{from: x.req.Body, length: x.req.Length, x: x}
	if x.req.Raw != nil {
		u.from, u.length, u.interrupt = x.req.Raw, x.req.RawLength, x.req.Raw.Interrupt
	}
	if u.length < 0 || u.length > keptUpload {
		x.upload = u
		return nil
	}
	x.buffer = getBuffer()
	body, err := readAll((*x.buffer)[:0], u.from, u.length, keptUpload)
	*x.buffer, x.body, x.BytesIn = body, body, int64(len(body))
	return err
}

// upload is a body that passes through.
type upload struct {
	from      io.Reader
	length    int64 // -1 if unknown
	interrupt func()
	x         *exchange
	begun     atomic.Bool
	stopped   atomic.Bool // by the gateway, while the caller was there
	failed    error       // of the last Read
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.begun.Store(true)
	n, err := u.from.Read(p)
	u.x.BytesIn += int64(n)
	if err != nil && err != io.EOF {
		u.failed = err
	}
	return n, err
}

// refused tells why an upload failed that did not fail for its server's sake: it is too
// large or too slow, or it broke off and has no caller any more. It is nil otherwise.
func (u *upload) refused(err error) *fault.Error {
	if u.failed == nil || u.stopped.Load() {
		return nil
	}
	if e, _ := errors.AsType[*fault.Error](u.failed); e != nil && (e.Kind == fault.TooLarge || e.Code == "request_body_timeout") {
		return e
	}
	return &fault.Error{Kind: fault.Canceled, Code: "client_left", Err: err}
}

// watch ends what is read of the upload with ctx. Call what it gives when nothing reads it
// any more.
func (u *upload) watch(ctx context.Context) (done func()) {
	if u.interrupt == nil {
		return func() {}
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		if u.begun.Load() { // else it may yet be sent to another server
			u.stopped.Store(u.x.parting.caller.Err() == nil)
			u.interrupt()
		}
	})
	return func() {
		if !stop() {
			<-ended
		}
	}
}

// plain tells that the request is for a plain server.
func (x *exchange) plain() bool { return x.backend != nil && x.backend.Plain != nil }

// applying gives the limits of the key that what is asked for can have to do with.
func (x *exchange) applying() []*budget.Limit {
	switch {
	case x.entry == nil:
		return nil
	case x.plain():
		return x.plainLimits()
	default:
		return x.entry.Limits
	}
}

// plainLimits are the limits of the key that count what it asks of a plain server: its
// requests. What models cost and how many tokens they use is no matter there.
func (x *exchange) plainLimits() []*budget.Limit {
	all := make([]*budget.Limit, 0, len(x.entry.Limits))
	for _, l := range x.entry.Limits {
		if l.Kind == budget.Requests || l.Kind == budget.Concurrency {
			all = append(all, l)
		}
	}
	return all
}

// preparePlain makes the request for a plain server: what the caller sent, but for what is
// between the caller and this gateway alone.
func (x *exchange) preparePlain(c Choice, k int) *provider.Request {
	r := &x.upstream
	*r = provider.Request{
		Endpoint: c.Target.Endpoint, Method: x.req.Method, Host: x.plainHost(c.Target), Target: x.plainTarget(), Header: x.fields[:0],
		Body: x.body, Replayable: harmless(x.req.Method),
	}
	if x.upload != nil {
		r.Stream, r.Length = x.upload, x.upload.length
	}
	h := x.plainHeader()
	if k > 0 {
		h.Set("X-Retry-Attempt", strconv.Itoa(k))
	}
	for _, p := range x.backend.Plain.RequestHeaders {
		p.Apply(h)
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			r.Header = append(r.Header, provider.Field{Name: name, Value: value})
		}
	}
	return r
}

// harmless tells the methods of requests that may reach a server twice.
func harmless(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	default:
		return false
	}
}

// plainHost gives the Host line for a plain server: the caller's own, unless it is rewritten.
func (x *exchange) plainHost(t *Target) string {
	own := cmp.Or(x.req.Authority, t.Authority)
	rw := x.route.Rewrite
	switch {
	case rw == nil:
		return own
	case rw.ToBackend:
		return t.Authority
	default:
		return rw.host(own)
	}
}

// plainTarget gives path and query as they came, but for what a route rewrites and for
// secrets of ours.
func (x *exchange) plainTarget() string {
	target := escaped(x.path)
	if x.path == x.req.Path && x.req.RawPath != "" {
		target = x.req.RawPath
	}
	query, ours := x.req.Query, false
	cleared := withoutParameters(query, func(_, value string) bool {
		found := vkey.LooksIssued(value) || vkey.LooksAdmin(value)
		ours = ours || found
		return found
	})
	if ours {
		query = cleared
	}
	if query != "" {
		target += "?" + query
	}
	return target
}

// plainHeader gives the header lines for a plain server, which policies may change.
func (x *exchange) plainHeader() Header {
	h := make(Header, len(x.req.Header)+3)
	named := namedBy(x.req.Header["Connection"])
	for name, values := range x.req.Header {
		if hopByHop(name) || name == "Expect" || name == "Content-Length" || slices.Contains(named, name) {
			continue
		}
		if kept := x.withoutOurs(name, values); len(kept) > 0 {
			h[name] = slices.Clip(kept) // a policy that adds to them must not write into the request
		}
	}
	if client, _, err := net.SplitHostPort(x.RemoteAddr); err == nil {
		h.Set("X-Forwarded-For", strings.Join(append(slices.Clone(h["X-Forwarded-For"]), client), ", "))
	}
	// A proxy in front of this gateway knows better what the caller's own connection was.
	if h["X-Forwarded-Proto"] == nil {
		h.Set("X-Forwarded-Proto", x.Scheme)
	}
	if h["X-Forwarded-Host"] == nil && x.req.Authority != "" {
		h.Set("X-Forwarded-Host", x.req.Authority)
	}
	if x.Span != nil {
		h.Set("Traceparent", x.Span.TraceParent())
	}
	return h
}

// withoutOurs gives the values of a header without those that hold a secret of ours.
func (x *exchange) withoutOurs(name string, values []string) []string {
	credential := name == "Authorization" || slices.Contains(usualPlaces[:], name)
	if !slices.ContainsFunc(values, func(value string) bool { return x.holdsOurs(value, credential) }) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool { return x.holdsOurs(value, credential) })
}

// holdsOurs tells whether the value of a header is a secret of ours, in a place for
// credentials also one that is known by its text alone.
func (x *exchange) holdsOurs(value string, credential bool) bool {
	last := value[strings.LastIndexByte(value, ' ')+1:]
	return vkey.LooksIssued(last) || vkey.LooksAdmin(last) || credential && x.isOurs(strings.TrimSpace(last))
}

// namedBy gives the names of the header lines that Connection lists.
func namedBy(lines []string) []string {
	var names []string
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)))
		}
	}
	return names
}

// hopByHop tells the header lines, by canonical name, that are about one connection and
// not for whoever is behind it (RFC 9110, 7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	default:
		return strings.HasPrefix(name, "Proxy-")
	}
}

// worthAnotherServer decides whether a plain server that gave no answer is followed by
// another one: only if it has certainly not had the request.
func (x *exchange) worthAnotherServer(err error) bool {
	if x.upload != nil {
		return provider.StageOf(err) == provider.Connect && !x.upload.begun.Load()
	}
	return provider.StageOf(err) <= provider.Write
}

// relayPlain gives a server's answer to the caller as it comes.
func (g *Gateway) relayPlain(ctx context.Context, x *exchange, a *answer) error {
	defer g.concludePlain(x)
	r := a.response
	h := x.out.Header()
	x.limits.set(h)
	x.passHeader(h, r.Header)
	x.route.ResponseHeaders.Apply(h)
	for _, p := range x.backend.Plain.ResponseHeaders {
		p.Apply(h)
	}
	length := r.Length
	if r.Status == http.StatusNoContent || r.Status == http.StatusNotModified {
		length = -1 // there is no body to say anything of
	}
	x.started, x.Status = true, r.Status
	x.out.Start(r.Status, length)
	if r.Length < 0 && length < 0 && x.req.Method != http.MethodHead && x.out.Flush() != nil { // who knows when more of it comes
		x.cut()
		return nil
	}

	buffer := getBuffer()
	defer putBuffer(buffer)
	piece := slices.Grow((*buffer)[:0], pieceOfBody)[:pieceOfBody]
	*buffer = piece[:0]
	for {
		n, err := r.Body.Read(piece)
		if n > 0 && x.FirstByte == 0 {
			x.FirstByte = g.now().Sub(x.Started)
		}
		if x.pass(piece[:n], n > 0 && (length < 0 || x.BytesOut+int64(n) < length)) != nil {
			x.cut()
			return nil
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			x.Outcome, x.Reason = Served, "Upstream"
			return nil
		}
		return x.streamEnd(ctx, a, err)
	}
}

// pieceOfBody is how much of an answer is read at once, in bytes.
const pieceOfBody = 32 << 10

// passHeader adds the header lines of a plain server's answer to those of the gateway's
// own, which stay as they are.
func (x *exchange) passHeader(h Header, from provider.Header) {
	var connection []string
	for _, f := range from {
		if strings.EqualFold(f.Name, "Connection") {
			connection = append(connection, f.Value)
		}
	}
	named := namedBy(connection)
	own := slices.Collect(maps.Keys(h))
	typed := false
	for _, f := range from {
		name := textproto.CanonicalMIMEHeaderKey(f.Name)
		switch {
		case hopByHop(name), name == "Content-Length", slices.Contains(named, name), x.decidesOn(name):
			continue
		case name == "X-Request-Id":
			name = "X-Tollgate-Upstream-Request-Id"
		case name == "Vary": // what both say holds
		case slices.Contains(own, name):
			continue
		}
		typed = typed || name == "Content-Type"
		h[name] = append(slices.Clip(h[name]), f.Value)
	}
	if !typed {
		h["Content-Type"] = nil // else one would be guessed
	}
}

// decidesOn tells the header lines that a route with a CORS policy answers in the place of
// the server behind it.
func (x *exchange) decidesOn(name string) bool {
	return (x.route.Gate.CORS != nil || x.listener.Gate.CORS != nil) && strings.HasPrefix(name, "Access-Control-")
}

// concludePlain ends the books on a request to a plain server: it is counted, and costs
// nothing.
func (g *Gateway) concludePlain(x *exchange) {
	g.conclude(x, ledger.None, usage.Usage{})
	x.hold.Settle(quota.Spent{})
}

// unreachablePlain says what a failed attempt at a plain server means for the caller.
func unreachablePlain(err error, late bool) *fault.Error {
	switch {
	case late:
		return &fault.Error{Kind: fault.Timeout, Code: "upstream_timeout", Reason: "Timeout", Err: err,
			Message: "The server behind this route did not answer in time.", Plain: "request timeout"}
	case provider.StageOf(err) == provider.Read:
		return &fault.Error{Kind: fault.Upstream, Code: "upstream_garbage", Reason: "UpstreamFailure", Err: err,
			Message: "The answer of the server behind this route cannot be understood.", Plain: "upstream call failed: " + provider.Read.String()}
	default:
		return &fault.Error{Kind: fault.Unavailable, Code: "upstream_unreachable", Reason: "UpstreamFailure", Err: err, Retry: fault.RetryYes, RetryAfter: time.Second,
			Message: "The server behind this route could not be reached, or broke the connection off before it answered.",
			Plain:   "upstream call failed: " + provider.StageOf(err).String()}
	}
}

// chooseBackend picks the backend of a request where a route has several, by weight. What
// is asked of a plain server is no operation on models.
func (x *exchange) chooseBackend() error {
	r := x.route
	if r.Models != nil {
		return nil
	}
	i := 0
	if len(r.Backends) > 1 || r.Backends[0].Weight == 0 {
		if i = r.pick(); i < 0 {
			return unserved("no_backend", "Every backend of this route has the weight 0.", r.Status)
		}
	}
	x.backend = r.Backends[i]
	if x.backend.Unserved != "" {
		return unserved("backend_unsupported", x.backend.Unserved, x.backend.Status)
	}
	if x.backend.Plain != nil {
		x.Operation, x.Dialect = dialect.Passthrough, dialect.OpenAI
	}
	return nil
}

// unserved refuses what the configuration has nothing for. It tells a configuration that
// refers to what does not exist (500) from one that cannot be served now.
func unserved(code, message string, status int) *fault.Error {
	kind := fault.Unavailable
	if status == http.StatusInternalServerError {
		kind = fault.Unserved
	}
	return &fault.Error{Kind: kind, Code: code, Message: message}
}
