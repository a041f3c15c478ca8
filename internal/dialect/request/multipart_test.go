package request_test

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"tollgate/internal/dialect/request"
	"tollgate/internal/fault"
)

const formType = "multipart/form-data; boundary=b0undary"

var roomy = request.Limits{Memory: 1 << 20, Total: 1 << 22, Fields: 4 << 10}

// form makes a body of parts, each a head and a content.
func form(parts ...string) string {
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		b.WriteString("--b0undary\r\n" + parts[i] + "\r\n\r\n" + parts[i+1] + "\r\n")
	}
	return b.String() + "--b0undary--\r\n"
}

const (
	modelHead = `Content-Disposition: form-data; name="model"`
	fileHead  = "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav"
)

func contents(t *testing.T, s *request.Spooled, model string) string {
	t.Helper()
	r, n := s.Open(model)
	b, err := io.ReadAll(r)
	if err != nil || int64(len(b)) != n {
		t.Fatalf("%d bytes of %d: %v", len(b), n, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMultipart(t *testing.T) {
	dir := t.TempDir()
	file := strings.Repeat("\r\n-\x00-b0undary\r\n--b0undar\n", 4000)
	body := form(fileHead, file, modelHead, "whisper-1", `content-disposition: form-data; name="stream"`, "True",
		`Content-Disposition: form-data; name="response_format"`, "vtt", `Content-Disposition: form-data; name="model_x"`, "y")
	// In memory, part in a file, all in a file; read whole and byte by byte.
	for _, memory := range []int64{1 << 20, 1000, int64(len(body)), 1} {
		limits := request.Limits{Memory: memory, Total: int64(len(body)), Fields: 1 << 10, Dir: dir}
		s, err := request.PeekMultipart(iotest.HalfReader(strings.NewReader(body)), formType, limits)
		if err != nil {
			t.Fatal(err)
		}
		if s.Model != "whisper-1" || !s.HasModel || !s.Stream || s.ResponseFormat != "vtt" || s.RequireModel() != nil {
			t.Errorf("got %q, %v, %q", s.Model, s.Stream, s.ResponseFormat)
		}
		for range 2 {
			if got := contents(t, s, ""); got != body {
				t.Errorf("memory %d: the body changed", memory)
			}
		}
		if got := contents(t, s, "whisper-1"); got != body {
			t.Errorf("memory %d: the body changed for the same model", memory)
		}
		if got, want := contents(t, s, "gpt-4o-transcribe"), strings.Replace(body, "whisper-1", "gpt-4o-transcribe", 1); got != want {
			t.Errorf("memory %d: the model was not replaced as it should be", memory)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files were left behind", len(left))
	}
}

func TestMultipartWithoutModel(t *testing.T) {
	body := form(fileHead, "")
	s, err := request.PeekMultipart(strings.NewReader(body), formType, roomy)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if e, ok := errors.AsType[*fault.Error](s.RequireModel()); !ok || e.Code != "missing_model" {
		t.Errorf("got %v", e)
	}
	if got, want := contents(t, s, "m"), form(modelHead, "m", fileHead, ""); got != want {
		t.Errorf("got %q", got)
	}
}

func TestMultipartRefuses(t *testing.T) {
	const name = `Content-Disposition: form-data; name=`
	tests := []struct{ name, kind, body, code string }{
		{"other type", "application/json", form(modelHead, "m"), ""},
		{"no boundary", "multipart/form-data", form(modelHead, "m"), ""},
		{"two boundaries", formType + "; boundary=x", form(modelHead, "m"), ""},
		{"empty", formType, "", ""},
		{"preamble", formType, "x\r\n" + form(modelHead, "m"), ""},
		{"epilogue", formType, form(modelHead, "m") + "x", ""},
		{"cut short", formType, "--b0undary\r\n" + modelHead + "\r\n\r\nm", ""},
		{"cut in a head", formType, "--b0undary\r\n" + modelHead, ""},
		{"no end", formType, strings.TrimSuffix(form(modelHead, "m"), "--\r\n"), ""},
		{"bare line feeds", formType, strings.ReplaceAll(form(modelHead, "m"), "\r\n", "\n"), ""},
		{"line feed in a head", formType, form(modelHead+"\nX: y", "m"), ""},
		{"text behind the boundary", formType, strings.Replace(form(modelHead, "m"), "b0undary\r", "b0undaryx\r", 1), ""},
		{"two models", formType, form(modelHead, "m", fileHead, "x", modelHead, "n"), ""},
		{"model in capitals", formType, form(name+`"Model"`, "m"), ""},
		{"model with a space", formType, form(name+`"model "`, "m"), ""},
		{"model is a file", formType, form(modelHead+`; filename="x"`, "m"), ""},
		{"extended name", formType, form("Content-Disposition: form-data; name*=utf-8''model", "m"), ""},
		{"escaped quote", formType, form(name+`"x\"; name=\"model"`, "m"), ""},
		{"no name", formType, form("Content-Disposition: form-data", "m"), ""},
		{"attachment", formType, form(`Content-Disposition: attachment; name="model"`, "m"), ""},
		{"two dispositions", formType, form(modelHead+"\r\n"+name+`"x"`, "m"), ""},
		{"no disposition", formType, form("Content-Type: text/plain", "m"), ""},
		{"folded head", formType, form("Content-Disposition: form-data;\r\n name=\"model\"", "m"), ""},
		{"space before the colon", formType, form(`Content-Disposition : form-data; name="model"`, "m"), ""},
		{"encoded content", formType, form(modelHead+"\r\nContent-Transfer-Encoding: base64", "bQ=="), ""},
		{"boundary at the start of a content", formType, form(fileHead, "--b0undary\r\n"+modelHead+"\r\n\r\nm"), ""},
		{"boundary behind a line feed", formType, form(fileHead, "x\n--b0undary\r\n"+modelHead+"\r\n\r\nm"), ""},
		{"boundary behind a carriage return", formType, form(fileHead, "x\r--b0undary--"), ""},
		{"control in the model", formType, form(modelHead, "m\r\nX"), ""},
		{"model is no UTF-8", formType, form(modelHead, "\xff"), ""},
		{"model is huge", formType, form(modelHead, strings.Repeat("m", 600)), ""},
		{"many parts", formType, form(strings.Split(strings.TrimSuffix(strings.Repeat(name+`"x"|y|`, 300), "|"), "|")...), ""},
		{"fields too large", formType, form(modelHead, strings.Repeat("m", 5000)), "request_body_too_large"},
		{"heads too large", formType, form(modelHead+"\r\nX: "+strings.Repeat("m", 5000), "m"), "request_body_too_large"},
	}
	limits := roomy
	limits.Fields = 4 << 10
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := limits
			if tt.name == "many parts" {
				l.Fields = 1 << 20
			}
			_, err := request.PeekMultipart(strings.NewReader(tt.body), tt.kind, l)
			e, ok := errors.AsType[*fault.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			code := tt.code
			if code == "" {
				code = "invalid_request_body"
			}
			if e.Code != code || (e.Kind == fault.TooLarge) != (tt.code != "") {
				t.Errorf("got %v", e)
			}
		})
	}
}

func TestMultipartLimits(t *testing.T) {
	body := form(fileHead, strings.Repeat("x", 5000))
	for _, memory := range []int64{1 << 20, 100, int64(len(body)) - 1} {
		limits := request.Limits{Memory: memory, Total: int64(len(body)) - 1, Fields: 1 << 10, Dir: t.TempDir()}
		_, err := request.PeekMultipart(strings.NewReader(body), formType, limits)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.TooLarge {
			t.Errorf("memory %d: %v", memory, err)
		}
	}
	_, err := request.PeekMultipart(strings.NewReader(body), formType, request.Limits{Memory: 10, Total: 1 << 20, Fields: 1 << 10, Dir: "/nowhere"})
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Unavailable {
		t.Errorf("without a place for the file: %v", err)
	}
	for _, at := range []int{0, 50, 2000} {
		broken := io.MultiReader(strings.NewReader(body[:at]), iotest.ErrReader(errors.New("reset")))
		limits := request.Limits{Memory: 100, Total: 1 << 20, Fields: 1 << 10, Dir: t.TempDir()}
		_, err := request.PeekMultipart(broken, formType, limits)
		if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Invalid || e.Code != "request_body_decode_failed" {
			t.Errorf("broken at %d: %v", at, err)
		}
	}
	mine := fault.New(fault.TooLarge, "x", "x")
	if _, err := request.PeekMultipart(iotest.ErrReader(mine), formType, roomy); !errors.Is(err, mine) {
		t.Errorf("the reader's own error became %v", err)
	}
}

// What is accepted the standard library reads in the same way.
func FuzzMultipart(f *testing.F) {
	f.Add([]byte(form(modelHead, "m", fileHead, "x\r\n-", `Content-Disposition: form-data; name="stream"`, "true")), "n")
	f.Add([]byte(form(fileHead, "", modelHead, "")), "")
	f.Add([]byte(form(modelHead+"\r\nContent-Transfer-Encoding: quoted-printable", "=6d")), "n")
	f.Add([]byte("--b0undary\r\n"+modelHead+"\r\n\r\n--b0undary--\r\n"), "n")
	f.Add([]byte("--b0undary--"), "n")
	f.Fuzz(func(t *testing.T, body []byte, model string) {
		s, err := request.PeekMultipart(bytes.NewReader(body), formType, roomy)
		if err != nil {
			return
		}
		defer s.Close()
		if strings.ContainsAny(model, "\r\n") {
			model = ""
		}
		for _, as := range []string{"", model} {
			r, _ := s.Open(as)
			want, has := s.Model, s.HasModel
			if as != "" {
				want, has = as, true
			}
			fields := multipart.NewReader(r, "b0undary")
			models := 0
			for {
				part, err := fields.NextPart()
				if err == io.EOF { //nolint:errorlint // it is returned bare
					break
				}
				if err != nil {
					t.Fatalf("%v\n%q", err, body)
				}
				value, err := io.ReadAll(part)
				if err != nil {
					t.Fatalf("%v\n%q", err, body)
				}
				if part.FormName() == "model" {
					if models++; string(value) != want || part.FileName() != "" {
						t.Fatalf("model %q was read as %q\n%q", value, want, body)
					}
				}
			}
			if has != (models == 1) || models > 1 {
				t.Fatalf("%d models\n%q", models, body)
			}
		}
	})
}
