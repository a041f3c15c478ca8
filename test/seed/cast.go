package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/control"
)

// team is a team of the company in the story.
type team struct {
	name, costCenter, owner string
	services                []string
}

var teams = []team{
	{"payments", "4100", "maria.santos", []string{"checkout", "fraud-scoring", "invoice-reader", "dispute-assistant"}},
	{"search", "4200", "jonas.weber", []string{"product-search", "query-rewriter", "catalog-tagger"}},
	{"support", "4300", "aisha.khan", []string{"helpdesk-bot", "ticket-triage", "reply-drafts", "call-summaries"}},
	{"growth", "4400", "liam.oconnor", []string{"campaign-writer", "ab-copy-lab"}},
	{"data", "4500", "chen.li", []string{"nightly-labels", "sql-copilot", "report-narrator"}},
	{"platform", "4600", "sofia.rossi", []string{"code-review-bot", "incident-notes", "log-explainer"}},
	{"mobile", "4700", "noah.andersson", []string{"app-assistant", "voice-notes"}},
	{"legal", "4800", "eva.dubois", []string{"contract-reader", "policy-search"}},
}

// maxServices is how many of the keys have a life of their own; the others are customers.
const maxServices = 60

// operators are those who change things, by role.
var operators = []struct {
	name string
	role actor.Role
}{{"owner", actor.Owner}, {"maria.santos", actor.Admin}, {"terraform", actor.Admin}, {"audit-export", actor.Auditor}, {"wall-display", actor.Viewer}}

// planTokens makes the admin tokens.
func (s *story) planTokens() {
	for i, o := range operators {
		s.then(s.clock.begin.Add(time.Duration(i)*29*time.Minute), func(ctx context.Context) error {
			made, err := s.control.MakeToken(ctx, s.owner, admin.AdminTokenInput{Name: o.name, Role: o.role.String()})
			if err != nil {
				return err
			}
			s.told.Tokens = append(s.told.Tokens, named{made.Token.ID, made.Token.Name, made.Token.Role, made.Secret})
			if i == 0 {
				s.owner.Actor = actor.Actor{Kind: actor.Token, ID: made.Token.ID, Name: o.name, Role: o.role}
			}
			return nil
		})
	}
}

// by is a call of one of the operators with the role of an admin.
func (s *story) by(i int) control.Call {
	t := s.told.Tokens[1+i%2]
	return control.Call{Actor: actor.Actor{Kind: actor.Token, ID: t.ID, Name: t.Name, Role: actor.Admin}, RequestID: fmt.Sprintf("req_seed%016d", i)}
}

// planServices plans the lives of the keys of services, and gives how many they are.
func (s *story) planServices() int {
	n := min(s.keys, maxServices)
	i := 0
	for _, env := range []string{"prod", "staging", "dev"} {
		for depth := range 4 {
			for _, t := range teams {
				if depth < len(t.services) && i < n {
					s.planService(i, n, t, t.services[depth], env)
					i++
				}
			}
		}
	}
	return i
}

// planService plans the life of one key.
func (s *story) planService(i, n int, t team, service, env string) {
	in := admin.KeyInput{Name: service + "-" + env, Labels: map[string]string{"team": t.name, "env": env, "owner": t.owner, "cost_center": t.costCenter}}
	s.limits(&in, i, n)
	switch i % 10 {
	case 3:
		in.Models = &admin.Models{Allow: []string{"gpt-5*", "gpt-4.1", "text-embedding-*"}}
	case 6:
		in.Models = &admin.Models{Allow: []string{"claude-*", "gemini-*", "mistral-*"}}
		in.MaxTokens = 4096
	case 8:
		in.Networks = []string{"10.20.0.0/16"}
	}
	end := func(d time.Duration) *time.Time { t := s.until.Add(d).Truncate(time.Hour); return &t }
	switch i {
	case n / 4:
		in.ExpiresAt = end(3 * 24 * time.Hour)
	case n / 3:
		in.ExpiresAt = end(6 * 24 * time.Hour)
	case n / 2:
		in.ExpiresAt = end(-4 * 24 * time.Hour)
	case n * 3 / 4:
		in.ExpiresAt = end(200 * 24 * time.Hour)
	}
	made := s.clock.begin.Add(24*time.Hour + time.Duration(i)*before*8/10/time.Duration(n))
	made = time.Date(made.Year(), made.Month(), made.Day(), 8+i%9, i*7%60, i*11%60, 0, time.UTC)
	id := ""
	s.then(made, func(ctx context.Context) error {
		out, err := s.control.CreateKey(ctx, s.by(i), in)
		if err != nil {
			return err
		}
		id = out.Key.ID
		s.told.Keys = append(s.told.Keys, named{ID: id, Name: in.Name, Secret: out.Secret})
		s.holders = append(s.holders, s.plane.holders[id])
		s.cast(s.plane.holders[id], in.Models)
		return nil
	})
	s.planChanges(i, n, in.Name, func() string { return id })
}

// margins are how a monthly limit compares with what a service comes to: some are too tight.
var margins = [...]float64{1.6, 2.5, 1.15, 4, 1.3, 0.85, 1.8}

// limits gives a service what it may use, by what it will.
func (s *story) limits(in *admin.KeyInput, i, n int) {
	zone := [...]string{"", "Europe/Berlin", "America/New_York"}[i%3]
	if i%13 == 11 {
		return // nobody thought of one
	}
	monthly := s.worth * weightOf(i, n) / s.allWeights(n) * 30 / float64(s.days)
	in.Limits = append(in.Limits, admin.Limit{Kind: "cost", Amount: dollars(monthly * margins[i%len(margins)]), Window: &admin.Window{Calendar: "month", Timezone: zone}})
	if i%3 == 0 {
		in.Limits = append(in.Limits, admin.Limit{Kind: "tokens", Amount: admin.Count(int64(1_000_000 * math.Ceil(1+monthly*0.2))), Window: &admin.Window{Calendar: "week", Timezone: zone}})
	}
	if i%2 == 0 {
		in.Limits = append(in.Limits, admin.Limit{Kind: "requests", Amount: admin.Count([]int64{30, 60, 120, 600}[i/2%4]), Window: &admin.Window{Sliding: "60s"}})
	}
	if i%9 == 4 {
		in.Limits = append(in.Limits, admin.Limit{Kind: "concurrency", Amount: admin.Count(8)})
	}
}

// planChanges plans what happens to a key later.
func (s *story) planChanges(i, n int, name string, id func() string) {
	at := func(days, hour, minute int) time.Time {
		d := s.since().Add(time.Duration(days%s.days) * 24 * time.Hour)
		return time.Date(d.Year(), d.Month(), d.Day(), hour, minute, i%60, 0, time.UTC)
	}
	change := func(at time.Time, do func(ctx context.Context, call control.Call) error) {
		if at.After(s.since()) && at.Before(s.until) {
			s.then(at, func(ctx context.Context) error { return do(ctx, s.by(i)) })
		}
	}
	switch {
	case i == n*4/5:
		change(at(17, 14, 5), func(ctx context.Context, call control.Call) error {
			_, err := s.control.RevokeKey(ctx, call, id(), admin.Revocation{Mode: "cut", Reason: "the value was pasted into a public repository"})
			return err
		})
	case i == n*9/10:
		change(at(11, 9, 40), func(ctx context.Context, call control.Call) error {
			_, err := s.control.DisableKey(ctx, call, id(), admin.Reason{Reason: "paused until the load test is over"})
			return err
		})
	case i == n-1 && n > 4:
		change(at(6, 16, 30), func(ctx context.Context, call control.Call) error {
			_, err := s.control.DeleteKey(ctx, call, id(), "the experiment has ended")
			return err
		})
	case i%6 == 1:
		change(at(3+i, 10, 12), func(ctx context.Context, call control.Call) error {
			out, err := s.control.RotateKey(ctx, call, id(), admin.Rotation{Grace: "24h"})
			if err == nil {
				s.retold(id(), out.Secret)
			}
			return err
		})
	case i%8 == 2:
		change(at(5+i, 11, 3), func(ctx context.Context, call control.Call) error {
			_, err := s.control.EditKey(ctx, call, id(), json.RawMessage(`{"labels": {"reviewed": "yes"}, "clamp": true}`))
			return err
		})
	case i%11 == 3: // a mistake that is refused, and on record
		change(at(8+i, 13, 21), func(ctx context.Context, call control.Call) error {
			_, err := s.control.CreateKey(ctx, call, admin.KeyInput{Name: name})
			if err == nil || !strings.Contains(err.Error(), "taken") {
				return fmt.Errorf("a second key %s: %w", name, err)
			}
			return nil
		})
	}
}

// retold replaces the value of a key in seed.json.
func (s *story) retold(id, value string) {
	for i := range s.told.Keys {
		if s.told.Keys[i].ID == id {
			s.told.Keys[i].Secret = value
		}
	}
}

// cast says which models the holder of a key calls.
func (s *story) cast(h *holder, allowed *admin.Models) {
	for len(h.mix) < 1+s.rng.IntN(3) {
		i := s.anyModel()
		if allowed == nil || matches(allowed.Allow, models[i].asked) {
			h.mix = append(h.mix, i)
		}
	}
}

func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		prefix, wild := strings.CutSuffix(p, "*")
		if name == p || wild && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// anyModel draws a model, popular ones more often.
func (s *story) anyModel() int {
	total := 0.0
	for i := range models {
		total += models[i].share
	}
	at := s.rng.Float64() * total
	for i := range models {
		if at -= models[i].share; at < 0 {
			return i
		}
	}
	return 0
}

// weightOf is how often a service of n calls, compared with the others.
func weightOf(i, n int) float64 {
	if i%14 == 9 {
		return 0 // made, and never used
	}
	return 1 / math.Pow(1+float64((i*17)%n), 0.7)
}

// allWeights is how often everybody calls, with the customers.
func (s *story) allWeights(services int) float64 {
	total := customerWeight * float64(s.keys-services)
	for i := range services {
		total += weightOf(i, services)
	}
	return total
}

// dollars is a round amount of at least so many dollars.
func dollars(least float64) admin.Amount {
	step := 5.0
	for step*20 < least {
		step *= 2
		if step == 40 || step == 400 || step == 4000 {
			step = step / 4 * 5
		}
	}
	return admin.Dollars(fmt.Sprintf("%.0f.00", max(step, math.Ceil(least/step)*step)))
}
