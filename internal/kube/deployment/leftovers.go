//go:build !nokube

package deployment

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// theLeftovers is what is queued when statuses may speak of a Gateway that is gone: its pods
// took their entries away, unless they ended before they could.
var theLeftovers = types.NamespacedName{Name: "statuses"}

// afterPods is how long the pods of a Gateway that goes get to take their entries away.
const afterPods = time.Second

// spoken are the kinds whose statuses have a list with an entry for each Gateway.
var spoken = []struct {
	resource  schema.GroupVersionResource
	list, ref string
}{
	{schema.GroupVersionResource{Group: gatewayv1.GroupName, Version: "v1", Resource: "httproutes"}, "parents", "parentRef"},
	{schema.GroupVersionResource{Group: gatewayv1.GroupName, Version: "v1", Resource: "backendtlspolicies"}, "ancestors", "ancestorRef"},
	{schema.GroupVersionResource{Group: "agentgateway.dev", Version: "v1alpha1", Resource: "agentgatewaypolicies"}, "ancestors", "ancestorRef"},
}

// pageSize is how many objects are asked for at once.
const pageSize = 500

// leftovers takes entries out of statuses that speak of Gateways that nobody serves any more.
func (l *loop) leftovers(ctx context.Context) error {
	gone := map[types.NamespacedName]bool{}
	for _, s := range spoken {
		client := l.client.Resource(s.resource)
		o := metav1.ListOptions{Limit: pageSize}
		for {
			page, err := client.Namespace(l.options.Namespace).List(ctx, o)
			if apierrors.IsNotFound(err) {
				break // not installed
			}
			if err != nil {
				return fmt.Errorf("look for what is left of Gateways in %s: %w", s.resource.Resource, err)
			}
			for i := range page.Items {
				u := &page.Items[i]
				changed, err := l.without(ctx, u, s.list, s.ref, gone)
				if err != nil {
					return err
				}
				if !changed {
					continue
				}
				if _, err := client.Namespace(u.GetNamespace()).UpdateStatus(ctx, u, metav1.UpdateOptions{FieldManager: Manager}); err != nil && !apierrors.IsNotFound(err) {
					return fmt.Errorf("write the status of %s %s: %w", s.resource.Resource, named(u), err)
				}
			}
			if o.Continue = page.GetContinue(); o.Continue == "" {
				break
			}
		}
	}
	return nil
}

// without takes the entries of our controllers out of a list that speak of Gateways that are
// gone. It tells whether there were any.
func (l *loop) without(ctx context.Context, u *unstructured.Unstructured, list, ref string, gone map[types.NamespacedName]bool) (changed bool, _ error) {
	entries, _, _ := unstructured.NestedSlice(u.Object, "status", list)
	var failed error
	kept := slices.DeleteFunc(slices.Clone(entries), func(item any) bool {
		entry, _ := item.(map[string]any)
		of, _ := entry[ref].(map[string]any)
		if entry["controllerName"] != string(ControllerName) || of["kind"] != nil && of["kind"] != "Gateway" || failed != nil {
			return false
		}
		key := types.NamespacedName{Namespace: u.GetNamespace()}
		key.Name, _ = of["name"].(string)
		if other, _ := of["namespace"].(string); other != "" {
			key.Namespace = other
		}
		known, ok := gone[key]
		if !ok {
			known, failed = l.gone(ctx, key)
			gone[key] = known
		}
		return known
	})
	if failed != nil || len(kept) == len(entries) {
		return false, failed
	}
	return true, unstructured.SetNestedSlice(u.Object, kept, "status", list)
}

// gone tells whether no program of ours serves a Gateway: it does not exist, or is of a class
// of somebody else.
func (l *loop) gone(ctx context.Context, key types.NamespacedName) (bool, error) {
	if l.options.Namespace != "" && l.options.Namespace != key.Namespace {
		return false, nil // another controller's
	}
	found := cached(l.gateways, key)
	if found == nil {
		// What is not in the cache may have been made a moment ago.
		_, err := l.client.Resource(gateways).Namespace(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return false, fmt.Errorf("look for the Gateway %s: %w", key, err)
		}
		return err != nil, nil
	}
	class, _, _ := unstructured.NestedString(found.Object, "spec", "gatewayClassName")
	known := cached(l.classes, types.NamespacedName{Name: class})
	if known == nil {
		return false, nil
	}
	controller, _, _ := unstructured.NestedString(known.Object, "spec", "controllerName")
	return controller != string(ControllerName), nil
}
