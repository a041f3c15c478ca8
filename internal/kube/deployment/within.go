//go:build !nokube

package deployment

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// within tells whether an object has everything that is wanted of it, whatever else it has:
// a server adds defaults, others add fields of their own. If not, it names the first field
// that differs.
func within(wanted, live any, path string) (field string, ok bool) {
	switch w := wanted.(type) {
	case map[string]any:
		l, _ := live.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(w)) {
			if inner, isMap := w[k].(map[string]any); isMap && len(inner) == 0 && path != "" && l[k] == nil {
				continue // servers leave out what is empty
			}
			if field, ok := within(w[k], l[k], path+"."+k); !ok {
				return field, false
			}
		}
		return "", true
	case []any:
		l, _ := live.([]any)
		if len(l) != len(w) {
			return path, false
		}
		for i := range w {
			if field, ok := within(w[i], l[i], fmt.Sprintf("%s[%d]", path, i)); !ok {
				return field, false
			}
		}
		return "", true
	default:
		return path, same(wanted, live)
	}
}

// same compares two values of JSON; whole numbers come as one type or the other.
func same(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
