package control_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/catalog"
	"tollgate/internal/control"
	"tollgate/internal/record"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/vault"
)

// estate is a house with a data plane that has providers, prices and credentials.
type estate struct {
	*house
	*control.Control
	plane *plane
	parts control.Parts
	down  atomic.Bool // the database cannot be read or written
}

var (
	masterKey = secret.New(strings.Repeat("0123456789abcdef", 4))
	admins    = control.Call{Actor: actor.Actor{Kind: actor.Token, ID: "adm_2", Name: "alice", Role: actor.Admin}, RequestID: "req-2"}
)

// newEstate makes an estate; with says what is different about it.
func newEstate(t testing.TB, with func(*control.Parts)) *estate {
	t.Helper()
	e := &estate{house: newHouse(t)}
	base, err := catalog.ParseOwn("list", []byte(basePrices))
	if err != nil {
		t.Fatal(err)
	}
	e.plane = &plane{liveKeys: e.house.live, base: base, status: 200}
	e.plane.PricesChanged(nil)
	v, _, err := vault.New(masterKey, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	e.parts = control.Parts{
		Store: breakable{e.house.store, &e.down}, Books: e.house.books, Live: e.plane, Pepper: e.house.pepper, Vault: v, Catalog: e.plane.catalog.Load,
		Now: e.house.clock, Random: rand.Reader, Health: func() admin.Health { return admin.Health{Version: "1.2.3"} },
		Providers: []string{"openai", "anthropic", "azure", "custom"},
	}
	if with != nil {
		with(&e.parts)
	}
	e.Control = control.New(e.parts)
	return e
}

// basePrices is the price list of the program.
const basePrices = `{"format":"tollgate/prices/1","version":"7","date":"2026-09-30","providers":{
	"openai":{"models":{"gpt-5":{"contextWindow":400000,"maxOutput":128000,"rates":{"input":"1.25","output":"10"},"service":{"priority":"2"}},
		"gpt-5-mini":{"rates":{"input":"0.25","output":"2"}},"text-moderation":{"free":true}}},
	"anthropic":{"models":{"claude-sonnet-4-5":{"rates":{"input":"3","output":"15"},"tiers":[{"contextOver":200000,"rates":{"input":"6","output":"22.50"}}]},"claude-x":{"contextWindow":5}}},
	"azure":{"fallback":["openai"]}}}`

// plane is a data plane that knows providers.
type plane struct {
	*liveKeys
	base    *catalog.Layer
	catalog atomic.Pointer[catalog.Catalog]
	own     *catalog.Layer

	inUse   map[string][]string
	changes int   // of credentials
	refuse  error // of a change of credentials
	status  int   // of a test call
	fails   error // a test call
	tried   []string
	during  func() // a test call
}

func (p *plane) PricesChanged(own *catalog.Layer) {
	p.own = own
	if own == nil {
		p.catalog.Store(catalog.New(p.base))
	} else {
		p.catalog.Store(catalog.New(p.base, own))
	}
}

func (p *plane) CredentialsChanged(context.Context) error {
	p.changes++
	return p.refuse
}

func (p *plane) CredentialInUse(name string) []string { return p.inUse[name] }

func (p *plane) Host(provider string) string {
	return map[string]string{"openai": "api.openai.com", "anthropic": "api.anthropic.com"}[provider]
}

func (p *plane) Try(_ context.Context, provider, host string, value secret.Text) (int, error) {
	p.tried = append(p.tried, provider+" "+host+" "+value.Reveal())
	if p.during != nil {
		p.during()
	}
	return p.status, p.fails
}

// breakable is a database that can be taken away.
type breakable struct {
	store.Store
	down *atomic.Bool
}

var errDown = errors.New("the database is away")

func (b breakable) View(ctx context.Context, fn func(store.Tx) error) error {
	if b.down.Load() {
		return errDown
	}
	return b.Store.View(ctx, fn)
}

func (b breakable) Update(ctx context.Context, fn func(store.Tx) error) error {
	if b.down.Load() {
		return errDown
	}
	return b.Store.Update(ctx, fn)
}

// requested puts requests on record.
func (e *estate) requested(rows ...record.Request) {
	e.t.Helper()
	if err := e.house.store.Requests().Append(e.t.Context(), rows); err != nil {
		e.t.Fatal(err)
	}
}

// recorded asserts the last event.
func (e *estate) recorded(action string, outcome audit.Outcome, says ...string) *audit.Event {
	e.t.Helper()
	last := e.last()
	if last.Action != action || last.Outcome != outcome {
		e.t.Errorf("the last event is %s, %s; want %s, %s", last.Action, last.Outcome, action, outcome)
	}
	for _, s := range says {
		if !strings.Contains(last.Reason, s) {
			e.t.Errorf("the event's reason %q does not say %q", last.Reason, s)
		}
	}
	return last
}

// must gives the answer of an operation that succeeds.
func must[T any](t testing.TB) func(T, error) T {
	t.Helper()
	return func(answer T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// unreadable is a database that can only be written.
type unreadable struct{ breakable }

func (unreadable) View(context.Context, func(store.Tx) error) error { return errDown }
