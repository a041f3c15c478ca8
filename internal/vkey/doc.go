// Package vkey is the virtual key: how one looks, how it is minted, in which
// form it is kept, what it is allowed, and how a presented one is found. It owns
// the format of secrets and ids, that of admin tokens among them since these must be
// told apart, their digests, and the live set of managed keys. It knows nothing of
// where keys are configured or stored; what a limit counts is the business of
// budget, and what patterns of models mean that of access.
package vkey
