package admin

import (
	"encoding/json"
	"time"
)

// BudgetStatus tells how agentgateway's budgets stand, in that gateway's form. Everything
// else is told in our own: see Limit.
type BudgetStatus struct {
	ObservedAt time.Time     `json:"observedAt"`
	Budgets    []BudgetState `json:"budgets"`
}

// BudgetState is one budget of one key.
type BudgetState struct {
	APIKeyName string       `json:"apiKeyName"`
	Name       string       `json:"name"`
	Limit      BudgetAmount `json:"limit"`
	Usage      BudgetUsage  `json:"usage"`
	Window     BudgetWindow `json:"window"`
	OnExceeded string       `json:"onBudgetExceeded"` // Block
	UpdatedAt  time.Time    `json:"updatedAt"`        // that of the answer: nothing is written late here
}

// BudgetAmount is how much may be used.
type BudgetAmount struct {
	Unit   string      `json:"unit"` // USD or Tokens
	Amount json.Number `json:"amount"`
}

// BudgetUsage is how much was used in the window. What requests under way may come to is
// taken off what remains.
type BudgetUsage struct {
	Used      json.Number `json:"used"`
	Remaining json.Number `json:"remaining"`
	Exceeded  bool        `json:"exceeded"`
}

// BudgetWindow is the window that is counted in, which is never an old one.
type BudgetWindow struct {
	Start      time.Time `json:"start"`
	End        time.Time `json:"end"`
	DurationMS int64     `json:"durationMs"`
	Expired    bool      `json:"expired"`
}
