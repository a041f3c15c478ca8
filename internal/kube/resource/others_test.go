package resource_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"tollgate/internal/kube/resource"
)

const backendText = `
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {name: b, namespace: ns}
spec:
  mcp: {}
  ai:
    groups:
    - providers:
      - name: a
        host: h
        port: 80
        copilot: {}
        openai: {model: m}
        policies: {auth: {passthrough: {}, jwtSign: {}}, http: {}, tcp: null}
  policies:
    ai: {overrides: [{field: a, value: {b: [1, x]}}], promptGuard: {}}
    tls: {sni: s, verifySubjectAltNames: [x]}
    health: {eviction: {duration: 3s, consecutiveFailures: 2}}
`

// Objects come as JSON, or as the maps that watches give. Both must find the same, and what
// is not known in either.
func TestUnknownFieldsAreNoted(t *testing.T) {
	var fromText, fromMap resource.AgentgatewayBackend
	if err := yaml.Unmarshal([]byte(backendText), &fromText); err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := yaml.Unmarshal([]byte(backendText), &object); err != nil {
		t.Fatal(err)
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &fromMap); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromText, fromMap) {
		t.Errorf("%+v\n%+v", fromText, fromMap)
	}
	s := fromMap.Spec
	p := s.AI.Groups[0].Providers[0]
	for _, tt := range []struct {
		what string
		got  []string
		want string
	}{
		{"spec", s.Others, "mcp"}, {"provider", p.Others, "copilot"}, {"policies of the provider", p.Policies.Others, "http"},
		{"auth", p.Policies.Auth.Others, "jwtSign"}, {"ai", s.Policies.AI.Others, "promptGuard"}, {"tls", s.Policies.TLS.Others, "verifySubjectAltNames"},
		{"policies", s.Policies.Others, ""},
	} {
		if strings.Join(tt.got, " ") != tt.want {
			t.Errorf("%s: %v, want %s", tt.what, tt.got, tt.want)
		}
	}
	if p.Name != "a" || p.Host != "h" || p.Port != 80 || p.OpenAI.Model != "m" || p.Policies.Auth.Passthrough == nil || s.Policies.TLS.SNI != "s" || s.Policies.Health.Eviction.Duration.Seconds() != 3 {
		t.Errorf("%+v", s)
	}

	var policy resource.AgentgatewayPolicy
	if err := yaml.Unmarshal([]byte(`{spec: {frontend: {}, targetRefs: [], traffic: {jwtAuthentication: {}, rateLimit: {local: [{requests: 1, unit: Hours}], global: {}, conditional: null}}, backend: {extAuth: {}}}}`), &policy); err != nil {
		t.Fatal(err)
	}
	spec := policy.Spec
	if got := [][]string{spec.Others, spec.Traffic.Others, spec.Traffic.RateLimit.Others, spec.Backend.Others}; !reflect.DeepEqual(got, [][]string{{"frontend"}, {"jwtAuthentication"}, {"global"}, {"extAuth"}}) {
		t.Errorf("%v", got)
	}
}

// What stands in a field of the wrong kind may be a credential.
func TestErrorsShowNoValues(t *testing.T) {
	for _, text := range []string{
		`{"spec": {"policies": {"auth": {"key": 123456789}}}}`,
		`{"spec": {"policies": {"auth": "sk-secret"}}}`,
		`{"spec": {"policies": {"auth": {"secretRef": "sk-secret"}}}}`,
	} {
		var b resource.AgentgatewayBackend
		err := json.Unmarshal([]byte(text), &b)
		if err == nil || strings.Contains(err.Error(), "secret\"") || strings.Contains(err.Error(), "sk-") || strings.Contains(err.Error(), "123456789") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
