package resource

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AgentgatewayBackend is agentgateway.dev/v1alpha1 AgentgatewayBackend: a place that routes
// send to, with the policies of requests to it.
type AgentgatewayBackend struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              AgentgatewayBackendSpec `json:"spec"`
	Status            Conditions              `json:"status,omitzero"`
}

// AgentgatewayBackendSpec says what kind of place it is: exactly one kind.
type AgentgatewayBackendSpec struct {
	AI       *AgentgatewayAI              `json:"ai,omitempty"`
	Static   *Host                        `json:"static,omitempty"`
	Policies *AgentgatewayBackendPolicies `json:"policies,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (s *AgentgatewayBackendSpec) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayBackendSpec
	return withOthers(data, (*plain)(s), &s.Others)
}

// AgentgatewayAI is one provider, or groups of them in order of priority.
type AgentgatewayAI struct {
	Provider *AgentgatewayLLM    `json:"provider,omitempty"`
	Groups   []AgentgatewayGroup `json:"groups,omitempty"`
}

// AgentgatewayGroup has providers that share the load.
type AgentgatewayGroup struct {
	Providers []AgentgatewayProvider `json:"providers"`
}

// AgentgatewayProvider is a provider of a group.
type AgentgatewayProvider struct {
	Name     string
	Policies *AgentgatewayBackendPolicies
	AgentgatewayLLM
}

// UnmarshalJSON implements json.Unmarshaler: without it the one of the part that is embedded
// would be taken for that of the whole.
func (p *AgentgatewayProvider) UnmarshalJSON(data []byte) error {
	var own struct {
		Name     string                       `json:"name"`
		Policies *AgentgatewayBackendPolicies `json:"policies,omitempty"`
	}
	if err := decode(data, &own); err != nil {
		return err
	}
	p.Name, p.Policies = own.Name, own.Policies
	return p.read(data, "name", "policies")
}

// AgentgatewayLLM is a provider: exactly one kind of it.
type AgentgatewayLLM struct {
	OpenAI    *AgentgatewayModel  `json:"openai,omitempty"`
	Anthropic *AgentgatewayModel  `json:"anthropic,omitempty"`
	Custom    *AgentgatewayCustom `json:"custom,omitempty"`

	AzureOpenAI map[string]any `json:"azureopenai,omitempty"`
	Azure       map[string]any `json:"azure,omitempty"`
	Gemini      map[string]any `json:"gemini,omitempty"`
	VertexAI    map[string]any `json:"vertexai,omitempty"`
	Bedrock     map[string]any `json:"bedrock,omitempty"`

	Host       string `json:"host,omitempty"`
	Port       int32  `json:"port,omitempty"`
	Path       string `json:"path,omitempty"`
	PathPrefix string `json:"pathPrefix,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (l *AgentgatewayLLM) UnmarshalJSON(data []byte) error { return l.read(data) }

func (l *AgentgatewayLLM) read(data []byte, known ...string) error {
	type plain AgentgatewayLLM
	return withOthers(data, (*plain)(l), &l.Others, known...)
}

// AgentgatewayModel are the settings of a provider that has no more than a model.
type AgentgatewayModel struct {
	Model string `json:"model,omitempty"`
	// Moderation asks another model about requests first.
	Moderation map[string]any `json:"moderation,omitempty"`
}

// AgentgatewayCustom is a provider by its address.
type AgentgatewayCustom struct {
	Model      string               `json:"model,omitempty"`
	Formats    []AgentgatewayFormat `json:"formats"`
	Host       string               `json:"host,omitempty"`
	Port       int32                `json:"port,omitempty"`
	BackendRef map[string]any       `json:"backendRef,omitempty"`
}

// AgentgatewayFormat is one thing that a custom provider speaks.
type AgentgatewayFormat struct {
	Type string `json:"type"`
	Path string `json:"path,omitempty"`
}

// AgentgatewayBackendPolicies are how requests to a backend are made.
type AgentgatewayBackendPolicies struct {
	Auth   *AgentgatewayAuth     `json:"auth,omitempty"`
	AI     *AgentgatewayAIPolicy `json:"ai,omitempty"`
	TLS    *AgentgatewayTLS      `json:"tls,omitempty"`
	Health *AgentgatewayHealth   `json:"health,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (p *AgentgatewayBackendPolicies) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayBackendPolicies
	return withOthers(data, (*plain)(p), &p.Others)
}

// AgentgatewayAuth is the credential for a provider: exactly one kind of it.
type AgentgatewayAuth struct {
	Key         *string               `json:"key,omitempty"`
	SecretRef   *AgentgatewaySecret   `json:"secretRef,omitempty"`
	Passthrough *struct{}             `json:"passthrough,omitempty"`
	Location    *AgentgatewayLocation `json:"location,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (a *AgentgatewayAuth) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayAuth
	return withOthers(data, (*plain)(a), &a.Others)
}

// AgentgatewaySecret names an entry of a Secret of the same namespace.
type AgentgatewaySecret struct {
	Name  string `json:"name"`
	Key   string `json:"key,omitempty"` // Authorization if it is empty
	Group string `json:"group,omitempty"`
	Kind  string `json:"kind,omitempty"`
}

// AgentgatewayLocation is where a credential stands: exactly one kind of place.
type AgentgatewayLocation struct {
	Header         *AgentgatewayHeader `json:"header,omitempty"`
	QueryParameter *LocalName          `json:"queryParameter,omitempty"`
	Cookie         *LocalName          `json:"cookie,omitempty"`
	Expression     string              `json:"expression,omitempty"`
}

// AgentgatewayHeader is a header with what stands before the credential in it.
type AgentgatewayHeader struct {
	Name   string  `json:"name"`
	Prefix *string `json:"prefix,omitempty"`
}

// AgentgatewayAIPolicy are changes to the requests of models.
type AgentgatewayAIPolicy struct {
	Routes       map[string]string   `json:"routes,omitempty"`
	ModelAliases map[string]string   `json:"modelAliases,omitempty"`
	Defaults     []AgentgatewayField `json:"defaults,omitempty"`
	Overrides    []AgentgatewayField `json:"overrides,omitempty"`
	Prompt       *AgentgatewayPrompt `json:"prompt,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (a *AgentgatewayAIPolicy) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayAIPolicy
	return withOthers(data, (*plain)(a), &a.Others)
}

// AgentgatewayField is a member of a body with the value that it gets.
type AgentgatewayField struct {
	Field string `json:"field"`
	Value any    `json:"value"`
}

// AgentgatewayPrompt are messages to add.
type AgentgatewayPrompt struct {
	Prepend []AgentgatewayMessage `json:"prepend,omitempty"`
	Append  []AgentgatewayMessage `json:"append,omitempty"`
}

// AgentgatewayMessage is a message of a conversation.
type AgentgatewayMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// AgentgatewayTLS is TLS to a backend.
type AgentgatewayTLS struct {
	MTLSCertificateRef []LocalName `json:"mtlsCertificateRef,omitempty"` // Secrets with tls.crt and tls.key
	CACertificateRefs  []LocalName `json:"caCertificateRefs,omitempty"`  // ConfigMaps with ca.crt
	// InsecureSkipVerify is All, Hostname or "".
	InsecureSkipVerify string   `json:"insecureSkipVerify,omitempty"`
	SNI                string   `json:"sni,omitempty"`
	ALPNProtocols      []string `json:"alpnProtocols,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (t *AgentgatewayTLS) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayTLS
	return withOthers(data, (*plain)(t), &t.Others)
}

// AgentgatewayHealth says when a provider is passed over for a while.
type AgentgatewayHealth struct {
	UnhealthyCondition string                `json:"unhealthyCondition,omitempty"` // CEL
	Eviction           *AgentgatewayEviction `json:"eviction,omitempty"`
}

// AgentgatewayEviction says for how long a provider is passed over.
type AgentgatewayEviction struct {
	Duration            *metav1.Duration `json:"duration,omitempty"`
	ConsecutiveFailures int32            `json:"consecutiveFailures,omitempty"`
	RestoreHealth       *int32           `json:"restoreHealth,omitempty"`
	HealthThreshold     *int32           `json:"healthThreshold,omitempty"`
}
