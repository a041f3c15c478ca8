package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

var (
	errEmpty    = errors.New("is empty")
	errSign     = errors.New("must not be negative")
	errPlus     = errors.New("must not begin with a plus")
	errExponent = errors.New("must not have an exponent")
	errPower    = errors.New("has an exponent that is no number")
	errZeros    = errors.New("must not begin with a superfluous zero")
	errPoint    = errors.New("needs digits on both sides of the point")
	errRange    = errors.New("is out of range")
)

// parse reads a plain decimal number as an integer of 10^-places.
func parse(s string, places int, signed bool) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	switch {
	case s == "":
		return 0, errEmpty
	case negative && !signed:
		return 0, errSign
	}
	whole, fraction, pointed := strings.Cut(digits, ".")
	if err := checkDigits(whole, fraction, pointed); err != nil {
		return 0, err
	}
	if len(fraction) > places {
		return 0, fmt.Errorf("has more than %d decimals", places)
	}
	// The most negative number has no positive twin, so build downwards.
	n := int64(0)
	for i := range len(whole) + places {
		digit := int64(0)
		switch {
		case i < len(whole):
			digit = int64(whole[i] - '0')
		case i-len(whole) < len(fraction):
			digit = int64(fraction[i-len(whole)] - '0')
		}
		if n < (math.MinInt64+digit)/10 {
			return 0, errRange
		}
		n = n*10 - digit
	}
	if negative {
		return n, nil
	}
	if n == math.MinInt64 {
		return 0, errRange
	}
	return -n, nil
}

func checkDigits(whole, fraction string, pointed bool) error {
	if whole == "" || pointed && fraction == "" {
		if strings.Trim(whole+fraction, "0123456789") == "" {
			return errPoint
		}
	}
	if whole != "" && whole[0] == '+' {
		return errPlus
	}
	for _, part := range [2]string{whole, fraction} {
		for i := range len(part) {
			switch c := part[i]; {
			case c >= '0' && c <= '9':
			case (c == 'e' || c == 'E') && i > 0:
				return errExponent
			default:
				return fmt.Errorf("has %q in it: only digits and one point are allowed", part[i:i+1])
			}
		}
	}
	if whole == "" {
		return errPoint
	}
	if len(whole) > 1 && whole[0] == '0' {
		return errZeros
	}
	return nil
}

// maxDigits is how many significant digits an int64 is sure to hold.
const maxDigits = 18

// parseNumber reads a JSON number, which may have an exponent, as an integer of
// 10^-places, rounded up.
func parseNumber(s string, places int) (int64, error) {
	mantissa, power := s, 0
	if i := strings.IndexAny(s, "eE"); i > 0 {
		mantissa = s[:i]
	}
	if strings.HasPrefix(mantissa, "-") {
		return 0, errSign
	}
	whole, fraction, pointed := strings.Cut(mantissa, ".")
	if err := checkDigits(whole, fraction, pointed); err != nil {
		return 0, err
	}
	if len(mantissa) < len(s) {
		var err error
		power, err = strconv.Atoi(s[len(mantissa)+1:])
		switch {
		case err != nil && !errors.Is(err, strconv.ErrRange):
			return 0, errPower
		case err != nil, power > 400, power < -400:
			return 0, errRange
		}
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	shift := power - len(fraction) + places // the number is digits × 10^shift
	rest := false                           // something below the last digit kept
	if len(digits) > maxDigits {
		rest = strings.Trim(digits[maxDigits:], "0") != ""
		shift += len(digits) - maxDigits
		digits = digits[:maxDigits]
	}
	n := int64(0)
	for i := range len(digits) {
		n = n*10 + int64(digits[i]-'0')
	}
	for ; shift > 0 && n != 0; shift-- {
		if n > math.MaxInt64/10 {
			return 0, errRange
		}
		n *= 10
	}
	for ; shift < 0 && n != 0; shift++ {
		rest = rest || n%10 != 0
		n /= 10
	}
	if rest {
		n++
	}
	return n, nil
}

// format writes n × 10^-places with two decimals or as many as it needs.
func format(dst []byte, n int64, places int) []byte {
	magnitude := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	var buf [24]byte
	text := strconv.AppendUint(buf[:0], magnitude, 10)
	for len(text) <= places {
		text = append(text, 0)
		copy(text[1:], text)
		text[0] = '0'
	}
	point := len(text) - places
	end := len(text)
	for end > point+2 && text[end-1] == '0' {
		end--
	}
	dst = append(append(dst, text[:point]...), '.')
	return append(dst, text[point:end]...)
}

// shown is s as it may stand in a message: a stranger may have written it.
func shown(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
