package kube

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestGatewayComesAndGoes: what a Gateway needs to run is made with it, under its name, and
// ends with it.
func TestGatewayComesAndGoes(t *testing.T) {
	s := newScene(t)
	s.manifest(t, secret("sk-first"))
	s.manifest(t, backend)
	s.manifest(t, route)
	s.answers(t, http.StatusOK, "/openai")
	objects := []string{"deployment/agentgateway", "service/agentgateway", "serviceaccount/agentgateway", "poddisruptionbudget/agentgateway"}
	for _, object := range objects {
		if owner := s.field(t, s.namespace, object, "{.metadata.ownerReferences[0].kind}/{.metadata.ownerReferences[0].name}"); owner != "Gateway/agentgateway" {
			t.Errorf("%s belongs to %q", object, owner)
		}
	}
	if out := s.kubectl(t, "get", "svc", "agentgateway", "--namespace", s.namespace); !strings.Contains(out, "LoadBalancer") || !strings.Contains(out, "8080:") {
		t.Errorf("kubectl get svc agentgateway prints\n%s", out)
	}

	s.kubectl(t, "patch", "gateway/agentgateway", "--namespace", s.namespace, "--type=json",
		`--patch=[{"op":"add","path":"/spec/listeners/-","value":{"name":"more","protocol":"HTTP","port":8081}}]`)
	s.becomes(t, s.namespace, "service/agentgateway", "{.spec.ports[*].port}", "8080 8081")
	s.becomes(t, s.namespace, "gateway/agentgateway", `{.status.listeners[?(@.name=="more")].conditions[?(@.type=="Programmed")].status}`, "True")
	s.answers(t, http.StatusOK, "/openai")

	bound := func() string {
		t.Helper()
		all := s.kubectl(t, "get", "clusterrolebindings", "-o", "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}")
		var mine []string
		for _, name := range strings.Fields(all) {
			if strings.Contains(name, ":"+s.namespace+":") {
				mine = append(mine, name)
			}
		}
		return strings.Join(mine, " ")
	}
	if bound() == "" {
		t.Error("nothing binds the gateway's account to its roles")
	}
	s.leave(s.namespace)
	s.kubectl(t, "delete", "gateway/agentgateway", "--namespace", s.namespace)
	eventually(t, func() error {
		left, err := s.Kubectl(t.Context(), "", append([]string{"get", "--namespace", s.namespace, "--ignore-not-found", "-o", "name"}, objects...)...)
		if err == nil && left+bound() != "" {
			err = fmt.Errorf("the Gateway has left behind %s%s", left, bound())
		}
		return err
	})
	eventually(t, func() error {
		if got, err := s.chat(context.WithoutCancel(t.Context()), "/openai"); err == nil {
			return fmt.Errorf("the address of the deleted Gateway answers %d", got.status)
		}
		return nil
	})
}

// TestForeignGateway: Gateways of other classes are left alone.
func TestForeignGateway(t *testing.T) {
	w := cluster(t)
	namespace := w.namespace(t)
	w.apply(t, namespace, `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: foreign}
spec: {controllerName: example.com/another}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: foreign}
spec:
  gatewayClassName: foreign
  listeners: [{name: http, protocol: HTTP, port: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: agentgateway}
spec:
  gatewayClassName: agentgateway
  listeners: [{name: http, protocol: HTTP, port: 8080}]
`)
	t.Cleanup(func() {
		if _, err := w.Kubectl(w.context, "", "delete", "gatewayclass", "foreign"); err != nil {
			t.Error(err)
		}
	})
	w.becomes(t, namespace, "gateway/agentgateway", programmed, "True")
	if got := w.field(t, namespace, "gateway/foreign", `{.status.conditions[?(@.type=="Accepted")].status}`); got != "Unknown" {
		t.Errorf("somebody else's Gateway was given the status Accepted=%s", got)
	}
	if out := w.kubectl(t, "get", "deployments,services,serviceaccounts", "--namespace", namespace, "-o", "name"); strings.Contains(out, "foreign") {
		t.Errorf("somebody else's Gateway was given %s", out)
	}
}
