// Package providertest says what a provider.Transport is: a suite that every
// implementation passes, against a TCP server which plays by script what good,
// bad and dying servers do. It owns the contract and knows no implementation.
package providertest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tollgate/internal/provider"
)

// Run runs the suite. open gives a new transport; if it has a method Close that
// is called at the end, after which none of its goroutines may be left.
func Run(t *testing.T, open func(t *testing.T) provider.Transport) {
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"request", requestCases},
		{"answer", answerCases()},
		{"malformed", malformedCases()},
		{"reuse", reuseCases},
		{"end", endCases},
		{"tls", tlsCases},
	}
	for _, group := range groups {
		for _, c := range group.cases {
			t.Run(group.name+"/"+c.name, func(t *testing.T) {
				others := goleak.IgnoreCurrent()
				t.Cleanup(func() { goleak.VerifyNone(t, others) })
				tr := open(t)
				if closer, ok := tr.(interface{ Close() }); ok {
					t.Cleanup(closer.Close)
				}
				ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
				t.Cleanup(cancel)
				c.run(&bench{T: t, Transport: tr, ctx: ctx})
			})
		}
	}
}

// testCase is one promise of the contract.
type testCase struct {
	name string
	run  func(b *bench)
}

// bench is what a case works with.
type bench struct {
	*testing.T
	provider.Transport
	ctx context.Context // ends when the case has surely failed
}

// endpoint is the server as an endpoint.
func (b *bench) endpoint(s *server) *provider.Endpoint {
	b.Helper()
	return b.endpointAt("http://"+s.addr, provider.EndpointOptions{})
}

func (b *bench) endpointAt(url string, o provider.EndpointOptions) *provider.Endpoint {
	b.Helper()
	e, err := provider.NewEndpoint(url, o)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// post is a request as gateways make them.
func post(e *provider.Endpoint) *provider.Request {
	return &provider.Request{
		Endpoint: e, Method: "POST", Target: "/v1/chat/completions?x=%2F", Host: "api.example.com",
		Static: "Content-Type: application/json\r\n",
		Header: provider.Header{{Name: "Authorization", Value: "Bearer " + credential}},
		Body:   []byte(`{"model":"m"}`),
	}
}

// credential must not be seen in any error.
const credential = "hunter2-credential"

// get is a request that may be repeated.
func get(e *provider.Endpoint) *provider.Request {
	return &provider.Request{Endpoint: e, Method: "GET", Target: "/", Host: "api.example.com", Replayable: true}
}

// must sends a request that has to be answered.
func (b *bench) must(req *provider.Request) *provider.Response {
	b.Helper()
	resp, err := b.Send(b.ctx, req)
	if err != nil {
		b.Fatalf("Send: %v", err)
	}
	b.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// text reads the body to its end and closes it.
func (b *bench) text(resp *provider.Response) string {
	b.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatalf("Read: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		b.Fatalf("Close: %v", err)
	}
	return string(body)
}

// ask sends a request and reads its answer, and tells whether the connection
// was a used one.
func (b *bench) ask(req *provider.Request, body string) (reused bool) {
	b.Helper()
	resp := b.must(req)
	if got := b.text(resp); got != body {
		b.Fatalf("body %.80q, want %.80q", got, body)
	}
	return resp.Reused
}

// attempt sends a request and reads its answer until something fails.
func (b *bench) attempt(ctx context.Context, req *provider.Request) error {
	resp, err := b.Send(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// fails checks that err is a SendError of a stage that gives nothing away.
func (b *bench) fails(err error, stage provider.Stage) *provider.SendError {
	b.Helper()
	failed, ok := errors.AsType[*provider.SendError](err)
	if !ok {
		b.Fatalf("error %v (%T), want a *provider.SendError", err, err)
	}
	if failed.Stage != stage {
		b.Errorf("stage %v of %q, want %v", failed.Stage, err, stage)
	}
	if s := err.Error(); strings.Contains(s, credential) || strings.Contains(s, "x=%2F") {
		b.Errorf("the error gives the request away: %s", s)
	}
	return failed
}

// failsFast is fails for an error that is no time-out.
func (b *bench) failsFast(err error, stage provider.Stage) {
	b.Helper()
	if b.fails(err, stage).Timeout {
		b.Errorf("%v reads as a time-out", err)
	}
}

// await waits for something that must happen at once.
func (b *bench) await(what string, c <-chan struct{}) {
	b.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		b.Fatalf("%s did not happen", what)
	}
}
