package vkey_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"tollgate/internal/caller"
	"tollgate/internal/vkey"
)

// zeros mints the key of all zero bits, a fixed and well-formed one.
func zeros(t testing.TB) string {
	t.Helper()
	_, key, err := vkey.Mint(bytes.NewReader(make([]byte, 1000)))
	if err != nil {
		t.Fatal(err)
	}
	return key.Reveal()
}

func mint(t testing.TB) (string, string) {
	t.Helper()
	id, key, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id, key.Reveal()
}

func TestMintedKeysHaveTheFormat(t *testing.T) {
	form := regexp.MustCompile(`^sk-tg-([0-9A-Za-z]{12})-[0-9A-Za-z]{49}$`)
	seen := map[string]bool{}
	for range 200 {
		id, key := mint(t)
		m := form.FindStringSubmatch(key)
		if m == nil || "key_"+m[1] != id {
			t.Fatalf("minted %q with id %q", key, id)
		}
		if parsed, ok := vkey.Parse(key); !ok || "key_"+parsed != id {
			t.Fatalf("Parse(%q) = %q, %v", key, parsed, ok)
		}
		if seen[id] || seen[key] {
			t.Fatal("minted twice")
		}
		seen[id], seen[key] = true, true
	}
}

// TestMintAgainstBigInt computes a key's parts in another way.
func TestMintAgainstBigInt(t *testing.T) {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base62 := func(b []byte, n int) string {
		out, v, rest := make([]byte, n), new(big.Int).SetBytes(b), new(big.Int)
		for i := n - 1; i >= 0; i-- {
			v.DivMod(v, big.NewInt(62), rest)
			out[i] = digits[rest.Int64()]
		}
		return string(out)
	}
	all := bytes.Repeat([]byte{0xff}, 48)
	if len(base62(all[:32], 43)) != 43 || new(big.Int).Exp(big.NewInt(62), big.NewInt(43), nil).BitLen() <= 256 {
		t.Fatal("43 digits do not hold 256 bits")
	}
	for range 100 {
		id, key, err := vkey.Mint(bytes.NewReader(all))
		if err != nil {
			t.Fatal(err)
		}
		body := "sk-tg-" + base62(all[:16], 12) + "-" + base62(all[16:], 43)
		sum := crc32.ChecksumIEEE([]byte(body))
		want := body + base62([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}, 6)
		if key.Reveal() != want || id != "key_"+base62(all[:16], 12) {
			t.Fatalf("minted %s, want %s", key.Reveal(), want)
		}
		rand.Read(all)
	}
}

func TestMintNeedsAllItsRandomness(t *testing.T) {
	if _, _, err := vkey.Mint(bytes.NewReader(make([]byte, 47))); err == nil {
		t.Error("minted from 47 bytes")
	}
	broken := errors.New("no entropy")
	if _, _, err := vkey.Mint(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
	if _, _, err := vkey.Mint(iotest.OneByteReader(rand.Reader)); err != nil {
		t.Errorf("a slow source: %v", err)
	}
}

func TestMintedKeyDoesNotPrint(t *testing.T) {
	_, key, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Contains(text, "sk-tg") {
		t.Error(text)
	}
}

func TestParseRefusesEveryDamage(t *testing.T) {
	key := zeros(t)
	if _, ok := vkey.Parse(key); !ok {
		t.Fatal("the undamaged key is refused")
	}
	for i := range key {
		for _, c := range []byte("0Aa-_*\x00\xff ") {
			if key[i] == c {
				continue
			}
			damaged := key[:i] + string([]byte{c}) + key[i+1:]
			if _, ok := vkey.Parse(damaged); ok {
				t.Errorf("accepted %q", damaged)
			}
		}
	}
	for _, s := range []string{"", "sk-tg-", key + "0", key[:len(key)-1], " " + key, strings.ToUpper(key), "sk-alice-abc123def456"} {
		if _, ok := vkey.Parse(s); ok {
			t.Errorf("accepted %q", s)
		}
	}
}

func TestLooksIssued(t *testing.T) {
	for s, want := range map[string]bool{zeros(t): true, "sk-tg-": true, "sk-tg-broken": true, "sk-alice": false, "": false, "SK-TG-": false} {
		if vkey.LooksIssued(s) != want {
			t.Errorf("LooksIssued(%q) = %v", s, !want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	for s, want := range map[string]string{
		"sk-alice-abc123def456": "f456", "0123456789abcdef": "cdef", "0123456789abcde": "", "": "", "sk-alice-abc123d\nf456": "f456",
		"sk-alice-abc123def45\n": "", "sk-alice-abc123def4é": "", "sk-alice-abc123def 56": "",
	} {
		if got := vkey.Fingerprint(s); got != want {
			t.Errorf("Fingerprint(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestHashIsSHA256(t *testing.T) {
	// echo -n sk-alice-abc123def456 | sha256sum
	d := vkey.Hash("sk-alice-abc123def456")
	if want := sha256.Sum256([]byte("sk-alice-abc123def456")); d != want {
		t.Error("the digest is not the SHA-256 of the value")
	}
	text := "sha256:" + hex.EncodeToString(d[:])
	for _, s := range []string{text, "sha256:" + strings.ToUpper(text[7:])} {
		if parsed, err := vkey.ParseHash(s); err != nil || parsed != d {
			t.Errorf("ParseHash(%q) = %x, %v", s, parsed, err)
		}
	}
	for _, s := range []string{"", text[7:], "sha256:", text + "0", text[:len(text)-1], "SHA256:" + text[7:], "sha512:" + text[7:], text[:len(text)-1] + "g", " " + text} {
		if parsed, err := vkey.ParseHash(s); err == nil || parsed != (vkey.Digest{}) {
			t.Errorf("ParseHash(%q) = %x, %v", s, parsed, err)
		}
	}
}

func TestDeriveID(t *testing.T) {
	a, b := vkey.DeriveID(vkey.Hash("a")), vkey.DeriveID(vkey.Hash("b"))
	if !regexp.MustCompile(`^key_[0-9A-Za-z]{12}$`).MatchString(a) || a == b || a != vkey.DeriveID(vkey.Hash("a")) {
		t.Errorf("ids %s and %s", a, b)
	}
	// The id of a key is on record for ever: it must not change.
	if a != "key_1NcFzkeQxEYY" {
		t.Errorf("the id of a known key has changed to %s", a)
	}
}

func TestPepper(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	p, err := vkey.NewPepper(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "x", zeros(t), strings.Repeat("long", 5000), "x"} {
		mac := hmac.New(sha256.New, bytes.Repeat([]byte{7}, 32))
		mac.Write([]byte(value))
		if got := p.Digest(value); !bytes.Equal(got[:], mac.Sum(nil)) {
			t.Errorf("Digest(%.10q) is not the HMAC-SHA-256", value)
		}
		clear(secret) // the pepper has its own copy
	}
	if _, err := vkey.NewPepper(make([]byte, 31)); err == nil {
		t.Error("a pepper of 31 bytes")
	}
}

func TestPepperIsSafeForConcurrentUse(t *testing.T) {
	p, _ := vkey.NewPepper(make([]byte, 32))
	want := p.Digest("value")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				if p.Digest("other"); p.Digest("value") != want {
					t.Error("digests mix")
					return
				}
			}
		})
	}
	all.Wait()
}

var now = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

func newSet(t testing.TB, p *vkey.Pepper, entries ...vkey.Entry) *vkey.Set {
	t.Helper()
	for i := range entries {
		if entries[i].Caller == nil {
			entries[i].Caller = &caller.Caller{KeyID: fmt.Sprintf("key_%d", i)}
		}
	}
	s, err := vkey.NewSet(p, entries)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLookup(t *testing.T) {
	p, _ := vkey.NewPepper(make([]byte, 32))
	_, minted := mint(t)
	_, stranger := mint(t)
	collide := vkey.Hash("alice") // another key whose digest begins alike
	collide[31] ^= 1
	s := newSet(t, p,
		vkey.Entry{Digest: vkey.Hash("alice")},
		vkey.Entry{Digest: collide},
		vkey.Entry{Digest: p.Digest(minted), Peppered: true},
		vkey.Entry{Digest: vkey.Hash("off"), Status: vkey.StatusDisabled, Expires: now},
		vkey.Entry{Digest: vkey.Hash("gone"), Status: vkey.StatusRevoked, Expires: now},
		vkey.Entry{Digest: vkey.Hash("past"), Expires: now},
		vkey.Entry{Digest: vkey.Hash("soon"), Expires: now.Add(1)},
		vkey.Entry{Digest: vkey.Hash("peppered"), Peppered: true}, // the digest of no value that anybody knows
	)
	for value, want := range map[string]struct {
		id     string
		result vkey.Result
	}{
		"alice": {"key_0", vkey.OK}, minted: {"key_2", vkey.OK}, "off": {"key_3", vkey.Disabled}, "gone": {"key_4", vkey.Revoked},
		"past": {"key_5", vkey.Expired}, "soon": {"key_6", vkey.OK},
		"": {"", vkey.Unknown}, "Alice": {"", vkey.Unknown}, "alice ": {"", vkey.Unknown}, stranger: {"", vkey.Unknown}, "peppered": {"", vkey.Unknown},
		minted[:len(minted)-1]: {"", vkey.Unknown},
	} {
		e, result := s.Lookup(value, now)
		id := ""
		if e != nil {
			id = e.Caller.KeyID
			if len(e.PublicID) != 1 || e.PublicID[0] != id {
				t.Errorf("%q: public id %q", value, e.PublicID)
			}
		}
		if id != want.id || result != want.result {
			t.Errorf("Lookup(%q) = %q, %d; want %q, %d", value, id, result, want.id, want.result)
		}
	}
}

func TestLookupInEmptySet(t *testing.T) {
	if e, result := newSet(t, nil).Lookup("x", now); e != nil || result != vkey.Unknown {
		t.Errorf("= %v, %d", e, result)
	}
}

func TestEntryKeepsItsPublicID(t *testing.T) {
	s := newSet(t, nil, vkey.Entry{Digest: vkey.Hash("a"), PublicID: []string{"key_own"}})
	if e, _ := s.Lookup("a", now); e.PublicID[0] != "key_own" {
		t.Errorf("public id %q", e.PublicID)
	}
}

func TestDuplicatesAreRefused(t *testing.T) {
	p, _ := vkey.NewPepper(make([]byte, 32))
	someone := &caller.Caller{}
	a, b := vkey.Entry{Digest: vkey.Hash("a"), Caller: someone}, vkey.Entry{Digest: vkey.Hash("b"), Caller: someone}
	_, err := vkey.NewSet(p, []vkey.Entry{a, b, b, a, a})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("error = %v", err)
	}
	var got []vkey.DuplicateError
	for _, e := range joined.Unwrap() {
		got = append(got, *e.(*vkey.DuplicateError))
	}
	if want := []vkey.DuplicateError{{1, 2}, {0, 3}, {0, 4}}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("duplicates %v, want %v", got, want)
	}
	peppered := a
	peppered.Peppered = true
	if _, err := vkey.NewSet(p, []vkey.Entry{a, peppered}); err != nil {
		t.Errorf("digests of different kinds clash: %v", err)
	}
	if _, err := vkey.NewSet(nil, []vkey.Entry{peppered}); err == nil {
		t.Error("a peppered entry without a pepper")
	}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector empties pools at random")
	}
	p, _ := vkey.NewPepper(make([]byte, 32))
	_, minted := mint(t)
	s := newSet(t, p, vkey.Entry{Digest: p.Digest(minted), Peppered: true}, vkey.Entry{Digest: vkey.Hash("alice")})
	for name, f := range map[string]func(){
		"Parse":             func() { vkey.Parse(minted) },
		"Hash":              func() { vkey.Hash(minted) },
		"Lookup of minted":  func() { s.Lookup(minted, now) },
		"Lookup of custom":  func() { s.Lookup("alice", now) },
		"Lookup of unknown": func() { s.Lookup("sk-nobody-0123456789-0123456789-0123456789", now) },
	} {
		if n := testing.AllocsPerRun(1000, f); n >= 1 { // a collection may empty the pool once
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", zeros(f), "sk-tg-000000000000-", strings.Repeat("0", 68), "sk-tg-" + strings.Repeat("-", 62)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := vkey.Parse(s)
		if !ok {
			if id != "" && len(s) != 68 {
				t.Errorf("an id from %q", s)
			}
			return
		}
		if len(s) != 68 || s[:6] != "sk-tg-" || s[6:18] != id || s[18] != '-' {
			t.Errorf("accepted %q with id %q", s, id)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	_, key := mint(b)
	b.ReportAllocs()
	for b.Loop() {
		vkey.Parse(key)
	}
}

func BenchmarkPepper(b *testing.B) {
	p, _ := vkey.NewPepper(make([]byte, 32))
	_, key := mint(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Digest(key)
	}
}

func BenchmarkLookup(b *testing.B) {
	p, _ := vkey.NewPepper(make([]byte, 32))
	var entries []vkey.Entry
	for i := range 1000 {
		entries = append(entries, vkey.Entry{Digest: vkey.Hash(fmt.Sprintf("sk-custom-%d", i))})
	}
	_, minted := mint(b)
	file := newSet(b, nil, entries...)
	mixed := newSet(b, p, append(entries, vkey.Entry{Digest: p.Digest(minted), Peppered: true})...)
	for _, bb := range []struct {
		name, value string
		set         *vkey.Set
	}{{"file", "sk-custom-500", file}, {"unknown", minted, file}, {"minted", minted, mixed}, {"file-beside-minted", "sk-custom-500", mixed}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bb.set.Lookup(bb.value, now)
			}
		})
	}
}
