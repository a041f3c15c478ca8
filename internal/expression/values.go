package expression

import (
	"reflect"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Parent implements CEL's Activation; it is of no use to others.
func (in *Input) Parent() cel.Activation { return nil }

// object shows the members of a variable to CEL without making a map of them.
type object struct {
	in    *Input
	shape *shape
}

func (o *object) find(name string) (any, bool) { return o.shape.field(o.in, name) }

// whole gives the members as a map, for the rare expression that treats a
// variable as one.
func (o *object) whole() traits.Mapper {
	out := make(map[string]any)
	names := o.shape.fields
	if o.shape == &shapes[rootAPIKey] {
		names = []string{"id", "name", "key"}
		for name := range o.in.Caller.Metadata {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if v, ok := o.find(name); ok {
			out[name] = v
		}
	}
	return types.NewStringInterfaceMap(adapter, out)
}

// headers shows header lines to CEL by their names in lower case.
type headers struct{ lines map[string][]string }

func (h *headers) find(name string) (any, bool) { return headerValue(h.lines, canonical(name)) }

func (h *headers) whole() traits.Mapper {
	out := make(map[string]string, len(h.lines))
	for name := range h.lines {
		if v, ok := headerValue(h.lines, name); ok {
			out[strings.ToLower(name)] = v
		}
	}
	return types.NewStringStringMap(adapter, out)
}

var adapter = types.DefaultTypeAdapter

// members is what object and headers have in common: looking up one member is
// cheap, anything else makes the map.
type members interface {
	find(name string) (any, bool)
	whole() traits.Mapper
}

func find(m members, key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	v, ok := m.find(string(name))
	if !ok {
		return nil, false
	}
	return adapter.NativeToValue(v), true
}

func get(m members, key ref.Val) ref.Val {
	v, ok := find(m, key)
	if !ok {
		return types.NewErr("no such key: %v", key.Value())
	}
	return v
}

func contains(m members, key ref.Val) ref.Val {
	_, ok := find(m, key)
	return types.Bool(ok)
}

// The rest makes both of them CEL maps.

func (o *object) Find(key ref.Val) (ref.Val, bool)            { return find(o, key) }
func (o *object) Get(key ref.Val) ref.Val                     { return get(o, key) }
func (o *object) Contains(key ref.Val) ref.Val                { return contains(o, key) }
func (o *object) Size() ref.Val                               { return o.whole().Size() }
func (o *object) Iterator() traits.Iterator                   { return o.whole().Iterator() }
func (o *object) Equal(other ref.Val) ref.Val                 { return o.whole().Equal(other) }
func (o *object) ConvertToType(t ref.Type) ref.Val            { return o.whole().ConvertToType(t) }
func (o *object) ConvertToNative(t reflect.Type) (any, error) { return o.whole().ConvertToNative(t) }
func (o *object) Type() ref.Type                              { return types.MapType }
func (o *object) Value() any                                  { return o.whole().Value() }

func (h *headers) Find(key ref.Val) (ref.Val, bool)            { return find(h, key) }
func (h *headers) Get(key ref.Val) ref.Val                     { return get(h, key) }
func (h *headers) Contains(key ref.Val) ref.Val                { return contains(h, key) }
func (h *headers) Size() ref.Val                               { return h.whole().Size() }
func (h *headers) Iterator() traits.Iterator                   { return h.whole().Iterator() }
func (h *headers) Equal(other ref.Val) ref.Val                 { return h.whole().Equal(other) }
func (h *headers) ConvertToType(t ref.Type) ref.Val            { return h.whole().ConvertToType(t) }
func (h *headers) ConvertToNative(t reflect.Type) (any, error) { return h.whole().ConvertToNative(t) }
func (h *headers) Type() ref.Type                              { return types.MapType }
func (h *headers) Value() any                                  { return h.whole().Value() }
