package control

import (
	"fmt"
	"strconv"
	"strings"

	"tollgate/api/admin"
	"tollgate/internal/spelling"
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
	p.suggest(path, spelling.Nearest(word, known), "%s is none of %s", shown(word), strings.Join(known, ", "))
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
