package catalog

import (
	"strings"

	"tollgate/internal/money"
)

// Ceiling is the most that an attempt can consume. What is left out widens the
// bound: the zero value of a flag allows everything.
type Ceiling struct {
	Input  int64 // tokens read, of whatever kind
	Output int64 // tokens written, thoughts included: the number of choices times the most of one

	TextOnly     bool // the request has no sound or pictures in it and asks for none
	NoCacheWrite bool // nothing can be written to a prompt cache
	NoHourWrite  bool // nothing can be written to a prompt cache for an hour

	// ToolCalls is how often the provider may run a tool on its side, Pictures
	// how many it may make; the rest are the request's own figures.
	ToolCalls, Pictures, Characters, Seconds, RerankUnits int64

	// Service is the service tier that the request asks for. "" and "auto" leave
	// it to the account, which may have a dearer one: the dearest is reckoned
	// with. Speed is what it asks for; nothing is fast that did not ask. Geo is
	// the region asked for; "" leaves it to the account.
	Service, Speed, Geo string
}

// Bound gives the most that an attempt can cost and the kinds of a ceiling that
// have no price. No cost within the ceiling is above the bound, other models
// inside the call excepted.
func (q *Quote) Bound(c *Ceiling) (money.Nano, Kinds) {
	switch q.State() {
	case Free:
		return 0, 0
	case Unknown:
		return 0, c.kinds()
	}
	var most money.Sum
	var missing Kinds
	by := q.reachFactor(c)
	for i := range q.term.service {
		s := &q.term.service[i]
		if i > 0 && !q.reaches(c.Service, s) {
			continue // the ordinary service is always within reach: a cheaper one may be full
		}
		for j := range s.sheets {
			if over := s.sheets[j].over; over >= 0 && c.Input <= over {
				break
			}
			sum, gaps := c.cost(&s.sheets[j].full, by.Times(s.by), q.model.minSeconds)
			if most.Less(sum) {
				most = sum
			}
			missing |= gaps
		}
	}
	return most.Nano(), missing
}

// Affordable gives the greatest number of tokens written with which the bound
// of the ceiling, whose Output is not looked at, stays within an amount; -1 if
// not even reading can be paid or a price is missing.
func (q *Quote) Affordable(c *Ceiling, room money.Nano) int64 {
	if q.State() == Free {
		return maxCount
	}
	most := *c
	most.Output = 0
	floor, missing := q.Bound(&most)
	if q.State() == Unknown || missing != 0 || floor > room {
		return -1
	}
	// The bound rises with what is written: halve what is between.
	low, high := int64(0), int64(maxCount)
	for low < high {
		middle := low + (high-low+1)/2
		most.Output = middle
		if cost, gaps := q.Bound(&most); cost <= room && gaps == 0 {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// reaches tells whether a request for a service tier can be served by s.
func (q *Quote) reaches(tier string, s *serving) bool {
	switch strings.ToLower(tier) {
	case "default", "standard", "standard_only":
		return false
	}
	if ordinary(tier) { // left to the account
		return true
	}
	known, marks := q.special(tier)
	return marks != 0 || known == s // one that nobody knows may be any
}

// reachFactor gives the greatest factor of speed and region.
func (q *Quote) reachFactor(c *Ceiling) money.Factor {
	by := money.One
	if c.Speed != "" {
		f, _ := factorOf(q.model.speed, c.Speed)
		by = max(by, f)
	}
	if c.Geo != "" {
		f, _ := factorOf(q.model.geo, c.Geo)
		return by.Times(max(f, money.One))
	}
	most := money.One
	for i := range q.model.geo {
		most = max(most, q.model.geo[i].by)
	}
	return by.Times(most)
}

// cost gives the most that the ceiling allows by one sheet.
func (c *Ceiling) cost(r *prices, by money.Factor, minSeconds int64) (sum money.Sum, missing Kinds) {
	in, out := c.dearest(r)
	sum = money.Product(c.Input, in, by).Plus(money.Product(c.Output, out, by))
	counted := c.Input+c.Output > 0
	for _, x := range [...]struct {
		kind    Kind
		n       int64
		counted bool // as tokens, so that a missing price is no gap
	}{
		{Input, c.Input, r.known.Has(Input)},
		{Output, c.Output, r.known.Has(Output)},
		{ToolCall, c.ToolCalls, false},
		{Picture, c.Pictures, counted && r.known&setOf(InputImage, OutputImage) != 0},
		{RerankUnit, c.RerankUnits, counted},
		{Character, c.Characters, counted},
		{AudioHour, c.Seconds, counted},
		{Request, 1, true},
	} {
		price, ok := r.get(x.kind)
		if x.kind == ToolCall {
			price = dearestTool(r)
		}
		switch {
		case x.n <= 0 || x.kind == Input || x.kind == Output:
		case ok && x.kind == AudioHour:
			sum = sum.Plus(money.Part(max(x.n, minSeconds), price, 3600))
		case ok:
			sum = sum.Plus(money.Product(x.n, price, money.One))
		}
		if x.n > 0 && !x.counted && !r.known.Has(x.kind) {
			missing |= 1 << x.kind
		}
	}
	return sum, missing
}

// dearestTool gives the dearest price of a tool that a provider runs.
func dearestTool(r *prices) (p money.Pico) {
	for _, k := range tools {
		if r.known.Has(k) {
			p = max(p, r.price[k])
		}
	}
	return p
}

// dearest gives the dearest prices of a token read and of one written.
func (c *Ceiling) dearest(r *prices) (in, out money.Pico) {
	read := setOf(Input, CacheRead)
	written := setOf(Output, Reasoning)
	if !c.NoCacheWrite {
		read |= setOf(CacheWrite)
		if !c.NoHourWrite {
			read |= setOf(CacheWrite1h)
		}
	}
	if !c.TextOnly {
		read |= setOf(InputAudio, CacheReadAudio, InputImage, CacheReadImage)
		written |= setOf(OutputAudio, OutputImage)
	}
	for k := range WebSearch {
		switch {
		case !r.known.Has(k):
		case read.Has(k):
			in = max(in, r.price[k])
		case written.Has(k):
			out = max(out, r.price[k])
		}
	}
	return in, out
}

// kinds lists what a ceiling allows to be consumed.
func (c *Ceiling) kinds() (s Kinds) {
	for _, x := range [...]struct {
		kind Kind
		n    int64
	}{
		{Input, c.Input}, {Output, c.Output}, {ToolCall, c.ToolCalls}, {Picture, c.Pictures}, {Character, c.Characters},
		{AudioHour, c.Seconds}, {RerankUnit, c.RerankUnits},
	} {
		if x.n > 0 {
			s |= 1 << x.kind
		}
	}
	return s
}
