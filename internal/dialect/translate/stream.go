package translate

import (
	"slices"
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
	open   []call // those of which the arguments are still coming
	done   bool   // the last event is out
}

// call is the use of a tool: the block that it is, its place among the calls, and its
// arguments where no text of them comes.
type call struct {
	block, at int
	begun     bool // some of their text has come
	input     []byte
}

// Begin starts over. The meter is shown the same events before this Stream is; its figures
// are what the caller is told.
func (s *Stream) Begin(o Options, m dialect.Meter) {
	*s = Stream{o: o, meter: m, head: s.head[:0], out: s.out[:0], reason: s.reason[:0], open: s.open[:0]}
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
		s.stopBlocks(func(c *call) bool { return c.block == e.index })
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
	switch answer.String(get(e.block, "type")) {
	case "text":
		s.piece("content", get(e.block, "text"))
	case "tool_use":
		c := call{block: e.index, at: s.calls, input: slices.Clone(arguments(get(e.block, "input")))}
		s.calls++
		s.open = append(s.open, c)
		s.chunk()
		s.out = append(appendIndex(s.out, c.at), ',')
		s.out = append(appendCall(s.out, get(e.block, "id"), get(e.block, "name")), `""}}]`...)
		s.endChunk("")
	}
}

// appendIndex appends the list of calls up to the place of the only one in it.
func appendIndex(dst []byte, at int) []byte {
	return strconv.AppendInt(append(dst, `"tool_calls":[{"index":`...), int64(at), 10)
}

// delta sends a piece of a block. Those of thinking and of citations are not sent.
func (s *Stream) delta(e *event) {
	s.piece("content", get(e.delta, "text"))
	piece := get(e.delta, "partial_json")
	if len(answer.Inner(piece)) == 0 {
		return
	}
	for i := range s.open {
		if c := &s.open[i]; c.block == e.index {
			c.begun = true
			s.arguments(c, piece)
			return
		}
	}
}

// stopBlocks ends the calls of which no more will come. One that came without any text of
// its arguments has them in its beginning, or has none.
func (s *Stream) stopBlocks(ended func(*call) bool) {
	s.open = slices.DeleteFunc(s.open, func(c call) bool {
		if !ended(&c) {
			return false
		}
		if !c.begun {
			s.arguments(&c, appendString(nil, c.input))
		}
		return true
	})
}

// arguments sends a piece of the text of a call's arguments, as JSON.
func (s *Stream) arguments(c *call, piece []byte) {
	s.chunk()
	s.out = append(appendIndex(s.out, c.at), `,"function":{"arguments":`...)
	s.out = append(append(s.out, piece...), "}}]"...)
	s.endChunk("")
}

// stop ends the answer.
func (s *Stream) stop() {
	s.stopBlocks(func(*call) bool { return true })
	s.chunk()
	s.endChunk(finish(s.reason))
	if u := s.meter.Reading().Usage; s.o.IncludeUsage && u.Source != usage.Absent {
		s.out = append(append(s.out, s.head...), `],"usage":`...)
		s.out = append(appendUsage(s.out, &u), "}\n\n"...)
	}
	s.out = append(s.out, "data: [DONE]\n\n"...)
	s.done = true
}
