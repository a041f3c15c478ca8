package request

import (
	"bytes"
	"strings"

	"tollgate/internal/dialect"
)

// Survey is what decides, beside its length, how much a request can come to. Where
// a request can be read in two ways it tells the larger one.
type Survey struct {
	// Prompts is how many prompts are to be answered, Answers how many outputs are
	// asked for in all: each can be as long as the bound of the output.
	Prompts, Answers int64
	// Media counts the parts of the prompt that are no text, so that their length
	// says nothing; Stored tells that a part of the prompt is kept elsewhere.
	Media  int64
	Stored bool
	// Hosted tells that the provider may run tools on its side, whose results are
	// read as well: Uses times at most. Bounded tells that the request itself holds
	// the provider to that.
	Hosted, Bounded bool
	Uses            int64
	// Compacts tells that the provider may sum the prompt up before it answers: the prompt
	// is then read once more, and the summary written.
	Compacts bool
	// Speaks tells that something else than text was asked for.
	Speaks bool
	// CacheWrite and HourWrite tell what may be written to a prompt cache.
	CacheWrite, HourWrite bool
	// Predicted is the length of an output that the caller foresees, in bytes:
	// where it is wrong it is paid for beside the real one.
	Predicted int64
	Documents int64 // to be ranked
	// Service, Speed and Geo are how it is to be served, "" if not said.
	Service, Speed, Geo string
}

// MaxUses is how often a provider runs tools of its own for one answer where the
// request says no number: Anthropic's loop ends there, and a request for a response
// that has no bound of its own is to be given this one.
const MaxUses = 10

// Measure surveys a body that Peek accepted. Usually it reads little of it.
func Measure(op dialect.Operation, body []byte, p *Peeked) Survey {
	s := Survey{Prompts: 1}
	s.measurePrompt(op, body, p)
	s.Answers = max(1, p.N, p.BestOf)
	if s.Answers > maxCount/s.Prompts {
		s.Answers = maxCount
	} else {
		s.Answers *= s.Prompts
	}
	if v, ok := p.Value(body, "modalities"); ok && !bytes.Equal(bytes.Join(bytes.Fields(v), nil), []byte(`["text"]`)) && string(v) != "null" {
		s.Speaks = true
	}
	if v, ok := p.Value(body, "context_management"); ok && (bytes.Contains(v, []byte("compact")) || bytes.Contains(v, escape)) {
		s.Compacts = true
		s.Answers++
	}
	if v, ok := p.Value(body, "prediction"); ok {
		s.Predicted = int64(len(v))
	}
	escaped := bytes.Contains(body, escape)
	s.CacheWrite = op != dialect.Messages || escaped || bytes.Contains(body, []byte("cache_control"))
	s.HourWrite = s.CacheWrite && (escaped || bytes.Contains(body, []byte("1h")))
	s.Service, s.Speed, s.Geo = text(body, p, "service_tier"), text(body, p, "speed"), text(body, p, "inference_geo")
	s.measureTools(op, body, p)
	return s
}

// text gives a member that is a text.
func text(body []byte, p *Peeked, name string) string {
	v, ok := p.Value(body, name)
	if !ok || len(v) == 0 || v[0] != '"' {
		return ""
	}
	return string(unquote(v))
}

// escape is how a plain letter can be written so that it is not seen in the text.
var escape = []byte(`\u00`)

// suspects are in every body that has something else than text in its prompt.
var suspects = [...][]byte{
	[]byte("image"), []byte("audio"), []byte("video"), []byte("file"), []byte("document"), []byte("media"), []byte("screenshot"),
	[]byte("reference"), []byte("container"), []byte("search"), []byte("_call"), []byte("mcp"), []byte("compaction"), escape,
}

func (s *Survey) measurePrompt(op dialect.Operation, body []byte, p *Peeked) {
	switch op {
	case dialect.Completions:
		if v, ok := p.Value(body, "prompt"); ok {
			s.Prompts = prompts(v)
		}
		return
	case dialect.Rerank:
		if v, ok := p.Value(body, "documents"); ok {
			r := newReader(v)
			n, _, _ := elements(r, "documents", false)
			r.release()
			s.Documents = int64(n)
		}
		return
	case dialect.Responses:
		for _, name := range [...]string{"previous_response_id", "conversation", "prompt"} {
			if v, ok := p.Value(body, name); ok && string(v) != "null" {
				s.Stored = true
			}
		}
	case dialect.Chat, dialect.Messages:
	default:
		return
	}
	for _, name := range [...]string{"messages", "input", "system"} {
		if v, ok := p.Value(body, name); ok && suspicious(v) {
			r := newReader(v)
			_ = s.walk(r, 0) // what does not parse was refused before
			r.release()
		}
	}
}

func suspicious(v []byte) bool {
	for _, word := range suspects {
		if bytes.Contains(v, word) {
			return true
		}
	}
	return false
}

// prompts counts those of a completion: a list of texts, or of lists of tokens,
// is one for each.
func prompts(v []byte) int64 {
	r := newReader(v)
	defer r.release()
	if r.PeekKind() != '[' {
		return 1
	}
	n := int64(0)
	_ = array(r, func() error {
		if r.PeekKind() != '0' {
			n++
		}
		return r.SkipValue()
	})
	return max(n, 1)
}

// plain are the types of what is read as text.
var plain = map[string]bool{
	"text": true, "input_text": true, "output_text": true, "message": true, "refusal": true, "function": true, "custom": true,
	"function_call": true, "function_call_output": true, "custom_tool_call": true, "custom_tool_call_output": true,
	"reasoning": true, "reasoning_text": true, "summary_text": true,
	"tool_use": true, "tool_result": true, "thinking": true, "redacted_thinking": true, "ephemeral": true,
}

// walk counts what is no text in a prompt.
func (s *Survey) walk(r *reader, depth int) error {
	switch r.PeekKind() {
	case '[':
		return array(r, func() error { return s.walk(r, depth+1) })
	case '{':
		return object(r, func(name []byte) error {
			switch string(name) {
			case "type":
				raw, err := r.ReadValue()
				if err == nil && raw.Kind() == '"' && !plain[string(unquote(raw))] {
					s.Media++
				}
				return err
			case "audio", "file_id", "container", "image_url", "audio_url", "video_url", "document_url", "file_url":
				if r.PeekKind() != 'n' {
					s.Stored = true
				}
			case "input", "arguments", "parameters", "input_schema": // JSON that is read as text
				if depth > 0 {
					return r.SkipValue()
				}
			}
			return s.walk(r, depth+1)
		})
	default:
		return r.SkipValue()
	}
}

// measureTools finds tools that the provider runs.
func (s *Survey) measureTools(op dialect.Operation, body []byte, p *Peeked) {
	capped := true
	for _, name := range [...]string{"web_search_options", "search_parameters", "mcp_servers", "container", "plugins"} {
		if v, ok := p.Value(body, name); ok && string(v) != "null" {
			s.Hosted, capped = true, false
		}
	}
	if v, ok := p.Value(body, "prompt"); ok && op == dialect.Responses && string(v) != "null" {
		s.Hosted, capped = true, false // a prompt kept at the provider may bring tools along
	}
	if tools, ok := p.Value(body, "tools"); ok && len(tools) > 0 && tools[0] == '[' {
		r := newReader(tools)
		_ = array(r, func() error {
			kind, uses, err := tool(r)
			if err == nil && !local(kind) {
				s.Hosted = true
				s.Uses = min(s.Uses+uses, maxCount)
				capped = capped && uses > 0
			}
			return err
		})
		r.release()
	}
	if !s.Hosted {
		return
	}
	if v, ok := p.Value(body, "max_tool_calls"); ok && op == dialect.Responses {
		n, err := number("max_tool_calls", v)
		s.Bounded = err == nil && v[0] != '-'
		if s.Bounded && n > 0 {
			s.Uses = n
			return
		}
	}
	if !capped || s.Uses == 0 {
		s.Uses = max(s.Uses, MaxUses)
	}
}

// tool reads the type of a tool and how often it may be used.
func tool(r *reader) (kind string, uses int64, err error) {
	err = object(r, func(name []byte) error {
		raw, err := r.ReadValue()
		if err != nil {
			return err
		}
		switch string(name) {
		case "type":
			if raw.Kind() == '"' {
				kind = string(unquote(raw))
			}
		case "max_uses":
			uses, _ = number("max_uses", raw)
		}
		return nil
	})
	return kind, uses, err
}

// local tells the tools that the caller runs.
func local(kind string) bool {
	switch kind {
	case "", "function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview":
		return true
	}
	for _, prefix := range [...]string{"bash_", "text_editor_", "computer_", "memory_"} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}
