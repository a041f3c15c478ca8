package vkey_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/dialect"
	"tollgate/internal/vkey"
)

func TestEntry(t *testing.T) {
	p := pepper(t)
	entries, err := rich(t, p, "key_rich").Compile([]*budget.Limit{{ID: "lim_shared", Kind: budget.Cost, Match: map[string]string{"env": "prod"}}})
	if err != nil {
		t.Fatal(err)
	}
	e := &entries[0]
	var limits []string
	for _, l := range e.Limits {
		limits = append(limits, l.ID)
	}
	if got := strings.Join(limits, " "); got != "lim_1 lim_2 lim_3 lim_4 lim_5 lim_shared" {
		t.Errorf("limits %s", got)
	}
	for model, want := range map[string]bool{"gpt-5": true, "gpt-5-pro": false, "claude-5": true, "claude-4": false} {
		if e.Caller.MayUse(model) != want {
			t.Errorf("MayUse(%s) = %v", model, !want)
		}
	}
	for op, want := range map[dialect.Operation]bool{dialect.Chat: true, dialect.Converse: true, dialect.Passthrough: false, dialect.Messages: false} {
		if e.MayCall(op) != want {
			t.Errorf("MayCall(%v) = %v", op, !want)
		}
	}
	for addr, want := range map[string]bool{
		"10.1.2.3": true, "11.0.0.1": false, "::ffff:10.1.2.3": true, "2001:db8::1": true, "2001:db9::1": false, "fe80::1%eth0": false,
		"192.0.2.7": true, "192.0.3.7": false, "2001:db8::1%eth0": true,
	} {
		if e.MayCallFrom(netip.MustParseAddr(addr)) != want {
			t.Errorf("MayCallFrom(%s) = %v", addr, !want)
		}
	}
	if e.MayCallFrom(netip.Addr{}) {
		t.Error("no address is in the networks")
	}
	if e.Caller.Metadata["team"] != "payments" || e.Caller.Labels["env"] != "prod" || e.Caller.Name != "name of key_rich" || e.Caller.KeyID != "key_rich" {
		t.Errorf("caller %+v", e.Caller)
	}
	if !e.RotateBefore.IsZero() || !entries[1].RotateBefore.Equal(noon.Add(time.Hour)) {
		t.Errorf("rotate before %v, %v", e.RotateBefore, entries[1].RotateBefore)
	}
	last := managed(p, "key_last") // its only secret ends: there is nothing to rotate to
	last.Secrets[0].NotAfter = noon
	entries, err = last.Compile(nil)
	if err != nil || !entries[0].RotateBefore.IsZero() {
		t.Errorf("%+v, %v", entries, err)
	}
	if e := (&vkey.Entry{}); !e.MayCall(dialect.Passthrough) || !e.MayCallFrom(netip.Addr{}) {
		t.Error("an entry without restrictions is restricted")
	}
}

func TestClone(t *testing.T) {
	k := rich(t, pepper(t), "key_a")
	c := k.Clone()
	if !reflect.DeepEqual(k, c) {
		t.Fatalf("%+v\n%+v", k, c)
	}
	c.Labels["x"], c.Models.Allow[0], c.Models.Deny[0], c.Operations[0] = "y", "y", "y", "y"
	c.Networks[0], c.Secrets[0].ID = netip.Prefix{}, "y"
	c.Limits[0].Amount, c.Limits[1].Models[0], c.Limits[4].Match["z"] = 1, access.Pattern{}, "z"
	c.Limits[3] = nil
	if again := rich(t, pepper(t), "key_a"); !reflect.DeepEqual(k, again) {
		t.Errorf("a change of the copy shows: %+v", k)
	}
	if bare := (&vkey.Key{}).Clone(); !reflect.DeepEqual(bare, &vkey.Key{}) {
		t.Errorf("%+v", bare)
	}
}

func TestOperations(t *testing.T) {
	all, err := vkey.ParseOperations(nil)
	none, err2 := vkey.ParseOperations([]string{})
	some, err3 := vkey.ParseOperations([]string{"chat", "passthrough"})
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	for _, op := range dialect.Operations() {
		if !all.Has(op) || none.Has(op) || some.Has(op) != slices.Contains([]dialect.Operation{dialect.Chat, dialect.Passthrough}, op) {
			t.Errorf("%v: %v %v %v", op, all.Has(op), none.Has(op), some.Has(op))
		}
	}
	if some != vkey.Only(dialect.Chat, dialect.Passthrough) || none != vkey.Only() {
		t.Error("the same set is another one")
	}
}
