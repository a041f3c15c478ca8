package kube

import (
	"net/http"
	"strings"
	"testing"
)

// TestWrongReferences: a reference that leads nowhere is answered with 500 and named by a
// condition, and comes right as soon as it does lead somewhere.
func TestWrongReferences(t *testing.T) {
	s := newScene(t)
	s.manifest(t, route)
	s.becomes(t, s.namespace, "httproute/openai", routeAccepted, "True")
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "BackendNotFound")
	s.answers(t, http.StatusInternalServerError, "/openai")

	s.manifest(t, secret("sk-first"))
	s.manifest(t, backend)
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "ResolvedRefs")
	s.answers(t, http.StatusOK, "/openai")

	s.manifest(t, strings.Replace(route, "kind: Backend", "kind: Frontend", 1))
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "InvalidKind")
	s.answers(t, http.StatusInternalServerError, "/openai")

	s.manifest(t, route)
	s.answers(t, http.StatusOK, "/openai")
	s.kubectl(t, "delete", openAIBackend, "--namespace", s.namespace)
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "BackendNotFound")
	s.answers(t, http.StatusInternalServerError, "/openai")
}

// TestReferenceGrant: a Backend of another namespace is used as long as that allows it.
func TestReferenceGrant(t *testing.T) {
	s := newScene(t)
	other := s.world.namespace(t)
	s.apply(t, other, secret("sk-of-another"))
	s.apply(t, other, s.fill(backend))
	s.manifest(t, strings.Replace(route, "{name: openai, group", "{name: openai, namespace: "+other+", group", 1))
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "RefNotPermitted")
	s.answers(t, http.StatusInternalServerError, "/openai")

	s.apply(t, other, s.fill(`
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: openai}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: NAMESPACE}]
  to: [{group: gateway.kgateway.dev, kind: Backend}]
`))
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "ResolvedRefs")
	s.answers(t, http.StatusOK, "/openai")
	s.receives(t, "sk-of-another")

	s.kubectl(t, "delete", "referencegrant", "--namespace", other, "openai")
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "RefNotPermitted")
	s.answers(t, http.StatusInternalServerError, "/openai")
}

// TestTypos: the API server itself says what is wrong with a manifest that can mean nothing.
func TestTypos(t *testing.T) {
	w := cluster(t)
	namespace := w.namespace(t)
	const sound = `
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: openai}
spec:
  type: AI
  ai:
    llm:
      openai:
        authToken: {kind: SecretRef, secretRef: {name: openai-secret}}
`
	w.apply(t, namespace, sound)
	for name, c := range map[string]struct{ from, to, says string }{
		"field":         {"openai:", "openia:", `unknown field "spec.ai.llm.openia"`},
		"two providers": {"llm:", "llm:\n      anthropic: {authToken: {kind: Passthrough}}", "spec.ai.llm"},
		"kind of token": {"kind: SecretRef", "kind: Secret", "spec.ai.llm.openai.authToken.kind"},
		"type":          {"type: AI", "type: ai", "spec.type"},
		"host alone":    {"llm:", "llm:\n      host: example.com", "spec.ai.llm"},
		"type and body": {"type: AI", "type: Static", "spec"},
	} {
		t.Run(name, func(t *testing.T) {
			manifest := strings.Replace(strings.Replace(sound, "name: openai}", "name: other}", 1), c.from, c.to, 1)
			if complaint := w.refused(t, namespace, manifest); !strings.Contains(complaint, c.says) {
				t.Errorf("the complaint does not name %s: %s", c.says, complaint)
			}
		})
	}
}
