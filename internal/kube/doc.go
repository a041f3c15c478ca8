//go:build !nokube

// Package kube serves the Gateway API and tollgate's own resources of a Kubernetes cluster:
// it watches objects, hands them to whoever compiles them, and writes what their statuses
// have to say if it holds the lease. What objects mean is decided in manifest. It and the
// packages below it are the only ones that know Kubernetes; the build tag nokube leaves
// them out of the program.
package kube

import (
	_ "k8s.io/api/apps/v1"
	_ "k8s.io/api/policy/v1"
	_ "k8s.io/api/rbac/v1"
	_ "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	_ "k8s.io/client-go/dynamic"
	_ "k8s.io/client-go/dynamic/dynamicinformer"
	_ "k8s.io/client-go/dynamic/fake"
	_ "k8s.io/client-go/rest"
	_ "k8s.io/client-go/tools/clientcmd"
	_ "k8s.io/client-go/tools/leaderelection"
	_ "k8s.io/client-go/tools/leaderelection/resourcelock"
	_ "sigs.k8s.io/yaml"
)
