package admin

import "time"

// UsageFilter selects what sums are made of.
type UsageFilter struct {
	From     time.Time `query:"from"`
	To       time.Time `query:"to"`
	GroupBy  []string  `query:"group_by" doc:"key, model, provider, hour, day, label.NAME"`
	Key      string    `query:"key"`
	Model    string    `query:"model"`
	Provider string    `query:"provider"`
	Limit    int       `query:"limit" minimum:"1" maximum:"10000" doc:"So many groups at most: the dearest, or the first where hours or days are grouped by. The total is of all. Without it more than 10,000 are refused"`
	Labels   map[string]string
}

// Usage is sums over a period.
type Usage struct {
	From   time.Time    `json:"from"`
	To     time.Time    `json:"to"`
	Total  UsageSums    `json:"total"`
	Groups []UsageGroup `json:"groups"`
}

// UsageGroup is the sums of one group.
type UsageGroup struct {
	Group map[string]string `json:"group"`
	Name  string            `json:"name,omitempty" doc:"Of the key, when grouped by key"`
	UsageSums
}

// UsageSums are the figures of a group.
type UsageSums struct {
	Requests          int64   `json:"requests"`
	Refused           int64   `json:"refused"`
	Failed            int64   `json:"failed"`
	InputTokens       int64   `json:"input_tokens"`
	OutputTokens      int64   `json:"output_tokens"`
	CachedInputTokens int64   `json:"cached_input_tokens"`
	ReasoningTokens   int64   `json:"reasoning_tokens"`
	CostUSD           string  `json:"cost_usd"`
	Unpriced          int64   `json:"unpriced_requests"`
	MeanSeconds       float64 `json:"mean_duration_seconds"`
}
