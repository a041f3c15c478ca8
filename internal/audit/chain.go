package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a trail. Errors wrap one of these and name the event.
var (
	// ErrAltered: an event is not what was written.
	ErrAltered = errors.New("altered")
	// ErrTruncated: events at the end are missing.
	ErrTruncated = errors.New("truncated")
	// ErrGap: an event is missing, or there twice.
	ErrGap = errors.New("gap")
)

// Mark is how far a trail went: its last event. The zero Mark is that of an empty one.
type Mark struct {
	Seq  uint64
	Hash Hash
}

// Mark is that of a trail which ends with this event.
func (e *Event) Mark() Mark { return Mark{e.Seq, e.Hash} }

// Seal puts the event, whose Seq is set, behind the one that has the hash previous: it
// sets Previous and Hash. What an export could not carry unharmed is put right before: the time
// becomes UTC without its monotonic reading, text becomes valid UTF-8.
func Seal(e *Event, previous Hash) {
	e.At = e.At.UTC().Round(0)
	e.texts(func(s *string) { *s = strings.ToValidUTF8(*s, "\uFFFD") })
	e.Previous = previous
	e.Hash = e.sum()
}

// The formats of what is hashed; the first byte says which it is. Events in which there is nothing that
// only a later one has are hashed in the first, as ever.
const (
	format      = 1
	formatOfKey = 2 // there is the key of the target
)

// sum is the SHA-256 of everything but Hash itself. Each number has eight bytes and each
// text its length before it, so that no two events are written alike.
func (e *Event) sum() Hash {
	b := make([]byte, 0, 512)
	if e.Target.KeyID == "" {
		b = append(b, format)
	} else {
		b = append(b, formatOfKey)
	}
	b = append(b, e.Previous[:]...)
	b = binary.BigEndian.AppendUint64(b, e.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.Nanosecond()))
	b = binary.BigEndian.AppendUint64(b, uint64(e.Actor.Role))
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.Diff)))
	e.texts(func(s *string) {
		b = binary.BigEndian.AppendUint64(b, uint64(len(*s)))
		b = append(b, *s...)
	})
	return sha256.Sum256(b)
}

// texts calls fn for every text of the event, always in the same order.
func (e *Event) texts(fn func(*string)) {
	fn((*string)(&e.Actor.Kind))
	fn(&e.Actor.ID)
	fn(&e.Actor.Name)
	fn(&e.Actor.From)
	fn(&e.Action)
	fn(&e.Target.Kind)
	fn(&e.Target.ID)
	fn(&e.Target.Name)
	if e.Target.KeyID != "" {
		fn(&e.Target.KeyID)
	}
	fn((*string)(&e.Outcome))
	fn(&e.Reason)
	fn(&e.RequestID)
	for i := range e.Diff {
		fn(&e.Diff[i].Path)
		fn(&e.Diff[i].Before)
		fn(&e.Diff[i].After)
	}
}

// Verifier reads a trail from one event on and tells whether it is what was written.
// It is for one goroutine.
type Verifier struct {
	tip  Mark
	mark Mark // what the end must have reached
	seen bool // the event of the mark, as it should be
}

// NewVerifier reads what follows after; the zero Mark stands for a whole trail. The
// trail must reach mark, which was noted elsewhere; the zero Mark asks for nothing.
func NewVerifier(after, mark Mark) *Verifier {
	return &Verifier{tip: after, mark: mark, seen: mark.Seq <= after.Seq}
}

// Tip is the last event that was read.
func (v *Verifier) Tip() Mark { return v.tip }

// Next checks the next event.
func (v *Verifier) Next(e *Event) error {
	want := v.tip.Seq + 1
	altered := func(why string) error {
		return fmt.Errorf("audit event %d: %s: %w", want, why, ErrAltered)
	}
	switch {
	case e.Seq != want:
		return fmt.Errorf("audit event %d comes where event %d belongs: %w", e.Seq, want, ErrGap)
	case e.Previous != v.tip.Hash:
		return altered("it was not written after the event before it")
	case e.Hash != e.sum():
		return altered("its hash is not that of what it says")
	}
	v.tip = e.Mark()
	if want == v.mark.Seq {
		if v.seen = v.tip == v.mark; !v.seen {
			return altered("another one was noted elsewhere")
		}
	}
	return nil
}

// End tells, after the last event, whether the trail reached the mark.
func (v *Verifier) End() error {
	if !v.seen {
		return fmt.Errorf("the trail ends with event %d, but event %d had been written: %w", v.tip.Seq, v.mark.Seq, ErrTruncated)
	}
	return nil
}
