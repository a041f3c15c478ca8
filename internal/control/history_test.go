package control_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/control"
	"tollgate/internal/money"
	"tollgate/internal/record"
)

// made is a request that was served.
func made(id string, at time.Time, key, model string, cost money.Nano) record.Request {
	return record.Request{
		ID: id, At: at, Key: key, Name: "name of " + key, Labels: map[string]string{"team": "pay"}, Operation: "chat", Dialect: "openai", Asked: model, Sent: model,
		Provider: "openai", Status: 200, Outcome: "served", Duration: 2 * time.Second, Tokens: record.Tokens{Input: 1000, Output: 100, CacheRead: 10, Reasoning: 20},
		Cost: cost, Price: "known", Source: "exact",
	}
}

func TestUsageIsSummedUp(t *testing.T) {
	e := newEstate(t, nil)
	key := e.create(admin.KeyInput{Name: "checkout"}).Key
	refusal := made("r4", noon, key.ID, "gpt-5", 0)
	refusal.Outcome, refusal.Status, refusal.Tokens, refusal.Duration = "refused", 429, record.Tokens{}, 0
	e.requested(
		made("r1", noon.Add(-time.Hour), key.ID, "gpt-5", 1_000_000_001), made("r2", noon.AddDate(0, 0, -2), key.ID, "gpt-5-mini", 2), refusal,
		made("r3", noon, "key_000000000000", "gpt-5", 5), made("old", noon.AddDate(0, -1, 0), key.ID, "gpt-5", 7),
	)
	month := must[*admin.Usage](t)(e.Usage(t.Context(), root, admin.UsageFilter{}))
	if !month.From.Equal(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)) || !month.To.Equal(noon) || len(month.Groups) != 0 {
		t.Errorf("by itself: %+v", month)
	}
	// The hour that begins now is not over, and not before its end.
	if got := month.Total; got.Requests != 2 || got.CostUSD != "1.000000003" || got.InputTokens != 2000 || got.CachedInputTokens != 20 || got.ReasoningTokens != 40 || got.MeanSeconds != 2 {
		t.Errorf("total %+v", got)
	}
	e.pass(time.Minute)
	for _, ref := range []string{"checkout", key.ID} {
		mine := must[*admin.Usage](t)(e.KeyUsage(t.Context(), root, ref, admin.UsageFilter{GroupBy: []string{"model"}}))
		sum := map[string]string{}
		for _, g := range mine.Groups {
			sum[g.Group["model"]] = fmt.Sprintf("%d %d %s", g.Requests, g.Refused, g.CostUSD)
		}
		if fmt.Sprint(sum) != "map[gpt-5:2 1 1.000000001 gpt-5-mini:1 0 0.000000002]" || mine.Total.CostUSD != "1.000000003" || mine.Total.Requests != 3 {
			t.Errorf("%s: %v, total %+v", ref, sum, mine.Total)
		}
	}
	dearest := must[*admin.Usage](t)(e.Usage(t.Context(), root, admin.UsageFilter{GroupBy: []string{"key"}, Limit: 1}))
	if len(dearest.Groups) != 1 || dearest.Groups[0].Group["key"] != key.ID || dearest.Groups[0].Requests != 3 || dearest.Total.Requests != 4 || dearest.Total.CostUSD != "1.000000008" {
		t.Errorf("the dearest key of the month: %+v", dearest)
	}
	_, err := e.Usage(t.Context(), root, admin.UsageFilter{Limit: 10_001})
	refused(t, err, control.Invalid, "invalid", "limit: ")
	gone := must[*admin.Usage](t)(e.Usage(t.Context(), root, admin.UsageFilter{Key: "key_000000000000", GroupBy: []string{"key"}}))
	if gone.Total.CostUSD != "0.000000005" || len(gone.Groups) != 1 || gone.Groups[0].Name != "name of key_000000000000" {
		t.Errorf("a key that is gone: %+v", gone)
	}
	labels := must[*admin.Usage](t)(e.Usage(t.Context(), root, admin.UsageFilter{GroupBy: []string{"label.team"}, Labels: map[string]string{"team": "pay"}, Provider: "openai"}))
	if len(labels.Groups) != 1 || labels.Groups[0].Group["label.team"] != "pay" || labels.Total.Requests != 4 {
		t.Errorf("by label: %+v", labels)
	}
	last := must[*admin.Usage](t)(e.Usage(t.Context(), root, admin.UsageFilter{To: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}))
	if last.Total.CostUSD != "0.000000007" || !last.From.Equal(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the month before: %+v", last)
	}
	for says, f := range map[string]admin.UsageFilter{
		`group_by[0]: "modle" is none of key, model, provider, hour, day, label.NAME (model)`: {GroupBy: []string{"modle"}},
		"(label.cost_center)":                    {GroupBy: []string{"cost_center"}},
		`"x y" is no name of a label`:            {GroupBy: []string{"label.x y"}},
		"group_by[1]: \"key\" stands here twice": {GroupBy: []string{"key", "key"}},
		"has 5 groupings":                        {GroupBy: []string{"key", "model", "provider", "day", "label.a"}},
		"from: is not before the end":            {From: noon.AddDate(0, 0, 1)},
	} {
		_, err := e.Usage(t.Context(), root, f)
		refused(t, err, control.Invalid, "invalid", says)
	}
	_, err = e.Usage(t.Context(), root, admin.UsageFilter{Key: "chekout"})
	refused(t, err, control.NotFound, "key_not_found", "chekout")
}

func TestRequestsAreFound(t *testing.T) {
	e := newEstate(t, nil)
	key := e.create(admin.KeyInput{Name: "checkout"}).Key
	for i := range 5 {
		e.requested(made(fmt.Sprintf("r%d", i), noon.Add(time.Duration(i)*time.Second), key.ID, "gpt-5", 1))
	}
	e.requested(made("other", noon, "key_000000000000", "gpt-5", 1))
	var got []string
	for cursor := ""; ; {
		page := must[*admin.RequestList](t)(e.Requests(t.Context(), root, admin.RequestFilter{Key: "checkout", Limit: 2, Cursor: cursor}))
		for _, r := range page.Requests {
			got = append(got, r.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if strings.Join(got, " ") != "r4 r3 r2 r1 r0" {
		t.Errorf("got %v", got)
	}
	for says, f := range map[string]admin.RequestFilter{
		"outcome: \"refsued\" is none of served, refused, failed, cut, answered, aborted (refused)": {Outcome: "refsued"},
		"status: is a status such as 429":   {Status: 42},
		"limit: is not between 1 and 200":   {Limit: 201},
		"from: is not before the end of th": {From: noon, To: noon},
	} {
		_, err := e.Requests(t.Context(), root, f)
		refused(t, err, control.Invalid, "invalid", says)
	}
	_, err := e.Requests(t.Context(), root, admin.RequestFilter{Cursor: "nonsense"})
	refused(t, err, control.Invalid, "bad_cursor")
	_, err = e.Request(t.Context(), root, "req_none")
	refused(t, err, control.NotFound, "request_not_found", "x-request-id")
}

// charged is a request with everything in it.
func charged() record.Request {
	r := made("r1", noon, "key_111111111111", "gpt-5", 2_250_001)
	r.Asked, r.Backend, r.Client, r.Version, r.FirstByte = "best", "main", "192.0.2.7", "list@7+contract@1", 1500*time.Millisecond
	r.Attempts = []record.Attempt{
		{Provider: "azure", Backend: "first", Model: "gpt-5", Error: "connection refused", Source: "none", Price: "known", Duration: time.Millisecond},
		{
			Provider: "openai", Backend: "main", Model: "gpt-5", Status: 200, Duration: 1204 * time.Millisecond, Reservation: "3-12", BoundCost: 2_000_000, BoundTokens: 4000,
			Cost: 2_250_001, Tokens: r.Tokens, Source: "exact", Price: "known", Version: "list@7+contract@1",
			Lines: []record.Line{
				{Model: "gpt-5", Kind: "input", Quantity: 1000, Price: "1.25", Cost: 1_250_000_000},
				{Model: "gpt-5", Kind: "output", Quantity: 50, Price: "10.00", Factor: "2.00", Cost: 1_000_000_000},
				{Model: "gpt-5", Kind: "webSearch", Quantity: 1, Price: "0.000000000001", Cost: 1},
			},
		},
	}
	return r
}

func TestARequestIsShownWhole(t *testing.T) {
	e := newEstate(t, nil)
	e.requested(charged())
	raw, _ := json.Marshal(must[*admin.Request](t)(e.Request(t.Context(), root, "r1")))
	want := `{"id":"r1","at":"2026-10-14T12:00:00Z","key_id":"key_111111111111","key_name":"name of key_111111111111","labels":{"team":"pay"},"operation":"chat","dialect":"openai",` +
		`"model_asked":"best","model_sent":"gpt-5","provider":"openai","backend":"main","streamed":false,"client":"192.0.2.7","status":200,"outcome":"served","duration_seconds":2,"first_byte_seconds":1.5,` +
		`"tokens":{"input":1000,"output":100,"cached_input":10,"reasoning":20},"cost_usd":"0.002250001","price":"known","cost_source":"exact","price_version":"list@7+contract@1","attempts":[` +
		`{"provider":"azure","backend":"first","model":"gpt-5","error":"connection refused","duration_seconds":0.001,"cost_usd":"0.00","cost_source":"none","price":"known","tokens":{"input":0,"output":0}},` +
		`{"provider":"openai","backend":"main","model":"gpt-5","status":200,"duration_seconds":1.204,"reservation":"3-12","bound_usd":"0.002","bound_tokens":4000,"cost_usd":"0.002250001","cost_source":"exact",` +
		`"price":"known","price_version":"list@7+contract@1","tokens":{"input":1000,"output":100,"cached_input":10,"reasoning":20},"lines":[` +
		`{"model":"gpt-5","kind":"input","quantity":1000,"price_usd":"1.25","per":"million","cost_usd":"0.00125"},` +
		`{"model":"gpt-5","kind":"output","quantity":50,"price_usd":"10.00","per":"million","factor":"2.00","cost_usd":"0.001"},` +
		`{"model":"gpt-5","kind":"webSearch","quantity":1,"price_usd":"0.000000000001","per":"one","cost_usd":"0.000000000001"}]}]}`
	if string(raw) != want {
		t.Errorf("got  %s\nwant %s", raw, want)
	}
}

// explained gives the sentences about a request.
func (e *estate) explained(r record.Request) string {
	e.t.Helper()
	e.requested(r)
	out := must[*admin.Explanation](e.t)(e.Why(e.t.Context(), root, r.ID))
	if out.Request.ID != r.ID {
		e.t.Errorf("it is about %s", out.Request.ID)
	}
	return strings.Join(out.Sentences, "\n")
}

func TestWhyACostIsWhatItIs(t *testing.T) {
	e := newEstate(t, nil)
	got := e.explained(charged())
	want := `The key name of key_111111111111 (key_111111111111) asked for chat with the model best at 2026-10-14T12:00:00Z.
It was answered with status 200 in 2s.
Attempt 1 of 2 with azure (first) for the model gpt-5 got no whole answer: connection refused.
It cost $0.00. The provider did no work for it.
Attempt 2 of 2 with openai (main) for the model gpt-5 was answered with status 200 after 1.2s.
Up to $0.002 and 4,000 tokens had been set aside for it (reservation 3-12).
It cost $0.002250001. The figures are those that the provider reported.
Input tokens: 1,000 × $1.25 per million = $0.00125.
Output tokens: 50 × $10.00 per million × 2.00 = $0.001.
Web searches: 1 × $0.000000000001 = $0.000000000001.
Together that is $0.002250000001, charged in billionths of a dollar.
That is more than had been set aside, by $0.000250001: the limits show it as overrun.
The price was in force when the attempt began: list@7 of 2026-09-30; contract@1, which is no longer in force.
All attempts together cost $0.002250001.`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	free := charged()
	free.ID, free.Attempts = "free", []record.Attempt{{Provider: "openai", Model: "text-moderation", Status: 200, Price: "free", Source: "exact"}}
	if got := e.explained(free); !strings.Contains(got, "declared free") || strings.Contains(got, "All attempts") {
		t.Errorf("free:\n%s", got)
	}
	strange := charged()
	strange.ID, strange.Attempts = "strange", []record.Attempt{{Provider: "custom", Model: "llama", Status: 200, Price: "unknown", Source: "exact"}}
	if got := e.explained(strange); !strings.Contains(got, "no price list has custom/llama") || !strings.Contains(got, "/api/v1/prices/overrides") || strings.Contains(got, "$0.00") {
		t.Errorf("without a price:\n%s", got)
	}
	for source, says := range map[string]string{
		"estimated": "tollgate counted", "unknown": "Nobody knows how far", "cut": "cut off", "rejected": "made no sense",
	} {
		r := charged()
		r.ID, r.Attempts = source, r.Attempts[1:]
		r.Attempts[0].Source = source
		if got := e.explained(r); !strings.Contains(got, says) {
			t.Errorf("%s:\n%s", source, got)
		}
	}
}

func TestARefusalTellsWhetherItsLimitIsShared(t *testing.T) {
	e := newEstate(t, nil)
	in := admin.Limit{Name: "each", Match: map[string]string{"label.team": "pay"}, Per: "each", Kind: "cost", Amount: admin.Dollars("20.00")}
	shared := must[*admin.SharedLimitChanged](t)(e.CreateLimit(t.Context(), root, in)).Limit.ID
	for id, limit := range map[string]string{"r1": shared, "r2": "lim_ofthekey", "r3": ""} {
		r := made(id, noon, "key_111111111111", "gpt-5", 0)
		r.Outcome, r.Status = "refused", 429
		r.Refusal = &record.Refusal{Limit: limit, Kind: "cost", Reason: "exhausted", Amount: 20_000_000_000}
		e.requested(r)
	}
	for _, r := range must[*admin.RequestList](t)(e.Requests(t.Context(), root, admin.RequestFilter{})).Requests {
		if r.Refusal.Shared != (r.ID == "r1") {
			t.Errorf("listed: %s shared %t", r.ID, r.Refusal.Shared)
		}
		alone := must[*admin.Request](t)(e.Request(t.Context(), root, r.ID))
		why := must[*admin.Explanation](t)(e.Why(t.Context(), root, r.ID))
		if alone.Refusal.Shared != (r.ID == "r1") || why.Request.Refusal.Shared != (r.ID == "r1") {
			t.Errorf("%s alone: shared %t, explained: %t", r.ID, alone.Refusal.Shared, why.Request.Refusal.Shared)
		}
		whose := "(the key's own)"
		if r.ID == "r1" {
			whose = "(a shared limit that each of its keys has for itself)"
		}
		if got := strings.Join(why.Sentences, "\n"); !strings.Contains(got, whose) {
			t.Errorf("%s: no %q in\n%s", r.ID, whose, got)
		}
	}
	must[*admin.Deleted](t)(e.DeleteLimit(t.Context(), root, shared, ""))
	if r := must[*admin.Request](t)(e.Request(t.Context(), root, "r1")); r.Refusal.Shared {
		t.Error("there is no page of a limit that is gone")
	}
}

func TestWhyARequestWasRefused(t *testing.T) {
	e := newEstate(t, nil)
	base := made("r", noon, "key_111111111111", "gpt-5", 0)
	base.Outcome, base.Status, base.Code, base.Message = "refused", 429, "budget_exceeded", "No room."
	n := 0
	explain := func(change func(*record.Request)) string {
		n++
		r := base
		r.ID = fmt.Sprintf("r%d", n)
		r.Refusal = &record.Refusal{
			Limit: "lim_1", Kind: "cost", Window: "month", Reason: "exhausted", Amount: 20_000_000_000, Spent: 19_500_000_001, Reserved: 300_000_000, Asked: 400_000_000,
			Resets: noon.AddDate(0, 0, 17),
		}
		change(&r)
		return e.explained(r)
	}
	got := explain(func(*record.Request) {})
	want := `The key name of key_111111111111 (key_111111111111) asked for chat with the model gpt-5 at 2026-10-14T12:00:00Z.
It was refused with status 429, budget_exceeded: No room.
It met the limit lim_1 (the key's own): $20.00, window month.
At that moment it stood at $19.500000001 spent and $0.30 reserved by requests under way, which left $0.199999999; this request asked for $0.40.
It resets at 2026-10-31T12:00:00Z. Raising the limit lets the key go on at once.`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, c := range []struct {
		says   []string
		change func(*record.Request)
	}{
		{[]string{"several keys draw", "never resets"}, func(r *record.Request) { r.Refusal.Shared, r.Refusal.Resets, r.Refusal.Window = true, time.Time{}, "" }},
		{[]string{"may pass a moment later", "max_tokens"}, func(r *record.Request) { r.Refusal.Reason = "in_flight" }},
		{[]string{"more than the limit ever allows", "max_tokens"}, func(r *record.Request) { r.Refusal.Reason = "too_large" }},
		{[]string{"a price for the model gpt-5", "prices/overrides"}, func(r *record.Request) { r.Refusal.Reason, r.Code = "unpriced", "model_unpriced" }},
		{[]string{"60 requests, window 60s", "as soon as earlier ones"}, func(r *record.Request) {
			r.Refusal.Kind, r.Refusal.Window, r.Refusal.Amount, r.Refusal.Spent, r.Refusal.Reserved, r.Refusal.Asked = "requests", "60s", 60, 60, 0, 1
		}},
		{[]string{"5,000,000 tokens", "this request asked for 1 token."}, func(r *record.Request) {
			r.Refusal.Kind, r.Refusal.Amount, r.Refusal.Asked = "tokens", 5_000_000, 1
		}},
		{[]string{"8 requests at a time.", "no longer count"}, func(r *record.Request) { r.Refusal.Kind, r.Refusal.Amount = "concurrency", 8 }},
		{[]string{"Under way at that moment: 8 requests.", "as soon as one of them has ended"}, func(r *record.Request) {
			r.Refusal.Kind, r.Refusal.Amount, r.Refusal.Reserved, r.Refusal.Reason = "concurrency", 8, 8, "in_flight"
		}},
		{[]string{"It was ended while its answer, of status 200, was under way: key_revoked: Revoked."}, func(r *record.Request) {
			r.Status, r.Code, r.Message = 200, "key_revoked", "Revoked."
		}},
		{[]string{"status 401, key_revoked", "for ever"}, func(r *record.Request) { r.Refusal, r.Status, r.Code = nil, 401, "key_revoked" }},
		{[]string{"Nobody in particular", "mistyped"}, func(r *record.Request) { r.Refusal, r.Key, r.Status, r.Code = nil, "", 401, "invalid_api_key" }},
		{[]string{"failed with status 502", "broke off"}, func(r *record.Request) { r.Refusal, r.Outcome, r.Status, r.Code = nil, "failed", 502, "upstream_cut" }},
		{[]string{"The caller left after 2s"}, func(r *record.Request) { r.Refusal, r.Outcome, r.Status = nil, "cut", 499 }},
		{[]string{"fault of tollgate"}, func(r *record.Request) { r.Refusal, r.Outcome, r.Status = nil, "aborted", 500 }},
		{[]string{"answered itself"}, func(r *record.Request) { r.Refusal, r.Outcome, r.Status = nil, "answered", 200 }},
	} {
		got := explain(c.change)
		for _, s := range c.says {
			if !strings.Contains(got, s) {
				t.Errorf("it does not say %q:\n%s", s, got)
			}
		}
	}
	_, err := e.Why(t.Context(), root, "nothing")
	refused(t, err, control.NotFound, "request_not_found")
}
