package config

import "time"

// RoutePolicies are what a route does to requests and answers.
type RoutePolicies struct {
	APIKey          *APIKeys        `json:"apiKey,omitzero" doc:"Virtual keys."`
	Authorization   *Authorization  `json:"authorization,omitzero" doc:"Rules in CEL that decide who may pass."`
	CORS            *CORS           `json:"cors,omitzero" doc:"Answers to browsers."`
	LocalRateLimit  RateLimits      `json:"localRateLimit,omitzero" doc:"Limits on requests or tokens."`
	RequestHeaders  *HeaderModifier `json:"requestHeaderModifier,omitzero" doc:"Changes to the headers sent to the provider."`
	ResponseHeaders *HeaderModifier `json:"responseHeaderModifier,omitzero" doc:"Changes to the headers of the answer."`
	URLRewrite      *URLRewrite     `json:"urlRewrite,omitzero" doc:"Changes to path and authority."`
	RequestRedirect *Redirect       `json:"requestRedirect,omitzero" doc:"Sends callers elsewhere."`
	DirectResponse  *DirectResponse `json:"directResponse,omitzero" doc:"An answer that the gateway gives itself."`
	Timeout         *Timeout        `json:"timeout,omitzero" doc:"How long things may take."`
	Retry           *Retry          `json:"retry,omitzero" doc:"Repeats attempts that failed."`
	AI              *AI             `json:"ai,omitzero" doc:"Changes to requests of models."`
	BackendAuth     *BackendAuth    `json:"backendAuth,omitzero" doc:"Credential for the provider."`
	BackendTLS      *BackendTLS     `json:"backendTLS,omitzero" doc:"TLS to the provider."`
	Health          *Health         `json:"health,omitzero" doc:"When a provider is passed over for a while."`
	// Aside are the policies that were left aside.
	Aside []string `json:"-"`
	_     struct{} `later:"requestMirror,backendTunnel,remoteRateLimit,jwtAuth,oidc,basicAuth,extAuthz,extProc,transformations,csrf,buffer,delay" aside:"mcpAuthorization,mcpGuardrails,mcpAuthentication,extMcp,a2a,substrateIngress,substrateEgress"`
}

// BackendPolicies are how requests to a backend are made. They come before
// those of the route.
type BackendPolicies struct {
	RequestHeaders  *HeaderModifier `json:"requestHeaderModifier,omitzero" doc:"Changes to the headers sent to the provider."`
	ResponseHeaders *HeaderModifier `json:"responseHeaderModifier,omitzero" doc:"Changes to the headers of the answer."`
	AI              *AI             `json:"ai,omitzero" doc:"Changes to requests of models."`
	BackendAuth     *BackendAuth    `json:"backendAuth,omitzero" doc:"Credential for the provider."`
	BackendTLS      *BackendTLS     `json:"backendTLS,omitzero" doc:"TLS to the provider."`
	Health          *Health         `json:"health,omitzero" doc:"When a provider is passed over for a while."`
	// Aside are the policies that were left aside.
	Aside []string `json:"-"`
	_     struct{} `later:"authorization,extAuthz,requestRedirect,requestMirror,transformations,http,tcp,backendTunnel,inferenceRouting,sessionAffinity,sessionPersistence" aside:"mcpAuthorization,mcpGuardrails,mcpAuthentication,extMcp,a2a"`
}

// KeyMode says what becomes of a request without a known virtual key.
type KeyMode string

// The modes.
const (
	ModeOptional   KeyMode = "optional"   // nobody may pass, an unknown key may not
	ModeStrict     KeyMode = "strict"     // only a known key may pass
	ModePermissive KeyMode = "permissive" // everybody may pass
)

// APIKeys are virtual keys that a configuration lists.
type APIKeys struct {
	At       Position  `json:"-"`
	Mode     KeyMode   `json:"mode,omitzero" doc:"strict: only a known key passes. optional: nobody passes too, an unknown key does not. permissive: everybody passes." enum:"optional,strict,permissive" default:"optional"`
	Keys     []APIKey  `json:"keys" doc:"The keys." required:"true"`
	Location *Location `json:"location,omitzero" doc:"The one place where a key is looked for; wherever SDKs put it if left out."`
}

// Location is where a credential stands: exactly one of its fields is set.
type Location struct {
	At         Position        `json:"-"`
	Header     *HeaderLocation `json:"header,omitzero" doc:"A header."`
	Query      *NamedLocation  `json:"queryParameter,omitzero" doc:"A query parameter."`
	Cookie     *NamedLocation  `json:"cookie,omitzero" doc:"A cookie."`
	Expression Expr            `json:"expression,omitzero" doc:"A CEL expression that gives the credential."`
	_          struct{}        `oneof:"header,queryParameter,cookie,expression"`
}

// HeaderLocation is a header with what stands before the credential in it.
type HeaderLocation struct {
	Name   string `json:"name" doc:"Name of the header." required:"true"`
	Prefix string `json:"prefix,omitzero" doc:"What stands before the credential, for instance \"Bearer \"."`
}

// NamedLocation is a place with a name.
type NamedLocation struct {
	Name string `json:"name" doc:"Name of the place." required:"true"`
}

// Authorization are rules that decide who may pass.
type Authorization struct {
	At    Position `json:"-"`
	Rules []Rule   `json:"rules" doc:"A text allows; or {allow: …}, {deny: …}, {require: …}." required:"true"`
}

// Effect is what a rule does when its expression is true.
type Effect string

// The effects.
const (
	Allow   Effect = "allow"
	Deny    Effect = "deny"
	Require Effect = "require"
)

// Rule is a CEL expression with its effect.
type Rule struct {
	Effect Effect
	Expr   Expr
	At     Position
}

// CORS are answers to browsers.
type CORS struct {
	At               Position      `json:"-"`
	AllowCredentials bool          `json:"allowCredentials,omitzero" doc:"Whether browsers may send credentials."`
	AllowHeaders     []string      `json:"allowHeaders,omitzero" doc:"Request headers that pages may set."`
	AllowMethods     []string      `json:"allowMethods,omitzero" doc:"Methods that pages may use."`
	AllowOrigins     []string      `json:"allowOrigins,omitzero" doc:"Origins of pages: exact, *, or with a wildcard host."`
	ExposeHeaders    []string      `json:"exposeHeaders,omitzero" doc:"Answer headers that pages may read."`
	MaxAge           time.Duration `json:"maxAge,omitzero" doc:"How long a browser may keep the answer."`
	// EchoOrigin names the origin and allows credentials also where every origin is allowed.
	EchoOrigin bool `json:"-"`
}

// RateLimits are limits that must all have room.
type RateLimits []RateLimit

// RateLimit is a token bucket.
type RateLimit struct {
	At            Position      `json:"-"`
	MaxTokens     int64         `json:"maxTokens" doc:"Capacity of the bucket, and what is in it at first." default:"0" min:"0"`
	TokensPerFill int64         `json:"tokensPerFill" doc:"What is added at each interval." default:"0" min:"0"`
	FillInterval  time.Duration `json:"fillInterval" doc:"The interval, for instance 60s or 24h." required:"true"`
	Type          string        `json:"type,omitzero" doc:"What is counted: requests, or the tokens of models." enum:"requests,tokens" default:"requests"`
	Key           Expr          `json:"key,omitzero" doc:"CEL expression; each of its values has a bucket of its own."`
	// Shared names the buckets, which all limits of the name have in common; "": they are
	// the route's own.
	Shared string `json:"-"`
}

// HeaderModifier changes headers: removes, then sets, then adds.
type HeaderModifier struct {
	At     Position    `json:"-"`
	Add    Map[string] `json:"add,omitzero" doc:"Header lines to add."`
	Set    Map[string] `json:"set,omitzero" doc:"Headers to set, instead of what was there."`
	Remove []string    `json:"remove,omitzero" doc:"Headers to remove."`
}

// URLRewrite changes path and authority.
type URLRewrite struct {
	At        Position   `json:"-"`
	Authority *Authority `json:"authority,omitzero" doc:"Host that the provider is told: full, host, port, auto or none."`
	Path      *PathEdit  `json:"path,omitzero" doc:"Path that is sent upstream."`
}

// Authority says which host the provider is told. Mode is auto, none, full,
// host or port; Host is set for full and host, Port for port.
type Authority struct {
	Mode string
	Host string
	Port int
	At   Position
}

// PathEdit replaces the path: exactly one of its fields is set.
type PathEdit struct {
	At     Position `json:"-"`
	Full   *string  `json:"full,omitzero" doc:"The whole path."`
	Prefix *string  `json:"prefix,omitzero" doc:"Instead of the prefix that the route matched."`
	_      struct{} `oneof:"full,prefix"`
}

// Redirect sends callers elsewhere; what it does not say stays as the caller asked for it.
type Redirect struct {
	At        Position   `json:"-"`
	Scheme    string     `json:"scheme,omitzero" doc:"Scheme of the new address." enum:"http,https"`
	Authority *Authority `json:"authority,omitzero" doc:"Host of the new address: full, host or port."`
	Path      *PathEdit  `json:"path,omitzero" doc:"Path of the new address."`
	Status    int        `json:"status" doc:"Status code." default:"302" min:"300" max:"399"`
}

// DirectResponse is an answer that the gateway gives itself.
type DirectResponse struct {
	At     Position `json:"-"`
	Status int      `json:"status" doc:"Status code." required:"true" min:"200" max:"599"`
	Body   string   `json:"body,omitzero" doc:"Body of the answer."`
	_      struct{} `later:"bodyExpression,headers,conditional"`
}

// Timeout bounds how long things may take; zero is no bound.
type Timeout struct {
	At             Position      `json:"-"`
	Request        time.Duration `json:"requestTimeout,omitzero" doc:"Bound of a whole request, its answer included."`
	BackendRequest time.Duration `json:"backendRequestTimeout,omitzero" doc:"Bound of one attempt, up to the head of its answer."`
	_              struct{}      `idle:"responseIdleTimeout"`
}

// Retry repeats attempts that failed before the first byte of an answer.
type Retry struct {
	At           Position      `json:"-"`
	Attempts     int           `json:"attempts" doc:"Attempts in all." default:"1" min:"1" max:"255"`
	Backoff      time.Duration `json:"backoff,omitzero" doc:"Pause before another attempt."`
	Codes        []int         `json:"codes,omitzero" doc:"Statuses that are tried again." min:"100" max:"599"`
	Precondition Expr          `json:"precondition,omitzero" doc:"CEL expression on the request that must hold."`
	Condition    Expr          `json:"condition,omitzero" doc:"CEL expression on the answer, instead of codes."`
}

// AI are changes to requests of models.
type AI struct {
	At           Position    `json:"-"`
	Defaults     Map[JSON]   `json:"defaults,omitzero" doc:"Body fields set where the client left them out."`
	Overrides    Map[JSON]   `json:"overrides,omitzero" doc:"Body fields always set."`
	Prompts      Prompts     `json:"prompts,omitzero" doc:"Messages to add."`
	ModelAliases Map[string] `json:"modelAliases,omitzero" doc:"Other names of models; a name may have a wildcard at one end."`
	Routes       Map[string] `json:"routes,omitzero" doc:"Operation by the end of the path; * is every path." enum:"completions,messages,models,passthrough,detect,responses,embeddings,realtime,anthropicTokenCount,generateContent,geminiCountTokens,rerank"`
	_            struct{}    `later:"promptGuard,transformations,finalTransformations,promptCaching,serverTools"`
}

// Prompts are messages to add.
type Prompts struct {
	Prepend []Message `json:"prepend,omitzero" doc:"Messages to put in front."`
	Append  []Message `json:"append,omitzero" doc:"Messages to put behind."`
}

// Message is a message of a conversation.
type Message struct {
	Role    string `json:"role" doc:"Role, for instance system." required:"true"`
	Content string `json:"content" doc:"Text of the message." required:"true"`
}

// BackendAuth is the credential for a provider: exactly one of its fields is set.
type BackendAuth struct {
	At          Position     `json:"-"`
	Key         *Credential  `json:"key,omitzero" doc:"Text, $VARIABLE, {file: path}, {credential: NAME}, or {value: …, location: …}."`
	Passthrough *Passthrough `json:"passthrough,omitzero" doc:"The client's own credential."`
	// None sends no credential at all, not even the client's own.
	None bool     `json:"-"`
	_    struct{} `oneof:"key,passthrough,gcp,aws,azure,copilot,jwtSign,oauthTokenExchange,crossAppAccess,credentials" later:"gcp,aws,azure,copilot,jwtSign,oauthTokenExchange,crossAppAccess,credentials"`
}

// Credential is a secret and where it is put; nil: where the provider wants it.
type Credential struct {
	Value    ProviderCredential `json:"value" doc:"Text, $VARIABLE, {file: path}, or {credential: NAME}." required:"true"`
	Location *Location          `json:"location,omitzero" doc:"Where it is put; where the provider wants it if left out."`
}

// Passthrough hands the client's own credential on.
type Passthrough struct {
	Location *Location `json:"location,omitzero" doc:"Where it is put; where it was found if left out."`
}

// BackendTLS is TLS to a provider.
type BackendTLS struct {
	At           Position `json:"-"`
	Cert         File     `json:"cert,omitzero" doc:"PEM file with a client certificate."`
	Key          File     `json:"key,omitzero" doc:"PEM file with the private key of the client certificate."`
	Root         File     `json:"root,omitzero" doc:"PEM file with the authorities to trust, instead of the system's."`
	Hostname     string   `json:"hostname,omitzero" doc:"Name to ask for and to verify, instead of the host's."`
	Insecure     bool     `json:"insecure,omitzero" doc:"Verify nothing."`
	InsecureHost bool     `json:"insecureHost,omitzero" doc:"Verify the certificate but not its name."`
	ALPN         []string `json:"alpn,omitzero" doc:"Protocols to offer."`
	_            struct{} `later:"subjectAltNames,keyExchangeGroups,spiffe"`
}

// Health says when a provider is passed over for a while.
type Health struct {
	At        Position  `json:"-"`
	Unhealthy Expr      `json:"unhealthyExpression,omitzero" doc:"CEL expression that says what a failure is; 5xx and failures to connect if left out."`
	Eviction  *Eviction `json:"eviction,omitzero" doc:"For how long a provider that fails is passed over."`
	_         struct{}  `idle:"active"`
}

// Eviction says for how long a provider is passed over.
type Eviction struct {
	Duration            time.Duration `json:"duration,omitzero" doc:"Time away after the first eviction; each further one in a row is as much longer."`
	ConsecutiveFailures int           `json:"consecutiveFailures,omitzero" doc:"Failures in a row that evict." min:"0" max:"1000000"`
	_                   struct{}      `idle:"restoreHealth,healthThreshold"`
}
