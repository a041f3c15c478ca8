package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/cli"
)

const health = `200 {"version":"1.0"}`

func TestFindingTheServer(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(w *world)
		before  []string // the command
		args    []string
		code    int
		says    string
	}{
		{name: "the file", prepare: func(*world) {}, code: 0},
		{name: "the flag before the environment", prepare: func(w *world) { w.env["TOLLGATE_DATA_DIR"] = "elsewhere" }, args: []string{"--data-dir", "DIR"}, code: 0},
		{name: "named", prepare: func(w *world) { w.env["TOLLGATE_ADMIN_TOKEN"] = "adm-named"; w.env["TOLLGATE_SERVER"] = w.url }, code: 0},
		{name: "named by flag", prepare: func(w *world) {
			w.env["TOLLGATE_ADMIN_TOKEN"] = "adm-named"
			w.env["TOLLGATE_SERVER"] = "http://127.0.0.1:1"
		}, args: []string{"--server", "URL"}, code: 0},
		{name: "named before the command", prepare: func(w *world) { w.env["TOLLGATE_ADMIN_TOKEN"] = "adm-named" }, before: []string{"--server", "URL", "-o", "json"}, code: 0},
		{name: "found before the command", prepare: func(w *world) { w.env["TOLLGATE_DATA_DIR"] = "elsewhere" }, before: []string{"--data-dir=DIR"}, code: 0},
		{name: "named without a token", prepare: func(*world) {}, args: []string{"--server", "URL"}, code: 2, says: "TOLLGATE_ADMIN_TOKEN"},
		{name: "no address", prepare: func(w *world) { w.env["TOLLGATE_ADMIN_TOKEN"] = "x" }, args: []string{"--server", "127.0.0.1:15000"}, code: 2, says: `write it like "http://127.0.0.1:15000"`},
		{name: "a wrong token of the environment", prepare: func(w *world) { w.env["TOLLGATE_ADMIN_TOKEN"] = "wrong" }, code: 4, says: "admin token of TOLLGATE_ADMIN_TOKEN"},
		{name: "a wrong token of the file", prepare: func(w *world) { w.leave(0o600, fmt.Sprintf(`{"url":%q,"token":"old"}`, w.url)) }, code: 4, says: "admin.json"},
		{name: "no file", prepare: func(w *world) { _ = os.Remove(filepath.Join(w.dir, "admin.json")) }, code: 1, says: "Start one (tollgate serve)"},
		{name: "others can read it", prepare: func(w *world) { w.leave(0o640, `{}`) }, code: 1, says: "mode 0640"},
		{name: "everybody can read it", prepare: func(w *world) { w.leave(0o604, `{}`) }, code: 1, says: "can be read by others"},
		{name: "no JSON", prepare: func(w *world) { w.leave(0o600, `url`) }, code: 1, says: "not what a server leaves"},
		{name: "half of it", prepare: func(w *world) { w.leave(0o600, `{"url":"http://x"}`) }, code: 1, says: "not what a server leaves"},
		{name: "a directory", prepare: func(w *world) {
			_ = os.Remove(filepath.Join(w.dir, "admin.json"))
			_ = os.Mkdir(filepath.Join(w.dir, "admin.json"), 0o700)
		}, code: 1, says: "no file that a server leaves"},
		{name: "a server that has ended", prepare: func(w *world) { w.leave(0o600, `{"url":"http://127.0.0.1:1","token":"x","pid":4711}`) }, code: 1, says: "process 4711"},
		{name: "no server there", prepare: func(w *world) { w.env["TOLLGATE_ADMIN_TOKEN"] = "x" }, args: []string{"--server", "http://127.0.0.1:1"}, code: 1, says: "no server answers at http://127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).answer("GET /api/v1/health", health)
			c.prepare(w)
			var args []string
			for _, a := range slices.Concat(c.before, []string{"status"}, c.args) {
				args = append(args, strings.NewReplacer("DIR", w.dir, "URL", w.url).Replace(a))
			}
			r := w.run("", args...)
			if r.code != c.code || !strings.Contains(r.stderr, c.says) || strings.Contains(r.stdout+r.stderr, "adm-") {
				t.Errorf("%v\nwant %d and %q", r, c.code, c.says)
			}
		})
	}
}

func TestSecretFile(t *testing.T) {
	w := newWorld(t).answer("POST /api/v1/keys", `201 {"key":`+key("")+`,"secret":"sk-tg-CANARY"}`).
		answer("POST /api/v1/keys/x/rotate", `201 {"key":`+key("")+`,"secret":"sk-tg-SECOND"}`)
	path := filepath.Join(t.TempDir(), "app.key")
	check := func(r result, want string) {
		t.Helper()
		info, err := os.Stat(path)
		text, _ := os.ReadFile(path)
		if err != nil || info.Mode().Perm() != 0o600 || string(text) != want || r.code != 0 || strings.Contains(r.stdout+r.stderr, "sk-tg-") {
			t.Errorf("%v: %v, %q, %v", err, info, text, r)
		}
	}
	check(w.run("", "keys", "create", "x", "--secret-file", path), "sk-tg-CANARY\n")
	if r := w.run("", "keys", "create", "x", "--secret-file", path); r.code != 2 || len(r.asked) > 0 {
		t.Errorf("the file is there: %v", r)
	}
	check(w.run("", "keys", "rotate", "x", "--secret-file", path, "-o", "json"), "sk-tg-SECOND\n")
	if r := w.run("", "keys", "create", "x", "--secret-file", filepath.Join(w.dir, "none", "file")); r.code != 2 || len(r.asked) > 0 {
		t.Errorf("no such directory: %v", r)
	}
	// What is refused leaves nothing behind.
	w.answer("POST /api/v1/keys", `409 {"status":409,"detail":"taken"}`)
	dir := t.TempDir()
	if r := w.run("", "keys", "create", "x", "--secret-file", filepath.Join(dir, "k")); r.code != 4 {
		t.Error(r)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestConfirmation(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		terminal    bool
		code        int
		deleted     bool
	}{
		{"nobody can answer", "checkout-prod\n", false, 2, false},
		{"the name", "checkout-prod\n", true, 0, true},
		{"yes is no name", "yes\n", true, 4, false},
		{"nothing", "", true, 4, false},
	} {
		w := newWorld(t).answer("GET /api/v1/keys/x", "200 "+key("")).answer("DELETE /api/v1/keys/key_3fT9aZ0bQ1Xy", `200 {"id":"key_3fT9aZ0bQ1Xy"}`)
		w.terminal = c.terminal
		r := w.run(c.stdin, "keys", "delete", "x")
		if r.code != c.code || strings.Contains(fmt.Sprint(r.asked), "DELETE") != c.deleted {
			t.Errorf("%s: %v", c.name, r)
		}
	}
}

func TestBackup(t *testing.T) {
	w := newWorld(t).answer("GET /api/v1/backup", "200 archive")
	path := filepath.Join(t.TempDir(), "b.tar")
	r := w.run("", "backup", path)
	info, err := os.Stat(path)
	text, _ := os.ReadFile(path)
	if r.code != 0 || err != nil || info.Mode().Perm() != 0o600 || string(text) != "archive" {
		t.Errorf("%v, %v: %v", err, info, r)
	}
	if r := w.run("", "backup", path); r.code != 2 || len(r.asked) > 0 {
		t.Errorf("over an old one: %v", r)
	}
	w.answer("GET /api/v1/backup", `403 {"status":403,"detail":"the role may not"}`)
	dir := t.TempDir()
	if r := w.run("", "backup", filepath.Join(dir, "c.tar")); r.code != 4 {
		t.Error(r)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// export is a trail of some events, as the API exports it.
func export(t *testing.T, n uint64) (lines []string, tip audit.Mark) {
	t.Helper()
	for seq := uint64(1); seq <= n; seq++ {
		e := &audit.Event{
			Seq: seq, At: time.Date(2026, 11, 1, 0, 0, int(seq), 123456789, time.UTC), Action: "key.edit", Outcome: audit.Done,
			Actor:  actor.Actor{Kind: actor.Token, ID: "adm_1", Name: "alice <a&b>", Role: actor.Admin, From: "10.0.0.1"},
			Target: audit.Target{Kind: "key", ID: "key_1", Name: "x"}, Reason: "why", RequestID: "req_1",
			Diff: []audit.Field{{Path: "limits", Before: `{"a":[1,"<"]}`}, {Path: "name", After: `"x"`}},
		}
		audit.Seal(e, tip.Hash)
		tip = e.Mark()
		form := admin.Event{
			ID: e.Seq, At: e.At, Action: e.Action, Target: admin.EventTarget(e.Target), Outcome: string(e.Outcome), Reason: e.Reason, RequestID: e.RequestID,
			Actor:    admin.EventActor{Kind: string(e.Actor.Kind), ID: e.Actor.ID, Name: e.Actor.Name, Role: e.Actor.Role.String(), From: e.Actor.From},
			Previous: e.Previous.String(), Hash: e.Hash.String(),
		}
		for _, d := range e.Diff {
			form.Diff = append(form.Diff, admin.EventField{Path: d.Path, Before: json.RawMessage(d.Before), After: json.RawMessage(d.After)})
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(&form); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, b.String())
	}
	return lines, tip
}

func TestVerifyExport(t *testing.T) {
	lines, tip := export(t, 5)
	_, early := export(t, 3)
	mark := fmt.Sprintf("%d:%s", tip.Seq, tip.Hash)
	noted := filepath.Join(t.TempDir(), "tip.txt")
	if err := os.WriteFile(noted, []byte(mark+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := strings.Join(lines, "")
	for _, c := range []struct {
		name, text, checkpoint string
		code                   int
	}{
		{"whole", whole, "", 0},
		{"whole, noted", whole, mark, 0},
		{"whole, noted in a file", whole, noted, 0},
		{"grown since", whole, fmt.Sprintf("%d:%s", early.Seq, early.Hash), 0},
		{"nothing", "", "", 0},
		{"nothing left", "", mark, 3},
		{"cut short", strings.Join(lines[:4], ""), mark, 3},
		{"cut in a line", whole[:len(whole)-10], "", 3},
		{"another one was noted", whole, "5:" + strings.Repeat("00", 32), 2},
		{"a gap", lines[0] + lines[2], "", 5},
		{"twice", lines[0] + lines[0], "", 5},
		{"not from the beginning", lines[1], "", 5},
		{"altered", strings.Replace(whole, "alice", "malice", 1), "", 2},
		{"another space", strings.Replace(whole, `"id":1,`, `"id":1, `, 1), "", 2},
		{"another field", strings.Replace(whole, `"id":1,`, `"id":1,"x":1,`, 1), "", 2},
		{"no checkpoint", whole, "yesterday", 2},
	} {
		w := newWorld(t)
		args := []string{"audit", "verify", "-"}
		if c.checkpoint != "" {
			args = append(args, "--checkpoint", c.checkpoint)
		}
		if r := w.run(c.text, args...); r.code != c.code || c.code == 0 && c.text != "" && r.stdout != mark+"\n" || len(r.asked) > 0 {
			t.Errorf("%s: %v, want %d", c.name, r, c.code)
		}
	}
	// With a checkpoint the trail of a server is not believed but read.
	w := newWorld(t).answer("GET /api/v1/audit/export", "200 "+strings.Join(lines[:4], ""))
	if r := w.run("", "audit", "verify", "--checkpoint", mark); r.code != 3 {
		t.Error(r)
	}
}

// Whatever byte of an export changes, it is found.
func TestEveryByteOfAnExport(t *testing.T) {
	lines, _ := export(t, 2)
	whole := strings.Join(lines, "")
	for i := range len(whole) {
		changed := []byte(whole)
		changed[i] ^= 1
		if found, err := cli.VerifyTrail(bytes.NewReader(changed), audit.Mark{}); err != nil || found.OK {
			t.Fatalf("byte %d: %q", i, changed[max(0, i-20):min(len(changed), i+20)])
		}
	}
}

func TestTailFollows(t *testing.T) {
	page := func(ids ...int) string {
		var events []string
		for _, id := range ids {
			events = append(events, fmt.Sprintf(`{"id":%d,"at":"2026-11-21T11:00:00Z","actor":{"name":"a"},"action":"x","target":{"kind":"key"},"outcome":"done"}`, id))
		}
		return `200 {"events":[` + strings.Join(events, ",") + `]}`
	}
	w := newWorld(t).answer("GET /api/v1/audit", page(2, 1), page(2, 1), page(4, 3, 2, 1), `403 {"status":403,"detail":"no longer"}`)
	r := w.run("", "audit", "tail", "-f", "--interval", "1ms", "-o", "json")
	var ids []uint64
	for dec := json.NewDecoder(strings.NewReader(r.stdout)); ; {
		var e admin.Event
		if dec.Decode(&e) != nil {
			break
		}
		ids = append(ids, e.ID)
	}
	if fmt.Sprint(ids) != "[1 2 3 4]" || r.code != 4 {
		t.Errorf("%v: %v", ids, r)
	}
}

func TestUsageErrors(t *testing.T) {
	for args, says := range map[string]string{
		"keys set x":                                                "nothing to change",
		"keys set x --models a --all-models":                        "--models or --all-models",
		"keys set x --expires 9d --never-expires":                   "not both",
		"keys set x --label a=b --no-label a":                       `about "a"`,
		"keys create x --cost 5/day --cost 6/day":                   "two such limits",
		"keys create x --rpm 5/day":                                 "--requests 1000/day",
		"keys create x --rpm 60 --requests 90/min":                  "two such limits",
		"keys create x --timezone Mars":                             "no time zone",
		"keys rotate x --grace soon":                                "--grace",
		"keys import missing.csv":                                   "missing.csv",
		"limits create x":                                           "one of --cost",
		"limits create x --cost 5 --tokens 5":                       "one limit",
		"limits set x":                                              "nothing to change",
		"limits adjust x --by=much --reason r":                      "no number",
		"credentials add x --provider y --from-env MISSING":         "no environment variable MISSING",
		"credentials add x --provider y":                            "value is empty",
		"credentials add x --provider y --from-env A --from-file b": "not both",
		"usage --month 10/2026":                                     "write for instance 2026-10",
		"usage --month 2026-10 --from 7d":                           "either --month",
		"usage --from 1d --to 2d":                                   "before --to",
		"usage --csv -o json":                                       "not both",
		"prices a --search b":                                       "not both",
		"audit tail -n 500":                                         "1 to 200",
	} {
		w := newWorld(t)
		if r := w.run("", strings.Fields(args)...); r.code != 2 || !strings.Contains(r.stderr, says) || r.stdout != "" || len(r.asked) > 0 {
			t.Errorf("%s: %v\nwant it to say %q", args, r, says)
		}
	}
}

func TestPricesOffline(t *testing.T) {
	w := newWorld(t)
	r := w.run("", "prices", "openai/gpt-5", "--offline")
	if r.code != 0 || len(r.asked) > 0 || !strings.Contains(r.stdout, "openai/gpt-5") || !strings.Contains(r.stdout, "million tokens") {
		t.Error(r)
	}
	if r := w.run("", "prices", "--offline", "--search", "openai gpt-5", "--all", "-o", "json"); r.code != 0 || !json.Valid([]byte(r.stdout)) {
		t.Error(r)
	}
}
