package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// second starts another replica of the scene's gateway, in a Deployment of its own beside
// the controller's, so that it need not be told of it.
func (s *scene) second(t *testing.T) {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal([]byte(s.kubectl(t, "get", "deployment", "agentgateway", "--namespace", s.namespace, "-o", "json")), &d); err != nil {
		t.Fatal(err)
	}
	delete(d, "status")
	d["metadata"] = map[string]any{"name": "second", "namespace": s.namespace}
	pod := d["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	for _, v := range pod["volumes"].([]any) {
		if volume := v.(map[string]any); volume["name"] == "data" {
			delete(volume, "persistentVolumeClaim") // the ledger has one writer
			volume["emptyDir"] = map[string]any{}
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	s.apply(t, s.namespace, string(text))
	s.kubectl(t, "rollout", "status", "--namespace", s.namespace, "deployment/second", "--timeout="+patience.String())
}

// leader gives the pod that renewed the lease of the scene's replicas last. All pods of
// this cluster share a host name, so that the lease itself does not tell.
func (s *scene) leader(t *testing.T) (string, error) {
	t.Helper()
	events, err := s.Events()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range slices.Backward(events) {
		if e.Object.Namespace == s.namespace && e.Object.Resource == "leases" && e.Verb == "update" && e.Response.Code == http.StatusOK {
			return e.Pod(), nil
		}
	}
	return "", errors.New("nobody holds the lease")
}

// writers counts who has written statuses of routes in the scene's namespace.
func (s *scene) writers(t *testing.T) map[string]int {
	t.Helper()
	events, err := s.Events()
	if err != nil {
		t.Fatal(err)
	}
	writers := map[string]int{}
	for i := range events {
		e := &events[i]
		if e.Object.Namespace == s.namespace && e.Object.Resource == "httproutes" && e.Object.Subresource == "status" && e.Response.Code == http.StatusOK {
			writers[e.Pod()]++
		}
	}
	return writers
}

// TestOneReplicaWrites: of two replicas the one with the lease writes statuses, each once,
// and when it is gone the other goes on.
func TestOneReplicaWrites(t *testing.T) {
	s := newScene(t)
	s.second(t)
	first := s.leadsAfter(t, "")
	s.manifest(t, secret("sk-first"))
	s.manifest(t, backend)
	s.manifest(t, route)
	s.becomes(t, s.namespace, "httproute/openai", routeReason, "ResolvedRefs")
	s.answers(t, http.StatusOK, "/openai")
	if writers := s.writers(t); len(writers) != 1 || writers[first] == 0 || writers[first] > 2 {
		t.Errorf("the route's status was written by %v, want once or twice by %s", writers, first)
	}
	version := s.field(t, s.namespace, "httproute/openai", "{.metadata.resourceVersion}")
	s.manifest(t, secret("sk-second")) // compiled anew, with the same statuses
	s.receivesAt(t, "/openai", "sk-second")
	if again := s.field(t, s.namespace, "httproute/openai", "{.metadata.resourceVersion}"); again != version {
		t.Errorf("the route was written although nothing of its status had changed: %v", s.writers(t))
	}

	end := s.load(t, "/openai")
	s.kubectl(t, "delete", "pod", first, "--namespace", s.namespace, "--wait=false")
	next := s.leadsAfter(t, first)
	s.writes(t, "/more")
	end()

	// A crash gives no lease back: it has to run out.
	if killed := s.node.Kill(s.namespace, next); killed != 1 {
		t.Fatalf("%d pods were killed, want 1", killed)
	}
	s.writes(t, "/still-more")
}

// leadsAfter waits until another pod than before holds the lease, and gives it.
func (s *scene) leadsAfter(t *testing.T, before string) (pod string) {
	t.Helper()
	eventually(t, func() (err error) {
		if pod, err = s.leader(t); err == nil && pod == before {
			err = fmt.Errorf("%s still has the lease", before)
		}
		return err
	})
	return pod
}

// writes changes the route, to have another path, and waits until its status is about that.
func (s *scene) writes(t *testing.T, path string) {
	t.Helper()
	s.manifest(t, strings.Replace(route, "value: /openai}}", "value: /openai}}, {path: {type: PathPrefix, value: "+path+"}}", 1))
	generation := s.field(t, s.namespace, "httproute/openai", "{.metadata.generation}")
	s.becomes(t, s.namespace, "httproute/openai", "{.status.parents[0].conditions[0].observedGeneration}", generation)
	s.answers(t, http.StatusOK, path)
}

// receivesAt sends requests to a path until the provider receives them with a credential.
func (s *scene) receivesAt(t *testing.T, path, credential string) {
	t.Helper()
	eventually(t, func() error {
		got, err := s.chat(t.Context(), path)
		if err != nil {
			return err
		}
		if sent := bearer(s.last(t)); got.status != http.StatusOK || sent != credential {
			return fmt.Errorf("the answer is %d, and the provider received %q, want %q", got.status, sent, credential)
		}
		return nil
	})
}

// TestWithoutAPIServer: that it goes away changes nothing for traffic, and a gateway that
// is started meanwhile serves what it knew last.
func TestWithoutAPIServer(t *testing.T) {
	s := newScene(t)
	s.manifest(t, secret("sk-first"))
	s.manifest(t, backend)
	s.manifest(t, route)
	s.answers(t, http.StatusOK, "/openai")
	end := s.load(t, "/openai")
	s.StopServer()
	restart := sync.OnceValue(func() error { return s.StartServer(context.WithoutCancel(t.Context())) })
	t.Cleanup(func() {
		if err := restart(); err != nil {
			t.Error(err)
		}
	})
	s.answers(t, http.StatusOK, "/openai")
	end()

	if killed := s.node.Kill(s.namespace, "agentgateway"); killed != 1 {
		t.Fatalf("%d pods were killed, want 1", killed)
	}
	s.provider.Reset()
	s.answers(t, http.StatusOK, "/openai")
	s.receives(t, "sk-first")

	if err := restart(); err != nil {
		t.Fatal(err)
	}
	s.manifest(t, secret("sk-second"))
	s.receivesAt(t, "/openai", "sk-second")
}
