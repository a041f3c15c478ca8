package expression

import (
	"fmt"
	"strings"
)

// selector is an expression that needs no CEL: a literal string or one member
// of a variable, which is what most configured expressions are. It gives what
// CEL would give.
type selector struct {
	literal string
	root    root
	shape   *shape // nil: a literal
	field   string
	header  string // canonical name, for request.headers["name"]
	absent  error  // of every evaluation without a value; requests often lack one
}

// parseSelector recognises "text", variable.name and request.headers["name"].
func parseSelector(source string) (selector, bool) {
	source = strings.TrimSpace(source)
	if text, ok := plainString(source); ok {
		return selector{literal: text}, true
	}
	variable, rest, ok := strings.Cut(source, ".")
	if !ok {
		return selector{}, false
	}
	for r := range shapes {
		if shapes[r].name != variable {
			continue
		}
		s := selector{root: root(r), shape: &shapes[r], field: rest, absent: fmt.Errorf("%s: %w", source, errAbsent)}
		if isName(rest) {
			return s, true
		}
		index, ok := strings.CutPrefix(rest, "headers[")
		if !ok || s.root != rootRequest && s.root != rootResponse {
			return selector{}, false
		}
		index, ok = strings.CutSuffix(index, "]")
		name, plain := plainString(index)
		s.field, s.header = "headers", canonical(name)
		return s, ok && plain && name != ""
	}
	return selector{}, false
}

// plainString gives the value of a string literal without escapes.
func plainString(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' && s[0] != '\'' || s[len(s)-1] != s[0] {
		return "", false
	}
	text := s[1 : len(s)-1]
	return text, !strings.ContainsAny(text, "\"'\\\r\n")
}

// isName tells whether s is a member's name to CEL.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	switch s {
	case "", "in", "true", "false", "null":
		return false
	}
	return true
}

// canHold tells whether the value can be a truth value: what operators and
// callers make up can, text never.
func (s *selector) canHold() bool {
	if s.shape == nil || s.header != "" {
		return false
	}
	switch s.shape.name {
	case "apiKey", "llmRequest":
		return true
	case "llm":
		return s.field == "streaming"
	default:
		return false
	}
}

func (s *selector) check() error {
	if s.shape == nil {
		return nil
	}
	if _, err := checkMember(s.shape.name, s.field); err != nil {
		return &SyntaxError{1, 1, err.Error()}
	}
	return nil
}

// missing names the member if it never has a value.
func (s *selector) missing() []string {
	if s.shape == nil {
		return nil
	}
	if name, err := checkMember(s.shape.name, s.field); err == nil && name != "" {
		return []string{name}
	}
	return nil
}

// variables names what the selector reads.
func (s *selector) variables() []string {
	switch {
	case s.shape == nil:
		return nil
	case s.root == rootLLM && s.field == "params":
		return []string{s.shape.name, bodyVariable}
	default:
		return []string{s.shape.name}
	}
}

func (s *selector) value(in *Input) (any, error) {
	if s.shape == nil {
		return s.literal, nil
	}
	if !s.shape.present(in) {
		return nil, s.absent
	}
	v, ok := s.shape.field(in, s.field)
	if ok && s.header != "" {
		v, ok = headerValue(v.(*headers).lines, s.header)
	}
	if !ok {
		return nil, s.absent
	}
	return v, nil
}
