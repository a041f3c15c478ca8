package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// table is what limits, tokens and credentials have in common.
type table[T any] struct {
	of      func(store.Tx) objects[T]
	make    func(name string) *T
	id      func(*T) *string
	name    func(*T) *string
	version func(*T) *uint64
}

type objects[T any] interface {
	Get(id string) (*T, error)
	Put(*T) error
	Delete(id string) error
	List() ([]*T, error)
}

func (c table[T]) test(t *testing.T, s store.Store) {
	one, two := c.make("one"), c.make("two")
	try := func(v *T) error {
		return s.Update(t.Context(), func(tx store.Tx) error { return c.of(tx).Put(v) })
	}
	must(t, try(two))
	must(t, try(one))
	want := c.make("one")
	*c.version(want) = 1
	equal(t, "what was put", one, want)
	view(t, s, func(tx store.Tx) error {
		got, err := c.of(tx).Get(*c.id(one))
		must(t, err)
		equal(t, "by id", got, want)
		is(t, "what is not there", second(c.of(tx).Get("none")), store.ErrNotFound)
		all, err := c.of(tx).List()
		equal(t, "all by name", all, []*T{one, two})
		return err
	})
	again := c.make("one")
	*c.name(again) = "three"
	taken(t, "the id again", try(again), "id", *c.id(one))
	other := c.make("three")
	*c.name(other) = "two"
	taken(t, "the name again", try(other), "name", *c.id(two))

	stale := *one
	*c.name(one) = "renamed"
	must(t, try(one))
	equal(t, "version after a change", *c.version(one), uint64(2))
	is(t, "who read before the change", try(&stale), store.ErrConflict)
	gone := c.make("gone")
	*c.version(gone) = 3
	is(t, "changing what is not there", try(gone), store.ErrNotFound)

	remove := func() error {
		return s.Update(t.Context(), func(tx store.Tx) error { return c.of(tx).Delete(*c.id(one)) })
	}
	must(t, remove())
	is(t, "deleting again", remove(), store.ErrNotFound)
	view(t, s, func(tx store.Tx) error {
		all, err := c.of(tx).List()
		equal(t, "all that are left", all, []*T{two})
		return err
	})
}

func testLimits(t *testing.T, s store.Store) {
	window, err := budget.InFixed(5*time.Hour, now)
	must(t, err)
	table[store.SharedLimit]{
		of: func(tx store.Tx) objects[store.SharedLimit] { return tx.Limits() },
		make: func(name string) *store.SharedLimit {
			return &store.SharedLimit{
				Name: name, Origin: vkey.Managed, CreatedAt: now, UpdatedAt: now, CreatedBy: "me",
				Limit: budget.Limit{ID: "lim_" + name, Kind: budget.Cost, Amount: 1e9, Window: window, Per: budget.Pool, Match: map[string]string{"team": "x"}},
			}
		},
		id: func(l *store.SharedLimit) *string { return &l.Limit.ID }, name: func(l *store.SharedLimit) *string { return &l.Name },
		version: func(l *store.SharedLimit) *uint64 { return &l.Version },
	}.test(t, s)
}

func testTokens(t *testing.T, s store.Store) {
	token := func(name string) *store.Token {
		return &store.Token{
			ID: "adm_" + name, Name: name, Role: actor.Auditor, Digest: vkey.Hash(name), Last4: "abcd", CreatedAt: now, CreatedBy: "me",
			ExpiresAt: now.Add(time.Hour), LastUsedAt: now,
		}
	}
	table[store.Token]{
		of: func(tx store.Tx) objects[store.Token] { return tx.Tokens() }, make: token,
		id: func(x *store.Token) *string { return &x.ID }, name: func(x *store.Token) *string { return &x.Name },
		version: func(x *store.Token) *uint64 { return &x.Version },
	}.test(t, s)
	same := token("same")
	same.Digest = vkey.Hash("two")
	taken(t, "the digest again", s.Update(t.Context(), func(tx store.Tx) error { return tx.Tokens().Put(same) }), "secret", "adm_two")
	update(t, s, func(tx store.Tx) error {
		return tx.Tokens().Used(map[string]time.Time{"adm_two": now.Add(time.Minute), "adm_gone": now})
	})
	update(t, s, func(tx store.Tx) error { return tx.Tokens().Used(map[string]time.Time{"adm_two": now}) })
	view(t, s, func(tx store.Tx) error {
		got, err := tx.Tokens().Get("adm_two")
		must(t, err)
		equal(t, "last used and version", []any{got.LastUsedAt, got.Version}, []any{now.Add(time.Minute), uint64(1)})
		return nil
	})
}

func testCredentials(t *testing.T, s store.Store) {
	table[store.Credential]{
		of: func(tx store.Tx) objects[store.Credential] { return tx.Credentials() },
		make: func(name string) *store.Credential {
			return &store.Credential{
				ID: "crd_" + name, Name: name, Provider: "openai", Host: "api.openai.com", Sealed: []byte{0, 1, 255}, Last4: "abcd",
				CreatedAt: now, UpdatedAt: now, CreatedBy: "me", RotatedAt: now, TestedAt: now, TestResult: "ok",
			}
		},
		id: func(x *store.Credential) *string { return &x.ID }, name: func(x *store.Credential) *string { return &x.Name },
		version: func(x *store.Credential) *uint64 { return &x.Version },
	}.test(t, s)
	view(t, s, func(tx store.Tx) error {
		got, err := tx.Credentials().Named("two")
		must(t, err)
		equal(t, "by name", got.ID, "crd_two")
		is(t, "a name that is not there", second(tx.Credentials().Named("none")), store.ErrNotFound)
		return nil
	})
}

func event(action string) *audit.Event {
	return &audit.Event{
		At: now, Actor: actor.Actor{Kind: actor.Token, ID: "adm_1", Name: "me", Role: actor.Admin, From: "127.0.0.1"}, Action: action,
		Target: audit.Target{Kind: "key", ID: "key_1", Name: "one"}, Outcome: audit.Done, Reason: "why", RequestID: "req",
		Diff: []audit.Field{{Path: "name", Before: `"a"`, After: `"b"`}},
	}
}

func testEvents(t *testing.T, s store.Store) {
	var want []*audit.Event
	for i := range 5 {
		e := event(fmt.Sprint("action.", i))
		update(t, s, func(tx store.Tx) error { return tx.Events().Append(e) })
		equal(t, "number", e.Seq, uint64(i+1))
		want = append(want, e)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		must(t, tx.Events().Append(event("never")))
		return errOurs
	}); !errors.Is(err, errOurs) {
		t.Fatal(err)
	}
	update(t, s, func(tx store.Tx) error { // two in one transaction
		a, b := event("a"), event("b")
		want = append(want, a, b)
		return errors.Join(tx.Events().Append(a), tx.Events().Append(b))
	})
	view(t, s, func(tx store.Tx) error {
		verifier := audit.NewVerifier(audit.Mark{}, want[6].Mark())
		var got []*audit.Event
		must(t, tx.Events().Each(1, func(e *audit.Event) error {
			got = append(got, e)
			return verifier.Next(e)
		}))
		must(t, verifier.End())
		equal(t, "the whole trail", got, want)
		got = nil
		must(t, tx.Events().Each(4, func(e *audit.Event) error { got = append(got, e); return nil }))
		equal(t, "from the fourth", got, want[3:])
		is(t, "an error of the function", tx.Events().Each(1, func(*audit.Event) error { return errOurs }), errOurs)
		one, err := tx.Events().Get(3)
		must(t, err)
		equal(t, "the third", one, want[2])
		is(t, "an event that is not there", second(tx.Events().Get(8)), store.ErrNotFound)
		return nil
	})
}

func testEventLists(t *testing.T, s store.Store) {
	update(t, s, func(tx store.Tx) error {
		for i := range 12 {
			e := event([]string{"key.create", "key.revoke"}[i%2])
			e.At = now.Add(time.Duration(i) * time.Minute)
			e.Actor.ID, e.Actor.Name = fmt.Sprint("adm_", i%3), fmt.Sprint("name", i%3)
			e.Target.ID = fmt.Sprint("key_", i%4)
			if i == 5 {
				e.Target.Kind, e.Outcome = "limit", audit.Refused
				e.Target.KeyID = "key_3"
			}
			must(t, tx.Events().Append(e))
		}
		return nil
	})
	list := func(q audit.Query) (seqs []uint64, next string) {
		view(t, s, func(tx store.Tx) error {
			events, n, err := tx.Events().List(q)
			for _, e := range events {
				seqs = append(seqs, e.Seq)
			}
			next = n
			return err
		})
		return seqs, next
	}
	for name, c := range map[string]struct {
		q    audit.Query
		want []uint64
	}{
		"all":          {audit.Query{}, []uint64{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}},
		"actor":        {audit.Query{Actor: "adm_1"}, []uint64{11, 8, 5, 2}},
		"actor name":   {audit.Query{Actor: "name1"}, []uint64{11, 8, 5, 2}},
		"action":       {audit.Query{Action: "key.revoke"}, []uint64{12, 10, 8, 6, 4, 2}},
		"kind":         {audit.Query{TargetKind: "limit"}, []uint64{6}},
		"target":       {audit.Query{TargetID: "key_3"}, []uint64{12, 8, 4}},
		"related":      {audit.Query{Related: "key_3"}, []uint64{12, 8, 6, 4}},
		"related, too": {audit.Query{Related: "key_3", Outcome: audit.Refused}, []uint64{6}},
		"outcome":      {audit.Query{Outcome: audit.Refused}, []uint64{6}},
		"time":         {audit.Query{From: now.Add(2 * time.Minute), To: now.Add(4 * time.Minute)}, []uint64{4, 3}},
		"together":     {audit.Query{Actor: "adm_1", Action: "key.revoke"}, []uint64{8, 2}},
		"none":         {audit.Query{Actor: "nobody"}, nil},
	} {
		got, next := list(c.q)
		equal(t, name, got, c.want)
		equal(t, name+", the next page", next, "")
		var pages []uint64
		for c.q.Max = 2; ; {
			got, next := list(c.q)
			pages = append(pages, got...)
			if c.q.Cursor = next; next == "" {
				break
			}
		}
		equal(t, name+" in pages", pages, c.want)
	}
	view(t, s, func(tx store.Tx) error {
		_, _, err := tx.Events().List(audit.Query{Cursor: "?"})
		is(t, "a bad cursor", err, store.ErrCursor)
		return nil
	})
}

func testAnswers(t *testing.T, s store.Store) {
	a := &store.Answer{Request: [32]byte{1, 31: 2}, Body: []byte("sealed\x00"), At: now}
	update(t, s, func(tx store.Tx) error {
		must(t, tx.Answers().Put("old", &store.Answer{At: now.Add(-24 * time.Hour)}))
		return tx.Answers().Put("k", a)
	})
	look := func(at time.Time, want error) {
		t.Helper()
		view(t, s, func(tx store.Tx) error {
			got, err := tx.Answers().Get("k", at)
			is(t, "answer", err, want)
			if err == nil {
				equal(t, "answer", got, a)
			}
			is(t, "an answer that was not given", second(tx.Answers().Get("x", at)), store.ErrNotFound)
			return nil
		})
	}
	look(now, nil)
	look(now.Add(24*time.Hour-time.Second), nil)
	look(now.Add(24*time.Hour), store.ErrNotFound)
	update(t, s, func(tx store.Tx) error { return tx.Answers().Prune(now) })
	look(now, nil)
	view(t, s, func(tx store.Tx) error {
		is(t, "a pruned answer", second(tx.Answers().Get("old", now.Add(-time.Hour))), store.ErrNotFound)
		return nil
	})
	a = &store.Answer{At: now.Add(25 * time.Hour)} // a day later the key is free
	update(t, s, func(tx store.Tx) error { return tx.Answers().Put("k", a) })
	look(now.Add(25*time.Hour), nil)
}

func testSettings(t *testing.T, s store.Store) {
	set := func(name string, value []byte) {
		update(t, s, func(tx store.Tx) error { return tx.Settings().Put(name, value) })
	}
	set("a", []byte{0, 255})
	set("b", nil)
	set("a", []byte("changed"))
	view(t, s, func(tx store.Tx) error {
		a, err := tx.Settings().Get("a")
		must(t, err)
		b, err := tx.Settings().Get("b")
		must(t, err)
		equal(t, "settings", string(a)+"|"+string(b), "changed|")
		is(t, "a setting that is not there", second(tx.Settings().Get("c")), store.ErrNotFound)
		return nil
	})
	update(t, s, func(tx store.Tx) error { return tx.Settings().Delete("a") })
	view(t, s, func(tx store.Tx) error {
		is(t, "a deleted setting", second(tx.Settings().Get("a")), store.ErrNotFound)
		return nil
	})
}
