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
	"tollgate/internal/secret"
	"tollgate/internal/vkey"
)

func (e *estate) token(name, role string, expires *time.Time) *admin.AdminTokenCreated {
	e.t.Helper()
	return must[*admin.AdminTokenCreated](e.t)(e.MakeToken(e.t.Context(), root, admin.AdminTokenInput{Name: name, Role: role, ExpiresAt: expires}))
}

func TestAnAdminTokenTellsWhoCalls(t *testing.T) {
	e := newEstate(t, nil)
	out := e.token("ci", "auditor", nil)
	if id, ok := vkey.ParseToken(out.Secret); !ok || "adm_"+id != out.Token.ID || out.Token.Last4 != out.Secret[len(out.Secret)-4:] {
		t.Errorf("made %+v", out)
	}
	who, ok := e.Authenticate(t.Context(), out.Secret)
	if want := (actor.Actor{Kind: actor.Token, ID: out.Token.ID, Name: "ci", Role: actor.Auditor}); !ok || who != want {
		t.Errorf("it stands for %+v, %v", who, ok)
	}
	if got := e.Who(control.Call{Actor: who}); got.ID != out.Token.ID || got.Name != "ci" || got.Role != "auditor" {
		t.Errorf("who: %+v", got)
	}
	last := e.recorded("admin_token.create", audit.Done)
	if last.Seq != out.EventID || last.Target != (audit.Target{Kind: "admin_token", ID: out.Token.ID, Name: "ci"}) {
		t.Errorf("event %+v", last)
	}
	if text := fmt.Sprintf("%+v", last); strings.Contains(text, out.Secret) {
		t.Error("the token is on record")
	}
	for name, presented := range map[string]string{
		"nothing": "", "another": out.Secret[:len(out.Secret)-1] + "x", "the id": out.Token.ID, "a virtual key": e.create(admin.KeyInput{Name: "k"}).Secret,
	} {
		if who, ok := e.Authenticate(t.Context(), presented); ok || who != (actor.Actor{}) {
			t.Errorf("%s lets in %+v", name, who)
		}
	}
}

func TestTokensExpireAndAreDeletedAtOnce(t *testing.T) {
	e := newEstate(t, nil)
	soon := noon.Add(time.Hour)
	short, long := e.token("short", "admin", &soon), e.token("long", "admin", nil)
	in := func(s string) bool { _, ok := e.Authenticate(t.Context(), s); return ok }
	if !in(short.Secret) || !in(long.Secret) {
		t.Fatal("the tokens do not work")
	}
	e.pass(time.Hour)
	if in(short.Secret) || !in(long.Secret) {
		t.Error("the token did not expire, or both did")
	}
	out := must[*admin.Deleted](t)(e.DeleteToken(t.Context(), root, long.Token.ID))
	if in(long.Secret) {
		t.Error("a deleted token works")
	}
	if last := e.recorded("admin_token.delete", audit.Done); last.Seq != out.EventID || last.Target.Name != "long" {
		t.Errorf("event %+v", last)
	}
	_, err := e.DeleteToken(t.Context(), root, long.Token.ID)
	refused(t, err, control.NotFound, "admin_token_not_found", long.Token.ID)
	e.recorded("admin_token.delete", audit.Refused)
}

func TestOnlyOwnersManageTokens(t *testing.T) {
	e := newEstate(t, nil)
	made := e.token("x", "viewer", nil)
	_, err := e.MakeToken(t.Context(), admins, admin.AdminTokenInput{Name: "mine", Role: "owner"})
	refused(t, err, control.Forbidden, "owner_needed", "admin")
	if last := e.recorded("admin_token.create", audit.Refused, "owners only"); last.Target.Name != "mine" || last.Actor.Name != "alice" {
		t.Errorf("event %+v", last)
	}
	_, err = e.DeleteToken(t.Context(), admins, made.Token.ID)
	refused(t, err, control.Forbidden, "owner_needed")
	if _, ok := e.Authenticate(t.Context(), made.Secret); !ok {
		t.Error("an admin deleted a token")
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	e := newEstate(t, nil)
	if _, err := e.LocalToken(t.Context()); err != nil {
		t.Fatal(err)
	}
	soon := noon.Add(time.Hour)
	first, second := e.token("first", "owner", nil), e.token("second", "owner", &soon)
	e.token("other", "admin", nil)
	e.pass(time.Hour) // the second one is good no longer
	_, err := e.DeleteToken(t.Context(), root, first.Token.ID)
	refused(t, err, control.Conflict, "last_owner", "make another one first")
	must[*admin.Deleted](t)(e.DeleteToken(t.Context(), root, second.Token.ID))
	third := e.token("third", "owner", nil)
	must[*admin.Deleted](t)(e.DeleteToken(t.Context(), root, first.Token.ID))
	_, err = e.DeleteToken(t.Context(), root, third.Token.ID)
	refused(t, err, control.Conflict, "last_owner")
}

func TestTokensAreChecked(t *testing.T) {
	e := newEstate(t, nil)
	taken := e.token("taken", "admin", nil)
	_, err := e.MakeToken(t.Context(), root, admin.AdminTokenInput{Name: "taken", Role: "admin"})
	refused(t, err, control.Conflict, "name_taken", "taken by "+taken.Token.ID)
	past := noon
	for says, in := range map[string]admin.AdminTokenInput{
		"role: \"onwer\" is none of viewer, auditor, admin, owner (owner)": {Name: "a", Role: "onwer"},
		"role: \"none\"":             {Name: "a", Role: "none"},
		"name: is missing":           {Role: "admin"},
		"makes itself":               {Name: "environment", Role: "admin"},
		"\"local\" is the name":      {Name: "local", Role: "admin"},
		"expires_at: is in the past": {Name: "a", Role: "admin", ExpiresAt: &past},
		"name: begins or ends with":  {Name: "a ", Role: "admin"},
	} {
		_, err := e.MakeToken(t.Context(), root, in)
		refused(t, err, control.Invalid, "invalid", says)
	}
}

func TestARepeatedTokenIsTheSame(t *testing.T) {
	e := newEstate(t, nil)
	call := root
	call.IdempotencyKey = "once"
	in := admin.AdminTokenInput{Name: "ci", Role: "admin"}
	first := must[*admin.AdminTokenCreated](t)(e.MakeToken(t.Context(), call, in))
	again := must[*admin.AdminTokenCreated](t)(e.MakeToken(t.Context(), call, in))
	if first.Secret == "" || again.Secret != first.Secret || again.EventID != first.EventID {
		t.Errorf("first %+v, then %+v", first, again)
	}
}

func TestTheEnvironmentHasAnOwnersToken(t *testing.T) {
	e := newEstate(t, func(p *control.Parts) { p.OwnerToken = secret.New("from the environment") })
	who, ok := e.Authenticate(t.Context(), "from the environment")
	if !ok || who.Role != actor.Owner || who.Name != "environment" {
		t.Errorf("%+v, %v", who, ok)
	}
	if _, ok := e.Authenticate(t.Context(), "from the environments"); ok {
		t.Error("another value works too")
	}
	if value, made, err := e.FirstToken(t.Context()); made || err != nil || !value.Empty() {
		t.Errorf("a first token was made although there is one: %v, %v", made, err)
	}
	e.down.Store(true)
	if _, ok := e.Authenticate(t.Context(), "from the environment"); !ok {
		t.Error("it needs the database")
	}
	key := e.create(admin.KeyInput{Name: "k"}).Secret
	e = newEstate(t, func(p *control.Parts) { p.OwnerToken = secret.New(key) })
	if _, ok := e.Authenticate(t.Context(), key); ok {
		t.Error("a virtual key in the environment became an admin token")
	}
}

func TestTheFirstTokenIsMadeOnce(t *testing.T) {
	e := newEstate(t, nil)
	e.token("owner", "admin", nil) // a name that is not free
	local := must[secret.Text](t)(e.LocalToken(t.Context()))
	value, made, err := e.FirstToken(t.Context())
	if err != nil || !made {
		t.Fatalf("%v, %v", made, err)
	}
	who, ok := e.Authenticate(t.Context(), value.Reveal())
	if !ok || who.Role != actor.Owner || who.Name != "owner 2" {
		t.Errorf("%+v, %v", who, ok)
	}
	if last := e.recorded("admin_token.create", audit.Done); last.Actor.Kind != actor.System {
		t.Errorf("event %+v", last)
	}
	before := len(e.events())
	if value, made, err := e.FirstToken(t.Context()); made || err != nil || !value.Empty() {
		t.Errorf("made again: %v, %v", made, err)
	}
	if len(e.events()) != before {
		t.Error("nothing happened, and it is on record")
	}
	next := must[secret.Text](t)(e.LocalToken(t.Context()))
	if _, ok := e.Authenticate(t.Context(), local.Reveal()); ok {
		t.Error("the local token of the last start still works")
	}
	if who, ok := e.Authenticate(t.Context(), next.Reveal()); !ok || who.Name != "local" || who.Role != actor.Owner {
		t.Errorf("%+v, %v", who, ok)
	}
	e.recorded("admin_token.create", audit.Done, "replaces adm_")
}

func TestTheLastUseIsNoted(t *testing.T) {
	e := newEstate(t, nil)
	used, idle := e.token("used", "admin", nil), e.token("idle", "admin", nil)
	if err := e.FlushUsed(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := noon.Add(time.Minute)
	e.pass(time.Minute)
	e.Authenticate(t.Context(), used.Secret)
	look := func(c *control.Control) map[string]*time.Time {
		seen := map[string]*time.Time{}
		for _, tok := range must[*admin.AdminTokenList](t)(c.AdminTokens(t.Context(), root)).Tokens {
			seen[tok.ID] = tok.LastUsedAt
		}
		return seen
	}
	check := func(when string, c *control.Control, want bool) {
		t.Helper()
		seen := look(c)
		if got := seen[used.Token.ID]; (got != nil && got.Equal(at)) != want || seen[idle.Token.ID] != nil {
			t.Errorf("%s: %v", when, seen)
		}
	}
	check("at once", e.Control, true)
	check("by another program, before it is written down", control.New(e.parts), false)
	e.down.Store(true)
	if e.FlushUsed(t.Context()) == nil {
		t.Error("it was noted without a database")
	}
	e.down.Store(false)
	e.token("more", "viewer", nil) // the table is read anew
	if err := e.FlushUsed(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("later", control.New(e.parts), true)
}

func TestNobodyComesInUnknown(t *testing.T) {
	e := newEstate(t, nil)
	keep, gone := e.token("keep", "owner", nil), e.token("gone", "admin", nil)
	fresh := control.New(e.parts)
	e.down.Store(true)
	if _, ok := fresh.Authenticate(t.Context(), keep.Secret); ok {
		t.Error("somebody came in though nothing is known")
	}
	if _, ok := e.Authenticate(t.Context(), keep.Secret); !ok {
		t.Error("what is known needs the database")
	}
	e.down.Store(false)
	if _, ok := fresh.Authenticate(t.Context(), gone.Secret); !ok {
		t.Error("it does not recover")
	}
	// A change that cannot be read back must not leave the old table in force.
	half := e.parts
	half.Store = unreadable{e.parts.Store.(breakable)}
	c := control.New(half)
	must[*admin.Deleted](t)(c.DeleteToken(t.Context(), root, gone.Token.ID))
	if _, ok := c.Authenticate(t.Context(), gone.Secret); ok {
		t.Error("a deleted token works")
	}
}
