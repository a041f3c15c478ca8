package adminapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/control"
	"tollgate/internal/vkey"
)

// TestOperationsReachControl shows what every operation calls, and with what.
func TestOperationsReachControl(t *testing.T) {
	id := "key_3fT9aZ0bQ1Xy"
	for _, c := range []struct {
		method, path, body string
		called             string
		args               []any
	}{
		{"POST", "/api/v1/keys", `{"name":"a","operations":[],"expires_at":null}`, "CreateKey", []any{admin.KeyInput{Name: "a", Operations: []string{}}}},
		{"GET", "/api/v1/keys", "", "Keys", []any{admin.KeyFilter{Limit: 50}}},
		{"GET", "/api/v1/keys?cursor=x&limit=200&q=pay&status=active&origin=file&expiring_within=24h&idle_for=1h&uncapped=true&sort=-name&label.team=a%20b&label.env=",
			"", "Keys", []any{admin.KeyFilter{Cursor: "x", Limit: 200, Text: "pay", Status: "active", Origin: "file", ExpiringWithin: "24h", IdleFor: "1h", Uncapped: true,
				Sort: "-name", Labels: map[string]string{"team": "a b", "env": ""}}}},
		{"GET", "/api/v1/keys/a%2Fb%20c", "", "Key", []any{"a/b c"}},
		{"PATCH", "/api/v1/keys/" + id, ` {"name": null} `, "EditKey", []any{id, ` {"name": null} `}},
		{"DELETE", "/api/v1/keys/" + id + "?reason=old", "", "DeleteKey", []any{id, "old"}},
		{"POST", "/api/v1/keys/" + id + "/disable", "", "DisableKey", []any{id, admin.Reason{}}},
		{"POST", "/api/v1/keys/" + id + "/enable", `{"reason":"r"}`, "EnableKey", []any{id, admin.Reason{Reason: "r"}}},
		{"POST", "/api/v1/keys/" + id + "/revoke", `{"mode":"cut"}`, "RevokeKey", []any{id, admin.Revocation{Mode: "cut"}}},
		{"POST", "/api/v1/keys/" + id + "/rotate", `{"grace":"0s"}`, "RotateKey", []any{id, admin.Rotation{Grace: "0s"}}},
		{"GET", "/api/v1/keys/" + id + "/usage?group_by=model,day&from=2026-11-01T00:00:00Z", "", "KeyUsage",
			[]any{id, admin.UsageFilter{From: at("2026-11-01T00:00:00Z"), GroupBy: []string{"model", "day"}}}},
		{"POST", "/api/v1/check", `{"key":"a","model":"gpt-5"}`, "Check", []any{admin.Check{Key: "a", Model: "gpt-5"}}},
		{"POST", "/api/v1/limits", `{"name":"l","match":{},"per":"each","kind":"tokens","amount":9007199254740993}`, "CreateLimit",
			[]any{admin.Limit{Name: "l", Match: map[string]string{}, Per: "each", Kind: "tokens", Amount: admin.Count(9007199254740993)}}},
		{"GET", "/api/v1/limits", "", "Limits", nil},
		{"GET", "/api/v1/limits/lim_1", "", "Limit", []any{"lim_1"}},
		{"PATCH", "/api/v1/limits/lim_1", `{"amount":"1"}`, "EditLimit", []any{"lim_1", `{"amount":"1"}`}},
		{"DELETE", "/api/v1/limits/lim_1", "", "DeleteLimit", []any{"lim_1", ""}},
		{"POST", "/api/v1/limits/lim_1/adjust", `{"by":"-1.5","reason":"r","key":"k"}`, "Adjust",
			[]any{"lim_1", admin.Adjustment{Key: "k", By: admin.Dollars("-1.5"), Reason: "r"}}},
		{"POST", "/api/v1/credentials", `{"name":"c","provider":"openai","value":"v"}`, "CreateCredential", []any{admin.CredentialInput{Name: "c", Provider: "openai", Value: "v"}}},
		{"GET", "/api/v1/credentials", "", "Credentials", nil},
		{"GET", "/api/v1/credentials/c", "", "Credential", []any{"c"}},
		{"PATCH", "/api/v1/credentials/c", `{"name":"d"}`, "EditCredential", []any{"c", `{"name":"d"}`}},
		{"DELETE", "/api/v1/credentials/c", "", "DeleteCredential", []any{"c"}},
		{"POST", "/api/v1/credentials/c/rotate", `{"value":"w"}`, "RotateCredential", []any{"c", admin.CredentialValue{Value: "w"}}},
		{"POST", "/api/v1/credentials/c/test", "", "TestCredential", []any{"c"}},
		{"POST", "/api/v1/admin-tokens", `{"name":"ci","role":"viewer"}`, "MakeToken", []any{admin.AdminTokenInput{Name: "ci", Role: "viewer"}}},
		{"GET", "/api/v1/admin-tokens", "", "AdminTokens", nil},
		{"DELETE", "/api/v1/admin-tokens/adm_1", "", "DeleteToken", []any{"adm_1"}},
		{"GET", "/api/v1/models", "", "Models", nil},
		{"GET", "/api/v1/providers", "", "Providers", nil},
		{"GET", "/api/v1/prices?q=gpt&cursor=c&limit=7", "", "Prices", []any{"gpt", "c", 7}},
		{"GET", "/api/v1/prices?model=openai%2Fgpt-5", "", "Price", []any{"openai/gpt-5"}},
		{"GET", "/api/v1/prices/overrides", "", "PriceOverrides", nil},
		{"PUT", "/api/v1/prices/overrides", `{"any":["thing"]}`, "SetPriceOverrides", []any{`{"any":["thing"]}`}},
		{"GET", "/api/v1/usage?group_by=key,label.team&to=2026-11-02T00:00:00%2B01:00&key=k&model=m&provider=p&label.team=x", "", "Usage",
			[]any{admin.UsageFilter{GroupBy: []string{"key", "label.team"}, To: at("2026-11-02T00:00:00+01:00"), Key: "k", Model: "m", Provider: "p", Labels: map[string]string{"team": "x"}}}},
		{"GET", "/api/v1/requests?outcome=refused&status=429&limit_id=l&code=c&key=k&label.env=prod", "", "Requests",
			[]any{admin.RequestFilter{Limit: 50, Outcome: "refused", Status: 429, LimitID: "l", Code: "c", Key: "k", Labels: map[string]string{"env": "prod"}}}},
		{"GET", "/api/v1/requests/req_1", "", "Request", []any{"req_1"}},
		{"GET", "/api/v1/requests/req_1/why", "", "Why", []any{"req_1"}},
		{"GET", "/api/v1/overview", "", "Overview", nil},
		{"GET", "/api/v1/health", "", "Health", nil},
		{"GET", "/api/v1/audit?actor=a&action=key.create&target=t&target_kind=key&outcome=refused", "", "Events",
			[]any{admin.EventFilter{Limit: 50, Actor: "a", Action: "key.create", Target: "t", Kind: "key", Outcome: "refused"}}},
		{"GET", "/api/v1/audit/verify", "", "VerifyAudit", nil},
	} {
		t.Run(c.called, func(t *testing.T) {
			w := newWorld(t)
			answer := w.send(t, request{method: c.method, path: c.path, body: c.body, header: map[string]string{"X-Request-Id": "req-7"}})
			if answer.Code >= 300 || w.control.called != c.called || !same(w.control.args, c.args) {
				t.Fatalf("%d %s\ncalled %s(%+v)\nwant   %s(%+v)", answer.Code, answer.Body, w.control.called, w.control.args, c.called, c.args)
			}
			call := w.control.call
			if call.Actor.ID != "adm_owner" || call.Actor.From != "127.0.0.1" || call.RequestID != "req-7" || call.IfMatch != "" || call.IdempotencyKey != "" {
				t.Errorf("asked by %+v", call)
			}
			if c.method != "GET" && c.called != "Check" && !strings.Contains(answer.Body.String(), `"event_id":`) {
				t.Errorf("an answer to a change without its event: %s", answer.Body)
			}
		})
	}
}

// same compares arguments; times are the same if they are the same instant.
func same(got, want []any) bool {
	norm := func(list []any) []any {
		var out []any
		for _, v := range list {
			if f, ok := v.(admin.UsageFilter); ok {
				f.From, f.To = f.From.UTC(), f.To.UTC()
				v = f
			}
			out = append(out, v)
		}
		return out
	}
	return reflect.DeepEqual(norm(got), norm(want))
}

func TestStatusAndETag(t *testing.T) {
	for _, c := range []struct {
		rq     request
		status int
		etag   string
	}{
		{request{method: "POST", path: "/api/v1/keys", body: `{"name":"a"}`}, 201, `"7"`},
		{request{method: "GET", path: "/api/v1/keys/a"}, 200, `"7"`},
		{request{method: "PATCH", path: "/api/v1/keys/a", body: `{}`}, 200, `"7"`},
		{request{method: "POST", path: "/api/v1/keys/a/rotate"}, 200, `"7"`},
		{request{method: "POST", path: "/api/v1/limits", body: `{"kind":"cost","amount":"1"}`}, 201, `"1"`},
		{request{method: "GET", path: "/api/v1/limits/a"}, 200, `"1"`},
		{request{method: "GET", path: "/api/v1/credentials/a"}, 200, `"2"`},
		{request{method: "PATCH", path: "/api/v1/credentials/a", body: `{}`}, 200, `"2"`},
		{request{method: "GET", path: "/api/v1/prices/overrides"}, 200, `"3"`},
		{request{method: "GET", path: "/api/v1/keys"}, 200, ""},
	} {
		answer := newWorld(t).send(t, c.rq)
		if answer.Code != c.status || answer.Header().Get("ETag") != c.etag || answer.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d, ETag %s, %s", c.rq.method, c.rq.path, answer.Code, answer.Header().Get("ETag"), answer.Header().Get("Content-Type"))
		}
	}
}

func TestHeadersOfRequests(t *testing.T) {
	for _, c := range []struct {
		header, value string
		status        int
		ifMatch, key  string
	}{
		{"If-Match", `"7"`, 200, `"7"`, ""},
		{"If-Match", `7`, 200, "7", ""},
		{"If-Match", `*`, 200, "*", ""},
		{"If-Match", `"7", "8"`, 200, `"7", "8"`, ""},
		{"If-Match", ``, 422, "", ""},
		{"If-Match", `""`, 422, "", ""},
		{"If-Match", strings.Repeat("7", 501), 422, "", ""},
		{"Idempotency-Key", "0f8a-41", 200, "", "0f8a-41"},
		{"Idempotency-Key", strings.Repeat("k", 255), 200, "", strings.Repeat("k", 255)},
		{"Idempotency-Key", strings.Repeat("k", 256), 422, "", ""},
		{"Idempotency-Key", "a b", 200, "", "a b"},
		{"Idempotency-Key", "a\tb", 422, "", ""},
		{"Idempotency-Key", "schlüssel", 422, "", ""},
		{"Accept", "text/html", 200, "", ""},
		{"Accept", "json", 200, "", ""},
	} {
		w := newWorld(t)
		answer := w.send(t, request{method: "POST", path: "/api/v1/keys/a/rotate", header: map[string]string{c.header: c.value}})
		if answer.Code != c.status || w.control.call.IfMatch != c.ifMatch || w.control.call.IdempotencyKey != c.key {
			t.Errorf("%s: %q: %d, %+v", c.header, c.value, answer.Code, w.control.call)
		}
		if c.status == 422 {
			if p := want(t, answer, 422, "invalid"); len(p.Errors) != 1 || p.Errors[0].Path != "header."+c.header {
				t.Errorf("%s: %+v", c.header, p)
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	w := newWorld(t)
	for sent, kept := range map[string]bool{"abc-DEF_1.2:3": true, strings.Repeat("i", 128): true, strings.Repeat("i", 129): false, "a b": false, "a\"b": false, "": false} {
		answer := w.send(t, request{method: "GET", path: "/api/v1/keys/a", header: map[string]string{"X-Request-Id": sent}})
		got := answer.Header().Get("X-Request-Id")
		if (got == sent) != kept || w.control.call.RequestID != got {
			t.Errorf("%q: answered %q, called %q", sent, got, w.control.call.RequestID)
		}
	}
	for _, rq := range []request{
		{method: "GET", path: "/api/v1/keys?limit=0"}, {method: "GET", path: "/api/v1/keys?colour=red"}, {method: "GET", path: "/api/v1/keys", token: "-"},
		{method: "GET", path: "/nothing"}, {method: "POST", path: "/api/v1/keys", body: "{"}, {method: "GET", path: "/api/v1/requests", token: "token-of-a-viewer"},
	} {
		rq.header = map[string]string{"X-Request-Id": "mine"}
		answer := w.send(t, rq)
		if !strings.Contains(answer.Body.String(), `"request_id":"mine"`) || answer.Code < 400 {
			t.Errorf("%s %s: %d %s", rq.method, rq.path, answer.Code, answer.Body)
		}
	}
}

func TestRefusalsOfControl(t *testing.T) {
	fields := []admin.ProblemField{{Path: "limits[0].amount", Message: "is negative", Suggestion: "5.00"}}
	for _, c := range []struct {
		err    error
		status int
		code   string
		detail string
		logged bool
	}{
		{&control.Error{Kind: control.Invalid, Code: "invalid", Detail: "limits[0].amount: is negative", Fields: fields}, 422, "invalid", "limits[0].amount: is negative", false},
		{&control.Error{Kind: control.Invalid, Code: "bad_cursor", Detail: "the cursor is of another list"}, 400, "bad_cursor", "the cursor is of another list", false},
		{&control.Error{Kind: control.NotFound, Detail: "no key is called that"}, 404, "not_found", "no key is called that", false},
		{&control.Error{Kind: control.Conflict, Code: "name_taken", Detail: "taken"}, 409, "name_taken", "taken", false},
		{&control.Error{Kind: control.Stale, Detail: "read it again"}, 412, "stale", "read it again", false},
		{&control.Error{Kind: control.Forbidden, Code: "declared", Detail: "edit the file"}, 403, "declared", "edit the file", false},
		{&control.Error{Kind: control.Unavailable, Detail: "the disk is full", Err: errors.New("ENOSPC")}, 503, "unavailable", "the disk is full", true},
		{&control.Error{Kind: control.Failed, Detail: "row 7 of secret_table", Err: errors.New("cause")}, 500, "internal_error", "a fault of tollgate", true},
		{errors.New("somewhere deep"), 500, "internal_error", "a fault of tollgate", true},
	} {
		w := newWorld(t)
		w.control.fail = c.err
		answer := w.send(t, request{method: "PATCH", path: "/api/v1/keys/a", body: `{}`, header: map[string]string{"X-Request-Id": "mine"}})
		p := want(t, answer, c.status, c.code)
		if !strings.Contains(p.Detail, c.detail) || p.Title != http.StatusText(c.status) || p.RequestID != "mine" {
			t.Errorf("%v: %+v", c.err, p)
		}
		if c.code == "invalid" && !reflect.DeepEqual(p.Errors, fields) {
			t.Errorf("fields %+v", p.Errors)
		}
		if (answer.Header().Get("Retry-After") != "") != (c.status == 503) {
			t.Errorf("%d with Retry-After %q", c.status, answer.Header().Get("Retry-After"))
		}
		if log := w.log.String(); strings.Contains(log, "request_id=mine") != c.logged || c.logged && !strings.Contains(log, "editKey") {
			t.Errorf("%v: log %q", c.err, log)
		}
	}
}

// TestClientThatLeft shows that whoever goes away causes no error in the log.
func TestClientThatLeft(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.control.fail = ctx.Err()
	w.send(t, request{method: "GET", path: "/api/v1/keys", ctx: ctx})
	if w.log.Len() > 0 {
		t.Errorf("log %s", w.log.String())
	}
}

// TestGuessesAreSlowedDown walks the clock of one address past its failures.
func TestGuessesAreSlowedDown(t *testing.T) {
	w := &world{control: &fakeControl{}}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	a := w.admin()
	a.Now = func() time.Time { return now }
	w.handler = a.Handler()
	guess := func(from string) int {
		return w.send(t, request{method: "GET", path: "/api/v1/keys", token: "guess", from: from}).Code
	}
	for i := range failuresAtOnce {
		if status := guess("10.0.0.9:5"); status != 401 {
			t.Fatalf("guess %d: %d", i+1, status)
		}
	}
	asked := w.control.asked
	answer := w.send(t, request{method: "GET", path: "/api/v1/keys", from: "10.0.0.9:6"}) // the right token, too early
	want(t, answer, 429, "too_many_failures")
	if after := answer.Header().Get("Retry-After"); after != "2" || w.control.asked != asked {
		t.Errorf("Retry-After %q, %d tokens looked up", after, w.control.asked-asked)
	}
	if status := guess("10.0.0.10:5"); status != 401 {
		t.Errorf("another address: %d", status)
	}
	now = now.Add(failureEvery)
	if status := guess("10.0.0.9:5"); status != 401 {
		t.Errorf("after a while: %d", status)
	}
	if status := guess("10.0.0.9:5"); status != 429 {
		t.Errorf("twice after a while: %d", status)
	}
	now = now.Add(failureEvery)
	for range 3 * failuresAtOnce { // what is right does not count
		if answer := w.send(t, request{method: "GET", path: "/api/v1/keys", from: "10.0.0.9:5"}); answer.Code != 200 {
			t.Fatalf("the right token: %d", answer.Code)
		}
	}
	for i := range failuresAtOnce { // the addresses of one network are one
		guess("[2001:db8::" + string(rune('a'+i%6)) + "]:5")
	}
	if status := guess("[2001:db8::f00]:5"); status != 429 {
		t.Errorf("another address of the same network: %d", status)
	}
	for range 2 * failuresAtOnce {
		if status := guess("@"); status != 401 {
			t.Fatalf("a Unix socket: %d", status)
		}
	}
}

// TestNobodyIsLockedOut shows that the failures of others do not keep those out
// whose tokens tollgate made, and that wrong ones of that form count like all others.
func TestNobodyIsLockedOut(t *testing.T) {
	w := newWorld(t)
	_, right, err := vkey.MintToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, wrong, err := vkey.MintToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tokens[right.Reveal()] = actor.Admin
	defer delete(tokens, right.Reveal())
	for range failuresAtOnce {
		want(t, w.send(t, request{method: "GET", path: "/api/v1/keys", token: wrong.Reveal()}), 401, "unauthenticated")
	}
	for range 3 {
		want(t, w.send(t, request{method: "GET", path: "/api/v1/keys", token: wrong.Reveal()}), 429, "too_many_failures")
		want(t, w.send(t, request{method: "GET", path: "/api/v1/keys", token: right.Reveal()}), 200, "")
	}
	if n := strings.Count(w.log.String(), "a request without a valid admin token was refused"); n != failuresAtOnce {
		t.Errorf("%d failures are logged: %s", n, w.log.String())
	}
	if strings.Contains(w.log.String(), wrong.Reveal()) {
		t.Error("the log has what was presented in it")
	}
}

// TestRefusalsDoNotFillTheTrail shows that one token can have so many refusals put on record
// and no more, each of a bounded size.
func TestRefusalsDoNotFillTheTrail(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/keys/" + strings.Repeat("x", 5000)
	for range refusalsAtOnce {
		want(t, w.send(t, request{method: "DELETE", path: path, token: "token-of-a-viewer"}), 403, "role")
	}
	answer := w.send(t, request{method: "DELETE", path: path, token: "token-of-a-viewer"})
	want(t, answer, 429, "too_many_refusals")
	if answer.Header().Get("Retry-After") == "" || len(w.control.refused) != refusalsAtOnce {
		t.Errorf("Retry-After %q, %d refusals on record", answer.Header().Get("Retry-After"), len(w.control.refused))
	}
	if n := len(w.control.refused[0]); n > 400 {
		t.Errorf("a refusal has %d bytes", n)
	}
	want(t, w.send(t, request{method: "GET", path: "/api/v1/keys", token: "token-of-a-viewer"}), 200, "")
	want(t, w.send(t, request{method: "DELETE", path: "/api/v1/keys/" + virtualKey, token: "token-of-an-auditor"}), 403, "role")
	if last := w.control.refused[len(w.control.refused)-1]; strings.Contains(last, virtualKey) {
		t.Errorf("a secret is on record: %s", last)
	}
}

// TestBodyThatIsAllWrong shows that the answer to a body does not outgrow it.
func TestBodyThatIsAllWrong(t *testing.T) {
	var body strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&body, `,"a%d":1`, i)
	}
	answer := newWorld(t).send(t, request{method: "POST", path: "/api/v1/keys", body: "{" + body.String()[1:] + "}"})
	if p := want(t, answer, 422, "invalid"); len(p.Errors) != maxFields || !strings.Contains(p.Detail, "50000 more") {
		t.Errorf("%d errors, %s", len(p.Errors), p.Detail)
	}
}

// TestBodyThatNobodyReads sends the head of a request and never its body: the answer and
// the end of the connection do not wait for it for ever.
func TestBodyThatNobodyReads(t *testing.T) {
	w := newWorld(t)
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	w.handler.ServeHTTP(d, httptest.NewRequest("POST", "http://localhost/api/v1/keys", strings.NewReader("{")))
	if d.Code != 401 || len(d.read) != 1 || d.read[0].IsZero() {
		t.Errorf("%d, deadlines %v", d.Code, d.read)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	f := newFailures(func() time.Time { return now })
	for i := range failuresKept + 100 {
		f.add(addr(i))
	}
	if len(f.paid) > failuresKept {
		t.Errorf("%d addresses are kept", len(f.paid))
	}
	if len(f.paid) < failuresKept*9/10 {
		t.Errorf("only %d addresses are kept", len(f.paid))
	}
	now = now.Add(time.Minute)
	f.add(addr(1))
	f.forget(now)
	if len(f.paid) != 1 {
		t.Errorf("%d addresses are kept when all but one have paid", len(f.paid))
	}
}
