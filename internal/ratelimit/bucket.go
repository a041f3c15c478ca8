package ratelimit

import (
	"math"
	"sync"
	"time"
)

// State is a bucket at an instant, in the rule's own unit.
type State struct {
	Limit, Remaining int64
	// Reset is the time to the next fill; 0 if there is none to wait for.
	Reset time.Duration
}

// Refusal says why a bucket does not admit.
type Refusal struct {
	State
	// RetryAfter is the time until the same request fits if nobody else takes
	// anything meanwhile; 0 if it never will.
	RetryAfter time.Duration
}

// Never tells that waiting does not help.
func (r *Refusal) Never() bool { return r.RetryAfter == 0 }

// Bucket is a live bucket. Its instants are durations since its registry
// began, so that they follow the monotonic clock.
type Bucket struct {
	registry *Registry
	number   uint64 // in the order of which several buckets are locked
	mu       sync.Mutex
	limit    int64
	perFill  int64
	interval time.Duration
	left     int64
	filled   time.Duration // instant of the last fill
}

func (r *Registry) newBucket(rule *Rule, now time.Duration) *Bucket {
	return &Bucket{
		registry: r, number: r.buckets.Add(1),
		limit: rule.Max, perFill: rule.PerFill, interval: rule.Interval, left: rule.Max, filled: now,
	}
}

// fill adds what has come in since the last fill.
func (b *Bucket) fill(now time.Duration) {
	passed := now - b.filled
	if passed < b.interval {
		return
	}
	fills := int64(passed / b.interval)
	b.filled += time.Duration(fills) * b.interval
	if missing := b.limit - b.left; b.perFill > 0 && fills >= ceilDiv(missing, b.perFill) {
		b.left = b.limit
	} else {
		b.left += fills * b.perFill
	}
}

// Charge removes n, or gives it back if it is negative, within the bounds of
// the bucket: a charge never leaves less than nothing and a return never more
// than the limit.
func (b *Bucket) Charge(n int64, now time.Time) {
	at := b.registry.since(now)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(at)
	switch {
	case n >= b.left:
		b.left = 0
	case n <= b.left-b.limit:
		b.left = b.limit
	default:
		b.left -= n
	}
}

// state is the bucket after fill(now).
func (b *Bucket) state(now time.Duration) State {
	s := State{Limit: b.limit, Remaining: b.left}
	if b.perFill > 0 {
		s.Reset = b.filled + b.interval - now
	}
	return s
}

// refusal explains why n could not be taken, after fill(now).
func (b *Bucket) refusal(n int64, now time.Duration) Refusal {
	r := Refusal{State: b.state(now)}
	need := n
	if n == Ask {
		need = 1
	}
	if need < 1 || need > b.limit || b.perFill == 0 {
		r.Reset = 0
		return r
	}
	fills := ceilDiv(need-b.left, b.perFill)
	if more := time.Duration(fills - 1); more > 0 {
		if more > (math.MaxInt64-r.Reset)/b.interval {
			return r // in more than two centuries
		}
		r.RetryAfter = more * b.interval
	}
	r.RetryAfter += r.Reset
	return r
}

// change gives the bucket other amounts and keeps what has been consumed.
func (b *Bucket) change(r *Rule, now time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	b.left = max(0, r.Max-(b.limit-b.left))
	b.limit, b.perFill, b.interval = r.Max, r.PerFill, r.Interval
}

// ceilDiv is a / b rounded up, for a ≥ 0 and b > 0.
func ceilDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 {
		q++
	}
	return q
}
