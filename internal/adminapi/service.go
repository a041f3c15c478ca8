package adminapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/control"
	"tollgate/internal/spelling"
)

// service mounts operations on a mux, each by its row in the table of routes.
type service struct {
	mux     *http.ServeMux
	api     huma.API
	control Control
	log     *slog.Logger
	tests   *allowance[string] // of credentials, by the id of the actor
	rows    map[string]*route  // by operation
	mounted map[string]bool    // operations
}

// row gives the row of an operation. An operation without one is a mistake of
// the program, found when it starts.
func (s *service) row(operation string) *route {
	row := s.rows[operation]
	if row == nil {
		panic("adminapi: the operation " + operation + " stands in no row of the table of routes")
	}
	if s.mounted[operation] {
		panic("adminapi: the operation " + operation + " is mounted twice")
	}
	s.mounted[operation] = true
	return row
}

// handle mounts a route that is no part of the API.
func (s *service) handle(operation string, h http.HandlerFunc) {
	s.mux.HandleFunc(s.row(operation).pattern(), h)
}

// about is what the OpenAPI document tells of an operation beyond its types.
type about struct {
	tag     string
	summary string
	text    string
	created bool // answers 201
	labels  bool // takes label.NAME=VALUE
	matches bool // takes If-Match
	repeats bool // takes Idempotency-Key
	// what the body may be instead of JSON, and what the answer is: text, or one of several
	takes   []string
	gives   string
	answers map[string]reflect.Type // by content type
}

// asked is what is known of a request beside its parameters and its body.
type asked struct {
	control.Call
	labels map[string]string
	x      *exchange
}

// answer is what goes back.
type answer[T any] struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Body        *T
}

// register mounts an operation of the API: In are its parameters, Body is its
// JSON body, Out its answer.
func register[In, Body, Out any](s *service, operation string, about about, do func(context.Context, *asked, *In, *Body) (*Out, error)) {
	body := bodyOf[Body](s)
	op := s.operation(operation, &about)
	huma.Register(s.api, *op, func(ctx context.Context, in *In) (*answer[Out], error) {
		rq, err := s.asked(ctx, op, &about)
		if err != nil {
			return nil, s.misspelt(ctx, op, err)
		}
		what, err := body.read(rq.x)
		if err != nil {
			return nil, s.misspelt(ctx, op, err)
		}
		out, err := do(ctx, rq, in, what)
		if err != nil {
			return nil, s.problem(ctx, op, err)
		}
		etag, _ := etagOf(out)
		return &answer[Out]{ContentType: jsonType, ETag: etag, Body: out}, nil
	})
	s.describe(op, &about, body.content)
}

// stream mounts an operation of the API that reads or writes what is too long to
// be held.
func stream[In any](s *service, operation string, about about, do func(context.Context, *asked, *In, *output) error) {
	op := s.operation(operation, &about)
	huma.Register(s.api, *op, func(ctx context.Context, in *In) (*huma.StreamResponse, error) {
		rq, err := s.asked(ctx, op, &about)
		if err != nil {
			return nil, s.misspelt(ctx, op, err)
		}
		return &huma.StreamResponse{Body: func(huma.Context) {
			out := newOutput(rq.x.w)
			out.kind = about.gives
			defer out.end()
			err := do(ctx, rq, in, out)
			switch p := s.problem(ctx, op, err); {
			case p == nil:
				_, _ = out.Write(nil) // there may have been nothing to write, which is an answer too
			case out.begun:
				panic(http.ErrAbortHandler) // nothing but a broken connection tells that what was sent is not all
			default:
				p.write(rq.x.w)
			}
		}}, nil
	})
	s.describe(op, &about, nil)
}

// asked reads what every operation may be sent, and refuses parameters that none
// of them knows.
func (s *service) asked(ctx context.Context, op *huma.Operation, about *about) (*asked, error) {
	x := exchangeOf(ctx)
	rq := &asked{Call: x.call, x: x}
	var err error
	if rq.labels, err = queried(s.parameters(op), about.labels, x.r.URL.RawQuery); err != nil {
		return nil, err
	}
	if rq.IfMatch, err = ifMatch(x.r.Header.Values("If-Match")); err != nil {
		return nil, err
	}
	rq.IdempotencyKey = x.r.Header.Get("Idempotency-Key")
	printable := func(c rune) bool { return c >= ' ' && c < 0x7f }
	if len(rq.IdempotencyKey) > 255 || strings.ContainsFunc(rq.IdempotencyKey, func(c rune) bool { return !printable(c) }) {
		return nil, invalid(admin.ProblemField{Path: "header.Idempotency-Key", Message: "at most 255 printable characters of ASCII"})
	}
	return rq, nil
}

// parameters gives the names of an operation's query parameters.
func (s *service) parameters(op *huma.Operation) []string {
	var names []string
	for _, p := range s.documented(op).Parameters {
		if p.In == "query" && p.Name != labelParameter {
			names = append(names, p.Name)
		}
	}
	return names
}

const (
	labelPrefix    = "label."
	labelParameter = "label.NAME"
)

// queried refuses query parameters that are unknown or given twice, and gives the
// labels among them.
func queried(known []string, labels bool, raw string) (map[string]string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "invalid_query", "the query of the URL cannot be read: escape special characters with %")
	}
	var wrong []admin.ProblemField
	var found map[string]string
	for name, given := range values {
		at := "query." + name
		label, isLabel := strings.CutPrefix(name, labelPrefix)
		isLabel = isLabel && labels && label != ""
		switch {
		case !isLabel && !slices.Contains(known, name):
			near := spelling.Nearest(name, known)
			if near == "" && labels && name != "" {
				near = labelPrefix + strings.TrimPrefix(name, labelPrefix)
			}
			wrong = append(wrong, admin.ProblemField{Path: at, Message: "is no parameter here", Suggestion: near})
		case len(given) > 1:
			wrong = append(wrong, admin.ProblemField{Path: at, Message: "is given more than once"})
		case isLabel:
			if found == nil {
				found = map[string]string{}
			}
			found[label] = given[0]
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b admin.ProblemField) int { return strings.Compare(a.Path, b.Path) })
		return nil, invalid(wrong...)
	}
	return found, nil
}

// ifMatch gives what If-Match asks for. An empty one is a mistake that would ask
// for nothing.
func ifMatch(headers []string) (string, error) {
	if len(headers) == 0 {
		return "", nil
	}
	tags := strings.Join(headers, ",")
	if strings.Trim(tags, `W/", `) == "" || len(tags) > 500 {
		return "", invalid(admin.ProblemField{Path: "header.If-Match", Message: "send the ETag as it was received, or *"})
	}
	return tags, nil
}

// problem turns an error into its answer and logs it if the program is to blame;
// nil stays nil.
func (s *service) problem(ctx context.Context, op *huma.Operation, err error) *problem {
	if err == nil {
		return nil
	}
	x := exchangeOf(ctx)
	p, failure := problemOf(err)
	p.RequestID = x.call.RequestID
	if failure && ctx.Err() == nil {
		s.log.Error("an admin operation failed", "operation", op.OperationID, "request_id", p.RequestID, "error", err)
	}
	return p
}

// misspelt is the problem of a request that control does not even get to see. If it was
// to change something, the refusal is put on record here.
func (s *service) misspelt(ctx context.Context, op *huma.Operation, err error) *problem {
	p, row, x := s.problem(ctx, op, err), s.rows[op.OperationID], exchangeOf(ctx)
	if row.changes() && p.Status < http.StatusInternalServerError {
		p.EventID = s.control.Refused(ctx, x.call, row.action, audit.Target{Kind: row.kind(), ID: lastID(row, x.r)}, p)
	}
	return p
}

// etagOf gives the ETag of what an answer shows, and whether such answers have one.
func etagOf(out any) (etag string, ok bool) {
	switch out := out.(type) {
	case *admin.Key:
		return out.ETag, true
	case *admin.KeyCreated:
		return out.Key.ETag, true
	case *admin.KeyChanged:
		return out.Key.ETag, true
	case *admin.SharedLimit:
		return out.ETag, true
	case *admin.SharedLimitChanged:
		return out.Limit.ETag, true
	case *admin.Credential:
		return out.ETag, true
	case *admin.CredentialChanged:
		return out.Credential.ETag, true
	case *admin.PriceOverrides:
		return out.ETag, true
	}
	return "", false
}
