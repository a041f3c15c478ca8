package adminapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/actor"
	"tollgate/internal/audit"
	"tollgate/internal/control"
	"tollgate/internal/vkey"
)

// exchange is one request to the API. huma gives its handlers nothing but the
// context of a request, so the guard puts it there; register takes it out.
type exchange struct {
	call control.Call
	w    http.ResponseWriter
	r    *http.Request
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// guard stands before every route: it knows which there are, who asks, and who may.
type guard struct {
	mux      *http.ServeMux
	rows     map[string]*route // by pattern
	public   map[string]*route
	control  Control
	hosts    hosts
	sessions *sessions
	failed   failures
	refused  *allowance[string] // by the id of the actor
	log      *slog.Logger
}

// ServeHTTP implements http.Handler.
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID(r)
	head := w.Header()
	head.Set("X-Request-Id", id)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	defer g.recover(w, r, id)
	if r.Body != http.NoBody {
		// Nobody may have read the body when the request is over, and then net/http does:
		// for as long as the client likes, if nobody says how long. Who reads it says so anew.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
	}

	if p := g.hosts.misdirected(r); p != nil {
		p.RequestID = id
		p.write(w)
		return
	}
	_, pattern := g.mux.Handler(r)
	if g.public[pattern] != nil {
		g.mux.ServeHTTP(w, r)
		return
	}
	x := &exchange{w: w, r: r, call: control.Call{RequestID: id}}
	if p := g.admit(x, pattern); p != nil {
		p.RequestID = id
		p.write(w)
		return
	}
	g.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

// admit finds out who asks and whether they may; nil: they may.
func (g *guard) admit(x *exchange, pattern string) *problem {
	if foreign(x.r) {
		return refusal(http.StatusForbidden, "cross_site", "the admin listener does not answer pages of other sites")
	}
	if p := g.authenticate(x); p != nil {
		return p
	}
	row := g.rows[pattern]
	if row == nil {
		return g.nothing(x.r)
	}
	if row.permits(x.call.Actor.Role) {
		return nil
	}
	return g.refuse(x, row)
}

// refuse puts on record that the role of the actor does not allow something. The trail
// is kept for ever, so the least of all roles may not fill it as fast as it can send.
func (g *guard) refuse(x *exchange, row *route) *problem {
	if wait := g.refused.wait(x.call.Actor.ID); wait > 0 {
		return tooMany(wait, "too_many_refusals", "this token asked too often for what its role may not do: try again later")
	}
	g.refused.add(x.call.Actor.ID)
	detail := fmt.Sprintf("the role %s may not do that (%s)", x.call.Actor.Role, row.action)
	p := refusal(http.StatusForbidden, "role", detail)
	p.EventID = g.control.Refused(x.r.Context(), x.call, row.action, audit.Target{Kind: row.kind(), ID: lastID(row, x.r)}, p)
	return p
}

// tooMany asks a client to wait.
func tooMany(wait time.Duration, code, detail string) *problem {
	p := refusal(http.StatusTooManyRequests, code, detail)
	p.headers = http.Header{"Retry-After": {strconv.FormatInt(int64(wait.Seconds())+1, 10)}}
	return p
}

// authenticate puts the actor of the presented token into the call. The answer
// to a missing token and to a wrong one is the same. Tokens that tollgate made are
// looked up however many others failed: they cannot be guessed, and whoever shares an
// address with an operator must not be able to lock that operator out.
func (g *guard) authenticate(x *exchange) *problem {
	from, token := address(x.r), presented(x.r)
	if cookie := sessionOf(x.r); token == "" && cookie != "" && x.r.Header.Get("Authorization") == "" {
		if !ownPage(x.r) {
			return refusal(http.StatusForbidden, "cross_site", "a session can only be used by the pages of the console")
		}
		if token = g.sessions.token(cookie); token == "" {
			return refusal(http.StatusUnauthorized, "session_over", "the session is over: sign in again")
		}
	}
	_, minted := vkey.ParseToken(token)
	wait := g.failed.wait(from)
	who, ok := actor.Actor{}, false
	if token != "" && (minted || wait == 0) {
		who, ok = g.control.Authenticate(x.r.Context(), token)
	}
	switch {
	case !ok && wait > 0:
		return tooMany(wait, "too_many_failures", "too many requests without a valid admin token came from this address: try again later")
	case !ok:
		g.failed.add(from)
		g.log.Warn("a request without a valid admin token was refused", "from", from, "method", x.r.Method, "request_id", x.call.RequestID)
		p := refusal(http.StatusUnauthorized, "unauthenticated", `send an admin token as "Authorization: Bearer TOKEN"`)
		p.headers = http.Header{"Www-Authenticate": {`Bearer realm="tollgate admin"`}}
		return p
	}
	if from.IsValid() {
		who.From = from.String()
	}
	x.call.Actor = who
	return nil
}

// presented is the token of a request, "" if there is none or more than one.
func presented(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header.Values("Authorization")) != 1 {
		return ""
	}
	return strings.TrimSpace(token)
}

// nothing answers a request that no route is for.
func (g *guard) nothing(r *http.Request) *problem {
	var allowed []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := g.mux.Handler(other); g.rows[pattern] != nil {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 && !slices.Contains(allowed, r.Method) {
		p := refusal(http.StatusMethodNotAllowed, "method_not_allowed", "there is "+strings.Join(allowed, ", ")+" of this path")
		p.headers = http.Header{"Allow": {strings.Join(allowed, ", ")}}
		return p
	}
	return refusal(http.StatusNotFound, "route_not_found", "there is no such path; /api/v1/openapi.json lists those of the API")
}

// recover ends a request whose handler failed.
func (g *guard) recover(w http.ResponseWriter, r *http.Request, id string) {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(fault)
	}
	g.log.Error("an admin request failed", "request_id", id, "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
	p := refusal(http.StatusInternalServerError, "internal_error", "a fault of tollgate: its log has more under the request id")
	p.RequestID = id
	p.write(w)
}

// foreign tells whether a browser sends the request for a page of another site
// (Fetch metadata, and Origin for browsers without it).
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	return origin != "" && origin != "http://"+r.Host && origin != "https://"+r.Host
}

// address is that of the client; invalid for Unix sockets.
func address(r *http.Request) netip.Addr {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return from.Addr().Unmap().WithZone("")
}

// requestID takes over the id that a client gave its request, or makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	plain := func(c rune) bool {
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.ContainsRune("-_.:", c)
	}
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, func(c rune) bool { return !plain(c) }) {
		return "req_" + strings.ToLower(rand.Text())
	}
	return id
}

// lastID is what a route names by its id, "" if it names nothing.
func lastID(row *route, r *http.Request) string {
	want, have := strings.Split(row.path, "/"), strings.Split(r.URL.EscapedPath(), "/")
	i := slices.Index(want, "{id}")
	if i < 0 || i >= len(have) {
		return ""
	}
	id, err := url.PathUnescape(have[i])
	if err != nil {
		id = have[i]
	}
	if id = vkey.Veil(id); len(id) > maxID {
		id = strings.ToValidUTF8(id[:maxID], "") + "…"
	}
	return id
}

// maxID is how long an id can be that anything has, in bytes.
const maxID = 200
