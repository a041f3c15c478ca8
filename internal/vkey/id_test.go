package vkey_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"tollgate/internal/budget"
	"tollgate/internal/vkey"
)

func TestDerivedIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []string{
		vkey.DeclaredLimitID("key_a", budget.Cost, nil, 0), vkey.DeclaredLimitID("key_a", budget.Cost, nil, 1),
		vkey.DeclaredLimitID("key_b", budget.Cost, nil, 0), vkey.DeclaredLimitID("key_a", budget.Tokens, nil, 0),
		vkey.DeclaredLimitID("key_a", budget.Cost, []string{"a", "b"}, 0), vkey.DeclaredLimitID("key_a", budget.Cost, []string{"ab"}, 0),
		vkey.DeclaredLimitID("key_a", budget.Cost, []string{"b", "a"}, 0), vkey.DeclaredSharedLimitID("key_a"),
		vkey.DeclaredBudgetID("key_a", budget.Cost, "daily"), vkey.DeclaredBudgetID("key_a", budget.Tokens, "daily"), vkey.DeclaredBudgetID("key_a", budget.Cost, "weekly"),
		vkey.DeclaredBudgetID("key_b", budget.Cost, "daily"),
	} {
		if seen[id] || len(id) != 16 || !strings.HasPrefix(id, "lim_") {
			t.Errorf("id %s", id)
		}
		seen[id] = true
	}
	if got := vkey.DeclaredLimitID("key_a", budget.Cost, nil, 0); got != "lim_u7fJ0p3GHAig" {
		t.Errorf("the id of a declared limit became %s: what it counted would be lost", got)
	}
	if vkey.DeclaredBudgetID("key_a", budget.Cost, "daily") != "lim_ADvcH8ENVHju" || vkey.DeclaredSharedLimitID("team") != "lim_si0NOvy0wNCQ" || vkey.DeriveSecretID(vkey.Hash("x")) != "sec_dh88sMEQ7DNj" {
		t.Errorf("ids became %s %s %s", vkey.DeclaredBudgetID("key_a", budget.Cost, "daily"), vkey.DeclaredSharedLimitID("team"), vkey.DeriveSecretID(vkey.Hash("x")))
	}
	if vkey.DeriveSecretID(vkey.Hash("x")) == strings.Replace(vkey.DeriveID(vkey.Hash("x")), "key_", "sec_", 1) {
		t.Error("the id of a secret shows that of its key")
	}
}

func TestNewIDs(t *testing.T) {
	for prefix, make := range map[string]func() (string, error){
		"lim_": func() (string, error) { return vkey.NewLimitID(rand.Reader) },
		"sec_": func() (string, error) { return vkey.NewSecretID(rand.Reader) },
	} {
		one, err := make()
		two, err2 := make()
		if err != nil || err2 != nil || one == two || len(one) != 16 || !strings.HasPrefix(one, prefix) {
			t.Errorf("%q %q %v %v", one, two, err, err2)
		}
	}
	if _, err := vkey.NewLimitID(strings.NewReader("short")); err == nil {
		t.Error("an id of too little randomness")
	}
}

func TestAdminTokens(t *testing.T) {
	id, token, err := vkey.MintToken(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	value := token.Reveal()
	part, ok := vkey.ParseToken(value)
	if !ok || "adm_"+part != id || !vkey.LooksAdmin(value) || !strings.HasPrefix(value, "tga-") {
		t.Errorf("%s: %s %v", id, value, ok)
	}
	if _, ok := vkey.Parse(value); ok || vkey.LooksIssued(value) {
		t.Error("an admin token passes for a virtual key")
	}
	_, key, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := vkey.ParseToken(key.Reveal()); ok || vkey.LooksAdmin(key.Reveal()) {
		t.Error("a virtual key passes for an admin token")
	}
	if _, ok := vkey.ParseToken(value[:len(value)-1] + "?"); ok {
		t.Error("a damaged token parses")
	}
	if _, _, err := vkey.MintToken(strings.NewReader("short")); err == nil {
		t.Error("a token of too little randomness")
	}
}

func TestAnotherSecretOfAKey(t *testing.T) {
	id, first, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := vkey.MintSecret(id, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	part, ok := vkey.Parse(second.Reveal())
	if !ok || "key_"+part != id || second.Reveal() == first.Reveal() {
		t.Errorf("%s, %v", part, ok)
	}
	for _, id := range []string{"", "key_", "key_toolong12345678", "key_12345678901-", "adm_123456789012"} {
		if _, err := vkey.MintSecret(id, rand.Reader); err == nil {
			t.Errorf("a secret for %q", id)
		}
	}
	if _, err := vkey.MintSecret(id, strings.NewReader("short")); err == nil {
		t.Error("a secret of too little randomness")
	}
}

func TestVeil(t *testing.T) {
	_, minted, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := minted.Reveal()
	for text, want := range map[string]string{key: "sk-tg-…", key[:20]: "sk-tg-…", "sk-tg-": "sk-tg-", "key_3fT9aZ0bQ1Xy": "key_3fT9aZ0bQ1Xy", "": ""} {
		if got := vkey.Veil(text); got != want {
			t.Errorf("%q is told as %q, want %q", text, got, want)
		}
	}
	for path, want := range map[string]string{
		"/v1/chat/completions": "/v1/chat/completions", "/v1/" + key + "/x": "/v1/sk-tg-…/x", "/" + key: "/sk-tg-…", "/a/tga-secret": "/a/tga-…",
	} {
		if got := vkey.VeilPath(path); got != want {
			t.Errorf("the path %q is told as %q, want %q", path, got, want)
		}
	}
}
