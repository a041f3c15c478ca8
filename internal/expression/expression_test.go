package expression

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"tollgate/internal/caller"
	"tollgate/internal/usage"
)

// sample is a request in the middle of its exchange.
func sample() *Input {
	return &Input{
		Method: "POST", Scheme: "https", Host: "gw.example", Path: "/v1/chat/completions", Query: "a=1&b=2", Version: "HTTP/1.1",
		Headers: map[string][]string{"X-Team": {"blue"}, "X-Many": {"a", "b"}, "X-Empty": {""}},
		Caller: &caller.Caller{KeyID: "key_abc", Name: "checkout", Metadata: map[string]any{
			"user": "alice", "tier": int64(3), "share": 0.25, "admin": true, "note": nil,
			"groups": []any{"dev", "ops"}, "org": map[string]any{"unit": "eu"}, "years": 4,
		}},
		Source: netip.MustParseAddrPort("[::ffff:192.0.2.7]:4711"),
		LLM: &LLM{RequestModel: "gpt-5", ResponseModel: "gpt-5-2026", Provider: "openai", Streaming: true,
			Usage: &usage.Usage{InputUncached: 7, CacheRead: 2, CacheWrite5m: 1, OutputText: 5, OutputReasoning: 4}},
		Body:     []byte(`{"model":"gpt-5","max_tokens":100,"temperature":0.5,"big":12345678901234567890,"messages":[{"role":"user"}],"nothing":null}`),
		Backend:  "openai-eu",
		Response: &Response{Code: 429, Headers: map[string][]string{"Retry-After": {"3"}}},
	}
}

func compile(t testing.TB, source string) *Program {
	t.Helper()
	p, err := Compile(source)
	if err != nil {
		t.Fatalf("Compile(%s): %v", source, err)
	}
	return p
}

func TestStringOfEveryVariable(t *testing.T) {
	for source, want := range map[string]string{
		`request.method`:                        "POST",
		`request.uri`:                           "https://gw.example/v1/chat/completions?a=1&b=2",
		`request.path`:                          "/v1/chat/completions",
		`request.pathAndQuery`:                  "/v1/chat/completions?a=1&b=2",
		`request.host`:                          "gw.example",
		`request.scheme`:                        "https",
		`request.version`:                       "HTTP/1.1",
		`request.headers["x-team"]`:             "blue",
		`request.headers['X-TEAM']`:             "blue",
		`request.headers["x-many"]`:             "a, b",
		`request.headers["x-empty"]`:            "",
		`apiKey.user`:                           "alice",
		`apiKey.tier`:                           "3",
		`apiKey.years`:                          "4",
		`apiKey.share`:                          "0.25",
		`apiKey.admin`:                          "true",
		`apiKey.id`:                             "key_abc",
		`apiKey.name`:                           "checkout",
		`apiKey.key`:                            "[redacted]",
		`apiKey.org.unit`:                       "eu",
		`apiKey.groups[1]`:                      "ops",
		`source.address`:                        "192.0.2.7",
		`source.port`:                           "4711",
		`llm.requestModel`:                      "gpt-5",
		`llm.responseModel`:                     "gpt-5-2026",
		`llm.provider`:                          "openai",
		`llm.streaming`:                         "true",
		`llm.inputTokens`:                       "10",
		`llm.cachedInputTokens`:                 "2",
		`llm.cacheCreationInputTokens`:          "1",
		`llm.outputTokens`:                      "9",
		`llm.reasoningTokens`:                   "4",
		`llm.totalTokens`:                       "19",
		`llm.params.temperature`:                "0.5",
		`llm.params.max_tokens`:                 "100",
		`llmRequest.model`:                      "gpt-5",
		`llmRequest.max_tokens * 2`:             "200",
		`llmRequest.messages[0].role`:           "user",
		`llmRequest.big`:                        "12345678901234567000",
		`response.code`:                         "429",
		`response.headers["retry-after"]`:       "3",
		`backend.name`:                          "openai-eu",
		`"literal"`:                             "literal",
		` 'literal' `:                           "literal",
		`"with \"escape\""`:                     `with "escape"`,
		`"a" + apiKey.user`:                     "aalice",
		`default(jwt.sub, apiKey.user)`:         "alice",
		`default(apiKey.user, "x")`:             "alice",
		`default(apiKey.note, "x")`:             "x",
		`coalesce(jwt.sub, apiKey.nope, "end")`: "end",
		`coalesce(apiKey.user, 1/0)`:            "alice",
		`json('{"a":{"b":7}}').a.b`:             "7",
		`apiKey.user.upperAscii()`:              "ALICE",
		`request.path.split("/")[1]`:            "v1",
		`base64.encode(bytes(apiKey.user))`:     "YWxpY2U=",
		`apiKey.?nope.orValue("none")`:          "none",
		`string(1.5)`:                           "1.5",
		`duration("90s")`:                       "1m30s",
		`timestamp("2026-10-01T00:00:00Z")`:     "2026-10-01T00:00:00Z",
		`b"raw"`:                                "raw",
		`3u`:                                    "3",
	} {
		if got, err := compile(t, source).String(sample()); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", source, got, err, want)
		}
	}
}

func TestBool(t *testing.T) {
	for source, want := range map[string]bool{
		`apiKey.admin`: true,
		`apiKey.user == "alice" && request.method == "POST"`: true,
		`apiKey.tier >= 3`:                                         true,
		`llmRequest.max_tokens < 100.5`:                            true,
		`has(apiKey.user)`:                                         true,
		`has(apiKey.nope)`:                                         false,
		`has(request.headers.nope)`:                                false,
		`"x-team" in request.headers`:                              true,
		`"x-none" in request.headers`:                              false,
		`"dev" in apiKey.groups`:                                   true,
		`apiKey.groups.exists(g, g.startsWith("op"))`:              true,
		`request.headers.exists(h, h == "x-many")`:                 true,
		`apiKey.exists(name, name == "user")`:                      true,
		`size(source) == 4`:                                        true,
		`request.headers == {"x-team": "blue"}`:                    false,
		`request.path.matches("^/v1/")`:                            true,
		`request.host.endsWith(".example") && true`:                true,
		`jwt.sub == "x" || apiKey.user == "alice"`:                 true,
		`type(apiKey) == map`:                                      true,
		`llmRequest.nothing == null`:                               true,
		`request.headers.filter(h, h.startsWith("x-")).size() > 1`: true,
	} {
		if got, err := compile(t, source).Bool(sample()); err != nil || got != want {
			t.Errorf("%s = %v, %v; want %v", source, got, err, want)
		}
	}
}

func TestAbsentIsAnError(t *testing.T) {
	empty := &Input{Method: "GET"}
	for _, source := range []string{
		`apiKey.user`, `apiKey.user == "alice"`, `has(apiKey.user)`, `source.address`, `llm.requestModel`, `llm.inputTokens > 0`,
		`llmRequest.model`, `llm.params.seed`, `response.code`, `response.code == 200`, `response.headers["x"]`, `backend.name`,
		`jwt.sub`, `has(jwt.sub)`, `basicAuth.username == "x"`, `mcp.tool.name`, `request.headers["x-team"]`,
		`request.headers["x-team"] == "blue"`, `request.body == ""`, `llm.cost.total > 1.0`,
	} {
		if got, err := compile(t, source).String(empty); err == nil {
			t.Errorf("%s = %q, want an error", source, got)
		}
		if got, err := compile(t, source).Bool(empty); err == nil {
			t.Errorf("%s = %v, want an error", source, got)
		}
	}
	// Parts that are there may lack members.
	in := &Input{Caller: &caller.Caller{KeyID: "key_x"}, LLM: &LLM{RequestModel: "m"}, Body: []byte(`[1]`)}
	for _, source := range []string{`apiKey.user`, `apiKey.name`, `llm.responseModel`, `llm.provider`, `llm.totalTokens`,
		`llm.params`, `llmRequest.model`, `llmRequest[1]`} {
		if got, err := compile(t, source).String(in); err == nil {
			t.Errorf("%s = %q, want an error", source, got)
		}
	}
}

func TestNoCallerMeansNoKey(t *testing.T) {
	if _, err := compile(t, `apiKey.id`).String(&Input{Caller: caller.Anonymous}); err == nil {
		t.Error("an anonymous caller has a key")
	}
}

func TestWrongResultIsAnError(t *testing.T) {
	for _, source := range []string{`apiKey.user`, `"true"`, `1`, `request.headers`, `llmRequest`} {
		if got, err := compile(t, source).Bool(sample()); err == nil {
			t.Errorf("Bool(%s) = %v, want an error", source, got)
		}
	}
	for _, source := range []string{`null`, `apiKey.note`, `apiKey.groups`, `apiKey.org`, `request.headers`, `[1]`, `apiKey`} {
		if got, err := compile(t, source).String(sample()); err == nil {
			t.Errorf("String(%s) = %q, want an error", source, got)
		}
	}
}

func TestBrokenBody(t *testing.T) {
	for _, body := range []string{"", "{", `{"a":1,"a":2}`, "{} {}", "\"\xff\"", strings.Repeat("[", 20_000)} {
		in := &Input{Body: []byte(body)}
		for range 2 { // the second time from what is remembered
			if got, err := compile(t, `llmRequest == null`).Bool(in); err == nil {
				t.Errorf("with body %.20q: %v, want an error", body, got)
			}
		}
	}
}

func TestMetadataComeBeforeOwnNames(t *testing.T) {
	in := &Input{Caller: &caller.Caller{KeyID: "key_x", Name: "ours", Metadata: map[string]any{"name": "theirs", "id": "7", "key": "leaked"}}}
	for source, want := range map[string]string{`apiKey.name`: "theirs", `apiKey.id`: "7", `apiKey.key`: "[redacted]"} {
		if got, _ := compile(t, source).String(in); got != want {
			t.Errorf("%s = %q, want %q", source, got, want)
		}
		if got, _ := compile(t, source+`+""`).String(in); got != want {
			t.Errorf("%s through CEL = %q, want %q", source, got, want)
		}
	}
}

// TestSelectorsAgreeWithCEL holds the short way to what CEL gives.
func TestSelectorsAgreeWithCEL(t *testing.T) {
	for _, source := range []string{`apiKey.user`, `apiKey.tier`, `apiKey.share`, `apiKey.admin`, `apiKey.note`, `apiKey.groups`, `apiKey.nope`, `apiKey.key`,
		`request.method`, `request.uri`, `request.headers["x-team"]`, `request.headers["nope"]`, `source.port`, `llm.totalTokens`, `llm.params`, `response.code`} {
		short := compile(t, source)
		if short.selector == nil {
			t.Errorf("%s is not recognised", source)
		}
		long := compile(t, "("+source+")")
		if long.selector != nil {
			t.Fatalf("(%s) does not go through CEL", source)
		}
		for _, in := range []*Input{sample(), {}} {
			a, errA := short.String(in)
			b, errB := long.String(in)
			c, errC := short.Bool(in)
			d, errD := long.Bool(in)
			if a != b || c != d || (errA == nil) != (errB == nil) || (errC == nil) != (errD == nil) {
				t.Errorf("%s: %q %v %v %v, through CEL %q %v %v %v", source, a, errA, c, errC, b, errB, d, errD)
			}
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, tt := range []struct {
		source       string
		line, column int
		message      string
	}{
		{` `, 1, 1, "an expression cannot be empty"},
		{"'\x92'", 1, 1, "valid UTF-8"},
		{`apiKey.user ==`, 1, 15, "Syntax error"},
		{`apiKey.user == "a" &&` + "\n  nope", 2, 3, "undeclared reference to 'nope'"},
		{`request.metod`, 1, 1, `request has no member "metod"; it has method, uri`},
		{`true && request.metod == "x"`, 1, 16, `request has no member "metod"`},
		{`llm.tokens`, 1, 1, "llm has no member"},
		{`apiKey.key.unredacted()`, 1, 7, "unredacted() is not supported"},
		{`1 + "a"`, 1, 3, "no matching overload"},
		{`frobnicate(apiKey.user)`, 1, 11, "undeclared reference to 'frobnicate'"},
		{`request.path.matches("(")`, 1, 1, ""},
	} {
		_, err := Compile(tt.source)
		syntax, ok := errors.AsType[*SyntaxError](err)
		if !ok {
			t.Errorf("Compile(%q) = %v, want a SyntaxError", tt.source, err)
			continue
		}
		if !strings.Contains(syntax.Message, tt.message) || tt.message != "" && (syntax.Line != tt.line || syntax.Column != tt.column) {
			t.Errorf("Compile(%q) = %v, want line %d, column %d: %s", tt.source, syntax, tt.line, tt.column, tt.message)
		}
	}
	if _, err := Compile(`nope1 + nope2`); err == nil || !strings.Contains(err.Error(), "nope1") || !strings.Contains(err.Error(), "nope2") {
		t.Errorf("not all problems are named: %v", err)
	}
}

func TestUsesAndMissing(t *testing.T) {
	for _, tt := range []struct {
		source        string
		uses, missing []string
	}{
		{`"x"`, nil, nil},
		{`1 + 1`, nil, nil},
		{`apiKey.user`, []string{"apiKey"}, nil},
		{`llm.requestModel`, []string{"llm"}, nil},
		{`llm.params`, []string{"llm", "llmRequest"}, nil},
		{`llm.params.seed == 1`, []string{"llm", "llmRequest"}, nil},
		{`size(llm) > 0`, []string{"llm", "llmRequest"}, nil},
		{`llmRequest.model == "x" && response.code == 1`, []string{"llmRequest", "response"}, nil},
		{`request.body`, []string{"request"}, []string{"request.body"}},
		{`request.body == "" || jwt.sub == "x"`, []string{"request"}, []string{"request.body", "jwt.sub"}},
		{`size(mcp) > 0`, nil, []string{"mcp"}},
		{`["a"].exists(request, request == "a")`, []string{"request"}, nil}, // hidden by the loop, taken for the variable
	} {
		p := compile(t, tt.source)
		for _, v := range []string{"request", "apiKey", "llm", "llmRequest", "response", "source"} {
			want := false
			for _, u := range tt.uses {
				want = want || u == v
			}
			if p.Uses(v) != want {
				t.Errorf("%s: Uses(%s) = %v", tt.source, v, !want)
			}
		}
		if got := p.Missing(); !reflect.DeepEqual(got, tt.missing) {
			t.Errorf("%s: Missing() = %q, want %q", tt.source, got, tt.missing)
		}
		if p.Source() != tt.source {
			t.Errorf("Source() = %q", p.Source())
		}
	}
}

func TestLoopsAreBounded(t *testing.T) {
	p := compile(t, `apiKey.list.all(a, apiKey.list.all(b, apiKey.list.all(c, a + b + c >= 0)))`)
	list := make([]any, 1000)
	for i := range list {
		list[i] = int64(i)
	}
	in := &Input{Caller: &caller.Caller{KeyID: "k", Metadata: map[string]any{"list": list}}}
	if _, err := p.Bool(in); err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("a billion steps end with %v, want the cost limit", err)
	}
}

// TestInputSeesLaterParts holds that an Input can be completed between evaluations.
func TestInputSeesLaterParts(t *testing.T) {
	p := compile(t, `response.code == 503 && response.headers["x"] == "y"`)
	in := &Input{}
	if _, err := p.Bool(in); err == nil {
		t.Error("a response before there is one")
	}
	in.Response = &Response{Code: 503, Headers: map[string][]string{"X": {"y"}}}
	if ok, err := p.Bool(in); !ok || err != nil {
		t.Errorf("= %v, %v", ok, err)
	}
	*in = Input{}
	if _, err := p.Bool(in); err == nil {
		t.Error("a response after it was taken away")
	}
}

func TestHeadersOfRequestAndResponseStayApart(t *testing.T) {
	in := &Input{Headers: map[string][]string{"X": {"1"}}, Response: &Response{Headers: map[string][]string{"X": {"2"}}}}
	if got, err := compile(t, `request.headers["x"] + response.headers["x"]`).String(in); got != "12" {
		t.Errorf("= %q, %v", got, err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`apiKey.user`, `request.headers["x"]`, `"a`, `a.b.c`, `request.headers[""]`, `'`, `apiKey.in`, `has(apiKey.x)`, "\xff", "'\x92'", `request.headers["\"]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		p, err := Compile(source)
		if err != nil {
			return
		}
		short, shortErr := p.String(sample())
		p.Bool(&Input{})
		if p.selector == nil {
			return
		}
		long, err := Compile("(" + source + ")")
		if err != nil {
			t.Fatalf("%q is a selector that CEL refuses: %v", source, err)
		}
		if got, err := long.String(sample()); got != short || (err == nil) != (shortErr == nil) {
			t.Fatalf("%q = %q, %v; through CEL %q, %v", source, short, shortErr, got, err)
		}
	})
}

func BenchmarkCompileEnvironment(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newEnvironment(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, bb := range []struct{ name, source string }{
		{"selector", `apiKey.user`},
		{"header", `request.headers["x-team"]`},
		{"condition", `apiKey.user == "alice" && request.method == "POST"`},
		{"condition-header", `request.headers["x-team"] == "blue"`},
		{"regex", `request.path.matches("^/v1/")`},
		{"loop", `apiKey.groups.exists(g, g == "ops")`},
		{"absent", `apiKey.nope`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			p, in := compile(b, bb.source), sample()
			b.ReportAllocs()
			for b.Loop() {
				p.eval(in)
			}
		})
	}
	b.Run("body", func(b *testing.B) {
		p := compile(b, `llmRequest.max_tokens < 100`)
		b.ReportAllocs()
		for b.Loop() {
			in := sample()
			p.Bool(in)
		}
	})
}
