package vkey_test

import (
	"bytes"
	"fmt"
	"testing"

	"tollgate/internal/vkey"
)

func TestSubkeys(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	p, err := vkey.NewPepper(secret)
	if err != nil {
		t.Fatal(err)
	}
	one, err := p.Subkey("one")
	if err != nil || len(one) != 32 {
		t.Fatalf("%d bytes, %v", len(one), err)
	}
	again, _ := p.Subkey("one")
	two, _ := p.Subkey("two")
	digest := p.Digest("tollgate one")
	if !bytes.Equal(one, again) || bytes.Equal(one, two) || bytes.Equal(one, secret) || bytes.Equal(one, digest[:]) {
		t.Error("a subkey is the same for the same use, and nothing else")
	}
	if text := fmt.Sprintf("%v %+v %#v", p, p, p); bytes.Contains([]byte(text), []byte("7, 7, 7")) || bytes.Contains([]byte(text), []byte("7 7 7")) || bytes.Contains([]byte(text), []byte("0x7, 0x7")) {
		t.Error("a pepper prints its secret")
	}
}
