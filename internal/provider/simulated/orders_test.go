package simulated_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/provider"
	"tollgate/internal/provider/simulated"
)

func chat(order string) string {
	return `{"model":"m","stream":true,"messages":[{"role":"user","content":` + strconv.Quote("Hi.\n"+order+"\nBye.") + `}]}`
}

func TestOrders(t *testing.T) {
	p := newProvider()
	res, body := post(t, p, "/v1/chat/completions", chat("simulate: status=429 retry-after=2"))
	expect(t, body, "error.code", "rate_limit_exceeded")
	if res.Status != 429 || res.Header.Get("Retry-After") != "2" || res.Header.Get("Retry-After-Ms") != "2000" {
		t.Errorf("got %d, %v", res.Status, res.Header)
	}
	_, body = post(t, p, "/v1/chat/completions", chat("simulate: status=429 code=insufficient_quota"))
	expect(t, body, "error.type", "insufficient_quota")
	for status, kind := range map[int]string{401: "authentication_error", 529: "overloaded_error", 503: "overloaded_error", 500: "api_error",
		404: "not_found_error", 403: "permission_error", 413: "request_too_large", 418: "invalid_request_error", 504: "timeout_error"} {
		res, body = post(t, p, "/v1/messages", strings.Replace(chat("simulate: status="+strconv.Itoa(status)), "{", `{"max_tokens":1,`, 1))
		expect(t, body, "error.type", kind)
		if res.Status != status {
			t.Errorf("status %d for %d", res.Status, status)
		}
	}
	_, body = post(t, p, "/v1/chat/completions", chat("simulate: tokens=5000 status=200 bogus delay=-1s =x tokens=-1"))
	if n := len(events(t, body)); n != 5000+3 {
		t.Errorf("%d events", n)
	}
	_, body = post(t, p, "/v1/chat/completions", chat("simulate: tokens=9"))
	if !strings.Contains(body, `" “Hi."`) || !strings.Contains(body, `" Bye.”."`) || strings.Contains(body, "simulate:") {
		t.Errorf("the order is repeated: %s", body)
	}
}

func TestCutAfter(t *testing.T) {
	for _, stream := range []bool{true, false} {
		body := strings.Replace(chat("simulate: cut-after=3"), "true", strconv.FormatBool(stream), 1)
		res, err := newProvider().Send(t.Context(), &provider.Request{Method: "POST", Target: "/v1/chat/completions", Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if provider.StageOf(err) != provider.Read || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("stream %v: %v", stream, err)
		}
		if stream && len(events(t, string(got))) != 1+3 {
			t.Errorf("got %s", got)
		}
		if !stream && (len(got) == 0 || int64(len(got)) >= res.Length) {
			t.Errorf("%d bytes of %d", len(got), res.Length)
		}
	}
}

func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := simulated.New(simulated.Settings{Latency: 300 * time.Millisecond, TokenLatency: 10 * time.Millisecond, Tokens: 20, Now: time.Now})
		send := func(body string) (io.ReadCloser, time.Duration) {
			start := time.Now()
			res, err := p.Send(t.Context(), &provider.Request{Method: "POST", Target: "/v1/chat/completions", Body: []byte(body)})
			if err != nil {
				t.Fatal(err)
			}
			return res.Body, time.Since(start)
		}
		if _, took := send(`{"model":"m","messages":[]}`); took != 500*time.Millisecond {
			t.Errorf("a whole answer took %v", took)
		}
		body, took := send(`{"model":"m","stream":true,"messages":[]}`)
		if took != 300*time.Millisecond {
			t.Errorf("the head took %v", took)
		}
		defer body.Close()
		start := time.Now()
		first := make([]byte, 4<<10)
		if n, err := body.Read(first); err != nil || n == 0 || time.Since(start) != 0 {
			t.Errorf("the first event took %v: %v", time.Since(start), err)
		}
		if n, err := body.Read(first); err != nil || strings.Count(string(first[:n]), "data:") != 1 || time.Since(start) != 10*time.Millisecond {
			t.Errorf("the first token took %v: %v", time.Since(start), err)
		}
		if _, err := io.ReadAll(body); err != nil || time.Since(start) != 200*time.Millisecond {
			t.Errorf("the stream took %v: %v", time.Since(start), err)
		}
		if _, took := send(chat("simulate: latency=1s delay=0s")); took != time.Second {
			t.Errorf("the ordered latency was %v", took)
		}
	})
}

func TestCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := simulated.New(simulated.Settings{Latency: time.Second, TokenLatency: time.Second, Now: time.Now})
		req := &provider.Request{Method: "POST", Target: "/v1/chat/completions", Body: []byte(`{"model":"m","stream":true,"messages":[]}`)}
		check := func(what string, err error, stage provider.Stage, timeout bool) {
			e, ok := errors.AsType[*provider.SendError](err)
			if !ok || e.Stage != stage || e.Timeout != timeout {
				t.Errorf("%s: %v", what, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := p.Send(ctx, req)
		check("before the head", err, provider.Await, true)

		ctx, cancel = context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		res, err := p.Send(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = io.ReadAll(res.Body)
		check("between tokens", err, provider.Read, true)
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("it took %v to notice", took)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		if _, err := res.Body.Read(make([]byte, 1)); err == nil {
			t.Error("a closed body was read")
		}

		ctx, stop := context.WithCancel(t.Context())
		res, err = p.Send(ctx, &provider.Request{Method: "GET", Target: "/v1/models"})
		if err != nil {
			t.Fatal(err)
		}
		stop()
		_, err = res.Body.Read(make([]byte, 1))
		check("a whole body", err, provider.Read, false)
	})
}

func TestBodyReadFails(t *testing.T) {
	broken := io.MultiReader(strings.NewReader(`{"model"`), brokenReader{})
	_, err := newProvider().Send(t.Context(), &provider.Request{Method: "POST", Target: "/v1/chat/completions", Stream: broken})
	if provider.StageOf(err) != provider.Write {
		t.Errorf("got %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("reset") }
