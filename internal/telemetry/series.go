package telemetry

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/money"
	"tollgate/internal/provider"
	"tollgate/internal/usage"
)

// traits are what an exchange has to count, beyond being one.
type traits uint16

const (
	answered   traits = 1 << iota // a provider answered for a model, with success
	metered                       // and its usage is known
	cacheRead                     // tokens read from a cache were named
	cacheWrite                    // tokens written to a cache were named
	streamed                      // it was a stream with at least one byte
	paced                         // of which the time of a token can be told
	retried                       // there was more than one attempt
	sentOn                        // there was an attempt
	priced                        // what it cost is known
)

func traitsOf(x *gateway.Exchange) traits {
	n := len(x.Attempts)
	if n == 0 {
		return 0
	}
	t := sentOn
	if n > 1 {
		t |= retried
	}
	if !modelAnswered(x, &x.Attempts[n-1]) {
		return t
	}
	t |= answered
	if x.PriceState != catalog.Unknown {
		t |= priced
	}
	u := &x.Usage
	if u.Source != usage.Absent {
		t |= metered
		if u.Reported&usage.CacheRead != 0 || u.CacheRead > 0 {
			t |= cacheRead
		}
		if u.Reported&usage.CacheWrite != 0 || u.CacheWrite() > 0 {
			t |= cacheWrite
		}
	}
	if x.Streamed && x.FirstByte > 0 {
		t |= streamed
		if u.Output() > 0 && x.Duration > x.FirstByte {
			t |= paced
		}
	}
	return t
}

// modelAnswered tells whether a model did work that its provider stands for. A
// caller who leaves in the middle of an answer has still consumed it.
func modelAnswered(x *gateway.Exchange, last *gateway.Attempt) bool {
	return x.Provider != "" && last.Status >= 200 && last.Status < 300 && x.Operation != dialect.Models
}

// series is where an exchange is counted. What it does not count is nil.
type series struct {
	requests, bytes, retries, refused prometheus.Counter
	received, sent, attempt           prometheus.Counter
	duration, processing, call        prometheus.Observer

	modelCall, firstToken, perOutputToken prometheus.Observer
	input, output, cacheRead, cacheWrite  prometheus.Observer
	usage                                 *[usage.Estimated + 1]prometheus.Counter
	clamped                               prometheus.Counter
	cost, lookup                          prometheus.Counter
	limit, charged                        prometheus.Counter
}

func (s *series) observe(x *gateway.Exchange, t traits) {
	s.requests.Inc()
	s.duration.Observe(x.Duration.Seconds())
	s.bytes.Add(float64(x.BytesOut))
	s.received.Add(float64(x.BytesIn))
	s.sent.Add(float64(x.BytesOut))
	if s.refused != nil {
		s.refused.Inc()
	}
	if s.limit != nil {
		s.limit.Inc()
	}
	if t&sentOn == 0 {
		return
	}
	s.processing.Observe(x.Processing.Seconds())
	s.attempt.Inc()
	if x.Cost > 0 {
		s.charged.Add(dollars(x.Cost))
	}
	if t&retried != 0 {
		s.retries.Add(float64(len(x.Attempts) - 1))
	}
	if t&answered != 0 {
		s.observeModel(x, t)
	}
}

func (s *series) observeModel(x *gateway.Exchange, t traits) {
	u := &x.Usage
	s.usage[u.Source].Inc()
	if u.Clamped {
		s.clamped.Inc()
	}
	s.lookup.Inc()
	if t&priced != 0 {
		s.cost.Add(dollars(x.Cost))
	}
	s.modelCall.Observe(x.Duration.Seconds())
	if t&streamed != 0 {
		s.firstToken.Observe(x.FirstByte.Seconds())
	}
	if t&paced != 0 {
		s.perOutputToken.Observe(perOutputToken(x).Seconds())
	}
	if t&metered == 0 {
		return
	}
	s.input.Observe(float64(u.Input()))
	s.output.Observe(float64(u.Output()))
	if t&cacheRead != 0 {
		s.cacheRead.Observe(float64(u.CacheRead))
	}
	if t&cacheWrite != 0 {
		s.cacheWrite.Observe(float64(u.CacheWrite()))
	}
}

// dollars gives an amount as metrics have it. It is for looking at: what is charged
// is never computed from it.
func dollars(n money.Nano) float64 { return float64(n) / float64(money.USD) }

// operationLabel gives the name that the semantic conventions of OpenTelemetry
// have for an operation, where they have one: all that is a conversation is "chat".
func operationLabel(o dialect.Operation) string {
	switch o {
	case dialect.Chat, dialect.Messages, dialect.Responses, dialect.Converse:
		return "chat"
	case dialect.Completions:
		return "text_completion"
	case dialect.Generate:
		return "generate_content"
	default:
		return o.String()
	}
}

// attemptOutcome says what came of an attempt, in few words that never change.
func attemptOutcome(a *gateway.Attempt) string {
	switch {
	case a.Err != nil:
		return failureOutcome(a.Err)
	case a.Status == 0:
		return "unfinished"
	case a.Status < 400:
		return "answered"
	case a.Status == 429:
		return "rate_limited"
	case a.Status < 500:
		return "rejected"
	default:
		return "server_error"
	}
}

func failureOutcome(err error) string {
	send, ok := errors.AsType[*provider.SendError](err)
	switch {
	case ok && send.Timeout || errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case ok && send.Stage == provider.Connect:
		return "unreachable"
	default:
		return "broken"
	}
}
