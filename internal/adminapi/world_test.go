package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tollgate/api/admin"
	"tollgate/internal/control"
)

// world is an admin listener over a fake control.
type world struct {
	control *fakeControl
	handler http.Handler
	log     bytes.Buffer
	backup  func(io.Writer) error
	tried   string // the key and the request
	trial   func(http.ResponseWriter, *http.Request)
}

// newWorld gives a world in which nothing has happened. There is one listener for
// all tests, which follow one another, because mounting it takes its time.
func newWorld(t *testing.T) *world {
	t.Helper()
	b := document()
	*shared.control = fakeControl{}
	shared.log.Reset()
	shared.backup, shared.handler, shared.tried, shared.trial = nil, b.guard, "", nil
	at := time.Now() // the clock stands: however slow the machine is, nobody may try again meanwhile
	clock := func() time.Time { return at }
	b.guard.failed, b.guard.refused = newFailures(clock), newAllowance[string](clock, refusalsAtOnce, failureEvery)
	b.service.tests = newAllowance[string](clock, testsAtOnce, testEvery)
	return shared
}

var shared = &world{control: &fakeControl{}}

func (w *world) admin() *Admin {
	return &Admin{
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "some_metric 1\n") }),
		Dump:    func() ([]byte, error) { return []byte(`{"llm":{}}`), nil },
		Level:   new(slog.LevelVar), Control: w.control, Version: "1.0.0", Hosts: []string{"tollgate.internal"},
		Console: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the console") }),
		Try: func(rw http.ResponseWriter, r *http.Request, keyID string) {
			w.tried = keyID + " " + r.Method + " " + r.Host + r.URL.String()
			if w.trial != nil {
				w.trial(rw, r)
				return
			}
			rw.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(rw, `"the answer"`)
		},
		Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Backup: func(_ context.Context, call control.Call, to io.Writer) error {
			if call.RequestID == "" || call.Actor.ID == "" {
				return errors.New("nobody asked")
			}
			if w.backup != nil {
				return w.backup(to)
			}
			_, err := io.WriteString(to, "archive")
			return err
		},
	}
}

// request is a request to the admin listener.
type request struct {
	method, path string
	body         string
	token        string // "": the owner's; "-": none
	from         string
	header       map[string]string
	ctx          context.Context
}

// send sends a request, and checks the answer against the OpenAPI document.
func (w *world) send(t *testing.T, rq request) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(rq.method, "http://localhost:15000"+rq.path, strings.NewReader(rq.body))
	r.RemoteAddr = "127.0.0.1:5"
	if rq.from != "" {
		r.RemoteAddr = rq.from
	}
	if rq.ctx != nil {
		r = r.WithContext(rq.ctx)
	}
	if rq.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	switch rq.token {
	case "":
		r.Header.Set("Authorization", "Bearer token-of-the-owner")
	case "-":
	default:
		r.Header.Set("Authorization", "Bearer "+rq.token)
	}
	for name, value := range rq.header {
		r.Header.Set(name, value)
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	conforms(t, r, answer)
	return answer
}

// want fails unless the answer has a status, and for errors a code.
func want(t *testing.T, answer *httptest.ResponseRecorder, status int, code string) admin.Problem {
	t.Helper()
	var p admin.Problem
	if answer.Code >= 400 {
		if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil {
			t.Fatalf("%d with a body that is no problem: %s", answer.Code, answer.Body)
		}
	}
	if answer.Code != status || p.Code != code {
		t.Fatalf("%d %q, want %d %q: %s", answer.Code, p.Code, status, code, answer.Body)
	}
	return p
}

// document is the listener of all tests, with its OpenAPI document.
var document = sync.OnceValue(func() *built { return shared.admin().build() })

// contract compiles the schemas of the document, with every object closed, so that
// an answer with a field that the document does not know fails.
var contract = sync.OnceValue(func() *compiled {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document().document))
	if err != nil {
		panic(err)
	}
	for _, schema := range doc.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any) {
		if s := schema.(map[string]any); s["properties"] != nil && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("mem:///openapi.json", doc); err != nil {
		panic(err)
	}
	return &compiled{compiler: c, doc: doc.(map[string]any), schemas: map[string]*jsonschema.Schema{}}
})

type compiled struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	doc      map[string]any
	schemas  map[string]*jsonschema.Schema
}

func (c *compiled) schema(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.schemas[pointer]; s != nil {
		return s
	}
	s, err := c.compiler.Compile("mem:///openapi.json#" + pointer)
	if err != nil {
		t.Fatalf("the schema at %s: %v", pointer, err)
	}
	c.schemas[pointer] = s
	return s
}

func (c *compiled) check(t *testing.T, pointer string, text []byte) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Errorf("%s: no JSON: %v: %s", pointer, err, text)
		return
	}
	if err := c.schema(t, pointer).Validate(v); err != nil {
		t.Errorf("%s: %v\n%s", pointer, err, text)
	}
}

// conforms checks an answer against what the document says of its operation.
func conforms(t *testing.T, r *http.Request, answer *httptest.ResponseRecorder) {
	t.Helper()
	head := answer.Header()
	if head.Get("Cache-Control") != "no-store" || head.Get("X-Request-Id") == "" || head.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s %s: headers %v", r.Method, r.URL, head)
	}
	_, pattern := document().guard.mux.Handler(r)
	row := document().guard.rows[pattern]
	kind, _, _ := strings.Cut(head.Get("Content-Type"), ";")
	if answer.Code >= 400 && r.URL.Path != "/debug/pprof/cmdline" {
		if kind != problemType {
			t.Errorf("%s %s: %d as %q", r.Method, r.URL, answer.Code, kind)
		}
		contract().check(t, "/components/schemas/Problem", answer.Body.Bytes())
	}
	if row == nil || !strings.HasPrefix(row.path, "/api/v1/") {
		return
	}
	responses := contract().operation(row)["responses"].(map[string]any)
	if responses[fmt.Sprint(answer.Code)] == nil {
		t.Errorf("%s answers %d, of which the document knows nothing", row.operation, answer.Code)
		return
	}
	pointer, response := contract().response(fmt.Sprintf("/paths/%s/%s/responses/%d", escape(row.path), strings.ToLower(row.method), answer.Code),
		responses[fmt.Sprint(answer.Code)])
	content, ok := response["content"].(map[string]any)[kind]
	if !ok {
		t.Errorf("%s answers %d as %q, of which the document knows nothing", row.operation, answer.Code, kind)
		return
	}
	if content.(map[string]any)["schema"].(map[string]any)["type"] == "string" {
		return // a stream
	}
	parts := [][]byte{answer.Body.Bytes()}
	if kind == linesType {
		parts = bytes.Split(bytes.TrimSpace(answer.Body.Bytes()), []byte("\n"))
	}
	for _, part := range parts {
		contract().check(t, pointer+"/content/"+escape(kind)+"/schema", part)
	}
}

func (c *compiled) operation(row *route) map[string]any {
	return c.doc["paths"].(map[string]any)[row.path].(map[string]any)[strings.ToLower(row.method)].(map[string]any)
}

// response gives the description of an answer, and where it stands.
func (c *compiled) response(pointer string, response any) (string, map[string]any) {
	r := response.(map[string]any)
	ref, ok := r["$ref"].(string)
	if !ok {
		return pointer, r
	}
	name := strings.TrimPrefix(ref, "#/components/responses/")
	return "/components/responses/" + name, c.doc["components"].(map[string]any)["responses"].(map[string]any)[name].(map[string]any)
}

func escape(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(token)
}

// bodyFor gives the example of the body that an operation takes, "" if it takes none.
func bodyFor(row *route) (kind, body string) {
	if !strings.HasPrefix(row.path, "/api/v1/") {
		return "", ""
	}
	sent, ok := contract().operation(row)["requestBody"].(map[string]any)
	if !ok {
		return "", ""
	}
	content := sent["content"].(map[string]any)
	if media, ok := content[jsonType].(map[string]any); ok && media["example"] != nil {
		text, err := json.Marshal(media["example"])
		if err != nil {
			panic(err)
		}
		return jsonType, string(text)
	}
	return "application/x-ndjson", `{"name":"a","key":"sk-old-secret"}`
}

// valid makes a request to a route that its owner is answered.
func valid(row *route) request {
	kind, body := bodyFor(row)
	rq := request{method: row.method, path: strings.ReplaceAll(row.path, "{id}", "key_3fT9aZ0bQ1Xy"), body: body, header: map[string]string{}}
	if body != "" {
		rq.header["Content-Type"] = kind
	}
	if row.operation == "setLogLevel" {
		rq.path += "?level=info"
	}
	if strings.HasPrefix(row.operation, "profile") { // they take their time, unless nobody waits
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		rq.ctx = ctx
	}
	return rq
}
