//go:build !nokube

package deployment

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

const (
	gatewayDefinition = "gateways.gateway.networking.k8s.io"
	backendDefinition = "backends.gateway.kgateway.dev"
	bundleVersion     = "gateway.networking.k8s.io/bundle-version"
)

// fit tells whether the cluster is one to work in.
func (c *Controller) fit(ctx context.Context) error {
	_, err := c.client.Resource(definitions).Get(ctx, gatewayDefinition, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return errors.New("the Gateway API is not installed in this cluster: install its standard channel first " +
			"(kubectl apply --server-side -f https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.3/standard-install.yaml)")
	}
	if err != nil {
		return fmt.Errorf("look for the Gateway API: %w", err)
	}
	d, err := c.client.Resource(definitions).Get(ctx, backendDefinition, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		c.log.Warn("Backends cannot be made: the cluster does not define them; the other kinds work", "definition", backendDefinition)
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the definition of Backend: %w", err)
	}
	if takesAI(d) {
		return nil
	}
	said := fmt.Sprintf("the definition %s of this cluster is not tollgate's%s and refuses Backends of the type AI", backendDefinition, owner(d))
	if c.options.ForeignBackends {
		c.log.Warn(said + "; AgentgatewayBackends can be used instead")
		return nil
	}
	return errors.New(said + ": it is left as it is, because the program that brought it needs it. " +
		"Use AgentgatewayBackend instead and start with --foreign-backends, or, if that program is not in use any more, " +
		"replace the definition: kubectl apply --server-side --force-conflicts -f deploy/kubernetes/10-crd-backends.yaml")
}

// takesAI tells whether Backends as of kgateway 2.1 are accepted, whoever defined them.
func takesAI(definition *unstructured.Unstructured) bool {
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	for _, v := range versions {
		version, ok := v.(map[string]any)
		if !ok || version["name"] != "v1alpha1" {
			continue
		}
		spec, _, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema", "properties", "spec")
		_, ai, _ := unstructured.NestedMap(spec, "properties", "ai", "properties", "llm")
		open, _, _ := unstructured.NestedBool(spec, "x-kubernetes-preserve-unknown-fields")
		return ai || open
	}
	return false
}

// owner tells whose an object is, in brackets, as far as it says so.
func owner(o *unstructured.Unstructured) string {
	if name := o.GetLabels()[labelName]; name != "" {
		return " (" + labelName + " is " + name + ")"
	}
	return ""
}

// image takes the image of gateways from the pod that this program runs in, if none was named.
func (c *Controller) image(ctx context.Context) error {
	if c.options.Image != "" || c.options.PodName == "" {
		return nil
	}
	pod, err := c.client.Resource(pods).Namespace(c.options.PodNamespace).Get(ctx, c.options.PodName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find out which image this program is of (--image says it as well): %w", err)
	}
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	for _, item := range containers {
		container, ok := item.(map[string]any)
		if ok && (container["name"] == program || len(containers) == 1) {
			c.options.Image, _ = container["image"].(string)
		}
	}
	return nil
}
