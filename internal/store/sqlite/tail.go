package sqlite

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/ledger"
)

// tail is the end of the ledger, which is not in the database yet. To add to it is one
// write to a file, a hundredth of what a transaction takes. Many rows at once
// are then moved into the database.
//
// There are two files. One is added to while what the other holds is moved; then they change
// places, and the frames of the other are overwritten. Rows can be in the tail and in the
// database as well, if the process died before they were overwritten: those in
// the database count. What a start finds stays as it is until the first row is added.
type tail struct {
	file  *file
	paths [2]string
	boot  uint64
	found []ledger.Record // by the start, and not in the database
	used  bool            // the database says that files belong to it
	lost  error           // which of them the start did not find

	tended  atomic.Bool   // somebody runs tend
	kick    chan struct{} // tells tend that the tail is long
	syncing sync.Mutex    // held while something is made durable
	moving  sync.Mutex    // held while something is moved
	load    load          // that, while moving is held

	mu         sync.Mutex
	open       bool // the files are ours: what was found is moved
	closed     bool // nothing is added any more
	segments   [2]segment
	active     int    // the segment that is added to
	generation uint64 // of it
	last       uint64 // number of the last row
	durable    uint64 // and of the last that survives a power failure
	buf        []byte
	stuck      error // why nothing can be moved
}

// segment is one of the files. Its frames are at its beginning.
type segment struct {
	*os.File
	size  int64  // of the frames
	disk  int64  // of the file
	last  uint64 // number of the last row, if nothing is added any more
	dirty bool   // something was added since it was last made durable
}

// load is what a segment holds, on its way into the database. Its memory is used again.
type load struct {
	bytes   []byte
	records []ledger.Record
}

const (
	// segmentSize is how long a file is made ahead, so that to add to it needs no room and
	// to make that durable is one write; and at which length what it holds is moved.
	segmentSize = 1 << 20
	// segmentMost is how much is added at most while nothing can be moved.
	segmentMost = 16 << 20
	// segmentWait is at which length who adds to it waits for it to be moved, or moves it.
	segmentWait = 4 << 20
	// frameMost is how long a frame can be.
	frameMost = 1 << 30
	// moveEvery is how long rows stay in the tail.
	moveEvery = time.Second
)

// openTail reads what the files hold that the database does not. Boot names the time since the
// machine was started, "" if that is not known.
func openTail(ctx context.Context, f *file, paths [2]string, boot string) (*tail, error) {
	t := &tail{file: f, paths: paths, kick: make(chan struct{}, 1), generation: 1}
	if boot != "" {
		h := fnv.New64a()
		_, _ = io.WriteString(h, boot) // never fails
		t.boot = h.Sum64()
	}
	if err := f.read(ctx, func(x *tx) error {
		last, err := x.one("SELECT coalesce(max(seq), 0) FROM ledger")
		t.last = uint64(last)
		return err
	}); err != nil {
		return nil, fmt.Errorf("read the end of the ledger: %w", err)
	}
	files, err := t.files(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the tail of the ledger: %w", err)
	}
	if t.found = reassemble(files, t.boot, t.last+1); len(t.found) > 0 {
		t.last = t.found[len(t.found)-1].Seq
	}
	return t, nil
}

// files reads the files. One that should be there and is not has been left behind, if it was
// not lost, when the database was copied or moved.
func (t *tail) files(ctx context.Context) (files [][]byte, err error) {
	if err := t.file.read(ctx, func(x *tx) error {
		says, err := x.one("PRAGMA user_version")
		t.used = says == tailUsed
		return err
	}); err != nil {
		return nil, err
	}
	for _, path := range t.paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			if t.used {
				t.lost = errors.Join(t.lost, fmt.Errorf("%s is not there, which had rows that are not in %s yet: put it there if it was left in another place, or has another name there", path, t.file.path))
			}
		} else if err != nil {
			return nil, err
		}
		files = append(files, text)
	}
	return files, nil
}

// add stores records behind the last. They survive the process.
func (t *tail) add(ctx context.Context, records []ledger.Record) error {
	if err := t.begin(ctx); err != nil {
		return err
	}
	if t.overgrown() {
		if err := t.move(ctx); err != nil && !errors.Is(err, ledger.ErrUnavailable) {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	for i := range records {
		if records[i].Seq != t.last+1+uint64(i) {
			return fmt.Errorf("record %d cannot be stored behind record %d", records[i].Seq, t.last+uint64(i))
		}
	}
	if err := t.write(records); err != nil {
		return err
	}
	t.last += uint64(len(records))
	if t.segments[t.active].size >= segmentSize {
		select {
		case t.kick <- struct{}{}:
		default:
		}
	}
	return nil
}

// write adds a frame to the active segment, or nothing.
func (t *tail) write(records []ledger.Record) error {
	if broken := t.file.broken.Load(); broken != nil {
		return *broken
	}
	s := &t.segments[t.active]
	t.buf = appendFrame(t.buf[:0], stamp{t.generation, t.boot, t.durable}, records)
	n := int64(len(t.buf))
	if s.size > 0 && s.size+n > segmentMost {
		if t.stuck != nil {
			return fmt.Errorf("the tail of the ledger is full and cannot be moved into the database: %w: %w", t.stuck, ledger.ErrUnavailable)
		}
		return fmt.Errorf("the tail of the ledger is not moved into the database fast enough: %w", ledger.ErrUnavailable)
	}
	if n > frameMost {
		return fmt.Errorf("%d bytes are too many for the ledger at once", n)
	}
	if _, err := s.WriteAt(t.buf, s.size); err != nil {
		return t.unwritten(s, err)
	}
	s.size, s.dirty = aligned(s.size+n), true
	s.disk = max(s.disk, s.size)
	if cap(t.buf) > segmentSize {
		t.buf = nil
	}
	return nil
}

// unwritten leaves nothing of a frame that could not be written, and tells why.
func (t *tail) unwritten(s *segment, err error) error {
	if noRoom(err) {
		undo := s.Truncate(s.disk)
		if undo == nil {
			return diskFull(err)
		}
		err = errors.Join(err, undo)
	}
	return t.broke(err)
}

// broke ends all writing after a failure of the disk.
func (t *tail) broke(err error) error {
	err = fmt.Errorf("the tail of the ledger: %w: %w", ErrDisk, err)
	t.file.broken.CompareAndSwap(nil, &err)
	return err
}

// overgrown tells whether rows are added faster than they are moved, or nobody moves them.
// While they cannot be moved it is of no use to wait.
func (t *tail) overgrown() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.segments[t.active].size >= segmentWait && (t.stuck == nil || !t.tended.Load())
}

// begin moves what the start found, and makes new files, unless that is done.
func (t *tail) begin(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open {
		return nil
	}
	if t.closed {
		return errClosed
	}
	if err := t.settle(ctx); err != nil {
		return err
	}
	t.found, t.used = nil, false // all is in the database, whether there can be a new tail or not
	t.durable = t.last           // that of an earlier process was made so by whoever recovered it
	// Nothing of the old ones may ever be read again, also after a power failure.
	for i, path := range t.paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("begin the tail of the ledger: %w", err)
		}
		if f := t.segments[i].File; f != nil { // of an attempt before
			_ = f.Close()
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if t.segments[i] = (segment{File: f}); err != nil {
			return t.unready(err)
		}
	}
	if err := syncDir(filepath.Dir(t.paths[0])); err != nil {
		return t.broke(err)
	}
	if err := t.segments[t.active].prepare(); err != nil {
		return t.broke(err)
	}
	if err := t.file.write(ctx, durable, func(x *tx) error { return x.tailIs(tailUsed) }); err != nil {
		return err
	}
	t.open = true
	return nil
}

// settle brings what the start found into the database, which then needs no tail.
func (t *tail) settle(ctx context.Context) error {
	if !t.used && len(t.found) == 0 {
		return nil
	}
	return t.file.write(ctx, durable, func(x *tx) error {
		return errors.Join(x.insertRecords(t.found), x.tailIs(tailUnused))
	})
}

// The database says, in SQLite's user_version, whether files of a tail belong to it. They are there
// before it says so, and until it no longer does. A process that is killed leaves it so.
const (
	tailUnused = 0
	tailUsed   = 1
)

func (t *tx) tailIs(used int) error { return t.do(fmt.Sprint("PRAGMA user_version = ", used)) }

var errClosed = fmt.Errorf("the database is closed: %w", ledger.ErrUnavailable)

// unready tells why there are no files.
func (t *tail) unready(err error) error {
	if noRoom(err) {
		return diskFull(err)
	}
	return fmt.Errorf("begin the tail of the ledger: %w", err)
}

// prepare makes the file of an empty segment as long as it should be, if there is room.
func (s *segment) prepare() error {
	if s.disk > segmentSize {
		if err := s.Truncate(segmentSize); err != nil {
			return err
		}
		s.disk = segmentSize
	}
	if s.disk == segmentSize {
		return nil
	}
	if _, err := s.WriteAt(make([]byte, segmentSize-s.disk), s.disk); err != nil {
		if !noRoom(err) {
			return err
		}
		return s.Truncate(s.disk)
	}
	s.disk = segmentSize
	return nil
}

// sync makes durable what was added before.
func (t *tail) sync() error {
	t.syncing.Lock()
	defer t.syncing.Unlock()
	if broken := t.file.broken.Load(); broken != nil {
		return *broken
	}
	var dirty []*os.File
	t.mu.Lock()
	last, open := t.last, t.open
	for i := range t.segments {
		if s := &t.segments[i]; s.dirty {
			dirty, s.dirty = append(dirty, s.File), false
		}
	}
	t.mu.Unlock()
	for _, f := range dirty {
		if err := syncData(f); err != nil {
			return t.broke(err)
		}
	}
	if open {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.durable = max(t.durable, last)
	}
	return nil
}

// move brings what was added before into the database, durably. After an error that wraps
// ErrUnavailable all of it is still in the tail.
func (t *tail) move(ctx context.Context) error {
	t.moving.Lock()
	defer t.moving.Unlock()
	for {
		sealed, all, err := t.seal()
		if err != nil || sealed == nil {
			return err
		}
		err = t.empty(ctx, sealed)
		t.mu.Lock()
		if t.stuck = err; err == nil {
			t.durable, sealed.size = max(t.durable, sealed.last), 0
		}
		t.mu.Unlock()
		if err != nil || all {
			return err
		}
	}
}

// seal gives a segment that is to be moved and not added to any more, nil if there is
// none, and tells whether it holds all that is in the tail now. It does not if another move has
// failed.
func (t *tail) seal() (s *segment, all bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	current, other := &t.segments[t.active], &t.segments[1-t.active]
	switch {
	case !t.open:
		return nil, true, nil
	case other.size > 0:
		return other, false, nil
	case current.size == 0:
		return nil, true, nil
	}
	if err := other.prepare(); err != nil {
		return nil, false, t.broke(err)
	}
	t.active, t.generation, current.last = 1-t.active, t.generation+1, t.last
	return current, true, nil
}

// empty moves what a segment holds into the database.
func (t *tail) empty(ctx context.Context, s *segment) error {
	l := &t.load
	if int64(cap(l.bytes)) < s.size {
		l.bytes = make([]byte, s.size, max(s.size, segmentSize))
	}
	var err error
	if l.records, err = s.records(l.records[:0], 0, l.bytes[:s.size]); err != nil {
		return t.broke(err)
	}
	if s.size > 2*segmentSize {
		defer func() { *l = load{} }() // it is seldom so much
	}
	return t.insert(ctx, l.records)
}

// records reads those of a segment from a number on, into b, which is as long as the segment.
func (s *segment) records(dst []ledger.Record, from uint64, b []byte) ([]ledger.Record, error) {
	if _, err := s.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	for len(b) > 0 {
		f, _, intact := parseFrame(b)
		if !intact {
			return nil, errors.New("it is not what was written to it")
		}
		dst = f.records(dst, from)
		b = b[min(aligned(f.length), int64(len(b))):]
	}
	return dst, nil
}

// insert brings records into the database, durably.
func (t *tail) insert(ctx context.Context, records []ledger.Record) error {
	if len(records) == 0 {
		return nil
	}
	return t.file.write(ctx, durable, func(x *tx) error { return x.insertRecords(records) })
}

// records gives those from a number on that may not be in the database yet.
func (t *tail) records(from uint64) ([]ledger.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []ledger.Record
	for _, r := range t.found {
		if r.Seq >= from {
			all = append(all, r)
		}
	}
	for _, i := range []int{1 - t.active, t.active} {
		s := &t.segments[i]
		if s.size == 0 {
			continue
		}
		var err error
		if all, err = s.records(all, from, make([]byte, s.size)); err != nil {
			return nil, t.broke(err)
		}
	}
	return all, nil
}

// tend moves what is in the tail now and then, until the context ends.
func (t *tail) tend(ctx context.Context) error {
	t.tended.Store(true)
	defer t.tended.Store(false)
	tick := time.NewTicker(moveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.kick:
		case <-tick.C:
		}
		if err := t.move(ctx); err != nil && !errors.Is(err, ledger.ErrUnavailable) {
			return ended(ctx, fmt.Errorf("move the tail of the ledger into %s: %w", t.file.path, err))
		}
	}
}

// close moves what is left, after which there is no tail any more. If it cannot be moved
// now, the next start finds it; so it does what it found itself, if nothing was added.
func (t *tail) close() error {
	t.mu.Lock()
	t.closed = true // before the last is moved: the files go then
	t.mu.Unlock()
	err := t.sync()
	if err == nil {
		err = t.move(context.Background())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open {
		return nil
	}
	t.open = false
	if err == nil {
		err = t.file.write(context.Background(), durable, func(x *tx) error { return x.tailIs(tailUnused) })
	}
	for i := range t.segments {
		if err == nil {
			err = os.Remove(t.paths[i])
		}
		err = errors.Join(err, t.segments[i].Close())
	}
	if errors.Is(err, ledger.ErrUnavailable) {
		return nil
	}
	return err
}
