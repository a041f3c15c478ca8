package manifest_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/kube/resource"
)

// Nothing that is secret in objects is shown: not in what the admin listener tells of the
// configuration, in conditions, in warnings, or where somebody prints the whole.
func TestNothingSecretIsShown(t *testing.T) {
	o := stage(t)
	hidden := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	read(t, o, `
apiVersion: v1
kind: Secret
metadata: {name: provider, namespace: infra}
data: {Authorization: `+hidden("sk-secret-provider")+`, bad: `+hidden("sk-secret\nbroken")+`}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: infra}
data: {alice: `+hidden("sk-secret-alice")+`, bob: `+hidden("sk-secret bob")+`, carol: `+hidden(`{"key": "sk-secret-carol", "metadata": {"limits": "sk-secret-limit"}}`)+`, dave: `+hidden(`{"key": "sk-secret-dave", "metadata": {"team": "a"}}`)+`}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: inline, namespace: infra}
spec: {type: AI, ai: {llm: {openai: {model: m, authToken: {kind: Inline, inline: sk-secret-inline}}}}}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: left, namespace: infra}
spec: {type: AI, ai: {llm: {openai: {authToken: {kind: Passthrough, inline: "sk-secret-left"}}}}}
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: odd, namespace: infra}
spec: {type: AI, ai: {llm: {openai: {authToken: {kind: Inline, inline: "sk-secret\nodd"}}}}}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {name: ref, namespace: infra}
spec: {ai: {provider: {openai: {}}}, policies: {auth: {secretRef: {name: provider}}, tls: {mtlsCertificateRef: [{name: certificate}]}}}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {name: bad, namespace: infra}
spec: {ai: {provider: {openai: {}}}, policies: {auth: {secretRef: {name: provider, key: bad}}}}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: p, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: ref}]
  traffic: {apiKeyAuthentication: {secretRef: {name: keys}}}
  backend: {auth: {key: sk-secret-policy}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: secure, namespace: infra}
spec: {gatewayClassName: tollgate, listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: certificate}]}}]}
`)
	for _, name := range []string{"inline", "left", "odd"} {
		read(t, o, ruleObject(name+" => Backend/"+name))
	}
	for _, name := range []string{"ref", "bad"} {
		read(t, o, ruleObject(name+" => AgentgatewayBackend/"+name))
	}
	key := virtualKey("infra", "k", resource.VirtualKeySpec{})
	o.VirtualKeys = []*resource.VirtualKey{key}
	r, _ := compileKeys(t, o, time.Time{})
	s, value := minted(t, key, r.Mint[0].ID)
	s.Data[resource.SecretPrevious], s.Data[resource.SecretPreviousUntil] = []byte(value[:len(value)-1]), []byte("2099-01-01T00:00:00Z")
	o.Secrets = append(o.Secrets, s)
	r, c := compileKeys(t, o, time.Time{})
	if len(c.Declared) != 3 {
		t.Fatalf("%d keys", len(c.Declared))
	}
	dump, err := r.Config.Dump()
	if err != nil {
		t.Fatal(err)
	}
	_, private := pair()
	everything := map[string]string{
		"the dump": string(dump), "conditions": strings.Join(append(statusLines(&r.Statuses), ownStatusLines(r)...), "\n"), "warnings": strings.Join(r.Warnings, "\n"),
		"the configuration, printed": fmt.Sprintf("%+v", r.Config.Routes), "gateways, printed": fmt.Sprintf("%+v", r.Config.Gateways),
	}
	for what, text := range everything {
		for _, secret := range []string{"sk-secret", value[12:], strings.Split(string(private), "\n")[1]} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s shows %s", what, text[max(0, i-80):min(len(text), i+60)])
			}
		}
	}
}
