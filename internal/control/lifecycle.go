package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/secret"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// amend changes one managed key in one transaction with its audit event, and makes it
// known. What limits have counted is carried into changed windows.
func (c *Control) amend(ctx context.Context, call Call, action, ref, reason string, fn func(tx store.Tx, k *vkey.Key, now time.Time) error) (*admin.KeyChanged, error) {
	return c.amendThen(ctx, call, action, ref, reason, fn, nil)
}

func (c *Control) amendThen(
	ctx context.Context, call Call, action, ref, reason string,
	fn func(tx store.Tx, k *vkey.Key, now time.Time) error, then func(tx store.Tx, out *admin.KeyChanged) error,
) (*admin.KeyChanged, error) {
	var k *vkey.Key
	var counted []*budget.Limit
	out := &admin.KeyChanged{}
	_, err := c.changeThen(ctx, call, action, func(tx store.Tx, e *audit.Event) error {
		var err error
		if k, err = c.own(tx, &call, e, ref); err != nil {
			return err
		}
		if err := reasonFits(e, reason); err != nil {
			return err
		}
		before, limits := recorded(k), k.Limits
		if err := fn(tx, k, e.At); err != nil {
			return err
		}
		k.UpdatedAt = e.At
		if err := tx.Keys().Put(k); err != nil {
			return fmt.Errorf("store a key: %w", err)
		}
		counted = recounted(limits, k.Limits)
		e.Target.Name, e.Diff = k.Name, diff(before, recorded(k))
		return owe(tx, k.ID, limits, k.Limits)
	}, func(tx store.Tx, e *audit.Event) error {
		shared, err := tx.Limits().List()
		if err != nil {
			return err
		}
		out.Key, out.EventID = c.view(k, shared), e.Seq
		if then == nil {
			return nil
		}
		return then(tx, out)
	})
	if err != nil {
		return nil, err
	}
	problem := c.recount(ctx, call, counted)
	c.publish(ctx, k)
	if problem != nil {
		return nil, problem
	}
	if len(counted) > 0 { // what they have counted is another figure now
		for i, l := range k.Limits {
			out.Key.Limits[i].Standing = c.standing(l, k.ID)
		}
	}
	return out, nil
}

// own finds a key that may be changed here, and fills in the target of the event.
func (c *Control) own(tx store.Tx, call *Call, e *audit.Event, ref string) (*vkey.Key, error) {
	e.Target = audit.Target{Kind: "key", ID: ref}
	k, err := keyOf(tx, ref)
	if err != nil {
		return nil, err
	}
	e.Target = audit.Target{Kind: "key", ID: k.ID, Name: k.Name}
	if k.Origin == vkey.Declared {
		where := "the configuration file"
		if k.CreatedBy != "" {
			where = k.CreatedBy
		}
		return nil, &Error{Kind: Conflict, Code: "key_declared", Detail: fmt.Sprintf("this key is declared in %s: change it there", where)}
	}
	return k, call.match(k.Version)
}

const maxReason = 500

// reasonFits takes over the reason that the actor gives.
func reasonFits(e *audit.Event, reason string) error {
	var p problems
	if n := utf8.RuneCountInString(reason); n > maxReason {
		p.add("reason", "has %d characters; %d are allowed", n, maxReason)
	}
	e.Reason = reason
	return p.err()
}

// EditKey changes fields of a key by a merge patch (RFC 7396). Limits keep what they
// have counted if they come with their ids.
func (c *Control) EditKey(ctx context.Context, call Call, ref string, patch json.RawMessage) (*admin.KeyChanged, error) {
	return c.amend(ctx, call, "key.edit", ref, "", func(tx store.Tx, k *vkey.Key, now time.Time) error {
		var in editable
		if err := patched(patch, editableOf(k), &in); err != nil {
			return err
		}
		var p problems
		if in.ExpiresAt != nil && !in.ExpiresAt.Equal(k.ExpiresAt) {
			p.expiry("expires_at", in.ExpiresAt, now)
		}
		if err := c.apply(&p, &in, k, now); err != nil {
			return err
		}
		if err := p.err(); err != nil {
			return err
		}
		k.Legacy = k.Legacy && len(k.Limits) == 0
		if k.Status == vkey.StatusRevoked {
			return nil
		}
		return nameFree(tx, k.Name, k.ID)
	})
}

// DisableKey makes a key useless until it is enabled.
func (c *Control) DisableKey(ctx context.Context, call Call, ref string, in admin.Reason) (*admin.KeyChanged, error) {
	return c.amend(ctx, call, "key.disable", ref, in.Reason, func(_ store.Tx, k *vkey.Key, _ time.Time) error {
		if k.Status == vkey.StatusRevoked {
			return alreadyRevoked("disabled")
		}
		k.Status, k.Reason = vkey.StatusDisabled, in.Reason
		return nil
	})
}

// EnableKey undoes DisableKey. Whether the key has expired is another matter.
func (c *Control) EnableKey(ctx context.Context, call Call, ref string, in admin.Reason) (*admin.KeyChanged, error) {
	return c.amend(ctx, call, "key.enable", ref, in.Reason, func(_ store.Tx, k *vkey.Key, _ time.Time) error {
		if k.Status == vkey.StatusRevoked {
			return alreadyRevoked("enabled")
		}
		k.Status, k.Reason = vkey.StatusActive, ""
		return nil
	})
}

// RevokeKey ends a key for ever. What is under way finishes, or is cut. A key that is
// revoked can be revoked again, to cut what was left to finish.
func (c *Control) RevokeKey(ctx context.Context, call Call, ref string, in admin.Revocation) (*admin.KeyChanged, error) {
	out, err := c.amend(ctx, call, "key.revoke", ref, in.Reason, func(_ store.Tx, k *vkey.Key, _ time.Time) error {
		if in.Mode != "" && in.Mode != "drain" && in.Mode != "cut" {
			var p problems
			p.oneOf("mode", in.Mode, []string{"drain", "cut"})
			return p.err()
		}
		if k.Status != vkey.StatusRevoked || in.Reason != "" {
			k.Reason = in.Reason
		}
		k.Status = vkey.StatusRevoked
		return nil
	})
	if err == nil && in.Mode == "cut" {
		c.parts.Live.Cut(out.Key.ID)
	}
	return out, err
}

func alreadyRevoked(what string) error {
	return &Error{Kind: Conflict, Code: "key_revoked", Detail: "a revoked key cannot be " + what + ": make a new one"}
}

// DeleteKey takes a key away for ever. Its history stays under its id, which no other
// key is ever given.
func (c *Control) DeleteKey(ctx context.Context, call Call, ref, reason string) (*admin.Deleted, error) {
	var k *vkey.Key
	e, err := c.change(ctx, call, "key.delete", func(tx store.Tx, e *audit.Event) (err error) {
		if k, err = c.own(tx, &call, e, ref); err != nil {
			return err
		}
		if err := reasonFits(e, reason); err != nil {
			return err
		}
		e.Diff = diff(recorded(k), nil)
		return tx.Keys().Delete(k.ID)
	})
	if err != nil {
		return nil, err
	}
	k.Status = vkey.StatusRevoked // whatever may still be told of it
	c.publish(ctx, k)
	return &admin.Deleted{ID: k.ID, EventID: e.Seq}, nil
}

const (
	defaultGrace = 24 * time.Hour
	maxGrace     = 168 * time.Hour
)

// RotateKey gives a key a new secret; id, limits and what they have counted stay. The
// secret before lives on for the grace period. A key has two live secrets at most, so one
// that is in its grace period already must be given up: whoever rotates says so, or asks
// for no grace at all, which ends every secret but the new one.
func (c *Control) RotateKey(ctx context.Context, call Call, ref string, in admin.Rotation) (*admin.KeyCreated, error) {
	t, err := c.ticket(&call, "key.rotate", ref, in)
	if err != nil {
		return nil, asError(err)
	}
	defer t.hold()()
	out := &admin.KeyCreated{}
	if done, err := t.answered(ctx, out); done || err != nil {
		return out, err
	}
	_, err = c.amendThen(ctx, call, "key.rotate", ref, "", func(_ store.Tx, k *vkey.Key, now time.Time) error {
		grace, err := graceOf(in.Grace)
		if err != nil {
			return err
		}
		if k.Status == vkey.StatusRevoked {
			return alreadyRevoked("rotated")
		}
		if grace > 0 && !in.EndPrevious {
			if err := inGrace(k, now); err != nil {
				return err
			}
		}
		value, err := vkey.MintSecret(k.ID, c.parts.Random)
		if err != nil {
			return err
		}
		out.Secret, out.Ended = value.Reveal(), ending(k, now, grace)
		return c.replaceSecret(k, value, now, grace)
	}, func(tx store.Tx, changed *admin.KeyChanged) error {
		out.Key, out.EventID = changed.Key, changed.EventID
		return t.put(tx, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// inGrace refuses a rotation that would end a secret which somebody may still be using.
func inGrace(k *vkey.Key, now time.Time) error {
	for i := range k.Secrets[min(1, len(k.Secrets)):] {
		if s := &k.Secrets[i+1]; !expired(s.NotAfter, now) {
			return &Error{
				Kind: Conflict, Code: "secret_in_grace",
				Detail: fmt.Sprintf("the secret …%s is in its grace until %s, and a key has two live secrets at most: rotate after that, "+
					"or say that it may end at once (--end-previous, over HTTP end_previous: true)", s.Last4, s.NotAfter.UTC().Format(time.RFC3339)),
			}
		}
	}
	return nil
}

// ending lists the secrets that a rotation ends at once: all but the latest, and that
// one too if it is given no time.
func ending(k *vkey.Key, now time.Time, grace time.Duration) []admin.Secret {
	var all []admin.Secret
	for i := range k.Secrets {
		if s := &k.Secrets[i]; (i > 0 || grace == 0) && !expired(s.NotAfter, now) {
			all = append(all, secretForm(s))
		}
	}
	return all
}

// replaceSecret makes a value the secret of a key. That of before is good until the end
// of the grace period.
func (c *Control) replaceSecret(k *vkey.Key, value secret.Text, now time.Time, grace time.Duration) error {
	var last []vkey.Secret
	if grace > 0 && len(k.Secrets) > 0 {
		last = append(last, k.Secrets[0])
		if end := now.Add(grace); last[0].NotAfter.IsZero() || end.Before(last[0].NotAfter) {
			last[0].NotAfter = end
		}
	}
	k.Secrets = last
	return c.addSecret(k, value, now)
}

func graceOf(text string) (time.Duration, error) {
	if text == "" {
		return defaultGrace, nil
	}
	d, err := time.ParseDuration(text)
	if err == nil && d >= 0 && d <= maxGrace {
		return d, nil
	}
	var p problems
	if err != nil {
		p.suggest("grace", hoursOf(text), `%s is no duration, for instance "24h"`, shown(text))
	} else {
		p.add("grace", "is not between 0s and %s", budget.FormatLength(maxGrace))
	}
	return 0, p.err()
}

// recount tells the books of changed limits: what was used is counted in their windows
// as they are now. It happens once the change is stored; what fails is made up for at
// the next start, or by the next change of the limit.
func (c *Control) recount(ctx context.Context, call Call, limits []*budget.Limit) error {
	if len(limits) == 0 {
		return nil
	}
	c.recounts.Lock()
	defer c.recounts.Unlock()
	ctx = context.WithoutCancel(ctx)
	var failed error
	for _, l := range limits {
		if err := c.settleOwed(ctx, l.ID, call.Actor.Name); err != nil {
			failed = errors.Join(failed, fmt.Errorf("limit %s: %w", l.ID, err))
		}
	}
	if failed == nil {
		return nil
	}
	return &Error{
		Kind: Unavailable, Code: "not_counted_yet", Err: failed,
		Detail: "the change is stored and in force, but what was used could not be counted in the changed limits: repeat the change, or restart, which counts again",
	}
}
