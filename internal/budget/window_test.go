package budget_test

import (
	"math"
	"strings"
	"testing"
	"time"

	_ "time/tzdata"

	"tollgate/internal/budget"
)

func window(t testing.TB, s string) budget.Window {
	t.Helper()
	w, err := budget.ParseWindow(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWindowOfAnInstant has the windows that matter written down by hand.
func TestWindowOfAnInstant(t *testing.T) {
	for _, c := range []struct{ window, at, start, end string }{
		{"hour UTC", "2026-03-01T10:59:59.999999999Z", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"},
		{"hour Asia/Kolkata", "2026-03-01T10:10:00Z", "2026-03-01T15:00:00+05:30", "2026-03-01T16:00:00+05:30"},
		{"hour Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"},
		{"hour Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"},
		{"hour Australia/Lord_Howe", "2026-04-05T01:45:00+10:30", "2026-04-05T01:30:00+10:30", "2026-04-05T02:00:00+10:30"},

		{"day UTC", "2026-03-01T23:59:59.999999999Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"},
		{"day UTC", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"},
		{"day Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"}, // 23 hours
		{"day Europe/Berlin", "2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"}, // 25 hours
		{"day America/New_York", "2026-03-08T02:59:59-05:00", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00"},
		{"day America/New_York", "2026-11-01T23:00:00-05:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},
		{"day America/Sao_Paulo", "2018-11-04T12:00:00-02:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}, // no midnight
		{"day America/Havana", "2026-11-01T00:30:00-05:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"},    // two midnights
		{"day America/St_Johns", "2010-11-06T23:30:00-03:30", "2010-11-07T00:00:00-02:30", "2010-11-08T00:00:00-03:30"},  // back over midnight
		{"day Pacific/Apia", "2011-12-31T12:00:00+14:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"},      // the 30th was left out
		{"day Pacific/Apia", "2011-12-29T12:00:00-10:00", "2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"},

		{"week UTC", "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"}, // a Sunday
		{"week UTC", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"}, // a Monday
		{"week UTC 7", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"week UTC 7", "2026-11-21T23:59:59Z", "2026-11-15T00:00:00Z", "2026-11-22T00:00:00Z"},

		{"month UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		{"month Europe/Berlin", "2026-11-30T23:30:00Z", "2026-12-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"},
		{"month UTC 31", "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"},
		{"month UTC 31", "2026-02-27T23:59:59Z", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"},
		{"month UTC 31", "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"},
		{"month UTC 15", "2026-01-14T23:59:59Z", "2025-12-15T00:00:00Z", "2026-01-15T00:00:00Z"},
		{"quarter UTC", "2026-12-31T23:59:59Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"quarter UTC 02-01", "2026-01-15T00:00:00Z", "2025-11-01T00:00:00Z", "2026-02-01T00:00:00Z"},
		{"year UTC", "2026-12-31T23:59:59.999999999Z", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"year Europe/London 04-06", "2026-04-05T23:30:00+01:00", "2025-04-06T00:00:00+01:00", "2026-04-06T00:00:00+01:00"},
		{"year UTC 02-29", "2027-02-28T00:00:00Z", "2027-02-28T00:00:00Z", "2028-02-29T00:00:00Z"},

		{"fixed 5h0m0s 2026-01-01T00:00:00Z", "2026-01-01T04:59:59Z", "2026-01-01T00:00:00Z", "2026-01-01T05:00:00Z"},
		{"fixed 5h0m0s 2026-01-01T00:00:00Z", "2025-12-31T23:00:00Z", "2025-12-31T19:00:00Z", "2026-01-01T00:00:00Z"},
	} {
		span := window(t, c.window).At(instant(t, c.at).Wall)
		if got, want := span, (budget.Span{Start: instant(t, c.start).Wall, End: instant(t, c.end).Wall}); got != want {
			t.Errorf("%s at %s: from %v to %v, want from %s to %s", c.window, c.at,
				time.Unix(0, got.Start).UTC(), time.Unix(0, got.End).UTC(), c.start, c.end)
		}
	}
	if got := (budget.Window{}).At(0); got != (budget.Span{Start: math.MinInt64, End: math.MaxInt64}) {
		t.Errorf("for life: %v", got)
	}
}

func instant(t testing.TB, s string) budget.Instant {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return budget.Instant{Wall: at.UnixNano()}
}

// TestWindowsTileTime walks over fifteen years in zones with every odd change of the
// clock: each window ends where the next begins, and every instant in it belongs to it.
func TestWindowsTileTime(t *testing.T) {
	windows := []string{"week %s 3", "month %s 30", "quarter %s 03-31", "year %s 02-29", "day %s"}
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Havana", "America/St_Johns", "Pacific/Apia", "Africa/Cairo"} {
		for _, form := range windows {
			tile(t, window(t, strings.Replace(form, "%s", name, 1)), "2009-06-01T00:00:00Z", "2024-06-01T00:00:00Z")
		}
		tile(t, window(t, "hour "+name), "2010-10-01T00:00:00Z", "2011-04-01T00:00:00Z")
	}
	tile(t, window(t, "hour Australia/Lord_Howe"), "2026-03-01T00:00:00Z", "2026-11-01T00:00:00Z")
}

func tile(t *testing.T, w budget.Window, from, to string) {
	t.Helper()
	at, end := instant(t, from).Wall, instant(t, to).Wall
	for span := w.At(at); span.Start < end; {
		if span.Start >= span.End {
			t.Fatalf("%v: %v ends before it begins", w, span)
		}
		for _, inside := range []int64{span.Start, span.Start + (span.End-span.Start)/2, span.End - 1} {
			if got := w.At(inside); got != span {
				t.Fatalf("%v: %v is in %v, not in %v", w, time.Unix(0, inside).UTC(), got, span)
			}
		}
		next := w.At(span.End)
		if next.Start != span.End {
			t.Fatalf("%v: after %v comes %v", w, span, next)
		}
		span = next
	}
}

func TestWindowText(t *testing.T) {
	for _, s := range []string{
		"life", "hour UTC", "day Europe/Berlin", "week UTC 7", "month UTC 31", "quarter UTC 02-01", "year UTC 04-06",
		"fixed 5h0m0s 2026-01-01T00:00:00Z", "sliding 1m0s",
	} {
		if got := window(t, s).String(); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	same, other := window(t, "day Europe/Berlin"), window(t, "day Europe/Paris")
	if !same.Equal(window(t, "day Europe/Berlin")) || same.Equal(other) || same.Equal(budget.Window{}) {
		t.Error("Equal tells windows apart by something else than what they are")
	}
	for _, s := range []string{
		"", "life long", "fortnight UTC", "day Mars/Olympus", "day Local", "week UTC 8", "month UTC 32", "month UTC 01-01", "hour UTC 1",
		"quarter UTC 04-01", "year UTC 13-01", "year UTC -1", "month UTC x", "sliding", "sliding 1ms", "sliding 999999h", "fixed 1h",
		"fixed 0s 2026-01-01T00:00:00Z", "fixed 1h 1066-01-01T00:00:00Z", "fixed x 2026-01-01T00:00:00Z",
	} {
		if w, err := budget.ParseWindow(s); err == nil {
			t.Errorf("%q was read as %v", s, w)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	for _, s := range []string{"life", "day UTC", "week UTC 7", "year UTC 04-06", "fixed 1h0m0s 2026-01-01T00:00:00Z", "sliding 1m0s"} {
		f.Add(s, int64(1_800_000_000_000_000_000))
	}
	f.Fuzz(func(t *testing.T, s string, wall int64) {
		w, err := budget.ParseWindow(s)
		if err != nil {
			return
		}
		again, err := budget.ParseWindow(w.String())
		if err != nil || !again.Equal(w) {
			t.Fatalf("%q became %q, which is %v, %v", s, w.String(), again, err)
		}
		wall = min(max(wall, 0), 6_000_000_000_000_000_000) // up to the year 2160
		if span := w.At(wall); !span.Contains(wall) {
			t.Fatalf("%v at %d: %v", w, wall, span)
		}
	})
}

func TestClockNeverGoesBack(t *testing.T) {
	wall, mono := time.Unix(1000, 0), time.Duration(0)
	c := budget.NewClock(time.Unix(1500, 0).UnixNano(), func() time.Time { return wall }, func() time.Duration { return mono })
	if got := c.Now(); got.Wall != 1500e9 {
		t.Errorf("before what is on record: %v", got)
	}
	wall, mono = time.Unix(2000, 0), 1
	if got := c.Now(); got != (budget.Instant{Wall: 2000e9, Mono: 1}) {
		t.Errorf("going on: %v", got)
	}
	wall, mono = time.Unix(1, 0), 2
	if got := c.Now(); got != (budget.Instant{Wall: 2000e9, Mono: 2}) {
		t.Errorf("put back: %v", got)
	}
}
