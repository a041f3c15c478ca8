package gateway

import (
	"cmp"
	"strconv"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
)

// The headers that tell a caller what a request came to and what bounds it.
const (
	headerCost      = "X-Tollgate-Cost"
	headerMaxTokens = "X-Tollgate-Max-Tokens"
	headerRotate    = "X-Tollgate-Rotate-Before"
)

// tell sets a header line of the answer. All lines are pieces of one list, as far as it
// reaches: an answer has a dozen of them.
func (x *exchange) tell(canonical, value string) {
	if len(x.lines) == cap(x.lines) {
		x.lines = make([]string, 0, mostLines)
	}
	n := len(x.lines)
	x.lines = append(x.lines, value)
	x.out.Header()[canonical] = x.lines[n : n+1 : n+1]
}

// mostLines is how many lines an answer seldom has more of, those of limits aside.
const mostLines = 8

// tellPlan tells the bound of the output that was written into the request.
func (x *exchange) tellPlan() {
	h := x.out.Header()
	delete(h, headerMaxTokens)
	if n := x.plan.write; n > 0 {
		x.tell(headerMaxTokens, strconv.FormatInt(n, 10))
	}
}

// trailers are those that are announced, shared by all answers.
var trailers = []string{headerCost}

// discreet tells that the caller is told no amounts.
func (x *exchange) discreet() bool { return x.entry != nil && x.entry.Discreet }

// tellCost tells what the exchange came to, in a header or behind the body.
func (x *exchange) tellCost() {
	if x.PriceState == catalog.Unknown || x.discreet() {
		return
	}
	cost := x.Cost.String()
	if x.started {
		x.out.Trailer(headerCost, cost)
		return
	}
	x.tell(headerCost, cost)
}

// tellLimits tells a caller how much is left of the limits that apply: of the route's
// tightest in agentgateway's headers, of the tightest of each kind in OpenAI's, and in
// those of the IETF draft of the route's tightest and of all of the key's own.
func (x *exchange) tellLimits() {
	var t tightest
	t.route, t.ofRoute = x.hold.Tightest()
	reservation := x.hold.Reservation()
	if reservation == nil && !t.ofRoute || reservation != nil && x.entry.Discreet {
		return
	}
	if t.ofRoute {
		t.first, t.leads = t.route, true
		t.requests, t.ofRequests = x.hold.TightestOf(ratelimit.Requests)
		t.tokens, t.ofTokens = x.hold.TightestOf(ratelimit.Tokens)
	}
	var few [8]budget.Standing
	standings, at := few[:0], budget.Instant{}
	if reservation != nil {
		standings, at = reservation.Standings(standings), reservation.At()
	}
	t.tell(x, standings, at)
}

// tightest are limits of which there is least left.
type tightest struct {
	first                         quota.Left  // is told of before those of the key
	kind                          budget.Kind // of the first one
	leads                         bool        // there is a first one
	route, requests, tokens       quota.Left
	ofRoute, ofRequests, ofTokens bool // whether there is one
}

// tell tells of them and of the limits of the key.
func (t *tightest) tell(x *exchange, standings []budget.Standing, now budget.Instant) {
	lines := &x.limits
	lines.text, lines.n = lines.text[:0], 0
	lines.begin("Ratelimit-Policy")
	if t.leads {
		lines.item(&t.first)
		lines.policy(&t.first, t.kind)
	}
	var few [8]quota.Left
	all := few[:0]
	for i := range standings {
		all = append(all, standing(&standings[i], now))
		lines.item(&all[i])
		lines.policy(&all[i], standings[i].Limit.Kind)
	}
	lines.end()
	lines.begin("Ratelimit")
	if t.leads {
		lines.item(&t.first)
		lines.state(&t.first)
	}
	for i := range all {
		lines.item(&all[i])
		lines.state(&all[i])
		switch standings[i].Limit.Kind {
		case budget.Requests:
			t.requests, t.ofRequests = tighter(t.requests, t.ofRequests, all[i]), true
		case budget.Tokens:
			t.tokens, t.ofTokens = tighter(t.tokens, t.ofTokens, all[i]), true
		}
	}
	lines.end()
	if t.ofRoute {
		lines.limit(ofTheRoute, &t.route)
	}
	if t.ofRequests {
		lines.limit(ofTheRequests, &t.requests)
	}
	if t.ofTokens {
		lines.limit(ofTheTokens, &t.tokens)
	}
}

// tellStandings tells, in an answer for which nothing was reserved, how the limits of the
// key stand, and before them that which refused, if one did.
func (g *Gateway) tellStandings(x *exchange, refused *fault.Limit) {
	var t tightest
	if refused != nil && !refused.Discreet && refused.Reason != fault.Unpriced {
		t.refused(refused, g.now())
	}
	var few [8]budget.Standing
	standings, now := few[:0], budget.Instant{Wall: g.now().UnixNano()}
	if x.entry != nil && !x.entry.Discreet {
		for _, l := range x.entry.Limits {
			if t.leads && t.first.ID == l.ID || x.ModelAsked != "" && !l.Covers(x.ModelAsked, cmp.Or(x.resolvedModel, x.ModelAsked)) {
				continue
			}
			if state, kept := g.quota.State(l, x.Caller.KeyID); kept {
				standings = append(standings, budget.Standing{Limit: l, Span: state.Span, Left: state.Left()})
			}
		}
	}
	if t.leads || len(standings) > 0 {
		t.tell(x, standings, now)
	}
}

// refused begins with the limit that refused a request.
func (t *tightest) refused(l *fault.Limit, now time.Time) {
	left := quota.Left{ID: l.ID, Limit: l.Max, Remaining: max(l.Remaining, 0), Reset: l.ResetsIn, Window: l.Interval}
	if left.Reset == 0 && !l.ResetsAt.IsZero() { // waiting does not help, and still there is a next window
		left.Reset = l.ResetsAt.Sub(now)
	}
	t.first, t.leads, t.kind = left, true, budget.Requests
	if l.Reason == "" {
		t.route, t.ofRoute = left, true
	}
	switch l.Kind {
	case budget.Requests.String():
		t.requests, t.ofRequests = left, true
	case budget.Tokens.String():
		t.tokens, t.ofTokens = left, true
		if l.Reason != "" { // those of a route have their tokens in their name
			t.kind = budget.Tokens
		}
	case budget.Cost.String():
		t.kind = budget.Cost
	case budget.Concurrency.String():
		t.kind = budget.Concurrency
	}
}

// What the x-ratelimit headers are about.
const (
	ofTheRoute = iota
	ofTheRequests
	ofTheTokens
)

var limitNames = [...][3]string{
	ofTheRoute:    {"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"},
	ofTheRequests: {"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"},
	ofTheTokens:   {"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"},
}

// headerLines gathers header lines as pieces of one text: they are in every answer of a
// key with limits.
type headerLines struct {
	text []byte // the lines as they are sent, each with its end
	from int    // where the value of the line under way begins
	n    int    // lines
	at   [12]headerLine
}

// headerLine is a line whose value is a piece of a text.
type headerLine struct {
	name      string
	from, end int
}

// item begins one more item of a list.
func (l *headerLines) item(of *quota.Left) {
	if l.from < len(l.text) {
		l.text = append(l.text, ", "...)
	}
	if isPlain(of.ID) {
		l.text = append(append(append(l.text, '"'), of.ID...), '"')
	} else {
		l.text = strconv.AppendQuote(l.text, of.ID)
	}
}

// isPlain tells a text that needs no more than quotation marks, as ids do.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// begin begins a line.
func (l *headerLines) begin(name string) {
	l.text = append(append(l.text, name...), ": "...)
	l.from = len(l.text)
	l.at[l.n].name, l.at[l.n].from = name, l.from
}

// end ends it; a line without a value has no place.
func (l *headerLines) end() {
	at := &l.at[l.n]
	if l.from == len(l.text) {
		l.text = l.text[:l.from-len(at.name)-len(": ")]
		return
	}
	at.end = len(l.text)
	l.text = append(l.text, "\r\n"...)
	l.n++
}

func (l *headerLines) parameter(name string, n int64) {
	l.text = append(l.text, name...)
	l.text = strconv.AppendInt(l.text, n, 10)
}

// policy describes a limit as the IETF draft has it; what is counted is said where it
// is not requests.
func (l *headerLines) policy(of *quota.Left, kind budget.Kind) {
	l.parameter(";q=", of.Limit)
	switch kind {
	case budget.Cost:
		l.text = append(l.text, `;qu="nano-usd"`...)
	case budget.Tokens:
		l.text = append(l.text, `;qu="tokens"`...)
	case budget.Concurrency:
		l.text = append(l.text, `;qu="concurrent-requests"`...)
	}
	if of.Window > 0 {
		l.parameter(";w=", seconds(of.Window))
	}
}

func (l *headerLines) state(of *quota.Left) {
	l.parameter(";r=", of.Remaining)
	if of.Reset > 0 {
		l.parameter(";t=", seconds(of.Reset))
	}
}

// limit adds the three lines about one kind.
func (l *headerLines) limit(kind int, of *quota.Left) {
	for i, n := range [...]int64{of.Limit, of.Remaining, seconds(of.Reset)} {
		l.begin(limitNames[kind][i])
		l.parameter("", n)
		l.end()
	}
}

// set puts the lines into a header.
func (l *headerLines) set(h Header) {
	if l.n == 0 {
		return
	}
	text, values := string(l.text), make([]string, l.n)
	for i := range l.n {
		at := &l.at[i]
		values[i] = text[at.from:at.end]
		h[at.name] = values[i : i+1 : i+1]
	}
}

func tighter(a quota.Left, known bool, b quota.Left) quota.Left {
	if known && a.Remaining <= b.Remaining {
		return a
	}
	return b
}

// standing says how a limit of the key stood once the request was admitted.
func standing(s *budget.Standing, now budget.Instant) quota.Left {
	l := quota.Left{ID: s.Limit.ID, Limit: s.Limit.Amount, Remaining: max(0, s.Left), Window: s.Limit.Window.Length()}
	if s.Limit.Window.Shape() == budget.Sliding {
		l.Reset = l.Window
	} else if end, ends := s.Span.Ends(); ends {
		l.Reset = end.Sub(now.Time())
		if l.Window == 0 {
			l.Window = time.Duration(s.Span.End - s.Span.Start)
		}
	}
	return l
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
