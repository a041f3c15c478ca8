package routing

import (
	"sync/atomic"
	"time"
)

// Recent is how far back attempts are counted: that many whole minutes and the one
// that has begun.
const Recent = 5 * time.Minute

const slots = int64(Recent/time.Minute) + 1

// tally counts the attempts of the last minutes, a word for each minute. A word holds
// its minute, so that what is too old needs nobody who clears it, and both counts, so
// that one atomic exchange is all that an attempt costs.
type tally [slots]atomic.Uint64

// A word is minute:20 failed:22 all:22. The minute comes again after two years, and a
// count that is full, after four million attempts, stays full.
const (
	countBits = 22
	fullCount = 1<<countBits - 1
	oneFailed = 1 << countBits
)

func minuteOf(now time.Time) int64 { return now.Unix() / 60 }

// stamp is the minute as a word holds it. It is never 0, which is a word that nobody wrote.
func stamp(minute int64) uint64 { return uint64(minute)%(1<<20-1) + 1 }

func (t *tally) add(now time.Time, failed bool) {
	minute := minuteOf(now)
	word := &t[minute%slots]
	for {
		old := word.Load()
		count := old
		if old>>(2*countBits) != stamp(minute) {
			count = stamp(minute) << (2 * countBits)
		}
		if count&fullCount < fullCount {
			count++
			if failed {
				count += oneFailed
			}
		}
		if word.CompareAndSwap(old, count) {
			return
		}
	}
}

// sum gives the attempts of the last minutes.
func (t *tally) sum(now time.Time) (all, failed int) {
	for minute := minuteOf(now); minute > minuteOf(now)-slots; minute-- {
		if count := t[minute%slots].Load(); count>>(2*countBits) == stamp(minute) {
			all += int(count & fullCount)
			failed += int(count >> countBits & fullCount)
		}
	}
	return all, failed
}

// used tells whether anything was ever counted.
func (t *tally) used() bool {
	for i := range t {
		if t[i].Load() != 0 {
			return true
		}
	}
	return false
}

// Failure is an attempt that counted against its target.
type Failure struct {
	At     time.Time
	Status int   // of the answer; 0: none came
	Err    error // why none came
}

// State says in a word how a target is.
type State string

// The states.
const (
	Unknown State = "unknown" // nothing was sent to it yet
	Healthy State = "healthy" // its latest answer was a good one
	Failing State = "failing" // its latest attempts failed, and it gets requests all the same
	Resting State = "resting" // it is passed over for a while
)

// Experience is what was seen of a target until one moment, for people to look at.
type Experience struct {
	State    State
	Until    time.Time     // the end of a rest; zero: there is none
	Failures int           // in a row
	Latency  time.Duration // smoothed, to the head of an answer; 0: none came yet
	Requests int           // attempts in the last minutes (Recent)
	Failed   int           // of these
	Last     *Failure      // the latest failure, however long ago; nil: none
}

// Experience tells how the target is. Its figures are read one by one while others
// change them, so they may be of moments that are a little apart.
func (h *Health) Experience(now time.Time) Experience {
	e := Experience{
		State: Healthy, Failures: int(h.failures.Load()), Latency: time.Duration(h.latency.Load()), Last: h.last.Load(),
	}
	e.Requests, e.Failed = h.recent.sum(now)
	switch until := h.until.Load(); {
	case until > now.UnixNano():
		e.State, e.Until = Resting, time.Unix(0, until).UTC()
	case e.Failures > 0:
		e.State = Failing
	case !h.recent.used():
		e.State = Unknown
	}
	return e
}
