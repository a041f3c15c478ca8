package client

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/api/admin"
)

// Error is what the server refused or failed to do.
type Error struct {
	admin.Problem
	// Method and Path are of the request.
	Method, Path string
	// RetryAfter is how long the server asks to wait; 0: it does not say.
	RetryAfter time.Duration
}

// Error tells everything that the server said, in one or more lines.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	if e.Detail == "" {
		fmt.Fprintf(&b, "the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	if len(e.Errors) == 1 {
		// The detail of a single one is that one.
		f := &e.Errors[0]
		switch {
		case e.Detail == "":
			b.WriteString(": " + fieldText(f))
			return b.String()
		case strings.Contains(e.Detail, f.Message):
			if f.Suggestion != "" {
				b.WriteString(" (did you mean " + f.Suggestion + "?)")
			}
			return b.String()
		}
	}
	for i := range e.Errors {
		b.WriteString("\n  " + fieldText(&e.Errors[i]))
	}
	return b.String()
}

func fieldText(f *admin.ProblemField) string {
	text := f.Message
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	if f.Suggestion != "" {
		text += " (did you mean " + f.Suggestion + "?)"
	}
	return text
}

// most of an answer that is no problem which is shown
const shownBody = 200

// refused makes the error of an answer that is no success. It reads the body.
func refused(req *http.Request, res *http.Response) *Error {
	e := &Error{Method: req.Method, Path: req.URL.Path}
	if seconds, err := strconv.ParseInt(res.Header.Get("Retry-After"), 10, 32); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case kind == "application/problem+json" && json.Unmarshal(body, &e.Problem) == nil:
	case res.StatusCode >= 300 && res.StatusCode < 400:
		e.Problem = admin.Problem{Detail: fmt.Sprintf("the server is elsewhere: it answers %s with a redirection to %q, which is not followed; give that address", req.URL, res.Header.Get("Location"))}
	default:
		e.Problem = admin.Problem{Detail: foreign(res.Status, string(body))}
	}
	e.Status = res.StatusCode
	if e.Title == "" {
		e.Title = http.StatusText(res.StatusCode)
	}
	if e.RequestID == "" {
		e.RequestID = res.Header.Get("X-Request-Id")
	}
	return e
}

// foreign describes an answer that does not come from an admin API.
func foreign(status, body string) string {
	body = strings.Join(strings.Fields(strings.ToValidUTF8(body, "")), " ")
	if len(body) > shownBody {
		body = strings.ToValidUTF8(body[:shownBody], "") + "…"
	}
	text := "this does not look like the admin API of tollgate: it answered " + status
	if body != "" {
		text += ": " + body
	}
	return text
}
