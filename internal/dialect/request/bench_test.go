package request_test

import (
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
)

// chatBody is a chat request of about a kilobyte, as the SDKs send it.
var chatBody = []byte(`{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You answer briefly."},` +
	`{"role":"user","content":"` + strings.Repeat("What is the capital of France? ", 24) + `"},` +
	`{"role":"assistant","content":"Paris."},{"role":"user","content":"And of Spain?\n"}],` +
	`"stream":true,"temperature":0.7,"max_tokens":256}`)

func BenchmarkPeek(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(chatBody)))
	var p request.Peeked
	for b.Loop() {
		if err := request.Peek(dialect.Chat, chatBody, &p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEdits(b *testing.B) {
	b.ReportAllocs()
	var p request.Peeked
	if err := request.Peek(dialect.Chat, chatBody, &p); err != nil {
		b.Fatal(err)
	}
	var e request.Edits
	var buffer []byte
	for b.Loop() {
		e.Begin(dialect.Chat, chatBody, &p)
		e.SetModel("another-model")
		e.ForceIncludeUsage()
		buffer = e.Apply(buffer[:0])
	}
}
