package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/routing"
)

// pair is a scene with a first target and one to fail over to.
func pair(t testing.TB, replies ...func(*sent) (*provider.Response, error)) (*scene, *gateway.Target) {
	s := newScene(t, replies...)
	second := s.newTarget("second")
	s.backends([]*gateway.Target{s.target}, []*gateway.Target{second})
	return s, second
}

func TestFailover(t *testing.T) {
	for _, c := range []struct {
		name     string
		first    func(*sent) (*provider.Response, error)
		another  bool
		cooling  bool // the first target is passed over afterwards
		status   int
		contains string
	}{
		{"no connection", fails(provider.Connect), true, true, 200, ""},
		{"no answer", fails(provider.Await), true, true, 200, ""},
		{"500", whole(500, "{}"), true, true, 200, ""},
		{"503", whole(503, "{}"), true, true, 200, ""},
		{"429", whole(429, "{}"), true, true, 200, ""},
		{"499", whole(499, `{"error":{"message":"odd"}}`), false, false, 499, "odd"},
		{"400", whole(400, `{"error":{"message":"bad"}}`), false, false, 400, "bad"},
		{"404", whole(404, `{"error":{"message":"gone"}}`), false, false, 404, "gone"},
		{"401", whole(401, `{}`), false, false, 502, "upstream_auth"},
		{"200", whole(200, good), false, false, 200, "chat.completion"},
		{"stream that breaks", streamed(breaking(events(`{"choices":[{"delta":{"content":"a"}}]}`))), false, false, 200, "upstream_broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := pair(t, c.first, whole(200, good))
			s.do(call{}).want(t, c.status, c.contains)
			if got := len(s.up.seen) == 2; got != c.another {
				t.Fatalf("%d requests were sent", len(s.up.seen))
			}
			if s.up.open != 0 {
				t.Errorf("%d answers were left open", s.up.open)
			}
			if s.target.Health.Available(time.Now()) == c.cooling {
				t.Errorf("the first target cools down: %v", !c.cooling)
			}
			x := s.last()
			if len(x.Attempts) != len(s.up.seen) {
				t.Fatalf("recorded %+v", x.Attempts)
			}
			if !c.another {
				return
			}
			if at := x.Attempts[0]; at.Failover != (at.Err == nil) || at.Backend != "main" || x.Attempts[1].Backend != "second" || x.Attempts[1].Failover {
				t.Errorf("recorded %+v", x.Attempts)
			}
			if x.Backend != "second" || x.Endpoint != "second.example:443" || x.Attempts[1].Usage.Input() != 10 || x.Attempts[0].Usage.Input() != 0 {
				t.Errorf("recorded %+v", x)
			}
			if r := s.up.seen[1]; headerSent(r, "x-retry-attempt") != "1" || r.Static != "Authorization: Bearer real-second\r\n" || r.Host != "second.example" {
				t.Errorf("sent %+v", r.Request)
			}
			if headerSent(s.up.seen[0], "x-retry-attempt") != "" {
				t.Error("the first attempt is marked as a further one")
			}
			// The next one goes to the second at once.
			s.do(call{}).want(t, 200, "")
			if len(s.up.seen) != 3 || s.last().Backend != "second" {
				t.Errorf("went to %s", s.last().Backend)
			}
		})
	}
}

// The last target's answer is the caller's, whatever it is.
func TestFailoverEnds(t *testing.T) {
	s, _ := pair(t, whole(503, `{"error":{"message":"first"}}`), whole(503, `{"error":{"message":"second"}}`, "Retry-After", "7"))
	out := s.do(call{})
	if out.want(t, 503, "second"); out.header.Get("Retry-After") != "7" {
		t.Errorf("%v", out.header)
	}
	if x := s.last(); len(s.up.seen) != 2 || x.Outcome != gateway.Served || x.Reason != "Upstream" || x.Attempts[1].Failover {
		t.Errorf("recorded %+v", x)
	}
	s, _ = pair(t, whole(503, "{}"), fails(provider.Connect))
	s.do(call{}).want(t, 503, "upstream_unreachable")
	if x := s.last(); x.Outcome != gateway.Failed || x.Reason != "UpstreamFailure" || s.up.open != 0 {
		t.Errorf("recorded %+v", x)
	}
}

func TestCoolDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t, whole(429, "{}", "Retry-After", "20"), whole(200, good))
		s.do(call{}).want(t, 200, "")
		time.Sleep(20*time.Second - 1)
		s.do(call{})
		if s.last().Backend != "second" {
			t.Error("the target was asked before it wished to be")
		}
		time.Sleep(time.Nanosecond)
		s.do(call{})
		if s.last().Backend != "main" {
			t.Error("the target was not asked again")
		}
	})
	// A target alone is asked even while it cools down.
	s := newScene(t, fails(provider.Connect), whole(200, good))
	s.do(call{}).want(t, 503, "upstream_unreachable")
	s.do(call{}).want(t, 200, "")
	if !s.target.Health.Available(time.Now()) {
		t.Error("a success does not end the cool-down")
	}
}

func TestUnhealthyBySaying(t *testing.T) {
	s := newScene(t, whole(418, "{}"), whole(503, "{}"))
	s.target.Unhealthy = expr("response.code == 418")
	s.do(call{})
	if s.target.Health.Available(time.Now()) {
		t.Error("what the configuration calls unhealthy does not count")
	}
	s.target.Health = &routing.Health{}
	s.do(call{})
	if !s.target.Health.Available(time.Now()) {
		t.Error("the usual rule applies beside the configured one")
	}
}

// A caller who leaves says nothing about the target.
func TestLeavingIsNoFailureOfTheTarget(t *testing.T) {
	s, _ := pair(t, hangs)
	ctx, cancel := context.WithCancel(t.Context())
	s.up.replies[0] = func(r *sent) (*provider.Response, error) { cancel(); return hangs(r) }
	out := s.do(call{ctx: ctx})
	if len(s.up.seen) != 1 || out.status != 0 {
		t.Errorf("%d requests were sent, the answer is %d", len(s.up.seen), out.status)
	}
	if !s.target.Health.Available(time.Now()) {
		t.Error("the target cools down")
	}
	if x := s.last(); x.Outcome != gateway.Cut || x.Status != 499 || x.Reason != "" {
		t.Errorf("recorded %v %d %q", x.Outcome, x.Status, x.Reason)
	}
}

func TestRetry(t *testing.T) {
	retry := func(r gateway.Retry) *gateway.Retry {
		if r.Codes == nil {
			r.Codes = map[int]bool{}
		}
		return &r
	}
	for _, c := range []struct {
		name  string
		retry *gateway.Retry
		reply []func(*sent) (*provider.Response, error)
		sent  int
		want  int
		waits time.Duration
	}{
		{"none", nil, []func(*sent) (*provider.Response, error){whole(503, "{}")}, 1, 503, 0},
		{"by code", retry(gateway.Retry{Attempts: 3, Codes: map[int]bool{409: true}, Backoff: time.Second}),
			[]func(*sent) (*provider.Response, error){whole(409, "{}"), whole(409, "{}"), whole(200, good)}, 3, 200, 2 * time.Second},
		{"another code", retry(gateway.Retry{Attempts: 3, Codes: map[int]bool{409: true}}),
			[]func(*sent) (*provider.Response, error){whole(503, "{}")}, 1, 503, 0},
		{"no longer than said", retry(gateway.Retry{Attempts: 2, Codes: map[int]bool{503: true}, Backoff: time.Second}),
			[]func(*sent) (*provider.Response, error){whole(503, "{}")}, 2, 503, time.Second},
		{"no connection", retry(gateway.Retry{Attempts: 2}),
			[]func(*sent) (*provider.Response, error){fails(provider.Connect), whole(200, good)}, 2, 200, 0},
		{"no connection and no retry", nil,
			[]func(*sent) (*provider.Response, error){fails(provider.Connect), whole(200, good)}, 1, 503, 0},
		{"precondition", retry(gateway.Retry{Attempts: 2, Precondition: expr(`request.method == "GET"`), Codes: map[int]bool{503: true}}),
			[]func(*sent) (*provider.Response, error){whole(503, "{}")}, 1, 503, 0},
		{"precondition holds", retry(gateway.Retry{Attempts: 2, Precondition: expr(`request.method == "POST"`), Codes: map[int]bool{503: true}}),
			[]func(*sent) (*provider.Response, error){whole(503, "{}")}, 2, 503, 0},
		{"condition", retry(gateway.Retry{Attempts: 2, Condition: expr(`response.code == 418`), Codes: map[int]bool{503: true}}),
			[]func(*sent) (*provider.Response, error){whole(418, "{}"), whole(200, good)}, 2, 200, 0},
		{"condition instead of codes", retry(gateway.Retry{Attempts: 2, Condition: expr(`response.code == 418`), Codes: map[int]bool{503: true}}),
			[]func(*sent) (*provider.Response, error){whole(503, "{}"), whole(200, good)}, 1, 503, 0},
		{"condition that fails", retry(gateway.Retry{Attempts: 2, Condition: expr(`jwt.sub == "a"`)}),
			[]func(*sent) (*provider.Response, error){whole(503, "{}"), whole(200, good)}, 1, 503, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, c.reply...)
				s.route.Retry = c.retry
				began := time.Now()
				s.do(call{}).want(t, c.want, "")
				if len(s.up.seen) != c.sent || time.Since(began) != c.waits {
					t.Errorf("%d requests in %v, want %d in %v", len(s.up.seen), time.Since(began), c.sent, c.waits)
				}
				if s.up.open != 0 {
					t.Errorf("%d answers were left open", s.up.open)
				}
				for i, r := range s.up.seen {
					if r.body != s.up.seen[0].body {
						t.Errorf("attempt %d was sent %s", i, r.body)
					}
				}
			})
		})
	}
}

// Retries go through the targets before they begin anew, and only then wait.
func TestRetryThroughTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t, whole(503, "{}"), whole(503, "{}"), whole(503, "{}"), whole(200, good))
		s.route.Retry = &gateway.Retry{Attempts: 4, Codes: map[int]bool{503: true}, Backoff: time.Second}
		began := time.Now()
		s.do(call{}).want(t, 200, "")
		var hosts []string
		for _, r := range s.up.seen {
			hosts = append(hosts, r.Host)
		}
		if got := strings.Join(hosts, " "); got != "main.example second.example main.example second.example" || time.Since(began) != 2*time.Second {
			t.Errorf("sent to %s in %v", got, time.Since(began))
		}
	})
}

// Fewer attempts than targets keep no target from being tried.
func TestRetryDoesNotShortenFailover(t *testing.T) {
	s, _ := pair(t, whole(503, "{}"), whole(200, good))
	s.route.Retry = &gateway.Retry{Attempts: 1}
	s.do(call{}).want(t, 200, "")
	if len(s.up.seen) != 2 {
		t.Errorf("%d requests were sent", len(s.up.seen))
	}
}

func TestRetryEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, whole(503, "{}"))
		s.route.Retry = &gateway.Retry{Attempts: 9, Codes: map[int]bool{503: true}, Backoff: time.Hour}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, context.Canceled)
		defer cancel()
		s.do(call{ctx: ctx})
		if len(s.up.seen) != 1 || s.last().Outcome != gateway.Cut {
			t.Errorf("%d requests, %v", len(s.up.seen), s.last().Outcome)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, whole(503, "{}"))
		s.route.RequestTimeout = time.Second
		s.route.Retry = &gateway.Retry{Attempts: 9, Codes: map[int]bool{503: true}, Backoff: time.Hour}
		s.do(call{}).want(t, 504, "upstream_timeout")
	})
}

func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hangs)
		s.route.RequestTimeout = 2 * time.Second
		began := time.Now()
		s.do(call{}).want(t, 504, "upstream_timeout")
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("took %v", took)
		}
		if x := s.last(); x.Outcome != gateway.Failed || x.Reason != "Timeout" {
			t.Errorf("recorded %v %s", x.Outcome, x.Reason)
		}
		s.snap.Plain = true
		if out := s.do(call{}); out.text() != "request timeout" {
			t.Errorf("%q", out.text())
		}
	})
	// The bound of one attempt leads to the next target and counts against the first.
	synctest.Test(t, func(t *testing.T) {
		s, _ := pair(t, hangs, whole(200, good))
		s.route.BackendTimeout = time.Second
		began := time.Now()
		s.do(call{}).want(t, 200, "")
		if len(s.up.seen) != 2 || time.Since(began) != time.Second || s.target.Health.Available(time.Now()) {
			t.Errorf("%d requests in %v", len(s.up.seen), time.Since(began))
		}
		if at := s.last().Attempts[0]; at.Err == nil || at.Duration != time.Second {
			t.Errorf("recorded %+v", at)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, hangs)
		s.route.BackendTimeout = time.Second
		s.do(call{}).want(t, 504, "upstream_timeout")
	})
	// It bounds the head alone: a body may take its time.
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(r *sent) (*provider.Response, error) {
			return typed(200, "application/json", slow{r.ctx, time.Minute, strings.NewReader(good)}, -1)(r)
		})
		s.route.BackendTimeout = time.Second
		s.do(call{}).want(t, 200, "chat.completion")
		if s.up.one(t).ctx.Err() == nil {
			t.Error("the attempt's context is not let go")
		}
	})
	// An answer that comes in the same moment as the end of its time is closed.
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(r *sent) (*provider.Response, error) {
			<-r.ctx.Done()
			return whole(200, good)(r)
		})
		s.route.BackendTimeout = time.Second
		s.do(call{}).want(t, 504, "upstream_timeout")
		if s.up.open != 0 {
			t.Error("the answer was left open")
		}
	})
}

// slow waits before it reads, unless its context ends.
type slow struct {
	ctx  context.Context
	wait time.Duration
	from *strings.Reader
}

func (s slow) Read(p []byte) (int, error) {
	select {
	case <-time.After(s.wait):
		return s.from.Read(p)
	case <-s.ctx.Done():
		return 0, provider.NewSendError(s.ctx, provider.Read, s.ctx.Err())
	}
}

func TestErrorsOfAttempts(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{&provider.SendError{Stage: provider.Connect, Err: errors.New("refused")}, 503, "upstream_unreachable"},
		{&provider.SendError{Stage: provider.Connect, Timeout: true, Err: errors.New("slow")}, 503, "upstream_unreachable"},
		{&provider.SendError{Stage: provider.Write, Err: errors.New("reset")}, 503, "upstream_unreachable"},
		{&provider.SendError{Stage: provider.Await, Err: errors.New("reset")}, 503, "upstream_unreachable"},
		{&provider.SendError{Stage: provider.Await, Timeout: true, Err: errors.New("slow")}, 504, "upstream_timeout"},
		{&provider.SendError{Stage: provider.Read, Err: errors.New("malformed")}, 502, "upstream_garbage"},
		{errors.New("something else"), 503, "upstream_unreachable"},
	} {
		s := newScene(t, func(*sent) (*provider.Response, error) { return nil, c.err })
		out := s.do(call{})
		out.want(t, c.status, c.code)
		if strings.Contains(out.text(), "refused") || s.last().Outcome != gateway.Failed {
			t.Errorf("%s", out.text())
		}
		if c.code == "upstream_unreachable" && out.header.Get("X-Should-Retry") != "true" {
			t.Errorf("%v: %v", c.err, out.header)
		}
	}
}

func TestForwardedHeaders(t *testing.T) {
	h := bearer(aliceKey)
	for name, value := range map[string]string{
		"Accept": "a/b", "Anthropic-Beta": "x", "Anthropic-Version": "2024-01-01", "Idempotency-Key": "i", "Openai-Beta": "o",
		"Traceparent": "00-1-2-01", "Tracestate": "s=1",
		"Cookie": "c", "Forwarded": "f", "X-Forwarded-For": "f", "Openai-Organization": "o", "Openai-Project": "p", "Content-Type": "text/weird",
		"Content-Encoding": "gzip", "Host": "h", "Te": "t", "X-Secret": "s", "Referer": "r", "Origin": "o", "User-Agent": "u",
	} {
		h[name] = []string{value}
	}
	h["Anthropic-Beta"] = []string{"x", "y"}
	s := newScene(t)
	s.do(call{header: h}).want(t, 200, "")
	var got []string
	for _, f := range s.up.one(t).Header {
		got = append(got, f.Name+"="+f.Value)
	}
	want := "Accept=a/b Anthropic-Beta=x Anthropic-Beta=y Anthropic-Version=2024-01-01 Idempotency-Key=i Openai-Beta=o Traceparent=00-1-2-01 Tracestate=s=1 Content-Type=application/json"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("sent %s\nwant %s", text, want)
	}
	s.target.Drop = []string{"Anthropic-Beta", "Accept", "Anthropic-Version"}
	s.do(call{header: h, path: "/v1/messages", body: `{"model":"m","max_tokens":1,"messages":[]}`}).want(t, 200, "")
	for _, f := range s.up.seen[1].Header {
		if f.Name == "Anthropic-Beta" || f.Name == "Accept" || f.Name == "Anthropic-Version" {
			t.Errorf("sent %s", f.Name)
		}
	}
}

func TestAnthropicVersionGoesWithoutSaying(t *testing.T) {
	s := newScene(t)
	message := call{path: "/v1/messages", body: `{"model":"m","max_tokens":1,"messages":[]}`}
	s.do(message)
	if got := headerSent(s.up.seen[0], "Anthropic-Version"); got != "2023-06-01" {
		t.Errorf("sent %q", got)
	}
	s.do(call{})
	if got := headerSent(s.up.seen[1], "Anthropic-Version"); got != "" {
		t.Errorf("sent %q", got)
	}
	s.target.Drop = []string{"Anthropic-Version"}
	s.do(message)
	if got := headerSent(s.up.seen[2], "Anthropic-Version"); got != "" {
		t.Errorf("sent %q", got)
	}
}

type spans struct{ parent, state string }

func (s *spans) Begin(parent, state string) gateway.Span {
	s.parent, s.state = parent, state
	return span{}
}

type span struct{}

func (span) TraceParent() string { return "00-ours-1-01" }

func TestSpansReplaceTheCallersTrace(t *testing.T) {
	s := newScene(t)
	tracer := &spans{}
	s.gateway = gateway.New(gateway.Options{Snapshot: s.snap, Quota: s.engine(), Recorder: s, Tracer: tracer, Log: s.logger()})
	h := bearer(aliceKey)
	h["Traceparent"], h["Tracestate"] = []string{"00-theirs-1-01"}, []string{"a=b"}
	s.do(call{header: h}).want(t, 200, "")
	if got := headerSent(s.up.one(t), "Traceparent"); got != "00-ours-1-01" || tracer.parent != "00-theirs-1-01" || tracer.state != "a=b" {
		t.Errorf("sent %q after %+v", got, tracer)
	}
	if x := s.last(); x.Span == nil || x.TraceParent != "00-theirs-1-01" || x.TraceState != "a=b" {
		t.Errorf("recorded %+v", x)
	}
}

func TestPaths(t *testing.T) {
	prefix := func(p string) *string { return &p }
	for _, c := range []struct {
		name    string
		paths   gateway.Paths
		rewrite *gateway.Rewrite
		path    string
		want    string
		host    string
	}{
		{"operation", gateway.Paths{Prefix: "/openai/v1"}, nil, "/team/v1/chat/completions", "/openai/v1/chat/completions", "main.example"},
		{"completions", gateway.Paths{Prefix: "/v1"}, nil, "/completions", "/v1/completions", ""},
		{"responses", gateway.Paths{Prefix: "/v1"}, nil, "/v1/responses", "/v1/responses", ""},
		{"embeddings", gateway.Paths{Prefix: "/v1"}, nil, "/embeddings", "/v1/embeddings", ""},
		{"messages", gateway.Paths{Prefix: "/v1"}, nil, "/v1/messages", "/v1/messages", ""},
		{"count", gateway.Paths{Prefix: "/v1"}, nil, "/v1/messages/count_tokens", "/v1/messages/count_tokens", ""},
		{"moderations", gateway.Paths{Prefix: "/v2"}, nil, "/v1/moderations", "/v2/moderations", ""},
		{"speech", gateway.Paths{Prefix: "/v2"}, nil, "/v1/audio/speech", "/v2/audio/speech", ""},
		{"rerank", gateway.Paths{Prefix: "/v2"}, nil, "/v1/rerank", "/v2/rerank", ""},
		{"images", gateway.Paths{Prefix: "/v2"}, nil, "/v1/images/edits", "/v2/images/edits", ""},
		{"translations", gateway.Paths{Prefix: "/v2"}, nil, "/v1/audio/translations", "/v2/audio/translations", ""},
		{"unknown", gateway.Paths{Prefix: "/v2"}, nil, "/v1/files/7", "/v2/files/7", ""},
		{"keep", gateway.Paths{Keep: true, Prefix: "/v2"}, nil, "/x/v1/chat/completions", "/x/v1/chat/completions", ""},
		{"full", gateway.Paths{Full: "/all", Keep: true}, nil, "/v1/chat/completions", "/all", ""},
		{"by operation", gateway.Paths{ByOperation: map[dialect.Operation]string{dialect.Chat: "/talk"}, Base: "/b", Keep: true}, nil, "/v1/chat/completions", "/b/talk", ""},
		{"rewritten full", gateway.Paths{Keep: true}, &gateway.Rewrite{FullPath: "/api/chat/completions"}, "/v1/x", "/api/chat/completions", "main.example"},
		{"rewritten prefix", gateway.Paths{Keep: true}, &gateway.Rewrite{PrefixPath: prefix("/api")}, "/v1/chat/completions", "/api/chat/completions", ""},
		{"rewritten prefix to nothing", gateway.Paths{Keep: true}, &gateway.Rewrite{PrefixPath: prefix("")}, "/v1/chat/completions", "/chat/completions", ""},
		{"authority", gateway.Paths{Keep: true}, &gateway.Rewrite{Authority: "other:8"}, "/v1/chat/completions", "/v1/chat/completions", "other:8"},
		{"port", gateway.Paths{Keep: true}, &gateway.Rewrite{Port: "99"}, "/v1/chat/completions", "/v1/chat/completions", "main.example:99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.backends([]*gateway.Target{s.target})
			s.target.Paths = c.paths
			s.target.Operations = gateway.Of(dialect.Operations()...)
			s.route.Rewrite = c.rewrite
			s.listener.Routes = routing.NewTable([]routing.Entry[*gateway.Route]{
				{Match: routing.Match{Path: routing.Path{Value: "/v1"}}, Route: s.route}, {Route: s.route, Match: routing.Match{Path: routing.Path{Value: "/"}}}})
			s.do(call{path: c.path, body: `{"model":"m","max_tokens":1,"input":"","prompt":"","messages":[],"query":"","documents":[]}`}).want(t, 200, "")
			r := s.up.one(t)
			if r.Target != c.want || c.host != "" && r.Host != c.host {
				t.Errorf("sent to %s at %s, want %s", r.Target, r.Host, c.want)
			}
			if c.rewrite != nil && s.last().Operation != dialect.Chat {
				t.Errorf("the operation is %v", s.last().Operation)
			}
			if s.last().Path != c.path {
				t.Errorf("recorded as %s", s.last().Path)
			}
		})
	}
}

func TestRewrittenPorts(t *testing.T) {
	for authority, want := range map[string]string{"h": "h:9", "h:1": "h:9", "[::1]:1": "[::1]:9", "[::1]": "[::1]:9"} {
		s := newScene(t)
		s.target.Authority = authority
		s.route.Rewrite = &gateway.Rewrite{Port: "9"}
		s.do(call{})
		if got := s.up.one(t).Host; got != want {
			t.Errorf("%s became %s, want %s", authority, got, want)
		}
	}
}

func TestEditedBodies(t *testing.T) {
	member := func(name, value string) gateway.Member { return gateway.Member{Name: name, Value: value} }
	for _, c := range []struct {
		name   string
		change func(*scene)
		path   string
		body   string
		want   string
	}{
		{name: "as it is", body: `{ "model" : "m" ,"messages":[]}`, want: `{ "model" : "m" ,"messages":[]}`},
		{name: "model of the target", change: func(s *scene) { s.target.Model = "real" },
			body: `{"model":"m","messages":[]}`, want: `{"model":"real","messages":[]}`},
		{name: "the same model", change: func(s *scene) { s.target.Model = "m" },
			body: `{"model" :"m","messages":[]}`, want: `{"model" :"m","messages":[]}`},
		{name: "overrides before defaults", change: func(s *scene) {
			s.target.Body = gateway.BodyPolicy{Overrides: []gateway.Member{member("temperature", "0")}, Defaults: []gateway.Member{member("temperature", "1"), member("seed", "7"), member("n", "2")}}
		}, body: `{"model":"m","messages":[],"temperature":2,"n":1}`, want: `{"seed":7,"model":"m","messages":[],"temperature":0,"n":1}`},
		{name: "of the route and of the target", change: func(s *scene) {
			s.route.AI = &gateway.AI{Body: gateway.BodyPolicy{Defaults: []gateway.Member{member("seed", "1")}},
				Prepend: []string{`{"role":"system","content":"a"}`}, Append: []string{`{"role":"user","content":"z"}`}}
		}, body: `{"model":"m","messages":[{"role":"user","content":"b"}]}`,
			want: `{"seed":1,"model":"m","messages":[{"role":"system","content":"a"},{"role":"user","content":"b"},{"role":"user","content":"z"}]}`},
		{name: "newer name", change: func(s *scene) { s.target.Body.OutputBound = "max_completion_tokens" },
			body: `{"model":"m","messages":[],"max_tokens":5}`, want: `{"model":"m","messages":[],"max_completion_tokens":5}`},
		{name: "older name", change: func(s *scene) { s.target.Body.OutputBound = "max_tokens" },
			body: `{"model":"m","messages":[],"max_completion_tokens":5}`, want: `{"model":"m","messages":[],"max_tokens":5}`},
		{name: "the name that it has", change: func(s *scene) { s.target.Body.OutputBound = "max_tokens" },
			body: `{"model":"m","messages":[],"max_tokens":5}`, want: `{"model":"m","messages":[],"max_tokens":5}`},
		{name: "newer name is for chat alone", change: func(s *scene) { s.target.Body.OutputBound = "max_completion_tokens" }, path: "/v1/completions",
			body: `{"model":"m","prompt":"","max_tokens":5}`, want: `{"model":"m","prompt":"","max_tokens":5}`},
		{name: "usage of a stream", body: `{"model":"m","messages":[],"stream":true}`, want: `{"stream_options":{"include_usage":true},"model":"m","messages":[],"stream":true}`},
		{name: "usage of a stream of completions", path: "/v1/completions", body: `{"model":"m","prompt":"","stream":true}`,
			want: `{"stream_options":{"include_usage":true},"model":"m","prompt":"","stream":true}`},
		{name: "no stream", body: `{"model":"m","messages":[],"stream":false}`, want: `{"model":"m","messages":[],"stream":false}`},
		{name: "responses have usage anyway", path: "/v1/responses", body: `{"model":"m","input":"","stream":true}`, want: `{"model":"m","input":"","stream":true}`},
		{name: "refuses stream_options", change: func(s *scene) { s.target.Health.Refuse(routing.StreamOptions) },
			body: `{"model":"m","messages":[],"stream":true}`, want: `{"model":"m","messages":[],"stream":true}`},
		{name: "unknown operation has the model of the target", change: func(s *scene) { s.backends([]*gateway.Target{s.target}); s.target.Model = "real" }, path: "/v1/odd",
			body: `{"model":"m","stream":true}`, want: `{"model":"real","stream":true}`},
		{name: "unknown operation without a model has none", change: func(s *scene) { s.backends([]*gateway.Target{s.target}); s.target.Model = "real" }, path: "/v1/odd",
			body: `{"a":1}`, want: `{"a":1}`},
		{name: "unknown operation is not edited", change: func(s *scene) {
			s.backends([]*gateway.Target{s.target})
			s.target.Body.Defaults = []gateway.Member{{Name: "seed", Value: "1"}}
			s.route.AI = &gateway.AI{Body: gateway.BodyPolicy{Overrides: []gateway.Member{{Name: "x", Value: "1"}}}}
		}, path: "/v1/odd", body: `{"a":1}`, want: `{"a":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			if c.change != nil {
				c.change(s)
			}
			s.do(call{path: c.path, body: c.body}).want(t, 200, "")
			if got := s.up.one(t).body; got != c.want {
				t.Errorf("sent %s\nwant %s", got, c.want)
			}
		})
	}
}

// Each attempt begins with the caller's body, not with what the last one made of it.
func TestEditsOfAttempts(t *testing.T) {
	s, second := pair(t, whole(503, "{}"), whole(200, good))
	s.target.Model = "first"
	s.target.Body.Overrides = []gateway.Member{{Name: "seed", Value: "1"}}
	second.Body.OutputBound = "max_completion_tokens"
	s.do(call{body: `{"model":"m","messages":[],"max_tokens":3}`}).want(t, 200, "")
	if a, b := s.up.seen[0].body, s.up.seen[1].body; a != `{"seed":1,"model":"first","messages":[],"max_tokens":3}` || b != `{"model":"m","messages":[],"max_completion_tokens":3}` {
		t.Errorf("sent %s and %s", a, b)
	}
	if x := s.last(); x.ModelSent != "m" || x.Attempts[0].Model != "first" || x.Attempts[1].Model != "m" {
		t.Errorf("recorded %q %+v", x.ModelSent, x.Attempts)
	}
	// So does a form.
	s, second = pair(t, fails(provider.Connect), whole(200, good))
	s.target.Operations, second.Operations = gateway.Of(dialect.Transcriptions), gateway.Of(dialect.Transcriptions)
	h, body := form("w")
	s.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 200, "")
	if s.up.seen[0].body != body || s.up.seen[1].body != body {
		t.Errorf("sent %q and %q", s.up.seen[0].body, s.up.seen[1].body)
	}
}

// A server that knows no stream_options is asked without them, from then on at once.
func TestStreamOptionsAreUnlearned(t *testing.T) {
	refusal := whole(400, `{"error":{"message":"Unrecognized request argument supplied: stream_options"}}`)
	s := newScene(t, refusal, streamed(strings.NewReader(events(deltaEvent))), streamed(strings.NewReader(events(deltaEvent))))
	for range 2 {
		if out := s.do(call{body: streamBody}); out.text() != events(deltaEvent) {
			t.Errorf("the caller has %d %s", out.status, out.text())
		}
	}
	if len(s.up.seen) != 3 || s.up.open != 0 {
		t.Fatalf("%d requests were sent, %d answers are open", len(s.up.seen), s.up.open)
	}
	for i, want := range []bool{true, false, false} {
		if got := strings.Contains(s.up.seen[i].body, "stream_options"); got != want {
			t.Errorf("request %d was %s", i, s.up.seen[i].body)
		}
	}
	// Neither a refusal of something else nor one of what the caller asked for itself.
	s = newScene(t, whole(400, `{"error":{"message":"no such model"}}`))
	s.do(call{body: streamBody}).want(t, 400, "no such model")
	s.up.replies[0] = refusal
	s.do(call{body: `{"model":"m","stream":true,"stream_options":{},"messages":[]}`}).want(t, 400, "stream_options")
	if len(s.up.seen) != 2 || s.target.Health.Refuses(routing.StreamOptions) {
		t.Errorf("%d requests were sent", len(s.up.seen))
	}
}

// Paths are decoded inside and escaped outside, so that none can become a query.
func TestEscapedPaths(t *testing.T) {
	for _, keep := range []bool{true, false} {
		for path, want := range map[string]string{"/v1/a b": "/v1/a%20b", "/v1/a?key=x": "/v1/a%3Fkey=x", "/v1/é": "/v1/%C3%A9", "/v1/a#b": "/v1/a%23b", "/v1/a:b": "/v1/a:b"} {
			s := newScene(t)
			s.backends([]*gateway.Target{s.target})
			s.target.Paths = gateway.Paths{Keep: keep, Prefix: "/v1"}
			s.do(call{path: path, body: "{}"}).want(t, 200, "")
			r := s.up.one(t)
			if err := r.Validate(); r.Target != want || err != nil {
				t.Errorf("%s was sent to %s: %v", path, r.Target, err)
			}
		}
	}
	// A configured path may have a query of its own.
	s := newScene(t)
	s.target.Paths = gateway.Paths{Full: "/chat?api-version=1"}
	s.do(call{query: "a=b"}).want(t, 200, "")
	if got := s.up.one(t).Target; got != "/chat?api-version=1&a=b" {
		t.Errorf("sent to %s", got)
	}
}
