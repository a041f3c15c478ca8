package config

// Preset is an OpenAI-compatible provider: a place and what it speaks. A new
// one is a row of Presets.
type Preset struct {
	Name string // as it is written in a configuration and in metrics
	// TLS, Host and Path are where it is: host:port, and the base path in front
	// of the operations, without a slash at its end.
	TLS  bool
	Host string
	Path string
	// Operations are what it speaks, in the words of Format.Type.
	Operations []string
	// Env is the variable in which its users keep its credential, for hints.
	Env string
}

var (
	chatOnly    = []string{"completions"}
	chatVectors = []string{"completions", "embeddings"}
)

// Presets are the known OpenAI-compatible providers, sorted by name.
var Presets = []Preset{
	{"baseten", true, "inference.baseten.co:443", "/v1", chatVectors, "BASETEN_API_KEY"},
	{"cerebras", true, "api.cerebras.ai:443", "/v1", chatOnly, "CEREBRAS_API_KEY"},
	{"cohere", true, "api.cohere.ai:443", "/compatibility/v1", chatVectors, "COHERE_API_KEY"},
	{"deepinfra", true, "api.deepinfra.com:443", "/v1/openai", chatVectors, "DEEPINFRA_API_KEY"},
	{"deepseek", true, "api.deepseek.com:443", "/v1", chatOnly, "DEEPSEEK_API_KEY"},
	{"fireworks", true, "api.fireworks.ai:443", "/inference/v1", []string{"completions", "responses", "embeddings"}, "FIREWORKS_API_KEY"},
	{"groq", true, "api.groq.com:443", "/openai/v1", []string{"completions", "responses"}, "GROQ_API_KEY"},
	{"huggingface", true, "router.huggingface.co:443", "/v1", []string{"completions", "responses"}, "HF_TOKEN"},
	{"mistral", true, "api.mistral.ai:443", "/v1", chatVectors, "MISTRAL_API_KEY"},
	{"ollama", false, "localhost:11434", "/v1", []string{"completions", "responses", "embeddings"}, ""},
	{"openrouter", true, "openrouter.ai:443", "/api/v1", []string{"completions", "responses", "embeddings"}, "OPENROUTER_API_KEY"},
	{"togetherai", true, "api.together.xyz:443", "/v1", chatVectors, "TOGETHER_API_KEY"},
	{"xai", true, "api.x.ai:443", "/v1", []string{"completions", "responses"}, "XAI_API_KEY"},
}

// PresetNamed gives the preset of a name, nil if there is none.
func PresetNamed(name string) *Preset {
	for i := range Presets {
		if Presets[i].Name == name {
			return &Presets[i]
		}
	}
	return nil
}
