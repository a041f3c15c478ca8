package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/caller"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/telemetry"
	"tollgate/internal/usage"
)

const tail = `listener="llm",route="internal/llm:request",route_rule="unknown"}`

func tokens(suffix, kind, labels string) string {
	return "agentgateway_gen_ai_client_token_usage_" + suffix + "{" + placeLabels + `,gen_ai_token_type="` + kind + `",` + labels
}

func TestTokensOfTwoCallers(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	r.Record(chat(alice))
	r.Record(chat(bob))
	r.Record(refused())
	expect(t, r,
		tokens("sum", "input", tail)+" 20", tokens("count", "input", tail)+" 2",
		tokens("sum", "output", tail)+" 18", tokens("count", "output", tail)+" 2",
		`agentgateway_gen_ai_server_request_duration_sum{`+placeLabels+`,`+tail+` 3`,
		`agentgateway_requests_total{backend="unknown",bind="4000",gateway="unknown",listener="llm",method="POST",protocol="unknown",reason="APIKeyAuth",route="internal/llm:request",route_rule="unknown",status="401"} 1`,
		`agentgateway_requests_total{backend="gpt",bind="4000",gateway="unknown",listener="llm",method="POST",protocol="llm",reason="Upstream",route="internal/llm:request",route_rule="unknown",status="200"} 2`,
		`agentgateway_request_duration_seconds_sum{backend="gpt",bind="4000",gateway="unknown",listener="llm",method="POST",protocol="llm",reason="Upstream",route="internal/llm:request",route_rule="unknown",status="200"} 3`,
		`agentgateway_response_bytes_total{backend="gpt",bind="4000",gateway="unknown",listener="llm",method="POST",protocol="llm",reason="Upstream",route="internal/llm:request",route_rule="unknown",status="200"} 800`,
		`agentgateway_request_processing_seconds_count{backend="gpt",bind="4000",gateway="unknown",listener="llm",route="internal/llm:request",route_rule="unknown"} 2`,
		`agentgateway_upstream_call_duration_seconds_count{kind="Primary",subtype="Llm"} 2`,
		`agentgateway_downstream_received_bytes_total{bind="4000",gateway="unknown",listener="llm",protocol="http"} 200`,
		`agentgateway_downstream_sent_bytes_total{bind="4000",gateway="unknown",listener="llm",protocol="http"} 800`,
		`tollgate_refusals_total{bind="4000",code="invalid_api_key",gateway="unknown",listener="llm",route="internal/llm:request",route_rule="unknown"} 1`,
		`tollgate_attempts_total{backend="gpt",outcome="answered",provider="openai"} 2`,
		`tollgate_usage_total{source="reported"} 2`,
		`tollgate_usage_clamped_total 0`,
	)
	refute(t, r, "agentgateway_retries_total{", "agentgateway_gen_ai_server_time_to_first_token",
		tokens("sum", "input_cache_read", ""), tokens("sum", "input_cache_write", ""))
}

func TestOperationNames(t *testing.T) {
	for operation, want := range map[dialect.Operation]string{
		dialect.Chat: "chat", dialect.Messages: "chat", dialect.Responses: "chat", dialect.Converse: "chat",
		dialect.Completions: "text_completion", dialect.Generate: "generate_content",
		dialect.Embeddings: "embeddings", dialect.Rerank: "rerank", dialect.Passthrough: "passthrough",
	} {
		r := newRecorder(t, telemetry.Settings{})
		x := chat(alice)
		x.Operation = operation
		r.Record(x)
		expect(t, r, strings.Replace(tokens("sum", "input", tail), `operation_name="chat"`, `operation_name="`+want+`"`, 1)+" 10")
	}
}

func TestBuckets(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	x := chat(alice)
	x.Streamed = true
	r.Record(x)
	for name, want := range map[string]string{
		"agentgateway_gen_ai_client_token_usage":           "1 4 16 64 256 1024 4096 16384 65536 262144 1.048576e+06 4.194304e+06 1.6777216e+07 6.7108864e+07 +Inf",
		"agentgateway_gen_ai_server_request_duration":      "0.01 0.02 0.04 0.08 0.16 0.32 0.64 1.28 2.56 5.12 10.24 20.48 40.96 81.92 +Inf",
		"agentgateway_gen_ai_server_time_per_output_token": "0.001 0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1 2.5 +Inf",
		"agentgateway_gen_ai_server_time_to_first_token":   "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf",
		"agentgateway_request_duration_seconds":            "0.001 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 30 80 +Inf",
		"agentgateway_request_processing_seconds":          "5e-05 0.0001 0.00025 0.0005 0.001 0.0025 0.005 0.01 0.05 0.25 +Inf",
	} {
		var got []string
		for _, line := range linesOf(scrape(t, r), name+"_bucket{") {
			if strings.Contains(line, `type="output"`) {
				continue
			}
			_, rest, _ := strings.Cut(line, `,le="`)
			bound, _, _ := strings.Cut(rest, `"`)
			got = append(got, bound)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestConfiguredLabels(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"user_id"}}})
	for _, user := range []string{"alice", "bob", "unknown"} {
		x := chat(alice)
		x.MetricFields = []string{user}
		r.Record(x)
	}
	r.Record(chat(bob)) // brings no value at all
	for user, n := range map[string]int{"alice": 1, "bob": 1, "unknown": 2} {
		expect(t, r, fmt.Sprintf(`%s,user_id=%q} %d`, strings.TrimSuffix(tokens("sum", "input", tail), "}"), user, 10*n))
	}
}

func TestKeyLabels(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{KeyLabels: []string{"key_id", "key_name"}})
	r.Record(chat(alice))
	r.Record(refused())
	limited := refused()
	limited.Caller, limited.Err = bob, fault.New(fault.Limited, "rate_limit_exceeded", "No room.")
	r.Record(limited)
	key := func(id, name string) string {
		return strings.Replace(tail, "listener=", `key_id="`+id+`",key_name="`+name+`",listener=`, 1)
	}
	expect(t, r,
		tokens("sum", "input", key("key_alice", "alice"))+" 10",
		`tollgate_refusals_total{bind="4000",code="invalid_api_key",gateway="unknown",`+key("unknown", "unknown")+" 1",
		`tollgate_refusals_total{bind="4000",code="rate_limit_exceeded",gateway="unknown",`+key("key_bob", "bob")+" 1",
	)
	refute(t, newRecorder(t, telemetry.Settings{}), "key_id")
	names := newRecorder(t, telemetry.Settings{KeyLabels: []string{"key_name"}})
	names.Record(chat(alice))
	expect(t, names, tokens("sum", "input", strings.Replace(tail, "listener=", `key_name="alice",listener=`, 1))+" 10")
	refute(t, names, "key_id")
}

func TestStream(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	x := chat(alice)
	x.Streamed, x.FirstByte, x.Duration = true, 600*time.Millisecond, 1500*time.Millisecond
	x.Usage = usage.Usage{
		InputUncached: 4, CacheRead: 6, CacheWrite5m: 3, CacheWrite1h: 2, OutputText: 7, OutputReasoning: 2,
		Source: usage.Estimated, Clamped: true,
	}
	x.Outcome, x.Status = gateway.Cut, 499 // consumed all the same
	r.Record(x)
	expect(t, r,
		tokens("sum", "input", tail)+" 15", tokens("sum", "output", tail)+" 9",
		tokens("sum", "input_cache_read", tail)+" 6", tokens("sum", "input_cache_write", tail)+" 5",
		"agentgateway_gen_ai_server_time_to_first_token_sum{"+placeLabels+","+tail+" 0.6",
		"agentgateway_gen_ai_server_time_per_output_token_sum{"+placeLabels+","+tail+" 0.1",
		`tollgate_usage_total{source="estimated"} 1`, `tollgate_usage_clamped_total 1`,
	)
}

func TestCacheNamedWithZero(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	x := chat(alice)
	x.Usage.Reported = usage.CacheRead
	r.Record(x)
	expect(t, r, tokens("count", "input_cache_read", tail)+" 1")
	refute(t, r, tokens("count", "input_cache_write", ""))
}

func TestNoTokensWithoutSuccess(t *testing.T) {
	for name, change := range map[string]func(*gateway.Exchange){
		"provider's error":   func(x *gateway.Exchange) { x.Attempts[0].Status, x.Status = 500, 500 },
		"no provider":        func(x *gateway.Exchange) { x.Provider = "" },
		"no attempt":         func(x *gateway.Exchange) { x.Attempts = nil },
		"list of models":     func(x *gateway.Exchange) { x.Operation = dialect.Models },
		"connection refused": func(x *gateway.Exchange) { x.Attempts[0].Status, x.Attempts[0].Err = 0, errors.New("refused") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t, telemetry.Settings{})
			x := chat(alice)
			change(x)
			r.Record(x)
			refute(t, r, "agentgateway_gen_ai", `tollgate_usage_total{source="reported"} 1`)
		})
	}
	r := newRecorder(t, telemetry.Settings{})
	x := chat(alice)
	x.Usage = usage.Usage{}
	r.Record(x)
	expect(t, r, `tollgate_usage_total{source="absent"} 1`)
	refute(t, r, "agentgateway_gen_ai_client_token_usage")
}

func TestAttempts(t *testing.T) {
	timeout := &provider.SendError{Stage: provider.Await, Timeout: true, Err: context.DeadlineExceeded}
	for _, c := range []struct {
		attempt gateway.Attempt
		want    string
	}{
		{gateway.Attempt{Status: 200}, "answered"},
		{gateway.Attempt{Status: 404}, "rejected"},
		{gateway.Attempt{Status: 429}, "rate_limited"},
		{gateway.Attempt{Status: 503}, "server_error"},
		{gateway.Attempt{}, "unfinished"},
		{gateway.Attempt{Err: timeout}, "timeout"},
		{gateway.Attempt{Err: context.Canceled}, "canceled"},
		{gateway.Attempt{Err: &provider.SendError{Stage: provider.Connect, Err: errors.New("refused")}}, "unreachable"},
		{gateway.Attempt{Err: &provider.SendError{Stage: provider.Read, Err: errors.New("reset")}}, "broken"},
	} {
		r := newRecorder(t, telemetry.Settings{})
		x := chat(alice)
		c.attempt.Provider, c.attempt.Backend = "first", "a"
		x.Attempts = append([]gateway.Attempt{c.attempt}, x.Attempts[0], x.Attempts[0])
		r.Record(x)
		expect(t, r, fmt.Sprintf(`tollgate_attempts_total{backend="a",outcome=%q,provider="first"} 1`, c.want),
			`tollgate_attempts_total{backend="gpt",outcome="answered",provider="openai"} 2`,
			`agentgateway_upstream_call_duration_seconds_count{kind="Primary",subtype="Llm"} 3`,
			`agentgateway_retries_total{backend="gpt",bind="4000",gateway="unknown",listener="llm",method="POST",protocol="llm",reason="Upstream",route="internal/llm:request",route_rule="unknown",status="200"} 2`)
	}
}

// TestSeriesAreToldApart changes one fact at a time: what decides a series must
// also decide which remembered series is taken.
func TestSeriesAreToldApart(t *testing.T) {
	settings := telemetry.Settings{KeyLabels: []string{"key_id", "key_name"}, Fields: gateway.FieldNames{Metric: []string{"a", "b"}}}
	for name, change := range map[string]func(*gateway.Exchange){
		"place":          func(x *gateway.Exchange) { x.Place = &gateway.Place{Bind: "5000"} },
		"no place":       func(x *gateway.Exchange) { x.Place = nil },
		"status":         func(x *gateway.Exchange) { x.Status = 201 },
		"large status":   func(x *gateway.Exchange) { x.Status = 200 + 256 },
		"method":         func(x *gateway.Exchange) { x.Method = "PUT" },
		"scheme":         func(x *gateway.Exchange) { x.Scheme = "https" },
		"reason":         func(x *gateway.Exchange) { x.Reason = "Timeout" },
		"backend":        func(x *gateway.Exchange) { x.Backend = "claude" },
		"provider":       func(x *gateway.Exchange) { x.Provider = "anthropic" },
		"last provider":  func(x *gateway.Exchange) { x.Attempts[0].Provider = "anthropic" },
		"last backend":   func(x *gateway.Exchange) { x.Attempts[0].Backend = "claude" },
		"last outcome":   func(x *gateway.Exchange) { x.Attempts[0].Status = 500 },
		"operation":      func(x *gateway.Exchange) { x.Operation = dialect.Embeddings },
		"model sent":     func(x *gateway.Exchange) { x.ModelSent = "gpt-4o" },
		"model asked":    func(x *gateway.Exchange) { x.ModelSent, x.ModelAsked = "", "gpt-4o" },
		"model served":   func(x *gateway.Exchange) { x.ModelServed = "gpt-4o" },
		"first field":    func(x *gateway.Exchange) { x.MetricFields = []string{"3", "2"} },
		"second field":   func(x *gateway.Exchange) { x.MetricFields = []string{"1", "3"} },
		"shifted fields": func(x *gateway.Exchange) { x.MetricFields = []string{"12", ""} },
		"key":            func(x *gateway.Exchange) { x.Caller = bob },
		"key's name":     func(x *gateway.Exchange) { x.Caller = &caller.Caller{KeyID: "key_alice", Name: "al"} },
		"no caller":      func(x *gateway.Exchange) { x.Caller = nil },
		"refused":        func(x *gateway.Exchange) { x.Outcome = gateway.Refused },
		"code":           func(x *gateway.Exchange) { x.Outcome, x.Err = gateway.Refused, fault.New(fault.Limited, "x", "x") },
		"retried":        func(x *gateway.Exchange) { x.Attempts = append(x.Attempts, x.Attempts[0]) },
		"streamed":       func(x *gateway.Exchange) { x.Streamed = true },
	} {
		t.Run(name, func(t *testing.T) {
			first := func() *gateway.Exchange {
				x := chat(alice)
				x.MetricFields = []string{"1", "2"}
				return x
			}
			second := first()
			change(second)
			// What the second counts alone, it must also count after the first.
			alone := newRecorder(t, settings)
			alone.Record(second)
			after := newRecorder(t, settings)
			after.Record(first())
			after.Record(second)
			names := map[string]bool{}
			for _, line := range scrape(t, after) {
				series, _, _ := strings.Cut(line, "} ")
				names[series] = true
			}
			for _, prefix := range []string{"agentgateway_", "tollgate_"} {
				for _, line := range linesOf(scrape(t, alone), prefix) {
					if series, _, _ := strings.Cut(line, "} "); !names[series] && strings.Contains(line, "{") {
						t.Errorf("not counted in %s", series)
					}
				}
			}
		})
	}
}

func TestBoundedLabels(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{
		KeyLabels: []string{"key_id", "key_name"}, Models: []string{"configured"}, Fields: gateway.FieldNames{Metric: []string{"team"}},
		Bounds: telemetry.Bounds{Models: 3, Keys: 2, FieldValues: 2, Series: 1000},
	})
	record := func(i int, model string) {
		x := chat(&caller.Caller{KeyID: fmt.Sprint("key", i), Name: fmt.Sprint("name", i)})
		x.ModelSent, x.ModelServed, x.Method = model, model, fmt.Sprint("METHOD", i)
		x.MetricFields = []string{fmt.Sprint("team", i)}
		r.Record(x)
	}
	for i := range 50 {
		record(i, fmt.Sprint("model", i))
	}
	record(0, "configured")
	values := func(label string) map[string]bool {
		found := map[string]bool{}
		for _, line := range scrape(t, r) {
			if _, rest, ok := strings.Cut(line, label+`="`); ok {
				value, _, _ := strings.Cut(rest, `"`)
				found[value] = true
			}
		}
		return found
	}
	for label, want := range map[string]int{
		"gen_ai_request_model": 3 + 2, "key_id": 2 + 1, "key_name": 2 + 1, "team": 2 + 1, "method": 1,
	} {
		got := values(label)
		if len(got) != want || !got["other"] {
			t.Errorf("%s: %v", label, got)
		}
	}
	if !values("gen_ai_response_model")["configured"] {
		t.Error("the configured model has no series")
	}
	refute(t, r, "tollgate_metric_series_dropped_total 0")
}

func TestBoundedSeries(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{
		Models: []string{"configured"}, Fields: gateway.FieldNames{Metric: []string{"team"}}, Bounds: telemetry.Bounds{Series: 10},
	})
	for i := range 200 {
		x := chat(alice)
		x.ModelSent, x.MetricFields = fmt.Sprint("model", i%20), []string{fmt.Sprint("team", i/20)}
		x.ModelServed = "configured"
		r.Record(x)
	}
	counts := linesOf(scrape(t, r), `agentgateway_gen_ai_server_request_duration_count{`)
	if len(counts) != 11 {
		t.Errorf("%d series:\n%s", len(counts), strings.Join(counts, "\n"))
	}
	expect(t, r, `agentgateway_gen_ai_server_request_duration_count{bind="4000",gateway="unknown",gen_ai_operation_name="chat",`+
		`gen_ai_request_model="other",gen_ai_response_model="configured",gen_ai_system="openai",listener="llm",`+
		`route="internal/llm:request",route_rule="unknown",team="other"} 190`, "tollgate_metric_series_dropped_total 190")
}

// TestManyNames asks for more names than are remembered: what is forgotten is
// still counted where it was.
func TestManyNames(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{Bounds: telemetry.Bounds{Models: 1}})
	const n = 9000
	for i := range n {
		x := chat(alice)
		x.ModelSent, x.Scheme = fmt.Sprint("model", i), fmt.Sprint("scheme", i%3)
		r.Record(x)
	}
	first := chat(alice)
	first.ModelSent = "model0"
	r.Record(first)
	counted := func(model string) string {
		return `agentgateway_gen_ai_server_request_duration_count{bind="4000",gateway="unknown",gen_ai_operation_name="chat",` +
			`gen_ai_request_model="` + model + `",gen_ai_response_model="other",gen_ai_system="openai",` + tail
	}
	expect(t, r, counted("model0")+" 2", fmt.Sprint(counted("other"), " ", n-1),
		`agentgateway_downstream_received_bytes_total{bind="4000",gateway="unknown",listener="llm",protocol="other"} 900000`)
}

func TestLabelsOfAnyText(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"team"}}})
	for _, text := range []string{"\xff\xfe", strings.Repeat("é", 100), "a\"b\\c\nd", strings.Repeat("x", 5000), "\x00", strings.Repeat("\x80", 500)} {
		x := chat(alice)
		x.ModelSent, x.ModelServed, x.Reason, x.MetricFields = text, text, text, []string{text}
		r.Record(x)
	}
	expect(t, r, `agentgateway_gen_ai_server_request_duration_count{bind="4000",gateway="unknown",gen_ai_operation_name="chat",`+
		`gen_ai_request_model="a\"b\\c\nd",gen_ai_response_model="a\"b\\c\nd",gen_ai_system="openai",listener="llm",`+
		`route="internal/llm:request",route_rule="unknown",team="a\"b\\c\nd"} 1`)
	for _, line := range scrape(t, r) {
		if len(line) > 2000 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

func TestReload(t *testing.T) {
	old := gateway.FieldNames{Metric: []string{"user", "team"}}
	r := newRecorder(t, telemetry.Settings{Fields: old})
	x := chat(alice)
	x.MetricFields, x.FieldNames = []string{"alice", "red"}, &old
	r.Record(x)

	// The same labels: everything goes on, whatever else changes.
	if err := r.Apply(telemetry.Settings{Fields: old, Models: []string{"m"}, Bounds: telemetry.Bounds{Models: 5}}); err != nil {
		t.Fatal(err)
	}
	r.Record(x)
	expect(t, r, strings.TrimSuffix(tokens("sum", "input", tail), "}")+`,team="red",user="alice"} 20`)

	// Other labels: these metrics begin anew, the others go on, and an
	// exchange of before is read by its own names.
	if err := r.Apply(telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"team", "env"}}}); err != nil {
		t.Fatal(err)
	}
	r.Record(x)
	expect(t, r,
		`agentgateway_gen_ai_client_token_usage_sum{bind="4000",env="unknown",gateway="unknown",gen_ai_operation_name="chat",`+
			`gen_ai_request_model="gpt-3.5-turbo",gen_ai_response_model="gpt-3.5-turbo-0125",gen_ai_system="openai",`+
			`gen_ai_token_type="input",listener="llm",route="internal/llm:request",route_rule="unknown",team="red"} 10`,
		`tollgate_attempts_total{backend="gpt",outcome="answered",provider="openai"} 3`)

	if err := r.Apply(telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"not a label"}}}); err == nil {
		t.Error("an invalid label was taken")
	}
	expect(t, r, `tollgate_attempts_total{backend="gpt",outcome="answered",provider="openai"} 3`)
}

func TestRemovedMetrics(t *testing.T) {
	for _, name := range []string{
		"requests", "requests_total", "agentgateway_requests", "agentgateway_requests_total",
		"request_duration", "agentgateway_request_duration_seconds", "tollgate_attempts_total",
	} {
		r := newRecorder(t, telemetry.Settings{RemovedMetrics: []string{name}})
		r.Record(chat(alice))
		full := name
		for _, part := range []string{"agentgateway_", "tollgate_"} {
			full = strings.TrimPrefix(full, part)
		}
		all := strings.Join(scrape(t, r), "\n")
		for _, prefix := range []string{"agentgateway_", "tollgate_"} {
			if strings.Contains(all, "\n"+prefix+full) {
				t.Errorf("%s is still exposed", name)
			}
		}
		expect(t, r, tokens("sum", "input", tail)+" 10")
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for _, c := range []struct {
		settings telemetry.Settings
		want     string
	}{
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"user-id"}}}, `"user-id"`},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{""}}}, `""`},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"1a"}}}, `"1a"`},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"__a"}}}, `"__a"`},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"status"}}}, "already"},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"gen_ai_token_type"}}}, "already"},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"le"}}}, "already"},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"a", "a"}}}, "twice"},
		{telemetry.Settings{KeyLabels: []string{"key_id", "key_name"}, Fields: gateway.FieldNames{Metric: []string{"key_id"}}}, "twice"},
		{telemetry.Settings{Fields: gateway.FieldNames{Log: []string{"a", "a"}}}, "twice"},
		{telemetry.Settings{Fields: gateway.FieldNames{Log: []string{""}}}, "name"},
		{telemetry.Settings{KeyLabels: []string{"key_secret"}}, "key_secret"},
		{telemetry.Settings{Tracing: telemetry.Tracing{RandomSampling: 2}}, "between 0 and 1"},
		{telemetry.Settings{Tracing: telemetry.Tracing{Endpoint: "ftp://x"}}, "endpoint"},
		{telemetry.Settings{Fields: gateway.FieldNames{Metric: []string{"user_id", "A1_"}}, KeyLabels: []string{"key_id", "key_name"}}, ""},
		{telemetry.Settings{Tracing: telemetry.Tracing{Endpoint: "localhost:4318"}}, ""},
	} {
		err := c.settings.Validate()
		if _, made := telemetry.New(telemetry.Options{Settings: c.settings}); (made == nil) != (err == nil) {
			t.Errorf("%+v: New says %v", c.settings, made)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c.settings, err)
		}
	}
}

func TestConfigurationAndConnections(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	r.Loaded(nil)
	expect(t, r, "agentgateway_config_synchronized 1")
	r.Loaded(errors.New("broken"))
	states := r.Connections("4000", "", "llm", "http")
	for _, s := range []http.ConnState{http.StateNew, http.StateActive, http.StateIdle, http.StateNew, http.StateClosed, http.StateNew, http.StateHijacked} {
		states(net.Conn(nil), s)
	}
	r.Begin("", "")
	r.Begin("", "")
	r.Record(chat(alice))
	labels := `{bind="4000",gateway="unknown",listener="llm",protocol="http"}`
	expect(t, r,
		"agentgateway_config_synchronized 0", `tollgate_config_loads_total{result="success"} 1`, `tollgate_config_loads_total{result="failure"} 1`,
		"agentgateway_downstream_connections_total"+labels+" 3", "tollgate_open_connections"+labels+" 1",
		"tollgate_exchanges_in_flight 1", `agentgateway_build_info{tag="1.2.3"} 1`, "tollgate_access_log_dropped_lines_total 0",
	)
	if got := linesOf(scrape(t, r), "tollgate_config_last_success_timestamp_seconds "); len(got) != 1 || strings.HasSuffix(got[0], " 0") {
		t.Errorf("time of the last success: %v", got)
	}
	for _, name := range []string{"process_", "go_", "tollgate_build_info{"} {
		if len(linesOf(scrape(t, r), name)) == 0 {
			t.Errorf("no metrics %s", name)
		}
	}
}

func TestConcurrency(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 300 {
				x := chat(alice)
				x.ModelSent = fmt.Sprint("m", (g*i)%17)
				r.Begin("", "")
				r.Record(x)
				switch {
				case g == 0 && i%50 == 0:
					if err := r.Apply(telemetry.Settings{KeyLabels: nil}); err != nil {
						t.Error(err)
					}
				case g == 1 && i%100 == 0:
					scrape(t, r)
				}
			}
		})
	}
	all.Wait()
	expect(t, r, `agentgateway_requests_total{backend="gpt",bind="4000",gateway="unknown",listener="llm",method="POST",protocol="llm",reason="Upstream",route="internal/llm:request",route_rule="unknown",status="200"} 1200`)
}

func TestCosts(t *testing.T) {
	r := newRecorder(t, telemetry.Settings{})
	x := chat(alice)
	x.HasPrices, x.PriceState, x.Cost, x.CostSource = true, catalog.Known, money.USD/4, ledger.Exact
	r.Record(x)
	r.Record(x)
	x = chat(bob)
	x.HasPrices = true
	r.Record(x)
	r.Record(chat(bob))
	over := refused()
	over.Err = &fault.Error{Kind: fault.Limited, Code: "budget_exceeded", Limit: &fault.Limit{ID: "lim", Kind: "cost", Reason: fault.InFlight}}
	r.Record(over)
	expect(t, r,
		"agentgateway_gen_ai_client_cost_usd_total{"+placeLabels+","+tail+" 0.5",
		`agentgateway_cost_catalog_lookups_total{status="Exact"} 2`,
		`agentgateway_cost_catalog_lookups_total{status="Missing"} 1`,
		`agentgateway_cost_catalog_lookups_total{status="NoCatalog"} 1`,
		`agentgateway_cost_catalog_lookups_total{status="Unpriced"} 0`,
		`tollgate_charged_usd_total{source="exact"} 0.5`,
		`tollgate_limit_refusals_total{kind="cost",reason="in_flight"} 1`,
	)
}
