package vkey

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// Digest is the form in which a key is kept. It does not lead back to the key.
type Digest [sha256.Size]byte

// Hash is the digest of keys that come from a configuration file: the SHA-256
// of the presented value, so that operators can write it themselves.
func Hash(presented string) Digest {
	var buf [128]byte // a conversion of more than 32 bytes would allocate
	if len(presented) > len(buf) {
		return sha256.Sum256([]byte(presented))
	}
	return sha256.Sum256(buf[:copy(buf[:], presented)])
}

const hashPrefix = "sha256:"

// ParseHash reads a digest in the form "sha256:" and 64 hexadecimal digits.
func ParseHash(s string) (Digest, error) {
	var d Digest
	text, ok := strings.CutPrefix(s, hashPrefix)
	if !ok {
		return d, errors.New(`a key hash has the form "sha256:" and 64 hexadecimal digits`)
	}
	if len(text) != hex.EncodedLen(len(d)) {
		return d, errors.New("a key hash has exactly 64 hexadecimal digits behind \"sha256:\"")
	}
	if _, err := hex.Decode(d[:], []byte(text)); err != nil {
		return Digest{}, errors.New("a key hash has only hexadecimal digits behind \"sha256:\"")
	}
	return d, nil
}

// Pepper makes the digests of minted keys: HMAC-SHA-256 under a secret of this
// installation, so that a stolen table of digests is worth nothing without it.
// It is safe for concurrent use.
type Pepper struct {
	hashers sync.Pool
	derive  func(use string) ([]byte, error) // keeps the secret where no formatting finds it
}

// hasher is an HMAC with the buffers that it needs, so that a digest costs no allocation.
type hasher struct {
	mac hash.Hash
	in  []byte
	out Digest
}

// NewPepper makes a Pepper from a secret of at least 32 bytes.
func NewPepper(key []byte) (*Pepper, error) {
	if len(key) < sha256.Size {
		return nil, errors.New("a pepper has at least 32 bytes")
	}
	key = append([]byte(nil), key...)
	p := &Pepper{derive: func(use string) ([]byte, error) { return hkdf.Key(sha256.New, key, nil, use, sha256.Size) }}
	p.hashers.New = func() any {
		return &hasher{mac: hmac.New(sha256.New, key), in: make([]byte, 0, issuedLen)}
	}
	return p, nil
}

// Subkey derives a key of 32 bytes for another use (HKDF with SHA-256). It tells
// nothing of the pepper, nor of the keys for other uses.
func (p *Pepper) Subkey(use string) ([]byte, error) {
	key, err := p.derive("tollgate " + use)
	if err != nil {
		return nil, fmt.Errorf("derive a key from the pepper: %w", err)
	}
	return key, nil
}

// Digest gives the digest of a presented value under the pepper.
func (p *Pepper) Digest(presented string) Digest {
	h := p.hashers.Get().(*hasher)
	h.in = append(h.in[:0], presented...)
	h.mac.Reset()
	h.mac.Write(h.in)
	h.mac.Sum(h.out[:0])
	out := h.out
	clear(h.in) // no key outlives its request here
	if cap(h.in) > 4096 {
		h.in = nil
	}
	p.hashers.Put(h)
	return out
}
