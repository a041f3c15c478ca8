package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

type holder = *ledger.Reservation

// machine drives the real books and the model with the same history.
type machine struct {
	model
	disk    *disk
	journal *memory
	books   *ledger.Books
	stop    context.CancelFunc
	ended   chan struct{}
	born    time.Duration // real time at the start of the process
	skew    time.Duration // of the wall clock
	stood   bool          // the wall clock was behind what it had shown
	live    map[budget.ID]holder
	boot    int // how often the machine was
	most    int64
}

var windows = map[string]string{"day": "day UTC", "hour": "hour UTC", "life": "life", "slide": "sliding 1m0s"}

func (m *machine) rule(t *rapid.T, id string, k budget.Kind, per budget.Per, window string, keys ...string) *rule {
	w, err := budget.ParseWindow(windows[window])
	if err != nil {
		t.Fatal(err)
	}
	r := &rule{limit: &budget.Limit{ID: id, Kind: k, Per: per, Window: w, Amount: m.draw(t, id)}, window: window, keys: keys}
	m.rules = append(m.rules, r)
	return r
}

// draw draws an amount. With large ones there is escrow.
func (m *machine) draw(t *rapid.T, label string) int64 {
	return rapid.Int64Range(0, m.most).Draw(t, label)
}

func newMachine(t *rapid.T) *machine {
	m := &machine{disk: &disk{}, model: model{wall: 23 * time.Hour, real: time.Hour}, live: map[budget.ID]holder{}}
	m.most = rapid.SampledFrom([]int64{60, 1000, 5000}).Draw(t, "most")
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	m.rule(t, "own_cost", budget.Cost, budget.Each, pick("w1", "day", "hour", "life"), "a")
	m.rule(t, "own_requests", budget.Requests, budget.Each, pick("w2", "slide", "day"), "b")
	m.rule(t, "pool_cost", budget.Cost, budget.Pool, pick("w3", "day", "slide"), "a", "b")
	m.rule(t, "each_tokens", budget.Tokens, budget.Each, pick("w4", "slide", "hour"), "a", "b", "c")
	m.rule(t, "flight", budget.Concurrency, budget.Each, "life", "c").limit.Amount %= 5
	mini := m.rule(t, "mini_tokens", budget.Tokens, budget.Pool, "day", "b", "c")
	mini.models = []string{"mini"}
	pattern, err := access.ParsePattern("mini")
	if err != nil {
		t.Fatal(err)
	}
	mini.limit.Models = []access.Pattern{pattern}
	m.start(t)
	return m
}

func (m *machine) config() ledger.Config {
	born := m.born
	return ledger.Config{
		Journal: m.journal, Witness: m.disk, BootID: fmt.Sprint("boot ", m.boot),
		Wall: func() time.Time { return epoch.Add(m.shown()) },
		Mono: func() time.Duration { return m.real - born },
	}
}

func (m *machine) start(t *rapid.T) ledger.Report {
	m.journal, m.born = &memory{disk: m.disk}, m.real
	books, report, err := ledger.Recover(context.Background(), m.config())
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	m.books = books
	ctx, stop := context.WithCancel(context.Background())
	m.stop, m.ended = stop, make(chan struct{})
	go func(b *ledger.Books, ended chan struct{}) {
		defer close(ended)
		_ = b.Run(ctx) // a crash makes it fail
	}(m.books, m.ended)
	return report
}

// tick makes the model's wall clock show what the books' does: it never goes back.
func (m *machine) tick() {
	m.stood = m.stood || m.shown() < m.wall
	m.wall = max(m.wall, m.shown())
}

// shown is what the machine's wall clock shows.
func (m *machine) shown() time.Duration { return 22*time.Hour + m.real + m.skew }

func (m *machine) reserve(t *rapid.T) {
	m.ask(t, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"), 12)
}

// burst reserves so often that escrow is granted, and then made use of.
func (m *machine) burst(t *rapid.T) {
	key := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key")
	for range rapid.IntRange(3, 6).Draw(t, "times") {
		m.ask(t, key, 3)
	}
}

func (m *machine) ask(t *rapid.T, key string, most int64) {
	name := rapid.SampledFrom([]string{"big", "mini"}).Draw(t, "model")
	bound := amounts(t, "bound", most, most)
	q := &request{key: key, wall: m.wall, real: m.real, deadline: m.wall + 10*time.Minute, bound: bound, truth: amounts(t, "truth", int64(bound.Cost), bound.Tokens)}
	for _, r := range m.rules {
		if m.covers(r, key, name) {
			q.rules = append(q.rules, r)
		}
	}
	want := m.refuses(key, name, bound)
	lost := rapid.IntRange(0, 9).Draw(t, "trouble") == 0
	if lost {
		m.journal.failWith(ledger.ErrUnavailable)
	}
	got, refusal, err := m.books.Reserve(context.Background(), budget.Ask{
		Subject: key, Limits: m.limits(key), Asked: name, Model: name, Bound: bound, Deadline: epoch.Add(q.deadline).UnixNano(),
	})
	m.journal.failWith(nil)
	switch {
	case want != nil:
		if refusal == nil {
			t.Fatalf("admitted, but %s has no room (I1)", want.limit.ID)
		}
		if refusal.Limit.ID != want.limit.ID {
			t.Fatalf("refused by %s, but %s is the first that has no room", refusal.Limit.ID, want.limit.ID)
		}
	case refusal != nil:
		t.Fatalf("refused by %s, which has room (I1): %+v", refusal.Limit.ID, *refusal)
	case lost:
		if !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatalf("admitted without a record: %v", err)
		}
	case err != nil:
		t.Fatal(err)
	default:
		q.id = got.ID()
		q.states = []state{{stored: m.disk.stored()}}
		m.live[q.id] = got
		m.requests = append(m.requests, q)
	}
}

func amounts(t *rapid.T, label string, cost, tokens int64) budget.Amount {
	return budget.Amount{Cost: money.Nano(rapid.Int64Range(0, cost).Draw(t, label+" cost")), Tokens: rapid.Int64Range(0, tokens).Draw(t, label+" tokens")}
}

// pick draws a request that was admitted, nil if none was.
func (m *machine) pick(t *rapid.T) *request {
	if len(m.requests) == 0 {
		return nil
	}
	return m.requests[rapid.IntRange(max(0, len(m.requests)-12), len(m.requests)-1).Draw(t, "request")]
}

// resolve ends a request in one of the ways, or tries it again.
func (m *machine) resolve(t *rapid.T) {
	q := m.pick(t)
	if q == nil {
		return
	}
	h, ok := m.live[q.id]
	if !ok {
		if h, ok = m.books.Correctable(q.id); !ok {
			if q.state().correctable && q.wall > m.wall-ledger.Horizon {
				t.Fatalf("%v can no longer be corrected", q.id)
			}
			return
		}
	}
	before := q.state()
	next := before
	var got budget.Resolution
	var receipt ledger.Receipt
	switch way := rapid.SampledFrom([]string{"exact", "overrun", "estimate", "void", "expire", "late"}).Draw(t, "way"); way {
	case "exact":
		next = state{outcome: budget.Settled, charged: q.truth}
		got, receipt = h.Settle(ledger.Charge{Amount: q.truth, Source: ledger.Exact})
	case "overrun":
		more := budget.Amount{Cost: q.bound.Cost + 7, Tokens: q.bound.Tokens + 3}
		if before.outcome == budget.Open {
			q.truth = more
		}
		next = state{outcome: budget.Settled, charged: more}
		got, receipt = h.Settle(ledger.Charge{Amount: more, Source: ledger.Exact})
	case "estimate":
		next = state{outcome: budget.Settled, charged: q.bound, correctable: true}
		got, receipt = h.Settle(ledger.Charge{Amount: q.bound, Source: ledger.Estimated})
	case "void":
		next = state{outcome: budget.Voided}
		got, receipt = h.Void()
	case "expire":
		next = state{outcome: budget.Expired, charged: q.bound, correctable: true}
		got, receipt = h.Expire()
	case "late":
		if before.outcome == budget.Open {
			next = before
		} else {
			next = state{outcome: before.outcome, charged: q.truth}
		}
		got, receipt = h.Late(ledger.Charge{Amount: q.truth, Source: ledger.Exact})
		if !before.correctable || q.wall <= m.wall-ledger.Horizon {
			next = before
		}
		m.resolved(t, q, before, next, got, receipt)
		return
	}
	if before.outcome != budget.Open { // repeating returns the first answer
		next = before
	}
	m.resolved(t, q, before, next, got, receipt)
}

func (m *machine) resolved(t *rapid.T, q *request, before, next state, got budget.Resolution, receipt ledger.Receipt) {
	if got.Outcome != next.outcome || got.Charged != next.charged {
		t.Fatalf("%v is %v with %v charged, want %v with %v (I5)", q.id, got.Outcome, got.Charged, next.outcome, next.charged)
	}
	if err := receipt.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	if next != before {
		next.stored = m.disk.stored()
		q.states = append(q.states, next)
	}
}

func (m *machine) pass(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Nanosecond, time.Second, 20 * time.Second, 59 * time.Second, time.Minute, 30 * time.Minute, time.Hour, 13 * time.Hour}).Draw(t, "pass")
	m.real += d
	m.tick()
}

// jump sets the wall clock. That is put on record by the next row; a process that died
// before it could not know how much time had passed.
func (m *machine) jump(t *rapid.T) {
	m.skew += rapid.SampledFrom([]time.Duration{-2 * time.Hour, -time.Minute, time.Second, 3 * time.Hour}).Draw(t, "jump")
	m.tick()
	m.row(t)
}

// row puts something on record that changes nothing.
func (m *machine) row(t *rapid.T) {
	if _, err := m.books.Adjust(context.Background(), m.rules[len(m.rules)-1].limit, "", 0, "test", "none"); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) amount(t *rapid.T) {
	r := rapid.SampledFrom(m.rules).Draw(t, "rule")
	edited := *r.limit
	edited.Amount = m.draw(t, "amount")
	m.edit(t, r, &edited)
}

func (m *machine) window(t *rapid.T) {
	r := rapid.SampledFrom(m.rules[:4]).Draw(t, "rule")
	edited := *r.limit
	r.window = rapid.SampledFrom(slices.Sorted(maps.Keys(windows))).Draw(t, "window")
	var err error
	if edited.Window, err = budget.ParseWindow(windows[r.window]); err != nil {
		t.Fatal(err)
	}
	m.edit(t, r, &edited)
}

func (m *machine) edit(t *rapid.T, r *rule, edited *budget.Limit) {
	was := r.limit.Window
	if err := m.books.Change(context.Background(), ledger.Change{Limit: edited, Was: &was, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	r.limit = edited
}

func (m *machine) sweep(t *rapid.T) {
	m.books.Sweep()
	for _, q := range m.requests {
		if q.state().outcome == budget.Open && q.deadline <= m.wall {
			q.states = append(q.states, state{outcome: budget.Expired, charged: q.bound, correctable: true})
		}
	}
	m.row(t) // behind what the sweep has put on record
	for _, q := range m.requests {
		if s := &q.states[len(q.states)-1]; s.outcome == budget.Expired && s.stored == 0 {
			s.stored = m.disk.stored()
		}
	}
}

func (m *machine) checkpoint(t *rapid.T) {
	if err := m.books.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// catchUp lets time pass until the wall clock shows more than it ever did: one that
// stands still tells nobody how much time has passed.
func (m *machine) catchUp(t *rapid.T) {
	if m.stood {
		m.real += max(0, m.wall-m.shown())
		m.tick()
		m.row(t)
		m.stood = false
	}
}

// crash ends the process at once: by kill -9 after which everything written is there,
// or by a power failure after which only what is durable is. A settlement may be under way.
func (m *machine) crash(t *rapid.T) {
	m.catchUp(t)
	m.journal.failWith(errDead)
	if q := m.pick(t); q != nil && rapid.Bool().Draw(t, "settling") {
		if h, ok := m.live[q.id]; ok && q.state().outcome == budget.Open {
			h.Settle(ledger.Charge{Amount: q.truth, Source: ledger.Exact})
		}
	}
	m.stop()
	<-m.ended
	power := rapid.Bool().Draw(t, "power")
	if power {
		m.disk.powerCut()
		m.boot++
	}
	m.restart(t, power)
}

// reboot ends the process in order, and starts the machine anew.
func (m *machine) reboot(t *rapid.T) {
	m.catchUp(t)
	m.stop()
	<-m.ended
	m.boot++
	m.restart(t, false)
}

func (m *machine) restart(t *rapid.T, power bool) {
	stored := m.disk.stored()
	m.real += rapid.SampledFrom([]time.Duration{0, time.Second, time.Minute}).Draw(t, "down")
	m.tick()
	clear(m.live)
	report := m.start(t)
	if !power && len(report.Lost) > 0 {
		t.Fatalf("nothing was lost, but charged: %v", report.Lost)
	}
	for _, e := range report.Lost {
		m.lost(t, e)
	}
	for _, q := range m.requests {
		for len(q.states) > 1 && q.state().stored > stored {
			q.states = q.states[:len(q.states)-1]
			// What a provider billed above the bound is only known by its report.
			q.truth.Cost, q.truth.Tokens = min(q.truth.Cost, q.bound.Cost), min(q.truth.Tokens, q.bound.Tokens)
		}
		switch {
		case q.lost || q.state().stored <= stored:
		case !power:
			t.Fatalf("%v was acknowledged and is lost (I11)", q.id)
		default:
			q.lost, q.states = true, []state{{outcome: budget.Settled}}
			q.truth.Cost, q.truth.Tokens = min(q.truth.Cost, q.bound.Cost), min(q.truth.Tokens, q.bound.Tokens)
		}
		if q.state().outcome == budget.Open {
			q.states = append(q.states, state{outcome: budget.Expired, charged: q.bound, correctable: true, stored: m.disk.stored()})
		}
	}
}

// lost notes what was charged after a power failure: to the window that was granted it,
// as late in that as can be.
func (m *machine) lost(t *rapid.T, e budget.Escrow) {
	for _, r := range m.rules {
		if r.limit.ID != e.Limit {
			continue
		}
		c := &charge{rule: r, key: e.Subject, wall: m.wall, real: m.real, n: e.Size}
		if end := e.Span.End - epoch.UnixNano(); r.window != "slide" {
			c.wall = min(c.wall, time.Duration(end-1))
		}
		m.charges = append(m.charges, c)
		if e.Size <= 0 || e.Size > m.most/16 {
			t.Fatalf("%d charged to %s", e.Size, r.limit.ID)
		}
	}
}

// idle lets everything become durable.
func (m *machine) idle(*rapid.T) { time.Sleep(time.Second) }

// check compares everything that can be seen.
func (m *machine) check(t *rapid.T) {
	for _, r := range m.rules {
		for _, key := range []string{"a", "b", "c"} {
			settled, reserved, truth := m.used(r, key)
			got := m.books.State(r.limit, key)
			if got.Settled != settled || got.Reserved != reserved {
				t.Fatalf("%s of %s has settled %d and reserved %d, want %d and %d (I3, I6, I9)", r.limit.ID, key, got.Settled, got.Reserved, settled, reserved)
			}
			if got.Settled < 0 || got.Reserved < 0 {
				t.Fatalf("%s of %s is below 0 (I4)", r.limit.ID, key)
			}
			if r.limit.Kind != budget.Concurrency && truth > got.Settled+got.Reserved {
				t.Fatalf("%s of %s: %d were used and %d are accounted for (I10)", r.limit.ID, key, truth, got.Settled+got.Reserved)
			}
		}
	}
}

// end resolves everything; then nothing is reserved.
func (m *machine) end(t *rapid.T) {
	for _, q := range m.requests {
		if h, ok := m.live[q.id]; ok && q.state().outcome == budget.Open {
			h.Close()
			q.states = append(q.states, state{outcome: budget.Expired, charged: q.bound})
		}
	}
	for _, r := range m.rules {
		for _, key := range r.keys {
			if got := m.books.State(r.limit, key); got.Reserved != 0 {
				t.Fatalf("%s of %s still has %d reserved (I7)", r.limit.ID, key, got.Reserved)
			}
		}
	}
	m.check(t)
}

// TestInvariants compares the books with the model after every step of random
// histories. The numbers of the invariants are those of the package documentation. The
// clock of the bubble stands still but when somebody waits for the disk, so what
// is written becomes durable only when it must.
func TestInvariants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { rapid.Check(bubble{t}, history) })
}

// bubble keeps rapid from asking when the test must end, which is not allowed in a bubble.
type bubble struct{ *testing.T }

func history(t *rapid.T) {
	m := newMachine(t)
	defer func() {
		m.stop()
		<-m.ended
	}()
	t.Repeat(map[string]func(*rapid.T){
		"reserve": m.reserve, "reserve again": m.reserve, "burst": m.burst,
		"resolve": m.resolve, "resolve again": m.resolve,
		"pass": m.pass, "jump": m.jump, "amount": m.amount, "window": m.window,
		"sweep": m.sweep, "checkpoint": m.checkpoint, "crash": m.crash, "crash again": m.crash,
		"reboot": m.reboot, "idle": m.idle,
		"": m.check,
	})
	m.end(t)
}
