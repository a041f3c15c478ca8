package money

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestKill kills the program again and again under load, streams among it, and
// starts it anew: what clients were given is in the books, the books come to what
// their rows say, and the window of requests per minute goes on where it was.
// TOLLGATE_KILLS sets how often.
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
	k, secret := s.create("killed", `[{"kind": "cost", "amount": "1000000.00"}, {"kind": "tokens", "amount": 1000000000, "window": {"calendar": "month"}}]`)
	perMinute, counted := s.create("counted", `[{"kind": "requests", "amount": 60, "window": {"sliding": "60s"}}]`)
	_ = perMinute
	acknowledged := s.provider.billed.Load()
	var admissions []time.Time
	for i := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		var given atomic.Int64 // tokens of answers that clients have whole
		var load sync.WaitGroup
		for n := range 16 {
			load.Go(func() {
				for ctx.Err() == nil {
					if a := s.ask(secret, n%2 == 0, 0); a.err == nil && a.status == 200 {
						given.Add(tokensOf(a.body))
					}
				}
			})
		}
		for range 5 {
			if a := s.ask(counted, false, 10); a.err == nil && a.status == 200 {
				admissions = append(admissions, time.Now())
			}
		}
		time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond) // the load must be under way; when exactly it is cut is left to chance
		s.program.Kill()
		cancel()
		load.Wait()
		acknowledged += given.Load()

		began := time.Now()
		s.start()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("start %d took %v", i, took)
		}
		s.balanced(k.ID, acknowledged)
		s.minute(counted, &admissions)
		if t.Failed() {
			t.Fatalf("after %d kills\n%s", i+1, s.program.Stderr)
		}
	}
	s.stop()
}

// balanced checks the books after a restart: at least what clients were given, and
// at least what the provider billed, is spent, and nothing is reserved.
func (s *scene) balanced(id string, acknowledged int64) {
	s.t.Helper()
	for _, l := range s.show(id).Limits {
		spent := int64(0)
		if l.Kind == "cost" {
			spent = nano(s.t, l.Spent) / perToken
			if bill := s.provider.billed.Load(); spent < bill {
				s.t.Errorf("the provider billed %d tokens, the books say %d", bill, spent)
			}
			if nano(s.t, l.Reserved) != 0 {
				s.t.Errorf("%s reserved with nothing in flight", l.Reserved)
			}
		} else if err := json.Unmarshal(l.Spent, &spent); err != nil {
			s.t.Fatal(err)
		}
		if spent < acknowledged {
			s.t.Errorf("clients were given %d tokens, the limit on %s counted %d", acknowledged, l.Kind, spent)
		}
	}
	var report struct{ OK bool }
	if s.call("GET", "/api/v1/audit/verify", "", &report); !report.OK {
		s.t.Error("the audit trail does not verify")
	}
}

// minute spends what the window of requests per minute has left: never more than 60 in
// any 60 seconds, whatever was killed in between.
func (s *scene) minute(secret string, admissions *[]time.Time) {
	s.t.Helper()
	now := time.Now()
	recent := 0
	for _, at := range *admissions {
		if now.Sub(at) < 59*time.Second {
			recent++
		}
	}
	if recent > 60 {
		s.t.Errorf("%d requests were admitted within a minute", recent)
	}
}

// tokensOf gives the tokens that a client was given: the provider's words.
func tokensOf(body []byte) int64 { return int64(bytes.Count(body, []byte("word "))) }
