package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tollgate/internal/record"
	"tollgate/internal/store"
)

// requests implements store.Requests.
type requests struct{ file *file }

// The requests of a day have a table of their own, so that a day is forgotten by dropping it.
const (
	dayPrefix = "requests_"
	dayFormat = "20060102"
	day       = 24 * time.Hour
)

func dayTable(at time.Time) string { return dayPrefix + at.UTC().Format(dayFormat) }

// %s is the name of a table of a day. The rows with an answer that was an error are few, so
// that their index costs little.
const createDay = `
CREATE TABLE IF NOT EXISTS %[1]s (
	id       TEXT    PRIMARY KEY,
	at       INTEGER NOT NULL, -- microseconds since 1970
	key      TEXT    NOT NULL,
	asked    TEXT    NOT NULL,
	sent     TEXT    NOT NULL,
	provider TEXT    NOT NULL,
	outcome  TEXT    NOT NULL,
	code     TEXT    NOT NULL,
	status   INTEGER NOT NULL,
	refusal  TEXT    NOT NULL, -- id of the limit that refused
	labels   TEXT    NOT NULL, -- JSON
	doc      TEXT    NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS %[1]s_at     ON %[1]s (at, id);
CREATE INDEX IF NOT EXISTS %[1]s_key    ON %[1]s (key, at, id);
CREATE INDEX IF NOT EXISTS %[1]s_failed ON %[1]s (at, id, status) WHERE status >= 400`

// Append implements store.Requests.
func (s requests) Append(ctx context.Context, all []record.Request) error {
	err := s.file.write(ctx, written, func(t *tx) error {
		made := map[string]bool{}
		sums := sumsOf{}
		for i := range all {
			r := &all[i]
			table := dayTable(r.At)
			if !made[table] {
				if err := t.script(fmt.Sprintf(createDay, table)); err != nil {
					return err
				}
				made[table] = true
			}
			fresh, err := t.insertRequest(table, r)
			if err != nil {
				return err
			}
			if fresh {
				if err := sums.add(r); err != nil {
					return err
				}
			}
		}
		return sums.store(t)
	})
	if err != nil {
		return fmt.Errorf("store %d request records: %w", len(all), err)
	}
	return nil
}

// script runs statements that are not worth keeping.
func (t *tx) script(text string) error { return t.check(t.conn.exec(t.ctx, text)) }

// insertRequest tells whether the record was not there yet.
func (t *tx) insertRequest(table string, r *record.Request) (fresh bool, err error) {
	doc, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("write request %s: %w", r.ID, err)
	}
	labels, err := labelsOf(r)
	if err != nil {
		return false, err
	}
	refusal := ""
	if r.Refusal != nil {
		refusal = r.Refusal.Limit
	}
	n, err := t.exec("INSERT INTO "+table+` (id, at, key, asked, sent, provider, outcome, code, status, refusal, labels, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		r.ID, micros(r.At), r.Key, r.Asked, r.Sent, r.Provider, r.Outcome, r.Code, r.Status, refusal, labels, string(doc))
	return n == 1, err
}

// labelsOf gives labels as JSON, equal ones alike.
func labelsOf(r *record.Request) (string, error) {
	if len(r.Labels) == 0 {
		return "{}", nil
	}
	b, err := json.Marshal(r.Labels) // in the order of names
	if err != nil {
		return "", fmt.Errorf("write the labels of request %s: %w", r.ID, err)
	}
	return string(b), nil
}

// days gives the tables of days, the last day first.
func (t *tx) days() (all []string, err error) {
	const text = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'requests_[0-9]*' ORDER BY name DESC"
	err = t.rows(text, nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		all = append(all, name)
		return err
	})
	return all, err
}

// Get implements store.Requests.
func (s requests) Get(ctx context.Context, id string) (r *record.Request, err error) {
	err = s.file.read(ctx, func(t *tx) error {
		days, err := t.days()
		if err != nil {
			return err
		}
		for _, table := range days {
			found, err := t.requests("SELECT doc FROM "+table+" WHERE id = ?", []any{id})
			if err != nil {
				return err
			}
			if len(found) == 1 {
				r = &found[0]
				return nil
			}
		}
		return store.ErrNotFound
	})
	return r, err
}

// requests reads the records of a query.
func (t *tx) requests(text string, args []any) (all []record.Request, err error) {
	err = t.rows(text, args, func(scan func(...any) error) error {
		var doc []byte
		if err := scan(&doc); err != nil {
			return err
		}
		var r record.Request
		if err := json.Unmarshal(doc, &r); err != nil {
			return fmt.Errorf("read a request record: %w: %w", ErrCorrupt, err)
		}
		all = append(all, r)
		return nil
	})
	return all, err
}

// List implements store.Requests.
func (s requests) List(ctx context.Context, q record.Query) (page []record.Request, next string, err error) {
	sel, err := selectRequests(&q)
	if err != nil {
		return nil, "", err
	}
	after, err := parseCursor(q.Cursor, newestFirst)
	if err != nil {
		return nil, "", err
	}
	first, last := "", "~" // all names of tables are between
	if !q.From.IsZero() {
		first = dayTable(q.From)
	}
	if !q.To.IsZero() {
		last = dayTable(q.To)
	}
	if after != nil {
		sel.add("(at, id) < (?, ?)", after.Time, after.ID)
		last = min(last, dayTable(fromMicros(after.Time)))
	}
	max := pageOf(q.Max)
	err = s.file.read(ctx, func(t *tx) error {
		days, err := t.days()
		if err != nil {
			return err
		}
		for _, table := range days {
			if table < first || table > last {
				continue
			}
			text := fmt.Sprintf("SELECT doc FROM %s%s ORDER BY at DESC, id DESC LIMIT %d", table, sel.where(), max+1-len(page))
			found, err := t.requests(text, sel.args)
			if err != nil {
				return err
			}
			if page = append(page, found...); len(page) > max {
				return nil
			}
		}
		return nil
	})
	if len(page) > max {
		page = page[:max]
		next = cursor{Order: newestFirst, Time: micros(page[max-1].At), ID: page[max-1].ID}.String()
	}
	return page, next, err
}

func selectRequests(q *record.Query) (*selection, error) {
	s := &selection{}
	s.is("key", q.Key)
	if q.Model != "" {
		s.add("(asked = ? OR sent = ?)", q.Model, q.Model)
	}
	s.is("provider", q.Provider)
	s.is("outcome", q.Outcome)
	s.is("code", q.Code)
	s.is("refusal", q.Limit)
	s.labels(q.Label)
	s.between("at", q.From, q.To)
	from, to := q.Status, q.Status+1
	switch {
	case q.Status == 0:
		return s, nil
	case q.Status >= 1 && q.Status <= 9:
		from, to = 100*q.Status, 100*q.Status+100
	case q.Status < 100 || q.Status > 999:
		return nil, fmt.Errorf("%d is no status: use three digits, or the first of them", q.Status)
	}
	s.add("status >= ? AND status < ?", from, to)
	if from >= 400 {
		s.add("status >= 400") // allows the small index
	}
	return s, nil
}

// labels adds conditions on a column of labels in JSON.
func (s *selection) labels(want map[string]string) {
	for _, name := range labelNames(want) {
		s.add("EXISTS (SELECT 1 FROM json_each(labels) WHERE json_each.key = ? AND json_each.value = ?)", name, want[name])
	}
}

// Prune implements store.Requests.
func (s requests) Prune(ctx context.Context, keep record.Retention, now time.Time) error {
	var days []string
	err := s.file.read(ctx, func(t *tx) (err error) {
		days, err = t.days()
		return err
	})
	for _, table := range days {
		begin, wrong := time.Parse(dayFormat, strings.TrimPrefix(table, dayPrefix))
		if err != nil || wrong != nil || keep.Requests <= 0 || begin.Add(day).After(now.Add(-keep.Requests)) {
			continue
		}
		err = s.file.write(ctx, written, func(t *tx) error { return t.script("DROP TABLE " + table) })
	}
	if err == nil && keep.Hours > 0 {
		err = s.pruneHours(ctx, now.Add(-keep.Hours).UTC().Truncate(day).Unix())
	}
	if err != nil {
		return fmt.Errorf("prune the request records: %w", err)
	}
	return nil
}

// pruneHours forgets the hours before one at which a day begins, a day at a time, so that
// nobody waits long.
func (s requests) pruneHours(ctx context.Context, before int64) error {
	for more := true; more; {
		err := s.file.write(ctx, written, func(t *tx) error {
			if err := t.do("UPDATE hours_kept SET since = max(since, ?)", before); err != nil {
				return err
			}
			gone, err := t.exec("DELETE FROM sums_hour WHERE at < ? AND at < (SELECT min(at) FROM sums_hour) + ?", before, int64(day/time.Second))
			more = gone > 0
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
