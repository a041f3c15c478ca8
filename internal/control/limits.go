package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// sharedInput is a shared limit in the form in which it is given and patched.
type sharedInput struct {
	Name   string            `json:"name"`
	Kind   string            `json:"kind"`
	Amount admin.Amount      `json:"amount"`
	Window *admin.Window     `json:"window"`
	Models []string          `json:"models"`
	Match  map[string]string `json:"match"`
	Per    string            `json:"per"`
}

// shared reads a shared limit. Kind and per are for life: what was counted would mean
// something else.
func (p *problems) shared(in *sharedInput, id string, old *store.SharedLimit, now time.Time) budget.Limit {
	var before *budget.Limit
	if old != nil {
		before = &old.Limit
	}
	p.name("name", in.Name)
	limit := admin.Limit{Kind: in.Kind, Amount: in.Amount, Window: in.Window, Models: in.Models}
	l := p.limit("", &limit, id, before, now)
	l.Match = p.match("match", in.Match)
	switch in.Per {
	case "each":
		l.Per = budget.Each
	case "pool":
		l.Per = budget.Pool
	case "":
		p.add("per", "is missing: pool (all selected keys draw from it together) or each (every one has it for itself)")
	default:
		p.oneOf("per", in.Per, []string{"pool", "each"})
	}
	if before != nil && l.Per != before.Per {
		p.add("per", "cannot change: make a new limit, then delete this one")
	}
	return *l
}

// match reads what selects keys: labels, each as label.NAME.
func (p *problems) match(path string, in map[string]string) map[string]string {
	if in == nil {
		p.suggest(path, `{"label.team": "payments"}`, "is missing; {} selects all keys")
		return nil
	}
	labels := make(map[string]string, len(in))
	for _, name := range sorted(in) {
		label, ok := strings.CutPrefix(name, labelPrefix)
		if !ok {
			p.suggest(child(path, name), labelPrefix+name, "selects by nothing that is known: labels are written label.NAME")
			continue
		}
		labels[label] = in[name]
	}
	p.labels(path, labels)
	return labels
}

// sharedView is a shared limit for operators.
func (c *Control) sharedView(tx store.Tx, s *store.SharedLimit) (*admin.SharedLimit, error) {
	n, err := tx.Keys().Count(store.KeyQuery{Label: s.Limit.Match, Now: c.parts.Now()})
	if err != nil {
		return nil, fmt.Errorf("count the keys of a limit: %w", err)
	}
	out := &admin.SharedLimit{
		Limit: sharedForm(s.Name, &s.Limit), Origin: string(s.Origin), Keys: n,
		CreatedAt: s.CreatedAt, CreatedBy: s.CreatedBy, UpdatedAt: s.UpdatedAt, ETag: etag(s.Version),
	}
	if s.Limit.Per == budget.Pool {
		out.Standing = c.standing(&s.Limit, "")
	}
	return out, nil
}

// sharedOf finds a shared limit by its id or its name.
func sharedOf(tx store.Tx, ref string) (*store.SharedLimit, error) {
	s, err := tx.Limits().Get(ref)
	if !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	all, err := tx.Limits().List()
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(s *store.SharedLimit) bool { return s.Name == ref }); i >= 0 {
		return all[i], nil
	}
	return nil, &Error{
		Kind: NotFound, Code: "limit_not_found",
		Detail: fmt.Sprintf("there is no shared limit with the id or name %s; limits of a key are edited with the key", shown(ref)),
	}
}

// ownShared finds a shared limit that may be changed here.
func ownShared(tx store.Tx, call *Call, e *audit.Event, ref string) (*store.SharedLimit, error) {
	e.Target = audit.Target{Kind: "limit", ID: ref}
	s, err := sharedOf(tx, ref)
	if err != nil {
		return nil, err
	}
	e.Target = audit.Target{Kind: "limit", ID: s.Limit.ID, Name: s.Name}
	if s.Origin == vkey.Declared {
		return nil, &Error{Kind: Conflict, Code: "limit_declared", Detail: "this limit is declared in a configuration file: change it there"}
	}
	return s, call.match(s.Version)
}

// limitNameFree refuses a name that another shared limit has.
func limitNameFree(tx store.Tx, name, id string) error {
	all, err := tx.Limits().List()
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == name && s.Limit.ID != id {
			return &Error{
				Kind: Conflict, Code: "name_taken", Detail: fmt.Sprintf("the name %s is taken by %s", shown(name), s.Limit.ID),
				Fields: []admin.ProblemField{{Path: "name", Message: "is taken by " + s.Limit.ID}},
			}
		}
	}
	return nil
}

// CreateLimit makes a shared limit. It applies from the moment that this returns to
// all keys that it selects, and to those that it will select.
func (c *Control) CreateLimit(ctx context.Context, call Call, in admin.Limit) (*admin.SharedLimitChanged, error) {
	t, err := c.ticket(&call, "limit.create", in)
	if err != nil {
		return nil, asError(err)
	}
	defer t.hold()()
	out := &admin.SharedLimitChanged{}
	if done, err := t.answered(ctx, out); done || err != nil {
		return out, err
	}
	_, err = c.changeThen(ctx, call, "limit.create", func(tx store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "limit", Name: in.Name}
		id, err := vkey.NewLimitID(c.parts.Random)
		if err != nil {
			return err
		}
		var p problems
		if in.ID != "" {
			p.add("id", "is given by tollgate: leave it out")
		}
		l := p.shared(&sharedInput{in.Name, in.Kind, in.Amount, in.Window, in.Models, in.Match, in.Per}, id, nil, e.At)
		if err := p.err(); err != nil {
			return err
		}
		e.Target.ID = id
		s := &store.SharedLimit{
			Name: in.Name, Limit: l, Origin: vkey.Managed, CreatedAt: e.At, UpdatedAt: e.At, CreatedBy: call.Actor.Name,
		}
		if err := limitNameFree(tx, s.Name, id); err != nil {
			return err
		}
		e.Diff = diff(nil, sharedForm(s.Name, &s.Limit))
		return c.putShared(tx, s, out)
	}, func(tx store.Tx, e *audit.Event) error {
		out.EventID = e.Seq
		return t.put(tx, out)
	})
	if err != nil {
		return nil, err
	}
	c.publishLimits(ctx)
	return out, nil
}

func (c *Control) putShared(tx store.Tx, s *store.SharedLimit, out *admin.SharedLimitChanged) error {
	if err := tx.Limits().Put(s); err != nil {
		return fmt.Errorf("store a shared limit: %w", err)
	}
	seen, err := c.sharedView(tx, s)
	if err == nil {
		out.Limit = *seen
	}
	return err
}

// Limits lists the shared limits by name.
func (c *Control) Limits(ctx context.Context, _ Call) (*admin.LimitList, error) {
	out := &admin.LimitList{Limits: []admin.SharedLimit{}}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		all, err := tx.Limits().List()
		if err != nil {
			return err
		}
		for _, s := range all {
			seen, err := c.sharedView(tx, s)
			if err != nil {
				return err
			}
			out.Limits = append(out.Limits, *seen)
		}
		return nil
	})
	if err != nil {
		return nil, asError(err)
	}
	return out, nil
}

// Limit tells about one shared limit, by its id or its name.
func (c *Control) Limit(ctx context.Context, _ Call, ref string) (*admin.SharedLimit, error) {
	var out *admin.SharedLimit
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		s, err := sharedOf(tx, ref)
		if err == nil {
			out, err = c.sharedView(tx, s)
		}
		return err
	})
	if err != nil {
		return nil, asError(err)
	}
	return out, nil
}

// EditLimit changes fields of a shared limit by a merge patch (RFC 7396).
func (c *Control) EditLimit(ctx context.Context, call Call, ref string, patch json.RawMessage) (*admin.SharedLimitChanged, error) {
	out := &admin.SharedLimitChanged{}
	var counted []*budget.Limit
	var s *store.SharedLimit
	_, err := c.changeThen(ctx, call, "limit.edit", func(tx store.Tx, e *audit.Event) (err error) {
		if s, err = ownShared(tx, &call, e, ref); err != nil {
			return err
		}
		form := sharedForm(s.Name, &s.Limit)
		var in sharedInput
		if err := patched(patch, sharedInput{form.Name, form.Kind, form.Amount, form.Window, form.Models, form.Match, form.Per}, &in); err != nil {
			return err
		}
		var p problems
		before := s.Limit
		after := p.shared(&in, before.ID, s, e.At)
		if err := p.err(); err != nil {
			return err
		}
		s.Name, s.Limit, s.UpdatedAt = in.Name, after, e.At
		if err := limitNameFree(tx, s.Name, before.ID); err != nil {
			return err
		}
		e.Target.Name, e.Diff = s.Name, diff(form, sharedForm(s.Name, &s.Limit))
		was, is := []*budget.Limit{&before}, []*budget.Limit{&after}
		counted = recounted(was, is)
		if err := owe(tx, "", was, is); err != nil {
			return err
		}
		return c.putShared(tx, s, out)
	}, func(_ store.Tx, e *audit.Event) error {
		out.EventID = e.Seq
		return nil
	})
	if err != nil {
		return nil, err
	}
	problem := c.recount(ctx, call, counted)
	c.publishLimits(ctx)
	if problem != nil {
		return nil, problem
	}
	if s.Limit.Per == budget.Pool {
		out.Limit.Standing = c.standing(&s.Limit, "")
	}
	return out, nil
}

// DeleteLimit takes a shared limit away. What it has counted is forgotten.
func (c *Control) DeleteLimit(ctx context.Context, call Call, ref, reason string) (*admin.Deleted, error) {
	out := &admin.Deleted{}
	e, err := c.change(ctx, call, "limit.delete", func(tx store.Tx, e *audit.Event) error {
		s, err := ownShared(tx, &call, e, ref)
		if err != nil {
			return err
		}
		if err := reasonFits(e, reason); err != nil {
			return err
		}
		out.ID, e.Diff = s.Limit.ID, diff(sharedForm(s.Name, &s.Limit), nil)
		return tx.Limits().Delete(s.Limit.ID)
	})
	if err != nil {
		return nil, err
	}
	out.EventID = e.Seq
	c.publishLimits(ctx)
	return out, nil
}

// publishLimits makes the data plane use the shared limits as they are stored now. If
// they cannot be read those in force stay, until the next change or start.
func (c *Control) publishLimits(ctx context.Context) {
	c.live.Lock()
	defer c.live.Unlock()
	var shared []*budget.Limit
	err := c.parts.Store.View(context.WithoutCancel(ctx), func(tx store.Tx) error {
		all, err := tx.Limits().List()
		for _, s := range all {
			if s.Origin == vkey.Managed { // the data plane has the others from the configuration itself
				shared = append(shared, &s.Limit)
			}
		}
		return err
	})
	if err == nil {
		c.parts.Live.LimitsChanged(shared)
	}
}

// Adjust corrects what the current window of a limit has spent, of a key's own limit or
// of a shared one. The audit event is written first: a correction that is not on record
// does not happen.
func (c *Control) Adjust(ctx context.Context, call Call, limitID string, in admin.Adjustment) (*admin.Adjusted, error) {
	var l *budget.Limit
	var form admin.Limit
	var subject string
	var by int64
	e, err := c.change(ctx, call, "limit.adjust", func(tx store.Tx, e *audit.Event) (err error) {
		e.Target, e.Reason = audit.Target{Kind: "limit", ID: limitID}, in.Reason
		if in.Key != "" {
			if k, err := keyOf(tx, in.Key); err == nil { // refusals are about the key, too
				e.Target.KeyID = k.ID
			}
		}
		if l, form, subject, err = adjustable(tx, limitID, in.Key); err != nil {
			return err
		}
		var p problems
		switch by = p.amount("by", in.By, l.Kind, -budget.Max); {
		case len(p) == 0 && by == 0:
			p.add("by", "is nothing")
		case in.Reason == "":
			p.add("reason", "is missing: say why, for whoever reads the books")
		}
		if err := errors.Join(p.err(), reasonFits(e, in.Reason)); err != nil {
			return err
		}
		e.Target = audit.Target{Kind: "limit", ID: l.ID, Name: form.Name, KeyID: subject}
		spent := c.parts.Books.State(l, subject).Settled
		path := child("spent", subject)
		e.Diff = []audit.Field{{
			Path: path, Before: jsonOf(inUnit(l.Kind, spent)), After: jsonOf(inUnit(l.Kind, min(max(0, spent+by), budget.Max))),
		}}
		return nil
	})
	if err != nil {
		return nil, err
	}
	added, err := c.parts.Books.Adjust(context.WithoutCancel(ctx), l, subject, by, call.Actor.Name, in.Reason)
	if err != nil {
		failure := asError(fmt.Errorf("adjust a limit: %w", err))
		c.Refused(ctx, call, "limit.adjust", e.Target, fmt.Errorf("event %d did not come about: %w", e.Seq, err))
		return nil, failure
	}
	form.Standing = c.standing(l, subject)
	return &admin.Adjusted{By: inUnit(l.Kind, added), Limit: form, EventID: e.Seq}, nil
}

// adjustable finds the limit that is to be adjusted, and whose counter.
func adjustable(tx store.Tx, id, key string) (*budget.Limit, admin.Limit, string, error) {
	none := func(err error) (*budget.Limit, admin.Limit, string, error) { return nil, admin.Limit{}, "", err }
	var k *vkey.Key
	if key != "" {
		var err error
		if k, err = keyOf(tx, key); err != nil {
			return none(err)
		}
		for _, l := range k.Limits {
			if l.ID == id {
				return standable(l, limitForm(l), k.ID)
			}
		}
	}
	s, err := sharedOf(tx, id)
	var missing *Error
	switch {
	case errors.As(err, &missing) && key == "":
		missing.Detail = fmt.Sprintf("there is no shared limit %s; for a limit of a key give the key too", shown(id))
		return none(missing)
	case err != nil:
		return none(err)
	case s.Limit.Per == budget.Pool:
		if key != "" {
			return none(problems{{Path: "key", Message: "must be left out: all keys draw from this limit together"}}.err())
		}
		return standable(&s.Limit, sharedForm(s.Name, &s.Limit), "")
	case k == nil:
		return none(problems{{Path: "key", Message: "is missing: every key has this limit for itself"}}.err())
	case !s.Limit.Selects(k.Labels):
		return none(problems{{Path: "key", Message: "is not among those that the limit selects"}}.err())
	}
	return standable(&s.Limit, sharedForm(s.Name, &s.Limit), k.ID)
}

// standable refuses limits in which nothing stays that could be corrected.
func standable(l *budget.Limit, form admin.Limit, subject string) (*budget.Limit, admin.Limit, string, error) {
	if l.Kind == budget.Concurrency || l.Window.Shape() == budget.Sliding {
		return nil, form, "", &Error{
			Kind: Conflict, Code: "limit_not_adjustable",
			Detail: "limits on concurrency and over sliding windows forget by themselves: raise the amount instead",
		}
	}
	return l, form, subject, nil
}
