package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/catalog"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/money"
	"tollgate/internal/record"
	"tollgate/internal/usage"
	"tollgate/internal/vkey"
)

// hours is how much of a working day's traffic each of its hours (UTC) has; offices are in Europe.
var hours = [24]float64{3, 2, 2, 2, 3, 8, 25, 60, 90, 100, 98, 75, 80, 95, 97, 88, 60, 38, 26, 20, 15, 10, 7, 5}

// busy is how much traffic there is in an hour.
func (s *story) busy(at time.Time) float64 {
	weight := hours[at.Hour()]
	if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
		weight = 4 + weight/6
	}
	return weight * (1 + 0.3*at.Sub(s.since()).Hours()/24/float64(s.days)) // it grows
}

// recordsAtOnce is how many request records are stored together.
const recordsAtOnce = 4_000

// traffic makes all requests, hour by hour.
func (s *story) traffic(ctx context.Context) error {
	total := 0.0
	for at := s.since(); at.Before(s.until); at = at.Add(time.Hour) {
		total += s.busy(at)
	}
	sum, done := 0.0, 0
	for at := s.since(); at.Before(s.until); at = at.Add(time.Hour) {
		sum += s.busy(at)
		n := int(math.Round(sum/total*float64(s.requests))) - done
		done += n
		if err := s.hour(ctx, at, n); err != nil {
			return err
		}
		s.books.Sweep()
	}
	return s.flush(ctx)
}

// hour makes the requests of one hour. Now and then somebody sends many at once.
func (s *story) hour(ctx context.Context, begin time.Time, n int) error {
	offsets := make([]time.Duration, n)
	for i := range offsets {
		offsets[i] = time.Duration(s.rng.Int64N(int64(time.Hour)))
	}
	slices.Sort(offsets)
	burst, who, last := 0, (*holder)(nil), time.Time{}
	for _, offset := range offsets {
		at := begin.Add(offset)
		if burst == 0 && s.rng.IntN(1500) == 0 {
			burst = 20 + s.rng.IntN(60)
		}
		switch {
		case burst > 0 && who != nil:
			burst--
			at = last.Add(time.Duration(100+s.rng.IntN(400)) * time.Millisecond)
		default:
			who = s.anyone()
		}
		if at.Before(last) {
			at = last.Add(time.Millisecond)
		}
		if last = at.Truncate(time.Microsecond); last.After(s.until) {
			last = s.until
		}
		if err := s.reach(ctx, last); err != nil {
			return err
		}
		if err := s.request(ctx, who, last); err != nil {
			return err
		}
	}
	return nil
}

// anyone draws who calls.
func (s *story) anyone() *holder {
	at := s.rng.Float64() * s.weights[len(s.weights)-1]
	return s.holders[min(sort.SearchFloat64s(s.weights, at), len(s.holders)-1)]
}

// request makes one request, from the caller to its record.
func (s *story) request(ctx context.Context, h *holder, at time.Time) error {
	i := h.mix[s.rng.IntN(len(h.mix))]
	m := &models[i]
	r := record.Request{
		ID: s.requestID(), At: at, Operation: m.operation, Dialect: m.dialect, Asked: m.asked, Client: fmt.Sprintf("10.20.%d.%d", s.rng.IntN(8), 1+s.rng.IntN(250)),
		Status: 200, Outcome: "served", Streamed: m.output > 0 && s.rng.IntN(3) > 0, Processing: time.Duration(90+s.rng.IntN(200)) * time.Microsecond,
	}
	k := h.key
	switch chance := s.rng.Float64(); {
	case k == nil || chance < 0.0015:
		refuse(&r, 401, "invalid_api_key", "This is no virtual key of this gateway.")
	default:
		r.Key, r.Name, r.Labels = k.ID, k.Name, k.Labels
		switch {
		case k.Status == vkey.StatusRevoked:
			refuse(&r, 401, "key_revoked", "This virtual key is revoked.")
		case k.Status == vkey.StatusDisabled:
			refuse(&r, 401, "key_disabled", "This virtual key is disabled.")
		case !k.ExpiresAt.IsZero() && !at.Before(k.ExpiresAt):
			refuse(&r, 401, "key_expired", "This virtual key has expired.")
		case chance < 0.004:
			r.Asked = "gpt-4-32k"
			refuse(&r, 404, "model_not_found", "There is no model gpt-4-32k here.")
		case chance < 0.008 && k.Models.Allow != nil:
			r.Asked = "o3-pro"
			refuse(&r, 403, "model_not_allowed", "This virtual key may not use the model o3-pro.")
		default:
			h.used = at
			if err := s.call(ctx, h, i, &r); err != nil {
				return err
			}
		}
	}
	return s.keep(ctx, &r)
}

func refuse(r *record.Request, status int, code, message string) {
	r.Status, r.Outcome, r.Code, r.Message = status, "refused", code, message
	r.Streamed, r.Duration, r.BytesOut = false, r.Processing, int64(90+len(message))
}

// call reserves, sends and settles.
func (s *story) call(ctx context.Context, h *holder, model int, r *record.Request) error {
	m, q := &models[model], &s.quotes[model]
	u := m.consumption(s.rng)
	bound := budget.Amount{Tokens: u.Input() + 64}
	ceiling := catalog.Ceiling{Input: bound.Tokens, TextOnly: true, NoCacheWrite: m.dialect != "anthropic", NoHourWrite: true}
	if m.output > 0 {
		ceiling.Output = max(u.Output(), 4096)
		bound.Tokens += ceiling.Output
	}
	bound.Cost, _ = q.Bound(&ceiling)
	cost, lines := q.Itemize(&u)
	bound.Cost = max(bound.Cost, cost.Total)
	r.BytesIn = u.Input()*4 + 300
	hold, refusal, err := s.books.Reserve(ctx, budget.Ask{
		Subject: h.key.ID, Limits: h.limits, Asked: m.asked, Model: m.sent, Bound: bound, Deadline: r.At.Add(15 * time.Minute).UnixNano(),
	})
	switch {
	case err != nil:
		return err
	case refusal != nil:
		overdrawn(r, refusal)
		return nil
	}
	r.Sent, r.Provider, r.Backend = m.sent, m.provider, m.provider
	a := record.Attempt{
		Provider: m.provider, Backend: m.provider, Model: m.sent, Started: r.At.Add(r.Processing / 2), Status: 200, BoundCost: bound.Cost, BoundTokens: bound.Tokens,
		Reservation: fmt.Sprintf("%d-%d", hold.ID().Run, hold.ID().Number), Price: q.State().String(), Version: q.Model().Version(),
	}
	s.answer(r, &a, hold, &u, cost, lines)
	a.Duration = r.Duration - r.Processing
	r.Price, r.Version, r.Source, r.Cost, r.Tokens = a.Price, a.Version, a.Source, a.Cost, a.Tokens
	r.Attempts = []record.Attempt{a}
	return nil
}

// answer lets the provider answer, or not, and settles.
func (s *story) answer(r *record.Request, a *record.Attempt, hold *ledger.Reservation, u *usage.Usage, cost catalog.Cost, lines []catalog.Line) {
	r.FirstByte = r.Processing + time.Duration((220+s.rng.ExpFloat64()*380)*float64(time.Millisecond))
	r.Duration = r.FirstByte + time.Duration(float64(u.Output())/(55+60*s.rng.Float64())*float64(time.Second))
	void := func(status int, outcome, code, message string) {
		hold.Void()
		a.Status, a.Error, a.Source = status, message, ledger.None.String()
		r.Status, r.Outcome, r.Code, r.Message, r.Duration = max(status, 502), outcome, code, message, r.FirstByte
		if outcome == "served" {
			r.Status, a.Error = status, ""
		}
	}
	switch chance := s.rng.Float64(); {
	case chance < 0.006:
		void(400, "served", "", "")
		return
	case chance < 0.012:
		void(503, "failed", "upstream_error", "The provider answered 503.")
		return
	case chance < 0.014:
		void(0, "failed", "upstream_unreachable", "The provider could not be reached.")
		return
	case chance < 0.022 && r.Streamed:
		u.OutputText = u.OutputText/3 + 1
		cost, lines = s.price(r, u)
		r.Outcome, a.Source, r.Duration = "cut", ledger.Cut.String(), r.FirstByte+(r.Duration-r.FirstByte)/3
		hold.Settle(ledger.Charge{Amount: budget.Amount{Cost: cost.Total, Tokens: u.Input() + u.Output()}, Source: ledger.Exact, Price: a.Version})
	default:
		r.Served, a.Source = r.Sent, ledger.Exact.String()
		hold.Settle(ledger.Charge{Amount: budget.Amount{Cost: cost.Total, Tokens: u.Input() + u.Output()}, Source: ledger.Exact, Price: a.Version})
	}
	r.BytesOut = u.Output()*6 + 500
	a.Cost = cost.Total
	a.Tokens = record.Tokens{Input: u.Input(), Output: u.Output(), CacheRead: u.CacheRead, Reasoning: u.OutputReasoning}
	for _, l := range lines {
		a.Lines = append(a.Lines, record.Line{Model: l.Model, Kind: l.Kind.String(), Quantity: l.Quantity, Price: l.Kind.Format(l.Price), Cost: l.Cost})
	}
}

// price says what a consumption of the model that was sent costs.
func (s *story) price(r *record.Request, u *usage.Usage) (catalog.Cost, []catalog.Line) {
	i := slices.IndexFunc(models, func(m model) bool { return m.sent == r.Sent && m.provider == r.Provider })
	return s.quotes[i].Itemize(u)
}

// overdrawn writes down what a limit refused.
func overdrawn(r *record.Request, why *budget.Refusal) {
	l := why.Limit
	code, figure := "budget_exceeded", func(n int64) string { return fmt.Sprintf("%d %s", n, l.Kind) }
	if l.Kind == budget.Requests {
		code = "rate_limit_exceeded"
	}
	if l.Kind == budget.Cost {
		figure = func(n int64) string { return money.Nano(n).String() + " USD" }
	}
	reason := fault.Exhausted
	if why.Reason == budget.TooLarge {
		reason = fault.Oversized
	}
	refuse(r, 429, code, fmt.Sprintf("The %s limit %s of %s has no room for this request: %s is spent and %s reserved, and the request may come to %s.",
		l.Kind, l.ID, figure(l.Amount), figure(why.Settled), figure(why.Reserved), figure(why.Asked)))
	r.Refusal = &record.Refusal{
		Limit: l.ID, Kind: l.Kind.String(), Window: l.Window.String(), Reason: string(reason), Amount: l.Amount, Spent: why.Settled,
		Reserved: why.Reserved, Asked: why.Asked, Shared: l.Per == budget.Pool,
	}
	if end, ends := why.Span.Ends(); ends {
		r.Refusal.Resets = end.UTC()
	}
}

// requestID makes an id as the gateway does.
func (s *story) requestID() string {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	id := []byte("req_00000000000000000000")
	for i, bits := 4, uint64(0); i < len(id); i++ {
		if (i-4)%12 == 0 {
			bits = s.rng.Uint64()
		}
		id[i] = digits[bits&31]
		bits >>= 5
	}
	return string(id)
}

// keep stores records, many at once.
func (s *story) keep(ctx context.Context, r *record.Request) error {
	switch s.made.requests++; r.Outcome {
	case "refused":
		s.made.refused++
	case "failed":
		s.made.failed++
	}
	if s.batch = append(s.batch, *r); len(s.batch) < recordsAtOnce {
		return nil
	}
	return s.flush(ctx)
}

func (s *story) flush(ctx context.Context) error {
	err := s.store.Requests().Append(ctx, s.batch)
	s.batch = s.batch[:0]
	return err
}
