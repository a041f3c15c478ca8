// Package dialect names the wire formats that the gateway understands and what
// a caller asks for in them. The packages below it read and edit the bytes of
// one format each; nothing here knows a provider or a policy.
package dialect

// Dialect is a family of wire formats.
type Dialect uint8

// The dialects. Unknown is for operations that pass through unread.
const (
	Unknown Dialect = iota
	OpenAI
	Anthropic
	Gemini
	Bedrock
	Cohere
)

var dialectNames = [...]string{"unknown", "openai", "anthropic", "gemini", "bedrock", "cohere"}

// String gives the lower-case name used in logs, JSON and metrics.
func (d Dialect) String() string { return dialectNames[d] }

// Operation is what a request asks for; together with a Dialect it names one
// request format and one response format.
type Operation uint8

// The operations.
const (
	Passthrough    Operation = iota // forwarded as it is, usage read where it is found
	Chat                            // OpenAI chat completions
	Completions                     // OpenAI legacy completions
	Responses                       // OpenAI responses
	Embeddings                      // OpenAI embeddings
	Models                          // the list of models, answered by the gateway itself
	Moderations                     // OpenAI moderations
	Images                          // OpenAI image generations, edits, variations
	Transcriptions                  // OpenAI audio transcriptions and translations
	Speech                          // OpenAI audio speech
	Messages                        // Anthropic messages
	CountTokens                     // Anthropic count_tokens
	Rerank                          // Cohere-style rerank
	Generate                        // Gemini generateContent (metering only)
	Converse                        // Bedrock converse (metering only)
)

var operationNames = [...]string{
	"passthrough", "chat", "completions", "responses", "embeddings", "models", "moderations", "images",
	"transcriptions", "speech", "messages", "count_tokens", "rerank", "generate", "converse",
}

// String gives the name used in logs, JSON and metrics.
func (o Operation) String() string { return operationNames[o] }

// Operations lists every operation, in order.
func Operations() []Operation {
	all := make([]Operation, len(operationNames))
	for i := range all {
		all[i] = Operation(i)
	}
	return all
}
