package cli

import (
	"context"
	"fmt"

	"tollgate/api/admin"
	"tollgate/internal/secret"
)

type tokens struct {
	List   tokensList   `cmd:"" help:"List admin tokens, without their values."`
	Create tokensCreate `cmd:"" help:"Make an admin token."`
	Delete tokensDelete `cmd:"" help:"End an admin token at once."`
}

type tokensList struct{ remote }

// Run implements the command.
func (c *tokensList) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	list, err := s.AdminTokens(ctx)
	if err != nil {
		return s.explain(err)
	}
	return s.show(list, func() error {
		t := newTable("NAME", "ID", "ROLE", "ENDS IN", "CREATED", "BY", "EXPIRES", "LAST USED")
		for i := range list.Tokens {
			k := &list.Tokens[i]
			t.add(k.Name, k.ID, k.Role, k.Last4, relative(k.CreatedAt, s.now), k.CreatedBy, moment(k.ExpiresAt, s.now, "never"), since(k.LastUsedAt, s.now))
		}
		if t.empty() {
			return line(env.Stderr, "No admin tokens are stored.")
		}
		return t.write(env.Stdout, "")
	})
}

type tokensCreate struct {
	Name    string `arg:"" help:"Who or what uses it."`
	Role    string `required:"" enum:"owner,admin,auditor,viewer" placeholder:"ROLE" help:"owner: everything. admin: everything but admin tokens. auditor: reads everything. viewer: no requests, no record of changes."`
	Expires string `placeholder:"WHEN" help:"When it ends: 90d, 2026-12-31, or an instant. The default is never."`
	secretFile
	remote
}

// Help is shown below the summary.
func (*tokensCreate) Help() string {
	return `Prints the token on standard output, this once.

    tollgate tokens create terraform --role admin --expires 90d --secret-file terraform.token`
}

// Run implements the command.
func (c *tokensCreate) Run(ctx context.Context, env *Environment) error {
	in := admin.AdminTokenInput{Name: c.Name, Role: c.Role}
	if c.Expires != "" {
		utc, _ := zoneOf("")
		at, err := parseExpiry(c.Expires, utc, env.now())
		if err != nil {
			return err
		}
		in.ExpiresAt = &at
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
	made, err := s.CreateAdminToken(ctx, in)
	if err != nil {
		return s.explain(err)
	}
	value := secret.New(made.Secret)
	again := fmt.Sprintf("delete %s and make another", made.Token.ID)
	if s.json {
		if to.file != nil {
			made.Secret = ""
			if err := s.hand(to, value, again); err != nil {
				return err
			}
		}
		return printJSON(env.Stdout, made)
	}
	if err := line(env.Stderr, "Made the admin token %s (%s) with the role %s.", made.Token.Name, made.Token.ID, made.Token.Role); err != nil {
		return err
	}
	return s.hand(to, value, again)
}

type tokensDelete struct {
	Token string `arg:"" help:"Id."`
	Yes   bool   `short:"y" help:"Do not ask. Needed where nobody can answer."`
	remote
}

// Run implements the command.
func (c *tokensDelete) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	if err := s.confirm(c.Yes, "the admin token", c.Token); err != nil {
		return err
	}
	deleted, err := s.DeleteAdminToken(ctx, c.Token)
	if err != nil {
		return s.explain(err)
	}
	return s.done(deleted, "Deleted %s: it is refused from now on.", deleted.ID)
}
