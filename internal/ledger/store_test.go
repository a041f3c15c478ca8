package ledger_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
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

// TestRowsOfManyAreGathered: where many run at once, one write stores the rows of several, and each of them
// still waits for its own.
func TestRowsOfManyAreGathered(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	o := newOffice(t)
	flight := limit(t, "flight", budget.Concurrency, 1000, "life")
	for range 10 { // alone, which is soon forgotten
		o.reserve(1, flight)
	}
	var writes atomic.Int64
	o.journal.during = func(context.Context) { writes.Add(1) }
	const clients, each = 64, 20
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range each {
				r, _, err := o.ask(1, flight)
				if err != nil {
					t.Error(err)
					return
				}
				before := o.disk.stored()
				if _, receipt := r.Void(); receipt.Wait(context.Background()) != nil || o.disk.stored() <= before {
					t.Error("it did not wait for its row")
				}
			}
		})
	}
	all.Wait()
	if rows := int64(2 * clients * each); writes.Load() > rows/4 {
		t.Errorf("%d writes for %d rows", writes.Load(), rows)
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

// TestStopsUnderLoad has one end of a request more whenever a row is stored: that the books are closed is
// seen all the same.
func TestStopsUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		synctest.Wait() // until Run has nothing to do
		flight := limit(t, "flight", budget.Concurrency, 1000, "life")
		const all = 300
		var open []*ledger.Reservation
		for range all {
			open = append(open, o.reserve(1, flight))
		}
		appends, stopped := 0, make(chan error, 1)
		o.journal.during = func(context.Context) {
			if appends++; appends == 10 {
				go func() { stopped <- o.stop() }()
				time.Sleep(time.Nanosecond) // until that has been told
			}
			if appends < all {
				open[appends].Close()
			}
		}
		open[0].Close()
		time.Sleep(time.Second)
		if err := <-stopped; err != nil || appends > 15 {
			t.Errorf("it ended after %d rows: %v", appends, err)
		}
	})
}

// TestMarkOnFullDisk: that there is no room to note how far the ledger is stops nothing, and it is
// noted when there is room again.
func TestMarkOnFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		flight := limit(t, "flight", budget.Concurrency, 1000, "life")
		spend := func() {
			for range 5 {
				o.reserve(1, flight).Close()
				time.Sleep(time.Second)
			}
		}
		spend()
		before, _ := o.disk.fill(true)
		spend()
		if mark, unsaved := o.disk.fill(false); mark != before || unsaved == 0 {
			t.Fatalf("the mark is %v, and %d could not be saved", mark, unsaved)
		}
		spend()
		if mark, _ := o.disk.fill(true); mark.Seq <= before.Seq {
			t.Errorf("with room again the mark is %v, as before", mark)
		}
		if err := o.stop(); err != nil {
			t.Errorf("it ended with %v", err)
		}
		o.disk.fill(false)
		o.open(ledger.Config{}) // an older mark is as true
	})
}
