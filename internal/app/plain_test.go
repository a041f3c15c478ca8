package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/gateway"
	"tollgate/internal/usage"
)

// A plain server gets what the caller sent, but for what is between the caller and the
// gateway alone, and the caller gets what the server answered.
func TestPlainPassesEverything(t *testing.T) {
	address, got := server(t, func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Set-Cookie"] = []string{"a=1", "b=2"}
		h.Set("X-Own", "yes")
		h.Set("Content-Encoding", "br")
		h.Set("Keep-Alive", "timeout=5")
		h.Set("Connection", "x-private")
		h.Set("X-Private", "no")
		h.Set("Proxy-Authenticate", "Basic")
		h.Set("X-Request-Id", "theirs")
		h.Set("Content-Type", "text/x-own")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	})
	f := newFront(t, plainRoute(address, ""), nil)
	resp, text := f.ask("PROPFIND /a%20b/(c)/v1/models?x=1&y=%zz&key=mine&&z\nHost: Some.example:8080\nX-Two: 1\nX-Two: 2\nCookie: s=1\nAuthorization: Basic dTpw\nTe: trailers\nUser-Agent: mine\n"+
		"Proxy-Authorization: secret\nKeep-Alive: 5\nConnection: keep-alive\nX-Forwarded-For: 192.0.2.1", `{"broken`)
	if resp.StatusCode != 418 || text != "short and stout" || resp.ContentLength != int64(len(text)) {
		t.Errorf("answer %d %q of %d bytes", resp.StatusCode, text, resp.ContentLength)
	}
	for name, want := range map[string]string{
		"Set-Cookie": "a=1 b=2", "X-Own": "yes", "Content-Encoding": "br", "Keep-Alive": "", "X-Private": "", "Proxy-Authenticate": "", "Content-Type": "text/x-own",
		"X-Tollgate-Upstream-Request-Id": "theirs", "X-Tollgate-Cost": "",
	} {
		if v := strings.Join(resp.Header[name], " "); v != want {
			t.Errorf("answer has %s: %q, want %q", name, v, want)
		}
	}
	r := <-got
	if r.Method != "PROPFIND" || r.RequestURI != "/a%20b/(c)/v1/models?x=1&y=%zz&key=mine&&z" || r.Host != "Some.example:8080" || r.body != `{"broken` || r.ContentLength != 8 {
		t.Errorf("%s %s at %s: %q", r.Method, r.RequestURI, r.Host, r.body)
	}
	for name, want := range map[string]string{
		"X-Two": "1 2", "Cookie": "s=1", "Authorization": "Basic dTpw", "Te": "", "User-Agent": "mine", "Proxy-Authorization": "", "Keep-Alive": "", "Connection": "",
		"X-Forwarded-For": "192.0.2.1, 127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "Some.example:8080", "Accept-Encoding": "identity",
	} {
		if v := strings.Join(r.Header[name], " "); v != want {
			t.Errorf("server got %s: %q, want %q", name, v, want)
		}
	}
	x := f.record(0)
	if x.Operation.String() != "passthrough" || x.Outcome != gateway.Served || x.Status != 418 || x.Provider != "" || x.Backend != address || x.BytesIn != 8 || x.BytesOut != 15 ||
		x.Cost != 0 || x.PriceState.String() != "free" || x.Usage.Source != usage.Absent || len(x.Attempts) != 1 || x.Attempts[0].Status != 418 {
		t.Errorf("recorded %+v", x)
	}
}

func TestPlainAnswersWithoutBodies(t *testing.T) {
	address, got := server(t, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(r.URL.Path[1:])
		w.Header().Set("Etag", `"e"`)
		if status == 200 {
			w.Header().Set("Content-Length", "5")
		}
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(status)
	})
	f := newFront(t, plainRoute(address, ""), nil)
	for _, c := range []struct {
		head   string
		status int
		length string
	}{
		{"HEAD /200", 200, "5"}, {"GET /204", 204, ""}, {"GET /304", 304, ""}, {"HEAD /304", 304, ""}, {"GET /404", 404, "0"}, {"OPTIONS /204", 204, ""}, {"DELETE /404", 404, "0"},
	} {
		resp, text := f.ask(c.head, "")
		if resp.StatusCode != c.status || text != "" || resp.Header.Get("Etag") != `"e"` || resp.Header.Get("Content-Length") != c.length || resp.Header.Get("Content-Type") != "" {
			t.Errorf("%s: %d %q, %v", c.head, resp.StatusCode, text, resp.Header)
		}
		if r := <-got; r.ContentLength != 0 || r.Header.Get("Content-Length") != "" || len(r.TransferEncoding) > 0 {
			t.Errorf("%s came with a length of %d, %v", c.head, r.ContentLength, r.TransferEncoding)
		}
	}
}

// What comes late reaches the caller as it comes, the head included.
func TestPlainAnswersAreStreamed(t *testing.T) {
	next := make(chan string)
	address, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		for text := range next {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, text)
			_ = http.NewResponseController(w).Flush()
		}
	})
	f := newFront(t, plainRoute(address, ""), nil)
	go func() { next <- "" }()
	resp, err := http.Get(f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	for _, text := range []string{"data: 1\n", "x\n", "data: " + strings.Repeat("long", 20_000) + "\n"} {
		next <- text
		if line, err := in.ReadString('\n'); err != nil || line != text {
			t.Fatalf("%q, %v", line, err)
		}
	}
	close(next)
	if rest, err := io.ReadAll(in); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// An answer that breaks off must not look whole.
func TestPlainAnswersThatBreakOff(t *testing.T) {
	address, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "begun")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	f := newFront(t, plainRoute(address, ""), nil)
	resp, err := http.Get(f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looks whole", text)
	}
	if x := f.record(0); x.Outcome != gateway.Failed || x.Err.Code != "upstream_broken" {
		t.Errorf("recorded %v %v", x.Outcome, x.Err)
	}
}

// slowly gives its pieces without a length.
func slowly(pieces ...string) io.Reader {
	r, w := io.Pipe()
	go func() {
		for _, p := range pieces {
			_, _ = io.WriteString(w, p)
		}
		_ = w.Close()
	}()
	return r
}

// Bodies of any size and encoding pass byte for byte, in as little memory as streams need.
func TestPlainUploads(t *testing.T) {
	address, got := server(t, nil)
	f := newFront(t, plainRoute(address, "")+"tollgate: {limits: {maxBodyBytes: 1000, maxSpoolBytes: 3000000}}\n", nil)
	big := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, "text")
	_ = z.Close()
	for name, c := range map[string]struct {
		body     io.Reader
		encoding string
		want     string
		chunked  bool
	}{
		"small":         {strings.NewReader("a"), "", "a", false},
		"kept":          {strings.NewReader(big[:64<<10]), "", big[:64<<10], false},
		"passed":        {strings.NewReader(big[:64<<10+1]), "", big[:64<<10+1], false},
		"big":           {strings.NewReader(big), "", big, false},
		"unknown":       {slowly("one", "two", big), "", "onetwo" + big, true},
		"gzip":          {bytes.NewReader(zipped.Bytes()), "gzip", zipped.String(), false},
		"unknown codec": {strings.NewReader("whatever"), "zstd", "whatever", false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", f.url+"/up", c.body)
		if err != nil {
			t.Fatal(err)
		}
		if c.encoding != "" {
			req.Header.Set("Content-Encoding", c.encoding)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %d", name, resp.StatusCode)
		}
		if r := <-got; r.body != c.want || r.Header.Get("Content-Encoding") != c.encoding || (r.ContentLength < 0) != c.chunked {
			t.Errorf("%s: %d bytes of %d, length %d", name, len(r.body), len(c.want), r.ContentLength)
		}
	}
	// Too large, told at once or found out on the way: nobody takes it for whole.
	for name, body := range map[string]io.Reader{"declared": strings.NewReader(big + big), "found": slowly(big, big)} {
		req, _ := http.NewRequestWithContext(t.Context(), "PUT", f.url+"/up", body)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 413 || !strings.Contains(string(text), "3000000 bytes") {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
		}
	}
	if n := len(f.records); f.record(n-1).BytesIn > 3_000_000 {
		t.Errorf("recorded %d bytes", f.record(n-1).BytesIn)
	}
}

// An upload that stalls ends with the time that the route allows.
func TestPlainUploadThatStalls(t *testing.T) {
	address, _ := server(t, nil)
	f := newFront(t, plainRoute(address, "policies: {timeout: {requestTimeout: 100ms}}, "), nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second)) // less than what a body may take
	_, _ = io.WriteString(conn, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nonly this")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != 504 {
		t.Fatalf("%v, %v", resp, err)
	}
	_ = resp.Body.Close()
	if x := f.record(0); x.Outcome != gateway.Failed || x.Err.Code != "upstream_timeout" || x.BytesIn != 9 {
		t.Errorf("recorded %v %v, %d bytes", x.Outcome, x.Err, x.BytesIn)
	}
}

// The same with a caller who is slower than any body may be, and with one who leaves.
func TestPlainUploadThatBreaksOff(t *testing.T) {
	address, _ := server(t, nil)
	f := newFront(t, plainRoute(address, ""), nil)
	f.surface.BodyTimeout = 100 * time.Millisecond
	for _, leaves := range []bool{false, true} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nonly this")
		if leaves {
			_ = conn.Close()
			continue
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 400 || !strings.Contains(string(text), "request_body_timeout") {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	}
	if x := f.record(0); x.Outcome != gateway.Refused || x.Err.Code != "request_body_timeout" {
		t.Errorf("recorded %v %v", x.Outcome, x.Err)
	}
	if x := f.record(1); x.Outcome != gateway.Cut {
		t.Errorf("recorded %v %v", x.Outcome, x.Err)
	}
}

// A virtual key is checked and goes no further, wherever it stood; what is not ours does.
func TestPlainKeepsKeys(t *testing.T) {
	const key, other = "sk-alice-abc123def456", "sk-bob-abc123def456"
	address, got := server(t, nil)
	keyed := func(mode, more string) *front {
		return newFront(t, plainRoute(address, "policies: {apiKey: {mode: "+mode+more+", keys: [{key: "+key+"}]}}, ")+
			"llm: {port: 4000, models: [], policies: {apiKey: {keys: [{key: "+other+"}]}}}\n", nil)
	}
	strict := keyed("strict", "")
	if resp, _ := strict.ask("GET /", ""); resp.StatusCode != 401 || len(got) > 0 {
		t.Errorf("without a key: %d", resp.StatusCode)
	}
	for name, c := range map[string]struct {
		front *front
		head  string
		gone  string
		kept  string
	}{
		"bearer":         {strict, "GET /?a=1\nAuthorization: Bearer " + key, "Authorization", ""},
		"header":         {strict, "GET /?a=1\nX-Api-Key: " + key + "\nAuthorization: Basic dTpw", "X-Api-Key", "Authorization"},
		"query":          {keyed("strict", ", location: {queryParameter: {name: k}}"), "GET /?a=1&k=" + key, "", ""},
		"own place":      {keyed("strict", ", location: {header: {name: x-k}}"), "GET /?a=1\nX-K: " + key + "\nAuthorization: Bearer theirs", "X-K", "Authorization"},
		"another's key":  {keyed("permissive", ", location: {header: {name: x-k}}"), "GET /?a=1\nAuthorization: Bearer " + other, "Authorization", ""},
		"damaged":        {keyed("permissive", ""), "GET /?a=1\nX-Custom: sk-tg-damaged", "X-Custom", ""},
		"damaged, asked": {keyed("permissive", ""), "GET /?a=1&b=sk-tg-damaged", "", ""},
		"not ours":       {keyed("permissive", ""), "GET /?a=1\nAuthorization: Bearer theirs", "", "Authorization"},
	} {
		resp, text := c.front.ask(c.head, "")
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, text)
			continue
		}
		r := <-got
		if r.URL.RawQuery != "a=1" || c.gone != "" && r.Header[c.gone] != nil || c.kept != "" && r.Header[c.kept] == nil {
			t.Errorf("%s: the server got %s %v", name, r.RequestURI, r.Header)
		}
	}
}

func TestPlainRefusesUpgrades(t *testing.T) {
	address, got := server(t, nil)
	f := newFront(t, plainRoute(address, ""), nil)
	resp, text := f.ask("GET /\nConnection: Upgrade\nUpgrade: websocket", "")
	if resp.StatusCode != 501 || !strings.Contains(text, "upgrade_unsupported") || !strings.Contains(text, "websocket") || len(got) > 0 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if resp, _ := f.ask("GET /\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", ""); resp.StatusCode != 200 {
		t.Errorf("an offer of HTTP/2: %d", resp.StatusCode)
	}
	if r := <-got; r.Header["Upgrade"] != nil || r.Header["Http2-Settings"] != nil {
		t.Errorf("passed on %v", r.Header)
	}
}

// Servers share the load; one that cannot be reached is passed over, and rests.
func TestPlainEndpoints(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/error" {
			w.WriteHeader(500)
		}
	}
	one, gotOne := server(t, answer)
	two, gotTwo := server(t, answer)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead := closed.Addr().String()
	_ = closed.Close()
	f := newFront(t, plainRoute(one, ""), func(c *config.Config) {
		b := &c.Routes[0].Backends[0]
		b.Endpoints = nil
		for _, address := range []string{one, two, dead} {
			host, port, _ := net.SplitHostPort(address)
			n, _ := strconv.Atoi(port)
			b.Endpoints = append(b.Endpoints, config.HostPort{Host: host, Port: n})
		}
	})
	const asked = 60
	failures := 0
	for i := range asked {
		body := ""
		if i%2 == 0 {
			body = strings.Repeat("x", 70_000) // one that can be sent once
		}
		if resp, text := f.ask("POST /", body); resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
		failures += len(f.record(i).Attempts) - 1
	}
	if len(gotOne) < 5 || len(gotTwo) < 5 || len(gotOne)+len(gotTwo) != asked {
		t.Errorf("%d and %d requests", len(gotOne), len(gotTwo))
	}
	if failures > asked/4 {
		t.Errorf("the dead one was tried %d times", failures)
	}
	// An error is an answer, and says nothing of the server: nobody else is asked.
	for range 10 {
		if resp, _ := f.ask("GET /error", ""); resp.StatusCode != 500 {
			t.Errorf("%d", resp.StatusCode)
		}
	}
	if n := len(gotOne) + len(gotTwo); n != asked+10 {
		t.Errorf("%d requests", n)
	}
}

// A server that is told to be unhealthy by what it answers rests too.
func TestPlainHealth(t *testing.T) {
	bad, gotBad := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	good, gotGood := server(t, nil)
	f := newFront(t, plainRoute(bad, "policies: {health: {unhealthyExpression: 'response.code >= 500', eviction: {duration: 1h}}}, "), func(c *config.Config) {
		b := &c.Routes[0].Backends[0]
		host, port, _ := net.SplitHostPort(good)
		n, _ := strconv.Atoi(port)
		b.Endpoints = append(b.Endpoints, config.HostPort{Host: host, Port: n})
	})
	for range 40 {
		f.ask("GET /", "")
	}
	if len(gotBad) != 1 || len(gotGood) != 39 {
		t.Errorf("%d and %d requests", len(gotBad), len(gotGood))
	}
}

// What a route wants to be tried again is, as long as its body is still there.
func TestPlainRetries(t *testing.T) {
	var asked atomic.Int32
	address, got := server(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 1 {
			w.WriteHeader(503)
		}
	})
	f := newFront(t, plainRoute(address, "policies: {retry: {attempts: 2, codes: [503]}}, "), nil)
	resp, _ := f.ask("PUT /", "kept")
	first, second := <-got, <-got
	if resp.StatusCode != 200 || first.body != "kept" || second.body != "kept" || first.Header.Get("X-Retry-Attempt") != "" || second.Header.Get("X-Retry-Attempt") != "1" {
		t.Errorf("%d after %q %v and %q %v", resp.StatusCode, first.body, first.Header, second.body, second.Header)
	}
	if resp, _ := f.ask("PUT /", strings.Repeat("x", 100_000)); resp.StatusCode != 503 || len(got) != 1 {
		t.Errorf("%d after %d attempts", resp.StatusCode, len(got))
	}
}

// A rule about models does not hold for what is no request of a model.
func TestPlainRulesOnModels(t *testing.T) {
	address, got := server(t, nil)
	f := newFront(t, plainRoute(address, "policies: {authorization: {rules: ['llm.requestModel == \"m\"']}}, "), nil)
	if resp, text := f.ask("POST /v1/chat/completions", `{"model":"m"}`); resp.StatusCode != 403 || len(got) > 0 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	f = newFront(t, plainRoute(address, "policies: {authorization: {rules: ['request.method == \"POST\"']}}, "), nil)
	if resp, text := f.ask("POST /", ""); resp.StatusCode != 200 {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if resp, _ := f.ask("GET /", ""); resp.StatusCode != 403 {
		t.Errorf("%d", resp.StatusCode)
	}
}

func TestPlainServerOutOfReach(t *testing.T) {
	f := newFront(t, plainRoute("127.0.0.1:1", "policies: {retry: {attempts: 3}}, "), nil)
	resp, text := f.ask("POST /", "x")
	if resp.StatusCode != 503 || !strings.Contains(text, "upstream_unreachable") || strings.Contains(text, "model") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if x := f.record(0); x.Outcome != gateway.Failed || len(x.Attempts) != 3 {
		t.Errorf("recorded %v after %d attempts", x.Outcome, len(x.Attempts))
	}
	slow, _ := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f = newFront(t, plainRoute(slow, "policies: {timeout: {backendRequestTimeout: 50ms}}, "), nil)
	if resp, text := f.ask("GET /", ""); resp.StatusCode != 504 || !strings.Contains(text, "upstream_timeout") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// A caller who leaves takes the request to the server along.
func TestPlainCallerLeaves(t *testing.T) {
	asked, gone := make(chan bool, 1), make(chan bool, 1)
	address, _ := server(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- true
		<-r.Context().Done()
		gone <- true
	})
	f := newFront(t, plainRoute(address, ""), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	req, _ := http.NewRequestWithContext(ctx, "GET", f.url, nil)
	if _, err := http.DefaultClient.Do(req); err == nil {
		t.Error("answered")
	}
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Fatal("the server works on")
	}
	if x := f.record(0); x.Outcome != gateway.Cut || x.Status != 499 {
		t.Errorf("recorded %v, %d", x.Outcome, x.Status)
	}
}

func TestPlainTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.TLS.ServerName, " ", r.Host) }))
	defer s.Close()
	address := strings.TrimPrefix(s.URL, "https://")
	root := func(c *config.Config) {
		c.Routes[0].Policies.BackendTLS.Root = config.File{Name: "Secret/ns/ca", Content: pemOf(s.Certificate())}
	}
	// The certificate is for example.com, the Host line stays the caller's.
	f := newFront(t, plainRoute(address, "policies: {backendTLS: {hostname: example.com}}, "), root)
	if resp, text := f.ask("GET /\nHost: mine:81", ""); resp.StatusCode != 200 || text != "example.com mine:81" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	f = newFront(t, plainRoute(address, "policies: {backendTLS: {hostname: other.example}}, "), root)
	if resp, _ := f.ask("GET /", ""); resp.StatusCode != 503 {
		t.Errorf("a wrong name: %d", resp.StatusCode)
	}
	f = newFront(t, plainRoute(address, "policies: {backendTLS: {hostname: example.com}}, "), nil)
	if resp, _ := f.ask("GET /", ""); resp.StatusCode != 503 {
		t.Errorf("an unknown authority: %d", resp.StatusCode)
	}
}
