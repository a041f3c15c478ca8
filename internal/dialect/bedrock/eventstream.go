package bedrock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// Framing of application/vnd.amazon.eventstream: total length, headers length
// and their CRC, 4 bytes each, big endian; headers; payload; CRC of it all.
const (
	preludeSize = 12
	trailerSize = 4
	minFrame    = preludeSize + trailerSize

	// DefaultMax is the largest frame that is read, in bytes, where a Reader was
	// given no other limit. The format itself allows 16 MiB of payload.
	DefaultMax = 24 << 20
	maxHeaders = 128 << 10

	firstSize = 8 << 10
	keptSize  = 64 << 10
)

// Errors of a stream that is not what it says. They are wrapped with details.
var (
	ErrFrame    = errors.New("bedrock: malformed event stream frame")
	ErrChecksum = errors.New("bedrock: event stream checksum mismatch")
	ErrTooLong  = errors.New("bedrock: event stream frame too long")
)

// Event is one frame of a stream. Its slices are parts of the Reader's buffer
// and valid until the next call of Next.
type Event struct {
	Raw  []byte // the whole frame
	Name []byte // event type, or the type of the exception
	Data []byte // payload
	// Exception tells that the frame reports a failure.
	Exception bool
}

// Reader splits a binary event stream into its frames. It checks the declared
// lengths before it buffers and both checksums before it gives a frame. The zero
// value must be Reset before use. A Reader is for one goroutine.
type Reader struct {
	src  io.Reader
	max  int
	buf  []byte
	from int
	to   int
	err  error
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

// Reset begins a new stream. A frame of more than max bytes is refused with
// ErrTooLong; 0 means DefaultMax. The buffer is kept unless it has grown large.
func (r *Reader) Reset(src io.Reader, max int) {
	buf := r.buf
	if cap(buf) > keptSize {
		buf = nil
	}
	if max <= 0 {
		max = DefaultMax
	}
	*r = Reader{src: src, max: max, buf: buf}
}

// Next gives the next frame, reading only if no complete one is buffered. A
// stream that ends within a frame gives io.ErrUnexpectedEOF.
func (r *Reader) Next() (Event, error) {
	for {
		size, err := r.frame()
		if err != nil {
			return Event{}, err
		}
		if size > 0 && r.to-r.from >= size {
			b := r.buf[r.from : r.from+size : r.from+size]
			r.from += size
			return parse(b)
		}
		switch {
		case r.err == io.EOF && r.to > r.from:
			return Event{}, io.ErrUnexpectedEOF
		case r.err != nil:
			return Event{}, r.err
		}
		r.fill(size)
	}
}

// Buffered tells whether Next can answer without reading. A relay flushes when
// it says no.
func (r *Reader) Buffered() bool {
	size, err := r.frame()
	return err != nil || size > 0 && r.to-r.from >= size
}

// frame gives the declared size of the frame at hand, 0 if it is not known yet.
func (r *Reader) frame() (size int, err error) {
	b := r.buf[r.from:r.to]
	if len(b) < preludeSize {
		return 0, nil
	}
	total, headers := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if sum := crc32.ChecksumIEEE(b[:8]); sum != binary.BigEndian.Uint32(b[8:]) {
		return 0, fmt.Errorf("%w: prelude", ErrChecksum)
	}
	switch {
	case uint64(total) > uint64(r.max):
		return 0, fmt.Errorf("%w: %d bytes", ErrTooLong, total)
	case headers > maxHeaders, uint64(total) < minFrame+uint64(headers):
		return 0, fmt.Errorf("%w: %d bytes with %d of headers", ErrFrame, total, headers)
	}
	return int(total), nil
}

// fill makes room for a frame of the given size and reads once.
func (r *Reader) fill(size int) {
	if r.from > 0 {
		copy(r.buf, r.buf[r.from:r.to])
		r.from, r.to = 0, r.to-r.from
	}
	if need := max(size, firstSize); need > len(r.buf) {
		grown := make([]byte, need)
		copy(grown, r.buf[:r.to])
		r.buf = grown
	}
	for range 100 {
		n, err := r.src.Read(r.buf[r.to:])
		r.to += n
		r.err = err
		if n > 0 || err != nil {
			return
		}
	}
	r.err = io.ErrNoProgress
}

// parse reads one whole frame.
func parse(b []byte) (Event, error) {
	body := len(b) - trailerSize
	if sum := crc32.ChecksumIEEE(b[:body]); sum != binary.BigEndian.Uint32(b[body:]) {
		return Event{}, fmt.Errorf("%w: message", ErrChecksum)
	}
	headers := preludeSize + int(binary.BigEndian.Uint32(b[4:]))
	ev := Event{Raw: b, Data: b[headers:body]}
	for h := b[preludeSize:headers]; len(h) > 0; {
		name, value, rest, err := header(h)
		if err != nil {
			return Event{}, err
		}
		h = rest
		switch string(name) {
		case ":event-type":
			ev.Name = value
		case ":exception-type", ":error-code":
			ev.Name, ev.Exception = value, true
		case ":message-type":
			ev.Exception = ev.Exception || string(value) == "exception" || string(value) == "error"
		}
	}
	return ev, nil
}

// fixedSizes are the lengths of header values by type; the two types of
// variable length carry it in front of them.
var fixedSizes = [...]int{0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 6: -1, 7: -1, 8: 8, 9: 16}

// header reads one header: a name, a type and a value. The value is given for
// strings only.
func header(h []byte) (name, value, rest []byte, err error) {
	n := int(h[0])
	if len(h) < 1+n+1 {
		return nil, nil, nil, fmt.Errorf("%w: header name", ErrFrame)
	}
	name, kind, h := h[1:1+n], int(h[1+n]), h[1+n+1:]
	if kind >= len(fixedSizes) {
		return nil, nil, nil, fmt.Errorf("%w: header of type %d", ErrFrame, kind)
	}
	size := fixedSizes[kind]
	if size < 0 {
		if len(h) < 2 {
			return nil, nil, nil, fmt.Errorf("%w: header length", ErrFrame)
		}
		size, h = int(binary.BigEndian.Uint16(h)), h[2:]
	}
	if len(h) < size {
		return nil, nil, nil, fmt.Errorf("%w: header value", ErrFrame)
	}
	if kind == 7 {
		value = h[:size]
	}
	return name, value, h[size:], nil
}
