package provider_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"tollgate/internal/provider"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/secret"
)

func TestEndpointHost(t *testing.T) {
	for url, want := range map[string]string{
		"https://API.example.com/v1":  "api.example.com:443",
		"http://localhost":            "localhost:80",
		"http://localhost:11434/api":  "localhost:11434",
		"https://[2001:db8::1]":       "[2001:db8::1]:443",
		"https://[2001:db8::1]:8443/": "[2001:db8::1]:8443",
	} {
		e, err := provider.NewEndpoint(url, provider.EndpointOptions{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if e.Host != want || (e.TLS != nil) != strings.HasPrefix(url, "https") {
			t.Errorf("%s: host %q, TLS %t", url, e.Host, e.TLS != nil)
		}
	}
}

func TestEndpointRefuses(t *testing.T) {
	const password = "hunter2"
	plain := provider.EndpointOptions{}
	for name, tt := range map[string]struct {
		url string
		o   provider.EndpointOptions
	}{
		"empty":           {"", plain},
		"no scheme":       {"api.example.com", plain},
		"other scheme":    {"ftp://api.example.com", plain},
		"no host":         {"https://", plain},
		"port zero":       {"https://a:0", plain},
		"port too large":  {"https://a:65536", plain},
		"malformed":       {"https://u:" + password + "@a:b", plain},
		"user":            {"https://u:" + password + "@a", plain},
		"proxy scheme":    {"https://a", provider.EndpointOptions{Proxy: "socks5://u:" + password + "@a"}},
		"proxy malformed": {"https://a", provider.EndpointOptions{Proxy: "http://u:" + password + "@a:b"}},
		"no CA":           {"https://a", provider.EndpointOptions{RootCAs: []byte("none")}},
		"certificate":     {"https://a", provider.EndpointOptions{ClientCert: []byte("none")}},
		"key alone":       {"https://a", provider.EndpointOptions{ClientKey: secret.New(password)}},
		"TLS over http":   {"http://a", provider.EndpointOptions{Insecure: true}},
		"CA over http":    {"http://a", provider.EndpointOptions{RootCAs: []byte("x")}},
		"name over http":  {"http://a", provider.EndpointOptions{ServerName: "x"}},
	} {
		_, err := provider.NewEndpoint(tt.url, tt.o)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), password) {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

// TestEndpointKey: connections are shared by Key, so whatever makes a
// connection or its pool another one must make another Key.
func TestEndpointKey(t *testing.T) {
	ca, other := providertest.NewAuthority(t), providertest.NewAuthority(t)
	cert, key := ca.Issue(t, "a")
	cert2, key2 := ca.Issue(t, "a")
	seen := make(map[string]string)
	add := func(name, url string, o provider.EndpointOptions) {
		t.Helper()
		e, err := provider.NewEndpoint(url, o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if twin, ok := seen[e.Key]; ok {
			t.Errorf("%s and %s have the same key", name, twin)
		}
		seen[e.Key] = name
		again, _ := provider.NewEndpoint(url+"/some/path", o)
		if again.Key != e.Key {
			t.Errorf("%s: two keys for the same settings", name)
		}
	}
	add("plain", "https://a", provider.EndpointOptions{})
	add("host", "https://b", provider.EndpointOptions{})
	add("port", "https://a:444", provider.EndpointOptions{})
	add("scheme", "http://a:443", provider.EndpointOptions{})
	for name, o := range map[string]provider.EndpointOptions{
		"CA":              {RootCAs: ca.PEM},
		"other CA":        {RootCAs: other.PEM},
		"client":          {ClientCert: cert, ClientKey: secret.New(string(key))},
		"other client":    {ClientCert: cert2, ClientKey: secret.New(string(key2))},
		"server name":     {ServerName: "c"},
		"insecure":        {Insecure: true},
		"insecure host":   {InsecureHost: true},
		"connect timeout": {ConnectTimeout: time.Second},
		"idle timeout":    {IdleTimeout: time.Second},
		"max idle":        {MaxIdle: 1},
		"HTTP/2":          {HTTP2: true},
		"proxy":           {Proxy: "http://p"},
		"other proxy":     {Proxy: "http://u:p@p"},
	} {
		add(name, "https://a", o)
	}
}

func TestStaticFields(t *testing.T) {
	got, err := provider.StaticFields(provider.Header{{Name: "A", Value: "b"}, {Name: "c", Value: ""}})
	if want := "A: b\r\nc: \r\n"; got != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	for _, f := range []provider.Field{
		{Name: "", Value: "x"},
		{Name: "A b", Value: "x"},
		{Name: "A:", Value: "x"},
		{Name: "Ä", Value: "x"},
		{Name: "A", Value: "hunter2\r\nB: c"},
		{Name: "A", Value: "hunter2\x00"},
		{Name: "A", Value: "hunter2\x7f"},
		{Name: "host", Value: "x"},
		{Name: "CONTENT-LENGTH", Value: "1"},
		{Name: "Transfer-Encoding", Value: "chunked"},
		{Name: "connection", Value: "close"},
	} {
		_, err := provider.StaticFields(provider.Header{f})
		if err == nil {
			t.Errorf("%q is accepted", f)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the value: %v", err)
		}
	}
}

func TestHeaderGet(t *testing.T) {
	h := provider.Header{{"Retry-After", "1"}, {"retry-after", "2"}, {"X_A", "3"}}
	for name, want := range map[string]string{"RETRY-AFTER": "1", "Retry-After": "1", "retry": "", "x_a": "3", "X\x7fA": ""} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

type lateError struct{}

func (lateError) Error() string { return "late" }
func (lateError) Timeout() bool { return true }

func TestNewSendError(t *testing.T) {
	broken := io.ErrUnexpectedEOF
	live := context.Background()
	cancelled, cancel := context.WithCancel(live)
	cancel()
	passed, cancel := context.WithTimeout(live, 0)
	defer cancel()
	caused, cancelCause := context.WithCancelCause(live)
	cancelCause(lateError{})
	left, cancelCause := context.WithCancelCause(live)
	cancelCause(io.ErrClosedPipe)
	for name, tt := range map[string]struct {
		ctx     context.Context
		is      []error
		timeout bool
		text    string
	}{
		"live":              {live, []error{broken}, false, "read: unexpected EOF"},
		"cancelled":         {cancelled, []error{context.Canceled}, false, "read: context canceled"},
		"deadline":          {passed, []error{context.DeadlineExceeded}, true, "read: context deadline exceeded"},
		"cause in time":     {left, []error{context.Canceled, io.ErrClosedPipe}, false, "read: context canceled: io: read/write on closed pipe"},
		"cause of lateness": {caused, []error{context.Canceled, lateError{}}, true, "read: context canceled: late"},
	} {
		err := provider.NewSendError(tt.ctx, provider.Read, broken)
		for _, want := range tt.is {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v is not %v", name, err, want)
			}
		}
		if err.Timeout != tt.timeout || err.Error() != tt.text || provider.StageOf(err) != provider.Read {
			t.Errorf("%s: %v, timeout %t", name, err, err.Timeout)
		}
	}
	if provider.StageOf(io.EOF) != provider.Await {
		t.Error("an unknown error does not count as Await")
	}
}
