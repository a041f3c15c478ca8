package money

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// TestHammer lets many clients spend one key together until nobody gets anything
// any more. What the provider billed is never above the limit, every limit has spent
// exactly that, nothing stays reserved, and one more caller can spend what is left.
func TestHammer(t *testing.T) {
	for _, tt := range []struct {
		clients, dollars int
		stream           bool
	}{
		{200, 1, false},
		{500, 10, false},
		{200, 1, true},
	} {
		t.Run(fmt.Sprintf("%d clients and %d dollars, stream %v", tt.clients, tt.dollars, tt.stream), func(t *testing.T) {
			s := newScene(t)
			var shared struct{ Limit limit }
			s.call("POST", "/api/v1/limits", fmt.Sprintf(
				`{"name": "everybody", "match": {}, "per": "pool", "kind": "cost", "amount": "%d.00"}`, 2*tt.dollars), &shared)
			k, secret := s.create("hammered", fmt.Sprintf(
				`[{"kind": "cost", "amount": "%d.00"}, {"kind": "cost", "amount": "%d.00", "window": {"calendar": "month"}}]`, tt.dollars, tt.dollars+1))
			s.hammer(secret, tt.clients, tt.stream)

			bill := s.billed(k.ID, shared.Limit.ID)
			amount := int64(tt.dollars) * dollar
			if bill > amount {
				t.Errorf("the provider billed %d nano-dollars of %d", bill, amount)
			}
			// What is left can be spent, down to less than the smallest answer worth asking for.
			rest := (amount - bill) / perToken
			if rest >= 64 {
				t.Errorf("everybody was refused with %d tokens left", rest)
			}
			if rest > 0 {
				if a := s.ask(secret, false, int(rest)); a.status != http.StatusOK {
					t.Errorf("one more request for the %d tokens that are left: %d %s", rest, a.status, a.body)
				}
			}
			if got := s.billed(k.ID, shared.Limit.ID); got > amount || rest > 0 && got == bill {
				t.Errorf("the provider billed %d nano-dollars of %d in the end, and %d before", got, amount, bill)
			}
			told := s.show(k.ID).Limits
			s.stop()
			s.agreed(told)
		})
	}
}

// billed checks that every limit, the shared one too, has spent what the provider
// billed, and gives that.
func (s *scene) billed(key, shared string) int64 {
	s.t.Helper()
	bill := s.provider.billed.Load() * perToken
	var pool limit
	s.call("GET", "/api/v1/limits/"+shared, "", &pool)
	for _, l := range append(s.show(key).Limits, pool) {
		if spent, reserved := figures(s.t, &l); spent != bill || reserved != 0 {
			s.t.Errorf("limit %s of %s says spent %s and reserved %s, the provider billed %d", l.ID, l.Amount, l.Spent, l.Reserved, bill)
		}
		if left := nano(s.t, l.Remaining); left != nano(s.t, l.Amount)-bill {
			s.t.Errorf("limit %s of %s says %s remain of it, with %d spent", l.ID, l.Amount, l.Remaining, bill)
		}
	}
	return bill
}

// hammer sends requests from many clients until each is told that the budget is used up.
func (s *scene) hammer(secret string, clients int, stream bool) {
	s.t.Helper()
	var crowd sync.WaitGroup
	var strange atomic.Pointer[answer]
	for range clients {
		crowd.Go(func() {
			for strange.Load() == nil {
				switch a := s.ask(secret, stream, 0); {
				case a.err != nil:
					strange.Store(&a)
				case a.status == http.StatusOK:
				case a.refused("budget_reserved", "true"):
				case a.refused("budget_exceeded", "false"):
					return
				default:
					strange.Store(&a)
				}
			}
		})
	}
	crowd.Wait()
	if a := strange.Load(); a != nil {
		s.t.Fatalf("a client was answered %d %s, %v", a.status, a.body, a.err)
	}
}

// refused tells whether the answer is a refusal with this code that says so about trying again.
func (a *answer) refused(code, retry string) bool {
	return a.status == http.StatusTooManyRequests && a.code() == code && a.header.Get("X-Should-Retry") == retry && a.limit() != ""
}
