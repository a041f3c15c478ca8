package money

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestRequestsPerMinute sends five times as many requests at once as a minute has room
// for: as many as that come through to the provider, and everybody else is told when the
// first of them is a minute ago, also by a program that was killed meanwhile. Whoever
// waits for as long as he was told is admitted, as a shorter window shows. Traffic of
// other shapes is the matter of the test of this name in internal/ledger.
func TestRequestsPerMinute(t *testing.T) {
	s := newScene(t)
	const most = 60
	k, secret := s.create("sixty", fmt.Sprintf(`[{"kind": "requests", "amount": %d, "window": {"sliding": "60s"}}]`, most))
	var crowd sync.WaitGroup
	answers := make([]answer, 5*most)
	for i := range answers {
		crowd.Go(func() { answers[i] = s.say("sixty", secret, i%2 == 0, 10) })
	}
	crowd.Wait()
	first := admittedFirst(t, answers, most)
	for i := range answers {
		if answers[i].status != http.StatusOK {
			first.told(t, &answers[i], time.Minute, k.Limits[0].ID)
		}
	}
	if calls, _ := s.provider.calls("sixty"); len(calls) != most {
		t.Errorf("%d requests came to the provider, want %d", len(calls), most)
	}
	s.program.Kill()
	s.start()
	a := s.ask(secret, false, 10)
	first.told(t, &a, time.Minute, k.Limits[0].ID)

	short, secret := s.create("short", `[{"kind": "requests", "amount": 1, "window": {"sliding": "2s"}}]`)
	began := s.ask(secret, false, 10)
	first = admittedFirst(t, []answer{began}, 1)
	a = s.ask(secret, false, 10)
	wait := first.told(t, &a, 2*time.Second, short.Limits[0].ID)
	time.Sleep(time.Until(a.received.Add(wait))) // as callers do
	if a = s.ask(secret, false, 10); a.status != http.StatusOK {
		t.Errorf("waited for %v as told, and was answered %d %s", wait, a.status, a.body)
	}
	s.stop()
}

// between is when something happened, as far as that can be known from outside.
type between struct{ earliest, latest time.Time }

// admittedFirst tells when the first of the requests was admitted, and that so many were.
func admittedFirst(t *testing.T, answers []answer, want int) between {
	t.Helper()
	var b between
	admitted := 0
	for i := range answers {
		a := &answers[i]
		if b.earliest.IsZero() || a.sent.Before(b.earliest) {
			b.earliest = a.sent
		}
		switch {
		case a.err != nil:
			t.Fatal(a.err)
		case a.status == http.StatusOK:
			if admitted++; b.latest.IsZero() || a.received.Before(b.latest) {
				b.latest = a.received
			}
		}
	}
	if admitted != want {
		t.Fatalf("%d of %d requests were admitted, want %d", admitted, len(answers), want)
	}
	return b
}

// told checks a refusal: how long it says to wait is until the first admission is a
// window ago. It gives how long that is.
func (b between) told(t *testing.T, a *answer, window time.Duration, limit string) time.Duration {
	t.Helper()
	if a.err != nil || a.status != http.StatusTooManyRequests || a.code() != "rate_limit_exceeded" || a.header.Get("X-Should-Retry") != "true" {
		t.Fatalf("answered %d %s with %v, %v", a.status, a.body, a.header, a.err)
	}
	if named := a.limit(); named != limit {
		t.Errorf("refused by %s, want %s", named, limit)
	}
	ms, err := strconv.Atoi(a.header.Get("Retry-After-Ms"))
	if err != nil {
		t.Fatal(err)
	}
	wait := time.Duration(ms) * time.Millisecond
	least, most := b.earliest.Add(window).Sub(a.received), b.latest.Add(window).Sub(a.sent)+time.Millisecond
	if wait < least || wait > most {
		t.Errorf("told to wait %v, want %v to %v", wait, least, most)
	}
	if seconds := a.header.Get("Retry-After"); seconds != fmt.Sprint((ms+999)/1000) {
		t.Errorf("told to wait %d ms and %s s", ms, seconds)
	}
	return wait
}
