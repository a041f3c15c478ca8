package adminapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"tollgate/api/admin"
)

// The examples of the OpenAPI document: one of each type that is sent or
// answered. They are values of the API's own types, so they cannot fall behind.

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic("adminapi: an example has a wrong time: " + err.Error())
	}
	return t
}

func pointer[T any](v T) *T { return &v }

var (
	exampleLimit = admin.Limit{
		ID: "lim_8dK2mQpR4sTv", Kind: "cost", Amount: admin.Dollars("200.00"),
		Window: &admin.Window{Calendar: "month", Timezone: "Europe/Berlin"},
		Standing: &admin.Standing{
			Spent: admin.Dollars("3.17"), Reserved: admin.Dollars("0.02"), Remaining: admin.Dollars("196.81"),
			StartsAt: pointer(at("2026-11-01T00:00:00+01:00")), ResetsAt: pointer(at("2026-12-01T00:00:00+01:00")),
		},
	}
	exampleNewLimit = admin.Limit{
		Name: "payments", Match: map[string]string{"label.team": "payments"}, Per: "pool",
		Kind: "cost", Amount: admin.Dollars("500.00"), Window: &admin.Window{Calendar: "month"},
	}
	exampleKey = admin.Key{
		ID: "key_3fT9aZ0bQ1Xy", Name: "checkout-prod", Status: "active", Origin: "managed",
		Labels: map[string]string{"team": "payments", "env": "prod"}, Models: &admin.Models{Allow: []string{"gpt-5*"}},
		Limits:    []admin.Limit{exampleLimit},
		Secrets:   []admin.Secret{{ID: "sec_Zx81LmNq20Ab", Last4: "Q9x2", CreatedAt: at("2026-11-02T09:30:00Z")}},
		CreatedAt: at("2026-11-02T09:30:00Z"), CreatedBy: "ops", UpdatedAt: at("2026-11-02T09:30:00Z"),
		ExpiresAt: pointer(at("2027-02-01T00:00:00Z")), LastUsedAt: pointer(at("2026-11-21T11:58:03Z")), ETag: `"7"`,
	}
	exampleListed = func() admin.Key {
		k := exampleKey
		k.ThisMonth = &admin.KeyMonth{Requests: 412, InputTokens: 918000, OutputTokens: 201300, CostUSD: "3.17"}
		return k
	}()
	exampleShown = func() admin.Key {
		k := exampleListed
		k.InFlight = pointer(2)
		return k
	}()
	exampleShared = admin.SharedLimit{
		Limit: admin.Limit{
			ID: "lim_Pp03RrT5uVwX", Name: "payments", Match: map[string]string{"label.team": "payments"}, Per: "pool", Kind: "cost",
			Amount: admin.Dollars("500.00"), Window: &admin.Window{Calendar: "month"},
			Standing: &admin.Standing{
				Spent: admin.Dollars("41.80"), Reserved: admin.Dollars("0.00"), Remaining: admin.Dollars("458.20"),
				StartsAt: pointer(at("2026-11-01T00:00:00Z")), ResetsAt: pointer(at("2026-12-01T00:00:00Z")),
			},
		},
		Origin: "managed", Keys: 12, CreatedAt: at("2026-11-01T08:00:00Z"), CreatedBy: "ops", UpdatedAt: at("2026-11-01T08:00:00Z"), ETag: `"1"`,
	}
	exampleCredential = admin.Credential{
		ID: "cred_5tGh7JkL9mNb", Name: "openai-main", Provider: "openai", Host: "api.openai.com", Last4: "w8Fa",
		CreatedAt: at("2026-11-01T08:00:00Z"), CreatedBy: "ops", UpdatedAt: at("2026-11-01T08:00:00Z"),
		TestedAt: pointer(at("2026-11-01T08:00:05Z")), TestOK: pointer(true), TestResult: "ok", UsedBy: []string{"config.yaml:7:21: llm.models[0].params.apiKey"}, ETag: `"2"`,
	}
	exampleToken = admin.AdminToken{
		ID: "adm_1qAz2WsX3eDc", Name: "ci", Role: "auditor", Last4: "h77K",
		CreatedAt: at("2026-11-01T08:00:00Z"), CreatedBy: "owner", ExpiresAt: pointer(at("2027-11-01T00:00:00Z")),
	}
	exampleSums = admin.UsageSums{
		Requests: 1200, Refused: 3, Failed: 1, InputTokens: 1843000, OutputTokens: 402100, CachedInputTokens: 610000,
		ReasoningTokens: 88000, CostUSD: "4.317250", MeanSeconds: 1.42,
	}
	exampleRefusal = admin.Refusal{
		LimitID: "lim_8dK2mQpR4sTv", Kind: "cost", Window: "calendar month", Reason: "exhausted",
		Amount: admin.Dollars("200.00"), Spent: admin.Dollars("199.98"), Reserved: admin.Dollars("0.00"), Asked: admin.Dollars("0.05"),
		ResetsAt: pointer(at("2026-12-01T00:00:00+01:00")),
	}
	exampleRequest = admin.Request{
		ID: "req_9w2kd81m", At: at("2026-11-21T11:58:03Z"), KeyID: "key_3fT9aZ0bQ1Xy", KeyName: "checkout-prod",
		Labels: map[string]string{"team": "payments"}, Operation: "chat", Dialect: "openai", ModelAsked: "gpt-5", Status: 429,
		Outcome: "refused", Code: "budget_exceeded", Message: "the limit lim_8dK2mQpR4sTv is used up", Seconds: 0.001,
		CostUSD: "0.000000", Refusal: &exampleRefusal,
	}
	exampleOrigin = admin.Origin{Source: "embedded", Version: "2026-11-14", Date: "2026-11-14"}
	examplePrices = admin.PriceList{
		Prices: []admin.Price{{
			Provider: "openai", Model: "gpt-5", State: "known", Version: "2026-11-14", ContextWindow: 400000,
			Tiers:   []admin.PriceTier{{Rates: []admin.Rate{{Kind: "input", PriceUSD: "1.25", Per: "million", Origin: exampleOrigin}}}},
			Origins: []admin.Origin{exampleOrigin},
		}},
		Origins: []admin.Origin{exampleOrigin},
	}
	exampleEvent = admin.Event{
		ID: 42, At: at("2026-11-02T09:30:00Z"), Actor: admin.EventActor{Kind: "token", ID: "adm_1qAz2WsX3eDc", Name: "ops", Role: "admin", From: "10.0.0.8"},
		Action: "key.create", Target: admin.EventTarget{Kind: "key", ID: "key_3fT9aZ0bQ1Xy", Name: "checkout-prod"}, Outcome: "done",
		RequestID: "req_9w2kd81m", Diff: []admin.EventField{{Path: "name", After: json.RawMessage(`"checkout-prod"`)}},
		Previous: "9f2c5a1e", Hash: "c41b07dd",
	}
	samplePrices = json.RawMessage(`{"format": "tollgate/prices/1", "version": "7", "providers": {"openai": {"models": {"gpt-5": {"rates": {"input": "1.25", "output": "10"}}}}}}`)
)

// examples are looked up by type.
var examples = func() map[reflect.Type]any {
	byType := map[reflect.Type]any{}
	for _, v := range []any{
		exampleShown, exampleShared, exampleCredential, exampleRequest, examplePrices, exampleNewLimit,
		admin.KeyInput{
			Name: "checkout-prod", Labels: map[string]string{"team": "payments", "env": "prod"}, Models: &admin.Models{Allow: []string{"gpt-5*"}},
			CostLimit: "200.00", ResetPeriod: "monthly", Timezone: "Europe/Berlin", RequestsLimit: pointer(int64(60)), ExpiresAt: pointer(at("2027-02-01T00:00:00Z")),
		},
		admin.KeyCreated{Key: exampleKey, Secret: "sk-tg-3fT9aZ0bQ1Xy-…", EventID: 42},
		admin.KeyChanged{Key: exampleKey, EventID: 43},
		admin.KeyList{Keys: []admin.Key{exampleListed}, Next: "bmV4dA", Total: pointer(int64(204))},
		admin.LabelList{Labels: []admin.LabelName{{Name: "team", Keys: 180, Values: []admin.LabelValue{{Value: "payments", Keys: 112}, {Value: "search", Keys: 68}}}}},
		admin.Deleted{ID: "key_3fT9aZ0bQ1Xy", EventID: 44},
		admin.Reason{Reason: "the service was retired"},
		admin.Revocation{Mode: "cut", Reason: "the secret was published"},
		admin.Rotation{Grace: "24h"},
		admin.Check{Key: "checkout-prod", Model: "gpt-5", InputTokens: 1200, MaxTokens: 800},
		admin.Checked{
			Allowed: false, Status: 429, Code: "budget_exceeded", Message: "the limit lim_8dK2mQpR4sTv of $200.00 a month has $0.0041 left, and the request may come to $0.0095", Limit: &exampleLimit,
			Bound: &admin.Bound{CostUSD: admin.Dollars("0.0095"), Tokens: 2000}, Price: "known", Limits: []admin.Limit{exampleLimit},
		},
		admin.Imported{
			DryRun: true, Format: "ndjson", Created: 2, Refused: 1, Lines: []admin.ImportLine{{Line: 3, Name: "old", Outcome: "refused", Message: "key_hash: is no SHA-256 in hexadecimal"}},
		},
		admin.ImportStep{Progress: &admin.ImportProgress{Step: "store", Done: 12500, Total: 100000}},
		admin.SharedLimitChanged{Limit: exampleShared, EventID: 45},
		admin.LimitList{Limits: []admin.SharedLimit{exampleShared}},
		admin.Adjustment{By: admin.Dollars("-1.50"), Reason: "the provider gave it back"},
		admin.Adjusted{By: admin.Dollars("-1.50"), Limit: exampleShared.Limit, EventID: 46},
		admin.CredentialInput{Name: "openai-main", Provider: "openai", Value: "sk-…"},
		admin.CredentialEdit{Name: "openai-main", Host: "api.openai.com"},
		admin.CredentialValue{Value: "sk-…"},
		admin.CredentialChanged{Credential: exampleCredential, EventID: 47},
		admin.CredentialList{Credentials: []admin.Credential{exampleCredential}},
		admin.CredentialTest{OK: true, Status: 200, Message: "the provider accepts it", EventID: 48},
		admin.AdminTokenInput{Name: "ci", Role: "auditor", ExpiresAt: pointer(at("2027-11-01T00:00:00Z"))},
		admin.AdminTokenCreated{Token: exampleToken, Secret: "tga-1qAz2WsX3eDc-…", EventID: 49},
		admin.AdminTokenList{Tokens: []admin.AdminToken{exampleToken}},
		admin.WhoAmI{ID: "adm_1qAz2WsX3eDc", Name: "ci", Role: "auditor", May: []string{"getKey", "listKeys", "whoAmI"}},
		admin.Session{WhoAmI: admin.WhoAmI{ID: "adm_1qAz2WsX3eDc", Name: "ops", Role: "admin", May: []string{"createKey", "getKey", "listKeys"}}, ExpiresAt: at("2026-11-21T21:00:00Z")},
		admin.Try{Path: "/v1/chat/completions", Body: json.RawMessage(`{"model":"gpt-5-mini","messages":[{"role":"user","content":"Hello"}]}`)},
		admin.SessionEnded{Ended: true},
		admin.ModelList{Models: []admin.Model{{Name: "gpt-5", Providers: []string{"openai"}, Upstream: []string{"gpt-5"}, Price: "known"}}},
		admin.ProviderList{Providers: []admin.Provider{{
			Name: "openai", DefaultHost: "api.openai.com", Credentials: []string{"openai-main"}, Models: []string{"gpt-5*"},
			Targets: []admin.ProviderTarget{{
				Backend: "gpt-5*", Host: "api.openai.com", State: "resting", RestsUntil: pointer(at("2026-11-21T11:58:06Z")), Failures: 1, Latency: 0.36,
				Requests: 212, Failed: 1, LastError: "answered with status 503", LastErrorAt: pointer(at("2026-11-21T11:58:03Z")),
			}},
		}}},
		admin.PriceOverrides{List: samplePrices, ETag: `"3"`, EventID: 50},
		admin.Usage{
			From: at("2026-11-01T00:00:00Z"), To: at("2026-11-21T12:00:00Z"), Total: exampleSums,
			Groups: []admin.UsageGroup{{Group: map[string]string{"model": "gpt-5"}, UsageSums: exampleSums}},
		},
		admin.RequestList{Requests: []admin.Request{exampleRequest}},
		admin.Explanation{Request: exampleRequest, Sentences: []string{
			"Refused with 429 budget_exceeded by the limit lim_8dK2mQpR4sTv: 200.00 US dollars in a calendar month.",
			"199.98 were spent and 0.00 reserved; the request asked for 0.05. The limit counts anew on 2026-12-01.",
		}},
		admin.Overview{
			At: at("2026-11-21T12:00:00Z"), Today: exampleSums, Month: exampleSums, MonthProjected: "6.20", Keys: admin.KeyCounts{Active: 12, Uncapped: 1},
			Refusals: []admin.CodeCount{{Code: "budget_exceeded", Count: 3}},
			Days:     []admin.UsageGroup{{Group: map[string]string{"day": "2026-11-20"}, UsageSums: exampleSums}},
			TopKeys:  []admin.UsageGroup{{Group: map[string]string{"key": "key_3fT9aZ0bQ1Xy"}, Name: "checkout-prod", UsageSums: exampleSums}},
			Attention: []admin.AttentionTo{{
				Kind: "near_limit", KeyID: "key_3fT9aZ0bQ1Xy", Name: "checkout-prod", LimitID: "lim_8dK2mQpR4sTv", Message: "98 % of $200.00 used: $196.20 spent, $0.02 reserved; resets at 2026-12-01T00:00:00+01:00",
			}, {
				Kind: "near_limit", Message: "and 3 more", More: 3,
			}},
			Latency: &admin.Latency{Requests: 1000, P50: 1.21, P95: 4.8, FirstByteP50: 0.36},
		},
		admin.Health{
			Version: "1.0.0", StartedAt: at("2026-11-20T06:00:00Z"), ReloadedAt: at("2026-11-21T08:12:44Z"), DataDir: "/var/lib/tollgate",
			Database: "sqlite", LedgerRows: 90211, MasterKey: true, Gateways: []admin.Gateway{{Address: "0.0.0.0:4000"}}, Retention: admin.Retention{Requests: "30d", Hours: "396d", Ledger: "35d"},
		},
		admin.EventList{Events: []admin.Event{exampleEvent}, Next: "bmV4dA"},
		admin.Verification{OK: true, Events: 42, Tip: "c41b07dd"},
	} {
		byType[reflect.TypeOf(v)] = v
	}
	return byType
}()

func mustJSON(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic("adminapi: an example is no JSON: " + err.Error())
	}
	return text
}

// sample gives the example of a type, as JSON has it.
func sample(t reflect.Type) any {
	v, ok := examples[t]
	if !ok {
		panic("adminapi: there is no example of " + t.String())
	}
	return mustJSON(v)
}

// samplePatch gives an example of a patch of a type.
func samplePatch(t reflect.Type) any {
	switch t {
	case reflect.TypeFor[admin.KeyInput]():
		return mustJSON(map[string]any{"name": "checkout", "expires_at": nil, "labels": map[string]any{"env": "staging"}})
	case reflect.TypeFor[admin.Limit]():
		return mustJSON(map[string]any{"amount": "650.00"})
	default:
		return mustJSON(map[string]any{"name": "openai-eu"})
	}
}

// sampleProblem gives an example of a refusal with a status.
func sampleProblem(status int) any {
	p := refusal(status, "key_not_found", "there is no key with the id or name \"checkout-prd\"").Problem
	switch status {
	case http.StatusBadRequest:
		p.Code, p.Detail = "invalid_json", "the body is no JSON, or more than one value: at byte 17: unexpected EOF"
	case http.StatusUnauthorized:
		p.Code, p.Detail = "unauthenticated", `send an admin token as "Authorization: Bearer TOKEN"`
	case http.StatusForbidden:
		p.Code, p.Detail = "role", "the role viewer may not do that (key.create)"
	case http.StatusRequestTimeout:
		p.Code, p.Detail = "body_timeout", "the body did not come in time"
	case http.StatusConflict:
		p.Code, p.Detail = "name_taken", "another key is called \"checkout-prod\": choose another name"
	case http.StatusPreconditionFailed:
		p.Code, p.Detail = "stale", "the key was changed since you read it: read it again"
	case http.StatusRequestEntityTooLarge:
		p.Code, p.Detail = "body_too_large", "the body is larger than 1048576 bytes"
	case http.StatusUnsupportedMediaType:
		p.Code, p.Detail = "unsupported_media_type", "send the body with Content-Type: application/json"
	case http.StatusUnprocessableEntity:
		p.Code, p.Detail = "invalid", "limits[0].amout: is no field here"
		p.Errors = []admin.ProblemField{{Path: "limits[0].amout", Message: "is no field here", Suggestion: "amount"}}
	case http.StatusTooManyRequests:
		p.Code, p.Detail = "too_many_failures", "too many requests without a valid admin token came from this address: try again later"
	case http.StatusInternalServerError:
		p.Code, p.Detail = "internal_error", "a fault of tollgate: its log has more under the request id"
	case http.StatusServiceUnavailable:
		p.Code, p.Detail = "unavailable", "the database cannot be written at the moment: try again"
	}
	p.RequestID = "req_9w2kd81m"
	return mustJSON(p)
}
