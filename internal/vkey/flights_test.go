package vkey_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"tollgate/internal/vkey"
)

var errCut = errors.New("cut")

func TestCut(t *testing.T) {
	p := pepper(t)
	d := vkey.NewDirectory(p)
	k := managed(p, "key_a")
	if err := d.Put([]*vkey.Key{k, managed(p, "key_b")}); err != nil {
		t.Fatal(err)
	}
	var causes []error
	begin := func(e *vkey.Entry) *vkey.Flight {
		return e.Flights.Add(func(cause error) { causes = append(causes, cause) })
	}
	entry := func(presented string) *vkey.Entry {
		t.Helper()
		e, _ := d.Lookup(presented, noon)
		return e
	}
	if d.Cut("key_a", errCut) != 0 || d.Cut("key_none", errCut) != 0 {
		t.Error("something was cut where nothing was under way")
	}
	before := entry("key_a")
	one, two, three := begin(before), begin(before), begin(before)
	other := begin(entry("key_b"))
	two.End()
	two.End()
	if before.Flights.Len() != 2 {
		t.Errorf("%d under way", before.Flights.Len())
	}
	k.MaxTokens = 5 // a change does not lose sight of what is under way
	if err := d.Put([]*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	four := begin(entry("key_a"))
	if n, ok := d.InFlight("key_a"); n != 3 || !ok {
		t.Errorf("%d in flight, %v", n, ok)
	}
	if n, ok := d.InFlight("key_none"); n != 0 || ok {
		t.Errorf("%d in flight of no key, %v", n, ok)
	}
	if n := d.Cut("key_a", errCut); n != 3 || len(causes) != 3 || causes[0] != errCut {
		t.Errorf("%d cut, causes %v", n, causes)
	}
	for _, f := range []*vkey.Flight{one, three, four, other} {
		f.End()
	}
	late := begin(before) // was looked up before the cut
	if len(causes) != 4 {
		t.Error("a request that was looked up before the cut got through")
	}
	late.End()
	if n, ok := d.InFlight("key_a"); n != 0 || !ok {
		t.Errorf("%d in flight after a cut, %v", n, ok)
	}
	fresh := begin(entry("key_a")) // after it, and the key is still good
	if len(causes) != 4 || fresh == nil {
		t.Error("the cut goes on for ever")
	}
	if n := d.Cut("key_a", errCut); n != 1 {
		t.Errorf("%d cut", n)
	}
	nobody := (&vkey.Entry{}).Flights.Add(func(error) { t.Error("cut") })
	nobody.End()
}

// Whatever order things happen in: once a key is revoked and cut, nothing of it is
// under way.
func TestNothingGetsThroughACut(t *testing.T) {
	p := pepper(t)
	for range 50 {
		d := vkey.NewDirectory(p)
		k := managed(p, "key_a")
		if err := d.Put([]*vkey.Key{k}); err != nil {
			t.Fatal(err)
		}
		var running atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					e, result := d.Lookup("key_a", noon)
					if result != vkey.OK {
						return
					}
					ctx, cancel := context.WithCancelCause(context.Background())
					running.Add(1)
					e.Flights.Add(func(cause error) { cancel(cause); running.Add(-1) })
					if ctx.Err() != nil {
						return
					}
				}
			})
		}
		runtime.Gosched()
		revoked := k.Clone()
		revoked.Status = vkey.StatusRevoked
		if err := d.Put([]*vkey.Key{revoked}); err != nil {
			t.Fatal(err)
		}
		d.Cut("key_a", errCut)
		wg.Wait()
		if n := running.Load(); n != 0 {
			t.Fatalf("%d requests are under way after the cut", n)
		}
	}
}
