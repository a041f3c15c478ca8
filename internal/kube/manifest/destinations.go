package manifest

import (
	"tollgate/internal/config"
	"tollgate/internal/kube/resource"
)

// kgatewayBackend compiles a Backend and notes its status.
func (k *compilation) kgatewayBackend(b *resource.Backend) destination { return destination{} }

// agentgatewayBackend compiles an AgentgatewayBackend and notes its status.
func (k *compilation) agentgatewayBackend(b *resource.AgentgatewayBackend) destination {
	return destination{}
}

// settle says the statuses of backends that no route refers to, of policies and of virtual keys. It
// comes after all routes.
func (k *compilation) settle() {}

// rulePolicies gives what holds for a rule of a route (or for all of its rules) on a
// listener beside its filters: virtual keys, rate limits, and what policies say.
// passthrough tells that a backend of the rule sends the caller's own Authorization on.
func (k *compilation) rulePolicies(at attachment, passthrough bool) config.RoutePolicies {
	return config.RoutePolicies{}
}
