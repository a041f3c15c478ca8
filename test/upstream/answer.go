package upstream

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Answer is a script: how to answer a request. The zero Answer is a provider
// at its best.
type Answer struct {
	Model string // only for requests that name this model; "" for all
	Times int    // for so many requests; 0 for all to come

	Status int         // 0: 200
	Header http.Header // more header lines
	Body   []byte      // instead of the built-in answer, JSON or events
	Raw    []byte      // bytes for the connection instead of an HTTP answer

	NoUsage bool   // as of a provider that reports none
	Text    string // instead of Text

	Hold      bool // wait for Release before the head
	HoldAfter int  // in a stream: wait for Release after so many events
	Reset     bool // break the connection instead of answering
	CutAfter  int  // in a stream: break the connection after so many events
	Half      bool // with CutAfter: send half of the next event first
	FailAfter int  // in a stream: an error event after so many events

	Gzip     bool // compress, whatever the request accepts
	CRLF     bool // end lines of events with \r\n
	Comments bool // put comments between events
	Pad      int  // makes the text of one event so many bytes longer

	used int
}

func (a *Answer) text() string {
	if a.Text != "" {
		return a.Text
	}
	return Text
}

// write answers one request as scripted.
func write(w http.ResponseWriter, r *http.Request, a *Answer, ask ask, release <-chan struct{}) {
	if a.Hold && !hold(r, release) {
		return
	}
	switch {
	case a.Reset:
		reset(w)
		return
	case a.Raw != nil:
		writeRaw(w, a.Raw)
		return
	}
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	if ask.Stream && status == http.StatusOK && a.Body == nil {
		streamEvents(w, r, a, events(r.URL.Path, a, ask), release)
		return
	}
	body, kind := a.Body, "application/json"
	if body == nil && status == http.StatusOK {
		body, kind = document(r.URL.Path, a, ask)
	}
	if body == nil {
		body = fmt.Appendf(nil, `{"error":{"message":"scripted failure","type":"server_error","param":null,"code":"scripted_%d"}}`, status)
	}
	if bytes.HasPrefix(body, []byte("data:")) || bytes.HasPrefix(body, []byte("event:")) {
		kind = "text/event-stream"
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", kind)
	}
	if a.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
		body = compressed(body)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have left, which the record tells
}

func writeRaw(w http.ResponseWriter, raw []byte) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = conn.Write(raw)
	_ = conn.Close()
}

func compressed(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // a bytes.Buffer cannot fail
	_ = z.Close()
	return b.Bytes()
}

// streamEvents sends events one by one, each flushed, with the scripted misfortune.
func streamEvents(w http.ResponseWriter, r *http.Request, a *Answer, events []string, release <-chan struct{}) {
	if a.Pad > 0 && len(events) > 1 {
		events[1] = strings.Replace(events[1], `"content":"`, `"content":"`+strings.Repeat("x", a.Pad), 1)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	out, flush := sink(w, a)
	w.WriteHeader(http.StatusOK)
	for i, event := range events {
		if a.HoldAfter > 0 && i == a.HoldAfter && !hold(r, release) {
			return
		}
		if a.FailAfter > 0 && i == a.FailAfter {
			_, _ = io.WriteString(out, "data: {\"error\":{\"message\":\"scripted failure\",\"type\":\"server_error\",\"code\":\"scripted\"}}\n\n")
			flush()
			return
		}
		if a.CutAfter > 0 && i == a.CutAfter {
			if a.Half {
				_, _ = io.WriteString(out, event[:len(event)/2])
				flush()
			}
			reset(w)
			return
		}
		if a.Comments {
			event = ": keep-alive\n\n" + event
		}
		if a.CRLF {
			event = strings.ReplaceAll(event, "\n", "\r\n")
		}
		if _, err := io.WriteString(out, event); err != nil {
			return
		}
		flush()
	}
	if closer, ok := out.(io.Closer); ok {
		_ = closer.Close()
	}
}

// sink gives where events are written and how they are flushed.
func sink(w http.ResponseWriter, a *Answer) (io.Writer, func()) {
	rc := http.NewResponseController(w)
	if !a.Gzip {
		return w, func() { _ = rc.Flush() }
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	return z, func() { _ = z.Flush(); _ = rc.Flush() }
}
