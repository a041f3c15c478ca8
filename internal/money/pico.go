package money

import (
	"fmt"
	"math"
)

// Pico is a price in pico-dollars, 1e-12 USD: of one token, one search, one
// picture. A price of a million tokens with six decimals is a whole number of
// them for each token. Prices are never negative.
type Pico int64

// MaxPico is the dearest price, 9.2 million dollars.
const MaxPico Pico = math.MaxInt64

const (
	picoPlaces       = 12
	perMillionPlaces = picoPlaces - 6
)

// ParsePico reads the price of one piece in dollars with at most twelve decimals.
func ParsePico(s string) (Pico, error) { return parsePrice(s, picoPlaces) }

// ParsePerMillion reads a price in dollars for a million pieces with at most
// six decimals and gives that of one.
func ParsePerMillion(s string) (Pico, error) { return parsePrice(s, perMillionPlaces) }

func parsePrice(s string, places int) (Pico, error) {
	n, err := parse(s, places, false)
	if err != nil {
		return 0, fmt.Errorf("price %q: %w", shown(s), err)
	}
	return Pico(n), nil
}

// PicoOfNumber reads the price of one piece in dollars from the text of a JSON
// number, exponents included. What is finer than a pico-dollar is rounded up.
func PicoOfNumber(s string) (Pico, error) {
	n, err := parseNumber(s, picoPlaces)
	if err != nil {
		return 0, fmt.Errorf("price %q: %w", shown(s), err)
	}
	return Pico(n), nil
}

// String writes the price of one piece in dollars.
func (p Pico) String() string { return string(format(nil, int64(p), picoPlaces)) }

// PerMillion writes the price of a million pieces in dollars.
func (p Pico) PerMillion() string { return string(format(nil, int64(p), perMillionPlaces)) }

// Times gives n times the price, at most MaxPico.
func (p Pico) Times(n int64) Pico {
	if n > 0 && p > MaxPico/Pico(n) {
		return MaxPico
	}
	return p * Pico(n)
}
