package money

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestWindowsEditedUnderLoad has many clients spend while an operator changes amounts
// and windows of the key's own limits and of a shared one all the time: nobody is told
// that anything is wrong with the gateway, and in the end every limit has counted exactly
// what the provider billed, in whatever window it ended up, also after a restart.
func TestWindowsEditedUnderLoad(t *testing.T) {
	const edits = 50
	s := newScene(t)
	k, secret := s.create("edited", `[{"kind": "cost", "amount": "1000000.00"}, {"kind": "tokens", "amount": 1000000000, "window": {"calendar": "month"}}]`)
	var made struct{ Limit limit }
	s.call("POST", "/api/v1/limits", `{"name": "all", "match": {}, "per": "pool", "kind": "cost", "amount": "1000000.00"}`, &made)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var load sync.WaitGroup
	var strange atomic.Pointer[answer]
	var passed, tokens atomic.Int64
	refused := sync.Map{}
	for n := range 32 {
		load.Go(func() {
			for ctx.Err() == nil {
				time.Sleep(rand.N(40 * time.Millisecond)) // they read the answer; every edit counts anew all that was ever asked
				switch a := s.ask(secret, n%2 == 0, 0); {
				case a.err == nil && a.status == http.StatusOK:
					passed.Add(1)
					tokens.Add(a.tokens())
				case a.err == nil && a.status == http.StatusTooManyRequests:
					refused.Store(a.code(), true)
				default:
					strange.Store(&a)
				}
			}
		})
	}
	// None of these windows ends while the test runs: it is noon in the zone of the day.
	windows := []string{
		`null`, window("calendar", "year", ""), window("sliding", "1h", ""), window("fixed", "8784h", ""),
		window("calendar", "day", fmt.Sprintf("Etc/GMT%+d", time.Now().UTC().Hour()-12)), window("calendar", "month", "Europe/Berlin"),
	}
	before := passed.Load()
	idle := 0
	for i := range edits {
		one, other := windows[i%len(windows)], windows[i/2%len(windows)]
		amount := "1000000.00"
		if i%5 == 4 {
			amount = "0.30" // far below what is spent: everybody is refused until the next edit
		}
		if i%3 == 2 {
			s.call("PATCH", "/api/v1/limits/"+made.Limit.ID, fmt.Sprintf(`{"amount": %q, "window": %s}`, amount, other), nil)
			continue
		}
		s.call("PATCH", "/api/v1/keys/"+k.ID, fmt.Sprintf(`{"limits": [{"id": %q, "kind": "cost", "amount": %q, "window": %s}, {"id": %q, "kind": "tokens", "amount": %d, "window": %s}]}`,
			k.Limits[0].ID, amount, one, k.Limits[1].ID, 1_000_000_000+i, other), nil)
		time.Sleep(10 * time.Millisecond) // spending goes on between two edits
		if now := passed.Load(); now == before {
			idle++
		} else {
			before = now
		}
	}
	cancel()
	load.Wait()
	if a := strange.Load(); a != nil {
		t.Errorf("a client was answered %d %s, %v", a.status, a.body, a.err)
	}
	if _, ok := refused.Load("budget_exceeded"); !ok || idle > edits/2 {
		t.Errorf("%d requests passed, none in %d of %d edits; the lowered amount refused: %v", passed.Load(), idle, edits, ok)
	}
	t.Logf("%d requests passed", passed.Load())
	bill := s.provider.billed.Load()
	check := func(when string) {
		t.Helper()
		var shared limit
		s.call("GET", "/api/v1/limits/"+made.Limit.ID, "", &shared)
		own := s.show(k.ID).Limits
		for _, l := range append(own, shared) {
			want := bill * perToken
			spent, reserved := figures(t, &l)
			if l.Kind == "tokens" {
				want = bill + 5*passed.Load() // every request is billed five tokens that it reads
			}
			if spent != want || reserved != 0 {
				t.Errorf("%s the limit on %s says spent %s and reserved %s, the provider billed %d", when, l.Kind, l.Spent, l.Reserved, want)
			}
		}
	}
	if tokens.Load() != bill {
		t.Errorf("clients were given %d tokens, the provider billed %d", tokens.Load(), bill)
	}
	check("after the edits")
	s.program.Kill()
	s.start()
	check("after kill -9")
	s.stop()
}

// window is a window as a merge patch says it: what another kind of window had is cleared.
func window(kind, value, zone string) string {
	fields := map[string]any{"calendar": nil, "sliding": nil, "fixed": nil, "origin": nil, "timezone": nil}
	if fields[kind] = value; zone != "" {
		fields["timezone"] = zone
	}
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	return string(text)
}
