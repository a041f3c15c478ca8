package config_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tollgate/internal/config"
)

// evaluator checks values against a schema, as far as the schema of this
// package needs it.
type evaluator struct{ defs map[string]any }

func (e evaluator) check(s map[string]any, v any, path string) error {
	if ref, ok := s["$ref"].(string); ok {
		def, ok := e.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		if !ok {
			return fmt.Errorf("%s: no definition %s", path, ref)
		}
		return e.check(def, v, path)
	}
	for _, rule := range []func(map[string]any, any, string) error{e.kind, e.size, e.scalar, e.object, e.choices} {
		if err := rule(s, v, path); err != nil {
			return err
		}
	}
	items, _ := s["items"].(map[string]any)
	first, _ := s["prefixItems"].([]any)
	list, _ := v.([]any)
	for i, item := range list {
		items := items
		if i < len(first) {
			items = first[i].(map[string]any)
		}
		if err := e.check(items, item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

// size checks how many items a list has.
func (e evaluator) size(s map[string]any, v any, path string) error {
	list, ok := v.([]any)
	least, _ := s["minItems"].(float64)
	most, bounded := s["maxItems"].(float64)
	if ok && (float64(len(list)) < least || bounded && float64(len(list)) > most) {
		return fmt.Errorf("%s: %d items", path, len(list))
	}
	return nil
}

func (e evaluator) kind(s map[string]any, v any, path string) error {
	want, ok := s["type"].(string)
	got := map[bool]string{}[false]
	switch v.(type) {
	case map[string]any:
		got = "object"
	case []any:
		got = "array"
	case string:
		got = "string"
	case bool:
		got = "boolean"
	case int:
		got = "integer"
	case float64:
		got = "number"
	case nil:
		got = "null"
	}
	if ok && got != want && (want != "number" || got != "integer") {
		return fmt.Errorf("%s: is %s and not %s", path, got, want)
	}
	return nil
}

func (e evaluator) scalar(s map[string]any, v any, path string) error {
	if text, ok := v.(string); ok {
		if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
			return fmt.Errorf("%s: %q is none of %v", path, text, enum)
		}
		if p, ok := s["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(text) {
			return fmt.Errorf("%s: %q does not match %s", path, text, p)
		}
	}
	if n, ok := v.(int); ok {
		low, hasLow := s["minimum"].(float64)
		high, hasHigh := s["maximum"].(float64)
		if hasLow && float64(n) < low || hasHigh && float64(n) > high {
			return fmt.Errorf("%s: %d is out of bounds", path, n)
		}
	}
	return nil
}

func (e evaluator) object(s map[string]any, v any, path string) error {
	o, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := o[name.(string)]; !ok {
			return fmt.Errorf("%s: %s is missing", path, name)
		}
	}
	if most, ok := s["maxProperties"].(float64); ok && float64(len(o)) > most {
		return fmt.Errorf("%s: more than %v fields", path, most)
	}
	known, _ := s["properties"].(map[string]any)
	for name, value := range o {
		p, ok := known[name].(map[string]any)
		more, allowed := s["additionalProperties"].(map[string]any)
		switch {
		case ok:
		case allowed:
			p = more
		case s["additionalProperties"] == false:
			return fmt.Errorf("%s: %s is unknown", path, name)
		default:
			continue
		}
		if err := e.check(p, value, path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func (e evaluator) choices(s map[string]any, v any, path string) error {
	for word, exactly := range map[string]bool{"anyOf": false, "oneOf": true} {
		options, ok := s[word].([]any)
		if !ok {
			continue
		}
		matched, reasons := 0, []string{}
		for _, option := range options {
			if err := e.check(option.(map[string]any), v, path); err != nil {
				reasons = append(reasons, err.Error())
				continue
			}
			matched++
		}
		if matched == 0 || exactly && matched > 1 {
			return fmt.Errorf("%s: %d of %s match: %s", path, matched, word, strings.Join(reasons, "; "))
		}
	}
	return nil
}

func schema(t *testing.T) (map[string]any, evaluator) {
	t.Helper()
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	defs, _ := s["$defs"].(map[string]any)
	return s, evaluator{defs}
}

// TestSchemaAllows holds the schema to what Load accepts.
func TestSchemaAllows(t *testing.T) {
	s, e := schema(t)
	for name, text := range samples {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := e.check(s, v, name); err != nil {
			t.Error(err)
		}
	}
}

// TestSchemaRefuses holds the schema to what Load refuses, for the rules that a
// schema can express.
func TestSchemaRefuses(t *testing.T) {
	s, e := schema(t)
	for _, text := range []string{
		"llm: {models: [], policiez: {}}", "gateways: {g: {}}", "llm: {models: {}}", "llm: {models: [{name: a}]}", "llm: {models: [], port: 0}",
		"llm: {models: [{name: a, provider: openIA}]}", "llm: {models: [{name: a, provider: bedrock}]}",
		"llm: {models: [{name: a, provider: {openAI: {}, anthropic: {}}}]}", "llm: {models: [{name: a, provider: openAI, guardrails: {}}]}",
		"llm: {models: [], policies: {apiKey: {mode: strikt, keys: []}}}", "llm: {models: [], policies: {apiKey: {keys: [{}]}}}",
		"llm: {models: [], policies: {apiKey: {keys: [{key: a, keyHash: 'sha256:477fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f'}]}}}",
		"llm: {models: [], policies: {apiKey: {keys: [{keyHash: 'md5:0'}]}}}", "llm: {models: [], policies: {authorization: {rules: [{permit: x}]}}}",
		"llm: {models: [], policies: {localRateLimit: [{fillInterval: soon}]}}", "tollgate: {drainTimeout: 1}", "config: {adminAddr: nowhere}", "tollgate: {metrics: {keyLabels: [key]}}",
		"llm: {models: [{name: a, provider: openAI, auth: {}}]}", "routes: [{backends: [{}]}]", "llm: {guardrails: {}}", "config: {modelCatalog: [{}]}",
		"routes: [{matches: [{path: {regex: []}}]}]", "routes: [{matches: [{path: {regex: [a, 1, 2]}}]}]", "routes: [{matches: [{path: {regex: [a, b]}}]}]",
		"llm: {models: [], providers: [{name: p, provider: openAI, defaults: {temperature: 1}}]}",
	} {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if e.check(s, v, "") == nil {
			t.Errorf("the schema allows %s", text)
		}
		if problems(t, world{}, text) == "" {
			t.Errorf("Load allows %s", text)
		}
	}
}

// TestSchemaDescribes keeps every field documented.
func TestSchemaDescribes(t *testing.T) {
	s, e := schema(t)
	if s["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("dialect %v", s["$schema"])
	}
	e.defs["Config"] = s
	fields := 0
	for name, def := range e.defs {
		properties, _ := def.(map[string]any)["properties"].(map[string]any)
		for field, p := range properties {
			fields++
			if p.(map[string]any)["description"] == nil {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
	if fields < 200 {
		t.Errorf("only %d fields", fields)
	}
}
