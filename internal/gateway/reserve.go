package gateway

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/tokens"
	"tollgate/internal/usage"
)

// reserve asks every limit that applies, in one step. What it gives must be
// closed; closing it unsettled charges what was reserved.
func (g *Gateway) reserve(ctx context.Context, x *exchange) (*quota.Hold, error) {
	ask := quota.Ask{Now: g.now(), Rules: x.route.Limits, Estimate: quota.Unknown, Tokenless: x.Operation == dialect.CountTokens}
	if len(ask.Rules) > 0 {
		ask.Input = x.expressionInput()
		if x.order[0].Tokenize && !ask.Tokenless {
			n, err := x.countInput(x.order[0])
			if err != nil {
				return nil, err
			}
			ask.Estimate = n
		}
	}
	hold, refusal := g.quota.Reserve(ctx, ask)
	if refusal != nil {
		return nil, refusal
	}
	tellLimits(x.out.Header(), hold)
	return hold, nil
}

// countInput counts the tokens of the request with the model's tokenizer.
func (x *exchange) countInput(c Choice) (int64, error) {
	if x.body == nil { // a form: what is in it is not text to count
		return quota.Unknown, nil
	}
	prompt, err := request.Texts(x.Operation, x.body)
	if err != nil {
		return 0, err
	}
	messages := make([]tokens.Message, 0, len(prompt.Turns))
	for _, turn := range prompt.Turns {
		messages = append(messages, tokens.Message(turn))
	}
	return prompt.Tokens + tokens.CountChat(c.model(x.modelWanted()), messages), nil
}

// tellLimits tells a caller how much is left of the limits that apply: of the
// tightest in agentgateway's headers and those of the IETF draft, and of the
// tightest of each kind in OpenAI's.
func tellLimits(h Header, hold *quota.Hold) {
	left, ok := hold.Tightest()
	if !ok {
		return
	}
	limitHeaders(h, "", left.Limit, left.Remaining, left.Reset)
	h["Ratelimit-Policy"] = []string{fmt.Sprintf("%q;q=%d;w=%d", left.ID, left.Limit, seconds(left.Window))}
	h["Ratelimit"] = []string{fmt.Sprintf("%q;r=%d;t=%d", left.ID, left.Remaining, seconds(left.Reset))}
	if left, ok := hold.TightestOf(ratelimit.Requests); ok {
		limitHeaders(h, "-Requests", left.Limit, left.Remaining, left.Reset)
	}
	if left, ok := hold.TightestOf(ratelimit.Tokens); ok {
		limitHeaders(h, "-Tokens", left.Limit, left.Remaining, left.Reset)
	}
}

func limitHeaders(h Header, kind string, limit, remaining int64, reset time.Duration) {
	h["X-Ratelimit-Limit"+kind] = []string{strconv.FormatInt(limit, 10)}
	h["X-Ratelimit-Remaining"+kind] = []string{strconv.FormatInt(remaining, 10)}
	h["X-Ratelimit-Reset"+kind] = []string{strconv.FormatInt(seconds(reset), 10)}
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// settle charges what the answer came to: the provider's own figures, or where
// a stream ended without them, an estimate from what passed.
func (g *Gateway) settle(x *exchange, hold *quota.Hold, a *answer) {
	reading := a.meter.Reading()
	x.ModelServed, x.responseID = reading.Model, reading.ID
	x.Usage = reading.Usage
	if x.Usage.ServedModel != "" {
		x.ModelServed = x.Usage.ServedModel
	}
	switch {
	case x.Usage.Source != usage.Absent:
		if x.Streamed && !reading.Finished && x.Outcome != Served {
			x.Usage.Source = usage.Partial
			x.Usage.OutputText = max(x.Usage.OutputText, reading.DeliveredTokens-x.Usage.OutputReasoning)
		}
	case a.response.Status >= 400:
		// The provider refused before it generated anything.
	case reading.Failed && reading.DeliveredTokens == 0:
		// It said that all went well and then that it did not: nobody knows.
	case estimable(x.Operation), x.Operation == dialect.Passthrough && x.peeked.Model != "":
		x.Usage = usage.Usage{Source: usage.Estimated, InputUncached: x.estimateInput(), OutputText: reading.DeliveredTokens}
	}
	if len(x.Attempts) > 0 {
		x.lastAttempt().Usage = x.Usage
	}
	if x.Usage.Source == usage.Absent && reading.Failed && a.response.Status < 400 {
		return // nobody knows: what was reserved is charged
	}
	hold.Settle(quota.Spent{Input: x.Usage.Input(), Output: x.Usage.Output()})
}

// perTurn is what the frame of a message costs, in tokens.
const perTurn = 4

// estimateInput estimates the input tokens of the request from its text: never
// from its bytes, most of which an image in it would be.
func (x *exchange) estimateInput() int64 {
	if x.body == nil || x.unread {
		return 0
	}
	prompt, err := request.Texts(x.Operation, x.body)
	if err != nil {
		return 0
	}
	n := prompt.Tokens
	for i := range prompt.Turns {
		n += perTurn + tokens.Estimate([]byte(prompt.Turns[i].Content))
	}
	return n
}

// estimable tells whether the tokens of an operation can be told from its bytes.
func estimable(op dialect.Operation) bool {
	switch op {
	case dialect.Chat, dialect.Completions, dialect.Responses, dialect.Messages, dialect.Embeddings:
		return true
	default:
		return false
	}
}

// giveBack settles a hold whose request no provider answered: nothing is
// charged unless one may have worked for it.
func (g *Gateway) giveBack(x *exchange, hold *quota.Hold) {
	for i := range x.Attempts {
		at := &x.Attempts[i]
		if at.Err != nil && provider.StageOf(at.Err) >= provider.Await {
			return
		}
	}
	hold.Settle(quota.Spent{})
}

// tellRefusal gives the headers of a refusal by a limit.
func tellRefusal(h Header, l *fault.Limit) {
	if l == nil {
		return
	}
	left := max(l.Remaining, 0)
	limitHeaders(h, "", l.Max, left, l.ResetsIn)
	switch l.Kind {
	case ratelimit.Requests.String():
		limitHeaders(h, "-Requests", l.Max, left, l.ResetsIn)
	case ratelimit.Tokens.String():
		limitHeaders(h, "-Tokens", l.Max, left, l.ResetsIn)
	}
	h["Ratelimit-Policy"] = []string{fmt.Sprintf("%q;q=%d;w=%d", l.ID, l.Max, seconds(l.Interval))}
	h["Ratelimit"] = []string{fmt.Sprintf("%q;r=%d;t=%d", l.ID, left, seconds(l.ResetsIn))}
}
