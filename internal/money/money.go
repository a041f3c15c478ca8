// Package money holds amounts of US dollars as integers: what is spent and
// limited in billionths (Nano), what a token costs in trillionths (Pico), and
// the exact sum of many products between the two (Sum). It knows decimal text
// and arithmetic, and nothing of what is paid for. There is no float in it.
package money

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// Nano is an amount in nano-dollars, 1e-9 USD. It reaches 9.2 billion dollars
// either way; sums that would go further stay at the end of the range.
type Nano int64

// USD is one dollar.
const USD Nano = 1_000_000_000

// The ends of the range.
const (
	MaxNano Nano = math.MaxInt64
	MinNano Nano = math.MinInt64
)

const nanoPlaces = 9

// ParseNano reads an amount of dollars: digits, at most nine of them behind a
// point, and a minus in front for a debt ("200.00", "0.000172125").
func ParseNano(s string) (Nano, error) {
	n, err := parse(s, nanoPlaces, true)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", shown(s), err)
	}
	return Nano(n), nil
}

// NanoOfNumber reads an amount of dollars as other programs write it: a JSON number,
// which may have an exponent, rounded up.
func NanoOfNumber(s string) (Nano, error) {
	n, err := parseNumber(s, nanoPlaces)
	if err != nil {
		return 0, fmt.Errorf("amount %q: %w", shown(s), err)
	}
	return Nano(n), nil
}

// String writes the amount in dollars with two decimals or as many as it needs.
func (n Nano) String() string { return string(n.append(nil)) }

func (n Nano) append(dst []byte) []byte { return format(dst, int64(n), nanoPlaces) }

// AppendText writes what String does.
func (n Nano) AppendText(dst []byte) ([]byte, error) { return n.append(dst), nil }

// MarshalText writes what String does; in JSON an amount is a string.
func (n Nano) MarshalText() ([]byte, error) { return n.append(nil), nil }

// UnmarshalText reads what ParseNano does.
func (n *Nano) UnmarshalText(text []byte) (err error) {
	*n, err = ParseNano(string(text))
	return err
}

var errNotText = errors.New(`an amount of money is written as a string, for instance "200.00"`)

// UnmarshalJSON reads a string. A number is refused: what reads and writes it
// on the way here may have made a float of it.
func (n *Nano) UnmarshalJSON(raw []byte) error {
	inner, ok := bytes.CutPrefix(raw, []byte{'"'})
	inner, closed := bytes.CutSuffix(inner, []byte{'"'})
	if !ok || !closed {
		return errNotText
	}
	return n.UnmarshalText(inner)
}

// Add gives n + m, at most MaxNano and at least MinNano.
func (n Nano) Add(m Nano) Nano {
	sum := n + m
	if (n >= 0) == (m >= 0) && (sum >= 0) != (n >= 0) {
		if n >= 0 {
			return MaxNano
		}
		return MinNano
	}
	return sum
}

// Sub gives n - m, at most MaxNano and at least MinNano.
func (n Nano) Sub(m Nano) Nano {
	diff := n - m
	if (n >= 0) != (m >= 0) && (diff >= 0) != (n >= 0) {
		if n >= 0 {
			return MaxNano
		}
		return MinNano
	}
	return diff
}
