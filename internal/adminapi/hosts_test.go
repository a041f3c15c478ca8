package adminapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/api/admin"
	"tollgate/internal/control"
)

// TestNamesOfOtherSites shows that a page which makes its own name lead to the listener
// gets to see nothing, neither what is open to all nor what a session's cookie opens.
func TestNamesOfOtherSites(t *testing.T) {
	w := newWorld(t)
	for host, known := range map[string]bool{
		"localhost": true, "LOCALHOST:15000": true, "console.localhost": true, "localhost.": true,
		"127.0.0.1:15000": true, "10.1.2.3": true, "[::1]:15000": true, "[::1]": true, "": true,
		"tollgate.internal": true, "Tollgate.Internal:15000": true, "tollgate.internal.": true,
		"evil.example": false, "evil.example:15000": false, "localhost.evil.example": false, "notlocalhost": false,
		"1.2.3.4.evil.example": false, "tollgate.internal.evil.example": false, "127.0.0.1.": true, strings.Repeat("a", 5000): false,
	} {
		for _, path := range []string{"/metrics", "/", "/api/v1/openapi.json", "/api/v1/keys", "/ui/"} {
			ask := func(change func(*http.Request)) int {
				r := httptest.NewRequest("GET", "http://localhost"+path, nil)
				r.RemoteAddr, r.Host = "127.0.0.1:5", host
				r.Header.Set("Cookie", sessionCookie+"=guess")
				change(r)
				answer := httptest.NewRecorder()
				w.handler.ServeHTTP(answer, r)
				if answer.Code == 421 && (answer.Body.Len() > 1000 || !strings.Contains(answer.Body.String(), "tollgate.adminHosts")) {
					t.Errorf("%s", answer.Body)
				}
				return answer.Code
			}
			if got := ask(func(*http.Request) {}); (got != 421) != known {
				t.Errorf("%s of %.40q: %d", path, host, got)
			}
			// Nobody is led anywhere with a token, or over a Unix socket.
			if got := ask(func(r *http.Request) { r.Header.Set("Authorization", "Bearer token-of-the-owner") }); got == 421 {
				t.Errorf("%s of %.40q with a token: %d", path, host, got)
			}
			if got := ask(func(r *http.Request) { r.RemoteAddr = "@" }); got == 421 {
				t.Errorf("%s of %.40q over a socket: %d", path, host, got)
			}
		}
		w = newWorld(t)
	}
}

// TestCredentialsAreTestedNowAndThen bounds how fast a token can call somebody else.
func TestCredentialsAreTestedNowAndThen(t *testing.T) {
	w := newWorld(t)
	test := request{method: "POST", path: "/api/v1/credentials/main/test"}
	for range testsAtOnce {
		want(t, w.send(t, test), 200, "")
	}
	answer := w.send(t, test)
	want(t, answer, 429, "too_many_tests")
	if after := answer.Header().Get("Retry-After"); after != "20" && after != "21" {
		t.Errorf("Retry-After: %s", after)
	}
	test.token = "token-of-an-admin"
	want(t, w.send(t, test), 200, "")
}

// TestImportTellsHowFarItIs asks for lines: progress, then the result or what went wrong.
func TestImportTellsHowFarItIs(t *testing.T) {
	w := newWorld(t)
	ask := request{
		method: "POST", path: "/api/v1/keys:import", body: "{}",
		header: map[string]string{"Content-Type": linesType, "Accept": "application/problem+json, application/x-ndjson;q=0.9"},
	}
	answer := w.send(t, ask)
	lines := strings.Split(answer.Body.String(), "\n")
	if answer.Code != 200 || answer.Header().Get("Content-Type") != linesType || !answer.Flushed || len(lines) != 3 ||
		lines[0] != `{"progress":{"step":"check","done":1,"total":2}}` || !strings.HasPrefix(lines[1], `{"done":{`) {
		t.Errorf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	w.control.fail = &control.Error{Kind: control.Invalid, Code: "import_refused", Detail: "a line is wrong", Fields: []admin.ProblemField{{Path: "line 1", Message: "is wrong"}}}
	lines = strings.Split(w.send(t, ask).Body.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], `{"problem":{`) || !strings.Contains(lines[1], `"code":"import_refused"`) || !strings.Contains(lines[1], `"request_id":"`) {
		t.Errorf("%q", lines)
	}
	// Who asks for nothing special gets one answer with its status.
	ask.header = map[string]string{"Content-Type": linesType}
	want(t, w.send(t, ask), 422, "import_refused")
}
