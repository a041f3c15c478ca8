// Package meters chooses the meter for an answer: by dialect and operation where
// they are known, by the look of the bytes where a request was passed through
// unread. It knows which formats there are and nothing that is in them.
package meters

import (
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/anthropic"
	"tollgate/internal/dialect/bedrock"
	"tollgate/internal/dialect/cohere"
	"tollgate/internal/dialect/gemini"
	"tollgate/internal/dialect/openai"
)

// New gives a meter for the answer that a provider of dialect d gives to op. The
// dialect is the one of the answer, before any translation. Operations without
// usage get a meter that reads the model and errors only.
func New(d dialect.Dialect, op dialect.Operation) dialect.Meter {
	switch op {
	case dialect.Passthrough:
		if d == dialect.Unknown {
			return Detect()
		}
	case dialect.Rerank:
		return cohere.NewMeter()
	case dialect.CountTokens, dialect.Models, dialect.Moderations:
		return openai.NewMeter(op)
	}
	switch d {
	case dialect.OpenAI:
		return openAI(op)
	case dialect.Anthropic:
		return anthropic.NewMeter()
	case dialect.Gemini:
		return gemini.NewMeter()
	case dialect.Bedrock:
		return bedrock.NewMeter(&detector{invoked: true})
	case dialect.Cohere:
		return cohere.NewMeter()
	}
	return Detect()
}

// openAI gives the meter of an operation; other providers' operations behind an
// OpenAI base URL are recognized by their looks.
func openAI(op dialect.Operation) dialect.Meter {
	switch op {
	case dialect.Chat, dialect.Completions, dialect.Responses, dialect.Embeddings,
		dialect.Images, dialect.Transcriptions, dialect.Speech:
		return openai.NewMeter(op)
	case dialect.Messages:
		return anthropic.NewMeter()
	}
	return Detect()
}
