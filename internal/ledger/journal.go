package ledger

import (
	"context"
	"errors"
)

// Journal is where records are kept, in the order of their numbers, without a hole. One goroutine
// at a time appends; the other methods may be used at the same time.
type Journal interface {
	// Append stores all records or none. They survive the death of the process once it
	// returns, and if it is durable also a power failure. The bytes are only lent. An
	// error that wraps ErrUnavailable says that nothing was stored and that it may work
	// later; after any other nobody knows, and the journal must not be used again.
	Append(ctx context.Context, records []Record, durable bool) error
	// Sync makes everything durable that Append had stored before it was called. It
	// must not hold up an Append meanwhile for longer than it has to: requests wait
	// for those. After an error nobody knows what is durable, and the journal must not
	// be used again.
	Sync(ctx context.Context) error
	// Scan gives every record from a number on that is kept, in order, until fn
	// returns an error, which it returns. The bytes are fn's for the length of the call.
	Scan(ctx context.Context, from uint64, fn func(Record) error) error
	// SaveCheckpoint keeps a checkpoint and the one before it, durably; so is then
	// everything that Append had stored.
	SaveCheckpoint(ctx context.Context, checkpoint []byte) error
	// Checkpoints gives those that are kept, the latest first.
	Checkpoints(ctx context.Context) ([][]byte, error)
	// Prune may forget records below a number: whole partitions of them, the oldest
	// first, and never one at before or behind it.
	Prune(ctx context.Context, before uint64) error
}

// ErrUnavailable means that the ledger takes nothing now: its disk is full, somebody
// else has locked it, or it is closed.
var ErrUnavailable = errors.New("the ledger cannot be written at the moment")

// Witness keeps the mark of the last row outside the journal, so that a journal that
// lost its end, or an old copy of it, is found out.
type Witness interface {
	// Load gives the mark, the zero Mark if there has never been one.
	Load() (Mark, error)
	// Save replaces it. It need not be durable at once. An error that wraps ErrUnavailable says that
	// the mark is the one of before, and that it may work later.
	Save(Mark) error
}
