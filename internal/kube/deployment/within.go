//go:build !nokube

package deployment

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// within tells whether an object has everything that is wanted of it, whatever else it has:
// a server adds defaults, others add fields of their own, and items to lists whose items
// have names. If not, it names the first field that differs.
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
		if n := itemsNamed(w, l); n != nil {
			l = n
		}
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

// itemsNamed gives the items of a list that have the names of those that are wanted, in their
// order; nil where these have none.
func itemsNamed(wanted, live []any) []any {
	var out []any
	for _, w := range wanted {
		item, _ := w.(map[string]any)
		name, ok := item["name"].(string)
		if !ok {
			return nil
		}
		for _, l := range live {
			if there, _ := l.(map[string]any); there["name"] == name {
				out = append(out, l)
			}
		}
	}
	return out
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
