// Package answer is what the meters of all dialects share: walking JSON answers
// without decoding them, the errors that hide in them, and the estimate of the
// text that was delivered. It knows members that several formats have in common
// and no format as a whole.
package answer

import (
	"bytes"
	"math"

	"tollgate/internal/dialect"
	"tollgate/internal/tokens"
	"tollgate/internal/usage"
)

// State is what every meter keeps besides the figures of its format.
type State struct {
	Model     string // first that the answer named
	Tier      string // service tier, last that the answer named
	Failed    bool
	Failure   string
	Finished  bool
	Stops     int64 // answers of a stream that the model has ended
	Delivered int64 // tokens, estimated

	scratch []byte // text without escapes; reused from event to event
}

// NoteModel keeps the first model that is named. It takes a raw JSON value.
func (s *State) NoteModel(value []byte) {
	if s.Model == "" {
		s.Model = String(value)
	}
}

// NoteTier keeps the latest service tier. It takes a raw JSON value.
func (s *State) NoteTier(value []byte) {
	if t := Inner(value); len(t) > 0 && string(t) != s.Tier {
		s.Tier = String(value)
	}
}

// NoteError reads the value of an error member: an object with a message, a
// text, or null and its empty relatives, which are no error.
func (s *State) NoteError(value []byte) {
	if !Named(value) || value[0] == 'f' {
		return
	}
	message := ""
	switch value[0] {
	case '"':
		if message = String(value); message == "" {
			return
		}
	case '{':
		members := 0
		o := Members(value)
		for ; ; members++ {
			name, v, ok := o.Next()
			if !ok {
				break
			}
			if string(name) == "message" && message == "" {
				message = String(v)
			}
		}
		if members == 0 {
			return
		}
	}
	s.Fail(message)
}

// Fail notes that the answer is an error. The first message stays.
func (s *State) Fail(message string) {
	s.Failed = true
	if s.Failure == "" {
		s.Failure = message
	}
}

// Reading puts what was noted and u, the figures of the format, together. The
// figures count as final if final says so or the answer said its last word.
func (s *State) Reading(u usage.Usage, named, final bool) dialect.Reading {
	switch {
	case !named: // what was seen to be done is no figure of the provider's
		u = usage.Usage{WebSearches: u.WebSearches, FileSearches: u.FileSearches, CodeSessions: u.CodeSessions}
	case final || s.Finished:
		u.Source = usage.Reported
	default:
		u.Source = usage.Partial
	}
	if named && u.ServiceTier == "" {
		u.ServiceTier = s.Tier
	}
	return dialect.Reading{
		Usage: u, Model: s.Model, Failed: s.Failed, Failure: s.Failure,
		Finished: s.Finished, DeliveredTokens: s.Delivered,
	}
}

// Stopped implements dialect.Meter. Behind the last word there is nothing.
func (s *State) Stopped() int64 {
	if s.Finished {
		return math.MaxInt64
	}
	return s.Stops
}

// Deliver adds the text inside one raw JSON string to the estimate.
func (s *State) Deliver(value []byte) { s.Delivered += s.estimate(value) }

func (s *State) estimate(value []byte) int64 {
	text := Inner(value)
	if len(text) == 0 {
		return 0
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		s.scratch = AppendUnescaped(s.scratch[:0], text)
		text = s.scratch
	}
	return tokens.Estimate(text)
}

// DeliverAll adds the text of every member that holds what a model wrote,
// anywhere in data.
func (s *State) DeliverAll(data []byte) {
	var t Text
	c := Visit(data)
	for {
		name, _, ok := c.Next()
		if !ok {
			break
		}
		t.Read(s, name, &c)
	}
	t.Done(s)
}

// Text collects the text of one event. Some servers send the same reasoning
// under two names at once, so those two are compared and not added.
type Text struct{ reasoning, reasoningContent int64 }

// Read takes the value of a member that holds text, passes over one that only
// repeats or annotates text, and leaves the cursor where it is for the rest.
func (t *Text) Read(s *State, name []byte, c *Cursor) {
	switch string(name) {
	case "content", "text", "refusal", "arguments", "partial_json", "thinking", "transcript", "tool_plan":
		if c.Kind() == '"' {
			s.Deliver(c.Value())
		}
	case "reasoning":
		if c.Kind() == '"' {
			t.reasoning += s.estimate(c.Value())
		}
	case "reasoning_content":
		if c.Kind() == '"' {
			t.reasoningContent += s.estimate(c.Value())
		}
	case "input", "args": // arguments of a tool call, whole or a piece of their text
		switch c.Kind() {
		case '"':
			s.Deliver(c.Value())
		case '{':
			s.Delivered += tokens.Estimate(c.Value())
		}
	case "reasoning_details", "logprobs", "annotations", "citations", "usage", "search_results",
		"groundingMetadata", "citationMetadata", "urlContextMetadata", "prompt_filter_results", "error":
		c.Value()
	}
}

// Done adds what was compared. It belongs at the end of an event.
func (t *Text) Done(s *State) { s.Delivered += max(t.reasoning, t.reasoningContent) }

// Count is a figure that the wire may leave out or give as null.
type Count struct {
	N     int64
	Named bool
	// Senseless tells that it was given as something that is no count.
	Senseless bool
}

// Read replaces the figure if value is a believable one, and tells whether it is.
func (c *Count) Read(value []byte) bool {
	n, ok := Int(value)
	if ok {
		c.N, c.Named = n, true
	} else if Named(value) {
		c.Senseless = true
	}
	return ok
}

// First gives the first of the figures that was named.
func First(counts ...Count) Count {
	for _, c := range counts {
		if c.Named {
			return c
		}
	}
	return Count{}
}
