package catalog

import (
	"strings"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/usage"
)

// Quote is the price of one model at one instant. What it says does not change
// when a newer catalog comes. The zero Quote knows no price.
type Quote struct {
	model    *Model
	term     *term
	catalog  *Catalog
	provider string
	unix     int64
}

// Quote gives the price in force when a request begins. The names are tried in
// their order: that which the usage names, that which the answer names, that
// which was asked for. Empty ones are passed over; the first that has a price
// is taken.
func (c *Catalog) Quote(at time.Time, provider string, names ...string) Quote {
	return c.quote(at.Unix(), provider, names)
}

func (c *Catalog) quote(unix int64, provider string, names []string) Quote {
	m, t := c.find(provider, names, unix)
	return Quote{m, t, c, provider, unix}
}

// State tells whether there is a price.
func (q *Quote) State() State {
	if q.term == nil {
		return Unknown
	}
	return q.term.state
}

// Model gives the model that was found, nil if none was.
func (q *Quote) Model() *Model { return q.model }

// At gives the instant of the quote.
func (q *Quote) At() time.Time { return time.Unix(q.unix, 0).UTC() }

// Marks say what is peculiar about a cost.
type Marks uint8

// The marks.
const (
	// StrangeService: the answer names a service tier, speed or region that no
	// list knows. It is charged like the dearest of those that are known.
	StrangeService Marks = 1 << iota
	// StrangeModel: another model was used inside the call, and no list knows
	// it. It is charged like the model that was called.
	StrangeModel
	// Clamped: the figures of the usage contradicted each other.
	Clamped
)

// Cost is what a consumption comes to.
type Cost struct {
	Total money.Nano
	State State
	// Missing are the kinds that were consumed and have no price; the total is
	// too low by what they cost.
	Missing Kinds
	Marks   Marks
	// Reported is the provider's own bill, if HasReported, rounded up.
	Reported    money.Nano
	HasReported bool
}

// Line is one component of a cost.
type Line struct {
	Model    string // id in the catalog
	Kind     Kind
	Quantity int64 // in the kind's own unit; seconds for AudioHour
	Price    money.Pico
	Factor   money.Factor
	Cost     money.Pico // rounded up; the total is rounded once, from what is exact
}

// Cost says what a consumption costs.
func (q *Quote) Cost(u *usage.Usage) Cost { return q.cost(u, new(bill)) }

// Itemize says what a consumption costs, and for what.
func (q *Quote) Itemize(u *usage.Usage) (Cost, []Line) {
	return q.AppendItems(make([]Line, 0, 4), u) // most are of no more
}

// AppendItems is Itemize for whoever has room for the components, behind dst.
func (q *Quote) AppendItems(dst []Line, u *usage.Usage) (Cost, []Line) {
	b := bill{lines: dst, itemized: true}
	cost := q.cost(u, &b)
	return cost, b.lines
}

func (q *Quote) cost(u *usage.Usage, b *bill) Cost {
	b.add(q, u, true)
	for i := range u.Others {
		other := &u.Others[i]
		inner := q.other(other.Model)
		if inner.State() == Unknown {
			b.marks |= StrangeModel
			inner = *q
		}
		// What is not said of the other model is said of the call.
		part := other.Usage
		part.ServiceTier = orElse(part.ServiceTier, u.ServiceTier)
		part.Speed, part.Geo = orElse(part.Speed, u.Speed), orElse(part.Geo, u.Geo)
		b.add(&inner, &part, false)
	}
	c := Cost{Total: b.sum.Nano(), State: q.State(), Missing: b.missing, Marks: b.marks}
	if u.HasCost {
		c.Reported, c.HasReported = money.Product(u.CostTicks, tick, money.One).Nano(), true
	}
	return c
}

// tick is the unit of the bills that providers report, 1e-10 USD.
const tick money.Pico = 100

func (q *Quote) other(model string) Quote {
	if q.catalog == nil {
		return Quote{}
	}
	names := [1]string{model}
	return q.catalog.quote(q.unix, q.provider, names[:])
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// serving gives the sheets and the factor for what an answer says of how it was
// served.
func (q *Quote) serving(tier, speed, geo string) (*serving, money.Factor, Marks) {
	s, marks := &q.term.service[0], Marks(0)
	if !ordinary(tier) {
		s, marks = q.special(tier)
	}
	by := s.by
	if speed != "" {
		f, m := factorOf(q.model.speed, speed)
		by, marks = by.Times(f), marks|m
	}
	if geo != "" {
		f, m := factorOf(q.model.geo, geo)
		by, marks = by.Times(f), marks|m
	}
	return s, by, marks
}

// ordinary tells names of the service that everybody gets.
func ordinary(tier string) bool {
	switch tier {
	case "", "default", "standard":
		return true
	}
	for _, name := range [...]string{"default", "standard", "auto", "on_demand", "standard_only"} {
		if strings.EqualFold(tier, name) {
			return true
		}
	}
	return false
}

func (q *Quote) special(tier string) (*serving, Marks) {
	list := q.term.service
	for i := 1; i < len(list); i++ {
		if strings.EqualFold(list[i].name, tier) {
			return &list[i], 0
		}
	}
	return q.dearest(), StrangeService
}

// dearest gives the service tier at which a token read and a token written cost
// most together.
func (q *Quote) dearest() *serving {
	list := q.term.service
	best, most := &list[0], money.Sum{}
	for i := range list {
		r := &list[i].sheets[len(list[i].sheets)-1].full
		sum := money.Product(1, r.price[Input], list[i].by).Plus(money.Product(1, r.price[Output], list[i].by))
		if most.Less(sum) {
			best, most = &list[i], sum
		}
	}
	return best
}

func factorOf(list []named, name string) (money.Factor, Marks) {
	most := money.One
	for i := range list {
		if strings.EqualFold(list[i].name, name) {
			return list[i].by, 0
		}
		most = max(most, list[i].by)
	}
	if ordinary(name) {
		return money.One, 0
	}
	return most, StrangeService
}

// sheetFor gives the sheet for a number of tokens read.
func (s *serving) sheetFor(input int64) *sheet {
	for i := len(s.sheets) - 1; i > 0; i-- {
		if input > s.sheets[i].over {
			return &s.sheets[i]
		}
	}
	return &s.sheets[0]
}
