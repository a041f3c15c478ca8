package vkey

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unsafe"

	"tollgate/internal/access"
	"tollgate/internal/budget"
)

// packed is all of a key that its entries are made of, as few bytes without a
// pointer in them: a million decoded keys would fill memory and keep the garbage
// collector busy. It never leaves the process.
type packed string

const (
	packedLegacy = 1 << iota
	packedClamp
	packedDiscreet
	packedAllow      // there is a list of models to allow
	packedOperations // there is a list of operations
	packedNetworks   // there is a list of networks
)

// packer packs keys, one after the other in the same buffer.
type packer struct {
	out   []byte
	block []byte // of together, what is free of it
}

// blockSize is how many bytes of packed keys are kept together. On its own each would take as much as the
// next size that the allocator has.
const blockSize = 64 << 10

// together packs a key beside others, for many that are packed at once: memory is given back when the
// last of those beside it is gone.
func (w *packer) together(k *Key) packed {
	w.write(k)
	if len(w.out) > blockSize/8 {
		return packed(w.out)
	}
	if len(w.out) > len(w.block) {
		w.block = make([]byte, blockSize)
	}
	n := copy(w.block, w.out)
	text := unsafe.String(&w.block[0], n) // nobody writes there again
	w.block = w.block[n:]
	return packed(text)
}

// pack gives a key packed.
func (w *packer) pack(k *Key) packed {
	w.write(k)
	return packed(w.out)
}

// write packs a key into the buffer.
func (w *packer) write(k *Key) {
	w.out = w.out[:0]
	w.text(k.ID)
	w.text(k.Name)
	w.number(uint64(k.Status))
	w.number(k.flags())
	w.time(k.ExpiresAt)
	w.number(uint64(k.MaxTokens))
	w.pairs(k.Labels)
	w.texts(k.Models.Allow)
	w.texts(k.Models.Deny)
	w.texts(k.Operations)
	w.number(uint64(len(k.Networks)))
	for _, n := range k.Networks {
		text, _ := n.AppendBinary(nil) // it never fails
		w.text(string(text))
	}
	w.number(uint64(len(k.Limits)))
	for _, l := range k.Limits {
		w.limit(l)
	}
	w.number(uint64(len(k.Secrets)))
	for i := range k.Secrets {
		s := &k.Secrets[i]
		w.text(s.ID)
		w.out = append(w.out, s.Digest[:]...)
		w.flag(s.Peppered)
		w.time(s.NotAfter)
	}
}

func (k *Key) flags() uint64 {
	flags := uint64(0)
	for _, f := range [...]struct {
		set  bool
		flag uint64
	}{
		{k.Legacy, packedLegacy},
		{k.Clamp, packedClamp},
		{k.Discreet, packedDiscreet},
		{k.Models.Allow != nil, packedAllow},
		{k.Operations != nil, packedOperations},
		{k.Networks != nil, packedNetworks},
	} {
		if f.set {
			flags |= f.flag
		}
	}
	return flags
}

// id reads the first field alone.
func (p packed) id() string {
	r := unpacker{string(p)}
	return r.text()
}

// key reads what pack wrote. Its strings are parts of p.
func (p packed) key() *Key {
	r := unpacker{string(p)}
	k := &Key{ID: r.text(), Name: r.text(), Status: Status(r.number())}
	flags := r.number()
	k.Legacy, k.Clamp, k.Discreet = flags&packedLegacy != 0, flags&packedClamp != 0, flags&packedDiscreet != 0
	k.ExpiresAt = r.time()
	k.MaxTokens = int64(r.number())
	k.Labels = r.pairs()
	k.Models.Allow = r.texts(flags&packedAllow != 0)
	k.Models.Deny = r.texts(false)
	k.Operations = r.texts(flags&packedOperations != 0)
	n := int(r.number())
	if flags&packedNetworks != 0 {
		k.Networks = make([]netip.Prefix, n)
	}
	for i := range k.Networks {
		_ = k.Networks[i].UnmarshalBinary([]byte(r.text())) // as AppendBinary wrote it
	}
	if n = int(r.number()); n > 0 {
		k.Limits = make([]*budget.Limit, n)
	}
	for i := range k.Limits {
		k.Limits[i] = r.limit()
	}
	k.Secrets = make([]Secret, r.number())
	for i := range k.Secrets {
		s := &k.Secrets[i]
		s.ID = r.text()
		copy(s.Digest[:], r.take(len(s.Digest)))
		s.Peppered = r.flag()
		s.NotAfter = r.time()
	}
	return k
}

func (w *packer) number(n uint64) { w.out = binary.AppendUvarint(w.out, n) }

func (w *packer) flag(set bool) {
	if set {
		w.out = append(w.out, 1)
	} else {
		w.out = append(w.out, 0)
	}
}

func (w *packer) text(s string) {
	w.number(uint64(len(s)))
	w.out = append(w.out, s...)
}

func (w *packer) texts(list []string) {
	w.number(uint64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

func (w *packer) pairs(m map[string]string) {
	w.number(uint64(len(m)))
	for name, value := range m {
		w.common(name)
		w.text(value)
	}
}

// common writes a text that many keys have. It begins with its number among those, from 1, or with 0.
func (w *packer) common(s string) {
	if n, ok := commons.number(s); ok {
		w.number(n)
		return
	}
	w.number(0)
	w.text(s)
}

// time writes seconds and nanoseconds: some write "never" as the year 9999, which
// nanoseconds alone do not reach.
func (w *packer) time(t time.Time) {
	w.flag(!t.IsZero())
	if !t.IsZero() {
		w.out = binary.AppendVarint(w.out, t.Unix())
		w.number(uint64(t.Nanosecond()))
	}
}

func (w *packer) limit(l *budget.Limit) {
	w.text(l.ID)
	w.number(uint64(l.Kind))
	w.number(uint64(l.Amount))
	w.window(l.Window)
	w.number(uint64(l.Per))
	w.number(uint64(len(l.Models)))
	for _, p := range l.Models {
		w.text(p.String())
	}
	w.pairs(l.Match)
}

type unpacker struct{ rest string }

func (r *unpacker) take(n int) string {
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *unpacker) number() uint64 {
	n, shift := uint64(0), 0
	for i := range len(r.rest) {
		b := r.rest[i]
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			break
		}
		shift += 7
	}
	return n
}

func (r *unpacker) flag() bool { return r.take(1) == "\x01" }

func (r *unpacker) text() string { return r.take(int(r.number())) }

// common reads what common wrote.
func (r *unpacker) common() string {
	if n := r.number(); n > 0 {
		return commons.text(n)
	}
	return r.text()
}

// texts gives nil for an empty list, unless there was one.
func (r *unpacker) texts(given bool) []string {
	n := int(r.number())
	if n == 0 && !given {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.text()
	}
	return list
}

func (r *unpacker) pairs() map[string]string {
	n := int(r.number())
	if n == 0 {
		return nil
	}
	m := make(map[string]string, n)
	for range n {
		name := r.common()
		m[name] = r.text()
	}
	return m
}

func (r *unpacker) time() time.Time {
	if !r.flag() {
		return time.Time{}
	}
	zigzag := r.number()
	seconds := int64(zigzag>>1) ^ -int64(zigzag&1)
	return time.Unix(seconds, int64(r.number())).UTC()
}

func (r *unpacker) limit() *budget.Limit {
	l := &budget.Limit{ID: r.text(), Kind: budget.Kind(r.number()), Amount: int64(r.number()), Window: windowOf(r.common()), Per: budget.Per(r.number())}
	for range r.number() {
		p, _ := access.ParsePattern(r.text()) // as a Pattern wrote it; the zero one matches nothing again
		l.Models = append(l.Models, p)
	}
	l.Match = r.pairs()
	return l
}

// calendars are the windows that follow a calendar, by their text. Reading one
// would load its zone from a file, which must not be done for every key, nor while
// a request waits; there are only so many.
var calendars sync.Map // string → budget.Window

func (w *packer) window(window budget.Window) {
	text := window.String()
	if window.Shape() == budget.Calendar {
		calendars.LoadOrStore(text, window)
	}
	w.common(text)
}

func windowOf(text string) budget.Window {
	if w, ok := calendars.Load(text); ok {
		return w.(budget.Window)
	}
	w, _ := budget.ParseWindow(text) // no calendar, so there is nothing to load
	return w
}

// commons are the windows of limits and the names of labels that packed keys have, each kept once. They
// are numbered from 1 and never forgotten, so there are only so many.
var commons commonTexts

const mostCommon = 4096

type commonTexts struct {
	mu      sync.RWMutex
	numbers map[string]uint64
	texts   []string
}

// number gives the number of a text, false if there are too many to give it one.
func (c *commonTexts) number(s string) (uint64, bool) {
	c.mu.RLock()
	n, ok := c.numbers[s]
	c.mu.RUnlock()
	if ok {
		return n, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, ok = c.numbers[s]; ok || len(c.texts) >= mostCommon {
		return n, ok
	}
	if c.numbers == nil {
		c.numbers = make(map[string]uint64)
	}
	s = strings.Clone(s) // it may be a part of something larger
	c.texts = append(c.texts, s)
	c.numbers[s] = uint64(len(c.texts))
	return uint64(len(c.texts)), true
}

// text gives the text of a number.
func (c *commonTexts) text(n uint64) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.texts[n-1]
}
