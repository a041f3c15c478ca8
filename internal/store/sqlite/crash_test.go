package sqlite_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
)

const childDir = "TOLLGATE_TEST_CHILD"

// TestChild is what TestKilledProcess runs as another process: it appends and updates, and says so
// on a pipe each time that it has been told that it is done.
func TestChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("only as a child of TestKilledProcess")
	}
	s := reopen(t, sqlite.Options{Dir: dir})
	pipe := os.NewFile(3, "pipe")
	go func() { _ = s.Run(t.Context()) }()
	for next, step := count(t, s, 1)+1, 0; ; step++ {
		n := 1 + rand.IntN(40)
		if err := s.Journal().Append(t.Context(), rows(next, n), step%5 == 0); err != nil {
			t.Fatal(err)
		}
		next += n
		fmt.Fprintln(pipe, "records", next-1)
		if step%3 == 0 {
			setting(t, s, "step", strconv.Itoa(next))
			fmt.Fprintln(pipe, "setting", next)
		}
	}
}

func TestKilledProcess(t *testing.T) {
	dir := t.TempDir()
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		acknowledged := runAndKill(t, dir, time.Duration(100+rand.IntN(150))*time.Millisecond)
		s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Check: true})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, s, 1); n < acknowledged["records"] || n == 0 {
			t.Errorf("round %d: %d records are there, %d had been acknowledged", round, n, acknowledged["records"])
		}
		if want := acknowledged["setting"]; want > 0 {
			if got, _ := strconv.Atoi(settingOf(t, s, "step")); got < want {
				t.Errorf("round %d: setting %d, acknowledged was %d", round, got, want)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// runAndKill lets a child work for a while, kills it, and gives what it had acknowledged last.
func runAndKill(t *testing.T, dir string, after time.Duration) map[string]int {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.ExtraFiles = []*os.File{write}
	var output strings.Builder
	child.Stdout, child.Stderr = &output, &output
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	last := map[string]int{}
	lines := bufio.NewScanner(read)
	for n := 0; lines.Scan(); n++ {
		what, number, _ := strings.Cut(lines.Text(), " ")
		last[what], _ = strconv.Atoi(number)
		if n == 0 { // it works
			time.AfterFunc(after, func() { _ = child.Process.Kill() })
		}
	}
	if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v\n%s", err, output.String())
	}
	return last
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("a small disk cannot be mounted:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	setting(t, s, "before", "x")
	stored := 0
	for err == nil {
		if err = s.Journal().Append(t.Context(), rows(stored+1, 100), stored%200 == 0); err == nil {
			stored += 100
		}
	}
	if !errors.Is(err, ledger.ErrUnavailable) || !strings.Contains(err.Error(), "disk is full") || stored == 0 {
		t.Fatalf("after %d records: %v", stored, err)
	}
	err = s.Update(t.Context(), func(tx store.Tx) error {
		return tx.Settings().Put("big", make([]byte, 1<<20))
	})
	if !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("update: %v", err)
	}
	if got := settingOf(t, s, "before"); got != "x" || count(t, s, 1) != stored {
		t.Error("what is stored cannot be read on a full disk")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.Journal().Append(t.Context(), rows(stored+1, 100), true); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	setting(t, s, "after", "y")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again := reopen(t, sqlite.Options{Dir: data, Check: true})
	if n := count(t, again, 1); n != stored+100 {
		t.Errorf("%d records, %d were stored", n, stored+100)
	}
}
