package dataplane_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/gateway"
)

// client is one connection on which tests write what no library would.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func (h *house) dial(t testing.TB) *client {
	t.Helper()
	conn := must(net.Dial("tcp", strings.TrimPrefix(h.url, "http://")))
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &client{t, conn, bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) post(body string) {
	c.t.Helper()
	c.send(fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: GW.example.:80\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s", testKey, len(body), body))
}

func (c *client) head() *http.Response {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp
}

func (c *client) answer() (*http.Response, string) {
	c.t.Helper()
	resp := c.head()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(text)
}

const streamAsked = `{"model":"m","stream":true,"messages":[]}`

// Every event reaches the caller before the next one is there, however small it
// is, and the connection serves further requests of either kind afterwards.
func TestEventsArriveAsTheyCome(t *testing.T) {
	next := make(chan bool)
	h := build(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(string(must(io.ReadAll(r.Body))), `"stream":true`) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, answer)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; <-next; i++ {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
		}
	}, nil)
	c := h.dial(t)
	for range 3 {
		c.post(streamAsked)
		next <- true
		resp := c.head()
		if resp.Header.Get("Content-Type") != "text/event-stream" || resp.ContentLength != -1 {
			t.Fatalf("head %v", resp.Header)
		}
		events := bufio.NewReader(resp.Body)
		for i := range 5 {
			for _, want := range []string{fmt.Sprintf("data: %d\n", i), "\n"} {
				if line := must(events.ReadString('\n')); line != want {
					t.Fatalf("got %q, want %q", line, want)
				}
			}
			if i < 4 {
				next <- true
			}
		}
		next <- false
		if rest := must(io.ReadAll(events)); len(rest) > 0 {
			t.Fatalf("more came: %q", rest)
		}
		c.post(chat)
		if resp, text := c.answer(); resp.StatusCode != 200 || text != answer || resp.ContentLength != int64(len(answer)) {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
	}
}

// Events larger than what is gathered pass whole and in order.
func TestLargeEvents(t *testing.T) {
	var events []string
	for i := range 20 {
		events = append(events, strings.Repeat(string(rune('a'+i)), 10_000*i+1))
	}
	h := build(t, stream(events...), nil)
	_, text := h.post(t, "/v1/chat/completions", streamAsked)
	if want := "data: " + strings.Join(events, "\n\ndata: ") + "\n\n"; text != want {
		t.Errorf("%d bytes came, want %d", len(text), len(want))
	}
}

func TestHeadsInPieces(t *testing.T) {
	var seen string
	var header http.Header
	h := build(t, echo(&seen, &header), nil)
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(chat), chat)
	head := "POST /v1/chat/completions HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer " + testKey + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	// A head that came whole: the connection stays, also after another request. One that
	// is written whole can come in pieces on a busy machine: then it may be closed.
	stays := func() bool {
		c := h.dial(t)
		for range 2 {
			c.send(head + chunked)
			resp, text := c.answer()
			if resp.StatusCode != 200 || seen != chat {
				t.Errorf("%d: %s", resp.StatusCode, text)
			}
			if resp.Close {
				return false
			}
			c.post(chat)
			if resp, text := c.answer(); resp.StatusCode != 200 || resp.Close {
				t.Errorf("%d, closed %v: %s", resp.StatusCode, resp.Close, text)
			}
		}
		return true
	}
	kept := false
	for i := 0; i < 3 && !kept; i++ {
		kept = stays()
	}
	if !kept {
		t.Error("the connection is closed although the head came whole")
	}
	// One that fills more than the server's buffer cannot be seen whole.
	c := h.dial(t)
	c.send(strings.Replace(head, "Host", "X-Long: "+strings.Repeat("x", 8<<10)+"\r\nHost", 1) + chunked)
	if resp, text := c.answer(); resp.StatusCode != 200 || !resp.Close {
		t.Errorf("%d, closed %v: %s", resp.StatusCode, resp.Close, text)
	}
	// Both lengths, in any case of letters.
	c = h.dial(t)
	c.send(strings.Replace(head, "Transfer", "content-LENGTH: 3\r\nTransfer", 1) + chunked)
	if resp, text := c.answer(); resp.StatusCode != 400 || !strings.Contains(text, "conflicting_length") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

func TestTargetsOfRequests(t *testing.T) {
	h := build(t, func(http.ResponseWriter, *http.Request) { t.Error("a refused request reached the provider") }, nil)
	for target, code := range map[string]string{
		"/v1/a%2Fb": "invalid_path", "/v1/a%5cb": "invalid_path", "/v1/%2E%2e/x": "invalid_path", "/v1/a%00": "invalid_path", "/v1/a%252fb": "invalid_path",
		"/v1/a%0ab": "invalid_path", "/v1/a%7f": "invalid_path", `/v1/a\b`: "invalid_path", "/v1/./x": "invalid_path", "/v1/x/..": "invalid_path", "*": "invalid_path",
		"/v1/.hidden": "invalid_request_body", "/v1/...": "invalid_request_body", "/v1/a..b": "invalid_request_body",
	} {
		c := h.dial(t)
		method := "POST"
		if target == "*" {
			method = "OPTIONS"
		}
		c.send(method + " " + target + " HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer " + testKey + "\r\nContent-Length: 1\r\n\r\nx")
		resp, text := c.answer()
		if target == "*" && resp.StatusCode == 200 && text == "" {
			continue // net/http answers OPTIONS * itself
		}
		if resp.StatusCode != 400 || !strings.Contains(text, code) {
			t.Errorf("%s: %d %s, want %s", target, resp.StatusCode, text, code)
		}
		if !strings.HasPrefix(resp.Header.Get("X-Request-Id"), "req_") {
			t.Errorf("%s: header %v", target, resp.Header)
		}
	}
}

func TestConnectionHeaders(t *testing.T) {
	var seen string
	var header http.Header
	h := build(t, echo(&seen, &header), nil)
	for value, status := range map[string]int{
		"keep-alive": 200, "close": 200, "Keep-Alive, TE": 200, "": 200, "Upgrade, HTTP2-Settings": 200,
		"x-api-key": 400, "close, Authorization": 400, "content-type": 400,
	} {
		c := h.dial(t)
		c.send(fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: gw\r\nConnection: %s\r\nX-Api-Key: %s\r\nContent-Length: %d\r\n\r\n%s", value, testKey, len(chat), chat))
		if resp, text := c.answer(); resp.StatusCode != status {
			t.Errorf("%q: %d %s", value, resp.StatusCode, text)
		}
	}
}

func TestMethods(t *testing.T) {
	h := build(t, func(http.ResponseWriter, *http.Request) { t.Error("the provider was asked") }, nil)
	c := h.dial(t)
	auth := "Host: gw\r\nAuthorization: Bearer " + testKey + "\r\n\r\n"
	c.send("GET /v1/models HTTP/1.1\r\n" + auth)
	got, list := c.answer()
	if got.StatusCode != 200 || !strings.Contains(list, `"object":"list"`) {
		t.Fatalf("%d %s", got.StatusCode, list)
	}
	// HEAD is GET without the body, on the same connection.
	c.send("HEAD /v1/models HTTP/1.1\r\n" + auth)
	head := must(http.ReadResponse(c.in, must(http.NewRequest(http.MethodHead, "/", nil))))
	if head.StatusCode != 200 || head.ContentLength != int64(len(list)) {
		t.Errorf("HEAD: %d, %d bytes announced of %d", head.StatusCode, head.ContentLength, len(list))
	}
	c.send("OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: gw\r\n\r\n")
	if resp, text := c.answer(); resp.StatusCode != 401 {
		t.Errorf("OPTIONS without CORS: %d %s", resp.StatusCode, text)
	}
	c.send("GET /v1/chat/completions HTTP/1.1\r\n" + auth)
	if resp, text := c.answer(); resp.StatusCode != 400 || !strings.Contains(text, "invalid_request_body") {
		t.Errorf("GET: %d %s", resp.StatusCode, text)
	}
}

func TestHostsAreRecordedWithoutPorts(t *testing.T) {
	h := build(t, stream("x"), nil)
	for host, want := range map[string]string{"GW.example:80": "gw.example", "gw.example.": "gw.example", "[::1]:80": "::1", "[::1]": "[::1]", "gw": "gw"} {
		c := h.dial(t)
		c.send("GET /v1/models HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		c.answer()
		if x := h.last(t); x.Host != want || x.Scheme != "http" || x.Proto != "HTTP/1.1" || x.RemoteAddr == "" {
			t.Errorf("%s is recorded as %q", host, x.Host)
		}
	}
}

// An answer that cannot be finished must not look finished.
func TestBrokenAnswersLookBroken(t *testing.T) {
	for name, length := range map[string]string{"with a length": "500000", "without": ""} {
		t.Run(name, func(t *testing.T) {
			h := build(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				_, _ = io.WriteString(w, "{"+strings.Repeat(" ", 400_000))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}, nil)
			c := h.dial(t)
			c.post(chat)
			resp := c.head()
			text, err := io.ReadAll(resp.Body)
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(text) == 0 || strings.Contains(string(text), "error") {
				t.Errorf("%d bytes, %v", len(text), err)
			}
			if x := h.last(t); x.Outcome != gateway.Failed {
				t.Errorf("recorded %v", x.Outcome)
			}
		})
	}
}

// lined answers with prepared header lines, if the path of the request asks for them.
type lined struct{ could []bool }

func (l *lined) Refuse(*gateway.Request, gateway.Responder, *fault.Error) {}

func (l *lined) Serve(_ context.Context, req *gateway.Request, out gateway.Responder) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	if strings.HasSuffix(req.Path, "/lined") {
		l.could = append(l.could, out.Lines([]byte("X-One: 1\r\nX-Two: 2, 3\r\n")))
	}
	out.Header()["X-Own"] = []string{"own"}
	if strings.HasPrefix(req.Path, "/stream") {
		out.Start(200, -1)
		for range 3 {
			_, _ = io.WriteString(out, "HTTP/1.1 is no head here\n")
			_ = out.Flush()
		}
		return
	}
	out.Start(200, 4)
	_, _ = io.WriteString(out, "body")
}

// Prepared lines stand in the head of the answer that they are for and nowhere else.
func TestPreparedLines(t *testing.T) {
	h := build(t, stream(), nil)
	l := &lined{}
	h.surface.Gateway = l
	conn := h.dial(t)
	for _, c := range []struct{ request, body string }{
		{"GET /whole/lined HTTP/1.1\r\nHost: a\r\n\r\n", "body"},
		{"GET /whole HTTP/1.1\r\nHost: a\r\n\r\n", "body"},
		{"GET /stream/lined HTTP/1.1\r\nHost: a\r\n\r\n", strings.Repeat("HTTP/1.1 is no head here\n", 3)},
		{"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n", strings.Repeat("HTTP/1.1 is no head here\n", 3)},
		{"POST /whole/lined HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", "body"},
	} {
		conn.send(c.request)
		resp, text := conn.answer()
		if resp.StatusCode == http.StatusContinue {
			if resp.Header.Get("X-One") != "" {
				t.Errorf("%.20q: the lines came before the head", c.request)
			}
			resp, text = conn.answer()
		}
		one, two := "", ""
		if strings.Contains(c.request, "/lined") {
			one, two = "1", "2, 3"
		}
		if resp.Header.Get("X-One") != one || resp.Header.Get("X-Two") != two || resp.Header.Get("X-Own") != "own" || text != c.body {
			t.Errorf("%.20q: %v %q", c.request, resp.Header, text)
		}
	}
	if want := []bool{true, true, true}; !slices.Equal(l.could, want) {
		t.Errorf("the lines could be added: %v, want %v", l.could, want)
	}
}

// bug is a gateway that panics, before or after its answer has begun.
type bug struct {
	begun, streamed bool
	value           any
}

func (b *bug) Refuse(*gateway.Request, gateway.Responder, *fault.Error) {}

func (b *bug) Serve(_ context.Context, _ *gateway.Request, out gateway.Responder) {
	if b.begun {
		length := int64(100)
		if b.streamed {
			length = -1
		}
		out.Start(200, length)
		_, _ = io.WriteString(out, "partly")
		_ = out.Flush()
	} else {
		out.Header()["X-Leak"] = []string{"hush"}
		out.Lines([]byte("X-Leak: hush\r\n"))
	}
	panic(b.value)
}

func TestPanics(t *testing.T) {
	for _, c := range []struct {
		name string
		bug  bug
	}{
		{"before the answer", bug{value: "hush"}},
		{"in the answer", bug{value: "hush", begun: true}},
		{"in a stream", bug{value: fmt.Errorf("hush"), begun: true, streamed: true}},
		{"on purpose", bug{value: http.ErrAbortHandler}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, stream(), nil)
			h.surface.Gateway = &c.bug
			conn := h.dial(t)
			conn.post(chat)
			resp, err := http.ReadResponse(conn.in, nil)
			aborted := c.bug.value == http.ErrAbortHandler
			switch {
			case aborted:
				if err == nil {
					t.Error("the request was answered")
				}
			case c.bug.begun:
				if text, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || string(text) != "partly" {
					t.Errorf("%q, %v", text, err)
				}
			default:
				text := string(must(io.ReadAll(resp.Body)))
				if resp.StatusCode != 500 || !strings.Contains(text, `"code":"internal_error"`) || resp.Header.Get("X-Leak") != "" || resp.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%d %v %s", resp.StatusCode, resp.Header, text)
				}
			}
			if text := h.log.String(); strings.Contains(text, "hush") || strings.Contains(text, "panic while serving") == aborted {
				t.Errorf("the log says %s", text)
			}
		})
	}
}

// A caller who does not take a stream is let go, and so is the provider.
func TestCallersThatDoNotRead(t *testing.T) {
	stopped := make(chan struct{})
	h := build(t, func(w http.ResponseWriter, r *http.Request) {
		defer close(stopped)
		w.Header().Set("Content-Type", "text/event-stream")
		event := "data: " + strings.Repeat("x", 60_000) + "\n\n"
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, event); err != nil {
				return
			}
		}
	}, nil)
	h.surface.WriteTimeout = 100 * time.Millisecond
	c := h.dial(t)
	c.post(streamAsked)
	select {
	case <-stopped:
	case <-time.After(20 * time.Second):
		t.Fatal("the provider still generates for a caller who does not read")
	}
	if x := h.last(t); x.Outcome != gateway.Cut {
		t.Errorf("recorded %v", x.Outcome)
	}
}

// A stream that takes longer than the time to write one piece is not cut, and
// its connection serves on.
func TestWriteTimeoutIsPerPiece(t *testing.T) {
	const wait = 100 * time.Millisecond
	h := build(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(string(must(io.ReadAll(r.Body))), `"stream":true`) {
			time.Sleep(2 * wait)
			_, _ = io.WriteString(w, answer)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for range 6 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(wait / 2)
		}
	}, nil)
	h.surface.WriteTimeout = wait
	c := h.dial(t)
	c.post(streamAsked)
	if _, text := c.answer(); text != strings.Repeat("data: x\n\n", 6) {
		t.Errorf("%q", text)
	}
	c.post(chat)
	if resp, text := c.answer(); resp.StatusCode != 200 || text != answer {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// Requests that are sent ahead, in pieces that begin anywhere, are answered one
// by one; what is read of one while another is served disturbs neither.
func TestRequestsSentAhead(t *testing.T) {
	var seen string
	var header http.Header
	h := build(t, echo(&seen, &header), nil)
	auth := "Host: gw\r\nAuthorization: Bearer " + testKey + "\r\n"
	list := "GET /v1/models HTTP/1.1\r\n" + auth + "\r\n"
	asked := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\n%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", auth, len(chat), chat)
	counted := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", auth, len(chat), chat)
	for _, size := range []int{len(list) + 1, len(list) + len(counted) + 1, len(list) - 1, 7} {
		c := h.dial(t)
		text := strings.Repeat(list+counted, 10) + asked
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for piece := range slices.Chunk([]byte(text), size) {
				if _, err := c.conn.Write(piece); err != nil {
					return
				}
			}
		}()
		for i := range 21 {
			resp, body := c.answer()
			want := answer
			if i < 20 && i%2 == 0 {
				want = `"object":"list"`
			}
			if resp.StatusCode != 200 || !strings.Contains(body, want) || resp.Close && i < 20 {
				t.Fatalf("pieces of %d, request %d: %d, closed %v: %s", size, i, resp.StatusCode, resp.Close, body)
			}
		}
		<-sent
	}
}
