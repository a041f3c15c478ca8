package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/money"
)

// Error is what is wrong with a price list, and where.
type Error struct {
	Source string
	Line   int
	Path   string // JSON pointer
	Reason string
}

// Error writes source:line: path: reason.
func (e *Error) Error() string {
	path := e.Path
	if path != "" {
		path += ": "
	}
	return fmt.Sprintf("%s:%d: %s%s", e.Source, e.Line, path, e.Reason)
}

// reader walks through a price list in the order in which it is written.
type reader struct {
	dec    *jsontext.Decoder
	data   []byte
	source string
}

func newReader(source string, data []byte) *reader {
	return &reader{dec: jsontext.NewDecoder(bytes.NewReader(data)), data: data, source: source}
}

// fail makes an error about the value that was read last.
func (r *reader) fail(format string, args ...any) error {
	return r.failAt(string(r.dec.StackPointer()), r.dec.InputOffset(), fmt.Sprintf(format, args...))
}

func (r *reader) failAt(path string, offset int64, reason string) error {
	line := 1 + bytes.Count(r.data[:min(max(offset, 0), int64(len(r.data)))], []byte{'\n'})
	return &Error{Source: r.source, Line: line, Path: path, Reason: reason}
}

// wrap gives an error of the decoder a place.
func (r *reader) wrap(err error) error {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		return r.failAt(string(syntax.JSONPointer), syntax.ByteOffset, syntax.Err.Error())
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return r.failAt("", int64(len(r.data)), "ends too early")
	}
	return r.fail("%v", err)
}

func (r *reader) token() (jsontext.Token, error) {
	tok, err := r.dec.ReadToken()
	if err != nil {
		return tok, r.wrap(err)
	}
	return tok, nil
}

// object calls each with the name of every member; each reads its value.
func (r *reader) object(each func(name string) error) error {
	return r.group('{', '}', "an object", func() error {
		tok, err := r.token()
		if err != nil {
			return err
		}
		return each(tok.String())
	})
}

// array calls each for every element; each reads it.
func (r *reader) array(each func() error) error { return r.group('[', ']', "a list", each) }

func (r *reader) group(open, shut jsontext.Kind, what string, each func() error) error {
	tok, err := r.token()
	if err != nil {
		return err
	}
	if tok.Kind() != open {
		return r.fail("must be %s", what)
	}
	for {
		switch r.dec.PeekKind() {
		case shut:
			_, err := r.token()
			return err
		case 0:
			_, err := r.token()
			return err
		}
		if err := each(); err != nil {
			return err
		}
	}
}

func (r *reader) skip() error {
	if err := r.dec.SkipValue(); err != nil {
		return r.wrap(err)
	}
	return nil
}

// end makes sure that nothing follows.
func (r *reader) end() error {
	if _, err := r.dec.ReadToken(); errors.Is(err, io.EOF) {
		return nil
	}
	return r.fail("something follows the price list")
}

func (r *reader) text() (string, error) {
	tok, err := r.token()
	if err != nil {
		return "", err
	}
	if tok.Kind() != '"' {
		return "", r.fail("must be a string")
	}
	return tok.String(), nil
}

// texts reads a string or a list of strings.
func (r *reader) texts() (list []string, err error) {
	if r.dec.PeekKind() == '"' {
		s, err := r.text()
		return []string{s}, err
	}
	err = r.array(func() error {
		s, err := r.text()
		list = append(list, s)
		return err
	})
	return list, err
}

func (r *reader) boolean() (bool, error) {
	tok, err := r.token()
	if err != nil {
		return false, err
	}
	if k := tok.Kind(); k != 't' && k != 'f' {
		return false, r.fail("must be true or false")
	}
	return tok.Bool(), nil
}

// count reads a whole number that is not negative.
func (r *reader) count() (int64, error) {
	tok, err := r.token()
	if err != nil {
		return 0, err
	}
	n, bad := strconv.ParseInt(tok.String(), 10, 64)
	if tok.Kind() != '0' || bad != nil || n < 0 || n > maxCount {
		return 0, r.fail("must be a whole number from 0 to %d", int64(maxCount))
	}
	return n, nil
}

// What is dearer or larger than these is a slip of the pen.
const (
	maxCount      = 1 << 40
	maxPerPiece   = money.Pico(1_000_000_000_000_000) // a thousand dollars for a piece
	maxPerMillion = money.Pico(1_000_000_000_000)     // a dollar for a token
)

// price reads the price of a kind: decimal text, for a million or for one piece.
func (r *reader) price(k Kind) (money.Pico, error) {
	if r.dec.PeekKind() == '0' {
		_, _ = r.token() // so that the place of the error is right
		return 0, r.fail(`must be decimal text in quotes, for instance "2.50": a number may have become a float`)
	}
	s, err := r.text()
	if err != nil {
		return 0, err
	}
	parse := money.ParsePico
	if k.PerMillion() {
		parse = money.ParsePerMillion
	}
	p, err := parse(s)
	if err != nil {
		return 0, r.fail("%v", err)
	}
	return p, r.reasonable(k, p)
}

func (r *reader) reasonable(k Kind, p money.Pico) error {
	if k.PerMillion() && p > maxPerMillion || p > maxPerPiece {
		return r.fail("%s USD cannot be the price of one piece of %s", p, k)
	}
	return nil
}

// prices reads an object of prices of the allowed kinds.
func (r *reader) prices(into *prices, allowed Kinds) error {
	return r.object(func(name string) error {
		k := slices.Index(kindNames[:], name)
		if k < 0 || !allowed.Has(Kind(k)) {
			return r.unknown(name, allowed.names())
		}
		p, err := r.price(Kind(k))
		if err == nil {
			into.set(Kind(k), p)
		}
		return err
	})
}

func (s Kinds) names() []string { return strings.Split(s.String(), ",") }

// unknown is the error about a member that there is none of.
func (r *reader) unknown(name string, known []string) error {
	return r.fail("there is no %q here: it is one of %s", name, strings.Join(known, ", "))
}

// tiers reads a list of context tiers.
func (r *reader) tiers(allowed Kinds) ([]tier, error) {
	list := []tier{}
	err := r.array(func() error {
		t := tier{over: -1}
		err := r.object(func(name string) (err error) {
			switch name {
			case "contextOver":
				t.over, err = r.count()
			case "rates":
				err = r.prices(&t.rates, allowed)
			default:
				err = r.unknown(name, []string{"contextOver", "rates"})
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case t.over < 0:
			return r.fail("contextOver is missing: a tier needs the number of tokens above which it begins")
		case len(list) > 0 && t.over <= list[len(list)-1].over:
			return r.fail("tiers must rise: %d follows %d", t.over, list[len(list)-1].over)
		}
		list = append(list, t)
		return nil
	})
	return list, err
}

// digest is the version of a list that has none.
func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// add puts an entry into the book of a provider.
func (l *Layer) add(provider string, e *entry) (fresh bool) {
	b := l.book(provider)
	key := strings.ToLower(e.id)
	if b.named[key] != nil {
		return false
	}
	b.named[key] = e
	b.entries = append(b.entries, e)
	return true
}

func (l *Layer) book(provider string) *book {
	b := l.books[provider]
	if b == nil {
		b = &book{named: map[string]*entry{}}
		l.books[provider] = b
	}
	return b
}

func newLayer(source string, data []byte) *Layer {
	return &Layer{origin: Origin{Source: source, Version: digest(data)}, books: map[string]*book{}}
}
