package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"tollgate/internal/ledger"
	"tollgate/internal/store"
)

// What ends a database file for this process. Errors wrap one of these; nothing is
// written any more after them.
var (
	// ErrCorrupt: the file is damaged.
	ErrCorrupt = errors.New("the database is damaged: restore a backup, or start with --repair to go on with what can be read")
	// ErrDisk: the disk failed in the middle of a commit, and nobody knows what is on it.
	ErrDisk = errors.New("the disk failed while writing: restart once it works, what is there is checked then")
)

// code gives what SQLite answered, 0 if err is none of its errors.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// translate makes what SQLite answered into an error of the contract. Committing tells
// that it answered so to a COMMIT, of which some failures leave open whether it happened.
func translate(err error, committing bool) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return store.ErrNotFound
	}
	return classify(err, code(err), committing)
}

func classify(err error, code int, committing bool) error {
	switch code & 0xff { // the rest tells more about the first
	case lib.SQLITE_FULL:
		return diskFull(err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("the database is locked by another program: %w: %w", err, ledger.ErrUnavailable)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case lib.SQLITE_INTERRUPT:
		return fmt.Errorf("%w: %w", context.Canceled, err)
	case lib.SQLITE_IOERR:
		switch code {
		case lib.SQLITE_IOERR_FSYNC, lib.SQLITE_IOERR_DIR_FSYNC, lib.SQLITE_IOERR_READ, lib.SQLITE_IOERR_SHORT_READ:
			return fmt.Errorf("%w: %w", ErrDisk, err)
		case lib.SQLITE_IOERR_CORRUPTFS, lib.SQLITE_IOERR_DATA:
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if committing {
			return fmt.Errorf("%w: %w", ErrDisk, err)
		}
		return fmt.Errorf("the database cannot be written: %w: %w", err, ledger.ErrUnavailable)
	}
	return err
}

// diskFull is the error that callers get for one of a disk that is full.
func diskFull(err error) error {
	return &fullError{fmt.Errorf("the disk is full: %w: %w", err, ledger.ErrUnavailable)}
}

// noRoom tells whether the operating system has no room for a file.
func noRoom(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// fullError tells callers why a database is unavailable, by a method that they look for.
type fullError struct{ error }

// StorageFull marks the error.
func (*fullError) StorageFull() {}

// Unwrap gives what is wrong.
func (e *fullError) Unwrap() error { return e.error }

// final tells that a file must not be written again after the error.
func final(err error) bool { return errors.Is(err, ErrCorrupt) || errors.Is(err, ErrDisk) }
