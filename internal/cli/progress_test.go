package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestProgressOfAnImport(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	env := &Environment{Stderr: &out, Now: func() time.Time { return now }, Terminal: func(any) bool { return true }}
	p := newProgress(env, "Sent", 4000)
	said := func(want string) {
		t.Helper()
		if got := strings.ReplaceAll(out.String(), "\r\x1b[K", "|"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		out.Reset()
	}
	p.add(1000)
	said("") // what is done in a second needs none
	now = now.Add(time.Second)
	p.add(1000)
	said("|Sent 2.0 kB of 4.0 kB (50%)")
	p.lines("Checked", 500, 0)
	said("") // not so soon after the last
	now = now.Add(time.Second)
	p.lines("Checked", 12500, 0)
	said("|Checked 12,500 lines")
	now = now.Add(time.Second)
	p.lines("Imported", 25000, 100000)
	said("|Imported 25,000 lines of 100,000 (25%)")
	p.end()
	said("|")
	// Nobody looks: nothing is said.
	env.Terminal = func(any) bool { return false }
	p = newProgress(env, "Sent", 1)
	now = now.Add(time.Minute)
	p.lines("Checked", 1, 1)
	p.end()
	said("")
}
