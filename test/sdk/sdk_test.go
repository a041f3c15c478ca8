// Package sdk runs the official clients of OpenAI and Anthropic, in each
// language that the machine has, against the real program. The clients are
// pinned in node/, python/ and go/ and installed into .cache/ at the top of
// the repository on first use.
//
// A language that cannot be tested is skipped with the reason (go test -v
// shows it); with TOLLGATE_SDK_REQUIRED=1 that is a failure instead.
package sdk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tollgate/test/program"
	"tollgate/test/upstream"
)

const virtualKey = "sk-sdk-4f1d1c2e"

// checks is what every language must report.
var checks = []string{
	"openai/chat", "openai/stream", "openai/stream-usage", "openai/responses", "openai/responses-stream", "openai/embeddings",
	"openai/models", "openai/transcription", "openai/bad-key", "openai/unknown-model", "openai/rate-limit", "openai/no-retry",
	"openai/broken-stream", "openai/budget", "openai/paced", "openai/translated", "openai/translated-stream", "openai/translated-errors",
	"anthropic/message", "anthropic/stream", "anthropic/count-tokens", "anthropic/models", "anthropic/bad-key",
	"anthropic/rate-limit", "anthropic/no-retry", "anthropic/budget", "anthropic/paced",
}

// language is how to install and run the clients of one language.
type language struct {
	name, tool string
	files      []string // what the installation is made from
	// install is run in a fresh copy of files, once.
	install [][]string
	run     []string
}

var languages = []language{
	{
		name: "node", tool: "npm", files: []string{"package.json", "package-lock.json", "check.mjs"},
		install: [][]string{{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"}},
		run:     []string{"node", "check.mjs"},
	},
	{
		name: "python", tool: "python3", files: []string{"requirements.txt", "check.py"},
		install: [][]string{
			{"python3", "-m", "venv", "env"},
			{"env/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", "requirements.txt"},
		},
		run: []string{"env/bin/python", "check.py"},
	},
	{
		name: "go", tool: "go", files: []string{"go.mod", "go.sum", "main.go", "openai.go", "translated.go", "anthropic.go"},
		install: [][]string{{"go", "build", "-o", "check", "."}},
		run:     []string{"./check"},
	},
}

func TestMain(m *testing.M) {
	if _, err := program.Path(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	program.Clean()
	os.Exit(code)
}

func TestClients(t *testing.T) {
	for _, lang := range languages {
		t.Run(lang.name, func(t *testing.T) {
			t.Parallel()
			dir := installed(t, lang)
			place := serve(t)
			results := place.run(t, dir, lang)
			for _, name := range checks {
				t.Run(name, func(t *testing.T) {
					if result, ok := results[name]; !ok {
						t.Error("not reported")
					} else if result != "" {
						t.Error(result)
					}
				})
			}
			// A client that is told not to try again has asked once.
			for _, model := range []string{"no-retry", "claude-no-retry"} {
				if n := place.asked(model); n != 1 {
					t.Errorf("the provider was asked for %s %d times, want once: x-should-retry: false was not honoured", model, n)
				}
			}
			// So has one whose budget is used up. One that comes too fast is refused once and
			// admitted when it comes again at the time that it was told.
			for key, want := range map[string]int{exhaustedKey + "-openai": 1, exhaustedKey + "-anthropic": 1, pacedKey + "-openai": 3, pacedKey + "-anthropic": 3} {
				if n := place.budgeted.calls(key); n != want {
					t.Errorf("the client with the key %s made %d calls, want %d", key, n, want)
				}
			}
		})
	}
}

// unavailable skips the language, or fails if none may be missing.
func unavailable(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("TOLLGATE_SDK_REQUIRED") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// installed gives a folder in which the clients are ready to run. It is named
// after what it is made from, so a change makes a new one.
func installed(t *testing.T, lang language) string {
	t.Helper()
	if _, err := exec.LookPath(lang.tool); err != nil {
		unavailable(t, "%s is not on this machine", lang.tool)
	}
	sum := sha256.New()
	content := map[string][]byte{}
	for _, file := range lang.files {
		b, err := os.ReadFile(filepath.Join(lang.name, file))
		if err != nil {
			t.Fatal(err)
		}
		content[file] = b
		fmt.Fprintf(sum, "%s %d\n%s", file, len(b), b)
	}
	cache, err := filepath.Abs("../../.cache/sdk")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, lang.name+"-"+hex.EncodeToString(sum.Sum(nil))[:16])
	ready := filepath.Join(dir, ".installed")
	if _, err := os.Stat(ready); err == nil {
		return dir
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, b := range content {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, words := range lang.install {
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			unavailable(t, "%s: %v\n%s", strings.Join(words, " "), err, out)
		}
	}
	if err := os.WriteFile(ready, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// place is a gateway for one language, with a scripted provider behind it and
// a second gateway that has no room for any request.
type place struct {
	provider         *upstream.Server
	gateway, limited string
	budgeted         *counter
}

// counter passes calls on to a gateway and counts them by their key.
type counter struct {
	*httptest.Server
	mu    sync.Mutex
	byKey map[string]int
}

func newCounter(t *testing.T, gateway string) *counter {
	t.Helper()
	to, err := url.Parse(gateway)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{byKey: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := cmp.Or(r.Header.Get("X-Api-Key"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		c.mu.Lock()
		c.byKey[key]++
		c.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *counter) calls(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byKey[key]
}

const config = `
gateways: {default: {port: $PORT}}
llm:
  policies: {apiKey: {mode: strict, keys: [{key: ` + virtualKey + `}]}}
  models:
  - {name: simulated, provider: simulated}
  - {name: scripted, provider: openAI, params: {apiKey: k, baseUrl: "http://$PROVIDER"}}
  - {name: no-retry, provider: openAI, params: {apiKey: k, baseUrl: "http://$PROVIDER"}}
  - {name: broken, provider: openAI, params: {apiKey: k, baseUrl: "http://$PROVIDER"}}
  - {name: "claude-*", provider: anthropic, params: {apiKey: k, baseUrl: "http://$PROVIDER"}}
`

const limitedConfig = `
gateways: {default: {port: $PORT}}
llm:
  policies:
    apiKey: {mode: strict, keys: [{key: ` + virtualKey + `}]}
    localRateLimit: [{maxTokens: 0, tokensPerFill: 0, fillInterval: 3600s}]
  models:
  - {name: simulated, provider: simulated}
`

// The keys of budgetedConfig, each with the name of a client behind it. The budgets of the
// first are used up before the clients come; the second have room for one request in
// two seconds.
const (
	exhaustedKey = "sk-sdk-exhausted"
	pacedKey     = "sk-sdk-paced"
)

const budgetedConfig = `
config: {modelCatalog: [{inline: {providers: {openai: {models: {dear: {rates: &dear {input: "1", output: "1000000"}}}}, anthropic: {models: {claude-dear: {rates: *dear}}}}}}]}
gateways: {default: {port: $PORT}}
llm:
  policies:
    apiKey:
      mode: strict
      keys:
      - {key: ` + exhaustedKey + `-openai, limits: [{kind: cost, amount: 10, window: {calendar: year}}]}
      - {key: ` + exhaustedKey + `-anthropic, limits: [{kind: cost, amount: 10, window: {calendar: year}}]}
      - {key: ` + pacedKey + `-openai, limits: [{kind: requests, amount: 1, window: {sliding: 2s}}]}
      - {key: ` + pacedKey + `-anthropic, limits: [{kind: requests, amount: 1, window: {sliding: 2s}}]}
  models:
  - {name: simulated, provider: simulated}
  - {name: dear, provider: openAI, params: {apiKey: k, baseUrl: "http://$PROVIDER"}}
  - {name: claude-dear, provider: anthropic, params: {apiKey: k, baseUrl: "http://$PROVIDER"}}
`

// What a provider that speaks messages says to a chat completion: that it wants to use a
// tool, as a message and as events, and that it has no such model.
const (
	callMessage = `{"id":"msg_test","type":"message","role":"assistant","model":"claude-tools","content":[{"type":"text","text":"I look."},` +
		`{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Bern"}}],"stop_reason":"tool_use","usage":{"input_tokens":10,"output_tokens":9}}`
	callEvents = `event: message_start
data: {"type":"message_start","message":{"id":"msg_test","type":"message","role":"assistant","model":"claude-tools","content":[],"usage":{"input_tokens":10,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\"Bern\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}

event: message_stop
data: {"type":"message_stop"}

`
	noModel = `{"type":"error","error":{"type":"not_found_error","message":"model: claude-missing"}}`
)

// exhaust spends most of a budget of ten dollars: the model takes a dollar for a token.
func exhaust(t *testing.T, gateway, key string) {
	t.Helper()
	body := fmt.Sprintf(`{"model":"dear","max_tokens":%d,"messages":[{"role":"user","content":"Say hello."}]}`, upstream.CompletionTokens)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gateway+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("spending the budget: %s: %s", resp.Status, text)
	}
}

func serve(t *testing.T) *place {
	t.Helper()
	p := &place{provider: upstream.New(nil)}
	t.Cleanup(p.provider.Close)
	for _, model := range []string{"no-retry", "claude-no-retry"} {
		p.provider.Answer(&upstream.Answer{
			Model: model, Status: http.StatusTooManyRequests,
			Header: http.Header{"X-Should-Retry": {"false"}, "Retry-After": {"1"}},
		})
	}
	p.provider.Answer(&upstream.Answer{Model: "broken", CutAfter: 3})
	p.provider.Answer(&upstream.Answer{Model: "claude-broken", CutAfter: 5})
	p.provider.Answer(&upstream.Answer{Model: "claude-tools", Body: []byte(callMessage)})
	p.provider.Answer(&upstream.Answer{Model: "claude-tools-stream", Body: []byte(callEvents)})
	p.provider.Answer(&upstream.Answer{Model: "claude-missing", Status: http.StatusNotFound, Body: []byte(noModel)})
	p.gateway = start(t, config, p.provider.Addr())
	p.limited = start(t, limitedConfig, p.provider.Addr())
	budgeted := start(t, budgetedConfig, p.provider.Addr())
	for _, client := range []string{"openai", "anthropic"} {
		exhaust(t, budgeted, exhaustedKey+"-"+client)
	}
	p.budgeted = newCounter(t, budgeted)
	return p
}

// start runs the program and gives the address at which it serves.
func start(t *testing.T, text, provider string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var ports [2]int
	for i := range ports {
		port, err := program.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = port
	}
	readiness := fmt.Sprintf("127.0.0.1:%d", ports[1])
	p, err := program.Start(program.Options{
		Args: []string{"-f", file}, Dir: dir, Ready: "http://" + readiness + "/healthz/ready",
		Env: []string{
			"HOME=" + dir, "TOLLGATE_DATA_DIR=" + filepath.Join(dir, "data"), "PROVIDER=" + provider, fmt.Sprintf("PORT=%d", ports[0]),
			"ADMIN_ADDR=off", "STATS_ADDR=off", "READINESS_ADDR=" + readiness,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if code, err := p.Stop(); err != nil || code != 0 {
			t.Errorf("the program ended with exit status %d: %v\n%s", code, err, p.Stderr)
		}
		if err := p.Healthy(); err != nil {
			t.Error(err)
		}
	})
	return fmt.Sprintf("http://127.0.0.1:%d", ports[0])
}

// run runs the checks of a language and gives the reason of each failure, ""
// for what went well.
func (p *place) run(t *testing.T, dir string, lang language) map[string]string {
	t.Helper()
	cmd := exec.Command(lang.run[0], lang.run[1:]...)
	cmd.Dir = dir
	// Settings of the tester must not lead the clients elsewhere.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		upper := strings.ToUpper(v)
		return strings.HasPrefix(upper, "OPENAI_") || strings.HasPrefix(upper, "ANTHROPIC_") || strings.Contains(upper, "_PROXY=")
	})
	cmd.Env = append(cmd.Env, "GATEWAY="+p.gateway, "LIMITED="+p.limited, "KEY="+virtualKey,
		"BUDGETED="+p.budgeted.URL, "EXHAUSTED_KEY="+exhaustedKey, "PACED_KEY="+pacedKey)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(lang.run, " "), err, out)
	}
	results := map[string]string{}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "ok "); ok {
			results[name] = ""
		} else if rest, ok := strings.CutPrefix(line, "failed "); ok {
			name, reason, _ := strings.Cut(rest, ": ")
			results[name] = "failed: " + reason
		}
	}
	return results
}

// asked counts the requests for a model that reached the provider.
func (p *place) asked(model string) int {
	n := 0
	for _, r := range p.provider.Requests() {
		if strings.Contains(string(r.Body), `"`+model+`"`) {
			n++
		}
	}
	return n
}
