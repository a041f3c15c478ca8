//go:build !nokube

package deployment

import (
	"encoding/hex"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Kept gives what a Gateway needs to run and what outlives it: the volume of its ledger, and
// a Secret with a master key read from random. Each is made where it is absent and never
// changed or deleted: without the one what keys have spent would be forgotten, without the
// other no stored credential could be read again. They have no owner for the same reason.
func Kept(gateway *gatewayv1.Gateway, settings Settings, random io.Reader) ([]*unstructured.Unstructured, error) {
	g, err := plan(gateway, settings)
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, fmt.Errorf("make a master key: %w", err)
	}
	secret, err := applied(&corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: g.keptMeta(secretName(g.Name)),
		Type: corev1.SecretTypeOpaque, Data: map[string][]byte{masterKey: []byte(hex.EncodeToString(key))},
	})
	if err != nil {
		return nil, err
	}
	// A digest of a secret is nothing to show.
	annotations := secret.GetAnnotations()
	delete(annotations, annotationApplied)
	secret.SetAnnotations(annotations)
	if !settings.durable() {
		return []*unstructured.Unstructured{secret}, nil
	}
	claim, err := g.claim()
	if err != nil {
		return nil, err
	}
	return []*unstructured.Unstructured{secret, claim}, nil
}

// claim asks for the volume of the ledger. One node at a time may write to it: the ledger
// is a database on a local disk, with one writer.
func (g *planned) claim() (*unstructured.Unstructured, error) {
	size, err := resource.ParseQuantity(g.settings.Storage)
	if err != nil {
		return nil, fmt.Errorf("--storage %s: %w", g.settings.Storage, err)
	}
	c := &corev1.PersistentVolumeClaim{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"}, ObjectMeta: g.keptMeta(claimName(g.Name)),
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: size}},
		},
	}
	if g.settings.StorageClass != "" {
		c.Spec.StorageClassName = new(g.settings.StorageClass)
	}
	return applied(c)
}

func secretName(gateway string) string { return gateway + "-tollgate-master-key" }

func claimName(gateway string) string { return gateway + "-tollgate-data" }
