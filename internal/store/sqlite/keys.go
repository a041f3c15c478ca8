package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// keys implements store.Keys.
type keys struct{ *tx }

func (s keys) find(where string, args ...any) (*keyRow, error) {
	r := &keyRow{}
	return r, s.row("SELECT "+keyColumns+" FROM keys WHERE "+where, args, r.into()...)
}

func (s keys) get(where string, args ...any) (*vkey.Key, error) {
	r, err := s.find(where, args...)
	if err != nil {
		return nil, err
	}
	return new(decoder).key(r)
}

func (s keys) Get(id string) (*vkey.Key, error) { return s.get("id = ?", id) }

func (s keys) Named(name string) (*vkey.Key, error) {
	return s.get("name = ? AND status <> 'revoked'", name)
}

func (s keys) Holding(d vkey.Digest) (*vkey.Key, error) {
	return s.get("n = (SELECT n FROM key_secrets WHERE digest = ? LIMIT 1)", d[:])
}

func (s keys) Put(k *vkey.Key) error {
	old := &keyRow{}
	var err error
	switch k.Version {
	case 0:
		err = s.free("id", k.ID, "SELECT id FROM keys WHERE id = ?", k.ID)
	default:
		if old, err = s.find("id = ?", k.ID); err == nil && uint64(old.version) != k.Version {
			err = fmt.Errorf("key %s is at version %d, not %d: %w", k.ID, old.version, k.Version, store.ErrConflict)
		}
	}
	if err != nil {
		return err
	}
	if err := s.taken(k); err != nil {
		return err
	}
	n, err := s.write(k, old)
	if err != nil {
		return err
	}
	k.Version++
	return s.index(n, k)
}

// free returns a TakenError if a query finds the id of another row.
func (t *tx) free(field, mine, query string, args ...any) error {
	var by string
	switch err := t.row(query, args, &by); {
	case err == store.ErrNotFound:
		return nil
	case err != nil:
		return err
	case by == mine && field != "id":
		return nil
	}
	return &store.TakenError{Field: field, By: by}
}

// taken tells whether another key has the name or a secret.
func (s keys) taken(k *vkey.Key) error {
	if k.Status != vkey.StatusRevoked {
		if err := s.free("name", k.ID, "SELECT id FROM keys WHERE name = ? AND status <> 'revoked'", k.Name); err != nil {
			return err
		}
	}
	for i := range k.Secrets {
		const holder = "SELECT id FROM key_secrets JOIN keys USING (n) WHERE digest = ? AND peppered = ?"
		x := &k.Secrets[i]
		if err := s.free("secret", k.ID, holder, x.Digest[:], x.Peppered); err != nil {
			return err
		}
		for j := range i {
			if k.Secrets[j].Digest == x.Digest && k.Secrets[j].Peppered == x.Peppered {
				return &store.TakenError{Field: "secret", By: k.ID}
			}
		}
	}
	return nil
}

// write inserts the row of a key, or replaces old.
func (s keys) write(k *vkey.Key, old *keyRow) (n int64, err error) {
	doc, err := encodeKey(k)
	if err != nil {
		return 0, err
	}
	before, err := parseUses(old.uses)
	if err != nil {
		return 0, err
	}
	used := uses{}
	for i := range k.Secrets {
		x := &k.Secrets[i]
		if at := max(micros(x.LastUsedAt), before[x.ID]); at > 0 {
			used[x.ID] = at
		}
	}
	usedText, err := used.encode()
	if err != nil {
		return 0, err
	}
	expires := micros(k.ExpiresAt)
	if expires == 0 {
		expires = never
	}
	args := []any{
		k.Name, string(k.Origin), statusNames[k.Status], len(k.Limits) == 0, micros(k.CreatedAt), expires,
		max(micros(k.LastUsedAt), old.lastUsed), usedText, int64(k.Version + 1), textOf(k), sealed(doc),
	}
	if old.n == 0 {
		err = s.row(`INSERT INTO keys (name, origin, status, uncapped, created_at, expires_at, last_used_at, uses, version, text, doc, id)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING n`, append(args, k.ID), &n)
		return n, err
	}
	return old.n, s.do(`UPDATE keys SET name = ?, origin = ?, status = ?, uncapped = ?, created_at = ?, expires_at = ?,
		last_used_at = ?, uses = ?, version = ?, text = ?, doc = ? WHERE n = ?`, append(args, old.n)...)
}

// index makes a key found by its text, secrets and labels, and by none of before.
func (s keys) index(n int64, k *vkey.Key) error {
	if k.Version > 1 {
		if err := s.unindex(n); err != nil {
			return err
		}
	}
	if s.texts == nil {
		s.texts = make(map[int64]string)
	}
	s.texts[n] = textOf(k)
	for i := range k.Secrets {
		x := &k.Secrets[i]
		if err := s.do("INSERT INTO key_secrets (digest, peppered, n) VALUES (?, ?, ?)", x.Digest[:], x.Peppered, n); err != nil {
			return err
		}
	}
	for name, value := range k.Labels {
		if err := s.do("INSERT INTO key_labels (name, value, n) VALUES (?, ?, ?)", name, value, n); err != nil {
			return err
		}
	}
	return nil
}

// endOfText is behind every text in the index, so that each of its letters begins a term.
const endOfText = "\n\n"

// indexTexts brings the text index up to date, for a search or the commit. The index writes what it
// has collected whenever another table changes: one key at a time takes many times as long.
func (t *tx) indexTexts() error {
	for n, text := range t.texts {
		if err := t.do("INSERT INTO key_text (rowid, text) VALUES (?, ?)", n, text+endOfText); err != nil {
			return err
		}
	}
	clear(t.texts)
	return nil
}

func (s keys) unindex(n int64) error {
	delete(s.texts, n)
	for _, text := range []string{
		"DELETE FROM key_text WHERE rowid = ?", "DELETE FROM key_secrets WHERE n = ?", "DELETE FROM key_labels WHERE n = ?",
	} {
		if err := s.do(text, n); err != nil {
			return err
		}
	}
	return nil
}

func (s keys) Delete(id string) error {
	r, err := s.find("id = ?", id)
	if err != nil {
		return err
	}
	if err := s.unindex(r.n); err != nil {
		return err
	}
	return s.do("DELETE FROM keys WHERE n = ?", r.n)
}

// eachPage is how many keys Each reads before it gives them out, so that nothing is open meanwhile.
const eachPage = 4096

// keyPage is a page of rows of keys that is being read, or was.
type keyPage struct {
	rows []keyRow
	err  error
	read chan struct{} // closed once it is
}

// pageAfter begins to read the page behind a number, while others work.
func (s keys) pageAfter(last int64, rows []keyRow) *keyPage {
	p := &keyPage{rows: rows[:0], read: make(chan struct{})}
	go func() {
		defer close(p.read)
		p.err = p.fill(s.ctx, s.conn.sql, last)
	}()
	return p
}

func (p *keyPage) fill(ctx context.Context, c *sql.Conn, last int64) error {
	rows, err := c.QueryContext(ctx, "SELECT "+keyColumns+" FROM keys WHERE n > ? ORDER BY n LIMIT ?", last, eachPage)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		p.rows = append(p.rows, keyRow{})
		if err := rows.Scan(p.rows[len(p.rows)-1].into()...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Each spends most of its time on reading rows and making keys of them, so one processor reads the
// next page while all the others make keys of the last.
func (s keys) Each(fn func(*vkey.Key) error) error {
	if s.failed != nil {
		return s.failed
	}
	decoders := make([]decoder, runtime.GOMAXPROCS(0))
	made := make([]*vkey.Key, eachPage)
	next, spare := s.pageAfter(0, make([]keyRow, 0, eachPage)), make([]keyRow, 0, eachPage)
	for {
		<-next.read
		page := next
		if page.err != nil {
			return s.check(page.err)
		}
		last := len(page.rows) < eachPage
		if !last {
			next = s.pageAfter(page.rows[len(page.rows)-1].n, spare)
		}
		err := decodeKeys(decoders, page.rows, made)
		for i := 0; err == nil && i < len(page.rows); i++ {
			err = fn(made[i])
		}
		if err != nil || last {
			<-next.read // nobody uses the connection any more
			return err
		}
		spare = page.rows
	}
}

// decodeKeys makes keys of rows, a part with each decoder.
func decodeKeys(decoders []decoder, rows []keyRow, made []*vkey.Key) error {
	errs := make([]error, len(decoders))
	var work sync.WaitGroup
	for i := range decoders {
		work.Go(func() {
			for at := len(rows) * i / len(decoders); at < len(rows)*(i+1)/len(decoders) && errs[i] == nil; at++ {
				made[at], errs[i] = decoders[i].key(&rows[at])
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

func (s keys) Used(at map[string]map[string]time.Time) error {
	for id, secrets := range at {
		var n, last int64
		var text string
		err := s.row("SELECT n, last_used_at, uses FROM keys WHERE id = ?", []any{id}, &n, &last, &text)
		if err == store.ErrNotFound {
			continue
		}
		if err != nil {
			return err
		}
		used, err := parseUses(text)
		if err != nil {
			return err
		}
		if used == nil {
			used = uses{}
		}
		for secret, when := range secrets {
			us := micros(when)
			used[secret], last = max(used[secret], us), max(last, us)
		}
		now, err := used.encode()
		if err != nil {
			return err
		}
		if err := s.do("UPDATE keys SET last_used_at = ?, uses = ? WHERE n = ?", last, now, n); err != nil {
			return err
		}
	}
	return nil
}

// labelNames gives the names of labels in one order, so that equal queries are equal.
func labelNames(labels map[string]string) []string {
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
