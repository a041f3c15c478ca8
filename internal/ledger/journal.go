package ledger

import (
	"context"
	"errors"
)

// Journal is where records are kept, in the order of their numbers. One goroutine
// appends; reading may happen at the same time.
type Journal interface {
	// Append stores all records or none. If it is durable they survive a power
	// failure once it returns, otherwise at least the death of the process. An error that wraps
	// ErrUnavailable says that nothing was stored and that it may work later; after any
	// other nobody knows, and the journal must not be used again.
	Append(ctx context.Context, records []Record, durable bool) error
	// Scan gives every record from a number on, in order, until fn returns an
	// error, which it returns. The bytes are fn's for the length of the call.
	Scan(ctx context.Context, from uint64, fn func(Record) error) error
	// SaveCheckpoint keeps a checkpoint and the one before it, durably.
	SaveCheckpoint(ctx context.Context, checkpoint []byte) error
	// Checkpoints gives those that are kept, the latest first.
	Checkpoints(ctx context.Context) ([][]byte, error)
}

// ErrUnavailable means that the journal takes nothing now: its disk is full, or
// somebody else has locked it.
var ErrUnavailable = errors.New("the ledger cannot be written at the moment")

// Witness keeps the mark of the last row outside the journal, so that a journal that
// lost its end, or an old copy of it, is found out.
type Witness interface {
	// Load gives the mark, the zero Mark if there has never been one.
	Load() (Mark, error)
	// Save replaces it. It need not be durable at once.
	Save(Mark) error
}
