// Package sse splits a server-sent event stream into its events without copying
// or changing a byte, and writes single events. It follows the event stream
// format of the WHATWG HTML standard and knows nothing of what events carry.
package sse

import "bytes"

// Event is one event of a stream. Its slices are parts of the Reader's buffer
// and valid until the next call of Next.
type Event struct {
	// Raw is every byte of the event, comments and the blank line that ends it
	// included. The Raws of all events together are the stream.
	Raw []byte
	// Name is the value of the last event field, nil without one.
	Name []byte
	// Data is the data fields joined by line feeds, nil without one (a comment,
	// or a stray blank line at the end of the stream).
	Data []byte
	// Open tells that the stream ended before the blank line of this event. What
	// is written behind it needs a line end first.
	Open bool
}

// Append appends one event to dst: an event field unless name is empty, a data
// field for every line of data, and the blank line.
func Append(dst, name, data []byte) []byte {
	if len(name) > 0 {
		dst = append(dst, "event: "...)
		dst = append(dst, name...)
		dst = append(dst, '\n')
	}
	for {
		line, end := data, bytes.IndexAny(data, "\r\n")
		if end >= 0 {
			line = data[:end]
		}
		dst = append(dst, "data: "...)
		dst = append(dst, line...)
		dst = append(dst, '\n')
		if end < 0 {
			return append(dst, '\n')
		}
		if data[end] == '\r' && end+1 < len(data) && data[end+1] == '\n' {
			end++
		}
		data = data[end+1:]
	}
}
