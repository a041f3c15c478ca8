package gateway_test

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"tollgate/internal/budget"
	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/usage"
	"tollgate/internal/vkey"
)

const (
	// A hundred tokens of the cache, five others and twenty written to it; thirty out.
	claudeUsage = `"usage":{"input_tokens":5,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":30}`
	claudeGood  = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-5-20260101","content":[{"type":"thinking","thinking":"Hm."},{"type":"text","text":"Hi"}],"stop_reason":"end_turn",` + claudeUsage + `}`
	claudeCalls = `{"id":"msg_2","type":"message","role":"assistant","model":"gpt-5","content":[{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Bern"}}],"stop_reason":"tool_use","usage":{"input_tokens":10,"output_tokens":9}}`
)

// claudeStream is the same answer, as events.
var claudeStream = func() string {
	var b strings.Builder
	for _, e := range []string{
		`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-5-20260101","content":[],"usage":{"input_tokens":5,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`{"type":"ping"}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"H"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"i"}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":30}}`,
		`{"type":"message_stop"}`,
	} {
		kind, _, _ := strings.Cut(e[len(`{"type":"`):], `"`)
		b.WriteString("event: " + kind + "\ndata: " + e + "\n\n")
	}
	return b.String()
}()

// asClaude makes a target one that speaks messages only.
func asClaude(t *gateway.Target) *gateway.Target {
	t.Provider, t.Operations = "anthropic", gateway.Of(dialect.Messages, dialect.CountTokens)
	t.Static = "X-Api-Key: real-" + t.Name + "\r\n"
	return t
}

// newClaude is a scene whose only target speaks messages.
func newClaude(t testing.TB, replies ...func(*sent) (*provider.Response, error)) *scene {
	s := newScene(t, replies...)
	asClaude(s.target)
	return s
}

// unnoted gives an answer without what is different every time.
func unnoted(x *gateway.Exchange, text string) string {
	return strings.ReplaceAll(text, fmt.Sprint(x.Started.Unix()), "NOW")
}

func TestTranslated(t *testing.T) {
	s := newClaude(t, whole(200, claudeGood, "Request-Id", "req_theirs"))
	out := s.do(call{
		query: "api-version=1", body: `{"model":"claude-5","temperature":0.70,"user":"u","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello!"}]}`,
		header: gateway.Header{"Authorization": {"Bearer " + aliceKey}, "Anthropic-Version": {"1999"}, "Anthropic-Beta": {"output-128k"}, "Openai-Beta": {"x"}, "Idempotency-Key": {"k"}},
	})
	out.want(t, 200, "")
	sent := s.up.one(t)
	if want := `{"model":"claude-5","messages":[{"role":"user","content":[{"type":"text","text":"Hello!"}]}],"system":[{"type":"text","text":"Be brief."}],"temperature":0.70,"metadata":{"user_id":"u"},"max_tokens":4096}`; sent.body != want || sent.Method != "POST" || sent.Target != "/v1/messages" {
		t.Errorf("%s %s\n%s\nwant\n%s", sent.Method, sent.Target, sent.body, want)
	}
	for name, want := range map[string]string{"Anthropic-Version": "2023-06-01", "Anthropic-Beta": "", "Openai-Beta": "", "Idempotency-Key": "k", "Content-Type": "application/json"} {
		if got := headerSent(sent, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	x := s.last()
	if got, want := unnoted(x, out.text()), `{"id":"msg_1","object":"chat.completion","created":NOW,"model":"claude-5-20260101","choices":[{"index":0,"message":{"role":"assistant","content":"Hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":125,"completion_tokens":30,"total_tokens":155,"prompt_tokens_details":{"cached_tokens":100},"completion_tokens_details":{"reasoning_tokens":0}}}`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for name, want := range map[string]string{"X-Tollgate-Max-Tokens": "4096", "Content-Type": "application/json", "X-Tollgate-Upstream-Request-Id": "req_theirs"} {
		if got := out.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if int64(out.body.Len()) != out.length {
		t.Errorf("%d bytes, declared %d", out.body.Len(), out.length)
	}
	u := &x.Usage
	if x.Operation != dialect.Chat || x.Dialect != dialect.OpenAI || x.Provider != "anthropic" || x.ModelServed != "claude-5-20260101" || x.Outcome != gateway.Served ||
		u.Source != usage.Reported || u.InputUncached != 5 || u.CacheRead != 100 || u.CacheWrite() != 20 || u.Output() != 30 {
		t.Errorf("%v %v %s %s %v %+v", x.Operation, x.Dialect, x.Provider, x.ModelServed, x.Outcome, u)
	}
}

// What a target writes about the version of its API stands, and its paths hold.
func TestWhereTranslatedRequestsGo(t *testing.T) {
	for want, paths := range map[string]gateway.Paths{
		"/v1/messages":        {Prefix: "/v1", Keep: true},
		"/api/messages":       {Prefix: "/api"},
		"/exactly/this?a=b":   {Prefix: "/v1", Full: "/exactly/this?a=b"},
		"/base/own/messages2": {Prefix: "/v1", Base: "/base", ByOperation: map[dialect.Operation]string{dialect.Messages: "/own/messages2", dialect.Chat: "/never"}},
	} {
		s := newClaude(t, whole(200, claudeGood))
		s.target.Paths, s.target.Drop = paths, []string{"Anthropic-Version"}
		s.do(call{path: "/anthropic/v1/chat/completions", query: "key=x&beta=true"}).want(t, 200, "Hi")
		if sent := s.up.one(t); sent.Target != want || headerSent(sent, "Anthropic-Version") != "" {
			t.Errorf("%s, want %s", sent.Target, want)
		}
	}
}

func TestTranslatedStream(t *testing.T) {
	for name, asks := range map[string]bool{`,"stream_options":{"include_usage":true}`: true, `,"stream_options":{"include_usage":false}`: false, "": false} {
		pieces := strings.SplitAfter(claudeStream, "\n\n")
		var readers []io.Reader
		for _, p := range pieces {
			readers = append(readers, iotest.OneByteReader(strings.NewReader(p)))
		}
		s := newClaude(t, streamed(io.MultiReader(readers...)))
		flushes := 0
		out := s.do(call{body: `{"model":"claude-5","stream":true` + name + `,"messages":[{"role":"user","content":"Hello!"}]}`, out: &caughtAnswer{onFlush: func(string) { flushes++ }}})
		out.want(t, 200, "")
		if sent := s.up.one(t); !strings.Contains(sent.body, `"stream":true`) || strings.Contains(sent.body, "stream_options") {
			t.Errorf("%s", sent.body)
		}
		if out.header.Get("Content-Type") != "text/event-stream" || out.flushed != out.body.Len() || flushes < 5 {
			t.Errorf("%v, %d of %d flushed, %d times", out.header, out.flushed, out.body.Len(), flushes)
		}
		text := out.text()
		if n := strings.Count(text, `"content":"H"`) + strings.Count(text, `"content":"i"`); n != 2 || !strings.HasSuffix(text, "data: [DONE]\n\n") ||
			strings.Contains(text, "message_stop") || strings.Contains(text, "ping") || strings.Contains(text, `"prompt_tokens":125`) != asks {
			t.Errorf("asks %v:\n%s", asks, text)
		}
		x := s.last()
		if x.Usage.Input() != 125 || x.Usage.Output() != 30 || x.Usage.Source != usage.Reported || x.Outcome != gateway.Served || !x.Streamed || x.Operation != dialect.Chat {
			t.Errorf("%v %+v", x.Outcome, x.Usage)
		}
	}
}

func TestTranslatedTools(t *testing.T) {
	s := newClaude(t, whole(200, claudeCalls))
	out := s.do(call{body: `{"model":"gpt-5","max_tokens":50,"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}],"messages":[{"role":"user","content":"Bern?"}]}`})
	out.want(t, 200, `"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Bern\"}"}}]},"logprobs":null,"finish_reason":"tool_calls"`)
	if sent := s.up.one(t); !strings.Contains(sent.body, `"tools":[{"name":"weather","input_schema":{"type":"object"}}]`) || !strings.HasSuffix(sent.body, `"max_tokens":50}`) {
		t.Errorf("%s", sent.body)
	}
	if got := out.header.Get("X-Tollgate-Max-Tokens"); got != "" {
		t.Errorf("told a bound that the caller set: %s", got)
	}
}

// What the configuration changes it changes in the caller's dialect.
func TestPoliciesOfTranslatedRequests(t *testing.T) {
	s := newClaude(t, whole(200, claudeGood))
	s.target.Model = "claude-5-20260101"
	s.target.Body = gateway.BodyPolicy{
		Overrides: []gateway.Member{{Name: "frequency_penalty", Value: "0"}, {Name: "n", Value: "1"}}, Defaults: []gateway.Member{{Name: "max_tokens", Value: "77"}}, OutputBound: "max_completion_tokens",
	}
	s.route.AI = &gateway.AI{
		Prepend: []string{`{"role":"system","content":"First."}`}, Append: []string{`{"role":"user","content":"Last."}`},
		Body: gateway.BodyPolicy{Defaults: []gateway.Member{{Name: "temperature", Value: "0.1"}}},
	}
	s.do(call{body: `{"model":"claude-5","n":3,"frequency_penalty":1,"messages":[{"role":"user","content":"Hello!"}]}`}).want(t, 200, "Hi")
	if sent, want := s.up.one(t), `{"model":"claude-5-20260101","messages":[{"role":"user","content":[{"type":"text","text":"Hello!"},{"type":"text","text":"Last."}]}],"system":[{"type":"text","text":"First."}],"temperature":0.1,"max_tokens":77}`; sent.body != want {
		t.Errorf("%s\nwant\n%s", sent.body, want)
	}
}

// What cannot be translated is refused before anything is counted, and goes to whoever
// understands it where somebody does.
func TestUntranslatable(t *testing.T) {
	several := `{"model":"m","n":2,"messages":[{"role":"user","content":"Hello!"}]}`
	b := newBank(t, roomy(), nil, whole(200, good))
	asClaude(b.target)
	out := b.ask(call{body: several})
	out.want(t, 400, `"param":"n","code":"translation_unsupported"`)
	if len(b.up.seen) > 0 || b.state(2).Settled != 0 || !strings.HasPrefix(out.text(), `{"error":{"message":"The provider of this model speaks Anthropic's messages`) {
		t.Errorf("%d were sent, %+v: %s", len(b.up.seen), b.state(2), out.text())
	}
	b.stop()

	s := newScene(t, whole(200, good))
	s.backends([]*gateway.Target{asClaude(s.newTarget("claude"))}, []*gateway.Target{s.target})
	s.do(call{body: several}).want(t, 200, "Hi")
	if sent := s.up.one(t); sent.Target != chatPath || sent.body != several {
		t.Errorf("%s %s", sent.Target, sent.body)
	}
	// Other operations are not translated.
	s.backends([]*gateway.Target{asClaude(s.newTarget("claude"))})
	for _, path := range []string{"/v1/completions", "/v1/responses", "/v1/embeddings"} {
		s.do(call{path: path, body: `{"model":"m","input":"x","prompt":"x"}`}).want(t, 400, "only chat completions are translated")
	}
	s.do(call{body: `{"messages":[{"role":"user","content":"Hello!"}]}`}).want(t, 400, "missing_model")
}

// Each attempt is made for its own target, in both directions.
func TestFailoverBetweenDialects(t *testing.T) {
	const asked = `{"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"Hello!"}]}`
	for name, tt := range map[string]struct {
		claudeFirst  bool
		first, then  func(*sent) (*provider.Response, error)
		paths, bound []string
		want         string
	}{
		"to messages":   {false, whole(500, "{}"), streamed(strings.NewReader(claudeStream)), []string{chatPath, "/v1/messages"}, []string{"", "4096"}, `"content":"i"`},
		"from messages": {true, whole(529, "{}"), streamed(strings.NewReader(events(deltaEvent, usageEvent, "[DONE]"))), []string{"/v1/messages", chatPath}, []string{"4096", ""}, "one two"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, tt.first, tt.then)
			groups := [][]*gateway.Target{{s.target}, {asClaude(s.newTarget("claude"))}}
			if tt.claudeFirst {
				slices.Reverse(groups)
			}
			s.backends(groups...)
			out := s.do(call{body: asked})
			out.want(t, 200, tt.want)
			if strings.Count(out.text(), "[DONE]") != 1 || out.header.Get("X-Tollgate-Max-Tokens") != tt.bound[1] {
				t.Errorf("%v\n%s", out.header, out.text())
			}
			for i, sent := range s.up.seen {
				messages := tt.paths[i] == "/v1/messages"
				if sent.Target != tt.paths[i] || strings.Contains(sent.body, "include_usage") == messages || strings.Contains(sent.body, `"max_tokens":4096`) != messages {
					t.Errorf("%d: %s %s", i, sent.Target, sent.body)
				}
			}
			if x := s.last(); len(x.Attempts) != 2 || !x.Attempts[0].Failover || x.Usage.Source != usage.Reported {
				t.Errorf("%+v", x.Attempts)
			}
		})
	}
	// The same target once more is sent the same.
	s := newClaude(t, whole(503, "{}"), whole(200, claudeGood))
	s.route.Retry = &gateway.Retry{Attempts: 2, Codes: map[int]bool{503: true}}
	s.do(call{}).want(t, 200, "Hi")
	if s.up.seen[0].body != s.up.seen[1].body || headerSent(s.up.seen[1], "x-retry-attempt") != "1" {
		t.Errorf("%s\n%s", s.up.seen[0].body, s.up.seen[1].body)
	}
}

func TestErrorsOfTranslatedRequests(t *testing.T) {
	failure := func(kind, message string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"},"request_id":"req_theirs"}`
	}
	for _, tt := range []struct {
		status int
		body   string
		sent   int
		want   string
	}{
		{400, failure("invalid_request_error", "max_tokens: 9 > 8"), 400, `{"error":{"message":"max_tokens: 9 > 8","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`},
		{401, failure("authentication_error", "no: sk-ant-real"), 502, `"code":"upstream_auth"`},
		{404, failure("not_found_error", "model: x"), 404, `"code":"not_found_error"`},
		{409, failure("conflict", "x"), 400, `"code":"conflict"`},
		{413, failure("request_too_large", "x"), 413, `"code":"request_too_large"`},
		{429, failure("rate_limit_error", "Slower."), 429, `"type":"rate_limit_error"`},
		{500, "<html>", 500, `"code":"upstream_error"`},
		{529, failure("overloaded_error", "secret-credential says no"), 503, `{"error":{"message":"[redacted] says no","type":"server_error","param":null,"code":"overloaded_error"}}`},
		{200, failure("api_error", "Sorry."), 502, `"message":"Sorry."`},
		{200, `{"object":"list"}`, 502, "upstream_garbage"},
		{200, `{"content":[{"type":"text`, 502, "upstream_garbage"},
	} {
		s := newClaude(t, whole(tt.status, tt.body, "Retry-After", "7"))
		s.target.Secret = secret.New("secret-credential")
		out := s.do(call{})
		out.want(t, tt.sent, tt.want)
		if !strings.HasPrefix(out.text(), `{"error":{"message":`) || out.header.Get("Content-Type") != "application/json" {
			t.Errorf("%d: %v %s", tt.status, out.header, out.text())
		}
		if tt.status == 429 && out.header.Get("Retry-After") != "7" {
			t.Errorf("%v", out.header)
		}
	}
	s := newClaude(t, typed(502, "text/html", strings.NewReader("<html>"), 6))
	if out := s.do(call{}); out.status != 502 || out.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v", out.status, out.header)
	}
	// What the provider says of the caller's own credential is for the caller.
	s = newClaude(t, whole(401, failure("authentication_error", "invalid x-api-key")))
	s.target.Passthrough = &gateway.Passthrough{}
	s.do(call{}).want(t, 401, `{"error":{"message":"invalid x-api-key"`)
}

func TestBrokenTranslatedStreams(t *testing.T) {
	begun := claudeStream[:strings.Index(claudeStream, "event: content_block_stop")]
	for name, tt := range map[string]struct {
		rest    io.Reader
		want    string
		outcome gateway.Outcome
	}{
		"error":     {strings.NewReader("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"), `data: {"error":{"message":"Overloaded","type":"server_error","param":null,"code":"overloaded_error"}}`, gateway.Failed},
		"reset":     {brokenReader{}, `"code":"upstream_broken"`, gateway.Failed},
		"just ends": {strings.NewReader(""), `"code":"upstream_broken"`, gateway.Failed},
		"garbage":   {strings.NewReader("data: {\n\n"), `"code":"upstream_garbage"`, gateway.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			s := newClaude(t, streamed(io.MultiReader(strings.NewReader(begun), tt.rest)))
			out := s.do(call{body: streamBody})
			out.want(t, 200, `"content":"i"`)
			last := strings.Split(strings.TrimSpace(out.text()), "\n\n")
			if end := last[len(last)-1]; !strings.HasPrefix(end, `data: {"error":`) || !strings.Contains(end, tt.want) || strings.Contains(out.text(), "DONE") {
				t.Errorf("%s", out.text())
			}
			if x := s.last(); x.Outcome != tt.outcome || x.Usage.Input() != 125 || x.Usage.Output() == 0 {
				t.Errorf("%v %+v", x.Outcome, x.Usage)
			}
		})
	}
}

// An answer in the other form than was asked for is translated as it comes.
func TestTranslatedAnswersOfTheOtherForm(t *testing.T) {
	s := newClaude(t, whole(200, claudeGood), streamed(strings.NewReader(claudeStream)))
	s.do(call{body: streamBody}).want(t, 200, `"object":"chat.completion","`)
	s.do(call{}).want(t, 200, "data: [DONE]")
}

// An answer that is translated is read whole, as far as the bound of answers goes.
func TestLargeTranslatedAnswers(t *testing.T) {
	long := strings.Replace(claudeGood, `"Hi"`, `"`+strings.Repeat("words ", 60<<10)+`"`, 1)
	s := newClaude(t, whole(200, long))
	if out := s.do(call{}); out.status != 200 || !strings.Contains(out.text(), strings.Repeat("words ", 60<<10)) || s.last().Usage.Output() != 30 {
		t.Errorf("%d, %d bytes, %+v", out.status, out.body.Len(), s.last().Usage)
	}
	s.snap.MaxAnswer = 300 << 10
	s.do(call{}).want(t, 502, "upstream_answer_too_large")
	if x := s.last(); x.Usage.Output() < 10_000 || x.Outcome != gateway.Failed {
		t.Errorf("%v %+v", x.Outcome, x.Usage)
	}
}

// What is set aside is what the translated request can come to: its bound is the one that
// is sent.
func TestBoundsOfTranslatedRequests(t *testing.T) {
	cost := func(amount string) []*budget.Limit {
		return []*budget.Limit{limit("lim_cost", budget.Cost, usd(amount), daily)}
	}
	for name, tt := range map[string]struct {
		model, member string
		amount        string
		change        func(*vkey.Entry)
		sent, told    string
		output        int64 // that is set aside
		refused       string
	}{
		"its own":                  {model: "long", member: `,"max_tokens":300`, amount: "1", sent: "300", output: 300},
		"both members":             {model: "long", member: `,"max_tokens":300,"max_completion_tokens":400`, amount: "1", sent: "400", output: 400},
		"none":                     {model: "long", amount: "1", sent: "4096", told: "4096", output: 4096},
		"none, of a short model":   {model: "gpt-5", amount: "1", sent: "1000", told: "1000", output: 1000},
		"none, of a key":           {model: "long", amount: "1", change: func(e *vkey.Entry) { e.MaxTokens = 222 }, sent: "222", told: "222", output: 222},
		"none, and little is left": {model: "long", amount: "0.01", sent: "less", told: "less"},
		"too much":                 {model: "long", member: `,"max_tokens":3000`, amount: "0.01", refused: "budget_exceeded"},
		"too much, clamped":        {model: "long", member: `,"max_tokens":3000`, amount: "0.01", change: func(e *vkey.Entry) { e.Clamp = true }, sent: "less", told: "less"},
		"a tier that is not asked": {model: "long", member: `,"service_tier":"flex","speed":"fast","max_tokens":300`, amount: "1", sent: "300", output: 300},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, cost(tt.amount), tt.change, whole(200, claudeCalls))
			b.target.Operations = gateway.Of(dialect.Messages)
			out := b.ask(call{body: `{"model":"` + tt.model + `","messages":[{"role":"user","content":"Hello!"}]` + tt.member + `}`})
			if tt.refused != "" {
				out.want(t, 429, tt.refused)
				b.stop()
				return
			}
			out.want(t, 200, "toolu_1")
			x := b.last()
			end := b.checkBooks(x)[0]
			if end.Source != ledger.Exact || end.Charged.Cost != 100_000 || out.header.Get("X-Tollgate-Cost") != "0.0001" {
				t.Errorf("charged %+v, told %q", end.Charged, out.header.Get("X-Tollgate-Cost"))
			}
			_, bound, _ := strings.Cut(strings.TrimSuffix(b.up.one(t).body, "}"), `"max_tokens":`)
			told := out.header.Get("X-Tollgate-Max-Tokens")
			if tt.sent == "less" {
				if told != bound || len(bound) != 3 {
					t.Errorf("sent %s, told %q", bound, told)
				}
				return
			}
			if bound != tt.sent || told != tt.told {
				t.Errorf("sent %s, told %q", bound, told)
			}
			// Ten dollars a million out; what is read is few.
			if set := int64(x.Attempts[0].Bound.Cost) - tt.output*10_000; set < 0 || set > 1_000_000 {
				t.Errorf("%d aside for %d out", x.Attempts[0].Bound.Cost, tt.output)
			}
		})
	}
}

// The input is measured as it is sent: with the system prompt where messages have it, and
// without what chat completions alone can have done.
func TestInputOfTranslatedRequests(t *testing.T) {
	b := newBank(t, []*budget.Limit{limit("lim_tokens", budget.Tokens, 3000, daily)}, nil, whole(200, claudeCalls))
	b.target.Operations = gateway.Of(dialect.Messages)
	words := strings.Repeat("word ", 1200)
	b.ask(call{body: `{"model":"long","max_tokens":300,"messages":[{"role":"system","content":"` + words + `"},{"role":"user","content":"Hello!"}]}`}).want(t, 200, "toolu_1")
	if n := b.last().Attempts[0].Bound.Tokens; n < 1500 || n > 2000 {
		t.Errorf("%d tokens were set aside", n)
	}
	b.stop()
	b = newBank(t, []*budget.Limit{limit("lim_cost", budget.Cost, usd("1"), daily)}, nil, whole(200, claudeCalls))
	defer b.stop()
	b.target.Operations = gateway.Of(dialect.Messages)
	b.ask(call{body: `{"model":"keeper","max_tokens":300,"messages":[{"role":"user","content":[{"type":"text","text":"Hello!","cache_control":{"type":"ephemeral"}}]}]}`}).want(t, 200, "toolu_1")
	if n := b.last().Attempts[0].Bound.Cost; n > 4_000_000 {
		t.Errorf("%s was set aside, as if a cache were written", n)
	}
}

// A translated request has no options of streams that a provider could refuse.
func TestNoStreamOptionsAreTranslated(t *testing.T) {
	s := newClaude(t, whole(400, `{"type":"error","error":{"type":"invalid_request_error","message":"stream_options: what is that"}}`))
	s.do(call{body: streamBody}).want(t, 400, "what is that")
	s.up.one(t)
}

// Each attempt is set aside and charged by its own dialect.
func TestBooksOfFailoverBetweenDialects(t *testing.T) {
	b := newBank(t, roomy(), nil, whole(500, "{}"), whole(200, claudeCalls))
	other := b.newTarget("claude")
	other.Operations = gateway.Of(dialect.Messages)
	b.backends([]*gateway.Target{b.target}, []*gateway.Target{other})
	out := b.ask(call{body: `{"model":"long","messages":[{"role":"user","content":"Hello!"}]}`})
	out.want(t, 200, "toolu_1")
	x := b.last()
	ends := b.checkBooks(x)
	if len(ends) != 2 || ends[1].Charged.Cost != 100_000 || x.Attempts[0].Bound.Cost < 1_000_000_000 || x.Attempts[1].Bound.Cost > 50_000_000 || out.header.Get("X-Tollgate-Max-Tokens") != "4096" {
		t.Errorf("%+v %v", ends, slices.Sorted(maps.Keys(out.header)))
	}
}
