package simulated

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// orders are how to behave in one request.
type orders struct {
	latency, delay time.Duration
	tokens         int
	cutAfter       int // tokens, -1 for never
	status         int // of an error, 0 for none
	code           string
	retryAfter     time.Duration
}

// read takes the orders out of a message and gives what is left of it. What is
// not understood is passed over.
func (o *orders) read(message string) string {
	const mark = "simulate:"
	at := strings.Index(message, mark)
	if at < 0 {
		return message
	}
	line, rest, _ := strings.Cut(message[at+len(mark):], "\n")
	for word := range strings.FieldsSeq(line) {
		name, value, _ := strings.Cut(word, "=")
		o.set(name, value)
	}
	return strings.TrimSpace(message[:at] + rest)
}

func (o *orders) set(name, value string) {
	n, err := strconv.Atoi(value)
	number := err == nil && n >= 0
	d, err := time.ParseDuration(value)
	period := err == nil && d >= 0 && d <= time.Minute
	switch {
	case name == "tokens" && number:
		o.tokens = min(max(n, 1), maxTokens)
	case name == "cut-after" && number:
		o.cutAfter = n
	case name == "status" && number && n >= 400 && n < 600:
		o.status = n
	case name == "retry-after" && number:
		o.retryAfter = time.Duration(min(n, 3600)) * time.Second
	case name == "code" && len(value) <= 64:
		o.code = value
	case name == "delay" && period:
		o.delay = d
	case name == "latency" && period:
		o.latency = d
	}
}

// countWords counts the tokens of a text: runs of characters between white space.
func countWords(s string) int64 {
	var n int64
	inside := false
	for _, r := range s {
		space := unicode.IsSpace(r)
		if !space && !inside {
			n++
		}
		inside = !space
	}
	return n
}

// text is an answer, word by word.
type text struct {
	echo []string // escaped for JSON
	n    int      // tokens in all
	cut  bool     // the caller's bound was reached before the end
}

var opening = [...]string{"This", "is", "a", "simulated", "answer", "to"}

// filler is what the rest of an answer is made of.
var filler = strings.Fields(`No model was asked and nothing was paid. Each word here is one token, so the usage
	below can be counted by hand. Ask for another model to reach a real provider. Until then, these words go round.`)

// How much of a message is repeated.
const (
	echoWords = 8
	echoBytes = 96
)

// sentences is how many words of the filler end an answer well.
const sentences = 23

// makeText makes an answer of a number of tokens (0: as many as make whole
// sentences), or of a bound if that is less.
func makeText(message string, tokens, bound int) text {
	t := text{n: tokens, echo: echoOf(message)}
	if t.n == 0 {
		t.n = len(opening) + len(t.echo) + sentences
	}
	if bound > 0 && bound < t.n {
		t.n, t.cut = bound, true
	}
	return t
}

// echoOf gives the first words of a message in quotes, as a sentence's end.
func echoOf(message string) []string {
	if len(message) > echoBytes {
		end := echoBytes
		for !utf8.RuneStart(message[end]) {
			end--
		}
		message = message[:end]
	}
	words := strings.Fields(message)
	if len(words) > echoWords {
		words = words[:echoWords]
	}
	for i, w := range words {
		if strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }) {
			words[i] = escape(w)
		}
	}
	if len(words) == 0 {
		return []string{"nothing."}
	}
	words[0] = "“" + words[0]
	words[len(words)-1] += "”."
	return words
}

// escape gives s as it stands within a JSON string.
func escape(s string) string {
	quoted, _ := jsontext.AppendQuote(nil, s)
	return string(quoted[1 : len(quoted)-1])
}

// appendWord appends a token of the answer, escaped for JSON.
func (t *text) appendWord(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ' ')
	}
	switch rest := i - len(opening); {
	case rest < 0:
		return append(dst, opening[i]...)
	case rest < len(t.echo):
		return append(dst, t.echo[rest]...)
	default:
		return append(dst, filler[(rest-len(t.echo))%len(filler)]...)
	}
}

// appendAll appends the whole answer, escaped for JSON.
func (t *text) appendAll(dst []byte) []byte {
	for i := range t.n {
		dst = t.appendWord(dst, i)
	}
	return dst
}
