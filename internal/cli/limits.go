package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tollgate/api/admin"
	"tollgate/client"
)

type limits struct {
	List   limitsList   `cmd:"" help:"List shared limits, and how pools stand."`
	Create limitsCreate `cmd:"" help:"Make a limit that keys share by their labels."`
	Set    limitsSet    `cmd:"" help:"Change a shared limit. What it counted stays."`
	Delete limitsDelete `cmd:"" help:"Delete a shared limit."`
	Adjust limitsAdjust `cmd:"" help:"Correct what a limit counted, on record."`
}

type limitsList struct{ remote }

// Run implements the command.
func (c *limitsList) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	list, err := s.Limits(ctx)
	if err != nil {
		return s.explain(err)
	}
	return s.show(list, func() error {
		t := newTable("NAME", "ID", "FOR", "PER", ">KEYS", "LIMIT", ">SPENT", ">RESERVED", ">REMAINING", "RESETS")
		for i := range list.Limits {
			t.add(s.sharedRow(&list.Limits[i])...)
		}
		if t.empty() {
			return line(env.Stderr, "No shared limits. tollgate limits create NAME makes one.")
		}
		return t.write(env.Stdout, "")
	})
}

func (s *session) sharedRow(l *admin.SharedLimit) []string {
	row := []string{l.Name, l.ID, selectorText(l.Match), l.Per, count(l.Keys), l.Kind + " " + limitText(&l.Limit), "", "", "", ""}
	if l.Standing != nil {
		row[6], row[7], row[8] = amountText(l.Kind, l.Spent), amountText(l.Kind, l.Reserved), amountText(l.Kind, l.Remaining)
		row[9] = s.resets(&l.Limit)
	}
	return row
}

// selectorText tells which keys a shared limit is for.
func selectorText(match map[string]string) string {
	if len(match) == 0 {
		return "all keys"
	}
	labels := map[string]string{}
	for name, value := range match {
		labels[strings.TrimPrefix(name, "label.")] = value
	}
	return pairs(sortedNames(labels), labels)
}

// oneLimit is the flags of a single limit.
type oneLimit struct {
	Cost        string `group:"limit" placeholder:"AMOUNT" help:"US dollars: 500/month, 20/day@Europe/Berlin, 5 (for life)."`
	Tokens      string `group:"limit" placeholder:"AMOUNT" help:"Tokens of the models: 5M/week, 100k/60s."`
	Requests    string `group:"limit" placeholder:"AMOUNT" help:"Requests: 1000/day, 60/min (in any 60 seconds)."`
	Concurrency string `group:"limit" placeholder:"N" help:"Requests at the same time."`
	Timezone    string `group:"limit" placeholder:"ZONE" help:"Time zone of a window of the calendar; the default is UTC."`
}

// limit reads the one limit that the flags give.
func (f *oneLimit) limit() (*written, error) {
	all := limitFlags{Timezone: f.Timezone}
	for _, of := range []struct {
		text string
		to   *[]string
	}{{f.Cost, &all.Cost}, {f.Tokens, &all.Tokens}, {f.Requests, &all.Requests}, {f.Concurrency, &all.Concurrency}} {
		if of.text != "" {
			*of.to = []string{of.text}
		}
	}
	list, err := all.limits()
	switch {
	case err != nil:
		return nil, err
	case len(list) > 1:
		return nil, usageError("a shared limit is one limit: give one of --cost, --tokens, --requests and --concurrency")
	case len(list) == 0:
		return nil, nil
	}
	return &list[0], nil
}

type limitsCreate struct {
	Name string `arg:"" help:"Name of the limit."`
	oneLimit
	Label map[string]string `group:"scope" mapsep:"none" placeholder:"NAME=VALUE" help:"For keys with this label; several must all be there. Without one it is for all keys."`
	Per   string            `group:"scope" enum:"pool,each" default:"pool" placeholder:"pool" help:"pool: the keys draw from it together. each: every key has the amount for itself."`
	remote
}

// Help is shown below the summary.
func (*limitsCreate) Help() string {
	return `Keys that are made later and have the labels are under it too.

    tollgate limits create payments --cost 500/month --label team=payments
    tollgate limits create default --cost 5/day --per each` + "\n" + windowHelp
}

// matching gives the labels in the form of the API.
func matching(labels map[string]string) map[string]string {
	match := map[string]string{}
	for name, value := range labels {
		match["label."+name] = value
	}
	return match
}

// Run implements the command.
func (c *limitsCreate) Run(ctx context.Context, env *Environment) error {
	w, err := c.limit()
	if err != nil {
		return err
	}
	if w == nil {
		return usageError("say what is limited: one of --cost, --tokens, --requests and --concurrency")
	}
	l := w.Limit
	l.Name, l.Match, l.Per = c.Name, matching(c.Label), c.Per
	s, err := c.open(env)
	if err != nil {
		return err
	}
	made, err := s.CreateLimit(ctx, l)
	if err != nil {
		return s.explain(err)
	}
	return s.done(made, "Made %s (%s): %s", made.Limit.Name, made.Limit.ID, sharedText(&made.Limit))
}

func sharedText(l *admin.SharedLimit) string {
	who := "together"
	if l.Per == "each" {
		who = "each"
	}
	return fmt.Sprintf("%s %s for %s %s, now %s.", l.Kind, limitText(&l.Limit), selectorText(l.Match), who, some(l.Keys, "key"))
}

type limitsSet struct {
	Limit string `arg:"" help:"Id or name."`
	oneLimit
	Label    map[string]string `group:"scope" mapsep:"none" placeholder:"NAME=VALUE" help:"For keys with these labels, instead of those before."`
	EveryKey bool              `group:"scope" help:"For all keys."`
	Rename   string            `placeholder:"NAME" help:"Give it another name."`
	remote
}

// Help is shown below the summary.
func (*limitsSet) Help() string {
	return "The kind of a limit and whether it is a pool stay as they are.\n\n    tollgate limits set payments --cost 600/month\n" + windowHelp
}

// Run implements the command.
func (c *limitsSet) Run(ctx context.Context, env *Environment) error {
	w, err := c.limit()
	if err != nil {
		return err
	}
	patch := map[string]any{}
	switch {
	case c.Label != nil && c.EveryKey:
		return usageError("give either --label or --every-key, not both")
	case c.EveryKey:
		patch["match"] = map[string]string{}
	case c.Label != nil:
		patch["match"] = matching(c.Label)
	}
	if c.Rename != "" {
		patch["name"] = c.Rename
	}
	if len(patch) == 0 && w == nil {
		return usageError("nothing to change: tollgate limits set --help lists what can be")
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	changed, err := c.apply(ctx, s, patch, w)
	if err != nil {
		return s.explain(err)
	}
	return s.done(changed, "Changed %s (%s): %s", changed.Limit.Name, changed.Limit.ID, sharedText(&changed.Limit))
}

// apply sends the change, unless the limit is changed by somebody else meanwhile: a
// merge patch adds to the labels that are there, so those that go are named.
func (c *limitsSet) apply(ctx context.Context, s *session, patch map[string]any, w *written) (*admin.SharedLimitChanged, error) {
	old, err := s.Limit(ctx, c.Limit)
	if err != nil {
		return nil, err
	}
	if match, ok := patch["match"]; ok {
		patch["match"] = replacing(old.Match, match.(map[string]string))
	}
	if w != nil {
		if w.Kind != old.Kind {
			return nil, usageError(fmt.Sprintf("%s limits %s, and what a limit counts cannot change: make another limit", old.Name, old.Kind))
		}
		patch["amount"] = w.Amount
		if meant([]admin.Limit{old.Limit}, w) < 0 {
			patch["models"] = w.Models
			patch["window"] = windowPatch(w.Window)
		}
	}
	return s.EditLimit(ctx, old.ID, patch, client.IfMatch(old.ETag))
}

// replacing gives the merge patch that makes one map another.
func replacing(old, wanted map[string]string) map[string]any {
	patch := map[string]any{}
	for name := range old {
		patch[name] = nil
	}
	for name, value := range wanted {
		patch[name] = value
	}
	return patch
}

// windowPatch gives the merge patch that makes any window this one; nil: for life.
func windowPatch(w *admin.Window) any {
	if w == nil {
		return nil
	}
	patch := map[string]any{"calendar": nil, "timezone": nil, "anchor": nil, "fixed": nil, "origin": nil, "sliding": nil}
	for name, value := range map[string]string{"calendar": w.Calendar, "timezone": w.Timezone, "anchor": w.Anchor, "fixed": w.Fixed, "sliding": w.Sliding} {
		if value != "" {
			patch[name] = value
		}
	}
	return patch
}

type limitsDelete struct {
	Limit  string `arg:"" help:"Id or name."`
	Yes    bool   `short:"y" help:"Do not ask. Needed where nobody can answer."`
	Reason string `placeholder:"TEXT" help:"Why, for the record."`
	remote
}

// Run implements the command.
func (c *limitsDelete) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	if !c.Yes {
		l, err := s.Limit(ctx, c.Limit)
		if err != nil {
			return s.explain(err)
		}
		if err := s.confirm(false, "the limit", l.Name); err != nil {
			return err
		}
		c.Limit = l.ID
	}
	deleted, err := s.DeleteLimit(ctx, c.Limit, because(c.Reason)...)
	if err != nil {
		return s.explain(err)
	}
	return s.done(deleted, "Deleted %s.", deleted.ID)
}

type limitsAdjust struct {
	Limit  string `arg:"" help:"Id of a limit, of a key or shared."`
	By     string `required:"" placeholder:"AMOUNT" help:"What is added to what is spent, in dollars or in tokens and requests; with a minus (--by=-2.50), what is taken off."`
	Key    string `placeholder:"KEY" help:"Whose count, by id or name. A pool needs none."`
	Reason string `required:"" placeholder:"TEXT" help:"Why, for the record."`
	remote
}

// Help is shown below the summary.
func (*limitsAdjust) Help() string {
	return `Only the window that is current changes. A count does not go below zero.

    tollgate limits adjust lim_8Kq2mX1bWz0R --key checkout-prod --by=-2.50 --reason "provider credited an outage"`
}

// Run implements the command.
func (c *limitsAdjust) Run(ctx context.Context, env *Environment) error {
	magnitude, minus := strings.CutPrefix(c.By, "-")
	number, err := plainNumber(strings.TrimPrefix(magnitude, "$"))
	if err != nil {
		return usageError(fmt.Sprintf("--by %q: %v", brief(c.By), err))
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	kind, err := s.kindOf(ctx, c.Limit, c.Key)
	if err != nil {
		return s.explain(err)
	}
	by, err := parseAmount(kind, number)
	if err != nil {
		return usageError(fmt.Sprintf("--by %q: %v", brief(c.By), err))
	}
	if minus {
		by.Text = "-" + by.Text
	}
	done, err := s.Adjust(ctx, c.Limit, admin.Adjustment{Key: c.Key, By: by, Reason: c.Reason}, client.IdempotencyKey(rand.Text()))
	if err != nil {
		return s.explain(err)
	}
	return s.show(done, func() error {
		if err := line(env.Stderr, "Adjusted %s by %s.", limitName(&done.Limit), amountText(kind, done.By)); err != nil {
			return err
		}
		return s.standing([]admin.Limit{done.Limit}).write(env.Stdout, "")
	})
}

// kindOf tells what a limit counts, which says how its amounts are written.
func (s *session) kindOf(ctx context.Context, id, key string) (string, error) {
	if key != "" {
		k, err := s.Key(ctx, key)
		if err != nil {
			return "", err
		}
		for _, l := range slices.Concat(k.Limits, k.SharedLimits) {
			if l.ID == id || l.Name != "" && l.Name == id {
				return l.Kind, nil
			}
		}
		return "", noSuchLimit(k, "LIMIT", id)
	}
	l, err := s.Limit(ctx, id)
	if refused, ok := errors.AsType[*client.Error](err); ok && refused.Status == http.StatusNotFound {
		return "", usageError(fmt.Sprintf("there is no shared limit %s: if it is the limit of a key, say which with --key", brief(id)))
	}
	if err != nil {
		return "", err
	}
	return l.Kind, nil
}
