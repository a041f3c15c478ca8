package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/config"
)

// heard is an output that can be waited for.
type heard struct {
	mu    sync.Mutex
	text  bytes.Buffer
	fresh chan struct{}
}

func newHeard() *heard { return &heard{fresh: make(chan struct{}, 1)} }

func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case h.fresh <- struct{}{}:
	default:
	}
	return h.text.Write(p)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.String()
}

// wait until the text is there.
func (h *heard) wait(t *testing.T, text string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !strings.Contains(h.String(), text) {
		select {
		case <-h.fresh:
		case <-late:
			t.Fatalf("never said %q, only %s", text, h.String())
		}
	}
}

// quiet are options without listeners for operators.
func quiet(t *testing.T) (o Options, stdout, stderr *heard) {
	t.Helper()
	stdout, stderr = newHeard(), newHeard()
	return Options{
		Version: "1.2.3", DataDir: t.TempDir(), Stdout: stdout, Stderr: stderr, Stdin: strings.NewReader(""),
		LookupEnv: func(name string) (string, bool) {
			switch name {
			case "ADMIN_ADDR", "STATS_ADDR", "READINESS_ADDR":
				return "off", true
			case "IPV6_ENABLED":
				return "false", true
			}
			return "", false
		},
	}, stdout, stderr
}

func TestConfigurationsThatCannotBeUsed(t *testing.T) {
	for _, run := range []func(Options) error{Validate, func(o Options) error { _, err := New(o); return err }} {
		o, _, _ := quiet(t)
		o.Inline = "llm: {modells: []}\n"
		var problems *config.Problems
		if err := run(o); !errors.As(err, &problems) || !strings.Contains(err.Error(), "--config:1:7") {
			t.Errorf("%v", err)
		}
		o.Inline, o.File = "", filepath.Join(o.DataDir, "none.yaml")
		if err := run(o); err == nil || !strings.Contains(err.Error(), "none.yaml") {
			t.Errorf("%v", err)
		}
		o.File, o.Stdin = "-", strings.NewReader("llm: 5\n")
		if err := run(o); err == nil || !strings.Contains(err.Error(), "standard input:1:6") {
			t.Errorf("%v", err)
		}
		o.File, o.Inline = "", "frontendPolicies: {tracing: {host: \"h:1\", randomSampling: 'request.path'}}\nllm: {models: []}\n"
		if err := run(o); err == nil || !strings.Contains(err.Error(), "a share of requests") {
			t.Errorf("%v", err)
		}
	}
	o, _, stderr := quiet(t)
	o.Inline = "mcp: {}\nllm: {models: []}\n"
	if err := Validate(o); err != nil || !strings.Contains(stderr.String(), "mcp") {
		t.Errorf("%v, %s", err, stderr)
	}
	o.Strict = true
	if err := Validate(o); err == nil {
		t.Error("strict lets pass what has no effect")
	}
}

// running is the program under test.
type running struct {
	*App
	stdout, stderr *heard
	file           string
	stop           context.CancelFunc
	done           chan error
}

func run(t *testing.T, text string) *running {
	t.Helper()
	r := &running{done: make(chan error, 1)}
	var o Options
	o, r.stdout, r.stderr = quiet(t)
	r.file = filepath.Join(t.TempDir(), "c.yaml")
	o.File = r.file
	r.write(t, text)
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	r.App = a
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-r.done:
		case <-time.After(20 * time.Second):
			t.Error("the program does not end")
		}
	})
	r.stdout.wait(t, "tollgate 1.2.3")
	return r
}

func (r *running) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(r.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// direct is a configuration that answers itself, on each port with a text.
func direct(portsAndTexts ...string) string {
	text := "binds:\n"
	for i := 0; i < len(portsAndTexts); i += 2 {
		text += fmt.Sprintf("- {port: %s, listeners: [{routes: [{policies: {directResponse: {status: 200, body: %q}}}]}]}\n", portsAndTexts[i], portsAndTexts[i+1])
	}
	return text
}

// A configuration that cannot be used, or not be served by, changes nothing.
func TestReload(t *testing.T) {
	address, other := freeAddress(t), freeAddress(t)
	port := portOf(t, address)
	r := run(t, direct(port, "one"))
	if got := get(t, address); got != "one" {
		t.Fatalf("%q", got)
	}
	r.write(t, direct(port, "two"))
	r.stderr.wait(t, "configuration reloaded")
	if got := get(t, address); got != "two" {
		t.Errorf("%q", got)
	}
	snapshot, loaded := r.gateway.Snapshot(), r.config.Load()
	for name, text := range map[string]string{
		"problems":       "llm: {modells: []}\n",
		"compile":        "llm: {models: [], policies: {authorization: {rules: [\"((\"]}}}\n",
		"empty":          "",
		"address in use": direct(port, "three", portOf(t, other), "four", portOf(t, occupied(t)), "five"),
	} {
		r.write(t, text)
		if r.reload(t.Context()) == nil {
			t.Errorf("%s: nothing to watch", name)
		}
		if r.gateway.Snapshot() != snapshot || r.config.Load() != loaded || get(t, address) != "two" {
			t.Errorf("%s changed what is in force", name)
		}
		if isOpen(other) {
			t.Errorf("%s left an address open", name)
		}
		r.stderr.wait(t, "Failed to reload config; the previous one stays in force")
	}
	// Another address: the new one is open, the old one closed.
	r.write(t, direct(portOf(t, other), "moved"))
	r.reload(t.Context())
	if got := get(t, other); got != "moved" {
		t.Errorf("%q", got)
	}
	for isOpen(address) {
		time.Sleep(time.Millisecond)
	}
}

// occupied gives an address that is in use.
func occupied(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestStartWithAnAddressInUse(t *testing.T) {
	o, stdout, _ := quiet(t)
	o.Inline = direct(portOf(t, occupied(t)), "x")
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("%v", err)
	}
	if stdout.String() != "" {
		t.Errorf("it announced %s", stdout)
	}
}

// At the end requests under way finish, new ones find nobody.
func TestRunDrains(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
		_ = http.NewResponseController(w).Flush()
		close(asked)
		<-release
		_, _ = io.WriteString(w, "data: two\n\n")
	}))
	defer upstream.Close()
	address := freeAddress(t)
	r := run(t, fmt.Sprintf("llm:\n  port: %s\n  models: [{name: \"*\", provider: openAI, params: {baseUrl: %q, apiKey: k}}]\ntollgate: {drainTimeout: 60s}\n", portOf(t, address), upstream.URL))
	if !strings.Contains(r.stdout.String(), "asks for no virtual key") {
		t.Errorf("announced %s", r.stdout)
	}
	got := make(chan string)
	go func() {
		resp, err := http.Post("http://"+address+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m","stream":true,"messages":[]}`))
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		got <- fmt.Sprint(string(text), err)
	}()
	<-asked
	r.stop()
	r.stderr.wait(t, "draining")
	for isOpen(address) {
		time.Sleep(time.Millisecond)
	}
	close(release)
	if text := <-got; text != "data: one\n\ndata: two\n\n<nil>" {
		t.Errorf("got %q", text)
	}
	if err := <-r.done; err != nil {
		t.Errorf("ended with %v", err)
	}
	r.done <- nil // for the cleanup
	if !strings.Contains(r.stdout.String(), "http.status=200") {
		t.Errorf("the access log says %s", r.stdout)
	}
}
