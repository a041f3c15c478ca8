package adminapi

import (
	"bytes"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// none stands for parameters or a body where there are none.
type none struct{}

// rawBody is a body that goes on as it was sent, checked for no more than that it
// is a JSON object in which nothing stands twice.
type rawBody interface {
	keep(raw []byte)
	describe(s *service) (media *huma.MediaType, types []string)
}

// merge is a merge patch of a T.
type merge[T any] struct{ raw []byte }

func (m *merge[T]) keep(raw []byte) { m.raw = raw }

func (m *merge[T]) describe(s *service) (*huma.MediaType, []string) {
	t := reflect.TypeFor[T]()
	return &huma.MediaType{Schema: s.patchSchema(t), Example: samplePatch(t)}, []string{patchType, jsonType}
}

// priceList is a price list.
type priceList struct{ raw []byte }

func (l *priceList) keep(raw []byte) { l.raw = raw }

func (l *priceList) describe(*service) (*huma.MediaType, []string) {
	schema := &huma.Schema{Type: huma.TypeObject, Description: "A price list in the format tollgate/prices/1", AdditionalProperties: true}
	return &huma.MediaType{Schema: schema, Example: samplePrices}, []string{jsonType}
}

// body tells how the body of an operation is read, and what it looks like.
type body[T any] struct {
	content map[string]*huma.MediaType // nil: there is none
	read    func(*exchange) (*T, error)
}

// bodyOf makes the body of a type: none, a rawBody, or what is decoded by its schema.
func bodyOf[T any](s *service) body[T] {
	switch raw := any(new(T)).(type) {
	case *none:
		return body[T]{read: func(*exchange) (*T, error) { return new(T), nil }}
	case rawBody:
		return rawBodyOf[T](s, raw)
	}
	t := reflect.TypeFor[T]()
	schema := s.registry().Schema(t, true, "")
	content := map[string]*huma.MediaType{jsonType: {Schema: schema, Example: sample(t)}}
	needed := mandatory(s.registry(), content)
	return body[T]{content: content, read: func(x *exchange) (*T, error) {
		raw, err := x.body(jsonType)
		if err != nil {
			return nil, err
		}
		if len(raw) == 0 {
			return new(T), missing(needed)
		}
		into := new(T)
		return into, decode(s.registry(), schema, raw, into)
	}}
}

func rawBodyOf[T any](s *service, raw rawBody) body[T] {
	media, types := raw.describe(s)
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = media
	}
	return body[T]{content: content, read: func(x *exchange) (*T, error) {
		sent, err := x.body(types...)
		if err != nil {
			return nil, err
		}
		if len(sent) == 0 {
			return nil, missing(true)
		}
		into := new(T)
		any(into).(rawBody).keep(sent)
		return into, object(sent)
	}}
}

// missing refuses a body that is not there, if one is needed.
func missing(needed bool) error {
	if !needed {
		return nil
	}
	return refusal(http.StatusBadRequest, "body_missing", "send a JSON object")
}

// object refuses what is no JSON object.
func object(sent []byte) error {
	if _, err := parse(sent); err != nil {
		return err
	}
	if bytes.TrimSpace(sent)[0] != '{' {
		return refusal(http.StatusUnprocessableEntity, "invalid", "the body is a JSON object: { … }")
	}
	return nil
}
