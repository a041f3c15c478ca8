package adminapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tollgate/internal/control"
)

func TestPagesOfOtherSites(t *testing.T) {
	for header, status := range map[[2]string]int{
		{"Sec-Fetch-Site", "cross-site"}:     403,
		{"Sec-Fetch-Site", "same-site"}:      403,
		{"Sec-Fetch-Site", "same-origin"}:    200,
		{"Sec-Fetch-Site", "none"}:           200,
		{"Origin", "https://evil.example"}:   403,
		{"Origin", "null"}:                   403,
		{"Origin", "http://localhost:15000"}: 200,
	} {
		for _, path := range []string{"/config_dump", "/api/v1/keys"} {
			w := newWorld(t)
			answer := w.send(t, request{method: "GET", path: path, header: map[string]string{header[0]: header[1]}})
			code := ""
			if status == 403 {
				code = "cross_site"
			}
			want(t, answer, status, code)
		}
	}
}

func TestSchemesOfAuthorization(t *testing.T) {
	for header, status := range map[string]int{
		"Bearer token-of-the-owner":  200,
		"bearer token-of-the-owner":  200,
		"Bearer  token-of-the-owner": 200,
		"Basic token-of-the-owner":   401,
		"token-of-the-owner":         401,
		"Bearer":                     401,
		"Bearer Token-Of-The-Owner":  401,
	} {
		w := newWorld(t)
		if answer := w.send(t, request{method: "GET", path: "/config_dump", header: map[string]string{"Authorization": header}}); answer.Code != status {
			t.Errorf("%q: %d, want %d", header, answer.Code, status)
		}
	}
	r := httptest.NewRequest("GET", "http://localhost/config_dump", nil)
	r.Header["Authorization"] = []string{"Bearer token-of-the-owner", "Bearer token-of-a-viewer"}
	answer := httptest.NewRecorder()
	newWorld(t).handler.ServeHTTP(answer, r)
	want(t, answer, 401, "unauthenticated")
}

func TestDump(t *testing.T) {
	w := newWorld(t)
	if answer := w.send(t, request{method: "GET", path: "/config_dump"}); answer.Body.String() != `{"llm":{}}` {
		t.Errorf("dump = %s", answer.Body)
	}
}

func TestLevel(t *testing.T) {
	w := newWorld(t)
	if answer := w.send(t, request{method: "POST", path: "/logging?level=debug"}); !strings.Contains(answer.Body.String(), `"debug"`) {
		t.Errorf("answer %s", answer.Body)
	}
	if answer := w.send(t, request{method: "POST", path: "/logging?level=loud"}); answer.Code != 400 {
		t.Errorf("status %d for an unknown level", answer.Code)
	}
	if answer := w.send(t, request{method: "GET", path: "/logging"}); !strings.Contains(answer.Body.String(), `"debug"`) {
		t.Errorf("level after a refused change: %s", answer.Body)
	}
	if len(w.control.noted) != 1 || w.control.noted[0] != "logging.set logging by owner: level debug" || len(w.control.refused) != 1 {
		t.Errorf("on record: %q, refused %q", w.control.noted, w.control.refused)
	}
	w.control.fail = &control.Error{Kind: control.Unavailable}
	want(t, w.send(t, request{method: "POST", path: "/logging?level=error"}), 503, "unavailable")
	w.control.fail = nil
	if answer := w.send(t, request{method: "GET", path: "/logging"}); !strings.Contains(answer.Body.String(), `"debug"`) {
		t.Errorf("level after a change that is not on record: %s", answer.Body)
	}
}

func TestProfiles(t *testing.T) {
	w := newWorld(t)
	if answer := w.send(t, request{method: "GET", path: "/debug/pprof/goroutine?debug=1"}); answer.Code != 200 {
		t.Errorf("goroutines: %d", answer.Code)
	}
	if answer := w.send(t, request{method: "GET", path: "/debug/pprof/cmdline"}); answer.Code != 404 {
		t.Errorf("the command line is shown: %s", answer.Body)
	}
}

func TestMetricsListener(t *testing.T) {
	h := newWorld(t).admin().StatsHandler()
	for path, status := range map[string]int{"/metrics": 200, "/stats/prometheus": 200, "/config_dump": 404, "/api/v1/keys": 404} {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		if answer.Code != status {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
}

func TestReady(t *testing.T) {
	pending := []string{"listeners"}
	h := ReadyHandler(func() []string { return pending })
	get := func() (int, string) {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/healthz/ready", nil))
		return answer.Code, answer.Body.String()
	}
	if status, body := get(); status != 503 || body != "not ready: listeners\n" {
		t.Errorf("%d %s", status, body)
	}
	pending = nil
	if status, body := get(); status != 200 || body != "ready\n" {
		t.Errorf("%d %s", status, body)
	}
}
