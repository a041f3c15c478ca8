// Package sqlite keeps everything in two SQLite files: one with keys, limits, tokens,
// credentials, the audit trail and the ledger, the other with request records and their
// sums, so that these never stand in the way of the rest. The last rows of the ledger are in
// files beside these at first, the tail. It implements the contract of package
// store, and knows nothing of what the rows mean.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/store"
)

// Options say which database is opened and how.
type Options struct {
	// Dir is the data directory, in which the files are unless URL says otherwise.
	Dir string
	// URL moves the files: sqlite://DIRECTORY, sqlite://FILE.db (request records are then in
	// FILE-requests.db), or sqlite::memory: for a database that is gone when it is closed. A
	// relative path begins in the working directory; sqlite:///… is absolute.
	URL string
	// Repair makes files with damaged pages anew from what can be read of them, and sets rows aside
	// that are not what was written. Repaired tells what that came to.
	Repair bool
	// Check reads both files from end to end before they are used.
	Check bool
	// BusyTimeout is how long to wait for another program that has locked a file; 0: two seconds.
	BusyTimeout time.Duration
	// BootID names the time since the machine was started; "" is never the same as before. What
	// is damaged in the tail of the ledger is told by it from what a power failure left unfinished.
	BootID string
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	main, requests *file
	records        *requests
	tail           *tail
	locks          []*os.File
	mark           string
	checked        bool
	repaired       Repaired
	closed         atomic.Bool
	cleanup        func() error
}

var _ store.Store = (*Store)(nil)

// Open opens a database, makes it if there is none and brings it up to date. The directory is
// made with mode 0700, files with 0600. Errors of a damaged file wrap ErrCorrupt.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	at, err := locate(o)
	if err != nil {
		return nil, err
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 2 * time.Second
	}
	s := &Store{cleanup: at.cleanup, mark: at.mark}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, path := range at.locks {
		held, err := lock(path)
		if err != nil {
			return nil, err
		}
		s.locks = append(s.locks, held)
	}
	if o.Repair {
		if s.repaired, err = repairFiles(ctx, at, o.BusyTimeout); err != nil {
			return nil, err
		}
	}
	if err = migrate(ctx, at.main, "main", o.BusyTimeout); err != nil {
		return nil, err
	}
	if err = migrate(ctx, at.requests, "requests", o.BusyTimeout); err != nil {
		return nil, err
	}
	if s.main, err = open(ctx, at.main, durable, o.BusyTimeout); err != nil {
		return nil, err
	}
	if s.tail, err = openTail(ctx, s.main, at.tail, o.BootID); err != nil {
		return nil, err
	}
	if s.requests, err = open(ctx, at.requests, written, o.BusyTimeout); err != nil {
		return nil, err
	}
	if s.records, err = openRequests(ctx, s.requests); err != nil {
		return nil, err
	}
	if s.checked = o.Check || o.Repair || s.main.small(); s.checked {
		if err = s.Check(ctx); err != nil {
			return nil, err
		}
	}
	if o.Repair {
		if err = s.quarantine(ctx, &s.repaired); err != nil {
			return nil, fmt.Errorf("set damaged rows aside: %w", err)
		}
	}
	return s, nil
}

// Checked tells whether the files were read from end to end before they were used. Otherwise Check
// can do that now.
func (s *Store) Checked() bool { return s.checked }

// Repaired tells what Options.Repair found and did.
func (s *Store) Repaired() Repaired { return s.repaired }

// LostTail tells what was in files beside the database that are not there any more, nil if nothing is
// known to be missing: then the end of the ledger is.
func (s *Store) LostTail() error { return s.tail.lost }

// Close waits for whoever uses the database and lets another process open it. Only the
// first call does anything.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var all []error
	if s.records != nil {
		s.records.close()
	}
	if s.tail != nil {
		all = append(all, s.tail.close())
	}
	for _, f := range []*file{s.main, s.requests} {
		if f != nil {
			all = append(all, f.close())
		}
	}
	for _, held := range s.locks {
		all = append(all, held.Close())
	}
	if s.cleanup != nil {
		all = append(all, s.cleanup())
	}
	return errors.Join(all...)
}

// Run keeps the write-ahead logs of the files and the tail of the ledger short, until the context
// ends. Without it all works too, but now and then a commit takes long.
func (s *Store) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	all := []func(context.Context) error{s.main.tend, s.requests.tend, s.tail.tend}
	results := make(chan error, len(all))
	for _, tend := range all {
		go func() { results <- tend(ctx) }()
	}
	first := <-results
	stop()
	for range all[1:] {
		first = errors.Join(first, <-results)
	}
	return first
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.Tx) error) error {
	return s.main.read(ctx, func(t *tx) error { return fn(t) })
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.main.write(ctx, durable, func(t *tx) error { return fn(t) })
}

// Mark gives the file that notes how far the ledger of this database went. It lies beside
// the database, for it says nothing of any other.
func (s *Store) Mark() *Mark { return NewMark(s.mark) }

// Journal implements store.Store.
func (s *Store) Journal() ledger.Journal { return journal{s.main, s.tail} }

// Requests implements store.Store.
func (s *Store) Requests() store.Requests { return s.records }

// Check reads both files from end to end and tells what is wrong with their structure, in an
// error that wraps ErrCorrupt. That rows say what was written is for the chains of the ledger and
// the audit trail to tell.
func (s *Store) Check(ctx context.Context) error {
	return errors.Join(s.main.check(ctx), s.requests.check(ctx))
}

// smallFile is the size, in bytes, up to which a file is always read from end to end
// before it is used: that takes some hundredths of a second.
const smallFile = 16 << 20

func (f *file) small() bool {
	info, err := os.Stat(f.path)
	return err == nil && info.Size() <= smallFile
}

func (f *file) check(ctx context.Context) error {
	if err := f.read(ctx, quickCheck); err != nil {
		return fmt.Errorf("check %s: %w", f.path, err)
	}
	return nil
}

// quickCheck reads a database from end to end.
func quickCheck(t *tx) error {
	var findings []error
	err := t.rows("PRAGMA quick_check(20)", nil, func(scan func(...any) error) error {
		var finding string
		err := scan(&finding)
		if finding != "ok" {
			findings = append(findings, errors.New(finding))
		}
		return err
	})
	if err == nil && len(findings) > 0 {
		err = fmt.Errorf("%w: %w", ErrCorrupt, errors.Join(findings...))
	}
	return err
}

// The parts of a transaction.
func (t *tx) Keys() store.Keys               { return keys{t} }
func (t *tx) Limits() store.Limits           { return limits{t} }
func (t *tx) Tokens() store.Tokens           { return tokens{t} }
func (t *tx) Credentials() store.Credentials { return credentials{t} }
func (t *tx) Events() store.Events           { return events{t} }
func (t *tx) Answers() store.Answers         { return answers{t} }
func (t *tx) Settings() store.Settings       { return settings{t} }
