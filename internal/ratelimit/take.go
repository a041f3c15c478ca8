package ratelimit

import "time"

// Ask is the Take of a claim that takes nothing and only asks whether anything
// is left.
const Ask = -1

// Claim is what one request wants of one bucket. Make it with Limiter.Claim.
type Claim struct {
	Limiter *Limiter
	Bucket  *Bucket
	// Take is how much to remove, or Ask. Nothing is admitted for a Take of 0.
	Take int64
	// State is the bucket after it has admitted the request.
	State State
}

// Claim prepares to take an amount from the bucket for a value of the key.
func (l *Limiter) Claim(key string, take int64, now time.Time) Claim {
	return Claim{Limiter: l, Bucket: l.Bucket(key, now), Take: take}
}

// Correct charges the bucket for what the request used where that differs from
// what was taken.
func (c *Claim) Correct(used int64, now time.Time) {
	if n := used - c.amount(); n != 0 {
		c.Bucket.Charge(n, now)
	}
}

// Take claims everything or nothing, in one step that no other request sees a
// part of. It gives -1 if all was taken, and otherwise the position of the
// first claim that does not fit, and why.
func Take(claims []Claim, now time.Time) (refused int, why Refusal) {
	if len(claims) == 0 {
		return -1, Refusal{}
	}
	at := claims[0].Bucket.registry.since(now)
	var few [8]*Bucket
	order := inOrder(few[:0], claims)
	for _, b := range order {
		b.mu.Lock()
	}
	refused = -1
	for i := range claims {
		c := &claims[i]
		b := c.Bucket
		b.fill(at)
		if !c.fits() {
			refused, why = i, b.refusal(c.Take, at)
			break
		}
		b.left -= c.amount()
		c.State = b.state(at)
	}
	for i := range max(refused, 0) {
		claims[i].Bucket.left += claims[i].amount()
	}
	for _, b := range order {
		b.mu.Unlock()
	}
	return refused, why
}

func (c *Claim) fits() bool {
	if c.Take == Ask {
		return c.Bucket.left > 0
	}
	return c.Take > 0 && c.Take <= c.Bucket.left
}

func (c *Claim) amount() int64 { return max(c.Take, 0) }

// inOrder gives each bucket once, in the one order in which everybody locks
// them, so that no two requests wait for each other.
func inOrder(dst []*Bucket, claims []Claim) []*Bucket {
next:
	for i := range claims {
		b := claims[i].Bucket
		at := len(dst)
		for at > 0 && dst[at-1].number >= b.number {
			if dst[at-1] == b {
				continue next
			}
			at--
		}
		dst = append(dst, nil)
		copy(dst[at+1:], dst[at:])
		dst[at] = b
	}
	return dst
}
