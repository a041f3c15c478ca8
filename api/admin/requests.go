package admin

import "time"

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
