package control

import (
	"fmt"
	"strconv"
	"strings"

	"tollgate/api/admin"
	"tollgate/internal/vkey"
)

// problems collects all that is wrong with what was asked for, so that it can be
// told at once.
type problems []admin.ProblemField

func (p *problems) add(path, format string, args ...any) {
	p.suggest(path, "", format, args...)
}

func (p *problems) suggest(path, suggestion, format string, args ...any) {
	*p = append(*p, admin.ProblemField{Path: path, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

// oneOf tells that a word is none of those that are known.
func (p *problems) oneOf(path, word string, known []string) {
	p.suggest(path, nearest(word, known), "%s is none of %s", shown(word), strings.Join(known, ", "))
}

// err is nil if nothing is wrong.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	detail := p[0].Path + ": " + p[0].Message
	if n := len(p); n > 1 {
		detail = fmt.Sprintf("%s (and %d more)", detail, n-1)
	}
	return &Error{Kind: Invalid, Code: "invalid", Detail: detail, Fields: p}
}

// maxShown bounds what of a stranger's text is repeated in a message, in bytes.
const maxShown = 60

func shown(text string) string {
	text = vkey.Veil(text)
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return strconv.Quote(text)
}

// nearest gives the known word that was probably meant, "" if none is near. Of two that
// are equally near it is the one with the same first letter.
func nearest(word string, known []string) string {
	if len(word) > maxShown {
		return ""
	}
	word = strings.ToLower(word)
	best, distance := "", 2+2*max(1, len(word)/3)
	for _, k := range known {
		n := 2 * edits(word, k)
		if word == "" || k == "" || word[0] != k[0] {
			n++
		}
		if n < distance {
			best, distance = k, n
		}
	}
	return best
}

// edits counts the insertions, deletions, replacements and swaps of neighbours between
// two short words.
func edits(a, b string) int {
	prior, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prior, last, row = last, row, prior
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prior[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
