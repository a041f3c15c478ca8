package routing

import (
	"math/rand/v2"
	"time"
)

// Spread appends at most n equal targets to dst in the order in which to try them. Each of
// those that do not cool down is as likely to be the first; those that do come last.
func Spread[T Candidate](dst, targets []T, n int, now time.Time, random *rand.Rand) []T {
	pick := rand.IntN
	if random != nil {
		pick = random.IntN
	}
	available := 0
	for _, t := range targets {
		if t.Condition().Available(now) {
			available++
		}
	}
	start := len(dst)
	for _, up := range [...]bool{true, false} {
		count := available
		if !up {
			count = len(targets) - available
		}
		if count == 0 {
			continue
		}
		first, seen := pick(count), 0
		for range 2 { // around once, from the first one on
			for _, t := range targets {
				if t.Condition().Available(now) != up {
					continue
				}
				if seen >= first && seen < first+count && len(dst)-start < n {
					dst = append(dst, t)
				}
				seen++
			}
		}
	}
	return dst
}
