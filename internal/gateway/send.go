package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/meters"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
	"tollgate/internal/ledger"
	"tollgate/internal/provider"
	"tollgate/internal/routing"
	"tollgate/internal/usage"
	"tollgate/internal/vkey"
)

// answer is what a provider gave, its body still unread.
type answer struct {
	response *provider.Response
	choice   Choice
	meter    dialect.Meter
	head     clock // of the attempt
	// translated tells that it is in another dialect than the caller's.
	translated bool
}

func (a *answer) close() {
	_ = a.response.Body.Close()
	a.head.cancel()
}

// forwarded are the caller's header lines that travel to a provider; every
// other stays here. Credentials are never among them.
var forwarded = [...]string{
	"Accept", "Anthropic-Beta", "Anthropic-Version", "Idempotency-Key", "Openai-Beta", "Traceparent", "Tracestate",
}

// send tries the targets in order until one answers in a way that is worth
// giving to the caller. Another try is only made before the first byte of an
// answer reached the caller.
func (g *Gateway) send(ctx context.Context, x *exchange) (*answer, error) {
	tries := len(x.order)
	retry := x.route.Retry
	if retry != nil && x.upload == nil && retry.applies(x) {
		tries = max(tries, retry.Attempts)
	} else {
		retry = nil
	}
	for k := 0; ; k++ {
		choice := x.order[k%len(x.order)]
		a, err := g.attempt(ctx, x, choice, k)
		if x.refusesStreamOptions(a) && !x.left(ctx) {
			// An old server that knows no stream_options: once more without, and
			// from now on without.
			choice.Health.Refuse(routing.StreamOptions)
			if g.again(ctx, x, choice, a) {
				a.close()
				a, err = g.attempt(ctx, x, choice, k)
			}
		}
		last := k+1 >= tries
		if last || ctx.Err() != nil || x.left(ctx) {
			return a, g.attemptError(ctx, x, choice, err)
		}
		again, after := g.worthAnother(x, a, err, k+1 < len(x.order), retry)
		if !again {
			return a, g.attemptError(ctx, x, choice, err)
		}
		x.expectNothing()
		if k+1 >= len(x.order) { // the same targets once more
			if paused := pause(ctx, max(after, retry.Backoff)); paused != nil {
				if a != nil {
					a.close()
				}
				return nil, g.attemptError(ctx, x, choice, paused)
			}
		}
		if !g.again(ctx, x, x.order[(k+1)%len(x.order)], a) {
			return a, g.attemptError(ctx, x, choice, err)
		}
		if a != nil {
			x.lastAttempt().Failover = true
			a.close()
		}
	}
}

// worthAnother decides whether an attempt that ended like this is followed by
// another: at the next target after a connection failure, a 5xx or a 429; and
// wherever the route's own retry policy says so.
func (g *Gateway) worthAnother(x *exchange, a *answer, err error, next bool, retry *Retry) (again bool, after time.Duration) {
	if err != nil {
		return retry != nil || next && (!x.plain() || x.worthAnotherServer(err)), 0
	}
	status := a.response.Status
	if next && !x.plain() && (status == http.StatusTooManyRequests || status >= 500) {
		return true, 0
	}
	if retry == nil {
		return false, 0
	}
	after = min(reply.RetryAfter(a.response.Header.Get, g.now()), maxPause)
	if retry.Condition != nil {
		x.noteStatus(status)
		ok, err := retry.Condition.Bool(x.expressionInput())
		return err == nil && ok, after
	}
	return retry.Codes[status], after
}

// maxPause bounds how long a caller is made to wait because a provider wants to
// be left alone.
const maxPause = 10 * time.Second

func (r *Retry) applies(x *exchange) bool {
	if r.Precondition == nil {
		return true
	}
	ok, err := r.Precondition.Bool(x.expressionInput())
	return err == nil && ok
}

// attempt sends the request to one target and notes how that went.
func (g *Gateway) attempt(ctx context.Context, x *exchange, c Choice, k int) (*answer, error) {
	prepared := x.prepare(c, k)
	defer x.doneSending()
	started := g.now()
	if k == 0 {
		x.Processing = started.Sub(x.Started)
	}
	x.ModelSent, x.Provider, x.Backend, x.Endpoint = c.model(x.modelWanted()), c.Provider, c.Name, c.Target.Endpoint.Host
	x.Attempts = append(x.Attempts, Attempt{Provider: c.Provider, Backend: c.Name, Model: x.ModelSent, Started: started})
	at := x.lastAttempt()
	at.Quote = x.plan.quote
	at.notePrice()
	if x.plain() {
		at.PriceState = catalog.Free
	}
	if r := x.hold.Reservation(); r != nil {
		at.Reservation, at.Bound = r.ID(), r.Bound()
	}

	head := &x.answer.head
	ctx, *head = headClock(ctx, x.route.BackendTimeout)
	x.expect(x.Streamed)
	response, err := x.transmit(ctx, c, prepared)
	at.Duration = g.now().Sub(started)
	if !head.stop() && err == nil {
		_ = response.Body.Close()
		err = &provider.SendError{Stage: provider.Await, Timeout: true, Err: context.DeadlineExceeded}
	}
	if err != nil {
		// A caller who left, or whose time is up, says nothing about the target.
		_, refused := errors.AsType[*fault.Error](err)
		given := refused || ctx.Err() != nil && !head.expired()
		head.cancel()
		at.Err = err
		if x.plain() {
			g.conclude(x, ledger.None, usage.Usage{})
		}
		if !given {
			c.Health.Fail(routing.Failure{At: g.now(), Err: err}, 0, c.Cooling)
		}
		return nil, err
	}
	at.Status = response.Status
	if x.unhealthy(c, response.Status) {
		now := g.now()
		c.Health.Fail(routing.Failure{At: now, Status: response.Status}, reply.RetryAfter(response.Header.Get, now), c.Cooling)
	} else {
		c.Health.Succeed(started.Add(at.Duration), at.Duration)
	}
	a := &x.answer
	a.response, a.choice, a.meter, a.translated = response, c, x.meter(c), x.translates(c)
	return a, nil
}

// transmit sends a prepared request. The upload that it may be ends with ctx.
func (x *exchange) transmit(ctx context.Context, c Choice, prepared *provider.Request) (*provider.Response, error) {
	if x.upload == nil {
		return c.Transport.Send(ctx, prepared)
	}
	defer x.upload.watch(ctx)()
	response, err := c.Transport.Send(ctx, prepared)
	if err != nil {
		if refused := x.upload.refused(err); refused != nil {
			return nil, refused
		}
	}
	return response, err
}

// refusesStreamOptions tells that an answer refuses what the gateway added to
// the request, and the caller never asked for.
func (x *exchange) refusesStreamOptions(a *answer) bool {
	if a == nil || a.response.Status != http.StatusBadRequest || !x.forced {
		return false
	}
	if _, asked := x.peeked.Value(x.body, "stream_options"); asked {
		return false
	}
	said, err := readSome(nil, a.response.Body, maxFailure)
	a.response.Body = replayed{io.MultiReader(bytes.NewReader(said), a.response.Body), a.response.Body}
	return errors.Is(err, io.EOF) && bytes.Contains(said, []byte("stream_options"))
}

// replayed is a body that was read already.
type replayed struct {
	io.Reader
	io.Closer
}

// unhealthy tells whether an answer counts against its target.
func (x *exchange) unhealthy(c Choice, status int) bool {
	if c.Unhealthy == nil {
		return !x.plain() && (status == http.StatusTooManyRequests || status >= 500)
	}
	x.noteStatus(status)
	ok, err := c.Unhealthy.Bool(x.expressionInput())
	return err == nil && ok
}

// meter gives the meter for a target's answer.
func (x *exchange) meter(c Choice) dialect.Meter {
	if x.Operation == dialect.Passthrough && c.Opaque {
		return meters.New(x.Dialect, dialect.Moderations) // which has no usage to read
	}
	if x.translates(c) {
		return meters.New(dialect.Anthropic, dialect.Messages)
	}
	return meters.New(x.Dialect, x.Operation)
}

// attemptError says what a failed attempt means for the caller, nil if it did not fail.
func (g *Gateway) attemptError(ctx context.Context, x *exchange, c Choice, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	send, _ := errors.AsType[*provider.SendError](err)
	late := errors.Is(context.Cause(ctx), context.DeadlineExceeded) || errors.Is(err, errHeadTimeout) || send != nil && send.Timeout && send.Stage != provider.Connect
	if x.plain() {
		return unreachablePlain(err, late)
	}
	if late {
		return &fault.Error{Kind: fault.Timeout, Code: "upstream_timeout", Reason: "Timeout", Err: err,
			Message: "The provider did not answer in time.", Plain: "request timeout"}
	}
	if provider.StageOf(err) == provider.Read {
		return &fault.Error{Kind: fault.Upstream, Code: "upstream_garbage", Reason: "UpstreamFailure", Err: err,
			Message: "The provider's answer cannot be understood.", Plain: "upstream call failed: " + provider.Read.String()}
	}
	return &fault.Error{Kind: fault.Unavailable, Code: "upstream_unreachable", Reason: "UpstreamFailure", Err: err, Retry: fault.RetryYes, RetryAfter: time.Second,
		Message: "The provider of this model could not be reached, or broke the connection off before it answered.",
		Plain:   "upstream call failed: " + provider.StageOf(err).String()}
}

// prepare makes the request for one target: the caller's body with what the
// configuration changes in it, the allowed header lines, the target's own credential.
func (x *exchange) prepare(c Choice, k int) *provider.Request {
	if x.plain() {
		return x.preparePlain(c, k)
	}
	t, translates := c.Target, x.translates(c)
	path, query := x.path, x.req.Query
	if translates { // they are those of another API
		path, query = "", ""
	}
	r := &x.upstream
	*r = provider.Request{
		Endpoint: t.Endpoint, Method: x.req.Method, Host: t.Authority, Static: t.Static, Header: x.fields[:0],
		Target: t.Paths.upstream(x.operationAt(c), path),
	}
	if rw := x.route.Rewrite; rw != nil {
		r.Host = rw.host(t.Authority)
	}
	if q := withoutParameters(query, x.isCredentialParameter); q != "" {
		separator := "?"
		if strings.Contains(r.Target, "?") { // a configured path may have a query
			separator = "&"
		}
		r.Target += separator + q
	}
	x.forward(r, t, translates)
	if t.Passthrough != nil {
		x.passOn(r, t.Passthrough)
	}
	if k > 0 {
		r.Header = append(r.Header, provider.Field{Name: "x-retry-attempt", Value: strconv.Itoa(k)})
	}
	if x.spooled != nil {
		x.prepareForm(r, c)
		return r
	}
	if len(x.body) > 0 {
		r.Header = append(r.Header, provider.Field{Name: "Content-Type", Value: x.contentType()})
	}
	if translates {
		r.Body = x.translated(c)
	} else {
		r.Body = x.edited(c)
	}
	return r
}

// contentType is the type of the body that is sent: the caller's own where the
// body was not read, JSON where it was, whatever the caller called it.
func (x *exchange) contentType() string {
	if own := x.req.Header.Get("Content-Type"); own != "" && x.unread {
		return own
	}
	return "application/json"
}

// forward adds the caller's header lines that may travel. Those about the caller's dialect
// say nothing to a target of another one.
func (x *exchange) forward(r *provider.Request, t *Target, translates bool) {
	for _, name := range forwarded {
		values := x.req.Header[name]
		if len(values) == 0 || t.drops(name) || translates && ofDialect(name) {
			continue
		}
		if name == "Traceparent" && x.Span != nil {
			continue
		}
		for _, v := range values {
			r.Header = append(r.Header, provider.Field{Name: name, Value: v})
		}
	}
	if x.Span != nil {
		r.Header = append(r.Header, provider.Field{Name: "Traceparent", Value: x.Span.TraceParent()})
	}
	if (translates || x.Dialect == dialect.Anthropic && len(x.req.Header["Anthropic-Version"]) == 0) && !t.drops("Anthropic-Version") {
		r.Header = append(r.Header, provider.Field{Name: "Anthropic-Version", Value: "2023-06-01"})
	}
}

func (t *Target) drops(canonical string) bool {
	for _, name := range t.Drop {
		if name == canonical {
			return true
		}
	}
	return false
}

// passOn adds the caller's own provider credential.
func (x *exchange) passOn(r *provider.Request, p *Passthrough) {
	own, ok := x.ownCredential()
	if !ok {
		return
	}
	name, prefix := own.header, own.prefix
	if p.Header != "" {
		name, prefix = p.Header, p.Prefix
	}
	if name == "" {
		name, prefix = "Authorization", "Bearer "
	}
	r.Header = append(r.Header, provider.Field{Name: name, Value: prefix + own.value})
}

// isCredentialParameter tells the query parameters that never travel: the usual
// names of credentials, and the one that this route's keys are given in.
func (x *exchange) isCredentialParameter(name, value string) bool {
	if vkey.LooksAdmin(value) {
		return true
	}
	switch strings.ToLower(name) {
	case "key", "api_key", "api-key", "apikey", "access_token":
		return true
	}
	for _, gate := range [...]*Gate{&x.listener.Gate, &x.route.Gate} {
		if gate.Auth != nil && gate.Auth.Location != nil && gate.Auth.Location.Query == name {
			return true
		}
	}
	return false
}

// edited gives the body to send to a target.
func (x *exchange) edited(c Choice) []byte {
	if len(x.body) == 0 {
		return nil
	}
	if x.unread {
		return x.body
	}
	e := &x.edits
	e.Begin(x.Operation, x.body, &x.peeked)
	passing := x.Operation == dialect.Passthrough // byte for byte, but for another name of its model
	if ai := x.route.AI; ai != nil && !passing {
		ai.Body.edit(x, e)
		e.PrependMessages(ai.Prepend)
		e.AppendMessages(ai.Append)
	}
	if !passing {
		c.Body.edit(x, e)
	}
	if model := c.model(x.modelWanted()); model != "" && model != x.ModelAsked && x.peeked.HasModel ||
		model != "" && !x.peeked.HasModel && !passing {
		e.SetModel(model)
	}
	translates := x.translates(c)
	x.forced = !translates && x.Streamed && (x.Operation == dialect.Chat || x.Operation == dialect.Completions) && !c.Health.Refuses(routing.StreamOptions)
	if x.forced {
		e.ForceIncludeUsage()
	}
	if !translates { // it is written into what is made of this
		x.writePlan(e, c)
	}
	if !e.Changed() {
		return x.body
	}
	if x.editedBuffer == nil {
		x.editedBuffer = getBuffer()
	}
	*x.editedBuffer = e.Apply((*x.editedBuffer)[:0])
	return *x.editedBuffer
}

// writePlan writes what bounds the attempt into the request, so that the provider
// holds to it.
func (x *exchange) writePlan(e *request.Edits, c Choice) {
	p := &x.plan
	if p.write > 0 {
		if x.Operation == dialect.Chat { // it might have both
			e.Remove("max_tokens")
			e.Remove("max_completion_tokens")
		}
		e.Set(x.outputMember(c), strconv.FormatInt(p.write, 10))
	}
	if p.writeUses {
		e.Set("max_tool_calls", strconv.Itoa(request.MaxUses))
	}
}

// modelWanted is the model asked for, under the name that an alias gives it.
func (x *exchange) modelWanted() string {
	if x.resolvedModel != "" {
		return x.resolvedModel
	}
	return x.ModelAsked
}

func (p *BodyPolicy) edit(x *exchange, e *request.Edits) {
	for _, m := range p.Overrides {
		e.Set(m.Name, m.Value)
	}
	for _, m := range p.Defaults {
		e.SetDefault(m.Name, m.Value)
	}
	if p.OutputBound != "" && x.Operation == dialect.Chat {
		for _, other := range [...]string{"max_tokens", "max_completion_tokens"} {
			if other != p.OutputBound {
				e.Rename(other, p.OutputBound)
			}
		}
	}
}

// prepareForm makes the request of a multipart body.
func (x *exchange) prepareForm(r *provider.Request, c Choice) {
	model := ""
	if m := c.model(x.modelWanted()); m != x.ModelAsked {
		model = m
	}
	body, length := x.spooled.Open(model)
	x.form = body
	r.Stream, r.Length = body, length
	r.Header = append(r.Header, provider.Field{Name: "Content-Type", Value: x.spooled.ContentType()})
}

// doneSending gives back what an attempt held.
func (x *exchange) doneSending() {
	if x.form != nil {
		_ = x.form.Close()
		x.form = nil
	}
	if x.upstream.Header != nil {
		clear(x.upstream.Header) // a credential may stand there
	}
}

func (x *exchange) lastAttempt() *Attempt { return &x.Attempts[len(x.Attempts)-1] }

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
