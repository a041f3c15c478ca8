package config_test

import (
	"io/fs"
	"strings"
	"testing"

	"tollgate/internal/config"
)

// world is what a test puts around a configuration.
type world struct {
	env    map[string]string
	files  map[string]string
	strict bool
}

func (w world) load(text string) (*config.Config, *config.Report) {
	return config.Load(config.Source{Name: "c.yaml", Text: []byte(text)}, config.Options{
		LookupEnv: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		HomeDir:   func() (string, error) { return "/home/me", nil },
		ReadFile: func(name string) ([]byte, error) {
			text, ok := w.files[name]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
		Strict: w.strict,
	})
}

// mustLoad loads a configuration that has no problems.
func mustLoad(t *testing.T, text string) *config.Config {
	t.Helper()
	c, report := world{}.load(text)
	if err := report.Err(); err != nil {
		t.Fatalf("problems:\n%v\nin:\n%s", err, text)
	}
	return c
}

// problems gives what is wrong with a text, a line each.
func problems(t *testing.T, w world, text string) string {
	t.Helper()
	_, report := w.load(text)
	if err := report.Err(); err != nil {
		return err.Error()
	}
	return ""
}

func warnings(r *config.Report) string {
	lines := make([]string, len(r.Warnings))
	for i, w := range r.Warnings {
		lines[i] = w.String()
	}
	return strings.Join(lines, "\n")
}

// check compares texts that have lines.
func check(t *testing.T, got, want string) {
	t.Helper()
	if got != strings.TrimSpace(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, strings.TrimSpace(want))
	}
}
