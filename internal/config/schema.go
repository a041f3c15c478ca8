package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// schema is a JSON Schema, as far as it is needed here.
type schema struct {
	Dialect     string       `json:"$schema,omitzero"`
	Title       string       `json:"title,omitzero"`
	Description string       `json:"description,omitzero"`
	Ref         string       `json:"$ref,omitzero"`
	Type        string       `json:"type,omitzero"`
	Enum        []string     `json:"enum,omitzero"`
	Pattern     string       `json:"pattern,omitzero"`
	Minimum     json.Number  `json:"minimum,omitzero"`
	Maximum     json.Number  `json:"maximum,omitzero"`
	Default     any          `json:"default,omitzero"`
	Items       *schema      `json:"items,omitzero"`
	Prefix      []*schema    `json:"prefixItems,omitzero"`
	MinItems    int          `json:"minItems,omitzero"`
	MaxItems    int          `json:"maxItems,omitzero"`
	Properties  Map[*schema] `json:"properties,omitzero"`
	Required    []string     `json:"required,omitzero"`
	// Additional is false or a *schema.
	Additional any          `json:"additionalProperties,omitzero"`
	MinFields  int          `json:"minProperties,omitzero"`
	MaxFields  int          `json:"maxProperties,omitzero"`
	AnyOf      []*schema    `json:"anyOf,omitzero"`
	OneOf      []*schema    `json:"oneOf,omitzero"`
	Defs       Map[*schema] `json:"$defs,omitzero"`
}

// generator makes the schema from the tables that the decoder works by.
type generator struct {
	tables tables
	defs   Map[*schema]
}

// Schema gives the JSON Schema (2020-12) of a configuration, for editors. It
// allows what Load allows, but for what is refused as not yet supported and for
// the rules that involve several fields.
func Schema() ([]byte, error) {
	g := &generator{tables: tables{}}
	g.defs = Map[*schema]{{Name: "environment", Value: &schema{
		Description: "A value from the environment: $NAME, ${NAME} or ${NAME:-default}.",
		Type:        "string", Pattern: `\$`,
	}}}
	root := g.object(reflect.TypeFor[Config]())
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "tollgate configuration"
	root.Defs = g.defs
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// of gives the schema of a type, as a reference if it is an object with a name.
func (g *generator) of(t reflect.Type, f *field) *schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	typed, special := reflect.New(t).Interface().(nodeDecoder)
	switch {
	case t == durationType:
		return &schema{AnyOf: []*schema{
			{Type: "string", Pattern: `^([0-9.]+(ns|us|µs|ms|s|m|h|d))+$|^0$|\$`}, {Type: "integer", Minimum: "0", Maximum: "0"},
		}}
	case special && t.Kind() != reflect.Struct:
		return typed.schemaNode(g, f)
	case special:
		return g.named(t, func() *schema { return typed.schemaNode(g, f) })
	case t.Kind() == reflect.Struct:
		return g.named(t, func() *schema { return g.object(t) })
	case t.Kind() == reflect.Slice:
		return &schema{Type: "array", Items: g.of(t.Elem(), f)}
	case t.Kind() == reflect.String && f.enum != nil:
		return orEnvironment(&schema{Type: "string", Enum: f.enum})
	case t.Kind() == reflect.String && f.pair:
		text := &schema{Type: "string"}
		return &schema{AnyOf: []*schema{text, {Type: "array", Prefix: []*schema{text, {Type: "integer"}}, MinItems: 1, MaxItems: 2}}}
	case t.Kind() == reflect.String:
		return &schema{Type: "string"}
	case t.Kind() == reflect.Bool:
		return orEnvironment(&schema{Type: "boolean"})
	default:
		return orEnvironment(&schema{Type: "integer", Minimum: json.Number(f.min), Maximum: json.Number(f.max)})
	}
}

func orEnvironment(s *schema) *schema {
	return &schema{AnyOf: []*schema{s, {Ref: "#/$defs/environment"}}}
}

// orNull allows what counts as left out.
func orNull(s *schema) *schema {
	switch {
	case s.AnyOf != nil:
		return &schema{AnyOf: append(slices.Clone(s.AnyOf), &schema{Type: "null"})}
	case s.Ref == "" && s.Type == "":
		return s // allows it already
	default:
		return &schema{AnyOf: []*schema{s, {Type: "null"}}}
	}
}

// named gives a reference to a definition, which is made the first time.
func (g *generator) named(t reflect.Type, build func() *schema) *schema {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if _, ok := g.defs.Get(name); !ok {
		at := len(g.defs)
		g.defs = append(g.defs, Entry[*schema]{Name: name}) // before its fields, which may refer to it
		g.defs[at].Value = build()
	}
	return &schema{Ref: "#/$defs/" + name}
}

// object gives the schema of a struct from its table.
func (g *generator) object(t reflect.Type) *schema {
	tab := g.tables.of(t)
	s := &schema{Type: "object", Additional: false}
	add := func(name string, p *schema) {
		s.Properties = append(s.Properties, Entry[*schema]{Name: name, Value: p})
	}
	for i := range tab.fields {
		f := &tab.fields[i]
		p := g.of(f.kind, f)
		if !f.required {
			p = orNull(p)
		}
		p.Description = f.doc
		if f.hasDef {
			p.Default = defaultValue(f.def)
		}
		add(f.name, p)
		for _, name := range f.also {
			other := *p
			other.Description = "Another name of " + f.name + "."
			add(name, &other)
		}
		if f.required {
			s.Required = append(s.Required, f.name)
		}
	}
	for _, name := range tab.aside {
		add(name, &schema{Description: "Left aside with a warning: it belongs to a part of agentgateway that tollgate does not have."})
	}
	for _, name := range tab.idle {
		add(name, &schema{Description: "Accepted with a warning: it has no effect yet."})
	}
	for _, name := range tab.oneOf {
		if _, ok := s.Properties.Get(name); ok {
			s.OneOf = append(s.OneOf, &schema{Required: []string{name}})
		}
	}
	return s
}

// defaultValue gives the JSON value of a default as it is written in a tag.
func defaultValue(text string) any {
	var v any
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if err := n.Decode(&v); err != nil {
		return text
	}
	return v
}

func (e *Expr) schemaNode(*generator, *field) *schema {
	return &schema{AnyOf: []*schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
}

func (s *Secret) schemaNode(g *generator, _ *field) *schema {
	return &schema{AnyOf: []*schema{{Type: "string"}, g.of(reflect.TypeFor[fileRef](), &field{})}}
}

func (s *ProviderCredential) schemaNode(g *generator, _ *field) *schema {
	return &schema{AnyOf: []*schema{
		{Type: "string"}, g.of(reflect.TypeFor[fileRef](), &field{}), g.of(reflect.TypeFor[storedRef](), &field{}),
	}}
}

func (a *Amount) schemaNode(*generator, *field) *schema {
	return &schema{AnyOf: []*schema{{Type: "string", Pattern: `^[0-9]+(\.[0-9]+)?$|\$`}, {Type: "number", Minimum: "0"}}}
}

func (i *Instant) schemaNode(*generator, *field) *schema {
	return &schema{Type: "string", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}T|\$`}
}

func (f *File) schemaNode(*generator, *field) *schema     { return &schema{Type: "string"} }
func (h *HostPort) schemaNode(*generator, *field) *schema { return &schema{Type: "string"} }
func (a *Address) schemaNode(*generator, *field) *schema {
	return &schema{Type: "string", Pattern: `^off$|^unix:/|:[0-9]+$|\$`}
}

func (h *KeyHash) schemaNode(*generator, *field) *schema {
	return &schema{Type: "string", Pattern: `^sha256:[0-9a-fA-F]{64}$|\$`}
}

func (b *BaseURL) schemaNode(*generator, *field) *schema {
	return &schema{Type: "string", Pattern: `^https?://|\$`}
}

func (l *LogLevel) schemaNode(*generator, *field) *schema {
	return &schema{AnyOf: []*schema{{Type: "string"}, {Type: "array", Items: &schema{Type: "string"}}}}
}

func (m *Map[T]) schemaNode(g *generator, f *field) *schema {
	return &schema{Type: "object", Additional: g.of(reflect.TypeFor[T](), f)}
}

func (m *Metadata) schemaNode(*generator, *field) *schema { return &schema{Type: "object"} }
func (j *JSON) schemaNode(*generator, *field) *schema     { return &schema{} }

func (p *Provider) schemaNode(g *generator, _ *field) *schema {
	plain := []string{"openAI", "openai", "anthropic", "simulated"}
	settings := Map[*schema]{
		{Name: "custom", Value: g.of(reflect.TypeFor[customProvider](), &field{})},
		{Name: "reference", Value: &schema{Type: "string", Description: "Name among llm.providers."}},
	}
	for i := range Presets {
		plain = append(plain, Presets[i].Name)
	}
	for _, name := range plain {
		t := reflect.TypeFor[providerModel]()
		if name == string(KindSimulated) {
			t = reflect.TypeFor[Simulated]()
		}
		settings = append(settings, Entry[*schema]{Name: name, Value: orNull(g.of(t, &field{}))})
	}
	return &schema{AnyOf: []*schema{
		orEnvironment(&schema{Type: "string", Enum: plain}),
		{Type: "object", Properties: settings, Additional: false, MinFields: 1, MaxFields: 1},
	}}
}

func (b *AIBackend) schemaNode(g *generator, _ *field) *schema {
	return &schema{AnyOf: []*schema{g.of(reflect.TypeFor[AIProvider](), &field{}), g.of(reflect.TypeFor[aiGroups](), &field{})}}
}

func (g *GatewayRefs) schemaNode(*generator, *field) *schema {
	return &schema{AnyOf: []*schema{{Type: "string"}, {Type: "array", Items: &schema{Type: "string"}}}}
}

func (g *GatewayRef) schemaNode(*generator, *field) *schema { return &schema{Type: "string"} }

func (r *Rule) schemaNode(g *generator, _ *field) *schema {
	return &schema{AnyOf: []*schema{g.of(reflect.TypeFor[Expr](), &field{}), g.of(reflect.TypeFor[ruleObject](), &field{})}}
}

func (l *RateLimits) schemaNode(g *generator, _ *field) *schema {
	return &schema{Type: "array", Items: g.of(reflect.TypeFor[RateLimit](), &field{})}
}

func (c *Credential) schemaNode(g *generator, _ *field) *schema {
	return &schema{AnyOf: []*schema{
		{Type: "string"}, g.of(reflect.TypeFor[fileRef](), &field{}), g.of(reflect.TypeFor[storedRef](), &field{}),
		g.object(reflect.TypeFor[Credential]()),
	}}
}

func (b *BackendAuth) schemaNode(g *generator, _ *field) *schema {
	return g.object(reflect.TypeFor[BackendAuth]())
}

func (a *Authority) schemaNode(g *generator, _ *field) *schema {
	return &schema{AnyOf: []*schema{
		orEnvironment(&schema{Type: "string", Enum: []string{"auto", "none"}}), g.of(reflect.TypeFor[authorityObject](), &field{}),
	}}
}
