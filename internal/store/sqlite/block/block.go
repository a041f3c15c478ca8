// Package block packs request records: many of them into a few dozen kilobytes that are
// written at once, with a filter that tells most questions that the answer is not among them.
// It owns the form of both, and knows nothing of where they are kept.
//
// A block is a byte with the version of its form, a time that others are told against, the
// texts of its records, each once, the records, and a checksum. Numbers are varints; a record names
// texts by their number, from 1 on, and begins with what can be asked for, so that it need not
// be read to its end to be passed over.
package block

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"tollgate/internal/record"
)

// version is the form of blocks as they are written. Those of the earlier ones are read: the
// first did not have how often a record was repeated.
const version = 2

// ErrDamaged: the bytes are not those of a block.
var ErrDamaged = errors.New("the block is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Builder packs records. The zero Builder is empty.
type Builder struct {
	first, last int64 // microseconds
	count       int
	base        int64 // seconds
	records     []byte
	texts       []byte
	numbers     map[string]uint64 // of the texts
	asked       []terms           // by number: as what the text is in the filter
	hashes      []uint64          // of what is in the filter
	statuses    []int             // that are in the filter
	label       []byte            // of the last record
	codec       codec             // and what it was written by
}

// Reset empties the builder and keeps its memory.
func (b *Builder) Reset() {
	clear(b.numbers)
	*b = Builder{
		records: b.records[:0], texts: b.texts[:0], numbers: b.numbers, asked: b.asked[:0], hashes: b.hashes[:0],
		statuses: b.statuses[:0], label: b.label[:0], codec: codec{bytes: b.codec.bytes[:0]},
	}
}

// Len is how many records there are.
func (b *Builder) Len() int { return b.count }

// Size is about how many bytes there are.
func (b *Builder) Size() int { return len(b.records) + len(b.texts) }

// Span gives the times of the earliest and the latest record, in microseconds since 1970.
func (b *Builder) Span() (first, last int64) { return b.first, b.last }

// Micros is a time as blocks are ordered by, the zero time as 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Add packs a record, of which it keeps nothing but texts.
func (b *Builder) Add(r *record.Request) {
	at := Micros(r.At)
	if b.count == 0 {
		b.first, b.last, b.base = at, at, r.At.Unix()
		if b.numbers == nil {
			b.numbers = make(map[string]uint64)
		}
		if len(b.asked) == 0 {
			b.asked = append(b.asked, 0) // there is no text 0
		}
	}
	b.first, b.last = min(b.first, at), max(b.last, at)
	b.count++
	c := &b.codec
	c.b, c.base, c.form, c.bytes = b, b.base, version, c.bytes[:0]
	c.request(r)
	b.records = binary.AppendUvarint(b.records, uint64(len(c.bytes)))
	b.records = append(b.records, c.bytes...)
	b.index(r)
}

// number gives the number of a text.
func (b *Builder) number(text string) uint64 {
	if text == "" {
		return 0
	}
	if n, ok := b.numbers[text]; ok {
		return n
	}
	return b.add(text)
}

func (b *Builder) add(text string) uint64 {
	n := uint64(len(b.asked))
	b.numbers[text] = n
	b.asked = append(b.asked, 0)
	b.texts = binary.AppendUvarint(b.texts, uint64(len(text)))
	b.texts = append(b.texts, text...)
	return n
}

// labelled gives the number of labels, which are one text together: names and values in the
// order of names, each with its length before it.
func (b *Builder) labelled(labels map[string]string) uint64 {
	if len(labels) == 0 {
		return 0
	}
	b.label = AppendLabels(b.label[:0], labels)
	if n, ok := b.numbers[string(b.label)]; ok {
		return n
	}
	return b.add(string(b.label))
}

// AppendLabels writes labels, equal ones alike; none as nothing.
func AppendLabels(to []byte, labels map[string]string) []byte {
	var few [8]string // most have no more
	order := few[:0]
	for name := range labels {
		order = append(order, name)
	}
	slices.Sort(order)
	for _, name := range order {
		to = binary.AppendUvarint(to, uint64(len(name)))
		to = append(to, name...)
		value := labels[name]
		to = binary.AppendUvarint(to, uint64(len(value)))
		to = append(to, value...)
	}
	return to
}

// eachLabel reads what AppendLabels wrote and tells whether it was that.
func eachLabel(text string, fn func(name, value string)) bool {
	r := reader{bytes: []byte(text)}
	for len(r.bytes) > 0 && !r.bad {
		name := string(r.text())
		fn(name, string(r.text()))
	}
	return !r.bad
}

// AppendData writes the block.
func (b *Builder) AppendData(to []byte) []byte {
	to = slices.Grow(to, len(b.texts)+len(b.records)+32)
	begin := len(to)
	to = append(to, version)
	to = binary.AppendVarint(to, b.base)
	to = binary.AppendUvarint(to, uint64(max(0, len(b.asked)-1)))
	to = append(to, b.texts...)
	to = binary.AppendUvarint(to, uint64(b.count))
	to = append(to, b.records...)
	return binary.LittleEndian.AppendUint32(to, crc32.Checksum(to[begin:], castagnoli))
}

// Block is a block that is read.
type Block struct {
	form    byte
	base    int64
	texts   []string // by number
	count   int
	records []byte
}

// Parse reads what AppendData wrote. The block uses the bytes: they must stay as they are.
func Parse(data []byte) (*Block, error) {
	end := len(data) - crc32.Size
	if end < 1 || crc32.Checksum(data[:end], castagnoli) != binary.LittleEndian.Uint32(data[end:]) {
		return nil, ErrDamaged
	}
	if data[0] == 0 || data[0] > version {
		return nil, fmt.Errorf("%w: its form is %d, of which only a newer tollgate knows", ErrDamaged, data[0])
	}
	r := reader{bytes: data[1:end]}
	b := &Block{form: data[0], base: r.varint()}
	n := r.count()
	b.texts = make([]string, 1, n+1)
	for range n {
		b.texts = append(b.texts, string(r.text()))
	}
	b.count = r.count()
	b.records = r.bytes
	if r.bad {
		return nil, ErrDamaged
	}
	return b, nil
}

// Len is how many records there are.
func (b *Block) Len() int { return b.count }

// Each gives the records in the order in which they were packed, but for the first few.
func (b *Block) Each(from int, fn func(*record.Request) error) error {
	r := reader{bytes: b.records}
	for i := range b.count {
		body := r.text()
		if i < from && !r.bad {
			continue
		}
		one, err := b.decode(body)
		if r.bad || err != nil {
			return ErrDamaged
		}
		if err := fn(one); err != nil {
			return err
		}
	}
	return nil
}

func (b *Block) decode(body []byte) (*record.Request, error) {
	c := codec{read: true, form: b.form, base: b.base, reader: reader{bytes: body}, texts: b.texts}
	r := &record.Request{}
	if c.request(r); c.reader.bad || len(c.reader.bytes) > 0 {
		return nil, ErrDamaged
	}
	return r, nil
}

// reader reads numbers and texts. Once there is none where one belongs it is bad, and gives
// zeros.
type reader struct {
	bytes []byte
	bad   bool
}

func (r *reader) uvarint() uint64 {
	if len(r.bytes) > 0 && r.bytes[0] < 0x80 { // most are small
		n := uint64(r.bytes[0])
		r.bytes = r.bytes[1:]
		return n
	}
	n, size := binary.Uvarint(r.bytes)
	if size <= 0 {
		r.bad, r.bytes = true, nil
		return 0
	}
	r.bytes = r.bytes[size:]
	return n
}

func (r *reader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// count reads a number of things of at least a byte each.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.bytes)) {
		r.bad, r.bytes = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) text() []byte {
	n := r.count()
	text := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return text
}
