package request_test

import (
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
)

func TestRoute(t *testing.T) {
	tests := []struct {
		path string
		op   dialect.Operation
		d    dialect.Dialect
		ok   bool
	}{
		{"/v1/chat/completions", dialect.Chat, dialect.OpenAI, true},
		{"/chat/completions", dialect.Chat, dialect.OpenAI, true},
		{"/openai/deployments/x/chat/completions", dialect.Chat, dialect.OpenAI, true},
		{"/v1/completions", dialect.Completions, dialect.OpenAI, true},
		{"/v1/responses", dialect.Responses, dialect.OpenAI, true},
		{"/v1/responses/compact", dialect.Passthrough, dialect.OpenAI, true},
		{"/v1/responses/resp_1", dialect.Passthrough, dialect.Unknown, false},
		{"/v1/embeddings", dialect.Embeddings, dialect.OpenAI, true},
		{"/v1/moderations", dialect.Moderations, dialect.OpenAI, true},
		{"/v1/images/generations", dialect.Images, dialect.OpenAI, true},
		{"/v1/images/edits", dialect.Images, dialect.OpenAI, true},
		{"/v1/images/variations", dialect.Images, dialect.OpenAI, true},
		{"/v1/audio/transcriptions", dialect.Transcriptions, dialect.OpenAI, true},
		{"/v1/audio/translations", dialect.Transcriptions, dialect.OpenAI, true},
		{"/v1/audio/speech", dialect.Speech, dialect.OpenAI, true},
		{"/v1/messages", dialect.Messages, dialect.Anthropic, true},
		{"/messages", dialect.Messages, dialect.Anthropic, true},
		{"/anthropic/v1/messages", dialect.Messages, dialect.Anthropic, true},
		{"/v1/threads/t/messages", dialect.Passthrough, dialect.Unknown, false},
		{"/v1/chat/completions/c/messages", dialect.Passthrough, dialect.Unknown, false},
		{"/v1/messages/count_tokens", dialect.CountTokens, dialect.Anthropic, true},
		{"/v1/messages/batches", dialect.Passthrough, dialect.Unknown, false},
		{"/v1/rerank", dialect.Rerank, dialect.Cohere, true},
		{"/v2/rerank", dialect.Rerank, dialect.Cohere, true},
		{"/rerank", dialect.Rerank, dialect.Cohere, true},
		{"/v1/models", dialect.Models, dialect.OpenAI, true},
		{"/models", dialect.Models, dialect.OpenAI, true},
		{"/v1/models/", dialect.Models, dialect.OpenAI, true},
		{"/v1/models/ft:gpt-4o:org", dialect.Models, dialect.OpenAI, true},
		{"/openai/v1/models/a/b", dialect.Models, dialect.OpenAI, true},
		{"/v1/modelsx", dialect.Passthrough, dialect.Unknown, false},
		{"/v1beta/models/gemini:generateContent", dialect.Passthrough, dialect.Unknown, false},
		{"/v1/models/gemini:streamGenerateContent", dialect.Passthrough, dialect.Unknown, false},
		{"/v1/chatcompletions", dialect.Passthrough, dialect.Unknown, false},
		{"/xresponses", dialect.Passthrough, dialect.Unknown, false},
		{"/", dialect.Passthrough, dialect.Unknown, false},
		{"", dialect.Passthrough, dialect.Unknown, false},
	}
	for _, tt := range tests {
		if op, d, ok := request.Route(tt.path); op != tt.op || d != tt.d || ok != tt.ok {
			t.Errorf("%s: got %v, %v, %v", tt.path, op, d, ok)
		}
	}
}

// Whatever Route says of an operation's dialect, DialectOf says, too.
func TestDialectOf(t *testing.T) {
	want := map[dialect.Operation]dialect.Dialect{
		dialect.Passthrough: dialect.Unknown, dialect.Messages: dialect.Anthropic, dialect.CountTokens: dialect.Anthropic,
		dialect.Rerank: dialect.Cohere, dialect.Generate: dialect.Gemini, dialect.Converse: dialect.Bedrock,
	}
	for _, op := range dialect.Operations() {
		d, ok := want[op]
		if !ok {
			d = dialect.OpenAI
		}
		if got := request.DialectOf(op); got != d {
			t.Errorf("%v: got %v", op, got)
		}
	}
}

func TestParseRouteType(t *testing.T) {
	tests := []struct {
		name          string
		op            dialect.Operation
		served, known bool
	}{
		{"completions", dialect.Chat, true, true},
		{"messages", dialect.Messages, true, true},
		{"models", dialect.Models, true, true},
		{"passthrough", dialect.Passthrough, true, true},
		{"detect", dialect.Passthrough, true, true},
		{"responses", dialect.Responses, true, true},
		{"embeddings", dialect.Embeddings, true, true},
		{"anthropicTokenCount", dialect.CountTokens, true, true},
		{"rerank", dialect.Rerank, true, true},
		{"generateContent", dialect.Generate, false, true},
		{"geminiCountTokens", dialect.Passthrough, false, true},
		{"realtime", dialect.Passthrough, false, true},
		{"Completions", dialect.Passthrough, false, false},
		{"", dialect.Passthrough, false, false},
	}
	for _, tt := range tests {
		if op, served, known := request.ParseRouteType(tt.name); op != tt.op || served != tt.served || known != tt.known {
			t.Errorf("%q: got %v, %v, %v", tt.name, op, served, known)
		}
	}
}
