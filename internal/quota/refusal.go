package quota

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/money"
)

var errNoBooks = errors.New("a key has limits and nobody keeps books")

// unavailable is the answer while nobody can say whether there is room.
func unavailable(err error) *fault.Error {
	e := &fault.Error{Kind: fault.Unavailable, Code: "gateway_unavailable", Reason: "Internal", Retry: fault.RetryYes, RetryAfter: time.Second, Err: err,
		Message: "The gateway cannot keep its books at the moment, so it admits nothing. Try again soon."}
	if _, full := errors.AsType[full](err); full {
		e.Code = "storage_full"
	}
	return e
}

// full is an error of books that have no room left on their disk.
type full interface {
	error
	StorageFull()
}

// reasons are the words for what budget decides.
var reasons = [...]fault.Reason{
	budget.Exhausted: fault.Exhausted, budget.InFlight: fault.InFlight, budget.TooLarge: fault.Oversized, budget.Unpriced: fault.Unpriced,
}

// overdrawn tells a caller which limit of the key has no room, and what to do.
func overdrawn(r *budget.Refusal, discreet bool) *fault.Error {
	l := r.Limit
	e := &fault.Error{
		Kind: fault.Limited, Code: "budget_exceeded", Type: "insufficient_quota", Retry: fault.RetryNo, Reason: "RateLimit", Plain: "Budget exceeded",
		Limit: &fault.Limit{
			ID: l.ID, Kind: l.Kind.String(), Window: windowName(l.Window), Interval: l.Window.Length(),
			Max: l.Amount, Remaining: max(0, r.Left()), Reason: reasons[r.Reason],
			Spent: r.Settled, Reserved: r.Reserved, Asked: r.Asked, Shared: l.Per == budget.Pool, Discreet: discreet,
		},
	}
	if end, ends := r.Span.Ends(); ends && l.Window.Shape() != budget.Sliding {
		e.Limit.ResetsAt = end
		if e.Limit.Interval == 0 {
			e.Limit.Interval = time.Duration(r.Span.End - r.Span.Start)
		}
	}
	if r.Wait > 0 {
		e.Limit.ResetsIn = r.Wait
	}
	rate := l.Kind == budget.Requests || l.Kind == budget.Concurrency || l.Window.Shape() == budget.Sliding
	switch {
	case r.Reason == budget.Unpriced:
		e.Kind, e.Code, e.Type, e.Reason = fault.Forbidden, "model_unpriced", "", "Authorization"
		e.Param, e.Plain = "model", ""
	case r.Reason == budget.InFlight && (l.Kind == budget.Cost || l.Kind == budget.Tokens):
		e.Code, e.Type, e.Retry, e.RetryAfter = "budget_reserved", "", fault.RetryYes, soon()
	case r.Reason == budget.TooLarge:
	case rate:
		e.Code, e.Type, e.Plain = "rate_limit_exceeded", "", "rate limit exceeded"
		if e.RetryAfter = r.Wait; l.Kind == budget.Concurrency {
			e.RetryAfter = soon()
		}
		if e.RetryAfter > 0 {
			e.Retry = fault.RetryYes
		}
	default:
		e.RetryAfter = max(0, r.Wait)
	}
	e.Message = message(r, e.Code, discreet)
	return e
}

// soon is when to try again for what requests in flight may give back: not for
// everybody at once.
func soon() time.Duration { return time.Second + rand.N(2*time.Second) }

func message(r *budget.Refusal, code string, discreet bool) string {
	l := r.Limit
	amount := func(n int64) string { return figure(l.Kind, n) }
	what := fmt.Sprintf("The %s limit %s of %s", l.Kind, l.ID, amount(l.Amount))
	if discreet {
		what = fmt.Sprintf("The %s limit %s", l.Kind, l.ID)
	}
	switch {
	case r.Reason == budget.Unpriced:
		return "This virtual key has a limit on cost (" + l.ID + "), and nobody knows what this request would cost. Whoever runs the gateway can give the model a price."
	case r.Reason == budget.TooLarge && l.Amount == 0:
		return what + " admits nothing."
	case r.Reason == budget.TooLarge && discreet:
		return what + " is smaller than what this request may come to. Ask for fewer output tokens."
	case r.Reason == budget.TooLarge:
		return what + " is smaller than what this request may come to (" + amount(r.Asked) + "). Ask for fewer output tokens."
	case code == "budget_reserved":
		return what + " has no room for this request until requests under way have ended. Try again soon."
	case l.Kind == budget.Concurrency:
		return what + " is reached. Try again when a request under way has ended."
	case code == "rate_limit_exceeded" && r.Wait > 0:
		return fmt.Sprintf("%s %s has no room for this request; try again in %ds.", what, inWindow(l.Window), wholeSeconds(r.Wait)/time.Second)
	}
	if discreet {
		return what + " has no room for this request" + until(r)
	}
	return fmt.Sprintf("%s has no room for this request: %s is spent and %s reserved, and the request may come to %s%s",
		what, amount(r.Settled), amount(r.Reserved), amount(r.Asked), until(r))
}

// windowName names a window shortly: "day UTC", "sliding 60s", "life".
func windowName(w budget.Window) string {
	switch w.Shape() {
	case budget.Sliding:
		return "sliding " + budget.FormatLength(w.Length())
	case budget.Fixed:
		return "fixed " + budget.FormatLength(w.Length())
	default:
		return w.String()
	}
}

// inWindow says in which stretch of time a window counts.
func inWindow(w budget.Window) string {
	if w.Shape() == budget.Sliding {
		return "in any " + budget.FormatLength(w.Length())
	}
	return "in " + windowName(w)
}

// until says when a window ends.
func until(r *budget.Refusal) string {
	if end, ends := r.Span.Ends(); ends {
		return ". It resets at " + end.UTC().Format(time.RFC3339) + "."
	}
	return "."
}

// figure writes an amount with its unit.
func figure(k budget.Kind, n int64) string {
	switch k {
	case budget.Cost:
		return money.Nano(n).String() + " USD"
	case budget.Concurrency:
		return fmt.Sprintf("%d requests at a time", n)
	default:
		return fmt.Sprintf("%d %s", n, k)
	}
}
