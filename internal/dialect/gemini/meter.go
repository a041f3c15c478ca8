// Package gemini reads answers in Google's generateContent format and its
// relatives: the live API, embedContent, and predictions of embeddings on Vertex.
package gemini

import (
	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// NewMeter gives a meter for answers in Google's formats.
func NewMeter() dialect.Meter { return &meter{} }

type meter struct {
	answer.State
	figures    figures
	named      bool
	prediction answer.Count // tokens of embeddings
	characters int64
}

func (m *meter) Reading() dialect.Reading {
	u := m.figures.usage()
	if m.prediction.Named && !m.named {
		u.InputUncached = m.prediction.N
	}
	u.Characters = m.characters
	return m.State.Reading(u, m.named || m.prediction.Named, m.prediction.Named)
}

// Event reads one chunk. There is no last event: a reason to finish, or to
// refuse, is the last word.
func (m *meter) Event(_, data []byte) (carriesUsage bool) {
	carriesUsage, _ = m.object(data, true)
	return carriesUsage
}

// Body reads a whole answer: an object, or the array of chunks that a stream
// is without server-sent events.
func (m *meter) Body(body []byte) {
	a := answer.Elements(body)
	chunks := false
	for {
		chunk, ok := a.Next()
		if !ok {
			break
		}
		chunks = true
		m.object(chunk, true)
	}
	if chunks {
		m.Finished = m.Finished && a.Complete()
		return
	}
	_, complete := m.object(body, false)
	m.Finished = complete
	if !m.named {
		m.DeliverAll(answer.Get(body, "candidates"))
	}
}

func (m *meter) object(data []byte, chunk bool) (carriesUsage, complete bool) {
	o := answer.Members(data)
	for {
		name, v, ok := o.Next()
		if !ok {
			return carriesUsage, o.Complete()
		}
		switch string(name) {
		case "usageMetadata":
			carriesUsage = m.readUsage(v)
		case "modelVersion":
			m.NoteModel(v)
		case "candidates":
			m.candidates(v, chunk)
		case "serverContent": // live API
			if chunk {
				m.DeliverAll(v)
			}
			m.Finished = string(answer.Get(v, "turnComplete")) == "true"
		case "promptFeedback":
			m.Finished = m.Finished || answer.Named(answer.Get(v, "blockReason"))
		case "error":
			m.NoteError(v)
		case "predictions":
			m.predictions(v)
		case "metadata":
			if n, ok := answer.Int(answer.Get(v, "billableCharacterCount")); ok {
				m.characters = n
			}
		}
	}
}

// candidates looks for the end and, in a stream, for text.
func (m *meter) candidates(list []byte, chunk bool) {
	if chunk {
		m.DeliverAll(list)
	}
	a := answer.Elements(list)
	for {
		candidate, ok := a.Next()
		if !ok {
			return
		}
		if answer.Named(answer.Get(candidate, "finishReason")) {
			m.Finished = true
		}
	}
}

func (m *meter) readUsage(object []byte) (named bool) {
	o := answer.Members(object)
	for {
		name, v, ok := o.Next()
		if !ok {
			m.named = m.named || named
			return named
		}
		switch string(name) {
		case "trafficType":
			if m.Tier == "" {
				m.NoteTier(v)
			}
		case "serviceTier":
			m.NoteTier(v)
		default:
			named = m.figures.read(name, v) || named
		}
	}
}

// predictions sums the tokens of embedded texts.
func (m *meter) predictions(list []byte) {
	var sum answer.Count
	a := answer.Elements(list)
	for {
		prediction, ok := a.Next()
		if !ok {
			break
		}
		statistics := answer.Get(answer.Get(prediction, "embeddings"), "statistics")
		var one answer.Count
		if one.Read(answer.Get(statistics, "token_count")) {
			sum = answer.Count{N: usage.Add(sum.N, one.N), Named: true}
		}
	}
	if sum.Named {
		m.prediction = sum
	}
}
