package money

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// TestHammer lets many clients spend one key together until nobody gets anything
// any more. What the provider billed is never above the limit, nothing stays
// reserved, and one more caller can spend what is left.
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
			s.call("POST", "/api/v1/limits", fmt.Sprintf(
				`{"name": "everybody", "match": {}, "per": "pool", "kind": "cost", "amount": "%d.00"}`, 2*tt.dollars), nil)
			k, secret := s.create("hammered", fmt.Sprintf(
				`[{"kind": "cost", "amount": "%d.00"}, {"kind": "cost", "amount": "%d.00", "window": {"calendar": "month"}}]`, tt.dollars, tt.dollars+1))
			s.hammer(secret, tt.clients, tt.stream)

			bill := s.provider.billed.Load() * perToken
			amount := int64(tt.dollars) * dollar
			if bill > amount {
				t.Errorf("the provider billed %d nano-dollars of %d", bill, amount)
			}
			for _, l := range s.show(k.ID).Limits {
				if spent := nano(t, l.Spent); spent != bill {
					t.Errorf("limit %s of %s says spent %s, the provider billed %d", l.ID, l.Amount, l.Spent, bill)
				}
				if nano(t, l.Reserved) != 0 {
					t.Errorf("limit %s still has %s reserved", l.ID, l.Reserved)
				}
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
			if got := s.provider.billed.Load() * perToken; got > amount {
				t.Errorf("the provider billed %d nano-dollars of %d in the end", got, amount)
			}
			s.stop()
		})
	}
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
				case a.status == http.StatusTooManyRequests && a.code() == "budget_reserved":
				case a.status == http.StatusTooManyRequests && a.code() == "budget_exceeded":
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
