package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/ledger"
)

// clock is the time in the story that is told. It is read from several goroutines.
type clock struct {
	begin time.Time
	at    atomic.Int64 // nanoseconds since 1970
}

func newClock(begin time.Time) *clock {
	c := &clock{begin: begin}
	c.at.Store(begin.UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.at.Load()).UTC() }
func (c *clock) since() time.Duration { return time.Duration(c.at.Load() - c.begin.UnixNano()) }

// reach moves the clock forward, never back.
func (c *clock) reach(t time.Time) {
	if at := t.UnixNano(); at > c.at.Load() {
		c.at.Store(at)
	}
}

// bulk is a journal that stores many records at once. A seeding that dies in the middle is begun
// again, so nothing needs to be on the disk before the end.
type bulk struct {
	ledger.Journal
	mu      sync.Mutex
	waiting []ledger.Record
	rows    uint64
}

// bulkRecords is how many records are stored at once.
const bulkRecords = 50_000

// Append implements ledger.Journal.
func (b *bulk) Append(ctx context.Context, records []ledger.Record, _ bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range records {
		b.waiting = append(b.waiting, ledger.Record{Seq: r.Seq, Bytes: slices.Clone(r.Bytes)})
	}
	if len(b.waiting) < bulkRecords {
		return nil
	}
	return b.store(ctx)
}

func (b *bulk) store(ctx context.Context) error {
	if len(b.waiting) == 0 {
		return nil
	}
	if err := b.Journal.Append(ctx, b.waiting, false); err != nil {
		return err
	}
	b.rows = b.waiting[len(b.waiting)-1].Seq
	b.waiting = b.waiting[:0]
	return nil
}

// Sync implements ledger.Journal. What it promises is true once SaveCheckpoint was called.
func (b *bulk) Sync(context.Context) error { return nil }

// Scan implements ledger.Journal.
func (b *bulk) Scan(ctx context.Context, from uint64, fn func(ledger.Record) error) error {
	b.mu.Lock()
	err := b.store(ctx)
	b.mu.Unlock()
	if err != nil {
		return err
	}
	return b.Journal.Scan(ctx, from, fn)
}

// SaveCheckpoint implements ledger.Journal.
func (b *bulk) SaveCheckpoint(ctx context.Context, checkpoint []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.store(ctx); err != nil {
		return err
	}
	return b.Journal.SaveCheckpoint(ctx, checkpoint)
}

// close stores what the books wrote last.
func (b *bulk) close(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.store(ctx); err != nil {
		return err
	}
	return b.Journal.Sync(ctx)
}
