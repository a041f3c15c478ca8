package openai_test

import (
	"strings"
	"testing"

	"tollgate/internal/dialect/openai"
)

func TestHideUsage(t *testing.T) {
	tests := []struct {
		name, in string
		want     string // "" means dropped, "=" unchanged
	}{
		{"no usage", `{"choices":[{"delta":{"content":"x"}}]}`, "="},
		{"null", `{"choices":[{}],"usage":null}`, "="},
		{"null, no choices", `{"choices":[],"usage":null,"prompt_filter_results":[]}`, "="},
		{"usage chunk", `{"id":"x","choices":[],"usage":{"prompt_tokens":1}}`, ""},
		{"usage chunk without choices", `{"usage":{"prompt_tokens":1}}`, ""},
		{"usage on a chunk", `{"id": "x", "choices":[{}] , "usage":{"prompt_tokens":1}, "z":1}`, `{"id": "x", "choices":[{}], "z":1}`},
		{"usage last", `{"choices":[{}],"usage":{"a":{"b":[1]}}}`, `{"choices":[{}]}`},
		{"usage first", `{ "usage":{"a":1}, "choices":[{}]}`, `{"choices":[{}]}`},
		{"usage twice", `{"usage":{},"usage":{"a":1},"choices":[{}],"usage":3}`, `{"choices":[{}]}`},
		{"with an error", `{"error":{"message":"x"},"choices":[],"usage":{"a":1}}`, `{"error":{"message":"x"},"choices":[]}`},
		{"usage deeper is content", `{"choices":[{"usage":{"a":1}}]}`, "="},
		{"words in text", `{"choices":[{"delta":{"content":"\"usage\":{}"}}]}`, "="},
		{"end of stream", `[DONE]`, "="},
	}
	for _, tt := range tests {
		rest, keep := openai.HideUsage([]byte(tt.in))
		want := tt.want
		if want == "=" {
			want = tt.in
		}
		if keep != (want != "") || string(rest) != want {
			t.Errorf("%s: %q, %v, want %q", tt.name, rest, keep, want)
		}
	}
}

func FuzzHideUsage(f *testing.F) {
	f.Add(`{"choices":[{}],"usage":{"a":1},"b":[1,{"c":"\""}]}`)
	f.Add(`{"usage":{`)
	f.Fuzz(func(t *testing.T, in string) {
		rest, keep := openai.HideUsage([]byte(in))
		if keep && len(rest) > len(in) || !strings.Contains(in, `"usage"`) && string(rest) != in {
			t.Fatalf("%q became %q", in, rest)
		}
		if again, keepAgain := openai.HideUsage(rest); keep && (!keepAgain || string(again) != string(rest)) {
			t.Fatalf("%q became %q, then %q, %v", in, rest, again, keepAgain)
		}
	})
}
