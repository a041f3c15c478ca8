package money

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/store/sqlite"
)

// TestPowerFailure lets the power fail under load, again and again: of the database only
// what was on the disk is left, and of what was written since as much as chance has it, with
// holes. What the provider was asked for since the last start is spent after the next one,
// in every limit, although the machine never waited for the disk but now and then.
func TestPowerFailure(t *testing.T) {
	m := &machine{t: t, dir: t.TempDir(), limits: []*budget.Limit{
		ruled(t, "lim_life", budget.Cost, 50_000_000, "life"),
		ruled(t, "lim_year", budget.Cost, 60_000_000, "year UTC"),
		ruled(t, "lim_tight", budget.Tokens, 40_000, "year Europe/Berlin"), // is soon used up
		ruled(t, "lim_rpm", budget.Requests, 1_000_000, "sliding 1h0m0s"),
	}}
	unsynced, lost := int64(0), 0
	for round := range 10 {
		before := m.open(round)
		m.load(time.Duration(30+rand.IntN(100)) * time.Millisecond)
		power := round%4 != 3 // else only the process dies
		gone := m.fail(power)
		unsynced += gone
		report := m.recover(power)
		lost += len(report.Lost)
		if !power && len(report.Lost) > 0 {
			t.Errorf("only the process died, but %v is charged as lost", report.Lost)
		}
		for i, l := range m.limits {
			after := m.books.State(l, subject)
			spent, asked, most := after.Settled-before[i], m.asked.of(l.Kind), m.bound.of(l.Kind)
			for _, e := range report.Lost {
				if e.Limit == l.ID {
					most += e.Size
				}
			}
			if spent < asked || spent > most || after.Reserved != 0 {
				t.Errorf("round %d: the provider was asked for %d of %s and at most %d can be explained, but %d is spent and %d reserved; %d bytes were gone",
					round, asked, l.ID, most, spent, after.Reserved, gone)
			}
		}
		t.Logf("round %d: %d requests, %d bytes gone, %d expired, %d limits charged for what may be lost", round, m.asked.of(budget.Requests), gone, report.Expired, len(report.Lost))
		m.close()
	}
	if unsynced == 0 || lost == 0 {
		t.Errorf("%d bytes were gone and %d limits charged: nothing was shown", unsynced, lost)
	}
}

const (
	subject = "key_power"
	largest = 100 // what a request of the load is bound by, in nano-dollars and in tokens
)

// machine is one whose power can fail: books on a database in a directory.
type machine struct {
	t      *testing.T
	dir    string
	boot   string
	still  bool // nothing is moved out of the tail
	limits []*budget.Limit
	store  *sqlite.Store
	disk   *disk
	books  *ledger.Books
	stop   func() error

	asked *tally // what the provider was asked for since the start
	bound *tally // what was set aside for that, and for what failed
}

// tally adds up amounts.
type tally struct{ cost, tokens, requests atomic.Int64 }

func (n *tally) add(a budget.Amount) {
	n.cost.Add(int64(a.Cost))
	n.tokens.Add(a.Tokens)
	n.requests.Add(1)
}

func (n *tally) of(k budget.Kind) int64 {
	switch k {
	case budget.Cost:
		return n.cost.Load()
	case budget.Tokens:
		return n.tokens.Load()
	default:
		return n.requests.Load()
	}
}

// open starts the machine and tells what is spent.
func (m *machine) open(round int) (spent []int64) {
	m.t.Helper()
	m.boot = fmt.Sprint("boot ", round)
	m.start()
	for _, l := range m.limits {
		spent = append(spent, m.books.State(l, subject).Settled)
	}
	m.asked, m.bound = &tally{}, &tally{}
	return spent
}

func (m *machine) start() ledger.Report {
	m.t.Helper()
	var err error
	if m.store, err = sqlite.Open(m.t.Context(), sqlite.Options{Dir: m.dir, BootID: m.boot}); err != nil {
		m.t.Fatal(err)
	}
	m.disk = &disk{Journal: m.store.Journal(), Mark: m.store.Mark(), dir: m.dir}
	var report ledger.Report
	if m.books, report, err = ledger.Recover(m.t.Context(), ledger.Config{Journal: m.disk, Witness: m.disk, BootID: m.boot}); err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(m.t.Context())
	ended := make(chan error, 2)
	go func() { ended <- m.books.Run(ctx) }()
	go func() {
		if m.still {
			ended <- nil
			return
		}
		ended <- m.store.Run(ctx)
	}()
	m.stop = func() error { cancel(); return errors.Join(<-ended, <-ended) }
	return report
}

// load has clients ask the provider for a while; some never hear from it.
func (m *machine) load(d time.Duration) {
	until := time.Now().Add(d)
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for time.Now().Before(until) {
				m.request()
			}
		})
	}
	time.Sleep(d / 2)
	if err := m.books.Checkpoint(m.t.Context()); err != nil {
		m.t.Error(err)
	}
	time.Sleep(d / 4)
	m.disk.die()
	clients.Wait()
}

// request asks once. When the limit on tokens is used up, others go on without it.
func (m *machine) request() {
	bound := budget.Amount{Cost: money.Nano(1 + rand.IntN(largest)), Tokens: 1 + rand.Int64N(largest)}
	r, refusal, err := m.reserve(bound, m.limits)
	if refusal != nil && refusal.Limit.Kind == budget.Tokens {
		bound.Tokens = 0
		r, refusal, err = m.reserve(bound, slices.DeleteFunc(slices.Clone(m.limits), func(l *budget.Limit) bool { return l == refusal.Limit }))
	}
	switch {
	case refusal != nil:
		m.t.Errorf("refused by %s", refusal.Limit.ID)
	case err != nil:
		if !errors.Is(err, ledger.ErrUnavailable) {
			m.t.Error(err)
		}
		m.bound.add(bound) // nobody knows whether it is on the disk
	default:
		used := budget.Amount{Cost: money.Nano(rand.Int64N(int64(bound.Cost) + 1)), Tokens: rand.Int64N(bound.Tokens + 1)}
		m.asked.add(used)
		m.bound.add(bound)
		if rand.IntN(20) > 0 {
			r.Settle(ledger.Charge{Amount: used, Source: ledger.Exact})
		}
	}
}

func (m *machine) reserve(bound budget.Amount, limits []*budget.Limit) (*ledger.Reservation, *budget.Refusal, error) {
	return m.books.Reserve(m.t.Context(), budget.Ask{
		Subject: subject, Limits: limits, Asked: "m", Model: "m", Bound: bound, Deadline: time.Now().Add(time.Hour).UnixNano(),
	})
}

// fail ends the process, and if the power failed takes from the disk what was not there
// for certain. It tells how many bytes that are.
func (m *machine) fail(power bool) (gone int64) {
	m.t.Helper()
	_ = m.stop() // it failed with the disk
	files := map[string][]byte{}
	for _, name := range append([]string{"tollgate.db", "tollgate.db-wal", "requests.db", "requests.db-wal", "ledger.mark"}, tails...) {
		text, err := os.ReadFile(filepath.Join(m.dir, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			m.t.Fatal(err)
		}
		files[name] = text
	}
	if err := m.store.Close(); err != nil {
		m.t.Fatal(err)
	}
	if power {
		for _, name := range tails { // what is committed in the database is on the disk
			gone += tear(m.disk.synced[name], files[name])
		}
		if m.disk.before != nil && rand.IntN(2) == 0 {
			files["ledger.mark"] = m.disk.before // the new name was not on the disk
		}
	}
	m.dir = m.t.TempDir()
	for name, text := range files {
		if text != nil {
			if err := os.WriteFile(filepath.Join(m.dir, name), text, 0o600); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	return gone
}

// tear takes from a file what was written to it after it was last brought onto the disk:
// all, what is behind some byte, or some sectors anywhere. It tells how many bytes were written.
func tear(synced, file []byte) (written int64) {
	before := append(bytes.Clone(synced), make([]byte, max(0, len(file)-len(synced)))...)
	for i := range file {
		if file[i] != before[i] {
			written++
		}
	}
	switch rand.IntN(3) {
	case 0:
		copy(file, before)
		return written
	case 1:
		at := rand.IntN(len(file) + 1)
		copy(file[at:], before[at:])
		return written
	}
	const sector = 512
	for at := 0; at < len(file); at += sector {
		if end := min(at+sector, len(file)); rand.IntN(3) == 0 {
			copy(file[at:end], before[at:end])
		}
	}
	return written
}

// recover starts the books after a failure.
func (m *machine) recover(power bool) ledger.Report {
	if power {
		m.boot += " failed"
	}
	return m.start()
}

func (m *machine) close() {
	m.t.Helper()
	if err := errors.Join(m.stop(), m.store.Close()); err != nil {
		m.t.Fatal(err)
	}
}

func ruled(t *testing.T, id string, k budget.Kind, amount int64, window string) *budget.Limit {
	t.Helper()
	w, err := budget.ParseWindow(window)
	if err != nil {
		t.Fatal(err)
	}
	return &budget.Limit{ID: id, Kind: k, Amount: amount, Window: w}
}

// tails are the files of the tail of the ledger.
var tails = []string{"ledger.tail-1", "ledger.tail-2"}

// disk is a journal and a mark that stop working at once, and that know what of the tail was
// on the disk by then.
type disk struct {
	ledger.Journal
	*sqlite.Mark
	dir string

	mu     sync.Mutex
	dead   bool
	synced map[string][]byte // the files
	before []byte            // the mark before the last
}

var errPower = errors.New("the power has failed")

// note keeps what is in the files of the tail as what is on the disk. It is called once they were
// made durable, by whoever had that done: what the books may take for durable by then must
// be among it, also where the power has failed before they were told. So it can have a little more.
func (d *disk) note() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced = map[string][]byte{}
	for _, name := range tails {
		d.synced[name], _ = os.ReadFile(filepath.Join(d.dir, name)) // there may be none
	}
}

func (d *disk) die() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
}

// told tells how something went, if anybody can still be told.
func (d *disk) told(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errPower
	}
	return err
}

func (d *disk) Append(ctx context.Context, records []ledger.Record, durable bool) error {
	if err := d.told(nil); err != nil {
		return err
	}
	err := d.Journal.Append(ctx, records, durable)
	if durable && err == nil {
		d.note()
	}
	return d.told(err)
}

func (d *disk) Sync(ctx context.Context) error {
	if err := d.told(nil); err != nil {
		return err
	}
	err := d.Journal.Sync(ctx)
	if err == nil {
		d.note()
	}
	return d.told(err)
}

func (d *disk) SaveCheckpoint(ctx context.Context, checkpoint []byte) error {
	if err := d.told(nil); err != nil {
		return err
	}
	return d.told(d.Journal.SaveCheckpoint(ctx, checkpoint))
}

// Save notes the mark.
func (d *disk) Save(m ledger.Mark) error {
	if err := d.told(nil); err != nil {
		return err
	}
	before, err := os.ReadFile(filepath.Join(d.dir, "ledger.mark"))
	if err == nil {
		d.before = before
	}
	return d.Mark.Save(m)
}
