package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/client"
)

const token = "tgadm-canary-token"

// server answers with what handle writes, and gives a client of it.
func server(t *testing.T, handle http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	c, err := client.New(client.Options{URL: s.URL + "/", Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	if status >= 400 {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// Every operation calls its route, with what it was given.
func TestRoutes(t *testing.T) {
	ctx := context.Background()
	day := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	labels := map[string]string{"team": "a b"}
	for _, c := range []struct {
		want string // method, path with query, content type, body
		call func(c *client.Client) (any, error)
	}{
		{`POST /api/v1/keys application/json {"name":"x"}`, func(c *client.Client) (any, error) { return c.CreateKey(ctx, admin.KeyInput{Name: "x"}) }},
		{`GET /api/v1/keys?cursor=c&idle_for=1h&label.team=a+b&limit=5&q=t&sort=-name&status=active&uncapped=true`, func(c *client.Client) (any, error) {
			return c.Keys(ctx, admin.KeyFilter{Cursor: "c", Limit: 5, Text: "t", Status: "active", Labels: labels, IdleFor: "1h", Uncapped: true, Sort: "-name"})
		}},
		{`GET /api/v1/keys/a%2Fb%20c`, func(c *client.Client) (any, error) { return c.Key(ctx, "a/b c") }},
		{`PATCH /api/v1/keys/x application/merge-patch+json {"expires_at":null}`, func(c *client.Client) (any, error) {
			return c.EditKey(ctx, "x", map[string]any{"expires_at": nil})
		}},
		{`DELETE /api/v1/keys/x?reason=old`, func(c *client.Client) (any, error) { return c.DeleteKey(ctx, "x", client.Because("old")) }},
		{`DELETE /api/v1/keys/x`, func(c *client.Client) (any, error) { return c.DeleteKey(ctx, "x", client.Because("")) }},
		{`POST /api/v1/keys/x/disable application/json {"reason":"r"}`, func(c *client.Client) (any, error) { return c.DisableKey(ctx, "x", admin.Reason{Reason: "r"}) }},
		{`POST /api/v1/keys/x/enable application/json {}`, func(c *client.Client) (any, error) { return c.EnableKey(ctx, "x", admin.Reason{}) }},
		{`POST /api/v1/keys/x/revoke application/json {"mode":"cut"}`, func(c *client.Client) (any, error) { return c.RevokeKey(ctx, "x", admin.Revocation{Mode: "cut"}) }},
		{`POST /api/v1/keys/x/rotate application/json {"grace":"24h"}`, func(c *client.Client) (any, error) { return c.RotateKey(ctx, "x", admin.Rotation{Grace: "24h"}) }},
		{`GET /api/v1/keys/x/usage?from=2026-10-01T00%3A00%3A00Z`, func(c *client.Client) (any, error) { return c.KeyUsage(ctx, "x", admin.UsageFilter{From: day}) }},
		{`POST /api/v1/keys:import?dry_run=true&format=csv text/csv a,b`, func(c *client.Client) (any, error) {
			return c.ImportKeys(ctx, admin.ImportInput{Format: "csv", DryRun: true}, strings.NewReader("a,b"), nil)
		}},
		{`POST /api/v1/keys:import application/octet-stream a,b`, func(c *client.Client) (any, error) {
			return c.ImportKeys(ctx, admin.ImportInput{}, strings.NewReader("a,b"), nil)
		}},
		{`POST /api/v1/check application/json {"key":"x","model":"m"}`, func(c *client.Client) (any, error) { return c.Check(ctx, admin.Check{Key: "x", Model: "m"}) }},
		{`POST /api/v1/limits application/json {"kind":"cost","amount":"5.00"}`, func(c *client.Client) (any, error) {
			return c.CreateLimit(ctx, admin.Limit{Kind: "cost", Amount: admin.Dollars("5.00")})
		}},
		{`GET /api/v1/labels`, func(c *client.Client) (any, error) { return c.Labels(ctx) }},
		{`GET /api/v1/limits`, func(c *client.Client) (any, error) { return c.Limits(ctx) }},
		{`GET /api/v1/limits/l`, func(c *client.Client) (any, error) { return c.Limit(ctx, "l") }},
		{`PATCH /api/v1/limits/l application/merge-patch+json {"a":1}`, func(c *client.Client) (any, error) { return c.EditLimit(ctx, "l", map[string]int{"a": 1}) }},
		{`DELETE /api/v1/limits/l`, func(c *client.Client) (any, error) { return c.DeleteLimit(ctx, "l") }},
		{`POST /api/v1/limits/l/adjust application/json {"by":-5,"reason":"r"}`, func(c *client.Client) (any, error) {
			return c.Adjust(ctx, "l", admin.Adjustment{By: admin.Count(-5), Reason: "r"})
		}},
		{`POST /api/v1/credentials application/json {"name":"n","provider":"p","value":"v"}`, func(c *client.Client) (any, error) {
			return c.CreateCredential(ctx, admin.CredentialInput{Name: "n", Provider: "p", Value: "v"})
		}},
		{`GET /api/v1/credentials`, func(c *client.Client) (any, error) { return c.Credentials(ctx) }},
		{`GET /api/v1/credentials/n`, func(c *client.Client) (any, error) { return c.Credential(ctx, "n") }},
		{`PATCH /api/v1/credentials/n application/merge-patch+json {"name":"m"}`, func(c *client.Client) (any, error) {
			return c.EditCredential(ctx, "n", map[string]string{"name": "m"})
		}},
		{`POST /api/v1/credentials/n/rotate application/json {"value":"v"}`, func(c *client.Client) (any, error) {
			return c.RotateCredential(ctx, "n", admin.CredentialValue{Value: "v"})
		}},
		{`POST /api/v1/credentials/n/test`, func(c *client.Client) (any, error) { return c.TestCredential(ctx, "n") }},
		{`DELETE /api/v1/credentials/n`, func(c *client.Client) (any, error) { return c.DeleteCredential(ctx, "n") }},
		{`POST /api/v1/admin-tokens application/json {"name":"n","role":"viewer"}`, func(c *client.Client) (any, error) {
			return c.CreateAdminToken(ctx, admin.AdminTokenInput{Name: "n", Role: "viewer"})
		}},
		{`GET /api/v1/admin-tokens`, func(c *client.Client) (any, error) { return c.AdminTokens(ctx) }},
		{`DELETE /api/v1/admin-tokens/n`, func(c *client.Client) (any, error) { return c.DeleteAdminToken(ctx, "n") }},
		{`GET /api/v1/whoami`, func(c *client.Client) (any, error) { return c.WhoAmI(ctx) }},
		{`GET /api/v1/models`, func(c *client.Client) (any, error) { return c.Models(ctx) }},
		{`GET /api/v1/prices?limit=2&model=m&q=t`, func(c *client.Client) (any, error) {
			return c.Prices(ctx, client.PriceFilter{Limit: 2, Text: "t", Model: "m"})
		}},
		{`GET /api/v1/prices/overrides`, func(c *client.Client) (any, error) { return c.PriceOverrides(ctx) }},
		{`PUT /api/v1/prices/overrides application/json {"a":1}`, func(c *client.Client) (any, error) {
			return c.SetPriceOverrides(ctx, json.RawMessage(`{"a":1}`))
		}},
		{`GET /api/v1/usage?group_by=key%2Clabel.team`, func(c *client.Client) (any, error) {
			return c.Usage(ctx, admin.UsageFilter{GroupBy: []string{"key", "label.team"}})
		}},
		{`GET /api/v1/requests?status=429`, func(c *client.Client) (any, error) { return c.Requests(ctx, admin.RequestFilter{Status: 429}) }},
		{`GET /api/v1/requests/r`, func(c *client.Client) (any, error) { return c.Request(ctx, "r") }},
		{`GET /api/v1/requests/r/why`, func(c *client.Client) (any, error) { return c.Why(ctx, "r") }},
		{`GET /api/v1/audit?action=key.create&target_kind=key`, func(c *client.Client) (any, error) {
			return c.Events(ctx, admin.EventFilter{Action: "key.create", Kind: "key"})
		}},
		{`GET /api/v1/audit?related=key_x`, func(c *client.Client) (any, error) { return c.Events(ctx, admin.EventFilter{Related: "key_x"}) }},
		{`GET /api/v1/audit/verify`, func(c *client.Client) (any, error) { return c.VerifyAudit(ctx) }},
		{`GET /api/v1/overview`, func(c *client.Client) (any, error) { return c.Overview(ctx) }},
		{`GET /api/v1/health`, func(c *client.Client) (any, error) { return c.Health(ctx) }},
	} {
		got := ""
		api := server(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = strings.TrimSpace(strings.Join([]string{r.Method, r.RequestURI, r.Header.Get("Content-Type"), string(body)}, " "))
			if r.Header.Get("Authorization") != "Bearer "+token {
				t.Errorf("%s: no token", got)
			}
			reply(w, 200, `{}`)
		})
		out, err := c.call(api)
		if err != nil || reflect.ValueOf(out).IsNil() {
			t.Errorf("%s: %v", c.want, err)
		}
		if got != c.want {
			t.Errorf("got\n%s, want\n%s", got, c.want)
		}
	}
}

func TestStreams(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		kind string
		call func(c *client.Client) (io.ReadCloser, error)
	}{
		"/api/v1/usage.csv?key=x": {"text/csv", func(c *client.Client) (io.ReadCloser, error) { return c.UsageCSV(ctx, admin.UsageFilter{Key: "x"}) }},
		"/api/v1/audit/export?action=a.b": {"application/x-ndjson", func(c *client.Client) (io.ReadCloser, error) {
			return c.ExportEvents(ctx, admin.EventFilter{Action: "a.b"})
		}},
		"/api/v1/backup": {"application/x-tar", func(c *client.Client) (io.ReadCloser, error) { return c.Backup(ctx) }},
	} {
		api := server(t, func(w http.ResponseWriter, r *http.Request) {
			if r.RequestURI != name {
				t.Errorf("%s, want %s", r.RequestURI, name)
			}
			w.Header().Set("Content-Type", c.kind+"; charset=utf-8")
			fmt.Fprint(w, "content")
		})
		body, err := c.call(api)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if string(text) != "content" || err != nil || body.Close() != nil {
			t.Errorf("%s: %q, %v", name, text, err)
		}
		// A backup that is a page of something else is none.
		api = server(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>sign in</html>") })
		if _, err := c.call(api); err == nil || !strings.Contains(err.Error(), "does not look like") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An answer that ends early is no answer.
func TestBrokenStream(t *testing.T) {
	api := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-tar")
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	body, err := api.Backup(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if text, err := io.ReadAll(body); err == nil {
		t.Errorf("a broken stream ends like a whole one: %q", text)
	}
}

func TestPages(t *testing.T) {
	ctx := context.Background()
	var asked []string
	handle := func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("cursor"))
		if r.URL.Query().Get("limit") != "200" || r.URL.Query().Get("status") != "active" {
			t.Errorf("asked for %s", r.URL.RawQuery)
		}
		switch r.URL.Query().Get("cursor") {
		case "":
			reply(w, 200, `{"keys":[{"id":"1"},{"id":"2"}],"next":"p2"}`)
		case "p2":
			reply(w, 200, `{"keys":[],"next":"p3"}`)
		case "p3":
			reply(w, 200, `{"keys":[{"id":"3"}]}`)
		}
	}
	api := server(t, handle)
	var ids []string
	for k, err := range api.AllKeys(ctx, admin.KeyFilter{Status: "active"}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, k.ID)
	}
	if got := strings.Join(ids, ",") + " " + strings.Join(asked, ","); got != "1,2,3 ,p2,p3" {
		t.Error(got)
	}
	asked = nil
	for range api.AllKeys(ctx, admin.KeyFilter{Status: "active"}) {
		break
	}
	if len(asked) != 1 {
		t.Errorf("%d pages were read for one key", len(asked))
	}
}

// An error in the middle of a list is told once, and ends it. So does a server that
// gives the same page for ever.
func TestPagesEnd(t *testing.T) {
	ctx := context.Background()
	var n atomic.Int32
	api := server(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 2 {
			reply(w, 500, `{"status":500,"detail":"broken"}`)
			return
		}
		reply(w, 200, `{"events":[{"id":1}],"requests":[{"id":"r"}],"next":"again"}`)
	})
	errs := 0
	for e, err := range api.AllEvents(ctx, admin.EventFilter{}) {
		if err != nil {
			errs++
		} else if e.ID != 1 {
			t.Error(e)
		}
	}
	if errs != 1 || n.Load() != 2 {
		t.Errorf("%d errors after %d pages", errs, n.Load())
	}
	rows := 0
	for _, err := range api.AllRequests(ctx, admin.RequestFilter{}) {
		if rows++; err != nil || rows > 2 {
			t.Fatal("no end", err)
		}
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	api := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/keys/invalid":
			reply(w, 422, `{"status":422,"title":"t","detail":"what was asked for makes no sense","code":"invalid","request_id":"req_1","errors":[{"path":"limits[0].amuont","message":"is no field here","suggestion":"amount"}]}`)
		case "/api/v1/keys/busy":
			w.Header().Set("Retry-After", "7")
			reply(w, 503, `{"status":503,"detail":"busy"}`)
		case "/api/v1/keys/elsewhere":
			http.Redirect(w, r, "http://other.example/", http.StatusFound)
		case "/api/v1/keys/page":
			w.Header().Set("X-Request-Id", "req_2")
			w.WriteHeader(502)
			fmt.Fprint(w, "<h1>Bad\x1b Gateway</h1>"+strings.Repeat("x", 1000))
		case "/api/v1/keys/garbage":
			reply(w, 200, `{"id":`)
		}
	})
	_, err := api.Key(ctx, "invalid")
	e, ok := errors.AsType[*client.Error](err)
	if !ok || e.Status != 422 || e.Code != "invalid" || e.RequestID != "req_1" || e.Method != "GET" || e.Path != "/api/v1/keys/invalid" ||
		e.Error() != "what was asked for makes no sense\n  limits[0].amuont: is no field here (did you mean amount?)" {
		t.Errorf("%+v", err)
	}
	_, err = api.Key(ctx, "busy")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.RetryAfter != 7*time.Second || e.Error() != "busy" {
		t.Errorf("%+v", err)
	}
	_, err = api.Key(ctx, "elsewhere")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 302 || !strings.Contains(e.Error(), "other.example") {
		t.Errorf("%+v", err)
	}
	_, err = api.Key(ctx, "page")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 502 || e.RequestID != "req_2" || !strings.Contains(e.Error(), "502 Bad Gateway") || len(e.Error()) > 400 {
		t.Errorf("%+v", err)
	}
	if _, err = api.Key(ctx, "garbage"); err == nil || !strings.Contains(err.Error(), "/api/v1/keys/garbage") {
		t.Errorf("%+v", err)
	}
	for _, id := range []string{"", ".", ".."} {
		if _, err := api.Key(ctx, id); err == nil {
			t.Errorf("%q is taken for an id", id)
		}
		if _, err := api.RotateKey(ctx, id, admin.Rotation{}); err == nil {
			t.Errorf("%q is taken for an id", id)
		}
	}
}

// breaking breaks the first connections after the request was read, and counts.
type breaking struct {
	breaks int
	mu     sync.Mutex
	keys   []string
	bodies []string
}

func (b *breaking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys, b.bodies = append(b.keys, r.Header.Get("Idempotency-Key")), append(b.bodies, string(body))
	if len(b.keys) <= b.breaks {
		panic(http.ErrAbortHandler)
	}
	reply(w, 201, `{"secret":"s"}`)
}

// seen gives the Idempotency-Keys and bodies that came.
func (b *breaking) seen() (keys, bodies []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keys, b.bodies
}

func TestRepetition(t *testing.T) {
	ctx := context.Background()
	// What creates is repeated with one key and one body.
	b := &breaking{breaks: 2}
	made, err := server(t, b.ServeHTTP).CreateKey(ctx, admin.KeyInput{Name: "x"})
	keys, bodies := b.seen()
	if err != nil || made.Secret != "s" || len(keys) != 3 || keys[0] == "" || keys[0] != keys[2] || bodies[0] != bodies[2] {
		t.Errorf("%v: %q %q", err, keys, bodies)
	}
	// The next one has a key of its own, or the caller's.
	one := keys[0]
	b = &breaking{}
	api := server(t, b.ServeHTTP)
	_, _ = api.CreateKey(ctx, admin.KeyInput{Name: "x"})
	_, _ = api.RotateKey(ctx, "x", admin.Rotation{}, client.IdempotencyKey("mine"))
	if keys, _ := b.seen(); len(keys) != 2 || keys[0] == one || keys[1] != "mine" {
		t.Errorf("%q", keys)
	}
	// It ends some time.
	b = &breaking{breaks: 100}
	_, err = server(t, b.ServeHTTP).Keys(ctx, admin.KeyFilter{})
	if keys, _ := b.seen(); err == nil || len(keys) != 3 {
		t.Errorf("%v after %d", err, len(keys))
	}
	// What could happen twice is not repeated.
	for name, call := range map[string]func(c *client.Client) error{
		"edit":   func(c *client.Client) error { _, err := c.EditKey(ctx, "x", map[string]int{}); return err },
		"adjust": func(c *client.Client) error { _, err := c.Adjust(ctx, "x", admin.Adjustment{}); return err },
		"import": func(c *client.Client) error {
			_, err := c.ImportKeys(ctx, admin.ImportInput{}, strings.NewReader("x"), nil)
			return err
		},
	} {
		b = &breaking{breaks: 1}
		err := call(server(t, b.ServeHTTP))
		if keys, _ := b.seen(); err == nil || len(keys) != 1 {
			t.Errorf("%s: %v after %d", name, err, len(keys))
		}
	}
	// Whoever waits no longer is not kept.
	short, cancel := context.WithCancel(ctx)
	var n atomic.Int32
	api = server(t, func(http.ResponseWriter, *http.Request) {
		n.Add(1)
		cancel()
		panic(http.ErrAbortHandler)
	})
	if _, err := api.Keys(short, admin.KeyFilter{}); err == nil || n.Load() != 1 {
		t.Errorf("%v after %d", err, n.Load())
	}
}

func TestConditions(t *testing.T) {
	api := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Match") != `"7"` {
			t.Errorf("If-Match: %s", r.Header.Get("If-Match"))
		}
		reply(w, 200, `{}`)
	})
	if _, err := api.EditKey(context.Background(), "x", struct{}{}, client.IfMatch(`"7"`)); err != nil {
		t.Error(err)
	}
}

func TestNew(t *testing.T) {
	for _, url := range []string{"", "127.0.0.1:15000", "localhost", "ftp://x", "http://", "http://user:secret@x", "http://x?a=b", "http://x/#f"} {
		if _, err := client.New(client.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:15000") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := client.New(client.Options{URL: "http://x", Token: "two words"}); err == nil || strings.Contains(err.Error(), "two") {
		t.Error(err)
	}
	c, err := client.New(client.Options{URL: "https://admin.example/tollgate/", Token: token})
	if err != nil || c.URL() != "https://admin.example/tollgate" {
		t.Errorf("%v: %v", c.URL(), err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, c); strings.Contains(text, token) {
			t.Errorf("%s shows the token", verb)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, `{"name":"`+r.Host+` `+r.Header.Get("Authorization")+`"}`)
	})}}
	s.Start()
	defer s.Close()
	proxied := &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("a proxy was asked for") }}}
	for _, given := range []*http.Client{nil, proxied} {
		c, err := client.New(client.Options{URL: "unix:" + path, Token: "t", HTTPClient: given})
		if err != nil || c.URL() != "unix:"+path {
			t.Fatal(c.URL(), err)
		}
		if who, err := c.WhoAmI(context.Background()); err != nil || who.Name != "localhost Bearer t" {
			t.Errorf("%+v, %v", who, err)
		}
	}
	for _, url := range []string{"unix:", "unix:admin.sock", "unix://relative"} {
		if _, err := client.New(client.Options{URL: url}); err == nil || !strings.Contains(err.Error(), "unix:/run/tollgate/admin.sock") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestImportWithProgress(t *testing.T) {
	for body, want := range map[string]string{
		`{"progress":{"step":"check","done":1,"total":2}}` + "\n" + `{"done":{"created":2}}`:                                "[{check 1 2}] 2 <nil>",
		`{"progress":{"step":"check","done":1,"total":0}}` + "\n" + `{"problem":{"status":422,"detail":"a line is wrong"}}`: "[{check 1 0}] 0 a line is wrong",
		`{"progress":{"step":"store","done":1,"total":2}}` + "\n":                                                           "[{store 1 2}] 0 the import broke off, and some keys may be there: repeat it for the rest: EOF",
	} {
		c := server(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.Header.Get("Accept"), "application/x-ndjson") {
				t.Errorf("Accept: %s", r.Header.Get("Accept"))
			}
			w.Header().Set("Content-Type", "application/x-ndjson")
			_, _ = io.WriteString(w, body)
		})
		var steps []admin.ImportProgress
		done, err := c.ImportKeys(context.Background(), admin.ImportInput{}, strings.NewReader("x"), func(p admin.ImportProgress) { steps = append(steps, p) })
		created := 0
		if done != nil {
			created = done.Created
		}
		if got := fmt.Sprint(steps, created, err); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		var refused *client.Error
		if strings.Contains(body, "problem") && (!errors.As(err, &refused) || refused.Status != 422) {
			t.Errorf("%v", err)
		}
	}
}
