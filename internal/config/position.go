package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Position is a place in a configuration.
type Position struct {
	File   string // as it was named; "-" for standard input
	Line   int    // from 1; 0 if nothing stands in the file for it
	Column int    // from 1
	Path   string // for instance llm.models[0].params

	inferred bool // Line and Column are those of what Path stands in
}

// String gives file:line:column, leaving out what is not known.
func (p Position) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
	}
	return s
}

// Child gives the position of a field. A Report knows where the field stands,
// if the text has it.
func (p Position) Child(field string) Position {
	p.Path = join(p.Path, field)
	p.inferred = true
	return p
}

// Index gives the position of an element of a list.
func (p Position) Index(i int) Position {
	p.Path += "[" + strconv.Itoa(i) + "]"
	p.inferred = true
	return p
}

// Problem is one thing that is wrong with a configuration, or that its author
// should know. It never contains the value of a secret.
type Problem struct {
	File    string
	Line    int
	Column  int
	Path    string
	Message string
	Hint    string // what to do instead, "" if there is nothing to say
}

// String gives the problem as one line: place, path, message, hint.
func (p Problem) String() string {
	s := Position{File: p.File, Line: p.Line, Column: p.Column}.String()
	if s != "" {
		s += ": "
	}
	if p.Path != "" {
		s += p.Path + ": "
	}
	s += p.Message
	if p.Hint != "" {
		s += "; " + p.Hint
	}
	return s
}

// Report is what was found while a configuration was read. Whoever compiles
// the configuration adds to it, so that one run tells everything. Each step
// finds more in what the earlier ones left whole: a problem with a place at or
// below which an earlier step found one already follows from that one, and is
// left out.
type Report struct {
	Problems []Problem // reasons to refuse the configuration
	Warnings []Problem // things that have no effect
	Files    []string  // every file that the configuration refers to, read or not, without repetition

	earlier int // how many of Problems are those of the earlier steps

	sums   map[string]sum      // of the text and of each file, as they were read
	places map[string]Position // of everything that the text has, by path
}

// Add records a reason to refuse the configuration.
func (r *Report) Add(at Position, format string, args ...any) {
	r.add(at, "", format, args...)
}

// Warn records something that has no effect.
func (r *Report) Warn(at Position, format string, args ...any) {
	r.Warnings = append(r.Warnings, r.problem(at, "", format, args...))
}

// Err gives a *Problems with everything that was added, nil if nothing was.
func (r *Report) Err() error {
	if len(r.Problems) == 0 {
		return nil
	}
	list := slices.Clone(r.Problems)
	sortProblems(list)
	return &Problems{List: list}
}

// Problems is the error of a configuration that is refused.
type Problems struct{ List []Problem } // sorted by place

// Error gives one line for each problem.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i := range p.List {
		lines[i] = p.List[i].String()
	}
	return strings.Join(lines, "\n")
}

func (r *Report) add(at Position, hint, format string, args ...any) {
	if r.spoiled(at, r.earlier) {
		return
	}
	r.Problems = append(r.Problems, r.problem(at, hint, format, args...))
}

// step begins a new step.
func (r *Report) step() { r.earlier = len(r.Problems) }

// spoiled tells whether one of the first problems is at a position or below it.
func (r *Report) spoiled(at Position, first int) bool {
	return slices.ContainsFunc(r.Problems[:first], func(p Problem) bool {
		below, ok := strings.CutPrefix(p.Path, at.Path)
		return ok && (below == "" || below[0] == '.' || below[0] == '[')
	})
}

func (r *Report) problem(at Position, hint, format string, args ...any) Problem {
	if place, ok := r.places[at.Path]; ok && at.inferred {
		at = place
	}
	return Problem{
		File: at.File, Line: at.Line, Column: at.Column, Path: at.Path,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}

func sortProblems(list []Problem) {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// join puts a field name behind a path.
func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
