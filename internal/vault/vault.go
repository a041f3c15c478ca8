// Package vault seals provider credentials at rest.
package vault

// Vault seals and opens.
type Vault struct{}
