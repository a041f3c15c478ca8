package translate

import (
	"strconv"

	"tollgate/internal/dialect/answer"
)

// DefaultMaxTokens bounds the output of a request that has no bound: messages must have
// one, and this is what every model can write.
const DefaultMaxTokens = 4096

// Body is a request in the dialect of messages.
type Body struct {
	// MaxTokens is the bound of its output; Assumed tells that it is DefaultMaxTokens
	// because the caller set none.
	MaxTokens int64
	Assumed   bool
	text      []byte // all but the bound, which stands last so that another can be written
}

// Bounded gives the body with another bound of its output, or with its own if n is 0. It
// is valid until the next call.
func (b *Body) Bounded(n int64) []byte {
	if n == 0 {
		n = b.MaxTokens
	}
	return append(strconv.AppendInt(append(b.text, `"max_tokens":`...), n, 10), '}')
}

// completion is a chat completion as far as it is translated: the values of its members.
type completion struct {
	model, messages, tools, toolChoice, parallel []byte
	temperature, topP, stop, stream, format      []byte
	user, safety                                 []byte
	bound                                        int64
}

// Request turns the body of a chat completion into one of messages. It is written into
// dst, whose content goes. The error is a *fault.Error, which names the member at fault.
func Request(dst, body []byte) (Body, error) {
	var c completion
	for name, v := range members(body) {
		if err := c.read(name, v); err != nil {
			return Body{}, err
		}
	}
	dst = append(dst[:0], '{')
	if c.model != nil {
		dst = appendMember(dst, "model", c.model)
	}
	t := conversation{out: append(dst, `"messages":[`...)}
	if err := t.read(c.messages); err != nil {
		return Body{}, err
	}
	dst = append(t.out, "],"...)
	if len(t.system) > 0 {
		dst = append(append(append(dst, `"system":[`...), t.system...), "],"...)
	}
	dst, err := c.appendTools(dst, t.called)
	if err != nil {
		return Body{}, err
	}
	if dst, err = c.appendSettings(dst); err != nil {
		return Body{}, err
	}
	b := Body{MaxTokens: c.bound, text: dst}
	if b.MaxTokens == 0 {
		b.MaxTokens, b.Assumed = DefaultMaxTokens, true
	}
	return b, nil
}

// read keeps a member that is translated, and refuses one that cannot be. All others are
// left out.
func (c *completion) read(name, v []byte) error {
	if !answer.Named(v) {
		return nil
	}
	switch string(name) {
	case "model":
		c.model = v
	case "messages":
		c.messages = v
	case "tools":
		c.tools = v
	case "tool_choice":
		c.toolChoice = v
	case "parallel_tool_calls":
		c.parallel = v
	case "max_tokens", "max_completion_tokens": // of two the larger, as Peek has it
		n, _ := answer.Int(v)
		c.bound = max(c.bound, n)
	case "temperature":
		c.temperature = v
	case "top_p":
		c.topP = v
	case "stop":
		c.stop = v
	case "stream":
		c.stream = v
	case "response_format":
		c.format = v
	case "user":
		c.user = v
	case "safety_identifier":
		c.safety = v
	default:
		if r, ok := refusals[string(name)]; ok && !r.harmless(v) {
			return refuse(string(name), "%s", r.why)
		}
	}
	return nil
}

// appendSettings appends all that is neither prompt nor tools.
func (c *completion) appendSettings(dst []byte) ([]byte, error) {
	for _, m := range [...]struct {
		name  string
		value []byte
	}{{"temperature", c.temperature}, {"top_p", c.topP}} {
		switch {
		case m.value == nil:
		case !isNumber(m.value):
			return nil, invalid(m.name, "%s must be a number.", m.name)
		case m.name == "temperature" && aboveOne(m.value):
			dst = append(dst, `"temperature":1,`...)
		default:
			dst = appendMember(dst, m.name, m.value)
		}
	}
	dst, err := c.appendStop(dst)
	if err != nil {
		return nil, err
	}
	if string(c.stream) == "true" {
		dst = append(dst, `"stream":true,`...)
	}
	user := c.user
	if user == nil {
		user = c.safety
	}
	if user != nil {
		if !isString(user) {
			return nil, invalid("user", "user must be a string.")
		}
		dst = append(append(append(dst, `"metadata":{"user_id":`...), user...), "},"...)
	}
	return c.appendFormat(dst)
}

// aboveOne tells temperatures that OpenAI has and Anthropic has not: its range ends at 1.
func aboveOne(number []byte) bool {
	f, _ := strconv.ParseFloat(string(number), 64) // what is out of range is infinite
	return f > 1
}

// appendStop appends the texts that end an answer.
func (c *completion) appendStop(dst []byte) ([]byte, error) {
	texts := [][]byte{c.stop}
	switch kind(c.stop) {
	case 'n':
		return dst, nil
	case '[':
		texts = texts[:0]
		for _, v := range elements(c.stop) {
			texts = append(texts, v)
		}
	}
	if len(texts) == 0 {
		return dst, nil
	}
	dst = append(dst, `"stop_sequences":[`...)
	for i, v := range texts {
		switch {
		case !isString(v):
			return nil, invalid("stop", "stop must be a string or a list of strings.")
		case blank(v):
			return nil, refuse("stop", "stop has a text of white space alone, at which Anthropic does not end")
		case i > 0:
			dst = append(dst, ',')
		}
		dst = append(dst, v...)
	}
	return append(dst, "],"...), nil
}

// appendFormat appends the schema that the answer is to have.
func (c *completion) appendFormat(dst []byte) ([]byte, error) {
	if c.format == nil {
		return dst, nil
	}
	switch answer.String(get(c.format, "type")) {
	case "text":
		return dst, nil
	case "json_schema":
		schema := get(get(c.format, "json_schema"), "schema")
		if kind(schema) != '{' {
			return nil, invalid("response_format", "response_format of the type json_schema needs json_schema.schema, an object.")
		}
		dst = append(append(dst, `"output_config":{"format":{"type":"json_schema","schema":`...), schema...)
		return append(dst, "}},"...), nil
	case "json_object":
		return nil, refuse("response_format", "response_format of the type json_object has no counterpart; give a schema with the type json_schema")
	default:
		return nil, refuse("response_format", "response_format must have the type text or json_schema")
	}
}
