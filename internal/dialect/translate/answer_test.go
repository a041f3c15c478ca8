package translate_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"encoding/json"

	"tollgate/internal/dialect/anthropic"
	"tollgate/internal/dialect/translate"
	"tollgate/internal/fault"
	"tollgate/internal/usage"
)

var options = translate.Options{ID: "req_1", Created: 1700000000}

// completion is a chat completion as far as the tests read it.
type completion struct {
	ID, Object, Model string
	Created           int64
	Choices           []struct {
		Index        int
		Message      message
		FinishReason string `json:"finish_reason"`
	}
	Usage *struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
		Total      int64 `json:"total_tokens"`
	}
}

type message struct {
	Role             string
	Content, Refusal *string
	ToolCalls        []toolCall `json:"tool_calls"`
}

type toolCall struct {
	Index    int
	ID, Type string
	Function struct{ Name, Arguments string }
}

// answerOf translates a message that its meter has read.
func answerOf(body string) ([]byte, error) {
	m := anthropic.NewMeter()
	m.Body([]byte(body))
	u := m.Reading().Usage
	return translate.Answer(nil, []byte(body), &u, options)
}

func TestAnswer(t *testing.T) {
	for name, body := range files(t, "answers", ".message.json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			out, err := answerOf(body)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".completion.json", spread(t, out))
			var c completion
			if err := json.Unmarshal(out, &c); err != nil || len(c.Choices) != 1 {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	for body, want := range map[string]string{
		"":                        "upstream_garbage",
		"[]":                      "upstream_garbage",
		"{}":                      "upstream_garbage",
		`{"type":"message"}`:      "upstream_garbage",
		`{"content":[{"type":`:    "upstream_garbage",
		`{"content":[],"x":"\x"}`: "upstream_garbage",
		`{"content":"Hello!"}`:    "upstream_garbage",
		`{"content":[]} and more`: "upstream_garbage",
		`{"type":"error","error":{"type":"api_error","message":"Sorry."}}`: "Sorry.",
	} {
		out, err := answerOf(body)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Upstream || !strings.Contains(e.Error(), want) || len(out) > 0 {
			t.Errorf("%s: %s, %v", body, out, err)
		}
	}
}

func TestFinishReasons(t *testing.T) {
	for reason, want := range map[string]string{
		"end_turn": "stop", "stop_sequence": "stop", "pause_turn": "stop", "max_tokens": "length", "model_context_window_exceeded": "length",
		"tool_use": "tool_calls", "refusal": "content_filter", "something new": "stop",
	} {
		out, err := translate.Answer(nil, []byte(`{"content":[],"stop_reason":"`+reason+`"}`), &usage.Usage{}, options)
		if err != nil || !strings.Contains(string(out), `"finish_reason":"`+want+`"`) {
			t.Errorf("%s: %s, %v", reason, out, err)
		}
	}
}

func TestFailure(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		sent   int
		want   string
	}{
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too many"},"request_id":"x"}`, 400,
			`{"error":{"message":"max_tokens: too many","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`},
		{401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, 401,
			`{"error":{"message":"invalid x-api-key","type":"invalid_request_error","param":null,"code":"authentication_error"}}`},
		{404, `{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}`, 404,
			`{"error":{"message":"model: claude-9","type":"invalid_request_error","param":null,"code":"not_found_error"}}`},
		{429, `{"type":"error","error":{"type":"rate_limit_error","message":"Slower."}}`, 429,
			`{"error":{"message":"Slower.","type":"rate_limit_error","param":null,"code":"rate_limit_error"}}`},
		{500, `<html>`, 500, `{"error":{"message":"The provider answered with status 500.","type":"server_error","param":null,"code":"upstream_error"}}`},
		{529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, 503,
			`{"error":{"message":"Overloaded","type":"server_error","param":null,"code":"overloaded_error"}}`},
	} {
		out, sent := translate.Failure(nil, tt.status, []byte(tt.body))
		if sent != tt.sent || string(out) != tt.want {
			t.Errorf("%d %s: %d %s", tt.status, tt.body, sent, out)
		}
	}
}
