// Package manifest decides what Kubernetes objects mean: Compile turns them into the
// configuration that files compile to, and into what their statuses have to say. It is a
// pure function of its arguments: it talks to nobody, and nothing in it knows how objects
// are watched or statuses written.
//
// A broken object harms only what hangs off it: a rule that cannot be served answers 500,
// or 503 where a credential is missing, and a condition says why.
package manifest
