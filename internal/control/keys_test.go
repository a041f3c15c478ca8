package control_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/control"
	"tollgate/internal/money"
	"tollgate/internal/vkey"
)

func amounts(n int64) *int64 { return &n }

func TestCreateKey(t *testing.T) {
	h := newHouse(t)
	expires := noon.Add(24 * time.Hour)
	out := h.create(admin.KeyInput{
		Name: "checkout", Labels: map[string]string{"team": "payments"}, Models: &admin.Models{Allow: []string{"gpt-5*"}, Deny: []string{"gpt-5-pro"}},
		Operations: []string{"chat"}, Networks: []string{"10.0.0.0/8", "192.0.2.7", "2001:db8::1"}, ExpiresAt: &expires, MaxTokens: 500, Clamp: true, Discreet: true,
		Limits:    []admin.Limit{{Kind: "concurrency", Amount: admin.Count(8)}},
		CostLimit: "200.00", TokenLimit: amounts(5000000), RequestsLimit: amounts(60), ResetPeriod: "monthly", Timezone: "Europe/Berlin",
	})
	if _, ok := vkey.Parse(out.Secret); !ok || "key_"+out.Secret[6:18] != out.Key.ID {
		t.Errorf("secret %q of %s", out.Secret, out.Key.ID)
	}
	k := h.key("checkout")
	if k.Status != "active" || k.Legacy || k.CreatedBy != "root" || len(k.Secrets) != 1 || k.Secrets[0].Last4 != out.Secret[len(out.Secret)-4:] {
		t.Errorf("key %+v", k)
	}
	if got := fmt.Sprint(k.Networks); got != "[10.0.0.0/8 192.0.2.7/32 2001:db8::1/128]" {
		t.Errorf("networks %s", got)
	}
	raw, _ := json.Marshal(k.Limits[1])
	want := fmt.Sprintf(`{"id":%q,"kind":"cost","amount":"200.00","window":{"calendar":"month","timezone":"Europe/Berlin"},`+
		`"spent":"0.00","reserved":"0.00","remaining":"200.00","starts_at":"2026-10-01T00:00:00+02:00","resets_at":"2026-11-01T00:00:00+01:00"}`, k.Limits[1].ID)
	if len(k.Limits) != 4 || string(raw) != want {
		t.Errorf("limit %s\nwant  %s", raw, want)
	}
	if l := k.Limits[3]; l.Kind != "requests" || l.Window.Sliding != "60s" || l.Amount.Text != "60" || l.ResetsAt != nil {
		t.Errorf("requests per minute became %+v", l)
	}
	live := h.live.get(k.ID)
	if live == nil || live.Secrets[0].Digest != h.pepper.Digest(out.Secret) || !live.Secrets[0].Peppered {
		t.Error("the key is not in force")
	}
	e := h.last()
	if e.Seq != out.EventID || e.Action != "key.create" || e.Target != (audit.Target{Kind: "key", ID: k.ID, Name: "checkout"}) || e.Actor.Name != "root" {
		t.Errorf("event %+v", e)
	}
	if text, _ := json.Marshal(e); strings.Contains(string(text), out.Secret) {
		t.Error("the secret is on record")
	}
}

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	h := newHouse(t)
	past := noon.Add(-time.Hour)
	_, err := h.CreateKey(t.Context(), root, admin.KeyInput{
		Name: "a\nb", Labels: map[string]string{"bad label": "x", "long": strings.Repeat("x", 257)}, Models: &admin.Models{Allow: []string{"a*b"}},
		Operations: []string{"chatt"}, Networks: []string{"10.0.0.1/8", "nowhere"}, ExpiresAt: &past, MaxTokens: -1,
		Limits: []admin.Limit{
			{Kind: "costs", Amount: admin.Dollars("1")},
			{Kind: "cost", Amount: admin.Amount{Text: "200"}, Window: &admin.Window{Calendar: "monthly"}},
			{Kind: "cost", Amount: admin.Dollars("0.0000000001"), Window: &admin.Window{Calendar: "day", Timezone: "europe/berlin"}},
			{Kind: "tokens", Amount: admin.Dollars("5"), Window: &admin.Window{Calendar: "day", Sliding: "60s"}},
			{Kind: "tokens", Amount: admin.Amount{Text: "1e6"}, Window: &admin.Window{Fixed: "30d"}},
			{Kind: "tokens", Amount: admin.Count(-1), Window: &admin.Window{Calendar: "week", Anchor: "sonday"}},
			{Kind: "concurrency", Amount: admin.Count(1), Window: &admin.Window{Calendar: "day"}},
			{Kind: "requests", Amount: admin.Count(1), Window: &admin.Window{Sliding: "60s", Timezone: "UTC"}, Per: "pool", Name: "x"},
			{ID: "lim_other", Kind: "requests", Amount: admin.Count(1)},
			{Kind: "requests"},
		},
		CostLimit: "ten", ResetPeriod: "mothly",
	})
	e := refused(t, err, control.Invalid, "invalid",
		"name: has a control character", "is no name of a label", "labels.long: has 257 characters", "models.allow[0]: ", `operations[0]: "chatt" is none of`, "(chat)",
		"networks[0]: ", "(10.0.0.0/8)", "networks[1]: ", "expires_at: is in the past", "max_tokens: is negative",
		`limits[0].kind: "costs" is none of`, "(cost)", `limits[1].amount: is money, which is written as text`, `("200.00")`, "limits[1].window.calendar: ", "(month)",
		"limits[2].amount: is no amount of dollars", "more than 9 decimals", "limits[2].window.timezone: ", "(Europe/Berlin)",
		"limits[3].amount: is a number", "limits[3].window: has exactly one of", `limits[4].amount: "1e6"`, "(1000000)", "limits[4].window.fixed: ", "(720h)",
		"limits[5].amount: is out of range", "limits[5].window.anchor: ", "(sunday)", "limits[6].window: has no meaning for concurrency",
		"limits[7].window.timezone: belongs to calendar windows", "limits[7].per: ", "limits[7].name: ", `limits[8].id: "lim_other" is no limit of this key`,
		"limits[9].amount: is missing", "cost_limit: is no amount", `reset_period: "mothly" is none of`, "(monthly)",
	)
	if len(e.Fields) < 27 {
		t.Errorf("%d problems", len(e.Fields))
	}
	last := h.last()
	if last.Outcome != audit.Refused || last.Action != "key.create" || last.Reason == "" {
		t.Errorf("the refusal is not on record: %+v", last)
	}
	if list, _ := h.Keys(t.Context(), root, admin.KeyFilter{}); len(list.Keys) != 0 {
		t.Error("something was stored")
	}
}

func TestAmountZeroIsALimit(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "none", CostLimit: "0", TokenLimit: amounts(0)}).Key
	if len(k.Limits) != 2 || h.spend(k.ID, 1, 0) == nil || h.spend(k.ID, 0, 1) == nil {
		t.Errorf("limits of nothing: %+v", k.Limits)
	}
}

func TestTooManyLimits(t *testing.T) {
	h := newHouse(t)
	limits := make([]admin.Limit, 33)
	for i := range limits {
		limits[i] = admin.Limit{Kind: "requests", Amount: admin.Count(1)}
	}
	_, err := h.CreateKey(t.Context(), root, admin.KeyInput{Name: "many", Limits: limits})
	refused(t, err, control.Invalid, "invalid", "limits: has 33 limits; a key may have 32")
	if k := h.create(admin.KeyInput{Name: "many", Limits: limits[:32]}).Key; len(k.Limits) != 32 {
		t.Error("32 limits are allowed")
	}
}

func TestNamesAreUnique(t *testing.T) {
	h := newHouse(t)
	a := h.create(admin.KeyInput{Name: "a"}).Key
	_, err := h.CreateKey(t.Context(), root, admin.KeyInput{Name: "a"})
	if e := refused(t, err, control.Conflict, "name_taken", a.ID); e.EventID != h.last().Seq {
		t.Errorf("the refusal is event %d, and it says %d", h.last().Seq, e.EventID)
	}
	b := h.create(admin.KeyInput{Name: "b"}).Key
	_, err = h.EditKey(t.Context(), root, b.ID, []byte(`{"name":"a"}`))
	refused(t, err, control.Conflict, "name_taken", a.ID)
	_, err = h.CreateKey(t.Context(), root, admin.KeyInput{Name: a.ID})
	refused(t, err, control.Invalid, "invalid", "looks like an id")
	if _, err := h.RevokeKey(t.Context(), root, a.ID, admin.Revocation{}); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Key(t.Context(), root, "a"); err != nil || got.ID != a.ID {
		t.Errorf("a revoked key is found as %+v, %v", got, err)
	}
	second := h.create(admin.KeyInput{Name: "a"}).Key // the name is free again
	if got, err := h.Key(t.Context(), root, "a"); err != nil || got.ID != second.ID {
		t.Errorf("the name stands for %+v, %v", got, err)
	}
	if out := h.edit(a.ID, `{"labels":{"x":"y"}}`); out.Key.Name != "a" {
		t.Errorf("a revoked key is called %s", out.Key.Name)
	}
	if _, err := h.RevokeKey(t.Context(), root, second.ID, admin.Revocation{}); err != nil {
		t.Fatal(err)
	}
	_, err = h.DeleteKey(t.Context(), root, "a", "")
	refused(t, err, control.Conflict, "name_ambiguous", "by its id")
	h.pass(time.Hour)
	third := h.create(admin.KeyInput{Name: "a"}).Key
	_, err = h.EnableKey(t.Context(), root, a.ID, admin.Reason{})
	refused(t, err, control.Conflict, "key_revoked")
	_, err = h.EditKey(t.Context(), root, b.ID, []byte(`{"name":"a"}`))
	refused(t, err, control.Conflict, "name_taken", third.ID)
	for _, name := range []string{"", " x", strings.Repeat("ä", 129), "\xff"} {
		_, err = h.CreateKey(t.Context(), root, admin.KeyInput{Name: name})
		refused(t, err, control.Invalid, "invalid", "name: ")
	}
	h.create(admin.KeyInput{Name: strings.Repeat("ä", 128)})
}

// TestRememberedAnswersStaySealed opens all that is remembered with what a backup holds, the
// database and the pepper: without the idempotency key that gives no secret away.
func TestRememberedAnswersStaySealed(t *testing.T) {
	h := newHouse(t)
	call := root
	call.IdempotencyKey = "a-key-that-only-the-caller-knows"
	made, err := h.CreateKey(t.Context(), call, admin.KeyInput{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Backup(t.Context(), root, filepath.Join(h.dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "copy.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var name string
	var body []byte
	if err := db.QueryRow("SELECT key, body FROM answers").Scan(&name, &body); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(name, call.IdempotencyKey) || bytes.Contains(body, []byte(made.Secret)) {
		t.Errorf("told by the database: %s", name)
	}
	key, err := h.pepper.Subkey("answers")
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := seal.Open(nil, body[:seal.NonceSize()], body[seal.NonceSize():], []byte(name)); err == nil {
		t.Error("the pepper alone opens what is remembered")
	}
}

func TestIdempotencyKey(t *testing.T) {
	h := newHouse(t)
	call := root
	call.IdempotencyKey = "once"
	var all sync.WaitGroup
	outs := make([]*admin.KeyCreated, 4)
	for i := range outs {
		all.Go(func() { outs[i], _ = h.CreateKey(t.Context(), call, admin.KeyInput{Name: "a"}) })
	}
	all.Wait()
	for _, out := range outs {
		if out == nil || out.Secret == "" || out.Secret != outs[0].Secret || out.EventID != 1 || out.Key.ID != outs[0].Key.ID {
			t.Fatalf("answers differ: %+v", out)
		}
	}
	_, err := h.CreateKey(t.Context(), call, admin.KeyInput{Name: "b"})
	refused(t, err, control.Conflict, "idempotency_key_reused")
	_, err = h.RotateKey(t.Context(), call, "a", admin.Rotation{})
	refused(t, err, control.Conflict, "idempotency_key_reused")
	other := call
	other.Actor.ID = "adm_other"
	_, err = h.CreateKey(t.Context(), other, admin.KeyInput{Name: "a"})
	refused(t, err, control.Conflict, "name_taken")

	call.IdempotencyKey = "turn"
	first, err := h.RotateKey(t.Context(), call, "a", admin.Rotation{})
	if err != nil {
		t.Fatal(err)
	}
	h.restart()
	again, err := h.RotateKey(t.Context(), call, "a", admin.Rotation{})
	if err != nil || again.Secret != first.Secret || again.EventID != first.EventID || len(h.key("a").Secrets) != 2 {
		t.Errorf("rotated twice: %+v, %v", again, err)
	}
	h.pass(25 * time.Hour)
	if late, err := h.RotateKey(t.Context(), call, "a", admin.Rotation{}); err != nil || late.Secret == first.Secret {
		t.Errorf("a day later it is the same answer: %v", err)
	}
}

func TestEditKey(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a", Labels: map[string]string{"team": "x", "env": "prod"}, CostLimit: "10", ResetPeriod: "daily", Models: &admin.Models{Allow: []string{"m"}}}).Key
	limit := k.Limits[0].ID
	h.spend(k.ID, 3*money.USD, 100)
	h.pass(time.Second)

	out := h.edit(k.ID, fmt.Sprintf(`{"name":"b","labels":{"team":null,"user":"u"},"models":null,"max_tokens":7,"limits":[{"id":%q,"kind":"cost","amount":"20.00","window":{"calendar":"day"}},{"kind":"requests","amount":5}]}`, limit))
	if out.Key.Name != "b" || fmt.Sprint(out.Key.Labels) != "map[env:prod user:u]" || out.Key.Models != nil || out.Key.MaxTokens != 7 || !out.Key.UpdatedAt.After(k.UpdatedAt) || out.Key.ETag == k.ETag {
		t.Errorf("edited to %+v", out.Key)
	}
	if l := out.Key.Limits[0]; l.ID != limit || l.Spent.Text != "3.00" || l.Remaining.Text != "17.00" || out.Key.Limits[1].ID == "" {
		t.Errorf("limits %+v", out.Key.Limits)
	}
	paths := map[string]string{}
	for _, f := range h.last().Diff {
		paths[f.Path] = f.Before + ">" + f.After
	}
	if paths["limits."+limit+".amount"] != `"10.00">"20.00"` || paths["name"] != `"a">"b"` || paths["labels.team"] != `"x">` || paths["models.allow"] != `["m"]>` {
		t.Errorf("diff %v", paths)
	}
	// A changed window counts what was used in it, nothing is forgotten.
	h.pass(24 * time.Hour)
	if l := h.key(k.ID).Limits[0]; l.Spent.Text != "0.00" {
		t.Fatalf("a new day begins with %s", l.Spent.Text)
	}
	out = h.edit(k.ID, fmt.Sprintf(`{"limits":[{"id":%q,"kind":"cost","amount":"20.00","window":{"calendar":"month"}}]}`, limit))
	if l := out.Key.Limits[0]; l.Spent.Text != "3.00" || len(out.Key.Limits) != 1 {
		t.Errorf("in the month it has spent %s", l.Spent.Text)
	}
	// What was shown may be sent back.
	raw, _ := json.Marshal(out.Key.Limits)
	if out = h.edit(k.ID, `{"limits":`+string(raw)+`}`); out.Key.Limits[0].Spent.Text != "3.00" || len(h.last().Diff) != 0 {
		t.Errorf("sent back it is another one: %+v", h.last().Diff)
	}
	if out = h.edit(k.ID, `{"limits":null}`); len(out.Key.Limits) != 0 || len(h.live.get(k.ID).Limits) != 0 {
		t.Error("null does not clear the limits")
	}
}

func TestPatchesAreStrict(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a", CostLimit: "1", ResetPeriod: "daily"}).Key
	other := h.create(admin.KeyInput{Name: "b", CostLimit: "1"}).Key
	for patch, says := range map[string][]string{
		`{"nmae":"x","modles":null}`:                {"nmae: is no field", "(name)", "modles: ", "(models)"},
		`{"status":"disabled"}`:                     {"status: cannot be edited: use disable"},
		`{"secrets":[]}`:                            {"use rotate"},
		`{"cost_limit":"5"}`:                        {"edit limits"},
		`{"limits":[{"kind":"cost","amuont":"1"}]}`: {"limits[0].amuont: ", "(amount)"},
		`{"limits":[{"kind":"cost","amount":"1","window":{"calender":"day"}}]}`:       {"limits[0].window.calender: ", "(calendar)"},
		`{"limits":[{"kind":"cost","amount":1}]}`:                                     {"limits[0].amount: is money", `("1.00")`},
		`{"limits":[{"id":"` + other.Limits[0].ID + `","kind":"cost","amount":"1"}]}`: {"limits[0].id: "},
		`{"limits":[{"id":"` + k.Limits[0].ID + `","kind":"tokens","amount":1}]}`:     {"limits[0].kind: cannot change from cost"},
		`{"labels":{"a":1}}`:                    {"labels.a: is text", `("1")`},
		`{"max_tokens":"7"}`:                    {"max_tokens: is a whole number"},
		`{"max_tokens":1.5}`:                    {"max_tokens: "},
		`{"expires_at":"2026-12-31"}`:           {"expires_at: ", "(2026-12-31T00:00:00Z)"},
		`{"expires_at":"2020-01-01T00:00:00Z"}`: {"expires_at: is in the past"},
		`{"name":null}`:                         {"name: is missing"},
		`{"networks":"10.0.0.0/8"}`:             {"networks: is a list"},
		`{"clamp":"yes"}`:                       {"clamp: is true or false"},
		`[]`:                                    {"the patch is an object"},
		`{"name":`:                              {"ends too early"},
		`{} {}`:                                 {"something behind its end"},
		``:                                      {"ends too early"},
	} {
		_, err := h.EditKey(t.Context(), root, k.ID, json.RawMessage(patch))
		t.Run(patch, func(t *testing.T) { refused(t, err, control.Invalid, "invalid", says...) })
	}
	if got := h.key("a"); got.ETag != k.ETag {
		t.Error("something was changed")
	}
	_, err := h.EditKey(t.Context(), root, "nobody", []byte(`{}`))
	refused(t, err, control.NotFound, "key_not_found")
}

func TestFixedWindowsKeepTheirOrigin(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a", Limits: []admin.Limit{{Kind: "cost", Amount: admin.Dollars("1"), Window: &admin.Window{Fixed: "5h"}}}}).Key
	if w := k.Limits[0].Window; !w.Origin.Equal(noon) || w.Fixed != "5h" {
		t.Fatalf("window %+v", w)
	}
	h.pass(time.Hour)
	out := h.edit(k.ID, fmt.Sprintf(`{"limits":[{"id":%q,"kind":"cost","amount":"2","window":{"fixed":"5h"}}]}`, k.Limits[0].ID))
	if w := out.Key.Limits[0].Window; !w.Origin.Equal(noon) {
		t.Errorf("the origin moved to %v", w.Origin)
	}
}

func TestIfMatch(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a"}).Key
	call := root
	for _, tag := range []string{k.ETag, strings.Trim(k.ETag, `"`), "*", "W/" + k.ETag, `"999", *`} {
		call.IfMatch = tag
		out, err := h.DisableKey(t.Context(), call, k.ID, admin.Reason{})
		if err != nil {
			t.Fatalf("If-Match %s: %v", tag, err)
		}
		if k, _ = out.Key, out; !strings.Contains(tag, "*") {
			call.IfMatch = tag
			_, err := h.EnableKey(t.Context(), call, k.ID, admin.Reason{})
			refused(t, err, control.Stale, "stale", "read it again")
		}
		k = h.create(admin.KeyInput{Name: "n" + tag}).Key
	}
	call.IfMatch = `"77"`
	_, err := h.DeleteKey(t.Context(), call, k.ID, "")
	refused(t, err, control.Stale, "stale")
}

func TestLifeCycle(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a"}).Key
	out, err := h.DisableKey(t.Context(), root, "a", admin.Reason{Reason: "holiday"})
	if err != nil || out.Key.Status != "disabled" || out.Key.Reason != "holiday" || h.live.get(k.ID).Status != vkey.StatusDisabled || h.last().Reason != "holiday" {
		t.Fatalf("%+v, %v", out, err)
	}
	if out, err = h.EnableKey(t.Context(), root, k.ID, admin.Reason{}); err != nil || out.Key.Status != "active" || out.Key.Reason != "" {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = h.RevokeKey(t.Context(), root, k.ID, admin.Revocation{Mode: "kill"})
	refused(t, err, control.Invalid, "invalid", "mode: ")
	if out, err = h.RevokeKey(t.Context(), root, k.ID, admin.Revocation{Reason: "leaked"}); err != nil || out.Key.Status != "revoked" || len(h.live.cut) != 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = h.EnableKey(t.Context(), root, k.ID, admin.Reason{})
	refused(t, err, control.Conflict, "key_revoked")
	_, err = h.DisableKey(t.Context(), root, k.ID, admin.Reason{})
	refused(t, err, control.Conflict, "key_revoked")
	_, err = h.RotateKey(t.Context(), root, k.ID, admin.Rotation{})
	refused(t, err, control.Conflict, "key_revoked")
	if out, err = h.RevokeKey(t.Context(), root, k.ID, admin.Revocation{Mode: "cut"}); err != nil || out.Key.Reason != "leaked" || len(h.live.cut) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = h.DeleteKey(t.Context(), root, k.ID, strings.Repeat("x", 501))
	refused(t, err, control.Invalid, "invalid", "reason: ")
	gone, err := h.DeleteKey(t.Context(), root, "a", "over")
	if err != nil || gone.ID != k.ID || h.live.get(k.ID) != nil || gone.EventID != h.last().Seq || h.last().Reason != "over" {
		t.Fatalf("%+v, %v", gone, err)
	}
	_, err = h.Key(t.Context(), root, k.ID)
	refused(t, err, control.NotFound, "key_not_found")
	h.create(admin.KeyInput{Name: "a"}) // the name is free again
}

func TestExpiryFollowsTheClock(t *testing.T) {
	h := newHouse(t)
	end := noon.Add(time.Hour)
	k := h.create(admin.KeyInput{Name: "a", ExpiresAt: &end}).Key
	h.pass(time.Hour)
	if got := h.key("a"); got.Status != "expired" {
		t.Errorf("status %s", got.Status)
	}
	// It can be edited, and given more time.
	if out := h.edit(k.ID, `{"max_tokens":1}`); out.Key.Status != "expired" {
		t.Errorf("status %s", out.Key.Status)
	}
	if out := h.edit(k.ID, `{"expires_at":null}`); out.Key.Status != "active" || out.Key.ExpiresAt != nil {
		t.Errorf("%+v", out.Key)
	}
}

func TestRotate(t *testing.T) {
	h := newHouse(t)
	first := h.create(admin.KeyInput{Name: "a", CostLimit: "1"})
	limit := first.Key.Limits[0].ID
	second, err := h.RotateKey(t.Context(), root, "a", admin.Rotation{})
	if err != nil || second.Key.ID != first.Key.ID || second.Secret == first.Secret || second.Key.Limits[0].ID != limit {
		t.Fatalf("%+v, %v", second, err)
	}
	if id, ok := vkey.Parse(second.Secret); !ok || "key_"+id != first.Key.ID {
		t.Errorf("the new secret is of %s", id)
	}
	s := second.Key.Secrets
	if len(s) != 2 || s[0].NotAfter != nil || !s[1].NotAfter.Equal(noon.Add(24*time.Hour)) {
		t.Fatalf("secrets %+v", s)
	}
	// The oldest ends when a third one comes, so somebody has to want that.
	_, err = h.RotateKey(t.Context(), root, "a", admin.Rotation{Grace: "1h"})
	refused(t, err, control.Conflict, "secret_in_grace", "…"+s[1].Last4+" is in its grace until 2026-10-15T12:00:00Z")
	third, err := h.RotateKey(t.Context(), root, "a", admin.Rotation{Grace: "1h", EndPrevious: true})
	if err != nil || len(third.Ended) != 1 || third.Ended[0].ID != s[1].ID {
		t.Fatalf("%+v, %v", third.Ended, err)
	}
	if e := h.events()[len(h.events())-1]; !slices.ContainsFunc(e.Diff, func(f audit.Field) bool { return strings.Contains(f.Path, s[1].ID) && f.After == "" }) {
		t.Errorf("that it ended is not on record: %+v", e.Diff)
	}
	live := h.live.get(first.Key.ID).Secrets
	if len(live) != 2 || live[0].Digest != h.pepper.Digest(third.Secret) || live[1].Digest != h.pepper.Digest(second.Secret) || !live[1].NotAfter.Equal(noon.Add(time.Hour)) {
		t.Errorf("live %+v", live)
	}
	if last, err := h.RotateKey(t.Context(), root, "a", admin.Rotation{Grace: "0s"}); err != nil || len(last.Key.Secrets) != 1 || len(last.Ended) != 2 {
		t.Errorf("%+v, %v", last, err)
	}
	for _, grace := range []string{"169h", "-1h", "7d", "soon"} {
		_, err := h.RotateKey(t.Context(), root, "a", admin.Rotation{Grace: grace})
		refused(t, err, control.Invalid, "invalid", "grace: ")
	}
	for _, e := range h.events() {
		if text, _ := json.Marshal(e); strings.Contains(string(text), third.Secret[19:40]) {
			t.Error("a secret is on record")
		}
	}
}

func TestDeclaredKeysAreReadOnly(t *testing.T) {
	h := newHouse(t)
	k := declaredKey("file-key")
	if err := h.Declare(t.Context(), root, []*vkey.Key{k}); err != nil {
		t.Fatal(err)
	}
	_, err := h.EditKey(t.Context(), root, k.ID, []byte(`{}`))
	refused(t, err, control.Conflict, "key_declared", "gateway.yaml")
	_, err = h.DeleteKey(t.Context(), root, k.ID, "")
	refused(t, err, control.Conflict, "key_declared")
	_, err = h.RotateKey(t.Context(), root, k.ID, admin.Rotation{})
	refused(t, err, control.Conflict, "key_declared")
	if got := h.key("file-key"); got.Origin != "file" {
		t.Errorf("origin %s", got.Origin)
	}
}

func TestBooksThatFailAreMadeUpFor(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a", CostLimit: "10", ResetPeriod: "daily"}).Key
	h.spend(k.ID, 3*money.USD, 0)
	h.pass(24 * time.Hour)
	h.faulty.set(errors.New("no disk"))
	_, err := h.EditKey(t.Context(), root, k.ID, fmt.Appendf(nil, `{"limits":[{"id":%q,"kind":"cost","amount":"10","window":{"calendar":"month"}}]}`, k.Limits[0].ID))
	refused(t, err, control.Unavailable, "not_counted_yet", "stored and in force")
	if w := h.key("a").Limits[0].Window.Calendar; w != "month" || h.live.get(k.ID).Limits[0].Window.String() != "month UTC" {
		t.Errorf("the change is not in force: %s", w)
	}
	h.restart()
	if l := h.key("a").Limits[0]; l.Spent.Text != "3.00" {
		t.Errorf("after the restart %s is spent", l.Spent.Text)
	}
	told := len(h.faulty.told)
	h.restart()
	if told != 1 || len(h.faulty.told) != 0 {
		t.Errorf("the books were told %d and %d times", told, len(h.faulty.told))
	}
}

func TestListKeys(t *testing.T) {
	h := newHouse(t)
	end := noon.Add(time.Hour)
	h.create(admin.KeyInput{Name: "a", Labels: map[string]string{"team": "x"}, ExpiresAt: &end, CostLimit: "1"})
	b := h.create(admin.KeyInput{Name: "b", Disabled: true})
	names := func(f admin.KeyFilter) string {
		t.Helper()
		list, err := h.Keys(t.Context(), root, f)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, k := range list.Keys {
			all = append(all, k.Name)
		}
		return strings.Join(all, ",")
	}
	for want, f := range map[string]admin.KeyFilter{
		"a,b": {}, "b,a": {Sort: "-name"}, "a": {ExpiringWithin: "2h"}, "b": {Uncapped: true}, "": {Status: "revoked"},
	} {
		if got := names(f); got != want {
			t.Errorf("%+v: %s, want %s", f, got, want)
		}
	}
	if got := names(admin.KeyFilter{Labels: map[string]string{"team": "x"}}); got != "a" {
		t.Errorf("by label: %s", got)
	}
	h.pass(time.Hour)
	if got := names(admin.KeyFilter{IdleFor: "30m"}); got != "a,b" {
		t.Errorf("idle: %s", got)
	}
	h.live.used = map[string]map[string]time.Time{b.Key.ID: {b.Key.Secrets[0].ID: h.clock()}}
	if got := names(admin.KeyFilter{IdleFor: "30m"}); got != "a" {
		t.Errorf("idle but for what was just used: %s", got)
	}
	if k := h.key("b"); k.LastUsedAt == nil || !k.LastUsedAt.Equal(h.clock()) {
		t.Errorf("last used %v", k.LastUsedAt)
	}
	_, err := h.Keys(t.Context(), root, admin.KeyFilter{Status: "activ", Sort: "nane", Limit: 201, IdleFor: "3 months", Origin: "x"})
	refused(t, err, control.Invalid, "invalid", "(active)", "(name)", "limit: ", "idle_for: ", "origin: ")
	h.pass(48 * time.Hour)
	if got := names(admin.KeyFilter{IdleFor: "3d"}); got != "" {
		t.Errorf("idle for three days: %s", got)
	}
	if got := names(admin.KeyFilter{IdleFor: "2d"}); got != "a,b" {
		t.Errorf("idle for two days: %s", got)
	}
}

// TestTextThatCannotBeFound shows that the text index is never asked for what it cannot read.
func TestTextThatCannotBeFound(t *testing.T) {
	h := newHouse(t)
	h.create(admin.KeyInput{Name: `pay"ments' OR 1 -- *`})
	_, err := h.Keys(t.Context(), root, admin.KeyFilter{Text: "pay\x00ments"})
	refused(t, err, control.Invalid, "invalid", "q: has a control character")
	for text, found := range map[string]int{`y"ments' OR 1 -- *`: 1, `"ments" OR 1`: 0, `ments*`: 0, "\xff\xfe\xfd": 0, `AND NOT "`: 0, `%%%`: 0, strings.Repeat("(", 200): 0} {
		list, err := h.Keys(t.Context(), root, admin.KeyFilter{Text: text})
		if err != nil || len(list.Keys) != found {
			t.Errorf("%q: %+v, %v", text, list, err)
		}
	}
}

// TestSecretsInPlaceOfIDs shows that a secret which is given for an id or a name is in no
// answer and not in the trail, which is kept for ever.
func TestSecretsInPlaceOfIDs(t *testing.T) {
	h := newHouse(t)
	secret := h.create(admin.KeyInput{Name: "a"}).Secret
	told := []any{}
	_, err := h.RevokeKey(t.Context(), root, secret, admin.Revocation{})
	told = append(told, refused(t, err, control.NotFound, "key_not_found", `"sk-tg-…"`))
	_, err = h.Key(t.Context(), root, secret)
	told = append(told, refused(t, err, control.NotFound, "key_not_found"))
	_, err = h.CreateKey(t.Context(), root, admin.KeyInput{Name: secret})
	told = append(told, refused(t, err, control.Invalid, "invalid", "name: begins like a secret"))
	_, err = h.DeleteToken(t.Context(), root, "tga-0123456789abcdefghij")
	told = append(told, refused(t, err, control.NotFound, "admin_token_not_found", `"tga-…"`))
	for _, e := range h.events() {
		told = append(told, e)
	}
	for _, what := range told {
		if raw, _ := json.Marshal(what); strings.Contains(string(raw), secret[:30]) || strings.Contains(string(raw), "tga-0") {
			t.Errorf("a secret is told: %s", raw)
		}
	}
}

func TestConcurrentEditsLeaveTheLastInForce(t *testing.T) {
	h := newHouse(t)
	k := h.create(admin.KeyInput{Name: "a", CostLimit: "1", ResetPeriod: "daily"}).Key
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			period := []string{"day", "week", "month", "year"}[i%4]
			_, err := h.EditKey(context.Background(), root, k.ID, fmt.Appendf(nil, `{"max_tokens":%d,"limits":[{"id":%q,"kind":"cost","amount":"1","window":{"calendar":%q}}]}`, i, k.Limits[0].ID, period))
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	stored, live := h.key("a"), h.live.get(k.ID)
	if live.MaxTokens != stored.MaxTokens || live.Limits[0].Window.String() != stored.Limits[0].Window.Calendar+" UTC" {
		t.Errorf("stored %+v, in force %+v", stored, live)
	}
}
