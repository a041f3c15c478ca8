package load_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/bench/fakeprovider"
	"tollgate/bench/load"
)

func provider(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = fakeprovider.Serve(ln) }()
	t.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().String()
}

// raw is a server that gives each request the same bytes.
func raw(t *testing.T, answer string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 64<<10)
				for {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
					if strings.HasSuffix(answer, "CUT") {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

func quick(addr, model string, stream bool) load.Config {
	cfg := load.Config{
		Addr:     addr,
		Requests: load.Requests(addr, model, stream, load.Keys(10)),
		Check:    load.CheckJSON,
		Conns:    4,
		WarmUp:   10 * time.Millisecond,
		Measure:  150 * time.Millisecond,
	}
	if stream {
		cfg.Check = load.CheckStream
	}
	return cfg
}

func TestRunCounts(t *testing.T) {
	for _, stream := range []bool{false, true} {
		var began, ended int
		cfg := quick(provider(t), fakeprovider.ModelBurst, stream)
		cfg.Begin, cfg.End = func() { began++ }, func() { ended++ }
		result, err := load.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if began != 1 || ended != 1 {
			t.Errorf("began %d times, ended %d times", began, ended)
		}
		if n := result.Latency.Count(); n == 0 || int64(result.Sent) < n || n != result.FirstByte.Count() {
			t.Errorf("%d ended, %d sent, %d first bytes", n, result.Sent, result.FirstByte.Count())
		}
		// What was cut off at both ends is at most one answer per connection.
		if diff := result.Answers - float64(result.Latency.Count()); diff < -4 || diff > 4 {
			t.Errorf("%v answers, but %d ended", result.Answers, result.Latency.Count())
		}
		if result.Latency.Quantile(0.5) < result.FirstByte.Quantile(0.5) {
			t.Error("answers ended before they began")
		}
	}
}

// The parts of streams that a window cuts off count as parts. A stream takes
// 630 ms: of sixteen that start over the first 600 ms, half end within 900 ms,
// and all of them together bring nearly sixteen streams' worth.
func TestRunCountsPartsOfStreams(t *testing.T) {
	cfg := quick(provider(t), fakeprovider.ModelPaced, true)
	cfg.Conns, cfg.WarmUp, cfg.Measure, cfg.Spread = 16, 0, 900*time.Millisecond, 600*time.Millisecond
	result, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if ended := float64(result.Latency.Count()); result.Answers < 1.3*ended || result.Answers > 18 {
		t.Errorf("%v answers, of which %v ended, want about 16 and 8", result.Answers, ended)
	}
}

// Every key is used, and no request differs from its Content-Length.
func TestRunRotatesKeys(t *testing.T) {
	var seen sync.Map
	var distinct atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, known := seen.LoadOrStore(r.Header.Get("Authorization"), true); !known {
			distinct.Add(1)
		}
		if body, _ := io.ReadAll(r.Body); string(body) != load.Body("m", false) {
			t.Errorf("body %q", body)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	cfg := quick(server.Listener.Addr().String(), "m", false)
	cfg.Check = func([]byte) error { return nil }
	if _, err := load.Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if distinct.Load() != 10 {
		t.Errorf("%d keys were used, want 10", distinct.Load())
	}
}

func TestRunKeepsItsRate(t *testing.T) {
	cfg := quick(provider(t), fakeprovider.ModelJSON, false)
	cfg.Rate, cfg.WarmUp, cfg.Measure = 200, 100*time.Millisecond, 500*time.Millisecond
	result, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.PerSecond(); got < 100 || got > 230 {
		t.Errorf("%v requests a second, want 200", got)
	}
}

// With a rate, the time that a request waits for its connection counts.
func TestRateCountsTheWait(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(40 * time.Millisecond)
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	cfg := quick(server.Listener.Addr().String(), "m", false)
	cfg.Check = func([]byte) error { return nil }
	cfg.Conns, cfg.Rate, cfg.WarmUp, cfg.Measure = 1, 100, 0, 400*time.Millisecond
	result, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	// The tenth request was due after 90 ms and is answered after 400 ms.
	if got := result.Latency.Quantile(1); got < 150*time.Millisecond {
		t.Errorf("the longest wait is %v", got)
	}
}

func TestRunNoticesErrors(t *testing.T) {
	body := fmt.Sprintf(`{"usage":{"completion_tokens":%d},"x":%q}`, fakeprovider.CompletionTokens, strings.Repeat("x", 1000))
	ok := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	events := strings.Repeat("data: {}\n\n", fakeprovider.Events)
	chunked := func(text string) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(text), text)
	}
	for name, tc := range map[string]struct {
		answer string
		stream bool
		want   string // "" wants no error
	}{
		"good":                 {answer: ok},
		"good stream":          {answer: chunked(events + "data: [DONE]\n\n"), stream: true},
		"status":               {answer: strings.Replace(ok, "200 OK", "429 Too Many", 1), want: "429"},
		"HTTP/1.0":             {answer: strings.Replace(ok, "1.1", "1.0", 1), want: "want 200"},
		"not kept":             {answer: strings.Replace(ok, "\r\n", "\r\nConnection: close\r\n", 1), want: "not kept"},
		"cut in the body":      {answer: ok[:len(ok)-10] + "CUT", want: "reading the body"},
		"cut in the headers":   {answer: "HTTP/1.1 200 OK\r\nCUT", want: "reading the headers"},
		"too long":             {answer: ok + "more", want: "follow the answer"},
		"no usage":             {answer: strings.Replace(ok, "completion_tokens", "completion_takens", 1), want: "no usage"},
		"short":                {answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", want: "only 2 bytes"},
		"empty":                {answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", want: "only 0 bytes"},
		"no object":            {answer: strings.Replace(ok, "{\"usage", "[\"usage", 1), want: "not an object"},
		"no length":            {answer: "HTTP/1.1 200 OK\r\n\r\n" + body, want: "Content-Length"},
		"both framings":        {answer: strings.Replace(chunked(body), "\r\n", "\r\nContent-Length: 5\r\n", 1), want: "Content-Length"},
		"bad length":           {answer: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", want: "Content-Length: -1"},
		"other encoding":       {answer: strings.Replace(chunked(body), "chunked", "gzip, chunked", 1), want: "gzip"},
		"bad chunk size":       {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", want: "chunk size"},
		"chunk overflows":      {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", want: "followed by"},
		"line feed alone":      {answer: "HTTP/1.1 200 OK\n\n", want: "carriage return"},
		"no header":            {answer: "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", want: "header line"},
		"one event is missing": {answer: chunked(events[10:] + "data: [DONE]\n\n"), stream: true, want: "63 events"},
		"usage chunk leaks":    {answer: chunked(events + "data: {\"usage\":{}}\n\ndata: [DONE]\n\n"), stream: true, want: "65 events"},
		"no end marker":        {answer: chunked(events), stream: true, want: "ends with"},
		"JSON for a stream":    {answer: ok, stream: true, want: "0 events"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := quick(raw(t, tc.answer), "m", tc.stream)
			if cfg.Conns = 1; tc.want != "" {
				cfg.Measure = 20 * time.Millisecond
			}
			_, err := load.Run(t.Context(), cfg)
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}

// One wrong answer among many good ones is enough.
func TestRunNoticesTheOneError(t *testing.T) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) == 20 {
			w.WriteHeader(502)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	cfg := quick(server.Listener.Addr().String(), "m", false)
	cfg.Check = func([]byte) error { return nil }
	if _, err := load.Run(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "1 of 4 connections failed") {
		t.Errorf("error %v", err)
	}
}

func TestRunWithoutAnswerIsAnError(t *testing.T) {
	if _, err := load.Run(t.Context(), quick("127.0.0.1:1", "m", false)); err == nil {
		t.Error("no error without a server")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := load.Run(ctx, quick(raw(t, ""), "m", false)); err == nil {
		t.Error("no error when nothing is answered")
	}
}

func TestHold(t *testing.T) {
	addr := provider(t)
	opened := false
	err := load.Hold(t.Context(), addr, load.Requests(addr, fakeprovider.ModelHeld, true, load.Keys(3)), 20, func() { opened = true })
	if err != nil || !opened {
		t.Errorf("error %v, opened %v", err, opened)
	}
	for name, requests := range map[string][][]byte{
		"unknown model": load.Requests(addr, "none", true, load.Keys(3)),
		"not a stream":  load.Requests(addr, fakeprovider.ModelHeld, false, load.Keys(3)),
	} {
		if err := load.Hold(t.Context(), addr, requests, 5, func() { time.Sleep(100 * time.Millisecond) }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
