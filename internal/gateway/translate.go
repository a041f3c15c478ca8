package gateway

import (
	"errors"
	"io"
	"strconv"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/dialect/translate"
	"tollgate/internal/fault"
)

// A chat completion can be served by a target that only speaks Anthropic's messages. All
// that the configuration changes in a request it changes in the dialect of the caller, and
// what comes of it is translated, for each attempt anew; the answer is metered as the
// provider wrote it, and translated behind that. In the books it stays a chat completion.

// translation is what an exchange needs beside for targets of another dialect.
type translation struct {
	choice Choice // that the body was made for
	body   translate.Body
	buffer *[]byte // in which it stands
	stream translate.Stream
	out    []byte // an answer
}

// translates tells whether a target is asked in another dialect than the caller's.
func (x *exchange) translates(c Choice) bool {
	return x.Operation == dialect.Chat && !c.Operations.Has(dialect.Chat) && c.Operations.Has(dialect.Messages)
}

// operationAt is the operation that a target is asked for.
func (x *exchange) operationAt(c Choice) dialect.Operation {
	if x.translates(c) {
		return dialect.Messages
	}
	return x.Operation
}

// translate gives the request as a target understands it, but for what the plan writes into
// it. The same target is given the same body.
func (x *exchange) translate(c Choice) (*translate.Body, error) {
	t := x.translation
	if t == nil {
		t = &translation{buffer: getBuffer()}
		x.translation = t
	}
	if t.choice == c {
		return &t.body, nil
	}
	body, err := translate.Request(*t.buffer, x.edited(c))
	if err != nil {
		t.choice = Choice{}
		return nil, err
	}
	t.choice, t.body = c, body
	return &t.body, nil
}

// translated gives the body to send to a target of another dialect. That there is one was
// found out before any limit was asked.
func (x *exchange) translated(c Choice) []byte {
	b, err := x.translate(c)
	if err != nil {
		return nil
	}
	if b.Assumed && x.plan.write == 0 {
		x.tell(headerMaxTokens, strconv.FormatInt(b.MaxTokens, 10))
	}
	body := b.Bounded(x.plan.write)
	*x.translation.buffer = body // which may have grown
	return body
}

// planTranslated makes the translated request what is planned with.
func (x *exchange) planTranslated(c Choice, p *plan) {
	b, err := x.translate(c)
	if err != nil {
		return
	}
	body, peeked := b.Bounded(0), new(request.Peeked)
	if request.Peek(dialect.Messages, body, peeked) != nil {
		return
	}
	p.operation, p.body, p.peeked = dialect.Messages, body, peeked
	if b.Assumed { // by the gateway, which may write another one
		p.assumed, peeked.MaxTokens = b.MaxTokens, 0
	}
}

// answerOptions are what a translated answer says beside what the provider does.
func (x *exchange) answerOptions() translate.Options {
	return translate.Options{ID: x.ID, Created: x.Started.Unix(), IncludeUsage: x.peeked.IncludeUsage}
}

// translateAnswer translates a whole answer that the meter has read.
func (x *exchange) translateAnswer(a *answer, message []byte) ([]byte, error) {
	t := x.translation
	u := a.meter.Reading().Usage
	out, err := translate.Answer(t.out[:0], message, &u, x.answerOptions())
	t.out = out
	return out, err
}

// translateEnd tells a stream that has stopped before its answer ended from one that has
// ended. In a stream that is not translated the caller sees that for itself.
func (x *exchange) translateEnd(a *answer, err error) error {
	if a.translated && errors.Is(err, io.EOF) && !x.translation.stream.Ended() {
		return io.ErrUnexpectedEOF
	}
	return err
}

// largestWhole bounds how much of an answer is read before any of it is sent: one that is
// translated is read whole.
func (x *exchange) largestWhole(a *answer) int {
	if a.translated {
		return max(smallAnswer, x.snap.MaxAnswer)
	}
	return smallAnswer
}

// tooLargeToTranslate refuses an answer that is not read whole.
func tooLargeToTranslate() *fault.Error {
	return &fault.Error{Kind: fault.Upstream, Code: "upstream_answer_too_large", Reason: "UpstreamFailure",
		Message: "The provider's answer is larger than the gateway translates. Ask for a stream, or for less."}
}

// ofDialect tells the header lines that one dialect alone has.
func ofDialect(canonical string) bool {
	return canonical == "Anthropic-Beta" || canonical == "Anthropic-Version" || canonical == "Openai-Beta"
}

// endTranslation gives back what a translation held.
func (x *exchange) endTranslation() {
	if x.translation != nil {
		putBuffer(x.translation.buffer)
	}
}
