package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"tollgate/internal/ledger"
)

// file is a database file: one connection that writes, and some that read.
type file struct {
	path    string
	db      *sql.DB
	writer  chan *conn            // has it while nobody writes
	readers chan *conn            // those that are open and that nobody uses
	unmade  chan struct{}         // one for each reader that has not been opened yet
	broken  atomic.Pointer[error] // why nothing is written any more
}

const (
	// readers is how many read at the same time.
	readers = 4
	// pageSize is SQLite's own choice.
	pageSize = 4096
	// backstop is the size of the write-ahead log, in pages, at which a commit moves it into the
	// database itself, because nobody else does. Run is there to do so long before.
	backstop = 64 << 20 / pageSize
)

// level is how much a commit waits for, SQLite's synchronous.
type level string

// The levels. What is committed as written is in the hands of the operating system: it
// outlives the process, and the next durable commit makes it durable too.
const (
	written level = "NORMAL"
	durable level = "FULL"
)

// open opens a database file that has been migrated.
func open(ctx context.Context, path string, at level, busy time.Duration) (*file, error) {
	db, err := sql.Open("sqlite", dsn(path,
		fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()),
		"foreign_keys(1)", "trusted_schema(0)", "cell_size_check(1)", "temp_store(memory)", "cache_size(-16000)",
		fmt.Sprintf("wal_autocheckpoint(%d)", backstop), fmt.Sprintf("journal_size_limit(%d)", backstop*pageSize),
		"synchronous("+string(at)+")"))
	if err != nil {
		return nil, err
	}
	f := &file{path: path, db: db, writer: make(chan *conn, 1), readers: make(chan *conn, readers), unmade: make(chan struct{}, readers)}
	if err := f.populate(ctx, at); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", path, translate(err, false))
	}
	return f, nil
}

// populate makes the connection that writes. Those that read are made when they are
// needed: each takes time and memory, and one is mostly enough.
func (f *file) populate(ctx context.Context, at level) error {
	c, err := f.connect(ctx, at)
	if err != nil {
		return err
	}
	f.writer <- c
	for range readers {
		f.unmade <- struct{}{}
	}
	// The first to look into a database makes its write-ahead log, whose name must be durable.
	var tables int
	if err := f.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}

func (f *file) connect(ctx context.Context, at level) (*conn, error) {
	c, err := f.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{sql: c, level: at, prepared: make(map[string]*sql.Stmt)}, nil
}

// dsn is what the driver calls the name of a file with the settings of its connections.
func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	return u.String()
}

// close waits for whoever uses the file.
func (f *file) close() error {
	var all []error
	for range readers {
		select {
		case c := <-f.readers:
			all = append(all, c.close())
		case <-f.unmade:
		}
	}
	all = append(all, (<-f.writer).close())
	return errors.Join(append(all, f.db.Close())...)
}

// close ends the statements too: with one of them left SQLite keeps the file open, and
// does not move the write-ahead log into it.
func (c *conn) close() error {
	var all []error
	for _, s := range c.prepared {
		all = append(all, s.Close())
	}
	return errors.Join(append(all, c.sql.Close())...)
}

// take gets a connection, or gives up with the context.
func take(ctx context.Context, from chan *conn) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-from:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// reader gives a connection for reading that nobody uses, and makes one where all that
// there are have their work.
func (f *file) reader(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-f.readers:
		return c, nil
	default:
	}
	select {
	case c := <-f.readers:
		return c, nil
	case <-f.unmade:
		c, err := f.makeReader(ctx)
		if err != nil {
			f.unmade <- struct{}{}
			return nil, translate(err, false)
		}
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *file) makeReader(ctx context.Context) (*conn, error) {
	c, err := f.connect(ctx, written)
	if err != nil {
		return nil, err
	}
	if err := c.exec(ctx, "PRAGMA query_only = 1"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// read runs fn in a transaction that sees one moment and changes nothing.
func (f *file) read(ctx context.Context, fn func(*tx) error) (err error) {
	c, err := f.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { f.readers <- c }()
	if err := c.exec(ctx, "BEGIN"); err != nil {
		return translate(err, false)
	}
	defer func() { err = errors.Join(err, c.rollback()) }()
	return fn(&tx{ctx: ctx, conn: c})
}

// write runs fn in a transaction, alone. Whatever fails, it happened not at all, unless
// the error is final.
func (f *file) write(ctx context.Context, at level, fn func(*tx) error) error {
	c, err := take(ctx, f.writer)
	if err != nil {
		return err
	}
	defer func() { f.writer <- c }()
	if broken := f.broken.Load(); broken != nil {
		return *broken
	}
	if err := f.transact(ctx, c, at, fn); err != nil {
		if final(err) {
			f.broken.CompareAndSwap(nil, &err)
		}
		return err
	}
	return nil
}

func (f *file) transact(ctx context.Context, c *conn, at level, fn func(*tx) error) (err error) {
	// A statement that is interrupted ends its transaction, and what follows would
	// be a transaction each: writing does not stop in the middle.
	always := context.WithoutCancel(ctx)
	if err := c.synchronous(always, at); err != nil {
		return translate(err, false)
	}
	if err := c.exec(always, "BEGIN IMMEDIATE"); err != nil {
		return translate(err, false)
	}
	committed := false
	defer func() {
		if committed {
			return
		}
		if undo := c.rollback(); undo != nil {
			err = fmt.Errorf("%w: %w", ErrDisk, errors.Join(err, undo))
		}
	}()
	t := &tx{ctx: always, conn: c}
	if err := fn(t); err != nil {
		return err
	}
	if err := t.indexTexts(); err != nil {
		return err
	}
	if t.failed != nil {
		return t.failed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.exec(always, "COMMIT"); err != nil {
		return translate(err, true)
	}
	committed = true
	return nil
}

// wal tells how many pages are in the write-ahead log, and how many of them in the
// database as well.
type wal struct{ pages, moved int }

func (c *conn) checkpoint(ctx context.Context, mode string) (w wal, err error) {
	var busy int
	err = c.sql.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &w.pages, &w.moved)
	return w, translate(err, false)
}

const (
	// moveAt is how many pages of the log are moved at once, restartAt at which length
	// the log begins anew.
	moveAt    = 4 << 20 / pageSize
	restartAt = 16 << 20 / pageSize
	tendEvery = 500 * time.Millisecond
)

// tend keeps the write-ahead log short until the context ends.
func (f *file) tend(ctx context.Context) error {
	c, err := f.connect(ctx, durable)
	if err != nil {
		return ended(ctx, err)
	}
	defer c.sql.Close()
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := f.shorten(ctx, c); err != nil {
			if !errors.Is(err, ledger.ErrUnavailable) {
				return ended(ctx, fmt.Errorf("move the write-ahead log into %s: %w", f.path, err))
			}
		}
	}
}

// shorten moves the log into the database while others write. The log begins anew only when
// all of it has been moved, which under a steady load never happens by itself: from a certain
// length on the last bit is moved while nobody writes.
func (f *file) shorten(ctx context.Context, c *conn) error {
	w, err := c.checkpoint(ctx, "NOOP")
	if err != nil || w.pages-w.moved < moveAt && w.pages < restartAt {
		return err
	}
	if w, err = c.checkpoint(ctx, "PASSIVE"); err != nil || w.pages < restartAt || w.moved == w.pages {
		return err
	}
	writer, err := take(ctx, f.writer)
	if err != nil {
		return err
	}
	defer func() { f.writer <- writer }()
	_, err = c.checkpoint(ctx, "PASSIVE")
	return err
}

// ended drops an error that came of the end of the context.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
