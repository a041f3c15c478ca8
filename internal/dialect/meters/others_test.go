package meters_test

import (
	"encoding/base64"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/bedrock"
	"tollgate/internal/dialect/meters"
	"tollgate/internal/usage"
)

func TestAnthropicRules(t *testing.T) {
	start := func(u string) string { return `{"type":"message_start","message":{"model":"c","usage":` + u + `}}` }
	delta := func(u string) string {
		return `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":` + u + `}`
	}
	const stop = `message_stop|{"type":"message_stop"}`
	both := usage.CacheRead | usage.CacheWrite
	for _, r := range []rule{
		{name: "body", body: `{"type":"message","model":"c","content":[{"type":"text","text":"x"}],"usage":{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,
			"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":50,"output_tokens_details":{"thinking_tokens":15},
			"server_tool_use":{"web_search_requests":2,"web_fetch_requests":3},"service_tier":"priority","inference_geo":"us","speed":"fast"}}`,
			model: "c", want: usage.Usage{InputUncached: 10, CacheRead: 100, CacheWrite5m: 20, CacheWrite1h: 10, OutputText: 35, OutputReasoning: 15,
				WebSearches: 2, WebFetches: 3, ServiceTier: "priority", Geo: "us", Speed: "fast", Reported: both | usage.Reasoning, Source: reported}},
		{name: "no cache figures", body: `{"type":"message","usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":null}}`,
			want: usage.Usage{InputUncached: 1, OutputText: 2, Source: reported}},
		{name: "no usage", body: `{"type":"message","content":[{"type":"thinking","thinking":"two words","signature":"abcdefgh"},{"type":"text","text":"one"},{"type":"tool_use","input":{}}]}`, delivered: 5},
		{name: "error body", body: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, failure: "Overloaded"},
		{name: "the delta overwrites", events: []string{start(`{"input_tokens":43,"output_tokens":1}`), delta(`{"input_tokens":61,"output_tokens":2}`), stop},
			model: "c", want: usage.Usage{InputUncached: 61, OutputText: 2, Source: reported}},
		{name: "the delta lowers the input", events: []string{start(`{"input_tokens":34824,"cache_read_input_tokens":0,"output_tokens":0}`), delta(`{"input_tokens":3883,"cache_read_input_tokens":30464,"output_tokens":9}`), stop},
			model: "c", want: usage.Usage{InputUncached: 3883, CacheRead: 30464, OutputText: 9, Reported: usage.CacheRead, Source: reported}},
		{name: "the delta leaves the rest", events: []string{start(`{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1,"service_tier":"batch"}`), delta(`{"output_tokens":20,"input_tokens":null}`), stop},
			model: "c", want: usage.Usage{InputUncached: 5, CacheRead: 7, OutputText: 20, ServiceTier: "batch", Reported: usage.CacheRead, Source: reported}},
		{name: "split known at the start only", events: []string{start(`{"input_tokens":2,"cache_creation_input_tokens":3068,"cache_creation":{"ephemeral_5m_input_tokens":3000,"ephemeral_1h_input_tokens":68},"output_tokens":1}`), delta(`{"cache_creation_input_tokens":3337,"output_tokens":8}`), stop},
			model: "c", want: usage.Usage{InputUncached: 2, CacheWrite5m: 3269, CacheWrite1h: 68, OutputText: 8, Reported: usage.CacheWrite, Source: reported}},
		{name: "doubled start", events: []string{start(`{"input_tokens":5,"output_tokens":1}`), start(`{"input_tokens":5,"output_tokens":1}`), delta(`{"output_tokens":9}`), stop},
			model: "c", want: usage.Usage{InputUncached: 5, OutputText: 9, Source: reported}},
		{name: "cut", events: []string{start(`{"input_tokens":5,"output_tokens":1}`), `{"type":"content_block_delta","delta":{"type":"text_delta","text":" dog"}}`},
			model: "c", unfinished: true, delivered: 1, want: usage.Usage{InputUncached: 5, OutputText: 1, Source: partial}},
		{name: "deltas", unfinished: true, delivered: 4, events: []string{`ping|{"type":"ping"}`,
			`{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":" dog"}}`, `{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"\"a\""}}`,
			`{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"abcabcabc"}}`, `{"type":"content_block_delta","delta":{"type":"citations_delta","citation":{"text":"no"}}}`}},
		{name: "error event", events: []string{`error|{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`}, failure: "Overloaded", unfinished: true},
		{name: "compaction", body: `{"type":"message","usage":{"input_tokens":682,"output_tokens":1320,"iterations":[{"type":"compaction","input_tokens":60385,"output_tokens":592},{"type":"message","input_tokens":682,"output_tokens":1320}]}}`,
			want: usage.Usage{InputUncached: 61067, OutputText: 1912, Source: reported}},
		{name: "iterations with parts", body: `{"type":"message","usage":{"input_tokens":1,"cache_creation_input_tokens":8,"cache_creation":{"ephemeral_1h_input_tokens":6},"output_tokens":9,"output_tokens_details":{"thinking_tokens":4},
			"iterations":[{"type":"message","input_tokens":1,"cache_creation_input_tokens":8,"cache_read_input_tokens":3,"output_tokens":9}]}}`,
			want: usage.Usage{InputUncached: 1, CacheRead: 3, CacheWrite5m: 2, CacheWrite1h: 6, OutputText: 5, OutputReasoning: 4, Reported: both | usage.Reasoning, Source: reported}},
		{name: "advisor", body: `{"type":"message","model":"c","usage":{"input_tokens":30,"output_tokens":5,"iterations":[{"type":"message","input_tokens":10,"output_tokens":2},{"type":"advisor_message","model":"big","input_tokens":100,"output_tokens":50},{"type":"message","input_tokens":20,"output_tokens":3}]}}`,
			model: "c", want: usage.Usage{InputUncached: 30, OutputText: 5, Source: reported, Others: []usage.Other{{Model: "big", Usage: usage.Usage{InputUncached: 100, OutputText: 50, Source: reported}}}}},
		{name: "fallback", events: []string{start(`{"input_tokens":408,"output_tokens":1}`), delta(`{"input_tokens":412,"output_tokens":264,"iterations":[{"type":"message","model":"c","input_tokens":408,"output_tokens":0},{"type":"fallback_message","model":"d","input_tokens":412,"output_tokens":264}]}`), stop},
			model: "c", want: usage.Usage{InputUncached: 412, OutputText: 264, ServedModel: "d", Source: reported}},
	} {
		r.op = dialect.Messages
		r.run(t, dialect.Anthropic)
	}
	rule{name: "counting is free", op: dialect.CountTokens, body: `{"input_tokens":14}`}.run(t, dialect.Anthropic)
	rule{name: "behind an OpenAI base", op: dialect.Messages, body: `{"type":"message","usage":{"input_tokens":1,"output_tokens":2}}`,
		want: usage.Usage{InputUncached: 1, OutputText: 2, Source: reported}}.run(t, dialect.OpenAI)
}

func TestGeminiRules(t *testing.T) {
	for _, r := range []rule{
		{name: "all figures", body: `{"modelVersion":"g","candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":40,"toolUsePromptTokenCount":7,"candidatesTokenCount":20,"thoughtsTokenCount":30,"totalTokenCount":157,
			"promptTokensDetails":[{"modality":"TEXT","tokenCount":70},{"modality":"AUDIO","tokenCount":20},{"modality":"IMAGE","tokenCount":10}],"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":5}],
			"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":6},{"modality":"AUDIO","tokenCount":2}],"trafficType":"PROVISIONED_THROUGHPUT"}}`,
			model: "g", want: usage.Usage{InputUncached: 67, CacheRead: 40, OutputText: 20, OutputReasoning: 30, InputAudio: 20, CacheReadAudio: 5, InputImage: 10, OutputImage: 6, OutputAudio: 2,
				ServiceTier: "PROVISIONED_THROUGHPUT", Reported: usage.CacheRead | usage.Reasoning | usage.Audio | usage.Image, Source: reported}},
		{name: "missing counts are zero", body: `{"candidates":[{}],"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}}`, want: usage.Usage{InputUncached: 9, Source: reported}},
		{name: "blocked prompt", events: []string{`{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":9}}`}, want: usage.Usage{InputUncached: 9, Source: reported}},
		{name: "cumulative", events: []string{`{"candidates":[{"content":{"parts":[{"text":" dog"}]}}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5}}`,
			`{"candidates":[{"content":{"parts":[{"text":" dog"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":23,"thoughtsTokenCount":4}}`},
			delivered: 2, want: usage.Usage{InputUncached: 9, OutputText: 23, OutputReasoning: 4, Reported: usage.Reasoning, Source: reported}},
		{name: "cut", events: []string{`{"candidates":[{}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5}}`}, unfinished: true, want: usage.Usage{InputUncached: 9, OutputText: 5, Source: partial}},
		{name: "traffic type alone is no usage", events: []string{`{"candidates":[{}],"usageMetadata":{"trafficType":"ON_DEMAND"}}`}, unfinished: true},
		{name: "live names", events: []string{`{"serverContent":{"turnComplete":true},"usageMetadata":{"promptTokenCount":3,"responseTokenCount":8,"responseTokensDetails":[{"modality":"AUDIO","tokenCount":8}]}}`},
			want: usage.Usage{InputUncached: 3, OutputText: 8, OutputAudio: 8, Reported: usage.Audio, Source: reported}},
		{name: "one array", body: `[{"modelVersion":"g","usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1}},{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5}}]`,
			model: "g", want: usage.Usage{InputUncached: 9, OutputText: 5, Source: reported}},
		{name: "predictions", body: `{"predictions":[{"embeddings":{"statistics":{"token_count":5},"values":[-0.1, 0.2]}},{"embeddings":{"statistics":{"token_count":6}}}],"metadata":{"billableCharacterCount":35}}`,
			want: usage.Usage{InputUncached: 11, Characters: 35, Source: reported}},
		{name: "predictions with usage", body: `{"predictions":[{"embeddings":{"statistics":{"token_count":5}}}],"usageMetadata":{"promptTokenCount":7}}`, want: usage.Usage{InputUncached: 7, Source: reported}},
		{name: "error", body: `{"error":{"code":429,"message":"quota"}}`, failure: "quota"},
		{name: "error in an array", body: `[{"error":{"message":"quota"}}]`, failure: "quota", unfinished: true},
		{name: "no usage", body: `{"candidates":[{"content":{"parts":[{"text":"two words"},{"functionCall":{"name":"f","args":{}}}]},"groundingMetadata":{"text":"x"}}]}`, delivered: 4},
	} {
		r.op = dialect.Generate
		r.run(t, dialect.Gemini)
	}
}

func chunk(native string) string {
	return `chunk|{"bytes":"` + base64.StdEncoding.EncodeToString([]byte(native)) + `","p":"abc"}`
}

func TestBedrockRules(t *testing.T) {
	const metrics = `"amazon-bedrock-invocationMetrics":{"inputTokenCount":11,"outputTokenCount":6,"cacheReadInputTokenCount":4,"invocationLatency":9}`
	both := usage.CacheRead | usage.CacheWrite
	for _, r := range []rule{
		{name: "converse, twins not added", body: `{"output":{"message":{"content":[{"text":"x"}]}},"stopReason":"end_turn","usage":{"inputTokens":22,"outputTokens":57,"totalTokens":90,"cacheReadInputTokens":5,"cacheReadInputTokenCount":5,"cacheWriteInputTokens":6,"cacheWriteInputTokenCount":6,"cacheDetails":[{"ttl":"1h","inputTokens":4},{"ttl":"5m","inputTokens":2}]}}`,
			want: usage.Usage{InputUncached: 22, CacheRead: 5, CacheWrite5m: 2, CacheWrite1h: 4, OutputText: 57, Reported: both, Source: reported}},
		{name: "stream", events: []string{`messageStart|{"role":"assistant"}`, `contentBlockDelta|{"contentBlockIndex":0,"delta":{"text":" dog"},"p":"abc"}`, `messageStop|{"stopReason":"end_turn"}`, `metadata|{"usage":{"inputTokens":15,"outputTokens":142}}`},
			delivered: 1, want: usage.Usage{InputUncached: 15, OutputText: 142, Source: reported}},
		{name: "stream as JSON", events: []string{`{"contentBlockDelta":{"delta":{"reasoningContent":{"text":" dog"}}}}`, `{"contentBlockDelta":{"delta":{"toolUse":{"input":"{}"}}}}`, `{"messageStop":{}}`, `{"metadata":{"usage":{"inputTokens":15,"outputTokens":2}}}`},
			delivered: 3, want: usage.Usage{InputUncached: 15, OutputText: 2, Source: reported}},
		{name: "cut before metadata", events: []string{`{"contentBlockDelta":{"delta":{"text":" dog"}}}`, `{"messageStop":{}}`}, delivered: 1, unfinished: true},
		{name: "exception", events: []string{`throttlingException|{"message":"slow down"}`}, failure: "slow down", unfinished: true},
		{name: "exception in the other spelling", events: []string{`{"ModelStreamErrorException":{"Message":"broke"}}`}, failure: "broke", unfinished: true},
		{name: "invoke, native usage first", events: []string{chunk(`{"type":"message_start","message":{"model":"c","usage":{"input_tokens":10,"output_tokens":1}}}`), chunk(`{"type":"message_delta","usage":{"output_tokens":7}}`), chunk(`{"type":"message_stop",` + metrics + `}`)},
			model: "c", want: usage.Usage{InputUncached: 10, OutputText: 7, Source: reported}},
		{name: "invoke, metrics only", events: []string{chunk(`{"generation":"x"}`), chunk(`{"generation":"",` + metrics + `}`)},
			want: usage.Usage{InputUncached: 11, CacheRead: 4, OutputText: 6, Reported: usage.CacheRead, Source: reported}},
		{name: "invoke in OpenAI's shape", events: []string{chunk(`{"choices":[{"delta":{"content":" dog"}}]}`), chunk(`{"choices":[],` + metrics + `}`)},
			delivered: 1, want: usage.Usage{InputUncached: 11, CacheRead: 4, OutputText: 6, Reported: usage.CacheRead, Source: reported}},
		{name: "invoke, Llama", body: `{"generation":"x","prompt_token_count":12,"generation_token_count":3}`, want: usage.Usage{InputUncached: 12, OutputText: 3, Source: reported}},
		{name: "invoke, Titan", body: `{"inputTextTokenCount":5,"results":[{"tokenCount":9,"outputText":"x"}]}`, want: usage.Usage{InputUncached: 5, OutputText: 9, Source: reported}},
		{name: "invoke, Titan embedding", body: `{"embedding":[0.1],"inputTextTokenCount":3}`, want: usage.Usage{InputUncached: 3, Source: reported}},
		{name: "invoke, Nova stream", events: []string{chunk(`{"metadata":{"usage":{"inputTokens":4,"outputTokens":2}}}`)}, unfinished: true, want: usage.Usage{InputUncached: 4, OutputText: 2, Source: reported}},
		{name: "invoke, own usage before metrics", events: []string{chunk(`{"metadata":{"usage":{"inputTokens":4,"outputTokens":2}},` + metrics + `}`)}, want: usage.Usage{InputUncached: 4, OutputText: 2, Source: reported}},
		{name: "invoke, Anthropic body", body: `{"type":"message","model":"c","usage":{"input_tokens":10,"output_tokens":7}}`, model: "c", want: usage.Usage{InputUncached: 10, OutputText: 7, Source: reported}},
		{name: "broken base64", events: []string{`chunk|{"bytes":"%%%"}`}, unfinished: true},
	} {
		r.op = dialect.Converse
		r.run(t, dialect.Bedrock)
	}
	headers := map[string]string{"X-Amzn-Bedrock-Input-Token-Count": "8", "X-Amzn-Bedrock-Output-Token-Count": "2"}
	if u := bedrock.HeaderUsage(func(n string) string { return headers[n] }); u.Input() != 8 || u.Output() != 2 || u.Source != reported {
		t.Errorf("headers: %+v", u)
	}
	if u := bedrock.HeaderUsage(func(string) string { return "" }); u.Source != usage.Absent {
		t.Errorf("no headers: %+v", u)
	}
}

func TestCohereRules(t *testing.T) {
	for _, r := range []rule{
		{name: "chat", body: `{"message":{"content":[{"text":"x"}]},"usage":{"billed_units":{"input_tokens":12,"output_tokens":7},"tokens":{"input_tokens":507,"output_tokens":10},"cached_tokens":448}}`,
			want: usage.Usage{InputUncached: 59, CacheRead: 448, OutputText: 10, BilledInput: 12, BilledOutput: 7, HasBilled: true, Reported: usage.CacheRead, Source: reported}},
		{name: "stream", events: []string{`{"type":"content-delta","delta":{"message":{"content":{"text":" dog"}}}}`, `message-end|{"type":"message-end","delta":{"finish_reason":"COMPLETE","usage":{"tokens":{"input_tokens":5.0,"output_tokens":1}}}}`},
			delivered: 1, want: usage.Usage{InputUncached: 5, OutputText: 1, Source: reported}},
		{name: "failed stream", events: []string{`{"type":"message-end","delta":{"finish_reason":"ERROR","error":"broke"}}`}, failure: "broke"},
		{name: "embed: tokens are those billed", body: `{"embeddings":{"float":[[0.1, 0.2]]},"meta":{"billed_units":{"input_tokens":10}}}`,
			want: usage.Usage{InputUncached: 10, BilledInput: 10, HasBilled: true, Source: reported}},
		{name: "embed images", body: `{"meta":{"billed_units":{"images":2}}}`, want: usage.Usage{Images: 2, Source: reported}},
		{name: "no usage", body: `{"message":{"content":[{"text":"two words"}]}}`, delivered: 2},
		{name: "error", body: `{"id":"x","message":"invalid token"}`, failure: "invalid token"},
	} {
		r.run(t, dialect.Cohere)
	}
	for _, r := range []rule{
		{name: "search units", body: `{"results":[{"index":1}],"meta":{"billed_units":{"search_units":1}}}`, want: usage.Usage{RerankUnits: 1, Source: reported}},
		{name: "total only", body: `{"object":"list","data":[],"model":"r","usage":{"total_tokens":26}}`, model: "r", want: usage.Usage{InputUncached: 26, Source: reported}},
		{name: "prompt and total", body: `{"results":[],"usage":{"prompt_tokens":20,"completion_tokens":0,"total_tokens":26}}`, want: usage.Usage{InputUncached: 20, Source: reported}},
		{name: "nothing", body: `{"results":[]}`},
	} {
		r.op = dialect.Rerank
		r.run(t, dialect.OpenAI)
	}
}

func TestDetect(t *testing.T) {
	five := usage.Usage{InputUncached: 5, OutputText: 2, Source: reported}
	for _, r := range []rule{
		{name: "chat", body: `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}`, want: five},
		{name: "chat without choices", body: `{"usage":{"prompt_tokens":5,"completion_tokens":2}}`, want: five},
		{name: "chat stream", events: []string{`{"choices":[{}]}`, `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}`, "[DONE]"}, want: five},
		{name: "responses", body: `{"object":"response","usage":{"input_tokens":5,"output_tokens":2}}`, want: five},
		{name: "responses, bare", body: `{"usage":{"input_tokens":5,"output_tokens":2}}`, want: five},
		{name: "anthropic", body: `{"type":"message","usage":{"input_tokens":5,"output_tokens":2}}`, want: five},
		{name: "anthropic by its cache", body: `{"usage":{"input_tokens":5,"output_tokens":2,"cache_read_input_tokens":0}}`,
			want: usage.Usage{InputUncached: 5, OutputText: 2, Reported: usage.CacheRead, Source: reported}},
		{name: "anthropic stream behind a ping", events: []string{`ping|{"type":"ping"}`, `{"type":"message_start","message":{"usage":{"input_tokens":5}}}`, `{"type":"message_delta","usage":{"output_tokens":2}}`, `{"type":"message_stop"}`}, want: five},
		{name: "gemini", body: `{"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2}}`, want: five},
		{name: "gemini array", body: `[{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2}}]`, want: five},
		{name: "converse", body: `{"usage":{"inputTokens":5,"outputTokens":2}}`, want: five},
		{name: "invoke stream", events: []string{chunk(`{"type":"message_start","message":{"usage":{"input_tokens":5}}}`), chunk(`{"type":"message_delta","usage":{"output_tokens":2}}`), chunk(`{"type":"message_stop"}`)}, want: five},
		{name: "cohere", body: `{"usage":{"tokens":{"input_tokens":5,"output_tokens":2}}}`, want: five},
		{name: "rerank", body: `{"results":[],"usage":{"total_tokens":5}}`, want: usage.Usage{InputUncached: 5, Source: reported}},
		{name: "embeddings", body: `{"data":[],"usage":{"prompt_tokens":5,"total_tokens":5}}`, want: usage.Usage{InputUncached: 5, Source: reported}},
		{name: "transcription", body: `{"text":"x","usage":{"type":"duration","seconds":2}}`, want: usage.Usage{AudioSeconds: 2, Source: reported}},
		{name: "transcript stream", events: []string{`{"type":"transcript.text.done","usage":{"input_tokens":5,"output_tokens":2}}`}, want: five},
		{name: "speech stream", events: []string{`{"type":"speech.audio.done","usage":{"input_tokens":5,"output_tokens":2}}`},
			want: usage.Usage{InputUncached: 5, OutputText: 2, OutputAudio: 2, Reported: usage.Audio, Source: reported}},
		{name: "error", body: `{"error":{"message":"no"}}`, failure: "no", unfinished: true},
		{name: "a file", body: `{"id":"file-1","bytes":120,"purpose":"batch"}`, unfinished: true},
		{name: "nothing known", body: `{"hello":[1,2]}`, unfinished: true},
	} {
		r.run(t, dialect.Unknown)
	}
}

// Every pair of dialect and operation has a meter that takes anything.
func TestNewKnowsAll(t *testing.T) {
	for d := dialect.Unknown; d <= dialect.Cohere; d++ {
		for _, op := range dialect.Operations() {
			m := meters.New(d, op)
			m.Event(nil, nil)
			m.Body(nil)
			if r := m.Reading(); r.Usage.Source != usage.Absent || r.Failed || r.Finished {
				t.Errorf("%v %v of nothing: %+v", d, op, r)
			}
		}
	}
}

func FuzzMeters(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","choices":[{"delta":{"content":"a\u00e9\ud83d\udea2"}}],"usage":{"prompt_tokens":-1,"completion_tokens":1e30,"total_tokens":9007199254740993}}`,
		`{"type":"message_delta","usage":{"output_tokens":"7","iterations":[{"type":"compaction","input_tokens":9007199254740992},{"input_tokens":9007199254740992}]}}`,
		`{"usageMetadata":{"promptTokenCount":9007199254740992,"toolUsePromptTokenCount":9007199254740992},"candidates":[{}]}`,
		`{"predictions":[{"embeddings":{"statistics":{"token_count":9007199254740992}}},{"embeddings":{"statistics":{"token_count":1}}}]}`,
		`{"bytes":"eyJ0eXBlIjoicGluZyJ9"}`, `{"metadata":{"usage":{"inputTokens":1}}}`, `{"meta":{"billed_units":{"search_units":0.4}}}`,
		`{"type":"response.completed","response":{"output":[{"type":"web_search_call"}],"usage":{"input_tokens":1}}}`, `[[[[{"a":"\\\"`, `{"a":`, `[DONE]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for d := dialect.Unknown; d <= dialect.Cohere; d++ {
			for _, op := range dialect.Operations() {
				body, stream := meters.New(d, op), meters.New(d, op)
				body.Body(data)
				stream.Event(nil, data)
				stream.Event([]byte("chunk"), data)
				sane(t, body.Reading())
				sane(t, stream.Reading())
			}
		}
	})
}

func sane(t *testing.T, r dialect.Reading) {
	u := r.Usage
	for _, n := range []int64{u.InputUncached, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h, u.OutputText, u.OutputReasoning,
		u.InputAudio, u.CacheReadAudio, u.OutputAudio, u.InputImage, u.OutputImage, u.WebSearches, u.FileSearches, u.WebFetches,
		u.CodeSessions, u.Images, u.RerankUnits, u.ToolCalls, u.Characters, u.BilledInput, u.BilledOutput, u.CostTicks, r.DeliveredTokens} {
		if n < 0 || n > usage.MaxFigure {
			t.Fatalf("absurd figure %d in %+v", n, r)
		}
	}
	if !(u.AudioSeconds >= 0 && u.AudioSeconds <= usage.MaxFigure) {
		t.Fatalf("absurd seconds in %+v", r)
	}
}
