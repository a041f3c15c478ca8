// Package openai reads answers in OpenAI's wire formats and in those of the
// many servers that imitate them: chat completions and legacy completions,
// responses, embeddings, images, audio. It looks at what a server wrote, never
// at who it is.
package openai

import (
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
)

// NewMeter gives a meter for the answer to op. For an operation that has no
// usage it reads the model and errors only.
func NewMeter(op dialect.Operation) dialect.Meter {
	switch op {
	case dialect.Chat, dialect.Completions:
		return &chatMeter{}
	case dialect.Responses:
		return &responsesMeter{}
	default:
		return &objectMeter{op: op}
	}
}

// chatMeter reads chat completions and completions.
type chatMeter struct {
	answer.State
	figures figures
	named   bool // usage was reported
	own     bool // and not only in Groq's extension
	final   bool // on what is the last event that carries it

	prefix []byte // of the latest chunk, up to its choices; see start
}

func (m *chatMeter) Reading() dialect.Reading {
	return m.State.Reading(m.figures.usage(chat), m.named, m.final)
}

// Event reads one chunk in a single pass over its bytes.
func (m *chatMeter) Event(name, data []byte) (carriesUsage bool) {
	if len(data) == 0 || data[0] == '[' {
		m.Finished = m.Finished || string(data) == "[DONE]"
		return false
	}
	var chunk struct {
		choices, stopped bool
		extension        []byte
	}
	var text answer.Text
	c := m.start(data)
	for {
		before := c.Offset()
		member, depth, ok := c.Next()
		if !ok {
			break
		}
		if depth > 1 {
			switch string(member) {
			case "finish_reason":
				if c.Kind() == '"' {
					chunk.stopped = true
					if len(c.Value()) > len(`""`) { // some say nothing in every chunk
						m.Stops++
					}
				}
			default:
				text.Read(&m.State, member, &c)
			}
			continue
		}
		switch string(member) {
		case "choices": // entered
			chunk.choices = c.HasElements()
			if before != len(m.prefix) && !carriesUsage && chunk.extension == nil {
				m.prefix = append(m.prefix[:0], data[:before]...)
			}
		case "usage":
			carriesUsage = m.figures.readUsage(c.Value())
		case "x_groq":
			chunk.extension = c.Value()
		case "model":
			m.NoteModel(c.Value())
		case "service_tier":
			m.NoteTier(c.Value())
		case "error":
			m.NoteError(c.Value())
		default:
			c.Value()
		}
	}
	text.Done(&m.State)
	m.own = m.own || carriesUsage
	if !m.own && chunk.extension != nil {
		carriesUsage = m.figures.readUsage(answer.Get(chunk.extension, "usage"))
	}
	if carriesUsage {
		m.named, m.final = true, chunk.stopped || !chunk.choices
	}
	if string(name) == "error" {
		m.Fail("")
	}
	return carriesUsage
}

// start begins to read a chunk. The chunks of one stream repeat identity, time
// and model in front of their choices: what is as it was need not be read again.
func (m *chatMeter) start(data []byte) answer.Cursor {
	if n := len(m.prefix); n > 0 && len(data) > n && string(data[:n]) == string(m.prefix) {
		return answer.VisitFrom(data, n)
	}
	return answer.Visit(data)
}

// Body reads a whole completion.
func (m *chatMeter) Body(body []byte) {
	var choices, extension []byte
	o := answer.Members(body)
	for {
		name, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(name) {
		case "choices":
			choices = v
		case "usage":
			m.own = m.figures.readUsage(v)
		case "x_groq":
			extension = v
		default:
			note(&m.State, name, v)
		}
	}
	m.named = m.own
	if !m.named && extension != nil {
		m.named = m.figures.readUsage(answer.Get(extension, "usage"))
	}
	if !m.named {
		m.DeliverAll(choices)
	}
	m.final, m.Finished = m.named, o.Complete()
}

// note reads the members that all whole answers share.
func note(s *answer.State, name, v []byte) {
	switch string(name) {
	case "model":
		s.NoteModel(v)
	case "service_tier":
		s.NoteTier(v)
	case "error":
		s.NoteError(v)
	case "object": // older vLLM, Mistral: the error is the body
		if string(v) == `"error"` {
			s.Fail("")
		}
	case "message":
		if s.Failed && s.Failure == "" {
			s.Failure = answer.String(v)
		}
	}
}
