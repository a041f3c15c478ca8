// Package client calls the admin API of a tollgate server: one method for each
// operation, with the types of tollgate/api/admin. It knows how requests are
// written, repeated and refused, and nothing of what the operations mean.
//
// What the server refuses is an *Error, which has its answer as a Problem. Lists
// come page by page (Keys), or all of them in a range loop (AllKeys).
//
// Operations that create something or make a new secret carry an Idempotency-Key,
// and like those that only read they are tried again when the connection fails: the
// server does them once, and gives the first answer again.
package client
