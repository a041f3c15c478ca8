package cli

import (
	"fmt"
	"strings"
	"time"
)

// zoneOf gives a time zone by its name, UTC for none.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if err := checkZone(name); err != nil {
		return nil, usageError(err.Error())
	}
	return time.LoadLocation(name)
}

// parseExpiry reads when something ends: after a length of time (90d), with the end
// of a day (2026-12-31), or at an instant (RFC 3339).
func parseExpiry(text string, zone *time.Location, now time.Time) (time.Time, error) {
	at, err := parseInstant(text, zone, func(d time.Duration) time.Time { return now.Add(d).Truncate(time.Second).UTC() },
		func(day time.Time) time.Time { return day.AddDate(0, 0, 1) })
	if err != nil {
		return time.Time{}, usageError(fmt.Sprintf("--expires: %v: write for instance 90d, 2026-12-31 (the last day) or 2026-12-31T18:00:00Z", err))
	}
	if !at.After(now) {
		return time.Time{}, usageError(fmt.Sprintf("--expires: %s is past", text))
	}
	return at, nil
}

// parseMoment reads a point in the past: a length of time ago (7d), the beginning of a
// day (2026-10-01), or an instant.
func parseMoment(flag, text string, zone *time.Location, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := parseInstant(text, zone, func(d time.Duration) time.Time { return now.Add(-d).Truncate(time.Second).UTC() },
		func(day time.Time) time.Time { return day })
	if err != nil {
		return time.Time{}, usageError(fmt.Sprintf("%s: %v: write for instance 7d (ago), 2026-10-01 or 2026-10-01T12:00:00Z", flag, err))
	}
	return at, nil
}

func parseInstant(text string, zone *time.Location, after func(time.Duration) time.Time, onDay func(time.Time) time.Time) (time.Time, error) {
	if day, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return onDay(day), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	d, err := parseDuration(text)
	if err != nil || d > 100*366*24*time.Hour {
		return time.Time{}, fmt.Errorf("%q is neither a length of time nor a date", brief(text))
	}
	return after(d), nil
}

// period is the flags that choose a stretch of time.
type period struct {
	From     string `help:"Beginning: a date, an instant, or how long ago (7d)." placeholder:"WHEN"`
	To       string `help:"End, not included; the default is now." placeholder:"WHEN"`
	Month    string `help:"A month, instead of --from and --to." placeholder:"2026-10"`
	Timezone string `help:"Time zone of dates and months; the default is UTC." placeholder:"ZONE"`
}

func (p *period) span(now time.Time) (from, to time.Time, err error) {
	zone, err := zoneOf(p.Timezone)
	if err != nil {
		return from, to, err
	}
	if p.Month != "" {
		if p.From != "" || p.To != "" {
			return from, to, usageError("give either --month, or --from and --to")
		}
		if from, err = time.ParseInLocation("2006-01", p.Month, zone); err != nil {
			return from, to, usageError(fmt.Sprintf("--month: %q is no month: write for instance 2026-10", brief(p.Month)))
		}
		return from, from.AddDate(0, 1, 0), nil
	}
	if from, err = parseMoment("--from", p.From, zone, now); err != nil {
		return from, to, err
	}
	if to, err = parseMoment("--to", p.To, zone, now); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return from, to, usageError("--from must be before --to")
	}
	return from, to, nil
}

// relative tells how far a time is from now.
func relative(at, now time.Time) string {
	d := at.Sub(now)
	text := length(max(d, -d))
	switch {
	case text == "" && d <= 0:
		return "just now"
	case text == "":
		return "in less than a minute"
	case d > 0:
		return "in " + text
	}
	return text + " ago"
}

// length writes a length of time in its largest unit, "" below a minute.
func length(d time.Duration) string {
	const day = 24 * time.Hour
	n, unit := int64(d/time.Minute), "minute"
	switch {
	case d >= 730*day:
		n, unit = int64(d/(365*day)), "year"
	case d >= 60*day:
		n, unit = int64(d/(30*day)), "month"
	case d >= 2*day:
		n, unit = int64(d/day), "day"
	case d >= 2*time.Hour:
		n, unit = int64(d/time.Hour), "hour"
	case n == 0:
		return ""
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// moment tells a time that may be missing, relative to now.
func moment(at *time.Time, now time.Time, missing string) string {
	if at == nil || at.IsZero() {
		return missing
	}
	return relative(*at, now)
}

// since tells when something was last used. What was used by this very command was so
// after its now.
func since(at *time.Time, now time.Time) string {
	if at != nil && at.After(now) {
		at = &now
	}
	return moment(at, now, "never")
}

// exactly tells a time that may be missing, relative and as a date.
func exactly(at *time.Time, now time.Time, missing string) string {
	if at == nil || at.IsZero() {
		return missing
	}
	return relative(*at, now) + " (" + stamp(*at) + ")"
}

// stamp writes a date and time for people, in the zone that it came in.
func stamp(at time.Time) string {
	text := at.Format("2006-01-02 15:04 MST")
	if strings.HasSuffix(text, " ") { // a zone without a name
		text = at.Format("2006-01-02 15:04 -07:00")
	}
	return text
}
