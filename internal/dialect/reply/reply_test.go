package reply_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/fault"
)

var limited = &fault.Error{
	Kind: fault.Limited, Code: "rate_limit_exceeded", Message: "Too many \"requests\".\n", Retry: fault.RetryYes,
	RetryAfter: 1500500 * time.Microsecond,
	Limit:      &fault.Limit{ID: "lim_1", Kind: "requests", Window: "60s", Max: 10, ResetsIn: 1500 * time.Millisecond, ResetsAt: time.Unix(1_800_000_000, 0)},
}

func TestError(t *testing.T) {
	const limit = `"limit_id":"lim_1","kind":"requests","window":"60s","limit":10,"remaining":0,"resets_at":"2027-01-15T08:00:00Z"`
	bare := &fault.Error{Kind: fault.Invalid, Message: "No \xff."}
	tests := []struct {
		d    dialect.Dialect
		e    *fault.Error
		want string
	}{
		{dialect.OpenAI, limited, `{"error":{"message":"Too many \"requests\".\n","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded",` + limit + `}}`},
		{dialect.Unknown, &fault.Error{Kind: fault.Invalid, Code: "c", Message: "m", Param: "p", Type: "t", Limit: &fault.Limit{}},
			`{"error":{"message":"m","type":"t","param":"p","code":"c","limit_id":"","kind":"","window":null,"limit":0,"remaining":0,"resets_at":null}}`},
		{dialect.OpenAI, bare, `{"error":{"message":"No ` + "\ufffd" + `.","type":"invalid_request_error","param":null,"code":null}}`},
		{dialect.Anthropic, limited, `{"type":"error","error":{"type":"rate_limit_error","message":"Too many \"requests\".\n","code":"rate_limit_exceeded",` + limit + `},"request_id":"req_1"}`},
		{dialect.Gemini, limited, `{"error":{"code":429,"message":"Too many \"requests\".\n","status":"RESOURCE_EXHAUSTED"}}`},
		{dialect.Cohere, bare, `{"message":"No ` + "\ufffd" + `.","id":"req_1","error":{"message":"No ` + "\ufffd" + `.","type":"invalid_request_error","param":null,"code":null}}`},
	}
	for _, tt := range tests {
		got := string(reply.Error([]byte("kept"), tt.d, tt.e, "req_1"))
		if got != "kept"+tt.want {
			t.Errorf("%v\ngot  %s\nwant %s", tt.d, got, tt.want)
		}
		if !json.Valid([]byte(got[4:])) {
			t.Errorf("%v: not JSON: %s", tt.d, got)
		}
	}
}

func TestKinds(t *testing.T) {
	tests := []struct {
		kind                      fault.Kind
		status                    int
		openai, anthropic, gemini string
		reason, plain             string
	}{
		{fault.Internal, 500, "server_error", "api_error", "INTERNAL", "Internal", "m"},
		{fault.Invalid, 400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", "InvalidRequest", "failed to process LLM request: m"},
		{fault.TooLarge, 413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT", "InvalidRequest", "m"},
		{fault.Unsupported, 415, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", "InvalidRequest", "m"},
		{fault.Unauthenticated, 401, "invalid_request_error", "authentication_error", "UNAUTHENTICATED", "APIKeyAuth", "api key authentication failure: invalid credentials"},
		{fault.Forbidden, 403, "permission_error", "permission_error", "PERMISSION_DENIED", "Authorization", "authorization failed"},
		{fault.NotFound, 404, "invalid_request_error", "not_found_error", "NOT_FOUND", "NotFound", "route not found"},
		{fault.Limited, 429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED", "RateLimit", "rate limit exceeded"},
		{fault.Upstream, 502, "server_error", "api_error", "UNAVAILABLE", "UpstreamFailure", "upstream call failed: m"},
		{fault.Unavailable, 503, "server_error", "overloaded_error", "UNAVAILABLE", "UpstreamFailure", "upstream call failed: m"},
		{fault.Timeout, 504, "server_error", "timeout_error", "DEADLINE_EXCEEDED", "Timeout", "request timeout"},
		{fault.Canceled, 499, "server_error", "api_error", "CANCELLED", "Internal", "m"},
		{fault.Misdirected, 421, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT", "NotFound", "m"},
	}
	for _, tt := range tests {
		e := &fault.Error{Kind: tt.kind, Code: "c", Message: "m"}
		if got := reply.Status(e); got != tt.status {
			t.Errorf("kind %d: status %d", tt.kind, got)
		}
		if got := reply.Reason(e); got != tt.reason {
			t.Errorf("kind %d: reason %s", tt.kind, got)
		}
		if got, ok := reply.Plain(e); got != tt.plain || !ok {
			t.Errorf("kind %d: plain %q", tt.kind, got)
		}
		for d, want := range map[dialect.Dialect]string{dialect.OpenAI: tt.openai, dialect.Anthropic: tt.anthropic, dialect.Gemini: tt.gemini} {
			if got := string(reply.Error(nil, d, e, "")); !strings.Contains(got, `"`+want+`"`) {
				t.Errorf("kind %d: %s", tt.kind, got)
			}
		}
		e.Type = "special"
		if got := string(reply.Error(nil, dialect.Anthropic, e, "")); !strings.Contains(got, `"type":"special"`) {
			t.Errorf("kind %d: the type is lost: %s", tt.kind, got)
		}
	}
}

func TestCompatible(t *testing.T) {
	e := &fault.Error{Kind: fault.Forbidden, Code: "model_not_allowed", Message: "m", Plain: "Model is not allowed for this API key", Reason: "Special"}
	if text, ok := reply.Plain(e); ok {
		t.Errorf("an error of the router is plain: %q", text)
	}
	if got, want := string(reply.RouterError(nil, e)), `{"error":{"message":"Model is not allowed for this API key","type":"invalid_request_error","code":"model_not_allowed"}}`; got != want {
		t.Errorf("got %s", got)
	}
	if got := reply.Reason(e); got != "Special" {
		t.Errorf("reason %s", got)
	}
	e = &fault.Error{Kind: fault.Limited, Code: "budget_exceeded", Message: "m"}
	if got, want := string(reply.RouterError(nil, e)), `{"error":{"message":"m","type":"rate_limit_error","code":"budget_exceeded"}}`; got != want {
		t.Errorf("got %s", got)
	}
	if got, ok := reply.Plain(&fault.Error{Kind: fault.Invalid, Code: "x", Plain: "exactly"}); got != "exactly" || !ok {
		t.Errorf("got %q", got)
	}
}

func TestHeaders(t *testing.T) {
	tests := []struct {
		e    fault.Error
		want []reply.Field
	}{
		{fault.Error{}, nil},
		{*limited, []reply.Field{{"Retry-After", "2"}, {"Retry-After-Ms", "1501"}, {"X-Should-Retry", "true"}}},
		{fault.Error{Retry: fault.RetryNo}, []reply.Field{{"X-Should-Retry", "false"}}},
		{fault.Error{RetryAfter: 1}, []reply.Field{{"Retry-After", "1"}, {"Retry-After-Ms", "1"}}},
		{fault.Error{RetryAfter: math.MaxInt64}, []reply.Field{{"Retry-After", "9223372036"}, {"Retry-After-Ms", "9223372036855"}}},
	}
	for _, tt := range tests {
		got := reply.Headers(&tt.e)
		if tt.e.RetryAfter == math.MaxInt64 { // one unit more or less is of no importance here
			if !strings.HasPrefix(got[0].Value, "922337203") {
				t.Errorf("got %v", got)
			}
			continue
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("got %v, want %v", got, tt.want)
		}
	}
}

func TestStreamError(t *testing.T) {
	e := &fault.Error{Kind: fault.Upstream, Code: "upstream_cut", Message: "It\nbroke off.", Param: "p"}
	const object = `{"message":"It\nbroke off.","type":"server_error","param":"p","code":"upstream_cut"}`
	tests := map[dialect.Operation]string{
		dialect.Chat:        "data: {\"error\":" + object + "}\n\n",
		dialect.Passthrough: "data: {\"error\":" + object + "}\n\n",
		dialect.Messages: "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"It\\nbroke off.\",\"code\":\"upstream_cut\"}," +
			"\"request_id\":\"req_1\"}\n\n",
		dialect.Generate: "data: {\"error\":{\"code\":502,\"message\":\"It\\nbroke off.\",\"status\":\"UNAVAILABLE\"}}\n\n",
		dialect.Responses: "event: error\ndata: {\"type\":\"error\",\"sequence_number\":7,\"code\":\"upstream_cut\",\"message\":\"It\\nbroke off.\",\"param\":\"p\"," +
			"\"error\":" + object + "}\n\n" +
			"event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":8,\"response\":{\"id\":\"resp_1\",\"object\":\"response\"," +
			"\"status\":\"failed\",\"error\":{\"code\":\"upstream_cut\",\"message\":\"It\\nbroke off.\"},\"output\":[],\"usage\":null}}\n\n",
	}
	for op, want := range tests {
		got := string(reply.StreamError(nil, op, e, reply.Broken{RequestID: "req_1", ResponseID: "resp_1", Events: 7}))
		if got != want {
			t.Errorf("%v\ngot  %q\nwant %q", op, got, want)
		}
		for line := range strings.Lines(got) {
			if data, ok := strings.CutPrefix(line, "data: "); ok && !json.Valid([]byte(data)) {
				t.Errorf("%v: not JSON: %s", op, data)
			}
		}
	}
}

func TestModels(t *testing.T) {
	at := time.Unix(1700000000, 0).In(time.FixedZone("", 3600))
	list := []reply.ModelEntry{{ID: "gpt-4o", Created: at}, {ID: `a"*`, Created: at, OwnedBy: "tollgate"}}
	tests := []struct {
		d    dialect.Dialect
		list []reply.ModelEntry
		want string
	}{
		{dialect.OpenAI, list, `{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1700000000,"owned_by":"openai"},` +
			`{"id":"a\"*","object":"model","created":1700000000,"owned_by":"tollgate"}]}`},
		{dialect.OpenAI, nil, `{"object":"list","data":[]}`},
		{dialect.Anthropic, list, `{"data":[{"type":"model","id":"gpt-4o","display_name":"gpt-4o","created_at":"2023-11-14T22:13:20Z"},` +
			`{"type":"model","id":"a\"*","display_name":"a\"*","created_at":"2023-11-14T22:13:20Z"}],"has_more":false,"first_id":"gpt-4o","last_id":"a\"*"}`},
		{dialect.Anthropic, nil, `{"data":[],"has_more":false,"first_id":null,"last_id":null}`},
	}
	for _, tt := range tests {
		if got := string(reply.Models(nil, tt.d, tt.list)); got != tt.want {
			t.Errorf("%v\ngot  %s\nwant %s", tt.d, got, tt.want)
		}
	}
}

func TestUpstreamError(t *testing.T) {
	type want struct {
		kind          fault.Kind
		code, message string
		retry         fault.Retry
		after         time.Duration
	}
	const auth = "The provider refused the credential that the gateway holds for it. Whoever runs the gateway must replace it."
	tests := []struct {
		name   string
		status int
		body   string
		want   want
	}{
		{"OpenAI", 400, `{"error":{"message":"Bad.","type":"invalid_request_error","param":"n","code":"unsupported_parameter"}}`, want{fault.Invalid, "unsupported_parameter", "Bad.", 0, 0}},
		{"OpenAI, null code", 404, `{"error":{"message":"None.","type":"invalid_request_error","param":null,"code":null}}`, want{fault.NotFound, "invalid_request_error", "None.", 0, 0}},
		{"number code", 400, `{"error":{"message":"Bad.","code":40303}}`, want{fault.Invalid, "40303", "Bad.", 0, 0}},
		{"rate limit", 429, `{"error":{"message":"Slow.","code":"rate_limit_exceeded"}}`, want{fault.Limited, "rate_limit_exceeded", "Slow.", fault.RetryYes, 0}},
		{"quota by code", 429, `{"error":{"message":"Gone.","type":"x","code":"insufficient_quota"}}`, want{fault.Limited, "insufficient_quota", "Gone.", fault.RetryNo, 0}},
		{"quota by type", 429, `{"error":{"message":"Gone.","type":"insufficient_quota","code":null}}`, want{fault.Limited, "insufficient_quota", "Gone.", fault.RetryNo, 0}},
		{"bad credential", 401, `{"error":{"message":"Incorrect API key provided: sk-abcd","param":"sk-p","code":"invalid_api_key"}}`, want{fault.Upstream, "upstream_auth", auth, fault.RetryNo, 0}},
		{"forbidden", 403, `{"type":"error","error":{"type":"permission_error","message":"sk-ant"}}`, want{fault.Upstream, "upstream_auth", auth, fault.RetryNo, 0}},
		{"Anthropic", 529, `{"type":"error","error":{"type":"overloaded_error","message":"Busy."},"request_id":"r"}`, want{fault.Unavailable, "overloaded_error", "Busy.", fault.RetryYes, 0}},
		{"billing", 402, `{"type":"error","error":{"type":"billing_error","message":"Pay."}}`, want{fault.Upstream, "upstream_billing", "The gateway's account with the provider is out of credit.", fault.RetryNo, 0}},
		{"Gemini", 429, `[{"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x","violations":[{"quotaId":"PerMinute"}]},{"retryDelay":"34.4s"}]}}]`,
			want{fault.Limited, "resource_exhausted", "Slow.", fault.RetryYes, 34400 * time.Millisecond}},
		{"Gemini, per day", 429, `{"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"RequestsPerDay-Free"}]}]}}`,
			want{fault.Limited, "resource_exhausted", "Slow.", fault.RetryNo, 0}},
		{"Gemini, bad key", 400, `{"error":{"code":400,"message":"Key AIza not valid","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, want{fault.Upstream, "upstream_auth", auth, fault.RetryNo, 0}},
		{"Bedrock", 400, `{"Message":"Bad."}`, want{fault.Invalid, "upstream_error", "Bad.", 0, 0}},
		{"Azure's front", 429, `{"statusCode":429,"message":"Slow."}`, want{fault.Limited, "upstream_error", "Slow.", fault.RetryYes, 0}},
		{"Mistral, detail", 422, `{"detail":[{"loc":["body"]}]}`, want{fault.Invalid, "upstream_error", "The provider answered with status 422.", 0, 0}},
		{"detail is a text", 404, `{"detail":"Not Found"}`, want{fault.NotFound, "upstream_error", "Not Found", 0, 0}},
		{"xAI", 400, `{"code":"Client specified an invalid argument","error":"Bad."}`, want{fault.Invalid, "upstream_error", "Bad.", 0, 0}},
		{"vLLM", 400, `{"object":"error","message":"Bad.","type":"BadRequestError","param":null,"code":400}`, want{fault.Invalid, "400", "Bad.", 0, 0}},
		{"OpenRouter, in a good answer", 200, `{"error":{"code":503,"message":"Busy."}}`, want{fault.Unavailable, "503", "Busy.", fault.RetryYes, 0}},
		{"in a good answer, without a status", 200, `{"error":{"message":"Odd.","code":"x"}}`, want{fault.Upstream, "x", "Odd.", fault.RetryYes, 0}},
		{"timeout", 504, ``, want{fault.Timeout, "upstream_error", "The provider answered with status 504.", fault.RetryYes, 0}},
		{"request timeout", 408, `x`, want{fault.Timeout, "upstream_error", "The provider answered with status 408.", fault.RetryYes, 0}},
		{"too large", 413, `null`, want{fault.TooLarge, "upstream_error", "The provider answered with status 413.", 0, 0}},
		{"bad gateway", 502, `<html>`, want{fault.Upstream, "upstream_error", "The provider answered with status 502.", fault.RetryYes, 0}},
		{"empty list", 500, `[]`, want{fault.Upstream, "upstream_error", "The provider answered with status 500.", fault.RetryYes, 0}},
		{"members of odd types", 500, `{"error":{"message":{},"code":[],"details":"x","type":1,"status":"a b"}}`, want{fault.Upstream, "upstream_error", "The provider answered with status 500.", fault.RetryYes, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := reply.UpstreamError(tt.status, []byte(tt.body))
			if got := (want{e.Kind, e.Code, e.Message, e.Retry, e.RetryAfter}); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if text := e.Error() + e.Param + e.Type; e.Code == "upstream_auth" && (strings.Contains(text, "sk-") || strings.Contains(text, "AIza")) {
				t.Errorf("the credential shows: %s", text)
			}
		})
	}
	if e := reply.UpstreamError(400, []byte(`{"message":"`+strings.Repeat("é", 2000)+`"}`)); len(e.Message) > 2010 || !strings.HasSuffix(e.Message, "é…") {
		t.Errorf("a long message was not cut well: %d bytes", len(e.Message))
	}
	if e := reply.UpstreamError(400, []byte(`{"error":{"message":"m","param":"p","type":"t"}}`)); e.Param != "p" || e.Type != "t" || errors.Unwrap(e) == nil {
		t.Errorf("got %+v", e)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After-Ms", "120", 120 * time.Millisecond},
		{"X-Ms-Retry-After-Ms", "7.5", 7500 * time.Microsecond},
		{"Retry-After", " 2 ", 2 * time.Second},
		{"Retry-After", "0.5", 500 * time.Millisecond},
		{"Retry-After", "Fri, 02 Jan 2026 03:05:05 GMT", time.Minute},
		{"Retry-After", "Fri, 02 Jan 2026 03:03:05 GMT", 0},
		{"Retry-After", "-1", 0},
		{"Retry-After", "NaN", 0},
		{"Retry-After", "1e300", 0},
		{"Retry-After", "soon", 0},
		{"Other", "1", 0},
	}
	for _, tt := range tests {
		header := func(name string) string {
			if name == tt.name {
				return tt.value
			}
			return ""
		}
		if got := reply.RetryAfter(header, now); got != tt.want {
			t.Errorf("%s: %s gave %v", tt.name, tt.value, got)
		}
	}
	both := func(name string) string { return map[string]string{"Retry-After": "9", "Retry-After-Ms": "1"}[name] }
	if got := reply.RetryAfter(both, now); got != time.Millisecond {
		t.Errorf("the finer header does not win: %v", got)
	}
}

func FuzzUpstreamError(f *testing.F) {
	f.Add(429, []byte(`[{"error":{"code":429,"message":"Slow.","status":"X","details":[{"retryDelay":"34.4s"}]}}]`))
	f.Add(200, []byte(`{"error":{"error":{"message":"a"}}}`))
	f.Add(401, []byte(`{"Message":"a","detail":"b"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := reply.UpstreamError(status, body)
		if e == nil || e.Message == "" || e.Code == "" || reply.Status(e) < 400 || e.RetryAfter < 0 {
			t.Fatalf("got %+v", e)
		}
		if out := reply.Error(nil, dialect.OpenAI, e, ""); !json.Valid(out) {
			t.Fatalf("not JSON: %s", out)
		}
	})
}

func BenchmarkError(b *testing.B) {
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = reply.Error(dst[:0], dialect.OpenAI, limited, "req_1")
	}
}
