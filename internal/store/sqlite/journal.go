package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tollgate/internal/ledger"
)

// journal implements ledger.Journal: what is appended is in the tail first, and then in the database.
type journal struct {
	file *file
	tail *tail
}

// rowsAtOnce is how many records one statement inserts.
const rowsAtOnce = 64

var insertMany = "INSERT INTO ledger (seq, bytes) VALUES (?, ?)" + strings.Repeat(", (?, ?)", rowsAtOnce-1)

// Append implements ledger.Journal.
func (j journal) Append(ctx context.Context, records []ledger.Record, forever bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(records) > 0 {
		if err := j.tail.add(ctx, records); err != nil {
			return fmt.Errorf("append to the ledger: %w", err)
		}
	}
	if forever {
		return j.Sync(ctx)
	}
	return nil
}

// Sync implements ledger.Journal.
func (j journal) Sync(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := j.tail.sync(); err != nil {
		return fmt.Errorf("make the ledger durable: %w", err)
	}
	return nil
}

func (t *tx) insertRecords(records []ledger.Record) error {
	args := make([]any, 0, 2*rowsAtOnce)
	for some := range slices.Chunk(records, rowsAtOnce) {
		if len(some) < rowsAtOnce {
			return t.insertSingly(some)
		}
		args = args[:0]
		for i := range some {
			args = append(args, int64(some[i].Seq), some[i].Bytes)
		}
		if err := t.do(insertMany, args...); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) insertSingly(records []ledger.Record) error {
	for i := range records {
		if err := t.do("INSERT INTO ledger (seq, bytes) VALUES (?, ?)", int64(records[i].Seq), records[i].Bytes); err != nil {
			return err
		}
	}
	return nil
}

// scanPage is how many records are read before they are given out, so that the log of the
// database is not held up by whoever looks at them.
const scanPage = 4096

// Scan implements ledger.Journal. What is in the tail is read first, since it may be moved meanwhile.
func (j journal) Scan(ctx context.Context, from uint64, fn func(ledger.Record) error) error {
	tail, err := j.tail.records(from)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	if from, err = j.scanDatabase(ctx, from, fn); err != nil {
		return err
	}
	for _, r := range tail {
		if r.Seq < from {
			continue
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// scanDatabase gives the records that are in the database, and tells the number that is next.
func (j journal) scanDatabase(ctx context.Context, from uint64, fn func(ledger.Record) error) (next uint64, err error) {
	page := make([]ledger.Record, 0, scanPage)
	for {
		page = page[:0]
		err := j.file.read(ctx, func(t *tx) error {
			return t.rows("SELECT seq, bytes FROM ledger WHERE seq >= ? ORDER BY seq LIMIT ?", []any{int64(from), scanPage}, func(scan func(...any) error) error {
				var r ledger.Record
				err := scan(&r.Seq, &r.Bytes)
				page = append(page, r)
				return err
			})
		})
		if err != nil {
			return from, fmt.Errorf("read the ledger: %w", err)
		}
		for _, r := range page {
			if err := fn(r); err != nil {
				return from, err
			}
			from = r.Seq + 1
		}
		if len(page) < scanPage {
			return from, nil
		}
	}
}

// SaveCheckpoint implements ledger.Journal. The rows before a checkpoint are in the database before it is.
func (j journal) SaveCheckpoint(ctx context.Context, checkpoint []byte) error {
	if err := j.tail.move(ctx); err != nil {
		return fmt.Errorf("save a checkpoint of the ledger: %w", err)
	}
	err := j.file.write(ctx, durable, func(t *tx) error {
		if err := t.do("INSERT INTO ledger_checkpoints (bytes) VALUES (?)", checkpoint); err != nil {
			return err
		}
		return t.do("DELETE FROM ledger_checkpoints WHERE n <= (SELECT max(n) FROM ledger_checkpoints) - 2")
	})
	if err != nil {
		return fmt.Errorf("save a checkpoint of the ledger: %w", err)
	}
	return nil
}

// Checkpoints implements ledger.Journal.
func (j journal) Checkpoints(ctx context.Context) (all [][]byte, err error) {
	err = j.file.read(ctx, func(t *tx) error {
		return t.rows("SELECT bytes FROM ledger_checkpoints ORDER BY n DESC", nil, func(scan func(...any) error) error {
			var b []byte
			err := scan(&b)
			all = append(all, b)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the checkpoints of the ledger: %w", err)
	}
	return all, nil
}

// pruneAtOnce is how many records are forgotten in one transaction: an append does not wait
// longer than for that.
const pruneAtOnce = 8192

// Prune forgets the records before a number. That they are gone need not be durable.
func (j journal) Prune(ctx context.Context, before uint64) error {
	if err := j.tail.move(ctx); err != nil {
		return fmt.Errorf("prune the ledger: %w", err)
	}
	for {
		var gone int64
		err := j.file.write(ctx, written, func(t *tx) (err error) {
			gone, err = t.exec(`DELETE FROM ledger WHERE seq < ? AND seq < (SELECT min(seq) FROM ledger) + ?`, int64(before), pruneAtOnce)
			return err
		})
		if err != nil {
			return fmt.Errorf("prune the ledger: %w", err)
		}
		if gone == 0 {
			return nil
		}
	}
}
