package dataplane

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/gateway"
)

// Server serves a gateway over HTTP.
type Server struct {
	Gateway Gateway
	Log     *slog.Logger
	// MaxBody gives the bound of a request body, in bytes.
	MaxBody func() int64
	// BodyTimeout bounds the time that a request body may take to arrive,
	// WriteTimeout the time that a caller may take to accept one piece of an answer.
	BodyTimeout, WriteTimeout time.Duration
}

// Gateway is the use case behind the surface.
type Gateway interface {
	// Serve answers one request completely, errors included.
	Serve(ctx context.Context, req *gateway.Request, out gateway.Responder)
	// Refuse answers a request that never became one.
	Refuse(req *gateway.Request, out gateway.Responder, why *fault.Error)
}

// Handler serves the requests that arrive on a bind's address.
func (s *Server) Handler(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(address, "", w, r) })
}

// ServeAs serves a request that an operator makes in the name of a key, by its id, as if it
// had come in by an address. Whoever calls has made sure that the operator may.
func (s *Server) ServeAs(keyID, address string, w http.ResponseWriter, r *http.Request) {
	s.serve(address, keyID, w, r)
}

func (s *Server) serve(address, as string, w http.ResponseWriter, r *http.Request) {
	conn := connOf(r.Context())
	came := conn.begin(r.Method, r.ContentLength)
	out := newResponder(w, conn, s.WriteTimeout)
	defer out.release()
	defer s.recoverPanic(out)

	req := &out.request
	*req = gateway.Request{
		Received:   time.Now(),
		Address:    address,
		As:         as,
		Method:     r.Method,
		Scheme:     "http",
		Host:       hostOnly(r.Host),
		Authority:  r.Host,
		Path:       r.URL.Path,
		RawPath:    r.URL.RawPath,
		Query:      r.URL.RawQuery,
		Proto:      r.Proto,
		RemoteAddr: r.RemoteAddr,
		Header:     gateway.Header(r.Header),
		Length:     r.ContentLength,
	}
	if r.TLS != nil {
		req.Scheme = "https"
	}
	// Whatever is refused, the server reads what is left of the body before it
	// answers: that must not take for ever either. Reading to the end lifts the
	// deadline; otherwise the server lifts it for the next request.
	if s.BodyTimeout > 0 && r.ContentLength != 0 && !came.whole(r.ContentLength) {
		out.deadline = out.control.SetReadDeadline(time.Now().Add(s.BodyTimeout)) == nil
	}
	if refusal := inspect(r, came, out); refusal != nil {
		s.Gateway.Refuse(req, out, refusal)
		return
	}
	body, refusal := s.body(r, out)
	if refusal != nil {
		s.Gateway.Refuse(req, out, refusal)
		return
	}
	if body != nil {
		defer body.close()
		req.Body, req.Length = body, body.length
		req.Raw, req.RawLength = (*rawBody)(body), r.ContentLength
	}
	s.Gateway.Serve(r.Context(), req, out)
	if out.aborted {
		panic(http.ErrAbortHandler)
	}
}

// recoverPanic keeps a bug from taking the connection's goroutine down
// silently: it is logged without any value of the request, and the answer is
// an error or, once begun, broken off.
func (s *Server) recoverPanic(out *responder) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	// The value of a panic can quote what was being worked on: only its type
	// and the stack, which holds no values, are logged.
	h := out.Header()
	id := h.Get("X-Request-Id")
	s.Log.Error("panic while serving a request", "request_id", id, "type", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	if out.started {
		panic(http.ErrAbortHandler)
	}
	clear(h)
	out.conn.forget()
	h.Set("Content-Type", "application/json")
	h.Set("X-Request-Id", id)
	const text = `{"error":{"message":"The gateway failed to handle this request. The request id identifies it in the gateway's log.","type":"server_error","param":null,"code":"internal_error"}}` + "\n"
	out.Start(http.StatusInternalServerError, int64(len(text)))
	_, _ = out.Write([]byte(text))
}

// hostOnly gives the host of an authority in lower case.
func hostOnly(authority string) string {
	host := authority
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		if h, _, err := net.SplitHostPort(authority); err == nil {
			host = h
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
