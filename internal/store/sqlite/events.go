package sqlite

import (
	"fmt"
	"time"

	"tollgate/internal/audit"
	"tollgate/internal/store"
)

// events implements store.Events.
type events struct{ *tx }

func (s events) Append(e *audit.Event) error {
	var tip audit.Mark
	var line []byte
	switch err := s.row("SELECT line FROM events ORDER BY seq DESC LIMIT 1", nil, &line); {
	case err == store.ErrNotFound:
	case err != nil:
		return err
	default:
		last, err := audit.Decode(line)
		if err != nil {
			return fmt.Errorf("read the last audit event: %w", err)
		}
		tip = last.Mark()
	}
	e.Seq = tip.Seq + 1
	audit.Seal(e, tip.Hash)
	text, err := audit.Encode(e)
	if err != nil {
		return err
	}
	return s.do(`INSERT INTO events (seq, at, actor_id, actor_name, action, target_kind, target_id, key_id, outcome, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(e.Seq), micros(e.At), e.Actor.ID, e.Actor.Name, e.Action, e.Target.Kind, e.Target.ID, e.Target.KeyID, string(e.Outcome), string(text))
}

// event reads the event of a row. Its number is that of the row, whatever the line says,
// so that an exchanged line is found out.
func event(seq uint64, line []byte) (*audit.Event, error) {
	e, err := audit.Decode(line)
	if err != nil {
		return nil, fmt.Errorf("audit event %d: %w", seq, err)
	}
	e.Seq = seq
	return e, nil
}

func (s events) Get(seq uint64) (*audit.Event, error) {
	var line []byte
	if err := s.row("SELECT line FROM events WHERE seq = ?", []any{int64(seq)}, &line); err != nil {
		return nil, err
	}
	return event(seq, line)
}

const newestFirst = "newest"

func (s events) List(q audit.Query) (page []*audit.Event, next string, err error) {
	var sel selection
	if q.Actor != "" {
		sel.add("(actor_id = ? OR actor_name = ?)", q.Actor, q.Actor)
	}
	sel.is("action", q.Action)
	sel.is("target_kind", q.TargetKind)
	sel.is("target_id", q.TargetID)
	if q.Related != "" {
		sel.add("seq IN (SELECT seq FROM events WHERE target_id = ? UNION SELECT seq FROM events WHERE key_id = ? AND key_id <> '')", q.Related, q.Related)
	}
	sel.is("outcome", string(q.Outcome))
	sel.between("at", q.From, q.To)
	c, err := parseCursor(q.Cursor, newestFirst)
	if err != nil {
		return nil, "", err
	}
	if c != nil {
		sel.add("seq < ?", c.Time)
	}
	max := pageOf(q.Max)
	page, err = s.read(fmt.Sprintf("SELECT seq, line FROM events%s ORDER BY seq DESC LIMIT %d", sel.where(), max+1), sel.args)
	if len(page) > max {
		page = page[:max]
		next = cursor{Order: newestFirst, Time: int64(page[max-1].Seq)}.String()
	}
	return page, next, err
}

func (s events) read(text string, args []any) (all []*audit.Event, err error) {
	err = s.rows(text, args, func(scan func(...any) error) error {
		var seq uint64
		var line []byte
		if err := scan(&seq, &line); err != nil {
			return err
		}
		e, err := event(seq, line)
		all = append(all, e)
		return err
	})
	return all, err
}

func (s events) Each(from uint64, fn func(*audit.Event) error) error {
	const some = 1024
	for {
		page, err := s.read("SELECT seq, line FROM events WHERE seq >= ? ORDER BY seq LIMIT ?", []any{int64(from), some})
		if err != nil {
			return err
		}
		for _, e := range page {
			if err := fn(e); err != nil {
				return err
			}
			from = e.Seq + 1
		}
		if len(page) < some {
			return nil
		}
	}
}

// between adds a condition on a time in microseconds: from, included, and to, excluded.
func (s *selection) between(column string, from, to time.Time) {
	if !from.IsZero() {
		s.add(column+" >= ?", micros(from))
	}
	if !to.IsZero() {
		s.add(column+" < ?", micros(to))
	}
}

// answers implements store.Answers.
type answers struct{ *tx }

// answersFor is how long an answer is remembered.
const answersFor = 24 * time.Hour

func (s answers) Get(key string, now time.Time) (*store.Answer, error) {
	a := &store.Answer{}
	var request []byte
	var at int64
	err := s.row("SELECT request, body, at FROM answers WHERE key = ? AND at > ?", []any{key, micros(now.Add(-answersFor))}, &request, &a.Body, &at)
	if err != nil {
		return nil, err
	}
	a.At = fromMicros(at)
	if copy(a.Request[:], request) != len(request) || len(request) != len(a.Request) {
		return nil, fmt.Errorf("read the answer under %s: %w", key, ErrCorrupt)
	}
	return a, nil
}

func (s answers) Put(key string, a *store.Answer) error {
	body := a.Body
	if body == nil {
		body = []byte{}
	}
	return s.do("INSERT OR REPLACE INTO answers (key, request, body, at) VALUES (?, ?, ?, ?)", key, a.Request[:], body, micros(a.At))
}

func (s answers) Prune(now time.Time) error {
	return s.do("DELETE FROM answers WHERE at <= ?", micros(now.Add(-answersFor)))
}

// settings implements store.Settings.
type settings struct{ *tx }

func (s settings) Get(name string) (value []byte, err error) {
	err = s.row("SELECT value FROM settings WHERE name = ?", []any{name}, &value)
	return value, err
}

func (s settings) Put(name string, value []byte) error {
	if value == nil {
		value = []byte{}
	}
	return s.do("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, value)
}

func (s settings) Delete(name string) error { return s.remove("settings", "name", name) }
