package ledger_test

import (
	"slices"
	"time"

	"tollgate/internal/budget"
)

// model is what the books should say, in the plainest way: every request that was
// admitted is on a list, and what a limit has used is the sum over the list.
type model struct {
	wall, real time.Duration // what the wall clock shows at most; how much time has really passed
	rules      []*rule
	requests   []*request
	charges    []*charge
}

// charge is what was charged to a rule after a power failure.
type charge struct {
	rule       *rule
	key        string // "" of a pool
	wall, real time.Duration
	n          int64
}

// rule is a limit of the model. Its window is one of day, hour, life and slide.
type rule struct {
	limit  *budget.Limit
	window string
	keys   []string // that it applies to
	models []string // nil for all
}

type request struct {
	id           budget.ID
	key          string
	rules        []*rule // that applied
	wall, real   time.Duration
	deadline     time.Duration
	lost         bool // in a power failure, with its record
	bound, truth budget.Amount
	states       []state // the last is the present one
}

// state is how far a request is; stored is how many records the disk had then.
type state struct {
	outcome     budget.Outcome
	charged     budget.Amount
	correctable bool
	stored      int
}

func (r *request) state() state { return r.states[len(r.states)-1] }

// epoch is a midnight; the instants of the model count from there.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func (m *model) covers(r *rule, key, name string) bool {
	return slices.Contains(r.keys, key) && (r.models == nil || slices.Contains(r.models, name))
}

// counts tells whether something of then is in the window of now.
func (m *model) counts(r *rule, wall, real time.Duration) bool {
	switch r.window {
	case "day":
		return wall/(24*time.Hour) == m.wall/(24*time.Hour)
	case "hour":
		return wall/time.Hour == m.wall/time.Hour
	case "slide":
		return real > m.real-time.Minute
	}
	return true
}

func share(a budget.Amount, k budget.Kind) int64 {
	switch k {
	case budget.Cost:
		return int64(a.Cost)
	case budget.Tokens:
		return a.Tokens
	}
	return 1
}

// used is what a rule has settled and reserved, and what was truly used, for a key.
func (m *model) used(r *rule, key string) (settled, reserved, truth int64) {
	for _, c := range m.charges {
		if c.rule == r && m.counts(r, c.wall, c.real) && (r.limit.Per == budget.Pool || c.key == key) {
			settled += c.n
		}
	}
	for _, q := range m.requests {
		if !slices.Contains(q.rules, r) || !m.counts(r, q.wall, q.real) || r.limit.Per == budget.Each && q.key != key {
			continue
		}
		now, kind := q.state(), r.limit.Kind
		switch {
		case q.lost:
			if kind != budget.Concurrency {
				truth += share(q.truth, kind)
			}
		case kind == budget.Requests:
			settled++
			truth++
		case kind == budget.Concurrency:
			if now.outcome == budget.Open {
				reserved++
			}
		case now.outcome == budget.Open:
			reserved += share(q.bound, kind)
			truth += share(q.truth, kind)
		default:
			settled += share(now.charged, kind)
			if now.outcome != budget.Voided {
				truth += share(q.truth, kind)
			}
		}
	}
	return settled, reserved, truth
}

// refuses names the first rule that has no room, nil if all have.
func (m *model) refuses(key, name string, bound budget.Amount) *rule {
	for _, r := range m.rules {
		if !m.covers(r, key, name) {
			continue
		}
		settled, reserved, _ := m.used(r, key)
		if settled+reserved+share(bound, r.limit.Kind) > r.limit.Amount {
			return r
		}
	}
	return nil
}

func (m *model) limits(key string) (all []*budget.Limit) {
	for _, r := range m.rules {
		if slices.Contains(r.keys, key) {
			all = append(all, r.limit)
		}
	}
	return all
}
