package config

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"tollgate/internal/secret"
)

// Expr is a CEL expression as it was written.
type Expr struct {
	Text string
	At   Position
}

// Empty reports whether there is no expression.
func (e Expr) Empty() bool { return e.Text == "" }

// MarshalText implements encoding.TextMarshaler.
func (e Expr) MarshalText() ([]byte, error) { return []byte(e.Text), nil }

// Secret is a value that must not be seen, given in the text or by the name of a
// file, without the white space around it.
type Secret struct {
	Text secret.Text
	File string // where it was read from, "" if it stood in the text
	At   Position
}

// Given reports whether the configuration has the secret at all; it may be empty.
func (s Secret) Given() bool { return s.At.Path != "" }

// MarshalJSON implements json.Marshaler without the value.
func (s Secret) MarshalJSON() ([]byte, error) {
	if s.File != "" {
		return json.Marshal(map[string]string{"file": s.File})
	}
	return json.Marshal(s.Text)
}

// ProviderCredential is a provider credential: a Secret, or the name of one that is stored.
type ProviderCredential struct {
	Secret
	Stored string // name of the stored credential, "" if there is a Secret
}

// Missing reports whether there is nothing to send: no name and no text.
func (s ProviderCredential) Missing() bool { return s.Stored == "" && s.Text.Empty() }

// MarshalJSON implements json.Marshaler without the value.
func (s ProviderCredential) MarshalJSON() ([]byte, error) {
	if s.Stored != "" {
		return json.Marshal(map[string]string{"credential": s.Stored})
	}
	return s.Secret.MarshalJSON()
}

// Amount is a number as it was written, so that no amount of money passes through
// a float.
type Amount struct {
	Text string
	At   Position
}

// MarshalText implements encoding.TextMarshaler.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.Text), nil }

// Instant is a point in time.
type Instant struct {
	Time time.Time
	At   Position
}

// MarshalText implements encoding.TextMarshaler.
func (i Instant) MarshalText() ([]byte, error) { return i.Time.MarshalText() }

// IsZero reports whether no time is given.
func (i Instant) IsZero() bool { return i.Time.IsZero() }

// File is a file that a configuration refers to, read when it was loaded. The
// content counts as secret, because it may be a private key.
type File struct {
	Name    string
	Content secret.Text
	At      Position
}

// Given reports whether the configuration names the file.
func (f File) Given() bool { return f.Name != "" }

// MarshalJSON implements json.Marshaler: the name alone.
func (f File) MarshalJSON() ([]byte, error) { return json.Marshal(f.Name) }

// Address is where the process listens: "host:port" or "unix:/path". The empty
// one is switched off.
type Address struct {
	Value string
	At    Position
}

// Off reports whether nothing is listened on.
func (a Address) Off() bool { return a.Value == "" }

// Unix gives the path of a Unix socket, "" if the address is none.
func (a Address) Unix() string {
	path, ok := strings.CutPrefix(a.Value, "unix:")
	if !ok {
		return ""
	}
	return path
}

// MarshalText implements encoding.TextMarshaler.
func (a Address) MarshalText() ([]byte, error) {
	if a.Off() {
		return []byte("off"), nil
	}
	return []byte(a.Value), nil
}

// JSON is a value of a request body, as JSON text.
type JSON []byte

// MarshalJSON implements json.Marshaler.
func (j JSON) MarshalJSON() ([]byte, error) { return j, nil }

// Metadata is what an operator says about a key: any JSON object. Numbers are
// int64 where they are whole and fit, else float64.
type Metadata map[string]any

// Entry is one field of a Map.
type Entry[T any] struct {
	Name  string
	Value T
	At    Position
}

// Map is an object with names of the operator's choice, in the order of the file.
type Map[T any] []Entry[T]

// Get gives the value of a name.
func (m Map[T]) Get(name string) (T, bool) {
	for i := range m {
		if m[i].Name == name {
			return m[i].Value, true
		}
	}
	var none T
	return none, false
}

// over gives the map with the fields of another one that it does not have itself.
func (m Map[T]) over(base Map[T]) Map[T] {
	for _, e := range base {
		if _, ok := m.Get(e.Name); !ok {
			m = append(m, e)
		}
	}
	return m
}

// MarshalJSON implements json.Marshaler: an object in the order of the file.
func (m Map[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m[i].Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m[i].Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
