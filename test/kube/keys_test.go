package kube

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/kube/resource"
)

const (
	ready   = `{.status.conditions[?(@.type=="Ready")].status}`
	alice   = "virtualkey/alice"
	keyHead = "Authorization: Bearer "
)

// strict is a route that only virtual keys may use.
var strict = strings.Replace(route, "metadata: {name: openai}",
	"metadata: {name: openai, annotations: {tollgate.dev/api-keys: Strict}}", 1)

// keyed is a scene whose route asks for virtual keys.
func keyed(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.manifest(t, secret("sk-of-the-provider"))
	s.manifest(t, backend)
	s.manifest(t, strict)
	s.answers(t, http.StatusUnauthorized, "/openai")
	return s
}

// key reads an entry of the Secret that a virtual key was minted into.
func (s *scene) key(t *testing.T, entry string) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(s.field(t, s.namespace, "secret/alice", "{.data."+entry+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestVirtualKey(t *testing.T) {
	s := keyed(t)
	s.manifest(t, `
apiVersion: tollgate.dev/v1alpha1
kind: VirtualKey
metadata: {name: alice}
spec:
  limits:
  - {kind: requests, amount: "3"}
`)
	s.becomes(t, s.namespace, alice, ready, "True")
	key := s.key(t, resource.SecretCurrent)
	if owner := s.field(t, s.namespace, "secret/alice", "{.metadata.ownerReferences[0].kind}"); owner != "VirtualKey" {
		t.Errorf("the Secret belongs to %q", owner)
	}

	s.answers(t, http.StatusUnauthorized, "/openai", keyHead+"sk-something-else")
	for range 3 {
		s.answers(t, http.StatusOK, "/openai", keyHead+key)
		if got := s.last(t); bearer(got) != "sk-of-the-provider" || strings.Contains(got.String(), key) {
			t.Errorf("the provider received\n%s", got)
		}
	}
	s.answers(t, http.StatusTooManyRequests, "/openai", keyHead+key)
	s.becomes(t, s.namespace, alice, "{.status.limits[0].spent}", "3")
	s.becomes(t, s.namespace, alice, "{.status.limits[0].remaining}", "0")
	s.becomes(t, s.namespace, alice, "{.status.spent}", "0.0000207") // at the list price of gpt-4o-mini

	s.kubectl(t, "patch", alice, "--namespace", s.namespace, "--type=merge", `--patch={"spec":{"limits":[{"kind":"requests","amount":"1000000"}]}}`)
	s.answers(t, http.StatusOK, "/openai", keyHead+key)

	s.kubectl(t, "delete", alice, "--namespace", s.namespace)
	s.answers(t, http.StatusUnauthorized, "/openai", keyHead+key)
	eventually(t, func() error {
		out, err := s.Kubectl(t.Context(), "", "get", "secret", "--namespace", s.namespace, "alice", "--ignore-not-found", "-o", "name")
		if err == nil && out != "" {
			err = fmt.Errorf("the Secret is still there: %s", out)
		}
		return err
	})
	s.checkSilence(t, s.namespace, key, "sk-of-the-provider")
}

// TestVirtualKeyRotation: the secret before stays good for the key's grace and no longer.
func TestVirtualKeyRotation(t *testing.T) {
	s := keyed(t)
	s.manifest(t, `
apiVersion: tollgate.dev/v1alpha1
kind: VirtualKey
metadata: {name: alice}
spec: {rotation: "1", grace: 1h}
`)
	s.becomes(t, s.namespace, alice, "{.status.rotation}", "1")
	first := s.key(t, resource.SecretCurrent)
	s.answers(t, http.StatusOK, "/openai", keyHead+first)
	id := s.field(t, s.namespace, alice, "{.status.keyID}")

	rotate := func(rotation, grace string) string {
		t.Helper()
		s.kubectl(t, "patch", alice, "--namespace", s.namespace, "--type=merge",
			fmt.Sprintf(`--patch={"spec":{"rotation":%q,"grace":%q}}`, rotation, grace))
		s.becomes(t, s.namespace, alice, "{.status.rotation}", rotation)
		return s.key(t, resource.SecretCurrent)
	}
	second := rotate("2", "1h")
	if second == first {
		t.Fatal("rotation minted no other secret")
	}
	s.answers(t, http.StatusOK, "/openai", keyHead+second)
	s.answers(t, http.StatusOK, "/openai", keyHead+first)
	if again := s.field(t, s.namespace, alice, "{.status.keyID}"); again != id {
		t.Errorf("rotation made another key: %s, was %s", again, id)
	}

	third := rotate("3", "0s")
	s.answers(t, http.StatusOK, "/openai", keyHead+third)
	s.answers(t, http.StatusUnauthorized, "/openai", keyHead+second)
	s.checkSilence(t, s.namespace, first, second, third)
}

// TestKeysOfAPolicy: keys in a Secret, asked for by a policy of a route.
func TestKeysOfAPolicy(t *testing.T) {
	s := newScene(t)
	s.manifest(t, secret("sk-of-the-provider"))
	s.manifest(t, backend)
	s.manifest(t, route)
	s.answers(t, http.StatusOK, "/openai")
	s.manifest(t, `
apiVersion: v1
kind: Secret
metadata: {name: callers}
stringData:
  alice: sk-alice-in-the-clear
  bob: '{"keyHash": "sha256:36c76b48bb2ee1d9d37140550e9d7ed7d395cf56f41050dc2a72e5291c0011f0"}'
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: callers}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}]
  traffic:
    apiKeyAuthentication: {mode: Strict, secretRef: {name: callers}}
`)
	s.answers(t, http.StatusUnauthorized, "/openai")
	s.answers(t, http.StatusOK, "/openai", keyHead+"sk-alice-in-the-clear")
	s.answers(t, http.StatusOK, "/openai", keyHead+"sk-bob")
	if got := s.last(t); bearer(got) != "sk-of-the-provider" {
		t.Errorf("the provider received the credential %q", bearer(got))
	}
	s.becomes(t, s.namespace, "agentgatewaypolicy/callers", `{.status.ancestors[0].conditions[?(@.type=="Accepted")].status}`, "True")
	s.kubectl(t, "delete", "agentgatewaypolicy/callers", "--namespace", s.namespace)
	s.answers(t, http.StatusOK, "/openai")
}
