package standard_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/provider"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/standard"
)

func TestContract(t *testing.T) {
	providertest.Run(t, func(*testing.T) provider.Transport { return standard.New() })
}

func newTransport(t *testing.T) *standard.Transport {
	tr := standard.New()
	t.Cleanup(tr.Close)
	return tr
}

func endpoint(t *testing.T, url string, o provider.EndpointOptions) *provider.Endpoint {
	t.Helper()
	e, err := provider.NewEndpoint(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func request(e *provider.Endpoint, body string) *provider.Request {
	return &provider.Request{
		Endpoint: e, Method: "POST", Target: "/model/a%2Fb:0/invoke?x=%20y|z", Host: "api.example.com",
		Static: "Content-Type: application/json\r\n", Body: []byte(body),
	}
}

func ask(t *testing.T, tr provider.Transport, req *provider.Request) (*provider.Response, string) {
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
	return resp, string(body)
}

// describe answers with what it was asked.
func describe(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-Proto", r.Proto)
	_, _ = io.WriteString(w, r.Method+" "+r.Host+" "+r.RequestURI+" "+r.Header.Get("Content-Type")+
		" "+r.Header.Get("User-Agent")+r.Header.Get("Accept-Encoding")+" "+string(body))
}

const described = "POST api.example.com /model/a%2Fb:0/invoke?x=%20y|z application/json  question"

func TestHTTP2(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(describe))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewUnstartedServer(http.HandlerFunc(describe))
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Start()
	defer plain.Close()
	for _, tt := range []struct {
		name, url, proto string
		o                provider.EndpointOptions
	}{
		{"negotiated", secure.URL, "HTTP/2.0", provider.EndpointOptions{HTTP2: true, Insecure: true}},
		{"not asked for", secure.URL, "HTTP/1.1", provider.EndpointOptions{Insecure: true}},
		{"without TLS", plain.URL, "HTTP/2.0", provider.EndpointOptions{HTTP2: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTransport(t)
			e := endpoint(t, tt.url, tt.o)
			for i := range 2 {
				resp, body := ask(t, tr, request(e, "question"))
				if body != described || resp.Header.Get("x-proto") != tt.proto {
					t.Errorf("%q over %s", body, resp.Header.Get("x-proto"))
				}
				if resp.Reused != (i > 0) {
					t.Errorf("request %d: reused %t", i, resp.Reused)
				}
			}
		})
	}
}

// TestHTTP2FallsBack: a server that knows HTTP/1.1 only is served in that.
func TestHTTP2FallsBack(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(describe))
	defer s.Close()
	e := endpoint(t, s.URL, provider.EndpointOptions{HTTP2: true, Insecure: true})
	if resp, _ := ask(t, newTransport(t), request(e, "question")); resp.Header.Get("X-Proto") != "HTTP/1.1" {
		t.Errorf("spoke %s", resp.Header.Get("X-Proto"))
	}
}

// TestHTTP2Cancel: cancelling one exchange reaches the server and leaves the
// connection to the others.
func TestHTTP2Cancel(t *testing.T) {
	ended := make(chan struct{}, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			describe(w, r)
			return
		}
		_, _ = io.WriteString(w, "ok")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- struct{}{}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	tr := newTransport(t)
	req := request(endpoint(t, s.URL, provider.EndpointOptions{HTTP2: true, Insecure: true}), "")
	req.Target = "/stream"
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	resp, err := tr.Send(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the server does not know")
	}
	if _, err := io.ReadAll(resp.Body); provider.StageOf(err) != provider.Read || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	req.Target = "/other"
	if resp, _ := ask(t, tr, req); !resp.Reused {
		t.Error("the connection was given up")
	}
}

// proxy is a forward proxy that wants a password.
func proxy(t *testing.T, used *atomic.Int32) *httptest.Server {
	const want = "Basic "
	password := want + base64.StdEncoding.EncodeToString([]byte("user:hunter2"))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		used.Add(1)
		if r.Header.Get("Proxy-Authorization") != password {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			_, _ = io.WriteString(w, "by proxy: "+r.RequestURI+" for "+r.Host)
			return
		}
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, in, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(here, bufio.NewReader(there))
			_ = here.Close()
		}()
		_, _ = io.Copy(there, in)
		_ = there.Close()
	}))
	t.Cleanup(s.Close)
	return s
}

func TestProxy(t *testing.T) {
	var used atomic.Int32
	p := proxy(t, &used)
	withPassword := strings.Replace(p.URL, "http://", "http://user:hunter2@", 1)
	secure := httptest.NewTLSServer(http.HandlerFunc(describe))
	defer secure.Close()

	t.Run("tunnel", func(t *testing.T) {
		used.Store(0)
		e := endpoint(t, secure.URL, provider.EndpointOptions{Insecure: true, Proxy: withPassword})
		if _, body := ask(t, newTransport(t), request(e, "question")); body != described || used.Load() != 1 {
			t.Errorf("%q, proxy used %d times", body, used.Load())
		}
	})
	t.Run("plain", func(t *testing.T) {
		e := endpoint(t, "http://provider.invalid", provider.EndpointOptions{Proxy: withPassword})
		req := request(e, "question")
		req.Target = "/a%2Fb?c=d"
		_, body := ask(t, newTransport(t), req)
		if want := "by proxy: http://api.example.com/a%2Fb?c=d for api.example.com"; body != want {
			t.Errorf("%q, want %q", body, want)
		}
	})
	t.Run("refused", func(t *testing.T) {
		wrong := strings.Replace(p.URL, "http://", "http://user:secret9@", 1)
		e := endpoint(t, secure.URL, provider.EndpointOptions{Insecure: true, Proxy: wrong})
		_, err := newTransport(t).Send(t.Context(), request(e, "question"))
		if provider.StageOf(err) != provider.Connect || strings.Contains(err.Error(), "secret9") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("down", func(t *testing.T) {
		gone := httptest.NewServer(nil)
		gone.Close()
		e := endpoint(t, secure.URL, provider.EndpointOptions{
			Insecure: true, Proxy: strings.Replace(gone.URL, "http://", "http://user:secret9@", 1),
		})
		_, err := newTransport(t).Send(t.Context(), request(e, "question"))
		if provider.StageOf(err) != provider.Connect || strings.Contains(err.Error(), "secret9") {
			t.Errorf("error %v", err)
		}
	})
}
