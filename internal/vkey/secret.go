package vkey

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"strings"

	"tollgate/internal/secret"
)

// A minted secret is sk-tg-IIIIIIIIIIII-SSS…SCCCCCC for virtual keys and
// tga-IIIIIIIIIIII-SSS…SCCCCCC for admin tokens: the id, 256 random bits and the
// CRC-32 of all before, each in base 62 with the most significant digit first. The
// checksum spares a look-up and lets scanners tell secrets from noise; it protects
// against nothing else.
const (
	issuedPrefix  = "sk-tg-"
	adminPrefix   = "tga-"
	idPrefix      = "key_"
	adminIDPrefix = "adm_"
	idLen         = 12
	randomLen     = 43 // 62^43 > 2^256
	checksumLen   = 6  // 62^6 > 2^32

	// issuedLen is the length of a virtual key.
	issuedLen = len(issuedPrefix) + idLen + 1 + randomLen + checksumLen
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Mint makes a new key from a source of random bytes, in production that of
// crypto/rand. It gives the key's public id ("key_…") and the secret. The error
// is the source's.
func Mint(random io.Reader) (id string, key secret.Text, err error) {
	id, key, err = mint(issuedPrefix, random)
	if err != nil {
		return "", secret.Text{}, fmt.Errorf("minting a virtual key: %w", err)
	}
	return idPrefix + id, key, nil
}

// MintSecret makes another secret for a key that has an id, for instance when it is
// rotated. The error is the source's, or tells that the id is not of Mint's form.
func MintSecret(keyID string, random io.Reader) (secret.Text, error) {
	id, ok := strings.CutPrefix(keyID, idPrefix)
	if !ok || len(id) != idLen || !isBase62(id) {
		return secret.Text{}, fmt.Errorf("%q is no id of a virtual key", keyID)
	}
	var entropy [32]byte
	if _, err := io.ReadFull(random, entropy[:]); err != nil {
		return secret.Text{}, fmt.Errorf("minting a secret: %w", err)
	}
	return assemble(issuedPrefix, id, entropy[:]), nil
}

// MintToken makes a new admin token like Mint makes a key. Its id is "adm_…".
func MintToken(random io.Reader) (id string, token secret.Text, err error) {
	id, token, err = mint(adminPrefix, random)
	if err != nil {
		return "", secret.Text{}, fmt.Errorf("minting an admin token: %w", err)
	}
	return adminIDPrefix + id, token, nil
}

func mint(prefix string, random io.Reader) (id string, value secret.Text, err error) {
	var entropy [48]byte // 16 for the id, 32 for the secret
	if _, err := io.ReadFull(random, entropy[:]); err != nil {
		return "", secret.Text{}, err
	}
	id = encoded(entropy[:16])
	return id, assemble(prefix, id, entropy[16:]), nil
}

// assemble writes a secret of its parts.
func assemble(prefix, id string, entropy []byte) secret.Text {
	buf := make([]byte, len(prefix)+idLen+1+randomLen+checksumLen)
	copy(buf, prefix+id+"-")
	body := buf[:len(buf)-checksumLen]
	encode(body[len(body)-randomLen:], entropy)
	putChecksum(buf[len(body):], checksum(string(body)))
	return secret.New(string(buf))
}

// encoded gives an id of 16 random bytes.
func encoded(entropy []byte) string {
	var id [idLen]byte
	encode(id[:], entropy)
	return string(id[:])
}

// Parse tells whether a presented value has the shape and the checksum of a
// minted key, and gives the id in it without its "key_", a part of presented.
func Parse(presented string) (id string, ok bool) { return parse(issuedPrefix, presented) }

// ParseToken is Parse for admin tokens and their ids without "adm_".
func ParseToken(presented string) (id string, ok bool) { return parse(adminPrefix, presented) }

func parse(prefix, presented string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(presented, prefix)
	if !ok || len(rest) != idLen+1+randomLen+checksumLen || rest[idLen] != '-' {
		return "", false
	}
	id = rest[:idLen]
	if !isBase62(id) || !isBase62(rest[idLen+1:]) {
		return "", false
	}
	var sum [checksumLen]byte
	body := len(presented) - checksumLen
	putChecksum(sum[:], checksum(presented[:body]))
	return id, string(sum[:]) == presented[body:]
}

// LooksIssued tells whether a value begins like a minted key. Such a value must
// never be sent to a provider, even if it is damaged.
func LooksIssued(presented string) bool { return strings.HasPrefix(presented, issuedPrefix) }

// LooksAdmin tells whether a value begins like an admin token. Such a value is never
// good on the data plane, and must never be sent to a provider.
func LooksAdmin(presented string) bool { return strings.HasPrefix(presented, adminPrefix) }

// Veil gives a text as it may be told and kept: of one that begins like a secret of ours
// nothing but that beginning. People paste the secret of a key where its id belongs.
func Veil(text string) string {
	for _, prefix := range []string{issuedPrefix, adminPrefix} {
		if len(text) > len(prefix) && strings.HasPrefix(text, prefix) {
			return prefix + "…"
		}
	}
	return text
}

// VeilPath is Veil for each part of a path. Paths without a secret cost nothing.
func VeilPath(path string) string {
	if !strings.Contains(path, "/"+issuedPrefix) && !strings.Contains(path, "/"+adminPrefix) {
		return path
	}
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = Veil(parts[i])
	}
	return strings.Join(parts, "/")
}

// Fingerprint gives the last four characters of a key, by which its holder can
// recognise it. It is empty where that would give away too much of the key.
func Fingerprint(presented string) string {
	if len(presented) < 16 {
		return ""
	}
	last := presented[len(presented)-4:]
	for i := range len(last) {
		if last[i] <= ' ' || last[i] > '~' {
			return ""
		}
	}
	return last
}

// encode writes number, a big-endian integer of at most 32 bytes, into dst in
// base 62 with leading zeros. What does not fit is dropped from the top.
func encode(dst, number []byte) {
	var padded [32]byte
	copy(padded[len(padded)-len(number):], number)
	var words [4]uint64
	for i := range words {
		words[i] = binary.BigEndian.Uint64(padded[8*i:])
	}
	for i := len(dst) - 1; i >= 0; i-- {
		var rest uint64
		for w := range words {
			words[w], rest = bits.Div64(rest, words[w], uint64(len(digits)))
		}
		dst[i] = digits[rest]
	}
}

func putChecksum(dst []byte, sum uint32) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = digits[sum%uint32(len(digits))]
		sum /= uint32(len(digits))
	}
}

// checksum is the CRC-32 (IEEE) of s. The library's would need a copy of it on
// the heap.
func checksum(s string) uint32 {
	sum := ^uint32(0)
	for i := range len(s) {
		sum = crc32.IEEETable[byte(sum)^s[i]] ^ sum>>8
	}
	return ^sum
}

func isBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
