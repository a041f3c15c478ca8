package budget

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Shape is the way in which a window follows the next.
type Shape uint8

const (
	// Life is one window that never ends.
	Life Shape = iota
	// Calendar windows follow the calendar of a time zone.
	Calendar
	// Fixed windows have one length and follow each other from an origin.
	Fixed
	// Sliding is the stretch of one length that ends now.
	Sliding
)

// Period is the unit of calendar windows.
type Period uint8

// The periods of the calendar. Weeks begin on Monday unless anchored otherwise.
const (
	Hour Period = iota + 1
	Day
	Week
	Month
	Quarter
	Year
)

var periodNames = [...]string{Hour: "hour", Day: "day", Week: "week", Month: "month", Quarter: "quarter", Year: "year"}

func (p Period) String() string {
	if p >= Hour && int(p) < len(periodNames) {
		return periodNames[p]
	}
	return "period(" + strconv.Itoa(int(p)) + ")"
}

// Anchor moves the first day of calendar windows. The zero Anchor leaves it where
// the calendar has it.
type Anchor struct {
	// Month is the month that a year begins in, or the month of the quarter
	// (1 to 3) that a quarter begins in. Other periods have none.
	Month int
	// Day is the day of the week (1 is Monday) that a week begins on, or the day of
	// the month that other periods do. A month that is too short begins on its last day.
	Day int
}

// Window says in which stretches of time a limit counts. The zero Window is for
// life. Windows are values: compare them with Equal.
type Window struct {
	shape  Shape
	period Period
	month  uint8 // of the anchor, 0 for none
	day    uint8
	length int64 // nanoseconds
	origin int64 // nanoseconds since 1970
	zone   *time.Location
}

// MaxLength is the longest that fixed and sliding windows may be.
const MaxLength = 10 * 366 * 24 * time.Hour

// InCalendar makes calendar windows in a zone; a nil zone is UTC.
func InCalendar(p Period, zone *time.Location, anchor Anchor) (Window, error) {
	if zone == nil {
		zone = time.UTC
	}
	if zone == time.Local || zone.String() == "Local" {
		return Window{}, errors.New("the zone of a calendar window must be named; the machine's own is not")
	}
	months, days := 0, 0
	switch p {
	case Hour, Day:
	case Week:
		days = 7
	case Month:
		days = 31
	case Quarter:
		months, days = 3, 31
	case Year:
		months, days = 12, 31
	default:
		return Window{}, fmt.Errorf("%v is no period of the calendar", p)
	}
	if anchor.Month < 0 || anchor.Month > months {
		return Window{}, fmt.Errorf("a %v cannot begin in month %d", p, anchor.Month)
	}
	if anchor.Day < 0 || anchor.Day > days {
		return Window{}, fmt.Errorf("a %v cannot begin on day %d", p, anchor.Day)
	}
	w := Window{shape: Calendar, period: p, zone: zone}
	if anchor.Month > 1 {
		w.month = uint8(anchor.Month)
	}
	if anchor.Day > 1 {
		w.day = uint8(anchor.Day)
	}
	return w, nil
}

// InFixed makes windows of one length, one of which begins at origin.
func InFixed(length time.Duration, origin time.Time) (Window, error) {
	if length < time.Second || length > MaxLength {
		return Window{}, fmt.Errorf("a fixed window of %v is not between a second and ten years", length)
	}
	if y := origin.UTC().Year(); y < 1900 || y > 2200 {
		return Window{}, fmt.Errorf("a fixed window cannot begin in the year %d", y)
	}
	return Window{shape: Fixed, length: int64(length), origin: origin.UnixNano()}, nil
}

// InSliding makes a window that covers the last length of time.
func InSliding(length time.Duration) (Window, error) {
	if length < time.Second || length > MaxLength {
		return Window{}, fmt.Errorf("a sliding window of %v is not between a second and ten years", length)
	}
	return Window{shape: Sliding, length: int64(length)}, nil
}

// Shape tells how the windows follow each other.
func (w Window) Shape() Shape { return w.shape }

// Length is that of fixed and sliding windows, otherwise 0.
func (w Window) Length() time.Duration { return time.Duration(w.length) }

// Calendar gives the parts of a calendar window: what InCalendar made it of.
func (w Window) Calendar() (Period, *time.Location, Anchor) {
	return w.period, w.zone, Anchor{Month: int(w.month), Day: int(w.day)}
}

// Origin is the instant at which one of the fixed windows begins.
func (w Window) Origin() time.Time { return time.Unix(0, w.origin).UTC() }

// Equal tells whether two windows are the same function of time.
func (w Window) Equal(v Window) bool {
	if w.zone != v.zone && (w.zone == nil || v.zone == nil || w.zone.String() != v.zone.String()) {
		return false
	}
	w.zone, v.zone = nil, nil
	return w == v
}

// Span is a stretch of time in nanoseconds since 1970: from Start up to, but
// without, End.
type Span struct{ Start, End int64 }

// Contains tells whether the instant lies in the span.
func (s Span) Contains(wall int64) bool { return wall >= s.Start && wall < s.End }

// Ends tells when the span ends, false if it never does.
func (s Span) Ends() (time.Time, bool) {
	if s.End == math.MaxInt64 {
		return time.Time{}, false
	}
	return time.Unix(0, s.End), true
}

// forever is the span of a window for life.
var forever = Span{math.MinInt64, math.MaxInt64}

// At gives the window that an instant (nanoseconds since 1970) lies in. Calendar
// and fixed windows tile time without a gap or an overlap, whatever the clocks of
// the zone do; the window of a Sliding one is that which ends after the instant.
func (w Window) At(wall int64) Span {
	switch w.shape {
	case Calendar:
		if w.period == Hour {
			return w.hourAt(wall)
		}
		return w.datesAt(wall)
	case Fixed:
		n := floorDiv(wall-w.origin, w.length)
		start := w.origin + n*w.length
		return Span{start, start + w.length}
	case Sliding:
		return Span{wall - w.length + 1, wall + 1}
	default:
		return forever
	}
}

// hourAt gives the hour on the wall clock of the zone. An hour that the clock shows
// twice is two windows; a change of the clock inside an hour ends one.
func (w Window) hourAt(wall int64) Span {
	t := time.Unix(0, wall).In(w.zone)
	_, offset := t.Zone()
	shift := int64(offset) * int64(time.Second)
	start := floorDiv(wall+shift, int64(time.Hour))*int64(time.Hour) - shift
	span := Span{start, start + int64(time.Hour)}
	from, to := t.ZoneBounds()
	if !from.IsZero() && from.Unix() > span.Start/int64(time.Second) {
		span.Start = from.UnixNano()
	}
	if !to.IsZero() && to.Unix() < span.End/int64(time.Second) {
		span.End = to.UnixNano()
	}
	return span
}

// datesAt gives the span of whole days. The date in the zone gives a first guess;
// where anchors or a clock that was put back over midnight make it wrong, the
// neighbours are right.
func (w Window) datesAt(wall int64) Span {
	y, m, d := time.Unix(0, wall).In(w.zone).Date()
	var n int64
	switch days := daysSinceEpoch(y, int(m), d); w.period {
	case Day:
		n = days
	case Week:
		n = floorDiv(days-4, 7)
	case Month:
		n = int64(y)*12 + int64(m) - 1
	case Quarter:
		n = int64(y)*4 + (int64(m)-1)/3
	default:
		n = int64(y)
	}
	start := w.begin(n)
	for wall < start {
		n--
		start = w.begin(n)
	}
	end := w.begin(n + 1)
	for wall >= end {
		n++
		start, end = end, w.begin(n+1)
	}
	return Span{start, end}
}

// begin is the instant at which the nth window of its period begins.
func (w Window) begin(n int64) int64 {
	month, day := max(int64(w.month), 1), max(int(w.day), 1)
	switch w.period {
	case Day:
		return firstAt(n*secondsOfDay, w.zone)
	case Week: // the fifth of January 1970 was a Monday
		return firstAt((4+7*n+int64(day-1))*secondsOfDay, w.zone)
	case Month:
		return beginInMonth(n, day, w.zone)
	case Quarter:
		return beginInMonth(3*n+month-1, day, w.zone)
	default:
		return beginInMonth(12*n+month-1, day, w.zone)
	}
}

// beginInMonth is the beginning of a day of the month that is months after the
// year 0, or of its last day if it has no such day.
func beginInMonth(months int64, day int, zone *time.Location) int64 {
	y, m := int(floorDiv(months, 12)), int(months-12*floorDiv(months, 12))+1
	if last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day(); day > last {
		day = last
	}
	return firstAt(daysSinceEpoch(y, m, day)*secondsOfDay, zone)
}

const secondsOfDay = 24 * 60 * 60

func daysSinceEpoch(y, m, d int) int64 {
	return floorDiv(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix(), secondsOfDay)
}

// firstAt gives the first instant at which a clock in the zone shows local or
// later; local is what it shows, in seconds since it showed the beginning of 1970.
// Midnights that a zone leaves out or has twice come out right: the day begins
// when the clock first shows its date.
func firstAt(local int64, zone *time.Location) int64 {
	const farthest = 36 * 60 * 60 // farther than any zone is from UTC, and than any change of its clock
	t := time.Unix(local-farthest, 0).In(zone)
	for {
		_, offset := t.Zone()
		from, to := t.ZoneBounds()
		first := local - int64(offset)
		if !from.IsZero() {
			first = max(first, from.Unix())
		}
		if to.IsZero() || first < to.Unix() {
			return first * int64(time.Second)
		}
		t = to
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// String gives the window in the form that ParseWindow reads: "life", "month
// Europe/Berlin", "year UTC 04-06", "week UTC 7", "fixed 5h0m0s
// 2026-01-01T00:00:00Z", "sliding 1m0s". Equal windows have equal strings.
func (w Window) String() string {
	switch w.shape {
	case Calendar:
		s := w.period.String() + " " + w.zone.String()
		switch {
		case w.month > 0:
			return s + fmt.Sprintf(" %02d-%02d", w.month, max(w.day, 1))
		case w.day > 0:
			return s + " " + strconv.Itoa(int(w.day))
		}
		return s
	case Fixed:
		return "fixed " + w.Length().String() + " " + time.Unix(0, w.origin).UTC().Format(time.RFC3339Nano)
	case Sliding:
		return "sliding " + w.Length().String()
	default:
		return "life"
	}
}

// ParseWindow reads what String wrote.
func ParseWindow(s string) (Window, error) {
	word, rest, _ := strings.Cut(s, " ")
	first, second, _ := strings.Cut(rest, " ")
	switch word {
	case "life":
		if rest != "" {
			return Window{}, fmt.Errorf("window %q: a window for life has nothing else", s)
		}
		return Window{}, nil
	case "sliding":
		length, err := time.ParseDuration(rest)
		if err != nil {
			return Window{}, fmt.Errorf("window %q: %w", s, err)
		}
		return InSliding(length)
	case "fixed":
		length, err := time.ParseDuration(first)
		if err != nil {
			return Window{}, fmt.Errorf("window %q: %w", s, err)
		}
		origin, err := time.Parse(time.RFC3339Nano, second)
		if err != nil {
			return Window{}, fmt.Errorf("window %q: %w", s, err)
		}
		return InFixed(length, origin)
	}
	for p := Hour; p <= Year; p++ {
		if p.String() == word {
			return parseCalendar(s, p, first, second)
		}
	}
	return Window{}, fmt.Errorf("window %q: %q is neither a shape nor a period", s, word)
}

func parseCalendar(s string, p Period, zone, anchor string) (Window, error) {
	loc, err := Zone(zone)
	if err != nil {
		return Window{}, fmt.Errorf("window %q: %w", s, err)
	}
	var a Anchor
	if anchor != "" {
		month, day, both := strings.Cut(anchor, "-")
		if !both {
			month, day = "0", anchor
		}
		if a.Month, err = strconv.Atoi(month); err == nil {
			a.Day, err = strconv.Atoi(day)
		}
		if err != nil {
			return Window{}, fmt.Errorf("window %q: %q is no anchor", s, anchor)
		}
	}
	return InCalendar(p, loc, a)
}

// FormatLength writes a duration without the parts that are nothing: "5h", not "5h0m0s".
// Up to two minutes are told in seconds, as a minute's limit is asked for.
func FormatLength(d time.Duration) string {
	if d <= 2*time.Minute && d%time.Second == 0 {
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
