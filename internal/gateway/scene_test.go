package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/caller"
	"tollgate/internal/dialect"
	"tollgate/internal/expression"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/vkey"
)

const (
	aliceKey = "sk-alice-abc123def456"
	bobKey   = "sk-bob-abc123def456" // may use gpt-* only
	oldKey   = "sk-old-abc123def456" // expired
	chatPath = "/v1/chat/completions"
	chatBody = `{"model":"gpt-5","messages":[{"role":"user","content":"Hello!"}]}`
	good     = `{"id":"c1","object":"chat.completion","model":"gpt-5-2026","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}}`
)

// scene is a gateway with one listener and one route for models, whose targets
// are sent to by a scripted transport. Change what is exported by the snapshot's
// types before the first request; put makes the change seen.
type scene struct {
	t         testing.TB
	keys      *vkey.Set
	bind      *gateway.Bind
	listener  *gateway.Listener
	route     *gateway.Route
	target    *gateway.Target
	snap      *gateway.Snapshot
	up        *upstream
	gateway   *gateway.Gateway
	recording sync.Mutex
	records   []gateway.Exchange
	registry  *ratelimit.Registry
	log       bytes.Buffer
}

// Record implements gateway.Recorder.
func (s *scene) Record(x *gateway.Exchange) {
	s.recording.Lock()
	defer s.recording.Unlock()
	kept := *x
	kept.Attempts = slices.Clone(x.Attempts)
	kept.MetricFields, kept.LogFields = slices.Clone(x.MetricFields), slices.Clone(x.LogFields)
	s.records = append(s.records, kept)
}

// last is the record of the newest exchange.
func (s *scene) last() *gateway.Exchange {
	s.t.Helper()
	if len(s.records) == 0 {
		s.t.Fatal("no exchange was recorded")
	}
	return &s.records[len(s.records)-1]
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func patterns(names ...string) caller.Models { return must(access.ParsePatterns(names)) }

func newScene(t testing.TB, replies ...func(*sent) (*provider.Response, error)) *scene {
	t.Helper()
	s := &scene{t: t, up: &upstream{replies: replies}, registry: ratelimit.NewRegistry(time.Now())}
	s.keys = must(vkey.NewSet(nil, []vkey.Entry{
		{Digest: vkey.Hash(aliceKey), Caller: &caller.Caller{KeyID: "key_alice", Name: "alice", Metadata: map[string]any{"team": "a"}}},
		{Digest: vkey.Hash(bobKey), Caller: &caller.Caller{KeyID: "key_bob", Name: "bob", Models: patterns("gpt-*"), ModelsSet: true}},
		{Digest: vkey.Hash(oldKey), Caller: &caller.Caller{KeyID: "key_old"}, Expires: time.Unix(1, 0)},
	}))
	s.target = s.newTarget("main")
	s.route = &gateway.Route{
		Place:  &gateway.Place{Bind: "bind/4000", Gateway: "default", Listener: "llm", Route: "internal/llm:request"},
		Gate:   gateway.Gate{Auth: &gateway.Auth{Mode: gateway.Strict, Keys: s.keys}},
		Models: &gateway.Models{Virtual: map[string]*gateway.Virtual{}},
	}
	s.model("*", s.target)
	s.listener = &gateway.Listener{Place: &gateway.Place{Bind: "bind/4000", Listener: "llm"}}
	s.bind = &gateway.Bind{Address: "a", Listeners: []*gateway.Listener{s.listener}}
	s.snap = &gateway.Snapshot{
		Binds:    map[string]*gateway.Bind{"a": s.bind},
		MaxEvent: 1 << 20, MaxAnswer: 1 << 20, MaxBody: 1 << 20,
	}
	s.snap.Keys = s.keys
	s.snap.Form.Memory, s.snap.Form.Total, s.snap.Form.Fields = 1<<20, 1<<20, 1<<20
	s.listener.Routes = routing.NewTable([]routing.Entry[*gateway.Route]{{Route: s.route}})
	s.gateway = gateway.New(gateway.Options{Snapshot: s.snap, Quota: s.engine(), Recorder: s, Log: s.logger()})
	return s
}

func (s *scene) engine() *quota.Engine { return quota.NewEngine(time.Now, nil) }

func (s *scene) logger() *slog.Logger { return slog.New(slog.NewTextHandler(&s.log, nil)) }

func (s *scene) newTarget(name string) *gateway.Target {
	return &gateway.Target{
		Name: name, Provider: "openai", Transport: s.up,
		Endpoint:   &provider.Endpoint{Key: name, Host: name + ".example:443"},
		Authority:  name + ".example",
		Static:     "Authorization: Bearer real-" + name + "\r\n",
		Operations: gateway.Of(dialect.Chat, dialect.Completions, dialect.Responses, dialect.Embeddings, dialect.Messages, dialect.CountTokens),
		Paths:      gateway.Paths{Prefix: "/v1"},
		Health:     &routing.Health{}, Cooling: routing.DefaultCooling,
	}
}

// model adds an entry behind those that are there.
func (s *scene) model(pattern string, target *gateway.Target) *gateway.Model {
	m := &gateway.Model{Pattern: must(access.ParsePattern(pattern)), Target: target}
	s.route.Models.Entries = append(s.route.Models.Entries, m)
	s.route.Models.Listed = append(s.route.Models.Listed, gateway.Listed{Name: pattern, Entry: m})
	return m
}

// backends makes the route one of groups of targets instead of models.
func (s *scene) backends(groups ...[]*gateway.Target) {
	b := &gateway.Backend{Weight: 1}
	for _, g := range groups {
		var choices []gateway.Choice
		for _, t := range g {
			choices = append(choices, gateway.Choice{Target: t})
		}
		b.Groups = append(b.Groups, choices)
	}
	s.route.Models = nil
	s.route.SetBackends([]*gateway.Backend{b})
}

// limit adds a limit to the route.
func (s *scene) limit(r ratelimit.Rule, key string) {
	a := s.registry.Adopt([]ratelimit.Rule{r}, time.Now())
	a.Commit(time.Now())
	rule := &quota.Rule{Limiter: a.Limiter(&r)}
	if key != "" {
		rule.Key = must(expression.Compile(key))
	}
	s.route.Limits = append(s.route.Limits, rule)
}

func expr(text string) *expression.Program { return must(expression.Compile(text)) }

func rules(effect access.Effect, text string) *access.Rules {
	return access.NewRules([]access.Rule{{Effect: effect, Condition: expr(text)}})
}

// call is a request to make.
type call struct {
	method, path, query, host string
	header                    gateway.Header
	body                      string
	noBody                    bool
	reader                    io.Reader
	length                    int64 // that the caller declares, if any
	ctx                       context.Context
	out                       *caughtAnswer
}

// do serves a request, as alice unless the call has a header of its own.
func (s *scene) do(c call) *caughtAnswer {
	s.t.Helper()
	req := &gateway.Request{
		Received: time.Now(), Address: "a", Method: "POST", Scheme: "http", Host: "gw.example", Path: chatPath, Query: c.query,
		Proto: "HTTP/1.1", RemoteAddr: "192.0.2.7:1234", Header: gateway.Header{}, Length: -1,
	}
	if c.length > 0 {
		req.Length = c.length
	}
	if c.method != "" {
		req.Method = c.method
	}
	if c.path != "" {
		req.Path = c.path
	}
	if c.host != "" {
		req.Host = c.host
	}
	if c.header == nil {
		c.header = gateway.Header{"Authorization": {"Bearer " + aliceKey}}
	}
	maps.Copy(req.Header, c.header)
	switch {
	case c.reader != nil:
		req.Body = c.reader
	case c.noBody:
	case c.body != "":
		req.Body = strings.NewReader(c.body)
	default:
		req.Body = strings.NewReader(chatBody)
	}
	ctx := c.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	out := c.out
	if out == nil {
		out = &caughtAnswer{}
	}
	out.header = gateway.Header{}
	s.gateway.Serve(ctx, req, out)
	return out
}

// caughtAnswer is a Responder that keeps what it was given.
type caughtAnswer struct {
	header  gateway.Header
	status  int
	length  int64
	body    bytes.Buffer
	flushed int // bytes that were flushed
	aborted bool
	trailer gateway.Header
	onFlush func(total string)
	fail    error // of writes
}

func (a *caughtAnswer) Header() gateway.Header { return a.header }

func (a *caughtAnswer) Start(status int, length int64) {
	if a.status != 0 {
		panic("an answer was started twice")
	}
	a.status, a.length = status, length
	a.header = maps.Clone(a.header)
}

func (a *caughtAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		panic("a body was written before its head")
	}
	if a.fail != nil {
		return 0, a.fail
	}
	return a.body.Write(p)
}

func (a *caughtAnswer) Flush() error {
	a.flushed = a.body.Len()
	if a.onFlush != nil {
		a.onFlush(a.body.String())
	}
	return a.fail
}

func (a *caughtAnswer) Lines([]byte) bool { return false }

func (a *caughtAnswer) Trailer(name, value string) {
	if a.trailer == nil {
		a.trailer = gateway.Header{}
	}
	a.trailer.Set(name, value)
}

func (a *caughtAnswer) Abort() { a.aborted = true }

func (a *caughtAnswer) text() string { return a.body.String() }

// want checks status and code of an answer.
func (a *caughtAnswer) want(t testing.TB, status int, contains string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.text(), contains) {
		t.Errorf("answer %d %s\nwant %d with %s", a.status, a.text(), status, contains)
	}
}

// sent is a request as a provider got it.
type sent struct {
	provider.Request
	body string
	ctx  context.Context
}

// upstream is a transport that answers by script: the n-th request by the n-th
// reply, further ones by the last.
type upstream struct {
	mu      sync.Mutex
	replies []func(*sent) (*provider.Response, error)
	seen    []*sent
	open    int // bodies not closed yet
}

// Send implements provider.Transport.
func (u *upstream) Send(ctx context.Context, r *provider.Request) (*provider.Response, error) {
	s := &sent{Request: *r, ctx: ctx, body: string(r.Body)}
	s.Header = slices.Clone(r.Header)
	if r.Stream != nil {
		s.body = string(must(io.ReadAll(r.Stream)))
	}
	u.mu.Lock()
	u.seen = append(u.seen, s)
	n := len(u.seen) - 1
	u.mu.Unlock()
	answer := whole(200, good)
	if len(u.replies) > 0 {
		answer = u.replies[min(n, len(u.replies)-1)]
	}
	resp, err := answer(s)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	u.open++
	u.mu.Unlock()
	resp.Body = &closing{ReadCloser: resp.Body, upstream: u}
	return resp, nil
}

type closing struct {
	io.ReadCloser
	upstream *upstream
	once     sync.Once
}

func (c *closing) Close() error {
	c.once.Do(func() {
		c.upstream.mu.Lock()
		c.upstream.open--
		c.upstream.mu.Unlock()
	})
	return c.ReadCloser.Close()
}

// the one request that was sent.
func (u *upstream) one(t testing.TB) *sent {
	t.Helper()
	if len(u.seen) != 1 {
		t.Fatalf("%d requests were sent, want 1", len(u.seen))
	}
	return u.seen[0]
}

func jsonHeader(more ...string) provider.Header {
	h := provider.Header{{Name: "Content-Type", Value: "application/json"}}
	for i := 0; i < len(more); i += 2 {
		h = append(h, provider.Field{Name: more[i], Value: more[i+1]})
	}
	return h
}

// whole answers at once.
func whole(status int, body string, header ...string) func(*sent) (*provider.Response, error) {
	return func(*sent) (*provider.Response, error) {
		return &provider.Response{Status: status, Header: jsonHeader(header...), Body: io.NopCloser(strings.NewReader(body)), Length: int64(len(body))}, nil
	}
}

// typed answers with a body of another type.
func typed(status int, contentType string, body io.Reader, length int64) func(*sent) (*provider.Response, error) {
	return func(*sent) (*provider.Response, error) {
		h := provider.Header{}
		if contentType != "" {
			h = append(h, provider.Field{Name: "content-type", Value: contentType})
		}
		return &provider.Response{Status: status, Header: h, Body: io.NopCloser(body), Length: length}, nil
	}
}

// streamed answers with a stream.
func streamed(body io.Reader) func(*sent) (*provider.Response, error) {
	return typed(200, "text/event-stream; charset=utf-8", body, -1)
}

func events(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		b.WriteString("data: " + d + "\n\n")
	}
	return b.String()
}

// fails does not answer.
func fails(stage provider.Stage) func(*sent) (*provider.Response, error) {
	return func(*sent) (*provider.Response, error) {
		return nil, &provider.SendError{Stage: stage, Err: errors.New("connection refused")}
	}
}

// hangs answers only when the context ends, as transports do.
func hangs(s *sent) (*provider.Response, error) {
	<-s.ctx.Done()
	return nil, provider.NewSendError(s.ctx, provider.Await, s.ctx.Err())
}

// breaking gives what it is given and then an error.
func breaking(text string) io.Reader {
	return io.MultiReader(strings.NewReader(text), brokenReader{})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) {
	return 0, &provider.SendError{Stage: provider.Read, Err: io.ErrUnexpectedEOF}
}

// keeper keeps the header of a request that was sent, which nobody else may do.
type keeper struct {
	provider.Transport
	kept *provider.Header
}

func (k keeper) Send(ctx context.Context, r *provider.Request) (*provider.Response, error) {
	*k.kept = r.Header
	return k.Transport.Send(ctx, r)
}

// headerSent gives the one value of a header that was sent, "" if it is not there
// exactly once.
func headerSent(s *sent, name string) string {
	found, n := "", 0
	for _, f := range s.Header {
		if strings.EqualFold(f.Name, name) {
			found, n = f.Value, n+1
		}
	}
	if n != 1 {
		return ""
	}
	return found
}

func headerOf(pairs ...string) []provider.Field {
	var fields []provider.Field
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, provider.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return fields
}
