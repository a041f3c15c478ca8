package config

import (
	"path/filepath"
	"strings"
)

// expand replaces what refers to the environment in a value: $NAME, ${NAME},
// ${NAME:-default}, $$ for a dollar sign, and a leading ~/ for the home
// directory. What comes in is never looked at again.
func (d *decoder) expand(text string, at Position) (string, bool) {
	if d.opts.Literal {
		return text, true
	}
	var out strings.Builder
	ok := true
	if rest, tilde := strings.CutPrefix(text, "~/"); tilde {
		home, err := d.opts.HomeDir()
		if err != nil {
			d.report.Add(at, "cannot expand ~/: %v", err)
			return "", false
		}
		out.WriteString(home + string(filepath.Separator))
		text = rest
	}
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String(), ok
		}
		var value string
		var good bool
		value, text, good = d.variable(after, at)
		out.WriteString(value)
		ok = ok && good
	}
}

// variable reads what follows a dollar sign and gives its value and the rest of
// the text.
func (d *decoder) variable(text string, at Position) (value, rest string, ok bool) {
	switch {
	case strings.HasPrefix(text, "$"):
		return "$", text[1:], true
	case strings.HasPrefix(text, "{"):
		return d.braced(text[1:], at)
	}
	n := nameLen(text)
	if n == 0 {
		return "$", text, true
	}
	value, ok = d.lookup(text[:n], at)
	return value, text[n:], ok
}

// braced reads NAME} or NAME:-default}.
func (d *decoder) braced(text string, at Position) (value, rest string, ok bool) {
	inside, rest, closed := strings.Cut(text, "}")
	name, fallback, has := strings.Cut(inside, ":-")
	if !closed || name == "" || nameLen(name) != len(name) {
		d.add(at, "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign", "a reference to the environment is malformed")
		return "", "", false
	}
	if has {
		if value, found := d.opts.LookupEnv(name); found {
			return value, rest, true
		}
		return fallback, rest, true
	}
	value, ok = d.lookup(name, at)
	return value, rest, ok
}

func (d *decoder) lookup(name string, at Position) (string, bool) {
	value, found := d.opts.LookupEnv(name)
	if !found {
		d.add(at, "set it, or write ${"+name+":-default}; $$ stands for a dollar sign", "environment variable not found: %s", name)
	}
	return value, found
}

// nameLen gives the length of the variable name that a text begins with.
func nameLen(text string) int {
	for i := range len(text) {
		c := text[i]
		if c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' || i > 0 && '0' <= c && c <= '9' {
			continue
		}
		return i
	}
	return len(text)
}
