package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/ledger"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// change runs fn in one transaction together with the audit event of what it does:
// either both are kept or neither. fn fills in the target, the reason and the
// differences. If fn refuses, that is put on record in a transaction of its own. Every
// error that comes back is an *Error.
func (c *Control) change(ctx context.Context, call Call, action string, fn func(tx store.Tx, e *audit.Event) error) (*audit.Event, error) {
	return c.changeThen(ctx, call, action, fn, nil)
}

// changeThen is change with something to do in the same transaction once the event has
// its number.
func (c *Control) changeThen(ctx context.Context, call Call, action string, fn, then func(tx store.Tx, e *audit.Event) error) (*audit.Event, error) {
	var e *audit.Event
	err := c.parts.Store.Update(ctx, func(tx store.Tx) error {
		e = c.event(call, action)
		if err := fn(tx, e); err != nil {
			return err
		}
		if err := tx.Events().Append(e); err != nil {
			return err
		}
		if then == nil {
			return nil
		}
		return then(tx, e)
	})
	if err == nil {
		return e, nil
	}
	failure := asError(err)
	if failure.Kind != Failed && failure.Kind != Unavailable {
		target := audit.Target{}
		if e != nil {
			target = e.Target
		}
		failure = c.onRecord(ctx, call, action, target, failure)
	}
	return nil, failure
}

// event begins the audit event of an action.
func (c *Control) event(call Call, action string) *audit.Event {
	return &audit.Event{
		At: c.parts.Now().UTC().Truncate(time.Microsecond), Actor: call.Actor, Action: action, Outcome: audit.Done, RequestID: call.RequestID,
	}
}

// Refused puts on record that an action was refused, and gives the sequence number of the
// event. That it cannot be put there is no reason to allow the action, and changes nothing
// for whoever asked: the number is 0. It is 0, too, if the same token was refused too often
// of late: the next event of its refusals tells how many there were.
func (c *Control) Refused(ctx context.Context, call Call, action string, target audit.Target, why error) uint64 {
	e := c.event(call, action)
	e.Target, e.Outcome, e.Reason = target, audit.Refused, why.Error()
	e.Target.ID, e.Target.Name = vkey.Veil(target.ID), vkey.Veil(target.Name)
	passedOver, ok := c.refusals.record(call.Actor, e.At)
	if !ok {
		return 0
	}
	var known *Error
	if errors.As(why, &known) {
		e.Reason = known.Detail
	}
	if len(e.Reason) > maxReason { // it may quote what was sent
		e.Reason = strings.ToValidUTF8(e.Reason[:maxReason], "") + "…"
	}
	if passedOver > 0 {
		e.Reason += fmt.Sprintf(" (%d refusals of this token before it are not on record)", passedOver)
	}
	if err := c.parts.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error { return tx.Events().Append(e) }); err != nil {
		c.refusals.lost(call.Actor, passedOver+1)
		return 0
	}
	return e.Seq
}

// Noted puts on record what is done outside of the database. It must not be done if it
// cannot be put there.
func (c *Control) Noted(ctx context.Context, call Call, action string, target audit.Target, reason string) error {
	_, err := c.change(ctx, call, action, func(_ store.Tx, e *audit.Event) error {
		e.Target, e.Reason = target, reason
		return nil
	})
	return err
}

// onRecord is Refused, with the refusal as it goes back to whoever asked.
func (c *Control) onRecord(ctx context.Context, call Call, action string, target audit.Target, why *Error) *Error {
	told := *why
	told.EventID = c.Refused(ctx, call, action, target, why)
	return &told
}

// asError makes an *Error of whatever went wrong.
func asError(err error) *Error {
	var known *Error
	var taken *store.TakenError
	var full interface{ StorageFull() }
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &taken):
		return &Error{
			Kind: Conflict, Code: taken.Field + "_taken", Detail: fmt.Sprintf("the %s is taken by %s", taken.Field, taken.By), Err: err,
			Fields: []admin.ProblemField{{Path: taken.Field, Message: "is taken by " + taken.By}},
		}
	case errors.Is(err, store.ErrConflict):
		return &Error{Kind: Stale, Code: "stale", Detail: "it was changed by somebody else meanwhile: read it again, then change it", Err: err}
	case errors.Is(err, store.ErrNotFound):
		return &Error{Kind: NotFound, Code: "not_found", Detail: "there is no such thing", Err: err}
	case errors.Is(err, store.ErrCursor):
		return badCursor(err)
	case errors.As(err, &full):
		return &Error{Kind: Unavailable, Code: "storage_full", Detail: "the disk of the database is full; nothing was changed. Make room on it, then try again", Err: err}
	case errors.Is(err, ledger.ErrUnavailable):
		return &Error{Kind: Unavailable, Code: "storage_unavailable", Detail: "the database cannot be written at the moment; nothing was changed", Err: err}
	default:
		return &Error{Kind: Failed, Code: "internal_error", Detail: "this failed inside of tollgate; its log says why", Err: err}
	}
}

// badCursor refuses a cursor that was not given out for this list.
func badCursor(err error) *Error {
	return &Error{
		Kind: Invalid, Code: "bad_cursor", Detail: "the cursor was not given out for this list in this order: begin again without one", Err: err,
		Fields: []admin.ProblemField{{Path: "cursor", Message: "is not one that was given out for this list in this order"}},
	}
}

// diff lists the fields in which two values differ as JSON. Elements of lists that have
// an id are compared with those of the same id, other lists as a whole. Of what is new,
// and of what is gone, fields that say nothing are left out.
func diff(before, after any) []audit.Field {
	var fields []audit.Field
	differences(&fields, "", generic(before), generic(after))
	if before == nil || after == nil {
		fields = slices.DeleteFunc(fields, func(f audit.Field) bool {
			return !strings.Contains(f.Path, ".") && saysNothing(f.Before) && saysNothing(f.After)
		})
	}
	return fields
}

// saysNothing tells whether a field has the value of one that was never set. An empty list
// is none: it can mean that nothing is allowed.
func saysNothing(text string) bool {
	return text == "" || text == "false" || text == "0" || text == `""`
}

func generic(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	value, err := parse(raw)
	if err != nil {
		return nil
	}
	return byID(value)
}

// byID turns lists of things with ids into objects by their ids.
func byID(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = byID(inner)
		}
	case []any:
		object := make(map[string]any, len(v))
		for _, element := range v {
			fields, _ := element.(map[string]any)
			id, ok := fields["id"].(string)
			if !ok {
				return v
			}
			delete(fields, "id")
			object[id] = byID(fields)
		}
		if len(object) == len(v) && len(v) > 0 { // an empty list is not the same as none
			return object
		}
	}
	return v
}

func differences(fields *[]audit.Field, path string, before, after any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	old, isOld := before.(map[string]any)
	now, isNow := after.(map[string]any)
	if isNow && emptyList(before) {
		before = nil
	}
	if isOld && emptyList(after) {
		after = nil
	}
	if (isOld || before == nil) && (isNow || after == nil) && (isOld || isNow) {
		names := map[string]any{}
		for name := range old {
			names[name] = nil
		}
		for name := range now {
			names[name] = nil
		}
		for _, name := range sorted(names) {
			differences(fields, child(path, name), old[name], now[name])
		}
		return
	}
	*fields = append(*fields, audit.Field{Path: path, Before: jsonOf(before), After: jsonOf(after)})
}

func emptyList(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}

func jsonOf(v any) string {
	if v == nil {
		return ""
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}
