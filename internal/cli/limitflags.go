package cli

import (
	"fmt"
	"maps"
	"slices"

	"tollgate/api/admin"
)

// limitFlags are the limits of a key.
type limitFlags struct {
	Cost        []string `group:"limit" sep:"none" placeholder:"AMOUNT" help:"US dollars: 200/month, 20/day@Europe/Berlin, 5 (for life)."`
	Tokens      []string `group:"limit" sep:"none" placeholder:"AMOUNT" help:"Tokens of the models: 5M/week, 100k/60s, '1M/day for gpt-5*'."`
	Requests    []string `group:"limit" sep:"none" placeholder:"AMOUNT" help:"Requests: 1000/day, 60/min (in any 60 seconds), 500."`
	RPM         []string `group:"limit" name:"rpm" sep:"none" placeholder:"N" help:"Requests in any 60 seconds: the same as --requests N/60s."`
	Concurrency []string `group:"limit" sep:"none" placeholder:"N" help:"Requests at the same time."`
	Timezone    string   `group:"limit" placeholder:"ZONE" help:"Time zone of windows of the calendar and of dates; the default is UTC."`
}

// help of commands that take limits.
const windowHelp = `
WINDOW is when a limit counts anew:

    hour day week month quarter year   from the calendar, in --timezone or @ZONE;
                                       month:15, week:sunday, year:04-06 begin elsewhere
    60s 30m 5h 30d min                 sliding: any such stretch of time, exactly
    fixed:5h                           one such stretch after the other
    (none)                             for life

AMOUNT takes k, M and B for thousands, millions and billions.`

// limits reads the flags, every one of which is checked.
func (f *limitFlags) limits() ([]written, error) {
	if f.Timezone != "" {
		if err := checkZone(f.Timezone); err != nil {
			return nil, usageError("--timezone: " + err.Error())
		}
	}
	var all []written
	read := func(flag, kind string, texts []string) error {
		for _, text := range texts {
			w, err := parseLimit(kind, text, f.Timezone)
			if err != nil {
				return usageError(fmt.Sprintf("--%s %v", flag, err))
			}
			if flag == "rpm" {
				if w.Window != nil {
					return usageError(fmt.Sprintf("--rpm %q: it always counts the last 60 seconds: write --rpm 60, or --requests 1000/day", brief(text)))
				}
				w.Window = &admin.Window{Sliding: "60s"}
			}
			for i := range all {
				if all[i].Kind == kind && sameWindow(all[i].Window, w.Window) && slices.Equal(all[i].Models, w.Models) {
					return usageError(fmt.Sprintf("--%s %q: there are two such limits; give one", flag, brief(text)))
				}
			}
			all = append(all, w)
		}
		return nil
	}
	for _, of := range []struct {
		flag, kind string
		texts      []string
	}{
		{"cost", "cost", f.Cost}, {"tokens", "tokens", f.Tokens}, {"requests", "requests", f.Requests},
		{"rpm", "requests", f.RPM}, {"concurrency", "concurrency", f.Concurrency},
	} {
		if err := read(of.flag, of.kind, of.texts); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// bare gives the limits without what is only known of how they were written.
func bare(all []written) []admin.Limit {
	var list []admin.Limit
	for i := range all {
		list = append(list, all[i].Limit)
	}
	return list
}

// standing makes the table of limits as they stand.
func (s *session) standing(limits []admin.Limit) *table {
	t := newTable("LIMIT", "KIND", ">AMOUNT", "WINDOW", ">SPENT", ">RESERVED", ">REMAINING", "RESETS", "MODELS")
	for i := range limits {
		l := &limits[i]
		row := []string{limitName(l), l.Kind, amountText(l.Kind, l.Amount), windowText(l.Window), "", "", "", "", modelsOf(l)}
		if l.Standing != nil {
			row[4], row[5], row[6] = amountText(l.Kind, l.Spent), amountText(l.Kind, l.Reserved), amountText(l.Kind, l.Remaining)
			row[7] = s.resets(l)
			if l.Overrun != nil && l.Overrun.Text != "" {
				row[4] += " (+" + amountText(l.Kind, *l.Overrun) + " overrun)"
			}
		}
		if l.Kind == "concurrency" {
			row[3] = "-"
		}
		t.add(row...)
	}
	return t
}

// resets tells when a limit counts anew.
func (s *session) resets(l *admin.Limit) string {
	switch {
	case l.Kind == "concurrency":
		return "-"
	case l.Window != nil && l.Window.Sliding != "":
		return "slides"
	}
	return moment(l.ResetsAt, s.now, "never")
}

func limitName(l *admin.Limit) string {
	if l.Name == "" {
		return l.ID
	}
	return l.Name + " (" + l.ID + ")"
}

func modelsOf(l *admin.Limit) string {
	if len(l.Models) == 0 {
		return "all"
	}
	return joined(l.Models)
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
