package money

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/ledger"
	"tollgate/internal/store/sqlite"
	"tollgate/test/program"
)

// TestKill kills the program again and again under load, streams among it, and
// starts it anew: it is ready soon, what clients were given is in the books, nothing is
// charged but what was given or under way, windows of requests per minute go on where they
// were, and the books come to what their rows say. TOLLGATE_KILLS sets how often.
func TestKill(t *testing.T) {
	kills := 10
	if text := os.Getenv("TOLLGATE_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		kills = n
	}
	s := newScene(t)
	spenders := &group{scene: s, says: "spend", clients: 16}
	spenders.key, spenders.secret = s.create("killed", `[{"kind": "cost", "amount": "1000000.00"}, {"kind": "tokens", "amount": 1000000000, "window": {"calendar": "year"}}]`)
	hasty := &group{scene: s, says: "haste", clients: 2, pause: 50 * time.Millisecond}
	hasty.key, hasty.secret = s.create("rolling", fmt.Sprintf(`[{"kind": "requests", "amount": %d, "window": {"sliding": %q}}]`, rollingAmount, rollingWindow))
	var longest time.Duration
	for i := range kills {
		slots := s.slots(i)
		s.cut(time.Duration(20+rand.IntN(150))*time.Millisecond, spenders, hasty) // when exactly is left to chance
		began := time.Now()
		s.start()
		longest = max(longest, time.Since(began))
		slots.rest(s)
		spenders.balanced()
		hasty.rolling()
		var report struct{ OK bool }
		if s.call("GET", "/api/v1/audit/verify", "", &report); !report.OK {
			t.Error("the audit trail does not verify")
		}
		if t.Failed() {
			t.Fatalf("after %d kills\n%s", i+1, s.program.Stderr)
		}
	}
	t.Logf("%d kills, ready after at most %v; %d and %d requests answered, %d and %d cut off, %d tokens given of %d billed",
		kills, longest, len(spenders.answered), len(hasty.answered), len(spenders.cutOff), len(hasty.cutOff), spenders.given, s.provider.billed.Load())
	if within := readyWithin(); longest > within {
		t.Errorf("ready after %v, want %v", longest, within)
	}
	if len(spenders.answered) < kills || len(spenders.cutOff) < kills {
		t.Error("that is no load to speak of")
	}
	told := s.show(spenders.key.ID).Limits
	s.stop()
	s.agreed(told)
}

// readyWithin is how long a start may take. The race detector makes everything slow.
func readyWithin() time.Duration {
	if program.Race {
		return 10 * time.Second
	}
	return 2 * time.Second
}

// group is some clients of one key, and what became of their requests.
type group struct {
	*scene
	says    string
	clients int
	pause   time.Duration // at most, between an answer and the next request
	key     key
	secret  string

	asked    atomic.Int64
	mu       sync.Mutex
	answered []answer
	cutOff   []answer // sent and never answered, or not to the end
	given    int64    // tokens of the answers
}

// cut has clients ask for a while, and then the program killed.
func (s *scene) cut(after time.Duration, groups ...*group) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	var load sync.WaitGroup
	for _, g := range groups {
		for n := range g.clients {
			load.Go(func() {
				for ctx.Err() == nil {
					g.note(s.say(fmt.Sprint(g.says, "#", g.asked.Add(1)), g.secret, n%2 == 0, 0))
					time.Sleep(rand.N(g.pause + 1))
				}
			})
		}
	}
	time.Sleep(after)
	s.program.Kill()
	cancel()
	load.Wait()
}

func (g *group) note(a answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case a.unsent():
	case a.err != nil:
		g.cutOff = append(g.cutOff, a)
	case a.status == http.StatusOK:
		g.given += a.tokens()
		a.body = nil
		g.answered = append(g.answered, a)
	case a.status != http.StatusTooManyRequests:
		g.t.Errorf("a client was answered %d %s", a.status, a.body)
	}
}

// balanced checks the books after a restart, with nothing under way: what clients were
// given and what the provider billed is spent, and for each request that was cut off at
// most its bound.
func (g *group) balanced() {
	g.t.Helper()
	_, bill := g.provider.calls(g.says)
	for _, l := range g.show(g.key.ID).Limits {
		spent, reserved := figures(g.t, &l)
		if reserved != 0 {
			g.t.Errorf("%d reserved of %s with nothing under way", reserved, l.Kind)
		}
		if l.Kind == "tokens" {
			if least := bill + 5*int64(len(g.answered)); spent < least { // five are read for every answer
				g.t.Errorf("%d tokens were used, the limit counted %d", least, spent)
			}
			continue
		}
		spent /= perToken
		if most := g.given + maxTokens*int64(len(g.cutOff)); spent < bill || bill < g.given || spent > most {
			g.t.Errorf("clients were given %d tokens, the provider billed %d, with those cut off it can be %d: the books say %d", g.given, bill, most, spent)
		}
	}
}

// A window so short that many of them pass while the program is killed.
const (
	rollingAmount = 20
	rollingWindow = 2 * time.Second
)

// rolling looks at a limit on requests in a sliding window: no more than it allows came
// to the provider in a window of any place, and it has counted those that did, with at most
// those that were cut off on their way.
func (g *group) rolling() {
	g.t.Helper()
	began := time.Now()
	l := g.show(g.key.ID).Limits[0]
	counted, _ := figures(g.t, &l)
	ended := time.Now()
	var least, most int64
	sent := map[string]time.Time{}
	for i, a := range slices.Concat(g.answered, g.cutOff) {
		sent[a.said] = a.sent
		if i < len(g.answered) && ended.Sub(a.sent) < rollingWindow {
			least++
		}
		if began.Sub(a.received) < rollingWindow {
			most++
		}
	}
	if counted < least || counted > min(most, rollingAmount) {
		g.t.Errorf("%d to %d requests were admitted in the last %v, the limit counted %d", least, most, rollingWindow, counted)
	}
	// A request was admitted between when it was sent and when it came to the provider.
	calls, _ := g.provider.calls(g.says)
	for len(calls) > rollingAmount {
		first := calls[rollingAmount].at
		for _, c := range calls[:rollingAmount+1] {
			if at := sent[c.said]; at.Before(first) {
				first = at
			}
		}
		if span := calls[rollingAmount].at.Sub(first); span < rollingWindow {
			g.t.Errorf("%d requests were admitted within %v", rollingAmount+1, span)
		}
		calls = calls[1:]
	}
}

// slots is a limit on requests per minute of which a part is taken before a kill.
type slots struct {
	secret string
	limit  string
	first  between // when the first was taken
}

const slotsOfKey, slotsTaken = 8, 5

func (s *scene) slots(n int) slots {
	s.t.Helper()
	k, secret := s.create(fmt.Sprint("slots ", n), fmt.Sprintf(`[{"kind": "requests", "amount": %d, "window": {"sliding": "60s"}}]`, slotsOfKey))
	taken := make([]answer, slotsTaken)
	for i := range taken {
		taken[i] = s.ask(secret, i%2 == 0, 10)
	}
	return slots{secret, k.Limits[0].ID, admittedFirst(s.t, taken, slotsTaken)}
}

// rest takes what is left after a kill: exactly as much as there should be, and whoever
// comes then is told when the first slot is free again.
func (l *slots) rest(s *scene) {
	s.t.Helper()
	for i := slotsTaken; i < slotsOfKey; i++ {
		if a := s.ask(l.secret, false, 10); a.status != http.StatusOK {
			s.t.Errorf("request %d of %d after a kill: %d %s, %v", i+1, slotsOfKey, a.status, a.body, a.err)
		}
	}
	a := s.ask(l.secret, false, 10)
	l.first.told(s.t, &a, time.Minute, l.limit)
}

// agreed adds up the rows of the ledger, without the engine that counted, and compares
// with what the API has told of limits whose windows have not ended since.
func (s *scene) agreed(told []limit) {
	s.t.Helper()
	db, err := sqlite.Open(s.t.Context(), sqlite.Options{Dir: filepath.Join(s.dir, "tollgate-data"), Check: true})
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	verifier, fold := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{}), ledger.NewFold()
	err = db.Journal().Scan(s.t.Context(), 1, func(r ledger.Record) error {
		row, err := verifier.Next(r)
		if err != nil {
			return err
		}
		return fold.Apply(&row)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	balances, _ := fold.State(fold.Run(), fold.Last())
	for i := range told {
		var settled, reserved int64
		for _, b := range balances {
			if b.Limit == told[i].ID {
				settled, reserved = settled+b.Settled, reserved+b.Reserved
			}
		}
		if spent, _ := figures(s.t, &told[i]); spent != settled || reserved != 0 {
			s.t.Errorf("the limit on %s said that %d are spent, its rows come to %d, and to %d reserved", told[i].Kind, spent, settled, reserved)
		}
	}
}
