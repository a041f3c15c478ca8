package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"tollgate/api/admin"
)

type requests struct {
	List requestsList `cmd:"" default:"withargs" help:"List requests, the newest first."`
	Show requestsShow `cmd:"" help:"Show everything that is remembered of a request."`
}

type requestsList struct {
	Key      string            `placeholder:"KEY" help:"Of one key, by id or name."`
	Model    string            `placeholder:"MODEL" help:"For one model."`
	Provider string            `placeholder:"NAME" help:"Sent to one provider."`
	Outcome  string            `enum:",served,refused,failed,cut,answered,aborted" default:"" placeholder:"OUTCOME" help:"served, refused, failed, cut, answered or aborted."`
	Code     string            `placeholder:"CODE" help:"Refused with this error code: budget_exceeded, model_not_allowed, …"`
	LimitID  string            `placeholder:"ID" help:"Refused by this limit."`
	Status   int               `placeholder:"N" help:"Answered with this HTTP status."`
	Label    map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"Of keys with this label. May be given several times."`
	period
	paging
	remote
}

// Run implements the command.
func (c *requestsList) Run(ctx context.Context, env *Environment) error {
	f := admin.RequestFilter{
		Key: c.Key, Model: c.Model, Provider: c.Provider, Outcome: c.Outcome, Code: c.Code, LimitID: c.LimitID,
		Status: c.Status, Labels: c.Label, Limit: c.Limit, Cursor: c.Cursor,
	}
	var err error
	if f.From, f.To, err = c.span(env.now()); err != nil {
		return err
	}
	s, err := c.open(env)
	if err != nil {
		return err
	}
	list := &admin.RequestList{Requests: []admin.Request{}}
	if c.All {
		for r, err := range s.AllRequests(ctx, f) {
			if err != nil {
				return s.explain(err)
			}
			list.Requests = append(list.Requests, *r)
		}
	} else if list, err = s.Requests(ctx, f); err != nil {
		return s.explain(err)
	}
	return s.show(list, func() error { return s.requestTable(list) })
}

func (s *session) requestTable(list *admin.RequestList) error {
	t := newTable("WHEN", "REQUEST", "KEY", "MODEL", ">STATUS", "OUTCOME", ">INPUT", ">OUTPUT", ">COST", ">SECONDS")
	for i := range list.Requests {
		r := &list.Requests[i]
		t.add(relative(r.At, s.now), r.ID, first(r.KeyName, r.KeyID, "-"), first(r.ModelAsked, "-"), fmt.Sprint(r.Status), first(r.Code, r.Outcome)+repeated(r),
			count(r.Tokens.Input), count(r.Tokens.Output), costText(r), seconds(r.Seconds))
	}
	switch {
	case t.empty() && list.Next != "":
		return line(s.env.Stderr, "None among the latest requests: --all goes through all of them, or --cursor %s goes on.", list.Next)
	case t.empty():
		return line(s.env.Stderr, "No requests.")
	}
	if err := t.write(s.env.Stdout, ""); err != nil {
		return err
	}
	return s.more(list.Next)
}

// costText tells what a request cost; that no price is known is not zero.
func costText(r *admin.Request) string {
	if r.Price == "unknown" {
		return "unpriced"
	}
	return dollarsBriefly(r.CostUSD)
}

func seconds(s float64) string { return fmt.Sprintf("%.2f", s) }

// repeated tells how many times over a record counts.
func repeated(r *admin.Request) string {
	if r.Repeated == 0 {
		return ""
	}
	return " ×" + count(1+r.Repeated)
}

// first gives the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

type requestsShow struct {
	Request string `arg:"" help:"Id: the x-request-id of the answer."`
	remote
}

// Run implements the command.
func (c *requestsShow) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	r, err := s.Request(ctx, c.Request)
	if err != nil {
		return s.explain(err)
	}
	return s.show(r, func() error { return s.requestText(env.Stdout, r) })
}

func (s *session) requestText(to io.Writer, r *admin.Request) error {
	t := newTable("request", r.ID)
	add := func(name, text string) {
		if text != "" {
			t.add(name, text)
		}
	}
	add("at", stamp(r.At)+" ("+relative(r.At, s.now)+")")
	add("key", first(r.KeyName, "-")+" "+r.KeyID)
	if len(r.Labels) > 0 {
		add("labels", pairs(sortedNames(r.Labels), r.Labels))
	}
	add("operation", r.Operation+" ("+r.Dialect+")")
	add("model asked", r.ModelAsked)
	add("model sent", r.ModelSent)
	add("model served", r.ModelServed)
	add("provider", r.Provider)
	add("client", r.Client)
	add("status", fmt.Sprintf("%d, %s", r.Status, r.Outcome))
	add("refused with", r.Code)
	if r.Repeated > 0 {
		add("repeated", count(r.Repeated)+" more like it within a minute, which have no record of their own")
	}
	add("", r.Message)
	add("duration", seconds(r.Seconds)+" s")
	if r.FirstByte > 0 {
		add("first byte", "after "+seconds(r.FirstByte)+" s")
	}
	add("tokens", tokensText(&r.Tokens))
	if r.Price == "unknown" {
		add("cost", "no price is known")
	} else {
		add("cost", dollars(r.CostUSD)+bracketed(r.CostSource))
	}
	add("price list", r.PriceVersion)
	if err := t.write(to, ""); err != nil {
		return err
	}
	return s.attempts(to, r)
}

func bracketed(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func tokensText(n *admin.TokenCounts) string {
	text := count(n.Input) + " in, " + count(n.Output) + " out"
	for _, of := range []struct {
		n    int64
		name string
	}{
		{n.CachedInput, "cached"}, {n.CacheWrite, "written to the cache"}, {n.Reasoning, "reasoning"},
		{n.InputAudio, "audio in"}, {n.OutputAudio, "audio out"},
	} {
		if of.n > 0 {
			text += ", " + count(of.n) + " " + of.name
		}
	}
	return text
}

// attempts tells what was tried, and what each component cost.
func (s *session) attempts(to io.Writer, r *admin.Request) error {
	if len(r.Attempts) == 0 {
		return nil
	}
	t := newTable("ATTEMPT", "PROVIDER", "MODEL", ">STATUS", ">SECONDS", ">SET ASIDE", ">COST", "ERROR")
	lines := newTable("ATTEMPT", "KIND", ">QUANTITY", ">PRICE", ">COST")
	for i := range r.Attempts {
		a := &r.Attempts[i]
		n := fmt.Sprint(i + 1)
		status := ""
		if a.Status > 0 {
			status = fmt.Sprint(a.Status)
		}
		t.add(n, a.Provider, a.Model, status, seconds(a.Seconds), dollars(a.BoundUSD), dollars(a.CostUSD), a.Error)
		for _, l := range a.Lines {
			lines.add(n, l.Kind, count(l.Quantity), dollars(l.PriceUSD), dollars(l.CostUSD))
		}
	}
	for _, t := range []*table{t, lines} {
		if t.empty() {
			continue
		}
		if err := line(to, ""); err != nil {
			return err
		}
		if err := t.write(to, ""); err != nil {
			return err
		}
	}
	return nil
}

type why struct {
	Request string `arg:"" help:"Id: the x-request-id of the answer."`
	remote
}

// Run implements the command.
func (c *why) Run(ctx context.Context, env *Environment) error {
	s, err := c.open(env)
	if err != nil {
		return err
	}
	e, err := s.Why(ctx, c.Request)
	if err != nil {
		return s.explain(err)
	}
	return s.show(e, func() error {
		for _, sentence := range e.Sentences {
			if err := line(env.Stdout, "%s", sentence); err != nil {
				return err
			}
		}
		return refusalTable(env.Stdout, e.Request.Refusal, s.now)
	})
}

// refusalTable tells what the limit that refused saw.
func refusalTable(to io.Writer, r *admin.Refusal, now time.Time) error {
	if r == nil {
		return nil
	}
	t := newTable("limit", r.LimitID)
	t.add("amount", amountText(r.Kind, r.Amount)+" "+r.Kind+bracketed(r.Window))
	t.add("spent", amountText(r.Kind, r.Spent))
	t.add("reserved", amountText(r.Kind, r.Reserved))
	t.add("asked", amountText(r.Kind, r.Asked))
	t.add("resets", exactly(r.ResetsAt, now, "never"))
	if err := line(to, ""); err != nil {
		return err
	}
	return t.write(to, "")
}
