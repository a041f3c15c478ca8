package simulated

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

func appendInt(dst []byte, before string, n int64) []byte {
	return strconv.AppendInt(append(dst, before...), n, 10)
}

// completion is a chat completion, or one of the older kind.
type completion struct {
	*call
	chat    bool
	choices int
	usage   bool // in the stream, as the caller asked for it
	// before is all of a chunk in front of the choice's number, behind what
	// stands between that and the word, and after the rest.
	before        []byte
	behind, after string
}

// chat answers a chat completion or an older one, which has an answer for each
// of its prompts.
func (c *call) chat(prompts int) (*provider.Response, error) {
	k := &completion{call: c, chat: c.op == dialect.Chat, choices: int(max(c.peeked.N, 1)), usage: c.peeked.IncludeUsage}
	if !k.chat {
		k.choices *= min(prompts, maxChoices+1)
	}
	if c.peeked.N > maxChoices || k.choices > maxChoices {
		e := fault.New(fault.Invalid, "integer_above_max_value", "The request asks for more than %d answers.", maxChoices)
		e.Param = "n"
		return nil, e
	}
	if c.peeked.Stream {
		k.prepare()
		return c.stream(k), nil
	}
	return c.spoken(k.body())
}

func (k *completion) finish() string {
	if k.text.cut {
		return "length"
	}
	return "stop"
}

// appendOpening appends what every object of a completion begins with.
func (k *completion) appendOpening(dst []byte, chunk bool) []byte {
	prefix, object := "chatcmpl-", "chat.completion"
	switch {
	case !k.chat:
		prefix, object = "cmpl-", "text_completion"
	case chunk:
		object = "chat.completion.chunk"
	}
	dst = k.appendID(append(dst, `{"id":"`...), prefix)
	dst = append(append(append(dst, `","object":"`...), object...), `","created":`...)
	dst = strconv.AppendInt(dst, k.settings.Now().Unix(), 10)
	dst = appendString(append(dst, `,"model":`...), k.peeked.Model)
	return append(dst, `,"system_fingerprint":"fp_simulated"`...)
}

func (k *completion) appendUsage(dst []byte) []byte {
	output := int64(k.text.n * k.choices)
	dst = appendInt(dst, `"usage":{"prompt_tokens":`, k.input)
	dst = appendInt(dst, `,"completion_tokens":`, output)
	dst = appendInt(dst, `,"total_tokens":`, k.input+output)
	if k.chat {
		dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}`...)
	}
	return append(dst, '}')
}

// body makes the whole answer.
func (k *completion) body() []byte {
	dst := make([]byte, 0, 512+k.choices*(128+8*k.text.n))
	dst = append(k.appendOpening(dst, false), `,"choices":[`...)
	for i := range k.choices {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendInt(dst, `{"index":`, int64(i))
		if k.chat {
			dst = k.text.appendAll(append(dst, `,"message":{"role":"assistant","content":"`...))
			dst = append(dst, `","refusal":null}`...)
		} else {
			dst = k.text.appendAll(append(dst, `,"text":"`...))
			dst = append(dst, '"')
		}
		dst = append(append(dst, `,"logprobs":null,"finish_reason":"`...), k.finish()...)
		dst = append(dst, `"}`...)
	}
	return append(k.appendUsage(append(dst, `],`...)), '}')
}

// prepare makes what all chunks have in common.
func (k *completion) prepare() {
	const opening = 192 // bytes, about
	k.before = k.appendOpening(append(make([]byte, 0, opening+len(k.peeked.Model)), "data: "...), true)
	k.before = append(k.before, `,"choices":[{"index":`...)
	switch {
	case k.chat && k.usage:
		k.behind, k.after = `,"delta":{"content":"`, `"},"logprobs":null,"finish_reason":null}],"usage":null}`+"\n\n"
	case k.chat:
		k.behind, k.after = `,"delta":{"content":"`, `"},"logprobs":null,"finish_reason":null}]}`+"\n\n"
	case k.usage:
		k.behind, k.after = `,"text":"`, `","logprobs":null,"finish_reason":null}],"usage":null}`+"\n\n"
	default:
		k.behind, k.after = `,"text":"`, `","logprobs":null,"finish_reason":null}]}`+"\n\n"
	}
}

func (k *completion) endChunk(dst []byte) []byte {
	if k.usage {
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

func (k *completion) head(dst []byte) []byte {
	if !k.chat {
		return dst
	}
	for i := range k.choices {
		dst = strconv.AppendInt(append(dst, k.before...), int64(i), 10)
		dst = append(dst, `,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]`...)
		dst = k.endChunk(dst)
	}
	return dst
}

func (k *completion) token(dst []byte, i int) []byte {
	for choice := range k.choices {
		dst = strconv.AppendInt(append(dst, k.before...), int64(choice), 10)
		dst = k.text.appendWord(append(dst, k.behind...), i)
		dst = append(dst, k.after...)
	}
	return dst
}

func (k *completion) tail(dst []byte) []byte {
	for i := range k.choices {
		dst = strconv.AppendInt(append(dst, k.before...), int64(i), 10)
		if k.chat {
			dst = append(dst, `,"delta":{}`...)
		} else {
			dst = append(dst, `,"text":""`...)
		}
		dst = append(append(dst, `,"logprobs":null,"finish_reason":"`...), k.finish()...)
		dst = k.endChunk(append(dst, `"}]`...))
	}
	if k.usage {
		dst = k.appendOpening(append(dst, "data: "...), true)
		dst = k.appendUsage(append(dst, `,"choices":[],`...))
		dst = append(dst, "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}
