// Package provider sends one prepared request to one place. It knows
// connections, TLS and the wire, and nothing of dialects, models or policy.
package provider

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"time"
)

// Field is one header line. Names are written as they are and compared without
// regard to case.
type Field struct{ Name, Value string }

// Header is a list of header lines in order.
type Header []Field

// Endpoint is a place that requests are sent to. Endpoints are compared by
// value of Key, so two equal ones share their idle connections, also across
// reloads of the configuration.
type Endpoint struct {
	Key  string      // identity of the connection pool; made by whoever builds the Endpoint
	Host string      // host:port to dial
	TLS  *tls.Config // nil: plain HTTP. Never modified after the Endpoint is in use.
	// ConnectTimeout bounds dialling and the TLS handshake (0: 10 s).
	ConnectTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept (0: 90 s).
	IdleTimeout time.Duration
	// MaxIdle bounds the idle connections kept (0: 1,024).
	MaxIdle int
	// HTTP2 asks for a transport that negotiates HTTP/2. Without TLS there is
	// nothing to negotiate: HTTP/2 is spoken from the first byte.
	HTTP2 bool
	// Proxy is the URL of a forward proxy ("" none). It may have a password in it.
	Proxy string
	// Remote refuses addresses that are Near, whatever the name of the host leads to.
	Remote bool
}

// Request is a prepared request. The transport adds only what framing needs
// (Content-Length); everything else stands in its fields. Header lines for which
// Framing holds are the transport's own and are left out of Header.
type Request struct {
	Endpoint *Endpoint
	Method   string
	Target   string // request target: escaped path and query
	Host     string // value of the Host header
	// Static are header lines in wire form, made by StaticFields when the
	// configuration was compiled; Header are those of this request.
	Static string
	Header Header
	// Body is the whole body; it is not modified and not kept after Send
	// returns. If Stream is set it is sent instead, Length bytes of it or, where that is
	// -1, all there is, and the request is never sent a second time. Send does not return while a Read of
	// Stream is under way, so whoever makes it sees to it that Reads end with ctx.
	Body   []byte
	Stream io.Reader
	Length int64
	// Replayable tells that sending twice does no harm; without it a request
	// is only sent again when a reused connection proves dead before any byte
	// of an answer and nothing of the request can have been processed.
	Replayable bool
}

// Response is the answer's head and its body. The caller must close Body,
// which gives the connection back if the body was read to its end and closes
// it otherwise. Body is for one goroutine at a time; what ends a blocked Read
// from elsewhere is cancelling the context that was given to Send.
type Response struct {
	Status int
	Header Header
	Body   io.ReadCloser
	// Length is the declared length of the body in bytes, -1 if unknown.
	Length int64
	// Reused tells that the connection had served another request before.
	Reused bool
}

// Get gives the first value of a header, "" if there is none.
func (h Header) Get(name string) string {
	for i := range h {
		if equalFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// equalFold compares header names: ASCII only, no allocation.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z' {
			return false
		}
	}
	return true
}

// Transport sends requests. Implementations are safe for concurrent use and
// pass the suite in providertest:
//
//   - Cancelling ctx, or its deadline, ends Send and any Read of the body at
//     once and closes the connection, so that the provider stops generating.
//   - 1xx answers are skipped. Redirects are returned, never followed.
//   - The body arrives as sent: nothing is decompressed.
//   - Reads of the body return as soon as any bytes are there.
//   - An error is a *SendError.
type Transport interface {
	Send(ctx context.Context, req *Request) (*Response, error)
}

// Stage tells how far an attempt came when it failed, which decides whether
// the provider may have worked for it and whether another target may be tried.
type Stage uint8

// The stages.
const (
	Connect Stage = iota // no connection: nothing was sent
	Write                // the request was being written: it cannot have been complete
	Await                // the request was written, no answer came
	Read                 // the answer broke off or was malformed
)

var stageNames = [...]string{"connect", "write", "await", "read"}

// String gives the stage's name for logs.
func (s Stage) String() string { return stageNames[s] }

// SendError is a failed attempt. Its text names no credential and no query.
type SendError struct {
	Stage   Stage
	Timeout bool // a deadline of ours or the connect timeout passed
	Err     error
}

// Error implements error.
func (e *SendError) Error() string { return e.Stage.String() + ": " + e.Err.Error() }

// Unwrap gives the cause.
func (e *SendError) Unwrap() error { return e.Err }

// StageOf gives the stage of a failed attempt; an error that is no *SendError
// counts as Await: the provider may have worked for it.
func StageOf(err error) Stage {
	if e, ok := errors.AsType[*SendError](err); ok {
		return e.Stage
	}
	return Await
}
