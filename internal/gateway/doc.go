// Package gateway is the order of business of one request: authenticate,
// authorize, reserve, send, relay, settle, record. It works on a compiled
// Snapshot of the configuration, speaks to the caller through a Responder and to
// providers through their transports, and knows no HTTP server, file or metric.
package gateway
