package vkey_test

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/vkey"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func pepper(t testing.TB) *vkey.Pepper {
	t.Helper()
	p, err := vkey.NewPepper(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// managed makes a key of one peppered secret, which is its id.
func managed(p *vkey.Pepper, id string) *vkey.Key {
	return &vkey.Key{ID: id, Name: "name of " + id, Secrets: []vkey.Secret{{ID: "sec_" + id, Digest: p.Digest(id), Peppered: true}}}
}

func calendar(t testing.TB, text string) budget.Window {
	t.Helper()
	w, err := budget.ParseWindow(text)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// rich makes a key that has something in every field.
func rich(t testing.TB, p *vkey.Pepper, id string) *vkey.Key {
	t.Helper()
	k := managed(p, id)
	only, err := access.ParsePatterns([]string{"gpt-5*", "exact", "*-mini", "*"})
	if err != nil {
		t.Fatal(err)
	}
	k.Labels = map[string]string{"team": "payments", "env": "prod"}
	k.Models = vkey.Scope{Allow: []string{"gpt-*", "claude-5"}, Deny: []string{"*-pro"}}
	k.Operations = []string{"chat", "converse"}
	k.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:192.0.2.0/120")}
	k.Limits = []*budget.Limit{
		{ID: "lim_1", Kind: budget.Cost, Amount: budget.Max, Window: calendar(t, "month Europe/Berlin")},
		{ID: "lim_2", Kind: budget.Tokens, Amount: 0, Window: calendar(t, "year UTC 04-06"), Models: only},
		{ID: "lim_3", Kind: budget.Requests, Amount: 60, Window: calendar(t, "sliding 1m0s"), Models: []access.Pattern{{}}},
		{ID: "lim_4", Kind: budget.Concurrency, Amount: 8},
		{ID: "lim_5", Kind: budget.Cost, Amount: 5, Window: calendar(t, "fixed 5h0m0s 2026-01-01T00:00:00.000000001Z"), Per: budget.Pool, Match: map[string]string{"a": "b"}},
	}
	k.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	k.MaxTokens, k.Clamp, k.Discreet, k.Legacy = 1<<40, true, true, true
	k.Secrets = append(k.Secrets, vkey.Secret{ID: "sec_old", Digest: vkey.Hash("old " + id), NotAfter: noon.Add(time.Hour)})
	return k
}

// What the directory keeps of a key is all that its entries are made of.
func TestDirectoryKeepsWhatEntriesAreMadeOf(t *testing.T) {
	p := pepper(t)
	shared := []*budget.Limit{
		{ID: "lim_team", Kind: budget.Cost, Amount: 7, Per: budget.Pool, Match: map[string]string{"team": "payments"}},
		{ID: "lim_other", Kind: budget.Cost, Amount: 7, Per: budget.Pool, Match: map[string]string{"team": "other"}},
		{ID: "lim_all", Kind: budget.Cost, Amount: 9},
	}
	bare := managed(p, "key_bare")
	closed := managed(p, "key_closed")
	closed.Models.Allow, closed.Operations, closed.Networks, closed.Status = []string{}, []string{}, []netip.Prefix{}, vkey.StatusRevoked
	early := managed(p, "key_early")
	early.ExpiresAt, early.Models.Deny, early.Status = time.Date(1900, 1, 1, 0, 0, 0, 5, time.UTC), []string{"x"}, vkey.StatusDisabled
	for _, k := range []*vkey.Key{bare, closed, early, rich(t, p, "key_rich")} {
		want, err := k.Compile(shared)
		if err != nil {
			t.Fatal(err)
		}
		d := vkey.NewDirectory(p)
		d.SetShared(shared)
		if err := d.Put([]*vkey.Key{k}); err != nil {
			t.Fatal(err)
		}
		for i, value := range []string{k.ID, "old " + k.ID}[:len(want)] {
			e, _ := d.Lookup(value, noon)
			if e == nil {
				t.Fatalf("%s is not found by %q", k.ID, value)
			}
			if !reflect.DeepEqual(vkey.Plain(e), vkey.Plain(&want[i])) {
				t.Errorf("%s by %q:\n%+v\nwant\n%+v", k.ID, value, e, want[i])
			}
		}
	}
}

func TestKeysThatMakeNoSense(t *testing.T) {
	p := pepper(t)
	for want, change := range map[string]func(*vkey.Key){
		"needs an id":    func(k *vkey.Key) { k.ID = "" },
		"models":         func(k *vkey.Key) { k.Models.Allow = []string{"a*b"} },
		"model pattern":  func(k *vkey.Key) { k.Models.Deny = []string{""} },
		`"sing" is no`:   func(k *vkey.Key) { k.Operations = []string{"chat", "sing"} },
		"counts nothing": func(k *vkey.Key) { k.Limits = []*budget.Limit{{ID: "lim_x"}} },
	} {
		bad, good := managed(p, "key_bad"), managed(p, "key_good")
		change(bad)
		if _, err := bad.Compile(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Compile gives %v", want, err)
		}
		loaded, put := vkey.NewDirectory(p), vkey.NewDirectory(p)
		for how, err := range map[string]error{
			"Load": loaded.Load(each(bad, good)), "Put": put.Put([]*vkey.Key{bad, good}),
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %s gives %v", want, how, err)
			}
		}
		for _, d := range []*vkey.Directory{loaded, put} {
			if e, result := d.Lookup("key_bad", noon); e != nil || result != vkey.Unknown {
				t.Errorf("%s: the bad key is %v", want, result)
			}
			if _, result := d.Lookup("key_good", noon); result != vkey.OK {
				t.Errorf("%s: the good key beside it is %v", want, result)
			}
		}
	}
}

func each(keys ...*vkey.Key) func(func(*vkey.Key) error) error {
	return func(yield func(*vkey.Key) error) error {
		for _, k := range keys {
			if err := yield(k); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestDirectoryFollowsChanges(t *testing.T) {
	p := pepper(t)
	d := vkey.NewDirectory(p)
	result := func(presented string, want vkey.Result) {
		t.Helper()
		e, got := d.Lookup(presented, noon)
		if got != want || (e == nil) != (want == vkey.Unknown) {
			t.Errorf("%q is %v (entry %v), want %v", presented, got, e != nil, want)
		}
	}
	put := func(k *vkey.Key) {
		t.Helper()
		if err := d.Put([]*vkey.Key{k}); err != nil {
			t.Fatal(err)
		}
	}
	imported := &vkey.Key{ID: "key_b", Secrets: []vkey.Secret{{ID: "sec_b", Digest: vkey.Hash("sk-alice")}}}
	if err := d.Load(each(managed(p, "key_a"), imported)); err != nil {
		t.Fatal(err)
	}
	if d.Load(each()) == nil {
		t.Error("a directory was filled twice")
	}
	result("key_a", vkey.OK)
	result("sk-alice", vkey.OK)
	result("key_b", vkey.Unknown)
	result("", vkey.Unknown)
	result(strings.Repeat("x", 1<<16), vkey.Unknown)

	k := managed(p, "key_a")
	k.Status = vkey.StatusDisabled
	put(k)
	result("key_a", vkey.Disabled)
	k.Status = vkey.StatusRevoked
	put(k)
	result("key_a", vkey.Revoked)
	k.Status, k.ExpiresAt = vkey.StatusActive, noon
	put(k)
	result("key_a", vkey.Expired)
	k.ExpiresAt = noon.Add(1)
	put(k)
	result("key_a", vkey.OK)

	k.Secrets = []vkey.Secret{{ID: "sec_2", Digest: p.Digest("second"), Peppered: true}, k.Secrets[0]} // rotated
	k.Secrets[1].NotAfter = noon.Add(time.Minute)
	put(k)
	result("key_a", vkey.OK)
	result("second", vkey.OK)
	k.Secrets[1].NotAfter = noon
	put(k)
	result("key_a", vkey.Expired)
	result("second", vkey.OK)
	if e, ok := d.Entry("key_a"); !ok || e.SecretID != "sec_2" {
		t.Errorf("Entry gives %+v, %v", e, ok)
	}
	k.Secrets = k.Secrets[:1]
	put(k)
	result("key_a", vkey.Unknown)

	other := managed(p, "key_c") // a secret may move to another key
	other.Secrets[0].Digest = p.Digest("second")
	k.Secrets[0] = vkey.Secret{ID: "sec_3", Digest: vkey.Hash("third")}
	put(k)
	put(other)
	if e, _ := d.Lookup("second", noon); e == nil || e.Caller.KeyID != "key_c" {
		t.Errorf("found %+v", e)
	}
	if d.Len() != 3 {
		t.Errorf("%d keys", d.Len())
	}
	d.Remove([]string{"key_a", "key_b", "key_none"})
	result("third", vkey.Unknown)
	result("sk-alice", vkey.Unknown)
	if _, ok := d.Entry("key_a"); ok || d.Len() != 1 {
		t.Errorf("%d keys are left", d.Len())
	}
	put(k)
	result("third", vkey.OK)
}

// A digest counts only in the way in which it was made: else whoever reads a table
// of digests of one way could present what it holds in the other.
func TestDigestsOfBothWaysStayApart(t *testing.T) {
	p := pepper(t)
	k := managed(p, "key_x")
	k.Secrets[0].Digest = vkey.Hash("value") // claims to be peppered
	d := vkey.NewDirectory(p)
	if err := d.Put([]*vkey.Key{k, {ID: "key_y", Secrets: []vkey.Secret{{ID: "s", Digest: p.Digest("other")}}}}); err != nil {
		t.Fatal(err)
	}
	both := managed(p, "key_z") // leads to its other secret by the first bytes
	both.Secrets = append(both.Secrets, vkey.Secret{ID: "plain", Digest: p.Digest("third")})
	both.Secrets[0].Digest = p.Digest("third")
	both.Secrets[0].Digest[31]++
	if err := d.Put([]*vkey.Key{both}); err != nil {
		t.Fatal(err)
	}
	for _, presented := range []string{"value", "other", "third"} {
		if _, result := d.Lookup(presented, noon); result != vkey.Unknown {
			t.Errorf("%q is %v", presented, result)
		}
	}
}

// A minted secret is that of its key, whoever has the hash of it; where it was not minted,
// its hash is one like any other.
func TestTheHashOfAMintedSecretIsNoOtherKeys(t *testing.T) {
	p := pepper(t)
	id, value, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := vkey.NewDirectory(p)
	taker := &vkey.Key{ID: "key_taker", Secrets: []vkey.Secret{{ID: "s", Digest: vkey.Hash(value.Reveal())}}}
	if err := d.Put([]*vkey.Key{taker}); err != nil {
		t.Fatal(err)
	}
	check := func(what, want string, result vkey.Result) {
		t.Helper()
		e, got := d.Lookup(value.Reveal(), noon)
		if got != result || e != nil && e.Caller.KeyID != want {
			t.Errorf("%s: %+v, %v", what, e, got)
		}
	}
	check("minted elsewhere", "key_taker", vkey.OK)
	k := managed(p, id)
	k.Secrets[0].Digest, k.Status = p.Digest(value.Reveal()), vkey.StatusRevoked
	if err := d.Put([]*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	check("revoked", id, vkey.Revoked)
	k = managed(p, id)
	k.Secrets[0].Digest = p.Digest("the next one")
	if err := d.Put([]*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	check("rotated away", "", vkey.Unknown)
}

// A key that is rotated again and again leaves nothing behind.
func TestRotationLeavesNothingBehind(t *testing.T) {
	p := pepper(t)
	d := vkey.NewDirectory(p)
	for i := range 10 {
		k := managed(p, "key_a")
		k.Secrets = append(k.Secrets, vkey.Secret{ID: "s", Digest: vkey.Hash(fmt.Sprint(i))}, vkey.Secret{ID: "m", Digest: p.Digest(fmt.Sprint(i)), Peppered: true})
		if err := d.Put([]*vkey.Key{k}); err != nil {
			t.Fatal(err)
		}
	}
	if n := vkey.Places(d); n != 3 {
		t.Errorf("%d ways lead to 3 secrets", n)
	}
	d.Remove([]string{"key_a"})
	if n := vkey.Places(d); n != 0 {
		t.Errorf("%d ways lead to a key that is gone", n)
	}
}

// Reading a window again must not depend on files: a zone that cannot be loaded any
// more would turn a limit per month into one for life.
func TestWindowsKeepTheirZone(t *testing.T) {
	p := pepper(t)
	w, err := budget.InCalendar(budget.Month, time.FixedZone("Nowhere/Else", 3600), budget.Anchor{})
	if err != nil {
		t.Fatal(err)
	}
	k := managed(p, "key_a")
	k.Limits = []*budget.Limit{{ID: "lim_a", Kind: budget.Cost, Window: w}}
	d := vkey.NewDirectory(p)
	if err := d.Put([]*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	if e, _ := d.Lookup("key_a", noon); e.Limits[0].Window.At(noon.UnixNano()) != w.At(noon.UnixNano()) {
		t.Errorf("the window became %v", e.Limits[0].Window)
	}
}

func TestSharedLimitsReachCompiledEntries(t *testing.T) {
	p := pepper(t)
	d := vkey.NewDirectory(p)
	k := managed(p, "key_a")
	k.Labels = map[string]string{"team": "a"}
	if err := d.Put([]*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]string{{}, {"lim_1"}, {"lim_1", "lim_2"}, {}} {
		var shared []*budget.Limit
		for _, id := range ids {
			shared = append(shared, &budget.Limit{ID: id, Kind: budget.Cost, Match: map[string]string{"team": "a"}})
		}
		d.SetShared(shared)
		e, _ := d.Lookup("key_a", noon)
		if len(e.Limits) != len(ids) {
			t.Errorf("%d limits, want %d", len(e.Limits), len(ids))
		}
	}
	first, _ := d.Lookup("key_a", noon)
	if again, _ := d.Lookup("key_a", noon); again != first {
		t.Error("an entry is compiled for every look-up")
	}
}

func TestUse(t *testing.T) {
	p := pepper(t)
	d := vkey.NewDirectory(p)
	k := rich(t, p, "key_a")
	if err := d.Put([]*vkey.Key{k, managed(p, "key_b")}); err != nil {
		t.Fatal(err)
	}
	use := func(presented string, at time.Time) {
		t.Helper()
		e, _ := d.Lookup(presented, noon)
		e.Used(at)
	}
	want := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	type times = map[string]time.Time
	want("before", d.DrainUsed(), map[string]times{})
	use("key_a", noon.Add(time.Millisecond))
	use("key_a", noon.Add(2*time.Second))
	use("key_a", noon.Add(time.Second)) // never goes back
	use("old key_a", noon)
	if err := d.Put([]*vkey.Key{k.Clone()}); err != nil { // outlives a change
		t.Fatal(err)
	}
	use("key_b", noon)
	a := times{"sec_key_a": noon.Add(2 * time.Second), "sec_old": noon}
	want("used", d.Used("key_a"), a)
	want("drained", d.DrainUsed(), map[string]times{"key_a": a, "key_b": {"sec_key_b": noon}})
	want("drained again", d.DrainUsed(), map[string]times{})
	use("key_a", noon.Add(2*time.Second))
	want("used in the same second", d.DrainUsed(), map[string]times{})
	use("key_a", noon.Add(3*time.Second))
	want("used later", d.DrainUsed(), map[string]times{"key_a": {"sec_key_a": noon.Add(3 * time.Second)}})
	want("unknown", d.Used("key_none"), times{})

	// Entries of a configuration share what is told across its reloads.
	foreign := func() *vkey.Entry {
		entries, err := managed(p, "key_file").Compile(nil)
		if err != nil {
			t.Fatal(err)
		}
		entries[0].Used(noon) // not tracked yet
		d.Track(entries)
		return &entries[0]
	}
	one, two := foreign(), foreign()
	one.Used(noon)
	two.Used(noon.Add(time.Second))
	want("foreign", d.Used("key_file"), times{"sec_key_file": noon.Add(time.Second)})
	want("foreign drained", d.DrainUsed(), map[string]times{"key_file": {"sec_key_file": noon.Add(time.Second)}})
}

// TestLookupsDuringChanges holds that what a call did is in force when it returns,
// for everybody, and that keys that do not change are always found.
func TestLookupsDuringChanges(t *testing.T) {
	p := pepper(t)
	d := vkey.NewDirectory(p)
	var all []*vkey.Key
	for i := range 300 {
		all = append(all, rich(t, p, fmt.Sprintf("key_%d", i)))
	}
	if err := d.Load(each(all...)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for reader := range 3 {
		wg.Go(func() {
			for i := reader; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("key_%d", i%100) // those that stay
				e, result := d.Lookup(id, noon)
				if result != vkey.OK || e.Caller.KeyID != id {
					t.Errorf("%s is %v while others change", id, result)
					return
				}
				e.Used(noon.Add(time.Duration(i) * time.Second))
				d.Lookup(fmt.Sprintf("key_%d", 100+i%200), noon)
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			d.SetShared([]*budget.Limit{{ID: "lim_s", Kind: budget.Cost}})
			d.DrainUsed()
			d.Used("key_1")
		}
	})
	for i := 100; i < 300; i++ {
		k := all[i]
		changed := k.Clone()
		changed.Status = vkey.StatusRevoked
		if err := d.Put([]*vkey.Key{changed, all[i%100].Clone()}); err != nil {
			t.Fatal(err)
		}
		if _, result := d.Lookup(k.ID, noon); result != vkey.Revoked {
			t.Fatalf("%s is %v after it was revoked", k.ID, result)
		}
		d.Remove([]string{k.ID})
		if _, result := d.Lookup(k.ID, noon); result != vkey.Unknown {
			t.Fatalf("%s is %v after it was removed", k.ID, result)
		}
		if err := d.Put([]*vkey.Key{k}); err != nil {
			t.Fatal(err)
		}
		if _, result := d.Lookup("old "+k.ID, noon); result != vkey.OK {
			t.Fatalf("%s is %v after it was put back", k.ID, result)
		}
	}
	close(stop)
	wg.Wait()
}

// Keys that have not been used for long are packed again, and still found.
func TestManyKeysInUse(t *testing.T) {
	p := pepper(t)
	d := vkey.NewDirectory(p)
	const n = 70_000 // more than are kept compiled
	var first, last *vkey.Entry
	err := d.Load(func(yield func(*vkey.Key) error) error {
		for i := range n {
			var digest vkey.Digest
			binary.BigEndian.PutUint64(digest[:], uint64(i))
			id := fmt.Sprintf("key_%d", i)
			if err := yield(&vkey.Key{ID: id, Secrets: []vkey.Secret{{ID: "s", Digest: digest}}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e, ok := d.Entry(fmt.Sprintf("key_%d", i))
		if !ok {
			t.Fatalf("key %d is not found", i)
		}
		if i == 0 {
			first = e
		}
		last = e
	}
	if e, _ := d.Entry(last.Caller.KeyID); e != last {
		t.Error("a key that was just used is packed again")
	}
	e, _ := d.Entry("key_0")
	if e == first {
		t.Error("a key that was used long ago is still compiled")
	}
	if e.Flights != first.Flights {
		t.Error("packing a key loses sight of its requests")
	}
}

func TestLoadPassesErrorsOn(t *testing.T) {
	cause := errors.New("disk")
	if err := vkey.NewDirectory(pepper(t)).Load(func(func(*vkey.Key) error) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	p := pepper(t)
	d := vkey.NewDirectory(p)
	k := rich(t, p, "key_a")
	if err := d.Put([]*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	_, value, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	unknown := value.Reveal()
	if n := testing.AllocsPerRun(100, func() {
		d.Lookup("key_a", noon)
		d.Lookup("old key_a", noon)
		d.Lookup(unknown, noon)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	e, _ := d.Lookup("key_a", noon)
	cancel := func(error) {}
	if n := testing.AllocsPerRun(100, func() { e.Flights.Add(cancel).End(); e.Used(noon) }); n > 1 {
		t.Errorf("%v allocations for a request under way", n)
	}
}
