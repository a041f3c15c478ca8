package telemetry

import (
	"math"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// Format is how lines of the access log are written.
type Format uint8

// The formats.
const (
	Text Format = iota // time, level, "request" and key=value fields
	JSON               // one object a line
)

// line is a line of the access log being written. Whatever text goes in, it
// stays one line, and no value can pass for a field.
type line struct {
	b    []byte
	json bool
}

// name begins a field whose name is a plain word.
func (l *line) name(name string) {
	if !l.json {
		l.b = append(l.b, ' ')
		l.b = append(l.b, name...)
		l.b = append(l.b, '=')
		return
	}
	l.b = append(l.b, ',', '"')
	l.b = append(l.b, name...)
	l.b = append(l.b, '"', ':')
}

// text appends a value, cut to at most limit bytes.
func (l *line) text(value string, limit int) {
	cut := len(value) > limit
	if cut {
		value = cutAt(value, limit)
	}
	if !l.json && !cut && isBare(value) {
		l.b = append(l.b, value...)
		return
	}
	l.b = append(l.b, '"')
	l.b = appendEscaped(l.b, value)
	if cut {
		l.b = append(l.b, "…"...)
	}
	l.b = append(l.b, '"')
}

// float appends a number; JSON has no way to write one that is not finite.
func (l *line) float(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		l.b = append(l.b, "null"...)
		return
	}
	l.b = strconv.AppendFloat(l.b, f, 'g', -1, 64)
}

func (l *line) number(n int64) { l.b = strconv.AppendInt(l.b, n, 10) }

// milliseconds appends a duration in whole milliseconds, as agentgateway writes it.
func (l *line) milliseconds(d time.Duration) {
	l.quote()
	l.b = strconv.AppendInt(l.b, d.Milliseconds(), 10)
	l.b = append(l.b, "ms"...)
	l.quote()
}

// fine appends a duration in milliseconds to the microsecond.
func (l *line) fine(d time.Duration) {
	l.quote()
	l.b = strconv.AppendFloat(l.b, float64(d.Microseconds())/1000, 'f', -1, 64)
	l.b = append(l.b, "ms"...)
	l.quote()
}

// quote appends the quotes that only JSON puts around text without blanks.
func (l *line) quote() {
	if l.json {
		l.b = append(l.b, '"')
	}
}

// cutAt cuts text that is longer than limit bytes to about that, without halving a letter.
func cutAt(value string, limit int) string {
	for range utf8.UTFMax - 1 { // more bytes than that belong to no letter
		if utf8.RuneStart(value[limit]) {
			break
		}
		limit--
	}
	return value[:limit]
}

// bare are the bytes that a value without quotes may consist of.
var bare = func() (set [256]bool) {
	for c := '!'; c <= '~'; c++ {
		set[c] = c != '"' && c != '=' && c != '\\'
	}
	return set
}()

func isBare(value string) bool {
	for i := range len(value) {
		if !bare[value[i]] {
			return false
		}
	}
	return value != ""
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends text for use between quotes. The result is valid in
// JSON, and no terminal finds a command in it: everything that does not print
// is written as \uXXXX, invalid UTF-8 as the replacement character.
func appendEscaped(b []byte, value string) []byte {
	for i := 0; i < len(value); {
		c := value[i]
		if c < utf8.RuneSelf {
			b = appendEscapedByte(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(value[i:])
		switch {
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r >= 0x10000:
			r -= 0x10000
			b = appendUnit(b, 0xd800+r>>10)
			b = appendUnit(b, 0xdc00+r&0x3ff)
		default:
			b = appendUnit(b, r)
		}
		i += n
	}
	return b
}

func appendEscapedByte(b []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, '\\', 'n')
	case c == '\r':
		return append(b, '\\', 'r')
	case c == '\t':
		return append(b, '\\', 't')
	case c < ' ' || c == 0x7f:
		return appendUnit(b, rune(c))
	default:
		return append(b, c)
	}
}

// appendUnit appends one UTF-16 unit as JSON writes it.
func appendUnit(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
