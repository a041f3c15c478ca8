package cli_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/cli"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// noon is when the commands of the tests run.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// world is a server that speaks the contract with prepared answers, and a machine
// that it runs on.
type world struct {
	t        *testing.T
	url, dir string
	env      map[string]string
	terminal bool

	mu      sync.Mutex
	answers map[string][]string // by "METHOD /path"; the last one stays
	asked   []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), env: map[string]string{}, answers: map[string][]string{}}
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	w.url = s.URL
	w.leave(0o600, fmt.Sprintf(`{"url":%q,"token":"adm-local","pid":4711}`, s.URL))
	w.env["TOLLGATE_DATA_DIR"] = w.dir
	return w
}

// leave leaves the file that tells where the server is.
func (w *world) leave(mode os.FileMode, text string) {
	path := filepath.Join(w.dir, "admin.json")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		w.t.Fatal(err)
	}
}

// answer prepares what a route answers: "STATUS body", one after the other.
func (w *world) answer(route string, answers ...string) *world {
	w.answers[route] = answers
	return w
}

// ServeHTTP implements http.Handler.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	text := r.Method + " " + r.RequestURI
	for _, h := range []string{"If-Match"} {
		if v := r.Header.Get(h); v != "" {
			text += " " + h + ": " + v
		}
	}
	w.asked = append(w.asked, strings.TrimSpace(text+" "+string(body)))
	if got := r.Header.Get("Authorization"); got != "Bearer adm-local" && got != "Bearer adm-named" {
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.WriteHeader(401)
		fmt.Fprint(rw, `{"status":401,"detail":"this is no admin token","code":"unauthenticated"}`)
		return
	}
	route := r.Method + " " + r.URL.EscapedPath()
	list := w.answers[route]
	if len(list) == 0 {
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.WriteHeader(404)
		fmt.Fprint(rw, `{"status":404,"detail":"there is no such thing","code":"not_found"}`)
		return
	}
	if len(list) > 1 {
		w.answers[route] = list[1:]
	}
	kinds := map[string]string{"/api/v1/usage.csv": "text/csv", "/api/v1/audit/export": "application/x-ndjson", "/api/v1/backup": "application/x-tar"}
	kind := kinds[r.URL.Path]
	if kind == "" {
		kind = "application/json"
	}
	var status int
	_, _ = fmt.Sscan(list[0], &status)
	if status >= 400 {
		kind = "application/problem+json"
	}
	rw.Header().Set("Content-Type", kind)
	rw.WriteHeader(status)
	fmt.Fprint(rw, list[0][4:])
}

// result is how a command went.
type result struct {
	code           int
	stdout, stderr string
	asked          []string
}

func (w *world) run(stdin string, args ...string) result {
	w.t.Helper()
	var out, errs bytes.Buffer
	env := cli.Environment{
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
		LookupEnv: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		Now:       func() time.Time { return noon },
		Terminal:  func(any) bool { return w.terminal },
	}
	code := cli.Run(args, env)
	w.mu.Lock()
	defer w.mu.Unlock()
	r := result{code, out.String(), errs.String(), w.asked}
	w.asked = nil
	return r
}

// String writes a result as golden files have it.
func (r result) String() string {
	var b strings.Builder
	for _, a := range r.asked {
		fmt.Fprintf(&b, "> %s\n", a)
	}
	fmt.Fprintf(&b, "-- stdout --\n%s-- stderr --\n%s-- exit %d --\n", r.stdout, r.stderr, r.code)
	return b.String()
}

var words = regexp.MustCompile(`[^a-z0-9]+`)

// golden compares what commands print with a file of testdata.
func (w *world) golden(name, text string) {
	w.t.Helper()
	text = strings.ReplaceAll(strings.ReplaceAll(text, w.url, "http://SERVER"), w.dir, "DIR")
	path := filepath.Join("testdata", words.ReplaceAllString(strings.ToLower(name), "-")+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if text != string(want) {
		w.t.Errorf("%s: got\n%s\nwant\n%s", path, text, want)
	}
}

// key is a key as the API shows it, with changes to some fields.
func key(changes string) string {
	k := map[string]any{}
	merge := func(text string) {
		if err := json.Unmarshal([]byte(text), &k); err != nil {
			panic(err)
		}
	}
	merge(`{"id":"key_3fT9aZ0bQ1Xy","name":"checkout-prod","status":"active","origin":"managed","labels":{"team":"payments","env":"prod"},
		"models":{"allow":["gpt-5*","o3"],"deny":["gpt-5-pro"]},"operations":null,"networks":["10.0.0.0/8"],
		"limits":[
			{"id":"lim_cost","kind":"cost","amount":"200.00","window":{"calendar":"month","timezone":"Europe/Berlin"},"spent":"3.170000125","reserved":"0.02","remaining":"196.809999875","resets_at":"2026-12-01T00:00:00+01:00"},
			{"id":"lim_day","kind":"cost","amount":"20.00","window":{"calendar":"day"},"spent":"19.999","reserved":"0.00","remaining":"0.001","resets_at":"2026-11-22T00:00:00Z"},
			{"id":"lim_rpm","kind":"requests","amount":60,"window":{"sliding":"60s"},"spent":7,"reserved":0,"remaining":53,"resets_at":null},
			{"id":"lim_five","kind":"concurrency","amount":8,"models":["o3"],"spent":0,"reserved":2,"remaining":6,"resets_at":null}],
		"shared_limits":[{"id":"lim_pool","name":"payments","kind":"tokens","amount":5000000,"per":"pool","match":{"label.team":"payments"},"window":{"calendar":"week"},"spent":1234567,"reserved":1000,"remaining":3764433,"resets_at":"2026-11-23T00:00:00Z"}],
		"secrets":[{"id":"sec_1","last4":"x7Qz","created_at":"2026-10-01T10:00:00Z","not_after":"2026-11-21T18:00:00Z","last_used_at":"2026-11-21T11:00:00Z"},{"id":"sec_2","last4":"b3Kd","created_at":"2026-11-20T18:00:00Z","not_after":null,"last_used_at":null}],
		"created_at":"2026-10-01T10:00:00Z","created_by":"owner","updated_at":"2026-11-20T10:00:00Z","expires_at":"2026-12-31T23:00:00Z","last_used_at":"2026-11-21T11:58:00Z","etag":"\"7\""}`)
	if changes != "" {
		merge(changes)
	}
	text, _ := json.Marshal(k)
	return string(text)
}
