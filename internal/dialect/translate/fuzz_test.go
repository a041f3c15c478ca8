package translate_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/anthropic"
	"tollgate/internal/dialect/request"
	"tollgate/internal/dialect/translate"
	"tollgate/internal/fault"
	"tollgate/internal/usage"
)

// sent is what may be in a translated request: nothing beside it.
type sent struct {
	Model       string         `json:"model"`
	Messages    []turn         `json:"messages"`
	System      []text         `json:"system"`
	Tools       []tool         `json:"tools"`
	ToolChoice  *pick          `json:"tool_choice"`
	Temperature jsontext.Value `json:"temperature"`
	TopP        jsontext.Value `json:"top_p"`
	Stop        []string       `json:"stop_sequences"`
	Stream      bool           `json:"stream"`
	Metadata    *struct {
		UserID string `json:"user_id"`
	} `json:"metadata"`
	OutputConfig *struct {
		Format struct {
			Type   string         `json:"type"`
			Schema jsontext.Value `json:"schema"`
		} `json:"format"`
	} `json:"output_config"`
	MaxTokens int64 `json:"max_tokens"`
}

type turn struct {
	Role    string  `json:"role"`
	Content []block `json:"content"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type block struct {
	Type      string                    `json:"type"`
	Text      string                    `json:"text"`
	ID        string                    `json:"id"`
	Name      string                    `json:"name"`
	ToolUseID string                    `json:"tool_use_id"`
	Content   []block                   `json:"content"`
	Input     map[string]jsontext.Value `json:"input"`
	Source    *struct {
		Type      string `json:"type"`
		URL       string `json:"url"`
		MediaType string `json:"media_type"`
		Data      string `json:"data"`
	} `json:"source"`
}

type tool struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Schema      jsontext.Value `json:"input_schema"`
}

type pick struct {
	Type   string `json:"type"`
	Name   string `json:"name"`
	Single bool   `json:"disable_parallel_tool_use"`
}

// FuzzRequest: whatever Peek accepts is refused by a fault of the caller's, or becomes a
// request that has known members only, sides that take turns and no empty text.
func FuzzRequest(f *testing.F) {
	for _, body := range files(f, "requests", ".chat.json") {
		f.Add([]byte(body))
	}
	for _, body := range files(f, "refused", ".json") {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var peeked request.Peeked
		if request.Peek(dialect.Chat, body, &peeked) != nil {
			t.Skip("refused before")
		}
		before := bytes.Clone(body)
		b, err := translate.Request(nil, body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Invalid || e.Param == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		out := b.Bounded(0)
		var s sent
		if err := json.Unmarshal(out, &s, json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := request.Peek(dialect.Messages, out, &peeked); err != nil || s.MaxTokens < 1 || s.MaxTokens != b.MaxTokens {
			t.Fatalf("%v: %s", err, out)
		}
		for i, m := range s.Messages {
			if i > 0 && m.Role == s.Messages[i-1].Role || len(m.Content) == 0 || m.Role != "user" && m.Role != "assistant" {
				t.Fatalf("message %d: %s", i, out)
			}
			for _, c := range m.Content {
				if c.Type == "text" && strings.TrimSpace(c.Text) == "" {
					t.Fatalf("an empty text: %s", out)
				}
			}
		}
	})
}

// FuzzAnswer: what a provider says becomes a chat completion, or a fault of the provider's.
func FuzzAnswer(f *testing.F) {
	for _, body := range files(f, "answers", ".message.json") {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m := anthropic.NewMeter()
		m.Body(body)
		u := m.Reading().Usage
		out, err := translate.Answer(nil, body, &u, options)
		if err != nil {
			if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind == fault.Internal || len(out) > 0 {
				t.Fatalf("%v: %s", err, out)
			}
			return
		}
		var c completion
		if err := json.Unmarshal(out, &c, json.MatchCaseInsensitiveNames(true), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil || len(c.Choices) != 1 {
			t.Fatalf("%v: %s", err, out)
		}
		if has := c.Usage != nil; has != (u.Source != usage.Absent) {
			t.Fatalf("usage %v: %s", has, out)
		}
	})
}

// FuzzStream: whatever comes, however it is cut into pieces, gives whole events with JSON in
// them, the same ones, and nothing behind the last.
func FuzzStream(f *testing.F) {
	for _, stream := range files(f, "streams", ".events") {
		f.Add([]byte(stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		out, ended, err := streamOf(bytes.NewReader(stream), options)
		again, endedAgain, errAgain := streamOf(iotest.OneByteReader(bytes.NewReader(stream)), options)
		if out != again || ended != endedAgain || (err == nil) != (errAgain == nil) {
			t.Fatalf("whole:\n%s\n%v\nin bytes:\n%s\n%v", out, err, again, errAgain)
		}
		if ended != (strings.HasSuffix(out, "data: [DONE]\n\n") || strings.Contains(out, "data: {\"error\"")) {
			t.Fatalf("ended %v:\n%s", ended, out)
		}
		for event := range strings.SplitSeq(strings.TrimSuffix(out, "data: [DONE]\n\n"), "\n\n") {
			if data, ok := strings.CutPrefix(event, "data: "); event != "" &&
				(!ok || !jsontext.Value(data).IsValid(jsontext.AllowInvalidUTF8(true)) || strings.ContainsAny(data, "\r\n")) {
				t.Fatalf("%q", event)
			}
		}
	})
}
