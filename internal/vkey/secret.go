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

// A minted key is sk-tg-IIIIIIIIIIII-SSS…SCCCCCC: the key's id, 256 random bits
// and the CRC-32 of all before, each in base 62 with the most significant digit
// first. The checksum spares a look-up and lets scanners tell keys from noise;
// it protects against nothing else.
const (
	issuedPrefix = "sk-tg-"
	idPrefix     = "key_"
	idLen        = 12
	randomLen    = 43 // 62^43 > 2^256
	checksumLen  = 6  // 62^6 > 2^32

	idStart     = len(issuedPrefix)
	randomStart = idStart + idLen + 1
	bodyLen     = randomStart + randomLen
	issuedLen   = bodyLen + checksumLen
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Mint makes a new key from a source of random bytes, in production that of
// crypto/rand. It gives the key's public id ("key_…") and the secret. The error
// is the source's.
func Mint(random io.Reader) (id string, key secret.Text, err error) {
	var entropy [48]byte // 16 for the id, 32 for the secret
	if _, err := io.ReadFull(random, entropy[:]); err != nil {
		return "", secret.Text{}, fmt.Errorf("minting a virtual key: %w", err)
	}
	buf := make([]byte, issuedLen)
	copy(buf, issuedPrefix)
	encode(buf[idStart:idStart+idLen], entropy[:16])
	buf[randomStart-1] = '-'
	encode(buf[randomStart:bodyLen], entropy[16:])
	putChecksum(buf[bodyLen:], checksum(string(buf[:bodyLen])))
	return idPrefix + string(buf[idStart:idStart+idLen]), secret.New(string(buf)), nil
}

// Parse tells whether a presented value has the shape and the checksum of a
// minted key, and gives the id in it without its "key_", a part of presented.
func Parse(presented string) (id string, ok bool) {
	if len(presented) != issuedLen || !LooksIssued(presented) || presented[randomStart-1] != '-' {
		return "", false
	}
	id = presented[idStart : idStart+idLen]
	if !isBase62(id) || !isBase62(presented[randomStart:]) {
		return "", false
	}
	var sum [checksumLen]byte
	putChecksum(sum[:], checksum(presented[:bodyLen]))
	return id, string(sum[:]) == presented[bodyLen:]
}

// LooksIssued tells whether a value begins like a minted key. Such a value must
// never be sent to a provider, even if it is damaged.
func LooksIssued(presented string) bool { return strings.HasPrefix(presented, issuedPrefix) }

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
