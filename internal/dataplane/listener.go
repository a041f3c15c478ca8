package dataplane

import (
	"bytes"
	"context"
	"net"
)

// connKey finds the watchedConn of a request.
type connKey struct{}

// Watch wraps a listener of plain HTTP so that a request whose head has both
// Content-Length and Transfer-Encoding can be refused: net/http drops the
// former before a handler sees the request.
func Watch(l net.Listener) net.Listener { return watchedListener{l} }

// ConnContext is the server's hook that makes a connection known to its requests.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if w, ok := c.(*watchedConn); ok {
		return context.WithValue(ctx, connKey{}, w)
	}
	return ctx
}

type watchedListener struct{ net.Listener }

func (l watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: c}, nil
}

// watchedConn remembers where the last bytes read are. They are the server's
// own buffer, so nothing is copied; they hold a request's head until its body
// is read.
type watchedConn struct {
	net.Conn
	last []byte
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 1 { // the server's wait for a disconnect reads single bytes
		c.last = p[:n]
	}
	return n, err
}

// lastHead gives the head of the request that a connection read last, nil if it
// did not arrive in one piece. It is asked before the body is read.
func lastHead(ctx context.Context, method string) []byte {
	c, ok := ctx.Value(connKey{}).(*watchedConn)
	if !ok || !bytes.HasPrefix(c.last, []byte(method+" ")) {
		return nil
	}
	head, _, whole := bytes.Cut(c.last, []byte("\r\n\r\n"))
	if !whole {
		return nil
	}
	return head
}

// hasLength tells whether a request head names a length.
func hasLength(head []byte) bool {
	return bytes.Contains(bytes.ToLower(head), []byte("\ncontent-length:"))
}
