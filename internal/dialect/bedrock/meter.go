// Package bedrock reads answers of Amazon Bedrock: its converse format, its
// binary event stream, and the figures that its invoke operations put beside the
// native answer of a model.
package bedrock

import (
	"encoding/base64"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// NewMeter gives a meter for answers of Bedrock. Native reads what an invoke
// operation answers in the format of the model's maker; nil leaves it unread.
func NewMeter(native dialect.Meter) dialect.Meter { return &meter{native: native} }

type meter struct {
	answer.State
	native  dialect.Meter
	figures figures // of converse, or of Amazon's own and other native formats
	named   bool
	metrics figures // amazon-bedrock-invocationMetrics, a second best
	counted bool    // there were such metrics
	chunk   []byte  // one native event, decoded; reused
}

// Reading prefers what the model's own format says over what Bedrock counted.
func (m *meter) Reading() dialect.Reading {
	if m.native != nil {
		r := m.native.Reading()
		if r.Usage.Source != usage.Absent && !m.named {
			r.Failed = r.Failed || m.Failed
			if r.Failure == "" {
				r.Failure = m.Failure
			}
			r.Finished = r.Finished || m.Finished
			return r
		}
		if m.Model == "" {
			m.Model = r.Model
		}
		own := m.read()
		own.DeliveredTokens = max(own.DeliveredTokens, r.DeliveredTokens)
		own.Failed = own.Failed || r.Failed
		if own.Failure == "" {
			own.Failure = r.Failure
		}
		own.Finished = own.Finished || r.Finished
		return own
	}
	return m.read()
}

// Stopped tells what either of the two formats says.
func (m *meter) Stopped() int64 {
	if m.native != nil {
		return max(m.State.Stopped(), m.native.Stopped())
	}
	return m.State.Stopped()
}

func (m *meter) read() dialect.Reading {
	if !m.named && m.counted {
		return m.State.Reading(m.metrics.usage(), true, true)
	}
	return m.State.Reading(m.figures.usage(), m.named, m.named)
}

// Event reads one frame, whose name is its event or exception type, or one
// member of a stream written as JSON, in which the type is the only member.
func (m *meter) Event(name, data []byte) (carriesUsage bool) {
	switch string(name) {
	case "":
		o := answer.Members(data)
		kind, v, ok := o.Next()
		switch {
		case !ok:
			return false
		case string(kind) == "bytes" || string(kind) == "p":
			return m.Event([]byte("chunk"), data)
		}
		return m.event(kind, v)
	case "chunk":
		return m.invocation(answer.Inner(answer.Get(data, "bytes")))
	}
	return m.event(name, data)
}

func (m *meter) event(name, data []byte) (carriesUsage bool) {
	switch string(name) {
	case "contentBlockDelta":
		m.DeliverAll(answer.Get(data, "delta"))
	case "metadata": // comes after messageStop
		carriesUsage = m.readUsage(answer.Get(data, "usage"))
		m.Finished = true
	case "messageStop":
		m.Stops = 1
	case "messageStart", "contentBlockStart", "contentBlockStop":
	default:
		if exception(name) {
			m.Fail(message(data))
		}
	}
	return carriesUsage
}

// exception tells the names of Bedrock's exceptions, in either spelling.
func exception(name []byte) bool {
	const suffix = "xception"
	return len(name) > len(suffix) && string(name[len(name)-len(suffix):]) == suffix
}

func message(data []byte) string {
	if m := answer.Get(data, "message"); m != nil {
		return answer.String(m)
	}
	return answer.String(answer.Get(data, "Message"))
}

// invocation reads one native event out of its base64.
func (m *meter) invocation(encoded []byte) (carriesUsage bool) {
	chunk, err := base64.StdEncoding.AppendDecode(m.chunk[:0], encoded)
	if err != nil {
		return false
	}
	m.chunk = chunk
	carriesUsage = m.object(chunk)
	if m.native != nil && m.native.Event(nil, chunk) {
		carriesUsage = true
	}
	return carriesUsage
}

// Body reads a whole answer, of converse or of invoke.
func (m *meter) Body(body []byte) {
	m.object(body)
	o := answer.Members(body)
	for _, _, ok := o.Next(); ok; _, _, ok = o.Next() {
	}
	m.Finished = o.Complete()
	if !m.named {
		m.DeliverAll(answer.Get(body, "output"))
		if m.native != nil {
			m.native.Body(body)
		}
	}
}

// object reads an answer of converse or a native one, as far as the format is
// Amazon's own or has no meter.
func (m *meter) object(data []byte) (carriesUsage bool) {
	o := answer.Members(data)
	for {
		name, v, ok := o.Next()
		if !ok {
			m.named = m.named || carriesUsage
			return carriesUsage
		}
		switch string(name) {
		case "usage":
			carriesUsage = m.readUsage(v) || carriesUsage
		case "metadata": // Nova's stream
			carriesUsage = m.readUsage(answer.Get(v, "usage")) || carriesUsage
		case "amazon-bedrock-invocationMetrics":
			m.counted = m.metrics.readAll(v) || m.counted
			m.Finished = true
		case "results": // Titan's text
			a := answer.Elements(v)
			for {
				result, ok := a.Next()
				if !ok {
					break
				}
				carriesUsage = m.figures.output.Read(answer.Get(result, "tokenCount")) || carriesUsage
			}
		case "inputTextTokenCount", "totalOutputTextTokenCount", "prompt_token_count", "generation_token_count":
			carriesUsage = m.figures.read(name, v) || carriesUsage
		}
	}
}

func (m *meter) readUsage(object []byte) bool {
	named := m.figures.readAll(object)
	m.named = m.named || named
	return named
}
