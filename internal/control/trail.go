package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/store"
)

// Events lists audit events, the newest first, a page at a time.
func (c *Control) Events(ctx context.Context, _ Call, f admin.EventFilter) (*admin.EventList, error) {
	q, err := eventQuery(&f)
	if err != nil {
		return nil, err
	}
	out := &admin.EventList{Events: []admin.Event{}}
	err = c.parts.Store.View(ctx, func(tx store.Tx) error {
		events, next, err := tx.Events().List(q)
		if err != nil {
			return fmt.Errorf("list audit events: %w", err)
		}
		for _, e := range events {
			out.Events = append(out.Events, eventForm(e))
		}
		out.Next = next
		return nil
	})
	if err != nil {
		return nil, asError(err)
	}
	return out, nil
}

// eventQuery checks a filter.
func eventQuery(f *admin.EventFilter) (audit.Query, error) {
	var p problems
	if f.Limit < 0 || f.Limit > maxPage {
		p.add("limit", "is not between 1 and %d", maxPage)
	}
	if f.Outcome != "" && f.Outcome != string(audit.Done) && f.Outcome != string(audit.Refused) {
		p.oneOf("outcome", f.Outcome, []string{string(audit.Done), string(audit.Refused)})
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		p.add("from", "is not before the end of the period")
	}
	q := audit.Query{
		Actor: f.Actor, Action: f.Action, TargetKind: f.Kind, TargetID: f.Target, Related: f.Related, Outcome: audit.Outcome(f.Outcome),
		From: f.From.UTC(), To: f.To.UTC(), Cursor: f.Cursor, Max: f.Limit,
	}
	if q.Max == 0 {
		q.Max = usualPage
	}
	return q, p.err()
}

// EachEvent exports the audit events that a filter selects, the oldest first. The export
// is on record itself, as the last event that can be in it.
func (c *Control) EachEvent(ctx context.Context, call Call, f admin.EventFilter, each func(*admin.Event) error) error {
	q, err := eventQuery(&f)
	if err != nil {
		return err
	}
	export, err := c.change(ctx, call, "audit.export", func(_ store.Tx, e *audit.Event) error {
		e.Target = audit.Target{Kind: "audit"}
		return nil
	})
	if err != nil {
		return err
	}
	for from := uint64(1); from <= export.Seq; {
		events, err := c.eventsFrom(ctx, from, export.Seq)
		if err != nil {
			return asError(fmt.Errorf("export the audit trail: %w", err))
		}
		for _, e := range events {
			from = e.Seq + 1
			if !selected(&q, e) {
				continue
			}
			form := eventForm(e)
			if err := each(&form); err != nil {
				return err
			}
		}
		if len(events) == 0 {
			break
		}
	}
	return nil
}

// someEvents is how many events are read at once: whoever takes an export may be slow,
// and must not hold up the database.
const someEvents = 500

// eventsFrom gives some of the events from one number to another.
func (c *Control) eventsFrom(ctx context.Context, from, to uint64) ([]*audit.Event, error) {
	var events []*audit.Event
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		return tx.Events().Each(from, func(e *audit.Event) error {
			if e.Seq > to || len(events) == someEvents {
				return errEnough
			}
			events = append(events, e)
			return nil
		})
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return events, err
}

// errEnough ends a walk through the trail.
var errEnough = errors.New("enough")

// selected tells whether a query is about an event.
func selected(q *audit.Query, e *audit.Event) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	related := q.Related == "" || q.Related == e.Target.ID || q.Related == e.Target.KeyID
	return (is(q.Actor, e.Actor.ID) || is(q.Actor, e.Actor.Name)) && is(q.Action, e.Action) && is(q.TargetKind, e.Target.Kind) && is(q.TargetID, e.Target.ID) && related &&
		is(string(q.Outcome), string(e.Outcome)) && !e.At.Before(q.From) && (q.To.IsZero() || e.At.Before(q.To))
}

func eventForm(e *audit.Event) admin.Event {
	out := admin.Event{
		ID: e.Seq, At: e.At, Action: e.Action, Target: admin.EventTarget(e.Target), Outcome: string(e.Outcome), Reason: e.Reason, RequestID: e.RequestID,
		Actor:    admin.EventActor{Kind: string(e.Actor.Kind), ID: e.Actor.ID, Name: e.Actor.Name, From: e.Actor.From},
		Previous: e.Previous.String(), Hash: e.Hash.String(),
	}
	if e.Actor.Role != actor.None {
		out.Actor.Role = e.Actor.Role.String()
	}
	for _, f := range e.Diff {
		out.Diff = append(out.Diff, admin.EventField{Path: f.Path, Before: asJSON(f.Before), After: asJSON(f.After)})
	}
	return out
}

// asJSON gives the JSON that a field holds, or its text as JSON if it holds none.
func asJSON(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	raw, err := json.Marshal(text)
	if err != nil {
		return nil
	}
	return raw
}

// VerifyAudit checks the chain of the audit trail from the first event to the last.
func (c *Control) VerifyAudit(ctx context.Context, _ Call) (*admin.Verification, error) {
	v := audit.NewVerifier(audit.Mark{}, audit.Mark{})
	err := c.parts.Store.View(ctx, func(tx store.Tx) error {
		return tx.Events().Each(1, func(e *audit.Event) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return v.Next(e)
		})
	})
	if err == nil {
		err = v.End()
	}
	tip := v.Tip()
	out := &admin.Verification{OK: err == nil, Events: tip.Seq, Tip: tip.Hash.String()}
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, audit.ErrGap):
		out.Problem = "gap"
	case errors.Is(err, audit.ErrTruncated):
		out.Problem = "truncated"
	case errors.Is(err, audit.ErrAltered):
		out.Problem = "altered"
	default:
		return nil, asError(fmt.Errorf("verify the audit trail: %w", err))
	}
	out.Message = err.Error()
	return out, nil
}
