package lean

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"

	"tollgate/internal/provider"
)

const (
	// maxHead bounds the head of an answer, with the 1xx answers before it, in bytes.
	maxHead = 256 << 10
	// maxFields bounds the header lines of one head.
	maxFields = 512
)

// Errors of malformed heads. They quote nothing: a peer may send our own
// request back to us, credential and all.
var (
	errNotHTTP      = errors.New("the answer is not HTTP/1")
	errStatusLine   = errors.New("the answer has a malformed status line")
	errField        = errors.New("the answer has a malformed header line")
	errHeadTooLong  = errors.New("the answer's header is too long")
	errContentLen   = errors.New("the answer has a malformed or contradictory Content-Length")
	errTransferCode = errors.New("the answer has a Transfer-Encoding that is not just chunked")
	errBothLengths  = errors.New("the answer has both Content-Length and Transfer-Encoding")
	errSwitched     = errors.New("the answer switches to a protocol that nobody asked for")
)

// framingKind is how the end of a body is known.
type framingKind uint8

const (
	noBody framingKind = iota
	byLength
	chunked
	untilClose
)

// head is the parsed head of an answer.
type head struct {
	status int
	minor  int // of HTTP/1.x
	fields provider.Header

	length   int64 // Content-Length, -1 if there is none
	chunked  bool
	close    bool // Connection: close
	keepOpen bool // Connection: keep-alive
}

// receive reads heads until one is final.
func (c *conn) receive(h *head, method string) error {
	room := h.fields
	for left := maxHead; ; {
		size, fields, err := c.awaitHead(left)
		if err != nil {
			return err
		}
		left -= size
		text := string(c.buf[c.r : c.r+size-len("\r\n")])
		c.r += size
		if fields > cap(room) {
			room = make(provider.Header, 0, fields)
		}
		*h = head{fields: room[:0]}
		if err := h.parse(text); err != nil {
			return err
		}
		if h.status >= 200 {
			c.shrink()
			return nil
		}
		if h.status == 101 {
			return errSwitched
		}
	}
}

// awaitHead reads until a whole head is buffered, and gives its size in bytes,
// empty line included, and the number of its header lines.
func (c *conn) awaitHead(limit int) (size, fields int, err error) {
	lines := 0
	begun, scanned := 0, 0 // where the line under inspection begins, how far it was searched, from c.r
	for {
		b := c.buf[c.r:c.w]
		for {
			i := bytes.IndexByte(b[scanned:], '\n')
			if i < 0 {
				break
			}
			end := scanned + i
			switch {
			case end == begun || b[end-1] != '\r':
				return 0, 0, errBareLF
			case end+1 > limit || lines > maxFields+1:
				return 0, 0, errHeadTooLong
			case end-1 == begun:
				return end + 1, lines - 1, nil
			}
			lines++
			begun, scanned = end+1, end+1
		}
		scanned = len(b)
		if scanned >= limit {
			return 0, 0, errHeadTooLong
		}
		if !plausible(b) {
			return 0, 0, errNotHTTP
		}
		if err := c.fill(); err != nil {
			if err == io.EOF && c.answered {
				err = io.ErrUnexpectedEOF
			}
			return 0, 0, err
		}
	}
}

// plausible tells whether b can be the beginning of an answer, so that a peer
// of another protocol is not waited for.
func plausible(b []byte) bool {
	const start = "HTTP/1."
	n := min(len(b), len(start))
	return string(b[:n]) == start[:n]
}

// parse reads a head without its empty line. h.fields must be empty and have room.
func (h *head) parse(text string) error {
	line, rest, _ := strings.Cut(text, "\r\n")
	if err := h.parseStatusLine(line); err != nil {
		return err
	}
	h.length = -1
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\r\n")
		if err := h.parseField(line); err != nil {
			return err
		}
	}
	if h.chunked && h.length >= 0 {
		return errBothLengths
	}
	if h.chunked && h.minor == 0 {
		return errTransferCode
	}
	return nil
}

// parseStatusLine reads "HTTP/1.x NNN reason"; the reason may be missing.
func (h *head) parseStatusLine(line string) error {
	const begin, code = len("HTTP/1.1 "), len("200")
	switch {
	case !strings.HasPrefix(line, "HTTP/1.1 ") && !strings.HasPrefix(line, "HTTP/1.0 "):
		return errNotHTTP
	case len(line) < begin+code, len(line) > begin+code && line[begin+code] != ' ':
		return errStatusLine
	}
	h.minor = int(line[begin-2] - '0')
	for _, c := range []byte(line[begin : begin+code]) {
		if c < '0' || c > '9' {
			return errStatusLine
		}
		h.status = h.status*10 + int(c-'0')
	}
	if h.status < 100 || !provider.ValidValue(line[begin+code:]) {
		return errStatusLine
	}
	return nil
}

// parseField reads one header line. One that goes on from the line before
// begins with a space, which no name does.
func (h *head) parseField(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !provider.ValidName(name) {
		return errField
	}
	value = strings.Trim(value, " \t")
	if !provider.ValidValue(value) {
		return errField
	}
	h.fields = append(h.fields, provider.Field{Name: name, Value: value})
	switch len(name) {
	case len("Connection"):
		if strings.EqualFold(name, "Connection") {
			h.readConnection(value)
		}
	case len("Content-Length"):
		if strings.EqualFold(name, "Content-Length") {
			return h.readContentLength(value)
		}
	case len("Transfer-Encoding"):
		if strings.EqualFold(name, "Transfer-Encoding") {
			if h.chunked || !strings.EqualFold(value, "chunked") {
				return errTransferCode
			}
			h.chunked = true
		}
	}
	return nil
}

// readContentLength takes digits only; a second one must say the same.
func (h *head) readContentLength(value string) error {
	if value == "" {
		return errContentLen
	}
	var n int64
	for _, c := range []byte(value) {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return errContentLen
		}
		n = n*10 + int64(c-'0')
	}
	if h.length >= 0 && h.length != n {
		return errContentLen
	}
	h.length = n
	return nil
}

func (h *head) readConnection(value string) {
	for option := range strings.SplitSeq(value, ",") {
		option = strings.Trim(option, " \t")
		h.close = h.close || strings.EqualFold(option, "close")
		h.keepOpen = h.keepOpen || strings.EqualFold(option, "keep-alive")
	}
}

// framing tells how the body of an answer to method ends (RFC 9112, 6.3).
func (h *head) framing(method string) (framingKind, int64) {
	switch {
	case method == "HEAD", h.status == 204, h.status == 304:
		return noBody, 0
	case h.chunked:
		return chunked, 0
	case h.length == 0:
		return noBody, 0
	case h.length > 0:
		return byLength, h.length
	}
	return untilClose, 0
}

// declared is the length for provider.Response.
func (h *head) declared(method string) int64 {
	if method != "HEAD" && (h.status == 204 || h.status == 304) {
		return 0
	}
	return h.length
}

// keepAlive tells whether the connection may serve again after this answer. A
// 204 that announces a body is not trusted to have none.
func (h *head) keepAlive() bool {
	if h.status == 204 && (h.chunked || h.length > 0) {
		return false
	}
	return !h.close && (h.minor == 1 || h.keepOpen)
}
