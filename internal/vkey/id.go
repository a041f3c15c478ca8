package vkey

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"tollgate/internal/budget"
)

// Prefixes of the ids of limits, secrets and provider credentials; those of keys and admin tokens stand
// with the secrets they are part of.
const (
	limitIDPrefix  = "lim_"
	secretIDPrefix = "sec_"

	credentialIDPrefix = "crd_"
)

// NewLimitID makes an id ("lim_…") for a limit from a source of random bytes. The
// error is the source's.
func NewLimitID(random io.Reader) (string, error) { return newID(limitIDPrefix, random) }

// NewSecretID makes an id ("sec_…") for a secret from a source of random bytes. The
// error is the source's.
func NewSecretID(random io.Reader) (string, error) { return newID(secretIDPrefix, random) }

// NewCredentialID makes an id ("crd_…") for a provider credential from a source of
// random bytes. The error is the source's.
func NewCredentialID(random io.Reader) (string, error) { return newID(credentialIDPrefix, random) }

func newID(prefix string, random io.Reader) (string, error) {
	var entropy [16]byte
	if _, err := io.ReadFull(random, entropy[:]); err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	return prefix + encoded(entropy[:]), nil
}

// Labels keep derived ids apart from each other and from every other use of a digest.
const (
	keyIDLabel    = "tollgate virtual key id\x00"
	secretIDLabel = "tollgate secret id\x00"
	limitIDLabel  = "tollgate limit id\x00"
	budgetIDLabel = "tollgate budget id\x00"
	sharedIDLabel = "tollgate shared limit id\x00"
)

// DeriveID gives a public id ("key_…") for a key that has none of its own. The
// same digest always gives the same id, on every machine, and the id does not
// lead back to the digest.
func DeriveID(d Digest) string { return derivedID(idPrefix, keyIDLabel, d[:]) }

// DeriveSecretID gives the id ("sec_…") of a secret that has none of its own.
func DeriveSecretID(d Digest) string { return derivedID(secretIDPrefix, secretIDLabel, d[:]) }

// DeclaredLimitID gives the id of a limit that a configuration declares for a key
// without one. Neither amount nor window goes into it, so that what is counted stays
// when these are edited: ordinal tells the limits of a key apart that have the same kind
// and are about the same models, by their order from 0.
func DeclaredLimitID(keyID string, kind budget.Kind, models []string, ordinal int) string {
	parts := append([]byte{byte(kind)}, text(keyID)...)
	for _, m := range models {
		parts = append(parts, text(m)...)
	}
	return derivedID(limitIDPrefix, limitIDLabel, binary.AppendUvarint(parts, uint64(ordinal)))
}

// DeclaredBudgetID gives the id of a limit that a configuration declares for a key
// under a name, in the form of agentgateway: another name or unit is another limit.
func DeclaredBudgetID(keyID string, kind budget.Kind, name string) string {
	return derivedID(limitIDPrefix, budgetIDLabel, append(append([]byte{byte(kind)}, text(keyID)...), name...))
}

// DeclaredSharedLimitID gives the id of a shared limit that a configuration
// declares under a name.
func DeclaredSharedLimitID(name string) string {
	return derivedID(limitIDPrefix, sharedIDLabel, []byte(name))
}

// text puts the length in front, so that no two lists of texts run into each other.
func text(s string) []byte { return append(binary.AppendUvarint(nil, uint64(len(s))), s...) }

func derivedID(prefix, label string, of []byte) string {
	sum := sha256.Sum256(append([]byte(label), of...))
	return prefix + encoded(sum[:16])
}
