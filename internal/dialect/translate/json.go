package translate

import (
	"bytes"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect/answer"
)

// members gives the members of an object that is known to be valid, by their names without
// escapes. What is no object has none.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		o := answer.Members(object)
		for {
			name, value, ok := o.Next()
			if !ok {
				return
			}
			if bytes.IndexByte(name, '\\') >= 0 {
				name = answer.AppendUnescaped(nil, name)
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// elements gives the elements of an array that is known to be valid, with their places.
// What is no array has none.
func elements(array []byte) iter.Seq2[int, []byte] {
	return func(yield func(i int, value []byte) bool) {
		a := answer.Elements(array)
		for i := 0; ; i++ {
			value, ok := a.Next()
			if !ok || !yield(i, value) {
				return
			}
		}
	}
}

// kind gives the first byte of a value, 'n' for one that is null or not there.
func kind(value []byte) byte {
	if len(value) == 0 {
		return 'n'
	}
	return value[0]
}

func isString(value []byte) bool { return kind(value) == '"' }

func isNumber(value []byte) bool { return jsontext.Value(value).Kind() == '0' }

// blank tells a string without a character that can be seen, and what is no string.
func blank(value []byte) bool {
	return !isString(value) || len(bytes.TrimSpace([]byte(answer.String(value)))) == 0
}

// empty tells an array or object without anything in it.
func empty(value []byte) bool {
	for range elements(value) {
		return false
	}
	for range members(value) {
		return false
	}
	return kind(value) == '[' || kind(value) == '{'
}

// get gives the value of the member of an object that has a name, nil if none has.
func get(object []byte, name string) []byte {
	for n, v := range members(object) {
		if string(n) == name {
			return v
		}
	}
	return nil
}

// isValid tells whether a provider wrote JSON. That it names members twice, or has bytes
// that are no UTF-8, is for its readers.
func isValid(value []byte) bool {
	return jsontext.Value(value).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// appendString appends s as a JSON string; what is no UTF-8 in it is replaced.
func appendString[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// appendMember appends a member with a value that is JSON, and a comma.
func appendMember(dst []byte, name string, value []byte) []byte {
	dst = append(append(append(dst, '"'), name...), `":`...)
	return append(append(dst, value...), ',')
}
