package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// CreateKey makes a key. Its secret is in the answer and nowhere else, but for whoever
// repeats the call with the same idempotency key within a day.
func (c *Control) CreateKey(ctx context.Context, call Call, in admin.KeyInput) (*admin.KeyCreated, error) {
	t, err := c.ticket(&call, "key.create", in)
	if err != nil {
		return nil, asError(err)
	}
	defer t.hold()()
	out := &admin.KeyCreated{}
	if done, err := t.answered(ctx, out); done || err != nil {
		return out, err
	}
	var k *vkey.Key
	_, err = c.changeThen(ctx, call, "key.create", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "key", Name: in.Name}
		now := e.At
		made, err := c.newKey(&call, &in, now)
		if err != nil {
			return err
		}
		id, value, err := vkey.Mint(c.parts.Random)
		if err != nil {
			return err
		}
		k, made.ID, e.Target.ID = made, id, id
		if err := c.addSecret(k, value, now); err != nil {
			return err
		}
		out.Secret = value.Reveal()
		return insert(tx, k, e)
	}, func(tx store.Tx, e *audit.Event) error {
		shared, err := tx.Limits().List()
		if err != nil {
			return err
		}
		out.Key, out.EventID = c.view(k, shared), e.Seq
		return t.put(tx, out)
	})
	if err != nil {
		return nil, err
	}
	c.publish(ctx, k)
	return out, nil
}

// newKey checks what a key shall be made of and makes it, without id and secrets.
func (c *Control) newKey(call *Call, in *admin.KeyInput, now time.Time) (*vkey.Key, error) {
	k, p, err := c.draft(call, in, now)
	if err != nil {
		return nil, err
	}
	p.expiry("expires_at", in.ExpiresAt, now)
	return k, p.err()
}

// draft is newKey with what is wrong left to the caller.
func (c *Control) draft(call *Call, in *admin.KeyInput, now time.Time) (*vkey.Key, problems, error) {
	var p problems
	limits := append(slices.Clone(in.Limits), shortForm(&p, in)...)
	k := &vkey.Key{Origin: vkey.Managed, CreatedAt: now, UpdatedAt: now, CreatedBy: call.Actor.Name}
	err := c.apply(&p, &editable{
		Name: in.Name, Labels: in.Labels, Models: in.Models, Operations: in.Operations, Networks: in.Networks, Limits: limits,
		ExpiresAt: in.ExpiresAt, MaxTokens: in.MaxTokens, Clamp: in.Clamp, Discreet: in.Discreet,
	}, k, now)
	if in.Disabled {
		k.Status = vkey.StatusDisabled
	}
	return k, p, err
}

// addSecret puts a minted secret in front of those that the key has.
func (c *Control) addSecret(k *vkey.Key, value secret.Text, now time.Time) error {
	id, err := vkey.NewSecretID(c.parts.Random)
	if err != nil {
		return err
	}
	s := vkey.Secret{
		ID: id, Digest: c.parts.Pepper.Digest(value.Reveal()), Peppered: true, Last4: vkey.Fingerprint(value.Reveal()), CreatedAt: now,
	}
	k.Secrets = append([]vkey.Secret{s}, k.Secrets...)
	return nil
}

// insert stores a new key and says in the event what it is.
func insert(tx store.Tx, k *vkey.Key, e *audit.Event) error {
	if err := nameFree(tx, k.Name, k.ID); err != nil {
		return err
	}
	if err := tx.Keys().Put(k); err != nil {
		return fmt.Errorf("store a key: %w", err)
	}
	e.Diff = diff(nil, recorded(k))
	return nil
}

// nameFree refuses a name that another key has, unless that is revoked.
func nameFree(tx store.Tx, name, id string) error {
	other, err := tx.Keys().Named(name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("look up a name: %w", err)
	case other.ID == id:
		return nil
	}
	return &Error{
		Kind: Conflict, Code: "name_taken", Detail: fmt.Sprintf("the name %s is taken by %s: choose another, or rename, revoke or delete that one", shown(name), other.ID),
		Fields: []admin.ProblemField{{Path: "name", Message: "is taken by " + other.ID}},
	}
}

// keyOf finds a key by its id or its name. A name stands for the key that is not revoked; if
// there is none, for the revoked one that is called so.
func keyOf(tx store.Tx, ref string) (*vkey.Key, error) {
	k, err := tx.Keys().Get(ref)
	if errors.Is(err, store.ErrNotFound) {
		k, err = tx.Keys().Named(ref)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return k, err
	}
	revoked, next, err := tx.Keys().List(store.KeyQuery{Name: ref, Max: 1})
	switch {
	case err != nil:
		return nil, fmt.Errorf("look up a name: %w", err)
	case len(revoked) == 0 || ref == "":
		return nil, &Error{
			Kind: NotFound, Code: "key_not_found", Detail: fmt.Sprintf("there is no key with the id or name %s", shown(ref)), Err: store.ErrNotFound,
		}
	case next != "":
		return nil, &Error{
			Kind: Conflict, Code: "name_ambiguous", Detail: fmt.Sprintf("several revoked keys are called %s: name one by its id, such as %s", shown(ref), revoked[0].ID),
		}
	}
	return revoked[0], nil
}

// Key tells all about one key, by its id or its name.
func (c *Control) Key(ctx context.Context, _ Call, ref string) (*admin.Key, error) {
	var out admin.Key
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		k, err := keyOf(tx, ref)
		if err != nil {
			return err
		}
		shared, err := tx.Limits().List()
		if err != nil {
			return err
		}
		out = c.view(k, shared)
		return nil
	})
	if err != nil {
		return nil, asError(err)
	}
	if n, ok := c.parts.Live.InFlight(out.ID); ok {
		out.InFlight = &n
	}
	one := []admin.Key{out}
	c.spentThisMonth(ctx, one)
	return &one[0], nil
}

// Keys lists keys, a page at a time.
func (c *Control) Keys(ctx context.Context, _ Call, f admin.KeyFilter) (*admin.KeyList, error) {
	q, err := c.keyQuery(&f)
	if err != nil {
		return nil, err
	}
	out := &admin.KeyList{Keys: []admin.Key{}}
	err = c.parts.Store.View(ctx, func(tx store.Tx) error {
		keys, next, err := tx.Keys().List(q)
		if err != nil {
			return err
		}
		shared, err := tx.Limits().List()
		if err != nil {
			return err
		}
		for _, k := range keys {
			seen := c.view(k, shared)
			if !q.IdleSince.IsZero() && seen.LastUsedAt != nil && seen.LastUsedAt.After(q.IdleSince) {
				continue // used since that was last written down
			}
			out.Keys = append(out.Keys, seen)
		}
		out.Next = next
		return total(tx, q, len(keys), out)
	})
	if err != nil {
		return nil, asError(err)
	}
	c.spentThisMonth(ctx, out.Keys)
	return out, nil
}

// countedKeys is how many keys of a filter are counted. Without one all are: that is known.
const countedKeys = 1000

// total says how many keys a query selects, of which a page was read.
func total(tx store.Tx, q store.KeyQuery, read int, out *admin.KeyList) error {
	n := int64(read)
	if q.Cursor != "" || out.Next != "" {
		q.Max = countedKeys + 1
		if q.Unfiltered() {
			q.Max = 0
		}
		var err error
		if n, err = tx.Keys().Count(q); err != nil {
			return fmt.Errorf("count keys: %w", err)
		}
		if q.Max > 0 && n > countedKeys {
			out.TotalAtLeast = countedKeys
			return nil
		}
	}
	out.Total = &n
	return nil
}

// spentThisMonth fills in what keys used this month. Nobody is kept from the keys because their history
// cannot be read: then it is left out.
func (c *Control) spentThisMonth(ctx context.Context, keys []admin.Key) {
	ids := make([]string, len(keys))
	for i := range keys {
		ids[i] = keys[i].ID
	}
	sums, err := c.parts.Store.Requests().MonthOf(ctx, c.parts.Now(), ids)
	if err != nil {
		return
	}
	for i := range keys {
		sum := sums[keys[i].ID]
		keys[i].ThisMonth = &admin.KeyMonth{
			Requests: sum.Requests, InputTokens: sum.Tokens.Input, OutputTokens: sum.Tokens.Output, CostUSD: sum.Cost.String(),
		}
	}
}

var keySorts = []string{
	string(store.SortName), string(store.SortCreated), string(store.SortLastUsed), string(store.SortExpires),
	"-" + string(store.SortName), "-" + string(store.SortCreated), "-" + string(store.SortLastUsed), "-" + string(store.SortExpires),
}

// maxPage is the greatest page of a list.
const maxPage = 200

// keyQuery checks a filter.
func (c *Control) keyQuery(f *admin.KeyFilter) (store.KeyQuery, error) {
	var p problems
	now := c.parts.Now()
	q := store.KeyQuery{
		Text: f.Text, Status: f.Status, Label: f.Labels, Origin: vkey.Origin(f.Origin), Uncapped: f.Uncapped,
		Now: now, Sort: store.KeySort(f.Sort), Cursor: f.Cursor, Max: f.Limit,
	}
	word := func(path, word string, known []string) {
		if word != "" && !slices.Contains(known, word) {
			p.oneOf(path, word, known)
		}
	}
	if strings.ContainsFunc(f.Text, unicode.IsControl) {
		p.add("q", "has a control character in it, which no name and no label has")
	}
	word("status", f.Status, []string{"active", "disabled", "revoked", "expired"})
	word("origin", f.Origin, []string{string(vkey.Managed), string(vkey.Declared)})
	word("sort", f.Sort, keySorts)
	if f.Limit < 0 || f.Limit > maxPage {
		p.add("limit", "is not between 1 and %d", maxPage)
	}
	if f.ExpiringWithin != "" {
		if d, ok := p.duration("expiring_within", cmp.Or(hoursOf(f.ExpiringWithin), f.ExpiringWithin)); ok {
			q.ExpiringBefore = now.Add(d)
		}
	}
	if f.IdleFor != "" {
		if d, ok := p.duration("idle_for", cmp.Or(hoursOf(f.IdleFor), f.IdleFor)); ok {
			q.IdleSince = now.Add(-d)
		}
	}
	return q, p.err()
}

// publish makes the data plane use a key as it is stored now. Whoever comes later
// publishes what is stored later, so that no order of two changes leaves the older one in
// force. If the database cannot be read, what was stored a moment ago must do.
func (c *Control) publish(ctx context.Context, keys ...*vkey.Key) {
	c.live.Lock()
	defer c.live.Unlock()
	changed, removed := []*vkey.Key{}, []string{}
	err := c.parts.Store.View(context.WithoutCancel(ctx), func(tx store.Tx) error {
		for _, k := range keys {
			stored, err := tx.Keys().Get(k.ID)
			switch {
			case errors.Is(err, store.ErrNotFound):
				removed = append(removed, k.ID)
			case err != nil:
				return err
			default:
				changed = append(changed, stored)
			}
		}
		return nil
	})
	if err != nil {
		changed, removed = keys, nil
	}
	c.parts.Live.KeysChanged(changed, removed)
}
