package sqlite

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// A list is found in one of two ways. If some condition selects few keys, these are
// looked at and sorted. Otherwise keys are gone through in the order that was asked for until
// there are enough of them, which is soon, because no condition selects few.

// few is how many keys can be looked at and sorted in no time.
const few = 5_000

// set is an SQL query for the numbers of all keys that can meet a condition.
type set struct {
	text string
	args []any
}

// keySelection is what a query for keys comes to.
type keySelection struct {
	selection
	sets   []set
	stored bool // there is a condition on the column of the status
}

func (s *keySelection) candidates(text string, args ...any) {
	s.sets = append(s.sets, set{text, args})
}

// selected gives the conditions of a query.
func (s keys) selected(q *store.KeyQuery) (*keySelection, error) {
	sel := &keySelection{}
	now := micros(q.Now)
	if err := sel.status(q.Status, now); err != nil {
		return nil, err
	}
	for _, name := range labelNames(q.Label) {
		value := q.Label[name]
		sel.add("EXISTS (SELECT 1 FROM key_labels AS l WHERE l.name = ? AND l.value = ? AND l.n = keys.n)", name, value)
		sel.candidates("SELECT n FROM key_labels WHERE name = ? AND value = ?", name, value)
	}
	if q.Origin != "" {
		sel.add("origin = ?", string(q.Origin))
		if q.Origin != vkey.Managed {
			sel.candidates("SELECT n FROM keys WHERE origin = ? AND origin <> 'managed'", string(q.Origin))
		}
	}
	if q.Name != "" {
		sel.add("name = ?", q.Name)
		sel.candidates("SELECT n FROM keys WHERE name = ?", q.Name)
	}
	if !q.ExpiringBefore.IsZero() {
		sel.add("expires_at > ? AND expires_at < ?", now, micros(q.ExpiringBefore))
		sel.candidates("SELECT n FROM keys WHERE expires_at > ? AND expires_at < ?", now, micros(q.ExpiringBefore))
	}
	if !q.IdleSince.IsZero() {
		since := micros(q.IdleSince)
		sel.add("last_used_at < ? AND created_at < ?", since, since)
		sel.candidates("SELECT n FROM keys INDEXED BY keys_used WHERE last_used_at < ?", since)
		sel.candidates("SELECT n FROM keys INDEXED BY keys_created WHERE created_at < ?", since)
	}
	if q.Uncapped {
		sel.add("uncapped = 1")
		sel.candidates("SELECT n FROM keys WHERE uncapped = 1")
	}
	if q.Text != "" {
		text := strings.ToLower(q.Text)
		sel.add("instr(text, ?) > 0", text)
		if err := s.search(sel, text); err != nil {
			return nil, err
		}
	}
	return sel, nil
}

// search adds the keys that have all terms of a text, or one of those that begin with a short one.
func (s keys) search(sel *keySelection, text string) error {
	if err := s.indexTexts(); err != nil {
		return err
	}
	if utf8.RuneCountInString(text) >= 3 {
		terms, err := s.rare(trigrams(text))
		if err == nil {
			sel.candidates("SELECT rowid FROM key_text WHERE key_text MATCH ?", strings.Join(terms, " AND "))
		}
		return err
	}
	terms, err := s.beginning(text)
	switch {
	case err != nil || len(terms) > manyTerms:
		return err
	case len(terms) == 0:
		sel.candidates("SELECT n FROM keys WHERE 0")
	default:
		sel.candidates("SELECT rowid FROM key_text WHERE key_text MATCH ?", strings.Join(terms, " OR "))
	}
	return nil
}

// manyTerms is how many terms a short text may begin: one that begins more is had by so many keys
// that they are found by going through all.
const manyTerms = 40

// beginning gives the terms of the text index that begin with a text, up to one more than manyTerms.
func (s keys) beginning(text string) (terms []string, err error) {
	const query = "SELECT term FROM key_terms WHERE term >= ? AND term < ? LIMIT ?"
	err = s.rows(query, []any{text, text + string(utf8.MaxRune), manyTerms + 1}, func(scan func(...any) error) error {
		var term string
		err := scan(&term)
		terms = append(terms, quoted(term))
		return err
	})
	return terms, err
}

// quoted writes a term as it stands in a query of the text index.
func quoted(term string) string { return `"` + strings.ReplaceAll(term, `"`, `""`) + `"` }

func (s *keySelection) status(status string, now int64) error {
	switch status {
	case "":
	case "active":
		s.stored = true
		s.add("status = 'active' AND expires_at > ?", now)
	case "expired":
		s.stored = true
		s.add("status = 'active' AND expires_at <= ?", now)
		s.candidates("SELECT n FROM keys WHERE status = 'active' AND expires_at <= ?", now)
	default:
		if _, err := parseStatus(status); err != nil {
			return fmt.Errorf("%w: use active, disabled, revoked or expired", err)
		}
		s.stored = true
		s.add("status = ?", status)
		s.candidates("SELECT n FROM keys WHERE status = ?", status)
	}
	return nil
}

// trigrams gives every third three characters of a text, and its last, as terms of the text index:
// enough to leave few candidates.
func trigrams(text string) (terms []string) {
	runes := []rune(text)
	for i := 0; i < len(runes) && len(terms) < 16; i += 3 {
		at := min(i, len(runes)-3)
		term := quoted(string(runes[at : at+3]))
		if !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	return terms
}

// rare leaves out the terms that many keys have, if some have not: to go through all of
// their rows takes longer than to look at the few of the others.
func (s keys) rare(terms []string) ([]string, error) {
	var rare []string
	for _, term := range terms {
		n, err := s.one(fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM key_text WHERE key_text MATCH ? LIMIT %d)", few+1), term)
		if err != nil {
			return nil, err
		}
		if n <= few {
			rare = append(rare, term)
		}
	}
	if rare == nil {
		return terms, nil
	}
	return rare, nil
}

// smallest finds the set with the fewest keys, and how many these are; more than few is not counted.
func (s keys) smallest(sets []set) (best set, size int64, err error) {
	size = few + 1
	for _, c := range sets {
		n, err := s.one("SELECT count(*) FROM ("+c.text+fmt.Sprintf(" LIMIT %d)", size), c.args...)
		if err != nil {
			return best, 0, err
		}
		if n < size {
			best, size = c, n
		}
	}
	return best, size, nil
}

// keyOrder is an order of keys: a column, an index for it, and one for it among keys of one status.
type keyOrder struct{ column, index, ofStatus string }

var keyOrders = map[store.KeySort]keyOrder{
	store.SortName:     {"name", "keys_name", "keys_status_name"},
	store.SortCreated:  {"created_at", "keys_created", "keys_status_created"},
	store.SortLastUsed: {"last_used_at", "keys_used", "keys_status_used"},
	store.SortExpires:  {"expires_at", "keys_expiring", "keys_status_expiring"},
}

func (s keys) List(q store.KeyQuery) ([]*vkey.Key, string, error) {
	sel, err := s.selected(&q)
	if err != nil {
		return nil, "", err
	}
	if q.Sort == "" {
		q.Sort = store.SortName
	}
	word, down := strings.CutPrefix(string(q.Sort), "-")
	order, ok := keyOrders[store.KeySort(word)]
	if !ok {
		return nil, "", fmt.Errorf("keys cannot be sorted by %q: use name, created_at, last_used_at or expires_at, with a - in front to turn it around", word)
	}
	best, size, err := s.smallest(sel.sets)
	if err != nil {
		return nil, "", err
	}
	from := "keys INDEXED BY " + order.index
	switch {
	case size <= few:
		from = "keys NOT INDEXED"
		sel.add("n IN ("+best.text+")", best.args...)
	case sel.stored:
		from = "keys INDEXED BY " + order.ofStatus
	}
	if err := sel.after(q.Cursor, string(q.Sort), order.column, down); err != nil {
		return nil, "", err
	}
	max := pageOf(q.Max)
	direction := ""
	if down {
		direction = " DESC"
	}
	text := fmt.Sprintf("SELECT n FROM %s%s ORDER BY %s%s, id%s LIMIT %d", from, sel.where(), order.column, direction, direction, max+1)
	return s.page(text, sel.args, string(q.Sort), max)
}

// after leaves out what is not behind a cursor.
func (s *keySelection) after(text, order, column string, down bool) error {
	c, err := parseCursor(text, order)
	if err != nil || c == nil {
		return err
	}
	than := ">"
	if down {
		than = "<"
	}
	if column == "name" {
		s.add("(name, id) "+than+" (?, ?)", c.Text, c.ID)
	} else {
		s.add("("+column+", id) "+than+" (?, ?)", c.Time, c.ID)
	}
	return nil
}

// page reads the keys of a query for one more than max of them.
func (s keys) page(text string, args []any, order string, max int) (page []*vkey.Key, next string, err error) {
	var numbers []int64
	err = s.rows(text, args, func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		numbers = append(numbers, n)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	more := len(numbers) > max
	if more {
		numbers = numbers[:max]
	}
	found, err := s.numbered(numbers)
	if err != nil {
		return nil, "", err
	}
	var dec decoder
	for _, n := range numbers {
		r, ok := found[n]
		if !ok {
			return nil, "", fmt.Errorf("read key %d of a list: %w", n, store.ErrNotFound)
		}
		k, err := dec.key(&r)
		if err != nil {
			return nil, "", err
		}
		page = append(page, k)
	}
	if more {
		next = cursorOf(page[max-1], order).String()
	}
	return page, next, nil
}

// numbered reads the rows of some keys with one question: each would take several times as long by itself.
func (s keys) numbered(numbers []int64) (map[int64]keyRow, error) {
	text := append(make([]byte, 0, 100+8*len(numbers)), "SELECT "+keyColumns+" FROM keys WHERE n IN ("...)
	for i, n := range numbers {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	found := make(map[int64]keyRow, len(numbers))
	err := s.rows(string(append(text, ')')), nil, func(scan func(...any) error) error {
		var r keyRow
		err := scan(r.into()...)
		found[r.n] = r
		return err
	})
	return found, err
}

func cursorOf(k *vkey.Key, order string) cursor {
	c := cursor{Order: order, ID: k.ID}
	switch store.KeySort(strings.TrimPrefix(order, "-")) {
	case store.SortName:
		c.Text = k.Name
	case store.SortCreated:
		c.Time = micros(k.CreatedAt)
	case store.SortLastUsed:
		c.Time = micros(k.LastUsedAt)
	case store.SortExpires:
		if c.Time = never; !k.ExpiresAt.IsZero() {
			c.Time = micros(k.ExpiresAt)
		}
	}
	return c
}

func (s keys) Count(q store.KeyQuery) (int64, error) {
	if n, ok, err := s.counted(&q); ok || err != nil {
		return n, err
	}
	sel, err := s.selected(&q)
	if err != nil {
		return 0, err
	}
	best, size, err := s.smallest(sel.sets)
	if err != nil {
		return 0, err
	}
	from := "keys"
	if size <= few {
		from = "keys NOT INDEXED"
		sel.add("n IN ("+best.text+")", best.args...)
	}
	if q.Max > 0 {
		return s.one(fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s%s LIMIT %d)", from, sel.where(), q.Max), sel.args...)
	}
	return s.one("SELECT count(*) FROM "+from+sel.where(), sel.args...)
}

// counted answers what is asked for most from the counts that are kept.
func (s keys) counted(q *store.KeyQuery) (n int64, ok bool, err error) {
	plain := store.KeyQuery{Status: q.Status, Now: q.Now, Sort: q.Sort, Cursor: q.Cursor, Max: q.Max}
	if q.Status == "expired" || !reflect.DeepEqual(*q, plain) {
		return 0, false, nil
	}
	if q.Status == "" {
		n, err = s.one("SELECT coalesce(sum(keys), 0) FROM key_counts")
	} else if _, err = parseStatus(q.Status); err == nil {
		n, err = s.one("SELECT coalesce(sum(keys), 0) FROM key_counts WHERE status = ?", q.Status)
	}
	if err == nil && q.Status == "active" {
		expired := store.KeyQuery{Status: "expired", Now: q.Now}
		var gone int64
		gone, err = s.Count(expired)
		n -= gone
	}
	if q.Max > 0 {
		n = min(n, int64(q.Max))
	}
	return n, err == nil, err
}
