package cli

import (
	"context"
	"fmt"

	"tollgate/api/admin"
)

type providers struct{ remote }

// Help is shown below the summary.
func (*providers) Help() string {
	return `One line for each target: resting ones are passed over until their time while another is left, failing ones are tried
like others, and of an unknown one nothing was seen since the start of the server. Tries and failures are those of the last five minutes.`
}

// Run implements the command.
func (c *providers) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	list, err := s.Providers(ctx)
	if err != nil {
		return s.explain(err)
	}
	return s.show(list, func() error {
		t := newTable("PROVIDER", "BACKEND", "HOST", "MODEL", "STATE", ">FIRST BYTE", ">TRIES", ">FAILED", "CREDENTIALS", "LAST ERROR")
		for i := range list.Providers {
			p := &list.Providers[i]
			if len(p.Targets) == 0 {
				t.add(p.Name, "", p.DefaultHost, "", "not configured", "", "", "", joined(p.Credentials), "")
			}
			for j := range p.Targets {
				to := &p.Targets[j]
				t.add(p.Name, to.Backend, to.Host, first(to.Model, "as asked"), s.state(to), latency(to), count(int64(to.Requests)), count(int64(to.Failed)),
					joined(p.Credentials), s.lastError(to))
			}
		}
		if t.empty() {
			return line(env.Stderr, "The configuration has no providers, and no provider credentials are stored.")
		}
		return t.write(env.Stdout, "")
	})
}

// state says how a target is, and for how long it rests.
func (s *session) state(t *admin.ProviderTarget) string {
	if t.RestsUntil == nil {
		return t.State
	}
	return fmt.Sprintf("%s for %.0f s", t.State, max(1, t.RestsUntil.Sub(s.now).Seconds()))
}

func latency(t *admin.ProviderTarget) string {
	switch {
	case t.Latency == 0:
		return "–"
	case t.Latency < 0.001:
		return "<1 ms"
	case t.Latency < 1:
		return fmt.Sprintf("%.0f ms", t.Latency*1000)
	default:
		return seconds(t.Latency) + " s"
	}
}

func (s *session) lastError(t *admin.ProviderTarget) string {
	if t.LastErrorAt == nil {
		return ""
	}
	return t.LastError + ", " + relative(*t.LastErrorAt, s.now)
}
