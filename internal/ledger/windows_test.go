package ledger_test

import (
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
)

// boundaries are windows written down by hand, from the first instant to the one after the
// last: days that end, months and years, leap days, and the days and hours of both changes
// of the clock in three zones, one of which changes by half an hour.
var boundaries = []struct{ window, start, end string }{
	{"day UTC", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"},
	{"day Asia/Kolkata", "2026-03-02T00:00:00+05:30", "2026-03-03T00:00:00+05:30"},
	{"week UTC", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"},

	{"month UTC", "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"},
	{"month Europe/Berlin", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"},
	{"month UTC 31", "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z"},
	{"quarter UTC", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	{"year America/New_York", "2026-01-01T00:00:00-05:00", "2027-01-01T00:00:00-05:00"},

	{"month UTC", "2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z"},
	{"month UTC", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
	{"day UTC", "2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},
	{"day UTC", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
	{"day UTC", "2027-02-28T00:00:00Z", "2027-03-01T00:00:00Z"},
	{"year UTC 02-29", "2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},

	{"day Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"}, // 23 hours
	{"day Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"}, // 25 hours
	{"hour Europe/Berlin", "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
	{"hour Europe/Berlin", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"},
	{"hour Europe/Berlin", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"},

	{"day America/New_York", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00"},
	{"day America/New_York", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},
	{"hour America/New_York", "2026-03-08T01:00:00-05:00", "2026-03-08T03:00:00-04:00"},
	{"hour America/New_York", "2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"},
	{"hour America/New_York", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00"},

	{"day Australia/Lord_Howe", "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30"}, // 24½ hours
	{"day Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00"}, // 23½ hours
	{"hour Australia/Lord_Howe", "2026-04-05T01:00:00+11:00", "2026-04-05T01:30:00+10:30"},
	{"hour Australia/Lord_Howe", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"},
	{"hour Australia/Lord_Howe", "2026-10-04T01:00:00+10:30", "2026-10-04T02:30:00+11:00"},
}

// TestWindowsEnd reserves in the last nanosecond of a window and ends the reservation in
// the next: the charge is in the window of the admission, the next is empty, and whoever is
// refused is told the instant of the change.
func TestWindowsEnd(t *testing.T) {
	for _, b := range boundaries {
		t.Run(b.window+" "+b.start, func(t *testing.T) {
			start, end := moment(t, b.start), moment(t, b.end)
			o := newOffice(t)
			l := limit(t, "l", budget.Cost, 10, b.window)
			if start > 0 { // the year began before the clock of the test
				o.now.Store(int64(start - 1))
				wait(t)(o.reserve(10, l).Settle(exact(10)))
				o.now.Store(int64(start))
				o.settled(l, 0, 0)
			}
			spent := o.reserve(2, l)
			o.now.Store(int64(end - 1))
			late, dies := o.reserve(5, l), o.reserve(3, l)
			o.settled(l, 0, 10)
			_, refusal, err := o.ask(1, l)
			if err != nil || refusal == nil || refusal.Wait != 1 {
				t.Fatalf("%+v, %v", refusal, err)
			}
			o.now.Store(int64(end))
			o.settled(l, 0, 0)
			if s := o.books.State(l, "key_a"); s.Span.Start != epoch.Add(end).UnixNano() {
				t.Errorf("the window after begins at %v", time.Unix(0, s.Span.Start).UTC())
			}
			today := o.reserve(9, l)
			wait(t)(spent.Settle(exact(1)))
			wait(t)(late.Settle(ledger.Charge{Amount: cost(5), Source: ledger.Estimated}))
			o.settled(l, 0, 9)
			o.kill() // with two under way, one on each side of the change
			_ = dies
			if report := o.open(ledger.Config{}); report.Expired != 2 {
				t.Errorf("%+v", report)
			}
			o.settled(l, 9, 0)
			for id, n := range map[budget.ID]int64{late.ID(): 4, dies.ID(): 2, today.ID(): 7} {
				r, ok := o.books.Correctable(id)
				if !ok {
					t.Fatalf("%v cannot be corrected", id)
				}
				wait(t)(r.Late(exact(n)))
			}
			o.settled(l, 7, 0)
			o.books.Sweep()
			if err := o.stop(); err != nil {
				t.Fatal(err)
			}
			o.closed(l, budget.Span{Start: epoch.Add(start).UnixNano(), End: epoch.Add(end).UnixNano()}, 1+4+2)
		})
	}
}

// closed looks for the row that says what a window came to in the end.
func (o *office) closed(l *budget.Limit, span budget.Span, settled int64) {
	o.t.Helper()
	var closed []budget.Balance
	for _, row := range o.disk.rows(o.t) {
		if row.Kind == ledger.Close && row.Balance.Limit == l.ID {
			closed = append(closed, row.Balance)
		}
	}
	if !slices.ContainsFunc(closed, func(b budget.Balance) bool {
		return b.Span == span && b.Settled == settled && b.Reserved == 0
	}) {
		o.t.Errorf("no window %v was closed with %d, but %+v", span, settled, closed)
	}
}

// moment gives the time since the epoch.
func moment(t *testing.T, s string) time.Duration {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.Sub(epoch)
}
