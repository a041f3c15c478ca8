package resource

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The groups and versions of the resources.
var (
	KgatewayVersion     = schema.GroupVersion{Group: "gateway.kgateway.dev", Version: "v1alpha1"}
	AgentgatewayVersion = schema.GroupVersion{Group: "agentgateway.dev", Version: "v1alpha1"}
	TollgateVersion     = schema.GroupVersion{Group: "tollgate.dev", Version: "v1alpha1"}
)

// Conditions are those of an object's status.
type Conditions struct {
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}
