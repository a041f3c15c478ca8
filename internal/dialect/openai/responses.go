package openai

import (
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
)

// hosted counts the calls of tools that run at the provider and are billed by
// the piece.
type hosted struct{ web, files, code, images int64 }

// count adds one output item, if it is such a call.
func (h *hosted) count(item []byte) {
	switch string(answer.Get(item, "type")) {
	case `"web_search_call"`:
		h.web++
	case `"file_search_call"`:
		h.files++
	case `"code_interpreter_call"`:
		h.code++
	case `"image_generation_call"`:
		h.images++
	}
}

// responsesMeter reads responses.
type responsesMeter struct {
	answer.State
	figures figures
	named   bool
	tools   hosted
	id      string // of the response
}

func (m *responsesMeter) Reading() dialect.Reading {
	u := m.figures.usage(direct)
	u.WebSearches = max(u.WebSearches, m.tools.web)
	u.FileSearches, u.CodeSessions, u.Images = m.tools.files, m.tools.code, m.tools.images
	r := m.State.Reading(u, m.named, m.Finished)
	r.ID = m.id
	return r
}

// Event reads one event. Its type decides whether anything in it counts.
func (m *responsesMeter) Event(name, data []byte) (carriesUsage bool) {
	if string(data) == "[DONE]" { // not from OpenAI, but from some that imitate it
		m.Finished = true
		return false
	}
	kind, event := name, eventMembers{}
	event.read(data)
	if event.kind != nil {
		kind = event.kind
	}
	switch string(kind) {
	case "response.completed", "response.incomplete", "response.failed", "response.done":
		carriesUsage, _ = m.response(event.response)
		m.Finished = true
		if string(kind) == "response.failed" {
			m.Fail("")
		}
	case "response.output_item.done":
		m.tools.count(event.item)
	case "response.output_text.delta", "response.refusal.delta", "response.reasoning_text.delta",
		"response.reasoning_summary_text.delta", "response.function_call_arguments.delta",
		"response.mcp_call_arguments.delta", "response.custom_tool_call_input.delta",
		"response.code_interpreter_call_code.delta", "response.audio_transcript.delta",
		"response.output_audio_transcript.delta":
		m.Deliver(event.delta)
	case "error":
		m.NoteError(event.err)
		m.Fail(answer.String(event.message))
	default:
		if m.Model == "" && event.response != nil {
			m.NoteModel(answer.Get(event.response, "model"))
			m.id = answer.String(answer.Get(event.response, "id"))
		}
		m.NoteError(event.err)
	}
	return carriesUsage
}

// eventMembers are the members of an event that matter for one type or another.
type eventMembers struct{ kind, response, item, delta, err, message []byte }

func (e *eventMembers) read(data []byte) {
	o := answer.Members(data)
	for {
		name, v, ok := o.Next()
		if !ok {
			return
		}
		switch string(name) {
		case "type":
			e.kind = answer.Inner(v)
		case "response":
			e.response = v
		case "item":
			e.item = v
		case "delta":
			e.delta = v
		case "error":
			e.err = v
		case "message":
			e.message = v
		}
	}
}

// Body reads a whole response.
func (m *responsesMeter) Body(body []byte) {
	_, m.Finished = m.response(body)
	if !m.named {
		m.DeliverAll(answer.Get(body, "output"))
	}
}

// response reads a response object, whole or as the last event of a stream has it.
func (m *responsesMeter) response(object []byte) (carriesUsage, complete bool) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(name) {
		case "usage":
			carriesUsage = m.figures.readUsage(v)
		case "output":
			m.countTools(v)
		default:
			note(&m.State, name, v)
		}
	}
	m.named = m.named || carriesUsage
	return carriesUsage, o.Complete()
}

// countTools replaces what single events told with the whole list, unless that
// is empty.
func (m *responsesMeter) countTools(output []byte) {
	items := answer.Elements(output)
	var all hosted
	n := 0
	for ; ; n++ {
		item, ok := items.Next()
		if !ok {
			break
		}
		all.count(item)
	}
	if n > 0 {
		m.tools = all
	}
}
