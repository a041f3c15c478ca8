package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxVisits bounds the nodes that are decoded, so that aliases of aliases
// cannot make a small text large.
const maxVisits = 1 << 18

// decoder turns the nodes of a document into values of this package's types and
// reports everything that does not fit.
type decoder struct {
	file   string
	opts   Options
	report *Report
	tables tables
	open   map[*yaml.Node]bool // nodes that are being decoded, to find aliases of themselves
	left   int                 // nodes that may still be decoded
}

// nodeDecoder is a type that is not decoded by its fields alone. decodeNode
// sets the receiver from a node that is no alias, and null only for JSON;
// schemaNode tells what decodeNode accepts.
type nodeDecoder interface {
	decodeNode(d *decoder, n *yaml.Node, at Position, f *field)
	schemaNode(g *generator, f *field) *schema
}

var durationType = reflect.TypeFor[time.Duration]()

func (d *decoder) at(n *yaml.Node, path string) Position {
	return Position{File: d.file, Line: n.Line, Column: n.Column, Path: path}
}

// add reports a problem with a hint.
func (d *decoder) add(at Position, hint, format string, args ...any) {
	d.report.add(at, hint, format, args...)
}

// decode sets what target points at from a node.
func (d *decoder) decode(n *yaml.Node, target any, path string) {
	d.value(n, reflect.ValueOf(target).Elem(), path, &field{})
}

// enter resolves an alias and counts a visit. A caller that is told true
// leaves the node when it is done.
func (d *decoder) enter(n *yaml.Node, path string) (*yaml.Node, bool) {
	at := d.at(n, path)
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if d.open[n] {
		d.add(at, "", "the alias stands inside what it refers to")
		return n, false
	}
	d.left--
	if d.left <= 0 {
		if d.left == 0 {
			d.add(at, "", "the configuration is too large once its aliases are resolved")
		}
		return n, false
	}
	d.open[n] = true
	return n, true
}

func (d *decoder) leave(n *yaml.Node) { delete(d.open, n) }

// value sets v from a node.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string, f *field) {
	n, ok := d.enter(n, path)
	at := d.at(n, path)
	if !ok {
		d.nothing(v, at)
		return
	}
	defer d.leave(n)
	if n.Line > 0 {
		d.report.places[path] = at
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if special, ok := v.Addr().Interface().(nodeDecoder); ok {
		special.decodeNode(d, n, at, f)
		return
	}
	switch {
	case v.Type() == durationType:
		d.duration(n, v, at)
	case v.Kind() == reflect.Struct:
		d.object(n, v, at)
	case v.Kind() == reflect.Slice:
		d.list(n, v, at, f)
	case v.Kind() == reflect.String:
		d.string(n, v, at, f)
	case v.Kind() == reflect.Bool:
		d.bool(n, v, at)
	default:
		d.int(n, v, at, f)
	}
}

// nothing leaves v as it is where the text says nothing, or nothing that can be
// read; it still gets its place.
func (d *decoder) nothing(v reflect.Value, at Position) {
	if _, special := v.Addr().Interface().(nodeDecoder); v.Kind() == reflect.Struct && !special {
		d.defaults(v, at)
	}
}

// object sets a struct from a mapping by the table of its type.
func (d *decoder) object(n *yaml.Node, v reflect.Value, at Position) {
	tab := d.tables.of(v.Type())
	d.defaults(v, at)
	if n.Kind != yaml.MappingNode {
		d.add(at, "", "must be an object")
		return
	}
	given := map[string]string{} // names of fields, with the one of its names that the text uses
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, ok := keyText(key)
		if !ok || isNull(value) && slices.Contains(tab.names(), name) {
			continue // reported by check, or as good as left out
		}
		if first, twice := given[tab.canonical(name)]; twice {
			if first != name { // else reported by check
				d.add(d.at(key, join(at.Path, name)), "", "is given twice, here and as %s", first)
			}
			continue
		}
		given[tab.canonical(name)] = name
		d.field(tab, v, name, key, value, at.Path)
	}
	for i := range tab.fields {
		if f := &tab.fields[i]; f.required && given[f.name] == "" {
			d.add(at.Child(f.name), "", "is missing")
		}
	}
	d.oneOf(tab, given, at)
}

// field sets one field of a struct, or reports why it cannot be set.
func (d *decoder) field(tab *table, v reflect.Value, name string, key, value *yaml.Node, path string) {
	at := d.at(key, join(path, quoteName(name)))
	if i, ok := tab.byName[name]; ok {
		f := &tab.fields[i]
		d.value(value, v.FieldByIndex(f.index), at.Path, f)
		return
	}
	switch {
	case slices.Contains(tab.later, name):
		d.add(at, "", "is not yet supported")
	case slices.Contains(tab.aside, name):
		d.leaveAside(at, "is left aside: it belongs to a part of agentgateway that tollgate does not have")
		if tab.unserved != nil {
			v.FieldByIndex(tab.unserved).SetString("backends of the kind " + name + " are not served by tollgate")
		}
		if tab.left != nil {
			left := v.FieldByIndex(tab.left)
			left.Set(reflect.Append(left, reflect.ValueOf(name)))
		}
	case slices.Contains(tab.idle, name):
		d.leaveAside(at, "has no effect yet")
	default:
		d.add(at, suggest(name, tab.names()), "unknown field")
	}
}

// leaveAside warns of something that is accepted but does nothing, or refuses it.
func (d *decoder) leaveAside(at Position, why string) {
	if d.opts.Strict {
		d.add(at, "", "%s", why)
		return
	}
	d.report.Warn(at, "%s", why)
}

// oneOf checks that exactly one of the fields is given of which there can be only one.
func (d *decoder) oneOf(tab *table, given map[string]string, at Position) {
	if tab.oneOf == nil {
		return
	}
	var found, offered []string
	for _, name := range tab.oneOf {
		if given[name] != "" {
			found = append(found, name)
		}
		if _, ok := tab.byName[name]; ok {
			offered = append(offered, name)
		}
	}
	switch {
	case len(found) == 0 && len(offered) == 1:
		d.add(at, "", "%s is missing", offered[0])
	case len(found) == 0:
		d.add(at, "", "one of %s is needed", strings.Join(offered, ", "))
	case len(found) > 1:
		d.add(at, "", "only one of %s can be given", strings.Join(found, ", "))
	}
}

// defaults fills a struct with what holds where the text says nothing.
func (d *decoder) defaults(v reflect.Value, at Position) {
	tab := d.tables.of(v.Type())
	if tab.position != nil {
		v.FieldByIndex(tab.position).Set(reflect.ValueOf(at))
	}
	for i := range tab.fields {
		f := &tab.fields[i]
		fv := v.FieldByIndex(f.index)
		if f.hasDef {
			d.value(&yaml.Node{Kind: yaml.ScalarNode, Value: f.def}, fv, join(at.Path, f.name), f)
			continue
		}
		if fv.Kind() == reflect.Struct { // nothing else has a place without being there
			d.nothing(fv, at.Child(f.name))
		}
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, at Position, f *field) {
	if n.Kind != yaml.SequenceNode {
		d.add(at, "", "must be a list")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		path := fmt.Sprintf("%s[%d]", at.Path, i)
		if isNull(item) {
			d.add(d.at(item, path), "", "must not be empty")
			d.nothing(out.Index(i), d.at(item, path))
			continue
		}
		d.value(item, out.Index(i), path, f)
	}
	v.Set(out)
}

func (d *decoder) string(n *yaml.Node, v reflect.Value, at Position, f *field) {
	if f.pair && n.Kind == yaml.SequenceNode {
		if n = d.first(n, at); n == nil {
			return
		}
	}
	text, ok := d.text(n, at)
	if !ok {
		return
	}
	if f.enum != nil && !slices.Contains(f.enum, text) {
		d.notOneOf(n, at, f.enum)
		return
	}
	v.SetString(text)
}

// first gives the text of a list of a text and perhaps a number, nil if it is none.
func (d *decoder) first(n *yaml.Node, at Position) *yaml.Node {
	if len(n.Content) == 0 || len(n.Content) > 2 {
		d.add(at, "", "must be text, or a list of the text and a number")
		return nil
	}
	if len(n.Content) == 2 {
		var number int64
		d.value(n.Content[1], reflect.ValueOf(&number).Elem(), at.Path+"[1]", &field{})
	}
	text, ok := d.enter(n.Content[0], at.Path+"[0]")
	if !ok {
		return nil
	}
	d.leave(text)
	return text
}

// notOneOf reports a value that is none of those allowed. The value is shown as
// it stands in the file, never as the environment completes it.
func (d *decoder) notOneOf(n *yaml.Node, at Position, allowed []string) {
	words := make([]string, 0, len(allowed))
	for _, word := range allowed {
		if word == "" {
			word = `""`
		}
		words = append(words, word)
	}
	d.add(at, suggest(n.Value, allowed), "%s is none of %s", quoteShort(n.Value), strings.Join(words, ", "))
}

func (d *decoder) bool(n *yaml.Node, v reflect.Value, at Position) {
	text, kind, expanded, ok := d.scalar(n, at)
	if !ok {
		return
	}
	b, err := strconv.ParseBool(text)
	if kind == "!!bool" {
		err = n.Decode(&b)
	} else if !expanded || kind != "!!str" {
		err = strconv.ErrSyntax
	}
	if err != nil {
		d.add(at, "", "must be true or false")
		return
	}
	v.SetBool(b)
}

func (d *decoder) int(n *yaml.Node, v reflect.Value, at Position, f *field) {
	text, kind, expanded, ok := d.scalar(n, at)
	if !ok {
		return
	}
	var i int64
	var err error
	switch {
	case kind == "!!int":
		err = n.Decode(&i)
	case kind == "!!str" && expanded:
		i, err = strconv.ParseInt(text, 10, 64)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil {
		d.add(at, "", "must be a whole number")
		return
	}
	low, errLow := strconv.ParseInt(f.min, 10, 64)
	high, errHigh := strconv.ParseInt(f.max, 10, 64)
	switch {
	case errLow == nil && errHigh == nil && (i < low || i > high):
		d.add(at, "", "must be between %d and %d", low, high)
	case errLow == nil && i < low:
		d.add(at, "", "must be at least %d", low)
	default:
		v.SetInt(i)
	}
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value, at Position) {
	text, kind, _, ok := d.scalar(n, at)
	if !ok {
		return
	}
	length, err := parseDuration(text)
	if err != nil || kind != "!!str" && text != "0" {
		d.add(at, "", "must be a duration such as 500ms, 60s, 24h or 7d")
		return
	}
	v.SetInt(int64(length))
}

// text gives the text of a scalar, with the environment in it.
func (d *decoder) text(n *yaml.Node, at Position) (string, bool) {
	text, kind, _, ok := d.scalar(n, at)
	if !ok {
		return "", false
	}
	if kind != "!!str" && kind != "!!timestamp" {
		d.add(at, "put it in quotes", "must be text")
		return "", false
	}
	return text, true
}

// scalar gives the text of a scalar, with the environment in it if it is text,
// and its YAML type. expanded tells that the environment changed it: then it
// may stand for a number too.
func (d *decoder) scalar(n *yaml.Node, at Position) (text, kind string, expanded, ok bool) {
	if n.Kind != yaml.ScalarNode {
		d.add(at, "", "must be a single value")
		return "", "", false, false
	}
	kind = n.ShortTag()
	switch kind {
	case "!!str":
		text, ok = d.expand(n.Value, at)
		return text, kind, text != n.Value, ok
	case "!!int", "!!float", "!!bool", "!!timestamp":
		return n.Value, kind, false, true
	case "!!null":
		d.add(at, "", "must not be empty")
	default:
		d.add(at, "", "has a YAML tag that means nothing here")
	}
	return "", kind, false, false
}
