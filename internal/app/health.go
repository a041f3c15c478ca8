package app

import (
	"cmp"

	"tollgate/api/admin"
)

// health says how the program is, for operators.
func (a *App) health() admin.Health {
	h := admin.Health{
		Version: a.options.Version, StartedAt: a.began.UTC(), DataDir: a.data.dir,
		Database:   cmp.Or(a.config.Load().Process.Database.URL, "sqlite://"+a.data.dir),
		LedgerRows: a.data.found.Rows, MasterKey: a.data.vault != nil,
	}
	if last := a.reloaded.Load(); last != nil {
		h.ReloadedAt = last.at.UTC()
		if last.err != nil {
			h.ReloadError = last.err.Error()
		}
	}
	return h
}
