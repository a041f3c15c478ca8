package kube

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// rotatedWithin is when a changed Secret must be in force, counted from kubectl's return.
// It usually is within a fraction of a second; the rest is for slow machines.
const rotatedWithin = 5 * time.Second

const openAIBackend = "backends.gateway.kgateway.dev/openai"

func TestSecretRotationUnderLoad(t *testing.T) {
	s := newScene(t)
	s.manifest(t, secret("sk-first"))
	s.manifest(t, backend)
	s.manifest(t, route)
	s.becomes(t, s.namespace, "httproute/openai", routeResolved, "True")
	end := s.load(t, "/openai")
	s.receives(t, "sk-first")

	for _, key := range []string{"sk-second", "Bearer sk-third", "sk-fourth"} {
		s.manifest(t, secret(key))
		changed := time.Now()
		s.receives(t, strings.TrimPrefix(key, "Bearer "))
		took := time.Since(changed)
		t.Logf("the new key was in use %v after kubectl had returned", took.Round(time.Millisecond))
		if took > rotatedWithin {
			t.Errorf("the new key was in use after %v, want at most %v", took, rotatedWithin)
		}
	}
	end()
	s.checkSilence(t, s.namespace, "sk-first", "sk-second", "sk-third", "sk-fourth")
}

// TestSecretIsMissing: without the provider's credential nothing is sent to it, least of all
// the credential of whoever asks.
func TestSecretIsMissing(t *testing.T) {
	s := newScene(t)
	s.manifest(t, secret("sk-first"))
	s.manifest(t, backend)
	s.manifest(t, route)
	s.answers(t, http.StatusOK, "/openai")

	missing := func(reason string) {
		t.Helper()
		s.becomes(t, s.namespace, openAIBackend, resolved, "False")
		s.becomes(t, s.namespace, openAIBackend, resolvedReason, reason)
		s.becomes(t, s.namespace, openAIBackend, resolvedMessage, "…openai-secret")
		s.becomes(t, s.namespace, "httproute/openai", routeResolved, "False")
		s.answers(t, http.StatusServiceUnavailable, "/openai")
		s.provider.Reset()
		got := s.answers(t, http.StatusServiceUnavailable, "/openai", "Authorization: Bearer sk-of-the-client")
		if !strings.Contains(got.body, `"error"`) {
			t.Errorf("the answer does not say what is wrong: %s", got.body)
		}
		if sent := s.provider.Requests(); len(sent) > 0 {
			t.Errorf("the provider received %s", sent[0])
		}
	}
	s.kubectl(t, "delete", "secret", "--namespace", s.namespace, "openai-secret")
	missing("SecretNotFound")
	s.manifest(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: openai-secret}\nstringData: {authorization: sk-in-the-wrong-place}\n")
	missing("SecretKeyMissing")

	s.manifest(t, secret("sk-back-again"))
	s.becomes(t, s.namespace, openAIBackend, resolved, "True")
	s.becomes(t, s.namespace, "httproute/openai", routeResolved, "True")
	s.answers(t, http.StatusOK, "/openai")
	s.receives(t, "sk-back-again")
}
