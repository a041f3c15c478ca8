package translate_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/dialect"
	"tollgate/internal/dialect/request"
	"tollgate/internal/dialect/translate"
	"tollgate/internal/fault"
)

var update = flag.Bool("update", false, "write what comes out as what is wanted")

// files gives the files of a folder of testdata that end like this, by what stands before.
func files(t testing.TB, folder, ending string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*"+ending))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files of %s: %v", folder, err)
	}
	found := map[string]string{}
	for _, p := range paths {
		found[strings.TrimSuffix(p, ending)] = read(t, p)
	}
	return found
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// golden compares with a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, path); got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", path, got, want)
	}
}

// spread writes JSON over several lines, with every value as it was.
func spread(t testing.TB, text []byte) string {
	t.Helper()
	v := jsontext.Value(append([]byte(nil), text...))
	if err := v.Indent(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return string(v) + "\n"
}

func TestRequest(t *testing.T) {
	for name, body := range files(t, "requests", ".chat.json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			var peeked request.Peeked
			if err := request.Peek(dialect.Chat, []byte(body), &peeked); err != nil {
				t.Fatal(err)
			}
			b, err := translate.Request([]byte("what was there"), []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if b.Assumed != (peeked.MaxTokens == 0) || !b.Assumed && b.MaxTokens != peeked.MaxTokens {
				t.Errorf("the bound is %d, assumed %v; Peek found %d", b.MaxTokens, b.Assumed, peeked.MaxTokens)
			}
			golden(t, name+".messages.json", spread(t, b.Bounded(0)))
			if err := request.Peek(dialect.Messages, b.Bounded(0), &peeked); err != nil || peeked.MaxTokens != b.MaxTokens {
				t.Errorf("the bound is %d, want %d: %v", peeked.MaxTokens, b.MaxTokens, err)
			}
		})
	}
}

func TestRefusedRequest(t *testing.T) {
	for name, body := range files(t, "refused", ".json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			if err := request.Peek(dialect.Chat, []byte(body), new(request.Peeked)); err != nil {
				t.Fatal(err)
			}
			_, err := translate.Request(nil, []byte(body))
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || e.Kind != fault.Invalid {
				t.Fatalf("%v", err)
			}
			head, text, _ := strings.Cut(strings.TrimSpace(read(t, name+".txt")), ": ")
			if e.Code+" "+e.Param != head || !strings.Contains(e.Message, text) {
				t.Errorf("%s %s: %s\nwant %s: %s", e.Code, e.Param, e.Message, head, text)
			}
		})
	}
}

// Another bound can be written as often as wanted, and the first one is not forgotten.
func TestBounded(t *testing.T) {
	b, err := translate.Request(make([]byte, 0, 10), []byte(`{"model":"m","messages":[{"role":"user","content":"Hello!"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	const rest = `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"Hello!"}]}],"max_tokens":`
	for _, step := range []struct {
		n    int64
		want string
	}{{0, "4096}"}, {7, "7}"}, {1 << 40, "1099511627776}"}, {0, "4096}"}} {
		if got := string(b.Bounded(step.n)); got != rest+step.want {
			t.Errorf("%d: %s", step.n, got)
		}
	}
	if !b.Assumed || b.MaxTokens != translate.DefaultMaxTokens {
		t.Errorf("%+v", b)
	}
}
