package admin

import "time"

// Overview is what the first page of the console shows.
type Overview struct {
	At             time.Time     `json:"at"`
	Today          UsageSums     `json:"today"`
	Month          UsageSums     `json:"month"`
	MonthProjected string        `json:"month_projected_usd"`
	Keys           KeyCounts     `json:"keys"`
	Refusals       []CodeCount   `json:"refusals_today"`
	Days           []UsageGroup  `json:"days" doc:"The last 30 days"`
	TopKeys        []UsageGroup  `json:"top_keys" doc:"Of this month by cost"`
	Attention      []AttentionTo `json:"attention"`
	Latency        *Latency      `json:"latency,omitempty" doc:"Absent if nothing was served in the last hour"`
}

// Latency is how long the requests took that were served in the last hour, of very many the latest. So
// many percent of them took at most so long.
type Latency struct {
	Requests     int     `json:"requests" doc:"That were looked at"`
	P50          float64 `json:"p50_seconds"`
	P95          float64 `json:"p95_seconds"`
	FirstByteP50 float64 `json:"first_byte_p50_seconds" doc:"Until the first byte of the answer"`
}

// KeyCounts counts keys.
type KeyCounts struct {
	Active   int64 `json:"active"`
	Disabled int64 `json:"disabled"`
	Revoked  int64 `json:"revoked"`
	Expired  int64 `json:"expired"`
	Uncapped int64 `json:"uncapped"`
}

// CodeCount counts refusals by their code.
type CodeCount struct {
	Code  string `json:"code"`
	Count int64  `json:"count"`
}

// AttentionTo is something that an operator should look at.
type AttentionTo struct {
	Kind    string `json:"kind" enum:"near_limit,refused,expiring,idle,uncapped,credential_failing,provider_resting,unpriced_model"`
	KeyID   string `json:"key_id,omitempty"`
	Name    string `json:"name"`
	LimitID string `json:"limit_id,omitempty"`
	Message string `json:"message"`
	// More stands in the last entry of a kind, which is about no single thing.
	More     int64 `json:"more,omitempty" doc:"So many others of the kind are not listed: the entry stands for these"`
	MoreThan bool  `json:"more_than,omitempty" doc:"There are even more than that: they are not counted further"`
}

// Gateway is an address that applications call.
type Gateway struct {
	Address string `json:"address" example:"0.0.0.0:4000"`
	TLS     bool   `json:"tls"`
}

// Health says how the server is.
type Health struct {
	Version     string    `json:"version"`
	StartedAt   time.Time `json:"started_at"`
	ReloadedAt  time.Time `json:"reloaded_at"`
	ReloadError string    `json:"reload_error,omitempty"`
	DataDir     string    `json:"data_dir"`
	Database    string    `json:"database"`
	LedgerRows  uint64    `json:"ledger_rows"`
	Gateways    []Gateway `json:"gateways" nullable:"false" doc:"Where applications call"`
	MasterKey   bool      `json:"master_key" doc:"Whether provider credentials can be stored"`
	Retention   Retention `json:"retention"`
}

// Retention says how long what is kept, as whole days ("30d") where it is that. Sums by the
// day and the audit trail are kept for ever.
type Retention struct {
	Requests string `json:"requests" example:"30d" doc:"Records of requests"`
	Hours    string `json:"hours" example:"396d" doc:"Sums by the hour"`
	Ledger   string `json:"ledger" example:"35d" doc:"Rows of the ledger; longer where an open window needs them"`
}
