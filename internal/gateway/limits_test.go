package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/vkey"
)

func costLimit(amount string) []*budget.Limit {
	return []*budget.Limit{limit("lim_cost", budget.Cost, usd(amount), daily)}
}

// TestRefusals: which limit refuses decides status, code and what SDKs do.
func TestRefusals(t *testing.T) {
	month := must(budget.InCalendar(budget.Month, time.UTC, budget.Anchor{}))
	for name, c := range map[string]struct {
		limit  *budget.Limit
		body   string
		before int // requests that pass
		status int
		code   string
		retry  string
		after  bool // Retry-After is there
		plain  string
	}{
		"budget used up":      {limit("lim", budget.Tokens, 1100, month), "", 1, 429, "budget_exceeded", "false", true, "Budget exceeded"},
		"for life":            {limit("lim", budget.Tokens, 1100, budget.Window{}), "", 1, 429, "budget_exceeded", "false", false, "Budget exceeded"},
		"never fits":          {limit("lim", budget.Cost, usd("0.00001"), month), "", 0, 429, "budget_exceeded", "false", false, "Budget exceeded"},
		"nothing allowed":     {limit("lim", budget.Cost, 0, month), "", 0, 429, "budget_exceeded", "false", false, "Budget exceeded"},
		"requests a minute":   {limit("lim", budget.Requests, 2, rolling), "", 2, 429, "rate_limit_exceeded", "true", true, "rate limit exceeded"},
		"tokens a minute":     {limit("lim", budget.Tokens, 1100, rolling), "", 1, 429, "rate_limit_exceeded", "true", true, "rate limit exceeded"},
		"no concurrency":      {limit("lim", budget.Concurrency, 0, budget.Window{}), "", 0, 429, "budget_exceeded", "false", false, "Budget exceeded"},
		"unpriced":            {limit("lim", budget.Cost, usd("1"), month), `{"model":"nobody-knows","messages":[]}`, 0, 403, "model_unpriced", "false", false, ""},
		"unpriced, by tokens": {limit("lim", budget.Tokens, 100, month), `{"model":"nobody-knows","max_tokens":1000,"messages":[]}`, 0, 429, "budget_exceeded", "false", false, "Budget exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, []*budget.Limit{c.limit}, nil, whole(200, `{"model":"gpt-5","choices":[],"usage":{"prompt_tokens":1060,"completion_tokens":0,"total_tokens":1060}}`))
			defer b.stop()
			for range c.before {
				b.ask(call{body: c.body}).want(t, 200, "")
			}
			sent := len(b.up.seen)
			out := b.ask(call{body: c.body})
			out.want(t, c.status, `"code":"`+c.code+`"`)
			h := out.header
			if h.Get("X-Should-Retry") != c.retry || (h.Get("Retry-After") != "") != c.after || (h.Get("Retry-After-Ms") != "") != c.after {
				t.Errorf("header %v", h)
			}
			if c.code == "budget_exceeded" && !strings.Contains(out.text(), `"type":"insufficient_quota"`) {
				t.Error(out.text())
			}
			if c.status == 429 && !strings.Contains(out.text(), `"limit_id":"lim","kind":"`+c.limit.Kind.String()+`"`) {
				t.Error(out.text())
			}
			if len(b.up.seen) != sent || h.Get("X-Tollgate-Key") != "key_carol" {
				t.Error("a refused request was sent, or its key not told")
			}
			if x := b.last(); x.Outcome != gateway.Refused || x.Err.Limit == nil || x.Err.Limit.ID != "lim" {
				t.Errorf("recorded %+v", x.Err)
			}
			b.snap.Plain = true
			if out := b.ask(call{body: c.body}); c.plain != "" && !strings.Contains(out.text(), c.plain) {
				t.Errorf("plain: %s", out.text())
			}
		})
	}
}

// TestDiscreetKeys are told no amounts.
func TestDiscreetKeys(t *testing.T) {
	b := newBank(t, costLimit("0.0123"), func(e *vkey.Entry) { e.Discreet = true }, whole(200, good))
	defer b.stop()
	out := b.ask(call{body: `{"model":"gpt-5","max_tokens":1000,"messages":[]}`})
	if out.want(t, 200, ""); out.header.Get("Ratelimit") != "" || out.header.Get("X-Tollgate-Cost") != "" {
		t.Errorf("%v", out.header)
	}
	out = b.ask(call{body: `{"model":"long","max_tokens":100000,"messages":[]}`})
	out.want(t, 429, `"limit_id":"lim_cost"`)
	own := b.ask(call{method: "GET", path: "/v1/key", noBody: true})
	if own.want(t, 200, `"lim_cost"`); strings.Contains(out.text()+own.text()+fmt.Sprint(out.header), "0.012") || strings.Contains(own.text(), "spent") {
		t.Errorf("amounts show: %s %s", out.text(), own.text())
	}
}

// TestBounds: what is reserved is the most that the request can come to.
func TestBounds(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		cost       string // of the bound, at least
		most       string // and at most
	}{
		"the model's own output":    {chatPath, `{"model":"gpt-5","messages":[]}`, "0.01", "0.0102"},
		"a bound":                   {chatPath, `{"model":"gpt-5","max_tokens":100,"messages":[]}`, "0.001", "0.0012"},
		"more than the model has":   {chatPath, `{"model":"gpt-5","max_tokens":5000,"messages":[]}`, "0.01", "0.0102"},
		"choices":                   {chatPath, `{"model":"gpt-5","max_tokens":100,"n":5,"messages":[]}`, "0.005", "0.0052"},
		"prompts":                   {"/v1/completions", `{"model":"gpt-5","max_tokens":100,"prompt":["a","b","c"]}`, "0.003", "0.0032"},
		"best of":                   {"/v1/completions", `{"model":"gpt-5","max_tokens":100,"best_of":4,"prompt":"a"}`, "0.004", "0.0042"},
		"a picture":                 {chatPath, `{"model":"gpt-5","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`, "0.1", "0.1001"},
		"a picture in disguise":     {chatPath, `{"model":"gpt-5","max_tokens":1,"messages":[{"role":"user","content":[{"type":"\u0069mage_url","image_url":{"url":"x"}}]}]}`, "0.1", "0.1001"},
		"text about pictures":       {chatPath, `{"model":"gpt-5","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"\"type\":\"image\""}]}]}`, "0.00007", "0.0004"},
		"an earlier response":       {"/v1/responses", `{"model":"gpt-5","max_output_tokens":1,"input":"a","previous_response_id":"r"}`, "0.1", "0.1001"},
		"tools of the provider":     {"/v1/responses", `{"model":"gpt-5","max_output_tokens":1,"input":"a","tools":[{"type":"web_search"}]}`, "", ""},
		"own tools":                 {"/v1/responses", `{"model":"gpt-5","max_output_tokens":1,"input":"a","tools":[{"type":"function","name":"f"}]}`, "0.001", "0.0013"},
		"foreseen output":           {chatPath, `{"model":"gpt-5","max_tokens":100,"messages":[],"prediction":{"type":"content","content":"` + strings.Repeat("x", 1000) + `"}}`, "0.011", "0.0135"},
		"embeddings":                {"/v1/embeddings", `{"model":"vector","input":["a","b"]}`, "0.00003", "0.00004"},
		"unknown window and output": {chatPath, `{"model":"vague","messages":[]}`, "0.16384", "0.1641"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, costLimit("100"), nil, whole(200, good))
			defer b.stop()
			out := b.ask(call{path: c.path, body: c.body})
			if c.cost == "" { // no price for the tools
				out.want(t, 403, "model_unpriced")
				return
			}
			out.want(t, 200, "")
			got := int64(b.last().Attempts[0].Bound.Cost)
			if got < usd(c.cost) || got > usd(c.most) {
				t.Errorf("reserved %s, want %s to %s", b.last().Attempts[0].Bound.Cost, c.cost, c.most)
			}
		})
	}
}

// TestOutputIsBounded: a request without a bound gets one that can be paid, in its
// own dialect; one with a larger bound is refused with what could be paid, or lowered.
func TestOutputIsBounded(t *testing.T) {
	const body = `"model":"gpt-5","messages":[{"role":"user","content":"Hello there, how are you today?"}]}`
	for name, c := range map[string]struct {
		path, body, room string
		change           func(*vkey.Entry)
		target           func(*gateway.Target)
		status           int
		member           string // written into the request; "" none
		least, most      int64
		says             string
	}{
		"fits":             {chatPath, `{` + body, "1", nil, nil, 200, "", 0, 0, ""},
		"what can be paid": {chatPath, `{` + body, "0.005", nil, nil, 200, "max_tokens", 450, 500, ""},
		"under the older name": {chatPath, `{"max_completion_tokens":900,` + body, "0.005", func(e *vkey.Entry) { e.Clamp = true },
			func(t *gateway.Target) { t.Body.OutputBound = "max_tokens" }, 200, "max_tokens", 450, 500, ""},
		"under another name":        {chatPath, `{` + body, "0.005", nil, func(t *gateway.Target) { t.Body.OutputBound = "max_completion_tokens" }, 200, "max_completion_tokens", 450, 500, ""},
		"responses":                 {"/v1/responses", `{"model":"gpt-5","input":"Hello"}`, "0.005", nil, nil, 200, "max_output_tokens", 450, 500, ""},
		"of use to nobody":          {chatPath, `{` + body, "0.0005", nil, nil, 429, "", 0, 0, "budget_exceeded"},
		"the key's own":             {chatPath, `{` + body, "1", func(e *vkey.Entry) { e.MaxTokens = 321 }, nil, 200, "max_tokens", 321, 321, ""},
		"the key's own is too much": {chatPath, `{` + body, "0.002", func(e *vkey.Entry) { e.MaxTokens = 321 }, nil, 200, "max_tokens", 100, 200, ""},
		"asked for too much":        {chatPath, `{"max_tokens":900,` + body, "0.005", nil, nil, 429, "", 0, 0, "output tokens: ask for that many or fewer"},
		"lowered":                   {chatPath, `{"max_tokens":900,` + body, "0.005", func(e *vkey.Entry) { e.Clamp = true }, nil, 200, "max_tokens", 450, 500, ""},
		"lowered where it stands":   {chatPath, `{"max_completion_tokens":900,` + body, "0.005", func(e *vkey.Entry) { e.Clamp = true }, nil, 200, "max_completion_tokens", 450, 500, ""},
		"no bound by its own words": {chatPath, `{"max_tokens":-1,` + body, "1", nil, nil, 200, "max_tokens", 1000, 1000, ""},
		"lowered from the default": {chatPath, `{` + body, "0.005", func(e *vkey.Entry) { e.Clamp = true }, func(t *gateway.Target) {
			t.Body.Defaults = []gateway.Member{{Name: "max_completion_tokens", Value: "900"}}
		}, 200, "max_tokens", 450, 500, ""},
		"overridden": {chatPath, `{"max_tokens":10,` + body, "0.005", nil, func(t *gateway.Target) { t.Body.Overrides = []gateway.Member{{Name: "max_tokens", Value: "900"}} }, 429, "", 0, 0, "budget_exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, costLimit(c.room), c.change, whole(200, good))
			defer b.stop()
			if c.target != nil {
				c.target(b.target)
			}
			out := b.ask(call{path: c.path, body: c.body})
			out.want(t, c.status, c.says)
			if c.status != 200 {
				return
			}
			told := out.header.Get("X-Tollgate-Max-Tokens")
			if c.member == "" {
				if told != "" || b.up.one(t).body != c.body {
					t.Errorf("told %q, sent %s", told, b.up.one(t).body)
				}
				return
			}
			var sent map[string]any
			if err := json.Unmarshal([]byte(b.up.one(t).body), &sent); err != nil {
				t.Fatal(err)
			}
			n, _ := sent[c.member].(float64)
			if strconv.FormatInt(int64(n), 10) != told || int64(n) < c.least || int64(n) > c.most {
				t.Errorf("told %s, sent %s", told, b.up.one(t).body)
			}
			if c.path == chatPath && sent["max_tokens"] != nil && sent["max_completion_tokens"] != nil {
				t.Errorf("both: %s", b.up.one(t).body)
			}
		})
	}
}

// TestTokenizerBeforeRefusal: a prompt whose bytes do not fit is counted before it is
// refused.
func TestTokenizerBeforeRefusal(t *testing.T) {
	body := func(words int) string {
		return `{"model":"gpt-5","max_tokens":10,"messages":[{"role":"user","content":"` + strings.Repeat("hello ", words) + `"}]}`
	}
	b := newBank(t, []*budget.Limit{limit("lim", budget.Tokens, 1000, daily)}, nil, whole(200, good))
	defer b.stop()
	b.ask(call{body: body(700)}).want(t, 200, "")
	if got := b.last().Attempts[0].Bound.Tokens; got < 700 || got > 900 {
		t.Errorf("bound %d", got)
	}
	b.ask(call{body: body(1100)}).want(t, 429, "budget_exceeded")
}

// TestAttemptsAreReservedOneByOne: a fallback is asked for with its own price, and a
// request is counted once.
func TestAttemptsAreReservedOneByOne(t *testing.T) {
	b := newBank(t, roomy(), nil, fails(provider.Await), whole(200, good))
	second := b.newTarget("second")
	second.Model = "cheap"
	b.target.Model = "gpt-5"
	b.backends([]*gateway.Target{b.target}, []*gateway.Target{second})
	b.ask(call{}).want(t, 200, "")
	x := *b.last()
	first, last := x.Attempts[0], x.Attempts[1]
	if first.Reservation == last.Reservation || first.Bound.Cost <= last.Bound.Cost || first.CostSource != ledger.Unknown || first.Cost <= 0 {
		t.Errorf("%+v\n%+v", first, last)
	}
	if ends := b.checkBooks(&x); len(ends) != 2 {
		t.Errorf("%+v", ends)
	}
}

// TestFallbackWithoutRoom: the first answer stands where the second target cannot be
// paid.
func TestFallbackWithoutRoom(t *testing.T) {
	b := newBank(t, costLimit("0.02"), nil, whole(503, `{"error":{"message":"busy"}}`), whole(200, good))
	second := b.newTarget("second")
	second.Model = "nobody-knows"
	b.backends([]*gateway.Target{b.target}, []*gateway.Target{second})
	b.ask(call{}).want(t, 503, "busy")
	x := *b.last()
	if len(x.Attempts) != 1 || b.checkBooks(&x)[0].Kind != ledger.Void {
		t.Errorf("%+v", x.Attempts)
	}
}

// TestCostIsTold in a header or behind the stream, also where no limit is.
func TestCostIsTold(t *testing.T) {
	b := newBank(t, roomy(), nil, whole(200, good), streamed(strings.NewReader(events(deltaEvent, usageEvent, "[DONE]"))), whole(200, good))
	defer b.stop()
	out := b.ask(call{})
	if out.header.Get("X-Tollgate-Cost") != "0.0001" || out.header.Get("X-Tollgate-Key") != "key_carol" {
		t.Errorf("%v", out.header)
	}
	for _, want := range []string{"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"} {
		if out.header.Get(want) == "" {
			t.Errorf("%s is not told: %v", want, out.header)
		}
	}
	if p := out.header.Get("Ratelimit-Policy"); !strings.Contains(p, `"lim_requests";q=1000;w=60`) || !strings.Contains(p, `"lim_cost";q=1000000000000;qu="nano-usd"`) {
		t.Error(p)
	}
	out = b.ask(call{body: streamBody})
	if out.header.Get("Trailer") != "X-Tollgate-Cost" || out.trailer.Get("X-Tollgate-Cost") != "0.0001" || out.header.Get("X-Tollgate-Cost") != "" {
		t.Errorf("%v, %v", out.header, out.trailer)
	}
	out = b.do(call{})
	if x := b.last(); out.header.Get("X-Tollgate-Cost") != "0.0001" || x.Cost != 100_000 || x.PriceVersion != "test@1" || x.CostSource != ledger.Exact || len(x.Attempts[0].AppendLines(nil)) != 2 {
		t.Errorf("%v %+v", out.header, x)
	}
}

// TestKeyTellsItself: GET /v1/key spends nothing and works when all is spent.
func TestKeyTellsItself(t *testing.T) {
	limits := []*budget.Limit{limit("lim_cost", budget.Cost, usd("0.0102"), daily), limit("lim_rpm", budget.Requests, 1, rolling)}
	b := newBank(t, limits, func(e *vkey.Entry) { e.RotateBefore = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }, whole(200, good))
	defer b.stop()
	out := b.ask(call{})
	if out.want(t, 200, ""); out.header.Get("X-Tollgate-Rotate-Before") != "2030-01-02T03:04:05Z" {
		t.Errorf("%v", out.header)
	}
	b.ask(call{}).want(t, 429, "")
	out = b.ask(call{method: "GET", path: "/v1/key", noBody: true})
	out.want(t, 200, `"id":"key_carol","name":"carol","status":"active","models":null,"expires_at":null`)
	var key struct {
		Limits []struct {
			ID, Kind                           string
			Amount, Spent, Reserved, Remaining any
			ResetsAt                           *time.Time `json:"resets_at"`
			Window                             map[string]string
		}
	}
	if err := json.Unmarshal(out.body.Bytes(), &key); err != nil {
		t.Fatal(err)
	}
	cost, rpm := key.Limits[0], key.Limits[1]
	if cost.Amount != "0.0102" || cost.Spent != "0.0001" || cost.Reserved != "0.00" || cost.Remaining != "0.0101" || cost.ResetsAt == nil || cost.Window["calendar"] != "day" {
		t.Errorf("%+v", cost)
	}
	if rpm.Amount != 1.0 || rpm.Remaining != 0.0 || rpm.Window["sliding"] != "60s" || rpm.ResetsAt != nil {
		t.Errorf("%+v", rpm)
	}
	b.do(call{method: "GET", path: "/v1/key", noBody: true, header: gateway.Header{}}).want(t, 401, "invalid_api_key")
}

// TestLimitsAreToldWithoutAReservation: refusals, and answers that spend nothing, tell how
// all limits of the key stand; a discreet key tells nothing.
func TestLimitsAreToldWithoutAReservation(t *testing.T) {
	limits := []*budget.Limit{limit("lim_rpm", budget.Requests, 7, rolling), limit("lim_cost", budget.Cost, 10, daily)}
	for _, discreet := range []bool{false, true} {
		b := newBank(t, limits, func(e *vkey.Entry) { e.Discreet = discreet }, whole(200, good))
		defer b.stop()
		for name, out := range map[string]*caughtAnswer{
			"refused": b.ask(call{}), "forbidden": b.ask(call{body: `{"model":"nothing","messages":[]}`}),
			"self": b.ask(call{method: "GET", path: "/v1/key", noBody: true}), "models": b.ask(call{method: "GET", path: "/v1/models", noBody: true}),
		} {
			h := out.header
			policy, state := h.Get("Ratelimit-Policy"), h.Get("Ratelimit")
			if discreet {
				if policy+state+h.Get("X-Ratelimit-Limit-Requests") != "" {
					t.Errorf("%s tells %v", name, h)
				}
				continue
			}
			if h.Get("X-Ratelimit-Limit-Requests") != "7" || h.Get("X-Ratelimit-Remaining-Requests") != "7" || h["X-Ratelimit-Remaining"] != nil ||
				strings.Count(policy, "lim_") != 2 || !strings.Contains(policy, `"lim_rpm";q=7;w=60`) || !strings.Contains(policy, `"lim_cost";q=10;qu="nano-usd";w=86400`) ||
				!strings.Contains(state, `"lim_cost";r=10;t=`) || name == "refused" && !strings.HasPrefix(policy, `"lim_cost"`) {
				t.Errorf("%s (%d) tells %v", name, out.status, h)
			}
		}
	}
}

// TestPlainHeadersAreOfRoutes: those without a kind tell of the limits of a route, never of
// those of a key.
func TestPlainHeadersAreOfRoutes(t *testing.T) {
	b := newBank(t, []*budget.Limit{limit("lim_rpm", budget.Requests, 1, rolling), limit("lim_tokens", budget.Tokens, 1000, daily)}, nil, whole(200, good))
	defer b.stop()
	for _, status := range []int{200, 429} {
		out := b.ask(call{body: `{"model":"gpt-small","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`})
		h := out.header
		if out.status != status || h.Get("X-Ratelimit-Limit-Requests") != "1" || h.Get("X-Ratelimit-Remaining-Requests") != "0" ||
			h.Get("X-Ratelimit-Limit-Tokens") != "1000" || h["X-Ratelimit-Limit"] != nil || h["X-Ratelimit-Remaining"] != nil || h["X-Ratelimit-Reset"] != nil {
			t.Errorf("%d tells %v", out.status, h)
		}
	}
}

// TestScopesOfKeys: operations and networks.
func TestScopesOfKeys(t *testing.T) {
	b := newBank(t, nil, func(e *vkey.Entry) { e.Operations = vkey.Only(dialect.Embeddings) }, whole(200, good))
	defer b.stop()
	b.ask(call{}).want(t, 403, `"code":"operation_not_allowed"`)
	b.ask(call{path: "/v1/embeddings", body: `{"model":"vector","input":"a"}`}).want(t, 200, "")
	b = newBank(t, nil, func(e *vkey.Entry) { e.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, whole(200, good))
	defer b.stop()
	b.ask(call{}).want(t, 403, `"code":"address_not_allowed"`)
	b = newBank(t, nil, func(e *vkey.Entry) { e.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }, whole(200, good))
	defer b.stop()
	b.ask(call{}).want(t, 200, "")
}

// TestAdminTokensAreRefused wherever they stand, whatever the gate.
func TestAdminTokensAreRefused(t *testing.T) {
	const token = "tga-abcdefghijkl-0123456789"
	for _, mode := range []gateway.AuthMode{gateway.Strict, gateway.Optional, gateway.Permissive} {
		for _, h := range []gateway.Header{{"Authorization": {"Bearer " + token}}, {"X-Api-Key": {token}}, {"X-Other": {token}}, {"Authorization": {token}}} {
			b := newBank(t, nil, nil, whole(200, good))
			b.route.Gate.Auth.Mode = mode
			b.target.Passthrough = &gateway.Passthrough{}
			b.do(call{header: h}).want(t, 401, "invalid_api_key")
			b.route.Gate.Auth = nil
			b.do(call{header: h}).want(t, 401, "invalid_api_key")
			if len(b.up.seen) != 0 {
				t.Errorf("%v was sent on", h)
			}
			b.stop()
		}
	}
}

// TestBooksOutOfOrder: while nothing can be put on record nothing is admitted.
func TestBooksOutOfOrder(t *testing.T) {
	b := newBank(t, roomy(), nil, whole(200, good))
	defer b.stop()
	b.journal.breakWith(fmt.Errorf("disk: %w", ledger.ErrUnavailable))
	out := b.ask(call{})
	if out.want(t, 503, `"code":"gateway_unavailable"`); out.header.Get("Retry-After") == "" || out.header.Get("X-Should-Retry") != "true" || len(b.up.seen) != 0 {
		t.Errorf("%v", out.header)
	}
	b.journal.breakWith(nil)
	b.ask(call{}).want(t, 200, "")
}

// TestHammer: many callers at once spend what there is and no more, and nobody is
// refused for nothing afterwards.
func TestHammer(t *testing.T) {
	b := newBank(t, costLimit("0.1"), nil, whole(200, `{"model":"gpt-5","choices":[],"usage":{"prompt_tokens":0,"completion_tokens":100,"total_tokens":100}}`))
	defer b.stop()
	const body = `{"model":"gpt-5","max_tokens":100,"messages":[]}`
	var mu sync.Mutex
	var all sync.WaitGroup
	passed := 0
	for range 50 {
		all.Go(func() {
			for range 10 {
				out := &caughtAnswer{header: gateway.Header{}}
				req := &gateway.Request{
					Received: time.Now(), Address: "a", Method: "POST", Scheme: "http", Host: "gw.example", Path: chatPath, Proto: "HTTP/1.1",
					RemoteAddr: "192.0.2.7:1234", Header: gateway.Header{"Authorization": {"Bearer " + carolKey}}, Body: strings.NewReader(body), Length: -1,
				}
				b.gateway.Serve(context.Background(), req, out)
				mu.Lock()
				if out.status == 200 {
					passed++
				} else if !strings.Contains(out.text(), "budget_") {
					t.Error(out.text())
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	s := b.state(0)
	if s.Reserved != 0 || s.Settled != int64(passed)*1_000_000 || s.Settled > s.Limit.Amount || passed < 98 {
		t.Errorf("%d passed, %+v", passed, s)
	}
}

// TestUnknownCharge: the policy decides what a request comes to of which nobody knows.
func TestUnknownCharge(t *testing.T) {
	for policy, want := range map[gateway.UnknownCharge]string{gateway.ChargeInput: "input", gateway.ChargeBound: "bound", gateway.ChargeNothing: "nothing"} {
		b := newBank(t, roomy(), nil, fails(provider.Await))
		b.snap.UnknownCharge = policy
		b.ask(call{})
		end := b.checkBooks(b.last())[0]
		got := "input"
		switch end.Charged.Cost {
		case 0:
			got = "nothing"
		case b.last().Attempts[0].Bound.Cost:
			got = "bound"
		}
		if got != want || end.Source != ledger.Unknown {
			t.Errorf("charged %s, want %s: %+v", got, want, end)
		}
	}
}

// TestReservedByOthers: what fits but for requests in flight is told so.
func TestReservedByOthers(t *testing.T) {
	b := newBank(t, costLimit("0.012"), nil)
	defer b.stop()
	under, done := make(chan struct{}), make(chan struct{})
	b.up.replies = append(b.up.replies, func(r *sent) (*provider.Response, error) {
		close(under)
		<-done
		return whole(200, good)(r)
	})
	var other sync.WaitGroup
	other.Go(func() { b.ask(call{}) })
	<-under
	out := b.ask(call{body: `{"model":"gpt-5","max_tokens":1000,"messages":[]}`})
	out.want(t, 429, `"code":"budget_reserved"`)
	if after, _ := strconv.Atoi(out.header.Get("Retry-After")); after < 1 || after > 3 || out.header.Get("X-Should-Retry") != "true" {
		t.Errorf("%v", out.header)
	}
	close(done)
	other.Wait()
	b.up.replies = append(b.up.replies, whole(200, good))
	b.ask(call{body: `{"model":"gpt-5","max_tokens":1000,"messages":[]}`}).want(t, 200, "")
}

// TestManagedKeys are found beside those of the configuration, and are what their
// directory says at that moment.
func TestManagedKeys(t *testing.T) {
	const managed = "sk-imported-0123456789abcdef"
	b := newBank(t, nil, nil, whole(200, good))
	defer b.stop()
	directory := vkey.NewDirectory(must(vkey.NewPepper(make([]byte, 32))))
	key := &vkey.Key{
		ID: "key_dave00000000", Name: "dave", Origin: vkey.Managed,
		Secrets: []vkey.Secret{{ID: "sec_1", Digest: vkey.Hash(managed)}},
	}
	if err := directory.Put([]*vkey.Key{key}); err != nil {
		t.Fatal(err)
	}
	header := gateway.Header{"Authorization": {"Bearer " + managed}}
	b.do(call{header: header}).want(t, 401, "invalid_api_key")
	b.route.Gate.Auth.Managed, b.snap.Managed = directory, directory
	if out := b.do(call{header: header}); out.status != 200 || out.header.Get("X-Tollgate-Key") != key.ID || directory.Used(key.ID)["sec_1"].IsZero() {
		t.Errorf("%d %v", out.status, out.header)
	}
	revoked := *key
	revoked.Status = vkey.StatusRevoked
	if err := directory.Put([]*vkey.Key{&revoked}); err != nil {
		t.Fatal(err)
	}
	b.do(call{header: header}).want(t, 401, `"code":"key_revoked"`)
	// Nor is it ever taken for a provider's credential.
	b.route.Gate.Auth = nil
	b.target.Passthrough = &gateway.Passthrough{}
	before := len(b.up.seen)
	b.do(call{header: header})
	if sent := b.up.seen[before]; headerSent(sent, "Authorization") != "" {
		t.Errorf("the key was sent on: %v", sent.Header)
	}
}

// TestToolsOfTheProvider are bounded: each result is read, and each use paid.
func TestToolsOfTheProvider(t *testing.T) {
	for body, uses := range map[string]int64{
		`{"model":"seeker","max_output_tokens":100,"input":"a","tools":[{"type":"web_search"}]}`:                    10,
		`{"model":"seeker","max_output_tokens":100,"input":"a","max_tool_calls":3,"tools":[{"type":"web_search"}]}`: 3,
		// What bounds nothing is no bound, and a stored prompt may bring tools along.
		`{"model":"seeker","max_output_tokens":100,"input":"a","max_tool_calls":null,"tools":[{"type":"web_search"}]}`: 10,
		`{"model":"seeker","max_output_tokens":100,"input":"a","max_tool_calls":-1,"tools":[{"type":"web_search"}]}`:   10,
		`{"model":"seeker","max_output_tokens":100,"prompt":{"id":"pmpt_1"}}`:                                          10,
	} {
		b := newBank(t, costLimit("100"), nil, whole(200, good))
		b.ask(call{path: "/v1/responses", body: body}).want(t, 200, "")
		if got, want := int64(b.last().Attempts[0].Bound.Cost), 1_000_000+(uses+1)*1_000_000+uses*10_000_000; got != want {
			t.Errorf("%d uses: reserved %d, want %d", uses, got, want)
		}
		if sent := b.up.one(t).body; !strings.Contains(sent, `"max_tool_calls":`+strconv.FormatInt(uses, 10)) {
			t.Errorf("sent %s", sent)
		}
		b.stop()
	}
}

// TestBoundsOfSound: an operation that hears or speaks is reserved at the price of sound,
// though nothing in its request looks like it.
func TestBoundsOfSound(t *testing.T) {
	b := newBank(t, costLimit("100"), nil, whole(200, `{}`))
	defer b.stop()
	b.target.Operations |= gateway.Of(dialect.Speech, dialect.Transcriptions)
	b.ask(call{path: "/v1/audio/speech", body: `{"model":"singer","input":"Hello."}`}).want(t, 200, "")
	if got, least := b.last().Attempts[0].Bound.Cost, money.Nano(1_000*64_000); got < least {
		t.Errorf("speech: reserved %v, a thousand tokens come to %v", got, least)
	}
	h, body := form("listener")
	h["Authorization"] = []string{"Bearer " + carolKey}
	b.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 200, "")
	if got, least := b.last().Attempts[0].Bound.Cost, money.Nano(16_000*6_000); got < least {
		t.Errorf("a transcription: reserved %v, a window of sound comes to %v", got, least)
	}
}

// TestWiderWindows: a caller can ask Anthropic for more than the price list says that the
// model reads and writes. That is then reserved.
func TestWiderWindows(t *testing.T) {
	long := strings.Repeat("many words ", 20_000) // twice the window of the model
	for beta, want := range map[string][2]int64{
		"":                       {100_000, 1000},
		"other, context-1m-2025": {int64(len(long)), 1000},
		"output-128k-2025":       {100_000, 5000},
	} {
		b := newBank(t, []*budget.Limit{limit("lim_tokens", budget.Tokens, 1<<40, daily)}, nil, whole(200, good))
		header := gateway.Header{}
		if beta != "" {
			header.Set("Anthropic-Beta", beta)
		}
		b.ask(call{path: "/v1/messages", header: header, body: `{"model":"gpt-5","max_tokens":5000,"messages":[{"role":"user","content":"` + long + `"}]}`})
		got := b.last().Attempts[0].Bound.Tokens
		if got < want[0]+want[1] || got > want[0]+want[1]+1000 {
			t.Errorf("%q: reserved %d tokens, want about %d and %d", beta, got, want[0], want[1])
		}
		b.stop()
	}
}

// TestFormsForJSON: where a request bounds itself in JSON a form is none, since nothing
// that bounds it could be found in it, or written into it.
func TestFormsForJSON(t *testing.T) {
	b := newBank(t, costLimit("100"), nil, whole(200, good))
	defer b.stop()
	h, body := form("gpt-5")
	h["Authorization"] = []string{"Bearer " + carolKey}
	b.do(call{path: chatPath, header: h, body: body}).want(t, 400, "invalid_request_body")
}

// TestBoundOfCompaction: a prompt that the provider may sum up is read twice, and the
// summary is written beside the answer.
func TestBoundOfCompaction(t *testing.T) {
	var bounds [2]int64
	for i, member := range []string{"", `"context_management":{"edits":[{"type":"compact_20260112"}]},`} {
		b := newBank(t, costLimit("100"), nil, whole(200, good))
		b.ask(call{path: "/v1/messages", body: `{` + member + `"model":"gpt-5","max_tokens":100,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 1000) + `"}]}`})
		bounds[i] = b.last().Attempts[0].Bound.Tokens
		b.stop()
	}
	if bounds[1] < 2*bounds[0] {
		t.Errorf("reserved %d tokens, without compaction %d", bounds[1], bounds[0])
	}
}
