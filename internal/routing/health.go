package routing

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Cooling says for how long a target that failed is passed over.
type Cooling struct {
	// Failures is how many failures in a row send a target off (0 counts as 1).
	Failures int
	// Base is the time away after the first eviction; each further one in a
	// row is Base longer.
	Base time.Duration
	// Max bounds any time away, the provider's own Retry-After included.
	Max time.Duration
}

// DefaultCooling applies where the configuration says nothing.
var DefaultCooling = Cooling{Failures: 1, Base: 3 * time.Second, Max: time.Minute}

// Health is the recent experience with one target. It survives reloads: a
// Registry gives the same Health for the same target. All methods are safe for
// concurrent use; times are given in, so that a test owns the clock.
type Health struct {
	until     atomic.Int64  // unix nanoseconds until which the target is passed over
	failures  atomic.Int32  // in a row
	evictions atomic.Int32  // in a row
	latency   atomic.Int64  // smoothed time to the first byte, nanoseconds
	refused   atomic.Uint32 // set of Features
	recent    tally
	last      atomic.Pointer[Failure]
}

// Feature is something of a request that a target may turn out not to know.
type Feature uint32

// StreamOptions is the member stream_options of a chat or completion.
const StreamOptions Feature = 1

// Refuse notes that the target does not know a feature.
func (h *Health) Refuse(f Feature) { h.refused.Or(uint32(f)) }

// Refuses tells whether the target was seen not to know a feature.
func (h *Health) Refuses(f Feature) bool { return h.refused.Load()&uint32(f) != 0 }

// Available tells whether the target is not cooling down.
func (h *Health) Available(now time.Time) bool { return h.until.Load() <= now.UnixNano() }

// Succeed records an answer and the time that it took to come.
func (h *Health) Succeed(now time.Time, took time.Duration) {
	h.recent.add(now, false)
	if h.failures.Load() != 0 {
		h.failures.Store(0)
		h.evictions.Store(0)
		h.until.Store(0)
	}
	old := h.latency.Load()
	if old == 0 {
		old = int64(took)
	}
	h.latency.Store(old + (int64(took)-old)/8)
}

// Fail records a failure; after is the provider's own wish (Retry-After), 0 if
// it had none.
func (h *Health) Fail(f Failure, after time.Duration, c Cooling) {
	now := f.At
	h.recent.add(now, true)
	h.last.Store(&f)
	if int(h.failures.Add(1)) < c.Failures {
		return
	}
	times := time.Duration(h.evictions.Add(1))
	away := c.Base * times
	if after > 0 {
		away = after
	}
	h.until.Store(now.Add(min(away, c.Max)).UnixNano())
}

// Registry keeps the Health of targets by identity across reloads.
type Registry struct {
	mu  sync.Mutex
	all map[string]*Health
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry { return &Registry{all: map[string]*Health{}} }

// Health gives the one Health of a target, new if it was not known.
func (r *Registry) Health(identity string) *Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.all[identity]
	if h == nil {
		h = &Health{}
		r.all[identity] = h
	}
	return h
}

// Keep forgets every target whose identity is not among those of a new
// configuration.
func (r *Registry) Keep(identities map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.all {
		if !identities[id] {
			delete(r.all, id)
		}
	}
}

// Candidate is a target as far as choosing among targets needs it.
type Candidate interface{ Condition() *Health }

// Order appends targets to dst in the order in which to try them: group by
// group, in each the available ones first, of which the first is the better of
// two picked at random; the targets that cool down come last, because a try at
// one of them is better than no answer.
func Order[T Candidate](dst []T, groups [][]T, now time.Time, random *rand.Rand) []T {
	var cooling []T
	for _, group := range groups {
		start := len(dst)
		for _, t := range group {
			if t.Condition().Available(now) {
				dst = append(dst, t)
			} else {
				cooling = append(cooling, t)
			}
		}
		shuffleByHealth(dst[start:], random)
	}
	return append(dst, cooling...)
}

// shuffleByHealth puts a random order on targets and the quicker of the first
// two in front ("the power of two choices").
func shuffleByHealth[T Candidate](targets []T, random *rand.Rand) {
	if len(targets) < 2 {
		return
	}
	shuffle := rand.Shuffle
	if random != nil {
		shuffle = random.Shuffle
	}
	shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
	if targets[1].Condition().latency.Load() < targets[0].Condition().latency.Load() {
		targets[0], targets[1] = targets[1], targets[0]
	}
}

// Weighted picks an index in proportion to its weight, with point in [0, 1).
// Weights of zero are never picked; if all are zero the answer is -1.
func Weighted(weights []int, point float64) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	if total == 0 {
		return -1
	}
	at := int(point * float64(total))
	for i, w := range weights {
		if at < w {
			return i
		}
		at -= w
	}
	return len(weights) - 1
}
