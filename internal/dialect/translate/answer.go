package translate

import (
	"strconv"

	"tollgate/internal/dialect/answer"
	"tollgate/internal/fault"
	"tollgate/internal/usage"
)

// Options are what an answer says beside what the provider does.
type Options struct {
	ID      string // of an answer to which the provider gave none
	Created int64  // seconds since 1970
	// IncludeUsage ends a stream with its usage.
	IncludeUsage bool
}

// Answer appends the chat completion that a message is, with the usage that its meter has
// read. An error in the place of a message is returned as a *fault.Error, and so is what is
// none of both.
func Answer(dst, message []byte, u *usage.Usage, o Options) ([]byte, error) {
	if !isValid(message) {
		return dst, garbage()
	}
	m := whole{id: appendString(nil, o.ID), model: []byte(`""`)}
	for name, v := range members(message) {
		m.read(name, v)
	}
	switch {
	case m.failed:
		return dst, failure(0, message)
	case kind(m.content) != '[':
		return dst, garbage()
	}
	return m.append(dst, u, o), nil
}

// garbage is the error for an answer that is none.
func garbage() *fault.Error {
	return &fault.Error{Kind: fault.Upstream, Code: "upstream_garbage", Reason: "UpstreamFailure",
		Message: "The provider's answer is not the message that it should be."}
}

// whole is a message as far as it is translated: the values of its members.
type whole struct {
	id, model, content, reason, explanation []byte
	failed                                  bool
}

func (m *whole) read(name, v []byte) {
	switch string(name) {
	case "type":
		m.failed = string(v) == `"error"`
	case "id":
		if isString(v) {
			m.id = v
		}
	case "model":
		if isString(v) {
			m.model = v
		}
	case "content":
		m.content = v
	case "stop_reason":
		m.reason = v
	case "stop_details":
		m.explanation = get(v, "explanation")
	}
}

func (m *whole) append(dst []byte, u *usage.Usage, o Options) []byte {
	dst = append(append(dst, `{"id":`...), m.id...)
	dst = append(dst, `,"object":"chat.completion","created":`...)
	dst = strconv.AppendInt(dst, o.Created, 10)
	dst = append(append(dst, `,"model":`...), m.model...)
	dst = append(dst, `,"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	dst = m.appendText(dst)
	dst = append(dst, `,"refusal":`...)
	if isString(m.explanation) {
		dst = append(dst, m.explanation...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(m.appendCalls(dst), `},"logprobs":null,"finish_reason":"`...)
	dst = append(append(dst, finish(m.reason)...), `"}]`...)
	if u.Source != usage.Absent {
		dst = appendUsage(append(dst, `,"usage":`...), u)
	}
	return append(dst, '}')
}

// blocks gives the blocks of the content that have a type.
func (m *whole) blocks(sort string, each func(block []byte)) {
	for _, b := range elements(m.content) {
		if answer.String(get(b, "type")) == sort {
			each(b)
		}
	}
}

// appendText appends all texts as one, null where there are tools or a refusal instead.
func (m *whole) appendText(dst []byte) []byte {
	begin, some := len(dst), isString(m.explanation)
	dst = append(dst, '"')
	m.blocks("text", func(b []byte) { dst = append(dst, answer.Inner(get(b, "text"))...) })
	m.blocks("tool_use", func([]byte) { some = true })
	if some && len(dst) == begin+1 {
		return append(dst[:begin], "null"...)
	}
	return append(dst, '"')
}

// appendCalls appends the member of the tools that are to be used, if there are any.
func (m *whole) appendCalls(dst []byte) []byte {
	begun := false
	m.blocks("tool_use", func(b []byte) {
		if begun {
			dst = append(dst, ',')
		} else {
			dst, begun = append(dst, `,"tool_calls":[`...), true
		}
		dst = appendCall(append(dst, '{'), get(b, "id"), get(b, "name"))
		dst = append(appendString(dst, arguments(get(b, "input"))), "}}"...)
	})
	if begun {
		dst = append(dst, ']')
	}
	return dst
}

// appendCall appends the members of a call up to the text of its arguments.
func appendCall(dst, id, name []byte) []byte {
	for _, m := range [...]struct {
		before string
		value  []byte
	}{{`"id":`, id}, {`,"type":"function","function":{"name":`, name}} {
		dst = append(dst, m.before...)
		if isString(m.value) {
			dst = append(dst, m.value...)
		} else {
			dst = append(dst, `""`...)
		}
	}
	return append(dst, `,"arguments":`...)
}

// arguments gives the text of a call's arguments; one without any has an empty object.
func arguments(input []byte) []byte {
	if !answer.Named(input) {
		return []byte("{}")
	}
	return input
}

// finish gives the reason why an answer ended, in OpenAI's words.
func finish(reason []byte) string {
	switch answer.String(reason) {
	case "max_tokens", "model_context_window_exceeded":
		return "length"
	case "tool_use":
		return "tool_calls"
	case "refusal":
		return "content_filter"
	default: // end_turn, stop_sequence, pause_turn, and whatever comes next
		return "stop"
	}
}

// appendUsage appends usage in OpenAI's form, in which the prompt includes what the cache
// read and wrote.
func appendUsage(dst []byte, u *usage.Usage) []byte {
	figure := func(before string, n int64) { dst = strconv.AppendInt(append(dst, before...), n, 10) }
	figure(`{"prompt_tokens":`, u.Input())
	figure(`,"completion_tokens":`, u.Output())
	figure(`,"total_tokens":`, u.Input()+u.Output())
	figure(`,"prompt_tokens_details":{"cached_tokens":`, u.CacheRead)
	figure(`},"completion_tokens_details":{"reasoning_tokens":`, u.OutputReasoning)
	return append(dst, "}}"...)
}
