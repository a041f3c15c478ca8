package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/internal/budget"
)

// system is the actor of what nobody asked for.
const system = "system"

// Recover reads the ledger, checks it, and gives books that go on where it ends.
// Reservations of earlier runs that are open become expired, and what a power failure
// may have taken is charged. Errors about what is read wrap ErrAltered, ErrTruncated,
// ErrGap or ErrMismatch; then nothing was written.
//
// To repair is to go on with what is there. Where counters differ from the rows, the
// rows are right. Where rows are damaged or missing, a checkpoint behind them is; if
// there is none, those that are left count, a reservation whose end is damaged is charged
// its bound, and if the end is missing, what is granted counts as spent. Nothing that was charged is given
// back. The rows stay as they are: a MEND row names each with the hash that it should
// have and the one it has, and new checkpoints let the next start begin behind them.
func Recover(ctx context.Context, c Config) (*Books, Report, error) {
	began := time.Now()
	found, err := read(ctx, &c)
	report := Report{Read: found.rows, Repaired: found.problems.err()}
	if err != nil {
		return nil, report, err
	}
	b := &Books{
		engine: budget.NewEngine(), clock: budget.NewClock(found.fold.Last().Wall, c.Wall, c.Mono),
		journal: c.Journal, witness: c.Witness, run: found.fold.Run() + 1, boot: c.BootID, keep: c.Keep,
		storer:      newStorer(c.Journal, found.verifier.Tip()),
		progress:    progress{changed: make(chan struct{}, 1)},
		correctable: make(map[budget.ID]*Reservation),
	}
	b.queue = newQueue(b.storeUntil)
	if b.keep <= 0 {
		b.keep = Keep
	}
	now := b.clock.Now()
	if err := b.begin(ctx, now, found, &report); err != nil {
		return nil, report, fmt.Errorf("put on record what the start found: %w", err)
	}
	report.Rows, report.Took = b.storer.chain.Tip().Seq, time.Since(began)
	return b, report, nil
}

// begin puts on record that a run began, what was repaired, what may be lost, and that
// reservations that are open expired. From its first row on the time within a run is
// known.
func (b *Books) begin(ctx context.Context, now budget.Instant, found *reading, report *Report) error {
	start := Row{Kind: Start, Boot: b.boot}
	boot := b.boot
	if report.Repaired != nil {
		start.Reason = "repaired: " + report.Repaired.Error()
	}
	if errors.Is(report.Repaired, ErrTruncated) {
		boot = "" // the end that is missing had what was not durable, if anything
	}
	report.Lost = found.fold.Lost(boot)
	rows := append([]Row{start}, found.mends...)
	for _, e := range report.Lost {
		rows = append(rows, Row{
			Kind: Adjust, Actor: system, Reason: "the power may have failed: as much as may not have been durable",
			Balance: budget.Balance{Leg: e.Leg, Settled: e.Size},
		})
	}
	for i := range rows {
		rows[i].At, rows[i].Run = now, b.run
		if err := found.fold.Apply(&rows[i]); err != nil {
			return err
		}
	}
	balances, held := found.fold.State(b.run, now)
	for _, h := range b.engine.Restore(now, balances, held) {
		if resolution, first := h.Expire(); first {
			report.Expired++
			rows = append(rows, Row{Kind: Expire, At: now, Run: b.run, ID: h.ID(), Charged: resolution.Charged, Source: Unknown})
		}
		b.correctable[h.ID()] = &Reservation{books: b, hold: h}
	}
	if err := b.storer.store(ctx, rows, true); err != nil {
		return err
	}
	b.progress.tip, b.progress.safe = b.storer.chain.Tip(), b.storer.chain.Tip()
	if report.Repaired == nil {
		return nil
	}
	after := b.snapshot(now).Encode() // twice: both that are kept are then behind the damage
	return errors.Join(b.journal.SaveCheckpoint(ctx, after), b.journal.SaveCheckpoint(ctx, after), b.note())
}

// problems are what was wrong, of which the first are told.
type problems struct {
	told  []error
	count int
}

func (p *problems) add(err error) {
	const most = 10
	if p.count++; len(p.told) < most {
		p.told = append(p.told, err)
	}
}

func (p *problems) err() error {
	err := errors.Join(p.told...)
	if p.count > len(p.told) {
		err = fmt.Errorf("%w\nand %d more", err, p.count-len(p.told))
	}
	return err
}

// reading is the ledger as it is read at a start.
type reading struct {
	repair   bool
	fold     *Fold
	verifier *Verifier
	rows     uint64
	newer    *Checkpoint // that is not reached yet
	// passing means that rows are not counted, since the checkpoint that is not reached
	// yet knows better.
	passing  bool
	problems problems
	mends    []Row
	row      Row // the last that was read
}

// read folds the rows behind the older of two checkpoints. Up to the newer one that
// must come to what it says.
func read(ctx context.Context, c *Config) (*reading, error) {
	r := &reading{repair: c.Repair, fold: NewFold()}
	if c.Lost != nil {
		lost := fmt.Errorf("%w: %w", c.Lost, ErrTruncated)
		if !c.Repair {
			return r, lost
		}
		r.problems.add(lost)
	}
	checkpoints, err := c.Journal.Checkpoints(ctx)
	if err != nil {
		return r, fmt.Errorf("read the ledger: %w", err)
	}
	var mark Mark
	if c.Witness != nil {
		if mark, err = c.Witness.Load(); err != nil {
			return r, fmt.Errorf("read how far the ledger went: %w", err)
		}
	}
	base, err := r.choose(checkpoints)
	if err != nil {
		return r, err
	}
	r.verifier = NewVerifier(base.Mark, mark)
	anchored := base.Mark.Seq == 0
	err = c.Journal.Scan(ctx, base.Mark.Seq, func(rec Record) error {
		if anchored {
			return r.record(rec)
		}
		anchored = true
		return anchor(base.Mark, rec)
	})
	if !anchored && err == nil {
		err = fmt.Errorf("the ledger has no row %d, after which a checkpoint was made: %w", base.Mark.Seq, ErrTruncated)
	}
	if err != nil && r.rows == 0 && c.Repair && broken(err) { // the checkpoint knows better than all rows
		r.problems.add(err)
		if r.newer == nil {
			r.newer = base
		}
		r.passing, r.verifier = true, NewVerifier(Mark{}, mark)
		err = c.Journal.Scan(ctx, 0, r.record)
	}
	if err != nil {
		return r, err
	}
	return r, r.end()
}

// choose gives the checkpoint from which to read, one of no rows if there is none, and
// keeps the newer one to be compared. A single one is compared with all rows.
func (r *reading) choose(encoded [][]byte) (*Checkpoint, error) {
	base := &Checkpoint{}
	for i := len(encoded) - 1; i >= 0; i-- {
		c, err := DecodeCheckpoint(encoded[i])
		switch {
		case err != nil && !r.repair:
			return nil, err
		case err != nil:
			r.problems.add(err)
		case base.Mark.Seq == 0 && len(encoded) > 1:
			r.fold, base = foldFrom(c), c
		case c.Mark != base.Mark: // the same one twice was saved by a repair
			r.newer = c
		}
	}
	return base, nil
}

// broken tells whether an error is about what the ledger says, not about reading it.
func broken(err error) bool {
	return errors.Is(err, ErrAltered) || errors.Is(err, ErrTruncated) || errors.Is(err, ErrGap)
}

// anchor tells whether a record is the one that a checkpoint was made after.
func anchor(tip Mark, rec Record) error {
	if len(rec.Bytes) < sealed {
		return fmt.Errorf("ledger row %d: %w: %w", rec.Seq, errShort, ErrAltered)
	}
	if _, hash := parts(rec); rec.Seq != tip.Seq || hash != tip.Hash {
		return fmt.Errorf("ledger row %d is not row %d, after which a checkpoint was made: %w", rec.Seq, tip.Seq, ErrAltered)
	}
	return nil
}

// record reads the next record.
func (r *reading) record(rec Record) error {
	r.rows++
	next, row := r.verifier.next, &r.row
	if r.rows == 1 && r.passing && rec.Seq > 1 { // those before it were pruned
		next = r.verifier.begin
	}
	err := next(rec, row)
	counts := err == nil
	if err != nil {
		if !r.repair {
			return err
		}
		r.problems.add(err)
		mend := Row{Kind: Mend, Amount: int64(rec.Seq)}
		*row, counts, mend.Want, mend.Have = r.verifier.Accept(rec)
		r.mends = append(r.mends, mend)
		r.passing = r.newer != nil
	}
	if counts && !r.passing {
		if err := r.fold.Apply(row); err != nil {
			if !r.repair {
				return err
			}
			r.problems.add(err)
			r.passing = r.newer != nil
		}
	}
	if r.newer == nil || rec.Seq != r.newer.Mark.Seq {
		return nil
	}
	return r.reached()
}

// reached compares the rows with the newer checkpoint, which was made after this one.
func (r *reading) reached() error {
	var err error
	newer := r.newer
	r.newer = nil
	if tip := r.verifier.Tip(); tip.Hash != newer.Mark.Hash {
		err = fmt.Errorf("ledger row %d is not the one that the checkpoint was made after: %w", tip.Seq, ErrAltered)
	} else if !r.passing {
		err = r.fold.compare(newer)
	}
	if r.passing {
		r.fold, r.passing = foldFrom(newer), false
	}
	if err != nil && r.repair {
		r.problems.add(err)
		return nil
	}
	return err
}

// end tells, after the last record, whether the end is missing.
func (r *reading) end() error {
	err := r.verifier.End()
	if r.newer != nil {
		err = errors.Join(err, fmt.Errorf("the ledger ends with row %d, but a checkpoint says there was row %d: %w",
			r.verifier.Tip().Seq, r.newer.Mark.Seq, ErrTruncated))
	}
	if err == nil || !r.repair {
		return err
	}
	r.problems.add(err)
	if r.newer != nil {
		r.fold = foldFrom(r.newer)
	}
	return nil
}
