package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// rule tells which model names an entry stands for. All but regular expressions
// are compared without regard to case.
type rule struct {
	shape   ruleShape
	literal string // lower case
	regex   *regexp.Regexp
	negated bool
	all     []rule
}

type ruleShape uint8

const (
	equals ruleShape = iota
	startsWith
	endsWith
	contains
	expression
	allOf
)

// parseRule reads "name", "prefix*", "*suffix", "*part*", "/expression/" or
// "!/expression/".
func parseRule(s string) (rule, error) {
	if text, negated := strings.CutPrefix(s, "!"); strings.HasPrefix(text, "/") {
		inner, closed := strings.CutSuffix(text[1:], "/")
		if !closed || len(text) < 3 {
			return rule{}, fmt.Errorf("rule %q: a regular expression stands between two slashes", s)
		}
		re, err := regexp.Compile(inner)
		if err != nil {
			return rule{}, fmt.Errorf("rule %q: %w", s, err)
		}
		return rule{shape: expression, regex: re, negated: negated}, nil
	}
	r := rule{literal: strings.ToLower(s)}
	var front, back bool
	r.literal, front = strings.CutPrefix(r.literal, "*")
	r.literal, back = strings.CutSuffix(r.literal, "*")
	switch {
	case r.literal == "":
		return rule{}, errors.New("a rule must name at least a part of a model's name")
	case strings.Contains(r.literal, "*"):
		return rule{}, fmt.Errorf("rule %q: a star stands for any characters at the beginning or the end only", s)
	case front && back:
		r.shape = contains
	case front:
		r.shape = endsWith
	case back:
		r.shape = startsWith
	}
	return r, nil
}

// matches takes a name as it was written and in lower case.
func (r *rule) matches(name, lower string) bool {
	switch r.shape {
	case equals:
		return lower == r.literal
	case startsWith:
		return strings.HasPrefix(lower, r.literal)
	case endsWith:
		return strings.HasSuffix(lower, r.literal)
	case contains:
		return strings.Contains(lower, r.literal)
	case expression:
		return r.regex.MatchString(name) != r.negated
	}
	for i := range r.all {
		if !r.all[i].matches(name, lower) {
			return false
		}
	}
	return true
}
