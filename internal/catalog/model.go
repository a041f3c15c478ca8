package catalog

import (
	"slices"
	"strings"
	"time"

	"tollgate/internal/money"
)

// State is what is known of a price.
type State uint8

// The states.
const (
	Unknown State = iota // no price is known: never zero
	Known
	Free // declared to cost nothing
)

var stateNames = [...]string{"unknown", "known", "free"}

// String gives the name used in records and answers.
func (s State) String() string { return stateNames[s] }

// Model is what the price lists together say of one model. It is immutable.
type Model struct {
	Provider string // as the catalog names it
	ID       string // as the list names it that was found last
	Limits
	Deprecated bool
	// Unmetered are measures by which the provider also charges and which no
	// usage tells; a cost is too low by what they come to.
	Unmetered []string

	minSeconds int64
	terms      []term // the last whose condition holds is in force; the first has none
	speed, geo []named
	origins    []Origin
	from       [kinds]uint8
	version    string
}

// term is what holds for a time.
type term struct {
	period
	state   State
	service []serving // the first is the ordinary service
}

// serving is a service tier with its sheets.
type serving struct {
	name   string
	by     money.Factor
	sheets []sheet
}

// at gives what is in force at a Unix time.
func (m *Model) at(unix int64) *term {
	for i := len(m.terms) - 1; i > 0; i-- {
		if m.terms[i].holds(unix) {
			return &m.terms[i]
		}
	}
	return &m.terms[0]
}

// Origins are the price lists that speak of the model, the undermost first.
func (m *Model) Origins() []Origin { return slices.Clone(m.origins) }

// Version names the lists and versions that made the price, for a ledger that
// must be able to tell later what was in force.
func (m *Model) Version() string { return m.version }

func versionOf(origins []Origin) string {
	var parts []string
	for _, o := range origins {
		if v := o.Source + "@" + o.Version; !slices.Contains(parts, v) {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, "+")
}

// Tier is one price list of a model for people to read: what holds when more
// than Over tokens are read (-1: always) and Service is how the call is served
// ("" ordinarily).
type Tier struct {
	Service string
	Over    int64
	Factor  money.Factor
	Rates   []Rate
}

// Rate is the price of one kind and who says so.
type Rate struct {
	Kind   Kind
	Price  money.Pico
	Origin Origin
}

// Tiers lists the prices in force at an instant, none if there is no price.
func (m *Model) Tiers(at time.Time) []Tier {
	t := m.at(at.Unix())
	if t.state == Unknown {
		return nil
	}
	var list []Tier
	for _, s := range t.service {
		for i := range s.sheets {
			row := Tier{Service: s.name, Over: s.sheets[i].over, Factor: s.by}
			for k := range kinds {
				if p, ok := s.sheets[i].rates.get(k); ok {
					row.Rates = append(row.Rates, Rate{k, p, m.origin(k)})
				}
			}
			list = append(list, row)
		}
	}
	return list
}

func (m *Model) origin(k Kind) Origin {
	if i := int(m.from[k]); i > 0 {
		return m.origins[i-1]
	}
	return m.origins[len(m.origins)-1]
}
