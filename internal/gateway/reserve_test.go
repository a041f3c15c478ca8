package gateway_test

import (
	"context"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/ratelimit"
	"tollgate/internal/usage"
)

// tokensLeft asks how much is left of the limit on tokens, by one more request.
func (s *scene) tokensLeft() string {
	s.t.Helper()
	s.up.replies = []func(*sent) (*provider.Response, error){whole(200, `{"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}`)}
	s.route.RequestTimeout = 0
	out := s.do(call{})
	return out.header.Get("X-Ratelimit-Remaining-Tokens")
}

func TestSettlement(t *testing.T) {
	delta := events(deltaEvent)
	const delivered = 4 // the tokens of deltaEvent, at least
	for _, c := range []struct {
		name   string
		reply  func(*sent) (*provider.Response, error)
		body   string
		path   string
		used   int // tokens charged, -1: some
		source usage.Source
	}{
		{"reported", whole(200, good), "", "", 19, usage.Reported},
		{"reported in a stream", streamed(strings.NewReader(delta + events(usageEvent, "[DONE]"))), streamBody, "", 19, usage.Reported},
		{"no usage", whole(200, `{"choices":[{"message":{"content":"one two three four"}}]}`), "", "", -1, usage.Estimated},
		{"stream without usage", streamed(strings.NewReader(delta + events("[DONE]"))), streamBody, "", -1, usage.Estimated},
		{"stream that breaks", streamed(breaking(delta)), streamBody, "", -1, usage.Estimated},
		{"stream that breaks before any text", streamed(breaking("")), streamBody, "", -1, usage.Estimated},
		{"stream that says that it failed", streamed(strings.NewReader(events(`{"error":{"message":"x"}}`))), streamBody, "", 0, usage.Absent},
		{"stream that fails after text", streamed(strings.NewReader(delta + events(`{"error":{"message":"x"}}`))), streamBody, "", -1, usage.Estimated},
		{"refused by the provider", whole(400, `{"error":{"message":"x"}}`), "", "", 0, usage.Absent},
		{"failed", whole(500, `{"error":{"message":"x"}}`), "", "", 0, usage.Absent},
		{"no connection", fails(provider.Connect), "", "", 0, usage.Absent},
		{"operation that nobody can count", whole(200, `{"results":[]}`), `{"model":"m","input":"some text"}`, "/v1/moderations", 0, usage.Absent},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, c.reply)
			s.target.Operations |= gateway.Of(dialect.Moderations)
			s.limit(ratelimit.Rule{ID: "tokens", Kind: ratelimit.Tokens, Max: 1000, PerFill: 1, Interval: time.Hour}, "")
			s.do(call{body: c.body, path: c.path})
			x := *s.last()
			if x.Usage.Source != c.source || len(x.Attempts) > 0 && x.Attempts[len(x.Attempts)-1].Usage.Source != c.source {
				t.Errorf("usage is %v: %+v", x.Usage.Source, x.Usage)
			}
			left := s.tokensLeft()
			switch {
			case c.used >= 0:
				if want := strconv.Itoa(1000 - c.used); left != want {
					t.Errorf("%s tokens are left, want %s", left, want)
				}
			case left == "1000":
				t.Error("nothing was charged")
			default:
				if want := strconv.Itoa(1000 - int(x.Usage.Input()+x.Usage.Output())); left != want || x.Usage.Input() == 0 {
					t.Errorf("%s tokens are left, want %s", left, want)
				}
				if strings.Contains(c.name, "text") && !strings.Contains(c.name, "before") && x.Usage.Output() < delivered {
					t.Errorf("delivered %d", x.Usage.Output())
				}
			}
		})
	}
}

// A stream that is cut after its provider said how much went in is charged for
// that and for what came out.
func TestCutStreamsArePartlyReported(t *testing.T) {
	start := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\",\"usage\":{\"input_tokens\":50,\"output_tokens\":1}}}\n\n"
	delta := "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"one two three four five six seven eight\"}}\n\n"
	s := newScene(t, streamed(breaking(start+delta)))
	s.limit(ratelimit.Rule{ID: "tokens", Kind: ratelimit.Tokens, Max: 1000, PerFill: 1, Interval: time.Hour}, "")
	s.do(call{path: "/v1/messages", body: `{"model":"m","max_tokens":9,"stream":true,"messages":[]}`})
	x := *s.last()
	if x.Usage.Source != usage.Partial || x.Usage.Input() != 50 || x.Usage.Output() < 8 || x.ModelServed != "claude" {
		t.Errorf("recorded %+v", x.Usage)
	}
	if left, want := s.tokensLeft(), strconv.Itoa(950-int(x.Usage.Output())); left != want {
		t.Errorf("%s are left, want %s", left, want)
	}
}

// A caller who leaves in the middle pays for what came until then.
func TestLeavingIsCharged(t *testing.T) {
	s := newScene(t)
	s.limit(ratelimit.Rule{ID: "tokens", Kind: ratelimit.Tokens, Max: 1000, PerFill: 1, Interval: time.Hour}, "")
	ctx, cancel := context.WithCancel(t.Context())
	s.up.replies = append(s.up.replies, func(r *sent) (*provider.Response, error) {
		return streamed(io.MultiReader(strings.NewReader(events(deltaEvent)), slow{r.ctx, time.Hour, strings.NewReader("")}))(r)
	})
	s.do(call{body: streamBody, ctx: ctx, out: &caughtAnswer{onFlush: func(string) { cancel() }}})
	x := *s.last()
	if x.Outcome != gateway.Cut || x.Status != 499 || x.Usage.Source != usage.Estimated || x.Usage.Output() < 4 || x.Err != nil {
		t.Errorf("recorded %+v", x)
	}
	if left := s.tokensLeft(); left != strconv.Itoa(1000-int(x.Usage.Input()+x.Usage.Output())) {
		t.Errorf("%s are left", left)
	}
}

// Where a provider may have worked for a request that nobody answered, what was
// reserved stays taken; elsewhere it is given back.
func TestGivingBack(t *testing.T) {
	for _, c := range []struct {
		name    string
		replies []func(*sent) (*provider.Response, error)
		back    bool
	}{
		{"connect", []func(*sent) (*provider.Response, error){fails(provider.Connect)}, true},
		{"write", []func(*sent) (*provider.Response, error){fails(provider.Write)}, true},
		{"await", []func(*sent) (*provider.Response, error){fails(provider.Await)}, false},
		{"read", []func(*sent) (*provider.Response, error){fails(provider.Read)}, false},
		{"await, then connect", []func(*sent) (*provider.Response, error){fails(provider.Await), fails(provider.Connect)}, false},
		{"503, then connect", []func(*sent) (*provider.Response, error){whole(503, "{}"), fails(provider.Connect)}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, second := pair(t, c.replies...)
			s.target.Tokenize, second.Tokenize = true, true
			s.limit(ratelimit.Rule{ID: "tokens", Kind: ratelimit.Tokens, Max: 1000, PerFill: 1, Interval: time.Hour}, "")
			s.do(call{})
			s.target.Tokenize, second.Tokenize = false, false
			if left := s.tokensLeft(); (left == "1000") != c.back {
				t.Errorf("%s are left", left)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.limit(ratelimit.Rule{ID: "llm/requests", Max: 2, PerFill: 2, Interval: time.Minute}, "")
		out := s.do(call{})
		if out.want(t, 200, ""); out.header.Get("X-Ratelimit-Limit") != "2" || out.header.Get("X-Ratelimit-Remaining") != "1" || out.header.Get("X-Ratelimit-Reset") == "" ||
			out.header.Get("X-Ratelimit-Remaining-Requests") != "1" || out.header.Get("X-Ratelimit-Remaining-Tokens") != "" ||
			out.header.Get("Ratelimit-Policy") != `"llm/requests";q=2;w=60` || out.header.Get("Ratelimit") != `"llm/requests";r=1;t=60` {
			t.Errorf("header %v", out.header)
		}
		s.do(call{}).want(t, 200, "")
		time.Sleep(500 * time.Millisecond)
		out = s.do(call{})
		out.want(t, 429, `"limit_id":"llm/requests","kind":"requests","window":"60s","limit":2,"remaining":0`)
		h := out.header
		if h.Get("Retry-After") != "60" || h.Get("Retry-After-Ms") != "59500" || h.Get("X-Should-Retry") != "true" || h.Get("X-Ratelimit-Remaining") != "0" ||
			h.Get("X-Ratelimit-Remaining-Requests") != "0" || h.Get("X-Ratelimit-Limit-Requests") != "2" || h.Get("X-Ratelimit-Reset-Requests") != "60" ||
			h.Get("X-Ratelimit-Remaining-Tokens") != "" || h.Get("Ratelimit") != `"llm/requests";r=0;t=60` {
			t.Errorf("header %v", h)
		}
		if x := s.last(); x.Outcome != gateway.Refused || x.Reason != "RateLimit" || len(x.Attempts) != 0 || x.Caller.Name != "alice" {
			t.Errorf("recorded %+v", x)
		}
		time.Sleep(59500 * time.Millisecond)
		s.do(call{}).want(t, 200, "")
		s.snap.Plain = true
		s.do(call{})
		if out := s.do(call{}); out.status != 429 || out.text() != "rate limit exceeded" {
			t.Errorf("%d %q", out.status, out.text())
		}
	})
}

func TestLimitsOfEachKind(t *testing.T) {
	s := newScene(t)
	s.limit(ratelimit.Rule{ID: "r", Max: 5, PerFill: 1, Interval: time.Minute}, "")
	s.limit(ratelimit.Rule{ID: "t", Kind: ratelimit.Tokens, Max: 30, PerFill: 1, Interval: time.Hour}, "")
	h := s.do(call{}).header
	if h.Get("X-Ratelimit-Remaining-Requests") != "4" || h.Get("X-Ratelimit-Remaining-Tokens") != "30" || h.Get("X-Ratelimit-Limit-Tokens") != "30" || h.Get("X-Ratelimit-Remaining") != "4" {
		t.Errorf("%v", h)
	}
	h = s.do(call{}).header
	if h.Get("X-Ratelimit-Remaining-Tokens") != "11" {
		t.Errorf("%v", h)
	}
	out := s.do(call{})
	if out.want(t, 429, `"limit_id":"t","kind":"tokens"`); out.header.Get("X-Ratelimit-Remaining-Tokens") != "0" || out.header.Get("X-Ratelimit-Remaining-Requests") != "" {
		t.Errorf("%v", out.header)
	}
	// Counting tokens uses none.
	s.do(call{path: "/v1/messages/count_tokens", body: `{"model":"m","messages":[]}`}).want(t, 200, "")
}

func TestKeyedLimits(t *testing.T) {
	s := newScene(t)
	s.limit(ratelimit.Rule{ID: "r", Max: 1, PerFill: 1, Interval: time.Hour, Keyed: true}, "apiKey.team")
	s.do(call{}).want(t, 200, "")
	s.do(asBob("gpt-5")).want(t, 200, "") // has no team: the bucket of all who have none
	s.do(call{}).want(t, 429, "")
	s.do(asBob("gpt-5")).want(t, 429, "")
}

func TestTokenizedInput(t *testing.T) {
	s := newScene(t)
	s.limit(ratelimit.Rule{ID: "t", Kind: ratelimit.Tokens, Max: 40, PerFill: 1, Interval: time.Hour}, "")
	long := `{"model":"gpt-5","messages":[{"role":"user","content":"` + strings.Repeat("word ", 100) + `"}]}`
	s.target.Tokenize = true
	s.do(call{body: long}).want(t, 429, "however long you wait")
	h, body := form("w")
	s.target.Operations |= gateway.Of(dialect.Transcriptions)
	s.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 200, "")
	s.do(call{}).want(t, 200, "")
	s.target.Tokenize = false
	s.limit(ratelimit.Rule{ID: "t2", Kind: ratelimit.Tokens, Max: 40, PerFill: 1, Interval: time.Hour}, "")
	s.route.Limits = s.route.Limits[1:]
	s.do(call{body: long}).want(t, 200, "")
}

// Where nobody knows what a request came to, it is charged what was reserved.
func TestUnknownUseIsChargedAsReserved(t *testing.T) {
	s := newScene(t, streamed(strings.NewReader(events(`{"error":{"message":"x"}}`))))
	s.target.Tokenize = true
	s.limit(ratelimit.Rule{ID: "tokens", Kind: ratelimit.Tokens, Max: 1000, PerFill: 1, Interval: time.Hour}, "")
	reserved := s.do(call{body: streamBody}).header.Get("X-Ratelimit-Remaining-Tokens")
	s.target.Tokenize = false
	if left := s.tokensLeft(); left != reserved || left == "1000" {
		t.Errorf("%s tokens are left, %s were when it began", left, reserved)
	}
}
