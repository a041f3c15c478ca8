package gateway_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/caller"
	"tollgate/internal/catalog"
	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/vkey"
)

// priceList has a price for whatever the tests call: a dollar for a million tokens
// read, ten for a million written.
const priceList = `{"format": "tollgate/prices/1", "source": "test", "version": "1", "providers": {"openai": {"models": {
	"gpt-5":  {"contextWindow": 100000, "maxOutput": 1000, "match": ["gpt-5-*", "m-1", "m", "c-1"], "rates": {"input": "1", "output": "10"}},
	"long":   {"contextWindow": 1000000, "maxOutput": 100000, "rates": {"input": "1", "output": "10"}},
	"cheap":  {"contextWindow": 100000, "maxOutput": 1000, "rates": {"input": "0.1", "output": "1"}},
	"vague":  {"rates": {"input": "1", "output": "10"}},
	"voice":  {"rates": {"character": "15"}},
	"painter": {"rates": {"input": "5", "output": "40", "outputImage": "40"}},
	"singer": {"rates": {"input": "1", "output": "10", "outputAudio": "64"}},
	"listener": {"contextWindow": 16000, "rates": {"input": "1", "output": "10", "inputAudio": "6"}},
	"ears":   {"units": {"audioHour": "0.36"}},
	"brush":  {"units": {"picture": "0.04"}},
	"sorter": {"units": {"rerankUnit": "0.002"}},
	"vector": {"contextWindow": 8000, "rates": {"input": "1"}},
	"seeker": {"contextWindow": 1000, "maxOutput": 100, "rates": {"input": "1", "output": "10"}, "units": {"webSearch": "0.01"}},
	"keeper": {"contextWindow": 100000, "maxOutput": 1000, "rates": {"input": "1", "output": "10", "cacheWrite": "1000"}},
	"gift":   {"free": true}}}}}`

// journal keeps the ledger in memory.
type journal struct {
	mu      sync.Mutex
	records []ledger.Record
	fail    error
	forget  bool // keep nothing
}

func (j *journal) Append(_ context.Context, records []ledger.Record, _ bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil || j.forget {
		return j.fail
	}
	for _, r := range records {
		r.Bytes = slices.Clone(r.Bytes)
		j.records = append(j.records, r)
	}
	return nil
}

func (j *journal) Sync(context.Context) error { return nil }

func (j *journal) Scan(_ context.Context, from uint64, fn func(ledger.Record) error) error {
	j.mu.Lock()
	records := slices.Clone(j.records)
	j.mu.Unlock()
	for _, r := range records {
		if r.Seq >= from {
			if err := fn(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *journal) SaveCheckpoint(context.Context, []byte) error  { return nil }
func (j *journal) Checkpoints(context.Context) ([][]byte, error) { return nil, nil }
func (j *journal) Prune(context.Context, uint64) error           { return nil }
func (j *journal) breakWith(err error)                           { j.mu.Lock(); j.fail = err; j.mu.Unlock() }

const carolKey = "sk-carol-abc123def456" // has limits

// bank is a scene with books and a caller whose key has limits.
type bank struct {
	*scene
	journal *journal
	books   *ledger.Books
	limits  []*budget.Limit
	flights *vkey.Flights
	stop    func()
}

var (
	daily   = must(budget.InCalendar(budget.Day, time.UTC, budget.Anchor{}))
	rolling = must(budget.InSliding(time.Minute))
)

func limit(id string, k budget.Kind, amount int64, w budget.Window) *budget.Limit {
	return &budget.Limit{ID: id, Kind: k, Amount: amount, Window: w}
}

func usd(s string) int64 { return int64(must(money.ParseNano(s))) }

// roomy are four limits that nothing in the tests reaches.
func roomy() []*budget.Limit {
	return []*budget.Limit{
		limit("lim_cost", budget.Cost, usd("1000"), daily), limit("lim_tokens", budget.Tokens, 1<<40, daily),
		limit("lim_requests", budget.Requests, 1000, rolling), limit("lim_parallel", budget.Concurrency, 100, budget.Window{}),
	}
}

// newBank makes a scene in which carol's key has limits. change may change her entry.
func newBank(t testing.TB, limits []*budget.Limit, change func(*vkey.Entry), replies ...func(*sent) (*provider.Response, error)) *bank {
	t.Helper()
	b := &bank{scene: newScene(t, replies...), journal: &journal{}, limits: limits, flights: &vkey.Flights{}}
	books, _, err := ledger.Recover(context.Background(), ledger.Config{Journal: b.journal})
	if err != nil {
		t.Fatal(err)
	}
	b.books = books
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = books.Run(ctx) }()
	b.stop = func() { cancel(); <-done }
	entry := vkey.Entry{
		Digest: vkey.Hash(carolKey), Caller: &caller.Caller{KeyID: "key_carol", Name: "carol"}, Limits: limits, Flights: b.flights,
	}
	if change != nil {
		change(&entry)
	}
	b.keys = must(vkey.NewSet(nil, []vkey.Entry{entry, {Digest: vkey.Hash(aliceKey), Caller: &caller.Caller{KeyID: "key_alice"}}}))
	b.route.Gate.Auth.Keys, b.snap.Keys = b.keys, b.keys
	b.gateway = b.remake(b)
	return b
}

// remake makes the gateway with another recorder.
func (b *bank) remake(r gateway.Recorder) *gateway.Gateway {
	prices := catalog.New(must(catalog.ParseOwn("test", []byte(priceList))))
	return gateway.New(gateway.Options{
		Snapshot: b.snap, Quota: quota.NewEngine(time.Now, b.books), Prices: func() *catalog.Catalog { return prices },
		Recorder: r, Log: b.logger(),
	})
}

func (b *bank) ask(c call) *caughtAnswer {
	b.t.Helper()
	if c.header == nil {
		c.header = gateway.Header{}
	}
	c.header.Set("Authorization", "Bearer "+carolKey)
	return b.do(c)
}

// state is how a limit stands, by its place.
func (b *bank) state(i int) budget.State { return b.books.State(b.limits[i], "key_carol") }

// rows reads the ledger once everything that was put is in it.
func (b *bank) rows() []ledger.Row {
	b.t.Helper()
	b.stop()
	v := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{})
	var rows []ledger.Row
	if err := b.journal.Scan(context.Background(), 1, func(r ledger.Record) error {
		row, err := v.Next(r)
		row.Legs, row.Lines = slices.Clone(row.Legs), slices.Clone(row.Lines)
		rows = append(rows, row)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return rows
}

// checkBooks holds what is true of every exchange that is over: each attempt is
// resolved once, nothing is reserved, and counters, ledger and record agree.
func (b *bank) checkBooks(x *gateway.Exchange) (ends []ledger.Row) {
	b.t.Helper()
	for i, l := range b.limits {
		if s := b.state(i); s.Reserved != 0 {
			b.t.Errorf("%s: %d is still reserved", l.ID, s.Reserved)
		}
	}
	reserved, ended := map[budget.ID]ledger.Row{}, map[budget.ID]int{}
	var charged budget.Amount
	for _, r := range b.rows() {
		switch r.Kind {
		case ledger.Reserve:
			reserved[r.ID] = r
		case ledger.Settle, ledger.Void, ledger.Expire:
			ended[r.ID]++
			ends = append(ends, r)
			charged.Cost, charged.Tokens = charged.Cost.Add(r.Charged.Cost), charged.Tokens+r.Charged.Tokens
		}
	}
	for id := range reserved {
		if ended[id] != 1 {
			b.t.Errorf("reservation %v has %d ends", id, ended[id])
		}
	}
	if len(ended) != len(reserved) || len(x.Attempts) > len(reserved) {
		b.t.Errorf("%d attempts, %d reservations, %d of them ended", len(x.Attempts), len(reserved), len(ended))
	}
	for i, l := range b.limits {
		switch s := b.state(i); l.Kind {
		case budget.Cost:
			if s.Settled != int64(charged.Cost) {
				b.t.Errorf("%s: settled %d, the ledger says %d", l.ID, s.Settled, charged.Cost)
			}
		case budget.Tokens:
			if s.Settled != charged.Tokens {
				b.t.Errorf("%s: settled %d, the ledger says %d", l.ID, s.Settled, charged.Tokens)
			}
		case budget.Requests:
			if want := int64(min(1, len(reserved))); s.Settled != want {
				b.t.Errorf("%s: counted %d requests, want %d", l.ID, s.Settled, want)
			}
		}
	}
	if x.Outcome != gateway.Aborted && x.Cost != charged.Cost {
		b.t.Errorf("the record says %s, the ledger %s", x.Cost, charged.Cost)
	}
	return ends
}
