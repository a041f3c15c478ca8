package admin

import "time"

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
