package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/config"
	"tollgate/internal/control"
	"tollgate/internal/fault"
	"tollgate/internal/vkey"
)

// live is the data plane as administration reaches it. It implements control.Live.
type live struct{ *App }

// KeysChanged replaces managed keys. Keys of the configuration come and go with it.
func (l live) KeysChanged(changed []*vkey.Key, removed []string) {
	managed := slices.DeleteFunc(slices.Clone(changed), func(k *vkey.Key) bool { return k.Origin != vkey.Managed })
	if err := l.keys.Put(managed); err != nil { // control has checked what makes a key wrong
		l.log.Error("a virtual key cannot be put in force", "error", err)
	}
	l.keys.Remove(removed)
}

// LimitsChanged replaces the shared limits of the database.
func (l live) LimitsChanged(shared []*budget.Limit) {
	l.reloading.Lock()
	defer l.reloading.Unlock()
	l.shared = shared
	if err := l.recompile(); err != nil {
		// The configuration in force was compiled before, and shared limits cannot
		// make it wrong: whatever this is, it must not pass unseen.
		l.log.Error("shared limits changed and keys of the configuration go on with the old ones", "error", err)
	}
}

// keyCut is why the requests of a revoked key end.
var keyCut = &fault.Error{Kind: fault.Unauthenticated, Code: "key_revoked", Retry: fault.RetryNo, Message: "This virtual key was revoked while the request was under way."}

// Cut ends what a key has under way.
func (l live) Cut(keyID string) int { return l.keys.Cut(keyID, keyCut) }

// InFlight tells how many requests a managed key has under way.
func (l live) InFlight(keyID string) (int, bool) { return l.keys.InFlight(keyID) }

// Used tells when the secrets of a key were last used.
func (l live) Used(keyID string) map[string]time.Time { return l.keys.Used(keyID) }

// CredentialsChanged compiles the configuration in force anew.
func (l live) CredentialsChanged(context.Context) error {
	l.reloading.Lock()
	defer l.reloading.Unlock()
	return l.recompile()
}

// CredentialInUse tells where the configuration in force names a credential.
func (l live) CredentialInUse(name string) []string {
	var places []string
	for _, use := range l.compiled.Load().Credentials {
		if use.Name == name {
			places = append(places, use.At.String())
		}
	}
	return places
}

// Budgets lists the limits that the configuration declares in agentgateway's form.
func (l live) Budgets() []control.DeclaredBudget {
	compiled := l.compiled.Load()
	var all []control.DeclaredBudget
	for _, k := range compiled.Declared {
		for _, limit := range k.Limits {
			if name, ok := compiled.Budgets[limit.ID]; ok {
				all = append(all, control.DeclaredBudget{Name: name, Key: k, Limit: limit})
			}
		}
	}
	return all
}

// PricesChanged puts the operator's own list over all others.
func (l live) PricesChanged(own *catalog.Layer) {
	l.prices.own.Store(own)
	l.prices.stack()
}

// Models lists what can be called.
func (l live) Models() []control.Model {
	callable := l.compiled.Load().Callable
	models := make([]control.Model, 0, len(callable))
	for _, c := range callable {
		m := control.Model{Name: c.Name}
		for _, t := range c.Targets {
			m.Targets = append(m.Targets, control.Target(t))
		}
		models = append(models, m)
	}
	return models
}

// Upstreams lists what requests can be sent to, with what was seen of it.
func (l live) Upstreams() []control.Upstream {
	now, reached := l.parts.Now(), l.compiled.Load().Reached
	all := make([]control.Upstream, 0, len(reached))
	for _, r := range reached {
		t := r.Target
		all = append(all, control.Upstream{
			Provider: t.Provider, Backend: t.Name, Host: t.Authority, Model: t.Model, Route: r.Route, Names: r.Names, Experience: t.Health.Experience(now),
		})
	}
	return all
}

// recompile puts the configuration in force anew, with what changed around it.
func (a *App) recompile() error {
	c := a.config.Load()
	if c == nil || a.compiled.Load() == nil {
		return nil // before the first start: what comes will be compiled with it
	}
	l, err := a.compile(c, new(config.Report))
	if err != nil {
		return err
	}
	if err := a.force(l); err != nil {
		return fmt.Errorf("put the configuration in force: %w", err)
	}
	return nil
}
