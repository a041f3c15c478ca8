package app

import (
	"cmp"
	"encoding/json"
	"strconv"

	"tollgate/internal/config"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
	"tollgate/internal/telemetry"
)

// settings gives what telemetry takes from a configuration.
func (a *App) settings(c *config.Config, report *config.Report, compiled *snapshot.Compiled) (telemetry.Settings, error) {
	s := telemetry.Settings{
		Fields:           snapshot.FieldNames(c),
		KeyLabels:        c.Tollgate.Metrics.KeyLabels,
		Bounds:           telemetry.Bounds{Keys: c.Tollgate.Metrics.MaxKeys},
		RemovedMetrics:   c.Process.Metrics.Remove,
		RemovedLogFields: c.Frontend.AccessLog.Remove,
		Models:           compiled.Models,
	}
	if c.Tollgate.AccessLog.Format == "json" {
		s.LogFormat = telemetry.JSON
	}
	tracing, err := telemetry.TracingFromEnv(a.options.env)
	if err != nil {
		return s, err
	}
	s.Tracing = tracing
	if t := c.Frontend.Tracing; t != nil {
		s.Tracing = tracingOf(t, report)
	}
	return s, s.Validate()
}

func tracingOf(t *config.Tracing, report *config.Report) telemetry.Tracing {
	if t.Protocol == "grpc" {
		report.Warn(t.At.Child("protocol"), "traces are sent by OTLP over HTTP; name the collector's HTTP port (usually 4318) and set protocol: http")
	}
	if len(t.Attributes)+len(t.Resources)+len(t.Remove) > 0 {
		report.Warn(t.At, "attributes, resources and remove have no effect yet: spans have the fields of the access log; OTEL_RESOURCE_ATTRIBUTES in the environment names the process")
	}
	return telemetry.Tracing{
		Endpoint: cmp.Or(t.Endpoint, t.Host), Path: t.Path, Headers: collectorHeaders(t.Headers),
		RandomSampling: share(t.RandomSampling, report), ClientSampling: share(t.ClientSampling, report),
	}
}

// collectorHeaders gives header lines in the form that telemetry takes.
func collectorHeaders(from config.Map[config.Secret]) secret.Text {
	if len(from) == 0 {
		return secret.Text{}
	}
	headers := make(map[string]string, len(from))
	for i := range from {
		headers[from[i].Name] = from[i].Value.Text.Reveal()
	}
	text, err := json.Marshal(headers)
	if err != nil { // texts always marshal
		return secret.Text{}
	}
	return secret.New(string(text))
}

// share reads a share of requests: true, false, or a number from 0 to 1.
func share(e config.Expr, report *config.Report) float64 {
	switch e.Text {
	case "true":
		return 1
	case "false", "":
		return 0
	}
	n, err := strconv.ParseFloat(e.Text, 64)
	if err != nil || n < 0 || n > 1 {
		report.Add(e.At, "a share of requests is true, false or a number from 0 to 1; expressions are not supported yet")
	}
	return n
}
