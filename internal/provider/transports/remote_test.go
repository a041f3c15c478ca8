package transports_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/lean"
	"tollgate/internal/provider/standard"
)

// An endpoint that may not be this machine is not called there, whatever its name leads to,
// nor over a connection that another endpoint of the host has opened.
func TestRemote(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	both := map[string]provider.Transport{"lean": new(lean.Transport), "standard": new(standard.Transport)}
	for _, remote := range []bool{false, true} {
		for _, host := range []string{"127.0.0.1", "localhost"} {
			e, err := provider.NewEndpoint("http://"+host+port, provider.EndpointOptions{Remote: remote})
			if err != nil {
				t.Fatal(err)
			}
			for name, c := range both {
				res, err := c.Send(t.Context(), &provider.Request{Endpoint: e, Method: http.MethodGet, Target: "/", Host: host})
				if err == nil {
					_ = res.Body.Close()
				}
				if remote != (err != nil) || remote && !strings.Contains(err.Error(), "this machine or its link") {
					t.Errorf("%s, remote %t, %s: %v", name, remote, host, err)
				}
			}
		}
	}
	if calls.Load() != 4 {
		t.Errorf("%d calls", calls.Load())
	}
	both["lean"].(*lean.Transport).Close()
	both["standard"].(*standard.Transport).Close()
}
