package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/store"
)

// outcomes are the ways in which an exchange can end, as package gateway names them.
var outcomes = []string{"served", "refused", "failed", "cut", "answered", "aborted"}

// Requests lists request records, the newest first, a page at a time.
func (c *Control) Requests(ctx context.Context, _ Call, f admin.RequestFilter) (*admin.RequestList, error) {
	q, err := c.requestQuery(ctx, &f)
	if err != nil {
		return nil, err
	}
	rows, next, err := c.parts.Store.Requests().List(ctx, q)
	if err != nil {
		return nil, asError(fmt.Errorf("list requests: %w", err))
	}
	out := &admin.RequestList{Requests: make([]admin.Request, 0, len(rows)), Next: next}
	for i := range rows {
		out.Requests = append(out.Requests, requestForm(&rows[i]))
	}
	if err := c.tellShared(ctx, out.Requests); err != nil {
		return nil, err
	}
	return out, nil
}

// requestQuery checks a filter.
func (c *Control) requestQuery(ctx context.Context, f *admin.RequestFilter) (record.Query, error) {
	var p problems
	q := record.Query{
		Model: f.Model, Provider: f.Provider, Outcome: f.Outcome, Code: f.Code, Label: f.Labels, Limit: f.LimitID, Status: f.Status,
		From: f.From.UTC(), To: f.To.UTC(), Cursor: f.Cursor, Max: f.Limit,
	}
	if q.Max == 0 {
		q.Max = usualPage
	}
	if f.Limit < 0 || f.Limit > maxPage {
		p.add("limit", "is not between 1 and %d", maxPage)
	}
	if f.Outcome != "" && !slices.Contains(outcomes, f.Outcome) {
		p.oneOf("outcome", f.Outcome, outcomes)
	}
	if s := f.Status; s != 0 && (s < 2 || s > 5) && (s < 100 || s > 599) {
		p.add("status", "is a status such as 429, or a class: 2, 3, 4 or 5")
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		p.add("from", "is not before the end of the period")
	}
	if err := p.err(); err != nil {
		return q, err
	}
	var err error
	q.Key, err = c.keyID(ctx, f.Key)
	return q, err
}

// Request gives one request record.
func (c *Control) Request(ctx context.Context, _ Call, id string) (*admin.Request, error) {
	r, err := c.request(ctx, id)
	if err != nil {
		return nil, err
	}
	return c.shownRequest(ctx, r)
}

// shownRequest is a record as the API shows it alone.
func (c *Control) shownRequest(ctx context.Context, r *record.Request) (*admin.Request, error) {
	one := []admin.Request{requestForm(r)}
	if err := c.tellShared(ctx, one); err != nil {
		return nil, err
	}
	return &one[0], nil
}

// tellShared notes which refusals are those of shared limits that there are still. The
// record of a refusal names its limit and not whose that is.
func (c *Control) tellShared(ctx context.Context, requests []admin.Request) error {
	shared := map[string]bool{}
	for i := range requests {
		if r := requests[i].Refusal; r != nil && r.LimitID != "" {
			shared[r.LimitID] = false
		}
	}
	if len(shared) == 0 {
		return nil
	}
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		for id := range shared {
			switch _, err := tx.Limits().Get(id); {
			case err == nil:
				shared[id] = true
			case !errors.Is(err, store.ErrNotFound):
				return fmt.Errorf("look up the shared limit %s: %w", id, err)
			}
		}
		return nil
	})
	if err != nil {
		return asError(err)
	}
	for i := range requests {
		if r := requests[i].Refusal; r != nil {
			r.Shared = shared[r.LimitID]
		}
	}
	return nil
}

func (c *Control) request(ctx context.Context, id string) (*record.Request, error) {
	r, err := c.parts.Store.Requests().Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, &Error{
			Kind: NotFound, Code: "request_not_found", Err: err,
			Detail: fmt.Sprintf("there is no record of a request %s: the id stands in the header x-request-id of its answer; "+
				"records are written within a second and kept for 30 days unless the configuration says otherwise; "+
				"where a key is refused more than 60 times a minute with the same code, one record stands for the others", shown(id)),
		}
	case err != nil:
		return nil, asError(fmt.Errorf("look up a request: %w", err))
	}
	return r, nil
}

func requestForm(r *record.Request) admin.Request {
	out := admin.Request{
		ID: r.ID, At: r.At.UTC(), KeyID: r.Key, KeyName: r.Name, Labels: r.Labels, Operation: r.Operation, Dialect: r.Dialect,
		ModelAsked: r.Asked, ModelSent: r.Sent, ModelServed: r.Served, Provider: r.Provider, Backend: r.Backend, Streamed: r.Streamed,
		Client: r.Client, Status: r.Status, Outcome: r.Outcome, Code: r.Code, Message: r.Message, Seconds: seconds(r.Duration),
		FirstByte: seconds(r.FirstByte), Tokens: tokensForm(r.Tokens), CostUSD: r.Cost.String(), Price: r.Price,
		CostSource: r.Source, PriceVersion: r.Version, Repeated: r.Repeated,
	}
	for i := range r.Attempts {
		out.Attempts = append(out.Attempts, attemptForm(&r.Attempts[i]))
	}
	if r.Refusal != nil {
		out.Refusal = refusalForm(r.Refusal)
	}
	return out
}

func tokensForm(t record.Tokens) admin.TokenCounts {
	return admin.TokenCounts{
		Input: t.Input, Output: t.Output, CachedInput: t.CacheRead, CacheWrite: t.CacheWrite, Reasoning: t.Reasoning,
		InputAudio: t.InputAudio, OutputAudio: t.OutputAudio,
	}
}

func attemptForm(a *record.Attempt) admin.Attempt {
	out := admin.Attempt{
		Provider: a.Provider, Backend: a.Backend, Model: a.Model, Status: a.Status, Error: a.Error, Seconds: seconds(a.Duration),
		Reservation: a.Reservation, BoundTokens: a.BoundTokens, CostUSD: a.Cost.String(), CostSource: a.Source, Price: a.Price,
		PriceVersion: a.Version, Tokens: tokensForm(a.Tokens),
	}
	if a.Reservation != "" {
		out.BoundUSD = a.BoundCost.String()
	}
	for _, l := range a.Lines {
		out.Lines = append(out.Lines, admin.CostLine{
			Model: l.Model, Kind: l.Kind, Quantity: l.Quantity, PriceUSD: l.Price, Per: perNamed(l.Kind), Factor: l.Factor, CostUSD: l.Cost.String(),
		})
	}
	return out
}

// perNamed is perOf for a kind as a record names it.
func perNamed(kind string) string {
	if k, ok := catalog.KindNamed(kind); ok {
		return perOf(k)
	}
	return "one"
}

func refusalForm(r *record.Refusal) *admin.Refusal {
	kind := kinds[r.Kind]
	return &admin.Refusal{
		LimitID: r.Limit, Kind: r.Kind, Window: r.Window, Reason: r.Reason, Amount: inUnit(kind, r.Amount), Spent: inUnit(kind, r.Spent),
		Reserved: inUnit(kind, r.Reserved), Asked: inUnit(kind, r.Asked), ResetsAt: moment(r.Resets), Pool: r.Shared,
	}
}

// figure writes an amount in the unit of its kind, with the unit.
func figure(kind string, n int64) string {
	switch kinds[kind] {
	case budget.Cost:
		return "$" + money.Nano(n).String()
	case budget.Tokens:
		return counted(n, "token")
	case budget.Requests:
		return counted(n, "request")
	case budget.Concurrency:
		return counted(n, "request") + " at a time"
	default:
		return fmt.Sprintf("%d", n)
	}
}

// counted writes a number with its noun.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", thousands(n), noun)
}

// thousands writes a number with commas, for people.
func thousands(n int64) string {
	s := fmt.Sprintf("%d", n)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
