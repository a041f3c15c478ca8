// Package vkey is the virtual key: how one looks, how it is minted, in which
// form it is kept and how a presented one is found. It owns the secret's format
// and its digests. It knows nothing of where keys are configured or stored, and
// what a caller may do is the business of caller.
package vkey
