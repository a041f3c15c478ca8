package admin

import "time"

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
