package openai

import (
	"bytes"

	"tollgate/internal/dialect/answer"
)

// HideUsage prepares the data of one chunk for a client that did not ask for
// usage. A chunk that exists for its usage, without choices, must not be sent on
// (keep is false). Where usage rides on a chunk with choices or an error, rest is
// a copy without that member and with all other bytes as they were. "usage":null
// may stay. Nothing is allocated for a chunk that has no usage.
func HideUsage(data []byte) (rest []byte, keep bool) {
	if !bytes.Contains(data, []byte(`"usage"`)) {
		return data, true
	}
	var usage, choices, failed bool
	o := answer.Members(data)
	for {
		name, v, ok := o.Next()
		if !ok {
			break
		}
		switch string(name) {
		case "usage":
			usage = usage || answer.Named(v)
		case "choices":
			a := answer.Elements(v)
			_, choices = a.Next()
		case "error":
			failed = answer.Named(v)
		}
	}
	switch {
	case !usage:
		return data, true
	case !choices && !failed:
		return nil, false
	}
	return answer.Without(data, "usage"), true
}
