package simulated_test

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"testing"
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
