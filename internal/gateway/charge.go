package gateway

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/provider"
	"tollgate/internal/quota"
	"tollgate/internal/tokens"
	"tollgate/internal/usage"
)

// absurd is how many times what a model can read or write a figure must be to be
// taken for nonsense. It is generous: windows grow faster than price lists.
const absurd = 10

// recordedWithin bounds how long the end of an answer waits for its charge to be on
// record. It is there either way; only whoever kills the process in between would see
// the bound charged instead.
const recordedWithin = 100 * time.Millisecond

// settle charges what the answer came to: the provider's own figures, or where
// there are none an estimate from what passed. It may be called again.
func (g *Gateway) settle(ctx context.Context, x *exchange, a *answer) {
	if x.lastAttempt().ended {
		return
	}
	reading := a.meter.Reading()
	x.ModelServed, x.responseID = reading.Model, reading.ID
	x.Usage = reading.Usage
	if x.Usage.ServedModel != "" {
		x.ModelServed = x.Usage.ServedModel
	}
	delivered := max(reading.DeliveredTokens, x.unmetered)
	cut := x.Outcome == Cut || cutBy(ctx) != nil
	reported := x.Usage.Source != usage.Absent
	source := ledger.Estimated
	switch {
	case reported:
		source = ledger.Exact
		if x.Streamed && !reading.Finished && x.Outcome != Served {
			x.Usage.Source = usage.Partial
			x.Usage.OutputText = max(x.Usage.OutputText, delivered-x.Usage.OutputReasoning)
			source = ledger.Estimated
		} else if x.Usage.Source == usage.Estimated {
			source = ledger.Estimated
		}
	case a.response.Status >= 300:
		source = ledger.None // the provider refused before it generated anything
	case reading.Failed && delivered == 0:
		source = ledger.Unknown // it said that all went well and then that it did not
	case estimable(x.Operation), x.Operation == dialect.Passthrough && x.peeked.Model != "":
		x.Usage, source = x.estimated(&reading.Usage, delivered)
	default:
		if x.Usage, source = x.ownFigures(); x.Outcome != Served && source != ledger.None {
			source = ledger.Unknown
		}
	}
	if x.Usage.Source == usage.Estimated && !estimable(x.Operation) {
		x.inTokens(&x.Usage, delivered)
	}
	if cut && source != ledger.Exact && source != ledger.None {
		source = ledger.Cut
	}
	x.truncated = false
	if reported && x.senseless() {
		source = ledger.Rejected
	}
	g.conclude(x, source, x.Usage)
	if x.Usage.Source == usage.Absent && reading.Failed && a.response.Status < 400 {
		return // nobody knows: the limits of the route keep what was reserved
	}
	x.hold.Settle(quota.Spent{Input: x.Usage.Input(), Output: x.Usage.Output()})
}

// estimated are the figures of an answer of which none were reported: what can be counted
// of the request, what was delivered, and the tools that were seen to run.
func (x *exchange) estimated(seen *usage.Usage, delivered int64) (usage.Usage, ledger.Source) {
	u := usage.Usage{
		Source: usage.Estimated, InputUncached: x.estimateInput(), OutputText: delivered,
		WebSearches: seen.WebSearches, FileSearches: seen.FileSearches, CodeSessions: seen.CodeSessions,
	}
	idle := delivered+u.WebSearches+u.FileSearches+u.CodeSessions == 0
	if idle && (x.Outcome != Served || x.truncated && boundable(x.Operation) || x.Streamed && x.events == 0) {
		return u, ledger.Unknown // nothing came that says what became of it
	}
	return u, ledger.Estimated
}

// senseless tells figures that cannot be: some were no counts, or they are many times
// what the model can read and write.
func (x *exchange) senseless() bool {
	u := &x.Usage
	if u.Senseless {
		return true
	}
	m := x.plan.quote.Model()
	if m == nil || !boundable(x.Operation) || !x.plan.limited() {
		return false
	}
	rounds := times(x.plan.survey.Prompts, x.plan.survey.Uses+1)
	return m.ContextWindow > 0 && u.Input() > times(absurd*m.ContextWindow, rounds) ||
		m.MaxOutput > 0 && u.Output() > times(absurd*m.MaxOutput, x.plan.survey.Answers)
}

// concludeFailed ends the latest attempt, which gave no answer or one that was not
// good enough.
func (g *Gateway) concludeFailed(ctx context.Context, x *exchange, a *answer) {
	at := x.lastAttempt()
	switch {
	case at.ended:
	case at.Err == nil && a != nil && a.response.Status < 300: // good, and yet not taken
		g.settle(ctx, x, a)
	case at.Err == nil || provider.StageOf(at.Err) < provider.Await:
		g.conclude(x, ledger.None, usage.Usage{})
	case x.left(ctx) || cutBy(ctx) != nil:
		g.conclude(x, ledger.Cut, x.readAtLeast())
	default:
		g.conclude(x, ledger.Unknown, usage.Usage{})
	}
}

// conclude ends the latest attempt with what it came to, and with it the
// reservation.
func (g *Gateway) conclude(x *exchange, source ledger.Source, u usage.Usage) {
	at := x.lastAttempt()
	if at.ended {
		return
	}
	at.ended = true
	at.Usage, at.CostSource = u, source
	if source != ledger.None {
		x.requote(at, &u)
	}
	r := x.hold.Reservation()
	if r != nil && r.ID() != at.Reservation {
		r = nil
	}
	charged := x.amount(source, &u, r)
	if r != nil {
		charged = g.resolve(x, r, source, &u, charged)
	}
	at.Cost = charged.Cost
	x.Cost = x.Cost.Add(at.Cost)
	x.PriceState, x.PriceVersion, x.CostSource = at.PriceState, at.PriceVersion, source
}

// requote looks for the price of the model that answered. What was in force at
// admission holds.
func (x *exchange) requote(at *Attempt, u *usage.Usage) {
	if x.prices == nil {
		return
	}
	at.Quote = x.prices.Quote(x.Started, at.Provider, u.ServedModel, x.ModelServed, at.Model)
	at.notePrice()
}

func (a *Attempt) notePrice() {
	a.PriceState = a.Quote.State()
	if m := a.Quote.Model(); m != nil && a.PriceState != catalog.Unknown {
		a.PriceVersion = m.Version()
	}
}

// amount is what an outcome is charged. What is not reported is never charged more
// than was reserved.
func (x *exchange) amount(source ledger.Source, u *usage.Usage, r *ledger.Reservation) budget.Amount {
	at := x.lastAttempt()
	switch source {
	case ledger.None:
		return budget.Amount{}
	case ledger.Rejected:
		if r != nil {
			return r.Bound()
		}
		*u = x.readAtLeast()
	case ledger.Unknown:
		switch x.snap.UnknownCharge {
		case ChargeNothing:
			return budget.Amount{}
		case ChargeBound:
			if r != nil && x.plan.limited() {
				return r.Bound()
			}
		}
		*u = x.readAtLeast()
	}
	most := budget.Amount{Cost: budget.Max, Tokens: budget.Max}
	if r != nil && source != ledger.Exact {
		most = r.Bound()
		if !x.plan.limited() {
			most = budget.Amount{Cost: budget.Max, Tokens: budget.Max}
		}
	}
	if x.Operation == dialect.CountTokens {
		return budget.Amount{Tokens: min(u.Input()+u.Output(), most.Tokens)}
	}
	return budget.Amount{
		Cost:   min(at.Quote.Cost(u).Total, most.Cost),
		Tokens: min(u.Input()+u.Output(), most.Tokens),
	}
}

// resolve ends the reservation and gives what it was charged.
func (g *Gateway) resolve(x *exchange, r *ledger.Reservation, source ledger.Source, u *usage.Usage, charged budget.Amount) budget.Amount {
	at := x.lastAttempt()
	var resolution budget.Resolution
	switch {
	case source == ledger.None:
		resolution, x.receipt = r.Void()
	case source == ledger.Unknown && x.snap.UnknownCharge == ChargeBound && x.plan.limited():
		resolution, x.receipt = r.Expire()
	default:
		c := ledger.Charge{Amount: charged, Source: source, Price: at.PriceVersion}
		switch {
		case source == ledger.Rejected:
			c.Lines = []ledger.Line{{What: "reported_input", Count: x.Usage.Input()}, {What: "reported_output", Count: x.Usage.Output()}}
		case x.plan.priced && at.PriceState == catalog.Known:
			_, x.items = at.Quote.AppendItems(x.items[:0], u)
			c.Lines = make([]ledger.Line, len(x.items))
			for i := range x.items {
				l := &x.items[i]
				c.Lines[i] = ledger.Line{What: l.Kind.String(), Count: l.Quantity, Unit: l.Price}
			}
		}
		resolution, x.receipt = r.Settle(c)
	}
	return resolution.Charged
}

// recorded waits until the charge has reached the record, so that the end of an
// answer says that it has.
func (x *exchange) recorded() {
	if x.hold.Reservation() != nil {
		x.receipt.Within(recordedWithin) // whatever it says, the charge is counted
	}
}

// readAtLeast is what a provider has certainly read of a request that it was sent.
func (x *exchange) readAtLeast() usage.Usage {
	if !estimable(x.Operation) && x.Operation != dialect.Passthrough {
		u, _ := x.ownFigures()
		x.inTokens(&u, 0)
		return u
	}
	return usage.Usage{Source: usage.Estimated, InputUncached: x.estimateInput()}
}

// ownFigures are those of operations whose consumption stands in the request.
func (x *exchange) ownFigures() (usage.Usage, ledger.Source) {
	u := usage.Usage{}
	switch x.Operation {
	case dialect.Speech:
		u.Characters = x.characters()
	case dialect.Transcriptions:
		u.AudioSeconds = float64(x.BytesIn) / usualSoundRate
	case dialect.Images:
		u.Images = max(1, x.peeked.N)
	case dialect.Rerank:
		s := request.Measure(x.Operation, x.body, &x.peeked)
		u.RerankUnits = (s.Documents + 99) / 100
	default:
		return u, ledger.None
	}
	u.Source = usage.Estimated
	return u, ledger.Estimated
}

// characters counts those that are to be spoken.
func (x *exchange) characters() (n int64) {
	if x.body == nil || x.unread {
		return 0
	}
	prompt, err := request.Texts(x.Operation, x.body)
	if err != nil {
		return 0
	}
	for i := range prompt.Turns {
		n += int64(utf8.RuneCountInString(prompt.Turns[i].Content))
	}
	return n
}

// What sound and pictures come to about, in tokens, at models that are charged for those.
const (
	tokensSpoken = 2  // for a character
	tokensHeard  = 17 // for a second
)

// tokensDrawn are those of a picture by its quality; without one it is the best.
var tokensDrawn = map[string]int64{`"low"`: 408, `"medium"`: 1584}

const tokensDrawnWell = 6240

// inTokens adds the tokens that figures by the piece come to, unless the pieces have a
// price: answers of sound, streams that ended early and the like do not tell.
func (x *exchange) inTokens(u *usage.Usage, delivered int64) {
	q := &x.lastAttempt().Quote
	if u.Input()+u.Output() > 0 || q.State() == catalog.Known && q.Cost(u).Missing == 0 {
		return
	}
	switch x.Operation {
	case dialect.Speech:
		u.InputUncached, u.OutputText = x.estimateInput(), times(tokensSpoken, u.Characters)
		u.OutputAudio = u.OutputText
	case dialect.Transcriptions:
		u.InputUncached, u.OutputText = int64(tokensHeard*u.AudioSeconds)+1, delivered
		u.InputAudio = u.InputUncached
	case dialect.Images:
		each := int64(tokensDrawnWell)
		if v, ok := x.peeked.Value(x.body, "quality"); ok && tokensDrawn[string(v)] > 0 {
			each = tokensDrawn[string(v)]
		}
		u.InputUncached, u.OutputText = x.estimateInput(), times(u.Images, each)
		u.OutputImage = u.OutputText
	case dialect.Rerank:
		u.InputUncached = x.estimateInput()
	}
}

// perTurn is what the frame of a message costs, perMedium about what a part does
// that is no text, in tokens.
const (
	perTurn   = 4
	perMedium = 1500
)

// estimateInput estimates the input tokens of the request from its text, with the
// tools and formats that it defines: never from the bytes of a prompt, most of which an
// image in it would be.
func (x *exchange) estimateInput() int64 {
	if x.body == nil || x.unread {
		return 0
	}
	prompt, err := request.Texts(x.Operation, x.body)
	if err != nil {
		return 0
	}
	n := prompt.Tokens + perMedium*x.plan.survey.Media + request.EstimateBeside(x.Operation, x.body, &x.peeked)
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

// giveBack settles what was reserved for a request that no provider answered:
// nothing is charged unless one may have worked for it.
func (g *Gateway) giveBack(ctx context.Context, x *exchange) {
	if len(x.Attempts) > 0 {
		g.concludeFailed(ctx, x, nil)
	}
	for i := range x.Attempts {
		at := &x.Attempts[i]
		if at.Err != nil && provider.StageOf(at.Err) >= provider.Await {
			return
		}
	}
	x.hold.Settle(quota.Spent{})
}

// cutBy tells why the gateway itself ended the request, nil if it did not: its key
// is no longer good.
func cutBy(ctx context.Context) *fault.Error {
	if ctx.Err() == nil {
		return nil
	}
	e, _ := errors.AsType[*fault.Error](context.Cause(ctx))
	return e
}
