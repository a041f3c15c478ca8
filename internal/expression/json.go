package expression

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// parseJSON reads one JSON value as expressions see it: whole numbers that fit
// are int64, others float64. Duplicate names and invalid UTF-8 are errors.
func parseJSON(text []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func parseValue(d *jsontext.Decoder) (any, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case jsontext.KindTrue, jsontext.KindFalse:
		return token.Bool(), nil
	case jsontext.KindString:
		return token.String(), nil
	case jsontext.KindNumber:
		return parseNumber(token.String())
	case jsontext.KindBeginObject:
		return parseObject(d)
	case jsontext.KindBeginArray:
		return parseArray(d)
	default:
		return nil, nil
	}
}

func parseNumber(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	return strconv.ParseFloat(text, 64)
}

func parseObject(d *jsontext.Decoder) (any, error) {
	out := make(map[string]any)
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		if out[key], err = parseValue(d); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return out, err
}

func parseArray(d *jsontext.Decoder) (any, error) {
	out := []any{}
	for d.PeekKind() != jsontext.KindEndArray {
		v, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := d.ReadToken()
	return out, err
}
