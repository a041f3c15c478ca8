package meters_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/bedrock"
	"tollgate/internal/dialect/meters"
	"tollgate/internal/sse"
	"tollgate/internal/usage"
)

// recording is one entry of the index of recorded answers.
type recording struct {
	File    string            `json:"file"`
	API     string            `json:"api"`
	Framing string            `json:"framing"`
	Model   *string           `json:"model"`
	Status  int               `json:"status"`
	Usage   map[string]*int64 `json:"usage"`
	Extra   map[string]any    `json:"extra"`
	Headers map[string]string `json:"headers"`
}

// TestRecordings reads every recording of a folder and expects the figures of
// its index, three ways: whole, in pieces, and with the format unknown.
func TestRecordings(t *testing.T) {
	dir := os.Getenv("TOLLGATE_RECORDINGS")
	if dir == "" {
		t.Skip("TOLLGATE_RECORDINGS names no folder of recorded answers; the rules are tested on hand-written ones")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Files []recording }
	if err := json.Unmarshal(raw, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Files) == 0 {
		t.Fatal("the index names no files")
	}
	for _, rec := range index.Files {
		t.Run(rec.File, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(rec.File)))
			if err != nil {
				t.Fatal(err)
			}
			d, op := formatOf(rec.API)
			for name, make := range map[string]func() dialect.Meter{
				"known":    func() dialect.Meter { return meters.New(d, op) },
				"detected": meters.Detect,
			} {
				t.Run(name, func(t *testing.T) {
					for way := range 4 {
						m := make()
						feed(t, m, rec.Framing, body, way)
						rec.check(t, m.Reading(), body)
					}
				})
			}
		})
	}
}

// formatOf gives the dialect and operation that an index entry's api means.
func formatOf(api string) (dialect.Dialect, dialect.Operation) {
	family, rest, _ := strings.Cut(api, ".")
	switch family {
	case "anthropic":
		if strings.Contains(rest, "count") {
			return dialect.Anthropic, dialect.CountTokens
		}
		return dialect.Anthropic, dialect.Messages
	case "gemini", "vertex":
		return dialect.Gemini, dialect.Generate
	case "bedrock":
		if strings.HasPrefix(rest, "converse") {
			return dialect.Bedrock, dialect.Converse
		}
		return dialect.Bedrock, dialect.Passthrough
	case "cohere":
		return dialect.Cohere, dialect.Passthrough
	case "rerank":
		return dialect.OpenAI, dialect.Rerank
	case "openai":
		for part, op := range map[string]dialect.Operation{
			"chat": dialect.Chat, "completions": dialect.Completions, "responses": dialect.Responses,
			"embeddings": dialect.Embeddings, "images": dialect.Images, "moderations": dialect.Moderations,
			"audio.transcriptions": dialect.Transcriptions, "audio.translations": dialect.Transcriptions,
			"audio.speech": dialect.Speech,
		} {
			if strings.HasPrefix(rest, part) {
				return dialect.OpenAI, op
			}
		}
	}
	return dialect.Unknown, dialect.Passthrough
}

// feed shows a recording to a meter: streams whole for way 0, else in random
// pieces through the reader of their framing.
func feed(t *testing.T, m dialect.Meter, framing string, body []byte, way int) {
	t.Helper()
	var src io.Reader = bytes.NewReader(body)
	if way > 0 {
		src = &shreds{in: body, rng: rand.New(rand.NewPCG(uint64(way), uint64(len(body))))}
	}
	switch {
	case framing == "json":
		m.Body(body)
	case framing == "sse":
		feedEvents(t, m, src)
	case strings.HasPrefix(framing, "json-lines"):
		framed := frame(body, way%2 == 0)
		src = bytes.NewReader(framed)
		if way > 0 {
			src = &shreds{in: framed, rng: rand.New(rand.NewPCG(uint64(way), uint64(len(body))))}
		}
		feedEvents(t, m, src)
	case strings.Contains(framing, "eventstream"):
		feedFrames(t, m, src)
	default:
		t.Fatalf("unknown framing %q", framing)
	}
}

// frame turns lines of payloads into a server-sent event stream.
func frame(lines []byte, named bool) []byte {
	var out []byte
	for line := range bytes.Lines(lines) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		var head struct{ Type string }
		_ = json.Unmarshal(line, &head) // [DONE] is none
		name := ""
		if named {
			name = head.Type
		}
		out = sse.Append(out, []byte(name), line)
	}
	return out
}

func feedEvents(t *testing.T, m dialect.Meter, src io.Reader) {
	t.Helper()
	rd := sse.NewReader(src, 0)
	defer rd.Release()
	for {
		ev, err := rd.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if ev.Data != nil {
			m.Event(ev.Name, ev.Data)
		}
	}
}

func feedFrames(t *testing.T, m dialect.Meter, src io.Reader) {
	t.Helper()
	rd := bedrock.NewReader(src, 0)
	defer rd.Release()
	for {
		ev, err := rd.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		m.Event(ev.Name, ev.Data)
	}
}

// shreds reads in pieces of random size.
type shreds struct {
	in  []byte
	rng *rand.Rand
}

func (s *shreds) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1+s.rng.IntN(700))], s.in)
	s.in = s.in[n:]
	return n, nil
}

// check compares a reading with what the index says of the recording.
func (rec recording) check(t *testing.T, got dialect.Reading, body []byte) {
	t.Helper()
	u := got.Usage
	if strings.HasPrefix(rec.API, "bedrock.invoke") && u.Source == usage.Absent {
		headers := http.Header{}
		for name, value := range rec.Headers {
			headers.Set(name, value)
		}
		u = bedrock.HeaderUsage(headers.Get)
	}
	if rec.Status >= 400 && !got.Failed {
		t.Error("the error was not seen")
	}
	if rec.Usage == nil {
		if u.Input() != 0 || u.Output() != 0 || u.Reported != 0 || (len(rec.Extra) == 0 && u.Source != usage.Absent) {
			t.Errorf("no token usage was reported, read %+v", u)
		}
	} else {
		if u.Source != usage.Reported {
			t.Errorf("source %v, want reported", u.Source)
		}
		rec.checkTokens(t, &u)
	}
	// Some answers name no model; the index has it from the request.
	if rec.Model != nil && got.Model != *rec.Model && bytes.Contains(body, []byte(*rec.Model)) {
		t.Errorf("model %q, want %q", got.Model, *rec.Model)
	}
	for name, want := range rec.Extra {
		rec.checkExtra(t, &u, name, want)
	}
}

// checkTokens compares the token counts. Null means that the provider did not say.
func (rec recording) checkTokens(t *testing.T, u *usage.Usage) {
	t.Helper()
	figures := map[string]struct {
		got  int64
		kind usage.Kinds
	}{
		"input": {got: u.Input()}, "output": {got: u.Output()},
		"cached_read":    {u.CacheRead, usage.CacheRead},
		"cache_write":    {u.CacheWrite(), usage.CacheWrite},
		"cache_write_5m": {u.CacheWrite5m, usage.CacheWrite}, "cache_write_1h": {u.CacheWrite1h, usage.CacheWrite},
		"reasoning": {u.OutputReasoning, usage.Reasoning},
		"audio_in":  {u.InputAudio, usage.Audio}, "audio_out": {u.OutputAudio, usage.Audio},
		"image_in": {u.InputImage, usage.Image}, "image_out": {u.OutputImage, usage.Image},
	}
	for name, want := range rec.Usage {
		f, known := figures[name]
		paired := strings.HasPrefix(name, "audio_") || strings.HasPrefix(name, "image_") // one mark for both ways
		switch {
		case !known:
			t.Errorf("no figure for %s", name)
		case want != nil && f.got != *want:
			t.Errorf("%s: %d, want %d", name, f.got, *want)
		case want != nil && f.kind != 0 && u.Reported&f.kind == 0:
			t.Errorf("%s: %d was reported, but is not marked as such", name, *want)
		case want == nil && (f.got != 0 || !paired && u.Reported&f.kind != 0):
			t.Errorf("%s: %d, want not reported", name, f.got)
		}
	}
}

// checkExtra compares what an entry says beyond tokens.
func (rec recording) checkExtra(t *testing.T, u *usage.Usage, name string, want any) {
	t.Helper()
	switch name {
	case "served_model":
		if u.ServedModel != want {
			t.Errorf("served by %q, want %q", u.ServedModel, want)
		}
		return
	case "other_models":
		others := want.([]any)
		if len(u.Others) != len(others) {
			t.Fatalf("other models: %+v, want %v", u.Others, want)
		}
		for i, other := range others {
			o, w := &u.Others[i], other.(map[string]any)
			if o.Model != w["model"] || float64(o.Usage.Input()) != w["input"] || float64(o.Usage.Output()) != w["output"] {
				t.Errorf("other model: %+v, want %v", o, w)
			}
		}
		return
	}
	figures := map[string]float64{
		"images": float64(u.Images), "image_generation_calls": float64(u.Images),
		"audio_seconds": u.AudioSeconds, "prompt_audio_seconds": u.AudioSeconds,
		"characters": float64(u.Characters), "billable_characters": float64(u.Characters),
		"web_search_calls": float64(u.WebSearches), "web_search_requests": float64(u.WebSearches),
		"search_queries": float64(u.WebSearches), "num_search_queries": float64(u.WebSearches),
		"web_fetch_requests": float64(u.WebFetches), "file_search_calls": float64(u.FileSearches),
		"code_interpreter_calls": float64(u.CodeSessions), "server_side_tools": float64(u.ToolCalls),
		"search_units": float64(u.RerankUnits),
		"billed_input": float64(u.BilledInput), "billed_output": float64(u.BilledOutput),
		"cost_in_usd_ticks": float64(u.CostTicks), "cost_usd": float64(u.CostTicks) / 1e10, "cost": float64(u.CostTicks) / 1e10,
	}
	switch got, known := figures[name]; {
	case !known:
		t.Logf("unchecked: %s = %v", name, want)
	case got != want:
		t.Errorf("%s: %v, want %v", name, got, want)
	}
	if (name == "billed_input" || name == "billed_output") && !u.HasBilled || name == "cost_in_usd_ticks" && !u.HasCost {
		t.Errorf("%s: not marked as reported", name)
	}
}
