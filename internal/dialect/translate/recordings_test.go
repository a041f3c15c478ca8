package translate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/dialect/translate"
)

// TestRecordings translates what Anthropic has really answered: the text arrives whole, and
// the usage is that of the index.
func TestRecordings(t *testing.T) {
	dir := os.Getenv("TOLLGATE_RECORDINGS")
	if dir == "" {
		t.Skip("TOLLGATE_RECORDINGS names no folder of recorded answers; the rules are tested on hand-written ones")
	}
	var index struct {
		Files []struct {
			File, API, Framing string
			Usage              struct{ Input, Output int64 }
		}
	}
	if err := json.Unmarshal([]byte(read(t, filepath.Join(dir, "index.json"))), &index); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, rec := range index.Files {
		if rec.API != "anthropic.messages" {
			continue
		}
		n++
		t.Run(rec.File, func(t *testing.T) {
			body := read(t, filepath.Join(dir, filepath.FromSlash(rec.File)))
			var c completion
			if rec.Framing == "json" {
				out, err := answerOf(body)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(out, &c); err != nil {
					t.Fatal(err)
				}
			} else {
				o := translate.Options{ID: "req_1", IncludeUsage: true}
				stream, ended, err := streamOf(strings.NewReader(framed(body)), o)
				if err != nil || !ended {
					t.Fatalf("ended %v, %v", ended, err)
				}
				c, _ = collected(t, stream)
			}
			m := c.Choices[0].Message
			if got := content(&m); got != textIn(t, body, rec.Framing == "json") || c.Choices[0].FinishReason == "" || !strings.HasPrefix(c.ID, "msg_") || c.Model == "" {
				t.Errorf("%s", asJSON(c))
			}
			if u := c.Usage; u == nil || u.Prompt != rec.Usage.Input || u.Completion != rec.Usage.Output || u.Total != u.Prompt+u.Completion {
				t.Errorf("usage %s, want %+v", asJSON(u), rec.Usage)
			}
		})
	}
	if n == 0 {
		t.Error("the index names no messages")
	}
}

// framed makes a stream of one event a line.
func framed(lines string) string {
	var b strings.Builder
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString("data: " + line + "\n\n")
		}
	}
	return b.String()
}

func content(m *message) string {
	if m.Content == nil {
		return ""
	}
	return *m.Content
}

// textIn reads the text of an answer in the most simple way.
func textIn(t *testing.T, body string, whole bool) string {
	t.Helper()
	var b strings.Builder
	if whole {
		var m struct{ Content []struct{ Type, Text string } }
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		for _, c := range m.Content {
			if c.Type == "text" {
				b.WriteString(c.Text)
			}
		}
		return b.String()
	}
	for line := range strings.Lines(body) {
		var e struct{ Delta struct{ Text string } }
		if json.Unmarshal([]byte(line), &e) == nil {
			b.WriteString(e.Delta.Text)
		}
	}
	return b.String()
}
