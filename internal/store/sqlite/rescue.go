package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// rescue copies what can be read of a damaged file into a new one, table by table.
type rescue struct {
	from  *sql.Conn
	to    *tx
	found *Repaired
}

// derived are tables that are made of others, not copied. Those of the text index begin with its name.
var derived = []string{"key_counts", "key_labels", "key_secrets", "key_terms", "quarantine", "goose_db_version"}

// shape is what is known of a table.
type shape struct {
	name    string
	columns []string
	key     []string // of the primary key
	rowid   bool     // that is a number
}

// run copies everything and makes what is derived of it.
func (s *rescue) run(ctx context.Context, kind string) error {
	tables, err := s.tables(ctx)
	if err != nil {
		return err
	}
	for _, name := range tables {
		t, err := s.shape(ctx, name)
		if err != nil {
			return err
		}
		if err := s.table(ctx, t); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	if kind != "main" {
		return nil
	}
	var used int
	if err := s.from.QueryRowContext(ctx, "PRAGMA user_version").Scan(&used); err != nil {
		return translate(err, false)
	}
	return errors.Join(s.to.tailIs(used), s.indexKeys())
}

// tables lists the tables of the damaged file that are copied. Those that the new one does not have,
// request records of a day, are made.
func (s *rescue) tables(ctx context.Context) (names []string, err error) {
	rows, err := s.from.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'key_text%' ORDER BY name")
	if err != nil {
		return nil, translate(err, false)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, translate(err, false)
		}
		if slices.Contains(derived, name) {
			continue
		}
		if strings.HasPrefix(name, dayPrefix) {
			if err := s.to.script(fmt.Sprintf(createDay, name)); err != nil {
				return nil, err
			}
		}
		names = append(names, name)
	}
	return names, translate(rows.Err(), false)
}

// shape reads the definition of a table in the new file.
func (s *rescue) shape(ctx context.Context, name string) (t shape, err error) {
	t = shape{name: name}
	type column struct {
		name, of string
		order    int
	}
	var key []column
	err = s.to.rows("SELECT name, type, pk FROM pragma_table_info(?)", []any{name}, func(scan func(...any) error) error {
		var c column
		err := scan(&c.name, &c.of, &c.order)
		if t.columns = append(t.columns, c.name); c.order > 0 {
			key = append(key, c)
		}
		return err
	})
	slices.SortFunc(key, func(a, b column) int { return a.order - b.order })
	for _, c := range key {
		t.key = append(t.key, c.name)
	}
	t.rowid = len(key) == 1 && key[0].of == "INTEGER"
	if err == nil && len(t.columns) == 0 {
		err = fmt.Errorf("it has a table %s that is not known", name)
	}
	return t, err
}

// table copies the rows of a table that can be read.
func (s *rescue) table(ctx context.Context, t shape) error {
	if len(t.key) == 0 { // one row
		_, _, err := s.copy(ctx, t, "", nil, "")
		return s.unreadable(err, t.name, "some rows")
	}
	if !t.rowid {
		return s.fromBothEnds(ctx, t)
	}
	_, bad, err := s.copy(ctx, t, "", nil, t.key[0])
	if err != nil || bad == nil {
		return err
	}
	first, err := s.to.one("SELECT coalesce(max(" + t.key[0] + "), 0) + 1 FROM " + t.name)
	if err != nil {
		return err
	}
	last, err := s.last(ctx, t)
	if err != nil {
		return err
	}
	var lost []int64
	if err := s.between(ctx, t, first, max(first, last), &lost); err != nil {
		return err
	}
	return s.lost(ctx, t, lost, last == 0)
}

// unreadable makes what cannot be read a finding.
func (s *rescue) unreadable(err error, table, what string) error {
	if errors.Is(err, ErrCorrupt) {
		s.found.say("%s of the table %s cannot be read", what, table)
		return nil
	}
	return err
}

// copy copies the rows of a condition in an order, until one cannot be read, which bad tells.
func (s *rescue) copy(ctx context.Context, t shape, where string, args []any, order string) (copied int, bad, err error) {
	text := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name + " NOT INDEXED" + where
	if order != "" {
		text += " ORDER BY " + order
	}
	insert := "INSERT OR IGNORE INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	rows, err := s.from.QueryContext(ctx, text, args...)
	if err != nil {
		return 0, corrupt(err), uncorrupt(err)
	}
	defer rows.Close()
	row, into := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return copied, corrupt(err), uncorrupt(err)
		}
		if _, err := s.to.exec(insert, row...); err != nil {
			if s.to.failed = nil; code(err) == 0 { // a row that does not fit is as good as unreadable
				return copied, nil, err
			}
			s.found.say("a row of the table %s makes no sense and is left out: %v", t.name, err)
			continue
		}
		copied++
	}
	err = rows.Err()
	return copied, corrupt(err), uncorrupt(err)
}

// corrupt gives an error of damage, uncorrupt one of anything else.
func corrupt(err error) error {
	if err = translate(err, false); errors.Is(err, ErrCorrupt) {
		return err
	}
	return nil
}

func uncorrupt(err error) error {
	if corrupt(err) != nil {
		return nil
	}
	return translate(err, false)
}

// fromBothEnds copies a table in the order of its key and, if that ends early, against it.
func (s *rescue) fromBothEnds(ctx context.Context, t shape) error {
	_, bad, err := s.copy(ctx, t, "", nil, strings.Join(t.key, ", "))
	if err != nil || bad == nil {
		return err
	}
	if _, _, err := s.copy(ctx, t, "", nil, strings.Join(t.key, " DESC, ")+" DESC"); err != nil {
		return err
	}
	have, err := s.to.one("SELECT count(*) FROM " + t.name)
	if err != nil {
		return err
	}
	s.found.say("not all of the table %s can be read: %d rows are saved%s", t.name, have, s.missing(ctx, t))
	if t.name != "limits" {
		return nil
	}
	l := lostLimit("shared limits")
	s.found.say("in the place of the shared limits that are lost is %q (%s), which admits no request of any key: make them anew, then delete it", l.Name, l.Limit.ID)
	return limits{s.to}.Put(l)
}

// missing names the rows of a table that an index tells of and that could not be read.
func (s *rescue) missing(ctx context.Context, t shape) string {
	if !slices.Contains(t.columns, "name") || !slices.Contains(t.columns, "id") {
		return ""
	}
	var names []string
	rows, err := s.from.QueryContext(ctx, "SELECT id, name FROM "+t.name+" ORDER BY name")
	if err != nil {
		return ""
	}
	defer rows.Close()
	for rows.Next() {
		var id, name string
		if rows.Scan(&id, &name) != nil {
			break
		}
		if n, err := s.to.one("SELECT count(*) FROM "+t.name+" WHERE id = ?", id); err == nil && n == 0 {
			names = append(names, fmt.Sprintf("%q (%s)", name, id))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", and these are lost: " + strings.Join(names, ", ")
}

// last gives the last number that a row has, 0 if that cannot be read: it is on a damaged page.
func (s *rescue) last(ctx context.Context, t shape) (last int64, err error) {
	err = s.from.QueryRowContext(ctx, "SELECT max("+t.key[0]+") FROM "+t.name+" NOT INDEXED").Scan(&last)
	return last, uncorrupt(err)
}

// between copies what can be read of the rows of a range, half by half around what cannot.
func (s *rescue) between(ctx context.Context, t shape, first, last int64, lost *[]int64) error {
	if first > last {
		return nil
	}
	where := fmt.Sprintf(" WHERE %[1]s >= ? AND %[1]s <= ?", t.key[0])
	_, bad, err := s.copy(ctx, t, where, []any{first, last}, t.key[0])
	switch {
	case err != nil || bad == nil:
		return err
	case first == last:
		*lost = append(*lost, first)
		return nil
	}
	middle := first + (last-first)/2
	if err := s.between(ctx, t, first, middle, lost); err != nil {
		return err
	}
	return s.between(ctx, t, middle+1, last, lost)
}

// lost tells which rows could not be read: by their names, if an index has them. Of a table whose end
// cannot be read only the first of those behind it is known.
func (s *rescue) lost(ctx context.Context, t shape, numbers []int64, end bool) error {
	switch {
	case len(numbers) == 0:
	case t.name == "keys":
		s.found.say("some rows of the table keys cannot be read: the secrets of these virtual keys are good no longer%s", s.missing(ctx, t))
	case end:
		s.found.say("rows of the table %s cannot be read: %d and all behind it", t.name, numbers[0])
	default:
		s.found.say("rows of the table %s cannot be read: %s", t.name, spans(numbers))
	}
	return nil
}

// spans writes numbers in their order shortly: 1-3, 7.
func spans(numbers []int64) string {
	var out []string
	for i := 0; i < len(numbers); {
		j := i + 1
		for j < len(numbers) && numbers[j] == numbers[j-1]+1 {
			j++
		}
		text := fmt.Sprint(numbers[i])
		if j > i+1 {
			text += fmt.Sprintf("-%d", numbers[j-1])
		}
		out, i = append(out, text), j
	}
	return strings.Join(out, ", ")
}

// indexKeys makes keys found by their secrets, labels and text. Those that cannot be decoded are set
// aside later.
func (s *rescue) indexKeys() error {
	var dec decoder
	for last := int64(0); ; {
		var page []keyRow
		err := s.to.rows("SELECT "+keyColumns+" FROM keys WHERE n > ? ORDER BY n LIMIT ?", []any{last, eachPage}, func(scan func(...any) error) error {
			var r keyRow
			err := scan(r.into()...)
			page, last = append(page, r), r.n
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			k, err := dec.key(&page[i])
			if err != nil {
				continue
			}
			k.Version = 0 // nothing of it is indexed
			if err := (keys{s.to}).index(page[i].n, k); err != nil {
				return err
			}
		}
	}
}
