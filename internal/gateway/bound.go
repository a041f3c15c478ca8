package gateway

import (
	"cmp"
	"strings"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/tokens"
	"tollgate/internal/usage"
)

// What a request can come to where nothing better is known, in tokens.
const (
	perMessage     = 16      // that frame a message
	perRequest     = 64      // that frame a prompt
	perTools       = 1000    // with which a provider explains tools to its model
	assumedWindow  = 1 << 20 // of a model that no price list knows the window of
	assumedOutput  = 16384   // written into a request for a model of unknown length
	leastOutput    = 64      // an answer shorter than that is of no use
	mostPictures   = 10      // that providers make for one request
	perSpoken      = 8       // for a character that is spoken, at the slowest
	maxFigure      = usage.MaxFigure
	leastSoundRate = 500  // bytes of a second of sound, at the worst quality
	usualSoundRate = 4000 // the same as it mostly is
)

// plan is how an attempt is asked for: at most how much, and at which price. The
// limits hold because the provider is held to what is planned: what bounds the
// output stands in the request.
type plan struct {
	quote   catalog.Quote
	priced  bool // a limit on cost applies
	counted bool // a limit on tokens applies

	operation dialect.Operation // that the target is asked for
	body      []byte            // as it will be sent, but for what the plan writes into it
	peeked    *request.Peeked
	survey    request.Survey
	ceiling   catalog.Ceiling

	most    int64 // that the model can write, 0: unknown
	given   int64 // the bound of one output that the request has, 0: none
	assumed int64 // the one that its translation gives a request without one, 0: none
	each    int64 // the planned one

	write     int64 // the bound of one output to be written into the request; 0: none
	writeUses bool  // bound the tools that the provider runs
}

// limited tells whether it matters how large the attempt is.
func (p *plan) limited() bool { return p.priced || p.counted }

// boundable tells the operations whose output a request can bound.
func boundable(op dialect.Operation) bool {
	switch op {
	case dialect.Chat, dialect.Completions, dialect.Responses, dialect.Messages:
		return true
	default:
		return false
	}
}

// quoteFor gives the price of the model that a target is asked for. The name that the
// caller used says nothing of it: it may stand for any other.
func (x *exchange) quoteFor(c Choice) catalog.Quote {
	if x.prices == nil {
		return catalog.Quote{}
	}
	return x.prices.Quote(x.Started, c.Provider, c.model(x.modelWanted()))
}

// plan makes the plan of an attempt at a target: the cheap one, which bounds the
// input by its bytes.
func (x *exchange) makePlan(c Choice) {
	p := &x.plan
	if *p = (plan{}); x.plain() {
		return
	}
	p.quote = x.quoteFor(c)
	e := x.entry
	if e == nil {
		return
	}
	for _, l := range e.Limits {
		switch {
		case l.Kind != budget.Cost && l.Kind != budget.Tokens, !l.Covers(x.ModelAsked, c.model(x.modelWanted())):
		case l.Kind == budget.Cost:
			p.priced = true
		default:
			p.counted = true
		}
	}
	if !p.limited() && e.MaxTokens == 0 {
		return
	}
	x.bodyToSend(c, p)
	if m := p.quote.Model(); m != nil && !x.widened("output-") {
		p.most = m.MaxOutput
	}
	if boundable(x.Operation) {
		p.given, p.each = p.peeked.MaxTokens, p.peeked.MaxTokens
		if bound := cmp.Or(e.MaxTokens, p.assumed); p.each == 0 && bound > 0 {
			p.each = lower(bound, p.most)
			p.write = p.each
		}
	}
	if p.limited() {
		p.survey = request.Measure(p.operation, p.body, p.peeked)
		x.measure(p)
		x.widen(c, p)
	}
}

// lower gives the smaller of two bounds, of which one may be unknown.
func lower(n, bound int64) int64 {
	if bound > 0 && bound < n {
		return bound
	}
	return n
}

// bodyToSend finds out what will be sent: where the configuration changes members
// that decide the size, the changed body counts.
func (x *exchange) bodyToSend(c Choice, p *plan) {
	p.operation, p.body, p.peeked = x.Operation, x.body, &x.peeked
	if x.translates(c) {
		x.planTranslated(c, p)
		return
	}
	ai := x.route.AI
	if x.body == nil || x.unread || !c.Body.changes() && (ai == nil || !ai.Body.changes() && len(ai.Prepend)+len(ai.Append) == 0) {
		return
	}
	body := x.edited(c)
	if peeked := new(request.Peeked); request.Peek(x.Operation, body, peeked) == nil {
		p.body, p.peeked = append([]byte(nil), body...), peeked
	}
}

func (p *BodyPolicy) changes() bool { return len(p.Overrides)+len(p.Defaults) > 0 }

// ordinaryService is how a request is served that asks for no service tier. A
// provider's account can be set to another one; what that costs above the bound is
// told as overrun.
const ordinaryService = "default"

// measure fills the ceiling of the plan.
func (x *exchange) measure(p *plan) {
	s, c := &p.survey, &p.ceiling
	*c = catalog.Ceiling{Service: cmp.Or(s.Service, ordinaryService), Speed: s.Speed, Geo: s.Geo, NoCacheWrite: !s.CacheWrite, NoHourWrite: !s.HourWrite}
	window := int64(0)
	if m := p.quote.Model(); m != nil {
		window = m.ContextWindow
		c.TextOnly = estimable(x.Operation) && !s.Speaks && s.Media == 0 && !s.Stored && !strings.Contains(m.ID, "image")
	}
	if window > 0 && x.widened("context-") {
		window = max(window, assumedWindow)
	}
	length := max(int64(len(p.body)), x.BytesIn)
	switch x.Operation {
	case dialect.CountTokens:
	case dialect.Chat, dialect.Completions, dialect.Responses, dialect.Messages:
		p.measureConversation(p.operation, length, window)
	case dialect.Embeddings, dialect.Moderations:
		c.Input, c.Characters = length, length
	case dialect.Rerank:
		c.Input = times(length, max(1, s.Documents)) // a query may be read with each document
		c.RerankUnits = 1 + (s.Documents+length/500)/100
	case dialect.Speech:
		c.Input, c.Characters = length, length
		c.Output = lower(perSpoken*length+assumedOutput, p.most)
	case dialect.Images:
		c.Input = length
		if x.spooled != nil { // how many are wanted stands in a field that is not read
			s.Answers, c.Input = mostPictures, orAssumed(window)
		}
		c.Pictures = s.Answers
		c.Output = times(s.Answers, lower(assumedOutput, p.most))
	case dialect.Transcriptions:
		c.Seconds = length/leastSoundRate + 1
		c.Input, c.Output = orAssumed(window), lower(orAssumed(window), p.most)
	default:
		c.Input, c.Output = orAssumed(window), lower(orAssumed(window), p.most)
	}
}

// widened tells that the caller asks Anthropic for a beta whose name begins like this,
// of those that let a model read or write more than the price list says.
func (x *exchange) widened(beta string) bool {
	for _, line := range x.req.Header["Anthropic-Beta"] {
		for name := range strings.SplitSeq(line, ",") {
			if strings.HasPrefix(strings.TrimSpace(name), beta) {
				return true
			}
		}
	}
	return false
}

func orAssumed(window int64) int64 {
	if window > 0 {
		return window
	}
	return assumedWindow
}

func (p *plan) measureConversation(op dialect.Operation, length, window int64) {
	s, c := &p.survey, &p.ceiling
	in := length + perMessage*int64(p.peeked.Messages) + perRequest
	if p.peeked.Tools > 0 || s.Hosted {
		in += perTools
	}
	switch {
	case s.Hosted:
		in = times(orAssumed(window), s.Uses+1)
		c.ToolCalls = times(s.Uses, s.Answers)
		p.writeUses = op == dialect.Responses && !s.Bounded
	case s.Media > 0 || s.Stored:
		in = times(orAssumed(window), s.Prompts)
	default:
		in = lower(in, times(window, s.Prompts))
	}
	if s.Compacts {
		in = times(in, 2)
	}
	c.Input = in
	switch {
	case p.each > 0:
	case p.most > 0:
		if p.each = p.most; p.peeked.Unbounded {
			p.write = p.each
		}
	default:
		p.each, p.write = assumedOutput, assumedOutput
	}
	p.setEach(lower(p.each, p.most))
}

// setEach bounds each output.
func (p *plan) setEach(n int64) {
	p.each = n
	p.ceiling.Output = min(times(p.survey.Answers, n)+p.survey.Predicted, maxFigure)
}

// times multiplies figures, at most to the largest one.
func times(a, b int64) int64 {
	if a > 0 && b > maxFigure/a {
		return maxFigure
	}
	return a * b
}

// bound gives the most that the plan allows, and whether its cost is not known.
func (p *plan) bound(op dialect.Operation) (most budget.Amount, unpriced bool) {
	c := &p.ceiling
	most.Tokens = min(c.Input+c.Output, maxFigure)
	if op == dialect.CountTokens {
		return most, false // nobody charges for counting
	}
	cost, missing := p.quote.Bound(c)
	if missing != 0 && !boundable(op) {
		// What is priced by the piece has no price for tokens.
		pieces := *c
		if missing.Has(catalog.Input) {
			pieces.Input = 0
		}
		if missing.Has(catalog.Output) {
			pieces.Output = 0
		}
		if pieces.Input+pieces.Output+pieces.Characters+pieces.Pictures+pieces.Seconds+pieces.RerankUnits > 0 {
			cost, missing = p.quote.Bound(&pieces)
		}
	}
	most.Cost = min(cost, budget.Max)
	unpriced = missing != 0 || p.quote.State() == catalog.Unknown || op == dialect.Passthrough && p.quote.State() != catalog.Free
	return most, unpriced
}

// refine counts the input with a tokenizer, where that can tell more than its
// length. It reports whether the plan became smaller.
func (x *exchange) refine(c Choice) bool {
	p := &x.plan
	s := &p.survey
	if p.body == nil || x.unread || s.Media > 0 || s.Stored || s.Hosted || s.Compacts || !estimable(x.Operation) {
		return false
	}
	prompt, err := request.Texts(p.operation, p.body)
	if err != nil {
		return false
	}
	model := c.model(x.modelWanted())
	n := prompt.Tokens
	for i := range prompt.Turns {
		turn := &prompt.Turns[i]
		if len(turn.Content) > tokens.MaxCounted {
			return false // it would be estimated, which may be too low
		}
		n += tokens.Count(model, turn.Role) + tokens.Count(model, turn.Content)
	}
	switch catalog.Provider(c.Provider) {
	case "openai", "azure":
	default:
		n += n / 2 // other vocabularies make more of a text, if not that many more
	}
	n += request.Beside(p.operation, p.body, p.peeked) + perMessage*int64(len(prompt.Turns)) + perRequest
	if p.peeked.Tools > 0 {
		n += perTools
	}
	if n >= p.ceiling.Input {
		return false
	}
	p.ceiling.Input = n
	return true
}

// affordable is the largest bound of one output that there is room for.
func (p *plan) affordable(room budget.Amount) int64 {
	all := int64(maxFigure)
	if p.priced {
		all = min(all, p.quote.Affordable(&p.ceiling, room.Cost))
	}
	if p.counted {
		all = min(all, room.Tokens-p.ceiling.Input)
	}
	return lower(max(0, all-p.survey.Predicted)/max(1, p.survey.Answers), p.most)
}

// outputMember is the member in which a request of an operation bounds its output.
func (x *exchange) outputMember(c Choice) string {
	switch {
	case x.Operation == dialect.Responses:
		return "max_output_tokens"
	case x.Operation != dialect.Chat:
		return "max_tokens"
	default:
		return cmp.Or(c.Body.OutputBound, x.peeked.MaxTokensMember, "max_tokens")
	}
}
