package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"
	"unsafe"

	"tollgate/internal/actor"
	"tollgate/internal/store"
	"tollgate/internal/vkey"
)

// Limits, tokens and credentials are few: each is a row of id, name, version and document.

// objectRow is such a row.
type objectRow struct {
	id, name string
	version  uint64
	doc      []byte
}

func (t *tx) object(table, column, value string) (*objectRow, error) {
	r := &objectRow{}
	return r, t.row("SELECT id, name, version, doc FROM "+table+" WHERE "+column+" = ?", []any{value}, &r.id, &r.name, &r.version, &r.doc)
}

// objects gives all rows of a table by name.
func (t *tx) objects(table string) (all []*objectRow, err error) {
	err = t.rows("SELECT id, name, version, doc FROM "+table+" ORDER BY name", nil, func(scan func(...any) error) error {
		r := &objectRow{}
		all = append(all, r)
		return scan(&r.id, &r.name, &r.version, &r.doc)
	})
	return all, err
}

// putObject inserts a row of version 0, or replaces the one of the version.
func (t *tx) putObject(table, id, name string, version *uint64, doc any) error {
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("write %s of %s: %w", id, table, err)
	}
	if *version == 0 {
		err = t.free("id", id, "SELECT id FROM "+table+" WHERE id = ?", id)
	} else {
		var old *objectRow
		if old, err = t.object(table, "id", id); err == nil && old.version != *version {
			err = fmt.Errorf("%s is at version %d, not %d: %w", id, old.version, *version, store.ErrConflict)
		}
	}
	if err != nil {
		return err
	}
	if err := t.free("name", id, "SELECT id FROM "+table+" WHERE name = ?", name); err != nil {
		return err
	}
	err = t.do("INSERT INTO "+table+` (id, name, version, doc) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, doc = excluded.doc`,
		id, name, int64(*version+1), sealed(text))
	if err == nil {
		*version++
	}
	return err
}

func (t *tx) remove(table, column, value string) error {
	n, err := t.exec("DELETE FROM "+table+" WHERE "+column+" = ?", value)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

func (r *objectRow) decode(into any) error {
	text, err := unsealed(string(r.doc))
	if err == nil {
		err = json.Unmarshal([]byte(text), into)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w: %w", r.id, ErrCorrupt, err)
	}
	return nil
}

// sealed gives a document with its checksum behind it. SQLite does not notice a flipped
// bit, which may be that of an amount.
func sealed(doc []byte) string {
	return fmt.Sprintf("%s#%08x", doc, crc32.Checksum(doc, castagnoli))
}

// unsealed gives a document that is as it was written.
func unsealed(text string) (string, error) {
	i := len(text) - len("#00000000")
	var sum [4]byte
	if i >= 0 && text[i] == '#' && !strings.ContainsAny(text[i:], "ABCDEF") {
		raw := unsafe.Slice(unsafe.StringData(text), len(text)) // is only read
		if _, err := hex.Decode(sum[:], raw[i+1:]); err == nil && binary.BigEndian.Uint32(sum[:]) == crc32.Checksum(raw[:i], castagnoli) {
			return text[:i], nil
		}
	}
	return "", errors.New("the row is not what was written")
}

// list gives what the rows of a table stand for.
func list[T any](t *tx, table string, read func(*objectRow) (*T, error)) (all []*T, err error) {
	rows, err := t.objects(table)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		v, err := read(r)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// limits implements store.Limits.
type limits struct{ *tx }

type sharedLimitDoc struct {
	Limit     limitDoc    `json:"limit"`
	Origin    vkey.Origin `json:"origin"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at,omitzero"`
	CreatedBy string      `json:"created_by,omitzero"`
}

func (s limits) read(r *objectRow) (*store.SharedLimit, error) {
	var d sharedLimitDoc
	if err := r.decode(&d); err != nil {
		return nil, err
	}
	l, err := new(decoder).limit(&d.Limit)
	if err != nil {
		return nil, fmt.Errorf("read limit %s: %w: %w", r.id, ErrCorrupt, err)
	}
	return &store.SharedLimit{
		Name: r.name, Limit: l, Origin: d.Origin, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, CreatedBy: d.CreatedBy, Version: r.version,
	}, nil
}

func (s limits) Get(id string) (*store.SharedLimit, error) {
	r, err := s.object("limits", "id", id)
	if err != nil {
		return nil, err
	}
	return s.read(r)
}

func (s limits) Put(l *store.SharedLimit) error {
	return s.putObject("limits", l.Limit.ID, l.Name, &l.Version,
		sharedLimitDoc{encodeLimit(&l.Limit), l.Origin, l.CreatedAt, l.UpdatedAt, l.CreatedBy})
}

func (s limits) Delete(id string) error              { return s.remove("limits", "id", id) }
func (s limits) List() ([]*store.SharedLimit, error) { return list(s.tx, "limits", s.read) }

// credentials implements store.Credentials.
type credentials struct{ *tx }

type credentialDoc struct {
	Provider   string    `json:"provider"`
	Host       string    `json:"host"`
	Sealed     []byte    `json:"sealed"`
	Last4      string    `json:"last4,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at,omitzero"`
	CreatedBy  string    `json:"created_by,omitzero"`
	RotatedAt  time.Time `json:"rotated_at,omitzero"`
	TestedAt   time.Time `json:"tested_at,omitzero"`
	TestResult string    `json:"test_result,omitzero"`
}

func (s credentials) read(r *objectRow) (*store.Credential, error) {
	var d credentialDoc
	if err := r.decode(&d); err != nil {
		return nil, err
	}
	return &store.Credential{
		ID: r.id, Name: r.name, Provider: d.Provider, Host: d.Host, Sealed: d.Sealed, Last4: d.Last4, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		CreatedBy: d.CreatedBy, RotatedAt: d.RotatedAt, TestedAt: d.TestedAt, TestResult: d.TestResult, Version: r.version,
	}, nil
}

func (s credentials) get(column, value string) (*store.Credential, error) {
	r, err := s.object("credentials", column, value)
	if err != nil {
		return nil, err
	}
	return s.read(r)
}

func (s credentials) Get(id string) (*store.Credential, error)     { return s.get("id", id) }
func (s credentials) Named(name string) (*store.Credential, error) { return s.get("name", name) }

func (s credentials) Put(c *store.Credential) error {
	return s.putObject("credentials", c.ID, c.Name, &c.Version, credentialDoc{
		c.Provider, c.Host, c.Sealed, c.Last4, c.CreatedAt, c.UpdatedAt, c.CreatedBy, c.RotatedAt, c.TestedAt, c.TestResult,
	})
}

func (s credentials) Delete(id string) error             { return s.remove("credentials", "id", id) }
func (s credentials) List() ([]*store.Credential, error) { return list(s.tx, "credentials", s.read) }

// tokens implements store.Tokens.
type tokens struct{ *tx }

type tokenDoc struct {
	Role      string    `json:"role"`
	Digest    string    `json:"digest"`
	Last4     string    `json:"last4,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func (s tokens) read(r *objectRow) (*store.Token, error) {
	var d tokenDoc
	if err := r.decode(&d); err != nil {
		return nil, err
	}
	t := &store.Token{
		ID: r.id, Name: r.name, Last4: d.Last4, CreatedAt: d.CreatedAt, CreatedBy: d.CreatedBy, ExpiresAt: d.ExpiresAt, Version: r.version,
	}
	var err error
	if t.Role, err = actor.ParseRole(d.Role); err == nil {
		err = parseDigest(&t.Digest, d.Digest)
	}
	if err != nil {
		return nil, fmt.Errorf("read token %s: %w: %w", r.id, ErrCorrupt, err)
	}
	var used int64
	err = s.row("SELECT last_used_at FROM tokens WHERE id = ?", []any{r.id}, &used)
	t.LastUsedAt = fromMicros(used)
	return t, err
}

func (s tokens) Get(id string) (*store.Token, error) {
	r, err := s.object("tokens", "id", id)
	if err != nil {
		return nil, err
	}
	return s.read(r)
}

func (s tokens) Put(t *store.Token) error {
	if _, err := actor.ParseRole(t.Role.String()); err != nil {
		return fmt.Errorf("token %s: %w", t.ID, err)
	}
	if err := s.free("secret", t.ID, "SELECT id FROM tokens WHERE digest = ?", t.Digest[:]); err != nil {
		return err
	}
	err := s.putObject("tokens", t.ID, t.Name, &t.Version,
		tokenDoc{t.Role.String(), hex.EncodeToString(t.Digest[:]), t.Last4, t.CreatedAt, t.CreatedBy, t.ExpiresAt})
	if err != nil {
		return err
	}
	return s.do("UPDATE tokens SET digest = ?, last_used_at = max(last_used_at, ?) WHERE id = ?", t.Digest[:], micros(t.LastUsedAt), t.ID)
}

func (s tokens) Delete(id string) error        { return s.remove("tokens", "id", id) }
func (s tokens) List() ([]*store.Token, error) { return list(s.tx, "tokens", s.read) }

func (s tokens) Used(at map[string]time.Time) error {
	for id, when := range at {
		if err := s.do("UPDATE tokens SET last_used_at = max(last_used_at, ?) WHERE id = ?", micros(when), id); err != nil {
			return err
		}
	}
	return nil
}
