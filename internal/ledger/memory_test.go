package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tollgate/internal/ledger"
)

// disk is what outlives a process.
type disk struct {
	mu          sync.Mutex
	records     []ledger.Record
	durable     int // records that survive a power failure
	pruned      int // records before the first that is kept
	checkpoints [][]byte
	mark        ledger.Mark
	full        bool // no mark can be saved
	unsaved     int  // those that were not
}

// powerCut forgets what was only written.
func (d *disk) powerCut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records = d.records[:d.durable]
}

// stored is how many records were ever stored.
func (d *disk) stored() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pruned + len(d.records)
}

func (d *disk) Load() (ledger.Mark, error) { return d.mark, nil }

// fill leaves no room for a mark, or makes it, and gives the one that there is.
func (d *disk) fill(full bool) (mark ledger.Mark, unsaved int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
	return d.mark, d.unsaved
}

func (d *disk) Save(m ledger.Mark) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		d.unsaved++
		return fmt.Errorf("disk full: %w", ledger.ErrUnavailable)
	}
	d.mark = m
	return nil
}

// memory is a journal on a disk, for one life of a process.
type memory struct {
	*disk
	mu   sync.Mutex
	fail error // what Append answers
	sync error // what Sync answers
	// forget keeps nothing, for benchmarks.
	forget  bool
	latency time.Duration         // of a Sync
	during  func(context.Context) // is called by Append, if it is there
}

var errDead = errors.New("the process is dead")

func (m *memory) failWith(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

func (m *memory) failSync(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sync = err
}

func (m *memory) Append(ctx context.Context, records []ledger.Record, durable bool) error {
	if m.during != nil {
		m.during(ctx)
	}
	m.mu.Lock()
	fail := m.fail
	m.mu.Unlock()
	if fail != nil {
		return fail
	}
	if m.forget {
		return nil
	}
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	for _, r := range records {
		m.records = append(m.records, ledger.Record{Seq: r.Seq, Bytes: slices.Clone(r.Bytes)})
	}
	if durable {
		m.durable = len(m.records)
	}
	return nil
}

// Sync makes durable what had been appended when it was called.
func (m *memory) Sync(context.Context) error {
	m.mu.Lock()
	fail, latency := m.fail, m.latency
	if m.sync != nil {
		fail = m.sync
	}
	m.mu.Unlock()
	if fail != nil && !errors.Is(fail, ledger.ErrUnavailable) {
		return fail
	}
	until := m.stored()
	time.Sleep(latency)
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.durable = max(m.durable, until-m.pruned)
	return nil
}

// Prune forgets half of what it may, as a journal in partitions does.
func (m *memory) Prune(_ context.Context, before uint64) error {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	n := max(0, (int(before)-1-m.pruned)/2)
	m.records, m.durable, m.pruned = m.records[n:], m.durable-n, m.pruned+n
	return nil
}

func (m *memory) Scan(_ context.Context, from uint64, fn func(ledger.Record) error) error {
	m.disk.mu.Lock()
	records := slices.Clone(m.records)
	m.disk.mu.Unlock()
	for _, r := range records {
		if r.Seq < from {
			continue
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) SaveCheckpoint(_ context.Context, c []byte) error {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.durable = len(m.records)
	m.checkpoints = append([][]byte{slices.Clone(c)}, m.checkpoints...)
	m.checkpoints = m.checkpoints[:min(2, len(m.checkpoints))]
	return nil
}

func (m *memory) Checkpoints(context.Context) ([][]byte, error) {
	return slices.Clone(m.checkpoints), nil
}
