package load

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// client speaks HTTP/1.1 on one connection that it keeps: one write, then
// reads until the answer is whole, all on the caller's goroutine.
type client struct {
	conn net.Conn
	buf  []byte // buf[r:w] was read and not consumed
	r, w int
	body []byte // of the current answer, without its framing
	// arrived is told of each piece of a body, in bytes.
	arrived func(n int)
	firstAt time.Time // when the first byte of the body came
}

func newClient(conn net.Conn, arrived func(int)) *client {
	return &client{conn: conn, buf: make([]byte, 32<<10), arrived: arrived}
}

// do sends a request and reads the whole answer into c.body. Everything that
// is not a well-framed 200 on a connection that stays open is an error.
func (c *client) do(request []byte) error {
	c.body, c.firstAt = c.body[:0], time.Time{}
	if _, err := c.conn.Write(request); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	status, err := c.line()
	if err != nil {
		return fmt.Errorf("reading the status line: %w", err)
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answered %q, want 200", status)
	}
	f, err := c.framing()
	switch {
	case err != nil:
		return err
	case f.chunked:
		err = c.chunks()
	default:
		err = c.take(f.length)
	}
	if err != nil {
		return fmt.Errorf("reading the body: %w", err)
	}
	if c.r != c.w {
		return fmt.Errorf("%d bytes follow the answer", c.w-c.r)
	}
	return nil
}

// framing is how the end of a body is told.
type framing struct {
	chunked bool
	length  int
}

func (c *client) framing() (framing, error) {
	f := framing{length: -1}
	for {
		line, err := c.line()
		if err != nil {
			return f, fmt.Errorf("reading the headers: %w", err)
		}
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return f, fmt.Errorf("header line %q", line)
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if f.length, err = strconv.Atoi(string(value)); err != nil || f.length < 0 {
				return f, fmt.Errorf("header line %q", line)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			if f.chunked = bytes.EqualFold(value, []byte("chunked")); !f.chunked {
				return f, fmt.Errorf("header line %q", line)
			}
		case bytes.EqualFold(name, []byte("Connection")) && bytes.EqualFold(value, []byte("close")):
			return f, errors.New("the connection is not kept")
		}
	}
	if f.chunked == (f.length >= 0) {
		return f, errors.New("want either a Content-Length or a chunked body")
	}
	return f, nil
}

func (c *client) chunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseUint(string(digits), 16, 31)
		if err != nil {
			return fmt.Errorf("chunk size %q", line)
		}
		if size == 0 {
			return c.trailers()
		}
		if err := c.take(int(size)); err != nil {
			return err
		}
		if line, err = c.line(); err != nil || len(line) != 0 {
			return fmt.Errorf("chunk is followed by %q: %w", line, err)
		}
	}
}

func (c *client) trailers() error {
	for {
		if line, err := c.line(); err != nil || len(line) == 0 {
			return err
		}
	}
}

// take moves n bytes to the body.
func (c *client) take(n int) error {
	for n > 0 {
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return err
			}
		}
		if c.firstAt.IsZero() {
			c.firstAt = time.Now()
		}
		piece := c.buf[c.r:min(c.w, c.r+n)]
		c.body = append(c.body, piece...)
		c.r += len(piece)
		n -= len(piece)
		c.arrived(len(piece))
	}
	return nil
}

// line gives the next line without its end; it is valid until the next read.
func (c *client) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(c.buf[c.r:c.w], '\n'); i >= 0 {
			line, ok := bytes.CutSuffix(c.buf[c.r:c.r+i], []byte("\r"))
			c.r += i + 1
			if !ok {
				return nil, fmt.Errorf("line %q ends without a carriage return", line)
			}
			return line, nil
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

func (c *client) fill() error {
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	}
	if c.w == len(c.buf) {
		return errors.New("a line is too long")
	}
	n, err := c.conn.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}
