// Package standard sends requests with net/http: for endpoints that want what
// package lean does not have, HTTP/2 and forward proxies. It owns the mapping of
// requests, answers and errors between the two worlds and knows nothing else.
package standard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tollgate/internal/provider"
)

const (
	// maxHead bounds the head of an answer in bytes.
	maxHead = 256 << 10
	// forgetAfter is how long an endpoint is remembered that nobody uses.
	forgetAfter = 10 * time.Minute
	// A connection of HTTP/2 that was silent for pingAfter is asked whether it
	// lives, and given up after pingTimeout.
	pingAfter   = 30 * time.Second
	pingTimeout = 15 * time.Second
)

var errSwitched = errors.New("the answer switches to a protocol that nobody asked for")

// Transport sends requests through one http.Transport per endpoint. The zero
// Transport is ready for use.
type Transport struct {
	mu      sync.Mutex
	clients map[string]*client // by Endpoint.Key
}

// client is the http.Transport of one endpoint.
type client struct {
	*http.Transport
	used time.Time
}

var _ provider.Transport = (*Transport)(nil)

// New gives a Transport without connections.
func New() *Transport { return new(Transport) }

// CloseIdle closes the connections that are not in use.
func (t *Transport) CloseIdle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.clients {
		c.CloseIdleConnections()
	}
}

// Close closes the connections that are not in use, and lets those in use close
// when their exchanges end. Requests can still be sent.
func (t *Transport) Close() {
	t.CloseIdle()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients = nil
}

// Send implements provider.Transport. What is sent a second time is decided by
// http.Transport: a Replayable request whose reused connection broke before an
// answer, and any other of which no byte was written or which the server of
// HTTP/2 declared untouched.
func (t *Transport) Send(ctx context.Context, req *provider.Request) (*provider.Response, error) {
	if err := req.Validate(); err != nil {
		return nil, &provider.SendError{Stage: provider.Connect, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return nil, provider.NewSendError(ctx, provider.Connect, err)
	}
	c, err := t.client(req.Endpoint)
	if err != nil {
		return nil, &provider.SendError{Stage: provider.Connect, Err: err}
	}
	src := newSource(req)
	defer src.stop()
	var seen progress
	out, err := outgoing(seen.watch(ctx), req, src)
	if err != nil {
		return nil, &provider.SendError{Stage: provider.Connect, Err: err}
	}
	res, err := c.RoundTrip(out)
	if err != nil {
		src.stop()
		return nil, sendError(ctx, seen.stage(src), err)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		_ = res.Body.Close()
		return nil, &provider.SendError{Stage: provider.Read, Err: errSwitched}
	}
	if res.StatusCode < 300 {
		src.wait(ctx) // an early answer, but the provider goes on reading
	}
	return &provider.Response{
		Status: res.StatusCode,
		Header: header(res.Header),
		Body:   &body{ctx: ctx, rc: res.Body},
		Length: res.ContentLength,
		Reused: seen.reused.Load(),
	}, nil
}

// client finds or makes the http.Transport of e. Those of endpoints that went
// out of use are dropped when one is made; their exchanges go on.
func (t *Transport) client(e *provider.Endpoint) (*client, error) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.clients[e.Key]; c != nil {
		c.used = now
		return c, nil
	}
	made, err := newClient(e)
	if err != nil {
		return nil, err
	}
	made.used = now
	for key, c := range t.clients {
		if now.Sub(c.used) > forgetAfter {
			c.CloseIdleConnections()
			delete(t.clients, key)
		}
	}
	if t.clients == nil {
		t.clients = make(map[string]*client)
	}
	t.clients[e.Key] = made
	return made, nil
}

func newClient(e *provider.Endpoint) (*client, error) {
	limit := cmp.Or(e.ConnectTimeout, provider.DefaultConnectTimeout)
	dialer := new(net.Dialer) // of a proxy, which is the operator's own
	if e.Proxy == "" {
		dialer = e.Dialer()
	}
	dialer.Timeout = limit
	rt := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    limit,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    cmp.Or(e.MaxIdle, provider.DefaultMaxIdle),
		IdleConnTimeout:        cmp.Or(e.IdleTimeout, provider.DefaultIdleTimeout),
		MaxResponseHeaderBytes: maxHead,
		Protocols:              new(http.Protocols),
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	switch {
	case !e.HTTP2:
		rt.Protocols.SetHTTP1(true)
	case e.TLS == nil:
		rt.Protocols.SetUnencryptedHTTP2(true)
	default:
		rt.Protocols.SetHTTP1(true)
		rt.Protocols.SetHTTP2(true)
		rt.ForceAttemptHTTP2 = true
	}
	if e.TLS != nil {
		rt.TLSClientConfig = e.TLS.Clone()
		// net/http fills in the name, which for a proxy with TLS is the proxy's.
		if host, _, err := net.SplitHostPort(e.Host); err == nil && host == e.TLS.ServerName {
			rt.TLSClientConfig.ServerName = ""
		}
		if !e.HTTP2 {
			rt.TLSClientConfig.NextProtos = []string{"http/1.1"}
		}
	}
	if e.Proxy != "" {
		u, err := url.Parse(e.Proxy)
		if err != nil {
			return nil, errors.New("the proxy URL is malformed") // its text may be secret
		}
		rt.Proxy = http.ProxyURL(u)
	}
	return &client{Transport: rt}, nil
}

// outgoing is the request as net/http wants it.
func outgoing(ctx context.Context, req *provider.Request, src *source) (*http.Request, error) {
	u, err := target(req)
	if err != nil {
		return nil, err
	}
	h := make(http.Header)
	for line := range strings.SplitSeq(strings.TrimSuffix(req.Static, "\r\n"), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h[name] = append(h[name], value)
		}
	}
	for _, f := range req.Header {
		if !provider.Framing(f.Name) {
			h[f.Name] = append(h[f.Name], f.Value)
		}
	}
	// Names with no values are not sent: the first keeps net/http from naming
	// itself, the second tells it that a repetition does no harm.
	for name, wanted := range map[string]bool{"User-Agent": true, "X-Idempotency-Key": req.Replayable} {
		if _, set := h[name]; wanted && !set {
			h[name] = nil
		}
	}
	out := &http.Request{
		Method: req.Method, URL: u, Host: req.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: req.Size(),
	}
	if req.Size() != 0 {
		out.Body = src.open()
		if req.Stream == nil {
			out.GetBody = func() (io.ReadCloser, error) { return src.open(), nil }
		}
	}
	return out.WithContext(ctx), nil
}

// target makes the URL such that the request target is sent byte for byte. Only
// a proxy that is given whole URLs gets one that net/http has put together.
func target(req *provider.Request) (*url.URL, error) {
	u := &url.URL{Scheme: "http", Host: req.Endpoint.Host}
	if req.Endpoint.TLS != nil {
		u.Scheme = "https"
	}
	plainProxy := req.Endpoint.Proxy != "" && req.Endpoint.TLS == nil
	if !plainProxy && !strings.HasPrefix(req.Target, "//") {
		u.Opaque = req.Target
		return u, nil
	}
	path, query, asked := strings.Cut(req.Target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, errors.New("the request target is malformed")
	}
	u.Path, u.RawPath, u.RawQuery, u.ForceQuery = plain, path, query, asked && query == ""
	return u, nil
}

// header gives h as a list, by name, so that the order is always the same.
func header(h http.Header) provider.Header {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	list := make(provider.Header, 0, len(h))
	for _, name := range names {
		for _, value := range h[name] {
			list = append(list, provider.Field{Name: name, Value: value})
		}
	}
	return list
}

// body gives errors their stage.
type body struct {
	ctx context.Context
	rc  io.ReadCloser
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	if err != nil && err != io.EOF {
		err = sendError(b.ctx, provider.Read, err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	if err := b.rc.Close(); err != nil {
		return fmt.Errorf("closing the body: %w", err)
	}
	return nil
}
