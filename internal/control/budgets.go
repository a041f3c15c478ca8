package control

import (
	"context"
	"encoding/json"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/budget"
)

// Budgets tells how the limits stand that the configuration declares in agentgateway's
// form, in the form in which that gateway tells it; of one key, if it is named.
func (c *Control) Budgets(_ context.Context, _ Call, keyName string) *admin.BudgetStatus {
	now := c.parts.Now().UTC()
	out := &admin.BudgetStatus{ObservedAt: now, Budgets: []admin.BudgetState{}}
	for _, b := range c.parts.Live.Budgets() {
		if keyName != "" && b.Key.Name != keyName {
			continue
		}
		state := c.parts.Books.State(b.Limit, b.Key.ID)
		start, end := time.Unix(0, state.Span.Start).UTC(), time.Unix(0, state.Span.End).UTC()
		unit := "Tokens"
		if b.Limit.Kind == budget.Cost {
			unit = "USD"
		}
		out.Budgets = append(out.Budgets, admin.BudgetState{
			APIKeyName: b.Key.Name, Name: b.Name, OnExceeded: "Block", UpdatedAt: now,
			Limit: admin.BudgetAmount{Unit: unit, Amount: number(b.Limit.Kind, b.Limit.Amount)},
			Usage: admin.BudgetUsage{
				Used: number(b.Limit.Kind, state.Settled), Remaining: number(b.Limit.Kind, max(0, state.Left())),
				Exceeded: state.Settled >= b.Limit.Amount,
			},
			Window: admin.BudgetWindow{Start: start, End: end, DurationMS: end.Sub(start).Milliseconds()},
		})
	}
	return out
}

// number writes an amount as a number of its unit, as it is enforced: no digit is lost.
func number(kind budget.Kind, n int64) json.Number {
	return json.Number(inUnit(kind, n).Text)
}
