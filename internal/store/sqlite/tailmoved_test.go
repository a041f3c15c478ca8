package sqlite_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/store/sqlite"
)

// lacking opens what is in a directory and tells what is missing of the tail, "" for nothing.
func lacking(t *testing.T, o sqlite.Options) string {
	t.Helper()
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.LostTail(); err != nil {
		return err.Error()
	}
	return ""
}

// TestTailLeftBehind moves and copies a database without all of its tail.
func TestTailLeftBehind(t *testing.T) {
	left := killed(t, "a", 5, 5)
	without := func(names ...string) files {
		changed := maps.Clone(left)
		for _, name := range names {
			delete(changed, name)
		}
		return changed
	}
	for _, c := range []struct {
		name  string
		files files
		want  []string // in what it says
	}{
		{"all", left, nil},
		{"no tail", without(first, second), []string{first, second}},
		{"the file with the rows is missing", without(first), []string{first}},
		{"the empty one is", without(second), []string{second}},
		{"no database", files{first: left[first]}, nil}, // what is there goes to an empty one
	} {
		dir := c.files.put(t)
		for range 2 { // to look changes nothing
			got := lacking(t, sqlite.Options{Dir: dir})
			if (got == "") != (c.want == nil) {
				t.Errorf("%s: it says %q", c.name, got)
			}
			for _, want := range c.want {
				if !strings.Contains(got, filepath.Join(dir, want)) {
					t.Errorf("%s: it says %q", c.name, got)
				}
			}
		}
	}
	// The files have other names beside a file than in a directory.
	if got := lacking(t, sqlite.Options{URL: "sqlite://" + filepath.Join(left.put(t), "tollgate.db")}); !strings.Contains(got, "tollgate.tail-1") {
		t.Errorf("under another URL: it says %q", got)
	}
	// Who goes on without it is asked once.
	dir := without(first, second).put(t)
	s := reopen(t, sqlite.Options{Dir: dir})
	if err := s.Journal().Append(t.Context(), rows(1, 1), true); err != nil {
		t.Fatal(err)
	}
	if got := lacking(t, sqlite.Options{Dir: filesOf(t, dir).put(t)}); got != "" {
		t.Errorf("after it went on: %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := lacking(t, sqlite.Options{Dir: dir}); got != "" {
		t.Errorf("after it was closed: %q", got)
	}
}

// TestTailIsNotMissed: to a backup, and to a database of a server that was stopped, no tail belongs, nor does one to
// a database while its tail is being made or taken away.
func TestTailIsNotMissed(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir})
	if err := s.Journal().Append(t.Context(), rows(1, 5), true); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := s.Backup(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if got := lacking(t, sqlite.Options{Dir: to}); got != "" {
		t.Errorf("a backup: %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := lacking(t, sqlite.Options{Dir: dir}); got != "" {
		t.Errorf("a database that was closed: %q", got)
	}
	// What stands in the way of the second file stops the process between the two.
	dir = killed(t, "a", 5, 5).put(t)
	again := reopen(t, sqlite.Options{Dir: dir, BootID: "a"})
	inTheWay := filepath.Join(dir, second)
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := again.Journal().Append(t.Context(), rows(6, 1), true); err == nil {
		t.Fatal("it was appended to no file")
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	half := filesOf(t, dir)
	delete(half, first) // which could have been removed and not made again
	for _, f := range []files{half, half.with(first, nil)} {
		stopped := reopen(t, sqlite.Options{Dir: f.put(t), BootID: "a"})
		if err := stopped.LostTail(); err != nil || scan(t, stopped) != "1 2 3 4 5" {
			t.Errorf("stopped in the middle: %q, %v", scan(t, stopped), err)
		}
	}
}

// TestRepairKeepsWhatIsMissed: a database that is made anew still says that a tail belongs to it.
func TestRepairKeepsWhatIsMissed(t *testing.T) {
	dir := t.TempDir()
	furnish(t, dir)
	s := reopen(t, sqlite.Options{Dir: dir})
	if err := s.Journal().Append(t.Context(), rows(many+1, 1), true); err != nil {
		t.Fatal(err)
	}
	left := filesOf(t, dir)
	delete(left, first)
	damaged := left.put(t)
	path := filepath.Join(damaged, "tollgate.db")
	damagePage(t, path, pagesOf(t, path, "events")[1])
	if got := lacking(t, sqlite.Options{Dir: damaged, Repair: true}); !strings.Contains(got, first) {
		t.Errorf("it says %q", got)
	}
}
