package telemetry_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/telemetry"
)

const (
	sampled   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// receiver is an OTLP receiver; what it got is read after the exporter has stopped.
type receiver struct {
	*httptest.Server
	spans   chan []*wire.ResourceSpans
	headers chan http.Header
}

func newReceiver(t *testing.T, path string) *receiver {
	t.Helper()
	r := &receiver{spans: make(chan []*wire.ResourceSpans, 100), headers: make(chan http.Header, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		var export collector.ExportTraceServiceRequest
		if err != nil || req.URL.Path != path || proto.Unmarshal(body, &export) != nil {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		r.headers <- req.Header
		r.spans <- export.ResourceSpans
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) received() (spans []*wire.Span, service map[string]string) {
	service = map[string]string{}
	for {
		select {
		case batch := <-r.spans:
			for _, resource := range batch {
				for k, v := range attributes(resource.Resource.Attributes) {
					service[k] = v
				}
				for _, scope := range resource.ScopeSpans {
					spans = append(spans, scope.Spans...)
				}
			}
		default:
			return spans, service
		}
	}
}

func attributes(list []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		default:
			m[a.Key] = strings.Trim(strings.SplitN(a.Value.String(), ":", 2)[1], " ")
		}
	}
	return m
}

// traced starts a recorder that exports traces.
func traced(t *testing.T, to telemetry.Tracing) (r *telemetry.Recorder, stop func()) {
	t.Helper()
	r, err := telemetry.New(telemetry.Options{Settings: telemetry.Settings{Tracing: to}, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	until(t, func() bool {
		return to.Endpoint == "" || r.Begin(sampled, "") != nil || r.Begin("", "") != nil
	})
	return r, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// until waits for something that another goroutine is about to do.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestSpans(t *testing.T) {
	otlp := newReceiver(t, "/v1/traces")
	r, stop := traced(t, telemetry.Tracing{Endpoint: otlp.Listener.Addr().String(), ClientSampling: 1})
	x := chat(alice)
	x.TraceParent, x.Streamed = sampled, true
	x.MaxTokens, x.Temperature, x.HasTemperature = 256, 0.5, true
	x.Usage.CacheRead, x.UserAgent, x.Path = 5, "sdk/1", "/v1/chat/completions?key=canary"
	x.Attempts = []gateway.Attempt{
		{Provider: "openai", Backend: "spare", Model: "gpt-3.5-turbo", Err: errors.New("reset"), Started: noon.Add(time.Millisecond), Duration: time.Millisecond},
		x.Attempts[0],
	}
	x.Span = r.Begin(sampled, "vendor=1")
	upstream := []string{x.Span.TraceParent(), x.Span.TraceParent()}
	r.Record(x)
	stop()

	spans, service := otlp.received()
	if service["service.name"] != "tollgate" || service["service.version"] != "1.2.3" {
		t.Errorf("resource %v", service)
	}
	if len(spans) != 3 {
		t.Fatalf("%d spans", len(spans))
	}
	byID := map[string]*wire.Span{}
	var server *wire.Span
	for _, s := range spans {
		if hex.EncodeToString(s.TraceId) != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("trace %x", s.TraceId)
		}
		byID[hex.EncodeToString(s.SpanId)] = s
		if s.Kind == wire.Span_SPAN_KIND_SERVER {
			server = s
		}
	}
	if server == nil || hex.EncodeToString(server.ParentSpanId) != "b7ad6b7169203331" || server.Name != "POST /v1/chat/completions" || server.TraceState != "vendor=1" {
		t.Fatalf("server span %v", server)
	}
	if took := server.EndTimeUnixNano - server.StartTimeUnixNano; server.StartTimeUnixNano != uint64(noon.UnixNano()) || took != uint64(x.Duration) {
		t.Errorf("begins %d, takes %d", server.StartTimeUnixNano, took)
	}
	want := map[string]string{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai",
		"gen_ai.request.model": "gpt-3.5-turbo", "gen_ai.response.model": "gpt-3.5-turbo-0125",
		"gen_ai.usage.input_tokens": "15", "gen_ai.usage.output_tokens": "9", "gen_ai.usage.cache_read.input_tokens": "5",
		"gen_ai.request.max_tokens": "256", "gen_ai.request.temperature": "0.5", "agw.ai.time_to_first_token": "0.9",
		"http.request.method": "POST", "http.response.status_code": "200", "url.path": "/v1/chat/completions", "url.scheme": "http",
		"server.address": "localhost:4000", "client.address": "127.0.0.1:50000", "user_agent.original": "sdk/1",
		"tollgate.key.id": "key_alice", "tollgate.key.name": "alice", "tollgate.request.id": "req_1", "tollgate.outcome": "served",
		"tollgate.usage.source": "reported", "tollgate.model.asked": "gpt-3.5-turbo", "listener": "llm", "route": "internal/llm:request",
		"network.protocol.name": "HTTP/1.1",
	}
	got := attributes(server.Attributes)
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %q, not %q", k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("attributes %v", got)
	}
	checkAttempts(t, server, byID, upstream)
}

func checkAttempts(t *testing.T, server *wire.Span, byID map[string]*wire.Span, upstream []string) {
	t.Helper()
	for i, header := range upstream {
		s := byID[header[36:52]]
		if s == nil || header[:36] != sampled[:36] || !strings.HasSuffix(header, "-01") {
			t.Fatalf("attempt %d: %q is no span", i, header)
		}
		if !bytes.Equal(s.ParentSpanId, server.SpanId) || s.Kind != wire.Span_SPAN_KIND_CLIENT || s.Name != "chat gpt-3.5-turbo" {
			t.Errorf("attempt %d: %v", i, s)
		}
		a := attributes(s.Attributes)
		if failed := s.Status.GetCode() == wire.Status_STATUS_CODE_ERROR; failed != (i == 0) || (a["error.type"] == "broken") != (i == 0) {
			t.Errorf("attempt %d: %v %v", i, s.Status, a)
		}
		if (a["server.address"] == "api.openai.com:443") != (i == 1) || (a["gen_ai.usage.output_tokens"] == "9") != (i == 1) {
			t.Errorf("attempt %d: %v", i, a)
		}
	}
	first, last := byID[upstream[0][36:52]], byID[upstream[1][36:52]]
	if first.EndTimeUnixNano-first.StartTimeUnixNano != uint64(time.Millisecond) || last.EndTimeUnixNano != server.EndTimeUnixNano {
		t.Errorf("attempts end at %d and %d", first.EndTimeUnixNano, last.EndTimeUnixNano)
	}
}

func TestStatusOfSpans(t *testing.T) {
	for name, c := range map[string]struct {
		exchange *gateway.Exchange
		failed   bool
	}{
		"served":    {chat(alice), false},
		"refused":   {refused(), false},
		"unmetered": {&gateway.Exchange{Started: noon, Status: 200, Outcome: gateway.Served, Provider: "openai"}, false},
		"failed":    {broken(), true},
		"aborted":   {&gateway.Exchange{Started: noon}, true},
	} {
		t.Run(name, func(t *testing.T) {
			otlp := newReceiver(t, "/v1/traces")
			r, stop := traced(t, telemetry.Tracing{Endpoint: otlp.URL, RandomSampling: 1})
			c.exchange.Span = r.Begin("", "")
			r.Record(c.exchange)
			stop()
			spans, _ := otlp.received()
			for _, s := range spans {
				if s.Kind == wire.Span_SPAN_KIND_SERVER && (s.Status.GetCode() == wire.Status_STATUS_CODE_ERROR) != c.failed {
					t.Errorf("status %v", s.Status)
				}
				if s.Kind == wire.Span_SPAN_KIND_SERVER && len(s.ParentSpanId) != 0 {
					t.Errorf("parent %x", s.ParentSpanId)
				}
			}
			if len(spans) == 0 {
				t.Error("no spans")
			}
		})
	}
}

// TestTextOfSpans sends what Protobuf refuses: one bad span must not cost a batch.
func TestTextOfSpans(t *testing.T) {
	otlp := newReceiver(t, "/v1/traces")
	r, stop := traced(t, telemetry.Tracing{Endpoint: otlp.URL, ClientSampling: 1})
	x := chat(alice)
	x.Method, x.Path, x.ModelSent, x.Attempts[0].Model, x.UserAgent = "\xff", "\xff", "\xff", "\xff", strings.Repeat("é", 1000)
	x.Err = fault.New(fault.Internal, "\xff", "x")
	x.Span = r.Begin(sampled, "not a state,,==")
	r.Record(x)
	stop()
	spans, _ := otlp.received()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	for _, s := range spans {
		if agent := attributes(s.Attributes)["user_agent.original"]; len(agent) > 300 {
			t.Errorf("an attribute of %d bytes", len(agent))
		}
	}
}

func TestSampling(t *testing.T) {
	for _, c := range []struct {
		name           string
		random, client float64
		parent         string
		want           bool
	}{
		{"caller traces", 0, 1, sampled, true},
		{"caller traces, not honoured", 1, 0, sampled, false},
		{"caller does not trace", 1, 1, unsampled, false},
		{"caller says nothing", 0, 1, "", false},
		{"caller says nothing, random", 1, 1, "", true},
		{"caller speaks nonsense", 1, 1, "nonsense", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			otlp := newReceiver(t, "/v1/traces")
			r, stop := traced(t, telemetry.Tracing{Endpoint: otlp.URL, RandomSampling: c.random, ClientSampling: c.client})
			defer stop()
			s := r.Begin(c.parent, "")
			if (s != nil) != c.want {
				t.Fatalf("span %v", s)
			}
			if s != nil && c.parent == "" {
				first, second := s.TraceParent(), s.TraceParent()
				if first[3:35] == strings.Repeat("0", 32) || first == second {
					t.Errorf("identifiers are not fresh: %s, %s", first, second)
				}
			}
		})
	}
}

func TestNoTracesWithoutEndpoint(t *testing.T) {
	r, stop := traced(t, telemetry.Tracing{RandomSampling: 0.5, ClientSampling: 0.5})
	defer stop()
	for range 20 {
		if r.Begin(sampled, "") != nil || r.Begin("", "") != nil {
			t.Fatal("a span without a receiver")
		}
	}
	if n := testing.AllocsPerRun(100, func() { r.Begin(sampled, "") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReceiverChanges(t *testing.T) {
	first, second := newReceiver(t, "/v1/traces"), newReceiver(t, "/custom")
	r, stop := traced(t, telemetry.Tracing{Endpoint: first.URL, ClientSampling: 1})
	x := chat(alice)
	x.Span = r.Begin(sampled, "")
	r.Record(x)
	if err := r.Apply(telemetry.Settings{Tracing: telemetry.Tracing{Endpoint: second.URL, Path: "/custom", ClientSampling: 1}}); err != nil {
		t.Fatal(err)
	}
	var spans []*wire.Span
	until(t, func() bool { // the old way is closed once the new one is open
		got, _ := first.received()
		spans = append(spans, got...)
		return len(spans) == 2
	})
	x.Span = r.Begin(sampled, "")
	r.Record(x)
	stop()
	if got, _ := second.received(); len(got) != 2 {
		t.Errorf("the second receiver has %d spans", len(got))
	}
	if r.Begin(sampled, "") != nil {
		t.Error("a span after the end")
	}
	r.Record(x) // nowhere to go
}

func TestBrokenReceiver(t *testing.T) {
	otlp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) }))
	defer otlp.Close()
	var out bytes.Buffer
	r, err := telemetry.New(telemetry.Options{
		Settings: telemetry.Settings{Tracing: telemetry.Tracing{Endpoint: otlp.URL, ClientSampling: 1}},
		Log:      slog.New(slog.NewTextHandler(&out, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	x := chat(alice)
	until(t, func() bool { x.Span = r.Begin(sampled, ""); return x.Span != nil })
	r.Record(x)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "not exported") {
		t.Errorf("nobody is told: %s", out.String())
	}
}

func TestTraceIDsInTheLog(t *testing.T) {
	otlp := newReceiver(t, "/v1/traces")
	var out bytes.Buffer
	r, err := telemetry.New(telemetry.Options{
		Settings:  telemetry.Settings{Tracing: telemetry.Tracing{Endpoint: otlp.URL, ClientSampling: 1}},
		AccessLog: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	x := chat(alice)
	x.TraceParent = sampled
	until(t, func() bool { x.Span = r.Begin(sampled, ""); return x.Span != nil })
	r.Record(x)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	spans, _ := otlp.received()
	for _, s := range spans {
		if s.Kind != wire.Span_SPAN_KIND_SERVER {
			continue
		}
		if want := " trace.id=0af7651916cd43dd8448eb211c80319c span.id=" + hex.EncodeToString(s.SpanId) + " "; !strings.Contains(out.String(), want) {
			t.Errorf("no%sin %s", want, out.String())
		}
	}
	if len(spans) != 2 {
		t.Errorf("%d spans", len(spans))
	}
}

func TestTraceParents(t *testing.T) {
	otlp := newReceiver(t, "/v1/traces")
	r, stop := traced(t, telemetry.Tracing{Endpoint: otlp.URL, ClientSampling: 1})
	defer stop()
	for header, want := range map[string]bool{
		sampled:                      true,
		"01" + sampled[2:]:           true,
		"01" + sampled[2:] + "-more": true,
		sampled[:53] + "03":          true,
		sampled + "-more":            false,
		"01" + sampled[2:] + "x":     false,
		"ff" + sampled[2:]:           false,
		strings.ToUpper(sampled):     false,
		sampled[:54]:                 false,
		"00-" + strings.Repeat("0", 32) + sampled[35:]: false,
		sampled[:36] + strings.Repeat("0", 16) + "-01": false,
		"00_" + sampled[3:]:                            false,
		sampled[:35] + "_" + sampled[36:]:              false,
		sampled[:52] + "_01":                           false,
		sampled[:53] + "0g":                            false,
		"":                                             false,
	} {
		s := r.Begin(header, "")
		if (s != nil) != want {
			t.Errorf("%q: %v", header, s)
		}
		if s != nil && s.TraceParent()[:36] != sampled[:36] {
			t.Errorf("%q: %s", header, s.TraceParent())
		}
	}
}

func TestTracingFromEnv(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want telemetry.Tracing
		err  string
	}{
		{nil, telemetry.Tracing{ClientSampling: 1, RandomSampling: 1}, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}, telemetry.Tracing{Endpoint: "http://a:4318", ClientSampling: 1, RandomSampling: 1}, ""},
		{map[string]string{"OTLP_ENDPOINT": "http://b:4318"}, telemetry.Tracing{Endpoint: "http://b:4318", ClientSampling: 1, RandomSampling: 1}, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318", "OTLP_ENDPOINT": "http://b:4318"}, telemetry.Tracing{Endpoint: "http://a:4318", ClientSampling: 1, RandomSampling: 1}, ""},
		{
			map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/x/y", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a"},
			telemetry.Tracing{Endpoint: "https://c", Path: "/x/y", ClientSampling: 1, RandomSampling: 1}, "",
		},
		{
			map[string]string{"OTLP_ENDPOINT": "b:1", "OTEL_TRACES_SAMPLER": "parentbased_always_on"},
			telemetry.Tracing{Endpoint: "b:1", ClientSampling: 1, RandomSampling: 1}, "",
		},
		{
			map[string]string{"OTLP_ENDPOINT": "b:1", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"},
			telemetry.Tracing{Endpoint: "b:1", ClientSampling: 1, RandomSampling: 0.25}, "",
		},
		{map[string]string{"OTLP_ENDPOINT": "b:1", "OTEL_SDK_DISABLED": "true"}, telemetry.Tracing{ClientSampling: 1}, ""},
		{map[string]string{"OTLP_ENDPOINT": "b:1", "OTEL_TRACES_EXPORTER": "none"}, telemetry.Tracing{ClientSampling: 1}, ""},
		{map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "x"}, telemetry.Tracing{}, "SAMPLER_ARG"},
		{map[string]string{"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "7"}, telemetry.Tracing{}, "between 0 and 1"},
		{map[string]string{"OTEL_TRACES_SAMPLER": "dice"}, telemetry.Tracing{}, "dice"},
		{map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, telemetry.Tracing{}, "grpc"},
		{map[string]string{"OTLP_ENDPOINT": "unix:///x"}, telemetry.Tracing{}, "endpoint"},
	} {
		got, err := telemetry.TracingFromEnv(func(name string) string { return c.env[name] })
		switch {
		case c.err == "" && (err != nil || got != c.want):
			t.Errorf("%v: %+v, %v", c.env, got, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%v: %v", c.env, err)
		}
	}
}

func FuzzTraceParent(f *testing.F) {
	f.Add(sampled)
	f.Add(unsampled + "-x")
	f.Add("01" + sampled[2:] + "-more")
	f.Fuzz(func(t *testing.T, header string) {
		x := chat(alice)
		x.TraceParent = header
		line := logged(t, telemetry.Settings{}, x)
		if _, rest, ok := strings.Cut(line, " trace.id="); ok && (len(header) < 55 || rest[:32] != header[3:35]) {
			t.Errorf("%q in %s", header, line)
		}
	})
}
