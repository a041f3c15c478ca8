package telemetry

import (
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tollgate/internal/usage"
)

// fixed are the metrics whose labels no configuration changes.
type fixed struct {
	registry *prometheus.Registry

	upstreamCalls                   *prometheus.HistogramVec
	upstreamModel, upstreamOther    prometheus.Observer
	downstream, received, sent      *prometheus.CounterVec
	attempts, limits, charged       *prometheus.CounterVec
	lookups                         [lookups]prometheus.Counter
	usage                           [usage.Estimated + 1]prometheus.Counter
	clamped, seriesDropped          prometheus.Counter
	openConnections                 *prometheus.GaugeVec
	synchronized, loadedAt          prometheus.Gauge
	reloadsSucceeded, reloadsFailed prometheus.Counter
}

func newFixed(version string, inFlight, droppedLines func() float64) *fixed {
	f := &fixed{registry: prometheus.NewRegistry()}
	f.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	f.upstreamCalls = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "agentgateway_upstream_call_duration_seconds", Buckets: requestBuckets,
		Help: "Seconds from an attempt's start to the head of its answer, or to its failure.",
	}, []string{"kind", "subtype"})
	f.registry.MustRegister(f.upstreamCalls)
	f.upstreamModel = f.upstreamCalls.WithLabelValues("Primary", "Llm")
	f.upstreamOther = f.upstreamCalls.WithLabelValues("Primary", "Http")

	connection := []string{"bind", "gateway", "listener", "protocol"}
	f.downstream = f.counters("agentgateway_downstream_connections_total", "Connections that clients opened.", connection...)
	f.received = f.counters("agentgateway_downstream_received_bytes_total", "Bytes of the bodies of requests.", connection...)
	f.sent = f.counters("agentgateway_downstream_sent_bytes_total", "Bytes of the bodies of answers.", connection...)
	f.openConnections = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tollgate_open_connections", Help: "Connections of clients that are open now.",
	}, connection)
	f.registry.MustRegister(f.openConnections)

	f.attempts = f.counters("tollgate_attempts_total",
		"Attempts at a target of a provider, by what came of them.", "provider", "backend", "outcome")
	f.limits = f.counters("tollgate_limit_refusals_total", "Requests that a limit refused, by what it counts and why.", "kind", "reason")
	f.charged = f.counters("tollgate_charged_usd_total",
		"Cost in US dollars of all requests, by where its figures come from.", "source")
	found := f.counters("agentgateway_cost_catalog_lookups_total", "Model calls, by what the price lists say of the model.", "status")
	for l := range f.lookups {
		f.lookups[l] = found.WithLabelValues(lookupNames[l])
	}
	sources := f.counters("tollgate_usage_total", "Model calls, by where the figures of their usage come from.", "source")
	for s := range f.usage {
		f.usage[s] = sources.WithLabelValues(usage.Source(s).String())
	}
	f.clamped = f.single("tollgate_usage_clamped_total", "Model calls whose usage contradicts itself and was corrected.")
	f.seriesDropped = f.single("tollgate_metric_series_dropped_total",
		`Sets of label values that were folded into "other" because a bound on metric series was reached.`)
	f.configuration()

	f.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tollgate_exchanges_in_flight", Help: "Requests that are being handled now.",
	}, inFlight))
	f.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "tollgate_access_log_dropped_lines_total", Help: "Lines of the access log that were dropped because its writer fell behind or failed.",
	}, droppedLines))
	f.build("agentgateway_build_info", "The version, under the name that agentgateway gives it.", prometheus.Labels{"tag": version})
	f.build("tollgate_build_info", "The version of the program and of Go.", prometheus.Labels{"version": version, "go_version": runtime.Version()})
	return f
}

// Show exposes figures of other parts of the program. It is for the start.
func (r *Recorder) Show(all ...Figure) {
	for _, f := range all {
		if f.Counts {
			r.fixed.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: f.Name, Help: f.Help}, f.Value))
		} else {
			r.fixed.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: f.Name, Help: f.Help}, f.Value))
		}
	}
}

func (f *fixed) configuration() {
	f.synchronized = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "agentgateway_config_synchronized", Help: "1 if the configuration in force is the newest one, 0 if that one could not be loaded.",
	})
	f.loadedAt = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tollgate_config_last_success_timestamp_seconds", Help: "When the configuration in force was loaded.",
	})
	f.registry.MustRegister(f.synchronized, f.loadedAt)
	loads := f.counters("tollgate_config_loads_total", "Times that the configuration was read, by result.", "result")
	f.reloadsSucceeded = loads.WithLabelValues("success")
	f.reloadsFailed = loads.WithLabelValues("failure")
}

func (f *fixed) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	f.registry.MustRegister(c)
	return c
}

func (f *fixed) single(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	f.registry.MustRegister(c)
	return c
}

func (f *fixed) build(name, help string, labels prometheus.Labels) {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	g.Set(1)
	f.registry.MustRegister(g)
}

func (f *fixed) loaded(err error, now time.Time) {
	if err != nil {
		f.reloadsFailed.Inc()
		f.synchronized.Set(0)
		return
	}
	f.reloadsSucceeded.Inc()
	f.synchronized.Set(1)
	f.loadedAt.Set(float64(now.UnixMilli()) / 1000)
}

func (f *fixed) connections(bind, gatewayName, listener, protocol string) func(net.Conn, http.ConnState) {
	labels := []string{label(bind), label(gatewayName), label(listener), label(protocol)}
	opened := f.downstream.WithLabelValues(labels...)
	open := f.openConnections.WithLabelValues(labels...)
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Inc()
			open.Inc()
		case http.StateClosed, http.StateHijacked:
			open.Dec()
		}
	}
}
