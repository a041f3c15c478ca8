package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Pattern names models: one exactly, those with a prefix ("gpt-5*") or a suffix
// ("*-mini"), or all ("*"). Patterns are compared with ==. The zero Pattern
// matches nothing.
type Pattern struct {
	shape   shape
	literal string // without the wildcard
}

type shape uint8

const (
	nothing shape = iota
	exact
	prefix // literal*
	suffix // *literal
	all
)

// ParsePattern reads a pattern. The error says what is wrong with it.
func ParsePattern(s string) (Pattern, error) {
	switch at := strings.IndexByte(s, '*'); {
	case s == "":
		return Pattern{}, errors.New("a model pattern cannot be empty")
	case at < 0:
		return Pattern{exact, s}, nil
	case strings.IndexByte(s[at+1:], '*') >= 0:
		return Pattern{}, fmt.Errorf("model pattern %q has more than one wildcard", s)
	case s == "*":
		return Pattern{all, ""}, nil
	case at == len(s)-1:
		return Pattern{prefix, s[:at]}, nil
	case at == 0:
		return Pattern{suffix, s[1:]}, nil
	default:
		return Pattern{}, fmt.Errorf("model pattern %q has a wildcard in the middle; it can only begin or end with one", s)
	}
}

// Match tells whether the pattern covers the model of this name.
func (p Pattern) Match(model string) bool {
	switch p.shape {
	case exact:
		return model == p.literal
	case prefix:
		return strings.HasPrefix(model, p.literal)
	case suffix:
		return strings.HasSuffix(model, p.literal)
	default:
		return p.shape == all
	}
}

// String gives the pattern as it is written.
func (p Pattern) String() string {
	switch p.shape {
	case prefix:
		return p.literal + "*"
	case suffix:
		return "*" + p.literal
	case all:
		return "*"
	default:
		return p.literal
	}
}

// Exact tells whether the pattern is the name of one model.
func (p Pattern) Exact() bool { return p.shape == exact }

// Compare orders patterns by how specific they are: negative if p is more
// specific than q, that is if it has more literal characters. Sort with a
// stable algorithm: those that are equally specific keep their order.
func (p Pattern) Compare(q Pattern) int { return len(q.literal) - len(p.literal) }

// intersect gives what two patterns both cover, written as a name or pattern.
// A prefix and a suffix have no pattern for that; they are written with the
// wildcard between them, which is for people to read.
func (p Pattern) intersect(q Pattern) (string, bool) {
	if p.shape > q.shape {
		p, q = q, p
	}
	switch {
	case p.shape == nothing:
		return "", false
	case q.shape == all:
		return p.String(), true
	case p.shape == exact:
		return p.literal, q.Match(p.literal)
	case p.shape != q.shape:
		return p.literal + "*" + q.literal, true
	}
	if len(p.literal) < len(q.literal) { // of two alike the longer one, if it is within the other
		p, q = q, p
	}
	return p.String(), q.Match(p.literal)
}

// Patterns is a list of which any may match; an empty one allows nothing. It
// implements caller.Models.
type Patterns []Pattern

// ParsePatterns reads a list of patterns. The error names every bad one with
// its position, counted from 0.
func ParsePatterns(list []string) (Patterns, error) {
	out := make(Patterns, 0, len(list))
	var problems []error
	for i, s := range list {
		p, err := ParsePattern(s)
		if err != nil {
			problems = append(problems, fmt.Errorf("[%d]: %w", i, err))
			continue
		}
		out = append(out, p)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return out, nil
}

// Allow tells whether any of the patterns covers the model of this name.
func (ps Patterns) Allow(model string) bool {
	for i := range ps {
		if ps[i].Match(model) {
			return true
		}
	}
	return false
}

// Deny is never: a list of what is allowed has no exceptions.
func (ps Patterns) Deny(string) bool { return false }

// List appends to dst the names and patterns that a configured name or pattern
// and any of ps both cover, in the order of ps and without repetition.
func (ps Patterns) List(dst []string, configured string) []string {
	p, err := ParsePattern(configured)
	if err != nil {
		return dst // no pattern that could have been configured
	}
	start := len(dst)
	for _, allowed := range ps {
		if both, ok := p.intersect(allowed); ok && !slices.Contains(dst[start:], both) {
			dst = append(dst, both)
		}
	}
	return dst
}
