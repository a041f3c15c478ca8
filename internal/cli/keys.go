package cli

import (
	"context"
	"fmt"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/secret"
)

type keys struct {
	Create  keysCreate  `cmd:"" help:"Make a key."`
	List    keysList    `cmd:"" help:"List keys."`
	Show    keysShow    `cmd:"" help:"Show a key, and how its limits stand."`
	Set     keysSet     `cmd:"" help:"Change a key."`
	Rotate  keysRotate  `cmd:"" help:"Give a key a new secret. Nothing else changes."`
	Disable keysDisable `cmd:"" help:"Refuse a key until it is enabled."`
	Enable  keysEnable  `cmd:"" help:"Accept a disabled key again."`
	Revoke  keysRevoke  `cmd:"" help:"Refuse a key for ever, from the next request on."`
	Delete  keysDelete  `cmd:"" help:"Delete a key for ever. Its history stays."`
	Import  keysImport  `cmd:"" help:"Take keys over from elsewhere, so that no client changes."`
}

// scopeFlags say what a key may be used for.
type scopeFlags struct {
	Models     []string          `group:"scope" placeholder:"MODEL" help:"Models it may use: a name, 'gpt-5*', '*-mini' or '*'. The default is all."`
	Deny       []string          `group:"scope" placeholder:"MODEL" help:"Models it may not use, whatever --models says."`
	Operations []string          `group:"scope" placeholder:"NAME" help:"Operations it may use: chat, responses, messages, embeddings, … The default is all."`
	Networks   []string          `group:"scope" placeholder:"CIDR" help:"Addresses that may use it: 10.0.0.0/8, 192.0.2.7. The default is all."`
	Label      map[string]string `group:"scope" mapsep:"none" placeholder:"NAME=VALUE" help:"A label, for shared limits and reports: team=payments. May be given several times."`
	Expires    string            `group:"scope" placeholder:"WHEN" help:"When it ends: 90d, 2026-12-31 (with the end of that day), or an instant."`
}

type keysCreate struct {
	Name string `arg:"" help:"Name of the key: free, and unique among keys that are not deleted."`
	limitFlags
	scopeFlags
	MaxTokens int64 `group:"scope" placeholder:"N" help:"Output bound for requests that have none."`
	Clamp     bool  `group:"scope" help:"Lower an output bound that the budget cannot pay, instead of refusing."`
	Discreet  bool  `group:"scope" help:"Tell the holder of the key no amounts."`
	Disabled  bool  `help:"Make it disabled."`
	secretFile
	remote
}

// Help is shown below the summary.
func (*keysCreate) Help() string {
	return `Prints the secret on standard output, this once, and everything else on standard error.

    tollgate keys create checkout-prod --cost 200/month --cost 20/day --rpm 60 --expires 90d
    tollgate keys create batch --tokens 5M/week --models 'gpt-5*,claude-*' --label team=data
    KEY=$(tollgate keys create ci --cost 5)
    tollgate keys create app --cost 50/month@Europe/Berlin --secret-file app.key
` + windowHelp
}

// Run implements the command.
func (c *keysCreate) Run(ctx context.Context, env *Environment) error {
	in, err := c.input(env.now())
	if err != nil {
		return err
	}
	to, err := c.begin(false)
	if err != nil {
		return err
	}
	defer to.Close()
	s, err := c.open(env)
	if err != nil {
		return err
	}
	made, err := s.CreateKey(ctx, *in)
	if err != nil {
		return s.explain(err)
	}
	return s.made(to, made, "Made", "")
}

func (c *keysCreate) input(now time.Time) (*admin.KeyInput, error) {
	list, err := c.limits()
	if err != nil {
		return nil, err
	}
	in := &admin.KeyInput{
		Name: c.Name, Labels: c.Label, Operations: c.Operations, Networks: c.Networks, Limits: bare(list),
		MaxTokens: c.MaxTokens, Clamp: c.Clamp, Discreet: c.Discreet, Disabled: c.Disabled,
	}
	if c.MaxTokens < 0 {
		return nil, usageError("--max-tokens: it must not be below zero")
	}
	if c.Models != nil || c.Deny != nil {
		in.Models = &admin.Models{Allow: c.Models, Deny: c.Deny}
	}
	if c.Expires != "" {
		zone, err := zoneOf(c.Timezone)
		if err != nil {
			return nil, err
		}
		at, err := parseExpiry(c.Expires, zone, now)
		if err != nil {
			return nil, err
		}
		in.ExpiresAt = &at
	}
	return in, nil
}

// made tells of a key with a new secret, and hands the secret over.
func (s *session) made(to *pending, made *admin.KeyCreated, verb, note string) error {
	value := secret.New(made.Secret)
	again := fmt.Sprintf("tollgate keys rotate %s --grace 0s makes another", made.Key.ID)
	if s.json {
		if to.file != nil {
			made.Secret = ""
			if err := s.hand(to, value, again); err != nil {
				return err
			}
		}
		return printJSON(s.env.Stdout, made)
	}
	if err := s.summary(&made.Key, verb); err != nil {
		return err
	}
	if note != "" {
		if err := line(s.env.Stderr, "%s", note); err != nil {
			return err
		}
	}
	return s.hand(to, value, again)
}

// summary tells of a key in a few lines on standard error.
func (s *session) summary(k *admin.Key, verb string) error {
	to := s.env.Stderr
	if err := line(to, "%s %s (%s), %s, %s.", verb, k.Name, k.ID, k.Status, expiryText(k, s.now)); err != nil {
		return err
	}
	for i := range k.Limits {
		l := &k.Limits[i]
		if err := line(to, "  %s %s", l.Kind, limitText(l)); err != nil {
			return err
		}
	}
	for i := range k.SharedLimits {
		l := &k.SharedLimits[i]
		if err := line(to, "  %s %s, shared: %s", l.Kind, limitText(l), limitName(l)); err != nil {
			return err
		}
	}
	if len(k.Limits)+len(k.SharedLimits) == 0 {
		return line(to, "  It has no limits: tollgate keys set %s --cost 20/day gives it one.", k.ID)
	}
	return nil
}

func expiryText(k *admin.Key, now time.Time) string {
	switch {
	case k.ExpiresAt == nil:
		return "never expires"
	case k.ExpiresAt.After(now):
		return "expires " + relative(*k.ExpiresAt, now)
	}
	return "expired " + relative(*k.ExpiresAt, now)
}

type keysRotate struct {
	Key   string `arg:"" help:"Id or name."`
	Grace string `default:"24h" placeholder:"24h" help:"How long the old secret lives on, at most 7d; 0s ends it at once."`

	EndPrevious bool `help:"End a secret that is still in the grace of the rotation before. Otherwise such a rotation is refused: a key has two live secrets at most."`
	secretFile
	remote
}

// Help is shown below the summary.
func (*keysRotate) Help() string {
	return `The key keeps its id, its limits and what they have counted. A file that --secret-file names is replaced.

    tollgate keys rotate checkout-prod --grace 24h --secret-file checkout.key`
}

// Run implements the command.
func (c *keysRotate) Run(ctx context.Context, env *Environment) error {
	grace, err := parseDuration(c.Grace)
	if err != nil {
		return usageError("--grace: " + err.Error())
	}
	to, err := c.begin(true)
	if err != nil {
		return err
	}
	defer to.Close()
	s, err := c.open(env)
	if err != nil {
		return err
	}
	made, err := s.RotateKey(ctx, c.Key, admin.Rotation{Grace: durationText(grace), EndPrevious: c.EndPrevious})
	if err != nil {
		return s.explain(err)
	}
	note := "The old secret is refused from now on."
	if grace > 0 {
		note = "The old secret works until " + stamp(env.now().Add(grace).UTC()) + "."
		for i := range made.Ended {
			note += "\nThe secret …" + made.Ended[i].Last4 + ", which was in the grace of the rotation before, is refused from now on."
		}
	}
	return s.made(to, made, "Rotated", note)
}

type keysDisable struct {
	Key    string `arg:"" help:"Id or name."`
	Reason string `placeholder:"TEXT" help:"Why, for the record."`
	remote
}

// Run implements the command.
func (c *keysDisable) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	changed, err := s.DisableKey(ctx, c.Key, admin.Reason{Reason: c.Reason})
	if err != nil {
		return s.explain(err)
	}
	return s.done(changed, "Disabled %s (%s). Requests under way finish.", changed.Key.Name, changed.Key.ID)
}

type keysEnable struct {
	Key    string `arg:"" help:"Id or name."`
	Reason string `placeholder:"TEXT" help:"Why, for the record."`
	remote
}

// Run implements the command.
func (c *keysEnable) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	changed, err := s.EnableKey(ctx, c.Key, admin.Reason{Reason: c.Reason})
	if err != nil {
		return s.explain(err)
	}
	return s.done(changed, "Enabled %s (%s): it is %s.", changed.Key.Name, changed.Key.ID, changed.Key.Status)
}

type keysRevoke struct {
	Key    string `arg:"" help:"Id or name."`
	Cut    bool   `help:"End its requests under way too; otherwise they finish."`
	Reason string `placeholder:"TEXT" help:"Why, for the record."`
	remote
}

// Run implements the command.
func (c *keysRevoke) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	how := admin.Revocation{Mode: "drain", Reason: c.Reason}
	flights := "Requests under way finish."
	if c.Cut {
		how.Mode, flights = "cut", "Its requests under way were ended."
	}
	changed, err := s.RevokeKey(ctx, c.Key, how)
	if err != nil {
		return s.explain(err)
	}
	return s.done(changed, "Revoked %s (%s) for ever. %s", changed.Key.Name, changed.Key.ID, flights)
}

type keysDelete struct {
	Key    string `arg:"" help:"Id or name."`
	Yes    bool   `short:"y" help:"Do not ask. Needed where nobody can answer."`
	Reason string `placeholder:"TEXT" help:"Why, for the record."`
	remote
}

// Run implements the command.
func (c *keysDelete) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	if !c.Yes {
		k, err := s.Key(ctx, c.Key)
		if err != nil {
			return s.explain(err)
		}
		if err := s.confirm(false, "the key", k.Name); err != nil {
			return err
		}
		c.Key = k.ID
	}
	deleted, err := s.DeleteKey(ctx, c.Key, because(c.Reason)...)
	if err != nil {
		return s.explain(err)
	}
	return s.done(deleted, "Deleted %s. Its history stays readable under that id.", deleted.ID)
}
