package cli

import (
	"strings"
	"testing"
)

func TestFlagsBeforeTheCommand(t *testing.T) {
	for line, want := range map[string]string{
		"--server u keys list":                     "keys list --server u",
		"keys --server=u -o json list --limit 5":   "keys list --server=u -o json --limit 5",
		"--data-dir d keys show a -o json":         "keys show a --data-dir d -o json",
		"keys revoke a --reason --server":          "keys revoke a --reason --server",
		"--server u keys create a -- --data-dir d": "keys create a --server u -- --data-dir d",
		// The default command, and what is no command line at all.
		"--data-dir d -f c.yaml": "--data-dir d -f c.yaml",
		"--data-dir d":           "--data-dir d",
		"--server":               "--server",
		"-f c.yaml --server u":   "-f c.yaml --server u",
		"":                       "",
	} {
		if got := strings.Join(arranged(strings.Fields(line)), " "); got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}
