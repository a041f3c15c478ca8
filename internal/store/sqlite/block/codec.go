package block

import (
	"encoding/binary"
	"time"

	"tollgate/internal/record"
)

// codec writes records, or reads them: what belongs to a record stands here once, in its order. A
// change of that is another version.
type codec struct {
	b      *Builder // whose texts are numbered
	bytes  []byte   // what is written
	read   bool
	reader reader
	texts  []string
	base   int64
	form   byte // version
}

func (c *codec) request(r *record.Request) {
	// What can be asked for, in the order in which a matcher reads it.
	c.time(&r.At)
	c.inline(&r.ID)
	c.text(&r.Key)
	c.text(&r.Asked)
	c.text(&r.Sent)
	c.text(&r.Provider)
	c.text(&r.Outcome)
	c.text(&r.Code)
	number(c, &r.Status)
	c.labels(&r.Labels)
	c.refusal(&r.Refusal)

	c.text(&r.Name)
	c.text(&r.Operation)
	c.text(&r.Dialect)
	c.text(&r.Served)
	c.text(&r.Backend)
	c.flag(&r.Streamed)
	c.text(&r.Client)
	c.text(&r.Message)
	number(c, &r.Duration)
	number(c, &r.FirstByte)
	number(c, &r.Processing)
	number(c, &r.BytesIn)
	number(c, &r.BytesOut)
	c.tokens(&r.Tokens)
	number(c, &r.Cost)
	c.text(&r.Price)
	c.text(&r.Source)
	c.text(&r.Version)
	list(c, &r.Attempts, (*codec).attempt)
	if c.form >= 2 {
		number(c, &r.Repeated)
	}
}

func (c *codec) refusal(r **record.Refusal) {
	there := *r != nil
	if c.flag(&there); !there {
		return
	}
	if c.read {
		*r = &record.Refusal{}
	}
	f := *r
	c.text(&f.Limit)
	c.text(&f.Kind)
	c.text(&f.Window)
	c.text(&f.Reason)
	number(c, &f.Amount)
	number(c, &f.Spent)
	number(c, &f.Reserved)
	number(c, &f.Asked)
	c.time(&f.Resets)
	c.flag(&f.Shared)
}

func (c *codec) tokens(t *record.Tokens) {
	number(c, &t.Input)
	number(c, &t.Output)
	number(c, &t.CacheRead)
	number(c, &t.CacheWrite)
	number(c, &t.Reasoning)
	number(c, &t.InputAudio)
	number(c, &t.OutputAudio)
}

func (c *codec) attempt(a *record.Attempt) {
	c.text(&a.Provider)
	c.text(&a.Backend)
	c.text(&a.Model)
	number(c, &a.Status)
	c.text(&a.Error)
	c.time(&a.Started)
	number(c, &a.Duration)
	c.inline(&a.Reservation)
	number(c, &a.BoundCost)
	number(c, &a.Cost)
	number(c, &a.BoundTokens)
	c.tokens(&a.Tokens)
	c.text(&a.Source)
	c.text(&a.Price)
	c.text(&a.Version)
	list(c, &a.Lines, (*codec).line)
}

func (c *codec) line(l *record.Line) {
	c.text(&l.Model)
	c.text(&l.Kind)
	number(c, &l.Quantity)
	c.text(&l.Price)
	c.text(&l.Factor)
	number(c, &l.Cost)
}

// text is one that others have too.
func (c *codec) text(s *string) {
	if !c.read {
		c.bytes = binary.AppendUvarint(c.bytes, c.b.number(*s))
		return
	}
	*s = c.numbered(c.reader.uvarint())
}

func (c *codec) numbered(n uint64) string {
	if n >= uint64(len(c.texts)) {
		c.reader.bad = true
		return ""
	}
	return c.texts[n]
}

// inline is a text that nobody else has.
func (c *codec) inline(s *string) {
	if !c.read {
		c.bytes = binary.AppendUvarint(c.bytes, uint64(len(*s)))
		c.bytes = append(c.bytes, *s...)
		return
	}
	*s = string(c.reader.text())
}

func (c *codec) labels(m *map[string]string) {
	if !c.read {
		c.bytes = binary.AppendUvarint(c.bytes, c.b.labelled(*m))
		return
	}
	text := c.numbered(c.reader.uvarint())
	if text == "" {
		return
	}
	*m = make(map[string]string)
	if !eachLabel(text, func(name, value string) { (*m)[name] = value }) {
		c.reader.bad = true
	}
}

func (c *codec) flag(v *bool) {
	if !c.read {
		n := byte(0)
		if *v {
			n = 1
		}
		c.bytes = append(c.bytes, n)
		return
	}
	*v = c.reader.uvarint() != 0
}

func number[T ~int | ~int64](c *codec, v *T) {
	if !c.read {
		c.bytes = binary.AppendVarint(c.bytes, int64(*v))
		return
	}
	*v = T(c.reader.varint())
}

// time is written to the nanosecond and read as UTC.
func (c *codec) time(t *time.Time) {
	if !c.read {
		if t.IsZero() {
			c.bytes = append(c.bytes, 0)
			return
		}
		c.bytes = binary.AppendUvarint(c.bytes, uint64(t.Nanosecond())+1)
		c.bytes = binary.AppendVarint(c.bytes, t.Unix()-c.base)
		return
	}
	nanoseconds := c.reader.uvarint()
	if nanoseconds == 0 {
		*t = time.Time{}
		return
	}
	*t = time.Unix(c.reader.varint()+c.base, int64(nanoseconds-1)).UTC()
}

// list is a number of things of at least a byte each.
func list[T any](c *codec, all *[]T, each func(*codec, *T)) {
	if !c.read {
		c.bytes = binary.AppendUvarint(c.bytes, uint64(len(*all)))
	} else if n := c.reader.count(); n > 0 {
		*all = make([]T, n)
	}
	for i := range *all {
		each(c, &(*all)[i])
	}
}
