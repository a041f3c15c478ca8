package admin

import (
	"encoding/json"
	"time"
)

// Model is something that can be called.
type Model struct {
	Name      string   `json:"name"`
	Providers []string `json:"providers"`
	Upstream  []string `json:"upstream,omitempty" doc:"Names under which providers know it"`
	Price     string   `json:"price,omitempty" enum:"known,free,unknown" doc:"Absent where it depends on the name that a caller asks for"`
	Rates     []Rate   `json:"rates,omitempty" doc:"What it usually costs at the first place that it is sent to"`
}

// ModelList is all models of the configuration in force.
type ModelList struct {
	Models []Model `json:"models"`
}

// Provider is a provider that requests can be sent to, or that a credential is stored for.
type Provider struct {
	Name        string           `json:"name" doc:"As the price lists name it" example:"openai"`
	DefaultHost string           `json:"default_host,omitempty" doc:"Where it is unless the configuration says otherwise"`
	Credentials []string         `json:"credentials" nullable:"false" doc:"Names of the credentials that are stored for it"`
	Models      []string         `json:"models" nullable:"false" doc:"Names and patterns by which callers get there"`
	Targets     []ProviderTarget `json:"targets" nullable:"false" doc:"In the order of the configuration in force; none if it names the provider nowhere"`
}

// ProviderTarget is one place of a provider in the configuration, and what was seen of it since
// the start of the server. Only requests of callers are counted, and each try that they took.
type ProviderTarget struct {
	Backend     string     `json:"backend" doc:"Its name in the configuration"`
	Host        string     `json:"host"`
	Model       string     `json:"model,omitempty" doc:"Absent: the model that a caller asks for"`
	Route       string     `json:"route,omitempty" doc:"That it stands in. Absent for a model of llm.models"`
	State       string     `json:"state" enum:"healthy,failing,resting,unknown" doc:"failing: the latest tries failed, and it is tried like others. resting: it is tried only where no other target is left. unknown: nothing was sent there yet"`
	RestsUntil  *time.Time `json:"rests_until" doc:"Null: it does not rest"`
	Failures    int        `json:"failures_in_a_row"`
	Latency     float64    `json:"latency_seconds,omitempty" doc:"Until an answer begins, smoothed. Absent if none came yet"`
	Requests    int        `json:"requests_5m" doc:"Tries in the last five whole minutes and the one that has begun"`
	Failed      int        `json:"failed_5m" doc:"Of these, those that count against the target"`
	LastError   string     `json:"last_error,omitempty" doc:"However long ago"`
	LastErrorAt *time.Time `json:"last_error_at"`
}

// ProviderList is all providers, by name.
type ProviderList struct {
	Providers []Provider `json:"providers" nullable:"false"`
}

// Price is what a model costs.
type Price struct {
	Provider      string      `json:"provider"`
	Model         string      `json:"model"`
	State         string      `json:"state" enum:"known,free,unknown"`
	Version       string      `json:"version"`
	ContextWindow int64       `json:"context_window,omitempty"`
	MaxOutput     int64       `json:"max_output,omitempty"`
	Tiers         []PriceTier `json:"tiers"`
	Origins       []Origin    `json:"origins"`
	Unmetered     []string    `json:"unmetered,omitempty" doc:"What the provider charges for as well, and no usage tells"`
}

// PriceTier is the prices that hold above a size of input, or for a service tier.
type PriceTier struct {
	Service   string `json:"service,omitempty"`
	OverInput *int64 `json:"over_input_tokens,omitempty"`
	Factor    string `json:"factor,omitempty"`
	Rates     []Rate `json:"rates"`
}

// Rate is one price.
type Rate struct {
	Kind     string `json:"kind" example:"input"`
	PriceUSD string `json:"price_usd"`
	Per      string `json:"per" example:"million"`
	Origin   Origin `json:"origin"`
}

// Origin says where a price comes from.
type Origin struct {
	Source  string `json:"source"`
	Version string `json:"version,omitempty"`
	Date    string `json:"date,omitempty"`
}

// PriceList is the prices of models.
type PriceList struct {
	Prices  []Price  `json:"prices"`
	Origins []Origin `json:"origins" doc:"All price lists in force, the undermost first"`
	Next    string   `json:"next,omitempty"`
}

// PriceOverrides is the operator's own price list, in the format tollgate/prices/1.
type PriceOverrides struct {
	List    json.RawMessage `json:"list"`
	ETag    string          `json:"etag,omitempty"`
	EventID uint64          `json:"event_id,omitempty"`
}
