package kube

import (
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"tollgate/test/upstream"
)

// TestAgentgatewayBackend: the newer kind of backend, from another namespace's point of view
// the same.
func TestAgentgatewayBackend(t *testing.T) {
	s := newScene(t)
	s.manifest(t, secret("sk-first"))
	s.manifest(t, `
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {name: openai}
spec:
  ai:
    provider:
      openai: {model: gpt-4o-mini}
      host: HOST
      port: PORT
  policies: {auth: {secretRef: {name: openai-secret}}}
`)
	s.manifest(t, strings.Replace(route, "group: gateway.kgateway.dev, kind: Backend", "group: agentgateway.dev, kind: AgentgatewayBackend", 1))
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "ResolvedRefs")
	s.becomes(t, s.namespace, "agentgatewaybackend/openai", accepted, "True")
	s.answers(t, http.StatusOK, "/openai")
	s.receives(t, "sk-first")
}

// TestAuthorityOfABackend: a provider with a certificate of a private authority is believed
// once a BackendTLSPolicy names that.
func TestAuthorityOfABackend(t *testing.T) {
	s := newScene(t)
	certificate, err := certify("llm.example.com")
	if err != nil {
		t.Fatal(err)
	}
	private := upstream.New(certificate)
	t.Cleanup(private.Close)
	s.provider.Close()
	s.provider = private
	s.manifest(t, secret("sk-first"))
	s.manifest(t, backend)
	s.manifest(t, route)
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "ResolvedRefs")

	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	s.manifest(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: authority}\ndata:\n  ca.crt: |\n    "+
		strings.ReplaceAll(strings.TrimSpace(authority), "\n", "\n    ")+"\n")
	s.manifest(t, `
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: openai}
spec:
  targetRefs: [{group: gateway.kgateway.dev, kind: Backend, name: openai}]
  validation:
    hostname: llm.example.com
    caCertificateRefs: [{group: "", kind: ConfigMap, name: authority}]
`)
	s.becomes(t, s.namespace, "backendtlspolicy/openai", `{.status.ancestors[0].conditions[?(@.type=="Accepted")].status}`, "True")
	s.answers(t, http.StatusOK, "/openai")
	s.receives(t, "sk-first")
}
