package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// defaultBuffer is how many bytes of log lines may wait.
	defaultBuffer = 1 << 20
	// batch is how many bytes are worth a write at once.
	batch = 32 << 10
	// linger is how long a line waits for company.
	linger = 50 * time.Millisecond
	// lastWrite is how long a writer that hangs may keep the program from ending.
	lastWrite = 3 * time.Second
)

// queue takes lines from many and gives them to one writer in large pieces.
// Lines gather in a buffer while the other one is being written.
type queue struct {
	w       io.Writer
	max     int
	dropped atomic.Int64 // lines, in all

	mu      sync.Mutex
	waiting []byte
	lost    int64 // dropped since the log last said so

	some chan struct{} // the buffer is no longer empty
	full chan struct{} // there is enough for a write
}

func newQueue(w io.Writer, limit int) *queue {
	if limit <= 0 {
		limit = defaultBuffer
	}
	return &queue{w: w, max: limit, some: make(chan struct{}, 1), full: make(chan struct{}, 1)}
}

// put adds a line, or drops it if there is no room. It never waits for the writer.
func (q *queue) put(line []byte) {
	q.mu.Lock()
	before := len(q.waiting)
	after := before + len(line)
	if after > q.max {
		q.lost++
		q.mu.Unlock()
		q.dropped.Add(1)
		return
	}
	q.waiting = append(q.waiting, line...)
	q.mu.Unlock()
	if before == 0 {
		notify(q.some)
	}
	if before < batch && after >= batch {
		notify(q.full)
	}
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes until ctx is over and then what is left, in bounded time.
// report makes the line that tells of lost ones.
func (q *queue) run(ctx context.Context, report func(time.Time, int64) []byte) error {
	ended := make(chan error, 1)
	go func() { ended <- q.write(ctx, report) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(lastWrite)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return errors.New("write access log: the writer does not take the last lines")
	}
}

func (q *queue) write(ctx context.Context, report func(time.Time, int64) []byte) error {
	var piece []byte
	timer := time.NewTimer(linger)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-q.some:
			timer.Reset(linger)
			select {
			case <-ctx.Done():
			case <-q.full:
			case <-timer.C:
			}
		}
		if ctx.Err() == nil {
			piece, _ = q.flush(piece, report)
		}
	}
	timer.Stop()
	_, err := q.flush(piece, report)
	return err
}

// flush writes what waits; spare takes its place. A piece that cannot be
// written is lost: whoever reads the log is gone, and requests go on.
func (q *queue) flush(spare []byte, report func(time.Time, int64) []byte) ([]byte, error) {
	q.mu.Lock()
	piece, lost := q.waiting, q.lost
	q.waiting, q.lost = spare[:0], 0
	q.mu.Unlock()
	if lost > 0 {
		piece = append(piece, report(time.Now(), lost)...)
	}
	if len(piece) == 0 {
		return piece, nil
	}
	n, err := q.w.Write(piece)
	if err != nil {
		missing := int64(bytes.Count(piece[min(max(n, 0), len(piece)):], []byte{'\n'}))
		q.dropped.Add(missing)
		q.mu.Lock()
		q.lost += missing
		q.mu.Unlock()
		return piece, fmt.Errorf("write access log: %w", err)
	}
	return piece, nil
}
