package gateway

import (
	"context"
	"io"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// Header is a set of header lines by canonical name.
type Header map[string][]string

// Get gives the first value of a header under its canonical name.
func (h Header) Get(canonical string) string {
	if v := h[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Set replaces the values of a header under its canonical name.
func (h Header) Set(canonical, value string) { h[canonical] = []string{value} }

// Request is what a caller asked, as the surface that took it in understood
// the transport's part of it. The surface has checked its framing and path.
type Request struct {
	Received time.Time
	Address  string // of the bind it came in by
	Method   string
	Scheme   string // http or https
	Host     string // without port, lower case
	// Authority is the host as the caller wrote it, with its port if it has one.
	Authority string
	Path      string // decoded; no dot segments, no encoded slashes
	// RawPath is the path as it came, "" where that is the usual way to write Path.
	RawPath string
	Query   string // raw
	Proto   string
	// As is the id of the key in whose name an operator makes the request; "": it
	// brings its own. Only the surface for operators may set it.
	As string
	// RemoteAddr is the caller's address and port.
	RemoteAddr string
	Header     Header
	// Body is the request's body, already bounded and decompressed; reading it
	// can fail with a *fault.Error. Length is -1 if unknown.
	Body   io.Reader
	Length int64
	// Raw is the same body as it came, bounded and still compressed if it was; nil if it
	// is no other than Body. Whoever reads one of them does not read the other.
	Raw Upload
	// RawLength is that of Raw, -1 if unknown.
	RawLength int64
}

// Upload is a body on its way.
type Upload interface {
	io.Reader
	// Interrupt ends a Read that waits, and all later ones. It may be called while one is
	// under way, until the request is answered.
	Interrupt()
}

// Responder takes the answer to a request. Header may be changed until Start.
type Responder interface {
	Header() Header
	// Lines adds prepared header lines, each with its CRLF, to the head that Start sends. Header
	// must have none of their names. It tells whether it could: not every protocol has lines.
	// It keeps nothing of text.
	Lines(text []byte) bool
	// Start sends the status line and the header. It is called once, before
	// Write; length is the body's length in bytes, -1 if unknown.
	Start(status int, length int64)
	// Write sends part of the body; it may hold it back until Flush.
	Write(p []byte) (int, error)
	// Flush sends what Write held back.
	Flush() error
	// Trailer sends a header line behind a body of unknown length, to callers whose
	// protocol has room for it.
	Trailer(canonical, value string)
	// Abort ends an answer whose end cannot be sent as promised, so that the
	// caller cannot take it for whole.
	Abort()
}

// subject is a Request as route matching sees it.
type subject struct{ *Request }

func (s *subject) Host() string   { return s.Request.Host }
func (s *subject) Method() string { return s.Request.Method }
func (s *subject) Path() string   { return s.Request.Path }

// HeaderValue gives a header, or a pseudo header such as ":method".
func (s *subject) HeaderValue(name string) (string, bool) {
	switch name {
	case ":method":
		return s.Request.Method, true
	case ":path":
		return s.Request.Path, true
	case ":authority", "host", "Host":
		return s.Request.Host, true
	case ":scheme":
		return s.Request.Scheme, true
	}
	values := s.Request.Header[textproto.CanonicalMIMEHeaderKey(name)]
	return strings.Join(values, ", "), len(values) > 0
}

// QueryValue gives the first value of a query parameter.
func (s *subject) QueryValue(name string) (string, bool) { return queryValue(s.Request.Query, name) }

// queryValue finds the first value of a parameter in a raw query. Pieces that
// do not decode do not match.
func queryValue(query, name string) (string, bool) {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if k, err := url.QueryUnescape(key); err != nil || k != name {
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil {
			return v, true
		}
	}
	return "", false
}

// withoutParameters gives a raw query without the parameters that drop picks by
// their decoded name and value, the rest as it was. What does not decode goes.
func withoutParameters(query string, drop func(name, value string) bool) string {
	if query == "" {
		return ""
	}
	kept := make([]string, 0, 4)
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(key)
		text, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil || drop(name, text) {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

// bounded is a context with an optional deadline of its own.
func bounded(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}
