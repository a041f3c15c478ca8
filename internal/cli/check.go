package cli

import (
	"context"

	"tollgate/api/admin"
)

type check struct {
	Key         string `arg:"" help:"Id or name."`
	Model       string `required:"" placeholder:"MODEL" help:"Model that would be asked for."`
	Operation   string `default:"chat" placeholder:"chat" help:"chat, responses, messages, embeddings, …"`
	Address     string `placeholder:"IP" help:"Address of the client."`
	InputTokens int64  `placeholder:"N" help:"Tokens of input."`
	MaxTokens   int64  `placeholder:"N" help:"Output bound of the request."`
	remote
}

// Help is shown below the summary.
func (*check) Help() string {
	return `Ends with 0 if the request would pass and with 4 if it would be refused.

    tollgate check checkout-prod --model gpt-5 --input-tokens 2000 --max-tokens 500`
}

// Run implements the command.
func (c *check) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	found, err := s.Check(ctx, admin.Check{
		Key: c.Key, Model: c.Model, Operation: c.Operation, Address: c.Address, InputTokens: c.InputTokens, MaxTokens: c.MaxTokens,
	})
	if err != nil {
		return s.explain(err)
	}
	if err := s.show(found, func() error { return s.checked(found) }); err != nil {
		return err
	}
	if !found.Allowed {
		return exitError{code: exitRefused}
	}
	return nil
}

func (s *session) checked(found *admin.Checked) error {
	to := s.env.Stdout
	var err error
	if found.Allowed {
		err = line(to, "It would pass.")
	} else {
		err = line(to, "It would be refused with %d %s: %s", found.Status, found.Code, found.Message)
	}
	if err != nil {
		return err
	}
	if found.Limit != nil {
		if err := line(to, "Refused by %s: %s %s", limitName(found.Limit), found.Limit.Kind, limitText(found.Limit)); err != nil {
			return err
		}
	}
	if found.Price == "unknown" {
		if err := line(to, "No price is known for it."); err != nil {
			return err
		}
	}
	if b := found.Bound; b != nil {
		if err := line(to, "At most %s and %s would be set aside.", dollars(b.CostUSD.Text), some(b.Tokens, "token")); err != nil {
			return err
		}
	}
	if len(found.Limits) == 0 {
		return nil
	}
	if err := line(to, ""); err != nil {
		return err
	}
	return s.standing(found.Limits).write(to, "")
}
