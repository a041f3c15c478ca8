package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tollgate/internal/budget"
	"tollgate/internal/ledger"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// A change is stored before the books hear of it, and the program may die in between.
// So what the books are owed is stored with the change, and struck out when they have it.

// owedName is the setting that holds what the books are owed.
const owedName = "control.owed"

// debt is a changed limit of which the books may not know.
type debt struct {
	Key string `json:"key,omitempty"` // id of the key that the limit belongs to; "" for a shared one
	Was string `json:"was"`           // the window that the books last counted it in
}

func owed(tx store.Tx) (map[string]debt, error) {
	raw, err := tx.Settings().Get(owedName)
	if errors.Is(err, store.ErrNotFound) {
		return map[string]debt{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the books are owed: %w", err)
	}
	all := map[string]debt{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("read what the books are owed: %w", err)
	}
	return all, nil
}

func putOwed(tx store.Tx, all map[string]debt) error {
	if len(all) == 0 {
		if err := tx.Settings().Delete(owedName); err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("strike out what the books were owed: %w", err)
		}
		return nil
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("note what the books are owed: %w", err)
	}
	return tx.Settings().Put(owedName, raw)
}

// owe notes the limits that differ from what they were in a way that the books must
// hear of. A limit of which they have not heard yet keeps the window that they know.
func owe(tx store.Tx, key string, before, after []*budget.Limit) error {
	changed := recounted(before, after)
	if len(changed) == 0 {
		return nil
	}
	all, err := owed(tx)
	if err != nil {
		return err
	}
	windows := map[string]budget.Window{}
	for _, l := range before {
		windows[l.ID] = l.Window
	}
	for _, l := range changed {
		if _, ok := all[l.ID]; !ok {
			all[l.ID] = debt{Key: key, Was: windows[l.ID].String()}
		}
	}
	return putOwed(tx, all)
}

// settleOwed tells the books of one limit as it is stored now, and strikes it out.
func (c *Control) settleOwed(ctx context.Context, id, actor string) error {
	var d debt
	var l *budget.Limit
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		all, err := owed(tx)
		if err != nil {
			return err
		}
		var ok bool
		if d, ok = all[id]; ok {
			l, err = limitOf(tx, d.Key, id)
		}
		return err
	})
	if err != nil || d == (debt{}) {
		return err
	}
	if l != nil { // it may be gone
		was, err := budget.ParseWindow(d.Was)
		if err != nil {
			return err
		}
		if err := c.parts.Books.Change(ctx, ledger.Change{Limit: l, Was: &was, Actor: actor, Reason: "edited"}); err != nil {
			return err
		}
	}
	return c.parts.Store.Update(ctx, func(tx store.Tx) error {
		all, err := owed(tx)
		if err != nil {
			return err
		}
		if l != nil {
			now, err := limitOf(tx, d.Key, id)
			if err != nil {
				return err
			}
			if now != nil && (now.Amount != l.Amount || !now.Window.Equal(l.Window)) {
				return nil // changed again meanwhile: whoever did that is waiting
			}
		}
		delete(all, id)
		return putOwed(tx, all)
	})
}

// limitOf finds a limit of a key, or a shared one; nil if it is gone.
func limitOf(tx store.Tx, key, id string) (*budget.Limit, error) {
	if key == "" {
		s, err := tx.Limits().Get(id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, nil
		case err != nil:
			return nil, err
		}
		return &s.Limit, nil
	}
	k, err := tx.Keys().Get(key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, l := range k.Limits {
		if l.ID == id {
			return l, nil
		}
	}
	return nil, nil
}

// Reconcile makes up for what an end of the program came in between: changed limits of
// which the books had not heard, imported spending that they had not taken over, and
// limits that they count in another window than that which is stored. It is called once
// at start, before anything is asked of the books.
func (c *Control) Reconcile(ctx context.Context) error {
	var debts map[string]debt
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		debts, err = owed(tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("reconcile limits: %w", err)
	}
	c.recounts.Lock()
	defer c.recounts.Unlock()
	for _, id := range sorted(debts) {
		if err := c.settleOwed(ctx, id, "system"); err != nil {
			return fmt.Errorf("reconcile limit %s: %w", id, err)
		}
	}
	if err := c.carryOver(ctx); err != nil {
		return fmt.Errorf("reconcile imported spending: %w", err)
	}
	strays, err := c.strays(ctx)
	if err != nil {
		return fmt.Errorf("reconcile limits: %w", err)
	}
	for _, l := range strays {
		if err := c.parts.Books.Change(ctx, ledger.Change{Limit: l, Actor: "system", Reason: "counted in another window than the stored one"}); err != nil {
			return fmt.Errorf("reconcile limit %s: %w", l.ID, err)
		}
	}
	return nil
}

// strays lists the stored limits that the books count in another window.
func (c *Control) strays(ctx context.Context) ([]*budget.Limit, error) {
	if c.parts.Strays != nil {
		return c.parts.Strays(), nil
	}
	counted := c.parts.Books.Windows()
	if len(counted) == 0 {
		return nil, nil
	}
	var all []*budget.Limit
	compare := func(l *budget.Limit) {
		if w, ok := counted[l.ID]; ok && !w.Equal(l.Window) {
			all = append(all, l)
		}
	}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		shared, err := tx.Limits().List()
		if err != nil {
			return err
		}
		for _, s := range shared {
			compare(&s.Limit)
		}
		return tx.Keys().Each(func(k *vkey.Key) error {
			for _, l := range k.Limits {
				compare(l)
			}
			return nil
		})
	})
	return all, err
}
