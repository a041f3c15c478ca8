package resource

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AgentgatewayPolicy is agentgateway.dev/v1alpha1 AgentgatewayPolicy: what holds for the
// gateways, routes and backends that it targets.
type AgentgatewayPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              AgentgatewayPolicySpec `json:"spec"`
}

// AgentgatewayPolicySpec says what is targeted, by name or by labels, and what holds there.
type AgentgatewayPolicySpec struct {
	TargetRefs      []AgentgatewayTarget         `json:"targetRefs,omitempty"`
	TargetSelectors []AgentgatewaySelector       `json:"targetSelectors,omitempty"`
	Traffic         *AgentgatewayTraffic         `json:"traffic,omitempty"`
	Backend         *AgentgatewayBackendPolicies `json:"backend,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (s *AgentgatewayPolicySpec) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayPolicySpec
	return withOthers(data, (*plain)(s), &s.Others)
}

// AgentgatewayTarget names an object of the policy's namespace, or a part of it.
type AgentgatewayTarget struct {
	Group       string `json:"group"`
	Kind        string `json:"kind"`
	Name        string `json:"name"`
	SectionName string `json:"sectionName,omitempty"`
	Port        int32  `json:"port,omitempty"`
}

// AgentgatewaySelector selects objects of the policy's namespace by their labels.
type AgentgatewaySelector struct {
	Group       string            `json:"group"`
	Kind        string            `json:"kind"`
	MatchLabels map[string]string `json:"matchLabels"`
	SectionName string            `json:"sectionName,omitempty"`
	Port        int32             `json:"port,omitempty"`
}

// AgentgatewayTraffic is what holds for requests before a backend is chosen.
type AgentgatewayTraffic struct {
	Phase                string                  `json:"phase,omitempty"`
	APIKeyAuthentication *AgentgatewayAPIKeys    `json:"apiKeyAuthentication,omitempty"`
	RateLimit            *AgentgatewayRateLimits `json:"rateLimit,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (t *AgentgatewayTraffic) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayTraffic
	return withOthers(data, (*plain)(t), &t.Others)
}

// AgentgatewayAPIKeys are virtual keys in Secrets or ConfigMaps: exactly one kind of source.
type AgentgatewayAPIKeys struct {
	Mode              string                `json:"mode,omitempty"` // Strict if it is empty
	SecretRef         *AgentgatewaySecret   `json:"secretRef,omitempty"`
	SecretSelector    *Labelled             `json:"secretSelector,omitempty"`
	ConfigMapSelector *Labelled             `json:"configMapSelector,omitempty"`
	Location          *AgentgatewayLocation `json:"location,omitempty"`
}

// Labelled selects objects of a namespace by their labels.
type Labelled struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

// AgentgatewayRateLimits are limits of one proxy, or of a server that is asked.
type AgentgatewayRateLimits struct {
	Local []AgentgatewayRateLimit `json:"local,omitempty"`
	// Others are the names of the other fields that are set, sorted.
	Others []string `json:"-"`
}

// UnmarshalJSON implements json.Unmarshaler; it notes the fields that are not known.
func (r *AgentgatewayRateLimits) UnmarshalJSON(data []byte) error {
	type plain AgentgatewayRateLimits
	return withOthers(data, (*plain)(r), &r.Others)
}

// AgentgatewayRateLimit is a limit on requests or on tokens, exactly one of them, for each
// unit of time. Burst is how many more may come at once.
type AgentgatewayRateLimit struct {
	Requests *int32 `json:"requests,omitempty"`
	Tokens   *int32 `json:"tokens,omitempty"`
	Unit     string `json:"unit"`
	Burst    *int32 `json:"burst,omitempty"`
}
