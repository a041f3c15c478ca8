package gateway_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
	"tollgate/internal/usage"
)

const streamBody = `{"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"Hello!"}]}`

const (
	deltaEvent = `{"id":"c","model":"m-1","choices":[{"index":0,"delta":{"content":"one two three four"}}]}`
	usageEvent = `{"id":"c","model":"m-1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}}`
)

func TestStreamsPassEventByEvent(t *testing.T) {
	s := newScene(t)
	pr, pw := io.Pipe()
	s.up.replies = append(s.up.replies, streamed(pr))
	flushed := make(chan string)
	out := &caughtAnswer{onFlush: func(total string) { flushed <- total }}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.do(call{body: streamBody, out: out})
	}()
	want := ""
	for _, piece := range []string{events(`{"choices":[{"delta":{"content":"a"}}]}`), ": keep-alive\n\n", events(deltaEvent) + events(deltaEvent)} {
		if _, err := io.WriteString(pw, piece); err != nil {
			t.Fatal(err)
		}
		want += piece
		if got := <-flushed; got != want {
			t.Errorf("the caller has %q, want %q", got, want)
		}
	}
	go func() {
		for range flushed {
		}
	}()
	_, _ = io.WriteString(pw, events(usageEvent, "[DONE]"))
	_ = pw.Close()
	<-done
	close(flushed)
	if out.text() != want+events("[DONE]") || out.flushed != out.body.Len() || out.length != -1 {
		t.Errorf("the caller has %q, %d flushed", out.text(), out.flushed)
	}
	h := out.header
	if h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-cache" || h.Get("X-Accel-Buffering") != "no" {
		t.Errorf("header %v", h)
	}
	x := s.last()
	if x.Usage.Input() != 10 || x.Usage.Output() != 9 || x.Usage.Source != usage.Reported || x.ModelServed != "m-1" || x.Outcome != gateway.Served || x.Reason != "Upstream" ||
		!x.Streamed || x.FirstByte <= 0 || x.BytesOut != int64(out.body.Len()) {
		t.Errorf("recorded %+v", x)
	}
}

func TestUsageIsHidden(t *testing.T) {
	with := `{"id":"c","choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19},"x":1}`
	without := `{"id":"c","choices":[{"index":0,"delta":{}}],"x":1}`
	for _, c := range []struct{ name, path, body, from, want string }{
		{"own event", chatPath, streamBody, events(deltaEvent, usageEvent, "[DONE]"), events(deltaEvent, "[DONE]")},
		{"on an event with more", chatPath, streamBody, events(with, "[DONE]"), events(without, "[DONE]")},
		{"completions", "/v1/completions", streamBody, events(usageEvent), ""},
		{"asked for", chatPath, `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[]}`, events(deltaEvent, usageEvent), events(deltaEvent, usageEvent)},
		{"responses", "/v1/responses", `{"model":"m","stream":true,"input":"x"}`, events(`{"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}`),
			events(`{"type":"response.completed","response":{"usage":{"input_tokens":1,"output_tokens":2}}}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, streamed(strings.NewReader(c.from)))
			out := s.do(call{path: c.path, body: c.body})
			if out.text() != c.want {
				t.Errorf("the caller has %q\nwant %q", out.text(), c.want)
			}
			if s.last().Usage.Source != usage.Reported {
				t.Errorf("recorded %+v", s.last().Usage)
			}
		})
	}
}

// What comes after the first byte cannot change the status: it is told in the dialect.
func TestStreamErrors(t *testing.T) {
	message := `{"model":"m","max_tokens":1,"stream":true,"messages":[]}`
	anthropic := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\",\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n"
	for _, c := range []struct {
		name, path, body string
		from             io.Reader
		begins, contains string
	}{
		{"chat", chatPath, streamBody, breaking(events(deltaEvent)), events(deltaEvent) + "data: {\"error\":{", `"code":"upstream_broken"`},
		{"chat, cut inside an event", chatPath, streamBody, breaking(events(deltaEvent) + "data: {\"cho"), events(deltaEvent) + "data: {\"error\":{", `"code":"upstream_broken"`},
		{"messages", "/v1/messages", message, breaking(anthropic), anthropic + "event: error\ndata: {\"type\":\"error\",\"error\":{", `"upstream_broken"`},
		{"responses", "/v1/responses", `{"model":"m","stream":true,"input":"x"}`, breaking(events(`{"type":"response.created"}`)),
			events(`{"type":"response.created"}`) + "event: error\ndata: {\"type\":\"error\"", "event: response.failed\n"},
		{"too long an event", chatPath, streamBody, strings.NewReader(events(deltaEvent, strings.Repeat("x", 2<<20))), events(deltaEvent) + "data: {\"error\":{", `"code":"upstream_event_too_large"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, streamed(c.from))
			out := s.do(call{path: c.path, body: c.body})
			if out.status != 200 || !strings.HasPrefix(out.text(), c.begins) || !strings.Contains(out.text(), c.contains) || strings.Contains(out.text(), "[DONE]") {
				t.Errorf("the caller has %d %q", out.status, out.text())
			}
			if out.flushed != out.body.Len() || out.aborted {
				t.Errorf("%d of %d bytes flushed, aborted %v", out.flushed, out.body.Len(), out.aborted)
			}
			x := s.last()
			if x.Outcome != gateway.Failed || x.Reason != "UpstreamFailure" || x.Err == nil || x.Status != 200 || len(x.Attempts) != 1 {
				t.Errorf("recorded %+v", x)
			}
			if strings.Contains(out.text(), "unexpected EOF") {
				t.Error("the caller is told the cause")
			}
		})
	}
}

func TestStreamTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(r *sent) (*provider.Response, error) {
			return streamed(io.MultiReader(strings.NewReader(events(deltaEvent)), slow{r.ctx, time.Hour, strings.NewReader("")}))(r)
		})
		s.route.RequestTimeout = time.Second
		out := s.do(call{body: streamBody})
		if out.status != 200 || !strings.Contains(out.text(), `"code":"request_timeout"`) {
			t.Errorf("%d %q", out.status, out.text())
		}
		if x := s.last(); x.Reason != "Timeout" || x.Outcome != gateway.Failed || x.Usage.Source != usage.Estimated || x.Usage.Output() == 0 {
			t.Errorf("recorded %+v", x)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, func(r *sent) (*provider.Response, error) {
			return typed(200, "application/json", slow{r.ctx, time.Hour, strings.NewReader(good)}, -1)(r)
		})
		s.route.RequestTimeout = time.Second
		s.do(call{}).want(t, 504, "request_timeout")
	})
}

// A stream that says itself that it failed is over, though it ends as it should.
func TestStreamsThatReportFailure(t *testing.T) {
	text := events(`{"error":{"message":"overloaded","code":503}}`)
	s := newScene(t, streamed(strings.NewReader(text)))
	out := s.do(call{body: streamBody})
	if out.text() != text {
		t.Errorf("the caller has %q", out.text())
	}
	if x := s.last(); x.Outcome != gateway.Failed || x.Reason != "UpstreamFailure" {
		t.Errorf("recorded %v %s", x.Outcome, x.Reason)
	}
}

// Callers that stop taking an answer are told from providers that stop giving it.
func TestCallersThatAreGone(t *testing.T) {
	large := `{"a":"` + strings.Repeat("x", 600<<10) + `"}`
	for name, reply := range map[string]func(*sent) (*provider.Response, error){
		"stream": streamed(strings.NewReader(events(deltaEvent))),
		"whole":  whole(200, good),
		"large":  whole(200, large),
		"error":  whole(400, `{"error":{"message":"m"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, reply)
			s.do(call{body: streamBody, out: &caughtAnswer{fail: errors.New("broken pipe")}})
			if x := s.last(); x.Outcome != gateway.Cut || x.Status != 499 || x.Err != nil {
				t.Errorf("recorded %v %d %v", x.Outcome, x.Status, x.Err)
			}
			if s.up.open != 0 {
				t.Error("the provider is still asked")
			}
			if !s.target.Health.Available(time.Now()) {
				t.Error("the target pays for it")
			}
		})
	}
}

func TestTypesOfAnswers(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		stream                  bool
		want                    string // content type that the caller sees
		streamed                bool
	}{
		{"JSON", "application/json", good, false, "application/json", false},
		{"JSON with charset", "application/json; charset=utf-8", good, false, "application/json; charset=utf-8", false},
		{"JSON for a stream", "application/json", good, true, "application/json", false},
		{"no type", "", good, false, "", false},
		{"stream", "text/event-stream;charset=utf-8", events(deltaEvent), true, "text/event-stream", true},
		{"stream that was not asked for", "Text/Event-Stream", events(deltaEvent), false, "text/event-stream", true},
		{"stream by another name", "text/plain", events(deltaEvent), true, "text/event-stream", true},
		{"nearly a stream", "text/event-streams", "x", false, "text/event-streams", false},
		{"audio", "audio/mpeg", "ID3", false, "audio/mpeg", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, typed(200, c.contentType, strings.NewReader(c.body), -1))
			body := chatBody
			if c.stream {
				body = streamBody
			}
			out := s.do(call{body: body})
			if out.status != 200 || out.text() != c.body || out.header.Get("Content-Type") != c.want || (out.length < 0) != c.streamed {
				t.Errorf("%d %v %d %q", out.status, out.header, out.length, out.text())
			}
		})
	}
}

func TestGarbage(t *testing.T) {
	for body, status := range map[string]int{"<html>": 502, " \n{}": 200, "[]": 200, `"text"`: 200, "": 200, "\ufeff{}": 200, "  ": 502, "null": 502} {
		for _, contentType := range []string{"application/json", ""} {
			s := newScene(t, typed(200, contentType, strings.NewReader(body), -1))
			out := s.do(call{})
			if out.status != status || status == 502 && !strings.Contains(out.text(), "upstream_garbage") {
				t.Errorf("%q as %q: %d %s", body, contentType, out.status, out.text())
			}
			if status == 502 && (s.last().Outcome != gateway.Failed || s.last().Reason != "UpstreamFailure") {
				t.Errorf("recorded %+v", s.last())
			}
		}
	}
	s := newScene(t, typed(200, "text/plain", strings.NewReader("WEBVTT"), -1))
	s.do(call{}).want(t, 200, "WEBVTT")
}

func compressed(kind, text string) io.Reader {
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if kind == "deflate" {
		w = zlib.NewWriter(&b)
	}
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return &b
}

func TestCompressedAnswers(t *testing.T) {
	for _, c := range []struct {
		encoding string
		body     io.Reader
		status   int
	}{
		{"gzip", compressed("gzip", good), 200},
		{" X-GZIP ", compressed("gzip", good), 200},
		{"deflate", compressed("deflate", good), 200},
		{"identity", strings.NewReader(good), 200},
		{"br", strings.NewReader("x"), 502},
		{"gzip", strings.NewReader("no gzip at all"), 502},
		{"gzip, gzip", compressed("gzip", good), 502},
	} {
		t.Run(c.encoding, func(t *testing.T) {
			s := newScene(t, func(*sent) (*provider.Response, error) {
				return &provider.Response{Status: 200, Header: jsonHeader("Content-Encoding", c.encoding, "Content-Length", "7"), Body: io.NopCloser(c.body), Length: 7}, nil
			})
			out := s.do(call{})
			if c.status != 200 {
				out.want(t, 502, "upstream_encoding")
				if s.last().Outcome != gateway.Failed {
					t.Errorf("recorded %v", s.last().Outcome)
				}
				return
			}
			if out.text() != good || out.length != int64(len(good)) || out.header.Get("Content-Encoding") != "" {
				t.Errorf("%d %v %s", out.length, out.header, out.text())
			}
			if s.last().Usage.Input() != 10 {
				t.Errorf("recorded %+v", s.last().Usage)
			}
		})
	}
	// A compressed stream is read event by event as well.
	s := newScene(t, func(*sent) (*provider.Response, error) {
		h := provider.Header{{Name: "Content-Type", Value: "text/event-stream"}, {Name: "Content-Encoding", Value: "gzip"}}
		return &provider.Response{Status: 200, Header: h, Body: io.NopCloser(compressed("gzip", events(deltaEvent, usageEvent))), Length: -1}, nil
	})
	if out := s.do(call{body: streamBody}); out.text() != events(deltaEvent) || s.last().Usage.Input() != 10 {
		t.Errorf("%q %+v", out.text(), s.last().Usage)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{300, 301, 302, 304, 307, 399} {
		s := newScene(t, whole(status, "{}", "Location", "http://elsewhere/secret"))
		out := s.do(call{})
		out.want(t, 502, "upstream_redirect")
		if out.header.Get("Location") != "" || strings.Contains(out.text(), "elsewhere") || len(s.up.seen) != 1 || s.up.open != 0 {
			t.Errorf("%v %s", out.header, out.text())
		}
	}
}

func TestProvidersErrors(t *testing.T) {
	quoting := `{"error":{"message":"Incorrect API key provided: real-credential-1","code":"invalid_api_key"}}`
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   int
		text   string
	}{
		{"as it is", 400, `{"error": {"message":"bad"}}`, 400, `{"error": {"message":"bad"}}`},
		{"not JSON", 404, `<html>no</html>`, 404, `<html>no</html>`},
		{"401", 401, quoting, 502, "upstream_auth"},
		{"403", 403, quoting, 502, "upstream_auth"},
		{"500 that quotes the credential", 500, quoting, 500, "provided: [redacted]"},
		{"402", 402, `{"error":{"message":"pay"}}`, 402, "pay"},
		{"empty", 503, "", 503, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, whole(c.status, c.body, "Retry-After", "3", "X-Request-Id", "up-1", "Set-Cookie", "a=b", "Www-Authenticate", "Bearer"))
			s.target.Secret = secret.New("real-credential-1")
			out := s.do(call{})
			out.want(t, c.want, c.text)
			if strings.Contains(out.text(), "real-credential-1") {
				t.Error("the caller sees the credential")
			}
			if out.length != int64(out.body.Len()) || out.header.Get("Set-Cookie") != "" || out.header.Get("Www-Authenticate") != "" {
				t.Errorf("length %d, header %v", out.length, out.header)
			}
			x := s.last()
			if x.Usage.Source != usage.Absent || x.Attempts[0].Status != c.status || x.Status != c.want {
				t.Errorf("recorded %+v", x)
			}
			if c.want == c.status && (out.header.Get("Retry-After") != "3" || x.Outcome != gateway.Served || out.header.Get("X-Tollgate-Upstream-Request-Id") != "up-1") {
				t.Errorf("header %v, recorded %v", out.header, x.Outcome)
			}
			if c.want == 502 && (x.Outcome != gateway.Failed || x.Reason != "UpstreamFailure" || out.header.Get("X-Should-Retry") != "false") {
				t.Errorf("recorded %v %s, header %v", x.Outcome, x.Reason, out.header)
			}
		})
	}
	// Of the caller's own credential the caller may be told.
	s := newScene(t, whole(401, quoting))
	s.route.Gate.Auth = nil
	s.target.Passthrough = &gateway.Passthrough{}
	s.do(call{header: bearer("own")}).want(t, 401, "Incorrect API key")
	// A long error is cut, one that breaks off before it began is none.
	s = newScene(t, whole(400, strings.Repeat("x", 1<<20)))
	if out := s.do(call{}); out.body.Len() < 64<<10 || out.body.Len() > 256<<10 || out.length != int64(out.body.Len()) {
		t.Errorf("%d bytes of a long error", out.body.Len())
	}
	s = newScene(t, typed(400, "application/json", brokenReader{}, 10))
	s.do(call{}).want(t, 502, "upstream_broken")
	s = newScene(t, typed(400, "application/json", breaking(`{"error":`), 100))
	s.do(call{}).want(t, 400, `{"error":`)
}

func TestReturnedHeaders(t *testing.T) {
	s := newScene(t, whole(200, good, "openai-processing-ms", "5", "openai-version", "v", "x-should-retry", "true", "content-disposition", "d",
		"content-language", "en", "retry-after", "1", "retry-after-ms", "2", "request-id", "up-2",
		"openai-organization", "org", "x-ratelimit-remaining-requests", "3", "anthropic-ratelimit-requests-limit", "3", "server", "s", "connection", "x",
		"x-tollgate-key", "forged", "X-Remove", "1"))
	s.target.ResponseHeaders = &gateway.HeaderPolicy{Remove: []string{"Openai-Version"}, Set: headerOf("X-From", "target"), Add: headerOf("X-Add", "1")}
	s.route.ResponseHeaders = &gateway.HeaderPolicy{Set: headerOf("X-From", "route"), Add: headerOf("X-Add", "2")}
	h := s.do(call{}).header
	for name, want := range map[string]string{
		"Openai-Processing-Ms": "5", "X-Should-Retry": "true", "Content-Disposition": "d", "Content-Language": "en", "Retry-After": "1", "Retry-After-Ms": "2",
		"X-Tollgate-Upstream-Request-Id": "up-2", "X-From": "route", "X-Add": "1", "X-Tollgate-Key": "key_alice",
	} {
		if h.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, h.Get(name), want)
		}
	}
	for _, name := range []string{"Openai-Version", "Openai-Organization", "X-Ratelimit-Remaining-Requests", "Server", "Connection", "Anthropic-Ratelimit-Requests-Limit", "X-Remove", "Request-Id"} {
		if len(h[name]) > 0 {
			t.Errorf("the caller sees %s", name)
		}
	}
	if len(h["X-Add"]) != 2 {
		t.Errorf("X-Add is %v", h["X-Add"])
	}
	if id := h.Get("X-Request-Id"); id != s.last().ID || !strings.HasPrefix(id, "req_") || len(id) != 24 {
		t.Errorf("the request is called %q and recorded as %q", id, s.last().ID)
	}
}

// zeros gives n bytes of JSON white space around an object without ever holding them.
func largeJSON(n int) io.Reader {
	return io.MultiReader(strings.NewReader(good[:len(good)-1]), io.LimitReader(spaces{}, int64(n)), strings.NewReader("}"))
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestLargeAnswers(t *testing.T) {
	size := func(n int) int { return len(good) + n }
	for _, c := range []struct {
		name        string
		n           int
		contentType string
		streamed    bool // before its end is there
		metered     bool
	}{
		{"just small", 256<<10 - len(good) - 1, "application/json", false, true},
		{"just large", 256<<10 - len(good), "application/json", true, true},
		{"at the bound of the meter", 1<<20 - len(good), "application/json", true, true},
		{"beyond it", 1<<20 - len(good) + 1, "application/json", true, false},
		{"far beyond it", 5 << 20, "application/json", true, false},
		{"no JSON", 512 << 10, "audio/mpeg", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, typed(200, c.contentType, largeJSON(c.n), int64(size(c.n))))
			first := -1
			out := s.do(call{out: &caughtAnswer{onFlush: func(total string) {
				if first < 0 {
					first = len(total)
				}
			}}})
			if out.status != 200 || out.body.Len() != size(c.n) || out.length != int64(size(c.n)) || !strings.HasSuffix(out.text(), " }") {
				t.Errorf("%d, %d bytes of %d", out.status, out.body.Len(), out.length)
			}
			if c.streamed != (first >= 0) || first > 300<<10 {
				t.Errorf("the first piece had %d bytes", first)
			}
			x := s.last()
			if c.metered != (x.Usage.Source == usage.Reported) || x.Outcome != gateway.Served || x.BytesOut != int64(size(c.n)) || x.Reason != "Upstream" {
				t.Errorf("recorded %v %v, %d bytes", x.Usage.Source, x.Outcome, x.BytesOut)
			}
		})
	}
	// One that breaks off is left visibly incomplete, without a word.
	s := newScene(t, typed(200, "application/json", io.MultiReader(largeJSON(300<<10), brokenReader{}), 1<<20))
	out := s.do(call{})
	if !out.aborted || strings.Contains(out.text(), "error") || out.length != 1<<20 {
		t.Errorf("aborted %v, %d bytes", out.aborted, out.body.Len())
	}
	if x := s.last(); x.Outcome != gateway.Failed || x.Reason != "UpstreamFailure" {
		t.Errorf("recorded %v %s", x.Outcome, x.Reason)
	}
	// A small one can still become an error.
	s = newScene(t, typed(200, "application/json", breaking(good[:50]), int64(len(good))))
	s.do(call{}).want(t, 502, "upstream_broken")
}

func TestPanicsAreRecorded(t *testing.T) {
	s := newScene(t, func(*sent) (*provider.Response, error) { panic("bug") })
	func() {
		defer func() { _ = recover() }()
		s.do(call{})
		t.Error("the panic was swallowed")
	}()
	if x := s.last(); x.Outcome != gateway.Aborted {
		t.Errorf("recorded %v", x.Outcome)
	}
}

func TestBrokenInternals(t *testing.T) {
	s := newScene(t)
	out := s.do(call{reader: errReader{errors.New("secret cause")}})
	out.want(t, 500, "internal_error")
	if strings.Contains(out.text(), "secret cause") {
		t.Errorf("%s", out.text())
	}
	if !strings.Contains(s.log.String(), "secret cause") || !strings.Contains(s.log.String(), s.last().ID) {
		t.Errorf("the log says %q", s.log.String())
	}
}

// A provider that quotes its credential is kept from telling it to the caller,
// whatever status it does that with.
func TestCredentialsAreRedacted(t *testing.T) {
	const key = "real-credential-1"
	failure := `{"error":{"message":"bad key real-credential-1"}}`
	for name, reply := range map[string]func(*sent) (*provider.Response, error){
		"error":         whole(500, failure),
		"whole":         whole(200, failure),
		"stream":        streamed(strings.NewReader(events(deltaEvent, failure))),
		"part of event": streamed(strings.NewReader(events(`{"choices":[],"error":"real-credential-1"}`))),
	} {
		s := newScene(t, reply)
		s.target.Secret = secret.New(key)
		out := s.do(call{body: streamBody})
		if text := out.text(); strings.Contains(text, key) || !strings.Contains(text, "[redacted]") {
			t.Errorf("%s: the caller has %s", name, text)
		}
		if out.length >= 0 && out.length != int64(out.body.Len()) {
			t.Errorf("%s: %d bytes announced, %d sent", name, out.length, out.body.Len())
		}
	}
	// A placeholder is a word like any other.
	s := newScene(t, whole(400, `{"error":{"message":"none of these"}}`))
	s.target.Secret = secret.New("none")
	s.do(call{}).want(t, 400, "none of these")
}

// The length of a large answer that came compressed is not known.
func TestLargeCompressedAnswers(t *testing.T) {
	text := string(must(io.ReadAll(largeJSON(300 << 10))))
	s := newScene(t, func(*sent) (*provider.Response, error) {
		return &provider.Response{Status: 200, Header: jsonHeader("Content-Encoding", "gzip"), Body: io.NopCloser(compressed("gzip", text)), Length: 999}, nil
	})
	if out := s.do(call{}); out.length != -1 || out.text() != text {
		t.Errorf("%d bytes announced, %d sent", out.length, out.body.Len())
	}
}

// A caller who left before anything was sent must not find an empty answer.
func TestSilenceIsNoAnswer(t *testing.T) {
	s := newScene(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.up.replies = append(s.up.replies, func(r *sent) (*provider.Response, error) { cancel(); return hangs(r) })
	if out := s.do(call{ctx: ctx}); out.status != 0 || !out.aborted {
		t.Errorf("%d, aborted %v", out.status, out.aborted)
	}
	// What is wrong with the request is told even then.
	s.do(call{ctx: ctx, header: gateway.Header{}}).want(t, 401, "")
}
