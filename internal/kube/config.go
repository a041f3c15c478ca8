//go:build !nokube

package kube

import "k8s.io/client-go/rest"

// Config gives the way to the API server for a kubeconfig file, or for "" in the order that
// Options.Kubeconfig says, and the namespace that goes with it, "" if none does.
func Config(kubeconfig string) (*rest.Config, string, error) { return access(kubeconfig) }
