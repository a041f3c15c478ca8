package budget

import (
	"sync"
	"time"
)

// Instant is a reading of two clocks. Wall tells in which window an admission
// falls, Mono how long ago another one was.
type Instant struct {
	Wall int64 // nanoseconds since 1970, never less than an earlier reading
	Mono int64 // nanoseconds of a clock that nobody sets
}

// Time is the reading of the wall clock.
func (i Instant) Time() time.Time { return time.Unix(0, i.Wall) }

// Clock reads instants. Its wall clock never goes back: while the machine's is
// behind what has been read before, or before a restart, it stands still, so that no
// window opens twice. It is safe for concurrent use.
type Clock struct {
	wall func() time.Time
	mono func() time.Duration

	mu   sync.Mutex
	last Instant
}

// NewClock makes a clock that shows floor at least: the latest instant that is on
// record. A nil wall or mono stands for the machine's.
func NewClock(floor int64, wall func() time.Time, mono func() time.Duration) *Clock {
	if wall == nil {
		wall = time.Now
	}
	if mono == nil {
		start := time.Now()
		mono = func() time.Duration { return time.Since(start) }
	}
	return &Clock{wall: wall, mono: mono, last: Instant{Wall: floor}}
}

// Now reads the clock.
func (c *Clock) Now() Instant {
	wall, mono := c.wall().UnixNano(), int64(c.mono())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last.Wall = max(c.last.Wall, wall)
	c.last.Mono = max(c.last.Mono, mono)
	return c.last
}
