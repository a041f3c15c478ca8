package dataplane_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/caller"
	"tollgate/internal/catalog"
	"tollgate/internal/dataplane"
	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/provider/lean"
	"tollgate/internal/quota"
	"tollgate/internal/routing"
	"tollgate/internal/vkey"
)

const testKey = "sk-alice-abc123def456"

// house is a gateway over HTTP in front of one upstream server, with what it recorded.
type house struct {
	url      string
	upstream *httptest.Server
	surface  *dataplane.Server // change it before the first request
	snap     *gateway.Snapshot // the same
	log      *logs
	mu       sync.Mutex
	records  []gateway.Exchange
	recorded chan struct{}
}

func (h *house) Record(x *gateway.Exchange) {
	h.mu.Lock()
	h.records = append(h.records, *x)
	h.mu.Unlock()
	select {
	case h.recorded <- struct{}{}:
	default:
	}
}

// last waits for the record of the newest exchange.
func (h *house) last(t testing.TB) gateway.Exchange {
	t.Helper()
	select {
	case <-h.recorded:
	case <-time.After(10 * time.Second):
		t.Fatal("no exchange was recorded")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.records[len(h.records)-1]
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func build(t testing.TB, upstream http.HandlerFunc, change func(*gateway.Route)) *house {
	t.Helper()
	h := &house{recorded: make(chan struct{}, 1), upstream: httptest.NewServer(upstream)}
	t.Cleanup(h.upstream.Close)
	transport := lean.New()
	t.Cleanup(transport.Close)

	keys := must(vkey.NewSet(nil, []vkey.Entry{{Digest: vkey.Hash(testKey), Caller: &caller.Caller{KeyID: "key_alice", Name: "alice"}, PublicID: []string{"key_alice"}}}))
	target := &gateway.Target{
		Name: "*", Provider: "openai", Transport: transport,
		Endpoint:   must(provider.NewEndpoint(h.upstream.URL, provider.EndpointOptions{})),
		Authority:  "upstream.example",
		Static:     "Authorization: Bearer real-123\r\nAccept-Encoding: identity\r\n",
		Operations: gateway.Of(dialect.Chat, dialect.Completions, dialect.Responses, dialect.Embeddings),
		Paths:      gateway.Paths{Keep: true},
		Health:     &routing.Health{}, Cooling: routing.DefaultCooling,
	}
	route := &gateway.Route{
		Place:  &gateway.Place{Bind: "4000", Gateway: "default", Listener: "llm", Route: "internal/llm:request"},
		Gate:   gateway.Gate{Auth: &gateway.Auth{Mode: gateway.Strict, Keys: keys}},
		Models: &gateway.Models{Entries: []*gateway.Model{{Pattern: must(access.ParsePattern("*")), Target: target}}, Listed: []gateway.Listed{{Name: "*"}}},
	}
	if change != nil {
		change(route)
	}
	const address = "test"
	listener := &gateway.Listener{Place: route.Place, Routes: routing.NewTable([]routing.Entry[*gateway.Route]{{Route: route}})}
	snap := &gateway.Snapshot{
		Binds:    map[string]*gateway.Bind{address: {Address: address, Listeners: []*gateway.Listener{listener}}},
		MaxEvent: 1 << 20, MaxAnswer: 1 << 20, MaxBody: 1 << 20,
	}
	h.log = &logs{t: t}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	g := gateway.New(gateway.Options{Snapshot: snap, Quota: quota.NewEngine(time.Now, nil), Prices: prices, Recorder: h, Log: log})
	surface := &dataplane.Server{Gateway: g, Log: log, MaxBody: g.MaxBody, WriteTimeout: time.Minute}
	server := httptest.NewUnstartedServer(surface.Handler(address))
	server.Listener = dataplane.Watch(server.Listener)
	server.Config.ConnContext = dataplane.ConnContext
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.Start()
	t.Cleanup(server.Close)
	h.url, h.surface, h.snap = server.URL, surface, snap
	return h
}

// prices has one for the model of the tests.
func prices() *catalog.Catalog {
	return catalog.New(must(catalog.ParseOwn("test", []byte(`{"format": "tollgate/prices/1", "providers": {"openai": {"models": {
		"gpt-5": {"rates": {"input": "1", "output": "10"}}}}}}`))))
}

func (h *house) post(t testing.TB, path, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req := must(http.NewRequestWithContext(context.Background(), http.MethodPost, h.url+path, strings.NewReader(body)))
	req.Header.Set("Authorization", "Bearer "+testKey)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

const chat = `{"model":"gpt-3.5-turbo","messages":[{"role":"user","content":"Hello!"}]}`

const answer = `{"id":"c1","object":"chat.completion","model":"gpt-3.5-turbo-0125","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}}`

func TestChat(t *testing.T) {
	var seen http.Header
	var body []byte
	h := build(t, func(w http.ResponseWriter, r *http.Request) {
		seen, body = r.Header.Clone(), must(io.ReadAll(r.Body))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Openai-Organization", "secret-org")
		w.Header().Set("X-Ratelimit-Remaining-Requests", "3")
		_, _ = io.WriteString(w, answer)
	}, nil)
	resp, text := h.post(t, "/v1/chat/completions", chat, "Cookie", "session=1", "X-Secret-Thing", "no")
	if resp.StatusCode != 200 || text != answer {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	if got := seen.Get("Authorization"); got != "Bearer real-123" {
		t.Errorf("the provider saw Authorization %q", got)
	}
	if string(body) != chat {
		t.Errorf("the provider saw %s", body)
	}
	for _, name := range []string{"Cookie", "X-Secret-Thing", "X-Api-Key"} {
		if seen.Get(name) != "" {
			t.Errorf("the provider saw %s", name)
		}
	}
	for _, name := range []string{"Set-Cookie", "Openai-Organization", "X-Ratelimit-Remaining-Requests"} {
		if resp.Header.Get(name) != "" {
			t.Errorf("the caller saw %s", name)
		}
	}
	if resp.Header.Get("X-Tollgate-Key") != "key_alice" || !strings.HasPrefix(resp.Header.Get("X-Request-Id"), "req_") {
		t.Errorf("answer header %v", resp.Header)
	}
	x := h.last(t)
	if x.Usage.Input() != 10 || x.Usage.Output() != 9 || x.Outcome != gateway.Served || x.ModelServed != "gpt-3.5-turbo-0125" || x.Caller.Name != "alice" {
		t.Errorf("recorded %+v", x)
	}
}

func stream(events ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", e)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

func TestStreamHidesUsageThatWasNotAskedFor(t *testing.T) {
	delta := `{"id":"c","model":"m-1","choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":null}`
	usage := `{"id":"c","model":"m-1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}}`
	for _, c := range []struct {
		name, options, want string
	}{
		{"not asked", ``, "data: " + delta + "\n\ndata: [DONE]\n\n"},
		{"refused", `,"stream_options":{"include_usage":false}`, "data: " + delta + "\n\ndata: [DONE]\n\n"},
		{"asked", `,"stream_options":{"include_usage":true}`, "data: " + delta + "\n\ndata: " + usage + "\n\ndata: [DONE]\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var body []byte
			h := build(t, func(w http.ResponseWriter, r *http.Request) {
				body = must(io.ReadAll(r.Body))
				stream(delta, usage, "[DONE]")(w, r)
			}, nil)
			resp, text := h.post(t, "/v1/chat/completions", `{"model":"m","stream":true,"messages":[]`+c.options+`}`)
			if resp.StatusCode != 200 || text != c.want {
				t.Errorf("%d %q", resp.StatusCode, text)
			}
			if !bytes.Contains(body, []byte(`"include_usage":true`)) {
				t.Errorf("the provider was asked %s", body)
			}
			if x := h.last(t); x.Usage.Input() != 10 || x.Usage.Output() != 9 {
				t.Errorf("recorded %+v", x.Usage)
			}
		})
	}
}

func TestCallerLeavesAndTheProviderIsStopped(t *testing.T) {
	gone := make(chan struct{})
	h := build(t, func(w http.ResponseWriter, r *http.Request) {
		stream(`{"choices":[{"delta":{"content":"some words here"}}]}`)(w, r)
		<-r.Context().Done()
		close(gone)
	}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	req := must(http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/v1/chat/completions", strings.NewReader(`{"model":"m","stream":true,"messages":[]}`)))
	req.Header.Set("X-Api-Key", testKey)
	resp := must(http.DefaultClient.Do(req))
	defer resp.Body.Close()
	if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the provider still generates for a caller who left")
	}
	x := h.last(t)
	if x.Outcome != gateway.Cut || x.Status != 499 || x.Usage.Output() == 0 {
		t.Errorf("recorded outcome %v status %d usage %+v", x.Outcome, x.Status, x.Usage)
	}
}

func TestRefusedRequests(t *testing.T) {
	h := build(t, func(w http.ResponseWriter, _ *http.Request) { t.Error("a refused request reached the provider") }, nil)
	address := strings.TrimPrefix(h.url, "http://")
	auth := "Authorization: Bearer " + testKey + "\r\n"
	for _, c := range []struct{ name, head, body, status, code string }{
		{"encoded slash", "POST /v1%2fchat/completions HTTP/1.1\r\n" + auth, "{}", "400", "invalid_path"},
		{"encoded dot", "POST /v1/%2e%2e/completions HTTP/1.1\r\n" + auth, "{}", "400", "invalid_path"},
		{"dot segment", "POST /v1/../chat/completions HTTP/1.1\r\n" + auth, "{}", "400", "invalid_path"},
		{"connection drops the key", "POST /v1/chat/completions HTTP/1.1\r\nConnection: authorization\r\n" + auth, "{}", "400", "invalid_header"},
		{"two lengths", "POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + auth, "0\r\n\r\n", "400", "conflicting_length"},
		{"two keys", "POST /v1/chat/completions HTTP/1.1\r\nX-Api-Key: another\r\n" + auth, chat, "400", "conflicting_credentials"},
		{"no key", "POST /v1/chat/completions HTTP/1.1\r\n", chat, "401", "invalid_api_key"},
		{"other scheme", "POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Basic " + testKey + "\r\n", chat, "401", "invalid_api_key"},
		{"duplicate name", "POST /v1/chat/completions HTTP/1.1\r\n" + auth, `{"model":"a","messages":[],"model":"b"}`, "400", "invalid_request_body"},
		{"deep duplicate name", "POST /v1/chat/completions HTTP/1.1\r\n" + auth, `{"model":"a","messages":[{"role":"user","role":"x"}]}`, "400", "invalid_request_body"},
		{"case of model", "POST /v1/chat/completions HTTP/1.1\r\n" + auth, `{"MODEL":"a","messages":[]}`, "400", "invalid_request_body"},
		{"invalid UTF-8", "POST /v1/chat/completions HTTP/1.1\r\n" + auth, "{\"model\":\"\xff\"}", "400", "invalid_request_body"},
		{"another dialect", "POST /v1/messages HTTP/1.1\r\n" + auth, `{"model":"m","max_tokens":1,"messages":[]}`, "400", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := must(net.Dial("tcp", address))
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, "%sHost: gw\r\nContent-Length: %d\r\n\r\n%s", c.head, len(c.body), c.body)
			resp := must(http.ReadResponse(bufio.NewReader(conn), nil))
			defer resp.Body.Close()
			text := string(must(io.ReadAll(resp.Body)))
			if !strings.HasPrefix(resp.Status, c.status) || !strings.Contains(text, c.code) {
				t.Errorf("%s %s", resp.Status, text)
			}
		})
	}
}

func TestPanicIsAnErrorWithoutValues(t *testing.T) {
	h := build(t, func(http.ResponseWriter, *http.Request) {}, func(r *gateway.Route) {
		r.Models.Entries[0].Target.Transport = panics{}
	})
	resp, text := h.post(t, "/v1/chat/completions", chat)
	if resp.StatusCode != 500 || !strings.Contains(text, "internal_error") || strings.Contains(text, "hush") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if x := h.last(t); x.Outcome != gateway.Aborted {
		t.Errorf("a panic was recorded as %v", x.Outcome)
	}
}

type panics struct{}

func (panics) Send(context.Context, *provider.Request) (*provider.Response, error) {
	panic("hush: a value of the request")
}

func BenchmarkChat(b *testing.B) {
	length := fmt.Sprint(len(answer))
	h := build(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Header()["Content-Length"] = []string{length}
		_, _ = io.WriteString(w, answer)
	}, nil)
	b.ReportAllocs()
	for b.Loop() {
		h.post(b, "/v1/chat/completions", chat)
	}
}

// logs shows the program's log in a failing test, and keeps it.
type logs struct {
	t    testing.TB
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Log(string(p))
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestCostBehindAStream: what a stream came to is told in its trailer, and what a
// whole answer came to in a header.
func TestCostBehindAStream(t *testing.T) {
	const usage = `"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}`
	streams := true
	h := build(t, func(w http.ResponseWriter, _ *http.Request) {
		if streams {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"model\":\"gpt-5\",\"choices\":[],"+usage+"}\n\ndata: [DONE]\n\n")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"model":"gpt-5","choices":[],`+usage+`}`)
	}, nil)
	resp, text := h.post(t, "/v1/chat/completions", `{"model":"gpt-5","stream":true,"messages":[]}`)
	if resp.Trailer.Get("X-Tollgate-Cost") != "0.0001" || resp.Header.Get("X-Tollgate-Cost") != "" || !strings.HasSuffix(text, "data: [DONE]\n\n") {
		t.Errorf("trailer %v, header %v: %q", resp.Trailer, resp.Header, text)
	}
	streams = false
	resp, _ = h.post(t, "/v1/chat/completions", `{"model":"gpt-5","messages":[]}`)
	if resp.Header.Get("X-Tollgate-Cost") != "0.0001" || len(resp.Trailer) != 0 {
		t.Errorf("trailer %v, header %v", resp.Trailer, resp.Header)
	}
}
