package catalog

import (
	"errors"
	"strings"
)

// Shape is a kind of price list.
type Shape string

// formatFamily begins the format of our own lists, of whatever version.
const formatFamily = "tollgate/prices/"

// The shapes.
const (
	Own          Shape = "tollgate"
	Agentgateway Shape = "agentgateway"
	LiteLLM      Shape = "litellm"
)

// Detect tells the shape of a price list by its outermost members. It reads no
// further than it must.
func Detect(source string, data []byte) (Shape, error) {
	r := newReader(source, data)
	providers, models := false, false
	err := r.object(func(name string) error {
		switch name {
		case "format":
			s, err := r.text()
			if err == nil && strings.HasPrefix(s, formatFamily) {
				return errOwn
			}
			return err
		case "providers":
			providers = true
		case "sample_spec":
			models = true
		default:
			models = models || r.looksLite()
			return nil
		}
		return r.skip()
	})
	switch {
	case errors.Is(err, errOwn):
		return Own, nil
	case err != nil:
		return "", err
	case providers:
		return Agentgateway, nil
	case models:
		return LiteLLM, nil
	}
	return "", r.failAt("", 0, `is no price list: it has neither "format": "`+Format+`" nor "providers" nor models of LiteLLM`)
}

// errOwn ends the walk of Detect early.
var errOwn = errors.New("one of our own lists")

// looksLite tells whether the next value is a model of LiteLLM. It takes the value.
func (r *reader) looksLite() bool {
	v, err := r.dec.ReadValue()
	if err != nil || v.Kind() != '{' {
		return false
	}
	inner := newReader("", v)
	found := false
	_ = inner.object(func(name string) error {
		found = found || name == "litellm_provider" || strings.Contains(name, "_cost")
		return inner.skip()
	})
	return found
}

// Parse reads a price list of any shape.
func Parse(source string, data []byte) (*Layer, error) {
	shape, err := Detect(source, data)
	if err != nil {
		return nil, err
	}
	switch shape {
	case Own:
		return ParseOwn(source, data)
	case Agentgateway:
		return ParseAgentgateway(source, data)
	default:
		return ParseLiteLLM(source, data)
	}
}
