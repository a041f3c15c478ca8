package sqlite_test

import (
	"context"
	"errors"
	"testing"

	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
)

// TestReaders: as many read at once as there may be, one more waits for its turn, and what
// they have kept in memory can be given back, in use or not.
func TestReaders(t *testing.T) {
	const readers = 4
	s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	setting(t, s, "a", "b")
	var nested func(n int) error
	nested = func(n int) error {
		return s.View(t.Context(), func(tx store.Tx) error {
			if v, err := tx.Settings().Get("a"); err != nil || string(v) != "b" {
				t.Errorf("reader %d finds %q, %v", n, v, err)
			}
			if err := tx.Settings().Put("a", []byte("c")); err == nil {
				t.Errorf("reader %d writes", n)
			}
			if n > 1 {
				return nested(n - 1)
			}
			if err := s.Trim(t.Context()); err != nil {
				t.Errorf("while all are in use: %v", err)
			}
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.View(gone, func(store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("one more, which is given up: %v", err)
			}
			return nil
		})
	}
	for range 2 {
		if err := nested(readers); err != nil {
			t.Error(err)
		}
		if err := s.Trim(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if v := settingOf(t, s, "a"); v != "b" {
		t.Errorf("after all it is %q", v)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
