package sqlite

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/vkey"
)

// docScanner reads the documents of keys as encodeKey writes them, several times as fast as what reads all
// JSON: a start reads every key there is. It gives up where it finds anything else, which says nothing
// against the document. What it gives are parts of the text.
type docScanner struct {
	rest string
	odd  bool // it gave up
}

// scanKey reads the document of a key, or tells that it cannot.
func scanKey(text string, d *keyDoc) bool {
	s := docScanner{rest: text}
	s.members(func(name string) { s.keyMember(name, d) })
	return !s.odd && s.rest == ""
}

func (s *docScanner) keyMember(name string, d *keyDoc) {
	switch name {
	case "id":
		d.ID = s.text()
	case "name":
		d.Name = s.text()
	case "origin":
		d.Origin = vkey.Origin(s.text())
	case "status":
		d.Status = s.text()
	case "reason":
		d.Reason = s.text()
	case "legacy":
		d.Legacy = s.flag()
	case "created_at":
		d.CreatedAt = s.time()
	case "updated_at":
		d.UpdatedAt = s.time()
	case "created_by":
		d.CreatedBy = s.text()
	case "expires_at":
		d.ExpiresAt = s.time()
	case "labels":
		d.Labels = s.pairs()
	case "allow":
		d.Allow = s.texts()
	case "deny":
		d.Deny = s.texts()
	case "operations":
		d.Operations = s.texts()
	case "networks":
		d.Networks = []netip.Prefix{}
		s.items(func() { d.Networks = append(d.Networks, s.network()) })
	case "limits":
		s.items(func() { d.Limits = append(d.Limits, s.limit()) })
	case "secrets":
		s.items(func() { d.Secrets = append(d.Secrets, s.secret()) })
	case "max_tokens":
		d.MaxTokens = s.number()
	case "clamp":
		d.Clamp = s.flag()
	case "discreet":
		d.Discreet = s.flag()
	default:
		s.giveUp()
	}
}

func (s *docScanner) limit() (l limitDoc) {
	s.members(func(name string) {
		switch name {
		case "id":
			l.ID = s.text()
		case "kind":
			l.Kind = s.text()
		case "amount":
			l.Amount = s.number()
		case "window":
			l.Window = s.text()
		case "pool":
			l.Pool = s.flag()
		case "models":
			l.Models = s.texts()
		case "match":
			l.Match = s.pairs()
		default:
			s.giveUp()
		}
	})
	return l
}

func (s *docScanner) secret() (x secretDoc) {
	s.members(func(name string) {
		switch name {
		case "id":
			x.ID = s.text()
		case "digest":
			x.Digest = s.text()
		case "peppered":
			x.Peppered = s.flag()
		case "last4":
			x.Last4 = s.text()
		case "created_at":
			x.CreatedAt = s.time()
		case "not_after":
			x.NotAfter = s.time()
		default:
			s.giveUp()
		}
	})
	return x
}

func (s *docScanner) giveUp() { s.odd, s.rest = true, "" }

// next passes over a character, if it is the next one.
func (s *docScanner) next(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *docScanner) want(c byte) {
	if !s.next(c) {
		s.giveUp()
	}
}

// list reads what stands between two brackets, with commas between.
func (s *docScanner) list(open, end byte, item func()) {
	s.want(open)
	if s.next(end) {
		return
	}
	for item(); s.next(','); item() {
	}
	s.want(end)
}

func (s *docScanner) items(item func()) { s.list('[', ']', item) }

func (s *docScanner) members(read func(name string)) {
	s.list('{', '}', func() {
		name := s.text()
		s.want(':')
		read(name)
	})
}

// text reads one without escapes.
func (s *docScanner) text() string {
	s.want('"')
	end := strings.IndexByte(s.rest, '"')
	if end < 0 || strings.IndexByte(s.rest[:end], '\\') >= 0 {
		s.giveUp()
		return ""
	}
	text := s.rest[:end]
	s.rest = s.rest[end+1:]
	return text
}

func (s *docScanner) texts() []string {
	list := []string{}
	s.items(func() { list = append(list, s.text()) })
	return list
}

func (s *docScanner) pairs() map[string]string {
	m := map[string]string{}
	s.members(func(name string) { m[name] = s.text() })
	return m
}

func (s *docScanner) flag() bool {
	if rest, ok := strings.CutPrefix(s.rest, "true"); ok {
		s.rest = rest
		return true
	}
	s.giveUp() // what is not so is left out
	return false
}

func (s *docScanner) number() int64 {
	end := 0
	for end < len(s.rest) && (s.rest[end] >= '0' && s.rest[end] <= '9' || s.rest[end] == '-') {
		end++
	}
	n, err := strconv.ParseInt(s.rest[:end], 10, 64)
	if err != nil {
		s.giveUp()
		return 0
	}
	s.rest = s.rest[end:]
	return n
}

func (s *docScanner) time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, s.text())
	if err != nil {
		s.giveUp()
	}
	return t
}

func (s *docScanner) network() netip.Prefix {
	p, err := netip.ParsePrefix(s.text())
	if err != nil {
		s.giveUp()
	}
	return p
}
