package simulated

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

// Model is the name that the list of models shows; every name is answered.
const Model = "simulated"

// Bounds of what a request may ask for.
const (
	maxTokens  = 100_000
	maxChoices = 128
	maxInputs  = 2048
	maxUpload  = 64 << 20 // bytes
	maxField   = 64 << 10 // bytes
)

// Settings say how the provider behaves where a request does not.
type Settings struct {
	Latency      time.Duration // to the first byte
	TokenLatency time.Duration // before each token
	Tokens       int           // length of an answer in tokens (0: some 30, in whole sentences)
	Now          func() time.Time
}

// Provider answers requests itself. It is safe for concurrent use.
type Provider struct {
	settings Settings
	created  time.Time
	answers  atomic.Uint64
}

var _ provider.Transport = (*Provider)(nil)

// New makes a provider. Settings.Now is required.
func New(s Settings) *Provider {
	s.Tokens = min(max(s.Tokens, 0), maxTokens)
	return &Provider{settings: s, created: s.Now()}
}

// call is one request with what is to be answered.
type call struct {
	*Provider
	ctx    context.Context
	id     uint64
	path   string
	op     dialect.Operation
	body   []byte
	peeked request.Peeked
	orders orders
	text   text
	input  int64 // tokens of the request
}

// Send implements provider.Transport. The endpoint and all header lines but
// Content-Type are of no importance.
func (p *Provider) Send(ctx context.Context, req *provider.Request) (*provider.Response, error) {
	c := &call{Provider: p, ctx: ctx, id: p.answers.Add(1), body: req.Body}
	c.path, _, _ = strings.Cut(req.Target, "?")
	c.orders = orders{latency: p.settings.Latency, delay: p.settings.TokenLatency, tokens: p.settings.Tokens, cutAfter: -1}
	op, d, known := request.Route(c.path)
	c.op = op
	res, err := c.answer(req, known)
	if err == nil {
		return res, nil
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return c.refuse(d, f, reply.Status(f)), nil
	}
	return nil, err
}

// answer gives the response, a *fault.Error to be made one, or a
// *provider.SendError.
func (c *call) answer(req *provider.Request, known bool) (*provider.Response, error) {
	switch {
	case !known || c.op == dialect.Passthrough:
		return nil, unknownURL(req.Method, c.path)
	case c.op == dialect.Models:
		return c.models()
	case req.Method != "POST":
		return nil, unknownURL(req.Method, c.path)
	}
	if kind := contentType(req); strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		return c.form(req, kind)
	}
	if req.Stream != nil {
		body, err := io.ReadAll(io.LimitReader(req.Stream, maxUpload))
		if err != nil {
			return nil, &provider.SendError{Stage: provider.Write, Err: err}
		}
		c.body = body
	}
	if err := request.Peek(c.op, c.body, &c.peeked); err != nil {
		return nil, err
	}
	if c.op != dialect.Images && c.op != dialect.Moderations {
		if err := c.peeked.RequireModel(); err != nil {
			return nil, err
		}
	}
	return c.generate()
}

// generate answers a JSON request.
func (c *call) generate() (*provider.Response, error) {
	prompt, err := request.Texts(c.op, c.body)
	if err != nil {
		return nil, err
	}
	c.input = prompt.Tokens
	last := ""
	for _, t := range prompt.Turns {
		c.input += countWords(t.Content)
		if t.Role == "user" || t.Role == "" {
			last = t.Content
		}
	}
	last = c.orders.read(last)
	if err := c.wait(c.orders.latency); err != nil {
		return nil, err
	}
	if c.orders.status != 0 {
		return c.ordered(), nil
	}
	c.text = makeText(last, c.orders.tokens, c.bound())
	switch c.op {
	case dialect.Chat, dialect.Completions:
		return c.chat(max(1, len(prompt.Turns)))
	case dialect.Responses:
		return c.responses()
	case dialect.Messages:
		return c.messages()
	case dialect.CountTokens:
		return c.json(strconv.AppendInt([]byte(`{"input_tokens":`), c.input, 10), "}"), nil
	case dialect.Embeddings:
		return c.embeddings()
	case dialect.Rerank:
		return c.rerank()
	case dialect.Moderations:
		return c.moderations()
	case dialect.Images:
		return c.images()
	case dialect.Speech:
		return c.speech(), nil
	default:
		return nil, unknownURL("POST", c.path)
	}
}

// bound is the most tokens that the caller wants, 0 for any number.
func (c *call) bound() int {
	return int(min(c.peeked.MaxTokens, maxTokens))
}

func unknownURL(method, path string) *fault.Error {
	return fault.New(fault.NotFound, "unknown_url", "Unknown request URL: %s %s. Check the path and the method.", method, path)
}

// wait lets time pass as a model would.
func (c *call) wait(d time.Duration) error {
	switch {
	case c.ctx.Err() != nil:
		return left(c.ctx, provider.Await)
	case d <= 0:
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	return sleep(c.ctx, timer, provider.Await)
}

// sleep waits for a timer, or for the end of ctx.
func sleep(ctx context.Context, timer *time.Timer, stage provider.Stage) error {
	select {
	case <-ctx.Done():
		return left(ctx, stage)
	case <-timer.C:
		return nil
	}
}

// left is the error of a request whose context has ended.
func left(ctx context.Context, stage provider.Stage) error {
	err := ctx.Err()
	return &provider.SendError{Stage: stage, Timeout: errors.Is(err, context.DeadlineExceeded), Err: err}
}

// contentType finds the header line in either of the places where one can stand.
func contentType(req *provider.Request) string {
	if v := req.Header.Get("Content-Type"); v != "" {
		return v
	}
	for line := range strings.SplitSeq(req.Static, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Type") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// form answers an upload.
func (c *call) form(req *provider.Request, kind string) (*provider.Response, error) {
	from := req.Stream
	if from == nil {
		from = bytes.NewReader(req.Body)
	}
	limits := request.Limits{Memory: 1 << 20, Total: maxUpload, Fields: maxField}
	form, err := request.PeekMultipart(from, kind, limits)
	if err != nil {
		return nil, err
	}
	defer form.Close() //nolint:errcheck // the answer does not depend on it
	if err := c.wait(c.orders.latency); err != nil {
		return nil, err
	}
	c.peeked.Model, c.peeked.Stream = form.Model, form.Stream
	_, size := form.Open("")
	switch c.op {
	case dialect.Transcriptions:
		if err := form.RequireModel(); err != nil {
			return nil, err
		}
		return c.transcribe(size, form.ResponseFormat), nil
	case dialect.Images:
		return c.images()
	default:
		return nil, fault.New(fault.Invalid, "invalid_request_body", "This path takes JSON, not a form.")
	}
}
