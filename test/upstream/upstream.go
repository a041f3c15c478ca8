// Package upstream is a scripted, recording model provider for the tests under
// test/. It speaks just enough of the OpenAI and Anthropic formats to be taken
// for a provider, keeps every request that it saw, and misbehaves on demand:
// it holds answers back, resets connections, sends halves of events, garbage,
// gzip, endless lines. It knows nothing of the gateway in front of it.
package upstream

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Default usage of an answer, in tokens.
const (
	PromptTokens     = 10
	CompletionTokens = 9
)

// Text is what the model says.
const Text = "Hello! How can I help you today?"

// Request is one request as it arrived.
type Request struct {
	Method, Target, Host string
	Header               http.Header
	Body                 []byte
	// Canceled is closed when the caller left before the answer was complete.
	Canceled chan struct{}
}

// String gives the request in the shape in which it travelled.
func (r *Request) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\nHost: %s\n", r.Method, r.Target, r.Host)
	_ = r.Header.Write(&b) // a bytes.Buffer cannot fail
	text := bytes.ReplaceAll(b.Bytes(), []byte("\r\n"), []byte("\n"))
	return string(text) + "\n" + string(r.Body) + "\n"
}

// Server is a running provider.
type Server struct {
	mu       sync.Mutex
	requests []*Request
	answers  []*Answer
	release  chan struct{} // closed and replaced by Release
	http     *httptest.Server
}

// New starts a provider on a free port of the loopback address; cert makes it
// speak TLS.
func New(cert *tls.Certificate) *Server {
	s := &Server{release: make(chan struct{})}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	if cert != nil {
		s.http.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}}
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	return s
}

// Addr gives the host and port.
func (s *Server) Addr() string { return s.http.Listener.Addr().String() }

// Close stops the provider and cuts its connections.
func (s *Server) Close() {
	s.Release()
	s.http.CloseClientConnections()
	_ = s.http.Listener.Close()
}

// Answer adds a script for the requests to come. Scripts are tried in the
// order in which they were added; one that was used Times times is spent.
func (s *Server) Answer(a *Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, a)
}

// Reset forgets all requests and scripts.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.answers = nil, nil
}

// Release lets everything that is held go on.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.release)
	s.release = make(chan struct{})
}

// Requests gives what was seen so far.
func (s *Server) Requests() []*Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Request(nil), s.requests...)
}

// record keeps the request and picks the script for it.
func (s *Server) record(r *Request, model string) (Answer, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	for _, a := range s.answers {
		if (a.Model == "" || a.Model == model) && (a.Times == 0 || a.used < a.Times) {
			a.used++
			return *a, s.release
		}
	}
	return Answer{}, s.release
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller left: there is nobody to answer
	}
	rec := &Request{
		Method: r.Method, Target: r.RequestURI, Host: r.Host,
		Header: r.Header.Clone(), Body: body, Canceled: make(chan struct{}),
	}
	ask := readAsk(body)
	answer, release := s.record(rec, ask.Model)
	write(w, r, &answer, ask, release)
	if r.Context().Err() != nil {
		close(rec.Canceled)
	}
}

// reset breaks the connection as a crashed provider does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an orderly end
	}
	_ = conn.Close()
}

// hold waits until the script is released or the caller leaves, and reports
// whether to go on. Nothing is held for longer than a minute.
func hold(r *http.Request, release <-chan struct{}) bool {
	select {
	case <-release:
		return true
	case <-r.Context().Done():
		return false
	case <-time.After(time.Minute):
		return false
	}
}
