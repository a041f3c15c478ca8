package provider

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of requests that would break the wire format. They name no value,
// which may be a credential.
var (
	errMethod = errors.New("the method is not a token")
	errTarget = errors.New("the request target is empty or has bytes that must be escaped")
	errHost   = errors.New("the host is empty or has bytes that no host has")
	errLength = errors.New("the length of a streamed body makes no sense")
)

// Validate refuses what could not be written as one HTTP/1.1 request, above all
// line breaks, with which a header value could smuggle in a second one. Static
// is not looked at: StaticFields did that once.
func (r *Request) Validate() error {
	switch {
	case !ValidName(r.Method):
		return errMethod
	case !isVisible(r.Target):
		return errTarget
	case !isVisible(r.Host):
		return errHost
	case r.Stream != nil && r.Length < -1:
		return errLength
	}
	for i := range r.Header {
		if err := r.Header[i].validate(); err != nil {
			return err
		}
	}
	return nil
}

// Size is the number of body bytes that the request will carry, -1 if nobody knows.
func (r *Request) Size() int64 {
	if r.Stream != nil {
		return r.Length
	}
	return int64(len(r.Body))
}

func (f *Field) validate() error {
	if !ValidName(f.Name) {
		return fmt.Errorf("%q is not a header name", f.Name)
	}
	if !ValidValue(f.Value) {
		return fmt.Errorf("the value of header %q has a control character", f.Name)
	}
	return nil
}

// Framing reports whether a header belongs to the transport, which alone knows
// how a message is delimited and what becomes of the connection.
func Framing(name string) bool {
	switch len(name) {
	case len("Host"):
		return equalFold(name, "Host")
	case len("Connection"):
		return equalFold(name, "Connection")
	case len("Content-Length"):
		return equalFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		return equalFold(name, "Transfer-Encoding")
	}
	return false
}

// StaticFields gives h in wire form for Request.Static. It refuses malformed
// names and values, and the headers for which Framing holds.
func StaticFields(h Header) (string, error) {
	var b strings.Builder
	for i := range h {
		if err := h[i].validate(); err != nil {
			return "", err
		}
		if Framing(h[i].Name) {
			return "", fmt.Errorf("header %q is set by the transport", h[i].Name)
		}
		b.WriteString(h[i].Name)
		b.WriteString(": ")
		b.WriteString(h[i].Value)
		b.WriteString("\r\n")
	}
	return b.String(), nil
}

// tokenBytes marks the bytes of tokens.
var tokenBytes = func() (t [256]bool) {
	const chars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for _, c := range []byte(chars) {
		t[c] = true
	}
	return t
}()

// ValidName reports whether s is a header name or a method: a token of RFC 9110,
// 5.6.2.
func ValidName(s string) bool {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

// ValidValue reports whether s is free of what no header value may hold: line
// breaks and the other control characters.
func ValidValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

func isVisible(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return s != ""
}
