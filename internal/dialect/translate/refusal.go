package translate

import (
	"fmt"
	"strconv"

	"tollgate/internal/dialect/answer"
	"tollgate/internal/fault"
)

// refuse gives the error for something that cannot be translated: which member it is about,
// and what it is.
func refuse(param, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, "translation_unsupported",
		"The provider of this model speaks Anthropic's messages, and this chat completion cannot be translated: %s.", fmt.Sprintf(format, args...))
	e.Param, e.Plain = param, "failed to process LLM request: unsupported conversion"
	return e
}

// invalid gives the error for a body that is no chat completion.
func invalid(param, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, "invalid_request_body", format, args...)
	e.Param = param
	return e
}

// refusals are the members that have no counterpart, unless their value asks for nothing:
// without them the answer would be another one.
var refusals = map[string]struct {
	harmless func(value []byte) bool
	why      string
}{
	"n":                  {atMostOne, "n asks for several answers, and Anthropic gives one; leave n out"},
	"logprobs":           {isFalse, "logprobs has no counterpart; leave it out"},
	"top_logprobs":       {isZero, "top_logprobs has no counterpart; leave it out"},
	"logit_bias":         {empty, "logit_bias has no counterpart; leave it out"},
	"frequency_penalty":  {isZero, "frequency_penalty has no counterpart; leave it out or set it to 0"},
	"presence_penalty":   {isZero, "presence_penalty has no counterpart; leave it out or set it to 0"},
	"modalities":         {onlyText, `modalities asks for more than text; leave it out or set it to ["text"]`},
	"audio":              {never, "audio has no counterpart; leave it out"},
	"web_search_options": {never, "web_search_options has no counterpart; leave it out"},
	"functions":          {empty, "functions is the old form of tools; write tools"},
	"function_call":      {isAuto, "function_call is the old form of tool_choice; write tool_choice"},
}

func never([]byte) bool { return false }

func isFalse(v []byte) bool { return string(v) == "false" }

func isAuto(v []byte) bool { return string(v) == `"auto"` || string(v) == `"none"` }

func isZero(v []byte) bool {
	f, err := strconv.ParseFloat(string(v), 64)
	return err == nil && f == 0
}

func atMostOne(v []byte) bool {
	n, ok := answer.Int(v)
	return ok && n <= 1 || kind(v) == '-'
}

func onlyText(v []byte) bool {
	for _, m := range elements(v) {
		if string(m) != `"text"` {
			return false
		}
	}
	return kind(v) == '['
}
