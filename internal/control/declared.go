package control

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// Declare makes the stored declared keys those of the configuration in force, so that
// they can be listed, limited and reported like all others. What is the same is left
// alone; what differs is put on record. Counters stay, since the ids of declared keys and
// limits do. The data plane has declared keys from the configuration itself: nothing is
// made known to it here.
func (c *Control) Declare(ctx context.Context, call Call, keys []*vkey.Key) error {
	differ, err := c.differing(ctx, keys)
	if err != nil {
		return asError(fmt.Errorf("compare declared keys: %w", err))
	}
	if differ.nothing() {
		return nil
	}
	// A name or secret may pass from one key to another: what goes goes first, and those
	// that get another name change together.
	if err := c.declareAll(ctx, call, differ.gone); err != nil {
		return err
	}
	renamed := func(d declaration) bool { return !keepsName(d.stored, d.key) }
	names := slices.DeleteFunc(slices.Clone(differ.changed), func(d declaration) bool { return !renamed(d) })
	if err := c.declare(ctx, call, names); err != nil {
		return err
	}
	return c.declareAll(ctx, call, append(slices.DeleteFunc(differ.changed, renamed), differ.added...))
}

func (c *Control) declareAll(ctx context.Context, call Call, all []declaration) error {
	for part := range slices.Chunk(all, batchSize) {
		if err := c.declare(ctx, call, part); err != nil {
			return err
		}
	}
	return nil
}

// batchSize is how many keys one transaction changes: few enough to let others in, many
// enough to be worth the write.
const batchSize = 500

// declaration is a key of the configuration beside the stored one; nil where there is none.
type declaration struct{ stored, key *vkey.Key }

type changes struct{ gone, changed, added []declaration }

func (d *changes) nothing() bool { return len(d.gone)+len(d.changed)+len(d.added) == 0 }

// differing compares declared keys with those that are stored, in one reading.
func (c *Control) differing(ctx context.Context, keys []*vkey.Key) (*changes, error) {
	declared := make(map[string]*vkey.Key, len(keys))
	for _, k := range keys {
		declared[k.ID] = k
	}
	d := &changes{}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		q := store.KeyQuery{Origin: vkey.Declared, Max: maxPage, Now: c.parts.Now()}
		for {
			page, next, err := tx.Keys().List(q)
			if err != nil {
				return err
			}
			for _, stored := range page {
				switch k, ok := declared[stored.ID]; {
				case !ok:
					d.gone = append(d.gone, declaration{stored: stored})
				case !same(stored, k):
					d.changed = append(d.changed, declaration{stored, k})
				}
				delete(declared, stored.ID)
			}
			if q.Cursor = next; next == "" {
				return nil
			}
		}
	})
	for _, k := range keys {
		if _, ok := declared[k.ID]; ok {
			d.added = append(d.added, declaration{key: k})
			delete(declared, k.ID)
		}
	}
	return d, err
}

// same tells whether a stored key is what the configuration declares.
func same(stored, k *vkey.Key) bool {
	return keepsName(stored, k) && stored.CreatedBy == k.CreatedBy && stored.Status == k.Status && stored.Reason == k.Reason &&
		stored.ExpiresAt.Equal(k.ExpiresAt) && stored.MaxTokens == k.MaxTokens && stored.Clamp == k.Clamp && stored.Discreet == k.Discreet &&
		stored.Legacy == k.Legacy && sameMap(stored.Labels, k.Labels) && sameList(stored.Models.Allow, k.Models.Allow) &&
		slices.Equal(stored.Models.Deny, k.Models.Deny) && sameList(stored.Operations, k.Operations) && sameList(stored.Networks, k.Networks) &&
		slices.EqualFunc(stored.Limits, k.Limits, sameLimit) &&
		slices.EqualFunc(stored.Secrets, k.Secrets, func(a, b vkey.Secret) bool {
			return a.Digest == b.Digest && a.Peppered == b.Peppered && a.NotAfter.Equal(b.NotAfter)
		})
}

// keepsName tells whether a stored key has the name that the configuration gives it, or the
// one that it got because that was taken.
func keepsName(stored, k *vkey.Key) bool { return stored.Name == k.Name || stored.Name == insteadOf(k) }

// insteadOf is the name of a declared key whose own a managed key has: a key that somebody
// makes must not keep a configuration from being loaded.
func insteadOf(k *vkey.Key) string { return k.Name + " " + k.ID }

// sameList tells nil, which is everything, from empty, which is nothing.
func sameList[E comparable](a, b []E) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }

func sameMap(a, b map[string]string) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}

func sameLimit(a, b *budget.Limit) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Amount == b.Amount && a.Per == b.Per && a.Window.Equal(b.Window) &&
		slices.Equal(a.Models, b.Models) && sameMap(a.Match, b.Match)
}

// declare stores some differences together, each with its audit event.
func (c *Control) declare(ctx context.Context, call Call, batch []declaration) error {
	if len(batch) == 0 {
		return nil
	}
	var counted []*budget.Limit
	err := c.parts.Store.Update(ctx, func(tx store.Tx) error {
		counted = nil
		if err := freeNames(tx, batch); err != nil {
			return err
		}
		for _, d := range batch {
			e, err := c.declareOne(tx, call, d)
			if err != nil {
				return err
			}
			if err := tx.Events().Append(e); err != nil {
				return err
			}
			if d.stored != nil && d.key != nil {
				counted = append(counted, recounted(d.stored.Limits, d.key.Limits)...)
			}
		}
		return nil
	})
	if err != nil {
		return asError(fmt.Errorf("store declared keys: %w", err))
	}
	return c.recount(ctx, call, counted)
}

// freeNames gives the keys of a batch that get another name their id as a name, until
// all of them have let go of the old ones. No other key can be called so.
func freeNames(tx store.Tx, batch []declaration) error {
	for _, d := range batch {
		if d.stored == nil || d.key == nil || keepsName(d.stored, d.key) {
			continue
		}
		between := *d.stored
		between.Name = between.ID
		if err := tx.Keys().Put(&between); err != nil {
			return fmt.Errorf("rename key %s: %w", d.stored.ID, err)
		}
		d.stored.Version = between.Version
	}
	return nil
}

func (c *Control) declareOne(tx store.Tx, call Call, d declaration) (*audit.Event, error) {
	if d.key == nil {
		e := c.event(call, "key.delete")
		e.Target = audit.Target{Kind: "key", ID: d.stored.ID, Name: d.stored.Name}
		e.Reason, e.Diff = "no longer declared", diff(recorded(d.stored), nil)
		return e, tx.Keys().Delete(d.stored.ID)
	}
	k := *d.key // the caller's own stays as it is
	k.Origin = vkey.Declared
	e := c.event(call, "key.create")
	if k.UpdatedAt = e.At; d.stored != nil {
		e.Action = "key.edit"
		k.CreatedAt, k.LastUsedAt, k.Version = d.stored.CreatedAt, d.stored.LastUsedAt, d.stored.Version
		k.Secrets = aged(d.stored.Secrets, k.Secrets, e.At)
	} else {
		if k.CreatedAt.IsZero() {
			k.CreatedAt = e.At
		}
		k.Secrets = aged(nil, k.Secrets, e.At)
	}
	var taken *Error
	switch err := nameFree(tx, k.Name, k.ID); {
	case errors.As(err, &taken):
		k.Name = insteadOf(&k)
	case err != nil:
		return nil, err
	}
	e.Target = audit.Target{Kind: "key", ID: k.ID, Name: k.Name}
	if err := tx.Keys().Put(&k); err != nil {
		var taken *store.TakenError
		if errors.As(err, &taken) {
			return nil, &Error{
				Kind: Conflict, Code: taken.Field + "_taken", Err: err, Subject: k.ID,
				Detail: fmt.Sprintf("the declared key %s has the %s of %s", shown(k.Name), taken.Field, taken.By),
			}
		}
		return nil, fmt.Errorf("key %s: %w", shown(k.Name), err)
	}
	if e.Diff = diff(recorded(d.stored), recorded(&k)); d.stored == nil {
		return e, nil
	}
	return e, owe(tx, k.ID, d.stored.Limits, k.Limits)
}

// aged gives secrets what is known of them. A configuration does not say when a secret
// was made: one counts from when it was first seen.
func aged(stored, secrets []vkey.Secret, now time.Time) []vkey.Secret {
	all := slices.Clone(secrets)
	for i := range all {
		made := now
		if at := slices.IndexFunc(stored, func(s vkey.Secret) bool { return s.Digest == all[i].Digest }); at >= 0 {
			all[i].LastUsedAt, made = stored[at].LastUsedAt, stored[at].CreatedAt
		}
		if all[i].CreatedAt.IsZero() {
			all[i].CreatedAt = made
		}
	}
	return all
}
