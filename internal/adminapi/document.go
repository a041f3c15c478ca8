package adminapi

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tollgate/api/admin"
)

//go:generate go test -run TestDocument -update .

const (
	schemas  = "#/components/schemas/"
	security = "adminToken"
)

// newAPI makes the API without operations. Its format writes JSON; what comes in
// is read by decode.
func newAPI(mux *http.ServeMux) huma.API {
	format := huma.Format{Marshal: func(w io.Writer, v any) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}}
	registry := huma.NewMapRegistry(schemas, huma.DefaultSchemaNamer)
	registry.RegisterTypeAlias(reflect.TypeFor[admin.Amount](), reflect.TypeFor[amount]())
	correct(registry)
	return humago.New(mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "tollgate admin API", Version: "1",
				Description: "Manages virtual keys, limits, provider credentials and prices, and tells what was requested, spent and changed. " +
					"Money is decimal text in US dollars, time is RFC 3339, cursors are opaque. Absent and null mean the same, but in a merge patch, where null clears. " +
					"Errors are problems as RFC 9457 has them, with a stable code. Every answer to a change names its audit event.",
			},
			Components: &huma.Components{
				Schemas:   registry,
				Responses: map[string]*huma.Response{},
				SecuritySchemes: map[string]*huma.SecurityScheme{
					security: {Type: "http", Scheme: "bearer", Description: "An admin token. The first start of tollgate shows the owner's."},
				},
			},
			Tags: tags,
		},
		Formats:       map[string]huma.Format{jsonType: format, "json": format}, // "json" is what huma makes of application/problem+json
		DefaultFormat: jsonType,
		Transformers: []huma.Transformer{func(ctx huma.Context, _ string, v any) (any, error) {
			m, ok := v.(*huma.ErrorModel)
			if !ok {
				return v, nil
			}
			p := ofParameters(m)
			p.RequestID = exchangeOf(ctx.Context()).call.RequestID
			return p, nil
		}},
	})
}

var tags = []*huma.Tag{
	{Name: "Keys", Description: "Virtual keys: what applications call with."},
	{Name: "Limits", Description: "Limits that many keys share, or that each of many keys gets."},
	{Name: "Credentials", Description: "What tollgate sends to providers. Values go in and never come out."},
	{Name: "Admin tokens", Description: "Who may use this API, and as what."},
	{Name: "Prices", Description: "What can be called, and what it costs."},
	{Name: "Usage", Description: "Requests and what they cost."},
	{Name: "Audit", Description: "What was changed, and by whom."},
	{Name: "Server", Description: "The server itself."},
}

// amount describes admin.Amount.
type amount struct{}

// Schema implements huma.SchemaProvider.
func (amount) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "US dollars as decimal text, anything else as a whole number",
		OneOf: []*huma.Schema{
			{Type: huma.TypeString, Pattern: `^-?[0-9]+(\.[0-9]+)?$`},
			{Type: huma.TypeInteger, Format: "int64"},
		},
		Examples: []any{"200.00", 5000000},
	}
}

// correct tells the registry what it cannot know of the types: how a limit
// stands is only there where it is shown, and sent back it is ignored.
func correct(registry huma.Registry) {
	standing := registry.Schema(reflect.TypeFor[admin.Standing](), false, "")
	for _, t := range []reflect.Type{reflect.TypeFor[admin.Limit](), reflect.TypeFor[admin.SharedLimit]()} {
		s := registry.Schema(t, false, "")
		var required []string
		for _, name := range s.Required {
			if standing.Properties[name] == nil {
				required = append(required, name)
			}
		}
		s.Required = required
		for name := range standing.Properties {
			property := *s.Properties[name]
			property.ReadOnly = true
			s.Properties[name] = &property
		}
		s.PrecomputeMessages()
	}
}

// operation begins the description of an operation.
func (s *service) operation(name string, about *about) *huma.Operation {
	row := s.row(name)
	op := &huma.Operation{
		OperationID: name, Method: row.method, Path: row.path, Tags: []string{about.tag},
		Summary: about.summary, Description: about.text + roleText(row),
		Security:      []map[string][]string{{security: {}}},
		DefaultStatus: http.StatusOK,
		Responses:     s.problems(row, about),
	}
	if about.created {
		op.DefaultStatus = http.StatusCreated
	}
	return op
}

// roleText tells who may use an operation.
func roleText(row *route) string {
	var roles []string
	for _, r := range []struct {
		name string
		may  bool
	}{{"owner", row.owner}, {"admin", row.admin}, {"auditor", row.auditor}, {"viewer", row.viewer}} {
		if r.may {
			roles = append(roles, r.name)
		}
	}
	return "\n\nRoles: " + strings.Join(roles, ", ") + "."
}

// problems are the refusals that an operation may answer with. They stand once
// in the document, and every operation points there.
func (s *service) problems(row *route, about *about) map[string]*huma.Response {
	may := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, // what parameters and bodies name, too
		http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if row.method != http.MethodGet {
		may = append(may, http.StatusConflict)
	}
	if row.method != http.MethodGet && row.method != http.MethodDelete {
		may = append(may, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if about.matches {
		may = append(may, http.StatusPreconditionFailed)
	}
	shared := s.api.OpenAPI().Components.Responses
	schema := s.registry().Schema(reflect.TypeFor[admin.Problem](), true, "")
	responses := map[string]*huma.Response{}
	for _, status := range may {
		name := strings.ReplaceAll(http.StatusText(status), " ", "")
		shared[name] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{problemType: {Schema: schema, Example: sampleProblem(status)}},
		}
		responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + name}
	}
	return responses
}

func (s *service) registry() huma.Registry { return s.api.OpenAPI().Components.Schemas }

// documented gives what the document holds of a registered operation.
func (s *service) documented(op *huma.Operation) *huma.Operation {
	item := s.api.OpenAPI().Paths[op.Path]
	return map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
		http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[op.Method]
}

// describe completes the description of a registered operation. Bodies are told
// of only now, so that huma does not read them.
func (s *service) describe(op *huma.Operation, about *about, body map[string]*huma.MediaType) {
	d := s.documented(op)
	text := &huma.Schema{Type: huma.TypeString}
	for _, p := range d.Parameters {
		p.Schema.Nullable = false // huma takes every list for one that may be null
	}
	add := func(in, name, description string) {
		d.Parameters = append(d.Parameters, &huma.Param{In: in, Name: name, Description: description, Schema: text})
	}
	if about.labels {
		add("query", labelParameter, "Only what has this value for the label NAME; may be given for several labels")
	}
	if about.matches {
		add("header", "If-Match", "ETag that the row must still have; otherwise nothing is changed (412)")
	}
	if about.repeats {
		add("header", "Idempotency-Key", "Repeated with the same key, the request gives the first one's answer and changes nothing; at most 255 printable characters")
	}
	add("header", "X-Request-Id", "Id of the request in the log and the audit trail; answered in the header of the same name")
	if about.takes != nil {
		body = map[string]*huma.MediaType{}
	}
	for _, kind := range about.takes {
		body[kind] = &huma.MediaType{Schema: text}
	}
	if body != nil {
		d.RequestBody = &huma.RequestBody{Content: body, Required: mandatory(s.registry(), body)}
	}
	ok := d.Responses[strconv.Itoa(op.DefaultStatus)]
	if about.gives != "" {
		ok = &huma.Response{Content: map[string]*huma.MediaType{about.gives: {Schema: text}}}
		d.Responses[strconv.Itoa(op.DefaultStatus)] = ok
	}
	if about.answers != nil {
		ok = &huma.Response{Content: map[string]*huma.MediaType{}}
		d.Responses[strconv.Itoa(op.DefaultStatus)] = ok
	}
	for kind, t := range about.answers {
		ok.Content[kind] = &huma.MediaType{Schema: s.registry().Schema(t, true, ""), Example: sample(t)}
	}
	ok.Description = about.summary
	ok.Headers = map[string]*huma.Param{"X-Request-Id": {Description: "Id of the request", Schema: text}}
	if media := ok.Content[jsonType]; media != nil && media.Schema.Ref != "" {
		t := s.registry().TypeFromRef(media.Schema.Ref)
		media.Example = sample(t)
		if _, has := etagOf(reflect.New(t).Interface()); has {
			ok.Headers["ETag"] = &huma.Param{Description: "What If-Match asks for", Schema: text}
		}
	}
}

// mandatory tells whether a body must be sent: not if nothing in it must.
func mandatory(registry huma.Registry, body map[string]*huma.MediaType) bool {
	media := body[jsonType]
	if media == nil || media.Schema.Ref == "" {
		return true
	}
	return len(registry.SchemaFromRef(media.Schema.Ref).Required) > 0
}

// finish completes the schemas once all operations are registered: what may be
// null, that answers may grow by fields, which what is sent may not, and that
// nothing is described that is neither sent nor answered.
func (s *service) finish() {
	sent, used := map[string]bool{}, map[string]bool{}
	for _, item := range s.api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			if op.RequestBody != nil {
				s.reachAll(op.RequestBody.Content, sent)
			}
			for _, response := range op.Responses {
				s.reachAll(response.Content, used)
			}
		}
	}
	for _, response := range s.api.OpenAPI().Components.Responses {
		s.reachAll(response.Content, used)
	}
	all := s.registry().Map()
	for name, schema := range all {
		switch {
		case sent[name]:
		case used[name]:
			schema.AdditionalProperties = nil
		default:
			delete(all, name)
			continue
		}
		if t := s.registry().TypeFromRef(schemas + name); t != nil {
			allowNull(t, schema)
		}
	}
}

// allowNull allows null where the values of a type have it.
func allowNull(t reflect.Type, schema *huma.Schema) {
	for _, f := range reflect.VisibleFields(t) {
		name, omits, _ := strings.Cut(f.Tag.Get("json"), ",")
		property := schema.Properties[name]
		if property == nil || omits != "" {
			continue
		}
		switch f.Type.Kind() {
		case reflect.Pointer, reflect.Map:
			schema.Properties[name] = orNull(property)
		}
	}
}

func (s *service) reachAll(content map[string]*huma.MediaType, names map[string]bool) {
	for _, media := range content {
		s.reach(media.Schema, names)
	}
}

// reach collects the names of the schemas that a schema is made of.
func (s *service) reach(schema *huma.Schema, names map[string]bool) {
	if schema == nil {
		return
	}
	if name, ok := strings.CutPrefix(schema.Ref, schemas); ok && !names[name] {
		names[name] = true
		s.reach(s.registry().SchemaFromRef(schema.Ref), names)
	}
	s.reach(schema.Items, names)
	for _, property := range schema.Properties {
		s.reach(property, names)
	}
	for _, either := range schema.AnyOf {
		s.reach(either, names)
	}
}

// fixed are the fields of types that no patch can change.
var fixed = map[reflect.Type][]string{
	reflect.TypeFor[admin.KeyInput](): {"disabled", "cost_limit", "token_limit", "requests_per_minute", "reset_period", "timezone"},
	reflect.TypeFor[admin.Limit]():    {"id", "kind", "per"},
}

// patchSchema is the schema of a merge patch: everything may be left out, and null clears.
func (s *service) patchSchema(t reflect.Type) *huma.Schema {
	whole := s.registry().Schema(t, false, "")
	name := strings.TrimSuffix(strings.TrimSuffix(t.Name(), "Input"), "Edit") + "Patch"
	if s.registry().Map()[name] != nil {
		return &huma.Schema{Ref: schemas + name}
	}
	patch := &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{},
		Description: "A merge patch (RFC 7396): what is absent stays as it is, null clears, lists are replaced as a whole",
	}
	s.registry().Map()[name] = patch
	for field, property := range whole.Properties {
		if property.ReadOnly || slices.Contains(fixed[t], field) {
			continue
		}
		inner := *property
		if values, ok := property.AdditionalProperties.(*huma.Schema); ok {
			inner.AdditionalProperties = orNull(values)
		}
		if property.Ref != "" {
			inner = *s.patchSchema(s.registry().TypeFromRef(property.Ref))
		}
		patch.Properties[field] = orNull(&inner)
	}
	return &huma.Schema{Ref: schemas + name}
}

// orNull is a schema that also allows null.
func orNull(s *huma.Schema) *huma.Schema {
	switch {
	case s.Ref != "" || s.OneOf != nil:
		return &huma.Schema{Description: s.Description, AnyOf: []*huma.Schema{{Ref: s.Ref, OneOf: s.OneOf}, {Type: "null"}}}
	case s.Type == "" || s.Enum != nil:
		return &huma.Schema{Description: s.Description, AnyOf: []*huma.Schema{s, {Type: "null"}}}
	}
	either := *s
	either.Nullable = true
	return &either
}
