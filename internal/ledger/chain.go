package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
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
	tip   Mark
	w     writer
	sum   hash.Hash
	space []byte // where records are put
}

// NewChain continues a ledger from its last row.
func NewChain(tip Mark) *Chain { return &Chain{tip: tip, sum: sha256.New()} }

// Tip is the last row that was sealed.
func (c *Chain) Tip() Mark { return c.tip }

// Reset goes back to an earlier row: what was sealed after it has not been stored.
func (c *Chain) Reset(tip Mark) { c.tip = tip }

// Reuse tells that the records that were given are needed no more.
func (c *Chain) Reuse() { c.space = c.space[:0] }

// chunk is how much space for records is made at once at least.
const chunk = 64 << 10

// Seal gives the row its number and returns what is to be stored.
func (c *Chain) Seal(r *Row) Record {
	c.tip.Seq++
	r.Seq = c.tip.Seq
	c.w.b = c.w.b[:0]
	c.w.row(r)
	link(c.sum, &c.tip.Hash, c.w.b, &c.tip.Hash)
	from, size := len(c.space), len(c.w.b)+sealed
	if cap(c.space)-from < size {
		c.space, from = make([]byte, 0, max(chunk, size)), 0
	}
	c.space = append(append(c.space, c.w.b...), c.tip.Hash[:]...)
	c.space = binary.LittleEndian.AppendUint32(c.space, crc32.Checksum(c.space[from:], castagnoli))
	return Record{r.Seq, c.space[from : from+size : from+size]}
}

// link puts the hash of a row behind another one into sum, which may be that one.
func link(h hash.Hash, before *Hash, row []byte, sum *Hash) {
	h.Reset()
	h.Write(before[:])
	h.Write(row)
	h.Sum(sum[:0])
}
