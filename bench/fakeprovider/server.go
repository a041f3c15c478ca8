// Package fakeprovider is an OpenAI-shaped provider that costs next to
// nothing: it speaks HTTP/1.1 over plain TCP, answers from prepared bytes and
// allocates nothing per request, so that a benchmark measures the gateway in
// front of it and not the provider behind.
//
// It owns the answers and their pace. It knows nothing of what measures it,
// checks no credential and is no model of a real provider's correctness.
package fakeprovider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// maxRequest bounds the head of a request together with its body.
const maxRequest = 1 << 20

// Serve answers every connection of ln until ln is closed. It returns nil
// then, and the error of Accept otherwise.
func Serve(ln net.Listener) error {
	for {
		conn, err := ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("accepting a connection: %w", err)
		}
		go func() {
			// Whatever ended the connection, its client has noticed it as well.
			_ = (&exchange{conn: conn, buf: make([]byte, 16<<10)}).serve()
			_ = conn.Close()
		}()
	}
}

// exchange is one connection and the request that it carries at the moment.
type exchange struct {
	conn net.Conn
	buf  []byte
	n    int // bytes of buf that were read and not consumed
}

func (x *exchange) serve() error {
	for {
		head, body, err := x.read()
		var bad refusal
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			_, _ = x.conn.Write(bad.response())
			return err
		case err != nil:
			return err
		}
		if err := x.answer(head, body); err != nil {
			return err
		}
		x.n = copy(x.buf, x.buf[len(head)+len(body):x.n])
	}
}

// read gives the head, its empty line included, and the body of the next request.
func (x *exchange) read() (head, body []byte, err error) {
	end, length := 0, 0
	for {
		if end == 0 {
			if i := bytes.Index(x.buf[:x.n], []byte("\r\n\r\n")); i >= 0 {
				end = i + 4
				if length, err = contentLength(x.buf[:end]); err != nil {
					return nil, nil, err
				}
			}
		}
		if end > 0 && x.n >= end+length {
			return x.buf[:end], x.buf[end : end+length], nil
		}
		if x.n == len(x.buf) {
			if len(x.buf) >= maxRequest {
				return nil, nil, refusal{413, "the request is too large"}
			}
			x.buf = append(x.buf, make([]byte, len(x.buf))...)
		}
		n, err := x.conn.Read(x.buf[x.n:])
		if err != nil {
			if x.n > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, nil, err
		}
		x.n += n
	}
}

// contentLength reads the one framing that is understood. A chunked body is
// refused: a gateway that knows the whole body has no reason to send one.
func contentLength(head []byte) (int, error) {
	_, rest, _ := bytes.Cut(head, []byte("\r\n"))
	for line := range bytes.SplitSeq(rest, []byte("\r\n")) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case !ok:
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return 0, refusal{411, "send a Content-Length"}
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			if err != nil || n < 0 || n > maxRequest/2 {
				return 0, refusal{400, "Content-Length is no usable number"}
			}
			return n, nil
		}
	}
	return 0, nil
}

func (x *exchange) answer(head, body []byte) error {
	if !bytes.HasPrefix(head, []byte("POST /v1/chat/completions HTTP/1.1\r\n")) {
		_, err := x.conn.Write(refusal{404, "only POST /v1/chat/completions is served"}.response())
		return err
	}
	m, ok := models[string(stringField(body, "model"))]
	if !ok {
		_, err := x.conn.Write(refusal{404, "no such model"}.response())
		return err
	}
	if !trueField(body, "stream") {
		_, err := x.conn.Write(m.json)
		return err
	}
	return x.stream(m, trueField(body, "include_usage"))
}

// stream writes the pieces of a stream. The pace is kept against the clock at
// the start, so that late wake-ups do not add up; the end follows the last
// event at once.
func (x *exchange) stream(m *model, withUsage bool) error {
	pieces := m.plain
	if withUsage {
		pieces = m.withUsage
	}
	start := time.Now()
	for i, piece := range pieces {
		if m.gap > 0 && i > 0 && i < Events {
			time.Sleep(time.Until(start.Add(time.Duration(i) * m.gap)))
		}
		if _, err := x.conn.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// field gives what follows `"name":` in a JSON text. It does not parse: the
// load generator, which is the only client, never puts such text elsewhere.
func field(body []byte, quoted string) []byte {
	i := bytes.Index(body, []byte(quoted))
	if i < 0 {
		return nil
	}
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(body[i+len(quoted):], " \t\r\n"), []byte(":"))
	if !ok {
		return nil
	}
	return bytes.TrimLeft(rest, " \t\r\n")
}

func stringField(body []byte, name string) []byte {
	value, ok := bytes.CutPrefix(field(body, `"`+name+`"`), []byte(`"`))
	if !ok {
		return nil
	}
	text, _, _ := bytes.Cut(value, []byte(`"`))
	return text
}

func trueField(body []byte, name string) bool {
	return bytes.HasPrefix(field(body, `"`+name+`"`), []byte("true"))
}

// refusal is an error that its client is told.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

func (r refusal) response() []byte {
	body := fmt.Sprintf(`{"error":{"message":%q,"type":"invalid_request_error","param":null,"code":null}}`, r.message)
	return fmt.Appendf(nil, "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", r.status, len(body), body)
}
