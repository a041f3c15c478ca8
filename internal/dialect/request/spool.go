package request

import (
	"bytes"
	"errors"
	"io"
	"os"

	"tollgate/internal/fault"
)

// Limits bound what a form may take.
type Limits struct {
	Memory int64  // bytes kept in memory; what exceeds them goes to a file
	Total  int64  // bytes of the whole body
	Fields int64  // bytes of the heads of all parts and of the fields that are read
	Dir    string // for the file, "" for the system's place
}

// spool keeps a body for being read several times: its beginning in memory, the
// rest in a file.
type spool struct {
	memory []byte
	file   *os.File // nil if memory holds all
	size   int64
}

// fill reads a body to its end.
func (s *spool) fill(r io.Reader, limits Limits) error {
	var head bytes.Buffer
	n, err := head.ReadFrom(io.LimitReader(r, min(limits.Memory, limits.Total)))
	s.memory, s.size = head.Bytes(), n
	if err != nil {
		return readFailure(err)
	}
	if n < min(limits.Memory, limits.Total) {
		return nil
	}
	var next [1]byte
	switch n, err := io.ReadFull(r, next[:]); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return readFailure(err)
	case s.size >= limits.Total:
		return tooLarge(limits.Total)
	}
	if err := s.create(limits.Dir); err != nil {
		return err
	}
	rest := io.MultiReader(bytes.NewReader(next[:]), r)
	n, err = copyTo(s.file, io.LimitReader(rest, limits.Total-s.size+1))
	if err != nil {
		return err
	}
	if s.size += n; s.size > limits.Total {
		return tooLarge(limits.Total)
	}
	return nil
}

// create opens the file. Its name goes at once where the system allows that, so
// that nothing is left behind, whatever becomes of the process.
func (s *spool) create(dir string) error {
	file, err := os.CreateTemp(dir, "tollgate-form-*")
	if err != nil {
		return unspoolable(err)
	}
	s.file = file
	_ = os.Remove(file.Name()) // Close tries again
	return nil
}

// copyTo is io.Copy that tells a failure of the file from one of the caller.
func copyTo(file *os.File, r io.Reader) (int64, error) {
	n, err := io.Copy(onlyWriter{file}, r)
	var disk diskError
	if errors.As(err, &disk) {
		return n, unspoolable(disk.error)
	}
	if err != nil {
		return n, readFailure(err)
	}
	return n, nil
}

type diskError struct{ error }

type onlyWriter struct{ file *os.File }

func (w onlyWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		err = diskError{err}
	}
	return n, err
}

// ReadAt implements io.ReaderAt over both places.
func (s *spool) ReadAt(p []byte, at int64) (n int, err error) {
	if at < int64(len(s.memory)) {
		n = copy(p, s.memory[at:])
	}
	if n == len(p) {
		return n, nil
	}
	if s.file == nil {
		return n, io.EOF
	}
	m, err := s.file.ReadAt(p[n:], at+int64(n)-int64(len(s.memory)))
	return n + m, err
}

// section gives a reader of a part.
func (s *spool) section(from, to int64) io.Reader { return io.NewSectionReader(s, from, to-from) }

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if removed := os.Remove(s.file.Name()); removed != nil && !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

func readFailure(err error) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e
	}
	return &fault.Error{Kind: fault.Invalid, Code: "request_body_decode_failed",
		Message: "The body could not be read to its end.", Err: err}
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "request_body_too_large", "The body is larger than the %d bytes that this gateway accepts.", limit)
}

func unspoolable(err error) error {
	return &fault.Error{Kind: fault.Unavailable, Code: "gateway_unavailable", Retry: fault.RetryYes,
		Message: "The gateway has no room for this upload at present.", Err: err}
}
