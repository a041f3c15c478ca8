package kube

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"tollgate/test/kube/stack"
)

// TestService: a route may lead to a plain Service, whose endpoints come and go.
func TestService(t *testing.T) {
	s := newScene(t)
	if _, ok := stack.Network(); !ok {
		t.Skip("endpoints need addresses that are not of the loopback network")
	}
	s.manifest(t, `
apiVersion: v1
kind: Service
metadata: {name: plain}
spec:
  clusterIP: None
  ports: [{name: web, port: 80, targetPort: 3000}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: plain}
spec:
  parentRefs: [{name: agentgateway}]
  rules: [{backendRefs: [{name: plain, port: 80}]}]
`)
	s.becomes(t, s.namespace, "httproute/plain", routeReason, "ResolvedRefs")
	s.answers(t, http.StatusServiceUnavailable, "/") // there is nobody yet

	endpoint := func(address string) {
		t.Helper()
		s.manifest(t, `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: plain-1, labels: {kubernetes.io/service-name: plain}}
addressType: IPv4
ports: [{name: web, port: 3000}]
endpoints: [{addresses: [`+address+`]}]
`)
	}
	for _, address := range []string{"198.18.255.1", "198.18.255.2"} {
		webServer(t, address)
		endpoint(address)
		eventually(t, func() error {
			got, err := s.chat(t.Context(), "/some/path?and=query")
			if err == nil && got.body != address+" /some/path?and=query" {
				err = fmt.Errorf("the answer is %d %s, want one of %s", got.status, got.body, address)
			}
			return err
		})
	}

	s.kubectl(t, "delete", "service", "--namespace", s.namespace, "plain")
	s.becomes(t, s.namespace, "httproute/plain", routeReason, "BackendNotFound")
	s.answers(t, http.StatusInternalServerError, "/")
}

// webServer answers at port 3000 of an address with that and what was asked for.
func webServer(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address+":3000")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, address+" "+r.RequestURI)
	}))
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
}
