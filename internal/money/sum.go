package money

import "math/bits"

// Factor multiplies prices, in millionths: a discount of half is 500,000.
type Factor int64

// One changes nothing.
const One Factor = 1_000_000

// MaxFactor is the greatest factor, a thousand.
const MaxFactor = 1_000 * One

// ParseFactor reads a factor with at most six decimals, not above MaxFactor.
func ParseFactor(s string) (Factor, error) {
	n, err := parsePrice(s, perMillionPlaces)
	if err == nil && Factor(n) > MaxFactor {
		return 0, errRange
	}
	return Factor(n), err
}

// String writes the factor as a decimal number.
func (f Factor) String() string { return string(format(nil, int64(f), perMillionPlaces)) }

// Times gives the product of two factors, rounded up to a millionth.
func (f Factor) Times(g Factor) Factor {
	if f == One {
		return g
	}
	if g == One {
		return f
	}
	hi, lo := bits.Mul64(uint64(max(f, 0)), uint64(max(g, 0)))
	lo, carry := bits.Add64(lo, uint64(One)-1, 0)
	hi += carry
	if hi >= uint64(One) {
		return Factor(MaxPico)
	}
	q, _ := bits.Div64(hi, lo, uint64(One))
	if q > uint64(MaxPico) {
		return Factor(MaxPico)
	}
	return Factor(q)
}

// Sum adds up products exactly, in 128 bits of 1e-18 USD, so that a bill is
// rounded once, at its end. It never overflows: what does not fit stays at the
// greatest sum. The zero Sum is empty.
type Sum struct{ hi, lo uint64 }

var full = Sum{^uint64(0), ^uint64(0)}

// Product is n pieces at a price, multiplied by a factor. A negative number of
// pieces, price or factor counts as none.
func Product(n int64, price Pico, by Factor) Sum {
	if n <= 0 || price <= 0 || by <= 0 {
		return Sum{}
	}
	hi, lo := bits.Mul64(uint64(n), uint64(price))
	return Sum{hi, lo}.times(uint64(by))
}

// Part is n pieces at a price for each per of them, rounded up to 1e-18 USD;
// per must be positive.
func Part(n int64, price Pico, per int64) Sum {
	s := Product(n, price, One)
	if s == full {
		return s
	}
	var rest uint64
	s.hi, rest = bits.Div64(0, s.hi, uint64(per))
	s.lo, rest = bits.Div64(rest, s.lo, uint64(per))
	if rest > 0 {
		return s.Plus(Sum{0, 1})
	}
	return s
}

func (s Sum) times(by uint64) Sum {
	over, hi := bits.Mul64(s.hi, by)
	carry, lo := bits.Mul64(s.lo, by)
	hi, more := bits.Add64(hi, carry, 0)
	if over != 0 || more != 0 {
		return full
	}
	return Sum{hi, lo}
}

// Plus gives s + t.
func (s Sum) Plus(t Sum) Sum {
	lo, carry := bits.Add64(s.lo, t.lo, 0)
	hi, carry := bits.Add64(s.hi, t.hi, carry)
	if carry != 0 {
		return full
	}
	return Sum{hi, lo}
}

// Less tells whether s is below t.
func (s Sum) Less(t Sum) bool { return s.hi < t.hi || s.hi == t.hi && s.lo < t.lo }

// Nano gives the sum rounded up to nano-dollars, at most MaxNano.
func (s Sum) Nano() Nano { return Nano(s.up(1e9)) }

// Pico gives the sum rounded up to pico-dollars, at most MaxPico.
func (s Sum) Pico() Pico { return Pico(s.up(1e6)) }

// up divides, rounding up, and stays within an int64.
func (s Sum) up(unit uint64) int64 {
	if s.hi >= unit {
		return int64(MaxNano)
	}
	q, rest := bits.Div64(s.hi, s.lo, unit)
	if rest > 0 {
		q++
	}
	if q > uint64(MaxNano) {
		return int64(MaxNano)
	}
	return int64(q)
}
