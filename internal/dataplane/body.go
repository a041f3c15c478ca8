package dataplane

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/fault"
)

// requestBody is a request's body: decompressed, bounded in size and in the
// time that it may take to arrive.
type requestBody struct {
	raw      io.ReadCloser // as it came
	encoding string        // of what came, in lower case
	from     io.Reader     // what is read: raw, or what it decompresses to; nil before the first Read
	inflater io.Closer     // nil if the body is read as it came
	left     int64         // bytes that may still come
	max      int64
	length   int64 // declared, -1 if unknown
	out      *responder
}

// body prepares the body of r, nil if it has none.
func (s *Server) body(r *http.Request, out *responder) (*requestBody, *fault.Error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil, nil
	}
	limit := s.MaxBody()
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	b := &out.body
	*b = requestBody{
		raw: r.Body, encoding: strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))), left: limit, max: limit, length: r.ContentLength, out: out,
	}
	if !b.plain() {
		b.length = -1
	}
	return b, nil
}

// plain tells that the body came as it is meant.
func (b *requestBody) plain() bool { return b.encoding == "" || b.encoding == "identity" }

// open finds out how the body is decompressed.
func (b *requestBody) open() error {
	var err error
	switch {
	case b.plain():
		b.from = b.raw
		return nil
	case b.encoding == "gzip" || b.encoding == "x-gzip":
		var z *gzip.Reader
		if z, err = gzip.NewReader(b.raw); err == nil {
			b.from, b.inflater = z, z
		}
	case b.encoding == "deflate":
		var z io.ReadCloser
		if z, err = zlib.NewReader(b.raw); err == nil {
			b.from, b.inflater = z, z
		}
	default:
		return fault.New(fault.Unsupported, "unsupported_encoding",
			"Content-Encoding %q is not read here. Send the body plain, or with gzip or deflate.", clip(b.encoding, 40))
	}
	switch {
	case err == nil:
		return nil
	case isTimeout(err):
		return b.failure(err)
	default:
		return &fault.Error{Kind: fault.Invalid, Code: "request_body_decode_failed",
			Message: "The body is not what its Content-Encoding says.", Err: err}
	}
}

// rawBody is a requestBody that is read as it came.
type rawBody requestBody

// Read implements io.Reader. Its errors are *fault.Error.
func (b *rawBody) Read(p []byte) (int, error) {
	if b.from == nil {
		b.from = b.raw
	}
	return (*requestBody)(b).Read(p)
}

// Interrupt implements gateway.Upload.
func (b *rawBody) Interrupt() { _ = b.out.control.SetReadDeadline(time.Unix(1, 0)) }

// Read implements io.Reader. Its errors are *fault.Error.
func (b *requestBody) Read(p []byte) (int, error) {
	if b.from == nil {
		if err := b.open(); err != nil {
			return 0, err
		}
	}
	if b.left <= 0 {
		// One byte more tells a body of exactly the limit from a larger one.
		var one [1]byte
		if n, err := b.from.Read(one[:]); n == 0 && err != nil {
			return 0, b.failure(err)
		}
		return 0, tooLarge(b.max)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	if err != nil {
		err = b.failure(err)
	}
	return n, err
}

// failure gives the error to report, io.EOF at the end.
func (b *requestBody) failure(err error) error {
	switch {
	case err == io.EOF:
		b.out.lift()
		if b.inflater == nil {
			b.out.conn.bodyOver()
			_ = b.raw.Close() // else the server looks for more of it before it answers
		}
		return io.EOF
	case isTimeout(err):
		return &fault.Error{Kind: fault.Invalid, Code: "request_body_timeout",
			Message: "The body did not arrive in time.", Err: err}
	default:
		return &fault.Error{Kind: fault.Invalid, Code: "request_body_decode_failed",
			Message: "The body could not be read to its end.", Err: err}
	}
}

func (b *requestBody) close() {
	if b.inflater != nil {
		_ = b.inflater.Close()
	}
}

func tooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, "request_body_too_large",
		"The body is larger than the %d bytes that this gateway accepts.", limit)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}
