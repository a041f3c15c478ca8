package gateway

import (
	"net/http"
	"strings"
)

// handle answers a preflight, or adds what a browser needs to the answer of the
// request proper. It reports whether the request has been answered.
func (c *CORS) handle(x *exchange) (answered bool) {
	origin := x.req.Header.Get("Origin")
	if origin == "" {
		return false
	}
	by, allowed := c.allows(origin)
	if by == "*" && c.Echo && c.Credentials {
		by = origin
	}
	h := x.out.Header()
	for _, name := range corsHeaders {
		delete(h, name) // of the gate before: the narrower one decides
	}
	if by != "*" {
		h.Set("Vary", "Origin") // whoever caches must keep the answers apart
	}
	switch {
	case !allowed:
	case by == "*":
		// "Everybody" never means everybody's cookies: a browser refuses the
		// star together with credentials, and naming the origin instead would
		// hand them to any page (Fetch standard, CORS and credentials).
		h.Set("Access-Control-Allow-Origin", "*")
	default:
		h.Set("Access-Control-Allow-Origin", origin)
		if c.Credentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	credentials := c.Credentials && by != "*"
	if allowed && c.Expose != "" && !(credentials && c.Expose == "*") {
		h.Set("Access-Control-Expose-Headers", c.Expose)
	}
	if x.req.Method != http.MethodOptions || x.req.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if allowed {
		c.allow(x, "Methods", c.Methods, credentials)
		c.allow(x, "Headers", c.Headers, credentials)
		if c.MaxAge != "" {
			h.Set("Access-Control-Max-Age", c.MaxAge)
		}
	}
	x.Outcome, x.Reason = Answered, "DirectResponse"
	x.respond(http.StatusOK, nil)
	return true
}

// allow tells what a page may ask with. To a browser that sends credentials a star is a
// name like any other, so it is told what it has asked for.
func (c *CORS) allow(x *exchange, what, allowed string, credentials bool) {
	if allowed == "*" && credentials {
		asked := map[string]string{"Methods": "Access-Control-Request-Method", "Headers": "Access-Control-Request-Headers"}[what]
		allowed = strings.Join(x.req.Header[asked], ", ")
	}
	if allowed != "" {
		x.out.Header().Set("Access-Control-Allow-"+what, allowed)
	}
}

var corsHeaders = [...]string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Vary"}

// allows gives the pattern that an origin is allowed by.
func (c *CORS) allows(origin string) (pattern string, ok bool) {
	for _, pattern := range c.Origins {
		if pattern == "*" || strings.EqualFold(pattern, origin) {
			return pattern, true
		}
		before, after, wild := strings.Cut(pattern, "*")
		if wild && len(origin) > len(before)+len(after) &&
			strings.EqualFold(origin[:len(before)], before) &&
			strings.EqualFold(origin[len(origin)-len(after):], after) {
			return pattern, true
		}
	}
	return "", false
}
