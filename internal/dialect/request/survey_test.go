package request_test

import (
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
)

func survey(t testing.TB, op dialect.Operation, body string) request.Survey {
	t.Helper()
	var p request.Peeked
	if err := request.Peek(op, []byte(body), &p); err != nil {
		t.Fatal(err)
	}
	return request.Measure(op, []byte(body), &p)
}

func TestMeasure(t *testing.T) {
	for name, tt := range map[string]struct {
		op   dialect.Operation
		body string
		want request.Survey
	}{
		"text":                {dialect.Chat, `{"messages":[{"role":"user","content":"an image of a file"}]}`, request.Survey{Prompts: 1, Answers: 1, CacheWrite: true}},
		"parts":               {dialect.Chat, `{"messages":[{"content":[{"type":"text","text":"image"},{"type":"image_url"},{"type":"input_audio"}]}]}`, request.Survey{Prompts: 1, Answers: 1, Media: 2, CacheWrite: true}},
		"without its type":    {dialect.Chat, `{"messages":[{"content":[{"image_url":"http://a/b"}]}]}`, request.Survey{Prompts: 1, Answers: 1, Stored: true, CacheWrite: true}},
		"summed up":           {dialect.Messages, `{"messages":[],"context_management":{"edits":[{"type":"compact_20260112"}]}}`, request.Survey{Prompts: 1, Answers: 2, Compacts: true}},
		"cleared only":        {dialect.Messages, `{"messages":[],"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}}`, request.Survey{Prompts: 1, Answers: 1}},
		"tools of a prompt":   {dialect.Responses, `{"prompt":{"id":"p"}}`, request.Survey{Prompts: 1, Answers: 1, Stored: true, Hosted: true, Uses: request.MaxUses, CacheWrite: true}},
		"tools bounded":       {dialect.Responses, `{"tools":[{"type":"mcp"}],"max_tool_calls":2}`, request.Survey{Prompts: 1, Answers: 1, Hosted: true, Bounded: true, Uses: 2, CacheWrite: true}},
		"bounded by nothing":  {dialect.Responses, `{"tools":[{"type":"mcp"}],"max_tool_calls":null}`, request.Survey{Prompts: 1, Answers: 1, Hosted: true, Uses: request.MaxUses, CacheWrite: true}},
		"spoken":              {dialect.Chat, `{"messages":[],"modalities":["text","audio"],"n":3}`, request.Survey{Prompts: 1, Answers: 3, Speaks: true, CacheWrite: true}},
		"written only":        {dialect.Chat, `{"messages":[],"modalities":[ "text" ]}`, request.Survey{Prompts: 1, Answers: 1, CacheWrite: true}},
		"sound before":        {dialect.Chat, `{"messages":[{"role":"assistant","audio":{"id":"x"}}]}`, request.Survey{Prompts: 1, Answers: 1, Stored: true, CacheWrite: true}},
		"as served":           {dialect.Messages, `{"messages":[],"service_tier":"auto","speed":"fast","inference_geo":"us"}`, request.Survey{Prompts: 1, Answers: 1, Service: "auto", Speed: "fast", Geo: "us"}},
		"cached":              {dialect.Messages, `{"messages":[{"content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}`, request.Survey{Prompts: 1, Answers: 1, CacheWrite: true, HourWrite: true}},
		"cached, in disguise": {dialect.Messages, `{"messages":[{"content":[{"type":"text","text":"a","c\u0061che_control":{"type":"ephemeral"}}]}]}`, request.Survey{Prompts: 1, Answers: 1, CacheWrite: true, HourWrite: true}},
		"arguments of a tool": {dialect.Messages, `{"messages":[{"content":[{"type":"tool_use","input":{"type":"image"}},{"type":"tool_result","content":[{"type":"image"}]}]}]}`, request.Survey{Prompts: 1, Answers: 1, Media: 1}},
		"own and foreign tools": {dialect.Messages, `{"messages":[],"tools":[{"name":"a"},{"type":"bash_20250124"},{"type":"web_search_20250305","max_uses":2},{"type":"web_fetch_20250910","max_uses":3}]}`,
			request.Survey{Prompts: 1, Answers: 1, Hosted: true, Uses: 5}},
		"foreign tools without a bound": {dialect.Messages, `{"messages":[],"tools":[{"type":"web_search_20250305","max_uses":2},{"type":"web_fetch_20250910"}]}`,
			request.Survey{Prompts: 1, Answers: 1, Hosted: true, Uses: request.MaxUses}},
		"prompts":       {dialect.Completions, `{"prompt":[[1,2],[3]],"best_of":2}`, request.Survey{Prompts: 2, Answers: 4, CacheWrite: true}},
		"one of tokens": {dialect.Completions, `{"prompt":[1,2,3]}`, request.Survey{Prompts: 1, Answers: 1, CacheWrite: true}},
		"ranked":        {dialect.Rerank, `{"query":"q","documents":["a",{"text":"b"}]}`, request.Survey{Prompts: 1, Answers: 1, Documents: 2, CacheWrite: true}},
	} {
		got := survey(t, tt.op, tt.body)
		if got.CacheWrite && tt.op != dialect.Messages {
			got.HourWrite = tt.want.HourWrite // which follows the letters of the text
		}
		if got != tt.want {
			t.Errorf("%s: %+v\nwant %+v", name, got, tt.want)
		}
	}
}

func FuzzMeasure(f *testing.F) {
	f.Add([]byte(`{"messages":[{"content":[{"type":"image_url"}]}],"tools":[{"type":"web_search","max_uses":1e3}],"n":9007199254740992}`))
	f.Add([]byte(`{"prompt":[[1]],"input":{"type":"file"},"documents":{},"max_tool_calls":-1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, op := range dialect.Operations() {
			var p request.Peeked
			if request.Peek(op, body, &p) != nil {
				continue
			}
			s := request.Measure(op, body, &p)
			if s.Prompts < 1 || s.Answers < 1 || s.Media < 0 || s.Uses < 0 || s.Hosted && s.Uses == 0 || s.HourWrite && !s.CacheWrite {
				t.Fatalf("%v: %+v", op, s)
			}
			if n := request.Beside(op, body, &p); n < 0 || n > int64(len(body)) {
				t.Fatalf("%v: %d bytes beside a prompt of %d", op, n, len(body))
			}
		}
	})
}
