package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	lib "modernc.org/sqlite/lib"

	"tollgate/internal/store"
)

// conn is a connection with the statements that it has prepared.
type conn struct {
	sql      *sql.Conn
	level    level
	prepared map[string]*sql.Stmt
}

func (c *conn) exec(ctx context.Context, text string) error {
	_, err := c.sql.ExecContext(ctx, text)
	return err
}

// rollback ends a transaction without what it did. Some failures have done that already.
func (c *conn) rollback() error {
	err := c.exec(context.Background(), "ROLLBACK")
	if code(err) == lib.SQLITE_ERROR {
		return nil // no transaction is active
	}
	return err
}

func (c *conn) synchronous(ctx context.Context, at level) error {
	if c.level == at {
		return nil
	}
	if err := c.exec(ctx, "PRAGMA synchronous = "+string(at)); err != nil {
		return err
	}
	c.level = at
	return nil
}

// prepare keeps the statement of a text that is the same every time.
func (c *conn) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := c.prepared[text]; s != nil {
		return s, nil
	}
	s, err := c.sql.PrepareContext(context.WithoutCancel(ctx), text)
	if err != nil {
		return nil, err
	}
	c.prepared[text] = s
	return s, nil
}

// tx is a transaction. A failure of the database fails all that follows and the commit: it may
// have ended the transaction already.
type tx struct {
	ctx    context.Context
	conn   *conn
	failed error
	texts  map[int64]string // of keys that are not in the text index yet
}

func (t *tx) check(err error) error {
	if err = translate(err, false); err != nil && err != store.ErrNotFound && t.failed == nil {
		t.failed = err
	}
	return err
}

// exec runs a statement that changes something and tells how many rows it changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	if t.failed != nil {
		return 0, t.failed
	}
	s, err := t.conn.prepare(t.ctx, text)
	if err != nil {
		return 0, t.check(err)
	}
	done, err := s.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, t.check(err)
	}
	n, err := done.RowsAffected()
	return n, t.check(err)
}

// do is exec for those who do not count.
func (t *tx) do(text string, args ...any) error {
	_, err := t.exec(text, args...)
	return err
}

// row reads the one row of a query, ErrNotFound if there is none.
func (t *tx) row(text string, args []any, into ...any) error {
	if t.failed != nil {
		return t.failed
	}
	s, err := t.conn.prepare(t.ctx, text)
	if err != nil {
		return t.check(err)
	}
	return t.check(s.QueryRowContext(t.ctx, args...).Scan(into...))
}

// rows calls fn for each row of a query whose text is made for the occasion. In fn
// nothing else may be asked.
func (t *tx) rows(text string, args []any, fn func(scan func(...any) error) error) error {
	if t.failed != nil {
		return t.failed
	}
	rows, err := t.conn.sql.QueryContext(t.ctx, text, args...)
	if err != nil {
		return t.check(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return t.check(rows.Err())
}

// one asks a question that has one number for an answer.
func (t *tx) one(text string, args ...any) (n int64, err error) {
	err = t.rows(text, args, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

// selection collects the conditions of a query.
type selection struct {
	conditions []string
	args       []any
}

func (s *selection) add(condition string, args ...any) {
	s.conditions = append(s.conditions, condition)
	s.args = append(s.args, args...)
}

// is adds a condition on a column unless nothing is asked of it.
func (s *selection) is(column, value string) {
	if value != "" {
		s.add(column+" = ?", value)
	}
}

func (s *selection) where() string {
	if len(s.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(s.conditions, " AND ")
}

// micros is a time as it is stored, the zero time as 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros reads what micros gave.
func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// never is the time of what does not happen.
const never = math.MaxInt64

// cursor is the place in an order behind which the next page begins.
type cursor struct {
	Order string `json:"o"`
	Text  string `json:"t,omitempty"`
	Time  int64  `json:"n,omitempty"`
	ID    string `json:"i,omitempty"`
}

func (c cursor) String() string {
	b, _ := json.Marshal(c) // text and numbers can always be written
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads the cursor of an order; nil if there is none.
func parseCursor(s, order string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.Order != order {
		return nil, fmt.Errorf("cursor %.40q: %w", s, store.ErrCursor)
	}
	return &c, nil
}

// pageOf is the size of a page: 50 unless asked for, never more than 200.
func pageOf(asked int) int {
	if asked <= 0 {
		return 50
	}
	return min(asked, 200)
}
