package config

import "time"

// APIKey is one virtual key. Exactly one of Key and Hash is set.
type APIKey struct {
	At   Position `json:"-"`
	Key  Secret   `json:"key,omitzero" doc:"The key: text, $VARIABLE or {file: path}."`
	Hash KeyHash  `json:"keyHash,omitzero" doc:"sha256: and the 64 hexadecimal digits of the SHA-256 of the key."`
	// ID is "" for one that is made of the key.
	ID       string       `json:"id,omitzero" doc:"Public id: key_ and 12 letters and digits. What the key spent belongs to it. Left out it is made of the key, so that another key is another id."`
	Name     string       `json:"name,omitzero" doc:"Name for people (default: name, user or owner of the metadata)."`
	Metadata Metadata     `json:"metadata,omitzero" doc:"Anything about the key; fields are apiKey.<name> in CEL."`
	Labels   *Map[string] `json:"labels,omitzero" doc:"What shared limits and reports go by (default: the texts among the metadata)."`
	// AllowedModels is nil if there is no constraint; an empty list denies all.
	AllowedModels *[]string   `json:"allowedModels,omitzero" doc:"Models that the key may use: exact, prefix*, *suffix or *. An empty list denies all."`
	Models        *ModelScope `json:"models,omitzero" doc:"Models that the key may use, and those that it may not."`
	// Operations and Networks are nil if there is no constraint.
	Operations *[]string `json:"operations,omitzero" doc:"Operations that the key may be used for; all if left out." enum:"passthrough,chat,completions,responses,embeddings,models,moderations,images,transcriptions,speech,messages,count_tokens,rerank,generate,converse"`
	Networks   *[]string `json:"networks,omitzero" doc:"Client addresses that may use the key, for instance 10.0.0.0/8; all if left out."`
	Limits     []Limit   `json:"limits,omitzero" doc:"Limits on cost, tokens, requests and concurrency, which must all have room."`
	Budgets    []Budget  `json:"budgets,omitzero" doc:"Limits in the form of agentgateway."`
	ExpiresAt  Instant   `json:"expiresAt,omitzero" doc:"When the key ends, for instance 2026-12-31T23:59:59Z."`
	MaxTokens  int64     `json:"maxTokens,omitzero" doc:"Written into requests that do not bound their output." min:"0"`
	Clamp      bool      `json:"clamp,omitzero" doc:"Lower an output bound that a limit cannot pay instead of refusing."`
	Discreet   bool      `json:"discreet,omitzero" doc:"Tell no amounts to whoever holds the key."`
	_          struct{}  `oneof:"key,keyHash"`

	// Last4 are the last characters of a key that is given by its hash, "" if they are not
	// known. Previous is the secret before a rotation. Disabled keys are refused. No
	// configuration file has these: they are for keys that are declared elsewhere.
	Last4    string          `json:"-"`
	Previous *PreviousSecret `json:"-"`
	Disabled bool            `json:"-"`
}

// PreviousSecret is the secret of a key before a rotation, which is good until an instant.
type PreviousSecret struct {
	Digest [32]byte
	Last4  string
	Until  time.Time
}

// KeyHash is the SHA-256 of a key.
type KeyHash struct {
	Digest [32]byte
	At     Position
}

// Given reports whether the configuration has the hash.
func (h KeyHash) Given() bool { return h.At.Path != "" }

// ModelScope is which models a key may use, by patterns.
type ModelScope struct {
	At    Position  `json:"-"`
	Allow *[]string `json:"allow,omitzero" doc:"Models that may be used: exact, prefix*, *suffix or *; all if left out, none if empty."`
	Deny  []string  `json:"deny,omitzero" doc:"Models that may not be used."`
}

// Limit is a limit of one key.
type Limit struct {
	At     Position `json:"-"`
	ID     string   `json:"id,omitzero" doc:"Id of the limit: lim_ and 12 letters and digits. What was counted belongs to it. Left out it follows from the key, kind and models."`
	Kind   string   `json:"kind" doc:"What is counted." enum:"cost,tokens,requests,concurrency" required:"true"`
	Amount Amount   `json:"amount" doc:"Cost: US dollars, for instance \"200.00\". Others: a whole number." required:"true"`
	Window *Window  `json:"window,omitzero" doc:"When it counts anew; never if left out."`
	Models []string `json:"models,omitzero" doc:"Models that it is about: exact, prefix*, *suffix or *; all if left out."`
}

// SharedLimit is a limit that stands on its own and selects keys by their labels.
type SharedLimit struct {
	Limit
	Name  string       `json:"name" doc:"Name for people." required:"true"`
	Match *Map[string] `json:"match" doc:"Labels that keys must have, as label.NAME: VALUE; {} selects all keys." required:"true"`
	Per   string       `json:"per" doc:"pool: all selected keys draw from it together. each: every key has it for itself." enum:"pool,each" required:"true"`
}

// Window is when a limit counts anew: exactly one of calendar, fixed and sliding.
type Window struct {
	At       Position      `json:"-"`
	Calendar string        `json:"calendar,omitzero" doc:"By the calendar." enum:"hour,day,week,month,quarter,year"`
	Timezone string        `json:"timezone,omitzero" doc:"Time zone of the calendar, for instance Europe/Berlin (default: UTC)."`
	Anchor   string        `json:"anchor,omitzero" doc:"First day: of the week (sunday), of the month (15), of the quarter or the year (04-06)."`
	Fixed    time.Duration `json:"fixed,omitzero" doc:"One length after the other."`
	Origin   Instant       `json:"origin,omitzero" doc:"When one of the fixed windows begins (default: 1970-01-01T00:00:00Z)."`
	Sliding  time.Duration `json:"sliding,omitzero" doc:"The last length of time, exactly."`
	_        struct{}      `oneof:"calendar,fixed,sliding"`
}

// Budget is a limit of one key in the form of agentgateway.
type Budget struct {
	At         Position     `json:"-"`
	Name       string       `json:"name" doc:"Name, unique for the key. What was counted belongs to it." required:"true"`
	Limit      BudgetLimit  `json:"limit" doc:"How much." required:"true"`
	Window     BudgetWindow `json:"window" doc:"When it counts anew." required:"true"`
	OnExceeded string       `json:"onBudgetExceeded" doc:"What becomes of requests that do not fit." enum:"Block,Audit" required:"true"`
}

// BudgetLimit is an amount with its unit.
type BudgetLimit struct {
	At     Position `json:"-"`
	Unit   string   `json:"unit" doc:"What is counted." enum:"USD,Tokens" required:"true"`
	Amount Amount   `json:"amount" doc:"US dollars, or a whole number of tokens." required:"true"`
}

// BudgetWindow is the length of fixed windows that follow each other from 1970 on.
type BudgetWindow struct {
	Rolling time.Duration `json:"rolling" doc:"Length of the windows, which follow each other from 1970-01-01T00:00:00Z on." required:"true"`
}
