package ledger_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
)

// TestWhoWaitsStores: nobody else has to run for what a request puts on record itself, and
// that its client leaves does not keep it from the record.
func TestWhoWaitsStores(t *testing.T) {
	o := &office{t: t, disk: &disk{}}
	books, _, err := ledger.Recover(context.Background(), o.config(ledger.Config{}))
	if err != nil {
		t.Fatal(err)
	}
	o.books = books // and Run is not called
	flight := limit(t, "flight", budget.Concurrency, 5, "life")
	r := o.reserve(1, flight)
	if got := o.disk.stored(); got != 2 {
		t.Fatalf("%d rows after a reservation", got)
	}
	o.journal.during = func(ctx context.Context) {
		if ctx.Err() != nil {
			t.Error("the client took its row with it")
		}
	}
	gone, leave := context.WithCancel(context.Background())
	leave()
	_, receipt := r.Settle(exact(1))
	if err := receipt.Wait(gone); err != nil || o.disk.stored() != 3 {
		t.Errorf("%d rows after the end: %v", o.disk.stored(), err)
	}
	_, receipt = o.reserve(1, flight).Void()
	if !receipt.Within(0) || o.disk.stored() != 5 {
		t.Errorf("%d rows after another", o.disk.stored())
	}
}

// TestStoringForOthers has one request more whenever a row is stored: whoever stores does not do it
// for ever, and nobody is forgotten who comes when it stops.
func TestStoringForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		synctest.Wait() // until Run has nothing to do
		flight := limit(t, "flight", budget.Concurrency, 1000, "life")
		o.reserve(1, flight)
		const all = 50
		var appends, longest atomic.Int64
		returned := make(chan struct{}, all)
		began := time.Now()
		request := func() {
			from := appends.Load()
			o.reserve(1, flight)
			longest.Store(max(longest.Load(), appends.Load()-from))
			returned <- struct{}{}
		}
		o.journal.during = func(context.Context) {
			if appends.Add(1) < all {
				go request()
				synctest.Wait() // it waits for its row, or has stored it
			}
		}
		go request()
		for range all {
			<-returned
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
		if longest.Load() > 6 {
			t.Errorf("one was held up by %d rows", longest.Load())
		}
	})
}

// TestRowsNobodyWaitsFor are on record soon, or when the books are closed.
func TestRowsNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		synctest.Wait() // until Run has nothing to do
		flight := limit(t, "flight", budget.Concurrency, 1000, "life")
		one, two := o.reserve(1, flight), o.reserve(1, flight)
		one.Close()
		time.Sleep(5 * time.Millisecond)
		if got := o.disk.stored(); got != 4 {
			t.Errorf("%d rows after 5 ms", got)
		}
		two.Close()
		if err := o.stop(); err != nil || o.disk.stored() != 6 { // with that of the end
			t.Errorf("%d rows at the end: %v", o.disk.stored(), err)
		}
	})
}

// TestNothingIsStoredBehindAFailure: one that comes while the journal fails is not stored behind a
// gap, although the journal would take it.
func TestNothingIsStoredBehindAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		flight := limit(t, "flight", budget.Concurrency, 1000, "life")
		open := o.reserve(1, flight)
		before := o.disk.stored()
		broken := errors.New("input/output error")
		second := make(chan error, 1)
		o.journal.during = func(context.Context) {
			o.journal.during = func(context.Context) { t.Error("it was used again"); o.journal.failWith(nil) }
			o.journal.failWith(broken)
			go func() {
				_, receipt := open.Settle(exact(1))
				second <- receipt.Wait(context.Background())
			}()
			synctest.Wait()
		}
		if _, _, err := o.ask(1, flight); !errors.Is(err, broken) {
			t.Errorf("the first: %v", err)
		}
		if err := <-second; !errors.Is(err, broken) || !errors.Is(err, ledger.ErrUnavailable) {
			t.Errorf("the second: %v", err)
		}
		if err := o.stop(); !errors.Is(err, broken) || o.disk.stored() != before {
			t.Errorf("%d rows of %d, and Run ended with %v", o.disk.stored(), before, err)
		}
	})
}
