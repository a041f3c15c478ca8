package simulated

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/reply"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

// models answers the list of models, or one entry of it.
func (c *call) models() (*provider.Response, error) {
	m := reply.ModelEntry{ID: Model, Created: c.created, OwnedBy: "tollgate"}
	_, name, _ := strings.Cut(c.path, "/models")
	switch name = strings.TrimPrefix(name, "/"); name {
	case "":
		return c.json(reply.Models(nil, dialect.OpenAI, []reply.ModelEntry{m}), ""), nil
	case Model:
		return c.json(reply.Model(nil, dialect.OpenAI, m), ""), nil
	default:
		e := fault.New(fault.NotFound, "model_not_found", "The model %q is not listed, but it is simulated all the same.", name)
		e.Param = "model"
		return nil, e
	}
}

// decode reads the members of a request that only one operation has. The body
// has passed Peek; only the type of a member can be wrong.
func (c *call) decode(into any) error {
	if err := json.Unmarshal(c.body, into); err != nil {
		return &fault.Error{Kind: fault.Invalid, Code: "invalid_type", Message: "A member of the request has the wrong type.", Err: err}
	}
	return nil
}

// inputs gives the inputs of an embedding request: a text, token ids, or a list
// of either.
func inputs(raw jsontext.Value) []jsontext.Value {
	var list []jsontext.Value
	if raw.Kind() != '[' || json.Unmarshal(raw, &list) != nil {
		return []jsontext.Value{raw}
	}
	if len(list) > 0 && list[0].Kind() == '0' {
		return []jsontext.Value{raw}
	}
	return list
}

// Bounds of an embedding.
const (
	defaultDimensions = 256
	maxDimensions     = 4096
)

func (c *call) embeddings() (*provider.Response, error) {
	var asked struct {
		Input          jsontext.Value `json:"input"`
		Dimensions     *int           `json:"dimensions"`
		EncodingFormat string         `json:"encoding_format"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	all := inputs(asked.Input)
	if len(asked.Input) == 0 || len(all) == 0 || len(all) > maxInputs {
		return nil, fault.New(fault.Invalid, "invalid_input", "input must hold between 1 and %d texts.", maxInputs)
	}
	dimensions := defaultDimensions
	if asked.Dimensions != nil {
		dimensions = *asked.Dimensions
	}
	if dimensions < 1 || dimensions > maxDimensions {
		return nil, fault.New(fault.Invalid, "invalid_dimensions", "dimensions must be between 1 and %d.", maxDimensions)
	}
	dst := []byte(`{"object":"list","data":[`)
	for i, input := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"object":"embedding","index":`...)
		dst = append(strconv.AppendInt(dst, int64(i), 10), `,"embedding":`...)
		dst = append(appendVector(dst, vector(input, dimensions), asked.EncodingFormat == "base64"), '}')
	}
	dst = appendString(append(dst, `],"model":`...), c.peeked.Model)
	dst = appendInt(dst, `,"usage":{"prompt_tokens":`, c.input)
	return c.json(appendInt(dst, `,"total_tokens":`, c.input), "}}"), nil
}

// vector makes a vector of length one that depends on the text alone.
func vector(text []byte, dimensions int) []float32 {
	h := fnv.New64a()
	_, _ = h.Write(text) // a hash does not fail
	state := h.Sum64() | 1
	v := make([]float32, dimensions)
	var sum float64
	for i := range v {
		// A xorshift generator: any spread of values will do.
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		v[i] = float32(int64(state>>40)-1<<23) / (1 << 23)
		sum += float64(v[i]) * float64(v[i])
	}
	if sum == 0 {
		v[0], sum = 1, 1
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
	return v
}

func appendVector(dst []byte, v []float32, encoded bool) []byte {
	if encoded {
		raw := make([]byte, 0, 4*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), raw), '"')
	}
	dst = append(dst, '[')
	for i, x := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, float64(x), 'g', 7, 32)
	}
	return append(dst, ']')
}

// rerank orders documents by how many of the query's words they hold.
func (c *call) rerank() (*provider.Response, error) {
	var asked struct {
		Query     string           `json:"query"`
		Documents []jsontext.Value `json:"documents"`
		TopN      *int             `json:"top_n"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	if asked.Query == "" || len(asked.Documents) == 0 || len(asked.Documents) > maxInputs {
		return nil, fault.New(fault.Invalid, "invalid_request", "query and documents are required, the latter at most %d.", maxInputs)
	}
	words := strings.Fields(strings.ToLower(asked.Query))
	type result struct {
		index int
		score float64
	}
	results := make([]result, len(asked.Documents))
	for i, d := range asked.Documents {
		document, hits := bytes.ToLower(d), 0
		for _, w := range words {
			if bytes.Contains(document, []byte(w)) {
				hits++
			}
		}
		results[i] = result{i, float64(hits) / float64(max(len(words), 1))}
	}
	slices.SortStableFunc(results, func(a, b result) int { return cmp.Compare(b.score, a.score) })
	if asked.TopN != nil && *asked.TopN > 0 && *asked.TopN < len(results) {
		results = results[:*asked.TopN]
	}
	dst := append(c.appendID([]byte(`{"id":"`), "rerank_"), `","results":[`...)
	for i, r := range results {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendInt(dst, `{"index":`, int64(r.index)), `,"relevance_score":`...)
		dst = append(strconv.AppendFloat(dst, r.score, 'f', 4, 64), '}')
	}
	return c.json(dst, `],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`), nil
}

// categories are those of OpenAI's moderation.
var categories = [...]string{
	"harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
	"self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
}

// moderations finds nothing wrong with anything.
func (c *call) moderations() (*provider.Response, error) {
	var asked struct {
		Input jsontext.Value `json:"input"`
	}
	if err := c.decode(&asked); err != nil {
		return nil, err
	}
	n := 1
	if all := inputs(asked.Input); len(all) > 0 && all[0].Kind() == '"' {
		n = min(len(all), maxInputs)
	}
	var verdict []byte
	for i, list := range [...]struct{ name, value string }{{`{"flagged":false,"categories":{`, ":false"}, {`,"category_scores":{`, ":0.0"}} {
		verdict = append(verdict, list.name...)
		for j, category := range categories {
			if j > 0 {
				verdict = append(verdict, ',')
			}
			verdict = append(appendString(verdict, category), list.value...)
		}
		verdict = append(verdict, "}}"[:1+i]...)
	}
	dst := c.appendID([]byte(`{"id":"`), "modr-")
	dst = append(appendString(append(dst, `","model":`...), cmp.Or(c.peeked.Model, Model)), `,"results":[`...)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, verdict...)
	}
	return c.json(dst, "]}"), nil
}

// pixel is a grey image of one pixel, as PNG.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg=="

func (c *call) images() (*provider.Response, error) {
	n := max(c.peeked.N, 1)
	if n > 10 {
		return nil, fault.New(fault.Invalid, "invalid_n", "n must be at most 10.")
	}
	dst := append(appendInt(nil, `{"created":`, c.settings.Now().Unix()), `,"data":[`...)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"b64_json":"`+pixel+`"}`...)
	}
	return c.json(dst, "]}"), nil
}

// transcribe answers an upload of so many bytes; it counts a token of input for
// each KiB begun.
func (c *call) transcribe(size int64, format string) *provider.Response {
	text := "This is a simulated transcription of " + strconv.FormatInt(size, 10) + " bytes."
	input, output := (size+1023)/1024, countWords(text)
	usage := appendInt(nil, `,"usage":{"type":"tokens","input_tokens":`, input)
	usage = appendInt(usage, `,"input_token_details":{"text_tokens":0,"audio_tokens":`, input)
	usage = appendInt(usage, `},"output_tokens":`, output)
	usage = append(appendInt(usage, `,"total_tokens":`, input+output), '}', '}')
	switch {
	case c.peeked.Stream:
		var events []byte
		for word := range strings.SplitAfterSeq(text, " ") {
			events = append(appendString(append(events, `data: {"type":"transcript.text.delta","delta":`...), word), "}\n\n"...)
		}
		events = appendString(append(events, `data: {"type":"transcript.text.done","text":`...), text)
		return c.respond(200, "text/event-stream", append(append(events, usage...), "\n\n"...))
	case format == "text", format == "srt", format == "vtt":
		return c.respond(200, "text/plain; charset=utf-8", []byte(text+"\n"))
	default:
		return c.json(append(appendString([]byte(`{"text":`), text), usage...), "")
	}
}

// silence is the head of a WAV file without samples: mono, 8 bits, 8 kHz.
const silence = "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x00\x00\x00\x00"

func (c *call) speech() *provider.Response { return c.respond(200, "audio/wav", []byte(silence)) }
