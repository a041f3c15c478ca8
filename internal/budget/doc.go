// Package budget decides whether a request fits its limits, and counts what it
// came to. It owns the limits (on cost, tokens, requests and concurrency), the
// windows they count in, and the Engine, which takes from every limit that
// applies in one step or from none. It is pure: time comes in as an argument,
// nothing is stored, nothing is logged, and it knows neither keys nor HTTP. That
// what it decides survives the process is the business of package ledger.
//
//	hold, refusal := engine.Reserve(now, &ask)
//	if refusal != nil {
//		return refusal
//	}
//	…
//	hold.Settle(actual, true)
//
// # What is counted
//
// Every (limit, subject, window) has two numbers: settled, what requests came to,
// and reserved, the most that the requests in flight may still come to. A request
// is admitted if and only if settled + reserved + bound ≤ amount for every limit
// that applies to it. A refusal takes nothing. A hold is resolved once: settled
// with the actual figures, voided with nothing, or expired with its bound; each
// lands in the window of the admission, however long ago that began.
//
// Requests are counted when they are admitted and never given back; concurrency
// is only ever reserved.
//
// # Windows
//
// A window is a pure function of an instant, so nothing ever resets a counter:
// a new window has nothing in it yet. Sliding windows are exact: they keep each
// admission until it is as old as the window is long.
package budget
