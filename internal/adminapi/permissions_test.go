package adminapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/actor"
)

// TestEveryRouteAndRole sends every route a good request from everybody there is.
func TestEveryRouteAndRole(t *testing.T) {
	for i := range routes {
		row := &routes[i]
		t.Run(row.operation, func(t *testing.T) {
			w := newWorld(t)
			for token, role := range tokens {
				*w.control = fakeControl{}
				rq := valid(row)
				rq.token = token
				answer := w.send(t, rq)
				if row.permits(role) {
					if answer.Code >= 300 {
						t.Errorf("%s: %d %s", role, answer.Code, answer.Body)
					}
					if len(w.control.refused) > 0 {
						t.Errorf("%s: on record as refused: %v", role, w.control.refused)
					}
					continue
				}
				want(t, answer, http.StatusForbidden, "role")
				if w.control.called != "" {
					t.Errorf("%s: refused, and %s was called", role, w.control.called)
				}
				record := row.action + " " + row.kind() + " "
				if strings.Contains(row.path, "{id}") {
					record += "key_3fT9aZ0bQ1Xy"
				}
				if len(w.control.refused) != 1 || !strings.HasPrefix(w.control.refused[0], record+" by "+role.String()+" from 127.0.0.1: ") {
					t.Errorf("%s: on record: %q, want %q", role, w.control.refused, record)
				}
			}
			for _, token := range []string{"-", "token-of-nobody", virtualKey, "token-of-the-owner extra"} {
				*w.control = fakeControl{}
				rq := valid(row)
				rq.token = token
				answer := w.send(t, rq)
				want(t, answer, http.StatusUnauthorized, "unauthenticated")
				if w.control.called != "" || len(w.control.refused) > 0 || answer.Header().Get("WWW-Authenticate") == "" {
					t.Errorf("token %q: called %q, on record %v", token, w.control.called, w.control.refused)
				}
			}
		})
	}
}

// TestRolesMayWhatTheirNamesSay holds the table against the rules that it is made from.
func TestRolesMayWhatTheirNamesSay(t *testing.T) {
	reads := func(r *route) bool {
		return r.method == http.MethodGet || r.operation == "check" || strings.HasPrefix(r.action, "session.")
	}
	private := []string{"/api/v1/credentials", "/api/v1/providers", "/api/v1/admin-tokens", "/api/v1/requests", "/api/v1/audit", "/api/v1/backup", "/config_dump", "/logging", "/debug"}
	for i := range routes {
		r := &routes[i]
		if !r.permits(actor.Owner) {
			t.Errorf("%s: the owner may not", r.operation)
		}
		if tokens := strings.HasPrefix(r.path, "/api/v1/admin-tokens"); r.permits(actor.Admin) == tokens {
			t.Errorf("%s: an admin may: %v", r.operation, !tokens)
		}
		copies := r.operation == "backup" || strings.HasPrefix(r.path, "/debug") // no reading: it takes the whole, or the machine's time
		if r.permits(actor.Auditor) != (reads(r) && !copies) {
			t.Errorf("%s: an auditor may: %v", r.operation, r.permits(actor.Auditor))
		}
		hidden := slices.ContainsFunc(private, func(p string) bool { return strings.HasPrefix(r.path, p) })
		if r.permits(actor.Viewer) != (reads(r) && !hidden) {
			t.Errorf("%s: a viewer may: %v", r.operation, r.permits(actor.Viewer))
		}
		if r.permits(actor.None) || r.permits(actor.Role(200)) {
			t.Errorf("%s: somebody without a role may", r.operation)
		}
	}
}

func TestRoutesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range append(slices.Clone(routes), open...) {
		for _, name := range []string{r.operation, r.pattern()} {
			if seen[name] {
				t.Errorf("%s stands there twice", name)
			}
			seen[name] = true
		}
	}
}

// TestNothingIsMountedWithoutARow shows that a handler that the table does not
// know ends the program when it starts, and one that got past that is not served.
func TestNothingIsMountedWithoutARow(t *testing.T) {
	panics := func(what string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s is accepted", what)
			}
		}()
		f()
	}
	s := (&world{control: &fakeControl{}}).admin().build().service
	panics("an operation without a row", func() { register(s, "deleteEverything", about{}, whatever) })
	panics("a page without a row", func() { s.handle("secrets", http.NotFound) })
	panics("an operation that is mounted twice", func() { s.handle("dumpConfiguration", http.NotFound) })

	w := &world{control: &fakeControl{}}
	b := w.admin().build()
	b.guard.mux.HandleFunc("GET /smuggled", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	w.handler = b.guard
	want(t, w.send(t, request{method: "GET", path: "/smuggled"}), http.StatusNotFound, "route_not_found")

	kept := routes
	defer func() { routes = kept }()
	routes = append(slices.Clone(kept), route{operation: "ghost", method: "GET", path: "/ghost", owner: true})
	panics("a row that nothing is mounted for", func() { w.admin().Handler() })
}

func TestOpenRoutes(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/metrics", "/api/v1/openapi.json"} {
		if answer := w.send(t, request{method: "GET", path: path, token: "-", from: "10.0.0.9:5"}); answer.Code != http.StatusOK {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	if w.control.asked > 0 {
		t.Error("a token was looked up")
	}
	for _, path := range []string{"/api/v1", "/api/v1/nothing", "/favicon.ico", "/debug/vars", "//config_dump", "/./config_dump"} {
		want(t, w.send(t, request{method: "GET", path: path, token: "-", from: "10.0.0.8:5"}), http.StatusUnauthorized, "unauthenticated")
	}
	want(t, w.send(t, request{method: "GET", path: "/api/v1/nothing"}), http.StatusNotFound, "route_not_found")
	answer := w.send(t, request{method: "PUT", path: "/api/v1/keys"})
	want(t, answer, http.StatusMethodNotAllowed, "method_not_allowed")
	if allow := answer.Header().Get("Allow"); allow != "GET, POST" {
		t.Errorf("Allow: %s", allow)
	}
}
