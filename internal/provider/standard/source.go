package standard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"tollgate/internal/provider"
)

var errStopped = errors.New("the request is over")

// source is the body of a request. net/http may read it, in another goroutine,
// after RoundTrip returned; stop ends that, so that Send keeps nothing.
type source struct {
	mu      sync.Mutex
	req     *provider.Request
	last    *upload // the one opened last
	stopped bool
}

// upload is one reading of a source from its beginning.
type upload struct {
	src  *source
	r    io.Reader
	left int64         // bytes not yet read, less than 0 while nobody knows how many
	done chan struct{} // closed when net/http needs no more
	once sync.Once
}

func newSource(req *provider.Request) *source { return &source{req: req} }

// open begins a reading.
func (s *source) open() *upload {
	u := &upload{src: s, left: s.req.Size(), done: make(chan struct{})}
	switch {
	case s.req.Stream != nil && s.req.Length < 0:
		u.r = s.req.Stream
	case s.req.Stream != nil:
		u.r = io.LimitReader(s.req.Stream, s.req.Length)
	default:
		u.r = bytes.NewReader(s.req.Body)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = u
	return u
}

// taken tells whether the whole body has been read.
func (s *source) taken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last == nil || s.last.left == 0
}

// wait returns when net/http is done with the body, or with ctx.
func (s *source) wait(ctx context.Context) {
	s.mu.Lock()
	u := s.last
	s.mu.Unlock()
	if u == nil {
		return
	}
	select {
	case <-u.done:
	case <-ctx.Done():
	}
}

// stop ends all reading. It waits for the one that is under way.
func (s *source) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.src.mu.Lock()
	defer u.src.mu.Unlock()
	if u.src.stopped {
		return 0, errStopped
	}
	n, err := u.r.Read(p)
	switch {
	case u.left >= 0:
		u.left -= int64(n)
	case err == io.EOF:
		u.left = 0
	}
	return n, err
}

// Close implements io.Closer.
func (u *upload) Close() error {
	u.once.Do(func() { close(u.done) })
	return nil
}
