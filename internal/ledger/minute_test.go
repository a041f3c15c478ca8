package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
)

// traffic is one way in which requests come.
type traffic struct {
	name string
	// obeys has a single caller who asks at once after an answer, and after a refusal
	// when he was told to. The others ask when they please.
	obeys bool
	times func(limit int, r *rand.Rand) []time.Duration
}

// period is how long the traffic of a shape goes on.
const period = 200 * time.Second

var shapes = []traffic{
	{name: "steady at the limit", times: func(limit int, _ *rand.Rand) []time.Duration { return every(time.Minute / time.Duration(limit)) }},
	{name: "steady above the limit", times: func(limit int, _ *rand.Rand) []time.Duration {
		return every(time.Minute / time.Duration(limit) * 7 / 10)
	}},
	{name: "bursts at the edges of the window", times: edges},
	{name: "one burst, then silence", times: func(limit int, _ *rand.Rand) []time.Duration {
		return slices.Concat(repeat(time.Second, 2*limit), []time.Duration{40 * time.Second, 61*time.Second - 1}, repeat(61*time.Second, 2*limit), repeat(3*time.Minute, 1))
	}},
	{name: "random", times: func(limit int, r *rand.Rand) (at []time.Duration) {
		for now := time.Duration(0); now < period; now += time.Duration(r.ExpFloat64() * float64(time.Minute) / float64(limit) / 1.3) {
			at = append(at, now)
		}
		return at
	}},
	{name: "obeying Retry-After", obeys: true},
}

func every(step time.Duration) (at []time.Duration) {
	for now := time.Duration(0); now < period; now += step {
		at = append(at, now)
	}
	return at
}

func repeat(at time.Duration, n int) []time.Duration { return slices.Repeat([]time.Duration{at}, n) }

// edges has a full load just before a minute of the clock ends and just after, and then at
// the last instant at which nothing is free yet and the first at which all is.
func edges(limit int, _ *rand.Rand) (at []time.Duration) {
	for minute := range 3 {
		edge := time.Duration(minute+1) * time.Minute
		at = append(at, repeat(edge-1, limit)...)
		at = append(at, repeat(edge, limit)...)
	}
	at = append(at, repeat(4*time.Minute-2, limit)...)
	return append(at, repeat(4*time.Minute-1, 2*limit)...)
}

// TestRequestsPerMinute lets traffic of every shape come upon limits of every size, with
// and without restarts in between, and compares with a list of all admissions: in no 60
// seconds there are more than the limit, nobody is refused while there were fewer, and
// whoever is refused is told the very instant at which there is room. Of power failures
// only the first is demanded: what they may have taken counts as admitted at the start.
func TestRequestsPerMinute(t *testing.T) {
	for _, shape := range shapes {
		for _, limit := range []int{1, 10, 60, 600} {
			for _, trouble := range []string{"no restarts", "restarts", "power failures"} {
				t.Run(fmt.Sprintf("%s/limit %d/%s", shape.name, limit, trouble), func(t *testing.T) {
					t.Parallel()
					newMinute(t, limit, trouble != "no restarts", trouble == "power failures").run(shape)
				})
			}
		}
	}
}

// minute is a limit on requests per minute, and all that it has admitted.
type minute struct {
	*office
	limit    *budget.Limit
	restarts bool
	power    bool // fails at every restart
	random   *rand.Rand
	admitted []time.Duration
	refused  int
	next     time.Duration // restart
	starts   int
}

func newMinute(t *testing.T, n int, restarts, power bool) *minute {
	return &minute{
		office: newOffice(t), limit: limit(t, "rpm", budget.Requests, int64(n), "sliding 1m0s"),
		restarts: restarts, power: power, next: 20 * time.Second, random: rand.New(rand.NewPCG(uint64(n), 5)),
	}
}

func (m *minute) run(shape traffic) {
	m.t.Helper()
	if shape.obeys {
		m.obey()
	} else {
		for _, at := range shape.times(int(m.limit.Amount), m.random) {
			m.until(at)
			m.knock()
		}
	}
	// More than one window of requests must have been admitted, or nothing was shown.
	if limit := int(m.limit.Amount); len(m.admitted) <= limit || m.restarts && m.starts < 2 {
		m.t.Errorf("%d admitted, %d refused, %d starts", len(m.admitted), m.refused, m.starts)
	}
	// No stretch of 60 seconds may hold more than the limit: those that begin with an admission are the fullest.
	for i := range m.admitted {
		if j := i + int(m.limit.Amount); j < len(m.admitted) && m.admitted[j]-m.admitted[i] < time.Minute {
			m.t.Fatalf("%d admitted within %v", m.limit.Amount+1, m.admitted[j]-m.admitted[i])
		}
	}
}

// obey is a caller who does what he is told: after a refusal he waits for exactly so long,
// and is then admitted.
func (m *minute) obey() {
	for at, told := time.Duration(0), time.Duration(0); at < period; {
		m.until(at)
		wait := m.knock()
		if told > 0 && wait > 0 && !m.power {
			m.t.Fatalf("at %v told to come in %v, came, and is told to come in %v", at-told, told, wait)
		}
		if told = wait; told == 0 {
			wait = time.Duration(m.random.Int64N(int64(time.Minute / time.Duration(2*m.limit.Amount))))
		}
		at += wait
	}
}

// until lets time pass, and restarts the program when it is time for that.
func (m *minute) until(at time.Duration) {
	if m.restarts && at >= m.next {
		m.restart()
		for m.next <= at {
			m.next += time.Duration(10+m.random.Int64N(30)) * time.Second
		}
	}
	m.now.Store(int64(at))
	if m.random.IntN(20) == 0 {
		m.books.Sweep()
	}
}

// restart ends the program a while before the next start: by kill -9 or in order.
func (m *minute) restart() {
	dead := m.next - time.Duration(m.random.Int64N(int64(3*time.Second)))
	m.now.Store(max(m.now.Load(), int64(dead)))
	boot := "boot"
	switch {
	case m.power:
		m.kill()
		m.disk.powerCut()
		m.disk.mark = ledger.Mark{}
		boot = fmt.Sprint("boot ", m.starts)
	case m.starts%2 == 0:
		m.kill()
	default:
		if err := m.stop(); err != nil {
			m.t.Fatal(err)
		}
	}
	m.now.Store(max(m.now.Load(), int64(m.next)))
	m.born = m.now.Load()
	m.open(ledger.Config{BootID: boot})
	m.starts++
}

// knock asks once, compares the answer with the list, and tells how long the caller was
// told to wait.
func (m *minute) knock() time.Duration {
	m.t.Helper()
	now := time.Duration(m.now.Load())
	recent := m.admitted[len(m.admitted):]
	for i := len(m.admitted); i > 0 && m.admitted[i-1] > now-time.Minute; i-- {
		recent = m.admitted[i-1:]
	}
	r, refusal, err := m.ask(0, m.limit)
	switch {
	case err != nil:
		m.t.Fatal(err)
	case refusal == nil && len(recent) >= int(m.limit.Amount), refusal != nil && len(recent) < int(m.limit.Amount) && !m.power:
		m.t.Fatalf("at %v, after %d of %d in the last 60 seconds: refused %v", now, len(recent), m.limit.Amount, refusal != nil)
	case refusal == nil:
		m.admitted = append(m.admitted, now)
		switch m.random.IntN(4) { // however it ends, it was admitted
		case 0:
			r.Void()
		case 1:
			r.Settle(exact(0))
		case 2:
			r.Expire()
		}
		return 0
	}
	if m.refused++; m.power {
		return refusal.Wait
	}
	want := recent[0] + time.Minute - now
	if refusal.Wait != want || refusal.Limit.ID != m.limit.ID {
		m.t.Fatalf("at %v told to wait %v by %s, want %v", now, refusal.Wait, refusal.Limit.ID, want)
	}
	return refusal.Wait
}
