// Package admin holds the types of the admin API: what is sent and what comes
// back, as JSON. Money is decimal text in US dollars, time RFC 3339 with its zone,
// durations text such as "24h"; absent and null mean the same. There is no behaviour
// in it.
package admin

import (
	"encoding/json"
	"time"
)

// Key is a virtual key.
type Key struct {
	ID     string            `json:"id" example:"key_3fT9aZ0bQ1Xy" doc:"Public id, stable for life"`
	Name   string            `json:"name"`
	Status string            `json:"status" enum:"active,disabled,revoked,expired"`
	Reason string            `json:"reason,omitempty" doc:"Why it is disabled or revoked"`
	Origin string            `json:"origin" enum:"managed,file" doc:"Keys of a configuration file are read-only here"`
	Legacy bool              `json:"legacy,omitempty" doc:"Imported without limits"`
	Labels map[string]string `json:"labels"`
	Models *Models           `json:"models" doc:"null: all models"`

	Operations []string `json:"operations" doc:"null: all operations"`
	Networks   []string `json:"networks" doc:"null: all addresses"`
	Limits     []Limit  `json:"limits"`
	// SharedLimits are those that select the key, with what counts for it.
	SharedLimits []Limit  `json:"shared_limits,omitempty"`
	Secrets      []Secret `json:"secrets"`

	MaxTokens int64 `json:"max_tokens,omitempty" doc:"Written into requests that do not bound their output"`
	Clamp     bool  `json:"clamp,omitempty" doc:"Lower an output bound that the budget cannot pay instead of refusing"`
	Discreet  bool  `json:"discreet,omitempty" doc:"Tell no amounts to the holder"`

	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	UpdatedAt  time.Time  `json:"updated_at"`
	ExpiresAt  *time.Time `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	ETag       string     `json:"etag" doc:"What If-Match asks for"`

	ThisMonth *KeyMonth `json:"this_month,omitempty" doc:"Where keys are listed or shown. Absent while the history cannot be read"`
	InFlight  *int      `json:"in_flight,omitempty" doc:"Requests under way now. Where one key is shown"`
}

// KeyMonth is what a key used in the calendar month of UTC so far.
type KeyMonth struct {
	Requests     int64  `json:"requests" doc:"Refused ones among them"`
	InputTokens  int64  `json:"input_tokens"`
	OutputTokens int64  `json:"output_tokens"`
	CostUSD      string `json:"cost_usd"`
}

// Models says which models a key may use, by patterns: a name, "prefix*", "*suffix" or "*".
type Models struct {
	Allow []string `json:"allow,omitzero" doc:"absent: all; []: none"`
	Deny  []string `json:"deny,omitempty"`
}

// Secret tells about one secret of a key. Its value is shown once, by create and rotate.
type Secret struct {
	ID         string     `json:"id"`
	Last4      string     `json:"last4,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
	NotAfter   *time.Time `json:"not_after"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// Window is when a limit counts anew. Exactly one of the three is given; no window
// at all is for life.
type Window struct {
	Calendar string `json:"calendar,omitempty" enum:"hour,day,week,month,quarter,year"`
	Timezone string `json:"timezone,omitempty" example:"Europe/Berlin" doc:"Of a calendar window; default UTC"`
	// Anchor moves the first day of a calendar window: a day of the week for weeks
	// ("sunday"), a day of the month ("15") or of the year ("04-06").
	Anchor  string     `json:"anchor,omitempty"`
	Fixed   string     `json:"fixed,omitempty" example:"5h"`
	Origin  *time.Time `json:"origin,omitempty" doc:"When one of the fixed windows begins; default: when the limit was made"`
	Sliding string     `json:"sliding,omitempty" example:"60s"`
}

// Limit is a limit, and where it is shown how it stands.
type Limit struct {
	ID     string   `json:"id,omitempty" doc:"Given by tollgate; send it to keep what a limit has counted when it is edited"`
	Kind   string   `json:"kind" enum:"cost,tokens,requests,concurrency"`
	Amount Amount   `json:"amount" doc:"Cost: decimal text in US dollars. Others: a number"`
	Window *Window  `json:"window,omitempty"`
	Models []string `json:"models,omitempty" doc:"Patterns of the models that it is about; absent: all"`

	// Of shared limits.
	Name  string            `json:"name,omitempty"`
	Match map[string]string `json:"match,omitzero" doc:"Labels that select keys, as label.NAME; {}: all keys"`
	Per   string            `json:"per,omitempty" enum:"pool,each"`

	*Standing // only where it is shown how the limit stands
}

// Standing is how a limit stands: shown beside the fields of the limit.
type Standing struct {
	Spent     Amount     `json:"spent"`
	Reserved  Amount     `json:"reserved"`
	Remaining Amount     `json:"remaining" doc:"Never below 0"`
	Overrun   *Amount    `json:"overrun,omitempty" doc:"What providers reported above what was set aside"`
	StartsAt  *time.Time `json:"starts_at,omitempty"`
	ResetsAt  *time.Time `json:"resets_at" doc:"null: never"`
}

// KeyInput is what a key is made of. The short form (cost, tokens, rpm, period) adds limits.
type KeyInput struct {
	Name       string            `json:"name" minLength:"1" maxLength:"128"`
	Labels     map[string]string `json:"labels,omitempty"`
	Models     *Models           `json:"models,omitempty"`
	Operations []string          `json:"operations,omitzero" doc:"absent: all; []: none"`
	Networks   []string          `json:"networks,omitzero" doc:"Addresses and CIDR ranges; absent: all; []: none"`
	Limits     []Limit           `json:"limits,omitempty"`
	ExpiresAt  *time.Time        `json:"expires_at,omitempty"`
	MaxTokens  int64             `json:"max_tokens,omitempty" minimum:"0"`
	Clamp      bool              `json:"clamp,omitempty"`
	Discreet   bool              `json:"discreet,omitempty"`
	Disabled   bool              `json:"disabled,omitempty"`

	CostLimit     string `json:"cost_limit,omitempty" example:"200.00" doc:"Short form: US dollars per reset_period"`
	TokenLimit    *int64 `json:"token_limit,omitempty" doc:"Short form: tokens per reset_period"`
	RequestsLimit *int64 `json:"requests_per_minute,omitempty" doc:"Short form: in any 60 seconds"`
	ResetPeriod   string `json:"reset_period,omitempty" enum:"never,hourly,daily,weekly,monthly,yearly"`
	Timezone      string `json:"timezone,omitempty" doc:"Of reset_period; default UTC"`
}

// KeyCreated is a new key, or one with a new secret.
type KeyCreated struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret" doc:"Shown this once"`
	// Ended are the secrets that a rotation ended at once, in their grace or before it.
	Ended   []Secret `json:"ended,omitempty" doc:"Secrets that were good until now and are refused from now on"`
	EventID uint64   `json:"event_id" doc:"The audit event of the change"`
}

// KeyChanged is a key after a change.
type KeyChanged struct {
	Key     Key    `json:"key"`
	EventID uint64 `json:"event_id"`
}

// Reason is why an operator does something.
type Reason struct {
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// Revocation ends a key for ever.
type Revocation struct {
	Mode   string `json:"mode,omitempty" enum:"drain,cut" doc:"drain (default): requests in flight finish; cut: they are ended"`
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// Rotation gives a key a new secret.
type Rotation struct {
	Grace string `json:"grace,omitempty" example:"24h" doc:"How long the old secret lives on; default 24h, at most 168h, 0s ends it at once"`
	// EndPrevious ends a secret that is still in the grace of an earlier rotation. Without
	// it such a rotation is refused: a key has two live secrets at most.
	EndPrevious bool `json:"end_previous,omitempty" doc:"End the secret before the old one at once, though it is still in its grace"`
}

// Deleted answers a deletion.
type Deleted struct {
	ID      string `json:"id"`
	EventID uint64 `json:"event_id"`
}

// KeyList is one page of keys. How many the filter selects is in Total, or if these are too many to be
// counted quickly, in TotalAtLeast.
type KeyList struct {
	Keys         []Key  `json:"keys"`
	Next         string `json:"next,omitempty" doc:"Cursor of the next page"`
	Total        *int64 `json:"total,omitempty" doc:"Keys that the filter selects, on all pages"`
	TotalAtLeast int64  `json:"total_at_least,omitempty" doc:"In place of total: so many keys were counted, and there are more"`
}

// KeyFilter selects keys.
type KeyFilter struct {
	Cursor         string            `query:"cursor"`
	Limit          int               `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Text           string            `query:"q" doc:"In the name, the id, a label's value, or the end of a secret"`
	Status         string            `query:"status" enum:"active,disabled,revoked,expired"`
	Labels         map[string]string // label.NAME=VALUE
	Origin         string            `query:"origin" enum:"managed,file"`
	ExpiringWithin string            `query:"expiring_within" example:"168h" doc:"A duration, or days: 7d"`
	IdleFor        string            `query:"idle_for" example:"2160h" doc:"A duration, or days: 90d. Keys never used count from when they were made"`
	Uncapped       bool              `query:"uncapped" doc:"Keys without a limit of their own"`
	Sort           string            `query:"sort" enum:"name,-name,created_at,-created_at,last_used_at,-last_used_at,expires_at,-expires_at"`
}

// LabelList tells which labels keys have.
type LabelList struct {
	Labels []LabelName `json:"labels" nullable:"false" doc:"Those that most keys have first"`
	More   bool        `json:"more,omitempty" doc:"There are others, which fewer keys have"`
}

// LabelName is a label with its values.
type LabelName struct {
	Name   string       `json:"name" example:"team"`
	Keys   int64        `json:"keys" doc:"Keys that have it"`
	Values []LabelValue `json:"values" nullable:"false" doc:"Those that most keys have first"`
	More   bool         `json:"more,omitempty" doc:"There are others, which fewer keys have"`
}

// LabelValue is a value of a label.
type LabelValue struct {
	Value string `json:"value" example:"payments"`
	Keys  int64  `json:"keys" doc:"Keys that have it"`
}

// Try is a request that is sent in the name of a key.
type Try struct {
	Path string          `json:"path" minLength:"1" maxLength:"200" example:"/v1/chat/completions" doc:"Of the endpoint"`
	Host string          `json:"host,omitempty" maxLength:"253" doc:"That routes may ask for"`
	Body json.RawMessage `json:"body" doc:"As the application would send it"`
}

// Check asks whether a request would pass.
type Check struct {
	Key         string `json:"key" doc:"Id or name"`
	Model       string `json:"model"`
	Operation   string `json:"operation,omitempty" doc:"default chat"`
	Address     string `json:"address,omitempty" doc:"Of the client"`
	InputTokens int64  `json:"input_tokens,omitempty" minimum:"0"`
	MaxTokens   int64  `json:"max_tokens,omitempty" minimum:"0"`
}

// Checked is what would become of the request. Nothing was spent.
type Checked struct {
	Allowed bool    `json:"allowed"`
	Status  int     `json:"status,omitempty" doc:"HTTP status of the refusal"`
	Code    string  `json:"code,omitempty"`
	Message string  `json:"message,omitempty"`
	Limit   *Limit  `json:"limit,omitempty" doc:"The limit that refuses"`
	Bound   *Bound  `json:"bound,omitempty" doc:"What would be set aside"`
	Price   string  `json:"price,omitempty" enum:"known,free,unknown"`
	Limits  []Limit `json:"limits,omitempty" doc:"All that apply, as they stand"`
}

// Bound is the most that a request can come to.
type Bound struct {
	CostUSD Amount `json:"cost_usd"`
	Tokens  int64  `json:"tokens"`
}
