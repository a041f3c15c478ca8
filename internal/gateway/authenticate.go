package gateway

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/vkey"
)

// credential is what a caller presented and where it stood.
type credential struct {
	value  string
	header string // canonical name of the header, "" if it stood elsewhere
	prefix string
}

// usualPlaces are the headers in which SDKs send a key: OpenAI and newer
// Anthropic ones as a bearer token, older Anthropic ones, Azure and Gemini ones
// in headers of their own.
var usualPlaces = [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// authenticate passes the request through the gates of its listener and its
// route. It reports done if the request has been answered on the way.
func (g *Gateway) authenticate(x *exchange) (done bool, err error) {
	if err := g.place(x); err != nil {
		return false, err
	}
	if x.presentsAdmin() {
		return false, unauthenticated("invalid credentials")
	}
	if done, err := g.pass(x, &x.listener.Gate); done || err != nil {
		return done, err
	}
	route, match, ok := x.listener.Routes.Find(&x.subject)
	if !ok && x.asksForKey(&x.listener.Gate) {
		return true, g.tellKey(x)
	}
	if !ok {
		return false, notFound("No route is configured for this path.", "route not found")
	}
	x.route, x.matched, x.Place = route, match, route.Place
	x.path = rewritten(x.req.Path, route.Rewrite, match)
	x.Operation, x.Dialect = route.operationOf(x.path)
	if done, err := g.pass(x, &route.Gate); done || err != nil {
		return done, err
	}
	if x.req.As != "" && x.entry == nil {
		return false, &fault.Error{Kind: fault.Forbidden, Code: "key_not_asked", Reason: "Authorization", Retry: fault.RetryNo,
			Message: "This route asks for no virtual key, so a request in the name of one would not be charged to it. Try a route that does."}
	}
	if x.asksForKey(&x.listener.Gate) || x.asksForKey(&route.Gate) {
		return true, g.tellKey(x)
	}
	return false, nil
}

// presentsAdmin tells that the request carries an admin token, which is good for
// nothing here and must not get any further.
func (x *exchange) presentsAdmin() bool {
	for _, values := range x.req.Header {
		for _, value := range values {
			if vkey.LooksAdmin(value[strings.LastIndexByte(value, ' ')+1:]) {
				return true
			}
		}
	}
	return false
}

// place finds the bind and the listener that a request came in by.
func (g *Gateway) place(x *exchange) error {
	bind := x.snap.Binds[x.req.Address]
	if bind == nil {
		return notFound("This address is no longer served.", "bind not found")
	}
	x.listener = bind.listener(x.req.Host)
	if x.listener == nil {
		return notFound("No listener serves this host name.", "listener not found")
	}
	x.Place = x.listener.Place
	return nil
}

func notFound(message, plain string) *fault.Error {
	return &fault.Error{Kind: fault.NotFound, Code: "route_not_found", Reason: "NotFound", Retry: fault.RetryNo, Message: message, Plain: plain}
}

// pass checks one gate: CORS first, because a preflight carries no key.
func (g *Gateway) pass(x *exchange, gate *Gate) (done bool, err error) {
	if gate.CORS != nil && gate.CORS.handle(x) {
		return true, nil
	}
	if gate.Auth != nil {
		if err := g.identify(x, gate.Auth); err != nil {
			return false, err
		}
	}
	if gate.Late {
		return false, nil
	}
	return false, x.permitted(gate)
}

// permitted checks the rules of a gate.
func (x *exchange) permitted(gate *Gate) error {
	if gate.Rules == nil || gate.Rules.Allow(x.expressionInput()) {
		return nil
	}
	return &fault.Error{Kind: fault.Forbidden, Code: "authorization_failed", Reason: "Authorization", Retry: fault.RetryNo,
		Message: "The authorization rules of this gateway do not allow this request.", Plain: "authorization failed"}
}

// permittedLate checks the rules that ask about the model or the body.
func (x *exchange) permittedLate() error {
	for _, gate := range [...]*Gate{&x.listener.Gate, &x.route.Gate} {
		if !gate.Late {
			continue
		}
		if err := x.permitted(gate); err != nil {
			return err
		}
	}
	return nil
}

// identify finds out who calls.
func (g *Gateway) identify(x *exchange, auth *Auth) error {
	if x.req.As != "" {
		return g.impersonate(x, auth)
	}
	presented, err := present(x, auth.Location)
	if err != nil {
		return err
	}
	if presented.value == "" {
		presented.value = x.virtual // the gate before has taken it out of the request
	}
	if vkey.LooksAdmin(presented.value) {
		return unauthenticated("invalid credentials")
	}
	if presented.value == "" {
		if auth.Mode == Strict {
			return unauthenticated("no API Key found")
		}
		return nil
	}
	now := g.now()
	entry, result := auth.lookup(presented.value, now)
	switch result {
	case vkey.OK:
		return x.admit(auth, entry, presented.value, now)
	case vkey.Unknown:
		if auth.Mode == Permissive {
			if !auth.Location.apart() {
				x.presented = presented
			}
			return nil
		}
		return unauthenticated("invalid credentials")
	default:
		x.known(auth, entry, presented.value)
		return refusedKey(result)
	}
}

// apart tells whether virtual keys have a header of their own, in which no client sends
// what it has from a provider: an unknown value there, perhaps a key that was deleted, is
// nobody else's business.
func (l *Location) apart() bool {
	return l != nil && l.Header != "" && l.Header != "Authorization" && !slices.Contains(usualPlaces[:], l.Header)
}

// impersonate lets an operator in as the holder of a key: what the key may not, it may
// not either. It does not count as a use of one of the key's secrets.
func (g *Gateway) impersonate(x *exchange, auth *Auth) error {
	entry, result := auth.named(x.req.As, g.now())
	if entry == nil {
		return unauthenticated("the key is not one of this listener")
	}
	x.Caller, x.entry = entry.Caller, entry
	x.out.Header()["X-Tollgate-Key"] = entry.PublicID
	if result != vkey.OK {
		return refusedKey(result)
	}
	return nil
}

// named finds a key by its id.
func (a *Auth) named(id string, now time.Time) (entry *vkey.Entry, result vkey.Result) {
	if a.Keys != nil {
		entry, result = a.Keys.Named(id, now)
	}
	if entry == nil && a.Managed != nil {
		entry, result = a.Managed.Named(id, now)
	}
	return entry, result
}

// lookup finds a key among those of the configuration and the managed ones.
func (a *Auth) lookup(presented string, now time.Time) (entry *vkey.Entry, result vkey.Result) {
	if a.Keys != nil {
		entry, result = a.Keys.Lookup(presented, now)
	}
	if result == vkey.Unknown && a.Managed != nil {
		entry, result = a.Managed.Lookup(presented, now)
	}
	return entry, result
}

// known notes whose key was presented, whatever it is still good for.
func (x *exchange) known(auth *Auth, entry *vkey.Entry, presented string) {
	x.Caller = entry.Caller
	x.presented = credential{}
	x.virtual = presented
	x.forgetKey(auth.Location)
	x.out.Header()["X-Tollgate-Key"] = entry.PublicID
}

// admit lets the holder of a key in.
func (x *exchange) admit(auth *Auth, entry *vkey.Entry, presented string, now time.Time) error {
	x.known(auth, entry, presented)
	x.entry = entry
	if entry.Networks != nil {
		client, _ := netip.ParseAddrPort(x.RemoteAddr)
		if !entry.MayCallFrom(client.Addr()) {
			return &fault.Error{Kind: fault.Forbidden, Code: "address_not_allowed", Reason: "Authorization", Retry: fault.RetryNo,
				Message: "This virtual key may not be used from your address."}
		}
	}
	if !entry.RotateBefore.IsZero() {
		x.tell(headerRotate, entry.RotateBefore.UTC().Format(time.RFC3339))
	}
	entry.Used(now)
	return nil
}

// forgetKey takes a virtual key out of the request, so that neither a provider
// nor an expression of the configuration can be shown it.
func (x *exchange) forgetKey(at *Location) {
	h := x.req.Header
	for name, values := range h {
		for _, value := range values {
			if holds(value, x.virtual) {
				delete(h, name)
				break
			}
		}
	}
	query := ""
	if at != nil {
		query = at.Query
	}
	x.req.Query = withoutParameters(x.req.Query, func(name, value string) bool {
		return name != "" && name == query || holds(value, x.virtual) || holds(name, x.virtual)
	})
	x.hasInput = false
}

// minSought is the length, in bytes, from which a key is looked for inside a
// longer text: a shorter one would be found where it does not stand.
const minSought = 8

// holds tells whether a text is, or has in it, a key.
func holds(text, key string) bool {
	if len(key) < minSought {
		return text == key || strings.HasSuffix(text, " "+key)
	}
	return strings.Contains(text, key)
}

// unauthenticated is one and the same answer for a missing, a malformed and an
// unknown key, so that it tells nothing about which keys exist; only the
// compatible plain text differs.
func unauthenticated(plain string) *fault.Error {
	return &fault.Error{
		Kind: fault.Unauthenticated, Code: "invalid_api_key", Reason: "APIKeyAuth",
		Message: "No valid virtual key was given. Send one as \"Authorization: Bearer KEY\" or in the x-api-key header.",
		Plain:   "api key authentication failure: " + plain,
	}
}

// refusedKey answers a caller who has proved to hold a key that is out of use.
func refusedKey(result vkey.Result) *fault.Error {
	code, message := "key_revoked", "This virtual key has been revoked."
	switch result {
	case vkey.Disabled:
		code, message = "key_disabled", "This virtual key is disabled."
	case vkey.Expired:
		code, message = "key_expired", "This virtual key has expired."
	}
	return &fault.Error{Kind: fault.Unauthenticated, Code: code, Reason: "APIKeyAuth", Message: message,
		Retry: fault.RetryNo, Plain: "api key authentication failure: invalid credentials"}
}

// present finds the credential of a request: at the one place that is
// configured, or at any of the usual ones, where two different ones are refused
// because nobody can tell which was meant.
func present(x *exchange, at *Location) (credential, error) {
	if at != nil {
		return presentAt(x, at), nil
	}
	found := credential{}
	if values := x.req.Header["Authorization"]; len(values) > 0 {
		if len(values) > 1 && !allEqual(values) {
			return credential{}, conflicting()
		}
		if token, ok := cutPrefixFold(values[0], "Bearer "); ok {
			found = credential{value: strings.TrimSpace(token), header: "Authorization", prefix: "Bearer "}
		}
	}
	for _, name := range usualPlaces {
		for _, value := range x.req.Header[name] {
			value = strings.TrimSpace(value)
			switch {
			case value == "":
			case found.value == "":
				found = credential{value: value, header: name}
			case found.value != value:
				return credential{}, conflicting()
			}
		}
	}
	return found, nil
}

func conflicting() *fault.Error {
	return &fault.Error{Kind: fault.Invalid, Code: "conflicting_credentials", Reason: "APIKeyAuth",
		Message: "The request carries two different credentials. Send one, in one place."}
}

func presentAt(x *exchange, at *Location) credential {
	switch {
	case at.Header != "":
		value := x.req.Header.Get(at.Header)
		token, ok := cutPrefixFold(value, at.Prefix)
		if !ok {
			return credential{}
		}
		return credential{value: strings.TrimSpace(token), header: at.Header, prefix: at.Prefix}
	case at.Query != "":
		value, _ := queryValue(x.req.Query, at.Query)
		return credential{value: value}
	case at.Cookie != "":
		return credential{value: cookie(x.req.Header["Cookie"], at.Cookie)}
	default:
		value, err := at.Expression.String(x.expressionInput())
		if err != nil {
			return credential{}
		}
		return credential{value: value}
	}
}

// cookie gives the value of a cookie, "" if there is none.
func cookie(lines []string, name string) string {
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if key, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && key == name {
				return strings.Trim(value, `"`)
			}
		}
	}
	return ""
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return "", false
	}
	return s[len(prefix):], true
}

func allEqual(values []string) bool {
	for _, v := range values[1:] {
		if v != values[0] {
			return false
		}
	}
	return true
}

// ownCredential gives the caller's own provider credential for a target that
// passes it on: never one that is, or looks like, a virtual key.
func (x *exchange) ownCredential() (credential, bool) {
	own := x.presented
	if own.value == "" {
		own, _ = present(x, nil)
	}
	if own.value == "" || x.isOurs(own.value) {
		return credential{}, false
	}
	return own, true
}

// isOurs tells whether a credential is, or looks like, a secret of ours: also a virtual key
// of another route is one.
func (x *exchange) isOurs(value string) bool {
	if value == x.virtual && value != "" || vkey.LooksIssued(value) || vkey.LooksAdmin(value) {
		return true
	}
	if x.snap.Managed != nil {
		if _, known := x.snap.Managed.Lookup(value, x.Started); known != vkey.Unknown {
			return true
		}
	}
	if x.snap.Keys == nil {
		return false
	}
	_, known := x.snap.Keys.Lookup(value, x.Started)
	return known != vkey.Unknown
}
