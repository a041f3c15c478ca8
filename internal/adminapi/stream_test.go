package adminapi

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/control"
)

func TestUsageAsCSV(t *testing.T) {
	w := newWorld(t)
	answer := w.send(t, request{method: "GET", path: "/api/v1/usage.csv?group_by=model&label.team=x"})
	if kind := answer.Header().Get("Content-Type"); answer.Code != 200 || kind != "text/csv; charset=utf-8" {
		t.Fatalf("%d %s", answer.Code, kind)
	}
	if got := w.control.args[0].(admin.UsageFilter); got.Labels["team"] != "x" || got.GroupBy[0] != "model" {
		t.Errorf("asked for %+v", got)
	}
	want := "from,to,model,requests,refused,failed,input_tokens,output_tokens,cached_input_tokens,reasoning_tokens,cost_usd,unpriced_requests,mean_duration_seconds\n" +
		"2026-11-01T00:00:00Z,2026-11-21T12:00:00Z,gpt-5,1200,3,1,1843000,402100,610000,88000,4.317250,0,1.420\n"
	if got := answer.Body.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	w.control.fail = &control.Error{Kind: control.Invalid, Detail: "from is after to"}
	if answer := w.send(t, request{method: "GET", path: "/api/v1/usage.csv"}); answer.Code != 422 {
		t.Errorf("%d %s", answer.Code, answer.Body)
	}
}

func TestLinesOfCSV(t *testing.T) {
	sums := func(n int64) admin.UsageSums { return admin.UsageSums{Requests: n, CostUSD: "0.10"} }
	u := &admin.Usage{From: at("2026-11-01T00:00:00Z"), To: at("2026-11-02T00:00:00Z"), Total: sums(9), Groups: []admin.UsageGroup{
		{Group: map[string]string{"key": "key_1", "label.team": `=HYPERLINK("http://x")`}, Name: "@a", UsageSums: sums(4)},
		{Group: map[string]string{"key": "key_2"}, Name: "b,c", UsageSums: sums(5)},
	}}
	var out strings.Builder
	if err := writeUsage(&out, []string{"key", "label.team"}, u); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{
		"from,to,key,label.team,name,requests,",
		`2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,key_1,"'=HYPERLINK(""http://x"")",'@a,4,`,
		`2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,key_2,,"b,c",5,`,
	} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d: %s", i+1, lines[i])
		}
	}
	out.Reset()
	u.Groups = nil
	if err := writeUsage(&out, nil, u); err != nil || !strings.Contains(out.String(), "\n2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,9,") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// TestLongAnswers shows over a real connection that a long answer either comes
// whole or visibly breaks.
func TestLongAnswers(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	get := func(path string) (*http.Response, string, error) {
		r, _ := http.NewRequest("GET", server.URL+path, nil)
		r.Header.Set("Authorization", "Bearer token-of-the-owner")
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return answer, string(text), err
	}

	if answer, text, err := get("/api/v1/audit/export"); err != nil || text != "" || answer.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("an export of nothing: %q %v %v", text, answer.Header, err)
	}
	w.control.events = 5000
	answer, text, err := get("/api/v1/audit/export?outcome=done")
	if err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %v %v", answer.StatusCode, answer.Header, err)
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	n := 0
	for ; lines.Scan(); n++ {
		if n%1000 == 0 {
			contract().check(t, "/components/schemas/Event", lines.Bytes())
		}
	}
	if filter := w.control.args[0].(admin.EventFilter); n != 5000 || filter.Outcome != "done" {
		t.Errorf("%d lines of %+v", n, filter)
	}

	w.control.events = -5000
	if _, _, err := get("/api/v1/audit/export"); err == nil {
		t.Error("an export that failed on the way came to a good end")
	}
	if !strings.Contains(w.log.String(), "the disk is gone") {
		t.Error("why it failed is not in the log")
	}
	w.control.events, w.control.fail = 0, &control.Error{Kind: control.Unavailable, Detail: "busy"}
	if answer, text, _ := get("/api/v1/audit/export"); answer.StatusCode != 503 || answer.Header.Get("Content-Type") != problemType {
		t.Errorf("%d %s", answer.StatusCode, text)
	}

	if answer, text, err := get("/api/v1/backup"); err != nil || text != "archive" || answer.Header.Get("Content-Type") != "application/x-tar" {
		t.Errorf("backup: %q %v", text, err)
	}
	w.backup = func(to io.Writer) error {
		_, err := io.WriteString(to, strings.Repeat("a", 100_000))
		return errors.Join(err, errors.New("the source is gone"))
	}
	if _, _, err := get("/api/v1/backup"); err == nil {
		t.Error("a backup that failed on the way came to a good end")
	}
	w.backup = func(io.Writer) error { return errors.New("no room") }
	if answer, text, _ := get("/api/v1/backup"); answer.StatusCode != 500 || strings.Contains(text, "no room") || answer.Header.Get("Content-Disposition") != "" {
		t.Errorf("%d %s %v", answer.StatusCode, text, answer.Header)
	}
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	lines := strings.Repeat(`{"name":"a","key_hash":"sha256:00"}`+"\n", 60_000) // more than a JSON body may hold
	answer := w.send(t, request{
		method: "POST", path: "/api/v1/keys:import?format=ndjson&dry_run=true", body: lines,
		header: map[string]string{"Content-Type": "application/x-ndjson", "Idempotency-Key": "once"},
	})
	if got := w.control.args[0].(admin.ImportInput); answer.Code != 200 || w.control.sent != lines || !got.DryRun || got.Format != "ndjson" {
		t.Errorf("%d %+v, %d bytes", answer.Code, got, len(w.control.sent))
	}
	want(t, w.send(t, request{method: "POST", path: "/api/v1/keys:import?format=xml", body: "x", header: map[string]string{"Content-Type": "text/csv"}}), 422, "invalid")
}

// TestHandlersThatPanic shows that a fault is answered and logged, and the next
// request is served.
func TestHandlersThatPanic(t *testing.T) {
	w := newWorld(t)
	w.backup = func(io.Writer) error { panic("a bug") }
	want(t, w.send(t, request{method: "GET", path: "/api/v1/backup"}), 500, "internal_error")
	if log := w.log.String(); !strings.Contains(log, "a bug") || !strings.Contains(log, "stream_test.go") {
		t.Errorf("log %s", log)
	}
	if answer := w.send(t, request{method: "GET", path: "/api/v1/health"}); answer.Code != 200 {
		t.Errorf("afterwards: %d", answer.Code)
	}
}

// deadlines is a connection that tells which deadlines it was given.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error  { d.read = append(d.read, at); return nil }
func (d *deadlines) SetWriteDeadline(at time.Time) error { d.write = append(d.write, at); return nil }

// TestClientsThatStall shows that a client has to send and take what is long in
// time, and that no deadline outlives that: it would break off what comes after.
func TestClientsThatStall(t *testing.T) {
	w := newWorld(t)
	serve := func(method, path, body string) *deadlines {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer token-of-the-owner")
		r.Header.Set("Content-Type", "application/json")
		d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		w.handler.ServeHTTP(d, r)
		if d.Code >= 300 {
			t.Fatalf("%s: %d %s", path, d.Code, d.Body)
		}
		return d
	}
	check := func(what string, set []time.Time) {
		if len(set) < 2 || time.Until(set[0]) < patience/2 || time.Until(set[0]) > patience || !set[len(set)-1].IsZero() {
			t.Errorf("%s: %v", what, set)
		}
	}
	check("a body", serve("POST", "/api/v1/keys", `{"name":"a"}`).read)
	check("an import", serve("POST", "/api/v1/keys:import", `{"name":"a"}`).read)
	check("a backup", serve("GET", "/api/v1/backup", "").write)
}
