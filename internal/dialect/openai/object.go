package openai

import (
	"strings"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
	"tollgate/internal/usage"
)

// objectMeter reads the answers that are one object, or a few events of which
// the last one has everything: embeddings, images, transcriptions, speech.
type objectMeter struct {
	answer.State
	op      dialect.Operation
	figures figures
	named   bool
	images  int64
}

func (m *objectMeter) shape() shape {
	if m.op == dialect.Embeddings || m.op == dialect.Rerank {
		return inputOnly
	}
	return direct
}

func (m *objectMeter) Reading() dialect.Reading {
	u := m.figures.usage(m.shape())
	reading := m.State.Reading(u, m.named, m.named)
	r := &reading.Usage
	switch m.op {
	case dialect.Images:
		r.Images = m.images
		if m.named && !m.figures.imageOut.Named { // all that an image model writes
			r.OutputImage = r.OutputText
			r.Report(usage.Image, true)
		}
		if !m.named && m.images > 0 {
			r.Source = usage.Estimated // priced by the image; we counted them
		}
	case dialect.Speech:
		if m.named {
			r.OutputAudio = r.OutputText
			r.Report(usage.Audio, true)
		}
	}
	return reading
}

// Event reads one event of an image, transcription or speech stream.
func (m *objectMeter) Event(name, data []byte) (carriesUsage bool) {
	if string(data) == "[DONE]" {
		m.Finished = true
		return false
	}
	var kind string
	var delta []byte
	o := answer.Members(data)
	for {
		member, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(member) {
		case "type":
			kind = answer.String(v)
		case "delta":
			delta = v
		case "usage":
			carriesUsage = m.readUsage(v)
		default:
			note(&m.State, member, v)
		}
	}
	if kind == "" {
		kind = string(name)
	}
	switch {
	case kind == "image_generation.completed", kind == "image_edit.completed":
		m.images++
		m.Finished = true
	case kind == "transcript.text.done", kind == "speech.audio.done":
		m.Finished = true
	case strings.HasSuffix(kind, "text.delta"):
		m.Deliver(delta)
	case kind == "error":
		m.Fail("")
	}
	return carriesUsage
}

// Body reads a whole answer. One that is no JSON, like speech or subtitles,
// says nothing.
func (m *objectMeter) Body(body []byte) {
	var text, duration []byte
	o := answer.Members(body)
	for {
		name, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(name) {
		case "usage":
			m.readUsage(v)
		case "data":
			m.countImages(v)
		case "text":
			text = v
		case "duration":
			duration = v
		default:
			note(&m.State, name, v)
		}
	}
	m.Finished = o.Complete()
	if m.op == dialect.Transcriptions && !m.named {
		m.transcript(text, duration)
	}
}

// transcript falls back to the length of the audio that verbose answers have.
func (m *objectMeter) transcript(text, duration []byte) {
	if inner := answer.Inner(duration); inner != nil {
		duration = inner // some write the number as text
	}
	if seconds, ok := answer.Float(duration); ok {
		m.figures.seconds, m.figures.hasSeconds, m.named = seconds, true, true
		return
	}
	m.Deliver(text)
}

func (m *objectMeter) readUsage(v []byte) bool {
	if m.op == dialect.Moderations || m.op == dialect.Models {
		return false
	}
	named := m.figures.readUsage(v)
	m.named = m.named || named
	return named
}

func (m *objectMeter) countImages(data []byte) {
	if m.op != dialect.Images {
		return
	}
	a := answer.Elements(data)
	for ; ; m.images++ {
		if _, ok := a.Next(); !ok {
			return
		}
	}
}
