package resource

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AgentgatewayBackend is agentgateway.dev/v1alpha1 AgentgatewayBackend: a place that routes
// send to, with the policies of requests to it.
type AgentgatewayBackend struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Status            Conditions `json:"status,omitzero"`
}

// AgentgatewayPolicy is agentgateway.dev/v1alpha1 AgentgatewayPolicy: what holds for the
// gateways, routes and backends that it targets.
type AgentgatewayPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}
