package meters_test

import (
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/meters"
)

// BenchmarkEvent reads one ordinary event of a stream in each dialect.
func BenchmarkEvent(b *testing.B) {
	for _, bb := range []struct {
		name string
		d    dialect.Dialect
		op   dialect.Operation
		data string
	}{
		{"chat", dialect.OpenAI, dialect.Chat, `{"id":"chatcmpl-C4Gm9xikLXbgE8He0BHWeoM03aa72","object":"chat.completion.chunk","created":1755133878,"model":"m","choices":[{"index":0,"delta":{"content":" dog"},"finish_reason":null}],"usage":null}`},
		{"responses", dialect.OpenAI, dialect.Responses, `{"type":"response.output_text.delta","item_id":"msg_68a1f0c2d9b48190","output_index":0,"content_index":0,"delta":" dog","logprobs":[],"sequence_number":44,"obfuscation":"abcdefg"}`},
		{"anthropic", dialect.Anthropic, dialect.Messages, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" dog"}}`},
		{"gemini", dialect.Gemini, dialect.Generate, `{"candidates":[{"content":{"parts":[{"text":" dog"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5,"totalTokenCount":199},"modelVersion":"g"}`},
		{"converse", dialect.Bedrock, dialect.Converse, `{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"text":" dog"},"p":"abcdefgh"}}`},
	} {
		b.Run(bb.name, func(b *testing.B) {
			m, data := meters.New(bb.d, bb.op), []byte(bb.data)
			m.Event(nil, data)
			b.ReportAllocs()
			for b.Loop() {
				m.Event(nil, data)
			}
		})
	}
}
