//go:build !nokube

package deployment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"tollgate/internal/kube/manifest"
)

var events = schema.GroupVersionResource{Version: "v1", Resource: "events"}

// refuse says on a Gateway why it does not run: in an event, and, while no pod of its own
// is there to write its status, in a condition. The error that it gives is about saying so.
func (l *loop) refuse(ctx context.Context, g *gatewayv1.Gateway, condition gatewayv1.GatewayConditionType, reason string, because error) error {
	if err := l.event(ctx, g, reason, because.Error()); err != nil {
		return err
	}
	if running := cached(l.made["Deployment"], named(g)); running != nil {
		return nil
	}
	before := g.DeepCopy()
	meta.SetStatusCondition(&g.Status.Conditions, metav1.Condition{
		Type: string(condition), Status: metav1.ConditionFalse, Reason: reason, Message: because.Error(), ObservedGeneration: g.Generation,
	})
	return l.writeStatus(ctx, gateways, g, reflect.DeepEqual(before.Status, g.Status))
}

// event records that something is wrong with a Gateway. One of the same words is told
// once for as long as the cluster remembers it.
func (l *loop) event(ctx context.Context, g *gatewayv1.Gateway, reason, message string) error {
	digest := sha256.Sum256([]byte(string(g.UID) + reason + message))
	now := time.Now().UTC().Format(time.RFC3339)
	event := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata": map[string]any{"namespace": g.Namespace, "name": g.Name + "." + hex.EncodeToString(digest[:8])},
		"involvedObject": map[string]any{
			"apiVersion": gatewayv1.GroupVersion.String(), "kind": "Gateway",
			"namespace": g.Namespace, "name": g.Name, "uid": string(g.UID),
		},
		"type": "Warning", "reason": reason, "message": message, "count": int64(1),
		"firstTimestamp": now, "lastTimestamp": now,
		"source": map[string]any{"component": Manager}, "reportingComponent": Manager, "reportingInstance": l.options.Identity,
	}}
	_, err := l.client.Resource(events).Namespace(g.Namespace).Create(ctx, event, metav1.CreateOptions{FieldManager: Manager})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("record an event of Gateway %s: %w", named(g), err)
	}
	return nil
}

// classStatuses accepts the classes that are ours. Gateways do the same once they run, from
// the same function; before there is one, nobody else does.
func (l *loop) classStatuses(ctx context.Context) error {
	objects := &manifest.Objects{}
	for _, item := range l.classes.GetStore().List() {
		class, err := decode[gatewayv1.GatewayClass](item.(*unstructured.Unstructured))
		if err != nil {
			return err
		}
		objects.Classes = append(objects.Classes, class)
	}
	definition, err := l.client.Resource(definitions).Get(ctx, gatewayDefinition, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find out the version of the Gateway API: %w", err)
	}
	objects.Bundle = definition.GetAnnotations()[bundleVersion]
	statuses := manifest.Compile(nil, objects, manifest.Settings{Controller: ControllerName, Class: l.options.Class}).Statuses.Classes
	for _, class := range objects.Classes {
		status, ours := statuses[class.Name]
		if !ours {
			continue
		}
		before := class.Status.DeepCopy()
		class.Status.SupportedFeatures = status.SupportedFeatures
		for _, c := range status.Conditions {
			meta.SetStatusCondition(&class.Status.Conditions, c)
		}
		if err := l.writeStatus(ctx, classes, class, reflect.DeepEqual(before, &class.Status)); err != nil {
			return err
		}
	}
	return nil
}

// writeStatus writes the status of an object, unless it is what it was. A conflict is an
// error like others: what is right is found out anew from the newer object.
func (l *loop) writeStatus(ctx context.Context, of schema.GroupVersionResource, object metav1.Object, unchanged bool) error {
	if unchanged {
		return nil
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return fmt.Errorf("write the status of %s: %w", named(object), err)
	}
	resource := l.client.Resource(of)
	u := &unstructured.Unstructured{Object: fields}
	if object.GetNamespace() == "" {
		_, err = resource.UpdateStatus(ctx, u, metav1.UpdateOptions{FieldManager: Manager})
	} else {
		_, err = resource.Namespace(object.GetNamespace()).UpdateStatus(ctx, u, metav1.UpdateOptions{FieldManager: Manager})
	}
	if err != nil {
		return fmt.Errorf("write the status of %s %s: %w", of.Resource, named(object), err)
	}
	return nil
}
