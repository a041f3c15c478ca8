package control_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/api/admin"
	"tollgate/internal/audit"
	"tollgate/internal/control"
	"tollgate/internal/store"
	"tollgate/internal/vault"
)

const canary = "sk-proj-CANARY-0123456789"

func (e *estate) credential(name string) admin.Credential {
	e.t.Helper()
	in := admin.CredentialInput{Name: name, Provider: "openai", Value: canary}
	return must[*admin.CredentialChanged](e.t)(e.CreateCredential(e.t.Context(), root, in)).Credential
}

func (e *estate) opens(name string) string {
	e.t.Helper()
	value, err := e.OpenCredential(e.t.Context(), name, "openai", "api.openai.com", true)
	if err != nil {
		e.t.Fatal(err)
	}
	return value.Reveal()
}

func TestACredentialIsSealedAndWriteOnly(t *testing.T) {
	e := newEstate(t, nil)
	out := must[*admin.CredentialChanged](t)(e.CreateCredential(t.Context(), root, admin.CredentialInput{Name: "main", Provider: "openai", Value: canary}))
	c := out.Credential
	if !strings.HasPrefix(c.ID, "crd_") || c.Host != "api.openai.com" || c.Last4 != "6789" || c.CreatedBy != "root" || c.RotatedAt != nil || c.ETag == "" {
		t.Errorf("made %+v", c)
	}
	if last := e.recorded("credential.create", audit.Done); last.Seq != out.EventID || last.Target != (audit.Target{Kind: "credential", ID: c.ID, Name: "main"}) || len(last.Diff) == 0 {
		t.Errorf("event %+v", last)
	}
	if e.opens("main") != canary {
		t.Error("it does not open")
	}
	list := must[*admin.CredentialList](t)(e.Credentials(t.Context(), root))
	shown := must[*admin.Credential](t)(e.Credential(t.Context(), root, "main"))
	if len(list.Credentials) != 1 || !reflect.DeepEqual(*shown, list.Credentials[0]) || shown.ID != c.ID {
		t.Errorf("listed %+v, shown %+v", list, shown)
	}
	for what, said := range map[string]any{"the answer": out, "the list": list, "the trail": e.events()} {
		if strings.Contains(fmt.Sprintf("%+v", said), "CANARY") {
			t.Errorf("the value is in %s", what)
		}
	}
	e.house.close()
	e.house.close = func() {}
	files, err := filepath.Glob(filepath.Join(e.dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil || bytes.Contains(raw, []byte("CANARY")) {
			t.Errorf("%s: %v, or the value is in it", f, err)
		}
	}
}

func TestACredentialGoesWhereItBelongsOnly(t *testing.T) {
	e := newEstate(t, nil)
	e.credential("main")
	for _, host := range []string{"api.openai.com", "API.OpenAI.com", "api.openai.com:443", "api.openai.com."} {
		if _, err := e.OpenCredential(t.Context(), "main", "OpenAI", host, true); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for says, at := range map[string][3]string{
		"for the provider openai, not for \"anthropic\"":            {"main", "anthropic", "api.openai.com"},
		"be sent to api.openai.com only, not to \"evil.example\"":   {"main", "openai", "evil.example"},
		"not to \"api.openai.com:8443\"":                            {"main", "openai", "api.openai.com:8443"},
		"not to \"\"":                                               {"main", "openai", ""},
		"there is no provider credential with the name \"another\"": {"another", "openai", "api.openai.com"},
	} {
		_, err := e.OpenCredential(t.Context(), at[0], at[1], at[2], true)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", at, err)
		}
	}
	// Without a port it is the host of https, so it is not sent in the clear: not to port 443 either.
	for _, host := range []string{"api.openai.com", "api.openai.com:443"} {
		_, err := e.OpenCredential(t.Context(), "main", "openai", host, false)
		refused(t, err, control.Conflict, "credential_misplaced", "over TLS only")
	}
	must[*admin.CredentialChanged](t)(e.CreateCredential(t.Context(), root, admin.CredentialInput{Name: "near", Provider: "custom", Host: "127.0.0.1:8080", Value: canary}))
	if _, err := e.OpenCredential(t.Context(), "near", "custom", "127.0.0.1:8080", false); err != nil {
		t.Error(err)
	}
	// Whoever can write to the database cannot move a value elsewhere either.
	for what, move := range map[string]func(*store.Credential){
		"name":     func(c *store.Credential) { c.Name = "moved" },
		"host":     func(c *store.Credential) { c.Host = "evil.example" },
		"provider": func(c *store.Credential) { c.Provider = "custom" },
		"row":      func(c *store.Credential) { c.ID, c.Version = "crd_other", 0 },
	} {
		var moved *store.Credential
		err := e.house.store.Update(t.Context(), func(tx store.Tx) (err error) {
			if moved, err = tx.Credentials().Named("main"); err != nil {
				return err
			}
			if err = tx.Credentials().Delete(moved.ID); err != nil {
				return err
			}
			moved.Version = 0
			move(moved)
			return tx.Credentials().Put(moved)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.OpenCredential(t.Context(), moved.Name, moved.Provider, moved.Host, true); !errors.Is(err, vault.ErrDamaged) {
			t.Errorf("another %s: %v", what, err)
		}
		must[*admin.Deleted](t)(e.DeleteCredential(t.Context(), root, moved.ID))
		e.credential("main")
	}
}

func TestWithoutAMasterKeyNothingIsStored(t *testing.T) {
	e := newEstate(t, func(p *control.Parts) { p.Vault = nil })
	_, err := e.CreateCredential(t.Context(), root, admin.CredentialInput{Name: "main", Provider: "openai", Value: canary})
	refused(t, err, control.Conflict, "no_master_key", "openssl rand -hex 32", "TOLLGATE_MASTER_KEY", "TOLLGATE_MASTER_KEY_FILE", "{file:")
	e.recorded("credential.create", audit.Refused, "master key")
	if n := len(must[*admin.CredentialList](t)(e.Credentials(t.Context(), root)).Credentials); n != 0 {
		t.Errorf("%d are stored", n)
	}
	e = newEstate(t, nil)
	e.credential("main")
	e.parts.Vault = nil
	later := control.New(e.parts)
	_, err = later.OpenCredential(t.Context(), "main", "openai", "api.openai.com", true)
	refused(t, err, control.Conflict, "no_master_key")
	_, err = later.RotateCredential(t.Context(), root, "main", admin.CredentialValue{Value: canary})
	refused(t, err, control.Conflict, "no_master_key")
	_, err = later.TestCredential(t.Context(), root, "main")
	refused(t, err, control.Conflict, "no_master_key")
}

func TestCredentialsAreChecked(t *testing.T) {
	e := newEstate(t, nil)
	key := e.create(admin.KeyInput{Name: "k"}).Secret
	for says, in := range map[string]admin.CredentialInput{
		"name: is missing":                  {Provider: "openai", Value: canary},
		"provider: is missing":              {Name: "a", Value: canary},
		"is known here (openai)":            {Name: "a", Provider: "opnai", Host: "h.example", Value: canary},
		"host: is missing":                  {Name: "a", Provider: "azure", Value: canary},
		"scheme and path (h.example)":       {Name: "a", Provider: "azure", Host: "https://h.example/openai", Value: canary},
		"scheme and path (h.example:8443)":  {Name: "a", Provider: "azure", Host: "h.example:8443/v1", Value: canary},
		"host: \"h example\" is no host":    {Name: "a", Provider: "azure", Host: "h example", Value: canary},
		"host: \"h.example:99999\" is no":   {Name: "a", Provider: "azure", Host: "h.example:99999", Value: canary},
		"host: \"me@h.example\" is no":      {Name: "a", Provider: "azure", Host: "me@h.example", Value: canary},
		"value: is missing":                 {Name: "a", Provider: "openai"},
		"value: begins or ends with white":  {Name: "a", Provider: "openai", Value: canary + "\n"},
		"value: has characters in it":       {Name: "a", Provider: "openai", Value: canary + "\x00x"},
		"value: is one of tollgate's own":   {Name: "a", Provider: "openai", Value: key},
		"value: has 70000 bytes; 65536 are": {Name: "a", Provider: "openai", Value: strings.Repeat("x", 70000)},
	} {
		_, err := e.CreateCredential(t.Context(), root, in)
		refused(t, err, control.Invalid, "invalid", says)
		if in.Value != "" && strings.Contains(fmt.Sprintf("%+v %+v", err, e.last()), in.Value) {
			t.Errorf("%s: the value is in the refusal", says)
		}
	}
	first := e.credential("main")
	_, err := e.CreateCredential(t.Context(), root, admin.CredentialInput{Name: "main", Provider: "openai", Value: canary})
	refused(t, err, control.Conflict, "name_taken", first.ID)
	for _, host := range []string{"h.example:8443", "192.0.2.1", "[2001:db8::1]:443", "localhost:1"} {
		in := admin.CredentialInput{Name: "at " + host, Provider: "azure", Host: host, Value: canary}
		if _, err := e.CreateCredential(t.Context(), root, in); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestARepeatedCredentialIsTheSame(t *testing.T) {
	e := newEstate(t, nil)
	call := root
	call.IdempotencyKey = "once"
	in := admin.CredentialInput{Name: "main", Provider: "openai", Value: canary}
	first := must[*admin.CredentialChanged](t)(e.CreateCredential(t.Context(), call, in))
	again := must[*admin.CredentialChanged](t)(e.CreateCredential(t.Context(), call, in))
	if again.EventID != first.EventID || again.Credential.ID != first.Credential.ID {
		t.Errorf("first %+v, then %+v", first, again)
	}
	in.Value = canary + "x"
	_, err := e.CreateCredential(t.Context(), call, in)
	refused(t, err, control.Conflict, "idempotency_key_reused")
}

func TestACredentialIsRenamed(t *testing.T) {
	e := newEstate(t, nil)
	c := e.credential("main")
	e.pass(time.Minute)
	call := root
	call.IfMatch = c.ETag
	out := must[*admin.CredentialChanged](t)(e.EditCredential(t.Context(), call, "main", json.RawMessage(`{"name":"primary","host":"api.openai.com"}`)))
	if out.Credential.Name != "primary" || out.Credential.ID != c.ID || !out.Credential.UpdatedAt.After(c.UpdatedAt) || e.opens("primary") != canary {
		t.Errorf("renamed: %+v", out.Credential)
	}
	if last := e.recorded("credential.edit", audit.Done); fmt.Sprint(last.Diff) != `[{name "main" "primary"}]` {
		t.Errorf("event %+v", last)
	}
	_, err := e.EditCredential(t.Context(), call, "primary", json.RawMessage(`{"name":"again"}`))
	refused(t, err, control.Stale, "stale")
	for says, patch := range map[string]string{
		"(name)":                      `{"nmae":"x"}`,
		"host: is what the value is":  `{"host":"evil.example"}`,
		"provider: is what the value": `{"provider":"anthropic"}`,
		"value: is replaced by":       `{"value":"CANARY"}`,
		"name: cannot be cleared":     `{"name":null}`,
		"name: is missing":            `{"name":""}`,
		"is no JSON":                  `{`,
	} {
		_, err := e.EditCredential(t.Context(), root, "primary", json.RawMessage(patch))
		refused(t, err, control.Invalid, "invalid", says)
	}
	e.plane.inUse = map[string][]string{"primary": {"config.yaml:12:5"}}
	_, err = e.EditCredential(t.Context(), root, "primary", json.RawMessage(`{"name":"x"}`))
	refused(t, err, control.Conflict, "credential_in_use", "config.yaml:12:5", "renamed")
	_, err = e.EditCredential(t.Context(), root, "nobody", json.RawMessage(`{"name":"x"}`))
	refused(t, err, control.NotFound, "credential_not_found", "nobody")
}

func TestARotatedCredentialIsInForce(t *testing.T) {
	e := newEstate(t, nil)
	c := e.credential("main")
	must[*admin.CredentialTest](t)(e.TestCredential(t.Context(), root, "main"))
	e.pass(time.Minute)
	out := must[*admin.CredentialChanged](t)(e.RotateCredential(t.Context(), root, "main", admin.CredentialValue{Value: "sk-proj-NEW-CANARY-4321"}))
	now := out.Credential
	if now.Last4 != "4321" || now.RotatedAt == nil || now.TestedAt != nil || now.TestOK != nil || now.TestResult != "" || now.ETag == c.ETag {
		t.Errorf("rotated: %+v", now)
	}
	if e.opens("main") != "sk-proj-NEW-CANARY-4321" || e.plane.changes != 1 {
		t.Errorf("the configuration was told %d times", e.plane.changes)
	}
	if last := e.recorded("credential.rotate", audit.Done); strings.Contains(fmt.Sprintf("%+v", last), "CANARY") || len(last.Diff) == 0 {
		t.Errorf("event %+v", last)
	}
	e.plane.refuse = errors.New("config.yaml:3: the host does not fit")
	_, err := e.RotateCredential(t.Context(), root, "main", admin.CredentialValue{Value: "sk-proj-THIRD-4321"})
	refused(t, err, control.Conflict, "not_in_force", "is stored", "config.yaml:3")
	if e.opens("main") != "sk-proj-THIRD-4321" {
		t.Error("it is not stored")
	}
	_, err = e.RotateCredential(t.Context(), root, "main", admin.CredentialValue{Value: " "})
	refused(t, err, control.Invalid, "invalid", "value: ")
}

func TestACredentialInUseIsNotDeleted(t *testing.T) {
	e := newEstate(t, nil)
	c := e.credential("main")
	if c.UsedBy == nil || len(c.UsedBy) > 0 {
		t.Errorf("nothing uses it: %q", c.UsedBy)
	}
	e.plane.inUse = map[string][]string{"main": {"config.yaml:12:5", "config.yaml:30:5"}}
	if now := must[*admin.CredentialList](t)(e.Credentials(t.Context(), root)).Credentials[0]; !slices.Equal(now.UsedBy, e.plane.inUse["main"]) {
		t.Errorf("used by %q", now.UsedBy)
	}
	_, err := e.DeleteCredential(t.Context(), root, c.ID)
	refused(t, err, control.Conflict, "credential_in_use", "config.yaml:12:5, config.yaml:30:5", "deleted")
	e.recorded("credential.delete", audit.Refused, "config.yaml:12:5")
	e.plane.inUse = nil
	call := root
	call.IfMatch = `"99"`
	_, err = e.DeleteCredential(t.Context(), call, c.ID)
	refused(t, err, control.Stale, "stale")
	out := must[*admin.Deleted](t)(e.DeleteCredential(t.Context(), root, "main"))
	if last := e.recorded("credential.delete", audit.Done); out.ID != c.ID || last.Seq != out.EventID || last.Target.ID != c.ID {
		t.Errorf("%+v, event %+v", out, last)
	}
	_, err = e.Credential(t.Context(), root, "main")
	refused(t, err, control.NotFound, "credential_not_found")
}

func TestACredentialIsTried(t *testing.T) {
	e := newEstate(t, nil)
	e.credential("main")
	for _, c := range []struct {
		status int
		err    error
		ok     bool
		says   string
	}{
		{200, nil, true, "accepts"},
		{401, nil, false, "rotate it"},
		{403, nil, false, "does not allow"},
		{429, nil, false, "limits the rate"},
		{503, nil, false, "in trouble"},
		{404, nil, false, "says nothing"},
		{0, errors.New("the provider cannot be reached: no route"), false, "no route"},
	} {
		e.plane.status, e.plane.fails = c.status, c.err
		out := must[*admin.CredentialTest](t)(e.TestCredential(t.Context(), root, "main"))
		if out.OK != c.ok || out.Status != c.status || !strings.Contains(out.Message, c.says) {
			t.Errorf("%d: %+v", c.status, out)
		}
		if last := e.recorded("credential.test", audit.Done, c.says); last.Seq != out.EventID {
			t.Errorf("event %+v", last)
		}
		now := must[*admin.Credential](t)(e.Credential(t.Context(), root, "main"))
		if now.TestedAt == nil || now.TestOK == nil || *now.TestOK != c.ok || (now.TestResult == "ok") != c.ok || !c.ok && now.TestResult != out.Message {
			t.Errorf("%d: stored %+v", c.status, now)
		}
	}
	if want := "openai api.openai.com " + canary; !slices.Contains(e.plane.tried, want) || len(slices.Compact(e.plane.tried)) != 1 {
		t.Errorf("tried %v", e.plane.tried)
	}
	// A value that is replaced while it is tried is not said to have failed.
	e.plane.status, e.plane.fails = 401, nil
	e.plane.during = func() {
		must[*admin.CredentialChanged](t)(e.RotateCredential(t.Context(), root, "main", admin.CredentialValue{Value: "sk-proj-NEW-4321"}))
	}
	must[*admin.CredentialTest](t)(e.TestCredential(t.Context(), root, "main"))
	if now := must[*admin.Credential](t)(e.Credential(t.Context(), root, "main")); now.TestResult != "" {
		t.Errorf("the new value has the old one's result: %+v", now)
	}
}
