package budget_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/money"
)

// start is noon of a Saturday.
var start = budget.Instant{Wall: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixNano(), Mono: int64(time.Hour)}

func after(d time.Duration) budget.Instant {
	return budget.Instant{Wall: start.Wall + int64(d), Mono: start.Mono + int64(d)}
}

// desk asks an engine on behalf of one key.
type desk struct {
	t      testing.TB
	engine *budget.Engine
	limits []*budget.Limit
	number uint64
}

func newDesk(t testing.TB, limits ...*budget.Limit) *desk {
	t.Helper()
	for _, l := range limits {
		if err := l.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	return &desk{t: t, engine: budget.NewEngine(), limits: limits}
}

func (d *desk) ask(now budget.Instant, cost, tokens int64) (*budget.Hold, *budget.Refusal) {
	d.number++
	return d.engine.Reserve(now, &budget.Ask{
		ID: budget.ID{Run: 1, Number: d.number}, Subject: "key_a", Limits: d.limits,
		Bound: budget.Amount{Cost: money.Nano(cost), Tokens: tokens}, Deadline: now.Wall + int64(time.Minute),
	}, nil)
}

func (d *desk) admitted(now budget.Instant, cost, tokens int64) *budget.Hold {
	d.t.Helper()
	h, refusal := d.ask(now, cost, tokens)
	if refusal != nil {
		d.t.Fatalf("refused: %+v", *refusal)
	}
	return h
}

func (d *desk) refused(now budget.Instant, cost, tokens int64) *budget.Refusal {
	d.t.Helper()
	_, refusal := d.ask(now, cost, tokens)
	if refusal == nil {
		d.t.Fatal("admitted")
	}
	return refusal
}

func (d *desk) state(now budget.Instant, i int, settled, reserved int64) {
	d.t.Helper()
	if s := d.engine.State(now, d.limits[i], "key_a"); s.Settled != settled || s.Reserved != reserved {
		d.t.Fatalf("limit %s has settled %d and reserved %d, want %d and %d", d.limits[i].ID, s.Settled, s.Reserved, settled, reserved)
	}
}

func limit(t testing.TB, id string, k budget.Kind, amount int64, w string) *budget.Limit {
	return &budget.Limit{ID: id, Kind: k, Amount: amount, Window: window(t, w)}
}

func cost(n int64) budget.Amount { return budget.Amount{Cost: money.Nano(n)} }

func TestReserveAndResolve(t *testing.T) {
	for _, c := range []struct {
		name      string
		end       func(h *budget.Hold) (budget.Resolution, bool)
		outcome   budget.Outcome
		charged   int64
		requests  int64
		overdrawn int64
	}{
		{"settle", func(h *budget.Hold) (budget.Resolution, bool) { return h.Settle(cost(30), true) }, budget.Settled, 30, 1, 0},
		{"settle above the bound", func(h *budget.Hold) (budget.Resolution, bool) { return h.Settle(cost(130), true) }, budget.Settled, 130, 1, 90},
		{"settle nonsense", func(h *budget.Hold) (budget.Resolution, bool) { return h.Settle(cost(-1), true) }, budget.Settled, 40, 1, 0},
		{"settle what no counter holds", func(h *budget.Hold) (budget.Resolution, bool) { return h.Settle(cost(budget.Max+1), true) }, budget.Settled, 40, 1, 0},
		{"void", (*budget.Hold).Void, budget.Voided, 0, 1, 0},
		{"expire", (*budget.Hold).Expire, budget.Expired, 40, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, limit(t, "lim_cost", budget.Cost, 100, "day UTC"), limit(t, "lim_requests", budget.Requests, 5, "day UTC"),
				limit(t, "lim_flight", budget.Concurrency, 2, "life"))
			h := d.admitted(start, 40, 0)
			d.state(start, 0, 0, 40)
			d.state(start, 1, 1, 0)
			d.state(start, 2, 0, 1)
			if got := d.engine.Holds(); len(got) != 1 || got[0] != h {
				t.Fatalf("holds: %v", got)
			}
			r, first := c.end(h)
			if !first || r.Outcome != c.outcome || int64(r.Charged.Cost) != c.charged {
				t.Fatalf("%v %+v", first, r)
			}
			for _, again := range []func() (budget.Resolution, bool){
				h.Void, h.Expire, func() (budget.Resolution, bool) { return h.Settle(cost(1), true) },
			} {
				if got, first := again(); first || got != r {
					t.Fatalf("again: %v %+v", first, got)
				}
			}
			d.state(start, 0, c.charged, 0)
			d.state(start, 1, c.requests, 0)
			d.state(start, 2, 0, 0)
			if got := d.engine.State(start, d.limits[0], "key_a").Overrun; got != c.overdrawn {
				t.Errorf("overrun %d", got)
			}
			if h.Forget(); len(d.engine.Holds()) != 0 {
				t.Error("still on the list")
			}
		})
	}
}

func TestLate(t *testing.T) {
	day := func(t *testing.T) *desk { return newDesk(t, limit(t, "lim_cost", budget.Cost, 100, "day UTC")) }
	t.Run("after it expired", func(t *testing.T) {
		d := day(t)
		h := d.admitted(start, 40, 0)
		h.Expire()
		if r, ok := h.Late(cost(130)); !ok || r.Charged != cost(130) || !r.Corrected {
			t.Fatalf("%v %+v", ok, r)
		}
		d.state(start, 0, 130, 0)
		if r, ok := h.Late(cost(1)); ok || r.Charged != cost(130) {
			t.Fatalf("twice: %v %+v", ok, r)
		}
		if got := d.engine.State(start, d.limits[0], "key_a").Overrun; got != 90 {
			t.Errorf("overrun %d", got)
		}
	})
	t.Run("after an estimate", func(t *testing.T) {
		d := day(t)
		h := d.admitted(start, 40, 0)
		h.Settle(cost(50), false)
		if _, ok := h.Late(cost(20)); !ok {
			t.Fatal("not corrected")
		}
		d.state(start, 0, 20, 0)
		if got := d.engine.State(start, d.limits[0], "key_a").Overrun; got != 0 {
			t.Errorf("overrun %d", got)
		}
	})
	t.Run("into the window of admission", func(t *testing.T) {
		d := day(t)
		h := d.admitted(after(12*time.Hour-1), 40, 0)
		h.Expire()
		d.admitted(after(12*time.Hour), 100, 0).Settle(cost(100), true)
		closed := 0
		d.engine.Sweep(after(13*time.Hour), func(budget.Balance) { closed++ })
		if closed != 0 {
			t.Fatal("a window was closed that a correction can still change")
		}
		h.Late(cost(10))
		d.state(after(13*time.Hour), 0, 100, 0)
		d.engine.Sweep(after(13*time.Hour), func(b budget.Balance) {
			if closed++; b.Settled != 10 || b.Reserved != 0 || !b.Span.Contains(start.Wall) {
				t.Errorf("closed with %+v", b)
			}
		})
		if closed != 1 {
			t.Errorf("%d windows were closed", closed)
		}
	})
	for name, end := range map[string]func(h *budget.Hold){
		"open":     func(*budget.Hold) {},
		"exact":    func(h *budget.Hold) { h.Settle(cost(5), true) },
		"voided":   func(h *budget.Hold) { h.Void() },
		"given up": func(h *budget.Hold) { h.Expire(); h.Forget() },
	} {
		t.Run("not when "+name, func(t *testing.T) {
			h := day(t).admitted(start, 40, 0)
			end(h)
			before := h.Resolution()
			if r, ok := h.Late(cost(7)); ok || r != before {
				t.Errorf("%v %+v", ok, r)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Run("at the limit but not above", func(t *testing.T) {
		d := newDesk(t, limit(t, "lim_cost", budget.Cost, 100, "day UTC"))
		d.admitted(start, 60, 0).Settle(cost(60), true)
		d.refused(start, 41, 0)
		d.admitted(start, 40, 0)
		d.admitted(start, 0, 0)
	})
	t.Run("exhausted", func(t *testing.T) {
		d := newDesk(t, limit(t, "lim_cost", budget.Cost, 100, "day UTC"))
		d.admitted(start, 60, 0).Settle(cost(60), true)
		r := d.refused(start, 50, 0)
		if r.Limit.ID != "lim_cost" || r.Reason != budget.Exhausted || r.Wait != 12*time.Hour || r.Settled != 60 || r.Reserved != 0 || r.Asked != 50 ||
			r.Subject != "key_a" || r.Span.Start != start.Wall-int64(12*time.Hour) {
			t.Errorf("%+v", *r)
		}
		d.admitted(after(12*time.Hour), 50, 0)
	})
	t.Run("in flight", func(t *testing.T) {
		d := newDesk(t, limit(t, "lim_cost", budget.Cost, 100, "life"))
		h := d.admitted(start, 60, 0)
		if r := d.refused(start, 50, 0); r.Reason != budget.InFlight || r.Reserved != 60 {
			t.Errorf("%+v", *r)
		}
		h.Void()
		d.admitted(start, 50, 0)
	})
	t.Run("too large, ever", func(t *testing.T) {
		d := newDesk(t, limit(t, "lim_cost", budget.Cost, 100, "day UTC"))
		if r := d.refused(start, 101, 0); r.Reason != budget.TooLarge || r.Wait >= 0 {
			t.Errorf("%+v", *r)
		}
	})
	t.Run("a limit of nothing", func(t *testing.T) {
		for _, k := range []budget.Kind{budget.Cost, budget.Tokens, budget.Requests, budget.Concurrency} {
			newDesk(t, limit(t, "lim", k, 0, "life")).refused(start, 1, 1)
		}
	})
	t.Run("nonsense fits nowhere", func(t *testing.T) {
		d := newDesk(t, limit(t, "lim", budget.Cost, budget.Max-1, "life"))
		d.refused(start, -1, 0)
		d.refused(start, budget.Max+1, 0)
	})
	t.Run("unpriced", func(t *testing.T) {
		d := newDesk(t, limit(t, "lim_t", budget.Tokens, 10, "life"))
		ask := budget.Ask{Subject: "key_a", Limits: d.limits, Unpriced: true}
		if _, r := d.engine.Reserve(start, &ask, nil); r != nil {
			t.Errorf("no limit on cost: %+v", *r)
		}
		ask.Limits = append(ask.Limits, limit(t, "lim_c", budget.Cost, 10, "life"))
		if _, r := d.engine.Reserve(start, &ask, nil); r == nil || r.Reason != budget.Unpriced || r.Wait >= 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("takes nothing, and names the first in the order of the ask", func(t *testing.T) {
		d := newDesk(t, limit(t, "lim_rpm", budget.Requests, 9, "sliding 1m0s"), limit(t, "lim_day", budget.Cost, 1000, "day UTC"),
			limit(t, "lim_life", budget.Cost, 100, "life"), limit(t, "lim_tokens", budget.Tokens, 5, "life"))
		d.admitted(start, 100, 5).Settle(cost(100), true)
		// the meter of the last limit is older here than those of the others
		d.limits = []*budget.Limit{d.limits[3], d.limits[0], d.limits[2], d.limits[1]}
		if r := d.refused(start, 1, 9); r.Limit.ID != "lim_tokens" {
			t.Errorf("%+v", *r)
		}
		if r := d.refused(start, 1, 1); r.Limit.ID != "lim_life" {
			t.Errorf("%+v", *r)
		}
		d.state(start, 1, 1, 0)
		d.state(start, 2, 100, 0)
		d.state(start, 3, 100, 0)
	})
}

func TestSlidingRequests(t *testing.T) {
	d := newDesk(t, limit(t, "lim_rpm", budget.Requests, 3, "sliding 1m0s"))
	for _, at := range []time.Duration{0, 10 * time.Second, 59 * time.Second} {
		d.admitted(after(at), 0, 0).Void() // given back is not unasked
	}
	if r := d.refused(after(59*time.Second), 0, 0); r.Wait != time.Second || r.Reason != budget.Exhausted {
		t.Errorf("%+v", *r)
	}
	d.refused(after(time.Minute-1), 0, 0)
	d.admitted(after(time.Minute), 0, 0)
	if r := d.refused(after(time.Minute), 0, 0); r.Wait != 10*time.Second {
		t.Errorf("%+v", *r)
	}
	d.limits = []*budget.Limit{limit(t, "lim_rpm", budget.Requests, 1, "sliding 1m0s")} // lowered
	if r := d.refused(after(time.Minute), 0, 0); r.Wait != time.Minute {
		t.Errorf("%+v", *r)
	}
}

func TestSlidingTokens(t *testing.T) {
	d := newDesk(t, limit(t, "lim_tpm", budget.Tokens, 100, "sliding 1m0s"))
	first := d.admitted(start, 0, 60)
	d.admitted(after(20*time.Second), 0, 40).Settle(budget.Amount{Tokens: 40}, true)
	if r := d.refused(after(30*time.Second), 0, 70); r.Wait != 50*time.Second || r.Reason != budget.Exhausted {
		t.Errorf("%+v", *r)
	}
	if r := d.refused(after(30*time.Second), 0, 60); r.Wait != 30*time.Second || r.Reason != budget.InFlight {
		t.Errorf("%+v", *r)
	}
	first.Settle(budget.Amount{Tokens: 10}, true)
	d.state(after(30*time.Second), 0, 50, 0)
	d.admitted(after(30*time.Second), 0, 50)
	d.state(after(80*time.Second), 0, 0, 50)
}

// TestSlidingAgainstAList compares thousands of admissions of many shapes with a list
// that is searched from end to end.
func TestSlidingAgainstAList(t *testing.T) {
	for _, most := range []int64{1, 3, 10, 40, 600} {
		random := rand.New(rand.NewPCG(uint64(most), 1))
		d := newDesk(t, limit(t, "lim", budget.Requests, most, "sliding 1m0s"))
		var admitted []time.Duration
		now := time.Duration(0)
		for i := range 5000 {
			if i == 100 || i%1500 == 0 {
				now += 2 * time.Minute // the ring empties, and fills again from where it was
			}
			now += time.Duration(random.Int64N(int64(2 * time.Minute / time.Duration(most) / time.Duration(1+i/1000))))
			seen := int64(0)
			var oldest time.Duration
			for j := len(admitted) - 1; j >= 0 && admitted[j] > now-time.Minute; j-- {
				seen, oldest = seen+1, admitted[j]
			}
			h, refusal := d.ask(after(now), 0, 0)
			if (h != nil) != (seen < most) {
				t.Fatalf("limit %d: %d in the window, admitted %v", most, seen, h != nil)
			}
			if h == nil {
				if want := oldest + time.Minute - now; refusal.Wait != want {
					t.Fatalf("limit %d: wait %v, want %v", most, refusal.Wait, want)
				}
				continue
			}
			h.Settle(budget.Amount{}, true)
			admitted = append(admitted, now)
		}
	}
}

// TestSlidingIgnoresTheWallClock: what somebody does to the wall clock opens no slot.
func TestSlidingIgnoresTheWallClock(t *testing.T) {
	d := newDesk(t, limit(t, "lim_rpm", budget.Requests, 1, "sliding 1m0s"))
	d.admitted(start, 0, 0)
	d.refused(budget.Instant{Wall: after(24 * time.Hour).Wall, Mono: after(59 * time.Second).Mono}, 0, 0)
	d.admitted(budget.Instant{Wall: start.Wall, Mono: after(60 * time.Second).Mono}, 0, 0)
}

func TestWindowOfAdmissionIsCharged(t *testing.T) {
	d := newDesk(t, limit(t, "lim_cost", budget.Cost, 100, "day UTC"))
	h := d.admitted(after(12*time.Hour-1), 70, 0)
	d.admitted(after(12*time.Hour), 100, 0).Settle(cost(30), true)
	h.Settle(cost(60), true)
	d.state(after(12*time.Hour), 0, 30, 0)
	var closed []budget.Balance
	d.engine.Sweep(after(12*time.Hour), func(b budget.Balance) { closed = append(closed, b) })
	if len(closed) != 1 || closed[0].Settled != 60 || closed[0].Limit != "lim_cost" || closed[0].Subject != "key_a" {
		t.Errorf("closed %+v", closed)
	}
}

func TestSelectors(t *testing.T) {
	own := limit(t, "own", budget.Cost, 1, "life")
	team := limit(t, "team", budget.Cost, 1, "life")
	team.Match = map[string]string{"team": "payments", "env": "prod"}
	all := limit(t, "all", budget.Cost, 1, "life")
	for _, c := range []struct {
		labels map[string]string
		want   string
	}{
		{nil, "own all"},
		{map[string]string{"team": "payments"}, "own all"},
		{map[string]string{"team": "search", "env": "prod"}, "own all"},
		{map[string]string{"team": "payments", "env": "prod", "user": "x"}, "own team all"},
	} {
		got := ""
		for _, l := range budget.Applying([]*budget.Limit{own}, []*budget.Limit{team, all}, c.labels) {
			got += " " + l.ID
		}
		if got != " "+c.want {
			t.Errorf("%v: %s", c.labels, got)
		}
	}
}

func TestModels(t *testing.T) {
	pattern, err := access.ParsePattern("gpt-5*")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(t, "lim", budget.Requests, 0, "life")
	l.Models = []access.Pattern{pattern}
	for _, c := range []struct {
		asked, resolved string
		admitted        bool
	}{{"gpt-4", "gpt-4", true}, {"gpt-5-mini", "gpt-5-mini", false}, {"fast", "gpt-5", false}, {"gpt-5", "other", false}} {
		ask := budget.Ask{Subject: "k", Limits: []*budget.Limit{l}, Asked: c.asked, Model: c.resolved}
		if _, refusal := budget.NewEngine().Reserve(start, &ask, nil); (refusal == nil) != c.admitted {
			t.Errorf("%s, %s: %v", c.asked, c.resolved, refusal)
		}
		if room := budget.NewEngine().Room(start, &ask); room != (budget.Amount{Cost: budget.Max, Tokens: budget.Max}) {
			t.Errorf("room %v", room)
		}
	}
}

func TestPoolAndEach(t *testing.T) {
	pool := limit(t, "pool", budget.Cost, 100, "life")
	pool.Per = budget.Pool
	each := limit(t, "each", budget.Cost, 60, "life")
	e := budget.NewEngine()
	ask := func(key string, n int64) *budget.Refusal {
		h, r := e.Reserve(start, &budget.Ask{Subject: key, Limits: []*budget.Limit{pool, each}, Bound: cost(n)}, nil)
		if r == nil {
			h.Settle(cost(n), true)
		}
		return r
	}
	if r := ask("a", 60); r != nil {
		t.Fatalf("%+v", *r)
	}
	if r := ask("a", 1); r == nil || r.Limit.ID != "each" || r.Subject != "a" {
		t.Fatalf("%+v", r)
	}
	if r := ask("b", 50); r == nil || r.Limit.ID != "pool" || r.Subject != "" || r.Settled != 60 {
		t.Fatalf("%+v", r)
	}
	if r := ask("b", 40); r != nil {
		t.Fatalf("%+v", *r)
	}
}

func TestEdits(t *testing.T) {
	d := newDesk(t, limit(t, "lim", budget.Cost, 100, "day UTC"))
	h := d.admitted(start, 80, 0)
	d.limits = []*budget.Limit{limit(t, "lim", budget.Cost, 50, "day UTC")}
	if d.refused(start, 1, 0); d.engine.State(start, d.limits[0], "key_a").Left() != -30 {
		t.Error("a lowered limit does not show that it is passed")
	}
	h.Settle(cost(40), true) // what was in flight is honoured
	d.admitted(start, 10, 0).Void()
	d.refused(start, 11, 0)
	d.limits = []*budget.Limit{limit(t, "lim", budget.Cost, 200, "day UTC")}
	d.admitted(start, 160, 0)
	d.refused(start, 1, 0)
}

func TestReshape(t *testing.T) {
	d := newDesk(t, limit(t, "lim", budget.Cost, 100, "day UTC"))
	open := d.admitted(start, 20, 0)
	d.admitted(start, 30, 0).Settle(cost(30), true)
	month := limit(t, "lim", budget.Cost, 100, "month UTC")
	span := month.Window.At(start.Wall)
	leg := budget.Leg{Limit: "lim", Subject: "key_a", Kind: budget.Cost, Window: month.Window, Span: span}
	if got := d.engine.Windows()["lim"]; !got.Equal(d.limits[0].Window) {
		t.Errorf("counts in %v", got)
	}
	d.engine.Reshape(after(time.Hour), "lim", month.Window, []budget.Balance{{Leg: leg, Settled: 65, Reserved: 20}})
	d.limits = []*budget.Limit{month}
	d.state(after(time.Hour), 0, 65, 20)
	d.refused(after(time.Hour), 16, 0)
	open.Settle(cost(5), true)
	d.state(after(time.Hour), 0, 70, 0)
	d.admitted(after(13*time.Hour), 30, 0)
	d.refused(after(13*time.Hour), 1, 0)
}

func TestRestore(t *testing.T) {
	d := newDesk(t, limit(t, "lim_day", budget.Cost, 100, "day UTC"), limit(t, "lim_tpm", budget.Tokens, 50, "sliding 1m0s"))
	open := d.admitted(start, 20, 30)
	d.admitted(after(time.Second), 30, 10).Settle(budget.Amount{Cost: 25, Tokens: 5}, true)
	now := after(10 * time.Second)
	var balances []budget.Balance
	d.engine.Balances(now, func(b budget.Balance) { balances = append(balances, b) })
	held := budget.Held{ID: open.ID(), At: open.At(), Deadline: open.Deadline(), Bound: open.Bound(), Legs: open.Legs(nil), Resolution: open.Resolution()}

	d.engine = budget.NewEngine()
	holds := d.engine.Restore(now, balances, []budget.Held{held})
	d.state(now, 0, 25, 20)
	d.state(now, 1, 5, 30)
	if got := d.engine.Overdue(after(time.Minute - 1)); len(got) != 0 {
		t.Error("overdue before its deadline")
	}
	if got := d.engine.Overdue(after(time.Minute)); len(got) != 1 || got[0] != holds[0] {
		t.Errorf("overdue: %v", got)
	}
	holds[0].Expire()
	d.state(now, 0, 45, 0)
	d.state(now, 1, 35, 0)
	holds[0].Late(budget.Amount{Cost: 10, Tokens: 10})
	d.state(now, 0, 35, 0)
	d.state(now, 1, 15, 0)
	d.state(after(time.Minute), 1, 5, 0)
}

func TestStandingsAndRoom(t *testing.T) {
	d := newDesk(t, limit(t, "lim_b", budget.Tokens, 50, "life"), limit(t, "lim_a", budget.Cost, 100, "day UTC"), limit(t, "lim_c", budget.Cost, 70, "life"))
	d.admitted(start, 10, 10)
	d.limits[0], d.limits[2] = d.limits[2], d.limits[0]
	got := ""
	for _, s := range d.admitted(start, 20, 30).Standings(nil) {
		got += fmt.Sprintf(" %s %d", s.Limit.ID, s.Left)
	}
	if got != " lim_c 40 lim_a 70 lim_b 10" {
		t.Error(got)
	}
	if room := d.engine.Room(start, &budget.Ask{Subject: "key_a", Limits: d.limits}); room != (budget.Amount{Cost: 40, Tokens: 10}) {
		t.Errorf("room %v", room)
	}
}

// TestSweepForgetsWhatIsOver keeps memory to what is in use, and counting exact while it does.
func TestSweepForgetsWhatIsOver(t *testing.T) {
	d := newDesk(t, limit(t, "lim_day", budget.Cost, 100, "day UTC"), limit(t, "lim_rpm", budget.Requests, 5, "sliding 1m0s"),
		limit(t, "lim_flight", budget.Concurrency, 5, "life"), limit(t, "lim_life", budget.Cost, 100, "life"))
	d.admitted(start, 10, 0).Settle(cost(10), true)
	d.engine.Sweep(start, nil)
	if got := len(d.engine.Windows()); got != 3 { // all but the requests in flight
		t.Errorf("%d limits have meters", got)
	}
	d.engine.Sweep(after(24*time.Hour), nil)
	if got := len(d.engine.Windows()); got != 1 {
		t.Errorf("%d limits have meters", got)
	}
	d.state(after(24*time.Hour), 3, 10, 0)
}

// TestParallelCallers hammers shared limits from many sides: whatever the order, no limit
// is passed, every hold is resolved once, and the counters are what was charged.
func TestParallelCallers(t *testing.T) {
	pool := limit(t, "pool", budget.Cost, 5_000, "life")
	pool.Per = budget.Pool
	limits := []*budget.Limit{pool, limit(t, "own", budget.Cost, 1_000, "life"), limit(t, "rpm", budget.Requests, 700, "sliding 1m0s"), limit(t, "flight", budget.Concurrency, 3, "life")}
	e := budget.NewEngine()
	var charged, number atomic.Int64
	var group sync.WaitGroup
	done := make(chan struct{})
	for worker := range 16 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			key := fmt.Sprint("key_", worker%8)
			mine := append([]*budget.Limit(nil), limits...)
			for i := range 3000 {
				random.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				bound := int64(random.IntN(9))
				h, _ := e.Reserve(after(time.Duration(i)), &budget.Ask{
					ID: budget.ID{Number: uint64(number.Add(1))}, Subject: key, Limits: mine, Bound: cost(bound)}, nil)
				if h == nil {
					runtime.Gosched()
					continue
				}
				actual := cost(random.Int64N(bound + 1))
				var twice sync.WaitGroup
				twice.Go(func() {
					if r, first := h.Settle(actual, true); first {
						charged.Add(int64(r.Charged.Cost))
					}
				})
				h.Void()
				twice.Wait()
			}
		})
	}
	go func() {
		defer close(done)
		group.Wait()
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			if s := e.State(start, pool, ""); s.Settled+s.Reserved > pool.Amount {
				t.Errorf("passed: %+v", s)
			}
			e.Sweep(start, nil)
		}
	}
	own := int64(0)
	for worker := range 8 {
		s := e.State(start, limits[1], fmt.Sprint("key_", worker))
		if own += s.Settled; s.Reserved != 0 || s.Settled > limits[1].Amount {
			t.Errorf("%+v", s)
		}
		if f := e.State(start, limits[3], fmt.Sprint("key_", worker)); f.Reserved != 0 {
			t.Errorf("in flight: %+v", f)
		}
	}
	if s := e.State(start, pool, ""); s.Settled != charged.Load() || own != s.Settled || s.Reserved != 0 || len(e.Holds()) != 0 {
		t.Errorf("charged %d, own %d, pool %+v, %d holds", charged.Load(), own, s, len(e.Holds()))
	}
}

func BenchmarkReserveSettle(b *testing.B) {
	limits := []*budget.Limit{limit(b, "lim_month", budget.Cost, budget.Max, "month Europe/Berlin"), limit(b, "lim_day", budget.Tokens, budget.Max, "day UTC"),
		limit(b, "lim_rpm", budget.Requests, 600, "sliding 1m0s"), limit(b, "lim_flight", budget.Concurrency, 1000, "life")}
	for _, c := range []struct {
		name string
		per  budget.Per
	}{{"own", budget.Each}, {"pool", budget.Pool}} {
		b.Run(c.name, func(b *testing.B) {
			e := budget.NewEngine()
			limits[0].Per = c.per
			var callers atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				caller := callers.Add(1)
				ask := budget.Ask{ID: budget.ID{Run: uint64(caller)}, Subject: fmt.Sprint("key_", caller), Limits: limits, Bound: budget.Amount{Cost: 100, Tokens: 1000}}
				now := start
				for pb.Next() {
					ask.ID.Number++
					now.Wall, now.Mono = now.Wall+int64(time.Second)/5, now.Mono+int64(time.Second)/5
					h, refusal := e.Reserve(now, &ask, nil)
					if refusal != nil {
						b.Errorf("%+v", *refusal)
						return
					}
					h.Settle(budget.Amount{Cost: 60, Tokens: 600}, true)
				}
			})
		})
	}
}

// TestLimitsWithoutRequestsCostNothing: looking at a limit makes no counter.
func TestLimitsWithoutRequestsCostNothing(t *testing.T) {
	e, l := budget.NewEngine(), limit(t, "lim", budget.Cost, 10, "day UTC")
	allocated := testing.AllocsPerRun(100, func() {
		e.State(start, l, "key_a")
		e.Room(start, &budget.Ask{Subject: "key_b", Limits: []*budget.Limit{l}})
	})
	if windows := e.Windows(); len(windows) > 0 || allocated > 1 { // the list of limits of the ask
		t.Errorf("%v, %v allocations", windows, allocated)
	}
}
