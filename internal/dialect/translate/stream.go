package translate

import (
	"strconv"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/answer"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/usage"
)

// Stream turns the events of a streamed message into those of a streamed chat completion.
// The zero Stream is ready for Begin, and can be used again and again.
type Stream struct {
	o     Options
	meter dialect.Meter

	head   []byte // what every chunk begins with, once it is known
	out    []byte // the events that one became
	reason []byte // why the answer ended
	calls  int    // tools that are to be used
	call   call   // the latest of them
	done   bool   // the last event is out
}

// call is the use of a tool, of which the arguments are coming: blocks follow each other.
type call struct {
	open  bool
	block int
	begun bool   // some of the text of its arguments has come
	input []byte // they themselves, where no text of them comes
}

// Begin starts over. The meter is shown the same events before this Stream is; its figures
// are what the caller is told.
func (s *Stream) Begin(o Options, m dialect.Meter) {
	*s = Stream{o: o, meter: m, head: s.head[:0], out: s.out[:0], reason: s.reason[:0]}
}

// Ended tells that the stream has been ended, well or with an error. One that stops coming
// before that is broken off.
func (s *Stream) Ended() bool { return s.done }

// Event gives the events that one becomes, with all that frames them: none where the caller
// is told nothing of it. They are valid until the next call. The error is a *fault.Error,
// for data that is no event.
func (s *Stream) Event(name, data []byte) ([]byte, error) {
	s.out = s.out[:0]
	if data == nil || s.done {
		return nil, nil
	}
	if !isValid(data) {
		return nil, garbage()
	}
	e := event{kind: string(name), index: -1}
	for name, v := range members(data) {
		e.read(name, v)
	}
	switch e.kind {
	case "message_start":
		s.start(e.message)
	case "content_block_start":
		s.startBlock(&e)
	case "content_block_delta":
		s.delta(&e)
	case "content_block_stop":
		if e.index == s.call.block {
			s.endCall()
		}
	case "message_delta":
		if reason := get(e.delta, "stop_reason"); isString(reason) {
			s.reason = append(s.reason[:0], reason...)
		}
		s.piece("refusal", get(get(e.delta, "stop_details"), "explanation"))
	case "message_stop":
		s.stop()
	case "error":
		s.done = true
		s.out = append(reply.Error(append(s.out, "data: "...), dialect.OpenAI, failure(0, data), ""), "\n\n"...)
	}
	return s.out, nil
}

// event is what is read of an event.
type event struct {
	kind                  string
	index                 int // of a block
	message, block, delta []byte
}

func (e *event) read(name, v []byte) {
	switch string(name) {
	case "type":
		e.kind = answer.String(v)
	case "index":
		if n, ok := answer.Int(v); ok {
			e.index = int(n)
		}
	case "message":
		e.message = v
	case "content_block":
		e.block = v
	case "delta":
		e.delta = v
	}
}

// start begins the answer, once: what every chunk says, and the role in the first.
func (s *Stream) start(message []byte) {
	if len(s.head) > 0 {
		return
	}
	id, model := get(message, "id"), get(message, "model")
	if !isString(id) {
		id = appendString(nil, s.o.ID)
	}
	if !isString(model) {
		model = []byte(`""`)
	}
	s.head = append(append(s.head, `data: {"id":`...), id...)
	s.head = append(s.head, `,"object":"chat.completion.chunk","created":`...)
	s.head = strconv.AppendInt(s.head, s.o.Created, 10)
	s.head = append(append(s.head, `,"model":`...), model...)
	s.head = append(s.head, `,"choices":[`...)
	s.chunk()
	s.out = append(s.out, `"role":"assistant","content":""`...)
	s.endChunk("")
}

// chunk begins a chunk up to the members of its delta, and the answer where it has not
// begun.
func (s *Stream) chunk() {
	s.start(nil)
	s.out = append(append(s.out, s.head...), `{"index":0,"delta":{`...)
}

// endChunk ends a chunk, and with a reason the answer.
func (s *Stream) endChunk(reason string) {
	s.out = append(s.out, `},"finish_reason":`...)
	if reason == "" {
		s.out = append(s.out, "null}]"...)
	} else {
		s.out = append(append(append(s.out, '"'), reason...), `"}]`...)
	}
	if s.o.IncludeUsage {
		s.out = append(s.out, `,"usage":null`...)
	}
	s.out = append(s.out, "}\n\n"...)
}

// piece sends a piece of a text, as JSON, unless it is empty or none.
func (s *Stream) piece(member string, text []byte) {
	if len(answer.Inner(text)) == 0 {
		return
	}
	s.chunk()
	s.out = append(append(append(s.out, '"'), member...), `":`...)
	s.out = append(s.out, text...)
	s.endChunk("")
}

// startBlock begins a block: a text, which may have a beginning already, or a call.
func (s *Stream) startBlock(e *event) {
	s.endCall()
	switch answer.String(get(e.block, "type")) {
	case "text":
		s.piece("content", get(e.block, "text"))
	case "tool_use":
		s.call = call{open: true, block: e.index, input: append(s.call.input[:0], arguments(get(e.block, "input"))...)}
		s.calls++
		s.chunk()
		s.out = append(s.appendIndex(s.out), ',')
		s.out = append(appendCall(s.out, get(e.block, "id"), get(e.block, "name")), `""}}]`...)
		s.endChunk("")
	}
}

// appendIndex appends the list of calls up to the place of the latest, the only one in it.
func (s *Stream) appendIndex(dst []byte) []byte {
	return strconv.AppendInt(append(dst, `"tool_calls":[{"index":`...), int64(s.calls-1), 10)
}

// delta sends a piece of a block. Those of thinking and of citations are not sent.
func (s *Stream) delta(e *event) {
	s.piece("content", get(e.delta, "text"))
	if piece := get(e.delta, "partial_json"); s.call.open && s.call.block == e.index && len(answer.Inner(piece)) > 0 {
		s.call.begun = true
		s.arguments(piece)
	}
}

// endCall ends the call of which no more will come, if there is one. Where no text of its
// arguments came its beginning had them, or it has none.
func (s *Stream) endCall() {
	if s.call.open && !s.call.begun {
		s.arguments(appendString(nil, s.call.input))
	}
	s.call.open = false
}

// arguments sends a piece of the text of a call's arguments, as JSON.
func (s *Stream) arguments(piece []byte) {
	s.chunk()
	s.out = append(s.appendIndex(s.out), `,"function":{"arguments":`...)
	s.out = append(append(s.out, piece...), "}}]"...)
	s.endChunk("")
}

// stop ends the answer.
func (s *Stream) stop() {
	s.endCall()
	s.chunk()
	s.endChunk(finish(s.reason))
	if u := s.meter.Reading().Usage; s.o.IncludeUsage && u.Source != usage.Absent {
		s.out = append(append(s.out, s.head...), `],"usage":`...)
		s.out = append(appendUsage(s.out, &u), "}\n\n"...)
	}
	s.out = append(s.out, "data: [DONE]\n\n"...)
	s.done = true
}
