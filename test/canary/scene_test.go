package canary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/test/program"
	"tollgate/test/upstream"
)

// patience bounds every wait for something that must happen.
const patience = 20 * time.Second

const config = `
config:
  metrics: {fields: {add: {user_id: apiKey.user}}}
gateways: {default: {port: $PORT}}
llm:
  policies:
    apiKey:
      mode: strict
      keys:
      - {key: ` + virtualKey + `, metadata: {name: canary, user: canary}}
      - {key: ` + limitedKey + `, metadata: {name: limited, user: limited}, allowedModels: [few-*]}
    localRateLimit: [{maxTokens: 50, tokensPerFill: 50, fillInterval: 3600s, key: apiKey.user}]
  models:
  - {name: "file-*", provider: openAI, params: {apiKey: {file: credential.txt}, baseUrl: "http://$PROVIDER"}}
  - {name: "claude-*", provider: anthropic, params: {apiKey: "$PROVIDER_KEY", baseUrl: "http://$PROVIDER"}}
  - {name: "dead", provider: openAI, params: {apiKey: "$PROVIDER_KEY", baseUrl: "http://127.0.0.1:1"}}
  - {name: "*", provider: openAI, params: {apiKey: "$PROVIDER_KEY", baseUrl: "http://$PROVIDER"}}
`

// scene is a gateway with everything around it that it can talk to.
type scene struct {
	t        *testing.T
	dir      string
	env      []string
	url      string
	admin    string
	provider *upstream.Server
	program  *program.Process
	traces   *collector
	answers  []string          // heads and bodies of all answers
	said     map[string]string // everything else that the program says, by place
	secrets  []string          // of the program's own making
	config   string            // in force
}

// collector is an OTLP receiver that keeps what it is sent.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	text strings.Builder
}

func newCollector() *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.text.Write(body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	return c
}

func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), provider: upstream.New(nil), traces: newCollector(), said: map[string]string{}, config: config}
	t.Cleanup(s.provider.Close)
	t.Cleanup(s.traces.Close)
	s.write("config.yaml", config)
	s.write("credential.txt", fileKey+"\n")
	var ports [4]int
	for i := range ports {
		port, err := program.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = port
	}
	s.url, s.admin = fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	s.env = []string{
		"HOME=" + s.dir, "TOLLGATE_DATA_DIR=" + filepath.Join(s.dir, "data"), "PROVIDER=" + s.provider.Addr(), "PROVIDER_KEY=" + providerKey,
		fmt.Sprintf("PORT=%d", ports[0]), fmt.Sprintf("ADMIN_ADDR=127.0.0.1:%d", ports[1]),
		fmt.Sprintf("STATS_ADDR=127.0.0.1:%d", ports[2]), fmt.Sprintf("READINESS_ADDR=127.0.0.1:%d", ports[3]),
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + s.traces.URL, "OTEL_TRACES_SAMPLER=always_on", "OTEL_BSP_SCHEDULE_DELAY=50", "RUST_LOG=trace",
		"TOLLGATE_ADMIN_TOKEN=" + ownerToken, "TOLLGATE_MASTER_KEY=" + masterKey,
	}
	var err error
	s.program, err = program.Start(program.Options{
		Args: []string{"-f", "config.yaml"}, Dir: s.dir, Env: s.env, Ready: fmt.Sprintf("http://127.0.0.1:%d/healthz/ready", ports[3]),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.program.Running() {
			s.program.Kill()
		}
	})
	return s
}

func (s *scene) write(file, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// chat is a request body with the prompt in it.
func chat(model, more string) string {
	return `{"model":"` + model + `","max_tokens":20` + more + `,"messages":[{"role":"user","content":"` + prompt + `"}]}`
}

// anyFailure stands for every status that says that the provider, or the gateway, failed.
const anyFailure = 0

// anyRefusal stands for every status that says that a request was wrong.
const anyRefusal = 1

// post sends a body with a key, keeps the answer and checks its status.
func (s *scene) post(want int, path, key, body string) {
	s.t.Helper()
	s.do(want, path, map[string]string{"Authorization": "Bearer " + key}, body)
}

func (s *scene) do(want int, path string, header map[string]string, body string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Cookie", "session="+cookie)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.t.Error(err)
	}
	var head strings.Builder
	_ = resp.Header.Write(&head) // a strings.Builder cannot fail
	s.answers = append(s.answers, head.String()+string(text))
	if resp.StatusCode != want && (want != anyFailure || resp.StatusCode < 500) {
		s.t.Errorf("%s: status %d, want %d: %s", path, resp.StatusCode, want, text)
	}
}

const (
	chatPath     = "/v1/chat/completions"
	messagesPath = "/v1/messages"
)

// succeed makes every kind of request that goes well.
func (s *scene) succeed() {
	s.provider.Answer(&upstream.Answer{Model: "tells", Text: answerText})
	s.post(200, chatPath, virtualKey, chat("tells", ""))
	s.post(200, chatPath, virtualKey, chat("tells", `,"stream":true`))
	s.post(200, chatPath, virtualKey, chat("file-m", ""))
	s.post(200, messagesPath, virtualKey, chat("claude-m", ""))
	s.post(200, messagesPath, virtualKey, chat("claude-m", `,"stream":true`))
	s.post(200, "/v1/embeddings", virtualKey, `{"model":"m","input":"`+prompt+`"}`)
	s.do(200, chatPath, map[string]string{"x-api-key": virtualKey}, chat("m", ""))
	s.post(200, chatPath+"?key="+virtualKey, virtualKey, chat("m", ""))
}

// refuse makes requests that the gateway refuses.
func (s *scene) refuse() {
	s.post(401, chatPath, unknownKey, chat("m", ""))
	s.post(401, messagesPath, unknownKey, chat("claude-m", ""))
	s.post(401, chatPath, checkedKey, chat("m", ""))
	s.do(401, chatPath+"?key="+unknownKey, nil, chat("m", ""))
	s.do(401, chatPath, map[string]string{"Authorization": "Basic " + virtualKey}, chat("m", ""))
	s.do(400, chatPath, map[string]string{"Authorization": "Bearer " + virtualKey, "x-api-key": unknownKey}, chat("m", ""))
	s.post(400, chatPath, virtualKey, `{"model":"m","`+prompt+`":1,"`+prompt+`":2}`)
	s.post(400, chatPath, virtualKey, `{"model":"m","messages":"`+prompt)
	s.post(400, chatPath, virtualKey, prompt)
	s.post(400, chatPath, virtualKey, chat("claude-m", "")) // would need a translation
	s.post(403, chatPath, limitedKey, chat("other", ""))
	for range 60 {
		if s.exhausted() {
			break
		}
	}
	s.post(429, chatPath, limitedKey, chat("few-m", ""))
}

// exhausted sends one request of the limited key and reports whether its limit refused it.
func (s *scene) exhausted() bool {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+chatPath, strings.NewReader(chat("few-m", "")))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+limitedKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode == http.StatusTooManyRequests
}

// failUpstream makes the provider fail in every way, some of which quote what it was sent.
func (s *scene) failUpstream() {
	quoting := []byte(`{"error":{"message":"Incorrect API key provided: ` + providerKey + `","code":"invalid_api_key"}}`)
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for i, c := range []struct {
		want   int
		answer upstream.Answer
		stream bool
	}{
		{502, upstream.Answer{Status: 401, Body: quoting}, false},
		{502, upstream.Answer{Status: 403, Body: quoting}, false},
		{502, upstream.Answer{Status: 401, Body: quoting}, true},
		{400, upstream.Answer{Status: 400, Body: []byte(`{"error":{"message":"Invalid value: ` + prompt + `","type":"invalid_request_error","param":"` + prompt + `","code":"` + prompt + `"}}`)}, false},
		{500, upstream.Answer{Status: 500}, false},
		{503, upstream.Answer{Status: 503}, true},
		{429, upstream.Answer{Status: 429}, false},
		{anyFailure, upstream.Answer{Reset: true}, false},
		{anyFailure, upstream.Answer{Reset: true}, true},
		{anyFailure, upstream.Answer{Raw: []byte("Bearer " + providerKey + "\r\n\r\n")}, false},
		{anyFailure, upstream.Answer{Raw: []byte(head + "Content-Length: 900\r\n\r\n{\"echo\":\"" + prompt)}, false},
		{anyFailure, upstream.Answer{Raw: []byte(head + "Transfer-Encoding: chunked\r\n\r\n" + providerKey + "\r\n")}, false},
		{200, upstream.Answer{CutAfter: 3}, true},
		{200, upstream.Answer{CutAfter: 3, Half: true}, true},
		{200, upstream.Answer{FailAfter: 3}, true},
		{200, upstream.Answer{Header: http.Header{"Set-Cookie": {providerKey}, "X-Echo-Authorization": {"Bearer " + providerKey}}}, false},
	} {
		model := fmt.Sprintf("failing-%d", i)
		c.answer.Model = model
		s.provider.Answer(&c.answer)
		more := ""
		if c.stream {
			more = `,"stream":true`
		}
		s.post(c.want, chatPath, virtualKey, chat(model, more))
	}
	s.post(503, chatPath, virtualKey, chat("dead", ""))
}

// leave gives a stream up in its middle.
func (s *scene) leave() {
	s.t.Helper()
	s.provider.Answer(&upstream.Answer{Model: "left", HoldAfter: 3})
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+chatPath, strings.NewReader(chat("left", `,"stream":true`)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+virtualKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 64)); err != nil {
		s.t.Error(err)
	}
	_ = resp.Body.Close() // leaving is the point
	all := s.provider.Requests()
	select {
	case <-all[len(all)-1].Canceled:
	case <-time.After(patience):
		s.t.Error("the provider was not told that the client left")
	}
}

// broken are configurations that cannot be loaded, each with a credential where
// the error is.
var broken = map[string]string{
	"a list for a key":      "llm: {models: [], policies: {apiKey: {keys: [{key: [" + brokenKey + "]}]}}}",
	"a short hash":          "llm: {models: [], policies: {apiKey: {keys: [{keyHash: \"" + brokenKey + "\"}]}}}",
	"twice the same key":    "llm: {models: [], policies: {apiKey: {keys: [{key: " + brokenKey + "}, {key: " + brokenKey + "}]}}}",
	"a number for a file":   "llm: {models: [{name: a, provider: openAI, params: {apiKey: {file: 7, value: " + brokenKey + "}}}]}",
	"a misspelled field":    "llm: {models: [{name: a, provider: openAI, params: {apiKeyy: " + brokenKey + "}}]}",
	"an unfinished quote":   "llm: {models: [{name: a, provider: openAI, params: {apiKey: \"" + brokenKey + "}}]}",
	"a variable in a key":   "llm: {models: [{name: a, provider: openAI, params: {apiKey: \"" + brokenKey + "$UNSET_VARIABLE\"}}]}",
	"a credential in a URL": "llm: {models: [{name: a, provider: openAI, params: {baseUrl: \"http://user:" + brokenKey + "@localhost\"}}]}",
}

// reloadBroken lets the running program find every broken file.
func (s *scene) reloadBroken() {
	s.t.Helper()
	for name, text := range broken {
		s.write("config.yaml", s.config+"\n# whole\n")
		s.awaitMetric("agentgateway_config_synchronized 1", name)
		s.write("config.yaml", text)
		s.awaitMetric("agentgateway_config_synchronized 0", name)
	}
	s.post(200, chatPath, virtualKey, chat("m", ""))
	s.write("config.yaml", s.config)
	s.awaitMetric("agentgateway_config_synchronized 1", "the end")
}

// use puts another configuration in force.
func (s *scene) use(text string) {
	s.t.Helper()
	s.config = text
	s.write("config.yaml", text)
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for !strings.Contains(s.program.Stderr.String(), "configuration reloaded") {
		select {
		case <-ctx.Done():
			s.t.Fatalf("the configuration is not in force within %v", patience)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// validateBroken lets the program check every broken file.
func (s *scene) validateBroken() {
	s.t.Helper()
	path, err := program.Path()
	if err != nil {
		s.t.Fatal(err)
	}
	for name, text := range broken {
		s.write("broken.yaml", text)
		cmd := exec.Command(path, "-f", "broken.yaml", "--validate-only")
		cmd.Dir, cmd.Env = s.dir, s.env
		out, err := cmd.CombinedOutput()
		if err == nil {
			s.t.Errorf("%s is taken for valid", name)
		}
		s.said["the error about "+name] = string(out)
	}
}

// awaitMetric waits until the metrics hold a line; at says where the test is.
func (s *scene) awaitMetric(line, at string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		if strings.Contains(s.get("/metrics"), "\n"+line+"\n") {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("at %s: no line %q in the metrics within %v", at, line, patience)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// get reads a page of the admin listener.
func (s *scene) get(path string) string {
	s.t.Helper()
	resp, err := http.Get(s.admin + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// inspect reads everything that the admin listener tells to whoever asks, and to the
// owner.
func (s *scene) inspect() {
	for _, path := range []string{"/metrics", "/config_dump", "/debug/pprof/goroutine?debug=2", "/debug/pprof/cmdline", "/debug/vars", "/"} {
		s.said["the page "+path+" for anybody"] = s.get(path)
	}
	s.said["the stacks"] = s.api(200, http.MethodGet, "/debug/pprof/goroutine?debug=2", "", nil)
	s.readAPI()
	s.commands()
	s.readData("while it serves")
}

// stop ends the program and keeps what it had said.
func (s *scene) stop() {
	s.t.Helper()
	if code, err := s.program.Stop(); err != nil || code != 0 {
		s.t.Errorf("the program ended with exit status %d: %v", code, err)
	}
	if err := s.program.Healthy(); err != nil {
		s.t.Error(err)
	}
	s.said["its output"] = s.program.Stdout.String() + s.program.Stderr.String()
	s.said["its traces"] = s.traces.String()
	s.readData("after the end")
	if _, err := os.Stat(filepath.Join(s.dir, "data", "admin.json")); err == nil {
		s.t.Error("the token for this machine is still there")
	}
}

// seenByProvider gives all requests that reached the provider.
func (s *scene) seenByProvider() string {
	var b strings.Builder
	for _, r := range s.provider.Requests() {
		b.WriteString(r.String())
	}
	return b.String()
}
