// Package telemetry makes what happened visible: metrics for Prometheus, one
// access-log line per request, and traces for OpenTelemetry. All three are
// readings of one gateway.Exchange, so they cannot disagree.
//
// It owns the names of metrics, log fields and span attributes, the bounds that
// keep clients from creating metric series without end, and the escaping that
// keeps them from forging log lines. It must not decide anything about a
// request, and it never sees a credential, a query, a body, or a header but
// User-Agent.
//
// # Reloads
//
// Apply puts new settings in force while requests run. Metrics keep counting as
// long as the set of extra labels (configured fields and key labels) is the
// same. If that set changes, the metrics that carry it start anew from zero, as
// they would after a restart, since a series cannot change its labels; all other
// metrics go on. An exchange that began under other settings brings the names of
// its own extra fields and is read by these.
//
// # Overload
//
// Nothing here makes a request wait for I/O. Log lines go to a buffer of bounded
// size; when the writer of the log falls behind, lines are dropped, counted in
// tollgate_access_log_dropped_lines_total and reported in the log itself once
// there is room again. Spans that cannot be exported are dropped likewise.
package telemetry
