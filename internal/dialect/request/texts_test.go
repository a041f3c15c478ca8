package request_test

import (
	"reflect"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
)

func TestTexts(t *testing.T) {
	type turns = []request.Turn
	tests := []struct {
		name   string
		op     dialect.Operation
		body   string
		want   turns
		tokens int64
	}{
		{"chat", dialect.Chat, `{"model":"m","messages":[{"role":"system","content":"a\nb"},{"content":[{"type":"text","text":"c"},
			{"type":"image_url","image_url":{"url":"data:x"}},{"type":"text","text":"d"}],"role":"user"}]}`,
			turns{{"system", "a\nb"}, {"user", "c\nd"}}, 0},
		{"chat, tool calls", dialect.Chat, `{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",
			"function":{"name":"f","arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"r"}]}`,
			turns{{"assistant", "f\n{\"x\":1}"}, {"tool", "r"}}, 0},
		{"chat, odd messages", dialect.Chat, `{"messages":["a",1,null,{"role":1,"content":true}]}`, turns{{"user", "a"}, {"user", ""}, {"user", ""}, {"", ""}}, 0},
		{"chat, input is none of it", dialect.Chat, `{"input":"x","prompt":"y","system":"z"}`, nil, 0},
		{"anthropic", dialect.Messages, `{"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[
			{"type":"tool_result","content":[{"type":"text","text":"r"}]},{"type":"tool_use","name":"f","input":{"a":1}}]}]}`,
			turns{{"system", "s"}, {"user", "r\nf{\"a\":1}"}}, 0},
		{"responses, text", dialect.Responses, `{"instructions":"i","input":"x"}`, turns{{"system", "i"}, {"user", "x"}}, 0},
		{"responses, list", dialect.Responses, `{"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]},{"type":"function_call_output","output":"o"}]}`,
			turns{{"user", "x"}, {"", "o"}}, 0},
		{"completions", dialect.Completions, `{"prompt":["a","b"]}`, turns{{"", "a"}, {"", "b"}}, 0},
		{"completions, ids", dialect.Completions, `{"prompt":[[1,2],[3]]}`, nil, 3},
		{"embeddings", dialect.Embeddings, `{"input":"a"}`, turns{{"", "a"}}, 0},
		{"rerank", dialect.Rerank, `{"query":"q","documents":["d",{"text":"e"}]}`, turns{{"", "q"}, {"", "d"}, {"", "e"}}, 0},
		{"passthrough", dialect.Passthrough, `{"input":"a"}`, nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := request.Texts(tt.op, []byte(tt.body))
			if err != nil || !reflect.DeepEqual(p.Turns, tt.want) || p.Tokens != tt.tokens {
				t.Errorf("got %q, %d tokens, %v", p.Turns, p.Tokens, err)
			}
		})
	}
	for _, body := range []string{``, `{"messages":[`, `{"messages":[{"content":["a"`, `{"messages":[{"role":`} {
		if _, err := request.Texts(dialect.Chat, []byte(body)); err == nil {
			t.Errorf("%q was accepted", body)
		}
	}
}
