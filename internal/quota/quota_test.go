package quota_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/caller"
	"tollgate/internal/expression"
	"tollgate/internal/fault"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
)

// world is an engine with the rules that apply to everything asked of it.
type world struct {
	t      testing.TB
	engine *quota.Engine
	rules  []*quota.Rule
	now    time.Time
}

func newWorld(t testing.TB, rules ...ratelimit.Rule) *world {
	t.Helper()
	w := &world{t: t, now: time.Now()}
	w.engine = quota.NewEngine(func() time.Time { return w.now }, nil)
	registry := ratelimit.NewRegistry(w.now)
	adoption := registry.Adopt(rules, w.now)
	adoption.Commit(w.now)
	for i := range rules {
		if err := rules[i].Validate(); err != nil {
			t.Fatal(err)
		}
		w.rules = append(w.rules, &quota.Rule{Limiter: adoption.Limiter(&rules[i])})
	}
	return w
}

// ask asks with an estimate.
func (w *world) ask(estimate int64) (*quota.Hold, *fault.Error) {
	return w.engine.Reserve(context.Background(), quota.Ask{Now: w.now, Rules: w.rules, Estimate: estimate})
}

func (w *world) admitted(estimate int64) *quota.Hold {
	w.t.Helper()
	h, err := w.ask(estimate)
	if err != nil {
		w.t.Fatalf("refused: %v", err)
	}
	return h
}

// left tells what is left of the tightest limit, by asking in passing.
func (w *world) left(i int) int64 {
	w.t.Helper()
	claims := []ratelimit.Claim{w.rules[i].Limiter.Claim("", ratelimit.Ask, w.now)}
	refused, why := ratelimit.Take(claims, w.now)
	if refused >= 0 {
		return why.Remaining
	}
	return claims[0].State.Remaining
}

func tokens(limit, perFill int64) ratelimit.Rule {
	return ratelimit.Rule{ID: "tokens-a", Kind: ratelimit.Tokens, Max: limit, PerFill: perFill, Interval: time.Minute}
}

func requests(limit, perFill int64) ratelimit.Rule {
	return ratelimit.Rule{ID: "requests-a", Kind: ratelimit.Requests, Max: limit, PerFill: perFill, Interval: time.Minute}
}

// TestDocumentedTokenBudget is the example of agentgateway's guide to virtual
// keys: ten tokens, one more a minute, requests of nineteen.
func TestDocumentedTokenBudget(t *testing.T) {
	w := newWorld(t, tokens(10, 1))
	h := w.admitted(quota.Unknown)
	if left, ok := h.Tightest(); left.Limit != 10 || left.Remaining != 10 || left.Reset != time.Minute || left.Kind != ratelimit.Tokens || !ok {
		t.Errorf("headers %+v, %v", left, ok)
	}
	if _, ok := h.TightestOf(ratelimit.Requests); ok {
		t.Error("a limit on requests where there is none")
	}
	h.Settle(quota.Spent{Input: 10, Output: 9})
	for range 2 {
		_, err := w.ask(quota.Unknown)
		if err == nil || err.Plain != "rate limit exceeded" || err.Limit.Remaining != 0 || err.RetryAfter != time.Minute {
			t.Fatalf("after 19 of 10: %+v", err)
		}
	}
	w.now = w.now.Add(time.Minute)
	w.admitted(quota.Unknown).Settle(quota.Spent{Input: 10, Output: 9})
	if _, err := w.ask(quota.Unknown); err == nil {
		t.Error("more than one request a minute")
	}
}

func TestEstimateIsTakenAndCorrected(t *testing.T) {
	for name, tt := range map[string]struct {
		spent quota.Spent
		want  int64
	}{
		"as estimated":          {quota.Spent{Input: 12}, 88},
		"more input and output": {quota.Spent{Input: 20, Output: 30}, 50},
		"less":                  {quota.Spent{Input: 2, Output: 3}, 95},
		"nothing":               {quota.Spent{}, 100},
		"more than there is":    {quota.Spent{Input: 500, Output: 500}, 0},
		"absurdly much":         {quota.Spent{Input: math.MaxInt64, Output: math.MaxInt64}, 0},
		"negative":              {quota.Spent{Input: -5, Output: math.MinInt64}, 100},
		"one of them negative":  {quota.Spent{Input: -5, Output: 10}, 90},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tokens(100, 1))
			h := w.admitted(12)
			if left, _ := h.Tightest(); left.Remaining != 88 || w.left(0) != 88 {
				t.Fatalf("after admission: told %d, left %d", left.Remaining, w.left(0))
			}
			h.Settle(tt.spent)
			if w.left(0) != tt.want {
				t.Errorf("left %d, want %d", w.left(0), tt.want)
			}
		})
	}
}

func TestEstimateThatNeverFits(t *testing.T) {
	w := newWorld(t, tokens(10, 1))
	for _, estimate := range []int64{0, 11} {
		_, err := w.ask(estimate)
		if err == nil || err.Retry != fault.RetryNo || err.RetryAfter != 0 || err.Limit.ResetsIn != 0 || err.Limit.Remaining != 10 {
			t.Errorf("estimate %d: %+v", estimate, err)
		}
	}
	w.admitted(10)
}

func TestRefusalTellsEverything(t *testing.T) {
	w := newWorld(t, requests(2, 1))
	w.admitted(quota.Unknown)
	w.admitted(quota.Unknown)
	w.now = w.now.Add(12*time.Second + 300*time.Millisecond)
	_, err := w.ask(quota.Unknown)
	if err == nil {
		t.Fatal("admitted")
	}
	const wait = 47*time.Second + 700*time.Millisecond
	if err.Kind != fault.Limited || err.Code != "rate_limit_exceeded" || err.Reason != "RateLimit" || err.Plain != "rate limit exceeded" ||
		err.Retry != fault.RetryYes || err.RetryAfter != wait {
		t.Errorf("%+v", err)
	}
	if want := (fault.Limit{ID: "requests-a", Kind: "requests", Window: "60s", Max: 2, ResetsIn: wait, ResetsAt: w.now.Add(48 * time.Second), Interval: time.Minute}); *err.Limit != want {
		t.Errorf("limit %+v, want %+v", *err.Limit, want)
	}
	if !strings.Contains(err.Message, "2 requests per 60s") || !strings.Contains(err.Message, "48s") {
		t.Errorf("message %q", err.Message)
	}
}

func TestRefusalTakesNothing(t *testing.T) {
	for _, order := range [][]ratelimit.Rule{
		{requests(5, 1), tokens(10, 1)},
		{tokens(10, 1), requests(5, 1)},
	} {
		w := newWorld(t, order...)
		if _, err := w.ask(11); err == nil || err.Limit.ID != "tokens-a" {
			t.Fatalf("11 of 10 tokens: %+v", err)
		}
		for i, rule := range order {
			if w.left(i) != rule.Max {
				t.Errorf("%s has %d left after a refusal", rule.ID, w.left(i))
			}
		}
	}
}

func TestFirstLimitWithoutRoomIsNamed(t *testing.T) {
	w := newWorld(t, tokens(10, 1), requests(0, 0))
	if _, err := w.ask(11); err == nil || err.Limit.ID != "tokens-a" {
		t.Errorf("named %+v", err)
	}
	if _, err := w.ask(10); err == nil || err.Limit.ID != "requests-a" || err.Retry != fault.RetryNo {
		t.Errorf("named %+v", err)
	}
}

func TestRequestsAreNotGivenBack(t *testing.T) {
	w := newWorld(t, requests(3, 1))
	w.admitted(quota.Unknown).Settle(quota.Spent{})
	w.admitted(quota.Unknown).Settle(quota.Spent{Input: 100, Output: 100})
	w.admitted(quota.Unknown).Close()
	if w.left(0) != 0 {
		t.Errorf("%d left of 3 after 3", w.left(0))
	}
}

func TestHoldIsResolvedOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*quota.Hold)
		want int64
	}{
		"settled twice":       {func(h *quota.Hold) { h.Settle(quota.Spent{Input: 30}); h.Settle(quota.Spent{Input: 30}) }, 70},
		"settled differently": {func(h *quota.Hold) { h.Settle(quota.Spent{Input: 30}); h.Settle(quota.Spent{}) }, 70},
		"settled and closed":  {func(h *quota.Hold) { h.Settle(quota.Spent{Input: 30}); h.Close(); h.Close() }, 70},
		"closed":              {func(h *quota.Hold) { h.Close() }, 80},
		"closed and settled":  {func(h *quota.Hold) { h.Close(); h.Settle(quota.Spent{Input: 30}) }, 80},
		"settled by many": {func(h *quota.Hold) {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() { h.Settle(quota.Spent{Input: 30}) })
			}
			all.Wait()
		}, 70},
	} {
		w := newWorld(t, tokens(100, 1))
		tt.end(w.admitted(20))
		if w.left(0) != tt.want {
			t.Errorf("%s: %d left, want %d", name, w.left(0), tt.want)
		}
	}
}

func TestWithoutRules(t *testing.T) {
	w := newWorld(t)
	h := w.admitted(5)
	if _, ok := h.Tightest(); ok {
		t.Error("a limit without rules")
	}
	h.Settle(quota.Spent{Input: 1})
	h.Close()
	w.admitted(0).Close()
}

func TestTokenlessRequestsCountAsRequestsOnly(t *testing.T) {
	w := newWorld(t, tokens(0, 0), requests(1, 1))
	ask := quota.Ask{Now: w.now, Rules: w.rules, Estimate: quota.Unknown, Tokenless: true}
	h, err := w.engine.Reserve(context.Background(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if left, ok := h.Tightest(); left.Limit != 1 || !ok {
		t.Errorf("tightest limit %+v, %v", left, ok)
	}
	h.Settle(quota.Spent{Input: 5})
	if _, err := w.engine.Reserve(context.Background(), ask); err == nil || err.Limit.ID != "requests-a" {
		t.Errorf("refused by %+v", err)
	}
	w.rules = w.rules[:1]
	ask.Rules = w.rules
	if h, err := w.engine.Reserve(context.Background(), ask); err != nil {
		t.Error(err)
	} else if _, ok := h.Tightest(); ok {
		t.Error("a limit that does not apply is told")
	}
}

func TestTightest(t *testing.T) {
	second := tokens(50, 1)
	second.ID, second.Interval = "tokens-b", 1500*time.Millisecond
	w := newWorld(t, tokens(100, 1), second, requests(80, 1))
	if left, _ := w.admitted(10).Tightest(); left.Limit != 50 || left.Remaining != 40 || left.Reset != 2*time.Second {
		t.Errorf("%+v", left)
	}
	if left, _ := w.admitted(10).TightestOf(ratelimit.Requests); left.Limit != 80 || left.Remaining != 78 {
		t.Errorf("of requests: %+v", left)
	}
}

func TestMoreLimitsThanUsual(t *testing.T) {
	var rules []ratelimit.Rule
	for i := range 12 {
		r := tokens(100, 1)
		r.ID = fmt.Sprint(i)
		rules = append(rules, r)
	}
	w := newWorld(t, rules...)
	w.admitted(10).Settle(quota.Spent{Input: 20})
	for i := range rules {
		if w.left(i) != 80 {
			t.Errorf("limit %d has %d left", i, w.left(i))
		}
	}
}

func TestKeyedLimits(t *testing.T) {
	rule := requests(1, 1)
	rule.Keyed = true
	w := newWorld(t, rule)
	key, err := expression.Compile(`apiKey.user`)
	if err != nil {
		t.Fatal(err)
	}
	w.rules[0].Key = key
	from := func(c *caller.Caller) bool {
		_, err := w.engine.Reserve(context.Background(), quota.Ask{Now: w.now, Rules: w.rules, Input: &expression.Input{Caller: c}})
		return err == nil
	}
	user := func(name string) *caller.Caller {
		return &caller.Caller{KeyID: "key_x", Metadata: map[string]any{"user": name}}
	}
	for _, tt := range []struct {
		who    string
		caller *caller.Caller
		want   bool
	}{
		{"alice", user("alice"), true}, {"alice again", user("alice"), false}, {"bob", user("bob"), true},
		{"nobody", nil, true}, {"somebody without a user", &caller.Caller{KeyID: "key_y"}, false}, {"an empty user", user(""), false},
	} {
		if got := from(tt.caller); got != tt.want {
			t.Errorf("%s: admitted %v", tt.who, got)
		}
	}
}

// TestRealClock runs the documented example on the clock of a program.
func TestRealClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rule := tokens(10, 1)
		adoption := ratelimit.NewRegistry(time.Now()).Adopt([]ratelimit.Rule{rule}, time.Now())
		adoption.Commit(time.Now())
		engine := quota.NewEngine(time.Now, nil)
		rules := []*quota.Rule{{Limiter: adoption.Limiter(&rule)}}
		ask := func() (*quota.Hold, *fault.Error) {
			return engine.Reserve(context.Background(), quota.Ask{Now: time.Now(), Rules: rules, Estimate: quota.Unknown})
		}
		h, err := ask()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Second) // a long answer: what comes in meanwhile is charged too
		h.Settle(quota.Spent{Input: 10, Output: 9})
		_, err = ask()
		if err == nil || err.RetryAfter != 30*time.Second {
			t.Fatalf("after the answer: %+v", err)
		}
		time.Sleep(err.RetryAfter)
		if _, err := ask(); err != nil {
			t.Errorf("after the time told: %+v", err)
		}
	})
}

func TestAllocations(t *testing.T) {
	for n, want := range map[int]float64{0: 0, 1: 1, 4: 1} {
		var rules []ratelimit.Rule
		for i := range n {
			r := tokens(math.MaxInt64, 1)
			r.ID = fmt.Sprint(i)
			rules = append(rules, r)
		}
		w := newWorld(t, rules...)
		got := testing.AllocsPerRun(100, func() {
			h, _ := w.ask(10)
			h.Settle(quota.Spent{Input: 12, Output: 3})
			h.Close()
		})
		if got > want {
			t.Errorf("%d limits: %v allocations, want %v", n, got, want)
		}
	}
}

func BenchmarkReserveAndSettle(b *testing.B) {
	for _, n := range []int{0, 1, 4} {
		b.Run(fmt.Sprintf("limits=%d", n), func(b *testing.B) {
			var rules []ratelimit.Rule
			for i := range n {
				r := tokens(math.MaxInt64, 1)
				r.ID = fmt.Sprint(i)
				rules = append(rules, r)
			}
			w := newWorld(b, rules...)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					h, err := w.ask(10)
					if err != nil {
						b.Error(err)
						return
					}
					h.Settle(quota.Spent{Input: 12, Output: 3})
					h.Close()
				}
			})
		})
	}
}

func BenchmarkRefusal(b *testing.B) {
	w := newWorld(b, requests(1, 1))
	w.admitted(quota.Unknown)
	b.ReportAllocs()
	for b.Loop() {
		w.ask(quota.Unknown)
	}
}
