package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tollgate/internal/record"
)

// Sums of all keys are kept by hour and day, and those of each key by month, besides the
// sums by which all else is answered: however many keys there are, what is asked for again and
// again is read from few rows.

var (
	addToTotalsHour = addTo("totals_hour", "model", "provider")
	addToTotalsDay  = addTo("totals_day", "model", "provider")
	addToMonth      = addTo("key_months", "key", "name")
)

// total is what a row of totals is about, month what one of the months of a key is.
type (
	total struct {
		hour            int64
		model, provider string
	}
	month struct {
		at  int64
		key string
	}
)

// monthOf is the beginning of the month of an instant, in seconds.
func monthOf(at int64) int64 {
	y, m, _ := time.Unix(at, 0).UTC().Date()
	return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).Unix()
}

// addTotals stores what all the buckets come to.
func (t *tx) addTotals(buckets map[bucket]*bucketSums) error {
	totals, months := map[total]*bucketSums{}, map[month]*bucketSums{}
	last := map[month]int64{} // the hour that the name is of
	for b, sum := range buckets {
		at := total{b.hour, b.model, b.provider}
		if totals[at] == nil {
			totals[at] = &bucketSums{}
		}
		totals[at].plus(&sum.Sums)
		of := month{monthOf(b.hour), b.key}
		if months[of] == nil {
			months[of] = &bucketSums{}
		}
		if months[of].plus(&sum.Sums); b.hour >= last[of] {
			months[of].name, last[of] = sum.name, b.hour
		}
	}
	for at, sum := range totals {
		args := append([]any{at.hour, at.model, at.provider}, sum.figures()...)
		if err := t.do(addToTotalsHour, args...); err != nil {
			return err
		}
		args[0] = floor(at.hour, daySeconds)
		if err := t.do(addToTotalsDay, args...); err != nil {
			return err
		}
	}
	for of, sum := range months {
		if err := t.do(addToMonth, append([]any{of.at, of.key, sum.name}, sum.figures()...)...); err != nil {
			return err
		}
	}
	return nil
}

// plus adds to the figures.
func (s *bucketSums) plus(more *record.Sums) {
	s.Requests += more.Requests
	s.Refused += more.Refused
	s.Failed += more.Failed
	s.Tokens = s.Tokens.Plus(more.Tokens)
	s.Cost = s.Cost.Add(more.Cost)
	s.Unpriced += more.Unpriced
	s.Duration += more.Duration
}

// figures gives the columns that are summed.
func (s *bucketSums) figures() []any {
	all := make([]any, 0, len(figures))
	for _, f := range figuresOf(&s.Sums) {
		all = append(all, *f.(*int64))
	}
	return all
}

// reading is where sums are read from: the query for the rows of a stretch.
type reading func(s stretch) (text string, args []any)

var figureColumns = strings.Join(figures, ", ")

// from chooses where sums are read from.
func from(q *record.SumQuery) reading {
	switch {
	case q.Key != "":
		return ofOneKey(q.Key)
	case len(q.Label) == 0 && !ofKeys(q.By):
		return ofAllKeys
	default:
		return func(s stretch) (string, []any) {
			return "SELECT *, 0 AS later FROM sums_" + s.by + " WHERE at >= ? AND at < ?", []any{s.from, s.to}
		}
	}
}

// ofKeys tells whether it has to do with keys by what sums are grouped.
func ofKeys(by []record.Grouping) bool {
	for _, g := range by {
		switch g {
		case record.ByModel, record.ByProvider, record.ByHour, record.ByDay:
		default:
			return true
		}
	}
	return false
}

func ofAllKeys(s stretch) (string, []any) {
	return "SELECT at, '' AS key, '{}' AS labels, model, provider, '' AS name, " + figureColumns + ", 0 AS later FROM totals_" + s.by +
		" WHERE at >= ? AND at < ?", []any{s.from, s.to}
}

// ofOneKey looks into every hour in which there was anything, because sums are in the order of time.
func ofOneKey(key string) reading {
	return func(s stretch) (string, []any) {
		return fmt.Sprintf("SELECT s.*, 0 AS later FROM (SELECT DISTINCT at FROM totals_%[1]s WHERE at >= ? AND at < ?) AS t CROSS JOIN sums_%[1]s AS s ON s.at = t.at AND s.key = ?", s.by),
			[]any{s.from, s.to, key}
	}
}

// dearest is the query for the keys that cost most in a month. It is one of those that did so by what
// is stored, or has something that is not stored yet.
const dearest = `
WITH pending AS (%[1]s WHERE at >= ? AND at < ?),
among AS (SELECT key FROM (SELECT key FROM key_months WHERE at = ? ORDER BY cost DESC, key LIMIT ?) UNION SELECT key FROM pending)
SELECT key AS g0, name, max(2 * at + later), %[2]s FROM (
	SELECT at, key, name, %[3]s, 0 AS later FROM key_months WHERE at = ? AND key IN (SELECT key FROM among)
	UNION ALL SELECT at, key, name, %[3]s, later FROM pending
) GROUP BY key ORDER BY total_cost DESC, g0 LIMIT ?`

// ofMonth tells whether a query is for the dearest keys of one whole month.
func ofMonth(q *record.SumQuery, from, to, lastHour int64) (int64, bool) {
	if len(q.By) != 1 || q.By[0] != record.ByKey || q.Max <= 0 || q.Key != "" || q.Model != "" || q.Provider != "" || len(q.Label) > 0 {
		return 0, false
	}
	at := monthOf(from)
	next := time.Unix(at, 0).UTC().AddDate(0, 1, 0).Unix()
	return at, from == at && (to == next || to < next && to > lastHour)
}

// sumMonth answers such a query.
func (t *tx) sumMonth(q *record.SumQuery, at int64, pending string, each func(scan func(...any) error) error) error {
	next := time.Unix(at, 0).UTC().AddDate(0, 1, 0).Unix()
	text := fmt.Sprintf(dearest, pendingRows, totalColumns, figureColumns)
	return t.rows(text, []any{pending, at, next, at, q.Max, at, q.Max}, each)
}

// MonthOf implements store.Requests.
func (s *requests) MonthOf(ctx context.Context, at time.Time, keys []string) (map[string]record.Sums, error) {
	wanted, err := json.Marshal(append([]string{}, keys...))
	if err != nil {
		return nil, err
	}
	this := monthOf(at.Unix())
	sums := make(map[string]record.Sums, len(keys))
	err = s.file.read(ctx, func(t *tx) error {
		if err := s.pendingMonth(t, this, keys, sums); err != nil {
			return err
		}
		text := "SELECT key, " + figureColumns + " FROM key_months WHERE at = ? AND key IN (SELECT value FROM json_each(?))"
		return t.rows(text, []any{this, string(wanted)}, func(scan func(...any) error) error {
			var key string
			var stored bucketSums
			if err := scan(append([]any{&key}, figuresOf(&stored.Sums)...)...); err != nil {
				return err
			}
			pending := sums[key]
			stored.plus(&pending)
			sums[key] = stored.Sums
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return sums, nil
}

// pendingMonth begins to read, and fills in what is not stored at this moment.
func (s *requests) pendingMonth(t *tx, month int64, keys []string, sums map[string]record.Sums) error {
	wanted := make(map[string]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := t.one("SELECT since FROM hours_kept"); err != nil {
		return err
	}
	for b, pending := range s.sums.buckets {
		if wanted[b.key] && monthOf(b.hour) == month {
			sum := bucketSums{Sums: sums[b.key]}
			sum.plus(&pending.Sums)
			sums[b.key] = sum.Sums
		}
	}
	return nil
}

// pruneTotals forgets the hours of all keys before one.
func (s *requests) pruneTotals(ctx context.Context, before int64) error {
	return s.file.write(ctx, written, func(t *tx) error { return t.do("DELETE FROM totals_hour WHERE at < ?", before) })
}
