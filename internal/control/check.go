package control

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"tollgate/api/admin"
	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// trial is a request that is only thought of.
type trial struct {
	control *Control
	in      *admin.Check
	key     *vkey.Key
	limits  []*budget.Limit // all that apply to the key
	names   map[string]string
	target  Target
	quote   catalog.Quote
	bound   budget.Amount
}

// Check tells what would become of a request, in the order in which the gateway asks:
// the key, the model, the operation, the address, the price, the limits. It spends
// nothing and is no promise: another request may come first.
func (c *Control) Check(ctx context.Context, _ Call, in admin.Check) (*admin.Checked, error) {
	t := trial{control: c, in: &in, names: map[string]string{}}
	if err := t.inputs(); err != nil {
		return nil, err
	}
	err := c.parts.Store.View(ctx, func(tx store.Tx) (err error) {
		if t.key, err = keyOf(tx, in.Key); err != nil {
			return err
		}
		shared, err := tx.Limits().List()
		if err != nil {
			return err
		}
		var limits []*budget.Limit
		for _, s := range shared {
			limits, t.names[s.Limit.ID] = append(limits, &s.Limit), s.Name
		}
		t.limits = budget.Applying(t.key.Limits, limits, t.key.Labels)
		return nil
	})
	if err != nil {
		return nil, asError(err)
	}
	out := t.entitled()
	if out == nil {
		out = t.affordable()
	}
	return out, nil
}

func (t *trial) inputs() error {
	var p problems
	if t.in.Key == "" {
		p.add("key", "is missing: the id or the name of a key")
	}
	if t.in.Model == "" {
		p.add("model", "is missing")
	}
	if t.in.Operation == "" {
		t.in.Operation = dialect.Chat.String()
	}
	p.operations("operation", []string{t.in.Operation})
	for i := range p {
		if p[i].Path == "operation[0]" {
			p[i].Path = "operation"
		}
	}
	if t.in.Address != "" {
		if _, err := netip.ParseAddr(t.in.Address); err != nil {
			p.add("address", "%s is no address", shown(t.in.Address))
		}
	}
	if n := t.in.InputTokens; n < 0 || n > budget.Max {
		p.add("input_tokens", "is out of range")
	}
	if n := t.in.MaxTokens; n < 0 || n > budget.Max {
		p.add("max_tokens", "is out of range")
	}
	return p.err()
}

func refusal(status int, code, format string, args ...any) *admin.Checked {
	return &admin.Checked{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// entitled asks all but the limits; nil if nothing is against the request.
func (t *trial) entitled() *admin.Checked {
	now, k := t.control.parts.Now(), t.key
	switch state := status(k, now); state {
	case "disabled", "revoked", "expired":
		return refusal(401, "key_"+state, "the key is %s", state)
	}
	if !slices.ContainsFunc(k.Secrets, func(s vkey.Secret) bool { return s.NotAfter.IsZero() || now.Before(s.NotAfter) }) {
		return refusal(401, "key_expired", "all secrets of the key have ended: rotate it")
	}
	scope, err := access.ParseScope(k.Models.Allow, k.Models.Deny)
	if err != nil || !scope.Allow(t.in.Model) {
		return refusal(403, "model_not_allowed", "the key may not use the model %s", shown(t.in.Model))
	}
	targets := route(t.control.parts.Live.Models(), t.in.Model)
	if len(targets) == 0 {
		return refusal(404, "model_not_found", "no model of the configuration is called %s", shown(t.in.Model))
	}
	at := slices.IndexFunc(targets, func(to Target) bool {
		return (to.As == "" || scope.Allow(to.As)) && !scope.Deny(cmp.Or(to.Model, t.in.Model))
	})
	if at < 0 {
		to := targets[0]
		return refusal(403, "model_not_allowed", "the key may not use the model %s, which %s stands for", shown(cmp.Or(to.As, to.Model)), shown(t.in.Model))
	}
	t.target = targets[at]
	t.target.Model = cmp.Or(t.target.Model, t.in.Model)
	if k.Operations != nil && !slices.Contains(k.Operations, t.in.Operation) {
		return refusal(403, "operation_not_allowed", "the key may not be used for %s", t.in.Operation)
	}
	if t.in.Address != "" && !fromNetwork(k.Networks, t.in.Address) {
		return refusal(403, "address_not_allowed", "the key may not be used from %s", t.in.Address)
	}
	return nil
}

// route finds what a model name comes to: the model of this name, or else the most
// specific pattern; nil if there is none.
func route(models []Model, name string) []Target {
	var best *Model
	var shape access.Pattern
	for i := range models {
		p, err := access.ParsePattern(models[i].Name)
		if err != nil || len(models[i].Targets) == 0 || !p.Match(name) {
			continue
		}
		if best == nil || p.Exact() && !shape.Exact() || p.Exact() == shape.Exact() && p.Compare(shape) < 0 {
			best, shape = &models[i], p
		}
	}
	if best == nil {
		return nil
	}
	return best.Targets
}

func fromNetwork(networks []netip.Prefix, address string) bool {
	if networks == nil {
		return true
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// These are the gateway's figures for outputs that no request bounds, in tokens.
const (
	leastOutput   = 64    // less is not worth a request
	assumedOutput = 16384 // of a model of unknown length
)

// ordinaryService is how a request is served that asks for no service tier.
const ordinaryService = "default"

// affordable asks the limits.
func (t *trial) affordable() *admin.Checked {
	c := t.control
	// The name asked for says nothing of the price: it may stand for any model.
	t.quote = c.parts.Catalog().Quote(c.parts.Now(), t.target.Provider, t.target.Model)
	unpriced := t.measure()
	out := &admin.Checked{
		Allowed: true, Price: t.quote.State().String(),
		Bound: &admin.Bound{CostUSD: inUnit(budget.Cost, int64(t.bound.Cost)), Tokens: t.bound.Tokens},
	}
	if unpriced && out.Price == catalog.Known.String() {
		out.Price = catalog.Unknown.String() // of some part of the request
	}
	var first *budget.Limit
	for _, l := range t.limits {
		if !l.Covers(t.in.Model, t.target.Model) {
			continue
		}
		out.Limits = append(out.Limits, t.shown(l))
		if first == nil && t.refuses(l, unpriced) {
			first = l
		}
	}
	if first != nil {
		limit := t.shown(first)
		out.Allowed, out.Limit = false, &limit
		out.Status, out.Code, out.Message = t.reason(first, unpriced)
	}
	return out
}

// measure finds the most that the request can come to, as the gateway does for text of
// that length, and tells whether part of it has no price. An output that nobody bounds is
// that of the model if it fits, else what can be paid; one that is bounded is lowered
// only for keys that want that.
func (t *trial) measure() (unpriced bool) {
	most := int64(0)
	if m := t.quote.Model(); m != nil {
		most = m.MaxOutput
	}
	asked, given := t.in.MaxTokens, t.in.MaxTokens > 0
	switch {
	case !boundable(t.in.Operation) || given:
	case t.key.MaxTokens > 0:
		asked = t.key.MaxTokens
	case most > 0:
		asked = most
	default:
		asked = assumedOutput
	}
	if most > 0 {
		asked = min(asked, most)
	}
	unpriced = t.measured(asked)
	room := t.control.parts.Books.Room(&budget.Ask{Subject: t.key.ID, Limits: t.limits, Asked: t.in.Model, Model: t.target.Model})
	if t.bound.Cost <= room.Cost && t.bound.Tokens <= room.Tokens || given && !t.key.Clamp || !boundable(t.in.Operation) {
		return unpriced
	}
	fits := room.Tokens - t.in.InputTokens
	if !unpriced {
		c := ceiling(t.in.InputTokens, 0)
		fits = min(fits, t.quote.Affordable(&c, room.Cost))
	}
	if fits >= leastOutput && fits < asked {
		return t.measured(fits)
	}
	return unpriced
}

// measured sets the bound for an output.
func (t *trial) measured(output int64) (unpriced bool) {
	c := ceiling(t.in.InputTokens, output)
	t.bound = budget.Amount{Tokens: min(c.Input+c.Output, budget.Max)}
	if t.in.Operation == dialect.CountTokens.String() {
		return false // nobody charges for counting
	}
	cost, missing := t.quote.Bound(&c)
	t.bound.Cost = min(cost, budget.Max)
	return missing != 0 || t.quote.State() == catalog.Unknown
}

func ceiling(input, output int64) catalog.Ceiling {
	return catalog.Ceiling{Input: input, Output: output, Service: ordinaryService, TextOnly: true, NoCacheWrite: true, NoHourWrite: true}
}

// boundable tells the operations whose output a request can bound.
func boundable(operation string) bool {
	switch operation {
	case dialect.Chat.String(), dialect.Completions.String(), dialect.Responses.String(), dialect.Messages.String():
		return true
	default:
		return false
	}
}

// asks is what the request asks of a limit.
func (t *trial) asks(l *budget.Limit) int64 {
	switch l.Kind {
	case budget.Cost:
		return int64(t.bound.Cost)
	case budget.Tokens:
		return t.bound.Tokens
	default:
		return 1
	}
}

func (t *trial) refuses(l *budget.Limit, unpriced bool) bool {
	return l.Kind == budget.Cost && unpriced || t.asks(l) > t.control.parts.Books.State(l, t.key.ID).Left()
}

// reason says why a limit refuses, as the caller would be told.
func (t *trial) reason(l *budget.Limit, unpriced bool) (status int, code, message string) {
	state := t.control.parts.Books.State(l, t.key.ID)
	limit, kind := fmt.Sprintf("the limit %s of %s", l.ID, allowance(l)), l.Kind.String()
	asks, sized := figure(kind, t.asks(l)), l.Kind == budget.Cost || l.Kind == budget.Tokens
	switch {
	case l.Kind == budget.Cost && unpriced:
		return 403, "model_unpriced", fmt.Sprintf("there is no price for %s at %s, so %s cannot admit it", t.target.Model, t.target.Provider, limit)
	case t.asks(l) > l.Amount && !sized:
		return 429, "budget_exceeded", limit + " admits nothing"
	case t.asks(l) > l.Amount:
		return 429, "budget_exceeded", fmt.Sprintf("%s never admits a request that may come to %s", limit, asks)
	case sized && state.Settled+t.asks(l) <= l.Amount:
		return 429, "budget_reserved", fmt.Sprintf("%s has room for %s only once requests under way have ended", limit, asks)
	case !sized || l.Window.Shape() == budget.Sliding:
		return 429, "rate_limit_exceeded", fmt.Sprintf("%s has no room at the moment", limit)
	default:
		return 429, "budget_exceeded", fmt.Sprintf("%s has %s left, and the request may come to %s", limit, figure(kind, max(0, state.Left())), asks)
	}
}

// allowance says what a limit allows, for people: "18,000,000 tokens a month".
func allowance(l *budget.Limit) string {
	text := figure(l.Kind.String(), l.Amount)
	if l.Kind == budget.Concurrency {
		return text
	}
	switch l.Window.Shape() {
	case budget.Life:
		return text + " for life"
	case budget.Sliding:
		return text + " in any " + budget.FormatLength(l.Window.Length())
	case budget.Fixed:
		return text + " every " + budget.FormatLength(l.Window.Length())
	}
	period, _, _ := l.Window.Calendar()
	if period == budget.Hour {
		return text + " an hour"
	}
	return text + " a " + period.String()
}

// shown is a limit with its standing for the key.
func (t *trial) shown(l *budget.Limit) admin.Limit {
	form := limitForm(l)
	if name, ok := t.names[l.ID]; ok {
		form = sharedForm(name, l)
	}
	form.Standing = t.control.standing(l, t.key.ID)
	return form
}
