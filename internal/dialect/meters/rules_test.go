package meters_test

import (
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/meters"
	"tollgate/internal/usage"
)

// rule is one answer, whole or as the data of its events, and what it must yield.
type rule struct {
	name   string
	op     dialect.Operation
	body   string
	events []string // data, or name "|" data
	want   usage.Usage
	model  string
	// Beyond usage, where it matters.
	failure    string
	unfinished bool
	delivered  int64 // 0 is not checked
}

func (r rule) run(t *testing.T, d dialect.Dialect) {
	t.Run(r.name, func(t *testing.T) {
		m := meters.New(d, r.op)
		if r.body != "" {
			m.Body([]byte(r.body))
		}
		for _, ev := range r.events {
			name, data, named := strings.Cut(ev, "|")
			if !named || strings.HasPrefix(ev, "{") {
				name, data = "", ev
			}
			m.Event([]byte(name), []byte(data))
		}
		got := m.Reading()
		if !same(got.Usage, r.want) {
			t.Errorf("usage\n got %+v\nwant %+v", got.Usage, r.want)
		}
		if got.Model != r.model {
			t.Errorf("model %q, want %q", got.Model, r.model)
		}
		if got.Failed != (r.failure != "") || got.Failed && got.Failure != r.failure && r.failure != "-" {
			t.Errorf("failed %v %q, want %q", got.Failed, got.Failure, r.failure)
		}
		if got.Finished == r.unfinished {
			t.Errorf("finished %v", got.Finished)
		}
		if r.delivered != 0 && got.DeliveredTokens != r.delivered {
			t.Errorf("delivered %d tokens, want %d", got.DeliveredTokens, r.delivered)
		}
	})
}

func same(a, b usage.Usage) bool {
	if len(a.Others) != len(b.Others) {
		return false
	}
	for i := range a.Others {
		if a.Others[i].Model != b.Others[i].Model || !same(a.Others[i].Usage, b.Others[i].Usage) {
			return false
		}
	}
	type flat struct {
		tokens  [11]int64
		units   [9]int64
		seconds float64
		billed  [3]int64
		flags   [3]bool
		names   [4]string
		kinds   usage.Kinds
		source  usage.Source
	}
	of := func(u usage.Usage) flat {
		return flat{
			[11]int64{u.InputUncached, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h, u.OutputText, u.OutputReasoning,
				u.InputAudio, u.CacheReadAudio, u.OutputAudio, u.InputImage, u.OutputImage},
			[9]int64{u.WebSearches, u.FileSearches, u.WebFetches, u.CodeSessions, u.Images, u.RerankUnits, u.ToolCalls, u.Characters},
			u.AudioSeconds, [3]int64{u.BilledInput, u.BilledOutput, u.CostTicks},
			[3]bool{u.HasBilled, u.HasCost, u.Clamped},
			[4]string{u.ServiceTier, u.Speed, u.Geo, u.ServedModel}, u.Reported, u.Source,
		}
	}
	return of(a) == of(b)
}

const (
	reported = usage.Reported
	partial  = usage.Partial
)

func TestChatRules(t *testing.T) {
	chat := func(u string) string { return `{"choices":[{"index":0}],"usage":` + u + `}` }
	for _, r := range []rule{
		{name: "plain", body: `{"model":"m","service_tier":"flex","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`,
			model: "m", want: usage.Usage{InputUncached: 5, OutputText: 7, ServiceTier: "flex", Source: reported}},
		{name: "details", body: chat(`{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
			"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30,"audio_tokens":4,"image_tokens":3,"text_tokens":93},
			"completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":2,"accepted_prediction_tokens":9,"rejected_prediction_tokens":9}}`),
			want: usage.Usage{InputUncached: 10, CacheRead: 60, CacheWrite5m: 30, OutputText: 30, OutputReasoning: 20, InputAudio: 4, InputImage: 3, OutputAudio: 2,
				Reported: usage.CacheRead | usage.CacheWrite | usage.Reasoning | usage.Audio | usage.Image, Source: reported}},
		{name: "null details, reasoning beside the sums", body: chat(`{"prompt_tokens":9,"completion_tokens":30,"total_tokens":39,"prompt_tokens_details":null,"completion_tokens_details":null,"reasoning_tokens":25}`),
			want: usage.Usage{InputUncached: 9, OutputText: 5, OutputReasoning: 25, Reported: usage.Reasoning, Source: reported}},
		{name: "named zero is reported", body: chat(`{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}`),
			want: usage.Usage{InputUncached: 9, OutputText: 3, Reported: usage.CacheRead | usage.Reasoning, Source: reported}},
		{name: "named null is not", body: chat(`{"prompt_tokens":9,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":null}}`),
			want: usage.Usage{InputUncached: 9, OutputText: 3, Source: reported}},
		{name: "reasoning outside the completion", body: chat(`{"prompt_tokens":12,"completion_tokens":1,"total_tokens":241,"completion_tokens_details":{"reasoning_tokens":228},"cost_in_usd_ticks":1176500}`),
			want: usage.Usage{InputUncached: 12, OutputText: 1, OutputReasoning: 228, CostTicks: 1176500, HasCost: true, Reported: usage.Reasoning, Source: reported}},
		{name: "thoughts only in the total", body: chat(`{"prompt_tokens":7,"completion_tokens":12,"total_tokens":402}`),
			want: usage.Usage{InputUncached: 7, OutputText: 395, Source: reported}},
		{name: "a total below the sum changes nothing", body: chat(`{"prompt_tokens":7,"completion_tokens":12,"total_tokens":5}`),
			want: usage.Usage{InputUncached: 7, OutputText: 12, Source: reported}},
		{name: "hit and miss", body: chat(`{"prompt_tokens":339,"completion_tokens":2,"prompt_cache_hit_tokens":320,"prompt_cache_miss_tokens":19}`),
			want: usage.Usage{InputUncached: 19, CacheRead: 320, OutputText: 2, Reported: usage.CacheRead, Source: reported}},
		{name: "hit before all other names", body: chat(`{"prompt_tokens":20,"completion_tokens":2,"prompt_cache_hit_tokens":15,"num_cached_tokens":8}`),
			want: usage.Usage{InputUncached: 5, CacheRead: 15, OutputText: 2, Reported: usage.CacheRead, Source: reported}},
		{name: "reasoning details before the sums", body: chat(`{"prompt_tokens":1,"completion_tokens":9,"reasoning_tokens":8,"completion_tokens_details":{"reasoning_tokens":4}}`),
			want: usage.Usage{InputUncached: 1, OutputText: 5, OutputReasoning: 4, Reported: usage.Reasoning, Source: reported}},
		{name: "cached beside the sums", body: chat(`{"prompt_tokens":20,"completion_tokens":30,"cached_tokens":10}`),
			want: usage.Usage{InputUncached: 10, CacheRead: 10, OutputText: 30, Reported: usage.CacheRead, Source: reported}},
		{name: "num_cached_tokens before details", body: chat(`{"prompt_tokens":20,"completion_tokens":1,"num_cached_tokens":8,"prompt_tokens_details":{"cached_tokens":4},"prompt_token_details":{"cached_tokens":2},"cached_tokens":1}`),
			want: usage.Usage{InputUncached: 12, CacheRead: 8, OutputText: 1, Reported: usage.CacheRead, Source: reported}},
		{name: "details before their singular", body: chat(`{"prompt_tokens":20,"completion_tokens":1,"num_cached_tokens":null,"prompt_tokens_details":{"cached_tokens":4},"prompt_token_details":{"cached_tokens":2},"cached_tokens":1}`),
			want: usage.Usage{InputUncached: 16, CacheRead: 4, OutputText: 1, Reported: usage.CacheRead, Source: reported}},
		{name: "singular details", body: chat(`{"prompt_tokens":20,"completion_tokens":1,"prompt_token_details":{"cached_tokens":2}}`),
			want: usage.Usage{InputUncached: 18, CacheRead: 2, OutputText: 1, Reported: usage.CacheRead, Source: reported}},
		{name: "writes under another name", body: chat(`{"prompt_tokens":20,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":0,"cache_creation_input_tokens":15,"cache_type":"ephemeral","cache_creation":{"ephemeral_1h_input_tokens":5}}}`),
			want: usage.Usage{InputUncached: 5, CacheWrite5m: 10, CacheWrite1h: 5, OutputText: 1, Reported: usage.CacheRead | usage.CacheWrite, Source: reported}},
		{name: "cost in USD", body: chat(`{"prompt_tokens":2,"completion_tokens":1,"cost":0.00014,"cost_details":{"upstream_inference_cost":9}}`),
			want: usage.Usage{InputUncached: 2, OutputText: 1, CostTicks: 1400000, HasCost: true, Source: reported}},
		{name: "cost as an object, searches", body: chat(`{"prompt_tokens":2,"completion_tokens":1,"num_search_queries":3,"cost":{"request_cost":0.005,"total_cost":1.5e-3}}`),
			want: usage.Usage{InputUncached: 2, OutputText: 1, WebSearches: 3, CostTicks: 15000000, HasCost: true, Source: reported}},
		{name: "audio by the second explains the total", body: chat(`{"prompt_tokens":4,"completion_tokens":635,"total_tokens":3264,"prompt_audio_seconds":203}`),
			want: usage.Usage{InputUncached: 4, OutputText: 635, AudioSeconds: 203, Source: reported}},
		{name: "no prompt figure", body: chat(`{"completion_tokens":4,"total_tokens":10}`),
			want: usage.Usage{InputUncached: 6, OutputText: 4, Source: reported}},
		{name: "contradictions are clamped", body: chat(`{"prompt_tokens":5,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":9},"completion_tokens_details":{"reasoning_tokens":8}}`),
			want: usage.Usage{CacheRead: 9, OutputReasoning: 8, Clamped: true, Reported: usage.CacheRead | usage.Reasoning, Source: reported}},
		{name: "absurd figures are none", body: chat(`{"prompt_tokens":-5,"completion_tokens":1e300,"total_tokens":"many"}`), want: usage.Usage{}},
		{name: "zero is not absent", body: chat(`{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`), want: usage.Usage{Source: reported}},
		{name: "null is absent", body: `{"choices":[{"message":{"content":"two words"}}],"usage":null}`, want: usage.Usage{}, delivered: 2},
		{name: "empty is absent", body: chat(`{}`), want: usage.Usage{}},
		{name: "error in an answer", body: `{"error":{"message":"no credit","code":402}}`, failure: "no credit"},
		{name: "error as text", body: `{"code":"x","error":"bad \"key\""}`, failure: `bad "key"`},
		{name: "error as the body", body: `{"object":"error","message":"too long","code":400}`, failure: "too long"},
		{name: "null error", body: `{"error":null,"choices":[],"usage":{"prompt_tokens":1}}`, want: usage.Usage{InputUncached: 1, Source: reported}},
		{name: "truncated", body: `{"model":"m","choices":[{"message":{"content":"one`, model: "m", unfinished: true},
		{name: "cut behind usage", body: `{"usage":{"prompt_tokens":3,"completion_tokens":1},"choices":[`, want: usage.Usage{InputUncached: 3, OutputText: 1, Source: reported}, unfinished: true},
		{name: "garbage", body: `<html>`, unfinished: true},
	} {
		r.op = dialect.Chat
		r.run(t, dialect.OpenAI)
	}
}

func TestChatStreamRules(t *testing.T) {
	const text = `{"model":"m","choices":[{"index":0,"delta":{"content":" dog"},"finish_reason":null}],"usage":null}`
	const stop = `{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`
	for _, r := range []rule{
		{name: "usage chunk", events: []string{text, text, stop + `}`, `{"model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}`, "[DONE]"},
			model: "m", delivered: 2, want: usage.Usage{InputUncached: 5, OutputText: 2, Source: reported}},
		{name: "usage on the finish chunk", events: []string{text, stop + `,"usage":{"prompt_tokens":5,"completion_tokens":2}}`},
			model: "m", unfinished: true, want: usage.Usage{InputUncached: 5, OutputText: 2, Source: reported}},
		{name: "cumulative on every chunk", events: []string{
			`{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`,
			`{"choices":[{"delta":{"content":"b"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`, "[DONE]"},
			want: usage.Usage{InputUncached: 5, OutputText: 2, Source: reported}},
		{name: "cumulative, cut", events: []string{`{"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`},
			unfinished: true, want: usage.Usage{InputUncached: 5, OutputText: 1, Source: partial}},
		{name: "usage in front of choices is read every time", events: []string{`{"usage":{"prompt_tokens":5,"completion_tokens":1},"choices":[{"finish_reason":null}]}`, `{"usage":{"prompt_tokens":5,"completion_tokens":1},"choices":[{"finish_reason":"stop"}]}`},
			unfinished: true, want: usage.Usage{InputUncached: 5, OutputText: 1, Source: reported}},
		{name: "members in front of choices change", events: []string{`{"model":"","id":"a","choices":[{}]}`, `{"model":"","id":"a","choices":[{}]}`, `{"model":"m","id":"a","choices":[{}]}`}, model: "m", unfinished: true},
		{name: "figures fall", events: []string{`{"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":9}}`, `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}`, "[DONE]"},
			want: usage.Usage{InputUncached: 5, OutputText: 2, Source: reported}},
		{name: "field by field", events: []string{`{"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":30}}}`, `{"choices":[],"usage":{"completion_tokens":12}}`, "[DONE]"},
			want: usage.Usage{InputUncached: 20, CacheRead: 30, OutputText: 12, Reported: usage.CacheRead, Source: reported}},
		{name: "usage twice in a chunk", events: []string{`{"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":6,"completion_tokens":4}},"usage":{"prompt_tokens":5,"completion_tokens":2}}`, "[DONE]"},
			want: usage.Usage{InputUncached: 5, OutputText: 2, Source: reported}},
		{name: "usage in the extension only", events: []string{text, stop + `,"x_groq":{"id":"r","usage":{"prompt_tokens":6,"completion_tokens":4}}}`, "[DONE]"},
			model: "m", want: usage.Usage{InputUncached: 6, OutputText: 4, Source: reported}},
		{name: "first chunk empty", events: []string{`{"id":"","model":"","choices":[],"prompt_filter_results":[{"content_filter_results":{"usage":{"prompt_tokens":1}}}]}`, text, "[DONE]"},
			model: "m", delivered: 1},
		{name: "no usage", events: []string{text, text, text, stop + "}", "[DONE]"}, model: "m", delivered: 3},
		{name: "error inside", events: []string{text, `{"error":{"message":"overloaded","type":"server_error"}}`}, model: "m", failure: "overloaded", unfinished: true},
		{name: "error event", events: []string{`error|{"detail":"x"}`}, failure: "-", unfinished: true},
		{name: "tool arguments", events: []string{`{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\":"}}]}}]}`}, unfinished: true, delivered: 5},
		{name: "one reasoning under two names", events: []string{`{"choices":[{"delta":{"reasoning":" dog","reasoning_content":" dog","reasoning_details":[{"text":" dog"}]}}]}`}, unfinished: true, delivered: 1},
		{name: "logprobs are no text", events: []string{`{"choices":[{"text":" dog","logprobs":{"content":[{"token":" dog","text":"x"}]}}]}`}, unfinished: true, delivered: 1},
		{name: "words in text are no members", events: []string{`{"choices":[{"delta":{"content":"\"usage\":{\"prompt_tokens\":9}, \"error\":1"}}]}`}, unfinished: true},
		{name: "tier of the answer", events: []string{`{"service_tier":"auto","choices":[{}]}`, `{"service_tier":"priority","choices":[],"usage":{"prompt_tokens":1}}`, "[DONE]"},
			want: usage.Usage{InputUncached: 1, ServiceTier: "priority", Source: reported}},
	} {
		r.op = dialect.Chat
		r.run(t, dialect.OpenAI)
	}
}

func TestResponsesRules(t *testing.T) {
	const final = `"usage":{"input_tokens":40,"input_tokens_details":{"cached_tokens":10,"cache_write_tokens":5},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":99}`
	sum := usage.Usage{InputUncached: 25, CacheRead: 10, CacheWrite5m: 5, OutputText: 5, OutputReasoning: 4,
		Reported: usage.CacheRead | usage.CacheWrite | usage.Reasoning, Source: reported}
	with := func(change func(*usage.Usage)) usage.Usage { u := sum; change(&u); return u }
	for _, r := range []rule{
		{name: "body; the total says nothing", body: `{"model":"m","object":"response","error":null,` + final + `}`, model: "m", want: sum},
		{name: "hosted tools", body: `{"output":[{"type":"web_search_call"},{"type":"web_search_call"},{"type":"file_search_call"},{"type":"code_interpreter_call"},{"type":"image_generation_call"},{"type":"message"}],` + final + `}`,
			want: with(func(u *usage.Usage) { u.WebSearches, u.FileSearches, u.CodeSessions, u.Images = 2, 1, 1, 1 })},
		{name: "tools in one figure", body: `{"usage":{"input_tokens":3,"output_tokens":1,"num_server_side_tools_used":2}}`,
			want: usage.Usage{InputUncached: 3, OutputText: 1, ToolCalls: 2, Source: reported}},
		{name: "all zero", body: `{"usage":{"input_tokens":0,"output_tokens":0,"total_tokens":0}}`, want: usage.Usage{Source: reported}},
		{name: "completed", events: []string{
			`response.created|{"type":"response.created","response":{"model":"m","usage":null}}`,
			`response.output_text.delta|{"type":"response.output_text.delta","delta":" dog"}`,
			`response.output_text.done|{"type":"response.output_text.done","text":" dog"}`,
			`response.completed|{"type":"response.completed","response":{"model":"m","service_tier":"flex",` + final + `}}`},
			model: "m", delivered: 1, want: with(func(u *usage.Usage) { u.ServiceTier = "flex" })},
		{name: "incomplete, no event names", events: []string{`{"type":"response.incomplete","response":{` + final + `}}`}, want: sum},
		{name: "failed", events: []string{`{"type":"response.failed","response":{"error":{"message":"broke"},` + final + `}}`}, failure: "broke", want: sum},
		{name: "tools in events, list empty", events: []string{
			`{"type":"response.output_item.done","item":{"type":"web_search_call"}}`, `{"type":"response.completed","response":{"output":[],` + final + `}}`},
			want: with(func(u *usage.Usage) { u.WebSearches = 1 })},
		{name: "tools in events and list", events: []string{
			`{"type":"response.output_item.done","item":{"type":"web_search_call"}}`, `{"type":"response.completed","response":{"output":[{"type":"web_search_call"}],` + final + `}}`},
			want: with(func(u *usage.Usage) { u.WebSearches = 1 })},
		{name: "error as published", events: []string{`error|{"type":"error","code":"x","message":"no","sequence_number":1}`}, failure: "no", unfinished: true},
		{name: "error as sent", events: []string{`error|{"type":"error","error":{"message":"no"}}`}, failure: "no", unfinished: true},
		{name: "audio is no text", events: []string{`{"type":"response.audio.delta","delta":"QUJD"}`, `{"type":"response.function_call_arguments.delta","delta":"{}"}`}, unfinished: true, delivered: 2},
		{name: "cut", events: []string{`{"type":"response.created","response":{"model":"m","usage":null}}`}, model: "m", unfinished: true},
	} {
		r.op = dialect.Responses
		r.run(t, dialect.OpenAI)
	}
}

func TestObjectRules(t *testing.T) {
	for _, r := range []rule{
		{name: "embeddings", op: dialect.Embeddings, body: `{"data":[{"embedding":[0.1,-0.2]}],"model":"e","usage":{"prompt_tokens":5,"total_tokens":9}}`,
			model: "e", want: usage.Usage{InputUncached: 5, Source: reported}},
		{name: "embeddings with a total only", op: dialect.Embeddings, body: `{"data":[],"usage":{"total_tokens":9}}`, want: usage.Usage{InputUncached: 9, Source: reported}},
		{name: "embeddings without usage", op: dialect.Embeddings, body: `{"data":[{"embedding":[0.1]}]}`},
		{name: "images", op: dialect.Images, body: `{"created":1,"data":[{"b64_json":"QUJD"},{"b64_json":"QUJD"}],"usage":{"input_tokens":50,"output_tokens":4160,"total_tokens":4210,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}`,
			want: usage.Usage{InputUncached: 50, InputImage: 40, OutputText: 4160, OutputImage: 4160, Images: 2, Reported: usage.Image, Source: reported}},
		{name: "images with output parts", op: dialect.Images, body: `{"data":[{}],"usage":{"input_tokens":5,"output_tokens":20,"input_tokens_details":{"image_tokens":0},"output_tokens_details":{"image_tokens":15,"text_tokens":5}}}`,
			want: usage.Usage{InputUncached: 5, OutputText: 20, OutputImage: 15, Images: 1, Reported: usage.Image, Source: reported}},
		{name: "images by the piece", op: dialect.Images, body: `{"data":[{"url":"x"},{"url":"y"}]}`, want: usage.Usage{Images: 2, Source: usage.Estimated}},
		{name: "image stream", op: dialect.Images, events: []string{`{"type":"image_generation.partial_image","b64_json":"QQ"}`, `{"type":"image_generation.completed","usage":{"input_tokens":5,"output_tokens":20}}`},
			want: usage.Usage{InputUncached: 5, OutputText: 20, OutputImage: 20, Images: 1, Reported: usage.Image, Source: reported}},
		{name: "image edit stream", op: dialect.Images, events: []string{`image_edit.completed|{"usage":{"input_tokens":5,"output_tokens":20}}`},
			want: usage.Usage{InputUncached: 5, OutputText: 20, OutputImage: 20, Images: 1, Reported: usage.Image, Source: reported}},
		{name: "transcription by tokens", op: dialect.Transcriptions, body: `{"text":"a b","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":3,"total_tokens":17}}`,
			want: usage.Usage{InputUncached: 14, InputAudio: 10, OutputText: 3, Reported: usage.Audio, Source: reported}},
		{name: "transcription by duration", op: dialect.Transcriptions, body: `{"text":"a b","usage":{"type":"duration","seconds":7}}`, want: usage.Usage{AudioSeconds: 7, Source: reported}},
		{name: "transcription with seconds beside tokens", op: dialect.Transcriptions, body: `{"model":"v","usage":{"prompt_audio_seconds":203,"prompt_tokens":4,"total_tokens":3264,"completion_tokens":635}}`,
			model: "v", want: usage.Usage{InputUncached: 4, OutputText: 635, AudioSeconds: 203, Source: reported}},
		{name: "verbose transcription", op: dialect.Transcriptions, body: `{"text":"a","duration":"8.5"}`, want: usage.Usage{AudioSeconds: 8.5, Source: reported}},
		{name: "transcription without anything", op: dialect.Transcriptions, body: `{"text":"two words"}`, delivered: 2},
		{name: "subtitles", op: dialect.Transcriptions, body: "1\n00:00 --> 00:01\nhello", unfinished: true},
		{name: "transcript stream", op: dialect.Transcriptions, events: []string{`{"type":"transcript.text.delta","delta":" dog"}`, `{"type":"transcript.text.done","text":" dog","usage":{"type":"tokens","input_tokens":14,"output_tokens":3}}`},
			delivered: 1, want: usage.Usage{InputUncached: 14, OutputText: 3, Source: reported}},
		{name: "speech stream", op: dialect.Speech, events: []string{`{"type":"speech.audio.delta","audio":"QUJD"}`, `{"type":"speech.audio.done","usage":{"input_tokens":6,"output_tokens":30,"total_tokens":36}}`},
			want: usage.Usage{InputUncached: 6, OutputText: 30, OutputAudio: 30, Reported: usage.Audio, Source: reported}},
		{name: "speech", op: dialect.Speech, body: "ID3\x03\x00\xff\xfb", unfinished: true},
		{name: "moderations", op: dialect.Moderations, body: `{"model":"mod","results":[],"usage":{"prompt_tokens":3}}`, model: "mod"},
		{name: "legacy completions", op: dialect.Completions, body: `{"choices":[{"text":"x"}],"usage":{"prompt_tokens":31,"completion_tokens":25,"total_tokens":56}}`,
			want: usage.Usage{InputUncached: 31, OutputText: 25, Source: reported}},
	} {
		r.run(t, dialect.OpenAI)
	}
}
