package lean

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"tollgate/internal/provider"
)

const (
	// gatherLimit is the largest body copied behind the head, so that both
	// leave in one write, in bytes.
	gatherLimit = 16 << 10
	// inlineLimit is the largest body written before the answer is read, in
	// bytes: what socket buffers take. The writing of a larger one could wait
	// for a peer that has long answered, so it is done beside the reading.
	inlineLimit = 64 << 10
	// keptBuffer is the largest write buffer kept for the next request.
	keptBuffer = 2 * gatherLimit
)

// buffers are the write buffers, heads and small bodies.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// sourceError is a failure to read the caller's own stream.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "reading the request body: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// converse writes the request and reads the head of the answer into h. A
// failure comes with the stage it counts as. An answer that came before the
// request was wholly written is an answer, but ends the connection.
func (c *conn) converse(req *provider.Request, h *head) (provider.Stage, error) {
	var sent, got error
	if req.Stream == nil && len(req.Body) <= inlineLimit {
		sent = c.send(req)
		got = c.receive(h, req.Method)
	} else {
		sent, got = c.sendBeside(req, h)
	}
	if sent != nil {
		c.keep = false
	}
	_, ours := errors.AsType[*sourceError](sent)
	switch {
	case ours:
		return provider.Write, sent
	case got == nil:
		return 0, nil
	case c.answered:
		return provider.Read, got
	case sent != nil:
		return provider.Write, sent
	default:
		return provider.Await, got
	}
}

// sendBeside writes the request on a goroutine of its own while the answer is
// awaited, and returns when both are done. A final answer that is no success
// ends the writing: nobody wants the rest.
func (c *conn) sendBeside(req *provider.Request, h *head) (sent, got error) {
	result := make(chan error, 1)
	go func() {
		err := c.send(req)
		if _, ours := errors.AsType[*sourceError](err); ours {
			c.abort() // the peer waits for the rest, and we for the peer
		}
		result <- err
	}()
	got = c.receive(h, req.Method)
	switch {
	case got != nil:
		c.abort()
	case h.status >= 300:
		_ = c.raw.SetWriteDeadline(time.Unix(1, 0))
	}
	if sent = <-result; sent == nil && got == nil {
		_ = c.raw.SetWriteDeadline(time.Time{})
	}
	return sent, got
}

// send writes the request.
func (c *conn) send(req *provider.Request) error {
	pooled := buffers.Get().(*[]byte)
	buf := appendHead((*pooled)[:0], req)
	defer func() {
		if cap(buf) <= keptBuffer {
			*pooled = buf
			buffers.Put(pooled)
		}
	}()
	switch {
	case req.Stream != nil:
		if _, err := c.nc.Write(buf); err != nil {
			return err
		}
		return c.sendStream(req.Stream, req.Length)
	case len(req.Body) <= gatherLimit:
		buf = append(buf, req.Body...)
		_, err := c.nc.Write(buf)
		return err
	default:
		c.partsBuf = [2][]byte{buf, req.Body}
		c.parts = net.Buffers(c.partsBuf[:])
		_, err := c.parts.WriteTo(c.nc)
		c.partsBuf = [2][]byte{}
		return err
	}
}

// sendStream writes exactly length bytes of r, or all of it in chunks where nobody
// knows how many there are.
func (c *conn) sendStream(r io.Reader, length int64) error {
	if length < 0 {
		return c.sendChunks(r)
	}
	src := &source{r: io.LimitReader(r, length)}
	n, err := io.Copy(c.nc, src)
	switch {
	case src.err != nil:
		return &sourceError{src.err}
	case err != nil:
		return err
	case n < length:
		return &sourceError{fmt.Errorf("%d bytes were promised: %w", length, io.ErrUnexpectedEOF)}
	}
	return nil
}

// sendChunks writes all of r in chunks (RFC 9112, 7.1).
func (c *conn) sendChunks(r io.Reader) error {
	src, out := &source{r: r}, chunks{conn: c.nc}
	_, err := io.Copy(&out, src)
	switch {
	case src.err != nil:
		return &sourceError{src.err}
	case err != nil:
		return err
	}
	_, err = io.WriteString(c.nc, "0\r\n\r\n")
	return err
}

// chunks writes each piece that it is given as a chunk.
type chunks struct {
	conn io.Writer
	buf  []byte
}

// Write implements io.Writer. An empty piece is none: it would be the end.
func (w *chunks) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	w.buf = append(strconv.AppendInt(w.buf[:0], int64(len(p)), 16), "\r\n"...)
	w.buf = append(append(w.buf, p...), "\r\n"...)
	if _, err := w.conn.Write(w.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// source remembers that it was the reading which failed.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// appendHead writes the request line and the header.
func appendHead(b []byte, req *provider.Request) []byte {
	b = append(b, req.Method...)
	b = append(b, ' ')
	b = append(b, req.Target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, req.Host...)
	b = append(b, "\r\n"...)
	b = append(b, req.Static...)
	for i := range req.Header {
		f := &req.Header[i]
		if provider.Framing(f.Name) {
			continue
		}
		b = append(b, f.Name...)
		b = append(b, ": "...)
		b = append(b, f.Value...)
		b = append(b, "\r\n"...)
	}
	if size := req.Size(); size < 0 {
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	} else if size > 0 || expectsBody(req.Method) {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, size, 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...)
}

// expectsBody tells for which methods an empty body is worth saying (RFC 9110, 8.6).
func expectsBody(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}
