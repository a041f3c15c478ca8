package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/control"
)

// TestRefusalsDoNotFillTheTrail shows that a token cannot fill the audit trail with what it is
// refused, and that none of it is lost from the count.
func TestRefusalsDoNotFillTheTrail(t *testing.T) {
	h := newHouse(t)
	wrong := func(who string) uint64 {
		call := control.Call{Actor: actor.Actor{Kind: actor.Token, ID: who, Name: who, Role: actor.Admin}}
		_, err := h.CreateKey(t.Context(), call, admin.KeyInput{})
		return refused(t, err, control.Invalid, "invalid", "name: is missing").EventID
	}
	for i := range 60 {
		if wrong("adm_a") == 0 {
			t.Fatalf("refusal %d is not on record", i)
		}
	}
	for range 25 {
		if wrong("adm_a") != 0 {
			t.Fatal("one more is on record")
		}
	}
	if wrong("adm_b") == 0 {
		t.Error("another token's refusal is not on record")
	}
	h.pass(10 * time.Second)
	if wrong("adm_a") == 0 || wrong("adm_a") != 0 {
		t.Error("one in ten seconds goes on record")
	}
	last := h.last()
	if last.Outcome != audit.Refused || last.Actor.ID != "adm_a" || !strings.HasSuffix(last.Reason, "(25 refusals of this token before it are not on record)") {
		t.Errorf("%+v", last)
	}
	h.pass(20 * time.Minute)
	if wrong("adm_a"); !strings.Contains(h.last().Reason, "(1 refusals") {
		t.Errorf("%+v", h.last())
	}
	if wrong("adm_a"); strings.Contains(h.last().Reason, "not on record") {
		t.Errorf("%+v", h.last())
	}
	if n := len(h.events()); n != 60+1+1+2 {
		t.Errorf("%d events", n)
	}
}

// TestCreationsTellWhatTheySet shows that the event of a new key is not filled with what was
// not set, and that what means something is not left out.
func TestCreationsTellWhatTheySet(t *testing.T) {
	h := newHouse(t)
	zero := int64(0)
	h.create(admin.KeyInput{Name: "a", TokenLimit: &zero, Models: &admin.Models{Allow: []string{}}, Networks: []string{}})
	told := map[string]string{}
	for _, f := range h.last().Diff {
		told[f.Path] = f.After
	}
	for _, path := range []string{"clamp", "discreet", "legacy", "max_tokens", "labels", "expires_at", "reason"} {
		if value, ok := told[path]; ok {
			t.Errorf("%s → %s is told", path, value)
		}
	}
	text := fmt.Sprint(told)
	for _, want := range []string{`name:"a"`, `models.allow:[]`, `networks:[]`, `.amount:0`, `status:"active"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in %s", want, text)
		}
	}
	h.edit("a", `{"clamp":true}`)
	if h.edit("a", `{"clamp":false}`); h.last().Diff[0] != (audit.Field{Path: "clamp", Before: "true", After: "false"}) {
		t.Errorf("%+v", h.last().Diff)
	}
}

// TestALimitIsMadeOnce repeats a request whose answer was lost.
func TestALimitIsMadeOnce(t *testing.T) {
	h := newHouse(t)
	call := root
	call.IdempotencyKey = "once"
	in := admin.Limit{Name: "all", Kind: "cost", Amount: admin.Dollars("5.00"), Per: "pool", Match: map[string]string{}}
	first := must[*admin.SharedLimitChanged](t)(h.CreateLimit(t.Context(), call, in))
	again := must[*admin.SharedLimitChanged](t)(h.CreateLimit(t.Context(), call, in))
	if first.Limit.ID != again.Limit.ID || first.EventID != again.EventID || len(h.events()) != 1 {
		t.Errorf("%+v, then %+v", first, again)
	}
	in.Amount = admin.Dollars("6.00")
	_, err := h.CreateLimit(t.Context(), call, in)
	refused(t, err, control.Conflict, "idempotency_key_reused", "another request")
	if last := h.last(); last.Target.Kind != "limit" {
		t.Errorf("%+v", last)
	}
}
