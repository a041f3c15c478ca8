package quota_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
)

// shut are books that can be written or not, and that count in memory.
type shut struct {
	engine *budget.Engine
	err    error
	asked  []budget.Ask
}

func (s *shut) Reserve(_ context.Context, ask budget.Ask) (*ledger.Reservation, *budget.Refusal, error) {
	s.asked = append(s.asked, ask)
	if s.err != nil {
		return nil, nil, s.err
	}
	_, refusal := s.engine.Reserve(budget.Instant{Wall: time.Now().UnixNano()}, &ask, nil)
	return nil, refusal, nil
}

func (s *shut) Room(*budget.Ask) budget.Amount               { return budget.Amount{Cost: 1} }
func (s *shut) State(l *budget.Limit, _ string) budget.State { return budget.State{Limit: l} }

// fullDisk is what a store says that has no room left.
type fullDisk struct{ error }

func (fullDisk) StorageFull() {}

func keyAsk(limits ...*budget.Limit) budget.Ask {
	return budget.Ask{Subject: "key", Limits: limits, Bound: budget.Amount{Cost: 10, Tokens: 10}}
}

// TestRefusedByTheKeyTakesNothingFromTheRoute: all limits are asked as one.
func TestRefusedByTheKeyTakesNothingFromTheRoute(t *testing.T) {
	registry := ratelimit.NewRegistry(time.Now())
	rule := ratelimit.Rule{ID: "r", Max: 1, PerFill: 1, Interval: time.Hour}
	adoption := registry.Adopt([]ratelimit.Rule{rule}, time.Now())
	adoption.Commit(time.Now())
	books := &shut{engine: budget.NewEngine()}
	engine := quota.NewEngine(time.Now, books)
	ask := quota.Ask{Now: time.Now(), Rules: []*quota.Rule{{Limiter: adoption.Limiter(&rule)}}, Key: keyAsk(&budget.Limit{ID: "lim", Kind: budget.Cost, Amount: 5})}
	for range 3 {
		_, refusal := engine.Reserve(t.Context(), ask)
		if refusal == nil || refusal.Limit.ID != "lim" || refusal.Limit.Reason != fault.Oversized {
			t.Fatalf("%+v", refusal)
		}
	}
	ask.Key.Limits[0].Amount = 50
	hold, refusal := engine.Reserve(t.Context(), ask)
	if refusal != nil {
		t.Fatal("the refusals before took from the limit of the route: ", refusal)
	}
	hold.Close()
	if _, refusal := engine.Reserve(t.Context(), ask); refusal == nil || refusal.Limit.ID != "r" {
		t.Errorf("%+v", refusal)
	}
}

// TestRequestsAreCountedOnce however many attempts there are.
func TestRequestsAreCountedOnce(t *testing.T) {
	books := &shut{engine: budget.NewEngine()}
	engine := quota.NewEngine(time.Now, books)
	window, _ := budget.InSliding(time.Minute)
	rpm := &budget.Limit{ID: "rpm", Kind: budget.Requests, Amount: 1, Window: window}
	cost := &budget.Limit{ID: "cost", Kind: budget.Cost, Amount: 1000}
	hold, refusal := engine.Reserve(t.Context(), quota.Ask{Now: time.Now(), Key: keyAsk(rpm, cost)})
	if refusal != nil {
		t.Fatal(refusal)
	}
	next := keyAsk(rpm, cost)
	if refusal := hold.Next(t.Context(), &next); refusal != nil {
		t.Fatal(refusal)
	}
	if last := books.asked[1]; len(last.Limits) != 1 || last.Limits[0] != cost || len(next.Limits) != 2 {
		t.Errorf("asked %+v", last.Limits)
	}
	if _, refusal := engine.Reserve(t.Context(), quota.Ask{Now: time.Now(), Key: keyAsk(rpm, cost)}); refusal == nil || refusal.Code != "rate_limit_exceeded" || refusal.RetryAfter <= 0 {
		t.Errorf("%+v", refusal)
	}
}

// TestWithoutBooks: a limit that nobody can ask is not one that has room.
func TestWithoutBooks(t *testing.T) {
	for want, books := range map[string]quota.Books{
		"gateway_unavailable ": nil,
		"gateway_unavailable":  &shut{err: ledger.ErrUnavailable},
		"storage_full":         &shut{err: fullDisk{ledger.ErrUnavailable}},
	} {
		_, refusal := quota.NewEngine(time.Now, books).Reserve(t.Context(), quota.Ask{Now: time.Now(), Key: keyAsk(&budget.Limit{ID: "lim", Kind: budget.Cost, Amount: 5})})
		if refusal == nil || refusal.Kind != fault.Unavailable || refusal.Code != strings.TrimSpace(want) || refusal.Retry != fault.RetryYes || refusal.RetryAfter <= 0 || errors.Unwrap(refusal) == nil {
			t.Errorf("%s: %+v", want, refusal)
		}
	}
	engine := quota.NewEngine(time.Now, nil)
	if room := engine.Room(&budget.Ask{}); room.Cost != budget.Max {
		t.Errorf("%+v", room)
	}
	if _, kept := engine.State(&budget.Limit{}, ""); kept {
		t.Error("without books nobody knows how a limit stands")
	}
}
