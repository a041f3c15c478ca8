package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/money"
)

// The short form of limits on the command line:
//
//	AMOUNT[/WINDOW][@ZONE][ for MODEL,MODEL]
//
// What limitText writes, parseLimit reads.

// written is a limit as it was written.
type written struct {
	admin.Limit
	// loose tells that the window names a period of the calendar and neither zone
	// nor first day, so that it can mean a limit that has some.
	loose bool
}

var (
	periods = []string{"hour", "day", "week", "month", "quarter", "year"}
	// periods as other programs write them
	habits = map[string]string{
		"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year", "annually": "year",
		"hours": "hour", "days": "day", "weeks": "week", "months": "month", "quarters": "quarter", "years": "year",
		"mo": "month", "mon": "month", "wk": "week", "yr": "year", "hr": "hour", "d": "day", "w": "week", "y": "year", "h": "hour", "m": "month or min",
	}
	// right forms to show beside what is wrong, by kind
	samples = map[string]string{
		"cost":        "200/month, 20/day, 5/1h for any 60 minutes, or 5 for life",
		"tokens":      "5M/week, 100k/60s for any 60 seconds, or 1000000 for life",
		"requests":    "1000/day, 60/min for any 60 seconds, or 500 for life",
		"concurrency": "8",
	}
)

// parseLimit reads a limit of a kind. The zone holds for windows of the calendar
// that name none; "" is UTC.
func parseLimit(kind, text, zone string) (written, error) {
	w, err := readLimit(kind, text, zone)
	if err != nil {
		return written{}, fmt.Errorf("%q is no limit: %w; write for instance %s", brief(text), err, samples[kind])
	}
	return w, nil
}

func readLimit(kind, text, zone string) (w written, err error) {
	w.Kind = kind
	rest, models, limited := strings.Cut(text, " for ")
	if limited {
		if w.Models, err = parseModels(models); err != nil {
			return w, err
		}
	}
	rest, ownZone, zoned := strings.Cut(strings.TrimSpace(rest), "@")
	amount, window, windowed := strings.Cut(rest, "/")
	if w.Amount, err = parseAmount(kind, amount); err != nil {
		return w, err
	}
	if windowed && kind == "concurrency" {
		return w, errors.New("requests in flight are not counted in a window")
	}
	if windowed {
		if w.Window, err = parseWindow(window); err != nil {
			return w, err
		}
	}
	calendar := w.Window != nil && w.Window.Calendar != ""
	switch {
	case zoned && !calendar:
		return w, errors.New("only a window of the calendar has a time zone")
	case zoned:
		zone = ownZone
	case !calendar:
		return w, nil
	}
	w.loose = zone == "" && w.Window.Anchor == ""
	if zone == "" && !zoned {
		return w, nil
	}
	w.Window.Timezone = zone
	return w, checkZone(zone)
}

func parseModels(text string) ([]string, error) {
	list := strings.Split(text, ",")
	for i := range list {
		if list[i] = strings.TrimSpace(list[i]); list[i] == "" {
			return nil, errors.New(`a model's name is missing behind "for"`)
		}
	}
	return list, nil
}

// parseAmount reads an amount with k, M or B for thousands, millions and billions.
func parseAmount(kind, text string) (admin.Amount, error) {
	number := strings.TrimSpace(text)
	if kind == "cost" {
		number = strings.TrimPrefix(number, "$")
	}
	number, err := plainNumber(number)
	if err != nil {
		return admin.Amount{}, err
	}
	if kind == "cost" {
		n, err := money.ParseNano(number)
		if err == nil && n > budget.Max {
			err = errors.New("it is more than a limit can hold, 4611686018 dollars")
		}
		return admin.Dollars(n.String()), err
	}
	whole, fraction, _ := strings.Cut(number, ".")
	if strings.Trim(fraction, "0") != "" {
		return admin.Amount{}, fmt.Errorf("%s must be a whole number", kind)
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > budget.Max {
		return admin.Amount{}, fmt.Errorf("%s is more than a limit can hold", whole)
	}
	return admin.Count(n), nil
}

// plainNumber writes out the thousands of a decimal number.
func plainNumber(text string) (string, error) {
	number, shift := text, 0
	if text != "" {
		switch text[len(text)-1] {
		case 'k', 'K':
			shift = 3
		case 'M':
			shift = 6
		case 'B':
			shift = 9
		}
	}
	if shift > 0 {
		number = text[:len(text)-1]
	}
	whole, fraction, pointed := strings.Cut(number, ".")
	switch digits := whole + fraction; {
	case text == "":
		return "", errors.New("the amount is missing")
	case strings.HasPrefix(number, "-"):
		return "", errors.New("the amount is below zero")
	case strings.ContainsAny(number, ",_'"):
		return "", errors.New("the amount has separators in it: write the digits alone, and a point before decimals")
	case strings.Trim(digits, "0123456789") != "", whole == "", pointed && fraction == "":
		return "", fmt.Errorf("the amount %q is no number such as 200, 0.50, 100k or 5M", brief(text))
	case len(digits) > 40:
		return "", errors.New("the amount has too many digits")
	}
	for ; shift > 0; shift-- {
		digit := "0"
		if fraction != "" {
			digit, fraction = fraction[:1], fraction[1:]
		}
		whole += digit
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		whole += "." + fraction
	}
	return whole, nil
}

// parseWindow reads what stands behind the slash; nil is for life.
func parseWindow(text string) (*admin.Window, error) {
	word, anchor, anchored := strings.Cut(text, ":")
	switch {
	case text == "":
		return nil, errors.New("a window is missing behind the slash")
	case text == "life":
		return nil, nil
	case text == "min" || text == "minute":
		return &admin.Window{Sliding: "60s"}, nil
	case word == "fixed":
		length, err := windowLength(anchor)
		if err != nil {
			return nil, err
		}
		return &admin.Window{Fixed: length}, nil
	case slices.Contains(periods, word):
		if anchored && !plainAnchor(anchor) {
			return nil, fmt.Errorf(`%q is no first day: month:15, week:sunday and year:04-06 have one`, brief(anchor))
		}
		return &admin.Window{Calendar: word, Anchor: anchor}, nil
	case habits[strings.ToLower(word)] != "":
		return nil, fmt.Errorf("%q is no window: did you mean %s?", word, habits[strings.ToLower(word)])
	}
	length, err := windowLength(text)
	if err != nil {
		return nil, err
	}
	return &admin.Window{Sliding: length}, nil
}

// plainAnchor tells whether a text looks like a first day: which days there are is the
// server's to say.
func plainAnchor(text string) bool {
	return text != "" && len(text) <= 9 && strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func windowLength(text string) (string, error) {
	d, err := parseDuration(text)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is no window: it is a period of the calendar (%s), min, or a length of time such as 60s, 5h or 30d", brief(text), strings.Join(periods, ", "))
	case d < time.Second || d > budget.MaxLength:
		return "", fmt.Errorf("the window %s is not between a second and ten years", brief(text))
	}
	return durationText(d), nil
}

func checkZone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return fmt.Errorf("%q is no time zone such as Europe/Berlin or UTC", brief(name))
	}
	return nil
}

// units of durations beyond those of Go, whose days are all 24 hours long.
var units = map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour}

// parseDuration reads a length of time such as 90d, 2w, 1d12h, 36h, 60s.
func parseDuration(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is no length of time such as 90d, 36h, 30m or 60s", brief(text))
	var sum time.Duration
	rest := text
	for _, unit := range []byte{'w', 'd'} {
		number, after, ok := strings.Cut(rest, string(unit))
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || time.Duration(n) > math.MaxInt64/units[unit]/4 {
			return 0, wrong
		}
		sum += time.Duration(n) * units[unit]
		rest = after
	}
	if rest != "" || text == "" {
		d, err := time.ParseDuration(rest)
		if err != nil || strings.ContainsAny(rest, "+-") || d > math.MaxInt64/4 {
			return 0, wrong
		}
		sum += d
	}
	return sum, nil
}

// durationText writes a length of time in one unit, as the API takes it.
func durationText(d time.Duration) string {
	switch {
	case d%time.Hour == 0 && d != 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Second == 0:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}

// limitText writes a limit in its short form.
func limitText(l *admin.Limit) string {
	text := "$" + l.Amount.Text
	if l.Kind != "cost" {
		text = shortCount(l.Amount.Text)
	}
	if l.Window != nil {
		text += "/" + windowText(l.Window)
	}
	if len(l.Models) > 0 {
		text += " for " + strings.Join(l.Models, ",")
	}
	return text
}

// shortCount writes whole millions and thousands with M and k.
func shortCount(number string) string {
	if short, ok := strings.CutSuffix(number, "000000"); ok && short != "" {
		return short + "M"
	}
	if short, ok := strings.CutSuffix(number, "000"); ok && len(short) > 1 {
		return short + "k"
	}
	return number
}

func windowText(w *admin.Window) string {
	switch {
	case w == nil:
		return "life"
	case w.Sliding != "":
		return lengthText(w.Sliding)
	case w.Fixed != "":
		return "fixed:" + lengthText(w.Fixed)
	}
	text := w.Calendar
	if w.Anchor != "" {
		text += ":" + w.Anchor
	}
	if w.Timezone != "" && w.Timezone != "UTC" {
		text += "@" + w.Timezone
	}
	return text
}

// lengthText writes the length of a window as people do.
func lengthText(text string) string {
	d, err := time.ParseDuration(text)
	switch day := 24 * time.Hour; {
	case err != nil:
		return text
	case d == time.Minute:
		return "min"
	case d >= 2*day && d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + "d"
	case d%time.Hour != 0 && d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return durationText(d)
}

// sameWindow tells whether two windows are one function of time.
func sameWindow(a, b *admin.Window) bool { return windowText(a) == windowText(b) }

// brief bounds what a message repeats.
func brief(text string) string {
	if len(text) > 60 {
		return strings.ToValidUTF8(text[:60], "") + "…"
	}
	return text
}
