//go:build !nokube

// Package deployment runs gateways in a Kubernetes cluster: Objects says what a Gateway
// needs to run (a Deployment, a Service, who it is and what it may do), and Controller keeps
// the cluster so. It knows nothing of routes and backends: the pods that it makes watch
// those themselves.
package deployment
