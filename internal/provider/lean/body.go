package lean

import (
	"context"
	"errors"
	"io"
	"math"

	"tollgate/internal/provider"
)

const (
	// maxChunkLine bounds the line before a chunk, extensions included, in bytes.
	maxChunkLine = 1 << 10
	// maxTrailers bounds the lines after the last chunk, in bytes.
	maxTrailers = 2 << 10
	// drainLimit is how many bytes already here are thrown away to save a
	// connection whose body was not read to its end.
	drainLimit = 4 << 10
)

var (
	errChunk    = errors.New("the answer has a malformed chunk")
	errTrailers = errors.New("the answer has malformed trailers")

	// errClosed is what a closed body says.
	errClosed error = &provider.SendError{Stage: provider.Read, Err: errors.New("the body is closed")}
)

// chunkState is what comes next in a chunked body when no chunk is open.
type chunkState uint8

const (
	chunkLine    chunkState = iota // the line with a chunk's size
	chunkEnd                       // the line end after a chunk's bytes
	trailerLines                   // trailers, or the empty line after them
)

// body reads the body of an answer and returns the connection when it ends.
type body struct {
	t    *Transport
	c    *conn // nil once it is given back or closed
	ctx  context.Context
	stop func() bool // ends the watch on ctx; nil if there is none

	kind     framingKind
	left     int64 // bytes to come: of the body, or of the chunk
	state    chunkState
	trailers int   // bytes of trailers seen
	err      error // what every further Read says
}

// start begins the body after the head. One that is empty is over at once.
func (b *body) start(kind framingKind, length int64) {
	b.kind, b.left = kind, length
	if kind == noBody {
		b.release()
		b.err = io.EOF
	}
}

// Read implements io.Reader. It waits for the first byte only.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := b.read(p)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.err = io.EOF
		b.release()
	default:
		b.err = provider.NewSendError(b.ctx, provider.Read, err)
		b.discard()
	}
	return n, b.err
}

// Close implements io.Closer. It never fails.
func (b *body) Close() error {
	if b.c != nil {
		if b.drain() {
			b.release()
		} else {
			b.discard()
		}
	}
	if b.err == nil || b.err == io.EOF {
		b.err = errClosed
	}
	return nil
}

// read reads bytes of the body, and gives io.EOF at its proper end only.
func (b *body) read(p []byte) (n int, err error) {
	switch b.kind {
	case chunked:
		n, err = b.readChunked(p)
	case byLength:
		n, err = b.c.read(p[:min(int64(len(p)), b.left)])
		if b.left -= int64(n); b.left == 0 {
			return n, io.EOF
		}
	default:
		return b.c.read(p)
	}
	if err == io.EOF && !b.ended() {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// ended tells that the chunked body's last line was read.
func (b *body) ended() bool { return b.kind == chunked && b.left < 0 }

// readChunked reads on over as many chunks as are there.
func (b *body) readChunked(p []byte) (n int, err error) {
	for {
		if b.left > 0 {
			if n == len(p) || n > 0 && b.c.buffered() == 0 {
				return n, nil
			}
			m, err := b.c.read(p[n:min(int64(len(p)), int64(n)+b.left)])
			n += m
			if b.left -= int64(m); err != nil {
				return n, err
			}
			if b.left == 0 {
				b.state = chunkEnd
			}
			continue
		}
		if n > 0 && !b.c.hasLine() {
			return n, nil
		}
		if err := b.readChunkLine(); err != nil {
			return n, err
		}
		if b.ended() {
			return n, io.EOF
		}
	}
}

// readChunkLine reads one line between the bytes of chunks.
func (b *body) readChunkLine() error {
	limit := maxChunkLine
	if b.state == trailerLines {
		limit = maxTrailers - b.trailers
	}
	line, err := b.c.line(limit)
	if err != nil {
		return err
	}
	switch b.state {
	case chunkEnd:
		if len(line) != 0 {
			return errChunk
		}
		b.state = chunkLine
	case chunkLine:
		if b.left, err = chunkSize(line); err != nil {
			return err
		}
		if b.left == 0 {
			b.state = trailerLines
		}
	case trailerLines:
		if len(line) == 0 {
			b.left = -1
			return nil
		}
		if b.trailers += len(line) + len("\r\n"); b.trailers > maxTrailers {
			return errTrailers
		}
		return checkTrailer(line)
	}
	return nil
}

// chunkSize reads the line before a chunk: hexadecimal digits, then nothing,
// blanks or extensions, which mean nothing to us.
func chunkSize(line []byte) (int64, error) {
	const maxDigits = 16
	var size int64
	i := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if i == maxDigits || size > math.MaxInt64>>4 {
			return 0, errChunk
		}
		size = size<<4 | int64(d)
	}
	rest := line[i:]
	if i == 0 || !provider.ValidValue(string(rest)) || len(rest) > 0 && rest[0] != ';' && !blank(rest) {
		return 0, errChunk
	}
	return size, nil
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

// checkTrailer refuses what no header line would be. Trailers are not passed on.
func checkTrailer(line []byte) error {
	var h head
	if err := h.parseField(string(line)); err != nil {
		return errTrailers
	}
	return nil
}

// drain throws a small rest of the body away, if it is here already, and tells
// whether that was all of it.
func (b *body) drain() bool {
	if b.kind == untilClose || !b.c.keep || b.c.buffered() > drainLimit {
		return false
	}
	b.c.frozen = true
	defer func() { b.c.frozen = false }()
	var scratch [512]byte
	for {
		if _, err := b.read(scratch[:]); err != nil {
			return err == io.EOF
		}
	}
}

// release gives the connection back. It is closed instead if it cannot serve
// again, if bytes are left that nobody asked for, or if ctx ended meanwhile.
func (b *body) release() {
	c := b.c
	b.c = nil
	if c == nil {
		return
	}
	watched := b.stop == nil || b.stop()
	if c.keep && watched && c.buffered() == 0 {
		b.t.idle.put(c)
		return
	}
	c.abort()
}

// discard closes the connection, so that the peer stops.
func (b *body) discard() {
	c := b.c
	b.c = nil
	if c == nil {
		return
	}
	if b.stop != nil {
		b.stop()
	}
	c.abort()
}
