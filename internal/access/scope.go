package access

import (
	"slices"
	"strings"
)

// Scope says which models may be used: those within some patterns, except those of
// others. It implements caller.Models.
type Scope struct {
	All    bool     // every model is within; Within has no meaning
	Within Patterns // none allows nothing
	Except Patterns
}

// ParseScope makes a Scope of patterns; a nil list to allow is every model.
func ParseScope(allow, deny []string) (Scope, error) {
	within, err := ParsePatterns(allow)
	if err != nil {
		return Scope{}, err
	}
	except, err := ParsePatterns(deny)
	if err != nil {
		return Scope{}, err
	}
	return Scope{All: allow == nil, Within: within, Except: except}, nil
}

// Allow tells whether the model of this name may be used.
func (s *Scope) Allow(model string) bool {
	return (s.All || s.Within.Allow(model)) && !s.Except.Allow(model)
}

// Deny tells whether the model of this name is one of the exceptions.
func (s *Scope) Deny(model string) bool { return s.Except.Allow(model) }

// List appends to dst the names and patterns that a configured name or pattern
// comes down to, without those of which nothing may be used.
func (s *Scope) List(dst []string, configured string) []string {
	start := len(dst)
	if s.All {
		dst = append(dst, configured)
	} else {
		dst = s.Within.List(dst, configured)
	}
	listed := slices.DeleteFunc(dst[start:], s.denied)
	return dst[:start+len(listed)]
}

// denied tells whether nothing remains of what is listed.
func (s *Scope) denied(listed string) bool {
	return slices.ContainsFunc(s.Except, func(p Pattern) bool { return p.covers(listed) })
}

// covers tells whether p matches all that a listed name or pattern does, which may
// have its wildcard in the middle.
func (p Pattern) covers(listed string) bool {
	head, tail, wild := strings.Cut(listed, "*")
	switch {
	case !wild:
		return p.Match(listed)
	case p.shape == prefix:
		return strings.HasPrefix(head, p.literal)
	case p.shape == suffix:
		return strings.HasSuffix(tail, p.literal)
	default:
		return p.shape == all
	}
}
