package fakeprovider_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/bench/fakeprovider"
)

func start(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- fakeprovider.Serve(ln) }()
	t.Cleanup(func() {
		_ = ln.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return ln.Addr().String()
}

func post(t *testing.T, addr, body string) (*http.Response, []byte) {
	t.Helper()
	res, err := http.Post("http://"+addr+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

type chunk struct {
	Model   string
	Choices []struct {
		Delta        struct{ Role, Content string }
		FinishReason string `json:"finish_reason"`
	}
	Usage *struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		TotalTokens      int `json:"total_tokens"`
	}
}

func TestJSONAnswer(t *testing.T) {
	addr := start(t)
	for _, name := range []string{fakeprovider.ModelJSON, fakeprovider.ModelBurst, fakeprovider.ModelPaced, fakeprovider.ModelHeld} {
		res, body := post(t, addr, fmt.Sprintf(`{"model" : %q, "stream": false, "messages":[]}`, name))
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("status %d, %v", res.StatusCode, res.Header)
		}
		if len(body) != fakeprovider.AnswerBytes {
			t.Errorf("body of %d bytes, want %d", len(body), fakeprovider.AnswerBytes)
		}
		var got chunk
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if got.Model != name || got.Choices[0].FinishReason != "stop" || got.Usage.TotalTokens != fakeprovider.PromptTokens+fakeprovider.CompletionTokens {
			t.Errorf("answer %s", body)
		}
	}
}

func TestStream(t *testing.T) {
	addr := start(t)
	for i, withUsage := range []bool{false, true, false, true} {
		name := []string{fakeprovider.ModelBurst, fakeprovider.ModelEvents}[i/2]
		res, body := post(t, addr, fmt.Sprintf(`{"model":%q,"stream":true,"stream_options":{"include_usage":%v}}`, name, withUsage))
		if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
			t.Errorf("content type %q", got)
		}
		events := strings.Split(strings.TrimSuffix(string(body), "\n\n"), "\n\n")
		want := fakeprovider.Events + 1
		if withUsage {
			want++
		}
		if len(events) != want || events[len(events)-1] != "data: [DONE]" {
			t.Fatalf("usage %v: %d events, last %q", withUsage, len(events), events[len(events)-1])
		}
		for i, event := range events[:len(events)-1] {
			var got chunk
			if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &got); err != nil {
				t.Fatalf("event %d: %v in %q", i, err, event)
			}
			isUsage := i == fakeprovider.Events
			if (got.Usage != nil) != isUsage || (len(got.Choices) == 0) != isUsage {
				t.Errorf("event %d: %s", i, event)
			}
			if i == fakeprovider.Events-1 && got.Choices[0].FinishReason != "stop" {
				t.Errorf("event %d does not finish: %s", i, event)
			}
		}
	}
}

// A paced stream is one that arrives while it is made.
func TestPacedStreamTakesItsTime(t *testing.T) {
	addr := start(t)
	began := time.Now()
	post(t, addr, `{"model":"bench-paced","stream":true}`)
	if took, least := time.Since(began), (fakeprovider.Events-1)*fakeprovider.PacedGap; took < least {
		t.Errorf("took %v, want at least %v", took, least)
	}
}

// Requests that share a connection, and one that comes in pieces.
func TestKeepAlive(t *testing.T) {
	conn, err := net.Dial("tcp", start(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := `{"model":"bench-json","padding":"` + strings.Repeat("x", 40<<10) + `"}`
	request := fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n%s", len(body), body)
	go func() {
		for _, part := range []string{request[:10], request[10:1000], request[1000:] + request[:20], request[20:]} {
			_, _ = io.WriteString(conn, part)
		}
	}()
	r := bufio.NewReader(conn)
	for range 2 {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res.Body); err != nil || len(b) != fakeprovider.AnswerBytes {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
	}
}

func TestRefusals(t *testing.T) {
	addr := start(t)
	for name, tc := range map[string]struct {
		request string
		status  int
	}{
		"unknown model": {"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 15\r\n\r\n{\"model\":\"gpt\"}", 404},
		"no model":      {"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 404},
		"other path":    {"GET /v1/models HTTP/1.1\r\n\r\n", 404},
		"chunked":       {"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
		"bad length":    {"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
		"endless":       {strings.Repeat("x", 1<<20), 413},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _ = io.WriteString(conn, tc.request) }()
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
		})
	}
}
