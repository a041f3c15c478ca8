package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/record"
	"tollgate/internal/spelling"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

const (
	maxGroups    = 10_000 // of one answer
	maxGroupings = 4
)

var groupings = []string{string(record.ByKey), string(record.ByModel), string(record.ByProvider), string(record.ByHour), string(record.ByDay)}

// Usage sums up requests over a period: this month, if none is given.
func (c *Control) Usage(ctx context.Context, _ Call, f admin.UsageFilter) (*admin.Usage, error) {
	q, err := c.sumQuery(ctx, &f)
	if err != nil {
		return nil, err
	}
	if q.Max = maxGroups + 1; f.Limit > 0 {
		q.Max = f.Limit
	}
	sums, err := c.parts.Store.Requests().Sums(ctx, q)
	if err != nil {
		return nil, asError(fmt.Errorf("sum up requests: %w", err))
	}
	all := sums
	if len(sums) == f.Limit && f.Limit > 0 { // there may be more
		whole := q
		whole.By, whole.Max = nil, 0
		if all, err = c.parts.Store.Requests().Sums(ctx, whole); err != nil {
			return nil, asError(fmt.Errorf("sum up requests: %w", err))
		}
	}
	if len(sums) > maxGroups {
		var p problems
		p.add("group_by", "makes more than %d groups: ask for the dearest with limit, or take a shorter period, days for hours, or fewer groupings", maxGroups)
		return nil, p.err()
	}
	out := &admin.Usage{From: q.From, To: q.To, Groups: []admin.UsageGroup{}}
	var total record.Sums
	for i := range all {
		total = plus(total, &all[i].Sums)
	}
	for i := range sums {
		if len(q.By) > 0 {
			out.Groups = append(out.Groups, groupForm(&sums[i]))
		}
	}
	out.Total = sumsForm(&total)
	return out, nil
}

// KeyUsage is Usage of one key, by its id or its name.
func (c *Control) KeyUsage(ctx context.Context, call Call, ref string, f admin.UsageFilter) (*admin.Usage, error) {
	f.Key = ref
	return c.Usage(ctx, call, f)
}

// sumQuery checks a filter.
func (c *Control) sumQuery(ctx context.Context, f *admin.UsageFilter) (record.SumQuery, error) {
	var p problems
	q := record.SumQuery{Label: f.Labels, Model: f.Model, Provider: f.Provider}
	q.From, q.To = p.period(f.From, f.To, c.parts.Now())
	if f.Limit < 0 || f.Limit > maxGroups {
		p.add("limit", "is not between 1 and %d", maxGroups)
	}
	if len(f.GroupBy) > maxGroupings {
		p.add("group_by", "has %d groupings; %d are allowed", len(f.GroupBy), maxGroupings)
	}
	for i, by := range f.GroupBy {
		path := fmt.Sprintf("group_by[%d]", i)
		p.grouping(path, by)
		for _, before := range f.GroupBy[:i] {
			if before == by {
				p.add(path, "%s stands here twice", shown(by))
			}
		}
		q.By = append(q.By, record.Grouping(by))
	}
	if err := p.err(); err != nil {
		return q, err
	}
	var err error
	q.Key, err = c.keyID(ctx, f.Key)
	return q, err
}

// period completes a period, which is that of the month so far.
func (p *problems) period(from, to, now time.Time) (time.Time, time.Time) {
	if to.IsZero() {
		to = now
	}
	if from.IsZero() {
		from = startOfMonth(to.Add(-1))
	}
	if !from.Before(to) {
		p.add("from", "is not before the end of the period, %s", to.UTC().Format(time.RFC3339))
	}
	return from.UTC(), to.UTC()
}

func startOfMonth(t time.Time) time.Time {
	y, m, _ := t.UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

func startOfDay(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

func (p *problems) grouping(path, by string) {
	if label, ok := strings.CutPrefix(by, labelPrefix); ok {
		if !labelName.MatchString(label) {
			p.add(path, "%s is no name of a label: 1 to 63 letters, digits, dots, dashes and underscores", shown(label))
		}
		return
	}
	for _, known := range groupings {
		if by == known {
			return
		}
	}
	near := spelling.Nearest(by, groupings)
	if near == "" && labelName.MatchString(by) {
		near = labelPrefix + by
	}
	p.suggest(path, near, "%s is none of %s, %sNAME", shown(by), strings.Join(groupings, ", "), labelPrefix)
}

// keyID finds the id of the key that a filter names by its id or its name. The history
// of a key that is gone stays readable under its id.
func (c *Control) keyID(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	var k *vkey.Key
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		k, err = keyOf(tx, ref)
		return err
	})
	switch {
	case err == nil:
		return k.ID, nil
	case errors.Is(err, store.ErrNotFound) && idShape.MatchString(ref):
		return ref, nil
	default:
		return "", asError(err)
	}
}

// plus adds up the figures of two groups.
func plus(a record.Sums, b *record.Sums) record.Sums {
	a.Requests += b.Requests
	a.Refused += b.Refused
	a.Failed += b.Failed
	a.Tokens = a.Tokens.Plus(b.Tokens)
	a.Cost = a.Cost.Add(b.Cost)
	a.Unpriced += b.Unpriced
	a.Duration += b.Duration
	return a
}

func groupForm(s *record.Sum) admin.UsageGroup {
	g := admin.UsageGroup{Group: make(map[string]string, len(s.Group)), Name: s.Name, UsageSums: sumsForm(&s.Sums)}
	for by, value := range s.Group {
		g.Group[string(by)] = value
	}
	return g
}

func sumsForm(s *record.Sums) admin.UsageSums {
	out := admin.UsageSums{
		Requests: s.Requests, Refused: s.Refused, Failed: s.Failed, InputTokens: s.Tokens.Input, OutputTokens: s.Tokens.Output,
		CachedInputTokens: s.Tokens.CacheRead, ReasoningTokens: s.Tokens.Reasoning, CostUSD: s.Cost.String(), Unpriced: s.Unpriced,
	}
	if s.Requests > 0 {
		out.MeanSeconds = seconds(s.Duration / time.Duration(s.Requests))
	}
	return out
}

// seconds writes a duration to the microsecond.
func seconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e6 }
