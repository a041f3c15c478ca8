package meters

import (
	"bytes"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
	"tollgate/internal/dialect/anthropic"
	"tollgate/internal/dialect/bedrock"
	"tollgate/internal/dialect/cohere"
	"tollgate/internal/dialect/gemini"
	"tollgate/internal/dialect/openai"
	"tollgate/internal/usage"
)

// Detect gives a meter that recognizes the format by the first answer or event
// that shows it, for requests that were passed through unread. What it cannot
// place it does not count.
func Detect() dialect.Meter { return &detector{} }

type detector struct {
	answer.State
	found   dialect.Meter
	invoked bool // inside Bedrock's invoke: its own framing is already off
}

func (d *detector) Reading() dialect.Reading {
	if d.found != nil {
		return d.found.Reading()
	}
	return d.State.Reading(usage.Usage{}, false, false)
}

func (d *detector) Stopped() int64 {
	if d.found != nil {
		return d.found.Stopped()
	}
	return d.State.Stopped()
}

func (d *detector) Event(name, data []byte) (carriesUsage bool) {
	if d.found == nil && !d.place(name, data) {
		return false
	}
	return d.found.Event(name, data)
}

func (d *detector) Body(body []byte) {
	if d.found == nil && !d.place(nil, body) {
		return
	}
	d.found.Body(body)
}

// place looks for the format of data and for an error while there is none.
func (d *detector) place(name, data []byte) bool {
	var s sight
	list := answer.Elements(data)
	if first, ok := list.Next(); ok { // Gemini's stream without server-sent events
		data = first
	}
	s.look(data)
	if s.kind == nil {
		s.kind = name
	}
	d.found = s.meter(d.invoked)
	if d.found == nil {
		d.NoteError(s.failure)
	}
	return d.found != nil
}

// sight is what of an object tells the formats apart.
type sight struct {
	kind, object                 []byte // without quotes
	usage, failure               []byte
	choices, data, results, text bool
	images                       bool // data holds pictures
	gemini, bedrock, cohere      bool
}

func (s *sight) look(data []byte) {
	o := answer.Members(data)
	for {
		name, v, ok := o.Next()
		if !ok {
			return
		}
		switch string(name) {
		case "type":
			s.kind = answer.Inner(v)
		case "object":
			s.object = answer.Inner(v)
		case "usage":
			s.usage = v
		case "error":
			s.failure = v
		case "choices", "x_groq":
			s.choices = true
		case "data":
			s.data = true
			a := answer.Elements(v)
			first, _ := a.Next()
			s.images = answer.Get(first, "url") != nil || answer.Get(first, "b64_json") != nil
		case "results":
			s.results = true
		case "text":
			s.text = true
		case "usageMetadata", "candidates", "promptFeedback", "predictions", "serverContent":
			s.gemini = true
		case "messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "stopReason",
			"inputTextTokenCount", "generation_token_count":
			s.bedrock = true
		case "bytes": // a chunk of invoke; a number elsewhere
			s.bedrock = s.bedrock || answer.Inner(v) != nil
		case "metadata":
			s.bedrock = s.bedrock || answer.Get(v, "usage") != nil
		case "meta":
			s.cohere = s.cohere || answer.Get(v, "billed_units") != nil
		}
	}
}

// meter gives the meter for what was seen, nil if that does not tell.
func (s *sight) meter(invoked bool) dialect.Meter {
	if op, ok := s.operation(); ok {
		return openai.NewMeter(op)
	}
	switch {
	case s.gemini:
		return gemini.NewMeter()
	case s.anthropic():
		return anthropic.NewMeter()
	case s.cohere, cohereEvent(s.kind), answer.Get(s.usage, "billed_units") != nil, answer.Get(s.usage, "tokens") != nil,
		s.results && s.usage != nil:
		return cohere.NewMeter()
	case !invoked && (s.bedrock || answer.Get(s.usage, "inputTokens") != nil):
		return bedrock.NewMeter(&detector{invoked: true})
	}
	return nil
}

// operation tells OpenAI's formats.
func (s *sight) operation() (dialect.Operation, bool) {
	has := func(prefix string) bool { return bytes.HasPrefix(s.kind, []byte(prefix)) }
	prompt := answer.Get(s.usage, "prompt_tokens") != nil
	input := answer.Get(s.usage, "input_tokens") != nil
	switch {
	case has("response."), string(s.object) == "response":
		return dialect.Responses, true
	case has("image_generation."), has("image_edit."):
		return dialect.Images, true
	case has("transcript."):
		return dialect.Transcriptions, true
	case has("speech."):
		return dialect.Speech, true
	case s.choices, bytes.HasPrefix(s.object, []byte("chat.completion")):
		return dialect.Chat, true
	case s.images, s.data && input:
		return dialect.Images, true
	case s.data && s.usage != nil:
		return dialect.Embeddings, true
	case s.text && s.usage != nil:
		return dialect.Transcriptions, true
	case prompt && !s.results:
		return dialect.Chat, true
	case input && !s.anthropic():
		return dialect.Responses, true
	}
	return 0, false
}

// anthropic tells Anthropic's messages: by their types or by the way they count
// cached tokens beside the input.
func (s *sight) anthropic() bool {
	switch string(s.kind) {
	case "message", "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta":
		return true
	}
	return answer.Get(s.usage, "cache_read_input_tokens") != nil || answer.Get(s.usage, "cache_creation_input_tokens") != nil
}

func cohereEvent(kind []byte) bool {
	switch string(kind) {
	case "message-start", "content-start", "content-delta", "tool-plan-delta", "tool-call-start", "message-end":
		return true
	}
	return false
}
