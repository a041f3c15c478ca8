package transports_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/transports"
)

func TestContract(t *testing.T) {
	providertest.Run(t, func(*testing.T) provider.Transport { return transports.New() })
}

func TestChoice(t *testing.T) {
	say := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto+" "+r.RequestURI) }
	s := httptest.NewUnstartedServer(http.HandlerFunc(say))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	p := httptest.NewServer(http.HandlerFunc(say))
	defer p.Close()
	for _, tt := range []struct {
		name, url, want string
		o               provider.EndpointOptions
	}{
		{"plain", s.URL, "HTTP/1.1 /x", provider.EndpointOptions{Insecure: true}},
		{"HTTP/2", s.URL, "HTTP/2.0 /x", provider.EndpointOptions{Insecure: true, HTTP2: true}},
		{"proxy", "http://provider.invalid", "HTTP/1.1 http://h/x", provider.EndpointOptions{Proxy: p.URL}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := provider.NewEndpoint(tt.url, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			tr := transports.New()
			defer tr.Close()
			resp, err := tr.Send(t.Context(), &provider.Request{Endpoint: e, Method: "GET", Target: "/x", Host: "h"})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got, err := io.ReadAll(resp.Body); string(got) != tt.want || err != nil {
				t.Errorf("%q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
