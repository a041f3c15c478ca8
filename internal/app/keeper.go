package app

import (
	"context"
	"time"

	"tollgate/internal/store"
)

// How often what is due is done. Nothing that is counted or refused depends on it.
const (
	sweepEvery      = time.Second
	noteUseEvery    = 15 * time.Second
	checkpointEvery = 5 * time.Minute
	pruneEvery      = time.Hour
)

// housekeeping does what is due until ctx is over.
func (a *App) housekeeping(ctx context.Context) {
	sweep, use := time.NewTicker(sweepEvery), time.NewTicker(noteUseEvery)
	checkpoint, prune := time.NewTicker(checkpointEvery), time.NewTicker(pruneEvery)
	for _, t := range []*time.Ticker{sweep, use, checkpoint, prune} {
		defer t.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			a.data.books.Sweep()
		case <-use.C:
			a.noteUse(ctx)
		case <-checkpoint.C:
			a.later("save a checkpoint of the ledger", a.data.books.Checkpoint(ctx))
		case <-prune.C:
			a.prune(ctx)
		}
	}
}

// verifyAfter is how long a start is left alone before the files are read from end to end, if they
// are too large for that to be done before.
const verifyAfter = time.Minute

// verify reads the files of the database from end to end once. Nothing that is served waits for it.
func (a *App) verify(ctx context.Context) {
	if a.data.store.Checked() {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-time.After(verifyAfter):
	}
	began := time.Now()
	err := a.data.store.Check(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.log.Error("pages of the database are damaged: what they hold fails when it is needed. Make a backup of what is there and start with --repair, or restore one", "error", err)
	default:
		a.log.Info("every page of the database can be read", "took", time.Since(began).Round(time.Millisecond))
	}
}

// later reports what could not be done and will be tried again.
func (a *App) later(what string, err error) {
	if err != nil {
		a.log.Warn("could not "+what+"; it will be tried again", "error", err)
	}
}

// noteUse writes down which keys and admin tokens were used.
func (a *App) noteUse(ctx context.Context) {
	used := a.keys.DrainUsed()
	if len(used) > 0 {
		a.later("note the last use of keys", a.data.store.Update(ctx, func(tx store.Tx) error { return tx.Keys().Used(used) }))
	}
	a.later("note the last use of admin tokens", a.control.FlushUsed(ctx))
}

// prune forgets what is kept no longer.
func (a *App) prune(ctx context.Context) {
	now := a.parts.Now()
	a.later("forget old answers", a.data.store.Update(ctx, func(tx store.Tx) error { return tx.Answers().Prune(now) }))
	a.later("prune the ledger", a.data.books.Prune(ctx))
}
