package gateway

import (
	"io"
	"slices"
	"sync"

	"tollgate/internal/fault"
)

// Buffers belong to one request at a time: whoever takes one gives it back, or
// leaves it to the garbage collector, but never keeps it.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// maxPooled keeps one huge body from living on in the pool, in bytes.
const maxPooled = 1 << 20

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if cap(*b) > maxPooled {
		return
	}
	*b = (*b)[:0]
	buffers.Put(b)
}

// readAll appends all of r to dst. size is what is expected, -1 if unknown;
// more than limit bytes are refused.
func readAll(dst []byte, r io.Reader, size, limit int64) ([]byte, error) {
	tooLarge := func() error {
		return fault.New(fault.TooLarge, "request_body_too_large",
			"The body is larger than the %d bytes that this gateway accepts.", limit)
	}
	if size > limit {
		return dst, tooLarge()
	}
	if size > 0 && size <= maxPooled {
		dst = slices.Grow(dst, int(size)+1)
	}
	for {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, max(4096, len(dst)))
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if int64(len(dst)) > limit {
			return dst, tooLarge()
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// readSome appends r to dst until its end, where the error is io.EOF, or until
// limit bytes are there, where it is nil.
func readSome(dst []byte, r io.Reader, limit int) ([]byte, error) {
	for len(dst) < limit {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, max(4096, len(dst)))
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), limit)])
		dst = dst[:len(dst)+n]
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}
