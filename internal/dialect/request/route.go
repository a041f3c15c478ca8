package request

import (
	"strings"

	"tollgate/internal/dialect"
)

// route is an operation's path below the version.
type route struct {
	path      string
	operation dialect.Operation
	dialect   dialect.Dialect
	// rooted paths need the version in front of them (or nothing at all),
	// because other interfaces end in the same segment: OpenAI's threads and
	// stored completions have messages, too.
	rooted bool
}

// routes has longer suffixes before shorter ones.
var routes = [...]route{
	{"/audio/transcriptions", dialect.Transcriptions, dialect.OpenAI, false},
	{"/messages/count_tokens", dialect.CountTokens, dialect.Anthropic, true},
	{"/audio/translations", dialect.Transcriptions, dialect.OpenAI, false},
	{"/images/generations", dialect.Images, dialect.OpenAI, false},
	{"/images/variations", dialect.Images, dialect.OpenAI, false},
	{"/responses/compact", dialect.Passthrough, dialect.OpenAI, false},
	{"/chat/completions", dialect.Chat, dialect.OpenAI, false},
	{"/audio/speech", dialect.Speech, dialect.OpenAI, false},
	{"/images/edits", dialect.Images, dialect.OpenAI, false},
	{"/completions", dialect.Completions, dialect.OpenAI, false},
	{"/moderations", dialect.Moderations, dialect.OpenAI, false},
	{"/embeddings", dialect.Embeddings, dialect.OpenAI, false},
	{"/responses", dialect.Responses, dialect.OpenAI, false},
	{"/messages", dialect.Messages, dialect.Anthropic, true},
	{"/rerank", dialect.Rerank, dialect.Cohere, false},
}

// Route tells which operation a path stands for, by its end: whatever stands in
// front, "/v1" included, is a matter of base URLs. The answer is false for a
// path that no known operation has.
func Route(path string) (dialect.Operation, dialect.Dialect, bool) {
	for i := range routes {
		r := &routes[i]
		if !strings.HasSuffix(path, r.path) {
			continue
		}
		base := path[:len(path)-len(r.path)]
		if r.rooted && base != "" && !strings.HasSuffix(base, "/v1") {
			continue
		}
		return r.operation, r.dialect, true
	}
	if isModels(path) {
		return dialect.Models, dialect.OpenAI, true
	}
	return dialect.Passthrough, dialect.Unknown, false
}

// isModels tells whether a path is the list of models or one entry of it.
func isModels(path string) bool {
	base, rest, ok := strings.Cut(path, "/models")
	if !ok || base != "" && !strings.HasSuffix(base, "/v1") || rest != "" && rest[0] != '/' {
		return false
	}
	// Gemini calls its operations as methods of a model.
	for _, method := range [...]string{":generateContent", ":streamGenerateContent", ":countTokens", ":embedContent", ":batchEmbedContents"} {
		if strings.HasSuffix(rest, method) {
			return false
		}
	}
	return true
}

// DialectOf gives the dialect that an operation belongs to, Unknown for
// Passthrough.
func DialectOf(op dialect.Operation) dialect.Dialect {
	switch op {
	case dialect.Passthrough:
		return dialect.Unknown
	case dialect.Messages, dialect.CountTokens:
		return dialect.Anthropic
	case dialect.Rerank:
		return dialect.Cohere
	case dialect.Generate:
		return dialect.Gemini
	case dialect.Converse:
		return dialect.Bedrock
	default:
		return dialect.OpenAI
	}
}

// ParseRouteType reads a route type as agentgateway's ai.routes names it.
// Known tells that agentgateway has such a type, served that we have an
// operation for it.
func ParseRouteType(name string) (op dialect.Operation, served, known bool) {
	switch name {
	case "completions":
		return dialect.Chat, true, true
	case "messages":
		return dialect.Messages, true, true
	case "models":
		return dialect.Models, true, true
	case "passthrough", "detect":
		return dialect.Passthrough, true, true
	case "responses":
		return dialect.Responses, true, true
	case "embeddings":
		return dialect.Embeddings, true, true
	case "anthropicTokenCount":
		return dialect.CountTokens, true, true
	case "rerank":
		return dialect.Rerank, true, true
	case "generateContent":
		return dialect.Generate, false, true
	case "realtime", "geminiCountTokens":
		return dialect.Passthrough, false, true
	default:
		return dialect.Passthrough, false, false
	}
}
