package adminapi

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api/admin"
	"tollgate/internal/audit"
)

// maxTry is how long the body of a request can be that is tried, in bytes.
const maxTry = 1 << 20

// try mounts requests in the name of a key.
func (s *service) try(send func(w http.ResponseWriter, r *http.Request, keyID string)) {
	const operation = "tryKey"
	what := about{
		tag: "Keys", summary: "Send a request in the name of a key", gives: jsonType,
		text: "As if the application that has the key had sent it: its models, its limits and its expiry hold, and it is charged. " +
			"The answer is what the application would get, also an event stream. Where tollgate's admin API refuses, it is a problem (application/problem+json).",
	}
	body, op := bodyOf[admin.Try](s), s.operation(operation, &what)
	huma.Register(s.api, *op, func(ctx context.Context, in *named) (*huma.StreamResponse, error) {
		rq, err := s.asked(ctx, op, &what)
		if err != nil {
			return nil, s.misspelt(ctx, op, err)
		}
		tried, err := body.read(rq.x)
		if err == nil {
			err = triable(tried)
		}
		if err != nil {
			return nil, s.misspelt(ctx, op, err)
		}
		key, err := s.control.Key(ctx, rq.Call, in.ID)
		if err != nil {
			return nil, s.problem(ctx, op, err)
		}
		target := audit.Target{Kind: "key", ID: key.ID, Name: key.Name}
		if err := s.control.Noted(ctx, rq.Call, s.rows[operation].action, target, "POST "+tried.Path); err != nil {
			return nil, s.problem(ctx, op, err)
		}
		return &huma.StreamResponse{Body: func(huma.Context) {
			send(&tryWriter{ResponseWriter: rq.x.w}, tryRequest(rq, tried), key.ID)
		}}, nil
	})
	s.describe(op, &what, body.content)
}

// triable refuses what is no request of an application.
func triable(t *admin.Try) error {
	if !strings.HasPrefix(t.Path, "/") || strings.ContainsAny(t.Path, "?#") {
		return invalid(admin.ProblemField{Path: "path", Message: "is the path of an endpoint such as /v1/chat/completions, without a query"})
	}
	if len(t.Body) > maxTry {
		return invalid(admin.ProblemField{Path: "body", Message: "is longer than 1 MiB"})
	}
	return object(t.Body)
}

// tryRequest makes the request. Nothing of what the browser sent goes along: no cookie, no token.
func tryRequest(rq *asked, t *admin.Try) *http.Request {
	from := rq.x.r
	return (&http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: t.Path}, Host: cmp.Or(t.Host, "localhost"),
		Proto: from.Proto, ProtoMajor: from.ProtoMajor, ProtoMinor: from.ProtoMinor, RemoteAddr: from.RemoteAddr,
		Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"tollgate-try (" + rq.Actor.ID + ")"}},
		Body:   io.NopCloser(bytes.NewReader(t.Body)), ContentLength: int64(len(t.Body)),
	}).WithContext(from.Context())
}

// tryWriter passes an answer on that comes from elsewhere: to a browser it must not be more
// than data.
type tryWriter struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *tryWriter) WriteHeader(status int) {
	head := w.Header()
	for _, name := range [...]string{"Set-Cookie", "Clear-Site-Data", "Location", "Refresh", "Link", "Www-Authenticate"} {
		head.Del(name)
	}
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("X-Content-Type-Options", "nosniff")
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController at the connection.
func (w *tryWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
