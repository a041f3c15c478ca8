package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup implements store.Store: path becomes the main file, and the request records go beside
// it under the name that sqlite://path looks for; in a directory both have their usual names. What is
// there already is not overwritten. The copies have been read again when it returns. Request
// records are copied first, so that what the ledger says about each of them is in its copy.
func (s *Store) Backup(ctx context.Context, path string) error {
	to := beside(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		to = inside(path)
	}
	for _, name := range []string{to.main, to.requests} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("back up to %s: %w", name, errors.Join(err, fs.ErrExist))
		}
	}
	if err := s.requests.copy(ctx, to.requests); err != nil {
		return fmt.Errorf("back up to %s: %w", to.requests, err)
	}
	if err := s.tail.move(ctx); err != nil {
		return fmt.Errorf("back up the end of the ledger: %w", err)
	}
	if err := s.main.copy(ctx, to.main); err != nil {
		return fmt.Errorf("back up to %s: %w", to.main, err)
	}
	return syncDir(filepath.Dir(to.main))
}

// copy writes what a file holds at this moment to another, which appears when it is whole.
func (f *file) copy(ctx context.Context, path string) (err error) {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := create(temporary); err != nil { // for its mode: an empty file is filled
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary)
		}
	}()
	c, err := f.connect(ctx, durable)
	if err != nil {
		return translate(err, false)
	}
	_, err = c.sql.ExecContext(ctx, "VACUUM INTO ?", temporary)
	if err = errors.Join(translate(err, false), c.sql.Close()); err != nil {
		return err
	}
	if err := verifyCopy(ctx, temporary); err != nil {
		return err
	}
	// A rename overwrites what is there: the name must be ours before.
	mine, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(mine.Close(), os.Rename(temporary, path))
}

// verifyCopy brings a copy onto the disk and reads it from end to end.
func verifyCopy(ctx context.Context, path string) (err error) {
	if err := checkCopy(ctx, path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// checkCopy reads a copy, to which no tail belongs.
func checkCopy(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, fmt.Sprint("PRAGMA user_version = ", tailUnused)); err != nil {
		return err
	}
	return quickCheck(&tx{ctx: ctx, conn: &conn{sql: c}})
}
