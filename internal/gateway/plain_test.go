package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/gateway"
	"tollgate/internal/provider"
)

// plain makes the route one to a plain server.
func (s *scene) plain(targets ...*gateway.Target) {
	s.backends(targets)
	for _, t := range targets {
		t.Provider, t.Static, t.Opaque = "", "", true
	}
	s.route.Backends[0].Plain = &gateway.Plain{}
}

// What Connection lists is for the gateway alone, and a trace goes on with its own span.
func TestPlainHeaderLines(t *testing.T) {
	s := newScene(t)
	s.plain(s.target)
	s.do(call{method: "GET", path: "/x", noBody: true, header: gateway.Header{
		"Authorization": {"Bearer " + aliceKey}, "Connection": {"x-private, close", "X-Other"}, "X-Private": {"1"}, "X-Other": {"1"}, "X-Kept": {"1"},
		"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"outer.example"}, "X-Forwarded-For": {"192.0.2.1", "192.0.2.2"}, "Traceparent": {"theirs"},
	}}).want(t, 200, "")
	sent := s.up.one(t)
	for name, want := range map[string]string{
		"X-Private": "", "X-Other": "", "X-Kept": "1", "Connection": "", "Authorization": "", "Traceparent": "theirs",
		"X-Forwarded-Proto": "https", "X-Forwarded-Host": "outer.example", "X-Forwarded-For": "192.0.2.1, 192.0.2.2, 192.0.2.7",
	} {
		if got := headerSent(sent, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !sent.Replayable || sent.Host != "main.example" || sent.Static != "" {
		t.Errorf("sent %+v", sent.Request)
	}
}

// Another server is tried only if the first has certainly not had the request, and can
// still be sent it whole.
func TestPlainAnotherServer(t *testing.T) {
	for _, c := range []struct {
		name  string
		stage provider.Stage
		size  int // of the body
		tries int
	}{
		{"no connection", provider.Connect, 10, 2},
		{"no connection for a large body", provider.Connect, 100_000, 2},
		{"not wholly written", provider.Write, 10, 2},
		{"a large body not wholly written", provider.Write, 100_000, 1},
		{"no answer", provider.Await, 10, 1},
		{"a broken answer", provider.Read, 10, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			failing := &picky{up: s.up, stage: c.stage}
			one, two := s.newTarget("one"), s.newTarget("two")
			one.Transport, two.Transport = failing, failing
			s.plain(one, two)
			out := s.do(call{body: strings.Repeat("x", c.size), length: int64(c.size)})
			if x := s.last(); len(x.Attempts) != c.tries || (out.status == 200) != (c.tries == 2) {
				t.Errorf("%d after %d attempts: %s", out.status, len(x.Attempts), out.text())
			}
			if rests := !one.Health.Available(s.last().Started) || !two.Health.Available(s.last().Started); !rests {
				t.Error("the one that failed does not rest")
			}
		})
	}
}

// picky fails the first request at a stage, after reading as much of it as that takes.
type picky struct {
	up    *upstream
	stage provider.Stage
	asked int
}

func (p *picky) Send(ctx context.Context, r *provider.Request) (*provider.Response, error) {
	if p.asked++; p.asked > 1 {
		return p.up.Send(ctx, r)
	}
	if p.stage > provider.Connect && r.Stream != nil {
		_, _ = r.Stream.Read(make([]byte, 10))
	}
	return nil, &provider.SendError{Stage: p.stage, Err: errors.New("failed")}
}
