package request

import (
	"strings"

	"tollgate/internal/dialect"
	"tollgate/internal/tokens"
)

// Turn is the text of one message: who speaks and what.
type Turn struct {
	Role    string // "" where the format has none
	Content string
}

// Prompt is what a request gives a model to read, as far as it is text.
type Prompt struct {
	Turns []Turn
	// Tokens are the token ids that the caller counted itself, in place of text.
	Tokens int64
}

// Texts gives the text of a request's prompt: messages with their roles, system
// prompts, inputs, documents, and the arguments of tool calls. Images and other
// media are left out. It is made for counting tokens and reads a body that Peek
// accepted; it allocates.
func Texts(op dialect.Operation, body []byte) (Prompt, error) {
	r := newReader(body)
	defer r.release()
	var p Prompt
	err := object(r, func(name []byte) error { return p.read(op, name, r) })
	if err != nil {
		return Prompt{}, refusal(err)
	}
	return p, nil
}

// read reads one top-level member.
func (p *Prompt) read(op dialect.Operation, name []byte, r *reader) error {
	switch role, known := promptMember(op, name); {
	case !known:
		return r.SkipValue()
	case string(name) == "messages", string(name) == "input" && op == dialect.Responses:
		return p.readTurns(r)
	default:
		return p.readPlain(r, role)
	}
}

// Beside is the length, in bytes, of all that a request says beside its prompt: the
// definitions of tools, formats, settings.
func Beside(op dialect.Operation, body []byte, p *Peeked) (n int64) {
	for i := range p.count {
		if m := p.at(i); !m.inPrompt(op, body) {
			n += int64(m.value.End - m.name.Start)
		}
	}
	return n
}

// EstimateBeside estimates the tokens of what a request says beside its prompt and a
// model reads: of objects and lists, which define tools and formats. Settings are
// plain values.
func EstimateBeside(op dialect.Operation, body []byte, p *Peeked) (n int64) {
	for i := range p.count {
		m := p.at(i)
		if c := body[m.value.Start]; (c == '{' || c == '[') && !m.inPrompt(op, body) {
			n += tokens.Estimate(body[m.value.Start:m.value.End])
		}
	}
	return n
}

// inPrompt tells whether the member is part of the prompt.
func (m *member) inPrompt(op dialect.Operation, body []byte) bool {
	name := body[m.name.Start+1 : m.name.End-1]
	if m.escaped {
		name = unquote(body[m.name.Start:m.name.End])
	}
	_, prompt := promptMember(op, name)
	return prompt
}

// promptMember tells whether a member is part of the prompt, and whose part.
func promptMember(op dialect.Operation, name []byte) (role string, known bool) {
	switch op {
	case dialect.Chat:
		return "user", string(name) == "messages"
	case dialect.Messages, dialect.CountTokens:
		if string(name) == "system" {
			return "system", true
		}
		return "user", string(name) == "messages"
	case dialect.Responses:
		if string(name) == "instructions" {
			return "system", true
		}
		return "user", string(name) == "input"
	case dialect.Completions, dialect.Images:
		return "", string(name) == "prompt"
	case dialect.Embeddings, dialect.Moderations, dialect.Speech:
		return "", string(name) == "input"
	case dialect.Rerank:
		return "", string(name) == "query" || string(name) == "documents"
	default:
		return "", false
	}
}

// readTurns reads a list of messages, or a text that stands for one.
func (p *Prompt) readTurns(r *reader) error {
	if r.PeekKind() != '[' {
		return p.readPlain(r, "user")
	}
	return array(r, func() error {
		t, err := readTurn(r)
		p.Turns = append(p.Turns, t)
		return err
	})
}

// readTurn reads one message: what stands in content, and what the model wrote
// elsewhere (tool calls, refusals, reasoning).
func readTurn(r *reader) (Turn, error) {
	var t Turn
	var text strings.Builder
	if r.PeekKind() != '{' {
		err := gather(r, &text)
		return Turn{Role: "user", Content: text.String()}, err
	}
	err := object(r, func(name []byte) error {
		if string(name) != "role" {
			return gatherMember(r, name, &text)
		}
		raw, err := r.ReadValue()
		if err == nil && raw.Kind() == '"' {
			t.Role = string(unquote(raw))
		}
		return err
	})
	t.Content = text.String()
	return t, err
}

// readPlain reads a text, a list of texts, a list of token ids, or a list of
// lists of token ids.
func (p *Prompt) readPlain(r *reader, role string) error {
	switch r.PeekKind() {
	case '[':
		return array(r, func() error { return p.readPlain(r, role) })
	case '0':
		p.Tokens++
		return r.SkipValue()
	default:
		var text strings.Builder
		err := gather(r, &text)
		if err == nil && text.Len() > 0 {
			p.Turns = append(p.Turns, Turn{Role: role, Content: text.String()})
		}
		return err
	}
}

// gather collects the text of a content: a text, a part, or a list of them.
func gather(r *reader, into *strings.Builder) error {
	switch r.PeekKind() {
	case '"':
		raw, err := r.ReadValue()
		if err != nil {
			return err
		}
		if into.Len() > 0 {
			into.WriteByte('\n')
		}
		into.Write(unquote(raw))
		return nil
	case '[':
		return array(r, func() error { return gather(r, into) })
	case '{':
		return object(r, func(name []byte) error { return gatherMember(r, name, into) })
	default:
		return r.SkipValue()
	}
}

// gatherMember collects a member of a message or a part if it holds text that a
// model reads.
func gatherMember(r *reader, name []byte, into *strings.Builder) error {
	switch string(name) {
	case "content", "text", "refusal", "thinking", "arguments", "output", "summary", "tool_calls", "function", "name":
		return gather(r, into)
	case "input": // the arguments of an Anthropic tool call, read as JSON
		raw, err := r.ReadValue()
		if err == nil {
			into.Write(raw)
		}
		return err
	default:
		return r.SkipValue()
	}
}

// object reads an object; each is called before every value and must read it.
// What is no object is skipped.
func object(r *reader, each func(name []byte) error) error {
	if r.PeekKind() != '{' {
		return r.SkipValue()
	}
	if _, err := r.ReadToken(); err != nil {
		return err
	}
	for r.PeekKind() != '}' {
		raw, err := r.ReadValue()
		if err != nil {
			return err
		}
		if err := each(unquote(raw)); err != nil {
			return err
		}
	}
	_, err := r.ReadToken()
	return err
}

// array reads an array; each is called before every element and must read it.
func array(r *reader, each func() error) error {
	if _, err := r.ReadToken(); err != nil {
		return err
	}
	for r.PeekKind() != ']' {
		if err := each(); err != nil {
			return err
		}
	}
	_, err := r.ReadToken()
	return err
}
