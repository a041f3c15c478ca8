package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/test/upstream"
)

// scene is a namespace with a Gateway of the page's kind, and a provider of its own.
type scene struct {
	*world
	namespace string
	url       string // of the Gateway's one listener
	provider  *upstream.Server
	client    *http.Client
}

// newScene sets one up and waits until its gateway serves.
func newScene(t *testing.T) *scene {
	t.Helper()
	w := cluster(t)
	s := &scene{
		world: w, namespace: w.namespace(t), provider: upstream.New(nil),
		client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	t.Cleanup(s.provider.Close)
	t.Cleanup(s.client.CloseIdleConnections)
	s.manifest(t, `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: agentgateway}
spec:
  gatewayClassName: agentgateway
  listeners:
  - {name: http, protocol: HTTP, port: 8080, allowedRoutes: {namespaces: {from: All}}}
`)
	w.becomes(t, s.namespace, "gateway/agentgateway", programmed, "True")
	w.kubectl(t, "rollout", "status", "--namespace", s.namespace, "deployment/agentgateway", "--timeout="+patience.String())
	w.becomes(t, s.namespace, "gateway/agentgateway", gatewayAddress, "….")
	s.url = "http://" + w.field(t, s.namespace, "gateway/agentgateway", gatewayAddress) + ":8080"
	return s
}

// manifest applies manifests in the scene's namespace: NAMESPACE is that, and HOST and PORT
// are where its provider is.
func (s *scene) manifest(t *testing.T, text string) {
	t.Helper()
	s.apply(t, s.namespace, s.fill(text))
}

func (s *scene) fill(text string) string {
	host, port, _ := strings.Cut(s.provider.Addr(), ":")
	return strings.NewReplacer("NAMESPACE", s.namespace, "HOST", host, "PORT", port).Replace(text)
}

// Manifests that several tests begin with.
const (
	backend = `
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: openai}
spec:
  type: AI
  ai:
    llm:
      openai:
        authToken: {kind: SecretRef, secretRef: {name: openai-secret}}
        model: gpt-4o-mini
      host: HOST
      port: PORT
`
	route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: openai}
spec:
  parentRefs: [{name: agentgateway}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /openai}}]
    filters:
    - type: URLRewrite
      urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /v1/chat/completions}}
    backendRefs: [{name: openai, group: gateway.kgateway.dev, kind: Backend}]
`
)

// secret is the Secret of a provider's key.
func secret(key string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: openai-secret}\nstringData: {Authorization: " + key + "}\n"
}

// answer is what came of a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// chat sends a chat request to a path, with header lines as "Name: value".
func (s *scene) chat(ctx context.Context, path string, header ...string) (*answer, error) {
	body := `{"model": "", "messages": [{"role": "user", "content": "hi"}]}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.Header, string(text)}, err
}

// answers waits until requests to a path are answered with a status, and gives the answer.
func (s *scene) answers(t *testing.T, status int, path string, header ...string) *answer {
	t.Helper()
	var got *answer
	eventually(t, func() (err error) {
		if got, err = s.chat(t.Context(), path, header...); err != nil {
			return err
		}
		if got.status != status {
			return fmt.Errorf("the answer is %d, want %d: %s", got.status, status, got.body)
		}
		return nil
	})
	return got
}

// last gives the request that the provider received last.
func (s *scene) last(t *testing.T) *upstream.Request {
	t.Helper()
	requests := s.provider.Requests()
	if len(requests) == 0 {
		t.Fatal("the provider has received nothing")
	}
	return requests[len(requests)-1]
}

// receives waits until the provider receives requests with a credential.
func (s *scene) receives(t *testing.T, credential string) {
	t.Helper()
	eventually(t, func() error {
		if got := bearer(s.last(t)); got != credential {
			return fmt.Errorf("the provider receives the credential %q, want %q", got, credential)
		}
		return nil
	})
}

// load is a steady stream of requests, all of which must succeed.
type load struct {
	stop    context.CancelFunc
	workers sync.WaitGroup
	mu      sync.Mutex
	sent    int
	failed  []string
}

// between is the pause of each of the workers of a load after a request.
const workers, between = 4, 5 * time.Millisecond

// load sends requests to a path until its end is called, which fails the test if one of
// them did not succeed.
func (s *scene) load(t *testing.T, path string, header ...string) (end func()) {
	t.Helper()
	s.answers(t, http.StatusOK, path, header...)
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	for range workers {
		l.workers.Go(func() {
			for ctx.Err() == nil {
				// Without ctx: a request that is under way is to be finished.
				got, err := s.chat(context.WithoutCancel(ctx), path, header...)
				l.note(got, err)
				time.Sleep(between)
			}
		})
	}
	end = sync.OnceFunc(func() {
		l.stop()
		l.workers.Wait()
		t.Logf("%d requests under load, %d failed", l.sent, len(l.failed))
		if len(l.failed) > 0 {
			t.Errorf("%d of %d requests failed, the first with %s", len(l.failed), l.sent, l.failed[0])
		}
	})
	t.Cleanup(end)
	return end
}

func (l *load) note(got *answer, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	switch {
	case err != nil:
		l.failed = append(l.failed, err.Error())
	case got.status != http.StatusOK:
		l.failed = append(l.failed, fmt.Sprintf("%d %s", got.status, got.body))
	}
}
