package budget

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ParseKind reads the name of a kind.
func ParseKind(s string) (Kind, error) {
	for k := Cost; k <= Concurrency; k++ {
		if k.String() == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q is no kind of limit: use cost, tokens, requests or concurrency", s)
}

// ParsePeriod reads the name of a period.
func ParsePeriod(s string) (Period, error) {
	for p := Hour; p <= Year; p++ {
		if p.String() == s {
			return p, nil
		}
	}
	return 0, fmt.Errorf("%q is no period: use hour, day, week, month, quarter or year", s)
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// ParseAnchor reads the first day of a period as people write it: a day of the week
// ("sunday"), of the month ("15"), or month and day of the quarter or year ("04-06").
// Nothing leaves it where the calendar has it.
func ParseAnchor(p Period, text string) (Anchor, error) {
	if text == "" {
		return Anchor{}, nil
	}
	switch p {
	case Week:
		if i := slices.Index(weekdays, strings.ToLower(text)); i >= 0 {
			return Anchor{Day: i + 1}, nil
		}
		return Anchor{}, fmt.Errorf("%q is no day of the week, such as sunday", text)
	case Month:
		if day, ok := within(text, 31); ok {
			return Anchor{Day: day}, nil
		}
		return Anchor{}, fmt.Errorf("%q is no day of the month, such as 15", text)
	case Quarter, Year:
		months := 12
		if p == Quarter {
			months = 3
		}
		first, second, _ := strings.Cut(text, "-")
		month, okMonth := within(first, months)
		day, okDay := within(second, 31)
		if okMonth && okDay {
			return Anchor{Month: month, Day: day}, nil
		}
		return Anchor{}, fmt.Errorf("%q is no month and day of the %v, such as 02-15", text, p)
	default:
		return Anchor{}, fmt.Errorf("the beginning of a %v cannot be moved", p)
	}
}

// within reads a number from 1 to most.
func within(text string, most int) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 8)
	return int(n), err == nil && n >= 1 && n <= uint64(most)
}
