package request_test

import (
	"errors"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
)

func TestPeekReads(t *testing.T) {
	var p request.Peeked
	body := []byte(` {"model":"gpt-4o","messages":[{"role":"user","content":"{[\""},{}],"tools":[{},{},{}],
		"stream":true,"stream_options":{"x":[1],"include_usage":true},"max_tokens":10,"max_completion_tokens":2e1,
		"n":3,"temperature":0.5,"top_p":1,"Weird":{"model":"inner"}} `)
	if err := request.Peek(dialect.Chat, body, &p); err != nil {
		t.Fatal(err)
	}
	if p.Model != "gpt-4o" || !p.HasModel || !p.Stream || !p.IncludeUsage || p.Messages != 2 || p.Tools != 3 {
		t.Errorf("got %+v", p)
	}
	if p.MaxTokens != 20 || p.MaxTokensMember != "max_completion_tokens" || p.N != 3 {
		t.Errorf("got max %d by %q, n %d", p.MaxTokens, p.MaxTokensMember, p.N)
	}
	if p.Temperature != 0.5 || !p.HasTemperature || p.TopP != 1 || !p.HasTopP {
		t.Errorf("got temperature %v, top_p %v", p.Temperature, p.TopP)
	}
	if v, ok := p.Value(body, "Weird"); !ok || string(v) != `{"model":"inner"}` {
		t.Errorf("Value gave %q, %v", v, ok)
	}
	if _, ok := p.Value(body, "none"); ok {
		t.Error("Value found a member that is not there")
	}

	// Nothing of the last body may be left.
	if err := request.Peek(dialect.Chat, []byte(`{}`), &p); err != nil {
		t.Fatal(err)
	}
	if p.HasModel || p.Model != "" || p.Stream || p.MaxTokens != 0 || p.Messages != 0 {
		t.Errorf("the second body left %+v", p)
	}
}

func TestPeekByOperation(t *testing.T) {
	const body = `{"max_tokens":1,"max_completion_tokens":2,"max_output_tokens":3,"best_of":4,"n":5}`
	tests := []struct {
		op             dialect.Operation
		max, bestOf, n int64
	}{
		{dialect.Chat, 2, 0, 5},
		{dialect.Completions, 1, 4, 5},
		{dialect.Responses, 3, 0, 5},
		{dialect.Messages, 1, 0, 5},
		{dialect.Embeddings, 0, 0, 5},
		{dialect.Passthrough, 0, 0, 0},
	}
	for _, tt := range tests {
		var p request.Peeked
		if err := request.Peek(tt.op, []byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if p.MaxTokens != tt.max || p.BestOf != tt.bestOf || p.N != tt.n {
			t.Errorf("%v: max %d, best_of %d, n %d", tt.op, p.MaxTokens, p.BestOf, p.N)
		}
	}
}

func TestPeekAccepts(t *testing.T) {
	deep := strings.Repeat("[", request.MaxDepth-1) + strings.Repeat("]", request.MaxDepth-1)
	for _, body := range []string{
		`{"model":null,"stream":null,"stream_options":null,"max_tokens":null,"n":null,"messages":null}`,
		`{"max_tokens":-1}`,
		`{"x":` + deep + `}`,
		`{"x":"` + strings.Repeat(`[\"{`, 1000) + `"}`,
		`{"x":[` + strings.Repeat(`{},`, 1000) + `{}]}`,
		`{"models":1,"Content":2,"MODELS":3}`,
	} {
		var p request.Peeked
		if err := request.Peek(dialect.Chat, []byte(body), &p); err != nil {
			t.Errorf("%.80s: %v", body, err)
		}
		if p.HasModel || p.MaxTokens != 0 {
			t.Errorf("%.80s: got %+v", body, p)
		}
	}
	var p request.Peeked
	if err := request.Peek(dialect.Chat, []byte(`{"mod\u0065l":"a\u0062"}`), &p); err != nil || p.Model != "ab" {
		t.Errorf("an escaped name gave %q, %v", p.Model, err)
	}
}

func TestPeekRefuses(t *testing.T) {
	deep := strings.Repeat("[", request.MaxDepth) + strings.Repeat("]", request.MaxDepth)
	tests := []struct{ name, body, param string }{
		{"empty", ``, ""},
		{"blank", `  `, ""},
		{"array", `[{"model":"a"}]`, ""},
		{"text", `"model"`, ""},
		{"number", `1`, ""},
		{"cut short", `{"model":"a"`, ""},
		{"cut in a text", `{"model":"a`, ""},
		{"second object", `{"model":"a"}{"model":"b"}`, ""},
		{"trailing garbage", `{"model":"a"}x`, ""},
		{"byte order mark", "\xef\xbb\xbf{}", ""},
		{"invalid UTF-8 in a text", "{\"model\":\"a\xff\"}", ""},
		{"invalid UTF-8 in a name", "{\"a\xff\":1}", ""},
		{"lone surrogate", `{"a":"\ud800"}`, ""},
		{"duplicate", `{"model":"a","model":"b"}`, ""},
		{"duplicate by an escape", `{"model":"a","mod\u0065l":"b"}`, ""},
		{"duplicate far in", `{"messages":[{"a":[{"role":1,"role":2}]}]}`, ""},
		{"duplicate in stream_options", `{"stream_options":{"include_usage":true,"include_usage":false}}`, ""},
		{"not a name", `{1:2}`, ""},
		{"comment", `{/**/}`, ""},
		{"too deep", `{"x":` + deep + `}`, ""},
		{"model in capitals", `{"model":"a","MODEL":"b"}`, "model"},
		{"model with a capital", `{"Model":"b"}`, "model"},
		{"stream with a long s", `{"ſtream":true}`, "stream"},
		{"tokens with a Kelvin sign", "{\"max_to\u212aens\":1}", "max_tokens"},
		{"escaped case", `{"\u004dodel":"b"}`, "model"},
		{"include_usage in other case", `{"stream_options":{"Include_Usage":false}}`, "include_usage"},
		{"model is a number", `{"model":1}`, "model"},
		{"model is an object", `{"model":{}}`, "model"},
		{"model is huge", `{"model":"` + strings.Repeat("a", 513) + `"}`, "model"},
		{"stream is a text", `{"stream":"true"}`, "stream"},
		{"stream_options is a list", `{"stream_options":[]}`, "stream_options"},
		{"include_usage is a number", `{"stream_options":{"include_usage":1}}`, "stream_options.include_usage"},
		{"max_tokens is a text", `{"max_tokens":"1"}`, "max_tokens"},
		{"max_tokens is a fraction", `{"max_tokens":1.5}`, "max_tokens"},
		{"max_tokens is immense", `{"max_tokens":9007199254740993}`, "max_tokens"},
		{"max_tokens is beyond all", `{"max_tokens":1e400}`, "max_tokens"},
		{"n is true", `{"n":true}`, "n"},
		{"messages is a text", `{"messages":"hi"}`, "messages"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p request.Peeked
			err := request.Peek(dialect.Chat, []byte(tt.body), &p)
			e, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if e.Kind != fault.Invalid || e.Code != "invalid_request_body" || e.Param != tt.param || e.Message == "" {
				t.Errorf("got kind %d, code %s, param %q: %s", e.Kind, e.Code, e.Param, e.Message)
			}
		})
	}
}

// Where it is, and not what it is called: names are content, and messages are kept.
func TestPeekFindsTheDuplicate(t *testing.T) {
	var p request.Peeked
	err := request.Peek(dialect.Chat, []byte(`{"messages":[{"private":"a","private":"b"}]}`), &p)
	if e, ok := errors.AsType[*fault.Error](err); !ok || !strings.Contains(e.Message, "twice, the second time at byte 28.") || strings.Contains(e.Message, "private") {
		t.Errorf("got %v", err)
	}
}

func TestRequireModel(t *testing.T) {
	var p request.Peeked
	if err := request.Peek(dialect.Chat, []byte(`{"model":""}`), &p); err != nil || p.RequireModel() != nil {
		t.Errorf("an empty model: %v, %v", err, p.RequireModel())
	}
	if err := request.Peek(dialect.Chat, []byte(`{}`), &p); err != nil {
		t.Fatal(err)
	}
	e, ok := errors.AsType[*fault.Error](p.RequireModel())
	if !ok || e.Code != "missing_model" || e.Param != "model" || e.Kind != fault.Invalid {
		t.Errorf("no model: %v", e)
	}
}

func TestPeekDoesNotTouchTheBody(t *testing.T) {
	body := []byte(` {"model":"a","messages":[{"role":"user"}],"stream":true} `)
	before := string(body)
	var p request.Peeked
	if err := request.Peek(dialect.Chat, body, &p); err != nil {
		t.Fatal(err)
	}
	if string(body) != before {
		t.Errorf("the body became %q", body)
	}
}

func TestPeekAllocations(t *testing.T) {
	var p request.Peeked
	got := testing.AllocsPerRun(1000, func() { _ = request.Peek(dialect.Chat, chatBody, &p) })
	// One, for the model; the race detector empties pools now and then.
	if got > 6 {
		t.Errorf("%v allocations", got)
	}
}
