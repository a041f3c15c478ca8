package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"tollgate/api/admin"
)

type backup struct {
	File string `arg:"" help:"New file; it is not there yet."`
	remote
}

// Help is shown below the summary.
func (*backup) Help() string {
	return `The file is a tar archive of everything that the server keeps, as it is at one moment, made while it goes on
serving. Whoever has it has the digests of all keys and what makes them known again: it is made with mode 0600.
Unpacked into an empty data directory it is the server again.

    tollgate backup tollgate-$(date +%F).tar`
}

// Run implements the command.
func (c *backup) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	n, err := s.download(c.File, "backup", func() (io.ReadCloser, error) { return s.Client.Backup(ctx) })
	if err != nil {
		return err
	}
	return s.done(map[string]any{"file": c.File, "bytes": n}, "The backup is in %s (%s).", c.File, size(n))
}

// download writes what get gives to a new file that appears only when it is whole and
// on the disk.
func (s *session) download(path, what string, get func() (io.ReadCloser, error)) (int64, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, usageError(fmt.Sprintf("%s is there already: name a new file", path))
	}
	to, err := newPending(path)
	if err != nil {
		return 0, usageError(err.Error())
	}
	defer to.Close()
	body, err := get()
	if err != nil {
		return 0, s.explain(err)
	}
	defer body.Close()
	p := newProgress(s.env, "Received", 0)
	n, err := io.Copy(io.MultiWriter(to.file, p), body)
	p.end()
	if err == nil {
		err = to.finish()
	}
	if err != nil {
		return 0, fmt.Errorf("the %s was not finished, and nothing is left of it: %w", what, err)
	}
	return n, nil
}

type status struct{ remote }

// Run implements the command.
func (c *status) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	h, err := s.Health(ctx)
	if err != nil {
		return s.explain(err)
	}
	return s.show(h, func() error { return s.healthText(h) })
}

func (s *session) healthText(h *admin.Health) error {
	t := newTable("server", s.URL())
	t.add("version", h.Version)
	t.add("started", exactly(&h.StartedAt, s.now, ""))
	t.add("configuration", "read "+moment(&h.ReloadedAt, s.now, "at the start"))
	if h.ReloadError != "" {
		t.add("", "the file has a problem, the one before is in force: "+h.ReloadError)
	}
	t.add("data", h.DataDir)
	t.add("database", h.Database)
	t.add("ledger", some(int64(h.LedgerRows), "row"))
	credentials := "can be stored"
	if !h.MasterKey {
		credentials = "cannot be stored: the server has no master key (TOLLGATE_MASTER_KEY_FILE)"
	}
	t.add("credentials", credentials)
	return t.write(s.env.Stdout, "")
}
