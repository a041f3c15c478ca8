package cli

import (
	"context"

	"tollgate/api/admin"
)

type credentials struct {
	List   credentialsList   `cmd:"" help:"List provider credentials, without their values."`
	Add    credentialsAdd    `cmd:"" help:"Store a provider credential."`
	Rotate credentialsRotate `cmd:"" help:"Replace the value of a provider credential."`
	Test   credentialsTest   `cmd:"" help:"Call the provider with a credential."`
	Delete credentialsDelete `cmd:"" help:"Delete a provider credential."`
}

type credentialsList struct{ remote }

// Run implements the command.
func (c *credentialsList) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	list, err := s.Credentials(ctx)
	if err != nil {
		return s.explain(err)
	}
	return s.show(list, func() error {
		t := newTable("NAME", "ID", "PROVIDER", "HOST", "ENDS IN", "ROTATED", "TESTED", "RESULT")
		for i := range list.Credentials {
			k := &list.Credentials[i]
			t.add(k.Name, k.ID, k.Provider, k.Host, k.Last4, moment(k.RotatedAt, s.now, "never"), moment(k.TestedAt, s.now, "never"), k.TestResult)
		}
		if t.empty() {
			return line(env.Stderr, "No provider credentials are stored. tollgate credentials add NAME --provider PROVIDER stores one.")
		}
		return t.write(env.Stdout, "")
	})
}

type credentialsAdd struct {
	Name     string `arg:"" help:"Name that a configuration calls it by."`
	Provider string `required:"" placeholder:"PROVIDER" help:"Whose it is: openAI, anthropic, gemini, …"`
	Host     string `placeholder:"HOST" help:"The only host that it is sent to; the default is the provider's own."`
	valueSource
	remote
}

// Help is shown below the summary.
func (*credentialsAdd) Help() string {
	return `The value comes from a file, the environment or standard input, never from the command line, which others can see.

    tollgate credentials add openai-main --provider openAI --from-file key.txt
    pass show openai | tollgate credentials add openai-main --provider openAI`
}

// Run implements the command.
func (c *credentialsAdd) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	value, err := c.read(env)
	if err != nil {
		return err
	}
	made, err := s.CreateCredential(ctx, admin.CredentialInput{Name: c.Name, Provider: c.Provider, Host: c.Host, Value: value.Reveal()})
	if err != nil {
		return s.explain(err)
	}
	return s.done(made, "Stored %s (%s) for %s at %s. tollgate credentials test %s tries it.",
		made.Credential.Name, made.Credential.ID, made.Credential.Provider, made.Credential.Host, made.Credential.Name)
}

type credentialsRotate struct {
	Credential string `arg:"" help:"Id or name."`
	valueSource
	remote
}

// Run implements the command.
func (c *credentialsRotate) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	value, err := c.read(env)
	if err != nil {
		return err
	}
	changed, err := s.RotateCredential(ctx, c.Credential, admin.CredentialValue{Value: value.Reveal()})
	if err != nil {
		return s.explain(err)
	}
	return s.done(changed, "Replaced the value of %s (%s): the next request uses it.", changed.Credential.Name, changed.Credential.ID)
}

type credentialsTest struct {
	Credential string `arg:"" help:"Id or name."`
	remote
}

// Help is shown below the summary.
func (*credentialsTest) Help() string {
	return "Ends with 1 if the provider does not accept the credential, or does not answer."
}

// Run implements the command.
func (c *credentialsTest) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	result, err := s.TestCredential(ctx, c.Credential)
	if err != nil {
		return s.explain(err)
	}
	word := "accepted"
	switch {
	case result.OK:
	case result.Status == 0:
		word = "not tested" // nobody answered
	default:
		word = "not accepted"
	}
	if err := s.show(result, func() error { return line(env.Stdout, "%s: %s", word, result.Message) }); err != nil {
		return err
	}
	if !result.OK {
		return exitError{code: exitFailure}
	}
	return nil
}

type credentialsDelete struct {
	Credential string `arg:"" help:"Id or name."`
	Yes        bool   `short:"y" help:"Do not ask. Needed where nobody can answer."`
	Reason     string `placeholder:"TEXT" help:"Why, for the record."`
	remote
}

// Run implements the command.
func (c *credentialsDelete) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	if !c.Yes {
		k, err := s.Credential(ctx, c.Credential)
		if err != nil {
			return s.explain(err)
		}
		if err := s.confirm(false, "the provider credential", k.Name); err != nil {
			return err
		}
		c.Credential = k.ID
	}
	deleted, err := s.DeleteCredential(ctx, c.Credential, because(c.Reason)...)
	if err != nil {
		return s.explain(err)
	}
	return s.done(deleted, "Deleted %s.", deleted.ID)
}
