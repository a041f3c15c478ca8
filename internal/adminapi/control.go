package adminapi

import (
	"context"
	"encoding/json"
	"io"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/control"
)

// Control is what the admin API serves. *control.Control implements it; its
// methods check, change and record, and give a *control.Error for what they refuse.
type Control interface {
	Keys
	Lifecycle
	Limits
	Tokens
	Credentials
	Prices
	History
	Audit
}

// Keys manages virtual keys.
type Keys interface {
	CreateKey(ctx context.Context, call control.Call, in admin.KeyInput) (*admin.KeyCreated, error)
	Keys(ctx context.Context, call control.Call, filter admin.KeyFilter) (*admin.KeyList, error)
	Key(ctx context.Context, call control.Call, id string) (*admin.Key, error)
	EditKey(ctx context.Context, call control.Call, id string, patch json.RawMessage) (*admin.KeyChanged, error)
	DeleteKey(ctx context.Context, call control.Call, id, reason string) (*admin.Deleted, error)
	ImportKeys(ctx context.Context, call control.Call, in admin.ImportInput, body io.Reader, progress func(admin.ImportProgress)) (*admin.Imported, error)
	Check(ctx context.Context, call control.Call, in admin.Check) (*admin.Checked, error)
	Labels(ctx context.Context, call control.Call) (*admin.LabelList, error)
}

// Lifecycle changes whether and with which secret a key works.
type Lifecycle interface {
	DisableKey(ctx context.Context, call control.Call, id string, in admin.Reason) (*admin.KeyChanged, error)
	EnableKey(ctx context.Context, call control.Call, id string, in admin.Reason) (*admin.KeyChanged, error)
	RevokeKey(ctx context.Context, call control.Call, id string, in admin.Revocation) (*admin.KeyChanged, error)
	RotateKey(ctx context.Context, call control.Call, id string, in admin.Rotation) (*admin.KeyCreated, error)
}

// Limits manages shared limits, and corrects the counters of any.
type Limits interface {
	CreateLimit(ctx context.Context, call control.Call, in admin.Limit) (*admin.SharedLimitChanged, error)
	Limits(ctx context.Context, call control.Call) (*admin.LimitList, error)
	Limit(ctx context.Context, call control.Call, id string) (*admin.SharedLimit, error)
	EditLimit(ctx context.Context, call control.Call, id string, patch json.RawMessage) (*admin.SharedLimitChanged, error)
	DeleteLimit(ctx context.Context, call control.Call, id, reason string) (*admin.Deleted, error)
	Adjust(ctx context.Context, call control.Call, limitID string, in admin.Adjustment) (*admin.Adjusted, error)
}

// Tokens knows who is on the admin API.
type Tokens interface {
	// Authenticate tells whose admin token was presented, in a time that does not
	// depend on the token.
	Authenticate(ctx context.Context, presented string) (actor.Actor, bool)
	Who(call control.Call) *admin.WhoAmI
	MakeToken(ctx context.Context, call control.Call, in admin.AdminTokenInput) (*admin.AdminTokenCreated, error)
	AdminTokens(ctx context.Context, call control.Call) (*admin.AdminTokenList, error)
	DeleteToken(ctx context.Context, call control.Call, id string) (*admin.Deleted, error)
}

// Credentials manages provider credentials.
type Credentials interface {
	CreateCredential(ctx context.Context, call control.Call, in admin.CredentialInput) (*admin.CredentialChanged, error)
	Credentials(ctx context.Context, call control.Call) (*admin.CredentialList, error)
	Credential(ctx context.Context, call control.Call, id string) (*admin.Credential, error)
	EditCredential(ctx context.Context, call control.Call, id string, patch json.RawMessage) (*admin.CredentialChanged, error)
	RotateCredential(ctx context.Context, call control.Call, id string, in admin.CredentialValue) (*admin.CredentialChanged, error)
	DeleteCredential(ctx context.Context, call control.Call, id string) (*admin.Deleted, error)
	TestCredential(ctx context.Context, call control.Call, id string) (*admin.CredentialTest, error)
}

// Prices tells what can be called, how that is, and what it costs.
type Prices interface {
	Providers(ctx context.Context, call control.Call) (*admin.ProviderList, error)
	Models(ctx context.Context, call control.Call) (*admin.ModelList, error)
	Prices(ctx context.Context, call control.Call, text, cursor string, most int) (*admin.PriceList, error)
	Price(ctx context.Context, call control.Call, name string) (*admin.PriceList, error)
	PriceOverrides(ctx context.Context, call control.Call) (*admin.PriceOverrides, error)
	SetPriceOverrides(ctx context.Context, call control.Call, list json.RawMessage) (*admin.PriceOverrides, error)
}

// History tells what was requested and spent.
type History interface {
	Usage(ctx context.Context, call control.Call, filter admin.UsageFilter) (*admin.Usage, error)
	KeyUsage(ctx context.Context, call control.Call, id string, filter admin.UsageFilter) (*admin.Usage, error)
	Requests(ctx context.Context, call control.Call, filter admin.RequestFilter) (*admin.RequestList, error)
	Request(ctx context.Context, call control.Call, id string) (*admin.Request, error)
	Why(ctx context.Context, call control.Call, id string) (*admin.Explanation, error)
	Overview(ctx context.Context, call control.Call) (*admin.Overview, error)
	Health(ctx context.Context, call control.Call) (*admin.Health, error)
	Budgets(ctx context.Context, call control.Call, keyName string) *admin.BudgetStatus
}

// Audit reads the audit trail, and writes what the API itself refuses.
type Audit interface {
	Events(ctx context.Context, call control.Call, filter admin.EventFilter) (*admin.EventList, error)
	EachEvent(ctx context.Context, call control.Call, filter admin.EventFilter, each func(*admin.Event) error) error
	VerifyAudit(ctx context.Context, call control.Call) (*admin.Verification, error)
	// Noted puts on record what the API itself is about to change.
	Noted(ctx context.Context, call control.Call, action string, target audit.Target, reason string) error
	// Refused puts on record that a change was refused.
	Refused(ctx context.Context, call control.Call, action string, target audit.Target, why error) (event uint64)
}
