// Package vault seals secrets at rest: provider credentials in the first place. A
// vault has one data key, which never leaves it but wrapped by the operator's master key, so
// that the master key can be changed without sealing anything anew. Each secret is bound
// to what it is for: moved to another row it does not open. The package knows neither where
// sealed secrets are kept nor where a master key comes from.
package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"tollgate/internal/secret"
)

// Errors of Open and Unseal wrap one of these.
var (
	// ErrKey: it was sealed under another key than this one.
	ErrKey = errors.New("sealed under another key")
	// ErrDamaged: it is not what was sealed, or not for what it was sealed for.
	ErrDamaged = errors.New("altered, or sealed for something else")
)

// keyBytes is the length of master keys and data keys: that of AES-256.
const keyBytes = 32

// What is sealed begins with a byte for its form and the id of the key; then follow the
// nonce and what AES-256-GCM makes of the secret.
const (
	wrappedForm byte = 'W' // a data key under a master key
	sealedForm  byte = 'S' // a secret under a data key

	idBytes     = 8
	headerBytes = 1 + idBytes
)

// Binding is what a secret is sealed for. All of it must be the same to unseal it.
type Binding struct {
	Purpose  string // what kind of secret it is
	ID       string // of the row that it stands in
	Provider string
	Host     string // the only host that it may be sent to
}

// Vault seals and unseals under one data key. It is safe for concurrent use.
type Vault struct {
	key sealer
	// wrap keeps the data key where no formatting finds it.
	wrap func(master *sealer) []byte
}

// New makes a vault with a data key from a source of random bytes, in production that
// of crypto/rand. It also gives the data key wrapped by the master key, for Open.
func New(master secret.Text, random io.Reader) (*Vault, []byte, error) {
	above, err := parseMaster(master)
	if err != nil {
		return nil, nil, err
	}
	key := make([]byte, keyBytes)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, nil, fmt.Errorf("make a data key: %w", err)
	}
	v, err := of(key)
	if err != nil {
		return nil, nil, err
	}
	return v, v.wrap(above), nil
}

// Open unwraps the data key of a vault. An error that wraps ErrKey says that another
// master key wrapped it.
func Open(master secret.Text, wrapped []byte) (*Vault, error) {
	above, err := parseMaster(master)
	if err != nil {
		return nil, err
	}
	key, err := above.open(wrappedForm, wrapped, nil)
	switch {
	case errors.Is(err, ErrKey):
		return nil, fmt.Errorf("the vault was sealed under another master key (id %s; the one given has id %s): %w",
			hex.EncodeToString(wrapped[1:headerBytes]), above, ErrKey)
	case err != nil:
		return nil, fmt.Errorf("the data key of the vault: %w", err)
	}
	return of(key)
}

// Rewrap wraps the data key by another master key. What is sealed stays as it is.
func (v *Vault) Rewrap(master secret.Text) ([]byte, error) {
	above, err := parseMaster(master)
	if err != nil {
		return nil, err
	}
	return v.wrap(above), nil
}

// Seal seals a secret for what the binding says.
func (v *Vault) Seal(plain secret.Text, bind Binding) []byte {
	return v.key.seal(sealedForm, []byte(plain.Reveal()), bind.bytes())
}

// Unseal gives a secret back, if it was sealed for what the binding says.
func (v *Vault) Unseal(sealed []byte, bind Binding) (secret.Text, error) {
	plain, err := v.key.open(sealedForm, sealed, bind.bytes())
	switch {
	case errors.Is(err, ErrKey):
		return secret.Text{}, fmt.Errorf("it was sealed under another data key (id %s; that of this vault is %s): %w",
			hex.EncodeToString(sealed[1:headerBytes]), v.key, ErrKey)
	case err != nil:
		return secret.Text{}, err
	}
	return secret.New(string(plain)), nil
}

// bytes writes each text with its length before it, so that no two bindings are
// written alike.
func (b *Binding) bytes() []byte {
	var out []byte
	for _, s := range []string{b.Purpose, b.ID, b.Provider, b.Host} {
		out = binary.BigEndian.AppendUint64(out, uint64(len(s)))
		out = append(out, s...)
	}
	return out
}

// parseMaster reads a master key. Its errors do not show it.
func parseMaster(text secret.Text) (*sealer, error) {
	const form = "a master key is 32 random bytes written as 64 hexadecimal digits (openssl rand -hex 32 makes one)"
	if n := len(text.Reveal()); n != hex.EncodedLen(keyBytes) {
		return nil, fmt.Errorf("%s; this has %d characters", form, n)
	}
	key, err := hex.DecodeString(text.Reveal())
	if err != nil {
		return nil, errors.New(form + "; this has something else in it")
	}
	s, err := newSealer("master", key)
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// of makes the vault of a data key.
func of(key []byte) (*Vault, error) {
	s, err := newSealer("data", key)
	if err != nil {
		return nil, err
	}
	return &Vault{key: s, wrap: func(master *sealer) []byte { return master.seal(wrappedForm, key, nil) }}, nil
}

// sealer is a key with its id. The key and the id are derived from the same secret, and
// neither leads to the other.
type sealer struct {
	id   [idBytes]byte
	aead cipher.AEAD
}

func newSealer(use string, root []byte) (s sealer, err error) {
	id, err := hkdf.Key(sha256.New, root, nil, "tollgate vault: id of a "+use+" key", idBytes)
	if err != nil {
		return s, fmt.Errorf("derive the id of a %s key: %w", use, err)
	}
	copy(s.id[:], id)
	key, err := hkdf.Key(sha256.New, root, nil, "tollgate vault: sealing under a "+use+" key", keyBytes)
	if err != nil {
		return s, fmt.Errorf("derive a %s key: %w", use, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return s, fmt.Errorf("use a %s key: %w", use, err)
	}
	s.aead, err = cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return s, fmt.Errorf("use a %s key: %w", use, err)
	}
	return s, nil
}

// String gives the id, which tells nothing of the key.
func (s sealer) String() string { return hex.EncodeToString(s.id[:]) }

func (s *sealer) seal(form byte, plain, bind []byte) []byte {
	header := append([]byte{form}, s.id[:]...)
	return s.aead.Seal(header, nil, plain, append(header[:headerBytes:headerBytes], bind...))
}

func (s *sealer) open(form byte, sealed, bind []byte) ([]byte, error) {
	if len(sealed) < headerBytes || sealed[0] != form {
		return nil, fmt.Errorf("this was not sealed by a vault: %w", ErrDamaged)
	}
	if [idBytes]byte(sealed[1:headerBytes]) != s.id {
		return nil, ErrKey
	}
	header := sealed[:headerBytes:headerBytes]
	plain, err := s.aead.Open(nil, nil, sealed[headerBytes:], append(header, bind...))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}
