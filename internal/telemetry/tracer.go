package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"tollgate/internal/gateway"
	"tollgate/internal/secret"
)

// Tracing says where traces go and which exchanges are traced. Without an
// endpoint there are none, and they cost nothing.
type Tracing struct {
	// Endpoint is an OTLP receiver that speaks HTTP: host:port or a URL. Path
	// is appended to it; "" means /v1/traces.
	Endpoint, Path string
	// Headers are sent along, as JSON object of names and values; empty: those
	// of the environment.
	Headers secret.Text
	// ClientSampling is the share, 0 to 1, of the exchanges that are traced
	// because the caller traces them. 1 honours every caller, the usual way.
	ClientSampling float64
	// RandomSampling is the share of exchanges that are traced although the
	// caller said nothing of tracing. A caller who said no is never traced.
	RandomSampling float64
}

// TracingFromEnv reads the variables of the OpenTelemetry specification, and
// agentgateway's OTLP_ENDPOINT. Headers, certificates and timeouts of the
// exporter and the attributes of the resource are read from the environment
// by OpenTelemetry itself.
func TracingFromEnv(env func(string) string) (Tracing, error) {
	t := Tracing{ClientSampling: 1}
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") || env("OTEL_TRACES_EXPORTER") == "none" {
		return t, nil
	}
	switch {
	case env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "": // a whole URL
		t.Endpoint = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
		t.Path = "/"
		if scheme, rest, ok := strings.Cut(t.Endpoint, "://"); ok {
			host, path, _ := strings.Cut(rest, "/")
			t.Endpoint, t.Path = scheme+"://"+host, "/"+path
		}
	case env("OTEL_EXPORTER_OTLP_ENDPOINT") != "":
		t.Endpoint = env("OTEL_EXPORTER_OTLP_ENDPOINT")
	default:
		t.Endpoint = env("OTLP_ENDPOINT")
	}
	if err := t.readSampler(env("OTEL_TRACES_SAMPLER"), env("OTEL_TRACES_SAMPLER_ARG")); err != nil {
		return t, err
	}
	for _, name := range [...]string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if p := env(name); p != "" && p != "http/protobuf" {
			return t, fmt.Errorf("tracing: %s is %q, but traces are only exported over http/protobuf", name, p)
		}
	}
	return t, t.validate()
}

func (t *Tracing) readSampler(name, argument string) error {
	switch strings.TrimPrefix(name, "parentbased_") {
	case "":
		// As OpenTelemetry has it: whoever sets an endpoint and nothing else
		// wants to see traces.
		t.RandomSampling = 1
	case "always_off":
	case "always_on":
		t.RandomSampling = 1
	case "traceidratio":
		share, err := strconv.ParseFloat(argument, 64)
		if err != nil {
			return fmt.Errorf("tracing: OTEL_TRACES_SAMPLER_ARG must be a number between 0 and 1, not %q", argument)
		}
		t.RandomSampling = share
	default:
		return fmt.Errorf("tracing: OTEL_TRACES_SAMPLER %q is not known; use always_on, always_off or traceidratio, with parentbased_ or without", name)
	}
	return nil
}

// url gives the address that spans are posted to.
func (t *Tracing) url() string {
	base := t.Endpoint
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	path := t.Path
	if path == "" {
		path = "/v1/traces"
	}
	return strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(path, "/")
}

// lastExport is how long the export of the last spans may take at the end.
const lastExport = 3 * time.Second

// tracer decides what is traced and exports it. While an exchange is under way
// its span is no more than identifiers; OpenTelemetry sees it when it is over.
type tracer struct {
	version string
	log     *slog.Logger
	want    atomic.Pointer[Tracing]
	changed chan struct{} // the receiver is another one now
	live    atomic.Pointer[export]
}

// export is a way to a receiver.
type export struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func newTracer(version string, log *slog.Logger) *tracer {
	t := &tracer{version: version, log: log, changed: make(chan struct{}, 1)}
	if log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	t.want.Store(&Tracing{})
	return t
}

// configure puts other settings in force; another receiver as soon as run comes to it.
func (t *tracer) configure(next Tracing) {
	before := t.want.Swap(&next)
	if before.Endpoint != next.Endpoint || before.Path != next.Path || before.Headers != next.Headers {
		notify(t.changed)
	}
}

// run keeps a way to the wanted receiver open until ctx is over.
func (t *tracer) run(ctx context.Context) {
	var now *export
	for ctx.Err() == nil {
		select {
		case <-t.changed: // what is read now is newer
		default:
		}
		next := t.open(ctx, *t.want.Load())
		t.live.Store(next)
		t.close(ctx, now)
		now = next
		select {
		case <-t.changed:
		case <-ctx.Done():
		}
	}
	t.live.Store(nil)
	t.close(ctx, now)
}

func (t *tracer) open(ctx context.Context, to Tracing) *export {
	if to.Endpoint == "" {
		return nil
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(to.url())}
	if !to.Headers.Empty() {
		var headers map[string]string
		if err := json.Unmarshal([]byte(to.Headers.Reveal()), &headers); err != nil {
			t.log.Error("traces are off: the headers for the collector are malformed")
			return nil
		}
		options = append(options, otlptracehttp.WithHeaders(headers))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		t.log.Error("traces are off", "error", err)
		return nil
	}
	// OpenTelemetry reports failed exports in one place for the whole program.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { t.log.Warn("traces were not exported", "error", err) }))
	service := resource.NewSchemaless(attribute.String("service.name", "tollgate"), attribute.String("service.version", t.version))
	if merged, err := resource.Merge(service, resource.Environment()); err == nil {
		service = merged
	}
	p := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter), sdktrace.WithResource(service),
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // begin has decided
		sdktrace.WithIDGenerator(givenIDs{}),
	)
	return &export{provider: p, tracer: p.Tracer("tollgate", trace.WithInstrumentationVersion(t.version))}
}

func (t *tracer) close(ctx context.Context, e *export) {
	if e == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastExport)
	defer cancel()
	if err := e.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces were not exported", "error", err)
	}
}

// begin decides whether an exchange is traced, and under which trace.
func (t *tracer) begin(traceParent, traceState string) gateway.Span {
	if t.live.Load() == nil {
		return nil
	}
	want := t.want.Load()
	s := &span{}
	parent, ok := parseTraceParent(traceParent)
	switch {
	case !ok:
		if !drawn(want.RandomSampling) {
			return nil
		}
		s.trace = newTraceID()
	case !parent.sampled || !drawn(want.ClientSampling):
		return nil
	default:
		s.trace, s.parent, s.state = parent.trace, parent.span, traceState
	}
	s.id = newSpanID()
	s.attempts = s.room[:0]
	return s
}

func drawn(share float64) bool { return share >= 1 || share > 0 && rand.Float64() < share }
