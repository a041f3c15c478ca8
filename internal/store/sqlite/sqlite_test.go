package sqlite_test

import (
	"testing"

	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/store/storetest"
)

// reopen opens the database of a directory for the length of a test.
func reopen(t testing.TB, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return reopen(t, sqlite.Options{Dir: t.TempDir()}) })
}
