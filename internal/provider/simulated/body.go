package simulated

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"sync"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

// whole is a body that is there from the start.
type whole struct {
	ctx   context.Context
	rest  []byte
	short bool // it breaks off at the end of rest
}

// Read implements io.Reader.
func (b *whole) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, left(b.ctx, provider.Read)
	}
	if len(b.rest) == 0 {
		if b.short {
			return 0, brokenOff()
		}
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (b *whole) Close() error { return nil }

func brokenOff() error { return &provider.SendError{Stage: provider.Read, Err: io.ErrUnexpectedEOF} }

// json gives a response with a body and what ends it.
func (c *call) json(body []byte, end string) *provider.Response {
	return c.respond(200, "application/json", append(body, end...))
}

// spoken gives a response with an answer's text in it, at the time when all
// tokens would be there.
func (c *call) spoken(body []byte) (*provider.Response, error) {
	if err := c.wait(time.Duration(c.text.n) * c.orders.delay); err != nil {
		return nil, err
	}
	return c.json(body, ""), nil
}

func (c *call) respond(status int, kind string, body []byte) *provider.Response {
	b := &whole{ctx: c.ctx, rest: body}
	if c.orders.cutAfter >= 0 {
		b.rest, b.short = body[:len(body)/2], true
	}
	return &provider.Response{Status: status, Header: c.header(kind), Body: b, Length: int64(len(body))}
}

func (c *call) header(kind string) provider.Header {
	return provider.Header{{Name: "Content-Type", Value: kind}, {Name: "X-Request-Id", Value: c.requestID()}}
}

// appendID appends an id; its number is the same in all ids of an answer.
func (c *call) appendID(dst []byte, prefix string) []byte {
	dst = append(dst, prefix...)
	dst = append(dst, "sim"...)
	const width = 12
	var digits [20]byte
	id := strconv.AppendUint(digits[:0], c.id, 36)
	for range width - len(id) {
		dst = append(dst, '0')
	}
	return append(dst, id...)
}

func (c *call) requestID() string {
	var id [32]byte
	return string(c.appendID(id[:0], "req_"))
}

// refuse gives an error response.
func (c *call) refuse(d dialect.Dialect, e *fault.Error, status int) *provider.Response {
	c.orders.cutAfter = -1
	res := c.respond(status, "application/json", reply.Error(nil, d, e, c.requestID()))
	for _, f := range reply.Headers(e) {
		res.Header = append(res.Header, provider.Field{Name: f.Name, Value: f.Value})
	}
	return res
}

// ordered gives the error that the caller ordered.
func (c *call) ordered() *provider.Response {
	status := c.orders.status
	e := &fault.Error{
		Kind: kindOf(status), Code: cmp.Or(c.orders.code, "simulated_error"), RetryAfter: c.orders.retryAfter,
		Message: "This error was ordered by the request.",
	}
	switch {
	case e.Code == "insufficient_quota":
		e.Type = e.Code
	case c.orders.code == "" && e.Kind == fault.Limited:
		e.Code = "rate_limit_exceeded"
	}
	return c.refuse(request.DialectOf(c.op), e, status)
}

// kindOf gives the kind of error that a provider means by a status.
func kindOf(status int) fault.Kind {
	switch status {
	case 401:
		return fault.Unauthenticated
	case 403:
		return fault.Forbidden
	case 404:
		return fault.NotFound
	case 408, 504:
		return fault.Timeout
	case 413:
		return fault.TooLarge
	case 429:
		return fault.Limited
	case 503, 529:
		return fault.Unavailable
	}
	if status < 500 {
		return fault.Invalid
	}
	return fault.Upstream
}

// format writes the events of a stream. Each method appends and gives the
// grown slice.
type format interface {
	head(dst []byte) []byte
	token(dst []byte, i int) []byte
	tail(dst []byte) []byte
}

// stream is a body that comes token by token. It makes its bytes when they are
// read, without a goroutine.
type stream struct {
	ctx    context.Context
	format format
	tokens int
	cut    int // tokens after which it breaks off, -1 for never
	delay  time.Duration
	timer  *time.Timer // nil without delay

	next   int // the next event: 0 is the head, tokens+1 the tail
	buffer *[]byte
	unread []byte
}

// streamBuffer is about what one read takes, in bytes.
const streamBuffer = 4 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, streamBuffer+streamBuffer/4); return &b }}

func (c *call) stream(f format) *provider.Response {
	s := &stream{
		ctx: c.ctx, format: f, tokens: c.text.n, cut: c.orders.cutAfter,
		delay: c.orders.delay, buffer: buffers.Get().(*[]byte),
	}
	return &provider.Response{Status: 200, Header: c.header("text/event-stream"), Body: s, Length: -1}
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, left(s.ctx, provider.Read)
	}
	if len(s.unread) == 0 {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

// fill makes the events that are due, at least one.
func (s *stream) fill() error {
	if s.buffer == nil {
		return io.ErrClosedPipe
	}
	made := (*s.buffer)[:0]
	for len(made) < streamBuffer && s.next <= s.tokens+1 {
		event := s.next
		if s.cut >= 0 && event > s.cut {
			break
		}
		if event > 0 && event <= s.tokens && s.delay > 0 {
			if len(made) > 0 {
				break // what is there goes out before anything is waited for
			}
			if err := s.wait(); err != nil {
				return err
			}
		}
		switch s.next++; {
		case event == 0:
			made = s.format.head(made)
		case event <= s.tokens:
			made = s.format.token(made, event-1)
		default:
			made = s.format.tail(made)
		}
	}
	*s.buffer, s.unread = made, made
	if len(made) > 0 {
		return nil
	}
	if s.next <= s.tokens+1 {
		return brokenOff()
	}
	return io.EOF
}

func (s *stream) wait() error {
	if s.timer == nil {
		s.timer = time.NewTimer(s.delay)
	} else {
		s.timer.Reset(s.delay)
	}
	return sleep(s.ctx, s.timer, provider.Read)
}

// Close implements io.Closer.
func (s *stream) Close() error {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.buffer != nil {
		buffers.Put(s.buffer)
		s.buffer, s.unread = nil, nil
	}
	return nil
}
