package gateway

import (
	"slices"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
)

// A request can name models beside its own one, on which the provider falls back by
// itself (OpenRouter). Which of them answers nobody knows before: the caller needs the
// right to each of them, and what is set aside must do for the dearest.

// checkAlternatives refuses what names a model that the caller may not ask for.
func (x *exchange) checkAlternatives() error {
	if x.body == nil || x.unread || !boundable(x.Operation) && x.Operation != dialect.Passthrough {
		return nil
	}
	names, err := request.Alternatives(x.Operation, x.body, &x.peeked)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !x.Caller.MayUse(name) || !x.Caller.MayReach(name) {
			return x.notAllowed(name, false)
		}
		if m := x.route.Models; m != nil && !m.serves(x, name) {
			return modelNotFound(name)
		}
		for i := range x.order {
			if err := x.checkLimitsOf(name, x.order[i].model(x.modelWanted())); err != nil {
				return err
			}
		}
	}
	return nil
}

// serves tells whether a caller could ask for a model by its own name, and the provider
// would then be asked for it by the same.
func (m *Models) serves(x *exchange, name string) bool {
	return m.Virtual[name] == nil && slices.ContainsFunc(m.Entries, func(e *Model) bool {
		return !e.Internal && e.Pattern.Match(name) && e.applies(x) && e.permits(x) && (e.Target.Model == "" || e.Target.Model == name)
	})
}

// checkLimitsOf refuses an alternative that other limits of the key apply to: an attempt
// is counted by one model.
func (x *exchange) checkLimitsOf(name, model string) error {
	if x.entry == nil {
		return nil
	}
	for _, l := range x.entry.Limits {
		if l.Covers(x.ModelAsked, model) != l.Covers(name, name) {
			return &fault.Error{Kind: fault.Forbidden, Code: "model_not_allowed", Retry: fault.RetryNo, Reason: "Authorization", Param: "models",
				Message: "This virtual key has limits that apply to some of these models and not to others. Ask for one model at a time."}
		}
	}
	return nil
}

// widen makes the plan do for every model that the request names: by the largest figures
// of any, at the prices of the dearest.
func (x *exchange) widen(c Choice, p *plan) {
	names, _ := request.Alternatives(p.operation, p.body, p.peeked) // what is wrong with them was said before
	if len(names) == 0 || x.prices == nil || !boundable(x.Operation) {
		return
	}
	quotes := []catalog.Quote{p.quote}
	for _, name := range names {
		other := *p
		other.quote, other.most, other.write = x.prices.Quote(x.Started, c.Provider, name), 0, 0
		if other.each = p.given; other.given == 0 && x.entry.MaxTokens > 0 {
			other.each, other.write = p.each, p.write
		}
		if m := other.quote.Model(); m != nil && !x.widened("output-") {
			other.most = m.MaxOutput
		}
		x.measure(&other)
		if p.most = max(p.most, other.most); other.most == 0 {
			p.most = 0
		}
		wanted := max(p.each, other.each)
		if p.write > 0 || other.write > 0 {
			p.write = wanted
		}
		p.ceiling.Input, p.ceiling.ToolCalls = max(p.ceiling.Input, other.ceiling.Input), max(p.ceiling.ToolCalls, other.ceiling.ToolCalls)
		p.ceiling.TextOnly = p.ceiling.TextOnly && other.ceiling.TextOnly
		p.writeUses = p.writeUses || other.writeUses
		p.setEach(wanted)
		quotes = append(quotes, other.quote)
	}
	p.quote = dearest(quotes, &p.ceiling)
}

// dearest gives the price by which a request can come to the most. One that is not known
// can be any.
func dearest(quotes []catalog.Quote, c *catalog.Ceiling) catalog.Quote {
	worst, most := 0, int64(-1)
	for i := range quotes {
		cost, missing := quotes[i].Bound(c)
		if missing != 0 || quotes[i].State() == catalog.Unknown {
			return quotes[i]
		}
		if int64(cost) > most {
			worst, most = i, int64(cost)
		}
	}
	return quotes[worst]
}
