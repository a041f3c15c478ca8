package manifest_test

import (
	"strings"
	"testing"

	"tollgate/internal/gateway"
	"tollgate/internal/kube/manifest"
)

// page is what kgateway's page about credentials of providers has before it makes Backends.
const page = `
apiVersion: v1
kind: Namespace
metadata: {name: kgateway-system, labels: {kubernetes.io/metadata.name: kgateway-system}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: agentgateway}
spec: {controllerName: tollgate.dev/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: agentgateway, namespace: kgateway-system}
spec:
  gatewayClassName: agentgateway
  listeners: [{name: http, protocol: HTTP, port: 8080, allowedRoutes: {namespaces: {from: All}}}]
---
apiVersion: v1
kind: Service
metadata: {name: agentgateway, namespace: kgateway-system}
spec: {type: LoadBalancer, clusterIP: 10.96.0.20, clusterIPs: [10.96.0.20], ports: [{port: 8080}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: openai, namespace: kgateway-system, labels: {app: agentgateway}}
spec:
  parentRefs: [{name: agentgateway, namespace: kgateway-system}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /openai}}]
    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /v1/chat/completions}}}]
    backendRefs: [{name: openai, namespace: kgateway-system, group: gateway.kgateway.dev, kind: Backend}]
`

const pageSecret = `
apiVersion: v1
kind: Secret
metadata: {name: openai-secret, namespace: kgateway-system}
type: Opaque
data: {Authorization: c2stb2YtdGhlLXNlY3JldAo=}
`

func pageBackend(token string) string {
	return `
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: openai, namespace: kgateway-system}
spec: {type: AI, ai: {llm: {openai: {authToken: ` + token + `, model: gpt-3.5-turbo}}}}
`
}

// TestPage follows the page: what the objects of each of its three ways come to, and what is
// said and done while one of them is missing.
func TestPage(t *testing.T) {
	tests := []struct {
		name, objects string
		served        bool
		credential    string // that is sent to the provider
		passed        bool   // the caller's own is
		status        []string
	}{
		{name: "a token in the Backend", objects: pageBackend("{kind: Inline, inline: sk-in-line}"), served: true, credential: "sk-in-line",
			status: []string{"route kgateway-system/openai at kgateway-system/agentgateway ResolvedRefs=True"}},
		{name: "a token in a Secret", objects: pageSecret + "---" + pageBackend("{kind: SecretRef, secretRef: {name: openai-secret}}"), served: true, credential: "sk-of-the-secret",
			status: []string{"route kgateway-system/openai at kgateway-system/agentgateway ResolvedRefs=True"}},
		{name: "the token of the caller", objects: pageBackend("{kind: Passthrough}"), served: true, passed: true,
			status: []string{"route kgateway-system/openai at kgateway-system/agentgateway ResolvedRefs=True"}},
		{name: "no Secret yet", objects: pageBackend("{kind: SecretRef, secretRef: {name: openai-secret}}"),
			status: []string{"route kgateway-system/openai at kgateway-system/agentgateway ResolvedRefs=False SecretNotFound"}},
		{name: "no Backend yet",
			status: []string{"route kgateway-system/openai at kgateway-system/agentgateway ResolvedRefs=False BackendNotFound"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &manifest.Objects{Bundle: "v1.6.3"}
			read(t, o, page)
			read(t, o, test.objects)
			result := manifest.Compile(defaults(t), o, settingsOf(t, ""))
			got := strings.Join(statusLines(&result.Statuses), "\n")
			for _, want := range append(test.status,
				"gateway kgateway-system/agentgateway Programmed=True",
				"gateway kgateway-system/agentgateway address IPAddress 10.96.0.20",
				"gateway kgateway-system/agentgateway listener http kinds [gateway.networking.k8s.io/HTTPRoute] attached 1",
				"route kgateway-system/openai at kgateway-system/agentgateway Accepted=True",
			) {
				if !strings.Contains(got, want) {
					t.Errorf("no status %q in\n%s", want, got)
				}
			}
			compiled := inForce(t, result.Config)
			if got := taker(t, compiled, "POST 8080 localhost /openai"); got != "kgateway-system/openai rule0" {
				t.Fatalf("the request is taken by %s", got)
			}
			served, _, _ := compiled.Snapshot.Binds["[::]:8080"].Listeners[0].Routes.Find(parse(t, "POST 8080 localhost /openai"))
			if served.Rewrite.FullPath != "/v1/chat/completions" {
				t.Errorf("the path is %q", served.Rewrite.FullPath)
			}
			if len(served.Backends) != 1 || (served.Backends[0].Unserved == "") != test.served {
				t.Fatalf("served: %+v", served.Backends)
			}
			if test.served {
				checkTarget(t, served.Backends[0].Groups[0][0].Target, test.credential, test.passed)
			}
		})
	}
}

// checkTarget compares what a request to OpenAI would carry.
func checkTarget(t *testing.T, to *gateway.Target, credential string, passed bool) {
	t.Helper()
	if to.Authority != "api.openai.com" || to.Model != "gpt-3.5-turbo" {
		t.Errorf("sent to %s for the model %s", to.Authority, to.Model)
	}
	if (to.Passthrough != nil) != passed {
		t.Errorf("the caller's own credential passed on: %t", to.Passthrough != nil)
	}
	want := ""
	if credential != "" {
		want = "Authorization: Bearer " + credential + "\r\n"
	}
	if !strings.Contains(to.Static, want) || want == "" && strings.Contains(to.Static, "Authorization") {
		t.Error("the credential is not the one of the Backend")
	}
}
