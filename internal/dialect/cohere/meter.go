// Package cohere reads answers in Cohere's formats: chat, embed and rerank, the
// last as other rerank services imitate it.
package cohere

import (
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// NewMeter gives a meter for answers in Cohere's formats.
func NewMeter() dialect.Meter { return &meter{} }

type meter struct {
	answer.State
	figures figures
	named   bool
}

// figures are the usage and meta objects as they stand on the wire. The tokens
// include what came from a cache; what is billed may be less.
type figures struct {
	input, output, cached     answer.Count
	billedInput, billedOutput answer.Count
	searchUnits, images       answer.Count
	prompt, completion, total answer.Count // rerank services other than Cohere
}

func (m *meter) Reading() dialect.Reading {
	return m.State.Reading(m.figures.usage(), m.named, m.named)
}

func (f *figures) usage() (u usage.Usage) {
	input := answer.First(f.input, f.billedInput, f.prompt, f.total)
	output := answer.First(f.output, f.billedOutput, f.completion)
	u.SplitInput(input.N, f.cached.N, 0, 0)
	u.OutputText = output.N
	u.BilledInput, u.BilledOutput = f.billedInput.N, f.billedOutput.N
	u.HasBilled = f.billedInput.Named || f.billedOutput.Named
	u.RerankUnits, u.Images = f.searchUnits.N, f.images.N
	u.Report(usage.CacheRead, f.cached.Named)
	return u
}

// Event reads one event of a chat. Its last one is message-end.
func (m *meter) Event(name, data []byte) (carriesUsage bool) {
	kind := name
	var delta []byte
	o := answer.Members(data)
	for {
		member, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(member) {
		case "type":
			kind = answer.Inner(v)
		case "delta":
			delta = v
		default:
			m.note(member, v)
		}
	}
	switch string(kind) {
	case "content-delta", "tool-plan-delta", "tool-call-start", "tool-call-delta":
		m.DeliverAll(delta)
	case "message-end":
		m.Finished = true
		carriesUsage = m.readUsage(answer.Get(delta, "usage"))
		m.NoteError(answer.Get(delta, "error"))
		if string(answer.Get(delta, "finish_reason")) == `"ERROR"` {
			m.Fail("")
		}
	}
	return carriesUsage
}

// Body reads a whole answer.
func (m *meter) Body(body []byte) {
	var message []byte
	o := answer.Members(body)
	for {
		name, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(name) {
		case "usage", "meta":
			m.readUsage(v)
		case "message":
			message = v
		default:
			m.note(name, v)
		}
	}
	m.Finished = o.Complete()
	if answer.Inner(message) != nil { // an error; the message of a chat is an object
		m.Fail(answer.String(message))
	}
	if !m.named {
		m.DeliverAll(message)
	}
}

func (m *meter) note(name, v []byte) {
	switch string(name) {
	case "model":
		m.NoteModel(v)
	case "error":
		m.NoteError(v)
	}
}

// readUsage overwrites the figures that a usage or meta object names.
func (m *meter) readUsage(object []byte) (named bool) {
	f := &m.figures
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			m.named = m.named || named
			return named
		}
		switch string(name) {
		case "tokens":
			named = f.input.Read(answer.Get(v, "input_tokens")) || named
			named = f.output.Read(answer.Get(v, "output_tokens")) || named
		case "billed_units":
			named = f.billedInput.Read(answer.Get(v, "input_tokens")) || named
			named = f.billedOutput.Read(answer.Get(v, "output_tokens")) || named
			named = f.searchUnits.Read(answer.Get(v, "search_units")) || named
			named = f.images.Read(answer.Get(v, "images")) || named
		case "cached_tokens":
			f.cached.Read(v)
		case "search_units":
			named = f.searchUnits.Read(v) || named
		case "prompt_tokens":
			named = f.prompt.Read(v) || named
		case "completion_tokens":
			named = f.completion.Read(v) || named
		case "total_tokens":
			named = f.total.Read(v) || named
		}
	}
}
