package providertest

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/provider"
)

const ok2 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// requestCases are about what is sent.
var requestCases = []testCase{
	{"as prepared", func(b *bench) {
		got := make(chan *request, 1)
		s := serve(b.T, func(p *peer) {
			got <- p.read()
			p.write(ok2)
		})
		req := post(b.endpoint(s))
		req.Header = append(req.Header,
			provider.Field{Name: "X-Twice", Value: "1"}, provider.Field{Name: "X-Twice", Value: "2"},
			provider.Field{Name: "Content-Length", Value: "99"}, provider.Field{Name: "transfer-encoding", Value: "chunked"},
			provider.Field{Name: "Host", Value: "evil.example.com"}, provider.Field{Name: "Connection", Value: "close"})
		b.ask(req, "ok")
		r := <-got
		if want := "POST /v1/chat/completions?x=%2F HTTP/1.1"; r.lines[0] != want {
			b.Errorf("request line %q, want %q", r.lines[0], want)
		}
		lines := slices.Sorted(slices.Values(r.lines[1:]))
		want := []string{
			"Authorization: Bearer " + credential, "Content-Length: 13", "Content-Type: application/json",
			"Host: api.example.com", "X-Twice: 1", "X-Twice: 2",
		}
		if !slices.Equal(lines, want) {
			b.Errorf("header\n%q, want\n%q", lines, want)
		}
		if r.body != `{"model":"m"}` {
			b.Errorf("body %q", r.body)
		}
	}},
	{"without a body", func(b *bench) {
		got := make(chan *request, 2)
		s := serve(b.T, func(p *peer) {
			for range 2 {
				got <- p.read()
				p.write(ok2)
			}
		})
		req := get(b.endpoint(s))
		b.ask(req, "ok")
		if r := <-got; len(r.lines) != 2 {
			b.Errorf("GET has header %q, want Host alone", r.lines[1:])
		}
		req.Method = "POST"
		b.ask(req, "ok")
		if r := <-got; !slices.Contains(r.lines, "Content-Length: 0") {
			b.Errorf("POST has header %q, want Content-Length: 0", r.lines[1:])
		}
	}},
	{"bodies of all sizes", func(b *bench) {
		s := serve(b.T, echo)
		for _, size := range []int{1, 4095, 16 << 10, 16<<10 + 1, 64 << 10, 64<<10 + 1, 3 << 20} {
			req := post(b.endpoint(s))
			req.Body = bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			b.ask(req, string(req.Body))
		}
	}},
	{"streamed", func(b *bench) {
		s := serve(b.T, echo)
		text := strings.Repeat("stream ", 50_000)
		req := post(b.endpoint(s))
		req.Body, req.Stream, req.Length = nil, strings.NewReader(text+"and more"), int64(len(text))
		b.ask(req, text)
		for _, text := range []string{"", "a", text} { // of unknown length, twice on one connection
			req.Stream, req.Length = strings.NewReader(text), -1
			b.ask(req, text)
		}
	}},
	{"a stream that breaks off", func(b *bench) {
		broken := errors.New("the caller has left")
		for _, c := range []struct {
			stream io.Reader
			length int64
		}{
			{strings.NewReader("short"), 100},
			{io.MultiReader(strings.NewReader("short"), failingReader{broken}), 100},
			{io.MultiReader(strings.NewReader("short"), failingReader{broken}), -1},
		} {
			s := serve(b.T, (*peer).gone)
			req := post(b.endpoint(s))
			req.Body, req.Stream, req.Length = nil, c.stream, c.length
			b.failsFast(b.attempt(b.ctx, req), provider.Write)
		}
	}},
	{"malformed ones are refused", func(b *bench) {
		s := serve(b.T)
		for name, spoil := range map[string]func(r *provider.Request){
			"method":      func(r *provider.Request) { r.Method = "GET / HTTP/1.1\r\nX:" },
			"no method":   func(r *provider.Request) { r.Method = "" },
			"target":      func(r *provider.Request) { r.Target = "/ HTTP/1.1\r\nX: y" },
			"no target":   func(r *provider.Request) { r.Target = "" },
			"host":        func(r *provider.Request) { r.Host = "a\r\nX: y" },
			"name":        func(r *provider.Request) { r.Header[0].Name = "X: y\r\nZ" },
			"empty name":  func(r *provider.Request) { r.Header[0].Name = "" },
			"line break":  func(r *provider.Request) { r.Header[0].Value = credential + "\r\nX: y" },
			"bare return": func(r *provider.Request) { r.Header[0].Value = credential + "\rX: y" },
			"length":      func(r *provider.Request) { r.Stream, r.Length = strings.NewReader(""), -2 },
		} {
			req := post(b.endpoint(s))
			spoil(req)
			b.Log(name)
			b.failsFast(b.attempt(b.ctx, req), provider.Connect)
		}
	}},
}

// echo answers each request with its own body.
func echo(p *peer) {
	for r := p.read(); r != nil; r = p.read() {
		p.write("HTTP/1.1 200 OK\r\nContent-Length: " + strconv.Itoa(len(r.body)) + "\r\n\r\n" + r.body)
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// answerTest is an answer and how it is to be understood.
type answerTest struct {
	name, wire string
	method     string // "": GET
	status     int    // 0: 200
	header     provider.Field
	body       string
	length     int64
	kept       bool // the connection serves the next request
}

var answerTests = []answerTest{
	{name: "content length", wire: ok2, body: "ok", length: 2, kept: true},
	{name: "no content", wire: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, kept: true},
	{name: "not modified", wire: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", status: 304, kept: true},
	{name: "empty", wire: "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", status: 429, kept: true},
	{name: "no reason", wire: "HTTP/1.1 529 \r\nContent-Length: 0\r\n\r\n", status: 529, kept: true},
	{name: "same length twice", wire: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nok", body: "ok", length: 2, kept: true},
	{name: "head", method: "HEAD", wire: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", length: 5, kept: true},
	{name: "head of a chunked body", method: "HEAD", wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", length: -1, kept: true},
	{
		name:   "blanks around a value",
		wire:   "HTTP/1.1 200 OK\r\nX-Request-Id: \t a b \t\r\ncontent-length:2\r\n\r\nok",
		header: provider.Field{Name: "x-request-id", Value: "a b"}, body: "ok", length: 2, kept: true,
	},
	{
		name:   "gzip stays as it is",
		wire:   "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
		header: provider.Field{Name: "Content-Encoding", Value: "gzip"}, body: "\x1f\x8b\x08\x00", length: 4, kept: true,
	},
	{
		name: "chunks", length: -1, kept: true, body: "hello, world",
		wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n007\r\n, world\r\n0\r\n\r\n",
	},
	{
		name: "chunk extensions and trailers", length: -1, kept: true, body: "hello, world",
		wire: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5;a=b;c\r\nhello\r\n7 \r\n, world\r\n0;last\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
	},
	{
		name: "no chunk", length: -1, kept: true,
		wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	},
	{
		name: "interim answers", body: "ok", length: 2, kept: true,
		wire: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok2,
	},
	{name: "connection close", wire: "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", body: "ok", length: 2},
	{name: "until close", wire: "HTTP/1.1 200 OK\r\n\r\nto the end", body: "to the end", length: -1},
	{name: "http 1.0", wire: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", body: "ok", length: 2},
	{name: "http 1.0 until close", wire: "HTTP/1.0 200 OK\r\n\r\nto the end", body: "to the end", length: -1},
	{name: "http 1.0 keep-alive", wire: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", body: "ok", length: 2, kept: true},
	{name: "redirect", wire: "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", status: 302, header: provider.Field{Name: "Location", Value: "/elsewhere"}, kept: true},
	{name: "long header", wire: "HTTP/1.1 200 OK\r\nX-Long: " + longValue + "\r\nContent-Length: 2\r\n\r\nok", header: provider.Field{Name: "X-Long", Value: longValue}, body: "ok", length: 2, kept: true},
	{name: "many headers", wire: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 100) + "X-Last: z\r\nContent-Length: 2\r\n\r\nok", header: provider.Field{Name: "X-Last", Value: "z"}, body: "ok", length: 2, kept: true},
	{name: "large", wire: "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("a", 1<<20), body: strings.Repeat("a", 1<<20), length: 1 << 20, kept: true},
	{name: "large chunks", wire: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("186A0\r\n"+strings.Repeat("a", 100_000)+"\r\n", 5) + "0\r\n\r\n", body: strings.Repeat("a", 500_000), length: -1, kept: true},
}

var longValue = strings.Repeat("v", 50_000)

// answerCases plays each answer whole and byte by byte, and checks by a second
// request what became of the connection.
func answerCases() []testCase {
	var cases []testCase
	for _, a := range answerTests {
		cases = append(cases, testCase{a.name, func(b *bench) { b.checkAnswer(a, false) }})
		if len(a.wire) < 1000 {
			cases = append(cases, testCase{a.name + " in pieces", func(b *bench) { b.checkAnswer(a, true) }})
		}
	}
	return cases
}

func (b *bench) checkAnswer(a answerTest, pieces bool) {
	again := func(p *peer) { answer(ok2)(p) }
	s := serve(b.T, func(p *peer) {
		if p.read() == nil {
			return
		}
		if pieces {
			for i := range len(a.wire) {
				p.write(a.wire[i : i+1])
			}
		} else {
			p.write(a.wire)
		}
		if a.kept {
			again(p)
		}
	}, again)
	req := get(b.endpoint(s))
	if a.method != "" {
		req.Method = a.method
	}
	resp := b.must(req)
	if want := max(a.status, 200); resp.Status != want {
		b.Errorf("status %d, want %d", resp.Status, want)
	}
	if got := resp.Header.Get(a.header.Name); got != a.header.Value {
		b.Errorf("%s: %.80q, want %.80q", a.header.Name, got, a.header.Value)
	}
	if resp.Length != a.length {
		b.Errorf("length %d, want %d", resp.Length, a.length)
	}
	if got := b.text(resp); got != a.body {
		b.Errorf("body %.80q, want %.80q", got, a.body)
	}
	if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
		b.Error("a closed body can be read")
	}
	if resp.Reused {
		b.Error("the first connection counts as reused")
	}
	if reused := b.ask(get(req.Endpoint), "ok"); reused != a.kept {
		b.Errorf("the connection served again: %t, want %t", reused, a.kept)
	}
}

// malformedTests are answers that must be refused, at the latest at their end.
var malformedTests = []struct{ name, wire string }{
	{"another protocol", "SSH-2.0-OpenSSH_9.6\r\n"},
	{"binary", "\x15\x03\x01\x00\x02\x02\x28\r\n\r\n"},
	{"status too short", "HTTP/1.1 20\r\n\r\n"},
	{"status of letters", "HTTP/1.1 abc OK\r\n\r\n"},
	{"half a head", "HTTP/1.1 200 OK\r\nContent-Le"},
	{"half an interim head", "HTTP/1.1 100 Continue\r\n\r\nHTT"},
	{"line without colon", "HTTP/1.1 200 OK\r\nrubbish\r\n\r\n"},
	{"empty name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n"},
	{"control character", "HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n"},
	{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"},
	{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"},
	{"signed length", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"},
	{"length with letters", "HTTP/1.1 200 OK\r\nContent-Length: 2a\r\n\r\nok"},
	{"length too large", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok"},
	{"unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
	{"chunked twice", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"body too short", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"},
	{"chunk size missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nok\r\n0\r\n\r\n"},
	{"chunk size of letters", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
	{"chunk size too large", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nok"},
	{"chunk size line with bare LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n"},
	{"chunk longer than said", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok!\r\n0\r\n\r\n"},
	{"chunk broken off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok"},
	{"last chunk missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"},
	{"last line missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"},
	{"malformed trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nrubbish\r\n\r\n"},
	{"endless chunk line", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("x", 100_000)},
	{"endless trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", 20_000)},
	{"switched protocol", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"},
}

func malformedCases() []testCase {
	cases := []testCase{
		{"endless header", func(b *bench) {
			s := serve(b.T, func(p *peer) {
				p.read()
				p.write("HTTP/1.1 200 OK\r\n")
				for p.write("X-Filler: " + strings.Repeat("y", 1000) + "\r\n") {
				}
			})
			b.failsFast(b.attempt(b.ctx, post(b.endpoint(s))), provider.Read)
		}},
		{"endless header line", func(b *bench) {
			s := serve(b.T, func(p *peer) {
				p.read()
				p.write("HTTP/1.1 200 OK\r\nX-Filler: ")
				for p.write(strings.Repeat("y", 1000)) {
				}
			})
			b.failsFast(b.attempt(b.ctx, post(b.endpoint(s))), provider.Read)
		}},
		{"endless interim answers", func(b *bench) {
			s := serve(b.T, func(p *peer) {
				p.read()
				for p.write("HTTP/1.1 102 Processing\r\nX-Filler: " + strings.Repeat("y", 1000) + "\r\n\r\n") {
				}
			})
			b.failsFast(b.attempt(b.ctx, post(b.endpoint(s))), provider.Read)
		}},
		{"our own request sent back", func(b *bench) {
			s := serve(b.T, func(p *peer) {
				r := p.read()
				p.write(strings.Join(r.lines, "\r\n") + "\r\n\r\n")
			})
			b.failsFast(b.attempt(b.ctx, post(b.endpoint(s))), provider.Read)
		}},
		{"our own credential sent back", func(b *bench) {
			s := serve(b.T, answerOnce("HTTP/1.1 200 OK\r\nBearer "+credential+"\r\n\r\n"))
			b.failsFast(b.attempt(b.ctx, post(b.endpoint(s))), provider.Read)
		}},
	}
	for _, m := range malformedTests {
		cases = append(cases, testCase{m.name, func(b *bench) {
			s := serve(b.T, answerOnce(m.wire))
			b.failsFast(b.attempt(b.ctx, post(b.endpoint(s))), provider.Read)
		}})
	}
	return cases
}

// AnswerSeeds gives the suite's answers, good and bad, as seeds for fuzzing.
func AnswerSeeds() [][]byte {
	var seeds [][]byte
	for _, a := range answerTests {
		if len(a.wire) < 1000 {
			seeds = append(seeds, []byte(a.wire))
		}
	}
	for _, m := range malformedTests {
		if len(m.wire) < 1000 {
			seeds = append(seeds, []byte(m.wire))
		}
	}
	return seeds
}
