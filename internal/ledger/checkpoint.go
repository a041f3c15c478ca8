package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"tollgate/internal/budget"
)

// Checkpoint is what all rows up to a mark come to, so that a start need not read
// them all.
type Checkpoint struct {
	Mark     Mark
	Run      uint64
	Boot     string         // of the run
	At       budget.Instant // when it was made; later than all its rows
	Balances []budget.Balance
	Held     []budget.Held
	Escrows  []budget.Escrow // in force
}

// Encode gives the bytes to be kept.
func (c *Checkpoint) Encode() []byte {
	w := writer{b: make([]byte, 0, 128*(1+len(c.Balances)+len(c.Held)))}
	w.byte(format)
	w.uint(c.Mark.Seq)
	w.hash(c.Mark.Hash)
	w.uint(c.Run)
	w.string(c.Boot)
	w.instant(c.At)
	w.uint(uint64(len(c.Balances)))
	for i := range c.Balances {
		w.balance(&c.Balances[i])
	}
	w.uint(uint64(len(c.Held)))
	for i := range c.Held {
		h := &c.Held[i]
		w.id(h.ID)
		w.instant(h.At)
		w.int(h.Deadline)
		w.amount(h.Bound)
		w.legs(h.Legs)
		w.byte(byte(h.Resolution.Outcome))
		w.amount(h.Resolution.Charged)
		w.bool(h.Resolution.Correctable)
	}
	w.uint(uint64(len(c.Escrows)))
	for i := range c.Escrows {
		w.leg(&c.Escrows[i].Leg)
		w.int(c.Escrows[i].Size)
	}
	return binary.LittleEndian.AppendUint32(w.b, crc32.Checksum(w.b, castagnoli))
}

// DecodeCheckpoint reads what Encode gave. Its errors wrap ErrAltered.
func DecodeCheckpoint(b []byte) (*Checkpoint, error) {
	altered := func(err error) (*Checkpoint, error) {
		return nil, fmt.Errorf("checkpoint of the ledger: %w: %w", err, ErrAltered)
	}
	n := len(b) - 4
	if n < 0 {
		return altered(errShort)
	}
	if crc32.Checksum(b[:n], castagnoli) != binary.LittleEndian.Uint32(b[n:]) {
		return altered(errors.New("its checksum is wrong"))
	}
	r := reader{b: b[:n]}
	if v := r.byte(); v != format {
		return nil, fmt.Errorf("checkpoint of the ledger: format %d is not known to this version", v)
	}
	c := &Checkpoint{}
	c.Mark.Seq, c.Mark.Hash = r.uint(), r.hash()
	c.Run, c.Boot, c.At = r.uint(), r.string(), r.instant()
	for range r.count(10) {
		c.Balances = append(c.Balances, r.balance())
	}
	for range r.count(12) {
		c.Held = append(c.Held, budget.Held{
			ID: r.id(), At: r.instant(), Deadline: r.int(), Bound: r.amount(), Legs: r.legs(),
			Resolution: budget.Resolution{Outcome: budget.Outcome(r.byte()), Charged: r.amount(), Correctable: r.bool()},
		})
	}
	for range r.count(7) {
		c.Escrows = append(c.Escrows, budget.Escrow{Leg: r.leg(), Size: r.int()})
	}
	if err := r.end(); err != nil {
		return altered(err)
	}
	return c, nil
}

// foldFrom makes the fold of all rows up to a checkpoint.
func foldFrom(c *Checkpoint) *Fold {
	f := NewFold()
	f.run, f.boot, f.last, f.applied = c.Run, c.Boot, c.At, 1
	for i := range c.Balances {
		t := &tally{Balance: c.Balances[i]}
		for j := range t.Admissions {
			t.Admissions[j].At -= c.At.Mono
		}
		f.tallies[keyOf(&t.Leg)] = t
	}
	for i := range c.Held {
		h := &reservation{Held: c.Held[i], age: c.Held[i].At.Mono - c.At.Mono}
		f.held[h.ID] = h
		for j := range h.Legs {
			f.tally(&h.Legs[j]).holds++
		}
	}
	for _, e := range c.Escrows {
		f.escrows[keyOf(&e.Leg)] = e
	}
	return f
}

// compare tells whether a checkpoint is what the rows come to. Sliding windows are
// left out: what they see depends on the moment.
func (f *Fold) compare(c *Checkpoint) error {
	theirs := make(map[windowKey]*budget.Balance, len(c.Balances))
	for i := range c.Balances {
		theirs[keyOf(&c.Balances[i].Leg)] = &c.Balances[i]
	}
	for k, t := range f.tallies {
		b := theirs[k]
		delete(theirs, k)
		if t.Window.Shape() == budget.Sliding {
			continue
		}
		if b == nil {
			b = &budget.Balance{}
		}
		if t.Settled != b.Settled || t.Reserved != b.Reserved || t.Overrun != b.Overrun {
			return fmt.Errorf("limit %s of %q: the rows come to %d settled and %d reserved, the counter says %d and %d: %w",
				k.limit, k.subject, t.Settled, t.Reserved, b.Settled, b.Reserved, ErrMismatch)
		}
	}
	for k, b := range theirs {
		if b.Window.Shape() != budget.Sliding {
			return fmt.Errorf("limit %s of %q: the counter says %d settled and %d reserved, of which no row tells: %w",
				k.limit, k.subject, b.Settled, b.Reserved, ErrMismatch)
		}
	}
	return nil
}
