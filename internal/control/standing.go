package control

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/budget"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// standing tells how a limit stands for a key, by the books that also decide: the
// number that is shown is the number that is enforced.
func (c *Control) standing(l *budget.Limit, keyID string) *admin.Standing {
	state := c.parts.Books.State(l, keyID)
	s := &admin.Standing{
		Spent: inUnit(l.Kind, state.Settled), Reserved: inUnit(l.Kind, state.Reserved), Remaining: inUnit(l.Kind, max(0, state.Left())),
	}
	if state.Overrun > 0 {
		over := inUnit(l.Kind, state.Overrun)
		s.Overrun = &over
	}
	s.StartsAt, s.ResetsAt = bounds(l.Window, state.Span)
	return s
}

// bounds gives the beginning and the end of a window as its own zone writes them. A
// limit for life has neither; a sliding window has no instant at which it is empty
// again, so it only has a beginning.
func bounds(w budget.Window, span budget.Span) (starts, resets *time.Time) {
	zone := time.UTC
	if _, z, _ := w.Calendar(); z != nil {
		zone = z
	}
	start := time.Unix(0, span.Start).In(zone)
	switch w.Shape() {
	case budget.Life:
		return nil, nil
	case budget.Sliding:
		return &start, nil
	}
	end := time.Unix(0, span.End).In(zone)
	return &start, &end
}

// sharedForm writes a shared limit as it is given, without how it stands.
func sharedForm(name string, l *budget.Limit) admin.Limit {
	out := limitForm(l)
	out.Name, out.Per, out.Match = name, perNames[l.Per], map[string]string{}
	for label, value := range l.Match {
		out.Match[labelPrefix+label] = value
	}
	return out
}

// labelPrefix stands before the names of labels wherever other things could be named.
const labelPrefix = "label."

var perNames = [...]string{budget.Each: "each", budget.Pool: "pool"}

// status is that of a key at an instant; expired follows from the clock.
func status(k *vkey.Key, now time.Time) string {
	switch {
	case k.Status == vkey.StatusRevoked:
		return "revoked"
	case k.Status == vkey.StatusDisabled:
		return "disabled"
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "expired"
	default:
		return "active"
	}
}

// view is a key for operators, with the standing of its own limits and of those of the
// shared ones that select it.
func (c *Control) view(k *vkey.Key, shared []*store.SharedLimit) admin.Key {
	out := admin.Key{
		ID: k.ID, Name: k.Name, Status: status(k, c.parts.Now()), Reason: k.Reason, Origin: string(k.Origin), Legacy: k.Legacy,
		Labels: k.Labels, Models: modelsForm(k.Models), Operations: k.Operations, Networks: networksForm(k.Networks),
		Limits: []admin.Limit{}, Secrets: []admin.Secret{}, MaxTokens: k.MaxTokens, Clamp: k.Clamp, Discreet: k.Discreet,
		CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, UpdatedAt: k.UpdatedAt, ExpiresAt: moment(k.ExpiresAt), ETag: etag(k.Version),
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	for _, l := range k.Limits {
		form := limitForm(l)
		form.Standing = c.standing(l, k.ID)
		out.Limits = append(out.Limits, form)
	}
	for _, s := range shared {
		if s.Limit.Selects(k.Labels) {
			form := sharedForm(s.Name, &s.Limit)
			form.Standing = c.standing(&s.Limit, k.ID)
			out.SharedLimits = append(out.SharedLimits, form)
		}
	}
	used, last := c.parts.Live.Used(k.ID), k.LastUsedAt
	for _, s := range k.Secrets {
		at := later(s.LastUsedAt, used[s.ID])
		last = later(last, at)
		out.Secrets = append(out.Secrets, admin.Secret{
			ID: s.ID, Last4: s.Last4, CreatedAt: s.CreatedAt, NotAfter: moment(s.NotAfter), LastUsedAt: moment(at),
		})
	}
	out.LastUsedAt = moment(last)
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// onRecord is a key as the audit trail compares it: all that can change, and of its
// secrets nothing that leads to them.
type onRecord struct {
	editable
	Status  string         `json:"status"`
	Reason  string         `json:"reason,omitempty"`
	Legacy  bool           `json:"legacy"`
	Secrets []admin.Secret `json:"secrets"`
}

func recorded(k *vkey.Key) any {
	if k == nil {
		return nil
	}
	r := onRecord{editable: editableOf(k), Status: statusNames[k.Status], Reason: k.Reason, Legacy: k.Legacy, Secrets: []admin.Secret{}}
	for i := range k.Secrets {
		r.Secrets = append(r.Secrets, secretForm(&k.Secrets[i]))
	}
	return r
}

// secretForm is what is told of a secret, but for when it was used.
func secretForm(s *vkey.Secret) admin.Secret {
	return admin.Secret{ID: s.ID, Last4: s.Last4, CreatedAt: s.CreatedAt, NotAfter: moment(s.NotAfter)}
}

var statusNames = [...]string{vkey.StatusActive: "active", vkey.StatusDisabled: "disabled", vkey.StatusRevoked: "revoked"}

// etag is the entity tag of a version, in the quotes that HTTP has around it.
func etag(version uint64) string { return strconv.Quote(strconv.FormatUint(version, 10)) }

// match refuses a row that is not the one that the caller has read.
func (call *Call) match(version uint64) error { return call.matchTag(etag(version)) }

// matchTag is match for what has an entity tag and no version.
func (call *Call) matchTag(now string) error {
	if call.IfMatch == "" {
		return nil
	}
	tags := strings.Split(call.IfMatch, ",")
	for i := range tags {
		tags[i] = strings.Trim(strings.TrimPrefix(strings.TrimSpace(tags[i]), "W/"), `"`)
	}
	if slices.Contains(tags, "*") || slices.Contains(tags, strings.Trim(now, `"`)) {
		return nil
	}
	return &Error{
		Kind: Stale, Code: "stale",
		Detail: "it was changed since it was read (its ETag is now " + now + "): read it again, then change it",
	}
}
