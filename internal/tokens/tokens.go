// Package tokens counts the tokens of text: by a quick estimate on the request
// path, by the real vocabulary where somebody asked for it. It knows text only,
// no request and no answer.
package tokens

import (
	"strings"
	"sync"

	"github.com/tiktoken-go/tokenizer"
)

// MaxCounted is the longest text, in bytes, that Count gives to a tokenizer. The
// work grows with the text and runs on the caller's goroutine; beyond this size
// an estimate has to do.
const MaxCounted = 256 << 10

// Message is what counts of a chat message.
type Message struct{ Role, Content string }

// The vocabularies take 10 MB and some tens of milliseconds to load, so that a
// gateway that never counts must not pay for them.
var (
	o200k = sync.OnceValue(func() tokenizer.Codec { return load(tokenizer.O200kBase) })
	cl100 = sync.OnceValue(func() tokenizer.Codec { return load(tokenizer.Cl100kBase) })
)

func load(encoding tokenizer.Encoding) tokenizer.Codec {
	codec, err := tokenizer.Get(encoding)
	if err != nil {
		return nil // an unknown name, which the two constants above are not
	}
	return codec
}

// Count gives the number of tokens of text for the model: with o200k_base for
// current OpenAI models and every model whose vocabulary is not public, with
// cl100k_base for the GPT-3.5 and GPT-4 generation. A text above MaxCounted or
// one that the tokenizer refuses is estimated.
func Count(model, text string) int64 {
	if text == "" {
		return 0
	}
	if len(text) > MaxCounted {
		return Estimate([]byte(text))
	}
	codec := vocabulary(model)
	if codec == nil {
		return Estimate([]byte(text))
	}
	n, err := codec.Count(text)
	if err != nil {
		return Estimate([]byte(text))
	}
	return int64(n)
}

// CountChat gives the number of tokens of a chat prompt as OpenAI models see
// it: three that frame each message, three that open the answer.
func CountChat(model string, messages []Message) int64 {
	var n int64 = 3
	for _, m := range messages {
		n += 3 + Count(model, m.Role) + Count(model, m.Content)
	}
	return n
}

func vocabulary(model string) tokenizer.Codec {
	if i := strings.LastIndexByte(model, '/'); i >= 0 {
		model = model[i+1:]
	}
	model = strings.TrimPrefix(model, "ft:")
	switch {
	case strings.HasPrefix(model, "gpt-4o"), strings.HasPrefix(model, "gpt-4.1"), strings.HasPrefix(model, "gpt-4.5"):
		return o200k()
	case strings.HasPrefix(model, "gpt-4"), strings.HasPrefix(model, "gpt-3.5"), strings.HasPrefix(model, "gpt-35"),
		strings.HasPrefix(model, "text-embedding-"):
		return cl100()
	}
	return o200k()
}
