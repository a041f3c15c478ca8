package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const (
	jsonType  = "application/json"
	patchType = "application/merge-patch+json"
	linesType = "application/x-ndjson"
)

// waits are the pauses before a request whose connection failed is tried again.
var waits = [...]time.Duration{50 * time.Millisecond, 250 * time.Millisecond}

// Option changes one call.
type Option func(*call)

// IfMatch makes a change only if the row still has this ETag. Otherwise it is refused
// with status 412.
func IfMatch(etag string) Option {
	return func(c *call) { c.header.Set("If-Match", etag) }
}

// IdempotencyKey makes the server do the operation once, however often it is asked
// with this key. Operations that create have one of their own if none is given.
func IdempotencyKey(key string) Option {
	return func(c *call) { c.header.Set("Idempotency-Key", key) }
}

// Because puts a reason for a deletion on record.
func Because(reason string) Option {
	return func(c *call) {
		if reason != "" {
			c.query.Set("reason", reason)
		}
	}
}

// call is one request as it is put together.
type call struct {
	method string
	path   string // escaped
	query  url.Values
	header http.Header
	body   []byte
	stream io.Reader // instead of body
	once   bool      // carries an Idempotency-Key
	takes  string    // the content type of the answer
}

// request begins a call. A body that is not nil is sent as JSON.
func request(method, path string, body any, opts ...Option) (*call, error) {
	c := &call{method: method, path: "/api/v1" + path, query: url.Values{}, header: http.Header{}, takes: jsonType}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		c.body = text
		c.header.Set("Content-Type", jsonType)
		if method == http.MethodPatch {
			c.header.Set("Content-Type", patchType)
		}
	}
	for _, o := range opts {
		o(c)
	}
	return c, nil
}

// errNoID is what an empty id, or one that no path can hold, would ask for.
var errNoID = errors.New(`name what is meant by its id or name, which is neither empty, "." nor ".."`)

// item gives the path of one thing.
func item(of, id, what string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", errNoID
	}
	return of + "/" + url.PathEscape(id) + what, nil
}

// get reads an Out.
func get[Out any](ctx context.Context, c *Client, path string, filter any) (*Out, error) {
	r, err := request(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	parameters(r.query, filter)
	return answer[Out](ctx, c, r)
}

// send makes a change.
func send[Out any](ctx context.Context, c *Client, method, path string, body any, opts ...Option) (*Out, error) {
	r, err := request(method, path, body, opts...)
	if err != nil {
		return nil, err
	}
	return answer[Out](ctx, c, r)
}

// sendOnce makes a change that must happen once.
func sendOnce[Out any](ctx context.Context, c *Client, path string, body any, opts ...Option) (*Out, error) {
	r, err := request(http.MethodPost, path, body, opts...)
	if err != nil {
		return nil, err
	}
	if r.header.Get("Idempotency-Key") == "" {
		r.header.Set("Idempotency-Key", rand.Text())
	}
	r.once = true
	return answer[Out](ctx, c, r)
}

// answer does a call and reads its JSON.
func answer[Out any](ctx context.Context, c *Client, r *call) (*Out, error) {
	res, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var out Out
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return nil, fmt.Errorf("read the answer to %s %s: %w", r.method, r.path, err)
	}
	return &out, nil
}

// open does a call whose answer is read by the caller, who closes it.
func (c *Client) open(ctx context.Context, path, takes string, filter any) (io.ReadCloser, error) {
	r, err := request(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	r.takes = takes
	parameters(r.query, filter)
	res, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

// do sends a call, again if its connection fails and it may be repeated. The answer
// is a success.
func (c *Client) do(ctx context.Context, r *call) (*http.Response, error) {
	repeatable := r.stream == nil && (r.once || r.method == http.MethodGet)
	for try := 0; ; try++ {
		req, err := c.write(ctx, r)
		if err != nil {
			return nil, err
		}
		res, err := c.http.Do(req)
		if err == nil {
			return checked(req, res, r.takes)
		}
		if !repeatable || try == len(waits) || ctx.Err() != nil {
			return nil, fmt.Errorf("call the server: %w", err)
		}
		pause := time.NewTimer(waits[try])
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, fmt.Errorf("call the server: %w", err)
		case <-pause.C:
		}
	}
}

// write makes the request of a call.
func (c *Client) write(ctx context.Context, r *call) (*http.Request, error) {
	var body io.Reader
	switch {
	case r.stream != nil:
		body = r.stream
	case r.body != nil:
		body = bytes.NewReader(r.body)
	}
	target := c.base + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	req.Header = r.header.Clone()
	req.Header.Set("Accept", r.takes+", application/problem+json")
	req.Header.Set("User-Agent", c.agent)
	c.authorize(req.Header)
	return req, nil
}

// checked gives an answer that is a success and has the content type asked for, and
// otherwise the error it stands for.
func checked(req *http.Request, res *http.Response, takes string) (*http.Response, error) {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		defer res.Body.Close()
		return nil, refused(req, res)
	case kind != takes:
		defer res.Body.Close()
		start, _ := io.ReadAll(io.LimitReader(res.Body, shownBody))
		return nil, errors.New(foreign(res.Status+" with a body of type "+kind, string(start)))
	}
	return res, nil
}
