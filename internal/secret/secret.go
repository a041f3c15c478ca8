// Package secret holds values that must never be printed: provider credentials
// and virtual keys on their way through the gateway.
package secret

import (
	"errors"
	"log/slog"
)

// redacted is what every formatting verb, encoder and logger sees.
const redacted = "[redacted]"

// Text is a secret string. It cannot be printed, logged or marshalled; the one
// way to its value is Reveal, so every use of a secret can be found by name.
// The zero Text is empty.
type Text struct{ value string }

// New wraps value.
func New(value string) Text { return Text{value} }

// Reveal returns the secret itself. Call it only where the value leaves for
// its one legitimate destination.
func (t Text) Reveal() string { return t.value }

// Empty reports whether there is no secret.
func (t Text) Empty() bool { return t.value == "" }

// String implements fmt.Stringer without the value.
func (t Text) String() string { return redacted }

// GoString implements fmt.GoStringer without the value.
func (t Text) GoString() string { return redacted }

// LogValue implements slog.LogValuer without the value.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler without the value, so that a
// struct with a secret in it can be dumped.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText refuses: a secret is wrapped by New, where the reader can see it.
func (t *Text) UnmarshalText([]byte) error {
	return errors.New("secret: refusing to decode into a secret; wrap the value with secret.New")
}
