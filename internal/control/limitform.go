package control

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/money"
	"tollgate/internal/spelling"
	"tollgate/internal/vkey"
)

// maxLimits is how many limits of its own a key may have: each costs every request
// a little.
const maxLimits = 32

var (
	kinds   = map[string]budget.Kind{"cost": budget.Cost, "tokens": budget.Tokens, "requests": budget.Requests, "concurrency": budget.Concurrency}
	periods = map[string]budget.Period{
		"hour": budget.Hour, "day": budget.Day, "week": budget.Week,
		"month": budget.Month, "quarter": budget.Quarter, "year": budget.Year,
	}
	weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

	kindNames   = []string{"cost", "tokens", "requests", "concurrency"}
	periodNames = []string{"hour", "day", "week", "month", "quarter", "year"}
)

// habits are words that other systems have for periods.
var habits = map[string]string{
	"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year",
	"annual": "year", "annually": "year", "1h": "hour", "1d": "day", "1w": "week", "1m": "month", "1mo": "month", "1y": "year",
}

// limit reads the parts that own and shared limits have in common. A limit that it
// replaces lends it its id, and the origin of its windows if none is given.
func (p *problems) limit(path string, in *admin.Limit, id string, old *budget.Limit, now time.Time) *budget.Limit {
	l := &budget.Limit{ID: id}
	l.Kind = kinds[in.Kind]
	switch {
	case in.Kind == "":
		p.add(child(path, "kind"), "is missing: cost, tokens, requests or concurrency")
	case l.Kind == 0:
		p.oneOf(child(path, "kind"), in.Kind, kindNames)
	default:
		l.Amount = p.amount(child(path, "amount"), in.Amount, l.Kind, 0)
	}
	if old != nil && l.Kind != 0 && l.Kind != old.Kind {
		p.add(child(path, "kind"), "cannot change from %s: what was counted is no %s; leave the id out to make a new limit", old.Kind, l.Kind)
	}
	if in.Window != nil {
		if l.Kind == budget.Concurrency {
			p.add(child(path, "window"), "has no meaning for concurrency, which counts requests in flight: leave it out")
		} else {
			l.Window = p.window(child(path, "window"), in.Window, old, now)
		}
	}
	l.Models = p.patterns(child(path, "models"), in.Models)
	return l
}

// amount reads an amount in the unit of a kind, not less than least.
func (p *problems) amount(path string, in admin.Amount, kind budget.Kind, least int64) int64 {
	var n int64
	if kind == budget.Cost {
		switch v, err := money.ParseNano(in.Text); {
		case in.Text == "":
			p.suggest(path, `"200.00"`, "is missing: dollars as decimal text")
			return 0
		case !in.Quote:
			p.suggest(path, asDollars(in.Text), "is money, which is written as text: a number may have passed through a float")
			return 0
		case err != nil:
			p.add(path, "is no amount of dollars: %v", err)
			return 0
		default:
			n = int64(v)
		}
	} else {
		v, err := strconv.ParseInt(in.Text, 10, 64)
		switch {
		case in.Text == "":
			p.add(path, "is missing: a whole number of %s", kind)
			return 0
		case err != nil:
			p.suggest(path, wholeNumber(in.Text), "%s is no whole number of %s", shown(in.Text), kind)
			return 0
		case in.Quote:
			p.suggest(path, strconv.FormatInt(v, 10), "is a number: only dollars are written as text")
			return 0
		}
		n = v
	}
	if n < least || n > budget.Max {
		p.add(path, "is out of range: %s to %s", inUnit(kind, least), inUnit(kind, budget.Max))
		return 0
	}
	return n
}

// asDollars gives the text form of a number of dollars, "" if it is not exact.
func asDollars(number string) string {
	if v, err := money.ParseNano(number); err == nil {
		return strconv.Quote(v.String())
	}
	return ""
}

// inUnit writes an amount in the unit of its kind.
func inUnit(kind budget.Kind, n int64) admin.Amount {
	if kind == budget.Cost {
		return admin.Dollars(money.Nano(n).String())
	}
	return admin.Count(n)
}

func (p *problems) patterns(path string, list []string) []access.Pattern {
	var all []access.Pattern
	for i, s := range list {
		pattern, err := access.ParsePattern(s)
		if err != nil {
			p.add(fmt.Sprintf("%s[%d]", path, i), "%v", err)
			continue
		}
		all = append(all, pattern)
	}
	return all
}

// window reads a window, which has exactly one shape.
func (p *problems) window(path string, in *admin.Window, old *budget.Limit, now time.Time) budget.Window {
	shapes := 0
	for _, s := range []string{in.Calendar, in.Fixed, in.Sliding} {
		if s != "" {
			shapes++
		}
	}
	if shapes != 1 {
		p.add(path, "has exactly one of calendar, fixed and sliding (in a patch null clears the others); a limit for life has no window")
		return budget.Window{}
	}
	if in.Calendar == "" {
		for name, value := range map[string]string{"timezone": in.Timezone, "anchor": in.Anchor} {
			if value != "" {
				p.add(child(path, name), "belongs to calendar windows only")
			}
		}
	}
	if in.Fixed == "" && in.Origin != nil {
		p.add(child(path, "origin"), "belongs to fixed windows only")
	}
	var w budget.Window
	var err error
	switch {
	case in.Calendar != "":
		return p.calendar(path, in)
	case in.Sliding != "":
		path = child(path, "sliding")
		if length, ok := p.duration(path, in.Sliding); ok {
			w, err = budget.InSliding(length)
		}
	default:
		path = child(path, "fixed")
		if length, ok := p.duration(path, in.Fixed); ok {
			w, err = budget.InFixed(length, originOf(in, old, length, now))
		}
	}
	if err != nil {
		p.add(path, "%v", err)
	}
	return w
}

// originOf tells when a fixed window begins: as asked for, as it was, or now.
func originOf(in *admin.Window, old *budget.Limit, length time.Duration, now time.Time) time.Time {
	switch {
	case in.Origin != nil:
		return *in.Origin
	case old != nil && old.Window.Shape() == budget.Fixed && old.Window.Length() == length:
		return old.Window.Origin()
	default:
		return now.Truncate(time.Second)
	}
}

func (p *problems) calendar(path string, in *admin.Window) budget.Window {
	period, ok := periods[in.Calendar]
	if !ok {
		at := child(path, "calendar")
		if meant := habits[strings.ToLower(in.Calendar)]; meant != "" {
			p.suggest(at, meant, "%s is none of %s", shown(in.Calendar), strings.Join(periodNames, ", "))
		} else {
			p.oneOf(at, in.Calendar, periodNames)
		}
		return budget.Window{}
	}
	before := len(*p)
	zone := p.zone(child(path, "timezone"), in.Timezone)
	anchor := p.anchor(child(path, "anchor"), in.Anchor, period)
	if len(*p) > before {
		return budget.Window{}
	}
	w, err := budget.InCalendar(period, zone, anchor)
	if err != nil {
		p.add(path, "%v", err)
	}
	return w
}

// zone reads a time zone; none is UTC.
func (p *problems) zone(path, name string) *time.Location {
	if name == "" || name == "Local" {
		if name != "" {
			p.suggest(path, "UTC", "must be named: the machine's own zone can change")
		}
		return time.UTC
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		p.suggest(path, zoneMeant(name), "%s is no time zone of the IANA database, for instance Europe/Berlin", shown(name))
		return time.UTC
	}
	return zone
}

// zoneMeant tries the usual spelling of a zone's name.
func zoneMeant(name string) string {
	parts := strings.Split(strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_")), "/")
	for i, part := range parts {
		words := strings.Split(part, "_")
		for j, word := range words {
			if word != "" {
				words[j] = strings.ToUpper(word[:1]) + word[1:]
			}
		}
		parts[i] = strings.Join(words, "_")
	}
	for _, meant := range []string{strings.Join(parts, "/"), strings.ToUpper(name)} {
		if _, err := time.LoadLocation(meant); err == nil && meant != "" && meant != "LOCAL" {
			return meant
		}
	}
	return ""
}

// anchor reads the first day of a period.
func (p *problems) anchor(path, text string, period budget.Period) budget.Anchor {
	a, err := budget.ParseAnchor(period, text)
	switch {
	case err == nil:
	case period == budget.Week:
		p.suggest(path, spelling.Nearest(text, weekdays), "%v", err)
	default:
		p.add(path, "%v", err)
	}
	return a
}

// duration reads a length of time as Go writes it. Days and months are no such: a
// month of 30 days is a trap, so the way out is told instead.
func (p *problems) duration(path, text string) (time.Duration, bool) {
	d, err := time.ParseDuration(text)
	switch {
	case err == nil && d > 0:
		return d, true
	case err == nil:
		p.add(path, "must be longer than nothing")
	default:
		p.suggest(path, hoursOf(text), `%s is no duration: hours, minutes and seconds, for instance "5h" or "90s"`, shown(text))
	}
	return 0, false
}

// hoursOf gives days and weeks as hours.
func hoursOf(text string) string {
	for unit, hours := range map[string]int{"d": 24, "w": 7 * 24} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			if n, err := strconv.ParseUint(number, 10, 12); err == nil {
				return strconv.Itoa(int(n)*hours) + "h"
			}
		}
	}
	return ""
}

// windowForm writes a window as it is given, nil for life.
func windowForm(w budget.Window) *admin.Window {
	switch w.Shape() {
	case budget.Calendar:
		period, zone, anchor := w.Calendar()
		return &admin.Window{Calendar: period.String(), Timezone: zone.String(), Anchor: anchorForm(period, anchor)}
	case budget.Fixed:
		origin := w.Origin()
		return &admin.Window{Fixed: budget.FormatLength(w.Length()), Origin: &origin}
	case budget.Sliding:
		return &admin.Window{Sliding: budget.FormatLength(w.Length())}
	default:
		return nil
	}
}

func anchorForm(period budget.Period, a budget.Anchor) string {
	switch {
	case a == budget.Anchor{}:
		return ""
	case period == budget.Week:
		return weekdays[a.Day-1]
	case period == budget.Month:
		return strconv.Itoa(a.Day)
	default:
		return fmt.Sprintf("%02d-%02d", max(a.Month, 1), max(a.Day, 1))
	}
}

// limitForm writes a limit as it is given, without how it stands.
func limitForm(l *budget.Limit) admin.Limit {
	out := admin.Limit{ID: l.ID, Kind: l.Kind.String(), Amount: inUnit(l.Kind, l.Amount), Window: windowForm(l.Window)}
	for _, m := range l.Models {
		out.Models = append(out.Models, m.String())
	}
	return out
}

// ownLimits reads the limits of a key. Those with an id are the key's limits of
// before, which keep what they have counted. So does one without an id that says what
// one of before said, or is plainly another form of it: whoever sends the same limits
// again must not refill them.
func (c *Control) ownLimits(p *problems, in []admin.Limit, before []*budget.Limit, now time.Time) ([]*budget.Limit, error) {
	if len(in) > maxLimits {
		p.add("limits", "has %d limits; a key may have %d. A shared limit applies to many keys at once", len(in), maxLimits)
		return nil, nil
	}
	all := make([]*budget.Limit, 0, len(in))
	old := counterparts(p, in, before, now)
	for i := range in {
		path := fmt.Sprintf("limits[%d]", i)
		id := in[i].ID
		switch {
		case old[i] != nil:
			id = old[i].ID
		case id == "":
			var err error
			if id, err = vkey.NewLimitID(c.parts.Random); err != nil {
				return nil, err
			}
		}
		notOwn(p, path, &in[i])
		all = append(all, p.limit(path, &in[i], id, old[i], now))
	}
	return all, nil
}

// counterparts finds the limits of before that limits are, nil for those that are new:
// by id; without one by kind, models and window; and at last the only one that is left of a
// kind and its models, whose window has changed then.
func counterparts(p *problems, in []admin.Limit, before []*budget.Limit, now time.Time) []*budget.Limit {
	found := make([]*budget.Limit, len(in))
	left := slices.Clone(before)
	take := func(i, at int) {
		found[i] = left[at]
		left = slices.Delete(left, at, at+1)
	}
	parsed := make([]*budget.Limit, len(in))
	for i := range in {
		var aside problems // they are told when the limit is read for good
		parsed[i] = aside.limit("", &in[i], "", nil, now)
		if in[i].ID == "" {
			continue
		}
		path := child(fmt.Sprintf("limits[%d]", i), "id")
		switch at := slices.IndexFunc(left, func(l *budget.Limit) bool { return l.ID == in[i].ID }); {
		case at >= 0:
			take(i, at)
		case slices.ContainsFunc(before, func(l *budget.Limit) bool { return l.ID == in[i].ID }):
			p.add(path, "%s stands here twice", shown(in[i].ID))
		default:
			p.add(path, "%s is no limit of this key; leave the id out to make a new limit", shown(in[i].ID))
		}
	}
	about := func(l *budget.Limit) func(*budget.Limit) bool {
		return func(o *budget.Limit) bool { return o.Kind == l.Kind && slices.Equal(o.Models, l.Models) }
	}
	for i := range in {
		if in[i].ID != "" {
			continue
		}
		is := about(parsed[i])
		if at := slices.IndexFunc(left, func(o *budget.Limit) bool { return is(o) && sameWindow(o.Window, parsed[i].Window) }); at >= 0 {
			take(i, at)
		}
	}
	for i := range in {
		if in[i].ID != "" || found[i] != nil {
			continue
		}
		is, alike := about(parsed[i]), 0
		for j := range in {
			if found[j] == nil && in[j].ID == "" && is(parsed[j]) {
				alike++
			}
		}
		if at := slices.IndexFunc(left, is); at >= 0 && alike == 1 && !slices.ContainsFunc(left[at+1:], is) {
			take(i, at)
		}
	}
	return found
}

// sameWindow tells whether two windows are written alike; the origin of fixed ones may
// have been left out.
func sameWindow(a, b budget.Window) bool {
	return a.Equal(b) || a.Shape() == budget.Fixed && b.Shape() == budget.Fixed && a.Length() == b.Length()
}

// notOwn refuses the fields of shared limits.
func notOwn(p *problems, path string, in *admin.Limit) {
	const away = "belongs to shared limits; a limit of a key is about that key alone"
	if in.Name != "" {
		p.add(child(path, "name"), away)
	}
	if in.Match != nil {
		p.add(child(path, "match"), away)
	}
	if in.Per != "" {
		p.add(child(path, "per"), away)
	}
}

// shortForm gives the limits that the short form of a key stands for.
func shortForm(p *problems, in *admin.KeyInput) []admin.Limit {
	words := []string{"never", "hourly", "daily", "weekly", "monthly", "yearly"}
	var window *admin.Window
	switch period, ok := habits[in.ResetPeriod]; {
	case in.ResetPeriod == "never", in.ResetPeriod == "":
		if in.Timezone != "" {
			p.add("timezone", "belongs to a reset_period; a window in limits has its own")
		}
	case !ok || !slices.Contains(words, in.ResetPeriod):
		p.oneOf("reset_period", in.ResetPeriod, words)
	default:
		before := len(*p)
		if p.zone("timezone", in.Timezone); len(*p) == before {
			window = &admin.Window{Calendar: period, Timezone: in.Timezone}
		}
	}
	if in.ResetPeriod != "" && in.CostLimit == "" && in.TokenLimit == nil {
		p.add("reset_period", "needs a cost_limit or a token_limit: requests_per_minute always counts the last 60 seconds")
	}
	var all []admin.Limit
	add := func(path string, l admin.Limit) {
		before := len(*p)
		p.amount(path, l.Amount, kinds[l.Kind], 0)
		if len(*p) == before {
			all = append(all, l)
		}
	}
	if in.CostLimit != "" {
		add("cost_limit", admin.Limit{Kind: "cost", Amount: admin.Dollars(in.CostLimit), Window: window})
	}
	if in.TokenLimit != nil {
		add("token_limit", admin.Limit{Kind: "tokens", Amount: admin.Count(*in.TokenLimit), Window: window})
	}
	if in.RequestsLimit != nil {
		add("requests_per_minute", admin.Limit{Kind: "requests", Amount: admin.Count(*in.RequestsLimit), Window: &admin.Window{Sliding: "60s"}})
	}
	return all
}
