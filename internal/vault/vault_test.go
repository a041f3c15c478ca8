package vault_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"tollgate/internal/secret"
	"tollgate/internal/vault"
)

var (
	master = secret.New(strings.Repeat("0123456789abcdef", 4))
	other  = secret.New(strings.Repeat("fedcba9876543210", 4))
	plain  = secret.New("sk-proj-canary-1234567890")
	bind   = vault.Binding{Purpose: "credential", ID: "crd_1", Provider: "openai", Host: "api.openai.com"}
)

func newVault(t *testing.T) (*vault.Vault, []byte) {
	t.Helper()
	v, wrapped, err := vault.New(master, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return v, wrapped
}

func TestASecretComesBack(t *testing.T) {
	v, wrapped := newVault(t)
	sealed := v.Seal(plain, bind)
	if bytes.Contains(sealed, []byte("canary")) {
		t.Error("what was sealed can be read")
	}
	if again := v.Seal(plain, bind); bytes.Equal(again, sealed) {
		t.Error("the same secret was sealed the same way twice")
	}
	reopened, err := vault.Open(master, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*vault.Vault{"the one that sealed": v, "one opened later": reopened} {
		got, err := v.Unseal(sealed, bind)
		if err != nil || got.Reveal() != plain.Reveal() {
			t.Errorf("%s: got %q, %v", name, got.Reveal(), err)
		}
	}
}

func TestNothingCanBeAltered(t *testing.T) {
	v, wrapped := newVault(t)
	sealed := v.Seal(plain, bind)
	for i := range sealed {
		for bit := range 8 {
			bad := bytes.Clone(sealed)
			bad[i] ^= 1 << bit
			if _, err := v.Unseal(bad, bind); !errors.Is(err, vault.ErrDamaged) && !errors.Is(err, vault.ErrKey) {
				t.Fatalf("bit %d of byte %d was turned, and it opens: %v", bit, i, err)
			}
		}
	}
	for n := range sealed {
		if _, err := v.Unseal(sealed[:n], bind); err == nil {
			t.Fatalf("it opens although only %d bytes are left", n)
		}
	}
	for i := range wrapped {
		bad := bytes.Clone(wrapped)
		bad[i] ^= 1
		if _, err := vault.Open(master, bad); !errors.Is(err, vault.ErrDamaged) && !errors.Is(err, vault.ErrKey) {
			t.Fatalf("byte %d of the data key was changed, and it opens: %v", i, err)
		}
	}
	if _, err := vault.Open(master, sealed); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("a sealed secret opens as a data key: %v", err)
	}
	if _, err := v.Unseal(wrapped, vault.Binding{}); err == nil {
		t.Error("a data key opens as a secret")
	}
}

func TestASecretOpensOnlyForWhatItIsFor(t *testing.T) {
	v, _ := newVault(t)
	sealed := v.Seal(plain, bind)
	for name, wrong := range map[string]vault.Binding{
		"purpose":  {Purpose: "answer", ID: bind.ID, Provider: bind.Provider, Host: bind.Host},
		"row":      {Purpose: bind.Purpose, ID: "crd_2", Provider: bind.Provider, Host: bind.Host},
		"provider": {Purpose: bind.Purpose, ID: bind.ID, Provider: "anthropic", Host: bind.Host},
		"host":     {Purpose: bind.Purpose, ID: bind.ID, Provider: bind.Provider, Host: "evil.example"},
		// The same letters, divided in another way.
		"boundary": {Purpose: bind.Purpose, ID: bind.ID + bind.Provider[:1], Provider: bind.Provider[1:], Host: bind.Host},
	} {
		if _, err := v.Unseal(sealed, wrong); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func TestAnotherMasterKeyIsNamed(t *testing.T) {
	_, wrapped := newVault(t)
	_, err := vault.Open(other, wrapped)
	if !errors.Is(err, vault.ErrKey) || !strings.Contains(err.Error(), "was sealed under another master key (id ") {
		t.Errorf("opened with another master key: %v", err)
	}
	v, _ := newVault(t)
	stranger, _ := newVault(t)
	if _, err := stranger.Unseal(v.Seal(plain, bind), bind); !errors.Is(err, vault.ErrKey) || !strings.Contains(err.Error(), "another data key (id ") {
		t.Errorf("unsealed by another vault: %v", err)
	}
}

func TestTheMasterKeyCanBeChanged(t *testing.T) {
	v, wrapped := newVault(t)
	sealed := v.Seal(plain, bind)
	rewrapped, err := v.Rewrap(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(master, rewrapped); !errors.Is(err, vault.ErrKey) {
		t.Errorf("the old master key still opens it: %v", err)
	}
	if _, err := vault.Open(master, wrapped); err != nil {
		t.Errorf("what the old master key had wrapped: %v", err)
	}
	now, err := vault.Open(other, rewrapped)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := now.Unseal(sealed, bind); err != nil || got.Reveal() != plain.Reveal() {
		t.Errorf("what was sealed before: %q, %v", got.Reveal(), err)
	}
	if _, err := v.Rewrap(secret.New("short")); err == nil {
		t.Error("a bad master key was taken")
	}
}

func TestAMasterKeyHasOneForm(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "short": "canary", "long": strings.Repeat("canary", 20), "no hexadecimal": strings.Repeat("canary!!", 8),
		"a space behind": master.Reveal() + " ",
	} {
		for _, open := range []func() error{
			func() error { _, _, err := vault.New(secret.New(text), rand.Reader); return err },
			func() error { _, err := vault.Open(secret.New(text), nil); return err },
		} {
			err := open()
			if err == nil || !strings.Contains(err.Error(), "openssl rand -hex 32") || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := vault.Open(master, []byte("short")); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("a damaged data key: %v", err)
	}
}

func TestNoRandomnessNoVault(t *testing.T) {
	broken := errors.New("no entropy")
	if _, _, err := vault.New(master, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestAVaultIsNotPrinted: the bytes of the data key are all the same here, so that they
// would be seen in any notation.
func TestAVaultIsNotPrinted(t *testing.T) {
	v, _, err := vault.New(master, bytes.NewReader(bytes.Repeat([]byte{0xAB}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		text := strings.ToLower(fmt.Sprintf(format, v) + fmt.Sprintf(format, *v))
		for _, leak := range []string{"abab", "171 171", "0xab, 0xab", "ab ab"} {
			if strings.Contains(text, leak) {
				t.Errorf("%s shows the key: %s", format, text)
			}
		}
	}
}

func FuzzUnseal(f *testing.F) {
	v, _, err := vault.New(master, bytes.NewReader(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.Seal(plain, bind)[:20])
	f.Add([]byte("S"))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if got, err := v.Unseal(sealed, bind); err == nil && got.Reveal() != plain.Reveal() {
			t.Errorf("opened something that was never sealed: %q", got.Reveal())
		}
	})
}
