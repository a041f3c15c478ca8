package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/api/admin"
	"tollgate/internal/spelling"
)

// decode reads JSON into a value of the admin API's types and tells everything in
// it that does not belong there, each with its path. A field that nobody knows is a
// mistake: what it was meant to do would silently not be done.
func decode(raw []byte, into any) problems {
	value, err := parse(raw)
	if err != nil {
		return problems{{Message: "is no JSON: " + err.Error()}}
	}
	var p problems
	inspect(&p, "", value, reflect.TypeOf(into).Elem())
	if len(p) > 0 {
		return p
	}
	if err := json.Unmarshal(raw, into); err != nil {
		p.add("", "%v", err)
	}
	return p
}

// parse reads one JSON value, numbers as they are written.
func parse(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("it ends too early")
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind its end")
	}
	if !jsontext.Value(raw).IsValid() {
		return nil, errors.New("a name stands there twice in one object, or text is no UTF-8")
	}
	return value, nil
}

var (
	amountType = reflect.TypeFor[admin.Amount]()
	timeType   = reflect.TypeFor[time.Time]()
)

// inspect compares a parsed value with the type that it is to become.
func inspect(p *problems, path string, value any, t reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil {
		return // null is absence
	}
	switch t {
	case amountType:
		inspectAmount(p, path, value)
		return
	case timeType:
		inspectTime(p, path, value)
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		inspectObject(p, path, value, t)
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			p.add(path, "is a list: put it in [ ]")
			return
		}
		for i, element := range list {
			inspect(p, fmt.Sprintf("%s[%d]", path, i), element, t.Elem())
		}
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			p.add(path, "is an object of names and values")
			return
		}
		for _, name := range sorted(object) {
			inspect(p, child(path, name), object[name], t.Elem())
		}
	default:
		inspectScalar(p, path, value, t)
	}
}

func inspectScalar(p *problems, path string, value any, t reflect.Type) {
	switch t.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			p.suggest(path, inQuotes(value), "is text")
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			p.add(path, "is true or false")
		}
	default:
		number, ok := value.(json.Number)
		if !ok {
			p.add(path, "is a whole number")
		} else if _, err := strconv.ParseInt(number.String(), 10, 64); err != nil {
			p.suggest(path, wholeNumber(number.String()), "%s is no whole number within range", shown(number.String()))
		}
	}
}

func inspectObject(p *problems, path string, value any, t reflect.Type) {
	object, ok := value.(map[string]any)
	if !ok {
		p.add(path, "is an object")
		return
	}
	fields := fieldsOf(t)
	for _, name := range sorted(object) {
		if field, ok := fields[name]; ok {
			inspect(p, child(path, name), object[name], field)
		} else {
			p.suggest(child(path, name), spelling.Nearest(name, sorted(fields)), "is no field that is known here")
		}
	}
}

func inspectAmount(p *problems, path string, value any) {
	switch value.(type) {
	case string, json.Number:
	default:
		p.add(path, `is dollars as text ("200.00") or a whole number`)
	}
}

func inspectTime(p *problems, path string, value any) {
	text, ok := value.(string)
	if ok {
		if _, err := time.Parse(time.RFC3339, text); err == nil {
			return
		}
	}
	p.suggest(path, asTime(text), "is no time of RFC 3339, for instance 2026-12-31T00:00:00Z")
}

// asTime completes what people write for a day or an hour.
func asTime(text string) string {
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Format(time.RFC3339)
		}
	}
	return ""
}

// wholeNumber gives the whole number that was written in another way, "" if it is none.
func wholeNumber(text string) string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return ""
	}
	return strconv.FormatInt(int64(f), 10)
}

func inQuotes(value any) string {
	switch v := value.(type) {
	case json.Number:
		return strconv.Quote(v.String())
	case bool:
		return strconv.Quote(strconv.FormatBool(v))
	default:
		return ""
	}
}

// known are the fields of types that were looked at before: an import asks for those of
// the same few types with each of its lines.
var known sync.Map // reflect.Type → map[string]reflect.Type

// fieldsOf lists the JSON names of a struct's fields, those of embedded structs too.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	if fields, ok := known.Load(t); ok {
		return fields.(map[string]reflect.Type)
	}
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" {
			fields[name] = f.Type
		}
	}
	known.Store(t, fields)
	return fields
}

func child(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
