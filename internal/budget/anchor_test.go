package budget_test

import (
	"strings"
	"testing"

	"tollgate/internal/budget"
)

func TestParseAnchor(t *testing.T) {
	for _, tt := range []struct {
		period budget.Period
		text   string
		want   budget.Anchor
		err    string
	}{
		{budget.Day, "", budget.Anchor{}, ""},
		{budget.Week, "Sunday", budget.Anchor{Day: 7}, ""},
		{budget.Week, "7", budget.Anchor{}, "day of the week"},
		{budget.Month, "31", budget.Anchor{Day: 31}, ""},
		{budget.Month, "32", budget.Anchor{}, "day of the month"},
		{budget.Month, "0", budget.Anchor{}, "day of the month"},
		{budget.Quarter, "03-15", budget.Anchor{Month: 3, Day: 15}, ""},
		{budget.Quarter, "04-15", budget.Anchor{}, "of the quarter"},
		{budget.Year, "04-06", budget.Anchor{Month: 4, Day: 6}, ""},
		{budget.Year, "04", budget.Anchor{}, "of the year"},
		{budget.Year, "13-01", budget.Anchor{}, "of the year"},
		{budget.Hour, "1", budget.Anchor{}, "cannot be moved"},
		{budget.Day, "1", budget.Anchor{}, "cannot be moved"},
	} {
		got, err := budget.ParseAnchor(tt.period, tt.text)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v from %q: %+v, %v", tt.period, tt.text, got, err)
		}
	}
}

func TestParseNames(t *testing.T) {
	for k := budget.Cost; k <= budget.Concurrency; k++ {
		if got, err := budget.ParseKind(k.String()); err != nil || got != k {
			t.Errorf("%v reads as %v, %v", k, got, err)
		}
	}
	for p := budget.Hour; p <= budget.Year; p++ {
		if got, err := budget.ParsePeriod(p.String()); err != nil || got != p {
			t.Errorf("%v reads as %v, %v", p, got, err)
		}
	}
	if _, err := budget.ParseKind("money"); err == nil {
		t.Error("money is a kind")
	}
	if _, err := budget.ParsePeriod("monthly"); err == nil {
		t.Error("monthly is a period")
	}
}
