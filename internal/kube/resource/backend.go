package resource

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Backend is gateway.kgateway.dev/v1alpha1 Backend: a place that routes send to.
type Backend struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              BackendSpec `json:"spec"`
	Status            Conditions  `json:"status,omitzero"`
}

// BackendSpec says what kind of place it is; exactly the member that Type names is set.
type BackendSpec struct {
	Type                string         `json:"type"`
	AI                  *AI            `json:"ai,omitempty"`
	Static              *Static        `json:"static,omitempty"`
	AWS                 map[string]any `json:"aws,omitempty"`
	DynamicForwardProxy map[string]any `json:"dynamicForwardProxy,omitempty"`
	MCP                 map[string]any `json:"mcp,omitempty"`
}

// Static is a list of servers, any of which may answer.
type Static struct {
	Hosts       []Host `json:"hosts"`
	AppProtocol string `json:"appProtocol,omitempty"`
}

// Host is the address of a server.
type Host struct {
	Host string `json:"host"`
	Port int32  `json:"port"`
}

// AI is one provider, or groups of them in order of priority.
type AI struct {
	LLM            *LLM            `json:"llm,omitempty"`
	PriorityGroups []PriorityGroup `json:"priorityGroups,omitempty"`
}

// PriorityGroup has providers that share the load.
type PriorityGroup struct {
	Providers []NamedLLM `json:"providers"`
}

// NamedLLM is a provider of a group.
type NamedLLM struct {
	Name string `json:"name"`
	LLM  `json:",inline"`
}

// LLM is a provider: exactly one of the six is set.
type LLM struct {
	OpenAI      *OpenAI           `json:"openai,omitempty"`
	AzureOpenAI *AzureOpenAI      `json:"azureopenai,omitempty"`
	Anthropic   *Anthropic        `json:"anthropic,omitempty"`
	Gemini      *Gemini           `json:"gemini,omitempty"`
	VertexAI    *VertexAI         `json:"vertexai,omitempty"`
	Bedrock     map[string]any    `json:"bedrock,omitempty"`
	Host        string            `json:"host,omitempty"`
	Port        int32             `json:"port,omitempty"`
	Path        *Path             `json:"path,omitempty"`
	AuthHeader  *AuthHeader       `json:"authHeader,omitempty"`
	Routes      map[string]string `json:"routes,omitempty"`
}

// Path replaces the path of a provider's API.
type Path struct {
	Full string `json:"full,omitempty"`
}

// AuthHeader says which header carries the credential, and what stands before it.
type AuthHeader struct {
	HeaderName string `json:"headerName,omitempty"`
	Prefix     string `json:"prefix,omitempty"`
}

// OpenAI is OpenAI's own API.
type OpenAI struct {
	AuthToken AuthToken `json:"authToken"`
	Model     string    `json:"model,omitempty"`
}

// AzureOpenAI is OpenAI's API at Azure.
type AzureOpenAI struct {
	AuthToken      AuthToken `json:"authToken"`
	Endpoint       string    `json:"endpoint"`
	DeploymentName string    `json:"deploymentName"`
	APIVersion     string    `json:"apiVersion"`
}

// Anthropic is Anthropic's API.
type Anthropic struct {
	AuthToken  AuthToken `json:"authToken"`
	APIVersion string    `json:"apiVersion,omitempty"`
	Model      string    `json:"model,omitempty"`
}

// Gemini is Google's API of the same name.
type Gemini struct {
	AuthToken  AuthToken `json:"authToken"`
	Model      string    `json:"model"`
	APIVersion string    `json:"apiVersion"`
}

// VertexAI is Google's API for companies.
type VertexAI struct {
	AuthToken  AuthToken `json:"authToken"`
	Model      string    `json:"model"`
	APIVersion string    `json:"apiVersion"`
	ProjectID  string    `json:"projectId"`
	Location   string    `json:"location"`
	ModelPath  string    `json:"modelPath,omitempty"`
	Publisher  string    `json:"publisher"`
}

// The kinds of AuthToken.
const (
	AuthInline      = "Inline"
	AuthSecretRef   = "SecretRef"
	AuthPassthrough = "Passthrough"
)

// AuthToken is the credential for a provider. Objects exist whose Kind disagrees with what
// is set: Kind decides.
type AuthToken struct {
	Kind      string     `json:"kind"`
	Inline    *string    `json:"inline,omitempty"`
	SecretRef *LocalName `json:"secretRef,omitempty"`
}

// LocalName names an object of the same namespace.
type LocalName struct {
	Name string `json:"name"`
}
