package app

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/config"
	"tollgate/internal/dataplane"
	"tollgate/internal/gateway"
	"tollgate/internal/provider/transports"
	"tollgate/internal/quota"
	"tollgate/internal/ratelimit"
	"tollgate/internal/routing"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
)

// front is the way of a request from a configuration to its servers, without the rest of
// the program. It serves the gateway of port 80.
type front struct {
	t       *testing.T
	url     string
	surface *dataplane.Server // change it before the first request
	mu      sync.Mutex
	records []gateway.Exchange
	fresh   chan struct{}
}

// Record implements gateway.Recorder.
func (f *front) Record(x *gateway.Exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := *x
	kept.Attempts = slices.Clone(x.Attempts)
	f.records = append(f.records, kept)
	select {
	case f.fresh <- struct{}{}:
	default:
	}
}

// record waits for that of the n-th exchange.
func (f *front) record(n int) gateway.Exchange {
	f.t.Helper()
	late := time.After(20 * time.Second)
	for {
		f.mu.Lock()
		if len(f.records) > n {
			defer f.mu.Unlock()
			return f.records[n]
		}
		f.mu.Unlock()
		select {
		case <-f.fresh:
		case <-late:
			f.t.Fatal("the exchange is not recorded")
		}
	}
}

func newFront(t *testing.T, text string, change func(*config.Config)) *front {
	t.Helper()
	c, report := config.Load(config.Source{Name: "c.yaml", Text: []byte(text)}, config.Options{LookupEnv: func(string) (string, bool) { return "", false }})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(c)
	}
	transport := transports.New()
	t.Cleanup(transport.Close)
	now := time.Now()
	compiled := snapshot.Compile(c, report, snapshot.Parts{
		Transport: transport, Limits: ratelimit.NewRegistry(now), Health: routing.NewRegistry(), Now: time.Now, Started: now, Version: "1",
	})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	compiled.Limits.Commit(now)
	f := &front{t: t, fresh: make(chan struct{}, 1)}
	log := slog.New(slog.DiscardHandler)
	g := gateway.New(gateway.Options{Snapshot: compiled.Snapshot, Quota: quota.NewEngine(time.Now, nil), Recorder: f, Log: log})
	surface := &dataplane.Server{Gateway: g, Log: log, MaxBody: g.MaxBody, BodyTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second}
	server := httptest.NewUnstartedServer(surface.Handler("[::]:80"))
	server.Listener = dataplane.Watch(server.Listener)
	server.Config.ConnContext, server.Config.ErrorLog = dataplane.ConnContext, slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.Start()
	t.Cleanup(server.Close)
	f.url, f.surface = server.URL, surface
	return f
}

// ask makes a request whose method and path are its first line, with header lines below.
func (f *front) ask(head, body string) (*http.Response, string) {
	f.t.Helper()
	lines := strings.Split(head, "\n")
	method, path, _ := strings.Cut(lines[0], " ")
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if body == "" {
		req.Body, req.ContentLength = nil, 0
	}
	req.Header.Set("Accept-Encoding", "identity")
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Add(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true},
	}
	resp, err := client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp, string(text)
}

// arrived is a request as a server got it.
type arrived struct {
	*http.Request
	body string
}

// server keeps what it is asked, and answers like answer.
func server(t *testing.T, answer http.HandlerFunc) (address string, got chan arrived) {
	t.Helper()
	got = make(chan arrived, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- arrived{r, string(body)}
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://"), got
}

func plainRoute(address, more string) string {
	return "gateways: {default: {port: 80}}\nroutes: [{" + more + "backends: [{host: \"" + address + "\"}]}]\n"
}

func pemOf(c *x509.Certificate) secret.Text {
	return secret.New(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
}
