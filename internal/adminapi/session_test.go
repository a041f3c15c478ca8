package adminapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/actor"
)

// signIn begins a session and gives its cookie.
func signIn(t *testing.T, w *world, token string) *http.Cookie {
	t.Helper()
	answer := w.send(t, request{method: "POST", path: "/api/v1/session", token: token})
	want(t, answer, http.StatusCreated, "")
	cookies := answer.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: %v", cookies)
	}
	return cookies[0]
}

// from makes a request of a page of the console, or with another site of another page.
func from(c *http.Cookie, method, path, site string) request {
	header := map[string]string{"Cookie": c.Name + "=" + c.Value}
	if site != "" {
		header["Sec-Fetch-Site"] = site
	}
	return request{method: method, path: path, token: "-", header: header}
}

func TestSession(t *testing.T) {
	w := newWorld(t)
	c := signIn(t, w, "token-of-an-auditor")
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || len(c.Value) < 26 {
		t.Errorf("the cookie is %+v", c)
	}
	if strings.Contains(w.log.String(), "token-of-an-auditor") || strings.Contains(w.log.String(), c.Value) {
		t.Errorf("the log tells secrets: %s", w.log.String())
	}
	want(t, w.send(t, from(c, "GET", "/api/v1/keys", "same-origin")), http.StatusOK, "")
	if w.control.call.Actor.Role != actor.Auditor {
		t.Errorf("the actor is %+v", w.control.call.Actor)
	}
	// The role of the token holds.
	want(t, w.send(t, from(c, "POST", "/api/v1/keys/k/disable", "same-origin")), http.StatusForbidden, "role")

	want(t, w.send(t, from(c, "DELETE", "/api/v1/session", "same-origin")), http.StatusOK, "")
	want(t, w.send(t, from(c, "GET", "/api/v1/keys", "same-origin")), http.StatusUnauthorized, "session_over")
}

// TestSessionOfOtherPages sends what a browser sends for pages that are not the console's.
func TestSessionOfOtherPages(t *testing.T) {
	w := newWorld(t)
	c := signIn(t, w, "token-of-the-owner")
	disable := "/api/v1/keys/key_3fT9aZ0bQ1Xy/disable"
	for _, test := range []struct {
		name, method, path string
		header             map[string]string
		status             int
	}{
		{"another site", "POST", disable, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		{"another port of this machine", "POST", disable, map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"}, 403},
		{"another site, reading", "GET", "/api/v1/keys", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"an old browser on another site", "POST", disable, map[string]string{"Origin": "https://evil.example"}, 403},
		{"nobody says from where", "POST", disable, nil, 403},
		{"typed by the user", "POST", disable, map[string]string{"Sec-Fetch-Site": "none"}, 403},
		{"an old browser", "POST", disable, map[string]string{"Origin": "http://localhost:15000"}, 200},
		{"the console", "POST", disable, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:15000"}, 200},
		{"an address typed by the user", "GET", "/api/v1/usage.csv", map[string]string{"Sec-Fetch-Site": "none"}, 200},
	} {
		rq := from(c, test.method, test.path, "")
		for name, value := range test.header {
			rq.header[name] = value
		}
		if answer := w.send(t, rq); answer.Code != test.status {
			t.Errorf("%s: %d %s", test.name, answer.Code, answer.Body)
		}
	}
}

func TestSessionEnds(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	clock := func() time.Time { return now }
	document().guard.sessions.now = clock
	defer func() { document().guard.sessions.now = time.Now }()
	works := func(c *http.Cookie) bool {
		return w.send(t, from(c, "GET", "/api/v1/whoami", "same-origin")).Code == http.StatusOK
	}

	c := signIn(t, w, "token-of-a-viewer")
	for range 5 {
		now = now.Add(sessionRests - time.Second)
		if !works(c) {
			t.Fatal("a session that is used has ended")
		}
	}
	now = now.Add(sessionRests)
	if works(c) {
		t.Error("a session that rested is still open")
	}

	c = signIn(t, w, "token-of-a-viewer")
	for used := time.Hour; used < sessionLasts; used += time.Hour {
		now = now.Add(time.Hour)
		works(c)
	}
	if now = now.Add(time.Hour - time.Nanosecond); !works(c) {
		t.Error("a session has ended early")
	}
	if now = now.Add(time.Nanosecond); works(c) {
		t.Error("a session lasts for ever")
	}

	// It ends with its token.
	tokens["token-for-now"] = actor.Admin
	c = signIn(t, w, "token-for-now")
	delete(tokens, "token-for-now")
	if works(c) {
		t.Error("a session outlives its token")
	}
}

func TestSessionBeginsWithAToken(t *testing.T) {
	w := newWorld(t)
	c := signIn(t, w, "token-of-the-owner")
	want(t, w.send(t, from(c, "POST", "/api/v1/session", "same-origin")), http.StatusForbidden, "token_wanted")
	want(t, w.send(t, request{method: "POST", path: "/api/v1/session", token: "token-of-nobody"}), http.StatusUnauthorized, "unauthenticated")

	proxied := w.send(t, request{method: "POST", path: "/api/v1/session", header: map[string]string{"X-Forwarded-Proto": "https"}})
	if cookies := proxied.Result().Cookies(); len(cookies) != 1 || !cookies[0].Secure {
		t.Errorf("behind a proxy with TLS the cookie is %v", cookies)
	}

	// Signing in anew ends the session before.
	again := from(c, "POST", "/api/v1/session", "same-origin")
	again.token = "token-of-an-admin"
	want(t, w.send(t, again), http.StatusCreated, "")
	want(t, w.send(t, from(c, "GET", "/api/v1/whoami", "same-origin")), http.StatusUnauthorized, "session_over")
}

// TestSessionsAreBounded opens more than are kept: those that are used stay.
func TestSessionsAreBounded(t *testing.T) {
	now := time.Now()
	s := newSessions(func() time.Time { now = now.Add(time.Millisecond); return now })
	first, _ := s.open("first")
	second, _ := s.open("second")
	for range sessionsKept - 2 {
		s.open("another")
	}
	if s.token(first) != "first" || len(s.all) != sessionsKept {
		t.Fatalf("%d sessions", len(s.all))
	}
	s.open("one more")
	if s.token(second) != "" || s.token(first) != "first" || len(s.all) != sessionsKept {
		t.Errorf("the wrong session gave way; %d are open", len(s.all))
	}
}

func TestMay(t *testing.T) {
	w := newWorld(t)
	viewer := w.send(t, request{method: "GET", path: "/api/v1/whoami", token: "token-of-a-viewer"}).Body.String()
	if !strings.Contains(viewer, `"listKeys"`) || strings.Contains(viewer, `"createKey"`) || strings.Contains(viewer, `"listRequests"`) {
		t.Errorf("a viewer may %s", viewer)
	}
}

func TestTry(t *testing.T) {
	w := newWorld(t)
	w.trial = func(rw http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		if r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" || r.ContentLength != int64(len(sent)) {
			t.Errorf("sent %v with %d bytes", r.Header, r.ContentLength)
		}
		rw.Header().Set("Set-Cookie", "tollgate_session=stolen")
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(http.StatusTeapot)
		_, _ = rw.Write(sent)
	}
	const path = "/api/v1/keys/key_3fT9aZ0bQ1Xy/try"
	r := httptest.NewRequest("POST", path, strings.NewReader(`{"path":"/v1/chat/completions","body":{"model":"m"}}`))
	r.Header.Set("Authorization", "Bearer token-of-the-owner")
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	head := answer.Header()
	if answer.Code != http.StatusTeapot || answer.Body.String() != `{"model":"m"}` || head.Get("Set-Cookie") != "" ||
		!strings.Contains(head.Get("Content-Security-Policy"), "sandbox") || head.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v %s", answer.Code, head, answer.Body)
	}
	if w.tried != "key_3fT9aZ0bQ1Xy POST localhost/v1/chat/completions" {
		t.Errorf("tried %q", w.tried)
	}
	if len(w.control.noted) != 1 || w.control.noted[0] != "key.try key by owner: POST /v1/chat/completions" {
		t.Errorf("on record: %q", w.control.noted)
	}
	w.tried = ""
	for _, body := range []string{
		`{"path":"v1/models","body":{}}`, `{"path":"/v1/models?x=1","body":{}}`, `{"path":"/v1/chat","body":[]}`,
		`{"path":"/v1/chat","body":{"a":"` + strings.Repeat("x", maxTry) + `"}}`,
	} {
		if answer := w.send(t, request{method: "POST", path: path, body: body}); answer.Code != http.StatusUnprocessableEntity && answer.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%.60s: %d %s", body, answer.Code, answer.Body)
		}
	}
	if w.tried != "" {
		t.Errorf("tried %q", w.tried)
	}
}
