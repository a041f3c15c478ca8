// Package money shows, with the real program, that a limit is never passed, that
// nobody is refused for nothing, and that the books balance after any crash.
package money

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tollgate/test/program"
)

func TestMain(m *testing.M) {
	code := m.Run()
	program.Clean()
	os.Exit(code)
}

// A token that the provider writes costs a tenth of a cent, one that it reads nothing:
// with 10 to 200 tokens an answer comes to 1 to 20 cents.
const (
	prices = `{"format": "tollgate/prices/1", "source": "the test", "providers": {"openai": {"models": {
	"dear": {"contextWindow": 100000, "maxOutput": 200, "rates": {"input": "0", "cacheRead": "0", "output": "1000"}}}}}}`
	perToken  = 1_000_000 // nano-dollars
	maxTokens = 200
	dollar    = 1_000_000_000
)

const configuration = `
config: {adminAddr: "127.0.0.1:%d", statsAddr: "127.0.0.1:%d", readinessAddr: "127.0.0.1:%d"}
gateways: {default: {port: %d}}
tollgate: {prices: [prices.json]}
llm:
  policies: {apiKey: {mode: strict, keys: []}}
  models:
  - {name: dear, provider: openAI, params: {apiKey: none, baseUrl: "http://%s"}}
`

// provider is a model provider that keeps its own bill.
type provider struct {
	*httptest.Server
	billed atomic.Int64 // tokens written for callers that were still there, or not
	mu     sync.Mutex
	heard  map[string][]call // by what the requests say, up to a #
}

// call is a request that came to the provider, and what it was billed.
type call struct {
	said   string
	at     time.Time
	tokens int64
}

func newProvider(t *testing.T) *provider {
	p := &provider{heard: map[string][]call{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Stream              bool
		MaxTokens           int64 `json:"max_tokens"`
		MaxCompletionTokens int64 `json:"max_completion_tokens"`
		Messages            []struct{ Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	most := int64(maxTokens)
	for _, bound := range []int64{ask.MaxTokens, ask.MaxCompletionTokens} {
		if bound > 0 {
			most = min(most, bound)
		}
	}
	n := most
	if most > 10 {
		n = 10 + rand.Int64N(most-9)
	}
	p.billed.Add(n)
	p.mu.Lock()
	said := ask.Messages[0].Content
	topic, _, _ := strings.Cut(said, "#")
	p.heard[topic] = append(p.heard[topic], call{said, time.Now(), n})
	p.mu.Unlock()
	if ask.Stream {
		p.stream(w, n)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":"c","object":"chat.completion","created":1,"model":"dear","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":5,"completion_tokens":%d,"total_tokens":%d}}`, strings.Repeat("word ", int(n)), n, n+5)
}

// calls gives the requests that said this, in the order in which they came, and what was
// billed for all of them.
func (p *provider) calls(said string) (calls []call, bill int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.heard[said] {
		bill += c.tokens
	}
	return slices.Clone(p.heard[said]), bill
}

func (p *provider) stream(w http.ResponseWriter, n int64) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := w.(http.Flusher)
	for range n {
		if _, err := io.WriteString(w, `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"dear","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}`+"\n\n"); err != nil {
			return
		}
		flush.Flush()
	}
	fmt.Fprintf(w, `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"dear","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\n"+
		`data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"dear","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":%d,"total_tokens":%d}}`+"\n\ndata: [DONE]\n\n", n, n+5)
}

// scene is a program with a provider behind it.
type scene struct {
	t        *testing.T
	dir      string
	provider *provider
	program  *program.Process
	url      string
	admin    string
	ready    string
	client   *http.Client
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), provider: newProvider(t)}
	ports := make([]int, 4)
	for i := range ports {
		port, err := program.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = port
	}
	text := fmt.Sprintf(configuration, ports[0], ports[1], ports[2], ports[3], strings.TrimPrefix(s.provider.URL, "http://"))
	s.write("config.yaml", text)
	s.write("prices.json", prices)
	s.admin = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	s.ready = fmt.Sprintf("http://127.0.0.1:%d/healthz/ready", ports[2])
	s.url = fmt.Sprintf("http://127.0.0.1:%d", ports[3])
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 600, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext}}
	t.Cleanup(s.client.CloseIdleConnections)
	s.start()
	t.Cleanup(func() { s.program.Kill() })
	return s
}

func (s *scene) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) start(args ...string) {
	s.t.Helper()
	p, err := program.Start(program.Options{
		Args: append([]string{"serve", "-f", "config.yaml"}, args...), Dir: s.dir, Ready: s.ready,
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "IPV6_ENABLED=false"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.program = p
}

// stop ends the program as an operator would.
func (s *scene) stop() {
	s.t.Helper()
	if code, err := s.program.Stop(); err != nil || code != 0 {
		s.t.Fatalf("the program ended with %d, %v\n%s", code, err, s.program.Stderr)
	}
	if err := s.program.Healthy(); err != nil {
		s.t.Error(err)
	}
}

// token is the admin token that the program left for this machine.
func (s *scene) token() string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "tollgate-data", "admin.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var door struct{ Token string }
	if err := json.Unmarshal(text, &door); err != nil {
		s.t.Fatal(err)
	}
	return door.Token
}

// call asks the admin API and decodes what it answers.
func (s *scene) call(method, path, body string, into any) int {
	s.t.Helper()
	req, err := http.NewRequest(method, s.admin+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token())
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			s.t.Fatalf("%s %s: %d %s: %v", method, path, res.StatusCode, text, err)
		}
	}
	if res.StatusCode >= 400 && into == nil {
		s.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	return res.StatusCode
}

type limit struct {
	ID, Kind                           string
	Amount, Spent, Reserved, Remaining json.RawMessage
}

// nano reads an amount of dollars.
func nano(t *testing.T, raw json.RawMessage) int64 {
	t.Helper()
	whole, part, _ := strings.Cut(strings.Trim(string(raw), `"`), ".")
	n, err := strconv.ParseInt(whole+(part + "000000000")[:9], 10, 64)
	if err != nil {
		t.Fatalf("no amount: %s", raw)
	}
	return n
}

// figures gives what a limit says is spent and reserved, in its smallest unit.
func figures(t *testing.T, l *limit) (spent, reserved int64) {
	t.Helper()
	if l.Kind == "cost" {
		return nano(t, l.Spent), nano(t, l.Reserved)
	}
	for into, raw := range map[*int64]json.RawMessage{&spent: l.Spent, &reserved: l.Reserved} {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return spent, reserved
}

type key struct {
	ID     string
	Limits []limit
}

// create makes a key and gives it with its secret.
func (s *scene) create(name, limits string) (key, string) {
	s.t.Helper()
	var made struct {
		Key    key
		Secret string
	}
	if status := s.call("POST", "/api/v1/keys", fmt.Sprintf(`{"name": %q, "limits": %s}`, name, limits), &made); status != http.StatusCreated {
		s.t.Fatalf("creating a key: %d", status)
	}
	return made.Key, made.Secret
}

func (s *scene) show(id string) key {
	s.t.Helper()
	var k key
	s.call("GET", "/api/v1/keys/"+id, "", &k)
	return k
}

// answer is what became of a request.
type answer struct {
	said           string
	status         int
	body           []byte
	header         http.Header
	err            error
	sent, received time.Time
}

// unsent tells that nobody was there to take the request.
func (a *answer) unsent() bool { return errors.Is(a.err, syscall.ECONNREFUSED) }

func (a *answer) code() string {
	var e struct{ Error struct{ Code string } }
	_ = json.Unmarshal(a.body, &e)
	return e.Error.Code
}

// ask sends a chat completion. One that asks for no bound has max 0.
func (s *scene) ask(secret string, stream bool, max int) answer {
	return s.say("hello", secret, stream, max)
}

// say is ask with something to say, by which the provider can be asked about it.
func (s *scene) say(what, secret string, stream bool, max int) answer {
	body := map[string]any{"model": "dear", "stream": stream, "messages": []map[string]string{{"role": "user", "content": what}}}
	if max > 0 {
		body["max_tokens"] = max
	}
	text, err := json.Marshal(body)
	if err != nil {
		return answer{err: err}
	}
	req, err := http.NewRequest("POST", s.url+"/v1/chat/completions", bytes.NewReader(text))
	if err != nil {
		return answer{err: err}
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Content-Type", "application/json")
	sent := time.Now()
	res, err := s.client.Do(req)
	if err != nil {
		return answer{said: what, err: err, sent: sent, received: time.Now()}
	}
	defer res.Body.Close()
	a := answer{said: what, status: res.StatusCode, header: res.Header, sent: sent}
	a.body, a.err = io.ReadAll(res.Body)
	a.received = time.Now()
	return a
}

// tokens are what the client was given: the provider's words.
func (a *answer) tokens() int64 { return int64(bytes.Count(a.body, []byte("word "))) }

// limit is the one that refused.
func (a *answer) limit() string {
	var e struct {
		Error struct {
			LimitID string `json:"limit_id"`
		}
	}
	_ = json.Unmarshal(a.body, &e)
	return e.Error.LimitID
}
