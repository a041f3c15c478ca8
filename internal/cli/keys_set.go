package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/client"
)

type keysSet struct {
	Key    string `arg:"" help:"Id or name."`
	Rename string `placeholder:"NAME" help:"Give it another name. Its id stays."`
	limitFlags
	NoCost        bool     `group:"limit" help:"Take away its limits on cost, but those given with --cost."`
	NoTokens      bool     `group:"limit" help:"The same for tokens."`
	NoRequests    bool     `group:"limit" help:"The same for requests."`
	NoConcurrency bool     `group:"limit" help:"The same for requests at the same time."`
	NoLimit       []string `group:"limit" placeholder:"ID" help:"Take away the limit with this id."`
	Limit         []string `group:"limit" sep:"none" placeholder:"ID=AMOUNT" help:"Change the limit with this id, its window too: lim_…=300/week. What it counted is computed anew for the window."`
	scopeFlags
	NoLabel       []string `group:"scope" placeholder:"NAME" help:"Take away a label."`
	NoDeny        bool     `group:"scope" help:"Deny no models."`
	AllModels     bool     `group:"scope" help:"Let it use all models."`
	AllOperations bool     `group:"scope" help:"Let it use all operations."`
	AllNetworks   bool     `group:"scope" help:"Let it be used from everywhere."`
	NeverExpires  bool     `group:"scope" help:"Let it never expire."`
	MaxTokens     *int64   `group:"scope" placeholder:"N" help:"Output bound for requests that have none; 0 takes it away."`
	Clamp         *bool    `group:"scope" negatable:"" help:"Lower an output bound that the budget cannot pay, instead of refusing."`
	Discreet      *bool    `group:"scope" negatable:"" help:"Tell the holder of the key no amounts."`
	remote
}

// Help is shown below the summary.
func (*keysSet) Help() string {
	return `A limit replaces the amount of the limit of the same kind, window and models, which keeps its id and
what it has counted. If there is none, it is added.

    tollgate keys set checkout-prod --cost 300/month
    tollgate keys set checkout-prod --no-cost --cost 40/day
    tollgate keys set checkout-prod --models 'gpt-5*' --label env=prod --never-expires
    tollgate keys set checkout-prod --limit lim_8Kq2mX1bWz0R=300/week
` + windowHelp
}

// Run implements the command.
func (c *keysSet) Run(ctx context.Context, env *Environment) error {
	wanted, err := c.limits()
	if err != nil {
		return err
	}
	patch, err := c.patch(env.now())
	if err != nil {
		return err
	}
	limited := len(wanted)+len(c.NoLimit)+len(c.Limit) > 0 || len(c.cleared()) > 0
	if len(patch) == 0 && !limited {
		return usageError("nothing to change: tollgate keys set --help lists what can be")
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	changed, err := c.apply(ctx, s, patch, wanted, limited)
	if err != nil {
		return s.explain(err)
	}
	return s.show(changed, func() error {
		return s.summary(&changed.Key, "Changed")
	})
}

// apply sends the change. Limits are replaced as a whole, so they are read first and
// nothing is changed if somebody else changed the key in between; then it is tried again.
func (c *keysSet) apply(ctx context.Context, s *session, patch map[string]any, wanted []written, limited bool) (*admin.KeyChanged, error) {
	if !limited {
		return s.EditKey(ctx, c.Key, patch)
	}
	for try := 1; ; try++ {
		k, err := s.Key(ctx, c.Key)
		if err != nil {
			return nil, err
		}
		if patch["limits"], err = c.edited(k, wanted); err != nil {
			return nil, err
		}
		changed, err := s.EditKey(ctx, k.ID, patch, client.IfMatch(k.ETag))
		stale, ok := errors.AsType[*client.Error](err)
		if !ok || stale.Status != http.StatusPreconditionFailed || try == 3 {
			return changed, err
		}
	}
}

// cleared are the kinds whose limits go.
func (c *keysSet) cleared() []string {
	var kinds []string
	for _, of := range []struct {
		kind string
		gone bool
	}{{"cost", c.NoCost}, {"tokens", c.NoTokens}, {"requests", c.NoRequests}, {"concurrency", c.NoConcurrency}} {
		if of.gone {
			kinds = append(kinds, of.kind)
		}
	}
	return kinds
}

// edited gives the limits of a key as they should be.
func (c *keysSet) edited(k *admin.Key, wanted []written) ([]admin.Limit, error) {
	list := []admin.Limit{}
	for _, l := range k.Limits {
		l.Standing = nil
		list = append(list, l)
	}
	named := map[string]bool{} // ids that stay though their kind is cleared
	for _, text := range c.Limit {
		if err := c.redefine(k, list, text, named); err != nil {
			return nil, err
		}
	}
	for i := range wanted {
		if at := meant(list, &wanted[i]); at >= 0 {
			list[at].Amount = wanted[i].Amount
			named[list[at].ID] = true
		} else {
			list = append(list, wanted[i].Limit)
		}
	}
	gone := c.cleared()
	for _, id := range c.NoLimit {
		if !slices.ContainsFunc(list, func(l admin.Limit) bool { return l.ID == id }) {
			return nil, noSuchLimit(k, "--no-limit", id)
		}
	}
	return slices.DeleteFunc(list, func(l admin.Limit) bool {
		return l.ID != "" && (slices.Contains(c.NoLimit, l.ID) || slices.Contains(gone, l.Kind) && !named[l.ID])
	}), nil
}

// redefine changes the limit that "ID=AMOUNT" names.
func (c *keysSet) redefine(k *admin.Key, list []admin.Limit, text string, named map[string]bool) error {
	id, amount, ok := strings.Cut(text, "=")
	if !ok {
		return usageError(fmt.Sprintf("--limit %q: write ID=AMOUNT, for instance lim_8Kq2mX1bWz0R=300/week", brief(text)))
	}
	at := slices.IndexFunc(list, func(l admin.Limit) bool { return l.ID == id })
	if at < 0 {
		return noSuchLimit(k, "--limit", id)
	}
	w, err := parseLimit(list[at].Kind, amount, c.Timezone)
	if err != nil {
		return usageError("--limit " + id + ": " + err.Error())
	}
	w.ID = id
	list[at] = w.Limit
	named[id] = true
	return nil
}

func noSuchLimit(k *admin.Key, flag, id string) error {
	var ids []string
	for i := range k.Limits {
		ids = append(ids, k.Limits[i].ID)
	}
	for i := range k.SharedLimits {
		if k.SharedLimits[i].ID == id {
			return usageError(fmt.Sprintf("%s: %s is a shared limit: tollgate limits set changes it", flag, id))
		}
	}
	if len(ids) == 0 {
		return usageError(fmt.Sprintf("%s: %s has no limit %s, nor any other", flag, k.Name, brief(id)))
	}
	return usageError(fmt.Sprintf("%s: %s has no limit %s; it has %s", flag, k.Name, brief(id), joined(ids)))
}

// meant gives the place of the limit that a new one replaces, -1 for none: that of the
// same kind, window and models, or the only one that differs from it by a zone and a
// first day which were not written.
func meant(list []admin.Limit, w *written) int {
	found := -1
	for i := range list {
		l := &list[i]
		if l.Kind != w.Kind || !slices.Equal(l.Models, w.Models) {
			continue
		}
		if sameWindow(l.Window, w.Window) {
			return i
		}
		if w.loose && l.Window != nil && l.Window.Calendar == w.Window.Calendar {
			if found >= 0 {
				found = -2
			}
			if found == -1 {
				found = i
			}
		}
	}
	return max(found, -1)
}

// patch gives what changes but the limits.
func (c *keysSet) patch(now time.Time) (map[string]any, error) {
	if err := c.contradiction(); err != nil {
		return nil, err
	}
	patch := map[string]any{}
	if c.Rename != "" {
		patch["name"] = c.Rename
	}
	c.patchScope(patch)
	switch {
	case c.NeverExpires:
		patch["expires_at"] = nil
	case c.Expires != "":
		zone, err := zoneOf(c.Timezone)
		if err != nil {
			return nil, err
		}
		if patch["expires_at"], err = parseExpiry(c.Expires, zone, now); err != nil {
			return nil, err
		}
	}
	if c.MaxTokens != nil {
		patch["max_tokens"] = *c.MaxTokens
	}
	if c.Clamp != nil {
		patch["clamp"] = *c.Clamp
	}
	if c.Discreet != nil {
		patch["discreet"] = *c.Discreet
	}
	return patch, nil
}

func (c *keysSet) patchScope(patch map[string]any) {
	models := map[string]any{}
	if c.Models != nil {
		models["allow"] = c.Models
	}
	if c.AllModels {
		models["allow"] = nil
	}
	if c.Deny != nil {
		models["deny"] = c.Deny
	}
	if c.NoDeny {
		models["deny"] = nil
	}
	if len(models) > 0 {
		patch["models"] = models
	}
	for _, of := range []struct {
		name string
		list []string
		all  bool
	}{{"operations", c.Operations, c.AllOperations}, {"networks", c.Networks, c.AllNetworks}} {
		if of.list != nil {
			patch[of.name] = of.list
		} else if of.all {
			patch[of.name] = nil
		}
	}
	labels := map[string]any{}
	for name, value := range c.Label {
		labels[name] = value
	}
	for _, name := range c.NoLabel {
		labels[name] = nil
	}
	if len(labels) > 0 {
		patch["labels"] = labels
	}
}

// contradiction finds flags that cannot both hold.
func (c *keysSet) contradiction() error {
	for _, of := range []struct {
		flags string
		both  bool
	}{
		{"--models and --all-models", c.Models != nil && c.AllModels},
		{"--deny and --no-deny", c.Deny != nil && c.NoDeny},
		{"--operations and --all-operations", c.Operations != nil && c.AllOperations},
		{"--networks and --all-networks", c.Networks != nil && c.AllNetworks},
		{"--expires and --never-expires", c.Expires != "" && c.NeverExpires},
	} {
		if of.both {
			return usageError("give either " + strings.Replace(of.flags, " and ", " or ", 1) + ", not both")
		}
	}
	for _, name := range c.NoLabel {
		if _, ok := c.Label[name]; ok {
			return usageError(fmt.Sprintf("--label and --no-label are both about %q", name))
		}
	}
	if c.MaxTokens != nil && *c.MaxTokens < 0 {
		return usageError("--max-tokens: it must not be below zero")
	}
	return nil
}
