package control

import (
	"context"
	"fmt"

	"tollgate/internal/audit"
	"tollgate/internal/store"
)

// Backup writes a copy of all that is kept to a new file, while everything goes on. That
// it was asked for is on record before anything leaves the database, and in the copy.
func (c *Control) Backup(ctx context.Context, call Call, path string) error {
	target := audit.Target{Kind: "backup"}
	_, err := c.change(ctx, call, "backup.create", func(_ store.Tx, e *audit.Event) error {
		e.Target = target
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.parts.Store.Backup(ctx, path); err != nil {
		err = fmt.Errorf("write the backup: %w", err)
		c.Refused(ctx, call, "backup.create", target, err)
		return asError(err)
	}
	return nil
}
