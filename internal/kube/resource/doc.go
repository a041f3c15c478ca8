// Package resource has the Go types of the Kubernetes resources that tollgate serves and
// that no library of theirs has: kgateway's Backend as of its release 2.1, agentgateway's
// AgentgatewayBackend and AgentgatewayPolicy, and tollgate's own VirtualKey. They are
// plain data: what they mean is decided in manifest. Fields that stand in the schemas in
// deploy/kubernetes and are not served are kept here where a condition has to name them.
package resource
