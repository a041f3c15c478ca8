package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"tollgate/internal/ledger"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
)

// files are those of a directory.
type files map[string][]byte

func filesOf(t testing.TB, dir string) files {
	t.Helper()
	all := files{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if text, failed := os.ReadFile(filepath.Join(dir, e.Name())); failed == nil {
			all[e.Name()] = text
		} else {
			err = errors.Join(err, failed)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// put writes them to a directory of their own.
func (all files) put(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// with gives them with another file.
func (all files) with(name string, text []byte) files {
	changed := files{name: text}
	for other, text := range all {
		if other != name {
			changed[other] = text
		}
	}
	return changed
}

const (
	first  = "ledger.tail-1"
	second = "ledger.tail-2"
)

// killed gives what is left of a process that is killed after it appended so many
// records, each by itself, and made some durable. It did not move any.
func killed(t testing.TB, boot string, n, durable int) files {
	t.Helper()
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir, BootID: boot})
	for i := range n {
		if err := s.Journal().Append(t.Context(), rows(i+1, 1), i < durable); err != nil {
			t.Fatal(err)
		}
	}
	return filesOf(t, dir)
}

// scan tells what a journal holds, record by record: its number, and if it is damaged.
func scan(t testing.TB, s store.Store) string {
	t.Helper()
	var all []string
	if err := s.Journal().Scan(t.Context(), 0, func(r ledger.Record) error {
		what := fmt.Sprint(r.Seq)
		if string(r.Bytes) != string(rows(int(r.Seq), 1)[0].Bytes) {
			what += "!"
		}
		all = append(all, what)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// TestTail looks at what a start makes of a tail that is not as it was written.
func TestTail(t *testing.T) {
	flipped := func(text []byte, what string) []byte {
		at := bytes.Index(text, []byte(what))
		if at < 0 {
			t.Fatalf("no %q in the tail", what)
		}
		changed := bytes.Clone(text)
		changed[at+len(what)-1] ^= 1
		return changed
	}
	frame := func(text []byte, record string) (from, to int) { // from its magic up to the next
		at := bytes.Index(text, []byte(record))
		from = bytes.LastIndex(text[:at], []byte("tgt1"))
		if to = bytes.Index(text[at:], []byte("tgt1")); to < 0 {
			return from, len(text)
		}
		return from, at + to
	}
	cleared := func(text []byte, record string) []byte {
		changed := bytes.Clone(text)
		from, to := frame(text, record)
		clear(changed[from:to])
		return changed
	}
	for _, c := range []struct {
		name    string
		durable int
		boot    string
		change  func([]byte) []byte
		want    string
	}{
		{"killed", 0, "a", bytes.Clone, "1 2 3 4 5"},
		{"the machine was started anew", 0, "b", bytes.Clone, "1 2 3 4 5"},
		{"killed in the middle of a write", 0, "a", func(b []byte) []byte { return b[:bytes.Index(b, []byte("record 5"))+4] }, "1 2 3 4"},
		{"killed at the beginning of a write", 0, "a", func(b []byte) []byte { return cleared(b, "record 5") }, "1 2 3 4"},
		{"the power failed in the middle of a write", 4, "b", func(b []byte) []byte { return flipped(b, "record 5") }, "1 2 3 4"},
		// A later page reached the disk before the power failed, and an earlier one did not.
		{"the power left a hole", 2, "b", func(b []byte) []byte { return cleared(b, "record 4") }, "1 2 3"},
		{"a hole, and nobody knows when", 2, "", func(b []byte) []byte { return cleared(b, "record 4") }, "1 2 3"},
		// What was durable does not go with the power.
		{"a hole in what was durable", 4, "b", func(b []byte) []byte { return cleared(b, "record 3") }, "1 2 4 5"},
		{"a hole at the beginning", 4, "b", func(b []byte) []byte { return cleared(b, "record 1") }, "2 3 4 5"},
		{"a bit of what was durable", 4, "b", func(b []byte) []byte { return flipped(b, "record 3") }, "1 2 3! 4 5"},
		// And nothing does without a power failure.
		{"a hole without a power failure", 0, "a", func(b []byte) []byte { return cleared(b, "record 2") }, "1 3 4 5"},
		{"a bit without a power failure", 0, "a", func(b []byte) []byte { return flipped(b, "record 2") }, "1 2! 3 4 5"},
		{"all is gone", 0, "a", func(b []byte) []byte { return nil }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			left := killed(t, "a", 5, c.durable)
			left = left.with(first, c.change(left[first]))
			dir := left.put(t)
			for range 2 { // and to look changes nothing
				s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, BootID: c.boot})
				if err != nil {
					t.Fatal(err)
				}
				if got := scan(t, s); got != c.want {
					t.Errorf("there is %q, want %q", got, c.want)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				for name, text := range filesOf(t, dir) {
					if strings.Contains(name, "tail") && !bytes.Equal(text, left[name]) {
						t.Errorf("%s was changed", name)
					}
				}
			}
			s := reopen(t, sqlite.Options{Dir: dir, BootID: c.boot})
			next := 1
			if c.want != "" {
				fields := strings.Fields(c.want)
				_, _ = fmt.Sscan(fields[len(fields)-1], &next)
				next++
			}
			if err := s.Journal().Append(t.Context(), rows(next, 1), false); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSpace(fmt.Sprint(c.want, " ", next))
			if got := scan(t, s); got != want {
				t.Errorf("when it went on there is %q, want %q", got, want)
			}
			again := reopen(t, sqlite.Options{Dir: filesOf(t, dir).put(t), BootID: c.boot})
			if got := scan(t, again); got != want {
				t.Errorf("and killed again %q, want %q", got, want)
			}
		})
	}
}

// TestTailAndDatabase has tails that do not go with the database: the records of the database count, and
// those behind them.
func TestTailAndDatabase(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir, BootID: "a"})
	next := 1
	add := func(n int) files {
		t.Helper()
		for range n {
			if err := s.Journal().Append(t.Context(), rows(next, 1), false); err != nil {
				t.Fatal(err)
			}
			next++
		}
		return filesOf(t, dir)
	}
	move := func() files {
		t.Helper()
		if err := s.Journal().SaveCheckpoint(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
		return filesOf(t, dir)
	}
	three := add(3) // in the tail
	moved := move() // in both
	five := add(2)  // some in the database, others in the other file of the tail
	all := move()   // all in the database, in which no record of the tail is missing
	seven := add(2) // the first file is used again
	nine := func() files { move(); return add(2) }()
	tailOf := func(database, tail files) files {
		return database.with(first, tail[first]).with(second, tail[second])
	}
	for _, c := range []struct {
		name string
		of   files
		want string
	}{
		{"in the tail", three, "1 2 3"},
		{"killed before the tail began anew", tailOf(moved, three), "1 2 3"},
		{"in both files", five, "1 2 3 4 5"},
		{"both files, and all in the database", tailOf(all, five), "1 2 3 4 5"},
		{"a file that is used again", seven, "1 2 3 4 5 6 7"},
		{"both are used again", nine, "1 2 3 4 5 6 7 8 9"},
		{"an old tail", tailOf(nine, three), "1 2 3 4 5 6 7"},
		{"no tail", tailOf(nine, files{}), "1 2 3 4 5 6 7"},
		{"an old database", tailOf(three, nine), "6 7 8 9"}, // which does not begin with 1
		{"one that is not as old", tailOf(moved, nine), "1 2 3 6 7 8 9"},
		{"one of the files is lost", nine.with(first, nil), "1 2 3 4 5 6 7 8 9"},
		{"the other one is", nine.with(second, nil), "1 2 3 4 5 6 7"},
	} {
		again := reopen(t, sqlite.Options{Dir: c.of.put(t), BootID: "a"})
		if got := scan(t, again); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestTailIsClosed: all is in the database after Close, and none of it beside.
func TestTailIsClosed(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir})
	if err := s.Journal().Append(t.Context(), rows(1, 10), false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{first, second} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{first, second} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	if err := s.Journal().Append(t.Context(), rows(11, 1), false); err == nil {
		t.Error("a store that is closed took a record")
	}
	if n := count(t, reopen(t, sqlite.Options{Dir: dir}), 1); n != 10 {
		t.Errorf("%d records of 10", n)
	}
}

// TestTailUnderLoad appends, moves, syncs and reads at the same time: who reads finds what had been
// appended, in order.
func TestTailUnderLoad(t *testing.T) {
	s := reopen(t, sqlite.Options{Dir: t.TempDir()})
	j := s.Journal()
	var mu sync.Mutex
	stored := 0
	done := make(chan struct{})
	var others sync.WaitGroup
	during := func(fn func() error) {
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := fn(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	during(func() error { return j.Sync(t.Context()) })
	during(func() error { return j.SaveCheckpoint(t.Context(), []byte("x")) })
	during(func() error {
		mu.Lock()
		least := stored
		mu.Unlock()
		if n := count(t, s, 1); n < least {
			return fmt.Errorf("%d records of %d", n, least)
		}
		return nil
	})
	for n := 1; n < 3000; n += 3 {
		if err := j.Append(t.Context(), rows(n, 3), n%100 == 0); err != nil {
			t.Error(err)
			break
		}
		mu.Lock()
		stored = n + 2
		mu.Unlock()
	}
	close(done)
	others.Wait()
}

// TestTailOnFullDisk fills the disk under a tail: what does not fit leaves nothing, and what is
// stored is there after a kill.
func TestTailOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Skip("a small disk cannot be mounted:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	data := filepath.Join(dir, "data")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: data, BootID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Journal().Append(t.Context(), rows(1, 1), false); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	for size := 1 << 20; size >= 1<<12; size /= 2 {
		for err = error(nil); err == nil; {
			err = appendFile(ballast, make([]byte, size))
		}
	}
	stored, refusals := 1, 0
	for piece := 50_000; refusals < 3; {
		switch err := s.Journal().Append(t.Context(), rows(stored+1, piece), false); {
		case err == nil:
			stored += piece
		case !errors.Is(err, ledger.ErrUnavailable) || !strings.Contains(err.Error(), "disk is full"):
			t.Fatal(err)
		default: // less may fit
			refusals++
			piece = max(1, piece/1000)
			again := reopen(t, sqlite.Options{Dir: filesOf(t, data).put(t), BootID: "a"})
			if n := count(t, again, 1); n != stored {
				t.Errorf("%d records of %d", n, stored)
			}
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.Journal().Append(t.Context(), rows(stored+1, 10), true); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if n := count(t, s, 1); n != stored+10 {
		t.Errorf("%d records of %d", n, stored+10)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func appendFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// TestTailIsClosedUnderLoad closes a store while records are appended: those that were taken are there.
func TestTailIsClosedUnderLoad(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Journal().Append(t.Context(), rows(1, 1), false); err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		stored := 1
		for err == nil {
			if err = s.Journal().Append(t.Context(), rows(stored+1, 1), false); err == nil {
				stored++
			}
		}
		if !errors.Is(err, ledger.ErrUnavailable) {
			t.Error(err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if n := count(t, reopen(t, sqlite.Options{Dir: dir}), 1); n != stored {
			t.Fatalf("%d records of %d", n, stored)
		}
	}
}

// TestMarkOnSmallDisk: what cannot be noted on a full disk leaves the mark of before, and no other file.
func TestMarkOnSmallDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("a small disk cannot be mounted:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	m, before := sqlite.NewMark(filepath.Join(dir, "ledger.mark")), ledger.Mark{Seq: 7}
	if err := m.Save(before); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		err = appendFile(filepath.Join(dir, "ballast"), make([]byte, 4096))
	}
	if err := m.Save(ledger.Mark{Seq: 8}); !errors.Is(err, ledger.ErrUnavailable) || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("on a full disk: %v", err)
	}
	if got, err := m.Load(); got != before || err != nil {
		t.Errorf("the mark is %v, %v", got, err)
	}
	if all := filesOf(t, dir); len(all) != 2 {
		t.Errorf("%d files are left", len(all))
	}
}
