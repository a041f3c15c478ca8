// Package storetest states what a database promises, as tests. Whatever passes them
// implements the contract of package store.
package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"tollgate/internal/store"
)

// Run runs the suite. Open opens an empty database, which it closes when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"TransactionsAreAtomic", testAtomic},
		{"PanicChangesNothing", testPanic},
		{"EndedContextChangesNothing", testContext},
		{"ViewsSeeOneMoment", testIsolation},
		{"ViewsChangeNothing", testViews},
		{"UpdatesAreAlone", testAlone},
		{"Keys", testKeys},
		{"KeysAreCopies", testKeyCopies},
		{"KeysAreUnique", testKeysUnique},
		{"KeyNames", testKeyNames},
		{"KeyVersions", testKeyVersions},
		{"KeyUse", testKeyUse},
		{"EachKey", testEachKey},
		{"KeyFilters", testKeyFilters},
		{"KeyOrders", testKeyOrders},
		{"KeyCursors", testKeyCursors},
		{"KeySearchFollowsChanges", testKeySearchFollows},
		{"KeyListsOfMany", testKeysMany},
		{"KeyLabels", testKeyLabels},
		{"Limits", testLimits},
		{"Tokens", testTokens},
		{"Credentials", testCredentials},
		{"Events", testEvents},
		{"EventLists", testEventLists},
		{"Answers", testAnswers},
		{"Settings", testSettings},
		{"Requests", testRequests},
		{"RequestsCountOnce", testRequestsOnce},
		{"RequestsRepeated", testRepeated},
		{"RequestsMany", testRequestsMany},
		{"RequestLists", testRequestLists},
		{"Sums", testSums},
		{"SumsOverTime", testSumsOverTime},
		{"MonthOf", testMonthOf},
		{"PruneKeepsSums", testPrune},
		{"Journal", testJournal},
		{"JournalIsAtomic", testJournalAtomic},
		{"JournalWhileReading", testJournalWhileReading},
		{"Checkpoints", testCheckpoints},
		{"JournalPrune", testJournalPrune},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// now is the time of all tests.
var now = time.Date(2026, 11, 21, 12, 0, 0, 123456000, time.UTC)

func update(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func view(t *testing.T, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got  %+v\nwant %+v", what, got, want)
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// taken checks that an error tells what is taken by whom.
func taken(t *testing.T, what string, err error, field, by string) {
	t.Helper()
	var e *store.TakenError
	if !errors.As(err, &e) || e.Field != field || e.By != by || !errors.Is(err, store.ErrConflict) {
		t.Errorf("%s: %v, want that the %s is taken by %s", what, err, field, by)
	}
}

var errOurs = errors.New("our own mistake")

func testAtomic(t *testing.T, s store.Store) {
	err := s.Update(t.Context(), func(tx store.Tx) error {
		must(t, tx.Keys().Put(key("one")))
		must(t, tx.Settings().Put("a", []byte("b")))
		must(t, tx.Events().Append(event("key.create")))
		return errOurs
	})
	is(t, "an error of the function", err, errOurs)
	view(t, s, func(tx store.Tx) error {
		_, err := tx.Keys().Get("key_one")
		is(t, "key of a failed transaction", err, store.ErrNotFound)
		_, err = tx.Settings().Get("a")
		is(t, "setting of a failed transaction", err, store.ErrNotFound)
		_, err = tx.Events().Get(1)
		is(t, "event of a failed transaction", err, store.ErrNotFound)
		return nil
	})
	// What a transaction did it sees itself, and refusals on the way do no harm.
	update(t, s, func(tx store.Tx) error {
		must(t, tx.Keys().Put(key("one")))
		is(t, "a missing key", tx.Keys().Delete("key_none"), store.ErrNotFound)
		taken(t, "the name again", tx.Keys().Put(with(key("two"), named("one"))), "name", "key_one")
		k, err := tx.Keys().Get("key_one")
		must(t, err)
		equal(t, "version", k.Version, uint64(1))
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		_, err := tx.Keys().Get("key_one")
		return err
	})
}

func testPanic(t *testing.T, s store.Store) {
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = s.Update(t.Context(), func(tx store.Tx) error {
			must(t, tx.Settings().Put("a", []byte("b")))
			panic("a bug")
		})
	}()
	update(t, s, func(tx store.Tx) error {
		_, err := tx.Settings().Get("a")
		is(t, "setting of a transaction that panicked", err, store.ErrNotFound)
		return nil
	})
}

func testContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(tx store.Tx) error {
		must(t, tx.Settings().Put("a", []byte("b")))
		cancel()
		return tx.Settings().Put("c", []byte("d"))
	})
	is(t, "context that ends in the middle", err, context.Canceled)
	is(t, "context that has ended", s.Update(ctx, func(store.Tx) error { t.Error("it was run"); return nil }), context.Canceled)
	is(t, "context that has ended", s.View(ctx, func(store.Tx) error { t.Error("it was run"); return nil }), context.Canceled)
	view(t, s, func(tx store.Tx) error {
		_, err := tx.Settings().Get("a")
		is(t, "setting", err, store.ErrNotFound)
		return nil
	})
}

func testIsolation(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error { return tx.Settings().Put("a", []byte("old")) })
	view(t, s, func(tx store.Tx) error {
		before, err := tx.Settings().Get("a")
		must(t, err)
		update(t, s, func(tx store.Tx) error { return tx.Settings().Put("a", []byte("new")) })
		after, err := tx.Settings().Get("a")
		must(t, err)
		equal(t, "setting within a view", string(after), string(before))
		view(t, s, func(tx store.Tx) error {
			latest, err := tx.Settings().Get("a")
			equal(t, "setting in a view made later", string(latest), "new")
			return err
		})
		return nil
	})
	// What is not committed nobody sees.
	update(t, s, func(tx store.Tx) error {
		must(t, tx.Settings().Put("a", []byte("newest")))
		view(t, s, func(tx store.Tx) error {
			value, err := tx.Settings().Get("a")
			equal(t, "setting before the commit", string(value), "new")
			return err
		})
		return nil
	})
}

func testViews(t *testing.T, s store.Store) {
	err := s.View(t.Context(), func(tx store.Tx) error { return tx.Settings().Put("a", []byte("b")) })
	if err == nil {
		t.Error("a view could write")
	}
	view(t, s, func(tx store.Tx) error {
		_, err := tx.Settings().Get("a")
		is(t, "setting", err, store.ErrNotFound)
		return nil
	})
}

func testAlone(t *testing.T, s store.Store) {
	const workers, each = 4, 10
	done := make(chan error, workers)
	for range workers {
		go func() {
			for range each {
				if err := s.Update(t.Context(), func(tx store.Tx) error {
					n, err := tx.Settings().Get("n")
					if err != nil && !errors.Is(err, store.ErrNotFound) {
						return err
					}
					return tx.Settings().Put("n", append(n, 'x'))
				}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range workers {
		must(t, <-done)
	}
	view(t, s, func(tx store.Tx) error {
		n, err := tx.Settings().Get("n")
		equal(t, "updates that were counted", len(n), workers*each)
		return err
	})
}
