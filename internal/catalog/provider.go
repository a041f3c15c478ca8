package catalog

import "strings"

// The providers with more than one name or with rules of their own.
const (
	gemini    = "gcp.gemini"
	vertex    = "gcp.vertex_ai"
	anthropic = "anthropic"
)

// aliases are other names of providers, as configurations and other price lists
// write them.
var aliases = map[string]string{
	"aws": "aws.bedrock", "bedrock": "aws.bedrock", "bedrock_converse": "aws.bedrock", "amazon-bedrock": "aws.bedrock",
	"gemini": gemini, "google": gemini,
	"vertex": vertex, "vertex_ai": vertex, "vertexai": vertex, "google-vertex": vertex,
	"azure_ai": "azure", "azure_openai": "azure", "azureopenai": "azure", "azure_text": "azure", "az.ai.openai": "azure", "az.ai.inference": "azure",
	"x-ai": "xai", "x_ai": "xai",
	"together": "togetherai", "together_ai": "togetherai",
	"fireworks_ai": "fireworks", "fireworks-ai": "fireworks",
	"moonshot": "moonshotai", "moonshot_ai": "moonshotai",
	"mistral_ai": "mistral", "mistralai": "mistral",
	"cohere_chat": "cohere", "perplexity_ai": "perplexity", "voyage": "voyageai",
	"text-completion-openai": "openai", "text-completion-codestral": "mistral", "codestral": "mistral",
	"github_copilot": "copilot", "github-copilot": "copilot", "novita-ai": "novita", "fireworks_ai-embedding-models": "fireworks",
}

// Provider gives the name under which a provider stands in the catalog,
// whatever configuration or price list it comes from.
func Provider(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if p, ok := aliases[name]; ok {
		return p
	}
	if strings.HasPrefix(name, "vertex_ai") { // vertex_ai-language-models and its siblings
		return vertex
	}
	return name
}
