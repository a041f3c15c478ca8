package gateway

import (
	"encoding/json"
	"net/http"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/money"
)

// keyPath is where a key tells its holder how it stands.
const keyPath = "/v1/key"

// asksForKey tells that a request is about the key it is made with, behind a gate
// that knows keys.
func (x *exchange) asksForKey(gate *Gate) bool {
	return gate.Auth != nil && x.req.Path == keyPath && (x.req.Method == http.MethodGet || x.req.Method == http.MethodHead)
}

// ownKey is what the holder of a key may know of it.
type ownKey struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Status    string            `json:"status"`
	Labels    map[string]string `json:"labels,omitempty"`
	Models    []string          `json:"models"` // null: all
	ExpiresAt *time.Time        `json:"expires_at"`
	// RotateBefore is when the secret in use ends, while there is another one.
	RotateBefore *time.Time `json:"rotate_before,omitempty"`
	MaxTokens    int64      `json:"max_tokens,omitempty"`
	Limits       []ownLimit `json:"limits"`
}

// ownLimit is one limit as it stands. Amounts are numbers, those of money decimal
// text in dollars; a discreet key tells none.
type ownLimit struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	Window    *ownWindow `json:"window"` // null: for life
	Models    []string   `json:"models,omitempty"`
	Shared    bool       `json:"shared,omitempty"`
	Amount    any        `json:"amount,omitempty"`
	Spent     any        `json:"spent,omitempty"`
	Reserved  any        `json:"reserved,omitempty"`
	Remaining any        `json:"remaining,omitempty"`
	ResetsAt  *time.Time `json:"resets_at"` // null: never, or bit by bit
}

type ownWindow struct {
	Calendar string `json:"calendar,omitempty"`
	Timezone string `json:"timezone,omitempty"`
	Fixed    string `json:"fixed,omitempty"`
	Sliding  string `json:"sliding,omitempty"`
}

// tellKey answers how the caller's key stands. It spends nothing.
func (g *Gateway) tellKey(x *exchange) error {
	e := x.entry
	if e == nil {
		return unauthenticated("no API Key found")
	}
	own := ownKey{
		ID: e.Caller.KeyID, Name: e.Caller.Name, Status: "active", Labels: e.Caller.Labels, MaxTokens: e.MaxTokens,
		ExpiresAt: instant(e.Expires), RotateBefore: instant(e.RotateBefore), Limits: make([]ownLimit, 0, len(e.Limits)),
	}
	if e.Caller.ModelsSet {
		own.Models = e.Caller.ListModels([]string{}, "*")
	}
	for _, l := range e.Limits {
		state, kept := g.quota.State(l, e.Caller.KeyID)
		if !kept {
			state = budget.State{Limit: l, Span: l.Window.At(g.now().UnixNano())}
		}
		own.Limits = append(own.Limits, limitOf(&state, e.Discreet))
	}
	body, err := json.Marshal(&own)
	if err != nil {
		return fault.As(err)
	}
	x.Outcome, x.Reason = Answered, "DirectResponse"
	h := x.out.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	g.tellStandings(x, nil)
	x.respond(http.StatusOK, body)
	return nil
}

func limitOf(s *budget.State, discreet bool) ownLimit {
	l := s.Limit
	own := ownLimit{ID: l.ID, Kind: l.Kind.String(), Window: windowOf(l.Window), Shared: l.Per == budget.Pool}
	for _, p := range l.Models {
		own.Models = append(own.Models, p.String())
	}
	if end, ends := s.Span.Ends(); ends && l.Window.Shape() != budget.Sliding {
		own.ResetsAt = instant(end)
	}
	if discreet {
		return own
	}
	amount := func(n int64) any {
		if l.Kind == budget.Cost {
			return money.Nano(n)
		}
		return n
	}
	own.Amount, own.Spent, own.Reserved, own.Remaining = amount(l.Amount), amount(s.Settled), amount(s.Reserved), amount(max(0, s.Left()))
	return own
}

func windowOf(w budget.Window) *ownWindow {
	switch w.Shape() {
	case budget.Calendar:
		period, zone, _ := w.Calendar()
		return &ownWindow{Calendar: period.String(), Timezone: zone.String()}
	case budget.Fixed:
		return &ownWindow{Fixed: budget.FormatLength(w.Length())}
	case budget.Sliding:
		return &ownWindow{Sliding: budget.FormatLength(w.Length())}
	default:
		return nil
	}
}

// instant gives a time that may not be set.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
