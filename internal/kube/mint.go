//go:build !nokube

package kube

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
	"tollgate/internal/vkey"
)

// What Secrets that we make are labelled with.
const (
	labelManagedBy  = "app.kubernetes.io/managed-by"
	labelVirtualKey = "tollgate.dev/virtual-key"
)

// mint makes the secret that the result in force asks for, unless there is one by now. What
// is read and written is bound by its resource version: of two leaders one wins.
func (c *Cluster) mint(ctx context.Context, t task, _ *books) error {
	r := c.published()
	i := slices.IndexFunc(r.Mint, func(m manifest.Mint) bool { return m.Key.Namespace == t.name.Namespace && m.Key.Name == t.name.Name })
	if i < 0 {
		return nil
	}
	m := r.Mint[i]
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name := m.Key.Spec.SecretName
	if name == "" {
		name = m.Key.Name
	}
	server := c.resource(kindNamed(secretKind), m.Key.Namespace)
	held, err := server.Get(ctx, name, metav1.GetOptions{})
	fresh := apierrors.IsNotFound(err)
	switch {
	case fresh:
		held = &unstructured.Unstructured{Object: tree{"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": tree{"name": name, "namespace": m.Key.Namespace}}}
	case err != nil:
		return err
	}
	if !fresh && !owns(m.Key, held) {
		return nil // it came meanwhile: the next result says so in a condition
	}
	data, _ := held.Object["data"].(tree)
	after, reason, err := c.secretData(data, &m)
	if err != nil || after == nil {
		return err
	}
	held.Object["data"] = after
	claim(held, m.Key)
	if fresh {
		_, err = server.Create(ctx, held, metav1.CreateOptions{})
	} else {
		_, err = server.Update(ctx, held, metav1.UpdateOptions{})
	}
	if err != nil {
		return err
	}
	c.log.Info("a virtual key was minted into a Secret", "object", t.name.String(), "key_id", m.ID, "secret", name, "reason", reason)
	c.event(ctx, m.Key, reason, fmt.Sprintf("a secret of virtual key %s is in Secret %s", m.ID, name))
	return nil
}

// owns tells whether a Secret is there for a virtual key, and no other one of its name.
func owns(key *resource.VirtualKey, held *unstructured.Unstructured) bool {
	return slices.ContainsFunc(held.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == key.UID })
}

// secretData gives the data of a Secret with a new secret in it, and what to call that. It
// is nil if what is asked for is there.
func (c *Cluster) secretData(before tree, m *manifest.Mint) (after tree, reason string, err error) {
	current, _ := before[resource.SecretCurrent].(string)
	if current != "" && (!m.Rotate || before[resource.SecretRotation] == encoded(m.Key.Spec.Rotation)) {
		return nil, "", nil
	}
	minted, err := vkey.MintSecret(m.ID, rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("mint a secret of %s: %w", m.ID, err)
	}
	after = take(before, nil, resource.SecretPrevious, resource.SecretPreviousUntil)
	reason = "Minted"
	if current != "" {
		reason = "Rotated"
		grace := resource.DefaultGrace
		if m.Key.Spec.Grace != nil {
			grace = m.Key.Spec.Grace.Duration
		}
		if grace > 0 {
			after[resource.SecretPrevious] = current
			after[resource.SecretPreviousUntil] = encoded(c.now().Add(grace).UTC().Format(time.RFC3339))
		}
	}
	after[resource.SecretCurrent] = encoded(minted.Reveal())
	after[resource.SecretRotation] = encoded(m.Key.Spec.Rotation)
	return after, reason, nil
}

// encoded gives a text as the data of Secrets has it.
func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// claim makes a Secret one that goes when its virtual key does.
func claim(held *unstructured.Unstructured, key *resource.VirtualKey) {
	labels := held.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelManagedBy] = "tollgate"
	if len(key.Name) <= 63 { // longer names are none for labels
		labels[labelVirtualKey] = key.Name
	}
	held.SetLabels(labels)
	owners := slices.DeleteFunc(held.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == key.UID })
	held.SetOwnerReferences(append(owners, metav1.OwnerReference{
		APIVersion: resource.TollgateVersion.String(), Kind: virtualKey, Name: key.Name, UID: key.UID, Controller: new(true), BlockOwnerDeletion: new(true),
	}))
}

// event leaves a note that kubectl shows with the object. It is a courtesy: that it fails harms nothing.
func (c *Cluster) event(ctx context.Context, about *resource.VirtualKey, reason, message string) {
	now := c.now().UTC().Format(time.RFC3339)
	name := types.NamespacedName{Namespace: about.Namespace, Name: about.Name}
	_, err := c.objects.Resource(events).Namespace(about.Namespace).Create(ctx, &unstructured.Unstructured{Object: tree{
		"apiVersion": "v1", "kind": "Event", "metadata": tree{"generateName": about.Name + ".", "namespace": about.Namespace},
		"involvedObject": tree{
			"apiVersion": resource.TollgateVersion.String(), "kind": virtualKey, "namespace": about.Namespace, "name": about.Name,
			"uid": string(about.UID), "resourceVersion": about.ResourceVersion,
		},
		"type": "Normal", "reason": reason, "message": message, "source": tree{"component": "tollgate"},
		"firstTimestamp": now, "lastTimestamp": now, "count": int64(1),
	}}, metav1.CreateOptions{})
	if err != nil {
		c.log.Debug("an event could not be written", "object", name.String(), "reason", reason, "error", err)
	}
}
