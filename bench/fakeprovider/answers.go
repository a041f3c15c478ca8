package fakeprovider

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The models, by the pace at which they stream.
const (
	// ModelJSON is for answers that are no streams.
	ModelJSON = "bench-json"
	// ModelBurst streams everything in one write, ModelEvents each event by
	// itself, without a pause.
	ModelBurst  = "bench-burst"
	ModelEvents = "bench-events"
	// ModelPaced streams an event every 10 ms, ModelHeld every 500 ms.
	ModelPaced = "bench-paced"
	ModelHeld  = "bench-held"
)

// What an answer consists of.
const (
	// Events is the number of events with content in a stream; "[DONE]" and
	// the usage chunk, if it was asked for, come on top.
	Events = 64
	// AnswerBytes is the size of the body of a JSON answer.
	AnswerBytes = 1024
	// PromptTokens and CompletionTokens are the usage of every answer.
	PromptTokens     = 57
	CompletionTokens = 64
	// PacedGap is the pause between two events of ModelPaced.
	PacedGap = 10 * time.Millisecond
	heldGap  = 500 * time.Millisecond
)

// model is the prepared bytes of all answers in one name.
type model struct {
	gap  time.Duration
	json []byte // whole response
	// What is written, piece by piece, without and with a usage chunk: HTTP
	// chunks, one for each event.
	plain, withUsage [][]byte
}

// inOneWrite joins the pieces of the streams.
func (m *model) inOneWrite() *model {
	m.plain = [][]byte{bytes.Join(m.plain, nil)}
	m.withUsage = [][]byte{bytes.Join(m.withUsage, nil)}
	return m
}

var models = map[string]*model{
	ModelJSON:   prepare(ModelJSON, 0).inOneWrite(),
	ModelBurst:  prepare(ModelBurst, 0).inOneWrite(),
	ModelEvents: prepare(ModelEvents, 0),
	ModelPaced:  prepare(ModelPaced, PacedGap),
	ModelHeld:   prepare(ModelHeld, heldGap),
}

const (
	created     = 1760000000
	fingerprint = "fp_0123456789"
)

var usage = fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,`+
	`"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},`+
	`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`,
	PromptTokens, CompletionTokens, PromptTokens+CompletionTokens)

const commonHeaders = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n" +
	"Openai-Processing-Ms: 12\r\nOpenai-Version: 2020-10-01\r\nX-Request-Id: req_0123456789abcdef\r\n"

var streamHead = []byte("HTTP/1.1 200 OK\r\n" + commonHeaders +
	"Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n")

func prepare(name string, gap time.Duration) *model {
	m := &model{gap: gap, json: jsonAnswer(name)}
	for i := range Events {
		m.plain = append(m.plain, httpChunk(chatChunk(name, i, "")))
		m.withUsage = append(m.withUsage, httpChunk(chatChunk(name, i, `,"usage":null`)))
	}
	m.plain[0] = slices.Concat(streamHead, m.plain[0])
	m.withUsage[0] = slices.Concat(streamHead, m.withUsage[0])
	done := append(httpChunk("data: [DONE]\n\n"), "0\r\n\r\n"...)
	m.plain = append(m.plain, done)
	m.withUsage = append(m.withUsage, append(httpChunk(fmt.Sprintf(
		`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":%d,"model":%q,"service_tier":"default",`+
			`"system_fingerprint":%q,"choices":[],"usage":%s}`+"\n\n", created, name, fingerprint, usage)), done...))
	return m
}

func jsonAnswer(name string) []byte {
	body := func(content string) string {
		return fmt.Sprintf(`{"id":"chatcmpl-bench","object":"chat.completion","created":%d,"model":%q,`+
			`"choices":[{"index":0,"message":{"role":"assistant","content":%q,"refusal":null,"annotations":[]},`+
			`"logprobs":null,"finish_reason":"stop"}],"usage":%s,"service_tier":"default","system_fingerprint":%q}`,
			created, name, content, usage, fingerprint)
	}
	words := strings.Repeat("word after word after word ", AnswerBytes/26)
	text := body(words[:AnswerBytes-len(body(""))])
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", commonHeaders, len(text), text)
}

// chatChunk is the i-th event: the role first, the reason to stop last,
// content in between.
func chatChunk(name string, i int, more string) string {
	delta, finish := fmt.Sprintf(`{"content":" word%02d"}`, i), "null"
	switch i {
	case 0:
		delta = `{"role":"assistant","content":"","refusal":null}`
	case Events - 1:
		delta, finish = `{}`, `"stop"`
	}
	return fmt.Sprintf(`data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":%d,"model":%q,"service_tier":"default",`+
		`"system_fingerprint":%q,"choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]%s}`+"\n\n",
		created, name, fingerprint, delta, finish, more)
}

func httpChunk(s string) []byte { return fmt.Appendf(nil, "%x\r\n%s\r\n", len(s), s) }
