package config

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"tollgate/internal/spelling"
)

// check reports what is wrong with a document whatever it means: names twice in
// one object, names that are no text, merge keys.
func (d *decoder) check(n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.SequenceNode:
		for i, item := range n.Content {
			d.check(item, path+"["+strconv.Itoa(i)+"]")
		}
	case yaml.MappingNode:
		first := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			name, ok := keyText(key)
			if !ok {
				d.add(d.at(key, path), "", "%s", keyProblem(key))
				continue
			}
			below := join(path, quoteName(name))
			if line, twice := first[name]; twice {
				d.add(d.at(key, below), "", "is given twice; the first one is on line %d", line)
			} else {
				first[name] = key.Line
			}
			d.check(n.Content[i+1], below)
		}
	}
}

func keyProblem(key *yaml.Node) string {
	if key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
		return "merge keys (<<) are not supported; write the fields out"
	}
	return "a field name must be text"
}

// keyText gives the name of a field.
func keyText(key *yaml.Node) (string, bool) {
	for key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	if key.Kind != yaml.ScalarNode {
		return "", false
	}
	switch key.ShortTag() {
	case "!!merge", "!!null", "!!binary":
		return "", false
	}
	return key.Value, true
}

// isNull tells whether a node has no value: that counts as left out.
func isNull(n *yaml.Node) bool {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// quoteName gives a field name as it stands in a path.
func quoteName(name string) string {
	if plainName.MatchString(name) && len(name) <= maxShown {
		return name
	}
	return quoteShort(name)
}

// maxShown bounds what of a text is repeated in a message, in bytes.
const maxShown = 60

func quoteShort(text string) string {
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return strconv.Quote(text)
}

// suggest gives a hint with the name that was probably meant, "" if none is near.
func suggest(name string, known []string) string {
	best := spelling.Nearest(name, known)
	if best == "" {
		return ""
	}
	return "did you mean " + strconv.Quote(best) + "?"
}

var dayPart = regexp.MustCompile(`^(\d+(?:\.\d+)?)d`)

// parseDuration reads a duration as Go writes it, with days in front if wanted.
// It is never negative.
func parseDuration(text string) (time.Duration, error) {
	rest, days := text, 0.0
	if m := dayPart.FindStringSubmatch(text); m != nil {
		var err error
		if days, err = strconv.ParseFloat(m[1], 64); err != nil {
			return 0, err
		}
		rest = text[len(m[0]):]
	}
	var length time.Duration
	if rest != "" || text == "" {
		var err error
		if length, err = time.ParseDuration(rest); err != nil {
			return 0, err
		}
	}
	whole := days*float64(24*time.Hour) + float64(length)
	if length < 0 || whole >= math.MaxInt64 {
		return 0, errors.New("out of range")
	}
	return time.Duration(days*float64(24*time.Hour)) + length, nil
}
