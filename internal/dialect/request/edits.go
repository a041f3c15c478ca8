package request

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect"
)

// Edits changes the members of a body that was peeked at. Every edit sees the
// body as the earlier ones left it; Apply writes the result, in which all that
// no edit named is byte for byte as it was. Values given to the methods must be
// valid JSON and must not change until Apply.
//
// The zero Edits is ready for Begin and can be used again and again.
type Edits struct {
	op     dialect.Operation
	body   []byte
	peeked *Peeked

	splices []splice
	written []splice // those and the removals, in the order of the body
	added   []addition
	states  []state // of the members that were renamed or removed
}

// splice replaces a part of the body.
type splice struct {
	Span
	text   string
	quoted bool // text is written as a JSON string
}

// addition is a new member.
type addition struct {
	name, value string
	quoted      bool
}

// state is what became of the member at an index.
type state struct {
	index   int
	removed bool
	name    string
}

// Begin starts over with a body and what Peek found in it. Both must stay
// unchanged while the Edits are in use.
func (e *Edits) Begin(op dialect.Operation, body []byte, p *Peeked) {
	e.op, e.body, e.peeked = op, body, p
	e.splices, e.added, e.states = e.splices[:0], e.added[:0], e.states[:0]
}

// Reset lets go of the body and of everything that was to be written.
func (e *Edits) Reset() {
	clear(e.splices[:cap(e.splices)])
	clear(e.written[:cap(e.written)])
	clear(e.added[:cap(e.added)])
	e.body, e.peeked = nil, nil
}

// SetModel names the model.
func (e *Edits) SetModel(name string) {
	if i := e.find("model"); i >= 0 && e.peeked.HasModel && e.peeked.Model == name && e.untouched(e.peeked.at(i).value) {
		return
	}
	e.put("model", name, true)
}

// Set gives a member a value, whether it was there or not.
func (e *Edits) Set(name, value string) { e.put(name, strings.TrimSpace(value), false) }

// SetDefault gives a member a value if it is not there.
func (e *Edits) SetDefault(name, value string) {
	if e.find(name) < 0 && e.findAdded(name) < 0 {
		e.added = append(e.added, addition{name: name, value: strings.TrimSpace(value)})
	}
}

// Rename gives a member another name. If the body has a member of that name
// already, it stays and the renamed one goes, unless it is null.
func (e *Edits) Rename(from, to string) {
	if e.find(from) < 0 && e.findAdded(from) < 0 {
		return
	}
	if value, ok := e.value(to); ok && string(value) == "null" {
		e.Remove(to)
	}
	taken := e.find(to) >= 0 || e.findAdded(to) >= 0
	if a := e.findAdded(from); a >= 0 {
		if taken {
			e.added = slices.Delete(e.added, a, a+1)
		} else {
			e.added[a].name = to
		}
		return
	}
	if taken {
		e.Remove(from)
		return
	}
	i := e.find(from)
	e.replace(e.peeked.at(i).name, to, true)
	e.mark(state{index: i, name: to})
}

// Remove takes a member out.
func (e *Edits) Remove(name string) {
	if a := e.findAdded(name); a >= 0 {
		e.added = slices.Delete(e.added, a, a+1)
		return
	}
	if i := e.find(name); i >= 0 {
		m := e.peeked.at(i)
		e.discard(Span{m.name.Start, m.value.End})
		e.mark(state{index: i, removed: true})
	}
}

// ForceIncludeUsage makes a streamed chat or completion report its usage,
// whatever the caller said. Other operations do so anyway or cannot, and
// providers refuse the option without a stream; then nothing changes.
func (e *Edits) ForceIncludeUsage() {
	if e.op != dialect.Chat && e.op != dialect.Completions {
		return
	}
	if stream, ok := e.value("stream"); !ok || string(stream) != "true" {
		return
	}
	const usage = `"include_usage":true`
	options, ok := e.value("stream_options")
	if !ok || len(options) == 0 || options[0] != '{' {
		e.Set("stream_options", "{"+usage+"}")
		return
	}
	at, found, empty := findMember(options, "include_usage")
	switch {
	case e.inner("stream_options"): // it was forced before
	case found && string(options[at.Start:at.End]) == "true":
	case found:
		e.within("stream_options", at, "true", true)
	case empty:
		e.within("stream_options", Span{1, 1}, usage, true)
	default:
		e.within("stream_options", Span{1, 1}, usage+",", true)
	}
}

// findMember finds the value of a member in the text of an object.
func findMember(object []byte, name string) (at Span, found, empty bool) {
	r := newReader(object)
	defer r.release()
	if _, err := r.ReadToken(); err != nil {
		return Span{}, false, true
	}
	empty = r.PeekKind() == '}'
	for r.PeekKind() == '"' {
		raw, err := r.ReadValue()
		if err != nil {
			break
		}
		matches := string(unquote(raw)) == name
		if _, at, err = r.value(); err != nil {
			break
		}
		if matches {
			return at, true, false
		}
	}
	return Span{}, false, empty
}

// Changed tells whether any edit changes the body.
func (e *Edits) Changed() bool {
	return len(e.splices) > 0 || len(e.added) > 0 || len(e.states) > 0
}

// Apply gives the edited body. It is the body itself if nothing changes;
// otherwise it is written into dst, behind what dst holds, and the result is
// the grown dst.
func (e *Edits) Apply(dst []byte) []byte {
	if !e.Changed() {
		return e.body
	}
	e.written = append(e.written[:0], e.splices...)
	e.cutRemoved()
	slices.SortStableFunc(e.written, func(a, b splice) int { return a.Start - b.Start })
	dst = slices.Grow(dst, e.size())
	dst = append(dst, e.body[:e.peeked.open]...)
	for i, a := range e.added {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, a.name)
		dst = append(dst, ':')
		dst = appendText(dst, a.value, a.quoted)
	}
	if len(e.added) > 0 && e.remaining() > 0 {
		dst = append(dst, ',')
	}
	from := e.peeked.open
	for _, s := range e.written {
		dst = append(dst, e.body[from:s.Start]...)
		dst = appendText(dst, s.text, s.quoted)
		from = s.End
	}
	return append(dst, e.body[from:]...)
}

// size gives the length of the result, or a little more.
func (e *Edits) size() int {
	n := len(e.body) + 1
	for _, a := range e.added {
		n += len(a.name) + len(a.value) + len(`"":"",`)
	}
	for _, s := range e.splices {
		n += len(s.text) + len(`""`)
	}
	return n
}

func appendText(dst []byte, text string, quoted bool) []byte {
	if quoted {
		return appendString(dst, text)
	}
	return append(dst, text...)
}

// appendString appends s as a JSON string; what is no UTF-8 in it is replaced.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// cutRemoved makes splices of the removed members, with the commas that go
// with them.
func (e *Edits) cutRemoved() {
	last := -1 // the last member that stays
	for i := range e.peeked.count {
		if !e.state(i).removed {
			last = i
		}
	}
	for i := range e.peeked.count {
		if !e.state(i).removed {
			continue
		}
		m := e.peeked.at(i)
		if i < last {
			e.written = append(e.written, splice{Span: Span{m.name.Start, e.peeked.at(i + 1).name.Start}})
			continue
		}
		// From here on all go, and so does the comma in front of them.
		start := m.name.Start
		if last >= 0 {
			start = e.peeked.at(last).value.End
		}
		e.written = append(e.written, splice{Span: Span{start, e.peeked.at(e.peeked.count - 1).value.End}})
		return
	}
}

// remaining counts the members of the body that stay.
func (e *Edits) remaining() int {
	n := e.peeked.count
	for _, s := range e.states {
		if s.removed {
			n--
		}
	}
	return n
}

func (e *Edits) put(name, value string, quoted bool) {
	if a := e.findAdded(name); a >= 0 {
		e.added[a] = addition{name, value, quoted}
		return
	}
	if i := e.find(name); i >= 0 {
		e.replace(e.peeked.at(i).value, value, quoted)
		return
	}
	e.added = append(e.added, addition{name, value, quoted})
}

// replace puts a text in the place of a part of the body, earlier edits within
// it included.
func (e *Edits) replace(at Span, text string, quoted bool) {
	e.discard(at)
	e.splices = append(e.splices, splice{at, text, quoted})
}

// discard forgets the splices within a part of the body.
func (e *Edits) discard(at Span) {
	e.splices = slices.DeleteFunc(e.splices, func(s splice) bool { return s.Start >= at.Start && s.End <= at.End })
}

// within replaces a part of a member's value, by offsets in what value gave. Of
// insertions at one place it is the first or the last.
func (e *Edits) within(name string, at Span, text string, first bool) {
	if a := e.findAdded(name); a >= 0 {
		old := e.added[a].value
		e.added[a].value = old[:at.Start] + text + old[at.End:]
		return
	}
	value := e.peeked.at(e.find(name)).value
	for i := range e.splices {
		if s := &e.splices[i]; s.Span == value {
			s.text = s.text[:at.Start] + text + s.text[at.End:]
			return
		}
	}
	s := splice{Span: Span{value.Start + at.Start, value.Start + at.End}, text: text}
	if first {
		e.splices = slices.Insert(e.splices, 0, s)
	} else {
		e.splices = append(e.splices, s)
	}
}

// value gives the present value of a member, for a member that was replaced
// whole or not at all.
func (e *Edits) value(name string) ([]byte, bool) {
	if a := e.findAdded(name); a >= 0 {
		return appendText(nil, e.added[a].value, e.added[a].quoted), true
	}
	i := e.find(name)
	if i < 0 {
		return nil, false
	}
	at := e.peeked.at(i).value
	for _, s := range e.splices {
		if s.Span == at {
			return appendText(nil, s.text, s.quoted), true
		}
	}
	return e.body[at.Start:at.End], true
}

// inner tells that a part of a member's value was edited, but not all of it.
func (e *Edits) inner(name string) bool {
	i := e.find(name)
	if i < 0 {
		return false
	}
	at := e.peeked.at(i).value
	return !e.untouched(at) && !slices.ContainsFunc(e.splices, func(s splice) bool { return s.Span == at })
}

// untouched tells that no edit lies within a part of the body.
func (e *Edits) untouched(at Span) bool {
	return !slices.ContainsFunc(e.splices, func(s splice) bool { return s.Start >= at.Start && s.End <= at.End })
}

// find gives the index of the body's member that has a name now, -1 if none has.
func (e *Edits) find(name string) int {
	for i := range e.peeked.count {
		switch s := e.state(i); {
		case s.removed:
		case s.name != "":
			if s.name == name {
				return i
			}
		case e.peeked.at(i).is(e.body, name):
			return i
		}
	}
	return -1
}

func (e *Edits) findAdded(name string) int {
	return slices.IndexFunc(e.added, func(a addition) bool { return a.name == name })
}

func (e *Edits) state(i int) state {
	for _, s := range e.states {
		if s.index == i {
			return s
		}
	}
	return state{}
}

func (e *Edits) mark(s state) {
	e.states = slices.DeleteFunc(e.states, func(old state) bool { return old.index == s.index })
	e.states = append(e.states, s)
}
