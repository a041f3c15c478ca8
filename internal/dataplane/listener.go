package dataplane

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
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
// is read. And it gathers what is written while a stream is under way, so that
// a flush is one system call however many pieces the server makes of it.
type watchedConn struct {
	net.Conn
	last   []byte
	reads  atomic.Int64 // so far; the wait for a caller's leave reads on a goroutine of its own
	seen   int64        // reads that belong to what came before
	mixed  bool         // a body was still to come when its request began: later reads may hold it
	corked *[]byte      // what is held back; nil: writes go out at once
	lines  []byte       // header lines for the next head of an answer
	head   []byte       // memory for the write that they come with
}

// prepare notes header lines, each with its CRLF, for the next head of an answer.
func (c *watchedConn) prepare(lines []byte) { c.lines = append(c.lines[:0], lines...) }

// forget drops lines that were prepared.
func (c *watchedConn) forget() {
	if c != nil {
		c.lines = c.lines[:0]
	}
}

// complete puts the lines that were prepared behind the status line that p begins with.
func (c *watchedConn) complete(p []byte) []byte {
	status := bytes.IndexByte(p, '\n') + 1
	if status == 0 || !bytes.HasPrefix(p, []byte("HTTP/1.")) || bytes.HasPrefix(p[len("HTTP/1.1 "):], []byte("1")) {
		return p // not a head, or one of those before the head
	}
	c.head = append(append(append(c.head[:0], p[:status]...), c.lines...), p[status:]...)
	c.lines = c.lines[:0]
	return c.head
}

// corks hold what streams write between two flushes.
var corks = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

// maxCorked is how much is held back before it is sent anyway, in bytes.
const maxCorked = 64 << 10

// cork holds writes back until flush, uncork, or too much has gathered. Like
// Write it is for the goroutine that serves the connection.
func (c *watchedConn) cork() {
	if c.corked == nil {
		c.corked = corks.Get().(*[]byte)
	}
}

// flush sends what is held back.
func (c *watchedConn) flush() error {
	if c.corked == nil || len(*c.corked) == 0 {
		return nil
	}
	_, err := c.Conn.Write(*c.corked)
	*c.corked = (*c.corked)[:0]
	return err
}

// uncork sends what is held back, and from now on everything at once.
func (c *watchedConn) uncork() {
	if c.corked == nil {
		return
	}
	_ = c.flush() // the next write meets the same error
	if cap(*c.corked) <= maxCorked {
		corks.Put(c.corked)
	}
	c.corked = nil
}

func (c *watchedConn) Write(p []byte) (int, error) {
	if len(c.lines) == 0 {
		return c.write(p)
	}
	whole := c.complete(p)
	n, err := c.write(whole)
	return max(0, n-(len(whole)-len(p))), err
}

func (c *watchedConn) write(p []byte) (int, error) {
	if c.corked == nil {
		return c.Conn.Write(p)
	}
	if len(*c.corked)+len(p) > maxCorked {
		if err := c.flush(); err != nil {
			return 0, err
		}
		if len(p) > maxCorked {
			return c.Conn.Write(p)
		}
	}
	*c.corked = append(*c.corked, p...)
	return len(p), nil
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.reads.Add(1)
	}
	if n > 1 { // the wait for a caller's leave reads a single byte
		c.last = p[:n]
	}
	return n, err
}

// connOf gives the connection of a request, nil if it is not watched.
func connOf(ctx context.Context) *watchedConn {
	c, _ := ctx.Value(connKey{}).(*watchedConn)
	return c
}

// arrived is what is known of how a request came.
type arrived struct {
	head []byte // its head, nil if it cannot be seen
	body int    // bytes of its body that are here already
}

// whole tells that a body of a declared length has arrived.
func (a arrived) whole(length int64) bool {
	return a.head != nil && length > 0 && int64(a.body) >= length
}

// begin notes that a request begins and tells what of it can be seen: its head
// and body if both began in the one read since the request before. It is asked
// once for each request, before the body is read.
func (c *watchedConn) begin(method string, length int64) arrived {
	if c == nil {
		return arrived{}
	}
	c.forget() // those of an answer that never began
	a := c.look(method)
	c.seen, c.mixed = c.reads.Load(), length != 0 && !a.whole(length)
	return a
}

// bodyOver notes that a body was read to its end, so that the next read begins
// another request.
func (c *watchedConn) bodyOver() {
	if c != nil {
		c.seen, c.mixed = c.reads.Load(), false
	}
}

func (c *watchedConn) look(method string) arrived {
	if c.mixed || c.reads.Load() != c.seen+1 || !bytes.HasPrefix(c.last, []byte(method+" ")) {
		return arrived{}
	}
	head, body, whole := bytes.Cut(c.last, []byte("\r\n\r\n"))
	if !whole {
		return arrived{}
	}
	return arrived{head: head, body: len(body)}
}

// hasLength tells whether a request head names a length.
func hasLength(head []byte) bool {
	return bytes.Contains(bytes.ToLower(head), []byte("\ncontent-length:"))
}
