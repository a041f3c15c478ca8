// Package dataplane is the HTTP surface for applications. It turns an HTTP
// request that is well formed and unambiguous into a gateway.Request, refuses
// every other, and writes the gateway's answer. It decides nothing about keys,
// models or limits.
package dataplane
