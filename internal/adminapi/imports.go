package adminapi

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"tollgate/api/admin"
)

// maxImport is the most that an import may hold.
const maxImport = 1 << 30

const linesType = "application/x-ndjson"

// importing mounts the import of keys. Whoever accepts lines is told how far it is while
// it runs; all others get the one answer at its end.
func (s *service) importing() {
	types := []string{linesType, "text/csv", jsonType, "application/octet-stream"}
	stream(s, "importKeys", about{
		tag: "Keys", summary: "Take over keys", takes: types,
		answers: map[string]reflect.Type{jsonType: reflect.TypeFor[admin.Imported](), linesType: reflect.TypeFor[admin.ImportStep]()},
		text: "From NDJSON or CSV, with secrets or their hashes, or from an export of LiteLLM's keys; see the guide for the fields. " +
			"Up to 1 GiB. What is here already stays as it is, so the same import can be sent twice. " +
			"Whoever accepts application/x-ndjson is told how far the import is, one object in a line; the last line has the result, or what went wrong.",
	}, func(ctx context.Context, rq *asked, in *admin.ImportInput, out *output) error {
		if err := contentType(rq.x.r, types...); err != nil {
			return err
		}
		var progress func(admin.ImportProgress)
		if out.kind = jsonType; accepts(rq.x.r, linesType) {
			out.kind = linesType
			progress = func(p admin.ImportProgress) { out.line(admin.ImportStep{Progress: &p}) }
		}
		body := newInput(rq.x.w, rq.x.r, maxImport)
		done, err := s.control.ImportKeys(ctx, rq.Call, *in, body, progress)
		if body.failed != nil && body.failed != io.EOF {
			err = unread(body.failed, maxImport)
		}
		switch {
		case err != nil && out.begun:
			p, failure := problemOf(err)
			if p.RequestID = rq.RequestID; failure && ctx.Err() == nil {
				s.log.Error("an import failed", "request_id", p.RequestID, "error", err)
			}
			out.line(admin.ImportStep{Problem: &p.Problem})
		case err != nil:
			return err
		case progress != nil:
			out.line(admin.ImportStep{Done: done})
		default:
			out.line(done)
		}
		return nil
	})
}

// accepts tells whether a client asks for a content type by its name.
func accepts(r *http.Request, kind string) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		if is, _, err := mime.ParseMediaType(part); err == nil && is == kind {
			return true
		}
	}
	return false
}

// line sends a value as one line of JSON, at once. Who does not read on finds out by
// the end of the request; there is nothing to be done about it here.
func (o *output) line(v any) {
	e := json.NewEncoder(o)
	e.SetEscapeHTML(false)
	if e.Encode(v) == nil {
		_ = o.control.Flush()
	}
}
