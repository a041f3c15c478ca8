package tokens

import "unicode/utf8"

type class uint8

const (
	control class = iota
	lower
	upper
	digit
	space
	newline
	mark
	high // first or later byte of a rune beyond ASCII
)

var classes = func() (t [256]class) {
	for b := range t {
		switch {
		case b >= utf8.RuneSelf:
			t[b] = high
		case 'a' <= b && b <= 'z':
			t[b] = lower
		case 'A' <= b && b <= 'Z':
			t[b] = upper
		case '0' <= b && b <= '9':
			t[b] = digit
		case b == ' ' || b == '\t':
			t[b] = space
		case b == '\n' || b == '\r':
			t[b] = newline
		case b > ' ' && b < 0x7f:
			t[b] = mark
		}
	}
	return t
}()

// Estimate gives the number of tokens that b is likely to be, without a
// vocabulary: one scan over classes of bytes that imitates how byte-pair
// tokenizers cut text. On natural text, code and JSON it lands between the true
// count of o200k and one and a half times that; on base64 and the like below it.
// It allocates nothing.
func Estimate(b []byte) int64 {
	var halves int64 // half tokens
	for i := 0; i < len(b); {
		switch classes[b[i]] {
		case lower, upper:
			var n int64
			n, i = word(b, i)
			halves += 2 * n
		case digit:
			start := i
			for i < len(b) && classes[b[i]] == digit {
				i++
			}
			halves += 2 * int64((i-start+2)/3)
		case space, newline:
			var n int64
			n, i = blank(b, i)
			halves += 2 * n
		case high:
			var n int64
			n, i = foreign(b, i)
			halves += n
		case mark:
			var n int64
			n, i = marks(b, i)
			halves += 2 * n
		default:
			halves += 2
			i++
		}
	}
	return (halves + 1) / 2
}

// word counts a run of letters: a piece at each change to upper case, long
// pieces more than once. Runs of capitals are rarely in a vocabulary.
func word(b []byte, i int) (n int64, end int) {
	start, last := i, classes[b[i]]
	capitals := 0
	for ; i < len(b); i++ {
		c := classes[b[i]]
		if c != lower && c != upper {
			break
		}
		if c == upper {
			if last == lower {
				n += piece(i-start, capitals)
				start, capitals = i, 0
			}
			capitals++
		}
		last = c
	}
	return n + piece(i-start, capitals), i
}

func piece(length, capitals int) int64 {
	if capitals > 2 {
		return int64(length+3) / 4
	}
	return 1 + int64(length-1)/10
}

// blank counts a run of white space. A single space belongs to the word behind
// it, but not to a number.
func blank(b []byte, i int) (n int64, end int) {
	start := i
	for i < len(b) && (classes[b[i]] == space || classes[b[i]] == newline) {
		i++
	}
	if i-start == 1 && b[start] == ' ' && i < len(b) && classes[b[i]] != digit {
		return 0, i
	}
	return 1 + int64(i-start)/64, i
}

// marks counts a run of punctuation: what often comes together, like a quote,
// a comma and a quote, is less than one each, and a ruler of one character little.
func marks(b []byte, i int) (n int64, end int) {
	start, same := i, 1
	for i++; i < len(b) && classes[b[i]] == mark; i++ {
		if b[i] == b[i-1] {
			same++
		}
	}
	length := i - start
	if length > 3 && same == length {
		return int64(length+3) / 4, i
	}
	return int64(2*length+2) / 3, i
}

// foreign counts, in half tokens, the rune at i, or a run of letters of an
// alphabet other than the Latin one.
func foreign(b []byte, i int) (halves int64, end int) {
	letters := 0
	for i < len(b) && classes[b[i]] == high {
		r, size := utf8.DecodeRune(b[i:])
		if !alphabetic(r) {
			if letters == 0 {
				return symbol(r, size), i + size
			}
			break
		}
		letters++
		i += size
	}
	return 2 * int64((letters+2)/3), i
}

// alphabetic tells the scripts whose letters share tokens: Latin with accents,
// Greek, Cyrillic, Hebrew, Arabic and their neighbours, the scripts of India.
func alphabetic(r rune) bool { return r >= 0xaa && r < 0x2000 && r != 0xd7 && r != 0xf7 }

func symbol(r rune, size int) int64 {
	switch {
	case r == utf8.RuneError && size == 1:
		return 2
	case r >= 0x1f000 || r >= 0x2600 && r < 0x2800:
		return 5
	default:
		return 2 // ideographs, kana, hangul, typographic marks
	}
}
