package history

import (
	"net"
	"strconv"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/usage"
)

// note is what is kept of an exchange until its record is written. The exchange itself is
// used again, so all that can change is copied; what is costly to make is made by the writer.
type note struct {
	row      record.Request
	remote   string
	limit    fault.Limit // of the refusal, if there is one
	limited  bool
	attempts []gateway.Attempt
}

// take copies an exchange.
func (n *note) take(x *gateway.Exchange) {
	n.row = record.Request{
		ID: x.ID, At: x.Started, Operation: x.Operation.String(), Dialect: x.Dialect.String(),
		Asked: x.ModelAsked, Sent: x.ModelSent, Served: x.ModelServed, Provider: x.Provider, Backend: x.Backend, Streamed: x.Streamed,
		Status: x.Status, Outcome: x.Outcome.String(), Duration: x.Duration, FirstByte: x.FirstByte, Processing: x.Processing,
		BytesIn: x.BytesIn, BytesOut: x.BytesOut, Tokens: tokensOf(&x.Usage), Cost: x.Cost,
	}
	if x.Caller != nil {
		n.row.Key, n.row.Name, n.row.Labels = x.Caller.KeyID, x.Caller.Name, x.Caller.Labels
	}
	if len(x.Attempts) > 0 {
		n.row.Price, n.row.Source, n.row.Version = x.PriceState.String(), x.CostSource.String(), x.PriceVersion
	}
	n.remote, n.limited = x.RemoteAddr, false
	if e := x.Err; e != nil {
		n.row.Code, n.row.Message = e.Code, e.Message
		if n.limited = e.Limit != nil; n.limited {
			n.limit = *e.Limit
		}
	}
	n.attempts = append(n.attempts[:0], x.Attempts...)
}

// clear lets go of all that the note holds but its own memory.
func (n *note) clear() {
	clear(n.attempts)
	*n = note{attempts: n.attempts[:0]}
}

// pad is where records are made, batch by batch, in the same memory: a database keeps nothing of
// it but texts.
type pad struct {
	rows     []record.Request
	attempts []record.Attempt
	lines    []record.Line
	items    []catalog.Line   // of one attempt
	prices   map[price]string // as they are written
}

type price struct {
	kind catalog.Kind
	pico money.Pico
}

// maxPrices is how many prices are remembered.
const maxPrices = 1024

// clear begins a batch.
func (p *pad) clear() {
	clear(p.rows)
	clear(p.attempts)
	clear(p.lines)
	clear(p.items)
	p.rows, p.attempts, p.lines = p.rows[:0], p.attempts[:0], p.lines[:0]
}

// add makes the record of a note.
func (p *pad) add(n *note) {
	p.rows = append(p.rows, n.row)
	r := &p.rows[len(p.rows)-1]
	r.Client = n.remote
	if host, _, err := net.SplitHostPort(n.remote); err == nil {
		r.Client = host
	}
	first := len(p.attempts)
	for i := range n.attempts {
		p.attempts = append(p.attempts, p.attempt(&n.attempts[i]))
	}
	if end := len(p.attempts); end > first {
		r.Attempts = p.attempts[first:end:end]
	}
	if n.limited {
		r.Refusal = refusalOf(&n.limit, r.At.Add(r.Duration))
	}
}

func (p *pad) attempt(a *gateway.Attempt) record.Attempt {
	out := record.Attempt{
		Provider: a.Provider, Backend: a.Backend, Model: a.Model, Status: a.Status, Started: a.Started, Duration: a.Duration,
		Cost: a.Cost, Tokens: tokensOf(&a.Usage), Source: a.CostSource.String(), Price: a.PriceState.String(), Version: a.PriceVersion,
	}
	if a.Err != nil {
		out.Error = a.Err.Error()
	}
	if id := a.Reservation; id.Number != 0 {
		var text [41]byte // two numbers of 20 digits
		out.Reservation = string(strconv.AppendUint(append(strconv.AppendUint(text[:0], id.Run, 10), '-'), id.Number, 10))
		out.BoundCost, out.BoundTokens = money.Nano(a.Bound.Cost), a.Bound.Tokens
	}
	first := len(p.lines)
	p.items = a.AppendLines(p.items[:0])
	for i := range p.items {
		p.lines = append(p.lines, p.line(&p.items[i]))
	}
	if end := len(p.lines); end > first {
		out.Lines = p.lines[first:end:end]
	}
	return out
}

func (p *pad) line(l *catalog.Line) record.Line {
	out := record.Line{Model: l.Model, Kind: l.Kind.String(), Quantity: l.Quantity, Price: p.price(l), Cost: l.Cost}
	if l.Factor != money.One {
		out.Factor = l.Factor.String()
	}
	return out
}

// price writes the price of a line.
func (p *pad) price(l *catalog.Line) string {
	key := price{l.Kind, l.Price}
	if text, ok := p.prices[key]; ok {
		return text
	}
	if p.prices == nil || len(p.prices) >= maxPrices {
		p.prices = make(map[price]string)
	}
	text := l.Kind.Format(l.Price)
	p.prices[key] = text
	return text
}

func tokensOf(u *usage.Usage) record.Tokens {
	return record.Tokens{
		Input: u.Input(), Output: u.Output(), CacheRead: u.CacheRead, CacheWrite: u.CacheWrite(), Reasoning: u.OutputReasoning,
		InputAudio: u.InputAudio, OutputAudio: u.OutputAudio,
	}
}

// refusalOf is what a limit refused. The limits of routes say only how much is left.
func refusalOf(l *fault.Limit, at time.Time) *record.Refusal {
	r := &record.Refusal{
		Limit: l.ID, Kind: l.Kind, Window: l.Window, Reason: string(l.Reason), Amount: l.Max, Spent: l.Spent, Reserved: l.Reserved,
		Asked: l.Asked, Resets: l.ResetsAt, Shared: l.Shared,
	}
	if l.Reason == "" {
		r.Reason, r.Spent, r.Shared = string(fault.Exhausted), max(0, l.Max-l.Remaining), true
	}
	if r.Resets.IsZero() && l.ResetsIn > 0 {
		r.Resets = at.Add(l.ResetsIn).UTC()
	}
	return r
}
