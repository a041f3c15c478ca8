package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tollgate/internal/budget"
	"tollgate/internal/money"
)

// The first byte of what is stored is its format. Rows of the first one are read as well: the legs of
// their reservations stood for themselves.
const (
	format    = 1 // of checkpoints
	rowFormat = 2
)

// writer appends to a buffer. It keeps the text of windows, which come again and again.
type writer struct {
	b       []byte
	windows map[budget.Window]string
}

func (w *writer) byte(v byte)     { w.b = append(w.b, v) }
func (w *writer) int(v int64)     { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) uint(v uint64)   { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) hash(v Hash)     { w.b = append(w.b, v[:]...) }
func (w *writer) string(v string) { w.uint(uint64(len(v))); w.b = append(w.b, v...) }

func (w *writer) amount(a budget.Amount)   { w.int(int64(a.Cost)); w.int(a.Tokens) }
func (w *writer) instant(i budget.Instant) { w.int(i.Wall); w.int(i.Mono) }
func (w *writer) id(id budget.ID)          { w.uint(id.Run); w.uint(id.Number) }

func (w *writer) window(v budget.Window) {
	text, ok := w.windows[v]
	if !ok {
		if text = v.String(); w.windows == nil || len(w.windows) >= remembered {
			w.windows = make(map[budget.Window]string)
		}
		w.windows[v] = text
	}
	w.string(text)
}

// remembered is how many windows and names a codec keeps before it begins anew.
const remembered = 1 << 16

func (w *writer) leg(l *budget.Leg) {
	w.string(l.Limit)
	w.string(l.Subject)
	w.byte(byte(l.Kind))
	w.window(l.Window)
	w.int(l.Span.Start)
	w.int(l.Span.End)
}

func (w *writer) legs(all []budget.Leg) {
	w.uint(uint64(len(all)))
	for i := range all {
		w.leg(&all[i])
	}
}

// ownLeg marks, in the byte of the kind, the leg whose subject is that of its row.
const ownLeg = 0x80

// legsOf writes the legs of a reservation. There are a few in every row, most with the row's own subject and
// all with times near its own.
func (w *writer) legsOf(r *Row) {
	w.uint(uint64(len(r.Legs)))
	for i := range r.Legs {
		l := &r.Legs[i]
		w.string(l.Limit)
		if l.Subject == r.Subject {
			w.byte(byte(l.Kind) | ownLeg)
		} else {
			w.byte(byte(l.Kind))
			w.string(l.Subject)
		}
		w.window(l.Window)
		w.int(r.At.Wall - l.Span.Start) // differences may wrap around, and do so again when they are read
		w.int(l.Span.End - l.Span.Start)
	}
}

func (w *writer) balance(b *budget.Balance) {
	w.leg(&b.Leg)
	w.int(b.Settled)
	w.int(b.Reserved)
	w.int(b.Overrun)
	w.uint(uint64(len(b.Admissions)))
	for _, a := range b.Admissions {
		w.id(a.ID)
		w.int(a.At)
		w.int(a.Charge)
		w.bool(a.Open)
	}
}

func (w *writer) bool(v bool) {
	if v {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

func (w *writer) row(r *Row) {
	w.byte(rowFormat)
	w.byte(byte(r.Kind))
	w.uint(r.Seq)
	w.instant(r.At)
	w.uint(r.Run)
	w.id(r.ID)
	switch r.Kind {
	case Reserve:
		w.string(r.Subject)
		w.string(r.Asked)
		w.string(r.Model)
		w.amount(r.Bound)
		w.int(r.Deadline)
		w.legsOf(r)
	case Settle, Void, Expire, Late:
		w.amount(r.Charged)
		w.byte(byte(r.Source))
		w.string(r.Price)
		w.uint(uint64(len(r.Lines)))
		for _, l := range r.Lines {
			w.string(l.What)
			w.int(l.Count)
			w.int(int64(l.Unit))
		}
	case Start, Stop:
		w.string(r.Boot)
		w.string(r.Reason)
	case Mend:
		w.int(r.Amount)
		w.hash(r.Want)
		w.hash(r.Have)
	default:
		w.balance(&r.Balance)
		w.int(r.Amount)
		w.string(r.Actor)
		w.string(r.Reason)
	}
}

// reader reads what writer wrote. After the first mistake everything reads as zero.
type reader struct {
	b       []byte
	err     error
	windows map[string]budget.Window
	names   map[string]string // one copy of each
}

var errShort = errors.New("ends in the middle")

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail(errShort)
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) bool() bool { return r.byte() == 1 }

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) hash() (v Hash) {
	if len(r.b) < len(v) {
		r.fail(errShort)
		return v
	}
	r.b = r.b[copy(v[:], r.b):]
	return v
}

// count reads how many of something follow, each at least size bytes long.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.b)/size) {
		r.fail(errShort)
		return 0
	}
	return int(n)
}

func (r *reader) string() string {
	n := r.count(1)
	text := r.b[:n]
	r.b = r.b[n:]
	if known, ok := r.names[string(text)]; ok {
		return known
	}
	v := string(text)
	if r.names == nil || len(r.names) >= remembered {
		r.names = make(map[string]string)
	}
	r.names[v] = v
	return v
}

func (r *reader) amount() budget.Amount {
	return budget.Amount{Cost: money.Nano(r.int()), Tokens: r.int()}
}

func (r *reader) instant() budget.Instant { return budget.Instant{Wall: r.int(), Mono: r.int()} }
func (r *reader) id() budget.ID           { return budget.ID{Run: r.uint(), Number: r.uint()} }

func (r *reader) window() budget.Window {
	text := r.string()
	if known, ok := r.windows[text]; ok || r.err != nil {
		return known
	}
	w, err := budget.ParseWindow(text)
	if err != nil {
		r.fail(err)
	}
	if r.windows == nil {
		r.windows = make(map[string]budget.Window)
	}
	r.windows[text] = w
	return w
}

func (r *reader) leg() budget.Leg {
	return budget.Leg{
		Limit: r.string(), Subject: r.string(), Kind: budget.Kind(r.byte()), Window: r.window(),
		Span: budget.Span{Start: r.int(), End: r.int()},
	}
}

func (r *reader) legs() []budget.Leg {
	n := r.count(6)
	if n == 0 {
		return nil
	}
	all := make([]budget.Leg, n)
	for i := range all {
		all[i] = r.leg()
	}
	return all
}

// legsOf reads what the writer's wrote.
func (r *reader) legsOf(row *Row) []budget.Leg {
	n := r.count(5)
	if n == 0 {
		return nil
	}
	all := make([]budget.Leg, n)
	for i := range all {
		l := &all[i]
		l.Limit = r.string()
		kind := r.byte()
		if l.Kind, l.Subject = budget.Kind(kind&^ownLeg), row.Subject; kind&ownLeg == 0 {
			l.Subject = r.string()
		}
		l.Window = r.window()
		l.Span.Start = row.At.Wall - r.int()
		l.Span.End = l.Span.Start + r.int()
	}
	return all
}

func (r *reader) balance() budget.Balance {
	b := budget.Balance{Leg: r.leg(), Settled: r.int(), Reserved: r.int(), Overrun: r.int()}
	for range r.count(5) {
		b.Admissions = append(b.Admissions, budget.Admission{ID: r.id(), At: r.int(), Charge: r.int(), Open: r.bool()})
	}
	return b
}

// row reads the next row into one that may have been used before.
func (r *reader) row(row *Row) {
	form := r.byte()
	if (form == 0 || form > rowFormat) && r.err == nil {
		r.fail(fmt.Errorf("format %d is not known to this version", form))
	}
	*row = Row{Kind: Kind(r.byte()), Seq: r.uint(), At: r.instant(), Run: r.uint(), ID: r.id()}
	switch row.Kind {
	case Reserve:
		row.Subject, row.Asked, row.Model = r.string(), r.string(), r.string()
		row.Bound, row.Deadline = r.amount(), r.int()
		if form == format {
			row.Legs = r.legs()
		} else {
			row.Legs = r.legsOf(row)
		}
	case Settle, Void, Expire, Late:
		row.Charged, row.Source, row.Price = r.amount(), Source(r.byte()), r.string()
		for range r.count(3) {
			row.Lines = append(row.Lines, Line{r.string(), r.int(), money.Pico(r.int())})
		}
	case Start, Stop:
		row.Boot, row.Reason = r.string(), r.string()
	case Mend:
		row.Amount, row.Want, row.Have = r.int(), r.hash(), r.hash()
	case Adjust, Limit, Open, Close, Grant:
		row.Balance, row.Amount, row.Actor, row.Reason = r.balance(), r.int(), r.string(), r.string()
	default:
		r.fail(fmt.Errorf("rows of kind %d are not known to this version", uint8(row.Kind)))
	}
}

// end tells what was wrong with everything read so far.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		return errors.New("goes on after its end")
	}
	return r.err
}
