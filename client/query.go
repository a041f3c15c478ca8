package client

import (
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// parameters writes the fields of a filter, which are tagged with the names of query
// parameters. Zero values are left out; labels are written as label.NAME=VALUE.
func parameters(into url.Values, filter any) {
	if filter == nil {
		return
	}
	v := reflect.ValueOf(filter)
	for field, value := range v.Fields() {
		if value.IsZero() {
			continue
		}
		if labels, ok := value.Interface().(map[string]string); ok {
			for name, text := range labels {
				into.Set("label."+name, text)
			}
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("query"), ",")
		switch x := value.Interface().(type) {
		case string:
			into.Set(name, x)
		case bool:
			into.Set(name, "true")
		case int:
			into.Set(name, strconv.Itoa(x))
		case []string:
			into.Set(name, strings.Join(x, ","))
		case time.Time:
			into.Set(name, x.Format(time.RFC3339Nano))
		default:
			panic("client: the filter " + v.Type().Name() + " has a field " + field.Name + " of a type that is not sent")
		}
	}
}
