package routing

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// PathKind says how a path is compared.
type PathKind uint8

// The kinds of path match.
const (
	PathPrefix PathKind = iota // whole segments from the start
	PathExact
	PathRegex // the whole path
)

// Path is a condition on the path of a request.
type Path struct {
	Kind  PathKind
	Value string
	Regex *regexp.Regexp // set for PathRegex; anchored by whoever compiles it
}

// Condition is a named value to compare: exactly Exact, or against Regex if set.
type Condition struct {
	Name  string
	Exact string
	Regex *regexp.Regexp
}

func (c *Condition) holds(value string, present bool) bool {
	if !present {
		return false
	}
	if c.Regex != nil {
		return c.Regex.MatchString(value)
	}
	return value == c.Exact
}

// Match is one way for a request to belong to a route: all its conditions hold.
type Match struct {
	Path    Path
	Method  string // "" any
	Headers []Condition
	Query   []Condition
}

// Subject is the head of a request as far as matching needs it.
type Subject interface {
	Host() string // without port, lower case
	Method() string
	Path() string // decoded, absolute
	HeaderValue(name string) (string, bool)
	QueryValue(name string) (string, bool)
}

// Entry binds a match on a set of hosts to a route.
type Entry[R any] struct {
	Hostname string // exact, "*.example.com", or "" for every host
	Match    Match
	Route    R
}

// Table finds the route of a request. Entries are tried in the order of the
// Gateway API: the most specific host, then an exact path before the longest
// prefix, a method, the number of header and of query conditions, and at last
// the order in which they were written.
type Table[R any] struct{ entries []Entry[R] }

// NewTable sorts entries by precedence.
func NewTable[R any](entries []Entry[R]) *Table[R] {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry[R]) int {
		return cmp.Or(
			-cmp.Compare(HostRank(a.Hostname), HostRank(b.Hostname)),
			-cmp.Compare(pathRank(a.Match.Path), pathRank(b.Match.Path)),
			-cmp.Compare(len(a.Match.Path.Value), len(b.Match.Path.Value)),
			-cmp.Compare(min(len(a.Match.Method), 1), min(len(b.Match.Method), 1)),
			-cmp.Compare(len(a.Match.Headers), len(b.Match.Headers)),
			-cmp.Compare(len(a.Match.Query), len(b.Match.Query)),
		)
	})
	return &Table[R]{sorted}
}

// HostRank orders host names: exact ones before wildcards, longer ones before
// shorter, and the one for every host last. Greater goes first.
func HostRank(h string) int {
	switch {
	case h == "" || h == "*":
		return 0
	case strings.HasPrefix(h, "*."):
		return len(h)
	default:
		return 1<<16 + len(h)
	}
}

func pathRank(p Path) int {
	if p.Kind == PathExact {
		return 1
	}
	return 0
}

// Find gives the first route whose conditions hold, and the match it came by.
func (t *Table[R]) Find(s Subject) (route R, by *Match, ok bool) {
	for i := range t.entries {
		e := &t.entries[i]
		if HostMatches(e.Hostname, s.Host()) && e.Match.holds(s) {
			return e.Route, &e.Match, true
		}
	}
	return route, nil, false
}

// HostMatches tells whether a host belongs to a hostname pattern: an exact
// name, "*.example.com" for at least one more label, "" or "*" for all.
func HostMatches(pattern, host string) bool {
	switch {
	case pattern == "" || pattern == "*":
		return true
	case strings.HasPrefix(pattern, "*."):
		suffix := pattern[1:]
		return len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix)
	default:
		return strings.EqualFold(pattern, host)
	}
}

func (m *Match) holds(s Subject) bool {
	if m.Method != "" && m.Method != s.Method() {
		return false
	}
	if !m.Path.holds(s.Path()) {
		return false
	}
	if len(m.Headers) > 0 && !All(m.Headers, s.HeaderValue) {
		return false
	}
	return len(m.Query) == 0 || All(m.Query, s.QueryValue)
}

func (p *Path) holds(path string) bool {
	switch p.Kind {
	case PathExact:
		return path == p.Value
	case PathRegex:
		return p.Regex.MatchString(path)
	default:
		return HasPathPrefix(path, p.Value)
	}
}

// HasPathPrefix tells whether path begins with prefix on a segment boundary:
// /v1 is a prefix of /v1 and /v1/chat, not of /v10.
func HasPathPrefix(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	if !strings.HasPrefix(path, prefix) {
		return false
	}
	return len(path) == len(prefix) || path[len(prefix)] == '/'
}

// ReplacePathPrefix replaces a matched prefix, with exactly one slash between what
// it puts and what it keeps, as ReplacePrefixMatch of the Gateway API does. What is
// kept of a path that goes on with a slash begins with it, if it is no more than that.
func ReplacePathPrefix(path, prefix, with string) string {
	rest := path[min(len(strings.TrimSuffix(prefix, "/")), len(path)):]
	if path = strings.TrimSuffix(with, "/") + rest; path == "" {
		return "/"
	}
	return path
}

// All tells whether every condition holds for the values that get gives.
func All(conditions []Condition, get func(name string) (string, bool)) bool {
	for i := range conditions {
		if v, ok := get(conditions[i].Name); !conditions[i].holds(v, ok) {
			return false
		}
	}
	return true
}
