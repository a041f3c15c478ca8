package lean

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"tollgate/internal/provider"
)

// bufferSize is the read buffer of a connection in bytes; a longer head makes
// it grow for a while.
const bufferSize = 16 << 10

// Errors of connections.
var (
	errProxy       = errors.New("this transport would pass the proxy by")
	errLineTooLong = errors.New("a line of the answer is too long")
	errBareLF      = errors.New("a line of the answer does not end with CR LF")
	errWouldWait   = errors.New("more would have to be awaited")
)

// conn is one connection. It belongs to one exchange at a time, or to the pool.
type conn struct {
	endpoint *provider.Endpoint
	raw      net.Conn // the socket
	nc       net.Conn // what is spoken on: raw, or TLS over it

	buf  []byte // bytes read and not yet used are buf[r:w]
	r, w int

	used      bool      // has served an exchange
	idleSince time.Time // when it was put into the pool

	keep     bool // may go back to the pool after the exchange under way
	answered bool // a byte of the answer has arrived
	frozen   bool // only what is buffered may be used

	abortFunc func()       // closes the socket; made once, registered per exchange
	parts     net.Buffers  // scratch for writing head and body
	partsBuf  [2][]byte    // backs parts
	peeker    *deathPeeker // nil if the socket cannot be looked into
}

// dialFunc opens a socket.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// connect opens a connection, within the endpoint's time for it.
func (t *Transport) connect(ctx context.Context, e *provider.Endpoint) (*conn, error) {
	if e.Proxy != "" {
		return nil, &provider.SendError{Stage: provider.Connect, Err: errProxy}
	}
	limit := cmp.Or(e.ConnectTimeout, provider.DefaultConnectTimeout)
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	dial := t.dial
	if dial == nil {
		dial = e.Dialer().DialContext
	}
	raw, err := dial(within, "tcp", e.Host)
	if err != nil {
		return nil, connectError(ctx, within, err)
	}
	c := newConn(e, raw)
	if e.TLS == nil {
		return c, nil
	}
	secured := tls.Client(raw, tlsConfig(e))
	if err := secured.HandshakeContext(within); err != nil {
		_ = raw.Close()
		return nil, connectError(ctx, within, err)
	}
	c.nc = secured
	return c, nil
}

func connectError(ctx, within context.Context, err error) error {
	failed := provider.NewSendError(ctx, provider.Connect, err)
	if within.Err() != nil && ctx.Err() == nil {
		failed.Timeout = true
	}
	return failed
}

// tlsConfig is the endpoint's configuration with what this transport needs: a
// name to verify, and no offer of HTTP/2.
func tlsConfig(e *provider.Endpoint) *tls.Config {
	config := e.TLS.Clone()
	config.NextProtos = []string{"http/1.1"}
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(e.Host)
		if err != nil {
			host = e.Host
		}
		config.ServerName = host
	}
	return config
}

func newConn(e *provider.Endpoint, raw net.Conn) *conn {
	c := &conn{endpoint: e, raw: raw, nc: raw, buf: make([]byte, bufferSize)}
	c.abortFunc = func() { _ = raw.Close() }
	if s, ok := raw.(syscall.Conn); ok {
		c.peeker = newDeathPeeker(s)
	}
	return c
}

// alive tells whether an idle connection is still good: open, and silent. A
// byte that nobody asked for is as bad as the end.
func (c *conn) alive() bool { return c.peeker == nil || c.peeker.silent() }

// close ends the connection in an orderly way.
func (c *conn) close() { _ = c.nc.Close() }

// abort ends the connection at once, also under another goroutine's read or write.
func (c *conn) abort() { c.abortFunc() }

func (c *conn) buffered() int { return c.w - c.r }

// fill waits for more bytes. It makes room by moving what is there, and if the
// buffer is full by enlarging it, so callers bound what they wait for.
func (c *conn) fill() error {
	if c.frozen {
		return errWouldWait
	}
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	}
	if c.w == len(c.buf) {
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.nc.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		c.answered = true
		return nil // an error comes again with the next read
	}
	return cmp.Or(err, io.ErrNoProgress)
}

// shrink gives a grown buffer back, once what is left fits a normal one.
func (c *conn) shrink() {
	if len(c.buf) > bufferSize && c.buffered() <= bufferSize {
		small := make([]byte, bufferSize)
		c.w = copy(small, c.buf[c.r:c.w])
		c.r = 0
		c.buf = small
	}
}

// read is a Read of the connection's bytes: those buffered first. A large p is
// filled without a copy.
func (c *conn) read(p []byte) (int, error) {
	if c.buffered() == 0 {
		if len(p) >= len(c.buf) && !c.frozen {
			n, err := c.nc.Read(p)
			if n > 0 {
				err = nil
			}
			return n, err
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.buf[c.r:c.w])
	c.r += n
	return n, nil
}

// hasLine tells whether a line end is buffered, so that line will not wait.
func (c *conn) hasLine() bool { return bytes.IndexByte(c.buf[c.r:c.w], '\n') >= 0 }

// line gives the next line, of at most limit bytes and without its CR LF. It is
// good until the next use of the buffer.
func (c *conn) line(limit int) ([]byte, error) {
	seen := 0
	for {
		rest := c.buf[c.r:c.w]
		if i := bytes.IndexByte(rest[seen:], '\n'); i >= 0 {
			end := seen + i
			if end == 0 || rest[end-1] != '\r' {
				return nil, errBareLF
			}
			if end-1 > limit {
				return nil, errLineTooLong
			}
			c.r += end + 1
			return rest[:end-1], nil
		}
		if seen = len(rest); seen > limit+1 {
			return nil, errLineTooLong
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}
