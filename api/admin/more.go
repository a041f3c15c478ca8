package admin

import (
	"encoding/json"
	"time"
)

// LimitList is all shared limits.
type LimitList struct {
	Limits []SharedLimit `json:"limits"`
}

// SharedLimit is a limit that stands on its own. The standing of a pool is that of
// the pool; of a limit that each key has for itself it is absent.
type SharedLimit struct {
	Limit
	Origin    string    `json:"origin" enum:"managed,file"`
	Keys      int64     `json:"keys" doc:"Number of keys that it selects"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	UpdatedAt time.Time `json:"updated_at"`
	ETag      string    `json:"etag"`
}

// SharedLimitChanged is a shared limit after a change.
type SharedLimitChanged struct {
	Limit   SharedLimit `json:"limit"`
	EventID uint64      `json:"event_id"`
}

// Adjustment corrects what the current window of a limit has spent.
type Adjustment struct {
	Key    string `json:"key,omitempty" doc:"Whose counter; absent for a pool"`
	By     Amount `json:"by" doc:"What is added to spent; with a minus, what is taken off"`
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

// Adjusted tells what an adjustment did.
type Adjusted struct {
	By      Amount `json:"by" doc:"What was really added: a counter does not go below 0"`
	Limit   Limit  `json:"limit"`
	EventID uint64 `json:"event_id"`
}

// ImportInput asks for keys to be taken over.
type ImportInput struct {
	Format string `query:"format" enum:"auto,ndjson,csv,litellm" default:"auto"`
	DryRun bool   `query:"dry_run"`
	// SkipRefused takes over the other keys though some lines are refused. Otherwise
	// one refused line refuses the import, and nothing is changed.
	SkipRefused bool `query:"skip_refused"`
}

// Imported tells what an import did, or would do.
type Imported struct {
	DryRun    bool         `json:"dry_run"`
	Format    string       `json:"format"`
	Created   int          `json:"created"`
	Unchanged int          `json:"unchanged" doc:"Already here, with the same secret"`
	Refused   int          `json:"refused"`
	Lines     []ImportLine `json:"lines" doc:"What there is to say about single lines, at most 1000"`
	EventID   uint64       `json:"event_id,omitempty"`
}

// ImportStep is one line of the answer to an import that was asked to tell how far it is:
// the last one has Done or Problem, and all before it have Progress.
type ImportStep struct {
	Progress *ImportProgress `json:"progress,omitempty"`
	Done     *Imported       `json:"done,omitempty"`
	Problem  *Problem        `json:"problem,omitempty"`
}

// ImportProgress tells how far an import is.
type ImportProgress struct {
	Step  string `json:"step" enum:"check,store" doc:"All lines are checked before the first is stored"`
	Done  int    `json:"done" doc:"Lines that are done in this step"`
	Total int    `json:"total" doc:"Lines there are; 0: not known yet"`
}

// ImportLine is about one line of an import.
type ImportLine struct {
	Line    int    `json:"line"`
	Name    string `json:"name,omitempty"`
	ID      string `json:"id,omitempty"`
	Outcome string `json:"outcome" enum:"created,unchanged,refused,warning"`
	Message string `json:"message,omitempty"`
}

// AdminToken is a credential of the admin API, without its value.
type AdminToken struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Role       string     `json:"role" enum:"owner,admin,auditor,viewer"`
	Last4      string     `json:"last4"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	ExpiresAt  *time.Time `json:"expires_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

// AdminTokenInput is what an admin token is made of.
type AdminTokenInput struct {
	Name      string     `json:"name" minLength:"1" maxLength:"128"`
	Role      string     `json:"role" enum:"owner,admin,auditor,viewer"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// AdminTokenCreated is a new admin token with its value, shown this once.
type AdminTokenCreated struct {
	Token   AdminToken `json:"token"`
	Secret  string     `json:"secret"`
	EventID uint64     `json:"event_id"`
}

// AdminTokenList is all admin tokens.
type AdminTokenList struct {
	Tokens []AdminToken `json:"tokens"`
}

// WhoAmI is the actor that a token stands for.
type WhoAmI struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
	// May names everything that the role allows, so that nobody has to know the table.
	May []string `json:"may" nullable:"false" doc:"The operations of this document that the role allows" example:"[\"createKey\",\"listKeys\"]"`
}

// Session is an open session. What stands for it is in a cookie that no script can read.
type Session struct {
	WhoAmI
	ExpiresAt time.Time `json:"expires_at" doc:"When it ends at the latest; it ends sooner when it is not used, and with its token"`
}

// SessionEnded answers the end of a session.
type SessionEnded struct {
	Ended bool `json:"ended" doc:"Whether there was one"`
}

// Credential is a provider credential, without its value.
type Credential struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Provider   string     `json:"provider"`
	Host       string     `json:"host" doc:"The only host that it is sent to"`
	Last4      string     `json:"last4"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	UpdatedAt  time.Time  `json:"updated_at"`
	RotatedAt  *time.Time `json:"rotated_at"`
	TestedAt   *time.Time `json:"tested_at"`
	TestOK     *bool      `json:"test_ok" doc:"Whether the provider accepted it when it was tested last. Null: it was not tested"`
	TestResult string     `json:"test_result,omitempty" doc:"What the last test said"`
	UsedBy     []string   `json:"used_by" nullable:"false" doc:"Places in the configuration in force that name it. While there are any it can be neither renamed nor deleted"`
	ETag       string     `json:"etag"`
}

// CredentialInput is what a provider credential is made of.
type CredentialInput struct {
	Name     string `json:"name" minLength:"1" maxLength:"128"`
	Provider string `json:"provider" example:"openai"`
	Host     string `json:"host,omitempty" doc:"Default: the provider's own"`
	Value    string `json:"value" minLength:"1" doc:"Never shown again"`
}

// CredentialEdit is what can be edited of a credential.
type CredentialEdit struct {
	Name string `json:"name" minLength:"1" maxLength:"128"`
	Host string `json:"host" doc:"Cannot be changed: the value is bound to it"`
}

// CredentialValue replaces the value of a credential.
type CredentialValue struct {
	Value string `json:"value" minLength:"1"`
}

// CredentialChanged is a credential after a change.
type CredentialChanged struct {
	Credential Credential `json:"credential"`
	EventID    uint64     `json:"event_id"`
}

// CredentialList is all provider credentials.
type CredentialList struct {
	Credentials []Credential `json:"credentials"`
}

// CredentialTest is the result of a test call.
type CredentialTest struct {
	OK      bool   `json:"ok"`
	Status  int    `json:"status,omitempty" doc:"What the provider answered"`
	Message string `json:"message"`
	EventID uint64 `json:"event_id"`
}

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

// RequestFilter selects requests.
type RequestFilter struct {
	Cursor   string    `query:"cursor"`
	Limit    int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Key      string    `query:"key"`
	Model    string    `query:"model"`
	Provider string    `query:"provider"`
	Outcome  string    `query:"outcome" enum:"served,refused,failed,cut,answered,aborted"`
	Code     string    `query:"code"`
	LimitID  string    `query:"limit_id"`
	Status   int       `query:"status"`
	From     time.Time `query:"from"`
	To       time.Time `query:"to"`
	Labels   map[string]string
}

// Request is what is remembered of one exchange.
type Request struct {
	ID           string            `json:"id"`
	At           time.Time         `json:"at"`
	KeyID        string            `json:"key_id,omitempty"`
	KeyName      string            `json:"key_name,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	Operation    string            `json:"operation"`
	Dialect      string            `json:"dialect"`
	ModelAsked   string            `json:"model_asked,omitempty"`
	ModelSent    string            `json:"model_sent,omitempty"`
	ModelServed  string            `json:"model_served,omitempty"`
	Provider     string            `json:"provider,omitempty"`
	Backend      string            `json:"backend,omitempty"`
	Streamed     bool              `json:"streamed"`
	Client       string            `json:"client,omitempty"`
	Status       int               `json:"status"`
	Outcome      string            `json:"outcome"`
	Code         string            `json:"code,omitempty"`
	Message      string            `json:"message,omitempty"`
	Seconds      float64           `json:"duration_seconds"`
	FirstByte    float64           `json:"first_byte_seconds,omitempty"`
	Tokens       TokenCounts       `json:"tokens"`
	CostUSD      string            `json:"cost_usd"`
	Price        string            `json:"price,omitempty" enum:"known,free,unknown"`
	CostSource   string            `json:"cost_source,omitempty" doc:"Where the figures of the charge come from"`
	PriceVersion string            `json:"price_version,omitempty"`
	Repeated     int64             `json:"repeated,omitempty" doc:"How many more requests were refused like this one within a minute that have no record of their own"`
	Attempts     []Attempt         `json:"attempts,omitempty"`
	Refusal      *Refusal          `json:"refusal,omitempty"`
}

// TokenCounts is a consumption by kind.
type TokenCounts struct {
	Input       int64 `json:"input"`
	Output      int64 `json:"output"`
	CachedInput int64 `json:"cached_input,omitempty"`
	CacheWrite  int64 `json:"cache_write,omitempty"`
	Reasoning   int64 `json:"reasoning,omitempty"`
	InputAudio  int64 `json:"input_audio,omitempty"`
	OutputAudio int64 `json:"output_audio,omitempty"`
}

// Attempt is one try at one target.
type Attempt struct {
	Provider     string      `json:"provider"`
	Backend      string      `json:"backend,omitempty"`
	Model        string      `json:"model"`
	Status       int         `json:"status,omitempty"`
	Error        string      `json:"error,omitempty"`
	Seconds      float64     `json:"duration_seconds"`
	Reservation  string      `json:"reservation,omitempty"`
	BoundUSD     string      `json:"bound_usd,omitempty"`
	BoundTokens  int64       `json:"bound_tokens,omitempty"`
	CostUSD      string      `json:"cost_usd,omitempty"`
	CostSource   string      `json:"cost_source,omitempty"`
	Price        string      `json:"price,omitempty"`
	PriceVersion string      `json:"price_version,omitempty"`
	Tokens       TokenCounts `json:"tokens"`
	Lines        []CostLine  `json:"lines,omitempty"`
}

// CostLine is one component of a cost.
type CostLine struct {
	Model    string `json:"model,omitempty" doc:"As the price lists name it"`
	Kind     string `json:"kind"`
	Quantity int64  `json:"quantity"`
	PriceUSD string `json:"price_usd"`
	Per      string `json:"per" example:"million"`
	Factor   string `json:"factor,omitempty" doc:"On the price, for instance of a service tier"`
	CostUSD  string `json:"cost_usd"`
}

// Refusal is the limit that refused a request, and what it saw.
type Refusal struct {
	LimitID  string     `json:"limit_id"`
	Kind     string     `json:"kind"`
	Window   string     `json:"window"`
	Reason   string     `json:"reason" enum:"exhausted,in_flight,too_large,unpriced"`
	Amount   Amount     `json:"amount"`
	Spent    Amount     `json:"spent"`
	Reserved Amount     `json:"reserved"`
	Asked    Amount     `json:"asked"`
	ResetsAt *time.Time `json:"resets_at"`
	Pool     bool       `json:"pool,omitempty" doc:"Whether others draw from it too"`
	Shared   bool       `json:"shared,omitempty" doc:"Whether it is one of the shared limits, of which /api/v1/limits/{id} tells"`
}

// RequestList is one page of requests. Where much has to be searched for few, a page has fewer
// than were asked for, or none, and yet a cursor.
type RequestList struct {
	Requests []Request `json:"requests"`
	Next     string    `json:"next,omitempty" doc:"Cursor of the next page. While there is one there can be more, even after a page that is short or empty"`
}

// Explanation says why a request was answered as it was, or what it cost and why.
type Explanation struct {
	Request   Request  `json:"request"`
	Sentences []string `json:"sentences" doc:"The answer, for people"`
}

// EventFilter selects audit events.
type EventFilter struct {
	Cursor  string    `query:"cursor"`
	Limit   int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Actor   string    `query:"actor"`
	Action  string    `query:"action"`
	Target  string    `query:"target" doc:"Id"`
	Related string    `query:"related" doc:"Id of a key: events about it, or about one of its limits"`
	Kind    string    `query:"target_kind"`
	Outcome string    `query:"outcome" enum:"done,refused"`
	From    time.Time `query:"from"`
	To      time.Time `query:"to"`
}

// Event is one entry of the audit trail.
type Event struct {
	ID        uint64       `json:"id"`
	At        time.Time    `json:"at"`
	Actor     EventActor   `json:"actor"`
	Action    string       `json:"action"`
	Target    EventTarget  `json:"target"`
	Outcome   string       `json:"outcome" enum:"done,refused"`
	Reason    string       `json:"reason,omitempty"`
	RequestID string       `json:"request_id,omitempty"`
	Diff      []EventField `json:"diff,omitempty"`
	Previous  string       `json:"previous" doc:"Hash of the event before, hexadecimal"`
	Hash      string       `json:"hash"`
}

// EventActor is who did it.
type EventActor struct {
	Kind string `json:"kind" enum:"token,configuration,system"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	Role string `json:"role"`
	From string `json:"from,omitempty"`
}

// EventTarget is what it was about.
type EventTarget struct {
	Kind  string `json:"kind"`
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"`
	KeyID string `json:"key_id,omitempty" doc:"The key whose counter of a limit it was about"`
}

// EventField is one difference.
type EventField struct {
	Path   string          `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// EventList is one page of events.
type EventList struct {
	Events []Event `json:"events"`
	Next   string  `json:"next,omitempty"`
}

// Verification is what a check of the audit trail and the ledger found.
type Verification struct {
	OK      bool   `json:"ok"`
	Events  uint64 `json:"events"`
	Tip     string `json:"tip" doc:"Hash of the last event; keep it elsewhere to notice a shortened trail"`
	Problem string `json:"problem,omitempty" enum:"altered,truncated,gap"`
	Message string `json:"message,omitempty"`
}

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

// Problem is an error, as RFC 9457 has it.
type Problem struct {
	Type      string         `json:"type,omitempty"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code,omitempty" doc:"Stable word for programs"`
	RequestID string         `json:"request_id,omitempty"`
	EventID   uint64         `json:"event_id,omitempty" doc:"The audit event of a refused change"`
	Errors    []ProblemField `json:"errors,omitempty"`
}

// ProblemField is what is wrong with one field.
type ProblemField struct {
	Path       string `json:"path" example:"limits[0].amount"`
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"`
}
