package quota

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/expression"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
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

// Books keep the limits of keys; *ledger.Books are some.
type Books interface {
	// Reserve asks all limits of a key that apply and returns once what it took is
	// on record. The error says that this is not possible now.
	Reserve(ctx context.Context, ask budget.Ask) (*ledger.Reservation, *budget.Refusal, error)
	// Room is the most that could be asked for now.
	Room(ask *budget.Ask) budget.Amount
	// State tells how a limit stands for a key.
	State(l *budget.Limit, subject string) budget.State
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
	// Key is what the limits of the caller's key are asked; one without Limits
	// asks nothing.
	Key budget.Ask
	// Discreet keys do not tell their amounts in a refusal.
	Discreet bool
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
type Engine struct {
	now   func() time.Time
	books Books // nil: no key has limits
}

// NewEngine makes an engine with the clock by which it settles, which must be the
// clock of the instants in what it is asked, and the books of the keys' limits; nil
// if no key has any.
func NewEngine(now func() time.Time, books Books) *Engine { return &Engine{now, books} }

// Reserve asks all limits that apply, in one step. If one of them has no room
// the error names the first such limit, those of ask.Rules before those of the
// key, and nothing has been taken from any. Reserve keeps nothing of ask but its
// limits.
func (e *Engine) Reserve(ctx context.Context, ask Ask) (*Hold, *fault.Error) {
	if len(ask.Rules) == 0 && len(ask.Key.Limits) == 0 {
		return free, nil
	}
	h := &Hold{engine: e, discreet: ask.Discreet}
	h.claims = h.few[:0]
	for _, rule := range ask.Rules {
		if take, applies := rule.take(&ask); applies {
			h.claims = append(h.claims, rule.Limiter.Claim(rule.key(ask.Input), take, ask.Now))
		}
	}
	if at, why := ratelimit.Take(h.claims, ask.Now); at >= 0 {
		return nil, refusal(h.claims[at].Limiter.Rule(), &why, ask.Now)
	}
	if len(ask.Key.Limits) == 0 {
		return h, nil
	}
	if refused := h.Next(ctx, &ask.Key); refused != nil {
		for i := range h.claims {
			h.claims[i].Correct(0, ask.Now)
		}
		return nil, refused
	}
	return h, nil
}

// Room is the most that the limits of a key have room for now.
func (e *Engine) Room(ask *budget.Ask) budget.Amount {
	if e.books == nil {
		return budget.Amount{Cost: budget.Max, Tokens: budget.Max}
	}
	return e.books.Room(ask)
}

// State tells how a limit of a key stands; false if nobody keeps books.
func (e *Engine) State(l *budget.Limit, subject string) (budget.State, bool) {
	if e.books == nil {
		return budget.State{}, false
	}
	return e.books.State(l, subject), true
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

// Hold is what was set aside for a request: once by the limits of its route, and
// for each attempt anew by those of its key. Settle and Close are safe for concurrent
// use.
type Hold struct {
	engine   *Engine
	discreet bool
	resolved atomic.Bool
	claims   []ratelimit.Claim
	few      [4]ratelimit.Claim // where claims usually are

	current *ledger.Reservation // of the latest attempt; nil: nothing of its key's
	counted []*budget.Limit     // limits on requests that have counted this one
}

// free is the hold of the requests that nothing limits; it has nothing to resolve.
var free = &Hold{}

// Next reserves another attempt from the limits of the key, after the reservation of
// the one before has ended. The limits on requests that have counted this request are
// not asked again.
func (h *Hold) Next(ctx context.Context, ask *budget.Ask) *fault.Error {
	if len(ask.Limits) == 0 {
		return nil
	}
	if h.engine.books == nil {
		return unavailable(errNoBooks)
	}
	if h.current != nil && h.current.Resolution().Outcome == budget.Open {
		h.current.Close() // whoever forgot it does not know what it came to
	}
	next := *ask
	next.Limits = h.uncounted(ask.Limits)
	reservation, refused, err := h.engine.books.Reserve(ctx, next)
	switch {
	case err != nil:
		return unavailable(err)
	case refused != nil:
		return overdrawn(refused, h.discreet)
	}
	h.current = reservation
	for _, l := range next.Limits {
		if l.Kind == budget.Requests && l.Covers(ask.Asked, ask.Model) {
			h.counted = append(h.counted, l)
		}
	}
	return nil
}

// uncounted leaves out the limits that have counted the request.
func (h *Hold) uncounted(all []*budget.Limit) []*budget.Limit {
	if len(h.counted) == 0 {
		return all
	}
	rest := make([]*budget.Limit, 0, len(all))
	for _, l := range all {
		if !slices.Contains(h.counted, l) {
			rest = append(rest, l)
		}
	}
	return rest
}

// Reservation is that of the latest attempt, nil if no limit of a key was asked.
func (h *Hold) Reservation() *ledger.Reservation { return h.current }

// Settle tells the limits of the route what the request came to. Only the first
// call of Settle and Close counts.
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

// Close ends the hold. What has not been settled is charged what was taken at
// admission.
func (h *Hold) Close() {
	h.resolve()
	if h.current != nil {
		h.current.Close()
	}
}

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
