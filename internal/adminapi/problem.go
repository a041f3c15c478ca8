package adminapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api/admin"
	"tollgate/internal/control"
)

const problemType = "application/problem+json"

// problem is an error on its way to an operator. Every error of the admin
// listener leaves as one.
type problem struct {
	admin.Problem
	headers http.Header
}

// maxFields is how many fields are told about: a body can have ever so many wrong ones.
const maxFields = 1000

// refusal makes a problem.
func refusal(status int, code, detail string, fields ...admin.ProblemField) *problem {
	fields = fields[:min(len(fields), maxFields)]
	return &problem{Problem: admin.Problem{
		Title: http.StatusText(status), Status: status, Code: code, Detail: detail, Errors: fields,
	}}
}

// invalid is the problem of a request that can be read and makes no sense. There
// is at least one field.
func invalid(fields ...admin.ProblemField) *problem {
	detail := strings.TrimPrefix(fields[0].Path+": "+fields[0].Message, ": ")
	if more := len(fields) - 1; more > 0 {
		detail = fmt.Sprintf("%s (and %d more)", detail, more)
	}
	return refusal(http.StatusUnprocessableEntity, "invalid", detail, fields...)
}

// Error implements error.
func (p *problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *problem) GetHeaders() http.Header { return p.headers }

// ContentType implements huma.ContentTypeFilter.
func (p *problem) ContentType(string) string { return problemType }

// write answers with the problem outside of huma's operations.
func (p *problem) write(w http.ResponseWriter) {
	for name, values := range p.headers {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p.Problem)
}

// statuses gives the HTTP status of each kind of refusal.
var statuses = map[control.Kind]int{
	control.Failed:      http.StatusInternalServerError,
	control.Invalid:     http.StatusUnprocessableEntity,
	control.NotFound:    http.StatusNotFound,
	control.Conflict:    http.StatusConflict,
	control.Stale:       http.StatusPreconditionFailed,
	control.Forbidden:   http.StatusForbidden,
	control.Unavailable: http.StatusServiceUnavailable,
}

// words gives the code of a refusal that has none of its own.
var words = map[control.Kind]string{
	control.Failed:      "internal_error",
	control.Invalid:     "invalid",
	control.NotFound:    "not_found",
	control.Conflict:    "conflict",
	control.Stale:       "stale",
	control.Forbidden:   "forbidden",
	control.Unavailable: "unavailable",
}

// badCursor is the code of a cursor that was not made by the API for that list.
const badCursor = "bad_cursor"

// problemOf turns what control refused into its answer. The second result tells
// that it is a failure of the program rather than of the caller, and to be logged.
func problemOf(err error) (p *problem, failure bool) {
	if p, ok := errors.AsType[*problem](err); ok {
		return p, false
	}
	e, ok := errors.AsType[*control.Error](err)
	if !ok {
		e = &control.Error{Kind: control.Failed, Err: err}
	}
	status, code := statuses[e.Kind], e.Code
	if code == "" {
		code = words[e.Kind]
	}
	detail := e.Detail
	switch {
	case e.Kind == control.Failed:
		detail = "a fault of tollgate: its log has more under the request id"
	case e.Kind == control.Invalid && code == badCursor:
		status = http.StatusBadRequest
	}
	p = refusal(status, code, detail, e.Fields...)
	p.EventID = e.EventID
	if e.Kind == control.Unavailable {
		p.headers = http.Header{"Retry-After": {"1"}}
	}
	return p, e.Kind == control.Failed || e.Kind == control.Unavailable
}

// ofParameters turns what huma says about path and query parameters into a problem.
func ofParameters(m *huma.ErrorModel) *problem {
	if m.Status >= http.StatusInternalServerError {
		return refusal(m.Status, "internal_error", "a fault of tollgate: its log has more under the request id")
	}
	var fields []admin.ProblemField
	for _, e := range m.Errors {
		fields = append(fields, admin.ProblemField{Path: e.Location, Message: e.Message})
	}
	if len(fields) == 0 {
		return refusal(m.Status, "invalid", m.Detail)
	}
	return invalid(fields...)
}
