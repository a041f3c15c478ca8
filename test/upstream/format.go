package upstream

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
)

// ask is what an answer depends on.
type ask struct {
	Model   string
	Stream  bool
	Options struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// readAsk reads what it can; a body that is no JSON asks for nothing special.
func readAsk(body []byte) ask {
	var a ask
	_ = json.Unmarshal(body, &a)
	return a
}

// quote gives a JSON string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(b)
}

// operation cuts a path to what tells the operations apart, wherever the
// gateway was told to put the prefix.
func operation(target string) string {
	dir, last := path.Split(target)
	switch parent := path.Base(dir); parent {
	case "chat", "messages", "images", "audio":
		return parent + "/" + last
	}
	return last
}

// document is the whole answer to a request, and its content type.
func document(target string, a *Answer, k ask) ([]byte, string) {
	const prompt, completion = PromptTokens, CompletionTokens
	usage := fmt.Sprintf(`,"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, prompt, completion, prompt+completion)
	inOut := fmt.Sprintf(`,"usage":{"input_tokens":%d,"output_tokens":%d,"total_tokens":%d}`, prompt, completion, prompt+completion)
	if a.NoUsage {
		usage, inOut = "", ""
	}
	model, text := quote(k.Model), quote(a.text())
	var doc string
	switch operation(target) {
	case "messages":
		doc = `{"id":"msg_test","type":"message","role":"assistant","model":` + model + `,"content":[{"type":"text","text":` + text + `}],"stop_reason":"end_turn","stop_sequence":null` + inOut + `}`
	case "messages/count_tokens":
		doc = fmt.Sprintf(`{"input_tokens":%d}`, prompt)
	case "responses":
		doc = `{"id":"resp_test","object":"response","created_at":1700000000,"status":"completed","model":` + model +
			`,"output":[{"id":"msg_test","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":` + text + `,"annotations":[]}]}]` + inOut + `}`
	case "completions":
		doc = `{"id":"cmpl-test","object":"text_completion","created":1700000000,"model":` + model + `,"choices":[{"index":0,"text":` + text + `,"finish_reason":"stop","logprobs":null}]` + usage + `}`
	case "embeddings":
		doc = fmt.Sprintf(`{"object":"list","model":%s,"data":[{"object":"embedding","index":0,"embedding":[0.25,-0.5]}],"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, model, prompt, prompt)
	case "moderations":
		doc = `{"id":"modr-test","model":` + model + `,"results":[{"flagged":false,"categories":{},"category_scores":{}}]}`
	case "rerank":
		doc = `{"id":"rerank-test","results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1}}}`
	case "images/generations", "images/edits", "images/variations":
		doc = `{"created":1700000000,"data":[{"b64_json":"aGk="}]` + inOut + `}`
	case "audio/transcriptions", "audio/translations":
		doc = fmt.Sprintf(`{"text":"Hello","usage":{"type":"tokens","input_tokens":%d,"output_tokens":%d,"total_tokens":%d}}`, prompt, completion, prompt+completion)
	case "audio/speech":
		return []byte("ID3 not really sound"), "audio/mpeg"
	default:
		doc = `{"id":"chatcmpl-test","object":"chat.completion","created":1700000000,"model":` + model +
			`,"choices":[{"index":0,"message":{"role":"assistant","content":` + text + `,"refusal":null},"logprobs":null,"finish_reason":"stop"}]` + usage + `}`
	}
	return []byte(doc), "application/json"
}

// events is the streamed answer to a request.
func events(target string, a *Answer, k ask) []string {
	switch operation(target) {
	case "messages":
		return messageEvents(a, k)
	case "responses":
		return responseEvents(a, k)
	}
	return chatEvents(a, k, operation(target) == "completions")
}

// words cuts a text into pieces of the size that models send.
func words(text string) []string { return strings.SplitAfter(text, " ") }

func chatEvents(a *Answer, k ask, legacy bool) []string {
	const prompt, completion = PromptTokens, CompletionTokens
	tail := ""
	if k.Options.IncludeUsage {
		tail = `,"usage":null`
	}
	object := "chat.completion.chunk"
	if legacy {
		object = "text_completion"
	}
	head := `data: {"id":"chatcmpl-test","object":"` + object + `","created":1700000000,"model":` + quote(k.Model) + `,"choices":[`
	chunk := func(delta, finish string) string {
		return head + `{"index":0,` + delta + `,"logprobs":null,"finish_reason":` + finish + `}]` + tail + "}\n\n"
	}
	var all []string
	if !legacy {
		all = append(all, chunk(`"delta":{"role":"assistant","content":""}`, "null"))
	}
	for _, word := range words(a.text()) {
		delta := `"delta":{"content":` + quote(word) + `}`
		if legacy {
			delta = `"text":` + quote(word)
		}
		all = append(all, chunk(delta, "null"))
	}
	last := `"delta":{}`
	if legacy {
		last = `"text":""`
	}
	all = append(all, chunk(last, `"stop"`))
	if k.Options.IncludeUsage && !a.NoUsage {
		all = append(all, fmt.Sprintf(`%s],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`+"\n\n", head, prompt, completion, prompt+completion))
	}
	return append(all, "data: [DONE]\n\n")
}

func messageEvents(a *Answer, k ask) []string {
	const prompt, completion = PromptTokens, CompletionTokens
	event := func(name, rest string) string {
		return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + rest + "}\n\n"
	}
	all := []string{
		event("message_start", fmt.Sprintf(`,"message":{"id":"msg_test","type":"message","role":"assistant","model":%s,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":%d,"output_tokens":1}}`, quote(k.Model), prompt)),
		event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`),
		event("ping", ""),
	}
	for _, word := range words(a.text()) {
		all = append(all, event("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":`+quote(word)+`}`))
	}
	return append(all,
		event("content_block_stop", `,"index":0`),
		event("message_delta", fmt.Sprintf(`,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":%d}`, completion)),
		event("message_stop", ""),
	)
}

func responseEvents(a *Answer, k ask) []string {
	whole, _ := document("/v1/responses", a, k)
	item := `{"id":"msg_test","type":"message","status":"in_progress","role":"assistant","content":[]}`
	number := -1
	event := func(name, rest string) string {
		number++
		return fmt.Sprintf("event: %s\ndata: {\"type\":%q,\"sequence_number\":%d%s}\n\n", name, name, number, rest)
	}
	begun := `,"response":{"id":"resp_test","object":"response","created_at":1700000000,"status":"in_progress","model":` + quote(k.Model) + `,"output":[]}`
	all := []string{
		event("response.created", begun),
		event("response.output_item.added", `,"output_index":0,"item":`+item),
		event("response.content_part.added", `,"item_id":"msg_test","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}`),
	}
	for _, word := range words(a.text()) {
		all = append(all, event("response.output_text.delta", `,"item_id":"msg_test","output_index":0,"content_index":0,"delta":`+quote(word)))
	}
	return append(all,
		event("response.output_text.done", `,"item_id":"msg_test","output_index":0,"content_index":0,"text":`+quote(a.text())),
		event("response.completed", `,"response":`+string(whole)),
	)
}
