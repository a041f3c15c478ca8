package gateway_test

import (
	"encoding/json"
	"io"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/caller"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/vkey"
)

// asBob calls with the key that may use gpt-* only.
func asBob(model string) call {
	return call{header: bearer(bobKey), body: `{"model":` + string(must(json.Marshal(model))) + `,"messages":[]}`}
}

func TestAllowedModels(t *testing.T) {
	s := newScene(t)
	s.do(asBob("gpt-5")).want(t, 200, "")
	out := s.do(asBob("claude-5"))
	out.want(t, 403, `"code":"model_not_allowed"`)
	if !strings.Contains(out.text(), `"param":"model"`) {
		t.Errorf("%s", out.text())
	}
	if x := s.last(); x.Reason != "Authorization" || x.ModelAsked != "claude-5" {
		t.Errorf("recorded %s %q", x.Reason, x.ModelAsked)
	}
	s.do(call{header: bearer(bobKey), body: `{"messages":[]}`}).want(t, 403, "model_not_allowed")
	s.do(call{body: `{"model":"claude-5","messages":[]}`}).want(t, 200, "")
	if len(s.up.seen) != 2 {
		t.Errorf("%d requests were sent", len(s.up.seen))
	}
}

func TestAliases(t *testing.T) {
	alias := func(pattern, model string) gateway.Alias {
		return gateway.Alias{Pattern: must(access.ParsePattern(pattern)), Model: model}
	}
	s := newScene(t)
	s.route.AI = &gateway.AI{Aliases: []gateway.Alias{alias("gpt-fast", "gpt-5-mini"), alias("gpt-open", "claude-5"), alias("*", "gpt-other")}}
	// An alias the caller may not name, an alias of a model that it may not use.
	s.do(asBob("fast")).want(t, 403, "model_not_allowed")
	s.do(asBob("gpt-open")).want(t, 403, "model_not_allowed")
	if len(s.up.seen) != 0 {
		t.Fatal("a refused request reached the provider")
	}
	s.do(asBob("gpt-fast")).want(t, 200, "")
	if r := s.up.one(t); !strings.Contains(r.body, `"model":"gpt-5-mini"`) {
		t.Errorf("the provider was sent %s", r.body)
	}
	if x := s.last(); x.ModelAsked != "gpt-fast" || x.ModelSent != "gpt-5-mini" {
		t.Errorf("recorded %q and %q", x.ModelAsked, x.ModelSent)
	}
	// agentgateway looks at the name asked for alone.
	s.snap.Plain = true
	s.do(asBob("gpt-open")).want(t, 200, "")
	s.do(asBob("fast")).want(t, 403, "model_not_allowed")
}

// What a key is denied it does not get by another name either.
func TestDeniedModelsUnderOtherNames(t *testing.T) {
	s := newScene(t)
	scope := must(access.ParseScope(nil, []string{"*-pro"}))
	s.keys = must(vkey.NewSet(nil, []vkey.Entry{
		{Digest: vkey.Hash(aliceKey), Caller: &caller.Caller{KeyID: "key_alice", Models: &scope, ModelsSet: true}},
	}))
	s.route.Gate.Auth.Keys, s.snap.Keys = s.keys, s.keys
	s.route.Models.Entries, s.route.Models.Listed = nil, nil
	pro := s.newTarget("pro")
	pro.Model = "gpt-5-pro"
	big, plain := s.model("big", pro), s.model("small", s.newTarget("small"))
	s.route.Models.Virtual["any"] = &gateway.Virtual{Failover: [][]gateway.VirtualTarget{
		{{Model: "big", Entry: big}}, {{Model: "small", Entry: plain}},
	}}
	ask := func(model string) call {
		return call{header: bearer(aliceKey), body: `{"model":"` + model + `","messages":[]}`}
	}
	s.do(ask("gpt-5-pro")).want(t, 403, "model_not_allowed")
	s.do(ask("big")).want(t, 403, "model_not_allowed")
	if len(s.up.seen) != 0 {
		t.Fatal("a refused request reached the provider")
	}
	s.do(ask("small")).want(t, 200, "")
	s.do(ask("any")).want(t, 200, "")
	if x := s.last(); x.Backend != "small" {
		t.Errorf("went to %s", x.Backend)
	}
	if list := s.do(call{method: "GET", path: "/v1/models", noBody: true}); strings.Contains(list.body.String(), `"big"`) || !strings.Contains(list.body.String(), `"small"`) {
		t.Errorf("listed %s", list.body.String())
	}
	s.do(call{method: "GET", path: "/v1/models/big", noBody: true}).want(t, 404, "model_not_found")
	s.snap.Plain = true
	s.do(ask("big")).want(t, 200, "")
}

func TestModelRouting(t *testing.T) {
	s := newScene(t)
	s.route.Models.Entries, s.route.Models.Listed = nil, nil
	s.model("gpt-hidden", s.newTarget("hidden")).Internal = true
	s.model("gpt-eu", s.newTarget("eu")).Headers = [][]routing.Condition{
		{{Name: "x-region", Exact: "eu"}, {Name: "x-tier", Exact: "gold"}}, {{Name: ":method", Exact: "PATCH"}}}
	s.model("gpt-ruled", s.newTarget("ruled")).Rules = rules(access.Allow, `apiKey.team == "b"`)
	s.model("gpt-ruled", s.newTarget("second")).Rules = rules(access.Allow, `llm.requestModel == "gpt-ruled" && apiKey.team == "a"`)
	s.model("gpt-closed", s.newTarget("closed")).Rules = rules(access.Deny, `true`)
	s.model("claude-*", s.newTarget("claude"))
	for _, c := range []struct {
		model, code, backend string
		header               gateway.Header
		status               int
	}{
		{model: "gpt-hidden", status: 404, code: "model_not_found"},
		{model: "gpt-eu", status: 404, code: "model_not_found"},
		{model: "gpt-eu", header: gateway.Header{"X-Region": {"eu"}}, status: 404, code: "model_not_found"},
		{model: "gpt-eu", header: gateway.Header{"X-Region": {"eu"}, "X-Tier": {"gold"}}, status: 200, backend: "eu"},
		{model: "gpt-ruled", status: 200, backend: "second"},
		{model: "gpt-closed", status: 403, code: "model_authorization_denied"},
		{model: "claude-5", status: 200, backend: "claude"},
		{model: "nothing", status: 404, code: "model_not_found"},
		{model: "", status: 400, code: "missing_model"},
	} {
		h := bearer(aliceKey)
		for name, v := range c.header {
			h[name] = v
		}
		sent := len(s.up.seen)
		body := `{"model":"` + c.model + `","messages":[]}`
		if c.model == "" {
			body = `{"messages":[]}`
		}
		s.do(call{header: h, body: body}).want(t, c.status, c.code)
		x := s.last()
		if c.status == 200 && x.Backend != c.backend {
			t.Errorf("%s went to %s, want %s", c.model, x.Backend, c.backend)
		}
		if c.status != 200 && len(s.up.seen) != sent {
			t.Errorf("%s reached the provider", c.model)
		}
	}
}

func TestVirtualModels(t *testing.T) {
	s := newScene(t)
	m := s.route.Models
	m.Entries = nil
	a, b := s.model("gpt-a", s.newTarget("a")), s.model("claude-b", s.newTarget("b"))
	closed := s.model("gpt-c", s.newTarget("c"))
	closed.Rules = rules(access.Deny, "true")
	a.Internal = true
	to := func(name string, e *gateway.Model) gateway.VirtualTarget {
		return gateway.VirtualTarget{Model: name, Entry: e, Weight: 1}
	}
	m.Virtual["gpt-any"] = &gateway.Virtual{Failover: [][]gateway.VirtualTarget{{to("claude-b", b)}, {to("gpt-c", closed)}, {to("gpt-a", a)}}}
	m.Virtual["gpt-only-b"] = &gateway.Virtual{Weighted: []gateway.VirtualTarget{{Model: "gpt-a", Entry: a}, to("claude-b", b)}}
	m.Virtual["gpt-zero"] = &gateway.Virtual{Weighted: []gateway.VirtualTarget{{Model: "gpt-a", Entry: a}}}
	m.Virtual["gpt-closed"] = &gateway.Virtual{Weighted: []gateway.VirtualTarget{to("gpt-c", closed)}}
	big := to("claude-b", b)
	big.When = expr(`llmRequest.max_tokens > 100`)
	broken := to("gpt-c", closed)
	broken.When = expr(`llmRequest.nothing.here == 1`)
	small := to("gpt-a", a)
	m.Virtual["gpt-when"] = &gateway.Virtual{Conditional: []gateway.VirtualTarget{big, broken, small}}
	m.Virtual["gpt-never"] = &gateway.Virtual{Conditional: []gateway.VirtualTarget{big}}

	backend := func(c call, status int, code, want, model string) {
		t.Helper()
		n := len(s.up.seen)
		s.do(c).want(t, status, code)
		switch {
		case want == "" && len(s.up.seen) > n:
			t.Errorf("%s was sent", c.body)
		case want != "" && (s.last().Backend != want || s.last().ModelSent != model):
			t.Errorf("%s went to %s as %s", c.body, s.last().Backend, s.last().ModelSent)
		}
	}
	asAlice := func(model, more string) call {
		return call{body: `{"model":"` + model + `","messages":[]` + more + `}`}
	}
	backend(asAlice("gpt-any", ""), 200, "", "b", "claude-b")
	backend(asBob("gpt-any"), 200, "", "a", "gpt-a") // what bob may not use is passed over
	backend(asAlice("gpt-only-b", ""), 200, "", "b", "claude-b")
	backend(asBob("gpt-only-b"), 403, "model_not_allowed", "", "")
	backend(asAlice("gpt-zero", ""), 404, "virtual_model_not_resolved", "", "")
	backend(asAlice("gpt-closed", ""), 403, "model_authorization_denied", "", "")
	backend(asAlice("gpt-when", `,"max_tokens":101`), 200, "", "b", "claude-b")
	backend(asAlice("gpt-when", `,"max_tokens":100`), 200, "", "a", "gpt-a")
	backend(asAlice("gpt-when", ``), 200, "", "a", "gpt-a")
	backend(asAlice("gpt-never", ``), 400, "virtual_model_no_matching_target", "", "")
	s.snap.Plain = true
	backend(asBob("gpt-only-b"), 200, "", "b", "claude-b")
	if !strings.Contains(s.up.seen[0].body, `"model":"claude-b"`) {
		t.Errorf("sent %s", s.up.seen[0].body)
	}
}

func TestListOfModels(t *testing.T) {
	s := newScene(t)
	m := s.route.Models
	m.Created = time.Unix(1700000000, 0)
	m.Entries, m.Listed = nil, nil
	s.model("gpt-5", s.target)
	s.model("claude-*", s.target)
	s.model("gpt-ruled", s.target).Rules = rules(access.Require, `apiKey.team == "a"`)
	m.Listed = append(m.Listed, gateway.Listed{Name: "fast"})
	names := func(out *caughtAnswer) string {
		t.Helper()
		var list struct {
			Data []struct {
				ID      string
				Created int64
			}
		}
		if err := json.Unmarshal(out.body.Bytes(), &list); err != nil || out.status != 200 || out.header.Get("Content-Type") != "application/json" {
			t.Fatalf("%d %v %s", out.status, out.header, out.text())
		}
		var ids []string
		for _, e := range list.Data {
			ids = append(ids, e.ID)
		}
		return strings.Join(ids, " ")
	}
	get := call{method: "GET", path: "/v1/models", noBody: true}
	out := s.do(get)
	if got := names(out); got != "gpt-5 claude-* gpt-ruled fast" || !strings.Contains(out.text(), `"created":1700000000`) {
		t.Errorf("alice sees %s", out.text())
	}
	if x := s.last(); x.Outcome != gateway.Answered || x.Status != 200 || x.BytesOut != int64(len(out.text())) || x.Reason != "DirectResponse" {
		t.Errorf("recorded %+v", x)
	}
	get.header = bearer(bobKey)
	if got := names(s.do(get)); got != "gpt-5" {
		t.Errorf("bob sees %s", got)
	}
	get.header["Anthropic-Version"] = []string{"2023-06-01"}
	if out := s.do(get); !strings.Contains(out.text(), `"first_id":"gpt-5"`) {
		t.Errorf("Anthropic's list is %s", out.text())
	}
	s.do(call{path: "/v1/models", body: "{}"}).want(t, 400, "invalid_method")
	s.do(call{method: "HEAD", path: "/v1/models", noBody: true}).want(t, 200, "")
	s.do(call{path: "/v1/models", header: gateway.Header{}}).want(t, 401, "invalid_api_key")
	s.backends([]*gateway.Target{s.target})
	s.do(call{method: "GET", path: "/v1/models", noBody: true}).want(t, 404, "models_unavailable")
	if len(s.up.seen) != 0 {
		t.Error("the provider was asked")
	}
}

func TestDirectAnswersAndUnservedRoutes(t *testing.T) {
	s := newScene(t)
	s.route.Direct = &gateway.Direct{Status: 418, Body: "teapot"}
	s.route.ResponseHeaders = &gateway.HeaderPolicy{Set: headerOf("X-Set", "1")}
	out := s.do(call{})
	if out.want(t, 418, "teapot"); out.header.Get("Content-Type") != "text/plain; charset=utf-8" || out.header.Get("X-Set") != "1" || out.length != 6 {
		t.Errorf("%v", out.header)
	}
	if x := s.last(); x.Outcome != gateway.Answered || x.Reason != "DirectResponse" || x.BytesOut != 6 {
		t.Errorf("recorded %+v", x)
	}
	s.route.Direct.Body = ""
	if out := s.do(call{}); out.header.Get("Content-Type") != "" {
		t.Errorf("%v", out.header)
	}
	s.do(call{header: gateway.Header{}}).want(t, 401, "")
	s.route.Direct, s.route.Unserved = nil, "Not here."
	s.do(call{}).want(t, 503, "Not here.")
	if s.last().Outcome != gateway.Failed {
		t.Errorf("recorded %v", s.last().Outcome)
	}
}

func TestBackends(t *testing.T) {
	s := newScene(t)
	s.backends([]*gateway.Target{s.target})
	served := s.route.Backends[0]
	unserved := &gateway.Backend{Weight: 1, Unserved: "No such kind."}
	s.route.SetBackends([]*gateway.Backend{unserved})
	s.do(call{}).want(t, 503, "No such kind.")
	s.route.SetBackends([]*gateway.Backend{{Weight: 0, Unserved: "wrong"}, served})
	s.do(call{}).want(t, 200, "")
	s.route.SetBackends([]*gateway.Backend{{Weight: 0}, {Weight: 0}})
	s.do(call{}).want(t, 503, "no_backend")
	s.route.SetBackends([]*gateway.Backend{{Weight: 1}})
	s.do(call{}).want(t, 503, "no_backend")
}

func TestOperationsOfTargets(t *testing.T) {
	s := newScene(t)
	chatOnly, both := s.newTarget("chat"), s.newTarget("both")
	chatOnly.Operations = gateway.Of(dialect.Chat)
	s.backends([]*gateway.Target{chatOnly}, []*gateway.Target{both})
	s.do(call{path: "/v1/messages"}).want(t, 200, "")
	if s.last().Backend != "both" {
		t.Errorf("went to %s", s.last().Backend)
	}
	s.backends([]*gateway.Target{chatOnly})
	out := s.do(call{path: "/v1/messages"})
	out.want(t, 400, "translation_unsupported")
	if !strings.HasPrefix(out.text(), `{"type":"error","error":{"type":"invalid_request_error"`) || !strings.Contains(out.text(), "anthropic messages") {
		t.Errorf("%s", out.text())
	}
	s.do(call{path: "/v1/anything", body: "{}"}).want(t, 200, "")
	if len(s.up.seen) != 2 {
		t.Errorf("%d were sent", len(s.up.seen))
	}
}

// A target that sets the model itself needs none in the request.
func TestMissingModel(t *testing.T) {
	s := newScene(t)
	s.backends([]*gateway.Target{s.target})
	for _, path := range []string{chatPath, "/v1/completions", "/v1/embeddings", "/v1/messages"} {
		s.do(call{path: path, body: `{"messages":[],"max_tokens":1}`}).want(t, 400, "missing_model")
	}
	s.do(call{path: "/v1/responses", body: `{"input":"x"}`}).want(t, 200, "")
	s.target.Model = "fixed"
	s.do(call{body: `{"messages":[]}`}).want(t, 200, "")
	if body := s.up.seen[1].body; !strings.Contains(body, `"model":"fixed"`) {
		t.Errorf("sent %s", body)
	}
}

func TestBodies(t *testing.T) {
	s := newScene(t)
	s.snap.MaxBody = int64(len(chatBody))
	s.do(call{}).want(t, 200, "")
	s.do(call{body: chatBody + " "}).want(t, 413, "request_body_too_large")
	s.do(call{noBody: true}).want(t, 400, "invalid_request_body")
	s.do(call{reader: strings.NewReader("")}).want(t, 400, "invalid_request_body")
	s.do(call{body: `{"model":"a","model":"b"}`}).want(t, 400, "invalid_request_body")
	s.do(call{reader: io.MultiReader(strings.NewReader(`{"mod`), errReader{fault.New(fault.Invalid, "request_body_timeout", "late")})}).
		want(t, 400, "request_body_timeout")
	s.do(call{path: "/v1/responses", body: `{"model":"m","input":"x","background":true}`}).want(t, 400, "background_unsupported")
	s.do(call{path: "/v1/responses", body: `{"model":"m","background":false}`}).want(t, 200, "")
	s.do(call{body: `{"model":"m","messages":[],"background":true}`}).want(t, 200, "")
	if len(s.up.seen) != 3 {
		t.Errorf("%d were sent", len(s.up.seen))
	}
	if x := s.records[0]; x.BytesIn != int64(len(chatBody)) {
		t.Errorf("%d bytes came in", x.BytesIn)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// What is not understood passes on a route of one backend, and nowhere else.
func TestUnreadBodies(t *testing.T) {
	s := newScene(t)
	odd := call{path: "/v1/batches", body: "not JSON"}
	s.do(odd).want(t, 400, "invalid_request_body")
	s.backends([]*gateway.Target{s.target})
	s.do(call{body: "not JSON"}).want(t, 400, "invalid_request_body")
	h := bearer(aliceKey)
	h["Content-Type"] = []string{"application/x-ndjson"}
	odd.header = h
	s.do(odd).want(t, 200, "")
	if r := s.up.one(t); r.body != "not JSON" || r.Target != "/v1/batches" || headerSent(r, "Content-Type") != "application/x-ndjson" {
		t.Errorf("sent %s %q %v", r.Target, r.body, r.Header)
	}
	s.do(call{method: "GET", path: "/v1/batches", noBody: true}).want(t, 200, "")
	if r := s.up.seen[1]; r.Method != "GET" || r.Body != nil || headerSent(r, "Content-Type") != "" {
		t.Errorf("sent %s %q %v", r.Method, r.body, r.Header)
	}
	// An object that can be read in two ways is refused everywhere.
	s.do(call{path: "/v1/batches", body: ` {"model":"a","model":"b"}`}).want(t, 400, "invalid_request_body")
	// A key that is bound to models cannot pass what names none.
	odd.header = bearer(bobKey)
	s.do(odd).want(t, 400, "")
	if out := s.do(call{method: "GET", path: "/v1/batches", noBody: true, header: bearer(bobKey)}); out.status < 400 || len(s.up.seen) != 2 {
		t.Errorf("%d %s", out.status, out.text())
	}
	// A route without keys of its own that calls unknown paths chat.
	s.route.Inferred = true
	s.do(call{path: "/v1/batches", body: "not JSON"}).want(t, 400, "invalid_request_body")
}

func TestRoutesOfPaths(t *testing.T) {
	s := newScene(t)
	s.backends([]*gateway.Target{s.target})
	s.route.AI = &gateway.AI{Routes: []gateway.PathOperation{{Suffix: "/talk", Operation: dialect.Chat}, {Suffix: "*", Operation: dialect.Passthrough}}}
	s.do(call{path: "/x/talk"}).want(t, 200, "")
	if x := s.last(); x.Operation != dialect.Chat || x.Dialect != dialect.OpenAI || s.up.seen[0].Target != "/v1/chat/completions" {
		t.Errorf("%v %v %s", x.Operation, x.Dialect, s.up.seen[0].Target)
	}
	s.do(call{path: "/v1/messages"}).want(t, 200, "")
	if x := s.last(); x.Operation != dialect.Passthrough {
		t.Errorf("%v", x.Operation)
	}
	s.route.AI = nil
	s.do(call{path: "/v1/messages"}).want(t, 200, "")
	if x := s.last(); x.Operation != dialect.Messages || x.Dialect != dialect.Anthropic {
		t.Errorf("%v %v", x.Operation, x.Dialect)
	}
	s.route.Inferred = true
	s.do(call{path: "/whatever"}).want(t, 200, "")
	if x := s.last(); x.Operation != dialect.Chat {
		t.Errorf("%v", x.Operation)
	}
}

// form is a transcription request.
func form(model string) (gateway.Header, string) {
	var b strings.Builder
	w := multipart.NewWriter(&b)
	_ = w.WriteField("model", model)
	f, _ := w.CreateFormFile("file", "a.wav")
	_, _ = io.WriteString(f, "RIFF....")
	_ = w.Close()
	h := bearer(aliceKey)
	h["Content-Type"] = []string{w.FormDataContentType()}
	return h, b.String()
}

func TestForms(t *testing.T) {
	s := newScene(t)
	s.target.Operations |= gateway.Of(dialect.Transcriptions)
	h, body := form("whisper-1")
	s.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 200, "")
	r := s.up.one(t)
	if r.body != body || r.Length != int64(len(body)) || headerSent(r, "Content-Type") != h["Content-Type"][0] {
		t.Errorf("sent %d bytes as %v:\n%s", r.Length, r.Header, r.body)
	}
	if x := s.last(); x.ModelAsked != "whisper-1" || x.BytesIn != int64(len(body)) {
		t.Errorf("recorded %q, %d bytes", x.ModelAsked, x.BytesIn)
	}
	s.target.Model = "whisper-large"
	s.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 200, "")
	if r := s.up.seen[1]; !strings.Contains(r.body, "whisper-large") || strings.Contains(r.body, "whisper-1") || !strings.Contains(r.body, "RIFF....") || r.Length != int64(len(r.body)) {
		t.Errorf("sent %s", r.body)
	}
	h2, other := form("claude")
	h2["Authorization"] = []string{"Bearer " + bobKey}
	s.do(call{path: "/v1/audio/transcriptions", header: h2, body: other}).want(t, 403, "model_not_allowed")
	s.snap.Form.Total = 10
	s.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 413, "")
	if s.gateway.MaxBody() != s.snap.MaxBody {
		t.Errorf("the largest body is %d", s.gateway.MaxBody())
	}
	s.snap.Form.Total = s.snap.MaxBody + 5
	if s.gateway.MaxBody() != s.snap.Form.Total {
		t.Errorf("the largest body is %d", s.gateway.MaxBody())
	}
}

// Whatever refuses comes before limits are asked: a refusal takes nothing.
func TestRefusalsTakeNothing(t *testing.T) {
	s := newScene(t)
	s.limit(ratelimit.Rule{ID: "one", Max: 1, PerFill: 1, Interval: time.Hour}, "")
	s.do(call{header: gateway.Header{}}).want(t, 401, "")
	s.do(asBob("claude")).want(t, 403, "")
	s.do(call{body: "{"}).want(t, 400, "")
	s.do(call{method: "GET", path: "/v1/models", noBody: true}).want(t, 200, "")
	s.do(call{path: "/v1/rerank", body: `{"model":"m","query":"q","documents":[]}`}).want(t, 400, "translation_unsupported")
	out := s.do(call{})
	if out.want(t, 200, ""); out.header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("%v", out.header)
	}
	s.do(call{}).want(t, 429, "rate_limit_exceeded")
	if len(s.up.seen) != 1 {
		t.Errorf("%d requests were sent", len(s.up.seen))
	}
}
