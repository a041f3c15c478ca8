package adminapi

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/api/admin"
	"tollgate/internal/spelling"
)

// maxBody is the most that a JSON body may hold.
const maxBody = 1 << 20

const (
	jsonType  = "application/json"
	patchType = "application/merge-patch+json"
)

// body reads the JSON body of a request, which has one of the content types;
// nil: there is none.
func (x *exchange) body(types ...string) ([]byte, error) {
	sent, err := io.ReadAll(newInput(x.w, x.r, maxBody))
	if err != nil {
		return nil, unread(err, maxBody)
	}
	if len(sent) == 0 {
		return nil, nil
	}
	return sent, contentType(x.r, types...)
}

// unread says why a body could not be read.
func unread(err error, most int64) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refusal(http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the body is larger than %d bytes", most))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refusal(http.StatusRequestTimeout, "body_timeout", "the body did not come in time")
	}
	return refusal(http.StatusBadRequest, "body_unreadable", "the body ended early")
}

// contentType refuses bodies of another type or in another coding.
func contentType(r *http.Request, types ...string) error {
	is, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(types, is) {
		return refusal(http.StatusUnsupportedMediaType, "unsupported_media_type", "send the body with Content-Type: "+strings.Join(types, " or "))
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return refusal(http.StatusUnsupportedMediaType, "unsupported_encoding", "send the body without a Content-Encoding")
	}
	return nil
}

// parse reads JSON strictly: one value, no member twice, valid UTF-8.
func parse(body []byte) (any, error) {
	var tree any
	err := json.Unmarshal(body, &tree)
	if err == nil {
		return tree, nil
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return nil, refusal(http.StatusBadRequest, "invalid_json", "the body is no JSON")
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return nil, invalid(admin.ProblemField{Path: path(syntax.JSONPointer), Message: "stands there twice"})
	}
	return nil, refusal(http.StatusBadRequest, "invalid_json", fmt.Sprintf("the body is no JSON, or more than one value: at byte %d: %v", syntax.ByteOffset, syntax.Err))
}

// decode checks a JSON body against its schema, and reads it.
func decode(registry huma.Registry, schema *huma.Schema, body []byte, into any) error {
	tree, err := parse(body)
	if err != nil {
		return err
	}
	c := checker{registry: registry}
	c.members(schema, tree, "")
	found := huma.ValidateResult{}
	huma.Validate(registry, schema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, tree, &found)
	for _, err := range found.Errors {
		c.take(err)
	}
	if len(c.fields) > 0 {
		return invalid(c.fields...)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return mistyped(err)
	}
	return nil
}

// mistyped tells of a value that has the right shape and no meaning: a whole
// number that is too large, or a time that there is not.
func mistyped(err error) error {
	wrong, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return refusal(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	message := "does not fit: " + string(wrong.JSONValue)
	if wrong.Err != nil {
		message = wrong.Err.Error()
	}
	return invalid(admin.ProblemField{Path: path(wrong.JSONPointer), Message: message})
}

// checker finds what huma's validation does not say well: members that are
// unknown, with the name that was probably meant, and members that are missing.
// It takes out members that are null, which means the same as absent.
type checker struct {
	registry huma.Registry
	fields   []admin.ProblemField
}

func (c *checker) add(at, message, suggestion string) {
	c.fields = append(c.fields, admin.ProblemField{Path: at, Message: message, Suggestion: suggestion})
}

func (c *checker) members(schema *huma.Schema, value any, at string) {
	for schema.Ref != "" {
		schema = c.registry.SchemaFromRef(schema.Ref)
	}
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			if schema.Items != nil {
				c.members(schema.Items, item, at+"["+strconv.Itoa(i)+"]")
			}
		}
	case map[string]any:
		if schema.Properties == nil {
			return
		}
		known := slices.Sorted(maps.Keys(schema.Properties))
		for _, name := range slices.Sorted(maps.Keys(value)) {
			property, ok := schema.Properties[name]
			switch {
			case !ok:
				c.add(below(at, name), "is no field here", spelling.Nearest(name, known))
			case value[name] == nil:
				delete(value, name)
			default:
				c.members(property, value[name], below(at, name))
			}
		}
		for _, name := range schema.Required {
			if _, ok := value[name]; !ok {
				c.add(below(at, name), "is required", "")
			}
		}
	}
}

// take keeps what huma found, but for what members said better.
func (c *checker) take(err error) {
	e, ok := err.(*huma.ErrorDetail)
	if !ok {
		c.add("", err.Error(), "")
		return
	}
	required, _, _ := strings.Cut(validation.MsgExpectedRequiredProperty, "%")
	switch {
	case e.Message == validation.MsgUnexpectedProperty, strings.HasPrefix(e.Message, required):
	case e.Message == validation.MsgExpectedMatchExactlyOneSchema: // of all that is read, only amounts may be one of two things
		c.add(e.Location, `expected an amount: text such as "200.00" for US dollars, a whole number for anything else`, "")
	default:
		c.add(e.Location, e.Message, "")
	}
}

// below names a member of what stands at a path.
func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// path writes a JSON pointer as paths are written here: limits[0].amount.
func path(p jsontext.Pointer) string {
	at := ""
	for token := range p.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 32); err == nil && at != "" {
			at += "[" + token + "]"
			continue
		}
		at = below(at, token)
	}
	return at
}
