package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite/block"
)

// bucket is what a row of sums is about.
type bucket struct {
	hour                         int64 // its beginning, in seconds
	key, labels, model, provider string
}

// pendingSums are what requests come to that is not stored yet, and up to which blocks
// that tells of them.
type pendingSums struct {
	buckets map[bucket]*bucketSums
	labels  map[string]string // as JSON, by how blocks write them
	scratch []byte
	reach   map[string]reached // by table
	since   time.Time          // when something was stored last
}

type bucketSums struct {
	name string
	record.Sums
}

// reached is a record of a day: the last that sums tell of.
type reached struct {
	seq   int64 // of its block
	count int   // of the records in the block up to it
}

// Sums are stored after a while, which makes the next start after a crash short, or when
// there are many.
const (
	settleAfter = 30 * time.Second
	manyBuckets = 20_000
)

const (
	hourSeconds = int64(time.Hour / time.Second)
	daySeconds  = int64(day / time.Second)
)

func floor(at, to int64) int64 { return at - (at%to+to)%to }

func newPendingSums() pendingSums {
	return pendingSums{buckets: map[bucket]*bucketSums{}, labels: map[string]string{}, reach: map[string]reached{}, since: time.Now()}
}

func (p *pendingSums) due() bool {
	return len(p.buckets) >= manyBuckets || time.Since(p.since) >= settleAfter
}

// reached notes that all records of a day up to the end of its block are in the sums.
func (p *pendingSums) reached(d *openDay) { p.reach[d.table] = reached{d.seq, d.block.Len()} }

func (p *pendingSums) add(r *record.Request) {
	b := bucket{floor(r.At.Unix(), hourSeconds), r.Key, p.labelsOf(r), r.Sent, r.Provider}
	if b.model == "" {
		b.model = r.Asked
	}
	b.model = strings.ToValidUTF8(b.model, "\ufffd") // callers name it as they like
	sum := p.buckets[b]
	if sum == nil {
		sum = &bucketSums{}
		p.buckets[b] = sum
	}
	sum.name = r.Name
	times := 1 + r.Repeated
	sum.Requests += times
	switch r.Outcome {
	case "refused":
		sum.Refused += times
	case "failed", "aborted":
		sum.Failed += times
	}
	sum.Tokens = sum.Tokens.Plus(r.Tokens)
	sum.Cost = sum.Cost.Add(r.Cost)
	if r.Price == "unknown" {
		sum.Unpriced += times
	}
	sum.Duration += time.Duration(times) * r.Duration // of those that are not kept about as long
}

// labelsOf gives labels as JSON, equal ones alike.
func (p *pendingSums) labelsOf(r *record.Request) string {
	if len(r.Labels) == 0 {
		return "{}"
	}
	p.scratch = block.AppendLabels(p.scratch[:0], r.Labels)
	if text, ok := p.labels[string(p.scratch)]; ok {
		return text
	}
	text, _ := json.Marshal(r.Labels) // in the order of names; texts can always be written
	p.labels[string(p.scratch)] = string(text)
	return string(text)
}

// settle stores the sums that are not stored yet.
func (s *requests) settle(ctx context.Context) error {
	if len(s.sums.reach) == 0 {
		s.sums.since = time.Now()
		return nil
	}
	err := s.file.write(ctx, written, func(t *tx) error {
		for b, sum := range s.sums.buckets {
			if err := t.addSums(b, sum); err != nil {
				return err
			}
		}
		if err := t.addTotals(s.sums.buckets); err != nil {
			return err
		}
		for table, r := range s.sums.reach {
			if err := t.do("INSERT INTO summed (day, seq, count) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, count = excluded.count",
				table, r.seq, r.count); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.sums = newPendingSums()
	}
	return err
}

// recount makes the sums of what is in blocks that are not summed up.
func (s *requests) recount(t *tx) error {
	days, err := t.days()
	if err != nil {
		return err
	}
	for _, table := range days {
		var from reached
		err := t.row("SELECT seq, count FROM summed WHERE day = ?", []any{table}, &from.seq, &from.count)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := s.recountDay(t, table, from); err != nil {
			return err
		}
	}
	return nil
}

func (s *requests) recountDay(t *tx, table string, from reached) error {
	var blocks []reached
	err := t.rows("SELECT seq, count FROM "+table+" WHERE seq >= ? ORDER BY seq", []any{from.seq}, func(scan func(...any) error) error {
		var b reached
		err := scan(&b.seq, &b.count)
		blocks = append(blocks, b)
		return err
	})
	if err != nil {
		return err
	}
	for _, at := range blocks {
		known := 0
		if at.seq == from.seq {
			known = from.count
		}
		if known == at.count {
			continue
		}
		b, err := t.block(table, at.seq)
		if err != nil {
			return err
		}
		if err := b.Each(known, func(r *record.Request) error { s.sums.add(r); return nil }); err != nil {
			return damagedBlock(table, at.seq, err)
		}
		s.sums.reach[table] = at
	}
	return nil
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

// addTo is the statement that adds figures to those of a table, of which rows are about a time and
// the given columns.
func addTo(table string, about ...string) string {
	var set []string
	for _, f := range figures {
		set = append(set, fmt.Sprintf("%s = %s + excluded.%s", f, f, f))
	}
	if slices.Contains(about, "name") {
		set = append(set, "name = excluded.name")
	}
	columns := slices.Concat([]string{"at"}, about, figures)
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES (?%s) ON CONFLICT DO UPDATE SET %s",
		table, strings.Join(columns, ", "), strings.Repeat(", ?", len(columns)-1), strings.Join(set, ", "))
}

var (
	addToHour = addTo("sums_hour", "key", "labels", "model", "provider", "name")
	addToDay  = addTo("sums_day", "key", "labels", "model", "provider", "name")
)

func (t *tx) addSums(b bucket, sum *bucketSums) error {
	args := sum.row(b)
	if err := t.do(addToHour, args...); err != nil {
		return err
	}
	args[0] = floor(b.hour, daySeconds)
	return t.do(addToDay, args...)
}

// row gives the columns of a row.
func (s *bucketSums) row(b bucket) []any {
	return append([]any{b.hour, b.key, b.labels, b.model, b.provider, s.name}, s.figures()...)
}

// stretch is a stretch of time of which one of the tables tells.
type stretch struct {
	by       string // hour, day: what the name of the table ends in
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
		return []stretch{{"hour", from, to}}
	}
	return []stretch{{"hour", from, first}, {"day", first, last}, {"hour", last, to}}
}

// Sums implements store.Requests.
func (s *requests) Sums(ctx context.Context, q record.SumQuery) (all []record.Sum, err error) {
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
		kept, latest, pending, err := s.moment(t, &q)
		if err != nil {
			return err
		}
		each := func(scan func(...any) error) error {
			sum, err := scanSum(q.By, scan)
			if err == nil {
				all = append(all, *sum)
			}
			return err
		}
		last, err := t.one("SELECT coalesce(max(at), 0) FROM totals_hour")
		if err != nil {
			return err
		}
		if month, ok := ofMonth(&q, from, to, max(last, latest)); ok {
			return t.sumMonth(&q, month, pending, each)
		}
		text, args := sumsText(&q, groups, names, stretches(from, to, kept, hourly), pending)
		return t.rows(text, args, each)
	})
	return all, err
}

// moment begins to read, and gives the hour since when hours are kept, with the rows that are
// not stored at this moment, as JSON, and the latest hour of these.
func (s *requests) moment(t *tx, q *record.SumQuery) (kept, latest int64, pending string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, err = t.one("SELECT since FROM hours_kept"); err != nil {
		return 0, 0, "", err
	}
	rows := [][]any{}
	for b, sum := range s.sums.buckets {
		latest = max(latest, b.hour)
		if q.Key != "" && q.Key != b.key || q.Model != "" && q.Model != b.model || q.Provider != "" && q.Provider != b.provider {
			continue
		}
		if b.hour < kept {
			b.hour = floor(b.hour, daySeconds)
		}
		rows = append(rows, sum.row(b))
	}
	text, err := json.Marshal(rows)
	return kept, latest, string(text), err
}

// pendingRows is the query for the rows that moment gives.
var pendingRows = func() string {
	columns := append([]string{"at", "key", "labels", "model", "provider", "name"}, figures...)
	for i, name := range columns {
		columns[i] = fmt.Sprintf("json_extract(value, '$[%d]') AS %s", i, name)
	}
	return "SELECT * FROM (SELECT " + strings.Join(columns, ", ") + ", 1 AS later FROM json_each(?))"
}()

// totalColumns sums up the figures.
var totalColumns = func() string {
	var all []string
	for _, f := range figures {
		all = append(all, "sum("+f+") AS total_"+f)
	}
	return strings.Join(all, ", ")
}()

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
func sumsText(q *record.SumQuery, groups []string, groupArgs []any, over []stretch, pending string) (string, []any) {
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
	columns += "name, max(2 * at + later), " + totalColumns // the name of the last
	var rows []string
	read := from(q)
	for _, s := range over {
		text, some := read(s)
		rows, args = append(rows, text), append(args, some...)
	}
	rows = append(rows, pendingRows+" WHERE at >= ? AND at < ?")
	args = append(args, pending, over[0].from, over[len(over)-1].to)
	text := "SELECT " + columns + " FROM (" + strings.Join(rows, " UNION ALL ") + ")" + sel.where()
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

// labels adds conditions on a column of labels in JSON.
func (s *selection) labels(want map[string]string) {
	for _, name := range labelNames(want) {
		s.add("EXISTS (SELECT 1 FROM json_each(labels) WHERE json_each.key = ? AND json_each.value = ?)", name, want[name])
	}
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
