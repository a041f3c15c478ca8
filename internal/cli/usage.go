package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"tollgate/api/admin"
)

type usage struct {
	By       []string          `placeholder:"FIELD" help:"Group by key, model, provider, hour, day, or a label: label.team, or team for short."`
	Key      string            `placeholder:"KEY" help:"Of one key, by id or name."`
	Model    string            `placeholder:"MODEL" help:"Of one model."`
	Provider string            `placeholder:"NAME" help:"Of one provider."`
	Label    map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"Of keys with this label. May be given several times."`
	CSV      bool              `help:"Print CSV, with all columns."`
	period
	remote
}

// Help is shown below the summary.
func (*usage) Help() string {
	return `Without --from and --month: from the beginning of this month.

    tollgate usage --by key --from 7d
    tollgate usage --by team,model --month 2026-10 --csv
    tollgate usage --by day --label env=prod --timezone Europe/Berlin --month 2026-10`
}

// grouping gives the fields to group by in the words of the API: a word that is none of
// its own is the name of a label.
func grouping(by []string) []string {
	var fields []string
	for _, f := range by {
		switch f {
		case "key", "model", "provider", "hour", "day":
		default:
			if !strings.HasPrefix(f, "label.") {
				f = "label." + f
			}
		}
		fields = append(fields, f)
	}
	return fields
}

// Run implements the command.
func (c *usage) Run(ctx context.Context, env *Environment) error {
	f := admin.UsageFilter{GroupBy: grouping(c.By), Key: c.Key, Model: c.Model, Provider: c.Provider, Labels: c.Label}
	var err error
	if f.From, f.To, err = c.span(env.now()); err != nil {
		return err
	}
	if c.CSV && c.Output == "json" {
		return usageError("give either --csv or -o json, not both")
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	if c.CSV {
		body, err := s.UsageCSV(ctx, f)
		if err != nil {
			return s.explain(err)
		}
		defer body.Close()
		if _, err := io.Copy(env.Stdout, body); err != nil {
			return fmt.Errorf("read the sums: %w", err)
		}
		return nil
	}
	sums, err := s.Usage(ctx, f)
	if err != nil {
		return s.explain(err)
	}
	return s.show(sums, func() error { return s.usageTable(f.GroupBy, sums) })
}

func (s *session) usageTable(fields []string, sums *admin.Usage) error {
	if err := line(s.env.Stderr, "From %s to %s", stamp(sums.From), stamp(sums.To)); err != nil {
		return err
	}
	var headings []string
	for _, f := range fields {
		headings = append(headings, strings.ToUpper(strings.TrimPrefix(f, "label.")))
	}
	if len(fields) == 0 {
		headings = append(headings, "")
	}
	t := newTable(append(headings, ">REQUESTS", ">REFUSED", ">FAILED", ">INPUT", ">CACHED", ">OUTPUT", ">COST", ">UNPRICED")...)
	for i := range sums.Groups {
		g := &sums.Groups[i]
		var cells []string
		for _, f := range fields {
			value := g.Group[f]
			switch {
			case f == "key" && g.Name != "":
				value = g.Name
			case value == "":
				value = "(none)"
			}
			cells = append(cells, value)
		}
		if len(fields) > 0 {
			t.add(append(cells, sumsText(&g.UsageSums)...)...)
		}
	}
	s.unknownLabels(fields, sums)
	total := make([]string, max(1, len(fields)))
	total[0] = "total"
	t.add(append(total, sumsText(&sums.Total)...)...)
	return t.write(s.env.Stdout, "")
}

// unknownLabels tells of labels that no key of any group has: they may be misspelt.
func (s *session) unknownLabels(fields []string, sums *admin.Usage) {
	for _, f := range fields {
		name, isLabel := strings.CutPrefix(f, "label.")
		has := func(g admin.UsageGroup) bool { return g.Group[f] != "" }
		if isLabel && len(sums.Groups) > 0 && !slices.ContainsFunc(sums.Groups, has) {
			_ = line(s.env.Stderr, "No key that was used has a label %q.", name)
		}
	}
}

func sumsText(u *admin.UsageSums) []string {
	unpriced := ""
	if u.Unpriced > 0 {
		unpriced = count(u.Unpriced)
	}
	return []string{count(u.Requests), count(u.Refused), count(u.Failed), count(u.InputTokens), count(u.CachedInputTokens), count(u.OutputTokens), dollarsBriefly(u.CostUSD), unpriced}
}
