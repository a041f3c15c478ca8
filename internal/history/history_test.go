package history_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/caller"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/history"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
	"tollgate/internal/usage"
)

// shelf is a database of request records that can be made to fail.
type shelf struct {
	store.Requests
	mu      sync.Mutex
	rows    []record.Request
	batches []int
	pruned  []record.Retention
	fail    func() error // nil: all is well
}

func (s *shelf) Append(ctx context.Context, all []record.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return err
		}
	}
	for _, r := range all { // whoever gave them uses them again
		r.Attempts = slices.Clone(r.Attempts)
		for i := range r.Attempts {
			r.Attempts[i].Lines = slices.Clone(r.Attempts[i].Lines)
		}
		s.rows = append(s.rows, r)
	}
	s.batches = append(s.batches, len(all))
	return nil
}

func (s *shelf) Prune(_ context.Context, r record.Retention, _ time.Time) error {
	s.pruned = append(s.pruned, r)
	return nil
}

func (s *shelf) ids() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		ids = append(ids, r.ID)
	}
	return ids
}

// run runs a history in a bubble; stop ends it and waits.
func run(t *testing.T, o history.Options) (h *history.History, stop func()) {
	t.Helper()
	h = history.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	return h, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	}
}

func exchange(id string) *gateway.Exchange {
	return &gateway.Exchange{ID: id, Started: time.Now(), Caller: caller.Anonymous, Outcome: gateway.Served, Status: 200}
}

func numbered(from, to int) (ids []string) {
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

func TestRecordsAreWrittenTogetherAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		h, stop := run(t, history.Options{Requests: s})
		synctest.Wait()
		for _, id := range numbered(0, 3) {
			h.Record(exchange(id))
			time.Sleep(10 * time.Millisecond)
		}
		if len(s.ids()) > 0 {
			t.Error("a record did not wait for company")
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := s.ids(); !slices.Equal(got, numbered(0, 3)) || len(s.batches) != 1 {
			t.Errorf("after 200 ms there are %v in %v batches", got, s.batches)
		}
		begin := time.Now()
		for _, id := range numbered(3, 3000) {
			h.Record(exchange(id))
		}
		synctest.Wait()
		if got := len(s.ids()); got < 1024 || time.Since(begin) > 0 {
			t.Errorf("a full batch waited: there are %d records after %v", got, time.Since(begin))
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if got := s.ids(); !slices.Equal(got, numbered(0, 3000)) {
			t.Errorf("there are %d records", len(got))
		}
		if slices.Max(s.batches) > 1024 {
			t.Errorf("batches of %v", s.batches)
		}
		h.Record(exchange("last"))
		stop()
		if got := s.ids(); got[len(got)-1] != "last" {
			t.Error("the last record was lost at the end")
		}
		if h.Dropped() != 0 {
			t.Errorf("%d are said to be dropped", h.Dropped())
		}
	})
}

// TestRefusalsDoNotFillTheDisk: of refusals that are alike so many a minute have records of their
// own; one more stands for the others, whoever made them, and none is left uncounted.
func TestRefusalsDoNotFillTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		h, stop := run(t, history.Options{Requests: s, Capacity: 1 << 20})
		red := map[string]string{"team": "red"}
		one, two := &caller.Caller{KeyID: "key_1", Labels: red}, &caller.Caller{KeyID: "key_2"}
		for range 5000 {
			h.Record(refused("a", caller.Anonymous, "invalid_api_key", ""))
			h.Record(refused("b", one, "budget_exceeded", "gpt-5"))
		}
		for range 60 {
			h.Record(refused("c", one, "key_expired", "gpt-5"))
			h.Record(refused("d", two, "budget_exceeded", "gpt-5"))
		}
		for range 500 {
			h.Record(exchange("served"))
			tried := refused("tried", one, "budget_exceeded", "gpt-5")
			tried.Attempts = make([]gateway.Attempt, 1)
			h.Record(tried)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		s.want(t, "within the minute", map[string][2]int64{"a": {60, 0}, "b": {60, 0}, "c": {60, 0}, "d": {60, 0}, "served": {500, 0}, "tried": {500, 0}})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.want(t, "after the minute", map[string][2]int64{"a": {61, 4939}, "b": {61, 4939}, "c": {60, 0}, "d": {60, 0}, "served": {500, 0}, "tried": {500, 0}})
		for range 100 {
			h.Record(refused("later", one, "budget_exceeded", "gpt-5"))
		}
		stop()
		s.want(t, "at the end", map[string][2]int64{"a": {61, 4939}, "b": {61, 4939}, "c": {60, 0}, "d": {60, 0}, "served": {500, 0}, "tried": {500, 0}, "later": {61, 39}})
		for _, r := range s.rows {
			if r.Repeated > 0 && r.ID == "b" && (r.Key != "key_1" || !maps.Equal(r.Labels, red) || r.Code != "budget_exceeded" || r.Asked != "gpt-5" || r.Status != 429 || r.Outcome != "refused") {
				t.Errorf("the record of many: %+v", r)
			}
		}
		if h.Dropped() != 0 {
			t.Errorf("%d were dropped", h.Dropped())
		}
	})
}

// refused is an exchange that was refused before anything was tried.
func refused(id string, by *caller.Caller, code, model string) *gateway.Exchange {
	x := exchange(id)
	x.Caller, x.Outcome, x.Status, x.Err, x.ModelAsked = by, gateway.Refused, 429, &fault.Error{Code: code}, model
	return x
}

// want compares how many records there are of an id, and for how many more they stand.
func (s *shelf) want(t *testing.T, when string, want map[string][2]int64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	got := map[string][2]int64{}
	for _, r := range s.rows {
		n := got[r.ID]
		got[r.ID] = [2]int64{n[0] + 1, n[1] + r.Repeated}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s there are %v, want %v", when, got, want)
	}
}

// TestSharedRecordsAddUp: what sums are made by is right also of requests without a record: hours
// and labels always, models as far as there are few. However many models are named, there are few
// records.
func TestSharedRecordsAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		h, stop := run(t, history.Options{Requests: s})
		sums := func(what func(*record.Request) string) map[string]int64 {
			got := map[string]int64{}
			for i := range s.rows {
				got[what(&s.rows[i])] += 1 + s.rows[i].Repeated
			}
			return got
		}
		hour := time.Now().Truncate(time.Hour)
		note := func(n int, at time.Time, team, model string) {
			for range n {
				x := refused("x", &caller.Caller{KeyID: "key_1", Labels: map[string]string{"team": team}}, "model_not_found", model)
				x.Started = at
				h.Record(x)
			}
		}
		note(60, hour, "red", "m")
		note(7, hour, "red", "m")
		note(8, hour.Add(-time.Second), "red", "m")
		note(9, hour, "blue", "m")
		note(10, hour, "blue", "n")
		for i := range 1000 {
			note(1, hour, "blue", fmt.Sprint("guess-", i))
		}
		stop()
		if got, want := sums(func(r *record.Request) string { return r.Labels["team"] }), map[string]int64{"red": 75, "blue": 1019}; !maps.Equal(got, want) {
			t.Errorf("by label %v, want %v", got, want)
		}
		if got, want := sums(func(r *record.Request) string { return fmt.Sprint(r.At.Before(hour)) }), map[string]int64{"true": 8, "false": 1086}; !maps.Equal(got, want) {
			t.Errorf("by hour %v, want %v", got, want)
		}
		if got := sums(func(r *record.Request) string { return r.Asked }); got["m"] != 84 || got["n"] != 10 || got[""] < 990 {
			t.Errorf("by model %v", got)
		}
		if len(s.rows) > 60+3*8 {
			t.Errorf("there are %d records", len(s.rows))
		}
	})
}

// TestKeysThatAreRefusedAreBounded: the memory for them is, and what it has no room for has records.
func TestKeysThatAreRefusedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		h, stop := run(t, history.Options{Requests: s, Capacity: 1 << 20})
		for i := range 17 << 10 {
			h.Record(refused("x", &caller.Caller{KeyID: fmt.Sprint(i)}, "budget_exceeded", ""))
		}
		for range 100 {
			h.Record(refused("late", &caller.Caller{KeyID: "late"}, "budget_exceeded", ""))
			h.Record(refused("known", &caller.Caller{KeyID: "1"}, "budget_exceeded", ""))
		}
		stop()
		s.want(t, "in all", map[string][2]int64{"x": {17 << 10, 0}, "late": {100, 0}, "known": {60, 40}})
	})
}

func TestAnUnavailableDatabaseIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		s := &shelf{fail: func() error {
			if tries++; tries < 6 {
				return fmt.Errorf("disk full: %w", ledger.ErrUnavailable)
			}
			return nil
		}}
		h, stop := run(t, history.Options{Requests: s, Capacity: 100})
		for _, id := range numbered(0, 60) {
			h.Record(exchange(id))
		}
		time.Sleep(time.Second) // these are being tried
		for _, id := range numbered(60, 180) {
			h.Record(exchange(id))
		}
		if got := h.Dropped(); got != 20 {
			t.Errorf("100 may wait and 120 came: %d were dropped", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.ids(); !slices.Equal(got, numbered(0, 160)) {
			t.Errorf("there are %v", got)
		}
		stop()
	})
}

func TestARefusedBatchIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		s := &shelf{fail: func() error {
			if broken.Load() {
				return errors.New("no such table")
			}
			return nil
		}}
		h, stop := run(t, history.Options{Requests: s})
		h.Record(exchange("a"))
		h.Record(exchange("b"))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := h.Dropped(); got != 2 {
			t.Errorf("%d dropped", got)
		}
		broken.Store(false)
		h.Record(exchange("c"))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s.ids(); !slices.Equal(got, []string{"c"}) {
			t.Errorf("there are %v", got)
		}
		stop()
	})
}

func TestTheEndIsNotWaitedForForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{fail: func() error { return ledger.ErrUnavailable }}
		h, stop := run(t, history.Options{Requests: s})
		h.Record(exchange("a"))
		time.Sleep(time.Second)
		begin := time.Now()
		stop()
		if took := time.Since(begin); took > 6*time.Second || took < 4*time.Second {
			t.Errorf("it took %v to give up", took)
		}
		h.Record(exchange("late"))
		if got := h.Dropped(); got != 2 {
			t.Errorf("%d dropped", got)
		}
	})
}

func TestALastChanceAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		full.Store(true)
		s := &shelf{fail: func() error {
			if full.Load() {
				return ledger.ErrUnavailable
			}
			return nil
		}}
		h, stop := run(t, history.Options{Requests: s})
		h.Record(exchange("a"))
		time.Sleep(time.Second)
		h.Record(exchange("b"))
		time.AfterFunc(time.Second, func() { full.Store(false) })
		stop()
		if got := s.ids(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("there are %v", got)
		}
	})
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, keep := &shelf{}, record.Retention{Requests: time.Hour}
		_, stop := run(t, history.Options{Requests: s, Retention: keep})
		time.Sleep(150 * time.Minute)
		stop()
		if !slices.Equal(s.pruned, []record.Retention{keep, keep, keep}) {
			t.Errorf("pruned by %v", s.pruned)
		}
		s = &shelf{}
		_, stop = run(t, history.Options{Requests: s})
		synctest.Wait()
		stop()
		if !slices.Equal(s.pruned, []record.Retention{history.DefaultRetention}) {
			t.Errorf("pruned by %v", s.pruned)
		}
	})
}

// full is an exchange with everything in it.
func full(at time.Time) *gateway.Exchange {
	list, err := catalog.ParseOwn("list", []byte(`{"format":"tollgate/prices/1","version":"7","providers":{"openai":{"models":{"gpt-5":{"rates":{"input":"1.25","output":"10"}}}}}}`))
	if err != nil {
		panic(err)
	}
	quote := catalog.New(list).Quote(at, "openai", "gpt-5")
	used := usage.Usage{InputUncached: 1000, CacheRead: 0, OutputText: 80, OutputReasoning: 20, Source: usage.Reported}
	return &gateway.Exchange{
		ID: "req_1", Started: at, RemoteAddr: "192.0.2.7:4711",
		Caller:    &caller.Caller{KeyID: "key_1", Name: "checkout", Labels: map[string]string{"team": "payments"}},
		Operation: dialect.Chat, Dialect: dialect.OpenAI, Streamed: true, ModelAsked: "best", ModelSent: "gpt-5", ModelServed: "gpt-5-2025",
		Provider: "openai", Backend: "main", Status: 200, Outcome: gateway.Served, BytesIn: 10, BytesOut: 20,
		FirstByte: time.Second, Processing: time.Millisecond, Duration: 2 * time.Second, Usage: used,
		Cost: 2_250_000, PriceState: catalog.Known, PriceVersion: "list@7", CostSource: ledger.Exact,
		Attempts: []gateway.Attempt{
			{Provider: "azure", Backend: "first", Model: "gpt-5", Err: errors.New("connection refused"), Started: at, Duration: time.Millisecond},
			{
				Provider: "openai", Backend: "main", Model: "gpt-5", Status: 200, Started: at, Duration: time.Second, Usage: used,
				Reservation: budget.ID{Run: 3, Number: 12}, Bound: budget.Amount{Cost: 5_000_000, Tokens: 4000},
				Cost: 2_250_000, CostSource: ledger.Exact, Quote: quote, PriceState: catalog.Known, PriceVersion: "list@7",
			},
		},
	}
}

func TestARecordSaysWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		h, stop := run(t, history.Options{Requests: s})
		at := time.Now().UTC()
		x := full(at)
		h.Record(x)
		x.Attempts[0], x.Attempts[1] = gateway.Attempt{}, gateway.Attempt{} // whoever made it uses it again
		*x = gateway.Exchange{Caller: caller.Anonymous}
		stop()
		if len(s.rows) != 1 {
			t.Fatalf("there are %d rows", len(s.rows))
		}
		r := s.rows[0]
		used := record.Tokens{Input: 1000, Output: 100, Reasoning: 20}
		attempts := r.Attempts
		r.Attempts = nil
		want := record.Request{
			ID: "req_1", At: at, Key: "key_1", Name: "checkout", Labels: map[string]string{"team": "payments"}, Operation: "chat", Dialect: "openai",
			Asked: "best", Sent: "gpt-5", Served: "gpt-5-2025", Provider: "openai", Backend: "main", Streamed: true, Client: "192.0.2.7",
			Status: 200, Outcome: "served", Duration: 2 * time.Second, FirstByte: time.Second, Processing: time.Millisecond, BytesIn: 10, BytesOut: 20,
			Tokens: used, Cost: 2_250_000, Price: "known", Source: "exact", Version: "list@7",
		}
		if got := fmt.Sprintf("%+v", r); got != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %s\nwant %+v", got, want)
		}
		wantAttempts := []record.Attempt{
			{Provider: "azure", Backend: "first", Model: "gpt-5", Error: "connection refused", Started: at, Duration: time.Millisecond, Source: "none", Price: "unknown"},
			{
				Provider: "openai", Backend: "main", Model: "gpt-5", Status: 200, Started: at, Duration: time.Second, Reservation: "3-12",
				BoundCost: 5_000_000, Cost: 2_250_000, BoundTokens: 4000, Tokens: used, Source: "exact", Price: "known", Version: "list@7",
				Lines: []record.Line{
					{Model: "gpt-5", Kind: "input", Quantity: 1000, Price: "1.25", Cost: money.Pico(1_250_000_000)},
					{Model: "gpt-5", Kind: "output", Quantity: 80, Price: "10.00", Cost: money.Pico(800_000_000)},
					{Model: "gpt-5", Kind: "reasoning", Quantity: 20, Price: "10.00", Cost: money.Pico(200_000_000)},
				},
			},
		}
		if got := fmt.Sprintf("%+v", attempts); got != fmt.Sprintf("%+v", wantAttempts) {
			t.Errorf("got  %s\nwant %+v", got, wantAttempts)
		}
	})
}

func TestARecordSaysWhatRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{}
		h, stop := run(t, history.Options{Requests: s})
		x := exchange("req_2")
		resets := time.Now().Add(time.Hour).UTC()
		x.Outcome, x.Status, x.Err = gateway.Refused, 429, &fault.Error{
			Code: "budget_exceeded", Message: "No room.",
			Limit: &fault.Limit{
				ID: "lim_1", Kind: "cost", Window: "month", Max: 100, Remaining: 5, Reason: fault.Exhausted, Spent: 90, Reserved: 5, Asked: 7,
				ResetsAt: resets, Shared: true,
			},
		}
		h.Record(x)
		x.Err.Limit = &fault.Limit{ID: "route", Kind: "requests", Window: "60s", Max: 10, Remaining: 0, ResetsIn: time.Minute}
		h.Record(x)
		x.Err = nil
		h.Record(x)
		stop()
		want := []record.Refusal{
			{Limit: "lim_1", Kind: "cost", Window: "month", Reason: "exhausted", Amount: 100, Spent: 90, Reserved: 5, Asked: 7, Resets: resets, Shared: true},
			{Limit: "route", Kind: "requests", Window: "60s", Reason: "exhausted", Amount: 10, Spent: 10, Resets: x.Started.Add(time.Minute).UTC(), Shared: true},
		}
		for i, w := range want {
			if got := s.rows[i]; got.Refusal == nil || *got.Refusal != w || got.Code != "budget_exceeded" || got.Message != "No room." {
				t.Errorf("row %d: %+v, %+v", i, got, got.Refusal)
			}
		}
		if r := s.rows[2]; r.Refusal != nil || r.Code != "" {
			t.Errorf("a request that nothing refused: %+v", r)
		}
	})
}

func TestManyRecordAtOnce(t *testing.T) {
	s := &shelf{}
	h := history.New(history.Options{Requests: s, Capacity: 1 << 20})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	var all sync.WaitGroup
	const each, writers = 2000, 8
	for w := range writers {
		all.Go(func() {
			x := full(time.Now())
			for i := range each {
				x.ID = fmt.Sprintf("%d/%d", w, i)
				h.Record(x)
			}
		})
	}
	all.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	for _, id := range s.ids() {
		seen[id] = true
	}
	if len(seen) != each*writers || len(s.rows) != len(seen) || h.Dropped() != 0 {
		t.Errorf("%d records of %d, %d rows, %d dropped", len(seen), each*writers, len(s.rows), h.Dropped())
	}
}

func BenchmarkRecord(b *testing.B) {
	h := history.New(history.Options{Requests: &discard{}, Capacity: 1 << 20})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	x := full(time.Now())
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		h.Record(x)
	}
	b.StopTimer()
	cancel()
	<-ended
	b.ReportMetric(float64(h.Dropped())/float64(b.N), "dropped/op")
}

// BenchmarkRecordAlone is what a request waits for: nobody empties the queue, and
// whatever finds it full is dropped.
func BenchmarkRecordAlone(b *testing.B) {
	x := full(time.Now())
	var h *history.History
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%10_000 == 0 {
			b.StopTimer()
			h = history.New(history.Options{Capacity: 20_000})
			b.StartTimer()
		}
		h.Record(x)
	}
}

type discard struct{ store.Requests }

func (discard) Append(context.Context, []record.Request) error           { return nil }
func (discard) Prune(context.Context, record.Retention, time.Time) error { return nil }
