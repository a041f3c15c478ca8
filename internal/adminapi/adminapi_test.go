package adminapi

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/internal/secret"
)

func admin(token string) http.Handler {
	a := &Admin{
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("some_metric 1\n")) }),
		Dump:    func() ([]byte, error) { return []byte(`{"llm":{}}`), nil },
		Level:   new(slog.LevelVar),
		Token:   secret.New(token),
	}
	return a.Handler()
}

func call(h http.Handler, method, path, from, host, auth string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://"+host+path, nil)
	r.RemoteAddr = from
	if auth != "" {
		r.Header.Set("Authorization", auth)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAccess(t *testing.T) {
	for _, c := range []struct {
		name, token, path, from, host, auth string
		want                                int
	}{
		{"this machine", "", "/config_dump", "127.0.0.1:5", "localhost:15000", "", 200},
		{"this machine by address", "", "/config_dump", "[::1]:5", "[::1]:15000", "", 200},
		{"another machine", "", "/config_dump", "10.0.0.9:5", "localhost:15000", "", 403},
		{"a web page's own name for this machine", "", "/config_dump", "127.0.0.1:5", "evil.example:15000", "", 403},
		{"profiles are guarded", "", "/debug/pprof/", "10.0.0.9:5", "localhost:15000", "", 403},
		{"metrics are open", "", "/metrics", "10.0.0.9:5", "gw:15000", "", 200},
		{"token wanted", "s3cret", "/config_dump", "127.0.0.1:5", "localhost:15000", "", 401},
		{"wrong token", "s3cret", "/config_dump", "127.0.0.1:5", "localhost:15000", "Bearer nope", 401},
		{"token from anywhere", "s3cret", "/config_dump", "10.0.0.9:5", "gw:15000", "Bearer s3cret", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := call(admin(c.token), "GET", c.path, c.from, c.host, c.auth).Code; got != c.want {
				t.Errorf("status %d, want %d", got, c.want)
			}
		})
	}
}

func TestPagesOfOtherSites(t *testing.T) {
	for header, want := range map[[2]string]int{
		{"Sec-Fetch-Site", "cross-site"}:          403,
		{"Sec-Fetch-Site", "same-site"}:           403,
		{"Sec-Fetch-Site", "same-origin"}:         200,
		{"Origin", "https://evil.example"}:        403,
		{"Origin", "null"}:                        403,
		{"Origin", "http://localhost:15000"}:      200,
		{"Sec-Fetch-Site", "none"}:                200,
		{"Authorization", "Bearer of no meaning"}: 200,
	} {
		r := httptest.NewRequest("POST", "http://localhost:15000/logging?level=debug", nil)
		r.RemoteAddr = "127.0.0.1:5"
		r.Header.Set(header[0], header[1])
		w := httptest.NewRecorder()
		admin("").ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%v: status %d, want %d", header, w.Code, want)
		}
	}
}

func TestDump(t *testing.T) {
	if w := call(admin(""), "GET", "/config_dump", "127.0.0.1:5", "localhost", ""); w.Body.String() != `{"llm":{}}` {
		t.Errorf("dump = %s", w.Body)
	}
}

func TestLevel(t *testing.T) {
	h := admin("")
	if w := call(h, "POST", "/logging?level=debug", "127.0.0.1:5", "localhost", ""); !strings.Contains(w.Body.String(), `"debug"`) {
		t.Errorf("answer %s", w.Body)
	}
	if w := call(h, "POST", "/logging?level=loud", "127.0.0.1:5", "localhost", ""); w.Code != 400 {
		t.Errorf("status %d for an unknown level", w.Code)
	}
	if w := call(h, "GET", "/logging", "127.0.0.1:5", "localhost", ""); !strings.Contains(w.Body.String(), `"debug"`) {
		t.Errorf("level after a refused change: %s", w.Body)
	}
}

func TestReady(t *testing.T) {
	pending := []string{"listeners"}
	h := ReadyHandler(func() []string { return pending })
	if w := call(h, "GET", "/healthz/ready", "10.0.0.9:5", "gw", ""); w.Code != 503 || w.Body.String() != "not ready: listeners\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	pending = nil
	if w := call(h, "GET", "/healthz/ready", "10.0.0.9:5", "gw", ""); w.Code != 200 || w.Body.String() != "ready\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
