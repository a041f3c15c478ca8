//go:build !nokube

package kube_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/kube"
	"tollgate/internal/kube/manifest"
)

// page is what most tests begin with: a class, a gateway, a route, a backend and its Secret.
const page = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: agentgateway}
spec: {controllerName: tollgate.dev/gateway}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: agentgateway, namespace: kgateway-system}
spec: {gatewayClassName: agentgateway, listeners: [{name: http, port: 8080, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: openai, namespace: kgateway-system}
spec:
  parentRefs: [{name: agentgateway, namespace: kgateway-system}]
  rules: [{backendRefs: [{name: openai, group: gateway.kgateway.dev, kind: Backend}, {name: echo, port: 80}]}]
---
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata:
  name: openai
  namespace: kgateway-system
  annotations: {kubectl.kubernetes.io/last-applied-configuration: 'a copy', kept: "yes"}
spec: {type: AI, ai: {llm: {openai: {authToken: {kind: SecretRef, secretRef: {name: openai-secret}}, model: gpt-4o}}}}
---
apiVersion: v1
kind: Secret
metadata: {name: openai-secret, namespace: kgateway-system}
data: {Authorization: c2stb25l}
---
apiVersion: v1
kind: Secret
metadata: {name: unrelated, namespace: kgateway-system}
data: {password: c2VjcmV0}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gateways.gateway.networking.k8s.io, annotations: {gateway.networking.k8s.io/bundle-version: v1.6.3}}
spec: {group: gateway.networking.k8s.io}`

func TestObjectsAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		if r.told != 1 {
			t.Fatalf("told %d times, want once when all is known", r.told)
		}
		o := r.last
		wantText(t, "classes", names(o.Classes), "agentgateway")
		wantText(t, "gateways", names(o.Gateways), "agentgateway")
		wantText(t, "routes", names(o.Routes), "openai")
		wantText(t, "backends", names(o.Backends), "openai")
		wantText(t, "secrets", names(o.Secrets), "openai-secret unrelated")
		wantText(t, "bundle", o.Bundle, "v1.6.3")
		wantText(t, "annotations", keysOf(o.Backends[0].Annotations), "kept")
		wantText(t, "model", o.Backends[0].Spec.AI.LLM.OpenAI.Model, "gpt-4o")
		for _, secret := range o.Secrets {
			if secret.Name == "openai-secret" {
				wantText(t, "the Secret", data(secret, "Authorization"), "sk-one")
			}
		}

		s.apply(strings.ReplaceAll(page, "gpt-4o", "gpt-5"))
		r.settle(40 * time.Millisecond)
		if r.told != 1 {
			t.Error("told before a burst was over")
		}
		r.settle(60 * time.Millisecond)
		if r.told != 2 || r.last.Backends[0].Spec.AI.LLM.OpenAI.Model != "gpt-5" {
			t.Errorf("told %d times, want the change told once", r.told)
		}
		wantText(t, "what was handed out before", o.Backends[0].Spec.AI.LLM.OpenAI.Model, "gpt-4o")

		s.remove("HTTPRoute", "kgateway-system", "openai")
		r.settle(100 * time.Millisecond)
		wantText(t, "routes after deletion", names(r.last.Routes), "")
		before := r.told
		r.settle(5 * time.Minute)
		if r.told != before {
			t.Errorf("told %d times although nothing changed", r.told-before)
		}
	})
}

func TestABurstIsToldWithinHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		before := r.told
		for i := range 60 { // a change every 30 ms, for 1.8 s
			s.apply(strings.ReplaceAll(page, "gpt-4o", strings.Repeat("x", i+1)))
			r.settle(30 * time.Millisecond)
		}
		if n := r.told - before; n < 3 || n > 4 {
			t.Errorf("told %d times in a burst of 1.8 s, want every half second", n)
		}
	})
}

// TestWhatNobodyNamesIsNotTold: clusters are full of Secrets, ConfigMaps and endpoints of others.
func TestWhatNobodyNamesIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		s.apply(`apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: keys, namespace: kgateway-system}
spec: {traffic: {apiKeyAuthentication: {secretSelector: {matchLabels: {keys: "yes"}}}}}`)
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		for _, c := range []struct {
			object string
			told   bool
		}{
			{"apiVersion: v1\nkind: Secret\nmetadata: {name: unrelated, namespace: kgateway-system}\ndata: {password: b3RoZXI=}", false},
			{"apiVersion: v1\nkind: Secret\nmetadata: {name: openai-secret, namespace: elsewhere}\ndata: {Authorization: b3RoZXI=}", false},
			{"apiVersion: v1\nkind: Secret\nmetadata: {name: openai-secret, namespace: kgateway-system}\ndata: {Authorization: c2stdHdv}", true},
			{"apiVersion: v1\nkind: Secret\nmetadata: {name: any, namespace: kgateway-system, labels: {keys: 'yes'}}\ndata: {a: b3RoZXI=}", true},
			{"apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: kgateway-system, labels: {keys: 'no'}}\ndata: {a: b3RoZXI=}", false},
			{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-root-ca.crt, namespace: default}\ndata: {a: b}", false},
			{"apiVersion: v1\nkind: Service\nmetadata: {name: echo, namespace: kgateway-system}", true},
			{"apiVersion: v1\nkind: Service\nmetadata: {name: agentgateway, namespace: kgateway-system}", true},
			{"apiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: kgateway-system}", false},
			{"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: echo-1, namespace: kgateway-system, labels: {kubernetes.io/service-name: echo}}", true},
			{"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: other-1, namespace: kgateway-system, labels: {kubernetes.io/service-name: other}}", false},
			{"apiVersion: v1\nkind: Namespace\nmetadata: {name: new}", true},
			{"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: others.example.com}\nspec: {group: example.com}", false},
			{"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: virtualkeys.tollgate.dev}\nspec: {group: tollgate.dev}", false},
			{"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: gateways.gateway.networking.k8s.io}\nspec: {group: gateway.networking.k8s.io}", true},
		} {
			before := r.told
			s.apply(c.object)
			r.settle(time.Second)
			if told := r.told > before; told != c.told {
				t.Errorf("told: %v, want %v, of\n%s", told, c.told, c.object)
			}
		}
		wantText(t, "secrets, those included of which nothing was told", names(r.Objects().Secrets), "any openai-secret openai-secret other unrelated")
	})
}

func TestKindsMayComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for _, k := range []string{"Backend", "AgentgatewayBackend", "AgentgatewayPolicy", "VirtualKey", "BackendTLSPolicy"} {
			s.absent[k] = true
		}
		s.apply(page)
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		wantText(t, "routes", names(r.last.Routes), "openai")
		wantText(t, "backends of a kind that is not there", names(r.last.Backends), "")

		s.install("Backend")
		s.apply("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: backends.gateway.kgateway.dev}\nspec: {group: gateway.kgateway.dev}")
		r.settle(2 * time.Second)
		wantText(t, "backends once they are installed", names(r.last.Backends), "openai")

		s.install("VirtualKey") // nobody tells: it is found by asking again
		s.apply("apiVersion: tollgate.dev/v1alpha1\nkind: VirtualKey\nmetadata: {name: alice, namespace: team}\nspec: {}")
		r.settle(35 * time.Second)
		wantText(t, "keys", names(r.last.VirtualKeys), "alice")
	})
}

func TestAClusterWithoutTheGatewayAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		for _, k := range []string{"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant", "BackendTLSPolicy"} {
			s.absent[k] = true
		}
		r := s.start(kube.Options{}, nil)
		r.settle(5 * time.Minute)
		if r.last == nil || len(r.last.Gateways) > 0 {
			t.Errorf("got %v, want no objects", r.last)
		}
		if n := strings.Count(r.log.String(), "no Gateway API"); n != 1 {
			t.Errorf("said %d times that there is no Gateway API, want once:\n%s", n, r.log)
		}
		s.install("GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant", "BackendTLSPolicy")
		s.apply(page)
		r.settle(35 * time.Second)
		wantText(t, "gateways", names(r.last.Gateways), "agentgateway")
	})
}

func TestReferenceGrantsOfTheOlderVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.gvr["ReferenceGrant"] = kube.Resources()["ReferenceGrant"][1]
		s.apply("apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: g, namespace: n}\nspec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: m}], to: [{group: '', kind: Service}]}")
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		wantText(t, "grants", names(r.last.Grants), "g")
		wantText(t, "who may", string(r.last.Grants[0].Spec.From[0].Namespace), "m")
	})
}

func TestSecretsOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.deny("list secrets", "list configmaps", "list secrets locked")
		s.apply(page)
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		if r.told != 1 {
			t.Errorf("told %d times, want once, with the Secrets that are named", r.told)
		}
		wantText(t, "secrets", names(r.last.Secrets), "openai-secret")
		log := r.log.String()
		if n := strings.Count(log, "resource=secrets"); n != 1 || !strings.Contains(log, "grant the service account get, list and watch") {
			t.Errorf("said %d times what to grant, want once:\n%s", n, log)
		}

		s.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: openai-secret, namespace: kgateway-system}\ndata: {Authorization: c2stdHdv}")
		r.settle(100 * time.Millisecond)
		wantText(t, "the rotated Secret", data(r.last.Secrets[0], "Authorization"), "sk-two")

		s.apply("apiVersion: tollgate.dev/v1alpha1\nkind: VirtualKey\nmetadata: {name: alice, namespace: team}\nspec: {}")
		s.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: alice, namespace: team}\ndata: {key: c2stdHdv}")
		r.settle(time.Second)
		wantText(t, "secrets with that of a key", names(r.last.Secrets), "alice openai-secret")
		s.remove("VirtualKey", "team", "alice")
		r.settle(time.Second)
		wantText(t, "secrets when nobody names one", names(r.last.Secrets), "openai-secret")

		s.apply("apiVersion: tollgate.dev/v1alpha1\nkind: VirtualKey\nmetadata: {name: locked, namespace: team}\nspec: {}")
		r.settle(5 * time.Second)
		wantText(t, "keys whose Secret may not be seen", names(r.last.VirtualKeys), "locked")

		s.allow()
		r.settle(2 * time.Minute)
		wantText(t, "secrets when all may be listed", names(r.last.Secrets), "alice openai-secret unrelated")
	})
}

// TestWhatObjectsName goes through the forms in which Secrets and ConfigMaps are named.
func TestWhatObjectsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.deny("list secrets", "list configmaps")
		s.apply(page)
		s.apply(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: tls, namespace: a}
spec: {gatewayClassName: agentgateway, listeners: [{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: here}, {name: there, namespace: b, kind: Secret}]}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: tls, namespace: a}
spec: {targetRefs: [{kind: Backend, name: target}], validation: {hostname: h, caCertificateRefs: [{kind: ConfigMap, name: roots, group: ""}]}}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {name: b, namespace: a}
spec: {policies: {auth: {secretRef: {name: credential}}, tls: {mtlsCertificateRef: [{name: mtls}], caCertificateRefs: [{name: own-roots}]}}}`)
		for _, o := range []string{"Secret a/here", "Secret a/there", "Secret b/there", "Secret a/credential", "Secret a/mtls", "Secret a/target", "ConfigMap a/roots", "ConfigMap a/own-roots", "ConfigMap b/roots"} {
			kind, at, _ := strings.Cut(o, " ")
			namespace, name, _ := strings.Cut(at, "/")
			s.apply("apiVersion: v1\nkind: " + kind + "\nmetadata: {name: " + name + ", namespace: " + namespace + ", labels: {at: " + namespace + "-" + name + "}}")
		}
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		wantText(t, "secrets", names(r.last.Secrets), "credential here mtls openai-secret there")
		wantText(t, "configMaps", names(r.last.ConfigMaps), "own-roots roots")
		for _, secret := range r.last.Secrets {
			if secret.Name == "there" && secret.Namespace != "b" {
				t.Errorf("%s/there is not what is named", secret.Namespace)
			}
		}
	})
}

func TestOneNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.deny("list gatewayclasses", "list namespaces", "list customresourcedefinitions")
		s.apply(page)
		s.apply("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: other, namespace: other}\nspec: {}")
		s.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: kgateway-system}")
		s.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: other}")
		r := s.start(kube.Options{Namespace: "kgateway-system", Class: "agentgateway"}, nil)
		r.settle(time.Second)
		wantText(t, "routes", names(r.last.Routes), "openai")
		wantText(t, "classes, by name", names(r.last.Classes), "agentgateway")
		wantText(t, "namespaces, by name", names(r.last.Namespaces), "kgateway-system")
		wantText(t, "bundle, by name", r.last.Bundle, "v1.6.3")
	})
}

func TestAnObjectThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		s.apply("apiVersion: gateway.kgateway.dev/v1alpha1\nkind: Backend\nmetadata: {name: odd, namespace: kgateway-system}\nspec: {type: [AI]}")
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		wantText(t, "backends", names(r.last.Backends), "odd openai")
		ref := manifest.Ref{Kind: "Backend"}
		ref.Namespace, ref.Name = "kgateway-system", "odd"
		broken := r.Settings().Broken
		if len(broken) != 1 || !strings.Contains(broken[ref], "cannot be read") {
			t.Errorf("broken: %v, want %s", broken, ref)
		}

		// Of a policy it is still known what it is about, so that it can go on guarding that.
		s.apply("apiVersion: agentgateway.dev/v1alpha1\nkind: AgentgatewayPolicy\nmetadata: {name: odd, namespace: kgateway-system}\n" +
			"spec: {targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: openai}], traffic: {rateLimit: {local: many}}}")
		r.settle(time.Second)
		if p := r.last.Policies; len(p) != 1 || len(p[0].Spec.TargetRefs) != 1 || p[0].Spec.TargetRefs[0].Name != "openai" || len(r.Settings().Broken) != 2 {
			t.Errorf("policies %+v, broken %v", p, r.Settings().Broken)
		}
		s.apply("apiVersion: agentgateway.dev/v1alpha1\nkind: AgentgatewayPolicy\nmetadata: {name: odd, namespace: kgateway-system}\nspec: {targetRefs: many}")
		r.settle(time.Second)
		if p := r.last.Policies; len(p) != 1 || p[0].Name != "odd" || len(r.Settings().Broken) != 2 {
			t.Errorf("policies %+v, broken %v", p, r.Settings().Broken)
		}
	})
}

func TestTheAPIServerGoesAwayAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.apply(page)
		r := s.start(kube.Options{}, nil)
		r.settle(time.Second)
		before := r.told
		s.goAway()
		r.settle(10 * time.Minute)
		if r.told != before || names(r.Objects().Routes) != "openai" {
			t.Errorf("told %d times and know of %q while the API server was away", r.told-before, names(r.Objects().Routes))
		}
		if n := strings.Count(r.log.String(), "does not answer"); n < 5 || n > 11 {
			t.Errorf("said %d times in 10 minutes that the API server does not answer, want once a minute", n)
		}
		s.comeBack()
		s.apply(strings.ReplaceAll(page, "gpt-4o", "gpt-5"))
		r.settle(2 * time.Minute)
		wantText(t, "model", r.last.Backends[0].Spec.AI.LLM.OpenAI.Model, "gpt-5")
	})
}

func TestAForeignDefinitionOfBackends(t *testing.T) {
	const begin = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: backends.gateway.kgateway.dev, labels: {app.kubernetes.io/name: "
	const with = "}}\nspec: {group: gateway.kgateway.dev, versions: [{name: v1alpha1, schema: {openAPIV3Schema: {properties: {spec: {properties: {ai: {type: object}}}}}}}]}"
	const without = "}}\nspec: {group: gateway.kgateway.dev, versions: [{name: v1alpha1, schema: {openAPIV3Schema: {properties: {spec: {properties: {aws: {type: object}}}}}}}]}"
	for _, c := range []struct{ name, definition, want string }{
		{"ours", begin + "tollgate" + with, ""},
		{"kgateway 2.1", begin + "kgateway" + with, "until an upgrade of kgateway"},
		{"kgateway 2.2", begin + "kgateway" + without, "has no spec.ai"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t)
				s.apply(page)
				s.apply(c.definition)
				r := s.start(kube.Options{}, nil)
				r.settle(time.Second)
				if got := r.Foreign(); !strings.Contains(got, c.want) || c.want == "" && got != "" {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if c.want != "" && strings.Count(r.log.String(), c.want) != 1 {
					t.Errorf("not said once:\n%s", r.log)
				}
				wantText(t, "routes", names(r.last.Routes), "openai")
			})
		})
	}
}
