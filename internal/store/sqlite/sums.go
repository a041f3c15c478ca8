package sqlite

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"tollgate/internal/record"
)

// bucket is what a row of sums is about.
type bucket struct {
	hour                         int64 // its beginning, in seconds
	key, labels, model, provider string
}

// sumsOf collects what requests come to, before it is added to what is stored.
type sumsOf map[bucket]*bucketSums

type bucketSums struct {
	name string
	record.Sums
}

const (
	hourSeconds = int64(time.Hour / time.Second)
	daySeconds  = int64(day / time.Second)
)

func floor(at, to int64) int64 { return at - (at%to+to)%to }

func (s sumsOf) add(r *record.Request) error {
	labels, err := labelsOf(r)
	if err != nil {
		return err
	}
	b := bucket{floor(r.At.Unix(), hourSeconds), r.Key, labels, r.Sent, r.Provider}
	if b.model == "" {
		b.model = r.Asked
	}
	sum := s[b]
	if sum == nil {
		sum = &bucketSums{}
		s[b] = sum
	}
	sum.name = r.Name
	sum.Requests++
	switch r.Outcome {
	case "refused":
		sum.Refused++
	case "failed", "aborted":
		sum.Failed++
	}
	sum.Tokens = plus(sum.Tokens, r.Tokens)
	sum.Cost = sum.Cost.Add(r.Cost)
	if r.Price == "unknown" {
		sum.Unpriced++
	}
	sum.Duration += r.Duration
	return nil
}

func plus(a, b record.Tokens) record.Tokens {
	return record.Tokens{
		Input: a.Input + b.Input, Output: a.Output + b.Output, CacheRead: a.CacheRead + b.CacheRead, CacheWrite: a.CacheWrite + b.CacheWrite,
		Reasoning: a.Reasoning + b.Reasoning, InputAudio: a.InputAudio + b.InputAudio, OutputAudio: a.OutputAudio + b.OutputAudio,
	}
}

// figures are the columns that are summed, in the order of figuresOf.
var figures = []string{
	"requests", "refused", "failed", "input", "output", "cache_read", "cache_write", "reasoning", "input_audio", "output_audio", "cost", "unpriced", "duration",
}

func figuresOf(s *record.Sums) []any {
	return []any{
		&s.Requests, &s.Refused, &s.Failed, &s.Tokens.Input, &s.Tokens.Output, &s.Tokens.CacheRead, &s.Tokens.CacheWrite,
		&s.Tokens.Reasoning, &s.Tokens.InputAudio, &s.Tokens.OutputAudio, (*int64)(&s.Cost), &s.Unpriced, (*int64)(&s.Duration),
	}
}

// addTo is the statement that adds figures to those of a table.
func addTo(table string) string {
	set := "name = excluded.name"
	for _, f := range figures {
		set += fmt.Sprintf(", %s = %s + excluded.%s", f, f, f)
	}
	return fmt.Sprintf("INSERT INTO %s (at, key, labels, model, provider, name, %s) VALUES (?, ?, ?, ?, ?, ?%s) ON CONFLICT DO UPDATE SET %s",
		table, strings.Join(figures, ", "), strings.Repeat(", ?", len(figures)), set)
}

var addToHour, addToDay = addTo("sums_hour"), addTo("sums_day")

func (s sumsOf) store(t *tx) error {
	for b, sum := range s {
		args := []any{b.hour, b.key, b.labels, b.model, b.provider, sum.name}
		for _, f := range figuresOf(&sum.Sums) {
			args = append(args, *f.(*int64))
		}
		if err := t.do(addToHour, args...); err != nil {
			return err
		}
		args[0] = floor(b.hour, daySeconds)
		if err := t.do(addToDay, args...); err != nil {
			return err
		}
	}
	return nil
}

// stretch is a stretch of time of which one of the tables tells.
type stretch struct {
	table    string
	from, to int64
}

// stretches divides the hours that begin in [from, to) among the tables: days where only
// days are kept, and whole days also where nobody asks for hours.
func stretches(from, to, kept int64, hourly bool) []stretch {
	from = floor(from, hourSeconds)
	if from < kept {
		from = floor(from, daySeconds)
	}
	if to < kept {
		to = -floor(-to, daySeconds)
	}
	first, last := -floor(-from, daySeconds), floor(to, daySeconds) // whole days
	if hourly {
		last = min(last, kept)
	}
	if first >= last {
		return []stretch{{"sums_hour", from, to}}
	}
	return []stretch{{"sums_hour", from, first}, {"sums_day", first, last}, {"sums_hour", last, to}}
}

// Sums implements store.Requests.
func (s requests) Sums(ctx context.Context, q record.SumQuery) (all []record.Sum, err error) {
	groups, names, hourly, err := groupsOf(q.By)
	if err != nil {
		return nil, err
	}
	from, to := int64(0), int64(math.MaxInt64-2*daySeconds)
	if !q.From.IsZero() {
		from = q.From.Unix()
	}
	if !q.To.IsZero() {
		to = q.To.Add(time.Second - 1).Unix()
	}
	err = s.file.read(ctx, func(t *tx) error {
		kept, err := t.one("SELECT since FROM hours_kept")
		if err != nil {
			return err
		}
		text, args := sumsText(&q, groups, names, stretches(from, to, kept, hourly))
		return t.rows(text, args, func(scan func(...any) error) error {
			sum, err := scanSum(q.By, scan)
			if err == nil {
				all = append(all, *sum)
			}
			return err
		})
	})
	return all, err
}

// groupsOf gives the SQL of what is grouped by, and the arguments in it.
func groupsOf(by []record.Grouping) (groups []string, args []any, hourly bool, err error) {
	for _, g := range by {
		switch g {
		case record.ByKey, record.ByModel, record.ByProvider:
			groups = append(groups, string(g))
		case record.ByHour:
			hourly = true
			groups = append(groups, "at")
		case record.ByDay:
			groups = append(groups, fmt.Sprintf("at - at %% %d", daySeconds))
		default:
			name, ok := strings.CutPrefix(string(g), "label.")
			if !ok || name == "" {
				return nil, nil, false, fmt.Errorf("sums cannot be made by %q: use key, model, provider, hour, day or label.NAME", g)
			}
			groups = append(groups, "coalesce((SELECT value FROM json_each(labels) WHERE json_each.key = ?), '')")
			args = append(args, name)
		}
	}
	return groups, args, hourly, nil
}

// sumsText is the query for sums over some stretches.
func sumsText(q *record.SumQuery, groups []string, groupArgs []any, over []stretch) (string, []any) {
	var sel selection
	sel.is("key", q.Key)
	sel.is("model", q.Model)
	sel.is("provider", q.Provider)
	sel.labels(q.Label)

	args := append([]any(nil), groupArgs...)
	columns := ""
	for i, g := range groups {
		columns += fmt.Sprintf("%s AS g%d, ", g, i)
	}
	columns += "name, max(at)" // the name of the last
	for _, f := range figures {
		columns += ", sum(" + f + ") AS total_" + f
	}
	var from []string
	for _, s := range over {
		from = append(from, "SELECT * FROM "+s.table+" WHERE at >= ? AND at < ?")
		args = append(args, s.from, s.to)
	}
	text := "SELECT " + columns + " FROM (" + strings.Join(from, " UNION ALL ") + ")" + sel.where()
	args = append(args, sel.args...)

	var group, order []string
	for i, by := range q.By {
		name := fmt.Sprintf("g%d", i)
		if group = append(group, name); by == record.ByHour || by == record.ByDay {
			order = append(order, name)
		}
	}
	if len(group) > 0 {
		text += " GROUP BY " + strings.Join(group, ", ")
	}
	text += " HAVING count(*) > 0"
	text += " ORDER BY " + strings.Join(append(append(order, "total_cost DESC"), group...), ", ")
	if q.Max > 0 {
		text += fmt.Sprintf(" LIMIT %d", q.Max)
	}
	return text, args
}

func scanSum(by []record.Grouping, scan func(...any) error) (*record.Sum, error) {
	sum := &record.Sum{}
	values := make([]any, len(by))
	var name string
	var last int64
	into := make([]any, 0, len(by)+2+len(figures))
	for i := range values {
		into = append(into, &values[i])
	}
	into = append(into, &name, &last)
	if err := scan(append(into, figuresOf(&sum.Sums)...)...); err != nil {
		return nil, err
	}
	for i, g := range by {
		if sum.Group == nil {
			sum.Group = make(map[record.Grouping]string, len(by))
		}
		if at, ok := values[i].(int64); ok {
			sum.Group[g] = time.Unix(at, 0).UTC().Format(time.RFC3339)
		} else {
			sum.Group[g] = fmt.Sprint(values[i])
		}
		if g == record.ByKey {
			sum.Name = name
		}
	}
	return sum, nil
}
