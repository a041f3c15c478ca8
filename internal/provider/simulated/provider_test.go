package simulated_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tollgate/internal/provider"
	"tollgate/internal/provider/simulated"
)

func clock() time.Time { return time.Unix(1700000000, 0) }

func newProvider() *simulated.Provider { return simulated.New(simulated.Settings{Now: clock}) }

// post sends a request and gives the answer and its body.
func post(t *testing.T, p *simulated.Provider, path, body string) (*provider.Response, string) {
	t.Helper()
	res, err := p.Send(t.Context(), &provider.Request{Method: "POST", Target: path, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.Length >= 0 && res.Length != int64(len(b)) {
		t.Errorf("%d bytes where %d were declared", len(b), res.Length)
	}
	return res, string(b)
}

// event is one event of a stream.
type event struct{ name, data string }

func events(t *testing.T, body string) []event {
	t.Helper()
	var all []event
	for block := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		var e event
		for line := range strings.SplitSeq(block, "\n") {
			switch field, value, _ := strings.Cut(line, ": "); field {
			case "event":
				e.name = value
			case "data":
				e.data = value
			default:
				t.Fatalf("line %q", line)
			}
		}
		if e.data != "[DONE]" && !json.Valid([]byte(e.data)) {
			t.Fatalf("not JSON: %s", e.data)
		}
		all = append(all, e)
	}
	return all
}

// at gives a value within JSON text by a path such as "choices.0.text".
func at(t *testing.T, text, path string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(here) {
				return nil
			}
			v = here[i]
		default:
			return nil
		}
	}
	return v
}

func expect(t *testing.T, text, path string, want any) {
	t.Helper()
	if n, ok := want.(int); ok {
		want = float64(n)
	}
	if got := at(t, text, path); got != want {
		t.Errorf("%s is %v, want %v", path, got, want)
	}
}

const ask = `"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Tell me a \"story\" at once"}]`

func TestChat(t *testing.T) {
	res, body := post(t, newProvider(), "/v1/chat/completions?x=1", `{"model":"m","n":2,`+ask+`}`)
	if res.Status != 200 || res.Header.Get("content-type") != "application/json" || res.Header.Get("X-Request-Id") == "" {
		t.Errorf("got %d, %v", res.Status, res.Header)
	}
	expect(t, body, "id", "chatcmpl-sim000000000001")
	expect(t, body, "object", "chat.completion")
	expect(t, body, "created", 1700000000)
	expect(t, body, "model", "m")
	text := at(t, body, "choices.1.message.content").(string)
	if !strings.HasPrefix(text, `This is a simulated answer to “Tell me a "story" at once”. No model`) || !strings.HasSuffix(text, " by hand.") {
		t.Errorf("the answer is %q", text)
	}
	expect(t, body, "choices.1.index", 1)
	expect(t, body, "choices.0.message.role", "assistant")
	expect(t, body, "choices.0.finish_reason", "stop")
	expect(t, body, "usage.prompt_tokens", 8)
	expect(t, body, "usage.completion_tokens", 2*len(strings.Fields(text)))
	expect(t, body, "usage.total_tokens", 8+2*35)
}

func TestChatBounds(t *testing.T) {
	for member, want := range map[string]string{
		`"max_tokens":3`: "length", `"max_completion_tokens":3`: "length", `"max_tokens":35`: "stop", `"max_tokens":1000000000`: "stop",
	} {
		_, body := post(t, newProvider(), "/v1/chat/completions", `{"model":"m",`+member+`,`+ask+`}`)
		expect(t, body, "choices.0.finish_reason", want)
		expect(t, body, "usage.completion_tokens", map[string]int{"length": 3, "stop": 35}[want])
	}
	res, body := post(t, newProvider(), "/v1/chat/completions", `{"model":"m","n":129,`+ask+`}`)
	expect(t, body, "error.param", "n")
	if res.Status != 400 {
		t.Errorf("status %d", res.Status)
	}
}

func TestChatStream(t *testing.T) {
	for _, options := range []string{``, `"stream_options":{"include_usage":true},`} {
		res, body := post(t, newProvider(), "/v1/chat/completions", `{"model":"m","stream":true,"n":2,"max_tokens":9,`+options+ask+`}`)
		if res.Header.Get("Content-Type") != "text/event-stream" || res.Length != -1 {
			t.Errorf("got %v, length %d", res.Header, res.Length)
		}
		all := events(t, body)
		if last := all[len(all)-1]; last.data != "[DONE]" {
			t.Errorf("the stream ends with %q", last.data)
		}
		all = all[:len(all)-1]
		if options != "" {
			usage := all[len(all)-1].data
			all = all[:len(all)-1]
			expect(t, usage, "usage.prompt_tokens", 8)
			expect(t, usage, "usage.completion_tokens", 18)
			expect(t, usage, "usage.total_tokens", 26)
			if len(at(t, usage, "choices").([]any)) != 0 {
				t.Errorf("the usage chunk has choices: %s", usage)
			}
		}
		if len(all) != 2*(1+9+1) {
			t.Fatalf("%d events", len(all))
		}
		texts := map[float64]string{}
		for i, e := range all {
			if strings.Contains(e.data, `"usage"`) != (options != "") {
				t.Errorf("usage in %s", e.data)
			}
			expect(t, e.data, "object", "chat.completion.chunk")
			if i < 2 {
				expect(t, e.data, "choices.0.delta.role", "assistant")
			}
			if text, ok := at(t, e.data, "choices.0.delta.content").(string); ok {
				texts[at(t, e.data, "choices.0.index").(float64)] += text
			}
			finish := any(nil)
			if i >= len(all)-2 {
				finish = "length"
			}
			expect(t, e.data, "choices.0.finish_reason", finish)
		}
		if want := `This is a simulated answer to “Tell me a`; texts[0] != want || texts[1] != want {
			t.Errorf("got %v", texts)
		}
	}
}

func TestCompletions(t *testing.T) {
	_, body := post(t, newProvider(), "/v1/completions", `{"model":"m","prompt":["a b","c"],"n":2,"max_tokens":2}`)
	expect(t, body, "object", "text_completion")
	expect(t, body, "choices.3.text", "This is")
	expect(t, body, "choices.3.index", 3)
	expect(t, body, "usage.prompt_tokens", 3)
	expect(t, body, "usage.completion_tokens", 8)
	_, body = post(t, newProvider(), "/v1/completions", `{"model":"m","prompt":[1,2,3],"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}}`)
	all := events(t, body)
	if len(all) != 2+1+1+1 {
		t.Fatalf("%d events", len(all))
	}
	expect(t, all[0].data, "choices.0.text", "This")
	expect(t, all[2].data, "choices.0.finish_reason", "length")
	expect(t, all[3].data, "usage.prompt_tokens", 3)
	expect(t, all[3].data, "usage.completion_tokens", 2)
}

func TestMessages(t *testing.T) {
	p := newProvider()
	const body = `{"model":"m","max_tokens":7,"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"Hi you"}]}]`
	_, whole := post(t, p, "/v1/messages", body+`}`)
	expect(t, whole, "type", "message")
	expect(t, whole, "content.0.text", "This is a simulated answer to “Hi")
	expect(t, whole, "stop_reason", "max_tokens")
	expect(t, whole, "usage.input_tokens", 3)
	expect(t, whole, "usage.output_tokens", 7)

	_, streamed := post(t, p, "/v1/messages", body+`,"stream":true}`)
	all := events(t, streamed)
	var names []string
	text := ""
	for _, e := range all {
		expect(t, e.data, "type", e.name)
		if e.name == "content_block_delta" {
			text += at(t, e.data, "delta.text").(string)
		} else {
			names = append(names, e.name)
		}
	}
	if got, want := strings.Join(names, " "), "message_start content_block_start ping content_block_stop message_delta message_stop"; got != want {
		t.Errorf("events %s", got)
	}
	if text != "This is a simulated answer to “Hi" {
		t.Errorf("text %q", text)
	}
	expect(t, all[0].data, "message.usage.input_tokens", 3)
	expect(t, all[0].data, "message.id", "msg_sim000000000002")
	expect(t, all[len(all)-2].data, "usage.output_tokens", 7)
	expect(t, all[len(all)-2].data, "delta.stop_reason", "max_tokens")

	res, refused := post(t, p, "/v1/messages", `{"model":"m","messages":[]}`)
	expect(t, refused, "type", "error")
	expect(t, refused, "error.type", "invalid_request_error")
	if res.Status != 400 {
		t.Errorf("status %d", res.Status)
	}
	_, counted := post(t, p, "/v1/messages/count_tokens", `{"model":"m","system":"a b","messages":[{"role":"user","content":"c"}]}`)
	if counted != `{"input_tokens":3}` {
		t.Errorf("counted %s", counted)
	}
}

func TestResponses(t *testing.T) {
	p := newProvider()
	_, whole := post(t, p, "/v1/responses", `{"model":"m","input":"Hi you","max_output_tokens":7}`)
	expect(t, whole, "status", "incomplete")
	expect(t, whole, "incomplete_details.reason", "max_output_tokens")
	expect(t, whole, "max_output_tokens", 7)
	expect(t, whole, "output.0.content.0.text", "This is a simulated answer to “Hi")
	expect(t, whole, "usage.input_tokens", 2)
	expect(t, whole, "usage.output_tokens", 7)
	expect(t, whole, "usage.total_tokens", 9)

	_, streamed := post(t, p, "/v1/responses", `{"model":"m","input":"Hi you","stream":true}`)
	all := events(t, streamed)
	var names []string
	text := ""
	for i, e := range all {
		expect(t, e.data, "type", e.name)
		expect(t, e.data, "sequence_number", i)
		if e.name == "response.output_text.delta" {
			text += at(t, e.data, "delta").(string)
		} else {
			names = append(names, strings.TrimPrefix(e.name, "response."))
		}
	}
	if got, want := strings.Join(names, " "), "created in_progress output_item.added content_part.added output_text.done content_part.done output_item.done completed"; got != want {
		t.Errorf("events %s", got)
	}
	last := all[len(all)-1].data
	expect(t, last, "response.output.0.content.0.text", text)
	expect(t, last, "response.usage.output_tokens", len(strings.Fields(text)))
	expect(t, last, "response.status", "completed")
	expect(t, all[0].data, "response.usage", nil)
}

func TestEmbeddings(t *testing.T) {
	p := newProvider()
	_, body := post(t, p, "/v1/embeddings", `{"model":"m","input":["a b","","a b"],"dimensions":3}`)
	expect(t, body, "usage.prompt_tokens", 4)
	expect(t, body, "data.2.index", 2)
	var sum float64
	for i := range 3 {
		here := at(t, body, "data.0.embedding."+strconv.Itoa(i)).(float64)
		expect(t, body, "data.2.embedding."+strconv.Itoa(i), here)
		sum += here * here
	}
	if math.Abs(sum-1) > 1e-4 || at(t, body, "data.0.embedding.3") != nil {
		t.Errorf("the vector's length is %v", math.Sqrt(sum))
	}
	if at(t, body, "data.1.embedding.0") == at(t, body, "data.0.embedding.0") {
		t.Error("two texts have the same vector")
	}
	_, body = post(t, p, "/v1/embeddings", `{"model":"m","input":[1,2,3],"encoding_format":"base64"}`)
	expect(t, body, "usage.prompt_tokens", 3)
	if v := at(t, body, "data.0.embedding").(string); len(v) != (256*4+2)/3*4 || at(t, body, "data.1") != nil {
		t.Errorf("%d characters", len(v))
	}
	for _, bad := range []string{`{"model":"m"}`, `{"model":"m","input":[]}`, `{"model":"m","input":"a","dimensions":0}`, `{"model":"m","input":"a","dimensions":"x"}`} {
		if res, _ := post(t, p, "/v1/embeddings", bad); res.Status != 400 {
			t.Errorf("%s: status %d", bad, res.Status)
		}
	}
}

func TestOthers(t *testing.T) {
	p := newProvider()
	_, body := post(t, p, "/v1/models", ``)
	expect(t, body, "data.0.id", "simulated")
	_, body = post(t, p, "/v1/models/simulated", ``)
	expect(t, body, "id", "simulated")
	_, body = post(t, p, "/v1/models/x", ``)
	expect(t, body, "error.code", "model_not_found")
	_, body = post(t, p, "/v1/moderations", `{"input":["a","b"]}`)
	expect(t, body, "results.1.flagged", false)
	expect(t, body, "results.1.category_scores.violence", 0)
	expect(t, body, "results.1.categories.hate/threatening", false)
	_, body = post(t, p, "/v1/images/generations", `{"prompt":"x","n":2}`)
	if s, _ := at(t, body, "data.1.b64_json").(string); !strings.HasPrefix(s, "iVBOR") {
		t.Errorf("image %q", s)
	}
	_, body = post(t, p, "/v2/rerank", `{"model":"m","query":"red fish","documents":["a cow","red fish",{"text":"Fish"}],"top_n":2}`)
	expect(t, body, "results.0.index", 1)
	expect(t, body, "results.0.relevance_score", 1)
	expect(t, body, "results.1.index", 2)
	expect(t, body, "results.2", nil)
	expect(t, body, "meta.billed_units.search_units", 1)
	res, body := post(t, p, "/v1/audio/speech", `{"model":"m","input":"x"}`)
	if res.Header.Get("Content-Type") != "audio/wav" || len(body) != 44 {
		t.Errorf("%d bytes of %v", len(body), res.Header)
	}
}

func TestTranscription(t *testing.T) {
	form := func(format string) *provider.Request {
		const b = "--b\r\nContent-Disposition: form-data; name="
		body := b + "\"file\"; filename=\"a\"\r\n\r\n" + strings.Repeat("x", 1024) + "\r\n" + b + "\"model\"\r\n\r\nm\r\n" + format + "--b--\r\n"
		return &provider.Request{
			Method: "POST", Target: "/v1/audio/transcriptions", Stream: strings.NewReader(body),
			Static: "Authorization: x\r\nContent-Type: multipart/form-data; boundary=b\r\n",
		}
	}
	field := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	for format, want := range map[string]string{
		"":                              `{"text":"This is a simulated transcription of `,
		field("response_format", "srt"): "This is a simulated transcription of ",
		field("stream", "true"):         `data: {"type":"transcript.text.delta","delta":"This "}` + "\n\n",
	} {
		res, err := newProvider().Send(t.Context(), form(format))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || !strings.HasPrefix(string(body), want) {
			t.Errorf("%q: got %q, %v", format, body, err)
		}
		switch {
		case format == "":
			expect(t, string(body), "usage.input_tokens", 2)
			expect(t, string(body), "usage.output_tokens", 8)
		case strings.Contains(format, "stream"):
			all := events(t, string(body))
			expect(t, all[len(all)-1].data, "type", "transcript.text.done")
			expect(t, all[len(all)-1].data, "usage.total_tokens", 10)
		}
	}
}

func TestUnknown(t *testing.T) {
	p := newProvider()
	res, body := post(t, p, "/v1/files", ``)
	expect(t, body, "error.code", "unknown_url")
	expect(t, body, "error.type", "invalid_request_error")
	if res.Status != 404 {
		t.Errorf("status %d", res.Status)
	}
	res, err := p.Send(t.Context(), &provider.Request{Method: "GET", Target: "/v1/chat/completions"})
	if err != nil || res.Status != 404 {
		t.Errorf("GET: %v, %v", res, err)
	}
	res, body = post(t, p, "/v1/chat/completions", `{"messages":[]}`)
	expect(t, body, "error.code", "missing_model")
	if res.Status != 400 {
		t.Errorf("status %d", res.Status)
	}
}

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

func FuzzSend(f *testing.F) {
	for _, path := range []string{"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/rerank", "/v1/moderations"} {
		f.Add(path, []byte(`{"model":"m","max_tokens":9,"query":"q","documents":["d"],"input":["a",1],"prompt":[[1]],`+ask+`}`))
		f.Add(path, []byte(chat("simulate: cut-after=1 tokens=3 status=x")))
	}
	p := newProvider()
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		if strings.Contains(string(body), "latency") || strings.Contains(string(body), "delay") || strings.Contains(string(body), "tokens=") {
			return // these may ask for much
		}
		res, err := p.Send(t.Context(), &provider.Request{Method: "POST", Target: path, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil {
			return // it was ordered to break off
		}
		switch res.Header.Get("Content-Type") {
		case "application/json":
			if !json.Valid(got) {
				t.Fatalf("not JSON: %s", got)
			}
		case "text/event-stream":
			events(t, string(got))
		}
	})
}

func BenchmarkChat(b *testing.B)   { benchmark(b, `{"model":"m",`+ask+`}`) }
func BenchmarkStream(b *testing.B) { benchmark(b, `{"model":"m","stream":true,`+ask+`}`) }

func benchmark(b *testing.B, body string) {
	b.ReportAllocs()
	p := newProvider()
	req := &provider.Request{Method: "POST", Target: "/v1/chat/completions", Body: []byte(body)}
	buffer := make([]byte, 4<<10)
	for b.Loop() {
		res, err := p.Send(b.Context(), req)
		if err != nil {
			b.Fatal(err)
		}
		for err == nil {
			_, err = res.Body.Read(buffer)
		}
		_ = res.Body.Close()
	}
}
