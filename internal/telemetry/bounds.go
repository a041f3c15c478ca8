package telemetry

import (
	"strings"
	"sync"
)

// other is the label value of everything beyond a bound, unknown of what is not there.
const (
	other   = "other"
	unknown = "unknown"
)

// maxLabel bounds a label value, in bytes.
const maxLabel = 128

// admitted are the values that have a label value of their own.
type admitted struct {
	mu     sync.Mutex
	values map[string]struct{}
}

// admit tells whether value may have a label value of its own: it has one
// already, or there is room for another.
func (a *admitted) admit(value string, bound int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.values[value]; ok {
		return true
	}
	if len(a.values) >= bound {
		return false
	}
	if a.values == nil {
		a.values = map[string]struct{}{}
	}
	a.values[strings.Clone(value)] = struct{}{}
	return true
}

// bounded cuts a value to what may decide a label.
func bounded(value string) string {
	if len(value) > maxLabel {
		value = value[:maxLabel]
	}
	return value
}

// label makes a valid label value of any text, "unknown" of none. It copies:
// series live longer than the request that brought the text.
func label(value string) string {
	if value == "" {
		return unknown
	}
	if len(value) > maxLabel {
		value = cutAt(value, maxLabel)
	}
	return strings.ToValidUTF8(strings.Clone(value), "\uFFFD")
}
