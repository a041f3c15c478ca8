package control_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/control"
	"tollgate/internal/vkey"
)

func (h *house) importText(format, text string) *admin.Imported {
	h.t.Helper()
	out, err := h.ImportKeys(h.t.Context(), root, admin.ImportInput{Format: format}, strings.NewReader(text), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func hashOf(value string) string { return fmt.Sprintf("sha256:%x", vkey.Hash(value)) }

func TestImportNDJSON(t *testing.T) {
	h := newHouse(t)
	text := "\ufeff\n" + `{"name":"value","key":"sk-old-0123456789","labels":{"team":"x"},"limits":[{"kind":"cost","amount":"10.00","window":{"calendar":"month"},"spent":"4.00"}]}

{"name":"hash","key_hash":"` + hashOf("sk-other-987654321") + `","cost_limit":"5","reset_period":"daily","spent":"1.5","expires_at":"2020-01-01T00:00:00Z"}
{"name":"legacy","key":"sk-legacy-0123456789"}`
	dry, err := h.ImportKeys(t.Context(), root, admin.ImportInput{DryRun: true}, strings.NewReader(text), nil)
	if err != nil || dry.Created != 3 || !dry.DryRun || dry.Format != "ndjson" || len(dry.Lines) != 3 || dry.Lines[0].ID != "" || len(h.events()) != 0 {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	var steps []admin.ImportProgress
	out, err := h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader(text), func(p admin.ImportProgress) { steps = append(steps, p) })
	done := []admin.ImportProgress{{Step: "check", Done: 3, Total: 5}, {Step: "store", Done: 3, Total: 3}} // who reads lines does not know yet which are empty
	if err != nil || out.Created != 3 || out.EventID != 1 || !slices.Equal(steps, done) {
		t.Fatalf("import: %+v, %v, %v", out, err, steps)
	}
	if out.Lines[0].Line != 2 || out.Lines[1].Line != 4 {
		t.Errorf("lines %+v", out.Lines)
	}
	k := h.key("value")
	if l := k.Limits[0]; l.Spent.Text != "4.00" || k.Labels["team"] != "x" || k.Legacy || k.Secrets[0].Last4 != "6789" {
		t.Errorf("key %+v", k)
	}
	if live := h.live.get(k.ID); live == nil || live.Secrets[0].Digest != h.pepper.Digest("sk-old-0123456789") || !live.Secrets[0].Peppered {
		t.Error("the value is not in force")
	}
	k = h.key("hash")
	if k.Status != "expired" || k.Limits[0].Spent.Text != "1.50" || h.live.get(k.ID).Secrets[0].Digest != vkey.Hash("sk-other-987654321") || h.live.get(k.ID).Secrets[0].Peppered {
		t.Errorf("key %+v", k)
	}
	if !h.key("legacy").Legacy || h.edit("legacy", `{"limits":[{"kind":"requests","amount":1}]}`).Key.Legacy {
		t.Error("a key without limits is legacy, until it has some")
	}
	for _, e := range h.events() {
		if raw, _ := json.Marshal(e); strings.Contains(string(raw), "sk-old") {
			t.Error("a secret is on record")
		}
	}
	events := len(h.events())
	again := h.importText("auto", text)
	if again.Created != 0 || again.Unchanged != 3 || again.Lines[0].ID != h.key("value").ID || len(h.events()) != events || h.key("value").Limits[0].Spent.Text != "4.00" {
		t.Errorf("again: %+v", again)
	}
}

func TestImportRefusesAllForOneLine(t *testing.T) {
	h := newHouse(t)
	h.create(admin.KeyInput{Name: "taken"})
	text := `{"name":"good","key":"sk-good-0123456789"}
{"name":"good","key":"sk-else-0123456789"}
{"name":"twice","key":"sk-good-0123456789"}
{"name":"taken","key":"sk-taken-0123456789"}
{"nmae":"x","key":"sk-typo-0123456789"}
{"name":"none"}
{"name":"both","key":"sk-both-0123456789","key_hash":"x"}
{"name":"short","key":"sk-1"}
{"name":"broken","key":"sk-tg-000000000000-0"}
{"name":"hash","key_hash":"sha256:00"}
{"name":"sliding","key":"sk-sliding-0123456789","limits":[{"kind":"tokens","amount":5,"window":{"sliding":"60s"},"spent":3}]}
{"name":"spent","key":"sk-spent-0123456789","spent":"1"}
{"name":"number","key":12345678901}
no json
` + `{"name":"` + strings.Repeat("x", 1<<20) + `"}`
	_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader(text), nil)
	e := refused(t, err, control.Invalid, "import_refused", "14 lines cannot be imported", "line 2: name: is the same as in line 1", "line 3: key: is the same as in line 1",
		"line 4: name: is taken by", "line 5: nmae: ", "(name)", "line 6: key: is missing", "line 7: key_hash: and key cannot both", "line 8: key: has 4 characters",
		"line 9: key: begins like a key of tollgate", "line 10: key_hash: ", "line 11: limits[0].spent: cannot be taken over", "line 12: spent: belongs to a cost_limit",
		"line 13: key: is text", "line 14: is no JSON", "line 15: is longer than")
	for _, f := range e.Fields {
		if strings.Contains(f.Suggestion+f.Message, "12345678901") {
			t.Error("a key is told")
		}
	}
	if list, _ := h.Keys(t.Context(), root, admin.KeyFilter{}); len(list.Keys) != 1 {
		t.Error("something was imported")
	}
	if last := h.last(); last.Action != "key.import" || last.Outcome != "refused" {
		t.Errorf("not on record: %+v", last)
	}
	out, err := h.ImportKeys(t.Context(), root, admin.ImportInput{SkipRefused: true}, strings.NewReader(text), nil)
	if err != nil || out.Created != 1 || out.Refused != 14 || h.key("good").ID == "" || len(out.Lines) != 15 {
		t.Errorf("skipping: %+v, %v", out, err)
	}
}

func TestImportCSV(t *testing.T) {
	h := newHouse(t)
	out := h.importText("auto", "\n"+`name,key,key_hash,cost_limit,token_limit,requests_per_minute,reset_period,expires_at,models,label.team,spent,colour
"a, b",sk-a-0123456789,,100.00,5000,60,monthly,2026-12-31T00:00:00Z,gpt-5* claude|*-mini,payments,12.345678901,red
b,,`+hashOf("sk-b")+`,,,,,,,,,
`)
	if out.Format != "csv" || out.Created != 2 || out.Lines[0].Outcome == "" || !strings.Contains(fmt.Sprint(out.Lines), `"colour"`) {
		t.Fatalf("%+v", out)
	}
	k := h.key("a, b")
	if len(k.Limits) != 3 || k.Limits[0].Spent.Text != "12.345678901" || fmt.Sprint(k.Models.Allow) != "[gpt-5* claude *-mini]" || k.Labels["team"] != "payments" || k.ExpiresAt == nil {
		t.Errorf("%+v", k)
	}
	if k := h.key("b"); !k.Legacy || k.Models != nil {
		t.Errorf("%+v", k)
	}
	if out := h.importText("csv", "name;key\nc;sk-c-0123456789\n"); out.Created != 1 {
		t.Errorf("%+v", out)
	}
	for text, says := range map[string]string{
		"key\nsk-x-0123456789": "name: is no column", "name\nx": "key: is no column", "name,name,key\n": "is a column twice",
		"token,key_name,name\n": "export it as JSON",
	} {
		_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader(text), nil)
		refused(t, err, control.Invalid, "invalid", says)
	}
	_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader("name,key,token_limit,expires_at,spent\nx,sk-x-0123456789,1.5,soon,3\nx\n\"x\n"), nil)
	refused(t, err, control.Invalid, "import_refused", "line 2: token_limit", "line 2: expires_at", "line 2: spent", "line 3: has 1 fields", "line 4: is no CSV")
	_, err = h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader("  \n"), nil)
	refused(t, err, control.Invalid, "nothing_to_import")
	_, err = h.ImportKeys(t.Context(), root, admin.ImportInput{Format: "cvs"}, strings.NewReader("x"), nil)
	refused(t, err, control.Invalid, "invalid", "(csv)")
}

const liteLLMRows = `[
{"token":"%[1]x","key_alias":"web","key_name":"sk-...wxyz","spend":3.1234567891e0,"max_budget":100.0,"budget_duration":"30d","budget_reset_at":"2026-11-01T00:00:00Z",
 "tpm_limit":1000,"rpm_limit":60,"max_parallel_requests":4,"models":["gpt-5*"],"expires":"2027-01-01T00:00:00+00:00","blocked":null,"team_id":"t1","user_id":"u1",
 "metadata":{"cost center":"7","nested":{"a":1},"n":5},"soft_budget":1.5,"config":{},"created_at":"2026-01-01"},
{"token":"%[2]x","key_name":"sk-...none","models":["all-team-models"],"blocked":true,"spend":2,"soft_budget":1},
{"token":"%[3]x","key_alias":"five","spend":1,"max_budget":5,"budget_duration":"5h","budget_reset_at":"2026-10-14T14:30:00","models":[],"metadata":"{\"env\":\"prod\"}"},
{"token":"%[4]x","key_alias":"stale","spend":1,"max_budget":5,"budget_duration":"1d","budget_reset_at":"2026-10-14T00:00:00Z"},
{"token":"%[5]x","key_alias":"life","spend":6,"max_budget":5,"models":["no-default-models"]},
{"token":"%[6]x","key_alias":"rolled","spend":1,"max_budget":5,"budget_duration":"30d","budget_reset_at":"2026-10-20T08:00:00Z"},
{"token":"%[7]x","key_alias":"quarter","max_budget":5,"budget_duration":"3mo","budget_reset_at":"2026-12-15T00:00:00Z"}
]`

func TestImportLiteLLM(t *testing.T) {
	h := newHouse(t)
	var digests []any
	for i := range 7 {
		digests = append(digests, vkey.Hash(fmt.Sprint("sk-litellm-", i)))
	}
	text := fmt.Sprintf(liteLLMRows, digests...)
	out := h.importText("auto", text)
	if out.Format != "litellm" || out.Created != 7 {
		t.Fatalf("%+v", out)
	}
	k := h.key("web")
	if k.Secrets[0].Last4 != "wxyz" || h.live.get(k.ID).Secrets[0].Digest != digests[0] || k.ExpiresAt == nil || fmt.Sprint(k.Labels) != "map[cost_center:7 n:5 team:t1 user:u1]" {
		t.Errorf("%+v", k)
	}
	var limits []string
	for _, l := range k.Limits {
		limits = append(limits, l.Kind+" "+l.Amount.Text+" "+l.Spent.Text)
	}
	if got := strings.Join(limits, ", "); got != "cost 100.00 3.12345679, tokens 1000 0, requests 60 0, concurrency 4 0" && got != "cost 100.00 3.123456790, tokens 1000 0, requests 60 0, concurrency 4 0" {
		t.Errorf("limits %s", got)
	}
	resets := func(name string) string {
		if l := h.key(name).Limits[0]; l.ResetsAt != nil {
			return l.ResetsAt.Format(time.RFC3339) + " " + l.Spent.Text
		} else {
			return "never " + l.Spent.Text
		}
	}
	for name, want := range map[string]string{
		"five": "2026-10-14T14:30:00Z 1.00", "stale": "2026-10-15T00:00:00Z 0.00", "life": "never 6.00",
		"rolled": "2026-10-20T08:00:00Z 1.00", "quarter": "2026-12-15T00:00:00Z 0.00",
	} {
		if got := resets(name); got != want {
			t.Errorf("%s resets at %s, want %s", name, got, want)
		}
	}
	if k := h.key("life"); k.Models == nil || len(k.Models.Allow) != 0 || k.Models.Allow == nil || k.Limits[0].Remaining.Text != "0.00" {
		t.Errorf("%+v", k)
	}
	if k := h.key("five"); k.Models != nil || k.Labels["env"] != "prod" {
		t.Errorf("%+v", k)
	}
	blocked := fmt.Sprintf("litellm-%x", digests[1])[:16]
	if k := h.key(blocked); k.Status != "disabled" || !k.Legacy || k.Models != nil || k.Reason == "" {
		t.Errorf("%+v", k)
	}
	said := fmt.Sprint(out.Lines)
	for _, w := range []string{`"soft_budget" is not taken over`, "metadata.nested", "no key_alias", "all-team-models", "the window it belongs to is over", "(2.00) is not taken over"} {
		if strings.Count(said, w) != 1 {
			t.Errorf("%q is told %d times: %s", w, strings.Count(said, w), said)
		}
	}
	if again := h.importText("litellm", text); again.Unchanged != 7 {
		t.Errorf("again: %+v", again)
	}
	for row, says := range map[string]string{
		`{"token":"x"}`: "token: is missing, or no SHA-256",
		`{"token":5}`:   "token: is a number",
		`{"token":"sk-plain-0123456","key_alias":"p","max_budget":5,"budget_duration":"2mo"}`:                                          "budget_duration: 2 months",
		`{"token":"sk-plain-0123456","key_alias":"p","max_budget":5,"budget_duration":"30days"}`:                                       "budget_duration: ",
		`{"token":"sk-plain-0123456","key_alias":"p","max_budget":-5}`:                                                                 "max_budget: ",
		`{"token":"sk-plain-0123456","key_alias":"p","max_budget":1e30}`:                                                               "max_budget: ",
		`{"token":"sk-plain-0123456","key_alias":"p","rpm_limit":1.5}`:                                                                 "rpm_limit: ",
		`{"token":"sk-plain-0123456","key_alias":"p","models":["a*b"]}`:                                                                "models.allow[0]: ",
		`{"token":"sk-plain-0123456","key_alias":"p","expires":"soon"}`:                                                                "expires: ",
		`{"token":"sk-plain-0123456","key_alias":"p","max_budget":5,"budget_duration":"1mo","budget_reset_at":"2026-11-01T08:00:00Z"}`: "budget_duration: months that begin at 08:00",
	} {
		_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{Format: "litellm"}, strings.NewReader(row), nil)
		refused(t, err, control.Invalid, "import_refused", says)
	}
}

func TestImportSpendingSurvivesABreak(t *testing.T) {
	h := newHouse(t)
	h.faulty.set(errors.New("no disk"))
	text := `{"name":"a","key":"sk-a-0123456789","cost_limit":"10","reset_period":"daily","spent":"4"}`
	_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader(text), nil)
	refused(t, err, control.Unavailable, "not_carried_over")
	if h.live.get(h.key("a").ID) != nil {
		t.Fatal("a key is in force before its spending is known")
	}
	h.restart()
	if got := h.key("a").Limits[0].Spent.Text; got != "4.00" || h.live.get(h.key("a").ID) == nil {
		t.Errorf("after the restart %s is spent", got)
	}
	h.restart()
	if got := h.key("a").Limits[0].Spent.Text; got != "4.00" {
		t.Errorf("after another restart %s is spent", got)
	}
}

func TestLargeImport(t *testing.T) {
	h := newHouse(t)
	n := 510 // more than a batch
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"name":"key-%d","key":"sk-import-%08d","labels":{"pad":%q}}`+"\n", i, i, strings.Repeat("x", 256)[:250])
	}
	for text.Len() < 1<<20 { // so that the rest of it lies in a file
		fmt.Fprintf(&text, "%s\n", strings.Repeat(" ", 1000))
	}
	fmt.Fprintf(&text, `{"name":"last","key":"sk-import-the-last"}`)
	calls := map[string]int{}
	out, err := h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader(text.String()), func(p admin.ImportProgress) { calls[p.Step]++ })
	if err != nil || out.Created != n+1 || calls["check"] != n/500+1 || calls["store"] != n/500+1 || len(out.Lines) != n+1 {
		t.Fatalf("created %d in %v steps, %v", out.Created, calls, err)
	}
	if h.live.get(h.key("last").ID) == nil {
		t.Error("the last one is not in force")
	}
}

// TestEndedSecretsDoNotComeBack shows that an import revives no secret that this server minted
// and ended.
func TestEndedSecretsDoNotComeBack(t *testing.T) {
	h := newHouse(t)
	rotated, deleted, revoked := h.create(admin.KeyInput{Name: "rotated"}), h.create(admin.KeyInput{Name: "deleted"}), h.create(admin.KeyInput{Name: "revoked"})
	must[*admin.KeyCreated](t)(h.RotateKey(t.Context(), root, "rotated", admin.Rotation{Grace: "0s"}))
	must[*admin.Deleted](t)(h.DeleteKey(t.Context(), root, "deleted", ""))
	must[*admin.KeyChanged](t)(h.RevokeKey(t.Context(), root, "revoked", admin.Revocation{}))
	for says, was := range map[string]*admin.KeyCreated{
		"is a secret of " + rotated.Key.ID + " that has ended by rotation": rotated,
		"is a secret of " + deleted.Key.ID + ", which was deleted here":    deleted,
	} {
		_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{}, strings.NewReader(`{"name":"again","key":"`+was.Secret+`"}`), nil)
		e := refused(t, err, control.Invalid, "import_refused", "1 lines cannot be imported")
		if len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Message, says) || strings.Contains(e.Fields[0].Message, was.Secret[20:40]) {
			t.Errorf("%+v", e.Fields)
		}
	}
	out := h.importText("", `{"name":"again","key":"`+revoked.Secret+`"}`)
	if out.Unchanged != 1 || out.Lines[0].ID != revoked.Key.ID || !strings.Contains(out.Lines[0].Message, "revoked") || h.key("revoked").Status != "revoked" {
		t.Errorf("%+v", out)
	}
	// One that another server minted is as good as any.
	_, foreign, err := vkey.Mint(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if out := h.importText("", `{"name":"foreign","key":"`+foreign.Reveal()+`"}`); out.Created != 1 {
		t.Errorf("%+v", out)
	}
}

// TestNothingStandsTwice shows that of two values of one field none is taken in silence.
func TestNothingStandsTwice(t *testing.T) {
	h := newHouse(t)
	_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{Format: "ndjson"}, strings.NewReader(`{"name":"a","key":"sk-a-0123456789","cost_limit":"1","cost_limit":"1000"}`), nil)
	e := refused(t, err, control.Invalid, "import_refused", "cannot be imported")
	if len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Message, "stands there twice") {
		t.Errorf("%+v", e.Fields)
	}
}

func FuzzImport(f *testing.F) {
	f.Add("ndjson", `{"name":"a","key":"sk-a-0123456789"}`)
	f.Add("csv", "name,key\na,sk-a-0123456789\n")
	f.Add("litellm", fmt.Sprintf(`{"token":"%x","key_alias":"a","max_budget":1e2,"budget_duration":"7d","budget_reset_at":"2026-10-19 00:00:00","metadata":{"a":[]}}`, vkey.Hash("x")))
	f.Add("auto", `[{"token":"x","metadata":"{"},null,5,"`)
	h := newHouse(f)
	f.Fuzz(func(t *testing.T, format, text string) {
		out, err := h.ImportKeys(t.Context(), root, admin.ImportInput{Format: format, DryRun: true}, strings.NewReader(text), nil)
		var e *control.Error
		switch {
		case err == nil && out.Created+out.Refused+out.Unchanged < 0:
			t.Error("counts below nothing")
		case err != nil && (!errors.As(err, &e) || e.Kind == control.Failed):
			t.Errorf("%q: %v", text, err)
		}
	})
}

// endless is a reader of one text, and then of the same letter for ever.
type endless struct{ text string }

func (r *endless) Read(p []byte) (int, error) {
	n := copy(p, r.text)
	r.text = r.text[n:]
	for i := n; i < len(p); i++ {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestImportOfWhatDoesNotFit shows that nothing that is sent is held in memory whole or told
// whole, however it is written.
func TestImportOfWhatDoesNotFit(t *testing.T) {
	h := newHouse(t)
	for format, begin := range map[string]string{
		"ndjson":  `[{"name":"good","key":"sk-good-0123456789"},{"name":"`,
		"litellm": `[{"token":"` + strings.Repeat("0", 64) + `"},{"token":"`,
		"csv":     "name,key\ngood,sk-good-0123456789\n\"",
		"auto":    `{"name":"`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body := io.LimitReader(&endless{text: begin}, 16<<20)
		out, err := h.ImportKeys(t.Context(), root, admin.ImportInput{Format: format, DryRun: true}, body, nil)
		runtime.ReadMemStats(&after)
		if err != nil || out.Refused != 1 || !strings.Contains(out.Lines[len(out.Lines)-1].Message, "longer than 1048576 bytes") {
			t.Errorf("%s: %+v, %v", format, out, err)
		}
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 48 { // 16 of them on the way into a file
			t.Errorf("%s: %d MiB were allocated", format, n)
		}
	}

	var many strings.Builder
	for range 3000 {
		many.WriteString("{}\n")
	}
	_, err := h.ImportKeys(t.Context(), root, admin.ImportInput{Format: "ndjson"}, strings.NewReader(many.String()), nil)
	e := refused(t, err, control.Invalid, "import_refused", "3000 lines")
	if len(e.Fields) != 1000 {
		t.Errorf("%d lines are told about", len(e.Fields))
	}

	long := `{"name":"` + strings.Repeat("ä", 100_000) + `"`
	for i := range 5000 {
		long += fmt.Sprintf(`,"f%d":1`, i)
	}
	out, err := h.ImportKeys(t.Context(), root, admin.ImportInput{Format: "ndjson", DryRun: true}, strings.NewReader(long+"}"), nil)
	if err != nil || len(out.Lines) != 1 || len(out.Lines[0].Name) > 600 || len(out.Lines[0].Message) > 2000 || !strings.Contains(out.Lines[0].Message, "and 4990 more") {
		t.Errorf("%+v, %v", out, err)
	}
}
