package telemetry_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/caller"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/telemetry"
	"tollgate/internal/usage"
)

var (
	place = &gateway.Place{Bind: "4000", Gateway: "", Listener: "llm", Route: "internal/llm:request"}
	alice = &caller.Caller{KeyID: "key_alice", Name: "alice"}
	bob   = &caller.Caller{KeyID: "key_bob", Name: "bob"}
	noon  = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

const placeLabels = `bind="4000",gateway="unknown",gen_ai_operation_name="chat",gen_ai_request_model="gpt-3.5-turbo",` +
	`gen_ai_response_model="gpt-3.5-turbo-0125",gen_ai_system="openai"`

// chat is a chat completion that went well, with 10 tokens in and 9 out.
func chat(by *caller.Caller) *gateway.Exchange {
	return &gateway.Exchange{
		ID: "req_1", Started: noon, Place: place, Scheme: "http", Method: "POST", Host: "localhost:4000",
		Path: "/v1/chat/completions", Proto: "HTTP/1.1", RemoteAddr: "127.0.0.1:50000",
		Caller: by, Operation: dialect.Chat, Dialect: dialect.OpenAI,
		ModelAsked: "gpt-3.5-turbo", ModelSent: "gpt-3.5-turbo", ModelServed: "gpt-3.5-turbo-0125",
		Provider: "openai", Backend: "gpt", Endpoint: "api.openai.com:443",
		Attempts: []gateway.Attempt{{
			Provider: "openai", Backend: "gpt", Model: "gpt-3.5-turbo", Status: 200, Started: noon.Add(time.Millisecond), Duration: 800 * time.Millisecond,
		}},
		Usage:  usage.Usage{InputUncached: 10, OutputText: 9, Source: usage.Reported},
		Status: 200, Outcome: gateway.Served, Reason: "Upstream", BytesIn: 100, BytesOut: 400,
		FirstByte: 900 * time.Millisecond, Processing: 60 * time.Microsecond, Duration: 1500 * time.Millisecond,
	}
}

// refused is a request with a key that nobody knows.
func refused() *gateway.Exchange {
	return &gateway.Exchange{
		ID: "req_2", Started: noon, Place: place, Scheme: "http", Method: "POST", Host: "localhost:4000",
		Path: "/v1/chat/completions", Proto: "HTTP/1.1", RemoteAddr: "127.0.0.1:50000", Caller: caller.Anonymous,
		Operation: dialect.Chat, Status: 401, Outcome: gateway.Refused, Reason: "APIKeyAuth", Duration: 200 * time.Microsecond,
		Err: fault.New(fault.Unauthenticated, "invalid_api_key", "This key is not known."),
	}
}

func newRecorder(t testing.TB, s telemetry.Settings) *telemetry.Recorder {
	t.Helper()
	r, err := telemetry.New(telemetry.Options{Settings: s, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scrape gives the lines of the exposition.
func scrape(t testing.TB, r *telemetry.Recorder) []string {
	t.Helper()
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return strings.Split(w.Body.String(), "\n")
}

// expect tells which lines are missing from the exposition.
func expect(t *testing.T, r *telemetry.Recorder, want ...string) {
	t.Helper()
	got := scrape(t, r)
	have := map[string]bool{}
	for _, line := range got {
		have[line] = true
	}
	for _, line := range want {
		if have[line] {
			continue
		}
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		t.Errorf("no line\n%s\namong\n%s", line, strings.Join(linesOf(got, name), "\n"))
	}
}

// refute fails for every line that begins like one of prefixes.
func refute(t *testing.T, r *telemetry.Recorder, prefixes ...string) {
	t.Helper()
	for _, line := range scrape(t, r) {
		for _, p := range prefixes {
			if strings.HasPrefix(line, p) {
				t.Errorf("unexpected line %s", line)
			}
		}
	}
}

func linesOf(all []string, prefix string) (some []string) {
	for _, line := range all {
		if strings.HasPrefix(line, prefix) {
			some = append(some, line)
		}
	}
	return some
}

// logged gives the access log of exchanges.
func logged(t testing.TB, s telemetry.Settings, exchanges ...*gateway.Exchange) string {
	t.Helper()
	var out bytes.Buffer
	r, err := telemetry.New(telemetry.Options{Settings: s, AccessLog: &out})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range exchanges {
		r.Record(x)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Run(over); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
