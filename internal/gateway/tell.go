package gateway

import (
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

// tellPlan tells the bound of the output that was written into the request.
func (x *exchange) tellPlan() {
	h := x.out.Header()
	delete(h, headerMaxTokens)
	if n := x.plan.write; n > 0 {
		h[headerMaxTokens] = []string{strconv.FormatInt(n, 10)}
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
	x.out.Header()[headerCost] = []string{cost}
}

// tellLimits tells a caller how much is left of the limits that apply: of the
// tightest in agentgateway's headers, of the tightest of each kind in OpenAI's, and in
// those of the IETF draft of the route's tightest and of all of the key's own.
func (x *exchange) tellLimits() {
	left, limited := x.hold.Tightest()
	reservation := x.hold.Reservation()
	if reservation == nil && !limited || reservation != nil && x.entry.Discreet {
		return
	}
	requests, ofRequests := x.hold.TightestOf(ratelimit.Requests)
	tokens, ofTokens := x.hold.TightestOf(ratelimit.Tokens)
	var few [8]budget.Standing
	standings := few[:0]
	if reservation != nil {
		standings = reservation.Standings(standings)
	}
	var text [1024]byte
	lines := headerLines{text: text[:0]}
	if limited {
		lines.item(&left)
		lines.policy(&left, budget.Requests)
	}
	for i := range standings {
		own := standing(&standings[i], reservation.At())
		lines.item(&own)
		lines.policy(&own, standings[i].Limit.Kind)
	}
	lines.end("Ratelimit-Policy")
	if limited {
		lines.item(&left)
		lines.state(&left)
	}
	for i := range standings {
		own := standing(&standings[i], reservation.At())
		lines.item(&own)
		lines.state(&own)
		switch standings[i].Limit.Kind {
		case budget.Requests:
			requests, ofRequests = tighter(requests, ofRequests, own), true
		case budget.Tokens:
			tokens, ofTokens = tighter(tokens, ofTokens, own), true
		default:
			continue
		}
		left, limited = tighter(left, limited, own), true
	}
	lines.end("Ratelimit")
	for kind, tightest := range [...]*quota.Left{ofAll: &left, ofTheRequests: &requests, ofTheTokens: &tokens} {
		if [...]bool{limited, ofRequests, ofTokens}[kind] {
			lines.limit(kind, tightest.Limit, tightest.Remaining, tightest.Reset)
		}
	}
	lines.send(x.out.Header())
}

// What the x-ratelimit headers are about.
const (
	ofAll = iota
	ofTheRequests
	ofTheTokens
)

var limitNames = [...][3]string{
	ofAll:         {"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"},
	ofTheRequests: {"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"},
	ofTheTokens:   {"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens"},
}

// headerLines gathers header lines, whose values are pieces of one text: they are in
// every answer of a key with limits.
type headerLines struct {
	text []byte
	n    int
	at   [12]struct {
		name string
		end  int
	}
}

// item begins one more item of a list.
func (l *headerLines) item(of *quota.Left) {
	if begin := l.begin(); begin < len(l.text) {
		l.text = append(l.text, ", "...)
	}
	l.text = strconv.AppendQuote(l.text, of.ID)
}

func (l *headerLines) begin() int {
	if l.n == 0 {
		return 0
	}
	return l.at[l.n-1].end
}

// end ends a line, which has no place if it is empty.
func (l *headerLines) end(name string) {
	if l.begin() < len(l.text) {
		l.at[l.n].name, l.at[l.n].end = name, len(l.text)
		l.n++
	}
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
func (l *headerLines) limit(kind int, limit, remaining int64, reset time.Duration) {
	for i, n := range [...]int64{limit, remaining, seconds(reset)} {
		l.parameter("", n)
		l.end(limitNames[kind][i])
	}
}

// send sets the lines.
func (l *headerLines) send(h Header) {
	text, values := string(l.text), make([]string, l.n)
	begin := 0
	for i := range l.n {
		values[i] = text[begin:l.at[i].end]
		begin = l.at[i].end
		h[l.at[i].name] = values[i : i+1 : i+1]
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

// tellRefusal gives the headers of a refusal by a limit.
func tellRefusal(h Header, l *fault.Limit) {
	if l == nil || l.Discreet || l.Reason == fault.Unpriced {
		return
	}
	refused := quota.Left{ID: l.ID, Limit: l.Max, Remaining: max(l.Remaining, 0), Reset: l.ResetsIn, Window: l.Interval}
	lines := headerLines{}
	kind := budget.Requests
	switch l.Kind {
	case budget.Requests.String():
		lines.limit(ofAll, refused.Limit, refused.Remaining, refused.Reset)
		lines.limit(ofTheRequests, refused.Limit, refused.Remaining, refused.Reset)
	case budget.Tokens.String():
		lines.limit(ofAll, refused.Limit, refused.Remaining, refused.Reset)
		lines.limit(ofTheTokens, refused.Limit, refused.Remaining, refused.Reset)
		if l.Reason != "" {
			kind = budget.Tokens
		}
	case budget.Cost.String():
		kind = budget.Cost
	case budget.Concurrency.String():
		kind = budget.Concurrency
	}
	lines.item(&refused)
	lines.policy(&refused, kind)
	lines.end("Ratelimit-Policy")
	lines.item(&refused)
	lines.state(&refused)
	lines.end("Ratelimit")
	lines.send(h)
}
