package providertest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen at once.
const patience = 5 * time.Second

// script plays the server's side of one connection.
type script func(p *peer)

// server is a TCP server whose connections are played by scripts.
type server struct {
	t    *testing.T
	addr string

	mu     sync.Mutex
	conns  []net.Conn
	closed bool
	wg     sync.WaitGroup
}

// serve plays the nth script on the nth connection; one connection more than
// there are scripts fails the test.
func serve(t *testing.T, scripts ...script) *server {
	t.Helper()
	return serveOn(t, listen(t), func(n int) script {
		if n >= len(scripts) {
			t.Errorf("connection %d was not expected", n)
			return nil
		}
		return scripts[n]
	})
}

// serveAll plays s on every connection.
func serveAll(t *testing.T, s script) *server {
	t.Helper()
	return serveOn(t, listen(t), func(int) script { return s })
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func serveOn(t *testing.T, ln net.Listener, choose func(n int) script) *server {
	s := &server{t: t, addr: ln.Addr().String()}
	s.wg.Go(func() {
		for n := 0; ; n++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			if !s.add(c) {
				return
			}
			play := choose(n)
			s.wg.Go(func() {
				defer c.Close()
				if play != nil {
					play(&peer{t: t, Conn: c, in: bufio.NewReader(c)})
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		s.closeConns()
		s.wg.Wait()
	})
	return s
}

func (s *server) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return false
	}
	s.conns = append(s.conns, c)
	return true
}

func (s *server) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.conns {
		_ = c.Close()
	}
}

// peer is the server's side of a connection.
type peer struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
}

// request is what the server has read.
type request struct {
	lines []string // request line and header lines
	body  string
}

// head reads a request's head.
func (p *peer) head() *request {
	r := new(request)
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return nil
		}
		if line = strings.TrimSuffix(line, "\r\n"); line == "" {
			return r
		}
		r.lines = append(r.lines, line)
	}
}

// read reads a whole request, nil if the client has gone.
func (p *peer) read() *request {
	r := p.head()
	if r == nil {
		return nil
	}
	parsed, err := http.ReadRequest(bufio.NewReader(io.MultiReader(
		strings.NewReader(strings.Join(r.lines, "\r\n")+"\r\n\r\n"), p.in)))
	if err != nil {
		p.t.Errorf("the request is malformed: %v", err)
		return nil
	}
	body, err := io.ReadAll(parsed.Body)
	if err != nil {
		return nil
	}
	r.body = string(body)
	return r
}

// write sends s; it fails silently if the client has gone.
func (p *peer) write(s string) bool {
	_, err := io.WriteString(p, s)
	return err == nil
}

// gone waits for the client to close the connection.
func (p *peer) gone() {
	_ = p.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, p.in); errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Error("the client did not close the connection")
	}
}

// reset closes the connection with RST.
func (p *peer) reset() {
	_ = p.Conn.(*net.TCPConn).SetLinger(0)
	_ = p.Close()
}

// answer reads a request and writes s, as often as the client wants.
func answer(s string) script {
	return func(p *peer) {
		for p.read() != nil {
			p.write(s)
		}
	}
}

// answerOnce reads a request, writes s and closes the connection.
func answerOnce(s string) script {
	return func(p *peer) {
		if p.read() != nil {
			p.write(s)
		}
	}
}

// answerThenGone reads a request, writes s and waits for the client to close.
func answerThenGone(s string) script {
	return func(p *peer) {
		if p.read() != nil {
			p.write(s)
			p.gone()
		}
	}
}
