package catalog

import (
	"tollgate/internal/money"
)

// Origin says where a price comes from.
type Origin struct {
	Source  string // who says so: the name of a price list or file
	Version string // its version, or the first digits of its SHA-256
	Date    string // when it was made or changed, as the source writes it; may be empty
}

// Limits are how large a call of a model can be, in tokens; 0 is unknown.
type Limits struct {
	ContextWindow int64 // everything that is read
	MaxOutput     int64 // everything that is written
}

// Layer is one parsed price list. It is immutable.
type Layer struct {
	origin Origin
	books  map[string]*book
}

// Origin gives the source, version and date of the list.
func (l *Layer) Origin() Origin { return l.origin }

// Dated gives the list with a date, unless it tells its own.
func (l *Layer) Dated(date string) *Layer {
	if l.origin.Date != "" {
		return l
	}
	dated := *l
	dated.origin.Date = date
	return &dated
}

// Models gives the number of models in the list.
func (l *Layer) Models() (n int) {
	for _, b := range l.books {
		n += len(b.entries)
	}
	return n
}

// book is what a list says of one provider.
type book struct {
	fallback []string // providers whose models this one resells at their prices
	units    prices   // prices of pieces that all its models share
	modifiers
	entries []*entry // in the order of the list: the first whose rules match stands for a name
	named   map[string]*entry
}

// entry is what a list says of one model.
type entry struct {
	id         string
	rules      []rule // any of them; none: the id alone
	limits     Limits
	deprecated bool
	free       bool
	unmetered  []string // what is also charged, by a measure that no usage figure gives
	minSeconds int64    // the least sound that is charged
	tariff
	periods []period // prices under a condition, nil if nothing is said
	modifiers
}

// tariff is what a list says of rates; what it leaves out is not touched below.
type tariff struct {
	rates prices
	tiers []tier // nil if nothing is said
}

// tier holds the rates that differ when more than over tokens are read.
type tier struct {
	over  int64
	rates prices
}

// period is a tariff that holds from an instant, or every day between two
// times. The zero condition always holds.
type period struct {
	from         int64 // Unix time, 0: ever since
	daily        bool
	since, until int64 // seconds of the day, UTC; since > until goes past midnight
	tariff
}

// holds tells whether the condition is met at a Unix time.
func (p *period) holds(at int64) bool {
	if at < p.from {
		return false
	}
	if !p.daily {
		return true
	}
	second := at % 86400
	if p.until < p.since {
		return second >= p.since || second < p.until
	}
	return second >= p.since && second < p.until
}

// modifiers change prices by what an answer says of how it was served.
type modifiers struct {
	service    []service
	speed, geo []named
}

// service is a service tier: a factor on all tokens, or rates of its own.
type service struct {
	name string
	by   money.Factor
	tariff
}

// named is a factor with the word that an answer has for it.
type named struct {
	name string
	by   money.Factor
}

// find gives the entry for a name: that of this id, else the first whose rules
// match.
func (l *Layer) find(provider, name, lower string) *entry {
	if b := l.books[provider]; b != nil {
		return b.find(name, lower)
	}
	return nil
}

func (b *book) find(name, lower string) *entry {
	if e := b.named[lower]; e != nil {
		return e
	}
	for _, e := range b.entries {
		for i := range e.rules {
			if e.rules[i].matches(name, lower) {
				return e
			}
		}
	}
	return nil
}

// exact gives the entry of an id.
func (l *Layer) exact(provider, id string) *entry {
	if b := l.books[provider]; b != nil {
		return b.named[id]
	}
	return nil
}
