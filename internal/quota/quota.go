package quota

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"tollgate/internal/expression"
	"tollgate/internal/fault"
	"tollgate/internal/ratelimit"
)

// Rule is a limit as it applies to the requests of a route. It belongs to a
// snapshot of the configuration; the limiter outlives it.
type Rule struct {
	Limiter *ratelimit.Limiter
	// Key gives the value whose bucket a request counts on; nil for a limit
	// that all share. Requests for which it has no value share one bucket.
	Key *expression.Program
}

// Ask is a request that wants to be admitted.
type Ask struct {
	Now   time.Time
	Rules []*Rule
	// Input is what the keys of the rules are computed from: who calls, among
	// others. It may be nil if no rule has a key.
	Input *expression.Input
	// Estimate is the number of input tokens that the request is expected to
	// use; Unknown if nobody has counted.
	Estimate int64
	// Tokenless requests use no tokens (counting them, for instance): limits
	// on tokens do not apply.
	Tokenless bool
}

// Unknown is the Estimate of a request whose tokens nobody has counted.
const Unknown = -1

// Spent is what a request came to. The zero Spent gives everything that can be
// given back back: nothing was used. Having asked is not undone by it.
type Spent struct {
	Input, Output int64 // tokens; input with all that was cached
}

// tokens is the sum, where what makes no sense counts as nothing and what is
// too much as the most there is.
func (s Spent) tokens() int64 {
	in, out := max(s.Input, 0), max(s.Output, 0)
	if in > math.MaxInt64-out {
		return math.MaxInt64
	}
	return in + out
}

// Engine admits requests. It is safe for concurrent use.
type Engine struct{ now func() time.Time }

// NewEngine makes an engine with the clock by which it settles. It must be the
// clock of the instants in what it is asked.
func NewEngine(now func() time.Time) *Engine { return &Engine{now} }

// Reserve asks all limits that apply, in one step. If one of them has no room
// the error is of kind Limited, names the first such limit in the order of
// ask.Rules, and nothing has been taken from any. Reserve keeps nothing of ask.
func (e *Engine) Reserve(_ context.Context, ask Ask) (*Hold, *fault.Error) {
	if len(ask.Rules) == 0 {
		return free, nil
	}
	h := &Hold{engine: e}
	h.claims = h.few[:0]
	for _, rule := range ask.Rules {
		if take, applies := rule.take(&ask); applies {
			h.claims = append(h.claims, rule.Limiter.Claim(rule.key(ask.Input), take, ask.Now))
		}
	}
	if at, why := ratelimit.Take(h.claims, ask.Now); at >= 0 {
		return nil, refusal(h.claims[at].Limiter.Rule(), &why, ask.Now)
	}
	return h, nil
}

// take tells how much a request takes from the rule's bucket.
func (r *Rule) take(ask *Ask) (n int64, applies bool) {
	switch {
	case r.Limiter.Rule().Kind == ratelimit.Requests:
		return 1, true
	case ask.Tokenless:
		return 0, false
	case ask.Estimate < 0:
		return ratelimit.Ask, true
	default:
		return ask.Estimate, true
	}
}

// key gives the value whose bucket a request counts on, "" if it has none.
func (r *Rule) key(in *expression.Input) string {
	if r.Key == nil || in == nil {
		return ""
	}
	value, err := r.Key.String(in)
	if err != nil {
		return ""
	}
	return value
}

// Hold is what was set aside for a request. Its methods are safe for concurrent use.
type Hold struct {
	engine   *Engine
	resolved atomic.Bool
	claims   []ratelimit.Claim
	few      [4]ratelimit.Claim // where claims usually are
}

// free is the hold of the requests that nothing limits; it has nothing to resolve.
var free = &Hold{}

// Settle turns the hold into what the request came to. Only the first call of
// Settle and Close counts.
func (h *Hold) Settle(spent Spent) {
	if !h.resolve() {
		return
	}
	now, tokens := h.engine.now(), spent.tokens()
	for i := range h.claims {
		if c := &h.claims[i]; c.Limiter.Rule().Kind == ratelimit.Tokens {
			c.Correct(tokens, now)
		}
	}
}

// Close ends the hold. If it has not been settled, what was taken at admission
// is what the request is charged.
func (h *Hold) Close() { h.resolve() }

// resolve tells whether this call is the one that counts.
func (h *Hold) resolve() bool { return len(h.claims) > 0 && h.resolved.CompareAndSwap(false, true) }

// Left is what a limit has left once a request was admitted, for the headers of
// its answer. Limit and Remaining are in the unit of Kind.
type Left struct {
	ID               string
	Kind             ratelimit.Kind
	Limit, Remaining int64
	Reset            time.Duration // to the next fill, in whole seconds, rounded up
	Window           time.Duration // between two fills
}

// Tightest describes the limit that had the least left once the request was
// admitted. It reports false if no limit applied.
func (h *Hold) Tightest() (Left, bool) { return h.tightest(func(ratelimit.Kind) bool { return true }) }

// TightestOf is Tightest among the limits of one kind.
func (h *Hold) TightestOf(kind ratelimit.Kind) (Left, bool) {
	return h.tightest(func(k ratelimit.Kind) bool { return k == kind })
}

func (h *Hold) tightest(counts func(ratelimit.Kind) bool) (Left, bool) {
	at := -1
	for i := range h.claims {
		if !counts(h.claims[i].Limiter.Rule().Kind) {
			continue
		}
		if at < 0 || h.claims[i].State.Remaining < h.claims[at].State.Remaining {
			at = i
		}
	}
	if at < 0 {
		return Left{}, false
	}
	rule, state := h.claims[at].Limiter.Rule(), &h.claims[at].State
	return Left{
		ID: rule.ID, Kind: rule.Kind, Limit: state.Limit, Remaining: state.Remaining,
		Reset: wholeSeconds(state.Reset), Window: rule.Interval,
	}, true
}

func wholeSeconds(d time.Duration) time.Duration {
	if part := d % time.Second; part > 0 {
		return d - part + time.Second
	}
	return d
}

// refusal tells a caller which limit has no room and when it will have.
func refusal(rule *ratelimit.Rule, why *ratelimit.Refusal, now time.Time) *fault.Error {
	e := &fault.Error{
		Kind: fault.Limited, Code: "rate_limit_exceeded", Plain: "rate limit exceeded", Reason: "RateLimit",
		Retry: fault.RetryYes, RetryAfter: why.RetryAfter,
		Limit: &fault.Limit{
			ID: rule.ID, Kind: rule.Kind.String(), Window: rule.Window(),
			Max: why.Limit, Remaining: why.Remaining, ResetsIn: why.Reset, Interval: rule.Interval,
		},
	}
	if why.Reset > 0 {
		e.Limit.ResetsAt = now.Add(wholeSeconds(why.Reset))
	}
	if why.Never() {
		e.Retry = fault.RetryNo
		e.Message = fmt.Sprintf("The rate limit %s of %d %s cannot admit this request, however long you wait.",
			rule.ID, why.Limit, rule.Kind)
		return e
	}
	e.Message = fmt.Sprintf("The limit of %d %s per %s has no room for this request; try again in %ds.",
		why.Limit, rule.Kind, rule.Window(), wholeSeconds(why.RetryAfter)/time.Second)
	return e
}
