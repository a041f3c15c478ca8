package gateway

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/catalog"
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/openai"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/dialect/translate"
	"tollgate/internal/fault"
	"tollgate/internal/sse"
	"tollgate/internal/tokens"
)

// returned are the provider's header lines that reach the caller. What
// describes the provider account (its rate limits, its organization, cookies)
// stays here: it belongs to every other caller as much as to this one.
var returned = [...]string{
	"Content-Disposition", "Content-Language", "Openai-Processing-Ms", "Openai-Version", "Retry-After", "Retry-After-Ms", "X-Should-Retry",
}

// relay gives the provider's answer to the caller and meters it on the way.
func (g *Gateway) relay(ctx context.Context, x *exchange, a *answer) error {
	if x.plain() {
		return g.relayPlain(ctx, x, a)
	}
	r := a.response
	encoding := r.Header.Get("Content-Encoding")
	if r.Length == 0 || x.req.Method == http.MethodHead {
		encoding = "" // there is nothing to decode
	}
	body, err := decoded(encoding, r.Body)
	if err != nil {
		return &fault.Error{Kind: fault.Upstream, Code: "upstream_encoding", Reason: "UpstreamFailure", Err: err,
			Message: "The provider compressed its answer in a way that was not asked for and cannot be read."}
	}
	contentType := r.Header.Get("Content-Type")
	switch {
	case r.Status >= 300 && r.Status < 400:
		return &fault.Error{Kind: fault.Upstream, Code: "upstream_redirect", Reason: "UpstreamFailure",
			Message: "The provider answered with a redirect, which is never followed. Correct the provider's address in the configuration."}
	case r.Status >= 400:
		return g.relayFailure(ctx, x, a, body, contentType)
	case isStream(contentType) || x.Streamed && estimable(x.Operation) && !isJSON(contentType):
		return g.relayStream(ctx, x, a, body)
	default:
		return g.relayWhole(ctx, x, a, body, contentType)
	}
}

// decoded undoes a content encoding. None was asked for, but some proxies
// compress whatever the request says, and a compressed body hides its usage.
func decoded(encoding string, body io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(body)
	case "deflate":
		return zlib.NewReader(body)
	default:
		return nil, errors.New("content encoding " + strconv.Quote(encoding))
	}
}

func isStream(contentType string) bool { return hasMediaType(contentType, "text/event-stream") }

func isJSON(contentType string) bool { return hasMediaType(contentType, "application/json") }

func hasMediaType(contentType, media string) bool {
	rest, ok := cutPrefixFold(contentType, media)
	return ok && (rest == "" || rest[0] == ';' || rest[0] == ' ')
}

// beginAnswer sends the head of the answer.
func (x *exchange) beginAnswer(a *answer, status int, contentType string, length int64) {
	h := x.out.Header()
	if contentType != "" {
		x.tell("Content-Type", contentType)
	}
	for _, name := range returned {
		if v := a.response.Header.Get(name); v != "" {
			x.tell(name, v)
		}
	}
	for _, name := range [...]string{"X-Request-Id", "Request-Id"} {
		if id := a.response.Header.Get(name); id != "" {
			x.tell("X-Tollgate-Upstream-Request-Id", id)
			break
		}
	}
	// What changes headers must find the limits among them; else they need not be.
	if a.choice.ResponseHeaders != nil || x.route.ResponseHeaders != nil || !x.out.Lines(x.limits.text) {
		x.limits.set(h)
	}
	a.choice.ResponseHeaders.Apply(h)
	x.route.ResponseHeaders.Apply(h)
	if length < 0 && x.lastAttempt().PriceState != catalog.Unknown && h[headerCost] == nil && !x.discreet() {
		h["Trailer"], x.trailed = trailers, true
	}
	x.started = true
	x.Status = status
	x.out.Start(status, length)
}

// relayStream passes events on as they come: those that came together are
// written together, and flushed before the next read can wait.
func (g *Gateway) relayStream(ctx context.Context, x *exchange, a *answer, body io.Reader) error {
	x.tell("Cache-Control", "no-cache")
	x.tell("X-Accel-Buffering", "no")
	x.Streamed = true
	x.expect(true)
	x.beginAnswer(a, a.response.Status, "text/event-stream", -1)

	hide := !x.peeked.IncludeUsage && (x.Operation == dialect.Chat || x.Operation == dialect.Completions)
	events := sse.NewReader(body, x.snap.MaxEvent)
	defer events.Release()
	if a.translated {
		x.translation.stream.Begin(x.answerOptions(), a.meter)
	}
	batch := getBuffer()
	defer putBuffer(batch)
	for {
		event, err := events.Next()
		if err != nil {
			return x.streamEnd(ctx, a, x.translateEnd(a, err))
		}
		if x.FirstByte == 0 {
			x.FirstByte = g.now().Sub(x.Started)
		}
		if event.Data != nil {
			x.events++
		}
		raw := event.Raw
		switch metered := a.meter.Event(event.Name, event.Data); {
		case a.translated:
			if raw, err = x.translation.stream.Event(event.Name, event.Data); err != nil {
				return err
			}
		case metered && hide:
			raw = hidden(event)
		}
		x.expectUsage(a)
		if x.left(ctx) {
			if !x.readOn(a, len(event.Raw)) {
				return nil
			}
			continue
		}
		if bytes.Contains(raw, errorMember) {
			raw = a.choice.redacted(raw)
		}
		*batch = append(*batch, raw...)
		if events.Buffered() && len(*batch) < maxBatch {
			continue
		}
		err = x.pass(*batch, true)
		*batch = (*batch)[:0]
		if err != nil {
			x.parting.deafen()
			if !x.readOn(a, 0) {
				return nil
			}
		}
	}
}

// errorMember is in every event that could quote a credential.
var errorMember = []byte(`error`)

// minRedacted is the length, in bytes, from which a credential is looked for in
// what a provider says. A shorter one is a placeholder, and a common word.
const minRedacted = 12

// redacted gives what a provider says without the credential of the target.
func (t *Target) redacted(text []byte) []byte {
	secret := t.Secret.Reveal()
	if len(secret) < minRedacted || !bytes.Contains(text, []byte(secret)) {
		return text
	}
	return bytes.ReplaceAll(text, []byte(secret), []byte("[redacted]"))
}

// maxBatch bounds the events that are written at once, in bytes.
const maxBatch = 32 << 10

// hidden gives an event without the usage that the caller did not ask for.
func hidden(event sse.Event) []byte {
	rest, keep := openai.HideUsage(event.Data)
	if !keep {
		return nil
	}
	return sse.Append(nil, event.Name, rest)
}

// pass writes a piece of a stream, and flushes if nothing more is there yet.
func (x *exchange) pass(raw []byte, flush bool) error {
	if len(raw) > 0 {
		n, err := x.out.Write(raw)
		x.BytesOut += int64(n)
		if err != nil {
			return err
		}
	}
	if flush {
		return x.out.Flush()
	}
	return nil
}

// streamEnd says what the end of a stream means.
func (x *exchange) streamEnd(ctx context.Context, a *answer, err error) error {
	switch {
	case x.Outcome == Cut: // nobody is told what became of it
		return nil
	case errors.Is(err, io.EOF):
		if a.meter.Reading().Failed {
			x.Outcome, x.Reason = Failed, "UpstreamFailure"
			return nil
		}
		x.Outcome, x.Reason = Served, "Upstream"
		return nil
	case x.left(ctx):
		x.cut()
		return nil
	case cutBy(ctx) != nil:
		return cutBy(ctx)
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return &fault.Error{Kind: fault.Timeout, Code: "request_timeout", Reason: "Timeout", Err: err,
			Message: "The request took longer than this route allows."}
	case errors.Is(err, sse.ErrTooLong):
		return &fault.Error{Kind: fault.Upstream, Code: "upstream_event_too_large", Reason: "UpstreamFailure", Err: err,
			Message: "The provider sent an event that is larger than the gateway passes on."}
	default:
		return &fault.Error{Kind: fault.Upstream, Code: "upstream_broken", Reason: "UpstreamFailure", Err: err,
			Message: "The provider broke its answer off."}
	}
}

// breakOff ends an answer that has begun with an error: in a stream as an event
// of the dialect, elsewhere by leaving it visibly incomplete.
func (x *exchange) breakOff(e *fault.Error) {
	if !x.Streamed {
		x.out.Abort()
		return
	}
	event := reply.StreamError(nil, x.Operation, e, reply.Broken{RequestID: x.ID, ResponseID: x.responseID, Events: x.events})
	if x.pass(event, true) != nil {
		x.cut()
	}
}

// smallAnswer is the size up to which a whole answer is read before any of it
// is sent: it then goes out in one write, and can still become an error.
const smallAnswer = 256 << 10

// relayWhole passes on an answer that is not a stream.
func (g *Gateway) relayWhole(ctx context.Context, x *exchange, a *answer, body io.Reader, contentType string) error {
	x.expect(false)
	buffer := getBuffer()
	defer putBuffer(buffer)
	kept, err := readSome((*buffer)[:0], body, x.largestWhole(a))
	*buffer = kept
	x.FirstByte = g.now().Sub(x.Started)
	if err == nil && a.translated {
		x.unmetered = x.tokensIn(kept)
		return tooLargeToTranslate()
	}
	if err == nil { // larger than that: pass on what is here and copy the rest
		return g.relayLarge(ctx, x, a, buffer, body, contentType)
	}
	if !errors.Is(err, io.EOF) {
		x.unmetered = x.tokensIn(kept)
		return x.streamEnd(ctx, a, err)
	}
	if len(kept) > 0 && (isJSON(contentType) || contentType == "" || hasMediaType(contentType, "text/html")) && !plausibleJSON(kept) {
		return &fault.Error{Kind: fault.Upstream, Code: "upstream_garbage", Reason: "UpstreamFailure",
			Message: "The provider's answer is not the JSON that it should be."}
	}
	a.meter.Body(kept)
	reading := a.meter.Reading()
	if x.Operation == dialect.Transcriptions && !isJSON(contentType) {
		x.unmetered = tokens.Estimate(kept) // a transcript as it is, or as subtitles
	}
	if reading.Failed {
		kept = a.choice.redacted(kept)
	}
	if a.translated {
		if kept, err = x.translateAnswer(a, kept); err != nil {
			return err
		}
		contentType = "application/json"
	}
	x.truncated = !reading.Finished
	x.Outcome, x.Reason = Served, "Upstream"
	g.settle(ctx, x, a)
	if x.left(ctx) {
		x.cut()
		return nil
	}
	x.tellCost()
	x.recorded()
	x.beginAnswer(a, a.response.Status, contentType, int64(len(kept)))
	n, err := x.out.Write(kept)
	x.BytesOut += int64(n)
	if err != nil {
		x.cut()
	}
	return nil
}

// relayLarge passes an answer on while it comes, and keeps it for the meter as
// far as the bound allows.
func (g *Gateway) relayLarge(ctx context.Context, x *exchange, a *answer, buffer *[]byte, body io.Reader, contentType string) error {
	length := a.response.Length
	if a.response.Header.Get("Content-Encoding") != "" {
		length = -1 // it was the length of what has been decoded
	}
	x.Streamed = false // whatever was asked for: what breaks off here is no stream with room for an event
	if !x.left(ctx) {
		x.beginAnswer(a, a.response.Status, contentType, length)
	}
	kept := *buffer
	x.unmetered = x.tokensIn(kept)
	metered := isJSON(contentType)
	if !x.hand(ctx, a, kept) {
		return nil
	}
	piece := make([]byte, 64<<10)
	for {
		n, err := body.Read(piece)
		x.unmetered += x.tokensIn(piece[:n])
		if metered && len(kept)+n <= x.snap.MaxAnswer {
			kept = append(kept, piece[:n]...)
		} else {
			metered = false
			x.expectNothing() // of what is not kept the usage is not read
		}
		if !x.hand(ctx, a, piece[:n]) {
			return nil
		}
		if err == nil {
			continue
		}
		if metered {
			a.meter.Body(kept)
			if a.meter.Reading().Finished {
				x.unmetered = 0 // it has been read whole
			}
		}
		*buffer = kept
		if errors.Is(err, io.EOF) && x.Outcome != Cut {
			x.Outcome, x.Reason = Served, "Upstream"
			return nil
		}
		return x.streamEnd(ctx, a, err)
	}
}

// hand passes a piece of an answer on, unless nobody takes it, and tells whether to go on.
func (x *exchange) hand(ctx context.Context, a *answer, piece []byte) bool {
	if !x.left(ctx) {
		if x.pass(piece, true) == nil {
			return true
		}
		x.parting.deafen()
	}
	return x.readOn(a, len(piece))
}

// tokensIn estimates the output in a piece of an answer, for answers that the meter
// is never shown whole.
func (x *exchange) tokensIn(piece []byte) int64 {
	if !boundable(x.Operation) {
		return 0
	}
	return tokens.Estimate(piece)
}

// maxFailure bounds the body of a provider's error, in bytes.
const maxFailure = 64 << 10

// relayFailure passes on a provider's error: its status and body as they are,
// unless they speak of our credential.
func (g *Gateway) relayFailure(ctx context.Context, x *exchange, a *answer, body io.Reader, contentType string) error {
	x.expectNothing()
	kept, err := readSome(nil, body, maxFailure)
	if err != nil && !errors.Is(err, io.EOF) && len(kept) == 0 {
		return x.streamEnd(ctx, a, err)
	}
	status := a.response.Status
	if (status == http.StatusUnauthorized || status == http.StatusForbidden) && a.choice.Passthrough == nil {
		e := reply.UpstreamError(status, kept)
		e.Reason = "UpstreamFailure"
		return e
	}
	kept = a.choice.redacted(kept)
	if status == http.StatusConflict {
		status = http.StatusBadRequest // SDKs repeat a 409 as if it were a matter of time
	}
	if a.translated {
		kept, status = translate.Failure(nil, status, kept)
		contentType = "application/json"
	}
	x.Outcome, x.Reason = Served, "Upstream"
	g.settle(ctx, x, a)
	x.tellCost()
	x.recorded()
	x.beginAnswer(a, status, contentType, int64(len(kept)))
	if x.pass(kept, false) != nil {
		x.cut()
	}
	return nil
}

// plausibleJSON tells an object or array from a page of a proxy in between; it
// does not prove the rest.
func plausibleJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n\ufeff")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[' || b[0] == '"')
}
