package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // so that zones are there on every machine

	"tollgate/api/admin"
)

func TestParseLimit(t *testing.T) {
	for _, c := range []struct{ kind, text, zone, want string }{
		{"cost", "200/month", "", `{"kind":"cost","amount":"200.00","window":{"calendar":"month"}}`},
		{"cost", "$1.5k/quarter", "", `{"kind":"cost","amount":"1500.00","window":{"calendar":"quarter"}}`},
		{"cost", "0.000000001/day", "", `{"kind":"cost","amount":"0.000000001","window":{"calendar":"day"}}`},
		{"cost", "5", "", `{"kind":"cost","amount":"5.00"}`},
		{"cost", "5/life", "", `{"kind":"cost","amount":"5.00"}`},
		{"cost", "5", "Europe/Berlin", `{"kind":"cost","amount":"5.00"}`},
		{"cost", "0/day", "", `{"kind":"cost","amount":"0.00","window":{"calendar":"day"}}`},
		{"cost", "20/day@Europe/Berlin", "", `{"kind":"cost","amount":"20.00","window":{"calendar":"day","timezone":"Europe/Berlin"}}`},
		{"cost", "20/day", "Asia/Kolkata", `{"kind":"cost","amount":"20.00","window":{"calendar":"day","timezone":"Asia/Kolkata"}}`},
		{"cost", "20/day@UTC", "Asia/Kolkata", `{"kind":"cost","amount":"20.00","window":{"calendar":"day","timezone":"UTC"}}`},
		{"cost", "20/month:15", "", `{"kind":"cost","amount":"20.00","window":{"calendar":"month","anchor":"15"}}`},
		{"cost", "20/year:04-06@Europe/London", "", `{"kind":"cost","amount":"20.00","window":{"calendar":"year","timezone":"Europe/London","anchor":"04-06"}}`},
		{"cost", "20/1h", "", `{"kind":"cost","amount":"20.00","window":{"sliding":"1h"}}`},
		{"cost", "20/30d", "", `{"kind":"cost","amount":"20.00","window":{"sliding":"720h"}}`},
		{"cost", "20/fixed:5h", "", `{"kind":"cost","amount":"20.00","window":{"fixed":"5h"}}`},
		{"tokens", "5M/week", "", `{"kind":"tokens","amount":5000000,"window":{"calendar":"week"}}`},
		{"tokens", "1.5M/week:sunday", "", `{"kind":"tokens","amount":1500000,"window":{"calendar":"week","anchor":"sunday"}}`},
		{"tokens", "100k/60s for gpt-5*, o3", "", `{"kind":"tokens","amount":100000,"window":{"sliding":"60s"},"models":["gpt-5*","o3"]}`},
		{"tokens", "2B", "", `{"kind":"tokens","amount":2000000000}`},
		{"requests", "60/min", "", `{"kind":"requests","amount":60,"window":{"sliding":"60s"}}`},
		{"requests", "60/minute", "Europe/Berlin", `{"kind":"requests","amount":60,"window":{"sliding":"60s"}}`},
		{"requests", "10.0/hour", "", `{"kind":"requests","amount":10,"window":{"calendar":"hour"}}`},
		{"concurrency", "8", "", `{"kind":"concurrency","amount":8}`},
		{"concurrency", "8 for o3", "", `{"kind":"concurrency","amount":8,"models":["o3"]}`},
	} {
		w, err := parseLimit(c.kind, c.text, c.zone)
		if err != nil {
			t.Errorf("%s %q: %v", c.kind, c.text, err)
			continue
		}
		if got, _ := json.Marshal(w.Limit); string(got) != c.want {
			t.Errorf("%s %q:\n%s, want\n%s", c.kind, c.text, got, c.want)
		}
	}
}

// Every error says what is wrong, and how it is written right.
func TestWrongLimits(t *testing.T) {
	for _, c := range []struct{ kind, text, zone, says string }{
		{"cost", "", "", "amount is missing"},
		{"cost", "/month", "", "amount is missing"},
		{"cost", "200/", "", "a window is missing"},
		{"cost", "-5/day", "", "below zero"},
		{"cost", "1,000/day", "", "separators"},
		{"cost", "1_000/day", "", "separators"},
		{"cost", "1e3/day", "", "no number"},
		{"cost", ".5/day", "", "no number"},
		{"cost", "5./day", "", "no number"},
		{"cost", "€5/day", "", "no number"},
		{"cost", "5MB", "", "no number"},
		{"cost", "0.0000000001", "", "more than 9 decimals"},
		{"cost", "5B", "", "more than a limit can hold"},
		{"cost", strings.Repeat("9", 50), "", "too many digits"},
		{"cost", "5/fortnight", "", "no window"},
		{"cost", "5/monthly", "", "did you mean month?"},
		{"cost", "5/m", "", "month or min"},
		{"cost", "5/500ms", "", "between a second and ten years"},
		{"cost", "5/600w", "", "between a second and ten years"},
		{"cost", "5/99999999999999999999d", "", "no window"},
		{"cost", "5/month:", "", "no first day"},
		{"cost", "5/month:1 5", "", "no first day"},
		{"cost", "5/day@Nowhere", "", "no time zone"},
		{"cost", "5/day@", "", "no time zone"},
		{"cost", "5/day@Local", "", "no time zone"},
		{"cost", "5/day", "Local", "no time zone"},
		{"cost", "5/60s@UTC", "", "only a window of the calendar"},
		{"cost", "5@UTC", "", "only a window of the calendar"},
		{"cost", "5/day for ", "", "model's name is missing"},
		{"cost", "5/day for a,,b", "", "model's name is missing"},
		{"tokens", "1.5/day", "", "whole number"},
		{"tokens", "$5/day", "", "no number"},
		{"tokens", "99999999999B/day", "", "more than a limit can hold"},
		{"requests", "4611686018427387904", "", "more than a limit can hold"},
		{"concurrency", "8/day", "", "not counted in a window"},
	} {
		w, err := parseLimit(c.kind, c.text, c.zone)
		if err == nil {
			t.Errorf("%s %q is taken for %+v", c.kind, c.text, w.Limit)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), samples[c.kind]) {
			t.Errorf("%s %q: %v; want it to say %q and show the right form", c.kind, c.text, err, c.says)
		}
	}
}

// What is shown of a limit can be written again, and means the same.
func FuzzParseLimit(f *testing.F) {
	for _, s := range []string{"200/month", "$1.5k/quarter@Europe/Berlin", "5M/week:sunday for a*,b", "100k/60s", "60/min", "5/fixed:36h", "8", "0.000000001/1d12h", "5/90m"} {
		for _, kind := range []string{"cost", "tokens", "requests", "concurrency"} {
			f.Add(kind, s, "")
		}
	}
	f.Fuzz(func(t *testing.T, kind, text, zone string) {
		if samples[kind] == "" {
			return
		}
		w, err := parseLimit(kind, text, zone)
		if err != nil {
			if len(err.Error()) > 1000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		shown := limitText(&w.Limit)
		again, err := parseLimit(kind, shown, "")
		if err != nil {
			t.Fatalf("%q is shown as %q: %v", text, shown, err)
		}
		if again.Window != nil && w.Window.Timezone == "UTC" {
			again.Window.Timezone = "UTC"
		}
		a, _ := json.Marshal(w.Limit)
		b, _ := json.Marshal(again.Limit)
		if string(a) != string(b) {
			t.Fatalf("%q is shown as %q:\n%s\n%s", text, shown, a, b)
		}
	})
}

func TestDurations(t *testing.T) {
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{"90d": 90 * day, "2w": 14 * day, "1w1d": 8 * day, "1d12h": 36 * time.Hour, "36h": 36 * time.Hour, "1.5h": 90 * time.Minute, "0s": 0, "60s": time.Minute} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1d-1h", "1d1w", "5", "1.5d", "ten days", "9999999999w", "106751d106751d"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 500, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		zone *time.Location
		want string
	}{
		{"90d", time.UTC, "2027-02-19T12:00:00Z"},
		{"2026-12-31", time.UTC, "2027-01-01T00:00:00Z"},
		{"2026-12-31", berlin, "2027-01-01T00:00:00+01:00"},
		{"2026-11-21", time.UTC, "2026-11-22T00:00:00Z"}, // today, until it ends
		{"2026-12-31T18:00:00+01:00", time.UTC, "2026-12-31T18:00:00+01:00"},
	} {
		at, err := parseExpiry(c.text, c.zone, now)
		if err != nil || at.Format(time.RFC3339Nano) != c.want {
			t.Errorf("%q: %v, %v; want %s", c.text, at, err, c.want)
		}
	}
	for _, text := range []string{"", "0s", "2026-11-20", "2026-13-01", "tomorrow", "2026-11-21T12:00:00Z", "99999w"} {
		if at, err := parseExpiry(text, time.UTC, now); err == nil {
			t.Errorf("%q is taken for %v", text, at)
		}
	}
}

func TestMoney(t *testing.T) {
	for text, want := range map[string]string{
		"0.00": "$0.00", "3.17": "$3.17", "1234567.5": "$1,234,567.50", "0.000172125": "$0.0001721", "0.02": "$0.02", "12.345678": "$12.35",
		"0.123456": "$0.1235", "-2.50": "-$2.50", "-0.000001": "-$0.000001", "0.000000001": "$0.000000001", "0.99999": "$1.00",
	} {
		if got := dollarsBriefly(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := dollars("1234.567890123"); got != "$1,234.567890123" {
		t.Error(got)
	}
}

func TestRelative(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "just now", -30 * time.Second: "just now", 30 * time.Second: "in less than a minute", -time.Minute: "1 minute ago",
		90 * time.Minute: "in 90 minutes", -3 * time.Hour: "3 hours ago", 47 * time.Hour: "in 47 hours", 9 * 24 * time.Hour: "in 9 days",
		-100 * 24 * time.Hour: "3 months ago", 800 * 24 * time.Hour: "in 2 years",
	} {
		if got := relative(now.Add(d), now); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// The rule by which a new amount finds the limit that it replaces.
func TestMeant(t *testing.T) {
	month := func(zone, anchor string) admin.Limit {
		return admin.Limit{Kind: "cost", Window: &admin.Window{Calendar: "month", Timezone: zone, Anchor: anchor}}
	}
	for _, c := range []struct {
		name, text string
		have       []admin.Limit
		want       int
	}{
		{"the same", "5/month", []admin.Limit{month("UTC", "")}, 0},
		{"no zone written", "5/month", []admin.Limit{month("Europe/Berlin", "")}, 0},
		{"no first day written", "5/month", []admin.Limit{month("Europe/Berlin", "15")}, 0},
		{"the exact one first", "5/month", []admin.Limit{month("Europe/Berlin", ""), month("", "")}, 1},
		{"two others", "5/month", []admin.Limit{month("Europe/Berlin", ""), month("Asia/Tokyo", "")}, -1},
		{"three others", "5/month", []admin.Limit{month("Europe/Berlin", ""), month("Asia/Tokyo", ""), month("Asia/Seoul", "")}, -1},
		{"another zone", "5/month@Asia/Tokyo", []admin.Limit{month("Europe/Berlin", "")}, -1},
		{"UTC is a zone", "5/month@UTC", []admin.Limit{month("Europe/Berlin", "")}, -1},
		{"another window", "5/day", []admin.Limit{month("", "")}, -1},
		{"for life", "5", []admin.Limit{month("", "")}, -1},
		{"other models", "5/month for o3", []admin.Limit{month("", "")}, -1},
	} {
		w, err := parseLimit("cost", c.text, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := meant(c.have, &w); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
