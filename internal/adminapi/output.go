package adminapi

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// patience is how long a client may stall while it sends or takes a body.
const patience = 60 * time.Second

// output is the body of a long answer. Nothing is sent before the first write, so
// that what fails until then is answered with a problem.
type output struct {
	w       http.ResponseWriter
	control *http.ResponseController
	kind    string // Content-Type
	file    string // the name that a browser gives it; "": it shows it
	begun   bool
}

func newOutput(w http.ResponseWriter) *output {
	return &output{w: w, control: http.NewResponseController(w)}
}

// Write implements io.Writer. A client has to take what it is sent in time; a
// connection that knows no deadlines has none.
func (o *output) Write(p []byte) (int, error) {
	if !o.begun {
		o.begun = true
		o.w.Header().Set("Content-Type", o.kind)
		if o.file != "" {
			o.w.Header().Set("Content-Disposition", `attachment; filename="`+o.file+`"`)
		}
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(patience))
	n, err := o.w.Write(p)
	if err != nil {
		return n, fmt.Errorf("write the answer: %w", err)
	}
	return n, nil
}

// end takes the deadline off the connection, which other answers go over.
func (o *output) end() { _ = o.control.SetWriteDeadline(time.Time{}) }

// input is the body of a request while it is read. A client has to send on in time.
type input struct {
	body    io.Reader
	control *http.ResponseController
	failed  error
}

func newInput(w http.ResponseWriter, r *http.Request, most int64) *input {
	return &input{body: http.MaxBytesReader(w, r.Body, most), control: http.NewResponseController(w)}
}

// Read implements io.Reader.
func (i *input) Read(p []byte) (int, error) {
	_ = i.control.SetReadDeadline(time.Now().Add(patience))
	n, err := i.body.Read(p)
	if err != nil {
		i.failed = err
		// A deadline that passed later would look like a client that left.
		_ = i.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
