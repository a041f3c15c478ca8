package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
)

// Verifier reads a ledger from one row on and tells whether it is what was written.
// It is for one goroutine.
type Verifier struct {
	tip  Mark
	mark Mark // what the end must have reached
	seen bool // the row of the mark, as it should be
	r    reader
	sum  hash.Hash
	is   Hash // of the row that is read
	// Behind a damaged row: what its hash should be, if the tip is what it says, and
	// whether neither is known.
	other   Hash
	damaged bool
	lost    bool
}

// NewVerifier reads what follows after. The ledger must reach mark, which was noted
// elsewhere; the zero Mark asks for nothing.
func NewVerifier(after, mark Mark) *Verifier {
	return &Verifier{tip: after, mark: mark, seen: mark.Seq <= after.Seq, sum: sha256.New()}
}

// Tip is the last row that was read.
func (v *Verifier) Tip() Mark { return v.tip }

// Next checks the next record and gives its row. After an error it can be tried again
// with another record, or Accept goes on.
func (v *Verifier) Next(rec Record) (row Row, err error) {
	err = v.next(rec, &row)
	return row, err
}

func (v *Verifier) next(rec Record, row *Row) error {
	want := v.tip.Seq + 1
	if rec.Seq != want {
		return fmt.Errorf("ledger row %d comes where row %d belongs: %w", rec.Seq, want, ErrGap)
	}
	if err := v.r.record(rec, row); err != nil {
		return err
	}
	body, hash := parts(rec)
	if !v.follows(&v.tip.Hash, body, &hash) && !v.lost && (!v.damaged || !v.follows(&v.other, body, &hash)) {
		return fmt.Errorf("ledger row %d: it was not written after the row before it: %w", want, ErrAltered)
	}
	v.tip, v.damaged, v.lost = Mark{want, hash}, false, false
	if want == v.mark.Seq {
		if v.seen = hash == v.mark.Hash; !v.seen {
			return fmt.Errorf("ledger row %d: another one was noted elsewhere: %w", want, ErrAltered)
		}
	}
	return nil
}

// follows tells whether a row with a hash comes behind another one.
func (v *Verifier) follows(before *Hash, body []byte, hash *Hash) bool {
	link(v.sum, before, body, &v.is)
	return v.is == *hash
}

// Begin reads the first record that is kept, of those before which some were pruned:
// its hash is believed.
func (v *Verifier) Begin(rec Record) (row Row, err error) {
	err = v.begin(rec, &row)
	return row, err
}

func (v *Verifier) begin(rec Record, row *Row) error {
	if err := v.r.record(rec, row); err != nil {
		return err
	}
	_, hash := parts(rec)
	v.tip, v.seen = Mark{rec.Seq, hash}, v.mark.Seq <= rec.Seq
	return nil
}

// Accept goes on behind a record that Next refused. It tells what the hash of the
// record should be and what it is, and gives its row if that is as somebody wrote it.
func (v *Verifier) Accept(rec Record) (row Row, intact bool, want, have Hash) {
	err := v.r.record(rec, &row)
	if rec.Seq == v.tip.Seq { // it is not what was noted elsewhere
		v.seen = true
		return row, true, v.mark.Hash, v.tip.Hash
	}
	if v.lost = len(rec.Bytes) < sealed; !v.lost {
		var body []byte
		body, have = parts(rec)
		v.follows(&v.tip.Hash, body, &have)
		want = v.is
	}
	v.tip, v.other, v.damaged = Mark{rec.Seq, have}, want, true
	v.seen = v.seen || rec.Seq >= v.mark.Seq
	return row, err == nil, want, have
}

// parts gives the row of a record, which is long enough, and its hash.
func parts(rec Record) ([]byte, Hash) {
	n := len(rec.Bytes) - sealed
	return rec.Bytes[:n], Hash(rec.Bytes[n:])
}

// record reads the row of a record whose checksum is right.
func (r *reader) record(rec Record, row *Row) error {
	altered := func(why any) error { return fmt.Errorf("ledger row %d: %v: %w", rec.Seq, why, ErrAltered) }
	n := len(rec.Bytes) - 4
	if len(rec.Bytes) < sealed {
		return altered(errShort)
	}
	if crc32.Checksum(rec.Bytes[:n], castagnoli) != binary.LittleEndian.Uint32(rec.Bytes[n:]) {
		return altered("its checksum is wrong")
	}
	r.b, r.err = rec.Bytes[:len(rec.Bytes)-sealed], nil
	r.row(row)
	if err := r.end(); err != nil {
		return altered(err)
	}
	if row.Seq != rec.Seq {
		return altered(fmt.Sprintf("it says that it is row %d", row.Seq))
	}
	return nil
}

// End tells, after the last record, whether the ledger reached the mark.
func (v *Verifier) End() error {
	if !v.seen {
		return fmt.Errorf("the ledger ends with row %d, but row %d had been written: %w", v.tip.Seq, v.mark.Seq, ErrTruncated)
	}
	return nil
}
