package config

import "time"

// LLM is the short shape: models by name.
type LLM struct {
	At Position `json:"-"`
	// Gateways are where the models are served. Load fills in the gateway
	// called default if there is one and neither port nor tls is given. Empty:
	// an own listener on Port.
	Gateways      GatewayRefs    `json:"gateways,omitzero" doc:"Gateways to attach to: name or name/listener, one or a list."`
	Port          int            `json:"port,omitzero" doc:"Port of an own listener (older than gateways; 4000 if there is no gateway to attach to)." min:"1" max:"65535"`
	TLS           *ServerTLS     `json:"tls,omitzero" doc:"TLS of the own listener (older than gateways)."`
	Providers     []LLMProvider  `json:"providers,omitzero" doc:"Providers that models refer to."`
	Models        []Model        `json:"models,omitzero" doc:"Models that are served, each with its provider."`
	VirtualModels []VirtualModel `json:"virtualModels,omitzero" doc:"Names that stand for other models."`
	Policies      LLMPolicies    `json:"policies,omitzero" doc:"What a request must pass before a model is chosen."`
	_             struct{}       `later:"guardrails"`
}

// GatewayRef names a gateway, or one listener of it.
type GatewayRef struct {
	Gateway  string
	Listener string // "" all
	At       Position
}

// GatewayRefs is one reference or a list of them.
type GatewayRefs []GatewayRef

// LLMPolicies are the policies of the models as a whole.
type LLMPolicies struct {
	APIKey         *APIKeys       `json:"apiKey,omitzero" doc:"Virtual keys."`
	Authorization  *Authorization `json:"authorization,omitzero" doc:"Rules in CEL that decide who may pass."`
	CORS           *CORS          `json:"cors,omitzero" doc:"Answers to browsers."`
	LocalRateLimit RateLimits     `json:"localRateLimit,omitzero" doc:"Limits on requests or tokens."`
	Timeout        *Timeout       `json:"timeout,omitzero" doc:"How long things may take."`
	_              struct{}       `later:"jwtAuth,oidc,basicAuth,extAuthz,extProc,transformations,guardrails,remoteRateLimit"`
}

// LLMProvider is a provider that models refer to by name.
type LLMProvider struct {
	At       Position         `json:"-"`
	Name     string           `json:"name" doc:"Name for references." required:"true"`
	Provider Provider         `json:"provider" doc:"What kind of provider it is." required:"true"`
	Params   Params           `json:"params,omitzero" doc:"Address, credential and upstream model."`
	Defaults ProviderDefaults `json:"defaults,omitzero" doc:"What holds for the models that refer to the provider, where they do not say."`
}

// ProviderDefaults are what models that refer to a provider need not repeat.
// What a model says itself comes first: field by field for the body, otherwise
// as a whole.
type ProviderDefaults struct {
	At              Position        `json:"-"`
	Defaults        Map[JSON]       `json:"defaults,omitzero" doc:"Body fields set where the client left them out."`
	Overrides       Map[JSON]       `json:"overrides,omitzero" doc:"Body fields always set."`
	RequestHeaders  *HeaderModifier `json:"requestHeaders,omitzero" doc:"Changes to the headers sent to the provider."`
	ResponseHeaders *HeaderModifier `json:"responseHeaders,omitzero" doc:"Changes to the headers of the answer."`
	TLS             *BackendTLS     `json:"tls,omitzero" also:"backendTLS" doc:"TLS to the provider."`
	Auth            *BackendAuth    `json:"auth,omitzero" doc:"Credential for the provider, instead of params.apiKey."`
	Health          *Health         `json:"health,omitzero" doc:"When the model is passed over for a while."`
	_               struct{}        `later:"transformation,promptCaching,backendTunnel,serverTools"`
}

// Model is a model, or a pattern of names, and where its requests go. Load
// resolves a reference: Provider and Params are then those of the provider with
// what the model itself says on top, its ProviderDefaults are filled in, and
// Provider.Reference still has its name.
type Model struct {
	At         Position  `json:"-"`
	Name       string    `json:"name" doc:"Name that clients use: exact, *, prefix* or *suffix." required:"true"`
	ID         string    `json:"id,omitzero" doc:"Stable identity for tools."`
	Visibility string    `json:"visibility,omitzero" doc:"internal models are not listed and only serve as targets of virtual models." enum:"public,internal" default:"public"`
	Provider   Provider  `json:"provider" doc:"What kind of provider serves the model." required:"true"`
	Params     Params    `json:"params,omitzero" doc:"Address, credential and upstream model."`
	Defaults   Map[JSON] `json:"defaults,omitzero" doc:"Body fields set where the client left them out."`
	Overrides  Map[JSON] `json:"overrides,omitzero" doc:"Body fields always set."`
	// Passthrough is detect, opaque, or "" for the default.
	Passthrough     string          `json:"passthrough,omitzero" doc:"What becomes of paths that are no known operation: detect reads their usage, opaque does not." enum:"detect,opaque"`
	Authorization   *Authorization  `json:"authorization,omitzero" doc:"Rules in CEL that decide who may use the model."`
	RequestHeaders  *HeaderModifier `json:"requestHeaders,omitzero" doc:"Changes to the headers sent to the provider."`
	ResponseHeaders *HeaderModifier `json:"responseHeaders,omitzero" doc:"Changes to the headers of the answer."`
	TLS             *BackendTLS     `json:"tls,omitzero" also:"backendTLS" doc:"TLS to the provider."`
	Auth            *BackendAuth    `json:"auth,omitzero" doc:"Credential for the provider, instead of params.apiKey."`
	Health          *Health         `json:"health,omitzero" doc:"When the model is passed over for a while."`
	Matches         []ModelMatch    `json:"matches,omitzero" doc:"Conditions beyond the name; one of them must hold."`
	_               struct{}        `later:"transformation,finalTransformation,guardrails,promptCaching,serverTools,backendTunnel"`
}

// ModelMatch is a set of conditions that must all hold.
type ModelMatch struct {
	Headers []ValueMatch `json:"headers,omitzero" doc:"Headers to compare."`
}

// Params say where requests go and what they carry.
type Params struct {
	At           Position           `json:"-"`
	Model        string             `json:"model,omitzero" doc:"Model sent upstream; the client's if it is left out."`
	APIKey       ProviderCredential `json:"apiKey,omitzero" doc:"Credential for the provider: text, $VARIABLE, {file: path}, or {credential: NAME}."`
	BaseURL      *BaseURL           `json:"baseUrl,omitzero" doc:"http or https URL of the provider; its path replaces the usual base path."`
	HostOverride HostPort           `json:"hostOverride,omitzero" doc:"host:port to send to (older than baseUrl)."`
	PathOverride string             `json:"pathOverride,omitzero" doc:"Path to send to (older than baseUrl)."`
	PathPrefix   string             `json:"pathPrefix,omitzero" doc:"Base path instead of the usual one (older than baseUrl)."`
	Tokenize     bool               `json:"tokenize,omitzero" doc:"Count the tokens of a request before it is admitted."`
	OutputBound  string             `json:"outputBound,omitzero" doc:"Member in which a chat request bounds its output, where the provider does not know both: what a client sent in the other one is moved there." enum:"max_tokens,max_completion_tokens"`
	_            struct{}           `later:"awsRegion,bedrockEndpointPreference,vertexProject,vertexRegion,azureResourceName,azureResourceType,azureApiVersion,azureProjectName"`
}

// BaseURL is where a provider is.
type BaseURL struct {
	TLS  bool
	Host string // host:port
	// Path has no slash at its end; "" if the URL has no path.
	Path string
	Text string // as it was written
	At   Position
}

// HostPort is host:port. A host alone is allowed: Port is 0 then.
type HostPort struct {
	Host string // without brackets
	Port int
	At   Position
	// Remote tells that whoever named the host may not mean this machine or its link.
	Remote bool
}

// VirtualModel is a name that stands for other models.
type VirtualModel struct {
	At      Position `json:"-"`
	Name    string   `json:"name" doc:"Name that clients use." required:"true"`
	Routing Routing  `json:"routing" doc:"How a model is chosen." required:"true"`
}

// Routing is how a virtual model chooses: exactly one of its forms is set.
type Routing struct {
	At          Position     `json:"-"`
	Weighted    *Weighted    `json:"weighted,omitzero" doc:"By weight."`
	Failover    *Failover    `json:"failover,omitzero" doc:"By priority; the next one when one fails."`
	Conditional *Conditional `json:"conditional,omitzero" doc:"By condition; the first that holds."`
	_           struct{}     `oneof:"weighted,failover,conditional"`
}

// Weighted chooses by weight.
type Weighted struct {
	Targets []WeightedTarget `json:"targets" doc:"Models with their weights." required:"true"`
}

// WeightedTarget is a model with its weight.
type WeightedTarget struct {
	At     Position `json:"-"`
	Model  string   `json:"model" doc:"Name of a model." required:"true"`
	Weight int      `json:"weight" doc:"Share of the requests." default:"1" min:"0" max:"1000000"`
}

// Failover chooses by priority.
type Failover struct {
	Targets []FailoverTarget `json:"targets" doc:"Models with their priorities." required:"true"`
}

// FailoverTarget is a model with its priority.
type FailoverTarget struct {
	At       Position `json:"-"`
	Model    string   `json:"model" doc:"Name of a model." required:"true"`
	Priority int      `json:"priority" doc:"Lower ones come first." default:"0" min:"0" max:"1000000"`
}

// Conditional chooses by condition.
type Conditional struct {
	Targets []ConditionalTarget `json:"targets" doc:"Models with their conditions; one without a condition comes last." required:"true"`
}

// ConditionalTarget is a model with its condition.
type ConditionalTarget struct {
	At    Position `json:"-"`
	Model string   `json:"model" doc:"Name of a model." required:"true"`
	When  Expr     `json:"when,omitzero" doc:"Condition in CEL; always if it is left out."`
}

// ProviderKind names what a provider is: one of the constants or the name of a Preset.
type ProviderKind string

// The kinds that are no presets.
const (
	KindOpenAI    ProviderKind = "openai"
	KindAnthropic ProviderKind = "anthropic"
	KindSimulated ProviderKind = "simulated"
	KindCustom    ProviderKind = "custom"
	KindReference ProviderKind = "reference"
)

// Provider says what kind of service answers.
type Provider struct {
	At        Position
	Kind      ProviderKind // never KindReference once loaded
	Preset    *Preset      // set if and only if Kind is the name of a preset
	Reference string       // name among llm.providers, for KindReference
	Model     string       // model sent upstream, "" the client's; Load moves it to Params.Model where there are Params
	// Name is what metrics and logs call a custom provider (providerOverride).
	Name      string
	Formats   []Format  // of KindCustom
	Simulated Simulated // of KindSimulated
}

// Format is one thing that a custom provider speaks.
type Format struct {
	At   Position `json:"-"`
	Type string   `json:"type" doc:"Operation." enum:"completions,messages,responses,embeddings,anthropicTokenCount,rerank,realtime,models,passthrough,detect,generateContent,geminiCountTokens" required:"true"`
	Path string   `json:"path,omitzero" doc:"Path behind the base URL; the usual one if it is left out."`
}

// Simulated are settings of the simulated provider.
type Simulated struct {
	Model        string        `json:"model,omitzero" doc:"Model that answers are said to come from."`
	Latency      time.Duration `json:"latency,omitzero" doc:"Time to the first byte."`
	TokenLatency time.Duration `json:"tokenLatency,omitzero" doc:"Time between two tokens of a stream."`
}
