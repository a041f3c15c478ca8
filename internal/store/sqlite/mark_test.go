package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tollgate/internal/ledger"
	"tollgate/internal/store/sqlite"
)

func TestMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.mark")
	m := sqlite.NewMark(path)
	if mark, err := m.Load(); err != nil || mark != (ledger.Mark{}) {
		t.Fatal("without a file:", mark, err)
	}
	for i := range 3 {
		want := ledger.Mark{Seq: 1<<64 - 1 - uint64(i), Hash: ledger.Hash{byte(i), 31: 7}}
		if err := m.Save(want); err != nil {
			t.Fatal(err)
		}
		if got, err := sqlite.NewMark(path).Load(); err != nil || got != want {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Error(info.Mode(), err)
	}
	// A process that died while saving leaves the mark of before.
	before, _ := m.Load()
	if err := os.WriteFile(path+".new", []byte("toll"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Load(); err != nil || got != before {
		t.Error(got, err)
	}
	if err := m.Save(before); err != nil {
		t.Error(err)
	}
}

func TestDamagedMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.mark")
	m := sqlite.NewMark(path)
	if err := m.Save(ledger.Mark{Seq: 4711, Hash: ledger.Hash{1, 2, 0xab}}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if mark, err := m.Load(); !errors.Is(err, sqlite.ErrMark) || mark != (ledger.Mark{}) {
			t.Errorf("%s: %v, %v", what, mark, err)
		}
	}
	for i := range whole {
		for bit := range 8 {
			bad := append([]byte(nil), whole...)
			bad[i] ^= 1 << bit
			check("a flipped bit", bad)
		}
		check("a cut file", whole[:i])
	}
	check("something behind it", append(whole, '\n'))
}
