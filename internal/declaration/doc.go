// Package declaration says what virtual keys and limits are that a configuration declares:
// it turns them into the data that the data plane, administration and the ledger know. It
// knows no gates and no requests.
package declaration
