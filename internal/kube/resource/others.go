package resource

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// withOthers reads an object into a struct and notes which of its fields the struct does not
// have, null ones aside. What is not known may be what somebody relies on, for instance to
// keep callers out: a status has to say that it is not served.
func withOthers(data []byte, into any, others *[]string, known ...string) error {
	if err := decode(data, into); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := decode(data, &all); err != nil {
		return err
	}
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		known = append(known, name)
	}
	*others = nil
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(known, name) && string(all[name]) != "null" {
			*others = append(*others, name)
		}
	}
	return nil
}

// decode reads JSON. The error names the field and never what stands in it, which may be a
// credential.
func decode(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	if e, ok := err.(*json.UnmarshalTypeError); ok {
		return fmt.Errorf("%s: must not be of the kind %s", e.Field, strings.Fields(e.Value + " ?")[0])
	}
	return err
}
