package block

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"tollgate/internal/record"
)

// term is what can be asked for. The numbers are in filters that are stored: they stay
// what they are.
type term uint8

const (
	byID term = iota
	byKey
	byModel // asked for or sent
	byProvider
	byOutcome
	byCode
	byStatus // two bytes
	byClass  // one byte
	byLimit
	byLabel // as AppendLabels writes one
)

// terms is a set of them.
type terms uint16

// hash is that of a thing that is asked for. It is in filters that are stored: FNV-1a, mixed.
func hash[T string | []byte](as term, what T) uint64 {
	h := (uint64(14695981039346656037) ^ uint64(as)) * 1099511628211
	for i := range len(what) {
		h = (h ^ uint64(what[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// index brings what can be asked of a record into the filter.
func (b *Builder) index(r *record.Request) {
	b.hashes = append(b.hashes, hash(byID, r.ID))
	b.once(byKey, r.Key)
	b.once(byModel, r.Asked)
	b.once(byModel, r.Sent)
	b.once(byProvider, r.Provider)
	b.once(byOutcome, r.Outcome)
	b.once(byCode, r.Code)
	if f := r.Refusal; f != nil {
		b.once(byLimit, f.Limit)
	}
	b.status(r.Status)
	n := b.labelled(r.Labels)
	if n == 0 || b.asked[n]&(1<<byLabel) != 0 {
		return
	}
	b.asked[n] |= 1 << byLabel
	for name, value := range r.Labels {
		b.label = binary.AppendUvarint(b.label[:0], uint64(len(name)))
		b.label = append(append(b.label, name...), value...)
		b.hashes = append(b.hashes, hash(byLabel, b.label))
	}
}

func (b *Builder) once(as term, text string) {
	n := b.number(text)
	if n == 0 || b.asked[n]&(1<<as) != 0 {
		return
	}
	b.asked[n] |= 1 << as
	b.hashes = append(b.hashes, hash(as, text))
}

func (b *Builder) status(status int) {
	if !slices.Contains(b.statuses, status) {
		b.statuses = append(b.statuses, status)
		b.hashes = append(b.hashes, statusHash(status), classHash(status/100))
	}
}

func statusHash(status int) uint64 {
	var two [2]byte
	binary.BigEndian.PutUint16(two[:], uint16(status))
	return hash(byStatus, two[:])
}

func classHash(class int) uint64 { return hash(byClass, []byte{byte(class)}) }

func labelHash(name, value string) uint64 {
	text := binary.AppendUvarint(nil, uint64(len(name)))
	return hash(byLabel, append(append(text, name...), value...))
}

// A filter is a Bloom filter: a thing that is in it sets probes of its bits.
const (
	bitsEach = 10 // of 125 things that are not in it one seems to be
	probes   = 7
)

// AppendFilter writes the filter of the block.
func (b *Builder) AppendFilter(to []byte) []byte {
	begin := len(to)
	to = append(to, make([]byte, (len(b.hashes)*bitsEach+63)/64*8)...)
	filter := to[begin:]
	for _, h := range b.hashes {
		for range probes {
			bit := place(h, len(filter))
			filter[bit/8] |= 1 << (bit % 8)
			h = next(h)
		}
	}
	return to
}

// place gives the bit of a hash in a filter, next the hash of its next probe.
func place(h uint64, size int) uint64 { return uint64(uint32(h)) * uint64(size) * 8 >> 32 }

func next(h uint64) uint64 { return h + (h>>32 | 1) }

func in(filter []byte, h uint64) bool {
	for range probes {
		bit := place(h, len(filter))
		if filter[bit/8]&(1<<(bit%8)) == 0 {
			return false
		}
		h = next(h)
	}
	return true
}

// Place is a place in the order of records, the newest of which comes first: behind all that
// are later, and those of the same time with a greater id.
type Place struct {
	Time int64 // microseconds
	ID   string
}

// End is the place before the newest record.
var End = Place{Time: math.MaxInt64}

// Of is the place right before a record.
func Of(r *record.Request) Place { return Place{Micros(r.At), r.ID} }

// Compare orders places by time.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Time, q.Time), cmp.Compare(p.ID, q.ID))
}

// Search is a question to blocks.
type Search struct {
	query    *record.Query
	id       string
	from     int64 // microseconds
	before   Place
	min, max int // status
	hashes   []uint64
}

// Find is the search for a record of an id.
func Find(id string) *Search {
	return &Search{
		query: &record.Query{}, id: id, from: math.MinInt64, before: End, min: math.MinInt, max: math.MaxInt, hashes: []uint64{hash(byID, id)},
	}
}

// NewSearch is the search for what a query selects behind a place. The status of the query is
// three digits, the first of them, or 0. The cursor and the size of pages mean nothing to it.
func NewSearch(q *record.Query, behind Place) *Search {
	s := &Search{query: q, from: math.MinInt64, before: behind, min: math.MinInt, max: math.MaxInt}
	if !q.From.IsZero() {
		s.from = Micros(q.From)
	}
	if !q.To.IsZero() {
		if to := (Place{Time: Micros(q.To)}); to.Compare(s.before) < 0 {
			s.before = to
		}
	}
	for _, want := range []struct {
		as   term
		text string
	}{{byKey, q.Key}, {byModel, q.Model}, {byProvider, q.Provider}, {byOutcome, q.Outcome}, {byCode, q.Code}, {byLimit, q.Limit}} {
		if want.text != "" {
			s.hashes = append(s.hashes, hash(want.as, want.text))
		}
	}
	for name, value := range q.Label {
		s.hashes = append(s.hashes, labelHash(name, value))
	}
	switch {
	case q.Status >= 100:
		s.min, s.max = q.Status, q.Status
		s.hashes = append(s.hashes, statusHash(q.Status))
	case q.Status > 0:
		s.min, s.max = 100*q.Status, 100*q.Status+99
		s.hashes = append(s.hashes, classHash(q.Status))
	}
	return s
}

// Between gives the times between which the search looks, in microseconds: from the first up to
// the last.
func (s *Search) Between() (first, last int64) {
	last = s.before.Time
	if s.before.ID == "" && last > math.MinInt64 {
		last--
	}
	return s.from, last
}

// May tells whether a block of a filter may have what is searched for.
func (s *Search) May(filter []byte) bool {
	if len(filter) == 0 {
		return false
	}
	for _, h := range s.hashes {
		if !in(filter, h) {
			return false
		}
	}
	return true
}

// hit is a record that was found, before it is read to its end.
type hit struct {
	at       int64
	id, body []byte
}

// Search gives what is found in the block, the newest first, at most max records.
func (b *Block) Search(s *Search, max int) ([]record.Request, error) {
	m, ok := b.matcher(s)
	if !ok {
		return nil, nil
	}
	var hits []hit
	r := reader{bytes: b.records}
	for range b.count {
		h := hit{body: r.text()}
		if m.matches(&h) {
			hits = append(hits, h)
		}
	}
	if r.bad || m.bad {
		return nil, ErrDamaged
	}
	slices.SortFunc(hits, func(x, y hit) int { return cmp.Or(cmp.Compare(y.at, x.at), bytes.Compare(y.id, x.id)) })
	hits = hits[:min(len(hits), max)]
	all := make([]record.Request, 0, len(hits))
	for _, h := range hits {
		one, err := b.decode(h.body)
		if err != nil {
			return nil, err
		}
		all = append(all, *one)
	}
	return all, nil
}

// matcher compares records of a block with a search, whose texts it knows by their numbers:
// 0 where nothing is asked for.
type matcher struct {
	search                                     *Search
	base                                       int64
	key, model, provider, outcome, code, limit uint64
	labels                                     []bool // by number; nil: all
	bad                                        bool
}

// matcher tells whether the block may have what is searched for at all.
func (b *Block) matcher(s *Search) (*matcher, bool) {
	m := &matcher{search: s, base: b.base}
	q := s.query
	for _, want := range []struct {
		text string
		into *uint64
	}{{q.Key, &m.key}, {q.Model, &m.model}, {q.Provider, &m.provider}, {q.Outcome, &m.outcome}, {q.Code, &m.code}, {q.Limit, &m.limit}} {
		if want.text == "" {
			continue
		}
		n := slices.Index(b.texts, want.text)
		if n < 0 {
			return nil, false
		}
		*want.into = uint64(n)
	}
	if len(q.Label) > 0 {
		m.labels = make([]bool, len(b.texts))
		for i, text := range b.texts {
			m.labels[i] = labelled(text, q.Label)
		}
	}
	return m, true
}

// labelled tells whether a text is that of labels which have some.
func labelled(text string, want map[string]string) bool {
	n := 0
	ok := eachLabel(text, func(name, value string) {
		if v, asked := want[name]; asked && v == value {
			n++
		}
	})
	return ok && n == len(want)
}

func (m *matcher) matches(h *hit) bool {
	s := m.search
	r := reader{bytes: h.body}
	h.at = m.micros(&r)
	h.id = r.text()
	if h.at < s.from || h.at > s.before.Time || h.at == s.before.Time && string(h.id) >= s.before.ID {
		return false
	}
	if s.id != "" && string(h.id) != s.id {
		return false
	}
	is := func(want uint64) bool {
		n := r.uvarint()
		return want == 0 || n == want
	}
	found := is(m.key)
	asked, sent := r.uvarint(), r.uvarint()
	found = found && (m.model == 0 || asked == m.model || sent == m.model)
	found = is(m.provider) && found
	found = is(m.outcome) && found
	found = is(m.code) && found
	status := int(r.varint())
	found = found && status >= s.min && status <= s.max
	if labels := r.uvarint(); m.labels != nil {
		found = found && labels < uint64(len(m.labels)) && m.labels[labels]
	}
	if m.limit != 0 {
		refused := r.uvarint() != 0
		found = found && refused && r.uvarint() == m.limit
	}
	m.bad = m.bad || r.bad
	return found && !r.bad
}

// micros reads the time of a record.
func (m *matcher) micros(r *reader) int64 {
	nanoseconds := int64(r.uvarint())
	if nanoseconds == 0 {
		return 0
	}
	return (r.varint()+m.base)*1e6 + (nanoseconds-1)/1000
}
