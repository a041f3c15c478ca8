package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"tollgate/api/admin"
)

type trail struct {
	Tail   auditTail   `cmd:"" help:"Show the last changes."`
	Export auditExport `cmd:"" help:"Write the trail as lines of JSON, the oldest event first."`
	Verify auditVerify `cmd:"" help:"Check that nothing was altered or taken out."`
}

// eventFlags choose audit events.
type eventFlags struct {
	Actor   string `placeholder:"ID" help:"By whom: the id of an admin token."`
	Action  string `placeholder:"ACTION" help:"What: key.create, key.revoke, credential.rotate, …"`
	Target  string `placeholder:"ID" help:"About what: the id of a key, a limit, …"`
	Related string `placeholder:"KEY_ID" help:"About a key or one of its limits: the id of the key."`
	Outcome string `enum:",done,refused" default:"" placeholder:"OUTCOME" help:"done or refused."`
	period
}

func (f *eventFlags) filter(now time.Time) (admin.EventFilter, error) {
	from, to, err := f.span(now)
	return admin.EventFilter{Actor: f.Actor, Action: f.Action, Target: f.Target, Related: f.Related, Outcome: f.Outcome, From: from, To: to}, err
}

type auditTail struct {
	Number   int           `short:"n" default:"20" placeholder:"20" help:"How many, at most 200."`
	Follow   bool          `short:"f" help:"Go on with what happens next, until interrupted."`
	Interval time.Duration `default:"2s" placeholder:"2s" help:"How often to look with --follow."`
	eventFlags
	remote
}

// Help is shown below the summary.
func (*auditTail) Help() string {
	return "With -o json every event is a line of its own."
}

// Run implements the command.
func (c *auditTail) Run(ctx context.Context, env *Environment) error {
	if c.Number < 1 || c.Number > 200 {
		return usageError("-n: it is a number from 1 to 200")
	}
	if c.Interval <= 0 {
		return usageError("--interval: it must be longer than nothing")
	}
	f, err := c.filter(env.now())
	if err != nil {
		return err
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	f.Limit = c.Number
	page, err := s.Events(ctx, f)
	if err != nil {
		return s.explain(err)
	}
	last := uint64(0)
	slices.Reverse(page.Events)
	for i := range page.Events {
		if err := s.event(&page.Events[i]); err != nil {
			return err
		}
		last = page.Events[i].ID
	}
	if !c.Follow {
		return nil
	}
	return s.follow(ctx, f, last, c.Interval)
}

// follow shows what happens after an event until it is interrupted.
func (s *session) follow(ctx context.Context, f admin.EventFilter, last uint64, interval time.Duration) error {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		var fresh []*admin.Event
		for e, err := range s.AllEvents(ctx, f) {
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return s.explain(err)
			}
			if e.ID <= last {
				break
			}
			fresh = append(fresh, e)
		}
		for _, e := range slices.Backward(fresh) {
			if err := s.event(e); err != nil {
				return err
			}
			last = e.ID
		}
	}
}

// event writes one event.
func (s *session) event(e *admin.Event) error {
	to := s.env.Stdout
	if s.json {
		enc := json.NewEncoder(to)
		enc.SetEscapeHTML(false)
		return enc.Encode(e)
	}
	who := first(e.Actor.Name, e.Actor.ID, e.Actor.Kind)
	if e.Actor.Role != "" {
		who += " (" + e.Actor.Role + ")"
	}
	if e.Actor.From != "" {
		who += " from " + e.Actor.From
	}
	what := first(e.Target.Name, e.Target.ID)
	if e.Target.Name != "" && e.Target.ID != "" {
		what += " (" + e.Target.ID + ")"
	}
	text := fmt.Sprintf("%s  #%d  %s  %s", e.At.Format("2006-01-02 15:04:05 MST"), e.ID, who, e.Action)
	if what != "" {
		text += "  " + e.Target.Kind + " " + what
	}
	if e.Outcome != "done" {
		text += "  " + e.Outcome
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if err := line(to, "%s", text); err != nil {
		return err
	}
	for _, d := range e.Diff {
		if err := line(to, "    %s: %s → %s", d.Path, first(string(d.Before), "(nothing)"), first(string(d.After), "(nothing)")); err != nil {
			return err
		}
	}
	return nil
}

type auditExport struct {
	File string `arg:"" optional:"" help:"New file (mode 0600); without one the trail goes to standard output."`
	eventFlags
	remote
}

// Help is shown below the summary.
func (*auditExport) Help() string {
	return `A whole export can be verified anywhere, without a server. The export itself is put on record, as its last event.

    tollgate audit export trail.ndjson
    tollgate audit verify trail.ndjson`
}

// Run implements the command.
func (c *auditExport) Run(ctx context.Context, env *Environment) error {
	f, err := c.filter(env.now())
	if err != nil {
		return err
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	get := func() (io.ReadCloser, error) { return s.ExportEvents(ctx, f) }
	if c.File == "" {
		body, err := get()
		if err != nil {
			return s.explain(err)
		}
		defer body.Close()
		if _, err := io.Copy(env.Stdout, body); err != nil {
			return fmt.Errorf("the export ended early and is not whole: %w", err)
		}
		return nil
	}
	n, err := s.download(c.File, "export", get)
	if err != nil {
		return err
	}
	return line(env.Stderr, "The audit trail is in %s (%s).", c.File, size(n))
}
