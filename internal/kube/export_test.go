//go:build !nokube

package kube

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// ConnectTo is Connect to an API server that a test plays.
func ConnectTo(o Options, objects dynamic.Interface, leases coordination.LeasesGetter, kinds interface {
	ServerResourcesForGroupVersionWithContext(ctx context.Context, groupVersion string) (*metav1.APIResourceList, error)
}) (*Cluster, error) {
	return newCluster(o, clients{objects: objects, leases: leases, kinds: kinds, host: "https://test"}, "")
}

// Lease is where the lease is.
func (c *Cluster) Lease() string { return c.lease.String() }

// Resources are those that are followed, by kind, the oldest version last.
func Resources() map[string][]schema.GroupVersionResource {
	out := map[string][]schema.GroupVersionResource{}
	for _, k := range kinds {
		out[k.name] = k.versions
	}
	return out
}
