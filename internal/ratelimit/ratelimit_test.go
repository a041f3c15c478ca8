package ratelimit_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/ratelimit"
)

var start = time.Now()

func at(d time.Duration) time.Time { return start.Add(d) }

// adopt puts rules in force and gives their limiters.
func adopt(r *ratelimit.Registry, now time.Time, rules ...ratelimit.Rule) []*ratelimit.Limiter {
	a := r.Adopt(rules, now)
	a.Commit(now)
	var out []*ratelimit.Limiter
	for i := range rules {
		out = append(out, a.Limiter(&rules[i]))
	}
	return out
}

func limiter(rule ratelimit.Rule) *ratelimit.Limiter {
	return adopt(ratelimit.NewRegistry(start), start, rule)[0]
}

func requests(limit, perFill int64, interval time.Duration) ratelimit.Rule {
	return ratelimit.Rule{ID: "r", Kind: ratelimit.Requests, Max: limit, PerFill: perFill, Interval: interval}
}

// take takes n from a limiter's shared bucket.
func take(l *ratelimit.Limiter, n int64, now time.Time) (ratelimit.State, *ratelimit.Refusal) {
	claims := []ratelimit.Claim{l.Claim("", n, now)}
	if refused, why := ratelimit.Take(claims, now); refused >= 0 {
		return why.State, &why
	}
	return claims[0].State, nil
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		rule ratelimit.Rule
		want string
	}{
		{requests(10, 10, time.Second), ""},
		{requests(0, 0, time.Second), ""},
		{requests(1, 5, time.Second), "max tokens cannot be less than the refill amount"},
		{requests(1, 1, 0), "interval"},
		{requests(1, 1, -time.Second), "interval"},
		{requests(-1, -1, time.Second), "negative"},
		{requests(1, -1, time.Second), "negative"},
	} {
		err := tt.rule.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.rule, err, tt.want)
		}
	}
}

func TestWindow(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Minute: "60s", time.Second: "1s", time.Hour: "1h", 24 * time.Hour: "24h", 90 * time.Second: "90s", 1500 * time.Millisecond: "1.5s", 100 * time.Millisecond: "100ms",
	} {
		r := requests(1, 1, d)
		if got := r.Window(); got != want {
			t.Errorf("Window of %v = %q, want %q", d, got, want)
		}
	}
}

func TestFillsComeAtWholeIntervals(t *testing.T) {
	l := limiter(requests(3, 2, time.Minute))
	for i, want := range []int64{2, 1, 0} {
		s, refused := take(l, 1, at(10*time.Second))
		if refused != nil || s != (ratelimit.State{Limit: 3, Remaining: want, Reset: 50 * time.Second}) {
			t.Fatalf("request %d: %+v, %+v", i, s, refused)
		}
	}
	_, refused := take(l, 1, at(time.Minute-1))
	if refused == nil || refused.RetryAfter != 1 || refused.Reset != 1 || refused.Limit != 3 || refused.Remaining != 0 || refused.Never() {
		t.Fatalf("just before the fill: %+v", refused)
	}
	if s, refused := take(l, 1, at(time.Minute)); refused != nil || s.Remaining != 1 || s.Reset != time.Minute {
		t.Fatalf("at the fill: %+v, %+v", s, refused)
	}
	// Two fills were missed; they would make 5, but there is room for 3 only.
	if s, refused := take(l, 1, at(3*time.Minute+time.Second)); refused != nil || s.Remaining != 2 || s.Reset != 59*time.Second {
		t.Fatalf("after missed fills: %+v, %+v", s, refused)
	}
}

func TestMissedFillsAddUp(t *testing.T) {
	l := limiter(requests(10, 2, time.Minute))
	take(l, 10, at(0))
	if s, refused := take(l, 1, at(3*time.Minute)); refused != nil || s.Remaining != 5 {
		t.Fatalf("three fills of 2 less 1: %+v, %+v", s, refused)
	}
}

func TestClockThatDoesNotAdvance(t *testing.T) {
	l := limiter(requests(2, 1, time.Minute))
	take(l, 2, at(5*time.Minute))
	if _, refused := take(l, 1, at(time.Minute)); refused == nil {
		t.Error("a clock behind the last fill refills")
	}
	if _, refused := take(l, 1, at(6*time.Minute-1)); refused == nil {
		t.Error("the clock that went back moved the next fill")
	}
}

// TestWhenARetryFits holds that a retry fits at exactly the instant that was told.
func TestWhenARetryFits(t *testing.T) {
	for _, n := range []int64{1, 3, 4, 7, 10} {
		l := limiter(requests(10, 3, time.Minute))
		take(l, 10, at(0))
		_, refused := take(l, n, at(time.Second))
		if refused == nil || refused.Never() {
			t.Fatalf("taking %d: %+v", n, refused)
		}
		if _, again := take(l, n, at(time.Second+refused.RetryAfter-1)); again == nil {
			t.Errorf("taking %d fits before %v", n, refused.RetryAfter)
		}
		if _, again := take(l, n, at(time.Second+refused.RetryAfter)); again != nil {
			t.Errorf("taking %d does not fit after %v", n, refused.RetryAfter)
		}
	}
}

func TestNever(t *testing.T) {
	for name, tt := range map[string]struct {
		rule ratelimit.Rule
		n    int64
	}{
		"more than the capacity": {requests(10, 10, time.Second), 11},
		"nothing":                {requests(10, 10, time.Second), 0},
		"no capacity":            {requests(0, 0, time.Second), ratelimit.Ask},
		"no fills":               {requests(1, 0, time.Second), 1},
		"in many lifetimes":      {requests(math.MaxInt64, 1, time.Hour), math.MaxInt64},
	} {
		l := limiter(tt.rule)
		take(l, tt.rule.Max, at(0))
		_, refused := take(l, tt.n, at(0))
		if refused == nil || !refused.Never() || refused.RetryAfter != 0 {
			t.Errorf("%s: %+v", name, refused)
		}
		if name != "in many lifetimes" && refused.Reset != 0 {
			t.Errorf("%s: reset %v, want 0", name, refused.Reset)
		}
	}
}

func TestAskTakesNothing(t *testing.T) {
	l := limiter(requests(1, 1, time.Minute))
	for range 3 {
		if s, refused := take(l, ratelimit.Ask, at(0)); refused != nil || s.Remaining != 1 {
			t.Fatalf("%+v, %+v", s, refused)
		}
	}
	take(l, 1, at(0))
	if _, refused := take(l, ratelimit.Ask, at(0)); refused == nil || refused.RetryAfter != time.Minute {
		t.Errorf("an empty bucket admits: %+v", refused)
	}
}

func TestChargeStaysWithinTheBucket(t *testing.T) {
	for _, tt := range []struct{ charge, want int64 }{
		{3, 4}, {7, 0}, {8, 0}, {math.MaxInt64, 0}, {-2, 9}, {-3, 10}, {-4, 10}, {math.MinInt64, 10}, {0, 7},
	} {
		l := limiter(requests(10, 1, time.Minute))
		take(l, 3, at(0))
		l.Bucket("", at(0)).Charge(tt.charge, at(0))
		s, _ := take(l, ratelimit.Ask, at(0))
		if s.Remaining != tt.want {
			t.Errorf("7 charged %d leaves %d, want %d", tt.charge, s.Remaining, tt.want)
		}
	}
}

// TestChargeFillsFirst holds the order: what had come in by the time of the
// charge is charged too.
func TestChargeFillsFirst(t *testing.T) {
	l := limiter(requests(10, 5, time.Minute))
	take(l, 8, at(0))
	l.Bucket("", at(0)).Charge(100, at(time.Minute))
	if s, refused := take(l, ratelimit.Ask, at(time.Minute)); refused == nil {
		t.Errorf("a fill before the charge survived it: %+v", s)
	}
}

func TestTakeIsAllOrNothing(t *testing.T) {
	r := ratelimit.NewRegistry(start)
	ls := adopt(r, start,
		ratelimit.Rule{ID: "a", Max: 5, PerFill: 1, Interval: time.Minute},
		ratelimit.Rule{ID: "b", Max: 2, PerFill: 1, Interval: time.Minute},
		ratelimit.Rule{ID: "c", Max: 9, PerFill: 1, Interval: time.Minute})
	left := func(i int) int64 { s, _ := take(ls[i], ratelimit.Ask, start); return s.Remaining }
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		claims := []ratelimit.Claim{}
		for _, i := range order {
			claims = append(claims, ls[i].Claim("", 3, start))
		}
		refused, why := ratelimit.Take(claims, start)
		if refused < 0 || order[refused] != 1 || why.Limit != 2 || why.Remaining != 2 {
			t.Errorf("order %v: refused by %d: %+v", order, refused, why)
		}
		if left(0) != 5 || left(1) != 2 || left(2) != 9 {
			t.Errorf("order %v: a refusal took something: %d, %d, %d", order, left(0), left(1), left(2))
		}
	}
	claims := []ratelimit.Claim{ls[0].Claim("", 2, start), ls[1].Claim("", 2, start), ls[2].Claim("", ratelimit.Ask, start)}
	if refused, _ := ratelimit.Take(claims, start); refused != -1 || left(0) != 3 || claims[0].State.Remaining != 3 || claims[1].State.Remaining != 0 || left(2) != 9 {
		t.Errorf("refused %d; %+v", refused, claims)
	}
	if refused, _ := ratelimit.Take(nil, start); refused != -1 {
		t.Error("nothing is refused")
	}
}

func TestSameBucketTwice(t *testing.T) {
	l := limiter(requests(5, 1, time.Minute))
	twice := func(n int64) int {
		refused, _ := ratelimit.Take([]ratelimit.Claim{l.Claim("", n, start), l.Claim("", n, start)}, start)
		return refused
	}
	if refused := twice(3); refused != 1 {
		t.Errorf("two times 3 of 5: refused %d, want 1", refused)
	}
	if s, _ := take(l, ratelimit.Ask, start); s.Remaining != 5 {
		t.Errorf("the refusal left %d", s.Remaining)
	}
	if refused := twice(2); refused != -1 {
		t.Errorf("two times 2 of 5: refused %d", refused)
	}
}

func TestKeyedBuckets(t *testing.T) {
	rule := requests(1, 1, time.Minute)
	rule.Keyed = true
	l := limiter(rule)
	long := strings.Repeat("x", 1000)
	for _, key := range []string{"a", "b", "", long, long + "y"} {
		if refused, _ := ratelimit.Take([]ratelimit.Claim{l.Claim(key, 1, start)}, start); refused != -1 {
			t.Errorf("%.5q shares a bucket", key)
		}
		if refused, _ := ratelimit.Take([]ratelimit.Claim{l.Claim(key, 1, start)}, start); refused != 0 {
			t.Errorf("%.5q has no bucket of its own", key)
		}
	}
	// A new value begins full when it first comes, with its own phase.
	c := []ratelimit.Claim{l.Claim("late", 1, at(30*time.Second))}
	if refused, _ := ratelimit.Take(c, at(30*time.Second)); refused != -1 || c[0].State.Reset != time.Minute {
		t.Errorf("a late value: %+v", c[0].State)
	}
}

func TestLeastRecentKeyIsForgotten(t *testing.T) {
	rule := requests(1, 1, time.Hour)
	rule.Keyed = true
	l := limiter(rule)
	spend := func(key string) bool {
		refused, _ := ratelimit.Take([]ratelimit.Claim{l.Claim(key, 1, start)}, start)
		return refused == -1
	}
	const room = 65_536
	for i := range room {
		if !spend(fmt.Sprint(i)) {
			t.Fatal("a new value is refused")
		}
	}
	if spend("0") || spend("2") { // both are recent now
		t.Error("a value was forgotten before there were too many")
	}
	spend("one more")
	if spend("0") || spend("2") || spend("3") {
		t.Error("a value that was used later was forgotten")
	}
	if !spend("1") {
		t.Error("the value that was used longest ago is remembered")
	}
}

func TestReload(t *testing.T) {
	old := ratelimit.Rule{ID: "x", Max: 10, PerFill: 2, Interval: time.Minute}
	for name, tt := range map[string]struct {
		change func(*ratelimit.Rule)
		want   ratelimit.State
	}{
		"nothing changed":  {func(*ratelimit.Rule) {}, ratelimit.State{Limit: 10, Remaining: 3, Reset: 50 * time.Second}},
		"more":             {func(r *ratelimit.Rule) { r.Max = 20 }, ratelimit.State{Limit: 20, Remaining: 13, Reset: 50 * time.Second}},
		"less":             {func(r *ratelimit.Rule) { r.Max = 8 }, ratelimit.State{Limit: 8, Remaining: 1, Reset: 50 * time.Second}},
		"less than used":   {func(r *ratelimit.Rule) { r.Max = 5 }, ratelimit.State{Limit: 5, Remaining: 0, Reset: 50 * time.Second}},
		"another interval": {func(r *ratelimit.Rule) { r.Interval = 30 * time.Second }, ratelimit.State{Limit: 10, Remaining: 3, Reset: 20 * time.Second}},
		"another kind":     {func(r *ratelimit.Rule) { r.Kind = ratelimit.Tokens }, ratelimit.State{Limit: 10, Remaining: 10, Reset: time.Minute}},
		"another name":     {func(r *ratelimit.Rule) { r.ID = "y" }, ratelimit.State{Limit: 10, Remaining: 10, Reset: time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			r := ratelimit.NewRegistry(start)
			l := adopt(r, start, old)[0]
			take(l, 7, at(time.Second))
			rule := old
			tt.change(&rule)
			now := at(10 * time.Second)
			if a := r.Adopt([]ratelimit.Rule{rule}, now); a.Limiter(&rule) == nil {
				t.Fatal("an adopted rule has no limiter")
			}
			if s, _ := take(l, ratelimit.Ask, now); s != (ratelimit.State{Limit: 10, Remaining: 3, Reset: 50 * time.Second}) {
				t.Fatalf("an adoption that is not committed changed %+v", s)
			}
			l = adopt(r, now, rule)[0]
			s, _ := take(l, ratelimit.Ask, now)
			if s != tt.want {
				t.Errorf("%+v, want %+v", s, tt.want)
			}
			if *l.Rule() != rule {
				t.Errorf("the rule in force is %+v", l.Rule())
			}
		})
	}
}

func TestReloadOfKeyedRule(t *testing.T) {
	rule := ratelimit.Rule{ID: "x", Max: 2, PerFill: 1, Interval: time.Hour, Keyed: true}
	r := ratelimit.NewRegistry(start)
	l := adopt(r, start, rule)[0]
	ratelimit.Take([]ratelimit.Claim{l.Claim("a", 2, start)}, start)
	rule.Max = 3
	l = adopt(r, start, rule)[0]
	for key, want := range map[string]int64{"a": 1, "b": 3, "": 3} {
		c := []ratelimit.Claim{l.Claim(key, ratelimit.Ask, start)}
		ratelimit.Take(c, start)
		if c[0].State.Remaining != want || c[0].State.Limit != 3 {
			t.Errorf("%q: %+v, want %d left", key, c[0].State, want)
		}
	}
}

func TestRemovedRuleIsForgotten(t *testing.T) {
	rule := ratelimit.Rule{ID: "x", Max: 2, PerFill: 1, Interval: time.Hour}
	r := ratelimit.NewRegistry(start)
	l := adopt(r, start, rule)[0]
	c := []ratelimit.Claim{l.Claim("", 2, start)}
	ratelimit.Take(c, start)
	adopt(r, start)
	c[0].Correct(1, start) // settles with a bucket that nobody else sees
	if s, _ := take(adopt(r, start, rule)[0], ratelimit.Ask, start); s.Remaining != 2 {
		t.Errorf("a rule that comes back begins with %d", s.Remaining)
	}
	if a := r.Adopt(nil, start); a.Limiter(&rule) != nil {
		t.Error("a rule that was not adopted has a limiter")
	}
}

// TestConcurrentTakes holds that a full bucket admits exactly its capacity, in
// whatever order several are claimed, while rules change.
func TestConcurrentTakes(t *testing.T) {
	const capacity, workers = 500, 8
	rules := []ratelimit.Rule{
		{ID: "a", Max: capacity, PerFill: 1, Interval: time.Hour},
		{ID: "b", Max: 10 * capacity, PerFill: 1, Interval: time.Hour},
		{ID: "c", Max: capacity, PerFill: 1, Interval: time.Hour, Keyed: true},
	}
	r := ratelimit.NewRegistry(start)
	ls := adopt(r, start, rules...)
	var admitted atomic.Int64
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range 2 * capacity {
				claims := []ratelimit.Claim{ls[0].Claim("", 1, start), ls[1].Claim("", 1, start), ls[2].Claim("k", 1, start)}
				if (i+w)%2 == 0 {
					claims[0], claims[2] = claims[2], claims[0]
				}
				if refused, _ := ratelimit.Take(claims, start); refused < 0 {
					admitted.Add(1)
				}
			}
		})
	}
	all.Go(func() {
		for i := range 100 {
			rules[1].Max = 10*capacity + int64(i%2)
			adopt(r, start, rules...)
		}
	})
	all.Wait()
	if got := admitted.Load(); got != capacity {
		t.Errorf("admitted %d of %d", got, capacity)
	}
	if s, _ := take(ls[1], ratelimit.Ask, start); s.Limit-s.Remaining != capacity {
		t.Errorf("b has lost %d, want %d", s.Limit-s.Remaining, capacity)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, n := range []int{1, 4} {
		r := ratelimit.NewRegistry(start)
		var rules []ratelimit.Rule
		for i := range n {
			rules = append(rules, ratelimit.Rule{ID: fmt.Sprint(i), Max: math.MaxInt64, PerFill: 1000, Interval: time.Second})
		}
		ls := adopt(r, start, rules...)
		b.Run(fmt.Sprintf("buckets=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				claims := make([]ratelimit.Claim, n)
				now := time.Now()
				for pb.Next() {
					for i, l := range ls {
						claims[i] = l.Claim("", 1, now)
					}
					ratelimit.Take(claims, now)
					for i := range claims {
						claims[i].Correct(20, now)
					}
				}
			})
		})
	}
}

func BenchmarkKeyed(b *testing.B) {
	rule := requests(math.MaxInt64, 1000, time.Second)
	rule.Keyed = true
	l := limiter(rule)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("caller-%d", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		l.Bucket(keys[i%len(keys)], start)
	}
}
