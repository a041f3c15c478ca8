package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/budget"
)

// Recover reads the ledger, checks it, and gives books that go on where it ends.
// Reservations of earlier runs that are open become expired. Errors about what is read
// wrap ErrAltered, ErrTruncated, ErrGap or ErrMismatch.
func Recover(ctx context.Context, c Config) (*Books, Report, error) {
	began := time.Now()
	var report Report
	fold, tip, err := read(ctx, &c, &report)
	if err != nil {
		return nil, report, err
	}
	b := &Books{
		engine: budget.NewEngine(), clock: budget.NewClock(fold.Last().Wall, c.Wall, c.Mono),
		journal: c.Journal, witness: c.Witness, durable: !c.Written, run: fold.Run() + 1,
		queue: newQueue(), storer: &storer{journal: c.Journal, chain: NewChain(tip)},
		correctable: make(map[budget.ID]*Reservation),
	}
	now := b.clock.Now()
	balances, held := fold.State(b.run, now)
	holds := b.engine.Restore(now, balances, held)
	if err := b.expire(ctx, now, holds, &report); err != nil {
		return nil, report, err
	}
	report.Rows, report.Took = b.storer.chain.Tip().Seq, time.Since(began)
	return b, report, nil
}

// read folds the rows behind the older of two checkpoints. Up to the newer one that
// must come to what it says.
func read(ctx context.Context, c *Config, report *Report) (*Fold, Mark, error) {
	checkpoints, err := c.Journal.Checkpoints(ctx)
	if err != nil {
		return nil, Mark{}, fmt.Errorf("read the ledger: %w", err)
	}
	var mark, tip Mark
	if c.Witness != nil {
		if mark, err = c.Witness.Load(); err != nil {
			return nil, Mark{}, fmt.Errorf("read how far the ledger went: %w", err)
		}
	}
	fold := NewFold()
	var newer *Checkpoint
	for i := len(checkpoints) - 1; i >= 0; i-- {
		p, err := DecodeCheckpoint(checkpoints[i])
		if err != nil {
			if !c.Repair {
				return nil, Mark{}, err
			}
			report.Repaired = errors.Join(report.Repaired, err)
			continue
		}
		if tip == (Mark{}) && len(checkpoints) > 1 {
			fold, tip = foldFrom(p), p.Mark
		} else {
			newer = p
		}
	}
	verifier := NewVerifier(tip, mark)
	for {
		err = c.Journal.Scan(ctx, verifier.Tip().Seq+1, func(rec Record) error {
			row, err := verifier.Next(rec)
			if err != nil {
				return err
			}
			report.Read++
			if err := fold.Apply(&row); err != nil {
				return err
			}
			if newer != nil && row.Seq == newer.Mark.Seq {
				return reached(fold, newer, verifier.Tip())
			}
			return nil
		})
		if c.Repair && errors.Is(err, ErrMismatch) {
			report.Repaired, newer = errors.Join(report.Repaired, err), nil
			continue
		}
		break
	}
	if err == nil && newer != nil && verifier.Tip().Seq < newer.Mark.Seq {
		err = fmt.Errorf("the ledger ends with row %d, but a checkpoint says there was row %d: %w", verifier.Tip().Seq, newer.Mark.Seq, ErrTruncated)
	}
	if err == nil {
		err = verifier.End()
	}
	if c.Repair && errors.Is(err, ErrTruncated) {
		report.Repaired, err = errors.Join(report.Repaired, err), nil
	}
	return fold, verifier.Tip(), err
}

// reached compares the rows with the checkpoint that was made after this one.
func reached(f *Fold, c *Checkpoint, tip Mark) error {
	if tip.Hash != c.Mark.Hash {
		return fmt.Errorf("ledger row %d is not the one that the checkpoint was made after: %w", tip.Seq, ErrAltered)
	}
	return f.compare(c)
}

// expire puts on record that a run began, what was repaired, and that reservations
// that are open expired. From its first row on the time within a run is known.
func (b *Books) expire(ctx context.Context, now budget.Instant, holds []*budget.Hold, report *Report) error {
	began := Row{Kind: Adjust, At: now, Run: b.run, Actor: "system", Reason: "started"}
	if report.Repaired != nil {
		began.Reason = "started for repair: " + report.Repaired.Error()
	}
	rows := batch{durable: true, rows: []Row{began}}
	for _, h := range holds {
		if resolution, first := h.Expire(); first {
			report.Expired++
			rows.rows = append(rows.rows, Row{Kind: Expire, At: now, Run: b.run, ID: h.ID(), Charged: resolution.Charged, Source: Unknown})
		}
		b.correctable[h.ID()] = &Reservation{books: b, hold: h}
	}
	if err := b.storer.store(ctx, &rows); err != nil {
		return fmt.Errorf("put on record what the start found: %w", err)
	}
	return nil
}
