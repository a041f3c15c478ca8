// Package reply writes the answers that the gateway gives itself, in the dialect
// of whoever asked: errors, error events of streams, the list of models. It also
// reads the errors of providers. It appends bytes and knows no HTTP server; what
// went wrong it is told as a fault.Error.
package reply
