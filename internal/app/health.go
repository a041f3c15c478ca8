package app

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/ledger"
	"tollgate/internal/telemetry"
)

// health says how the program is, for operators.
func (a *App) health() admin.Health {
	h := admin.Health{
		Version: a.options.Version, StartedAt: a.began.UTC(), DataDir: a.data.dir,
		Database:   cmp.Or(a.config.Load().Process.Database.URL, "sqlite://"+a.data.dir),
		LedgerRows: a.data.found.Rows, MasterKey: a.data.vault != nil, Gateways: []admin.Gateway{},
	}
	binds := a.gateway.Snapshot().Binds
	for _, address := range slices.Sorted(maps.Keys(binds)) {
		h.Gateways = append(h.Gateways, admin.Gateway{Address: address, TLS: binds[address].TLS != nil})
	}
	kept := a.history.Retention()
	h.Retention = admin.Retention{Requests: span(kept.Requests), Hours: span(kept.Hours), Ledger: span(ledger.Keep)}
	if last := a.reloaded.Load(); last != nil {
		h.ReloadedAt = last.at.UTC()
		if last.err != nil {
			h.ReloadError = last.err.Error()
		}
	}
	return h
}

// span writes how long something is kept, in days where it is whole days.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day != 0 {
		return d.String()
	}
	return strconv.FormatInt(int64(d/day), 10) + "d"
}

// figures are what the parts that keep something tell about themselves.
func (a *App) figures() []telemetry.Figure {
	return []telemetry.Figure{
		{Name: "tollgate_request_records_dropped_total", Counts: true, Value: func() float64 { return float64(a.history.Dropped()) },
			Help: "Requests without a record, because the database could not take it in time, or because too many without a valid key were refused. Nothing that is charged depends on records."},
		{Name: "tollgate_ledger_available", Value: func() float64 { return truth(a.data.books.Health() == nil) },
			Help: "1 if the ledger can be written, 0 while requests of keys with limits are refused because it cannot."},
		{Name: "tollgate_managed_keys", Value: func() float64 { return float64(a.keys.Len()) },
			Help: "Virtual keys of the database, disabled and revoked ones among them."},
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
