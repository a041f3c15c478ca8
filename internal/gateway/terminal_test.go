package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/provider"
)

// kind of operation in the matrix.
type terminal struct {
	path, body  string
	form        bool
	contentType string // of the answer
	answer      string
	part        string // of a stream, with text in it
	exact       money.Nano
	source      ledger.Source // of a success
	translated  bool          // at a provider that speaks messages only
}

func (o *terminal) streams() bool { return o.part != "" }

const messagesStart = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"gpt-5\",\"usage\":{\"input_tokens\":50,\"output_tokens\":1}}}\n\n"

const messagesDelta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"one two three four\"}}\n\n"

const messagesEnd = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

const responsesDelta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"one two three four\"}\n\n"

const responsesEnd = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"model\":\"gpt-5\",\"status\":\"completed\",\"usage\":{\"input_tokens\":10,\"output_tokens\":9,\"total_tokens\":19}}}\n\n"

const asksGPT5 = `{"model":"gpt-5","messages":[{"role":"user","content":"Hello, what is the weather?"}]`

// operations are those of the matrix: ten tokens read and nine written are 100 µ$.
var terminals = map[string]*terminal{
	"chat":              {path: chatPath, body: asksGPT5 + `}`, answer: good, exact: 100_000},
	"chat stream":       {path: chatPath, body: asksGPT5 + `,"stream":true}`, contentType: "text/event-stream", part: events(deltaEvent), answer: events(deltaEvent, usageEvent, "[DONE]"), exact: 100_000},
	"completions":       {path: "/v1/completions", body: `{"model":"gpt-5","prompt":"Once upon a time"}`, answer: good, exact: 100_000},
	"responses":         {path: "/v1/responses", body: `{"model":"gpt-5","input":"Hello, you"}`, answer: `{"id":"r","object":"response","model":"gpt-5","status":"completed","output":[],"usage":{"input_tokens":10,"output_tokens":9,"total_tokens":19}}`, exact: 100_000},
	"responses stream":  {path: "/v1/responses", body: `{"model":"gpt-5","input":"Hello, you","stream":true}`, contentType: "text/event-stream", part: responsesDelta, answer: responsesDelta + responsesEnd, exact: 100_000},
	"messages":          {path: "/v1/messages", body: asksGPT5 + `,"max_tokens":99}`, answer: `{"type":"message","model":"gpt-5","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":9}}`, exact: 100_000},
	"messages stream":   {path: "/v1/messages", body: asksGPT5 + `,"max_tokens":99,"stream":true}`, contentType: "text/event-stream", part: messagesStart + messagesDelta, answer: messagesStart + messagesDelta + messagesEnd, exact: 140_000},
	"translated":        {path: chatPath, body: asksGPT5 + `}`, answer: `{"type":"message","model":"gpt-5","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":9}}`, exact: 100_000, translated: true},
	"translated stream": {path: chatPath, body: asksGPT5 + `,"stream":true}`, contentType: "text/event-stream", part: messagesStart + messagesDelta, answer: messagesStart + messagesDelta + messagesEnd, exact: 140_000, translated: true},
	"embeddings":        {path: "/v1/embeddings", body: `{"model":"vector","input":"some words"}`, answer: `{"object":"list","model":"vector","data":[],"usage":{"prompt_tokens":10,"total_tokens":10}}`, exact: 10_000},
	"rerank":            {path: "/v1/rerank", body: `{"model":"sorter","query":"a","documents":["b","c"]}`, answer: `{"results":[],"meta":{"billed_units":{"search_units":1}}}`, exact: 2_000_000},
	"speech":            {path: "/v1/audio/speech", body: `{"model":"voice","input":"eight ch"}`, contentType: "audio/mpeg", answer: "\xff\xfbsound", exact: 120_000, source: ledger.Estimated},
	"images":            {path: "/v1/images/generations", body: `{"model":"brush","prompt":"a cat"}`, answer: `{"created":1,"data":[{"b64_json":"AAAA"}]}`, exact: 40_000_000, source: ledger.Estimated},
	"transcriptions":    {path: "/v1/audio/transcriptions", form: true, answer: `{"text":"hm","usage":{"type":"duration","seconds":10}}`, exact: 1_000_000},
	"count tokens":      {path: "/v1/messages/count_tokens", body: asksGPT5 + `}`, answer: `{"input_tokens":10}`, source: ledger.None},
	"moderations":       {path: "/v1/moderations", body: `{"model":"gift","input":"some words"}`, answer: `{"results":[]}`, source: ledger.None},
}

// ending is a way to end. It prepares a bank and gives the call to make.
type ending struct {
	prepare func(b *bank, o *terminal, c *call)
	// source marks the one end in the ledger; charge says what it must come to.
	source  ledger.Source
	charge  charge
	streams bool // only for what has more than one piece
	panics  bool
}

type charge uint8

const (
	nothing charge = iota // of a request that no provider worked for
	input                 // something, and never output
	some                  // input and what was delivered
	exactly               // what the provider says
	bound                 // all that was reserved
)

func reply(o *terminal, status int, body string) func(*sent) (*provider.Response, error) {
	return typed(status, cmpOr(o.contentType, "application/json"), strings.NewReader(body), int64(len(body)))
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// partThen gives a part of the answer and then what the rest does.
func partThen(o *terminal, part string, rest func(*sent) io.Reader) func(*sent) (*provider.Response, error) {
	return func(r *sent) (*provider.Response, error) {
		return typed(200, cmpOr(o.contentType, "application/json"), io.MultiReader(strings.NewReader(part), rest(r)), -1)(r)
	}
}

func broken(*sent) io.Reader { return brokenReader{} }

func stalled(r *sent) io.Reader { return slow{r.ctx, time.Hour, strings.NewReader("")} }

// keyCut is why a revoked key's requests end.
var keyCut = &fault.Error{Kind: fault.Unauthenticated, Code: "key_revoked", Retry: fault.RetryNo, Message: "This virtual key has been revoked."}

// gone gives a call a caller, and what makes it leave.
func gone(c *call) context.CancelFunc {
	ctx, cancel := context.WithCancel(context.Background())
	c.ctx = ctx
	return cancel
}

func endings() map[string]ending {
	answers := func(replies ...func(*sent) (*provider.Response, error)) func(*bank, *terminal, *call) {
		return func(b *bank, _ *terminal, _ *call) { b.up.replies = replies }
	}
	all := map[string]ending{
		"success":              {func(b *bank, o *terminal, _ *call) { b.up.replies = append(b.up.replies, reply(o, 200, o.answer)) }, ledger.Exact, exactly, false, false},
		"connection refused":   {prepare: answers(fails(provider.Connect)), source: ledger.None},
		"writing failed":       {prepare: answers(fails(provider.Write)), source: ledger.None},
		"reset before headers": {prepare: answers(fails(provider.Await)), source: ledger.Unknown, charge: input},
		"malformed headers":    {prepare: answers(fails(provider.Read)), source: ledger.Unknown, charge: input},
		"reset after headers":  {func(b *bank, o *terminal, _ *call) { b.up.replies = append(b.up.replies, partThen(o, "", broken)) }, ledger.Unknown, input, false, false},
		"reset in mid-stream":  {func(b *bank, o *terminal, _ *call) { b.up.replies = append(b.up.replies, partThen(o, o.part, broken)) }, ledger.Estimated, some, true, false},
		"garbage": {func(b *bank, _ *terminal, _ *call) {
			b.up.replies = append(b.up.replies, typed(200, "text/html", strings.NewReader("<html>welcome"), 13))
		}, ledger.Unknown, input, false, false},
		"redirect": {prepare: answers(whole(302, "", "Location", "http://x")), source: ledger.None},
		"stall before headers": {func(b *bank, _ *terminal, _ *call) {
			b.route.BackendTimeout, b.up.replies = time.Second, append(b.up.replies, hangs)
		}, ledger.Unknown, input, false, false},
		"stall in mid-stream": {func(b *bank, o *terminal, _ *call) {
			b.route.RequestTimeout, b.up.replies = time.Second, append(b.up.replies, partThen(o, o.part, stalled))
		}, ledger.Estimated, some, true, false},
		"client gone before headers": {func(b *bank, _ *terminal, c *call) {
			leave := gone(c)
			b.up.replies = append(b.up.replies, func(r *sent) (*provider.Response, error) { leave(); return hangs(r) })
		}, ledger.Cut, input, false, false},
		"client gone after headers": {func(b *bank, o *terminal, c *call) {
			leave := gone(c)
			b.up.replies = append(b.up.replies, func(r *sent) (*provider.Response, error) {
				leave()
				return partThen(o, "", stalled)(r)
			})
		}, ledger.Cut, input, false, false},
		"client gone in mid-stream": {func(b *bank, o *terminal, c *call) {
			leave := gone(c)
			c.out = &caughtAnswer{onFlush: func(string) { leave() }}
			b.up.replies = append(b.up.replies, partThen(o, o.part, stalled))
		}, ledger.Cut, some, true, false},
		"client no longer reads": {func(b *bank, o *terminal, c *call) {
			c.out = &caughtAnswer{fail: errors.New("broken pipe")}
			b.up.replies = append(b.up.replies, partThen(o, o.part, stalled))
		}, ledger.Cut, some, true, false},
		"client gone after the last byte": {func(b *bank, o *terminal, c *call) {
			leave := gone(c)
			b.up.replies = append(b.up.replies, partThen(o, o.answer, func(*sent) io.Reader { return leaving{leave} }))
		}, ledger.Exact, exactly, false, false},
		"admin cut before headers": {func(b *bank, _ *terminal, _ *call) {
			b.up.replies = append(b.up.replies, func(r *sent) (*provider.Response, error) { b.flights.Cut(keyCut); return hangs(r) })
		}, ledger.Cut, input, false, false},
		"admin cut in mid-stream": {func(b *bank, o *terminal, c *call) {
			c.out = &caughtAnswer{onFlush: func(string) { b.flights.Cut(keyCut) }}
			b.up.replies = append(b.up.replies, partThen(o, o.part, stalled))
		}, ledger.Cut, some, true, false},
		"panic while sending": {func(b *bank, _ *terminal, _ *call) {
			b.up.replies = append(b.up.replies, func(*sent) (*provider.Response, error) { panic("a bug") })
		}, ledger.Unknown, bound, false, true},
		"panic while reading": {func(b *bank, o *terminal, _ *call) {
			b.up.replies = append(b.up.replies, partThen(o, o.part, func(*sent) io.Reader { return bug{} }))
		}, ledger.Unknown, bound, false, true},
	}
	for _, status := range []int{400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529} {
		all[fmt.Sprint("status ", status)] = ending{prepare: answers(whole(status, `{"error":{"message":"x"}}`)), source: ledger.None}
		all[fmt.Sprint("status ", status, ", then success")] = ending{prepare: func(b *bank, o *terminal, _ *call) {
			b.route.Retry = &gateway.Retry{Attempts: 2, Codes: map[int]bool{status: true}}
			b.up.replies = append(b.up.replies, whole(status, `{"error":{"message":"x"}}`), reply(o, 200, o.answer))
		}, source: ledger.Exact, charge: exactly}
	}
	return all
}

// leaving is the end of an answer, at which the caller leaves.
type leaving struct{ leave func() }

func (l leaving) Read([]byte) (int, error) { l.leave(); return 0, io.EOF }

type bug struct{}

func (bug) Read([]byte) (int, error) { panic("a bug") }

// TestTerminalPaths is every operation × every way to end: each attempt's
// reservation is resolved exactly once, nothing stays reserved, and what is charged
// is what the outcome says.
func TestTerminalPaths(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(terminals)) {
		o := terminals[name]
		for how, e := range endings() {
			if e.streams && !o.streams() {
				continue
			}
			t.Run(name+"/"+how, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { checkTerminal(t, o, how, e) }) })
		}
	}
}

func checkTerminal(t *testing.T, o *terminal, how string, e ending) *bank {
	t.Helper()
	b := newBank(t, roomy(), nil)
	defer b.stop()
	b.target.Operations |= gateway.Of(dialect.Rerank, dialect.Speech, dialect.Images, dialect.Transcriptions, dialect.Moderations)
	if o.translated {
		b.target.Operations = gateway.Of(dialect.Messages)
	}
	c := call{path: o.path, body: o.body}
	if o.form {
		c.header, c.body = form("ears")
	}
	e.prepare(b, o, &c)
	b.serveOrPanic(t, c, e.panics)
	x := b.last()
	ends := b.checkBooks(x)
	if len(ends) == 0 {
		t.Fatal("nothing was resolved")
	}
	last := ends[len(ends)-1]
	source := e.source
	if source != ledger.None && (e.charge != bound && o.source == ledger.None && o.exact == 0) {
		source = ledger.None // nobody charges for it
	} else if e.charge == exactly && o.source != 0 {
		source = o.source
	}
	switch {
	case source == ledger.None && last.Kind == ledger.Settle && last.Charged.Cost == 0: // free, and counted
	case last.Source != source:
		t.Errorf("charged as %v, want %v: %+v", last.Source, source, last.Charged)
	}
	switch cost := last.Charged.Cost; {
	case o.exact == 0 && e.charge != bound, e.charge == nothing:
		if cost != 0 {
			t.Errorf("charged %s for nothing", cost)
		}
	case e.charge == exactly:
		if cost != o.exact {
			t.Errorf("charged %s, want %s", cost, o.exact)
		}
	case e.charge == bound:
		if last.Kind != ledger.Expire {
			t.Errorf("ended by %v", last.Kind)
		}
	case e.charge == input:
		if cost <= 0 {
			t.Error("charged nothing")
		}
	case e.charge == some:
		if cost < 40_000 { // four tokens of output at least
			t.Errorf("charged %s: the output was free", cost)
		}
	}
	if strings.HasPrefix(how, "admin cut") {
		checkCut(t, b, x, c)
	}
	return b
}

// checkCut wants the caller to be told why.
func checkCut(t *testing.T, b *bank, x *gateway.Exchange, c call) {
	t.Helper()
	if x.Err == nil || x.Err.Code != "key_revoked" {
		t.Errorf("recorded %v, %v", x.Outcome, x.Err)
	}
	if c.out != nil && !strings.Contains(c.out.text(), `"key_revoked"`) {
		t.Errorf("the stream ends with %q", c.out.text())
	}
}

func (b *bank) serveOrPanic(t *testing.T, c call, panics bool) {
	t.Helper()
	defer func() {
		if r := recover(); (r != nil) != panics {
			t.Errorf("panic: %v", r)
			if r != nil {
				panic(r)
			}
		}
	}()
	b.ask(c)
}

// TestErrorsInGoodAnswers: answers of status 200 that are none.
func TestErrorsInGoodAnswers(t *testing.T) {
	for name, r := range map[string]func(*sent) (*provider.Response, error){
		"error object":           whole(200, `{"error":{"message":"x"}}`),
		"error in a stream":      streamed(strings.NewReader(events(`{"error":{"message":"x"}}`))),
		"truncated":              whole(200, `{"id":"c","choices":[{"message":{"content":"Hello`),
		"unknown encoding":       whole(200, good, "Content-Encoding", "zstd"),
		"empty":                  whole(200, ``),
		"figures that are lists": whole(200, `{"id":"c","choices":[],"usage":[]}`),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, roomy(), nil, r)
			b.ask(call{})
			ends := b.checkBooks(b.last())
			if last := ends[0]; last.Charged.Cost <= 0 || last.Source == ledger.Exact {
				t.Errorf("charged %+v as %v", last.Charged, last.Source)
			}
		})
	}
}

// TestSenselessFigures: what cannot be is charged as the bound, and kept.
func TestSenselessFigures(t *testing.T) {
	for name, usage := range map[string]string{
		"negative":            `{"prompt_tokens":10,"completion_tokens":-5}`,
		"no number":           `{"prompt_tokens":10,"completion_tokens":"many"}`,
		"larger than a model": `{"prompt_tokens":10,"completion_tokens":900000000}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t, roomy(), nil, whole(200, `{"model":"gpt-5","choices":[],"usage":`+usage+`}`))
			b.ask(call{})
			end := b.checkBooks(b.last())[0]
			if end.Source != ledger.Rejected || end.Charged != b.last().Attempts[0].Bound || len(end.Lines) != 2 || end.Lines[0].Count != 10 {
				t.Errorf("%+v", end)
			}
		})
	}
}

// TestOverrun: what a provider reports above the bound is charged in full.
func TestOverrun(t *testing.T) {
	b := newBank(t, []*budget.Limit{limit("lim_cost", budget.Cost, usd("1"), daily)}, nil,
		whole(200, `{"model":"gpt-5","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2000,"total_tokens":2010}}`))
	b.ask(call{})
	if end := b.checkBooks(b.last())[0]; end.Source != ledger.Exact || end.Charged.Cost != 20_010_000 {
		t.Errorf("%+v", end)
	}
	if s := b.state(0); s.Overrun <= 0 {
		t.Errorf("%+v", s)
	}
}

// TestAbortingIsNeverFree leaves a stream at every one of its bytes: what was
// delivered until then is charged.
func TestAbortingIsNeverFree(t *testing.T) {
	answer := events(deltaEvent, deltaEvent, usageEvent, "[DONE]")
	for at := range len(answer) + 1 {
		b := newBank(t, roomy(), nil)
		ctx, leave := context.WithCancel(context.Background())
		b.up.replies = append(b.up.replies, func(r *sent) (*provider.Response, error) {
			rest := func(s *sent) io.Reader { return leavingThenStalled{leave, s.ctx} }
			return partThen(terminals["chat stream"], answer[:at], rest)(r)
		})
		out := b.ask(call{body: streamBody, ctx: ctx})
		end := b.checkBooks(b.last())[0]
		delivered := money.Nano(strings.Count(out.text(), "one two three four")) * 40_000
		if end.Charged.Cost <= 0 || end.Charged.Cost < delivered {
			t.Errorf("left at byte %d: charged %s for %d bytes", at, end.Charged.Cost, out.body.Len())
		}
		leave()
	}
}

type leavingThenStalled struct {
	leave func()
	ctx   context.Context
}

func (l leavingThenStalled) Read([]byte) (int, error) {
	l.leave()
	<-l.ctx.Done()
	return 0, provider.NewSendError(l.ctx, provider.Read, l.ctx.Err())
}

// TestAbortingLargeAnswers leaves an answer that is no stream while it is relayed.
func TestAbortingLargeAnswers(t *testing.T) { synctest.Test(t, abortLargeAnswer) }

func abortLargeAnswer(t *testing.T) {
	text := `{"model":"gpt-5","choices":[{"message":{"content":"` + strings.Repeat("words and ", 40_000)
	b := newBank(t, roomy(), nil)
	b.up.replies = append(b.up.replies, partThen(terminals["chat"], text, stalled))
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	b.ask(call{ctx: ctx, body: `{"model":"long","messages":[{"role":"user","content":"Tell me a story."}]}`, out: &caughtAnswer{onFlush: func(string) { leave() }}})
	end := b.checkBooks(b.last())[0]
	if end.Source != ledger.Cut || end.Charged.Tokens < 40_000 {
		t.Errorf("%v: %+v", end.Source, end.Charged)
	}
}

// TestLeavingWithToolsIsCharged: who leaves before usage came pays also for what the model
// read beside the messages.
func TestLeavingWithToolsIsCharged(t *testing.T) {
	const words = 4000
	beside := map[string]string{
		"tools":           `"tools":[{"type":"function","function":{"name":"f","description":"` + strings.Repeat("word ", words) + `"}}]`,
		"response_format": `"response_format":{"type":"json_schema","json_schema":{"description":"` + strings.Repeat("word ", words) + `"}}`,
		"no settings":     `"user":"` + strings.Repeat("word ", words) + `"`,
	}
	for name, member := range beside {
		b := newBank(t, roomy(), nil)
		b.up.replies = append(b.up.replies, streamed(breaking(events(deltaEvent))))
		b.ask(call{body: `{"model":"long","stream":true,"messages":[],` + member + `}`})
		end := b.checkBooks(b.last())[0]
		if charged := end.Charged.Tokens >= words; end.Source != ledger.Estimated || charged != (name != "no settings") {
			t.Errorf("%s: %v: %+v", name, end.Source, end.Charged)
		}
	}
}

// TestPiecesInTokens: sound and pictures of models that are charged by the token cost
// something also when nobody says how many tokens they were.
func TestPiecesInTokens(t *testing.T) {
	hear, heard := form("listener")
	partial := "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AAAA\"}\n\n"
	for name, tt := range map[string]struct {
		path, body, contentType, answer string
		cut                             bool
		cost, output                    int64
	}{
		// Five characters, two tokens each, at 64 dollars a million; one token read.
		"speech": {path: "/v1/audio/speech", body: `{"model":"singer","input":"ёжики"}`, contentType: "audio/mpeg", answer: "sound", output: 10},
		// Seventeen tokens for each second of sound.
		"transcript": {path: "/v1/audio/transcriptions", contentType: "text/plain", answer: "and so it was said", output: 5},
		"picture":    {path: "/v1/images/generations", body: `{"model":"painter","prompt":"a cat","stream":true,"quality":"low"}`, answer: partial, cut: true, output: 408},
		"best":       {path: "/v1/images/generations", body: `{"model":"painter","prompt":"a cat","stream":true,"n":1}`, answer: partial, cut: true, output: 6240},
	} {
		b := newBank(t, roomy(), nil)
		b.target.Operations |= gateway.Of(dialect.Speech, dialect.Transcriptions, dialect.Images)
		c := call{path: tt.path, body: tt.body}
		if tt.body == "" {
			c.header, c.body = hear, heard
		}
		if tt.cut {
			b.up.replies = append(b.up.replies, streamed(breaking(tt.answer)))
		} else {
			b.up.replies = append(b.up.replies, typed(200, tt.contentType, strings.NewReader(tt.answer), int64(len(tt.answer))))
		}
		b.ask(c)
		x := b.last()
		if len(x.Attempts) == 0 {
			t.Fatalf("%s: %v", name, x.Err)
		}
		end := b.checkBooks(x)[0]
		if end.Charged.Cost == 0 || x.Usage.Output() != tt.output || end.Charged.Tokens != x.Usage.Input()+x.Usage.Output() {
			t.Errorf("%s: charged %+v for %+v", name, end.Charged, x.Usage)
		}
	}
}

// TestSearchesBeforeTheEnd: tools that were seen to run are paid by who leaves before the
// provider says what came of it.
func TestSearchesBeforeTheEnd(t *testing.T) {
	for _, tt := range []struct{ path, body, start, search string }{
		{"/v1/responses", `{"model":"seeker","stream":true,"input":"a","tools":[{"type":"web_search"}]}`,
			`{"type":"response.created","response":{"model":"seeker"}}`,
			`{"type":"response.output_item.done","item":{"type":"web_search_call"}}`},
		{"/v1/messages", `{"model":"seeker","stream":true,"max_tokens":9,"messages":[],"tools":[{"type":"web_search_20250305"}]}`,
			`{"type":"message_start","message":{"model":"seeker","usage":{"input_tokens":5,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":1,"content_block":{"type":"web_search_tool_result","content":[]}}`},
	} {
		b := newBank(t, roomy(), nil, streamed(breaking(events(tt.start, tt.search, tt.search))))
		b.ask(call{path: tt.path, body: tt.body})
		if end := b.checkBooks(b.last())[0]; end.Charged.Cost < 20_000_000 {
			t.Errorf("%s: two searches come to %v", tt.path, end.Charged.Cost)
		}
	}
}
