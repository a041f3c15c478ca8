package config

import (
	"encoding/json"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// redacted stands in a dump where a value may be a secret.
const redacted = "[redacted]"

// Dump gives the configuration in force as JSON in the words of the format,
// with defaults filled in and without any secret.
func (c *Config) Dump() ([]byte, error) {
	if t := c.Frontend.Tracing; t != nil && t.Endpoint != "" { // it stands in its older place
		shown := *c
		shown.Frontend.Tracing = nil
		c = &shown
	}
	durations := jsonv2.MarshalFunc(func(d time.Duration) ([]byte, error) { return json.Marshal(d.String()) })
	return jsonv2.Marshal(c, jsonv2.WithMarshalers(durations), jsontext.WithIndent("  "))
}

// MarshalJSON implements json.Marshaler in the form that a file has.
func (p Provider) MarshalJSON() ([]byte, error) {
	switch p.Kind {
	case KindCustom:
		return object(string(p.Kind), customProvider{Model: p.Model, Override: p.Name, Formats: p.Formats})
	case KindReference:
		return object(string(p.Kind), p.Reference)
	case KindSimulated:
		return object(string(p.Kind), map[string]string{
			"model": p.Model, "latency": p.Simulated.Latency.String(), "tokenLatency": p.Simulated.TokenLatency.String(),
		})
	}
	if p.Model == "" {
		return json.Marshal(p.Kind)
	}
	return object(string(p.Kind), providerModel{Model: p.Model})
}

// MarshalJSON implements json.Marshaler in the form that a file has.
func (r Rule) MarshalJSON() ([]byte, error) { return object(string(r.Effect), r.Expr) }

// MarshalJSON implements json.Marshaler in the form that a file has.
func (a Authority) MarshalJSON() ([]byte, error) {
	switch a.Mode {
	case "full", "host":
		return object(a.Mode, a.Host)
	case "port":
		return object(a.Mode, a.Port)
	default:
		return json.Marshal(a.Mode)
	}
}

// MarshalJSON implements json.Marshaler without the values, which may be
// credentials.
func (h HeaderModifier) MarshalJSON() ([]byte, error) {
	hidden := func(m Map[string]) Map[string] {
		var out Map[string]
		for i := range m {
			out = append(out, Entry[string]{Name: m[i].Name, Value: redacted})
		}
		return out
	}
	return json.Marshal(struct {
		Add    Map[string] `json:"add,omitzero"`
		Set    Map[string] `json:"set,omitzero"`
		Remove []string    `json:"remove,omitzero"`
	}{hidden(h.Add), hidden(h.Set), h.Remove})
}

// object gives an object of one field.
func object(name string, value any) ([]byte, error) {
	return json.Marshal(Map[any]{{Name: name, Value: value}})
}
