package vkey

import (
	"errors"
	"fmt"
	"net/netip"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/caller"
)

// Validate tells what about a key makes no sense to whoever compiles it.
func (k *Key) Validate() error {
	_, err := k.plan()
	return err
}

// plan is what has to be read of a key before it can be compiled.
type plan struct {
	models     *access.Scope // nil: all
	operations Operations
}

func (k *Key) plan() (plan, error) {
	var p plan
	if k.ID == "" {
		return p, errors.New("a virtual key needs an id")
	}
	if k.Models.Allow != nil || len(k.Models.Deny) > 0 {
		scope, err := access.ParseScope(k.Models.Allow, k.Models.Deny)
		if err != nil {
			return p, fmt.Errorf("key %s: models: %w", k.ID, err)
		}
		p.models = &scope
	}
	var err error
	if p.operations, err = ParseOperations(k.Operations); err != nil {
		return p, fmt.Errorf("key %s: operations: %w", k.ID, err)
	}
	for _, l := range k.Limits {
		if err := l.Validate(); err != nil {
			return p, fmt.Errorf("key %s: %w", k.ID, err)
		}
	}
	return p, nil
}

// Compile makes the entries of a key, one for each of its secrets in their order.
// The shared limits that select the key by its labels come behind its own. What the
// entries hold is shared with the key, which must not change afterwards. The error
// is that of Validate.
func (k *Key) Compile(shared []*budget.Limit) ([]Entry, error) {
	p, err := k.plan()
	if err != nil {
		return nil, err
	}
	c := &caller.Caller{KeyID: k.ID, Name: k.Name, Labels: k.Labels}
	if p.models != nil {
		c.Models, c.ModelsSet = p.models, true
	}
	if len(k.Labels) > 0 {
		c.Metadata = make(map[string]any, len(k.Labels))
		for name, value := range k.Labels {
			c.Metadata[name] = value
		}
	}
	common := Entry{
		Caller: c, Status: k.Status, Expires: k.ExpiresAt, PublicID: []string{k.ID},
		Limits: budget.Applying(k.Limits, shared, k.Labels), Operations: p.operations, Networks: unmapped(k.Networks),
		MaxTokens: k.MaxTokens, Clamp: k.Clamp, Discreet: k.Discreet, Legacy: k.Legacy,
	}
	entries := make([]Entry, len(k.Secrets))
	for i := range k.Secrets {
		s, e := &k.Secrets[i], common
		e.Digest, e.Peppered, e.SecretID, e.NotAfter = s.Digest, s.Peppered, s.ID, s.NotAfter
		if !s.NotAfter.IsZero() && k.outlived(s) {
			e.RotateBefore = s.NotAfter
		}
		entries[i] = e
	}
	return entries, nil
}

// outlived tells whether the key has a secret that lives on when s ends.
func (k *Key) outlived(s *Secret) bool {
	for i := range k.Secrets {
		if end := k.Secrets[i].NotAfter; end.IsZero() || end.After(s.NotAfter) {
			return true
		}
	}
	return false
}

// unmapped gives networks in the form in which client addresses are compared.
func unmapped(networks []netip.Prefix) []netip.Prefix {
	if networks == nil {
		return nil
	}
	out := make([]netip.Prefix, len(networks))
	for i, n := range networks {
		out[i] = n
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			out[i] = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
	}
	return out
}
