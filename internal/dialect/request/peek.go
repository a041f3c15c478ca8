package request

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
)

// Bounds of what a body may hold.
const (
	// MaxDepth is how deep objects and arrays may be nested.
	MaxDepth = 256
	// maxModel is the longest model name, in bytes.
	maxModel = 512
	// maxCount is the largest count of anything: what a float64 can hold exactly.
	maxCount = 1 << 53
)

// Span is a part of a body, in bytes.
type Span struct{ Start, End int }

// Peeked is what Peek found in a body. It refers to the body by offsets, holds
// none of its bytes but Model, and can be used again and again.
type Peeked struct {
	// Model is the model asked for; HasModel tells an empty name from none.
	Model    string
	HasModel bool
	Stream   bool
	// IncludeUsage tells that the caller asked for usage in the stream.
	IncludeUsage bool
	// MaxTokens bounds the output, 0 if the caller set no bound, and
	// MaxTokensMember is the member that did. If two did it is the larger one.
	MaxTokens       int64
	MaxTokensMember string
	// Unbounded tells of a negative bound, which some servers take for none at all.
	Unbounded bool
	// N and BestOf are numbers of answers, 0 if not given.
	N, BestOf int64

	Temperature, TopP       float64
	HasTemperature, HasTopP bool

	Messages, Tools int // how many there are

	open  int // offset behind the opening brace
	count int // of the top-level members
	few   [16]member
	more  []member // from the 17th on
}

// member is a top-level member of a body: its name with quotes, and its value.
type member struct {
	name, value Span
	escaped     bool // the name holds escapes
}

// RequireModel gives the error for a request that names no model, nil if it does.
func (p *Peeked) RequireModel() error {
	if p.HasModel {
		return nil
	}
	e := fault.New(fault.Invalid, "missing_model", "The request names no model. Set the member \"model\".")
	e.Param = "model"
	return e
}

// Value gives the text of a top-level member of the body that was peeked at.
func (p *Peeked) Value(body []byte, name string) ([]byte, bool) {
	for i := range p.count {
		if m := p.at(i); m.is(body, name) {
			return body[m.value.Start:m.value.End], true
		}
	}
	return nil, false
}

func (p *Peeked) at(i int) *member {
	if i < len(p.few) {
		return &p.few[i]
	}
	return &p.more[i-len(p.few)]
}

func (p *Peeked) add(m member) {
	if p.count < len(p.few) {
		p.few[p.count] = m
	} else {
		p.more = append(p.more, m)
	}
	p.count++
}

// is tells whether a member has a name.
func (m *member) is(body []byte, name string) bool {
	inner := body[m.name.Start+1 : m.name.End-1]
	if m.escaped {
		inner = unquote(body[m.name.Start:m.name.End])
	}
	return string(inner) == name
}

// reader is a JSON decoder that reads from a slice.
type reader struct {
	jsontext.Decoder
	source bytes.Buffer // the decoder takes its bytes without copying them
}

var readers = sync.Pool{New: func() any { return new(reader) }}

func newReader(body []byte) *reader {
	r := readers.Get().(*reader)
	r.source = *bytes.NewBuffer(body)
	r.Reset(&r.source)
	return r
}

// release gives the reader back, without the body.
func (r *reader) release() {
	r.source = bytes.Buffer{}
	r.Reset(&r.source)
	readers.Put(r)
}

// value reads the next value and where it stands.
func (r *reader) value() (jsontext.Value, Span, error) {
	raw, err := r.ReadValue()
	end := int(r.InputOffset())
	return raw, Span{end - len(raw), end}, err
}

// Peek reads a body of an operation once, from its first byte to its last, and
// refuses what is no JSON object or could be read in more than one way. The
// error is a *fault.Error. The body is neither changed nor kept.
func Peek(op dialect.Operation, body []byte, into *Peeked) error {
	*into = Peeked{}
	if tooDeep(body) {
		return invalid("", "The body is nested more than %d levels deep.", MaxDepth)
	}
	r := newReader(body)
	defer r.release()
	if err := peek(op, body, r, into); err != nil {
		return refusal(err)
	}
	return nil
}

func peek(op dialect.Operation, body []byte, r *reader, p *Peeked) error {
	if kind := r.PeekKind(); kind != '{' && kind != 0 {
		return invalid("", "The body must be a JSON object.")
	}
	if _, err := r.ReadToken(); err != nil {
		return err
	}
	p.open = int(r.InputOffset())
	for r.PeekKind() != '}' {
		raw, at, err := r.value()
		if err != nil {
			return err
		}
		m := member{name: at, escaped: bytes.IndexByte(raw, '\\') >= 0}
		name := raw[1 : len(raw)-1]
		if m.escaped {
			name = unquote(raw)
		}
		if m.value, err = p.read(op, name, r); err != nil {
			return err
		}
		p.add(m)
	}
	if _, err := r.ReadToken(); err != nil {
		return err
	}
	if _, err := r.ReadToken(); err != io.EOF { //nolint:errorlint // the decoder returns it bare
		return invalid("", "The body goes on behind its JSON object.")
	}
	return nil
}

// read reads the value of a member. Null is the same as no value.
func (p *Peeked) read(op dialect.Operation, name []byte, r *reader) (at Span, err error) {
	switch string(name) {
	case "stream_options":
		return p.readStreamOptions(r)
	case "messages":
		p.Messages, at, err = elements(r, "messages", op == dialect.Chat || op == dialect.Messages)
		return at, err
	case "tools":
		p.Tools, at, err = elements(r, "tools", false)
		return at, err
	}
	raw, at, err := r.value()
	if err != nil || raw.Kind() == 'n' {
		return at, err
	}
	switch string(name) {
	case "model":
		p.Model, err = modelName(raw)
		p.HasModel = true
	case "stream":
		p.Stream, err = boolean("stream", raw)
	case "n":
		if op != dialect.Passthrough {
			p.N, err = number("n", raw)
		}
	case "best_of":
		if op == dialect.Completions {
			p.BestOf, err = number("best_of", raw)
		}
	case "max_tokens":
		if op == dialect.Chat || op == dialect.Completions || op == dialect.Messages {
			err = p.readMaxTokens("max_tokens", raw)
		}
	case "max_completion_tokens":
		if op == dialect.Chat {
			err = p.readMaxTokens("max_completion_tokens", raw)
		}
	case "max_output_tokens":
		if op == dialect.Responses {
			err = p.readMaxTokens("max_output_tokens", raw)
		}
	case "temperature":
		p.Temperature, p.HasTemperature = float(raw)
	case "top_p":
		p.TopP, p.HasTopP = float(raw)
	default:
		err = checkCase(name)
	}
	return at, err
}

func (p *Peeked) readMaxTokens(name string, raw jsontext.Value) error {
	n, err := number(name, raw)
	p.Unbounded = p.Unbounded || raw[0] == '-'
	if n > p.MaxTokens {
		p.MaxTokens, p.MaxTokensMember = n, name
	}
	return err
}

func (p *Peeked) readStreamOptions(r *reader) (Span, error) {
	if kind := r.PeekKind(); kind != '{' && kind != 0 {
		raw, at, err := r.value()
		if err == nil && raw.Kind() != 'n' {
			err = invalid("stream_options", "stream_options must be an object.")
		}
		return at, err
	}
	if _, err := r.ReadToken(); err != nil {
		return Span{}, err
	}
	at := Span{Start: int(r.InputOffset()) - 1}
	for r.PeekKind() != '}' {
		raw, err := r.ReadValue()
		if err != nil {
			return at, err
		}
		name := unquote(raw)
		if raw, err = r.ReadValue(); err != nil {
			return at, err
		}
		switch {
		case string(name) == "include_usage":
			if raw.Kind() != 'n' {
				p.IncludeUsage, err = boolean("stream_options.include_usage", raw)
			}
		case bytes.EqualFold(name, []byte("include_usage")):
			err = wrongCase("include_usage")
		}
		if err != nil {
			return at, err
		}
	}
	_, err := r.ReadToken()
	at.End = int(r.InputOffset())
	return at, err
}

// elements counts the elements of an array. What is none counts zero, or is
// refused where an array must be.
func elements(r *reader, name string, must bool) (n int, at Span, err error) {
	if kind := r.PeekKind(); kind != '[' {
		raw, at, err := r.value()
		if err == nil && must && raw.Kind() != 'n' {
			err = invalid(name, "%s must be an array.", name)
		}
		return 0, at, err
	}
	if _, err := r.ReadToken(); err != nil {
		return 0, at, err
	}
	at.Start = int(r.InputOffset()) - 1
	for ; r.PeekKind() != ']'; n++ {
		if _, err := r.ReadValue(); err != nil {
			return n, at, err
		}
	}
	_, err = r.ReadToken()
	at.End = int(r.InputOffset())
	return n, at, err
}

func modelName(raw jsontext.Value) (string, error) {
	if raw.Kind() != '"' {
		return "", invalid("model", "model must be a string.")
	}
	name := unquote(raw)
	if len(name) > maxModel {
		return "", invalid("model", "model is longer than %d bytes.", maxModel)
	}
	for _, c := range name {
		if c < 0x20 || c == 0x7f {
			return "", invalid("model", "model holds a control character.")
		}
	}
	return string(name), nil
}

func boolean(name string, raw jsontext.Value) (bool, error) {
	switch raw.Kind() {
	case 't':
		return true, nil
	case 'f':
		return false, nil
	default:
		return false, invalid(name, "%s must be true or false.", name)
	}
}

// number reads a count. Some servers take a negative one for "no bound", so it
// is left to the provider and counts as not given.
func number(name string, raw jsontext.Value) (int64, error) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil { // perhaps 1e3 or 100.0
		f, ok := float(raw)
		if !ok || f != math.Trunc(f) || math.Abs(f) > maxCount {
			return 0, invalid(name, "%s must be a whole number.", name)
		}
		n = int64(f)
	}
	if n > maxCount {
		return 0, invalid(name, "%s is too large.", name)
	}
	return max(n, 0), nil
}

func float(raw jsontext.Value) (float64, bool) {
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil && raw.Kind() == '0'
}

// sensitive are the members that a careless program would also find under a
// name in other case, and that matter for what is allowed or charged.
var sensitive = [...]string{
	"model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens",
	"n", "best_of", "messages", "system", "input", "background",
}

// checkCase refuses a name that differs from a sensitive one only in case,
// Unicode's folding included ("ſtream"). A name of small letters never does.
func checkCase(name []byte) error {
	plain := true
	for _, c := range name {
		if c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return nil
	}
	for _, s := range sensitive {
		if bytes.EqualFold(name, []byte(s)) {
			return wrongCase(s)
		}
	}
	return nil
}

// tooDeep tells whether a body is nested deeper than MaxDepth. It comes before
// parsing because a parser's stack grows with the depth. Almost every body has
// fewer brackets than that, which is found out at the speed of memory.
func tooDeep(body []byte) bool {
	if bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) <= MaxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '[' || c == '{':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// unquote gives the content of a JSON string that is known to be valid; it
// copies only if the string holds escapes.
func unquote(raw []byte) []byte {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	s, _ := jsontext.AppendUnquote(nil, raw)
	return s
}

func invalid(param, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, "invalid_request_body", format, args...)
	e.Param = param
	return e
}

func wrongCase(name string) *fault.Error {
	return invalid(name, "The body has a member that differs from %q only in case. Write it as %q, or leave it out.", name, name)
}

// refusal turns a decoder's error into one for the caller.
func refusal(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	var e *fault.Error
	syntax, _ := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e = invalid("", "The body ends before its JSON object does.")
	case errors.Is(err, jsontext.ErrDuplicateName) && syntax != nil:
		// Not by its name: messages are kept in request records, and names are content.
		e = invalid("", "The body names a member twice, the second time at byte %d. Name it once.", syntax.ByteOffset)
	case syntax != nil:
		e = invalid("", "The body is not valid JSON at byte %d.", syntax.ByteOffset)
	default:
		e = invalid("", "The body is not valid JSON.")
	}
	e.Err = err
	return e
}
