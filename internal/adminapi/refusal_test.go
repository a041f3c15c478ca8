package adminapi

import (
	"encoding/json"
	"strings"
	"testing"

	"tollgate/api/admin"
	"tollgate/internal/control"
)

// TestRefusedChangesAreOnRecord shows that a change which is refused before control sees
// it is on record like any other, and that the answer says under which number.
func TestRefusedChangesAreOnRecord(t *testing.T) {
	for _, c := range []struct {
		method, path, kind, body string
		record                   string // "": nothing is on record
	}{
		{"POST", "/api/v1/keys", jsonType, `{"name":"a","labls":{}}`, "key.create key  by owner from 127.0.0.1: labls: is no field here"},
		{"POST", "/api/v1/keys", jsonType, `{`, "key.create key  by owner"},
		{"POST", "/api/v1/keys", "text/plain", `{}`, "key.create key  by owner"},
		{"POST", "/api/v1/keys?a=b", jsonType, `{"name":"a"}`, "key.create key  by owner"},
		{"PATCH", "/api/v1/keys/key_1", patchType, `[]`, "key.edit key key_1 by owner"},
		{"POST", "/api/v1/keys:import?a=b", jsonType, `{}`, "key.import key  by owner"},
		{"POST", "/api/v1/check", jsonType, `{"kee":"a"}`, ""},
		{"GET", "/api/v1/keys?a=b", "", "", ""},
	} {
		w := newWorld(t)
		answer := w.send(t, request{method: c.method, path: c.path, body: c.body, header: map[string]string{"Content-Type": c.kind}})
		var p admin.Problem
		if err := json.Unmarshal(answer.Body.Bytes(), &p); err != nil || answer.Code < 400 {
			t.Fatalf("%s %s: %d %s", c.method, c.path, answer.Code, answer.Body)
		}
		if c.record == "" {
			if len(w.control.refused) > 0 || p.EventID != 0 {
				t.Errorf("%s %s: on record: %q, event %d", c.method, c.path, w.control.refused, p.EventID)
			}
			continue
		}
		if len(w.control.refused) != 1 || !strings.HasPrefix(w.control.refused[0], c.record) || p.EventID != 1 {
			t.Errorf("%s %s: on record: %q, event %d, want %q", c.method, c.path, w.control.refused, p.EventID, c.record)
		}
	}
	w := newWorld(t)
	w.control.fail = &control.Error{Kind: control.Conflict, Code: "name_taken", EventID: 17}
	answer := w.send(t, request{method: "POST", path: "/api/v1/keys", body: `{"name":"a"}`})
	if !strings.Contains(answer.Body.String(), `"event_id":17`) || len(w.control.refused) > 0 {
		t.Errorf("%s, on record again: %v", answer.Body, w.control.refused)
	}
}
