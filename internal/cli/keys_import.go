package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"tollgate/api/admin"
)

type keysImport struct {
	File        string `arg:"" help:"The list; - is standard input."`
	Format      string `enum:"auto,ndjson,csv,litellm" default:"auto" placeholder:"auto" help:"auto, ndjson, csv, or litellm: an export of its verification tokens."`
	DryRun      bool   `help:"Check everything and change nothing."`
	SkipRefused bool   `help:"Take over the other keys though some lines are refused. Otherwise one refused line stops the import before anything is changed."`
	remote
}

// Help is shown below the summary.
func (*keysImport) Help() string {
	return `Keys keep the secrets that clients have: values, or hashes of them. Doing it twice does no harm.

    tollgate keys import keys.csv --dry-run
    tollgate keys import tokens.json --format litellm`
}

// Run implements the command.
func (c *keysImport) Run(ctx context.Context, env *Environment) error {
	from, size, err := c.list(env)
	if err != nil {
		return err
	}
	defer from.Close()
	s, err := c.open(env)
	if err != nil {
		return err
	}
	p := newProgress(env, "Sent", size)
	var told func(admin.ImportProgress) // nil: nobody looks
	if p.to != nil {
		told = func(at admin.ImportProgress) { p.lines(importVerbs[at.Step], at.Done, at.Total) }
	}
	done, err := s.ImportKeys(ctx, admin.ImportInput{Format: c.Format, DryRun: c.DryRun, SkipRefused: c.SkipRefused}, p.reader(from), told)
	p.end()
	if err != nil {
		return s.explain(err)
	}
	if err := s.show(done, func() error { return s.imported(done) }); err != nil {
		return err
	}
	if done.Refused > 0 {
		return exitError{code: exitRefused}
	}
	return nil
}

// importVerbs are what is done to lines in the steps of an import.
var importVerbs = map[string]string{"check": "Checked", "store": "Imported"}

// list opens the list, and tells its size if that is known.
func (c *keysImport) list(env *Environment) (io.ReadCloser, int64, error) {
	if c.File == "-" {
		return io.NopCloser(env.Stdin), 0, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, 0, usageError(err.Error())
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = usageError(c.File + " is a directory")
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (s *session) imported(done *admin.Imported) error {
	t := newTable(">LINE", "NAME", "ID", "OUTCOME", "")
	for i := range done.Lines {
		l := &done.Lines[i]
		t.add(fmt.Sprint(l.Line), l.Name, l.ID, l.Outcome, l.Message)
	}
	if !t.empty() {
		if err := t.write(s.env.Stdout, ""); err != nil {
			return err
		}
	}
	verb := "Imported"
	if done.DryRun {
		verb = "Nothing was changed. This would import"
	}
	return line(s.env.Stderr, "%s %s (%s): %s here already, %s refused.", verb, some(int64(done.Created), "key"), done.Format, count(int64(done.Unchanged)), count(int64(done.Refused)))
}
