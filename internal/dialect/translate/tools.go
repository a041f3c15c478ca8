package translate

import (
	"slices"

	"tollgate/internal/dialect/answer"
)

// noParameters is the schema of a tool that takes nothing, which OpenAI lets callers leave
// out.
const noParameters = `{"type":"object","properties":{}}`

// appendTools appends the tools that the model may use, and whether it must. called are the
// names of those that it has used before.
func (c *completion) appendTools(dst []byte, called [][]byte) ([]byte, error) {
	choice, err := c.choice()
	if err != nil {
		return nil, err
	}
	if kind(c.tools) != 'n' && kind(c.tools) != '[' {
		return nil, invalid("tools", "tools must be a list.")
	}
	if kind(c.tools) == 'n' || empty(c.tools) {
		if choice.demands() {
			return nil, invalid("tool_choice", "tool_choice demands a tool, and there are no tools.")
		}
		return appendCalled(dst, called), nil
	}
	dst = append(dst, `"tools":[`...)
	for i, tool := range elements(c.tools) {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = appendTool(dst, i, tool); err != nil {
			return nil, err
		}
	}
	return choice.append(append(dst, "],"...), string(c.parallel) == "false"), nil
}

// appendTool appends one tool: a function.
func appendTool(dst []byte, i int, tool []byte) ([]byte, error) {
	var function []byte
	for name, v := range members(tool) {
		switch string(name) {
		case "type":
			if answer.String(v) != "function" {
				return nil, refuse("tools", "tools[%d] is no function, and others have no counterpart", i)
			}
		case "function":
			function = v
		}
	}
	var called, description, parameters []byte
	for name, v := range members(function) {
		switch string(name) {
		case "name":
			called = v
		case "description":
			description = v
		case "parameters":
			parameters = v
		}
	}
	if !isString(called) {
		return nil, invalid("tools", "tools[%d].function.name must be a string.", i)
	}
	dst = appendMember(append(dst, '{'), "name", called)
	if answer.Named(description) {
		if !isString(description) {
			return nil, invalid("tools", "tools[%d].function.description must be a string.", i)
		}
		dst = appendMember(dst, "description", description)
	}
	dst = append(dst, `"input_schema":`...)
	switch {
	case !answer.Named(parameters), kind(parameters) == '{' && empty(parameters):
		dst = append(dst, noParameters...)
	case kind(parameters) == '{':
		dst = append(dst, parameters...)
	default:
		return nil, invalid("tools", "tools[%d].function.parameters must be an object.", i)
	}
	return append(dst, '}'), nil
}

// appendCalled declares the tools that are only in the history: Anthropic wants to know
// them, and the model must not use them.
func appendCalled(dst []byte, called [][]byte) []byte {
	if len(called) == 0 {
		return dst
	}
	dst = append(dst, `"tools":[`...)
	for i, name := range called {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, `{"name":`...), name...), `,"input_schema":`...)
		dst = append(append(dst, noParameters...), '}')
	}
	return append(dst, `],"tool_choice":{"type":"none"},`...)
}

// note keeps the name of a tool that was used, once.
func note(called [][]byte, name []byte) [][]byte {
	if slices.ContainsFunc(called, func(c []byte) bool { return string(c) == string(name) }) {
		return called
	}
	return append(called, name)
}

// choice is which tools the model may or must use: Anthropic's word for it, "" if nothing
// is said, and the name of the tool if it is one.
type choice struct {
	kind string
	name []byte
}

// demands tells that a tool must be used.
func (c *choice) demands() bool { return c.kind == "any" || c.kind == "tool" }

func (c *completion) choice() (choice, error) {
	switch kind(c.toolChoice) {
	case 'n':
		return choice{}, nil
	case '"':
		switch answer.String(c.toolChoice) {
		case "auto":
			return choice{kind: "auto"}, nil
		case "none":
			return choice{kind: "none"}, nil
		case "required":
			return choice{kind: "any"}, nil
		}
	case '{':
		name := get(get(c.toolChoice, "function"), "name")
		if answer.String(get(c.toolChoice, "type")) == "function" && isString(name) {
			return choice{kind: "tool", name: name}, nil
		}
	}
	return choice{}, refuse("tool_choice", `tool_choice must be "auto", "none", "required" or one function`)
}

// append appends the choice, and that the model is to use one tool at a time.
func (c *choice) append(dst []byte, single bool) []byte {
	word := c.kind
	if word == "" {
		if !single {
			return dst
		}
		word = "auto"
	}
	dst = append(append(append(dst, `"tool_choice":{"type":"`...), word...), '"')
	if c.name != nil {
		dst = append(append(dst, `,"name":`...), c.name...)
	}
	if single && word != "none" {
		dst = append(dst, `,"disable_parallel_tool_use":true`...)
	}
	return append(dst, "},"...)
}
