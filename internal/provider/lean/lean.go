// Package lean is an HTTP/1.1 client that costs little: one exchange runs on
// the goroutine of its caller, which writes the request at once and reads the
// answer itself. It owns connections, their pool and the HTTP/1.1 message
// format, and must not know what the messages say. HTTP/2 and proxies are left
// to package standard.
//
// The parser of answers is strict: what two readers could understand
// differently is refused, because the next answer on the connection would then
// be another caller's.
package lean

import (
	"context"
	"errors"
	"io"
	"syscall"

	"tollgate/internal/provider"
)

// Transport sends requests over connections that it keeps for the next ones.
// The zero Transport is ready for use.
type Transport struct {
	idle pool
	// dial replaces the opening of a connection in tests.
	dial dialFunc
}

var _ provider.Transport = (*Transport)(nil)

// New gives a Transport without connections.
func New() *Transport { return new(Transport) }

// CloseIdle closes the connections that are not in use.
func (t *Transport) CloseIdle() { t.idle.clear() }

// Close closes the connections that are not in use, and lets those in use close
// when their exchanges end. Requests can still be sent.
func (t *Transport) Close() { t.idle.close() }

// Send implements provider.Transport.
//
// A request that failed on a reused connection is sent once more, on a fresh
// one, if no byte of an answer arrived and
//
//   - it could not be written to its end, so that a server cannot have had a
//     whole request to work for; or
//   - it was written, the peer then closed or reset the connection, and the
//     request is marked Replayable (RFC 9110, 9.2.2).
//
// Streamed bodies are never sent again. net/http repeats a request that is not
// idempotent only if no byte of it was written. That is narrower, but it finds
// dead connections with a goroutine on each; here a look at the socket before
// the connection is taken does it, and the time left for a race is that of one
// write.
func (t *Transport) Send(ctx context.Context, req *provider.Request) (*provider.Response, error) {
	if err := req.Validate(); err != nil {
		return nil, &provider.SendError{Stage: provider.Connect, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, provider.NewSendError(ctx, provider.Connect, err)
	}
	if c := t.idle.take(req.Endpoint.Key); c != nil {
		resp, err := t.exchange(ctx, c, req)
		if err == nil {
			return resp, nil
		}
		if !repeatable(req, err) || ctx.Err() != nil {
			return nil, err
		}
	}
	c, err := t.connect(ctx, req.Endpoint)
	if err != nil {
		return nil, err
	}
	resp, failed := t.exchange(ctx, c, req)
	if failed != nil {
		return nil, failed
	}
	return resp, nil
}

// repeatable applies the rule of Send to an attempt on a reused connection.
func repeatable(req *provider.Request, failed *provider.SendError) bool {
	if req.Stream != nil {
		return false
	}
	switch failed.Stage {
	case provider.Write:
		return true
	case provider.Await:
		return req.Replayable && hungUp(failed.Err)
	}
	return false
}

// hungUp tells whether the peer, or a machine on the way, gave the connection up.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// exchange holds what one exchange allocates, in one piece.
type exchange struct {
	resp   provider.Response
	body   body
	fields [24]provider.Field
}

// exchange sends req over c and reads the head of the answer. c is closed if it
// fails.
func (t *Transport) exchange(
	ctx context.Context, c *conn, req *provider.Request,
) (*provider.Response, *provider.SendError) {
	x := new(exchange)
	x.body = body{t: t, c: c, ctx: ctx}
	if ctx.Done() != nil {
		x.body.stop = context.AfterFunc(ctx, c.abortFunc)
	}
	c.answered, c.keep = false, true

	h := head{fields: x.fields[:0]}
	if stage, err := c.converse(req, &h); err != nil {
		failed := provider.NewSendError(ctx, stage, err)
		x.body.discard()
		return nil, failed
	}
	kind, length := h.framing(req.Method)
	c.keep = c.keep && h.keepAlive() && kind != untilClose
	x.resp = provider.Response{
		Status: h.status,
		Header: h.fields,
		Body:   &x.body,
		Length: h.declared(req.Method),
		Reused: c.used,
	}
	x.body.start(kind, length)
	return &x.resp, nil
}
