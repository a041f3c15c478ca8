package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// What can be wrong with a ledger. Errors wrap one of these and name the row.
var (
	// ErrAltered: a row is not what was written.
	ErrAltered = errors.New("altered")
	// ErrTruncated: rows at the end are missing.
	ErrTruncated = errors.New("truncated")
	// ErrGap: a row is missing, or there twice.
	ErrGap = errors.New("gap")
	// ErrMismatch: counters are not what the rows come to.
	ErrMismatch = errors.New("counters do not match the ledger")
)

// Behind the row itself a record has the hash of the chain up to it and a checksum
// of both.
const sealed = len(Hash{}) + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Chain seals rows, each upon the one before. It is for one goroutine.
type Chain struct {
	tip Mark
	w   writer
}

// NewChain continues a ledger from its last row.
func NewChain(tip Mark) *Chain { return &Chain{tip: tip} }

// Tip is the last row that was sealed.
func (c *Chain) Tip() Mark { return c.tip }

// Reset goes back to an earlier row: what was sealed after it has not been stored.
func (c *Chain) Reset(tip Mark) { c.tip = tip }

// Seal gives the row its number and returns what is to be stored.
func (c *Chain) Seal(r *Row) Record {
	c.tip.Seq++
	r.Seq = c.tip.Seq
	c.w.b = c.w.b[:0]
	c.w.row(r)
	c.tip.Hash = link(c.tip.Hash, c.w.b)
	b := make([]byte, 0, len(c.w.b)+sealed)
	b = append(append(b, c.w.b...), c.tip.Hash[:]...)
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return Record{r.Seq, b}
}

func link(before Hash, row []byte) Hash {
	h := sha256.New()
	h.Write(before[:])
	h.Write(row)
	var sum Hash
	h.Sum(sum[:0])
	return sum
}

// Verifier reads a ledger from one row on and tells whether it is what was written.
// It is for one goroutine.
type Verifier struct {
	tip  Mark
	mark Mark // what the end must have reached
	seen bool // the row of the mark, as it should be
	r    reader
}

// NewVerifier reads what follows after. The ledger must reach mark, which was noted
// elsewhere; the zero Mark asks for nothing.
func NewVerifier(after, mark Mark) *Verifier {
	return &Verifier{tip: after, mark: mark, seen: mark.Seq <= after.Seq}
}

// Tip is the last row that was read.
func (v *Verifier) Tip() Mark { return v.tip }

// Next checks the next record and gives its row.
func (v *Verifier) Next(rec Record) (Row, error) {
	want := v.tip.Seq + 1
	if rec.Seq != want {
		return Row{}, fmt.Errorf("ledger row %d comes where row %d belongs: %w", rec.Seq, want, ErrGap)
	}
	altered := func(why any) (Row, error) {
		return Row{}, fmt.Errorf("ledger row %d: %v: %w", want, why, ErrAltered)
	}
	n := len(rec.Bytes) - sealed
	if n < 0 {
		return altered(errShort)
	}
	body, rest := rec.Bytes[:n], rec.Bytes[n:]
	if crc32.Checksum(rec.Bytes[:len(rec.Bytes)-4], castagnoli) != binary.LittleEndian.Uint32(rest[len(Hash{}):]) {
		return altered("its checksum is wrong")
	}
	hash := link(v.tip.Hash, body)
	if hash != Hash(rest[:len(hash)]) {
		return altered("it was not written after the row before it")
	}
	v.r.b, v.r.err = body, nil
	row := v.r.row()
	if err := v.r.end(); err != nil {
		return altered(err)
	}
	if row.Seq != want {
		return altered(fmt.Sprintf("it says that it is row %d", row.Seq))
	}
	v.tip = Mark{want, hash}
	if want == v.mark.Seq {
		if v.seen = hash == v.mark.Hash; !v.seen {
			return altered("another one was noted elsewhere")
		}
	}
	return row, nil
}

// End tells, after the last record, whether the ledger reached the mark.
func (v *Verifier) End() error {
	if !v.seen {
		return fmt.Errorf("the ledger ends with row %d, but row %d had been written: %w", v.tip.Seq, v.mark.Seq, ErrTruncated)
	}
	return nil
}
