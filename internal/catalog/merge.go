package catalog

import (
	"slices"
	"strings"

	"tollgate/internal/money"
)

// draft is a model while layers are laid over each other.
type draft struct {
	provider, id string
	limits       Limits
	deprecated   bool
	free         bool
	unmetered    []string
	minSeconds   int64
	periods      []period // the first has no condition
	own, shared  modifiers
	units        prices
	from         [kinds]uint8 // of a rate: its origin's place in origins, from 1
	origins      []Origin
}

// apply lays an entry over what is there.
func (d *draft) apply(e *entry, o Origin) {
	d.id = e.id
	d.deprecated = d.deprecated || e.deprecated
	if e.limits.ContextWindow > 0 {
		d.limits.ContextWindow = e.limits.ContextWindow
	}
	if e.limits.MaxOutput > 0 {
		d.limits.MaxOutput = e.limits.MaxOutput
	}
	if e.minSeconds > 0 {
		d.minSeconds = e.minSeconds
	}
	if len(e.unmetered) > 0 {
		d.unmetered = e.unmetered
	}
	d.origins = append(d.origins, o)
	d.own.overlay(&e.modifiers)
	switch {
	case e.free:
		d.free = true
		d.periods = []period{{}}
		return
	case e.rates.known != 0, len(e.periods) > 0:
		d.free = false
	}
	if d.periods == nil {
		d.periods = []period{{}}
	}
	if e.periods != nil { // a schedule replaces the schedule below
		d.periods = d.periods[:1]
	}
	for i := range d.periods {
		d.periods[i].tariff.overlay(&e.tariff)
	}
	d.periods = append(d.periods, e.periods...)
	d.note(e.rates.known)
	for i := range e.periods {
		d.note(e.periods[i].rates.known)
	}
}

// note says that rates come from the newest origin.
func (d *draft) note(known Kinds) {
	for k := range kinds {
		if known.Has(k) {
			d.from[k] = uint8(min(len(d.origins), 255))
		}
	}
}

// defaults takes over what a book says of all models of its provider.
func (d *draft) defaults(b *book, o Origin) {
	if b.units.known != 0 {
		d.units.overlay(&b.units)
		d.origins = append(d.origins, o)
		listed := d.periods[0].rates.known
		d.note(b.units.known &^ listed)
	}
	d.shared.overlay(&b.modifiers)
}

func (t *tariff) overlay(over *tariff) {
	t.rates.overlay(&over.rates)
	if over.tiers != nil {
		t.tiers = over.tiers
	}
}

// overlay replaces the modifiers that over has a word for.
func (m *modifiers) overlay(over *modifiers) {
	for _, s := range over.service {
		i := slices.IndexFunc(m.service, func(old service) bool { return old.name == s.name })
		if i < 0 {
			m.service = append(m.service, s)
		} else {
			m.service[i] = s
		}
	}
	m.speed, m.geo = overlayNamed(m.speed, over.speed), overlayNamed(m.geo, over.geo)
}

func overlayNamed(list, over []named) []named {
	for _, n := range over {
		i := slices.IndexFunc(list, func(old named) bool { return old.name == n.name })
		if i < 0 {
			list = append(list, n)
		} else {
			list[i] = n
		}
	}
	return list
}

// model compiles the draft.
func (d *draft) model() *Model {
	m := &Model{
		Provider: d.provider, ID: d.id, Limits: d.limits, Deprecated: d.deprecated, Unmetered: d.unmetered,
		minSeconds: d.minSeconds, origins: d.origins, from: d.from, version: versionOf(d.origins),
	}
	d.shared.overlay(&d.own)
	m.speed, m.geo = d.shared.speed, d.shared.geo
	claude := d.provider == anthropic || strings.Contains(strings.ToLower(d.id), "claude")
	for i := range d.periods {
		p := &d.periods[i]
		t := term{period: *p, state: state(d.free, &p.rates)}
		if t.state == Known {
			rates := d.units
			rates.overlay(&p.rates)
			t.rates = rates
		}
		usual := sheets(&t.tariff, nil, claude)
		t.service = append(t.service, serving{by: money.One, sheets: usual})
		for _, s := range d.shared.service {
			own := usual
			if s.rates.known != 0 || s.tiers != nil {
				own = sheets(&t.tariff, &s.tariff, claude)
			}
			t.service = append(t.service, serving{name: s.name, by: s.by, sheets: own})
		}
		m.terms = append(m.terms, t)
	}
	return m
}

// state tells what rates amount to. All of nothing is a declaration only if it
// speaks of what is read and of what is written.
func state(free bool, r *prices) State {
	switch {
	case free, r.allZero() && r.known.Has(Input) && r.known.Has(Output):
		return Free
	case r.known == 0:
		return Unknown
	}
	return Known
}

// sheet is a whole list of prices above one size of the context.
type sheet struct {
	over  int64  // -1: from the first token
	rates prices // as they are listed
	full  prices // with what stands in for those that are not
}

// sheets gives the sheets of a tariff, ascending, with the rates of a service
// tier over them. Where only the tier knows the size of the context or only the
// context the tier, the dearer of the two prices stands.
func sheets(t, special *tariff, claude bool) []sheet {
	sizes := []int64{-1}
	for _, x := range t.tiers {
		sizes = append(sizes, x.over)
	}
	if special != nil {
		for _, x := range special.tiers {
			sizes = append(sizes, x.over)
		}
	}
	slices.Sort(sizes)
	var list []sheet
	for _, over := range slices.Compact(sizes) {
		s := sheet{over: over, rates: t.above(over)}
		if special != nil {
			wanted := special.above(over)
			for k := range kinds {
				price, ok := wanted.get(k)
				if !ok {
					continue
				}
				if usual, ok := s.rates.get(k); ok && over >= 0 && !special.speaksOf(k, over) {
					price = max(price, usual)
				}
				s.rates.set(k, price)
			}
		}
		s.full = fill(s.rates, claude)
		list = append(list, s)
	}
	return list
}

// above gives the rates when more than over tokens are read.
func (t *tariff) above(over int64) prices {
	r := t.rates
	for i := range t.tiers {
		if t.tiers[i].over <= over {
			r.overlay(&t.tiers[i].rates)
		}
	}
	return r
}

// speaksOf tells whether there is a price of a kind for exactly this size.
func (t *tariff) speaksOf(k Kind, over int64) bool {
	return slices.ContainsFunc(t.tiers, func(x tier) bool { return x.over == over && x.rates.known.Has(k) })
}

// fill gives every kind without a price the one that stands in for it: nothing
// is free because nobody wrote its price down. Sound and pictures have none:
// they stay with the text they are part of.
func fill(r prices, claude bool) prices {
	listed := r.known
	stand := func(k, in Kind, times int64) {
		if p, ok := r.get(in); ok && !r.known.Has(k) {
			r.set(k, p.Times(times))
		}
	}
	if listed.Has(InputAudio) && !listed.Has(CacheRead) {
		stand(CacheReadAudio, InputAudio, 1)
	}
	if listed.Has(InputImage) && !listed.Has(CacheRead) {
		stand(CacheReadImage, InputImage, 1)
	}
	stand(CacheRead, Input, 1)
	if claude { // an hour costs twice the input with this family, wherever it runs
		stand(CacheWrite1h, Input, 2)
	}
	stand(CacheWrite, Input, 1)
	stand(CacheWrite1h, CacheWrite, 1)
	stand(Reasoning, Output, 1)
	if p := dearestTool(&r); p > 0 && !listed.Has(ToolCall) {
		r.set(ToolCall, p)
	}
	return r
}
