package request

import (
	"bytes"
	"strings"

	"tollgate/internal/dialect"
)

// PrependMessages puts messages, each the JSON text of an object with role and
// content, in front of those of the caller. In the Anthropic dialect those whose
// role is system or developer go into the member system. Operations without
// messages stay as they are.
func (e *Edits) PrependMessages(messages []string) { e.addMessages(messages, true) }

// AppendMessages puts messages behind those of the caller; see PrependMessages.
func (e *Edits) AppendMessages(messages []string) { e.addMessages(messages, false) }

func (e *Edits) addMessages(messages []string, front bool) {
	if len(messages) == 0 {
		return
	}
	switch e.op {
	case dialect.Chat:
		e.extend("messages", messages, front)
	case dialect.Responses:
		e.addInput(messages, front)
	case dialect.Messages, dialect.CountTokens:
		var turns, system []string
		for _, m := range messages {
			if role, text := parseMessage([]byte(m)); role == "system" || role == "developer" {
				system = append(system, text)
			} else {
				turns = append(turns, m)
			}
		}
		if len(turns) > 0 {
			e.extend("messages", turns, front)
		}
		if len(system) > 0 {
			e.addSystem(strings.Join(system, "\n\n"), front)
		}
	default:
	}
}

// extend puts elements into an array, at its front or its end. A member that is
// no array becomes one.
func (e *Edits) extend(name string, elements []string, front bool) {
	text := strings.Join(elements, ",")
	value, ok := e.value(name)
	if !ok || len(value) < 2 || value[0] != '[' {
		e.put(name, "["+text+"]", false)
		return
	}
	end := len(value) - 1
	if len(bytes.TrimSpace(value[1:end])) > 0 || e.inner(name) {
		if front {
			text += ","
		} else {
			text = "," + text
		}
	}
	if front {
		e.within(name, Span{1, 1}, text, true)
	} else {
		e.within(name, Span{end, end}, text, false)
	}
}

// addInput adds to the input of a response, which may be a text: the short form
// of one message of the user.
func (e *Edits) addInput(messages []string, front bool) {
	if value, ok := e.value("input"); ok && len(value) > 0 && value[0] == '"' {
		e.put("input", `[{"role":"user","content":`+string(value)+"}]", false)
	}
	e.extend("input", messages, front)
}

// addSystem adds to Anthropic's system prompt, which is a text or a list of blocks.
func (e *Edits) addSystem(text string, front bool) {
	value, ok := e.value("system")
	switch {
	case ok && len(value) > 0 && value[0] == '[':
		block := appendString([]byte(`{"type":"text","text":`), text)
		e.extend("system", []string{string(append(block, '}'))}, front)
		return
	case ok && len(value) > 0 && value[0] == '"':
		if front {
			text += "\n\n" + string(unquote(value))
		} else {
			text = string(unquote(value)) + "\n\n" + text
		}
	}
	e.put("system", string(appendString(nil, text)), false)
}

// parseMessage gives the role of a message and the text of its content.
func parseMessage(message []byte) (role, text string) {
	r := newReader(message)
	defer r.release()
	t, err := readTurn(r)
	if err != nil {
		return "", ""
	}
	return t.Role, t.Content
}
