package money

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/store/sqlite"
)

// leftBehind gives the files of a machine that is killed after so many requests, each of
// which cost 1, before anything is moved out of the tail of the ledger.
func leftBehind(t *testing.T, requests int) (map[string][]byte, *budget.Limit) {
	t.Helper()
	life := ruled(t, "lim_life", budget.Cost, 1_000_000, "life")
	m := &machine{t: t, dir: t.TempDir(), boot: "boot", limits: []*budget.Limit{life}}
	m.still = true
	m.start()
	defer m.close()
	for range requests {
		r, refusal, err := m.reserve(budget.Amount{Cost: 1}, m.limits)
		if refusal != nil || err != nil {
			t.Fatal(refusal, err)
		}
		_, receipt := r.Settle(ledger.Charge{Amount: budget.Amount{Cost: 1}, Source: ledger.Exact})
		if err := receipt.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	noted := ledger.Mark{}
	for until := time.Now().Add(20 * time.Second); noted.Seq < 3 && time.Now().Before(until); { // it is noted soon
		mark, err := m.store.Mark().Load()
		if err != nil {
			t.Fatal(err)
		}
		noted = mark
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(m.dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files, life
}

// reopened opens books on files, and tells what is spent of a limit.
func reopened(t *testing.T, files map[string][]byte, l *budget.Limit, repair bool) (spent int64, report ledger.Report, err error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	books, report, err := ledger.Recover(t.Context(), ledger.Config{Journal: s.Journal(), Witness: s.Mark(), BootID: "boot", Repair: repair})
	if err != nil {
		return 0, report, err
	}
	return books.State(l, subject).Settled, report, nil
}

// TestDamagedTail damages the files in which the end of the ledger is before it is moved into the
// database: what the process was killed with is in the books, and what is not what was
// written is told.
func TestDamagedTail(t *testing.T) {
	const requests = 30
	left, life := leftBehind(t, requests)
	const name = "ledger.tail-1"
	if spent, _, err := reopened(t, left, life, false); err != nil || spent != requests {
		t.Fatalf("%d spent of %d, %v", spent, requests, err)
	}
	with := func(text []byte) map[string][]byte {
		files := maps.Clone(left)
		files[name] = text
		return files
	}
	used := len(bytes.TrimRight(left[name], "\x00"))
	found := 0
	for at := 3; at < used*95/100; at += used / 40 { // the last frame could be one that was being written
		text := bytes.Clone(left[name])
		text[at] ^= 0x10
		spent, _, err := reopened(t, with(text), life, false)
		if err == nil {
			if spent != requests {
				t.Errorf("with a bit flipped at %d of %d, %d is spent instead of %d", at, used, spent, requests)
			}
			continue
		}
		if found++; !errors.Is(err, ledger.ErrAltered) && !errors.Is(err, ledger.ErrGap) {
			t.Errorf("at %d: %v", at, err)
		}
		spent, report, err := reopened(t, with(text), life, true)
		if err != nil || report.Repaired == nil || spent < requests-1 {
			t.Errorf("at %d: repaired, %d is spent of %d: %v", at, spent, requests, err)
		}
	}
	if found < 20 {
		t.Errorf("only %d flipped bits were found", found)
	}
	for what, text := range map[string][]byte{"gone": nil, "cut": left[name][:used/50]} {
		if _, _, err := reopened(t, with(text), life, false); !errors.Is(err, ledger.ErrTruncated) {
			t.Errorf("the tail is %s: %v", what, err)
		}
	}
	// A file cut within its last frame is what a kill leaves.
	if spent, report, err := reopened(t, with(left[name][:used-20]), life, false); err != nil || report.Expired != 1 || spent != requests {
		t.Errorf("cut in the last frame: %d spent, %d expired, %v", spent, report.Expired, err)
	}
	// An older tail beside the newer mark.
	before, _ := leftBehind(t, 2)
	if _, _, err := reopened(t, with(before[name]), life, false); !errors.Is(err, ledger.ErrTruncated) && !errors.Is(err, ledger.ErrAltered) {
		t.Errorf("another tail: %v", err)
	}
}

// TestBackupUnderLoad takes a backup while requests come: it opens, and has all that was spent before.
func TestBackupUnderLoad(t *testing.T) {
	life := ruled(t, "lim_life", budget.Cost, 1_000_000_000, "life")
	m := &machine{t: t, dir: t.TempDir(), boot: "boot", limits: []*budget.Limit{life}}
	m.open(0)
	for i := range 3 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 300 {
				m.request()
			}
		}()
		least := m.books.State(life, subject).Settled
		to := filepath.Join(t.TempDir(), fmt.Sprint("copy", i, ".db"))
		if err := m.store.Backup(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		<-done
		s, err := sqlite.Open(t.Context(), sqlite.Options{URL: "sqlite://" + to})
		if err != nil {
			t.Fatal(err)
		}
		books, _, err := ledger.Recover(t.Context(), ledger.Config{Journal: s.Journal(), Witness: s.Mark()})
		if err != nil {
			t.Fatal(err)
		}
		if got := books.State(life, subject).Settled; got < least {
			t.Errorf("the backup has %d spent, before it %d was", got, least)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		files, err := os.ReadDir(filepath.Dir(to))
		for _, f := range files {
			if strings.Contains(f.Name(), ".tail") {
				t.Errorf("%s is left", f.Name())
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
	m.close()
}
