package dataplane_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// echo answers and keeps what it was sent.
func echo(seen *string, header *http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*seen, *header = string(must(io.ReadAll(r.Body))), r.Header.Clone()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}
}

func packed(kind, text string) string {
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if kind == "deflate" {
		w = zlib.NewWriter(&b)
	}
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func TestBodyEncodings(t *testing.T) {
	for _, c := range []struct {
		encoding, body string
		status         int
		code           string
	}{
		{"gzip", packed("gzip", chat), 200, ""},
		{"X-Gzip", packed("gzip", chat), 200, ""},
		{" deflate", packed("deflate", chat), 200, ""},
		{"identity", chat, 200, ""},
		{"br", chat, 415, "unsupported_encoding"},
		{"gzip, gzip", chat, 415, "unsupported_encoding"},
		{"gzip", chat, 400, "request_body_decode_failed"},
		{"gzip", packed("gzip", chat)[:30], 400, "request_body_decode_failed"},
		{"deflate", "x", 400, "request_body_decode_failed"},
	} {
		t.Run(c.encoding, func(t *testing.T) {
			var seen string
			var header http.Header
			h := build(t, echo(&seen, &header), nil)
			resp, text := h.post(t, "/v1/chat/completions", c.body, "Content-Encoding", c.encoding)
			if resp.StatusCode != c.status || !strings.Contains(text, c.code) {
				t.Errorf("%d %s", resp.StatusCode, text)
			}
			if c.status == 200 && (seen != chat || header.Get("Content-Encoding") != "" || header.Get("Content-Length") != fmt.Sprint(len(chat))) {
				t.Errorf("the provider was sent %q with %v", seen, header)
			}
			if c.status != 200 && header != nil {
				t.Error("the provider was asked")
			}
		})
	}
}

// padded is a request body of n bytes.
func padded(n int) string { return chat + strings.Repeat(" ", n-len(chat)) }

func TestBodyLimits(t *testing.T) {
	const limit = 1000
	var seen string
	var header http.Header
	h := build(t, echo(&seen, &header), nil)
	h.snap.MaxBody = limit
	for _, c := range []struct {
		name   string
		body   io.Reader
		header []string
		status int
	}{
		{"at the limit", strings.NewReader(padded(limit)), nil, 200},
		{"beyond it", strings.NewReader(padded(limit + 1)), nil, 413},
		{"at the limit, length unknown", struct{ io.Reader }{strings.NewReader(padded(limit))}, nil, 200},
		{"beyond it, length unknown", struct{ io.Reader }{strings.NewReader(padded(limit + 1))}, nil, 413},
		{"at the limit, compressed", strings.NewReader(packed("gzip", padded(limit))), []string{"Content-Encoding", "gzip"}, 200},
		{"at the limit, its end read by itself", strings.NewReader(packed("gzip", padded(limit)) + packed("gzip", "")), []string{"Content-Encoding", "gzip"}, 200},
		{"beyond it, by a second part", strings.NewReader(packed("gzip", padded(limit)) + packed("gzip", " ")), []string{"Content-Encoding", "gzip"}, 413},
		{"beyond it, compressed", strings.NewReader(packed("gzip", padded(limit+1))), []string{"Content-Encoding", "gzip"}, 413},
		{"a bomb", strings.NewReader(packed("gzip", padded(300<<10))), []string{"Content-Encoding", "gzip"}, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen = ""
			req := must(http.NewRequestWithContext(t.Context(), http.MethodPost, h.url+"/v1/chat/completions", c.body))
			req.Header.Set("Authorization", "Bearer "+testKey)
			for i := 0; i < len(c.header); i += 2 {
				req.Header.Set(c.header[i], c.header[i+1])
			}
			resp := must(http.DefaultClient.Do(req))
			defer resp.Body.Close()
			text := string(must(io.ReadAll(resp.Body)))
			if resp.StatusCode != c.status || c.status == 413 && !strings.Contains(text, "request_body_too_large") {
				t.Errorf("%d %s", resp.StatusCode, text)
			}
			if c.status == 200 && seen != padded(limit) || c.status != 200 && seen != "" {
				t.Errorf("the provider was sent %d bytes", len(seen))
			}
			if x := h.last(t); x.Status != c.status || c.status == 413 && x.Reason != "InvalidRequest" {
				t.Errorf("recorded %d %s", x.Status, x.Reason)
			}
		})
	}
}

// A body that does not come is waited for only so long.
func TestBodyTimeout(t *testing.T) {
	h := build(t, func(http.ResponseWriter, *http.Request) { t.Error("the provider was asked") }, nil)
	h.surface.BodyTimeout = 50 * time.Millisecond
	for _, framing := range []string{"Content-Length: 5000\r\n", "Transfer-Encoding: chunked\r\n"} {
		c := h.dial(t)
		c.send("POST /v1/chat/completions HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer " + testKey + "\r\n" + framing + "\r\n")
		resp, text := c.answer()
		if resp.StatusCode != 400 || !strings.Contains(text, "request_body_timeout") {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	}
}

// The time for a body is not the time for its answer, nor for the next request.
func TestBodyTimeoutIsLifted(t *testing.T) {
	const wait = 50 * time.Millisecond
	h := build(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			t.Error("the request was given up")
		case <-time.After(3 * wait):
		}
		_, _ = io.WriteString(w, answer)
	}, nil)
	h.surface.BodyTimeout = wait
	c := h.dial(t)
	for range 2 {
		c.post(padded(5000))
		if resp, text := c.answer(); resp.StatusCode != 200 || resp.Close {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
	}
}
