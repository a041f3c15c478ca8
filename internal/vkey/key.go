package vkey

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"tollgate/internal/budget"
)

// Origin is who owns the definition of a key.
type Origin string

// The origins. Keys of a configuration can be read by the admin API and changed
// only where they are declared.
const (
	Managed  Origin = "managed"
	Declared Origin = "file"
)

// Key is a virtual key as it is kept. Times are UTC; a zero time stands for none.
type Key struct {
	ID     string // "key_…"
	Name   string // unique among the keys that are not revoked
	Origin Origin
	Status Status
	// Reason is why the key is disabled or revoked, as the operator said.
	Reason string
	// Legacy keys were imported without limits.
	Legacy bool

	CreatedAt, UpdatedAt time.Time
	CreatedBy            string // name of the actor
	ExpiresAt            time.Time
	LastUsedAt           time.Time // to the precision with which it is written down now and then

	Labels     map[string]string
	Models     Scope
	Operations []string // names of dialect.Operation; nil: all
	Networks   []netip.Prefix
	Limits     []*budget.Limit
	Secrets    []Secret // at most two live ones, the newest first

	// MaxTokens is written into requests that do not bound their output; 0: none.
	MaxTokens int64
	// Clamp lowers an output bound that the budget cannot pay, instead of refusing.
	Clamp bool
	// Discreet keys do not tell amounts to whoever holds them.
	Discreet bool

	// Version counts the changes; it is what ETags are made of.
	Version uint64
}

// Scope is which models a key may use. Patterns are those of package access.
type Scope struct {
	// Allow is nil for all models; an empty list allows none.
	Allow []string
	Deny  []string
}

// Secret is one secret of a key, without its value.
type Secret struct {
	ID         string // "sec_…"
	Digest     Digest
	Peppered   bool   // how Digest was made
	Last4      string // "" where that would tell too much
	CreatedAt  time.Time
	NotAfter   time.Time // zero: as long as the key
	LastUsedAt time.Time
}

// Clone gives a copy that shares nothing with k that could change.
func (k *Key) Clone() *Key {
	c := *k
	c.Labels = maps.Clone(k.Labels)
	c.Models = Scope{slices.Clone(k.Models.Allow), slices.Clone(k.Models.Deny)}
	c.Operations, c.Networks, c.Secrets = slices.Clone(k.Operations), slices.Clone(k.Networks), slices.Clone(k.Secrets)
	c.Limits = slices.Clone(k.Limits)
	for i, l := range c.Limits {
		limit := *l
		limit.Models, limit.Match = slices.Clone(l.Models), maps.Clone(l.Match)
		c.Limits[i] = &limit
	}
	return &c
}
