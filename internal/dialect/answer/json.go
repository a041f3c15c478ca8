package answer

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"tollgate/internal/usage"
)

// Object walks the members of one JSON object in order, handing out raw values
// that it has skipped, not parsed. It is lenient: what is not JSON ends the walk.
type Object struct {
	b      []byte
	i      int
	closed bool
}

// Members starts a walk over value. A value that is no object has no members.
func Members(value []byte) Object {
	i := skipSpace(value, 0)
	if i >= len(value) || value[i] != '{' {
		return Object{i: -1}
	}
	return Object{b: value, i: i + 1}
}

// Next gives the next member: its name without quotes (escapes left as they
// are) and its raw value. Both are parts of the walked bytes.
func (o *Object) Next() (name, value []byte, ok bool) {
	if o.i < 0 {
		return nil, nil, false
	}
	i := skipSeparators(o.b, o.i)
	o.i = -1
	if i >= len(o.b) {
		return nil, nil, false
	}
	if o.b[i] == '}' {
		o.closed = len(o.b) == skipSpace(o.b, i+1)
		return nil, nil, false
	}
	if o.b[i] != '"' {
		return nil, nil, false
	}
	end := skipString(o.b, i)
	colon := skipSpace(o.b, end)
	if colon >= len(o.b) || o.b[colon] != ':' {
		return nil, nil, false
	}
	start := skipSpace(o.b, colon+1)
	stop, whole := skipValue(o.b, start)
	if !whole {
		return nil, nil, false
	}
	o.i = stop
	return o.b[i+1 : end-1], o.b[start:stop], true
}

// Complete tells, after Next has said no, that the object was whole and nothing
// but white space followed it.
func (o *Object) Complete() bool { return o.closed }

// Get gives the raw value of the first member called name, nil where there is none.
func Get(value []byte, name string) []byte {
	o := Members(value)
	for {
		n, v, ok := o.Next()
		if !ok {
			return nil
		}
		if string(n) == name {
			return v
		}
	}
}

// Array walks the elements of one JSON array.
type Array struct {
	b      []byte
	i      int
	closed bool
}

// Elements starts a walk over value. A value that is no array has no elements.
func Elements(value []byte) Array {
	i := skipSpace(value, 0)
	if i >= len(value) || value[i] != '[' {
		return Array{i: -1}
	}
	return Array{b: value, i: i + 1}
}

// Next gives the next raw element.
func (a *Array) Next() (value []byte, ok bool) {
	if a.i < 0 {
		return nil, false
	}
	i := skipSeparators(a.b, a.i)
	a.i = -1
	if i >= len(a.b) {
		return nil, false
	}
	if a.b[i] == ']' {
		a.closed = len(a.b) == skipSpace(a.b, i+1)
		return nil, false
	}
	stop, whole := skipValue(a.b, i)
	if !whole {
		return nil, false
	}
	a.i = stop
	return a.b[i:stop], true
}

// Complete tells, after Next has said no, that the array was whole and nothing
// but white space followed it.
func (a *Array) Complete() bool { return a.closed }

// Cursor visits every member of a JSON text, however deep, in the order of the
// bytes. It is what reads an ordinary event of a stream: one pass, no tree.
type Cursor struct {
	b     []byte
	i     int
	depth int
}

// Visit starts a cursor at the beginning of data.
func Visit(data []byte) Cursor { return Cursor{b: data} }

// VisitFrom starts a cursor behind a member of the outermost object, at an
// Offset that a cursor over the same bytes has given.
func VisitFrom(data []byte, offset int) Cursor { return Cursor{b: data, i: offset, depth: 1} }

// Offset gives the position from which Next will look on.
func (c *Cursor) Offset() int { return c.i }

// Next moves to the next member and gives its name, without quotes, and its
// depth: 1 for the members of the outermost object. Arrays count as depth too.
// Unless Value takes it, the member's value is entered.
func (c *Cursor) Next() (name []byte, depth int, ok bool) {
	b, i := c.b, c.i
	for i < len(b) {
		switch b[i] {
		case '"':
			end := skipString(b, i)
			colon := end
			if colon < len(b) && b[colon] != ':' {
				colon = skipSpace(b, colon)
			}
			if colon < len(b) && b[colon] == ':' {
				c.i = skipSpace(b, colon+1)
				return b[i+1 : end-1], c.depth, true
			}
			i = end
		case '{', '[':
			c.depth++
			i++
		case '}', ']':
			c.depth--
			i++
		default:
			i++
		}
	}
	c.i = i
	return nil, 0, false
}

// Kind gives the first byte of the value that the cursor stands at, 0 at the
// end of the text.
func (c *Cursor) Kind() byte {
	if c.i >= len(c.b) {
		return 0
	}
	return c.b[c.i]
}

// Value takes the value that the cursor stands at and moves behind it. A value
// that the text cuts short is nil.
func (c *Cursor) Value() []byte {
	stop, whole := skipValue(c.b, c.i)
	v := c.b[c.i:stop]
	c.i = stop
	if !whole {
		return nil
	}
	return v
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

func skipSeparators(b []byte, i int) int {
	i = skipSpace(b, i)
	if i < len(b) && b[i] == ',' {
		i = skipSpace(b, i+1)
	}
	return i
}

// skipString gives the index behind the closing quote of the string that opens
// at i, or the end of b where the quote is missing.
func skipString(b []byte, i int) int {
	for j := i + 1; ; {
		k := bytes.IndexByte(b[j:], '"')
		if k < 0 {
			return len(b)
		}
		j += k + 1
		if b[j-2] != '\\' {
			return j
		}
		slashes := 1
		for b[j-2-slashes] == '\\' { // stops at the opening quote at the latest
			slashes++
		}
		if slashes%2 == 0 {
			return j
		}
	}
}

// skipValue gives the index behind the value at i and whether it is whole.
func skipValue(b []byte, i int) (end int, whole bool) {
	if i >= len(b) {
		return len(b), false
	}
	switch b[i] {
	case '"':
		end = skipString(b, i)
		return end, end < len(b) || closedString(b[i:])
	case '{', '[':
		return skipContainer(b, i)
	}
	for end = i; end < len(b); end++ {
		if c := b[end]; c <= ' ' || c == ',' || c == '}' || c == ']' {
			return end, end > i
		}
	}
	return end, false
}

// closedString tells whether s, as found by skipString, ends with its own
// closing quote and not with the end of the text.
func closedString(s []byte) bool {
	if len(s) < 2 || s[len(s)-1] != '"' {
		return false
	}
	slashes := 0
	for i := len(s) - 2; i > 0 && s[i] == '\\'; i-- {
		slashes++
	}
	return slashes%2 == 0
}

func skipContainer(b []byte, i int) (end int, whole bool) {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '[':
			depth++
			if n := numbers(b[i+1:]); n > 0 {
				i += n
			}
		case '{':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1, true
			}
		}
		i++
	}
	return i, false
}

// numbers gives the length of a flat array of numbers that b begins with, its
// closing bracket excluded, or 0. Embeddings consist of little else. Each search
// ends at the next opening bracket, so that all of them together stay linear.
func numbers(b []byte) int {
	if len(b) == 0 || (b[0] != '-' && (b[0] < '0' || b[0] > '9') && b[0] != '\n' && b[0] != ' ') {
		return 0
	}
	if next := bytes.IndexByte(b, '['); next >= 0 {
		b = b[:next]
	}
	end := bytes.IndexByte(b, ']')
	if end < 0 || bytes.IndexByte(b[:end], '"') >= 0 || bytes.IndexByte(b[:end], '{') >= 0 {
		return 0
	}
	return end
}

// Int reads a count. What is negative, not a number or above usage.MaxFigure is
// no count. A number in quotes counts, as some servers write them.
func Int(value []byte) (n int64, ok bool) {
	v := value
	if len(v) >= 2 && v[0] == '"' {
		v = v[1 : len(v)-1]
	}
	if len(v) == 0 || len(v) > 32 {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return intFromFloat(v)
		}
		n = n*10 + int64(c-'0')
		if n > usage.MaxFigure {
			return 0, false
		}
	}
	return n, true
}

func intFromFloat(v []byte) (int64, bool) {
	f, ok := Float(v)
	if !ok {
		return 0, false
	}
	return int64(math.Round(f)), true
}

// Float reads a figure that need not be whole, with the limits of Int.
func Float(value []byte) (float64, bool) {
	if len(value) == 0 || len(value) > 32 || (value[0] != '-' && (value[0] < '0' || value[0] > '9')) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(f >= 0 && f <= usage.MaxFigure) {
		return 0, false
	}
	return f, true
}

// Inner gives the bytes between the quotes of a JSON string, escapes left as
// they are, or nil for anything else.
func Inner(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

// String gives the text of a JSON string, "" for anything else.
func String(value []byte) string {
	s := Inner(value)
	if bytes.IndexByte(s, '\\') < 0 {
		return string(s)
	}
	return string(AppendUnescaped(nil, s))
}

// Named tells whether a member has a value: it is there and not null.
func Named(value []byte) bool { return len(value) > 0 && value[0] != 'n' }

// AppendUnescaped appends the text that the inside of a JSON string stands for.
// A broken escape stands for itself.
func AppendUnescaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'n':
			dst = append(dst, '\n')
		case 't':
			dst = append(dst, '\t')
		case 'r':
			dst = append(dst, '\r')
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'u':
			var r rune
			r, s = unescapeRune(s)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// unescapeRune reads the four digits behind \u, and a second escape where the
// first is half of a pair.
func unescapeRune(s []byte) (rune, []byte) {
	r, ok := hex4(s)
	if !ok {
		return utf8.RuneError, s
	}
	s = s[4:]
	if utf16.IsSurrogate(r) && len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
		if low, ok := hex4(s[2:]); ok {
			if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
				return whole, s[6:]
			}
		}
	}
	return r, s
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[:4]), 16, 16)
	return rune(n), err == nil
}

// HasElements tells whether the value that the cursor stands at is an array or
// object that is not empty.
func (c *Cursor) HasElements() bool {
	if k := c.Kind(); k != '[' && k != '{' {
		return false
	}
	i := skipSpace(c.b, c.i+1)
	return i < len(c.b) && c.b[i] != ']' && c.b[i] != '}'
}

// Without gives a copy of an object without the members of that name that are
// not null. All other bytes stay as they are.
func Without(object []byte, name string) []byte {
	o := Members(object)
	if o.i < 0 {
		return bytes.Clone(object)
	}
	last := o.i
	rest := append(make([]byte, 0, len(object)), object[:last]...)
	kept, dropped := 0, 0
	for {
		n, v, ok := o.Next()
		if !ok {
			return append(rest, object[last:]...)
		}
		member := object[last:o.i]
		last = o.i
		if string(n) == name && Named(v) {
			dropped++
			continue
		}
		if kept == 0 && dropped > 0 {
			member = member[skipSeparators(member, 0):]
		}
		rest = append(rest, member...)
		kept++
	}
}
