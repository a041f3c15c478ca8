package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// names lists keys, and checks that Count says the same.
func names(t *testing.T, s store.Store, q store.KeyQuery) (names []string, next string) {
	t.Helper()
	view(t, s, func(tx store.Tx) error {
		keys, n, err := tx.Keys().List(q)
		must(t, err)
		for _, k := range keys {
			names = append(names, k.Name)
		}
		next = n
		if q.Cursor == "" && next == "" {
			for _, q.Max = range []int{0, 1, 2, 200} {
				count, err := tx.Keys().Count(q)
				must(t, err)
				most := len(keys)
				if q.Max > 0 {
					most = min(most, q.Max)
				}
				equal(t, fmt.Sprintf("count of %+v", q), count, int64(most))
			}
		}
		return nil
	})
	return names, next
}

func labelled(labels ...string) func(*vkey.Key) {
	return func(k *vkey.Key) {
		k.Labels = map[string]string{}
		for i := 0; i < len(labels); i += 2 {
			k.Labels[labels[i]] = labels[i+1]
		}
	}
}

func expiring(at time.Time) func(*vkey.Key) { return func(k *vkey.Key) { k.ExpiresAt = at } }
func used(at time.Time) func(*vkey.Key)     { return func(k *vkey.Key) { k.LastUsedAt = at } }
func created(at time.Time) func(*vkey.Key)  { return func(k *vkey.Key) { k.CreatedAt = at } }
func status(s vkey.Status) func(*vkey.Key)  { return func(k *vkey.Key) { k.Status = s } }
func capped(k *vkey.Key) {
	k.Limits = []*budget.Limit{{ID: "lim_" + k.Name, Kind: budget.Tokens, Amount: 1}}
}

const hour = time.Hour

// sample puts keys of all sorts.
func sample(t *testing.T, s store.Store) {
	put(t, s,
		with(key("alpha"), labelled("team", "payments", "env", "prod"), expiring(now.Add(hour)), used(now.Add(-hour)), capped),
		with(key("Beta"), labelled("team", "payments"), expiring(now.Add(-hour)), created(now.Add(-9*hour))),
		with(key("gamma"), labelled("team", "Ärzte_100%"), status(vkey.StatusDisabled), created(now.Add(-8*hour)), used(now.Add(-2*hour))),
		with(key("delta"), status(vkey.StatusRevoked), expiring(now.Add(-2*hour)), capped),
		with(key("epsilon"), func(k *vkey.Key) { k.Origin, k.Secrets[0].Last4 = vkey.Declared, "wXyZ" }, created(now.Add(-7*hour))),
	)
}

func testKeyFilters(t *testing.T, s store.Store) {
	sample(t, s)
	for _, c := range []struct {
		name string
		q    store.KeyQuery
		want string
	}{
		{"all", store.KeyQuery{}, "Beta alpha delta epsilon gamma"},
		{"active", store.KeyQuery{Status: "active"}, "alpha epsilon"},
		{"expired", store.KeyQuery{Status: "expired"}, "Beta"},
		{"disabled", store.KeyQuery{Status: "disabled"}, "gamma"},
		{"revoked, though expired too", store.KeyQuery{Status: "revoked"}, "delta"},
		{"label", store.KeyQuery{Label: map[string]string{"team": "payments"}}, "Beta alpha"},
		{"labels", store.KeyQuery{Label: map[string]string{"team": "payments", "env": "prod"}}, "alpha"},
		{"label with another's value", store.KeyQuery{Label: map[string]string{"env": "payments"}}, ""},
		{"managed", store.KeyQuery{Origin: vkey.Managed}, "Beta alpha delta gamma"},
		{"declared", store.KeyQuery{Origin: vkey.Declared}, "epsilon"},
		{"expiring", store.KeyQuery{ExpiringBefore: now.Add(2 * hour)}, "alpha"},
		{"expiring, but not so soon", store.KeyQuery{ExpiringBefore: now.Add(hour)}, ""},
		{"idle", store.KeyQuery{IdleSince: now.Add(-hour)}, "Beta epsilon gamma"},
		{"idle for longer", store.KeyQuery{IdleSince: now.Add(-7*hour - 30*time.Minute)}, "Beta"},
		{"uncapped", store.KeyQuery{Uncapped: true}, "Beta epsilon gamma"},
		{"part of names", store.KeyQuery{Text: "lph"}, "alpha"},
		{"capitals", store.KeyQuery{Text: "BET"}, "Beta"},
		{"short text", store.KeyQuery{Text: "A"}, "Beta alpha delta gamma"},
		{"shorter than its index", store.KeyQuery{Text: "ps"}, "epsilon"},
		{"whole id", store.KeyQuery{Text: "key_gamma"}, "gamma"},
		{"label value", store.KeyQuery{Text: "paymen"}, "Beta alpha"},
		{"beyond ASCII", store.KeyQuery{Text: "ärZ"}, "gamma"},
		{"signs that mean something elsewhere", store.KeyQuery{Text: "e_100%"}, "gamma"},
		{"the same, meaning nothing", store.KeyQuery{Text: "%te_"}, ""},
		{"end of a secret", store.KeyQuery{Text: "wxyz"}, "epsilon"},
		{"the end of all that is searched", store.KeyQuery{Text: "yz"}, "epsilon"},
		{"a letter that few have", store.KeyQuery{Text: "z"}, "epsilon gamma"},
		{"a letter beyond ASCII", store.KeyQuery{Text: "Ä"}, "gamma"},
		{"a letter that none has", store.KeyQuery{Text: "õ"}, ""},
		{"a quote", store.KeyQuery{Text: `"`}, ""},
		{"name", store.KeyQuery{Name: "alpha"}, "alpha"},
		{"part of a name", store.KeyQuery{Name: "alph"}, ""},
		{"name, and another status", store.KeyQuery{Name: "alpha", Status: "revoked"}, ""},
		{"quotes", store.KeyQuery{Text: `a" OR "b`}, ""},
		{"across two fields", store.KeyQuery{Text: "alphakey"}, ""},
		{"its characters, not in this order", store.KeyQuery{Text: "alphaeta"}, ""},
		{"together", store.KeyQuery{Status: "active", Text: "alp", Label: map[string]string{"env": "prod"}, ExpiringBefore: now.Add(2 * hour), Origin: vkey.Managed}, "alpha"},
		{"together, and none", store.KeyQuery{Status: "active", Text: "alp", Uncapped: true}, ""},
	} {
		c.q.Now = now
		got, _ := names(t, s, c.q)
		equal(t, c.name, strings.Join(got, " "), c.want)
	}
	view(t, s, func(tx store.Tx) error {
		if _, _, err := tx.Keys().List(store.KeyQuery{Status: "actve"}); err == nil {
			t.Error("a status that does not exist was taken")
		}
		return nil
	})
}

var allSorts = []store.KeySort{store.SortName, store.SortCreated, store.SortLastUsed, store.SortExpires}

func testKeyOrders(t *testing.T, s store.Store) {
	sample(t, s)
	for sort, want := range map[store.KeySort]string{
		"":                 "Beta alpha delta epsilon gamma",
		store.SortName:     "Beta alpha delta epsilon gamma",
		store.SortCreated:  "Beta gamma epsilon alpha delta",
		store.SortLastUsed: "Beta delta epsilon gamma alpha",
		store.SortExpires:  "delta Beta alpha epsilon gamma",
	} {
		got, _ := names(t, s, store.KeyQuery{Sort: sort, Now: now})
		equal(t, "by "+string(sort), strings.Join(got, " "), want)
		if sort != "" {
			down, _ := names(t, s, store.KeyQuery{Sort: "-" + sort, Now: now})
			slices.Reverse(down)
			equal(t, "by -"+string(sort), down, got)
		}
	}
	view(t, s, func(tx store.Tx) error {
		if _, _, err := tx.Keys().List(store.KeyQuery{Sort: "colour"}); err == nil {
			t.Error("an order that does not exist was taken")
		}
		return nil
	})
}

// walk lists keys a page at a time, calling between after each.
func walk(t *testing.T, s store.Store, q store.KeyQuery, between func(page int)) (all []string) {
	t.Helper()
	for page := 0; ; page++ {
		got, next := names(t, s, q)
		if len(got) > q.Max && q.Max > 0 {
			t.Fatalf("%d keys on a page of %d", len(got), q.Max)
		}
		all = append(all, got...)
		if next == "" {
			return all
		}
		if between != nil {
			between(page)
		}
		q.Cursor = next
	}
}

func testKeyCursors(t *testing.T, s store.Store) {
	for i := range 21 { // every time three times, so that ties are cut by pages
		at := now.Add(time.Duration(i/3) * hour)
		k := with(key(fmt.Sprintf("k%02d", i)), created(at), used(at))
		if i < 15 {
			k.ExpiresAt = at
		}
		if i%2 == 0 {
			k.Status = vkey.StatusDisabled
		}
		put(t, s, k)
	}
	for _, sort := range allSorts {
		for _, sort := range []store.KeySort{sort, "-" + sort} {
			for _, q := range []store.KeyQuery{{Max: 200}, {Max: 200, Status: "disabled"}, {Max: 200, Text: "k1"}, {Max: 200, Text: "key_k1"}} {
				q.Sort, q.Now = sort, now
				want := walk(t, s, q, nil)
				for _, q.Max = range []int{1, 2, 5, 21} {
					equal(t, fmt.Sprintf("%s in pages of %d", sort, q.Max), walk(t, s, q, nil), want)
				}
			}
			// Who comes in between is found if it is still ahead, and moves nobody.
			q := store.KeyQuery{Sort: sort, Max: 4, Now: now}
			want := walk(t, s, q, nil)
			got := walk(t, s, q, func(page int) {
				name := fmt.Sprintf("j%s%d", strings.ReplaceAll(string(sort), "-", "d"), page)
				put(t, s, with(key(name), created(now.Add(-hour)), used(now.Add(-hour)), expiring(now.Add(-hour))))
			})
			got = slices.DeleteFunc(got, func(name string) bool { return name[0] == 'j' && !slices.Contains(want, name) })
			equal(t, string(sort)+" with inserts", got, want)
		}
	}
	_, next := names(t, s, store.KeyQuery{Sort: store.SortName, Max: 1})
	view(t, s, func(tx store.Tx) error {
		for _, q := range []store.KeyQuery{{Cursor: "%"}, {Cursor: "bm90aGluZw"}, {Cursor: next, Sort: store.SortCreated}, {Cursor: next, Sort: "-name"}} {
			_, _, err := tx.Keys().List(q)
			is(t, fmt.Sprintf("cursor %q for %q", q.Cursor, q.Sort), err, store.ErrCursor)
		}
		return nil
	})
}

func testKeySearchFollows(t *testing.T, s store.Store) {
	k := with(key("one"), labelled("team", "red"), named("before"))
	put(t, s, k)
	k.Name, k.Labels, k.Status = "after", map[string]string{"team": "blue"}, vkey.StatusDisabled
	k.Secrets[0].Digest = vkey.Hash("new")
	capped(k)
	update(t, s, func(tx store.Tx) error { // also before the commit
		must(t, tx.Keys().Put(k))
		for text, want := range map[string]int{"befor": 0, "afte": 1} {
			found, _, err := tx.Keys().List(store.KeyQuery{Text: text})
			must(t, err)
			equal(t, text+" in the transaction itself", len(found), want)
		}
		return nil
	})
	for _, q := range []store.KeyQuery{
		{Text: "befor"}, {Label: map[string]string{"team": "red"}}, {Status: "active"}, {Uncapped: true}, {Text: "red"},
	} {
		got, _ := names(t, s, q)
		equal(t, fmt.Sprintf("%+v", q), len(got), 0)
	}
	for _, q := range []store.KeyQuery{{Text: "afte"}, {Label: map[string]string{"team": "blue"}}, {Status: "disabled"}, {Text: "blue"}} {
		got, _ := names(t, s, q)
		equal(t, fmt.Sprintf("%+v", q), got, []string{"after"})
	}
	view(t, s, func(tx store.Tx) error {
		is(t, "the old secret", second(tx.Keys().Holding(vkey.Hash("one"))), store.ErrNotFound)
		_, err := tx.Keys().Holding(vkey.Hash("new"))
		return err
	})
}

// testKeysMany has more keys than any shortcut for few of them takes.
func testKeysMany(t *testing.T, s store.Store) {
	if testing.Short() {
		t.Skip("long")
	}
	const n = 6_000
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			k := with(key(fmt.Sprintf("many-%05d", i)), labelled("team", fmt.Sprint(i%2)), created(now.Add(time.Duration(i)*time.Second)))
			if i%10 != 0 {
				k.Status = vkey.StatusRevoked
			}
			must(t, tx.Keys().Put(k))
		}
		return nil
	})
	view(t, s, func(tx store.Tx) error {
		for name, c := range map[string]struct {
			q    store.KeyQuery
			want int64
		}{
			"all":     {store.KeyQuery{}, n},
			"revoked": {store.KeyQuery{Status: "revoked"}, n / 10 * 9},
			"active":  {store.KeyQuery{Status: "active", Now: now}, n / 10},
			"text":    {store.KeyQuery{Text: "many-"}, n},
			"rare":    {store.KeyQuery{Text: "-0077", Status: "revoked"}, 9},
			"label":   {store.KeyQuery{Label: map[string]string{"team": "1"}}, n / 2},
		} {
			count, err := tx.Keys().Count(c.q)
			must(t, err)
			equal(t, "count of "+name, count, c.want)
		}
		for _, sort := range allSorts {
			keys, next, err := tx.Keys().List(store.KeyQuery{Text: "many-", Status: "revoked", Sort: "-" + sort, Max: 3})
			must(t, err)
			if len(keys) != 3 || next == "" {
				t.Errorf("by %s: %d keys, next %q", sort, len(keys), next)
			}
		}
		keys, _, err := tx.Keys().List(store.KeyQuery{Text: "MANY-", Sort: "-created_at", Max: 2})
		must(t, err)
		equal(t, "the newest", keys[0].Name+keys[1].Name, "many-05999many-05998")
		keys, _, err = tx.Keys().List(store.KeyQuery{})
		equal(t, "keys on a page", len(keys), 50)
		must(t, err)
		keys, _, err = tx.Keys().List(store.KeyQuery{Max: 1000})
		equal(t, "keys on the largest page", len(keys), 200)
		return err
	})
}

func testKeyLabels(t *testing.T, s store.Store) {
	labels := func(names, values int) (all []string) {
		t.Helper()
		view(t, s, func(tx store.Tx) error {
			list, more, err := tx.Keys().Labels(names, values)
			for _, l := range list {
				text := fmt.Sprint(l.Name, " ", l.Keys, ":")
				for _, v := range l.Values {
					text += fmt.Sprint(" ", v.Value, " ", v.Keys)
				}
				if l.More {
					text += " …"
				}
				all = append(all, text)
			}
			if more {
				all = append(all, "…")
			}
			return err
		})
		return all
	}
	equal(t, "no labels", labels(9, 9), []string(nil))
	put(t, s,
		with(key("a"), labelled("team", "pay", "env", "prod")), with(key("b"), labelled("team", "shop", "env", "prod")),
		with(key("c"), labelled("team", "shop", "cell", "7"), status(vkey.StatusRevoked)), with(key("d")), with(key("e"), labelled("team", "art")),
	)
	equal(t, "all", labels(3, 3), []string{"team 4: shop 2 art 1 pay 1", "env 2: prod 2", "cell 1: 7 1"})
	equal(t, "few", labels(2, 2), []string{"team 4: shop 2 art 1 …", "env 2: prod 2", "…"})
	update(t, s, func(tx store.Tx) error {
		k, err := tx.Keys().Named("b")
		must(t, err)
		delete(k.Labels, "team")
		must(t, tx.Keys().Put(k))
		return tx.Keys().Delete("key_c")
	})
	equal(t, "after changes", labels(3, 3), []string{"env 2: prod 2", "team 2: art 1 pay 1"})
	// What most have is found wherever it stands among many.
	update(t, s, func(tx store.Tx) error {
		for i := range 60 {
			value := fmt.Sprintf("v%03d", i)
			if i%20 == 7 {
				value = "m" + value[1:2]
			}
			must(t, tx.Keys().Put(with(key(fmt.Sprint("k", i)), labelled("many", value))))
		}
		return nil
	})
	equal(t, "the values that most have", labels(1, 2), []string{"many 60: m0 3 v000 1 …", "…"})
}
