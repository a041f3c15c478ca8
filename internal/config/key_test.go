package config_test

import (
	"testing"

	"tollgate/internal/config"
)

const hash = `"keyHash": "sha256:477fe4bee6e6d46cc4fa5827b4c375f045b01701de265deea7c26a74d4f86d1f"`

// Keys that are declared elsewhere follow the rules of the file, but name no variable and
// no file of this machine.
func TestReadKey(t *testing.T) {
	t.Setenv("TOLLGATE_TEST", "leaked")
	at := config.Position{File: "VirtualKey/a/b", Path: "spec"}
	k, problems := config.ReadKey([]byte(`{`+hash+`, "name": "~/x $TOLLGATE_TEST ${TOLLGATE_TEST} $$", "metadata": {"a": "$TOLLGATE_TEST", "n": 1},
		"limits": [{"kind": "cost", "amount": "5", "window": {"calendar": "day"}}]}`), at)
	if len(problems) > 0 || k.Name != "~/x $TOLLGATE_TEST ${TOLLGATE_TEST} $$" || k.Metadata["a"] != "$TOLLGATE_TEST" || k.Metadata["n"] != int64(1) || k.Limits[0].Window.Calendar != "day" {
		t.Errorf("%+v %v", k, problems)
	}
	if got := k.Limits[0].Amount.At; got.Path != "spec.limits[0].amount" || got.File != at.File || got.Line != 0 {
		t.Errorf("the amount is at %+v", got)
	}
	for _, tt := range []struct{ text, want string }{
		{`{"key": {"file": "/etc/hostname"}}`, "VirtualKey/a/b: spec.key.file: cannot read the file /etc/hostname: files cannot be named here"},
		{`{` + hash + `, "limit": []}`, `VirtualKey/a/b: spec.limit: unknown field; did you mean "limits"?`},
		{`{` + hash + `, "limits": [{"kind": "cost", "amount": "1", "window": {}}]}`, "VirtualKey/a/b: spec.limits[0].window: one of calendar, fixed, sliding is needed"},
		{`{` + hash + `, "networks": ["10.0.0.1/8"]}`, `VirtualKey/a/b: spec.networks[0]: "10.0.0.1/8" has bits behind its 8; write 10.0.0.0/8`},
		{`{"name": "x"}`, "VirtualKey/a/b: spec: one of key, keyHash is needed"},
		{`[]`, "VirtualKey/a/b: spec: must be an object"},
		{`{`, "VirtualKey/a/b:1:1: the text is not valid YAML: did not find expected node content"},
	} {
		_, problems := config.ReadKey([]byte(tt.text), at)
		if len(problems) == 0 || problems[0].String() != tt.want {
			t.Errorf("%s gave %v, want %s", tt.text, problems, tt.want)
		}
	}
}
