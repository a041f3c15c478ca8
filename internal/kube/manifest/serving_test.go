package manifest_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/dataplane"
	"tollgate/internal/gateway"
	"tollgate/internal/kube/manifest"
	"tollgate/internal/kube/resource"
	"tollgate/internal/provider/transports"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/snapshot"
)

// recording is a provider that keeps what it was sent.
type recording struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string // method, path, header lines and body
}

func newRecording(t *testing.T) *recording {
	r := &recording{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var text strings.Builder
		fmt.Fprintln(&text, q.Method, q.URL.RequestURI())
		_ = q.Header.Write(&text)
		body, _ := io.ReadAll(q.Body)
		text.Write(body)
		r.mu.Lock()
		r.sent = append(r.sent, text.String())
		r.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(q.URL.Path, "/messages") {
			_, _ = io.WriteString(w, `{"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}`)
			return
		}
		_, _ = io.WriteString(w, `{"id": "c", "object": "chat.completion", "model": "m", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}`)
	}))
	t.Cleanup(r.Close)
	return r
}

// take gives what was sent since the last time.
func (r *recording) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.Join(r.sent, "\n")
	r.sent = nil
	return text
}

// serve serves the gateway of port 80 of some objects and gives its URL. HOST and PORT in
// the text are those of the provider.
func serve(t *testing.T, o *manifest.Objects, r *recording, text string) string {
	t.Helper()
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	read(t, o, strings.NewReplacer("HOST", u.Hostname(), "PORT", u.Port()).Replace(text))
	return front(t, manifest.Compile(defaults(t), o, settingsOf(t, "local")).Config)
}

type forgetful struct{}

func (forgetful) Record(*gateway.Exchange) {}

func front(t *testing.T, c *config.Config) string {
	t.Helper()
	transport := transports.New()
	t.Cleanup(transport.Close)
	now := time.Now()
	var report config.Report
	compiled := snapshot.Compile(c, &report, snapshot.Parts{
		Transport: transport, Limits: ratelimit.NewRegistry(now), Health: routing.NewRegistry(), Now: time.Now, Started: now, Version: "1",
	})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	compiled.Limits.Commit(now)
	log := slog.New(slog.DiscardHandler)
	g := gateway.New(gateway.Options{Snapshot: compiled.Snapshot, Quota: quota.NewEngine(time.Now, nil), Recorder: forgetful{}, Log: log})
	surface := &dataplane.Server{Gateway: g, Log: log, MaxBody: g.MaxBody, BodyTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second}
	server := httptest.NewUnstartedServer(surface.Handler("[::]:80"))
	server.Listener = dataplane.Watch(server.Listener)
	server.Config.ConnContext = dataplane.ConnContext
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// chat asks for a completion; header lines are "name: value".
func chat(t *testing.T, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

const asksForNone = `{"model": "", "messages": [{"role": "user", "content": "Hello"}]}`

func kgateway(name, llm string) string {
	return "---\napiVersion: gateway.kgateway.dev/v1alpha1\nkind: Backend\nmetadata: {name: " + name + ", namespace: infra}\nspec: {type: AI, ai: {llm: {host: HOST, port: PORT, " + llm + "}}}\n---\n"
}

// The credential of a Secret goes upstream as it is there, without its word; one that is
// missing keeps requests here, and the caller's own never takes its place.
func TestServesWithSecrets(t *testing.T) {
	r := newRecording(t)
	gw := serve(t, stage(t), r, `
apiVersion: v1
kind: Secret
metadata: {name: openai-secret, namespace: infra}
data: {Authorization: QmVhcmVyIHRva2VuLWEK}
`+kgateway("good", "openai: {model: gpt-3.5-turbo, authToken: {kind: SecretRef, secretRef: {name: openai-secret}}}")+
		kgateway("lost", "openai: {model: m, authToken: {kind: SecretRef, secretRef: {name: hidden-secret}}}")+
		kgateway("open", "openai: {authToken: {kind: SecretRef, secretRef: {name: openai-secret}}}")+
		kgateway("claude", "anthropic: {model: claude-5, apiVersion: \"2024-01-01\", authToken: {kind: SecretRef, secretRef: {name: openai-secret}}}")+
		kgateway("later", "gemini: {model: m, apiVersion: v, authToken: {kind: Passthrough}}")+`
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: groups, namespace: infra}
spec: {type: AI, ai: {priorityGroups: [
  {providers: [{name: a, host: HOST, port: PORT, openai: {model: first, authToken: {kind: SecretRef, secretRef: {name: hidden-secret}}}}]},
  {providers: [{name: b, host: HOST, port: PORT, openai: {model: second, authToken: {kind: SecretRef, secretRef: {name: openai-secret}}}}]}]}}
---
`+ruleObject("good => Backend/good")+"---"+ruleObject("lost => Backend/lost")+"---"+ruleObject("open => Backend/open")+"---"+
		ruleObject("claude => Backend/claude")+"---"+ruleObject("later => Backend/later")+"---"+ruleObject("groups => Backend/groups"))

	res, body := chat(t, gw+"/good", asksForNone, "Authorization: Bearer own-of-the-caller")
	if sent := r.take(); res.StatusCode != 200 || !strings.HasPrefix(sent, "POST /v1/chat/completions\n") || !strings.Contains(sent, "Authorization: Bearer token-a\r\n") ||
		!strings.Contains(sent, `"model": "gpt-3.5-turbo"`) && !strings.Contains(sent, `"model":"gpt-3.5-turbo"`) || strings.Contains(sent, "own-of-the-caller") {
		t.Errorf("%d %s\n%s", res.StatusCode, body, sent)
	}
	res, body = chat(t, gw+"/lost", asksForNone, "Authorization: Bearer own-of-the-caller")
	if sent := r.take(); res.StatusCode != 503 || sent != "" || !strings.Contains(body, "Backend/infra/lost cannot be called") || strings.Contains(body, "hidden-secret") {
		t.Errorf("%d %s\n%s", res.StatusCode, body, sent)
	}
	res, body = chat(t, gw+"/groups", asksForNone)
	if sent := r.take(); res.StatusCode != 200 || !strings.Contains(sent, "second") || strings.Contains(sent, "first") {
		t.Errorf("%d %s\n%s", res.StatusCode, body, sent)
	}
	res, body = chat(t, gw+"/open", asksForNone)
	if sent := r.take(); res.StatusCode != 400 || sent != "" || !strings.Contains(body, "missing_model") {
		t.Errorf("%d %s\n%s", res.StatusCode, body, sent)
	}
	res, body = chat(t, gw+"/later", asksForNone)
	if sent := r.take(); res.StatusCode != 503 || sent != "" || !strings.Contains(body, "is of a kind that is not served") {
		t.Errorf("%d %s\n%s", res.StatusCode, body, sent)
	}
	// A chat completion is asked for and given, whatever the provider speaks.
	res, body = chat(t, gw+"/claude", asksForNone)
	if sent := r.take(); res.StatusCode != 200 || !strings.HasPrefix(sent, "POST /v1/messages\n") || !strings.Contains(sent, "X-Api-Key: token-a\r\n") || !strings.Contains(body, "chat.completion") {
		t.Errorf("%d %s\n%s", res.StatusCode, body, sent)
	}
	res, body = chat(t, gw+"/claude/v1/messages", `{"model": "", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}`, "anthropic-version: 2020-01-01")
	if sent := r.take(); res.StatusCode != 200 || !strings.HasPrefix(sent, "POST /v1/messages\n") || !strings.Contains(sent, "X-Api-Key: token-a\r\n") ||
		strings.Count(sent, "Anthropic-Version: ") != 1 || !strings.Contains(sent, "Anthropic-Version: 2024-01-01\r\n") {
		t.Errorf("%d %s\n%s", res.StatusCode, body, sent)
	}
}

// The caller's own credential goes to the provider, and no virtual key ever does, wherever
// it stands and whatever it is still good for.
func TestServesPassthrough(t *testing.T) {
	r, o := newRecording(t), stage(t)
	vk := virtualKey("infra", "app", resource.VirtualKeySpec{})
	o.VirtualKeys = append(o.VirtualKeys, vk)
	id := manifest.Compile(defaults(t), o, settingsOf(t, "")).Mint[0].ID
	s, virtual := minted(t, vk, id)
	o.Secrets = append(o.Secrets, s)
	gw := serve(t, o, r, `
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: infra}
data: {alice: c2stYWxpY2UtYWJjMTIzZGVmNDU2}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: elsewhere, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: strict}]
  traffic: {apiKeyAuthentication: {secretRef: {name: keys}}}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: clash, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: clash}]
  traffic: {apiKeyAuthentication: {secretRef: {name: keys}, location: {header: {name: Authorization, prefix: "Bearer "}}}}
`+kgateway("own", "openai: {model: m, authToken: {kind: Passthrough}}")+ruleObject("own => Backend/own")+"---"+ruleObject("strict => Backend/own")+"---"+ruleObject("clash => Backend/own"))

	const alice = "sk-alice-abc123def456"
	for _, tt := range []struct {
		name, path string
		header     []string
		status     int
		sent       string // the header that the provider gets, "" for none
		key        string // id of the virtual key, "" for none
	}{
		{"own alone", "/own", []string{"Authorization: Bearer own"}, 200, "Bearer own", ""},
		{"nothing", "/own", nil, 200, "", ""},
		{"key beside own", "/own", []string{"Authorization: Bearer own", "x-tollgate-key: " + virtual}, 200, "Bearer own", id},
		{"key alone", "/own", []string{"x-tollgate-key: " + virtual}, 200, "", id},
		{"key where the own belongs", "/own", []string{"Authorization: Bearer " + virtual}, 200, "", ""},
		{"key in both", "/own", []string{"Authorization: Bearer " + virtual, "x-tollgate-key: " + virtual}, 200, "", id},
		{"key that looks minted", "/own", []string{"Authorization: Bearer sk-tg-000000000000-x"}, 200, "", ""},
		{"key of another route", "/own", []string{"Authorization: Bearer " + alice}, 200, "", ""},
		{"unknown key", "/own", []string{"Authorization: Bearer own", "x-tollgate-key: sk-deleted-abc123def456"}, 200, "Bearer own", ""},
		{"asked for and given", "/strict", []string{"Authorization: Bearer own", "x-tollgate-key: " + alice}, 200, "Bearer own", "key_"},
		{"asked for and not given", "/strict", []string{"Authorization: Bearer own"}, 401, "", ""},
		{"asked for, given in the wrong place", "/strict", []string{"Authorization: Bearer " + alice}, 401, "", ""},
		{"asked for where the own belongs", "/clash", []string{"Authorization: Bearer " + alice}, 500, "", "key_"},
	} {
		res, body := chat(t, gw+tt.path, asksForNone, tt.header...)
		sent := r.take()
		if res.StatusCode != tt.status || (sent != "") != (tt.status == 200) {
			t.Errorf("%s: %d %s\n%s", tt.name, res.StatusCode, body, sent)
		}
		_, rest, found := strings.Cut(sent, "Authorization: ")
		if got, _, _ := strings.Cut(rest, "\r\n"); found != (tt.sent != "") || got != tt.sent {
			t.Errorf("%s: the provider got %q", tt.name, got)
		}
		for _, secret := range []string{virtual, "sk-", "X-Tollgate-Key"} {
			if strings.Contains(sent, secret) {
				t.Errorf("%s: the provider got a virtual key:\n%s", tt.name, sent)
			}
		}
		if got := res.Header.Get("X-Tollgate-Key"); (got == "") != (tt.key == "") || !strings.HasPrefix(got, tt.key) {
			t.Errorf("%s: the key is %q", tt.name, got)
		}
	}
}

// A place for which nobody has a credential gets none; limits of a Gateway are those of all
// of its routes together; what guards and is not served lets nobody pass.
func TestServesPolicies(t *testing.T) {
	r := newRecording(t)
	gw := serve(t, stage(t), r, `
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: {name: anonymous, namespace: infra}
spec: {ai: {provider: {host: HOST, port: PORT, openai: {model: m}}}}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: gateway, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: gw}]
  traffic: {rateLimit: {local: [{requests: 3, unit: Hours}]}}
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: {name: guard, namespace: infra}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: guarded}]
  traffic: {authorization: {policy: {matchExpressions: ["false"]}}}
---
`+ruleObject("a => AgentgatewayBackend/anonymous")+"---"+ruleObject("b => AgentgatewayBackend/anonymous")+"---"+ruleObject("guarded => AgentgatewayBackend/anonymous"))
	for i, tt := range []struct {
		path   string
		status int
	}{{"/guarded", 500}, {"/a", 200}, {"/b", 200}, {"/a", 200}, {"/b", 429}} {
		res, body := chat(t, gw+tt.path, asksForNone, "Authorization: Bearer own")
		sent := r.take()
		if res.StatusCode != tt.status || (sent != "") != (tt.status == 200) || strings.Contains(sent, "Authorization") {
			t.Errorf("request %d: %d %s\n%s", i, res.StatusCode, body, sent)
		}
	}
}

// A plain service gets what its callers send, several credentials too, but no virtual key.
func TestServesPlainServices(t *testing.T) {
	r, o := newRecording(t), stage(t)
	vk := virtualKey("infra", "app", resource.VirtualKeySpec{})
	o.VirtualKeys = append(o.VirtualKeys, vk)
	s, virtual := minted(t, vk, manifest.Compile(defaults(t), o, settingsOf(t, "")).Mint[0].ID)
	o.Secrets = append(o.Secrets, s)
	gw := serve(t, o, r, `
apiVersion: gateway.kgateway.dev/v1alpha1
kind: Backend
metadata: {name: service, namespace: infra}
spec: {type: Static, static: {hosts: [{host: HOST, port: PORT}]}}
---
`+ruleObject("plain => Backend/service")+"---"+ruleObject("asks api-keys=Strict => Backend/service"))
	for _, tt := range []struct {
		path   string
		header []string
		status int
		sent   []string
	}{
		{"/plain", []string{"Authorization: Bearer one", "X-Api-Key: two"}, 200, []string{"Authorization: Bearer one\r\n", "X-Api-Key: two\r\n"}},
		{"/plain", []string{"Authorization: Bearer " + virtual, "X-Api-Key: two"}, 200, []string{"X-Api-Key: two\r\n"}},
		{"/asks", []string{"Authorization: Bearer " + virtual}, 200, []string{"POST /asks\n"}},
		{"/asks", []string{"Authorization: Bearer one"}, 401, nil},
	} {
		res, body := chat(t, gw+tt.path, "{}", tt.header...)
		sent := r.take()
		if res.StatusCode != tt.status || (sent != "") != (tt.status == 200) || strings.Contains(sent, virtual) {
			t.Errorf("%s %v: %d %s\n%s", tt.path, len(tt.header), res.StatusCode, body, sent)
		}
		for _, want := range tt.sent {
			if !strings.Contains(sent, want) {
				t.Errorf("the service got no %q:\n%s", want, sent)
			}
		}
	}
}
