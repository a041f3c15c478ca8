package kube

import (
	"strings"
	"testing"
)

// TestWhatGatewaysMayMint: the right to write the Secrets of VirtualKeys is no right to write
// others, by which the tokens of other accounts could be had.
func TestWhatGatewaysMayMint(t *testing.T) {
	w := cluster(t)
	namespace := w.namespace(t)
	w.kubectl(t, "create", "serviceaccount", "--namespace", namespace, "gateway")
	w.kubectl(t, "create", "rolebinding", "--namespace", namespace, "gateway", "--clusterrole=tollgate-gateway-keys", "--serviceaccount="+namespace+":gateway")
	w.kubectl(t, "create", "secret", "generic", "--namespace", namespace, "foreign", "--from-literal=a=b")
	account := "--as=system:serviceaccount:" + namespace + ":gateway"
	const owner = "ownerReferences: [{apiVersion: tollgate.dev/v1alpha1, kind: VirtualKey, name: a, uid: 3e4f}]"
	foreign := w.kubectl(t, "get", "secret", "--namespace", namespace, "foreign", "-o", "jsonpath={.metadata.resourceVersion}")
	for _, c := range []struct{ verb, secret, refusal string }{
		{"create", "type: kubernetes.io/service-account-token, metadata: {name: token, annotations: {kubernetes.io/service-account.name: default}, " + owner + "}", "of the type Opaque only"},
		{"create", "metadata: {name: plain}", "that a VirtualKey owns only"},
		{"replace", "metadata: {name: foreign, resourceVersion: " + `"` + foreign + `", ` + owner + "}", "that a VirtualKey owned before only"},
		{"create", "metadata: {name: own, " + owner + "}", ""},
	} {
		manifest := "{apiVersion: v1, kind: Secret, " + c.secret + "}"
		eventually(t, func() error { // roles and policies take a moment to be in force
			_, err := w.Kubectl(t.Context(), manifest, c.verb, account, "--namespace", namespace, "-f", "-")
			if c.refusal != "" && err != nil && strings.Contains(err.Error(), c.refusal) {
				return nil
			}
			if c.refusal != "" && err == nil {
				t.Fatalf("the API server took %s", c.secret)
			}
			return err
		})
	}
}
