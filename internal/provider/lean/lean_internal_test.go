package lean

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/provider"
)

const ok2 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// line is a fake connection: each request is answered by the next text, the
// last of which ends with the connection. Writes fail from the chosen one on.
type line struct {
	wire
	mu      sync.Mutex
	change  sync.Cond
	asked   bool // there is something to read, if only the end
	rest    strings.Reader
	answers []string
	writes  int
	failAt  int    // number of the first write that fails, 0: none
	failing string // what can be read then
	got     strings.Builder
}

func newLine(answers ...string) *line {
	l := &line{answers: answers}
	l.piece = 20_000
	l.change.L = &l.mu
	return l
}

func (l *line) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.change.Broadcast()
	l.writes++
	if l.failAt > 0 && l.writes >= l.failAt {
		if l.writes == l.failAt {
			l.rest.Reset(l.failing)
		}
		l.asked = true
		return len(p) / 2, &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	l.got.Write(p)
	if !l.asked && len(l.answers) > 0 {
		l.rest.Reset(l.answers[0])
		l.answers = l.answers[1:]
	}
	l.asked = true
	return len(p), nil
}

func (l *line) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.asked && !l.closed.Load() {
		l.change.Wait()
	}
	n, err := l.rest.Read(p[:min(len(p), l.piece)])
	if n > 0 && l.rest.Len() == 0 && (len(l.answers) > 0 || l.failAt > 0) {
		l.asked = false
	}
	return n, err
}

func (l *line) Close() error {
	l.closed.Store(true)
	l.change.Broadcast()
	return nil
}

// written is how often the connection was written to.
func (l *line) written() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes
}

// dialling gives the connections one after the other.
func dialling(lines ...*line) *Transport {
	return &Transport{dial: func(context.Context, string, string) (net.Conn, error) {
		if len(lines) == 0 {
			return nil, errors.New("no more connections")
		}
		l := lines[0]
		lines = lines[1:]
		return l, nil
	}}
}

var place = &provider.Endpoint{Key: "place", Host: "provider:80"}

func request(body string) *provider.Request {
	return &provider.Request{Endpoint: place, Method: "POST", Target: "/", Host: "h", Body: []byte(body)}
}

func ask(t *testing.T, tr *Transport, req *provider.Request) string {
	t.Helper()
	resp, err := tr.Send(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestSmallRequestIsOneWrite(t *testing.T) {
	l := newLine(ok2, ok2)
	tr := dialling(l)
	ask(t, tr, request(strings.Repeat("a", gatherLimit)))
	if l.written() != 1 {
		t.Errorf("%d writes", l.written())
	}
	if !strings.HasSuffix(l.got.String(), "\r\n\r\n"+strings.Repeat("a", gatherLimit)) {
		t.Error("the body is not what was sent")
	}
}

// TestRepetition is the table to Send's rule.
func TestRepetition(t *testing.T) {
	tests := []struct {
		name       string
		second     string // what the used connection says to the second request
		failWrite  bool
		replayable bool
		stream     bool
		body       int
		want       provider.Stage
		repeated   bool
	}{
		{name: "not written", failWrite: true, repeated: true},
		{name: "not written, large", failWrite: true, body: inlineLimit + 1, repeated: true},
		{name: "not written, streamed", failWrite: true, stream: true, want: provider.Write},
		{name: "not written, but answered", failWrite: true, second: ok2},
		{name: "no answer", want: provider.Await},
		{name: "no answer, replayable", replayable: true, repeated: true},
		{name: "no answer, replayable, streamed", replayable: true, stream: true, want: provider.Await},
		{name: "half an answer, replayable", second: "HTTP", replayable: true, want: provider.Read},
		{name: "an interim answer, replayable", second: "HTTP/1.1 100 Continue\r\n\r\n", replayable: true, want: provider.Read},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			used, fresh := newLine(ok2, tt.second), newLine(ok2)
			if tt.failWrite {
				used.failAt, used.failing = 2, tt.second
			}
			tr := dialling(used, fresh)
			ask(t, tr, request("first"))
			req := request(strings.Repeat("b", max(tt.body, 6)))
			req.Replayable = tt.replayable
			if tt.stream {
				req.Stream, req.Length = strings.NewReader("second"), 6
			}
			resp, err := tr.Send(t.Context(), req)
			if (fresh.written() > 0) != tt.repeated {
				t.Errorf("repeated: %t, want %t", fresh.written() > 0, tt.repeated)
			}
			if err != nil {
				if got := provider.StageOf(err); tt.repeated || got != tt.want {
					t.Errorf("%v, want stage %v", err, tt.want)
				}
			} else {
				if tt.want != 0 || resp.Reused == tt.repeated {
					t.Errorf("answered, reused %t", resp.Reused)
				}
				_ = resp.Body.Close()
			}
			if !used.closed.Load() {
				t.Error("the broken connection stays open")
			}
		})
	}
}

func TestFreshConnectionIsNotRepeated(t *testing.T) {
	l, other := newLine(""), newLine(ok2)
	req := request("x")
	req.Replayable = true
	if _, err := dialling(l, other).Send(t.Context(), req); provider.StageOf(err) != provider.Await {
		t.Errorf("error %v", err)
	}
	if other.written() > 0 {
		t.Error("sent again")
	}
}

// TestUnreadRest is what Close does with a body that was not read to its end.
func TestUnreadRest(t *testing.T) {
	const chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	tests := []struct {
		name, answer string
		read         int
		kept         bool
	}{
		{"all is here", ok2, 1, true},
		{"nothing was read", ok2, 0, true},
		{"more is to come", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", 1, false},
		{"the last chunk is here", chunks + "2\r\nok\r\n0\r\n\r\n", 2, true},
		{"the last chunk is not here", chunks + "2\r\nok\r\n", 2, false},
		{"half of the last chunk is here", chunks + "2\r\nok\r\n0\r\n", 2, false},
		{"a malformed chunk is here", chunks + "2\r\nok\r\nx\r\n", 2, false},
		{"more than the answer is here", ok2 + "HTTP", 1, false},
		{"more than the read answer is here", ok2 + "HTTP", 2, false},
		{"connection close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 1, false},
		{"until close", "HTTP/1.1 200 OK\r\n\r\nok", 1, false},
		{"too much", "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("a", 9000), 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLine(tt.answer, ok2)
			tr := dialling(l, newLine(ok2))
			resp, err := tr.Send(t.Context(), request("x"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, tt.read)); err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if l.closed.Load() == tt.kept {
				t.Errorf("closed: %t", l.closed.Load())
			}
			ask(t, tr, request("y"))
			if (l.written() > 1) != tt.kept {
				t.Errorf("used again: %t, want %t", l.written() > 1, tt.kept)
			}
			_ = resp.Body.Close() // once more does no harm to whoever has the connection now
			if n, err := resp.Body.Read(make([]byte, 1)); n > 0 || provider.StageOf(err) != provider.Read {
				t.Errorf("a closed body gives %d bytes and %v", n, err)
			}
		})
	}
}

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, young := newLine(ok2, ok2, ok2), newLine(ok2, ok2)
		tr := dialling(old, young)
		defer tr.Close()
		start := time.Now()
		ask(t, tr, request("x"))
		time.Sleep(provider.DefaultIdleTimeout - 1)
		ask(t, tr, request("x")) // in use again, so its time begins anew
		time.Sleep(provider.DefaultIdleTimeout - 1)
		synctest.Wait()
		if old.closed.Load() {
			t.Fatalf("closed after %v", time.Since(start))
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !old.closed.Load() {
			t.Fatal("not closed in time")
		}
		ask(t, tr, request("x"))
		if young.written() != 1 {
			t.Error("the old connection was used")
		}
	})
}

// TestOldestGoFirst has two connections of different age: the timer closes the
// one and waits for the other.
func TestOldestGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newLine(ok2), newLine(ok2, ok2)
		tr := dialling(one, two)
		defer tr.Close()
		first, err := tr.Send(t.Context(), request("x"))
		if err != nil {
			t.Fatal(err)
		}
		second, err := tr.Send(t.Context(), request("x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = first.Body.Close()
		time.Sleep(time.Minute)
		_ = second.Body.Close()
		time.Sleep(provider.DefaultIdleTimeout - time.Minute)
		synctest.Wait()
		if !one.closed.Load() || two.closed.Load() {
			t.Fatalf("closed: %t, %t", one.closed.Load(), two.closed.Load())
		}
		ask(t, tr, request("x"))
		time.Sleep(provider.DefaultIdleTimeout)
		synctest.Wait()
		if !two.closed.Load() {
			t.Error("the second stays for ever")
		}
	})
}

// TestProxyIsNotPassedBy: who asks for a proxy has a reason.
func TestProxyIsNotPassedBy(t *testing.T) {
	l := newLine(ok2)
	e := *place
	e.Proxy = "http://proxy"
	req := request("x")
	req.Endpoint = &e
	if _, err := dialling(l).Send(t.Context(), req); provider.StageOf(err) != provider.Connect || l.written() > 0 {
		t.Errorf("error %v", err)
	}
}

func TestMaxIdle(t *testing.T) {
	one, two := newLine(ok2, ok2), newLine(ok2)
	tr := dialling(one, two)
	e := *place
	e.MaxIdle = 1
	req := request("x")
	req.Endpoint = &e
	var bodies []io.Closer
	for range 2 {
		resp, err := tr.Send(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, resp.Body)
	}
	for _, b := range bodies {
		_ = b.Close()
	}
	if one.closed.Load() || !two.closed.Load() {
		t.Errorf("closed: %t, %t", one.closed.Load(), two.closed.Load())
	}
}

func TestClose(t *testing.T) {
	one, two, three := newLine(ok2), newLine(ok2), newLine(ok2)
	tr := dialling(one, two, three)
	ask(t, tr, request("x"))
	tr.CloseIdle()
	if !one.closed.Load() {
		t.Error("CloseIdle left a connection open")
	}
	ask(t, tr, request("x"))
	if two.closed.Load() {
		t.Error("CloseIdle went on")
	}
	tr.Close()
	if !two.closed.Load() {
		t.Error("Close left a connection open")
	}
	if ask(t, tr, request("x")); !three.closed.Load() {
		t.Error("a connection outlives Close")
	}
}

// TestEarlyAnswerThenReset: the server refuses a large body and hangs up at
// once, which destroys the way for the request but not the answer.
func TestEarlyAnswerThenReset(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for range 2 {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(c, make([]byte, 10))
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
			_ = c.Close() // with unread bytes: RST
		}
	})
	for _, size := range []int{inlineLimit, 8 << 20} {
		e := &provider.Endpoint{Key: "x", Host: ln.Addr().String()}
		resp, err := New().Send(t.Context(), &provider.Request{
			Endpoint: e, Method: "POST", Target: "/", Host: "h", Body: make([]byte, size),
		})
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); resp.Status != 413 || string(body) != "big" {
			t.Errorf("status %d, body %q", resp.Status, body)
		}
		_ = resp.Body.Close()
	}
}

// TestDeadConnectionNeverCarriesARequest: a request that may not be repeated
// must not be risked on a connection that the peer has closed or spoken on.
func TestDeadConnectionNeverCarriesARequest(t *testing.T) {
	for name, spoil := range map[string]func(c net.Conn){
		"closed":  func(c net.Conn) { _ = c.Close() },
		"reset":   func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"garbage": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 408 Late\r\n\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			tr := New()
			defer tr.Close()
			e := &provider.Endpoint{Key: "x", Host: ln.Addr().String()}
			req := &provider.Request{Endpoint: e, Method: "POST", Target: "/", Host: "h"}
			for range 3 {
				var wg sync.WaitGroup
				var c net.Conn
				wg.Go(func() {
					var err error
					if c, err = ln.Accept(); err != nil {
						return
					}
					_, _ = c.Read(make([]byte, 1000))
					_, _ = io.WriteString(c, ok2)
				})
				resp, err := tr.Send(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if body, err := io.ReadAll(resp.Body); string(body) != "ok" || err != nil || resp.Reused {
					t.Fatalf("%q, %v, reused %t", body, err, resp.Reused)
				}
				wg.Wait()
				spoil(c)
				defer c.Close()
			}
		})
	}
}

// echoLine answers for ever, for benchmarks.
type echoLine struct {
	wire
	text string
}

func (l *echoLine) Write(p []byte) (int, error) {
	l.rest.(*strings.Reader).Reset(l.text)
	return len(p), nil
}

// BenchmarkExchange is what an exchange costs beside the network.
func BenchmarkExchange(b *testing.B) {
	l := &echoLine{text: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Header: some value\r\n", 18) +
		"Content-Length: 1000\r\n\r\n" + strings.Repeat("j", 1000)}
	l.rest, l.piece = strings.NewReader(""), 1<<20
	tr := &Transport{dial: func(context.Context, string, string) (net.Conn, error) { return l, nil }}
	req := request(strings.Repeat("q", 1000))
	req.Header = provider.Header{{Name: "Authorization", Value: "Bearer none"}, {Name: "X-Request-Id", Value: "1"}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	scratch := make([]byte, 32<<10)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := tr.Send(ctx, req)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = resp.Body.Read(scratch)
		}
		_ = resp.Body.Close()
	}
}
