package ledger

import (
	"context"
	"fmt"

	"tollgate/internal/budget"
)

// Verification is what reading a whole ledger found.
type Verification struct {
	First  uint64 // number of the first row that is kept; those before it were pruned
	Rows   uint64 // that are kept
	Tip    Mark   // the last of them
	At     budget.Instant
	Mended int // damages that an operator wanted to go on behind
	// Problem is the first that nobody has put right, nil for none. It wraps
	// ErrAltered, ErrTruncated, ErrGap or ErrMismatch.
	Problem error
}

// Verify reads the whole ledger and writes nothing: whether every row that is kept is
// what was written, none is missing between them or behind the mark of the witness
// (which may be nil), and the checkpoints are what the rows come to. The error is
// that it could not be read.
func Verify(ctx context.Context, j Journal, w Witness) (Verification, error) {
	var mark Mark
	if w != nil {
		var err error
		if mark, err = w.Load(); err != nil {
			return Verification{}, fmt.Errorf("read how far the ledger went: %w", err)
		}
	}
	encoded, err := j.Checkpoints(ctx)
	if err != nil {
		return Verification{}, fmt.Errorf("read the ledger: %w", err)
	}
	a := audit{verifier: NewVerifier(Mark{}, mark), fold: NewFold()}
	for i := len(encoded) - 1; i >= 0; i-- {
		c, err := DecodeCheckpoint(encoded[i])
		if err != nil {
			a.problem(0, err)
			continue
		}
		a.checkpoints = append(a.checkpoints, c)
	}
	if err := j.Scan(ctx, 0, a.record); err != nil {
		return a.found, fmt.Errorf("read the ledger: %w", err)
	}
	return a.end(), nil
}

// audit is a verification under way.
type audit struct {
	found       Verification
	verifier    *Verifier
	fold        *Fold // nil while it is not known what the rows before come to
	checkpoints []*Checkpoint
	problems    []problem
}

// problem is one at a row; it may be mended by a row that comes later.
type problem struct {
	row        uint64
	want, have Hash
	err        error
}

func (a *audit) problem(row uint64, err error) {
	a.problems = append(a.problems, problem{row: row, err: err})
}

func (a *audit) record(rec Record) error {
	next := a.verifier.Next
	if a.found.Rows++; a.found.Rows == 1 {
		if a.found.First = rec.Seq; rec.Seq > 1 {
			next, a.fold = a.verifier.Begin, nil
		}
	}
	row, err := next(rec)
	intact := err == nil
	if err != nil {
		p := problem{row: rec.Seq, err: err}
		row, intact, p.want, p.have = a.verifier.Accept(rec)
		a.problems, a.fold = append(a.problems, p), nil
	}
	if intact {
		a.found.At = row.At
		a.apply(&row)
	}
	for len(a.checkpoints) > 0 && a.checkpoints[0].Mark.Seq <= rec.Seq {
		a.reached(a.checkpoints[0])
		a.checkpoints = a.checkpoints[1:]
	}
	return nil
}

func (a *audit) apply(row *Row) {
	switch {
	case row.Kind == Start && row.Reason != "":
		a.fold = nil // what it began with was repaired; the checkpoint behind it tells
	case row.Kind == Mend:
		for i := range a.problems {
			if p := &a.problems[i]; p.row == uint64(row.Amount) && p.want == row.Want && p.have == row.Have {
				p.err = nil
				a.found.Mended++
			}
		}
	case a.fold != nil:
		if err := a.fold.Apply(row); err != nil {
			a.problem(row.Seq, fmt.Errorf("%w: %w", err, ErrMismatch))
			a.fold = nil
		}
	}
}

// reached compares what was read with a checkpoint, and goes on from there.
func (a *audit) reached(c *Checkpoint) {
	tip := a.verifier.Tip()
	switch {
	case tip.Seq != c.Mark.Seq:
		if a.found.Rows > 1 { // otherwise it is older than what is kept
			a.problem(tip.Seq, fmt.Errorf("the ledger has no row %d, after which a checkpoint was made: %w", c.Mark.Seq, ErrGap))
		}
	case tip.Hash != c.Mark.Hash:
		a.problem(tip.Seq, fmt.Errorf("ledger row %d is not the one that a checkpoint was made after: %w", tip.Seq, ErrAltered))
	default:
		if a.fold != nil {
			if err := a.fold.compare(c); err != nil {
				a.problem(tip.Seq, err)
			}
		}
		a.fold = foldFrom(c)
	}
}

func (a *audit) end() Verification {
	a.found.Tip = a.verifier.Tip()
	if err := a.verifier.End(); err != nil {
		a.problem(a.found.Tip.Seq, err)
	}
	for _, c := range a.checkpoints {
		a.problem(a.found.Tip.Seq, fmt.Errorf("the ledger ends with row %d, but a checkpoint says there was row %d: %w",
			a.found.Tip.Seq, c.Mark.Seq, ErrTruncated))
	}
	for _, p := range a.problems {
		if p.err != nil {
			a.found.Problem = p.err
			break
		}
	}
	return a.found
}
