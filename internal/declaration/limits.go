package declaration

import (
	"strconv"
	"strings"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/config"
	"tollgate/internal/money"
	"tollgate/internal/vkey"
)

// Limit gives a limit that a configuration declares, under an id; nil if something about it
// is wrong, which is added to the report.
func Limit(from *config.Limit, id string, report *config.Report) *budget.Limit {
	d := &declarer{report: report}
	return d.limit(from, id)
}

// ownLimits compiles the limits of a key. Those without an id get one that stays as
// it is while amounts and windows are edited, so that what was counted stays too.
func (d *declarer) ownLimits(keyID string, from *config.APIKey) []*budget.Limit {
	var all []*budget.Limit
	alike := map[string]int{} // limits of one kind on the same models
	for i := range from.Limits {
		l := &from.Limits[i]
		id := l.ID
		if kind, err := budget.ParseKind(l.Kind); err == nil && id == "" {
			same := l.Kind + "\x00" + strings.Join(l.Models, "\x00")
			id = vkey.DeclaredLimitID(keyID, kind, l.Models, alike[same])
			alike[same]++
		}
		if compiled := d.limit(l, id); compiled != nil {
			all = append(all, compiled)
		}
	}
	for i := range from.Budgets {
		if l := d.budget(keyID, &from.Budgets[i]); l != nil {
			all = append(all, l)
			if d.budgets == nil {
				d.budgets = map[string]string{}
			}
			d.budgets[l.ID] = from.Budgets[i].Name
		}
	}
	return all
}

// limit compiles a limit, nil if something about it is wrong.
func (d *declarer) limit(from *config.Limit, id string) *budget.Limit {
	kind, err := budget.ParseKind(from.Kind)
	if err != nil {
		return nil // config has said so
	}
	amount, okAmount := d.amount(kind, from.Amount)
	window, okWindow := d.window(from.Window)
	models, err := access.ParsePatterns(from.Models)
	if err != nil || !okAmount || !okWindow {
		return nil // config has said so of patterns
	}
	if len(models) == 0 {
		models = nil
	}
	return &budget.Limit{ID: id, Kind: kind, Amount: amount, Window: window, Models: models}
}

// amount reads an amount in the unit of its kind, from the text as it was written.
func (d *declarer) amount(kind budget.Kind, from config.Amount) (int64, bool) {
	if from.Text == "" {
		return 0, false // config has said so
	}
	var n int64
	var err error
	if kind == budget.Cost {
		var nano money.Nano
		nano, err = money.ParseNano(from.Text)
		n = int64(nano)
	} else {
		n, err = strconv.ParseInt(from.Text, 10, 64)
	}
	switch {
	case err != nil && kind == budget.Cost:
		d.report.Add(from.At, "must be an amount of US dollars such as \"200.00\", with 9 decimals at most")
	case err != nil:
		d.report.Add(from.At, "must be a whole number of %v, without a unit", kind)
	case n < 0 || n > budget.Max:
		d.report.Add(from.At, "must not be negative, nor more than can be counted")
	default:
		return n, true
	}
	return 0, false
}

// epoch is when the first of fixed windows begins that are not told when.
var epoch = time.Unix(0, 0).UTC()

// window compiles a window; none is for life.
func (d *declarer) window(from *config.Window) (budget.Window, bool) {
	if from == nil {
		return budget.Window{}, true
	}
	var w budget.Window
	var err error
	at := from.At
	switch {
	case from.Calendar != "":
		return d.calendar(from)
	case from.Sliding != 0:
		at = at.Child("sliding")
		w, err = budget.InSliding(from.Sliding)
	default:
		at = at.Child("fixed")
		origin := epoch
		if !from.Origin.IsZero() {
			origin = from.Origin.Time
		}
		w, err = budget.InFixed(from.Fixed, origin)
	}
	if err != nil {
		d.report.Add(at, "%v", err)
	}
	return w, err == nil
}

func (d *declarer) calendar(from *config.Window) (budget.Window, bool) {
	period, err := budget.ParsePeriod(from.Calendar)
	if err != nil {
		return budget.Window{}, false // config has said so
	}
	zone := time.UTC
	if from.Timezone != "" {
		if zone, err = budget.Zone(from.Timezone); err != nil || from.Timezone == "Local" {
			d.report.Add(from.At.Child("timezone"), "must be a time zone of the IANA database such as Europe/Berlin")
			return budget.Window{}, false
		}
	}
	anchor, err := budget.ParseAnchor(period, from.Anchor)
	if err != nil {
		d.report.Add(from.At.Child("anchor"), "must be a day of the week (sunday), of the month (15), or month and day of the quarter or year (04-06)")
		return budget.Window{}, false
	}
	w, err := budget.InCalendar(period, zone, anchor)
	if err != nil {
		d.report.Add(from.At, "%v", err)
	}
	return w, err == nil
}

// budgetUnits are the units of agentgateway's budgets.
var budgetUnits = map[string]budget.Kind{"USD": budget.Cost, "Tokens": budget.Tokens}

// budget compiles a limit in the form of agentgateway. Its windows, although called
// rolling there, follow each other from 1970 on, as they do there.
func (d *declarer) budget(keyID string, from *config.Budget) *budget.Limit {
	kind := budgetUnits[from.Limit.Unit]
	if kind == 0 {
		return nil // config has said so
	}
	amount, ok := d.amount(kind, from.Limit.Amount)
	w, err := budget.InFixed(from.Window.Rolling, epoch)
	if err != nil {
		d.report.Add(from.At.Child("window").Child("rolling"), "%v", err)
	}
	if err != nil || !ok {
		return nil
	}
	return &budget.Limit{ID: vkey.DeclaredBudgetID(keyID, kind, from.Name), Kind: kind, Amount: amount, Window: w}
}
