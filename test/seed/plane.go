package main

import (
	"context"
	"errors"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/control"
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

// holder is a key in the story, with what its holder does.
type holder struct {
	key    *vkey.Key // as administration made it known; nil once it is deleted
	limits []*budget.Limit
	mix    []int // the models that it calls, as positions in models
	used   time.Time
}

// plane is the data plane of the story: administration tells it of keys as it would tell the program.
type plane struct {
	holders map[string]*holder
	shared  []*budget.Limit
}

var _ control.Live = (*plane)(nil)

// KeysChanged implements control.Live.
func (p *plane) KeysChanged(changed []*vkey.Key, removed []string) {
	for _, k := range changed {
		h := p.holders[k.ID]
		if h == nil {
			h = &holder{}
			p.holders[k.ID] = h
		}
		h.key, h.limits = k, budget.Applying(k.Limits, p.shared, k.Labels)
	}
	for _, id := range removed {
		if h := p.holders[id]; h != nil {
			h.key, h.limits = nil, nil
		}
	}
}

// LimitsChanged implements control.Live.
func (p *plane) LimitsChanged(shared []*budget.Limit) {
	p.shared = shared
	for _, h := range p.holders {
		if h.key != nil {
			h.limits = budget.Applying(h.key.Limits, shared, h.key.Labels)
		}
	}
}

// Used implements control.Live.
func (p *plane) Used(id string) map[string]time.Time {
	h := p.holders[id]
	if h == nil || h.key == nil || h.used.IsZero() {
		return nil
	}
	return map[string]time.Time{h.key.Secrets[0].ID: h.used}
}

// The rest of control.Live has no part in the story.
func (p *plane) Cut(string) int                           { return 0 }
func (p *plane) InFlight(string) (int, bool)              { return 0, false }
func (p *plane) CredentialsChanged(context.Context) error { return nil }
func (p *plane) CredentialInUse(string) []string          { return nil }
func (p *plane) Budgets() []control.DeclaredBudget        { return nil }
func (p *plane) PricesChanged(*catalog.Layer)             {}
func (p *plane) Models() []control.Model                  { return nil }
func (p *plane) Upstreams() []control.Upstream            { return nil }
func (p *plane) Host(string) string                       { return "" }
func (p *plane) Try(context.Context, string, string, secret.Text) (int, error) {
	return 0, errors.New("nobody is called here")
}
