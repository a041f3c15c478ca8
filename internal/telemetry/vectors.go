package telemetry

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

const labelTokenType = "gen_ai_token_type"

// The fixed labels of metrics that also carry the extra ones.
var (
	placeLabels   = []string{"bind", "gateway", "listener", "route", "route_rule"}
	modelLabels   = []string{"gen_ai_operation_name", "gen_ai_system", "gen_ai_request_model", "gen_ai_response_model"}
	requestLabels = []string{"backend", "protocol", "method", "status", "reason"}
)

// The buckets are agentgateway's, so that dashboards made for it show the same.
var (
	tokenBuckets       = prometheus.ExponentialBuckets(1, 4, 14)
	modelCallBuckets   = prometheus.ExponentialBuckets(0.01, 2, 14)
	outputTokenBuckets = []float64{.001, .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5}
	firstTokenBuckets  = []float64{.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10}
	requestBuckets     = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 80}
	processingBuckets  = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .25}
)

// vectors are the metrics that carry extra labels. Their registry is their own:
// a registry never lets a name change its labels.
type vectors struct {
	registry *prometheus.Registry
	extra    []string

	tokens, modelCall, perOutputToken, firstToken *prometheus.HistogramVec
	requests, responseBytes, retries, refusals    *prometheus.CounterVec
	cost                                          *prometheus.CounterVec
	duration, processing                          *prometheus.HistogramVec

	// What was already given a label value; it lives as long as the series do.
	models, keys, sets admitted
	fields             []admitted
}

func newVectors(extra []string) *vectors {
	v := &vectors{registry: prometheus.NewRegistry(), extra: extra, fields: make([]admitted, len(extra))}
	perModel := slices.Concat(modelLabels, placeLabels, extra)
	perRequest := slices.Concat(requestLabels, placeLabels, extra)
	v.tokens = v.histogram("agentgateway_gen_ai_client_token_usage",
		"Tokens of a model call, by kind; input includes what was read from and written to a cache.",
		tokenBuckets, slices.Concat([]string{labelTokenType}, perModel))
	v.cost = v.counter("agentgateway_gen_ai_client_cost_usd_total",
		"Cost of model calls in US dollars, by the price lists, where there is a price.", perModel)
	v.modelCall = v.histogram("agentgateway_gen_ai_server_request_duration",
		"Seconds from a request for a model to the end of its answer.", modelCallBuckets, perModel)
	v.perOutputToken = v.histogram("agentgateway_gen_ai_server_time_per_output_token",
		"Seconds for each output token of a stream, counted from its first byte.", outputTokenBuckets, perModel)
	v.firstToken = v.histogram("agentgateway_gen_ai_server_time_to_first_token",
		"Seconds from a request to the first byte of its stream.", firstTokenBuckets, perModel)
	v.requests = v.counter("agentgateway_requests_total", "Requests that are over.", perRequest)
	v.duration = v.histogram("agentgateway_request_duration_seconds",
		"Seconds from a request to the end of its answer.", requestBuckets, perRequest)
	v.responseBytes = v.counter("agentgateway_response_bytes_total", "Bytes of the bodies of answers.", perRequest)
	v.retries = v.counter("agentgateway_retries_total", "Attempts beyond the first of a request.", perRequest)
	v.processing = v.histogram("agentgateway_request_processing_seconds",
		"Seconds from a request to the moment when it was sent to a provider.", processingBuckets,
		slices.Concat([]string{"backend"}, placeLabels, extra))
	v.refusals = v.counter("tollgate_refusals_total", "Requests that the gateway refused, by error code.",
		slices.Concat([]string{"code"}, placeLabels, extra))
	return v
}

func (v *vectors) histogram(name, help string, buckets []float64, labels []string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	v.registry.MustRegister(h)
	return h
}

func (v *vectors) counter(name, help string, labels []string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	v.registry.MustRegister(c)
	return c
}

func (v *vectors) hasLabels(extra []string) bool { return slices.Equal(v.extra, extra) }
