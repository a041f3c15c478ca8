package request

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"net/textproto"
	"strings"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/fault"
)

// maxParts bounds the number of parts of a form.
const maxParts = 256

// Spooled is a form that was read to its end, because its fields may stand
// behind its files. Close must be called.
type Spooled struct {
	Model          string
	HasModel       bool
	Stream         bool
	ResponseFormat string

	boundary string
	model    extent // of the model's value
	spool    spool
}

// extent is a part of a spooled body, in bytes.
type extent struct{ start, end int64 }

// Open gives the form from its start, with its length in bytes; model replaces
// the model that it names unless it is empty; it holds no line breaks. Open may be called again, also
// while other readers are in use, until Close.
func (s *Spooled) Open(model string) (io.ReadCloser, int64) {
	if model == "" || s.HasModel && model == s.Model {
		return io.NopCloser(s.spool.section(0, s.spool.size)), s.spool.size
	}
	at := s.model
	if !s.HasModel {
		model = "--" + s.boundary + "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + model + "\r\n"
	}
	r := io.MultiReader(s.spool.section(0, at.start), strings.NewReader(model), s.spool.section(at.end, s.spool.size))
	return io.NopCloser(r), s.spool.size - (at.end - at.start) + int64(len(model))
}

// ContentType is the type of the form, written so that it can be read in one
// way only.
func (s *Spooled) ContentType() string {
	return mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": s.boundary})
}

// RequireModel gives the error for a form that names no model, nil if it does.
func (s *Spooled) RequireModel() error {
	return (&Peeked{HasModel: s.HasModel}).RequireModel()
}

// Close lets go of the form and removes its file.
func (s *Spooled) Close() error { return s.spool.close() }

// PeekMultipart reads a form of the type multipart/form-data to its end and
// finds the fields model, stream and response_format, wherever they stand. It
// is as strict as Peek: what could be read in two ways is refused. The error is
// a *fault.Error; then there is nothing to close.
func PeekMultipart(r io.Reader, contentType string, limits Limits) (*Spooled, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	if err != nil || kind != "multipart/form-data" || boundary == "" || len(boundary) > 70 || strings.Contains(contentType, "*") {
		return nil, invalid("", "The Content-Type must be multipart/form-data with a boundary.")
	}
	s := &Spooled{boundary: boundary}
	if err := s.read(r, limits); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Spooled) read(r io.Reader, limits Limits) error {
	if err := s.spool.fill(r, limits); err != nil {
		return err
	}
	f := &form{
		Reader:   bufio.NewReaderSize(s.spool.section(0, s.spool.size), 16<<10),
		boundary: []byte("--" + s.boundary),
		left:     limits.Fields,
	}
	if err := f.expect(string(f.boundary)); err != nil {
		return err
	}
	for parts := 0; ; parts++ {
		if last, err := f.endOfDelimiter(); err != nil || last {
			return err
		}
		if parts == maxParts {
			return invalid("", "The form has more than %d parts.", maxParts)
		}
		if err := s.readPart(f); err != nil {
			return err
		}
	}
}

// readPart reads one part and the delimiter behind it.
func (s *Spooled) readPart(f *form) error {
	name, file, err := f.head()
	if err != nil {
		return err
	}
	read := false
	for _, known := range [...]string{"model", "stream", "response_format"} {
		if strings.EqualFold(strings.TrimSpace(name), known) {
			if read = true; name != known || file {
				return invalid(known, "The form field %s must be written as it is, and must not be a file.", known)
			}
		}
	}
	if !read {
		return f.content(nil)
	}
	if f.seen[name] {
		return invalid(name, "The form has the field %s twice.", name)
	}
	if f.seen == nil {
		f.seen = make(map[string]bool, 3)
	}
	f.seen[name] = true
	start := f.at
	var value []byte
	if err := f.content(&value); err != nil {
		return err
	}
	return s.set(name, value, extent{start, start + int64(len(value))})
}

func (s *Spooled) set(name string, value []byte, at extent) error {
	if !utf8.Valid(value) || bytes.ContainsFunc(value, unicode.IsControl) {
		return invalid(name, "The form field %s holds control characters or is not UTF-8.", name)
	}
	switch name {
	case "model":
		if len(value) > maxModel {
			return invalid("model", "model is longer than %d bytes.", maxModel)
		}
		s.Model, s.HasModel, s.model = string(value), true, at
	case "stream":
		switch strings.ToLower(string(value)) {
		case "true", "1", "on", "yes":
			s.Stream = true
		}
	case "response_format":
		s.ResponseFormat = string(value)
	}
	return nil
}

// form reads the parts of a form and keeps count of where it is.
type form struct {
	*bufio.Reader
	at       int64
	boundary []byte
	left     int64 // bytes that heads and fields may still take
	seen     map[string]bool
}

var errForm = invalid("", "The body is not a well-formed form: every part needs its boundary, one Content-Disposition with a name, and CRLF line ends.")

// malformed gives errForm, or the error of the reader if it was that.
func malformed(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, bufio.ErrBufferFull) {
		e := *errForm
		return &e
	}
	return unspoolable(err)
}

// expect reads exactly a text.
func (f *form) expect(text string) error {
	b, err := f.Peek(len(text))
	if err != nil || string(b) != text {
		return malformed(err)
	}
	f.skip(len(text))
	return nil
}

func (f *form) skip(n int) {
	_, _ = f.Discard(n) // buffered: it was peeked at
	f.at += int64(n)
}

// endOfDelimiter reads what stands behind a boundary: the end of its line, or
// two dashes and the end of the body.
func (f *form) endOfDelimiter() (last bool, err error) {
	if f.expect("--") != nil {
		return false, f.expect("\r\n")
	}
	rest, err := f.Peek(3)
	if !errors.Is(err, io.EOF) || len(rest) != 0 && string(rest) != "\r\n" {
		return false, malformed(nil)
	}
	return true, nil
}

// head reads the head of a part and gives the name of its field and whether it
// is a file.
func (f *form) head() (name string, file bool, err error) {
	disposition := ""
	for {
		line, err := f.ReadSlice('\n')
		f.at += int64(len(line))
		if f.left -= int64(len(line)); f.left < 0 {
			return "", false, fieldsTooLarge()
		}
		if err != nil || len(line) < 2 || line[len(line)-2] != '\r' {
			return "", false, malformed(err)
		}
		line = line[:len(line)-2]
		if len(line) == 0 {
			break
		}
		key, value, ok := strings.Cut(string(line), ":")
		if !ok || key == "" || strings.ContainsFunc(key, notToken) || strings.ContainsFunc(value, control) {
			return "", false, malformed(nil)
		}
		value = strings.TrimSpace(value)
		switch textproto.CanonicalMIMEHeaderKey(key) {
		case "Content-Disposition":
			if disposition != "" {
				return "", false, malformed(nil)
			}
			disposition = value
		case "Content-Transfer-Encoding":
			switch strings.ToLower(value) {
			case "7bit", "8bit", "binary":
			default: // some readers decode it, some do not
				return "", false, malformed(nil)
			}
		}
	}
	kind, params, err := mime.ParseMediaType(disposition)
	// Readers differ in what they make of parameters with a star and of escapes.
	if err != nil || kind != "form-data" || params["name"] == "" ||
		strings.Contains(disposition, "*=") || strings.Contains(disposition, `\"`) {
		return "", false, malformed(nil)
	}
	_, file = params["filename"]
	return params["name"], file, nil
}

// notToken tells a character that a header's name cannot have.
func notToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

// control tells a character that a header's value cannot have.
func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// content reads the content of a part and the delimiter behind it; it keeps the
// content if keep is not nil.
func (f *form) content(keep *[]byte) error {
	for first := true; ; first = false {
		window, err := f.Peek(f.Size())
		n, found, ambiguous := findDelimiter(window, f.boundary, first)
		if ambiguous || !found && len(window) < len(f.boundary)+2 {
			return malformed(err)
		}
		if !found {
			n = len(window) - len(f.boundary) - 1 // the delimiter may begin in the last bytes
		}
		if keep != nil {
			if f.left -= int64(n); f.left < 0 {
				return fieldsTooLarge()
			}
			*keep = append(*keep, window[:n]...)
		}
		f.skip(n)
		if found {
			f.skip(2 + len(f.boundary))
			return nil
		}
	}
}

// findDelimiter finds where a line begins with the boundary: the index of its
// CRLF. A boundary at the very start or behind half a line end is ambiguous:
// lenient readers take it for a delimiter.
func findDelimiter(window, boundary []byte, first bool) (at int, found, ambiguous bool) {
	for from := 0; ; {
		i := bytes.Index(window[from:], boundary)
		if i < 0 {
			return 0, false, false
		}
		i += from
		switch {
		case i >= 2 && window[i-2] == '\r' && window[i-1] == '\n':
			return i - 2, true, false
		case i < 2 && !first: // it was looked at in the window before
		case i == 0, window[i-1] == '\n', window[i-1] == '\r':
			return 0, false, true
		}
		from = i + 1
	}
}

func fieldsTooLarge() error {
	return fault.New(fault.TooLarge, "request_body_too_large", "The form's fields are larger than this gateway accepts.")
}
