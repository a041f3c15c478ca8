//go:build !nokube

// Package kube follows the Gateway API and tollgate's own resources of a Kubernetes cluster:
// it watches objects, hands them to whoever compiles them, and writes what their statuses
// have to say while it holds the lease. What objects mean is decided in manifest; this
// package knows neither a configuration nor requests. It and the packages below it are the
// only ones that know Kubernetes; the build tag nokube leaves them out of the program.
//
// Objects come in through informers (watch.go, follow.go) and go out by Cluster.Objects.
// Results come in by Cluster.Published and go out through the queue of the leader
// (lease.go, writer.go, status.go, mint.go). A file keeps the last good objects, so that a
// start without an API server serves (cache.go).
package kube
