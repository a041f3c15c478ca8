package sse

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// DefaultMax is the limit on one event, in bytes, of a Reader that was given
// none. Images and long tool arguments come as one line.
const DefaultMax = 32 << 20

const (
	firstSize  = 16 << 10 // buffer of a new Reader: some eighty ordinary events
	keptSize   = 64 << 10 // largest buffer that goes back to the pool
	emptyReads = 100      // reads without a byte or an error before giving up
)

// ErrTooLong is the error of an event that exceeds the limit.
var ErrTooLong = errors.New("sse: event too long")

// Reader splits what it reads into events. The zero value must be Reset before
// use. A Reader is for one goroutine.
type Reader struct {
	src  io.Reader
	max  int
	buf  []byte
	from int   // start of the event being looked at
	to   int   // end of what was read
	err  error // what src ended with

	begun bool // the stream's first bytes were seen, and a byte order mark skipped

	// The event being looked at, all positions relative to from.
	line    int // start of the line not yet finished
	seen    int // no line end lies between line and here
	lineEnd byte
	lines   int // lines that were not blank
	fields
	found int // length of the whole event once it is known, else 0

	joined []byte // data of an event with several data fields
}

// fields are the places of what an event says.
type fields struct {
	name, nameEnd int
	data, dataEnd int
	dataLines     int
}

var readers = sync.Pool{New: func() any { return new(Reader) }}

// NewReader gives a Reader from a pool that reads from r; see Reset. Give it
// back with Release.
func NewReader(r io.Reader, max int) *Reader {
	rd := readers.Get().(*Reader)
	rd.Reset(r, max)
	return rd
}

// Release puts the Reader back into the pool. No event of it may be used after that.
func (r *Reader) Release() {
	r.Reset(nil, 0)
	readers.Put(r)
}

// Reset begins a new stream. An event of more than max bytes is refused with
// ErrTooLong; 0 means DefaultMax. The buffer is kept unless it has grown large.
func (r *Reader) Reset(src io.Reader, max int) {
	buf, joined := r.buf, r.joined
	if cap(buf) > keptSize {
		buf = nil
	}
	if cap(joined) > keptSize {
		joined = nil
	}
	if max <= 0 {
		max = DefaultMax
	}
	*r = Reader{src: src, max: max, buf: buf, joined: joined}
}

// Next gives the next event, reading only if no complete one is buffered. At the
// end of the stream it gives what is left as an open event and then io.EOF. Any
// other error of the source drops an event that was cut in the middle.
func (r *Reader) Next() (Event, error) {
	for {
		if r.scan() && r.found <= r.max {
			return r.take(r.found, false), nil
		}
		if r.to-r.from > r.max {
			r.err, r.to, r.found = ErrTooLong, r.from, 0
		}
		if r.err != nil {
			if r.err == io.EOF && r.to > r.from {
				r.endLine(r.to-r.from, r.to-r.from)
				return r.take(r.to-r.from, true), nil
			}
			return Event{}, r.err
		}
		r.fill()
	}
}

// Buffered tells whether Next can give an event without reading. A relay flushes
// when it says no.
func (r *Reader) Buffered() bool { return r.scan() }

// fill makes room and reads once.
func (r *Reader) fill() {
	if r.from > 0 && (r.from == r.to || r.to == len(r.buf)) {
		copy(r.buf, r.buf[r.from:r.to])
		r.from, r.to = 0, r.to-r.from
	}
	if r.to == len(r.buf) {
		grown := make([]byte, min(max(2*len(r.buf), firstSize), r.max+1))
		copy(grown, r.buf[:r.to])
		r.buf = grown
	}
	for range emptyReads {
		n, err := r.src.Read(r.buf[r.to:])
		r.to += n
		r.err = err
		if n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// scan looks at whole lines until one ends the event. It goes on where it
// stopped, and stays where it is once the event is found.
func (r *Reader) scan() bool {
	if r.found > 0 {
		return true
	}
	b := r.buf[r.from:r.to]
	if !r.begun && !r.begin(b) {
		return false
	}
	for {
		end := lineEnd(b, r.seen)
		if end < 0 {
			r.seen = len(b)
			return false
		}
		next := end + 1
		ending := b[end]
		if ending == '\r' && !(end == r.line && r.lineEnd == '\r') {
			// Half of a CR LF, perhaps. Not so for the blank line of a stream that
			// ends its lines with CR alone: its event must not wait for a byte.
			if next == len(b) && r.err == nil {
				r.seen = end
				return false
			}
			if next < len(b) && b[next] == '\n' {
				next++
				ending = '\n'
			}
		}
		blank := end == r.line
		r.endLine(end, next)
		r.lineEnd = ending
		if blank && r.lines > 0 {
			r.found = next
			return true
		}
	}
}

// begin skips a byte order mark once enough was read to tell.
func (r *Reader) begin(b []byte) bool {
	const mark = "\xef\xbb\xbf"
	n := min(len(b), len(mark))
	if string(b[:n]) != mark[:n] {
		r.begun = true
		return true
	}
	if n < len(mark) && r.err == nil {
		return false
	}
	r.begun = true
	r.line, r.seen = n, n
	return true
}

// endLine reads the line that ends before end and moves on to next.
func (r *Reader) endLine(end, next int) {
	line := r.buf[r.from+r.line : r.from+end]
	if len(line) > 0 {
		r.lines++
		r.field(line, r.line)
	}
	r.line, r.seen = next, next
}

// field notes where the value of a line is that starts at the given position.
func (r *Reader) field(line []byte, at int) {
	size, value := len(line), 0
	switch {
	case hasField(line, "data"):
		value = valueStart(line, len("data"))
		if r.dataLines++; r.dataLines == 1 {
			r.data, r.dataEnd = at+value, at+size
		}
	case hasField(line, "event"):
		value = valueStart(line, len("event"))
		r.name, r.nameEnd = at+value, at+size
	}
}

func hasField(line []byte, name string) bool {
	return len(line) >= len(name) && string(line[:len(name)]) == name &&
		(len(line) == len(name) || line[len(name)] == ':')
}

// valueStart gives where the value begins behind a field name: after the colon
// and one space, if there are any.
func valueStart(line []byte, i int) int {
	if i < len(line) {
		i++
	}
	if i < len(line) && line[i] == ' ' {
		i++
	}
	return i
}

// take gives the event of n bytes and begins the next.
func (r *Reader) take(n int, open bool) Event {
	b := r.buf[r.from : r.from+n : r.from+n]
	ev := Event{Raw: b, Open: open}
	if r.nameEnd > r.name {
		ev.Name = b[r.name:r.nameEnd]
	}
	switch {
	case r.dataLines == 1:
		ev.Data = b[r.data:r.dataEnd]
	case r.dataLines > 1:
		// Not while scanning: Buffered scans ahead of an event still in use.
		r.joined = appendData(r.joined[:0], b)
		ev.Data = r.joined
	}
	r.from += n
	r.line, r.seen, r.lines, r.found = 0, 0, 0, 0
	r.fields = fields{}
	return ev
}

// appendData appends the data fields of a whole event, joined by line feeds.
func appendData(dst, raw []byte) []byte {
	for first := true; len(raw) > 0; {
		end := lineEnd(raw, 0)
		line := raw
		if end >= 0 {
			line = raw[:end]
		}
		if hasField(line, "data") {
			if !first {
				dst = append(dst, '\n')
			}
			first = false
			dst = append(dst, line[valueStart(line, len("data")):]...)
		}
		if end < 0 {
			break
		}
		raw = raw[end+1:]
	}
	return dst
}

// lineEnd finds the first CR or LF in b at or behind i.
func lineEnd(b []byte, i int) int {
	lf := bytes.IndexByte(b[i:], '\n')
	if lf < 0 {
		lf = len(b) - i
	}
	if cr := bytes.IndexByte(b[i:i+lf], '\r'); cr >= 0 {
		return i + cr
	}
	if i+lf == len(b) {
		return -1
	}
	return i + lf
}
