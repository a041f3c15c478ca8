package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/access"
	"tollgate/internal/caller"
	"tollgate/internal/dialect"
	"tollgate/internal/gateway"
	"tollgate/internal/provider"
	"tollgate/internal/routing"
	"tollgate/internal/vkey"
)

func bearer(key string) gateway.Header { return gateway.Header{"Authorization": {"Bearer " + key}} }

func TestModes(t *testing.T) {
	const minted = "sk-tg-unknown"
	for _, c := range []struct {
		name   string
		mode   gateway.AuthMode
		header gateway.Header
		status int
		code   string
		caller string
	}{
		{"strict, known", gateway.Strict, bearer(aliceKey), 200, "", "alice"},
		{"strict, none", gateway.Strict, gateway.Header{}, 401, "invalid_api_key", ""},
		{"strict, unknown", gateway.Strict, bearer("nobody"), 401, "invalid_api_key", ""},
		{"strict, expired", gateway.Strict, bearer(oldKey), 401, "key_expired", ""},
		{"strict, scheme in lower case", gateway.Strict, gateway.Header{"Authorization": {"bearer   " + aliceKey + " "}}, 200, "", "alice"},
		{"strict, basic", gateway.Strict, gateway.Header{"Authorization": {"Basic " + aliceKey}}, 401, "invalid_api_key", ""},
		{"strict, nothing behind the scheme", gateway.Strict, gateway.Header{"Authorization": {"Bearer "}}, 401, "invalid_api_key", ""},
		{"strict, x-api-key", gateway.Strict, gateway.Header{"X-Api-Key": {aliceKey}}, 200, "", "alice"},
		{"strict, api-key", gateway.Strict, gateway.Header{"Api-Key": {aliceKey}}, 200, "", "alice"},
		{"strict, x-goog-api-key", gateway.Strict, gateway.Header{"X-Goog-Api-Key": {" " + aliceKey}}, 200, "", "alice"},
		{"strict, the same twice", gateway.Strict, gateway.Header{"Authorization": {"Bearer " + aliceKey}, "X-Api-Key": {aliceKey}}, 200, "", "alice"},
		{"strict, two", gateway.Strict, gateway.Header{"Authorization": {"Bearer " + aliceKey}, "X-Api-Key": {bobKey}}, 400, "conflicting_credentials", ""},
		{"strict, two in one header", gateway.Strict, gateway.Header{"Authorization": {"Bearer " + aliceKey, "Bearer " + bobKey}}, 400, "conflicting_credentials", ""},
		{"strict, one twice in one header", gateway.Strict, gateway.Header{"Authorization": {"Bearer " + aliceKey, "Bearer " + aliceKey}}, 200, "", "alice"},
		{"strict, two lines of x-api-key", gateway.Strict, gateway.Header{"X-Api-Key": {aliceKey, bobKey}}, 400, "conflicting_credentials", ""},
		{"strict, two headers", gateway.Strict, gateway.Header{"Api-Key": {aliceKey}, "X-Goog-Api-Key": {bobKey}}, 400, "conflicting_credentials", ""},
		{"strict, empty beside", gateway.Strict, gateway.Header{"X-Api-Key": {"", aliceKey}}, 200, "", "alice"},
		{"optional, none", gateway.Optional, gateway.Header{}, 200, "", ""},
		{"optional, unknown", gateway.Optional, bearer("nobody"), 401, "invalid_api_key", ""},
		{"optional, known", gateway.Optional, bearer(aliceKey), 200, "", "alice"},
		{"permissive, none", gateway.Permissive, gateway.Header{}, 200, "", ""},
		{"permissive, unknown", gateway.Permissive, bearer("nobody"), 200, "", ""},
		{"permissive, known", gateway.Permissive, bearer(aliceKey), 200, "", "alice"},
		{"permissive, expired", gateway.Permissive, bearer(oldKey), 401, "key_expired", ""},
		{"permissive, two", gateway.Permissive, gateway.Header{"Authorization": {"Bearer a"}, "X-Api-Key": {"b"}}, 400, "conflicting_credentials", ""},
		{"permissive, looks minted", gateway.Permissive, bearer(minted), 200, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.route.Gate.Auth.Mode = c.mode
			out := s.do(call{header: c.header})
			out.want(t, c.status, c.code)
			x := s.last()
			if c.status != 200 {
				if len(s.up.seen) != 0 {
					t.Error("a refused request reached the provider")
				}
				if x.Outcome != gateway.Refused || x.Reason != "APIKeyAuth" || x.Status != c.status || x.Err == nil {
					t.Errorf("recorded %v %q %d", x.Outcome, x.Reason, x.Status)
				}
				if strings.Contains(out.text(), "nobody") || strings.Contains(out.text(), aliceKey) {
					t.Error("a refusal quotes the credential")
				}
				return
			}
			if x.Caller == nil || x.Caller.Name != c.caller {
				t.Errorf("called by %+v, want %q", x.Caller, c.caller)
			}
			if id := out.header.Get("X-Tollgate-Key"); (c.caller == "alice") != (id == "key_alice") {
				t.Errorf("the answer names the key %q", id)
			}
			for _, f := range s.up.one(t).Header {
				if strings.Contains(f.Value, aliceKey) || strings.Contains(f.Value, "nobody") {
					t.Errorf("the provider was sent %s: %s", f.Name, f.Value)
				}
			}
		})
	}
}

func TestMissingAndUnknownKeysLookAlike(t *testing.T) {
	s := newScene(t)
	strip := func(a *caughtAnswer) string { return a.text() }
	if a, b := strip(s.do(call{header: gateway.Header{}})), strip(s.do(call{header: bearer("x")})); a != b {
		t.Errorf("the refusals differ:\n%s\n%s", a, b)
	}
	s.snap.Plain = true
	s.do(call{header: gateway.Header{}}).want(t, 401, "api key authentication failure: no API Key found")
	out := s.do(call{header: bearer("x")})
	if out.want(t, 401, ""); out.text() != "api key authentication failure: invalid credentials" || out.header.Get("Content-Type") != "text/plain" {
		t.Errorf("%v %q", out.header, out.text())
	}
}

func TestKeysOutOfUse(t *testing.T) {
	for status, code := range map[vkey.Status]string{vkey.StatusDisabled: "key_disabled", vkey.StatusRevoked: "key_revoked"} {
		s := newScene(t)
		s.route.Gate.Auth.Keys = must(vkey.NewSet(nil, []vkey.Entry{{Digest: vkey.Hash("k"), Caller: &caller.Caller{KeyID: "key_x"}, Status: status}}))
		out := s.do(call{header: bearer("k")})
		if out.want(t, 401, code); out.header.Get("X-Should-Retry") != "false" {
			t.Errorf("%s: header %v", code, out.header)
		}
		// The secret matched, so it is known whose key was refused.
		if x := s.last(); x.Caller.KeyID != "key_x" || out.header.Get("X-Tollgate-Key") != "key_x" {
			t.Errorf("%s: recorded for %q, header %v", code, x.Caller.KeyID, out.header)
		}
	}
}

func TestLocations(t *testing.T) {
	for _, c := range []struct {
		name   string
		at     gateway.Location
		header gateway.Header
		query  string
		status int
	}{
		{"header", gateway.Location{Header: "X-Gate", Prefix: "Key "}, gateway.Header{"X-Gate": {"key " + aliceKey}}, "", 200},
		{"header without its prefix", gateway.Location{Header: "X-Gate", Prefix: "Key "}, gateway.Header{"X-Gate": {aliceKey}}, "", 401},
		{"usual place is not looked at", gateway.Location{Header: "X-Gate"}, bearer(aliceKey), "", 401},
		{"another header does not conflict", gateway.Location{Header: "X-Gate"}, gateway.Header{"X-Gate": {aliceKey}, "Authorization": {"Bearer other"}, "X-Api-Key": {"third"}}, "", 200},
		{"query", gateway.Location{Query: "tk"}, gateway.Header{}, "a=1&tk=" + aliceKey + "&b=2", 200},
		{"query elsewhere", gateway.Location{Query: "tk"}, bearer(aliceKey), "a=1", 401},
		{"cookie", gateway.Location{Cookie: "tk"}, gateway.Header{"Cookie": {"a=b; tk=\"" + aliceKey + "\"", "c=d"}}, "", 200},
		{"other cookie", gateway.Location{Cookie: "tk"}, gateway.Header{"Cookie": {"xtk=" + aliceKey}}, "", 401},
		{"expression", gateway.Location{Expression: expr(`request.headers["x-gate"]`)}, gateway.Header{"X-Gate": {aliceKey}}, "", 200},
		{"expression without a value", gateway.Location{Expression: expr(`request.headers["x-gate"]`)}, bearer(aliceKey), "", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.route.Gate.Auth.Location = &c.at
			s.do(call{header: c.header, query: c.query}).want(t, c.status, "")
			if c.status != 200 {
				return
			}
			r := s.up.one(t)
			if strings.Contains(r.Target, aliceKey) {
				t.Errorf("the provider was sent %s", r.Target)
			}
			if c.query != "" && r.Target != "/v1/chat/completions?a=1&b=2" {
				t.Errorf("the provider was sent %s", r.Target)
			}
		})
	}
}

// A virtual key stands in no header that expressions or later steps can see.
func TestKeysAreForgotten(t *testing.T) {
	for _, name := range []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		s := newScene(t)
		value := aliceKey
		if name == "Authorization" {
			value = "Bearer " + aliceKey
		}
		s.listener.Gate.Auth, s.route.Gate.Auth = s.route.Gate.Auth, nil
		s.snap.LogFields = append(s.snap.LogFields, expr(`"`+strings.ToLower(name)+`" in request.headers ? "seen" : "gone"`))
		s.do(call{header: gateway.Header{name: {value}}}).want(t, 200, "")
		if got := s.last().LogFields[0]; got != "gone" {
			t.Errorf("%s was %s", name, got)
		}
	}
	// Forgotten, too, where the configuration looks for keys.
	for _, c := range []struct {
		at     gateway.Location
		header gateway.Header
		query  string
		field  string
	}{
		{gateway.Location{Header: "X-Gate"}, gateway.Header{"X-Gate": {aliceKey}}, "", `"x-gate" in request.headers ? "seen" : "gone"`},
		{gateway.Location{Cookie: "tk"}, gateway.Header{"Cookie": {"tk=" + aliceKey}}, "", `"cookie" in request.headers ? "seen" : "gone"`},
		{gateway.Location{Query: "tk"}, gateway.Header{}, "tk=" + aliceKey, `request.pathAndQuery.contains("alice") ? "seen" : "gone"`},
		{gateway.Location{Expression: expr(`request.pathAndQuery.split("tk=")[1]`)}, gateway.Header{}, "tk=" + aliceKey, `request.pathAndQuery.contains("alice") ? "seen" : "gone"`},
	} {
		s := newScene(t)
		s.route.Gate.Auth.Location = &c.at
		s.snap.LogFields = append(s.snap.LogFields, expr(c.field))
		s.do(call{header: c.header, query: c.query}).want(t, 200, "")
		if got := s.last().LogFields[0]; got != "gone" {
			t.Errorf("%+v: %s", c.at, got)
		}
	}
}

// A listener's gate comes before routing, a route's after it; both must be passed.
func TestGates(t *testing.T) {
	s := newScene(t)
	s.listener.Gate = gateway.Gate{Rules: rules(access.Deny, `request.method == "PUT"`)}
	s.listener.Routes = routing.NewTable([]routing.Entry[*gateway.Route]{{Match: routing.Match{Path: routing.Path{Value: "/v1"}}, Route: s.route}})
	s.do(call{path: "/other"}).want(t, 404, "route_not_found")
	if x := s.last(); x.Place != s.listener.Place || x.Reason != "NotFound" {
		t.Errorf("recorded %+v %s", x.Place, x.Reason)
	}
	s.do(call{path: "/other", method: "PUT"}).want(t, 403, "authorization_failed")
	s.route.Gate.Rules = rules(access.Require, `apiKey.team == "b"`)
	s.do(call{}).want(t, 403, "authorization_failed")
	if x := s.last(); x.Place != s.route.Place || x.Reason != "Authorization" || x.Outcome != gateway.Refused {
		t.Errorf("recorded %+v", x)
	}
	s.route.Gate.Rules = rules(access.Require, `apiKey.team == "a"`)
	s.do(call{}).want(t, 200, "")
	if len(s.up.seen) != 1 {
		t.Errorf("%d requests were sent", len(s.up.seen))
	}
}

func TestPlaces(t *testing.T) {
	s := newScene(t)
	s.listener.Hostname = "gw.example"
	s.do(call{}).want(t, 200, "")
	s.do(call{host: "other.example"}).want(t, 404, "route_not_found")
	if x := s.last(); x.Place.Listener != "" {
		t.Errorf("recorded at %+v", x.Place)
	}
	s.snap.Plain = true
	if out := s.do(call{host: "other.example"}); out.text() != "listener not found" {
		t.Errorf("%q", out.text())
	}
	delete(s.snap.Binds, "a")
	if out := s.do(call{}); out.text() != "bind not found" || out.status != 404 {
		t.Errorf("%d %q", out.status, out.text())
	}
}

func TestPassthroughOfCredentials(t *testing.T) {
	authorization := func(s *sent) string {
		for _, f := range s.Header {
			if strings.EqualFold(f.Name, "Authorization") || strings.EqualFold(f.Name, "X-Api-Key") || f.Name == "X-Up" {
				return f.Name + ": " + f.Value
			}
		}
		return ""
	}
	for _, c := range []struct {
		name   string
		auth   *gateway.Auth
		pass   gateway.Passthrough
		header gateway.Header
		query  string
		want   string
	}{
		{name: "no keys here", header: bearer("own"), want: "Authorization: Bearer own"},
		{name: "no keys here, x-api-key", header: gateway.Header{"X-Api-Key": {"own"}}, want: "X-Api-Key: own"},
		{name: "nothing given", header: gateway.Header{}, want: ""},
		{name: "moved", header: gateway.Header{"X-Api-Key": {"own"}}, pass: gateway.Passthrough{Header: "X-Up", Prefix: "Tok "}, want: "X-Up: Tok own"},
		{name: "permissive", auth: &gateway.Auth{Mode: gateway.Permissive}, header: bearer("own"), want: "Authorization: Bearer own"},
		{name: "a virtual key", auth: &gateway.Auth{Mode: gateway.Permissive}, header: bearer(aliceKey), want: ""},
		{name: "a virtual key in both places", auth: &gateway.Auth{Mode: gateway.Optional},
			header: gateway.Header{"Authorization": {"Bearer " + aliceKey}, "X-Api-Key": {aliceKey}}, want: ""},
		{name: "looks minted", auth: &gateway.Auth{Mode: gateway.Permissive}, header: bearer("sk-tg-anything"), want: ""},
		{name: "looks minted, no keys here", header: gateway.Header{"X-Api-Key": {"sk-tg-anything"}}, want: ""},
		{name: "key elsewhere, own beside it", auth: &gateway.Auth{Mode: gateway.Strict, Location: &gateway.Location{Header: "X-Gate"}},
			header: gateway.Header{"X-Gate": {aliceKey}, "Authorization": {"Bearer own"}}, want: "Authorization: Bearer own"},
		{name: "key elsewhere and again in the usual place", auth: &gateway.Auth{Mode: gateway.Strict, Location: &gateway.Location{Header: "X-Gate"}},
			header: gateway.Header{"X-Gate": {aliceKey}, "Authorization": {"Bearer " + aliceKey}}, want: ""},
		{name: "unknown where only virtual keys stand", auth: &gateway.Auth{Mode: gateway.Permissive, Location: &gateway.Location{Header: "X-Gate"}},
			header: gateway.Header{"X-Gate": {"deleted"}}, want: ""},
		{name: "unknown where only virtual keys stand, own beside it", auth: &gateway.Auth{Mode: gateway.Permissive, Location: &gateway.Location{Header: "X-Gate"}},
			header: gateway.Header{"X-Gate": {"deleted"}, "Authorization": {"Bearer own"}}, want: "Authorization: Bearer own"},
		{name: "unknown where SDKs put it", auth: &gateway.Auth{Mode: gateway.Permissive, Location: &gateway.Location{Header: "X-Api-Key"}},
			header: gateway.Header{"X-Api-Key": {"own"}}, want: "X-Api-Key: own"},
		{name: "unknown in a query", auth: &gateway.Auth{Mode: gateway.Permissive, Location: &gateway.Location{Query: "tk"}},
			header: gateway.Header{}, query: "tk=own", want: "Authorization: Bearer own"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			if c.auth != nil {
				c.auth.Keys = s.keys
			}
			s.route.Gate.Auth = c.auth
			s.target.Passthrough, s.target.Static = &c.pass, ""
			s.do(call{header: c.header, query: c.query}).want(t, 200, "")
			r := s.up.one(t)
			if got := authorization(r); got != c.want {
				t.Errorf("the provider was sent %q, want %q", got, c.want)
			}
			if strings.Contains(r.Target, "own") {
				t.Errorf("the provider was sent %s", r.Target)
			}
			if strings.Contains(fmt.Sprint(r.Header), "deleted") {
				t.Error("the provider was sent a virtual key that is not known any more")
			}
		})
	}
}

// A target with a credential of its own never sees the caller's.
func TestOwnCredentialsStayHere(t *testing.T) {
	s := newScene(t)
	s.route.Gate.Auth = nil
	s.do(call{header: gateway.Header{"Authorization": {"Bearer own"}, "X-Api-Key": {"own"}}, query: "key=own&Api-Key=own&api_key=own&ApiKey=own&access_token=own&%zz=own&x=1"}).want(t, 200, "")
	r := s.up.one(t)
	if r.Target != "/v1/chat/completions?x=1" {
		t.Errorf("the provider was sent %s", r.Target)
	}
	for _, f := range r.Header {
		if strings.Contains(f.Value, "own") {
			t.Errorf("the provider was sent %s: %s", f.Name, f.Value)
		}
	}
	if r.Static != "Authorization: Bearer real-main\r\n" {
		t.Errorf("static %q", r.Static)
	}
}

// The buffer of a request's header lines is used again: no credential stays in it.
func TestSentHeadersAreCleared(t *testing.T) {
	s := newScene(t)
	s.route.Gate.Auth = nil
	s.target.Passthrough = &gateway.Passthrough{}
	var kept provider.Header
	s.up.replies = append(s.up.replies, func(r *sent) (*provider.Response, error) { return whole(200, good)(r) })
	s.target.Transport = keeper{s.up, &kept}
	s.do(call{header: bearer("own")}).want(t, 200, "")
	for _, f := range kept {
		if strings.Contains(f.Value, "own") {
			t.Errorf("still there: %s: %s", f.Name, f.Value)
		}
	}
	if len(kept) == 0 {
		t.Error("nothing was looked at")
	}
}

// Rules about the model or the body are checked once these are known, those of
// the listener, too; and in any case before anything is done.
func TestLateRules(t *testing.T) {
	for _, at := range []string{"listener", "route"} {
		s := newScene(t)
		gate := &s.route.Gate
		if at == "listener" {
			gate = &s.listener.Gate
		}
		gate.Rules, gate.Late = rules(access.Deny, `llm.requestModel == "gpt-5"`), true
		s.do(call{}).want(t, 403, "authorization_failed")
		s.do(call{body: `{"model":"other","messages":[]}`}).want(t, 200, "")
		gate.Rules = rules(access.Require, `llmRequest.user == "u"`)
		s.do(call{}).want(t, 403, "authorization_failed")
		s.do(call{method: "GET", path: "/v1/models", noBody: true}).want(t, 403, "authorization_failed")
		s.do(call{body: `{"model":"m","messages":[],"user":"u"}`}).want(t, 200, "")
		if len(s.up.seen) != 2 {
			t.Errorf("%d requests were sent", len(s.up.seen))
		}
		// A form has a model as well.
		gate.Rules = rules(access.Require, `llm.requestModel == "w"`)
		s.target.Operations |= gateway.Of(dialect.Transcriptions)
		h, body := form("w")
		s.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 200, "")
		h, body = form("x")
		s.do(call{path: "/v1/audio/transcriptions", header: h, body: body}).want(t, 403, "")
	}
}

// A virtual key is none of a provider's, though this route does not know it.
func TestKeysOfOtherRoutesStayHere(t *testing.T) {
	s := newScene(t)
	s.route.Gate.Auth = &gateway.Auth{Mode: gateway.Permissive, Keys: must(vkey.NewSet(nil, nil))}
	s.target.Passthrough, s.target.Static = &gateway.Passthrough{}, ""
	for _, key := range []string{aliceKey, bobKey, oldKey} {
		s.do(call{header: bearer(key)}).want(t, 200, "")
	}
	for _, r := range s.up.seen {
		if got := headerSent(r, "Authorization"); got != "" {
			t.Errorf("the provider was sent %s", got)
		}
	}
}

// Wherever else a virtual key stands, it is not sent.
func TestCopiesOfKeysAreForgotten(t *testing.T) {
	s := newScene(t)
	h := bearer(aliceKey)
	h["Openai-Beta"], h["Idempotency-Key"] = []string{"key=" + aliceKey}, []string{"mine"}
	s.do(call{header: h, query: "a=1&note=x" + aliceKey + "&" + aliceKey + "=1&b=2&c=%zz"}).want(t, 200, "")
	r := s.up.one(t)
	if r.Target != "/v1/chat/completions?a=1&b=2" || headerSent(r, "Openai-Beta") != "" || headerSent(r, "Idempotency-Key") != "mine" {
		t.Errorf("sent %s with %v", r.Target, r.Header)
	}
}
