package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// What imported keys have spent goes into the books once the keys are stored, and before
// they come into force. It is stored with the keys, so that it can be made up for: as
// long as a key is not in force nobody spends on it, and whatever its limit has counted
// in that window is what was carried over.

// carriedName is the setting that holds the spending of keys that are not in force yet.
const carriedName = "control.carried"

// carry is spending to be put into the books.
type carry struct {
	Key   string `json:"key"`
	Limit string `json:"limit"`
	By    int64  `json:"by"`
	Start int64  `json:"start"` // of the window that it belongs to, nanoseconds since 1970
}

func putCarried(tx store.Tx, all []carry) error {
	if len(all) == 0 {
		return nil
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("note what imported keys have spent: %w", err)
	}
	return tx.Settings().Put(carriedName, raw)
}

// spending reads what a candidate has spent, by the number of its limits.
func (m *importer) spending(k *candidate, now time.Time) {
	for i, l := range k.key.Limits {
		amount, ok := k.entry.spent[i]
		if !ok {
			continue
		}
		path := fmt.Sprintf("limits[%d].spent", i)
		by := k.problems.amount(path, amount, l.Kind, 0)
		switch {
		case l.Kind == budget.Concurrency || l.Window.Shape() == budget.Sliding:
			if by > 0 {
				k.problems.add(path, "cannot be taken over: limits on concurrency and over sliding windows forget by themselves")
			}
		case !k.until.IsZero() && !k.until.After(now):
			k.warnings = append(k.warnings, "what it has spent is not taken over: the window it belongs to is over")
		case by > 0:
			k.spent = append(k.spent, carry{Key: k.key.ID, Limit: l.ID, By: by, Start: m.control.parts.Books.State(l, k.key.ID).Span.Start})
		}
	}
}

// carriers is how many corrections are written at once: they share their way to the disk.
const carriers = 64

// carryOver puts into the books what imported keys had spent, if there is any left to
// do, and makes these keys known.
func (c *Control) carryOver(ctx context.Context) error {
	var all []carry
	var keys []*vkey.Key
	limits := map[string]*budget.Limit{}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		raw, err := tx.Settings().Get(carriedName)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &all); err != nil {
			return fmt.Errorf("read what imported keys have spent: %w", err)
		}
		for _, x := range all {
			k, err := tx.Keys().Get(x.Key)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			keys = append(keys, k)
			for _, l := range k.Limits {
				limits[l.ID] = l
			}
		}
		return nil
	})
	if err != nil || len(all) == 0 {
		return err
	}
	if err := c.carryAll(context.WithoutCancel(ctx), all, limits); err != nil {
		return err
	}
	c.publish(ctx, keys...)
	return c.parts.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error { return tx.Settings().Delete(carriedName) })
}

func (c *Control) carryAll(ctx context.Context, all []carry, limits map[string]*budget.Limit) error {
	var mu sync.Mutex
	var failed error
	var done sync.WaitGroup
	free := make(chan struct{}, carriers)
	for _, x := range all {
		l := limits[x.Limit]
		if l == nil {
			continue // deleted meanwhile
		}
		state := c.parts.Books.State(l, x.Key)
		if state.Span.Start != x.Start || state.Settled != 0 {
			continue // its window is over, or it is in the books already
		}
		free <- struct{}{}
		done.Go(func() {
			defer func() { <-free }()
			_, err := c.parts.Books.Adjust(ctx, l, x.Key, x.By, "import", "spent before the import")
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, fmt.Errorf("limit %s of key %s: %w", x.Limit, x.Key, err))
			}
		})
	}
	done.Wait()
	return failed
}
