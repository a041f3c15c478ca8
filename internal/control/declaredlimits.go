package control

import (
	"context"
	"fmt"

	"tollgate/internal/audit"
	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// DeclareLimits makes the stored declared shared limits those of the configuration in
// force, as Declare does with keys. Of a limit only its name and what it says are looked at.
func (c *Control) DeclareLimits(ctx context.Context, call Call, declared []*store.SharedLimit) error {
	var counted []*budget.Limit
	err := c.parts.Store.Update(ctx, func(tx store.Tx) error {
		counted = nil
		all, err := tx.Limits().List()
		if err != nil {
			return err
		}
		stored := map[string]*store.SharedLimit{}
		for _, s := range all {
			stored[s.Limit.ID] = s
		}
		wanted := map[string]bool{}
		for _, d := range declared {
			wanted[d.Limit.ID] = true
		}
		for _, s := range all { // what goes goes first: its name may be another's now
			if s.Origin == vkey.Declared && !wanted[s.Limit.ID] {
				if err := c.declareLimit(tx, call, s, nil); err != nil {
					return err
				}
			}
		}
		for _, d := range declared {
			s := stored[d.Limit.ID]
			if s != nil && s.Name == d.Name && sameLimit(&s.Limit, &d.Limit) {
				continue
			}
			if err := c.declareLimit(tx, call, s, d); err != nil {
				return err
			}
			if s != nil {
				counted = append(counted, recounted([]*budget.Limit{&s.Limit}, []*budget.Limit{&d.Limit})...)
			}
		}
		return nil
	})
	if err != nil {
		return asError(fmt.Errorf("store declared shared limits: %w", err))
	}
	return c.recount(ctx, call, counted)
}

// declareLimit stores one difference with its audit event; nil stands for no limit.
func (c *Control) declareLimit(tx store.Tx, call Call, stored, declared *store.SharedLimit) error {
	e := c.event(call, "limit.create")
	if declared == nil {
		e = c.event(call, "limit.delete")
		e.Target = audit.Target{Kind: "limit", ID: stored.Limit.ID, Name: stored.Name}
		e.Reason, e.Diff = "no longer declared", diff(sharedForm(stored.Name, &stored.Limit), nil)
		if err := tx.Limits().Delete(stored.Limit.ID); err != nil {
			return err
		}
		return tx.Events().Append(e)
	}
	s := &store.SharedLimit{Name: declared.Name, Limit: declared.Limit, Origin: vkey.Declared, CreatedAt: e.At, UpdatedAt: e.At, CreatedBy: call.Actor.Name}
	var before any
	if stored != nil {
		e.Action = "limit.edit"
		before = sharedForm(stored.Name, &stored.Limit)
		s.CreatedAt, s.CreatedBy, s.Version = stored.CreatedAt, stored.CreatedBy, stored.Version
		if err := owe(tx, "", []*budget.Limit{&stored.Limit}, []*budget.Limit{&s.Limit}); err != nil {
			return err
		}
	}
	if err := limitNameFree(tx, s.Name, s.Limit.ID); err != nil {
		return err
	}
	e.Target = audit.Target{Kind: "limit", ID: s.Limit.ID, Name: s.Name}
	e.Diff = diff(before, sharedForm(s.Name, &s.Limit))
	if err := tx.Limits().Put(s); err != nil {
		return fmt.Errorf("shared limit %s: %w", shown(s.Name), err)
	}
	return tx.Events().Append(e)
}
