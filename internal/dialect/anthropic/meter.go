// Package anthropic reads answers in Anthropic's messages format, whatever
// service they come from.
package anthropic

import (
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
)

// NewMeter gives a meter for the answer to a messages request.
func NewMeter() dialect.Meter { return &meter{} }

// meter reads messages.
type meter struct {
	answer.State
	figures figures
	parts   iterations
	geo     string
	speed   string
	named   bool
	final   bool // the figures are those of the end of a stream, not of its start
	// searches are those whose results were seen: their number is reported at the end only.
	searches int64
}

func (m *meter) Reading() dialect.Reading {
	u := m.figures.usage()
	m.parts.apply(&u)
	u.Geo, u.Speed = m.geo, m.speed
	if !m.final {
		u.WebSearches = max(u.WebSearches, m.searches)
	}
	return m.State.Reading(u, m.named, m.final)
}

// Event reads one event. The type in the data decides; its name is only a copy.
func (m *meter) Event(name, data []byte) (carriesUsage bool) {
	kind := name
	var message, block, delta, figures, failure []byte
	o := answer.Members(data)
	for {
		member, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(member) {
		case "type":
			kind = answer.Inner(v)
		case "message":
			message = v
		case "content_block":
			block = v
		case "delta":
			delta = v
		case "usage":
			figures = v
		case "error":
			failure = v
		}
	}
	switch string(kind) {
	case "content_block_delta":
		m.deliver(delta)
	case "content_block_start":
		if string(answer.Get(block, "type")) == `"web_search_tool_result"` {
			m.searches++
		}
	case "message_start":
		carriesUsage, _ = m.message(message)
	case "message_stop":
		m.Finished = true
	case "error":
		m.NoteError(failure)
		m.Fail("")
	}
	if figures != nil && m.readUsage(figures) {
		carriesUsage, m.final, m.Stops = true, true, 1
	}
	return carriesUsage
}

// deliver adds what one delta has of text, thinking or tool arguments.
func (m *meter) deliver(delta []byte) {
	o := answer.Members(delta)
	for {
		name, v, ok := o.Next()
		if !ok {
			return
		}
		switch string(name) {
		case "text", "thinking", "partial_json":
			m.Deliver(v)
		}
	}
}

// Body reads a whole message.
func (m *meter) Body(body []byte) {
	_, m.Finished = m.message(body)
	m.final = m.named
	if !m.named {
		m.DeliverAll(answer.Get(body, "content"))
	}
}

// message reads a message object: a whole answer, or the start of a stream.
func (m *meter) message(object []byte) (carriesUsage, complete bool) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(name) {
		case "model":
			m.NoteModel(v)
		case "usage":
			carriesUsage = m.readUsage(v)
		case "error":
			m.NoteError(v)
		}
	}
	return carriesUsage, o.Complete()
}

// readUsage overwrites the figures that a raw usage object names.
func (m *meter) readUsage(object []byte) (named bool) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			m.named = m.named || named
			return named
		}
		if !answer.Named(v) {
			continue
		}
		switch string(name) {
		case "service_tier":
			m.NoteTier(v)
		case "inference_geo":
			m.geo = answer.String(v)
		case "speed":
			m.speed = answer.String(v)
		case "iterations":
			m.parts.read(v)
		default:
			named = m.figures.read(name, v) || named
		}
	}
}
