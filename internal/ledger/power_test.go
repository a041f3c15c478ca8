package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
)

// TestPowerFailure follows a busy key until the power fails: what was admitted without
// waiting for the disk is charged, to the window that it was admitted in.
func TestPowerFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		day, rpm := limit(t, "day", budget.Cost, 10_000, "day UTC"), limit(t, "rpm", budget.Requests, 64, "sliding 1m0s")
		o.reserve(10, day, rpm) // waits
		o.reserve(10, day, rpm) // waits, and is granted 50 and 2
		durable := o.disk.durable
		o.reserve(10, day, rpm)
		wait(t)(o.reserve(10, day, rpm).Settle(exact(1)))
		if o.disk.durable != durable || o.disk.stored() != durable+3 {
			t.Errorf("waited for the disk: %d of %d are durable", o.disk.durable, o.disk.stored())
		}
		o.reserve(10, day, rpm) // of requests nothing was left
		if o.disk.durable != o.disk.stored() {
			t.Errorf("did not wait for the disk: %d of %d are durable", o.disk.durable, o.disk.stored())
		}
		o.reserve(10, day, rpm)
		o.settled(day, 1, 50)
		o.kill()
		o.disk.powerCut()
		o.disk.mark = ledger.Mark{}
		o.wait(26 * time.Hour) // the day is over
		report := o.open(ledger.Config{BootID: "another"})
		if len(report.Lost) != 2 || report.Lost[0].Size != 50 || report.Lost[1].Size != 2 {
			t.Fatalf("lost: %+v", report.Lost)
		}
		o.settled(day, 0, 0)
		o.settled(rpm, 2, 0)
		rows := o.disk.rows(t)
		if !slices.ContainsFunc(rows, func(r ledger.Row) bool {
			return r.Kind == ledger.Adjust && r.Actor == "system" && r.Balance.Settled == 50 && r.Balance.Span.Contains(epoch.UnixNano())
		}) {
			t.Error("the charge is not in the window of the crash")
		}
		o.kill()
		o.disk.powerCut()
		if report := o.open(ledger.Config{BootID: "a third"}); len(report.Lost) > 0 {
			t.Errorf("charged again: %+v", report.Lost)
		}
	})
}

// TestGrantsEnd has grants that end with their window and with the rush.
func TestGrantsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		day, life := limit(t, "day", budget.Cost, 10_000, "day UTC"), limit(t, "life", budget.Cost, 10_000, "life")
		granted := func(want ...string) {
			t.Helper()
			var got []string
			for _, r := range o.disk.rows(t) {
				if r.Kind == ledger.Grant {
					got = append(got, fmt.Sprint(r.Balance.Limit, " ", r.Amount))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("granted %q, want %q", got, want)
			}
		}
		for range 2 {
			wait(t)(o.reserve(10, day, life).Settle(exact(1)))
		}
		granted("day 50", "life 50")
		o.wait(24*time.Hour - 1)
		wait(t)(o.reserve(10, life).Settle(exact(1)))
		o.wait(30 * time.Second)
		o.books.Sweep() // day is idle
		wait(t)(o.reserve(10, day, life).Settle(exact(1)))
		granted("day 50", "life 50", "day 0")
		o.wait(3 * time.Minute)
		o.books.Sweep()
		wait(t)(o.reserve(10, day, life).Settle(exact(1)))
		granted("day 50", "life 50", "day 0", "life 0")
		o.kill()
		o.disk.powerCut()
		o.disk.mark = ledger.Mark{}
		if report := o.open(ledger.Config{BootID: "another"}); len(report.Lost) > 0 {
			t.Errorf("charged what had ended: %+v", report.Lost)
		}
	})
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		day := limit(t, "day", budget.Cost, 100, "day UTC")
		if err := o.books.Health(); err != nil {
			t.Error(err)
		}
		o.journal.failWith(fmt.Errorf("disk full: %w", ledger.ErrUnavailable))
		if _, _, err := o.ask(5, day); !errors.Is(err, ledger.ErrUnavailable) {
			t.Error(err)
		}
		if err := o.books.Health(); !errors.Is(err, ledger.ErrUnavailable) {
			t.Error(err)
		}
		o.journal.failWith(nil)
		time.Sleep(time.Second)
		if err := o.books.Health(); err != nil {
			t.Errorf("nobody noticed that it works again: %v", err)
		}
		if !slices.ContainsFunc(o.disk.rows(t), func(r ledger.Row) bool { return r.Kind == ledger.Adjust && r.Reason != "" }) {
			t.Error("that it did not is not on record")
		}
		if err := o.stop(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := o.ask(5, day); !errors.Is(err, ledger.ErrUnavailable) {
			t.Error(err)
		}
		if err := o.books.Health(); !errors.Is(err, ledger.ErrUnavailable) {
			t.Error(err)
		}
	})
}

// TestSyncFails: nobody is told that something is durable, and the books end.
func TestSyncFails(t *testing.T) {
	o := newOffice(t)
	broken := errors.New("input/output error")
	o.journal.failSync(broken)
	day := limit(t, "day", budget.Cost, 100, "day UTC")
	if _, _, err := o.ask(5, day); !errors.Is(err, broken) || !errors.Is(err, ledger.ErrUnavailable) {
		t.Error(err)
	}
	o.settled(day, 0, 0)
	if _, _, err := o.ask(5, day); !errors.Is(err, broken) || !errors.Is(err, ledger.ErrUnavailable) {
		t.Error(err)
	}
	if err := o.stop(); !errors.Is(err, broken) {
		t.Errorf("Run ended with %v", err)
	}
}

// TestPrune forgets what is old: the counters stay, a start reads what is left, and so
// does the verification; a changed window forgives nothing.
func TestPrune(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		ctx := context.Background()
		year := limit(t, "year", budget.Cost, 1000, "year UTC")
		spend := func(n int64) {
			for range n {
				wait(t)(o.reserve(1, year).Settle(exact(1)))
			}
		}
		spend(40)
		checkpoint := func() {
			if err := o.books.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
		}
		checkpoint()
		o.wait(20 * 24 * time.Hour)
		spend(10)
		if err := o.books.Prune(ctx); err != nil || o.disk.pruned > 0 {
			t.Fatalf("pruned %d rows with one checkpoint, %v", o.disk.pruned, err)
		}
		checkpoint()
		if err := o.books.Prune(ctx); err != nil || o.disk.pruned > 0 {
			t.Fatalf("pruned %d rows that are not old, %v", o.disk.pruned, err)
		}
		o.wait(16 * 24 * time.Hour)
		spend(5)
		for range 4 {
			if err := o.books.Prune(ctx); err != nil {
				t.Fatal(err)
			}
		}
		before, err := ledger.DecodeCheckpoint(o.disk.checkpoints[1])
		if err != nil || o.disk.pruned == 0 || o.disk.records[0].Seq > before.Mark.Seq {
			t.Fatalf("pruned %d rows, the older checkpoint is after %d, %v", o.disk.pruned, before.Mark.Seq, err)
		}
		v, err := ledger.Verify(ctx, o.journal, nil)
		if err != nil || v.Problem != nil || v.First != uint64(o.disk.pruned)+1 || v.First+v.Rows-1 != v.Tip.Seq {
			t.Errorf("%+v, %v", v, err)
		}
		o.disk.records[3].Bytes[9] ^= 1
		if v, err := ledger.Verify(ctx, o.journal, nil); err != nil || !errors.Is(v.Problem, ledger.ErrAltered) {
			t.Errorf("%+v, %v", v, err)
		}
		o.disk.records[3].Bytes[9] ^= 1
		o.reopen(ledger.Config{})
		o.settled(year, 55, 0)
		life := limit(t, "year", budget.Cost, 1000, "life")
		if err := o.books.Change(ctx, ledger.Change{Limit: life, Was: &year.Window}); err != nil {
			t.Fatal(err)
		}
		o.settled(life, 55, 0)
		day := limit(t, "year", budget.Cost, 1000, "day UTC")
		if err := o.books.Change(ctx, ledger.Change{Limit: day, Was: &life.Window}); err != nil {
			t.Fatal(err)
		}
		o.settled(day, 5, 0)
		o.reopen(ledger.Config{})
		o.settled(day, 5, 0)
	})
}

// TestChangeBehindDamage changes a window when a row is damaged: not without it, until
// an operator wanted to go on without it.
func TestChangeBehindDamage(t *testing.T) {
	o := newOffice(t)
	ctx := context.Background()
	day, life := limit(t, "l", budget.Cost, 1000, "day UTC"), limit(t, "l", budget.Cost, 1000, "life")
	for range 3 {
		wait(t)(o.reserve(5, day).Settle(exact(3)))
	}
	o.disk.records[2].Bytes[9] ^= 4 // the end of the first
	if err := o.books.Change(ctx, ledger.Change{Limit: life, Was: &day.Window}); !errors.Is(err, ledger.ErrAltered) {
		t.Errorf("%v", err)
	}
	o.settled(day, 9, 0)
	o.kill()
	if report := o.open(ledger.Config{Repair: true}); !errors.Is(report.Repaired, ledger.ErrAltered) {
		t.Fatalf("%+v", report)
	}
	o.settled(day, 11, 0)
	if err := o.books.Change(ctx, ledger.Change{Limit: life, Was: &day.Window}); err != nil {
		t.Fatal(err)
	}
	o.settled(life, 11, 0)
	if windows := o.books.Windows(); !windows["l"].Equal(life.Window) {
		t.Errorf("%v", windows)
	}
}

// TestLostEnd: where the end is known to be missing, a start refuses, and to repair charges what it could have held.
// What is there says nothing of that.
func TestLostEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		day := limit(t, "day", budget.Cost, 10_000, "day UTC")
		for range 2 { // the second is granted 50
			wait(t)(o.reserve(10, day).Settle(exact(10)))
		}
		o.kill()
		before, missing := o.disk.stored(), errors.New("the tail is not there")
		if _, _, err := ledger.Recover(context.Background(), o.config(ledger.Config{Lost: missing})); !errors.Is(err, missing) || !errors.Is(err, ledger.ErrTruncated) {
			t.Errorf("%v", err)
		}
		if o.disk.stored() != before {
			t.Error("it was written to")
		}
		report := o.open(ledger.Config{Lost: missing, Repair: true})
		if !errors.Is(report.Repaired, missing) || len(report.Lost) != 1 || report.Lost[0].Size != 50 {
			t.Errorf("it repaired %v, lost %+v", report.Repaired, report.Lost)
		}
		o.settled(day, 70, 0)
		if report := o.reopen(ledger.Config{}); report.Repaired != nil || len(report.Lost) > 0 {
			t.Errorf("the next start finds %+v", report)
		}
	})
}
