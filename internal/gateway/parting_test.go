package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/provider"
)

// behind is what a provider still sends when its caller has left: text after some time, and
// then what comes with the end of text.
func behind(wait time.Duration, text string, end func(*sent) io.Reader) func(*sent) io.Reader {
	return func(s *sent) io.Reader {
		rest := slow{s.ctx, wait, strings.NewReader(text)}
		if end == nil {
			return oneRead{&rest}
		}
		return io.MultiReader(oneRead{&rest}, end(s))
	}
}

// oneRead waits for its text once, and then ends.
type oneRead struct{ of *slow }

func (r oneRead) Read(p []byte) (int, error) {
	if r.of.from.Len() == 0 && r.of.from.Size() > 0 {
		return 0, io.EOF
	}
	return r.of.Read(p)
}

// leaver is a caller who leaves when it has read so much of a stream, or when the request is
// sent; and what comes then.
func leaver(policy gateway.CallerLeft, first string, rest func(*sent) io.Reader) func(*bank, *terminal, *call) {
	return func(b *bank, o *terminal, c *call) {
		b.snap.CallerLeft = policy
		leave := gone(c)
		if o.streams() {
			c.out = &caughtAnswer{onFlush: func(string) { leave() }}
			b.up.replies = append(b.up.replies, partThen(o, first, rest))
			return
		}
		b.up.replies = append(b.up.replies, func(r *sent) (*provider.Response, error) {
			leave()
			return partThen(o, "", rest)(r)
		})
	}
}

// stopEvent ends the text of a chat; its usage comes behind it.
const stopEvent = `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`

// TestLeavingIsWaitedFor is the part of the matrix of terminal paths behind callers who left:
// what still comes, and when, decides the charge and how long the request lasts.
func TestLeavingIsWaitedFor(t *testing.T) {
	const limit = 2 * time.Second
	for name, o := range terminals {
		if o.source == ledger.None && o.exact == 0 || name == "speech" {
			continue // nothing is waited for: TestLeavingIsNotWaitedFor
		}
		whole, partly := o.answer, input
		if o.streams() {
			whole, partly = strings.TrimPrefix(o.answer, o.part), some
		}
		for how, e := range map[string]struct {
			rest   func(*sent) io.Reader
			source ledger.Source
			charge charge
			lasts  time.Duration
		}{
			"in time":           {behind(time.Second, whole, nil), ledger.Exact, exactly, time.Second},
			"at the last":       {behind(limit-1, whole, nil), ledger.Exact, exactly, limit - 1},
			"too late":          {behind(limit+time.Second, whole, nil), ledger.Cut, partly, limit},
			"in part":           {behind(time.Second, whole[:len(whole)/3], stalled), ledger.Cut, partly, limit},
			"garbage":           {behind(time.Second, "<html>\n\nwelcome", broken), ledger.Cut, partly, time.Second},
			"broken off":        {behind(time.Second, " ", broken), ledger.Cut, partly, time.Second},
			"never, it hangs":   {stalled, ledger.Cut, partly, limit},
			"cut while waiting": {nil, ledger.Cut, partly, time.Second},
			"hastened":          {nil, ledger.Cut, partly, time.Second},
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					prepare := func(b *bank, o *terminal, c *call) {
						rest := e.rest
						if rest == nil {
							end := map[string]func(){"hastened": func() { b.gateway.Hasten() }, "cut while waiting": func() { b.flights.Cut(keyCut) }}[how]
							rest = func(s *sent) io.Reader { time.AfterFunc(time.Second, end); return stalled(s) }
						}
						leaver(gateway.LeftWait, o.part, rest)(b, o, c)
					}
					b := checkTerminal(t, o, "client gone", ending{prepare: prepare, source: e.source, charge: e.charge})
					x := b.last()
					if x.Duration != e.lasts {
						t.Errorf("the request lasted %v, want %v", x.Duration, e.lasts)
					}
					if how != "cut while waiting" && (x.Outcome != gateway.Cut || x.Status != 499) {
						t.Errorf("recorded as %v %d", x.Outcome, x.Status)
					}
				})
			})
		}
	}
}

// TestLeavingByPolicy: what is waited for behind whom.
func TestLeavingByPolicy(t *testing.T) {
	chat, stream, messages, responses := terminals["chat"], terminals["chat stream"], terminals["messages stream"], terminals["responses stream"]
	stopped := events(deltaEvent, stopEvent)
	rest := func(text string) func(*sent) io.Reader { return behind(time.Second, text, nil) }
	twice := *stream
	twice.body = asksGPT5 + `,"stream":true,"n":2}`
	unasked, whole := *stream, *chat
	unasked.body, whole.body, whole.part = chat.body, stream.body, " "
	for name, c := range map[string]struct {
		o      *terminal
		policy gateway.CallerLeft
		first  string
		rest   func(*sent) io.Reader
		waits  bool
	}{
		"whole":                        {chat, gateway.LeftFinish, "", rest(good), true},
		"whole, stop":                  {chat, gateway.LeftStop, "", rest(good), false},
		"speech, wait":                 {terminals["speech"], gateway.LeftWait, "", rest("sound"), false},
		"stream":                       {stream, gateway.LeftFinish, stream.part, rest(events(usageEvent, "[DONE]")), false},
		"stream, stop":                 {stream, gateway.LeftStop, stopped, rest(events(usageEvent, "[DONE]")), false},
		"stream, wait":                 {stream, gateway.LeftWait, stream.part, rest(events(usageEvent, "[DONE]")), true},
		"stream whose text has ended":  {stream, gateway.LeftFinish, stopped, rest(events(usageEvent, "[DONE]")), true},
		"one of two texts has ended":   {&twice, gateway.LeftFinish, stopped, rest(events(usageEvent, "[DONE]")), false},
		"both texts have ended":        {&twice, gateway.LeftFinish, events(deltaEvent, stopEvent, stopEvent), rest(events(usageEvent, "[DONE]")), true},
		"stream that nobody asked for": {&unasked, gateway.LeftFinish, stream.part, rest(events(usageEvent, "[DONE]")), false},
		"whole instead of a stream":    {&whole, gateway.LeftFinish, strings.Repeat(" ", 300<<10), rest(good), true},
		"messages":                     {messages, gateway.LeftFinish, messages.part, rest(messagesEnd), false},
		"messages with their usage":    {messages, gateway.LeftFinish, messages.part + messagesEnd[:strings.Index(messagesEnd, "event: message_stop")], rest(messagesEnd[strings.Index(messagesEnd, "event: message_stop"):]), true},
		"messages, wait":               {messages, gateway.LeftWait, messages.part, rest(messagesEnd), true},
		"responses":                    {responses, gateway.LeftFinish, responses.part, rest(responsesEnd), false},
		"responses, wait":              {responses, gateway.LeftWait, responses.part, rest(responsesEnd), true},
		"text that says nothing of it": {stream, gateway.LeftFinish, events(`{"choices":[{"index":0,"delta":{"content":"one two three four"},"finish_reason":""}]}`), rest(events(usageEvent, "[DONE]")), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := ending{prepare: leaver(c.policy, c.first, c.rest), source: ledger.Cut, charge: input}
				lasts := time.Duration(0)
				if c.waits {
					end.source, end.charge, lasts = ledger.Exact, exactly, time.Second
				}
				b := checkTerminal(t, c.o, "client gone", end)
				if x := b.last(); x.Duration != lasts || x.Outcome != gateway.Cut {
					t.Errorf("%v after %v, want %v", x.Outcome, x.Duration, lasts)
				}
			})
		})
	}
}

// TestNobodyIsSentTheRest: what comes behind a caller who left, or takes no more, goes to nobody;
// the request keeps its place under the limits until it is over.
func TestNobodyIsSentTheRest(t *testing.T) {
	for name, out := range map[string]*caughtAnswer{"left": {}, "takes no more": {fail: errors.New("broken pipe")}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBank(t, roomy(), nil)
				defer b.stop()
				b.snap.CallerLeft = gateway.LeftWait
				c := call{body: terminals["chat stream"].body, out: out}
				leave := gone(&c)
				if out.fail == nil {
					out.onFlush = func(string) { leave() }
				}
				var places atomic.Int64
				b.up.replies = append(b.up.replies, partThen(terminals["chat stream"], events(deltaEvent), func(s *sent) io.Reader {
					time.AfterFunc(time.Second, func() { places.Store(b.state(3).Reserved) })
					return behind(1500*time.Millisecond, events(deltaEvent, usageEvent, "[DONE]"), nil)(s)
				}))
				b.ask(c)
				if got := strings.Count(out.text(), "one two"); got > 1 || strings.Contains(out.text(), "DONE") {
					t.Errorf("was sent %q", out.text())
				}
				if end := b.checkBooks(b.last())[0]; places.Load() != 1 || end.Source != ledger.Exact || out.aborted {
					t.Errorf("%d places were taken; %v", places.Load(), end.Source)
				}
			})
		})
	}
}

// TestWaitingIsBounded: neither a provider that talks on nor the time of the route is waited
// for, no other target is tried, and only one who hangs up is waited for at all.
func TestWaitingIsBounded(t *testing.T) {
	run := func(name string, prepare func(b *bank, c *call), lasts time.Duration, check func(t *testing.T, b *bank)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBank(t, roomy(), nil)
				defer b.stop()
				b.snap.CallerLeft = gateway.LeftWait
				c := call{body: terminals["chat stream"].body}
				prepare(b, &c)
				b.ask(c)
				if x := b.last(); x.Duration != lasts {
					t.Errorf("lasted %v, want %v", x.Duration, lasts)
				}
				if end := b.checkBooks(b.last())[0]; end.Source != ledger.Cut {
					t.Errorf("%v", end.Source)
				}
				if check != nil {
					check(t, b)
				}
			})
		})
	}
	left := func(c *call) func() { return gone(c) }
	run("a provider that talks on", func(b *bank, c *call) {
		b.snap.MaxAnswer = 10 * len(events(deltaEvent))
		c.out = &caughtAnswer{}
		leave := left(c)
		c.out.onFlush = func(string) { leave() }
		b.up.replies = append(b.up.replies, streamed(&endless{text: events(deltaEvent)}))
	}, 0, func(t *testing.T, b *bank) {
		if delivered := b.last().Usage.Output(); delivered < 40 || delivered > 60 {
			t.Errorf("%d tokens were read", delivered)
		}
	})
	run("the time of the route", func(b *bank, c *call) {
		b.route.RequestTimeout = time.Second
		leaver(gateway.LeftWait, events(deltaEvent), stalled)(b, terminals["chat stream"], c)
	}, time.Second, nil)
	run("another target", func(b *bank, c *call) {
		b.route.Retry = &gateway.Retry{Attempts: 3, Codes: map[int]bool{500: true}}
		leave := left(c)
		b.up.replies = append(b.up.replies, func(s *sent) (*provider.Response, error) {
			leave()
			time.Sleep(time.Second)
			return nil, &provider.SendError{Stage: provider.Await, Err: io.ErrUnexpectedEOF}
		})
	}, time.Second, func(t *testing.T, b *bank) {
		if b.up.one(t); b.last().Outcome != gateway.Cut {
			t.Error(b.last().Outcome)
		}
	})
	run("a pause between targets", func(b *bank, c *call) {
		b.route.Retry = &gateway.Retry{Attempts: 3, Codes: map[int]bool{500: true}, Backoff: 5 * time.Second}
		c.body = chatBody
		leave := left(c)
		b.up.replies = append(b.up.replies, func(s *sent) (*provider.Response, error) {
			time.AfterFunc(time.Second, leave)
			return nil, &provider.SendError{Stage: provider.Await, Err: io.ErrUnexpectedEOF}
		})
	}, time.Second, nil)
	run("what is too large to be read", func(b *bank, c *call) {
		b.snap.MaxAnswer = 300 << 10
		c.body, c.out = chatBody, &caughtAnswer{}
		leave := left(c)
		c.out.onFlush = func(string) { leave() }
		b.up.replies = append(b.up.replies, partThen(terminals["chat"], strings.Repeat(" ", 280<<10), func(s *sent) io.Reader {
			return behind(time.Second, strings.Repeat("words ", 10<<10), stalled)(s)
		}))
	}, time.Second, nil)
	run("another end than hanging up", func(b *bank, c *call) {
		ctx, end := context.WithCancelCause(context.Background())
		c.ctx = ctx
		b.up.replies = append(b.up.replies, func(s *sent) (*provider.Response, error) {
			end(fmt.Errorf("the program ends: %w", context.Canceled))
			return hangs(s)
		})
	}, 0, nil)
}

type endless struct{ text string }

func (e *endless) Read(p []byte) (int, error) { return copy(p, e.text), nil }

// TestLeavingALargeAnswer: one that is passed on while it comes is read to its end for its usage.
func TestLeavingALargeAnswer(t *testing.T) {
	text := `{"model":"gpt-5","choices":[{"message":{"content":"` + strings.Repeat("words and ", 40_000) + `"}}],`
	for rest, want := range map[string]ledger.Source{`"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}}`: ledger.Exact, `"usage":`: ledger.Cut} {
		synctest.Test(t, func(t *testing.T) {
			b := newBank(t, roomy(), nil)
			defer b.stop()
			c := call{body: `{"model":"long","messages":[{"role":"user","content":"Tell me a story."}]}`, out: &caughtAnswer{}}
			leave := gone(&c)
			c.out.onFlush = func(string) { leave() }
			b.up.replies = append(b.up.replies, partThen(terminals["chat"], text, behind(time.Second, rest, stalled)))
			if want == ledger.Exact {
				b.up.replies[0] = partThen(terminals["chat"], text, behind(time.Second, rest, nil))
			}
			b.ask(c)
			x := b.last()
			if end := b.checkBooks(x)[0]; end.Source != want || want == ledger.Exact && end.Charged.Cost != money.Nano(100_000) || want == ledger.Cut && end.Charged.Tokens < 40_000 {
				t.Errorf("%v: %+v", end.Source, end.Charged)
			}
			if x.Operation != dialect.Chat || x.Outcome != gateway.Cut {
				t.Errorf("%v", x.Outcome)
			}
		})
	}
}
