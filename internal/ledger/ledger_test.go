package ledger_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
)

// office is books on a disk that can be closed and opened again.
type office struct {
	t       testing.TB
	disk    *disk
	journal *memory
	books   *ledger.Books
	now     atomic.Int64 // nanoseconds since the epoch, on the wall clock
	born    int64        // what the monotonic clock counts from
	stop    func() error
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, disk: &disk{}}
	o.open(ledger.Config{})
	t.Cleanup(func() {
		if o.stop != nil {
			_ = o.stop()
		}
	})
	return o
}

func (o *office) config(c ledger.Config) ledger.Config {
	o.journal = &memory{disk: o.disk}
	c.Journal, c.Witness, c.BootID = o.journal, o.disk, cmp.Or(c.BootID, "boot")
	c.Wall = func() time.Time { return epoch.Add(time.Duration(o.now.Load())) }
	born := o.born
	c.Mono = func() time.Duration { return time.Duration(o.now.Load() - born) }
	return c
}

func (o *office) open(c ledger.Config) ledger.Report {
	o.t.Helper()
	books, report, err := ledger.Recover(context.Background(), o.config(c))
	if err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- books.Run(ctx) }()
	o.books, o.stop = books, sync.OnceValue(func() error { cancel(); return <-ended })
	return report
}

// reopen closes the books in order and opens them again.
func (o *office) reopen(c ledger.Config) ledger.Report {
	o.t.Helper()
	if err := o.stop(); err != nil {
		o.t.Fatal(err)
	}
	return o.open(c)
}

// kill ends the process at once.
func (o *office) kill() {
	o.journal.failWith(errDead)
	_ = o.stop()
}

// mark notes the last row.
func (o *office) mark() {
	v := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{})
	for _, r := range o.disk.records {
		if _, err := v.Next(r); err != nil {
			o.t.Fatal(err)
		}
	}
	o.disk.mark = v.Tip()
}

func (o *office) wait(d time.Duration) { o.now.Add(int64(d)) }

func limit(t testing.TB, id string, k budget.Kind, amount int64, window string) *budget.Limit {
	t.Helper()
	w, err := budget.ParseWindow(window)
	if err != nil {
		t.Fatal(err)
	}
	return &budget.Limit{ID: id, Kind: k, Amount: amount, Window: w}
}

func (o *office) ask(n int64, limits ...*budget.Limit) (*ledger.Reservation, *budget.Refusal, error) {
	return o.books.Reserve(context.Background(), budget.Ask{
		Subject: "key_a", Limits: limits, Asked: "m", Model: "m", Bound: cost(n), Deadline: epoch.Add(time.Duration(o.now.Load()) + time.Hour).UnixNano(),
	})
}

func (o *office) reserve(n int64, limits ...*budget.Limit) *ledger.Reservation {
	o.t.Helper()
	r, refusal, err := o.ask(n, limits...)
	if err != nil || refusal != nil {
		o.t.Fatal(refusal, err)
	}
	return r
}

func (o *office) settled(l *budget.Limit, settled, reserved int64) {
	o.t.Helper()
	if s := o.books.State(l, "key_a"); s.Settled != settled || s.Reserved != reserved {
		o.t.Fatalf("settled %d and reserved %d, want %d and %d", s.Settled, s.Reserved, settled, reserved)
	}
}

func cost(n int64) budget.Amount { return budget.Amount{Cost: money.Nano(n)} }
func exact(n int64) ledger.Charge {
	return ledger.Charge{Amount: cost(n), Source: ledger.Exact, Price: "v1", Lines: []ledger.Line{{What: "input", Count: 3, Unit: 7}}}
}

func store(t testing.TB, receipt ledger.Receipt) {
	t.Helper()
	if err := receipt.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func wait(t testing.TB) func(budget.Resolution, ledger.Receipt) {
	return func(_ budget.Resolution, receipt ledger.Receipt) { t.Helper(); store(t, receipt) }
}

// rows reads the ledger as it is on the disk.
func (d *disk) rows(t testing.TB) []ledger.Row {
	t.Helper()
	v := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{})
	var all []ledger.Row
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, rec := range d.records {
		row, err := v.Next(rec)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

// intact reads the rows that are not damaged.
func (d *disk) intact() (all []ledger.Row) {
	for _, rec := range d.records {
		if row, intact, _, _ := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{}).Accept(rec); intact {
			all = append(all, row)
		}
	}
	return all
}

func TestRowsAreKeptAsWritten(t *testing.T) {
	day, slide := limit(t, "d", budget.Cost, 1, "day Europe/Berlin"), limit(t, "s", budget.Tokens, 1, "sliding 1m0s")
	leg := budget.Leg{Limit: "d", Subject: "key_a", Kind: budget.Cost, Window: day.Window, Span: budget.Span{Start: -5, End: 9}}
	rows := []ledger.Row{
		{Kind: ledger.Reserve, At: budget.Instant{Wall: 1, Mono: 2}, Run: 3, ID: budget.ID{Run: 3, Number: 4}, Subject: "key_a", Asked: "fast", Model: "gpt-5",
			Bound: budget.Amount{Cost: 5, Tokens: 6}, Deadline: 7, Legs: []budget.Leg{leg, {Limit: "s", Kind: budget.Tokens, Window: slide.Window}, {Limit: "s", Subject: "key_b", Kind: budget.Tokens, Window: slide.Window}}},
		{Kind: ledger.Settle, Run: 3, ID: budget.ID{Run: 3, Number: 4}, Charged: budget.Amount{Cost: 5, Tokens: 6}, Source: ledger.Cut, Price: "v1",
			Lines: []ledger.Line{{What: "input", Count: 100, Unit: 2_500_000}, {What: "output", Count: -1, Unit: 0}}},
		{Kind: ledger.Void, Run: 3}, {Kind: ledger.Expire, Run: 3}, {Kind: ledger.Late, Run: 3},
		{Kind: ledger.Open, Run: 3, Balance: budget.Balance{Leg: leg, Settled: 1, Reserved: 2, Overrun: 3,
			Admissions: []budget.Admission{{ID: budget.ID{Run: 1, Number: 2}, At: -9, Charge: 4, Open: true}, {}}}},
		{Kind: ledger.Limit, Run: 4, Balance: budget.Balance{Leg: leg}, Amount: 12, Actor: "admin", Reason: "because\n"},
		{Kind: ledger.Adjust, Run: 4, Balance: budget.Balance{Leg: leg}}, {Kind: ledger.Close, Run: 4, Balance: budget.Balance{Leg: leg}},
		{Kind: ledger.Grant, Run: 4, Balance: budget.Balance{Leg: leg}, Amount: 7}, {Kind: ledger.Start, Run: 5, Boot: "b", Reason: "r"}, {Kind: ledger.Stop, Run: 5},
		{Kind: ledger.Mend, Run: 5, Amount: 3, Want: ledger.Hash{1}, Have: ledger.Hash{31: 2}},
	}
	chain, verifier := ledger.NewChain(ledger.Mark{}), ledger.NewVerifier(ledger.Mark{}, ledger.Mark{})
	for i := range rows {
		got, err := verifier.Next(chain.Seal(&rows[i]))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []*ledger.Row{&got, &rows[i]} { // windows are compared by what they are
			for j := range r.Legs {
				if !r.Legs[j].Window.Equal(rows[i].Legs[j].Window) {
					t.Errorf("window %v", r.Legs[j].Window)
				}
			}
		}
		for j := range got.Legs {
			got.Legs[j].Window = rows[i].Legs[j].Window
		}
		if !got.Balance.Window.Equal(rows[i].Balance.Window) {
			t.Errorf("window %v", got.Balance.Window)
		}
		got.Balance.Window = rows[i].Balance.Window
		if !reflect.DeepEqual(got, rows[i]) {
			t.Errorf("wrote %+v\n read %+v", rows[i], got)
		}
	}
	if verifier.Tip() != chain.Tip() {
		t.Error("writer and reader end with different marks")
	}
}

// TestDamageIsFound flips every bit of a small ledger, and takes, swaps and repeats rows.
func TestDamageIsFound(t *testing.T) {
	o := newOffice(t)
	l := limit(t, "l", budget.Cost, 100, "day UTC")
	for range 3 {
		wait(t)(o.reserve(5, l).Settle(exact(3)))
	}
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	verify := func(records []ledger.Record, mark ledger.Mark) error {
		v := ledger.NewVerifier(ledger.Mark{}, mark)
		for _, r := range records {
			if _, err := v.Next(r); err != nil {
				return err
			}
		}
		return v.End()
	}
	whole, mark := o.disk.records, o.disk.mark
	if err := verify(whole, mark); err != nil || mark.Seq != uint64(o.disk.durable) {
		t.Fatal(mark, o.disk.durable, err)
	}
	for i, r := range whole {
		for bit := range len(r.Bytes) * 8 {
			r.Bytes[bit/8] ^= 1 << (bit % 8)
			if err := verify(whole, mark); !errors.Is(err, ledger.ErrAltered) {
				t.Fatalf("row %d, bit %d: %v", i+1, bit, err)
			}
			r.Bytes[bit/8] ^= 1 << (bit % 8)
		}
	}
	renumbered := func(records []ledger.Record) []ledger.Record {
		records = slices.Clone(records)
		for i := range records {
			records[i].Seq = uint64(i) + 1
		}
		return records
	}
	without := slices.Delete(slices.Clone(whole), 2, 3)
	for name, c := range map[string]struct {
		records []ledger.Record
		mark    ledger.Mark
		want    error
	}{
		"a row is missing":             {without, mark, ledger.ErrGap},
		"and the rest renumbered":      {renumbered(without), mark, ledger.ErrAltered},
		"a row is there twice":         {slices.Insert(slices.Clone(whole), 2, whole[1]), mark, ledger.ErrGap},
		"two are swapped":              {renumbered([]ledger.Record{whole[1], whole[0]}), ledger.Mark{}, ledger.ErrAltered},
		"the end is missing":           {whole[:mark.Seq-1], mark, ledger.ErrTruncated},
		"all is missing":               {nil, mark, ledger.ErrTruncated},
		"a row is cut":                 {[]ledger.Record{{Seq: 1, Bytes: whole[0].Bytes[:20]}}, mark, ledger.ErrAltered},
		"another ledger as long as it": {whole, ledger.Mark{Seq: mark.Seq, Hash: ledger.Hash{1}}, ledger.ErrAltered},
	} {
		if err := verify(c.records, c.mark); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForgedRow replaces a row by another one that is sealed as it should be: the row
// behind it does not fit any more.
func TestForgedRow(t *testing.T) {
	chain := ledger.NewChain(ledger.Mark{})
	first, second := ledger.Row{Kind: ledger.Settle, Charged: cost(100)}, ledger.Row{Kind: ledger.Void}
	chain.Seal(&first)
	rest := chain.Seal(&second)
	first.Charged = cost(1)
	v := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{})
	if _, err := v.Next(ledger.NewChain(ledger.Mark{}).Seal(&first)); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Next(rest); !errors.Is(err, ledger.ErrAltered) {
		t.Errorf("%v", err)
	}
}

func TestStartAfterStart(t *testing.T) {
	o := newOffice(t)
	day, rpm := limit(t, "day", budget.Cost, 100, "day UTC"), limit(t, "rpm", budget.Requests, 3, "sliding 1m0s")
	wait(t)(o.reserve(10, day, rpm).Settle(exact(7)))
	open := o.reserve(20, day, rpm)
	o.wait(10 * time.Second)
	if report := o.reopen(ledger.Config{}); report.Expired != 1 || report.Rows != 7 || report.Read != 5 {
		t.Errorf("%+v", report)
	}
	o.settled(day, 27, 0)
	o.settled(rpm, 2, 0)
	late, ok := o.books.Correctable(open.ID())
	if !ok {
		t.Fatal("the expired reservation is not there any more")
	}
	wait(t)(late.Late(exact(5)))
	o.settled(day, 12, 0)
	if _, ok := o.books.Correctable(open.ID()); ok {
		t.Error("it could be corrected twice")
	}
	o.reserve(1, day, rpm)
	if _, refusal, _ := o.ask(1, day, rpm); refusal == nil || refusal.Wait != 50*time.Second {
		t.Errorf("the window of before the start: %+v", refusal)
	}
}

func TestClosingWindows(t *testing.T) {
	o := newOffice(t)
	day := limit(t, "day", budget.Cost, 100, "day UTC")
	wait(t)(o.reserve(10, day).Settle(exact(7)))
	o.wait(24*time.Hour + 30*time.Second)
	o.books.Sweep()
	o.wait(time.Minute)
	o.books.Sweep()
	o.books.Sweep()
	o.settled(day, 0, 0)
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	closed := 0
	for _, r := range o.disk.rows(t) {
		if r.Kind == ledger.Close {
			if closed++; r.Balance.Settled != 7 || r.Balance.Limit != "day" || r.At.Wall < epoch.Add(24*time.Hour+time.Minute).UnixNano() {
				t.Errorf("%+v", r)
			}
		}
	}
	if closed != 1 {
		t.Errorf("closed %d times", closed)
	}
}

func TestDeadlineAndHorizon(t *testing.T) {
	o := newOffice(t)
	life := limit(t, "life", budget.Cost, 100, "life")
	r := o.reserve(10, life)
	o.wait(time.Hour - 1)
	o.books.Sweep()
	o.settled(life, 0, 10)
	o.wait(1)
	o.books.Sweep()
	o.settled(life, 10, 0)
	o.wait(ledger.Horizon - time.Hour)
	if got, _ := r.Late(exact(1)); got.Corrected {
		t.Error("corrected after the horizon")
	}
	o.books.Sweep()
	if _, ok := o.books.Correctable(r.ID()); ok {
		t.Error("still kept")
	}
	o.settled(life, 10, 0)
}

func TestAdjust(t *testing.T) {
	o := newOffice(t)
	day := limit(t, "day", budget.Cost, 100, "day UTC")
	wait(t)(o.reserve(50, day).Settle(exact(50)))
	for _, c := range []struct{ by, want, settled int64 }{{10, 10, 60}, {-20, -20, 40}, {-100, -40, 0}, {30, 30, 30}} {
		if got, err := o.books.Adjust(context.Background(), day, "key_a", c.by, "admin", "a test"); got != c.want || err != nil {
			t.Errorf("by %d: %d, %v", c.by, got, err)
		}
		o.settled(day, c.settled, 0)
	}
	if _, err := o.books.Adjust(context.Background(), day, "key_a", 1, "admin", ""); err == nil {
		t.Error("without a reason")
	}
	if _, err := o.books.Adjust(context.Background(), limit(t, "rpm", budget.Requests, 1, "sliding 1m0s"), "key_a", 1, "admin", "x"); err == nil {
		t.Error("a sliding window")
	}
	o.reopen(ledger.Config{})
	o.settled(day, 30, 0)
}

func TestJournalUnavailable(t *testing.T) {
	o := newOffice(t)
	day, requests := limit(t, "day", budget.Cost, 100, "day UTC"), limit(t, "requests", budget.Requests, 9, "day UTC")
	open := o.reserve(10, day, requests)
	o.journal.failWith(fmt.Errorf("disk full: %w", ledger.ErrUnavailable))
	if _, _, err := o.ask(5, day, requests); !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
	o.settled(day, 0, 10)
	o.settled(requests, 1, 0)
	_, receipt := open.Settle(exact(4))
	if err := receipt.Wait(context.Background()); !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
	o.settled(day, 4, 0)
	o.journal.failWith(nil)
	o.reserve(1, day, requests) // recovers by itself, and what happened meanwhile is on record first
	if report := o.reopen(ledger.Config{}); report.Expired != 1 {
		t.Errorf("%+v", report)
	}
	o.settled(day, 5, 0)
	o.settled(requests, 2, 0)
}

func TestJournalBroken(t *testing.T) {
	o := newOffice(t)
	day := limit(t, "day", budget.Cost, 100, "day UTC")
	broken := errors.New("input/output error")
	o.journal.failWith(broken)
	if _, _, err := o.ask(5, day); !errors.Is(err, broken) {
		t.Fatalf("%v", err)
	}
	o.journal.failWith(nil)
	if _, _, err := o.ask(5, day); !errors.Is(err, broken) {
		t.Errorf("goes on with a journal that failed: %v", err)
	}
	if err := o.stop(); !errors.Is(err, broken) {
		t.Errorf("Run ended with %v", err)
	}
}

func TestClientGoneBeforeItBegan(t *testing.T) {
	o := newOffice(t)
	day := limit(t, "day", budget.Cost, 100, "day UTC")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := o.books.Reserve(ctx, budget.Ask{Subject: "key_a", Limits: []*budget.Limit{day}, Bound: cost(9)}); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	o.settled(day, 0, 0)
	if report := o.reopen(ledger.Config{}); report.Expired != 0 {
		t.Errorf("%+v", report)
	}
}

// TestParallelBooks lets many spend one dollar together, with the books kept: it is
// never passed, a sequential caller can spend the rest, and a restart agrees.
func TestParallelBooks(t *testing.T) {
	o := newOffice(t)
	dollar := limit(t, "dollar", budget.Cost, 1000, "day UTC")
	rpm := limit(t, "rpm", budget.Requests, 100_000, "sliding 1m0s")
	var spent atomic.Int64
	var group sync.WaitGroup
	for worker := range 200 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 7))
			for range 20 {
				r, _, err := o.ask(20, dollar, rpm)
				if err != nil {
					t.Error(err)
					return
				}
				if r == nil {
					continue
				}
				n := 1 + random.Int64N(20)
				spent.Add(n)
				r.Settle(exact(n))
				r.Close()
			}
		})
	}
	for range 3 {
		o.books.Sweep()
		if err := o.books.Checkpoint(context.Background()); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	if spent.Load() > 1000 || spent.Load() < 980 {
		t.Errorf("spent %d of 1000", spent.Load())
	}
	o.settled(dollar, spent.Load(), 0)
	requests := o.books.State(rpm, "key_a").Settled
	o.reopen(ledger.Config{})
	o.settled(dollar, spent.Load(), 0)
	o.settled(rpm, requests, 0)
}

// TestFrozenClock: while the wall clock is behind what it has shown, a restart takes
// admissions for younger than they are, never for older.
func TestFrozenClock(t *testing.T) {
	o := newOffice(t)
	rpm := limit(t, "rpm", budget.Requests, 1, "sliding 1m0s")
	o.wait(time.Hour)
	o.reserve(1, rpm)
	o.now.Add(-int64(time.Hour))
	o.reopen(ledger.Config{})
	if _, refusal, _ := o.ask(1, rpm); refusal == nil {
		t.Error("a slot was opened by a clock that was put back")
	}
}

// TestRowsOfTheFirstFormat are read as those of today, which are shorter: each text that is in every leg of a
// row is in it once.
func TestRowsOfTheFirstFormat(t *testing.T) {
	const first = "0101010204030304056b65795f610466617374056770742d350a0c0e020164056b65795f610111646179204575726f70652f4265726c696e091201730002" +
		"0c736c6964696e6720316d307300007d4ba7b1c84ec21d86af7f63301e78603b8aae768a3c60b76652093a85b08673d6481cf1"
	bytes, err := hex.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	row, err := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{}).Next(ledger.Record{Seq: 1, Bytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	if len(row.Legs) != 2 || row.Legs[0].Subject != "key_a" || row.Legs[0].Span != (budget.Span{Start: -5, End: 9}) || row.Legs[1].Subject != "" || row.Deadline != 7 {
		t.Errorf("%+v", row)
	}
	sealed := ledger.NewChain(ledger.Mark{}).Seal(&row)
	again, err := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{}).Next(sealed)
	if err != nil || !reflect.DeepEqual(again, row) {
		t.Errorf("%+v became %+v, %v", row, again, err)
	}
	if n := strings.Count(string(sealed.Bytes), "key_a"); n != 1 {
		t.Errorf("the subject is in it %d times", n)
	}
}

// FuzzRow reads what anybody could have sealed: it is understood or refused, and what
// is understood is written again as something that reads the same.
func FuzzRow(f *testing.F) {
	for _, row := range []ledger.Row{
		{Kind: ledger.Reserve, Run: 1, Subject: "key_a", Legs: []budget.Leg{{Limit: "l", Kind: budget.Cost}}},
		{Kind: ledger.Settle, Lines: []ledger.Line{{What: "input", Count: 1}}},
		{Kind: ledger.Open, Balance: budget.Balance{Admissions: []budget.Admission{{At: 1}}}},
	} {
		b := ledger.NewChain(ledger.Mark{}).Seal(&row).Bytes
		f.Add(b[:len(b)-36])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		hash := sha256.Sum256(append(make([]byte, 32), body...))
		b := append(slices.Clone(body), hash[:]...)
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
		row, err := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{}).Next(ledger.Record{Seq: 1, Bytes: b})
		if err != nil {
			return
		}
		sealed := ledger.NewChain(ledger.Mark{}).Seal(&row)
		again, err := ledger.NewVerifier(ledger.Mark{}, ledger.Mark{}).Next(sealed)
		if err != nil || !slices.Equal(sealed.Bytes, ledger.NewChain(ledger.Mark{}).Seal(&again).Bytes) {
			t.Errorf("%x became %x, %v", b, sealed.Bytes, err)
		}
	})
}

func FuzzDecodeCheckpoint(f *testing.F) {
	seed := (&ledger.Checkpoint{Run: 1, Balances: make([]budget.Balance, 1), Held: make([]budget.Held, 1)}).Encode()
	f.Add(seed[:len(seed)-4])
	f.Fuzz(func(t *testing.T, body []byte) {
		b := binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
		c, err := ledger.DecodeCheckpoint(b)
		if err != nil {
			return
		}
		if again, err := ledger.DecodeCheckpoint(c.Encode()); err != nil || !slices.Equal(again.Encode(), c.Encode()) {
			t.Errorf("%+v became %+v, %v", c, again, err)
		}
	})
}
