package adminapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"sync"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/control"
)

// fakeControl remembers what it is asked for and answers with the examples of
// the document, or with an error.
type fakeControl struct {
	mu      sync.Mutex
	fail    error
	called  string
	call    control.Call
	args    []any
	refused []string // action, kind and id of the target
	noted   []string
	asked   int    // authentications
	sent    string // bodies of imports
	events  int    // of an export; negative: so many, then a failure
}

// The tokens that the fake knows, by role.
var tokens = map[string]actor.Role{
	"token-of-the-owner": actor.Owner, "token-of-an-admin": actor.Admin, "token-of-an-auditor": actor.Auditor, "token-of-a-viewer": actor.Viewer,
}

const virtualKey = "sk-tg-3fT9aZ0bQ1Xy-0123456789012345678901234567890123456789012Ab3dE9"

func (f *fakeControl) Authenticate(_ context.Context, presented string) (actor.Actor, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	role, ok := tokens[presented]
	return actor.Actor{Kind: actor.Token, ID: "adm_" + role.String(), Name: role.String(), Role: role}, ok
}

func (f *fakeControl) Refused(_ context.Context, call control.Call, action string, target audit.Target, why error) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = append(f.refused, action+" "+target.Kind+" "+target.ID+" by "+call.Actor.Name+" from "+call.Actor.From+": "+why.Error())
	return uint64(len(f.refused))
}

func (f *fakeControl) Noted(_ context.Context, call control.Call, action string, target audit.Target, reason string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	f.noted = append(f.noted, action+" "+target.Kind+" by "+call.Actor.Name+": "+reason)
	return nil
}

// answered notes a call and gives the example of its answer.
func answered[T any](f *fakeControl, what string, call control.Call, args ...any) (*T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.called, f.call, f.args = what, call, args
	if f.fail != nil {
		return nil, f.fail
	}
	v, ok := examples[reflect.TypeFor[T]()].(T)
	if !ok {
		return nil, errors.New("there is no example of " + reflect.TypeFor[T]().String())
	}
	return &v, nil
}

func (f *fakeControl) CreateKey(_ context.Context, c control.Call, in admin.KeyInput) (*admin.KeyCreated, error) {
	return answered[admin.KeyCreated](f, "CreateKey", c, in)
}

func (f *fakeControl) Keys(_ context.Context, c control.Call, filter admin.KeyFilter) (*admin.KeyList, error) {
	return answered[admin.KeyList](f, "Keys", c, filter)
}

func (f *fakeControl) Key(_ context.Context, c control.Call, id string) (*admin.Key, error) {
	return answered[admin.Key](f, "Key", c, id)
}

func (f *fakeControl) Labels(_ context.Context, c control.Call) (*admin.LabelList, error) {
	return answered[admin.LabelList](f, "Labels", c)
}

func (f *fakeControl) EditKey(_ context.Context, c control.Call, id string, patch json.RawMessage) (*admin.KeyChanged, error) {
	return answered[admin.KeyChanged](f, "EditKey", c, id, string(patch))
}

func (f *fakeControl) DeleteKey(_ context.Context, c control.Call, id, reason string) (*admin.Deleted, error) {
	return answered[admin.Deleted](f, "DeleteKey", c, id, reason)
}

func (f *fakeControl) DisableKey(_ context.Context, c control.Call, id string, in admin.Reason) (*admin.KeyChanged, error) {
	return answered[admin.KeyChanged](f, "DisableKey", c, id, in)
}

func (f *fakeControl) EnableKey(_ context.Context, c control.Call, id string, in admin.Reason) (*admin.KeyChanged, error) {
	return answered[admin.KeyChanged](f, "EnableKey", c, id, in)
}

func (f *fakeControl) RevokeKey(_ context.Context, c control.Call, id string, in admin.Revocation) (*admin.KeyChanged, error) {
	return answered[admin.KeyChanged](f, "RevokeKey", c, id, in)
}

func (f *fakeControl) RotateKey(_ context.Context, c control.Call, id string, in admin.Rotation) (*admin.KeyCreated, error) {
	return answered[admin.KeyCreated](f, "RotateKey", c, id, in)
}

func (f *fakeControl) ImportKeys(_ context.Context, c control.Call, in admin.ImportInput, body io.Reader, progress func(admin.ImportProgress)) (*admin.Imported, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, &control.Error{Kind: control.Invalid, Detail: "the import ended early", Err: err}
	}
	if progress != nil {
		progress(admin.ImportProgress{Step: "check", Done: 1, Total: 2})
	}
	f.sent = string(text)
	return answered[admin.Imported](f, "ImportKeys", c, in)
}

func (f *fakeControl) Check(_ context.Context, c control.Call, in admin.Check) (*admin.Checked, error) {
	return answered[admin.Checked](f, "Check", c, in)
}

func (f *fakeControl) CreateLimit(_ context.Context, c control.Call, in admin.Limit) (*admin.SharedLimitChanged, error) {
	return answered[admin.SharedLimitChanged](f, "CreateLimit", c, in)
}

func (f *fakeControl) Limits(_ context.Context, c control.Call) (*admin.LimitList, error) {
	return answered[admin.LimitList](f, "Limits", c)
}

func (f *fakeControl) Limit(_ context.Context, c control.Call, id string) (*admin.SharedLimit, error) {
	return answered[admin.SharedLimit](f, "Limit", c, id)
}

func (f *fakeControl) EditLimit(_ context.Context, c control.Call, id string, patch json.RawMessage) (*admin.SharedLimitChanged, error) {
	return answered[admin.SharedLimitChanged](f, "EditLimit", c, id, string(patch))
}

func (f *fakeControl) DeleteLimit(_ context.Context, c control.Call, id, reason string) (*admin.Deleted, error) {
	return answered[admin.Deleted](f, "DeleteLimit", c, id, reason)
}

func (f *fakeControl) Adjust(_ context.Context, c control.Call, id string, in admin.Adjustment) (*admin.Adjusted, error) {
	return answered[admin.Adjusted](f, "Adjust", c, id, in)
}

func (f *fakeControl) Who(c control.Call) *admin.WhoAmI {
	return &admin.WhoAmI{ID: c.Actor.ID, Name: c.Actor.Name, Role: c.Actor.Role.String()}
}

func (f *fakeControl) MakeToken(_ context.Context, c control.Call, in admin.AdminTokenInput) (*admin.AdminTokenCreated, error) {
	return answered[admin.AdminTokenCreated](f, "MakeToken", c, in)
}

func (f *fakeControl) AdminTokens(_ context.Context, c control.Call) (*admin.AdminTokenList, error) {
	return answered[admin.AdminTokenList](f, "AdminTokens", c)
}

func (f *fakeControl) DeleteToken(_ context.Context, c control.Call, id string) (*admin.Deleted, error) {
	return answered[admin.Deleted](f, "DeleteToken", c, id)
}

func (f *fakeControl) CreateCredential(_ context.Context, c control.Call, in admin.CredentialInput) (*admin.CredentialChanged, error) {
	return answered[admin.CredentialChanged](f, "CreateCredential", c, in)
}

func (f *fakeControl) Credentials(_ context.Context, c control.Call) (*admin.CredentialList, error) {
	return answered[admin.CredentialList](f, "Credentials", c)
}

func (f *fakeControl) Credential(_ context.Context, c control.Call, id string) (*admin.Credential, error) {
	return answered[admin.Credential](f, "Credential", c, id)
}

func (f *fakeControl) EditCredential(_ context.Context, c control.Call, id string, patch json.RawMessage) (*admin.CredentialChanged, error) {
	return answered[admin.CredentialChanged](f, "EditCredential", c, id, string(patch))
}

func (f *fakeControl) RotateCredential(_ context.Context, c control.Call, id string, in admin.CredentialValue) (*admin.CredentialChanged, error) {
	return answered[admin.CredentialChanged](f, "RotateCredential", c, id, in)
}

func (f *fakeControl) DeleteCredential(_ context.Context, c control.Call, id string) (*admin.Deleted, error) {
	return answered[admin.Deleted](f, "DeleteCredential", c, id)
}

func (f *fakeControl) TestCredential(_ context.Context, c control.Call, id string) (*admin.CredentialTest, error) {
	return answered[admin.CredentialTest](f, "TestCredential", c, id)
}

func (f *fakeControl) Models(_ context.Context, c control.Call) (*admin.ModelList, error) {
	return answered[admin.ModelList](f, "Models", c)
}

func (f *fakeControl) Providers(_ context.Context, c control.Call) (*admin.ProviderList, error) {
	return answered[admin.ProviderList](f, "Providers", c)
}

func (f *fakeControl) Prices(_ context.Context, c control.Call, text, cursor string, most int) (*admin.PriceList, error) {
	return answered[admin.PriceList](f, "Prices", c, text, cursor, most)
}

func (f *fakeControl) Price(_ context.Context, c control.Call, name string) (*admin.PriceList, error) {
	return answered[admin.PriceList](f, "Price", c, name)
}

func (f *fakeControl) PriceOverrides(_ context.Context, c control.Call) (*admin.PriceOverrides, error) {
	return answered[admin.PriceOverrides](f, "PriceOverrides", c)
}

func (f *fakeControl) SetPriceOverrides(_ context.Context, c control.Call, list json.RawMessage) (*admin.PriceOverrides, error) {
	return answered[admin.PriceOverrides](f, "SetPriceOverrides", c, string(list))
}

func (f *fakeControl) Usage(_ context.Context, c control.Call, filter admin.UsageFilter) (*admin.Usage, error) {
	return answered[admin.Usage](f, "Usage", c, filter)
}

func (f *fakeControl) KeyUsage(_ context.Context, c control.Call, id string, filter admin.UsageFilter) (*admin.Usage, error) {
	return answered[admin.Usage](f, "KeyUsage", c, id, filter)
}

func (f *fakeControl) Requests(_ context.Context, c control.Call, filter admin.RequestFilter) (*admin.RequestList, error) {
	return answered[admin.RequestList](f, "Requests", c, filter)
}

func (f *fakeControl) Request(_ context.Context, c control.Call, id string) (*admin.Request, error) {
	return answered[admin.Request](f, "Request", c, id)
}

func (f *fakeControl) Why(_ context.Context, c control.Call, id string) (*admin.Explanation, error) {
	return answered[admin.Explanation](f, "Why", c, id)
}

func (f *fakeControl) Overview(_ context.Context, c control.Call) (*admin.Overview, error) {
	return answered[admin.Overview](f, "Overview", c)
}

func (f *fakeControl) Health(_ context.Context, c control.Call) (*admin.Health, error) {
	return answered[admin.Health](f, "Health", c)
}

func (f *fakeControl) Events(_ context.Context, c control.Call, filter admin.EventFilter) (*admin.EventList, error) {
	return answered[admin.EventList](f, "Events", c, filter)
}

func (f *fakeControl) EachEvent(_ context.Context, c control.Call, filter admin.EventFilter, each func(*admin.Event) error) error {
	if _, err := answered[admin.EventList](f, "EachEvent", c, filter); err != nil {
		return err
	}
	for i := range max(f.events, -f.events) {
		e := exampleEvent
		e.ID = uint64(i + 1)
		if err := each(&e); err != nil {
			return err
		}
	}
	if f.events < 0 {
		return errors.New("the disk is gone")
	}
	return nil
}

func (f *fakeControl) Budgets(context.Context, control.Call, string) *admin.BudgetStatus {
	return &admin.BudgetStatus{}
}

func (f *fakeControl) VerifyAudit(_ context.Context, c control.Call) (*admin.Verification, error) {
	return answered[admin.Verification](f, "VerifyAudit", c)
}
