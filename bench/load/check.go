package load

import (
	"bytes"
	"fmt"
	"strconv"

	"tollgate/bench/fakeprovider"
)

// Check tells what is wrong with the body of an answer.
type Check func(body []byte) error

// CheckJSON wants the JSON answer of the fake provider, as far as that can be
// told without parsing it: a gateway may write it anew but lose nothing.
func CheckJSON(body []byte) error {
	text := bytes.TrimRight(body, "\n")
	switch {
	case len(text) < fakeprovider.AnswerBytes*9/10:
		return fmt.Errorf("the answer has only %d bytes", len(text))
	case text[0] != '{' || text[len(text)-1] != '}':
		return fmt.Errorf("the answer is not an object: %.60q", body)
	case !bytes.Contains(body, completionTokens):
		return fmt.Errorf("the answer has no usage: %.60q", body)
	}
	return nil
}

var completionTokens = []byte(`"completion_tokens":` + strconv.Itoa(fakeprovider.CompletionTokens))

// CheckStream wants every event of the fake provider, the end marker, and no
// usage chunk: the requests do not ask for one.
func CheckStream(body []byte) error {
	if n := bytes.Count(body, []byte("data: {")); n != fakeprovider.Events {
		return fmt.Errorf("%d events came, want %d", n, fakeprovider.Events)
	}
	if !bytes.HasSuffix(bytes.TrimRight(body, "\n"), []byte("data: [DONE]")) {
		return fmt.Errorf("the stream ends with %q", body[max(0, len(body)-40):])
	}
	return nil
}
