package admin

import (
	"bytes"
	"errors"
	"strconv"
)

// Amount is an amount of a limit: decimal text for dollars ("200.00"), whole
// numbers for tokens, requests and concurrency. It holds the text as it was
// written; the kind of the limit says what it means.
type Amount struct {
	Text  string
	Quote bool // dollars are written as text
}

// Dollars makes an amount of money of its decimal text.
func Dollars(text string) Amount { return Amount{Text: text, Quote: true} }

// Count makes an amount of tokens or requests.
func Count(n int64) Amount { return Amount{Text: strconv.FormatInt(n, 10)} }

// String gives the bare text.
func (a Amount) String() string { return a.Text }

// MarshalJSON writes text or a number.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a.Quote {
		return strconv.AppendQuote(nil, a.Text), nil
	}
	if a.Text == "" {
		return []byte("0"), nil
	}
	return []byte(a.Text), nil
}

// UnmarshalJSON reads text or a number.
func (a *Amount) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) > 1 && b[0] == '"' {
		text, err := strconv.Unquote(string(b))
		if err != nil {
			return errors.New("an amount is decimal text or a whole number")
		}
		*a = Amount{Text: text, Quote: true}
		return nil
	}
	if len(b) == 0 || b[0] != '-' && (b[0] < '0' || b[0] > '9') {
		return errors.New("an amount is decimal text or a whole number")
	}
	*a = Amount{Text: string(b)}
	return nil
}
