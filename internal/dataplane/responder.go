package dataplane

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"tollgate/internal/gateway"
)

// responder writes a gateway's answer to an HTTP connection. It holds the
// request as well, so that both are one piece of memory that is used again.
type responder struct {
	request  gateway.Request
	body     requestBody
	w        http.ResponseWriter
	flusher  flusher
	control  http.ResponseController
	conn     *watchedConn // nil: not one that gathers writes
	timeout  time.Duration
	until    time.Time // write deadline that is set, zero if none
	deadline bool      // a read deadline is set
	started  bool
	aborted  bool
}

// flusher is what the server's own writers can do.
type flusher interface{ FlushError() error }

// controlled flushes a wrapped writer.
type controlled struct{ *http.ResponseController }

func (c controlled) FlushError() error { return c.Flush() }

var responders = sync.Pool{New: func() any { return new(responder) }}

func newResponder(w http.ResponseWriter, conn *watchedConn, timeout time.Duration) *responder {
	r := responders.Get().(*responder)
	control := http.NewResponseController(w)
	flusher, ok := w.(flusher)
	if !ok {
		flusher = controlled{control}
	}
	*r = responder{w: w, flusher: flusher, control: *control, conn: conn, timeout: timeout}
	return r
}

func (r *responder) release() {
	if r.conn != nil {
		r.conn.uncork()
	}
	*r = responder{}
	responders.Put(r)
}

// lift takes the read deadline away once the body is here: what is read from
// now on is only whether the caller is still there.
func (r *responder) lift() {
	if r.deadline {
		r.deadline = false
		_ = r.control.SetReadDeadline(time.Time{})
	}
}

// Header implements gateway.Responder.
func (r *responder) Header() gateway.Header { return gateway.Header(r.w.Header()) }

// Lines implements gateway.Responder. A server's header is a map, which it copies and sorts for
// every answer; over plain HTTP the lines are put into what it writes instead.
func (r *responder) Lines(text []byte) bool {
	if r.conn == nil {
		return false
	}
	r.conn.prepare(text)
	return true
}

// Start implements gateway.Responder.
func (r *responder) Start(status int, length int64) {
	if length >= 0 {
		r.w.Header()["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	if length < 0 && r.conn != nil {
		r.conn.cork()
	}
	r.extend()
	r.started = true
	r.w.WriteHeader(status)
}

// Write implements gateway.Responder.
func (r *responder) Write(p []byte) (int, error) { return r.w.Write(p) }

// Flush implements gateway.Responder. Each flush gives the caller the whole
// time again: a stream may last, but a caller who no longer reads may not hold
// the provider's connection.
func (r *responder) Flush() error {
	r.extend()
	if err := r.flusher.FlushError(); err != nil || r.conn == nil {
		return err
	}
	return r.conn.flush()
}

// extend renews the write deadline, at most once in a tenth of its time.
func (r *responder) extend() {
	if r.timeout <= 0 {
		return
	}
	now := time.Now()
	if r.until.Sub(now) > r.timeout-r.timeout/10 {
		return
	}
	r.until = now.Add(r.timeout)
	_ = r.control.SetWriteDeadline(r.until)
}

// Trailer implements gateway.Responder. The head has announced it.
func (r *responder) Trailer(canonical, value string) { r.w.Header()[canonical] = []string{value} }

// Abort implements gateway.Responder: once the gateway is done the connection
// is closed without the end of the body, which every client takes for an error.
func (r *responder) Abort() { r.aborted = true }
