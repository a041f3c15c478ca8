// Package quota is the seam between a request and everything that limits it:
// all limits that apply are asked in one step, and what they set aside is a
// Hold, which is settled with what the request came to or closed. It owns which
// limits apply to an Ask, that a refusal takes nothing from any of them, that a
// hold is resolved exactly once, and what a refusal tells the caller. How a limit
// counts is the business of the package that owns the limit: ratelimit for those of
// a route, budget and ledger for those of a key.
//
// A request is used like this:
//
//	hold, refusal := engine.Reserve(ctx, ask)
//	if refusal != nil {
//		return refusal
//	}
//	defer hold.Close()
//	…
//	hold.Settle(spent)
//
// Close after Settle does nothing. A hold that is closed unresolved stays
// charged with the estimate of its Ask: nobody knows what the request came to.
//
// The limits of a route see one request. Those of a key see each attempt: the first
// is reserved by Reserve, a further one by Next, and whoever makes the attempt ends its
// Reservation with what it came to.
package quota
