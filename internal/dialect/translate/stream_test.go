package translate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"tollgate/internal/dialect/anthropic"
	"tollgate/internal/dialect/translate"
	"tollgate/internal/fault"
	"tollgate/internal/sse"
)

// streamOf translates a stream as a relay does: metered, then translated.
func streamOf(r io.Reader, o translate.Options) (string, bool, error) {
	events := sse.NewReader(r, 0)
	defer events.Release()
	meter := anthropic.NewMeter()
	var s translate.Stream
	s.Begin(translate.Options{ID: "before"}, meter)
	for _, forgotten := range [...]string{`{"type":"content_block_start","content_block":{"type":"tool_use"}}`, `{"type":"message_delta","delta":{"stop_reason":"refusal"}}`} {
		_, _ = s.Event(nil, []byte(forgotten))
	}
	s.Begin(o, meter)
	var out strings.Builder
	for {
		e, err := events.Next()
		if errors.Is(err, io.EOF) {
			return out.String(), s.Ended(), nil
		}
		if err != nil {
			return out.String(), s.Ended(), err
		}
		meter.Event(e.Name, e.Data)
		chunks, err := s.Event(e.Name, e.Data)
		if err != nil {
			return out.String(), s.Ended(), err
		}
		out.Write(chunks)
	}
}

func TestStream(t *testing.T) {
	for name, stream := range files(t, "streams", ".events") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			for _, o := range []translate.Options{options, {ID: "req_1", Created: 1700000000, IncludeUsage: true}} {
				out, ended, err := streamOf(strings.NewReader(stream), o)
				if err != nil || !ended {
					t.Fatalf("ended %v, %v", ended, err)
				}
				path := name + ".chunks"
				if o.IncludeUsage {
					path = name + ".usage.chunks"
				}
				golden(t, path, out)
				crlf := strings.ReplaceAll(stream, "\n", "\r\n")
				for how, r := range map[string]io.Reader{
					"bytes": iotest.OneByteReader(strings.NewReader(stream)), "halves": iotest.HalfReader(strings.NewReader(stream)), "CR LF": iotest.OneByteReader(strings.NewReader(crlf)),
				} {
					if again, _, err := streamOf(r, o); again != out || err != nil {
						t.Errorf("in %s:\n%s\nwant:\n%s\n%v", how, again, out, err)
					}
				}
			}
		})
	}
}

// Wherever a stream is split, and wherever it stops, what comes out is the beginning of the
// same, and only the whole of it has ended.
func TestStreamSplit(t *testing.T) {
	stream := read(t, "testdata/streams/tools.events")
	whole, _, err := streamOf(strings.NewReader(stream), options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range stream {
		split := io.MultiReader(strings.NewReader(stream[:i]), strings.NewReader(stream[i:]))
		if out, _, err := streamOf(split, options); out != whole || err != nil {
			t.Fatalf("split at %d: %v\n%s", i, err, out)
		}
		broken := io.MultiReader(strings.NewReader(stream[:i]), iotest.ErrReader(io.ErrUnexpectedEOF))
		out, ended, err := streamOf(broken, options)
		if !strings.HasPrefix(whole, out) || ended != strings.HasSuffix(out, "[DONE]\n\n") || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("broken off at %d: %v, ended %v\n%s", i, err, ended, out)
		}
	}
}

func TestGarbageInStream(t *testing.T) {
	for _, data := range []string{"", "{", "[1,", `{"type":"content_block_delta","delta":{"text":"a` + "\t" + `b"}}`, `{} {}`} {
		_, ended, err := streamOf(strings.NewReader("data: "+data+"\n\n"), options)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != "upstream_garbage" || ended {
			t.Errorf("%q: %v, ended %v", data, err, ended)
		}
	}
}

// collected puts the chunks of a stream together, as a client does.
func collected(t testing.TB, stream string) (c completion, chunks int) {
	t.Helper()
	c.Choices = append(c.Choices, struct {
		Index        int
		Message      message
		FinishReason string `json:"finish_reason"`
	}{})
	m := &c.Choices[0].Message
	rest, done := strings.CutSuffix(stream, "data: [DONE]\n\n")
	if !done {
		t.Fatalf("the stream is not done:\n%s", stream)
	}
	for event := range strings.SplitSeq(strings.TrimSuffix(rest, "\n\n"), "\n\n") {
		var chunk struct {
			completion
			Choices []struct {
				Index        int
				Delta        message
				FinishReason string `json:"finish_reason"`
			}
		}
		data, ok := strings.CutPrefix(event, "data: ")
		if err := json.Unmarshal([]byte(data), &chunk); err != nil || !ok || strings.Contains(data, "\n") {
			t.Fatalf("%v: %q", err, event)
		}
		chunks++
		c.ID, c.Model, c.Created = chunk.ID, chunk.Model, chunk.Created
		if chunk.Usage != nil {
			c.Usage = chunk.Usage
		}
		for _, choice := range chunk.Choices {
			if (chunks == 1) != (choice.Delta.Role == "assistant") {
				t.Errorf("chunk %d has the role %q", chunks, choice.Delta.Role)
			}
			if c.Choices[0].FinishReason != "" {
				t.Errorf("a chunk behind the last: %s", data)
			}
			c.Choices[0].FinishReason = choice.FinishReason
			add(&m.Content, choice.Delta.Content)
			add(&m.Refusal, choice.Delta.Refusal)
			for _, call := range choice.Delta.ToolCalls {
				if call.Index == len(m.ToolCalls) {
					m.ToolCalls = append(m.ToolCalls, call)
					continue
				}
				if call.ID != "" || call.Index != len(m.ToolCalls)-1 {
					t.Errorf("a piece of another call: %s", data)
				}
				m.ToolCalls[call.Index].Function.Arguments += call.Function.Arguments
			}
		}
	}
	return c, chunks
}

func add(to **string, piece *string) {
	if piece == nil {
		return
	}
	if *to == nil {
		*to = new(string)
	}
	**to += *piece
}

// quoted gives a text as JSON.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// written is an answer of a model in both forms: as a message, and as the events of one.
type written struct {
	rng             *rand.Rand
	content, events strings.Builder
	blocks          int
}

func (w *written) event(format string, args ...any) {
	fmt.Fprintf(&w.events, "data: "+format+"\n\n", args...)
}

// text makes a text with whatever can be in one.
func (w *written) text(most int) string {
	var b strings.Builder
	for range w.rng.IntN(most) {
		b.WriteString([]string{"a", " ", "\n", `"`, `\`, "é", "漢", "😀", "data: ", "\u2028", "\x00", "</s>"}[w.rng.IntN(12)])
	}
	return b.String()
}

// pieces sends a text in pieces, in deltas of a kind.
func (w *written) pieces(kind, member, text string) {
	runes := []rune(text)
	for len(runes) > 0 {
		n := 1 + w.rng.IntN(len(runes))
		w.event(`{"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":%s}}`, w.blocks, kind, member, quoted(string(runes[:n])))
		runes = runes[n:]
		if w.rng.IntN(4) == 0 {
			w.event(`{"type":"ping"}`)
		}
	}
}

func (w *written) block() {
	if w.blocks > 0 {
		w.content.WriteByte(',')
	}
	switch w.rng.IntN(3) {
	case 0:
		text := w.text(20)
		fmt.Fprintf(&w.content, `{"type":"text","text":%s}`, quoted(text))
		w.event(`{"type":"content_block_start","index":%d,"content_block":{"type":"text","text":""}}`, w.blocks)
		w.pieces("text_delta", "text", text)
	case 1:
		text := w.text(20)
		fmt.Fprintf(&w.content, `{"type":"thinking","thinking":%s}`, quoted(text))
		w.event(`{"type":"content_block_start","index":%d,"content_block":{"type":"thinking","thinking":""}}`, w.blocks)
		w.pieces("thinking_delta", "thinking", text)
	default:
		input := "{}"
		if w.rng.IntN(2) == 0 {
			input = `{"a": ` + quoted(w.text(10)) + `, "b": 1.50}`
		}
		fmt.Fprintf(&w.content, `{"type":"tool_use","id":"toolu_%d","name":"f%d","input":%s}`, w.blocks, w.blocks, input)
		w.event(`{"type":"content_block_start","index":%d,"content_block":{"type":"tool_use","id":"toolu_%d","name":"f%d","input":{}}}`, w.blocks, w.blocks, w.blocks)
		if input != "{}" || w.rng.IntN(2) == 0 {
			w.pieces("input_json_delta", "partial_json", input)
		}
	}
	w.event(`{"type":"content_block_stop","index":%d}`, w.blocks)
	w.blocks++
}

// What the chunks of a stream add up to is the answer that is no stream, down to its usage.
func TestStreamIsAnswer(t *testing.T) {
	for seed := range uint64(400) {
		w := &written{rng: rand.New(rand.NewPCG(seed, 1))}
		input, read, wrote, output := w.rng.IntN(1000), w.rng.IntN(1000), w.rng.IntN(1000), w.rng.IntN(1000)
		reason := []string{"end_turn", "max_tokens", "tool_use", "refusal"}[w.rng.IntN(4)]
		w.event(`{"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":%d,"output_tokens":1}}}`, input+1)
		for range w.rng.IntN(6) {
			w.block()
		}
		figures := fmt.Sprintf(`"usage":{"input_tokens":%d,"cache_read_input_tokens":%d,"cache_creation_input_tokens":%d,"output_tokens":%d}`, input, read, wrote, output)
		w.event(`{"type":"message_delta","delta":{"stop_reason":"%s"},%s}`, reason, figures)
		w.event(`{"type":"message_stop"}`)
		body := fmt.Sprintf(`{"id":"msg_1","type":"message","model":"m","content":[%s],"stop_reason":"%s",%s}`, w.content.String(), reason, figures)

		out, err := answerOf(body)
		if err != nil {
			t.Fatal(err)
		}
		var whole completion
		if err := json.Unmarshal(out, &whole); err != nil {
			t.Fatal(err)
		}
		o := options
		o.IncludeUsage = true
		stream, ended, err := streamOf(strings.NewReader(w.events.String()), o)
		if err != nil || !ended {
			t.Fatal(err, ended)
		}
		sum, _ := collected(t, stream)
		if u := whole.Usage; u.Prompt != int64(input+read+wrote) || u.Completion != int64(output) || u.Total != u.Prompt+u.Completion {
			t.Errorf("seed %d: usage %+v", seed, *u)
		}
		sum.Object, whole.Object = "", ""
		for i := range sum.Choices[0].Message.ToolCalls {
			sum.Choices[0].Message.ToolCalls[i].Index = 0
		}
		if whole.Choices[0].Message.Content == nil {
			whole.Choices[0].Message.Content = new(string)
		}
		whole.Choices[0].Message.Role = ""
		if a, b := asJSON(sum), asJSON(whole); a != b {
			t.Fatalf("seed %d: the stream has\n%s\nthe answer\n%s\n%s", seed, a, b, w.events.String())
		}
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
