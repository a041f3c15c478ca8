package storetest

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// key is a key of some name with a secret, active for ever.
func key(name string) *vkey.Key {
	return &vkey.Key{
		ID: "key_" + name, Name: name, Origin: vkey.Managed, CreatedAt: now, UpdatedAt: now,
		Secrets: []vkey.Secret{{ID: "sec_" + name, Digest: vkey.Hash(name), Last4: "last", CreatedAt: now}},
	}
}

func with(k *vkey.Key, change ...func(*vkey.Key)) *vkey.Key {
	for _, c := range change {
		c(k)
	}
	return k
}

func named(name string) func(*vkey.Key) { return func(k *vkey.Key) { k.Name = name } }

// full is a key with something in every field.
func full(t *testing.T) *vkey.Key {
	zone, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	window, err := budget.InCalendar(budget.Month, zone, budget.Anchor{})
	must(t, err)
	pattern, err := access.ParsePattern("gpt-5*")
	must(t, err)
	sliding, err := budget.InSliding(time.Minute)
	must(t, err)
	return &vkey.Key{
		ID: "key_full", Name: "Zoë's key \"1\"", Origin: vkey.Declared, Status: vkey.StatusRevoked, Reason: "leaked", Legacy: true,
		CreatedAt: now, UpdatedAt: now.Add(time.Second), CreatedBy: "me", ExpiresAt: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), LastUsedAt: now.Add(time.Minute),
		Labels: map[string]string{"team": "payments", "": "nothing", "a.b": "c d"}, Models: vkey.Scope{Allow: []string{}, Deny: []string{"o1*"}},
		Operations: []string{"chat"}, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Limits: []*budget.Limit{
			{ID: "lim_1", Kind: budget.Cost, Amount: budget.Max, Window: window, Models: []access.Pattern{pattern}},
			{ID: "lim_2", Kind: budget.Requests, Amount: 60, Window: sliding},
			{ID: "lim_3", Kind: budget.Concurrency, Amount: 0},
			{ID: "lim_4", Kind: budget.Tokens, Amount: 1, Per: budget.Pool, Match: map[string]string{"x": "y"}},
		},
		Secrets: []vkey.Secret{
			{ID: "sec_2", Digest: vkey.Hash("2"), Peppered: true, Last4: "abcd", CreatedAt: now, NotAfter: now.Add(time.Hour), LastUsedAt: now.Add(time.Minute)},
			{ID: "sec_1", Digest: vkey.Hash("1"), CreatedAt: now},
		},
		MaxTokens: 1 << 40, Clamp: true, Discreet: true,
	}
}

func put(t *testing.T, s store.Store, keys ...*vkey.Key) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		for _, k := range keys {
			if err := tx.Keys().Put(k); err != nil {
				return fmt.Errorf("put %s: %w", k.ID, err)
			}
		}
		return nil
	})
}

func get(t *testing.T, s store.Store, id string) (k *vkey.Key) {
	t.Helper()
	view(t, s, func(tx store.Tx) (err error) {
		k, err = tx.Keys().Get(id)
		return err
	})
	return k
}

func testKeys(t *testing.T, s store.Store) {
	k := full(t)
	want := k.Clone()
	put(t, s, k, key("other"))
	want.Version = 1
	equal(t, "what was put", k, want)
	view(t, s, func(tx store.Tx) error {
		got, err := tx.Keys().Get(k.ID)
		must(t, err)
		equal(t, "by id", got, want)
		is(t, "a revoked key by its name", second(tx.Keys().Named(k.Name)), store.ErrNotFound)
		list, _, err := tx.Keys().List(store.KeyQuery{Name: k.Name})
		must(t, err)
		equal(t, "all by name", list, []*vkey.Key{want})
		got, err = tx.Keys().Holding(vkey.Hash("1"))
		must(t, err)
		equal(t, "by secret", got, want)
		for _, err := range []error{
			second(tx.Keys().Get("key_none")), second(tx.Keys().Named("none")), second(tx.Keys().Holding(vkey.Hash("none"))),
		} {
			is(t, "a key that is not there", err, store.ErrNotFound)
		}
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.Keys().Delete(k.ID) })
	is(t, "deleting again", s.Update(t.Context(), func(tx store.Tx) error { return tx.Keys().Delete(k.ID) }), store.ErrNotFound)
	view(t, s, func(tx store.Tx) error {
		is(t, "deleted", second(tx.Keys().Get(k.ID)), store.ErrNotFound)
		is(t, "deleted", second(tx.Keys().Holding(vkey.Hash("1"))), store.ErrNotFound)
		keys, _, err := tx.Keys().List(store.KeyQuery{Text: "payments", Label: map[string]string{"team": "payments"}})
		equal(t, "lists with a deleted key", len(keys), 0)
		return err
	})
	again := full(t)
	again.ID = "key_again"
	put(t, s, again) // name and secrets are free again
	equal(t, "the other", get(t, s, "key_other").Name, "other")
}

func second[T any](_ T, err error) error { return err }

func testKeyCopies(t *testing.T, s store.Store) {
	k := full(t)
	put(t, s, k)
	spoil := func(k *vkey.Key) {
		k.Labels["team"] = "spoiled"
		k.Models.Deny[0], k.Operations[0] = "spoiled", "spoiled"
		k.Limits[0].Amount = 0
		k.Secrets[0].Last4 = "spoiled"
	}
	spoil(k)
	spoil(get(t, s, k.ID))
	want := full(t)
	want.Version = 1
	equal(t, "after others were spoiled", get(t, s, k.ID), want)
}

func testKeysUnique(t *testing.T, s store.Store) {
	put(t, s, key("one"), key("two"))
	try := func(what string, k *vkey.Key, field, by string) {
		t.Helper()
		err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Keys().Put(k) })
		taken(t, what, err, field, by)
	}
	secretOf := func(name string) func(*vkey.Key) {
		return func(k *vkey.Key) { k.Secrets[0].Digest = vkey.Hash(name) }
	}
	try("a new key with an id that exists", with(key("one"), named("x"), secretOf("x")), "id", "key_one")
	try("a new key with a name that exists", with(key("three"), named("two")), "name", "key_two")
	try("a new key with a secret that exists", with(key("three"), secretOf("two")), "secret", "key_two")
	one := get(t, s, "key_one")
	try("renamed to a name that exists", with(one.Clone(), named("two")), "name", "key_two")
	try("rotated to a secret that exists", with(one.Clone(), secretOf("two")), "secret", "key_two")
	put(t, s, one) // its own name and secret are no obstacle
	// The same digest made in another way is another secret.
	put(t, s, with(key("three"), secretOf("two"), func(k *vkey.Key) { k.Secrets[0].Peppered = true }))
}

// testKeyNames: who is revoked or deleted lets go of its name, whoever is not keeps it.
func testKeyNames(t *testing.T, s store.Store) {
	revoked := func(id string) *vkey.Key {
		return with(key(id), named("one"), status(vkey.StatusRevoked))
	}
	try := func(what string, k *vkey.Key, by string) {
		t.Helper()
		err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Keys().Put(k) })
		taken(t, what, err, "name", by)
	}
	holder := func() (id string) {
		view(t, s, func(tx store.Tx) error {
			if k, err := tx.Keys().Named("one"); err == nil {
				id = k.ID
			}
			return nil
		})
		return id
	}
	one := key("one")
	put(t, s, one)
	try("the name of an active key", with(key("two"), named("one")), "key_one")
	one.Status = vkey.StatusDisabled
	put(t, s, one)
	try("the name of a disabled key", with(key("two"), named("one")), "key_one")
	one.Status, one.ExpiresAt = vkey.StatusActive, now.Add(-hour)
	put(t, s, one)
	try("the name of an expired key", with(key("two"), named("one")), "key_one")
	put(t, s, revoked("old")) // whoever is revoked may be called like anybody
	one.Status = vkey.StatusRevoked
	put(t, s, one)
	equal(t, "who is called so, when all are revoked", holder(), "")
	two := with(key("two"), named("one"))
	put(t, s, two, with(key("three")))
	equal(t, "who is called so", holder(), "key_two")
	one.Status = vkey.StatusDisabled // nobody does that: but the name would be taken
	try("a revoked key that comes back", one, "key_two")
	try("renamed to the name of a live key", with(get(t, s, "key_three"), named("one")), "key_two")
	update(t, s, func(tx store.Tx) error { return tx.Keys().Delete("key_two") })
	equal(t, "who is called so after that is deleted", holder(), "")
	put(t, s, with(get(t, s, "key_three"), named("one")))
	for _, sort := range []store.KeySort{"name", "-name"} {
		ids := func(max int) (ids []string) {
			view(t, s, func(tx store.Tx) error {
				for q := (store.KeyQuery{Sort: sort, Max: max}); ; {
					list, next, err := tx.Keys().List(q)
					must(t, err)
					for _, k := range list {
						ids = append(ids, k.ID)
					}
					if q.Cursor = next; next == "" {
						return nil
					}
				}
			})
			return ids
		}
		want := []string{"key_old", "key_one", "key_three"}
		if sort == "-name" {
			slices.Reverse(want)
		}
		equal(t, "keys of one name by "+string(sort), ids(1), want)
		equal(t, "the same by two", ids(2), want)
	}
}

func testKeyVersions(t *testing.T, s store.Store) {
	k := key("one")
	put(t, s, k)
	equal(t, "first version", k.Version, uint64(1))
	first, second := get(t, s, k.ID), get(t, s, k.ID)
	first.Reason = "first"
	put(t, s, first)
	equal(t, "version after a change", first.Version, uint64(2))
	second.Reason = "second"
	err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Keys().Put(second) })
	is(t, "the one who read before the change", err, store.ErrConflict)
	equal(t, "version after a refused change", second.Version, uint64(1))
	equal(t, "stored", get(t, s, k.ID).Reason, "first")
	gone := key("gone")
	gone.Version = 1
	err = s.Update(t.Context(), func(tx store.Tx) error { return tx.Keys().Put(gone) })
	is(t, "changing what is not there", err, store.ErrNotFound)
}

func testKeyUse(t *testing.T, s store.Store) {
	k := key("one")
	k.Secrets = append(k.Secrets, vkey.Secret{ID: "sec_b", Digest: vkey.Hash("b")})
	put(t, s, k)
	read := get(t, s, k.ID)
	later, latest := now.Add(time.Hour), now.Add(2*time.Hour)
	update(t, s, func(tx store.Tx) error {
		return tx.Keys().Used(map[string]map[string]time.Time{"key_one": {"sec_one": later, "sec_b": latest}, "key_gone": {"sec": now}})
	})
	check := func(what string, version uint64) {
		t.Helper()
		got := get(t, s, k.ID)
		equal(t, what, []any{got.LastUsedAt, got.Secrets[0].LastUsedAt, got.Secrets[1].LastUsedAt, got.Version}, []any{latest, later, latest, version})
	}
	check("used", 1)
	update(t, s, func(tx store.Tx) error {
		return tx.Keys().Used(map[string]map[string]time.Time{"key_one": {"sec_one": now, "sec_b": now}})
	})
	check("used before", 1)
	put(t, s, read) // has been read before it was used
	check("put with what was known before", 2)
	view(t, s, func(tx store.Tx) error {
		keys, _, err := tx.Keys().List(store.KeyQuery{IdleSince: latest, Now: latest})
		equal(t, "keys idle since", len(keys), 0)
		return err
	})
}

func testEachKey(t *testing.T, s store.Store) {
	var want []string
	for i := range 50 {
		put(t, s, key(fmt.Sprint("k", i)))
		want = append(want, fmt.Sprint("key_k", i))
	}
	var got []string
	view(t, s, func(tx store.Tx) error {
		return tx.Keys().Each(func(k *vkey.Key) error {
			got = append(got, k.ID)
			_, err := tx.Keys().Get(k.ID) // others may be asked in between
			return err
		})
	})
	slices.Sort(want)
	slices.Sort(got)
	equal(t, "all keys", got, want)
	calls := 0
	err := s.View(t.Context(), func(tx store.Tx) error {
		return tx.Keys().Each(func(*vkey.Key) error { calls++; return errOurs })
	})
	is(t, "an error of the function", err, errOurs)
	equal(t, "calls until the error", calls, 1)
}
