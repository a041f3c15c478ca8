package translate

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect/answer"
)

// conversation is the prompt while it is translated. Messages of one side that follow each
// other become one: Anthropic's take turns, and the results of tools are the user's.
type conversation struct {
	out    []byte   // to which messages are appended
	system []byte   // the blocks of the system prompt
	role   string   // of the message that is being written, "" before the first
	called [][]byte // names of the tools that were used, as JSON strings
}

// place is where in the body something stands.
type place struct{ message, part int }

// String gives it as a caller would write it. A message as a whole has the part -1.
func (p place) String() string {
	if p.part < 0 {
		return fmt.Sprintf("messages[%d]", p.message)
	}
	return fmt.Sprintf("messages[%d].content[%d]", p.message, p.part)
}

// read translates the messages.
func (c *conversation) read(messages []byte) error {
	for i, m := range elements(messages) {
		if err := c.message(place{i, -1}, m); err != nil {
			return err
		}
	}
	if c.role == "" {
		return refuse("messages", "messages has nothing to answer beside the system prompt; add a message of the user")
	}
	c.out = append(c.out, "]}"...)
	return nil
}

// block begins a block of a message of one side.
func (c *conversation) block(role string) {
	switch c.role {
	case role:
		c.out = append(c.out, ',')
		return
	case "":
	default:
		c.out = append(c.out, "]},"...)
	}
	c.role = role
	c.out = append(append(append(c.out, `{"role":"`...), role...), `","content":[`...)
}

// message translates one message.
func (c *conversation) message(at place, message []byte) error {
	var role string
	var content, calls, id, refusal []byte
	for name, v := range members(message) {
		switch string(name) {
		case "role":
			role = answer.String(v)
		case "content":
			content = v
		case "tool_calls":
			calls = v
		case "tool_call_id":
			id = v
		case "refusal":
			refusal = v
		case "audio", "function_call":
			if answer.Named(v) {
				return refuse("messages", "%s has the member %s, which has no counterpart", at, name)
			}
		}
	}
	switch role {
	case "system", "developer":
		return eachPart(at, content, func(at place, p part) error { return c.instruct(at, p) })
	case "user":
		return eachPart(at, content, func(at place, p part) error { return c.tell("user", at, p) })
	case "assistant":
		if isString(refusal) {
			c.text("assistant", refusal)
		}
		if err := eachPart(at, content, func(at place, p part) error { return c.tell("assistant", at, p) }); err != nil {
			return err
		}
		return c.calls(at, calls)
	case "tool":
		return c.result(at, id, content)
	case "function":
		return refuse("messages", "%s has the role function, the old form of tool; write tool", at)
	default:
		return invalid("messages", "%s needs a role: system, developer, user, assistant or tool.", at)
	}
}

// instruct adds to the system prompt.
func (c *conversation) instruct(at place, p part) error {
	switch {
	case p.image != nil:
		return refuse("messages", "%s is an image in a system prompt", at)
	case blank(p.text):
		return nil
	case len(c.system) > 0:
		c.system = append(c.system, ',')
	}
	c.system = p.append(c.system)
	return nil
}

// tell adds what one side says.
func (c *conversation) tell(role string, at place, p part) error {
	switch {
	case p.image == nil:
		c.text(role, p.text)
	case role == "assistant":
		return refuse("messages", "%s is an image of the assistant's", at)
	default:
		c.block(role)
		c.out = p.append(c.out)
	}
	return nil
}

// text adds a text, if there is something in it: Anthropic refuses empty ones.
func (c *conversation) text(role string, text []byte) {
	if !blank(text) {
		c.block(role)
		c.out = part{text: text}.append(c.out)
	}
}

// calls adds the tools that the assistant used.
func (c *conversation) calls(at place, calls []byte) error {
	if k := kind(calls); k != 'n' && k != '[' {
		return invalid("messages", "%s.tool_calls must be a list.", at)
	}
	for i, call := range elements(calls) {
		var id, function []byte
		for name, v := range members(call) {
			switch string(name) {
			case "id":
				id = v
			case "function":
				function = v
			case "type":
				if answer.String(v) != "function" {
					return refuse("messages", "%s.tool_calls[%d] is no call of a function", at, i)
				}
			}
		}
		called, arguments := get(function, "name"), get(function, "arguments")
		if !isString(id) || !isString(called) {
			return invalid("messages", "%s.tool_calls[%d] needs an id and function.name.", at, i)
		}
		c.called = note(c.called, called)
		c.block("assistant")
		c.out = appendMember(append(c.out, `{"type":"tool_use",`...), "id", id)
		c.out = appendMember(c.out, "name", called)
		c.out = append(appendArguments(append(c.out, `"input":`...), arguments), '}')
	}
	return nil
}

// appendArguments appends the arguments of a call, which chat completions have as text and
// messages as an object. A model may have written what is none, and the conversation must
// be able to go on about it.
func appendArguments(dst, arguments []byte) []byte {
	if blank(arguments) {
		return append(dst, "{}"...)
	}
	text := answer.AppendUnescaped(nil, answer.Inner(arguments))
	if v := jsontext.Value(text); v.Kind() == '{' && v.IsValid() {
		return append(dst, bytes.TrimSpace(text)...)
	}
	return append(append(append(dst, `{"arguments":`...), arguments...), '}')
}

// result adds what a tool gave.
func (c *conversation) result(at place, id, content []byte) error {
	if !isString(id) {
		return invalid("messages", "%s needs a tool_call_id.", at)
	}
	c.block("user")
	c.out = append(append(c.out, `{"type":"tool_result","tool_use_id":`...), id...)
	begun := false
	err := eachPart(at, content, func(_ place, p part) error {
		switch {
		case p.image == nil && blank(p.text):
			return nil
		case begun:
			c.out = append(c.out, ',')
		default:
			c.out, begun = append(c.out, `,"content":[`...), true
		}
		c.out = p.append(c.out)
		return nil
	})
	if begun {
		c.out = append(c.out, ']')
	}
	c.out = append(c.out, '}')
	return err
}

// part is a piece of a content: a text, as a JSON string, or an image.
type part struct {
	text  []byte
	image *image
}

// image is a picture by its address, or the picture itself in base64 with its type.
type image struct{ url, media, data string }

// append appends it as a block.
func (p part) append(dst []byte) []byte {
	i := p.image
	switch {
	case i == nil:
		return append(append(append(dst, `{"type":"text","text":`...), p.text...), '}')
	case i.url != "":
		return append(appendString(append(dst, `{"type":"image","source":{"type":"url","url":`...), i.url), "}}"...)
	default:
		dst = appendString(append(dst, `{"type":"image","source":{"type":"base64","media_type":`...), i.media)
		return append(appendString(append(dst, `,"data":`...), i.data), "}}"...)
	}
}

// eachPart gives the parts of a content: a text, or a list of parts.
func eachPart(at place, content []byte, each func(at place, p part) error) error {
	switch kind(content) {
	case 'n':
		return nil
	case '"':
		return each(at, part{text: content})
	case '[':
		for i, v := range elements(content) {
			at.part = i
			p, err := readPart(at, v)
			if err == nil {
				err = each(at, p)
			}
			if err != nil {
				return err
			}
		}
		return nil
	default:
		return invalid("messages", "%s.content must be a text or a list of parts.", at)
	}
}

func readPart(at place, v []byte) (part, error) {
	var sort string
	var text, refusal, picture []byte
	for name, v := range members(v) {
		switch string(name) {
		case "type":
			sort = answer.String(v)
		case "text":
			text = v
		case "refusal":
			refusal = v
		case "image_url":
			picture = v
		}
	}
	switch sort {
	case "refusal":
		text = refusal
		fallthrough
	case "text":
		if !isString(text) {
			return part{}, invalid("messages", "%s must have a text.", at)
		}
		return part{text: text}, nil
	case "image_url":
		return readImage(at, get(picture, "url"))
	case "input_audio", "file":
		return part{}, refuse("messages", "%s has the type %s, which has no counterpart", at, sort)
	default:
		return part{}, refuse("messages", "%s must have the type text or image_url", at)
	}
}

// readImage reads the address of an image. One that is no address for others to fetch holds
// the image itself.
func readImage(at place, address []byte) (part, error) {
	url := answer.String(address)
	scheme, rest, _ := strings.Cut(url, ":")
	switch strings.ToLower(scheme) {
	case "http", "https":
		return part{image: &image{url: url}}, nil
	case "data":
		head, data, _ := strings.Cut(rest, ",")
		media, parameters, _ := strings.Cut(head, ";")
		if strings.HasSuffix(strings.ToLower(";"+parameters), ";base64") && media != "" && data != "" {
			return part{image: &image{media: strings.ToLower(media), data: data}}, nil
		}
	}
	return part{}, refuse("messages", "%s.image_url.url must be an address (https:…) or the image itself (data:image/png;base64,…)", at)
}
