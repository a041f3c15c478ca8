package gateway

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/tokens"
)

// longest is how long a reservation is waited for where nothing bounds a request:
// longer than any lasts.
const longest = 3 * time.Hour

// reserve asks every limit that applies, in one step: those of the route for the
// request, those of the key for its first attempt. What it gives must be closed;
// closing it unsettled charges what was reserved.
func (g *Gateway) reserve(ctx context.Context, x *exchange) (*quota.Hold, error) {
	ask := &x.ask
	*ask = quota.Ask{Now: g.now(), Rules: x.route.Limits, Estimate: quota.Unknown, Tokenless: x.Operation == dialect.CountTokens || x.plain()}
	if len(ask.Rules) > 0 {
		ask.Input = x.expressionInput()
		if x.order[0].Tokenize && !ask.Tokenless {
			n, err := x.countInput(x.order[0])
			if err != nil {
				return nil, err
			}
			ask.Estimate = n
		}
	}
	x.makePlan(x.order[0])
	var hold *quota.Hold
	var refusal *fault.Error
	if len(x.applying()) == 0 {
		hold, refusal = g.quota.Reserve(ctx, *ask)
	} else {
		ask.Discreet = x.entry.Discreet
		for {
			ask.Key = x.keyAsk(x.order[0], ask.Now)
			refusal = g.fit(x, x.order[0], &ask.Key, func() (e *fault.Error) {
				hold, e = g.quota.Reserve(ctx, *ask)
				return e
			})
			if !unpriced(refusal) || len(x.order) == 1 {
				break
			}
			x.passOver(g.now())
		}
	}
	if refusal != nil {
		x.Attempts = x.Attempts[:0]
		if x.left(ctx) && refusal.Kind == fault.Unavailable {
			return nil, &fault.Error{Kind: fault.Canceled, Code: "client_left", Err: refusal.Err}
		}
		return nil, refusal
	}
	x.hold = hold
	x.tellPlan()
	x.tellLimits()
	return hold, nil
}

// again reserves one more attempt from the limits of the key, once it is known what
// the one before came to. It reports false if there is no room: then what there is
// must do.
func (g *Gateway) again(ctx context.Context, x *exchange, c Choice, a *answer) bool {
	g.concludeFailed(ctx, x, a)
	x.makePlan(c)
	if len(x.applying()) == 0 {
		x.tellPlan()
		return true
	}
	x.ask.Key = x.keyAsk(c, g.now())
	refusal := g.fit(x, c, &x.ask.Key, func() *fault.Error { return x.hold.Next(ctx, &x.ask.Key) })
	if refusal != nil {
		return false
	}
	x.tellPlan()
	return true
}

// fit asks for the attempt as it is planned. Where it does not fit it is planned
// closer: first by counting its input, then by bounding its output, where nobody else
// has or the key lets us.
func (g *Gateway) fit(x *exchange, c Choice, ask *budget.Ask, try func() *fault.Error) *fault.Error {
	p := &x.plan
	attempt := func() *fault.Error {
		if p.limited() {
			ask.Bound, ask.Unpriced = p.bound(x.Operation)
		}
		return try()
	}
	refusal := attempt()
	if !p.limited() || !bySize(refusal) {
		return refusal
	}
	if x.refine(c) {
		if refusal = attempt(); !bySize(refusal) {
			return refusal
		}
	}
	if !boundable(x.Operation) {
		return refusal
	}
	// Somebody else may take the room that there is in between.
	for range 3 {
		n := p.affordable(g.quota.Room(ask))
		if p.given > 0 && !x.entry.Clamp || n < leastOutput || n >= p.each {
			if n > 0 && n < p.each && !x.entry.Discreet {
				refusal.Message += " There is room for " + strconv.FormatInt(n, 10) + " output tokens: ask for that many or fewer."
			}
			return refusal
		}
		p.setEach(n)
		p.write = n
		if refusal = attempt(); !bySize(refusal) {
			return refusal
		}
	}
	return refusal
}

// unpriced tells the refusal of a target whose price nobody knows.
func unpriced(e *fault.Error) bool {
	return e != nil && e.Limit != nil && e.Limit.Reason == fault.Unpriced
}

// errUnpriced is why a target was not tried: it has done nothing, as if it could not be reached.
var errUnpriced = &provider.SendError{Stage: provider.Connect, Err: errors.New("not tried, since no price of its model is known and the key has a cost limit")}

// passOver goes on to the next target, because of the first one nobody knows what it costs.
func (x *exchange) passOver(now time.Time) {
	c := x.order[0]
	x.Attempts = append(x.Attempts, Attempt{
		Provider: c.Provider, Backend: c.Name, Model: c.model(x.modelWanted()), Started: now, Err: errUnpriced, ended: true,
	})
	x.order = x.order[1:]
	x.makePlan(x.order[0])
}

// bySize tells the refusals of requests that are too large for what is left.
func bySize(e *fault.Error) bool {
	if e == nil || e.Limit == nil || e.Limit.Reason == "" || e.Limit.Reason == fault.Unpriced {
		return false
	}
	return e.Limit.Kind == budget.Cost.String() || e.Limit.Kind == budget.Tokens.String()
}

// keyAsk is what the limits of the key are asked for an attempt, without its size.
func (x *exchange) keyAsk(c Choice, now time.Time) budget.Ask {
	lasts := longest
	if d := x.route.RequestTimeout; d > 0 {
		lasts = d + time.Minute
	}
	return budget.Ask{
		Subject: x.Caller.KeyID, Limits: x.applying(), Asked: x.ModelAsked, Model: c.model(x.modelWanted()),
		Deadline: now.Add(lasts).UnixNano(),
	}
}

// countInput counts the tokens of the request with the model's tokenizer.
func (x *exchange) countInput(c Choice) (int64, error) {
	if x.body == nil { // a form: what is in it is not text to count
		return quota.Unknown, nil
	}
	prompt, err := request.Texts(x.Operation, x.body)
	if err != nil {
		return 0, err
	}
	messages := make([]tokens.Message, 0, len(prompt.Turns))
	for _, turn := range prompt.Turns {
		messages = append(messages, tokens.Message(turn))
	}
	return prompt.Tokens + tokens.CountChat(c.model(x.modelWanted()), messages), nil
}
