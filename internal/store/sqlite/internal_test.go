package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	lib "modernc.org/sqlite/lib"

	"tollgate/internal/ledger"
	"tollgate/internal/store"
)

// What cannot be brought about from outside, or not for certain: failures of the disk, and when
// the write-ahead log is moved.

func TestClassify(t *testing.T) {
	cause := errors.New("what SQLite says")
	for _, c := range []struct {
		code       int
		committing bool
		want       error
	}{
		{lib.SQLITE_FULL, false, ledger.ErrUnavailable},
		{lib.SQLITE_FULL, true, ledger.ErrUnavailable},
		{lib.SQLITE_BUSY, false, ledger.ErrUnavailable},
		{lib.SQLITE_BUSY_SNAPSHOT, false, ledger.ErrUnavailable},
		{lib.SQLITE_LOCKED, true, ledger.ErrUnavailable},
		{lib.SQLITE_IOERR_WRITE, false, ledger.ErrUnavailable},
		{lib.SQLITE_IOERR_SHMSIZE, false, ledger.ErrUnavailable},
		// The log may have the whole transaction already.
		{lib.SQLITE_IOERR_WRITE, true, ErrDisk},
		{lib.SQLITE_IOERR_SHMSIZE, true, ErrDisk},
		{lib.SQLITE_IOERR_FSYNC, false, ErrDisk},
		{lib.SQLITE_IOERR_FSYNC, true, ErrDisk},
		{lib.SQLITE_IOERR_READ, false, ErrDisk},
		{lib.SQLITE_CORRUPT, false, ErrCorrupt},
		{lib.SQLITE_CORRUPT_INDEX, true, ErrCorrupt},
		{lib.SQLITE_NOTADB, false, ErrCorrupt},
		{lib.SQLITE_INTERRUPT, false, context.Canceled},
		{lib.SQLITE_ERROR, false, cause},
	} {
		err := classify(cause, c.code, c.committing)
		if !errors.Is(err, c.want) || !errors.Is(err, cause) {
			t.Errorf("code %d (committing: %t): %v, want %v", c.code, c.committing, err, c.want)
		}
		if final(err) == errors.Is(err, ledger.ErrUnavailable) && c.want != cause && c.want != context.Canceled {
			t.Errorf("code %d (committing: %t): %v is both or neither", c.code, c.committing, err)
		}
	}
}

func opened(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestNothingIsWrittenAfterTheDiskFailed(t *testing.T) {
	s := opened(t)
	j := s.Journal()
	if err := j.Append(t.Context(), []ledger.Record{{Seq: 1, Bytes: []byte("x")}}, true); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(t.Context(), []ledger.Record{{Seq: 2, Bytes: []byte("x")}}, false); err != nil {
		t.Fatal(err)
	}
	_ = s.tail.segments[0].Close() // the next sync fails
	for what, err := range map[string]error{
		"sync":          j.Sync(t.Context()),
		"append":        j.Append(t.Context(), []ledger.Record{{Seq: 3, Bytes: []byte("x")}}, false),
		"empty append":  j.Append(t.Context(), nil, true),
		"checkpoint":    j.SaveCheckpoint(t.Context(), nil),
		"update":        s.Update(t.Context(), func(store.Tx) error { t.Error("it was run"); return nil }),
		"another sync":  j.Sync(t.Context()),
		"another write": j.Prune(t.Context(), 1),
	} {
		if !errors.Is(err, ErrDisk) || errors.Is(err, ledger.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.View(t.Context(), func(tx store.Tx) error { _, err := tx.Tokens().List(); return err }); err != nil {
		t.Errorf("reading: %v", err)
	}
}

func TestLogBeginsAnew(t *testing.T) {
	s := opened(t)
	c, err := s.main.connect(t.Context(), durable)
	if err != nil {
		t.Fatal(err)
	}
	defer c.sql.Close()
	// Only shorten is to move it.
	if err := func(writer *conn) error {
		defer func() { s.main.writer <- writer }()
		return writer.exec(t.Context(), "PRAGMA wal_autocheckpoint = 0")
	}(<-s.main.writer); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- fill(ctx, s.Journal()) }()
	for first := begun(t, s.main.path); begun(t, s.main.path) == first; {
		if err := s.main.shorten(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			t.Fatalf("the writer ended (%v) before the log began anew", err)
		default:
		}
	}
	stop()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// fill writes as fast as it goes, at most a gigabyte, until the context ends.
func fill(ctx context.Context, journal ledger.Journal) error {
	const batch, most = 256, 1 << 20
	for seq := uint64(0); seq < most && ctx.Err() == nil; {
		var records []ledger.Record
		for range batch {
			seq++
			records = append(records, ledger.Record{Seq: seq, Bytes: bytes.Repeat([]byte{1}, 1000)})
		}
		if err := journal.Append(ctx, records, false); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// begun returns how often the write-ahead log of a database has begun: its header counts that.
// See https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
func begun(t *testing.T, path string) uint32 {
	t.Helper()
	f, err := os.Open(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var header [16]byte
	if _, err := f.ReadAt(header[:], 0); err != nil {
		return 0 // nothing is written yet
	}
	return binary.BigEndian.Uint32(header[12:])
}

// TestDurableIsFull checks what commits wait for: the difference does not show without a power failure.
func TestDurableIsFull(t *testing.T) {
	s := opened(t)
	synchronous := func(want int) {
		t.Helper()
		c := <-s.main.writer
		defer func() { s.main.writer <- c }()
		var got int
		if err := c.sql.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&got); err != nil || got != want {
			t.Errorf("synchronous is %d (%v), want %d", got, err, want)
		}
	}
	const normal, full = 1, 2
	if err := s.Journal().Append(t.Context(), []ledger.Record{{Seq: 1, Bytes: []byte("x")}}, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Journal().Prune(t.Context(), 1); err != nil { // that rows are gone need not be durable
		t.Fatal(err)
	}
	synchronous(normal)
	if err := s.Journal().Append(t.Context(), []ledger.Record{{Seq: 2, Bytes: []byte("x")}}, false); err != nil {
		t.Fatal(err)
	}
	if err := s.tail.move(t.Context()); err != nil { // what is moved is overwritten
		t.Fatal(err)
	}
	synchronous(full)
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Settings().Put("a", nil) }); err != nil {
		t.Fatal(err)
	}
	synchronous(full)
	var mode string
	if err := s.main.db.QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %q, %v", mode, err)
	}
}

func TestMigrationsHaveSamples(t *testing.T) {
	for _, kind := range []string{"main", "requests"} {
		files, err := migrations.ReadDir("migrations/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			if want := i + 1; f.Name()[:5] != string([]byte{'0', '0', '0', byte('0' + want/10), byte('0' + want%10)}) {
				t.Errorf("migration %s of %s is not number %d", f.Name(), kind, want)
			}
		}
		samples, _ := filepath.Glob("testdata/released/*-" + kind + ".db.gz")
		if len(samples) < len(files) {
			t.Errorf("%d migrations of %s, but samples of %d versions: run go test -run TestEarlierVersions -sample", len(files), kind, len(samples))
		}
	}
}

// TestReplace: a repair that is stopped in the middle leaves a database in its place. Where there is none
// the next start would make an empty one.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path, fresh, aside := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db"), filepath.Join(dir, "c.db")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(path, want string) {
		t.Helper()
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s holds %q, %v", path, text, err)
		}
	}
	write(path, "damaged")
	write(path+"-wal", "its log")
	if err := replace(path, fresh, aside); err == nil {
		t.Fatal("a file that is not there took its place")
	}
	holds(path, "damaged")
	holds(aside, "damaged")
	holds(aside+"-wal", "its log")
	write(fresh, "whole")
	if err := replace(path, fresh, aside); err == nil {
		t.Fatal("what was set aside before is overwritten")
	}
	if err := replace(path, fresh, aside+"2"); err != nil {
		t.Fatal(err)
	}
	holds(path, "whole")
	holds(aside+"2", "damaged")
}
