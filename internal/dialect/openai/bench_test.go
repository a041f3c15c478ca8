package openai_test

import (
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/openai"
)

const delta = `{"id":"chatcmpl-C4Gm9xikLXbgE8He0BHWeoM03aa72","object":"chat.completion.chunk","created":1755133878,"model":"gpt-5-nano-2025-08-07","service_tier":"default","system_fingerprint":"fp_0611516fca","choices":[{"index":0,"delta":{"content":" dog"},"finish_reason":null}],"usage":null,"obfuscation":"abcdefg"}`

const completion = `{"id":"chatcmpl-C4Gm9xikLXbgE8He0BHWeoM03aa72","object":"chat.completion","created":1755133833,"model":"gpt-5-nano-2025-08-07","choices":[{"index":0,"message":{"role":"assistant","content":"` +
	`Once a harbour master counted every ship by its lamps. On foggy nights he counted the bells instead, and on the quietest night of the year he counted nothing at all, wrote a nought into the ledger and slept. In the morning the quay was full of ships that had come in dark and silent, and nobody ever believed his books again.` +
	`","refusal":null,"annotations":[]},"finish_reason":"stop"}],"service_tier":"default","system_fingerprint":null,"usage":{"prompt_tokens":8,"completion_tokens":377,"total_tokens":385,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":320,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}`

func BenchmarkChatEvent(b *testing.B) {
	data := []byte(delta)
	m := openai.NewMeter(dialect.Chat)
	m.Event(nil, data) // the first names the model
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		m.Event(nil, data)
	}
}

func BenchmarkChatBody(b *testing.B) {
	body := []byte(completion)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		m := openai.NewMeter(dialect.Chat)
		m.Body(body)
		if r := m.Reading(); r.Usage.Output() != 377 {
			b.Fatal("misread")
		}
	}
}

func BenchmarkHideUsage(b *testing.B) {
	data := []byte(delta)
	b.ReportAllocs()
	for b.Loop() {
		openai.HideUsage(data)
	}
}

func TestOrdinaryEventsAllocateNothing(t *testing.T) {
	data := []byte(delta)
	responses := []byte(`{"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":" dog\n","logprobs":[],"sequence_number":4}`)
	for op, data := range map[dialect.Operation][]byte{dialect.Chat: data, dialect.Responses: responses} {
		m := openai.NewMeter(op)
		m.Event(nil, data)
		if n := testing.AllocsPerRun(100, func() { m.Event(nil, data) }); n != 0 {
			t.Errorf("%v: %v allocations per event", op, n)
		}
	}
	if n := testing.AllocsPerRun(100, func() { openai.HideUsage(data) }); n != 0 {
		t.Errorf("HideUsage: %v allocations", n)
	}
}
