package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
)

func setting(t testing.TB, s store.Store, name, value string) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Settings().Put(name, []byte(value)) }); err != nil {
		t.Fatal(err)
	}
}

func settingOf(t testing.TB, s store.Store, name string) (value string) {
	t.Helper()
	if err := s.View(t.Context(), func(tx store.Tx) error {
		b, err := tx.Settings().Get(name)
		value = string(b)
		return err
	}); err != nil {
		t.Error(err)
	}
	return value
}

func refused(t *testing.T, o sqlite.Options, words ...string) error {
	t.Helper()
	s, err := sqlite.Open(t.Context(), o)
	if err == nil {
		t.Error("it was opened:", s.Close())
		return nil
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	return err
}

func TestFilesAreTheOwners(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := reopen(t, sqlite.Options{Dir: dir})
	setting(t, s, "a", "b")
	want := map[string]fs.FileMode{".": 0o700 | fs.ModeDir}
	for _, name := range []string{"tollgate.db", "requests.db", "tollgate.lock", "tollgate.db-wal", "tollgate.db-shm", "requests.db-wal", "requests.db-shm"} {
		want[name] = 0o600
	}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, mode)
		}
	}
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	must := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if _, err := os.Stat(name); err != nil {
				t.Error(err)
			}
		}
	}
	for i, c := range []struct{ url, main, requests, mark, tail string }{
		{"", "own0/tollgate.db", "own0/requests.db", "own0/ledger.mark", "own0/ledger.tail"},
		{"sqlite://data", "data/tollgate.db", "data/requests.db", "data/ledger.mark", "data/ledger.tail"},
		{"sqlite://data2/", "data2/tollgate.db", "data2/requests.db", "data2/ledger.mark", "data2/ledger.tail"},
		{"sqlite://other/books.db", "other/books.db", "other/books-requests.db", "other/books.mark", "other/books.tail"},
		{"sqlite://" + dir + "/abs.sqlite", "abs.sqlite", "abs-requests.sqlite", "abs.mark", "abs.tail"},
	} {
		own := fmt.Sprintf("own%d", i)
		s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: own, URL: c.url})
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		setting(t, s, "a", c.url)
		if err := s.Mark().Save(ledger.Mark{Seq: 1}); err != nil {
			t.Error(err)
		}
		if err := s.Journal().Append(t.Context(), rows(1, 1), false); err != nil {
			t.Error(err)
		}
		must(c.main, c.requests, c.mark, c.tail+"-1", c.tail+"-2")
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		again := reopen(t, sqlite.Options{Dir: own, URL: c.url})
		if got := settingOf(t, again, "a"); got != c.url {
			t.Errorf("%s: %q", c.url, got)
		}
	}
	for _, url := range []string{"postgres://x", "sqlite://", "sqlite:x", "sqlite://x?mode=ro", "file.db"} {
		refused(t, sqlite.Options{Dir: dir, URL: url}, "sqlite://")
	}
	refused(t, sqlite.Options{}, "data directory")
}

func TestTemporaryDatabase(t *testing.T) {
	place := t.TempDir()
	t.Setenv("TMPDIR", place)
	s, err := sqlite.Open(t.Context(), sqlite.Options{URL: "sqlite::memory:"})
	if err != nil {
		t.Fatal(err)
	}
	setting(t, s, "a", "b")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(place); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, sqlite.Options{Dir: dir}, "the data directory "+dir, "in use by another tollgate", fmt.Sprintf("pid %d", os.Getpid()))
	setting(t, s, "a", "b") // the one who tried did no harm
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	reopen(t, sqlite.Options{Dir: dir})
	// A database elsewhere belongs to one process, and so does the data directory it goes with.
	elsewhere := "sqlite://" + t.TempDir() + "/books.db"
	refused(t, sqlite.Options{Dir: dir, URL: elsewhere}, "the data directory "+dir, "in use")
	reopen(t, sqlite.Options{Dir: t.TempDir(), URL: elsewhere})
	refused(t, sqlite.Options{Dir: t.TempDir(), URL: elsewhere}, "in use")
}

// What is closed is in the database itself: no log of it is left over.
func TestCloseLeavesNoLog(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	setting(t, s, "a", "b")
	if got := settingOf(t, s, "a"); got != "b" {
		t.Errorf("%q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"tollgate.db-wal", "tollgate.db-shm", "requests.db-wal", "requests.db-shm"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

// alter runs SQL on a database file behind the back of the store.
func alter(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.Exec(text)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestForeignFiles(t *testing.T) {
	newer := t.TempDir()
	if err := reopenOnce(t, newer); err != nil {
		t.Fatal(err)
	}
	alter(t, newer+"/tollgate.db", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	refused(t, sqlite.Options{Dir: newer}, "tollgate.db", "newer tollgate", "format 99")

	other := t.TempDir()
	alter(t, other+"/requests.db", "CREATE TABLE theirs (x)")
	refused(t, sqlite.Options{Dir: other}, "requests.db", "another program")

	text := t.TempDir()
	if err := os.WriteFile(text+"/tollgate.db", []byte(strings.Repeat("this is no database\n", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := refused(t, sqlite.Options{Dir: text}, "tollgate.db", "damaged"); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Error(err)
	}
}

// reopenOnce leaves a database with a few settings.
func reopenOnce(t *testing.T, dir string) error {
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir})
	if err != nil {
		return err
	}
	for i := range 300 {
		setting(t, s, fmt.Sprint(i), strings.Repeat("x", 500))
	}
	return s.Close()
}

func TestDamagedPagesAreFound(t *testing.T) {
	dir := t.TempDir()
	if err := reopenOnce(t, dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tollgate.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	found := 0
	for at := page; at < len(whole) && found < 12; at += 5 * page {
		bad := append([]byte(nil), whole...)
		for i := range 64 { // the beginning of a page: its kind, and where its rows are
			bad[at+i] ^= 0x5a
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Check: true})
		if err != nil {
			if found++; !errors.Is(err, sqlite.ErrCorrupt) {
				t.Errorf("page %d: %v", at/page+1, err)
			}
			continue
		}
		for i := range 300 { // the page was in nobody's use
			if got := settingOf(t, s, fmt.Sprint(i)); got != strings.Repeat("x", 500) {
				t.Errorf("damage in page %d was not found", at/page+1)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if found < 5 {
		t.Errorf("damage was found in %d pages only", found)
	}
}

func TestLockedByAnotherProgram(t *testing.T) {
	dir := t.TempDir()
	s := reopen(t, sqlite.Options{Dir: dir, BusyTimeout: 20 * time.Millisecond})
	db, err := sql.Open("sqlite", filepath.Join(dir, "tollgate.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(text string) {
		t.Helper()
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	// As a start does before anything else.
	if err := s.Journal().Append(t.Context(), rows(1, 1), true); err != nil {
		t.Fatal(err)
	}
	exec("BEGIN IMMEDIATE")
	err = s.Update(t.Context(), func(tx store.Tx) error { return tx.Settings().Put("a", nil) })
	if !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("update: %v", err)
	}
	// Rows stay in the tail, up to some length of that.
	piece, stored := make([]byte, 1<<20), uint64(1)
	for err = error(nil); err == nil; {
		if err = s.Journal().Append(t.Context(), []ledger.Record{{Seq: stored + 1, Bytes: piece}}, false); err == nil {
			stored++
		}
	}
	if !errors.Is(err, ledger.ErrUnavailable) || !strings.Contains(err.Error(), "locked by another program") || stored < 8 || stored > 32 {
		t.Errorf("append after %d MB: %v", stored, err)
	}
	if err := s.View(t.Context(), func(tx store.Tx) error { _, err := tx.Limits().List(); return err }); err != nil {
		t.Errorf("view: %v", err)
	}
	exec("ROLLBACK")
	if err := s.Journal().Append(t.Context(), []ledger.Record{{Seq: stored + 1, Bytes: []byte("x")}}, true); err != nil {
		t.Errorf("append when it is free again: %v", err)
	}
	last := uint64(0)
	if err := s.Journal().Scan(t.Context(), 1, func(r ledger.Record) error { last = r.Seq; return nil }); err != nil || last != stored+1 {
		t.Errorf("%d records of %d, %v", last, stored+1, err)
	}
}

func TestBackup(t *testing.T) {
	s := reopen(t, sqlite.Options{Dir: t.TempDir()})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	setting(t, s, "a", "b")
	if err := s.Requests().Append(ctx, []record.Request{{ID: "r", At: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Journal().Append(ctx, rows(1, 100), false); err != nil {
		t.Fatal(err)
	}
	appended := make(chan error, 1)
	go func() { // life goes on
		var err error
		for n := 101; err == nil && ctx.Err() == nil; n += 10 {
			err = s.Journal().Append(ctx, rows(n, 10), false)
		}
		if ctx.Err() != nil {
			err = nil
		}
		appended <- err
	}()
	to := t.TempDir()
	if err := s.Backup(ctx, filepath.Join(to, "copy.db")); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(ctx, to); err != nil { // a directory
		t.Fatal(err)
	}
	stop()
	if err := <-appended; err != nil {
		t.Error(err)
	}
	for _, name := range []string{"copy.db", "copy-requests.db", "tollgate.db", "requests.db"} {
		if info, err := os.Stat(filepath.Join(to, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	for _, o := range []sqlite.Options{{URL: "sqlite://" + to + "/copy.db"}, {Dir: to}} {
		copied := reopen(t, o)
		if got := settingOf(t, copied, "a"); got != "b" {
			t.Errorf("%+v: setting %q", o, got)
		}
		if _, err := copied.Requests().Get(t.Context(), "r"); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
		if n := count(t, copied, 1); n < 100 {
			t.Errorf("%+v: %d records", o, n)
		}
	}
	for _, path := range []string{filepath.Join(to, "copy.db"), to} {
		if err := s.Backup(t.Context(), path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a backup over another: %v", err)
		}
	}
	if err := s.Backup(t.Context(), filepath.Join(to, "none", "x.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a backup to nowhere: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(to, "*.new")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// rows are records whose bytes tell their number.
func rows(from, n int) (all []ledger.Record) {
	for i := from; i < from+n; i++ {
		all = append(all, ledger.Record{Seq: uint64(i), Bytes: fmt.Appendf(nil, "record %d", i)})
	}
	return all
}

// count tells up to which record all of them are there.
func count(t testing.TB, s store.Store, from int) int {
	t.Helper()
	next := from
	if err := s.Journal().Scan(t.Context(), uint64(from), func(r ledger.Record) error {
		if want := rows(next, 1)[0]; r.Seq != want.Seq || string(r.Bytes) != string(want.Bytes) {
			return fmt.Errorf("record %d (%q) where %d belongs", r.Seq, r.Bytes, next)
		}
		next++
		return nil
	}); err != nil {
		t.Error(err)
	}
	return next - 1
}
