package control_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/control"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/store/sqlite"
	"tollgate/internal/vkey"
)

// house is a Control over a real database and real books, with a clock that is set.
type house struct {
	*control.Control
	t       testing.TB
	dir     string
	store   *sqlite.Store
	books   *ledger.Books
	faulty  *faultyBooks
	live    *liveKeys
	pepper  *vkey.Pepper
	catalog *catalog.Catalog
	mu      sync.Mutex
	now     time.Time
	close   func()
}

var noon = time.Date(2026, 10, 14, 12, 0, 0, 0, time.UTC)

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), now: noon, live: &liveKeys{keys: map[string]*vkey.Key{}}, catalog: catalog.New()}
	h.pepper, _ = vkey.NewPepper(make([]byte, 32))
	h.open()
	t.Cleanup(func() { h.close() })
	return h
}

// open starts the program on the directory.
func (h *house) open() {
	h.t.Helper()
	var err error
	if h.store, err = sqlite.Open(h.t.Context(), sqlite.Options{Dir: h.dir}); err != nil {
		h.t.Fatal(err)
	}
	h.books, _, err = ledger.Recover(h.t.Context(), ledger.Config{Journal: h.store.Journal(), Wall: h.clock})
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.books.Run(ctx) }()
	h.close = func() {
		stop()
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
		if err := h.store.Close(); err != nil {
			h.t.Error(err)
		}
	}
	h.faulty = &faultyBooks{Books: h.books}
	h.Control = control.New(control.Parts{
		Store: h.store, Books: h.faulty, Live: h.live, Pepper: h.pepper, Catalog: func() *catalog.Catalog { return h.catalog },
		Now: h.clock, Random: rand.Reader, Health: func() admin.Health { return admin.Health{} },
	})
}

// restart ends the program and starts it again.
func (h *house) restart() {
	h.t.Helper()
	h.close()
	h.open()
	if err := h.Reconcile(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

var root = control.Call{Actor: actor.Actor{Kind: actor.Token, ID: "adm_root", Name: "root", Role: actor.Owner}, RequestID: "req-1"}

func (h *house) create(in admin.KeyInput) *admin.KeyCreated {
	h.t.Helper()
	out, err := h.CreateKey(h.t.Context(), root, in)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func (h *house) key(id string) *admin.Key {
	h.t.Helper()
	k, err := h.Key(h.t.Context(), root, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return k
}

func (h *house) edit(id, patch string) *admin.KeyChanged {
	h.t.Helper()
	out, err := h.EditKey(h.t.Context(), root, id, json.RawMessage(patch))
	if err != nil {
		h.t.Fatalf("%s: %v", patch, err)
	}
	return out
}

// spend lets the key in force make a request.
func (h *house) spend(id string, cost money.Nano, tokens int64) *budget.Refusal {
	h.t.Helper()
	k := h.live.get(id)
	if k == nil {
		h.t.Fatalf("key %s is not in force", id)
	}
	h.live.mu.Lock()
	limits := budget.Applying(k.Limits, h.live.shared, k.Labels)
	h.live.mu.Unlock()
	amount := budget.Amount{Cost: cost, Tokens: tokens}
	r, refusal, err := h.books.Reserve(h.t.Context(), budget.Ask{Subject: id, Limits: limits, Asked: "m", Model: "m", Bound: amount, Deadline: h.clock().Add(time.Hour).UnixNano()})
	if err != nil {
		h.t.Fatal(err)
	}
	if refusal != nil {
		return refusal
	}
	_, receipt := r.Settle(ledger.Charge{Amount: amount, Source: ledger.Exact})
	if err := receipt.Wait(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return nil
}

// events gives the audit trail, the oldest first.
func (h *house) events() []*audit.Event {
	h.t.Helper()
	var all []*audit.Event
	err := h.store.View(h.t.Context(), func(tx store.Tx) error {
		return tx.Events().Each(1, func(e *audit.Event) error {
			all = append(all, e)
			return nil
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h *house) last() *audit.Event {
	h.t.Helper()
	all := h.events()
	if len(all) == 0 {
		h.t.Fatal("nothing is on record")
	}
	return all[len(all)-1]
}

// refused asserts the kind, code and words of an error.
func refused(t testing.TB, err error, kind control.Kind, code string, says ...string) *control.Error {
	t.Helper()
	var e *control.Error
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want a refusal %s", err, code)
	}
	text := e.Detail
	for _, f := range e.Fields {
		text += fmt.Sprintf("\n%s: %s (%s)", f.Path, f.Message, f.Suggestion)
	}
	if e.Kind != kind || e.Code != code {
		t.Fatalf("error of kind %d, code %s, want %d, %s: %s", e.Kind, e.Code, kind, code, text)
	}
	for _, s := range says {
		if !strings.Contains(text, s) {
			t.Errorf("the refusal does not say %q:\n%s", s, text)
		}
	}
	return e
}

// faultyBooks are books that can be made to fail.
type faultyBooks struct {
	control.Books
	mu   sync.Mutex
	fail error
	told []ledger.Change
	sums int // adjustments
}

func (b *faultyBooks) set(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

func (b *faultyBooks) Change(ctx context.Context, c ledger.Change) error {
	b.mu.Lock()
	fail := b.fail
	b.told = append(b.told, c)
	b.mu.Unlock()
	if fail != nil {
		return fail
	}
	return b.Books.Change(ctx, c)
}

func (b *faultyBooks) Adjust(ctx context.Context, l *budget.Limit, subject string, by int64, actor, reason string) (int64, error) {
	b.mu.Lock()
	fail := b.fail
	b.sums++
	b.mu.Unlock()
	if fail != nil {
		return 0, fail
	}
	return b.Books.Adjust(ctx, l, subject, by, actor, reason)
}

// liveKeys is a data plane that only remembers.
type liveKeys struct {
	mu        sync.Mutex
	keys      map[string]*vkey.Key
	shared    []*budget.Limit
	cut       []string
	used      map[string]map[string]time.Time
	models    []control.Model
	budgets   []control.DeclaredBudget
	upstreams []control.Upstream
	flights   map[string]int
}

func (l *liveKeys) get(id string) *vkey.Key {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys[id]
}

func (l *liveKeys) KeysChanged(changed []*vkey.Key, removed []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range changed {
		l.keys[k.ID] = k
	}
	for _, id := range removed {
		delete(l.keys, id)
	}
}

func (l *liveKeys) LimitsChanged(shared []*budget.Limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shared = shared
}

func (l *liveKeys) Cut(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = append(l.cut, id)
	return 1
}

func (l *liveKeys) Used(id string) map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.used[id])
}

func (l *liveKeys) InFlight(id string) (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, ok := l.flights[id]
	return n, ok
}

func (l *liveKeys) CredentialsChanged(context.Context) error { return nil }
func (l *liveKeys) CredentialInUse(string) []string          { return nil }
func (l *liveKeys) Budgets() []control.DeclaredBudget        { return l.budgets }
func (l *liveKeys) PricesChanged(*catalog.Layer)             {}
func (l *liveKeys) Models() []control.Model                  { return slices.Clone(l.models) }
func (l *liveKeys) Upstreams() []control.Upstream            { return l.upstreams }
func (l *liveKeys) Host(string) string                       { return "" }
func (l *liveKeys) Try(context.Context, string, string, secret.Text) (int, error) {
	return 0, io.ErrUnexpectedEOF
}
