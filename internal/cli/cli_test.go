package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/cli"
)

// run executes a command line.
func run(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Run(args, cli.Environment{
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, LookupEnv: func(string) (string, bool) { return "", false },
	})
	return code, out.String(), errs.String()
}

const (
	valid   = "llm: {models: [{name: a, provider: simulated}]}\n"
	invalid = "llm: {models: [{name: a, provider: openIA}]}\n"
)

func TestExitCodes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte(valid), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		args           []string
		stdin          string
		code           int
		stdout, stderr string // what they contain; "" nothing at all
	}{
		{name: "help", args: []string{"--help"}, code: 0, stdout: "Usage: tollgate"},
		{name: "help of a command", args: []string{"config", "validate", "--help"}, code: 0, stdout: "--strict"},
		{name: "unknown flag", args: []string{"--nonsense"}, code: 2, stderr: "--nonsense"},
		{name: "unknown command", args: []string{"nonsense"}, code: 2, stderr: `"nonsense" is no command`},
		{name: "a file without its flag", args: []string{"config.yaml"}, code: 2, stderr: `did you mean "-f config.yaml"?`},
		{name: "unknown flag of a command", args: []string{"limits", "create", "x", "--match", "a=b"}, code: 2, stderr: `"tollgate limits create --help"`},
		{name: "not one of some words", args: []string{"keys", "list", "--status", "old"}, code: 2, stderr: `must be one of "active",`},
		{name: "unknown output", args: []string{"version", "-o", "xml"}, code: 2, stderr: "must be one of"},
		{name: "no value", args: []string{"-f"}, code: 2, stderr: "expected"},
		{name: "two sources", args: []string{"-f", "x", "-c", valid}, code: 2, stderr: "not both"},
		{name: "two to validate", args: []string{"config", "validate", "-f", "x", "-c", valid}, code: 2, stderr: "not both"},
		{name: "nothing to check", args: []string{"config", "validate"}, code: 2, stderr: "--file or --config"},
		{name: "version", args: []string{"version"}, code: 0, stdout: "tollgate "},
		{name: "-V", args: []string{"-V"}, code: 0, stdout: "tollgate "},
		{name: "schema", args: []string{"config", "schema"}, code: 0, stdout: `"$schema"`},
		{name: "schema for a file", args: []string{"config", "schema", "-f", "config.yaml"}, code: 0, stdout: `"$schema"`},
		{name: "valid file", args: []string{"config", "validate", "-f", file}, code: 0, stdout: "Configuration is valid!\n"},
		{name: "valid text", args: []string{"config", "validate", "-c", valid}, code: 0, stdout: "Configuration is valid!\n"},
		{name: "valid standard input", args: []string{"config", "validate", "--file", "-"}, stdin: valid, code: 0, stdout: "Configuration is valid!\n"},
		{name: "only validate", args: []string{"--validate-only", "--config", valid}, code: 0, stdout: "Configuration is valid!\n"},
		{name: "only validate, with the command", args: []string{"serve", "--validate-only", "-f", file}, code: 0, stdout: "Configuration is valid!\n"},
		{name: "problems", args: []string{"config", "validate", "-c", invalid}, code: 2, stderr: `--config:1:36: llm.models[0].provider: unknown provider "openIA"; did you mean "openAI"?`},
		{name: "problems of standard input", args: []string{"config", "validate", "-f", "-"}, stdin: invalid, code: 2, stderr: "standard input:1:36: "},
		{name: "problems at a start", args: []string{"-c", invalid}, code: 2, stderr: "--config:1:36: "},
		{name: "no effect", args: []string{"config", "validate", "-c", "mcp: {}\n" + valid}, code: 0, stdout: "Configuration is valid!\n", stderr: "mcp"},
		{name: "no effect, strict", args: []string{"config", "validate", "--strict", "-c", "mcp: {}\n" + valid}, code: 2, stderr: "mcp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := run(c.stdin, c.args...)
			if code != c.code || !strings.Contains(stdout, c.stdout) || c.stdout == "" && stdout != "" || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
				t.Errorf("exit %d\n--- stdout\n%s\n--- stderr\n%s\nwant %d, %q, %q", code, stdout, stderr, c.code, c.stdout, c.stderr)
			}
		})
	}
}

// What cannot be done is told on standard error, with some code that is no success.
func TestFailures(t *testing.T) {
	for name, args := range map[string][]string{
		"no such file":      {"config", "validate", "-f", filepath.Join(t.TempDir(), "none")},
		"no file to serve":  {"-f", filepath.Join(t.TempDir(), "none")},
		"not quite a file":  {"-f", t.TempDir()},
		"an unknown one":    {"config", "nonsense"},
		"schema with words": {"config", "schema", "more"},
	} {
		if code, stdout, stderr := run("", args...); code == 0 || stdout != "" || stderr == "" {
			t.Errorf("%s: exit %d\n--- stdout\n%s\n--- stderr\n%s", name, code, stdout, stderr)
		}
	}
}

func TestVersionAsJSON(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"version", "-o", "json"}, {"version", "--output=json"}} {
		code, stdout, stderr := run("", args...)
		var b cli.Build
		if err := json.Unmarshal([]byte(stdout), &b); code != 0 || err != nil || stderr != "" {
			t.Fatalf("%v: exit %d, %v: %s%s", args, code, err, stdout, stderr)
		}
		if b.Version == "" || !strings.HasPrefix(b.GoVersion, "go") || !strings.Contains(b.Platform, "/") {
			t.Errorf("%v: %+v", args, b)
		}
	}
}

func TestSchema(t *testing.T) {
	_, stdout, _ := run("", "config", "schema")
	var schema struct {
		Properties map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(stdout), &schema); err != nil || schema.Properties["llm"] == nil {
		t.Errorf("%v: %.200s", err, stdout)
	}
}
