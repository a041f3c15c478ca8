package config

import (
	"reflect"
	"strings"
)

// table is what the tags of a struct type say about an object of the format.
type table struct {
	fields   []field
	byName   map[string]int // index in fields
	oneOf    []string
	later    []string
	aside    []string
	idle     []string
	position []int // index of At, nil if there is none
	unserved []int // index of Unserved, nil if there is none
	left     []int // index of Aside, nil if there is none
}

// field is one field of an object.
type field struct {
	name     string
	also     []string // other names
	index    []int    // as for reflect.Value.FieldByIndex
	kind     reflect.Type
	doc      string
	def      string
	hasDef   bool
	required bool
	pair     bool     // a list of the text and a number is accepted
	enum     []string // nil: any
	min, max string   // "" unbounded
}

// tables are made once for each load and each schema.
type tables map[reflect.Type]*table

func (ts tables) of(t reflect.Type) *table {
	if tab := ts[t]; tab != nil {
		return tab
	}
	tab := &table{byName: map[string]int{}}
	tab.collect(t, nil)
	ts[t] = tab
	return tab
}

// collect adds the fields of a struct; an embedded one counts as part of it.
func (tab *table) collect(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), prefix...), i)
		switch {
		case f.Name == "_":
			tab.oneOf = append(tab.oneOf, list(f.Tag, "oneof")...)
			tab.later = append(tab.later, list(f.Tag, "later")...)
			tab.aside = append(tab.aside, list(f.Tag, "aside")...)
			tab.idle = append(tab.idle, list(f.Tag, "idle")...)
		case f.Anonymous:
			tab.collect(f.Type, index)
		case f.Tag.Get("json") == "-":
			switch f.Name {
			case "At":
				tab.position = index
			case "Unserved":
				tab.unserved = index
			case "Aside":
				tab.left = index
			}
		default:
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			def, hasDef := f.Tag.Lookup("default")
			also := list(f.Tag, "also")
			for _, n := range append(also, name) {
				tab.byName[n] = len(tab.fields)
			}
			tab.fields = append(tab.fields, field{
				name: name, also: also, index: index, kind: f.Type, doc: f.Tag.Get("doc"), def: def, hasDef: hasDef,
				required: f.Tag.Get("required") == "true", pair: f.Tag.Get("pair") == "true", enum: list(f.Tag, "enum"),
				min: f.Tag.Get("min"), max: f.Tag.Get("max"),
			})
		}
	}
}

// canonical gives the one name of a field that has several.
func (tab *table) canonical(name string) string {
	if i, ok := tab.byName[name]; ok {
		return tab.fields[i].name
	}
	return name
}

// names gives every name that the format knows for the object.
func (tab *table) names() []string {
	all := make([]string, 0, len(tab.fields)+len(tab.later)+len(tab.aside)+len(tab.idle))
	for i := range tab.fields {
		all = append(all, tab.fields[i].name)
		all = append(all, tab.fields[i].also...)
	}
	all = append(all, tab.later...)
	all = append(all, tab.aside...)
	return append(all, tab.idle...)
}

func list(tag reflect.StructTag, key string) []string {
	text, ok := tag.Lookup(key)
	if !ok {
		return nil
	}
	return strings.Split(text, ",")
}
