package catalog

import (
	"slices"
	"strings"
	"time"

	"tollgate/internal/money"
)

// Format is what a price list of our own names as its format.
const Format = "tollgate/prices/1"

var (
	tokenKinds = kindRange(Input, WebSearch)
	pieceKinds = kindRange(WebSearch, kinds)
	// foreignKinds are what agentgateway has rates for.
	foreignKinds = setOf(Input, Output, CacheRead, CacheWrite, Reasoning, InputAudio, OutputAudio)
)

func kindRange(from, to Kind) (s Kinds) {
	for k := from; k < to; k++ {
		s |= 1 << k
	}
	return s
}

// ParseOwn reads a price list in our own format. Source names it in errors and
// in the origin of its prices, unless it names itself.
func ParseOwn(source string, data []byte) (*Layer, error) {
	p := ownParser{reader: newReader(source, data), layer: newLayer(source, data)}
	format := ""
	err := p.object(func(name string) (err error) {
		o := &p.layer.origin
		switch name {
		case "format":
			format, err = p.text()
		case "source":
			o.Source, err = p.text()
		case "version":
			o.Version, err = p.text()
		case "date":
			o.Date, err = p.text()
		case "providers":
			err = p.object(p.provider)
		default:
			err = p.unknown(name, []string{"format", "source", "version", "date", "providers"})
		}
		return err
	})
	if err == nil && format != Format {
		err = p.failAt("/format", 0, `must be "`+Format+`"`)
	}
	if err == nil {
		err = p.end()
	}
	if err != nil {
		return nil, err
	}
	return p.layer, nil
}

type ownParser struct {
	*reader
	layer *Layer
}

func (p *ownParser) provider(name string) error {
	provider := Provider(name)
	b := p.layer.book(provider)
	return p.object(func(name string) (err error) {
		switch name {
		case "fallback":
			b.fallback, err = p.texts()
			for i := range b.fallback {
				b.fallback[i] = Provider(b.fallback[i])
			}
		case "units":
			err = p.prices(&b.units, pieceKinds)
		case "models":
			err = p.object(func(id string) error { return p.model(provider, id) })
		default:
			var ok bool
			if ok, err = p.modifier(&b.modifiers, name); !ok {
				err = p.unknown(name, []string{"fallback", "units", "service", "speed", "geo", "models"})
			}
		}
		return err
	})
}

func (p *ownParser) model(provider, id string) error {
	e := &entry{id: id}
	err := p.object(func(name string) (err error) {
		switch name {
		case "match":
			e.rules, err = p.rules()
		case "contextWindow":
			e.limits.ContextWindow, err = p.count()
		case "maxOutput":
			e.limits.MaxOutput, err = p.count()
		case "deprecated":
			e.deprecated, err = p.boolean()
		case "free":
			e.free, err = p.boolean()
		case "unmetered":
			e.unmetered, err = p.texts()
		case "minSeconds":
			e.minSeconds, err = p.count()
		case "periods":
			e.periods = []period{}
			err = p.array(func() error { return p.period(e) })
		default:
			var ok bool
			if ok, err = p.tariff(&e.tariff, name); !ok {
				ok, err = p.modifier(&e.modifiers, name)
			}
			if !ok {
				err = p.unknown(name, []string{"match", "contextWindow", "maxOutput", "deprecated", "free", "unmetered", "minSeconds",
					"rates", "units", "tiers", "periods", "service", "speed", "geo"})
			}
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case e.free && (e.rates.known != 0 || len(e.tiers) > 0 || len(e.periods) > 0):
		return p.fail("a model that is free has no prices")
	case !p.layer.add(provider, e):
		return p.fail("the model stands here twice")
	}
	return nil
}

// tariff reads a member of a tariff, if name is one.
func (p *ownParser) tariff(t *tariff, name string) (ok bool, err error) {
	switch name {
	case "rates":
		err = p.prices(&t.rates, tokenKinds)
	case "units":
		err = p.prices(&t.rates, pieceKinds)
	case "tiers":
		t.tiers, err = p.tiers(tokenKinds)
	default:
		return false, nil
	}
	return true, err
}

func (p *ownParser) period(e *entry) error {
	var d period
	conditional := false
	err := p.object(func(name string) (err error) {
		switch name {
		case "from":
			conditional = true
			d.from, err = p.instant()
		case "daily":
			conditional, d.daily = true, true
			d.since, d.until, err = p.daily()
		default:
			var ok bool
			if ok, err = p.tariff(&d.tariff, name); !ok {
				err = p.unknown(name, []string{"from", "daily", "rates", "units", "tiers"})
			}
		}
		return err
	})
	if err == nil && !conditional {
		err = p.fail(`a period needs "from" or "daily"`)
	}
	e.periods = append(e.periods, d)
	return err
}

// instant reads a date, which begins at midnight UTC, or a date with time and zone.
func (p *ownParser) instant() (int64, error) {
	s, err := p.text()
	if err != nil {
		return 0, err
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix(), nil
		}
	}
	return 0, p.fail(`%q is no date: write "2026-08-17" or "2026-08-17T12:00:00Z"`, s)
}

func (p *ownParser) daily() (since, until int64, err error) {
	list, err := p.texts()
	if err != nil {
		return 0, 0, err
	}
	var at [2]int64
	for i, s := range list {
		t, err := time.Parse("15:04", s)
		if err != nil || i >= len(at) {
			return 0, 0, p.fail(`must be two times of day in UTC, for instance ["00:30", "16:30"]`)
		}
		at[i] = int64(t.Hour()*3600 + t.Minute()*60)
	}
	if len(list) != len(at) || at[0] == at[1] {
		return 0, 0, p.fail(`must be two different times of day in UTC, for instance ["00:30", "16:30"]`)
	}
	return at[0], at[1], nil
}

// rules reads a rule or a list of them; {"all": […]} is a rule that wants all
// of its own.
func (p *ownParser) rules() (list []rule, err error) {
	if k := p.dec.PeekKind(); k == '"' || k == '{' {
		r, err := p.rule()
		return []rule{r}, err
	}
	err = p.array(func() error {
		r, err := p.rule()
		list = append(list, r)
		return err
	})
	return list, err
}

func (p *ownParser) rule() (rule, error) {
	if p.dec.PeekKind() == '{' {
		r := rule{shape: allOf}
		err := p.object(func(name string) error {
			if name != "all" {
				return p.unknown(name, []string{"all"})
			}
			return p.array(func() error {
				one, err := p.simpleRule()
				r.all = append(r.all, one)
				return err
			})
		})
		if err == nil && len(r.all) == 0 {
			err = p.fail("must name at least one rule: none would match every model")
		}
		return r, err
	}
	return p.simpleRule()
}

func (p *ownParser) simpleRule() (rule, error) {
	s, err := p.text()
	if err != nil {
		return rule{}, err
	}
	r, err := parseRule(s)
	if err != nil {
		return rule{}, p.fail("%v", err)
	}
	return r, nil
}

// modifier reads a member of modifiers, if name is one.
func (p *ownParser) modifier(m *modifiers, name string) (ok bool, err error) {
	switch name {
	case "service":
		err = p.object(func(name string) error {
			s, err := p.service(name)
			m.service = append(m.service, s)
			return err
		})
	case "speed":
		m.speed, err = p.factors()
	case "geo":
		m.geo, err = p.factors()
	default:
		return false, nil
	}
	return true, err
}

// service reads a factor or rates.
func (p *ownParser) service(name string) (service, error) {
	s := service{name: strings.ToLower(name), by: money.One}
	if p.dec.PeekKind() != '{' {
		by, err := p.factor()
		s.by = by
		return s, err
	}
	err := p.object(func(name string) error {
		ok, err := p.tariff(&s.tariff, name)
		if !ok {
			err = p.unknown(name, []string{"rates", "units", "tiers"})
		}
		return err
	})
	return s, err
}

func (p *ownParser) factors() (list []named, err error) {
	err = p.object(func(name string) error {
		by, err := p.factor()
		list = append(list, named{strings.ToLower(name), by})
		return err
	})
	slices.SortFunc(list, func(a, b named) int { return strings.Compare(a.name, b.name) })
	return list, err
}

func (p *ownParser) factor() (money.Factor, error) {
	s, err := p.text()
	if err != nil {
		return 0, err
	}
	f, err := money.ParseFactor(s)
	if err != nil {
		return 0, p.fail("%v", err)
	}
	return f, nil
}
