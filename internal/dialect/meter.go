package dialect

import "tollgate/internal/usage"

// Meter reads the provider's answer to one request as it passes and says what
// it consumed. It never changes or keeps the bytes it is shown, never fails
// (what it cannot read it does not count), and allocates nothing for events
// that carry neither usage nor text.
//
// Either Body is called once with a whole answer, or Event once per event of a
// stream, in order. Reading may be called at any time.
type Meter interface {
	// Event reads one event: its name ("" where the format has none) and data.
	// The answer tells whether this event carried usage figures.
	Event(name, data []byte) (carriesUsage bool)
	// Body reads a whole answer, already decompressed.
	Body(body []byte)
	// Reading gives what was understood so far.
	Reading() Reading
	// Stopped tells how many of the answers of a stream the model has ended. Behind the
	// last there is at most their usage to come.
	Stopped() int64
}

// Reading is what a Meter has understood.
type Reading struct {
	// Usage has Source Absent where none was reported, and then at most the tools that
	// were seen to run. Later figures of a stream replace earlier ones field by field.
	Usage usage.Usage
	// Model is the model that the answer names.
	Model string
	// ID is the provider's id of a response of the Responses API.
	ID string
	// Failed tells that the answer or stream carried an error although its
	// status said otherwise; Failure is its message.
	Failed  bool
	Failure string
	// Finished tells that the stream said its last word (its format's final
	// event), so that whatever usage there is, is final.
	Finished bool
	// DeliveredTokens estimates the output tokens of the text, tool arguments
	// and reasoning that passed, for streams that end without usage.
	DeliveredTokens int64
}
