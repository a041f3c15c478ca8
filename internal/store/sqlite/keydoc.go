package sqlite

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"tollgate/internal/access"
	"tollgate/internal/budget"
	"tollgate/internal/vkey"
)

// keyDoc is a key as it is stored. When it was last used and its version are in columns.
type keyDoc struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Origin     vkey.Origin       `json:"origin"`
	Status     string            `json:"status"`
	Reason     string            `json:"reason,omitzero"`
	Legacy     bool              `json:"legacy,omitzero"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at,omitzero"`
	CreatedBy  string            `json:"created_by,omitzero"`
	ExpiresAt  time.Time         `json:"expires_at,omitzero"`
	Labels     map[string]string `json:"labels,omitzero"`
	Allow      []string          `json:"allow,omitzero"`
	Deny       []string          `json:"deny,omitzero"`
	Operations []string          `json:"operations,omitzero"`
	Networks   []netip.Prefix    `json:"networks,omitzero"`
	Limits     []limitDoc        `json:"limits,omitzero"`
	Secrets    []secretDoc       `json:"secrets,omitzero"`
	MaxTokens  int64             `json:"max_tokens,omitzero"`
	Clamp      bool              `json:"clamp,omitzero"`
	Discreet   bool              `json:"discreet,omitzero"`
}

type secretDoc struct {
	ID        string    `json:"id"`
	Digest    string    `json:"digest"`
	Peppered  bool      `json:"peppered,omitzero"`
	Last4     string    `json:"last4,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
}

type limitDoc struct {
	ID     string            `json:"id"`
	Kind   string            `json:"kind"`
	Amount int64             `json:"amount"`
	Window string            `json:"window,omitzero"`
	Pool   bool              `json:"pool,omitzero"`
	Models []string          `json:"models,omitzero"`
	Match  map[string]string `json:"match,omitzero"`
}

var statusNames = [...]string{vkey.StatusActive: "active", vkey.StatusDisabled: "disabled", vkey.StatusRevoked: "revoked"}

func parseStatus(s string) (vkey.Status, error) {
	for status, name := range statusNames {
		if name == s {
			return vkey.Status(status), nil
		}
	}
	return 0, fmt.Errorf("%q is no status of a key", s)
}

func encodeKey(k *vkey.Key) ([]byte, error) {
	if int(k.Status) >= len(statusNames) {
		return nil, fmt.Errorf("key %s has no status", k.ID)
	}
	d := keyDoc{
		ID: k.ID, Name: k.Name, Origin: k.Origin, Status: statusNames[k.Status], Reason: k.Reason, Legacy: k.Legacy,
		CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt,
		Labels: k.Labels, Allow: k.Models.Allow, Deny: k.Models.Deny, Operations: k.Operations, Networks: k.Networks,
		MaxTokens: k.MaxTokens, Clamp: k.Clamp, Discreet: k.Discreet,
	}
	for _, l := range k.Limits {
		d.Limits = append(d.Limits, encodeLimit(l))
	}
	for i := range k.Secrets {
		s := &k.Secrets[i]
		d.Secrets = append(d.Secrets, secretDoc{s.ID, hex.EncodeToString(s.Digest[:]), s.Peppered, s.Last4, s.CreatedAt, s.NotAfter})
	}
	b, err := json.Marshal(&d, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write key %s: %w", k.ID, err)
	}
	return b, nil
}

// keyRow is a row of keys as it is read.
type keyRow struct {
	n, version, lastUsed int64
	uses, doc            string
}

const keyColumns = "n, version, last_used_at, uses, doc"

func (r *keyRow) into() []any { return []any{&r.n, &r.version, &r.lastUsed, &r.uses, &r.doc} }

// decoder reads keys. It keeps windows, which come again and again and are slow to parse, and the memory of a
// document. It is for one goroutine.
type decoder struct {
	windows map[string]budget.Window
	doc     keyDoc
}

// remembered is how many windows a decoder keeps before it begins anew.
const remembered = 4096

func (d *decoder) window(text string) (budget.Window, error) {
	if w, ok := d.windows[text]; ok {
		return w, nil
	}
	w, err := budget.ParseWindow(text)
	if err != nil {
		return w, err
	}
	if d.windows == nil || len(d.windows) >= remembered {
		d.windows = make(map[string]budget.Window)
	}
	d.windows[text] = w
	return w, nil
}

// document reads what a row says of a key, if it is what was written. It stays until the next one is read.
func (dec *decoder) document(doc string) (*keyDoc, error) {
	text, err := unsealed(doc)
	if err != nil {
		return nil, err
	}
	d := &dec.doc
	*d = keyDoc{Limits: d.Limits[:0], Secrets: d.Secrets[:0]}
	if scanKey(text, d) {
		return d, nil
	}
	*d = keyDoc{}
	return d, json.Unmarshal([]byte(text), d)
}

func (dec *decoder) key(r *keyRow) (*vkey.Key, error) {
	d, err := dec.document(r.doc)
	if err != nil {
		return nil, fmt.Errorf("read a key: %w: %w", ErrCorrupt, err)
	}
	k, err := dec.keyOf(d)
	if err != nil {
		return nil, fmt.Errorf("read key %s: %w: %w", d.ID, ErrCorrupt, err)
	}
	k.Version, k.LastUsedAt = uint64(r.version), fromMicros(r.lastUsed)
	uses, err := parseUses(r.uses)
	if err != nil {
		return nil, fmt.Errorf("read when key %s was used: %w: %w", d.ID, ErrCorrupt, err)
	}
	for i := range k.Secrets {
		k.Secrets[i].LastUsedAt = fromMicros(uses[k.Secrets[i].ID])
	}
	return k, nil
}

func (dec *decoder) keyOf(d *keyDoc) (_ *vkey.Key, err error) {
	k := &vkey.Key{
		ID: d.ID, Name: d.Name, Origin: d.Origin, Reason: d.Reason, Legacy: d.Legacy,
		CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, CreatedBy: d.CreatedBy, ExpiresAt: d.ExpiresAt,
		Labels: d.Labels, Models: vkey.Scope{Allow: d.Allow, Deny: d.Deny}, Operations: d.Operations, Networks: d.Networks,
		MaxTokens: d.MaxTokens, Clamp: d.Clamp, Discreet: d.Discreet,
	}
	if k.Status, err = parseStatus(d.Status); err != nil {
		return nil, err
	}
	if n := len(d.Limits); n > 0 {
		all := make([]budget.Limit, n)
		k.Limits = make([]*budget.Limit, n)
		for i := range all {
			if all[i], err = dec.limit(&d.Limits[i]); err != nil {
				return nil, err
			}
			k.Limits[i] = &all[i]
		}
	}
	if n := len(d.Secrets); n > 0 {
		k.Secrets = make([]vkey.Secret, n)
	}
	for i := range d.Secrets {
		s, secret := &d.Secrets[i], &k.Secrets[i]
		*secret = vkey.Secret{ID: s.ID, Peppered: s.Peppered, Last4: s.Last4, CreatedAt: s.CreatedAt, NotAfter: s.NotAfter}
		if err := parseDigest(&secret.Digest, s.Digest); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func parseDigest(d *vkey.Digest, text string) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("a digest has %d digits", len(text))
	}
	_, err := hex.Decode(d[:], []byte(text))
	return err
}

func encodeLimit(l *budget.Limit) limitDoc {
	d := limitDoc{ID: l.ID, Kind: l.Kind.String(), Amount: l.Amount, Window: l.Window.String(), Pool: l.Per == budget.Pool, Match: l.Match}
	for _, p := range l.Models {
		d.Models = append(d.Models, p.String())
	}
	return d
}

func (dec *decoder) limit(d *limitDoc) (l budget.Limit, err error) {
	l = budget.Limit{ID: d.ID, Amount: d.Amount, Match: d.Match}
	if d.Pool {
		l.Per = budget.Pool
	}
	for l.Kind = budget.Cost; l.Kind.String() != d.Kind; l.Kind++ {
		if l.Kind == budget.Concurrency {
			return l, fmt.Errorf("limit %s: %q is no kind", d.ID, d.Kind)
		}
	}
	if l.Window, err = dec.window(d.Window); err != nil {
		return l, fmt.Errorf("limit %s: %w", d.ID, err)
	}
	for _, text := range d.Models {
		p, err := access.ParsePattern(text)
		if err != nil {
			return l, fmt.Errorf("limit %s: %w", d.ID, err)
		}
		l.Models = append(l.Models, p)
	}
	return l, nil
}

// uses is when secrets were last used, by id, in microseconds.
type uses map[string]int64

func parseUses(text string) (u uses, err error) {
	if len(text) == 0 {
		return nil, nil
	}
	return u, json.Unmarshal([]byte(text), &u)
}

func (u uses) encode() (string, error) {
	if len(u) == 0 {
		return "", nil
	}
	b, err := json.Marshal(u, json.Deterministic(true))
	return string(b), err
}

// textOf is what a search looks through. Each part has a line of its own, so that nothing
// is found across two of them.
func textOf(k *vkey.Key) string {
	parts := []string{k.Name, k.ID}
	for _, value := range k.Labels {
		parts = append(parts, value)
	}
	for i := range k.Secrets {
		parts = append(parts, k.Secrets[i].Last4)
	}
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(p, "\n", " ")
	}
	return strings.ToLower(strings.Join(parts, "\n"))
}
